"""The best response of one player in all states, with adversaries a zero-sum stochastic game, by policy iteration."""

from __future__ import annotations

import numpy as np

from powergames.solvers import common
from powergames.solvers.stochastic.problem import StochasticProblem
from powergames.solvers.stochastic.search import Search

# Iterations at most.
MOST = 50


def best_response(
    problem: StochasticProblem, point: np.ndarray, player: int, search: Search
) -> tuple[np.ndarray, np.ndarray]:
    """Return the point after a best response of one player and its adversaries, and the states that it changed.

    In the form "penalty" a player's selves in different states play a game with each other too, so each just responds
    to what they all did.
    """
    from powergames.kernels.stages import respond_best

    slack = common.LIMITS.rounding / float(1.0 - problem.discounts[player])
    all_changed = np.zeros(problem.n_states, dtype=bool)
    values = None
    for _ in range(MOST if problem.adds_up else 1):
        values = problem.evaluate_players(point, [player], values)
        point, changed = respond_best(*problem.layout, *problem.worth_to(player, values), point, player, slack)
        changes = f"{changed.sum()} of {problem.n_states} states changed"
        search.step(f"best response of player {player}, {changes}", problem.work)
        if not changed.any():
            break
        all_changed |= changed
    return point, all_changed


def best_responses(problem: StochasticProblem, point: np.ndarray, search: Search) -> tuple[np.ndarray, np.ndarray]:
    """Return the point after a best response of each player in turn, and the states that they changed."""
    changed = np.zeros(problem.n_states, dtype=bool)
    for player in range(problem.n_players):
        point, own = best_response(problem, point, player, search)
        changed |= own
    return point, changed
