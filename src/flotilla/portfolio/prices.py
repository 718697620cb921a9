"""The price at which orders fill, chosen by name."""

from collections.abc import Collection

from flotilla.errors import ConfigError


def fill_field(wanted: str, fields: Collection[str]) -> str:
    """Return the field that orders fill at: "open", "close", or by "auto" the open where there is one."""
    if wanted == "auto":
        return "open" if "open" in fields else "close"
    if wanted not in fields:
        raise ConfigError(
            f"$.portfolio.fill_at: the data has no {wanted}; it has {', '.join(sorted(fields))}"
        )
    return wanted
