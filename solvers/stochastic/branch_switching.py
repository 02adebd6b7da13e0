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
from powergames.solvers.stochastic import newton
from powergames.solvers.stochastic.logit import Path, State
from powergames.solvers.stochastic.newton import Linearized
from powergames.solvers.stochastic.problem import StochasticProblem
from powergames.solvers.stochastic.search import Best, Found, Search, StochasticMethod

# States of the largest games.
MOST_STATES = 10_000

# Where one continuation after the other begins: how much of even mixing its prior holds, the rest being the best
# strategies known (None: random ones, near even mixing); how much logarithms of random priors differ; and probabilities
# at least.
PRIORS, SPREAD, LEAST = (1.0, 0.1, None, 0.3, None, None), 0.5, 1e-3

# Precision at first, in units of 1 - γ, and in the end.
LOWEST, HIGHEST = 2.0, 1e7

# By what factor the precision grows: at most, above STEEP, after a disturbance, and at least before one. It grows
# faster after at most EASY steps.
FACTOR, STEEP, FACTOR_ABOVE, FACTOR_AFTER, FACTOR_LEAST, EASY = 1.3, 1e4, 4.0, 1.05, 1.03, 12

# Residual of the values of a solution, and how much of it GMRES may leave, far from a solution and near to it.
SOLVED, ROUGH, FINE, NEAR = 1e-9, 1e-3, 1e-6, 1e-4

# Steps of Newton's method if no state may switch, and what each must shrink to.
DIRECT, SHRINKAGE = 10, 0.9

# The same if states may: steps at first and after a disturbance; how far a step may move a probability or a value, but
# for one state in so many, and the shortest; and how often a state may switch before it waits for the others.
SWITCHING, DISTURBED, FAR, SPARED, SHORTEST, OFTEN = 20, 40, 0.3, 200, 0.05, 2

# How many states switch in all before that is in vain: a share, and as many at least.
VAIN, VAIN_AT_LEAST = 3, 60

# Steps of the path of all states, how far the first correction of each may move a probability, and the factor by which
# precision must have grown on it.
JOINT, CAUTION, LITTLE = 60, 0.3, 1.002

# Attempts to get over a fold, the factors by which precision grows in them, and steps of each.
ATTEMPTS, FACTORS, FLOW, SWEEPS = 10, (1.01, 1.04, 1.07, 1.1, 1.14), 25, 60

# Length of the first step of a flow and of the longest one.
FIRST_STEP, LONGEST_STEP = 4.0, 64.0

# Sweeps after which it counts that a share of the states switch in each of them, and how small changes are in the end.
SETTLING, RESTLESS, CALM = 15, 0.2, 1e-5

# How often a search goes back, to what share of the precision at least and at most, and how much values then change.
RETURNS, BACK, NOISE = 4, (0.4, 0.9), 0.2

# Positions that are remembered differ by this factor in precision.
APART = 1.5

# How much more work it is to solve the states than to read their transitions, or thereabouts.
STATES = 30

# Newton's method on supports is tried where new ones are suggested, and again when precision has grown so much.
EARLIEST, AGAIN = 5.0, 10.0


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
    if game.n_states > MOST_STATES:
        return f"takes too long in games of more than {MOST_STATES:,} states, the game has {game.n_states:,}"
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
                    if self.count == len(PRIORS):
                        break
                    self.current = _Continuation(problem, self._prior(problem, start, search))
                    self.count += 1
                self.current.run(best)
                self.current = None
        return replace(best.found(Status.PATH_LOST), onward=self.find)

    def _prior(self, problem: StochasticProblem, start: Found, search: Search) -> np.ndarray:
        """Return where the next one begins."""
        evenness = PRIORS[self.count]
        if evenness is None:
            return SPREAD * search.options.rng.normal(size=problem.size)
        mixed = (1.0 - evenness) * start.point + evenness * problem.uniform_point()
        return np.log(np.maximum(mixed, LEAST))


