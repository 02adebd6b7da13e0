"""What training returns: the learned policies, the objective they were trained for, and how the run went."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from powergames.checking.certificate import Certificate
from powergames.display import Shown
from powergames.evaluation import Evaluation, evaluate
from powergames.games.immutable import Frozen
from powergames.games.kinds import AnyGame
from powergames.games.normal_form import NormalFormGame
from powergames.games.profiles import frozen
from powergames.games.timed import AnyProfile, timed_document
from powergames.horizon_evaluation import HorizonEvaluation
from powergames.learning.checkpoints import write_archive
from powergames.objectives import PowerObjective
from powergames.power import PowerTable, power_table
from powergames.results import Status


@dataclass(frozen=True, eq=False)
class HistoryPoint(Frozen):
    """What the policies were worth at one time of a run, computed exactly.

    Attributes
    ----------
    steps : int
        Steps made until then.
    task : ndarray, shape (n,)
        Expected return of each player from the start distribution.
    power : ndarray, shape (n,)
        Power over each player, as the objective counts it; in stochastic games averaged over the states visited.
    regret : float
        Greatest regret at the objective of the run, relative to the range of payoffs or attainable values.
    lam : float
        λ of the run.
    seed : int
        Seed of the run.
    """

    steps: int
    task: np.ndarray
    power: np.ndarray
    regret: float
    lam: float
    seed: int

    def to_dict(self) -> dict[str, Any]:
        """Return the point as plain JSON values."""
        return {
            "steps": self.steps,
            "task": self.task.tolist(),
            "power": self.power.tolist(),
            "regret": self.regret,
            "lam": self.lam,
            "seed": self.seed,
        }


@dataclass(frozen=True, eq=False)
class TrainingRun(Frozen, Shown):
    """Learned policies, with their certificate.

    Attributes
    ----------
    game : NormalFormGame, StochasticGame or DeterministicGame
    algorithm : {"prim", "sbpr", "task"}
    objective : PowerObjective
        What the run was trained for, and the certificate is about: of the form "penalty" for prim and "adversarial" for
        sbpr; λ = 0 for task.
    policies : tuple of ndarray
        One array of shape (S, A_i), or (A_i,) in a normal-form game, per player: the probability of each action. With a
        horizon a `TimedStrategy` per player, which reads like an array of shape (T, S, A_i).
    certificate : Certificate
        Whether the policies are an equilibrium, computed from the game without the learners' help.
    history : tuple of HistoryPoint
        At equal distances, the last one at the end of the run.
    seed : int
    steps : int
        Steps made; fewer than ``parameters["steps"]`` if the run was cut short.
    parameters : mapping
        The other arguments of `train` that the policies depend on.
    stopped : Status or None
        Why the run was cut short, TIME_LIMIT or INTERRUPTED; None if it was not.
    """

    game: AnyGame
    algorithm: str
    objective: PowerObjective
    policies: AnyProfile
    certificate: Certificate
    history: tuple[HistoryPoint, ...]
    seed: int
    steps: int
    parameters: Mapping[str, Any]
    stopped: Status | None = None

    @property
    def profile(self) -> AnyProfile:
        """The same as `policies`, under the name that other results use."""
        return self.policies

    @property
    def finished(self) -> bool:
        """Whether the run made all its steps."""
        return self.stopped is None

    @property
    def horizon(self) -> int | None:
        """Number of steps after which play ends, T; None where it does not."""
        horizon: int | None = self.parameters["horizon"]
        return horizon

    @cached_property
    def _judged(self) -> Evaluation | HorizonEvaluation | PowerTable:
        if isinstance(self.game, NormalFormGame):
            return power_table(self.game, self.policies)
        if self.horizon is None:
            return evaluate(self.game, self.policies, self.objective)
        return evaluate(self.game, self.policies, self.objective, horizon=self.horizon)

    @property
    def evaluation(self) -> Evaluation | HorizonEvaluation | None:
        """Exact values and power of the policies in every state; None for a normal-form game."""
        return None if isinstance(self._judged, PowerTable) else self._judged

    @property
    def task(self) -> np.ndarray:
        """Exact expected return of each player: shape (n, S), (T, n, S), or (n,) in a normal-form game."""
        return self._judged.task

    @property
    def power(self) -> np.ndarray:
        """What `j` can take from `i` by one action: ``[s, i, j]``, ``[t, s, i, j]``, or ``[i, j]``."""
        return self._judged.power

    @property
    def utility(self) -> np.ndarray:
        """The regularized objective of each player: shape (n, S), (T, n, S), or (n,) in a normal-form game."""
        if isinstance(self._judged, PowerTable):
            return frozen(self.task - self.objective.lam * self.objective.aggregate_power(self.power))
        return self._judged.utility

    @property
    def summary(self) -> HistoryPoint:
        """What the policies are worth, in the form of an entry of the history."""
        evaluation = self.evaluation
        task = self.task if evaluation is None else evaluation.start_task
        power = self.objective.aggregate_power(self.power if evaluation is None else evaluation.average_power)
        regret = float(self.certificate.scaled_regret)
        return HistoryPoint(self.steps, task, power, regret, self.objective.lam, self.seed)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the policies as an .npz archive of arrays ``player_0``, ``player_1``, ... that `load_profile` reads.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        write_archive(path, {f"player_{player}": np.asarray(policy) for player, policy in enumerate(self.policies)})

    def to_dict(self) -> dict[str, Any]:
        """Return the run as plain JSON values.

        With a horizon the policies are compact, as `HorizonEquilibrium.to_dict` says, and values those from the start.
        """
        values: dict[str, Any]
        if isinstance(self.evaluation, HorizonEvaluation):
            values = {**timed_document(self.evaluation.profile), **self.evaluation.summary()}
        else:
            values = {
                "profile": [np.asarray(policy).tolist() for policy in self.policies],
                "task": self.task.tolist(),
                "power": self.power.tolist(),
                "utility": self.utility.tolist(),
            }
        return {
            "algorithm": self.algorithm,
            "objective": self.objective.to_dict(),
            **values,
            "certificate": self.certificate.to_dict(),
            "history": [point.to_dict() for point in self.history],
            "seed": self.seed,
            "steps": self.steps,
            "parameters": dict(self.parameters),
            "finished": self.finished,
        }

    def __repr__(self) -> str:
        cut = "" if self.stopped is None else f", {self.stopped.name}"
        return (
            f"<TrainingRun {self.algorithm} lam={self.objective.lam:g}, seed {self.seed}: {self.steps:,} steps{cut}, "
            f"scaled regret {float(self.certificate.scaled_regret):.2g}>"
        )
