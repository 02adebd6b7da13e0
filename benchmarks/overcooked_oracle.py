"""Compare compiled kitchens with Overcooked-AI itself, transition by transition.

Run ``python benchmarks/overcooked_oracle.py [TRANSITIONS] [--fork PATH]``; the default is 250,000 transitions, which
takes a minute. It needs

    pip install --no-deps overcooked-ai==1.1.0 overcooked==0.2.1 tqdm gym==0.26.2 gym-notices
    pip install pygame cloudpickle

where `overcooked` is a fork of the library that still has the old dynamics, for soups of three onions. For other soups
the library's new dynamics are made old here: full pots start by themselves, and interacting with bare hands does not.

With ``--fork`` only kitchens in which mixing loses a pot are compared, with a checkout of their author's fork of the
library, github.com/varmichelle/overcooked_ai at 894edf74. Of it src/overcooked_ai_py is used: the folders mdp and
data/layouts, and the files static.py and utils.py.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import sys
import time
import types
from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np

import powergames as pg
from powergames.environments.overcooked import KitchenStates
from powergames.environments.overcooked.events import EVENTS
from powergames.environments.overcooked.kitchen import MOVES, Kitchen
from powergames.environments.overcooked.layouts import COUNTER, POT
from powergames.environments.overcooked.library import Digits


class Case(NamedTuple):
    """A kitchen to compare.

    Attributes
    ----------
    layout : str or list of str
        As `compile_overcooked` takes it; or a file of the library's, as ``"NAME.layout"``.
    rules : dict
        More arguments of `compile_overcooked`.
    theirs : str, optional
        Name of the library's layout whose rules it has; by default the library gets the grid and the rules of the
        compiled kitchen.
    """

    layout: Any
    rules: Mapping[str, Any]
    theirs: str | None = None


BLEND = ["XOXPX", "T1 2T", "XDPSX"]
KITCHENS = (
    Case("tiny", {"onions": 1, "cook_time": 2, "dynamics": "new", "counters": "all"}),
    Case("shared_pot", {"onions": 1, "cook_time": 2, "dynamics": "new", "counters": "all"}),
    Case("shared_pot", {"onions": 2, "cook_time": 3, "dynamics": "new", "counters": "all"}),
    Case("shared_pot", {"onions": 3, "cook_time": 5, "dynamics": "old", "counters": "all"}),
    Case("three_pots", {"onions": 1, "cook_time": 2, "dynamics": "new", "counters": "all"}),
    Case("three_pots", {"onions": 1, "cook_time": 2, "dynamics": "old", "counters": "all"}),
    Case("cramped_room", {"onions": 3, "cook_time": 20, "dynamics": "old", "counters": 2}),
    Case("cramped_room", {"onions": 3, "cook_time": 4, "dynamics": "new", "counters": 1}),
    Case("cramped_room", {"onions": 1, "cook_time": 1, "dynamics": "new", "counters": 3}),
    Case("forced_coordination", {"onions": 3, "cook_time": 5, "dynamics": "old", "counters": 1}),
    Case("forced_coordination", {"onions": 2, "cook_time": 4, "dynamics": "new", "counters": 1}),
    Case("coordination_ring", {"onions": 3, "cook_time": 5, "dynamics": "old", "counters": 1}),
    Case("coordination_ring", {"onions": 2, "cook_time": 3, "dynamics": "new", "counters": 0}),
    Case("asymmetric_advantages", {"onions": 1, "cook_time": 2, "dynamics": "new", "counters": 0}),
    Case("counter_circuit", {"onions": 1, "cook_time": 2, "dynamics": "old", "counters": 0}),
    Case("mini1", {"mixing": "allowed"}),
    Case("mini1", {"mixing": "allowed", "recipes": "ooo+oot*30+tt*5", "dynamics": "old", "counters": [(0, 1)]}),
    Case(BLEND, {"recipes": "oo+ot*30+t*10", "pot_size": 2, "onion_time": 2, "tomato_time": 3, "counters": 1}),
    Case(BLEND, {"recipes": "ot+tt*-10", "pot_size": 2, "cook_time": 2, "dynamics": "old", "counters": [(2, 0)]}),
    Case("simple_o_t.layout", {"counters": 0}, "simple_o_t"),
    Case("cramped_room_tomato.layout", {"counters": 0}, "cramped_room_tomato"),
    Case("bonus_order_test.layout", {"counters": 0}, "bonus_order_test"),
    Case("mdp_test.layout", {"counters": 0}, "mdp_test"),
)
_AUTHORS = "power_wrong_ingredient_mini"
AUTHORS_KITCHENS = (
    Case("mini1", {}, f"{_AUTHORS}1"),
    Case("mini1", {"counters": "all"}, f"{_AUTHORS}1"),
    Case("mini1", {"explosion": 1000}, f"{_AUTHORS}1_explosion1k"),
    Case("mini1", {"explosion": 10**7, "counters": [(0, 5)]}, f"{_AUTHORS}1_explosion10000k"),
    Case("mini2", {}, f"{_AUTHORS}2"),
    *(
        Case(f"{name}.layout", {"counters": 0}, name)
        for name in (f"{_AUTHORS}1{end}" for end in ("", "_explosion1k", "_explosion100k", "_explosion_scaled"))
    ),
)
# What chefs do, by our events and by the beginning or end of the library's.
DONE = {
    "thing taken": "takes",
    "soup taken": "takes",
    "spoiled soup taken": "takes",
    "thing put down": "puts down",
    "ingredient put": "puts in",
    "pot mixed": "puts in",
    "soup served": "serves",
    "spoiled soup served": "serves",
}
LOGGED = {"_pickup": "takes", "_drop": "puts down", "potting_": "puts in", "soup_delivery": "serves"}
JOINT = 36


def compare(case: Case, transitions: int, seed: int = 0, merge: bool = True, fork: str | None = None) -> list[str]:
    """Return the names of the transitions that differ, of so many that are drawn at random."""
    layout, rules, theirs = case
    if isinstance(layout, str) and layout.endswith(".layout"):
        layout = str(_folder(fork) / "data" / "layouts" / layout)
    game = pg.compile_overcooked(layout, **rules, merge=merge)
    names = cast(KitchenStates, game.states)
    kitchen = names.kitchen
    oracle = Oracle(game, theirs, fork)
    rng = np.random.default_rng(seed)
    different = []
    states = rng.integers(game.n_states, size=transitions)
    states[0] = 0
    told = pg.kitchen_events(game, states)
    rows = rng.integers(JOINT, size=transitions)
    for k, (state, joint) in enumerate(zip(states.tolist(), rows.tolist(), strict=True)):
        first, second = divmod(joint, 6)
        digits, paid, done = oracle.step(names.digits(state), first, second, rng)
        following = int(game.next_states[state, joint])
        same = digits == names.digits(following) and paid == int(game.rewards[state, joint]) * kitchen.unit
        # Which chef takes, puts down, puts into a pot and serves: the library has no event for a pot that is started.
        ours = [DONE.get(EVENTS[what], "") for what in told.what[k, joint].tolist()]
        if not same or done != ours:
            different.append(f"{case}: {game.states[state]}, {(first, second)}")
    start = oracle.states.digits(oracle.mdp.get_standard_start_state())
    if start != names.digits(0):
        different.append(f"{case}: the start")
    return different


class Oracle:
    """A kitchen played by the library.

    Parameters
    ----------
    game : DeterministicGame
    theirs : str, optional
        Name of the layout of the library that is played.
    fork : str, optional
        Checkout of the fork in which mixing loses a pot.
    """

    def __init__(self, game: pg.DeterministicGame, theirs: str | None = None, fork: str | None = None) -> None:
        self.kitchen = kitchen = cast(KitchenStates, game.states).kitchen
        old = kitchen.dynamics == "old"
        # The fork with old dynamics takes soups of three onions alone.
        by_threes = (
            old and kitchen.size == 3 and not kitchen.has_tomatoes and _load("overcooked", _installed("overcooked"))
        )
        if fork is not None:
            package = "authors.mdp" if _load("authors", _folder(fork)) else ""
        else:
            package = "overcooked.mdp" if by_threes else "overcooked_ai_py.mdp"
        library = importlib.import_module(f"{package}.overcooked_mdp")
        self.made_old = old and not by_threes
        gridworld = library.OvercookedGridworld
        if theirs is not None:
            self.mdp = gridworld.from_layout_name(theirs)
            worths = [_exact(library.Recipe.from_dict(order).value) for order in self.mdp.start_all_orders]
            self.best = max(
                worth * (2 if order in self.mdp.start_bonus_orders else 1)
                for worth, order in zip(worths, self.mdp.start_all_orders, strict=True)
            )
        else:
            self.best = 1 / kitchen.unit
            self.mdp = gridworld.from_grid(
                _grid(kitchen), _options(kitchen) | ({"old_dynamics": True} if by_threes else {})
            )
        if self.made_old:
            tick = self.mdp.step_environment_effects

            def start_and_tick(state: Any) -> None:
                for thing in state.objects.values():
                    if thing.name == "soup" and thing.is_idle and thing.is_full:
                        thing.begin_cooking()
                tick(state)

            self.mdp.step_environment_effects = start_and_tick
        self.states = pg.OvercookedAI(game, self.mdp)

    def step(
        self, digits: Digits, first: int, second: int, rng: np.random.Generator
    ) -> tuple[Digits, Fraction, list[str]]:
        """Return the digits that follow, what was paid in soups, and what each chef did, as the values of `DONE`."""
        state = self.states.of_digits(digits, lambda count: int(rng.integers(count)))
        actions = [self.action(state, chef, action) for chef, action in enumerate((first, second))]
        after, infos = self.mdp.get_state_transition(state, actions)
        paid = Fraction(sum(map(_exact, infos["sparse_reward_by_agent"]))) / self.best
        done = [""] * 2
        for event, chefs in infos["event_infos"].items():
            what = next((LOGGED[part] for part in LOGGED if event.startswith(part) or event.endswith(part)), "")
            done = [what if what and chefs[chef] else done[chef] for chef in range(2)]
        # The library does not log tomatoes that come from where they are dispensed.
        for chef, (was, now) in enumerate(zip(state.players, after.players, strict=True)):
            if not was.has_object() and now.has_object() and now.get_object().name == "tomato":
                done[chef] = "takes"
        return self.states.digits(after), paid, done

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


def _grid(kitchen: Kitchen) -> list[str]:
    """Return the grid of a kitchen with its chefs."""
    rows = [list(row) for row in kitchen.layout.rows]
    for chef, (x, y) in enumerate(kitchen.layout.starts):
        rows[y][x] = str(chef + 1)
    return ["".join(row) for row in rows]


def _options(kitchen: Kitchen) -> dict[str, Any]:
    """Return the rules of a kitchen as the library takes them."""
    orders = [{"ingredients": ["onion"] * onions + ["tomato"] * tomatoes} for onions, tomatoes in kitchen.recipes]
    if kitchen.cook_time is None:
        times = {"onion_time": kitchen.times[1, 0], "tomato_time": kitchen.times[0, 1]}
    else:
        times = {"cook_time": kitchen.cook_time}
    return {
        "start_all_orders": orders,
        "all_orders": orders,
        "recipe_values": [int(worth / kitchen.unit) for worth in kitchen.recipes.values()],
        "max_num_ingredients": kitchen.size,
        **times,
    }


def _exact(number: float) -> Fraction:
    return Fraction(str(number))


@cache
def _installed(package: str) -> Path | None:
    """Return the folder of a package, or None if it is not installed."""
    found = importlib.util.find_spec(package)
    return None if found is None else Path(next(iter(found.submodule_search_locations or ())))


def _folder(fork: str | None) -> Path:
    """Return the folder of the library, or the one of the fork in a checkout."""
    folder = _installed("overcooked_ai_py") if fork is None else Path(fork) / "src" / "overcooked_ai_py"
    if folder is None or not folder.is_dir():
        sys.exit(f"{folder}: no such folder; install overcooked-ai, or give a checkout of the fork")
    return folder


def _load(package: str, folder: Path | None) -> bool:
    """Make the rules in a folder importable without what their package imports; say whether there are any."""
    if folder is None:
        return False
    if package not in sys.modules:
        for name, path in ((package, folder), (f"{package}.mdp", folder / "mdp")):
            sys.modules[name] = types.ModuleType(name)
            sys.modules[name].__path__ = [str(path)]
    return True


def main() -> None:
    """Print one line for each kitchen; the exit code is 1 if any transition differs."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("transitions", type=int, nargs="?", default=250_000)
    parser.add_argument("--fork", metavar="PATH", help="a checkout of the fork in which mixing loses a pot")
    given = parser.parse_args()
    kitchens = AUTHORS_KITCHENS if given.fork else KITCHENS
    share = -(-given.transitions // len(kitchens))
    wrong = 0
    for seed, case in enumerate(kitchens):
        start = time.perf_counter()
        # Every third kitchen without merging directions, so that what is merged is compared too.
        merge = seed % 3 != 1
        different = compare(case, share, seed, merge, given.fork)
        wrong += len(different)
        print(
            f"{case}, merge={merge}: {len(different)} of {share:,} differ, {time.perf_counter() - start:.0f} s",
            flush=True,
        )
        for line in different[:3]:
            print("   ", line)
    print(f"{wrong} of {share * len(kitchens):,} transitions differ")
    sys.exit(int(wrong > 0))


if __name__ == "__main__":
    main()
