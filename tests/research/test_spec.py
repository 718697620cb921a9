"""The workloads of bench-spec.md: values that several engines agree on, and an oracle from its words."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from flotilla.config import decode
from flotilla.plugins import find
from flotilla.research import run, sweep

REPOSITORY = Path(__file__).resolve().parents[2]
PAIRS = [(10, 60), (20, 120), (50, 200)]
MANNERS = {
    "P": {"size_at": "fill", "rebalance": "change"},
    "Q": {"size_at": "decision", "rebalance": "change"},
    "bP": {"size_at": "fill", "rebalance": "bar"},
    "bQ": {"size_at": "decision", "rebalance": "bar"},
}
FINALS = {
    "P": [25875681.165300544, 30290962.923330572, 39495392.939487763],
    "Q": [25968826.962310761, 30649095.932303682, 39123224.570815258],
    "bP": [17700716.353096869, 19976180.608368661, 31094447.263049491],
    "bQ": [17713687.270782769, 19958022.052332506, 30867415.493466944],
}
ORDERS = {"P": [3978, 1929, 915], "Q": [3978, 1927, 915]}


def config(**portfolio):
    strategies = {"cross": {"kind": "ma_cross"}}
    return decode({"name": "spec", "strategies": strategies, "portfolio": {"fee_bps": 10, **portfolio}})


def crosses(pairs, panel, **portfolio):
    """Return final equities and order counts of moving-average pairs, through the ordinary path."""
    listed = {"cross.fast": [fast for fast, _ in pairs], "cross.slow": [slow for _, slow in pairs]}
    table = sweep(config(**portfolio), panel=panel, portfolios=listed).table.sort("portfolio")
    return table["final_equity"].to_list(), table["orders"].to_list()


@pytest.fixture(scope="module")
def stocks():
    return find("source", "sample")().panel()


@pytest.fixture(scope="module")
def goog():
    places = [REPOSITORY.glob(".venv*/lib/python*/site-packages/backtesting")]
    spec = find_spec("backtesting")
    if spec is not None and spec.origin is not None:
        places.append([Path(spec.origin).parent])
    files = [file for place in places for folder in place if (file := folder / "test" / "GOOG.csv").exists()]
    if not files:
        pytest.skip("GOOG's bars come with backtesting 0.6.6, which `make bench` installs")
    return find("source", "csv")(path=str(files[0])).panel()


@pytest.mark.parametrize("manner", ["P", "Q"])
def test_finals_and_orders_of_20_stocks_are_those_of_the_specification(manner, stocks):
    finals, orders = crosses(PAIRS, stocks, **MANNERS[manner])

    assert finals == pytest.approx(FINALS[manner], rel=1e-9)
    assert orders == ORDERS[manner]


@pytest.mark.parametrize("manner", ["bP", "bQ"])
def test_finals_of_20_stocks_rebalanced_at_every_bar_are_those_of_the_specification(manner, stocks):
    finals, _ = crosses(PAIRS, stocks, **MANNERS[manner])

    assert finals == pytest.approx(FINALS[manner], rel=1e-6)


def test_one_portfolio_through_8313_days_has_the_bits_of_its_lane(stocks):
    lanes, orders = crosses([(20, 120)], stocks)

    single = run(decode({
        "name": "spec",
        "strategies": {"cross": {"kind": "ma_cross", "params": {"fast": 20, "slow": 120}}},
    }), panel=stocks)  # fmt: skip

    assert [single.equity[-1]] == lanes
    assert [len(single.fills)] == orders


def oracle(panel, fast, slow):
    """Return the final equity and the orders of W3, variant Q, as the specification says it in words."""
    close = panel.fields["close"]
    mills = np.rint(close * 1000.0).astype(np.int64)
    sums = np.vstack([np.zeros((1, mills.shape[1]), np.int64), np.cumsum(mills, axis=0)])

    def last(n):
        return sums[slow:] - sums[slow - n : len(sums) - n]

    signal = np.zeros(close.shape, bool)
    signal[slow - 1 :] = slow * last(fast) > fast * last(slow)
    cash, shares, count, fee = 1e6, np.zeros(close.shape[1]), 0, 0.001
    before = np.zeros(close.shape[1], bool)
    for t in range(len(close) - 1):
        changed, before = signal[t] != before, signal[t]
        if not changed.any():
            continue
        value = cash + shares @ close[t]
        wish = np.where(changed, signal[t] * value / 20.0 / close[t] - shares, 0.0)
        traded = wish * close[t + 1]
        sells, buys = wish < 0.0, wish > 0.0
        cash += -traded[sells].sum() * (1.0 - fee)
        need = traded[buys].sum() * (1.0 + fee)
        share = min(1.0, cash / need) if need > 0.0 else 1.0
        cash = cash - need if share == 1.0 else 0.0
        shares = shares + np.where(buys, wish * share, wish)
        shares[sells & ~signal[t]] = 0.0
        count += int(sells.sum()) + int((wish * share > 0.0).sum())
    return cash + shares @ close[-1], count


@pytest.mark.parametrize("pair", [(2, 105), (37, 181), (101, 303), (20, 120)])
def test_the_oracle_written_from_the_words_agrees(pair, stocks):
    finals, orders = crosses([pair], stocks)

    final, count = oracle(stocks, *pair)
    assert finals == pytest.approx([final], rel=1e-9)
    assert orders == [count]


ALL_IN = {"allocation": 1.0, "fill_at": "open", "size_at": "fill"}


def test_one_asset_all_in_and_all_out_at_the_open_is_what_seven_engines_say(goog):
    finals, orders = crosses([(10, 30), (2, 3), (50, 143)], goog, **ALL_IN)

    assert goog.shape == (2148, 1)
    assert finals[0] == pytest.approx(7_515_292.8398, abs=1e-4)
    assert finals[1:] == pytest.approx([1335003.4998415387, 2954995.313892853], rel=1e-9)
    assert orders == [67, 753, 19]
