"""Games from and to other libraries: Nashpy and Gambit's Python package."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np

from powergames.errors import InputError, needs
from powergames.games.foreign import no_game
from powergames.games.kinds import as_game
from powergames.games.memory import check_tensor
from powergames.games.normal_form import NormalFormGame
from powergames.io import nfg
from powergames.io._text import lossless_payoffs

# Joint plans of a game tree times its nodes; Gambit's strategic form takes some microseconds for each.
_MOST_WORK = 10**7


def to_nashpy(game: NormalFormGame) -> Any:
    """Convert a two-player game to Nashpy.

    Parameters
    ----------
    game : NormalFormGame
        The game; labels and title are lost, Nashpy has none.

    Returns
    -------
    nashpy.Game
        Its matrices hold `fractions.Fraction` if the game has exact payoffs that floats lose.

    Raises
    ------
    InputError
        If the game has not exactly two players.

    Examples
    --------
    >>> to_nashpy(NormalFormGame([[[4, 0], [3, 3]], [[4, 3], [0, 3]]])).payoff_matrices[1]
    array([[4., 3.],
           [0., 3.]])
    """
    game = as_game(game)
    if game.n_players != 2:
        raise InputError(f"Nashpy knows games of two players, got {game.n_players}; use to_pygambit for more")
    import nashpy

    return nashpy.Game(*(matrix.copy() for matrix in lossless_payoffs(game)))


def from_nashpy(game: Any) -> NormalFormGame:
    """Convert a Nashpy game.

    Parameters
    ----------
    game : nashpy.Game
        The game.

    Returns
    -------
    NormalFormGame
        Two players.

    Raises
    ------
    InputError
        If it is not a Nashpy game, or its payoffs are not finite.

    Examples
    --------
    >>> import nashpy
    >>> from_nashpy(nashpy.Game([[1, -1], [-1, 1]])).payoffs[1]
    array([[-1.,  1.],
           [ 1., -1.]])
    """
    matrices = getattr(game, "payoff_matrices", None)
    if not isinstance(matrices, tuple) or len(matrices) != 2:
        raise InputError(f"from_nashpy: {no_game(game, 'a nashpy.Game')}")
    return NormalFormGame.from_bimatrix(*matrices)


def to_pygambit(game: NormalFormGame) -> Any:
    """Convert a game to Gambit.

    Parameters
    ----------
    game : NormalFormGame
        The game. Every payoff becomes a `pygambit.Rational` of exactly its value.

    Returns
    -------
    pygambit.Game
        A game in strategic form.

    Raises
    ------
    InputError
        If pygambit is not installed, or does not accept a label, as it does with empty and repeated ones.

    Examples
    --------
    >>> to_pygambit(NormalFormGame([[[1, "1/3"]], [[0, 0]]])).to_arrays()[0].tolist()  # doctest: +SKIP
    [[Rational(1, 1), Rational(1, 3)]]
    """
    game = as_game(game)
    gambit = pygambit()
    rationals = [
        np.array([gambit.Rational(value) for value in tensor.ravel()], dtype=object).reshape(tensor.shape)
        for tensor in game.exact_payoffs
    ]
    target = gambit.Game.from_arrays(*rationals)
    _relabel([target], "title", [game.title], "title")
    _relabel(list(target.players), "label", game.players, "name of a player")
    for player, labels in zip(target.players, game.actions, strict=True):
        _relabel(list(player.strategies), "label", labels, f"action of player {player.label!r}")
    return target


def from_pygambit(game: Any) -> NormalFormGame:
    """Convert a Gambit game; of a game tree its reduced strategic form.

    Parameters
    ----------
    game : pygambit.Game
        The game.

    Returns
    -------
    NormalFormGame
        With Gambit's labels and exact payoffs. Actions of a game tree are plans, one move for each information set
        that the plan itself does not exclude: ``"12"`` is the first move at the first set and the second at the next.

    Raises
    ------
    InputError
        If pygambit is not installed, the argument is not one of its games, or its strategic form is too large.

    Examples
    --------
    >>> import pygambit  # doctest: +SKIP
    >>> from_pygambit(pygambit.Game.from_arrays([[1, 2]], [[3, 4]])).n_actions  # doctest: +SKIP
    (1, 2)
    """
    if not isinstance(game, pygambit().Game):
        raise InputError(f"from_pygambit: {no_game(game, 'a pygambit.Game')}")
    _check_size(game)
    try:
        text = game.to_nfg()
    except UnicodeDecodeError:
        raise InputError("pygambit.Game: its title is not in UTF-8; set game.title to another one") from None
    except OSError:
        # Gambit writes no Bayesian action-graph games.
        labels = [[strategy.label for strategy in player.strategies] for player in game.players]
        return NormalFormGame(game.to_arrays(), [player.label for player in game.players], labels, game.title)
    return nfg.read(text.encode(), "pygambit.Game")


def pygambit() -> ModuleType:
    """Import Gambit's Python package, which not everybody has.

    Raises
    ------
    InputError
        If it is not installed.
    """
    with needs("pygambit", "powergames[gambit]", "games of Gambit"):
        return import_module("pygambit")


def _check_size(game: Any) -> None:
    """Refuse games whose strategic form is too large for memory, or for the patience of users."""
    if not game.is_tree:
        check_tensor([len(player.strategies) for player in game.players], "pygambit.Game")
    elif math.prod(_plans(game)) * len(game.nodes) > _MOST_WORK:
        raise InputError(
            f"pygambit.Game: a tree of {len(game.nodes)} nodes, in which players have so many plans that its strategic "
            "form would take Gambit minutes or more; give a smaller tree"
        )


def _plans(game: Any) -> list[int]:
    """Return the number of plans of each player of a game tree, without making them.

    A plan has an action for each information set that it does not itself exclude. Without perfect recall all sets
    count, which may be too many.
    """
    before: dict[Any, Any] = {}
    branches: list[tuple[Any, dict[Any, Any]]] = [(game.root, {})]
    while branches:
        node, moves = branches.pop()
        if node.is_terminal:
            continue
        infoset, player = node.infoset, node.player
        before.setdefault(infoset, moves.get(player, player))
        branches += (
            (child, {**moves, player: action}) for action, child in zip(infoset.actions, node.children, strict=True)
        )
    recall = game.is_perfect_recall
    plans: Counter[Any] = Counter()
    for infoset, move in reversed(before.items()):
        after = sum(plans[action] or 1 for action in infoset.actions)
        origin = move if recall else infoset.player
        plans[origin] = (plans[origin] or 1) * after
    return [plans[player] or 1 for player in game.players]


def _relabel(targets: Sequence[Any], attribute: str, labels: Sequence[str], what: str) -> None:
    """Set labels; in two rounds, for each must differ at any time from all others, those not yet replaced too."""
    for position, target in enumerate(targets):
        setattr(target, attribute, f"not yet named {position}")
    for target, label in zip(targets, labels, strict=True):
        try:
            setattr(target, attribute, label)
        except ValueError as error:
            reason = "it takes only ASCII characters" if isinstance(error, UnicodeError) else error
            raise InputError(f"pygambit does not accept {label!r} as {what} ({reason}); give another label") from None
