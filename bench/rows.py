"""The table: what is measured, beside what, and the bar that it is held to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from bench.records import Record, Side, Verdict

ONE_CORE = "one core"


class Bar(NamedTuple):
    """What a row should reach. A figure of `side`, or how many times that of `over` it is."""

    what: str
    side: str = "flotilla"
    figure: str = "value"  # a field of its record
    over: str = ""  # a side of the same row, or ONE_CORE: the same side on one
    at_least: float | None = None
    at_most: float | None = None
    on: str = "each"  # cores: "one", "all", or "each"
    counted: bool = (
        False  # a count is right or wrong whatever the machine and the size: it fails a quick run too
    )


class Row(NamedTuple):
    """One line of the issue's table."""

    name: str
    title: str
    sides: tuple[Side, ...]  # ours first
    bars: tuple[Bar, ...]

    def looked_at(self) -> set[str]:
        """Return on which cores, "one" or "all", the bars look at a figure."""
        on = {bar.on for bar in self.bars} | {"one" for bar in self.bars if bar.over == ONE_CORE}
        return {"one", "all"} if "each" in on else on


def _sweep(name: str, title: str, rebalance: str, times: float, *, scaling: bool) -> Row:
    """Return a row of W3, with its two ways of sizing an order."""
    sized = {"flotilla _Q": "decision", "flotilla _P": "fill"}
    ours = [
        Side(side, "bench.ours.w3", {"size_at": size_at, "rebalance": rebalance})
        for side, size_at in sized.items()
    ]
    peer = Side("vectorbt rust", "bench.peers.vectorbt_w3", {"rebalance": rebalance}, one_core_only=True)
    bars = [
        Bar(f"{side[-2:]}, times {_ENGINE}", side, over=peer.name, at_least=times, on="one") for side in sized
    ]
    if scaling:
        bars += [
            Bar(f"{side[-2:]}, times itself on one core", side, over=ONE_CORE, at_least=1.8, on="all")
            for side in sized
        ]
    return Row(name, title, (*ours, peer), tuple(bars))


def _managers(module: str, **options: Any) -> tuple[Side, ...]:
    """Return a side for each manager of processes. options: of all, or of one by its name."""
    shared = {key: value for key, value in options.items() if key not in _MANAGERS}
    return tuple(
        Side(name, module, {"manager": name, **shared, **options.get(name, {})}, one_core_only=True)
        for name in _MANAGERS
    )


def _fleet(name: str, title: str, *bars: Bar) -> Row:
    """Return a row that the other managers have no answer to."""
    return Row(f"fleet-{name}", title, (Side("flotilla", f"bench.fleet.{name}", one_core_only=True),), bars)


_ENGINE = "vectorbt's Rust engine"
_MANAGERS = ("flotilla", "supervisord", "circus")

