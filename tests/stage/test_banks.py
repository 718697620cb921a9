"""Every operator keeps the three promises: chunks, prefix, replay. The table is the test's parameter."""

import inspect
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flotilla.kernel.rolling import MANY
from flotilla.stage import operators
from flotilla.stage.banks import OPERATORS
from flotilla.stage.chunk import ChunkRunner
from flotilla.stage.expression import close, high, low, open_
from flotilla.stage.plan import placed, plan, warm_up
from flotilla.stream.arrays import decode_arrays, encode_arrays

ROWS, WIDTH = 60, 3
NAMES = ("I0", "I1", "I2")
TICKS = np.array([100.0, 100.0, 0.0])
FIELDS = (close, low, high)


def made(op, sets, x=close):
    """Return nodes of an operator, one for each number of `sets`, by its function's signature."""
    function = getattr(operators, op)
    nodes = []
    for n in sets:
        arguments = {
            "n": n + 1,
            "low": 49.0 - n / 4,
            "high": 49.5 + n / 2,
            "start": ("first", "mean")[n % 2],
            "instrument": NAMES[n % WIDTH],
        }
        inputs = iter((x, x < open_))
        names = inspect.signature(function).parameters
        nodes.append(function(*(arguments[p] if p in arguments else next(inputs) for p in names)))
    return placed(list(dict.fromkeys(nodes)), NAMES)


def market(seed):
    """Return fields of random prices in ticks: ties, gaps, infinities, one that is listed late."""
    rng = np.random.default_rng(seed)
    fields = {}
    for name in ("open", "high", "low", "close"):
        x = np.round(50.0 + rng.normal(0.0, 0.3, (ROWS, WIDTH)).cumsum(axis=0), 1)
        x[rng.random((ROWS, WIDTH)) < rng.choice([0.0, 0.02, 0.2])] = np.nan
        x[rng.random((ROWS, WIDTH)) < 0.01] = np.inf
        x[: rng.integers(ROWS // 2), -1] = np.nan
        fields[name] = x
    return fields


def run(roots, fields, cuts=(), restart=False):
    """Return what is said with the rows cut so. restart: at each cut, anew from the bytes of the state."""
    runner, said = ChunkRunner(roots, WIDTH, TICKS), []
    for a, b in zip([0, *cuts], [*cuts, ROWS], strict=True):
        if restart:
            state = decode_arrays(encode_arrays(runner.state()))
            runner = ChunkRunner(roots, WIDTH, TICKS)
            runner.restore(state)
        said.append(runner.advance({name: x[a:b] for name, x in fields.items()}))
    return np.concatenate(said)


@pytest.mark.parametrize("op", OPERATORS)
@settings(max_examples=25)
@given(
    seed=st.integers(0, 10**6),
    cuts=st.sets(st.integers(1, ROWS - 1), max_size=8).map(sorted),
    sets=st.one_of(
        st.sets(st.integers(1, 30), min_size=1, max_size=3),
        st.sets(st.integers(1, 10**15), min_size=1, max_size=3),  # longer than the data
        st.sets(st.integers(ROWS - 3, ROWS + 3), min_size=1, max_size=3),  # as long
        st.just(range(1, MANY + 5)),
    ),
    nested=st.booleans(),
)
def test_any_split_of_the_rows_and_any_restart_gives_the_same_bits(op, seed, cuts, sets, nested):
    roots, fields = made(op, sets, operators.returns(close, 2) if nested else close), market(seed)

    whole = run(roots, fields)

    np.testing.assert_array_equal(run(roots, fields, cuts), whole)
    np.testing.assert_array_equal(run(roots, fields, cuts, restart=True), whole)
    # A bar at a time there is no future to look at: so none of the rows saw it.
    np.testing.assert_array_equal(run(roots, fields, range(1, ROWS)), whole)


@pytest.mark.parametrize("op", OPERATORS)
def test_a_set_of_parameters_says_the_same_alone_and_among_many(op):
    roots, fields = made(op, range(1, MANY + 5)), market(1)

    together = run(roots, fields)

    for k, root in enumerate(roots):
        np.testing.assert_array_equal(run([root], fields)[:, :, 0], together[:, :, k])


@pytest.mark.parametrize("op", OPERATORS)
def test_the_first_value_comes_in_the_row_that_the_warm_up_says(op):
    rng = np.random.default_rng(8)
    fields = {name: 50.0 + rng.normal(size=(ROWS, WIDTH)) for name in ("open", "high", "low", "close")}
    roots = made(op, [1, 2, 5, 20])

    said = run(roots, fields)

    for k, root in enumerate(roots):
        first = np.isnan(said[:, :, k]).sum(axis=0)
        assert list(first + 1) == [warm_up(root)] * WIDTH


@pytest.mark.parametrize("op", OPERATORS)
def test_a_state_that_was_handed_out_stays_as_it_was(op):
    fields = market(2)
    runner = ChunkRunner(made(op, [3]), WIDTH, TICKS)
    runner.advance({name: x[:20] for name, x in fields.items()})

    state = runner.state()
    before = encode_arrays(state)
    runner.advance({name: x[20:] for name, x in fields.items()})

    assert encode_arrays(state) == before


@pytest.mark.parametrize("op", OPERATORS)
def test_what_is_kept_does_not_grow_beyond_the_longest_window(op):
    fields = market(3)
    runner = ChunkRunner(made(op, [3, 9]), WIDTH, TICKS)

    sizes = []
    for t in range(ROWS):
        runner.advance({name: x[t : t + 1] for name, x in fields.items()})
        sizes.append(len(encode_arrays(runner.state())))

    assert len(set(sizes[10:])) == 1
    assert sizes[0] <= sizes[10]


@pytest.mark.parametrize(
    "op", ["delay", "rolling_sum", "sma", "std", "rolling_min", "rolling_max", "ema", "rma", "rsi"]
)
def test_a_window_longer_than_the_data_says_nothing_and_costs_no_more_than_the_data(op):
    fields = market(5)
    short, *long = made(op, [4, 20_000_000, operators.MOST_ROWS - 1])

    tracemalloc.start()
    said = run([short, *long], fields)
    runner = ChunkRunner(long, WIDTH, TICKS)
    for t in range(ROWS):
        runner.advance({name: x[t : t + 1] for name, x in fields.items()})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert np.isnan(said[:, :, 1:]).all()
    np.testing.assert_array_equal(said[:, :, :1], run([short], fields))
    assert peak < 2_000_000
    assert [warm_up(node) for node in long] == [
        warm_up(short) - 5 + n for n in (20_000_001, operators.MOST_ROWS)
    ]


@pytest.mark.parametrize("op", [op for op, operator in OPERATORS.items() if operator.exact])
def test_what_is_said_to_stay_whole_ticks_does(op):
    fields = market(4)
    fields = {name: np.where(np.isfinite(x), x, np.nan) for name, x in fields.items()}

    said = run(made(op, [1, 2, 5]), fields)
    said = said[~np.isnan(said)]

    assert np.isin(said, fields["close"]).all()


def test_windows_over_the_same_input_are_one_bank_in_rising_order():
    roots = [operators.sma(close, n) for n in (30, 10, 20)]

    (bank,) = plan(roots).banks

    assert [node.params for node in bank] == [(10,), (20,), (30,)]
