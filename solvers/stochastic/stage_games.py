"""Equilibria of the games of all states at once, for given values of what follows."""

from __future__ import annotations

import numpy as np

from powergames.solvers import common
from powergames.solvers.stochastic import logit
from powergames.solvers.stochastic.problem import StochasticProblem, Worth
from powergames.solvers.stochastic.search import Found, Search

# How much more work it is to solve the game of a state than to read its transitions, or thereabouts.
STAGES = 10


def stage_equilibria(
    problem: StochasticProblem,
    point: np.ndarray,
    worth: Worth,
    search: Search,
    *,
    near: bool = True,
    surely: bool = True,
) -> np.ndarray:
    """Solve the game of every state that is not in equilibrium.

    With `near`, equilibria on the same supports come first: Lemke's algorithm leads away from some. With three and more
    players a state may fail, and is left at the best point met, or else, if `surely`, solved by a homotopy of its own.
    """
    from powergames.kernels.stages import solve_on_supports, solve_stages

    slack = common.LIMITS.rounding / (1.0 - problem.discounts)
    if near:
        point = solve_on_supports(*problem.layout, *worth, point, slack)
    point, moved = solve_stages(*problem.layout, *worth, point, slack)
    search.step(f"stage games, {moved} of {problem.n_states} solved anew", STAGES * problem.work)
    if surely and problem.n_players > 2 and problem.n_states > 1:
        regrets = problem.regrets(point, problem.gradients(point, worth))
        for state in np.flatnonzero((regrets > 10.0 * slack[problem.owners]).any(axis=1)).tolist():
            own = slice(*problem.point_starts[state : state + 2].tolist())
            stage = problem.stage(state, worth)
            point[own] = logit.find(stage, Found.nothing(stage, point[own]), search).point
    return np.asarray(point)
