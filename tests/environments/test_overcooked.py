"""Kitchens of Overcooked: every rule by hand, counts of states, merging and reduction, names, pictures, refusals."""

from __future__ import annotations

import json
import pickle
import runpy
from pathlib import Path

import numpy as np
import pytest

import powergames as pg
from powergames.cli import run
from powergames.environments.overcooked import LAYOUTS
from powergames.environments.overcooked.compiler import read_layout
from powergames.environments.overcooked.kitchen import ACTIONS, chosen_counters, make_kitchen
from powergames.environments.overcooked.layouts import parse_grid
from powergames.environments.overcooked.names import named_kitchen
from powergames.environments.reduction import reduced

ROOT = Path(__file__).parents[2]
N, S, E, W, STAY, USE = range(6)


def play(game, *moves, state=0):
    """Play joint actions from a state; return the state that follows and what was paid in each step."""
    paid = []
    for first, second in moves:
        paid.append(int(game.rewards[state, 6 * first + second]))
        state = int(game.next_states[state, 6 * first + second])
    return state, paid


def after(game, *moves):
    return game.states[play(game, *moves)[0]]


def alone(*moves):
    """Moves of chef 1 while chef 2 stays."""
    return [(move, STAY) for move in moves]


# Everything within reach of one cell, for chef 1; chef 2 is in a cell without stations.
LINE = ["XPXXXXX", "O1SXX2X", "XDXXXXX"]
CORRIDOR = ["XDPSX", "O1 2X", "XXXXX"]


@pytest.mark.parametrize(
    ("name", "rules", "count"),
    [
        ("tiny", {}, 1_189),
        ("shared_pot", {}, 17_680),
        ("three_pots", {}, 48_556),
        ("cramped_room", {"counters": 0}, 30_640),
        ("cramped_room", {}, 146_590),
        ("forced_coordination", {}, 35_067),
        ("coordination_ring", {}, 48_634),
        ("coordination_ring", {"counters": 1}, 337_238),
        ("mini1", {}, 265_824),
    ],
)
def test_counts_of_states(name, rules, count):
    """Counts of an independent search, whose transitions agreed with Overcooked-AI."""
    game = pg.compile_overcooked(name, **rules)
    assert game.n_states == len(set(game.states.keys.tolist())) == count
    assert game.n_actions == (6, 6)
    assert set(np.unique(game.rewards)) <= {0, 1, 2}


# The rules, one by one.


def test_a_soup_from_onion_to_serving():
    game = pg.compile_overcooked(LINE, onions=1, cook_time=3, counters=0)
    state, paid = play(game, *alone(W, USE))
    assert game.states[state] == "chef 1 (1,1) west, onion; chef 2 (5,1) north"
    state, _ = play(game, *alone(N, USE), state=state)
    assert game.states[state] == "chef 1 (1,1) north; chef 2 (5,1) north; pot (1,0): 1 onion"
    # The step in which cooking starts is the first of three.
    state, _ = play(game, *alone(USE), state=state)
    assert game.states[state].endswith("pot (1,0): soup cooking, 1 of 3")
    state, _ = play(game, *alone(S, USE), state=state)
    assert game.states[state] == "chef 1 (1,1) south, dish; chef 2 (5,1) north; pot (1,0): soup ready"
    state, paid = play(game, *alone(N, USE, E, USE), state=state)
    assert game.states[state] == "chef 1 (1,1) east; chef 2 (5,1) north"
    assert paid == [0, 0, 0, 1]


def test_what_hands_and_pots_do_not_take():
    game = pg.compile_overcooked(LINE, onions=2, cook_time=3, counters=0)
    onion = alone(W, USE)
    # A chef who holds something takes neither onion nor dish.
    assert after(game, *onion, *alone(USE)) == after(game, *onion)
    assert after(game, *onion, *alone(S, USE)) == "chef 1 (1,1) south, onion; chef 2 (5,1) north"
    # Onions are not served, nor counters used that are not chosen.
    assert after(game, *onion, *alone(E, USE)) == "chef 1 (1,1) east, onion; chef 2 (5,1) north"
    put = [*onion, *alone(N, USE)]
    full = [*put, *put]
    assert after(game, *full).endswith("north; chef 2 (5,1) north; pot (1,0): 2 onions")
    assert after(game, *full, *put).endswith("north, onion; chef 2 (5,1) north; pot (1,0): 2 onions")
    # A dish does nothing before the soup is ready, nor do bare hands at an empty pot, or at one that cooks.
    assert after(game, *full, *alone(S, USE, N, USE)).endswith("north, dish; chef 2 (5,1) north; pot (1,0): 2 onions")
    assert after(game, *alone(USE)) == game.states[0]
    assert after(game, *full, *alone(USE, USE)).endswith("pot (1,0): soup cooking, 2 of 3")
    assert after(game, *full, *alone(USE, S, USE, N)).endswith("north, dish; chef 2 (5,1) north; pot (1,0): soup ready")


