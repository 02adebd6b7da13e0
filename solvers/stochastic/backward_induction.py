r"""Backward induction over time: games that end after a number of steps, at any discount in [0, 1].

From the last step back, each state is a stage game whose rows are worth

.. math::
    Q_i^t(s, a) = r_i(s, a) + γ_i \sum_{s'} P(s' \mid s, a) \, V_i^{t+1}(s'),

for regularized values as for task values. All that follows is settled, so that an equilibrium of every stage game is an
equilibrium of the whole, in both forms. Where power lasts for `k` steps, takeovers of `j` against `i` are worth
``r_i + γ_i Σ P W^{k-1}_ij``, see `powergames.horizon_evaluation`, and the minima behind ``W`` are taken once a step is
solved. The pure profiles of a stage game are tested in the order of the rule that
chooses among equilibria, until one is an equilibrium; a game without any is solved by Lemke's algorithm, in fractions
where rounding leads it astray; with three and more players by Newton's method with Lemke's algorithm in each step, and
then by the logit homotopy. Actions that do the same as an earlier one are
left out beforehand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from powergames.checking.horizon import certify_horizon
from powergames.errors import InputError, interruptible
from powergames.games.profiles import read_only
from powergames.games.rows import RowGame, read_only_rows
from powergames.games.timed import TimedGame, TimedProfile, TimedStrategy, action_type, room
from powergames.horizon_evaluation import HorizonProblem, evaluate_horizon
from powergames.numerics import rational
from powergames.numerics.ranges import ranges
from powergames.objectives import PowerObjective
from powergames.results import HorizonEquilibrium, Status
from powergames.solvers import common
from powergames.solvers.common import LimitError, Options
from powergames.solvers.normal_form.lemke import exact_path_lcp, solve_lcp
from powergames.solvers.stochastic import logit
from powergames.solvers.stochastic.problem import StochasticProblem
from powergames.solvers.stochastic.search import Clock, Found, Search

NAME = "backward"

# Which of several equilibria of a stage game is taken, and the number by which the kernel knows it.
RULES = {
    "team": "the greatest sum of utilities, then of task values",
    "welfare": "the greatest sum of task values, then of utilities",
    "power": "the least charge for power, then the greatest sum of utilities",
    "nearest": "the one in which the fewest players change their action at the next step",
}


@dataclass(frozen=True)
class Limits:
    """What is solved anew at a step, and when a stage game counts as unsolved."""

    changed: float = 0.6
    """States that need not be solved again are sought if values change in at most this share of the states."""
    regret: float = 1e-10
    """A stage game is unsolved above this regret, relative to the greatest value there is."""
    starts: int = 12
    """Starting points of Lemke's algorithm for a game that is unsolved."""
    many_starts: int = 30
    """The same if no other method is left to take over."""


LIMITS = Limits()


def solve_horizon(
    game: TimedGame,
    objective: PowerObjective,
    horizon: int,
    method: str | None,
    select: str | None,
    options: Options,
) -> HorizonEquilibrium:
    """Compute one certified equilibrium over a finite horizon; see `powergames.solve`.

    Parameters
    ----------
    game : StochasticGame or DeterministicGame
    objective : PowerObjective
    horizon : int
    method : str, optional
        Only "backward".
    select : str, optional
        A key of `RULES`; by default "team" for players who share their rewards, else "nearest".
    options : Options

    Returns
    -------
    HorizonEquilibrium

    Raises
    ------
    InputError
        If there is no such method or rule, or neither memory nor disk suffices.
    """
    if method not in (None, NAME):
        raise InputError(f"method: got {str(method)[:40]!r}; with a horizon there is only {NAME!r}, so leave it out")
    if select is not None and select not in RULES:
        raise InputError(f"select: got {str(select)[:40]!r}; with a horizon choose one of {', '.join(RULES)}")
    whole = RowGame.of(game)
    rule = select or ("team" if not whole.like.any() else "nearest")
    search = _Search(whole, objective, horizon, rule, options)
    failure: Status | None = None
    try:
        with interruptible():
            search.run()
    except KeyboardInterrupt:
        failure = Status.INTERRUPTED
    except LimitError as limit:
        failure = limit.status
    profile = search.profile()
    certificate = certify_horizon(game, profile, objective, horizon, tol=options.tol)
    status = Status.CONVERGED if certificate.passed else failure or Status.REJECTED
    if failure is None:
        task, utility = search.start_values()
    else:
        evaluation = evaluate_horizon(game, profile, objective, horizon)
        task, utility = evaluation.start_task, evaluation.start_utility
    counts = search.mixed, search.unsolved
    return HorizonEquilibrium(
        game, objective, horizon, profile, task, utility, certificate, status, NAME, rule, *counts, search.done
    )


