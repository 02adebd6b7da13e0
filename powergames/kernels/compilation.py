"""How long this process has compiled kernels: once on a machine, which no limit on the time of an answer counts.

This module imports nothing slow; `powergames.kernels.caching` tells it when compilation begins and ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable

# Called when a compilation begins that is not part of another one.
listeners: list[Callable[[], None]] = []

# Seconds of what has ended, compilations under way within each other, and when the outermost began.
_ended, _depth, _began = 0.0, 0, 0.0


def begin() -> None:
    """Take note that a compilation begins."""
    global _depth, _began
    if _depth == 0:
        _began = time.monotonic()
        for listener in listeners.copy():
            listener()
    _depth += 1


def end() -> None:
    """Take note that a compilation ends."""
    global _ended, _depth
    _depth -= 1
    if _depth == 0:
        _ended += time.monotonic() - _began


def seconds() -> float:
    """Return how many seconds this process has compiled so far."""
    return _ended + (time.monotonic() - _began if _depth else 0.0)


def clock() -> float:
    """Tell the time as `time.monotonic` does, on a clock that stands still while kernels are compiled."""
    return time.monotonic() - seconds()
