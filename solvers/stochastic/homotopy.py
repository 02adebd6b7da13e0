r"""The logit homotopy of a stochastic game: quantal-response equilibria of all states at once, as in `logit`.

At precision μ, and with the values that the strategies lead to themselves,

.. math::
    \log ξ_p = μ \, (g_p(ξ, V) - v_{group(p)}) + \text{prior}_p, \qquad \sum_{p \in group} ξ_p = 1

in every state, for players and adversaries alike. From even mixing (or a prior) at μ = 0 a path leads, for almost all
games, to an equilibrium as μ grows without bound (Eibelshäuser, Klockmann, Poensgen & von Schenk 2023 for λ = 0). A
predictor and a corrector follow it; both solve linear systems in the values alone, see `newton`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from powergames.results import Status
from powergames.solvers.stochastic import newton
from powergames.solvers.stochastic.newton import Linearized
from powergames.solvers.stochastic.problem import StochasticProblem
from powergames.solvers.stochastic.progress import Progress

# As in the logit homotopy of normal-form games: probabilities above LINEAR move in a straight line, logarithms of those
# below, in one step at most to exp(ENOUGH) of them.
LINEAR, MOST_LOG = 1e-3, 3.0

# Steps along one path.
LONG = 1_500

# One path after the other, until one leads to an equilibrium: how much of even mixing the strategies hold with which it
# begins, the rest being the best ones known (None: random ones), and how far the first correction may move a
# probability or log μ. From near an equilibrium a path is short; those from random ones almost surely do not cross.
PATHS = ((0.0, 0.3), (0.3, 0.3), (1.0, 0.3), (1.0, 0.1), (None, 0.1), (None, 0.03))

# Corrections at most, and the size of the last one relative to the greatest first one.
CORRECTIONS, ACCURACY = 8, 1e-3

# Shortest and first step, and the precision at which to give up.
SHORTEST, FIRST, HIGHEST = 1e-6, 0.3, 1e12

# Newton's method on supports is tried where the path suggests new ones, and again when precision has grown so much.
EARLIEST, AGAIN = 5.0, 10.0


@dataclass(frozen=True, eq=False)
class State:
    """A point of the path: logarithms of strategies, values, precision."""

    logs: np.ndarray
    values: np.ndarray
    precision: float

    @cached_property
    def point(self) -> np.ndarray:
        """The strategies, shape (D,)."""
        return np.exp(self.logs)


def find(problem: StochasticProblem, point: np.ndarray, progress: Progress) -> Status:
    """Follow paths, the first one from a point, until one leads to an equilibrium, which is in `progress`."""
    for evenness, caution in PATHS:
        if evenness is None:
            prior = progress.options.rng.normal(size=problem.size)
        else:
            mixed = (1.0 - evenness) * point + evenness * problem.uniform_point()
            prior = np.log(np.maximum(mixed, LINEAR))
        _follow(problem, caution, prior, progress)
        if progress.good:
            break
    return Status.PATH_LOST


def _follow(problem: StochasticProblem, caution: float, prior: np.ndarray, progress: Progress) -> None:
    """Follow one path as far as it leads, or to an equilibrium."""
    point = problem.normalized(np.exp(prior))
    state = State(np.log(point), problem.evaluate(point), 0.0)
    tried: dict[bytes, float] = {}
    try:
        system = _linearized(problem, state, prior)
        direction, length = _tangent(system, state, None), FIRST
        for _ in range(LONG):
            progress.step(f"logit path, precision {state.precision:.3g}")
            while True:
                predicted = _moved(state, length * direction[0], length * direction[1], length * direction[2])
                corrected = _corrected(problem, predicted, direction, caution, prior)
                if corrected is not None:
                    arrived, system, corrections = corrected
                    onward = _tangent(system, arrived, direction)
                    if length <= 1e-3 or _inner(arrived, direction, onward) > 0.0:
                        break
                length *= 0.5
                if length < SHORTEST:
                    return
            state, direction = arrived, onward
            length = min(length * 1.7, 3.0) if corrections <= 3 else length * 0.7 if corrections >= 6 else length
            if _finished(problem, state, tried, progress) or state.precision > HIGHEST:
                return
    except np.linalg.LinAlgError:
        return


def _finished(problem: StochasticProblem, state: State, tried: dict[bytes, float], progress: Progress) -> bool:
    """Try Newton's method on the supports that a state suggests, unless it was tried not long ago."""
    if state.precision < EARLIEST:
        return False
    point = problem.normalized(state.point)
    gradient = problem.gradients(point, problem.worth(state.values))
    slacks = np.maximum.reduceat(gradient, problem.bounds[:-1])[problem.group_of] - gradient
    used = point >= slacks
    key = used.tobytes()
    if state.precision < AGAIN * tried.get(key, 0.0):
        return False
    tried[key] = state.precision
    return newton.finish(problem, point, used, progress)


def _linearized(problem: StochasticProblem, state: State, prior: np.ndarray) -> Linearized:
    return Linearized.at(problem, state.point, state.values, logs=state.logs, prior=prior, precision=state.precision)


Direction = tuple[np.ndarray, np.ndarray, float]


def _tangent(system: Linearized, state: State, before: Direction | None) -> Direction:
    """Return the direction of the path, of length one in the metric; forward by the determinant if that is known."""
    logs, values = system.changes(1)
    length = float(np.sqrt(((state.point * logs) ** 2).sum() + (1.0 / (1.0 + state.precision)) ** 2))
    if not 0.0 < length < np.inf:
        raise np.linalg.LinAlgError
    direction = logs / length, values / length, 1.0 / length
    sign = system.sign
    if sign == 0.0:
        sign = 1.0 if before is None or _inner(state, before, direction) > 0.0 else -1.0
    return sign * direction[0], sign * direction[1], sign * direction[2]


def _inner(state: State, one: Direction, other: Direction) -> float:
    precision = (1.0 / (1.0 + state.precision)) ** 2
    return float((state.point**2 * one[0]) @ other[0] + precision * one[2] * other[2])


def _moved(state: State, logs: np.ndarray, values: np.ndarray, precision: float) -> State:
    straight = np.log1p(np.maximum(logs, -0.9))
    moved = state.logs + np.where(state.point > LINEAR, straight, np.minimum(logs, MOST_LOG))
    return State(moved, state.values + values, state.precision + precision)


def _corrected(
    problem: StochasticProblem, state: State, direction: Direction, caution: float, prior: np.ndarray
) -> tuple[State, Linearized, int] | None:
    """Return to the path at a right angle to a direction; None if that fails."""
    last = caution
    for count in range(1, CORRECTIONS + 1):
        if not 0.0 <= state.precision < np.inf:
            return None
        try:
            system = _linearized(problem, state, prior)
            logs, values = system.changes(0)
            drift, drift_values = system.changes(1)
        except np.linalg.LinAlgError:
            return None
        along = direction[0] * state.point**2
        weight = direction[2] / (1.0 + state.precision) ** 2
        across = float(along @ drift) + weight
        share = -float(along @ logs) / across if across else 0.0
        logs, values = logs + share * drift, values + share * drift_values
        size = max(
            float(np.abs(state.point * logs).max()),
            abs(share) / (1.0 + state.precision),
            1e-2 * float(np.abs(logs).max()),
        )
        if not size <= last:
            return None
        state = _moved(state, logs, values, share)
        if size <= ACCURACY * caution:
            return state, system, count
        last = 0.8 * size
    return None
