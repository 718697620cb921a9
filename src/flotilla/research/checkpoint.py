"""Where a sweep is, written down now and then: one that was killed goes on, and does not begin anew."""

from __future__ import annotations

from hashlib import blake2b

from flotilla.clock import monotonic_ns
from flotilla.research.passage import Passage
from flotilla.stream.arrays import decode, encode
from flotilla.stream.files import write_atomically
from flotilla.stream.table import Store

CHECKSUM = 16  # bytes, before those of the state
CHECKPOINT_S = 2.0  # seconds from one to the next


class Checkpoint:
    """One file beside the store's tables, gone when the sweep is done. Without a store there is none."""

    def __init__(self, store: Store | None, name: str, every_s: float) -> None:
        self._path = store.folder.parent / "checkpoints" / name if store else None
        self._every_ns = int(every_s * 1e9)
        self._kept_ns = monotonic_ns()

    def resume(self, passage: Passage) -> None:
        """Set the passage to where it was, if that is known. A damaged file counts as none."""
        if self._path is None or not self._path.exists():
            return
        kept = self._path.read_bytes()
        state = kept[CHECKSUM:]
        if _checksum(state) == kept[:CHECKSUM]:
            passage.restore(decode(state))
        else:
            self._path.unlink()

    def offer(self, passage: Passage) -> None:
        """Write the passage's state down, if it is time again."""
        if self._path is None or passage.done == passage.rows:
            return
        if monotonic_ns() - self._kept_ns < self._every_ns:
            return
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        state = encode(passage.state())
        write_atomically(self._path, _checksum(state) + state)
        self._kept_ns = monotonic_ns()

    def remove(self) -> None:
        """Forget it: the sweep is done. So is what a process left that was killed while it wrote."""
        if self._path is not None:
            self._path.unlink(missing_ok=True)
            for left in self._path.parent.glob(f".{self._path.name}.partial-*"):
                left.unlink(missing_ok=True)


def _checksum(state: bytes) -> bytes:
    return blake2b(state, digest_size=CHECKSUM).digest()
