"""What is named beside a portfolio, as a notebook has it."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

from flotilla.config import decode
from flotilla.errors import ConfigError, UnknownName
from flotilla.research import run, sweep
from flotilla.research.beside import beside
from flotilla.testing import made_market

CROSS = {"name": "p", "strategies": {"s": {"kind": "ma_cross", "params": {"fast": 3, "slow": 9}}}}


@pytest.fixture(scope="module")
def panel():
    return made_market(seed=3, bars=60, instruments=2)


@pytest.fixture(scope="module")
def result(panel):
    return run(decode(CROSS), panel=panel)


@pytest.fixture(scope="module")
def series(panel):
    days = pd.DatetimeIndex(panel.ts_event.astype("datetime64[ns]"), name="date")
    return pd.Series(panel.fields["close"][:, 0].copy(), days, name=panel.instruments[0])


def test_a_price_means_the_same_however_it_is_given(result, panel, series):
    name = panel.instruments[0]
    forms = [series, series.to_frame(), pl.from_pandas(series.to_frame().reset_index()), panel[name], name]

    for form in forms:
        assert beside(result, form).name == name
        assert beside(result, form).equity.tolist() == beside(result, series).equity.tolist()
        assert result.stats(form)["beta"] == result.stats(series)["beta"]
        assert result.plot(form).data[0].name == name


def test_an_equity_is_taken_as_it_is(result):
    for form in (result, result.equity, result.equity.tolist()):
        assert beside(result, form).equity.tolist() == result.equity.tolist()
        assert result.stats(form)["beta"] == 1.0


@pytest.mark.parametrize(
    ("named", "told"),
    [
        (5, "it is 5"),
        (len, "built-in function len"),
        (np.ones(3), r"an equity for each bar: \(3,\), not \(60,\)"),
        (np.zeros(60), r"np\.cumprod\(1 \+ returns\)"),
        (["a"] * 60, "equity is numbers"),
    ],
)
def test_what_is_none_is_said(result, named, told):
    for asked in (result.stats, result.plot):
        with pytest.raises(ConfigError, match=told):
            asked(named)


def test_what_is_several_or_nowhere_is_said(result, panel):
    swept = sweep(decode({**CROSS, "sweep": {"s.fast": [2, 3]}}), panel=panel)

    with pytest.raises(ConfigError, match="one instrument; made-3 has 2"):
        result.stats(panel)
    with pytest.raises(UnknownName, match="is called 'SPYX'"):
        result.stats("SPYX")
    with pytest.raises(ConfigError, match="it is SweepResult"):
        result.stats(swept)
