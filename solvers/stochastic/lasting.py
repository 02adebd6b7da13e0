r"""Power of several steps: stage-game policy iteration, and Newton's method on the game of all states at once.

Let :math:`V` and :math:`U` be the values of a profile, and :math:`W^{m+1}_{ij} = \min_{a_j} E[r_i + γ_i P W^m_{ij}]`
with :math:`W^0_{ij} = V_i`. Given these, each state is a game in which rows are worth

.. math::
    L_i = Q_i^U - λ w_i Q_i^V, \quad N_{ij} = r_i + γ_i P W^{k-1}_{ij}

to player `i` where nobody is taken over, and where `j` is. The games of all states are solved, the profile is
evaluated, and so on, as in `stages`. Some states may go back and forth between equilibria, each of which leads to
values for which only the other one is. What everybody in these states is paid is then linearized in what everybody does
there, values included. Lemke's algorithm solves this linear game, and its equilibrium is the next point, as in `ipa`.

This is what the method `stages` does with such problems. There is no guarantee. A step of Newton's method takes one
evaluation for each action and takeover.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from powergames.results import Status
from powergames.solvers.stochastic.problem import StochasticProblem, Worth
from powergames.solvers.stochastic.search import Best, Found, Search
from powergames.solvers.stochastic.stage_games import stage_equilibria


@dataclass(frozen=True)
class Limits:
    """How long stage games are solved anew, and what is linearized."""

    iterations: int = 60
    """Times that all stage games are solved in a row."""
    patience: int = 10
    """They are given up after this many times without a lower regret."""
    recent: int = 6
    """A state has settled after this many times without a change of supports."""
    entries: int = 400
    """Actions and takeovers up to which states are linearized together; a game with no more is taken as a whole."""
    steps: int = 20
    """Steps of Newton's method from one point."""
    starts: int = 4
    """Points from which such a game is solved."""
    rounds: int = 20
    """Times that states join those which are linearized in a larger game."""
    move: float = 1e-7
    """By how much a probability is moved to see what depends on it."""
    halvings: int = 5
    """Lengths of a step of Newton's method that are tried, each half of the one before."""


LIMITS = Limits()


def find(problem: StochasticProblem, start: Found, search: Search) -> Found:
    """Iterate from a point."""
    unsettled = np.ones(problem.n_states, dtype=bool)
    with search.best(problem, start) as best:
        _, unsettled = _take_turns(problem, start.point, best, near=search.options.start is not None)
        if problem.size <= LIMITS.entries:
            _solve_together(problem, best)
        else:
            unsettled = _solve_unsettled(problem, unsettled, best)
    return best.found(Status.CYCLING, unsettled)


def _take_turns(
    problem: StochasticProblem, point: np.ndarray, best: Best, *, near: bool, kept: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Solve the games of all states and evaluate, round after round.

    Entries that are kept stay as they are. Returns the last point, and which states did not settle, shape (S,).
    """
    worth = _worth(problem, point)
    used, since = point > 0.0, 0
    recent: list[np.ndarray] = []
    for count in range(LIMITS.iterations):
        last = point
        point = stage_equilibria(problem, last, worth, best.search, near=near or count > 0, surely=False)
        if kept is not None:
            point[kept] = last[kept]
        worth = _worth(problem, point)
        least = best.regret
        best.look(point, worth)
        before, used = used, point > 0.0
        recent = [*recent[1 - LIMITS.recent :], np.logical_or.reduceat(used != before, problem.point_starts[:-1])]
        since = 0 if best.regret < least else since + 1
        if best.done or since > LIMITS.patience:
            break
    return point, np.logical_or.reduce(recent)


def _solve_together(problem: StochasticProblem, best: Best) -> None:
    """Solve the game of all states, from the best point and then from others."""
    point = best.point
    for _ in range(LIMITS.starts):
        if best.good:
            return
        _newton(problem, np.arange(problem.size), point, best)
        point = problem.normalized(best.search.options.rng.exponential(size=problem.size))


def _solve_unsettled(problem: StochasticProblem, unsettled: np.ndarray, best: Best) -> np.ndarray:
    """Solve the game of the states that do not settle, then those of the others, and so on; return these states."""
    point = best.point
    for _ in range(LIMITS.rounds):
        entries = problem.entries_of(np.flatnonzero(unsettled))
        if best.good or not 0 < len(entries) <= LIMITS.entries:
            break
        point = _newton(problem, entries, point, best)
        point, moved = _take_turns(problem, point, best, near=True, kept=entries)
        unsettled = unsettled | moved
    return unsettled


def _newton(problem: StochasticProblem, entries: np.ndarray, point: np.ndarray, best: Best) -> np.ndarray:
    """Linearize what is paid in some states, at some entries of a point, solve that game, and repeat."""
    from powergames.kernels.stages import linear_equilibrium

    changes = np.flatnonzero(np.diff(problem.group_of[entries])) + 1
    bounds = np.concatenate([[0], changes, [len(entries)]])
    derivative = np.empty((len(entries), len(entries)))
    regret = np.inf
    for _ in range(LIMITS.steps):
        paid = problem.gradients(point, _worth(problem, point))[entries]
        for column, entry in enumerate(entries.tolist()):
            moved = point.copy()
            moved[entry] += LIMITS.move
            derivative[:, column] = (problem.gradients(moved, _worth(problem, moved))[entries] - paid) / LIMITS.move
            best.step("linearized games", problem.work)
        target = linear_equilibrium(bounds, paid, derivative, point[entries])
        if not len(target):
            break
        nearest, found = np.inf, point
        for halved in range(LIMITS.halvings):
            trial = point.copy()
            trial[entries] += 0.5**halved * (target - point[entries])
            now = float(best.look(trial, _worth(problem, trial)).regrets.max())
            if now < nearest:
                nearest, found = now, trial
            if nearest < regret:
                break
        point, regret = found, nearest
        if best.done:
            break
    return point


def _worth(problem: StochasticProblem, point: np.ndarray) -> Worth:
    """Return what the rows are worth by the values of a point."""
    return problem.worth(problem.evaluate(point))
