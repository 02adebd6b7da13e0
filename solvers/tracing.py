r"""One equilibrium followed in λ, around folds and through every change of support.

Between two changes of support an equilibrium of the extended game solves as many equations as there are unknowns,

.. math::
    s_p = v_{group(p)} - g_p(ξ, λ) = 0 \quad (p \in S), \qquad \sum_{p \in group} ξ_p = 1,

and with λ as one more unknown the solutions form a smooth curve, which a predictor along its tangent and Newton's
method at a right angle to it follow through *folds*, where λ turns (pseudo-arclength continuation; Keller 1977). The
piece ends where a probability in use or the slack of what is not in use falls to zero. There the two exchange their
roles, and the curve goes on to where the new one grows: complementary pivoting on a nonlinear problem, as in Lemke's
method. λ may turn back there too. Where several fall to zero at once, the path through the equations linearized at that
point, with the margins perturbed at random, decides which of them are exchanged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import cast

import numpy as np

from powergames.certificates import check_tolerance
from powergames.errors import InputError, interruptible
from powergames.games.normal_form import NormalFormGame, check_game
from powergames.objectives import PowerObjective, check_objective, with_lam
from powergames.results import Callback, Equilibrium, Status, SupportChange, Trace, TraceEvent
from powergames.solvers.common import Candidate, Options, certified, check_callback, check_count
from powergames.solvers.extended import ExtendedGame
from powergames.solvers.registry import solve

# Probabilities, and slacks relative to the payoff range, up to this size are zero.
ZERO = 1e-10

# Probabilities up to this size are rounding errors.
DUST = 1e-14

# Components of a direction up to this size are zero: λ stands still, what is zero remains so.
STILL = 1e-9

# Length of steps along the path, in probabilities.
FIRST, LONGEST, SHORTEST = 0.02, 0.1, 1e-9

# Newton steps of the corrector, the size of the last one, and how far it may lead from the predicted point relative to
# the length of the step.
CORRECTIONS, ACCURACY, ASIDE = 10, 1e-11, 0.3

# Least cosine of the angle between the directions at both ends of a step.
STRAIGHT = 0.95

# Steps longer than this must show that no margin can have been negative, and λ not turned, in between.
CAREFUL = 1e-3

# Singular values below this fraction of the largest count as zero.
SINGULAR = 1e-10

# Half the width of brackets, and the distance along the path at which they end where λ stands still.
HALF_WIDTH, NEARBY = 4e-10, 1e-6

# Pivots at one point, and attempts to get through it.
PIVOTS, ATTEMPTS = 200, 5

# Profiles further apart than this are not the same.
SAME = 1e-6

# Slacks up to this size are zero in an equilibrium given as a start.
TIE = 1e-7

# λ of an equilibrium near one at λ = 0 whose path cannot be told there.
NEAR_ZERO = 1e-3

# Steps for each point that may be recorded.
STEPS_PER_POINT = 5

# How far a bracket is widened in any case, relative to its greatest width: rounding.
ROUNDING = 1e-3


class PathLostError(Exception):
    """The path cannot be followed; the message says why."""

    status = Status.PATH_LOST


class RejectedError(PathLostError):
    """A certificate rejects a point."""

    status = Status.REJECTED


def trace(
    game: NormalFormGame,
    objective: PowerObjective | None = None,
    *,
    start: Equilibrium | None = None,
    lams: tuple[float, float] = (0.0, 1.0),
    tol: float = 1e-8,
    max_points: int = 5000,
    callback: Callback | None = None,
) -> Trace:
    """Follow one equilibrium as λ changes, around folds, until the path leaves a range of λ.

    Parameters
    ----------
    game : NormalFormGame
        Any number of players.
    objective : PowerObjective, optional
        Supplies aggregate and form, and the λ at which an equilibrium is sought where none is given as `start`. By
        default those of `start`, or else the mean at the lower end of the range.
    start : Equilibrium, optional
        The equilibrium to follow.
    lams : (float, float), default (0, 1)
        The range of λ.
    tol : float, default 1e-8
        Greatest regret, relative to the payoff range, with which a point is CONVERGED.
    max_points : int, default 5000
        Where to give up, in points.
    callback : callable, optional
        Called as ``callback(stage, done, total)`` now and then; total is 0, for unknown.

    Returns
    -------
    Trace
        Certified equilibria in the order of the path, followed both ways from the start, and the critical λ, where the
        support changes, λ turns back or other equilibria branch off. Each comes with the equilibria at both ends of a
        bracket. A path that could not be followed to its ends has a status other than CONVERGED, and what was reached
        of it.

    Raises
    ------
    InputError
        If an argument cannot be used.

    Notes
    -----
    Costs a few Jacobians of the extended game for each point, as Newton's method does. Every point is certified
    independently. A trace does not show equilibria on other paths. In a degenerate game, where several paths meet in a
    point or equilibria form continua, it follows one path through them, the same each time.

    Sources: H. B. Keller (1977), "Numerical solution of bifurcation and nonlinear eigenvalue problems", in
    *Applications of Bifurcation Theory*, Academic Press; E. L. Allgower and K. Georg (1990), *Numerical Continuation
    Methods*, Springer.

    Examples
    --------
    >>> import powergames as pg
    >>> game = pg.load("stag_hunt")
    >>> path = pg.trace(game, start=pg.solve(game, select="welfare"))
    >>> [(event.kind, round(event.lam, 9)) for event in path.events]
    [('corner', 0.25)]
    >>> path[-1].profile[0], path.events[0].text()
    (array([0.75, 0.25]), 'hunter 1 begins to play hare; hunter 2 begins to play hare; the path turns back')
    """
    check_game(game)
    check_tolerance(tol)
    low, high = _range(lams)
    check_count("max_points", max_points)
    check_callback(callback)
    if objective is not None:
        check_objective(objective)
    if start is not None:
        _check_start(start, game, objective)
        objective = start.objective
    elif objective is None:
        objective = PowerObjective(low)
    if not low <= objective.lam <= high:
        raise InputError(f"lams: got {low:g} to {high:g}, but the path starts at lam={objective.lam:g}; include it")
    with_lam(objective, high).adversaries(game.n_players)
    options = Options(tol=tol, callback=callback)
    given = start is not None
    if start is None:
        start = cast(Equilibrium, solve(game, objective, tol=tol, callback=callback))
    elif start.converged:
        # What the caller brings is believed no more than what a solver finds.
        exact = replace(options, exact=start.exact)
        checked = certified(game, objective, Candidate(start.profile), start.method, exact)
        start = start if checked.converged else checked
    if not start.converged:
        return Trace(game, objective, (), (), start.status, ("no equilibrium to start from",) * 2)
    with interruptible():
        return _trace(_Question(game, objective, (low, high), options), start, max_points, given)


def _trace(question: _Question, start: Equilibrium, max_points: int, given: bool) -> Trace:
    """Follow a path both ways; if the start was not given, any other at its λ will do."""
    try:
        origin = question.origin(start)
        onward, backward = (
            question.through(replace(origin, direction=sign * origin.direction), begins=True) for sign in (1.0, -1.0)
        )
        if not origin.lam and max(onward.direction[-1], backward.direction[-1]) <= STILL:
            raise PathLostError("no path to greater lambda begins at the start, or none is found")
        first = question.certified(origin.state)
    except PathLostError as problem:
        nearby = None if start.objective.lam else _trace_from_nearby(question, start, max_points, given)
        nothing = Trace(question.game, question.objective, (start,), (), problem.status, (f"lost: {problem}",) * 2)
        return nearby or nothing
    ahead = _Branch(question, onward, max_points - 1)
    if ahead.closed:
        points, events = (first, *ahead.points, first), ahead.events
        return Trace(question.game, question.objective, points, tuple(events), ahead.status, (ahead.end,) * 2)
    behind = _Branch(question, backward, max_points - 1 - len(ahead.points))
    points = (*reversed(behind.points), first, *ahead.points)
    events = [*(event.reverse() for event in reversed(behind.events)), *ahead.events]
    status = ahead.status if behind.status is Status.CONVERGED else behind.status
    return Trace(question.game, question.objective, points, tuple(events), status, (behind.end, ahead.end))


def _trace_from_nearby(question: _Question, start: Equilibrium, max_points: int, given: bool) -> Trace | None:
    """Follow the path that leads to an equilibrium at λ = 0, where the adversaries' mixtures are not determined."""
    options = question.options
    objective = with_lam(question.objective, NEAR_ZERO * min(1.0, question.lams[1]))
    found = solve(question.game, objective, x0=start.profile, tol=options.tol, callback=options.callback)
    near = cast(Equilibrium, found)
    if not near.converged:
        return None
    path = _trace(question, near, max_points, given)
    arrives = any(_same_profile(end, start) if given else not end.objective.lam for end in (path[0], path[-1]))
    return path if arrives else None


