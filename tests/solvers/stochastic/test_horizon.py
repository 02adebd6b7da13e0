"""Finite horizons as games of their own: against the game in which time is part of the state."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import powergames as pg
from powergames.games.timed import TimedStrategy
from powergames.results import json_value

RNG = np.random.default_rng(20)
STEPS = 4


def random_game(n, seed=0, shared=False, certain=False, discount=None):
    rng = np.random.default_rng(seed)
    sizes = [3, 2, 2][:n]
    rewards = rng.normal(size=(n, 4, *sizes))
    if shared:
        rewards[:] = rewards[0]
    chances = rng.dirichlet(np.full(4, 0.4), size=(4, *sizes))
    if certain:
        chances = np.eye(4)[rng.integers(0, 4, size=(4, *sizes))]
    return pg.StochasticGame(rewards, chances, [0.9, 0.8, 0.7][:n] if discount is None else discount)


def uneven_game():
    rewards = RNG.normal(size=(2, 6 + 2 + 1))
    return pg.StochasticGame.from_rows(
        [[3, 2], [1, 2], [1, 1]], rewards, RNG.dirichlet(np.ones(3), size=9), 0.9, start=[0.5, 0.5, 0]
    )


GAMES = {
    "two players": random_game(2),
    "three players": random_game(3),
    "a team without chance": random_game(2, shared=True, certain=True, discount=0.9),
    "a team of three": random_game(3, 1, shared=True, discount=0.9),
    "uneven": uneven_game(),
    "alone": pg.StochasticGame(RNG.normal(size=(1, 3, 2)), RNG.dirichlet(np.ones(3), size=(3, 2)), 0.5),
}
OBJECTIVES = [
    pg.PowerObjective(),
    *(pg.PowerObjective(0.3, aggregate, form) for aggregate in ("mean", "max") for form in ("penalty", "adversarial")),
    pg.PowerObjective(0.2, "sum", "penalty"),
]


def shown(result):
    return " ".join(map(str, result.blocks()))


def random_profile(game, *, pure=0.5, steps=STEPS):
    """A profile that depends on time, pure in some places."""
    profile = []
    for player, size in enumerate(game.max_actions):
        exists = np.arange(size) < game.n_actions[:, player, None]
        mixed = RNG.exponential(size=(steps, game.n_states, size)) * exists
        certain = np.eye(size)[(RNG.random((steps, game.n_states)) * game.n_actions[:, player]).astype(int)]
        mixed = np.where(RNG.random((steps, game.n_states, 1)) < pure, certain, mixed)
        profile.append(mixed / mixed.sum(axis=2, keepdims=True))
    return profile


def expanded(game, profile):
    """The game with time in its states, the same profile there, and the step and state of each of its states."""
    whole = pg.finite_horizon(game, STEPS)
    index = {name: state for state, name in enumerate(game.states)}
    places = [name.rsplit(" @ ", 1) for name in whole.states[:-1]]
    at = [(int(step), index[name]) for name, step in places]
    stationary = [
        np.array([*(strategy[place] for place in at), np.eye(strategy.shape[2])[0]])
        for strategy in map(np.asarray, profile)
    ]
    return whole, stationary, at


def greatest(regrets, at, n):
    """Regret of each player at each step, over the states that play can reach."""
    result = np.zeros((STEPS, n))
    for (t, _), own in zip(at, regrets.T, strict=False):
        result[t] = np.maximum(result[t], own)
    return result


@pytest.mark.parametrize("objective", OBJECTIVES, ids=str)
@pytest.mark.parametrize("name", GAMES)
def test_values_power_and_regrets_are_those_of_the_game_with_time_in_its_states(name, objective):
    game = GAMES[name]
    for pure in (0.5, 1.0):
        profile = random_profile(game, pure=pure)
        found = pg.evaluate(game, profile, objective, horizon=STEPS)
        whole, stationary, at = expanded(game, profile)
        expected = pg.evaluate(whole, stationary, objective)
        for k, (t, s) in enumerate(at):
            np.testing.assert_allclose(found.task[t, :, s], expected.task[:, k], atol=1e-12)
            np.testing.assert_allclose(found.utility[t, :, s], expected.utility[:, k], atol=1e-12)
            np.testing.assert_allclose(found.power[t, s], expected.power[k], atol=1e-12)
        np.testing.assert_allclose(found.start_utility, expected.start_utility, atol=1e-12)
        certificate = pg.certify(game, profile, objective, horizon=STEPS)
        regrets = pg.certify(whole, stationary, objective).regrets
        reached = greatest(regrets, at, game.n_players)
        assert (certificate.regrets >= reached - 1e-9).all()
        if len(at) == STEPS * game.n_states:
            np.testing.assert_allclose(certificate.regrets, reached, atol=1e-9)
        assert certificate.bound == "exact"
        place = certificate.deviation
        if place is not None:
            assert certificate.regrets[place.step, place.player] == pytest.approx(place.gain)


@pytest.mark.parametrize("objective", OBJECTIVES, ids=str)
@pytest.mark.parametrize("name", GAMES)
def test_backward_induction_finds_equilibria_of_the_game_with_time_in_its_states(name, objective):
    game = GAMES[name]
    found = pg.solve(game, objective, horizon=STEPS)
    assert found.converged
    assert found.unsolved_stages == 0
    whole, stationary, _ = expanded(game, found.profile)
    assert pg.certify(whole, stationary, objective).passed
    np.testing.assert_allclose(found.start_task, found.evaluation.start_task, atol=1e-12)
    np.testing.assert_allclose(found.start_utility, found.evaluation.start_utility, atol=1e-12)


def test_average_power_weighs_steps_by_discount_and_states_by_how_likely_they_are():
    game = GAMES["two players"]
    profile = random_profile(game)
    found = pg.evaluate(game, profile, horizon=STEPS)
    np.testing.assert_allclose(found.occupancy.sum(axis=1), 1.0)
    whole, stationary, _ = expanded(game, profile)
    occupancy = pg.evaluate(whole, stationary).occupancy[:, :-1]
    expected = np.einsum("is,sij->ij", occupancy, pg.evaluate(whole, stationary).power[:-1])
    expected /= occupancy.sum(axis=1)[:, None]
    np.testing.assert_allclose(found.average_power, expected, atol=1e-12)


def test_discount_one_needs_a_horizon():
    game = pg.load("big_match").with_discount(1)
    profile = game.uniform_profile()
    table = pg.compile_overcooked("tiny").with_discount(1)
    for attempt in (
        lambda: pg.solve(game),
        lambda: pg.sweep(game, lams=[0]),
        lambda: pg.evaluate(game, profile),
        lambda: pg.certify(game, profile),
        lambda: pg.audit(game, profile),
        lambda: pg.train(game, steps=10),
        lambda: pg.trace(game),
        lambda: pg.team_optimum(game),
        lambda: pg.team_optimum(table),
        lambda: pg.report(game),
        lambda: game.value_scale,
        lambda: game.attainable,
    ):
        with pytest.raises(pg.InputError, match="discount 1 needs horizon="):
            attempt()
    assert pg.solve(game, horizon=3).converged
    assert pg.load("overcooked:tiny:discount=1").discounts.tolist() == [1, 1]


def test_repeated_game_without_discount_adds_up():
    stag_hunt = np.array([[[[4.0, 0.0], [3.0, 3.0]]], [[[4.0, 3.0], [0.0, 3.0]]]])
    game = pg.StochasticGame(stag_hunt, np.ones((1, 2, 2, 1)), 1)
    stag = [np.zeros((10, 1), int)] * 2
    value = pg.evaluate(game, stag, pg.PowerObjective(0.25), horizon=10)
    assert value.start_task.tolist() == [40, 40]
    assert value.start_utility.tolist() == [30, 30]
    # One stag hunter alone gets nothing instead of 4, of which λ counts.
    assert pg.certify(game, stag, pg.PowerObjective(0.25), horizon=10).max_regret == 0
    assert pg.certify(game, stag, pg.PowerObjective(0.5), horizon=10).max_regret == pytest.approx(1)
    assert pg.certify(game, stag, pg.PowerObjective(0.5), horizon=10).scale.tolist() == [40, 40]


def test_rules_choose_among_equilibria():
    stag_hunt = np.array([[[[4.0, 0.0], [3.0, 3.0]]], [[[4.0, 3.0], [0.0, 3.0]]]])
    game = pg.StochasticGame(stag_hunt, np.ones((1, 2, 2, 1)), 1)
    objective = pg.PowerObjective(0.1)
    assert pg.solve(game, objective, horizon=3, select="team").start_task.tolist() == [12, 12]
    assert pg.solve(game, objective, horizon=3, select="welfare").start_task.tolist() == [12, 12]
    assert pg.solve(game, objective, horizon=3, select="power").start_task.tolist() == [9, 9]
    # A last step that pays more for hare makes everything hare before it, if players change as little as they can.
    rewards = np.concatenate([stag_hunt, stag_hunt], axis=1)
    assert pg.solve(game, objective, horizon=3).select == "nearest"
    assert pg.solve(random_game(2, shared=True, discount=1), horizon=2).select == "team"
    assert rewards.shape == (2, 2, 2, 2)
    with pytest.raises(pg.InputError, match="select: got 'best'; with a horizon choose one of team, welfare, power"):
        pg.solve(game, objective, horizon=3, select="best")


def test_tables_and_explicit_games_are_the_same():
    table = pg.compile_overcooked("tiny", discount=1, reward=2)
    objective = pg.PowerObjective(0.3)
    found, again = (pg.solve(game, objective, horizon=25) for game in (table, table.to_game()))
    assert found.converged
    assert found.game is table
    assert found.start_task.tolist() == again.start_task.tolist()
    for mine, theirs in zip(found.profile, again.profile, strict=True):
        np.testing.assert_array_equal(mine.actions, theirs.actions)
    np.testing.assert_array_equal(
        pg.evaluate(table, found.profile, objective, horizon=25).utility[0],
        pg.evaluate(table.to_game(), found.profile, objective, horizon=25).utility[0],
    )
    assert pg.certify(table, found, objective, horizon=25).passed


def test_profiles_read_like_arrays():
    game = GAMES["uneven"]
    given = random_profile(game)
    strategies = pg.evaluate(game, given, horizon=STEPS).profile
    for strategy, array in zip(strategies, given, strict=True):
        assert strategy.shape == array.shape
        np.testing.assert_allclose(np.asarray(strategy), array, atol=1e-15)
        np.testing.assert_allclose(strategy[1], array[1], atol=1e-15)
        np.testing.assert_allclose(strategy[-1, 2], array[-1, 2], atol=1e-15)
        np.testing.assert_allclose(strategy[1:3, :, 0], array[1:3, :, 0], atol=1e-15)
        np.testing.assert_allclose(strategy[..., 0], array[..., 0], atol=1e-15)
    with pytest.raises(IndexError):
        strategies[0][STEPS]
    assert not strategies[0].pure


def test_stationary_profiles_are_played_at_every_step():
    game = GAMES["two players"]
    profile = game.uniform_profile()
    timed = [np.repeat(strategy[None], STEPS, axis=0) for strategy in profile]
    np.testing.assert_array_equal(
        pg.evaluate(game, profile, horizon=STEPS).task, pg.evaluate(game, timed, horizon=STEPS).task
    )
    mixed = [np.zeros((STEPS, 4), int), [0.5, 0.5]]
    assert isinstance(pg.evaluate(game, mixed, horizon=STEPS).profile[0], TimedStrategy)


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        ([np.zeros((STEPS, 4), int)], "got 1 policies for 2 players"),
        ([np.full((STEPS, 4), 3), [1, 0]], "player 0, step 0, state 0: got action 3; give an index from 0 to 2"),
        ([np.ones((STEPS, 4, 3)), [1, 0]], "player 0, step 0, state 0: got .* give probabilities that sum to 1"),
        ([np.ones((STEPS + 1, 4, 3)) / 3, [1, 0]], r"got shape \(5, 4, 3\), expected \(4, 4, 3\)"),
        ([np.full((STEPS, 4, 3), np.nan), [1, 0]], "give probabilities that sum to 1"),
        ([{0: [1, 0, 0]}, [1, 0]], "says nothing of state '1'"),
    ],
)
def test_bad_profiles_say_what_is_wrong(profile, message):
    with pytest.raises(pg.InputError, match=message):
        pg.evaluate(GAMES["two players"], profile, horizon=STEPS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"horizon": 0}, "horizon: got 0; give a whole number of steps, at least 1"),
        ({"horizon": 2.5}, "horizon: got 2.5; give"),
        ({"horizon": 10**12}, "horizon: got 1000000000000; give at most"),
        ({"horizon": 2, "exact": True}, "exact: not with a horizon"),
        ({"horizon": 2, "start": [[1, 0]] * 2}, "start: not with a horizon"),
        ({"horizon": 2, "method": "logit"}, "method: got 'logit'; with a horizon there is only 'backward'"),
    ],
)
def test_bad_options_say_what_is_wrong(options, message):
    with pytest.raises(pg.InputError, match=message):
        pg.solve(GAMES["two players"], **options)
    with pytest.raises(pg.InputError, match="the game has no states, and is over after one step"):
        pg.solve(pg.load("stag_hunt"), horizon=2)


def test_limits_return_the_steps_solved():
    game = GAMES["two players"]
    found = pg.solve(game, pg.PowerObjective(0.3), horizon=STEPS, max_iter=2)
    whole = pg.solve(game, pg.PowerObjective(0.3), horizon=STEPS)
    assert found.iterations == 2
    assert not found.converged
    assert found.status.name == "MAX_ITER"
    for mine, theirs in zip(found.profile, whole.profile, strict=True):
        np.testing.assert_array_equal(mine[2:], theirs[2:])
        np.testing.assert_array_equal(mine[0], theirs[2])
    assert pg.solve(game, pg.PowerObjective(0.3), horizon=STEPS, time_limit=0).status.name == "TIME_LIMIT"


def test_large_profiles_go_to_disk(monkeypatch):
    from powergames.games import timed

    monkeypatch.setattr(timed, "SMALL", 0)
    monkeypatch.setattr(timed, "available_memory", lambda: 1)
    game = GAMES["two players"]
    objective = pg.PowerObjective(0.3)
    on_disk = pg.solve(game, objective, horizon=STEPS)
    monkeypatch.undo()
    in_memory = pg.solve(game, objective, horizon=STEPS)
    for mine, theirs in zip(on_disk.profile, in_memory.profile, strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.mark.parametrize("lam", [0, 0.3])
@pytest.mark.parametrize("name", ["two players", "three players", "uneven"])
def test_team_optimum_is_that_of_the_game_with_time_in_its_states(name, lam):
    game = GAMES[name].with_discount(0.9)
    objective = pg.PowerObjective(lam)
    found = pg.team_optimum(game, objective, horizon=STEPS)
    whole, stationary, at = expanded(game, found.profile)
    expected = pg.team_optimum(whole, objective)
    np.testing.assert_allclose([found.value[place] for place in at], expected.value[:-1], atol=1e-9)
    if lam == 0:
        mean = pg.evaluate(whole, stationary).task.mean(axis=0)
        np.testing.assert_allclose(mean[:-1], [found.value[place] for place in at], atol=1e-12)
    assert "a benchmark" in repr(found)
    assert found.certificate.deviations in ("all", "one-shot")


def test_team_optimum_of_tables():
    table = pg.compile_overcooked("tiny", discount=1, reward=2)
    found, again = (pg.team_optimum(game, pg.PowerObjective(0.1), horizon=20) for game in (table, table.to_game()))
    np.testing.assert_array_equal(found.value, again.value)
    np.testing.assert_array_equal(found.profile[0].actions, again.profile[0].actions)


@pytest.mark.parametrize("name", ["two players", "three players", "uneven", "a team without chance"])
def test_audits_are_those_of_the_game_with_time_in_its_states(name):
    game, objective = GAMES[name], pg.PowerObjective(0.3)
    profile = random_profile(game)
    found = pg.audit(game, profile, objective, steps=2, horizon=STEPS)
    whole, stationary, at = expanded(game, profile)
    expected = pg.audit(whole, stationary, objective, steps=2)
    first = [k for k, (t, _) in enumerate(at) if t == 0]
    for mine, theirs in zip(found.off_policy, expected.off_policy, strict=True):
        assert (mine.label, mine.deviator, mine.against) == (theirs.label, theirs.deviator, theirs.against)
        if mine.kind == "freeze" and game.n_actions[:, mine.deviator].min() <= mine.action:
            # In the game with time there is one more state, without a choice.
            continue
        np.testing.assert_allclose(mine.start_task, theirs.start_task, atol=1e-9)
        np.testing.assert_allclose(mine.task[:, [s for _, s in at[: len(first)]]], theirs.task[:, first], atol=1e-9)
    assert not found.passed
    assert found.best_deviation.step is not None
    assert "FAILED: NOT an equilibrium" in shown(found)


def test_sweeps_solve_each_lam_by_itself():
    game = pg.load("reputation_stag_hunt").with_discount(1)
    path = pg.sweep(game, lams=[0.5, 0, 0.5], horizon=3)
    assert [point.objective.lam for point in path] == [0.5, 0, 0.5]
    assert all(point.converged for point in path)
    assert path[1].equilibria[0].start_task.tolist() == [13.5, 13.5]
    assert "all certified" in shown(path)


def test_json_of_an_equilibrium_is_a_policy(tmp_path):
    game, objective = GAMES["two players"], pg.PowerObjective(0.3)
    found = pg.solve(game, objective, horizon=STEPS)
    assert found.mixed_stages > 0
    path = tmp_path / "policy.json"
    path.write_text(json.dumps({"equilibria": [json_value(found.to_dict())]}))
    report = pg.audit(game, path, objective, tol=1e-8, horizon=STEPS)
    assert report.passed
    np.testing.assert_allclose(report.start_utility, found.start_utility, atol=1e-12)
    np.savez(tmp_path / "policy.npz", **{f"player_{i}": np.asarray(own) for i, own in enumerate(found.profile)})
    assert pg.audit(game, tmp_path / "policy.npz", objective, tol=1e-8, horizon=STEPS).passed
    path.write_text('{"actions": [[[0, 0]]], "mixtures": [[]]}')
    with pytest.raises(pg.FormatError, match="'actions' and 'mixtures' are no profile over time"):
        pg.audit(game, path, objective, horizon=STEPS)


def test_results_show_themselves():
    game, objective = GAMES["uneven"], pg.PowerObjective(0.3)
    found = pg.solve(game, objective, horizon=STEPS)
    assert "stage games without a pure equilibrium" in shown(found)
    assert "No deviation in one state at one step gains more" in shown(found)
    assert "From the start: task" in shown(found.evaluation)
    assert "PASSED: largest regret" in shown(found.certificate)
    wrong = pg.certify(game, game.uniform_profile(), objective, horizon=STEPS)
    assert "FAILED" in shown(wrong)
    assert wrong.to_dict()["passed"] is False


def test_offsets_cost_no_digits():
    game = random_game(2, discount=1)
    lifted = pg.StochasticGame(
        game.rewards.reshape(2, 4, 3, 2) + 1e9, (game.data, game.indices, game.indptr), 1, start=game.start
    )
    objective = pg.PowerObjective(0.3)
    found = pg.solve(lifted, objective, horizon=STEPS)
    assert found.converged
    np.testing.assert_allclose(found.start_task - 4e9, pg.evaluate(game, found, horizon=STEPS).start_task, atol=1e-5)


def test_games_of_three_without_a_pure_equilibrium_reach_the_homotopy(monkeypatch):
    from powergames.solvers.stochastic import backward_induction

    # Whatever Newton's method finds counts as failed.
    monkeypatch.setattr(backward_induction, "LIMITS", replace(backward_induction.LIMITS, regret=-1.0))
    game, objective = GAMES["three players"], pg.PowerObjective(0.3)
    found = pg.solve(game, objective, horizon=2)
    assert found.mixed_stages > 0
    assert found.converged


def test_games_of_two_are_solved_in_fractions_where_floats_fail(monkeypatch):
    from powergames.solvers.stochastic import backward_induction

    monkeypatch.setattr(backward_induction, "LIMITS", replace(backward_induction.LIMITS, regret=-1.0))
    for form in ("penalty", "adversarial"):
        found = pg.solve(GAMES["two players"], pg.PowerObjective(0.3, form=form), horizon=2)
        assert found.mixed_stages > 0
        assert found.converged


def test_a_long_horizon_approaches_the_game_that_never_ends():
    game, objective = pg.load("reputation_stag_hunt"), pg.PowerObjective(0.1)
    found = pg.solve(game, objective, horizon=300, select="team")
    endless = pg.solve(game, objective, start=[found.profile[0][0], found.profile[1][0]])
    np.testing.assert_allclose(found.start_task, endless.evaluation.start_task, rtol=1e-9)
    np.testing.assert_allclose(found.start_utility, endless.evaluation.start_utility, rtol=1e-9)
    assert pg.certify(game, [found.profile[0][0], found.profile[1][0]], objective).passed


def test_first_steps_of_a_kitchen_are_an_equilibrium_of_the_one_that_never_closes():
    kitchen, objective = pg.load("overcooked:tiny"), pg.PowerObjective(0.05)
    found = pg.solve(kitchen, objective, horizon=120)
    assert pg.certify(kitchen, [strategy[0] for strategy in found.profile], objective).scaled_regret < 1e-9
