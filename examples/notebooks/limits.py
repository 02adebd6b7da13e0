"""Which games a notebook offers, and which are small enough to answer while one moves a slider."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from powergames.errors import InputError
from powergames.games.normal_form import NormalFormGame
from powergames.games.stochastic import StochasticGame

# Actions of two players, joint actions of three, and states.
MOST_ACTIONS, MOST_CELLS, MOST_STATES = 5, 27, 30

# What to do with a larger game.
PAGE = "make a page with 'powergames report'"


def check_payoffs(game: NormalFormGame) -> None:
    """Refuse a game whose equilibria would not keep up with typing.

    Raises
    ------
    InputError
        If there are not two or three players, or too many actions.
    """
    sizes = " x ".join(map(str, game.n_actions))
    fits = game.n_players == 2 and max(game.n_actions) <= MOST_ACTIONS
    fits |= game.n_players == 3 and game.payoffs[0].size <= MOST_CELLS
    if not fits:
        raise InputError(
            f"game: got {sizes} actions; explore two players with up to {MOST_ACTIONS} actions each or three with up "
            f"to {MOST_CELLS} joint actions, or {PAGE}"
        )


def check_states(game: StochasticGame) -> None:
    """Refuse a stochastic game that would not keep up with a slider.

    Raises
    ------
    InputError
        If there are not two or three players, or too many states.
    """
    check_size(game.n_players, game.n_states)


def check_size(n_players: int, n_states: int, *_: int) -> None:
    """Refuse a stochastic game by its size.

    Raises
    ------
    InputError
        If there are not two or three players, or too many states.
    """
    if not 2 <= n_players <= 3 or n_states > MOST_STATES:
        raise InputError(
            f"game: got {n_players} players and {n_states:,} states; explore two or three players and up to "
            f"{MOST_STATES} states, or {PAGE}"
        )


def offered(names: Iterable[str], given: Any, check: Callable[[Any], None]) -> tuple[dict[str, Any], str]:
    """Load the games to choose from.

    Parameters
    ----------
    names : iterable of str
        Names of the catalog.
    given : str or None
        A game that the user asked for, which may be a file.
    check : callable
        Refuses a game that is too large.

    Returns
    -------
    games : dict of str to NormalFormGame or StochasticGame
        By title.
    first : str
        The title to begin with.

    Raises
    ------
    InputError
        If the given game cannot be loaded, or is refused.
    """
    from powergames.io import load

    games = {game.title: game for game in map(load, names)}
    if given is None:
        return games, next(iter(games))
    game = load(str(given))
    check(game)
    first = game.title or str(given)
    return games | {first: game}, first