def _range(lams: tuple[float, float]) -> tuple[float, float]:
    problem = InputError(f"lams: got {str(lams)[:40]}; give two finite numbers, 0 <= least < greatest")
    try:
        low, high = (float(lam) for lam in lams)
    except (OverflowError, TypeError, ValueError):
        raise problem from None
    if not 0 <= low < high < np.inf:
        raise problem
    return low, high


def _check_start(start: Equilibrium, game: NormalFormGame, objective: PowerObjective | None) -> None:
    if not isinstance(start, Equilibrium):
        raise InputError(f"start: got {type(start).__name__}; give an Equilibrium, as solve returns it")
    if start.game is not game and start.game != game:
        raise InputError("start: is an equilibrium of another game; give one of this game")
    if objective is not None and with_lam(objective, start.objective.exact_lam) != start.objective:
        raise InputError("start: has another aggregate or form than objective; leave out objective")


@dataclass(frozen=True, eq=False)
class _Linear:
    """The equations at a state, and how they change with the state.

    Attributes
    ----------
    slacks : ndarray, shape (D,)
        By how much each action and takeover falls short of the value of its group.
    rates : ndarray, shape (D, N)
        Derivatives of the slacks.
    sums : ndarray, shape (G,)
    """

    slacks: np.ndarray
    rates: np.ndarray
    sums: np.ndarray


