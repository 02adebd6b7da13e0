r"""A Newton homotopy that goes round the corners: from equilibria of the stage games to one of the whole game.

Where a few states go back and forth between equilibria of their stage games, each leads to values for which only the
other one is left, and some third equilibrium between the two is needed. With stage equilibria `x` at values ``V_0`` and
what they miss, ``r = V_0 - B(x, V_0)``, where `B` is what states are worth, all along the path

.. math::
    V - B(x, V) = (1 - t) \, r, \qquad x \text{ in equilibrium in every state, given } V.

It begins at ``t = 0`` in the direction of Newton's method, turns back in `t` where an equilibrium of a stage game
disappears, goes on along another one, and at ``t = 1`` is at an equilibrium of the game. On given supports it is smooth
and followed by predictor and corrector. Where a probability or the slack of an unused action becomes zero, supports
change, and of both directions the path takes the one in which the other of the two becomes positive. Few states change
theirs, so few pieces are followed, however many states there are. The path may lead nowhere; others begin at other
values.

Newton homotopies are due to S. Smale (1976), the way round corners to B. C. Eaves and H. Scarf (1976).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from powergames.results import Status
from powergames.solvers.stochastic import newton
from powergames.solvers.stochastic.newton import Linearized
from powergames.solvers.stochastic.problem import StochasticProblem, Worth
from powergames.solvers.stochastic.progress import Progress
from powergames.solvers.stochastic.stage_iteration import solved

# How far the values from which paths begin are from those of the best profile, in units of the greatest values.
SPREADS = (0.0, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)

# Pieces and steps of a path at most.
MOST = 400

# First, longest and shortest step, and by how much steps grow.
FIRST, LONGEST, SHORTEST, GROWTH = 0.3, 10.0, 1e-9, 2.5

# Corrections at most, the size of the last one, and how far one may move a probability. The factors of the matrix stay,
# so corrections shrink to a fraction only; those below ROUGH that do not are rounding.
# After few of them steps may get longer.
CORRECTIONS, ACCURACY, FAR, FRACTION, ROUGH, EASY = 12, 1e-9, 1.0, 0.5, 1e-7, 6

# Margins up to this size are zero, and attempts to place a step where one of them is.
ZERO, ATTEMPTS = 1e-8, 25

# A difference by which margins are differentiated, and rates up to which they do not change.
DIFFERENCE, STILL = 1e-4, 1e-9


@dataclass(frozen=True, eq=False)
class Direction:
    """A change of the point, of the values, of what rows are worth by them, and of `t`."""

    point: np.ndarray
    values: np.ndarray
    worth: Worth
    time: float

    def plus(self, factor: float, other: Direction) -> Direction:
        """Return the sum with a multiple of another one."""
        return Direction(
            self.point + factor * other.point,
            self.values + factor * other.values,
            (self.worth[0] + factor * other.worth[0], self.worth[1] + factor * other.worth[1]),
            self.time + factor * other.time,
        )

    def times(self, factor: float) -> Direction:
        """Return a multiple."""
        linear, taken = self.worth
        return Direction(
            factor * self.point, factor * self.values, (factor * linear, factor * taken), factor * self.time
        )

    def inner(self, other: Direction) -> float:
        """Return the inner product with another one, in which values do not count."""
        return float(self.point @ other.point + self.time * other.time)


@dataclass(frozen=True, eq=False)
class Place:
    """Where on a path; `worth` is what the rows are worth by the values."""

    problem: StochasticProblem
    point: np.ndarray
    values: np.ndarray
    worth: Worth
    time: float

    def moved(self, direction: Direction, length: float) -> Place:
        """Return the place after a straight step."""
        return Place(
            self.problem,
            self.point + length * direction.point,
            self.values + length * direction.values,
            (self.worth[0] + length * direction.worth[0], self.worth[1] + length * direction.worth[1]),
            self.time + length * direction.time,
        )

    @cached_property
    def gradient(self) -> np.ndarray:
        """What every action and takeover is paid, shape (D,)."""
        return self.problem.gradients(self.point, self.worth)

    @cached_property
    def excess(self) -> np.ndarray:
        """By how much the values exceed what the states are worth, shape (kinds, n, S)."""
        return self.values - self.problem.backup(self.point, self.worth, self.gradient)

    def margins(self, used: np.ndarray) -> np.ndarray:
        """Return the probabilities of what is in use, the slacks of what is not; neither may be negative."""
        problem = self.problem
        weights = np.where(used, self.point, 0.0)
        starts = problem.bounds[:-1]
        levels = np.add.reduceat(weights * self.gradient, starts) / np.add.reduceat(weights, starts)
        return np.where(used, self.point, levels[problem.group_of] - self.gradient)


def find(problem: StochasticProblem, point: np.ndarray, progress: Progress) -> Status:
    """Follow paths from values near those of a point, until one leads to an equilibrium, which is in `progress`."""
    at_point = problem.evaluate(point)
    for spread in SPREADS:
        noise = progress.options.rng.standard_normal(at_point.shape)
        values = at_point + spread * np.abs(at_point).max() * noise
        worth = problem.worth(values)
        _Path(Place(problem, solved(problem, point, worth, progress), values, worth, 0.0), progress).follow()
        if progress.good:
            break
    return Status.PATH_LOST


class _Path:
    """A path, and how far it was followed."""

    def __init__(self, begin: Place, progress: Progress) -> None:
        self.problem, self.progress, self.place = begin.problem, progress, begin
        self.used = begin.point > 0.0
        self.missed = begin.excess

    def follow(self) -> None:
        """Follow the path as far as it leads, to an equilibrium if all goes well."""
        try:
            direction, length, pivot = self._linearize(), FIRST, None
            corners: set[tuple[bytes, float]] = set()
            for _ in range(MOST):
                self.progress.step(f"path of values, t = {self.place.time:.4f}")
                arrived = self._advanced(direction, length, pivot)
                if arrived is None:
                    return
                self.place, length, pivot = arrived
                if self.place.time >= 1.0:
                    newton.finish(self.problem, self.problem.normalized(self.place.point), self.used, self.progress)
                    return
                if pivot is not None:
                    self.used[pivot] = not self.used[pivot]
                    # Without the rounding errors in what is no longer in use.
                    self.place = replace(self.place, point=np.where(self.used, self.place.point, 0.0))
                    corner = self.used.tobytes(), round(self.place.time, 8)
                    if corner in corners:
                        # Rounding, or a degenerate game, has led back to where the path was before.
                        return
                    corners.add(corner)
                before, direction = direction, self._linearize()
                ahead = before.inner(direction) if pivot is None else self._rates(direction)[pivot]
                if pivot is not None and abs(ahead) <= STILL:
                    return
                direction = direction.times(float(np.sign(ahead)))
        except np.linalg.LinAlgError:
            return

    def _linearize(self) -> Direction:
        """Linearize at the place; return the direction of the path towards greater `t`, of length one."""
        place = self.place
        self.linear = Linearized.at(self.problem, place.point, place.values, self.used, worth=place.worth)
        self.drift = Direction(*self.linear.coupled(np.zeros_like(place.point), -self.missed), 1.0)
        length = self.drift.inner(self.drift) ** 0.5
        if not np.isfinite(length):
            raise np.linalg.LinAlgError
        return self.drift.times(1.0 / length)

    def _rates(self, direction: Direction) -> np.ndarray:
        """Return how fast the margins change."""
        ahead, behind = (self.place.moved(direction, step).margins(self.used) for step in (DIFFERENCE, -DIFFERENCE))
        return (ahead - behind) / (2.0 * DIFFERENCE)

    def _advanced(
        self, direction: Direction, length: float, pivot: int | None
    ) -> tuple[Place, float, int | None] | None:
        """Go on as far as a step and the supports reach.

        Returns
        -------
        place : Place
        length : float
            Of the next step.
        pivot : int or None
            What must come into use there, or fall out of it.
        """
        margins = np.maximum(self.place.margins(self.used), 0.0)
        rates = self._rates(direction)
        # What has just changed its role has a margin of zero, but for rounding, and it grows.
        guarded = np.arange(len(margins)) != pivot
        shrinking = guarded & (rates < -STILL)
        until = np.divide(margins, -rates, out=np.full(len(margins), np.inf), where=shrinking)
        if direction.time > 0.0:
            length = min(length, (1.0 - self.place.time) / direction.time)
        step, place, done = min(length, float(until.min())), self.place, 0.0
        for _ in range(ATTEMPTS):
            corrected = self._corrected(place.moved(direction, step - done), direction)
            if corrected is None:
                length = step = 0.4 * step
                place, done = self.place, 0.0
                if step < SHORTEST:
                    return None
                continue
            place, corrections = corrected
            done = step
            now = place.margins(self.used)
            beyond = guarded & (now < -ZERO)
            reached = shrinking & (now <= ZERO)
            if beyond.any():
                step *= float((margins[beyond] / (margins[beyond] - now[beyond])).min())
            elif place.time >= 1.0 - ZERO:
                return replace(place, time=1.0), length, None
            elif reached.any():
                return place, max(length, FIRST), int(np.argmin(np.where(reached, now, np.inf)))
            elif step == length:
                return place, min(GROWTH * length, LONGEST) if corrections <= EASY else length, None
            else:
                # Not there yet: how margins shrank tells how far it is.
                shrank = shrinking & (now < margins)
                step = min(
                    length, step * float((margins[shrank] / (margins[shrank] - now[shrank])).min(initial=np.inf))
                )
        return None

    def _corrected(self, place: Place, direction: Direction) -> tuple[Place, int] | None:
        """Return to the path at a right angle to a direction; also how many corrections it took."""
        along = direction.inner(self.drift)
        last = np.inf
        for count in range(1, CORRECTIONS + 1):
            errors = (1.0 - place.time) * self.missed - place.excess
            change = Direction(*self.linear.coupled(self.linear.responded(place.gradient), errors), 0.0)
            change = change.plus(-direction.inner(change) / along, self.drift)
            size = float(np.abs(change.point).max())
            # Also not a number.
            if not size <= min(FAR, last):
                break
            place = place.moved(change, 1.0)
            if size <= ACCURACY or (size > FRACTION * last and size <= ROUGH):
                return place, count
            last = size
        return (place, CORRECTIONS) if last <= ROUGH else None
