r"""The logit homotopy of a stochastic game: quantal-response equilibria of all states at once, as in `logit`.

At precision μ, and with the values that the strategies lead to themselves,

.. math::
    \log ξ_p = μ \, (g_p(ξ, V) - v_{group(p)}) + \text{prior}_p, \qquad \sum_{p \in group} ξ_p = 1

in every state, for players and adversaries alike. From even mixing (or a prior) at μ = 0 a path leads, for almost all
games, to an equilibrium as μ grows without bound (Eibelshäuser, Klockmann, Poensgen & von Schenk 2023 for λ = 0; for
`max` with three or more players this is open). A predictor and a corrector follow it; both solve linear systems in the
values alone, see `newton`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np

from powergames.numerics.digests import digest
from powergames.objectives import PowerObjective
from powergames.results import Status
from powergames.solvers.normal_form.logit import HomotopyLimits
from powergames.solvers.stochastic import newton
from powergames.solvers.stochastic.newton import Linearized
from powergames.solvers.stochastic.problem import StochasticProblem
from powergames.solvers.stochastic.search import Best, Found, Search, StochasticMethod


@dataclass(frozen=True)
class Limits(HomotopyLimits):
    """How far the logit homotopy of a stochastic game goes before it gives up."""

    corrections: int = 8
    """Corrections of a step at most."""
    systems_per_step: int = 3
    """A step of a path takes about this many linear systems."""
    shortest_step: float = 1e-6
    """A path is given up if a shorter step is needed."""
    first_step: float = 0.3
    """Length of the first step."""
    longest_step: float = 3.0
    """Length of the longest step."""
    highest_precision: float = 1e12
    """A path is given up above this precision."""
    earliest: float = 5.0
    """Newton's method on supports is tried from this precision on, where the path suggests new ones."""
    high_price: float = 0.5
    """From this λ on, paths are better than a local search in the form "penalty"."""
    leading_share: float = 16.0
    """Where they are, they get so many times the work of other methods."""
    rounds: int = 4
    """Paths that have not ended are followed on in so many rounds."""


LIMITS = Limits()


@dataclass(frozen=True)
class Attempt:
    """Where a path begins, and how it is followed."""

    evenness: float | None
    """Share of even mixing in the strategies at its beginning; the rest are the best ones known. None: random ones."""
    caution: float
    """The first correction may move a probability or log μ by this much."""
    steps: int
    """Steps at most."""
    unsettled_only: bool = False
    """Whether only the states that did not settle follow it."""


# One path after the other, until one leads to an equilibrium. From near an equilibrium a path is short, or else another
# one is; those from random strategies almost surely do not cross. A path that begins where one before did is that one,
# followed on.
ATTEMPTS = (
    Attempt(unsettled_only=True, evenness=0.0, caution=0.3, steps=150),
    Attempt(unsettled_only=True, evenness=0.1, caution=0.3, steps=150),
    Attempt(unsettled_only=True, evenness=0.3, caution=0.3, steps=150),
    Attempt(unsettled_only=True, evenness=1.0, caution=0.3, steps=150),
    Attempt(evenness=0.0, caution=0.3, steps=300),
    Attempt(evenness=0.1, caution=0.3, steps=300),
    Attempt(evenness=0.3, caution=0.3, steps=600),
    Attempt(evenness=1.0, caution=0.3, steps=1_500),
    Attempt(evenness=1.0, caution=0.1, steps=3_000),
    Attempt(evenness=None, caution=0.1, steps=3_000),
    Attempt(evenness=None, caution=0.03, steps=10_000),
)

# The same where other methods are known to fail, so that their profiles are a bad place to begin.
LEADING_ATTEMPTS = (
    *ATTEMPTS[:4],
    Attempt(evenness=1.0, caution=0.3, steps=1_500),
    *ATTEMPTS[4:7],
    *ATTEMPTS[8:],
)

