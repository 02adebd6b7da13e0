"""GameTracer files (``.gam``): the number of players, their numbers of actions, and the payoffs.

Payoffs come player by player, and the first player's action varies fastest. The format has no labels.
"""

from __future__ import annotations

import re

from powergames.errors import FormatError, InputError
from powergames.games.normal_form import NormalFormGame
from powergames.io._text import (
    MAX_PLAYERS,
    at_line,
    check_count,
    decode,
    lossless_payoffs,
    number_text,
    parse_numbers,
    parse_size,
)

_TOKEN = re.compile(r"\s*+(\S++)")


def read(data: bytes, source: str) -> NormalFormGame:
    """Read a GameTracer file.

    Parameters
    ----------
    data : bytes
        Contents of the file.
    source : str
        Its name, for error messages.

    Returns
    -------
    NormalFormGame

    Raises
    ------
    FormatError
        If the file is not a GameTracer game.

    Examples
    --------
    >>> read(b"2  2 2  4 3 0 3  4 0 3 3", "hunt.gam").payoffs[0]
    array([[4., 0.],
           [3., 3.]])
    """
    text = decode(data, source)
    n_players, position = _size(text, 0, "the number of players", source)
    if n_players > MAX_PLAYERS:
        raise FormatError(f"{source}, {at_line(text, position)}: {n_players} players; give at most {MAX_PLAYERS}")
    n_actions = []
    for player in range(n_players):
        size, position = _size(text, position, f"the number of actions of player {player}", source)
        n_actions.append(size)
    tokens = text[position:].split()
    check_count(len(tokens), n_actions, n_players, source)
    flat = parse_numbers(tokens, text, position, source)
    axes = (0, *range(n_players, 0, -1))
    return NormalFormGame(flat.reshape(n_players, *reversed(n_actions)).transpose(axes))


def write(game: NormalFormGame) -> bytes:
    """Write a GameTracer file. The title and names are lost: the format has none.

    Parameters
    ----------
    game : NormalFormGame
        A game whose payoffs floats hold exactly.

    Returns
    -------
    bytes
        Contents of the file.

    Raises
    ------
    InputError
        If an exact payoff such as 1/3 would be rounded; programs that read this format know decimals only.

    Examples
    --------
    >>> print(write(NormalFormGame([[[4, 0], [3, 3]], [[4, 3], [0, 3]]])).decode())
    2
    2 2
    <BLANKLINE>
    4 3 0 3
    4 0 3 3
    <BLANKLINE>
    """
    payoffs = lossless_payoffs(game)
    if payoffs.dtype == object:
        raise InputError(
            "payoffs: a .gam file holds decimals and would round an exact payoff of this game; save as .nfg or .json"
        )
    axes = (0, *range(game.n_players, 0, -1))
    rows = payoffs.transpose(axes).reshape(game.n_players, -1).tolist()
    body = "\n".join(" ".join(map(number_text, row)) for row in rows)
    return f"{game.n_players}\n{' '.join(map(str, game.n_actions))}\n\n{body}\n".encode()


def _size(text: str, position: int, what: str, source: str) -> tuple[int, int]:
    match = _TOKEN.match(text, position)
    if match is None:
        raise FormatError(f"{source}: the file ends where {what} was expected; it is truncated")
    return parse_size(match[1], what, f"{source}, {at_line(text, match.start(1))}"), match.end()