def test_who_starts_too_early_spoils_the_soup():
    game = pg.compile_overcooked(LINE, onions=2, cook_time=1, counters=0)
    state, _ = play(game, *alone(W, USE, N, USE, USE))
    assert game.states[state].endswith("pot (1,0): spoiled soup ready")
    state, paid = play(game, *alone(S, USE, N, USE), state=state)
    assert game.states[state] == "chef 1 (1,1) north, spoiled soup; chef 2 (5,1) north"
    state, paid = play(game, *alone(E, USE), state=state)
    assert paid == [0, 0]
    assert game.states[state] == "chef 1 (1,1) east; chef 2 (5,1) north"


def test_old_dynamics_start_by_themselves():
    game = pg.compile_overcooked(LINE, onions=2, cook_time=4, counters=0, dynamics="old")
    put = alone(W, USE, N, USE)
    assert after(game, *put, *alone(USE)).endswith("pot (1,0): 1 onion")
    # The step in which the last onion goes in is the first of cooking.
    assert after(game, *put, *put).endswith("pot (1,0): soup cooking, 1 of 4")
    assert not any("spoiled" in name for name in game.states)


def test_things_on_counters():
    game = pg.compile_overcooked(LINE, onions=1, cook_time=1, counters=0)
    assert not any("counter" in name for name in game.states)
    game = pg.compile_overcooked(["XXX", "O1X", "P2D", "XSX"], onions=1, cook_time=1, counters=[(2, 1)])
    put = [(W, STAY), (USE, STAY), (E, STAY), (USE, STAY)]
    assert "counter (2,1): onion" in after(game, *put)
    assert after(game, *put, (USE, STAY)).startswith("chef 1 (1,1) east, onion; chef 2 (1,2)")
    # Nothing can be put on top; at the counter in the north interacting does nothing.
    second = [*put, (W, STAY), (USE, STAY)]
    assert after(game, *second, (E, STAY), (USE, STAY)) == after(game, *second, (E, STAY))
    assert after(game, *second, (N, STAY), (USE, STAY)) == after(game, *second, (N, STAY))


def test_chef_1_acts_first():
    game = pg.compile_overcooked("tiny")
    # Chef 1 puts in the onion, and chef 2 starts the pot in the same step; the other way round there is none to start.
    both = [(W, W), (USE, STAY), (E, STAY)]
    assert after(game, *both, (USE, USE)).endswith("pot (3,1): soup cooking, 1 of 2")
    both = [(E, USE), (STAY, W)]
    assert after(game, *both, (USE, USE)).endswith("pot (3,1): 1 onion")


def test_chefs_who_collide_stay():
    game = pg.compile_overcooked(CORRIDOR, onions=1, cook_time=1, counters=0, merge=False)
    assert after(game, (E, W)) == "chef 1 (1,1) east; chef 2 (3,1) west"
    assert after(game, (E, STAY)) == "chef 1 (2,1) east; chef 2 (3,1) north"
    # Into the other, through the other, after the other, and after the other who is stopped by the wall.
    assert after(game, (E, STAY), (E, STAY)) == "chef 1 (2,1) east; chef 2 (3,1) north"
    assert after(game, (E, STAY), (E, W)) == "chef 1 (2,1) east; chef 2 (3,1) west"
    assert after(game, (E, STAY), (W, W)) == "chef 1 (1,1) west; chef 2 (2,1) west"
    assert after(game, (E, STAY), (E, E)) == "chef 1 (2,1) east; chef 2 (3,1) east"


# Onions and tomatoes.

# All within two cells of chef 1; chef 2 is in a cell without stations.
BOTH = ["XPTXXXX", "O1 SX2X", "XDXXXXX"]
# Each chef has one ingredient, dishes and a place to serve; the pot is between them.
APART = ["XOXTX", "D1P2D", "XSXSX"]
EACH = {"onion_time": 1, "tomato_time": 1, "counters": 0}
ONION, TOMATO, DISH = alone(W, USE), alone(E, N, USE, W), alone(S, USE)
PUT, FILL, SERVE = alone(N, USE), alone(N, USE), alone(E, E, USE, W)


def test_soups_of_tomatoes_cook_as_long_as_their_ingredients_say():
    game = pg.compile_overcooked(BOTH, recipes="oo+ttt", onion_time=1, tomato_time=3, counters=0)
    state, _ = play(game, *TOMATO, *PUT)
    assert game.states[state].endswith("pot (1,0): 1 tomato")
    state, _ = play(game, *TOMATO, *PUT, *TOMATO, *PUT, state=state)
    assert game.states[state].endswith("pot (1,0): 3 tomatoes")
    assert game.states.picture(state).splitlines()[0] == "X    Pttt T    X    X    X    X"
    state, _ = play(game, *alone(USE), state=state)
    assert game.states[state].endswith("pot (1,0): soup cooking, 8 steps left")
    state, _ = play(game, *alone(*[STAY] * 7), state=state)
    assert game.states[state].endswith("pot (1,0): soup cooking, 1 step left")
    assert game.states.picture(state).splitlines()[0] == "X    P~1  T    X    X    X    X"
    state, paid = play(game, *DISH, *FILL, *SERVE, state=state)
    assert paid == [0] * 6 + [1, 0]
    assert game.states[state] == "chef 1 (1,1) west; chef 2 (5,1) north"


