"""What commands return and print for programs, and how they can be interrupted."""

from __future__ import annotations

import json
import signal
from typing import Any

DONE, FAILED, BAD_INPUT, CRASHED, INTERRUPTED = 0, 1, 2, 3, 130


def raise_on_ctrl_c() -> None:
    """Let Ctrl-C raise KeyboardInterrupt, unless it is ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def print_json(document: dict[str, Any], exact: bool = False) -> None:
    """Print one document as strict JSON; if exact, with every number a fraction."""
    from powergames.results import json_value

    text = json.dumps(json_value(document, exact), allow_nan=False)
    print(text)  # noqa: T201
