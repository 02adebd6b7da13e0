"""Local search for the supports of an equilibrium: one state after the other changes its own, as in tabu search.

On given supports, equations tell what everybody plays in all states, and what these are worth. Newton's method solves
them. In some states the solution is not one of the game: there a probability is negative, or somebody would rather do
something else. Such a state, or one that follows upon it, may change to the support of another equilibrium of its own
game, for the values of all states as they are. A wrong state may also take in a better action, or give up one that it
plays with a negative probability. Of these changes that is made after which the fewest states are wrong, to first
order; a state does not return to the support that it had for some time (F. Glover 1989). With no state wrong, the
solution is an equilibrium.

Changes by one action lead to supports that no equilibrium of a state alone has: there a single player mixes,
say. What makes this player indifferent is how others mix in other states, and they are indifferent due to this player.
Of 24 random games of twenty states, half have such an equilibrium at the end of their logit path.

A change makes other states wrong and right, and may make more of them wrong than before, so that the search does not
end where no single change helps. Nothing bounds how long it takes. But the equilibria of large games are many, and it
depends on no path: one that folds back again and again is what methods of continuation fail at.

What a change does to all states, and whether they are right, takes as long as to read the game a few times. For this
the inverse of the matrix of Newton's method is kept, in which a change of one state changes a few lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np

from powergames.games.stochastic import StochasticGame
from powergames.objectives import PowerObjective
from powergames.results import Status
from powergames.solvers.common import LimitError
from powergames.solvers.stochastic import newton
from powergames.solvers.stochastic.inverse import Factorized, Inverse
from powergames.solvers.stochastic.problem import StochasticProblem, Worth
from powergames.solvers.stochastic.search import Found, Search, StochasticMethod
from powergames.solvers.stochastic.stage_games import STAGES, stage_equilibria


@dataclass(frozen=True)
class Limits:
    """How large a game may be, what a move is chosen from, and how exact positions are."""

    unknowns: int = 6_000
    """Values of states, of all kinds and players, at most: the inverse of a matrix of so many lines is kept."""
    responses: tuple[int, ...] = (12, 20, 40, 70, 120)
    """Supports are taken for the first time after everybody has so often responded to averages of the values."""
    good: float = 0.02
    """They are good enough if this share of the states is wrong."""
    purified: float = 0.1
    """Where the equations of all these lead nowhere, this share of the states becomes pure, then twice as many."""
    states: int = 30
    """Wrong states among which a move is chosen."""
    others: float = 0.25
    """And others that follow upon these, about this share of all."""
    starts: int = 2
    """For each of them equilibria of its own game are sought from so many starts: where it is, and random ones."""
    tenure: int = 2
    """A state does not return to a support for so many moves, and up to as many more."""
    vain: int = 20
    """A change that Newton's method did not follow, or that did not do what was predicted, waits for so many moves."""
    amount: float = 0.1
    """A unit of negative probability counts as this share of a wrong state."""
    largest_amount: float = 100.0
    """Amounts above count as this one."""
    insistence: float = 0.3
    """So much more it counts that a state is wrong where no change helps."""
    forgetting: float = 0.05
    """This share of it is forgotten then."""
    tries: int = 4
    """Changes that are tried, the best ones first, before one of another state is made at random."""
    surprise: int = 6
    """A change is taken back if so many more states are wrong after it than was predicted."""
    patience: float = 1.5
    """The search begins anew after so many moves for each state that did not lead to fewer wrong ones than ever."""
    growth: float = 1.3
    """It then goes on for longer by this factor."""
    starts_anew: int = 20
    """So many times."""
    random: float = 0.5
    """It begins with random strategies in this share of the states."""
    kicks: int = 20
    """States that are tried for a change at random."""
    kick: int = 15
    """So many more states may be wrong after it."""
    negative: float = 1e-9
    """A probability may be so far below zero."""
    gain: float = 1e-10
    """What is not in use may be so much better than what is."""
    steps: int = 15
    """Steps of Newton's method at most."""
    rough_steps: int = 5
    """The same where a rough solution will do."""
    rough: float = 0.05
    """A position is good enough to go on from if the last step moved no probability by more."""
    exact: float = 1e-11
    """A solution is exact if the last step moved no probability by more."""
    longest_step: float = 30.0
    """A longer step leads nowhere."""
    longest_pivot: float = 1.5
    """The same for probabilities after a single action has come into use or left."""
    longest_later_step: float = 3.0
    """From the second step on this holds for shorter ones already, if they grow."""
    contraction: float = 0.5
    """A step longer than this share of the one before shows that the matrix is out of date."""
    lasting: float = 0.1
    """Moves for each of its lines after which the inverse is computed anew."""
    least_lasting: int = 60
    """But so many at least."""


