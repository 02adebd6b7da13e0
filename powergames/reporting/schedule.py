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

# Number of λ at which a game is solved one by one if there is no time for a sweep.
FEW = COUNTS[2]

# Seconds that one solution and its certificate take at the least, for each joint action of each state; and how many
# seconds are never too many.
SECONDS_PER_ROW, QUICK = 1e-5, 20.0

# Share of the time for solving, the rest of which is for putting the page together; and for the first λ alone.
SOLVING, FIRST = 0.9, 0.7

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


@dataclass(frozen=True, eq=False)
class _Task:
    """A game for a page, and how long its computations may take.

    `exact` is what `intervals` returns, up to `last`, the greatest λ of the page.
    """

    game: NormalFormGame | StochasticGame
    objective: PowerObjective
    time_limit: float
    progress: bool | None
    callback: Callback | None
    last: Fraction
    exact: dict[str, Any] | None

    @property
    def critical(self) -> set[Fraction]:
        """The critical λ that a page has room for."""
        return set() if self.exact is None else {Fraction(lam) for lam in self.exact["critical"][:MOST_CRITICAL]}

    def usual(self, count: int) -> list[PowerObjective]:
        """Return the objective at so many usual λ."""
        return [with_lam(self.objective, lam) for lam in usual_lams(self.game, self.objective, count)]

    def solve(self, objective: PowerObjective, time_limit: float, start: Any = None) -> SweepPoint:
        """Solve at one λ.

        Raises
        ------
        KeyboardInterrupt
            At Ctrl-C, at which a solver would end and the page go on.
        """
        found = solve(self.game, objective, start=start, time_limit=time_limit)
        if found.status is Status.INTERRUPTED:
            raise KeyboardInterrupt
        return SweepPoint(objective, (found,))

    def sweep(self, objectives: Iterable[PowerObjective], every: bool, time_limit: float | None = None) -> Sweep:
        """Solve at some λ, each computation within a limit."""
        return sweep(
            self.game,
            self.objective,
            lams=[each.exact_lam for each in objectives],
            all_equilibria=every,
            time_limit=time_limit,
            progress=self.progress,
            callback=self.callback,
        )

    def with_pure(self, points: Iterable[SweepPoint]) -> list[SweepPoint]:
        """Add to each point the pure equilibria whose intervals contain its λ."""
        return [point if self.exact is None else _with_pure(self.game, point, self.exact) for point in points]

    def solved(self, points: Iterable[SweepPoint], every: bool, shortened: bool) -> Solved:
        """Return what was computed, in order of λ."""
        return Solved(Sweep(self.game, tuple(points)), every, shortened, self.exact)


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
        Seconds that all of this may take, unless `lams` are given. Then it decides about `every` only.
    progress, callback
        As in `sweep`.

    Returns
    -------
    Solved

    Raises
    ------
    InputError
        If a λ or an option does not fit the game, or the time is far too short for it.
    """
    began = clock()
    if lams is None and isinstance(game, StochasticGame):
        check_time(game.n_states, game.n_rows, time_limit)
    wanted = objectives_of(usual_lams(game, objective, COUNTS[0]) if lams is None else lams, objective)
    if not wanted:
        raise InputError("lams: got none; give at least one number >= 0")
    for each in wanted:
        each.adversaries(game.n_players)
    last = max([*usual_lams(game, objective, 2), *(each.exact_lam for each in wanted)])
    task = _Task(game, objective, time_limit, progress, callback, last, intervals(game, objective, last))
    count = COUNTS[0]
    if every is None:
        every = _seconds_for_all(task, time_limit / len(wanted)) * len(wanted) <= time_limit
    elif every and lams is None:
        count = _affordable(_seconds_for_all(task, time_limit / COUNTS[-1]), time_limit)
    if lams is not None:
        return _at_given(task, wanted, every)
    return _all_at_usual(task, count) if every else _one_at_usual(task, began)


def rows_in(time_limit: float) -> int:
    """Return how many joint actions of all states a game may have, if one solution is to take at most so many seconds.

    Examples
    --------
    >>> rows_in(60)
    6000000
    """
    return round(max(time_limit, QUICK) / SECONDS_PER_ROW)


def check_time(n_states: int, n_rows: int, time_limit: float) -> None:
    """Refuse a game of which not even one solution could be computed in time.

    Parameters
    ----------
    n_states, n_rows : int
        Number of states, and of joint actions of all states.
    time_limit : float
        Seconds.

    Raises
    ------
    InputError

    Examples
    --------
    >>> check_time(4, 16, 0.0)
    """
    if n_rows > rows_in(time_limit):
        raise InputError(
            f"time_limit: got {time_limit:g}; one solution of this game of {n_states:,} states takes "
            f"{SECONDS_PER_ROW * n_rows:.0f} s or more; give several times as much, or a smaller game"
        )


def _at_given(task: _Task, wanted: list[PowerObjective], every: bool) -> Solved:
    """Solve at the λ given, in their order; where not all equilibria are computed, add the pure ones."""
    path = task.sweep(wanted, every)
    return task.solved(path if every else task.with_pure(path), every, shortened=False)


def _all_at_usual(task: _Task, count: int) -> Solved:
    """Compute all equilibria at so many usual λ, and at the critical ones where that is quick."""
    wanted = task.usual(count)
    if task.game.n_players == 2 or math.prod(task.game.n_actions) <= SMALL:
        wanted = objectives_of(sorted(task.critical | {each.exact_lam for each in wanted}), task.objective)
    path = task.sweep(wanted, every=True)
    return task.solved(path, every=True, shortened=len(path) < COUNTS[0])


def _one_at_usual(task: _Task, began: float) -> Solved:
    """Find one equilibrium at as many usual λ as there is time for; add pure ones where they are known.

    Half of the time is for trials at a few λ. Then there is a sweep, if there is time for one over more λ than these.
    What is left goes to one λ after the other.
    """
    first = [with_lam(task.objective, task.last * share) for share in SHARES]
    end = began + SOLVING * task.time_limit
    points, seconds = _probed(task, first)
    left = end - clock()
    # Computations that begin at other solutions may take longer than these; each has twice the time.
    count = _affordable(2 * seconds, left)
    if count > len(SHARES):
        points = _joined(task.sweep(task.usual(count), every=False, time_limit=left / (PASSES * count)), points)
    if count < COUNTS[0]:
        points = _one_by_one(task, points, seconds / PASSES, end)
    if task.exact is not None:
        missing = task.critical | set(usual_lams(task.game, task.objective, COUNTS[0]))
        missing -= {point.objective.exact_lam for point in points}
        only_pure = task.with_pure(SweepPoint(with_lam(task.objective, lam), ()) for lam in missing)
        points = task.with_pure(points) + [point for point in only_pure if point.equilibria]
    points = [point for point in points if not _late(point)] or points[:1]
    points.sort(key=lambda point: point.objective.exact_lam)
    return task.solved(points, every=False, shortened=len(points) < COUNTS[0])


def _one_by_one(task: _Task, points: list[SweepPoint], seconds: float, end: float) -> list[SweepPoint]:
    """Solve again where trials failed, then at other λ, from the solution at the nearest λ, until the time is over.

    `seconds` is how long one λ has taken.
    """
    at = {point.objective: point for point in points}
    failed = [point.objective for point in points if not point.converged]
    for wanted in ([*failed, *task.usual(FEW)], task.usual(COUNTS[0])):
        missing = [each for each in wanted if each in failed or each not in at]
        with counter("sweep", len(missing), task.progress, task.callback) as step:
            for done, objective in enumerate(missing):
                # As in trials, time to end is left.
                left = end - clock() - seconds
                if left < seconds:
                    return list(at.values())
                known = [each for point in at.values() for each in point.equilibria if each.converged]
                nearest = min(known, key=lambda each: abs(each.objective.exact_lam - objective.exact_lam), default=None)
                start = None if nearest is None else nearest.profile
                found = task.solve(objective, left / (len(missing) - done), start)
                if found.converged:
                    at[objective] = found
                step()
        failed = []
    return list(at.values())


def _affordable(seconds: float, left: float) -> int:
    """Number of usual λ that can be solved in the time left, if each takes so long; at least the least of `COUNTS`."""
    return next((count for count in COUNTS if seconds * count <= left), COUNTS[-1])


def _late(point: SweepPoint) -> bool:
    """Whether the time was not enough to solve at this λ."""
    return point.error is None and all(each.status is Status.TIME_LIMIT for each in point.equilibria)


def _joined(path: Sweep, probed: list[SweepPoint]) -> list[SweepPoint]:
    """What a sweep or a trial solved at each λ; a λ of the sweep that was only given too little time does not count."""
    wanted = {point.objective for point in path}
    at = {point.objective: point for point in probed if len(path) < COUNTS[0] or point.objective in wanted}
    for point in path:
        known = point.objective in at and at[point.objective].converged
        if point.converged or not (_late(point) or known):
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


def _seconds_for_all(task: _Task, limit: float) -> float:
    """Seconds that all equilibria take at one λ, on average over some; infinite where they take too long."""
    if isinstance(task.game, StochasticGame):
        return math.inf
    total, probes = 0.0, task.usual(COUNTS[-1])
    for objective in probes:

        def compute(objective: PowerObjective = objective) -> float:
            began = clock()

            def stop(*_: Any) -> None:
                if clock() - began > len(probes) * limit:
                    raise _OutOfTimeError

            try:
                solve_all(task.game, objective, callback=stop)
            except (_OutOfTimeError, InputError):
                return math.inf
            return clock() - began

        total += _again_if_slow(compute, limit)
        if total > len(probes) * limit:
            return math.inf
    return total / len(probes)


def _probed(task: _Task, probes: list[PowerObjective]) -> tuple[list[SweepPoint], float]:
    """One equilibrium at some λ, in half of the time, and the seconds that a sweep would take for each λ.

    The first λ may take longer: without a solution there, the page would be empty.
    """
    points: list[SweepPoint] = []
    total, began, end = 0.0, clock(), task.time_limit / 2
    with counter("trials", len(probes), task.progress, task.callback) as step:
        for objective in probes:
            # A computation that is stopped takes some time to end: at most what others took in all.
            left = end - (clock() - began) - (total / len(points) if points else 0.0)
            if points and left <= 0:
                break
            # Enough to solve at one λ, rather than to fail at several.
            limit = max(0.0, min(left, end / 2)) if points else FIRST * task.time_limit
            found: list[SweepPoint] = []

            def compute(
                objective: PowerObjective = objective, found: list[SweepPoint] = found, limit: float = limit
            ) -> float:
                began = clock()
                found[:] = [task.solve(objective, limit)]
                return clock() - began

            # The first one also loads what is needed, so that its time says little.
            total += _again_if_slow(compute, end / (len(probes) * PASSES * COUNTS[0]), min(limit, end / 2) / 10)
            points += found
            step()
    return points, PASSES * total / len(points)


def _again_if_slow(compute: Callable[[], float], fast: float, hopeless: float = math.inf) -> float:
    """Seconds of a computation; of a second run where the first was slow, as it may have compiled something."""
    seconds = compute()
    return seconds if seconds <= fast or seconds > hopeless else min(seconds, compute())
