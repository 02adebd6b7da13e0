"""Lemke's algorithm on the path-polymatrix problem of a two-player game: one equilibrium for any λ.

The path starts at a prior profile (van den Elzen & Talman 1991) and, by a lexicographic ratio test, cannot cycle. It
cannot end in a ray either, so in exact arithmetic it always finds an equilibrium. Positive costs make the matrix
copositive, which alone does not exclude a ray. What does is that on one the entries of each strategy of positive level
add up to a constant, and strategies of level zero are zero; docs/theory.md has the proof. In floats a path that gets
long or is lost is begun anew from another prior. In large games that prior comes close to an equilibrium, as the
average of some rounds of regret matching, and the path takes the compact form of `powergames.kernels.prior_path`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate
from typing import Any

import numpy as np

from powergames.games.normal_form import NormalFormGame
from powergames.numerics import rational
from powergames.objectives import PowerObjective
from powergames.results import Status
from powergames.solvers import common
from powergames.solvers.common import Candidate, Method, Options, too_large, two_players_only
from powergames.solvers.normal_form.two_player import TwoPlayerProblem

# Strategies of x, y, z, w up to scale; None for an adversary of zero weight.
_Groups = list[np.ndarray | None]

# Follows a path for so many pivots; returns where it arrived, if it did, and the pivots made.
_Path = Callable[[int], tuple[_Groups | None, int]]

# No limits.
ALWAYS = Options()


@dataclass(frozen=True)
class Limits:
    """When Lemke's algorithm begins anew, gives up or changes its data structures."""

    pivots: int = 2_000
    """A run in floats begins anew from another prior after this many pivots; each restart allows a quarter more."""
    pivots_of_large_games: int = 10_000
    """In games too large for dictionaries. Lengths of paths differ from game to game more than from prior to prior."""
    operations: int = 100_000_000_000
    """The method gives up after about this many arithmetic operations: a minute or two."""
    pivots_without_refinement: int = 60
    """After more pivots, and always for λ > 1, which magnifies errors, the solution is computed anew from its basis."""
    actions_of_dictionaries: int = 80
    """Dictionaries are faster than cores up to this many actions, those of adversaries included."""
    rounds_per_action: int = 3
    """In larger games a prior is the average of this many rounds of regret matching for each action."""
    support: int = 100
    """In larger games supports are taken to be this large when the work is estimated."""


LIMITS = Limits()


def refuses(game: NormalFormGame, objective: PowerObjective) -> str | None:
    """Accept games of two players whose linear complementarity problem fits into memory."""
    reason = two_players_only(game, objective)
    if reason is not None:
        return reason
    m, n = game.n_actions
    lam_row, lam_column = objective.charges(2)
    unknowns = m + n + 2 + (n + 1 if lam_row else 0) + (m + 1 if lam_column else 0)
    # The problem, the dictionary, and what scaling the payoffs and refining the solution take.
    return too_large(32 * unknowns**2)


