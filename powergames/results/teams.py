"""The best play of players who are one team, a benchmark for equilibria."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from powergames.checking.horizon import HorizonCertificate, certify_horizon
from powergames.checking.stochastic import StochasticCertificate, certify_stochastic
from powergames.display import Shown
from powergames.evaluation import Evaluation, evaluate
from powergames.games.immutable import Frozen
from powergames.games.profiles import Profile
from powergames.games.rows import RowGame
from powergames.games.stochastic import StochasticGame
from powergames.games.timed import TimedGame, TimedProfile
from powergames.horizon_evaluation import HorizonEvaluation, evaluate_horizon
from powergames.objectives import PowerObjective
from powergames.results.documents import profile_value


@dataclass(frozen=True, eq=False)
class TeamOptimum(Frozen, Shown):
    """The best deterministic profile of a team, a benchmark for equilibria.

    Attributes
    ----------
    game : StochasticGame
    objective : PowerObjective
        Its λ and aggregate say how likely an adversary takes over each player.
    profile : tuple of ndarray
        ``profile[i][s, a]``, one in each state for the action that player `i` takes, else zero.
    value : ndarray, shape (S,)
        Mean of the players' discounted rewards from each state on, takeovers included: no deterministic profile has
        more in any state.
    """

    game: StochasticGame
    objective: PowerObjective
    profile: Profile
    value: np.ndarray

    @cached_property
    def evaluation(self) -> Evaluation:
        """Values of every player and power at the profile, in every state."""
        return evaluate(self.game, self.profile, self.objective)

    @cached_property
    def certificate(self) -> StochasticCertificate:
        """What each player could gain by leaving the team."""
        return certify_stochastic(self.game, self.profile, self.objective)

    def to_dict(self) -> dict[str, Any]:
        """Return the benchmark as plain JSON values."""
        return {
            "kind": "team optimum",
            "profile": profile_value(self.game, self.profile),
            "value": self.value.tolist(),
            **self.evaluation.to_dict(),
            "certificate": self.certificate.to_dict(),
        }

    def __repr__(self) -> str:
        return (
            f"<TeamOptimum lam={self.objective.lam:g}: value {self.value @ self.game.start:.4g} from the start; "
            "a benchmark, not an equilibrium>"
        )


@dataclass(frozen=True, eq=False)
class HorizonTeamOptimum(Frozen, Shown):
    """The best deterministic profile of a team over a finite horizon, a benchmark for equilibria.

    Attributes
    ----------
    game : StochasticGame or DeterministicGame
    objective : PowerObjective
        Its λ and aggregate say how likely an adversary takes over each player.
    horizon : int
    profile : tuple of TimedStrategy
        ``profile[i][t, s, a]``, one for the action that player `i` takes, else zero.
    value : ndarray, shape (T, S)
        Mean of the players' discounted rewards from each step and state on, takeovers included: no deterministic
        profile has more anywhere.
    """

    game: TimedGame
    objective: PowerObjective
    horizon: int
    profile: TimedProfile
    value: np.ndarray

    @cached_property
    def evaluation(self) -> HorizonEvaluation:
        """Values of every player and power at the profile, at each step in each state."""
        return evaluate_horizon(self.game, self.profile, self.objective, self.horizon)

    @cached_property
    def certificate(self) -> HorizonCertificate:
        """What each player could gain by leaving the team."""
        return certify_horizon(self.game, self.profile, self.objective, self.horizon)

    def to_dict(self) -> dict[str, Any]:
        """Return the benchmark as plain JSON values: ``actions[i][t][s]`` and ``value[t][s]``."""
        return {
            "kind": "team optimum",
            "horizon": self.horizon,
            "actions": [strategy.actions.tolist() for strategy in self.profile],
            "value": self.value.tolist(),
            **self.evaluation.summary(),
            "certificate": self.certificate.to_dict(),
        }

    def __repr__(self) -> str:
        return (
            f"<HorizonTeamOptimum lam={self.objective.lam:g}: {self.horizon} steps, value "
            f"{self.value[0] @ RowGame.of(self.game).start:.4g} from the start; a benchmark, not an equilibrium>"
        )
