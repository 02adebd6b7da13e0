"""Double oracle: solve the game restricted to a few actions, add every player's and adversary's best response, repeat.

An equilibrium of the restricted game to which nobody, adversaries included, has a better action outside is one of the
whole game. Large random games have equilibria with small supports near many starting points (Bárány, Vempala & Vetta
2007), so a run whose sets of actions or whose paths grow long is given up for one that starts elsewhere, with a little
more patience each time. Of the payoffs only some rows and columns are read, where they stand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from powergames.games.normal_form import NormalFormGame
from powergames.objectives import PowerObjective
from powergames.results import Status
from powergames.solvers import common
from powergames.solvers.common import Candidate, LimitError, Method, Options, two_players_only
from powergames.solvers.normal_form.two_player import TwoPlayerProblem, scaled_blocks


@dataclass(frozen=True)
class Limits:
    """How large the restricted games become, and how long their solution takes, before a run is given up."""

    actions: float = 8.0
    """The first run is given up when a group has more actions than this."""
    pivots: float = 500.0
    """The first run is given up after this many pivots."""
    growth: float = 1.02
    """Both limits grow by this factor from run to run."""
    runs: int = 200
    """Runs in all."""
    actions_of_start: int = 1_000
    """A starting profile may use this many actions; the game restricted to more would take long, and much memory."""


LIMITS = Limits()


def find(game: NormalFormGame, objective: PowerObjective, options: Options) -> Candidate:
    """Return one equilibrium of a two-player game."""
    search = _Search(game, objective, options)
    largest, longest = LIMITS.actions, LIMITS.pivots
    try:
        for run, x in enumerate(_starts(game, options), start=1):
            if options.max_iter is not None:
                longest = min(longest, options.max_iter - search.pivots)
            if search.run(x, int(largest), int(longest)):
                return search.candidate(None)
            options.report("double oracle: runs", run, LIMITS.runs)
            if options.max_iter is not None and search.pivots >= options.max_iter:
                break
            largest *= LIMITS.growth
            longest *= LIMITS.growth
    except LimitError as limit:
        return search.candidate(limit.status)
    return search.candidate(Status.MAX_ITER)


class _Search:
    """Runs from several starts, and the best strategies met on the way."""

    def __init__(self, game: NormalFormGame, objective: PowerObjective, options: Options) -> None:
        self.problem = problem = TwoPlayerProblem.in_place(game, objective)
        self.options = options
        self.payoffs = problem.row, problem.column, game.payoff_min, game.payoff_scale
        self.lams = problem.lam_row, problem.lam_column
        self.pivots = 0
        self.groups: tuple[np.ndarray, ...] | None = None
        self.regret = np.inf

    def run(self, x: np.ndarray, largest: int, longest: int) -> bool:
        """Let the sets of actions grow from a strategy of player 0 on; tell whether that led to an equilibrium.

        A run is given up when a set passes `largest` actions, or the paths `longest` pivots in all.
        """
        from powergames.kernels import lemke as kernel

        actions, weights, count, lines = kernel.restrict(*self.payoffs, *self.lams, x, largest)
        left = longest
        while True:
            matrix, constants, prior = kernel.restricted_lcp(*self.payoffs, *self.lams, actions, weights, count)
            state = kernel.start(matrix, constants, kernel.cover(matrix, prior))
            chunk = max(1, common.LIMITS.operations_between_reports // len(constants) ** 2)
            while state[-1][1] == kernel.RUNNING and left > 0:
                made = kernel.run(*state, min(chunk, left))
                self.pivots += made
                left -= made
                self.options.report("double oracle: pivots", self.pivots)
            if state[-1][1] != kernel.SOLVED:
                return False
            solution = kernel.read(state[0], state[1])
            played = count.copy()
            gains = kernel.respond(*self.payoffs, *self.lams, actions, weights, count, lines, solution)
            regret = max(gains[0] + self.lams[0] * gains[2], gains[1] + self.lams[1] * gains[3])
            solved = np.array_equal(count, played)
            if regret < self.regret or solved:
                self.regret = regret
                self.groups = self._whole(actions, weights, played)
            if solved:
                return True
            if count.max() > largest:
                return False

    def candidate(self, failure: Status | None) -> Candidate:
        """Return the best strategies met; what runs come to uses few actions, so that its regret is computed fast."""
        if self.groups is None:
            return Candidate(None, None, self.pivots, failure)
        return replace(self.problem.candidate(self.groups, self.pivots), failure=failure)

    def _whole(self, actions: np.ndarray, weights: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, ...]:
        """Return the strategies x, y, z, w over all actions."""
        m, n = self.problem.row.shape
        groups = tuple(np.zeros(size) for size in (m, n, n, m))
        for group, own, played, number in zip(groups, actions, weights, count, strict=True):
            group[own[:number]] = played[:number]
        return groups


def _starts(game: NormalFormGame, options: Options) -> Iterator[np.ndarray]:
    """Yield the starting strategy if there is one, then pure ones: with the best average payoff, then random ones."""
    m = game.n_actions[0]
    if options.start is not None and np.count_nonzero(options.start[0]) <= LIMITS.actions_of_start:
        yield np.array(options.start[0], dtype=np.float64)
    averages = np.concatenate([block.mean(axis=1) for block in scaled_blocks(game, 0)])
    by_average = np.argsort(-averages, kind="stable")
    for run in range(LIMITS.runs):
        yield _unit(m, int(by_average[run]) if run < m else int(options.rng.integers(m)))


def _unit(size: int, position: int) -> np.ndarray:
    vector = np.zeros(size)
    vector[position] = 1.0
    return vector


METHOD = Method(
    "double_oracle",
    find,
    "Lemke's algorithm on growing sets of actions: one equilibrium of a large game whose supports are small",
    two_players_only,
)
