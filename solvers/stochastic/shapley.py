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
from powergames.solvers import common
from powergames.solvers.stochastic.problem import StochasticProblem
from powergames.solvers.stochastic.search import Found, Search, StochasticMethod
from powergames.solvers.stochastic.stage_games import stage_equilibria

# What the residual of values must shrink to for an evaluated profile to be taken, as a share of the one before.
SHRINKAGE = 0.9


def refuses(game: StochasticGame, objective: PowerObjective) -> str | None:
    """Refuse all but games of two players who share a constant sum, at the same discount, if power has no price."""
    if game.n_players != 2:
        return f"needs two players, the game has {game.n_players}"
    if objective.exact_lam:
        return "needs λ = 0"
    if game.discounts[0] != game.discounts[1]:
        return "needs players with the same discount"
    total = game.rewards.sum(axis=0)
    if np.ptp(total) > 1e-12 * np.abs(game.rewards).max():
        return "needs a zero-sum game"
    return None


def find(problem: StochasticProblem, start: Found, search: Search) -> Found:
    """Iterate from a point until its regret is rounding, or values change no more."""
    with search.best(problem, start) as best:
        values = problem.evaluate(start.point)
        point, updated = _updated(problem, start.point, values, search)
        while True:
            evaluated = problem.evaluate(point)
            best.look(point, problem.worth(evaluated))
            residual = np.abs(updated - values).max()
            if best.done or residual <= common.LIMITS.rounding / (1.0 - problem.discounts[0]):
                break
            values, (point, onward) = evaluated, _updated(problem, point, evaluated, search)
            if np.abs(onward - values).max() > SHRINKAGE * residual:
                values, (point, onward) = updated, _updated(problem, point, updated, search)
            updated = onward
    return best.found(Status.STALLED)


def _updated(
    problem: StochasticProblem, point: np.ndarray, values: np.ndarray, search: Search
) -> tuple[np.ndarray, np.ndarray]:
    """Return equilibria of the stage games for given values, and what they are worth, shape (1, 2, S)."""
    worth = problem.worth(values)
    point = stage_equilibria(problem, point, worth, search)
    return point, problem.backup(point, worth, problem.gradients(point, worth))


METHOD = StochasticMethod(
    "shapley",
    find,
    "Shapley iteration sped up by policy iteration: two-player zero-sum games at λ = 0, guaranteed",
    refuses,
)
