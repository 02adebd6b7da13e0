"""A correlated equilibrium."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from powergames.checking.certificate import Certificate
from powergames.checking.correlated import after_takeover
from powergames.display import Shown
from powergames.games.immutable import Frozen
from powergames.games.normal_form import NormalFormGame
from powergames.games.profiles import frozen
from powergames.objectives import Adversary, PowerObjective
from powergames.results.status import Status


@dataclass(frozen=True, eq=False, repr=False)
class CorrelatedEquilibrium(Frozen, Shown):
    """What a mediator recommends to players and adversaries, and the certificate that nobody gains by disobeying.

    Attributes
    ----------
    game : NormalFormGame
    objective : PowerObjective
    coarse : bool
        Whether everybody has to decide to disobey before being told anything.
    probabilities : ndarray, shape (A_0, ..., A_{n-1})
        The probability of each joint action.
    takeovers : tuple of tuple of ndarray
        ``takeovers[i][k][a_0, ..., a_{n-1}, b]`` is the probability, given the joint action, that adversary `k` of
        player `i` is told to play action `b` for the co-player that it takes over. Without power there are none.
    certificate : Certificate
    status : Status
        CONVERGED exactly when the certificate passed and the selection is known to be the best.
    """

    game: NormalFormGame
    objective: PowerObjective
    coarse: bool
    probabilities: np.ndarray
    takeovers: tuple[tuple[np.ndarray, ...], ...]
    certificate: Certificate
    status: Status

    @cached_property
    def task(self) -> np.ndarray:
        """Expected payoff of each player, shape (n,)."""
        axes = tuple(range(1, self.game.payoffs.ndim))
        return frozen((self.game.payoffs * self.probabilities).sum(axis=axes))

    @cached_property
    def power(self) -> np.ndarray:
        """``power[i, j]``, what `j` can take from `i` by reacting to what `j` alone is told, shape (n, n).

        Where the equilibrium is coarse, by one action, decided before `j` is told anything.
        """
        n_players = self.game.n_players
        power = np.zeros((n_players, n_players))
        for i in range(n_players):
            for j in range(n_players):
                if j != i:
                    size = self.game.n_actions[j]
                    told = np.moveaxis(self.probabilities, j, 0).reshape(size, -1)
                    # What is left for each action that j is told, and that j plays.
                    values = told @ np.moveaxis(self.game.payoffs[i], j, -1).reshape(-1, size)
                    left = values.sum(axis=0).min() if self.coarse else values.min(axis=1).sum()
                    power[i, j] = max(self.task[i] - left, 0.0)
        return frozen(power)

    @cached_property
    def charged(self) -> np.ndarray:
        """What each player is charged for, shape (n,): what its adversaries take, weighted.

        At least ``objective.aggregate_power(power)``, and the same where an adversary learns nothing from what the
        mediator tells it. Zero without power in the objective.
        """
        return frozen(self._losses([float(each.weight) for own in self._adversaries for each in own]))

    @cached_property
    def utility(self) -> np.ndarray:
        """``task - λ charged``, shape (n,)."""
        return frozen(self.task - self._losses([float(each.charge) for own in self._adversaries for each in own]))

    @property
    def _adversaries(self) -> tuple[tuple[Adversary, ...], ...]:
        return self.objective.adversaries(self.game.n_players)

    def _losses(self, weights: Sequence[float]) -> np.ndarray:
        """Add up what the adversaries of each player take, with a weight for each of them all."""
        losses, remaining = np.zeros(self.game.n_players), iter(weights)
        for i, own in enumerate(self._adversaries):
            for adversary, told in zip(own, self.takeovers[i], strict=True):
                after = after_takeover(self.game.payoffs[i], adversary.players[0])
                left = (self.probabilities[..., None] * told * after).sum()
                losses[i] += next(remaining) * (self.task[i] - left)
        return losses

    @property
    def converged(self) -> bool:
        """Whether the certificate passed and the selection is known to be the best."""
        return self.status is Status.CONVERGED

    def to_dict(self) -> dict[str, Any]:
        """Return the equilibrium as plain JSON values."""
        return {
            "coarse": self.coarse,
            "probabilities": self.probabilities.tolist(),
            "takeovers": [[told.tolist() for told in own] for own in self.takeovers],
            "task": self.task.tolist(),
            "power": self.power.tolist(),
            "charged": self.charged.tolist(),
            "utility": self.utility.tolist(),
            "certificate": self.certificate.to_dict(),
            "status": self.status.name,
        }

    def __repr__(self) -> str:
        kind = "coarse correlated" if self.coarse else "correlated"
        task = ", ".join(f"{value:.4g}" for value in self.task)
        return (
            f"<CorrelatedEquilibrium {self.status.name} lam={self.objective.lam:g}: {kind}, "
            f"{np.count_nonzero(self.probabilities > 1e-12)} joint actions, task values {task}; "
            f"scaled regret {self.certificate.scaled_regret:.1e}>"
        )
