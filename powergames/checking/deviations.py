"""The deviation that gains a player most: what a certificate's regret stands for, as a strategy."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from powergames.checking.normal_form import ROUNDING, certify_checked, response_problem
from powergames.games.immutable import Frozen
from powergames.games.kinds import as_game
from powergames.games.normal_form import NormalFormGame
from powergames.games.policies import complete_profile
from powergames.objectives import AnyObjective, as_objective


@dataclass(frozen=True, eq=False)
class Deviation(Frozen):
    """A strategy that one player could change to, and what it would gain.

    Attributes
    ----------
    player : int
    state : int or None
        Where the gain is made; None in a normal-form game.
    kind : {"mixed", "one-shot", "stationary", "from here on"}
        "mixed": a strategy of a normal-form game. "one-shot": in `state`, once, then the profile again. "stationary":
        in all states, for ever; the gain is made if play begins in `state`. "from here on": what is best from `step` in
        `state` to the end of a finite horizon.
    strategy : ndarray
        Shape (A_i,), with the actions of `state` alone, where it is "one-shot" or "from here on", of which it is the
        first step; shape (S, A_i) where "stationary".
    gain : float or Fraction
        Regularized value of the deviation less that of the profile, in units of (discounted) payoff.
    scaled_gain : float or Fraction
        The same divided by the range of the player's payoffs, or of its values.
    step : int or None
        When, over a finite horizon.
    """

    player: int
    state: int | None
    kind: str
    strategy: np.ndarray
    gain: Any
    scaled_gain: Any
    step: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the deviation as plain JSON values; exact numbers become strings."""
        exact = self.strategy.dtype == object
        number: Any = str if exact else float
        strategy = [str(entry) for entry in self.strategy] if exact else self.strategy.tolist()
        return {
            "player": self.player,
            "state": self.state,
            "kind": self.kind,
            "strategy": strategy,
            "gain": number(self.gain),
            "scaled_gain": number(self.scaled_gain),
            **({} if self.step is None else {"step": self.step}),
        }


def best_deviation(game: NormalFormGame, profile: Any, objective: AnyObjective) -> Deviation | None:
    """Find the mixed deviation that gains most, relative to the range of its player's payoffs.

    Parameters
    ----------
    game : NormalFormGame
    profile : sequence of array_like
        ``profile[i][a]``, the probability with which player `i` plays action `a`. With `fractions.Fraction` entries
        everything is computed exactly.
    objective : PowerObjective

    Returns
    -------
    Deviation or None
        None if no player gains more than rounding. The gain is that of the strategy returned, no bound.

    Raises
    ------
    InputError
        If the profile or objective does not fit the game.

    Examples
    --------
    >>> import powergames as pg
    >>> found = best_deviation(pg.load("stag_hunt"), [[1, 0], [1, 0]], pg.PowerObjective(0.5))
    >>> found.player, found.strategy, found.gain
    (0, array([0., 1.]), 1.0)
    """
    game = as_game(game)
    objective = as_objective(objective, once=True)
    strategies = complete_profile(game, profile)
    certificate = certify_checked(game, strategies, objective)
    player = int(np.argmax(certificate.scaled_regrets))
    exact = strategies[player].dtype == object
    if certificate.scaled_regrets[player] <= (0 if exact else ROUNDING):
        return None
    problem, unit = response_problem(game, objective, strategies, player)
    strategy = problem.best_strategy()
    gain = problem.value(strategy) - problem.value(strategies[player])
    if gain <= 0:
        return None
    number: Any = Fraction if exact else float
    return Deviation(player, None, "mixed", strategy, number(gain * unit), number(gain / problem.scale))
