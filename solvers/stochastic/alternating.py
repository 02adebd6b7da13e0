"""Alternating exact best responses: one player after the other does the best against what the others do.

A best response in all states is a Markov decision process or, with adversaries, a zero-sum stochastic game of the
player against them; both are solved by policy iteration. It begins at the team optimum, where in a game full of
coordination few states leave something to gain, while stage games, solved one by one, would pick some equilibrium of
many in each. Where the players come to rest, it is at an equilibrium, if gains in one state add up over time.

Where they go round in circles, somebody mixes in a few states; see `powergames.solvers.stochastic.settling` for those.
"""

from __future__ import annotations

import numpy as np

from powergames.results import Status
from powergames.solvers.stochastic.best_response import best_responses
from powergames.solvers.stochastic.problem import StochasticProblem
from powergames.solvers.stochastic.progress import Progress
from powergames.solvers.stochastic.settling import Circles, conclude
from powergames.solvers.stochastic.team import team_start

# Rounds in all, and those without fewer states that change.
MOST, PATIENCE = 60, 5


def find(problem: StochasticProblem, point: np.ndarray, progress: Progress) -> Status:
    """Iterate from the team optimum, or from a point if the user gave one."""
    return find_from(problem, team_start(problem, point, progress), progress)


def find_from(problem: StochasticProblem, point: np.ndarray, progress: Progress, worst: float = 0.0) -> Status:
    """Iterate from a point, and solve the game of the states that do not settle: see `settling.solve` for `worst`."""
    circles = Circles(np.ones(problem.n_states, dtype=bool), point, point)
    for _ in range(MOST):
        point, changed = best_responses(problem, point, progress)
        progress.look(point, problem.worth(problem.evaluate(point)))
        if progress.done:
            return Status.CONVERGED
        circles.add(point, changed)
        progress.unsettled = circles.unsettled
        if circles.since >= PATIENCE:
            break
    return conclude(problem, circles, progress, worst)
