r"""The game of some states of a game, in which all others play as they do, however long it takes to come back.

Where most states have settled, the rest is a game of its own. By the equations of the states that stay as they are, the
values ``V'`` of these follow from the values ``V`` of the others,

.. math::
    V' = c + H V, \qquad H = γ (I - γ P_{TT})^{-1} P_{TN},

so that a row is worth ``r + γ P (c, 0)`` at once and ``γ P (H, 1) V`` later. In the form "adversarial" the players are
taken over with chances of their own, so each has transitions of its own; in the form "penalty" the task values of these
states bear on the regularized values too, by what is charged in the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from powergames.games.profiles import read_only
from powergames.numerics.ranges import ranges
from powergames.solvers.stochastic.problem import StochasticProblem, Worth

# Columns of H solved for at once.
BLOCK = 64


@dataclass(frozen=True, eq=False)
class ReducedProblem(StochasticProblem):
    """The problem of some states, the strategies in all others given.

    Attributes
    ----------
    transitions : ndarray, shape (P, R, S)
        ``transitions[plane, row, s]``, discounted on the way through other states.
    plane_of : ndarray of int64, shape (kinds, kinds, n)
        Where the transitions stand by which the worth of a row in terms of values of the first kind depends on values
        of the second kind; -1 where it does not.
    """

    transitions: np.ndarray
    plane_of: np.ndarray

    @classmethod
    def around(cls, problem: StochasticProblem, point: np.ndarray, states: np.ndarray) -> ReducedProblem:
        """Reduce a problem to some states; the others play as they do in a point.

        The cost is that of a sparse factorization for each plane and a solution for each state.
        """
        from scipy.sparse import csr_matrix

        n_actions, row_starts, discounts, indptr, indices, data = problem.arrays
        n, kinds, n_states = problem.n_players, problem.kinds, problem.n_states
        counts = np.diff(row_starts)[states]
        rows = ranges(row_starts[:-1][states], counts)
        following = csr_matrix((data, indices, indptr), shape=(len(indptr) - 1, n_states))[rows]
        rest = np.setdiff1d(np.arange(n_states), states)
        rewards = problem.rewards[:, :, rows].copy()
        plane_of = np.full((kinds, kinds, n), -1)
        planes: list[np.ndarray] = []
        for chances, own in problem.ways(point, range(n)):
            discount = float(discounts[own[0]])
            mixed = csr_matrix(problem.mixed(chances))[rest]
            solve = _solver(discount * mixed[:, rest])
            arriving = _Arriving(following, rest, states, solve, discount * mixed[:, states])
            plane_of[np.ix_(range(kinds), range(kinds), own)] = np.where(np.eye(kinds), len(planes), -1)[:, :, None]
            planes.append(arriving.values())
            charges = problem.row_charges(point, chances) if kinds == 2 else None
            for i in own:
                # What happens if nothing is worth anything in the states left.
                values = np.zeros((kinds, n_states))
                values[-1, rest] = solve(problem.averaged(chances * problem.rewards[-1, i])[rest])
                if charges is not None:
                    paid = problem.averaged(chances * problem.rewards[0, i] + charges[i] * problem.rewards[1, i])
                    charged = discount * csr_matrix(problem.mixed(charges[i]))[rest]
                    values[0, rest] = solve(paid[rest] + charged @ values[1])
                    plane_of[0, 1, i] = len(planes)
                    planes.append(arriving.values(charged))
                rewards[:, i] += discount * (following @ values.T).T
        transitions = np.array(planes)
        arrays = (
            np.ascontiguousarray(n_actions[states]),
            np.concatenate([[0], np.cumsum(counts)]),
            discounts,
            np.arange(len(rows) + 1, dtype=indptr.dtype) * len(states),
            np.tile(np.arange(len(states), dtype=indices.dtype), len(rows)),
            transitions[0].ravel(),
        )
        inherited = {field.name: getattr(problem, field.name) for field in fields(StochasticProblem)}
        changed = {"arrays": arrays, "rewards": rewards, "transitions": transitions, "plane_of": plane_of}
        return cls(**{**inherited, **changed})

    @property
    def planes(self) -> tuple[np.ndarray, np.ndarray]:
        """Transitions and which of them lead from which values to which."""
        return read_only(self.transitions.reshape(len(self.transitions), -1)), self.plane_of

    def worth_to(self, player: int, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what each row is worth to one player, both of shape (R,)."""
        rows = np.array([self.rewards[kind, player] + self._later(kind, player, values) for kind in range(self.kinds)])
        return self.shares[:, player] @ rows, rows[-1]

    def evaluate_players(self, point: np.ndarray, players: list[int], guess: np.ndarray | None = None) -> np.ndarray:
        """Return the values of a point for some players; those of the others are zero. Guesses are not used."""
        from scipy.linalg import lu_factor, lu_solve

        values = np.zeros((self.kinds, self.n_players, self.n_states))
        for chances, own in self.ways(point, players):
            mixed = self._averaging(chances) @ self.transitions[self.plane_of[-1, -1, own[0]]]
            factors = lu_factor(np.eye(self.n_states) - self.discounts[own[0]] * mixed, overwrite_a=True)
            for i in own:
                values[-1, i] = lu_solve(factors, self.averaged(chances * self.rewards[-1, i]))
            if self.kinds == 2:
                charges = self.row_charges(point, chances)
                for i in own:
                    task = self.rewards[1, i] + self._later(1, i, values)
                    regularized = self.rewards[0, i] + self._later(0, i, values)
                    values[0, i] = lu_solve(factors, self.averaged(chances * regularized + charges[i] * task))
        return values

    def _worth(self, rewards: np.ndarray, values: np.ndarray) -> Worth:
        rows = rewards.copy()
        for kind, player in np.ndindex(self.kinds, self.n_players):
            rows[kind, player] += self._later(kind, player, values)
        return (self.shares[:, :, None] * rows).sum(axis=0), rows[-1]

    def _later(self, kind: int, player: int, values: np.ndarray) -> np.ndarray:
        """Return what rows are worth by the values, shape (R,)."""
        result = np.zeros(self.rewards.shape[2])
        for other in range(self.kinds):
            plane = self.plane_of[kind, other, player]
            if plane >= 0:
                result += self.discounts[player] * (self.transitions[plane] @ values[other, player])
        return result

    def _averaging(self, weights: np.ndarray) -> Any:
        """Return a sparse matrix that sums up rows state by state, shape (S, R)."""
        from scipy.sparse import csr_matrix

        used = np.flatnonzero(weights)
        starts = np.searchsorted(used, self.arrays[1])
        return csr_matrix((weights[used], used, starts), shape=(self.n_states, len(weights)))


