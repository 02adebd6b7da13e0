"""Exact arithmetic for pivoting: integer tableaux and linear programs.

A tableau holds integers over one common denominator: row `i` says
``det * basic[i] + Σ_k T[i, k] nonbasic[k] = T[i, -1]``, and every pivot divides without remainder (Edmonds 1967,
Bareiss 1968), so entries stay as small as the determinants that they are.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm
from typing import Any

import numpy as np


class NoSolutionError(ArithmeticError):
    """A linear program or complementarity problem has no solution of the kind asked for."""


class OutOfTimeError(ArithmeticError):
    """The deadline came before the solution."""


@dataclass
class Tableau:
    """A system of equations in integers, some variables basic and the rest nonbasic (zero).

    Attributes
    ----------
    entries : ndarray of int (dtype object), shape (R, C + 1)
        Coefficients of the nonbasic variables; the last column is the right-hand side.
    basic, nonbasic : list of int
        The variable of each row and of each column.
    det : int
        Common denominator, positive.
    """

    entries: np.ndarray
    basic: list[int]
    nonbasic: list[int]
    det: int = 1

    def __post_init__(self) -> None:
        # Rows that start basic define the perturbation of the lexicographic ratio test.
        self.origin = list(self.basic)
        self.place = {variable: row for row, variable in enumerate(self.basic)}
        self.place.update({variable: -1 - column for column, variable in enumerate(self.nonbasic)})

    def pivot(self, row: int, column: int) -> None:
        """Exchange the basic variable of a row with the nonbasic variable of a column."""
        entries = self.entries
        pivot = entries[row, column]
        old_row, old_column = entries[row].copy(), entries[:, column].copy()
        entries = entries * pivot
        for i in np.flatnonzero(old_column):
            if i != row:
                entries[i] -= old_column[i] * old_row
        if self.det != 1:
            entries //= self.det
        entries[row] = old_row
        entries[:, column] = -old_column
        entries[row, column] = self.det
        if pivot < 0:
            np.negative(entries, out=entries)
            pivot = -pivot
        self.entries, self.det = entries, pivot
        entering, leaving = self.nonbasic[column], self.basic[row]
        self.basic[row], self.nonbasic[column] = entering, leaving
        self.place[entering], self.place[leaving] = row, -1 - column

    def leaving_row(self, column: int, prefer: int = -1) -> int:
        """Return the row of the lexicographic minimum ratio for an entering column, -1 if nothing leaves.

        A variable named by `prefer` leaves whenever its ratio ties with the least.
        """
        entries = self.entries
        pivots = entries[:, column]
        rows = [i for i in range(len(self.basic)) if pivots[i] > 0]
        if not rows:
            return -1
        rows = _least_ratios(rows, entries[:, -1], pivots)
        if len(rows) > 1 and prefer >= 0:
            for i in rows:
                if self.basic[i] == prefer:
                    return i
        for variable in self.origin:
            if len(rows) == 1:
                break
            place = self.place[variable]
            if place < 0:
                rows = _least_ratios(rows, entries[:, -1 - place], pivots)
            elif place in rows:
                # A unit vector: this row is the only one with a positive entry, so it loses the tie.
                rows.remove(place)
        return rows[0]

    def values(self) -> dict[int, Fraction]:
        """Return the value of every basic variable."""
        return {
            variable: Fraction(int(self.entries[row, -1]), int(self.det)) for row, variable in enumerate(self.basic)
        }


def integer_rows(matrix: np.ndarray) -> np.ndarray:
    """Scale each row of a matrix of fractions to coprime integers (by a positive factor).

    Examples
    --------
    >>> integer_rows(np.array([[Fraction(1, 2), Fraction(1, 3)]], dtype=object))
    array([[3, 2]], dtype=object)
    """
    result = np.empty(matrix.shape, dtype=object)
    for i, row in enumerate(matrix):
        fractions = [Fraction(entry) for entry in row]
        scale = lcm(*(fraction.denominator for fraction in fractions))
        integers = [int(fraction * scale) for fraction in fractions]
        divisor = gcd(*integers) or 1
        result[i] = [integer // divisor for integer in integers]
    return result


def maximize(
    objective: Sequence[Any], matrix: np.ndarray, bounds: Sequence[Any], deadline: float = math.inf
) -> tuple[Fraction | None, list[Fraction]]:
    """Maximize ``c'v`` subject to ``A v <= b, v >= 0`` exactly.

    Parameters
    ----------
    objective : sequence of numbers, length V
    matrix : ndarray of numbers, shape (R, V)
    bounds : sequence of numbers, length R
    deadline : float, optional
        When to give up, as `time.monotonic` tells the time.

    Returns
    -------
    value : Fraction or None
        The maximum; None if it is unbounded.
    point : list of Fraction
        Where it is attained; empty if unbounded.

    Raises
    ------
    NoSolutionError
        If no point satisfies the constraints.
    OutOfTimeError
        If the deadline comes first.

    Notes
    -----
    The simplex method with Bland's rule, which always ends; meant for small programs.

    Examples
    --------
    >>> maximize([1, 1], np.array([[1, 2], [3, 1]]), [4, 6])
    (Fraction(14, 5), [Fraction(8, 5), Fraction(6, 5)])
    """
    n_rows, n_variables = matrix.shape
    rows = np.empty((n_rows, n_variables + 2), dtype=object)
    rows[:, :n_variables] = matrix
    rows[:, n_variables] = -1
    rows[:, -1] = bounds
    scaled = np.empty((n_rows + 2, n_variables + 2), dtype=object)
    scaled[:n_rows] = integer_rows(rows) if n_rows else rows
    costs = np.array([[*objective, 0, 0]], dtype=object)
    scale = lcm(*(Fraction(entry).denominator for entry in objective), 1)
    scaled[n_rows] = -(costs[0] * scale)
    scaled[n_rows + 1] = 0
    scaled[n_rows + 1, n_variables] = 1
    for i in range(n_rows + 2):
        scaled[i] = [int(entry) for entry in scaled[i]]
    # Variables: 0..V-1 the unknowns, V the artificial one, then slacks, then the two objective rows.
    artificial = n_variables
    tableau = Tableau(scaled, list(range(artificial + 1, artificial + 3 + n_rows)), list(range(artificial + 1)))
    worst = min(range(n_rows), key=lambda i: scaled[i, -1] / -scaled[i, artificial], default=-1)
    if n_rows and scaled[worst, -1] < 0:
        tableau.pivot(worst, artificial)
        _bland(tableau, n_rows, n_rows + 1, None, deadline)
        if tableau.entries[n_rows + 1, -1] != 0:
            raise NoSolutionError("no point satisfies the constraints")
        if tableau.place[artificial] >= 0:
            row = tableau.place[artificial]
            column = next((k for k in range(n_variables + 1) if tableau.entries[row, k] != 0), None)
            if column is not None:
                tableau.pivot(row, column)
    if not _bland(tableau, n_rows, n_rows, artificial, deadline):
        return None, []
    values = tableau.values()
    point = [values.get(v, Fraction(0)) for v in range(n_variables)]
    total = sum((Fraction(c) * v for c, v in zip(objective, point, strict=True)), Fraction(0))
    return total, point


def in_convex_hull(point: Sequence[Fraction], others: Sequence[Sequence[Fraction]]) -> bool:
    """Tell whether a point is a convex combination of others, exactly.

    Examples
    --------
    >>> in_convex_hull([Fraction(1, 2)], [[Fraction(0)], [Fraction(1)]])
    True
    """
    if not others:
        return False
    columns = np.array([[*other, Fraction(1)] for other in others], dtype=object).T
    target = np.array([*point, Fraction(1)], dtype=object)
    try:
        maximize(
            [0] * len(others),
            np.concatenate([columns, -columns]),
            list(np.concatenate([target, -target])),
        )
    except NoSolutionError:
        return False
    return True


def _bland(tableau: Tableau, n_rows: int, goal: int, forbidden: int | None, deadline: float) -> bool:
    """Pivot by Bland's rule until the goal row has no negative entry; False if it is unbounded."""
    while True:
        if time.monotonic() > deadline:
            raise OutOfTimeError
        columns = [
            k for k, variable in enumerate(tableau.nonbasic) if variable != forbidden and tableau.entries[goal, k] < 0
        ]
        if not columns:
            return True
        column = min(columns, key=lambda k: tableau.nonbasic[k])
        pivots = tableau.entries[:n_rows, column]
        rows = [i for i in range(n_rows) if pivots[i] > 0]
        if not rows:
            return False
        rows = _least_ratios(rows, tableau.entries[:, -1], tableau.entries[:, column])
        tableau.pivot(min(rows, key=lambda i: tableau.basic[i]), column)


def _least_ratios(rows: list[int], numerators: np.ndarray, denominators: np.ndarray) -> list[int]:
    """Return the rows with the least ``numerators[i] / denominators[i]``; denominators are positive."""
    best = rows[:1]
    for i in rows[1:]:
        left = numerators[i] * denominators[best[0]]
        right = numerators[best[0]] * denominators[i]
        if left < right:
            best = [i]
        elif left == right:
            best.append(i)
    return best
