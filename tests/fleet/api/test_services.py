"""What the routes are handed."""

from types import SimpleNamespace

import pytest

from flotilla.errors import StreamError
from flotilla.fleet.api.services import Services, services
from flotilla.fleet.history.events import EventStore


def made(folder):
    return Services(None, None, None, events=folder.events, tokens=folder.tokens)


def test_the_reader_is_opened_once_and_again_when_the_file_is_another(folder):
    use = made(folder)
    first = use.reader()
    assert use.reader() is first

    folder.events.rename(folder.path / "old.db")
    EventStore(folder.events).close()

    assert use.reader() is not first
    assert use.reader().last_seq() == 0
    use.close()


def test_before_the_first_event_there_is_no_reader(folder):
    folder.events.unlink()

    with pytest.raises(StreamError, match="there is no log"):
        made(folder).reader()


def test_an_app_that_was_not_built_here_has_none():
    with pytest.raises(TypeError, match=r"not built by app\.build"):
        services(SimpleNamespace(app=SimpleNamespace(state=SimpleNamespace(services=None))))
