"""Best responses in turn: from the team optimum, or backward between payments where that is how the game goes.

At the team optimum of a game full of coordination few states leave something to gain, while stage games, solved one by
one, would pick some equilibrium of many in each. See `turns` for the turns, and `between_payments` for the order in
games with sparse rewards and mostly irreversible progress.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from powergames.games.stochastic import StochasticGame
from powergames.objectives import PowerObjective
from powergames.results import Status
from powergames.solvers.stochastic import between_payments
from powergames.solvers.stochastic.problem import StochasticProblem
from powergames.solvers.stochastic.search import Found, Search, StochasticMethod
from powergames.solvers.stochastic.team import team_start
from powergames.solvers.stochastic.turns import take_turns


def leads(game: StochasticGame, objective: PowerObjective) -> bool:
    """Return whether best responses are known to be better than stage games.

    So they are where players share their rewards, since few states leave something to gain at the team optimum, and
    where each of two players is certain to face an adversary instead of the other one.
    """
    if game.n_players == 1:
        return False
    shared = not np.ptp(game.rewards, axis=0).any()
    return shared or (game.n_players == 2 and objective.form == "adversarial" and objective.exact_lam == 1)


def find(problem: StochasticProblem, start: Found, search: Search) -> Found:
    """Let players respond from the best point so far, if anybody has looked at one, and from the team optimum."""
    return _Responses().find(problem, start, search)


class _Responses:
    """What there is to try, one after the other, and where the current one is."""

    def __init__(self) -> None:
        self.ways: list[Callable[[StochasticProblem, Found, Search], Found]] | None = None
        self.regret = np.inf

    def find(self, problem: StochasticProblem, start: Found, search: Search) -> Found:
        """Begin, or go on."""
        with search.best(problem, start) as best:
            if self.ways is None:
                self.ways = self._from_team_optimum(problem, start, search)
            if start.regret < self.regret:
                self.ways.insert(0, partial(take_turns, start.point))
            while self.ways and not best.good:
                found = self.ways[0](problem, best.found(Status.CYCLING), search)
                best.take(found)
                if search.over is not None:
                    self.ways[0] = found.onward or self.ways[0]
                    break
                self.ways.pop(0)
        self.regret = best.regret
        return replace(best.found(Status.CYCLING), onward=self.find)

    def _from_team_optimum(
        self, problem: StochasticProblem, start: Found, search: Search
    ) -> list[Callable[[StochasticProblem, Found, Search], Found]]:
        """Return what begins at the team optimum, unless that is where the search begins anyway."""
        point = team_start(problem, start.point, search.options)
        if start.regret < np.inf and point is start.point:
            return []
        turns = partial(take_turns, point)
        return [partial(between_payments.passes, point), turns] if between_payments.suits(problem) else [turns]


METHOD = StochasticMethod(
    "best_response",
    find,
    "exact best responses in turn from the team optimum, then equilibria of the states that do not settle: games full "
    "of coordination, no guarantee",
)
