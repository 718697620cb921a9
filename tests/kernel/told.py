"""Strategies for tests: they say what the market's own fields `told0`, `told1`, ... say."""

from flotilla.stage.expression import Node, field

TOLD = tuple(f"told{k}" for k in range(8))


def told(k: int = 0) -> Node:
    """Say what field k says."""
    return field(TOLD[k])
