"""Newton's method for all states at once: on the supports of an equilibrium, and along the logit path.

Strategies are eliminated state by state, which leaves a linear system in the values alone: kinds x players x states
unknowns, whatever the number of actions. It is solved by a sparse factorization where its factors are surely small,
else densely where there are few unknowns, else by a sparse factorization all the same, or iteratively where there are
many.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from powergames.results import Status
from powergames.solvers.stochastic.factors import LIMITS as DENSITY
from powergames.solvers.stochastic.factors import Factors, most_filled
from powergames.solvers.stochastic.inverse import Factorized
from powergames.solvers.stochastic.problem import StochasticProblem, Worth
from powergames.solvers.stochastic.search import Best, Found, Search


@dataclass(frozen=True)
class Limits:
    """Which linear algebra serves which size, and how long Newton's method on supports goes on."""

    dense_unknowns: int = 500
    """Up to this many unknowns the linear system is dense."""
    iterative_unknowns: int = 2_000
    """Beyond this many unknowns a sparse system is solved iteratively."""
    few_entries: int = 20_000_000
    """It is factorized all the same if its factors have at most this many entries, which takes a second."""
    most_entries: int = 500_000_000
    """Where iterations fail it is factorized if its factors have at most this many entries."""
    signed_unknowns: int = 4_000
    """Up to this many unknowns it is factorized to tell the sign of its determinant."""
    iterations: int = 2_000
    """Iterations with such a system, each of two products with the matrix."""
    steps: int = 20
    """Steps on one support."""
    supports: int = 10
    """Corrections of the supports."""
    longest_step: float = 3.0
    """A step may move a probability by this much if another one is to follow."""
    longest_last_step: float = 100.0
    """A last step up to this length still tells what is not in use."""
    pivots: int = 15
    """Changes of supports, one at a time."""
    exact_unknowns: int = 600
    """Up to this many unknowns systems are solved exactly even where that is not needed."""
    gmres_steps: int = 150
    """Iterations of GMRES at most."""
    gmres_checks: int = 8
    """GMRES looks at the error whenever it has made so many iterations."""
    gmres_entries: int = 50_000_000
    """Entries of the vectors that GMRES keeps."""
    tied: float = 0.1
    """What comes into use is better than what is in use by this share of what counts as rounding."""
    exact: float = 1e-14
    """Steps as short as this are rounding."""
    contraction: float = 0.5
    """A step longer than this share of the one before shrinks no longer."""
    short: float = 1e-7
    """Steps that no longer shrink must be this short already."""


LIMITS = Limits()