def find(game: NormalFormGame, objective: PowerObjective, options: Options) -> Candidate:
    """Return one equilibrium of a two-player game."""
    problem = TwoPlayerProblem.of(game, objective, options.exact)
    if options.exact:
        return _find_exact(problem, options)
    unknowns = sum(len(group) for group in _prior(problem, options))
    small = unknowns <= LIMITS.actions_of_dictionaries
    paths, work = (_small_paths, unknowns**2) if small else (_large_paths, LIMITS.support * unknowns)
    patience, pivots = LIMITS.pivots if small else LIMITS.pivots_of_large_games, 0
    budget = max(LIMITS.pivots, LIMITS.operations // work) if options.max_iter is None else options.max_iter
    for path in paths(problem, options):
        groups, more = path(min(patience, budget - pivots))
        pivots += max(more, 1)
        if groups is not None:
            return problem.candidate(groups, pivots)
        if pivots >= budget:
            break
        patience += patience // 4
    return Candidate(None, None, pivots, Status.MAX_ITER)


def _small_paths(problem: TwoPlayerProblem, options: Options) -> Iterator[_Path]:
    """Yield paths through dictionaries, from the starting or even profile and from random priors."""
    from powergames.kernels import lemke as kernel

    payoffs = (problem.row, problem.row, problem.column, problem.column)
    matrix, constants = kernel.path_lcp(*payoffs, problem.lam_row, problem.lam_column)
    chunk = max(1, common.LIMITS.operations_between_reports // len(constants) ** 2)
    prior = _prior(problem, options)

    def path(max_pivots: int) -> tuple[_Groups | None, int]:
        state = kernel.start(matrix, constants, kernel.cover(matrix, np.concatenate(prior)))
        pivots = 0
        while state[-1][1] == kernel.RUNNING and pivots < max_pivots:
            pivots += kernel.run(*state, min(chunk, max_pivots - pivots))
            options.report("Lemke pivots", pivots)
        if state[-1][1] != kernel.SOLVED:
            return None, pivots
        solution = kernel.read(state[0], state[1])
        if pivots > LIMITS.pivots_without_refinement or max(problem.lam_row, problem.lam_column) > 1.0:
            try:
                solution = _refined(matrix, constants, state[1])
            except np.linalg.LinAlgError:
                # Rounding led the path to a basis that is none.
                return None, pivots
        return _split(problem, solution), pivots

    while True:
        yield path
        prior = [options.rng.dirichlet(np.full(len(group), 0.3)) for group in prior]


def _large_paths(problem: TwoPlayerProblem, options: Options) -> Iterator[_Path]:
    """Yield paths through sides, from the starting profile and from averages of regret matching."""
    from powergames.kernels import prior_path as kernel

    m, n = problem.row.shape
    lams = float(problem.lam_row), float(problem.lam_column)
    row, column = np.ascontiguousarray(problem.row), np.ascontiguousarray(problem.column)
    payoffs = row, np.ascontiguousarray(row.T), column, np.ascontiguousarray(column.T)
    chunk = max(1, common.LIMITS.operations_between_reports // (LIMITS.support * (m + n)))
    rounds = min(
        LIMITS.rounds_per_action * (m + n), max(1, 10 * common.LIMITS.operations_between_reports // (4 * m * n))
    )
    prior: Any = None if options.start is None else (*options.start, *options.start[::-1])

    def path(max_pivots: int) -> tuple[_Groups | None, int]:
        first, second, state = kernel.start(payoffs, lams, prior, options.rng.random(2 * (m + n)))
        pivots = 0
        while state[0] == kernel.RUNNING and pivots < max_pivots:
            pivots += kernel.run(first, second, state, min(chunk, max_pivots - pivots))
            options.report("Lemke pivots", pivots)
        if state[0] != kernel.SOLVED or not (kernel.fresh(first) and kernel.fresh(second)):
            return None, pivots
        (x, w), (y, z) = kernel.read(first), kernel.read(second)
        return [x, y, z if lams[0] else None, w if lams[1] else None], pivots

    while True:
        if prior is not None:
            yield path
        regrets = tuple(options.rng.random(size) for size in (m, n, n, m))
        prior = kernel.answers(*payoffs, lams, regrets, rounds)


def _refined(matrix: np.ndarray, constants: np.ndarray, basic: np.ndarray) -> np.ndarray:
    """Solve the equations of a basis afresh, without the rounding errors of the path."""
    size = len(constants)
    system = np.eye(size)[:, np.where(basic < size, basic, 0)]
    chosen = basic >= size
    system[:, chosen] = -matrix[:, basic[chosen] - size]
    values = np.linalg.solve(system, constants)
    solution = np.zeros(size)
    solution[basic[chosen] - size] = np.maximum(values[chosen], 0.0)
    return solution


def _prior(problem: TwoPlayerProblem, options: Options) -> list[np.ndarray]:
    m, n = problem.row.shape
    x, y = (np.full(m, 1.0 / m), np.full(n, 1.0 / n)) if options.start is None else options.start
    adversaries = ([y] if problem.lam_row else []) + ([x] if problem.lam_column else [])
    return [np.asarray(group, dtype=np.float64) for group in (x, y, *adversaries)]


def _split(problem: TwoPlayerProblem, solution: np.ndarray) -> _Groups:
    m, n = problem.row.shape
    sizes = [m, n, n if problem.lam_row else 0, m if problem.lam_column else 0]
    ends = list(accumulate(sizes))
    return [solution[end - size : end] if size else None for size, end in zip(sizes, ends, strict=True)]


def _find_exact(problem: TwoPlayerProblem, options: Options) -> Candidate:
    """Run Lemke's algorithm in fractions on the whole problem."""
    row, column, lam_row, lam_column = problem.row, problem.column, problem.lam_row, problem.lam_column
    matrix, constants = exact_path_lcp((1 - lam_row) * row, (1 - lam_column) * column, row, column, lam_row, lam_column)
    try:
        solution, pivots = solve_lcp(matrix, constants, options.max_iter, options)
    except rational.NoSolutionError:
        return Candidate(None, None, options.max_iter or 0, Status.MAX_ITER)
    groups = _split(problem, np.array(solution, dtype=object))
    return problem.candidate(groups, pivots)


def exact_path_lcp(
    own_row: np.ndarray, own_column: np.ndarray, row: np.ndarray, column: np.ndarray, lam_row: Any, lam_column: Any
) -> tuple[np.ndarray, np.ndarray]:
    """Return (M, q) in fractions; the same problem as `powergames.kernels.lemke.path_lcp` up to positive scaling.

    Parameters
    ----------
    own_row, own_column : ndarray, shape (m, n)
        What x and y are paid against each other.
    row, column : ndarray, shape (m, n)
        What they are paid against the other's adversaries, weighted by `lam_row` and `lam_column`.
    """
    m, n = row.shape
    nz, nw = (n if lam_row else 0), (m if lam_column else 0)
    y, z, w = m, m + n, m + n + nz
    strategies = w + nw
    sizes = [size for size in (m, n, nz, nw) if size]
    matrix = np.zeros((strategies + len(sizes),) * 2, dtype=object)
    constants = np.zeros(strategies + len(sizes), dtype=object)
    matrix[:m, y:z] = _costs(-own_row)
    matrix[y:z, :m] = _costs(-own_column).T
    if nz:
        matrix[:m, z:w] = _costs(-lam_row * row)
        matrix[z:w, :m] = _costs(row).T
    if nw:
        matrix[y:z, w:strategies] = _costs(-lam_column * column).T
        matrix[w:strategies, y:z] = _costs(column)
    begin = 0
    for value, size in enumerate(sizes, start=strategies):
        matrix[begin : begin + size, value] = -1
        matrix[value, begin : begin + size] = 1
        constants[value] = -1
        begin += size
    return matrix, constants


def _costs(matrix: np.ndarray) -> np.ndarray:
    """Shift costs to be at least 1; a constant added to all costs of a block changes no best response."""
    return matrix - matrix.min() + 1


def solve_lcp(
    matrix: np.ndarray,
    constants: Sequence[Any] | np.ndarray,
    max_pivots: int | None = None,
    options: Options = ALWAYS,
) -> tuple[list[Fraction], int]:
    """Solve ``w = q + M z, w'z = 0, w, z >= 0`` exactly by Lemke's algorithm.

    Parameters
    ----------
    matrix : ndarray of numbers, shape (N, N)
    constants : sequence of numbers, length N
    max_pivots : int, optional
    options : Options, optional
        Whose callback is told, and whose deadline ends the path.

    Returns
    -------
    z : list of Fraction
    pivots : int

    Raises
    ------
    NoSolutionError
        If the path ends in a ray, or `max_pivots` are not enough.
    LimitError
        If the deadline has passed.

    Examples
    --------
    >>> solve_lcp(np.array([[2]]), [-1])[0]
    [Fraction(1, 2)]
    """
    size = len(constants)
    covering = 2 * size
    rows = np.empty((size, size + 2), dtype=object)
    rows[:, :size] = -matrix
    rows[:, size] = -1
    rows[:, size + 1] = constants
    # Each slack w_i is measured in the unit that makes its row integral.
    tableau = rational.Tableau(rational.integer_rows(rows), list(range(size)), list(range(size, 2 * size + 1)))
    solution = [Fraction(0)] * size
    ratios = [
        Fraction(int(row[-1]), -int(row[-2])) for row in tableau.entries
    ]  # largest z0 at which row i still is negative, negated
    row = min(range(size), key=lambda i: (ratios[i], -i))
    if ratios[row] >= 0:
        return solution, 0
    tableau.pivot(row, size)
    entering, pivots = size + row, 1
    while max_pivots is None or pivots < max_pivots:
        column = -1 - tableau.place[entering]
        row = tableau.leaving_row(column, prefer=covering)
        if row < 0:
            raise rational.NoSolutionError("the complementary path ended in a ray")
        leaving = tableau.basic[row]
        tableau.pivot(row, column)
        pivots += 1
        options.report("Lemke pivots", pivots)
        if leaving == covering:
            for variable, value in tableau.values().items():
                if variable >= size:
                    solution[variable - size] = value
            return solution, pivots
        entering = leaving + size if leaving < size else leaving - size
    raise rational.NoSolutionError(f"no solution within {max_pivots} pivots")


METHOD = Method(
    "lemke",
    find,
    "Lemke's algorithm on the path-polymatrix problem: one equilibrium for any λ; always succeeds when exact",
    refuses,
    exact=True,
)
