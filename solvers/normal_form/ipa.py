r"""Iterated polymatrix approximation: each step solves the game linearized at the current profile.

Near a point the payoffs of the extended game are those of a *polymatrix* game up to terms of second order, and the
equilibria of a polymatrix game solve a linear complementarity problem, which Lemke's algorithm solves from the
current point on (Govindan & Wilson 2004; Eaves 1973). Moving there, and linearizing anew, is Newton's method for games:
it identifies the supports by itself and in the end converges quadratically. Far from an equilibrium a step may lead
astray, so that the regret decides how much of it is taken, and after some steps the method begins anew elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from powergames.games.normal_form import NormalFormGame
from powergames.objectives import PowerObjective
from powergames.results import Status
from powergames.solvers import common
from powergames.solvers.common import Candidate, LimitError, Method, Options
from powergames.solvers.normal_form import newton
from powergames.solvers.normal_form.extended import ExtendedGame, refuses


@dataclass(frozen=True)
class Limits:
    """How far iterated polymatrix approximation goes from a start, and how its steps are shortened."""

    steps: int = 400
    """Steps from all starts, unless the caller gives a number."""
    steps_from_a_start: int = 30
    """Steps from one start."""
    fractions: tuple[float, ...] = (1.0, 0.5, 0.25, 0.125)
    """These fractions of a step are tried, until one lowers the regret."""
    reach: float = 1e-3
    """Newton's method may move a probability of a player by this much in the end."""
    pivots_per_unknown: int = 5
    """A step has failed after this many pivots of Lemke's algorithm for each unknown."""


LIMITS = Limits()


def find(game: NormalFormGame, objective: PowerObjective, options: Options) -> Candidate:
    """Iterate from the starting profile, then from random profiles."""
    problem = ExtendedGame.of(game, objective)
    budget = LIMITS.steps if options.max_iter is None else options.max_iter
    profile = game.uniform_profile() if options.start is None else options.start
    best = here = _Place(problem, problem.starting_point(profile))
    steps = 0
    while steps < budget:
        for _ in range(LIMITS.steps_from_a_start):
            if here.regret < best.regret:
                best = here
            if here.regret <= common.LIMITS.rounding:
                best = min(here, here.polished(), key=lambda place: place.regret)
                if best.regret * problem.magnitude <= max(options.tol, newton.LIMITS.regret_of_objective):
                    return problem.candidate(best.point, steps)
                steps += 1
                break
            if steps == budget:
                break
            steps += 1
            try:
                options.report("polymatrix steps", steps)
                target = polymatrix_equilibrium(here, options)
            except LimitError as limit:
                return problem.candidate(best.point, steps, limit.status)
            if target is None:
                break
            trials = []
            for fraction in LIMITS.fractions:
                trials.append(_Place(problem, here.point + fraction * (target - here.point)))
                if trials[-1].regret < here.regret:
                    break
            # Where no fraction helps, the best of them still gets away from here.
            here = min(trials, key=lambda trial: trial.regret)
        profile = tuple(options.rng.dirichlet(np.ones(size)) for size in game.n_actions)
        here = _Place(problem, problem.starting_point(profile))
    close = best.regret * problem.magnitude <= options.tol
    return problem.candidate(best.point, steps, None if close else Status.MAX_ITER)


class _Place:
    """A point, with the pair tables, the gradient and the greatest regret there."""

    def __init__(self, problem: ExtendedGame, point: np.ndarray) -> None:
        self.problem, self.point = problem, point
        self.tables = problem.tables(point)
        self.values = problem.gradient(point, self.tables)
        self.regret = float(problem.regrets(point, self.values).max())

    def polished(self) -> _Place:
        """Return what Newton's method makes of a place next to an equilibrium; at a large λ every digit counts."""
        used = newton.supports(self.problem, self.point, self.values)
        point, _ = newton.finish(self.problem, self.point, self.values, used, LIMITS.reach, True)
        return _Place(self.problem, point)


def polymatrix_equilibrium(here: _Place, options: Options) -> np.ndarray | None:
    """Return an equilibrium of the polymatrix game that agrees with the extended game to first order at a place.

    Lemke's path starts there. None if it is too long or gets lost.
    """
    from powergames.kernels import lemke
    from powergames.kernels.extended import linearized_lcp

    problem, point = here.problem, here.point
    matrix, constants = linearized_lcp(problem.jacobian(point, here.tables), here.values, point, problem.bounds)
    state = lemke.start(matrix, constants, lemke.cover(matrix, point))
    chunk, pivots = max(1, common.LIMITS.operations_between_reports // len(constants) ** 2), 0
    while state[-1][1] == lemke.RUNNING and pivots < LIMITS.pivots_per_unknown * problem.size:
        pivots += lemke.run(*state, min(chunk, LIMITS.pivots_per_unknown * problem.size - pivots))
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
