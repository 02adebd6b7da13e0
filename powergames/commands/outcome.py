"""What commands return and print for programs, and how they can be interrupted."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

DONE, FAILED, BAD_INPUT, CRASHED, INTERRUPTED = 0, 1, 2, 3, 130


def end_on_ctrl_c() -> None:
    """Let Ctrl-C end the process at once, unless it is ignored. Python would wait for the end of compiled code."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)


def raise_on_ctrl_c() -> None:
    """Let Ctrl-C raise KeyboardInterrupt, unless it is ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@contextmanager
def ends_like_ctrl_c() -> Iterator[None]:
    """Let Ctrl-C, a request to end and a closed terminal raise KeyboardInterrupt, unless they are ignored."""
    raise_on_ctrl_c()
    ends = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    changed = [end for end in ends if signal.getsignal(end) is signal.SIG_DFL]
    for end in changed:
        signal.signal(end, signal.default_int_handler)
    try:
        yield
    finally:
        for end in changed:
            signal.signal(end, signal.SIG_DFL)


def print_json(document: dict[str, Any], exact: bool = False) -> None:
    """Print one document as strict JSON; if exact, with every number a fraction."""
    from powergames.results import json_value

    text = json.dumps(json_value(document, exact), allow_nan=False)
    print(text)  # noqa: T201
