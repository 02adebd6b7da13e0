"""A table of payoffs that can be edited: the text of each cell, the fields on a page, and the game they describe."""

from __future__ import annotations

import html
from collections.abc import Sequence
from itertools import product
from typing import Any

from powergames.display import number_text
from powergames.errors import InputError
from powergames.games.normal_form import NormalFormGame
from powergames.games.numbers import to_fraction


def cell_texts(game: NormalFormGame) -> list[str]:
    """Write the payoffs of each joint action, as in ``4, 0``; the last player's action changes fastest.

    Examples
    --------
    >>> cell_texts(NormalFormGame.from_bimatrix([[4, 0]], [[4, 3]]))
    ['4, 4', '0, 3']
    """
    numbers = game.exact_payoffs if game.lossless else game.payoffs
    return [
        ", ".join(number_text(numbers[(i, *joint)]) for i in range(game.n_players))
        for joint in product(*map(range, game.n_actions))
    ]


def joint_names(game: NormalFormGame) -> list[str]:
    """Name each joint action, in the order of `cell_texts`.

    Examples
    --------
    >>> joint_names(NormalFormGame([[[4, 0]], [[4, 3]]], actions=[["stag"], ["stag", "hare"]]))
    ['stag, stag', 'stag, hare']
    """
    return [", ".join(names) for names in product(*game.actions)]


def field_label(name: str) -> str:
    """Return the label of a field, which only screen readers show: the table says the same.

    Examples
    --------
    >>> field_label("<b>, hare")
    '<span class="sr-only">payoffs of &lt;b&gt;, hare</span>'
    """
    return f'<span class="sr-only">payoffs of {html.escape(name)}</span>'


def read_cells(game: NormalFormGame, texts: Sequence[str]) -> NormalFormGame:
    """Return the game that the texts describe, with the names of the old one.

    Parameters
    ----------
    game : NormalFormGame
        Gives the names and the numbers of actions.
    texts : sequence of str
        Payoffs of each joint action, as `cell_texts` writes them; decimals or fractions.

    Raises
    ------
    InputError
        If a text is not one number for each player.

    Examples
    --------
    >>> game = NormalFormGame.from_bimatrix([[4, 0]], [[4, 3]])
    >>> read_cells(game, ["4, 1/2", "0, 3"]).payoffs[1].tolist()
    [[0.5, 3.0]]
    >>> read_cells(game, ["4, 1/2", "0"])
    Traceback (most recent call last):
        ...
    powergames.errors.InputError: payoffs of 0, 1: got '0'; give a number for each player, such as 4, 1/2
    """
    payoffs: list[list[Any]] = [[] for _ in range(game.n_players)]
    for joint, text in zip(product(*map(range, game.n_actions)), texts, strict=True):
        try:
            numbers = [to_fraction(part.strip()) for part in text.split(",")]
        except ValueError:
            numbers = []
        if len(numbers) != game.n_players:
            names = ", ".join(own[action] for own, action in zip(game.actions, joint, strict=True))
            example = ", ".join(("4", "1/2", "0")[: game.n_players])
            raise InputError(f"payoffs of {names}: got {text[:30]!r}; give a number for each player, such as {example}")
        for own, number in zip(payoffs, numbers, strict=True):
            own.append(number)
    shaped = [_nested(own, game.n_actions) for own in payoffs]
    return NormalFormGame(shaped, players=game.players, actions=game.actions, title=game.title)


def table_html(game: NormalFormGame, fields: Sequence[Any]) -> str:
    """Return the fields as a table: rows for the first player, columns for the second, a table for each other action.

    Parameters
    ----------
    game : NormalFormGame
        Two or three players.
    fields : sequence
        What is written into each cell as HTML, in the order of `cell_texts`.
    """
    rows, columns = game.n_actions[:2]
    layers = game.n_actions[2] if game.n_players == 3 else 1
    tables = []
    for layer in range(layers):
        caption = f"{game.players[2]}: {game.actions[2][layer]}" if game.n_players == 3 else ""
        lines = [
            f"<tr><th>{html.escape(game.actions[0][row])}</th>"
            + "".join(f"<td>{fields[(row * columns + column) * layers + layer]}</td>" for column in range(columns))
            + "</tr>"
            for row in range(rows)
        ]
        head = "".join(f"<th>{html.escape(name)}</th>" for name in game.actions[1])
        tables.append(
            f"<table><caption>{html.escape(caption)}</caption>"
            f"<thead><tr><td></td>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
        )
    sides = f"Rows: {game.players[0]}. Columns: {game.players[1]}."
    return f'<div class="payoffs">{"".join(tables)}<p>{html.escape(sides)}</p></div>'


def _nested(values: list[Any], shape: Sequence[int]) -> list[Any]:
    """Give a flat list the shape of a tensor."""
    if len(shape) == 1:
        return values
    step = len(values) // shape[0]
    return [_nested(values[k * step : (k + 1) * step], shape[1:]) for k in range(shape[0])]
