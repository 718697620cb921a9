import math
import re

import numpy as np
import polars as pl
from tests.research.report.conftest import fill, ns, sweep_of

from flotilla.research.periods import returns_by
from flotilla.research.report import SweepData, tables
from flotilla.research.report.page import asset


def cells(table):
    """Return the text of a table's body, row by row."""
    body = table.split("<tbody>")[1]
    return [
        [re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row)]
        for row in re.findall(r"<tr>(.*?)</tr>", body)
    ]


def test_a_month_stands_in_its_year_and_column(made):
    data = made(rows=3, ts=ns("2020-01-31", "2020-03-31", "2021-02-26"), fills=(),
                equity=np.array([100.0, 105.0, 84.0]), benchmark=None, exposure=None)  # fmt: skip

    rows = cells(tables.months(data))

    assert rows[0] == ["2020", "0.0", "", "5.0", *[""] * 9, "5.0%"]
    assert rows[1] == ["2021", "", "−20.0", *[""] * 10, "−20.0%"]


def test_a_gain_and_a_loss_differ_in_colour_and_in_sign(made):
    table = tables.months(made())

    assert re.search(r'<td class="gain" style="--deep:\d+%">\d', table)
    assert re.search(r'<td class="loss" style="--deep:\d+%">−', table)


def test_the_years_in_figures_are_those_of_the_curve(made):
    data = made()
    years = returns_by("Y", data.ts, data.equity)

    rows = cells(tables.year_figures(data))

    assert len(rows) == len(years.value)
    assert rows[1][1] == f"{years.value[1]:+.1%}".replace("-", "−")


def test_a_fall_that_lasts_says_not_yet(made):
    data = made(rows=3, equity=np.array([100.0, 50.0, 60.0]), fills=())

    assert cells(tables.deepest_falls(data)) == [["50.0%", "2019-11-04", "2019-11-05", "not yet", "2"]]


def test_the_best_have_their_parameters_and_the_ranked_measure_first(made):
    data = made()

    rows = cells(tables.best(data, data.sweep))

    assert rows[0] == ["1", "4", "30", "34.00"]
    assert len(rows) == 9


def test_the_best_have_the_number_by_which_they_are_asked_for(made):
    sweep = sweep_of({"a": [1, 2]})
    numbered = SweepData(sweep.axes, sweep.table.with_columns(portfolio=pl.Series([7, 3])), sweep.rank_by)

    assert [row[:3] for row in cells(tables.best(made(sweep=numbered), numbered))] == [
        ["1", "7", "2"],
        ["2", "3", "1"],
    ]


def test_the_largest_fills_come_by_value_whichever_way_they_went():
    fills = [fill(0, 1.0, 10.0 + k) for k in range(20)] + [fill(0, -5.0, 100.0, "PEP")]

    rows = cells(tables.largest(fills))

    assert len(rows) == 10
    assert rows[0] == ["1970-01-01", "PEP", "sell", "5", "100", "500.00", "1.00"]
    assert rows[1][4] == "29"


def test_a_measure_has_its_value_its_formula_and_its_source(made):
    table = tables.definitions(made())

    assert cells(table)[0][:3] == ["Sharpe ratio", "0.80", "0.50"]
    assert "mean(r) / stdev(r)" in table
    assert "Sharpe, W. F. (1994)" in table


def test_what_is_not_computed_says_so():
    assert tables.skill_or_luck().count("not computed yet") == 3


def test_a_missing_number_is_not_a_number():
    assert math.isnan(tables.number(None))
    assert math.isnan(tables.number("a"))
    assert tables.number(np.float64(2.5)) == 2.5


def test_a_table_scrolls_where_it_is_too_wide_and_can_be_reached_by_key(made):
    assert (
        'class="scroll" tabindex="0" role="region" aria-label="Monthly returns, in percent"'
        in tables.months(made())
    )


def colours(block):
    return {
        name: [int(value[k : k + 2], 16) / 255 for k in (0, 2, 4)]
        for name, value in re.findall(r"--(\w+): #([0-9a-f]{6});", block)
    }


def contrast(one, other):
    """Return the contrast of two colours as WCAG 2 defines it, 1 to 21."""
    linear = [np.where(np.array(c) <= 0.04045, np.array(c) / 12.92, ((np.array(c) + 0.055) / 1.055) ** 2.4)
              for c in (one, other)]  # fmt: skip
    dark, light = sorted(float(c @ np.array([0.2126, 0.7152, 0.0722])) for c in linear)
    return (light + 0.05) / (dark + 0.05)


def test_words_can_be_read_on_every_ground_in_light_and_in_dark():
    style = asset("report.css")
    light = colours(style.split("}")[0])
    dark = {**light, **colours(style.split("prefers-color-scheme: dark")[1].split("}")[0])}

    for scheme in (light, dark):
        for words in ("ink", "muted", "own", "loss"):
            assert contrast(scheme[words], scheme["paper"]) >= 4.5, words
        assert contrast(scheme["ink"], scheme["warn"]) >= 7
        assert contrast(scheme["other"], scheme["paper"]) >= 3  # a line needs less than words do
        for tint in ("own", "loss"):  # the deepest cell of the months is half tint, half paper
            cell = [(a + b) / 2 for a, b in zip(scheme[tint], scheme["paper"], strict=True)]
            assert contrast(scheme["ink"], cell) >= 4.5, tint
