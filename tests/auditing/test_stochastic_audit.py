"""Audits of stochastic games: every way to leave the policy against enumeration, and against the definition."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stochastic_oracle import (
    GAMES,
    matrix,
    plain_power,
    plain_task,
    plain_utility,
    random_game,
    row_probabilities,
    stage,
)

import powergames as pg
from powergames.auditing import off_policy

SIZES = {
    "two players": [[2, 2], [2, 3], [1, 2]],
    "three players": [[2, 1, 2], [2, 2, 1]],
    "turns": [[3, 1], [1, 2], [1, 1]],
}


def game_of(name, seed=3, discount=0.8, sparse=False):
    return random_game(SIZES[name], seed=seed, discount=discount, sparse=sparse)


def replaced(profile, player, strategy):
    return [*profile[:player], strategy, *profile[player + 1 :]]


def pure(game, player, actions):
    return np.eye(game.max_actions[player])[list(actions)]


def stationary_policies(game, player):
    return itertools.product(*(range(count) for count in game.n_actions[:, player]))


def one_step(game, profile, values):
    """Values of one step of a profile, then given values."""
    weights = np.array([row_probabilities(game, profile, s) for s in range(game.n_states)])
    return np.array(
        [weights @ (game.rewards[i] + game.discounts[i] * matrix(game) @ values[i]) for i in range(len(values))]
    )


def chosen(report, **wanted):
    return [d for d in report if all(getattr(d, name) == value for name, value in wanted.items())]


def only(report, **wanted):
    (found,) = chosen(report, **wanted)
    return found


@pytest.mark.parametrize("name", SIZES)
def test_one_step_costs_the_victim_the_power_of_the_deviator(name):
    game, profile = game_of(name)
    task = plain_task(game, profile)
    power = plain_power(game, profile, task)
    for deviation in chosen(off_policy(game, profile), kind="adversarial", steps=1):
        i, j = deviation.against, deviation.deviator
        assert deviation.task[i] == pytest.approx(task[i] - power[:, i, j], abs=1e-12)
        everyone = one_step(game, replaced(profile, j, pure(game, j, deviation.actions)), task)
        assert deviation.task == pytest.approx(everyone, abs=1e-12)
        assert deviation.start_task == pytest.approx(everyone @ game.start, abs=1e-12)


@pytest.mark.parametrize("name", SIZES)
def test_several_steps_against_all_plans(name):
    """Every plan of what the deviator plays in each state at each of two or three steps, each valued step by step."""
    game, profile = game_of(name, seed=4)
    steps = 2 if game.n_players == 2 and name == "two players" else 3
    task = plain_task(game, profile)
    report = off_policy(game, profile, steps=steps)
    for j in range(game.n_players):
        plans = []
        for plan in itertools.product(stationary_policies(game, j), repeat=steps):
            values = task
            for actions in reversed(plan):
                values = one_step(game, replaced(profile, j, pure(game, j, actions)), values)
            plans.append(values)
        for i in set(range(game.n_players)) - {j}:
            deviation = only(report, kind="adversarial", deviator=j, against=i, steps=steps)
            assert deviation.task[i] == pytest.approx(np.min([values[i] for values in plans], axis=0), abs=1e-12)
            # What the others get is what some worst plan leaves them.
            worst = [values for values in plans if np.abs(values[i] - deviation.task[i]).max() < 1e-11]
            assert min(np.abs(values - deviation.task).max() for values in worst) < 1e-11


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("name", SIZES)
def test_for_ever_against_all_stationary_policies(name, sparse):
    game, profile = game_of(name, seed=5, sparse=sparse)
    report = off_policy(game, profile)
    for j in range(game.n_players):
        policies = [pure(game, j, actions) for actions in stationary_policies(game, j)]
        tasks = [plain_task(game, replaced(profile, j, strategy)) for strategy in policies]
        for i in set(range(game.n_players)) - {j}:
            deviation = only(report, kind="adversarial", deviator=j, against=i, steps=None)
            assert deviation.task[i] == pytest.approx(np.min([task[i] for task in tasks], axis=0), abs=1e-11)
            itself = plain_task(game, replaced(profile, j, pure(game, j, deviation.actions)))
            assert deviation.task == pytest.approx(itself, abs=1e-11)


@pytest.mark.parametrize("name", SIZES)
def test_frozen_and_uniform_players_play_a_changed_profile(name):
    game, profile = game_of(name, seed=6)
    report = off_policy(game, profile)
    for j in range(game.n_players):
        frozen = chosen(report, kind="freeze", deviator=j)
        assert [deviation.action for deviation in frozen] == list(range(game.max_actions[j]))
        for deviation in frozen:
            strategy = profile[j].copy()
            for s in range(game.n_states):
                # A state that lacks the action leaves the player at its policy.
                if deviation.action < game.n_actions[s, j]:
                    strategy[s] = np.eye(strategy.shape[1])[deviation.action]
            assert deviation.task == pytest.approx(plain_task(game, replaced(profile, j, strategy)), abs=1e-11)
        even = replaced(profile, j, game.uniform_profile()[j])
        assert only(report, kind="uniform", deviator=j).task == pytest.approx(plain_task(game, even), abs=1e-11)


def test_players_with_discounts_of_their_own():
    game, profile = random_game([[2, 2], [2, 2]], seed=7, discount=[0.9, 0.0])
    report = off_policy(game, profile, steps=4)
    for i, j in ((0, 1), (1, 0)):
        tasks = [plain_task(game, replaced(profile, j, pure(game, j, p))) for p in stationary_policies(game, j)]
        for_ever = only(report, deviator=j, against=i, steps=None)
        assert for_ever.task[i] == pytest.approx(np.min([task[i] for task in tasks], axis=0), abs=1e-11)
    # To a player who counts nothing but the present, one step of an adversary is as bad as many.
    by_steps = [only(report, deviator=0, against=1, kind="adversarial", steps=k).task[1] for k in (1, 4, None)]
    assert by_steps[1] == pytest.approx(by_steps[0], abs=1e-14)
    assert by_steps[2] == pytest.approx(by_steps[0], abs=1e-14)


@pytest.mark.parametrize("shape", [(3, 2), (2, 3, 2)])
def test_one_state_is_the_normal_form_over_and_over(shape):
    rng = np.random.default_rng(8)
    payoffs = rng.normal(size=(len(shape), *shape))
    profile = [rng.dirichlet(np.ones(size)) for size in shape]
    expected = off_policy(pg.NormalFormGame(payoffs), profile)
    task = pg.power_table(pg.NormalFormGame(payoffs), profile).task
    discount, steps = 0.9, 5
    game = pg.StochasticGame(payoffs[:, None], np.ones((1, *shape, 1)), discount)
    report = off_policy(game, [strategy[None] for strategy in profile], steps=steps)
    for plain in expected:
        wanted = {"deviator": plain.deviator, "kind": plain.kind, "against": plain.against}
        if plain.kind != "adversarial":
            wanted["action"] = plain.action
            assert only(report, **wanted).task[:, 0] == pytest.approx(plain.task / (1 - discount), abs=1e-12)
            continue
        for k, off in ((1, 1 - discount), (steps, 1 - discount**steps), (None, 1.0)):
            found = only(report, **wanted, steps=k)
            assert found.actions.tolist() == [plain.action]
            mixed = (off * plain.task + (1 - off) * task) / (1 - discount)
            assert found.task[:, 0] == pytest.approx(mixed, abs=1e-12)


def test_nothing_happens_in_absorbing_states():
    game = pg.load("big_match")
    task = pg.evaluate(game, game.uniform_profile()).task
    for deviation in off_policy(game, game.uniform_profile()):
        assert deviation.task[:, 1:] == pytest.approx(task[:, 1:], abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 4), st.integers(2, 3), st.sampled_from([0.0, 0.5, 0.95]), st.booleans())
def test_the_longer_the_worse(seed, n_states, n_players, discount, sparse):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 4, size=(n_states, n_players))
    game, profile = random_game(sizes, seed=seed, discount=discount, sparse=sparse)
    task = pg.evaluate(game, profile).task
    report = off_policy(game, profile, steps=3)
    slack = 1e-10 * game.value_scale[:, None]
    for deviation in chosen(report, kind="adversarial", steps=None):
        i, j = deviation.against, deviation.deviator
        short, long = (only(report, deviator=j, against=i, steps=k).task for k in (1, 3))
        others = [d.task[i] for d in report if d.deviator == j and d.kind != "adversarial"]
        assert (short[i] <= task[i] + slack[i]).all()
        assert (long[i] <= short[i] + slack[i]).all()
        assert (deviation.task[i] <= np.min([long[i], *others], axis=0) + slack[i]).all()


@pytest.mark.parametrize("form", ["penalty", "adversarial"])
@pytest.mark.parametrize("aggregate", ["mean", "max"])
@pytest.mark.parametrize("name", GAMES)
def test_best_deviation_gains_what_it_says(name, aggregate, form):
    game, profile = GAMES[name]
    objective = pg.PowerObjective(0.4, aggregate, form)
    report = pg.audit(game, profile, objective)
    found = report.best_deviation
    i, s = found.player, found.state
    task, utility = plain_task(game, profile), plain_utility(game, profile, objective)
    if found.kind == "stationary":
        changed = plain_utility(game, replaced(profile, i, found.strategy), objective)
        assert changed[i, s] - utility[i, s] == pytest.approx(found.gain, abs=1e-9)
    else:
        q, qu = (game.rewards[i] + game.discounts[i] * matrix(game) @ v[i] for v in (task, utility))
        linear, blocks = stage(game, objective, profile, i, s, q, qu)
        worth = found.strategy @ linear + sum(w * (found.strategy @ block).min() for w, block in blocks)
        assert worth - utility[i, s] == pytest.approx(found.gain, abs=1e-10)
    scaled = report.certificate.lower_bound / game.value_scale[:, None]
    assert found.scaled_gain == pytest.approx(scaled.max(), abs=1e-12)
    assert found.strategy.flags.writeable is False


def test_a_one_shot_deviation_is_found_where_it_is_best():
    """After one action all play ends, so that there is nothing else to change."""
    payoffs = np.array([[[[4.0, 0.0], [3.0, 3.0]]], [[[4.0, 3.0], [0.0, 3.0]]]])
    game = pg.StochasticGame(payoffs, np.ones((1, 2, 2, 1)), 0.0)
    found = pg.audit(game, [[[1, 0]], [[1, 0]]], pg.PowerObjective(0.5)).best_deviation
    assert (found.player, found.state, found.kind, found.gain) == (0, 0, "one-shot", 1.0)
    assert found.strategy.tolist() == [0.0, 1.0]


def test_report_of_an_equilibrium():
    game, objective = pg.load("delegation"), pg.PowerObjective(0.2)
    equilibrium = pg.solve(game, objective)
    report = pg.audit(game, equilibrium, objective, reference=equilibrium)
    assert report.passed
    assert report.certificate.regrets == pytest.approx(equilibrium.certificate.regrets, abs=1e-12)
    assert report.distance.value == 0.0
    for name in ("task", "power", "utility"):
        assert np.array_equal(getattr(report, name), getattr(equilibrium, name))
    assert report.occupancy_power == pytest.approx(equilibrium.evaluation.average_power)
    assert report.start_task == pytest.approx(report.task[:, 0])
    document = report.to_dict()
    assert np.shape(document["off_policy"][0]["task"]) == (3, 3)
    assert list(document["worst"]) == [
        "adversarial for one step",
        "adversarial for 10 steps",
        "adversarial for ever",
        "freeze",
        "uniform",
    ]


def test_worst_counts_other_players_alone():
    game, profile = game_of("two players")
    report = pg.audit(game, profile, pg.PowerObjective())
    for label, least in report.worst.items():
        for i in range(2):
            tasks = [d.start_task[i] for d in report.off_policy if d.label == label and d.deviator != i]
            assert least[i] == min(tasks)


def test_distance_says_where():
    game = pg.load("big_match")
    mine = [np.array([[0.5, 0.5], [1, 0], [1, 0]]), np.array([[0.9, 0.1], [1, 0], [1, 0]])]
    distance = pg.audit(game, mine, pg.PowerObjective(), reference=game.uniform_profile()).distance
    assert (distance.value, distance.player, distance.state) == (pytest.approx(0.4), 1, 0)


def test_filled_states_do_not_count_for_the_distance():
    game, profile = random_game([[2, 2], [2, 2]], seed=9)
    seen = [profile[0], {0: profile[1][0]}]
    report = pg.audit(game, seen, pg.PowerObjective(), reference=profile)
    assert report.distance.value == 0.0


def test_unvisited_states_are_filled_and_named():
    game, profile = random_game([[2, 2], [3, 2], [2, 2]], seed=10)
    gaps = [profile[0].copy(), profile[1]]
    gaps[0][1:] = np.nan
    filled = [game.uniform_profile()[0].copy(), profile[1]]
    filled[0][0] = profile[0][0]
    report = pg.audit(game, gaps, pg.PowerObjective(0.3))
    expected = pg.audit(game, filled, pg.PowerObjective(0.3))
    assert np.array_equal(report.task, expected.task)
    assert expected.unvisited == ()
    (missing,) = report.unvisited
    assert (missing.player, missing.states.tolist()) == (0, [1, 2])
    assert missing.frequency.tolist() == pg.evaluate(game, filled).occupancy[0, 1:].tolist()
    assert report.to_dict()["unvisited"][0]["states"] == [1, 2]


@pytest.mark.parametrize("steps", [0, -1, 1.5, "3", True, None])
def test_refused_numbers_of_steps(steps):
    for game in (pg.load("big_match"), pg.load("stag_hunt")):
        with pytest.raises(pg.InputError, match="give an integer from 1 to 100000"):
            pg.audit(game, game.uniform_profile(), pg.PowerObjective(), steps=steps)


def test_one_step_is_reported_once():
    game = pg.load("big_match")
    report = off_policy(game, game.uniform_profile(), steps=1)
    assert [d.steps for d in report if d.kind == "adversarial"] == [1, None, 1, None]


def test_refused_games():
    with pytest.raises(pg.InputError, match="give a"):
        pg.audit("stag_hunt", [[1, 0], [1, 0]], pg.PowerObjective())
    with pytest.raises(pg.InputError, match="or a PowerObjective"):
        pg.audit(pg.load("big_match"), pg.load("big_match").uniform_profile(), "mean")
