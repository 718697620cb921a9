"""Random markets, signals, risk decisions and terms, for the kernel and its reference to simulate."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from hashlib import blake2b
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import numpy as np
from hypothesis import strategies as st
from tests.kernel import reference
from tests.kernel.reference import Decision, Portfolio, Row, Terms, heeded
from tests.kernel.told import TOLD

from flotilla.config import RunConfig, decode
from flotilla.kernel import records as kernel
from flotilla.model.panel import Panel
from flotilla.portfolio.rebalance import rebalance_of
from flotilla.research import RunResult, run

FOLDER = Path(__file__).parent  # of told.py, and so of the strategies
_TABLES = Path(tempfile.mkdtemp(prefix="flotilla-made-"))
atexit.register(shutil.rmtree, _TABLES)
DAY = 86_400_000_000_000
HOUR = DAY // 24
NAME = "made"
CALENDARS = ["day", "week", "month", "quarter", "wednesday", "sunday", "month_end"]

TERMS: dict[str, list[Any]] = {
    "cash": [1_000_000.0, 1_000.0, 123.45],
    "fee_bps": [0.0, 10.0, 250.0],
    "slippage_bps": [0.0, 5.0, 300.0],
    "lot": [0.0, 1.0, 10.0, 0.1, 0.025],
    "allocation": [None, 0.3, 1.0, 2.5],
    "cap": [1.0, 0.25, 0.05],
    "risk_tolerance": [1.0, 0.0, 0.5, 2.0],
    "max_drawdown": [None, 0.02, 0.2, 1.0],
    "min_trade": [0.0, 40.0, 2_000.0],
}
BANDS = [0.0, 0.0, 0.02, 0.2]
SHARES = [1.0, 0.0, 0.5, 3.0]


class World(NamedTuple):
    """A market with signals in it, and what is decided of risk."""

    panel: Panel
    decisions: list[Decision]
    path: str | None  # of the decisions, as the configuration has it

    def config(self, terms: dict[str, Any], strategies: dict[str, dict[str, Any]]) -> RunConfig:
        """Return a configuration. strategies: name -> {"weight": .., "k": which of the told fields}."""
        told = {
            name: {"kind": "told:told", "weight": s["weight"], "params": {"k": s["k"]}}
            for name, s in strategies.items()
        }
        return decode(
            {"name": NAME, "strategies": told, "portfolio": {**terms, "decisions": self.path}}, "made"
        )

    def rows(self, config: RunConfig) -> list[Row]:
        """Return what a portfolio of that configuration sees, as the reference reads it."""
        panel, fields = self.panel, self.panel.fields
        at = config.portfolio.fill_at
        at = at if at != "auto" else "open" if "open" in fields else "close"
        said = {name: TOLD[s.params["k"]] for name, s in config.strategies.items()}

        def known(field: str, t: int) -> dict[str, float]:
            return reference.known(dict(zip(panel.instruments, fields[field][t].tolist(), strict=True)))

        rows = []
        for t in range(first_row(panel, config), panel.shape[0]):
            now = int(panel.ts_recv[t])
            risk = {name: heeded(self.decisions, now, config.name, name) for name in panel.instruments}
            rows.append(
                Row(
                    price=known(at, t),
                    close=known("close", t),
                    signals={name: known(field, t) for name, field in said.items()},
                    scale={name: scale for name, (scale, _) in risk.items()},
                    cap={name: cap for name, (_, cap) in risk.items()},
                    day=day_of(panel, t),
                )
            )
        return rows

    def simulated(self, config: RunConfig) -> Portfolio:
        """Return the reference portfolio after the last row."""
        terms = msgspec.structs.asdict(config.portfolio)
        restoring = rebalance_of(config.portfolio.rebalance)
        terms |= {"rebalance": restoring.every, "band": restoring.band}
        terms = {name: terms[name] for name in Terms._fields}
        shares = {name: s.weight for name, s in config.strategies.items()}
        portfolio = Portfolio(Terms(**terms), list(self.panel.instruments), shares)
        for row in self.rows(config):
            portfolio.live(row)
        return portfolio


def day_of(panel: Panel, t: int) -> date:
    """Return the day on which a bar began, where the market is."""
    began = datetime.fromtimestamp(int(panel.ts_event[t]) // 10**9, UTC)
    return began.astimezone(ZoneInfo(panel.zone)).date()


def first_row(panel: Panel, config: RunConfig) -> int:
    """Return the row with which a portfolio begins."""
    start = config.portfolio.start
    return 0 if start is None else min(t for t in range(panel.shape[0]) if day_of(panel, t) >= start)


def panel_of(fields: Mapping[str, Any], days: Any = None) -> Panel:
    """Return a panel of daily bars. fields: name -> float[T, I]. days: int64[T] since 1970, or one by one."""
    fields = {name: np.ascontiguousarray(values, np.float64) for name, values in fields.items()}
    bars, instruments = fields["close"].shape
    days = 10_957 + np.arange(bars) if days is None else days
    digest = blake2b(days.tobytes() + b"".join(f.tobytes() for f in fields.values()), digest_size=16)
    names = tuple(f"I{i}" for i in range(instruments))
    ticks = np.full(instruments, 100.0)
    return Panel(days * DAY, (days + 1) * DAY, names, fields, ticks, digest.hexdigest(), "made")


def bar_of(price: Any, known: Any = None) -> kernel.Row:
    """Return a bar that fills, closes and is marked at a price; known: the closes before."""
    at = np.array(price, np.float64)
    return kernel.Row(at, at, at if known is None else np.array(known, np.float64), at, 0.0)


def by_hand(close: Any, told: Any, opens: Any = None, days: Any = None, **terms: Any) -> RunResult:
    """Return a run of 1,000 in cash that is told its signals. close, told, opens: float[T, I]."""
    fields = {"close": close, "told0": told} | ({"open": opens} if opens else {})
    plain = {"cash": 1000.0, "fee_bps": 0.0, "allocation": 0.5}
    config = {"name": "hand", "strategies": {"s": {"kind": "told:told"}}, "portfolio": plain | terms}
    return run(decode(config), panel=panel_of(fields, days), folder=FOLDER)


@st.composite
def worlds(draw: st.DrawFn, most_bars: int = 40) -> World:
    """Draw a market of daily bars: gaps, late listings, with and without opens."""
    bars, instruments = draw(st.integers(5, most_bars)), draw(st.integers(1, 5))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scatter = draw(st.sampled_from([0.01, 0.1]))
    close = 50.0 * np.exp(np.cumsum(rng.normal(0.0, scatter, (bars, instruments)), axis=0))
    fields = {"close": close}
    if draw(st.booleans()):
        fields["open"] = close * np.exp(rng.normal(0.0, scatter, close.shape))
    fields = {name: np.maximum(np.rint(values * 100.0), 1.0) / 100.0 for name, values in fields.items()}
    closed = rng.random(close.shape) < draw(st.sampled_from([0.0, 0.1, 0.5]))
    if draw(st.booleans()):
        closed[: bars // 3, -1] = True  # listed late
    partly = draw(st.booleans())  # there may be a close where there is no open
    for values in fields.values():
        values[closed] = np.nan
        values[rng.random(close.shape) < (0.1 if partly else 0.0)] = np.nan
    levels = draw(st.sampled_from([[0.0, 1.0], [-1.0, 0.0, 0.25, 0.5, 1.0], [1.0]]))
    quiet = draw(st.sampled_from([0.0, 0.3, 0.8]))
    lasting = draw(st.sampled_from([0.6, 0.95]))  # most signals are those of the bar before
    for name in TOLD:
        signals = rng.choice(levels, close.shape)
        held = rng.random(close.shape) < lasting
        for t in range(1, bars):
            signals[t] = np.where(held[t], signals[t - 1], signals[t])
        fields[name] = np.where(rng.random(close.shape) < quiet, np.nan, signals)
    days = 10_957 + np.cumsum(rng.integers(1, 4, bars))
    zone = draw(st.sampled_from(["UTC", "UTC", "America/New_York"]))  # where midnight UTC is the day before
    panel = replace(panel_of(fields, days), zone=zone)
    decisions = draw(decided(panel))
    return World(panel, decisions, written(decisions) if decisions else None)


@st.composite
def decided(draw: st.DrawFn, panel: Panel) -> list[Decision]:
    """Draw a table of risk decisions, in the order of time."""
    rows = []
    for _ in range(draw(st.sampled_from([0, 0, 1, 3, 6]))):
        ts = int(draw(st.sampled_from(panel.ts_recv.tolist()))) + draw(st.sampled_from([-HOUR, 0, HOUR]))
        rows.append(
            Decision(
                ts,
                draw(st.sampled_from(["var", "stress"])),
                draw(st.sampled_from(["*", NAME, "other*"])),
                draw(st.sampled_from(["*", *panel.instruments])),
                draw(st.sampled_from([0.0, 0.3, 0.5, 1.0])),
                draw(st.sampled_from([0.0, 0.1, 1.0])),
            )
        )
    return sorted(rows, key=lambda d: d.ts_recv)


def written(decisions: list[Decision]) -> str:
    """Write a table of decisions, once, and return its path."""
    lines = ["ts_recv,model,portfolio,instrument,scale,cap,reason"]
    for d in decisions:
        when = np.datetime64(d.ts_recv, "ns")
        lines.append(f"{when}Z,{d.model},{d.portfolio},{d.instrument},{d.scale},{d.cap},made")
    text = "\n".join(lines) + "\n"
    path = _TABLES / f"{blake2b(text.encode(), digest_size=8).hexdigest()}.csv"
    path.write_text(text)
    return str(path)


@st.composite
def terms(draw: st.DrawFn) -> dict[str, Any]:
    """Draw a portfolio's own terms; often the first of each, which is the plainest."""
    return {name: draw(st.sampled_from([values[0], *values])) for name, values in TERMS.items()}


