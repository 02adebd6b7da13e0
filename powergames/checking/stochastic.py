"""Certificates for stationary profiles of stochastic games, computed without any solver or kernel.

In every state a deviation of player `i` is worth, with the values of what follows held fixed,

    F_i(x) = x·E[L] + λ Σ_j W_ij min_{a_j} x' M_ij[:, a_j],      M_ij = E_{k≠i,j}[N],

where, over joint actions, ``L = Q^U - λ w_i Q^V`` and ``N = Q^V`` in the form "penalty", and
``L = (1 - λ w_i) Q^U`` and ``N = Q^U`` in the form "adversarial". As in a normal-form game it is concave, and weak
duality bounds its maximum. Where power lasts for `k` steps, ``N`` is made with what is left to `i` by ``k - 1`` more
steps of `j` against it, and so depends on `j`.

In the penalty form power depends on all of a player's later choices, so that its selves in different states play a game
with each other. The certificate is exact for deviations in one state at a time (an equilibrium in this sense is Markov
perfect), and gives a lower bound on what deviations in many states gain.

In the adversarial form the Bellman principle holds, and the certificate covers all deviations. If no state's one-shot
gain exceeds ``δ``, no deviation gains more than ``δ / (1 - γ)``; otherwise Newton's method, or policy iteration where
that fails, finds the best one, and the same argument proves that nothing is better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from powergames.checking import response_programs as programs
from powergames.checking.certificate import Certificate, check_tolerance
from powergames.checking.deviations import Deviation
from powergames.checking.normal_form import ROUNDING, Payoffs, Response
from powergames.checking.stage_values import Group, StageValues, joint_probabilities
from powergames.games.kinds import as_game, check_endless
from powergames.games.policies import complete_profile
from powergames.games.profiles import Profile, frozen
from powergames.games.stochastic import StochasticGame
from powergames.numerics.discounted import DiscountedSystem
from powergames.objectives import Adversary, AnyObjective, PowerObjective, as_objective

# witness[i][b][s] is a mixed strategy, in state s, over the takeovers of player i's adversary b.
StochasticWitness = Sequence[Sequence[Any]]

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
        The same divided by the range of the player's attainable values, ``game.value_scale``.
    deviations : str
        "one-shot": a mixed deviation in one state at one time, then the profile again. "all": any deviation, in any
        states, also one that depends on the past.
    bound : str
        "exact": the numbers are the regrets, up to rounding. "upper": nothing gains more, though perhaps less.
    lower_bound : ndarray, shape (n, S)
        A gain that a deviation is known to attain, of those covered or, for "one-shot", in many states at once.
    deviation : Deviation or None
        The deviation found that gains most, relative to the range of values; None if nothing gains more than rounding.
    scaled_error : float
        How far rounding may put the values behind the regrets off, relative to the range of attainable values. With a
        discount near one this may be more than `tol`; then the certificate does not pass, whatever the regrets.
    """

    lower_bound: np.ndarray
    deviation: Deviation | None
    scaled_error: float

    @property
    def passed(self) -> bool:
        """Whether every scaled regret is at most `tol`, and rounding too."""
        return max(self.scaled_regret, self.scaled_error) <= self.tol

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
            "scaled_error": self.scaled_error,
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
    profile: Any,
    objective: AnyObjective,
    *,
    tol: float = 1e-8,
    witness: StochasticWitness | None = None,
) -> StochasticCertificate:
    """Measure how far a stationary profile is from a power-regularized equilibrium.

    Parameters
    ----------
    game : StochasticGame
    profile : sequence of array_like
        ``profile[i][s, a]``, the probability with which player `i` plays action `a` in state `s`, shape (S, A_i).
    objective : PowerObjective
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
    >>> certify_stochastic(game, [[[1, 0]], [[1, 0]]], PowerObjective(0.5))
    <StochasticCertificate FAILED: max regret 1, scaled 0.125, tol 1e-08, one-shot deviations, exact>
    """
    game = as_game(game, StochasticGame)
    objective = as_objective(objective)
    check_tolerance(tol)
    check_endless(game)
    problem = _Problem(game, objective, complete_profile(game, profile))
    # Without adversaries both forms are the same, and the Bellman principle holds.
    one_shot = objective.form == "penalty" and any(problem.adversaries)
    gains: list[_Gains] = []
    exact = True
    for player in range(game.n_players):
        claims = None if witness is None else _claims(witness, player, problem)
        found = (_one_shot if one_shot else _against_all)(problem, player, claims)
        gap = (found.regrets - found.lower).max() * (1.0 - game.discounts[player])
        exact = exact and (one_shot or bool(gap <= _TIGHT))
        gains.append(found)
    units = problem.units[:, None]
    regrets = units * np.array([found.regrets for found in gains])
    errors = problem.units * np.array([found.error for found in gains]) / game.value_scale
    return StochasticCertificate(
        regrets=regrets,
        scaled_regrets=regrets / game.value_scale[:, None],
        tol=tol,
        deviations="one-shot" if one_shot else "all",
        bound="exact" if exact else "upper",
        lower_bound=units * np.array([found.lower for found in gains]),
        deviation=_greatest(problem, gains),
        scaled_error=float(errors.max()),
    )


