import pyarrow as pa
import pytest

from flotilla.errors import ConfigError
from flotilla.stream.bars.amounts import bare, numbers_of, strange


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("12.5K", 12500.0),
        ("1.1M", 1100000.0),
        ("2b", 2e9),
        ("$1,187.15", 1187.15),
        ("-0.42%", -0.42),
        (" 1,234,567 ", 1234567.0),
        ("-", None),
        ("", None),
        ("n/a", None),
        ("7", 7.0),
    ],
)
def test_amounts_are_numbers(text, value):
    assert numbers_of(pa.array([text]), ".", ",", amounts=True).to_pylist() == [value]
    assert strange(pa.array([text]), ".", ",", amounts=True).to_pylist() == [False]


@pytest.mark.parametrize("text", ["1,23", "abc", "1.2X", "1,2345", "12K5"])
def test_what_is_no_number_is_strange(text):
    assert strange(pa.array([text]), ".", ",", amounts=True).to_pylist() == [True]


def test_points_and_commas_may_be_the_other_way_round():
    assert numbers_of(pa.array(["1.234,5", "2"]), ",", ".", amounts=False).to_pylist() == [1234.5, 2.0]
    assert strange(pa.array(["1.5K"]), ".", None, amounts=False).to_pylist() == [True]


def test_a_mark_that_is_the_decimal_too_is_a_mistake_of_the_configuration():
    with pytest.raises(ConfigError, match=r"thousands '\.' is not one character other than the decimal"):
        bare(pa.array(["1"]), ".", ".", amounts=False)
