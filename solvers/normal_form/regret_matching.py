r"""Regret matching+: everybody plays what they regret not having played, in proportion (Tammelin et al. 2015).

Players and adversaries keep for each action what it would have earned more so far, never less than zero,

.. math::
    R_p ← \max(0, \; R_p + g_p(ξ) - ξ_{group} · g_{group}(ξ)), \qquad ξ_p = R_p / Σ_{group} R .

They move in turn, each player together with the adversaries of the next, so that with two players those who move
together do not matter to each other. The average profile weights iteration `t` by `t`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import ClassVar

import numpy as np

from powergames.games.normal_form import NormalFormGame
from powergames.objectives import PowerObjective
from powergames.solvers.common import Candidate, Method, Options, any_game
from powergames.solvers.normal_form.iteration import State, search


@dataclass(frozen=True)
class RegretMatching:
    """Players and adversaries play actions in proportion to their positive regrets, in turn.

    Notes
    -----
    One pass over the payoffs for each player in each iteration. In two-player zero-sum games the regret of the average
    profile is at most of order ``1 / sqrt(t)`` (Burch, Moravčík & Schmid 2019), and usually falls like ``1 / t`` or
    faster; at any λ, because players who mind power alike then form a zero-sum game with their adversaries, too.

    Examples
    --------
    >>> import powergames as pg
    >>> from powergames.solvers import RegretMatching, iterate
    >>> game, start = pg.load("rock_paper_scissors"), [[1, 0, 0], [0, 1, 0]]
    >>> run = iterate(game, rule=RegretMatching(), start=start, tol=1e-3)
    >>> run.equilibrium.status.name
    'CONVERGED'
    """

    name: ClassVar[str] = "regret_matching"
    kinds: ClassVar[tuple[str, ...]] = ("current", "average")
    memoryless: ClassVar[bool] = False

    def states(self, start: State) -> Iterator[tuple[State, ...]]:
        """Yield after each iteration the current state and the average of all so far."""
        problem, state = start.problem, start
        numbers = np.arange(problem.n_groups)
        players, egos = numbers < problem.n_players, problem.egos
        turns = [(numbers == i) | (~players & (egos == (i + 1) % problem.n_players)) for i in range(problem.n_players)]
        first, group_of = problem.bounds[:-1], problem.group_of
        regrets = np.zeros(problem.size)
        average = np.zeros(problem.size)
        for t in count(1):
            for groups in turns:
                levels = np.add.reduceat(state.values * state.point, first)
                more = np.maximum(regrets + state.values - levels[group_of], 0.0)
                regrets = np.where(groups[group_of], more, regrets)
                sums = np.add.reduceat(regrets, first)[group_of]
                # Whoever regrets nothing stays.
                matched = np.where(sums > 0.0, regrets, state.point) / np.where(sums > 0.0, sums, 1.0)
                state = state.answered(groups, matched)
            average = average + (state.point - average) * (2.0 / (t + 1.0))
            yield state, state.at(average)


def find(game: NormalFormGame, objective: PowerObjective, options: Options) -> Candidate:
    """Play from the starting profile."""
    return search(game, objective, RegretMatching(), options)


METHOD = Method(
    RegretMatching.name,
    find,
    "regret matching+: the average converges in two-player zero-sum games; no guarantee elsewhere",
    any_game,
)
