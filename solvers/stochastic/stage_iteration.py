"""Stage-game policy iteration: solve the game of every state for the values of the last profile, evaluate, repeat.

A state whose players and adversaries are still in equilibrium, given the new values, is left as it is; the others are
solved by Lemke's algorithm from where they are, so that of several equilibria the one nearby tends to be taken. There
is no guarantee: about one random game in ten cycles. As soon as the supports of all states stay, Newton's method on
them takes over.
"""

from __future__ import annotations

import numpy as np

from powergames.results import Status
from powergames.solvers.stochastic import newton
from powergames.solvers.stochastic.problem import StochasticProblem
from powergames.solvers.stochastic.progress import Progress

# Iterations in all, and without a lower regret, before the method gives up.
MOST, PATIENCE = 60, 12

# Iterations without a change of supports after which a state has settled.
RECENT = 6

# What counts as rounding in the payoffs of a state, relative to the greatest value there is.
ROUNDING = 1e-13


def find(problem: StochasticProblem, point: np.ndarray, progress: Progress) -> Status:
    """Iterate from a point; the best point met is in `progress`."""
    from powergames.kernels.stages import solve_stages

    slack = ROUNDING / (1.0 - problem.discounts)
    values = problem.evaluate(point)
    before: np.ndarray | None = None
    recent: list[np.ndarray] = []
    since = 0
    for _ in range(MOST):
        worth = problem.worth(values)
        point, moved = solve_stages(*problem.layout, *worth, point, slack)
        values = problem.evaluate(point)
        better = progress.look(point, values)
        progress.step(f"stage games, {int((moved > 0).sum())} of {len(moved)} states solved anew")
        if progress.done:
            break
        used = point > 0.0
        changed = np.ones(problem.n_states, dtype=bool)
        if before is not None:
            changed = np.logical_or.reduceat(used != before, problem.point_starts[:-1])
        recent = [*recent[1 - RECENT :], changed]
        progress.unsettled = np.logical_or.reduce(recent)
        settled = not changed.any()
        if settled and newton.finish(problem, point, used, progress):
            break
        before = used
        since = 0 if better else since + 1
        if since > PATIENCE:
            break
    return Status.CYCLING
