"""Everything flotilla raises on purpose.

FlotillaError
  ConfigError          change the configuration and start again
    UnknownName        ... with the nearest known names in the message
  DataError            the input is wrong; drop or repair it
    OutOfOrderError    ... rows go back in time
  StageError           a plugin failed; names the stage, the time, the instrument
  StreamError          the transport failed; reconnect
    StreamTimeout      ... nothing came in time; ask again
    SequenceGap        ... a row was missed; read it from the log
  GatewayError         the broker could not or would not
    GatewayDown        ... try again later
    OrderRejected      ... do not try again; read the reason
  ProcessError         a process did not start, answer or stop
  InvalidTransition    an event came in a state that does not expect it

The families follow what the caller does next, not the module that they come from.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Any

from flotilla.words import cut

_LONGEST = 80  # letters of a name that are compared
_LISTED = 12  # known names that a message lists when none is near
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _revived(kind: type[FlotillaError], args: tuple[Any, ...]) -> FlotillaError:
    return kind.__new__(kind, *args)


class FlotillaError(Exception):
    """Base of everything flotilla raises on purpose."""

    retry = False  # may the same call succeed if made again?

    def __reduce__(self) -> tuple[Any, ...]:
        # Exception would call __init__ with the finished message, which the kinds with
        # parameters of their own do not take; a worker's error must cross to its parent.
        return _revived, (type(self), self.args), self.__dict__


class ConfigError(FlotillaError):
    """The configuration is wrong; the message says where. Mend it and start again."""


class UnknownName(ConfigError):
    """A name that nothing has, with the nearest that exist."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name, self.known = kind, name, sorted(known)
        super().__init__(f"no {kind} is called {cut(name)}{nearest(name, self.known)}")


class DataError(FlotillaError):
    """The input is wrong; the message says in which file, row and column."""

    findings: tuple[Any, ...] = ()  # one by one, as flotilla.stream.bars.findings has them


class OutOfOrderError(DataError):
    """Rows go back in time, or stand still where they may not."""


class StageError(FlotillaError):
    """A plugin failed. ts: ns since 1970 UTC of the row it failed on, where known."""

    def __init__(
        self, stage: str, message: str, ts: int | None = None, instrument: str | None = None
    ) -> None:
        self.stage, self.message, self.ts, self.instrument = stage, message, ts, instrument
        when = "" if ts is None else f" at {_utc(ts)}"
        what = "" if instrument is None else f" for {instrument}"
        super().__init__(f"stage {stage}{when}{what}: {message}")


class StreamError(FlotillaError):
    """The transport failed; reconnect."""


class StreamTimeout(StreamError):
    """Nothing came in time."""

    retry = True


class SequenceGap(StreamError):
    """A row was missed: `expected` should have come, `got` did. Read it from the log."""

    retry = True

    def __init__(self, expected: int, got: int) -> None:
        self.expected, self.got = expected, got
        super().__init__(f"expected row {expected}, got {got}")


class GatewayError(FlotillaError):
    """The broker could not or would not do what was asked."""


class GatewayDown(GatewayError):
    """The broker cannot be reached. The order was not seen."""

    retry = True


class OrderRejected(GatewayError):
    """The broker saw the order and said no."""

    def __init__(self, order_id: str, reason: str) -> None:
        self.order_id, self.reason = order_id, reason
        super().__init__(f"order {order_id} rejected: {reason}")


class ProcessError(FlotillaError):
    """A process did not start, answer or stop."""


class InvalidTransition(FlotillaError):
    """An event arrived in a state that does not expect it."""

    def __init__(self, state: str, event: str) -> None:
        self.state, self.event = state, event
        super().__init__(f"{event!r} cannot happen while {state}")


def line_of(error: BaseException, module: str) -> str:
    """Return " (file, line n)": the last line of a module that an error came through; "" if through none."""
    file = getattr(sys.modules.get(module), "__file__", None)
    trace, line = error.__traceback__, None
    while trace is not None:
        line = trace.tb_lineno if trace.tb_frame.f_code.co_filename == file else line
        trace = trace.tb_next
    return "" if line is None else f" ({file}, line {line})"


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the end of a message: the known names near to `name`, or else what there is."""
    names = sorted({*known})
    near = get_close_matches(name[:_LONGEST], names)
    if near:
        return f"; did you mean {' or '.join(near)}?"
    if not names:
        return "; there is none"
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"; there is {', '.join(names[:_LISTED])}{more}"


def _utc(ts: int) -> str:
    return (_EPOCH + timedelta(microseconds=ts // 1000)).isoformat().replace("+00:00", "Z")
