"""Double oracle: solve the game restricted to a few actions, add every player's and adversary's best response, repeat.

An equilibrium of the restricted game to which nobody, adversaries included, has a better action outside is one of the
whole game. Large random games have equilibria with small supports near many starting points (Bárány, Vempala & Vetta
2007), so a run whose sets of actions or whose paths grow long is given up for one that starts elsewhere, with a little
more patience each time. Of the payoffs only some rows and columns are read, where they stand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from powergames.games.normal_form import NormalFormGame
from powergames.objectives import PowerObjective
from powergames.results import Status
from powergames.solvers.common import Candidate, Method, Options, two_players_only
from powergames.solvers.two_player import TwoPlayerProblem, scaled_blocks

# Actions of a group and pivots of a run at which it is given up, at first; their growth from run to run; runs.
ACTIONS, PIVOTS, GROWTH = 8.0, 500.0, 1.02
RUNS = 200

# Actions that x0 may use; the game restricted to more of them would take long, and much memory.
MOST_USED = 1_000


def find(game: NormalFormGame, objective: PowerObjective, options: Options) -> Candidate:
    """Return one equilibrium of a two-player game."""
    from powergames.kernels import lemke as kernel

    problem = TwoPlayerProblem.in_place(game, objective)
    payoffs = (problem.row, problem.column, game.payoff_min, game.payoff_scale)
    lams = (problem.lam_row, problem.lam_column)
    largest, longest = ACTIONS, PIVOTS
    iterations = 0
    for run, x in enumerate(_starts(game, options), start=1):
        if options.max_iter is not None:
            longest = min(longest, options.max_iter - iterations)
        *groups, pivots, code = kernel.double_oracle(*payoffs, *lams, x, int(largest), int(longest))
        iterations += pivots
        options.report("double oracle: runs", run, RUNS)
        if code == kernel.SOLVED:
            return problem.candidate(groups, iterations)
        if options.max_iter is not None and iterations >= options.max_iter:
            break
        largest *= GROWTH
        longest *= GROWTH
    # What the last run came to uses few actions, so that its regret is computed fast.
    return replace(problem.candidate(groups, iterations), failure=Status.MAX_ITER)


def _starts(game: NormalFormGame, options: Options) -> Iterator[np.ndarray]:
    """Yield x0 if there is one, then pure strategies: those with the best average payoff, then random ones."""
    m = game.n_actions[0]
    if options.x0 is not None and np.count_nonzero(options.x0[0]) <= MOST_USED:
        yield np.array(options.x0[0], dtype=np.float64)
    averages = np.concatenate([block.mean(axis=1) for block in scaled_blocks(game, 0)])
    by_average = np.argsort(-averages, kind="stable")
    for run in range(RUNS):
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
