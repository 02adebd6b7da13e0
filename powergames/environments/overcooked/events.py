"""What chefs do in a kitchen, for every state and joint action: what the tables of the game do not tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from powergames.environments.overcooked.kitchen import ACTIONS, DISH, KINDS, NOTHING, Kitchen
from powergames.environments.overcooked.layouts import POT, SERVING, Cell
from powergames.environments.overcooked.states import KitchenStates
from powergames.errors import InputError
from powergames.games.catalog.parameters import quoted
from powergames.games.immutable import Frozen
from powergames.games.profiles import frozen

EVENTS = (
    "nothing",
    "thing taken",
    "thing put down",
    "ingredient put",
    "pot mixed",
    "pot started",
    "soup taken",
    "spoiled soup taken",
    "soup served",
    "spoiled soup served",
)
(_, TAKEN, PUT_DOWN, PUT, MIXED, STARTED, SOUP_TAKEN, SPOILED_TAKEN, SERVED, SPOILED_SERVED) = range(len(EVENTS))

INTERACT = ACTIONS.index("interact")


@dataclass(frozen=True, eq=False)
class KitchenEvents(Frozen):
    """What both chefs do, in each of N states and each of 36 joint actions.

    Attributes
    ----------
    pots : tuple of (int, int)
        Cells of the pots that a chef can use, row by row.
    what : ndarray of int8, shape (N, 36, 2)
        What chef 1 and chef 2 do, as an index of `EVENTS`. Joint actions are in the order of the game.
    where : ndarray of int8, shape (N, 36, 2)
        At which of the `pots`; -1 for none.

    Examples
    --------
    >>> import powergames as pg
    >>> game = pg.compile_overcooked("tiny")
    >>> events = pg.kitchen_events(game, [600])
    >>> game.states[600]
    'chef 1 (2,1) east; chef 2 (4,1) south, onion; pot (3,1): soup ready'
    >>> events.words(0, (5, 4))
    ('nothing', 'nothing')
    >>> events.count("soup served").shape
    (1, 36)
    """

    pots: tuple[Cell, ...]
    what: np.ndarray
    where: np.ndarray

    def count(self, event: str, pot: Cell | None = None) -> np.ndarray:
        """Count how many chefs do something.

        Parameters
        ----------
        event : str
            "soup served" and "soup taken" are of soups that pay, "spoiled soup served" and "spoiled soup taken" of
            others. "pot mixed" is an ingredient that meets the other kind, and "ingredient put" any other one that
            goes into a pot. See `EVENTS` for the rest.
        pot : (int, int), optional
            Only at this pot.

        Returns
        -------
        ndarray of int8, shape (N, 36)

        Raises
        ------
        InputError
            If there is no such event or pot.
        """
        if event not in EVENTS:
            raise InputError(f"event: got {quoted(str(event))}; give one of {', '.join(EVENTS)}")
        done = self.what == EVENTS.index(event)
        if pot is not None:
            if tuple(pot) not in self.pots:
                raise InputError(f"pot: got {quoted(str(pot))}; give one of {', '.join(map(str, self.pots))}")
            done &= self.where == self.pots.index(pot)
        return done.sum(axis=2, dtype=np.int8)

    def words(self, index: int, actions: Sequence[int]) -> tuple[str, str]:
        """Say what both chefs do in one of the states, as in "soup taken from (3,1)"."""
        row = len(ACTIONS) * actions[0] + actions[1]
        first, second = (self._words(index, row, chef) for chef in range(2))
        return first, second

    def _words(self, index: int, row: int, chef: int) -> str:
        what, where = EVENTS[self.what[index, row, chef]], int(self.where[index, row, chef])
        if where < 0:
            return what
        x, y = self.pots[where]
        return f"{what} {'from' if what.endswith('taken') else 'at'} ({x},{y})"


def kitchen_events(game: Any, states: Any = None) -> KitchenEvents:
    """Tell what chefs do in a kitchen: soups served, and soups, ingredients and mixing at each pot.

    Parameters
    ----------
    game : StochasticGame or DeterministicGame
        As `powergames.compile_overcooked` or ``powergames.load("overcooked:...")`` return it.
    states : array_like of int, shape (N,), optional
        The states in which it is asked; by default all, at 144 bytes each.

    Returns
    -------
    KitchenEvents

    Raises
    ------
    InputError
        If the game is no kitchen, or one that was compiled with ``reduce``, whose states stand for several; or there is
        no such state.

    Notes
    -----
    A state does not say which pot a soup in a chef's hands came from. Soups by pot are therefore counted when they are
    taken: with how often each state and joint action comes about, expected counts are sums of these tables.

    Examples
    --------
    >>> import powergames as pg
    >>> game = pg.compile_overcooked("shared_pot")
    >>> events = pg.kitchen_events(game)
    >>> events.pots
    ((0, 1), (3, 1))
    >>> bool((events.count("soup served") == game.rewards).all())
    True
    """
    names = getattr(game, "states", None)
    if not isinstance(names, KitchenStates):
        raise InputError(
            f"game: got {type(game).__name__}, which is no kitchen of Overcooked, or one compiled with reduce=yes; "
            "give what powergames.compile_overcooked returns without it"
        )
    kitchen = names.kitchen
    chosen = np.arange(len(names)) if states is None else np.asarray(states)
    if (
        chosen.ndim != 1
        or chosen.dtype.kind not in "iu"
        or (chosen.size and not 0 <= chosen.min() <= chosen.max() < len(names))
    ):
        raise InputError(f"states: got {quoted(str(states))}; give a list of integers from 0 to {len(names) - 1}")
    digits = np.unravel_index(names.keys[chosen], kitchen.radices, order="F")
    _, _, _, _, stations, uses, _, _ = kitchen.tables()
    conditions = np.column_stack([*digits[4:], np.zeros(len(chosen), np.int64)])
    pots = [cell for cell in kitchen.things if kitchen.layout.at(cell) == POT]
    pot_of = np.array([pots.index(cell) if cell in pots else -1 for cell in kitchen.things] + [-1])
    events = _events(kitchen, uses)
    kinds, things = (np.stack([stations[digits[chef], k] for chef in range(2)]) for k in range(2))
    rows, held = np.arange(len(chosen)), digits[2:4]
    what = np.zeros((len(chosen), len(ACTIONS), len(ACTIONS), 2), np.int8)
    where = np.full(what.shape, -1, np.int8)
    own = [conditions[rows, things[chef]] for chef in range(2)]
    # Where both use the same thing, chef 2 finds it as chef 1 leaves it.
    left = np.where(things[0] == things[1], uses[kinds[0], held[0], own[0], 1], own[1])
    for chef, first, second, condition in (
        (0, INTERACT, slice(None), own[0]),
        (1, slice(None, INTERACT), INTERACT, own[1]),
        (1, INTERACT, INTERACT, left),
    ):
        found = events[kinds[chef], held[chef], condition]
        at = np.where(found > PUT_DOWN, pot_of[things[chef]], -1)
        shape = what[:, first, second, chef].shape
        what[:, first, second, chef] = np.broadcast_to(found.reshape(-1, *[1] * (len(shape) - 1)), shape)
        where[:, first, second, chef] = np.broadcast_to(at.reshape(-1, *[1] * (len(shape) - 1)), shape)
    shape = len(chosen), len(ACTIONS) ** 2, 2
    return KitchenEvents(tuple(pots), frozen(what.reshape(shape)), frozen(where.reshape(shape)))


def _events(kitchen: Kitchen, uses: np.ndarray) -> np.ndarray:
    """Return the event that interacting is, by kind of station, item held and condition."""
    found = np.zeros(uses.shape[:3], np.int8)
    for (k, held, condition), _ in np.ndenumerate(found):
        now, after, _ = uses[k, held, condition]
        if now == held and after == condition:
            continue
        found[k, held, condition] = _event(kitchen, KINDS[k], held, condition, now, after)
    return found


def _event(kitchen: Kitchen, kind: str, held: int, condition: int, now: int, after: int) -> int:
    """Return what changes hands or a pot."""
    if kind == SERVING:
        return SERVED if kitchen.worth(held) else SPOILED_SERVED
    if kind != POT:
        return PUT_DOWN if now == NOTHING else TAKEN
    if held == DISH:
        return SOUP_TAKEN if kitchen.worth(now) else SPOILED_TAKEN
    if held == NOTHING:
        return STARTED
    before, filled = kitchen.pots[condition], kitchen.pots[after]
    return MIXED if min(filled[:2]) > 0 == min(before[:2]) else PUT
