"""Equilibria in the states in which alternating best responses do not come to rest, the others playing as they do.

The states that did not settle are a game of their own, small enough for dense matrices: see `reduced`. In that game
everybody responds to an average of what the others did, as in fictitious play (G. W. Brown 1951), which approaches an
equilibrium slowly, in many games at least. Newton's method and, if that fails, a short path of quantal-response
equilibria from there go the rest of the way. States in which somebody then wants to change join the game, until there
are none.

Where that leaves something amiss in the form "penalty", the few states that still want to change are such a game in
turn, and then those that this leaves. Only where that leads nowhere are long paths followed in all states that did not
settle: a few steps of them take as long as all before.

There is no guarantee.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from powergames.results import Status
from powergames.solvers.stochastic import logit, newton
from powergames.solvers.stochastic.problem import StochasticProblem
from powergames.solvers.stochastic.reduced import ReducedProblem
from powergames.solvers.stochastic.responses import best_response
from powergames.solvers.stochastic.search import Found, Search


@dataclass(frozen=True)
class Limits:
    """How many states are solved together, and how long that is tried."""

    joins: int = 12
    """How often states may join."""
    entries: int = 50_000_000
    """Entries of a matrix of rows by states at most."""
    responses: tuple[int, ...] = (10, 20, 40, 70)
    """After each of these numbers of responses to averages an equilibrium is sought nearby."""
    vain_rounds: int = 5
    """States are given up after this many rounds that did not leave half as many tempted ones."""
    responses_before: int = 20
    """The point before counts for this many responses in averages nearby."""
    few_states: int = 60
    """Paths are short work in a game of up to this many states."""
    recent: int = 3
    """A state has settled after this many rounds without a change."""
    fewer: float = 0.9
    """A number of states is less than another one if it is below this fraction of it."""


LIMITS = Limits()

# Paths of all states, short ones first.
ATTEMPTS = (
    logit.Attempt(evenness=0.1, caution=0.3, steps=150),
    logit.Attempt(evenness=0.0, caution=0.3, steps=150),
    logit.Attempt(evenness=0.3, caution=0.3, steps=300),
    logit.Attempt(evenness=1.0, caution=0.3, steps=600),
)


@dataclass
class UnsettledTracker:
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

    @classmethod
    def at(cls, problem: StochasticProblem, point: np.ndarray) -> UnsettledTracker:
        """Begin at a point, with all states unsettled."""
        return cls(np.ones(problem.n_states, dtype=bool), point, point)

    def add(self, point: np.ndarray, changed: np.ndarray) -> None:
        """Note a point and which states changed in the round before, shape (S,)."""
        self._recent = [*self._recent[1 - LIMITS.recent :], (point, changed)]
        unsettled = np.logical_or.reduce([each for _, each in self._recent])
        self.since += 1
        if unsettled.sum() < LIMITS.fewer * self._fewest:
            self.unsettled, self.point, self.since = unsettled, point, 0
            self._fewest = float(unsettled.sum())
            self.average = np.mean([each for each, _ in self._recent], axis=0)


def solve_unsettled(
    problem: StochasticProblem, tracker: UnsettledTracker, start: Found, search: Search, *, long_paths: bool
) -> Found:
    """Solve the game of the states that do not settle, along long paths only if that is wanted.

    Where gains do not add up over time, paths are longest and often lead nowhere: there the states in which somebody is
    tempted are resolved first.
    """
    unsettled, last = tracker.unsettled, (tracker.point, tracker.average)
    with search.best(problem, start) as best:
        first = long_paths and problem.adds_up
        found = solve_states(problem, unsettled, *last, search, long_paths=first)
        best.take(found)
        unsettled = unsettled | found.unsettled
        if long_paths and not first and not best.good:
            found = resolve_tempted(problem, best.found(Status.CYCLING, unsettled), search)
            best.take(found)
            unsettled = unsettled | found.unsettled
            if not best.good and np.count_nonzero(unsettled) > LIMITS.few_states:
                found = solve_states(problem, unsettled, *last, search, long_paths=True)
                best.take(found)
                unsettled = unsettled | found.unsettled
    return best.found(Status.CYCLING, unsettled)


def resolve_tempted(problem: StochasticProblem, start: Found, search: Search) -> Found:
    """Solve the game of the states in which somebody is tempted, until there are none or that has become in vain.

    These are few where a point is nearly an equilibrium, and each time others.
    """
    point, unsettled = start.point, start.unsettled
    fewest, vain = np.inf, 0
    with search.best(problem, start) as best:
        while vain < LIMITS.vain_rounds:
            seen = best.look(point, problem.worth(problem.evaluate(point)))
            if best.good:
                break
            tempted = best.tempted(seen)
            count = float(np.count_nonzero(tempted))
            fewest, vain = (count, 0) if 2.0 * count < fewest else (fewest, vain + 1)
            found = solve_states(
                problem, tempted, point, point, search, long_paths=False, before=LIMITS.responses_before
            )
            if found.point is point:
                break
            best.take(found)
            point, unsettled = found.point, unsettled | found.unsettled
    return best.found(Status.CYCLING, unsettled)


def solve_states(
    problem: StochasticProblem,
    chosen: np.ndarray,
    point: np.ndarray,
    average: np.ndarray,
    search: Search,
    *,
    long_paths: bool,
    before: int = 0,
) -> Found:
    """Solve the game of some states, from an average, and of those that join, the others playing as in a point.

    Parameters
    ----------
    problem : StochasticProblem
    chosen : ndarray of bool, shape (S,)
        Those states.
    point, average : ndarray, shape (D,)
    search : Search
    long_paths : bool
        Whether paths are followed if there are many states, too.
    before : int
        For how many responses the average counts in averages of these.

    Returns
    -------
    Found
        The point itself if there are too many states.
    """
    states, unsettled = np.flatnonzero(chosen), chosen.copy()
    with search.best(problem, Found.nothing(problem, point)) as best:
        for _ in range(LIMITS.joins):
            rows = int(np.diff(problem.arrays[1])[states].sum())
            if not 0 < rows * len(states) <= LIMITS.entries:
                break
            entries = problem.entries_of(states)
            part = ReducedProblem.around(problem, point, states)
            own = _solved(part, average[entries], search, long_paths, before)
            point = point.copy()
            point[entries] = own.point
            seen = best.look(point, problem.worth(problem.evaluate(point)))
            joined = np.setdiff1d(np.flatnonzero(best.tempted(seen)), states)
            unsettled[states] = True
            if best.good or own.status is not Status.CONVERGED or len(joined) == 0:
                break
            states, average = np.union1d(states, joined), point
    return best.found(Status.CYCLING, unsettled)


def _solved(problem: StochasticProblem, point: np.ndarray, search: Search, long_paths: bool, before: int) -> Found:
    """Look for an equilibrium, from averages near a point, and then by paths from there."""
    start = Found.nothing(problem, point)
    average, found = averaged(problem, point, search, before)
    with search.best(problem, start) as best:
        best.take(found)
        if not best.good and (long_paths or problem.n_states <= LIMITS.few_states):
            best.take(logit.find(problem, Found.nothing(problem, average), search, ATTEMPTS))
    return best.found(Status.CYCLING)


def averaged(
    problem: StochasticProblem, point: np.ndarray, search: Search, before: int = 0
) -> tuple[np.ndarray, Found]:
    """Let everybody respond to the average of what the others did, and look for an equilibrium nearby now and then.

    In the form "penalty" a player's selves in different states respond to the average of them all. The point counts as
    much as so many responses before the first.

    Returns
    -------
    average : ndarray, shape (D,)
        The last one.
    found : Found
    """
    own = [problem.entries_of_owner(player) for player in range(problem.n_players)]
    average, current = point.copy(), point.copy()
    last_changed = np.zeros(problem.n_states, dtype=np.int64)
    with search.best(problem, Found.nothing(problem, point)) as best:
        for count in range(1, max(LIMITS.responses) + 1):
            changed = np.zeros(problem.n_states, dtype=bool)
            for player, entries in enumerate(own):
                start = average.copy()
                if problem.adds_up:
                    start[entries] = current[entries]
                response, moved = best_response(problem, start, player, search)
                current[entries] = response[entries]
                # Later responses count more.
                average[entries] += 2.0 / (before + count + 2.0) * (current[entries] - average[entries])
                changed |= moved
            last_changed[changed] = count
            if count in LIMITS.responses:
                unsettled = (last_changed > count // 2)[problem.state_of]
                start = np.where(unsettled, average, current)
                gradient = best.look(start, problem.worth(problem.evaluate(start))).gradient
                used = np.where(unsettled, problem.supports(start, gradient), current > 0.0)
                best.take(newton.finish(problem, start, used, search))
                if best.good:
                    break
    return average, best.found(Status.CYCLING)