# What rows are worth where somebody is taken over, shape (R,): whoever that is, or for each co-player.
Table = np.ndarray | dict[int, np.ndarray]


@dataclass(frozen=True, eq=False)
class _Stage:
    """One player's problem in every state: what follows is worth `linear` and `table`, shape (R,), see the module."""

    player: int
    linear: np.ndarray
    table: Table


@dataclass(frozen=True, eq=False)
class _Best:
    """Best responses to one player's problem in every state.

    `upper` bounds the value of any, `current` is the value of the strategy asked about, and `strategy` a best one, the
    same where that is optimal, worth `attained`. ``adversaries[g][b]`` are mixed worst cases in the states of a group.
    """

    upper: np.ndarray
    current: np.ndarray
    strategy: np.ndarray
    attained: np.ndarray
    adversaries: list[list[np.ndarray]]


@dataclass(frozen=True, eq=False)
class _Gains:
    """Regrets of one player, what is known to be attained, and the deviation that gains most: all in its units.

    `error` bounds the rounding of the values behind them.
    """

    regrets: np.ndarray
    lower: np.ndarray
    kind: str
    strategy: np.ndarray
    state: int
    gain: float
    error: float


class _Problem(StageValues):
    """What a profile is worth at each stage, and who a player's adversaries are."""

    def __init__(self, game: StochasticGame, objective: PowerObjective, profile: Profile) -> None:
        super().__init__(game, profile)
        self.adversaries = objective.adversaries(game.n_players)
        self.steps = objective.steps
        self._systems: dict[float, DiscountedSystem] = {}

    def weights(self, player: int) -> list[float]:
        """Weight of each adversary of a player in its objective, λ included."""
        return [float(adversary.charge) for adversary in self.adversaries[player]]

    def slack(self, player: int) -> float:
        """Differences between a player's values that are rounding."""
        return max(ROUNDING, 16 * _EPS / (1.0 - float(self.game.discounts[player])))

    def played(self, player: int, strategy: np.ndarray) -> tuple[DiscountedSystem, np.ndarray]:
        """The system and the expected rewards of a player's values if it changes to a strategy.

        All players share what they need of the profile itself.
        """
        if strategy is not self.profile[player]:
            rows = self.joint(self.changed(player, strategy))
            return self.system(player, rows), self.expected_rewards(player, rows)
        discount = float(self.game.discounts[player])
        if discount not in self._systems:
            self._systems[discount] = self.system(player, self._rows)
        return self._systems[discount], self.expected_rewards(player, self._rows)

    @cached_property
    def _rows(self) -> np.ndarray:
        return self.joint(self.profile)

    def error(self, player: int, guess: np.ndarray | None = None) -> float:
        """Bound on the rounding of a player's task values at the profile."""
        system, rewards = self.played(player, self.profile[player])
        return system.error(rewards, system.solve(rewards, guess))

    def taken(self, player: int, strategy: np.ndarray, values: np.ndarray) -> Table:
        """What rows are worth to a player who is taken over, if it changes to a strategy whose value is given."""
        if self.steps == 1:
            return self.action_values(player, values)
        co_players = {j for adversary in self.adversaries[player] for j in adversary.players}
        strategies = self.changed(player, strategy)
        return {
            j: self.action_values(player, self.left(player, j, values, self.steps - 1, strategies)) for j in co_players
        }

    def blocks(self, group: Group, player: int, values: Table) -> list[np.ndarray]:
        """Values of a player's actions against the takeovers of each adversary, shape (G, A_i, K)."""
        if not self.adversaries[player]:
            return []
        if isinstance(values, dict):
            tables = {j: self.tables(group, player, own)[j] for j, own in values.items()}
        else:
            tables = self.tables(group, player, values)
        return [np.concatenate([tables[j] for j in a.players], axis=2) for a in self.adversaries[player]]

    def changed(self, player: int, strategy: np.ndarray) -> list[np.ndarray]:
        """The profile in which one player changes to a strategy."""
        return [*self.profile[:player], strategy, *self.profile[player + 1 :]]


