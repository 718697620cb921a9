"""A portfolio, said once more in plain Python: floats, dicts and loops, to be read beside DESIGN section 5.

Nothing of the kernel is used here. What is said is the order of operations too, so that everything that
trades (a lane of a sweep, a run, a live portfolio) is held equal to it in every bit.

For each row, in this order:

1. `fill`    what was ordered before: sells, then buys, which are scaled down together to the cash there is
2. `mark`    at the last known closes, and add to the measures
3. `decide`  fuse signals and risk to weights, weights to quantities, and leave orders for the next row

An instrument that is not a key of `Row.price` does not trade on the row: its orders rest. One that is not a
key of `Row.close` has no close: nothing is decided for it. One that is not a key of a strategy's signals is
one that the strategy has no signal of: it stays with its last.
"""

from datetime import date, timedelta
from fractions import Fraction
from math import floor, isnan, nan, sqrt, trunc
from typing import Any, NamedTuple

import numpy as np

EPSILON = 2.0**-52
DUST = 2.0**-30
BPS = 1e-4
NEAR = Fraction(1, 2**44)
WEEKDAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]


class Terms(NamedTuple):
    """A portfolio's terms, as its configuration has them."""

    cash: float = 1_000_000.0
    fee_bps: float = 10.0
    slippage_bps: float = 0.0
    lot: float = 0.0
    allocation: float | dict[str, float] | None = None
    cap: float = 1.0
    risk_tolerance: float = 1.0
    max_drawdown: float | None = None
    size_at: str = "decision"
    rebalance: str = "change"  # or the bars on which holdings are restored: "bar", "month", ...
    band: float = 0.0
    min_trade: float = 0.0


class Row(NamedTuple):
    """One bar of all instruments: instrument -> number, where there is one."""

    price: dict[str, float]  # at which orders fill
    close: dict[str, float]
    signals: dict[str, dict[str, float]]  # strategy -> instrument -> [-1, 1]
    scale: dict[str, float]  # of the risk decisions that stand; 1 where none does
    cap: dict[str, float]
    day: date  # on which it began, where the market is


class Filled(NamedTuple):
    """One fill."""

    bar: int
    instrument: str
    quantity: float
    price: float
    fee: float


