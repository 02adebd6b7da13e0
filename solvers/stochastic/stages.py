"""Stage-game policy iteration: solve the game of every state for the values of the last profile, evaluate, repeat.

A state whose players and adversaries are still in equilibrium, given the new values, is left as it is; the others move
to an equilibrium on the same supports if there is one, or else are solved by Lemke's algorithm from where they are, so
that of several equilibria the one nearby tends to be taken. As soon as the supports of all states stay, Newton's method
on them takes over.

In about one random game in ten a few states go back and forth between equilibria, each of which leads to values for
which only the other one is. These states are then solved as a game of their own, see `unsettled_states`. There is no
guarantee.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from powergames.results import Status
from powergames.solvers import common
from powergames.solvers.stochastic import logit, newton
from powergames.solvers.stochastic.problem import StochasticProblem, Worth
from powergames.solvers.stochastic.search import Found, Search, StochasticMethod
from powergames.solvers.stochastic.unsettled_states import solve_states


@dataclass(frozen=True)
class Limits:
    """How long the method goes on, and which states it leaves to others."""

    iterations: int = 60
    """Iterations in all."""
    patience: int = 5
    """The method gives up after this many iterations without a lower regret."""
    lenient_iterations: int = 3
    """In so many iterations at first, the game of a state may fail."""
    recent: int = 6
    """A state has settled after this many iterations without a change of supports."""
    unsettled_states: int = 300
    """Up to this many states that do not settle are solved as a game of their own."""
    work: int = 10
    """It is about this many times as much work to solve the game of a state as to read its transitions."""


LIMITS = Limits()


def find(problem: StochasticProblem, start: Found, search: Search) -> Found:
    """Iterate from a point."""
    point, unsettled = start.point, start.unsettled
    with search.best(problem, start) as best:
        worth = problem.worth(problem.evaluate(point))
        used = point > 0.0
        recent: list[np.ndarray] = []
        since = 0
        for count in range(LIMITS.iterations):
            near = count > 0 or search.options.start is not None
            point = stage_equilibria(
                problem, point, worth, search, near=near, surely=count >= LIMITS.lenient_iterations
            )
            worth = problem.worth(problem.evaluate(point))
            least = best.regret
            best.look(point, worth)
            since = 0 if best.regret < least else since + 1
            if best.done:
                break
            before, used = used, point > 0.0
            recent = [*recent[1 - LIMITS.recent :], np.logical_or.reduceat(used != before, problem.point_starts[:-1])]
            unsettled = np.logical_or.reduce(recent)
            if count and not recent[-1].any():
                best.take(newton.finish(problem, point, used, search))
            if best.done or since > LIMITS.patience:
                break
        if not best.good and np.count_nonzero(unsettled) <= LIMITS.unsettled_states:
            best.take(solve_states(problem, unsettled, best.point, best.point, search, long_paths=False))
    return best.found(Status.CYCLING, unsettled)


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
    search.step(f"stage games, {moved} of {problem.n_states} solved anew", LIMITS.work * problem.work)
    if surely and problem.n_players > 2 and problem.n_states > 1:
        regrets = problem.regrets(point, problem.gradients(point, worth))
        for state in np.flatnonzero((regrets > 10.0 * slack[problem.owners]).any(axis=1)).tolist():
            own = slice(*problem.point_starts[state : state + 2].tolist())
            stage = problem.stage(state, worth)
            point[own] = logit.find(stage, Found.nothing(stage, point[own]), search).point
    return np.asarray(point)


METHOD = StochasticMethod(
    "stages",
    find,
    "stage-game policy iteration with a Newton finish: fast, any number of players, no guarantee",
)
