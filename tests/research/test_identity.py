"""Equal names are equal results: what a result depends on is in its name, and nothing else."""

import pytest

from flotilla.config import decode
from flotilla.research import run, sweep
from flotilla.research.identity import our_code
from flotilla.testing import made_market

CONFIG = {
    "name": "named",
    "strategies": {"s": {"kind": "mine:above", "params": {"n": 5}}},
    "portfolio": {"fee_bps": 5},
}
SWEEP = CONFIG | {"sweep": {"s.n": [3, 5]}}
MINE = "from flotilla.stage import close, sma\ndef above(n: int = 3): return close > sma(close, n)\n"
DECISIONS = "ts_recv,portfolio,scale\n2000-02-01T00:00:00Z,nam*,0.5\n"


@pytest.fixture(scope="module")
def panel():
    return made_market(seed=1, bars=60, instruments=3)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "mine.py").write_text(MINE)
    (tmp_path / "d.csv").write_text(DECISIONS)
    return tmp_path


def name(config, panel, folder):
    lives = sweep if "sweep" in config else run
    return lives(decode(config), panel=panel, folder=folder).identity


@pytest.mark.parametrize("config", [CONFIG, SWEEP], ids=["run", "sweep"])
@pytest.mark.parametrize(
    "otherwise",
    [
        {"portfolio": {"fee_bps": 6}},
        {"portfolio": {"fee_bps": 5, "start": "2000-01-20"}},
        {"portfolio": {"fee_bps": 5, "decisions": "d.csv"}},
        {"strategies": {"s": {"kind": "mine:above", "params": {"n": 6}}}},
        {"strategies": {"s": {"kind": "mine:above", "params": {"n": 5}, "weight": 2.0}}},
        {"strategies": {"s": {"kind": "mine:above", "params": {"n": 5}}, "h": {"kind": "buy_and_hold"}}},
        {"sweep": {"s.n": [3, 6]}},
    ],
    ids=["term", "start", "decisions", "parameter", "weight", "strategy", "axis"],
)
def test_another_configuration_is_another_name(config, otherwise, panel, folder):
    assert name(config | otherwise, panel, folder) != name(config, panel, folder)


@pytest.mark.parametrize("config", [CONFIG, SWEEP], ids=["run", "sweep"])
def test_what_a_result_is_called_or_ranked_by_is_not_in_its_name(config, panel, folder):
    otherwise = config | {
        "name": "other",
        "rank_by": "cagr",
        "data": {"source": "sample", "end": "2001-01-01"},
    }

    assert name(otherwise, panel, folder) == name(config, panel, folder)


@pytest.mark.parametrize("config", [CONFIG, SWEEP], ids=["run", "sweep"])
def test_other_bars_are_another_name(config, panel, folder):
    assert name(config, panel.rows(0, 59), folder) != name(config, panel, folder)


@pytest.mark.parametrize("config", [CONFIG, SWEEP], ids=["run", "sweep"])
def test_another_text_of_a_strategys_file_is_another_name(config, panel, folder):
    before = name(config, panel, folder)

    (folder / "mine.py").write_text(MINE.replace(">", "<"))

    assert name(config, panel, folder) != before


@pytest.mark.parametrize("swept", [False, True])
def test_another_text_of_a_table_of_decisions_is_another_name(swept, panel, folder):
    heeds = (
        {"sweep": {"portfolio.decisions": [None, "d.csv"]}}
        if swept
        else {"portfolio": {"decisions": "d.csv"}}
    )
    before = name(CONFIG | heeds, panel, folder)

    (folder / "d.csv").write_text(DECISIONS.replace("0.5", "0.4"))

    assert name(CONFIG | heeds, panel, folder) != before


def test_decisions_are_heeded_by_name_so_the_name_is_in_the_name(panel, folder):
    heeds = CONFIG | {"portfolio": {"decisions": "d.csv"}}

    one, other = (run(decode(heeds | {"name": n}), panel=panel, folder=folder) for n in ("named", "other"))

    assert one.equity.tolist() != other.equity.tolist()
    assert one.identity != other.identity


def test_lists_of_portfolios_have_names_of_their_own(panel, folder):
    def listed(*values):
        return sweep(decode(CONFIG), panel=panel, folder=folder, portfolios={"s.n": values}).identity

    assert len({listed(3, 5), listed(5, 3), listed(3, 5, 5), listed(3, 6), name(SWEEP, panel, folder)}) == 5


def test_our_own_code_is_in_every_name(panel, folder, monkeypatch):
    before = name(CONFIG, panel, folder)

    monkeypatch.setattr("flotilla.research.identity.our_code", lambda: "another version")

    assert len(our_code()) == 16
    assert name(CONFIG, panel, folder) != before
