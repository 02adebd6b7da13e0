"""One path of equilibria, followed step by step from where it starts, with what happens to them on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from powergames.errors import interruptible
from powergames.objectives import with_lam
from powergames.results import Status, SupportChange, Trace, TraceEvent
from powergames.solvers.following import continuation
from powergames.solvers.following.continuation import (
    AnyEquilibrium,
    PathLostError,
    Place,
    Question,
    same_profile,
    same_way,
)


@dataclass(frozen=True)
class Limits:
    """How long the steps along a path are, and how exactly events on it are enclosed."""

    first_step: float = 0.02
    """Length of the first step, in probabilities."""
    longest_step: float = 0.1
    """Length of the longest step."""
    shortest_step: float = 1e-9
    """The path ends where a shorter step would be needed."""
    aside: float = 0.3
    """The corrector may lead this far from the predicted point, relative to the length of the step."""
    straight: float = 0.95
    """Least cosine of the angle between the directions at both ends of a step."""
    careful_step: float = 1e-3
    """Longer steps must show that no margin can have been negative, and λ not turned, in between."""
    half_width: float = 4e-10
    """Half the width of brackets."""
    bracket_length: float = 1e-6
    """Length of brackets along the path where λ stands still."""
    steps_per_point: int = 5
    """Steps for each point that may be recorded."""
    widening: float = 1e-3
    """A bracket is widened by this share of its greatest width in any case, for rounding."""


LIMITS = Limits()


@dataclass(frozen=True)
class Nearby:
    """Where to seek an equilibrium on the path of one at λ = 0 whose direction cannot be told there."""

    lam: float
    """Its λ, as a share of the greatest λ, or of 1 if that is less."""
    from_start: bool
    """Whether the search begins at the equilibrium at λ = 0."""


NEARBY = (
    Nearby(lam=1e-3, from_start=True),
    Nearby(lam=1e-3, from_start=False),
    Nearby(lam=1e-2, from_start=True),
    Nearby(lam=1e-2, from_start=False),
)


# What ends all work at once, and what is said then.
STOPPED = {Status.INTERRUPTED: "interrupted", Status.TIME_LIMIT: "the time limit was reached"}

# What a leg of the path ends in.
STEP, CORNER, FOLD, BRANCHING, BOUND = range(5)


@dataclass(frozen=True, eq=False)
class _Leg:
    """A part of the path without events, except for what it ends in."""

    arrival: Place
    length: float
    ends_in: int = STEP


def followed(question: Question, start: AnyEquilibrium, max_points: int, given: bool) -> Trace:
    """Follow a path both ways; if the start was not given, any other at its λ will do."""
    nothing = Trace(question.game, question.objective, (), (), start.status, ("no equilibrium to start from",) * 2)
    if not start.converged:
        return nothing
    try:
        with interruptible():
            origin = question.origin(start)
            onward, backward = (
                question.through(replace(origin, direction=sign * origin.direction), begins=True)
                for sign in (1.0, -1.0)
            )
            if not origin.lam and max(onward.direction[-1], backward.direction[-1]) <= continuation.LIMITS.still:
                raise PathLostError("no path to greater lambda begins at the start, or none is found")
            first = question.certified(origin.state)
    except PathLostError as problem:
        nearby = None if start.objective.lam else _followed_from_nearby(question, start, max_points, given)
        lost = replace(nothing, points=(start,), status=problem.status, ends=(f"lost: {problem}",) * 2)
        return nearby or lost
    except question.stops as stop:
        status, end = _stopped(stop)
        return replace(nothing, points=(start,), status=status, ends=(end, end))
    ahead = _Branch(question, onward, max_points - 1)
    if ahead.closed:
        points, events = (first, *ahead.points, first), ahead.events
        return replace(nothing, points=points, events=tuple(events), status=ahead.status, ends=(ahead.end,) * 2)
    if ahead.status in STOPPED:
        points, ends = (first, *ahead.points), (ahead.end, ahead.end)
        return replace(nothing, points=points, events=tuple(ahead.events), status=ahead.status, ends=ends)
    behind = _Branch(question, backward, max_points - 1 - len(ahead.points))
    if behind.closed:
        behind.status, behind.end = Status.PATH_LOST, "lost: back at the start, to which the other way does not lead"
    points = (*reversed(behind.points), first, *ahead.points)
    events = [*(event.reverse() for event in reversed(behind.events)), *ahead.events]
    status = ahead.status if behind.status is Status.CONVERGED else behind.status
    return replace(nothing, points=points, events=tuple(events), status=status, ends=(behind.end, ahead.end))


def _followed_from_nearby(question: Question, start: AnyEquilibrium, max_points: int, given: bool) -> Trace | None:
    """Follow the path that leads to an equilibrium at λ = 0, where the adversaries' mixtures are not determined."""
    arriving = None
    for nearby in NEARBY:
        objective = with_lam(question.objective, nearby.lam * min(1.0, question.lams[1]))
        near = question.solved(objective, start.profile if nearby.from_start else None)
        path = followed(question, near, max_points, given)
        if path.status in STOPPED:
            return path if path.points else replace(path, points=(start,), ends=(STOPPED[path.status],) * 2)
        ends = path.points[:1] + path.points[-1:]
        if any(same_profile(end, start) if given else not end.objective.lam for end in ends):
            arriving = arriving or path
            if path.converged:
                return path
    return arriving


