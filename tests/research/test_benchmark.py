"""A portfolio is held against what is named, on its bars; each of a sweep against holding on its terms."""

import numpy as np
import pandas as pd
import pytest

from flotilla.config import decode
from flotilla.errors import ConfigError, UnknownName
from flotilla.research import benchmark_of, panel_from, run, sweep
from flotilla.research.benchmark import benchmark_for, held_by_each
from flotilla.testing import made_market

CROSS = {"name": "p", "strategies": {"s": {"kind": "ma_cross", "params": {"fast": 3, "slow": 9}}}}


@pytest.fixture(scope="module")
def panel():
    return made_market(seed=3, bars=700, instruments=4)


@pytest.fixture(scope="module")
def result(panel):
    return run(decode(CROSS), panel=panel)


def test_without_a_name_all_instruments_are_bought_and_held(result, panel):
    told, hold = benchmark_for(result), benchmark_of(result.config, None, panel)

    assert told.name == "Buy and hold"
    assert told.equity.tolist() == hold.equity.tolist()
    assert told.measures == hold.measures


def test_an_instrument_of_the_data_is_its_price_from_the_starting_cash_on(result, panel):
    name = panel.instruments[2]

    told = benchmark_for(result, name)

    marks = result.market.marks[:, 2]
    assert told.name == name
    assert told.equity == pytest.approx(1e6 * marks / marks[0])
    assert told.measures["total_return"] == pytest.approx(marks[-1] / marks[0] - 1.0)
    r = np.diff(told.equity) / told.equity[:-1]
    assert told.measures["volatility"] == pytest.approx(r.std(ddof=1) * np.sqrt(252.0), rel=1e-9)


def test_a_series_of_other_days_counts_from_when_it_is_known(result):
    days = pd.DatetimeIndex(result.ts[[10, 20]].astype("datetime64[ns]"))
    frame = pd.DataFrame({"date": days, "symbol": "IDX", "close": [50.0, 100.0]})

    told = benchmark_for(result, panel_from(frame))

    assert np.isnan(told.equity[:10]).all()
    assert told.equity[10:20].tolist() == [1e6] * 10
    assert told.equity[20:].tolist() == [2e6] * 680
    assert told.measures["total_return"] == 1.0


def test_a_file_of_prices_is_read_where_the_study_lies(result, tmp_path):
    day = str(result.ts[0].astype("datetime64[ns]").astype("datetime64[D]"))
    (tmp_path / "idx.csv").write_text(f"date,symbol,close\n{day},IDX,10.0\n2035-01-01,IDX,11.0\n")

    assert benchmark_for(result, "idx.csv", tmp_path).equity.tolist() == [1e6] * 700


def test_another_run_is_a_benchmark(result, panel):
    other = run(decode({**CROSS, "name": "other", "portfolio": {"fee_bps": 0}}), panel=panel)

    told = benchmark_for(result, other)

    assert told.name == "other"
    assert told.equity == pytest.approx(other.equity)


def test_what_is_no_benchmark_is_said(result, panel):
    with pytest.raises(
        UnknownName, match="no benchmark: no file is there, and no instrument is called 'SPX'"
    ):
        benchmark_for(result, "SPX")
    with pytest.raises(ConfigError, match=r"a benchmark is one instrument; .* has 4"):
        benchmark_for(result, panel)
    late = pd.DataFrame({"date": ["2090-01-01"], "symbol": ["IDX"], "close": [1.0]})
    with pytest.raises(ConfigError, match="the benchmark IDX has no price on the bars of p"):
        benchmark_for(result, panel_from(late))


def test_portfolios_that_begin_later_are_held_against_holding_from_then_on(panel):
    starts = [str(ts.astype("datetime64[ns]").astype("datetime64[D]")) for ts in panel.ts_event[[0, 200]]]
    axes = {"portfolio.start": starts, "s.fast": [2, 3, 4], "portfolio.cap": [0.5, 1.0]}
    swept = sweep(decode({**CROSS, "sweep": axes, "rank_by": "total_return"}), panel=panel)

    held = held_by_each(swept)

    for row, value in zip(swept.table.iter_rows(named=True), held.tolist(), strict=True):
        alone = benchmark_of(swept.config_of(row["portfolio"]), None, panel)
        assert value == alone.measures["total_return"]
    assert len(set(held.tolist())) == 2
    assert any("begin on 2 different days" in remark for remark in swept.remarks)


def test_a_benchmark_of_ones_choice_begins_with_each_portfolio_too(panel):
    starts = [str(ts.astype("datetime64[ns]").astype("datetime64[D]")) for ts in panel.ts_event[[0, 200]]]
    axes = {"portfolio.start": starts, "s.fast": [2, 3]}
    swept = sweep(decode({**CROSS, "sweep": axes, "rank_by": "total_return"}), panel=panel)
    name = panel.instruments[0]

    held = held_by_each(swept, None, name)
    given = held_by_each(swept, None, np.linspace(1.0, 2.0, len(panel.ts_event) - 200))

    for row, value, own in zip(swept.table.iter_rows(named=True), held, given, strict=True):
        alone = benchmark_for(swept.result(row["portfolio"]), name)
        assert value == alone.measures["total_return"]
        assert own == 1.0 if row["portfolio.start"] == starts[1] else np.isnan(own)
    assert len(set(held.tolist())) == 2


def test_where_holding_heeds_nothing_that_is_swept_one_is_enough(panel):
    swept = sweep(decode({**CROSS, "sweep": {"s.fast": [2, 3], "portfolio.cap": [0.5, 1.0]}}), panel=panel)

    assert held_by_each(swept) is None
    assert not any("different days" in remark for remark in swept.remarks)


def test_holding_is_asked_for_by_what_a_run_is_or_gave(result, panel):
    hold = benchmark_of(decode(CROSS), panel=panel)

    assert benchmark_of(result).equity.tolist() == hold.equity.tolist()
    assert benchmark_of("ma_cross", panel=panel).equity.tolist() == hold.equity.tolist()
    with pytest.raises(ConfigError, match=r"folder should be the path.*given by name, panel=panel$"):
        benchmark_of(decode(CROSS), panel)
    with pytest.raises(ConfigError, match=r"it is a DataFrame of 1 by 1; bars are.*panel_from\(frame\)"):
        benchmark_of(decode(CROSS), pd.DataFrame({"a": [1.0]}))
