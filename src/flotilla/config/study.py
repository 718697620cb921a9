"""What a file says of a run, as typed values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from flotilla.model.terms import PortfolioConfig, Weight

MOST_VALUES = 1_000_000  # on one axis of a sweep
Scalar = bool | int | float | str | None


class DataConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """Where the bars come from: a source, the days from `start` to `end`, both included."""

    source: str = "sample"
    start: date | None = None
    end: date | None = None
    instruments: Annotated[tuple[str, ...], Meta(min_length=1)] | None = None  # None: all there are
    params: dict[str, Any] = {}


class StrategyConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """One strategy: which plugin, with which parameters, and its weight in the mean of all."""

    kind: str
    weight: Weight = 1.0
    params: dict[str, Any] = {}


class Steps(Struct, frozen=True, forbid_unknown_fields=True, rename={"from_": "from"}):
    """Numbers from `from_` by `step` up to `to`, which is one of them if a step lands on it."""

    from_: int | float
    to: int | float
    step: int | float = 1

    def values(self) -> tuple[int | float, ...]:
        """Return the numbers: ints if all three are, else floats as their decimals say."""
        first, last, step = (Decimal(str(number)) for number in (self.from_, self.to, self.step))
        if not step or (last - first) / step < 0:
            raise ValueError(f"{self.step} does not lead from {self.from_} to {self.to}")
        count = int((last - first) / step) + 1
        if count > MOST_VALUES:
            raise ValueError(f"{count} values are more than {MOST_VALUES}")
        whole = all(isinstance(number, int) for number in (self.from_, self.to, self.step))
        kind = int if whole else float
        return tuple(kind(first + k * step) for k in range(count))


class NamedPortfolio(PortfolioConfig, frozen=True, forbid_unknown_fields=True):
    """One of several portfolios: its terms, and which strategies it follows.

    strategies: names, each with its own weight in the mean; or names with weights of this portfolio; None is
    all of them.
    """

    strategies: dict[str, Weight] | tuple[str, ...] | None = None


class RunConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    name: str
    strategies: dict[str, StrategyConfig]
    data: DataConfig = DataConfig()
    portfolio: PortfolioConfig = PortfolioConfig()
    sweep: dict[str, Steps | tuple[Scalar, ...]] = {}
    rank_by: str = "sharpe"
    portfolios: dict[str, NamedPortfolio] = {}  # several at once; `portfolio` is what they have in common

    @property
    def weights(self) -> dict[str, float]:
        """Return each strategy's weight in the mean."""
        return {name: strategy.weight for name, strategy in self.strategies.items()}

    def each(self) -> dict[str, RunConfig]:
        """Return the configuration of each portfolio by its id: NAME-PORTFOLIO, or NAME where it is one."""
        if not self.portfolios:
            return {self.name: self}
        found = {f"{self.name}-{name}": told for name, told in self.portfolios.items()}
        return {identity: self._one(identity, told) for identity, told in found.items()}

    def _one(self, identity: str, told: NamedPortfolio) -> RunConfig:
        terms = {name: getattr(told, name) for name in PortfolioConfig.__struct_fields__}
        return msgspec.structs.replace(
            self,
            name=identity,
            strategies=_followed(self.strategies, told.strategies),
            portfolio=PortfolioConfig(**terms),
            portfolios={},
        )

    def axes(self) -> dict[str, tuple[Scalar, ...]]:
        """Return the sweep's values, key by key; the first key changes slowest."""
        return {key: axis.values() if isinstance(axis, Steps) else axis for key, axis in self.sweep.items()}


def _followed(
    strategies: Mapping[str, StrategyConfig], told: Mapping[str, float] | tuple[str, ...] | None
) -> dict[str, StrategyConfig]:
    """Return the strategies that a portfolio follows, in the order of the file, as the mean is taken."""
    if told is None:
        return dict(strategies)
    followed = {name: each for name, each in strategies.items() if name in told}
    if not isinstance(told, Mapping):
        return followed
    return {name: msgspec.structs.replace(each, weight=told[name]) for name, each in followed.items()}
