"""Audits of normal-form games: certificate, off-policy report, best deviation, distance."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest

import powergames as pg
from powergames import audit, cli
from powergames.auditing import off_policy

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
        assert table.task[i] - deviation.task[i] == pytest.approx(table.power[i, j], abs=1e-12)


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
    document = audit(game, [third, third], pg.PowerObjective("1/3")).to_dict()
    uniform = document["off_policy"][-1]
    assert uniform == {
        "deviator": 1,
        "kind": "uniform",
        "against": None,
        "action": None,
        "steps": 1,
        "task": ["8/3", "13/6"],
        "start_task": ["8/3", "13/6"],
        "actions": None,
    }
    # Each expects 22/9, of which the other can take 4/9.
    assert document["utility"] == document["start_utility"] == ["62/27", "62/27"]
    assert isinstance(document["certificate"]["max_regret"], str)


@pytest.mark.parametrize(("share", "passes"), [(0.93, True), (0.91, False)])
def test_python_and_the_command_line_pass_the_same(share, passes, tmp_path, capsys):
    # To play stag always gains 1 - share, a quarter of which is the scaled regret.
    profile = [[share, 1 - share], [1, 0]]
    path = tmp_path / "policy.json"
    path.write_text(json.dumps({"profile": profile}))
    report = audit(pg.load("stag_hunt"), profile, pg.PowerObjective())
    assert report.passed is passes
    assert cli.run(["audit", "stag_hunt", str(path), "--lam", "0", "--json"]) == (0 if passes else 1)
    assert json.loads(capsys.readouterr().out)["certificate"] == report.certificate.to_dict()
    assert report.certificate.tol == 0.02
    assert pg.certify(pg.load("stag_hunt"), profile, pg.PowerObjective()).tol == 1e-8


def test_passes_within_tolerance_only():
    game = pg.load("stag_hunt")
    both_stag = [[1, 0], [1, 0]]
    assert audit(game, both_stag, pg.PowerObjective(0.25)).passed
    rejected = audit(game, both_stag, pg.PowerObjective(0.3))
    assert not rejected.passed
    assert audit(game, both_stag, pg.PowerObjective(0.3), tol=0.1).passed
    assert "FAILED" in repr(rejected)
    assert rejected.to_dict()["passed"] is False


@pytest.mark.parametrize("lam", [0, 0.3, 2])
@pytest.mark.parametrize("aggregate", ["mean", "max"])
@pytest.mark.parametrize("name", GAMES)
def test_best_deviation_gains_what_the_certificate_says(name, aggregate, lam):
    game, objective = pg.load(name), pg.PowerObjective(lam, aggregate)
    profile = random_profile(game, seed=2)
    report = audit(game, profile, objective)
    found = report.best_deviation
    changed = [found.strategy if i == found.player else strategy for i, strategy in enumerate(profile)]
    after = audit(game, changed, objective)
    assert found.state is None
    assert after.utility[found.player] - report.utility[found.player] == pytest.approx(found.gain, abs=1e-12)
    assert found.gain == pytest.approx(report.certificate.regrets[found.player], abs=1e-11)
    assert found.scaled_gain == pytest.approx(report.certificate.scaled_regret, abs=1e-11)


@pytest.mark.parametrize("name", ["stag_hunt", "von_stengel", "small"])
def test_best_deviation_in_fractions(name):
    game = pg.NormalFormGame([[[2, 0, 1], [0, 1, 3]], [[-2, 0, 1], [0, -1, 5]]]) if name == "small" else pg.load(name)
    objective = pg.PowerObjective("1/3")
    profile = [[Fraction(1, size)] * size for size in game.n_actions]
    report = audit(game, profile, objective)
    found = report.best_deviation
    assert found.gain == report.certificate.regrets[found.player]
    assert sum(found.strategy) == 1
    changed = [found.strategy if i == found.player else strategy for i, strategy in enumerate(profile)]
    assert audit(game, changed, objective).utility[found.player] == report.utility[found.player] + found.gain
    assert found.to_dict()["gain"] == str(found.gain)


def test_nothing_to_gain_at_an_equilibrium():
    game = pg.load("matching_pennies")
    assert audit(game, game.uniform_profile(), pg.PowerObjective(0.5)).best_deviation is None


def test_worst_when_another_player_goes_off():
    report = audit(pg.load("stag_hunt"), [[1, 0], [0.5, 0.5]], pg.PowerObjective())
    assert {label: task.tolist() for label, task in report.worst.items()} == {
        "adversarial": [0.0, 1.5],
        "freeze": [0.0, 1.5],
        "uniform": [2.0, 2.5],
    }
    alone = audit(pg.load("random_uniform:players=1"), [[1, 0, 0]], pg.PowerObjective())
    assert alone.worst == {}


def test_distance_from_a_reference():
    game = pg.load("stag_hunt")
    reference = pg.solve(game, pg.PowerObjective(0.2), select="welfare")
    report = audit(game, [[1, 0], [0.25, 0.75]], pg.PowerObjective(0.2), reference=reference)
    assert (report.distance.value, report.distance.player, report.distance.state) == (0.75, 1, None)
    assert report.to_dict()["distance"] == {"value": 0.75, "player": 1, "state": None}
    same = audit(game, reference, pg.PowerObjective(0.2), reference=reference)
    assert same.distance.value == 0
    assert same.passed


def test_results_are_read_only():
    game = pg.load("stag_hunt")
    deviation = off_policy(game, game.uniform_profile())[0]
    with pytest.raises(ValueError, match="read-only"):
        deviation.task[0] = 7


def test_refuses_what_does_not_fit():
    with pytest.raises(pg.InputError, match="2 players"):
        audit(pg.load("stag_hunt"), [[1, 0]], pg.PowerObjective(0))
    with pytest.raises(pg.InputError, match="probability"):
        audit(pg.load("stag_hunt"), [[1, 0], [1, 0]], pg.PowerObjective(2, form="adversarial"))