@dataclass(frozen=True, eq=False)
class _Family:
    """The extended games of all λ, as functions of a state.

    A *state*, shape (N,) with N = D + G + 1, holds a point of the extended game, the value of each group, and λ. A
    *mask*, shape (D,), says which actions and takeovers are in use.
    """

    base: ExtendedGame
    span: float

    @classmethod
    def of(cls, game: NormalFormGame, objective: PowerObjective, high: float) -> _Family:
        base = ExtendedGame.of(game, PowerObjective(1.0, objective.aggregate), normalize=False)
        return cls(base, max(1.0, high))

    def at(self, lam: float) -> ExtendedGame:
        """Return the extended game at a λ, with adversaries also at λ = 0."""
        base = self.base
        return replace(base, linear=1.0 - lam * (1.0 - base.linear), weights=lam * base.weights)

    @cached_property
    def metric(self) -> np.ndarray:
        """Weights of a state's entries in the squared length of a step."""
        weights = np.zeros(self.base.size + self.base.n_groups + 1)
        weights[: self.base.size] = 1.0
        weights[-1] = self.span**-2
        return weights

    @cached_property
    def _derivative(self) -> ExtendedGame:
        return replace(self.base, linear=self.base.linear - 1.0)

    @cached_property
    def _groups(self) -> np.ndarray:
        """Which group each action and takeover belongs to, shape (G, D)."""
        return (self.base.group_of == np.arange(self.base.n_groups)[:, None]).astype(np.float64)

    def state(self, point: np.ndarray, lam: float) -> np.ndarray:
        """Return the state of an equilibrium."""
        problem = self.at(lam)
        values = problem.gradient(point, problem.tables(point))
        return np.concatenate([point, np.maximum.reduceat(values, problem.bounds[:-1]), [lam]])

    def linearized(self, state: np.ndarray) -> _Linear:
        size, own = self.base.size, self.base.n_own
        point, levels = state[:size], state[size:-1]
        problem = self.at(float(state[-1]))
        tables = problem.tables(point)
        group_of = self.base.group_of
        rates = np.zeros((size, len(state)))
        rates[:, :size] = -problem.jacobian(point, tables)
        rates[np.arange(size), size + group_of] = 1.0
        rates[:own, -1] = -self._derivative.gradient(point, tables)[:own]
        slacks = levels[group_of] - problem.gradient(point, tables)
        return _Linear(slacks, rates, np.add.reduceat(point, self.base.bounds[:-1]))

    def margins(self, state: np.ndarray, linear: _Linear, mask: np.ndarray) -> np.ndarray:
        """Return the probabilities of what is in use, the slacks of what is not; negative ones are forbidden."""
        return np.where(mask, state[: len(mask)], linear.slacks)

    def margin_rates(self, direction: np.ndarray, linear: _Linear, mask: np.ndarray) -> np.ndarray:
        """Return how fast the margins change in a direction."""
        return np.where(mask, direction[: len(mask)], linear.rates @ direction)

    def system(self, linear: _Linear, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the derivative of the equations of a mask, (m, m + 1), and the entries of the state it is in."""
        unknown = np.flatnonzero(np.append(mask, np.ones(self.base.n_groups + 1, dtype=bool)))
        sums = np.zeros((self.base.n_groups, len(mask) + self.base.n_groups + 1))
        sums[:, : len(mask)] = self._groups
        return np.concatenate([linear.rates[mask], sums])[:, unknown], unknown

    def tangent(self, linear: _Linear, mask: np.ndarray) -> np.ndarray | None:
        """Return a direction, of length one, that keeps the equations of a mask; None if that leaves a choice."""
        matrix, unknown = self.system(linear, mask)
        _, values, rows = np.linalg.svd(matrix)
        if values[-1] <= SINGULAR * values[0]:
            return None
        direction = np.zeros(len(mask) + self.base.n_groups + 1)
        direction[unknown] = rows[-1]
        length = np.sqrt(self.metric @ direction**2)
        return direction / length if length > 0.0 else None

    def missing(self, linear: _Linear, mask: np.ndarray) -> int:
        """Return by how much the rank of the equations falls short."""
        matrix, _ = self.system(linear, mask)
        values = np.linalg.svd(matrix, compute_uv=False)
        return int((values <= SINGULAR * values[0]).sum())

    def perturbed_margins(self, linear: _Linear, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return how margins that are zero change when random numbers are added to all equations."""
        matrix, unknown = self.system(linear, mask)
        numbers = rng.uniform(-1.0, 1.0, len(mask) + self.base.n_groups)
        change = np.zeros(linear.rates.shape[1])
        constants = np.append(numbers[: len(mask)][mask], numbers[len(mask) :])
        change[unknown] = np.linalg.lstsq(matrix, constants, rcond=SINGULAR)[0]
        return np.where(mask, change[: len(mask)], linear.rates @ change - numbers[: len(mask)])

    def orientation(self, linear: _Linear, mask: np.ndarray, direction: np.ndarray) -> float:
        """Return the sign of the determinant of the equations and a direction; it changes where paths branch.

        Zero where rounding would decide.
        """
        matrix, unknown = self.system(linear, mask)
        bordered = np.vstack([matrix, (self.metric * direction)[unknown]])
        values = np.linalg.svd(bordered, compute_uv=False)
        return float(np.linalg.slogdet(bordered)[0]) if values[-1] > SINGULAR * values[0] else 0.0

    def corrected(
        self, state: np.ndarray, mask: np.ndarray, row: np.ndarray | int | None, target: float = 0.0
    ) -> np.ndarray | None:
        """Solve the equations of a mask by Newton's method.

        Parameters
        ----------
        state : ndarray, shape (N,)
            Where to start.
        mask : ndarray of bool, shape (D,)
        row : ndarray, shape (N,), or int or None
            One more equation, ``row @ state = target``, or that the slack of an index be zero. Without, a nearest
            solution is sought.
        target : float

        Returns
        -------
        ndarray or None
            None if the method does not converge.
        """
        state = state.copy()
        state[: len(mask)][~mask] = 0.0
        last = np.inf
        for _ in range(CORRECTIONS):
            linear = self.linearized(state)
            matrix, unknown = self.system(linear, mask)
            errors = np.concatenate([linear.slacks[mask], linear.sums - 1.0])
            if row is not None:
                more = linear.rates[row] if isinstance(row, (int, np.integer)) else row
                error = linear.slacks[row] if isinstance(row, (int, np.integer)) else row @ state - target
                matrix, errors = np.vstack([matrix, more[unknown]]), np.append(errors, error)
            change = _solved(matrix, errors, self.span)
            size = float(np.abs(change).max())
            if not size < 10.0 * self.span:
                return None
            state[unknown] -= change
            if size <= ACCURACY * max(1.0, float(np.abs(state).max())) or (size <= 1e-8 and size >= 0.5 * last):
                return state
            last = size
        return None


@dataclass(frozen=True, eq=False)
class _Place:
    """A state on the path, the mask of the piece, and the direction of the path there."""

    state: np.ndarray
    linear: _Linear
    mask: np.ndarray
    direction: np.ndarray

    @property
    def lam(self) -> float:
        return float(self.state[-1])


# What a leg of the path ends in.
STEP, CORNER, FOLD, BRANCHING, BOUND = range(5)


@dataclass(frozen=True, eq=False)
class _Leg:
    """A part of the path without events, except for what it ends in."""

    arrival: _Place
    length: float
    ends_in: int = STEP


@dataclass(frozen=True, eq=False)
class _Question:
    """What is asked: which game, which objective, which range of λ, which tolerance."""

    game: NormalFormGame
    objective: PowerObjective
    lams: tuple[float, float]
    options: Options

    @cached_property
    def family(self) -> _Family:
        return _Family.of(self.game, self.objective, self.lams[1])

    def in_range(self, lam: float) -> float:
        """Return a λ without the rounding errors that lead it past, or not quite to, the ends of the range."""
        low, high = self.lams
        return low if lam <= low + ZERO else high if lam >= high - ZERO else lam

    def certified(self, state: np.ndarray) -> Equilibrium:
        """Return the equilibrium of a state, provided that it is one."""
        lam = self.in_range(float(state[-1]))
        point = state[: self.family.base.size]
        candidate = self.family.at(lam).candidate(np.where(point > DUST, point, 0.0), 0)
        equilibrium = certified(self.game, with_lam(self.objective, lam), candidate, "trace", self.options)
        if not equilibrium.converged:
            raise RejectedError(f"the certificate rejects the point at lambda = {lam:.10g}")
        return equilibrium

    def origin(self, start: Equilibrium) -> _Place:
        """Return the place of an equilibrium, heading to greater λ if possible."""
        family, lam = self.family, start.objective.lam
        problem = family.at(lam)
        profile = [strategy.astype(np.float64) for strategy in start.profile]
        point = _supported(problem, problem.starting_point(profile))
        state = family.state(point, lam)
        linear = family.linearized(state)
        mask = _completed(family, linear, point > np.maximum(linear.slacks, ZERO))
        at_lam = np.zeros(len(state))
        at_lam[-1] = 1.0
        polished = family.corrected(state, mask, at_lam, lam)
        if polished is None:
            polished = family.corrected(state, mask, None)
        if polished is None or np.abs(polished - state)[: problem.n_own].max() > SAME:
            raise PathLostError("the start is not an isolated equilibrium")
        linear = family.linearized(polished)
        if family.margins(polished, linear, mask).min() < -ZERO:
            raise PathLostError("the start is not accurate enough to tell its support")
        direction = family.tangent(linear, mask)
        if direction is None:
            raise PathLostError("several paths meet at the start")
        return _Place(polished, linear, mask, direction if direction[-1] >= 0.0 else -direction)

    def through(self, place: _Place, begins: bool = False) -> _Place:
        """Return how the path leaves a place, where several margins may be zero.

        The linearized equations are followed with random numbers added to all of them, so that one margin at a time
        falls to zero, until none does any more. The numbers are the same whichever way a path comes, so that no two
        leave in the same way.
        """
        family = self.family
        margins = family.margins(place.state, place.linear, place.mask)
        zeros = np.flatnonzero(margins <= ZERO)
        for seed in range(ATTEMPTS):
            mask, direction = place.mask, place.direction
            perturbed = family.perturbed_margins(place.linear, mask, np.random.default_rng(seed))[zeros]
            # What is zero before and after the place, or at the start, is on the right side by choice.
            chosen = begins | (np.abs(family.margin_rates(direction, place.linear, mask)[zeros]) <= STILL)
            perturbed = np.where(chosen, np.abs(perturbed), perturbed)
            for _ in range(PIVOTS):
                rates = family.margin_rates(direction, place.linear, mask)[zeros]
                falling = np.flatnonzero(rates < -STILL)
                if not len(falling):
                    return replace(place, mask=mask, direction=direction)
                times = perturbed[falling] / -rates[falling]
                first = falling[np.argmin(times)]
                perturbed = perturbed + times.min() * rates
                perturbed[first] = 0.0
                mask = mask.copy()
                mask[zeros[first]] ^= True
                tangent = family.tangent(place.linear, mask)
                rate = 0.0 if tangent is None else family.margin_rates(tangent, place.linear, mask)[zeros[first]]
                if tangent is None or abs(rate) <= STILL:
                    break
                direction = tangent * np.sign(rate)
        raise PathLostError(f"at lambda = {place.lam:.10g} the equations leave open how the path goes on")


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

    def __init__(self, question: _Question, start: _Place, max_points: int) -> None:
        self.question, self.family, self.start = question, question.family, start
        self.points: list[Equilibrium] = []
        self.events: list[TraceEvent] = []
        self.status, self.end, self.closed = Status.CONVERGED, "", False
        # Whether λ rises, falls or stands still, and the orientation of the equations, on the present piece.
        self.course, self.sign = 0, 0.0
        # Corners that belong to the next event, because λ stands still.
        self.waiting: tuple[tuple[_Place, Equilibrium], ...] = ()
        try:
            self._follow(max_points)
        except PathLostError as problem:
            self.status, self.end = problem.status, f"lost: {problem}"

    def _follow(self, max_points: int) -> None:
        place, length, seen = self.start, FIRST, set()
        self._enter(place)
        if not place.lam and self.course <= 0:
            # Where λ = 0 the adversaries may mix in many ways, on which nothing depends.
            self.end = "lambda = 0 reached"
            return
        for _ in range(STEPS_PER_POINT * max_points):
            if len(self.points) >= max_points:
                break
            leg = self._leg(place, length)
            arrival = leg.arrival
            if self._passes_start(place, leg):
                self._close()
                return
            if leg.ends_in == BOUND:
                if leg.length > SHORTEST:
                    self._record(arrival)
                self.end = f"lambda = {self.question.in_range(arrival.lam):.10g} reached"
                return
            if leg.ends_in == CORNER:
                departure = self.question.through(arrival)
                self._turn_corner(arrival, departure)
                if _same_way(departure, self.start):
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
            length = min(max(1.5 * leg.length, 10 * SHORTEST), LONGEST)
        self.status, self.end = Status.MAX_ITER, "no end within max_points"

    def _enter(self, place: _Place) -> None:
        """Begin a piece."""
        self.course = self._course(place.direction)
        self.sign = self.family.orientation(place.linear, place.mask, place.direction)

    def _course(self, direction: np.ndarray) -> int:
        """Tell whether λ rises, falls or stands still."""
        still = abs(direction[-1]) <= STILL * self.family.span
        return 0 if still else int(np.sign(direction[-1]))

    def _record(self, place: _Place) -> None:
        self.points.append(self.question.certified(place.state))
        self.question.options.report("points of the path", len(self.points))

    def _close(self) -> None:
        self.closed, self.end = True, "back at the start"

    def _passes_start(self, place: _Place, leg: _Leg) -> bool:
        """Tell whether a leg leads through the start of the branch."""
        across = self.family.metric * place.direction
        ahead = float(across @ (self.start.state - place.state))
        if not (np.array_equal(place.mask, self.start.mask) and 10 * SHORTEST < ahead <= leg.length):
            return False
        there = self.family.corrected(
            place.state + ahead * place.direction, place.mask, across, float(across @ self.start.state)
        )
        if there is None or np.abs(there - self.start.state).max() > SAME:
            return False
        return float(across @ self.start.direction) > 0.0

    def _leg(self, place: _Place, length: float) -> _Leg:
        """Go one step, or as far as where something happens."""
        while length >= SHORTEST:
            leg = self._attempt(place, length)
            if leg is not None:
                return leg
            length *= 0.5
        raise PathLostError(f"no step succeeds at lambda = {place.lam:.10g}")

    def _attempt(self, place: _Place, length: float) -> _Leg | None:
        arrival = self._stepped(place, length)
        if arrival is None:
            return None
        leg: _Leg | None = _Leg(arrival, length)
        if self._margins(arrival).min() < -ZERO:
            leg = self._obstacle(place, arrival, length)
        elif length > CAREFUL and not self._is_careful(place, arrival, length):
            return None
        if leg is None or leg.length <= SHORTEST:
            return leg
        turns = self._course(leg.arrival.direction) * self.course < 0
        branches = self._orientation(leg.arrival) * self.sign < 0
        if turns and branches:
            return None
        return self._fold(place, leg.length) if turns else self._branching(place, leg.length) if branches else leg

    def _stepped(self, place: _Place, length: float) -> _Place | None:
        """Return the place a step further, None if it is not clearly the same path."""
        across = self.family.metric * place.direction
        predicted = place.state + length * place.direction
        state = self.family.corrected(predicted, place.mask, across, float(across @ predicted))
        if state is None or np.sqrt(self.family.metric @ (state - predicted) ** 2) > ASIDE * length:
            return None
        arrival = self._arrived(place, state)
        if arrival is None or float(across @ arrival.direction) < STRAIGHT:
            return None
        return arrival

    def _arrived(self, place: _Place, state: np.ndarray) -> _Place | None:
        """Return the place at another state of the same piece."""
        linear = self.family.linearized(state)
        direction = self.family.tangent(linear, place.mask)
        if direction is None:
            return None
        forward = float(self.family.metric @ (place.direction * direction))
        return _Place(state, linear, place.mask, direction if forward >= 0.0 else -direction)

    def _margins(self, place: _Place) -> np.ndarray:
        """Return all that must not become negative, shape (D + 2,): margins and distances from the bounds of λ."""
        low, high = self.question.lams
        margins = self.family.margins(place.state, place.linear, place.mask)
        return np.append(margins, [place.lam - low, high - place.lam])

    def _margin_rates(self, place: _Place) -> np.ndarray:
        rates = self.family.margin_rates(place.direction, place.linear, place.mask)
        return np.append(rates, [place.direction[-1], -place.direction[-1]])

    def _orientation(self, place: _Place) -> float:
        return self.family.orientation(place.linear, place.mask, place.direction)

    def _is_careful(self, place: _Place, arrival: _Place, length: float) -> bool:
        """Tell whether no margin was negative and λ did not turn twice within a step, as far as both ends show."""
        before, after = self._margins(place), self._margins(arrival)
        falling, rising = self._margin_rates(place), self._margin_rates(arrival)
        dips = (falling < -STILL) & (rising > STILL)
        # A convex function lies above its tangents at both ends.
        where = (after - length * rising - before)[dips] / (falling - rising)[dips]
        if (before[dips] + where * falling[dips] < 0.0).any():
            return False
        first, last = place.direction[-1], arrival.direction[-1]
        middle = 1.5 * (arrival.lam - place.lam) / length - 0.25 * (first + last)
        return first * last <= 0.0 or self._course(place.direction) * middle >= 0.0

    def _obstacle(self, place: _Place, arrival: _Place, length: float) -> _Leg | None:
        """Return the leg to the first place on the way where a margin falls to zero."""
        family, size = self.family, len(place.mask)
        before, after = np.maximum(self._margins(place), 0.0), self._margins(arrival)
        blocking, share = -1, 1.0
        for p in np.flatnonzero(after < -ZERO):
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
            if not -SHORTEST <= gone <= 1.1 * length:
                return None
            reached_at = self._arrived(place, state)
            if reached_at is None:
                # At λ = 0 the adversaries' weights vanish, and with them what determines their mixture.
                reached_at = replace(place, state=state, linear=family.linearized(state))
            margins = self._margins(reached_at)
            worst = int(np.argmin(margins))
            if margins[worst] >= -ZERO:
                # Where the path leaves the range, it does not matter what else happens there.
                leaves = (margins[size:] <= ZERO) & (self._margin_rates(reached_at)[size:] < 0.0)
                return _Leg(reached_at, max(gone, 0.0), BOUND if leaves.any() else CORNER)
            share *= before[worst] / (before[worst] - margins[worst])
            blocking = worst
        return None

    def _fold(self, place: _Place, length: float) -> _Leg:
        """Return the leg to where λ turns."""
        from scipy.optimize import brentq

        gone = brentq(lambda gone: self._on_piece(place, gone).direction[-1] * self.course, 0.0, length, xtol=1e-14)
        return _Leg(self._on_piece(place, gone), gone, FOLD)

    def _branching(self, place: _Place, length: float) -> _Leg:
        """Return the leg to where the orientation of the equations changes."""
        low, high = 0.0, length
        while high - low > 1e-12 * length:
            middle = 0.5 * (low + high)
            if self._orientation(self._on_piece(place, middle)) * self.sign < 0:
                high = middle
            else:
                low = middle
        return _Leg(self._on_piece(place, high), high, BRANCHING)

    def _on_piece(self, place: _Place, gone: float) -> _Place:
        across = self.family.metric * place.direction
        predicted = place.state + gone * place.direction
        state = self.family.corrected(predicted, place.mask, across, float(across @ predicted))
        found = None if state is None else self._arrived(place, state)
        if found is None:
            raise PathLostError(f"the path cannot be told from others near lambda = {place.lam:.10g}")
        return found

    def _turn_corner(self, arrival: _Place, departure: _Place) -> None:
        """Leave a corner; where λ stands still from there on, wait for what comes before calling it an event."""
        course = self._course(departure.direction)
        self._record(arrival)
        self.waiting = (*self.waiting, (arrival, self.points[-1]))
        if course:
            self._meet(self.waiting, departure, course)
            self.waiting = ()
        self._enter(departure)

    def _meet(
        self, corners: Sequence[tuple[_Place, Equilibrium]], departure: _Place, course: int, branching: bool = False
    ) -> None:
        """Add an event at places of the same λ, with equilibria so close before and after that they bracket it."""
        arrival = corners[0][0]
        changes = self._changes(arrival, departure)
        directions = (self._course(arrival.direction) if len(corners) > 1 else self.course), course
        if not changes and not branching and directions[0] == directions[1] and len(corners) == 1:
            return
        wide = HALF_WIDTH * max(1.0, 0.1 * arrival.lam)
        ends = self._nearby(arrival, -1.0, wide), self._nearby(departure, 1.0, wide)
        lams = [place.lam for place, _ in corners] + [float(state[-1]) for state in ends]
        # Where λ turns, no more of the path lies on one side.
        turning = directions[0] if directions[0] * directions[1] < 0 else 0
        low = min(lams) - (wide if turning < 0 else ROUNDING * wide)
        high = max(lams) + (wide if turning > 0 else ROUNDING * wide)
        before, after = (self.question.certified(state) for state in ends)
        met = tuple(equilibrium for _, equilibrium in corners)
        self.events.append(TraceEvent(met, (max(low, 0.0), high), before, after, directions, changes, branching))

    def _nearby(self, place: _Place, sign: float, wide: float) -> np.ndarray:
        """Return a state shortly before or after a place."""
        slope = abs(place.direction[-1])
        length = min(NEARBY, 0.9 * wide / slope) if slope > 0.0 else NEARBY
        while length > 0.0:
            state = self._on_piece(place, sign * length).state
            if abs(state[-1] - place.lam) <= wide:
                return state
            length *= 0.5
        return place.state

    def _changes(self, arrival: _Place, departure: _Place) -> tuple[SupportChange, ...]:
        """Return what only before or only after a corner is played, or among the best takeovers of an adversary."""
        base = self.family.base
        own = np.arange(base.size) < base.n_own
        before, after = (
            np.where(
                own,
                (place.state[: base.size] > ZERO) | (place.mask & (sign * rates > STILL)),
                (place.linear.slacks <= ZERO) & (place.mask | (sign * rates <= STILL)),
            )
            for place, sign in ((arrival, -1.0), (departure, 1.0))
            for rates in [self.family.margin_rates(place.direction, place.linear, place.mask)]
        )
        changes = []
        for p in np.flatnonzero(before != after):
            ego = int(base.egos[base.group_of[p]])
            if p < base.n_own:
                player, action, against = ego, int(p - base.bounds[ego]), None
            else:
                # The part of the adversary in which the entry lies is the one that begins last before it.
                player = max(
                    (j for j in range(base.n_players) if 0 <= base.places[ego, j] <= p),
                    key=base.places[ego].__getitem__,
                )
                action, against = int(p - base.places[ego, player]), ego
            changes.append(SupportChange(player, action, against, bool(after[p])))
        return tuple(changes)


def _solved(matrix: np.ndarray, constants: np.ndarray, span: float) -> np.ndarray:
    """Solve linear equations; where they leave a choice, take the shortest solution."""
    if matrix.shape[0] == matrix.shape[1]:
        try:
            change = np.linalg.solve(matrix, constants)
            if np.abs(change).max() <= span:
                return change
        except np.linalg.LinAlgError:
            pass
    return np.linalg.lstsq(matrix, constants, rcond=SINGULAR)[0]


def _same_profile(one: Equilibrium, other: Equilibrium) -> bool:
    """Tell whether two equilibria, one of them perhaps in fractions, have the same λ and profile."""
    return one.objective.lam == other.objective.lam and all(
        np.abs(a - b.astype(np.float64)).max() <= SAME for a, b in zip(one.profile, other.profile, strict=True)
    )


def _same_way(one: _Place, other: _Place) -> bool:
    """Tell whether the path continues in the same way from two places."""
    return (
        np.array_equal(one.mask, other.mask)
        and bool(np.abs(one.state - other.state).max() <= SAME)
        and bool(one.direction @ other.direction > 0.0)
    )


def _supported(problem: ExtendedGame, point: np.ndarray) -> np.ndarray:
    """Let the adversaries mix their best takeovers so that no player gains: a vertex of all such mixtures."""
    from scipy.optimize import linprog

    tables = problem.tables(point)
    values = problem.gradient(point, tables)
    slacks = problem.slacks(values)
    derivative = problem.jacobian(point, tables)
    point = point.copy()
    for i in range(problem.n_players):
        own = np.arange(problem.bounds[i], problem.bounds[i + 1])
        groups = [g for g in range(problem.n_players, problem.n_groups) if problem.egos[g] == i]
        worst = np.array([p for g in groups for p in range(*problem.bounds[g : g + 2]) if slacks[p] <= TIE], np.int64)
        if len(worst) == len(groups) or not problem.weights[i].any():
            continue
        matrix = derivative[np.ix_(own, worst)]
        rest = values[own] - matrix @ point[worst]
        # Unknowns: the mixtures and the player's value, to be as small as possible.
        solution = linprog(
            np.append(np.zeros(len(worst)), 1.0),
            np.column_stack([matrix, -np.ones(len(own))]),
            -rest,
            np.array([[*(problem.group_of[worst] == g), 0.0] for g in groups], dtype=np.float64),
            np.ones(len(groups)),
            bounds=[(0, None)] * len(worst) + [(None, None)],
            method="highs-ds",
            options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
        )
        if solution.status == 0:
            point[worst] = solution.x[:-1]
    return point


def _completed(family: _Family, linear: _Linear, mask: np.ndarray) -> np.ndarray:
    """Add to a mask of what is as good as what is in use, until the equations have full rank."""
    missing = family.missing(linear, mask)
    for p in np.flatnonzero(~mask & (linear.slacks <= TIE)):
        if not missing:
            break
        wider = mask.copy()
        wider[p] = True
        less = family.missing(linear, wider)
        if less < missing:
            mask, missing = wider, less
    if missing:
        raise PathLostError("the start is one of infinitely many equilibria")
    return mask
