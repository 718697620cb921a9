"""How far a role is, seen from outside."""

from contextlib import closing

from flotilla.live.progress import Progress
from flotilla.stream.log import LogWriter


def test_a_role_that_has_not_begun_has_done_nothing(room):
    path = room / "signals.db"
    with closing(Progress(path, "signals")) as progress:
        assert progress.bars() == 0
        assert not progress.begun
        path.touch()  # it is being made
        assert progress.bars() == 0
        path.unlink()

        with closing(LogWriter(path, ["signals"])) as log:
            assert progress.begun
            log.append("signals", [(0, b""), (0, b"")])
            assert progress.bars() == 2
