r"""The team optimum: the best that all players together could do, as a benchmark. It is no equilibrium in general.

With ``r`` the mean of the players' rewards, and adversaries that take over one player at a time with the probabilities
that they have on average over the players whose adversaries they are, the deterministic profile that the team plays
satisfies

.. math::
    U(s) = \max_a \Big[ (1 - λ \bar w) Q(s, a) + λ \sum_j \bar W_j \min_{b_j} Q(s, b_j, a_{-j}) \Big],
    \quad Q = r + γ P U.

At λ = 0 this is the optimum over all profiles, correlated and history-dependent ones included. At λ > 0 it is the
optimum over deterministic ones against adversaries who see the action: mixing might do better against one who does not.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import Any, overload

import numpy as np

from powergames.display import discount_text
from powergames.errors import InputError
from powergames.games.deterministic import DeterministicGame
from powergames.games.kinds import as_game, check_endless
from powergames.games.profiles import frozen
from powergames.games.stochastic import StochasticGame
from powergames.games.timed import check_horizon
from powergames.numerics.discounted import DiscountedSystem
from powergames.objectives import AnyObjective, as_objective, one_step_only, with_lam
from powergames.results.teams import HorizonTeamOptimum, TeamOptimum
from powergames.solvers import common
from powergames.solvers.common import Options
from powergames.solvers.stochastic.problem import StochasticProblem
from powergames.solvers.stochastic.team_horizon import team_over
from powergames.solvers.stochastic.team_tables import TeamPlan, settled, team_plan


@dataclass(frozen=True)
class Limits:
    """How exact values are, and how long a profile is improved before it is evaluated."""

    tolerance: float = 1e-10
    """Error of the values of a deterministic game, relative to the greatest sum of rewards that there can be."""
    sweeps: int = 100
    """Sweeps that improve a profile before it is evaluated exactly, at most."""
    rare: float = 1e-4
    """They end when the profile changes in at most this share of the states."""


LIMITS = Limits()


@overload
def team_optimum(
    game: StochasticGame, objective: AnyObjective | None = None, *, horizon: None = None
) -> TeamOptimum: ...


@overload
def team_optimum(
    game: DeterministicGame, objective: AnyObjective | None = None, *, horizon: None = None
) -> TeamPlan: ...


@overload
def team_optimum(
    game: StochasticGame | DeterministicGame, objective: AnyObjective | None = None, *, horizon: int
) -> HorizonTeamOptimum: ...


def team_optimum(
    game: StochasticGame | DeterministicGame,
    objective: AnyObjective | None = None,
    *,
    horizon: int | None = None,
) -> TeamOptimum | TeamPlan | HorizonTeamOptimum:
    """Compute the best deterministic profile of all players as one team.

    The team maximizes the mean of the players' rewards, which is their common reward where they have one. With λ > 0
    each player is taken over with some probability in every step, as in the form "adversarial": the *p-adversarial*
    team optimum. It is a benchmark for equilibria and their starting point in games full of coordination, not an
    equilibrium itself: a player may gain by leaving the team.

    Parameters
    ----------
    game : StochasticGame or DeterministicGame
        All players with the same discount. In a deterministic game the tables are used as they are, so that ten million
        states fit.
    objective : PowerObjective or number, optional
        A number is λ; by default 0. A small λ, such as 1e-4, breaks ties between optima in favour of those that suffer
        least from one player's failure.
    horizon : int, optional
        Number of steps after which the game ends; by default it never does.

    Returns
    -------
    TeamOptimum, TeamPlan or HorizonTeamOptimum
        The last one with a horizon. A `TeamPlan` of a deterministic game without; its values have a bound on their
        error, 1e-10 of the greatest sum of rewards that there can be.

    Raises
    ------
    InputError
        If discounts differ, or λ times the weights is no probability.

    Notes
    -----
    The method is strategy iteration. Sweeps of value iteration improve the profile, each state from those before it.
    Then the values against the adversaries are computed exactly, by iterating over what they do. Both end, since each
    change is an improvement. The cost of an iteration is that of some sparse linear systems of S unknowns and sweeps
    over the rows.

    Examples
    --------
    >>> import powergames as pg
    >>> pg.team_optimum(pg.load("line_with_breakdowns"), pg.PowerObjective(lam=0.1))
    <TeamOptimum lam=0.1: value 25.25 from the start; a benchmark, not an equilibrium>
    """
    as_game(game, StochasticGame | DeterministicGame)
    chosen = one_step_only(as_objective(objective), "takeovers from a team last one step")
    adversarial = with_lam(replace(chosen, form="adversarial"), chosen.exact_lam)
    if horizon is not None:
        return team_over(game, chosen, adversarial, check_horizon(horizon, game))
    check_endless(game)
    if isinstance(game, DeterministicGame):
        return replace(team_plan(game, adversarial, LIMITS.tolerance), objective=chosen)
    if np.ptp(game.discounts) > 0.0:
        raise InputError(
            f"discount: got {', '.join(map(discount_text, game.discounts))}; a team needs the same for all players"
        )
    problem = StochasticProblem.of(game, adversarial)
    rows, value = best_rows(problem, game.rewards.mean(axis=0))
    profile = tuple(frozen(strategy) for strategy in problem.profile(problem.pure_point(rows)))
    return TeamOptimum(game, chosen, profile, value)


def team_start(problem: StochasticProblem, point: np.ndarray, options: Options) -> np.ndarray:
    """Return the point of the team optimum, or a given one if it is the user's or players do not discount alike."""
    if options.start is not None or np.ptp(problem.discounts) > 0.0:
        return point
    return problem.pure_point(best_rows(problem, problem.rewards[-1].mean(axis=0))[0])


