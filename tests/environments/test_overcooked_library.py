"""States of kitchens as Overcooked-AI has them. Its classes are played by some with the same attributes.

``benchmarks/overcooked_oracle.py`` compares kitchens with the library itself.
"""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

import powergames as pg

TIMES = {}


class ObjectState:
    def __init__(self, name, position):
        self.name, self.position = name, position


class SoupState(ObjectState):
    @classmethod
    def get_soup(cls, position, num_onions, num_tomatoes, cooking_tick):
        soup = cls("soup", position)
        soup.ingredients = ["onion"] * num_onions + ["tomato"] * num_tomatoes
        soup._cooking_tick, soup.is_idle = cooking_tick, cooking_tick < 0
        soup.cook_time = TIMES.get((num_onions, num_tomatoes))
        return soup


class PlayerState:
    def __init__(self, position, orientation, held_object=None):
        self.position, self.orientation, self.held_object = position, orientation, held_object


class OvercookedState:
    def __init__(self, players, objects, bonus_orders, all_orders):
        self.players, self.objects, self.orders = tuple(players), objects, all_orders


class Gridworld:
    start_all_orders, start_bonus_orders = ({"ingredients": ["onion"]},), ()

    def __init__(self, rows):
        self.terrain_mtx = [list(row) for row in rows]


def both(*layout, **rules):
    game = pg.compile_overcooked(*layout, **rules)
    TIMES.clear()
    TIMES.update(game.states.kitchen.times)
    return game, pg.OvercookedAI(game, Gridworld(game.states.kitchen.layout.rows))


LOST = {"recipes": "oo+tt", "pot_size": 2, "cook_time": 1, "mixing": "lost", "counters": 0}


@pytest.mark.parametrize(
    ("layout", "rules"),
    [("shared_pot", {"onions": 1, "cook_time": 2, "counters": 1, "merge": False}), (["XOPX", "T1 2", "XDSX"], LOST)],
    ids=["onions", "lost pots"],
)
def test_there_and_back(layout, rules):
    game, theirs = both(layout, **rules)
    for state in np.random.default_rng(0).integers(game.n_states, size=200).tolist():
        assert theirs.index(theirs.state(state)) == state


def test_what_is_where():
    """The state that the docstring of `KitchenStates` draws."""
    _, theirs = both("tiny")
    state = theirs.state(600)
    assert [(chef.position, chef.orientation) for chef in state.players] == [((2, 1), (1, 0)), ((4, 1), (0, 1))]
    assert [chef.held_object and chef.held_object.name for chef in state.players] == [None, "onion"]
    (soup,) = state.objects.values()
    assert soup.position == (3, 1)
    assert (soup.ingredients, soup._cooking_tick) == (["onion"], soup.cook_time)
    assert state.orders == Gridworld.start_all_orders
    # Over there a soup that waits goes on counting.
    soup._cooking_tick += 5
    assert theirs.index(state) == 600


def test_agents_that_see_their_states_are_audited():
    """One who interacts with empty hands and waits with full ones."""
    game, theirs = both("tiny", counters=0)

    def agent(chef):
        return lambda state: 4 if state.players[chef].held_object else 5

    seen = pg.audit(game, [agent(0), agent(1)], 0.2, observe=theirs.state, steps=1)
    held = game.states.digits_table()[:, 2:4]
    known = pg.audit(game, [np.where(held[:, chef], 4, 5) for chef in range(2)], 0.2, steps=1)
    assert seen.certificate.max_regret == known.certificate.max_regret
    assert seen.start_task.tolist() == known.start_task.tolist()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda state: setattr(state.players[0], "position", (9, 9)), r"a chef is at \(9, 9\), which no chef"),
        (lambda state: state.objects.update({(0, 0): ObjectState("dish", (0, 0))}), r"something is at \(0, 0\)"),
        (lambda state: setattr(state.players[0], "held_object", ObjectState("tomato", 0)), "the game has no tomato"),
        (
            lambda state: setattr(next(iter(state.objects.values())), "cook_time", 9),
            "cooks 9 steps, and in the game 2",
        ),
        (
            lambda state: setattr(state.players[0], "held_object", SoupState.get_soup(0, 0, 1, 2)),
            "no soup of 0 onions and 1 tomatoes",
        ),
    ],
)
def test_states_that_the_game_lacks(change, message):
    game, theirs = both("tiny", counters=0)
    ready = next(state for state in range(game.n_states) if "soup ready" in game.states[state])
    state = theirs.state(ready)
    change(state)
    with pytest.raises(pg.InputError, match=f"state: .*{message}"):
        theirs.index(state)


def test_states_that_play_cannot_reach():
    """Both chefs in one cell."""
    _, theirs = both("tiny", counters=0)
    state = theirs.state(0)
    state.players = (state.players[0],) * 2
    with pytest.raises(pg.InputError, match="state: the game has no state"):
        theirs.index(state)


def test_what_is_no_such_kitchen():
    game = pg.compile_overcooked("tiny")
    with pytest.raises(pg.InputError, match="mdp: its grid is"):
        pg.OvercookedAI(game, Gridworld(["XX"]))
    with pytest.raises(pg.InputError, match="game: got StochasticGame, which is no kitchen"):
        pg.OvercookedAI(pg.load("big_match"), SimpleNamespace())
