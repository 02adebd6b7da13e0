"""One equilibrium, of a game in normal form or of a stochastic game."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from powergames.checking.certificate import Certificate
from powergames.checking.stochastic import StochasticCertificate
from powergames.display import Shown
from powergames.evaluation import Evaluation, evaluate
from powergames.games.immutable import Frozen
from powergames.games.normal_form import NormalFormGame
from powergames.games.profiles import Profile, frozen
from powergames.games.stochastic import StochasticGame
from powergames.objectives import PowerObjective
from powergames.power import PowerTable, plain, power_table
from powergames.results.documents import profile_value
from powergames.results.status import Status


@dataclass(frozen=True, eq=False)
class Equilibrium(Frozen, Shown):
    """A profile, what it is worth to each player, and the certificate that says how good it is.

    Attributes
    ----------
    game : NormalFormGame
    objective : PowerObjective
    profile : tuple of ndarray
        ``profile[i][a]``, the probability with which player `i` plays action `a`; fractions when found exactly.
    certificate : Certificate
    status : Status
        CONVERGED exactly when the certificate passed.
    method : str
        The solver that found the profile.
    iterations : int
        Pivots, vertices or steps, as the method counts them.
    component : int
        Index of the connected set of equilibria this one belongs to, where all were enumerated.
    """

    game: NormalFormGame
    objective: PowerObjective
    profile: Profile
    certificate: Certificate
    status: Status
    method: str
    iterations: int = 0
    component: int = 0

    @cached_property
    def power_table(self) -> PowerTable:
        """Pairwise power at the profile."""
        return power_table(self.game, self.profile)

    @property
    def task(self) -> np.ndarray:
        """Expected payoff of each player, shape (n,)."""
        return self.power_table.task

    @property
    def power(self) -> np.ndarray:
        """``power[i, j]``, what `j` can take from `i` by one action, shape (n, n), in payoff units."""
        return self.power_table.power

    @cached_property
    def utility(self) -> np.ndarray:
        """The regularized objective of each player, shape (n,)."""
        return frozen(self.objective.utility(self.task, self.power))

    @property
    def exact(self) -> bool:
        """Whether the profile is held in exact fractions."""
        return self.profile[0].dtype == object

    @property
    def converged(self) -> bool:
        """Whether the certificate confirms the equilibrium."""
        return self.status is Status.CONVERGED

    def to_dict(self) -> dict[str, Any]:
        """Return the equilibrium as plain JSON values; exact numbers become strings such as ``"1/3"``."""
        return {
            "profile": [plain(strategy) for strategy in self.profile],
            "task": plain(self.task),
            "power": plain(self.power),
            "utility": plain(self.utility),
            "certificate": self.certificate.to_dict(),
            "status": self.status.name,
            "method": self.method,
            "iterations": self.iterations,
            "component": self.component,
        }

    def __repr__(self) -> str:
        profile = ", ".join(_strategy_text(strategy) for strategy in self.profile)
        return (
            f"<Equilibrium {self.status.name} lam={self.objective.lam:g}: {profile}; "
            f"scaled regret {float(self.certificate.scaled_regret):.1e}>"
        )


@dataclass(frozen=True, eq=False)
class StochasticEquilibrium(Frozen, Shown):
    """A stationary profile of a stochastic game, what it is worth, and the certificate that says how good it is.

    Attributes
    ----------
    game : StochasticGame
    objective : PowerObjective
    profile : tuple of ndarray
        ``profile[i][s, a]``, the probability with which player `i` plays action `a` in state `s`.
    certificate : StochasticCertificate
    status : Status
        CONVERGED exactly when the certificate passed.
    method : str
        The solver that found the profile. If parts of the game needed different solvers, this is the most thorough of
        them.
    iterations : int
        Steps of all methods that were tried, together.
    """

    game: StochasticGame
    objective: PowerObjective
    profile: Profile
    certificate: StochasticCertificate
    status: Status
    method: str
    iterations: int = 0

    @cached_property
    def evaluation(self) -> Evaluation:
        """Values and power at the profile, in every state."""
        return evaluate(self.game, self.profile, self.objective)

    @property
    def task(self) -> np.ndarray:
        """Expected discounted reward of each player from each state on, shape (n, S)."""
        return self.evaluation.task

    @property
    def power(self) -> np.ndarray:
        """``power[s, i, j]``, what `j` can take from `i` by one action in state `s`, shape (S, n, n)."""
        return self.evaluation.power

    @property
    def utility(self) -> np.ndarray:
        """The regularized value of each player from each state on, shape (n, S)."""
        return self.evaluation.utility

    @property
    def converged(self) -> bool:
        """Whether the certificate confirms the equilibrium."""
        return self.status is Status.CONVERGED

    def to_dict(self) -> dict[str, Any]:
        """Return the equilibrium as plain JSON values; ``profile[i][s]`` lists the actions that state `s` has."""
        return {
            "profile": profile_value(self.game, self.profile),
            **self.evaluation.to_dict(),
            "certificate": self.certificate.to_dict(),
            "status": self.status.name,
            "method": self.method,
            "iterations": self.iterations,
        }

    def __repr__(self) -> str:
        values = ", ".join(f"{value:.4g}" for value in self.evaluation.start_task)
        return (
            f"<StochasticEquilibrium {self.status.name} lam={self.objective.lam:g}: task values {values} from the "
            f"start; scaled regret {self.certificate.scaled_regret:.1e}>"
        )


def _strategy_text(strategy: np.ndarray) -> str:
    if strategy.dtype == object:
        return "(" + ", ".join(str(p) for p in strategy) + ")"
    return "(" + ", ".join(f"{p:.4g}" for p in strategy) + ")"