# The same for games of one state, where paths from even mixing are short.
ATTEMPTS_OF_ONE_STATE = (
    Attempt(evenness=1.0, caution=0.3, steps=1_500),
    Attempt(evenness=0.1, caution=0.3, steps=1_500),
    Attempt(evenness=1.0, caution=0.1, steps=3_000),
    Attempt(evenness=None, caution=0.1, steps=3_000),
    Attempt(evenness=None, caution=0.03, steps=10_000),
)


@dataclass(frozen=True, eq=False)
class State:
    """A point of the path.

    Attributes
    ----------
    unknowns : ndarray, shape (D,)
        Logarithms of the strategies in the states that follow the path, the strategies themselves in the others.
    logarithmic : ndarray of bool, shape (D,)
        Which is which.
    values : ndarray, shape (kinds, n, S)
    precision : float
    """

    unknowns: np.ndarray
    logarithmic: np.ndarray
    values: np.ndarray
    precision: float

    @cached_property
    def point(self) -> np.ndarray:
        """The strategies, shape (D,)."""
        return np.where(self.logarithmic, np.exp(np.where(self.logarithmic, self.unknowns, 0.0)), self.unknowns)

    @cached_property
    def metric(self) -> np.ndarray:
        """What turns a change of the unknowns into one of probabilities, shape (D,)."""
        return np.where(self.logarithmic, self.point, 1.0)

    def moved(self, change: Direction, length: float = 1.0) -> State:
        """Return the state after a change; probabilities that matter move in a straight line."""
        unknowns = length * change[0]
        straight = np.log1p(np.maximum(unknowns, -0.9))
        bent = np.where(self.point > LIMITS.linear, straight, np.minimum(unknowns, LIMITS.highest_rise))
        return State(
            self.unknowns + np.where(self.logarithmic, bent, unknowns),
            self.logarithmic,
            self.values + length * change[1],
            self.precision + length * change[2],
        )


# Changes of the unknowns, of the values and of the precision.
Direction = tuple[np.ndarray, np.ndarray, float]


def leads(objective: PowerObjective) -> bool:
    """Return whether paths are known to be better than a local search.

    So they are where power is charged for at a high price: strategies then respond to values too strongly for a search
    that looks one linear step ahead.
    """
    return objective.form == "penalty" and objective.exact_lam >= LIMITS.high_price


def find(problem: StochasticProblem, start: Found, search: Search, attempts: Sequence[Attempt] | None = None) -> Found:
    """Follow paths, the first ones from a point, until one leads to an equilibrium."""
    if attempts is None and problem.n_states == 1:
        attempts = ATTEMPTS_OF_ONE_STATE
    return _Paths(ATTEMPTS * LIMITS.rounds if attempts is None else attempts).find(problem, start, search)


class _Paths:
    """Paths to try, one after the other, and how far each has been followed."""

    def __init__(self, attempts: Sequence[Attempt]) -> None:
        self.attempts = list(attempts)
        self.begun: dict[tuple[str, float], Path] = {}
        self.current: Path | None = None

    def find(self, problem: StochasticProblem, start: Found, search: Search) -> Found:
        """Go on where a slice of work ended."""
        with search.best(problem, start) as best:
            while not best.good and (self.current is not None or self.attempts):
                if self.current is None:
                    self.current = self._next(problem, start, self.attempts.pop(0), best)
                if self.current is not None:
                    self.current.best = best
                    self.current.follow()
                    self.current = None
        return replace(best.found(Status.PATH_LOST), onward=self.find if self.current or self.attempts else None)

    def _next(self, problem: StochasticProblem, start: Found, attempt: Attempt, best: Best) -> Path | None:
        """Return the path of an attempt: one that was begun before goes on."""
        if attempt.unsettled_only and not 0 < start.unsettled.sum() < problem.n_states:
            return None
        free = start.unsettled if attempt.unsettled_only else np.ones(problem.n_states, dtype=bool)
        if attempt.evenness is None:
            prior = best.search.options.rng.normal(size=problem.size)
        else:
            mixed = (1.0 - attempt.evenness) * start.point + attempt.evenness * problem.uniform_point()
            prior = np.log(np.maximum(mixed, LIMITS.linear))
        rest = np.where(free[problem.state_of], 0.0, start.point)
        key = digest([prior, free, rest]), attempt.caution
        if key not in self.begun:
            self.begun[key] = Path(problem, free, prior, start.point, attempt.caution, best)
        self.begun[key].due += attempt.steps
        return self.begun[key]


