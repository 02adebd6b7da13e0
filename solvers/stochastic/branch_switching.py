r"""Numerical continuation of quantal-response equilibria, in which single states switch branches.

As in `logit` an equilibrium of all states is followed while the precision grows. There the path turns back wherever it
folds, and all states with it, and on large games it folds over and over again. Yet most folds sit in one state: at the
values of the others, the branch on which it is ends. Here that state alone follows its own path to the branch on which
it ends up at the same precision, see `powergames.kernels.branches`, while the others wait. Newton's method on the
values, with short steps, then lets them follow.

Where folds sit in several states together, no state has to switch, but Newton's method does not converge. If the path
of all states does not lead on in a few steps, values are disturbed: they follow what states are worth for some time,
all together or state by state in random order, and Newton's method begins from there. What no disturbance gets over
sends the search back to a lower precision.

At high precision Newton's method on supports finishes. There is no guarantee: paths may lead back and forth for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from powergames.games.stochastic import StochasticGame
from powergames.objectives import PowerObjective
from powergames.results import Status
from powergames.solvers.stochastic import logit, newton
from powergames.solvers.stochastic.logit import Path, State
from powergames.solvers.stochastic.newton import Linearized
from powergames.solvers.stochastic.problem import StochasticProblem
from powergames.solvers.stochastic.search import Best, Found, Search, StochasticMethod


@dataclass(frozen=True)
class Limits:
    """How far a continuation goes, and what it tries to get over a fold."""

    states: int = 10_000
    """Games of more states are refused."""
    priors: tuple[float | None, ...] = (1.0, 0.1, None, 0.3, None, None)
    """Shares of even mixing in the priors, the rest being the best strategies known. None: random, near even mixing."""
    spread: float = 0.5
    """Standard deviation of the logarithms of random priors."""
    lowest_precision: float = 2.0
    """Precision at first, in units of 1 - γ."""
    highest_precision: float = 1e7
    """A continuation ends at this precision."""
    growth: float = 1.3
    """The precision grows by this factor at most."""
    high_precision: float = 1e4
    """Above this precision it may grow faster."""
    growth_above: float = 4.0
    """It then grows by this factor at most."""
    growth_after: float = 1.05
    """It grows by this factor after a disturbance."""
    least_growth: float = 1.03
    """It grows by this factor at least before a disturbance."""
    easy_steps: int = 12
    """It grows faster after a solution that took at most this many steps."""
    solved: float = 1e-9
    """Residual of the values of a solution."""
    rough: float = 1e-3
    """Share of the residual that GMRES may leave far from a solution."""
    fine: float = 1e-6
    """Share of the residual that GMRES may leave near to a solution."""
    near: float = 1e-4
    """Near to a solution the residual is below this."""
    direct_steps: int = 10
    """Steps of Newton's method if no state may switch."""
    shrinkage: float = 0.9
    """Each of these steps must shrink to this fraction of the one before."""
    switching_steps: int = 20
    """Steps of Newton's method if states may switch, at first."""
    disturbed_steps: int = 40
    """Steps of Newton's method if states may switch, after a disturbance."""
    longest_move: float = 0.3
    """Such a step may move a probability or a value by this much."""
    spared: int = 200
    """It may move one state in so many further."""
    shortest_step: float = 0.05
    """It is this fraction of a full step at least."""
    switches: int = 2
    """A state that switches more often waits for the others."""
    states_per_switch: int = 3
    """Switching is in vain after more switches in all than one for each so many states."""
    switches_in_vain: int = 60
    """It is not yet in vain up to this many switches."""
    joint_steps: int = 60
    """Steps of the path of all states."""
    caution: float = 0.3
    """The first correction of each of these steps may move a probability by this much."""
    least_joint_growth: float = 1.002
    """The precision must have grown by this factor on the path of all states."""
    disturbances: int = 10
    """Attempts to get over a fold."""
    growth_in_attempts: tuple[float, ...] = (1.01, 1.04, 1.07, 1.1, 1.14)
    """The precision grows by one of these factors in each attempt to get over a fold."""
    flow_steps: int = 25
    """Steps of a flow."""
    sweeps: int = 60
    """Sweeps over the states in random order."""
    first_flow_step: float = 4.0
    """Length of the first step of a flow."""
    longest_flow_step: float = 64.0
    """Length of the longest step of a flow."""
    settling_sweeps: int = 15
    """After this many sweeps the search ends if more than half as many in a row were restless."""
    restless: float = 0.2
    """A sweep is restless if more than this share of the states switch."""
    calm: float = 1e-5
    """A flow or sweeps end when the residual is below this."""
    returns: int = 4
    """How often a search goes back to a lower precision."""
    lowest_return: float = 0.4
    """It goes back to this share of the precision at least."""
    highest_return: float = 0.9
    """It goes back to this share of the precision at most."""
    noise: float = 0.2
    """How much values then change."""
    apart: float = 1.5
    """Positions that are remembered differ by this factor in precision."""
    work: int = 30
    """It is about this many times as much work to solve the states as to read their transitions."""


