"""The problem in which nobody has two actions in a state that do the same, whatever the others do.

Who bumps into a wall might as well have stayed. An equilibrium of the smaller problem is one of the whole, since nobody
gains by an action that is there already; it has fewer rows, and fewer ties in which methods lose their way.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from powergames.numerics.ranges import ranges
from powergames.solvers.stochastic.problem import StochasticProblem


@dataclass(frozen=True, eq=False)
class Distinct:
    """A problem without duplicates, and how its points belong to those of the whole.

    Attributes
    ----------
    problem : StochasticProblem
    place : ndarray of int64, shape (D,)
        Where in a point of `problem` stands what does the same as each entry of a point of the whole.
    kept : ndarray of int64
        Where in a point of the whole the entries of `problem` stand.
    """

    problem: StochasticProblem
    place: np.ndarray
    kept: np.ndarray

    @classmethod
    def of(cls, whole: StochasticProblem) -> Distinct:
        """Keep the first of all actions of a player that do the same in a state, and takeovers by these."""
        from powergames.kernels.duplicates import first_alike

        n_actions, row_starts, discounts, indptr, indices, data = whole.arrays
        alike = first_alike(n_actions, row_starts, indptr, indices, data, whole.rewards[-1])
        entries = np.arange(whole.size)
        first = entries.copy()
        everybody = np.concatenate([np.eye(whole.n_players, dtype=bool), whole.takes])
        for group, takes in enumerate(everybody):
            start = whole.bounds[:-1].reshape(-1, whole.n_groups)[:, group].copy()
            for player in np.flatnonzero(takes).tolist():
                state, action = np.nonzero(whole.exists(player))
                first[start[state] + action] = start[state] + alike[player, state, action]
                start += n_actions[:, player]
        used = first == entries
        place, kept = (np.cumsum(used) - 1)[first], np.flatnonzero(used)
        if len(kept) == whole.size:
            return cls(whole, place, kept)
        counts = np.add.reduceat(used, whole.bounds[:-1], dtype=np.int64).reshape(-1, whole.n_groups)
        rows = np.flatnonzero(used[whole.row_entries].all(axis=0))
        sizes = np.diff(indptr)[rows]
        follows = ranges(indptr[:-1][rows], sizes)
        arrays = (
            np.ascontiguousarray(counts[:, : whole.n_players]),
            np.searchsorted(rows, row_starts),
            discounts,
            np.concatenate([[0], np.cumsum(sizes)]).astype(indptr.dtype),
            indices[follows],
            data[follows],
        )
        problem = replace(whole, arrays=arrays, rewards=np.ascontiguousarray(whole.rewards[:, :, rows]))
        return cls(problem, place, kept)

    def shortened(self, point: np.ndarray) -> np.ndarray:
        """Return the point of the problem that does what a point of the whole does."""
        return np.bincount(self.place, weights=point)

    def lifted(self, point: np.ndarray, like: np.ndarray | None = None) -> np.ndarray:
        """Return the point of the whole in which a point of the problem is played.

        Of actions that do the same the first one is, or each as often as in another point of the whole.
        """
        shares = np.zeros(len(self.place))
        shares[self.kept] = 1.0
        if like is not None:
            sums = self.shortened(like)[self.place]
            np.divide(like, sums, out=shares, where=sums > 0.0)
        return np.asarray(shares * point[self.place])
