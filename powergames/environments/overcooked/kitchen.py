"""The rules of a kitchen, written as tables, and its states as digits, words and pictures.

In each step, chef 1 uses the station that the chef faces, if told to interact, and then chef 2 does. Then both move;
where they would collide, both stay. Then soups cook for a step.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from powergames.environments.overcooked.layouts import (
    COUNTER,
    DISHES,
    FLOOR,
    MOST_CELLS,
    MOST_INGREDIENTS,
    ONIONS,
    POT,
    SERVING,
    TOMATOES,
    Cell,
    Layout,
)
from powergames.environments.overcooked.recipes import SIZE, VALUE, Recipe, all_recipes, letters, read_recipes
from powergames.errors import InputError
from powergames.games.catalog.parameters import integer, quoted, real

ACTIONS = ("north", "south", "east", "west", "stay", "interact")
MOVES: tuple[Cell, ...] = ((0, -1), (0, 1), (1, 0), (-1, 0), (0, 0))
STAY = 4

# What a chef can hold; kinds of soup follow, and then a tomato if there are any.
NOTHING, ONION, DISH, SOUP = range(4)

# Kinds of stations; all but pots and counters are without condition.
KINDS = ("", ONIONS, TOMATOES, DISHES, SERVING, POT, COUNTER)

DYNAMICS = ("old", "new")
MIXING = ("lost", "allowed")
DEFAULTS: Mapping[str, Any] = {
    "onions": 3,
    "cook_time": 20,
    "dynamics": "new",
    "mixing": "allowed",
    "explosion": 0,
    "counters": "all",
}
MOST_COOK_TIME = 1000

# Rules that say the same in two ways.
EITHER = (
    (("onions",), ("recipes",)),
    (("cook_time",), ("onion_time", "tomato_time")),
    (("cook_time", "onion_time", "tomato_time"), ("recipe_times",)),
)

# The most that a soup may pay, in units of the least.
MOST_PAID = 2**30 - 1


class Pot(NamedTuple):
    """What is in a pot.

    Attributes
    ----------
    onions, tomatoes : int
        Ingredients in it while it does not cook.
    left : int
        Steps until the soup is ready; -1 if it does not cook.
    soup : int
        Kind of soup that cooks or is ready, as an index of `Kitchen.items`; else `NOTHING`.
    """

    onions: int = 0
    tomatoes: int = 0
    left: int = -1
    soup: int = NOTHING


# Where both ingredients have met and that is not allowed, whatever is in the pot is this.
LOST = Pot(1, 1)


@dataclass(frozen=True)
class Kitchen:
    """A layout with its rules.

    Attributes
    ----------
    layout : Layout
    size : int
        Ingredients that a pot takes.
    recipes : dict of (int, int) to Fraction
        For the onions and tomatoes of each soup that is paid for, what it is worth: 1 for the best one.
    times : dict of (int, int) to int
        Steps that a soup cooks; the step in which it starts is the first of them.
    dynamics : {"old", "new"}
        Whether a full pot starts to cook by itself, or at a chef's interaction, which may come too early: a soup of
        which there is no recipe is spoiled, and pays nothing.
    mixing : {"lost", "allowed"}
        Whether a pot is lost as soon as onions and tomatoes meet in it: it takes nothing more, cannot be started, and
        cannot be emptied.
    explosion : Fraction
        What is lost with such a pot, in soups of worth 1.
    counters : tuple of (int, int)
        Cells (x, y) of the counters on which things can be put. At others, interacting does nothing.
    merge : bool
        Whether states in which interacting does the same are one state.
    """

    layout: Layout
    size: int
    recipes: Mapping[Recipe, Fraction]
    times: Mapping[Recipe, int]
    dynamics: str
    mixing: str
    explosion: Fraction
    counters: tuple[Cell, ...]
    merge: bool

    @cached_property
    def has_tomatoes(self) -> bool:
        """Whether there are tomatoes."""
        return any(TOMATOES in row for row in self.layout.rows)

    @cached_property
    def contents(self) -> tuple[Recipe, ...]:
        """Ingredients that can be in a pot that is not lost, in the order of their number."""
        return tuple(
            recipe
            for recipe in all_recipes(self.size)
            if not recipe[1] or (self.has_tomatoes and (self.mixing == "allowed" or not recipe[0]))
        )

    @cached_property
    def worths(self) -> Mapping[Recipe, Fraction]:
        """What each soup that can be cooked is worth."""
        least = 1 if self.dynamics == "new" else self.size
        return {recipe: self.recipes.get(recipe, Fraction(0)) for recipe in self.contents if sum(recipe) >= least}

    @cached_property
    def kinds(self) -> tuple[Fraction, ...]:
        """What the kinds of soup are worth, the best one first and a spoiled one, of worth 0, last."""
        return tuple(sorted(set(self.worths.values()), key=lambda worth: (worth == 0, -worth)))

    @cached_property
    def items(self) -> tuple[str, ...]:
        """Names of what a chef can hold and a counter carry, "nothing" first."""
        paid = [worth for worth in self.kinds if worth]
        soups = [f"soup worth {worth}" for worth in paid] if len(paid) > 1 else ["soup"] * len(paid)
        spoiled = ["spoiled soup"] * (len(self.kinds) - len(paid))
        return ("nothing", "onion", "dish", *soups, *spoiled, *["tomato"] * self.has_tomatoes)

    def worth(self, item: int) -> Fraction | None:
        """Return what an item is worth where soup is served; None if it is no soup."""
        return self.kinds[item - SOUP] if SOUP <= item < SOUP + len(self.kinds) else None

    def soup(self, recipe: Recipe) -> int:
        """Return the kind of soup that ingredients become, as an index of `items`."""
        return SOUP + self.kinds.index(self.worths[recipe])

    @cached_property
    def cook_time(self) -> int | None:
        """Steps that a soup cooks; None if that depends on the soup."""
        times = {self.times[recipe] for recipe in self.worths}
        return times.pop() if len(times) == 1 else None

    @cached_property
    def pots(self) -> tuple[Pot, ...]:
        """What can be in a pot, the empty pot first.

        Soups that cook are the same if they are worth the same and ready at the same time.
        """
        found = [Pot(*recipe) for recipe in self.contents]
        if self.has_tomatoes and self.mixing == "lost" and self.size > 1:
            found.append(LOST)
        for soup in range(SOUP, SOUP + len(self.kinds)):
            found += [Pot(left=left, soup=soup) for left in range(self.longest(soup), -1, -1)]
        return tuple(found)

    @cached_property
    def conditions_of_pots(self) -> Mapping[Pot, int]:
        """Index of each of the `pots`."""
        return {pot: condition for condition, pot in enumerate(self.pots)}

    def longest(self, soup: int) -> int:
        """Return the most steps that a soup of a kind cooks."""
        return max(self.times[recipe] for recipe in self.worths if self.soup(recipe) == soup)

    def letter(self, item: int) -> str:
        """Return a letter for an item; "" for nothing.

        o, d and t stand for onion, dish and tomato, s for soup and z for a spoiled one; a, b, c and so on for soups of
        several worths, the best one first.
        """
        worth = self.worth(item)
        if worth is None:
            return "" if item == NOTHING else self.items[item][0]
        several = sum(map(bool, self.kinds)) > 1
        return "z" if not worth else chr(ord("a") + item - SOUP) if several else "s"

    def lost(self, pot: Pot) -> bool:
        """Say whether a pot is lost."""
        return self.mixing == "lost" and pot.onions > 0 and pot.tomatoes > 0

    @property
    def unit(self) -> Fraction:
        """The greatest worth of which all that is paid is a multiple."""
        paid = [*self.kinds, self.explosion]
        scale = math.lcm(*(worth.denominator for worth in paid))
        return Fraction(math.gcd(*(int(worth * scale) for worth in paid)) or 1, scale)

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
        return tuple(len(self.pots if self.layout.at(cell) == POT else self.items) for cell in self.things)

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

    def use(self, kind: str, held: int, condition: int) -> tuple[int, int, Fraction]:
        """Say what interacting does.

        Parameters
        ----------
        kind : str
            Character of the station, "" for none.
        held : int
            Item that the chef holds, as an index of `items`.
        condition : int
            Condition of the station: of a counter the item on it; of a pot an index of `pots`; else 0.

        Returns
        -------
        held, condition : int
            Afterwards.
        paid : Fraction
            In soups of worth 1.
        """
        nothing = Fraction(0)
        if held == NOTHING and kind in (ONIONS, TOMATOES, DISHES):
            return {ONIONS: ONION, TOMATOES: len(self.items) - 1, DISHES: DISH}[kind], condition, nothing
        if kind == SERVING and (worth := self.worth(held)) is not None:
            return NOTHING, condition, worth
        if kind == COUNTER and NOTHING in (held, condition):
            return condition, held, nothing
        if kind == POT:
            pot = self.pots[condition]
            if pot.left == 0 and held == DISH:
                return pot.soup, 0, nothing
            if pot.left < 0 and not self.lost(pot):
                put = self.items[held] == "onion", self.items[held] == "tomato"
                if any(put) and pot.onions + pot.tomatoes < self.size:
                    filled = Pot(pot.onions + put[0], pot.tomatoes + put[1])
                    lost = self.lost(filled)
                    return (
                        NOTHING,
                        self.conditions_of_pots[LOST if lost else filled],
                        -self.explosion if lost else nothing,
                    )
                if held == NOTHING and condition and self.dynamics == "new":
                    return NOTHING, self.started(pot), nothing
        return held, condition, nothing

    def started(self, pot: Pot) -> int:
        """Return the condition of a pot that starts to cook."""
        recipe = pot.onions, pot.tomatoes
        return self.conditions_of_pots[Pot(left=self.times[recipe], soup=self.soup(recipe))]

    def tick(self, condition: int) -> int:
        """Return the condition of a pot a step later."""
        pot = self.pots[condition]
        if self.dynamics == "old" and pot.onions + pot.tomatoes == self.size and not self.lost(pot):
            pot = self.pots[self.started(pot)]
        return self.conditions_of_pots[pot._replace(left=pot.left - 1) if pot.left > 0 else pot]

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
        most, unit = max(self.conditions, default=1), self.unit
        uses = np.zeros((len(KINDS), len(self.items), most, 3), np.int64)
        for k, kind in enumerate(KINDS):
            sizes = {self.conditions[i] for i, cell in enumerate(self.things) if self.layout.at(cell) == kind}
            for held in range(len(self.items)):
                for condition in range(max(sizes, default=1)):
                    now, after, paid = self.use(kind, held, condition)
                    uses[k, held, condition] = now, after, int(paid / unit)
        ticks = np.zeros((len(self.things), most), np.int64)
        for i, cell in enumerate(self.things):
            for condition in range(self.conditions[i]):
                ticks[i, condition] = self.tick(condition) if self.layout.at(cell) == POT else condition
        return cells, ahead, moved, turned, stations, uses, ticks, self.radices


def make_kitchen(layout: Layout, rules: Mapping[str, Any], merge: bool = True) -> Kitchen:
    """Check the rules that go with a layout.

    Parameters
    ----------
    layout : Layout
    rules : dict
        Arguments of `compile_overcooked`, from `onions` to `counters`; None for what the layout says, and else
        `DEFAULTS`.
    merge : bool, default True

    Returns
    -------
    Kitchen

    Raises
    ------
    InputError
        If a value cannot be used, or two rules say different things.
    """
    given = {name: value for name, value in rules.items() if value is not None}
    options = dict(layout.options)
    # A rule that is given replaces the ones of the layout that say the same in another way.
    for one, others in EITHER:
        clash = [name for name in (*one, *others) if name in given]
        if any(name in one for name in clash) and any(name in others for name in clash):
            raise InputError(f"{clash[0]} and {clash[-1]}: two ways to say the same; give one of them")
        for ours, theirs in ((one, others), (others, one)):
            if any(name in given for name in ours):
                options = {name: value for name, value in options.items() if name not in theirs}
    if "onions" in given:
        options.pop("pot_size", None)
    if given.get("mixing") == "allowed":
        options.pop("explosion", None)
    said = {**DEFAULTS, **options, **given}
    for name, known in (("dynamics", DYNAMICS), ("mixing", MIXING)):
        if said[name] not in known:
            raise InputError(f"{name}: got {quoted(str(said[name]))}; give one of {', '.join(known)}")
    recipes, size = _recipes(layout, options | given)
    explosion = real("explosion", said["explosion"])
    if explosion < 0:
        raise InputError(f"explosion: got {said['explosion']}; give what is lost, a number >= 0")
    if explosion and said["mixing"] != "lost":
        raise InputError("explosion: it happens where mixing is lost; give mixing=lost with it")
    best = max(recipes.values())
    if best <= 0:
        raise InputError("recipes: no soup is worth more than 0; give one that is")
    kitchen = Kitchen(
        layout,
        size,
        {recipe: value / best for recipe, value in recipes.items()},
        _times(size, options | given),
        said["dynamics"],
        said["mixing"],
        explosion / best,
        chosen_counters(layout, said["counters"]),
        bool(merge),
    )
    if max(map(abs, (*kitchen.kinds, kitchen.explosion))) / kitchen.unit > MOST_PAID:
        raise InputError("recipes: what they are worth has no common unit that is large enough; give rounder numbers")
    return kitchen


def _recipes(layout: Layout, said: Mapping[str, Any]) -> tuple[dict[Recipe, Fraction], int]:
    """Return what soups are worth, and how many ingredients a pot takes."""
    tomatoes = any(TOMATOES in row for row in layout.rows)
    if "onions" in said or ("recipes" not in said and not tomatoes):
        onions = integer("onions", said.get("onions", DEFAULTS["onions"]), 1, MOST_INGREDIENTS)
        recipes, size = {(onions, 0): Fraction(VALUE)}, onions
    else:
        size = SIZE
        if "recipes" in said:
            recipes = read_recipes(said["recipes"])
            size = max(size, *map(sum, recipes))
        else:
            recipes = dict.fromkeys(all_recipes(size)[1:], Fraction(VALUE))
    size = integer("pot_size", said.get("pot_size", size), 1, MOST_INGREDIENTS)
    longest = max(recipes, key=sum)
    if sum(longest) > size:
        raise InputError(f"recipes: {letters(longest)} is more than a pot takes, {size}; give a greater pot_size")
    return recipes, size


def _times(size: int, said: Mapping[str, Any]) -> dict[Recipe, int]:
    """Return how long soups cook."""
    recipes = all_recipes(size)[1:]
    if "onion_time" in said or "tomato_time" in said:
        if not ("onion_time" in said and "tomato_time" in said):
            raise InputError("onion_time and tomato_time: only one is there; give both")
        each = [integer(name, said[name], 1, MOST_COOK_TIME) for name in ("onion_time", "tomato_time")]
        return {recipe: each[0] * recipe[0] + each[1] * recipe[1] for recipe in recipes}
    time = integer("cook_time", said.get("cook_time", DEFAULTS["cook_time"]), 1, MOST_COOK_TIME)
    special = {
        recipe: integer("recipe_times", steps, 1, MOST_COOK_TIME)
        for recipe, steps in said.get("recipe_times", {}).items()
    }
    return dict.fromkeys(recipes, time) | special


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
        raise InputError(f"counters: got {count}; chefs can use {len(either)} counters in {layout.name}; give no more")
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
