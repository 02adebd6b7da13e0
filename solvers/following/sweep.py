"""Equilibria over a range of λ."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from powergames.errors import InputError
from powergames.games.kinds import AnyGame, as_game, check_endless
from powergames.games.normal_form import NormalFormGame
from powergames.games.stochastic import StochasticGame
from powergames.games.timed import check_horizon
from powergames.objectives import AnyObjective, PowerObjective, as_objective, objectives_of
from powergames.progress import Callback, counter
from powergames.results import Equilibrium, StochasticEquilibrium, Sweep, SweepPoint
from powergames.solvers.batch.batches import Batch, Settings, check_jobs
from powergames.solvers.following import continuation
from powergames.solvers.normal_form import ipa
from powergames.solvers.normal_form.extended import extended_size
from powergames.solvers.normal_form.selection import CRITERIA
from powergames.solvers.registry import solve
from powergames.solvers.stochastic.backward_induction import RULES


@dataclass(frozen=True)
class Limits:
    """When Newton's method leads from one λ to the next."""

    newton_steps: int = 8
    """Newton steps to the next λ."""
    newton_actions: int = 400
    """They are used up to this many actions, those of adversaries included."""


LIMITS = Limits()


def sweep(
    game: AnyGame,
    objective: AnyObjective | None = None,
    *,
    lams: Iterable[float | Fraction | str],
    horizon: int | None = None,
    all_equilibria: bool = False,
    method: str | None = None,
    exact: bool = False,
    select: str | None = None,
    tol: float = 1e-8,
    time_limit: float | None = None,
    warm_start: bool = True,
    n_jobs: int | None = None,
    store: str | os.PathLike[str] | None = None,
    progress: bool | None = None,
    callback: Callback | None = None,
) -> Sweep:
    """Solve a game at many λ.

    `sweep` first solves the game at each λ from scratch, independently of the others. Then it continues equilibria from
    one λ to the next, once upwards and once downwards. Each step begins at the equilibrium reached at the λ before. If
    that equilibrium is lost, the step begins at the first one known there. So the result also shows branches of
    equilibria that no solver would choose by itself.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or DeterministicGame
    objective : PowerObjective, optional
        Supplies the aggregate, form and steps; its own λ is not used.
    lams : iterable of numbers
        The values of λ, in the order in which points are returned; in any order, also repeated.
    horizon : int, optional
        Number of steps after which a game with states ends; as in `solve`. Each λ is then solved by itself.
    all_equilibria : bool, default False
        Compute all equilibria at each λ instead of one (two players); nothing is continued then.
    method, exact, tol
        As in `solve`.
    select : {"welfare", "power"}, optional
        At each λ return the equilibrium that is best by this criterion, as `solve` does; nothing is continued then.
        With a horizon also "team" and "nearest".
    time_limit : float, optional
        Seconds that each computation may take, as in `solve`.
    warm_start : bool, default True
        Whether to continue equilibria; without, each point has one at most.
    n_jobs : int, optional
        Number of joblib workers; -1 for all processors. By default what ``joblib.parallel_config`` says, or 1.
    store : path, optional
        A file of JSON lines that keeps each result as soon as it is there, and from which an interrupted sweep
        resumes; see `solve_batch`.
    progress : bool, optional
        Whether to show a progress bar on stderr; by default only if that is a terminal.
    callback : callable, optional
        Called as ``callback(stage, done, total)`` in this process whenever a computation ends.

    Returns
    -------
    Sweep
        One `SweepPoint` for each λ, with all different certified equilibria found there: from scratch, continued
        upwards, continued downwards. A λ without any keeps the uncertified profile with its status, or in `error` what
        the solver raised.

    Raises
    ------
    InputError
        If a λ cannot be used, the options do not fit the game, or the store holds something else, belongs to other
        options, or is in use.
    OSError
        If the store cannot be written.

    Notes
    -----
    Costs up to three computations for each different λ, of which the first runs in parallel. The result does not
    depend on `n_jobs` or on the joblib backend.

    Examples
    --------
    >>> import powergames as pg
    >>> path = pg.sweep(pg.load("stag_hunt"), lams=[0, 0.2, 0.3], all_equilibria=True)
    >>> [len(point.equilibria) for point in path]
    [3, 3, 1]
    """
    game = as_game(game, NormalFormGame | StochasticGame)
    if horizon is None:
        check_endless(game)
        if isinstance(select, str) and select in RULES and select not in CRITERIA:
            raise InputError(f"select: got {select!r}, which needs horizon=; choose one of {', '.join(CRITERIA)}")
    if not isinstance(game, NormalFormGame):
        refused = {"store": store is not None, "all_equilibria": all_equilibria, "exact": exact}
        for name, wanted in (refused | {"select": horizon is None and select is not None}).items():
            if wanted:
                raise InputError(f"{name}: not for stochastic games; leave it out")
    objectives = objectives_of(lams, as_objective(objective, once=isinstance(game, NormalFormGame)))
    n_jobs = check_jobs(n_jobs)
    settings = Settings(method, exact, tol, all_equilibria, select, time_limit, strict=True)
    settings.check()
    distinct = sorted(set(objectives), key=lambda each: each.exact_lam)
    for each in distinct:
        each.adversaries(game.n_players)
    if horizon is not None:
        lasting = check_horizon(horizon, game)
        by_lam = _over_horizon(
            game, distinct, lasting, settings, n_jobs, counter("sweep", len(distinct), progress, callback)
        )
        return Sweep(game, tuple(by_lam[each] for each in objectives))
    warm = warm_start and not all_equilibria and select is None
    total = len(distinct) + 2 * (len(distinct) - 1) * warm
    with Batch(settings, n_jobs, store, counter("sweep", total, progress, callback)) as batch:
        cold = batch.solve([(game, each) for each in distinct])
        points = _continued_both_ways(cold, batch, settings) if warm else cold
    at = dict(zip(distinct, points, strict=True))
    return Sweep(game, tuple(at[each] for each in objectives))


