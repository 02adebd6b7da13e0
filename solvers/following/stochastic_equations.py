r"""The equations of an equilibrium on given supports, in all states at once, as functions of λ too.

A state (of the path) holds a point, a level for each group in each state of the game, the values, and λ. In every state
of the game what is in use is paid the level of its group, probabilities sum to one, and the values are those to which
the strategies lead,

.. math::
    U_i(s) = \sum_a x_{ia} g_{ia}, \qquad V_i(s) = E_x Q_i^V.

Weights, tolls and shares are multiples of λ, so given point and values the equations are linear in λ. The matrix is
sparse: states act upon each other only through the values.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from powergames.games.stochastic import StochasticGame
from powergames.objectives import PowerObjective, with_lam
from powergames.results import SupportChange
from powergames.solvers.following.continuation import Family, PathLostError
from powergames.solvers.stochastic.factors import Factors, least_solution
from powergames.solvers.stochastic.problem import StochasticProblem


@dataclass(frozen=True)
class Limits:
    """What counts as singular, and up to which size that is looked into."""

    singular: float = 1e-13
    """Singular values below this fraction of a bound on the greatest are zero. Where games of many states or discount
    factors near one are followed, others get as small as 1e-10.
    """
    equations: int = 1_000
    """Up to this many equations the rank is counted where it falls short."""


LIMITS = Limits()


@dataclass(frozen=True, eq=False)
class System:
    """The equations of a mask, and the direction that keeps them.

    Attributes
    ----------
    matrix : scipy.sparse.csr_matrix, shape (m, m + 1)
        Their derivative.
    unknown : ndarray of int, shape (m + 1,)
        The entries of the state in it.
    bordered : Factors or None
        With one more row, which is random; None if that is singular.
    kernel : ndarray, shape (m + 1,)
        The vector that the matrix sends to zero and the random row to one.
    """

    matrix: Any
    unknown: np.ndarray
    bordered: Factors | None
    kernel: np.ndarray


@dataclass(frozen=True, eq=False)
class Linear:
    """The equations at a state, and how they change with the state.

    Attributes
    ----------
    slacks : ndarray, shape (D,)
        By how much each action and takeover falls short of the level of its group.
    sums : ndarray, shape (L,)
        Of the probabilities of each group.
    errors : ndarray, shape (K,)
        By how much what states are worth exceeds their values.
    derivative : scipy.sparse.csr_matrix, shape (D + L + K, N)
        Of the three of them.
    """

    slacks: np.ndarray
    sums: np.ndarray
    errors: np.ndarray
    derivative: Any
    systems: dict[bytes, System] = field(default_factory=dict)

    @cached_property
    def rates(self) -> Any:
        """Derivatives of the slacks, sparse, shape (D, N)."""
        return self.derivative[: len(self.slacks)]

    def residual(self, mask: np.ndarray) -> np.ndarray:
        """Return the errors of the equations of a mask, shape (m,)."""
        return np.concatenate([self.slacks[mask], self.sums - 1.0, self.errors])

    def matrix(self, mask: np.ndarray) -> tuple[Any, np.ndarray]:
        """Return the derivative of the equations of a mask, sparse (m, m + 1), and the entries of the state in it."""
        size, width = self.derivative.shape
        rows = np.concatenate([np.flatnonzero(mask), np.arange(len(mask), size)])
        unknown = np.concatenate([np.flatnonzero(mask), np.arange(len(mask), width)])
        return self.derivative[rows][:, unknown], unknown

    def system(self, mask: np.ndarray) -> System:
        """Return the equations of a mask, factorized."""
        key = mask.tobytes()
        if key not in self.systems:
            matrix, unknown = self.matrix(mask)
            row = np.random.default_rng(0).standard_normal(self.derivative.shape[1])[unknown]
            row /= np.linalg.norm(row)
            last = np.zeros(len(unknown))
            last[-1] = 1.0
            try:
                bordered = bordered_by(matrix, row)
                kernel = bordered.solve(last)
                singular = bordered.least <= LIMITS.singular or not np.isfinite(kernel).all()
            except np.linalg.LinAlgError:
                singular = True
            self.systems[key] = System(matrix, unknown, *((None, last) if singular else (bordered, kernel)))
        return self.systems[key]


def bordered_by(matrix: Any, row: np.ndarray) -> Factors:
    """Factorize a matrix of one more column than rows, with one more row."""
    from scipy.sparse import csr_matrix, vstack

    return Factors(vstack([matrix, csr_matrix(row)], format="csr"))


@dataclass(frozen=True, eq=False)
class StochasticFamily(Family):
    """The extended stochastic games of all λ.

    Attributes
    ----------
    game : StochasticGame
    base : StochasticProblem
        With adversaries, at some λ > 0. Rewards are scaled so that the values too lie in [0, 1].
    weights, tolls : ndarray
        Those of the problem, for λ = 1.
    """

    game: StochasticGame
    base: StochasticProblem
    weights: np.ndarray
    tolls: np.ndarray
    span: float

    @classmethod
    def of(cls, game: StochasticGame, objective: PowerObjective, high: float) -> StochasticFamily:
        """Set up the family for λ up to a bound."""
        base = StochasticProblem.of(game, with_lam(objective, high))
        base = replace(base, rewards=base.rewards * (1.0 - base.discounts)[:, None])
        return cls(game, base, base.weights / high, base.tolls / high, max(1.0, high))

    def at(self, lam: float) -> StochasticProblem:
        """Return the problem at a λ, with adversaries also at λ = 0."""
        tolls = lam * self.tolls
        shares = np.array([np.ones_like(tolls), -tolls]) if self.base.kinds == 2 else (1.0 - tolls)[None]
        return replace(self.base, weights=lam * self.weights, tolls=tolls, shares=shares)

    @property
    def starts(self) -> tuple[int, int, int]:
        """Where in a state levels and values begin, and where λ is."""
        levels = self.base.size
        values = levels + len(self.base.bounds) - 1
        return levels, values, values + self.base.kinds * self.base.n_players * self.base.n_states

    @cached_property
    def metric(self) -> np.ndarray:  # type: ignore[override]
        """Weights of a state's entries in the squared length of a step."""
        levels, _, end = self.starts
        weights = np.zeros(end + 1)
        weights[:levels] = 1.0
        weights[-1] = self.span**-2
        return weights

    @property
    def is_player(self) -> np.ndarray:  # type: ignore[override]
        """Which probabilities are the players' own, shape (D,)."""
        return self.base.is_player

    def values(self, state: np.ndarray) -> np.ndarray:
        """Return the values in a state, shape (kinds, n, S)."""
        _, begin, end = self.starts
        return state[begin:end].reshape(self.base.kinds, self.base.n_players, self.base.n_states)

    def paid(self, lam: float, point: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what actions and takeovers are paid, (D,), and its derivatives in each state one after the other."""
        gradient, blocks, _ = self._differentiated(lam, point, self.at(lam).worth(values))
        return gradient, blocks

    def _differentiated(self, lam: float, point: np.ndarray, worth: tuple[np.ndarray, np.ndarray]) -> Any:
        from powergames.kernels.derivatives import derivatives

        return derivatives(*self.base.layout[:5], lam * self.weights, *worth, point, self.base.kinds == 2)

    def linearized(self, state: np.ndarray) -> Linear:
        """Return the equations at a state."""
        from scipy.sparse import csr_matrix

        from powergames.kernels.derivatives import through_values
        from powergames.kernels.stages import gradients, row_weights

        base, layout = self.base, self.base.layout[:5]
        levels, begin, _ = self.starts
        point, lam, values = state[:levels], float(state[-1]), self.values(state)
        own, problem = self._own, self.at(lam)
        linear, taken = problem.worth(values)
        gradient, blocks, slopes = self._differentiated(lam, point, (linear, taken))
        weights = row_weights(*layout, problem.weights, point)
        # What one unit of λ does to what the players are paid.
        drift = gradients(*layout, self.weights, -self.tolls[:, None] * taken, taken, point)[own]
        graph = base.point_starts, *layout[3:], problem.shares, point, *weights, *self._graph
        paid, worth, average = through_values(base.arrays, *graph)
        errors = [self._sums_of_players(point[own] * gradient[own]) - values[0].ravel()]
        entries = [-blocks, slopes.ravel(), -paid, worth, -drift, self._sums_of_players(point[own] * drift)]
        if base.kinds == 2:
            expected = [
                np.add.reduceat(first * point[places] * rows, base.arrays[1][:-1])
                for first, places, rows in zip(weights[0], base.row_entries, taken, strict=True)
            ]
            errors.append(np.concatenate(expected) - values[1].ravel())
            entries.append(average)
        slots, indices, indptr, constants = self._pattern
        entries.append(constants)
        data = np.bincount(slots, np.concatenate(entries), len(indices))
        derivative = csr_matrix((data, indices, indptr), shape=(len(indptr) - 1, len(state)))
        slacks = state[levels:begin][base.group_of] - gradient
        return Linear(slacks, np.add.reduceat(point, base.bounds[:-1]), np.concatenate(errors), derivative)

    def _sums_of_players(self, numbers: np.ndarray) -> np.ndarray:
        return np.bincount(self._player_of, numbers, self.base.n_players * self.base.n_states)

    @cached_property
    def _own(self) -> np.ndarray:
        return np.flatnonzero(self.is_player)

    @cached_property
    def _player_of(self) -> np.ndarray:
        """Player and state of the players' own entries, as the values count them."""
        groups = self.base.group_of[self._own]
        return groups % self.base.n_groups * self.base.n_states + groups // self.base.n_groups

    @cached_property
    def _graph(self) -> tuple[np.ndarray, np.ndarray]:
        """The states that follow upon each state, in CSR form."""
        from powergames.kernels.stages import state_graph

        _, row_starts, _, indptr, indices, _ = self.base.arrays
        starts, successors = state_graph(row_starts, indptr, indices)
        return starts, successors

    @cached_property
    def _pattern(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Where the entries of the derivative go, in the order in which `linearized` computes them.

        Returns the place of each entry in a matrix in CSR form, its column indices and row bounds, and the last
        entries, which are constant.
        """
        base = self.base
        n, n_states, kinds = base.n_players, base.n_states, base.kinds
        levels, begin, end = self.starts
        every, own = np.arange(base.size), self._own
        values = np.arange(begin, end).reshape(kinds, n, n_states)
        owner, state_of = base.owners[base.group_of % base.n_groups], base.group_of // base.n_groups
        states = np.split(every, base.point_starts[1:-1])
        after = np.split(self._graph[1], self._graph[0][1:-1])
        slopes = np.broadcast_to(values[:, :, state_of], (kinds, n, base.size))
        parts = [
            *(_pairs(here, here) for here in states),
            (slopes.ravel(), np.tile(every, kinds * n)),
            *(
                (np.repeat(here, len(next_)), kind[owner[here]][:, next_].ravel())
                for here, next_ in zip(states, after, strict=True)
                for kind in values
            ),
            *(
                _pairs(values[0, i, [s]], kind[i, next_])
                for s, next_ in enumerate(after)
                for kind in values
                for i in range(n)
            ),
            (own, np.full(len(own), end)),
            (values[0].ravel(), np.full(n * n_states, end)),
            *(
                _pairs(kind[i, [s]], kind[i, next_])
                for kind in values[1:]
                for s, next_ in enumerate(after)
                for i in range(n)
            ),
            (every, levels + base.group_of),
            (levels + base.group_of, every),
            (values.ravel(), values.ravel()),
        ]
        rows, columns = (np.concatenate(each) for each in zip(*parts, strict=True))
        places, slots = np.unique(rows.astype(np.int64) * (end + 1) + columns, return_inverse=True)
        indptr = np.searchsorted(places, np.arange(end + 1) * (end + 1))
        constants = np.concatenate([np.ones(2 * base.size), -np.ones(values.size)])
        return slots, (places % (end + 1)).astype(np.int32), indptr.astype(np.int32), constants

    def tangent(self, linear: Linear, mask: np.ndarray) -> np.ndarray | None:
        """Return a direction, of length one, that keeps the equations of a mask; None if that leaves a choice."""
        system = linear.system(mask)
        if system.bordered is None:
            return None
        direction = np.zeros(len(self.metric))
        direction[system.unknown] = system.kernel
        length = np.sqrt(self.metric @ direction**2)
        return direction / length if length > 0.0 else None

    def missing(self, linear: Linear, mask: np.ndarray) -> int:
        """Return by how much the rank of the equations falls short."""
        system = linear.system(mask)
        if system.bordered is not None:
            return 0
        if system.matrix.shape[0] > LIMITS.equations:
            raise PathLostError("the start is one of infinitely many equilibria")
        values = np.linalg.svd(system.matrix.toarray(), compute_uv=False)
        return max(1, int((values <= LIMITS.singular * values[0]).sum()))

    def perturbed_margins(self, linear: Linear, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return how margins that are zero change when random numbers are added to all equations."""
        system = linear.system(mask)
        numbers = rng.uniform(-1.0, 1.0, linear.derivative.shape[0])
        constants = np.concatenate([numbers[: len(mask)][mask], numbers[len(mask) :]])
        change = np.zeros(linear.derivative.shape[1])
        if system.bordered is None:
            change[system.unknown] = least_solution(system.matrix, constants, LIMITS.singular)
        else:
            solution = system.bordered.solve(np.append(constants, 0.0))
            along = system.kernel / np.linalg.norm(system.kernel)
            change[system.unknown] = solution - (along @ solution) * along
        return np.where(mask, change[: len(mask)], linear.rates @ change - numbers[: len(mask)])

    def orientation(self, linear: Linear, mask: np.ndarray, direction: np.ndarray) -> float:
        """Return the sign of the determinant of the equations and a direction, zero where rounding would decide."""
        system = linear.system(mask)
        if system.bordered is None:
            return 0.0
        return float(system.bordered.sign * np.sign((self.metric * direction)[system.unknown] @ system.kernel))

    def newton_step(
        self, linear: Linear, mask: np.ndarray, row: np.ndarray | int | None, error: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return what Newton's method subtracts from the entries of a state, and which ones."""
        from scipy.sparse import csr_matrix, vstack

        matrix, unknown = linear.matrix(mask)
        errors = linear.residual(mask)
        if row is not None:
            more = linear.rates[[row]] if isinstance(row, (int, np.integer)) else csr_matrix(row)
            matrix, errors = vstack([matrix, more[:, unknown]], format="csr"), np.append(errors, error)
        return _solved(matrix, errors, self.span), unknown

    def change(self, index: int, begins: bool) -> SupportChange:
        """Say whose action or takeover it is that comes into use or falls out of it, and where."""
        base = self.base
        group = int(base.group_of[index])
        state, group = divmod(group, base.n_groups)
        place = int(index - base.bounds[state * base.n_groups + group])
        if group < base.n_players:
            return SupportChange(group, place, None, begins, state)
        player = -1
        for j in np.flatnonzero(base.takes[group - base.n_players]).tolist():
            player, count = j, int(base.n_actions[state, j])
            if place < count:
                break
            place -= count
        return SupportChange(player, place, int(base.owners[group]), begins, state)


def _solved(matrix: Any, right: np.ndarray, span: float) -> np.ndarray:
    """Solve linear equations; where they leave a choice, take the shortest solution."""
    if matrix.shape[0] == matrix.shape[1]:
        try:
            change = Factors(matrix).solve(right)
            if np.abs(change).max() <= span:
                return change
        except np.linalg.LinAlgError:
            pass
    return least_solution(matrix, right, LIMITS.singular)


def _pairs(rows: np.ndarray, columns: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and columns of a dense block."""
    return np.repeat(rows, len(columns)), np.tile(columns, len(rows))
