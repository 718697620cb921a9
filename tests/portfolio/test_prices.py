"""The price at which orders fill, by name."""

import pytest

from flotilla.errors import ConfigError
from flotilla.portfolio.prices import fill_field


def test_by_itself_it_is_the_open_where_there_is_one():
    assert fill_field("auto", ["open", "close"]) == "open"
    assert fill_field("auto", ["close"]) == "close"


def test_it_is_what_was_asked_for():
    assert fill_field("close", ["open", "close"]) == "close"
    assert fill_field("open", ["open", "close"]) == "open"


def test_what_the_data_do_not_have_is_refused_with_what_they_have():
    with pytest.raises(
        ConfigError, match=r"\$\.portfolio\.fill_at: the data has no open; it has close, volume"
    ):
        fill_field("open", ["volume", "close"])
