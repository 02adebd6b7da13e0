"""Certificates: how much any player could gain at a profile, computed without any solver.

For each player the gain of the best *mixed* deviation is bounded from above by weak duality: for any strategies `z` of
the player's adversaries,

    max_x U_i(x, x_{-i})  <=  max_a [ (1 - λ w_i) u_i(a, x_{-i}) + λ Σ_b W_b (K_b z_b)[a] ],

where column `k` of the matrix ``K_b`` holds the payoffs of `i`'s actions against the `k`-th takeover by adversary `b`.
A linear program finds the `z` that makes both sides equal; a `z` that somebody claims (a *witness*) is tried first,
and a wrong one costs time, never correctness. Everything here is plain NumPy and SciPy, and works in exact fractions
when the profile does.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from powergames.checking.certificate import Certificate
from powergames.checking.growing_programs import ROUNDING as ROUNDING
from powergames.checking.growing_programs import GrowingProgram, as_distribution
from powergames.games.normal_form import NormalFormGame
from powergames.games.profiles import Profile
from powergames.numerics import rational
from powergames.objectives import PowerObjective

# Payoff ranges within which floats neither overflow nor lose digits, also when multiplied by a large λ.
SMALLEST, LARGEST = 1e-200, 1e200

# Payoffs that are shifted and scaled at a time.
BLOCK = 2**17

# witness[i][b] is a mixed strategy over the takeovers of player i's adversary b.
Witness = Sequence[Sequence[np.ndarray]]


def certify_checked(
    game: NormalFormGame,
    profile: Profile,
    objective: PowerObjective,
    tol: float = 1e-8,
    witness: Witness | None = None,
    deadline: float = math.inf,
) -> Certificate:
    """Certify a profile that is known to be valid; see `certify`.

    Linear programs that are not solved by the deadline, as `time.monotonic` tells the time, leave upper bounds.
    """
    exact = profile[0].dtype == object
    # In payoff units a regret may be too small for a float; relative to the payoff range it is not.
    regrets, scaled = (np.empty(game.n_players, dtype=object if exact else np.float64) for _ in range(2))
    bound = "exact"
    for player in range(game.n_players):
        problem, unit = response_problem(game, objective, profile, player)
        regret, known = problem.bounded_regret(None if witness is None else witness[player], deadline)
        regrets[player], scaled[player] = regret * unit, regret / problem.scale
        bound = bound if known else "upper"
    return Certificate(regrets, scaled, tol, bound=bound)


def response_problem(
    game: NormalFormGame, objective: PowerObjective, profile: Profile, player: int
) -> tuple[Response, Any]:
    """Return the problem of one player's best response to a valid profile, and the unit of its numbers."""
    exact = profile[0].dtype == object
    adversaries = objective.adversaries(game.n_players)[player] if objective.exact_lam else ()
    payoffs, scale = _in_units(game, player, exact), _scale(game, player, exact)
    unit = payoffs.unit
    if not adversaries:
        return Response(_action_values(payoffs, profile, player), [], [], profile[player], scale / unit), unit
    tables = _pair_tables(payoffs, profile, player)
    weights: list[Any] = [_number(adversary.charge, exact) for adversary in adversaries]
    blocks = [_side_by_side([tables[j] for j in adversary.players]) for adversary in adversaries]
    other = next(iter(tables))
    linear = (1 - sum(weights)) * tables[other].averaged(1, profile[other])
    return Response(linear, weights, blocks, profile[player], scale / unit), unit


@dataclass(frozen=True, eq=False)
class Payoffs:
    """A tensor of payoffs less an offset, in some unit: shifted and scaled as it is read, so that it is not copied."""

    tensor: np.ndarray
    offset: Any = 0
    unit: Any = 1

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the tensor."""
        return self.tensor.shape

    @property
    def plain(self) -> bool:
        """Whether the tensor is what it stands for."""
        return bool(self.offset == 0 and self.unit == 1)

    def averaged(self, axis: int, strategy: np.ndarray) -> np.ndarray:
        """Average over one axis; the tensor is C-contiguous, or a matrix."""
        if self.plain:
            return _contract(self.tensor, axis, strategy)
        shape = self.tensor.shape
        size, after = shape[axis], math.prod(shape[axis + 1 :])
        blocks = self.tensor.reshape(math.prod(shape[:axis]), size, after)
        result = np.empty((len(blocks), after))
        columns = max(1, BLOCK // size)
        rows = max(1, columns // after)
        for row in range(0, len(blocks), rows):
            for column in range(0, after, columns):
                block = self.scaled(blocks[row : row + rows, :, column : column + columns])
                average = block[:, :, 0] @ strategy if after == 1 else strategy @ block
                result[row : row + rows, column : column + columns] = average.reshape(len(block), -1)
        return result.reshape(shape[:axis] + shape[axis + 1 :])

    def part(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Return chosen rows and columns of a matrix."""
        return self.scaled(self.tensor[np.ix_(rows, columns)])

    def scaled(self, tensor: np.ndarray) -> np.ndarray:
        """Shift and scale payoffs of the tensor."""
        if self.plain:
            return tensor
        result = tensor - self.offset
        result /= self.unit
        return result