def _stopped(stop: BaseException) -> tuple[Status, str]:
    """Return the status and the end of a path that was stopped."""
    status = Status.INTERRUPTED if isinstance(stop, KeyboardInterrupt) else Status.TIME_LIMIT
    return status, STOPPED[status]


class _Branch:
    """The path in one of its two directions.

    Attributes
    ----------
    points, events : list
        What was met, the start left out.
    status : Status
    end : str
        In words, why the branch ended.
    closed : bool
        Whether it came back to the start.
    """

    def __init__(self, question: Question, start: Place, max_points: int) -> None:
        self.question, self.family, self.start = question, question.family, start
        self.points: list[AnyEquilibrium] = []
        self.events: list[TraceEvent] = []
        self.status, self.end, self.closed = Status.CONVERGED, "", False
        # Whether λ rises, falls or stands still, and the orientation of the equations, on the present piece.
        self.course, self.sign = 0, 0.0
        # Corners that belong to the next event, because λ stands still.
        self.waiting: tuple[tuple[Place, AnyEquilibrium], ...] = ()
        try:
            with interruptible():
                self._follow(max_points)
        except PathLostError as problem:
            self.status, self.end = problem.status, f"lost: {problem}"
        except question.stops as stop:
            self.status, self.end = _stopped(stop)

    def _follow(self, max_points: int) -> None:
        place, length, seen = self.start, LIMITS.first_step, set()
        self._enter(place)
        if not place.lam and self.course <= 0:
            # Where λ = 0 the adversaries may mix in many ways, on which nothing depends.
            self.end = "lambda = 0 reached"
            return
        for _ in range(LIMITS.steps_per_point * max_points):
            if len(self.points) >= max_points:
                break
            leg = self._leg(place, length)
            arrival = leg.arrival
            if self._passes_start(place, leg):
                self._close()
                return
            if leg.ends_in == BOUND:
                if leg.length > LIMITS.shortest_step:
                    self._record(arrival)
                self.end = f"lambda = {self.question.in_range(arrival.lam):.10g} reached"
                return
            if leg.ends_in == CORNER:
                departure = self.question.through(arrival)
                self._turn_corner(arrival, departure)
                if same_way(departure, self.start):
                    self._close()
                    return
                key = departure.mask.tobytes(), np.round([*departure.state, *departure.direction], 6).tobytes()
                if key in seen:
                    self.status, self.end = Status.CYCLING, "around in a circle that leaves out the start"
                    return
                seen.add(key)
                place = departure
            else:
                if leg.ends_in == FOLD:
                    self._record(arrival)
                    self._meet(((arrival, self.points[-1]),), arrival, -self.course)
                    self.course = -self.course
                elif leg.ends_in == BRANCHING:
                    self._record(arrival)
                    self._meet(((arrival, self.points[-1]),), arrival, self.course, branching=True)
                    self.sign = -self.sign
                else:
                    self._record(arrival)
                    self.course = self.course or self._course(arrival.direction)
                place = arrival
            length = min(max(1.5 * leg.length, 10 * LIMITS.shortest_step), LIMITS.longest_step)
        self.status, self.end = Status.MAX_ITER, "no end within max_points"

    def _enter(self, place: Place) -> None:
        """Begin a piece."""
        self.course = self._course(place.direction)
        self.sign = self.family.orientation(place.linear, place.mask, place.direction)

    def _course(self, direction: np.ndarray) -> int:
        """Tell whether λ rises, falls or stands still."""
        still = abs(direction[-1]) <= continuation.LIMITS.still * self.family.span
        return 0 if still else int(np.sign(direction[-1]))

    def _record(self, place: Place) -> None:
        self.points.append(self.question.certified(place.state))

    def _close(self) -> None:
        self.closed, self.end = True, "back at the start"

    def _passes_start(self, place: Place, leg: _Leg) -> bool:
        """Tell whether a leg leads through the start of the branch."""
        across = self.family.metric * place.direction
        ahead = float(across @ (self.start.state - place.state))
        if not (np.array_equal(place.mask, self.start.mask) and 10 * LIMITS.shortest_step < ahead <= leg.length):
            return False
        there = self.family.corrected(
            place.state + ahead * place.direction, place.mask, across, float(across @ self.start.state)
        )
        if there is None or np.abs(there - self.start.state).max() > continuation.LIMITS.same:
            return False
        return float(across @ self.start.direction) > 0.0

    def _leg(self, place: Place, length: float) -> _Leg:
        """Go one step, or as far as where something happens."""
        while length >= LIMITS.shortest_step:
            self.question.options.report("points of the path", len(self.points))
            leg = self._attempt(place, length)
            if leg is not None:
                return leg
            length *= 0.5
        raise PathLostError(f"no step succeeds at lambda = {place.lam:.10g}")

    def _attempt(self, place: Place, length: float) -> _Leg | None:
        arrival = self._stepped(place, length)
        if arrival is None:
            return None
        leg: _Leg | None = _Leg(arrival, length)
        if self._margins(arrival).min() < -continuation.LIMITS.zero:
            leg = self._obstacle(place, arrival, length)
        elif length > LIMITS.careful_step and not self._is_careful(place, arrival, length):
            return None
        if leg is None or leg.length <= LIMITS.shortest_step:
            return leg
        turns = self._course(leg.arrival.direction) * self.course < 0
        branches = self._orientation(leg.arrival) * self.sign < 0
        if turns and branches:
            return None
        return self._fold(place, leg.length) if turns else self._branching(place, leg.length) if branches else leg

    def _stepped(self, place: Place, length: float) -> Place | None:
        """Return the place a step further, None if it is not clearly the same path."""
        across = self.family.metric * place.direction
        predicted = place.state + length * place.direction
        state = self.family.corrected(predicted, place.mask, across, float(across @ predicted))
        if state is None or np.sqrt(self.family.metric @ (state - predicted) ** 2) > LIMITS.aside * length:
            return None
        arrival = self._arrived(place, state)
        if arrival is None or float(across @ arrival.direction) < LIMITS.straight:
            return None
        return arrival

    def _arrived(self, place: Place, state: np.ndarray) -> Place | None:
        """Return the place at another state of the same piece."""
        linear = self.family.linearized(state)
        direction = self.family.tangent(linear, place.mask)
        if direction is None:
            return None
        forward = float(self.family.metric @ (place.direction * direction))
        return Place(state, linear, place.mask, direction if forward >= 0.0 else -direction)

    def _margins(self, place: Place) -> np.ndarray:
        """Return all that must not become negative, shape (D + 2,): margins and distances from the bounds of λ."""
        low, high = self.question.lams
        margins = self.family.margins(place.state, place.linear, place.mask)
        return np.append(margins, [place.lam - low, high - place.lam])

    def _margin_rates(self, place: Place) -> np.ndarray:
        rates = self.family.margin_rates(place.direction, place.linear, place.mask)
        return np.append(rates, [place.direction[-1], -place.direction[-1]])

    def _orientation(self, place: Place) -> float:
        return self.family.orientation(place.linear, place.mask, place.direction)

    def _is_careful(self, place: Place, arrival: Place, length: float) -> bool:
        """Tell whether no margin was negative and λ did not turn twice within a step, as far as both ends show."""
        before, after = self._margins(place), self._margins(arrival)
        falling, rising = self._margin_rates(place), self._margin_rates(arrival)
        dips = (falling < -continuation.LIMITS.still) & (rising > continuation.LIMITS.still)
        # A convex function lies above its tangents at both ends.
        where = (after - length * rising - before)[dips] / (falling - rising)[dips]
        if (before[dips] + where * falling[dips] < 0.0).any():
            return False
        first, last = place.direction[-1], arrival.direction[-1]
        middle = 1.5 * (arrival.lam - place.lam) / length - 0.25 * (first + last)
        return first * last <= 0.0 or self._course(place.direction) * middle >= 0.0

    def _obstacle(self, place: Place, arrival: Place, length: float) -> _Leg | None:
        """Return the leg to the first place on the way where a margin falls to zero."""
        family, size = self.family, len(place.mask)
        before, after = np.maximum(self._margins(place), 0.0), self._margins(arrival)
        blocking, share = -1, 1.0
        for p in np.flatnonzero(after < -continuation.LIMITS.zero):
            if (reached := before[p] / (before[p] - after[p])) < share:
                blocking, share = int(p), float(reached)
        for _ in range(len(after)):
            row: np.ndarray | int
            row, target = np.zeros(len(place.state)), 0.0
            if blocking >= size:
                row[-1], target = 1.0, self.question.lams[blocking - size]
            elif place.mask[blocking]:
                row[blocking] = 1.0
            else:
                row = blocking
            guess = place.state + share * (arrival.state - place.state)
            state = family.corrected(guess, place.mask, row, target)
            if state is None:
                return None
            gone = float((family.metric * place.direction) @ (state - place.state))
            if not -LIMITS.shortest_step <= gone <= 1.1 * length:
                return None
            reached_at = self._arrived(place, state)
            if reached_at is None:
                # At λ = 0 the adversaries' weights vanish, and with them what determines their mixture.
                reached_at = replace(place, state=state, linear=family.linearized(state))
            margins = self._margins(reached_at)
            worst = int(np.argmin(margins))
            if margins[worst] >= -continuation.LIMITS.zero:
                # Where the path leaves the range, it does not matter what else happens there.
                leaves = (margins[size:] <= continuation.LIMITS.zero) & (self._margin_rates(reached_at)[size:] < 0.0)
                return _Leg(reached_at, max(gone, 0.0), BOUND if leaves.any() else CORNER)
            share *= before[worst] / (before[worst] - margins[worst])
            blocking = worst
        return None

    def _fold(self, place: Place, length: float) -> _Leg:
        """Return the leg to where λ turns."""
        from scipy.optimize import brentq

        gone = brentq(lambda gone: self._on_piece(place, gone).direction[-1] * self.course, 0.0, length, xtol=1e-14)
        return _Leg(self._on_piece(place, gone), gone, FOLD)

    def _branching(self, place: Place, length: float) -> _Leg:
        """Return the leg to where the orientation of the equations changes."""
        low, high = 0.0, length
        while high - low > 1e-12 * length:
            middle = 0.5 * (low + high)
            if self._orientation(self._on_piece(place, middle)) * self.sign < 0:
                high = middle
            else:
                low = middle
        return _Leg(self._on_piece(place, high), high, BRANCHING)

    def _on_piece(self, place: Place, gone: float) -> Place:
        across = self.family.metric * place.direction
        predicted = place.state + gone * place.direction
        state = self.family.corrected(predicted, place.mask, across, float(across @ predicted))
        found = None if state is None else self._arrived(place, state)
        if found is None:
            raise PathLostError(f"the path cannot be told from others near lambda = {place.lam:.10g}")
        return found

    def _turn_corner(self, arrival: Place, departure: Place) -> None:
        """Leave a corner; where λ stands still from there on, wait for what comes before calling it an event."""
        course = self._course(departure.direction)
        self._record(arrival)
        self.waiting = (*self.waiting, (arrival, self.points[-1]))
        if course:
            self._meet(self.waiting, departure, course)
            self.waiting = ()
        self._enter(departure)

    def _meet(
        self, corners: Sequence[tuple[Place, AnyEquilibrium]], departure: Place, course: int, branching: bool = False
    ) -> None:
        """Add an event at places of the same λ, with equilibria so close before and after that they bracket it."""
        arrival = corners[0][0]
        changes = self._changes(arrival, departure)
        directions = (self._course(arrival.direction) if len(corners) > 1 else self.course), course
        if not changes and not branching and directions[0] == directions[1] and len(corners) == 1:
            return
        wide = LIMITS.half_width * max(1.0, 0.1 * arrival.lam)
        ends = self._nearby(arrival, -1.0, wide), self._nearby(departure, 1.0, wide)
        lams = [place.lam for place, _ in corners] + [float(state[-1]) for state in ends]
        # Where λ turns, no more of the path lies on one side.
        turning = directions[0] if directions[0] * directions[1] < 0 else 0
        low = min(lams) - (wide if turning < 0 else LIMITS.widening * wide)
        high = max(lams) + (wide if turning > 0 else LIMITS.widening * wide)
        before, after = (self.question.certified(state) for state in ends)
        met = tuple(equilibrium for _, equilibrium in corners)
        self.events.append(TraceEvent(met, (max(low, 0.0), high), before, after, directions, changes, branching))

    def _nearby(self, place: Place, sign: float, wide: float) -> np.ndarray:
        """Return a state shortly before or after a place."""
        slope = abs(place.direction[-1])
        length = min(LIMITS.bracket_length, 0.9 * wide / slope) if slope > 0.0 else LIMITS.bracket_length
        while length > 0.0:
            state = self._on_piece(place, sign * length).state
            if abs(state[-1] - place.lam) <= wide:
                return state
            length *= 0.5
        return place.state

    def _changes(self, arrival: Place, departure: Place) -> tuple[SupportChange, ...]:
        """Return what only before or only after a corner is played, or among the best takeovers of an adversary."""
        family = self.family
        before, after = (
            np.where(
                family.is_player,
                (place.state[: len(place.mask)] > continuation.LIMITS.zero)
                | (place.mask & (sign * rates > continuation.LIMITS.still)),
                (place.linear.slacks <= continuation.LIMITS.zero)
                & (place.mask | (sign * rates <= continuation.LIMITS.still)),
            )
            for place, sign in ((arrival, -1.0), (departure, 1.0))
            for rates in [family.margin_rates(place.direction, place.linear, place.mask)]
        )
        return tuple(family.change(int(p), bool(after[p])) for p in np.flatnonzero(before != after))