def _over_horizon(
    game: NormalFormGame | StochasticGame,
    objectives: Sequence[PowerObjective],
    horizon: int,
    settings: Settings,
    n_jobs: int | None,
    report: Any,
) -> dict[PowerObjective, SweepPoint]:
    """Solve a game that ends at each λ by itself."""
    from joblib import Parallel, delayed

    points = {}
    with report as done:
        found = Parallel(n_jobs=n_jobs, return_as="generator")(
            delayed(solve)(
                game,
                each,
                horizon=horizon,
                method=settings.method,
                select=settings.select,
                tol=settings.tol,
                time_limit=settings.time_limit,
            )
            for each in objectives
        )
        for each, equilibrium in zip(objectives, found, strict=True):
            points[each] = SweepPoint(each, (equilibrium,))
            done()
    return points


def _continued_both_ways(cold: Sequence[SweepPoint], batch: Batch, settings: Settings) -> list[SweepPoint]:
    """Add to each point the equilibria that lead there from its neighbours; points are in order of λ."""
    known = [[equilibrium for equilibrium in point.equilibria if equilibrium.converged] for point in cold]

    def compute(game: Any, objective: PowerObjective, previous: Any) -> Any:
        return _continued(game, objective, previous, settings)

    for places in (range(len(cold)), range(len(cold) - 1, -1, -1)):
        previous: Equilibrium | StochasticEquilibrium | None = None
        for place in places:
            reached = None
            if previous is not None:
                reached = batch.continued(previous, cold[place].objective, compute)
            if reached is not None and not any(_same(reached, other) for other in known[place]):
                known[place].append(reached)
            previous = reached or next(iter(known[place]), previous)
    return [
        replace(point, equilibria=tuple(found), error=None) if found else point
        for point, found in zip(cold, known, strict=True)
    ]


def _continued(
    game: NormalFormGame | StochasticGame,
    objective: PowerObjective,
    previous: Equilibrium | StochasticEquilibrium,
    settings: Settings,
) -> Equilibrium | StochasticEquilibrium:
    """Continue an equilibrium to a λ nearby: a few Newton steps where they are cheap, else a solve from there."""
    if isinstance(game, StochasticGame):
        return solve(
            game,
            objective,
            method=settings.method,
            tol=settings.tol,
            start=previous.profile,
            time_limit=settings.time_limit,
        )
    near = not settings.exact and extended_size(game, objective) <= LIMITS.newton_actions
    return solve(
        game,
        objective,
        method=ipa.METHOD.name if near else settings.method,
        exact=settings.exact,
        tol=settings.tol,
        start=previous.profile,
        max_iter=LIMITS.newton_steps if near else None,
        time_limit=settings.time_limit,
    )


def _same(one: Equilibrium | StochasticEquilibrium, other: Equilibrium | StochasticEquilibrium) -> bool:
    return all(
        np.abs(a.astype(np.float64) - b.astype(np.float64)).max() <= continuation.LIMITS.same
        for a, b in zip(one.profile, other.profile, strict=True)
    )
