"""The inverse of a matrix of which a few lines change, again and again.

A change of a few lines adds a product of two narrow matrices to the inverse. Several of them wait, and are then added
together: that takes hardly longer than to add a single one, since it is the memory that is slow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Limits:
    """How many changes wait, and when entries of zero are left out."""

    pending: int = 48
    """So many changes of lines wait until they are added."""
    few: float = 0.05
    """Lines with entries in at most this share of the columns are multiplied without the others."""


LIMITS = Limits()


@dataclass(frozen=True, eq=False)
class Factorized:
    """A matrix whose inverse is not known yet, but which is factorized."""

    factors: Any
    order: Any

    @classmethod
    def of(cls, matrix: np.ndarray) -> Factorized | None:
        """Factorize a matrix; None where it is singular."""
        from scipy.linalg.lapack import dgetrf

        factors, order, singular = dgetrf(matrix)
        return None if singular or not np.isfinite(factors).all() else cls(factors, order)

    def times(self, vector: np.ndarray) -> np.ndarray:
        """Return the product of the inverse and a vector."""
        from scipy.linalg.lapack import dgetrs

        return np.asarray(dgetrs(self.factors, self.order, vector)[0])

    @property
    def sign(self) -> float:
        """Sign of the determinant."""
        swaps = np.count_nonzero(self.order != np.arange(len(self.order)))
        negative = np.count_nonzero(np.diag(self.factors) < 0.0)
        return float((-1.0) ** (swaps + negative))

    def inverse(self) -> Inverse | None:
        """Return the inverse; None where it overflows."""
        from scipy.linalg.lapack import dgetri, dgetri_lwork

        size = len(self.factors)
        columns = dgetri(self.factors, self.order, lwork=int(dgetri_lwork(size)[0]))[0].T
        nothing = np.zeros((size, 0))
        return Inverse(columns, nothing, nothing.T) if np.isfinite(columns).all() else None


@dataclass(frozen=True, eq=False)
class Inverse:
    """The inverse of a matrix.

    Attributes
    ----------
    base : ndarray, shape (K, K)
        Columns of an earlier inverse, one after the other.
    left : ndarray, shape (K, C)
    right : ndarray, shape (C, K)
        The product of both, taken from those columns, is what has changed since.
    """

    base: np.ndarray
    left: np.ndarray
    right: np.ndarray

    def times(self, vector: np.ndarray) -> np.ndarray:
        """Return the product of the inverse and a vector."""
        return np.asarray(vector @ self.base - (vector @ self.left) @ self.right)

    def columns(self, lines: np.ndarray) -> np.ndarray:
        """Return the columns that belong to some lines of the matrix, one after the other."""
        return np.asarray(self.base[lines] - self.left[lines] @ self.right)

    def inverse(self) -> Inverse:
        """Return the inverse."""
        return self

    def with_lines(self, lines: np.ndarray, new: np.ndarray) -> Inverse | None:
        """Return the inverse of the matrix in which some lines are new; None where that is singular."""
        held = np.flatnonzero(new.any(axis=0))
        few = len(held) <= LIMITS.few * len(self.base)
        products = self.base[:, held] @ new[:, held].T if few else self.base @ new.T
        products -= self.left @ (self.right @ new.T)
        small = products[lines]
        products[lines, np.arange(len(lines))] -= 1.0
        try:
            factors = np.linalg.solve(small.T, products.T).T
        except np.linalg.LinAlgError:
            return None
        left, right = np.hstack([self.left, factors]), np.vstack([self.right, self.columns(lines)])
        if len(right) < LIMITS.pending:
            return Inverse(self.base, left, right)
        return Inverse(self.base - left @ right, left[:, :0], right[:0])
