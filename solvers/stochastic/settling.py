"""Equilibria in the states in which alternating best responses do not come to rest, the others playing as they do.

The states that did not settle are a game of their own, small enough for dense matrices: see `reduced`. In that game
everybody responds to an average of what the others did, as in fictitious play (G. W. Brown 1951), which approaches an
equilibrium slowly, in many games at least. Newton's method and, if that fails, a short path of quantal-response
equilibria from there go the rest of the way. States that want to change then join the game, until none does.

Where that leaves something amiss in the form "penalty", the few states that still want to change are such a game in
turn, and then those that this leaves. Only where that leads nowhere are long paths followed in all states that did not
settle: a few steps of them take as long as all before.

There is no guarantee.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from powergames.results import Status
from powergames.solvers.stochastic import homotopy, newton
from powergames.solvers.stochastic.best_response import best_response
from powergames.solvers.stochastic.problem import StochasticProblem
from powergames.solvers.stochastic.progress import Progress
from powergames.solvers.stochastic.reduced import ReducedProblem

# How often states may join, and entries of a matrix of rows by states at most.
JOINED, LARGEST = 12, 50_000_000

# After how many responses to averages an equilibrium is sought nearby.
ATTEMPTS = (10, 20, 40, 70)

# Rounds of mending that do not leave half as many states to mend, after which that is given up, and for how many
# responses the point before counts in averages nearby.
VAIN, BEFORE = 5, 20

# Paths of all states, short ones first, see `homotopy`.
PATHS = ((False, 0.1, 0.3, 150), (False, 0.0, 0.3, 150), (False, 0.3, 0.3, 300), (False, 1.0, 0.3, 600))

# States of a game in which paths are short work.
FEW = 60

# Rounds without a change after which a state has settled, and a number of states is less if below this fraction.
RECENT, FEWER = 3, 0.9


@dataclass
class Circles:
    """The states that changed of late while players took turns, where these were fewest.

    Attributes
    ----------
    unsettled : ndarray of bool, shape (S,)
        Those states.
    point, average : ndarray, shape (D,)
        The last point then, and the average of it and those before.
    since : int
        Rounds without fewer of them.
    """

    unsettled: np.ndarray
    point: np.ndarray
    average: np.ndarray
    since: int = 0
    _fewest: float = np.inf
    _recent: list[tuple[np.ndarray, np.ndarray]] = field(default_factory=list)

    def add(self, point: np.ndarray, changed: np.ndarray) -> None:
        """Note a point and which states changed in the round before, shape (S,)."""
        self._recent = [*self._recent[1 - RECENT :], (point, changed)]
        unsettled = np.logical_or.reduce([each for _, each in self._recent])
        self.since += 1
        if unsettled.sum() < FEWER * self._fewest:
            self.unsettled, self.point, self.since = unsettled, point, 0
            self._fewest = float(unsettled.sum())
            self.average = np.mean([each for each, _ in self._recent], axis=0)


def conclude(problem: StochasticProblem, circles: Circles, progress: Progress, worst: float = 0.0) -> Status:
    """Solve the game of the states that do not settle; see `solve` for the `worst`.

    Where gains do not add up over time and long paths would follow, what is amiss is mended first: there paths are
    longest, and often lead nowhere.
    """
    states = circles.unsettled, circles.point, circles.average
    mending = not problem.adds_up and worst < np.inf
    settle(problem, *states, progress, np.inf if mending else worst)
    if mending and not progress.good:
        mend(problem, progress.point, progress)
        if not progress.good and np.count_nonzero(circles.unsettled) > FEW:
            settle(problem, *states, progress, worst)
    return Status.CONVERGED if progress.good else Status.CYCLING


def mend(problem: StochasticProblem, point: np.ndarray, progress: Progress) -> None:
    """Settle the states in which somebody is tempted, again and again, until nobody is or that has become in vain.

    These are few where a point is nearly an equilibrium, and each time others.
    """
    fewest, vain = np.inf, 0
    while vain < VAIN:
        gradient = progress.look(point, problem.worth(problem.evaluate(point)))
        tempted = progress.tempted(point, gradient)
        if progress.good:
            break
        count = float(np.count_nonzero(tempted))
        fewest, vain = (count, 0) if 2.0 * count < fewest else (fewest, vain + 1)
        before, point = point, settle(problem, tempted, point, point, progress, np.inf, BEFORE)
        if point is before:
            break


def settle(
    problem: StochasticProblem,
    chosen: np.ndarray,
    point: np.ndarray,
    average: np.ndarray,
    progress: Progress,
    worst: float = 0.0,
    before: int = 0,
) -> np.ndarray:
    """Solve the game of some states, from an average, and of those that join, the others playing as in a point.

    Parameters
    ----------
    problem : StochasticProblem
    chosen : ndarray of bool, shape (S,)
        Those states.
    point, average : ndarray, shape (D,)
    progress : Progress
    worst, before
        As for `solve`.

    Returns
    -------
    ndarray, shape (D,)
        What they play in the end; the point itself if there are too many of them.
    """
    states = np.flatnonzero(chosen)
    for _ in range(JOINED):
        rows = int(np.diff(problem.arrays[1])[states].sum())
        if not 0 < rows * len(states) <= LARGEST:
            break
        entries = problem.entries_of(states)
        part = ReducedProblem.around(problem, point, states)
        inner = Progress(part, average[entries], progress.options, progress.states, progress.steps)
        try:
            solve(part, average[entries], inner, worst, before)
        finally:
            progress.steps = inner.steps
            point = point.copy()
            point[entries] = inner.point
            gradient = progress.look(point, problem.worth(problem.evaluate(point)))
        if progress.good:
            return point
        joined = np.setdiff1d(np.flatnonzero(progress.tempted(point, gradient)), states)
        if not inner.good or len(joined) == 0:
            break
        states, average = np.union1d(states, joined), point
    progress.unsettled[states] = True
    return point


def solve(
    problem: StochasticProblem, point: np.ndarray, progress: Progress, worst: float = 0.0, before: int = 0
) -> None:
    """Look for an equilibrium, from averages near a point, and then by paths from there.

    Paths are followed only in few states, or if the regret is at least the `worst`. The point counts as much as so many
    responses `before` the first.
    """
    average = averaged(problem, point, progress, before)
    if not progress.good and (progress.regret >= worst or problem.n_states <= FEW):
        homotopy.find(problem, average, progress, PATHS)


def averaged(problem: StochasticProblem, point: np.ndarray, progress: Progress, before: int = 0) -> np.ndarray:
    """Let everybody respond to the average of what the others did, and look for an equilibrium nearby now and then.

    In the form "penalty" a player's selves in different states respond to the average of them all. The point counts as
    much as so many responses before the first.
    """
    own = [problem.entries_of_owner(player) for player in range(problem.n_players)]
    average, current = point.copy(), point.copy()
    last_changed = np.zeros(problem.n_states, dtype=np.int64)
    for count in range(1, max(ATTEMPTS) + 1):
        changed = np.zeros(problem.n_states, dtype=bool)
        for player, entries in enumerate(own):
            start = average.copy()
            if problem.adds_up:
                start[entries] = current[entries]
            response, moved = best_response(problem, start, player, progress)
            current[entries] = response[entries]
            # Later responses count more.
            average[entries] += 2.0 / (before + count + 2.0) * (current[entries] - average[entries])
            changed |= moved
        last_changed[changed] = count
        if count in ATTEMPTS:
            unsettled = (last_changed > count // 2)[problem.state_of]
            start = np.where(unsettled, average, current)
            gradient = progress.look(start, problem.worth(problem.evaluate(start)))
            used = np.where(unsettled, problem.supports(start, gradient), current > 0.0)
            if newton.finish(problem, start, used, progress) or progress.good:
                break
    return average
