r"""Iterated polymatrix approximation: each step solves the game linearized at the current profile.

Near a point the payoffs of the extended game are those of a *polymatrix* game up to terms of second order, and the
equilibria of a polymatrix game solve a linear complementarity problem, which Lemke's algorithm solves from the
current point on (Govindan & Wilson 2004; Eaves 1973). Moving there, and linearizing anew, is Newton's method for games:
it identifies the supports by itself and in the end converges quadratically. Far from an equilibrium a step may lead
astray, so that the regret decides how much of it is taken, and after some steps the method begins anew elsewhere.
"""

from __future__ import annotations

import numpy as np

from powergames.games.normal_form import NormalFormGame
from powergames.objectives import PowerObjective
from powergames.results import Status
from powergames.solvers.common import Candidate, Method, Options
from powergames.solvers.extended import ExtendedGame, refuses

# Steps in all unless the caller says otherwise, and steps from one start.
MAX_STEPS, PATIENCE = 400, 30

# Fractions of a step that are tried, until one lowers the regret.
FRACTIONS = (1.0, 0.5, 0.25, 0.125)

# Regret, in units of the payoff range, that is as good as rounding allows.
ROUNDING = 1e-13

# Pivots between two looks at Ctrl-C and the callback.
CHUNK = 100

# Pivots of Lemke's algorithm for each unknown, after which a step counts as failed.
PIVOTS = 5


def find(game: NormalFormGame, objective: PowerObjective, options: Options) -> Candidate:
    """Iterate from x0, then from random profiles."""
    return search(game, objective, options, MAX_STEPS if options.max_iter is None else options.max_iter)


def search(game: NormalFormGame, objective: PowerObjective, options: Options, budget: int) -> Candidate:
    """Iterate until an equilibrium is found or `budget` steps are made."""
    problem = ExtendedGame.of(game, objective)
    profile = game.uniform_profile() if options.x0 is None else options.x0
    best, least = None, np.inf
    steps = 0
    while steps < budget:
        point, values, regret = _looked_at(problem, problem.starting_point(profile))
        for _ in range(PATIENCE):
            if regret < least:
                best, least = point, regret
            if regret <= ROUNDING:
                return problem.candidate(point, steps)
            if steps == budget:
                break
            steps += 1
            options.report("polymatrix steps", steps)
            target = polymatrix_equilibrium(problem, point, values, options)
            if target is None:
                break
            trials = []
            for fraction in FRACTIONS:
                trials.append(_looked_at(problem, point + fraction * (target - point)))
                if trials[-1][2] < regret:
                    break
            # Where no fraction helps, the best of them still gets away from here.
            point, values, regret = min(trials, key=lambda trial: trial[2])
        profile = tuple(options.rng.dirichlet(np.ones(size)) for size in game.n_actions)
    if best is None:
        best = problem.starting_point(profile)
    return problem.candidate(best, steps, None if least * problem.magnitude <= options.tol else Status.MAX_ITER)


def _looked_at(problem: ExtendedGame, point: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    values = problem.gradient(point, problem.tables(point))
    return point, values, float(problem.regrets(point, values).max())


def polymatrix_equilibrium(
    problem: ExtendedGame, point: np.ndarray, values: np.ndarray, options: Options
) -> np.ndarray | None:
    """Return an equilibrium of the polymatrix game that agrees with the extended game to first order at a point.

    Parameters
    ----------
    problem : ExtendedGame
    point : ndarray, shape (D,)
        Also where Lemke's path starts.
    values : ndarray, shape (D,)
        The gradient there.
    options : Options

    Returns
    -------
    ndarray, shape (D,), or None
        None if the path is too long or gets lost.
    """
    from powergames.kernels import lemke
    from powergames.kernels.extended import linearized_lcp

    matrix, constants = linearized_lcp(problem.jacobian(point, problem.tables(point)), values, point, problem.bounds)
    state = lemke.start(matrix, constants, lemke.cover(matrix, point))
    pivots = 0
    while state[-1][1] == lemke.RUNNING and pivots < PIVOTS * problem.size:
        pivots += lemke.run(*state, CHUNK)
        options.report("pivots", pivots)
    if state[-1][1] != lemke.SOLVED:
        return None
    return problem.normalized(lemke.read(state[0], state[1])[: problem.size])


METHOD = Method(
    "ipa",
    find,
    "iterated polymatrix approximation with restarts: any number of players, any λ; fast on small games, no guarantee",
    refuses,
)
