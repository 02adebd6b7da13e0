"""Two-player problems that are linear programs: zero-sum games at any λ, and any game where λ = 1.

In a zero-sum game the adversary wants what the opponent wants anyway, so a saddle point is an equilibrium for every λ.
Where a player's ``λ W`` is 1, only the adversary counts and the player plays maximin.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from powergames.checking.growing_programs import GrowingProgram
from powergames.checking.normal_form import Payoffs
from powergames.games.normal_form import NormalFormGame
from powergames.objectives import PowerObjective
from powergames.results import Status
from powergames.solvers.common import Candidate, Method, Options, too_large, two_players_only
from powergames.solvers.normal_form.two_player import TwoPlayerProblem, scaled_blocks


@dataclass(frozen=True)
class Limits:
    """What counts as a constant sum, and what a program takes."""

    constant: float = 1e-12
    """Payoffs scaled to [0, 1] add up to a constant if sums differ by at most this."""
    bytes_per_payoff: int = 200
    """Memory of the constraints for each payoff of a player, with the solver's own copies of them."""


LIMITS = Limits()


def refuses(game: NormalFormGame, objective: PowerObjective) -> str | None:
    """Accept constant-sum games, and λ W = 1 for both players, if memory suffices."""
    reason = two_players_only(game, objective)
    if reason is not None:
        return reason
    if any(weight != 1 for weight in objective.charges(2)) and not is_zero_sum(game):
        return "needs a game of constant sum, or lam = 1"
    return too_large(LIMITS.bytes_per_payoff * game.payoffs[0].size)


def is_zero_sum(game: NormalFormGame) -> bool:
    """Tell whether a positive affine change of payoffs makes a two-player game zero-sum."""
    if not game.payoff_range.all():
        return not game.payoff_range.any()
    blocks = zip(scaled_blocks(game, 0), scaled_blocks(game, 1), strict=True)
    return all(np.abs(rows + columns - 1.0).max() <= LIMITS.constant for rows, columns in blocks)


def find(game: NormalFormGame, objective: PowerObjective, options: Options) -> Candidate:
    """Return one equilibrium: maximin strategies, certified by the dual ones."""
    problem = TwoPlayerProblem.in_place(game, objective)
    options.report("linear program", 0)
    row = _program(problem.row, game, 0)
    if is_zero_sum(game):
        solved = row.run(options.deadline, options.max_iter)
        x, z, iterations = row.strategy, row.claims[0], row.iterations
        groups = x, z, z, x
    else:
        column = _program(problem.column.T, game, 1)
        # Both players get their share of the time that is left.
        solved = row.run((options.deadline + time.monotonic()) / 2, options.max_iter)
        solved &= column.run(options.deadline, options.max_iter)
        groups = row.strategy, column.strategy, row.claims[0], column.claims[0]
        iterations = row.iterations + column.iterations
    failure = None if solved else Status.TIME_LIMIT if options.expired else Status.MAX_ITER
    return replace(problem.candidate(groups, iterations), failure=failure)


def _program(payoffs: np.ndarray, game: NormalFormGame, player: int) -> GrowingProgram:
    """Return the linear program of a player's maximin strategy; payoffs are scaled to [0, 1] as they are read."""
    m = len(payoffs)
    table = Payoffs(payoffs, game.payoff_min[player], game.payoff_scale[player])
    return GrowingProgram(np.zeros(m), [1.0], [table], 1.0, np.full(m, 1.0 / m))


METHOD = Method(
    "linear_program",
    find,
    "HiGHS linear programs: zero-sum games at any λ, any two-player game at λ = 1",
    refuses,
)
