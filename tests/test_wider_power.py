"""Power for several steps, and of coalitions."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import product

import numpy as np
import pytest

import powergames as pg
from powergames.auditing.departures import off_policy

RNG = np.random.default_rng(3)
GAME = pg.StochasticGame(
    RNG.normal(size=(3, 4, 3, 2, 2)), RNG.dirichlet(np.full(4, 0.5), size=(4, 3, 2, 2)), [0.9, 0.8, 0.7]
)
PROFILE = [RNG.dirichlet(np.ones(size), size=4) for size in (3, 2, 2)]


@pytest.mark.parametrize("steps", [1, 2, 5, math.inf])
def test_power_for_some_steps_is_what_the_audit_says_is_lost(steps):
    found = pg.step_power(GAME, PROFILE, steps=steps)
    task = pg.evaluate(GAME, PROFILE).task
    lasting = None if math.isinf(steps) else steps
    report = off_policy(GAME, PROFILE, steps=5 if lasting is None else steps)
    for deviation in report:
        if deviation.kind == "adversarial" and deviation.steps == lasting:
            lost = task[deviation.against] - deviation.task[deviation.against]
            np.testing.assert_allclose(found.power[:, deviation.against, deviation.deviator], lost, atol=1e-10)
    np.testing.assert_allclose(found.start_power, np.tensordot(GAME.start, found.power, 1))


def test_one_step_is_the_power_of_an_evaluation():
    np.testing.assert_allclose(
        pg.step_power(GAME, PROFILE, steps=1).power, pg.evaluate(GAME, PROFILE).power, atol=1e-12
    )
    timed = [RNG.dirichlet(np.ones(size), size=(5, 4)) for size in (3, 2, 2)]
    found = pg.step_power(GAME, timed, steps=1, horizon=5)
    np.testing.assert_allclose(found.power, pg.evaluate(GAME, timed, horizon=5).power, atol=1e-12)


@pytest.mark.parametrize("steps", [2, 3, math.inf])
def test_power_over_a_horizon_is_that_of_the_game_with_time_in_its_states(steps):
    timed = [RNG.dirichlet(np.ones(size), size=(4, 4)) for size in (3, 2, 2)]
    whole = pg.finite_horizon(GAME, 4)
    places = [(int(t), int(s)) for s, t in (name.split(" @ ") for name in whole.states[:-1])]
    profile = [np.array([*(own[place] for place in places), np.eye(own.shape[2])[0]]) for own in timed]
    found, expected = pg.step_power(GAME, timed, steps=steps, horizon=4), pg.step_power(whole, profile, steps=steps)
    for k, place in enumerate(places):
        np.testing.assert_allclose(found.power[place], expected.power[k], atol=1e-12)
    np.testing.assert_allclose(found.start_power, expected.start_power, atol=1e-12)


def test_coalitions_of_one_are_power_and_larger_ones_are_no_weaker():
    game = pg.load("random_uniform:players=4,actions=3")
    profile = [RNG.dirichlet(np.ones(3)) for _ in range(4)]
    found, table = pg.coalition_power(game, profile, size=3), pg.power_table(game, profile)
    for i in range(4):
        power = dict(zip(found.coalitions[i], found.power[i], strict=True))
        assert list(power) == sorted(power, key=len)
        for members, value in power.items():
            expected = max(
                table.task[i] - pg.evaluate(game, [a.get(k, profile[k]) for k in range(4)]).task[i]
                for a in (dict(zip(members, choice, strict=True)) for choice in product(range(3), repeat=len(members)))
            )
            assert value == pytest.approx(expected)
            if len(members) == 1:
                assert value == pytest.approx(table.power[i, members[0]])
        assert found.worst[i][1] == max(power.values())


def test_coalitions_are_exact_where_the_profile_is():
    game = pg.load("assembly_line:n=3")
    third = Fraction(1, 3)
    found = pg.coalition_power(game, [[third, 1 - third]] * 3, size=2)
    assert found.power[0].dtype == object
    assert found.power[0].tolist() == [Fraction(1, 9)] * 3
    assert found.to_dict()["worst"][0] == {"members": [1], "power": "1/9"}


def test_coalitions_in_states():
    found = pg.coalition_power(GAME, PROFILE, size=2)
    power = pg.evaluate(GAME, PROFILE).power
    for i, sets in enumerate(found.coalitions):
        for members, values in zip(sets, found.power[i], strict=True):
            if len(members) == 1:
                np.testing.assert_allclose(values, power[:, i, members[0]], atol=1e-12)
            else:
                assert (values >= power[:, i].max(axis=1) - 1e-12).all()
    timed = [np.repeat(own[None], 3, axis=0) for own in PROFILE]
    over = pg.coalition_power(GAME, timed, size=1, horizon=3)
    expected = pg.evaluate(GAME, timed, horizon=3).power
    for i, sets in enumerate(over.coalitions):
        for members, values in zip(sets, over.power[i], strict=True):
            np.testing.assert_allclose(values, expected[:, :, i, members[0]], atol=1e-12)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pg.step_power(GAME, PROFILE, steps=0), "steps: got 0; give an integer from 1 to 100000, or math.inf"),
        (lambda: pg.step_power(pg.load("stag_hunt"), [0, 0]), "game: got the normal-form game"),
        (lambda: pg.coalition_power(GAME, PROFILE, size=0), "size: got 0; give a positive integer"),
        (lambda: pg.coalition_power(pg.load("stag_hunt"), [0, 0], horizon=2), "horizon: the game has no states"),
    ],
)
def test_bad_input_says_what_is_wrong(call, message):
    with pytest.raises(pg.InputError, match=message):
        call()
