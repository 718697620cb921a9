"""Minute bars as LEAN packs them: no header, times in ms since midnight, the day in the file's name."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath

_NAME = re.compile(r"(\d{8})_([A-Za-z0-9]+)_minute_trade(?:_(\d{6}))?\.csv")
_HEADER = "symbol,ts,open,high,low,close,volume"


def lean_text(name: str, data: bytes) -> bytes:
    """Return the bars with a header, their symbol and whole times without a zone; other data as they are."""
    parts = _NAME.fullmatch(PurePosixPath(name).name)
    if parts is None:
        return data
    midnight = datetime.strptime(parts[1], "%Y%m%d").replace(tzinfo=UTC)
    symbol = parts[2].upper() + (f"-{parts[3]}" if parts[3] else "")
    lines = [_HEADER]
    for line in data.decode("utf-8", "replace").split():
        ms, _, rest = line.partition(",")
        when = midnight + timedelta(milliseconds=int(ms)) if ms.isdigit() else ms
        lines.append(f"{symbol},{str(when).removesuffix('+00:00')},{rest}")
    return "\n".join(lines).encode()