class Path:
    """One path: where it begins, and how it is followed.

    Linear systems may be solved up to an `accuracy`, see `Linearized`.
    """

    def __init__(
        self,
        problem: StochasticProblem,
        free: np.ndarray,
        prior: np.ndarray,
        rest: np.ndarray,
        caution: float,
        best: Best,
        accuracy: float = 0.0,
    ) -> None:
        self.problem, self.free, self.prior, self.caution, self.best = problem, free, prior, caution, best
        self.accuracy = accuracy
        self.used = rest > 0.0
        logarithmic = np.repeat(free, np.diff(problem.point_starts))
        point = np.where(logarithmic, problem.normalized(np.exp(prior)), rest)
        unknowns = np.where(logarithmic, np.log(np.where(logarithmic, point, 1.0)), point)
        self.start = State(unknowns, logarithmic, problem.evaluate(point), 0.0)
        # Where the path has been followed to, in which direction it leads on and how far the next step goes.
        self.reached: tuple[State, Direction, float] | None = None
        self.lost, self.due = False, 0
        # Supports that Newton's method began from, and the precision at which it last did.
        self.tried: dict[bytes, float] = {}

    def follow(self) -> None:
        """Follow the path on as far as it leads, for the steps that are due, or to an equilibrium."""
        try:
            if self.reached is None and not self.lost:
                still = np.zeros_like(self.start.unknowns), np.zeros_like(self.start.values), 1.0
                begun = self._corrected(self.start, still)
                self.lost = begun is None
                if begun is not None:
                    state, system, _ = begun
                    self.reached = state, self._tangent(system, state, None), LIMITS.first_step
            while self.due > 0 and not self.lost and self.reached is not None:
                advanced = self._advanced(*self.reached)
                self.due -= 1
                self.lost = advanced is None
                if advanced is not None:
                    self.reached = advanced
                    self.lost = self._finished(advanced[0]) or advanced[0].precision > LIMITS.highest_precision
        except np.linalg.LinAlgError:
            self.lost = True

    def climb(self, state: State, target: float, longest: int) -> State:
        """Follow the path from a state on it, upward at first, to some precision or for so many steps.

        Returns
        -------
        State
            The one of highest precision on the way.
        """
        highest = state
        still = np.zeros_like(state.unknowns), np.zeros_like(state.values), 1.0
        try:
            begun = self._corrected(state, still)
            if begun is None:
                return highest
            state, system, _ = begun
            direction, length = self._tangent(system, state, still), LIMITS.first_step
            turned = direction[2] < 0.0
            if turned:
                direction = _reversed(direction)
            for _ in range(longest):
                advanced = self._advanced(state, direction, length, turned)
                if advanced is None:
                    break
                state, direction, length = advanced
                if state.precision > highest.precision:
                    highest = state
                if state.precision >= target:
                    break
        except np.linalg.LinAlgError:
            pass
        return highest

    def _advanced(
        self, state: State, direction: Direction, length: float, turned: bool = False
    ) -> tuple[State, Direction, float] | None:
        """Return the next state, the direction there and how long the step after it is to be; None if there is none.

        If `turned`, the path is followed the other way.
        """
        work = LIMITS.systems_per_step * self.problem.linear_work
        self.best.step(f"logit path, precision {state.precision:.3g}", work)
        while True:
            corrected = self._corrected(state.moved(direction, length), direction)
            if corrected is not None:
                arrived, system, corrections = corrected
                before = _reversed(direction) if turned else direction
                onward = self._tangent(system, arrived, before)
                if length <= LIMITS.crossing or _inner(arrived, before, onward) > 0.0:
                    break
            length *= 0.5
            if length < LIMITS.shortest_step:
                return None
        if corrections <= 3:
            length = min(length * 1.7, LIMITS.longest_step)
        elif corrections >= 6:
            length *= 0.7
        return arrived, _reversed(onward) if turned else onward, length

    def _finished(self, state: State) -> bool:
        """Try Newton's method on the supports that a state suggests, unless it was tried not long ago."""
        if state.precision < LIMITS.earliest:
            return False
        problem = self.problem
        point = problem.normalized(state.point)
        gradient = problem.gradients(point, problem.worth(state.values))
        used = problem.supports(point, gradient)
        key = used.tobytes()
        if state.precision < LIMITS.again * self.tried.get(key, 0.0):
            return False
        self.best.look(point, problem.worth(problem.evaluate(point)))
        if not self.best.done:
            self.best.take(newton.finish(problem, point, used, self.best.search))
        if self.best.search.over is None:
            self.tried[key] = state.precision
        return self.best.good

    def _tangent(self, system: Linearized, state: State, before: Direction | None) -> Direction:
        """Return the direction of the path, of length one in the metric; forward by the determinant if known."""
        unknowns, values = system.changes(1)
        length = float(np.sqrt(((state.metric * unknowns) ** 2).sum() + (1.0 / (1.0 + state.precision)) ** 2))
        if not 0.0 < length < np.inf:
            raise np.linalg.LinAlgError
        sign = system.orientation() if self.free.all() else 0.0
        if sign == 0.0:
            ahead = before is None or _inner(state, before, (unknowns, values, 1.0)) > 0.0
            sign = 1.0 if ahead else -1.0
        return sign * unknowns / length, sign * values / length, sign / length

    def _corrected(self, state: State, direction: Direction) -> tuple[State, Linearized, int] | None:
        """Return to the path at a right angle to a direction, with the last linearization and how many it took."""
        last = self.caution
        for count in range(1, LIMITS.corrections + 1):
            if not 0.0 <= state.precision < np.inf:
                return None
            try:
                system = Linearized.at(
                    self.problem,
                    state.point,
                    state.values,
                    self.used,
                    free=self.free,
                    logs=state.unknowns,
                    prior=self.prior,
                    precision=state.precision,
                    accuracy=self.accuracy,
                )
                unknowns, values = system.changes(0)
                drift, drift_of_values = system.changes(1)
            except np.linalg.LinAlgError:
                return None
            step, onward = (unknowns, values, 0.0), (drift, drift_of_values, 1.0)
            across = _inner(state, direction, onward)
            share = -_inner(state, direction, step) / across if across else 0.0
            change = unknowns + share * drift, values + share * drift_of_values, share
            # What is hardly ever played may move more.
            logs = change[0] / np.maximum(1e2, np.abs(state.unknowns))
            moves = state.metric * change[0], logs, share / (1.0 + state.precision)
            size = max(float(np.abs(move).max()) for move in moves)
            if not size <= last:
                return None
            state = state.moved(change)
            if size <= LIMITS.accuracy * self.caution:
                return state, system, count
            last = 0.8 * size
        return None


def _reversed(direction: Direction) -> Direction:
    return -direction[0], -direction[1], -direction[2]


def _inner(state: State, one: Direction, other: Direction) -> float:
    precision = (1.0 / (1.0 + state.precision)) ** 2
    return float((state.metric**2 * one[0]) @ other[0] + precision * one[2] * other[2])


METHOD = StochasticMethod(
    "logit",
    find,
    "logit homotopy over all states with a Newton finish: any number of players, any λ, slow and sure",
    share=2.0,
)

# Where it `leads`.
LEADING = replace(METHOD, find=partial(find, attempts=LEADING_ATTEMPTS * LIMITS.rounds), share=LIMITS.leading_share)
