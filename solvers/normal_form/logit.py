r"""The logit homotopy: quantal-response equilibria of the extended game, followed until they become an equilibrium.

At precision μ a logit quantal-response equilibrium (McKelvey & Palfrey 1995) solves, for players and adversaries alike,

.. math::
    \log ξ_p = μ \, (g_p(ξ) - v_{group(p)}), \qquad \sum_{p \in group} ξ_p = 1 .

At μ = 0 everybody mixes evenly, and from there the *principal branch* leads, for almost all games, to an equilibrium as
μ grows without bound. That is proved in docs/theory.md for weighted aggregates, and open for `max` with three or more
players. A predictor and a corrector follow it (Turocy 2005), with logarithms of the strategies as
unknowns. Two things keep their steps long at any μ. Newton's method moves probabilities that matter in a straight line,
as payoffs are linear in them, and the logarithms of the others, which are linear in μ. And the adversaries are unknowns
of their own in the equations, but not in the linear algebra: each is eliminated against its group, so that systems have
as many rows as the players have actions. The sign of a determinant tells which way is forward, also through folds,
where μ turns back for a while.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import islice

import numpy as np

from powergames.games.normal_form import NormalFormGame
from powergames.objectives import PowerObjective
from powergames.results import Status
from powergames.solvers.common import Candidate, LimitError, Method, Options
from powergames.solvers.normal_form import newton
from powergames.solvers.normal_form.extended import ExtendedGame, refuses


@dataclass(frozen=True)
class HomotopyLimits:
    """What the logit homotopies of normal-form and of stochastic games have in common."""

    linear: float = 1e-3
    """Probabilities above this move in a straight line; the logarithms of those below do."""
    highest_rise: float = 3.0
    """These logarithms rise by at most this much in one step."""
    accuracy: float = 1e-3
    """The last correction is at most this fraction of what the first one may be."""
    crossing: float = 1e-3
    """Where a step of this length still seems to turn back, two branches cross."""
    again: float = 10.0
    """Newton's method is tried again with the same supports when the precision has grown by this factor."""


@dataclass(frozen=True)
class Limits(HomotopyLimits):
    """How far the logit homotopy of a normal-form game goes before it gives up, and what counts as arrived."""

    steps: int = 4_000
    """Steps along all paths, unless the caller gives a number."""
    steps_of_a_path: int = 600
    """Steps along one path."""
    corrections: int = 9
    """Corrections of a step at most."""
    chord: float = 0.3
    """A correction up to this fraction of the one before may be followed by one with the same linearization."""
    shortest_step: float = 1e-7
    """A path is lost if a shorter step is needed."""
    highest_precision: float = 1e13
    """At this precision (per payoff range) floats no longer tell the logarithms from straight lines."""
    least_precision_tried: float = 5.0
    """A try of Newton's method on the supports of a path counts as one at this precision at least."""
    reach: float = 0.3
    """Newton's method may move a probability by this much."""
    regret: float = 1e-12
    """It must reach this regret, in units of the payoff range."""
    regret_of_objective: float = 4e-9
    """It must reach this regret in units of the objective, too: many times the payoff range where λ is large."""
    approach: float = 0.3
    """The path leads to what Newton's method found if its distance to that falls to this fraction."""
    arrived: float = 1e-3
    """It is there already if no probability differs by more."""


LIMITS = Limits()


@dataclass(frozen=True)
class Attempt:
    """How a path is followed; the next attempt begins when a path gets lost or long."""

    caution: float
    """The first correction may move probabilities and log μ by this much; a step that needs more is halved."""
    random_prior: bool = False
    """The branches of symmetric games cross; those of a random prior almost surely do not."""


ATTEMPTS = (
    Attempt(caution=0.3),
    Attempt(caution=0.1),
    Attempt(caution=0.1, random_prior=True),
    Attempt(caution=0.03, random_prior=True),
    Attempt(caution=0.1, random_prior=True),
    Attempt(caution=0.03, random_prior=True),
    Attempt(caution=0.01, random_prior=True),
)


