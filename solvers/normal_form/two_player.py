r"""The two-player problem in the form that all two-player methods share.

With ``λ_0 = λ W_01`` and ``λ_1 = λ W_10``, payoff matrices `A`, `B`, strategies x, y, the adversary z of player 0 (who
acts like player 1) and the adversary w of player 1 (who acts like player 0), a profile is an equilibrium exactly if

.. math::
    x \in \arg\max x'A\,((1-λ_0) y + λ_0 z), \qquad z \in \arg\min x'A z, \\
    y \in \arg\max ((1-λ_1) x + λ_1 w)'B\,y, \qquad w \in \arg\min w'B y.

All aggregates are the same with two players, up to the weights of a matrix.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from powergames.games.normal_form import BLOCK, NormalFormGame
from powergames.games.profiles import frozen
from powergames.objectives import PowerObjective
from powergames.solvers.common import Candidate


@dataclass(frozen=True, eq=False)
class TwoPlayerProblem:
    """Payoffs and weights of a two-player game, in floats scaled to [0, 1], in fractions, or as the game holds them.

    Attributes
    ----------
    row, column : ndarray, shape (m, n)
        Payoffs of players 0 and 1, ``[a_0, a_1]``.
    lam_row, lam_column : float or Fraction
        The weights λ_0 and λ_1 of the two players' adversaries.
    """

    row: np.ndarray
    column: np.ndarray
    lam_row: Any
    lam_column: Any

    @classmethod
    def of(cls, game: NormalFormGame, objective: PowerObjective, exact: bool) -> TwoPlayerProblem:
        """Set up the problem of a game; equilibria do not depend on the scaling."""
        if exact:
            return cls(game.exact_payoffs[0], game.exact_payoffs[1], *objective.charges(2))
        unscaled = cls.in_place(game, objective)
        least, scale = game.payoff_min, game.payoff_scale
        row = (game.payoffs[0] - least[0]) / scale[0]
        column = (game.payoffs[1] - least[1]) / scale[1]
        return cls(row, column, unscaled.lam_row, unscaled.lam_column)

    @classmethod
    def in_place(cls, game: NormalFormGame, objective: PowerObjective) -> TwoPlayerProblem:
        """Set up the problem without copying the payoffs, which are therefore not scaled."""
        lam_row, lam_column = objective.charges(2)
        return cls(game.payoffs[0], game.payoffs[1], float(lam_row), float(lam_column))

    @classmethod
    def of_binary_floats(cls, game: NormalFormGame, objective: PowerObjective) -> TwoPlayerProblem:
        """Set up the problem in fractions, each payoff being the exact value of its float and not a decimal near it."""
        payoffs = np.array([Fraction(value) for value in game.payoffs.ravel().tolist()], dtype=object)
        row, column = payoffs.reshape(game.payoffs.shape)
        return cls(row, column, *objective.charges(2))

    def candidate(self, groups: Sequence[np.ndarray | None], iterations: int) -> Candidate:
        """Turn non-negative weights on the actions of (x, y, z, w) into a profile with its witness."""
        x, y, z, w = (None if group is None else _normalized(group) for group in groups)
        assert x is not None
        assert y is not None
        witness = (
            () if z is None or not self.lam_row else (z,),
            () if w is None or not self.lam_column else (w,),
        )
        return Candidate((x, y), witness, iterations)


def scaled_blocks(game: NormalFormGame, player: int) -> Iterator[np.ndarray]:
    """Yield a player's payoffs scaled to [0, 1], a few rows of the matrix at a time."""
    payoffs, least, scale = game.payoffs[player], game.payoff_min[player], game.payoff_scale[player]
    step = max(1, BLOCK // payoffs.shape[1])
    for start in range(0, len(payoffs), step):
        yield (payoffs[start : start + step] - least) / scale


def _normalized(group: np.ndarray) -> np.ndarray:
    return frozen(group / group.sum())