def test_recipes_have_values():
    game = pg.compile_overcooked(BOTH, recipes={"oo": 30, "t": 10, "ot": "7.5"}, pot_size=2, reward=2, **EACH)
    assert game.reward_unit == 2 / 12
    assert game.states.kitchen.items[3:] == (
        "soup worth 1",
        "soup worth 1/3",
        "soup worth 1/4",
        "spoiled soup",
        "tomato",
    )
    put = {"o": [*ONION, *PUT], "t": [*TOMATO, *PUT]}
    for recipe, value in (("oo", 2), ("ot", 0.5), ("to", 0.5), ("t", 2 / 3), ("tt", 0), ("o", 0)):
        soup = [move for ingredient in recipe for move in put[ingredient]]
        _, paid = play(game, *soup, *alone(USE), *DISH, *FILL, *SERVE)
        assert game.reward_unit * sum(paid) == pytest.approx(value)
    state, _ = play(game, *put["o"], *put["t"], *alone(USE, STAY))
    assert game.states[state].endswith("pot (1,0): soup worth 1/4 ready")
    assert game.states.picture(state).splitlines()[0].startswith("X    Pc ")


def test_a_pot_in_which_both_meet_is_lost():
    game = pg.compile_overcooked(BOTH, recipes="ooo+ttt", mixing="lost", explosion=1000, **EACH)
    state, paid = play(game, *ONION, *PUT, *TOMATO, *PUT)
    # 1000 where a soup is worth 20.
    assert [reward for reward in paid if reward] == [-50]
    lost = game.states[state]
    assert lost == "chef 1 (1,1) north; chef 2 (5,1) north; pot (1,0): lost"
    assert game.states.picture(state).splitlines()[0].startswith("X    P#")
    # Bare hands, both ingredients and a dish do nothing to it, and nothing is lost again.
    assert play(game, *alone(USE, *[STAY] * 5), state=state) == (state, [0] * 6)
    for take in (ONION, TOMATO, DISH):
        after_it, paid = play(game, *take, *alone(N, USE), state=state)
        assert game.states[after_it].endswith("pot (1,0): lost")
        assert "north, " in game.states[after_it]
        assert not any(paid)
    # While a soup cooks nothing can be added.
    state, _ = play(game, *ONION, *PUT, *alone(USE), *TOMATO, *alone(N, USE))
    assert game.states[state].endswith("north, tomato; chef 2 (5,1) north; pot (1,0): spoiled soup ready")
    plain = pg.compile_overcooked(BOTH, recipes="ooo+ttt", mixing="lost", **EACH)
    assert (plain.next_states == game.next_states).all()
    assert set(np.unique(plain.rewards)) == {0, 1}


def test_who_mixes_pays_even_if_both_put_at_once():
    game = pg.compile_overcooked(APART, recipes="oo+tt", mixing="lost", explosion=10, **EACH)
    state, paid = play(game, (USE, USE), (E, W), (USE, USE))
    assert paid == [0, 0, -1]
    assert game.reward_unit == 0.5
    assert game.states[state] == "chef 1 (1,1) east; chef 2 (3,1) west; pot (2,1): lost"
    told = pg.kitchen_events(game)
    before, _ = play(game, (USE, USE), (E, W))
    assert told.words(before, (USE, USE)) == ("ingredient put at (2,1)", "pot mixed at (2,1)")


def test_old_dynamics_with_tomatoes():
    game = pg.compile_overcooked(BOTH, recipes="oo+ot*40", pot_size=2, dynamics="old", **EACH)
    assert after(game, *ONION, *PUT, *TOMATO, *PUT).endswith("pot (1,0): soup worth 1 cooking, 1 of 2")
    assert after(game, *TOMATO, *PUT, *TOMATO, *PUT, *alone(STAY)).endswith("pot (1,0): spoiled soup ready")
    game = pg.compile_overcooked(BOTH, recipes="oo+tt", pot_size=2, dynamics="old", mixing="lost", **EACH)
    assert after(game, *ONION, *PUT, *TOMATO, *PUT, *alone(STAY)).endswith("pot (1,0): lost")


def test_any_soup_pays_where_a_grid_with_tomatoes_has_no_orders():
    kitchen = pg.compile_overcooked(BOTH, cook_time=1, counters=0).states.kitchen
    assert len(kitchen.recipes) == 9
    assert kitchen.kinds == (1,)
    assert kitchen.mixing == "allowed"


