"""States of a kitchen in words and as pictures, made when asked for."""

from __future__ import annotations

from typing import Any

import numpy as np

from powergames.environments.overcooked.kitchen import MOVES, NOTHING, Kitchen
from powergames.environments.overcooked.layouts import (
    COUNTER,
    DISHES,
    FLOOR,
    ONIONS,
    POT,
    SERVING,
    TOMATOES,
    Cell,
)
from powergames.environments.overcooked.recipes import SIZE, letters
from powergames.games.labels import Piece, Scene, StateNames

DIRECTIONS = ("north", "south", "east", "west")
ARROWS = "^v><"
STATIONS = {COUNTER: "counter", ONIONS: "onions", TOMATOES: "tomatoes", DISHES: "dishes", POT: "pot", SERVING: "serve"}


class KitchenStates(StateNames):
    """The states of a kitchen.

    Parameters
    ----------
    kitchen : Kitchen
    keys : ndarray of int64, shape (S,)
        The states as numbers in mixed radix, see `Kitchen.radices`.

    Examples
    --------
    >>> import powergames as pg
    >>> states = pg.compile_overcooked("tiny").states
    >>> states[0]
    'chef 1 (1,1) north; chef 2 (5,1) north'
    >>> states[600]
    'chef 1 (2,1) east; chef 2 (4,1) south, onion; pot (3,1): soup ready'
    >>> print(states.picture(600))
    X   D   S   X   D   O   X
    O   .   >1  Ps  v2o .   D
    X   O   D   X   S   O   X
    """

    def __init__(self, kitchen: Kitchen, keys: np.ndarray) -> None:
        self.kitchen = kitchen
        self.keys = keys

    def __len__(self) -> int:
        return len(self.keys)

    def name(self, state: int) -> str:
        """Return the state in words.

        The cell (x, y) of each chef, counted from the top left, the direction in which the chef looks and what the chef
        holds; then pots and counters that are not empty. Of directions in which interacting does the same, the first
        one of north, south, east and west is named.
        """
        kitchen, (poses, held, conditions) = self.kitchen, self.digits(state)
        parts = []
        for chef in range(2):
            place, way = kitchen.poses[poses[chef]]
            item = f", {kitchen.items[held[chef]]}" if held[chef] != NOTHING else ""
            parts.append(f"chef {chef + 1} {_at(kitchen.floor[place])} {DIRECTIONS[way]}{item}")
        for cell, condition in zip(kitchen.things, conditions, strict=True):
            if condition:
                what, says = ("pot", _pot) if kitchen.layout.at(cell) == POT else ("counter", _counter)
                parts.append(f"{what} {_at(cell)}: {says(kitchen, condition)}")
        return "; ".join(parts)

    def picture(self, state: int) -> str:
        """Return the kitchen as lines of text, four characters for each cell, five if there are tomatoes.

        A chef is an arrow, a number and a letter for what the chef holds, see `Kitchen.letter`. A counter shows what is
        on it in the same way. A pot, ``P``, shows its number of onions, or its ingredients if there are tomatoes; or
        ``~`` and for how many steps it cooked, or how many are left if that depends on the soup; or the letter of a
        soup that is ready; or ``#`` if the pot is lost.
        """
        kitchen, (poses, held, conditions) = self.kitchen, self.digits(state)
        shown = {
            (x, y): character.replace(FLOOR, ".")
            for y, row in enumerate(kitchen.layout.rows)
            for x, character in enumerate(row)
        }
        for cell, condition in zip(kitchen.things, conditions, strict=True):
            if condition:
                shown[cell] += (
                    _sign(kitchen, condition) if kitchen.layout.at(cell) == POT else kitchen.letter(condition)
                )
        for chef in range(2):
            place, way = kitchen.poses[poses[chef]]
            shown[kitchen.floor[place]] = f"{ARROWS[way]}{chef + 1}{kitchen.letter(held[chef])}"
        width, wide = len(kitchen.layout.rows[0]), 4 + kitchen.has_tomatoes
        lines = ("".join(f"{shown[x, y]:{wide}}" for x in range(width)) for y in range(len(kitchen.layout.rows)))
        return "\n".join(line.rstrip() for line in lines)

    def scene(self, state: int) -> Scene:
        """Return the kitchen: what each cell is, the chefs, and what is in pots and on counters."""
        kitchen, (poses, held, conditions) = self.kitchen, self.digits(state)
        floor = set(kitchen.floor)
        rows = tuple(
            tuple("" if (x, y) in floor else STATIONS.get(kind, "") for x, kind in enumerate(row))
            for y, row in enumerate(kitchen.layout.rows)
        )
        pieces = []
        for cell, condition in zip(kitchen.things, conditions, strict=True):
            if condition:
                says = _pot if kitchen.layout.at(cell) == POT else _counter
                pieces.append(Piece(*cell, holds=says(kitchen, condition)))
        for chef in range(2):
            place, way = kitchen.poses[poses[chef]]
            item = "" if held[chef] == NOTHING else kitchen.items[held[chef]]
            pieces.append(Piece(*kitchen.floor[place], chef, MOVES[way], item))
        return Scene(rows, tuple(pieces))

    def digits(self, state: int) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        """Return poses of both chefs, what they hold, and conditions of the things, as indices of `kitchen`'s lists."""
        rest, found = int(self.keys[state]), []
        for radix in self.kitchen.radices.tolist():
            rest, digit = divmod(rest, radix)
            found.append(digit)
        return tuple(found[:2]), tuple(found[2:4]), tuple(found[4:])

    def digits_table(self) -> np.ndarray:
        """Return poses of both chefs, what they hold, and conditions of the things, shape (S, K)."""
        radices = self.kitchen.radices
        return self.keys[:, None] // np.concatenate([[1], np.cumprod(radices[:-1])]) % radices

    def __eq__(self, other: object) -> bool:
        if isinstance(other, KitchenStates) and self.kitchen == other.kitchen:
            return np.array_equal(self.keys, other.keys)
        return super().__eq__(other)

    def __hash__(self) -> int:
        return super().__hash__()

    def __getstate__(self) -> dict[str, Any]:
        return {"kitchen": self.kitchen, "keys": self.keys}