ROWS: tuple[Row, ...] = (
    _sweep("w3", "W3: 20 stocks, orders when signals change", "change", 100.0, scaling=True),
    _sweep("w3b", "W3b: 20 stocks, rebalanced at every bar", "bar", 40.0, scaling=False),
    Row(
        "w2",
        "W2: one stock, all in or out",
        (
            Side("flotilla", "bench.ours.w2"),
            Side("vectorbt rust", "bench.peers.vectorbt_w2", one_core_only=True),
        ),
        (Bar(f"times {_ENGINE}", over="vectorbt rust", at_least=20.0, on="one"),),
    ),
    Row(
        "fresh",
        "fresh process, CSV to ranked table",
        (Side("flotilla", "bench.ours.fresh"),),
        (
            Bar("seconds", at_most=3.0, on="all"),
            Bar("MB at the peak", figure="rss_mb", at_most=1_000.0, on="all"),
        ),
    ),
    Row(
        "start",
        "a command that has nothing to do",
        (
            Side("flotilla --help", "bench.ours.startup", {"script": "flotilla --help"}, one_core_only=True),
            Side("import flotilla", "bench.ours.startup", {"code": "import flotilla"}, one_core_only=True),
            Side("bare python", "bench.ours.startup", {"code": "pass"}, one_core_only=True),
        ),
        (
            Bar("seconds, flotilla --help", side="flotilla --help", at_most=0.3, on="one"),
            Bar("seconds, import flotilla", side="import flotilla", at_most=0.3, on="one"),
        ),
    ),
    Row(
        "features",
        "rolling operators",
        (
            Side("flotilla", "bench.ours.features", one_core_only=True),
            Side("pandas", "bench.peers.pandas_features", one_core_only=True),
            Side("TA-Lib", "bench.peers.talib_features", one_core_only=True),
        ),
        (
            Bar("times pandas", over="pandas", at_least=5.0, on="one"),
            Bar("times TA-Lib's batch functions", over="TA-Lib", at_least=1.0, on="one"),
        ),
    ),
    Row(
        "live",
        "tick to its order's acknowledgement",
        (Side("flotilla", "bench.ours.acknowledged"), Side("bare pyzmq", "bench.floors.hops")),
        (Bar("times the same hops in bare pyzmq", over="bare pyzmq", at_most=3.0),),
    ),
    Row(
        "replay",
        "live replay, four processes",
        (Side("flotilla", "bench.ours.replay"),),
        (Bar("bars a second", at_least=2_000.0, on="all"),),
    ),
    Row(
        "fleet-kill",
        "kill -9 of a child to its replacement's first instruction",
        _managers(
            "bench.fleet.kill",
            flotilla={"kills": 200, "period_s": 0.0},
            supervisord={"kills": 40, "period_s": 1.0},
            circus={"kills": 20, "period_s": 5.0},
        ),
        (
            Bar("ms, median", at_most=10.0, on="one"),
            Bar("ms, p99", figure="p99", at_most=50.0, on="one"),
        ),
    ),
    Row(
        "fleet-idle",
        "twenty children that do nothing",
        _managers("bench.fleet.idle"),
        (
            Bar("% of a core", at_most=0.5, on="one"),
            Bar("MB", figure="rss_mb", at_most=40 * 1.048576, on="one"),
        ),
    ),
    Row(
        "fleet-orphans",
        "processes that are left behind",
        _managers(
            "bench.fleet.orphans", flotilla={"trials": 100}, supervisord={"trials": 10}, circus={"trials": 10}
        ),
        (Bar("left", at_most=0.0, on="one", counted=True),),
    ),
    _fleet(
        "hang", "a hang is found, beats of 200 ms", Bar("s, the worst", figure="p99", at_most=0.6, on="one")
    ),
    _fleet(
        "storm",
        "twenty children that die at once",
        Bar("% of a core", at_most=5.0, on="one"),
        Bar("ms, p99 of the API's answers", figure="p99", at_most=50.0, on="one"),
    ),
    _fleet("down", "a hundred children down in order", Bar("s", at_most=12.0, on="one")),
    _fleet(
        "adopt",
        "adoption after the supervisor's death",
        Bar("s, the worst", figure="p99", at_most=1.0, on="one"),
    ),
    _fleet("tamper", "changes of an audit log", Bar("% found", at_least=100.0, on="one", counted=True)),
    _fleet("graphs", "generated graphs", Bar("graphs/s", at_least=100.0, on="one")),
)


def verdicts(row: Row, records: Sequence[Record]) -> list[Verdict]:
    """Return what a row's bars say of its records."""
    measured = {(record.side, record.cores): record for record in records}
    few, many = min(record.cores for record in records), max(record.cores for record in records)
    found = []
    for bar in row.bars:
        for cores in {"one": [few], "all": [many], "each": sorted({few, many})}[bar.on]:
            if bar.over == ONE_CORE and few == many:
                continue  # there is no second core to scale to
            looked_at = [measured[bar.side, cores]]
            value = getattr(looked_at[0], bar.figure)
            if bar.over:
                key = (bar.side, few) if bar.over == ONE_CORE else (bar.over, cores)
                looked_at.append(measured[key])
                value /= getattr(measured[key], bar.figure)
            reached = value >= bar.at_least if bar.at_least is not None else value <= (bar.at_most or 0.0)
            limit = f"at least {bar.at_least:g}" if bar.at_least is not None else f"at most {bar.at_most:g}"
            where = "" if few == many else ", one core" if cores == few else f", {cores} cores"
            found.append(
                Verdict(
                    row=row.name,
                    what=bar.what + where,
                    value=value,
                    bar=limit,
                    reached=reached,
                    counted=bar.counted,
                    disturbed=any(record.disturbed for record in looked_at),
                    quick=records[0].quick,
                )
            )
    return found
