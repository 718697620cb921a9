import base64
import hashlib
import json
import math
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from tests.research.report.conftest import DAY, fill, sweep_of, walk

from flotilla.research.report.page import HOVERED, asset, embedded, page, policy, series
from flotilla.research.report.sections import explored

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&"
VOID = {"meta", "input", "img", "br", "hr"}


class Reader(HTMLParser):
    """Reads a page as a browser would, and remembers its elements and its text."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.words = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def read(data):
    return Reader(page(data, explored(data)))


@pytest.fixture
def evil(made):
    """Return a report in which every word that a user may choose is an attack."""
    return made(
        name=EVIL,
        identity=EVIL,
        description=EVIL,
        data=EVIL,
        benchmark_name=EVIL,
        instruments=(EVIL,),
        parameters={EVIL: EVIL},
        measures={EVIL: 1.0, "sharpe": 1.0},
        fills=[fill(0, 1.0, 1.0, EVIL)],
        sweep=sweep_of({EVIL: [EVIL, "b"], "b": ["c", EVIL]}, score=lambda a, b: float(len(a) - len(b))),
        assumptions=[(EVIL, EVIL)],
        not_modelled=[(EVIL, EVIL)],
        lineage={EVIL: EVIL},
        command=EVIL,
    )


def test_every_element_is_closed(made):
    assert read(made()).open == []


def test_a_strategy_called_script_is_harmless(evil):
    reader = read(evil)

    scripts = [attributes for tag, attributes in reader.elements if tag == "script"]
    assert scripts == [{"type": "application/json", "id": "series"}, {}]
    assert not any(name.startswith("on") for _, attributes in reader.elements for name in attributes)
    assert all(a.get("src", "").startswith("data:") for tag, a in reader.elements if tag == "img")
    assert "".join(reader.words).count(EVIL) >= 10


def test_what_the_script_reads_cannot_end_its_element():
    assert "<" not in embedded({"name": EVIL})
    assert json.loads(embedded({"name": EVIL})) == {"name": EVIL}


def test_only_the_pages_own_script_may_run_and_nothing_may_be_fetched(made):
    reader = read(made())

    allowed = next(a["content"] for _, a in reader.elements if "http-equiv" in a)
    script = reader.words[-2] if reader.words[-1].strip() == "" else reader.words[-1]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert allowed == policy(script)
    assert f"script-src 'sha256-{digest}'" in allowed
    assert "default-src 'none'" in allowed


def test_the_page_needs_nothing_else(made):
    text = page(made(), explored(made()))

    assert not re.search(r"https?://|//cdn|@import|<link|url\(", text)


def test_the_page_knows_light_dark_paper_and_narrow():
    text = asset("report.css")

    assert "prefers-color-scheme: dark" in text
    assert "@media print" in text
    assert "max-width: 40rem" in text


def test_every_picture_has_a_title_and_a_description(made):
    text = page(made(), explored(made()))

    assert text.count("<svg") == text.count("<title id=") == text.count("<desc id=") >= 6
    assert all(a.get("alt") for tag, a in read(made()).elements if tag == "img")


def test_the_crosshair_reads_the_figures_of_each_row(made):
    data = made()

    carried = series(data)

    times = carried["start"] + carried["unit"] * np.cumsum([0, *carried["steps"]])
    assert (times * 1_000_000_000).tolist() == data.ts.tolist()
    assert carried["own"] == np.rint(data.equity).astype(int).tolist()
    assert carried["exposure"][-1] == 10_000


def test_small_money_keeps_six_digits_and_a_missing_row_is_null(made):
    equity = np.array([1.0, math.nan, 1.23456789])

    carried = series(made(rows=3, equity=equity, benchmark=None, exposure=None, fills=()))

    assert carried["own"] == [1.0, None, 1.23457]
    assert carried["ownFall"] == [0, None, 0]
    assert "other" not in carried


def test_a_million_rows_make_a_page_of_the_same_size(made):
    rows = 1_000_000
    minutes = 60_000_000_000 * np.arange(rows)
    many = made(rows=rows, ts=minutes, equity=walk(rows, 1), benchmark=walk(rows, 2), exposure=None, fills=())

    carried = series(many)

    assert len(carried["own"]) <= HOVERED + 1
    assert carried["start"] + carried["unit"] * sum(carried["steps"]) == minutes[-1] // 1_000_000_000


def test_thirty_three_years_and_ten_thousand_portfolios_fit_in_an_e_mail(made):
    rows = 8313
    axes = {"fast": list(range(2, 102)), "slow": list(range(105, 304, 2))}
    data = made(
        rows=rows,
        ts=DAY * np.arange(rows),
        sweep=sweep_of(axes, score=lambda fast, slow: math.sin(fast / 9) * math.cos(slow / 31)),
    )

    assert len(page(data, explored(data)).encode()) < 1_000_000
