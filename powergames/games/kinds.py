"""The kinds of games, and what to say where one of another kind is needed."""

from __future__ import annotations

from types import UnionType
from typing import Any, TypeVar, get_args, overload

from powergames.errors import InputError
from powergames.games.deterministic import DeterministicGame
from powergames.games.foreign import no_game
from powergames.games.normal_form import NormalFormGame
from powergames.games.stochastic import StochasticGame, check_discounted

Game = NormalFormGame | StochasticGame

# What solvers, certificates, audits and learners take.
AnyGame = Game | DeterministicGame

Kind = TypeVar("Kind", NormalFormGame, StochasticGame, DeterministicGame)


@overload
def as_game(game: Any) -> NormalFormGame: ...


@overload
def as_game(game: Any, kinds: type[Kind]) -> Kind: ...


@overload
def as_game(game: Any, kinds: UnionType) -> Any: ...


def as_game(game: Any, kinds: type | UnionType = NormalFormGame) -> Any:
    """Return a game of the right kind; refuse what is none, and say how to get one.

    Parameters
    ----------
    game : object
        A `DeterministicGame` where a `StochasticGame` is needed becomes one.
    kinds : type or union of types
        `NormalFormGame`, `StochasticGame`, `DeterministicGame`, or several with ``|`` between them.

    Returns
    -------
    NormalFormGame, StochasticGame or DeterministicGame

    Raises
    ------
    InputError

    Examples
    --------
    >>> as_game("stag_hunt")
    Traceback (most recent call last):
        ...
    powergames.errors.InputError: game: got str; give a NormalFormGame, or pg.load(...) one
    """
    if isinstance(game, kinds):
        return game
    wanted = get_args(kinds) or (kinds,)
    names = " or ".join(kind.__name__ for kind in wanted)
    if not isinstance(game, NormalFormGame | StochasticGame | DeterministicGame):
        raise InputError(f"game: {no_game(game, f'a {names}, or pg.load(...) one')}")
    title = f" {game.title[:60]!r}" if game.title else ""
    if isinstance(game, DeterministicGame):
        if StochasticGame in wanted:
            return game.to_game()
        raise InputError(
            f"game: got the DeterministicGame{title}, a team's game without chance kept as two tables, where a {names} "
            "is needed; give game.to_game().stage(s), the rewards of one state of the StochasticGame that this makes"
        )
    if isinstance(game, StochasticGame):
        raise InputError(
            f"game: got the stochastic game{title} of {game.n_states} states, where a {names} is needed; give the "
            "rewards of one state, game.stage(s)"
        )
    raise InputError(
        f"game: got the normal-form game{title}, which has no states, where a {names} is needed; give one with states"
    )


def check_endless(game: AnyGame) -> None:
    """Refuse a game with states and a discount of 1, in which payoffs add up without bound.

    Raises
    ------
    InputError

    Examples
    --------
    >>> import powergames as pg
    >>> check_endless(pg.load("big_match").with_discount(1))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    powergames.errors.InputError: discount 1 needs horizon=, ...
    """
    if not isinstance(game, NormalFormGame):
        check_discounted(game.discounts if isinstance(game, StochasticGame) else game.discount)