LIMITS = Limits()


@dataclass(frozen=True, eq=False)
class Position:
    """Where a continuation is.

    Attributes
    ----------
    logs : ndarray, shape (D,)
        Logarithms of the strategies.
    values : ndarray, shape (kinds, n, S)
    precision : float
    steps : int
        How many steps it took to come here.
    """

    logs: np.ndarray
    values: np.ndarray
    precision: float
    steps: int = 0

    @cached_property
    def point(self) -> np.ndarray:
        """The strategies, shape (D,)."""
        return np.exp(self.logs)


def refuses(game: StochasticGame, objective: PowerObjective) -> str | None:
    """Refuse games in which a step takes seconds, for an equilibrium takes hundreds of steps."""
    if game.n_states > LIMITS.states:
        return f"takes too long in games of more than {LIMITS.states:,} states, the game has {game.n_states:,}"
    return None


def find(problem: StochasticProblem, start: Found, search: Search) -> Found:
    """Follow one continuation after the other until one leads to an equilibrium."""
    return _Continuations().find(problem, start, search)


class _Continuations:
    """One continuation after the other, and where the current one is."""

    def __init__(self) -> None:
        self.count = 0
        self.current: _Continuation | None = None

    def find(self, problem: StochasticProblem, start: Found, search: Search) -> Found:
        """Begin, or go on."""
        with search.best(problem, start) as best:
            while not best.good:
                if self.current is None:
                    if self.count == len(LIMITS.priors):
                        break
                    self.current = _Continuation(problem, self._prior(problem, start, search))
                    self.count += 1
                self.current.run(best)
                self.current = None
        return replace(best.found(Status.PATH_LOST), onward=self.find)

    def _prior(self, problem: StochasticProblem, start: Found, search: Search) -> np.ndarray:
        """Return where the next one begins."""
        evenness = LIMITS.priors[self.count]
        if evenness is None:
            return LIMITS.spread * search.options.rng.normal(size=problem.size)
        mixed = (1.0 - evenness) * start.point + evenness * problem.uniform_point()
        return np.log(np.maximum(mixed, logit.LIMITS.linear))