def best_rows(problem: StochasticProblem, rewards: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the row that the team plays in each state, shape (S,), and its values, for rewards of shape (R,)."""
    from powergames.kernels.team import evaluate, improve

    n_actions, row_starts, discounts, *graph = problem.arrays
    discount = float(discounts[0])
    game = discount, rewards, *graph
    weights = problem.charges[problem.n_players :] / problem.n_players
    rows, values = row_starts[:-1].copy(), np.zeros(problem.n_states)
    team = n_actions, row_starts, problem.takes, weights, game, values, rows
    slack = common.LIMITS.rounding * max(float(np.abs(rewards).max()), np.finfo(np.float64).tiny) / (1.0 - discount)
    backward = True
    while True:
        for _ in range(LIMITS.sweeps):
            changed, most = improve(*team, slack, backward)
            if changed <= LIMITS.rare * problem.n_states:
                break
            _, backward = settled(partial(evaluate, *team), most, not backward)
        exact = _evaluated(problem, game, weights, values, rows, slack)
        values[:] = exact
        if improve(*team, slack, True)[0] == 0:
            return rows, exact


def _evaluated(
    problem: StochasticProblem, game: Any, weights: np.ndarray, values: np.ndarray, rows: np.ndarray, slack: float
) -> np.ndarray:
    """Return the values of rows against the best adversaries, by policy iteration from those at some values."""
    from powergames.kernels.team import take_over

    discount, rewards, *_ = game
    taken = np.tile(rows, (len(weights), 1))
    take_over(*problem.arrays[:2], problem.takes, game, values, rows, taken, slack)
    while True:
        chances = np.zeros(len(rewards))
        chances[rows] = 1.0 - weights.sum()
        for weight, own in zip(weights, taken, strict=True):
            chances[own] += weight
        paid = problem.averaged(chances * rewards)
        values = DiscountedSystem(problem.mixed(chances), discount).solve(paid, values)
        if take_over(*problem.arrays[:2], problem.takes, game, values, rows, taken, slack) == 0:
            return values
