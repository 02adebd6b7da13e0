r"""Newton's method on given supports, for strategies of few states that matter in each other.

Where nobody's choice changes what the others gain in the same state, but what they gain in another one, the equations
of a single state are singular, and strategies cannot be eliminated state by state as in
`powergames.solvers.stochastic.newton`. Here the strategies of all states in which somebody mixes are the unknowns
together, and the values follow from them,

.. math::
    g_{ia}(x, V(x)) = g_{ib}(x, V(x)) \quad (a, b \text{ in use}), \qquad
    \frac{dg}{dx} = \frac{\partial g}{\partial x} + \frac{\partial g}{\partial V} (I - γ P)^{-1}
    \frac{\partial B}{\partial x},

where `B` is what states are worth. Often many states offer the same choice, and only how often it is made in all of
them together is determined. So each step is the shortest that mends the errors.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from powergames.games.ranges import ranges
from powergames.solvers.stochastic.newton import Linearized
from powergames.solvers.stochastic.problem import StochasticProblem, Worth
from powergames.solvers.stochastic.progress import Progress

# Unknown probabilities at most.
MOST = 800

# Steps on one support, corrections of the supports, how far a step may move a probability, and how much shorter than
# the last it must be, or the derivative is computed anew.
STEPS, ROUNDS, FAR, RENEWED = 30, 12, 1.0, 0.25

# What counts as rounding in what is paid, relative to the greatest value there is.
ROUNDING = 1e-14

# Unknowns up to which the values are linearized densely.
DENSE = 400

# Singular values below this fraction of the greatest count as zero; the first fraction with a step that is not too far.
SINGULAR = (1e-10, 1e-8, 1e-6, 1e-5, 1e-4, 1e-3)


def finish(problem: StochasticProblem, point: np.ndarray, used: np.ndarray, progress: Progress) -> bool:
    """Look for an equilibrium near a point, on given supports to begin with; return whether it is in `progress`."""
    seen: set[bytes] = set()
    for _ in range(ROUNDS):
        if used.tobytes() in seen or not np.logical_or.reduceat(used, problem.bounds[:-1]).all():
            break
        seen.add(used.tobytes())
        solution = _solve_on(problem, problem.normalized(np.where(used, point, 0.0)), used, progress)
        if solution is None:
            break
        point = problem.normalized(solution)
        gradient = progress.look(point, problem.worth(problem.evaluate(point)))
        if progress.done:
            return True
        gains = problem.regrets(point, gradient).ravel()[problem.group_of]
        tempting = (problem.slacks(gradient) <= 0.0) & (gains > progress.target)
        # Who mixes may do more; who does not, does something else.
        several = (np.add.reduceat(used.astype(np.int64), problem.bounds[:-1]) > 1)[problem.group_of]
        switched = np.logical_or.reduceat(tempting & ~several, problem.bounds[:-1])[problem.group_of]
        used = np.where(switched, one_each(problem, np.where(tempting, 1.0, 0.0)), (used & (solution > 0.0)) | tempting)
        point = np.where(switched, used, point)
    return False


def _solve_on(problem: StochasticProblem, point: np.ndarray, used: np.ndarray, progress: Progress) -> np.ndarray | None:
    """Solve the equations of supports; entries of the solution may be negative. None if that fails."""
    several = np.add.reduceat(used.astype(np.int64), problem.bounds[:-1]) > 1
    unknown = np.flatnonzero(used & several[problem.group_of])
    if len(unknown) == 0:
        return point
    if len(unknown) > MOST:
        return None
    groups, group = np.unique(problem.group_of[unknown], return_inverse=True)
    # The levels of the groups are unknowns too.
    matrix = np.zeros((len(unknown) + len(groups),) * 2)
    places = np.arange(len(unknown)), len(unknown) + group
    matrix[places], matrix[places[::-1]] = -1.0, 1.0
    slack = ROUNDING / float(1.0 - problem.discounts.max())
    point, last, factors = point.copy(), np.inf, None
    for _ in range(STEPS):
        progress.step(f"Newton's method on {len(groups)} mixtures")
        values = problem.evaluate(point)
        worth = problem.worth(values)
        paid = problem.gradients(point, worth)[unknown]
        # Relative to what a most likely one is paid, so that the shortest step does not move levels for their own sake.
        level = np.zeros(len(groups))
        order = np.argsort(point[unknown])
        level[group[order]] = paid[order]
        errors = level[group] - paid
        if np.abs(errors).max() <= slack:
            return point
        if factors is None:
            matrix[: len(unknown), : len(unknown)] = _derivative(problem, point, values, worth, unknown)
            factors = np.linalg.svd(matrix)
        change, size = _shortest(factors, np.append(errors, np.zeros(len(groups))), len(unknown))
        # Also not a number.
        if not size <= min(FAR, last):
            return None
        point[unknown] += change
        if size > RENEWED * last:
            factors = None
        last = size
    return None


def _shortest(factors: Any, right: np.ndarray, size: int) -> tuple[np.ndarray, float]:
    """Return a short solution, its first entries, and how far it moves any of them."""
    left, singular, transposed = factors
    parts = left.T @ right
    for cut in SINGULAR:
        kept = singular > cut * singular[0]
        change = (transposed[kept].T @ (parts[kept] / singular[kept]))[:size]
        length = float(np.abs(change).max())
        if length <= FAR:
            break
    return change, length


def _derivative(
    problem: StochasticProblem, point: np.ndarray, values: np.ndarray, worth: Worth, unknown: np.ndarray
) -> np.ndarray:
    """Return how what unknowns are paid changes with them, also through the values, shape (m, m)."""
    from scipy.sparse import csr_matrix

    from powergames.kernels.stages import payments

    linear = Linearized.at(problem, point, values, one_each(problem, point), worth=worth, most_dense=DENSE)
    n, n_states, kinds = problem.n_players, problem.n_states, problem.kinds
    states, state = np.unique(problem.state_of[unknown], return_inverse=True)
    part = problem.part(states, values)
    entries, rows = problem.entries_of(states), ranges(problem.arrays[1][states], np.diff(problem.arrays[1])[states])
    _, _, discounts, indptr, indices, data = problem.arrays
    following = csr_matrix((data, indices, indptr), shape=(len(indptr) - 1, n_states))[rows]
    first, second = (weights[:, rows] for weights in linear.weights)
    # What a unit more in each value of these states does to what everything in them is paid.
    through = np.empty((kinds, n, len(states), len(entries)))
    for kind, player, place in np.ndindex(kinds, n, len(states)):
        unit = np.zeros((kinds, n, n_states))
        unit[kind, player, states[place]] = 1.0
        change = linear.solve(unit.ravel()).reshape(kinds, n, n_states)
        after = discounts[:, None] * np.array([(following @ each.T).T for each in change])
        sums = (problem.shares[:, :, None] * after).sum(axis=0)
        through[kind, player, place] = payments(*part.layout[:5], first, second, sums, after[-1])
    here = point[entries]
    local_worth = worth[0][:, rows], worth[1][:, rows]
    paid = part.gradients(here, local_worth)
    inside = np.searchsorted(entries, unknown)
    result = np.empty((len(unknown), len(unknown)))
    for column, (place, own) in enumerate(zip(inside, state, strict=True)):
        moved = here.copy()
        moved[place] += 1.0
        # Payments are linear in each probability.
        direct = part.gradients(moved, local_worth) - paid
        slopes = linear.slopes[:, :, unknown[column]]
        result[:, column] = (direct + np.einsum("ki,kie->e", slopes, through[:, :, own]))[inside]
    return result


def one_each(problem: StochasticProblem, point: np.ndarray) -> np.ndarray:
    """Return a support of one action or takeover of each group, a most likely one."""
    most = np.maximum.reduceat(point, problem.bounds[:-1])[problem.group_of]
    candidates = np.flatnonzero(point == most)
    chosen = np.zeros(problem.size, dtype=bool)
    chosen[candidates[np.unique(problem.group_of[candidates], return_index=True)[1]]] = True
    return chosen