LIMITS = Limits()


@dataclass(frozen=True, eq=False)
class _Position:
    """A solution of the equations of supports, or nearly one.

    Attributes
    ----------
    point : ndarray, shape (D,)
        Probabilities may be negative.
    values : ndarray, shape (kinds, n, S)
    used : ndarray of bool, shape (D,)
    worth : tuple of ndarray
        What rows are worth by the values.
    responses, derivatives, steps, slopes, gradient : ndarray
        What `powergames.kernels.support_changes.local_systems` returns.
    inverse : Inverse, optional
        Nearly that of the matrix of Newton's method, for all values.
    exact : bool
        Whether the equations are solved as exactly as rounding allows.
    age : int
        Moves since the inverse was computed.
    """

    problem: StochasticProblem
    point: np.ndarray
    values: np.ndarray
    used: np.ndarray
    worth: Worth
    responses: np.ndarray
    derivatives: np.ndarray
    steps: np.ndarray
    slopes: np.ndarray
    gradient: np.ndarray
    inverse: Inverse | None = None
    exact: bool = False
    age: int = 0

    @cached_property
    def wrong(self) -> np.ndarray:
        """Where the supports are not those of an equilibrium, shape (S,)."""
        from powergames.kernels.support_changes import violations

        problem = self.problem
        wrong, _ = violations(
            problem.n_actions,
            problem.point_starts,
            problem.egos,
            problem.takes,
            self.point,
            self.used,
            self.gradient,
            LIMITS.negative,
            LIMITS.gain,
        )
        return np.asarray(wrong)

    @property
    def count(self) -> int:
        """In how many states supports are wrong."""
        return int(np.count_nonzero(self.wrong))

    @cached_property
    def strategies(self) -> np.ndarray:
        """The strategies nearby, shape (D,)."""
        return self.problem.normalized(self.point)

    @cached_property
    def row_weights(self) -> tuple[np.ndarray, np.ndarray]:
        """What `powergames.kernels.stages.row_weights` returns."""
        from powergames.kernels.stages import row_weights

        return row_weights(*self.problem.layout, self.point)

    def support(self, state: int) -> bytes:
        """What is in use in a state."""
        return self.used[self.problem.own(state)].tobytes()


@dataclass(frozen=True, eq=False)
class _Change:
    """A change of one state, and what is predicted to follow."""

    state: int
    used: np.ndarray
    score: float
    count: int
    point: np.ndarray
    values: np.ndarray


# Strategies of a state, the support, and how long the step may be that follows.
_Alternative = tuple[np.ndarray, np.ndarray, float]