@pytest.mark.parametrize("mixing", ["lost", "allowed"])
def test_soups_that_are_worth_the_same_are_one(mixing):
    """Walk two games in step: one tells all soups apart, and each of its states is one of the other."""
    rules = {"pot_size": 2, "mixing": mixing, **EACH}
    merged = pg.compile_overcooked(APART, recipes="oo+tt", **rules)
    apart = pg.compile_overcooked(APART, recipes="oo*20+tt*19.999+o*.001+t*.002+ot*.003", **rules)
    assert merged.n_states < apart.n_states
    image = np.full(apart.n_states, -1)
    image[0] = 0
    for state in range(apart.n_states):
        following = merged.next_states[image[state]]
        assert np.isin(image[apart.next_states[state]], [-1, *following]).all()
        image[apart.next_states[state]] = following
    assert (image[apart.next_states] == merged.next_states[image]).all()
    assert (np.round(apart.reward_unit * apart.rewards, 2) == merged.rewards[image]).all()


def test_what_chefs_do():
    game = pg.compile_overcooked("shared_pot", onions=2, counters="all")
    events = pg.kitchen_events(game)
    assert events.what.shape == events.where.shape == (game.n_states, 36, 2)
    assert (events.count("soup served") == game.rewards).all()
    by_pot = [events.count("soup taken", pot) for pot in events.pots]
    assert (sum(by_pot) == events.count("soup taken")).all()
    assert all(table.any() for table in by_pot)
    # A soup is taken from a pot exactly where it disappears from it.
    kitchen = game.states.kitchen
    for event, kind in (("soup taken", "soup"), ("spoiled soup taken", "spoiled soup")):
        for cell in events.pots:
            thing, told = kitchen.things.index(cell), events.count(event, cell)
            for state in range(0, game.n_states, 1999):
                following = game.next_states[state].tolist()
                before, *pots = (kitchen.pots[game.states.digits(s)[2][thing]] for s in (state, *following))
                ready = before.left == 0 and kitchen.items[before.soup] == kind
                assert told[state].tolist() == [ready and pot != before for pot in pots]
    few = pg.kitchen_events(game, [5, 0])
    assert (few.what == events.what[[5, 0]]).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda game: pg.kitchen_events(pg.load("stag_hunt")), r"game: got NormalFormGame, which is no kitchen"),
        (lambda game: pg.kitchen_events(reduced(game)[0]), r"compiled with reduce=yes; give what"),
        (
            lambda game: pg.kitchen_events(game, [1189]),
            r"states: got '\[1189\]'; give a list of integers from 0 to 1188",
        ),
        (lambda game: pg.kitchen_events(game, 3), r"states: got '3'"),
        (lambda game: pg.kitchen_events(game, [0]).count("soup"), r"event: got 'soup'; give one of nothing, "),
        (
            lambda game: pg.kitchen_events(game, [0]).count("soup taken", (0, 0)),
            r"pot: got '\(0, 0\)'; give one of \(3, 1\)",
        ),
    ],
)
def test_bad_questions_about_what_chefs_do(call, message):
    with pytest.raises(pg.InputError, match=message):
        call(pg.compile_overcooked("tiny"))


def test_agrees_with_overcooked_ai():
    for module in ("overcooked_ai_py", "gym"):
        pytest.importorskip(module, reason="Overcooked-AI is not installed; see benchmarks/overcooked_oracle.py")
    oracle = runpy.run_path(str(ROOT / "benchmarks" / "overcooked_oracle.py"))
    kitchens = oracle["KITCHENS"]
    for seed, kitchen in enumerate((*kitchens[:5], *kitchens[17:19])):
        assert oracle["compare"](kitchen, 500, seed) == []


# Fewer states, the same game.


@pytest.mark.parametrize(
    ("name", "rules"), [("tiny", {}), ("tiny", {"onions": 2}), ("forced_coordination", {"onions": 1})]
)
def test_merging_is_exact(name, rules):
    merged, full = (pg.compile_overcooked(name, merge=merge, **rules) for merge in (True, False))
    assert merged.n_states < full.n_states
    kitchen, index = full.states.kitchen, {merged.states.digits(s): s for s in range(merged.n_states)}
    small = merged.states.kitchen
    image = []
    for state in range(full.n_states):
        poses, held, conditions = full.states.digits(state)
        poses = tuple(small.poses.index(small.pose_of(*kitchen.poses[pose])) for pose in poses)
        image.append(index[poses, held, conditions])
    image = np.array(image)
    assert (image[full.next_states] == merged.next_states[image]).all()
    assert (full.rewards == merged.rewards[image]).all()
    assert set(image.tolist()) == set(range(merged.n_states))


def test_reduction_is_the_coarsest_that_is_exact():
    game = pg.compile_overcooked("tiny", merge=False)
    small, blocks = reduced(game)
    assert (small.next_states[blocks] == blocks[game.next_states]).all()
    assert (small.rewards[blocks] == game.rewards).all()
    # Refined with plain dictionaries.
    expected = np.zeros(game.n_states, int)
    count = 0
    while expected.max() + 1 > count:
        count = expected.max() + 1
        rows = np.column_stack([expected, game.rewards, expected[game.next_states]])
        expected = np.unique(rows, axis=0, return_inverse=True)[1].ravel()
    assert small.n_states == count == reduced(pg.compile_overcooked("tiny"))[0].n_states
    assert len(set(zip(blocks.tolist(), expected.tolist(), strict=True))) == count
    assert [small.states[block] for block in (0, 5)] == [game.states[blocks.tolist().index(block)] for block in (0, 5)]
    assert pg.compile_overcooked("tiny", reduce=True).n_states == count