@dataclass(frozen=True, eq=False)
class Response:
    """One player's problem: maximize ``linear @ x + Σ_b weights[b] * min(x @ blocks[b])`` over mixed strategies."""

    linear: np.ndarray
    weights: list[Any]
    blocks: list[Payoffs]
    strategy: np.ndarray
    scale: Any

    def value(self, strategy: np.ndarray) -> Any:
        """Return what a mixed strategy is worth."""
        total = self.linear @ strategy
        for weight, block in zip(self.weights, self.blocks, strict=True):
            total = total + weight * block.averaged(0, strategy).min()
        return total

    def bound(self, responses: Sequence[np.ndarray]) -> Any:
        """Upper bound on the value of any strategy, from mixed strategies of the adversaries."""
        values = self.linear
        for weight, block, response in zip(self.weights, self.blocks, responses, strict=True):
            values = values + weight * block.averaged(1, response)
        return values.max()

    def regret(self, witness: Sequence[np.ndarray] | None) -> Any:
        """Return how much more the best strategy is worth than the player's own; a witness may save the search."""
        return self.bounded_regret(witness, math.inf)[0]

    def bounded_regret(self, witness: Sequence[np.ndarray] | None, deadline: float) -> tuple[Any, bool]:
        """Return the regret, or a bound on it if the deadline comes before the search ends; and whether it did end."""
        current = self.value(self.strategy)
        exact = self.linear.dtype == object
        best = self.bound(self._own_witness())
        claims = None if witness is None else self._claimed(witness)
        if claims is not None:
            best = min(best, self.bound(claims))
        known = True
        if self.blocks and best - current > (0 if exact else ROUNDING * self.scale):
            found, known = self._exact_optimum(deadline) if exact else self._optimum(deadline)[::2]
            best = min(best, found)
        return max(best - current, best - best), known

    def best_strategy(self) -> np.ndarray:
        """Return a mixed strategy that is worth most."""
        if not self.blocks:
            strategy = 0 * self.linear
            strategy[np.argmax(self.linear)] = 1 + 0 * self.linear[0]
            return strategy
        return self._exact_strategy() if self.linear.dtype == object else self._optimum()[1]

    def _claimed(self, witness: Sequence[Any]) -> list[np.ndarray] | None:
        """Strategies that a witness claims for the adversaries; None if it does not fit them."""
        exact = self.linear.dtype == object
        try:
            claims = [_rationalized(claim) if exact else np.asarray(claim, dtype=np.float64) for claim in witness]
        except (OverflowError, TypeError, ValueError):
            return None
        if [claim.shape for claim in claims] != [block.shape[1:] for block in self.blocks]:
            return None
        if not exact and not all(np.isfinite(claim).all() for claim in claims):
            return None
        return [as_distribution(claim) for claim in claims]

    def _own_witness(self) -> list[np.ndarray]:
        """Spread each adversary evenly over its best takeovers; right whenever the best one is unique."""
        responses = []
        for block in self.blocks:
            values = block.averaged(0, self.strategy)
            least = values.min()
            slack = 0 if values.dtype == object else ROUNDING * self.scale
            ties = values <= least + slack
            count = int(ties.sum())
            share: Any = Fraction(1, count) if values.dtype == object else 1.0 / count
            responses.append(np.where(ties, share, 0 * share))
        return responses

    def _optimum(self, deadline: float = math.inf) -> tuple[Any, np.ndarray, bool]:
        """Bound the value of the best mixed deviation; also return that deviation, and whether the bound is its value.

        It is unless the deadline came first.
        """
        # The linear program sees payoffs relative to their range, and weights of at most one however large λ is.
        total = max(1.0, float(sum(self.weights)))
        unit = float(self.scale) * total
        weights = [weight / total for weight in self.weights]
        program = GrowingProgram(self.linear / unit, weights, self.blocks, self.scale, self.strategy)
        finished = program.run(deadline)
        return self.bound(program.claims), program.strategy, finished

    def _exact_optimum(self, deadline: float) -> tuple[Any, bool]:
        """Value of the best mixed deviation in fractions, by the adversaries' linear program: their least bound.

        Infinite, and False, if the deadline comes first.
        """
        n_actions = len(self.linear)
        ends = np.cumsum([block.shape[1] for block in self.blocks]).tolist()
        # Unknowns: the adversaries' strategies, then the bound as the difference of two non-negative numbers.
        tables = [weight * block.tensor for weight, block in zip(self.weights, self.blocks, strict=True)]
        rows = np.concatenate(tables, axis=1)
        values = np.concatenate([rows, np.array([[-1, 1]] * n_actions, dtype=object)], axis=1)
        sums = np.zeros((len(ends), ends[-1] + 2), dtype=object)
        for row, stop, block in zip(sums, ends, self.blocks, strict=True):
            row[stop - block.shape[1] : stop] = 1
        matrix = np.concatenate([values, sums, -sums])
        bounds = [*(-self.linear), *[1] * len(ends), *[-1] * len(ends)]
        try:
            _, point = rational.maximize([0] * ends[-1] + [-1, 1], matrix, bounds, deadline)
        except rational.OutOfTimeError:
            return math.inf, False
        strategies = np.array(point[: ends[-1]], dtype=object)
        return self.bound(np.split(strategies, ends[:-1])), True

    def _exact_strategy(self) -> np.ndarray:
        """Return the best mixed deviation in fractions, by the player's own linear program."""
        # Unknowns: the strategy, then what each adversary leaves as the difference of two non-negative numbers.
        n_actions, n_blocks = len(self.linear), len(self.blocks)
        rows = []
        for b, block in enumerate(self.blocks):
            left = np.zeros((block.shape[1], 2 * n_blocks), dtype=object)
            left[:, 2 * b : 2 * b + 2] = 1, -1
            rows.append(np.concatenate([-block.tensor.T, left], axis=1))
        sums = np.array([[1] * n_actions + [0] * (2 * n_blocks)], dtype=object)
        matrix = np.concatenate([*rows, sums, -sums])
        costs = [*self.linear, *(sign * weight for weight in self.weights for sign in (1, -1))]
        _, point = rational.maximize(costs, matrix, [0] * (len(matrix) - 2) + [1, -1])
        return np.array(point[:n_actions], dtype=object)


