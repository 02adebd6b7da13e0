"""Square linear systems, factorized once: solutions, the sign of the determinant, and how near to singular they are."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Limits:
    """Up to which size factorizations are dense, and how the least singular value is found."""

    dense_rows: int = 120
    """Up to this many rows a dense factorization is quicker, also where several threads slow it down."""
    shortest_rows: int = 1_000
    """Up to this many rows shortest solutions are found by a dense factorization."""
    largest_dense: int = 5_000
    """Up to this many rows matrices may be dense where their sparse factors have many entries."""
    sparse_share: float = 0.25
    """Sparse factors have few entries if these are at most this share of those of a dense matrix."""
    inverse_iterations: int = 3
    """Rounds of inverse iteration for the least singular value."""


LIMITS = Limits()


class Factors:
    """An LU factorization.

    Parameters
    ----------
    matrix : scipy.sparse matrix, shape (m, m)

    Raises
    ------
    numpy.linalg.LinAlgError
        If the matrix is exactly singular, or not finite.

    Examples
    --------
    >>> from scipy.sparse import csr_matrix
    >>> factors = Factors(csr_matrix([[0.0, 2.0], [1.0, 0.0]]))
    >>> factors.solve(np.array([2.0, 3.0])).tolist(), factors.sign
    ([3.0, 1.0], -1.0)
    """

    def __init__(self, matrix: Any) -> None:
        from scipy.linalg.lapack import dgetrf
        from scipy.sparse.linalg import splu

        self.size = matrix.shape[0]
        entries = np.abs(matrix)
        # No singular value is greater.
        self.norm = float(np.sqrt(entries.sum(axis=0).max() * entries.sum(axis=1).max()))
        if not np.isfinite(self.norm):
            raise np.linalg.LinAlgError
        self._dense: tuple[np.ndarray, np.ndarray] | None = None
        if self.size <= LIMITS.dense_rows:
            factors, order, singular = dgetrf(matrix.toarray())
            if singular:
                raise np.linalg.LinAlgError
            self._dense = factors, order
        else:
            try:
                self._sparse = splu(matrix.tocsc())
            except RuntimeError:
                raise np.linalg.LinAlgError from None

    def solve(self, right: np.ndarray, transposed: bool = False) -> np.ndarray:
        """Return the solution for a right-hand side, of this system or of the transposed one."""
        from scipy.linalg.lapack import dgetrs

        if self._dense is None:
            return np.asarray(self._sparse.solve(right, "T" if transposed else "N"))
        return np.asarray(dgetrs(*self._dense, right, trans=int(transposed))[0])

    @cached_property
    def sign(self) -> float:
        """The sign of the determinant."""
        if self._dense is not None:
            factors, order = self._dense
            swaps = np.count_nonzero(order != np.arange(self.size))
            return float((-1.0) ** (swaps + np.count_nonzero(np.diag(factors) < 0.0)))
        negative = np.count_nonzero(self._sparse.U.diagonal() < 0.0)
        return float((-1.0) ** negative) * _parity(self._sparse.perm_r) * _parity(self._sparse.perm_c)

    @cached_property
    def least(self) -> float:
        """The least singular value, estimated, relative to a bound on the greatest."""
        vector = np.random.default_rng(0).standard_normal(self.size)
        length = 1.0
        for _ in range(LIMITS.inverse_iterations):
            vector /= np.linalg.norm(vector)
            vector = self.solve(self.solve(vector, transposed=True))
            length = float(np.linalg.norm(vector))
            if not 0.0 < length < np.inf:
                return 0.0
        return length**-0.5 / self.norm


def least_solution(matrix: Any, right: np.ndarray, singular: float) -> np.ndarray:
    """Return the shortest of the vectors that come closest to a solution.

    Parameters
    ----------
    matrix : scipy.sparse matrix, shape (m, k)
    right : ndarray, shape (m,)
    singular : float
        Singular values below this fraction of the greatest count as zero.

    Examples
    --------
    >>> from scipy.sparse import csr_matrix
    >>> least_solution(csr_matrix([[1.0, 1.0]]), np.array([2.0]), 1e-10).round(9).tolist()
    [1.0, 1.0]
    """
    from scipy.sparse.linalg import lsmr

    if matrix.shape[0] <= LIMITS.shortest_rows:
        return np.linalg.lstsq(matrix.toarray(), right, rcond=singular)[0]
    return np.asarray(lsmr(matrix, right, atol=1e-14, btol=1e-14, conlim=1.0 / singular, maxiter=10 * len(right))[0])


def _parity(order: np.ndarray) -> float:
    """Return 1 for an even permutation, -1 for an odd one."""
    seen = np.zeros(len(order), dtype=bool)
    cycles = 0
    for first in range(len(order)):
        if not seen[first]:
            cycles += 1
            place = first
            while not seen[place]:
                seen[place] = True
                place = int(order[place])
    return -1.0 if (len(order) - cycles) % 2 else 1.0


def most_filled(matrix: Any) -> int:
    """Return a bound on the entries of factors, in an order in which all entries are near the diagonal."""
    from scipy.sparse.csgraph import reverse_cuthill_mckee

    order = reverse_cuthill_mckee(matrix)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    row, column = matrix.nonzero()
    distance = np.abs(place[row].astype(np.int64) - place[column])
    reach = np.zeros(len(order), dtype=np.int64)
    np.maximum.at(reach, np.maximum(place[row], place[column]), distance)
    return 2 * int(reach.sum())
