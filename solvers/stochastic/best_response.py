"""Best responses in turn: from the team optimum, or backward between payments where that is how the game goes.

At the team optimum of a game full of coordination few states leave something to gain, while stage games, solved one by
one, would pick some equilibrium of many in each. See `turns` for the turns, and `backward` for the order in games with
sparse rewards and mostly irreversible progress.
"""

from __future__ import annotations

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
    known = start.regret < np.inf
    with search.best(problem, start) as best:
        if known:
            best.take(take_turns(problem, start.point, start, search, long_paths=True))
        point = team_start(problem, start.point, search.options)
        if not best.good and not (known and point is start.point):
            if between_payments.suits(problem):
                best.take(between_payments.passes(problem, point, best.found(Status.CYCLING), search))
            if not best.good:
                best.take(take_turns(problem, point, best.found(Status.CYCLING), search, long_paths=True))
    return best.found(Status.CYCLING)


METHOD = StochasticMethod(
    "best_response",
    find,
    "exact best responses in turn from the team optimum, then equilibria of the states that do not settle: games full "
    "of coordination, no guarantee",
)
