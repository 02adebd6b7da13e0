"""The audit of policies over a finite horizon."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from powergames.auditing.departures import OffPolicy, check_steps, least_values
from powergames.checking.deviations import Deviation
from powergames.checking.horizon import HorizonCertificate, certify_horizon
from powergames.display import Shown
from powergames.games.deterministic import DeterministicGame
from powergames.games.immutable import Frozen
from powergames.games.kinds import AnyGame, as_game
from powergames.games.profiles import frozen
from powergames.games.rows import RowGame, columns_of
from powergames.games.stochastic import StochasticGame
from powergames.games.timed import TimedGame, TimedProfile, TimedStrategy, timed_profile
from powergames.horizon_evaluation import HorizonEvaluation, HorizonProblem, at_step, evaluate_horizon, worst_step
from powergames.objectives import PowerObjective
from powergames.power import plain


@dataclass(frozen=True, eq=False)
class HorizonAudit(Frozen, Shown):
    """Exact values of any policies over a finite horizon, their certificate, and their off-policy report.

    Attributes
    ----------
    game : StochasticGame or DeterministicGame
    objective : PowerObjective
    horizon : int
    profile : tuple of TimedStrategy
        The policies.
    certificate : HorizonCertificate
    evaluation : HorizonEvaluation
        Values and power at each step in each state.
    off_policy : tuple of OffPolicy
        What everyone gets, from the first step on, when one player leaves the profile. The player acts against
        another one in the first step, in the first `steps` or in all steps, keeps to one action, or acts at random.
        `actions` holds the worst actions of the first step.
    """

    game: TimedGame
    objective: PowerObjective
    horizon: int
    profile: TimedProfile
    certificate: HorizonCertificate
    evaluation: HorizonEvaluation
    off_policy: tuple[OffPolicy, ...]

    @property
    def passed(self) -> bool:
        """Whether the certificate passed."""
        return self.certificate.passed

    @property
    def best_deviation(self) -> Deviation | None:
        """The deviation found that gains most; None if nothing gains more than rounding."""
        return self.certificate.deviation

    @property
    def start_task(self) -> np.ndarray:
        """Expected discounted reward of each player from the start distribution, shape (n,)."""
        return self.evaluation.start_task

    @property
    def start_utility(self) -> np.ndarray:
        """Regularized value of each player from the start distribution, shape (n,)."""
        return self.evaluation.start_utility

    @property
    def occupancy_power(self) -> np.ndarray:
        """Power averaged over the states that play visits, shape (n, n)."""
        return self.evaluation.average_power

    @property
    def worst(self) -> dict[str, np.ndarray]:
        """For each kind of deviation, what each player is left with if another player deviates so, shape (n,)."""
        return least_values(self.off_policy, self.game.n_players)

    def to_dict(self) -> dict[str, Any]:
        """Return the audit as plain JSON values, from the start distribution on."""
        deviation = self.best_deviation
        return {
            "objective": self.objective.to_dict(),
            "horizon": self.horizon,
            "certificate": self.certificate.to_dict(),
            "off_policy": [
                {
                    "deviator": each.deviator,
                    "kind": each.kind,
                    "against": each.against,
                    "action": None if each.action is None else self.game.actions[each.deviator][each.action],
                    "steps": each.steps,
                    "start_task": each.start_task.tolist(),
                }
                for each in self.off_policy
            ],
            "passed": self.passed,
            "start_task": self.start_task.tolist(),
            "start_utility": self.start_utility.tolist(),
            "occupancy_power": self.occupancy_power.tolist(),
            "worst": {label: plain(values) for label, values in self.worst.items()},
            "best_deviation": None if deviation is None else deviation.to_dict(),
        }

    def __repr__(self) -> str:
        return (
            f"<HorizonAudit lam={self.objective.lam:g}: {self.horizon} steps, {self.certificate!r}, "
            f"{len(self.off_policy)} deviations>"
        )


def audit_horizon(
    game: AnyGame,
    policies: Any,
    objective: PowerObjective,
    horizon: int,
    *,
    tol: float,
    steps: int,
    labels: bool,
    observe: Any,
) -> HorizonAudit:
    """Check policies over a finite horizon; see `powergames.audit`.

    Raises
    ------
    InputError
        If the policies or an option does not fit the game.
    """
    check_steps(steps)
    timed: TimedGame = as_game(game, StochasticGame | DeterministicGame)
    profile = timed_profile(timed, policies, horizon, fill=True, labels=labels, observe=observe)
    certificate = certify_horizon(timed, profile, objective, horizon, tol=tol)
    evaluation = evaluate_horizon(timed, profile, objective, horizon)
    report = tuple(_Departures(evaluation).report(steps)) if timed.n_players > 1 else ()
    return HorizonAudit(timed, objective, horizon, profile, certificate, evaluation, report)


class _Departures:
    """Values from the first step on if a player leaves a profile."""

    def __init__(self, evaluation: HorizonEvaluation) -> None:
        self.evaluation, self.profile, self.horizon = evaluation, evaluation.profile, evaluation.horizon
        self.game = RowGame.of(evaluation.game)
        self.problem = HorizonProblem.of(self.game, PowerObjective(), self.horizon)
        self.lifts = self.game.lifts(self.horizon)

    def report(self, steps: int) -> list[OffPolicy]:
        """Return all ways to deviate, as `off_policy` does."""
        found: list[OffPolicy] = []
        n, rows = self.game.n_players, self.game.rows

        def add(j: int, kind: str, against: int | None, action: int | None, lasting: int | None, values: Any) -> None:
            task, actions = values
            found.append(OffPolicy(j, kind, against, action, lasting, task, frozen(task @ self.game.start), actions))

        for j in range(n):
            for i in range(n):
                if i != j:
                    for lasting in dict.fromkeys((1, steps)):
                        add(j, "adversarial", i, None, lasting, self._against(j, i, lasting))
                    add(j, "adversarial", i, None, None, self._against(j, i, self.horizon))
            counts = rows.n_actions[:, j]
            size = self.profile[j].size
            for action in range(size):
                add(j, "freeze", None, action, None, (self._frozen_on(j, action, counts), None))
            uniform = (np.arange(size) < counts[:, None]) / counts[:, None]
            add(
                j, "uniform", None, None, None, (self._values((j, TimedStrategy.of(uniform[None], self.horizon))), None)
            )
        return found

    def _against(self, j: int, i: int, lasting: int) -> tuple[np.ndarray, np.ndarray]:
        """Values if `j` acts against `i` in the first steps, and what it does in the first one."""
        lasting = min(lasting, self.horizon)
        values = self._at(lasting)
        column = columns_of(self.game.each, np.array([i]))
        choice = np.zeros(self.game.n_states, np.int32)
        for t in range(lasting - 1, -1, -1):
            victim = np.ascontiguousarray(values[:, self.problem.plan[1][i : i + 1]])
            _, choice = worst_step(self.game, column, at_step(self.profile, t), victim, j)
            nothing = np.zeros(2, np.int64), np.zeros(0, np.int32), np.zeros((0, self.profile[j].size))
            acting = TimedStrategy(self.horizon, self.profile[j].size, choice[None], *nothing)
            values = self._step(t, values, (j, acting))
        return self._in_payoffs(values), frozen(choice.astype(np.int64))

    def _frozen_on(self, j: int, action: int, counts: np.ndarray) -> np.ndarray:
        """Values if `j` keeps to one action wherever it is there, and else to the profile."""
        there = counts > action
        own = self.profile[j]
        if there.all():
            nothing = np.zeros(2, np.int64), np.zeros(0, np.int32), np.zeros((0, own.size))
            return self._values((j, TimedStrategy(self.horizon, own.size, np.full((1, len(there)), action), *nothing)))
        layers = np.asarray(own)
        layers[:, there] = np.eye(own.size)[action]
        return self._values((j, TimedStrategy.of(layers, self.horizon)))

    def _values(self, change: tuple[int, TimedStrategy]) -> np.ndarray:
        """Values in payoffs if one player plays otherwise at all steps."""
        values = self.problem.nothing()
        for t in range(self.horizon - 1, -1, -1):
            values = self._step(t, values, change)
        return self._in_payoffs(values)

    def _step(self, t: int, following: np.ndarray, change: tuple[int, TimedStrategy]) -> np.ndarray:
        j, strategy = change
        values = np.empty_like(following)
        self.problem.evaluate((*self.profile[:j], strategy, *self.profile[j + 1 :]), t, following, values)
        return values

    def _at(self, t: int) -> np.ndarray:
        """Values of the profile at a step, in the columns of the problem."""
        values = self.problem.nothing()
        if t < self.horizon:
            task = self.problem.plan[1]
            for i in range(self.game.n_players):
                values[:, task[i]] = (self.evaluation.task[t, i] - self.lifts[t, i]) / self.game.units[i]
        return values

    def _in_payoffs(self, values: np.ndarray) -> np.ndarray:
        own = values[:, self.problem.plan[1]].T
        return frozen(self.game.units[:, None] * own + self.lifts[0][:, None])