@dataclass(frozen=True, eq=False)
class State:
    """A point of the path: logarithms of all strategies, shape (D,), and the precision."""

    logs: np.ndarray
    precision: float

    @cached_property
    def point(self) -> np.ndarray:
        """The strategies of players and adversaries, shape (D,)."""
        return np.exp(self.logs)


class PathLostError(Exception):
    """No step along the path succeeds."""


def find(game: NormalFormGame, objective: PowerObjective, options: Options) -> Candidate:
    """Follow the principal branch, or the branch that begins at the starting profile, to an equilibrium."""
    problem = ExtendedGame.of(game, objective)
    met = _Met(problem.starting_point(game.uniform_profile()))
    try:
        goal, failure = _followed(problem, game, options, met)
    except LimitError as limit:
        # The last point of the path may be closer than what Newton's method led to.
        values = problem.gradient(met.last, problem.tables(met.last))
        if problem.regrets(met.last, values).max() < met.least:
            met.best = met.last
        return problem.candidate(met.best, met.steps, limit.status)
    return problem.candidate(goal, met.steps, failure)


@dataclass
class _Met:
    """What is met on the way: the best point and its regret, the last point of a path, and the steps made."""

    best: np.ndarray
    least: float = np.inf
    steps: int = 0

    def __post_init__(self) -> None:
        self.last = self.best


def _followed(
    problem: ExtendedGame, game: NormalFormGame, options: Options, met: _Met
) -> tuple[np.ndarray, Status | None]:
    """Follow one path after the other; return the equilibrium, or the best point and why it is none."""
    beginning = np.zeros(problem.size)
    if options.start is not None:
        own = np.concatenate(options.start)
        beginning[: len(own)] = np.log(np.maximum(own, LIMITS.linear))
    budget = LIMITS.steps if options.max_iter is None else options.max_iter
    failure: Status | None = Status.PATH_LOST
    enough = min(LIMITS.regret, LIMITS.regret_of_objective / problem.magnitude)

    def check() -> None:
        options.report("steps of the logit path", met.steps)

    for attempt in ATTEMPTS:
        prior = options.rng.normal(size=problem.size) if attempt.random_prior else beginning
        tried: dict[bytes, float] = {}
        goal, distance = None, np.inf
        path = follow(problem, attempt.caution, LIMITS.accuracy * attempt.caution, prior, check)
        for state, last in _with_end(path, min(LIMITS.steps_of_a_path, budget - met.steps)):
            met.steps += not last
            met.last = point = problem.normalized(state.point)
            check()
            if goal is not None:
                now = problem.distance(point, goal)
                if now <= LIMITS.approach * distance:
                    return goal, None
                if now <= distance:
                    continue
                goal = None
            values = problem.gradient(point, problem.tables(point))
            used = newton.supports(problem, point, values)
            before = tried.get(used.tobytes(), 0.0)
            if state.precision < LIMITS.again * before and not last:
                continue
            tried[used.tobytes()] = max(state.precision, LIMITS.least_precision_tried)
            found, regret = newton.finish(problem, point, values, used, LIMITS.reach, degenerate=before > 0.0)
            if regret < met.least:
                met.best, met.least = found, regret
            if regret <= enough:
                goal, distance = found, problem.distance(point, found)
                if distance <= LIMITS.arrived:
                    return goal, None
        if met.least <= enough or (attempt.random_prior and met.least * problem.magnitude <= options.tol):
            break
        if met.steps >= budget:
            failure = Status.MAX_ITER
            break
    return met.best, None if met.least * problem.magnitude <= options.tol else failure


def _with_end(states: Iterator[State], most: int) -> Iterator[tuple[State, bool]]:
    """Yield states up to the highest precision, and the last one again, marked as the end."""
    state = None
    try:
        for state in islice(states, most):
            yield state, False
            if state.precision > LIMITS.highest_precision:
                break
    except PathLostError:
        pass
    if state is not None:
        yield state, True


