"""Certificates for stationary profiles of stochastic games, computed without any solver or kernel.

In every state a deviation of player `i` is worth, with the values of what follows held fixed,

    F_i(x) = x·E[L] + λ Σ_j W_ij min_{a_j} x' M_ij[:, a_j],      M_ij = E_{k≠i,j}[N],

where, over joint actions, ``L = Q^U - λ w_i Q^V`` and ``N = Q^V`` in the form "penalty", and
``L = (1 - λ w_i) Q^U`` and ``N = Q^U`` in the form "adversarial". As in a normal-form game it is concave, and weak
duality bounds its maximum.

In the penalty form power depends on all of a player's later choices, so that its selves in different states play a game
with each other. The certificate is exact for deviations in one state at a time (an equilibrium in this sense is Markov
perfect), and gives a lower bound on what deviations in many states gain.

In the adversarial form the Bellman principle holds, and the certificate covers all deviations. If no state's one-shot
gain exceeds ``δ``, no deviation gains more than ``δ / (1 - γ)``; otherwise policy iteration finds the best one, and the
same argument proves that nothing is better.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from powergames.certificates import ROUNDING, Certificate, Payoffs, Response, check_tolerance
from powergames.discounted import DiscountedSystem
from powergames.errors import InputError
from powergames.games.profiles import Profile
from powergames.games.stochastic import StochasticGame
from powergames.objectives import Adversary, PowerObjective, check_objective

# witness[i][b][s] is a mixed strategy, in state s, over the takeovers of player i's adversary b.
StochasticWitness = Sequence[Sequence[Any]]

# Rows of the game that are worked on at a time.
BLOCK = 2**20

# Steps of a search for a gain by deviating in many states, and of policy iteration.
ASCENTS = 5
ROUNDS = 100

# Gains proved and attained that differ by less than this, scaled, are the same.
_TIGHT = 1e-10

_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False, kw_only=True)
class StochasticCertificate(Certificate):
    """How much each player could gain at a stationary profile, in each state as the first one.

    Attributes
    ----------
    regrets : ndarray, shape (n, S)
        Greatest gain over the deviations covered, in units of discounted payoff.
    scaled_regrets : ndarray, shape (n, S)
        The same divided by the range of attainable values, ``reward_range / (1 - discount)``; by 1 where rewards are
        constant.
    deviations : str
        "one-shot": a mixed deviation in one state at one time, then the profile again. "all": any deviation, in any
        states, also one that depends on the past.
    bound : str
        "exact": the numbers are the regrets, up to rounding. "upper": nothing gains more, though perhaps less.
    lower_bound : ndarray, shape (n, S)
        A gain that a deviation is known to attain, of those covered or, for "one-shot", in many states at once.
    """

    lower_bound: np.ndarray

    @property
    def max_regret(self) -> float:
        """Greatest regret of any player in any state, in units of discounted payoff."""
        return float(self.regrets.max())

    @property
    def scaled_regret(self) -> float:
        """Greatest regret of any player in any state, relative to the player's range of attainable values."""
        return float(self.scaled_regrets.max())

    def to_dict(self) -> dict[str, Any]:
        """Return the certificate as plain JSON values; `regrets` and `lower_bound` are ``[i][s]``."""
        return {
            "max_regret": self.max_regret,
            "scaled_regret": self.scaled_regret,
            "regrets": self.regrets.tolist(),
            "lower_bound": self.lower_bound.tolist(),
            "tol": self.tol,
            "deviations": self.deviations,
            "bound": self.bound,
            "passed": self.passed,
        }

    def __repr__(self) -> str:
        return super().__repr__().replace("<Certificate", "<StochasticCertificate", 1)


