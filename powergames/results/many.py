"""One equilibrium of each of many games of the same shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from powergames.checking.normal_form import certify_checked
from powergames.display import Shown
from powergames.games.immutable import Frozen
from powergames.games.normal_form import NormalFormGame
from powergames.games.profiles import Profile, frozen
from powergames.objectives import PowerObjective
from powergames.power import power_of_many
from powergames.results.equilibria import Equilibrium
from powergames.results.status import Status


@dataclass(frozen=True, eq=False, repr=False)
class ManyEquilibria(Frozen, Shown, Sequence[Equilibrium]):
    """One profile of each game, what it is worth, and whether it is certified; all as arrays over the games.

    ``found[b]`` is the `Equilibrium` of game `b`, with the game and a certificate of its own.

    Attributes
    ----------
    payoffs : ndarray, shape (B, n, A_0, ..., A_{n-1})
    objective : PowerObjective
    profile : tuple of ndarray
        ``profile[i][b, a]``, the probability with which player `i` of game `b` plays action `a`.
    regrets : ndarray, shape (B, n)
        How much each player could gain by any mixed deviation, at most, in payoff units.
    scaled_regrets : ndarray, shape (B, n)
        The same relative to the range of the player's payoffs in the game.
    tol : float
        Scaled regret up to which a profile is certified.
    iterations : ndarray of int, shape (B,)
        Pivots or steps, as the method counts them; 0 for pure equilibria that were found first.
    ended_by : Status or None
        The limit that ended the search, if one did.
    """

    payoffs: np.ndarray
    objective: PowerObjective
    profile: Profile
    regrets: np.ndarray
    scaled_regrets: np.ndarray
    tol: float
    iterations: np.ndarray
    ended_by: Status | None = None

    @cached_property
    def regret(self) -> np.ndarray:
        """The greatest scaled regret in each game, shape (B,)."""
        return frozen(self.scaled_regrets.max(axis=1))

    @cached_property
    def certified(self) -> np.ndarray:
        """Whether each profile is certified to be an equilibrium, shape (B,)."""
        return frozen(self.regret <= self.tol)

    @property
    def status(self) -> Status:
        """CONVERGED if all games are certified, else the limit that ended the search, or REJECTED."""
        return Status.CONVERGED if self.certified.all() else self.ended_by or Status.REJECTED

    @property
    def converged(self) -> bool:
        """Whether all games are certified."""
        return self.status is Status.CONVERGED

    @cached_property
    def _worth(self) -> tuple[np.ndarray, np.ndarray]:
        task, power = power_of_many(self.payoffs, self.profile)
        return frozen(task), frozen(power)

    @property
    def task(self) -> np.ndarray:
        """Expected payoff of each player, shape (B, n)."""
        return self._worth[0]

    @property
    def power(self) -> np.ndarray:
        """``power[b, i, j]``, what `j` can take from `i` by one action in game `b`, shape (B, n, n)."""
        return self._worth[1]

    @cached_property
    def utility(self) -> np.ndarray:
        """The regularized objective of each player, shape (B, n)."""
        return frozen(self.objective.utility(self.task, self.power))

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the payoffs as plain JSON values."""
        return {
            "objective": self.objective.to_dict(),
            "profile": [strategies.tolist() for strategies in self.profile],
            "task": self.task.tolist(),
            "power": self.power.tolist(),
            "utility": self.utility.tolist(),
            "regrets": self.regrets.tolist(),
            "scaled_regrets": self.scaled_regrets.tolist(),
            "tol": float(self.tol),
            "certified": self.certified.tolist(),
            "iterations": self.iterations.tolist(),
            "status": self.status.name,
        }

    def __len__(self) -> int:
        return len(self.payoffs)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return tuple(self[b] for b in range(len(self))[index])
        game = NormalFormGame(self.payoffs[index])
        profile = tuple(frozen(strategies[index].copy()) for strategies in self.profile)
        certificate = certify_checked(game, profile, self.objective, self.tol)
        status = Status.CONVERGED if certificate.passed else self.ended_by or Status.REJECTED
        return Equilibrium(game, self.objective, profile, certificate, status, "many", int(self.iterations[index]))

    def __repr__(self) -> str:
        largest = f"; largest scaled regret {self.regret.max():.1e}" if len(self) else ""
        return (
            f"<ManyEquilibria {self.status.name} lam={self.objective.lam:g}: {self.certified.sum()} of {len(self)} "
            f"games certified{largest}>"
        )