@dataclass(frozen=True, eq=False)
class _Distinct:
    """A game without actions that do the same as an earlier one, and which those are that it has.

    `firsts`, one array of shape (S, A) for each player, holds the actions kept, in order, and then the others.
    """

    game: RowGame
    firsts: list[np.ndarray]

    @classmethod
    def of(cls, whole: RowGame) -> _Distinct:
        from powergames.kernels.duplicates import first_alike
        from powergames.kernels.horizon import kept_rows

        rows = whole.rows
        count = rows.rewards.shape[1]
        graph: Any = rows.indptr, rows.indices, rows.data
        if rows.data is None:
            graph = read_only(np.arange(count + 1)), rows.indices, read_only(np.ones(count))
        alike = first_alike(rows.n_actions, rows.row_starts, *graph, rows.rewards)
        chosen = np.flatnonzero(kept_rows(rows.n_actions, rows.row_starts, alike))
        places = np.arange(alike.shape[2])
        used = (alike == places) & (places < rows.n_actions.T[:, :, None])
        firsts = [read_only(np.argsort(~own, axis=1, kind="stable").astype(np.int16)) for own in used]
        if len(chosen) == count:
            return cls(whole, firsts)
        indptr, indices, data = rows.indptr, rows.indices, rows.data
        smaller: tuple[Any, np.ndarray, Any]
        if indptr is None or data is None:
            smaller = None, indices[chosen], None
        else:
            sizes = np.diff(indptr)[chosen]
            entries = ranges(indptr[:-1][chosen].astype(np.int64), sizes)
            smaller = np.concatenate([[0], np.cumsum(sizes)]), indices[entries], data[entries]
        fields = (
            np.ascontiguousarray(used.sum(axis=2).T),
            np.searchsorted(chosen, rows.row_starts),
            np.ascontiguousarray(rows.rewards[:, chosen]),
            *smaller,
        )
        return cls(replace(whole, rows=read_only_rows(*fields)), firsts)


