"""Players take turns: one after the other does the best against what the others do, until nobody changes.

A best response in all states is a Markov decision process or, with adversaries, a zero-sum stochastic game of the
player against them; both are solved by policy iteration. Where the players come to rest, it is at an equilibrium, if
gains in one state add up over time.

Where they go round in circles, somebody mixes in a few states; see `unsettled_states` for those.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from powergames.results import Status
from powergames.solvers.stochastic.problem import StochasticProblem
from powergames.solvers.stochastic.responses import best_responses
from powergames.solvers.stochastic.search import Found, Search
from powergames.solvers.stochastic.unsettled_states import UnsettledTracker, solve_unsettled


@dataclass(frozen=True)
class Limits:
    """How long players take turns."""

    rounds: int = 60
    """Rounds in all."""
    patience: int = 5
    """The method gives up after this many rounds without fewer states that change."""


LIMITS = Limits()


def take_turns(
    point: np.ndarray, problem: StochasticProblem, start: Found, search: Search, *, long_paths: bool = True
) -> Found:
    """Let players respond in turn from a point, and solve the game of the states that do not settle.

    In that game paths are followed if there are few such states, or if long ones are wanted. If a limit ends it, it can
    go on from the responses that it had reached.
    """
    tracker = UnsettledTracker.at(problem, point)
    with search.best(problem, start) as best:
        for _ in range(LIMITS.rounds):
            point, changed = best_responses(problem, point, search)
            best.look(point, problem.worth(problem.evaluate(point)))
            tracker.add(point, changed)
            if best.done or tracker.since >= LIMITS.patience:
                break
        if not best.done:
            so_far = best.found(Status.CYCLING, tracker.unsettled)
            found = solve_unsettled(problem, tracker, so_far, search, long_paths=long_paths)
            return replace(found, onward=partial(take_turns, point, long_paths=long_paths))
    found = best.found(Status.CYCLING, tracker.unsettled)
    return replace(found, onward=partial(take_turns, point, long_paths=long_paths))
