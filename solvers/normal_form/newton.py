r"""Newton's method on identified supports: the last step of every method that comes close to an equilibrium.

Where the set `S` of actions and takeovers in use is known, an equilibrium of the extended game solves as many equations
as there are unknowns, and no inequality is needed to find it:

.. math::
    g_p(ξ) = v_{group(p)} \quad (p \in S), \qquad \sum_{p \in S \cap group} ξ_p = 1 .

Newton's method converges quadratically to it from nearby. Whether the strategies found are non-negative and nothing
outside `S` is better is looked at afterwards; what is violated corrects `S`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from powergames.solvers import common
from powergames.solvers.normal_form.extended import ExtendedGame


@dataclass(frozen=True)
class Limits:
    """How long Newton's method on supports goes on, and what counts as solved."""

    supports: int = 4
    """Supports that are tried one after the other."""
    steps: int = 14
    """Newton steps on each support."""
    regret_of_objective: float = 1e-10
    """Regret, in units of the objective, that rounding allows: many times the payoff range where λ is large."""
    contraction: float = 0.5
    """The error in the equations has to fall to this fraction in every step."""
    error: float = 1e-7
    """Where the error no longer falls, it must be at most this."""
    longest_step: float = 2.0
    """A longer change of a probability tells of equations that are singular."""
    singular: float = 1e-8
    """Singular values below this fraction of the largest count as zero: there the solution is one of many."""


LIMITS = Limits()


def supports(problem: ExtendedGame, point: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Guess which actions and takeovers are in use at an equilibrium near a point, shape (D,), bool.

    At an equilibrium one of probability and slack is zero; near it, one of them is small.
    """
    return point >= problem.slacks(values)


def finish(
    problem: ExtendedGame, point: np.ndarray, values: np.ndarray, used: np.ndarray, reach: float, degenerate: bool
) -> tuple[np.ndarray, float]:
    """Look for an equilibrium near a point.

    Parameters
    ----------
    problem : ExtendedGame
    point : ndarray, shape (D,)
        Where to start.
    values : ndarray, shape (D,)
        The gradient there.
    used : ndarray of bool, shape (D,)
        The actions and takeovers in use, to begin with.
    reach : float
        Greatest change of a probability of a player.
    degenerate : bool
        Whether to go on where the equations leave a choice or contradict each other, as they do for wrong supports and
        in degenerate games.

    Returns
    -------
    point : ndarray, shape (D,)
        The best point met within reach.
    regret : float
        The greatest regret there of any player or adversary.
    """
    best, least = point, float(problem.regrets(point, values).max())
    seen = set()
    for _ in range(LIMITS.supports):
        if used.tobytes() in seen or not np.logical_or.reduceat(used, problem.bounds[:-1]).all():
            break
        seen.add(used.tobytes())
        solution = _solve_on(problem, point, used, reach, degenerate)
        if solution is None:
            break
        inside = problem.normalized(solution)
        values = problem.gradient(inside, problem.tables(inside))
        regret = float(problem.regrets(inside, values).max())
        if regret < least:
            best, least = inside, regret
            if regret <= min(common.LIMITS.rounding, LIMITS.regret_of_objective / problem.magnitude):
                break
        slacks = problem.slacks(values)
        used = (used & (solution > 0.0)) | (slacks <= 0.0)
        if used.tobytes() in seen:
            # Actions that differ by next to nothing: keep the better ones.
            used = slacks <= 0.5 * regret
    return best, least


def _solve_on(
    problem: ExtendedGame, start: np.ndarray, used: np.ndarray, reach: float, degenerate: bool
) -> np.ndarray | None:
    """Solve the equations of supports; entries of the solution may be negative. None if that fails within reach."""
    chosen = np.flatnonzero(used)
    group = problem.group_of[chosen]
    first = problem.bounds[:-1]
    count = len(chosen)
    point = problem.normalized(np.where(used, start, 0.0))
    levels = None
    last = np.inf
    for _ in range(LIMITS.steps):
        tables = problem.tables(point)
        values = problem.gradient(point, tables)
        if levels is None:
            levels = np.add.reduceat(values * point, first)
        errors = np.concatenate([levels[group] - values[chosen], 1.0 - np.add.reduceat(point, first)])
        error = np.abs(errors).max()
        if not error <= LIMITS.contraction * last or error == 0.0:
            break
        last = error
        system = np.zeros((len(errors), len(errors)))
        system[:count, :count] = problem.jacobian(point, tables)[np.ix_(chosen, chosen)]
        system[np.arange(count), count + group] = -1.0
        system[count + group, np.arange(count)] = 1.0
        try:
            change = np.linalg.solve(system, errors)
            singular = not np.abs(change).max() <= LIMITS.longest_step
        except np.linalg.LinAlgError:
            singular = True
        if singular:
            if not degenerate:
                return None
            # The shortest of the best changes.
            change = np.linalg.lstsq(system, errors, rcond=LIMITS.singular)[0]
        point = point.copy()
        point[chosen] += change[:count]
        levels = levels + change[count:]
        if np.abs(point - start)[: problem.n_own].max() > reach:
            return None
    return point if error <= LIMITS.error else None