@dataclass(frozen=True, eq=False)
class Linearized:
    """The equations of all states, linearized at a point."""

    problem: StochasticProblem
    solve: Callable[[np.ndarray], np.ndarray]
    errors: np.ndarray
    steps: np.ndarray
    responses: np.ndarray
    slopes: np.ndarray
    orientation: Callable[[], float]
    weights: tuple[np.ndarray, np.ndarray]

    @classmethod
    def at(
        cls,
        problem: StochasticProblem,
        point: np.ndarray,
        values: np.ndarray,
        used: np.ndarray,
        *,
        free: np.ndarray | None = None,
        logs: np.ndarray | None = None,
        prior: np.ndarray | None = None,
        precision: float = 0.0,
        accuracy: float = 0.0,
        damping: float = 0.0,
    ) -> Linearized:
        """Linearize at a point and values, by default with no state free; see `powergames.kernels.stages`.

        With an `accuracy`, linear systems are solved iteratively, up to that share of the right-hand side where this
        takes few iterations. The values then move as if time passed with rate one, and for one over `damping`.
        """
        exact = accuracy == 0.0
        # On supports many transitions play no part.
        full = problem.ordinary or (logs is not None and problem.fills_factors)
        dense = exact and values.size <= (DENSITY.largest_dense if full else LIMITS.dense_unknowns)
        worth = problem.worth(values)
        weights, parts = system(
            problem, point, used, worth, free=free, logs=logs, prior=prior, precision=precision, dense=dense
        )
        matrix, rows, columns, entries, steps, responses, slopes, gradient, sign = parts
        if exact:
            solve, orientation = _dense(matrix) if dense else _sparse(values.size, rows, columns, entries)
        else:
            solve, orientation = _inexact(values.size, rows, columns, entries, accuracy, damping)
        errors = problem.backup(point, worth, gradient) - values
        return cls(problem, solve, errors, steps, responses, slopes, lambda: sign * orientation(), weights)

    def changes(self, column: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the change of the point (of its logarithms in free states) and of the values.

        Column 0 is what mends the errors, column 1 what one unit of precision does.
        """
        from powergames.kernels.stages import payments, respond

        problem = self.problem
        # What every state would do if the values stayed, and by how much what it is worth exceeds its values.
        step = self.steps[:, column]
        errors = self.errors if column == 0 else np.zeros_like(self.errors)
        right = errors + np.add.reduceat(self.slopes * step, problem.point_starts[:-1], axis=2)
        values = self.solve(right.ravel()).reshape(errors.shape)
        if problem.ends:
            return step, values
        paid = payments(*problem.layout[:5], *self.weights, *problem.changed_worth(values))
        return step + respond(problem.point_starts, self.responses, paid), values


def system(
    problem: StochasticProblem,
    point: np.ndarray,
    used: np.ndarray,
    worth: Worth,
    *,
    free: np.ndarray | None = None,
    logs: np.ndarray | None = None,
    prior: np.ndarray | None = None,
    precision: float = 0.0,
    dense: bool,
) -> tuple[tuple[np.ndarray, np.ndarray], tuple[Any, ...]]:
    """Return the weights of rows at a point, and what `powergames.kernels.stages.newton_system` does."""
    from powergames.kernels.stages import newton_system, row_weights

    nothing = np.zeros((0, 0)), np.zeros((0, 0))
    weights = nothing if problem.ends else row_weights(*problem.layout, point)
    parts = newton_system(
        problem.arrays[:-1],
        *problem.planes,
        problem.point_starts,
        problem.egos,
        problem.takes,
        problem.weights,
        problem.shares,
        *worth,
        point,
        *weights,
        point if logs is None else logs,
        point if prior is None else prior,
        precision,
        used,
        np.zeros(problem.n_states, dtype=bool) if free is None else free,
        dense,
    )
    return weights, parts


# Solves for a right-hand side, and the sign of the determinant, zero where that is not known.
_Solver = tuple[Callable[[np.ndarray], np.ndarray], Callable[[], float]]


def _dense(matrix: np.ndarray) -> _Solver:
    factorized = Factorized.of(matrix)
    if factorized is None:
        raise np.linalg.LinAlgError
    return factorized.times, lambda: factorized.sign


def _sparse(size: int, rows: np.ndarray, columns: np.ndarray, entries: np.ndarray) -> _Solver:
    from scipy.sparse import csr_matrix, eye_array
    from scipy.sparse.linalg import bicgstab

    matrix = csr_matrix(csr_matrix((entries, (rows, columns)), shape=(size, size)) + eye_array(size, format="csr"))
    filled = most_filled(matrix)

    @cache
    def factorized() -> _Solver:
        if size <= DENSITY.largest_dense and filled > DENSITY.sparse_share * size**2:
            return _dense(matrix.toarray())
        if filled > LIMITS.most_entries:
            raise np.linalg.LinAlgError
        factors = Factors(matrix)
        return factors.solve, lambda: factors.sign

    if size <= LIMITS.iterative_unknowns or filled <= LIMITS.few_entries:
        return factorized()

    def solve(right: np.ndarray) -> np.ndarray:
        unit = float(np.abs(right).max())
        if unit == 0.0:
            return right
        # Squared lengths below 1e-32 count as a breakdown, whatever the right-hand side.
        solution, failed = bicgstab(matrix, right / unit, rtol=1e-11, maxiter=LIMITS.iterations)
        if failed or not np.isfinite(solution).all():
            return factorized()[0](right)
        return np.asarray(unit * solution)

    return solve, lambda: factorized()[1]() if size <= LIMITS.signed_unknowns else 0.0


def _inexact(
    size: int, rows: np.ndarray, columns: np.ndarray, entries: np.ndarray, accuracy: float, damping: float
) -> _Solver:
    from scipy.sparse import csr_matrix

    if size <= LIMITS.exact_unknowns:
        matrix = np.zeros((size, size))
        matrix[rows, columns] = entries
        matrix[np.diag_indices(size)] += 1.0 + damping
        return _dense(matrix)
    couplings = csr_matrix((entries, (rows, columns)), shape=(size, size))
    return (
        lambda right: _gmres(lambda vector: (1.0 + damping) * vector + couplings @ vector, right, accuracy)
    ), lambda: 0.0


def _gmres(multiply: Callable[[np.ndarray], np.ndarray], right: np.ndarray, accuracy: float) -> np.ndarray:
    """Solve a linear system by GMRES; SciPy's takes ten times as long for as small ones as here."""
    length = float(np.linalg.norm(right))
    if not 0.0 < length < np.inf:
        return right
    kept = min(LIMITS.gmres_steps, max(LIMITS.gmres_checks, LIMITS.gmres_entries // len(right)))
    basis, products = np.empty((kept + 1, len(right))), np.zeros((kept + 1, kept))
    basis[0] = right / length
    shares: np.ndarray = np.zeros(0)
    count = 0
    while count < kept:
        vector = multiply(basis[count])
        own = basis[: count + 1] @ vector
        vector -= own @ basis[: count + 1]
        products[: count + 1, count], rest = own, float(np.linalg.norm(vector))
        products[count + 1, count] = rest
        count += 1
        if count % LIMITS.gmres_checks == 0 or count == kept or not rest > 0.0:
            target = np.zeros(count + 1)
            target[0] = length
            shares = np.linalg.lstsq(products[: count + 1, :count], target, rcond=None)[0]
            if not np.linalg.norm(products[: count + 1, :count] @ shares - target) > accuracy * length or rest == 0.0:
                break
        basis[count] = vector / rest
    return np.asarray(shares @ basis[: len(shares)])


def finish(problem: StochasticProblem, point: np.ndarray, used: np.ndarray, search: Search) -> Found:
    """Look for an equilibrium near a point, on given supports to begin with."""
    seen: set[bytes] = set()
    with search.best(problem, Found.nothing(problem, point)) as best:
        for _ in range(LIMITS.supports):
            if (new := _solved_anew(problem, point, used, seen, best)) is None:
                break
            solution, solved, _, gradient = new
            if not solved:
                # Equations of too many actions have no solution: those that leave first are not in use.
                if not (solution < 0.0).any():
                    break
                used = used & (solution > 0.0)
                continue
            positive = used & (solution > 0.0)
            top = np.maximum.reduceat(np.where(positive, gradient, -np.inf), problem.bounds[:-1])[problem.group_of]
            # What is merely as good stays away: among many ties it would come and go forever.
            used = positive | (gradient > top + LIMITS.tied * best.target)
    return best.found(Status.STALLED)


def pivot(problem: StochasticProblem, point: np.ndarray, used: np.ndarray, search: Search) -> Found:
    """Look for an equilibrium near a point; as `finish`, but one action or takeover at a time comes into use or leaves.

    On the way to a solution that is none of probabilities, what leaves is what is the first not to be played any more.
    """
    seen: set[bytes] = set()
    with search.best(problem, Found.nothing(problem, point)) as best:
        for _ in range(LIMITS.pivots):
            if (new := _solved_anew(problem, point, used, seen, best)) is None:
                break
            solution, solved, inside, gradient = new
            negative = np.flatnonzero(used & (solution < 0.0))
            used = used.copy()
            if len(negative):
                lengths = point[negative] / (point[negative] - solution[negative])
                used[negative[lengths.argmin()]] = False
                if solved:
                    point = problem.normalized(point + lengths.min() * (solution - point))
            else:
                top = np.maximum.reduceat(np.where(used, gradient, -np.inf), problem.bounds[:-1])[problem.group_of]
                gains = np.where(used, -np.inf, gradient - top)
                if not solved or gains.max() <= LIMITS.tied * best.target:
                    break
                used[gains.argmax()] = True
                point = inside
    return best.found(Status.STALLED)


def _solved_anew(
    problem: StochasticProblem, start: np.ndarray, used: np.ndarray, seen: set[bytes], best: Best
) -> tuple[np.ndarray, bool, np.ndarray, np.ndarray] | None:
    """Return what `_solve_on` does, the strategies nearby and their gradient; None if that ends the search."""
    if used.tobytes() in seen or not np.logical_or.reduceat(used, problem.bounds[:-1]).all():
        return None
    seen.add(used.tobytes())
    solution, solved = _solve_on(problem, start, used, best)
    # Also where the equations are singular, since strategies are interchangeable, it may be an equilibrium.
    inside = problem.normalized(solution)
    gradient = best.look(inside, problem.worth(problem.evaluate(inside))).gradient
    return None if best.done else (solution, solved, inside, gradient)


def _solve_on(problem: StochasticProblem, start: np.ndarray, used: np.ndarray, best: Best) -> tuple[np.ndarray, bool]:
    """Solve the equations of supports; return where that ends, entries may be negative, and whether it is solved."""
    point = problem.normalized(np.where(used, start, 0.0))
    values = problem.evaluate(point)
    last = np.inf
    for _ in range(LIMITS.steps):
        try:
            change, change_of_values = Linearized.at(problem, point, values, used).changes(0)
        except np.linalg.LinAlgError:
            return start, False
        best.step("Newton's method", problem.linear_work)
        size = float(np.abs(change).max())
        # Also not a number.
        if not size <= LIMITS.longest_last_step:
            return start, False
        point, values = point + change, values + change_of_values
        if size <= LIMITS.exact or (size > LIMITS.contraction * last and size <= LIMITS.short):
            return point, True
        if size > min(2.0 * last, LIMITS.longest_step):
            return point, False
        last = size
    return point, last <= LIMITS.short
