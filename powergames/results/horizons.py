"""An equilibrium over a finite horizon."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from powergames.checking.horizon import HorizonCertificate
from powergames.display import Shown
from powergames.games.immutable import Frozen
from powergames.games.timed import TimedGame, TimedProfile, timed_document
from powergames.horizon_evaluation import HorizonEvaluation, evaluate_horizon
from powergames.objectives import PowerObjective
from powergames.results.status import Status


@dataclass(frozen=True, eq=False)
class HorizonEquilibrium(Frozen, Shown):
    """What each player does at each step of a finite horizon, what it is worth, and the certificate.

    Attributes
    ----------
    game : StochasticGame or DeterministicGame
    objective : PowerObjective
    horizon : int
        Number of steps, T.
    profile : tuple of TimedStrategy
        ``profile[i][t, s, a]``, the probability with which player `i` plays action `a`; reads like an array of shape
        (T, S, A_i).
    start_task, start_utility : ndarray, shape (n,)
        Task value and regularized value of each player from the start distribution.
    certificate : HorizonCertificate
    status : Status
        CONVERGED exactly when the certificate passed.
    method : str
        "backward".
    select : str
        Which of several equilibria of a stage game was taken, see `powergames.solve`.
    mixed_stages : int
        Steps and states without a pure equilibrium found; there players or their adversaries mix.
    unsolved_stages : int
        Steps and states of which no equilibrium was found.
    iterations : int
        Steps solved.
    """

    game: TimedGame
    objective: PowerObjective
    horizon: int
    profile: TimedProfile
    start_task: np.ndarray
    start_utility: np.ndarray
    certificate: HorizonCertificate
    status: Status
    method: str
    select: str
    mixed_stages: int = 0
    unsolved_stages: int = 0
    iterations: int = 0

    @cached_property
    def evaluation(self) -> HorizonEvaluation:
        """Values and power at each step in each state."""
        return evaluate_horizon(self.game, self.profile, self.objective, self.horizon)

    @property
    def task(self) -> np.ndarray:
        """Expected discounted reward of each player from each step and state on, shape (T, n, S)."""
        return self.evaluation.task

    @property
    def power(self) -> np.ndarray:
        """``power[t, s, i, j]``, what `j` can take from `i` by one action, shape (T, S, n, n)."""
        return self.evaluation.power

    @property
    def utility(self) -> np.ndarray:
        """The regularized value of each player from each step and state on, shape (T, n, S)."""
        return self.evaluation.utility

    @property
    def converged(self) -> bool:
        """Whether the certificate confirms the equilibrium."""
        return self.status is Status.CONVERGED

    def to_dict(self) -> dict[str, Any]:
        """Return the equilibrium as plain JSON values.

        Its profile is compact: ``actions[i][t][s]``, -1 where the player mixes, and ``mixtures[i]``, a list of
        ``[t, s, probabilities]``. Values are those from the start.
        """
        return {
            "horizon": self.horizon,
            **timed_document(self.profile),
            **self.evaluation.summary(),
            "certificate": self.certificate.to_dict(),
            "status": self.status.name,
            "method": self.method,
            "select": self.select,
            "mixed_stages": self.mixed_stages,
            "unsolved_stages": self.unsolved_stages,
            "iterations": self.iterations,
        }

    def __repr__(self) -> str:
        values = ", ".join(f"{value:.4g}" for value in self.start_task)
        return (
            f"<HorizonEquilibrium {self.status.name} lam={self.objective.lam:g}: {self.horizon} steps, task values "
            f"{values} from the start; select={self.select!r}, scaled regret {self.certificate.scaled_regret:.1e}>"
        )
