"""Stage-game policy iteration: solve the game of every state for the values of the last profile, evaluate, repeat.

A state whose players and adversaries are still in equilibrium, given the new values, is left as it is; the others are
solved by Lemke's algorithm from where they are, so that of several equilibria the one nearby tends to be taken. As soon
as the supports of all states stay, Newton's method on them takes over.

There is no guarantee: in about one random game in ten a few states go back and forth between equilibria, each of which
leads to values for which only the other one is. These states then move by less and less, as in fictitious play, while
the others are solved as before; Newton's method is tried on the supports that this suggests.
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

# Iterations in which unsettled states move less and less, and after how many of them Newton's method is tried.
AVERAGED, EVERY = 24, 4

# What counts as rounding in the payoffs of a state, relative to the greatest value there is.
ROUNDING = 1e-13


def find(problem: StochasticProblem, point: np.ndarray, progress: Progress) -> Status:
    """Iterate from a point; the best point met is in `progress`, and which states did not settle."""
    values = problem.evaluate(point)
    used = point > 0.0
    recent: list[np.ndarray] = []
    since = 0
    for count in range(MOST):
        point = _solved(problem, point, values, progress)
        values = problem.evaluate(point)
        least = progress.regret
        progress.look(point, values)
        since = 0 if progress.regret < least else since + 1
        if progress.done:
            return Status.CONVERGED
        before, used = used, point > 0.0
        recent = [*recent[1 - RECENT :], np.logical_or.reduceat(used != before, problem.point_starts[:-1])]
        progress.unsettled = np.logical_or.reduce(recent)
        if count and not recent[-1].any() and newton.finish(problem, point, used, progress):
            return Status.CONVERGED
        if since > PATIENCE:
            break
    if 0 < progress.unsettled.sum() < problem.n_states:
        _settle(problem, point, values, progress)
    return Status.CYCLING


def _settle(problem: StochasticProblem, point: np.ndarray, values: np.ndarray, progress: Progress) -> None:
    """Iterate on, with states that did not settle moving by less and less."""
    moving = np.repeat(progress.unsettled, np.diff(problem.point_starts))
    for count in range(1, AVERAGED + 1):
        solved = _solved(problem, point, values, progress)
        point = np.where(moving, point + (solved - point) / (count + 1), solved)
        values = problem.evaluate(point)
        gradient = progress.look(point, values)
        if progress.done:
            return
        if count % EVERY == 0 and newton.finish(problem, point, problem.supports(point, gradient), progress):
            return


def _solved(problem: StochasticProblem, point: np.ndarray, values: np.ndarray, progress: Progress) -> np.ndarray:
    """Solve the game of every state that is not in equilibrium."""
    from powergames.kernels.stages import solve_stages

    slack = ROUNDING / (1.0 - problem.discounts)
    point, moved = solve_stages(*problem.layout, *problem.worth(values), point, slack)
    progress.step(f"stage games, {moved} of {problem.n_states} solved anew")
    return np.asarray(point)
