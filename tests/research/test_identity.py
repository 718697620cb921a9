"""Equal names are equal results: what a result depends on is in its name, and nothing else."""

import pytest

from flotilla.config import decode
from flotilla.research import run, sweep
from flotilla.research.identity import code_of, our_code
from flotilla.stream.table import Store
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
    simulate = sweep if "sweep" in config else run
    return simulate(decode(config), panel=panel, folder=folder).identity


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

    monkeypatch.setattr("flotilla.research.identity.our_code", lambda *_: "another version")

    assert len(our_code()) == 16
    assert name(CONFIG, panel, folder) != before


@pytest.mark.parametrize("run_by", ["numpy", "numba"])
def test_what_our_code_is_run_by_is_in_it(run_by, monkeypatch):
    our_code.cache_clear()
    before = our_code()

    monkeypatch.setattr(f"{run_by}.__version__", "0.0")
    our_code.cache_clear()

    assert our_code() != before
    monkeypatch.undo()
    our_code.cache_clear()


def read_by(*roots):
    """Return the names of our modules that are in `our_code`."""
    return {name.rpartition(".")[2] for name in code_of(*roots)}


SAYS_ITSELF = '"""Something."""\nclass A:\n    "It."\n    n = 1\ndef f(x):\n    "Does."\n    return x + 1\n'


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("Something", "Other", True),
        ("It.", "Other", True),
        ("Does", "Other", True),
        ("n = 1", "n = 1  # why", True),
        ("n = 1", "n = 2", False),
        ("x + 1", "x + 2", False),
    ],
)
def test_our_modules_count_by_what_they_do(old, new, same, monkeypatch):
    def name_with(module):
        there = {"flotilla.m": compile(module, "m.py", "exec")}
        monkeypatch.setattr("flotilla.research.identity.code_of", lambda *_: there)
        our_code.cache_clear()
        return our_code()

    found = name_with(SAYS_ITSELF) == name_with(SAYS_ITSELF.replace(old, new))

    our_code.cache_clear()
    assert found == same


def test_what_shows_results_is_not_in_a_name_and_what_makes_them_is():
    results, rows = read_by(), read_by("flotilla.stage.chunk")

    assert results >= {
        "sweep",
        "run",
        "lanes",
        "measures",
        "market",
        "decisions",
        "chunk",
        "fill",
        "rolling",
    }
    assert not results & {"wording", "presentation", "page", "verdict", "say", "errors", "look"}
    assert rows >= {"chunk", "banks", "rolling", "elementwise"}
    assert not rows & {"sweep", "run", "config", "table"}


CODE = {
    "a text": (MINE, MINE.replace("close > ", "close < "), True),
    "a comment": (MINE, MINE + "# more\n", False),
    "a function beside it": (MINE, MINE + "def other(): pass\n", False),
    "an import": ("from level import N\n" + MINE.replace("> sma", "> N * sma"), None, True),
    "an import inside": (
        MINE.replace(": return close", ":\n    import level\n    return close * level.N"),
        None,
        True,
    ),
    "a file that it reads": (MINE.replace("> sma", "> float(Path(PATH).read_text()) * sma"), None, True),
}


@pytest.mark.parametrize("config", [CONFIG, SWEEP], ids=["run", "sweep"])
@pytest.mark.parametrize("what", CODE)
def test_an_expression_is_what_its_code_built(what, config, panel, folder):
    text, other, differs = CODE[what]
    (folder / "level.py").write_text("N = 1.0\n")
    (folder / "level.txt").write_text("1.0")
    (folder / "mine.py").write_text(f"from pathlib import Path\nPATH = {str(folder / 'level.txt')!r}\n{text}")
    before = name(config, panel, folder)

    (folder / "level.py").write_text("N = 2.0\n")
    (folder / "level.txt").write_text("2.0")
    if other is not None:
        (folder / "mine.py").write_text(
            f"from pathlib import Path\nPATH = {str(folder / 'level.txt')!r}\n{other}"
        )

    assert (name(config, panel, folder) != before) == differs


MODEL = """
from pathlib import Path
from flotilla.stage import Window
from level import N

class Model(Window):
    def __init__(self, path="weights.txt", n=1):
        self._path, self._n = path, n

    def open(self):
        self._weight = float(Path(self._path).read_text())

    def over(self, close):
        return (close * self._n > self._weight * N * 50.0) * 1.0
"""


def rows(panel, folder, **params):
    """Return what the model says, from a store that knows what it said before."""
    config = CONFIG | {"strategies": {"s": {"kind": "model:Model", "params": params}}}
    result = run(decode(config), panel=panel, folder=folder, store=Store(folder))
    return result.signals["s"].tobytes(), result.identity


@pytest.fixture
def model(folder, monkeypatch):
    monkeypatch.chdir(folder)
    (folder / "model.py").write_text(MODEL)
    (folder / "level.py").write_text("N = 1.0\n")
    (folder / "weights.txt").write_text("1.0")
    (folder / "others.txt").write_text("2.0")
    return folder


CHANGES = {
    "a private attribute": lambda folder: {"n": 2},
    "another file": lambda folder: {"path": "others.txt"},
    "what is in the file": lambda folder: (folder / "weights.txt").write_text("2.0") and {},
    "a helper": lambda folder: (folder / "level.py").write_text("N = 2.0\n") and {},
    "the code": lambda folder: (folder / "model.py").write_text(MODEL.replace("50.0", "60.0")) and {},
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_stage_is_computed_anew_when_what_it_depends_on_has_changed(change, panel, model):
    before = rows(panel, model)

    after = rows(panel, model, **CHANGES[change](model))

    assert before[0] != after[0]
    assert before[1] != after[1]
    assert len(Store(model).list()) == 2


def test_a_stage_is_not_computed_anew_for_a_comment_or_for_what_it_loaded(panel, model):
    before = rows(panel, model)

    (model / "model.py").write_text(MODEL + "# a comment\n")
    after = rows(panel, model)

    assert after == before
    assert rows(panel, model) == before
    assert len(Store(model).list()) == 1


def test_a_stage_that_holds_what_has_no_name_is_computed_each_time_and_that_is_said(panel, model, caplog):
    (model / "model.py").write_text(
        MODEL.replace("= path, n", "= path, n; import threading; self.guard = threading.Lock()")
    )

    one, other = rows(panel, model), rows(panel, model)

    assert one[0] == other[0]
    assert one[1] != other[1]
    assert Store(model).list() == []
    assert "Model(guard=<unlocked _thread.lock" in caplog.text
    assert "its rows are computed anew each time" in caplog.text


def test_a_strategy_may_do_with_its_lists_what_it_likes(panel, folder):
    text = "def above(levels=()):\n    levels.sort()\n    return close > levels.pop(0)\n"
    (folder / "mine.py").write_text(f"from flotilla.stage import close\n{text}")
    config = decode(
        CONFIG | {"strategies": {"s": {"kind": "mine:above", "params": {"levels": [60.0, 40.0]}}}}
    )

    one, other = (run(config, panel=panel, folder=folder).identity for _ in range(2))

    assert one == other
    assert config.strategies["s"].params == {"levels": [60.0, 40.0]}
