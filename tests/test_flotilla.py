from importlib.metadata import version

import pytest

import flotilla


def test_the_version_is_that_of_what_is_installed():
    assert flotilla.__version__ == version("flotilla")


def test_what_is_not_there_is_no_attribute():
    with pytest.raises(AttributeError, match="'flotilla' has no attribute 'versoin'"):
        _ = flotilla.versoin