def _greatest(problem: _Problem, gains: list[_Gains]) -> Deviation | None:
    """The deviation that gains most, relative to the range of its player's values."""
    game = problem.game
    scaled = [found.gain * problem.units[k] / game.value_scale[k] for k, found in enumerate(gains)]
    player = int(np.argmax(scaled))
    if not scaled[player] > ROUNDING:
        return None
    found = gains[player]
    strategy = found.strategy
    if found.kind == "one-shot":
        strategy = strategy[found.state, : game.n_actions[found.state, player]]
    gain = found.gain * float(problem.units[player])
    return Deviation(player, found.state, found.kind, frozen(strategy.copy()), gain, float(scaled[player]))


def _one_shot(problem: _Problem, player: int, claims: list[np.ndarray] | None) -> _Gains:
    """One-shot regret in each state, and gains attained in one state or by an ascent in many."""
    strategy = problem.profile[player]
    task, utility, table = _penalized(problem, player, strategy)
    error = problem.error(player, task)
    best = _best_responses(problem, _penalty_stage(problem, player, task, utility, table), strategy, claims)
    lower = np.maximum(best.attained - best.current, 0.0)
    state = int(lower.argmax())
    found = "one-shot", best.strategy, state, float(lower[state])
    regrets = np.maximum(best.upper - best.current, 0.0)
    follow = utility
    for _ in range(ASCENTS):
        if np.array_equal(best.strategy, strategy):
            break
        strategy = best.strategy
        task, follow, table = _penalized(problem, player, strategy, (task, follow))
        gains = follow - utility
        state = int(gains.argmax())
        if gains[state] > found[-1]:
            found = "stationary", strategy, state, float(gains[state])
        lower = np.maximum(lower, gains)
        best = _best_responses(problem, _penalty_stage(problem, player, task, follow, table), strategy, None)
    return _Gains(regrets, lower, *found, error)


def _penalized(
    problem: _Problem, player: int, strategy: np.ndarray, guess: tuple[Any, Any] = (None, None)
) -> tuple[np.ndarray, np.ndarray, Table]:
    """Task and regularized values if a player changes to a strategy, and what rows are worth where it is taken over."""
    system, rewards = problem.played(player, strategy)
    values = system.solve(rewards, guess[0])
    table = problem.taken(player, strategy, values)
    if not problem.adversaries[player]:
        return values, values, table
    action_values = problem.action_values(player, values)
    costs = np.zeros(len(values))
    for group in problem.groups:
        own = strategy[group.states, : group.shape[player]]
        task = np.einsum("ga,ga->g", own, problem.averages(group, player, action_values))
        blocks = problem.blocks(group, player, table)
        for weight, block in zip(problem.weights(player), blocks, strict=True):
            costs[group.states] += weight * (task - np.einsum("ga,gak->gk", own, block).min(axis=1))
    return values, system.solve(rewards - costs, guess[1]), table


def _penalty_stage(problem: _Problem, player: int, values: np.ndarray, utility: np.ndarray, table: Table) -> _Stage:
    tolls = sum(problem.weights(player)) * problem.action_values(player, values)
    return _Stage(player, problem.action_values(player, utility) - tolls, table)