# Words, pictures, other forms.


def test_pictures():
    game = pg.compile_overcooked(["XPXXXXX", "O1SXX2X", "XDXXXXX"], onions=2, cook_time=3, counters=0)
    state, _ = play(game, *alone(W, USE, N, USE))
    assert game.states.picture(state).splitlines() == [
        "X   P1  X   X   X   X   X",
        "O   ^1  S   X   X   ^2  X",
        "X   D   X   X   X   X   X",
    ]
    state, _ = play(game, *alone(USE, S, USE), state=state)
    assert game.states.picture(state).splitlines()[:2] == ["X   Pz  X   X   X   X   X", "O   v1d S   X   X   ^2  X"]


def test_states_are_named_when_asked_for():
    game = pg.compile_overcooked("tiny")
    names = list(game.states)
    assert len(set(names)) == game.n_states
    assert game.states[3:5] == tuple(names[3:5])
    assert game.states[-1] == names[-1]
    assert game.states == tuple(names)
    assert game.states != names[1:]
    assert hash(game.states) == hash(tuple(names))
    explicit = game.to_game()
    assert explicit.states is game.states
    again = pickle.loads(pickle.dumps(explicit))
    assert again == explicit
    assert hash(again) == hash(explicit)


@pytest.mark.usefixtures("pettingzoo")
def test_pettingzoo_draws_the_kitchen():
    env = pg.to_pettingzoo(pg.load("overcooked:tiny"), render_mode="ansi")
    env.reset(seed=0)
    env.step({"chef 1": USE, "chef 2": W})
    assert env.render().splitlines() == [
        "step 1, state chef 1 (1,1) north, dish; chef 2 (4,1) west",
        "  chef 1: interact +0",
        "  chef 2: west +0",
        "X   D   S   X   D   O   X",
        "O   ^1d .   P   <2  .   D",
        "X   O   D   X   S   O   X",
    ]


def test_explicit_game_has_the_tables():
    game = pg.compile_overcooked("tiny", reward="5/2", discount=0.9)
    explicit = game.to_game()
    assert explicit.n_rows == 36 * game.n_states
    assert (explicit.indices == game.next_states.ravel()).all()
    assert (explicit.rewards == 2.5 * game.rewards.ravel()).all()
    assert explicit.start[0] == 1
    assert explicit.discounts.tolist() == [0.9, 0.9]
    assert explicit.action_names(7, 1) == ACTIONS


def test_same_game_again():
    first, second = (pg.compile_overcooked("three_pots") for _ in range(2))
    assert (first.next_states == second.next_states).all()
    assert (first.states.keys == second.states.keys).all()


# The team optimum on tables.


@pytest.mark.parametrize("lam", [0, 1e-4, 0.1, 0.6])
@pytest.mark.parametrize("name", ["tiny", "line"])
def test_team_plan_is_the_team_optimum(name, lam):
    game = pg.compile_overcooked(
        *([name] if name == "tiny" else [CORRIDOR]), onions=1, cook_time=2, counters=0, reduce=True
    )
    objective = pg.PowerObjective(lam)
    plan, optimum = pg.team_optimum(game, objective), pg.team_optimum(game.to_game(), objective)
    assert plan.error < 1e-8
    assert np.abs(plan.value - optimum.value).max() <= plan.error
    evaluation = pg.evaluate(game.to_game(), plan.profile(), objective)
    assert plan.task == pytest.approx(evaluation.task[0], abs=1e-12)
    for i in range(2):
        assert plan.power[:, i] == pytest.approx(evaluation.power[:, 1 - i, i], abs=1e-12)
    assert plan.actions.shape == (2, game.n_states)
    assert plan.to_dict()["actions"] == plan.actions.tolist()


def test_team_plan_of_a_shared_pot():
    """Values of the study that the layout comes from: cooperation at a shared pot is given up as faults grow likely."""
    game = pg.compile_overcooked("shared_pot")
    rare, often = (pg.team_optimum(game, pg.PowerObjective(lam)) for lam in (1e-4, 0.1))
    assert [rare.task[0], rare.mean_power[0]] == pytest.approx([2.545, 0.191], abs=6e-4)
    assert [often.task[0], often.mean_power[0]] == pytest.approx([2.475, 0.082], abs=6e-4)


def test_team_plan_of_three_players_is_refused():
    game = pg.DeterministicGame(np.zeros((1, 8), int), np.ones((1, 8)), 0.5, [["a", "b"]] * 3)
    with pytest.raises(pg.InputError, match=r"^game: got 3 players; .* give game.to_game\(\)"):
        pg.team_optimum(game)
    assert pg.team_optimum(game.to_game()).value.tolist() == [2.0]


# Names and commands.


