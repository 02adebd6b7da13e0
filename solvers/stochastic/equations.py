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
from powergames.solvers.continuation import ACCURACY, CORRECTIONS, SINGULAR, Family, PathLostError
from powergames.solvers.stochastic.factors import Factors, least_solution
from powergames.solvers.stochastic.problem import StochasticProblem

# Equations up to which the rank is counted where it falls short.
COUNTED = 1_000


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
            last = np.zeros(len(unknown))
            last[-1] = 1.0
            try:
                bordered = bordered_by(matrix, row)
                kernel = bordered.solve(last)
                singular = bordered.least <= SINGULAR or not np.isfinite(kernel).all()
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
        from scipy.sparse import coo_matrix

        from powergames.kernels.stages import gradients, row_weights

        base = self.base
        levels, begin, end = self.starts
        point, lam, values = state[:levels], float(state[-1]), self.values(state)
        own = self._own
        problem = self.at(lam)
        linear, taken = problem.worth(values)
        gradient, blocks, slopes = self._differentiated(lam, point, (linear, taken))
        weights = row_weights(*base.layout[:5], problem.weights, point)
        # What one unit of λ does to what the players are paid.
        drift = gradients(*base.layout[:5], self.weights, -self.tolls[:, None] * taken, taken, point)[own]
        through_values, averaged = self._through_values(problem, weights)
        followed = self._players(point) @ through_values
        errors = [self._sums_of_players(point[own] * gradient[own]) - values[0].ravel()]
        parts = [(followed, begin, begin)]
        if base.kinds == 2:
            expected = [
                np.add.reduceat(weights[0][i] * point[base.row_entries[i]] * taken[i], base.arrays[1][:-1])
                for i in range(base.n_players)
            ]
            errors.append(np.concatenate(expected) - values[1].ravel())
            parts.append((self._players(point) @ averaged, begin + followed.shape[0], begin))
        rows, columns, entries = [*self._rows], [*self._columns], [-blocks, *self._constants, slopes.ravel()]
        for part, first_row, first_column in ((-through_values, 0, begin), *parts):
            part = part.tocoo()
            rows.append(part.row + first_row)
            columns.append(part.col + first_column)
            entries.append(part.data)
        players = begin + np.arange(followed.shape[0])
        rows += [own, players]
        columns += [np.full(len(own), end), np.full(len(players), end)]
        entries += [-drift, self._sums_of_players(point[own] * drift)]
        derivative = coo_matrix(
            (np.concatenate(entries), (np.concatenate(rows), np.concatenate(columns))), shape=(end, end + 1)
        ).tocsr()
        slacks = state[levels:begin][base.group_of] - gradient
        return Linear(slacks, np.add.reduceat(point, base.bounds[:-1]), np.concatenate(errors), derivative)

    def _through_values(self, problem: StochasticProblem, weights: tuple[np.ndarray, np.ndarray]) -> tuple[Any, Any]:
        """Return how what is paid, (D, K), and the expectation of the task values, (D, K), change with the values.

        The latter holds, for each action, how its value changes on average over what the others play.
        """
        from scipy.sparse import coo_matrix, csr_matrix

        base = self.base
        n, last, n_states = base.n_players, base.kinds - 1, base.n_states
        n_rows = base.row_entries.shape[1]
        places = base.row_entries.ravel(), np.tile(np.arange(n_rows), n)
        plain, taken = (
            (csr_matrix((own.ravel(), places), shape=(base.size, n_rows)) @ self._transitions) for own in weights
        )
        entries, sources = self._takeovers
        pieces = []
        for kind in range(base.kinds):
            factors = [(plain, problem.shares[kind])] + [(taken, np.ones(n))] * (kind == last)
            for average, share in factors:
                part = average.tocoo()
                owner = self._owner[part.row]
                pieces.append(
                    (part.row, (kind * n + owner) * n_states + part.col, (share * base.discounts)[owner] * part.data)
                )
        part = plain[sources].tocoo()
        owner = self._owner[entries[part.row]]
        column = (last * n + owner) * n_states + part.col
        pieces.append((entries[part.row], column, -base.discounts[owner] * part.data))
        shape = base.size, base.kinds * n * n_states
        row, column, data = (np.concatenate(each) for each in zip(*pieces, strict=True))
        part = plain.tocoo()
        owner = self._owner[part.row]
        task = coo_matrix((base.discounts[owner] * part.data, (part.row, (last * n + owner) * n_states + part.col)), shape)
        return coo_matrix((data, (row, column)), shape).tocsr(), task.tocsr()

    def _players(self, point: np.ndarray) -> Any:
        """Return what averages over the own actions of each player in each state, sparse, shape (n S, D)."""
        from scipy.sparse import csr_matrix

        own = self._own
        shape = self.base.n_players * self.base.n_states, self.base.size
        return csr_matrix((point[own], (self._player_of, own)), shape)

    def _sums_of_players(self, numbers: np.ndarray) -> np.ndarray:
        return np.bincount(self._player_of, numbers, self.base.n_players * self.base.n_states)

    @cached_property
    def _own(self) -> np.ndarray:
        return np.flatnonzero(self.is_player)

    @cached_property
    def _owner(self) -> np.ndarray:
        """Whose payoff each entry of a point moves, shape (D,)."""
        return self.base.owners[self.base.group_of % self.base.n_groups]

    @cached_property
    def _state_of(self) -> np.ndarray:
        return self.base.group_of // self.base.n_groups

    @cached_property
    def _player_of(self) -> np.ndarray:
        """Player and state of the players' own entries, as the values count them."""
        return self._owner[self._own] * self.base.n_states + self._state_of[self._own]

    @cached_property
    def _transitions(self) -> Any:
        from scipy.sparse import csr_matrix

        _, row_starts, _, indptr, indices, data = self.base.arrays
        return csr_matrix((data, indices, indptr), shape=(int(row_starts[-1]), self.base.n_states))

    @cached_property
    def _takeovers(self) -> tuple[np.ndarray, np.ndarray]:
        """The entries of all takeovers, and those of the actions taken."""
        base = self.base
        bounds = base.bounds[:-1].reshape(-1, base.n_groups)
        entries, sources = [], []
        for s in range(base.n_states):
            for b, takes in enumerate(base.takes):
                at = int(bounds[s, base.n_players + b])
                for j in np.flatnonzero(takes).tolist():
                    count = int(base.n_actions[s, j])
                    entries.append(at + np.arange(count))
                    sources.append(bounds[s, j] + np.arange(count))
                    at += count
        nothing = np.zeros(0, dtype=np.int64)
        return np.concatenate([nothing, *entries]), np.concatenate([nothing, *sources])

    @cached_property
    def _pattern(self) -> tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]]:
        """Rows and columns of what does not depend on the values, and the entries of that which is constant."""
        base = self.base
        levels, begin, end = self.starts
        sizes = np.diff(base.point_starts)
        squares = np.concatenate([[0], np.cumsum(sizes**2)])
        inside = np.arange(squares[-1]) - np.repeat(squares[:-1], sizes**2)
        width, first = np.repeat(sizes, sizes**2), np.repeat(base.point_starts[:-1], sizes**2)
        every = np.arange(base.size)
        values = np.arange(begin, end)
        pairs = np.arange(base.kinds * base.n_players)
        of_slopes = (begin + pairs[:, None] * base.n_states + self._state_of).ravel()
        rows = [first + inside // width, every, levels + base.group_of, values, of_slopes]
        columns = [first + inside % width, levels + base.group_of, every, values, np.tile(every, len(pairs))]
        return rows, columns, [np.ones(base.size), np.ones(base.size), -np.ones(len(values))]

    @property
    def _rows(self) -> list[np.ndarray]:
        return self._pattern[0]

    @property
    def _columns(self) -> list[np.ndarray]:
        return self._pattern[1]

    @property
    def _constants(self) -> list[np.ndarray]:
        return self._pattern[2]

    def tangent(self, linear: Linear, mask: np.ndarray) -> np.ndarray | None:
        system = linear.system(mask)
        if system.bordered is None:
            return None
        direction = np.zeros(len(self.metric))
        direction[system.unknown] = system.kernel
        length = np.sqrt(self.metric @ direction**2)
        return direction / length if length > 0.0 else None

    def missing(self, linear: Linear, mask: np.ndarray) -> int:
        system = linear.system(mask)
        if system.bordered is not None:
            return 0
        if system.matrix.shape[0] > COUNTED:
            raise PathLostError("the start is one of infinitely many equilibria")
        values = np.linalg.svd(system.matrix.toarray(), compute_uv=False)
        return max(1, int((values <= SINGULAR * values[0]).sum()))

    def perturbed_margins(self, linear: Linear, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        system = linear.system(mask)
        numbers = rng.uniform(-1.0, 1.0, linear.derivative.shape[0])
        constants = np.concatenate([numbers[: len(mask)][mask], numbers[len(mask) :]])
        change = np.zeros(linear.derivative.shape[1])
        if system.bordered is None:
            change[system.unknown] = least_solution(system.matrix, constants, SINGULAR)
        else:
            solution = system.bordered.solve(np.append(constants, 0.0))
            along = system.kernel / np.linalg.norm(system.kernel)
            change[system.unknown] = solution - (along @ solution) * along
        return np.where(mask, change[: len(mask)], linear.rates @ change - numbers[: len(mask)])

    def orientation(self, linear: Linear, mask: np.ndarray, direction: np.ndarray) -> float:
        system = linear.system(mask)
        if system.bordered is None:
            return 0.0
        return float(system.bordered.sign * np.sign((self.metric * direction)[system.unknown] @ system.kernel))

    def corrected(
        self, state: np.ndarray, mask: np.ndarray, row: np.ndarray | int | None, target: float = 0.0
    ) -> np.ndarray | None:
        from scipy.sparse import csr_matrix, vstack

        state = state.copy()
        state[: len(mask)][~mask] = 0.0
        last = np.inf
        for _ in range(CORRECTIONS):
            linear = self.linearized(state)
            matrix, unknown = linear.matrix(mask)
            errors = linear.residual(mask)
            if row is not None:
                if isinstance(row, (int, np.integer)):
                    more, error = linear.rates[[row]], linear.slacks[row]
                else:
                    more, error = csr_matrix(row), row @ state - target
                matrix, errors = vstack([matrix, more[:, unknown]], format="csr"), np.append(errors, error)
            change = _solved(matrix, errors, self.span)
            size = float(np.abs(change).max())
            if not size < 10.0 * self.span:
                return None
            state[unknown] -= change
            if size <= ACCURACY * max(1.0, float(np.abs(state).max())) or (size <= 1e-8 and size >= 0.5 * last):
                return state
            last = size
        return None

    def change(self, index: int, begins: bool) -> SupportChange:
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
    return least_solution(matrix, right, SINGULAR)
