"""Equilibria over a range of λ."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from fractions import Fraction

from powergames.errors import InputError
from powergames.games.normal_form import NormalFormGame, check_game
from powergames.objectives import PowerObjective, check_objective, with_lam
from powergames.results import Path, PathPoint
from powergames.solvers.registry import NASH, solve, solve_all

# More workers than this only cost memory.
MOST_JOBS = 1_000


def sweep(
    game: NormalFormGame,
    lams: Iterable[float | Fraction | str],
    objective: PowerObjective | None = None,
    *,
    all_equilibria: bool = False,
    method: str | None = None,
    exact: bool = False,
    n_jobs: int = 1,
    progress: bool | None = None,
) -> Path:
    """Solve a game at many λ.

    Parameters
    ----------
    game : NormalFormGame
    lams : iterable of numbers
        The values of λ, in the order in which points are returned.
    objective : PowerObjective, optional
        Supplies the aggregate and form; its own λ is not used.
    all_equilibria : bool, default False
        Compute all equilibria at each λ instead of one (two players).
    method, exact
        As in `solve`.
    n_jobs : int, default 1
        Number of joblib workers; -1 for all processors.
    progress : bool, optional
        Whether to show a progress bar on stderr; by default only if that is a terminal.

    Returns
    -------
    Path
        One `PathPoint` for each λ. A λ at which a computation fails keeps the reason in `error`.

    Raises
    ------
    InputError
        If a λ cannot be used, or the options do not fit the game.

    Examples
    --------
    >>> import powergames as pg
    >>> path = pg.sweep(pg.load("stag_hunt"), [0, 0.2, 0.3], all_equilibria=True)
    >>> [len(point.equilibria) for point in path]
    [3, 3, 1]
    """
    from joblib import Parallel, delayed

    base = NASH if objective is None else objective
    check_game(game)
    check_objective(base)
    if isinstance(lams, str) or not isinstance(lams, Iterable):
        raise InputError(f"lams: got {type(lams).__name__}; give a sequence of numbers, e.g. np.linspace(0, 1, 51)")
    objectives = [with_lam(base, lam) for lam in lams]
    if not isinstance(n_jobs, int) or not (n_jobs == -1 or 1 <= n_jobs <= MOST_JOBS):
        raise InputError(f"n_jobs: got {str(n_jobs)[:40]}; give 1 to {MOST_JOBS} workers, or -1 for all processors")
    if all_equilibria and method is not None:
        raise InputError("method: all equilibria are enumerated by one method; leave out method")
    point = _point_of_all if all_equilibria else _point_of_one
    with Parallel(n_jobs=min(n_jobs, max(len(objectives), 1)), return_as="generator") as parallel:
        points = parallel(delayed(point)(game, each, method, exact) for each in objectives)
        return Path(game, tuple(_tracked(points, len(objectives), progress)))


def _point_of_one(game: NormalFormGame, objective: PowerObjective, method: str | None, exact: bool) -> PathPoint:
    return _point(objective, lambda: (solve(game, objective, method=method, exact=exact),))


def _point_of_all(game: NormalFormGame, objective: PowerObjective, method: str | None, exact: bool) -> PathPoint:
    return _point(objective, lambda: tuple(solve_all(game, objective, exact=exact)))


def _point(objective: PowerObjective, compute: Callable[[], tuple]) -> PathPoint:  # type: ignore[type-arg]
    try:
        return PathPoint(objective, compute())
    except (ArithmeticError, MemoryError) as error:
        return PathPoint(objective, (), f"{type(error).__name__}: {error}")


def _tracked(points: Iterable[PathPoint], total: int, progress: bool | None) -> Sequence[PathPoint]:
    if progress is None:
        progress = sys.stderr.isatty()
    if not progress:
        return list(points)
    from rich.console import Console
    from rich.progress import track

    return list(track(points, "sweep", total, console=Console(stderr=True)))
