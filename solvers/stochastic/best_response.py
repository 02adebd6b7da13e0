"""Alternating exact best responses: one player after the other does the best against what the others do.

A best response in all states is a Markov decision process or, with adversaries, a zero-sum stochastic game of the
player against them; both are solved by policy iteration. It begins at the team optimum, where in a game full of
coordination few states leave something to gain, while stage games, solved one by one, would pick some equilibrium of
many in each. There is no guarantee that the players come to rest. Where they do, it is at an equilibrium, if gains in
one state add up over time.
"""

from __future__ import annotations

import numpy as np

from powergames.results import Status
from powergames.solvers.stochastic import newton
from powergames.solvers.stochastic.problem import StochasticProblem
from powergames.solvers.stochastic.progress import Progress
from powergames.solvers.stochastic.stage_iteration import ROUNDING
from powergames.solvers.stochastic.team import best_rows

# Rounds in all, and without a lower regret, before the method gives up; iterations of one best response.
MOST, PATIENCE, ITERATIONS = 60, 8, 50

# Rounds without a change after which a state has settled.
RECENT = 3


def find(problem: StochasticProblem, point: np.ndarray, progress: Progress) -> Status:
    """Iterate from the team optimum, or from a point if the user gave one."""
    if progress.options.x0 is None and np.ptp(problem.discounts) == 0.0:
        point = problem.pure_point(best_rows(problem, problem.rewards[-1].mean(axis=0))[0])
    recent: list[np.ndarray] = []
    since = 0
    for _ in range(MOST):
        changed = np.zeros(problem.n_states, dtype=bool)
        for player in range(problem.n_players):
            point, own = _best_response(problem, point, player, progress)
            changed |= own
        least = progress.regret
        gradient = progress.look(point, problem.worth(problem.evaluate(point)))
        if progress.done:
            return Status.CONVERGED
        recent = [*recent[1 - RECENT :], changed]
        progress.unsettled = np.logical_or.reduce(recent)
        since = 0 if progress.regret < least else since + 1
        if since > PATIENCE:
            break
    newton.finish(problem, point, problem.supports(point, gradient), progress)
    return Status.CYCLING


def _best_response(
    problem: StochasticProblem, point: np.ndarray, player: int, progress: Progress
) -> tuple[np.ndarray, np.ndarray]:
    """Return the point after a best response of one player and its adversaries, and the states that it changed."""
    from powergames.kernels.stages import respond_best

    slack = ROUNDING / float(1.0 - problem.discounts[player])
    all_changed = np.zeros(problem.n_states, dtype=bool)
    for _ in range(ITERATIONS):
        values = problem.evaluate_players(point, [player])
        point, changed = respond_best(*problem.layout, *problem.worth(values), point, player, slack)
        progress.step(f"best response of player {player}, {changed.sum()} of {problem.n_states} states changed")
        if not changed.any():
            break
        all_changed |= changed
    return point, all_changed
