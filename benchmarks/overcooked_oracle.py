"""Compare compiled kitchens with Overcooked-AI itself, transition by transition.

Run ``python benchmarks/overcooked_oracle.py [TRANSITIONS]``; the default is 250,000, which takes half a minute. It
needs

    pip install --no-deps overcooked-ai==1.1.0 overcooked==0.2.1 tqdm gym==0.26.2 gym-notices
    pip install pygame cloudpickle

where `overcooked` is a fork of the library that still has the old dynamics, for soups of three onions. For other soups
the library's new dynamics are made old here: full pots start by themselves, and interacting with bare hands does not.
"""

from __future__ import annotations

import importlib.util
import sys
import time
import types
from typing import Any

import numpy as np

import powergames as pg
from powergames.environments.overcooked.kitchen import NOTHING, SOUP, SPOILED, Kitchen
from powergames.environments.overcooked.layouts import COUNTER, POT, Cell

Digits = tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]

# Layout, onions, cook time, dynamics, counters.
KITCHENS = (
    ("tiny", 1, 2, "new", "all"),
    ("shared_pot", 1, 2, "new", "all"),
    ("shared_pot", 2, 3, "new", "all"),
    ("shared_pot", 3, 5, "old", "all"),
    ("three_pots", 1, 2, "new", "all"),
    ("three_pots", 1, 2, "old", "all"),
    ("cramped_room", 3, 20, "old", 2),
    ("cramped_room", 3, 4, "new", 1),
    ("cramped_room", 1, 1, "new", 3),
    ("forced_coordination", 3, 5, "old", 1),
    ("forced_coordination", 2, 4, "new", 1),
    ("coordination_ring", 3, 5, "old", 1),
    ("coordination_ring", 2, 3, "new", 0),
    ("asymmetric_advantages", 1, 2, "new", 0),
    ("counter_circuit", 1, 2, "old", 0),
)
MOVES = [(0, -1), (0, 1), (1, 0), (-1, 0)]
JOINT = 36


def compare(kitchen: tuple[Any, ...], transitions: int, seed: int = 0, merge: bool = True) -> list[str]:
    """Return the names of the transitions that differ, of so many that are drawn at random."""
    layout, onions, cook_time, dynamics, counters = kitchen
    game = pg.compile_overcooked(
        layout,
        onions=onions,
        cook_time=cook_time,
        dynamics=dynamics,
        counters=counters,
        merge=merge,
        max_states=10_000_000,
    )
    oracle = Oracle(game.states.kitchen)
    rng = np.random.default_rng(seed)
    different = []
    states = rng.integers(game.n_states, size=transitions)
    states[0] = 0
    for state, joint in zip(states.tolist(), rng.integers(JOINT, size=transitions).tolist(), strict=True):
        digits, paid = oracle.step(game.states.digits(state), *divmod(joint, 6), rng)
        following = int(game.next_states[state, joint])
        if digits != game.states.digits(following) or paid != game.rewards[state, joint]:
            different.append(f"{kitchen}: {game.states[state]}, {divmod(joint, 6)}")
    start = oracle.digits(oracle.mdp.get_standard_start_state())
    if start != game.states.digits(0):
        different.append(f"{kitchen}: the start")
    return different


