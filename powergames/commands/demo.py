"""``powergames demo``: what the program answers, on real input."""

from __future__ import annotations

import sys
from contextlib import nullcontext

from powergames.commands.outcome import DONE, FAILED
from powergames.commands.terminal import compilation_told


def command() -> int:
    """Answer typical questions about four games from files, in under a minute."""
    from powergames.commands.demonstration import show

    # On a terminal, every command tells it.
    with nullcontext() if sys.stderr.isatty() else compilation_told():
        return DONE if show() else FAILED