class _Search:
    """Backward induction under way."""

    def __init__(self, whole: RowGame, objective: PowerObjective, horizon: int, rule: str, options: Options) -> None:
        self.horizon, self.options, self.rule = horizon, options, list(RULES).index(rule)
        self.distinct = _Distinct.of(whole)
        self.problem = HorizonProblem.of(self.distinct.game, objective, horizon)
        self.sizes = [int(size) for size in whole.rows.n_actions.max(axis=0)]
        self.stages = _Stages(self.problem, max(self.sizes), options)
        shape = horizon, whole.n_states
        self.actions = [room(shape, action_type(size), "the equilibrium") for size in self.sizes]
        self.mixtures: list[tuple[np.ndarray, np.ndarray]] = []
        self.values = self.problem.nothing()
        self.done = self.mixed = self.unsolved = 0

    def run(self) -> None:
        """Solve all stages, the last step first."""
        from powergames.kernels.horizon import NEAREST, TEAM, evaluate_mixed, solve_pairs, solve_pure, spread_actions

        problem, rows = self.problem, self.problem.game.rows
        arrays = rows, problem.columns, problem.plan, problem.adversaries
        solve = solve_pairs if problem.game.n_players == 2 else solve_pure
        n_states = problem.game.n_states
        following, self.values = self.values, problem.nothing()
        joint, unsolved = np.zeros(n_states, np.int32), np.empty(n_states, np.int32)
        last, before, changed = joint.copy(), joint.copy(), np.zeros(0, dtype=bool)
        for t in range(self.horizon - 1, -1, -1):
            greatest = float(np.abs(following).max())
            slack = common.LIMITS.rounding * max(1.0, greatest)
            # At the last step there is nothing to be near to.
            rule = TEAM if self.rule == NEAREST and not self.done else self.rule
            now = following, changed, last, before, slack, self.values, joint, unsolved
            count = solve(*arrays, problem.game.units, rule, *now)
            for player, actions in enumerate(self.actions):
                spread_actions(rows.n_actions, joint, self.distinct.firsts[player], player, actions[t])
            states, mixtures = unsolved[:count].astype(np.int64), np.zeros((0, len(self.sizes), max(self.sizes)))
            played = self._joint_actions(joint) if problem.takeovers else joint
            last, joint = joint, last
            before[:] = last
            if count:
                mixtures, failed = self.stages.solve(states, following, slack)
                evaluate_mixed(*arrays, following, states, mixtures, self.values)
                before[states] = self.stages.likeliest(states, mixtures)
                self.mixed, self.unsolved = self.mixed + count, self.unsolved + failed
            if problem.takeovers:
                problem.take_over((played, states, mixtures), following, self.values)
            self.mixtures.append((states, mixtures))
            changed = (self.values != following).any(axis=1)
            if changed.mean() > LIMITS.changed or not self.done:
                changed = changed[:0]
            following, self.values = self.values, following
            self.done += 1
            self.options.report(f"backward induction, {self.mixed} mixed stages, steps done", self.done, self.horizon)
            if self.options.max_iter is not None and self.options.max_iter <= self.done < self.horizon:
                raise LimitError(Status.MAX_ITER)
        self.values = following

    def _joint_actions(self, joint: np.ndarray) -> np.ndarray:
        """Return the action of each player, shape (n, S), in the rows that are played; -1 where there is none."""
        left, actions = joint.astype(np.int64), np.empty((len(self.sizes), len(joint)), np.int32)
        for player, counts in reversed(list(enumerate(self.problem.game.rows.n_actions.T))):
            left, actions[player] = np.divmod(left, counts)
        actions[:, joint < 0] = -1
        return actions

    def start_values(self) -> tuple[np.ndarray, np.ndarray]:
        """Return task and regularized values from the start distribution, each of shape (n,)."""
        game, (utility, task, *_) = self.problem.game, self.problem.plan
        means = game.start @ self.values
        lifts = game.lifts(self.horizon)[0]
        return game.units * means[task] + lifts, game.units * means[utility] + lifts

    def profile(self) -> TimedProfile:
        """Return the profile found; steps not reached are as the first one that was."""
        missing = self.horizon - self.done
        layers = self.mixtures[::-1] or [(np.zeros(0, np.int64), np.zeros((0, len(self.sizes), max(self.sizes))))]
        layers = [layers[0]] * missing + layers[: self.done]
        for actions in self.actions:
            if self.done:
                actions[:missing] = actions[missing]
        starts = np.concatenate([[0], np.cumsum([len(states) for states, _ in layers])])
        states = np.concatenate([own for own, _ in layers])
        local = np.concatenate([mixtures for _, mixtures in layers])
        profile = []
        for player, (size, actions) in enumerate(zip(self.sizes, self.actions, strict=True)):
            probabilities = np.zeros(local[:, player].shape)
            np.put_along_axis(probabilities, self.distinct.firsts[player][states].astype(np.int64), local[:, player], 1)
            timed = TimedStrategy(self.horizon, size, actions, starts, states, probabilities[:, :size].copy())
            profile.append(_tidy(timed))
        return tuple(profile)


def _tidy(strategy: TimedStrategy) -> TimedStrategy:
    """Return a strategy in which what is pure counts as pure, though others mix there."""
    likeliest = strategy.probabilities.argmax(axis=1)
    pure = strategy.probabilities[np.arange(len(likeliest)), likeliest] == 1.0
    if not pure.any():
        return strategy
    steps = np.repeat(np.arange(strategy.horizon), np.diff(strategy.starts))
    actions = strategy.actions.copy()
    actions[steps[pure], strategy.states[pure]] = likeliest[pure]
    starts = np.concatenate([[0], np.cumsum(~pure)])[strategy.starts]
    return replace(
        strategy,
        actions=actions,
        starts=starts,
        states=strategy.states[~pure],
        probabilities=strategy.probabilities[~pure],
    )


