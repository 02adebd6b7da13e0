"""Certify a profile of any game."""

from __future__ import annotations

from typing import Any

from powergames.checking.certificate import Certificate, check_tolerance
from powergames.checking.horizon import certify_horizon
from powergames.checking.normal_form import Witness, certify_checked
from powergames.checking.stochastic import certify_stochastic
from powergames.games.deterministic import DeterministicGame
from powergames.games.kinds import AnyGame, as_game
from powergames.games.normal_form import NormalFormGame
from powergames.games.policies import complete_profile
from powergames.games.stochastic import StochasticGame
from powergames.games.timed import check_horizon
from powergames.objectives import AnyObjective, as_objective


def certify(
    game: AnyGame,
    profile: Any,
    objective: AnyObjective | None = None,
    *,
    tol: float = 1e-8,
    witness: Witness | None = None,
    horizon: int | None = None,
) -> Certificate:
    """Measure how far a profile is from a power-regularized equilibrium.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or DeterministicGame
        For a stochastic game see `powergames.checking.stochastic.certify_stochastic`, which this calls.
    profile : sequence of array_like
        ``profile[i][a]``, the probability with which player `i` plays action `a`. With `fractions.Fraction` entries
        everything is computed exactly.
    objective : PowerObjective or number, optional
        A number is λ; by default 0: Nash equilibrium.
    tol : float, default 1e-8
        Largest scaled regret that passes.
    witness : sequence of sequences of array_like, optional
        ``witness[i][b]``: claimed worst-case mixed strategy of player `i`'s adversary `b`. Saves the linear program
        when it is right and changes nothing when it is wrong.
    horizon : int, optional
        Number of steps after which a game with states ends; see `powergames.checking.horizon.certify_horizon`, which
        this calls then. There is no use for a witness.

    Returns
    -------
    Certificate

    Raises
    ------
    InputError
        If the profile or objective does not fit the game.

    Notes
    -----
    Costs two passes over the payoff tensor per player, without a copy of it. If a player's adversaries are indifferent
    and no right witness is given, it also costs a linear program with A_i variables and Σ_j A_j rows. The linear
    program begins with few of both and grows as needed. The reported regret is an upper bound, proved by weak duality.
    It equals the regret up to rounding.

    Examples
    --------
    >>> import powergames as pg
    >>> game = pg.load("stag_hunt")
    >>> pg.certify(game, [[1, 0], [1, 0]], pg.PowerObjective(0.5)).max_regret
    1.0
    """
    objective = as_objective(objective)
    if horizon is not None:
        steps = check_horizon(horizon, game)
        return certify_horizon(as_game(game, StochasticGame | DeterministicGame), profile, objective, steps, tol=tol)
    game = as_game(game, NormalFormGame | StochasticGame)
    if isinstance(game, StochasticGame):
        return certify_stochastic(game, profile, objective, tol=tol, witness=witness)
    objective = as_objective(objective, once=True)
    check_tolerance(tol)
    return certify_checked(game, complete_profile(game, profile), objective, tol, witness)
