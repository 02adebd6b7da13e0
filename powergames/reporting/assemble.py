"""A page about a game: its payoffs, its certified solutions over λ, who holds power, and what deviations do."""

from __future__ import annotations

import html
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from powergames.errors import InputError
from powergames.games.immutable import Frozen
from powergames.games.kinds import AnyGame, as_game, check_endless
from powergames.games.normal_form import NormalFormGame
from powergames.games.stochastic import StochasticGame
from powergames.io._text import write_atomically
from powergames.objectives import AnyObjective, as_objective
from powergames.progress import Callback
from powergames.reporting.document import build
from powergames.reporting.page import page
from powergames.reporting.schedule import Solved, solve_in_time
from powergames.results import Sweep

# Bytes that a page may have.
LARGEST = 3_000_000

# How a page that is too large is made smaller: keep one of so many λ, and whether to keep what deviations do.
_CUTS = ((1, True), (2, True), (5, True), (5, False), (10, False), (50, False), (10**9, False))


@dataclass(frozen=True, eq=False)
class Report(Frozen):
    """A page about a game, as a document and as HTML.

    Attributes
    ----------
    path : Sweep
        The solutions at each λ, failures kept as data.
    json : str
        The numbers of the page; see `powergames.reporting.document.build`.
    html : str
        The page, complete in itself.
    """

    path: Sweep
    json: str
    html: str

    @property
    def document(self) -> dict[str, Any]:
        """The numbers of the page as plain JSON values, read afresh."""
        document: dict[str, Any] = json.loads(self.json)
        return document

    @property
    def certified(self) -> bool:
        """Whether there is a solution at every λ and all solutions are certified."""
        return all(point.converged for point in self.path)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page to a file, as a whole or not at all.

        Parameters
        ----------
        path : str or path-like
            Where to; the extension must be .html.

        Raises
        ------
        InputError
            If the extension is another one, or the file cannot be written.
        """
        check_page_name(path)
        write_atomically(path, self.html.encode())

    def __repr__(self) -> str:
        failed = sum(not point.converged for point in self.path)
        verdict = f"{failed} without a certified solution" if failed else "all certified"
        return f"<Report {self.document['report']['title']!r}: {len(self.path)} lam, {verdict}>"

    def _repr_html_(self) -> str:
        attributes = 'sandbox="allow-scripts allow-downloads" width="100%" height="700"'
        return f'<iframe {attributes} srcdoc="{html.escape(self.html)}"></iframe>'


def report(
    game: AnyGame,
    path: str | os.PathLike[str] | None = None,
    *,
    lams: Iterable[float | Fraction | str] | None = None,
    objective: AnyObjective | None = None,
    all_equilibria: bool | None = None,
    title: str | None = None,
    time_limit: float = 60.0,
    progress: bool | None = None,
    callback: Callback | None = None,
) -> Report:
    """Make a page about a game for a class: one HTML file that opens in any browser, without a network.

    A slider leads through λ. The page shows the payoffs, the certified solutions at that λ with power and utility, and
    what everybody gets when one player deviates. All of it is computed here; nothing is interpolated.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or DeterministicGame
    path : path, optional
        A .html file to write the page to.
    lams : iterable of numbers, optional
        The values of λ, all of which are computed. By default 51 from 0 to 1, or fewer for a game that is slow to
        solve; the page says which.
    objective : PowerObjective, optional
        Supplies the aggregate and form; its own λ is not used.
    all_equilibria : bool, optional
        Whether to compute all equilibria at each λ (normal-form games), or those that `sweep` finds. By default all, if
        `time_limit` seconds suffice.
    title : str, optional
        Heading of the page; by default the title of the game.
    time_limit : float, default 60
        Seconds that the page may take. They decide about `lams` and `all_equilibria` if these are not given. Trials at
        a few λ take up to half of the time, and other λ the rest. A λ that is not solved in its share of the time is
        left out. Only a very large game may take longer, since at least one solution is computed and certified. At
        `lams` that are given, each computation runs to its end. Give both arguments to get the same page on any
        machine.
    progress : bool, optional
        Whether to show a progress bar on stderr; by default only if that is a terminal.
    callback : callable, optional
        Called as ``callback(stage, done, total)`` whenever a computation ends.

    Returns
    -------
    Report

    Raises
    ------
    InputError
        If an argument cannot be used, the time is far too short for the game, or the file cannot be written.

    Notes
    -----
    A page has at most three megabytes. If it would have more, it keeps every second or fifth λ, or leaves deviations
    out; of stochastic games with more than 40 states it shows those visited most. It says what is left out.

    Examples
    --------
    >>> import powergames as pg
    >>> lesson = pg.report(pg.load("stag_hunt"), lams=[0, "1/5", "3/10"], all_equilibria=True)
    >>> lesson
    <Report 'Stag hunt': 3 lam, all certified>
    >>> [len(point["equilibria"]) for point in lesson.document["points"]]
    [3, 3, 1]
    """
    game = as_game(game, NormalFormGame | StochasticGame)
    check_endless(game)
    objective = as_objective(objective, once=isinstance(game, NormalFormGame))
    if not isinstance(time_limit, (int, float)) or not time_limit >= 0:
        raise InputError(f"time_limit: got {str(time_limit)[:40]}; give seconds >= 0")
    if title is not None and not isinstance(title, str):
        raise InputError(f"title: got {type(title).__name__}; give a str")
    if path is not None:
        check_page_name(path)
    heading = (game.title if title is None else title) or "Untitled game"
    solved = solve_in_time(game, objective, lams, all_equilibria, float(time_limit), progress, callback)
    result = _within_size(solved, heading)
    if path is not None:
        result.save(path)
    return result


def check_page_name(path: Any) -> None:
    """Refuse what is no name of a page.

    Raises
    ------
    InputError

    Examples
    --------
    >>> check_page_name("stag_hunt.nfg")
    Traceback (most recent call last):
        ...
    powergames.errors.InputError: report: got 'stag_hunt.nfg'; give the name of a .html file
    """
    if not isinstance(path, (str, os.PathLike)) or Path(os.fsdecode(path)).suffix.lower() != ".html":
        raise InputError(f"report: got {str(path)[:60]!r}; give the name of a .html file")


def _within_size(solved: Solved, title: str) -> Report:
    """Put the page together, smaller if it would be too large."""
    for thinned, deviations in _CUTS:
        document = build(solved, title, thinned, deviations)
        text = page(document)
        if len(text) <= LARGEST:
            return Report(solved.path, json.dumps(document, allow_nan=False), text)
    raise InputError(
        f"report: the page would have {len(text):,} bytes, and {LARGEST:,} is the most; "
        "give fewer lam, or a smaller game"
    )
