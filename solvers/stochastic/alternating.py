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
from powergames.solvers.stochastic.best_response import best_response
from powergames.solvers.stochastic.problem import StochasticProblem
from powergames.solvers.stochastic.progress import Progress
from powergames.solvers.stochastic.settling import settle
from powergames.solvers.stochastic.team import best_rows

# Rounds in all, and those without fewer states that change; a number is less if it is below this fraction.
MOST, PATIENCE, FEWER = 60, 5, 0.9

# Rounds without a change after which a state has settled.
RECENT = 3


def find(problem: StochasticProblem, point: np.ndarray, progress: Progress) -> Status:
    """Iterate from the team optimum, or from a point if the user gave one."""
    if progress.options.x0 is None and np.ptp(problem.discounts) == 0.0:
        point = problem.pure_point(best_rows(problem, problem.rewards[-1].mean(axis=0))[0])
    recent: list[tuple[np.ndarray, np.ndarray]] = []
    best, fewest, since = (point, point), np.inf, 0
    for _ in range(MOST):
        changed = np.zeros(problem.n_states, dtype=bool)
        for player in range(problem.n_players):
            point, own = best_response(problem, point, player, progress)
            changed |= own
        progress.look(point, problem.worth(problem.evaluate(point)))
        if progress.done:
            return Status.CONVERGED
        recent = [*recent[1 - RECENT :], (point, changed)]
        unsettled = np.logical_or.reduce([each for _, each in recent])
        since += 1
        if unsettled.sum() < FEWER * fewest:
            best = point, np.mean([each for each, _ in recent], axis=0)
            progress.unsettled, fewest, since = unsettled, unsettled.sum(), 0
        if since >= PATIENCE:
            break
    return settle(problem, *best, progress)
