r"""Optimistic mirror descent with entropy: multiplicative weights that expect the next payoffs to be like the last.

Players and adversaries move at the same time,

.. math::
    ξ_p(t+1) ∝ ξ_p(t) \exp(η \, (2 g_p(t) - g_p(t-1))), \qquad
    η = \frac{\text{rate}}{\sqrt{1 + Σ_{s \le t} \max_p |g_p(s) - g_p(s-1)|^2}},

with payoffs in units of the payoff range (Rakhlin & Sridharan 2013). The step η, one for each of them, stays away from
zero where play settles down.
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
from powergames.solvers.normal_form.iteration import State, check_positive, search

# Least probability at the start, relative to an even mixture: nothing ever grows from zero.
INSIDE = 1e-3


@dataclass(frozen=True)
class MirrorDescent:
    """Optimistic multiplicative weights of all players and adversaries at the same time.

    Parameters
    ----------
    rate : float, default 4
        Scale of the step η.

    Raises
    ------
    InputError
        If the rate is not positive.

    Notes
    -----
    One pass over the payoffs for each iteration. In two-player zero-sum games, at any λ if both mind power alike, the
    regret of the average profile falls like ``1 / t`` (Rakhlin & Sridharan 2013), and where the equilibrium is unique
    the current profile itself converges for small steps (Daskalakis & Panageas 2019).

    Examples
    --------
    >>> import powergames as pg
    >>> from powergames.solvers import MirrorDescent, iterate
    >>> game, start = pg.load("matching_pennies"), [[0.9, 0.1], [0.5, 0.5]]
    >>> iterate(game, pg.PowerObjective(0.3), rule=MirrorDescent(), start=start).equilibrium.status.name
    'CONVERGED'
    """

    rate: float = 4.0

    name: ClassVar[str] = "mirror_descent"
    kinds: ClassVar[tuple[str, ...]] = ("current", "average")
    memoryless: ClassVar[bool] = False

    def __post_init__(self) -> None:
        check_positive("rate", self.rate)

    def states(self, start: State) -> Iterator[tuple[State, ...]]:
        """Yield after each iteration the current state and the average of all so far."""
        problem = start.problem
        first, group_of = problem.bounds[:-1], problem.group_of
        even = 1.0 / np.diff(problem.bounds)[group_of]
        point = (1.0 - INSIDE) * start.point + INSIDE * even
        point[problem.n_own :] = even[problem.n_own :]
        state = start.at(point)
        logs = np.log(state.point)
        last = state.values
        moved = np.ones(problem.n_groups)
        average = np.zeros(problem.size)
        for t in count(1):
            values = state.values
            moved = moved + np.maximum.reduceat(np.abs(values - last), first) ** 2
            logs = logs + (self.rate / np.sqrt(moved))[group_of] * (2.0 * values - last)
            logs -= np.maximum.reduceat(logs, first)[group_of]
            weights = np.exp(logs)
            last = values
            state = state.at(weights / np.add.reduceat(weights, first)[group_of])
            average = average + (state.point - average) / t
            yield state, state.at(average)


def find(game: NormalFormGame, objective: PowerObjective, options: Options) -> Candidate:
    """Descend from the starting profile."""
    return search(game, objective, MirrorDescent(), options)


METHOD = Method(
    MirrorDescent.name,
    find,
    "optimistic multiplicative weights: converges in two-player zero-sum games; no guarantee elsewhere",
    any_game,
)
