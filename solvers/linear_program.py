"""Two-player problems that are linear programs: zero-sum games at any λ, and any game where λ = 1.

In a zero-sum game the adversary wants what the opponent wants anyway, so a saddle point is an equilibrium for every λ.
Where a player's ``λ W`` is 1, only the adversary counts and the player plays maximin.
"""

from __future__ import annotations

import numpy as np

from powergames.games.normal_form import NormalFormGame
from powergames.objectives import PowerObjective
from powergames.results import Status
from powergames.solvers.common import Candidate, Method, Options, too_large, two_players_only
from powergames.solvers.two_player import TwoPlayerProblem, adversary_weights, scaled_blocks

# Payoffs scaled to [0, 1] add up to a constant within this.
CONSTANT = 1e-12

# Memory that the constraints take for each payoff of a player, with the solver's own copies of them.
BYTES = 200


def refuses(game: NormalFormGame, objective: PowerObjective) -> str | None:
    """Accept constant-sum games, and λ W = 1 for both players, if memory suffices."""
    reason = two_players_only(game, objective)
    if reason is not None:
        return reason
    if any(weight != 1 for weight in adversary_weights(objective)) and not is_zero_sum(game):
        return "needs a game of constant sum, or lam = 1"
    return too_large(BYTES * game.payoffs[0].size)


def is_zero_sum(game: NormalFormGame) -> bool:
    """Tell whether a positive affine change of payoffs makes a two-player game zero-sum."""
    if not game.payoff_range.all():
        return not game.payoff_range.any()
    blocks = zip(scaled_blocks(game, 0), scaled_blocks(game, 1), strict=True)
    return all(np.abs(rows + columns - 1.0).max() <= CONSTANT for rows, columns in blocks)


def find(game: NormalFormGame, objective: PowerObjective, options: Options) -> Candidate:
    """Return one equilibrium: maximin strategies, certified by the dual ones."""
    problem = TwoPlayerProblem.in_place(game, objective)
    row = _maximin(problem.row, game.payoff_min[0], game.payoff_scale[0], options)
    if row is None:
        return Candidate(None, None, 0, Status.MAX_ITER)
    x, z, iterations = row
    if is_zero_sum(game):
        return problem.candidate((x, z, z, x), iterations)
    column = _maximin(problem.column.T, game.payoff_min[1], game.payoff_scale[1], options)
    if column is None:
        return Candidate(None, None, iterations, Status.MAX_ITER)
    y, w, more = column
    return problem.candidate((x, y, z, w), iterations + more)


def _maximin(
    payoffs: np.ndarray, least: float, scale: float, options: Options
) -> tuple[np.ndarray, np.ndarray, int] | None:
    """Return a maximin strategy of the row player, a minimax strategy against it, and the iterations."""
    from scipy.optimize import linprog

    m, n = payoffs.shape
    options.report("linear program", 0)
    # Payoffs scaled to [0, 1], written at once where the linear program wants them.
    constraints = np.ones((n, m + 1))
    np.subtract(least, payoffs.T, out=constraints[:, :m])
    constraints[:, :m] /= scale
    solution = linprog(
        np.append(np.zeros(m), -1.0),
        constraints,
        np.zeros(n),
        np.append(np.ones(m), 0.0)[None],
        [1.0],
        bounds=[(0, None)] * m + [(None, None)],
        method="highs-ds",
        options={
            "primal_feasibility_tolerance": 1e-10,
            "dual_feasibility_tolerance": 1e-10,
            "maxiter": options.max_iter,
        },
    )
    if solution.status != 0:
        return None
    strategy = np.maximum(solution.x[:m], 0.0)
    return strategy, np.maximum(-solution.ineqlin.marginals, 0.0), int(solution.nit)


METHOD = Method(
    "linear_program",
    find,
    "HiGHS linear programs: zero-sum games at any λ, any two-player game at λ = 1",
    refuses,
)
