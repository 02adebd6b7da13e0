"""The loop that all iterative methods share: when to look at the regret, when to stop, and what to say then.

An iterative method is a *rule*, which leads from one point of the extended game to the next and knows nothing of
limits. The loop asks after every iteration what anybody could still gain, keeps the best profile met, and stops when

- the regret is within the tolerance, which only the certificate turns into CONVERGED,
- the limit on the iterations is reached: MAX_ITER, or on the time: TIME_LIMIT,
- the least regret has not fallen for as many iterations as it took to get there, or a point repeats itself or is no
  longer made of numbers: STALLED,
- a rule without memory is back at an earlier point, and so will be for ever: CYCLING.

That steps become small is no reason to stop, because small steps prove nothing. Ctrl-C ends `solve` like any other
computation; `iterate` then returns the best profile so far.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Protocol

import numpy as np

from powergames.checking.certificate import check_tolerance
from powergames.errors import InputError, interruptible
from powergames.games.immutable import Frozen
from powergames.games.kinds import as_game
from powergames.games.normal_form import NormalFormGame
from powergames.games.profiles import Profile, frozen
from powergames.objectives import AnyObjective, PowerObjective, as_objective
from powergames.progress import Callback, check_callback
from powergames.results import Equilibrium, Status
from powergames.solvers import common
from powergames.solvers.common import Candidate, LimitError, Options, certified, check_count
from powergames.solvers.normal_form.extended import ExtendedGame, Tables


@dataclass(frozen=True)
class Limits:
    """How long an iterative method goes on, and how often it looks up."""

    payoffs_read: int = 20_000_000_000
    """A method makes as many iterations as read about this many payoffs, unless the caller gives a number."""
    fewest_iterations: int = 200
    """It makes at least this many, however large the game is."""
    most_iterations: int = 20_000
    """It makes at most this many, however small the game is."""
    progress: float = 0.9
    """It makes progress when the least regret falls to this fraction; 1 / sqrt(T) falls to 0.71 while T doubles."""
    patience: int = 1_000
    """It has stalled after this many iterations without progress, or as many as it took to get there if more."""
    look_again: float = 0.05
    """It looks at states besides the current one again when the iterations have grown by this fraction."""
    seconds_between_reports: float = 0.05
    """Seconds between two calls of the callback."""


LIMITS = Limits()


class State:
    """A point of the extended game, and what follows from it: computed when asked for, and only once."""

    def __init__(self, problem: ExtendedGame, point: np.ndarray, tables: Tables | None = None) -> None:
        self.problem = problem
        self.point = point
        if tables is not None:
            self.tables = tables

    @cached_property
    def tables(self) -> Tables:
        """The pair tables; one pass over the payoffs."""
        return self.problem.tables(self.point)

    @cached_property
    def values(self) -> np.ndarray:
        """The payoff of every action and takeover, shape (D,)."""
        return self.problem.gradient(self.point, self.tables)

    @cached_property
    def gains(self) -> np.ndarray:
        """What every player and adversary could gain alone, shape (G,)."""
        return self.problem.regrets(self.point, self.values)

    @cached_property
    def responses(self) -> np.ndarray:
        """The first best action or takeover of everybody; those who cannot gain keep their strategy. Shape (D,)."""
        bounds = self.problem.bounds
        result = self.point.copy()
        for g in np.flatnonzero(self.gains > common.LIMITS.rounding):
            begin, end = bounds[g], bounds[g + 1]
            result[begin:end] = 0.0
            result[begin + np.argmax(self.values[begin:end])] = 1.0
        return result

    def at(self, point: np.ndarray, same_players: bool = False) -> State:
        """Return another state. The tables stay if no player moves; with two players they depend on nobody."""
        keep = same_players or self.problem.n_players == 2
        return State(self.problem, point, self.tables if keep else None)

    def answered(self, groups: np.ndarray, strategies: np.ndarray) -> State:
        """Return the state in which the chosen players and adversaries change to other strategies.

        Parameters
        ----------
        groups : ndarray of bool, shape (G,)
        strategies : ndarray, shape (D,)
        """
        point = np.where(groups[self.problem.group_of], strategies, self.point)
        return self.at(point, same_players=not groups[: self.problem.n_players].any())


class Rule(Protocol):
    """What makes an iterative method.

    Attributes
    ----------
    name : str
        As in `powergames.solvers.METHODS`.
    kinds : tuple of str
        What the states are that every iteration yields; the first is the one from which the next iteration starts.
    memoryless : bool
        Whether the next point depends on nothing but the current one.
    """

    name: ClassVar[str]
    kinds: ClassVar[tuple[str, ...]]
    memoryless: ClassVar[bool]

    def states(self, start: State) -> Iterator[tuple[State, ...]]:
        """Yield states without end, after each iteration one of each kind."""
        ...


@dataclass(frozen=True, eq=False)
class Trajectory(Frozen):
    """The course of an iterative method, and where it led.

    Attributes
    ----------
    equilibrium : Equilibrium
        The best profile met, certified.
    kinds : tuple of str
        What was recorded, such as the current profile and the average of all so far.
    iterations : ndarray of int, shape (K,)
        After which iterations.
    regrets : ndarray, shape (K, S)
        ``regrets[k, s]``: no player could gain more than this at the profile of kind `s`, relative to the payoff range.
        It is the regret where the adversaries' strategies are the worst case, and may be greater elsewhere.
    profiles : tuple of tuple of profiles
        ``profiles[k][s][i][a]``, the probability with which player `i` plays action `a`.
    """

    equilibrium: Equilibrium
    kinds: tuple[str, ...]
    iterations: np.ndarray = field(repr=False)
    regrets: np.ndarray = field(repr=False)
    profiles: tuple[tuple[Profile, ...], ...] = field(repr=False)


def iterate(
    game: NormalFormGame,
    objective: AnyObjective | None = None,
    *,
    rule: Rule,
    start: Any = None,
    tol: float = 1e-8,
    max_iter: int | None = None,
    every: int = 1,
    callback: Callback | None = None,
) -> Trajectory:
    """Run an iterative method with your own parameters, and record its course.

    Parameters
    ----------
    game : NormalFormGame
        Any number of players.
    objective : PowerObjective or number, optional
        A number is λ; by default 0: Nash equilibrium.
    rule : Rule
        The method with its parameters: `DampedBestResponse`, `SequentialBestResponse`, `FictitiousPlay`,
        `RegretMatching`, `MirrorDescent` or `Anderson`.
    start : sequence of array_like, optional
        Starting profile, by default uniform; the adversaries start from the worst case.
    tol : float, default 1e-8
        Greatest regret, relative to the payoff range, with which a profile is CONVERGED.
    max_iter : int, optional
        Limit on the iterations; by default 20,000, and fewer for large games.
    every : int, default 1
        Record the start, every so many iterations, and the end.
    callback : callable, optional
        Called as ``callback(stage, done, total)`` now and then.

    Returns
    -------
    Trajectory
        With Ctrl-C the course so far; the status is then INTERRUPTED.

    Raises
    ------
    InputError
        If an argument cannot be used.

    Notes
    -----
    Each rule says how many passes over the payoffs an iteration costs; to record a state that the next iteration does
    not start from, such as an average, costs one more. All recorded profiles are kept in memory.

    Examples
    --------
    >>> import powergames as pg
    >>> from powergames.solvers import DampedBestResponse, iterate
    >>> run = iterate(pg.load("prisoners_dilemma"), rule=DampedBestResponse(step=0.5), max_iter=3)
    >>> [float(profile[0][0]) for (profile,) in run.profiles]
    [0.5, 0.25, 0.125, 0.0625]
    >>> run.equilibrium.status.name
    'MAX_ITER'
    """
    game = as_game(game)
    objective = as_objective(objective, once=True)
    check_tolerance(tol)
    for name, count in (("max_iter", max_iter), ("every", every)):
        if count is not None:
            check_count(name, count)
    check_callback(callback)
    if isinstance(rule, type) or not all(hasattr(rule, part) for part in ("name", "kinds", "memoryless", "states")):
        raise InputError(f"rule: got {str(rule)[:40]}; give a method with its parameters, e.g. FictitiousPlay()")
    options = Options(None if start is None else game.profile(start), tol, max_iter, callback=callback)
    loop = _Loop(game, objective, rule, options, every)
    try:
        loop.run()
    except KeyboardInterrupt:
        loop.failure = Status.INTERRUPTED
    equilibrium = certified(game, objective, loop.candidate(), rule.name, options)
    return Trajectory(equilibrium, rule.kinds, *loop.trajectory())


def search(game: NormalFormGame, objective: PowerObjective, rule: Rule, options: Options) -> Candidate:
    """Run an iterative method for `solve`: the best profile met, and why there is no better one."""
    loop = _Loop(game, objective, rule, options)
    loop.run()
    return loop.candidate()


class _Loop:
    """One run of a rule."""

    def __init__(
        self, game: NormalFormGame, objective: PowerObjective, rule: Rule, options: Options, every: int | None = None
    ) -> None:
        self.problem = ExtendedGame.of(game, objective)
        self.n_own = game.n_players
        self.rule, self.options, self.every = rule, options, every
        self.limit = options.max_iter or int(
            np.clip(LIMITS.payoffs_read // game.payoffs.size, LIMITS.fewest_iterations, LIMITS.most_iterations)
        )
        profile = game.uniform_profile() if options.start is None else options.start
        start = State(self.problem, self.problem.starting_point(profile))
        self.states: tuple[State, ...] = (start,) * len(rule.kinds)
        self.made = 0
        self.best, self.least = start.point, np.inf
        self.failure: Status | None = None
        # Of what was recorded: after which iteration, and of each state the profile and the regret.
        self.records: list[tuple[int, tuple[Profile, ...], list[float]]] = []
        # The least regret when it last fell much, and after which iteration; a point to be recognized.
        self.milestone, self.reached = np.inf, 0
        self.anchor, self.anchored = start.point, 0

    def run(self) -> None:
        """Iterate until there is a reason to stop."""
        with interruptible():
            steps = self.rule.states(self.states[0])
            self._look(self.states[:1])
            self._report()
            if self.every is not None:
                self._record()
            next_look, next_report = 1, time.monotonic() + LIMITS.seconds_between_reports
            while self.least > self.options.tol and self.failure is None:
                states = next(steps)
                if not np.isfinite(states[0].point).all():
                    self.failure = Status.STALLED
                    return
                self.states = states
                self.made += 1
                recording = self.every is not None and self.made % self.every == 0
                everything = recording or self.made >= next_look or self.made == self.limit
                if everything:
                    next_look = self.made + 1 + int(LIMITS.look_again * self.made)
                self._look(self.states if everything else self.states[:1])
                if recording:
                    self._record()
                self.failure = self._reason_to_stop()
                if time.monotonic() >= next_report:
                    self._report()
                    next_report = time.monotonic() + LIMITS.seconds_between_reports

    def regret(self, state: State) -> float:
        """Return what no player can gain more of, relative to the payoff range.

        The gain against the adversaries in the state, plus what these could still take, is by weak duality no less than
        the gain against adversaries at their worst.
        """
        gains = self.problem.charges * np.maximum(state.gains, 0.0)
        return float(np.bincount(self.problem.egos, gains).max())

    def candidate(self) -> Candidate:
        """Return the best profile met."""
        return self.problem.candidate(self.best, self.made, self.failure)

    def trajectory(self) -> tuple[np.ndarray, np.ndarray, tuple[tuple[Profile, ...], ...]]:
        """Return iterations, regrets and profiles of what was recorded, the end included."""
        if not self.records or self.records[-1][0] != self.made:
            self._record()
        iterations, profiles, regrets = zip(*self.records, strict=True)
        return frozen(np.array(iterations)), frozen(np.array(regrets)), profiles

    def _report(self) -> None:
        try:
            self.options.report(self.rule.name, self.made, self.limit)
        except LimitError as limit:
            self.failure = limit.status

    def _look(self, states: Sequence[State]) -> None:
        """Remember the best of the states."""
        for state in states:
            regret = self.regret(state)
            if regret < self.least:
                self.best, self.least = state.point, regret

    def _record(self) -> None:
        profiles = tuple(self._profile(state) for state in self.states)
        self.records.append((self.made, profiles, [self.regret(state) for state in self.states]))

    def _profile(self, state: State) -> Profile:
        strategies = np.split(self.problem.normalized(state.point), self.problem.bounds[1:-1])
        return tuple(frozen(strategy) for strategy in strategies[: self.n_own])

    def _reason_to_stop(self) -> Status | None:
        point = self.states[0].point
        if self.least <= self.options.tol:
            return None
        if self.made >= self.limit:
            return Status.MAX_ITER
        if self.least <= LIMITS.progress * self.milestone:
            self.milestone, self.reached = self.least, self.made
        if self.made - self.reached >= max(LIMITS.patience, self.reached):
            return Status.STALLED
        if self.rule.memoryless:
            if np.array_equal(point, self.anchor):
                return Status.STALLED if self.made == self.anchored + 1 else Status.CYCLING
            # Brent's algorithm: any cycle is met once the anchor lies on it and the time between two anchors is long.
            if self.made >= 2 * self.anchored:
                self.anchor, self.anchored = point, self.made
        return None


def check_share(name: str, value: float) -> None:
    """Refuse what is not a number from 0 (excluded) to 1."""
    if not isinstance(value, (int, float, np.integer, np.floating)) or not 0 < value <= 1:
        raise InputError(f"{name}: got {str(value)[:40]}; give a number above 0 and up to 1")


def check_positive(name: str, value: float) -> None:
    """Refuse what is not a positive number."""
    if not isinstance(value, (int, float, np.integer, np.floating)) or not 0 < value <= sys.float_info.max:
        raise InputError(f"{name}: got {str(value)[:40]}; give a positive number")
