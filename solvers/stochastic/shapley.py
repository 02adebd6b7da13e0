r"""Shapley iteration with policy iteration to speed it up: zero-sum games, λ = 0, guaranteed.

Let ``T`` replace the value of each state by that of its stage game, the values of the states that follow being given.
``T`` is a contraction by the discount factor, and its fixed point is the value of the game (Shapley 1953). The
strategies of the stage games, evaluated exactly, often lead much closer (Pollatschek & Avi-Itzhak 1969), but may cycle:
their values are taken only where they are nearer to being a fixed point than the last ones, and else those of ``T``.
"""

from __future__ import annotations

import numpy as np

from powergames.games.stochastic import StochasticGame
from powergames.objectives import PowerObjective
from powergames.results import Status
from powergames.solvers.stochastic.problem import StochasticProblem
from powergames.solvers.stochastic.progress import Progress
from powergames.solvers.stochastic.stage_iteration import ROUNDING, solved

# What the residual of values must shrink to for an evaluated profile to be taken, as a share of the one before.
SHRINKAGE = 0.9


def accepts(game: StochasticGame, objective: PowerObjective) -> bool:
    """Return whether two players share a constant sum, at the same discount, and power has no price."""
    if game.n_players != 2 or objective.exact_lam or game.discounts[0] != game.discounts[1]:
        return False
    total = game.rewards.sum(axis=0)
    return bool(np.ptp(total) <= 1e-12 * np.abs(game.rewards).max())


def find(problem: StochasticProblem, point: np.ndarray, progress: Progress) -> Status:
    """Iterate from a point until its regret is rounding, or values change no more."""
    values = problem.evaluate(point)
    point, updated = _updated(problem, point, values, progress)
    while True:
        evaluated = problem.evaluate(point)
        progress.look(point, problem.worth(evaluated))
        if progress.done:
            return Status.CONVERGED
        residual = np.abs(updated - values).max()
        if residual <= ROUNDING / (1.0 - problem.discounts[0]):
            return Status.STALLED
        values, (point, onward) = evaluated, _updated(problem, point, evaluated, progress)
        if np.abs(onward - values).max() > SHRINKAGE * residual:
            values, (point, onward) = updated, _updated(problem, point, updated, progress)
        updated = onward


def _updated(
    problem: StochasticProblem, point: np.ndarray, values: np.ndarray, progress: Progress
) -> tuple[np.ndarray, np.ndarray]:
    """Return equilibria of the stage games for given values, and what they are worth, shape (1, 2, S)."""
    worth = problem.worth(values)
    point = solved(problem, point, worth, progress)
    return point, problem.backup(point, worth, problem.gradients(point, worth))