def _only(layout: tuple[np.ndarray, ...], chosen: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return the layout of some stage games alone."""
    n_actions, *starts = layout[:3]
    fewer = (np.concatenate([[0], np.cumsum(np.diff(begins)[chosen])]) for begins in starts)
    return (*map(read_only, (n_actions[chosen], *fewer)), *layout[3:])


class _Stages:
    """Stage games without a pure equilibrium."""

    def __init__(self, problem: HorizonProblem, width: int, options: Options) -> None:
        self.problem, self.width, self.options = problem, width, options
        n, adversaries = problem.game.n_players, problem.adversaries
        self.weights = np.zeros((n, n))
        for ego, takes, weight in zip(adversaries.egos, adversaries.takes, adversaries.weights, strict=True):
            self.weights[ego, takes] = weight
        sizes = problem.game.rows.n_actions
        self.lengths = np.concatenate([sizes, sizes @ adversaries.takes.T.astype(np.int64)], axis=1).sum(axis=1)
        # Where games were solved at the step after, and how.
        self.states, self.starts, self.point = np.zeros(0, np.int64), np.zeros(1, np.int64), np.zeros(0)

    def solve(self, states: np.ndarray, following: np.ndarray, slack: float) -> tuple[np.ndarray, int]:
        """Solve the stage games of some states; return what players do, shape (K, n, A), and how many games failed."""
        from powergames.kernels.stages import solve_on_supports, solve_stages

        layout, *worth = self._worth(states, following)
        # In whole units of rounding, so that what is equal but for rounding is equal: Lemke's algorithm needs it so.
        linear, taken = (self._in_units(rows, layout[1], slack) for rows in worth)
        n = self.problem.game.n_players
        starts, bounds = layout[2], self._bounds(layout)
        uniform = np.repeat(1.0 / np.diff(bounds), np.diff(bounds))
        # Newton's method is for supports from the step after; where there are none it must not try all actions.
        point = np.zeros(len(uniform))
        point[bounds[:-1]] = 1.0
        _, here, there = np.intersect1d(states, self.states, assume_unique=True, return_indices=True)
        lengths = np.diff(starts)[here]
        point[ranges(starts[:-1][here], lengths)] = self.point[ranges(self.starts[:-1][there], lengths)]
        slacks, enough = np.ones(n), LIMITS.regret / common.LIMITS.rounding
        known = np.isin(np.arange(len(states)), here)
        near = solve_on_supports(*layout, linear, taken, point, slacks)
        point = np.where(np.repeat(known, np.diff(starts)), near, uniform)
        point, _ = solve_stages(*layout, linear, taken, point, slacks)
        regrets = self._regrets(layout, bounds, linear, taken, point)
        # The homotopy knows only what is taken from a player, whoever takes it.
        last_resort = n == 2 or not self.problem.takeovers
        for attempt in range(LIMITS.starts if last_resort else LIMITS.many_starts):
            failed = np.flatnonzero(regrets > enough)
            if not len(failed):
                break
            entries = ranges(starts[:-1][failed], np.diff(starts)[failed])
            rows = ranges(layout[1][:-1][failed], np.diff(layout[1])[failed])
            fewer, worths = _only(layout, failed), (linear.take(rows, axis=1), taken.take(rows, axis=1))
            other, own_bounds = uniform[entries], self._bounds(fewer)
            if attempt:
                other = self.options.rng.exponential(size=len(other))
                other /= np.repeat(np.add.reduceat(other, own_bounds[:-1]), np.diff(own_bounds))
            other, _ = solve_stages(*fewer, *worths, other, slacks)
            now = self._regrets(fewer, own_bounds, *worths, other)
            better = now < regrets[failed]
            point[entries] = np.where(np.repeat(better, np.diff(starts)[failed]), other, point[entries])
            regrets[failed] = np.minimum(now, regrets[failed])
        for k in np.flatnonzero(regrets > enough).tolist() if last_resort else ():
            own = slice(*starts[k : k + 2].tolist())
            columns = slice(*layout[1][k : k + 2].tolist())
            if n == 2:
                point[own] = self._exactly(layout[0][k], linear[:, columns], taken[:, columns])
            else:
                point[own] = self._by_homotopy(k, layout, linear, taken, point[own])
        regrets = self._regrets(layout, bounds, linear, taken, point)
        self.states, self.starts, self.point = states, starts, point
        mixtures = np.zeros((len(states), n, self.width))
        first = bounds[:-1].reshape(len(states), -1)
        for player in range(n):
            counts = layout[0][:, player]
            rows = np.repeat(np.arange(len(states)), counts)
            mixtures[rows, player, ranges(np.zeros_like(counts), counts)] = point[ranges(first[:, player], counts)]
        mixtures = np.maximum(mixtures, 0.0)
        mixtures /= mixtures.sum(axis=2, keepdims=True)
        return mixtures, int((regrets > enough).sum())

    def likeliest(self, states: np.ndarray, mixtures: np.ndarray) -> np.ndarray:
        """Return the likeliest joint action in each state, as a row of the state."""
        rows = np.zeros(len(states), np.int64)
        for player, actions in enumerate(mixtures.argmax(axis=2).T):
            rows = rows * self.problem.game.rows.n_actions[states, player] + actions
        return rows

    def _worth(
        self, states: np.ndarray, following: np.ndarray
    ) -> tuple[tuple[np.ndarray, ...], np.ndarray, np.ndarray]:
        """Return the games as `powergames.kernels.stages` takes them: their layout, and what rows are worth."""
        from powergames.kernels.horizon import worth_of

        problem = self.problem
        rows, adversaries = problem.game.rows, problem.adversaries
        utility, task, penalty, lasting = problem.plan
        sizes = np.diff(rows.row_starts)[states]
        worth = worth_of(rows, problem.columns, following, ranges(rows.row_starts[states], sizes))
        tolls = adversaries.tolls[:, None]
        if penalty:
            linear, taken = worth[utility] - tolls * worth[task], worth[task]
        else:
            linear, taken = (1.0 - tolls) * worth[utility], worth[utility]
        if lasting is not None:
            taken = worth[lasting[[0, 1], [1, 0]] if len(task) == 2 else lasting.ravel()]
        layout = (
            np.ascontiguousarray(rows.n_actions[states]),
            np.concatenate([[0], np.cumsum(sizes)]),
            np.concatenate([[0], np.cumsum(self.lengths[states])]),
            adversaries.egos,
            adversaries.takes,
            self.weights,
        )
        return tuple(map(read_only, layout)), linear, taken

    def _in_units(self, rows: np.ndarray, row_starts: np.ndarray, unit: float) -> np.ndarray:
        """Return what rows are worth more than the least of their state, in whole units, shape (n, R)."""
        least = np.minimum.reduceat(rows, row_starts[:-1], axis=1)
        # An adversary may compare what a player has left by different takeovers.
        n = self.problem.game.n_players
        least = np.repeat(least.reshape(n, -1, least.shape[1]).min(axis=1), len(rows) // n, axis=0)
        least = np.repeat(least, np.diff(row_starts), axis=1)
        return np.rint((rows - least) / unit)

    def _bounds(self, layout: tuple[np.ndarray, ...]) -> np.ndarray:
        """Return where players and adversaries begin in a point."""
        sizes = np.concatenate([layout[0], layout[0] @ layout[4].T.astype(np.int64)], axis=1)
        return np.concatenate([[0], np.cumsum(sizes.ravel())])

    def _regrets(
        self,
        layout: tuple[np.ndarray, ...],
        bounds: np.ndarray,
        linear: np.ndarray,
        taken: np.ndarray,
        point: np.ndarray,
    ) -> np.ndarray:
        """Return the greatest regret of a player or adversary in each game, shape (K,)."""
        from powergames.kernels.stages import gradients

        gradient = gradients(*layout, linear, taken, point)
        gains = np.maximum.reduceat(gradient, bounds[:-1]) - np.add.reduceat(gradient * point, bounds[:-1])
        greatest: np.ndarray = gains.reshape(len(layout[0]), -1).max(axis=1)
        return np.nan_to_num(greatest, nan=np.inf)

    def _exactly(self, counts: np.ndarray, linear: np.ndarray, taken: np.ndarray) -> np.ndarray:
        """Return the point of an equilibrium of two players, by Lemke's algorithm in fractions."""
        tables = [np.array([int(entry) for entry in rows], dtype=object) for rows in (*linear, *taken)]
        weights = [Fraction(float(self.weights[i, 1 - i])).limit_denominator(10**12) for i in range(2)]
        matrix, constants = exact_path_lcp(*(table.reshape(counts) for table in tables), *weights)
        try:
            found, _ = solve_lcp(matrix, constants, options=self.options)
        except rational.NoSolutionError:
            found = [Fraction(1)] * len(constants)
        # Players, then the adversary of each who has one, who acts like the other.
        sizes = [*counts.tolist(), *(int(counts[1 - i]) for i in range(2) if weights[i])]
        groups = np.split(np.array([float(entry) for entry in found[: sum(sizes)]]), np.cumsum(sizes)[:-1])
        return np.concatenate([group / group.sum() for group in groups])

    def _by_homotopy(
        self, k: int, layout: tuple[np.ndarray, ...], linear: np.ndarray, taken: np.ndarray, point: np.ndarray
    ) -> np.ndarray:
        """Return the best point that a logit homotopy of one game finds."""
        n_actions, row_starts, _, egos, takes, weights = layout
        own = slice(*row_starts[k : k + 2].tolist())
        n, count = len(linear), own.stop - own.start
        empty = np.zeros(count + 1, np.int64), np.zeros(0, np.int32), np.zeros(0)
        # Two kinds of rewards: where nobody is taken over the first counts, else the second.
        unit = max(float(linear[:, own].max()), float(taken[:, own].max()), 1.0)
        stage = StochasticProblem(
            (n_actions[k : k + 1], np.array([0, count]), np.zeros(n), *empty),
            np.array([linear[:, own], taken[:, own]]) / unit,
            egos,
            takes,
            weights,
            self.problem.adversaries.tolls,
            np.array([np.ones(n), np.zeros(n)]),
            lambda: np.ones(n),
            False,
            False,
        )
        found = logit.find(stage, Found.nothing(stage, point), Search(self.options, Clock(1)))
        return found.point
