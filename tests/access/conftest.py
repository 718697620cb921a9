"""The gate and the front are tested on the API of a fleet, which stands behind them."""

from tests.fleet.api.conftest import folder, texts

__all__ = ["folder", "texts"]
