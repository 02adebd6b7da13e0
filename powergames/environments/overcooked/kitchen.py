"""The rules of a kitchen, written as tables, and its states as digits, words and pictures.

In each step, chef 1 uses the station that the chef faces, if told to interact, and then chef 2 does. Then both move;
where they would collide, both stay. Then soups cook for a step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from powergames.environments.overcooked.layouts import (
    COUNTER,
    DISHES,
    FLOOR,
    MOST_CELLS,
    ONIONS,
    POT,
    SERVING,
    Cell,
    Layout,
)
from powergames.errors import InputError
from powergames.games.catalog.parameters import integer, quoted

ACTIONS = ("north", "south", "east", "west", "stay", "interact")
MOVES: tuple[Cell, ...] = ((0, -1), (0, 1), (1, 0), (-1, 0), (0, 0))
STAY = 4

NOTHING, ONION, DISH, SOUP, SPOILED = range(5)
ITEMS = ("nothing", "onion", "dish", "soup", "spoiled soup")

# Kinds of stations; all but pots and counters are without condition.
KINDS = ("", ONIONS, DISHES, SERVING, POT, COUNTER)

DYNAMICS = ("old", "new")
DEFAULTS = {"onions": 3, "cook_time": 20, "dynamics": "new", "counters": "all"}
MOST_ONIONS = 10
MOST_COOK_TIME = 1000


@dataclass(frozen=True)
class Kitchen:
    """A layout with its rules.

    Attributes
    ----------
    layout : Layout
    onions : int
        Onions that a soup takes.
    cook_time : int
        Steps that a soup cooks; the step in which it starts is the first of them.
    dynamics : {"old", "new"}
        Whether a full pot starts to cook by itself, or at a chef's interaction, which may come too early: the soup is
        then spoiled, and pays nothing.
    counters : tuple of (int, int)
        Cells (x, y) of the counters on which things can be put. At others, interacting does nothing.
    merge : bool
        Whether states in which interacting does the same are one state.
    """

    layout: Layout
    onions: int
    cook_time: int
    dynamics: str
    counters: tuple[Cell, ...]
    merge: bool

    @property
    def spoils(self) -> bool:
        """Whether a soup can be spoiled."""
        return self.dynamics == "new" and self.onions > 1

    @cached_property
    def items(self) -> tuple[str, ...]:
        """Names of what a chef can hold and a counter carry, "nothing" first."""
        return ITEMS if self.spoils else ITEMS[:SPOILED]

    @cached_property
    def floor(self) -> tuple[Cell, ...]:
        """Cells that some chef can reach, row by row."""
        return tuple(sorted(set().union(*reachable(self.layout)), key=_by_row))

    @cached_property
    def things(self) -> tuple[Cell, ...]:
        """Cells of the pots and counters whose condition is part of the state: those that some chef can use."""
        used = {cell for place in self.floor for cell in around(place)}
        return tuple(cell for cell in sorted(used, key=_by_row) if self.layout.at(cell) == POT or cell in self.counters)

    @cached_property
    def stations(self) -> tuple[tuple[int, int], ...]:
        """For each cell of `floor` and direction, in C order: kind of the station and index of its thing."""
        found = []
        for place in self.floor:
            for cell in around(place):
                kind = self.layout.at(cell)
                if cell in self.things:
                    found.append((KINDS.index(kind), self.things.index(cell)))
                else:
                    found.append((0 if kind in (FLOOR, COUNTER) else KINDS.index(kind), len(self.things)))
        return tuple(found)

    @cached_property
    def poses(self) -> tuple[tuple[int, int], ...]:
        """Pairs of a cell's index in `floor` and a direction; of directions that are merged, the first one."""
        return tuple(dict.fromkeys(self.pose_of(cell, way) for cell in range(len(self.floor)) for way in range(4)))

    def pose_of(self, cell: int, way: int) -> tuple[int, int]:
        """Return the pose of a chef in a cell who looks in a direction."""
        if self.merge:
            faced = self.stations[4 * cell : 4 * cell + 4]
            way = faced.index(faced[way])
        return cell, way

    @cached_property
    def conditions(self) -> tuple[int, ...]:
        """Number of conditions of each of the `things`."""
        pot = self.onions + 1 + (2 if self.spoils else 1) * (self.cook_time + 1)
        return tuple(pot if self.layout.at(cell) == POT else len(self.items) for cell in self.things)

    @cached_property
    def radices(self) -> np.ndarray:
        """Number of values of each digit of a state: poses of both chefs, what they hold, conditions of the things."""
        return np.array([len(self.poses)] * 2 + [len(self.items)] * 2 + list(self.conditions), dtype=np.int64)

    @property
    def most_states(self) -> int:
        """A number that the states cannot exceed."""
        return math.prod(self.radices.tolist())

    @property
    def start(self) -> tuple[int, ...]:
        """Digits of the state in which play begins."""
        poses = [self.poses.index(self.pose_of(self.floor.index(cell), 0)) for cell in self.layout.starts]
        return (*poses, NOTHING, NOTHING, *[0] * len(self.things))

    def cooking(self, condition: int) -> tuple[int, int, bool]:
        """Return what is in a pot: onions, steps that it cooked or -1, and whether the soup is spoiled."""
        over = condition - self.onions - 1
        if over < 0:
            return condition, -1, False
        return self.onions, over % (self.cook_time + 1), over > self.cook_time

    def cooked(self, steps: int, spoiled: bool) -> int:
        """Return the condition of a pot whose soup cooked for a number of steps."""
        return self.onions + 1 + spoiled * (self.cook_time + 1) + steps

    def use(self, kind: str, held: int, condition: int) -> tuple[int, int, int]:
        """Say what interacting does.

        Parameters
        ----------
        kind : str
            Character of the station, "" for none.
        held : int
            Item that the chef holds, as an index of `items`.
        condition : int
            Condition of the station: of a counter the item on it; of a pot see `cooking`; else 0.

        Returns
        -------
        held, condition, soups : int
            Afterwards; and how many soups were served that are paid for.
        """
        if kind == ONIONS and held == NOTHING:
            return ONION, condition, 0
        if kind == DISHES and held == NOTHING:
            return DISH, condition, 0
        if kind == SERVING and held in (SOUP, SPOILED):
            return NOTHING, condition, int(held == SOUP)
        if kind == COUNTER and NOTHING in (held, condition):
            return condition, held, 0
        if kind == POT:
            onions, steps, spoiled = self.cooking(condition)
            if held == ONION and steps < 0 and onions < self.onions:
                return NOTHING, condition + 1, 0
            if held == NOTHING and steps < 0 and onions and self.dynamics == "new":
                return NOTHING, self.cooked(0, onions < self.onions), 0
            if held == DISH and steps == self.cook_time:
                return SPOILED if spoiled else SOUP, 0, 0
        return held, condition, 0

    def tick(self, condition: int) -> int:
        """Return the condition of a pot a step later."""
        onions, steps, spoiled = self.cooking(condition)
        if steps < 0:
            full = onions == self.onions and self.dynamics == "old"
            return self.cooked(1, False) if full else condition
        return self.cooked(min(steps + 1, self.cook_time), spoiled)

    def tables(self) -> tuple[np.ndarray, ...]:
        """Return the rules as `powergames.kernels.overcooked.expand` takes them, `cells` to `radices`."""
        index = {pose: k for k, pose in enumerate(self.poses)}
        cells = np.array([cell for cell, _ in self.poses], dtype=np.int64)
        ahead, moved, turned = (np.empty((len(index), len(MOVES)), np.int64) for _ in range(3))
        for k, (place, way) in enumerate(self.poses):
            for a, (dx, dy) in enumerate(MOVES):
                x, y = self.floor[place]
                there = (x + dx, y + dy)
                to = self.floor.index(there) if there in self.floor else place
                looks = way if a == STAY else a
                ahead[k, a] = to
                moved[k, a] = index[self.pose_of(to, looks)]
                turned[k, a] = index[self.pose_of(place, looks)]
        stations = np.array([self.stations[4 * place + way] for place, way in self.poses], dtype=np.int64)
        most = max(self.conditions, default=1)
        uses = np.zeros((len(KINDS), len(self.items), most, 3), np.int64)
        for k, kind in enumerate(KINDS):
            sizes = {self.conditions[i] for i, cell in enumerate(self.things) if self.layout.at(cell) == kind}
            for held in range(len(self.items)):
                for condition in range(max(sizes, default=1)):
                    uses[k, held, condition] = self.use(kind, held, condition)
        ticks = np.zeros((len(self.things), most), np.int64)
        for i, cell in enumerate(self.things):
            for condition in range(self.conditions[i]):
                ticks[i, condition] = self.tick(condition) if self.layout.at(cell) == POT else condition
        return cells, ahead, moved, turned, stations, uses, ticks, self.radices


