"""The equilibrium of greatest welfare, or of least total power, of a two-player game.

The equilibrium conditions are a mixed-integer linear program: for every action either its probability or its loss
against a best response is zero. At an equilibrium ``U_i = (1 - λ_i) u_i + λ_i v_i``, where `v_i` is what the adversary
leaves player `i`; all of these are linear in the best-response values, and so are the task values ``u_i`` and the
powers ``u_i - v_i`` unless ``λ_i = 1``. CVXPY hands the program to HiGHS, and the equilibrium that it points at is then
computed anew on its supports.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

from powergames.errors import InputError
from powergames.games.normal_form import NormalFormGame
from powergames.numerics import rational
from powergames.objectives import PowerObjective
from powergames.results import Equilibrium, EquilibriumSet, Status
from powergames.solvers.common import Candidate, LimitError, Options, certified
from powergames.solvers.normal_form import subdivision
from powergames.solvers.normal_form.two_player import TwoPlayerProblem
from powergames.solvers.normal_form.vertex_enumeration import find_all

NAME = "selection"

CRITERIA = ("welfare", "power")

# Greatest gap between the integer program's bound and what it found, relative to payoffs scaled to [0, 1].
GAP = 1e-9


def select(game: NormalFormGame, objective: PowerObjective, criterion: str, options: Options) -> Equilibrium:
    """Return the equilibrium that is best by a criterion.

    Parameters
    ----------
    game : NormalFormGame
    objective : PowerObjective
    criterion : {"welfare", "power"}
        Greatest sum of task values, or least sum of all pairwise powers, in payoff units.
    options : Options

    Returns
    -------
    Equilibrium

    Raises
    ------
    InputError
        If the criterion is unknown, or the equilibria of more than two players cannot all be found.

    Notes
    -----
    At ``λ_i = 1`` all equilibria are enumerated; the best one is extreme, because on each set of equilibria with common
    supports both criteria are linear in either player's strategy.
    """
    if criterion not in CRITERIA:
        raise InputError(f"select: got {criterion!r}; choose one of {', '.join(CRITERIA)}")
    if game.n_players != 2:
        return _best_of_all(game, objective, criterion, options)
    problem = TwoPlayerProblem.of(game, objective, exact=False)
    if 1.0 in (problem.lam_row, problem.lam_column):
        return _best_of(find_all(game, objective, options), criterion, options)
    supports, ended = _best_supports(problem, criterion, game.payoff_range, options)
    groups = None
    if supports is not None and options.exact:
        problem = TwoPlayerProblem.of(game, objective, exact=True)
        groups = _exact_optimum(problem, criterion, supports)
    elif supports is not None:
        groups = _optimum(problem, criterion, game.payoff_range, supports)
    candidate = Candidate(None, None, 0, ended or Status.STALLED) if groups is None else problem.candidate(groups, 0)
    return _marked(certified(game, objective, candidate, NAME, options.closing), ended)


def _best_of_all(game: NormalFormGame, objective: PowerObjective, criterion: str, options: Options) -> Equilibrium:
    """Choose among all equilibria of a game that does not have two players."""
    found = subdivision.find_all(game, objective, options)
    if found.status is not Status.TIME_LIMIT and not found.complete:
        raise InputError(
            "select: the equilibria form sets that could not be resolved, so that none is known to be the best; "
            "look at those that solve_all finds"
        )
    sets = found.game.n_players > 2 and any(len(positions) > 1 for positions in found.interchangeable)
    if criterion == "power" and sets and not _power_is_linear(objective, game.n_players):
        raise InputError(
            "select: power is not linear on the sets of equilibria, so that its least value need not be at their "
            "extreme points; look at those that solve_all finds"
        )
    return _best_of(found, criterion, options)


def _power_is_linear(objective: PowerObjective, n_players: int) -> bool:
    """Whether every power is taken by an adversary of its own, who does the same all over a set of equilibria."""
    adversaries = objective.adversaries(n_players)
    return all(sum(len(each.players) == 1 and each.charge > 0 for each in own) == n_players - 1 for own in adversaries)


def _best_of(found: EquilibriumSet, criterion: str, options: Options) -> Equilibrium:
    """Return the best equilibrium; the starting point if the deadline came before any was found."""
    ended = Status.TIME_LIMIT if found.status is Status.TIME_LIMIT else None
    if not found:
        return certified(found.game, found.objective, Candidate(None, None, 0, ended), NAME, options.closing)
    return _marked(max(found, key=lambda each: _merit(each, criterion)), ended)


def _marked(equilibrium: Equilibrium, ended: Status | None) -> Equilibrium:
    """Say that an equilibrium is not known to be the best, for the search ended early."""
    return equilibrium if ended is None else replace(equilibrium, status=ended)


def _merit(equilibrium: Equilibrium, criterion: str) -> Any:
    return equilibrium.task.sum() if criterion == "welfare" else -equilibrium.power.sum()


def _merit_weights(problem: TwoPlayerProblem, criterion: str, scales: Sequence[Any]) -> list[Any]:
    """Return the coefficients of (U_0, U_1, v_0, v_1) in the criterion, which is to be maximized."""
    lams = problem.lam_row, problem.lam_column
    shares = [scale / (1 - lam) for scale, lam in zip(scales, lams, strict=True)]
    if criterion == "welfare":
        return [*shares, *(-share * lam for share, lam in zip(shares, lams, strict=True))]
    return [*(-share for share in shares), *shares]


def _conditions(problem: TwoPlayerProblem) -> tuple[np.ndarray, np.ndarray]:
    """Return (S, E): ``S p >= 0`` for each action of x, y, z, w, and ``E p = 1`` for each of these groups.

    The unknowns p are the strategies x, y, z, w, then U_0, U_1, v_0, v_1; row `k` of S is the loss of action `k`
    against a best response. An adversary without weight has a row for each action but plays nothing.
    """
    row, column, lam_row, lam_column = (
        problem.row,
        problem.column,
        problem.lam_row,
        problem.lam_column,
    )
    m, n = row.shape
    ends = np.cumsum([0, m, n, n, m])
    x, y, z, w = (slice(*pair) for pair in pairwise(ends.tolist()))
    total = int(ends[-1])
    slacks = np.zeros((total, total + 4), dtype=row.dtype)
    slacks[x, y], slacks[x, z], slacks[x, total] = (lam_row - 1) * row, -lam_row * row, 1
    slacks[y, x], slacks[y, w] = (lam_column - 1) * column.T, -lam_column * column.T
    slacks[y, total + 1] = 1
    slacks[z, x], slacks[z, total + 2] = row.T, -1
    slacks[w, y], slacks[w, total + 3] = column, -1
    played = [x, y] + ([z] if lam_row else []) + ([w] if lam_column else [])
    sums = np.zeros((len(played), total + 4), dtype=row.dtype)
    for k, group in enumerate(played):
        sums[k, group] = 1
    return slacks, sums


def _best_supports(
    problem: TwoPlayerProblem, criterion: str, scales: np.ndarray, options: Options
) -> tuple[np.ndarray | None, Status | None]:
    """Solve the mixed-integer program; tell which actions of x, y, z, w may have positive probability.

    Also return why these may not be the best, or why there are none.
    """
    import cvxpy as cp

    try:
        options.report("mixed-integer program", 0)
    except LimitError as limit:
        return None, limit.status
    slacks, sums = _conditions(problem)
    total = len(slacks)
    playable = sums[:, :total].any(axis=0)
    unknowns = cp.Variable(total + 4)
    switches = cp.Variable(total, boolean=True)
    # Payoffs are scaled to [0, 1], so no loss exceeds this.
    bounds = np.abs(slacks[:, :total]).max(axis=1, initial=0.0)
    bounds += abs(1 - problem.lam_row) + abs(1 - problem.lam_column) + 1.0
    losses = slacks @ unknowns
    constraints = [
        unknowns[:total] >= 0,
        unknowns[:total] <= switches,
        losses >= 0,
        losses <= cp.multiply(bounds, 1 - switches),
        sums @ unknowns == 1,
        switches <= playable.astype(float),
    ]
    weights = np.array(_merit_weights(problem, criterion, (scales / (scales.max() or 1.0)).tolist()))
    program = cp.Problem(cp.Maximize(weights @ unknowns[total:]), constraints)
    limits = {} if options.seconds_left is None else {"time_limit": options.seconds_left}
    try:
        with warnings.catch_warnings():
            # That the time was not enough is what the status says.
            warnings.filterwarnings("ignore", "Solution may be inaccurate")
            program.solve(solver=cp.HIGHS, mip_rel_gap=0.0, mip_abs_gap=GAP, **limits)
    except cp.SolverError:
        return None, Status.TIME_LIMIT if options.expired else None
    if switches.value is None:
        return None, Status.TIME_LIMIT if options.expired else None
    return np.asarray(switches.value > 0.5), None if program.status == cp.OPTIMAL else Status.TIME_LIMIT


def _optimum(
    problem: TwoPlayerProblem, criterion: str, scales: np.ndarray, supports: np.ndarray
) -> list[np.ndarray | None] | None:
    """Return the strategies (x, y, z, w) of the best equilibrium on given supports, by a linear program.

    None if there is no equilibrium: a program that ran out of time may point at none.
    """
    from scipy.optimize import linprog

    slacks, sums = _conditions(problem)
    total = len(slacks)
    weights = _merit_weights(problem, criterion, (scales / (scales.max() or 1.0)).tolist())
    solution = linprog(
        np.append(np.zeros(total), np.negative(weights)),
        -slacks[~supports],
        np.zeros(int((~supports).sum())),
        np.concatenate([slacks[supports], sums]),
        np.append(np.zeros(int(supports.sum())), np.ones(len(sums))),
        bounds=[(0, None if on else 0) for on in supports] + [(None, None)] * 4,
        method="highs-ds",
        options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
    )
    return _groups(problem, np.maximum(solution.x[:total], 0.0)) if solution.success else None


def _exact_optimum(problem: TwoPlayerProblem, criterion: str, supports: np.ndarray) -> list[np.ndarray | None] | None:
    """Return the same in fractions."""
    slacks, sums = _conditions(problem)
    total = len(slacks)
    weights = _merit_weights(problem, criterion, [Fraction(1), Fraction(1)])
    on = np.flatnonzero(supports)
    # Values may have either sign: each is the difference of two non-negative unknowns.
    columns = [np.concatenate([block[:, on], block[:, total:], -block[:, total:]], axis=1) for block in (slacks, sums)]
    losses, ones = columns
    matrix = np.concatenate([-losses, losses[on], ones, -ones])
    bounds = [0] * (total + len(on)) + [1] * len(ones) + [-1] * len(ones)
    goal = [0] * len(on) + weights + [-weight for weight in weights]
    try:
        _, point = rational.maximize(goal, matrix, bounds)
    except rational.NoSolutionError:
        return None
    strategies = np.array([Fraction(0)] * total, dtype=object)
    strategies[on] = point[: len(on)]
    return _groups(problem, strategies)


def _groups(problem: TwoPlayerProblem, strategies: np.ndarray) -> list[np.ndarray | None]:
    m, n = problem.row.shape
    x, y, z, w = np.split(strategies, np.cumsum([m, n, n]))
    return [x, y, z if problem.lam_row else None, w if problem.lam_column else None]