def test_names():
    game = pg.load("overcooked:forced_coordination:onions=1,cook=2,dynamics=new,counters=2.2")
    direct = pg.compile_overcooked(
        "forced_coordination", onions=1, cook_time=2, dynamics="new", counters=[(2, 2)]
    ).to_game()
    assert game == direct
    assert pg.load("overcooked:tiny:reduce=yes:discount=0.5").n_states == 377


def test_layout_file(tmp_path):
    grid = '"""XXPXX\n   O  2O\n   X1  X\n   XDXSX"""'
    text = f'{{"grid": {grid}, "start_all_orders": [{{"ingredients": ["onion"]}}], "cook_time": 1}}'
    path = tmp_path / "room.layout"
    path.write_text(text)
    expected = pg.compile_overcooked("cramped_room", onions=1, cook_time=1, dynamics="new", counters=1)
    for name in (f"overcooked:{path}:counters=1", f"{path}:counters=1"):
        game = pg.load(name)
        assert (game.indices == expected.next_states.ravel()).all()
        assert game.title == "Overcooked, room"
    path.write_text("XXPXX\nO  2O\nX1  X\nXDXSX\n")
    game = pg.compile_overcooked(path, onions=1, cook_time=1, counters=1)
    assert (game.next_states == expected.next_states).all()


def layout_text(**content):
    rows = ["XPTXXXX", "O1 SX2X", "XDXXXXX"]
    return repr({"grid": "\n".join(rows), **content})


def soups(*recipes):
    names = {"o": "onion", "t": "tomato"}
    return [{"ingredients": [names[letter] for letter in recipe]} for recipe in recipes]


@pytest.mark.parametrize(
    ("content", "rules"),
    [
        ({"start_all_orders": soups("ooo", "ttt")}, {"recipes": "ooo+ttt"}),
        ({"start_all_orders": soups("t")}, {"recipes": "t", "pot_size": 3}),
        ({"start_all_orders": [], "max_num_ingredients": 2}, {"recipes": "o+t+oo+ot+tt", "pot_size": 2}),
        (
            {"start_all_orders": soups("oo", "to"), "recipe_values": [5, 3.5], "onion_time": 2, "tomato_time": 3},
            {"recipes": "oo*10+ot*7", "pot_size": 3, "onion_time": 2, "tomato_time": 3},
        ),
        (
            {"start_all_orders": soups("o", "tto"), "onion_value": 3, "tomato_value": 2, "cook_time": 4},
            {"recipes": "o*3+ott*7", "cook_time": 4},
        ),
        (
            {"start_all_orders": soups("o", "tt"), "start_bonus_orders": soups("tt"), "delivery_reward": 8},
            {"recipes": "o*8+tt*16", "pot_size": 3},
        ),
        (
            {"start_all_orders": soups("o", "ot"), "start_bonus_orders": soups("o"), "order_bonus": 3},
            {"recipes": "o*3+ot*1", "pot_size": 3},
        ),
    ],
)
def test_layout_files_with_several_soups(content, rules, tmp_path):
    path = tmp_path / "both.layout"
    path.write_text(layout_text(**content))
    read, direct = (make_kitchen(layout, rest) for layout, rest in ((read_layout(path), {}), (parse_grid(BOTH), rules)))
    assert (read.recipes, read.size, read.times) == (direct.recipes, direct.size, direct.times)
    assert read.mixing == "allowed"


def test_recipe_times_of_a_layout_file(tmp_path):
    path = tmp_path / "both.layout"
    path.write_text(layout_text(start_all_orders=soups("oo", "t"), recipe_times=[7, 2]))
    times = make_kitchen(read_layout(path), {}).times
    assert (times[2, 0], times[0, 1], times[3, 0]) == (7, 2, 20)
    assert set(make_kitchen(read_layout(path), {"cook_time": 3}).times.values()) == {3}


@pytest.mark.parametrize(
    ("name", "explosion"),
    [("mini1", 0), ("mini1_explosion1k", 50), ("mini1_explosion10000k", 500_000), ("mini1_explosion_scaled", 0)],
)
def test_the_author_s_layouts_are_read_by_the_author_s_rules(name, explosion, tmp_path):
    path = tmp_path / f"power_wrong_ingredient_{name}.layout"
    path.write_text(layout_text(start_all_orders=soups("ooo", "ttt"), onion_time=1, tomato_time=1))
    kitchen = pg.compile_overcooked(path).states.kitchen
    assert (kitchen.mixing, kitchen.explosion, kitchen.times[2, 0], kitchen.counters) == ("lost", explosion, 2, ())
    assert not read_layout(path).options["reduce"]
    assert make_kitchen(read_layout(path), {"mixing": "allowed"}).explosion == 0


def test_the_larger_kitchen_of_the_author_is_reduced_unless_told_otherwise(tmp_path):
    path = tmp_path / "power_wrong_ingredient_mini2.layout"
    path.write_text(layout_text(start_all_orders=soups("ooo", "ttt"), cook_time=1))
    small, whole = (pg.compile_overcooked(path, reduce=reduce) for reduce in (None, False))
    assert small.n_states == reduced(whole)[0].n_states < whole.n_states
    assert LAYOUTS["mini2"].options["reduce"]


