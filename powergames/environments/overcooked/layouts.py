"""Layouts of Overcooked: grids of text, those that come with a name, and files.

A grid has one character per cell: ``X`` a counter, ``O`` onions, ``D`` dishes, ``P`` a pot, ``S`` where soups are
served, a blank for floor, ``1`` and ``2`` for floor on which a chef starts. A cell is named by its column and row,
(x, y), counted from 0 at the top left.

The grids of cramped_room, asymmetric_advantages, coordination_ring, forced_coordination and counter_circuit are the
standard ones of Overcooked-AI, Copyright (c) 2019 Human-Compatible AI, distributed under the MIT license.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

from powergames.errors import FormatError, InputError

COUNTER, ONIONS, DISHES, POT, SERVING, FLOOR = "XODPS "
STATIONS = "XODPS"
CHEFS = "12"

# The most cells that a grid may have, and the most bytes of a file that holds one.
MOST_CELLS = 10_000
MOST_BYTES = 1_000_000

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
            if character == "T":
                raise InputError(f"{place}: got 'T', tomatoes; only soups of onions can be compiled, so use 'O' or 'X'")
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
        Its contents: a dict with the key ``"grid"``, as Python writes one, or the grid alone. Of the other keys,
        ``"start_all_orders"`` with one recipe of onions and ``"cook_time"`` are used.
    source : str
        Name of the file.

    Returns
    -------
    Layout

    Raises
    ------
    FormatError
        If there is no dict in it, or no grid.
    InputError
        If the grid is not valid, or orders are others than one soup of onions.

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
    options: dict[str, Any] = {}
    orders = content.get("start_all_orders")
    if orders:
        try:
            (recipe,) = (list(order["ingredients"]) for order in orders)
        except (KeyError, TypeError, ValueError):
            recipe = []
        if not recipe or any(ingredient != "onion" for ingredient in recipe):
            raise InputError(f"{source}: 'start_all_orders' must hold one recipe, of onions only; change the orders")
        options["onions"] = len(recipe)
    # In Overcooked-AI, a time of 0 stands for the default.
    if content.get("cook_time"):
        options["cook_time"] = content["cook_time"]
    return parse_grid(grid, source, **options)


def _known() -> str:
    return ", ".join(map(repr, (*STATIONS, *CHEFS))) + " and blanks"


def _named(name: str, summary: str, grid: str, **options: Any) -> Layout:
    return replace(parse_grid(grid.split("|"), name, **options), summary=summary)


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
        )
    }
)