def make_kitchen(
    layout: Layout,
    onions: Any = None,
    cook_time: Any = None,
    dynamics: Any = None,
    counters: Any = None,
    merge: bool = True,
) -> Kitchen:
    """Check the rules that go with a layout.

    Parameters
    ----------
    layout : Layout
    onions, cook_time, dynamics, counters
        As in `compile_overcooked`; None for what the layout says, and else 3, 20, "new" and "all".
    merge : bool, default True

    Returns
    -------
    Kitchen

    Raises
    ------
    InputError
        If a value cannot be used.
    """
    given = {"onions": onions, "cook_time": cook_time, "dynamics": dynamics, "counters": counters}
    rules = DEFAULTS | dict(layout.options) | {name: value for name, value in given.items() if value is not None}
    if rules["dynamics"] not in DYNAMICS:
        raise InputError(f"dynamics: got {quoted(str(rules['dynamics']))}; give one of {', '.join(DYNAMICS)}")
    return Kitchen(
        layout,
        integer("onions", rules["onions"], 1, MOST_ONIONS),
        integer("cook_time", rules["cook_time"], 1, MOST_COOK_TIME),
        rules["dynamics"],
        chosen_counters(layout, rules["counters"]),
        bool(merge),
    )


def chosen_counters(layout: Layout, counters: Any) -> tuple[Cell, ...]:
    """Return the counters that can be used.

    Parameters
    ----------
    layout : Layout
    counters : "all", int, or sequence of (int, int)
        How many, or which cells (x, y). A number takes those first that both chefs can use; of these those nearest to
        the middle of the grid, counted in steps of which each may be diagonal; of these those nearest to a pot, in rows
        and columns together; and of these those further right, then further up. As text, a number, or cells as in
        ``"3.0+1.0"``.

    Returns
    -------
    tuple of (int, int)
        Row by row.

    Raises
    ------
    InputError
        If a cell is no counter, or none that a chef can use, or there are fewer than asked for.

    Examples
    --------
    >>> from powergames.environments.overcooked.layouts import LAYOUTS
    >>> [chosen_counters(LAYOUTS["cramped_room"], count) for count in (1, 2)]
    [((3, 0),), ((1, 0), (3, 0))]
    """
    usable = [
        {cell for place in places for cell in around(place) if layout.at(cell) == COUNTER}
        for places in reachable(layout)
    ]
    either, both = usable[0] | usable[1], usable[0] & usable[1]
    if isinstance(counters, str):
        counters = counters.strip()
        if counters == "all":
            return tuple(sorted(either, key=_by_row))
        if "." in counters:
            counters = [part.split(".") for part in counters.split("+")]
    if isinstance(counters, Sequence) and not isinstance(counters, str):
        return tuple(sorted({_counter_at(layout, cell, either) for cell in counters}, key=_by_row))
    count = integer("counters", counters, 0, MOST_CELLS)
    if count > len(either):
        raise InputError(f"counters: got {count}; chefs can use {len(either)} counters in {layout.name}")
    pots = [(x, y) for y, row in enumerate(layout.rows) for x, what in enumerate(row) if what == POT]

    def rank(cell: Cell) -> tuple[Any, ...]:
        x, y = cell
        off = max(abs(2 * x + 1 - len(layout.rows[0])), abs(2 * y + 1 - len(layout.rows)))
        return cell not in both, off, min((abs(x - a) + abs(y - b) for a, b in pots), default=0), -x, y

    return tuple(sorted(sorted(either, key=rank)[:count], key=_by_row))


