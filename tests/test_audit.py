"""The audit of a profile: certificate and off-policy report."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

import powergames as pg
from powergames.audit import audit, off_policy

GAMES = ["stag_hunt", "assembly_line:n=4", "random_uniform:players=3,actions=2x3x4", "random_uniform:players=1"]


def expected_payoffs(game, profile):
    """Expected payoff of every player, term by term."""
    totals = np.zeros(game.n_players)
    for joint in np.ndindex(*game.n_actions):
        weight = np.prod([profile[i][a] for i, a in enumerate(joint)])
        totals += weight * game.payoffs[(slice(None), *joint)]
    return totals


def random_profile(game, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.dirichlet(np.ones(size)) for size in game.n_actions]


@pytest.mark.parametrize("name", GAMES)
def test_tasks_are_the_expected_payoffs_of_the_changed_profile(name):
    game = pg.load(name)
    profile = random_profile(game)
    for deviation in off_policy(game, profile):
        j = deviation.deviator
        size = game.n_actions[j]
        own = np.full(size, 1 / size) if deviation.action is None else np.eye(size)[deviation.action]
        changed = [own if i == j else strategy for i, strategy in enumerate(profile)]
        np.testing.assert_allclose(deviation.task, expected_payoffs(game, changed), atol=1e-12)


@pytest.mark.parametrize("name", GAMES)
def test_adversary_does_the_harm_that_power_says(name):
    game = pg.load(name)
    profile = random_profile(game, seed=1)
    table = pg.power_table(game, profile)
    adversarial = [deviation for deviation in off_policy(game, profile) if deviation.kind == "adversarial"]
    assert len(adversarial) == game.n_players * (game.n_players - 1)
    for deviation in adversarial:
        i, j = deviation.against, deviation.deviator
        assert i != j
        assert table.task[i] - deviation.task[i] == pytest.approx(table.values[i, j], abs=1e-12)


@pytest.mark.parametrize("name", GAMES[:3])
def test_every_player_deviates_in_every_way(name):
    game = pg.load(name)
    report = off_policy(game, game.uniform_profile())
    for j, size in enumerate(game.n_actions):
        own = [deviation for deviation in report if deviation.deviator == j]
        kinds = [deviation.kind for deviation in own]
        assert kinds == ["adversarial"] * (game.n_players - 1) + ["freeze"] * size + ["uniform"]
        assert [d.action for d in own if d.kind == "freeze"] == list(range(size))


def test_exact_profiles_give_exact_numbers():
    game = pg.load("stag_hunt")
    third = [Fraction(1, 3), Fraction(2, 3)]
    document = audit(game, pg.PowerObjective("1/3"), [third, third]).to_dict()
    uniform = document["off_policy"][-1]
    assert uniform == {"deviator": 1, "kind": "uniform", "against": None, "action": None, "task": ["8/3", "13/6"]}
    assert isinstance(document["certificate"]["max_regret"], str)


def test_passes_within_tolerance_only():
    game = pg.load("stag_hunt")
    both_stag = [[1, 0], [1, 0]]
    assert audit(game, pg.PowerObjective(0.25), both_stag).passed
    rejected = audit(game, pg.PowerObjective(0.3), both_stag)
    assert not rejected.passed
    assert audit(game, pg.PowerObjective(0.3), both_stag, tol=0.1).passed
    assert "FAILED" in repr(rejected)
    assert rejected.to_dict()["passed"] is False


def test_results_are_read_only():
    game = pg.load("stag_hunt")
    deviation = off_policy(game, game.uniform_profile())[0]
    with pytest.raises(ValueError, match="read-only"):
        deviation.task[0] = 7


def test_refuses_what_does_not_fit():
    with pytest.raises(pg.InputError, match="2 players"):
        audit(pg.load("stag_hunt"), pg.PowerObjective(0), [[1, 0]])
    with pytest.raises(pg.InputError, match="probability"):
        audit(pg.load("stag_hunt"), pg.PowerObjective(2, form="adversarial"), [[1, 0], [1, 0]])
