"""The kinds of games, and what to say where one of another kind is needed."""

from __future__ import annotations

from types import UnionType
from typing import Any, get_args

from powergames.errors import InputError
from powergames.games.deterministic import DeterministicGame
from powergames.games.foreign import no_game
from powergames.games.normal_form import NormalFormGame
from powergames.games.stochastic import StochasticGame


def check_game(game: Any, kinds: type | UnionType = NormalFormGame) -> None:
    """Refuse what is not a game of the right kind, and say how to get one.

    Parameters
    ----------
    game : object
    kinds : type or union of types
        `NormalFormGame`, `StochasticGame`, `DeterministicGame`, or several with ``|`` between them.

    Raises
    ------
    InputError

    Examples
    --------
    >>> check_game("stag_hunt")
    Traceback (most recent call last):
        ...
    powergames.errors.InputError: game: got str; give a NormalFormGame, or pg.load(...) one
    """
    if isinstance(game, kinds):
        return
    wanted = get_args(kinds) or (kinds,)
    names = " or ".join(kind.__name__ for kind in wanted)
    if not isinstance(game, NormalFormGame | StochasticGame | DeterministicGame):
        raise InputError(f"game: {no_game(game, f'a {names}, or pg.load(...) one')}")
    title = f" {game.title[:60]!r}" if game.title else ""
    if isinstance(game, DeterministicGame):
        mend = "game.to_game(), which makes a StochasticGame of it"
        if StochasticGame not in wanted:
            mend = "game.to_game().stage(s), the rewards of one state of the StochasticGame that this makes"
        raise InputError(
            f"game: got the DeterministicGame{title}, a team's game without chance kept as two tables, where a {names} "
            f"is needed; give {mend}"
        )
    if isinstance(game, StochasticGame):
        raise InputError(
            f"game: got the stochastic game{title} of {game.n_states} states, where a {names} is needed; give the "
            "rewards of one state, game.stage(s)"
        )
    raise InputError(
        f"game: got the normal-form game{title}, which has no states, where a {names} is needed; give one with states"
    )
