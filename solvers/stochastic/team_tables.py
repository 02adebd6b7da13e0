r"""The team optimum of a deterministic game, computed on its tables: ten million states fit, and more.

With `\bar W_j` the probability with which player `j` is taken over, see `powergames.solvers.stochastic.team`, and
``V`` any values, let ``TV`` be those after one more step of the best play. From the least and the greatest change of a
value follow bounds on the values of the optimum and of the play that is best given ``V``,

.. math::
    V + \frac{\min(TV - V)}{1 - γ} \le U \le V + \frac{\max(TV - V)}{1 - γ}.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from powergames.errors import InputError
from powergames.games.deterministic import DeterministicGame
from powergames.games.immutable import Frozen
from powergames.games.memory import check_memory
from powergames.games.profiles import Profile, frozen
from powergames.objectives import PowerObjective
from powergames.solvers import common


@dataclass(frozen=True)
class Limits:
    """How often a plan is evaluated before it is improved."""

    evaluations: int = 20
    """Sweeps that evaluate a plan between two that improve it, at most."""
    settled: float = 0.1
    """They end earlier when values change by at most this share of what the improvement changed."""


LIMITS = Limits()


@dataclass(frozen=True, eq=False, repr=False)
class TeamPlan(Frozen):
    """The best deterministic play of a team in a `DeterministicGame`, a benchmark for equilibria.

    Attributes
    ----------
    game : DeterministicGame
    objective : PowerObjective
        Its λ and aggregate say how likely an adversary takes over each player.
    rows : ndarray of int32, shape (S,)
        Joint action in each state, as an index of the columns of ``game.next_states``.
    value : ndarray, shape (S,)
        What each player gets from each state on, discounted, takeovers included.
    error : float
        No deterministic profile has more than ``value + error`` in any state, and this one has at least
        ``value - error``.
    sweeps : int
        Sweeps over all states that it took.
    """

    game: DeterministicGame
    objective: PowerObjective
    rows: np.ndarray
    value: np.ndarray
    error: float
    sweeps: int

    @property
    def actions(self) -> np.ndarray:
        """Action of each player in each state, shape (n, S)."""
        return frozen(np.array(np.unravel_index(self.rows, self.game.n_actions)))

    @cached_property
    def task(self) -> np.ndarray:
        """What each player gets from each state on if nobody is ever taken over, shape (S,)."""
        states = np.arange(self.game.n_states)
        paid = self.game.reward_unit * self.game.rewards[states, self.rows].astype(np.float64)
        return self._along(paid)

    @cached_property
    def power(self) -> np.ndarray:
        """Power of each player over all in each state: what one action against them takes, shape (S, n)."""
        from powergames.kernels.tables import power_of

        game = self.game
        found: np.ndarray = power_of(
            game.next_states, game.rewards, game.reward_unit, game.n_actions, game.discount, self.task, self.rows
        )
        return frozen(found)

    @cached_property
    def mean_power(self) -> np.ndarray:
        """Mean of the players' power along the path from each state, shape (S,): discounted, weights that sum to 1."""
        return frozen((1.0 - self.game.discount) * self._along(self.power.mean(axis=1)))

    def profile(self) -> Profile:
        """Return the play as a profile, as solvers of `game.to_game` take it.

        Returns
        -------
        tuple of ndarray
            ``profile[i][s, a]``, one for the action that player `i` takes in state `s`, else zero.

        Raises
        ------
        InputError
            If it does not fit in memory.
        """
        n_states = self.game.n_states
        check_memory(8 * n_states * sum(self.game.n_actions), "the profile")
        profile = []
        for size, own in zip(self.game.n_actions, self.actions, strict=True):
            strategy = np.zeros((n_states, size))
            strategy[np.arange(n_states), own] = 1.0
            profile.append(frozen(strategy))
        return tuple(profile)

    def to_dict(self) -> dict[str, Any]:
        """Return the plan as plain JSON values."""
        return {
            "kind": "team plan",
            "objective": self.objective.to_dict(),
            "actions": self.actions.tolist(),
            "value": self.value.tolist(),
            "error": self.error,
            "sweeps": self.sweeps,
        }

    def _along(self, paid: np.ndarray) -> np.ndarray:
        from powergames.kernels.tables import along_paths

        following = self.game.next_states[np.arange(self.game.n_states), self.rows]
        sums: np.ndarray = along_paths(following, paid, self.game.discount)
        return frozen(sums)

    def __repr__(self) -> str:
        return (
            f"<TeamPlan lam={self.objective.lam:g}: value {self.value[self.game.start]:.4g} from the start, up to "
            f"{self.error:.1g}; a benchmark, not an equilibrium>"
        )


def team_plan(game: DeterministicGame, objective: PowerObjective, tol: float) -> TeamPlan:
    """Compute the best deterministic play of a team by sweeps over the tables.

    Parameters
    ----------
    game : DeterministicGame
    objective : PowerObjective
        Of the form "adversarial".
    tol : float
        Largest error, relative to the greatest sum of rewards that there can be.

    Returns
    -------
    TeamPlan

    Raises
    ------
    InputError
        If there are more players than two, or fewer.

    Notes
    -----
    Modified policy iteration: a sweep that improves the plan, and then cheaper ones that evaluate it, every state from
    the values of those before it. Directions alternate. The memory is that of the tables and of 12 bytes a state.
    """
    from powergames.kernels.tables import evaluate, improve

    if game.n_players != 2:
        raise InputError(
            f"game: got {game.n_players} players; on tables a team optimum is one of two, so give game.to_game()"
        )
    weights = takeover_weights(objective)
    values, rows = np.zeros(game.n_states), np.zeros(game.n_states, np.int32)
    given = game.next_states, game.rewards, game.reward_unit, game.n_actions, weights, game.discount, values, rows
    greatest = abs(game.reward_unit) * max(abs(float(game.rewards.min())), abs(float(game.rewards.max())))
    scale = (greatest or 1.0) / (1.0 - game.discount)
    slack, sweeps, backward = common.LIMITS.rounding * scale, 0, True
    while True:
        least, most = improve(*given, slack, True, backward)
        sweeps, backward = sweeps + 1, not backward
        step = max(-least, most)
        if step <= tol * scale * (1.0 - game.discount):
            least, most = improve(*given, slack, False, backward)
            sweeps += 1
            error = (max(-least, most, 0.0) + slack) / (1.0 - game.discount)
            if error <= tol * scale:
                return TeamPlan(game, objective, rows, values, error, sweeps)
        made, backward = settled(partial(evaluate, *given), step, backward)
        sweeps += made


def settled(evaluate: Callable[[bool], float], step: float, backward: bool) -> tuple[int, bool]:
    """Evaluate a plan by sweeps to and fro until values change much less than in the step that improved it.

    Returns
    -------
    sweeps : int
    backward : bool
        Which way the next one goes.
    """
    sweeps, change = 0, np.inf
    while sweeps < LIMITS.evaluations and change > LIMITS.settled * step:
        change = evaluate(backward)
        sweeps, backward = sweeps + 1, not backward
    return sweeps, backward


def takeover_weights(objective: PowerObjective) -> tuple[float, float]:
    """Return the probability with which each of two players is taken over, on average over whose adversary it is."""
    charge_0, charge_1 = objective.charges(2)
    return float(charge_1) / 2.0, float(charge_0) / 2.0
