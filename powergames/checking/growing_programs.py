"""Best responses by a linear program that grows, since of many actions and takeovers few matter.

In the notation of `powergames.checking.normal_form`, over mixed strategies x and what each adversary b leaves, t_b,

    maximize  linear @ x + Σ_b weights[b] t_b   subject to   t_b <= (x @ K_b)[k]   for every takeover k.

The program begins with some actions and takeovers. HiGHS solves it; then those which the solution neglects most enter,
at most as many as there are already, and HiGHS goes on from the basis that it has reached. Every solution holds
strategies of the adversaries, which bound the value of the whole problem from above, so that the search can end early.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Protocol

import numpy as np

# Actions of the player, and takeovers of each adversary, with which a program begins.
FEW = 32

# Once so great a share of all actions and takeovers is in, or about to enter, all enter: a few rounds more would cost
# as much as the whole program.
MOST = 0.65

# A gap between a bound and what is attained that is rounding.
ROUNDING = 1e-12

# HiGHS holds constraints and reduced costs to this, for payoffs of about one.
ACCURACY = 1e-10


class Table(Protocol):
    """A matrix K_b: payoffs of the player's actions against the takeovers of an adversary."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Numbers of actions and of takeovers."""
        ...

    def averaged(self, axis: int, strategy: np.ndarray) -> np.ndarray:
        """Average over the actions, axis 0, or over the takeovers, axis 1."""
        ...

    def part(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Return chosen rows and columns."""
        ...


class GrowingProgram:
    """The linear program of one player's best response, restricted to few actions and takeovers at first.

    Parameters
    ----------
    linear : ndarray, shape (A,)
    weights : sequence of float
        Of each adversary; positive, and about one or less.
    tables : sequence of Table
        Of each adversary, shape (A, K_b).
    scale : float
        What the entries of the tables are divided by; those of `linear` are already.
    strategy : ndarray, shape (A,)
        A good guess: its actions and the worst takeovers against it are what the program begins with.

    Attributes
    ----------
    strategy : ndarray, shape (A,)
        The best strategy found.
    attained : float
        What it is worth, in units of `scale`.
    claims : list of ndarray
        Strategies of the adversaries that bound the value of every strategy best, as far as found.
    bound : float
        That bound.
    iterations : int
        Of the simplex method.
    """

    def __init__(
        self,
        linear: np.ndarray,
        weights: Sequence[float],
        tables: Sequence[Table],
        scale: float,
        strategy: np.ndarray,
    ) -> None:
        import highspy

        self.linear, self.weights, self.tables, self.scale = linear, weights, tables, scale
        self.actions = np.zeros(0, dtype=np.int64)
        self.takeovers = [np.zeros(0, dtype=np.int64) for _ in tables]
        # Of each row of the program but the first, the adversary and the takeover.
        self.rows = np.zeros((0, 2), dtype=np.int64)
        self.strategy, self.attained = strategy, -math.inf
        self.claims = [np.full(table.shape[1], 1.0 / table.shape[1]) for table in tables]
        self.bound = float(self._values(self.claims).max())
        self.size = len(linear) + sum(table.shape[1] for table in tables)
        self.iterations = 0
        self.highs = highspy.Highs()
        self.infinity, self.optimal = highspy.kHighsInf, highspy.HighsModelStatus.kOptimal
        options = {"output_flag": False, "solver": "simplex"}
        options |= {f"{side}_feasibility_tolerance": ACCURACY for side in ("primal", "dual")}
        for name, value in options.items():
            self.highs.setOptionValue(name, value)
        self.highs.changeObjectiveSense(highspy.ObjSense.kMaximize)
        count = len(weights)
        self.highs.addVars(count, np.full(count, -self.infinity), np.full(count, self.infinity))
        self.highs.changeColsCost(count, np.arange(count, dtype=np.int32), np.asarray(weights, dtype=np.float64))
        self.highs.addRow(1.0, 1.0, 0, np.zeros(0, dtype=np.int32), np.zeros(0))
        worst = [np.argsort(table.averaged(0, strategy), kind="stable")[:FEW] for table in tables]
        self._add(np.lexsort((-linear, -strategy))[:FEW], worst)

    def run(self, deadline: float = math.inf, max_iter: int | None = None) -> bool:
        """Solve the program and let it grow until it holds the optimum of the whole problem.

        Parameters
        ----------
        deadline : float, optional
            When to stop, as `time.monotonic` tells the time.
        max_iter : int, optional
            Limit on the iterations.

        Returns
        -------
        bool
            Whether `strategy` and `claims` are optimal; otherwise they are the best ones so far.
        """
        while self._solved(deadline, max_iter):
            strategy, claims = self._solution()
            values, attained = self._values(claims), float(self.linear @ strategy)
            takeovers = []
            for weight, table, known in zip(self.weights, self.tables, self.takeovers, strict=True):
                against = table.averaged(0, strategy) / self.scale
                attained += weight * against.min()
                takeovers.append(_neglected(-against, known))
            if attained > self.attained:
                self.attained, self.strategy = attained, strategy
            if values.max() < self.bound:
                self.bound, self.claims = float(values.max()), claims
            actions = _neglected(values, self.actions)
            missing = len(actions) + sum(map(len, takeovers))
            if self.bound - self.attained <= ROUNDING or not missing:
                return True
            if missing + len(self.actions) + len(self.rows) > MOST * self.size:
                actions = np.setdiff1d(np.arange(len(values)), self.actions)
                takeovers = [
                    np.setdiff1d(np.arange(table.shape[1]), known)
                    for table, known in zip(self.tables, self.takeovers, strict=True)
                ]
            self._add(actions, takeovers)
        return False

    def _values(self, claims: Sequence[np.ndarray]) -> np.ndarray:
        """What each action is worth against strategies of the adversaries."""
        values = self.linear
        for weight, table, claim in zip(self.weights, self.tables, claims, strict=True):
            values = values + weight * (table.averaged(1, claim) / self.scale)
        return values

    def _solved(self, deadline: float, max_iter: int | None) -> bool:
        """Run HiGHS; if rounding leads it astray, once more from the beginning."""
        for _ in range(2):
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            # HiGHS adds up the time of all its runs, but not their iterations.
            self.highs.setOptionValue("time_limit", self.highs.getRunTime() + left)
            if max_iter is not None:
                self.highs.setOptionValue("simplex_iteration_limit", max(0, max_iter - self.iterations))
            self.highs.run()
            self.iterations += max(0, self.highs.getInfo().simplex_iteration_count)
            if self.highs.getModelStatus() == self.optimal:
                return True
            if max_iter is not None and self.iterations >= max_iter:
                return False
            self.highs.clearSolver()
        return False

    def _solution(self) -> tuple[np.ndarray, list[np.ndarray]]:
        solution: Any = self.highs.getSolution()
        strategy = np.zeros(len(self.linear))
        strategy[self.actions] = np.maximum(np.array(solution.col_value)[len(self.tables) :], 0.0)
        prices = np.maximum(np.array(solution.row_dual)[1:], 0.0)
        claims = []
        for b, table in enumerate(self.tables):
            own = self.rows[:, 0] == b
            claims.append(np.zeros(table.shape[1]))
            claims[b][self.rows[own, 1]] = prices[own] / self.weights[b]
        return as_distribution(strategy), [as_distribution(claim) for claim in claims]

    def _add(self, actions: np.ndarray, takeovers: Sequence[np.ndarray]) -> None:
        """Let actions and takeovers of each adversary enter the program."""
        self._add_actions(actions)
        for b, own in enumerate(takeovers):
            self._add_takeovers(b, own)

    def _add_actions(self, actions: np.ndarray) -> None:
        entries = np.ones((len(actions), 1 + len(self.rows)))
        for b, table in enumerate(self.tables):
            own = np.flatnonzero(self.rows[:, 0] == b)
            entries[:, 1 + own] = -table.part(actions, self.rows[own, 1]) / self.scale
        starts, places = _dense(entries, np.arange(entries.shape[1]))
        bounds = np.zeros(len(actions)), np.full(len(actions), self.infinity)
        self.highs.addCols(len(actions), self.linear[actions], *bounds, entries.size, starts, places, entries.ravel())
        self.actions = np.append(self.actions, actions)

    def _add_takeovers(self, b: int, takeovers: np.ndarray) -> None:
        entries = np.ones((len(takeovers), 1 + len(self.actions)))
        entries[:, 1:] = -self.tables[b].part(self.actions, takeovers).T / self.scale
        starts, places = _dense(entries, np.append(b, len(self.tables) + np.arange(len(self.actions))))
        bounds = np.full(len(takeovers), -self.infinity), np.zeros(len(takeovers))
        self.highs.addRows(len(takeovers), *bounds, entries.size, starts, places, entries.ravel())
        self.takeovers[b] = np.append(self.takeovers[b], takeovers)
        self.rows = np.concatenate([self.rows, np.stack([np.full(len(takeovers), b), takeovers], axis=1)])


def _neglected(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Return which entries are greater than all known ones: the greatest, no more than are known."""
    better = np.flatnonzero(values > values[known].max())
    return better[np.argsort(-values[better], kind="stable")[: len(known)]]


def as_distribution(claim: np.ndarray) -> np.ndarray:
    """Project a claimed strategy onto the simplex, so that a bad claim still proves something true.

    Examples
    --------
    >>> as_distribution(np.array([3.0, -1.0, 1.0]))
    array([0.75, 0.  , 0.25])
    """
    largest = claim.max()
    if not largest > 0:
        count = len(claim)
        return np.full(count, Fraction(1, count) if claim.dtype == object else 1.0 / count)
    # Dividing by the largest entry first keeps the sum from overflowing.
    clipped = np.where(claim > 0, claim, 0 * largest) / largest
    return np.asarray(clipped / clipped.sum())


def _dense(entries: np.ndarray, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return where each row of a dense matrix starts, and the place of each entry, as HiGHS takes sparse ones."""
    count, width = entries.shape
    return (width * np.arange(count)).astype(np.int32), np.tile(places, count).astype(np.int32)