def _against_all(problem: _Problem, player: int, claims: list[np.ndarray] | None) -> _Gains:
    """Regret over all deviations in each state, proved from above, and a gain attained.

    Newton's method on ``v = T v``, the value of every state under best play of the player and its adversaries: each
    step evaluates both sides' strategies of the last one. Where it does not approach, policy iteration takes over,
    which evaluates the player's strategy against its worst adversaries, and never fails.
    """
    discount = float(problem.game.discounts[player])
    rest = max(0.0, 1.0 - sum(problem.weights(player)))
    slack = problem.slack(player)
    own = strategy = problem.profile[player]
    start = best = values = _robust(problem, player, own)
    proven = np.full(len(start), np.inf)
    deviation = own, 0, 0.0
    last, newton = np.inf, True
    for _ in range(ROUNDS):
        table = problem.action_values(player, values)
        found = _best_responses(problem, _Stage(player, rest * table, table), strategy, claims)
        claims = None
        change = found.upper - values
        # From T v <= v + δ follows T T v <= T v + γ δ and so on: no value exceeds T v + γ δ / (1 - γ).
        proven = np.minimum(proven, found.upper + discount / (1.0 - discount) * float(change.max()))
        size = float(np.abs(change).max())
        if newton and slack < size <= last / 2.0:
            strategy, last = found.strategy, size
            values = _played(problem, player, strategy, found.adversaries, values)
            continue
        if np.array_equal(found.strategy, strategy) and (strategy is own or not newton):
            break
        strategy = found.strategy
        improved = _robust(problem, player, strategy, values)
        state = int((improved - start).argmax())
        if improved[state] - start[state] > deviation[-1]:
            deviation = strategy, state, float(improved[state] - start[state])
        rises = newton or (improved - best).max() > 0.0
        best = np.maximum(best, improved)
        if not rises or (proven - best).max() * (1.0 - discount) <= 4.0 * slack:
            break
        values, newton = improved, False
    regrets = np.maximum(proven - start, 0.0)
    return _Gains(regrets, best - start, "stationary", *deviation, problem.error(player))


def _played(
    problem: _Problem,
    player: int,
    strategy: np.ndarray,
    adversaries: list[list[np.ndarray]],
    guess: np.ndarray | None,
) -> np.ndarray:
    """Value in each state of a player's strategy against given ones of its adversaries."""
    strategies = problem.changed(player, strategy)
    weights = problem.weights(player)
    rows = max(0.0, 1.0 - sum(weights)) * problem.joint(strategies)
    for group, here in zip(problem.groups, adversaries, strict=True):
        mixed = problem.part(strategies, group)
        for weight, adversary, response in zip(weights, problem.adversaries[player], here, strict=True):
            rows[group.rows] += weight * _taken_over(mixed, adversary, response)
    return problem.system(player, rows).solve(problem.expected_rewards(player, rows), guess)


def _robust(problem: _Problem, player: int, strategy: np.ndarray, guess: np.ndarray | None = None) -> np.ndarray:
    """Value in each state of a player's strategy against the worst adversaries, by policy iteration on them.

    It begins with the worst for what follows by `guess`, or else for the value without adversaries.
    """
    strategies = problem.changed(player, strategy)
    adversaries = problem.adversaries[player]
    values = guess
    if values is None or not adversaries:
        system, rewards = problem.played(player, strategy)
        values = system.solve(rewards, guess)
    if not adversaries:
        return values
    chosen: list[list[np.ndarray]] | None = None
    total = np.inf
    while True:
        action_values = problem.action_values(player, values)
        choices: list[list[np.ndarray]] = []
        kept = True
        for at, group in enumerate(problem.groups):
            own = strategies[player][group.states, : group.shape[player]]
            choices.append([])
            for b, block in enumerate(problem.blocks(group, player, action_values)):
                against = np.einsum("ga,gak->gk", own, block)
                choice = against.argmin(axis=1)
                if chosen is not None:
                    states, old = np.arange(len(against)), chosen[at][b]
                    keep = against[states, old] <= against[states, choice] + problem.slack(player)
                    choice = np.where(keep, old, choice)
                    kept = kept and bool(keep.all())
                choices[-1].append(choice)
        if chosen is not None and kept:
            return values
        chosen = choices
        pure = [
            [
                np.eye(sum(group.shape[j] for j in adversary.players))[choice]
                for adversary, choice in zip(adversaries, here, strict=True)
            ]
            for group, here in zip(problem.groups, chosen, strict=True)
        ]
        worse = _played(problem, player, strategy, pure, values)
        # From the second step on no value rises, but for rounding.
        if worse.sum() >= total:
            return values
        total = float(worse.sum())
        values = worse


