r"""Actions of a two-player game that no equilibrium plays.

In the four-player game z - x - y - w an action that some mixture of others strictly beats, whatever the opponents play,
is never a best response. No equilibrium plays it, so it can be left out, and then others of the opponents may follow.
For x, with payoffs A, a mixture σ beats action i exactly if

.. math::
    \min_{j} (1-λ_0) (σ'A - A_i)_j + \min_{k} λ_0 (σ'A - A_i)_k > 0

over the actions j of y and k of z that are left, which is a linear program in σ. Floats propose σ. What they propose is
looked at once more in the numbers of the problem: a fraction is exact, and a float has to win by more than rounding.

Adversaries need even less. Let action k of z leave x at least as much as action l does, whatever x plays. If z plays k
in an equilibrium, both leave the same where x plays, and l leaves no more elsewhere. So z may play l instead, and x and
y are in equilibrium as before: k can be left out, although some equilibrium plays it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from powergames.solvers.common import Options
from powergames.solvers.normal_form.two_player import TwoPlayerProblem

# What a mixture has to win by, in units of the payoff range: far above the errors of linear programs.
MARGIN = 1e-7

# What actions gain against each player who matters to them: (weight, [action, opposing action]).
_Tables = list[tuple[Any, np.ndarray]]


@dataclass(frozen=True, eq=False)
class Played:
    """The actions that are left to x, w, y and z, sorted; none to an adversary without weight."""

    x: np.ndarray
    w: np.ndarray
    y: np.ndarray
    z: np.ndarray

    @classmethod
    def all(cls, problem: TwoPlayerProblem) -> Played:
        """Leave all actions to everybody."""
        m, n = problem.row.shape
        none = np.arange(0)
        rows, columns = np.arange(m), np.arange(n)
        return cls(rows, rows if problem.lam_column else none, columns, columns if problem.lam_row else none)

    def tables(self, problem: TwoPlayerProblem, group: str) -> _Tables:
        """Return what the actions of a group gain, by the actions that are left to those who matter to it."""
        if group == "w":
            return [(1, -problem.column[np.ix_(self.w, self.y)])]
        if group == "z":
            return [(1, -problem.row[np.ix_(self.x, self.z)].T)]
        if group == "x":
            gains, lam, opponent, adversary = problem.row[self.x], problem.lam_row, self.y, self.z
        else:
            gains, lam, opponent, adversary = problem.column.T[self.y], problem.lam_column, self.x, self.w
        return [(1 - lam, gains[:, opponent]), *([(lam, gains[:, adversary])] if lam else [])]


def without_needless_takeovers(left: Played, problem: TwoPlayerProblem) -> Played:
    """Leave out the actions of adversaries that are never worse for their player than another one, equal ones once."""
    kept = {
        group: getattr(left, group)[_harmful(-left.tables(problem, group)[0][1])]
        for group in ("w", "z")
        if len(getattr(left, group))
    }
    return replace(left, **kept)


def _harmful(losses: np.ndarray) -> np.ndarray:
    """Return the actions of an adversary that count, given what each leaves the player at each of its actions."""
    ranks = np.stack([np.unique(own, return_inverse=True)[1] for own in losses.T], axis=1)
    # Whoever leaves no more than another one comes before it in this order.
    distinct, first = np.unique(ranks, axis=0, return_index=True)
    kept: list[int] = []
    for k, row in enumerate(distinct):
        if not (distinct[kept] <= row).all(axis=1).any():
            kept.append(k)
    return np.sort(first[kept])


def narrowed(
    left: Played, problem: TwoPlayerProblem, scaled: TwoPlayerProblem, mixed: bool, options: Options
) -> Played:
    """Leave out, again and again, the actions that are never a best response.

    Parameters
    ----------
    left : Played
        The actions to begin with.
    problem : TwoPlayerProblem
        In floats or fractions.
    scaled : TwoPlayerProblem
        The same in floats, scaled to [0, 1].
    mixed : bool
        Whether to look for mixtures that beat an action too, and not only for actions.
    options : Options

    Raises
    ------
    LimitError
        If the deadline has passed.
    """
    groups = [group for group in ("x", "w", "y", "z") if len(getattr(left, group))]
    unchanged = 0
    while unchanged < len(groups):
        group = groups.pop(0)
        groups.append(group)
        kept = _best_responses(left.tables(problem, group), left.tables(scaled, group), mixed, options)
        unchanged = unchanged + 1 if kept.all() else 1
        left = replace(left, **{group: getattr(left, group)[kept]})
    return left


def _best_responses(tables: _Tables, scaled: _Tables, mixed: bool, options: Options) -> np.ndarray:
    """Return which actions are left, bool, by action."""
    count = len(scaled[0][1])
    kept = np.ones(count, dtype=bool)
    for action in range(count):
        others = np.flatnonzero(kept)
        others = others[others != action]
        if not len(others):
            break
        options.report("actions", action, count)
        for mixture in _rivals(scaled, action, others, mixed):
            if _beats(mixture, tables, action, others):
                kept[action] = False
                break
    return kept


def _rivals(scaled: _Tables, action: int, others: np.ndarray, mixed: bool) -> Iterator[np.ndarray]:
    """Yield mixtures of other actions that seem to beat an action: a single one if there is one."""
    leads = [float(weight) * (table[others] - table[action]) for weight, table in scaled]
    alone = np.sum([lead.min(axis=1) for lead in leads], axis=0)
    best = int(np.argmax(alone))
    if alone[best] > MARGIN:
        yield np.eye(len(others))[best]
    elif mixed:
        from scipy.optimize import linprog

        # Variables: the mixture, then the least lead over each opponent's actions.
        width = len(others) + len(leads)
        rows = []
        for k, lead in enumerate(leads):
            row = np.zeros((lead.shape[1], width))
            row[:, : len(others)], row[:, len(others) + k] = -lead.T, 1.0
            rows.append(row)
        solution = linprog(
            np.repeat([0.0, -1.0], [len(others), len(leads)]),
            A_ub=np.concatenate(rows),
            b_ub=np.zeros(sum(len(row) for row in rows)),
            A_eq=np.repeat([[1.0, 0.0]], [len(others), len(leads)], axis=1),
            b_eq=[1.0],
            bounds=[(0, None)] * len(others) + [(None, None)] * len(leads),
        )
        if solution.success and -solution.fun > MARGIN:
            yield np.maximum(solution.x[: len(others)], 0.0)


def _beats(mixture: np.ndarray, tables: _Tables, action: int, others: np.ndarray) -> bool:
    """Tell whether a mixture is strictly better, in the numbers of the problem."""
    used = np.flatnonzero(mixture)
    exact = tables[0][1].dtype == object
    weights = np.array([Fraction(weight) for weight in mixture[used].tolist()] if exact else mixture[used])
    weights /= weights.sum()
    lead = sum((weight * (weights @ table[others[used]] - table[action])).min() for weight, table in tables)
    return bool(lead > (0 if exact else MARGIN / 2))