def follow(
    problem: ExtendedGame,
    caution: float,
    accuracy: float,
    prior: np.ndarray,
    check: Callable[[], None] | None = None,
) -> Iterator[State]:
    """Yield states along the principal branch, beginning at precision zero.

    Parameters
    ----------
    problem : ExtendedGame
    caution : float
        How far the first step of the corrector may go.
    accuracy : float
        Size of the last step of the corrector, in probabilities and in the logarithm of the precision.
    prior : ndarray, shape (D,)
        Added to the logarithms: zeros for the principal branch, which starts at even mixing.
    check : callable, optional
        Called before each attempt at a step; what it raises ends the path.

    Raises
    ------
    PathLostError
        If no step succeeds, however short.
    """
    start = np.exp(prior)
    start /= np.add.reduceat(start, problem.bounds[:-1])[problem.group_of]
    state = State(np.log(start), 0.0)
    direction = _Linearized(problem, state, prior).tangent()
    side, length = 1.0, 0.3
    while True:
        yield state
        while True:
            if check is not None:
                check()
            predicted = _moved(state, length * direction[:-1], length * direction[-1])
            corrected = _corrected(problem, predicted, direction, caution, accuracy, prior)
            if corrected is not None:
                arrived, system, corrections = corrected
                onward = side * system.tangent()
                turned = (_metric(arrived) ** 2 * direction) @ onward <= 0.0
                if turned and length <= LIMITS.crossing:
                    # No step is short enough to see the path turn: another branch crosses it here.
                    side, onward, turned = -side, -onward, False
                if not turned:
                    break
            length *= 0.5
            if length < LIMITS.shortest_step:
                raise PathLostError
        state, direction = arrived, onward
        length = min(length * 1.7, 3.0) if corrections <= 3 else length * 0.7 if corrections >= 6 else length


def between(problem: ExtendedGame, before: State, after: State, precision: float, accuracy: float) -> State | None:
    """Return the quantal-response equilibrium of a given precision between two states, or None if it is not found."""
    span = after.precision - before.precision
    share = (precision - before.precision) / span if span else 0.0
    direction = np.zeros(problem.size + 1)
    direction[-1] = 1.0
    guess = State(before.logs + share * (after.logs - before.logs), precision)
    corrected = _corrected(problem, guess, direction, np.inf, accuracy, np.zeros(problem.size))
    return None if corrected is None else corrected[0]


def _corrected(
    problem: ExtendedGame, state: State, direction: np.ndarray, caution: float, accuracy: float, prior: np.ndarray
) -> tuple[State, _Linearized, int] | None:
    """Return to the path at a right angle to a direction; also say how it last was linearized, and in how many steps.

    None if that fails. A linearization serves for several steps as long as they shrink fast.
    """
    system, last = None, caution
    for count in range(1, LIMITS.corrections + 1):
        if not 0.0 <= state.precision < np.inf:
            return None
        try:
            if system is None:
                system = _Linearized(problem, state, prior)
                change = system.correction(direction)
            else:
                change = system.correction(direction, state)
        except np.linalg.LinAlgError:
            return None
        size = max(np.abs(_metric(state) * change).max(), 1e-2 * np.abs(change[:-1]).max())
        if not size <= last:
            return None
        state = _moved(state, change[:-1], change[-1])
        if size <= accuracy:
            return state, system, count
        if size > LIMITS.chord * last:
            system = None
        last = 0.8 * size
    return None


def _moved(state: State, change: np.ndarray, more: float) -> State:
    """Change the logarithms of strategies and the precision; probabilities that matter move in a straight line."""
    straight = np.log1p(np.maximum(change, -0.9))
    moved = np.where(state.point > LIMITS.linear, straight, np.minimum(change, LIMITS.highest_rise))
    return State(state.logs + moved, state.precision + more)