@st.composite
def configs(draw: st.DrawFn, world: World) -> RunConfig:
    """Draw a configuration of one portfolio for a world."""
    count = draw(st.integers(1, 3))
    shares = [draw(st.sampled_from(SHARES)) for _ in range(count)]
    shares[0] = shares[0] if any(shares) else 1.0
    strategies = {f"s{n}": {"weight": w, "k": draw(st.integers(0, 7))} for n, w in enumerate(shares)}
    manner = draw(manners(world))
    every = manner["rebalance"]
    band = 0.0 if every == "change" else draw(st.sampled_from(BANDS))
    plain = band == 0.0 and draw(st.booleans())
    manner["rebalance"] = every if plain else {"every": every, "band": band}
    return world.config(draw(terms()) | manner, strategies)


@st.composite
def manners(draw: st.DrawFn, world: World) -> dict[str, Any]:
    """Draw the terms that decide which code runs, or on which rows."""
    opens = ["open"] if "open" in world.panel.fields else []
    fill_at = draw(st.sampled_from(["auto", "close", *opens]))
    parts = dict(zip(world.panel.instruments, [0.6, 0.4, 0.0, 0.25, 0.1], strict=False))
    return {
        "size_at": draw(st.sampled_from(["decision", "fill"])),
        "rebalance": draw(st.sampled_from(["change", "change", "bar", "bar", *CALENDARS])),
        "fill_at": fill_at,
        "start": draw(st.sampled_from([None, str(day_of(world.panel, 2))])),
    } | draw(st.sampled_from([{}, {}, {"allocation": parts}]))