def test_great_payments_are_kept():
    rules = {"recipes": "oo+tt", "mixing": "lost", **EACH}
    for explosion, kind in ((1000, np.int8), (10_000, np.int16), (10_000_000, np.int32)):
        game = pg.compile_overcooked(APART, explosion=explosion, **rules)
        assert game.rewards.dtype == kind
        assert game.reward_unit * int(game.rewards.min()) == -explosion / 20


def test_names_with_tomatoes(tmp_path):
    game = named_kitchen("overcooked:mini1:counters=0,explosion=1000,onion_time=1,pot=3,reward=2,discount=0.9")
    assert (game.n_states, game.discount, game.states.kitchen.explosion) == (265_824, 0.9, 50)
    # There is one pot in which both can meet.
    assert game.reward_unit * int(game.rewards.min()) == -100
    path = tmp_path / "both.layout"
    path.write_text("\n".join(BOTH))
    game = pg.load(f"{path}:recipes=oo*30+t,pot=2,mixing=lost,cook=1,counters=0")
    assert (
        game
        == pg.compile_overcooked(
            path, recipes={"oo": 30, "t": 20}, pot_size=2, mixing="lost", cook_time=1, counters=0
        ).to_game()
    )


def test_order_of_counters():
    assert [chosen_counters(LAYOUTS["cramped_room"], k) for k in (0, 1, 2, 3)] == [
        (),
        ((3, 0),),
        ((1, 0), (3, 0)),
        ((1, 0), (3, 0), (2, 3)),
    ]
    assert [chosen_counters(LAYOUTS["forced_coordination"], k) for k in (1, 2)] == [((2, 2),), ((2, 1), (2, 2))]
    assert len(chosen_counters(LAYOUTS["cramped_room"], "all")) == 5


def test_commands(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(["compile", "overcooked:tiny", "-o", "tiny.npz", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["states"], told["joint_actions"], told["bytes"]) == (1189, 42804, Path("tiny.npz").stat().st_size)
    assert pg.load("tiny.npz") == pg.load("overcooked:tiny")
    assert run(["compile", "stag_hunt", "-o", "hunt.npz"]) == 0
    assert "Stag hunt" in capsys.readouterr().out
    assert run(["compile", "tiny.npz", "-o", "./tiny.npz"]) == 2
    assert "is the file of GAME, too" in capsys.readouterr().err
    assert run(["compile", "stag_hunt", "-o", "hunt.txt"]) == 2
    assert run(["games", "--json"]) == 0
    entries = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out.splitlines()[-1])["games"]}
    assert entries["overcooked:cramped_room"]["parameters"]["counters"] == 1
    assert run(["power", "overcooked:tiny", "--profile", "uniform", "--json"]) == 0


# Refusals.


