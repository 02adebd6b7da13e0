"""Games as JSON, schema ``powergames/1``.

An exact rational that no float represents is written as a string, ``"1/3"``; numbers are floats.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from itertools import chain
from typing import Any, NoReturn

import numpy as np

from powergames.errors import FormatError, InputError
from powergames.games.normal_form import NormalFormGame
from powergames.io._text import (
    MAX_PLAYERS,
    Number,
    decode,
    lossless_payoffs,
    number_array,
    number_text,
    parse_number,
    shorten,
)

SCHEMA = "powergames/1"
KIND = "normal-form"


def read(data: bytes, source: str) -> NormalFormGame:
    """Read a game document.

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
        If the document is not JSON or not a normal-form game.

    Examples
    --------
    >>> read(b'{"payoffs": [[[4, 0], ["5/2", "1/3"]], [[4, 3], [0, 3]]]}', "hunt.json").exact_payoffs[0, 1, 1]
    Fraction(1, 3)
    """
    return build(parse_document(data, source), source)


def build(document: dict[str, Any], source: str) -> NormalFormGame:
    """Build the game that a document describes.

    Parameters
    ----------
    document : dict
        As `parse_document` returns it.
    source : str
        Name of the file, for error messages.

    Returns
    -------
    NormalFormGame

    Raises
    ------
    FormatError
        If the document is not a normal-form game.

    Examples
    --------
    >>> build({"payoffs": [[1, 2]], "actions": [["stay", "go"]]}, "choice.json").actions
    (('stay', 'go'),)
    """
    check_kind(document.get("schema", SCHEMA), document.get("kind", KIND), source, KIND)
    if "payoffs" not in document:
        raise FormatError(f"{source}: no key 'payoffs'; give payoffs[player][a_0]...[a_n-1]")
    title = parse_title(document, source)
    players = parse_labels(document.get("players"), "players", source)
    actions = document.get("actions")
    if actions is not None:
        if not isinstance(actions, list):
            raise FormatError(f"{source}: 'actions' is a {type(actions).__name__}; give one list of names per player")
        actions = [parse_labels(names, f"actions[{player}]", source) for player, names in enumerate(actions)]
    return NormalFormGame(parse_tensor(document["payoffs"], "payoffs", source), players, actions, title)


def write(game: NormalFormGame) -> bytes:
    """Write a game document.

    Parameters
    ----------
    game : NormalFormGame
        The game; exact rationals that no float represents become strings ``"p/q"``.

    Returns
    -------
    bytes
        Contents of the file.

    Raises
    ------
    InputError
        If a rational has thousands of digits.

    Examples
    --------
    >>> game = NormalFormGame([[[4, 0], [3, 3]], [[4, 3], [0, "1/3"]]], title="Stag hunt")
    >>> print(write(game).decode())
    {"schema": "powergames/1",
     "kind": "normal-form",
     "title": "Stag hunt",
     "players": ["0", "1"],
     "actions": [["0", "1"], ["0", "1"]],
     "payoffs": [[[4.0, 0.0], [3.0, 3.0]], [[4.0, 3.0], [0.0, "1/3"]]]}
    <BLANKLINE>
    """
    payoffs = lossless_payoffs(game)
    if payoffs.dtype == object:
        entries = [number_text(value) if isinstance(value, Fraction) else value for value in payoffs.ravel().tolist()]
        payoffs = np.array(entries, dtype=object).reshape(payoffs.shape)
    document = {
        "schema": SCHEMA,
        "kind": KIND,
        "title": game.title,
        "players": game.players,
        "actions": game.actions,
        "payoffs": payoffs.tolist(),
    }
    lines = (f'"{key}": {json.dumps(value, ensure_ascii=False)}' for key, value in document.items())
    return ("{" + ",\n ".join(lines) + "}\n").encode()


def parse_document(data: bytes, source: str) -> dict[str, Any]:
    """Parse a JSON object; NaN, Infinity, endless numbers and keys that come twice are refused.

    Raises
    ------
    FormatError
        If the file is not JSON, or its top level is not an object.
    """
    text = decode(data, source)
    try:
        document = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_refuse_doubles)
    except json.JSONDecodeError as error:
        raise FormatError(
            f"{source}, line {error.lineno}: not valid JSON ({error.msg}, column {error.colno}); mend it there"
        ) from None
    except InputError as error:
        raise FormatError(f"{source}: {error}") from None
    except ValueError:
        raise FormatError(f"{source}: a number has thousands of digits; round it") from None
    except RecursionError:
        raise FormatError(f"{source}: nested too deeply; payoffs need one level per player, plus one") from None
    if not isinstance(document, dict):
        raise FormatError(f"{source}: the top level is a {type(document).__name__}; give an object with named keys")
    return document


def check_kind(schema: object, kind: object, source: str, expected: str) -> None:
    """Check that a document has this schema and holds a game of the expected kind.

    Raises
    ------
    FormatError
        If it does not.
    """
    if schema != SCHEMA:
        raise FormatError(f"{source}: schema is {shorten(str(schema))}; this version reads {SCHEMA!r}")
    if kind != expected:
        raise FormatError(f"{source}: kind is {shorten(str(kind))}; this version reads 'normal-form' and 'stochastic'")


def parse_tensor(nested: Any, name: str, source: str) -> np.ndarray:
    """Turn nested lists of numbers and fraction strings into an array.

    Returns
    -------
    ndarray
        Of dtype float64, or of dtype object with a Fraction wherever a float would lose digits.

    Raises
    ------
    FormatError
        If the lists are ragged, empty, too deep, or hold anything else.
    """
    shape: list[int] = []
    level = [nested]
    while isinstance(level[0], list):
        size = len(level[0])
        if any(not isinstance(item, list) or len(item) != size for item in level):
            raise FormatError(
                f"{source}: {name} is ragged {len(shape)} levels down; give lists of equal length at every level"
            )
        if size == 0:
            raise FormatError(f"{source}: {name} has an empty list; every player needs an action and a payoff")
        if len(shape) > MAX_PLAYERS:
            raise FormatError(f"{source}: {name} is nested more than {MAX_PLAYERS + 1} levels deep")
        shape.append(size)
        level = list(chain.from_iterable(level))
    kinds = set(map(type, level))
    if kinds == {float}:
        return np.array(level).reshape(shape)
    if not kinds <= {int, float, str}:
        raise _bad_leaf(level, shape, f"{source}: {name}")
    return number_array(_numbers(level, shape, f"{source}: {name}")).reshape(shape)


def _numbers(leaves: list[Any], shape: Sequence[int], place: str) -> list[Number]:
    numbers: list[Number] = []
    for position, leaf in enumerate(leaves):
        if isinstance(leaf, float):
            numbers.append(leaf)
            continue
        try:
            numbers.append(parse_number(str(leaf)))
        except InputError as error:
            raise FormatError(f"{place}{_index(position, shape)}: {error}") from None
    return numbers


def _bad_leaf(leaves: list[Any], shape: Sequence[int], place: str) -> FormatError:
    position = next(k for k, leaf in enumerate(leaves) if type(leaf) not in (int, float, str))
    found = "a list, where others are numbers" if isinstance(leaves[position], list) else json.dumps(leaves[position])
    return FormatError(f"{place}{_index(position, shape)}: got {found[:40]}; give a number or a string p/q")


def _index(position: int, shape: Sequence[int]) -> str:
    return "".join(f"[{k}]" for k in np.unravel_index(position, shape)) if shape else ""


def parse_title(document: dict[str, Any], source: str) -> str:
    """Return the title of a document, empty if it has none.

    Raises
    ------
    FormatError
        If it is not a string.
    """
    title = document.get("title", "")
    if not isinstance(title, str):
        raise FormatError(f"{source}: 'title' is a {type(title).__name__}; give a string")
    return title


def parse_labels(names: Any, key: str, source: str) -> list[str] | None:
    """Return a list of names, or None for none.

    Raises
    ------
    FormatError
        If it is not a list of strings.
    """
    if names is None:
        return None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise FormatError(f"{source}: '{key}' is not a list of strings; give one name each")
    return names


def _refuse_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        double = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise InputError(f"the key {shorten(double)} is given twice in one object; delete one")
    return found


def _refuse_constant(constant: str) -> NoReturn:
    raise InputError(f"the document holds {constant}; every number must be finite")