def _counter_at(layout: Layout, cell: Any, usable: set[Cell]) -> Cell:
    try:
        x, y = (int(number) for number in cell)
    except (TypeError, ValueError):
        raise InputError(f"counters: got {quoted(str(cell))}; give cells as (x, y), or as in 3.0+1.0") from None
    if (x, y) not in usable:
        known = ", ".join(map(str, sorted(usable, key=_by_row))) or "none"
        raise InputError(f"counters: ({x}, {y}) is no counter that a chef can use; in {layout.name} they are {known}")
    return x, y


def around(cell: Cell) -> tuple[Cell, ...]:
    """Return the four cells next to a cell: north, south, east, west."""
    x, y = cell
    return tuple((x + dx, y + dy) for dx, dy in MOVES[:STAY])


def reachable(layout: Layout) -> tuple[set[Cell], set[Cell]]:
    """Return the cells that each chef can reach."""
    found = []
    for start in layout.starts:
        seen, todo = {start}, [start]
        while todo:
            for cell in around(todo.pop()):
                if layout.at(cell) == FLOOR and cell not in seen:
                    seen.add(cell)
                    todo.append(cell)
        found.append(seen)
    return found[0], found[1]


def _by_row(cell: Cell) -> tuple[int, int]:
    return cell[1], cell[0]