class _Walk:
    """A search under way, which goes on where a slice of work ended."""

    def __init__(self, problem: StochasticProblem, start: np.ndarray) -> None:
        self.problem, self.start = problem, start
        self.position: _Position | None = None
        self.forbidden: dict[tuple[int, bytes], int] = {}
        self.vain: dict[tuple[int, bytes], int] = {}
        self.moves, self.fewest = 0, problem.n_states + 1
        self.begun, self.work = 0, 0.0
        self.patience = self.pause = LIMITS.patience * problem.n_states
        self.importance = np.ones(problem.n_states)

    def find(self, problem: StochasticProblem, start: Found, search: Search) -> Found:
        """Search until the work is done."""
        with search.best(problem, start) as best:
            self.best, self.rng = best, search.options.rng
            if self.position is None:
                self.position = self._first()
            while not best.good:
                self.position = self._next(self.position)
                if self.moves >= self.pause and not best.good:
                    if self.begun == LIMITS.starts_anew:
                        break
                    self._begin_anew()
        return replace(best.found(Status.STALLED), onward=self.find)

    def _begin_anew(self) -> None:
        """Go on from strategies of which some are random."""
        problem = self.problem
        self.begun += 1
        chosen = (self.rng.random(problem.n_states) < LIMITS.random)[problem.state_of]
        self.start = np.where(chosen, problem.normalized(self.rng.exponential(size=problem.size)), self.best.point)
        self.position = self._first()
        self.forbidden, self.vain, self.importance = {}, {}, np.ones(problem.n_states)
        self.patience *= LIMITS.growth
        self.fewest, self.pause = problem.n_states + 1, self.moves + self.patience

    def _first(self) -> _Position:
        """Return the best of some positions that responses to averages of the values lead to."""
        problem = self.problem
        point, passed = self.start, []
        values = problem.evaluate(point)
        best: _Position | None = None
        for count in range(LIMITS.responses[-1]):
            worth = problem.worth(values)
            point = stage_equilibria(problem, point, worth, self.best.search, near=count > 0, surely=False)
            if count + 1 in LIMITS.responses:
                passed.append(point)
                best = self._better(best, self._solved(point, point > 0.0, values))
                if best is not None and best.count <= LIMITS.good * problem.n_states:
                    break
            values = values + 2.0 / (count + 2.0) * (problem.evaluate(point) - values)
        if best is None:
            for point in passed:
                best = self._better(best, self._repaired(point))
        if best is None:
            raise LimitError(Status.STALLED)
        return best

    def _better(self, best: _Position | None, other: _Position | None) -> _Position | None:
        """Return the position in which fewer states are wrong; count the step."""
        self._step()
        found = [position for position in (best, other) if position is not None]
        return min(found, key=lambda each: each.count, default=None)

    def _repaired(self, point: np.ndarray) -> _Position | None:
        """Return a position near strategies whose equations lead nowhere: more and more states become pure."""
        problem, share = self.problem, LIMITS.purified
        position = None
        while position is None and share < 2.0:
            chosen = (self.rng.random(problem.n_states) < share)[problem.state_of]
            point, share = np.where(chosen, problem.purified(point), point), 2.0 * share
            position = self._solved(point, point > 0.0, problem.evaluate(point))
        return position

    def _step(self) -> None:
        """Count what was done since the last step."""
        work, self.work = self.work, 0.0
        right = f", wrong in {self.position.count} states" if self.position else ""
        self.best.step(f"supports{right}", work)

    def _next(self, position: _Position) -> _Position:
        """Return the position after a move."""
        problem = self.problem
        if not position.count and not position.exact:
            exact = self._solved(position.point, position.used, position.values, exact=True)
            if exact is not None:
                position = exact
        if not position.count:
            # What is right but for rounding, or what rounding hides, Newton's method may still tell.
            self.best.take(newton.finish(problem, position.strategies, position.used, self.best.search))
            if self.best.good:
                return position
        if position.count < self.fewest:
            self.fewest, self.pause = position.count, self.moves + self.patience
            self.fallback = position
            self.best.look(position.strategies, problem.worth(problem.evaluate(position.strategies)))
        if position.age >= max(LIMITS.least_lasting, LIMITS.lasting * position.values.size):
            # Also what was solved roughly is solved anew, since errors add up.
            position = self._solved(position.point, position.used, position.values) or position
        self.moves += 1
        self._step()
        changes = list(self._changes(position, self._chosen(position)))
        now = self.importance[position.wrong].sum()
        if not changes or min(change.score for change in changes) >= now:
            self.importance[position.wrong] += LIMITS.insistence
            self.importance += LIMITS.forgetting * (1.0 - self.importance)
        for change in sorted(changes, key=lambda each: each.score)[: LIMITS.tries]:
            after = self._changed(position, change)
            if after is not None and after.count <= change.count + LIMITS.surprise:
                self._forbid(change.state, position.support(change.state), LIMITS.tenure)
                return after
            self.vain[change.state, change.used.tobytes()] = self.moves + LIMITS.vain
        return self._kicked(position)

    def _chosen(self, position: _Position) -> np.ndarray:
        """Return some states that are wrong, and some that follow upon them; if none is wrong, any."""
        wrong = np.flatnonzero(position.wrong)
        if not len(wrong):
            return np.unique(self.rng.integers(self.problem.n_states, size=LIMITS.states))
        if len(wrong) > LIMITS.states:
            wrong = self.rng.choice(wrong, LIMITS.states, replace=False)
        _, row_starts, _, indptr, indices, _ = self.problem.arrays
        before = self.rng.choice(wrong, int(LIMITS.others * self.problem.n_states))
        begin, end = indptr[row_starts[before]], indptr[row_starts[before + 1]]
        leads = end > begin
        return np.union1d(wrong, indices[self.rng.integers(begin[leads], end[leads])])

    def _changes(self, position: _Position, states: np.ndarray) -> Iterator[_Change]:
        """Yield changes of some states, and what is predicted to follow."""
        for state, offered in self._alternatives(position, states).items():
            seen, columns = {position.support(state)}, self._columns(position, state)
            for local, used, longest in offered:
                support = used.tobytes()
                if support in seen:
                    continue
                seen.add(support)
                if self.vain.get((state, support), 0) > self.moves:
                    continue
                change = self._predicted(position, columns, state, local, used, longest)
                waits = self.forbidden.get((state, support), 0) > self.moves
                if change is not None and not (waits and change.count >= self.fewest):
                    yield change

    def _alternatives(self, position: _Position, states: np.ndarray) -> dict[int, list[_Alternative]]:
        """Return other strategies of some states, their supports, and how long a step may follow.

        These are equilibria of a state's own game, and in wrong states what is one action away. The latter need be no
        equilibrium of that game: somebody may be indifferent due to what others do in other states, where this state's
        strategies make somebody indifferent.
        """
        problem = self.problem
        alternatives: dict[int, list[_Alternative]] = {}
        entries, sizes = problem.entries_of(states), np.diff(problem.point_starts)[states]
        starts = np.cumsum(sizes) - sizes
        for attempt in range(LIMITS.starts):
            found = self._equilibria(position, states, near=attempt == 0)
            differs = np.logical_or.reduceat((found > 0.0) != position.used[entries], starts)
            for place in np.flatnonzero(differs).tolist():
                local = found[starts[place] : starts[place] + sizes[place]]
                alternatives.setdefault(int(states[place]), []).append((local, local > 0.0, LIMITS.longest_step))
        for state in states[position.wrong[states]].tolist():
            alternatives.setdefault(state, []).extend(self._neighbours(position, state))
        return alternatives

    def _neighbours(self, position: _Position, state: int) -> Iterator[_Alternative]:
        """Yield strategies of a state in which a better action comes into use, or a negative one leaves."""
        problem, own = self.problem, self.problem.own(state)
        local, used, paid = position.point[own], position.used[own], position.gradient[own]
        bounds = problem.bounds[state * problem.n_groups : (state + 1) * problem.n_groups + 1] - own.start
        for begin, end in pairwise(bounds.tolist()):
            group = slice(begin, end)
            top = paid[group][used[group]].max()
            best = begin + int(np.where(used[group], -np.inf, paid[group]).argmax())
            least = begin + int(np.where(used[group], local[group], np.inf).argmin())
            changing = []
            if not used[best] and paid[best] > top + LIMITS.gain:
                changing.append(best)
            if local[least] < -LIMITS.negative:
                changing.append(least)
            for action in changing:
                other = used.copy()
                other[action] = not used[action]
                yield np.where(other, local, 0.0), other, LIMITS.longest_pivot

    def _kicked(self, position: _Position) -> _Position:
        """Return the position after a change of any state, right or wrong; if none leads on, the best so far."""
        for _ in range(LIMITS.kicks):
            state = int(self.rng.integers(self.problem.n_states))
            local = self._equilibria(position, np.array([state]), near=False)
            if (local > 0.0).tobytes() == position.support(state):
                continue
            columns = self._columns(position, state)
            change = self._predicted(position, columns, state, local, local > 0.0, LIMITS.longest_step)
            after = None if change is None else self._changed(position, change)
            if after is not None and after.count <= position.count + LIMITS.kick:
                self._forbid(state, position.support(state), 2 * LIMITS.tenure)
                return after
        return self.fallback

    def _forbid(self, state: int, support: bytes, moves: int) -> None:
        self.forbidden[state, support] = self.moves + moves + int(self.rng.integers(moves + 1))

    def _equilibria(self, position: _Position, states: np.ndarray, *, near: bool) -> np.ndarray:
        """Return an equilibrium of the game of each state, by Lemke's algorithm from where it is or from anywhere."""
        from powergames.kernels.stages import solve_stages

        problem = self.problem
        layout, worth = problem.alone_in(states, position.worth)
        point = position.strategies if near else problem.normalized(self.rng.exponential(size=problem.size))
        slack = np.full(problem.n_players, LIMITS.exact)
        found, _ = solve_stages(*layout, *worth, point[problem.entries_of(states)], slack)
        self.work += STAGES**2 * len(worth[0][0])
        return np.asarray(found)

    def _columns(self, position: _Position, state: int) -> np.ndarray:
        """Return the columns of the inverse that belong to a state, shape (K, K, S) for K values of each state."""
        assert position.inverse is not None
        lines = self._places(state)
        return position.inverse.columns(lines).reshape(len(lines), len(lines), -1)

    def _places(self, state: int) -> np.ndarray:
        """Return where the values of a state are among those of all."""
        problem = self.problem
        return np.arange(problem.kinds * problem.n_players) * problem.n_states + state

    def _predicted(
        self,
        position: _Position,
        columns: np.ndarray,
        state: int,
        local: np.ndarray,
        used: np.ndarray,
        longest: float,
    ) -> _Change | None:
        """Return a change and what follows upon it; None if the equations are singular, or lead too far."""
        from powergames.kernels.support_changes import predict

        problem = self.problem
        count, weight, amount, point, change = predict(
            problem.arrays,
            *problem.layout[2:],
            problem.shares,
            *position.worth,
            *position.row_weights,
            position.point,
            position.used,
            position.responses,
            position.derivatives,
            position.gradient,
            position.values.reshape(-1, problem.n_states),
            columns,
            state,
            local,
            used,
            self.importance,
            LIMITS.negative,
            LIMITS.gain,
            longest,
        )
        self.work += problem.work
        # Also not a number.
        if count < 0 or not np.abs(point).max() <= longest:
            return None
        score = weight + LIMITS.amount * min(amount, LIMITS.largest_amount)
        return _Change(state, used, score, count, point, position.values + change.reshape(position.values.shape))

    def _changed(self, position: _Position, change: _Change) -> _Position | None:
        """Return the position after a change; None if Newton's method does not lead there from the prediction."""
        used = position.used.copy()
        used[self.problem.own(change.state)] = change.used
        return self._solved(change.point, used, change.values, before=position, state=change.state)

    def _solved(
        self,
        point: np.ndarray,
        used: np.ndarray,
        values: np.ndarray,
        *,
        exact: bool = False,
        before: _Position | None = None,
        state: int = 0,
    ) -> _Position | None:
        """Solve the equations of supports, by default roughly; None if Newton's method leads nowhere.

        With a position from before, the inverse is that of this one but for what a change of a state changes in it, and
        this has to do.
        """
        enough, last = LIMITS.exact if exact else LIMITS.rough, np.inf
        position = self._position(point, used, values)
        inverse: Factorized | Inverse | None = None if before is None else self._updated(before, position, state)
        for count in range(LIMITS.steps if exact else LIMITS.rough_steps):
            fresh = inverse is None
            if inverse is None and before is None:
                inverse = self._factorized(position)
            if inverse is None:
                # In the course of a search it takes less time to try another change.
                return None
            moved, change = self._newton(position, inverse)
            size = float(np.abs(moved).max())
            # Also not a number.
            if not size <= LIMITS.longest_step:
                return None
            position = self._position(position.point + moved, used, position.values + change)
            if size <= enough or (exact and fresh and size > LIMITS.contraction * last and size <= LIMITS.gain):
                break
            if size > min(2.0 * last, LIMITS.longest_later_step) and fresh and count:
                return None
            if size > LIMITS.contraction * last or exact:
                inverse = None
            last = size
        else:
            return None
        known = inverse.inverse()
        if known is None:
            return None
        return replace(position, inverse=known, exact=exact, age=0 if before is None else before.age + 1)

    def _position(self, point: np.ndarray, used: np.ndarray, values: np.ndarray) -> _Position:
        """Return strategies and values with the games of all states linearized there."""
        from powergames.kernels.support_changes import local_systems

        problem = self.problem
        worth = problem.worth(values)
        self.work += 4.0 * problem.work
        responses, derivatives, steps, slopes, gradient = local_systems(
            *problem.layout, *worth, point, used, problem.kinds == 2
        )
        return _Position(problem, point, values, used, worth, responses, derivatives, steps, slopes, gradient)

    def _newton(self, position: _Position, inverse: Factorized | Inverse) -> tuple[np.ndarray, np.ndarray]:
        """Return by how much strategies and values change in a step of Newton's method."""
        from powergames.kernels.stages import payments, respond

        problem = self.problem
        errors = problem.backup(position.point, position.worth, position.gradient) - position.values
        right = errors + np.add.reduceat(position.slopes * position.steps, problem.point_starts[:-1], axis=2)
        change = inverse.times(right.ravel()).reshape(right.shape)
        paid = payments(*problem.layout[:5], *position.row_weights, *problem.changed_worth(change))
        self.work += right.size**2 / 80
        return position.steps + respond(problem.point_starts, position.responses, paid), change

    def _lines(self, position: _Position, states: np.ndarray) -> np.ndarray:
        """Return the lines of some states in the matrix of Newton's method."""
        from powergames.kernels.support_changes import value_lines

        problem = self.problem
        return np.asarray(
            value_lines(
                problem.arrays,
                *problem.layout[2:5],
                problem.shares,
                *position.row_weights,
                position.point,
                position.responses,
                position.slopes,
                states,
            )
        )

    def _factorized(self, position: _Position) -> Factorized | None:
        """Return the factors of that matrix; None where it is singular."""
        matrix = self._lines(position, np.arange(self.problem.n_states))
        self.work += len(matrix) ** 3 / 800
        return Factorized.of(matrix)

    def _updated(self, before: _Position, position: _Position, state: int) -> Inverse | None:
        """Return the inverse of a matrix in which the lines of one state are new; None where that is singular."""
        new = self._lines(position, np.array([state]))
        self.work += new.size * new.shape[1] / 80
        return None if before.inverse is None else before.inverse.with_lines(self._places(state), new)


def find(problem: StochasticProblem, start: Found, search: Search) -> Found:
    """Search from the strategies found so far."""
    if problem.kinds * problem.n_players * problem.n_states > LIMITS.unknowns or problem.ends:
        return Found.nothing(problem, start.point)
    return _Walk(problem, start.point).find(problem, start, search)


def refuses(game: StochasticGame, objective: PowerObjective) -> str | None:
    """Return why a game is too large."""
    kinds = 2 if objective.form == "penalty" and any(objective.adversaries(game.n_players)) else 1
    unknowns = kinds * game.n_players * game.n_states
    if unknowns <= LIMITS.unknowns:
        return None
    return f"is for games of up to {LIMITS.unknowns:,} values of states and players, this one has {unknowns:,}"


METHOD = StochasticMethod(
    "support_search",
    find,
    "local search for supports, in which one state after the other changes its own: general games of up to a "
    "thousand states or so, any number of players, no guarantee",
    refuses,
    share=4.0,
)