def _rationalized(claim: Any) -> np.ndarray:
    entries = [
        entry if isinstance(entry, Fraction) else Fraction(float(entry)).limit_denominator(10**9) for entry in claim
    ]
    return np.array(entries, dtype=object)


def _number(value: Fraction, exact: bool) -> Any:
    return value if exact else float(value)


def _scale(game: NormalFormGame, player: int, exact: bool) -> Any:
    if not exact:
        return game.payoff_scale[player]
    payoffs = game.exact_payoffs[player]
    return payoffs.max() - payoffs.min() or Fraction(1)


def _in_units(game: NormalFormGame, player: int, exact: bool) -> Payoffs:
    """Payoffs of one player.

    They are shifted and scaled to [0, 1] where a common offset would swamp the differences, or where they are so large
    or small that arithmetic would overflow or lose digits.
    """
    if exact:
        return Payoffs(game.exact_payoffs[player])
    payoffs, least, scale = game.payoffs[player], game.payoff_min[player], game.payoff_scale[player]
    if abs(least) / 4.0 <= game.payoff_range[player] and SMALLEST < scale < LARGEST:
        return Payoffs(payoffs)
    return Payoffs(payoffs, least, scale)


def _action_values(payoffs: Payoffs, profile: Profile, player: int) -> np.ndarray:
    """Expected payoff of each action of the player, shape (A_i,)."""
    for k in range(len(profile) - 1, -1, -1):
        if k != player:
            payoffs = Payoffs(payoffs.averaged(k, profile[k]))
    return payoffs.scaled(payoffs.tensor)


def _pair_tables(payoffs: Payoffs, profile: Profile, player: int) -> dict[int, Payoffs]:
    """Expected payoff ``tables[j][a_i, a_j]`` for each co-player `j`, all others playing the profile."""
    tables = {}
    remaining = list(range(len(profile)))
    for j in range(len(profile) - 1, -1, -1):
        if j == player:
            continue
        table = payoffs
        for axis in range(len(remaining) - 1, -1, -1):
            if remaining[axis] not in (player, j):
                table = Payoffs(table.averaged(axis, profile[remaining[axis]]))
        tables[j] = table if player < j else Payoffs(table.tensor.T, table.offset, table.unit)
        if len(remaining) > 2:
            payoffs = Payoffs(payoffs.averaged(remaining.index(j), profile[j]))
            remaining.remove(j)
    return tables


def _side_by_side(tables: Sequence[Payoffs]) -> Payoffs:
    """Join tables along their columns; with several co-players they are small, and already in their unit."""
    return tables[0] if len(tables) == 1 else Payoffs(np.concatenate([table.tensor for table in tables], axis=1))


def _contract(tensor: np.ndarray, axis: int, strategy: np.ndarray) -> np.ndarray:
    """Average a tensor over one axis without copying it."""
    shape = tensor.shape
    if axis == tensor.ndim - 1:
        return tensor @ strategy
    if axis == 0:
        return (strategy @ tensor.reshape(shape[0], -1)).reshape(shape[1:])
    blocks = tensor.reshape(math.prod(shape[:axis]), shape[axis], -1)
    return (strategy @ blocks).reshape(shape[:axis] + shape[axis + 1 :])
