import copy
import re

import pytest

from flotilla import errors
from flotilla.errors import (
    ConfigError,
    DataError,
    FlotillaError,
    GatewayDown,
    OrderRejected,
    SequenceGap,
    StageError,
    StreamTimeout,
    UnknownName,
    line_of,
    nearest,
)

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, FlotillaError)]
MADE = [
    UnknownName("strategy", "ma_cros", ["ma_cross", "momentum"]),
    StageError("cross", "division by zero", 1_000_000_000, "AAPL"),
    SequenceGap(4, 6),
    OrderRejected("p-00000001-AAPL-0", "no cash"),
    DataError("row 3"),
]


def test_an_unknown_name_answers_with_the_nearest():
    assert str(MADE[0]) == "no strategy is called 'ma_cros'; did you mean ma_cross?"


def test_where_none_is_near_the_known_names_are_listed():
    assert nearest("zzz", ["b", "a"]) == "; there is a, b"
    assert nearest("zzz", []) == "; there is none"
    assert nearest("zzz", [f"name{n:02}" for n in range(20)]).endswith("name11 and 8 more")


def test_a_stage_error_says_where_and_when():
    assert str(MADE[1]) == "stage cross at 1970-01-01T00:00:01Z for AAPL: division by zero"
    assert str(StageError("cross", "no model")) == "stage cross: no model"


@pytest.mark.parametrize("error", MADE, ids=lambda error: type(error).__name__)
def test_an_error_survives_the_way_from_one_process_to_another(error):
    there = copy.copy(error)  # by __reduce__, as between processes

    assert type(there) is type(error)
    assert str(there) == str(error)
    assert vars(there) == vars(error)


def test_only_what_may_succeed_when_made_again_says_retry():
    assert {kind for kind in KINDS if kind.retry} == {GatewayDown, StreamTimeout, SequenceGap}


def test_a_mistake_in_a_name_is_a_mistake_in_the_configuration():
    assert issubclass(UnknownName, ConfigError)


def test_the_tree_in_the_docstring_is_the_tree():
    drawn = [line.split()[0] for line in errors.__doc__.splitlines() if line.strip()[:1].isupper()]

    assert {kind.__name__ for kind in KINDS} <= set(drawn)


def test_an_error_is_found_in_the_file_that_it_came_through():
    try:
        raise ValueError("here")
    except ValueError as error:
        told, elsewhere = line_of(error, __name__), line_of(error, "flotilla.errors")

    assert re.fullmatch(rf" \({re.escape(__file__)}, line \d+\)", told)
    assert elsewhere == ""