def certify_stochastic(
    game: StochasticGame,
    objective: PowerObjective,
    profile: Any,
    *,
    tol: float = 1e-8,
    witness: StochasticWitness | None = None,
) -> StochasticCertificate:
    """Measure how far a stationary profile is from a power-regularized equilibrium.

    Parameters
    ----------
    game : StochasticGame
    objective : PowerObjective
    profile : sequence of array_like
        ``profile[i][s, a]``, the probability with which player `i` plays action `a` in state `s`, shape (S, A_i).
    tol : float, default 1e-8
        Largest scaled regret that passes.
    witness : sequence of sequences of array_like, optional
        ``witness[i][b][s]``: claimed worst-case mixed strategy of player `i`'s adversary `b` in state `s`, over the
        actions of its co-players, each padded to their largest number. It saves linear programs where it is right and
        changes nothing where it is wrong.

    Returns
    -------
    StochasticCertificate
        For ``form="penalty"`` exact for one-shot deviations; for ``form="adversarial"``, and at λ = 0, for all
        deviations.

    Raises
    ------
    InputError
        If the profile, objective or witness does not fit the game.

    Notes
    -----
    Costs linear systems in the states, and a small linear program for each player and state in which neither a pure
    worst case nor the witness proves the profile optimal. Those are solved many states at a time, and once more by
    another method where both sides do not agree.

    Examples
    --------
    >>> from powergames.games.stochastic import StochasticGame
    >>> stag_hunt = np.array([[[[4.0, 0.0], [3.0, 3.0]]], [[[4.0, 3.0], [0.0, 3.0]]]])
    >>> game = StochasticGame(stag_hunt, np.ones((1, 2, 2, 1)), 0.5)
    >>> certify_stochastic(game, PowerObjective(0.5), [[[1, 0]], [[1, 0]]])
    <StochasticCertificate FAILED: max regret 1, scaled 0.125, tol 1e-08, one-shot deviations, exact>
    """
    if not isinstance(game, StochasticGame):
        raise InputError(f"game: got {type(game).__name__}; give a StochasticGame")
    check_objective(objective)
    check_tolerance(tol)
    problem = _Problem(game, objective, game.profile(profile))
    # Without adversaries both forms are the same, and the Bellman principle holds.
    one_shot = objective.form == "penalty" and any(problem.adversaries)
    regrets = np.zeros((game.n_players, game.n_states))
    lower = np.zeros_like(regrets)
    exact = True
    for player in range(game.n_players):
        claims = None if witness is None else _claims(witness, player, problem)
        if one_shot:
            regrets[player], lower[player] = _one_shot(problem, player, claims)
        else:
            regrets[player], lower[player] = _against_all(problem, player, claims)
            gap = (regrets[player] - lower[player]).max() * (1.0 - game.discounts[player])
            exact = exact and gap <= _TIGHT
    regrets *= problem.units[:, None]
    lower *= problem.units[:, None]
    return StochasticCertificate(
        regrets=regrets,
        scaled_regrets=regrets / game.value_scale[:, None],
        tol=tol,
        deviations="one-shot" if one_shot else "all",
        bound="exact" if exact else "upper",
        lower_bound=lower,
    )


@dataclass(frozen=True, eq=False)
class _Group:
    """States with the same numbers of actions: ``rows[g]`` are the rows of ``states[g]``, in C order of `shape`."""

    states: np.ndarray
    shape: tuple[int, ...]
    rows: np.ndarray


@dataclass(frozen=True, eq=False)
class _Stage:
    """One player's problem in every state: what follows is worth `linear` and `table`, shape (R,), see the module."""

    player: int
    linear: np.ndarray
    table: np.ndarray


