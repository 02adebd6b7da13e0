"""What a profile is worth to each player, and who holds how much power, in stochastic games in each state.

With ``V_i`` the discounted value of the profile to player `i` and ``Q_i(s, a) = r_i + γ_i Σ P V_i``,

    rho_ij(s) = V_i(s) - min_{a_j} E Q_i(s, a_j, x_{-j})      (one deviating step, then the profile again)

is the power that `j` holds over `i` in state `s`. The regularized value ``U_i`` charges for it along the path in the
form "penalty",

    U_i(s) = V_i(s) - λ E Σ_t γ_i^t Σ_j W_ij rho_ij(s_t),

and in the form "adversarial" an adversary of `i` takes over co-player `j` with probability ``λ W_ij`` at every step:

    U_i(s) = (1 - λ w_i) E[Q_i^U] + λ Σ_j W_ij min_{a_j} E[Q_i^U(a_j, x_{-j})].

Where power lasts for several steps, see `powergames.wider_power`, its minimum takes in what `j` does in all of them.
All are linear systems; in the second form the adversary is found by policy iteration, which is exact and ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any, overload

import numpy as np

from powergames.display import Shown
from powergames.games.deterministic import DeterministicGame
from powergames.games.immutable import Frozen
from powergames.games.kinds import AnyGame, as_game, check_endless
from powergames.games.normal_form import NormalFormGame
from powergames.games.policies import complete_profile
from powergames.games.profiles import Profile, frozen
from powergames.games.stochastic import StochasticGame
from powergames.horizon_evaluation import HorizonEvaluation, evaluate_horizon
from powergames.numerics.discounted import DENSE, DiscountedSystem
from powergames.objectives import Adversary, AnyObjective, PowerObjective, as_objective
from powergames.power import plain, power_table

# An adversary changes its mind only for more than rounding, relative to the greatest value there is.
ROUNDING = 1e-14


@dataclass(frozen=True, eq=False)
class Evaluation(Frozen, Shown):
    """The value of a stationary profile to every player, and pairwise power, in every state.

    Attributes
    ----------
    game : StochasticGame
    objective : PowerObjective
    profile : tuple of ndarray
        ``profile[i][s, a]``, the probability with which player `i` plays action `a` in state `s`.
    task : ndarray, shape (n, S)
        ``V[i, s]``, the expected discounted reward of player `i` from state `s` on.
    action_values : ndarray, shape (n, R)
        ``Q[i, row]``, the same given the joint action of the first step; rows as in the game.
    power : ndarray, shape (S, n, n)
        ``power[s, i, j] >= 0``, what `j` can take from `i` by one action in state `s`; zero on the diagonal. If the
        objective charges for power of several steps, what `j` can take by playing against `i` for as many.
    utility : ndarray, shape (n, S)
        ``U[i, s]``, the regularized value.
    utility_action_values : ndarray, shape (n, R)
        ``rewards + γ P U``, the regularized value of what follows each joint action.
    occupancy : ndarray, shape (n, S)
        Discounted frequency of each state from the start distribution on, at the discount of each player; sums to one.
    error : ndarray, shape (n,)
        Rounding may put the task values of a player off by this much, in any state.
    """

    game: StochasticGame
    objective: PowerObjective
    profile: Profile
    task: np.ndarray
    action_values: np.ndarray
    power: np.ndarray
    utility: np.ndarray
    utility_action_values: np.ndarray
    occupancy: np.ndarray
    error: np.ndarray

    @property
    def start_task(self) -> np.ndarray:
        """Expected discounted reward of each player from the start distribution, shape (n,)."""
        return frozen(self.task @ self.game.start)

    @property
    def start_utility(self) -> np.ndarray:
        """Regularized value of each player from the start distribution, shape (n,)."""
        return frozen(self.utility @ self.game.start)

    @property
    def average_power(self) -> np.ndarray:
        """Power averaged over the states that are visited, ``[i, j]`` weighted by ``occupancy[i]``, shape (n, n)."""
        return frozen(np.einsum("is,sij->ij", self.occupancy, self.power))

    def to_dict(self) -> dict[str, Any]:
        """Return values and power as plain JSON values."""
        return {
            "task": self.task.tolist(),
            "power": self.power.tolist(),
            "utility": self.utility.tolist(),
            "start_task": self.start_task.tolist(),
            "start_utility": self.start_utility.tolist(),
            "average_power": self.average_power.tolist(),
            "error": self.error.tolist(),
        }

    def __repr__(self) -> str:
        values = ", ".join(f"{value:.4g}" for value in self.start_task)
        return f"<Evaluation: task values {values} from the start, greatest power {self.power.max():.4g}>"


@dataclass(frozen=True, eq=False)
class NormalFormEvaluation(Frozen, Shown):
    """The value of a profile of a normal-form game to every player, and pairwise power.

    Attributes
    ----------
    game : NormalFormGame
    objective : PowerObjective
    profile : tuple of ndarray
        ``profile[i][a]``, the probability with which player `i` plays action `a`.
    task : ndarray, shape (n,)
        Expected payoff of each player.
    power : ndarray, shape (n, n)
        ``power[i, j] >= 0``, what `j` can take from `i` by one action; zero on the diagonal.
    utility : ndarray, shape (n,)
        What each player maximizes: the task value, less λ times the power held over the player.

    Notes
    -----
    The numbers are floats, or exact fractions (dtype object) where the profile is exact.
    """

    game: NormalFormGame
    objective: PowerObjective
    profile: Profile
    task: np.ndarray
    power: np.ndarray
    utility: np.ndarray

    @property
    def start_task(self) -> np.ndarray:
        """The same as `task`: play begins and ends in one state."""
        return self.task

    @property
    def start_utility(self) -> np.ndarray:
        """The same as `utility`."""
        return self.utility

    @property
    def average_power(self) -> np.ndarray:
        """The same as `power`."""
        return self.power

    def to_dict(self) -> dict[str, Any]:
        """Return values and power as plain JSON values; exact numbers become strings such as ``"1/3"``."""
        return {"task": plain(self.task), "power": plain(self.power), "utility": plain(self.utility)}

    def __repr__(self) -> str:
        values = ", ".join(f"{float(value):.4g}" for value in self.task)
        return f"<NormalFormEvaluation: task values {values}, greatest power {float(self.power.max()):.4g}>"


@overload
def evaluate(
    game: NormalFormGame, profile: Any, objective: AnyObjective | None = None, *, horizon: None = None
) -> NormalFormEvaluation: ...


@overload
def evaluate(
    game: StochasticGame | DeterministicGame,
    profile: Any,
    objective: AnyObjective | None = None,
    *,
    horizon: None = None,
) -> Evaluation: ...


@overload
def evaluate(
    game: AnyGame, profile: Any, objective: AnyObjective | None = None, *, horizon: int
) -> HorizonEvaluation: ...


def evaluate(
    game: AnyGame, profile: Any, objective: AnyObjective | None = None, *, horizon: int | None = None
) -> Evaluation | NormalFormEvaluation | HorizonEvaluation:
    """Evaluate a profile: what it is worth to every player, and who holds how much power over whom.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or DeterministicGame
    profile : sequence of array_like, mapping, or an object with a `profile`
        ``profile[i][a]``, the probability with which player `i` plays action `a`, shape (A_i,); in a stochastic game
        ``profile[i][s, a]``, shape (S, A_i), stationary. All forms that `audit` takes are accepted.
    objective : PowerObjective or number, optional
        What to regularize by. A number is λ; by default 0, where utility is task value.
    horizon : int, optional
        Number of steps after which a game with states ends. The profile may then depend on time: arrays of shape
        (T, S, A_i), integers of shape (T, S), or what `solve` found with a horizon. The discount may be 1.

    Returns
    -------
    NormalFormEvaluation, Evaluation or HorizonEvaluation
        The second one for games with states, the third one with a horizon.

    Raises
    ------
    InputError
        If the profile or objective does not fit the game, or ``form="adversarial"`` has ``λ w_i > 1``.

    Notes
    -----
    In a normal-form game exact if the profile is, at the cost of `power_table`. In a stochastic game exact up to
    rounding, which the attribute `error` bounds. That costs a few passes over the transitions and a linear system in
    the states for every discount; in the adversarial form, for every player and step of policy iteration, usually two
    to five.

    Examples
    --------
    >>> import powergames as pg
    >>> pg.evaluate(pg.load("stag_hunt"), [[1, 0], [1, 0]], pg.PowerObjective(0.25))
    <NormalFormEvaluation: task values 4, 4, greatest power 4>
    >>> stag_hunt = np.array([[[[4.0, 0.0], [3.0, 3.0]]], [[[4.0, 3.0], [0.0, 3.0]]]])
    >>> game = pg.StochasticGame(stag_hunt, np.ones((1, 2, 2, 1)), 0.5)
    >>> result = pg.evaluate(game, [[[1, 0]], [[1, 0]]], pg.PowerObjective(0.25))
    >>> result.task[:, 0], result.power[0, 0], result.utility[:, 0]
    (array([8., 8.]), array([0., 4.]), array([6., 6.]))
    """
    objective = as_objective(objective)
    if horizon is not None:
        return evaluate_horizon(game, profile, objective, horizon)
    game = as_game(game, NormalFormGame | StochasticGame)
    objective = as_objective(objective, once=isinstance(game, NormalFormGame))
    check_endless(game)
    strategies = complete_profile(game, profile)
    adversaries = objective.adversaries(game.n_players)
    if isinstance(game, StochasticGame):
        return _Evaluator(game, strategies).evaluate(objective, adversaries)
    table = power_table(game, strategies)
    utility = objective.utility(table.task, table.power)
    return NormalFormEvaluation(game, objective, strategies, table.task, table.power, utility)


class _Evaluator:
    """One profile of one game, its rewards in units of their range."""

    def __init__(self, game: StochasticGame, profile: Profile) -> None:
        self.game = game
        self.profile = profile
        self.n_players = game.n_players
        self.rewards, self.units, self.offsets = game.unit_rewards()
        self.layout = game.n_actions, game.row_starts
        self.transitions = game.indptr, game.indices, game.data
        self.padded = np.zeros((self.n_players, game.n_states, int(game.n_actions.max())))
        for player, strategy in enumerate(profile):
            self.padded[player, :, : strategy.shape[1]] = strategy

    def evaluate(self, objective: PowerObjective, adversaries: tuple[tuple[Adversary, ...], ...]) -> Evaluation:
        from powergames.kernels.bellman import joint_probabilities, takeover_values

        game = self.game
        players = range(self.n_players)
        weights = joint_probabilities(*self.layout, self.padded)
        expected = np.array([self._rewards(weights, player) for player in players])
        systems = self._systems(weights)
        by_player = [systems[discount] for discount in game.discounts.tolist()]
        task = np.array([by_player[player].solve(expected[player]) for player in players])
        error = self.units * [by_player[player].error(expected[player], task[player]) for player in players]
        action_values = self._action_values(task)
        takeovers = takeover_values(*self.layout, self.padded, action_values)
        # The value from the same sums as its least entry, so that no power is exactly zero.
        played = self.padded.transpose(1, 0, 2)[:, None]
        power = np.where(played > 0, takeovers, 0.0)
        power *= played
        power = np.maximum(power.sum(axis=3) - takeovers.min(axis=3), 0.0)
        power[:, players, players] = 0.0
        if objective.steps > 1:
            power = self._lasting_power(task, objective.steps)
        utility = task.copy()
        for player in players:
            if not adversaries[player]:
                continue
            if objective.form == "penalty":
                utility[player] -= by_player[player].solve(_charge(adversaries[player], power[:, player]))
            else:
                against = takeovers[:, player]
                utility[player] = self._adversarial(player, adversaries[player], task[player], against)
        utility_action_values = self._action_values(utility) if any(adversaries) else action_values.copy()
        shares = {discount: (1.0 - discount) * system.occupancy(game.start) for discount, system in systems.items()}
        # A constant reward of the offset is worth this much.
        lifts = (self.offsets / (1.0 - game.discounts))[:, None]
        units = self.units[:, None]
        # In place, for there may be many rows.
        for values in (task, action_values, utility, utility_action_values):
            values *= units
            values += lifts
        return Evaluation(
            game,
            objective,
            self.profile,
            task,
            action_values,
            power * units,
            utility,
            utility_action_values,
            np.array([shares[discount] for discount in game.discounts.tolist()]),
            error,
        )

    def _lasting_power(self, task: np.ndarray, steps: float) -> np.ndarray:
        """What each player can take from each other one by playing against them for some steps, shape (S, n, n)."""
        from powergames.kernels.bellman import takeover_values

        power = np.zeros((self.game.n_states, self.n_players, self.n_players))
        for i in range(self.n_players):
            own = slice(i, i + 1)

            def against(values: np.ndarray, own: slice = own) -> np.ndarray:
                worth = self._action_values(values[None], own)
                return takeover_values(*self.layout, self.padded, worth)[:, 0]

            for j in [k for k in range(self.n_players) if k != i]:
                least = task[i]
                if np.isinf(steps):
                    adversary = (Adversary(Fraction(1), (j,), Fraction(1)),)
                    least = self._adversarial(i, adversary, least, against(least))
                else:
                    for _ in range(int(steps)):
                        least, before = against(least)[:, j].min(axis=1), least
                        if np.array_equal(least, before):
                            break
                power[:, i, j] = np.maximum(task[i] - least, 0.0)
        return power

    def _adversarial(
        self, player: int, adversaries: tuple[Adversary, ...], utility: np.ndarray, against: np.ndarray
    ) -> np.ndarray:
        """Value to a player whose adversaries are as bad as can be, by policy iteration on the adversaries.

        It begins at the task values, and at what they are worth `against` takeovers, shape (S, n, A).
        """
        from powergames.kernels.bellman import taken_over_probabilities, takeover_values

        game = self.game
        discount = float(game.discounts[player])
        states = np.arange(game.n_states)
        slack = ROUNDING / (1.0 - discount)
        chosen: list[np.ndarray] | None = None
        total = np.inf
        while True:
            # Each adversary's choices in each state, all its co-players' actions side by side.
            options = [against[:, a.players, :].reshape(game.n_states, -1) for a in adversaries]
            best = [option.argmin(axis=1) for option in options]
            if chosen is not None:
                keep = [
                    option[states, old] <= option[states, new] + slack
                    for option, old, new in zip(options, chosen, best, strict=True)
                ]
                if all(kept.all() for kept in keep):
                    return utility
                best = [np.where(kept, old, new) for kept, old, new in zip(keep, chosen, best, strict=True)]
            chosen = best
            shares = np.zeros((game.n_states, self.n_players))
            actions = np.zeros((game.n_states, self.n_players), dtype=np.int64)
            for adversary, choice in zip(adversaries, chosen, strict=True):
                victims = np.array(adversary.players)[choice // against.shape[2]]
                shares[states, victims] = float(adversary.charge)
                actions[states, victims] = choice % against.shape[2]
            weights = taken_over_probabilities(*self.layout, self.padded, shares, actions)
            values = DiscountedSystem(self._mixed(weights), discount).solve(self._rewards(weights, player))
            # From the second step on no value rises, but for rounding.
            if values.sum() >= total:
                return utility
            total = values.sum()
            utility = values
            own = slice(player, player + 1)
            against = takeover_values(*self.layout, self.padded, self._action_values(utility[None], own))[:, 0]

    def _systems(self, weights: np.ndarray) -> dict[float, DiscountedSystem]:
        """The linear systems of the profile, one for each discount."""
        mixed = self._mixed(weights)
        return {discount: DiscountedSystem(mixed, discount) for discount in set(self.game.discounts.tolist())}

    def _mixed(self, weights: np.ndarray) -> Any:
        """Transition probabilities from state to state, given those of the joint actions."""
        return mixed_transitions(weights, self.game.row_starts, *self.transitions)

    def _rewards(self, weights: np.ndarray, player: int) -> np.ndarray:
        from powergames.kernels.bellman import expected_rewards

        return expected_rewards(weights, self.game.row_starts, self.rewards[player])

    def _action_values(self, values: np.ndarray, players: slice = slice(None)) -> np.ndarray:
        from powergames.kernels.bellman import action_values

        return action_values(self.rewards[players], self.game.discounts[players], *self.transitions, values)


def mixed_transitions(
    weights: np.ndarray, row_starts: np.ndarray, indptr: np.ndarray, indices: np.ndarray, data: np.ndarray
) -> Any:
    """Average transitions from state to state over rows, as an array where that is quicker, else in CSR form.

    Parameters
    ----------
    weights : ndarray, shape (R,)
        Of each row in its state.
    row_starts, indptr, indices, data : ndarray
        As in `StochasticGame`.

    Returns
    -------
    ndarray or scipy.sparse.csr_matrix, shape (S, S)
    """
    from powergames.kernels.bellman import expected_sparse_transitions, expected_transitions

    n_states = len(row_starts) - 1
    if n_states <= DENSE and len(data) >= n_states**2:
        return expected_transitions(weights, row_starts, indptr, indices, data)
    from scipy.sparse import csr_matrix

    starts, following, chances = expected_sparse_transitions(weights, row_starts, indptr, indices, data)
    return csr_matrix((chances, following, starts), shape=(n_states, n_states))


def _charge(adversaries: tuple[Adversary, ...], power: np.ndarray) -> np.ndarray:
    """Aggregate power over one player, ``power[s, j]``: each adversary takes over the worst of its co-players."""
    terms = [float(adversary.charge) * power[:, adversary.players].max(axis=1) for adversary in adversaries]
    return np.sum(terms, axis=0)
