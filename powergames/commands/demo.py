"""``powergames demo``: what the program answers, on real input."""

from __future__ import annotations

from powergames.commands.outcome import DONE, FAILED


def command() -> int:
    """Show what it answers, on four games from files."""
    from powergames.demo import show

    return DONE if show() else FAILED