@pytest.mark.parametrize(
    ("layout", "rules", "message"),
    [
        ("tinny", {}, r"no layout is named 'tinny'; give one of tiny, shared_pot"),
        (["XPX", "O?D", "XSX"], {}, r"line 2, column 2 of the grid: got '\?'"),
        (["XPX", "O1D", "XSX"], {}, r"has no chef 2; give exactly two"),
        (["XPX", "12D", "X1X"], {}, r"line 3, column 2 of the grid: chef 1 is there a second time"),
        (["XPX", "O12D", "XSX"], {}, r"line 2 of the grid has 4 cells and line 1 has 3"),
        ("\n", {}, r"the grid is empty"),
        (5, {}, r"layout: got int"),
        ("tiny", {"onions": 0}, r"onions: got 0"),
        ("tiny", {"cook_time": "x"}, r"cook_time: got 'x'"),
        ("tiny", {"dynamics": "none"}, r"dynamics: got 'none'; give one of old, new"),
        ("tiny", {"counters": 1}, r"counters: got 1; chefs can use 0"),
        ("cramped_room", {"counters": [(2, 2)]}, r"counters: \(2, 2\) is no counter that a chef can use"),
        ("cramped_room", {"counters": "1+2.x"}, r"counters: got"),
        ("tiny", {"discount": 1.5}, r"discount: got 1.5"),
        (BOTH, {"recipes": "oo", "onions": 2}, r"onions and recipes: two ways to say the same; give one of them"),
        (BOTH, {"cook_time": 2, "tomato_time": 2}, r"cook_time and tomato_time: two ways to say the same"),
        (BOTH, {"onion_time": 2}, r"onion_time and tomato_time: only one is there; give both"),
        (BOTH, {"onion_time": 0, "tomato_time": 1}, r"onion_time: got 0"),
        (BOTH, {"recipes": "ooo", "pot_size": 2}, r"recipes: ooo is more than a pot takes, 2; give a greater pot_size"),
        (BOTH, {"recipes": "ox"}, r"recipes: got 'ox'; give letters o and t"),
        (BOTH, {"recipes": "ot+to"}, r"recipes: 'to' is there twice"),
        (BOTH, {"recipes": "o*x"}, r"recipes: o: got 'x'; give a finite number"),
        (BOTH, {"recipes": {}}, r"recipes: got none"),
        (BOTH, {"recipes": 3}, r"recipes: got int; give text"),
        (BOTH, {"recipes": "o*-1+t*0"}, r"recipes: no soup is worth more than 0"),
        (BOTH, {"recipes": "o*1e9+t*1e-9"}, r"recipes: what they are worth has no common unit"),
        (BOTH, {"pot_size": 11}, r"pot_size: got 11; give an integer from 1 to 10"),
        (BOTH, {"mixing": "never"}, r"mixing: got 'never'; give one of lost, allowed"),
        (BOTH, {"explosion": 5}, r"explosion: it happens where mixing is lost"),
        (BOTH, {"mixing": "lost", "explosion": -5}, r"explosion: got -5; give what is lost, a number >= 0"),
        ("tiny", {"reward": "inf"}, r"reward: got 'inf'"),
        ("tiny", {"max_states": 100}, r"^tiny: more than 100 states; \d+ of them were done; raise max_states"),
        (["XP" + "X" * 28, "O12" + " " * 25 + "DS", "X" * 30], {}, r"more than can be numbered; let fewer counters"),
        ("no_such.layout", {}, r"no_such.layout: No such file"),
    ],
)
def test_bad_kitchens(layout, rules, message):
    with pytest.raises(pg.InputError, match=message) as caught:
        pg.compile_overcooked(layout, **rules)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", r"not a dict as Python writes one"),
        ("{'grid': 3}", r"no text under the key 'grid'"),
        ("{'grid': 'XPX', 'start_all_orders': [{'ingredients': ['leek']}]}", r"'start_all_orders' must hold different"),
        ("{'grid': 'XPX', 'start_all_orders': 3}", r"'start_all_orders' must hold different soups"),
        ("{'grid': 'X1P\\nO2D', 'cook_time': 'x'}", r"cook_time: got 'x'"),
        (layout_text(start_all_orders=soups("o", "o")), r"'start_all_orders' must hold different soups"),
        (
            layout_text(start_all_orders=soups("o"), recipe_values=[1, 2]),
            r"'recipe_values' must have one number for each",
        ),
        (layout_text(start_all_orders=soups("o"), recipe_times=3), r"'recipe_times' must have one number for each"),
        (layout_text(start_all_orders=soups("o"), recipe_values=["x"]), r"value of a soup: got 'x'"),
        (
            layout_text(start_all_orders=soups("o"), start_bonus_orders=soups("t")),
            r"'start_bonus_orders' has a soup that",
        ),
        (layout_text(start_all_orders=soups("oooo")), r"recipes: oooo is more than a pot takes, 3"),
        (layout_text(max_num_ingredients=99), r"'max_num_ingredients': got 99"),
        ("(" * 100_000, r"the grid has 100,000 cells; give at most 10,000"),
        ("{" + "(" * 100_000, r"not a dict as Python writes one"),
    ],
)
def test_bad_files(text, message, tmp_path):
    path = tmp_path / "kitchen.layout"
    path.write_text(text)
    with pytest.raises(pg.InputError, match=message):
        pg.load(str(path))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("overcooked", r"no layout; give one, as in overcooked:tiny"),
        ("overcooked:tiny:onion=1", r"unknown parameter 'onion'; did you mean onions\?"),
        ("overcooked:tiny:cook", r"got 'cook'; give parameters as key=value"),
        ("overcooked:tiny:reduce=maybe", r"reduce: got 'maybe'; give yes or no"),
    ],
)
def test_bad_names(name, message):
    with pytest.raises(pg.InputError, match=message):
        pg.load(name)


def test_search_can_be_stopped():
    def stop(stage, done, found):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pg.compile_overcooked("shared_pot", callback=stop)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"next_states": [[0, 1]]}, r"next_states: got states from 0 to 1; there are 0 to 0"),
        ({"next_states": [[0.0, 0.0]]}, r"next_states: got float64"),
        ({"next_states": [[0]]}, r"shape \(1, 1\); give integers of shape \(S, 2\)"),
        ({"rewards": [[1]]}, r"rewards: got int64 of shape \(1, 1\)"),
        ({"rewards": [[1, np.nan]]}, r"rewards: contain NaN"),
        ({"discount": 1.5}, r"discount: got 1.5"),
        ({"start": 1}, r"start: got 1"),
        ({"states": ["a", "b"]}, r"states: got 2 names"),
        ({"players": ["a", "b"]}, r"players: got 2 names"),
        ({"actions": []}, r"actions: give at least one player"),
    ],
)
def test_bad_tables(change, message):
    given = {"next_states": [[0, 0]], "rewards": [[1, 0]], "discount": 0.5, "actions": [["a", "b"]]}
    with pytest.raises(pg.InputError, match=message):
        pg.DeterministicGame(**given | change)
