from datetime import date

import pytest

from flotilla.config import read
from flotilla.errors import ConfigError, UnknownName
from flotilla.research.choice import each_of, one_of, trading_from


def test_one_portfolio_of_a_sweep_has_its_values_and_a_name_of_its_own(six):
    chosen = one_of(read(six), 4)

    assert chosen.name == "small-4"
    assert chosen.strategies["cross"].params == {"fast": 5, "slow": 30}
    assert chosen.sweep == {}


def test_without_a_sweep_it_is_the_configuration_itself(one):
    assert one_of(read(one), None) == read(one)


@pytest.mark.parametrize(
    ("number", "said"),
    [(None, "sweeps 6 portfolios: name one .--portfolio"), (6, "has 0 to 5"), (-1, "has 0 to 5")],
)
def test_a_portfolio_must_be_one_of_the_sweep(six, number, said):
    with pytest.raises(ConfigError, match=said):
        one_of(read(six), number)


def test_a_number_needs_a_sweep(one):
    with pytest.raises(ConfigError, match="has one alone"):
        one_of(read(one), 0)


def test_another_first_day_is_another_portfolio(one):
    later = trading_from(read(one), date(2020, 3, 2))

    assert later.name == "small-20200302"
    assert later.portfolio.start == date(2020, 3, 2)
    assert trading_from(read(one), None) == read(one)


def test_a_name_that_has_no_room_for_the_number_is_refused(six):
    six.write_text(six.read_text().replace("name: small", "name: " + "s" * 31))

    with pytest.raises(ConfigError, match="shorter name"):
        one_of(read(six), 0)


def test_of_several_it_is_the_one_that_is_named(book):
    assert one_of(read(book), "bold") == read(book).each()["small-bold"]
    with pytest.raises(UnknownName, match="did you mean bold"):
        one_of(read(book), "bald")
    with pytest.raises(ConfigError, match="small has careful, bold: name it"):
        one_of(read(book), None)


def test_all_of_several_are_taken_where_none_is_named(book, one):
    assert [each.name for each in each_of(read(book), None)] == ["small-careful", "small-bold"]
    assert each_of(read(book), "bold") == [one_of(read(book), "bold")]
    assert each_of(read(one), None) == [read(one)]


def test_several_begin_on_another_day_together(book):
    later = trading_from(read(book), date(2020, 3, 2)).each()

    assert [*later] == ["small-20200302-careful", "small-20200302-bold"]
    assert {each.portfolio.start for each in later.values()} == {date(2020, 3, 2)}
