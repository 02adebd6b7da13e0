"""Backward induction between payments: what leads to the next payment is solved part by part, the last ones first.

Most rows of many games pay nothing, or all the same, and between two of the others the game hardly ever turns back:
what players pick up, cook or open stays picked up, cooked or open. If what follows upon a payment is worth what it was
in the last pass, the states fall into many small components, each to be solved for the values of those that it leads
to, so that players who would go round in circles in thousands of states do so in some dozens. Then the whole is
evaluated, and the next pass begins; states still in equilibrium are left as they are.

There is no guarantee.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from powergames.games.stochastic import StochasticGame
from powergames.objectives import PowerObjective
from powergames.results import Status
from powergames.solvers.stochastic import alternating, homotopy, newton, settling, stage_iteration
from powergames.solvers.stochastic.best_response import best_responses
from powergames.solvers.stochastic.components import components, levels
from powergames.solvers.stochastic.problem import StochasticProblem
from powergames.solvers.stochastic.progress import Progress
from powergames.solvers.stochastic.settling import FEWER, Circles
from powergames.solvers.stochastic.team import team_start

# Passes in all, and those with neither fewer states that change nor half of the regret.
MOST, PATIENCE = 200, 12

# How exactly a pass solves the parts, relative to the regret before it: what follows is not known better.
ROUGH = 0.02

# What does not move a probability.
STILL = 1e-9

# Rounds of best responses in a part before its components are solved one by one.
ROUNDS = 8

# States in which long paths are followed after a pass that did not help, at most, at once.
LEFT = 500

# It pays to solve components apart if the largest one holds at most this share of the states, or so many.
LARGEST, SMALL = 0.5, 500


def accepts(game: StochasticGame, objective: PowerObjective) -> bool:
    """Whether most rows pay what is paid most often."""
    return game.n_players > 1 and bool(2 * np.count_nonzero(_paying(game.rewards, game.indptr)) < game.n_rows)


def mostly_backward(problem: StochasticProblem) -> bool:
    """Whether most states, once left, do not come back before the next payment."""
    labels = components(problem, _paying(problem.rewards[-1], problem.arrays[3]))
    return bool(2 * np.count_nonzero(np.bincount(labels) == 1) > problem.n_states)


def find(problem: StochasticProblem, point: np.ndarray, progress: Progress) -> Status:
    """Make passes from the team optimum, or from a point if the user gave one."""
    ending = _paying(problem.rewards[-1], problem.arrays[3])
    labels = components(problem, ending)
    if np.bincount(labels).max() > max(SMALL, LARGEST * problem.n_states):
        return Status.CYCLING
    parts = levels(problem, ending)
    point = team_start(problem, point, progress)
    values = problem.evaluate(point)
    progress.look(point, problem.worth(values))
    circles = Circles(np.ones(problem.n_states, dtype=bool), point, point)
    since, fewest = 0, np.inf
    last = progress.regret
    for _ in range(MOST):
        before, point, least, surely = point, point.copy(), progress.regret, since > 0
        options = replace(progress.options, tol=max(float(progress.options.tol), ROUGH * last))
        rough = Progress(problem, progress.point, options, progress.states, progress.steps)
        rough.regret = least
        try:
            for states in parts:
                entries = problem.entries_of(states)
                part = problem.part(states, values, ending)
                point[entries] = _solved(part, labels[states], point[entries], rough, surely=surely)
                values[:, :, states] = part.evaluate(point[entries])
        finally:
            progress.steps = rough.steps
            values = problem.evaluate(point)
            regrets = problem.scaled_regrets(point, problem.gradients(point, problem.worth(values)))
            last = float(regrets.max())
            progress.keep(point, last)
        if problem.adds_up and progress.enough < last <= progress.enough / float(1.0 - problem.discounts.max()):
            progress.keep(point, problem.added_up(regrets, progress.enough))
        if progress.good:
            return Status.CONVERGED
        changed = np.maximum.reduceat(np.abs(point - before), problem.point_starts[:-1]) > STILL
        circles.add(point, changed)
        progress.unsettled = circles.unsettled
        since = 0 if changed.sum() < FEWER * fewest or 2.0 * progress.regret < least else since + 1
        fewest = min(fewest, float(changed.sum()))
        # What changes nothing, long paths included, would not do so in the next pass either.
        if since >= PATIENCE or (surely and not changed.any()):
            break
    return settling.conclude(problem, circles, progress)


def _paying(rewards: np.ndarray, indptr: np.ndarray) -> np.ndarray:
    """Return which rows, of rewards of shape (n, R), do not pay what most of those do upon which something follows."""
    follows = np.diff(indptr) > 0
    usual = [np.median(own[follows]) if follows.any() else 0.0 for own in rewards]
    return np.asarray((rewards != np.array(usual)[:, None]).any(axis=0) & follows)


def _solved(
    problem: StochasticProblem, labels: np.ndarray, point: np.ndarray, progress: Progress, *, surely: bool
) -> np.ndarray:
    """Return a point in which each component is in equilibrium, if that succeeds; those that are in one stay.

    Long paths are followed only if `surely`, only where few states are left, and only in components in which more is
    amiss than in the whole at its best: nothing else keeps that from falling.
    """
    values, left = _left(problem, labels, point, progress)
    # Where players mix, the equilibrium on the same supports comes first: best responses would lead away.
    mixing = problem.state_of[problem.is_player & (point > 0.0) & (point < 1.0)]
    mixed = left[np.isin(labels[left], labels[mixing])]
    if len(mixed):
        alone = np.bincount(labels)[labels[mixed]] == 1
        point = _replaced(problem, mixed[alone], point, values, progress, _stages)
        point = _each(problem, labels, mixed[~alone], point, values, progress, _finish)
        values, left = _left(problem, labels, point, progress)
    if len(left):
        point = _replaced(problem, left, point, values, progress, _alternated)
        values, left = _left(problem, labels, point, progress)
    search = partial(_search, worst=progress.regret if surely and len(left) <= LEFT else np.inf)
    return _each(problem, labels, left, point, values, progress, search)


def _left(
    problem: StochasticProblem, labels: np.ndarray, point: np.ndarray, progress: Progress
) -> tuple[np.ndarray, np.ndarray]:
    """Return the values of a point, and the states of components that are not in equilibrium there."""
    values = problem.evaluate(point)
    gradient = problem.gradients(point, problem.worth(values))
    regrets = problem.scaled_regrets(point, gradient).max(axis=1)
    return values, np.flatnonzero(np.isin(labels, labels[regrets > progress.enough]))


def _replaced(
    problem: StochasticProblem,
    states: np.ndarray,
    point: np.ndarray,
    values: np.ndarray,
    progress: Progress,
    find: Callable[[StochasticProblem, np.ndarray, Progress], np.ndarray],
) -> np.ndarray:
    """Return a point with what is found in the game of some states, given the values of the others."""
    if len(states) == 0:
        return point
    entries = problem.entries_of(states)
    result = point.copy()
    result[entries] = find(problem.part(states, values), point[entries], progress)
    return result


def _stages(problem: StochasticProblem, point: np.ndarray, progress: Progress) -> np.ndarray:
    """Solve the game of every state, from where it is."""
    return stage_iteration.solved(problem, point, problem.worth(problem.evaluate(point)), progress)


def _alternated(problem: StochasticProblem, point: np.ndarray, progress: Progress) -> np.ndarray:
    """Let players respond to each other for some rounds."""
    for _ in range(ROUNDS):
        point, changed = best_responses(problem, point, progress)
        if not changed.any():
            break
    return point


def _each(
    problem: StochasticProblem,
    labels: np.ndarray,
    states: np.ndarray,
    point: np.ndarray,
    values: np.ndarray,
    progress: Progress,
    find: Callable[[StochasticProblem, np.ndarray, Progress], None],
) -> np.ndarray:
    """Return a point with the best that is found in each component of some states, given the values of the others."""
    order = states[np.argsort(labels[states], kind="stable")]
    result = point.copy()
    for own in np.split(order, np.flatnonzero(np.diff(labels[order])) + 1):
        if len(own):
            entries = problem.entries_of(own)
            part = problem.part(own, values)
            inner = Progress(part, point[entries], progress.options, progress.states, progress.steps)
            try:
                find(part, point[entries], inner)
            finally:
                result[entries], progress.steps = inner.point, inner.steps
    return result


def _finish(problem: StochasticProblem, point: np.ndarray, progress: Progress) -> None:
    """Look for an equilibrium on the same supports, or else nearby, in which only those states change that want to."""
    gradient = progress.look(point, problem.worth(problem.evaluate(point)))
    if not newton.finish(problem, point, point > 0.0, progress) and not progress.good:
        tempted = progress.tempted(point, gradient)
        settling.settle(problem, tempted, point, point, progress, worst=np.inf, before=settling.BEFORE)


def _search(problem: StochasticProblem, point: np.ndarray, progress: Progress, *, worst: float) -> None:
    """Look for an equilibrium, at last along paths if the regret is the `worst`; in the game of one state, anyway."""
    progress.look(point, problem.worth(problem.evaluate(point)))
    if problem.n_states > 1:
        alternating.find_from(problem, point, progress, worst)
        return
    stage_iteration.find(problem, point, progress)
    if not progress.good:
        homotopy.find(problem, progress.point, progress)