class Oracle:
    """A kitchen played by the library."""

    def __init__(self, kitchen: Kitchen) -> None:
        self.kitchen = kitchen
        # The fork takes soups of three alone where dynamics are old.
        self.old = kitchen.dynamics == "old"
        fork = self.old and kitchen.onions == 3 and _load_fork()
        package = "overcooked.mdp" if fork else "overcooked_ai_py.mdp"
        self.library = importlib.import_module(f"{package}.overcooked_mdp")
        self.made_old = self.old and not fork
        rows = [list(row) for row in kitchen.layout.rows]
        for chef, (x, y) in enumerate(kitchen.layout.starts):
            rows[y][x] = str(chef + 1)
        options = {
            "start_all_orders": [{"ingredients": ["onion"] * kitchen.onions}],
            "max_num_ingredients": kitchen.onions,
            "cook_time": kitchen.cook_time,
            "delivery_reward": 1,
        }
        if fork:
            options["old_dynamics"] = True
        self.mdp = self.library.OvercookedGridworld.from_grid(["".join(row) for row in rows], options)
        if self.made_old:
            tick = self.mdp.step_environment_effects

            def start_and_tick(state: Any) -> None:
                for thing in state.objects.values():
                    if thing.name == "soup" and thing.is_idle and thing.is_full:
                        thing.begin_cooking()
                tick(state)

            self.mdp.step_environment_effects = start_and_tick

    def step(self, digits: Digits, first: int, second: int, rng: np.random.Generator) -> tuple[Digits, int]:
        """Return the digits that follow, and what was paid."""
        state = self.state(digits, rng)
        actions = [self.action(state, chef, action) for chef, action in enumerate((first, second))]
        after, infos = self.mdp.get_state_transition(state, actions)
        return self.digits(after), sum(infos["sparse_reward_by_agent"])

    def action(self, state: Any, chef: int, action: int) -> Any:
        """Return an action as the library has it; interacting is staying at counters that are not used."""
        if action < 4:
            return MOVES[action]
        player = state.players[chef]
        faced = (player.position[0] + player.orientation[0], player.position[1] + player.orientation[1])
        what = self.mdp.get_terrain_type_at_pos(faced)
        unused = what == COUNTER and faced not in self.kitchen.counters
        by_hand = self.made_old and what == POT and not player.has_object()
        return (0, 0) if action == 4 or unused or by_hand else "interact"

    def state(self, digits: Digits, rng: np.random.Generator) -> Any:
        """Return a state of the library."""
        kitchen, library = self.kitchen, self.library
        poses, held, conditions = digits
        players, objects = [], {}
        for chef in range(2):
            place, way = kitchen.poses[poses[chef]]
            cell = kitchen.floor[place]
            item = None if held[chef] == NOTHING else self.item(held[chef], cell, rng)
            players.append(library.PlayerState(cell, MOVES[way], item))
        for cell, condition in zip(kitchen.things, conditions, strict=True):
            if not condition:
                continue
            if kitchen.layout.at(cell) == COUNTER:
                objects[cell] = self.item(condition, cell, rng)
            else:
                onions, steps, spoiled = kitchen.cooking(condition)
                onions = int(rng.integers(1, kitchen.onions)) if spoiled else onions
                objects[cell] = library.SoupState.get_soup(cell, onions, cooking_tick=steps)
        return library.OvercookedState(players, objects, all_orders=self.mdp.start_all_orders)

    def item(self, item: int, cell: Cell, rng: np.random.Generator) -> Any:
        """Return something to hold, or to put on a counter."""
        kitchen, library = self.kitchen, self.library
        if item in (SOUP, SPOILED):
            onions = kitchen.onions if item == SOUP else int(rng.integers(1, kitchen.onions))
            return library.SoupState.get_soup(cell, onions, cooking_tick=kitchen.cook_time)
        return library.ObjectState(kitchen.items[item], cell)

    def digits(self, state: Any) -> Digits:
        """Return the digits of a state of the library."""
        kitchen = self.kitchen
        poses, held = [], []
        for player in state.players:
            pose = kitchen.pose_of(kitchen.floor.index(player.position), MOVES.index(player.orientation))
            poses.append(kitchen.poses.index(pose))
            held.append(self.condition(player.held_object))
        objects = dict(state.objects)
        conditions = [self.condition(objects.pop(cell, None), kitchen.layout.at(cell)) for cell in kitchen.things]
        assert not objects
        return tuple(poses), tuple(held), tuple(conditions)

    def condition(self, thing: Any, where: str = COUNTER) -> int:
        """Return the condition of a pot, or the item that is held or on a counter."""
        kitchen = self.kitchen
        if thing is None:
            return NOTHING
        if thing.name != "soup":
            return kitchen.items.index(thing.name)
        spoiled = not thing.is_idle and len(thing.ingredients) < kitchen.onions
        if where == POT:
            return len(thing.ingredients) if thing.is_idle else kitchen.cooked(thing._cooking_tick, spoiled)
        assert thing.is_ready
        return SPOILED if spoiled else SOUP


def _load_fork() -> bool:
    """Make the rules of the fork importable without its packages, which import OpenCV; say whether it is there."""
    if "overcooked" not in sys.modules:
        found = importlib.util.find_spec("overcooked")
        if found is None:
            return False
        (folder,) = found.submodule_search_locations
        for name, path in (("overcooked", folder), ("overcooked.mdp", f"{folder}/mdp")):
            sys.modules[name] = types.ModuleType(name)
            sys.modules[name].__path__ = [path]
    return True


def main() -> None:
    """Print one line for each kitchen; the exit code is 1 if any transition differs."""
    total = int(sys.argv[1]) if len(sys.argv) > 1 else 250_000
    share = -(-total // len(KITCHENS))
    wrong = 0
    for seed, kitchen in enumerate(KITCHENS):
        start = time.perf_counter()
        # Every third kitchen without merging, so that what is merged is compared too.
        merge = seed % 3 != 1
        different = compare(kitchen, share, seed, merge)
        wrong += len(different)
        print(f"{kitchen}, merge={merge}: {len(different)} of {share:,} differ, {time.perf_counter() - start:.0f} s")
        for line in different[:3]:
            print("   ", line)
    print(f"{wrong} of {share * len(KITCHENS):,} transitions differ")
    sys.exit(int(wrong > 0))


if __name__ == "__main__":
    main()
