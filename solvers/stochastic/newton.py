"""Newton's method for all states at once: on the supports of an equilibrium, and along the logit path.

Strategies are eliminated state by state, which leaves a linear system in the values alone: kinds x players x states
unknowns, whatever the number of actions. It is solved by a sparse factorization where its factors are surely small,
else densely where there are few unknowns, else by a sparse factorization all the same, or iteratively.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from powergames.results import Status
from powergames.solvers.stochastic.factors import Factors
from powergames.solvers.stochastic.problem import StochasticProblem
from powergames.solvers.stochastic.search import Best, Found, Search

# Unknowns up to which the linear system is dense, always or unless sparse factors have at most so much of its entries.
SMALL, DENSE, SHARE = 500, 5_000, 0.25

# Unknowns up to which a sparse factorization is tried; beyond that, entries of the factors at most.
FACTORIZED, FILLED = 10_000, 500_000_000

# Steps on one support, corrections of the supports, how far a step may move a probability if another one is to follow,
# and how far if it is to tell what is not in use.
STEPS, ROUNDS, FAR, FARTHEST = 20, 10, 3.0, 100.0

# Changes of supports, one at a time.
PIVOTS = 15

# Unknowns up to which systems are solved exactly even where that is not needed; iterations of GMRES else, after how
# many of them it looks at the error, and entries of the vectors that it keeps.
FEW, KEPT, CHECKED, ENTRIES = 600, 150, 8, 50_000_000

# How much better than what is in use something must be to come into use, relative to what counts as rounding.
TIED = 0.1

# Steps as short as the first are rounding. Where steps no longer shrink to a fraction, they must be short already.
EXACT, CONTRACTION, SHORT = 1e-14, 0.5, 1e-7


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
        from powergames.kernels.stages import newton_system, row_weights

        exact = accuracy == 0.0
        dense = exact and values.size <= (DENSE if problem.ordinary else SMALL)
        worth = problem.worth(values)
        nothing = np.zeros((0, 0)), np.zeros((0, 0))
        weights = nothing if problem.ends else row_weights(*problem.layout, point)
        matrix, rows, columns, entries, steps, responses, slopes, gradient, sign = newton_system(
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


# Solves for a right-hand side, and the sign of the determinant, zero where that is not known.
_Solver = tuple[Callable[[np.ndarray], np.ndarray], Callable[[], float]]


def _dense(matrix: np.ndarray) -> _Solver:
    from scipy.linalg.lapack import dgetrf, dgetrs

    factors, order, singular = dgetrf(matrix, overwrite_a=False)
    if singular or not np.isfinite(factors).all():
        raise np.linalg.LinAlgError
    swaps = np.count_nonzero(order != np.arange(len(order)))
    negative = np.count_nonzero(np.diag(factors) < 0.0)
    return (lambda right: dgetrs(factors, order, right)[0]), (lambda: (-1.0) ** (swaps + negative))


def _sparse(size: int, rows: np.ndarray, columns: np.ndarray, entries: np.ndarray) -> _Solver:
    from scipy.sparse import csr_matrix, eye_array
    from scipy.sparse.linalg import bicgstab

    matrix = csr_matrix(csr_matrix((entries, (rows, columns)), shape=(size, size)) + eye_array(size, format="csr"))
    filled = _most_filled(matrix)
    if size <= DENSE and filled > SHARE * size**2:
        return _dense(matrix.toarray())
    if size <= FACTORIZED or filled <= FILLED:
        factors = Factors(matrix)
        return factors.solve, lambda: factors.sign

    def solve(right: np.ndarray) -> np.ndarray:
        solution, failed = bicgstab(matrix, right, rtol=1e-11, maxiter=2000)
        if failed or not np.isfinite(solution).all():
            raise np.linalg.LinAlgError
        return solution

    return solve, lambda: 0.0


def _inexact(
    size: int, rows: np.ndarray, columns: np.ndarray, entries: np.ndarray, accuracy: float, damping: float
) -> _Solver:
    from scipy.sparse import csr_matrix

    if size <= FEW:
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
    kept = min(KEPT, max(CHECKED, ENTRIES // len(right)))
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
        if count % CHECKED == 0 or count == kept or not rest > 0.0:
            target = np.zeros(count + 1)
            target[0] = length
            shares = np.linalg.lstsq(products[: count + 1, :count], target, rcond=None)[0]
            if not np.linalg.norm(products[: count + 1, :count] @ shares - target) > accuracy * length or rest == 0.0:
                break
        basis[count] = vector / rest
    return np.asarray(shares @ basis[: len(shares)])


def _most_filled(matrix: Any) -> int:
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


def finish(problem: StochasticProblem, point: np.ndarray, used: np.ndarray, search: Search) -> Found:
    """Look for an equilibrium near a point, on given supports to begin with."""
    seen: set[bytes] = set()
    with search.best(problem, Found.nothing(problem, point)) as best:
        for _ in range(ROUNDS):
            if used.tobytes() in seen or not np.logical_or.reduceat(used, problem.bounds[:-1]).all():
                break
            seen.add(used.tobytes())
            solution, solved = _solve_on(problem, point, used, best)
            # Also where the equations are singular, since strategies are interchangeable, it may be an equilibrium.
            inside = problem.normalized(solution)
            gradient = best.look(inside, problem.worth(problem.evaluate(inside)))
            if best.done:
                break
            if not solved:
                # Equations of too many actions have no solution: those that leave first are not in use.
                if not (solution < 0.0).any():
                    break
                used = used & (solution > 0.0)
                continue
            positive = used & (solution > 0.0)
            top = np.maximum.reduceat(np.where(positive, gradient, -np.inf), problem.bounds[:-1])[problem.group_of]
            # What is merely as good stays away: among many ties it would come and go forever.
            used = positive | (gradient > top + TIED * best.target)
    return best.found(Status.STALLED)


def pivot(problem: StochasticProblem, point: np.ndarray, used: np.ndarray, search: Search) -> Found:
    """Look for an equilibrium near a point; as `finish`, but one action or takeover at a time comes into use or leaves.

    On the way to a solution that is none of probabilities, what leaves is what is the first not to be played any more.
    """
    seen: set[bytes] = set()
    with search.best(problem, Found.nothing(problem, point)) as best:
        for _ in range(PIVOTS):
            if used.tobytes() in seen:
                break
            seen.add(used.tobytes())
            solution, solved = _solve_on(problem, point, used, best)
            inside = problem.normalized(solution)
            gradient = best.look(inside, problem.worth(problem.evaluate(inside)))
            if best.done:
                break
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
                if not solved or gains.max() <= TIED * best.target:
                    break
                used[gains.argmax()] = True
                point = inside
    return best.found(Status.STALLED)


def _solve_on(problem: StochasticProblem, start: np.ndarray, used: np.ndarray, best: Best) -> tuple[np.ndarray, bool]:
    """Solve the equations of supports; return where that ends, entries may be negative, and whether it is solved."""
    point = problem.normalized(np.where(used, start, 0.0))
    values = problem.evaluate(point)
    last = np.inf
    for _ in range(STEPS):
        try:
            change, change_of_values = Linearized.at(problem, point, values, used).changes(0)
        except np.linalg.LinAlgError:
            return start, False
        best.step("Newton's method", problem.linear_work)
        size = float(np.abs(change).max())
        # Also not a number.
        if not size <= FARTHEST:
            return start, False
        point, values = point + change, values + change_of_values
        if size <= EXACT or (size > CONTRACTION * last and size <= SHORT):
            return point, True
        if size > min(2.0 * last, FAR):
            return point, False
        last = size
    return point, last <= SHORT
