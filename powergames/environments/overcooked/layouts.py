"""Layouts of Overcooked: grids of text, those that come with a name, and files.

A grid has one character per cell: ``X`` a counter, ``O`` onions, ``T`` tomatoes, ``D`` dishes, ``P`` a pot, ``S`` where
soups are served, a blank for floor, ``1`` and ``2`` for floor on which a chef starts. A cell is named by its column and
row, (x, y), counted from 0 at the top left.

The grids of cramped_room, asymmetric_advantages, coordination_ring, forced_coordination and counter_circuit are the
standard ones of Overcooked-AI, Copyright (c) 2019 Human-Compatible AI, distributed under the MIT license. Those of
mini1 and mini2 are called power_wrong_ingredient_mini1 and _mini2 in github.com/varmichelle/overcooked_ai, a fork of it
by the first author of the paper on power regularization, under the same license.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import Any

from powergames.environments.overcooked.recipes import SIZE, VALUE, Recipe, all_recipes, letters
from powergames.errors import FormatError, InputError
from powergames.games.catalog.parameters import integer, real

COUNTER, ONIONS, TOMATOES, DISHES, POT, SERVING, FLOOR = "XOTDPS "
STATIONS = "XOTDPS"
CHEFS = "12"

# The most cells that a grid may have, and the most bytes of a file that holds one.
MOST_CELLS = 10_000
MOST_BYTES = 1_000_000

# The most ingredients that a pot may take.
MOST_INGREDIENTS = 10

# In the author's code the name of a layout says how many thousands are lost when both ingredients meet in a pot.
_AUTHORS = re.compile(r"power_wrong_ingredient_\w*?(?:_explosion(\d{1,6})k)?")

Cell = tuple[int, int]


@dataclass(frozen=True)
class Layout:
    """Where everything is in a kitchen.

    Attributes
    ----------
    name : str
    rows : tuple of str
        The grid without the chefs; ``rows[y][x]``.
    starts : tuple of (int, int)
        The cells (x, y) where chef 1 and chef 2 start.
    options : dict
        The rules that go with the layout, as parameters of `compile_overcooked`.
    summary : str
        What it is like, in a line.
    """

    name: str
    rows: tuple[str, ...]
    starts: tuple[Cell, Cell]
    options: Mapping[str, Any] = field(default_factory=dict)
    summary: str = ""

    def at(self, cell: Cell) -> str:
        """Return what is in a cell; "" outside the grid, where there is a wall."""
        x, y = cell
        return self.rows[y][x] if 0 <= y < len(self.rows) and 0 <= x < len(self.rows[0]) else ""


def parse_grid(text: str | Sequence[str], name: str = "kitchen", **options: Any) -> Layout:
    """Read a grid.

    Parameters
    ----------
    text : str or sequence of str
        The rows, as lines or as a list. Blank lines above and below, and indentation that all rows have, are ignored.
    name : str, default "kitchen"
        What to call it.
    **options
        Rules that go with it; see `Layout`.

    Returns
    -------
    Layout

    Raises
    ------
    InputError
        If rows differ in length, a character is unknown, or there are not exactly two chefs.

    Examples
    --------
    >>> parse_grid("XPX|O1D|O2S|XXX".split("|")).starts
    ((1, 1), (1, 2))
    """
    lines = text.splitlines() if isinstance(text, str) else [str(line) for line in text]
    # A row of floor alone is no row of a kitchen: cells at the border are stations.
    rows = [line.strip() for line in lines if line.strip()]
    if not rows:
        raise InputError(f"{name}: the grid is empty; give rows of the characters {_known()}")
    if sum(map(len, rows)) > MOST_CELLS:
        raise InputError(f"{name}: the grid has {sum(map(len, rows)):,} cells; give at most {MOST_CELLS:,}")
    starts: dict[str, Cell] = {}
    for y, row in enumerate(rows):
        if len(row) != len(rows[0]):
            raise InputError(
                f"{name}: line {y + 1} of the grid has {len(row)} cells and line 1 has {len(rows[0])}; make all rows "
                "equally long"
            )
        for x, character in enumerate(row):
            place = f"{name}: line {y + 1}, column {x + 1} of the grid"
            if character not in STATIONS + FLOOR + CHEFS:
                raise InputError(f"{place}: got {character!r}; give one of {_known()}")
            if character in starts:
                raise InputError(f"{place}: chef {character} is there a second time; give one '1' and one '2'")
            if character in CHEFS:
                starts[character] = x, y
    missing = [chef for chef in CHEFS if chef not in starts]
    if missing:
        raise InputError(f"{name}: the grid has no chef {missing[0]}; give exactly two chefs, '1' and '2'")
    cleared = tuple(row.replace("1", FLOOR).replace("2", FLOOR) for row in rows)
    return Layout(name, cleared, (starts["1"], starts["2"]), options)


def parse_file(text: str, source: str) -> Layout:
    r"""Read a ``.layout`` file, of Overcooked-AI or with the bare grid.

    Parameters
    ----------
    text : str
        Its contents: a dict with the key ``"grid"``, as Python writes one, or the grid alone. The keys of Overcooked-AI
        that say what soups take, how long they cook and what they are worth are used; others are ignored.
    source : str
        Name of the file. The rules of the ``power_wrong_ingredient`` layouts stand in their author's code, which goes
        by the layout's name: so does this.

    Returns
    -------
    Layout

    Raises
    ------
    FormatError
        If there is no dict in it, or no grid.
    InputError
        If the grid is not valid, or orders, values or times are not.

    Examples
    --------
    >>> text = '{"grid": "XPX|O1D|O2S|XXX", "start_all_orders": [{"ingredients": ["onion"]}]}'.replace("|", r"\n")
    >>> parse_file(text, "small.layout").options
    {'onions': 1}
    """
    if len(text) > MOST_BYTES:
        raise FormatError(f"{source}: {len(text):,} characters; a layout has at most {MOST_BYTES:,}")
    if not text.lstrip().startswith("{"):
        return parse_grid(text, source)
    try:
        content = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise FormatError(f"{source}: not a dict as Python writes one; see Overcooked-AI's layouts") from None
    grid = content.get("grid") if isinstance(content, dict) else None
    if not isinstance(grid, str):
        raise FormatError(f"{source}: no text under the key 'grid'; give the rows of the kitchen there")
    return parse_grid(grid, source, **_soups(content, source, TOMATOES in grid), **_author_rules(source))


def _soups(content: Mapping[str, Any], source: str, tomatoes: bool) -> dict[str, Any]:
    """Return the rules of a layout of Overcooked-AI about its soups."""
    options: dict[str, Any] = {}
    orders = _recipes(content, "start_all_orders", source)
    # In Overcooked-AI, a time of 0 stands for the default.
    if content.get("cook_time"):
        options["cook_time"] = content["cook_time"]
    elif "recipe_times" in content:
        options["recipe_times"] = dict(zip(orders, _listed(content, "recipe_times", orders, source), strict=True))
    elif content.get("onion_time") and content.get("tomato_time"):
        options |= {key: content[key] for key in ("onion_time", "tomato_time")}
    if len(orders) == 1 and not tomatoes and orders[0][1] == 0:
        return {"onions": orders[0][0], **options}
    if not orders and not tomatoes:
        return options
    size = integer(f"{source}: 'max_num_ingredients'", content.get("max_num_ingredients", SIZE), 1, MOST_INGREDIENTS)
    recipes = orders or list(all_recipes(size)[1:])
    values = _values(content, recipes, source)
    bonus = real(f"{source}: 'order_bonus'", content.get("order_bonus", 2))
    for recipe in _recipes(content, "start_bonus_orders", source):
        if recipe not in values:
            raise InputError(
                f"{source}: 'start_bonus_orders' has a soup that is not in 'start_all_orders'; add it there"
            )
        values[recipe] *= bonus
    return {"recipes": {letters(recipe): value for recipe, value in values.items()}, "pot_size": size, **options}


def _recipes(content: Mapping[str, Any], key: str, source: str) -> list[Recipe]:
    """Return a list of orders as recipes."""
    found: list[Recipe] = []
    try:
        for order in content.get(key) or []:
            names = list(order["ingredients"])
            recipe = names.count("onion"), names.count("tomato")
            if not names or sum(recipe) != len(names) or recipe in found:
                raise ValueError
            found.append(recipe)
    except (KeyError, TypeError, ValueError):
        raise InputError(
            f"{source}: {key!r} must hold different soups, each as {{'ingredients': ['onion', 'tomato']}}; change the "
            "orders"
        ) from None
    return found


def _values(content: Mapping[str, Any], recipes: Sequence[Recipe], source: str) -> dict[Recipe, Fraction]:
    """Return what the soups of a layout are worth."""
    if content.get("delivery_reward"):
        given = [content["delivery_reward"]] * len(recipes)
    elif "recipe_values" in content:
        given = _listed(content, "recipe_values", recipes, source)
    elif content.get("onion_value") and content.get("tomato_value"):
        worth = [real(f"{source}: {key!r}", content[key]) for key in ("onion_value", "tomato_value")]
        given = [worth[0] * onions + worth[1] * tomatoes for onions, tomatoes in recipes]
    else:
        given = [VALUE] * len(recipes)
    return {recipe: real(f"{source}: value of a soup", value) for recipe, value in zip(recipes, given, strict=True)}


def _listed(content: Mapping[str, Any], key: str, recipes: Sequence[Recipe], source: str) -> list[Any]:
    """Return a list with one entry for each order."""
    listed = content[key]
    if not isinstance(listed, (list, tuple)) or len(listed) != len(recipes):
        raise InputError(f"{source}: {key!r} must have one number for each of 'start_all_orders'; change one of them")
    return list(listed)


def _author_rules(source: str) -> dict[str, Any]:
    """Return the rules that go with the name of a layout in the code that power_wrong_ingredient layouts are from.

    Counters are left out, and the larger layout reduced, as where they are named mini1 and mini2.
    """
    match = _AUTHORS.fullmatch(Path(source).stem)
    if match is None:
        return {}
    return {"mixing": "lost", "explosion": 1000 * int(match[1] or 0), "counters": 0, "reduce": "_mini2" in match[0]}


def _known() -> str:
    return ", ".join(map(repr, (*STATIONS, *CHEFS))) + " and blanks"


def _named(name: str, summary: str, grid: str, **options: Any) -> Layout:
    return replace(parse_grid(grid.split("|"), name, **options), summary=summary)


# By default without counters, and the larger one reduced: so they fit into memory in the form that solvers take.
_AUTHOR: dict[str, Any] = {
    "recipes": "ooo+ttt",
    "pot_size": 3,
    "onion_time": 1,
    "tomato_time": 1,
    "dynamics": "new",
    "mixing": "lost",
    "explosion": 0,
    "counters": 0,
}
_SMALL: dict[str, Any] = {"onions": 1, "cook_time": 2, "dynamics": "new", "counters": "all"}
_STANDARD: dict[str, Any] = {"onions": 3, "cook_time": 5, "dynamics": "old", "counters": 0}

LAYOUTS: Mapping[str, Layout] = MappingProxyType(
    {
        layout.name: layout
        for layout in (
            _named(
                "tiny",
                "Two rooms of two cells each, which have everything but share the only pot.",
                "XDSXDOX|O1 P 2D|XODXSOX",
                **_SMALL,
            ),
            _named(
                "shared_pot",
                "Two rooms that share a pot, of which one has another pot of its own.",
                "XSSXSDX|P1 P 2O|XDOXXDX",
                **_SMALL,
            ),
            _named(
                "three_pots",
                "Two long rooms that share a pot, onions and a counter.",
                "XDXSX|D1X D|O O D|S P2X|XDXDX",
                **_SMALL,
            ),
            _named(
                "cramped_room",
                "One small room, in which chefs get into each other's way.",
                "XXPXX|O  2O|X1  X|XDXSX",
                **_STANDARD | {"cook_time": 20, "counters": 1},
            ),
            _named(
                "forced_coordination",
                "One chef has onions and dishes, the other pots: things must be passed over a counter.",
                "XXXPX|O X1P|O2X X|D X X|XXXSX",
                **_STANDARD | {"counters": 1},
            ),
            _named(
                "coordination_ring",
                "A ring, in which both chefs had better go round the same way.",
                "XXXPX|X 1 P|D2X X|O   X|XOSXX",
                **_STANDARD,
            ),
            _named(
                "asymmetric_advantages",
                "Two rooms that share pots; what is close in one is far in the other.",
                "XXXXXXXXX|O XSXOX S|X   P 1 X|X2  P   X|XXXDXDXXX",
                **_STANDARD,
            ),
            _named(
                "counter_circuit",
                "A ring around a long counter.",
                "XXXPPXXX|X  2   X|D XXXX S|X  1   X|XXXOOXXX",
                **_STANDARD,
            ),
            _named(
                "mini1",
                "One chef has onions, the other tomatoes; each has a pot, and the one they share is closer.",
                "XOX|X1S|D P|XPX|D P|X2S|XTX",
                **_AUTHOR,
            ),
            _named(
                "mini2",
                "One chef has onions, the other tomatoes; each has a pot, and two are shared.",
                "XOXX|X1SX|D  P|XPPX|P  D|XS2X|XXTX",
                **_AUTHOR,
                reduce=True,
            ),
        )
    }
)