class _Continuation:
    """A continuation from a prior."""

    best: Best

    def __init__(self, problem: StochasticProblem, prior: np.ndarray) -> None:
        self.problem, self.prior = problem, prior
        self.everywhere = np.ones(problem.n_states, dtype=bool)
        # Solutions on the way, the precision growing; by what factor it is to grow next; and what is left of attempts.
        self.passed: list[Position] = []
        self.factor, self.left = LIMITS.growth, LIMITS.returns
        # Supports that Newton's method began from, and the precision at which it last did.
        self.tried: dict[bytes, float] = {}

    def run(self, best: Best) -> None:
        """Raise the precision, from where it is, until that leads to an equilibrium, or nowhere."""
        self.best, self.rng = best, best.search.options.rng
        if not self.passed:
            logs = self._normalized(self.prior)
            lowest = LIMITS.lowest_precision * float(1.0 - self.problem.discounts.max())
            first = Position(logs, self.problem.evaluate(np.exp(logs)), lowest)
            begun = self._direct(first) or self._switching(first, LIMITS.switching_steps)
            if begun is None:
                return
            self.passed = [begun]
        while self.left and self.passed[-1].precision < LIMITS.highest_precision:
            if not self._raised():
                self._return()
            elif self._finished(self.passed[-1]):
                return

    def _raised(self) -> bool:
        """Solve at a higher precision; return whether there is a solution."""
        now = self.passed[-1]
        while True:
            target = replace(now, precision=self.factor * now.precision)
            after = self._direct(target) or self._switching(target, LIMITS.switching_steps)
            if after is not None or self.factor <= LIMITS.least_growth:
                break
            self.factor = max(LIMITS.least_growth, self.factor**0.4)
        if after is None:
            after, self.factor = self._jointly(now) or self._over_fold(now), LIMITS.growth_after
        elif after.steps <= LIMITS.easy_steps:
            most = LIMITS.growth if after.precision < LIMITS.high_precision else LIMITS.growth_above
            self.factor = min(self.factor**1.5, most)
        if after is not None:
            self._pass(after)
        return after is not None

    def _pass(self, position: Position) -> None:
        """Remember a position, and of those before only some."""
        if len(self.passed) > 1 and self.passed[-1].precision < LIMITS.apart * self.passed[-2].precision:
            self.passed.pop()
        self.passed.append(position)

    def _return(self) -> None:
        """Go back to a lower precision, if possible to another solution there."""
        self.left -= 1
        precision = self.rng.uniform(LIMITS.lowest_return, LIMITS.highest_return) * self.passed[-1].precision
        self.passed = [each for each in self.passed if each.precision <= precision] or self.passed[:1]
        again = self._over_fold(self.passed[-1], LIMITS.noise)
        if again is not None:
            self._pass(again)

    def _finished(self, position: Position) -> bool:
        """Try Newton's method on the supports that a position suggests, unless it was tried not long ago."""
        if position.precision < logit.LIMITS.earliest:
            return False
        problem, best = self.problem, self.best
        point = problem.normalized(position.point)
        used = problem.supports(point, problem.gradients(point, problem.worth(position.values)))
        key = used.tobytes()
        if position.precision >= logit.LIMITS.again * self.tried.get(key, 0.0):
            self.tried[key] = position.precision
            best.look(point, problem.worth(problem.evaluate(point)))
            if not best.done:
                best.take(newton.pivot(problem, point, used, best.search))
        return best.good

    def _direct(self, position: Position) -> Position | None:
        """Solve at a precision by Newton's method on everything; None if no solution is near."""
        last = 1.0
        for count in range(LIMITS.direct_steps):
            position, _ = self._settled(position, switching=False)
            step = self._newton(position, LIMITS.fine)
            if step is None:
                return None
            residual, change, change_of_values = step
            size = float(np.abs(position.point * change).max())
            if size >= last:
                return None
            logs = self._moved(position.logs, change)
            position = replace(position, logs=logs, values=position.values + change_of_values, steps=count)
            if residual < LIMITS.solved and size < 100.0 * LIMITS.solved:
                return position
            last = max(LIMITS.shrinkage * size, 1e-6)
        return None

    def _switching(self, position: Position, most: int) -> Position | None:
        """Solve at a precision while states switch where branches end; None if that leads to nothing."""
        problem = self.problem
        switches = np.zeros(problem.n_states, dtype=np.int64)
        vain = max(LIMITS.switches_in_vain, problem.n_states // LIMITS.states_per_switch)
        patient = np.zeros(problem.n_states, dtype=bool)
        spared = max(2, problem.n_states // LIMITS.spared)
        longest, shortest = LIMITS.longest_move, LIMITS.shortest_step
        near = False
        for count in range(most):
            settled, switched = self._settled(position, waiting=patient)
            switches += switched
            # What comes and goes is neither here nor there: it moves with all others.
            patient |= switches > LIMITS.switches
            position = replace(settled, logs=np.where(patient[problem.state_of], position.logs, settled.logs))
            step = self._newton(position, LIMITS.fine if near else LIMITS.rough)
            if step is None or switches.sum() > vain:
                return None
            residual, change, change_of_values = step
            sizes = np.maximum.reduceat(np.abs(position.point * change), problem.point_starts[:-1])
            far = float(np.abs(change_of_values).max())
            if residual < LIMITS.solved and (sizes[patient] < LIMITS.solved).all():
                return replace(position, steps=count)
            near = residual < LIMITS.near
            typical = float(np.partition(sizes, -min(spared, len(sizes)))[-min(spared, len(sizes))])
            length = min(longest / max(far, longest), max(shortest, longest / max(typical, longest)))
            if patient.any():
                length = min(length, max(shortest, longest / max(float(sizes[patient].max()), longest)))
            moves = patient | (sizes * length < longest)
            logs = np.where(moves[problem.state_of], self._moved(position.logs, length * change), position.logs)
            position = replace(position, logs=logs, values=position.values + length * change_of_values)
        return None

    def _jointly(self, position: Position) -> Position | None:
        """Follow the path of all states for some steps; None if the precision is hardly higher anywhere on it."""
        problem = self.problem
        path = Path(problem, self.everywhere, self.prior, position.point, LIMITS.caution, self.best, LIMITS.fine)
        begin = State(position.logs, np.ones(problem.size, dtype=bool), position.values, position.precision)
        end = path.climb(begin, LIMITS.least_growth * position.precision, LIMITS.joint_steps)
        if end.precision < LIMITS.least_joint_growth * position.precision:
            return None
        return Position(self._normalized(end.unknowns), end.values, end.precision)

    def _over_fold(self, position: Position, noise: float = 0.0) -> Position | None:
        """Solve at a somewhat higher precision after a disturbance."""
        ways: tuple[Callable[[Position], Position], ...] = (self._flow, self._swept)
        for attempt in range(LIMITS.disturbances):
            factor = LIMITS.growth_in_attempts[attempt // len(ways) % len(LIMITS.growth_in_attempts)]
            values = position.values + noise * self.rng.normal(size=position.values.shape)
            target = replace(position, values=values, precision=factor * position.precision)
            after = self._switching(ways[attempt % len(ways)](target), LIMITS.disturbed_steps)
            if after is not None:
                return after
        return None

    def _flow(self, position: Position) -> Position:
        """Let values follow what states are worth for some time, in implicit steps that grow where nothing happens."""
        problem = self.problem
        length, spared = LIMITS.first_flow_step, max(2, problem.n_states // 100)
        for _ in range(LIMITS.flow_steps):
            position, _ = self._settled(position)
            while True:
                step = self._newton(position, LIMITS.rough, 1.0 / length)
                if step is None:
                    return position
                residual, change, change_of_values = step
                sizes = np.maximum.reduceat(np.abs(position.point * change), problem.point_starts[:-1])
                typical = float(np.partition(sizes, -min(spared, len(sizes)))[-min(spared, len(sizes))])
                if typical <= 2.0 * LIMITS.longest_move or length < LIMITS.shortest_step:
                    break
                length *= 0.25
            logs = np.where(
                (sizes < LIMITS.longest_move)[problem.state_of], self._moved(position.logs, change), position.logs
            )
            position = replace(position, logs=logs, values=position.values + change_of_values)
            if residual < LIMITS.calm:
                break
            if typical < LIMITS.longest_move:
                length = min((4.0 if typical < 0.25 * LIMITS.longest_move else 2.0) * length, LIMITS.longest_flow_step)
        return position

    def _swept(self, position: Position) -> Position:
        """Renew the values of one state after the other, in random order, until that is calm or clearly never will."""
        from powergames.kernels.branches import sweep_states

        problem = self.problem
        logs, values = position.logs.copy(), position.values.copy()
        restless, settling = 0, LIMITS.settling_sweeps
        for count in range(LIMITS.sweeps):
            order = self.rng.permutation(problem.n_states)
            residual, outcome = sweep_states(
                *problem.layout,
                *problem.arrays[2:],
                problem.rewards,
                problem.shares,
                values,
                logs,
                self.prior,
                position.precision,
                order,
            )
            self._step(position, LIMITS.work * problem.work)
            switched = np.count_nonzero(outcome)
            restless = restless + 1 if switched > LIMITS.restless * problem.n_states else 0
            if (not switched and residual < LIMITS.calm) or (count >= settling and restless > settling // 2):
                break
        return replace(position, logs=logs, values=values)

    def _settled(
        self, position: Position, *, waiting: np.ndarray | None = None, switching: bool = True
    ) -> tuple[Position, np.ndarray]:
        """Solve all states, but for those that wait, at the values; also return which of them left their branches.

        If they may not switch, these stay where they are.
        """
        from powergames.kernels.branches import settle_states

        problem = self.problem
        chosen = self.everywhere if waiting is None else ~waiting
        logs, outcome = settle_states(
            *problem.layout,
            *problem.worth(position.values),
            position.logs,
            self.prior,
            position.precision,
            chosen,
            switching,
        )
        self._step(position, LIMITS.work * problem.work)
        return replace(position, logs=logs), outcome > 0

    def _newton(
        self, position: Position, accuracy: float, damping: float = 0.0
    ) -> tuple[float, np.ndarray, np.ndarray] | None:
        """Return the residual of the values, and how the logarithms and the values change by a step; see `Linearized`.

        None where the equations are singular.
        """
        problem = self.problem
        self._step(position, problem.linear_work)
        try:
            system = Linearized.at(
                problem,
                position.point,
                position.values,
                position.point > 0.0,
                free=self.everywhere,
                logs=position.logs,
                prior=self.prior,
                precision=position.precision,
                accuracy=accuracy,
                damping=damping,
            )
            change, change_of_values = system.changes(0)
        except np.linalg.LinAlgError:
            return None
        if not (np.isfinite(change).all() and np.isfinite(change_of_values).all()):
            return None
        return float(np.abs(system.errors).max()), change, change_of_values

    def _step(self, position: Position, work: float) -> None:
        self.best.step(f"branches, precision {position.precision:.3g}", work)

    def _moved(self, logs: np.ndarray, change: np.ndarray) -> np.ndarray:
        """Change logarithms; probabilities that matter move in a straight line."""
        straight = np.log1p(np.maximum(change, -0.9))
        bent = np.where(np.exp(logs) > logit.LIMITS.linear, straight, np.clip(change, -30.0, logit.LIMITS.highest_rise))
        return self._normalized(logs + bent)

    def _normalized(self, logs: np.ndarray) -> np.ndarray:
        bounds, group_of = self.problem.bounds, self.problem.group_of
        logs = logs - np.maximum.reduceat(logs, bounds[:-1])[group_of]
        return logs - np.log(np.add.reduceat(np.exp(logs), bounds[:-1]))[group_of]


METHOD = StochasticMethod(
    "branch_switching",
    find,
    "numerical continuation of quantal-response equilibria, in which single states switch branches: large games in "
    "which many states are hard, any number of players, no guarantee",
    refuses,
    share=0.0,
    later=2.0,
    leads=False,
)
