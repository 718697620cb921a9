"""How the records of a live run are written and read: a codec for each stream, arrays as their bytes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from flotilla.model.arrays import Floats
from flotilla.model.records import Account, Order
from flotilla.model.wire import Acked, Bar, Closing, Decided, Fills, Signals
from flotilla.stream.codec import Codec

_RAW = np.dtype("<f8")


BARS: Codec[Bar | Closing] = Codec(Bar | Closing)
SIGNALS: Codec[Signals] = Codec(Signals)
DECIDED: Codec[Decided] = Codec(Decided)
FILLS: Codec[Fills] = Codec(Fills)
ORDERS: Codec[Order] = Codec(Order)
KEPT: Codec[Account | Acked] = Codec(Account | Acked)


def raw(values: Floats) -> bytes:
    """Return the bytes of an array for a message."""
    return values.astype(_RAW, copy=False).tobytes()


def arrays(messages: Sequence[bytes], shape: tuple[int, ...]) -> Floats:
    """Return messages' arrays as one: float64[n, *shape], writable."""
    joined = np.frombuffer(b"".join(messages), _RAW).astype(np.float64)
    return joined.reshape(len(messages), *shape)