class _Continuation:
    """A continuation from a prior."""

    best: Best

    def __init__(self, problem: StochasticProblem, prior: np.ndarray) -> None:
        self.problem, self.prior = problem, prior
        self.everywhere = np.ones(problem.n_states, dtype=bool)
        # Solutions on the way, the precision growing; by what factor it is to grow next; and what is left of attempts.
        self.passed: list[Position] = []
        self.factor, self.left = FACTOR, RETURNS
        # Supports that Newton's method began from, and the precision at which it last did.
        self.tried: dict[bytes, float] = {}

    def run(self, best: Best) -> None:
        """Raise the precision, from where it is, until that leads to an equilibrium, or nowhere."""
        self.best, self.rng = best, best.search.options.rng
        if not self.passed:
            logs = self._normalized(self.prior)
            lowest = LOWEST * float(1.0 - self.problem.discounts.max())
            first = Position(logs, self.problem.evaluate(np.exp(logs)), lowest)
            begun = self._direct(first) or self._switching(first, SWITCHING)
            if begun is None:
                return
            self.passed = [begun]
        while self.left and self.passed[-1].precision < HIGHEST:
            if not self._raised():
                self._return()
            elif self._finished(self.passed[-1]):
                return

    def _raised(self) -> bool:
        """Solve at a higher precision; return whether there is a solution."""
        now = self.passed[-1]
        while True:
            target = replace(now, precision=self.factor * now.precision)
            after = self._direct(target) or self._switching(target, SWITCHING)
            if after is not None or self.factor <= FACTOR_LEAST:
                break
            self.factor = max(FACTOR_LEAST, self.factor**0.4)
        if after is None:
            after, self.factor = self._jointly(now) or self._over_fold(now), FACTOR_AFTER
        elif after.steps <= EASY:
            self.factor = min(self.factor**1.5, FACTOR if after.precision < STEEP else FACTOR_ABOVE)
        if after is not None:
            self._pass(after)
        return after is not None

    def _pass(self, position: Position) -> None:
        """Remember a position, and of those before only some."""
        if len(self.passed) > 1 and self.passed[-1].precision < APART * self.passed[-2].precision:
            self.passed.pop()
        self.passed.append(position)

    def _return(self) -> None:
        """Go back to a lower precision, if possible to another solution there."""
        self.left -= 1
        precision = self.rng.uniform(*BACK) * self.passed[-1].precision
        self.passed = [each for each in self.passed if each.precision <= precision] or self.passed[:1]
        again = self._over_fold(self.passed[-1], NOISE)
        if again is not None:
            self._pass(again)

    def _finished(self, position: Position) -> bool:
        """Try Newton's method on the supports that a position suggests, unless it was tried not long ago."""
        if position.precision < EARLIEST:
            return False
        problem, best = self.problem, self.best
        point = problem.normalized(position.point)
        used = problem.supports(point, problem.gradients(point, problem.worth(position.values)))
        key = used.tobytes()
        if position.precision >= AGAIN * self.tried.get(key, 0.0):
            self.tried[key] = position.precision
            best.look(point, problem.worth(problem.evaluate(point)))
            if not best.done:
                best.take(newton.pivot(problem, point, used, best.search))
        return best.good

    def _direct(self, position: Position) -> Position | None:
        """Solve at a precision by Newton's method on everything; None if no solution is near."""
        last = 1.0
        for count in range(DIRECT):
            position, _ = self._settled(position, switching=False)
            step = self._newton(position, FINE)
            if step is None:
                return None
            residual, change, change_of_values = step
            size = float(np.abs(position.point * change).max())
            if size >= last:
                return None
            logs = self._moved(position.logs, change)
            position = replace(position, logs=logs, values=position.values + change_of_values, steps=count)
            if residual < SOLVED and size < 100.0 * SOLVED:
                return position
            last = max(SHRINKAGE * size, 1e-6)
        return None

    def _switching(self, position: Position, most: int) -> Position | None:
        """Solve at a precision while states switch where branches end; None if that leads to nothing."""
        problem = self.problem
        switches = np.zeros(problem.n_states, dtype=np.int64)
        vain = max(VAIN_AT_LEAST, problem.n_states // VAIN)
        patient = np.zeros(problem.n_states, dtype=bool)
        spared = max(2, problem.n_states // SPARED)
        near = False
        for count in range(most):
            settled, switched = self._settled(position, waiting=patient)
            switches += switched
            # What comes and goes is neither here nor there: it moves with all others.
            patient |= switches > OFTEN
            position = replace(settled, logs=np.where(patient[problem.state_of], position.logs, settled.logs))
            step = self._newton(position, FINE if near else ROUGH)
            if step is None or switches.sum() > vain:
                return None
            residual, change, change_of_values = step
            sizes = np.maximum.reduceat(np.abs(position.point * change), problem.point_starts[:-1])
            far = float(np.abs(change_of_values).max())
            if residual < SOLVED and (sizes[patient] < SOLVED).all():
                return replace(position, steps=count)
            near = residual < NEAR
            typical = float(np.partition(sizes, -min(spared, len(sizes)))[-min(spared, len(sizes))])
            length = min(FAR / max(far, FAR), max(SHORTEST, FAR / max(typical, FAR)))
            if patient.any():
                length = min(length, max(SHORTEST, FAR / max(float(sizes[patient].max()), FAR)))
            moves = patient | (sizes * length < FAR)
            logs = np.where(moves[problem.state_of], self._moved(position.logs, length * change), position.logs)
            position = replace(position, logs=logs, values=position.values + length * change_of_values)
        return None

    def _jointly(self, position: Position) -> Position | None:
        """Follow the path of all states for some steps; None if the precision is hardly higher anywhere on it."""
        problem = self.problem
        path = Path(problem, self.everywhere, self.prior, position.point, CAUTION, self.best, FINE)
        begin = State(position.logs, np.ones(problem.size, dtype=bool), position.values, position.precision)
        end = path.climb(begin, FACTOR_LEAST * position.precision, JOINT)
        if end.precision < LITTLE * position.precision:
            return None
        return Position(self._normalized(end.unknowns), end.values, end.precision)

    def _over_fold(self, position: Position, noise: float = 0.0) -> Position | None:
        """Solve at a somewhat higher precision after a disturbance."""
        ways: tuple[Callable[[Position], Position], ...] = (self._flow, self._swept)
        for attempt in range(ATTEMPTS):
            factor = FACTORS[attempt // len(ways) % len(FACTORS)]
            values = position.values + noise * self.rng.normal(size=position.values.shape)
            target = replace(position, values=values, precision=factor * position.precision)
            after = self._switching(ways[attempt % len(ways)](target), DISTURBED)
            if after is not None:
                return after
        return None

    def _flow(self, position: Position) -> Position:
        """Let values follow what states are worth for some time, in implicit steps that grow where nothing happens."""
        problem = self.problem
        length, spared = FIRST_STEP, max(2, problem.n_states // 100)
        for _ in range(FLOW):
            position, _ = self._settled(position)
            while True:
                step = self._newton(position, ROUGH, 1.0 / length)
                if step is None:
                    return position
                residual, change, change_of_values = step
                sizes = np.maximum.reduceat(np.abs(position.point * change), problem.point_starts[:-1])
                typical = float(np.partition(sizes, -min(spared, len(sizes)))[-min(spared, len(sizes))])
                if typical <= 2.0 * FAR or length < SHORTEST:
                    break
                length *= 0.25
            logs = np.where((sizes < FAR)[problem.state_of], self._moved(position.logs, change), position.logs)
            position = replace(position, logs=logs, values=position.values + change_of_values)
            if residual < CALM:
                break
            if typical < FAR:
                length = min((4.0 if typical < 0.25 * FAR else 2.0) * length, LONGEST_STEP)
        return position

    def _swept(self, position: Position) -> Position:
        """Renew the values of one state after the other, in random order, until that is calm or clearly never will."""
        from powergames.kernels.branches import sweep_states

        problem = self.problem
        logs, values = position.logs.copy(), position.values.copy()
        restless = 0
        for count in range(SWEEPS):
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
            self._step(position, STATES * problem.work)
            switched = np.count_nonzero(outcome)
            restless = restless + 1 if switched > RESTLESS * problem.n_states else 0
            if (not switched and residual < CALM) or (count >= SETTLING and restless > SETTLING // 2):
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
        self._step(position, STATES * problem.work)
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
        return self._normalized(logs + np.where(np.exp(logs) > LEAST, straight, np.clip(change, -30.0, 3.0)))

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