@dataclass(frozen=True, eq=False)
class _Arriving:
    """How the worth of rows depends on the values of states, by the ways that lead there through the others."""

    following: Any
    rest: np.ndarray
    states: np.ndarray
    solve: Callable[[np.ndarray], np.ndarray]
    back: Any

    def values(self, charged: Any = None) -> np.ndarray:
        """Return that dependence, shape (R, S), or that by what is charged on the way if that is given."""
        result = np.empty((self.following.shape[0], len(self.states)))
        for begin in range(0, len(self.states), BLOCK):
            block = slice(begin, min(begin + BLOCK, len(self.states)))
            values = np.zeros((self.following.shape[1], block.stop - begin))
            values[self.rest] = self.solve(self.back[:, block].toarray())
            values[self.states[block], np.arange(block.stop - begin)] = 1.0
            if charged is not None:
                after = self.solve(charged @ values)
                values[:] = 0.0
                values[self.rest] = after
            result[:, block] = self.following @ values
        return result


def _solver(matrix: Any) -> Callable[[np.ndarray], np.ndarray]:
    """Return a solver of systems of the identity less a matrix."""
    from scipy.sparse import csc_matrix, eye_array
    from scipy.sparse.linalg import splu

    if matrix.shape[0] == 0:
        return np.copy
    return splu(csc_matrix(eye_array(matrix.shape[0]) - matrix)).solve
