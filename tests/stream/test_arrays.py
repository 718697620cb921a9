import struct
from contextlib import suppress

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from flotilla.errors import DataError
from flotilla.stream.arrays import decode_arrays, encode_arrays

DTYPES = (
    hnp.boolean_dtypes()
    | hnp.integer_dtypes(endianness="?")
    | hnp.floating_dtypes(endianness="?")
    | hnp.complex_number_dtypes()
    | hnp.datetime64_dtypes()
    | hnp.timedelta64_dtypes()
    | hnp.unicode_string_dtypes(max_len=3)
    | hnp.byte_string_dtypes(max_len=3)
)
ARRAYS = hnp.arrays(DTYPES, hnp.array_shapes(min_dims=0, min_side=0))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary()
TREES = st.recursive(
    SCALARS | ARRAYS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text() | st.integers(-(2**63), 2**64 - 1), inner, max_size=4)
    ),
    max_leaves=12,
)


def bits(value):
    """Return a value that is equal only for the same types with the same bits."""
    if isinstance(value, dict):
        return dict, [(bits(key), bits(part)) for key, part in value.items()]
    if isinstance(value, list | tuple):
        return type(value), [bits(part) for part in value]
    if isinstance(value, np.ndarray | np.generic):
        return type(value), value.dtype.str, value.shape, value.tobytes()
    return type(value), struct.pack("d", value) if isinstance(value, float) else value


@given(TREES)
def test_what_comes_back_is_what_went_in_to_the_bit(tree):
    assert bits(decode_arrays(encode_arrays(tree))) == bits(tree)


def test_every_nan_keeps_its_payload():
    payloads = np.array([0x7FF8000000000000, 0x7FF8000000000001, -1], np.int64).view(np.float64)

    there = decode_arrays(encode_arrays({"a": payloads, "b": float(payloads[1])}))

    assert there["a"].view(np.int64).tolist() == payloads.view(np.int64).tolist()
    assert struct.pack("d", there["b"]) == struct.pack("d", payloads[1])


def test_an_array_comes_back_in_c_order_and_may_be_written():
    columns = np.arange(6.0).reshape(2, 3)[:, ::2].T

    there = decode_arrays(encode_arrays(columns))
    there[0, 0] = -1.0

    assert there.flags.c_contiguous
    assert there.tolist() == [[-1.0, 3.0], [2.0, 5.0]]


def test_the_state_of_a_random_generator_is_kept():
    random = np.random.default_rng(7)
    random.normal(size=3)
    state = random.bit_generator.state

    again = np.random.default_rng(0)
    again.bit_generator.state = decode_arrays(encode_arrays(state))

    assert again.normal() == random.normal()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"a": [1, {2}]}, r"\$\.a\[1\] is a set"),
        ({"a": np.array([None])}, r"\$\.a is a ndarray of object"),
        ((np.zeros(2, "i4,f8"),), r"\$\[0\] is a ndarray of"),
        ({(1, 2): 3}, r"\$ has a key that is neither text nor an int64: \(1, 2\)"),
        (lambda: 0, r"\$ is a function"),
    ],
)
def test_what_cannot_be_kept_is_refused_when_it_is_written(value, message):
    with pytest.raises(TypeError, match=message):
        encode_arrays(value)


@given(st.binary(max_size=40))
def test_bytes_of_another_are_refused_and_nothing_worse(blob):
    for bytes_ in (blob, encode_arrays(0)[:-1] + blob):
        with suppress(DataError):  # some are a state by chance
            decode_arrays(bytes_)


def test_bytes_that_are_no_state_say_how_they_begin():
    with pytest.raises(DataError, match="these bytes are no state: they begin with"):
        decode_arrays(b'{"a": 1}')


def test_any_cut_is_noticed():
    blob = encode_arrays({"a": np.arange(3.0), "b": (1, 2.5)})

    for length in range(len(blob)):
        with pytest.raises(DataError, match="state"):
            decode_arrays(blob[:length])


def test_an_array_of_objects_is_not_read_even_if_somebody_wrote_one():
    forged = msgspec.msgpack.encode(("O", [1], b"\0" * 8))

    with pytest.raises(DataError, match="never written"):
        decode_arrays(encode_arrays(0)[:-1] + msgspec.msgpack.encode(msgspec.msgpack.Ext(1, forged)))