class _Problem:
    """A game in units in which rewards lie in [0, 1], its objective and a profile."""

    def __init__(self, game: StochasticGame, objective: PowerObjective, profile: Profile) -> None:
        from scipy.sparse import csr_matrix

        self.game = game
        self.profile = profile
        self.lam = objective.lam
        self.adversaries = objective.adversaries(game.n_players)
        self.units = np.where(game.reward_range > 0, game.reward_range, 1.0)
        self.rewards = (game.rewards - game.reward_min[:, None]) / self.units[:, None]
        n_rows = int(game.row_starts[-1])
        self.transitions = csr_matrix((game.data, game.indices, game.indptr), shape=(n_rows, game.n_states))
        self.groups = list(_groups(game))

    def weights(self, player: int) -> list[float]:
        """Weight of each adversary of a player in its objective."""
        return [self.lam * float(adversary.weight) for adversary in self.adversaries[player]]

    def slack(self, player: int) -> float:
        """Differences between a player's values that are rounding."""
        return max(ROUNDING, 16 * _EPS / (1.0 - float(self.game.discounts[player])))

    def action_values(self, player: int, values: np.ndarray) -> np.ndarray:
        """Value of each row to a player, shape (R,), from the value of each state."""
        return self.rewards[player] + self.game.discounts[player] * (self.transitions @ values)

    def solve(self, player: int, rows: np.ndarray, costs: np.ndarray | float = 0.0) -> np.ndarray:
        """Value of each state to a player, from the probability of each row in its state and a cost per state."""
        system = self.system(player, rows)
        return system.solve(np.add.reduceat(rows * self.rewards[player], self.game.row_starts[:-1]) - costs)

    def system(self, player: int, rows: np.ndarray) -> DiscountedSystem:
        """The linear system of a player's values, given the probability of each row in its state."""
        from scipy.sparse import csr_matrix

        game = self.game
        average = csr_matrix((rows, np.arange(len(rows)), game.row_starts), shape=(game.n_states, len(rows)))
        return DiscountedSystem(average @ self.transitions, float(game.discounts[player]))

    def joint(self, strategies: Sequence[np.ndarray]) -> np.ndarray:
        """Probability of each row in its state, shape (R,)."""
        result = np.empty(len(self.rewards[0]))
        for group in self.groups:
            result[group.rows] = _joint(
                [x[group.states, :size] for x, size in zip(strategies, group.shape, strict=True)]
            )
        return result

    def tables(self, group: _Group, player: int, values: np.ndarray) -> dict[int, np.ndarray]:
        """Pair tables of a player with each co-player, shape (G, A_i, A_j)."""
        strategies = [x[group.states, :size] for x, size in zip(self.profile, group.shape, strict=True)]
        payoffs = values[group.rows].reshape(-1, *group.shape)
        remaining = list(range(len(group.shape)))
        tables = {}
        for j in reversed([k for k in remaining if k != player]):
            table = payoffs
            for axis in range(len(remaining) - 1, -1, -1):
                if remaining[axis] not in (player, j):
                    table = _averaged(table, axis + 1, strategies[remaining[axis]])
            tables[j] = table if player < j else table.transpose(0, 2, 1)
            if len(remaining) > 2:
                payoffs = _averaged(payoffs, remaining.index(j) + 1, strategies[j])
                remaining.remove(j)
        return tables

    def blocks(self, group: _Group, player: int, values: np.ndarray) -> list[np.ndarray]:
        """Values of a player's actions against the takeovers of each adversary, shape (G, A_i, K)."""
        if not self.adversaries[player]:
            return []
        tables = self.tables(group, player, values)
        return [np.concatenate([tables[j] for j in a.players], axis=2) for a in self.adversaries[player]]

    def averages(self, group: _Group, player: int, values: np.ndarray) -> np.ndarray:
        """Expected value of each action of a player, shape (G, A_i)."""
        payoffs = values[group.rows].reshape(-1, *group.shape)
        for k in range(len(group.shape) - 1, -1, -1):
            if k != player:
                payoffs = _averaged(payoffs, k + 1, self.profile[k][group.states, : group.shape[k]])
        return payoffs


def _one_shot(problem: _Problem, player: int, claims: list[np.ndarray] | None) -> tuple[np.ndarray, np.ndarray]:
    """One-shot regret in each state, and gains attained in one state or by an ascent in many."""
    values, utility = _penalized(problem, player, problem.profile[player])
    upper, current, response, attained = _best_responses(
        problem, _penalty_stage(problem, player, values, utility), problem.profile[player], claims
    )
    lower = np.maximum(attained - current, 0.0)
    strategy = problem.profile[player]
    for _ in range(ASCENTS):
        if np.array_equal(response, strategy):
            break
        strategy = response
        values, changed = _penalized(problem, player, strategy)
        lower = np.maximum(lower, changed - utility)
        stage = _penalty_stage(problem, player, values, changed)
        _, _, response, _ = _best_responses(problem, stage, strategy, None)
    return np.maximum(upper - current, 0.0), lower


