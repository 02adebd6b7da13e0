"""Linear systems of discounted values, ``v = r + γ P v``, solved until the residual is rounding.

The methods, each tried where the one before makes no progress: a dense factorization of few states; else BiCGSTAB, from
two starting points, a sparse factorization where even a full one would fit in memory, and at last plain sweeps
``v <- r + γ P v``, slow for γ near one but sure. Each corrects the last iterate, so the residual that is checked is the
true one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import numpy as np

# States up to which a dense factorization is quicker than anything else for dense transitions, and for sparse ones.
DENSE = 1500
FEW = 200

# States up to which a sparse factorization may fill in completely.
FILLED = 10_000

# Sweeps after which BiCGSTAB is tried again.
RESTART = 30

_EPS = float(np.finfo(np.float64).eps)

_Correction = Callable[[np.ndarray], np.ndarray]


class DiscountedSystem:
    """The systems ``v = r + γ P v`` and ``d = r + γ P' d`` of one matrix.

    Parameters
    ----------
    transitions : ndarray or scipy.sparse matrix, shape (S, S)
        ``P[s, s']``, each row a probability distribution.
    discount : float
        γ in [0, 1).

    Notes
    -----
    The error of a solution is at most its residual, a few units of rounding of the solution, divided by ``1 - γ``.

    Examples
    --------
    >>> system = DiscountedSystem(np.array([[0.0, 1.0], [0.0, 1.0]]), 0.5)
    >>> system.solve(np.array([1.0, 2.0]))
    array([3., 4.])
    """

    def __init__(self, transitions: Any, discount: float) -> None:
        n_states = transitions.shape[0]
        self._dense = n_states <= DENSE
        if self._dense and not isinstance(transitions, np.ndarray):
            self._dense = n_states <= FEW or 4 * transitions.nnz >= n_states**2
            if self._dense:
                transitions = transitions.toarray()
        self._transitions = transitions
        self._discount = float(discount)

    def solve(self, rewards: np.ndarray, guess: np.ndarray | None = None) -> np.ndarray:
        """Return the values of a reward per state, shape (S,); a good guess saves steps and changes nothing else."""
        return self._solve(rewards, False, guess)

    def occupancy(self, start: np.ndarray) -> np.ndarray:
        """Return the discounted number of visits to each state, shape (S,), from a distribution of the first one."""
        return self._solve(start, True)

    def _solve(self, right: np.ndarray, transposed: bool, guess: np.ndarray | None = None) -> np.ndarray:
        if self._discount == 0.0:
            return np.array(right, dtype=np.float64)
        matrix = self._transposed if transposed else self._transitions
        # The norm in which the matrix is no expansion, so that sweeps are sure to converge.
        norm = 1 if transposed else np.inf
        solution = np.zeros(len(right)) if guess is None else guess
        for correct in self._corrections(transposed):
            last = np.inf
            while True:
                residual = matrix @ solution
                residual *= self._discount
                residual += right - solution
                size = float(np.linalg.norm(residual, norm))
                if size <= 8 * _EPS * np.linalg.norm(solution, norm):
                    return solution
                if not size <= last / 4:
                    break
                last, best = size, solution
                # BiCGSTAB takes a small residual for the end.
                unit = np.abs(residual).max()
                step = unit * correct(residual / unit)
                solution = solution + step
            # The last step did not pay: rounding, if the residual was that small already, or the method is at its end.
            if last < np.inf:
                solution = best
            if last <= 64 * _EPS * np.linalg.norm(solution, norm):
                return solution
        # Sweeps, the last resort, end only at rounding.
        return solution

    def _corrections(self, transposed: bool) -> Iterator[_Correction]:
        """Yield methods that solve for a given residual, more or less."""
        from scipy.sparse.linalg import LinearOperator, bicgstab, splu

        matrix = self._transposed if transposed else self._transitions
        n_states = matrix.shape[0]

        def sweeps(residual: np.ndarray, count: int) -> np.ndarray:
            total = residual
            for _ in range(count):
                total = residual + self._discount * (matrix @ total)
            return total

        if self._dense:
            yield self._by_factors(transposed)
        else:
            system = LinearOperator((n_states, n_states), lambda v: v - self._discount * (matrix @ v), dtype=np.float64)

            def krylov(residual: np.ndarray) -> np.ndarray:
                with np.errstate(over="ignore", invalid="ignore"):
                    step, failed = bicgstab(system, residual, rtol=1e-8, maxiter=500)
                    if failed:
                        # It breaks down on special right sides, such as constant ones; a few sweeps away it does not.
                        near = sweeps(residual, RESTART)
                        step, _ = bicgstab(system, residual, x0=near, rtol=1e-8, maxiter=500)
                return step

            yield krylov
            if n_states <= FILLED:
                yield splu(_columns(matrix, self._discount)).solve

        enough = int(np.ceil(np.log(8) / -np.log(self._discount)))
        yield lambda residual: sweeps(residual, enough)

    def _by_factors(self, transposed: bool) -> _Correction:
        from scipy.linalg import lu_solve

        factors = self._factors
        return lambda residual: lu_solve(factors, residual, trans=int(transposed))

    @cached_property
    def _transposed(self) -> Any:
        matrix = self._transitions
        return matrix.T if isinstance(matrix, np.ndarray) else matrix.T.tocsr()

    @cached_property
    def _factors(self) -> Any:
        from scipy.linalg import lu_factor

        return lu_factor(np.eye(len(self._transitions)) - self._discount * self._transitions)


def _columns(matrix: Any, discount: float) -> Any:
    """Return ``I - γ P`` by columns, as factorizations want it."""
    from scipy.sparse import csc_matrix, eye_array

    return csc_matrix(eye_array(matrix.shape[0]) - discount * matrix)