class Portfolio:
    """One portfolio. Read `live` first."""

    def __init__(self, terms: Terms, instruments: list[str], shares: dict[str, float]) -> None:
        self.terms, self.instruments, self.shares = terms, instruments, shares
        equal = 1.0 / len(instruments) if terms.allocation is None else terms.allocation
        self.allocation = equal if isinstance(equal, dict) else dict.fromkeys(instruments, equal)
        self.bar = -1
        self.cash = terms.cash
        self.position = dict.fromkeys(instruments, 0.0)
        self.orders: dict[str, float] = {}  # units, or a weight where it is sized at the fill
        self.signal = dict.fromkeys(instruments, 0.0)
        self.weight = dict.fromkeys(instruments, 0.0)
        self.marks = dict.fromkeys(instruments, 0.0)
        self.period: dict[str, Any] = {}  # in which something was last decided
        self.equity = self.peak = terms.cash
        self.inverse = 1.0 / terms.cash
        self.halted = False
        self.fills: list[Filled] = []
        self.equities: list[float] = []
        self.cashes: list[float] = []
        self.positions: list[dict[str, float]] = []
        self.weights: list[dict[str, float]] = []
        self.drawdown = self.total = self.square = self.held = self.invested = 0.0
        self.traded = self.fees = 0.0

    def live(self, row: Row) -> None:
        """Simulate one row."""
        self.bar += 1
        self.fill(row)
        self.mark(row)
        self.decide(row)
        self.equities.append(self.equity)
        self.cashes.append(self.cash)
        self.positions.append(dict(self.position))
        self.weights.append(dict(self.weight))

    # 1. fill

    def fill(self, row: Row) -> None:
        """Fill the orders of what trades, and forget them."""
        asked = {
            name: self.orders.pop(name)
            for name in self.instruments
            if {name} <= row.price.keys() & self.orders.keys()
        }
        if self.terms.size_at == "fill":
            asked = self.sized(asked, row)
        slippage = self.terms.slippage_bps * BPS
        sells = {name: q for name, q in asked.items() if q < 0.0}
        buys = {name: q for name, q in asked.items() if q > 0.0}
        for name, quantity in sells.items():
            self.book(name, quantity, row.price[name] * (1.0 - slippage))
        paid = {name: row.price[name] * (1.0 + slippage) for name in buys}
        need = 0.0
        for name, quantity in buys.items():
            need += quantity * paid[name] + self.fee(quantity, paid[name])
        # Of buys that are cut, a few units in the last place stay unspent, and they buy nothing later.
        whole, power = need <= self.cash, self.cash * (1.0 - (len(self.instruments) + 8) * EPSILON)
        for name, quantity in buys.items():
            if whole:
                self.book(name, quantity, paid[name])
            elif power / need > DUST:
                self.book(name, self.lots_within(quantity * (power / need)), paid[name])
        self.count(asked)

    def sized(self, weights: dict[str, float], row: Row) -> dict[str, float]:
        """Return weights as units: of what the portfolio is worth at the fill's prices, before any fill.

        What does not trade is worth what was last known of it; this row's close is not known yet.
        """
        worth = self.cash
        for name in self.instruments:
            worth += self.position[name] * row.price.get(name, self.marks[name])
        asked = {
            name: self.missing(name, w * worth / row.price[name], row.price[name])
            for name, w in weights.items()
        }
        return {name: q for name, q in asked.items() if q != 0.0}

    def book(self, name: str, quantity: float, price: float) -> None:
        """Take one fill into the account."""
        fee = self.fee(quantity, price)
        self.cash = self.cash - (quantity * price + fee)
        self.position[name] = self.on_lots(self.position[name] + quantity)
        if quantity != 0.0:
            self.fills.append(Filled(self.bar, name, quantity, price, fee))

    def fee(self, quantity: float, price: float) -> float:
        return abs(quantity * price) * (self.terms.fee_bps * BPS)

    def count(self, asked: dict[str, float]) -> None:
        """Add the row's fills to the measures, in the order of the instruments."""
        mine = {f.instrument: f for f in self.fills if f.bar == self.bar}
        for name in self.instruments:
            if name in mine:
                self.traded += abs(mine[name].quantity * mine[name].price)
                self.fees += mine[name].fee

    # 3. mark (moment 2, protection, is not there yet)

    def mark(self, row: Row) -> None:
        """Value what is owned, and add to the measures."""
        self.marks |= row.close
        self.equity = self.cash
        for name in self.instruments:
            self.equity += self.position[name] * self.marks[name]
        change = self.equity * self.inverse - 1.0
        self.total += change
        self.square += change * change
        self.inverse = 1.0 / self.equity
        self.held += self.equity
        self.invested += (self.equity - self.cash) * self.inverse
        self.peak = max(self.peak, self.equity)
        self.drawdown = max(self.drawdown, 1.0 - self.equity / self.peak)

    # 4. decide

    def decide(self, row: Row) -> None:
        """Leave orders for the next row."""
        limit = self.terms.max_drawdown
        if limit is not None and self.equity <= self.peak * (1.0 - limit):
            self.halted = True
        for name in self.instruments:
            if name in row.close:
                self.decide_one(name, row)

    def decide_one(self, name: str, row: Row) -> None:
        self.signal[name] = self.fused(name, row)
        weight = self.weighed(name, row)
        before, self.weight[name] = self.weight[name], weight
        restored = self.is_due(name, row) and self.has_drifted(name, weight, row)
        self.period[name] = self.period_of(row)
        if weight == before and not restored:
            return
        self.orders.pop(name, None)  # a new wish replaces what rests
        if self.terms.size_at == "fill":
            self.orders[name] = weight
            return
        close = row.close[name]
        quantity = self.missing(name, weight * self.equity / close, close)
        if quantity != 0.0:
            self.orders[name] = quantity

    def is_due(self, name: str, row: Row) -> bool:
        """Say whether a new period begins for an instrument that something was decided of before."""
        if name not in self.period or self.period[name] == self.period_of(row):
            return False
        said = any(share > 0.0 and name in row.signals[s] for s, share in self.shares.items())
        said = said or (len(self.shares) == 1 and any(name in told for told in row.signals.values()))
        return said or self.terms.rebalance != "bar"

    def has_drifted(self, name: str, weight: float, row: Row) -> bool:
        drift = abs(self.position[name] * row.close[name] - weight * self.equity)
        rounding = 0.0 if self.terms.rebalance in ("change", "bar") else 2.0**-40
        return drift >= max(self.terms.band, rounding) * self.equity

    def period_of(self, row: Row) -> Any:
        """Return what is another thing in each period."""
        day, (word, _, end) = row.day, self.terms.rebalance.partition("_")
        if end:  # it begins with the last day of the last one from Monday to Friday
            day += timedelta(1)
            while day.weekday() > 4:
                day += timedelta(1)
        if word in WEEKDAYS:  # since the last such day
            return day - timedelta((day.weekday() - WEEKDAYS.index(word)) % 7)
        return {
            "change": None,
            "bar": self.bar,
            "day": day,
            "week": day.isocalendar()[:2],
            "month": (day.year, day.month),
            "quarter": (day.year, (day.month - 1) // 3),
            "year": day.year,
        }[word]

    def fused(self, name: str, row: Row) -> float:
        """Return the strategies' weighted mean, none of them beyond 1; without any, the last signal."""
        said = [
            (share, min(max(row.signals[s][name], -1.0), 1.0))
            for s, share in self.shares.items()
            if share > 0.0 and name in row.signals[s]
        ]
        if not said:
            return self.signal[name]
        if len(said) == 1:
            return said[0][1]
        above = below = 0.0
        for share, signal in said:
            above += share * signal
            below += share
        return above / below

    def weighed(self, name: str, row: Row) -> float:
        if self.halted:
            return 0.0
        risk = min(1.0, self.terms.risk_tolerance * row.scale[name])
        cap = min(self.terms.cap, row.cap[name])
        return min(min(max(self.signal[name], 0.0), 1.0) * self.allocation[name] * risk, cap)

    def whole_lots(self, quantity: float) -> float:
        """Return the quantity in whole lots, toward zero; what is one but for rounding is that one."""
        if not self.terms.lot:
            return quantity
        lots = Fraction(quantity) / self.lot
        near = abs(lots - round(lots)) <= abs(lots) * NEAR
        return float((round(lots) if near else trunc(lots)) * self.lot)

    def lots_within(self, quantity: float) -> float:
        """Return the most whole lots that are not more than the quantity, as float64s."""
        if not self.terms.lot:
            return quantity
        lots = floor(Fraction(quantity) / self.lot) + 1
        while float(lots * self.lot) > quantity:
            lots -= 1
        return float(lots * self.lot)

    def on_lots(self, quantity: float) -> float:
        """Return a sum or a difference of lots: what it is but for rounding."""
        return float(round(Fraction(quantity) / self.lot) * self.lot) if self.terms.lot else quantity

    @property
    def lot(self) -> Fraction:
        """Return a lot, as it is written."""
        return Fraction(str(self.terms.lot))

    def missing(self, name: str, wanted: float, price: float) -> float:
        """Return what to trade, 0 where it is too little; all that is held can always be sold."""
        target = self.whole_lots(wanted)
        quantity = target - self.position[name]
        enough = target == 0.0 or abs(quantity) * price >= self.terms.min_trade
        return self.on_lots(quantity) if enough else 0.0

    def measures(self, years: float, bars_a_year: float) -> dict[str, float]:
        """Return the measures, by the words of the configuration; NaN where one is not defined."""
        bars = len(self.equities)
        mean = self.total / (bars - 1)
        spread, eps = self.square - self.total * mean, 2.0**-52
        if spread <= 2.0 * (bars - 1) * eps * self.square + (bars - 1) * (64.0 * eps) ** 2:
            spread = 0.0  # that much the sums may be off
        deviation = sqrt(spread / (bars - 2))
        # numpy's power and the C library's need not agree in the last bit, so it is asked, for one number.
        cagr = float((np.array([self.equity / self.terms.cash]) ** (1.0 / years) - 1.0)[0])
        return {
            "final_equity": self.equity,
            "total_return": self.equity / self.terms.cash - 1.0,
            "cagr": cagr,
            "volatility": deviation * sqrt(bars_a_year),
            "sharpe": mean / deviation * sqrt(bars_a_year) if deviation > 0.0 else nan,
            "max_drawdown": self.drawdown,
            "calmar": cagr / self.drawdown if self.drawdown > 64.0 * eps else nan,
            "orders": float(len(self.fills)),
            "turnover": self.traded / (self.held / bars) / years,
            "fees": self.fees,
            "exposure": self.invested / bars,
        }


class Decision(NamedTuple):
    """One row of a table of risk decisions."""

    ts_recv: int
    model: str
    portfolio: str
    instrument: str
    scale: float
    cap: float


def heeded(decisions: list[Decision], now: int, portfolio: str, instrument: str) -> tuple[float, float]:
    """Return the least scale and the least cap that stand at `now`: the last word of each voice counts.

    A voice is a model with the patterns of portfolios and instruments it speaks of: here "*" or a name.
    """
    stands: dict[tuple[str, str, str], Decision] = {}
    for d in decisions:
        if d.ts_recv <= now and d.portfolio in ("*", portfolio) and d.instrument in ("*", instrument):
            stands[d.model, d.portfolio, d.instrument] = d
    return min([1.0, *(d.scale for d in stands.values())]), min([1.0, *(d.cap for d in stands.values())])


def known(values: dict[str, float]) -> dict[str, float]:
    """Return what is a number."""
    return {name: value for name, value in values.items() if not isnan(value)}
