"""What commands return and print for programs, and how they can be interrupted."""

from __future__ import annotations

import json
import math
import signal
from fractions import Fraction
from typing import Any

DONE, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130


def raise_on_ctrl_c() -> None:
    """Let Ctrl-C raise KeyboardInterrupt, unless it is ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def print_json(document: dict[str, Any], exact: bool = False) -> None:
    """Print one document as strict JSON; if exact, with every number a fraction."""
    text = json.dumps(_json_value(document, exact), allow_nan=False)
    print(text)  # noqa: T201


def _json_value(value: Any, exact: bool) -> Any:
    """Turn a document into what strict JSON can hold; if exact, floats too become fractions."""
    if isinstance(value, dict):
        return {key: _json_value(entry, exact) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json_value(entry, exact) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, float) and exact:
        return str(Fraction(repr(value)))
    return str(value) if isinstance(value, Fraction) else value
