"""Overcooked compiled: breadth-first search over all states that play can reach."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from powergames.environments.compiler import TooManyStatesError
from powergames.environments.overcooked.kitchen import ACTIONS, Kitchen, make_kitchen
from powergames.environments.overcooked.layouts import LAYOUTS, Layout, parse_file, parse_grid
from powergames.environments.overcooked.states import KitchenStates
from powergames.environments.reduction import reduced
from powergames.errors import FormatError, InputError
from powergames.games.catalog.parameters import integer, quoted, real
from powergames.games.deterministic import DeterministicGame
from powergames.games.memory import check_memory
from powergames.games.profiles import frozen
from powergames.progress import Callback, reporter

# States that are expanded between two looks at Ctrl-C and at the progress bar.
CHUNK = 2**16

# Bytes that a state takes besides what is paid: next states, its key, and its share of the hash table while that grows.
STATE_BYTES = 36 * 4 + 8 + 80

# What is paid is kept in the first of these in which it fits.
PAID_TYPES = (np.int8, np.int16, np.int32)

# The tables grow by this factor when they are full.
GROWTH = 1.5
FIRST_CAPACITY = 2**14

MOST_STATES = 2**31 - 1
MOST_READ = 1_000_000


def compile_overcooked(
    layout: str | os.PathLike[str] | Sequence[str] | Layout,
    *,
    onions: Any = None,
    cook_time: Any = None,
    dynamics: str | None = None,
    counters: Any = None,
    recipes: Any = None,
    pot_size: Any = None,
    onion_time: Any = None,
    tomato_time: Any = None,
    mixing: str | None = None,
    explosion: Any = None,
    reward: Any = 1,
    discount: Any = 0.95,
    merge: bool = True,
    reduce: bool | None = None,
    max_states: Any = 10_000_000,
    progress: bool | None = None,
    callback: Callback | None = None,
) -> DeterministicGame:
    """Compile a kitchen of Overcooked into an explicit game.

    Parameters
    ----------
    layout : str, path-like, or sequence of str
        The name of a layout, such as "cramped_room"; a ``.layout`` file; or a grid, as lines of one text or as a list
        of rows.
    onions : int, optional
        Number of onions that a soup takes, if there is one kind of soup. For this and all rules up to `counters` the
        layout gives the default. If it gives none, the default is 3, and in a grid with tomatoes all soups of one to
        three ingredients.
    cook_time : int, optional
        Steps that any soup cooks; 20 if the layout does not say.
    dynamics : {"old", "new"}, optional
        "old": a full pot starts to cook by itself. "new": a chef starts it by interacting, and spoils the soup if that
        is too early. The default is "new" if the layout does not say.
    counters : "all", int, or sequence of (int, int), optional
        Counters on which things can be put: all, so many, or those at the cells (x, y), counted from the top left; see
        the page on Overcooked for the order in which a number takes them. At others, interacting does nothing. Else
        all.
    recipes : str or mapping of str to number, optional
        In place of `onions`: the soups that are paid for, each a letter ``o`` or ``t`` for each ingredient, and what
        each is worth; as text as in "ooo+ttt*30", where 20 is meant if no number is given. Other soups are spoiled, and
        pay nothing.
    pot_size : int, optional
        Ingredients that a pot takes; else 3, or as many as the longest of the `recipes`, or as many as `onions`.
    onion_time, tomato_time : int, optional
        In place of `cook_time`: steps that a soup cooks for each of its ingredients.
    mixing : {"lost", "allowed"}, optional
        Whether a pot is lost as soon as onions and tomatoes meet in it: it takes nothing more, cannot be started and
        cannot be emptied. Else "allowed".
    explosion : float, optional
        What is lost, once, with such a pot, in units of what recipes are worth: where the best soup is worth 20, 1000
        costs as much as 50 such soups pay. Else 0.
    reward : float, default 1
        What each player is paid for a soup that is served, whoever serves it; for the best one if there are several,
        and for others in proportion.
    discount : float, default 0.95
        Discount factor in [0, 1]; with 1 the game needs an end, ``horizon=``.
    merge : bool, default True
        Whether two directions in which interacting does the same become one state. That is exact, and saves half of the
        states and more.
    reduce : bool, optional
        Whether all states from which play goes on alike become one. That is exact, too. It saves half of the states
        again and more, and takes much longer than the search. The layout gives the default; if it gives none, states
        are not reduced.
    max_states : int, default 10_000_000
        The most states that the game may have; more are an error.
    progress : bool, optional
        Whether to show a progress bar on stderr; by default only if that is a terminal.
    callback : callable, optional
        Called with ("overcooked", states done, states found so far) now and then, and with ("reduce", states so far,
        states found) if `reduce`. Whatever it raises ends the search.

    Returns
    -------
    DeterministicGame
        All states that play can reach from the start, in which both chefs look north with empty hands, in the order in
        which they are found. Both players have the actions north, south, east, west, stay and interact.

    Raises
    ------
    FormatError
        If a file is no layout.
    InputError
        If a layout is unknown or not valid, a rule cannot be used, or there are too many states.

    Notes
    -----
    The rules are those of Overcooked-AI, whose transitions this reproduces: M. Carroll et al. (2019), "On the utility
    of learning about humans for human-AI coordination", Advances in Neural Information Processing Systems 32. With
    ``mixing="lost"`` they are those of a fork of it, by the first author of the paper on power regularization, from
    which the layouts mini1 and mini2 are.

    Examples
    --------
    >>> import powergames as pg
    >>> game = pg.compile_overcooked("tiny")
    >>> game
    <DeterministicGame 'Overcooked, tiny': 2 players, 1189 states, 36 joint actions in each, discount 0.95>
    >>> game.to_game()
    <StochasticGame 'Overcooked, tiny': 2 players, 1189 states, 42804 rows, discount 0.95>
    """
    rules = {
        "onions": onions,
        "cook_time": cook_time,
        "dynamics": dynamics,
        "counters": counters,
        "recipes": recipes,
        "pot_size": pot_size,
        "onion_time": onion_time,
        "tomato_time": tomato_time,
        "mixing": mixing,
        "explosion": explosion,
    }
    chosen = read_layout(layout)
    kitchen = make_kitchen(chosen, rules, merge)
    most = integer("max_states", max_states, 1, MOST_STATES)
    unit, factor = float(real("reward", reward) * kitchen.unit), float(real("discount", discount))
    if not 0 <= factor <= 1:
        raise InputError(f"discount: got {discount}; give a number from 0 to 1")
    with reporter(progress, callback) as report:
        keys, following, paid = search(kitchen, most, partial(report, "overcooked"))
    title = f"Overcooked, {kitchen.layout.name}"
    states = KitchenStates(kitchen, keys)
    game = DeterministicGame(following, paid, factor, [ACTIONS] * 2, ("chef 1", "chef 2"), states, unit, 0, title)
    if not is_reduced(chosen, reduce):
        return game
    with reporter(progress, callback) as report:
        return reduced(game, partial(report, "reduce"))[0]


def is_reduced(layout: Layout, reduce: bool | None) -> bool:
    """Say whether the states of a layout are reduced: as asked for, or else as the layout says."""
    return bool(layout.options.get("reduce", False) if reduce is None else reduce)


def read_layout(layout: Any) -> Layout:
    """Return a layout from its name, its file or its grid.

    Raises
    ------
    FormatError
        If a file cannot be read or is no layout.
    InputError
        If no layout has that name, or the grid is not valid.
    """
    if isinstance(layout, Layout):
        return layout
    if isinstance(layout, Sequence) and not isinstance(layout, str | bytes):
        return parse_grid(layout)
    if not isinstance(layout, str | os.PathLike):
        raise InputError(f"layout: got {type(layout).__name__}; give a name, a .layout file, or the rows of a grid")
    if isinstance(layout, str) and "\n" in layout:
        return parse_grid(layout)
    if isinstance(layout, str) and layout in LAYOUTS:
        return LAYOUTS[layout]
    name = os.fspath(layout)
    if not name.lower().endswith(".layout"):
        raise InputError(
            f"no layout is named {quoted(name)}; give one of {', '.join(LAYOUTS)}, or a file that ends in .layout"
        )
    try:
        with open(name, encoding="utf-8") as file:
            text = file.read(MOST_READ)
    except (OSError, UnicodeDecodeError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8 text"
        raise FormatError(f"{name}: {reason}; give a readable .layout file") from None
    return replace(parse_file(text, name), name=Path(name).stem)


def search(
    kitchen: Kitchen, max_states: int, report: Callable[[int, int], None]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find all states that play can reach, breadth first.

    Returns
    -------
    keys : ndarray of int64, shape (S,)
    following : ndarray of int32, shape (S, 36)
    paid : ndarray of int8, or of a larger type where that does not suffice, shape (S, 36)
        In units of `kitchen.unit`.

    Raises
    ------
    InputError
        If there are more than `max_states` states, or memory does not suffice.
    """
    from powergames.kernels.overcooked import LOAD, expand, rehash

    if kitchen.most_states >= 2**63:
        raise InputError(
            f"{kitchen.layout.name}: up to {kitchen.most_states:.1e} states, more than can be numbered; let fewer "
            "counters be used, such as counters=2"
        )
    tables = kitchen.tables()
    # At most 36 states are added at a time, so that this many suffice to find one too many.
    limit = min(kitchen.most_states, max_states + 1) + 36
    capacity = min(FIRST_CAPACITY, limit)
    keys, following = np.empty(capacity, np.int64), np.empty((capacity, 36), np.int32)
    # Both chefs can be paid in a step.
    most_paid = 2 * max(abs(worth) / kitchen.unit for worth in (*kitchen.kinds, kitchen.explosion))
    kind = next(kind for kind in PAID_TYPES if most_paid <= np.iinfo(kind).max)
    paid, slots = np.empty((capacity, 36), kind), _free_slots(capacity / LOAD)
    places = np.cumprod([1, *kitchen.radices[:-1]])
    keys[0] = places @ np.array(kitchen.start)
    rehash(keys, 1, slots)
    done, found = 0, 1
    while done < found:
        step, found = expand(done, min(found, done + CHUNK), found, *tables, keys, following, paid, slots)
        done += step
        report(done, found)
        if found > max_states:
            raise TooManyStatesError(
                f"{kitchen.layout.name}: more than {max_states:,} states; {done:,} of them were done; raise "
                "max_states, or let fewer counters be used, such as counters=1"
            )
        if found + 36 > capacity:
            capacity = min(int(GROWTH * capacity) + 36, limit)
            check_memory(
                (STATE_BYTES + 36 * paid.itemsize) * capacity, f"{kitchen.layout.name}: tables of {capacity:,} states"
            )
            for array in (keys, following, paid):
                array.resize((capacity, *array.shape[1:]), refcheck=False)
        if found + 36 > int(LOAD * len(slots)):
            slots = _free_slots(2 * len(slots))
            rehash(keys, found, slots)
    for array in (keys, following, paid):
        array.resize((found, *array.shape[1:]), refcheck=False)
    return frozen(keys), frozen(following), frozen(paid)


def _free_slots(least: float) -> np.ndarray:
    """Return an empty hash table with at least so many slots."""
    return np.full((1 << int(np.ceil(np.log2(least))), 2), -1, dtype=np.int64)