def _metric(state: State) -> np.ndarray:
    """Return what turns a change of logarithms and precision into one of probabilities and the log of precision."""
    return np.append(state.point, 1.0 / (1.0 + state.precision))


class _Linearized:
    """The equations of the path, linearized at a state, with the adversaries eliminated."""

    def __init__(self, problem: ExtendedGame, state: State, prior: np.ndarray) -> None:
        from scipy.linalg.lapack import dgetrf

        self.problem, self.state, self.prior = problem, state, prior
        own, n = problem.n_own, problem.n_players
        self.own_groups = problem.bounds[:n], problem.group_of[:own]
        self.adversary_groups = problem.bounds[n:-1] - own, problem.group_of[own:] - n
        point, precision = state.point, state.precision
        self.x, self.z = x, z = point[:own], point[own:]
        tables = problem.tables(point)
        self.values = problem.gradient(point, tables)
        derivative = problem.jacobian(point, tables)
        matrix = precision * derivative[:own, :own] * x
        if own < problem.size:
            self.response = _relative(precision * derivative[own:, :own] * x, z, *self.adversary_groups)
            self.through = precision * derivative[:own, own:] * z
            matrix += self.through @ self.response
        matrix = np.eye(own) - _relative(matrix, x, *self.own_groups)
        if not np.isfinite(matrix).all():
            raise np.linalg.LinAlgError
        self.factors, self.order, singular = dgetrf(matrix, overwrite_a=True)
        if singular:
            raise np.linalg.LinAlgError
        # What one unit of precision does to the strategies.
        self.drift = self._solution(self.values, np.zeros(problem.size))

    def tangent(self) -> np.ndarray:
        """Return the forward direction of the path, (log strategies, precision), of length one in the metric."""
        swaps = np.count_nonzero(self.order != np.arange(len(self.order)))
        negative = np.count_nonzero(np.diag(self.factors) < 0.0)
        direction = np.append(self.drift, 1.0)
        length = np.linalg.norm(_metric(self.state) * direction)
        if not 0.0 < length < np.inf:
            raise PathLostError
        return direction * ((-1.0) ** (swaps + negative) / length)

    def correction(self, direction: np.ndarray, state: State | None = None) -> np.ndarray:
        """Return the change that solves the equations at a state, at a right angle to a direction."""
        problem = self.problem
        if state is None:
            state, values = self.state, self.values
        else:
            values = problem.gradient(state.point, problem.tables(state.point))
        missing = (1.0 - np.add.reduceat(state.point, problem.bounds[:-1]))[problem.group_of]
        step = np.append(self._solution(state.precision * values + self.prior - state.logs, missing), 0.0)
        drift = np.append(self.drift, 1.0)
        weights = _metric(state) ** 2 * direction
        across = weights @ drift
        return step - (weights @ step) / across * drift if across else step

    def _solution(self, errors: np.ndarray, missing: np.ndarray) -> np.ndarray:
        """Solve the linearized equations for errors of the logarithms, and of the sums of the strategies."""
        from scipy.linalg.lapack import dgetrs

        own = len(self.x)
        right, constants = errors[:own], None
        if own < len(errors):
            constants = _relative(errors[own:, None], self.z, *self.adversary_groups)[:, 0] + missing[own:]
            right = right + self.through @ constants
        right = _relative(right[:, None], self.x, *self.own_groups)[:, 0] + missing[:own]
        solution, _ = dgetrs(self.factors, self.order, right)
        return solution if constants is None else np.append(solution, self.response @ solution + constants)


def _relative(rows: np.ndarray, strategy: np.ndarray, first: np.ndarray, group_of: np.ndarray) -> np.ndarray:
    """Subtract from each row the average of its group under the strategy."""
    totals = np.add.reduceat(strategy[:, None] * rows, first)
    return rows - (totals / np.add.reduceat(strategy, first)[:, None])[group_of]


METHOD = Method(
    "logit",
    find,
    "logit homotopy with a Newton finish: any number of players, any λ; follows the principal branch, slow and sure",
    refuses,
)
