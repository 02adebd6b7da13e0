"""Double oracle: solve the game restricted to a few actions, add every player's and adversary's best response, repeat.

An equilibrium of the restricted game to which nobody, adversaries included, has a better action outside is one of the
whole game. Large games mostly have equilibria with small supports, and then only small problems are ever solved. The
sets of actions grow in every round, so the method ends, at the latest with the whole game.
"""

from __future__ import annotations

import numpy as np

from powergames.games.normal_form import NormalFormGame
from powergames.objectives import PowerObjective
from powergames.results import Status
from powergames.solvers import lemke
from powergames.solvers.common import Candidate, Method, Options, two_players_only
from powergames.solvers.two_player import TwoPlayerProblem

# Gain, relative to the payoff range, that makes an action worth adding.
IMPROVEMENT = 1e-12


def find(game: NormalFormGame, objective: PowerObjective, options: Options) -> Candidate:
    """Return one equilibrium of a two-player game."""
    problem = TwoPlayerProblem.of(game, objective, exact=False)
    row, column = problem.row, problem.column
    lam_row, lam_column = problem.lam_row, problem.lam_column
    groups = _start(problem, options)
    # Where the four groups (x, y, z, w) take part; an adversary of zero weight does not.
    active = [0, 1] + ([2] if lam_row else []) + ([3] if lam_column else [])
    actions = [np.flatnonzero(group) for group in groups]
    iterations = 0
    while True:
        payoffs = [
            np.ascontiguousarray(matrix[np.ix_(actions[i], actions[j])])
            for matrix, i, j in ((row, 0, 1), (row, 0, 2), (column, 0, 1), (column, 3, 1))
        ]
        prior = [_restricted(groups[g], actions[g]) for g in active]
        found, pivots = lemke.follow(problem, payoffs, prior, options)
        iterations += pivots
        if found is None:
            return Candidate(None, None, iterations, Status.MAX_ITER)
        for g in active:
            groups[g] = np.zeros_like(groups[g])
            groups[g][actions[g]] = found[g]
            groups[g] /= groups[g].sum()
        x, y, z, w = groups
        values = (
            row @ ((1.0 - lam_row) * y + lam_row * z),
            ((1.0 - lam_column) * x + lam_column * w) @ column,
            -(x @ row),
            -(column @ y),
        )
        grown = False
        for g in active:
            best = int(np.argmax(values[g]))
            if values[g][best] > values[g][actions[g]].max() + IMPROVEMENT:
                actions[g] = np.append(actions[g], best)
                grown = True
        options.report("double oracle: actions", sum(len(actions[g]) for g in active))
        if not grown:
            return problem.candidate(groups, iterations)


def _start(problem: TwoPlayerProblem, options: Options) -> list[np.ndarray]:
    """Begin at x0, or where each side plays what is best against a uniform opponent."""
    row, column = problem.row, problem.column
    if options.x0 is not None:
        x, y = (np.array(strategy, dtype=np.float64) for strategy in options.x0)
    else:
        x = _unit(len(row), int(np.argmax(row.mean(axis=1))))
        y = _unit(row.shape[1], int(np.argmax(x @ column)))
    z = _unit(len(y), int(np.argmin(x @ row)))
    w = _unit(len(x), int(np.argmin(column @ y)))
    return [x, y, z, w]


def _restricted(group: np.ndarray, actions: np.ndarray) -> np.ndarray:
    weights: np.ndarray = group[actions]
    return weights / weights.sum()


def _unit(size: int, position: int) -> np.ndarray:
    vector = np.zeros(size)
    vector[position] = 1.0
    return vector


METHOD = Method(
    "double_oracle",
    find,
    "Lemke's algorithm on growing sets of actions: one equilibrium of a large game whose supports are small",
    two_players_only,
)
