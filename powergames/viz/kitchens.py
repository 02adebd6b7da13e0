"""A kitchen of Overcooked as a picture.

Pillow draws, with the font that it brings. Everything is drawn larger and then made smaller, so that edges are smooth.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from powergames.environments.overcooked.kitchen import MOVES, NOTHING, Kitchen
from powergames.environments.overcooked.layouts import DISHES, FLOOR, ONIONS, POT, SERVING, TOMATOES
from powergames.environments.overcooked.states import KitchenStates
from powergames.errors import InputError, needs
from powergames.viz.labels import state_index
from powergames.viz.theme import BLUE, FAINT, GREEN, INK, ORANGE, VERMILION

# Pixels of a cell, and how many times larger it is drawn.
CELL, SHARP = 72, 3

CHEFS = (BLUE, VERMILION)
YELLOW, RED, TILE, TOP, EDGE, STEEL = "#F0E442", "#C8321E", "#FAF7F0", "#C9B79C", "#b3a184", "#4d4d4d"
INGREDIENTS = {"onion": YELLOW, "tomato": RED}
LABELS = {ONIONS: "onions", TOMATOES: "tomatoes", DISHES: "dishes", POT: "pot", SERVING: "serve"}


def kitchen(game: Any, state: int | str = 0) -> Any:
    """Draw a state of a kitchen.

    Parameters
    ----------
    game : StochasticGame or DeterministicGame
        As `powergames.compile_overcooked` or ``powergames.load("overcooked:…")`` return it.
    state : int or str, default 0
        Index or name of the state.

    Returns
    -------
    PIL.Image.Image
        Each chef is a disc with its number and an arrow where it looks, and has what it holds in front. A pot shows its
        onions, or a ring that fills while the soup cooks, or the soup.

    Raises
    ------
    InputError
        If the game is no kitchen, there is no such state, or Pillow is not installed.

    Examples
    --------
    >>> import powergames as pg
    >>> kitchen(pg.compile_overcooked("tiny"), 600).size  # doctest: +SKIP
    (504, 216)
    """
    states = states_of(game)
    index = state_index(game, state)
    canvas = Canvas(*size_of(states))
    draw_kitchen(canvas, states, index)
    return canvas.picture()


class Canvas:
    """A white picture to draw on, in pixels of the finished one, from an origin that can be moved."""

    def __init__(self, width: float, height: float) -> None:
        image = pillow()
        from PIL import ImageDraw

        self.image = image.new("RGB", (round(width * SHARP), round(height * SHARP)), "white")
        self.draw = ImageDraw.Draw(self.image)
        self.origin = (0.0, 0.0)

    def picture(self) -> Any:
        """Return the finished picture."""
        return self.image.resize([length // SHARP for length in self.image.size], pillow().Resampling.LANCZOS)

    def box(self, x: float, y: float, wide: float, high: float, colour: str, edge: str | None = None) -> None:
        """Draw a rectangle from its upper left corner."""
        self.draw.rectangle([*self._at(x, y), *self._at(x + wide, y + high)], colour, edge, SHARP)

    def disc(self, x: float, y: float, radius: float, colour: str, edge: str = INK, width: float = 1.5) -> None:
        """Draw a disc around its centre."""
        corners = [*self._at(x - radius, y - radius), *self._at(x + radius, y + radius)]
        self.draw.ellipse(corners, colour, edge, round(width * SHARP))

    def ring(self, x: float, y: float, radius: float, share: float, colour: str) -> None:
        """Draw a part of a ring, clockwise from the top."""
        corners = [*self._at(x - radius, y - radius), *self._at(x + radius, y + radius)]
        self.draw.arc(corners, -90, -90 + 360 * share, colour, 6 * SHARP)

    def polygon(self, points: Sequence[tuple[float, float]], colour: str) -> None:
        """Draw a polygon."""
        self.draw.polygon([self._at(*point) for point in points], colour)

    def text(self, x: float, y: float, words: str, size: float, colour: str = INK, anchor: str = "mm") -> None:
        """Write words; the anchor is that of Pillow."""
        from PIL import ImageFont

        font = ImageFont.load_default(size * SHARP)
        self.draw.text(self._at(x, y), words, colour, font, anchor)

    def _at(self, x: float, y: float) -> tuple[float, float]:
        return (self.origin[0] + x) * SHARP, (self.origin[1] + y) * SHARP


def draw_kitchen(canvas: Canvas, states: KitchenStates, state: int) -> None:
    """Draw a state of a kitchen at the origin of the canvas."""
    rules, (poses, held, conditions) = states.kitchen, states.digits(state)
    for y, row in enumerate(rules.layout.rows):
        for x, kind in enumerate(row):
            floor = (x, y) in rules.floor or kind == FLOOR
            canvas.box(x * CELL, y * CELL, CELL, CELL, TILE if floor else TOP, FAINT if floor else EDGE)
            _station(canvas, kind, (x + 0.5) * CELL, (y + 0.5) * CELL)
    for (x, y), condition in zip(rules.things, conditions, strict=True):
        centre = (x + 0.5) * CELL, (y + 0.5) * CELL
        if rules.layout.at((x, y)) == POT:
            _pot(canvas, states, condition, centre[0], centre[1] - 7)
        else:
            _item(canvas, rules, condition, *centre)
    for chef in range(2):
        place, way = rules.poses[poses[chef]]
        x, y = rules.floor[place]
        _chef(canvas, chef, (x + 0.5) * CELL, (y + 0.5) * CELL, MOVES[way], rules, held[chef])


def _station(canvas: Canvas, kind: str, x: float, y: float) -> None:
    if kind in (ONIONS, TOMATOES):
        for dx, dy in ((-11, 2), (11, 2), (0, -13)):
            canvas.disc(x + dx, y + dy, 10, YELLOW if kind == ONIONS else RED)
    elif kind == DISHES:
        for dy in (-1, -7, -13):
            canvas.disc(x, y + dy, 16, "white")
    elif kind == SERVING:
        canvas.box(x - CELL / 2 + 6, y - CELL / 2 + 6, CELL - 12, CELL - 12, GREEN)
        canvas.polygon([(x - 14, y - 14), (x + 14, y - 14), (x, y + 4)], "white")
    if kind in LABELS and kind != POT:
        canvas.text(x, y + 23, LABELS[kind], 13, "white" if kind == SERVING else INK)
    elif kind == POT:
        canvas.text(x, y + 28, LABELS[kind], 13)


def _pot(canvas: Canvas, states: KitchenStates, condition: int, x: float, y: float) -> None:
    """Draw a pot: its ingredients, or how far its soup is; or that it is lost."""
    rules = states.kitchen
    pot = rules.pots[condition]
    canvas.disc(x, y, 26, STEEL)
    if rules.lost(pot):
        canvas.text(x, y, "lost", 14, "white")
        return
    if pot.left < 0:
        colours = [YELLOW] * pot.onions + [RED] * pot.tomatoes
        away, radius = 11 if len(colours) > 1 else 0, 9 if len(colours) < 4 else 5
        for k, colour in enumerate(colours):
            angle = 2 * math.pi * k / len(colours)
            canvas.disc(x + away * math.sin(angle), y - away * math.cos(angle), radius, colour)
        return
    spoiled, total = not rules.worth(pot.soup), rules.longest(pot.soup)
    canvas.disc(x, y, 17, INK if spoiled else ORANGE)
    canvas.ring(x, y, 25, 1 - pot.left / total, GREEN if pot.left == 0 else "white")
    cooked = f"{total - pot.left}/{total}" if rules.cook_time else f"{pot.left} left"
    canvas.text(
        x, y, cooked if pot.left else "ready", 14 if pot.left and rules.cook_time else 11, "white" if spoiled else INK
    )


def _chef(canvas: Canvas, chef: int, x: float, y: float, way: tuple[int, int], rules: Kitchen, held: int) -> None:
    dx, dy = way
    tip, side = 34, 13
    corners = [
        (tip * dx, tip * dy),
        (20 * dx - side * dy, 20 * dy + side * dx),
        (20 * dx + side * dy, 20 * dy - side * dx),
    ]
    canvas.polygon([(x + a, y + b) for a, b in corners], CHEFS[chef])
    canvas.disc(x, y, 23, CHEFS[chef], "white", 2)
    if held == NOTHING:
        canvas.text(x, y, str(chef + 1), 24, "white")
        return
    canvas.text(x, y - 12, str(chef + 1), 15, "white")
    _item(canvas, rules, held, x, y + 7)


def _item(canvas: Canvas, rules: Kitchen, item: int, x: float, y: float) -> None:
    """Draw what a chef holds or a counter carries, by its index in the items of the kitchen."""
    worth = rules.worth(item)
    if worth is not None or rules.items[item] == "dish":
        canvas.disc(x, y, 13, "white")
    if worth is not None:
        canvas.disc(x, y, 8, ORANGE if worth else INK)
    elif rules.items[item] in INGREDIENTS:
        canvas.disc(x, y, 10, INGREDIENTS[rules.items[item]])


def size_of(states: KitchenStates) -> tuple[int, int]:
    """Return the width and height of a picture of a kitchen."""
    rows = states.kitchen.layout.rows
    return len(rows[0]) * CELL, len(rows) * CELL


def states_of(game: Any) -> KitchenStates:
    """Return the states of a game that is a kitchen.

    Raises
    ------
    InputError
        If it is none.
    """
    states = getattr(game, "states", None)
    if not isinstance(states, KitchenStates):
        raise InputError(
            f"game: got {type(game).__name__}, which is no kitchen of Overcooked; give what "
            "powergames.compile_overcooked returns"
        )
    return states


def pillow() -> ModuleType:
    """Import Pillow.

    Raises
    ------
    InputError
        If it is not installed.
    """
    with needs("Pillow", "powergames[viz]", "kitchens"):
        from PIL import Image
    return Image
