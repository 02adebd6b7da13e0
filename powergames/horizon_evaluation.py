"""What a profile is worth over a finite horizon, at each step in each state.

With ``V_i^t`` the value of the profile to player `i` from step `t` on, ``V_i^T = 0``, and
``Q_i^t(s, a) = r_i + γ_i Σ P V_i^{t+1}``, everything else is as in `powergames.evaluation`, with one step more of time:

    rho_ij^t(s) = V_i^t(s) - min_{a_j} E Q_i^t(s, a_j, x_{-j}),
    U_i^t(s) = E[r_i + γ_i Σ P U_i^{t+1}] - λ Σ_j W_ij rho_ij^t(s)                                      (penalty)
    U_i^t(s) = (1 - λ w_i) E[r_i + γ_i Σ P U_i^{t+1}] + λ Σ_j W_ij min_{a_j} E[... (a_j, x_{-j})]       (adversarial)

Where power lasts for `k` steps, the minimum is over ``E[r_i + γ_i Σ P W^{k-1,t+1}_ij]``, with

    W^{0,t}_ij = V_i^t,   W^{m,t}_ij = min_{a_j} E[r_i + γ_i Σ P W^{m-1,t+1}_ij],

of which none lasts beyond the end.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from powergames.display import Shown
from powergames.games.deterministic import DeterministicGame
from powergames.games.immutable import Frozen
from powergames.games.kinds import AnyGame, as_game
from powergames.games.profiles import frozen, read_only
from powergames.games.rows import Columns, RowGame, columns_of
from powergames.games.stochastic import StochasticGame
from powergames.games.timed import TimedGame, TimedProfile, check_horizon, room, timed_profile
from powergames.objectives import AdversaryArrays, PowerObjective

# Actions whose values differ by less than this, relative to the greatest value, are equally bad.
TIE = 1e-12

# The columns of each player's regularized and task value, whether power is charged for, and the columns of what is left
# to player `i` where `j` goes on playing against it, (n, n), if it does.
Plan = tuple[np.ndarray, np.ndarray, bool, np.ndarray | None]

# What everybody does at a step, see `at_step`.
Played = tuple[np.ndarray, np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class HorizonProblem:
    """A game and an objective as kernels of backward induction take them.

    Attributes
    ----------
    game : RowGame
    columns : Columns
        What each column of values adds up, see `powergames.kernels.horizon`.
    plan : Plan
    adversaries : AdversaryArrays
    takeovers : tuple of Takeover
        What is left to players where others go on playing against them, if power lasts for several steps.
    """

    game: RowGame
    columns: Columns
    plan: Plan
    adversaries: AdversaryArrays
    takeovers: tuple[Takeover, ...]

    @classmethod
    def of(cls, game: RowGame, objective: PowerObjective, horizon: int) -> HorizonProblem:
        """Set up the problem."""
        n = game.n_players
        adversaries = objective.adversary_arrays(n)
        charged = len(adversaries.egos) > 0
        first, column = np.unique(game.like, return_inverse=True)
        owners = np.concatenate([np.arange(n) if charged else first[:0], first])
        task = column + (n if charged else 0)
        utility = np.arange(n) if charged else task
        takeovers: list[Takeover] = []
        lasting = None
        if charged and objective.steps > 1:
            width = lasting_columns(objective.steps, horizon) - 1
            lasting = np.tile(task[:, None], n)
            for ego, takes in zip(adversaries.egos.tolist(), adversaries.takes, strict=True):
                for j in np.flatnonzero(takes).tolist():
                    targets = len(owners) + np.arange(max(width, 1))
                    sources = targets if width == 0 else np.append(task[ego], targets[:-1])
                    takeovers.append(Takeover(j, sources, targets))
                    lasting[ego, j] = targets[-1]
                    owners = np.append(owners, np.full(len(targets), ego))
            lasting = read_only(lasting)
        plan = read_only(utility), read_only(task), objective.form == "penalty", lasting
        return cls(game, columns_of(game.each, owners), plan, adversaries, tuple(takeovers))

    def nothing(self) -> np.ndarray:
        """Values after the last step, shape (S, C)."""
        return np.zeros((self.game.n_states, len(self.columns.factor)))

    def evaluate(self, profile: TimedProfile, t: int, following: np.ndarray, values: np.ndarray) -> None:
        """Write the values of a profile from step `t` on, given those of the step after; both of shape (S, C)."""
        from powergames.kernels.horizon import evaluate_mixed, evaluate_pure

        actions, states, mixtures = at_step(profile, t)
        problem = self.game.rows, self.columns, self.plan, self.adversaries, following
        evaluate_pure(*problem, actions, values)
        if len(states):
            evaluate_mixed(*problem, states, mixtures, values)
        self.take_over((actions, states, mixtures), following, values)

    def take_over(self, played: Played, following: np.ndarray, values: np.ndarray) -> None:
        """Write what is left where players go on playing against others, given what everybody does at a step."""
        for each in self.takeovers:
            columns = columns_of(self.columns, each.sources)
            after = np.ascontiguousarray(following[:, each.sources])
            values[:, each.targets] = worst_step(self.game, columns, played, after, each.player)[0]


@dataclass(frozen=True, eq=False)
class Takeover:
    """A player who goes on playing against another one: from which columns which ones follow, a step before."""

    player: int
    sources: np.ndarray
    targets: np.ndarray


def lasting_columns(steps: float, horizon: int) -> int:
    """Return how many columns hold what is left for each number of steps up to so many; one if to the end."""
    return 1 if steps >= horizon else int(steps)


def worst_step(
    game: RowGame, columns: Columns, played: Played, following: np.ndarray, j: int
) -> tuple[np.ndarray, np.ndarray]:
    """Let one player act against others for one step.

    Parameters
    ----------
    game : RowGame
    columns : Columns
        Whom it acts against: one column, or several, each of which it then does its worst to.
    played : tuple of ndarray
        What everybody does at the step, as `at_step` returns it.
    following : ndarray, shape (S, C)
        Values of the step after.
    j : int
        The player.

    Returns
    -------
    least : ndarray, shape (S, C)
        Values.
    choice : ndarray of int32, shape (S,)
        The first action that is worst in the first column.
    """
    from powergames.kernels.horizon import worst_mixed, worst_pure

    actions, states, mixtures = played
    least, choice = np.empty_like(following), np.zeros(game.n_states, np.int32)
    slack = TIE * max(1.0, float(np.abs(following).max()))
    worst_pure(game.rows, columns, following, actions, j, slack, least, choice)
    if len(states):
        worst_mixed(game.rows, columns, following, states, mixtures, j, slack, least, choice)
    return least, choice


def at_step(profile: TimedProfile, t: int) -> Played:
    """Return what everybody does at a step.

    Returns
    -------
    actions : ndarray of int32, shape (n, S)
        All -1 where somebody mixes.
    states : ndarray of int64, shape (K,)
        Where somebody mixes.
    mixtures : ndarray, shape (K, n, A)
        What all do there.
    """
    steps = [strategy.step(t) for strategy in profile]
    actions = np.array([own for own, _, _ in steps], dtype=np.int32)
    states = np.flatnonzero((actions < 0).any(axis=0))
    mixtures = np.zeros((len(states), len(profile), max(strategy.size for strategy in profile)))
    for player, (own, mixed, probabilities) in enumerate(steps):
        pure = np.flatnonzero(own[states] >= 0)
        mixtures[pure, player, own[states[pure]]] = 1.0
        mixtures[np.searchsorted(states, mixed), player, : probabilities.shape[1]] = probabilities
    actions[:, states] = -1
    return actions, states, mixtures


@dataclass(frozen=True, eq=False)
class HorizonEvaluation(Frozen, Shown):
    """The value of a profile over a finite horizon, and pairwise power, at each step in each state.

    Attributes
    ----------
    game : StochasticGame or DeterministicGame
    objective : PowerObjective
    horizon : int
        Number of steps, T.
    profile : tuple of TimedStrategy
        ``profile[i][t, s, a]``, the probability with which player `i` plays action `a`.
    task : ndarray, shape (T, n, S)
        ``V[t, i, s]``, the expected reward of player `i` from state `s` at step `t` on, discounted to that step.
    utility : ndarray, shape (T, n, S)
        ``U[t, i, s]``, the regularized value.
    """

    game: TimedGame
    objective: PowerObjective
    horizon: int
    profile: TimedProfile
    task: np.ndarray
    utility: np.ndarray

    @property
    def start_task(self) -> np.ndarray:
        """Expected discounted reward of each player from the start distribution, shape (n,)."""
        return frozen(self.task[0] @ self._rows.start)

    @property
    def start_utility(self) -> np.ndarray:
        """Regularized value of each player from the start distribution, shape (n,)."""
        return frozen(self.utility[0] @ self._rows.start)

    @cached_property
    def power(self) -> np.ndarray:
        """``power[t, s, i, j] >= 0``, what `j` can take from `i` by one action, shape (T, S, n, n).

        If the objective charges for power of several steps, what `j` can take by playing against `i` for as many.
        """
        n, n_states = self._rows.n_players, self._rows.n_states
        power = room((self.horizon, n_states, n, n), np.float64, "power at each step")
        for t, now in self._power():
            power[t] = now
        return frozen(power)

    @cached_property
    def occupancy(self) -> np.ndarray:
        """Probability of each state at each step, from the start distribution on, shape (T, S)."""
        from powergames.kernels.horizon import move, move_mixed

        rows, n_states = self._rows.rows, self._rows.n_states
        reached = room((self.horizon, n_states), np.float64, "probabilities of states at each step")
        reached[0] = self._rows.start
        for t in range(self.horizon - 1):
            actions, states, mixtures = at_step(self.profile, t)
            now, after = np.array(reached[t]), np.zeros(n_states)
            move(rows, actions, now, after)
            if len(states):
                move_mixed(rows, states, mixtures, now, after)
            reached[t + 1] = after
        return frozen(reached)

    @cached_property
    def average_power(self) -> np.ndarray:
        """Power averaged over the states visited, ``[i, j]`` at the discount of player `i`, shape (n, n)."""
        powers = self._rows.each.discount ** np.arange(self.horizon)[:, None]
        weights = powers / powers.sum(axis=0)
        total = np.zeros((self._rows.n_players,) * 2)
        for t, now in self._power():
            total += weights[t][:, None] * np.einsum("s,sij->ij", self.occupancy[t], now)
        return frozen(total)

    @property
    def _rows(self) -> RowGame:
        return RowGame.of(self.game)

    def _power(self) -> Iterator[tuple[int, np.ndarray]]:
        """Yield steps and power then, shape (S, n, n)."""
        from powergames.kernels.horizon import power_mixed, power_pure

        if self.objective.steps > 1:
            yield from self._lasting_power()
            return
        game = self._rows
        n = game.n_players
        lifts = game.lifts(self.horizon)
        following = np.zeros((game.n_states, n))
        for t in range(self.horizon - 1, -1, -1):
            power = np.zeros((game.n_states, n, n))
            actions, states, mixtures = at_step(self.profile, t)
            problem = game.rows, game.each, np.arange(n), following
            power_pure(*problem, actions, power)
            if len(states):
                power_mixed(*problem, states, mixtures, power)
            yield t, power * game.units[:, None]
            following = np.ascontiguousarray(((self.task[t] - lifts[t][:, None]) / game.units[:, None]).T)

    def _lasting_power(self) -> Iterator[tuple[int, np.ndarray]]:
        """Do the same where power lasts for several steps."""
        game, n = self._rows, self._rows.n_players
        lifts, width = game.lifts(self.horizon), lasting_columns(self.objective.steps, self.horizon)
        # The last column holds what is left if as many steps are, those before it if fewer are, beginning with none.
        pairs = {(i, j): np.zeros((game.n_states, width)) for i in range(n) for j in range(n) if j != i}
        for t in range(self.horizon - 1, -1, -1):
            power = np.zeros((game.n_states, n, n))
            played = at_step(self.profile, t)
            for (i, j), values in pairs.items():
                least, _ = worst_step(game, columns_of(game.each, np.full(width, i)), played, values, j)
                task = (self.task[t, i] - lifts[t, i]) / game.units[i]
                power[:, i, j] = game.units[i] * np.maximum(task - least[:, -1], 0.0)
                pairs[i, j] = least if self.objective.steps >= self.horizon else np.column_stack([task, least[:, :-1]])
            yield t, power

    def to_dict(self) -> dict[str, Any]:
        """Return values and power as plain JSON values.

        `task` and `utility` are ``[t][i][s]``, power is ``[t][s][i][j]``.
        """
        return {
            "task": self.task.tolist(),
            "power": self.power.tolist(),
            "utility": self.utility.tolist(),
            **self.summary(),
        }

    def summary(self) -> dict[str, Any]:
        """Return the values from the start, and average power, as plain JSON values."""
        return {
            "start_task": self.start_task.tolist(),
            "start_utility": self.start_utility.tolist(),
            "average_power": self.average_power.tolist(),
        }

    def __repr__(self) -> str:
        values = ", ".join(f"{value:.4g}" for value in self.start_task)
        return (
            f"<HorizonEvaluation: {self.horizon} steps, task values {values} from the start, power "
            f"{self.average_power.max():.4g} on average>"
        )


def evaluate_horizon(game: AnyGame, profile: Any, objective: PowerObjective, horizon: int) -> HorizonEvaluation:
    """Evaluate a profile over a finite horizon; see `powergames.evaluate`.

    Parameters
    ----------
    game : StochasticGame or DeterministicGame
    profile : sequence
        As `powergames.games.timed.timed_profile` takes it.
    objective : PowerObjective
    horizon : int

    Returns
    -------
    HorizonEvaluation

    Raises
    ------
    InputError
        If the profile or objective does not fit the game, or memory and disk do not suffice.

    Notes
    -----
    Costs a pass over the rows of the game that the profile plays, and those that differ from them in one action, for
    each step; over all rows where players mix.

    Examples
    --------
    >>> import powergames as pg
    >>> game = pg.load("big_match").with_discount(1)
    >>> evaluate_horizon(game, game.uniform_profile(), pg.PowerObjective(0.5), 4).task[:, 0, 0]
    array([2. , 1.5, 1. , 0.5])
    """
    horizon = check_horizon(horizon, game)
    game = as_game(game, StochasticGame | DeterministicGame)
    rows = RowGame.of(game)
    strategies = timed_profile(game, profile, horizon)
    problem = HorizonProblem.of(rows, objective, horizon)
    utility, task, *_ = problem.plan
    owners = np.unique(rows.like)
    shape = horizon, len(owners), rows.n_states
    tasks = room(shape, np.float64, "task values at each step")
    charged = len(problem.adversaries.egos) > 0
    utilities = room((horizon, rows.n_players, rows.n_states), np.float64, "values at each step") if charged else tasks
    lifts = rows.lifts(horizon)
    following, values = problem.nothing(), problem.nothing()
    for t in range(horizon - 1, -1, -1):
        problem.evaluate(strategies, t, following, values)
        following, values = values, following
        for k, i in enumerate(owners.tolist()):
            tasks[t, k] = rows.units[i] * following[:, task[i]] + lifts[t, i]
        for i in range(rows.n_players if charged else 0):
            utilities[t, i] = rows.units[i] * following[:, utility[i]] + lifts[t, i]
    whole = _for_all(frozen(tasks), rows)
    return HorizonEvaluation(game, objective, horizon, strategies, whole, frozen(utilities) if charged else whole)


def _for_all(tasks: np.ndarray, rows: RowGame) -> np.ndarray:
    """Return the values of all players, given those of who differ, shape (T, K, S); players who share have one copy."""
    if tasks.shape[1] == rows.n_players:
        return tasks
    if tasks.shape[1] == 1:
        return np.broadcast_to(tasks, (tasks.shape[0], rows.n_players, tasks.shape[2]))
    return frozen(tasks[:, np.searchsorted(np.unique(rows.like), rows.like)])
