"""Which λ a page shows, and whether all equilibria at each: as much as can be computed in the time there is."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from powergames.checking.certify import certify
from powergames.errors import InputError
from powergames.games.normal_form import NormalFormGame
from powergames.games.stochastic import StochasticGame
from powergames.kernels.compilation import clock
from powergames.objectives import PowerObjective, objectives_of, with_lam
from powergames.progress import Callback, counter
from powergames.reporting.intervals import intervals
from powergames.results import Equilibrium, Status, Sweep, SweepPoint
from powergames.solvers import solve, solve_all, sweep

# Numbers of λ, equally spaced; each but the last is taken only if it can be computed in time.
COUNTS = (51, 26, 11, 6, 3)

# Where a game that is slow to solve is solved at first, as shares of the greatest λ: closer where λ is small, which is
# easier.
SHARES = tuple(map(Fraction, ("0", "1/50", "1/20", "1/10", "1/5", "1/2", "1")))

# Critical λ that are added to these, and joint actions of three and more players up to which they are: there, several
# equilibria become one, and it takes long to find that there are no others.
MOST_CRITICAL, SMALL = 50, 8

# Pure equilibria that a page shows at most at each λ.
MOST_PURE = 30

# Computations that a sweep makes at each λ: from scratch, upwards and downwards.
PASSES = 3


@dataclass(frozen=True, eq=False)
class Solved:
    """What was computed for a page.

    Attributes
    ----------
    path : Sweep
    every : bool
        Whether all equilibria were asked for at each λ.
    shortened : bool
        Whether there was time for a part of the usual range only.
    intervals : dict, optional
        What `powergames.reporting.intervals.intervals` returns.
    """

    path: Sweep
    every: bool
    shortened: bool
    intervals: dict[str, Any] | None = None


class _OutOfTimeError(Exception):
    """Raised by a callback to end a computation."""


def solve_in_time(
    game: NormalFormGame | StochasticGame,
    objective: PowerObjective,
    lams: Iterable[float | Fraction | str] | None,
    every: bool | None,
    time_limit: float,
    progress: bool | None,
    callback: Callback | None,
) -> Solved:
    """Solve a game at the λ given, or at as many as can be computed in time.

    Parameters
    ----------
    game : NormalFormGame or StochasticGame
    objective : PowerObjective
        Supplies the aggregate and form.
    lams : iterable of numbers, optional
        Solved at whatever it takes; by default 51 from 0 to 1, or fewer, and the critical λ of small games.
    every : bool, optional
        Whether to compute all equilibria at each λ; by default if that can be done in time.
    time_limit : float
        Seconds to aim at, which decides only what is not given.
    progress, callback
        As in `sweep`.

    Returns
    -------
    Solved

    Raises
    ------
    InputError
        If a λ or an option does not fit the game.
    """
    wanted = objectives_of(usual_lams(game, objective, COUNTS[0]) if lams is None else lams, objective)
    if not wanted:
        raise InputError("lams: got none; give at least one number >= 0")
    for each in wanted:
        each.adversaries(game.n_players)
    probes = [with_lam(objective, lam) for lam in usual_lams(game, objective, COUNTS[-1])]
    last = max([*usual_lams(game, objective, 2), *(each.exact_lam for each in wanted)])
    exact = intervals(game, objective, last)
    critical = set() if exact is None else {Fraction(lam) for lam in exact["critical"][:MOST_CRITICAL]}
    seconds = math.inf
    if every is None:
        seconds = _seconds_for_all(game, probes, time_limit / len(wanted))
        every = seconds * len(wanted) <= time_limit
    elif every and lams is None:
        seconds = _seconds_for_all(game, probes, time_limit / len(probes))
    points: list[SweepPoint] = []
    each_limit = None
    if lams is None:
        if not every:
            first = [with_lam(objective, last * share) for share in SHARES]
            points, seconds = _probed(game, first, time_limit, progress, callback)
            # Computations that begin at other solutions may take longer than these; each has twice the time.
            seconds *= 2
        count = next((count for count in COUNTS if seconds * count <= time_limit), len(probes))
        wanted = [with_lam(objective, lam) for lam in usual_lams(game, objective, count)]
        if not every:
            each_limit = time_limit / (PASSES * count)
        elif exact is not None and (game.n_players == 2 or math.prod(game.n_actions) <= SMALL):
            wanted = objectives_of(sorted(critical | {each.exact_lam for each in wanted}), objective)
        if not every and count <= len(SHARES):
            # A sweep over more is not quick; these, and pure equilibria, are what there is.
            wanted = []
    if wanted:
        chosen = [each.exact_lam for each in wanted]
        path = sweep(
            game,
            objective,
            lams=chosen,
            all_equilibria=every,
            time_limit=each_limit,
            progress=progress,
            callback=callback,
        )
        if lams is not None or every:
            found = path if every or exact is None else [_with_pure(game, point, exact) for point in path]
            return Solved(Sweep(game, tuple(found)), every, lams is None and len(path) < COUNTS[0], exact)
        points = _joined(path, points)
    if exact is not None:
        missing = critical | set(usual_lams(game, objective, COUNTS[0]))
        missing -= {point.objective.exact_lam for point in points}
        points = [_with_pure(game, point, exact) for point in points]
        only_pure = [_with_pure(game, SweepPoint(with_lam(objective, lam), ()), exact) for lam in missing]
        points += [point for point in only_pure if point.equilibria]
    points.sort(key=lambda point: point.objective.exact_lam)
    return Solved(Sweep(game, tuple(points)), every, shortened=len(points) < COUNTS[0], intervals=exact)


def _joined(path: Sweep, probed: list[SweepPoint]) -> list[SweepPoint]:
    """What a sweep or a trial solved at each λ; a λ of the sweep that was only given too little time does not count."""
    wanted = {point.objective for point in path}
    at = {point.objective: point for point in probed if len(path) < COUNTS[0] or point.objective in wanted}
    for point in path:
        late = point.error is None and all(each.status is Status.TIME_LIMIT for each in point.equilibria)
        known = point.objective in at and at[point.objective].converged
        if point.converged or not (late or known):
            at[point.objective] = point
    return list(at.values())


def _with_pure(game: NormalFormGame | StochasticGame, point: SweepPoint, exact: dict[str, Any]) -> SweepPoint:
    """Add the pure equilibria whose intervals contain the λ of a point."""
    assert isinstance(game, NormalFormGame)
    objective = point.objective
    found = [equilibrium for equilibrium in point.equilibria if equilibrium.converged]
    known = {tuple(map(tuple, equilibrium.profile)) for equilibrium in found}
    pure = [branch for branch in exact["branches"] if max(map(len, branch["support"])) == 1]
    for branch in pure[:MOST_PURE]:
        low, high = Fraction(branch["lo"]), None if branch["hi"] is None else Fraction(branch["hi"])
        if objective.exact_lam < low or (high is not None and objective.exact_lam > high):
            continue
        profile = game.profile([[float(chance) for chance in own] for own in branch["constant"]])
        if tuple(map(tuple, profile)) not in known:
            certificate = certify(game, profile, objective)
            status = Status.CONVERGED if certificate.passed else Status.REJECTED
            found.append(Equilibrium(game, objective, profile, certificate, status, "pure"))
    return replace(point, equilibria=tuple(found), error=None) if found else point


def usual_lams(game: NormalFormGame | StochasticGame, objective: PowerObjective, count: int) -> list[Fraction]:
    """Return λ from 0 to 1, or to the greatest one that is a probability where the form asks for that.

    Examples
    --------
    >>> import powergames as pg
    >>> game = pg.load("assembly_line")
    >>> usual_lams(game, PowerObjective(aggregate="sum", form="adversarial"), 3)
    [Fraction(0, 1), Fraction(1, 4), Fraction(1, 2)]
    """
    last = Fraction(1)
    if objective.form == "adversarial":
        totals = [sum(adversary.weight for adversary in own) for own in objective.potential_adversaries(game.n_players)]
        last = min(last, 1 / Fraction(max(max(totals), 1)))
    return [last * k / (count - 1) for k in range(count)]


def _seconds_for_all(game: NormalFormGame | StochasticGame, probes: list[PowerObjective], limit: float) -> float:
    """Seconds that all equilibria take at one λ, on average over some; infinite where they take too long."""
    if isinstance(game, StochasticGame):
        return math.inf
    total = 0.0
    for objective in probes:

        def compute(objective: PowerObjective = objective) -> float:
            began = clock()

            def stop(*_: Any) -> None:
                if clock() - began > len(probes) * limit:
                    raise _OutOfTimeError

            try:
                solve_all(game, objective, callback=stop)
            except (_OutOfTimeError, InputError):
                return math.inf
            return clock() - began

        total += _again_if_slow(compute, limit)
        if total > len(probes) * limit:
            return math.inf
    return total / len(probes)


def _probed(
    game: NormalFormGame | StochasticGame,
    probes: list[PowerObjective],
    time_limit: float,
    progress: bool | None,
    callback: Callback | None,
) -> tuple[list[SweepPoint], float]:
    """One equilibrium at some λ, as many as there is time for, and the seconds that a sweep would take for each λ."""
    points: list[SweepPoint] = []
    total, limit, began = 0.0, time_limit / len(probes), clock()
    with counter("trials", len(probes), progress, callback) as step:
        for objective in probes:
            if points and clock() - began > time_limit:
                break
            found: list[Any] = []

            def compute(objective: PowerObjective = objective, found: list[Any] = found) -> float:
                began = clock()
                found[:] = [solve(game, objective, time_limit=limit)]
                return clock() - began

            # The first one also loads what is needed, so that its time says little.
            hopeless = limit / 2 if points else limit
            total += _again_if_slow(compute, limit / (PASSES * COUNTS[0]), hopeless)
            points.append(SweepPoint(objective, tuple(found)))
            step()
    return points, PASSES * total / len(points)


def _again_if_slow(compute: Callable[[], float], fast: float, hopeless: float = math.inf) -> float:
    """Seconds of a computation; of a second run where the first was slow, as it may have compiled something."""
    seconds = compute()
    return seconds if seconds <= fast or seconds > hopeless else min(seconds, compute())
