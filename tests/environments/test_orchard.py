"""The orchard of benchmarks/large_environment.py is an environment of PettingZoo, with fires and gardens as it says."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parent.parent.parent

pytestmark = pytest.mark.usefixtures("pettingzoo")


@pytest.fixture(scope="module")
def orchard():
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        import orchard

        return vars(orchard)
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))


def quiet(orchard, luck=0.5):
    """Return an orchard of bare trees in which chance always gives the same number."""
    env = orchard["Orchard"]()
    env.reset(seed=0)
    env.trees[: orchard["NONE"]] = orchard["BARE"]
    env.rng = type("Luck", (), {"random": lambda self, size: np.full(size, luck)})()
    return env


def test_it_is_a_parallel_env(orchard):
    from pettingzoo.test import parallel_api_test

    parallel_api_test(orchard["Orchard"](20), num_cycles=50)


def test_a_state_can_be_set_again(orchard):
    env = orchard["Orchard"](20)
    env.reset(seed=1)
    env.step(dict.fromkeys(env.agents, orchard["LIGHT"]))
    state, after = env.get_state(), []
    for _ in range(2):
        env.set_state(state)
        env.rng = np.random.default_rng(2)
        assert env.get_state() == state
        after.append([env.step(dict.fromkeys(env.agents, 1)) for _ in range(5)])
    for one, other in zip(*after, strict=True):
        assert one[1:] == other[1:]
        assert all((one[0][agent] == other[0][agent]).all() for agent in env.possible_agents)


def test_one_fire_takes_the_orchard_and_no_garden(orchard):
    env = quiet(orchard)
    env.cells[:] = orchard["COMMON"][12], 0, 0
    env.step({"ann": orchard["LIGHT"], "ben": orchard["STAY"], "cem": orchard["STAY"]})
    assert (env.trees == orchard["BURNING"]).sum() == 1
    for _ in range(6):
        env.step(dict.fromkeys(env.agents, orchard["STAY"]))
    common = len(orchard["COMMON"])
    assert (env.trees[:common] == orchard["BURNT"]).all()
    assert (env.trees[common : orchard["NONE"]] == orchard["BARE"]).all()


def test_one_of_two_eats_an_apple(orchard):
    env = quiet(orchard)
    tree = 12
    env.trees[tree], cell = orchard["RIPE"], orchard["COMMON"][tree]
    env.cells[:] = cell - 1, cell + 1, 0
    rewards = env.step({"ann": orchard["RIGHT"], "ben": orchard["LEFT"], "cem": orchard["STAY"]})[1]
    assert sorted(rewards.values()) == [0.0, 0.0, 1.0]
    assert env.trees[tree] == orchard["BARE"]
    assert orchard["roughly"](env) == (0, 0, 2, 0, 0)