def _taken_over(strategies: list[np.ndarray], adversary: Adversary, response: np.ndarray) -> np.ndarray:
    """Probability of each joint action, shape (G, cells), where an adversary mixes its takeovers."""
    result: Any = 0.0
    first = 0
    for j in adversary.players:
        last = first + strategies[j].shape[1]
        forced = [response[:, first:last] if k == j else x for k, x in enumerate(strategies)]
        result = result + joint_probabilities(forced)
        first = last
    return np.asarray(result)


def _best_responses(problem: _Problem, stage: _Stage, strategy: np.ndarray, claims: list[np.ndarray] | None) -> _Best:
    """Solve a player's problem in every state."""
    player = stage.player
    slack = problem.slack(player)
    upper, current, attained = (np.empty(problem.game.n_states) for _ in range(3))
    responses = strategy.copy()
    adversaries = []
    weights = problem.weights(player)
    for group in problem.groups:
        own = strategy[group.states, : group.shape[player]]
        linear = problem.averages(group, player, stage.linear)
        blocks = problem.blocks(group, player, stage.table)
        claimed = None
        if claims is not None:
            claimed = [
                programs.distributions(claim[group.states][:, _places(problem, group, a)])
                for claim, a in zip(claims, problem.adversaries[player], strict=True)
            ]
        bound, value, reached, best, worst = respond(linear, weights, blocks, own, slack, claimed)
        upper[group.states], current[group.states], attained[group.states] = bound, value, reached
        responses[group.states, : group.shape[player]] = best
        adversaries.append(worst)
    return _Best(upper, current, responses, attained, adversaries)


def respond(
    linear: np.ndarray,
    weights: list[float],
    blocks: list[np.ndarray],
    own: np.ndarray,
    slack: float,
    claimed: list[np.ndarray] | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, list[np.ndarray]]:
    """Solve the problem of one player in states with the same numbers of actions, as `response_programs` states it.

    Parameters
    ----------
    linear, weights, blocks
        The problem.
    own : ndarray, shape (G, A)
        The strategy asked about.
    slack : float
        Differences that are rounding.
    claimed : list of ndarray, optional
        Mixed worst cases of each adversary.

    Returns
    -------
    bound, value, reached : ndarray, shape (G,)
        What no strategy exceeds, what the one asked about is worth, and what the best one found is worth.
    best : ndarray, shape (G, A)
    worst : list of ndarray
        Mixed worst cases of each adversary.
    """
    value = programs.values(linear, weights, blocks, own)
    worst = [programs.spread(own, block, slack) for block in blocks]
    bound = programs.bounds(linear, weights, blocks, worst)
    if claimed is not None:
        bound_claimed = programs.bounds(linear, weights, blocks, claimed)
        better = bound_claimed < bound
        bound = np.minimum(bound, bound_claimed)
        worst = [np.where(better[:, None], claim, mixed) for claim, mixed in zip(claimed, worst, strict=True)]
    reached, best = value.copy(), own.copy()
    todo = np.flatnonzero(bound - value > slack)
    if len(todo):
        part = linear[todo], weights, [block[todo] for block in blocks]
        found, responded = programs.solve(*part, own[todo])
        for mixed, response in zip(worst, responded, strict=True):
            mixed[todo] = response
        limit = np.minimum(bound[todo], programs.bounds(*part, responded))
        worth = programs.values(*part, found)
        better = worth > value[todo]
        best[todo[better]], reached[todo[better]] = found[better], worth[better]
        bound[todo] = limit
        for state in todo[limit - reached[todo] > 4 * slack]:
            bound[state] = min(bound[state], _bound_again(linear, weights, blocks, own, int(state)))
    return bound, value, reached, best, worst


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


def _places(problem: _Problem, group: Group, adversary: Adversary) -> np.ndarray:
    """Where the takeovers that a state has stand among the padded ones."""
    widths = [problem.profile[j].shape[1] for j in adversary.players]
    starts = np.cumsum([0, *widths[:-1]]).tolist()
    return np.concatenate(
        [start + np.arange(group.shape[j]) for start, j in zip(starts, adversary.players, strict=True)]
    )
