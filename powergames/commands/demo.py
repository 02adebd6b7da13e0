"""``powergames demo``: what the program answers, on real input."""

from __future__ import annotations

from powergames.commands.outcome import DONE, FAILED
from powergames.commands.terminal import compilation_told


def command() -> int:
    """Show what it answers, on four games from files."""
    from powergames.commands.demonstration import show

    with compilation_told():
        return DONE if show() else FAILED
