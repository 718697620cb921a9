"""What a notebook asks of a result."""

import io

import numpy as np
import polars as pl
import pytest

from flotilla.errors import ConfigError, UnknownName
from flotilla.model.measures import RANKED
from flotilla.research import configure, panel_from, run, sweep
from flotilla.stage import Node, close, sma
from flotilla.testing import made_market


def above(n: int = 5) -> Node:
    return close > sma(close, n)


@pytest.fixture(scope="module")
def result():
    return run(above, panel=made_market(seed=3, bars=120, instruments=3))


@pytest.fixture(scope="module")
def swept():
    axes = {"n": [3, 5, 9], "fee_bps": [0, 5], "portfolio.start": [None, "2000-01-20"]}
    return sweep(above, sweep=axes, panel=made_market(seed=3, bars=120, instruments=3))


def test_every_measure_is_an_attribute(result):
    ours = {"orders", "exposure"}  # of every order, and of every bar

    assert {name: getattr(result, name) for name in RANKED if name not in ours} == {
        name: value for name, value in result.measures.items() if name not in ours
    }
    assert "sharpe" in dir(result)
    with pytest.raises(AttributeError, match=r"RunResult has no 'sharp'; did you mean sharpe\?"):
        _ = result.sharp


def test_returns_lead_from_the_cash_to_the_last_equity(result):
    assert result.returns.shape == result.ts.shape
    assert result.returns[0] == 0.0
    assert np.prod(1.0 + result.returns) == pytest.approx(result.final_equity / 1_000_000.0, rel=1e-12)
    assert result.frame()["return"].to_list() == result.returns.tolist()


def test_trades_are_the_round_trips_and_their_profit_is_the_growth(result):
    trades = result.trades

    assert trades.columns[:4] == ["instrument", "quantity", "entered", "left"]
    assert trades["profit"].sum() == pytest.approx(result.final_equity - 1_000_000.0, rel=1e-9)
    assert trades["left"].null_count() == (result.positions[-1] != 0.0).sum()


def test_stats_have_every_measure_and_more(result):
    told = result.stats()
    beside = result.stats(benchmark=result)

    assert {name: told[name] for name in result.measures} == result.measures
    assert {"sortino", "var_95", "win_rate"} <= told.keys()
    assert beside.keys() > told.keys()
    with pytest.raises(ConfigError, match=r"a benchmark has an equity for each bar: \(3,\), not \(120,\)"):
        result.stats(benchmark=np.ones(3))


def test_frames_can_be_written_to_any_file(result):
    orders, fills = result.frame_of_orders(), result.frame_of_fills()
    never = run(lambda: close > 1e9, panel=result.panel)

    assert pl.read_csv(io.StringIO(orders.write_csv()))["order_id"].to_list() == [
        o.order_id for o in result.orders
    ]
    assert orders["signal_ids"].to_list() == [" ".join(order.signal_ids) for order in result.orders]
    assert orders["ts_event"].cast(pl.Int64).to_list() == [order.ts_event for order in result.orders]
    assert fills.height == len(result.fills)
    assert (never.frame_of_orders().columns, never.trades.columns) == (orders.columns, result.trades.columns)
    assert never.frame_of_fills().write_csv().startswith("fill_id,")


def test_an_instrument_called_as_a_column_keeps_its_own():
    panel = panel_from(
        pl.DataFrame({"date": ["2020-01-01", "2020-01-02"], "cash": [1.0, 2.0], "B": [3.0, 4.0]})
    )

    told = run("buy_and_hold", panel=panel).frame()

    assert told.columns == ["ts", "equity", "cash", "exposure", "return", "cash (units)", "B"]


def test_a_figure_is_drawn_of_each(result, swept):
    assert result.plot().data[0].y.tolist() == result.equity.tolist()
    assert result.plot(beside=result).layout.title.text == "study"
    assert swept.plot("strategy.n", "portfolio.fee_bps").data[0].x == (3.0, 5.0, 9.0)


def test_names_are_escaped_in_a_page(swept):
    name = "<script>alert(1)</script>"
    panel = panel_from(pl.DataFrame({"date": ["2020-01-01", "2020-01-02"], name: [1.0, 2.0]}))
    one = run("buy_and_hold", panel=panel)
    many = sweep({"a": above}, sweep={"a.n": [1, 2]}, panel=panel)

    for page in (one._repr_html_(), many._repr_html_(), panel._repr_html_(), swept._repr_html_()):
        assert "<table>" in page
        assert "<script" not in page


