"""How long work tells how far it is: a bar on a terminal, and a function of the caller's."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from powergames.errors import InputError, printable

# What long work calls: with a short name of the stage, steps done, and steps in all (0 if unknown).
Callback = Callable[[str, int, int], None]

# Seconds between two pictures of a bar.
REFRESH = 0.1


def check_callback(callback: Any) -> None:
    """Refuse a callback that cannot be called; None is no callback.

    Raises
    ------
    InputError

    Examples
    --------
    >>> check_callback(3)
    Traceback (most recent call last):
        ...
    powergames.errors.InputError: callback: got int; give a function of (stage, done, total)
    """
    if callback is not None and not callable(callback):
        raise InputError(f"callback: got {type(callback).__name__}; give a function of (stage, done, total)")


@contextmanager
def reporter(
    progress: bool | None = None, callback: Callback | None = None, transient: bool = False
) -> Iterator[Callback]:
    """Yield a function that moves a progress bar on stderr and tells a callback.

    Parameters
    ----------
    progress : bool, optional
        Whether to show a bar; by default if stderr is a terminal.
    callback : callable, optional
        Called as ``callback(stage, done, total)``.
    transient : bool
        Whether the bar goes away at the end.

    Yields
    ------
    callable
        A function of (stage, done, total).

    Raises
    ------
    InputError
        If the callback cannot be called.

    Examples
    --------
    >>> with reporter(callback=print) as report:
    ...     report("states", 3, 10)
    states 3 10
    """
    check_callback(callback)
    with ExitStack() as stack:
        show = stack.enter_context(_bar(transient)) if (sys.stderr.isatty() if progress is None else progress) else None

        def report(stage: str, done: int, total: int) -> None:
            if show is not None:
                show(stage, done, total)
            if callback is not None:
                callback(stage, done, total)

        yield report


@contextmanager
def counter(
    stage: str, total: int, progress: bool | None = None, callback: Callback | None = None
) -> Iterator[Callable[[], None]]:
    """Yield a function to call after each of `total` steps; as `reporter` otherwise.

    Examples
    --------
    >>> with counter("games", 2, callback=print) as step:
    ...     step()
    games 1 2
    """
    done = 0
    with reporter(progress, callback) as report:

        def step() -> None:
            nonlocal done
            done += 1
            report(stage, done, total)

        yield step


@contextmanager
def _bar(transient: bool) -> Iterator[Callback]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.table import Column

    # The text comes last and may take several lines, so that it leaves room for the bar.
    text = TextColumn("{task.description}", markup=False, table_column=Column())
    columns = BarColumn(20), MofNCompleteColumn(), TimeRemainingColumn(), text
    with Progress(*columns, console=Console(stderr=True), transient=transient) as bar:
        task = bar.add_task("", total=None)
        shown_at, last = 0.0, ("", 0, 0)

        def show(stage: str, done: int, total: int) -> None:
            nonlocal shown_at, last
            last = stage, done, total
            now = time.monotonic()
            if now - shown_at >= REFRESH:
                shown_at = now
                update()

        def update() -> None:
            stage, done, total = last
            bar.update(task, completed=done, total=total or None, description=printable(stage))

        try:
            yield show
        finally:
            update()
