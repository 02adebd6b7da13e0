"""States of a kitchen as Overcooked-AI has them, and back, for agents that were trained there."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from powergames.environments.overcooked.kitchen import LOST, MOVES, NOTHING, Pot
from powergames.environments.overcooked.layouts import COUNTER, POT, Cell
from powergames.environments.overcooked.states import KitchenStates
from powergames.errors import InputError
from powergames.games.deterministic import DeterministicGame

Digits = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]


class OvercookedAI:
    """The states of a compiled kitchen as those of Overcooked-AI, and the other way round.

    Actions have the same order in both: north, south, east, west, stay and interact.

    Parameters
    ----------
    game : DeterministicGame
        Of `compile_overcooked`.
    mdp : OvercookedGridworld
        The same kitchen in Overcooked-AI, or in a fork of it. States are made of the classes in its module.

    Raises
    ------
    InputError
        If the game is no kitchen, or the grids differ.

    Notes
    -----
    A compiled kitchen merges states from which play goes on alike. `state` returns one of those that were merged, which
    an agent may tell from the others. With ``merge=False``, and without ``reduce=True``, only soups are merged that
    cook or are ready, and are worth the same and ready at the same time.

    Examples
    --------
    >>> import powergames as pg
    >>> from overcooked_ai_py.mdp.overcooked_mdp import OvercookedGridworld        # doctest: +SKIP
    >>> game = pg.compile_overcooked("cramped_room", counters=0, merge=False)      # doctest: +SKIP
    >>> mdp = OvercookedGridworld.from_layout_name("cramped_room")                 # doctest: +SKIP
    >>> theirs = pg.OvercookedAI(game, mdp)                                        # doctest: +SKIP
    >>> agents = [lambda state, i=i: network(mdp.featurize_state(state, mlam)[i]) for i in (0, 1)]  # doctest: +SKIP
    >>> pg.audit(game, agents, 0.2, observe=theirs.state)                          # doctest: +SKIP
    """

    def __init__(self, game: DeterministicGame, mdp: Any) -> None:
        states = getattr(game, "states", None)
        if not isinstance(states, KitchenStates):
            raise InputError(f"game: got {type(game).__name__}, which is no kitchen; give one of compile_overcooked")
        rows = tuple("".join(row) for row in getattr(mdp, "terrain_mtx", ()))
        if rows != states.kitchen.layout.rows:
            raise InputError(
                f"mdp: its grid is {list(rows)}, and that of the game {list(states.kitchen.layout.rows)}; give the "
                "same kitchen"
            )
        self.kitchen, self.mdp = states.kitchen, mdp
        self._states = states
        self._library = sys.modules[type(mdp).__module__]

    def state(self, state: int) -> Any:
        """Return a state of Overcooked-AI; the first one of those that are merged.

        Parameters
        ----------
        state : int
            Index of a state of the game.

        Returns
        -------
        OvercookedState
        """
        return self.of_digits(self._states.digits(state))

    def index(self, state: Any) -> int:
        """Return the index of a state of Overcooked-AI in the game.

        Parameters
        ----------
        state : OvercookedState

        Returns
        -------
        int

        Raises
        ------
        InputError
            If the game has no such state, such as one in which something lies on a counter that it does not use.
        """
        weights = np.concatenate([[1], np.cumprod(self.kitchen.radices[:-1])])
        key = int(np.concatenate(self.digits(state)) @ weights)
        order, keys = self._order
        place = int(np.searchsorted(keys, key))
        if place == len(keys) or keys[place] != key:
            raise InputError(
                f"state: the game has no state {state}; compile it with the same rules, without reduce=True"
            )
        return int(order[place])

    @cached_property
    def _order(self) -> tuple[np.ndarray, np.ndarray]:
        order = np.argsort(self._states.keys)
        return order, self._states.keys[order]

    def of_digits(self, digits: Digits, choose: Callable[[int], int] = lambda count: 0) -> Any:
        """Return the state with some digits, see `KitchenStates.digits`; `choose` picks one of so many merged ones."""
        kitchen, library = self.kitchen, self._library
        poses, held, conditions = digits
        players, objects = [], {}
        for chef in range(2):
            place, way = kitchen.poses[poses[chef]]
            cell = kitchen.floor[place]
            item = None if held[chef] == NOTHING else self._item(held[chef], cell, choose)
            players.append(library.PlayerState(cell, MOVES[way], item))
        for cell, condition in zip(kitchen.things, conditions, strict=True):
            if not condition:
                continue
            if kitchen.layout.at(cell) == COUNTER:
                objects[cell] = self._item(condition, cell, choose)
                continue
            pot = kitchen.pots[condition]
            if kitchen.lost(pot):
                mixtures = [(o, t) for o in range(1, kitchen.size) for t in range(1, kitchen.size - o + 1)]
                objects[cell] = self._soup(cell, mixtures[choose(len(mixtures))], -1)
            elif pot.left < 0:
                objects[cell] = self._soup(cell, pot[:2], -1)
            else:
                objects[cell] = self._cooked(cell, pot, choose)
        orders = {"all_orders": self.mdp.start_all_orders, "bonus_orders": self.mdp.start_bonus_orders}
        return library.OvercookedState(players, objects, **orders)

    def _item(self, item: int, cell: Cell, choose: Callable[[int], int]) -> Any:
        """Return something to hold, or to put on a counter."""
        if self.kitchen.worth(item) is not None:
            return self._cooked(cell, Pot(left=0, soup=item), choose)
        return self._library.ObjectState(self.kitchen.items[item], cell)

    def _cooked(self, cell: Cell, pot: Pot, choose: Callable[[int], int]) -> Any:
        """Return a soup that cooks or is ready."""
        kitchen = self.kitchen
        recipes = [r for r in kitchen.worths if kitchen.soup(r) == pot.soup and kitchen.times[r] > pot.left]
        recipe = recipes[choose(len(recipes))]
        return self._soup(cell, recipe, kitchen.times[recipe] - pot.left)

    def _soup(self, cell: Cell, recipe: tuple[int, int], tick: int) -> Any:
        """Return the contents of a pot."""
        onions, tomatoes = recipe
        return self._library.SoupState.get_soup(cell, num_onions=onions, num_tomatoes=tomatoes, cooking_tick=tick)

    def digits(self, state: Any) -> Digits:
        """Return the digits of a state of Overcooked-AI, see `KitchenStates.digits`.

        Raises
        ------
        InputError
            If a chef or a thing is where the kitchen can have none.
        """
        kitchen = self.kitchen
        poses, held = [], []
        for player in state.players:
            if player.position not in kitchen.floor:
                raise InputError(f"state: a chef is at {player.position}, which no chef of the game can reach")
            pose = kitchen.pose_of(kitchen.floor.index(player.position), MOVES.index(player.orientation))
            poses.append(kitchen.poses.index(pose))
            held.append(self._condition(player.held_object))
        objects = dict(state.objects)
        conditions = [self._condition(objects.pop(cell, None), kitchen.layout.at(cell)) for cell in kitchen.things]
        if objects:
            raise InputError(f"state: something is at {next(iter(objects))}, where the game has no counter to use")
        return tuple(poses), tuple(held), tuple(conditions)

    def _condition(self, thing: Any, where: str = COUNTER) -> int:
        """Return the condition of a pot, or the item that is held or on a counter."""
        kitchen = self.kitchen
        if thing is None:
            return NOTHING
        if thing.name != "soup":
            if thing.name not in kitchen.items:
                raise InputError(f"state: the game has no {thing.name}")
            return kitchen.items.index(thing.name)
        recipe = thing.ingredients.count("onion"), thing.ingredients.count("tomato")
        if recipe not in kitchen.worths and not thing.is_idle:
            raise InputError(f"state: the game has no soup of {recipe[0]} onions and {recipe[1]} tomatoes")
        if where != POT:
            return kitchen.soup(recipe)
        if thing.is_idle:
            pot = LOST if kitchen.lost(Pot(*recipe)) else Pot(*recipe)
        else:
            if thing.cook_time != kitchen.times[recipe]:
                raise InputError(
                    f"state: a soup cooks {thing.cook_time} steps, and in the game {kitchen.times[recipe]}; give both "
                    "the same rules"
                )
            pot = Pot(left=max(0, thing.cook_time - thing._cooking_tick), soup=kitchen.soup(recipe))
        if pot not in kitchen.conditions_of_pots:
            raise InputError(f"state: the game has no pot with {recipe[0]} onions and {recipe[1]} tomatoes")
        return kitchen.conditions_of_pots[pot]
