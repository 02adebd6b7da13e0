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
from powergames.solvers.stochastic import lasting, newton
from powergames.solvers.stochastic.problem import StochasticProblem
from powergames.solvers.stochastic.search import Found, Search, StochasticMethod
from powergames.solvers.stochastic.stage_games import stage_equilibria
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


LIMITS = Limits()


def find(problem: StochasticProblem, start: Found, search: Search) -> Found:
    """Iterate from a point."""
    if problem.steps > 1:
        return lasting.find(problem, start, search)
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


METHOD = StochasticMethod(
    "stages",
    find,
    "stage-game policy iteration with a Newton finish: fast, any number of players and steps of power, no guarantee",
    lasting=True,
)
