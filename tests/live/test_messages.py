"""What roles say to one another comes back bit for bit."""

import numpy as np
import pytest

from flotilla.errors import DataError
from flotilla.live.messages import BARS, FILLS, SIGNALS, arrays, raw
from flotilla.model.records import Fill
from flotilla.model.wire import Bar, Closing, Fills, Signals


def test_arrays_come_back_bit_for_bit_and_writable():
    values = np.array([[1.5, -0.0, np.nan], [np.inf, 0.1, -2.0]])

    again = arrays([raw(values), raw(values + 1)], (2, 3))

    assert again.shape == (2, 2, 3)
    assert again[0].tobytes() == values.tobytes()
    again[0, 0, 0] = 2.0
    assert arrays([], (3,)).shape == (0, 3)


def test_messages_come_back():
    fill = Fill("o-f0", "o", "p", "A", 1, 2, 10.0, -1.0, 0.5)

    assert BARS.decode(BARS.encode(Bar(1, 2, 3, b"raw"))) == Bar(1, 2, 3, b"raw")
    assert BARS.decode(BARS.encode(Closing(9))) == Closing(9)
    assert FILLS.decode(FILLS.encode(Fills("p", 2, 1, (fill,)))) == Fills("p", 2, 1, (fill,))


def test_one_stream_does_not_take_what_belongs_to_another():
    with pytest.raises(DataError, match="no record"):
        BARS.decode(SIGNALS.encode(Signals("cross", 1, b"")))