def test_the_equity_of_portfolios_of_a_sweep_is_that_of_each_run_alone(swept):
    equity = swept.equity()

    assert equity.shape == (120, 12)
    for number in range(12):
        alone = swept.result(number)
        np.testing.assert_array_equal(equity[alone.bars, number], alone.equity)
        assert np.isnan(np.delete(equity[:, number], alone.bars)).all()
    np.testing.assert_array_equal(swept.equity([7, 3]), equity[:, [7, 3]])
    assert swept.equity([]).shape == (120, 0)
    with pytest.raises(ConfigError, match="there is no portfolio 12: study has 0 to 11"):
        swept.equity([3, 12])


def test_equity_that_does_not_fit_into_memory_is_refused_before_it_is_taken(swept, monkeypatch):
    monkeypatch.setattr("flotilla.portfolio.memory.available", lambda: 1000)

    with pytest.raises(ConfigError, match=r"equity of 12 portfolios on 120 bars takes .* name fewer"):
        swept.equity()


@pytest.mark.parametrize("said", [None, "much", [1.0, 2.0]])
def test_a_measure_that_gives_no_number_is_told_of_which_portfolio_and_what_it_gave(swept, said):
    def mine(equity):
        return said

    with pytest.raises(
        ConfigError, match=r"the measure mine should give a number .* of portfolio 0 it gave "
    ) as told:
        swept.ranked_by(mine)

    assert str(told.value).endswith(repr(said))


def test_a_measure_of_ones_own_ranks_a_sweep(swept):
    def lowest(equity):
        return float(equity.min())

    ranked, by_calmar = swept.ranked_by(lowest), swept.ranked_by("calmar")

    best = int(ranked["portfolio"][0])
    assert ranked["lowest"].to_list() == sorted(ranked["lowest"].to_list(), reverse=True)
    assert ranked["lowest"][0] == swept.result(best).equity.min()
    assert swept.ranked_by(lowest, lower=True)["portfolio"][0] == ranked["portfolio"][-1]
    assert by_calmar["calmar"][0] == swept.table["calmar"].max()
    with pytest.raises(UnknownName, match="did you mean sharpe"):
        swept.ranked_by("sharp")
    with pytest.raises(ConfigError, match="the table has a column 'sharpe' already"):
        swept.ranked_by(type("Own", (), {"__name__": "sharpe", "__call__": lambda self, e: 1.0})())


def test_a_result_of_a_configuration_needs_no_more_for_what_holding_came_to():
    from flotilla.research import benchmark_of

    study = configure("ma_cross", data={"start": "2022-01-03"})

    assert benchmark_of(study).config.name == "buy-and-hold"


@pytest.mark.parametrize(
    ("measure", "told"),
    [
        (
            lambda equity: equity,
            r"of portfolio 0 it gave an array of 120",
        ),
        (lambda equity: equity[-1:], r"of many take one, as equity\[-1\]\): of portfolio 0"),
        (lambda equity: None, "it gave None"),
        (lambda equity: "1.5", "it gave '1.5'"),
        (lambda equity: equity.foo, r"test_look\.py, line \d+\) failed on portfolio 0.*no attribute 'foo'"),
        (lambda equity, other: 1.0, "missing 1 required positional argument: 'other'"),
        (5, "a name or a function of equity, it is 5"),
    ],
)
def test_a_measure_that_gives_no_number_is_told(swept, measure, told):
    with pytest.raises(ConfigError, match=told):
        swept.ranked_by(measure)


@pytest.mark.parametrize("wrong", [1.5, "0", None, True, {"portfolio": 0}])
def test_a_portfolio_is_asked_for_by_its_number(swept, wrong):
    for asked in (swept.config_of, swept.result, lambda number: swept.equity([number])):
        with pytest.raises(ConfigError, match="asked for by its number"):
            asked(wrong)


def test_rows_of_the_table_are_portfolios_and_so_is_one_number(swept):
    best = swept.best(2)

    np.testing.assert_array_equal(swept.equity(best), swept.equity(best["portfolio"]))
    np.testing.assert_array_equal(swept.equity(3), swept.equity([3]))


@pytest.mark.parametrize("wrong", [0, -1, "x", 1.5])
def test_the_best_are_one_or_more(swept, wrong):
    with pytest.raises(ConfigError, match="1 or more"):
        swept.best(wrong)


def test_a_sweep_says_where_a_measure_is_and_what_there_is(swept):
    with pytest.raises(AttributeError, match=r"a sharpe of each portfolio: table\['sharpe'\]"):
        _ = swept.sharpe
    with pytest.raises(AttributeError, match=r"SweepResult has no 'tabel'; did you mean table"):
        _ = swept.tabel


def test_names_that_are_near_come_once(result):
    with pytest.raises(AttributeError) as told:
        _ = result.zzz

    names = str(told.value).partition("there is ")[2].partition(" and ")[0].split(", ")
    assert len(names) == len(set(names))
