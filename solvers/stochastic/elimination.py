r"""All pure stationary equilibria of a stochastic game, by bounds on values and elimination of joint actions.

A search holds, for every state, the joint actions that are left, and for every player and state bounds on what the
state is worth. Both tighten each other, see `powergames.kernels.elimination`:

1. what a state is worth lies between the least and the greatest worth of the joint actions that are left, for values
   of the states that follow between their bounds; and unless power is charged along the path, it is worth at least what
   a player gets by another action;
2. a joint action is eliminated if for no values between the bounds it is an equilibrium of its state: some player gains
   at first by moving to another action, whatever takeovers are the worst ones, or its worth misses the bounds.

In the form "penalty" the bounds are on task values and on what is charged, see `powergames.kernels.elimination`.

When neither goes on, the search branches on the action of one player in one state. It does so in the order of
backward induction, and for one player after the other: once all actions of a player are fixed, the other player of two
faces a decision process, whose bounds meet at λ = 0 and in the form "adversarial".

So no pure equilibrium is ever lost: this is the completeness argument. Its sums are floats, with a margin above their
rounding errors, and not intervals. What is left with one joint action in each state is an equilibrium if its
certificate passes.

The same elimination begins with a round in which strategies may be mixed. An action goes only if another one beats it
against all joint actions that are left and all takeovers. If that leaves one joint action in each state, there is no
other equilibrium at all, pure or mixed. Otherwise mixed equilibria may be missing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from powergames.checking.stochastic import certify_stochastic
from powergames.games.stochastic import StochasticGame
from powergames.objectives import PowerObjective
from powergames.results import Status, StochasticEquilibrium, StochasticEquilibriumSet
from powergames.solvers.common import LimitError, Options
from powergames.solvers.stochastic.components import components, graph_of, levels
from powergames.solvers.stochastic.problem import StochasticProblem

NAME = "elimination"


@dataclass(frozen=True)
class Limits:
    """How exact bounds are, and how long the search for all equilibria goes on."""

    margin: float = 1e-12
    """Rounding in values of order one."""
    rounding_of_sums: float = 64 * float(np.finfo(np.float64).eps)
    """Rounding that a sum of discounted values adds to that."""
    entries_between_reports: float = 1e6
    """Entries of transitions read between two looks at the clock: a tenth of a second."""
    entries: float = 3e8
    """Entries of transitions read in all: about half a minute."""
    equilibria: int = 10_000
    """Equilibria at most."""
    closer: float = 0.1
    """A bound counts as closer if it gains this share of 1 - γ and of what lies between the bounds."""


LIMITS = Limits()


@dataclass(frozen=True, eq=False)
class _Node:
    """What is left of a game: rows, shape (R,), and bounds on values and charges, both of shape (kinds, n, S)."""

    alive: np.ndarray
    low: np.ndarray
    high: np.ndarray


def find_all(
    game: StochasticGame, objective: PowerObjective, options: Options
) -> tuple[StochasticEquilibriumSet, np.ndarray]:
    """Return all pure stationary equilibria of a game, and the rows that equilibria may play, also mixed ones, (R,)."""
    search = _Search(game, objective, options)
    ended_by: Status | None = None
    try:
        search.run()
    except LimitError as limit:
        ended_by = limit.status
    return search.found(ended_by), search.left


class _Search:
    """A search and what it has found."""

    def __init__(self, game: StochasticGame, objective: PowerObjective, options: Options) -> None:
        from powergames.kernels.elimination import Rows

        self.game, self.objective, self.options = game, objective, options
        self.problem = problem = StochasticProblem.of(game, objective)
        sources = graph_of(problem).T.tocsr()
        rewards = problem.rewards.copy()
        rewards[:-1] = 0.0
        self.rows = Rows(
            *problem.arrays,
            rewards,
            problem.egos,
            problem.takes,
            problem.weights,
            problem.tolls,
            sources.indptr.astype(np.int64),
            sources.indices.astype(np.int64),
        )
        left = 1.0 - problem.discounts
        self.slack = LIMITS.margin / left + LIMITS.rounding_of_sums / left**2
        parts = levels(problem)
        self.order = np.concatenate(parts)
        # Components in the order of backward induction, and players with few actions first.
        level = np.empty(problem.n_states, dtype=np.int64)
        for k, states in enumerate(parts):
            level[states] = k
        self.rank = np.unique(np.stack([level, components(problem)]), axis=1, return_inverse=True)[1].ravel()
        self.players = np.argsort(np.log(problem.n_actions).sum(axis=0), kind="stable")
        starts = problem.bounds[:-1].reshape(-1, problem.n_groups)[:, : problem.n_players]
        self.state_of = np.repeat(np.arange(problem.n_states), np.diff(problem.arrays[1]))
        self.action_of = problem.row_entries - starts[self.state_of].T
        self.work, self.nodes, self.decided = 0.0, 0, False
        self.profiles: list[np.ndarray] = []
        self.left = np.ones(problem.rewards.shape[2], dtype=bool)

    def run(self) -> None:
        """List the rows of all pure equilibria.

        Raises
        ------
        LimitError
            If the time or the work is used up.
        """
        root = self._everything()
        everywhere = np.ones(self.problem.n_states, dtype=bool)
        self._tighten(root, everywhere, mixed=True)
        self.left = root.alive.copy()
        self.decided = self._branch(root) is None
        todo = [root] if self._tighten(root, everywhere) else []
        while todo:
            node = todo.pop()
            branch = self._branch(node)
            if branch is None:
                if self._tighten(node, everywhere, closer=0.0):
                    self.profiles.append(np.flatnonzero(node.alive))
                    if len(self.profiles) > LIMITS.equilibria:
                        raise LimitError(Status.MAX_ITER)
                continue
            player, state = branch
            own = self.state_of == state
            changed = np.zeros_like(everywhere)
            changed[state] = True
            starts = self.rows.source_starts
            changed[self.rows.sources[starts[state] : starts[state + 1]]] = True
            for action in range(int(self.problem.n_actions[state, player]) - 1, -1, -1):
                alive = node.alive & ~(own & (self.action_of[player] != action))
                if alive[own].any():
                    child = _Node(alive, node.low.copy(), node.high.copy())
                    if self._tighten(child, changed):
                        todo.append(child)

    def _everything(self) -> _Node:
        """Return all rows, with bounds on all values that there may be."""
        problem = self.problem
        left = (1.0 - problem.discounts)[:, None]
        shape = problem.kinds, problem.n_players, problem.n_states
        low, high = np.empty(shape), np.empty(shape)
        low[:] = (problem.rewards[-1].min(axis=1) / left[:, 0])[:, None]
        high[:] = (problem.rewards[-1].max(axis=1) / left[:, 0])[:, None]
        if problem.kinds == 2:
            low[0], high[0] = 0.0, problem.tolls[:, None] * (high[1] - low[1]) / left
        return _Node(np.ones(problem.rewards.shape[2], dtype=bool), low, high)

    def _tighten(self, node: _Node, states: np.ndarray, *, mixed: bool = False, closer: float = LIMITS.closer) -> bool:
        """Tighten bounds and eliminate rows, beginning with some states; return whether every state has a row left."""
        from powergames.kernels.elimination import eliminate

        self.nodes += 1
        waiting = states.copy()
        while waiting.any():
            self.options.report(f"equilibria {len(self.profiles)}, parts of the game", self.nodes)
            if self.work > LIMITS.entries:
                raise LimitError(Status.MAX_ITER)
            possible, work = eliminate(
                self.rows,
                self.slack,
                mixed,
                closer,
                node.alive,
                node.low,
                node.high,
                waiting,
                self.order,
                LIMITS.entries_between_reports,
            )
            self.work += work
            if not possible:
                return False
        return True

    def _branch(self, node: _Node) -> tuple[int, int] | None:
        """Return the player and the state to branch on; None if every state has one row left."""
        counts = np.add.reduceat(node.alive.astype(np.int64), self.problem.arrays[1][:-1])
        if (counts == 1).all():
            return None
        first = self.rank == self.rank[counts > 1].min()
        for player in self.players.tolist():
            used = np.zeros((self.problem.n_states, self.problem.n_actions[:, player].max()), dtype=bool)
            used[self.state_of[node.alive], self.action_of[player, node.alive]] = True
            choices = used.sum(axis=1)
            states = np.flatnonzero(first & (choices > 1))
            if len(states):
                influence = np.diff(self.rows.source_starts)[states]
                return player, int(states[np.lexsort((-influence, choices[states]))[0]])
        raise AssertionError("two rows of a state differ in some action")

    def found(self, ended_by: Status | None) -> StochasticEquilibriumSet:
        """Certify what was found."""
        equilibria = []
        for rows in sorted(self.profiles, key=lambda rows: tuple(rows)):
            point = self.problem.pure_point(rows)
            profile = self.problem.profile(point)
            certificate = certify_stochastic(self.game, profile, self.objective, tol=self.options.tol)
            # Where several takeovers are the worst, a mixture of actions may still gain.
            if certificate.passed:
                status = Status.CONVERGED
                equilibria.append(
                    StochasticEquilibrium(self.game, self.objective, profile, certificate, status, NAME, self.nodes)
                )
        return StochasticEquilibriumSet(
            tuple(equilibria),
            self.game,
            self.objective,
            NAME,
            complete=ended_by is None and self.decided,
            pure_complete=ended_by is None,
            ended_by=ended_by,
        )
