"""Whether the compiler has been here: who waits for it should be told."""

from __future__ import annotations

import os
from typing import Any

from flotilla.kernel.compile import code_of

_EACH_TIME = (
    "the compiler, up to a minute each time: its code cannot be kept in {}; "
    "set XDG_CACHE_HOME or NUMBA_CACHE_DIR to a folder that can be written"
)


def waits_for(kernel: Any) -> str:
    """Return what somebody who calls a kernel waits for; "" if it lies compiled in the cache.

    kernel: the largest of those that will be called.
    """
    code = code_of(kernel)
    if code is None:
        return _EACH_TIME.format("$HOME/.cache, nor where the environment says")
    if code.begun:
        return ""
    if not os.access(code.folder, os.W_OK):
        return _EACH_TIME.format(code.folder)
    return "the compiler first: up to a minute, this once"