def _penalized(problem: _Problem, player: int, strategy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Task value and regularized value in each state if a player changes to a strategy."""
    strategies = [*problem.profile[:player], strategy, *problem.profile[player + 1 :]]
    system_rows = problem.joint(strategies)
    values = problem.solve(player, system_rows)
    if not problem.adversaries[player]:
        return values, values
    action_values = problem.action_values(player, values)
    costs = np.zeros(len(values))
    for group in problem.groups:
        own = strategy[group.states, : group.shape[player]]
        task = np.einsum("ga,ga->g", own, problem.averages(group, player, action_values))
        blocks = problem.blocks(group, player, action_values)
        for weight, block in zip(problem.weights(player), blocks, strict=True):
            costs[group.states] += weight * (task - np.einsum("ga,gak->gk", own, block).min(axis=1))
    return values, problem.solve(player, system_rows, costs)


def _penalty_stage(problem: _Problem, player: int, values: np.ndarray, utility: np.ndarray) -> _Stage:
    table = problem.action_values(player, values)
    linear = problem.action_values(player, utility) - sum(problem.weights(player)) * table
    return _Stage(player, linear, table)


def _against_all(problem: _Problem, player: int, claims: list[np.ndarray] | None) -> tuple[np.ndarray, np.ndarray]:
    """Regret over all deviations in each state, proved from above, and a gain attained."""
    discount = float(problem.game.discounts[player])
    rest = max(0.0, 1.0 - sum(problem.weights(player)))
    strategy = problem.profile[player]
    start = best = _robust(problem, player, strategy)
    proven = np.full(len(start), np.inf)
    for _ in range(ROUNDS):
        table = problem.action_values(player, best)
        stage = _Stage(player, rest * table, table)
        upper, _, response, _ = _best_responses(problem, stage, strategy, claims)
        # No value exceeds one that its own best step cannot raise, but for what this step gains in every state.
        gain = max(float((upper - best).max()), 0.0)
        proven = np.minimum(proven, upper + discount / (1.0 - discount) * gain)
        if gain <= problem.slack(player) or np.array_equal(response, strategy):
            break
        claims = None
        strategy = response
        improved = _robust(problem, player, strategy)
        if not (improved - best).max() > 0.0:
            break
        best = np.maximum(best, improved)
    return np.maximum(proven - start, 0.0), np.maximum(best - start, 0.0)


def _robust(problem: _Problem, player: int, strategy: np.ndarray) -> np.ndarray:
    """Value in each state of a player's strategy against the worst adversaries, by policy iteration on them."""
    strategies = [*problem.profile[:player], strategy, *problem.profile[player + 1 :]]
    rows = problem.joint(strategies)
    values = problem.solve(player, rows)
    if not problem.adversaries[player]:
        return values
    rest = max(0.0, 1.0 - sum(problem.weights(player)))
    adversaries = problem.adversaries[player]
    chosen: list[list[np.ndarray]] | None = None
    total = np.inf
    while True:
        action_values = problem.action_values(player, values)
        taken = rest * rows
        choices, kept = [], True
        for at, group in enumerate(problem.groups):
            own = [x[group.states, :size] for x, size in zip(strategies, group.shape, strict=True)]
            blocks = problem.blocks(group, player, action_values)
            weights = problem.weights(player)
            chosen_here = []
            for b, (weight, block) in enumerate(zip(weights, blocks, strict=True)):
                against = np.einsum("ga,gak->gk", own[player], block)
                choice = against.argmin(axis=1)
                if chosen is not None:
                    states, old = np.arange(len(against)), chosen[at][b]
                    keep = against[states, old] <= against[states, choice] + problem.slack(player)
                    choice = np.where(keep, old, choice)
                    kept = kept and bool(keep.all())
                chosen_here.append(choice)
                taken[group.rows] += weight * _taken_over(own, adversaries[b], choice)
            choices.append(chosen_here)
        if chosen is not None and kept:
            return values
        chosen = choices
        worse = problem.solve(player, taken)
        # From the second step on no value rises, but for rounding.
        if worse.sum() >= total:
            return values
        total = float(worse.sum())
        values = worse


def _taken_over(strategies: list[np.ndarray], adversary: Adversary, choice: np.ndarray) -> np.ndarray:
    """Probability of each joint action, shape (G, cells), where an adversary chooses one of its takeovers."""
    result = np.zeros((len(choice), int(np.prod([x.shape[1] for x in strategies]))))
    first = 0
    for j in adversary.players:
        size = strategies[j].shape[1]
        mine = np.flatnonzero((choice >= first) & (choice < first + size))
        forced = [x[mine] for x in strategies]
        forced[j] = np.eye(size)[choice[mine] - first]
        result[mine] = _joint(forced)
        first += size
    return result


def _best_responses(
    problem: _Problem, stage: _Stage, strategy: np.ndarray, claims: list[np.ndarray] | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Solve a player's problem in every state.

    Returns a bound on its value, the value of `strategy`, a best strategy, which is `strategy` itself where that is
    optimal, and its value.
    """
    player = stage.player
    slack = problem.slack(player)
    upper, current, attained = (np.empty(problem.game.n_states) for _ in range(3))
    responses = strategy.copy()
    weights = problem.weights(player)
    for group in problem.groups:
        own = strategy[group.states, : group.shape[player]]
        linear = problem.averages(group, player, stage.linear)
        blocks = problem.blocks(group, player, stage.table)
        value = _values(linear, weights, blocks, own)
        bound = _bounds(linear, weights, blocks, [_spread(own, block, slack) for block in blocks])
        if claims is not None:
            claimed = [
                claim[group.states][:, _places(problem, group, a)]
                for claim, a in zip(claims, problem.adversaries[player], strict=True)
            ]
            bound = np.minimum(bound, _bounds(linear, weights, blocks, [_distributions(claim) for claim in claimed]))
        reached, best = value.copy(), own.copy()
        todo = np.flatnonzero(bound - value > slack)
        if len(todo):
            part = linear[todo], weights, [block[todo] for block in blocks]
            found, responded = _solve(*part, own[todo])
            limit = np.minimum(bound[todo], _bounds(*part, responded))
            worth = _values(*part, found)
            better = worth > value[todo]
            best[todo[better]], reached[todo[better]] = found[better], worth[better]
            bound[todo] = limit
            for state in todo[limit - reached[todo] > 4 * slack]:
                bound[state] = min(bound[state], _bound_again(linear, weights, blocks, own, int(state)))
        upper[group.states], current[group.states], attained[group.states] = bound, value, reached
        responses[group.states, : group.shape[player]] = best
    return upper, current, responses, attained


def _bound_again(
    linear: np.ndarray, weights: list[float], blocks: list[np.ndarray], strategy: np.ndarray, state: int
) -> float:
    """Bound the value of one state's problem as the certificate of a normal-form game does."""
    parts = [block[state] for block in blocks]
    lows = [part.min() for part in parts]
    # Constants in a problem cost digits, and nothing else depends on them.
    rest = linear[state] - linear[state].max()
    tables = [Payoffs(np.ascontiguousarray(part - low)) for part, low in zip(parts, lows, strict=True)]
    scale = max(float(-rest.min()), *(float(table.tensor.max()) for table in tables)) or 1.0
    problem = Response(rest, weights, tables, strategy[state], scale)
    offset = linear[state].max() + sum(weight * low for weight, low in zip(weights, lows, strict=True))
    return float(problem.value(strategy[state]) + problem.regret(None) + offset)


def _values(linear: np.ndarray, weights: list[float], blocks: list[np.ndarray], strategies: np.ndarray) -> np.ndarray:
    """Value of a strategy in each state, shape (G,)."""
    total = np.einsum("ga,ga->g", linear, strategies)
    for weight, block in zip(weights, blocks, strict=True):
        total += weight * np.einsum("ga,gak->gk", strategies, block).min(axis=1)
    return total


def _bounds(
    linear: np.ndarray, weights: list[float], blocks: list[np.ndarray], responses: list[np.ndarray]
) -> np.ndarray:
    """Bound on the value of any strategy in each state, from mixed strategies of the adversaries."""
    values = linear
    for weight, block, response in zip(weights, blocks, responses, strict=True):
        values = values + weight * np.einsum("gak,gk->ga", block, response)
    return values.max(axis=1)


def _spread(strategies: np.ndarray, block: np.ndarray, slack: float) -> np.ndarray:
    """Spread an adversary evenly over its best takeovers in each state; right whenever the best one is unique."""
    against = np.einsum("ga,gak->gk", strategies, block)
    ties = against <= against.min(axis=1, keepdims=True) + slack
    return ties / ties.sum(axis=1, keepdims=True)


def _solve(
    linear: np.ndarray, weights: list[float], blocks: list[np.ndarray], strategies: np.ndarray
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Solve many small response problems at once; return strategies of the player and of its adversaries.

    The simplex method on the adversaries' side: minimize `v` such that ``v >= linear + Σ_b K_b y_b``, where ``y_b`` is
    a strategy times the weight of `b`. It starts from their pure worst cases, with `v` basic throughout. What comes out
    is only a claim, which the caller checks: nothing is lost if it stops early or divides by what is nearly zero.
    """
    n_states, n_actions = linear.shape
    if not blocks:
        return np.eye(n_actions)[linear.argmax(axis=1)], []
    ends = np.cumsum([block.shape[2] for block in blocks]).tolist()
    owner = np.repeat(np.arange(len(blocks)), [block.shape[2] for block in blocks])
    n_columns, states = ends[-1], np.arange(n_states)
    total = sum(weights)
    shares = np.array(weights) / total
    payoffs = total * np.concatenate(blocks, axis=2)
    firsts = [end - block.shape[2] for end, block in zip(ends, blocks, strict=True)]
    worst = np.stack(
        [
            first + np.einsum("ga,gak->gk", strategies, block).argmin(axis=1)
            for first, block in zip(firsts, blocks, strict=True)
        ],
        axis=1,
    )
    at_worst = np.take_along_axis(payoffs, worst[:, None, :], axis=2)
    base = linear + at_worst @ shares
    top = base.argmax(axis=1)
    gains = payoffs - at_worst[:, :, owner]
    # Rows: slack of each action, the worst cases, the objective. Columns: takeovers, slack of the top action, constant.
    n_rows = n_actions + len(blocks)
    table = np.zeros((n_states, n_rows + 1, n_columns + 2))
    table[:, :n_actions, :n_columns] = gains - gains[states, top][:, None, :]
    table[:, :n_actions, n_columns] = -1.0
    table[:, :n_actions, -1] = base[states, top][:, None] - base
    table[states, top] = 0.0
    table[:, n_actions:n_rows, :n_columns] = owner == np.arange(len(blocks))[:, None]
    table[:, n_actions:n_rows, -1] = shares
    table[:, -1, :n_columns] = gains[states, top]
    table[:, -1, n_columns] = 1.0
    for b in range(len(blocks)):
        table[states, n_actions + b, worst[:, b]] = 0.0
    # Payoffs in units of their spread within the state.
    unit = np.maximum(table[:, :n_actions, -1].max(axis=1), np.abs(gains).max(axis=(1, 2)))
    unit = np.where(unit > 0, unit, 1.0)[:, None, None]
    table[:, :n_actions, :n_columns] /= unit
    table[:, :n_actions, -1:] /= unit
    table[:, -1:, :n_columns] /= unit
    # Which unknown each row and column stands for: takeovers, then slacks of the actions.
    rows = np.concatenate([np.broadcast_to(n_columns + np.arange(n_actions), (n_states, n_actions)), worst], axis=1)
    columns = np.concatenate(
        [np.broadcast_to(np.arange(n_columns), (n_states, n_columns)), n_columns + top[:, None]], axis=1
    )
    responses = np.zeros((n_states, n_columns))
    found = np.zeros((n_states, n_actions))
    active = states
    for step in range(20 + 4 * (n_actions + n_columns) + 1):
        costs = table[:, -1, :-1]
        entering = costs.argmin(axis=1)
        here = np.arange(len(active))
        done = costs[here, entering] >= -1e-13
        if step == 20 + 4 * (n_actions + n_columns):
            done[:] = True
        if done.any():
            _read(table[done], rows[done], columns[done], active[done], responses, found)
            left = ~done
            table, rows, columns, active = table[left], rows[left], columns[left], active[left]
            entering = entering[left]
            here = np.arange(len(active))
        if not len(active):
            break
        column = table[here, :, entering]
        steps = column[:, :-1] > 1e-11
        ratios = np.where(steps, table[:, :-1, -1] / np.where(steps, column[:, :-1], 1.0), np.inf)
        leaving = ratios.argmin(axis=1)
        pivot = column[here, leaving]
        # Where nothing bounds the step, rounding is all that is left: a pivot of one on a row of zeros ends it.
        pivot = np.where(np.isfinite(ratios[here, leaving]), pivot, np.inf)
        row = table[here, leaving] / pivot[:, None]
        table -= column[:, :, None] * row[:, None, :]
        table[here, :, entering] = -column / pivot[:, None]
        table[here, leaving] = row
        table[here, leaving, entering] = 1.0 / pivot
        rows[here, leaving], columns[here, entering] = columns[here, entering], rows[here, leaving]
    found = _distributions(found)
    return found, [_distributions(part) for part in np.split(responses, ends[:-1], axis=1)]


def _read(
    table: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
    states: np.ndarray,
    responses: np.ndarray,
    strategies: np.ndarray,
) -> None:
    """Read the adversaries' and the player's strategies from tableaus, and store them."""
    n_columns = responses.shape[1]
    for k in range(rows.shape[1]):
        mine = rows[:, k] < n_columns
        responses[states[mine], rows[mine, k]] = table[mine, k, -1]
    for k in range(columns.shape[1]):
        mine = columns[:, k] >= n_columns
        strategies[states[mine], columns[mine, k] - n_columns] = table[mine, -1, k]


def _distributions(claims: np.ndarray) -> np.ndarray:
    """Make distributions of rows of numbers, so that a bad claim still proves something true."""
    clipped = np.where(claims > 0, claims, 0.0)
    sums = clipped.sum(axis=1, keepdims=True)
    return np.where((sums > 0) & np.isfinite(sums), clipped / np.where(sums > 0, sums, 1.0), 1.0 / claims.shape[1])


def _claims(witness: StochasticWitness, player: int, problem: _Problem) -> list[np.ndarray] | None:
    """What a witness claims for a player's adversaries; None if it does not fit them."""
    widths = [x.shape[1] for x in problem.profile]
    shapes = [(problem.game.n_states, sum(widths[j] for j in a.players)) for a in problem.adversaries[player]]
    try:
        claims = [np.asarray(claim, dtype=np.float64) for claim in witness[player]]
    except (IndexError, OverflowError, TypeError, ValueError):
        return None
    fits = [claim.shape for claim in claims] == shapes and all(np.isfinite(claim).all() for claim in claims)
    return claims if fits else None


def _places(problem: _Problem, group: _Group, adversary: Adversary) -> np.ndarray:
    """Where the takeovers that a state has stand among the padded ones."""
    widths = [problem.profile[j].shape[1] for j in adversary.players]
    starts = np.cumsum([0, *widths[:-1]]).tolist()
    return np.concatenate(
        [start + np.arange(group.shape[j]) for start, j in zip(starts, adversary.players, strict=True)]
    )


def _groups(game: StochasticGame) -> Iterator[_Group]:
    """Group states by their numbers of actions, and cut the groups into blocks."""
    shapes, members = np.unique(game.n_actions, axis=0, return_inverse=True)
    members = members.reshape(-1)
    for number, sizes in enumerate(shapes.tolist()):
        states = np.flatnonzero(members == number)
        cells = int(np.prod(sizes))
        step = max(1, BLOCK // cells)
        for first in range(0, len(states), step):
            part = states[first : first + step]
            yield _Group(part, tuple(sizes), game.row_starts[part][:, None] + np.arange(cells))


def _joint(strategies: Sequence[np.ndarray]) -> np.ndarray:
    """Probability of each joint action in C order, shape (G, cells)."""
    result = np.ones((len(strategies[0]), 1))
    for strategy in strategies:
        cells = result.shape[1] * strategy.shape[1]
        result = (result[:, :, None] * strategy[:, None, :]).reshape(len(strategy), cells)
    return result


def _averaged(payoffs: np.ndarray, axis: int, strategies: np.ndarray) -> np.ndarray:
    """Average over one axis of payoffs, whose first one is that of the states."""
    shape = payoffs.shape
    size, before = shape[axis], int(np.prod(shape[1:axis]))
    blocks = payoffs.reshape(shape[0], before, size, -1)
    return np.einsum("gbac,ga->gbc", blocks, strategies).reshape(shape[:axis] + shape[axis + 1 :])
