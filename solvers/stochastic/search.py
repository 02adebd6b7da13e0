"""What every method for stochastic games takes and returns: a search with its limits, and what was found so far."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from powergames.errors import interruptible
from powergames.games.stochastic import StochasticGame
from powergames.objectives import PowerObjective
from powergames.results import Status
from powergames.solvers.common import LimitError, Options
from powergames.solvers.stochastic.problem import StochasticProblem, Worth


@dataclass(frozen=True)
class Limits:
    """What regret is good enough, and what a step takes."""

    target: float = 1e-11
    """Regret, relative to the range of values, as good as rounding allows."""
    work_of_a_step: float = 2e4
    """What a step takes at least, in the units of `Clock.work`."""
    margin: float = 0.5
    """Regret relative to the tolerance that is surely good enough for the certificate."""


LIMITS = Limits()

_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class Found:
    """What is known about a part of a game: what a method begins with, and what it returns.

    Attributes
    ----------
    point : ndarray, shape (D,)
        The best point so far.
    regret : float
        The greatest regret there, relative to the range of attainable values; infinite if nobody has looked.
    steps : int
        Steps that it took.
    unsettled : ndarray of bool, shape (S,)
        States in which the methods could not decide.
    status : Status
        CONVERGED if the regret will pass, else how the method ended.
    onward : callable, optional
        How the method goes on where it was stopped, instead of ``find``; by default it begins anew.
    """

    point: np.ndarray
    regret: float
    steps: int
    unsettled: np.ndarray
    status: Status
    onward: Callable[[StochasticProblem, Found, Search], Found] | None = None

    @classmethod
    def nothing(cls, problem: StochasticProblem, point: np.ndarray) -> Found:
        """Return a point at which nobody has looked."""
        return cls(point, np.inf, 0, np.zeros(problem.n_states, dtype=bool), Status.STALLED)


class Clock:
    """How far a search is, and when it has to end.

    Attributes
    ----------
    steps : int
        Steps so far.
    work : float
        What they took: about as much as to read so many entries of transitions. The same on every machine.
    pause : float
        The work at which the current slice ends.
    ended : Status, optional
        Why the search is over.
    states, n_states : int
        States solved, and in all.
    """

    def __init__(self, n_states: int) -> None:
        self.steps, self.work, self.pause = 0, 0.0, np.inf
        self.ended: Status | None = None
        self.states, self.n_states = 0, n_states


@dataclass(frozen=True, eq=False)
class Search:
    """One search, shared by all methods that take part in it.

    Attributes
    ----------
    options : Options
    clock : Clock
    """

    options: Options
    clock: Clock

    def step(self, stage: str, work: float) -> None:
        """Count a step and report it.

        Parameters
        ----------
        stage : str
            What is being done.
        work : float
            What it takes beyond `LIMITS.work_of_a_step`, see `Clock`.

        Raises
        ------
        LimitError
            If the search is over, from then on at every step.
        """
        clock = self.clock
        if self.over is None:
            clock.steps += 1
            clock.work += LIMITS.work_of_a_step + work
            try:
                self.options.report(f"{stage}, states done", clock.states, clock.n_states)
            except LimitError as limit:
                clock.ended = limit.status
            if self.options.max_iter is not None and clock.steps >= self.options.max_iter:
                clock.ended = Status.MAX_ITER
        if self.over is not None:
            raise LimitError(self.over)

    @property
    def over(self) -> Status | None:
        """Why the search, or its current slice, is over; None as long as it is not."""
        return self.clock.ended or (Status.MAX_ITER if self.clock.work >= self.clock.pause else None)

    @contextmanager
    def slice(self, work: float) -> Iterator[None]:
        """End after so much work what is done within; it then has the status MAX_ITER."""
        before = self.clock.pause
        self.clock.pause = min(before, self.clock.work + work)
        try:
            yield
        finally:
            self.clock.pause = before

    def with_tolerance(self, tol: float) -> Search:
        """Return the search for what has at most another regret."""
        return replace(self, options=replace(self.options, tol=tol))

    @contextmanager
    def best(self, problem: StochasticProblem, start: Found) -> Iterator[Best]:
        """Collect the best of the points that a method looks at; a limit or Ctrl-C ends the block, and no more.

        Whoever called the method can thus take what it found; if the search is over, its own next step says so.
        """
        try:
            with interruptible():
                yield Best(problem, self, start)
        except KeyboardInterrupt:
            self.clock.ended = Status.INTERRUPTED
        except LimitError:
            pass


class Look(NamedTuple):
    """What is seen at a point.

    Attributes
    ----------
    gradient : ndarray, shape (D,)
        What every action and takeover is paid.
    regrets : ndarray, shape (S, n)
        The `scaled_regrets` of the problem there.
    """

    gradient: np.ndarray
    regrets: np.ndarray


class Best:
    """The best of the points that one call of a method looks at, and of what is known before; see `Search.best`.

    Attributes
    ----------
    point : ndarray, shape (D,)
    regret : float
    target, enough : float
        Regret that is as good as rounding allows, and regret that will pass.
    """

    def __init__(self, problem: StochasticProblem, search: Search, start: Found) -> None:
        self.problem, self.search, self.start = problem, search, start
        self.point, self.regret = start.point, start.regret
        self._begun = search.clock.steps
        # Gains of one step are differences of values, and where they add up so does their rounding.
        unit = (1.0 - problem.discounts if problem.adds_up else 1.0) * problem.spans
        self.target = max(LIMITS.target, 1024 * _EPS / float(unit.min()))
        self.enough = max(self.target, LIMITS.margin * float(search.options.tol))

    @property
    def done(self) -> bool:
        """Whether the best point is as good as rounding allows."""
        return self.regret <= self.target

    @property
    def good(self) -> bool:
        """Whether the best point will pass."""
        return self.regret <= self.enough

    def look(self, point: np.ndarray, worth: Worth) -> Look:
        """Remember a point if it is the best so far; return what is seen there.

        ``worth`` is what the rows are worth by the values of the point.
        """
        gradient = self.problem.gradients(point, worth)
        regrets = self.problem.scaled_regrets(point, gradient)
        self.keep(point, float(regrets.max()))
        return Look(gradient, regrets)

    def keep(self, point: np.ndarray, regret: float) -> None:
        """Remember a point if its regret is the least so far."""
        if regret < self.regret:
            self.point, self.regret = point, regret

    def take(self, found: Found) -> None:
        """Remember what another method found if it is the best so far."""
        self.keep(found.point, found.regret)

    def tempted(self, look: Look) -> np.ndarray:
        """Return in which states somebody would gain more than will pass, shape (S,)."""
        return look.regrets.max(axis=1) > self.enough

    def step(self, stage: str, work: float) -> None:
        """Count a step and report it, see `Search.step`."""
        self.search.step(f"{stage}, regret {self.regret:.1e}", work)

    def found(self, status: Status, unsettled: np.ndarray | None = None) -> Found:
        """Return the best point, how the method ended if nothing stopped it, and states in which it could not decide.

        Without a better point than before these are those from before.
        """
        if unsettled is None or self.regret >= self.start.regret:
            unsettled = self.start.unsettled
        status = Status.CONVERGED if self.good else self.search.over or status
        return Found(self.point, self.regret, self.search.clock.steps - self._begun, unsettled, status)


def _any(game: StochasticGame, objective: PowerObjective) -> str | None:
    return None


@dataclass(frozen=True)
class StochasticMethod:
    """A solver of stochastic games.

    Attributes
    ----------
    name : str
    find : callable
        ``find(problem, start, search)`` begins with what is `Found` so far, and returns what is found in the end.
    summary : str
        One sentence on what it does and guarantees.
    refuses : callable
        ``refuses(game, objective)`` returns why this game is outside the method's reach, or None; by default that.
    share : float, default 1
        How much of a slice of work it gets when methods take turns; 0 if it waits for the second round.
    later : float, default as `share`
        The same from the second round on.
    leads : bool, default True
        Whether other methods are to begin where it ends without success: not if everybody mixes a little there.
    lasting : bool, default False
        Whether it takes power of several steps, too.
    """

    name: str
    find: Callable[[StochasticProblem, Found, Search], Found]
    summary: str
    refuses: Callable[[StochasticGame, PowerObjective], str | None] = _any
    share: float = 1.0
    later: float | None = None
    leads: bool = True
    lasting: bool = False

    def reason(self, game: StochasticGame, objective: PowerObjective) -> str | None:
        """Return why this game and objective are outside the method's reach, or None."""
        if objective.steps > 1 and not self.lasting and any(objective.adversaries(game.n_players)):
            return f"is for power of one step, the objective charges for {objective.steps}"
        return self.refuses(game, objective)

    def share_in(self, count: int) -> float:
        """Return its share of a slice in a round, the first of which is number 0."""
        return self.share if count == 0 or self.later is None else self.later