def _at(cell: Cell) -> str:
    return f"({cell[0]},{cell[1]})"


def _counter(kitchen: Kitchen, condition: int) -> str:
    return kitchen.items[condition]


def _pot(kitchen: Kitchen, condition: int) -> str:
    pot = kitchen.pots[condition]
    if kitchen.lost(pot):
        return "lost"
    if pot.left < 0:
        return ", ".join(_many(count, word) for count, word in zip(pot[:2], ("onion", "tomato"), strict=True) if count)
    name = kitchen.items[pot.soup]
    if pot.left == 0:
        return f"{name} ready"
    if kitchen.cook_time is None:
        return f"{name} cooking, {_many(pot.left, 'step')} left"
    return f"{name} cooking, {kitchen.cook_time - pot.left} of {kitchen.cook_time}"


def _many(count: int, word: str) -> str:
    plural = "es" if word.endswith("o") else "s"
    return f"{count} {word}{plural if count > 1 else ''}"


def _sign(kitchen: Kitchen, condition: int) -> str:
    """Return a few characters that say what is in a pot."""
    pot = kitchen.pots[condition]
    if kitchen.lost(pot):
        return "#"
    if pot.left < 0:
        if not kitchen.has_tomatoes:
            return str(pot.onions)
        return letters(pot[:2]) if kitchen.size <= SIZE else f"{pot.onions}:{pot.tomatoes}"
    if pot.left == 0:
        return kitchen.letter(pot.soup)
    return f"~{pot.left if kitchen.cook_time is None else kitchen.cook_time - pot.left}"
