"""Several portfolios of one file: each says what it has apart from the others.

portfolio: {fee_bps: 5}              what they have in common
portfolios:
careful: {max_weight: 0.1}         a term of its own
trend: {strategies: [cross]}       it follows one strategy of the file alone
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from flotilla.config.study import NamedPortfolio, RunConfig
from flotilla.door import NAME, NAME_FORM, Door
from flotilla.errors import nearest
from flotilla.model.terms import PortfolioConfig
from flotilla.words import cut


def with_common_terms(raw: Any) -> Any:
    """Return a configuration's values with what portfolios have in common in each of them.

    Where that is wrong they are left as they are: so it is told once.
    """
    if not isinstance(raw, dict) or not isinstance(raw.get("portfolios"), dict):
        return raw
    common = raw.get("portfolio")
    whole = common if isinstance(common, dict) and Door().struct(PortfolioConfig, common, "") else {}
    told = {name: {} if own is None else own for name, own in raw["portfolios"].items()}
    return raw | {"portfolios": {n: whole | own if isinstance(own, dict) else own for n, own in told.items()}}


def wrong_portfolios(config: RunConfig) -> Iterator[str]:
    """Yield what is wrong with the names of portfolios, and with the strategies that they follow."""
    if config.portfolios and config.sweep:
        yield "$.portfolios: a sweep is of one portfolio: take the sweep out, or the portfolios"
    for name, told in config.portfolios.items():
        where = f"$.portfolios.{name}"
        if not NAME.fullmatch(name):
            yield f"$.portfolios: {cut(name)} {NAME_FORM}"
        elif not NAME.fullmatch(f"{config.name}-{name}") and NAME.fullmatch(config.name):
            yield f"{where}: its id, {config.name}-{name}, is longer than 32 letters: take a shorter name"
        yield from _wrong_strategies(config, told, f"{where}.strategies")


def _wrong_strategies(config: RunConfig, told: NamedPortfolio, where: str) -> Iterator[str]:
    followed, own = told.strategies, config.weights
    if followed is None:
        return
    strange = [name for name in followed if name not in own]
    yield from (f"{where}: there is no {cut(name)}{nearest(name, own)}" for name in strange)
    weights = followed if isinstance(followed, dict) else own
    if not strange and not any(weights[name] for name in followed):
        yield f"{where}: a weight above zero is needed"
