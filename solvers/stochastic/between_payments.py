"""Best responses between payments: what leads to the next payment is solved part by part, the last ones first.

Most rows of many games pay nothing, or all the same, and between two of the others the game hardly ever turns back:
what players pick up, cook or open stays picked up, cooked or open. If what follows upon a payment is worth what it was
in the last pass, the states fall into many small components, each to be solved for the values of those that it leads
to, so that players who would go round in circles in thousands of states do so in some dozens. Then the whole is
evaluated, and the next pass begins; states still in equilibrium are left as they are.

There is no guarantee.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from powergames.results import Status
from powergames.solvers.stochastic import logit, newton, stages, unsettled_states
from powergames.solvers.stochastic.components import components, levels
from powergames.solvers.stochastic.problem import StochasticProblem
from powergames.solvers.stochastic.responses import best_responses
from powergames.solvers.stochastic.search import Best, Found, Search
from powergames.solvers.stochastic.stage_games import stage_equilibria
from powergames.solvers.stochastic.turns import take_turns
from powergames.solvers.stochastic.unsettled_states import (
    UnsettledTracker,
    solve_states,
    solve_unsettled,
)


@dataclass(frozen=True)
class Limits:
    """How long passes go on, how exact they are, and which parts are solved apart."""

    passes: int = 200
    """Passes in all."""
    patience: int = 12
    """The method gives up after this many passes with neither fewer states that change nor half of the regret."""
    rough: float = 0.02
    """A pass solves the parts up to this share of the regret before it: what follows is not known better."""
    still: float = 1e-9
    """A change of a probability up to this is none."""
    rounds: int = 8
    """Rounds of best responses in a part before its components are solved one by one."""
    unsettled_states: int = 500
    """Long paths are followed in up to this many states at once, after a pass that did not help."""
    largest_share: float = 0.5
    """It pays to solve components apart if the largest one holds at most this share of the states."""
    small_component: int = 500
    """It also pays if the largest one holds at most this many states."""


LIMITS = Limits()


@dataclass(frozen=True)
class _Pass:
    """What one pass goes by.

    Attributes
    ----------
    search : Search
        For equilibria as exact as the pass needs them.
    enough : float
        Regret up to which a component counts as in equilibrium.
    least : float
        The least regret of the whole before the pass.
    surely : bool
        Whether long paths may be followed, since the pass before did not help.
    """

    search: Search
    enough: float
    least: float
    surely: bool


_Find = Callable[[StochasticProblem, Found, Search], Found]


def suits(problem: StochasticProblem) -> bool:
    """Return whether players share rewards that few rows pay, and most states, once left, do not come back before.

    Passes are not known to pay where players do not share their rewards.
    """
    rewards = problem.rewards[-1]
    if problem.alone or np.ptp(rewards, axis=0).any():
        return False
    ending = _paying(rewards, problem.arrays[3])
    if 2 * np.count_nonzero(ending) >= len(ending):
        return False
    sizes = np.bincount(components(problem, ending))
    return bool(2 * np.count_nonzero(sizes == 1) > problem.n_states and _small(sizes))


def _small(sizes: np.ndarray) -> bool:
    """Whether components of such sizes are worth solving apart."""
    return bool(sizes.max() <= max(LIMITS.small_component, LIMITS.largest_share * sizes.sum()))


def passes(point: np.ndarray, problem: StochasticProblem, start: Found, search: Search) -> Found:
    """Make passes from a point; if a limit ends them, they can go on where they were."""
    ending = _paying(problem.rewards[-1], problem.arrays[3])
    labels, parts = components(problem, ending), levels(problem, ending)
    tracker = UnsettledTracker.at(problem, point)
    with search.best(problem, start) as best:
        values = problem.evaluate(point)
        best.look(point, problem.worth(values))
        since, fewest, last = 0, np.inf, best.regret
        for _ in range(LIMITS.passes):
            before, point, least, surely = point, point.copy(), best.regret, since > 0
            rough = search.with_tolerance(max(float(search.options.tol), LIMITS.rough * last))
            this = _Pass(rough, Best(problem, rough, start).enough, least, surely)
            try:
                for states in parts:
                    entries = problem.entries_of(states)
                    part = problem.part(states, values, ending)
                    point[entries] = _solved(part, labels[states], point[entries], this)
                    values[:, :, states] = part.evaluate(point[entries])
            finally:
                # Also of a pass that a limit cut short.
                values = problem.evaluate(point)
                regrets = problem.scaled_regrets(point, problem.gradients(point, problem.worth(values)))
                last = float(regrets.max())
                best.keep(point, last)
            if problem.adds_up and best.enough < last <= best.enough / float(1.0 - problem.discounts.max()):
                best.keep(point, problem.added_up(regrets, best.enough))
            if best.good:
                break
            changed = np.maximum.reduceat(np.abs(point - before), problem.point_starts[:-1]) > LIMITS.still
            tracker.add(point, changed)
            fewer = changed.sum() < unsettled_states.LIMITS.fewer * fewest
            since = 0 if fewer or 2.0 * best.regret < least else since + 1
            fewest = min(fewest, float(changed.sum()))
            # What changes nothing, long paths included, would not do so in the next pass either.
            if since >= LIMITS.patience or (surely and not changed.any()):
                break
        if not best.good:
            so_far = best.found(Status.CYCLING, tracker.unsettled)
            found = solve_unsettled(problem, tracker, so_far, search, long_paths=True)
            return replace(found, onward=partial(passes, point))
    return replace(best.found(Status.CYCLING, tracker.unsettled), onward=partial(passes, point))


def _paying(rewards: np.ndarray, indptr: np.ndarray) -> np.ndarray:
    """Return which rows, of rewards of shape (n, R), do not pay what most of those do upon which something follows."""
    follows = np.diff(indptr) > 0
    usual = [np.median(own[follows]) if follows.any() else 0.0 for own in rewards]
    return np.asarray((rewards != np.array(usual)[:, None]).any(axis=0) & follows)


def _solved(problem: StochasticProblem, labels: np.ndarray, point: np.ndarray, this: _Pass) -> np.ndarray:
    """Return a point in which each component is in equilibrium, if that succeeds; those that are in one stay.

    Long paths are followed only if the pass before did not help, only where few states are left, and only in components
    in which more is amiss than in the whole at its best: nothing else keeps that from falling.
    """
    values, left = _left(problem, labels, point, this)
    # Where players mix, the equilibrium on the same supports comes first: best responses would lead away.
    mixing = problem.state_of[problem.is_player & (point > 0.0) & (point < 1.0)]
    mixed = left[np.isin(labels[left], labels[mixing])]
    if len(mixed):
        alone = np.bincount(labels)[labels[mixed]] == 1
        point = _replaced(problem, mixed[alone], point, values, this, _stages)
        point = _each(problem, labels, mixed[~alone], point, values, this, _finish)
        values, left = _left(problem, labels, point, this)
    if len(left):
        point = _replaced(problem, left, point, values, this, _alternated)
        values, left = _left(problem, labels, point, this)
    find = _searching(this.least if this.surely and len(left) <= LIMITS.unsettled_states else None)
    return _each(problem, labels, left, point, values, this, find)


def _left(
    problem: StochasticProblem, labels: np.ndarray, point: np.ndarray, this: _Pass
) -> tuple[np.ndarray, np.ndarray]:
    """Return the values of a point, and the states of components that are not in equilibrium there."""
    values = problem.evaluate(point)
    gradient = problem.gradients(point, problem.worth(values))
    regrets = problem.scaled_regrets(point, gradient).max(axis=1)
    return values, np.flatnonzero(np.isin(labels, labels[regrets > this.enough]))


def _replaced(
    problem: StochasticProblem,
    states: np.ndarray,
    point: np.ndarray,
    values: np.ndarray,
    this: _Pass,
    play: Callable[[StochasticProblem, np.ndarray, Search], np.ndarray],
) -> np.ndarray:
    """Return a point with what is played in the end in the game of some states, given the values of the others."""
    if len(states) == 0:
        return point
    entries = problem.entries_of(states)
    result = point.copy()
    result[entries] = play(problem.part(states, values), point[entries], this.search)
    return result


def _stages(problem: StochasticProblem, point: np.ndarray, search: Search) -> np.ndarray:
    """Solve the game of every state, from where it is."""
    return stage_equilibria(problem, point, problem.worth(problem.evaluate(point)), search)


def _alternated(problem: StochasticProblem, point: np.ndarray, search: Search) -> np.ndarray:
    """Let players respond to each other for some rounds."""
    for _ in range(LIMITS.rounds):
        point, changed = best_responses(problem, point, search)
        if not changed.any():
            break
    return point


def _each(
    problem: StochasticProblem,
    labels: np.ndarray,
    states: np.ndarray,
    point: np.ndarray,
    values: np.ndarray,
    this: _Pass,
    find: _Find,
) -> np.ndarray:
    """Return a point with the best that is found in each component of some states, given the values of the others."""
    order = states[np.argsort(labels[states], kind="stable")]
    result = point.copy()
    for own in np.split(order, np.flatnonzero(np.diff(labels[order])) + 1):
        if len(own):
            entries = problem.entries_of(own)
            part = problem.part(own, values)
            result[entries] = find(part, Found.nothing(part, point[entries]), this.search).point
    return result


def _finish(problem: StochasticProblem, start: Found, search: Search) -> Found:
    """Look for an equilibrium on the same supports, or else nearby, in which only those states change that want to."""
    point = start.point
    with search.best(problem, start) as best:
        seen = best.look(point, problem.worth(problem.evaluate(point)))
        best.take(newton.finish(problem, point, point > 0.0, search))
        if not best.good:
            tempted = best.tempted(seen)
            before = unsettled_states.LIMITS.responses_before
            best.take(solve_states(problem, tempted, point, point, search, long_paths=False, before=before))
    return best.found(Status.CYCLING)


def _searching(paths_from: float | None) -> _Find:
    """Return a method that looks for an equilibrium, along long paths where the regret is at least that, if given.

    In the game of one state paths are followed anyway.
    """

    def find(problem: StochasticProblem, start: Found, search: Search) -> Found:
        with search.best(problem, start) as best:
            best.look(start.point, problem.worth(problem.evaluate(start.point)))
            so_far = best.found(Status.CYCLING)
            if problem.n_states > 1:
                long_paths = paths_from is not None and best.regret >= paths_from
                return take_turns(start.point, problem, so_far, search, long_paths=long_paths)
            best.take(stages.find(problem, so_far, search))
            if not best.good:
                best.take(logit.find(problem, best.found(Status.CYCLING), search))
        return best.found(Status.CYCLING)

    return find
