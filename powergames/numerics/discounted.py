"""Linear systems of discounted values, ``v = r + γ P v``, solved until the residual is rounding.

The methods, each tried where the one before makes no progress: a dense factorization of few states; else BiCGSTAB, from
two starting points, a sparse factorization where even a full one would fit in memory, and at last plain sweeps
``v <- r + γ P v``, slow for γ near one but sure. Each corrects the last iterate, so the residual that is checked is the
true one.

With γ near one, values can be so large that ``r + γ P v - v`` is the small difference of large numbers. Since the rows
of ``P`` sum to one, the residual is then computed as

    r(s) - (1 - γ) v(s) + γ Σ_s' P(s, s') (v(s') - v(s)),

whose rounding is that of the differences, and the solution is corrected until that changes nothing. With ``ρ(s)`` the
residual and what rounding may add to it, no value is off by more than the solution of ``e = ρ + γ P e``.
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

# Discount from which on residuals are computed by differences, and corrections that a solution then gets at most.
NEAR_ONE = 0.999
CORRECTIONS = 8

# An error relative to the greatest value that needs no closer bound.
PRECISE = 1e-13

# Rows whose sum differs from one by less than this sum to one.
WHOLE = 1e-10

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
        values = self._solve(rewards, False, guess)
        return self._corrected(rewards, values) if self._discount >= NEAR_ONE else values

    def swept(self, rewards: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
        """Return values, shape (S,), after some sweeps ``v <- r + γ P v``."""
        for _ in range(count):
            values = rewards + self._discount * (self._transitions @ values)
        return values

    def error(self, rewards: np.ndarray, values: np.ndarray) -> float:
        """Return a bound on the error of the value of any state, for values that `solve` returns.

        The bound is proved up to the rounding in itself.
        """
        residual, rounding = self._residual(rewards, values)
        simple = float((np.abs(residual) + rounding).max()) / (1.0 - self._discount)
        if simple <= PRECISE * float(np.abs(values).max()):
            return simple
        # What a further correction would change, and what that leaves.
        step = self.solve(residual)
        left, more = self._residual(residual, step)
        size = np.abs(left) + rounding + more
        bound = self.solve(size)
        lack = np.maximum(self._residual(size, bound)[0], 0.0)
        return min(simple, float(np.abs(step).max() + bound.max() + lack.max() / (1.0 - self._discount)))

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
        # Sweeps, the last resort, end only at rounding, as do factors where γ is near one.
        return solution

    def _corrected(self, rewards: np.ndarray, values: np.ndarray) -> np.ndarray:
        """Correct values by accurate residuals until that changes them by rounding only, or pays no more."""
        correct, last = next(self._corrections(False)), np.inf
        for _ in range(CORRECTIONS):
            residual = self._residual(rewards, values)[0]
            unit = float(np.abs(residual).max())
            if unit == 0.0:
                break
            step = unit * correct(residual / unit)
            size = float(np.abs(step).max())
            if not size <= last / 2:
                break
            values, last = values + step, size
            if size <= 4 * _EPS * np.abs(values).max():
                break
        return values

    def _residual(self, rewards: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return ``r + γ P v - v`` by differences, and a bound on its rounding, both of shape (S,)."""
        owner, following, chances, missing = self._edges
        n_states = len(values)
        terms = chances * (values[following] - values[owner])
        ends = (1.0 - self._discount + self._discount * missing) * values
        residual = rewards - ends + self._discount * np.bincount(owner, terms, n_states)
        sizes = np.abs(rewards) + np.abs(ends) + self._discount * np.bincount(owner, np.abs(terms), n_states)
        return residual, _EPS * (self._most + 3) * sizes

    @cached_property
    def _edges(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Each transition's state, next state and probability, and what is missing to one in each state."""
        from scipy.sparse import coo_array

        edges = coo_array(self._transitions)
        missing = 1.0 - np.bincount(edges.row, edges.data, edges.shape[0])
        return edges.row, edges.col, edges.data, np.where(np.abs(missing) > WHOLE, missing, 0.0)

    @cached_property
    def _most(self) -> int:
        """Greatest number of transitions of a state."""
        return int(np.bincount(self._edges[0]).max(initial=0))

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
        if self._discount >= NEAR_ONE and (self._dense or n_states <= FILLED):
            # Factors are as good as rounding allows, and sweeps would take too long.
            return
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
