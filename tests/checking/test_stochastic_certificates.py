"""Certificates of stationary profiles, against linear programs state by state and against value iteration."""

from __future__ import annotations

import itertools

import numpy as np
import oracle
import pytest
from stochastic_oracle import (
    GAMES,
    MATRIX,
    matrix,
    plain_task,
    plain_utility,
    random_game,
    stage,
)

import powergames as pg
from powergames.checking import response_programs
from powergames.checking import stochastic as stochastic_certificates
from powergames.checking.stochastic import certify_stochastic
from powergames.errors import InputError
from powergames.games.normal_form import NormalFormGame
from powergames.games.stochastic import StochasticGame
from powergames.objectives import PowerObjective

OBJECTIVES = [
    PowerObjective(lam, aggregate, form)
    for form in ("penalty", "adversarial")
    for lam, aggregate in [(0.0, "mean"), (0.3, "mean"), (0.5, "sum"), (0.7, "max"), (1.0, MATRIX)]
] + [PowerObjective(4.0, "mean"), PowerObjective(2.0, "max")]


def suited(objective, game):
    """The objective, with weights that suit the number of players."""
    if isinstance(objective.aggregate, str) or game.n_players == 3:
        return objective
    return PowerObjective(objective.lam, "mean", objective.form)


def best(linear, blocks):
    if not blocks:
        return linear.max()
    solution, scale = oracle._best_response(linear, blocks)
    return -scale * solution.fun


def one_shot_regrets(game, objective, profile):
    task, utility = plain_task(game, profile), plain_utility(game, profile, objective)
    regrets = np.zeros_like(task)
    for i, s in itertools.product(range(game.n_players), range(game.n_states)):
        q, qu = (game.rewards[i] + game.discounts[i] * matrix(game) @ v[i] for v in (task, utility))
        regrets[i, s] = best(*stage(game, objective, profile, i, s, q, qu)) - utility[i, s]
    return regrets


def full_regrets(game, objective, profile):
    """Value iteration with a max-min linear program in each state."""
    utility = plain_utility(game, profile, objective)
    regrets = np.zeros_like(utility)
    for i in range(game.n_players):
        values, change = utility[i], 1.0
        while change > 1e-13:
            q = game.rewards[i] + game.discounts[i] * matrix(game) @ values
            new = np.array([best(*stage(game, objective, profile, i, s, q, q)) for s in range(game.n_states)])
            values, change = new, np.abs(new - values).max()
        regrets[i] = values - utility[i]
    return regrets


@pytest.mark.parametrize("name", GAMES)
@pytest.mark.parametrize("objective", [o for o in OBJECTIVES if o.form == "penalty"], ids=str)
def test_one_shot_regret(name, objective):
    game, profile = GAMES[name]
    objective = suited(objective, game)
    certificate = certify_stochastic(game, profile, objective)
    expected = one_shot_regrets(game, objective, profile)
    if not any(objective.adversaries(game.n_players)):
        # The Bellman principle holds, and all deviations are covered.
        assert (certificate.deviations, certificate.bound) == ("all", "exact")
        assert (certificate.regrets >= expected - 1e-10).all()
        return
    assert (certificate.deviations, certificate.bound) == ("one-shot", "exact")
    assert certificate.regrets == pytest.approx(expected, abs=1e-10)
    assert (certificate.lower_bound >= certificate.regrets - 1e-10).all()
    # test_attainable.py computes the scale by itself.
    assert certificate.scaled_regrets == pytest.approx(expected / game.value_scale[:, None], abs=1e-11)
    assert not certificate.passed
    assert certificate.max_regret == certificate.regrets.max()


@pytest.mark.parametrize("name", ["two players", "three players", "one player"])
@pytest.mark.parametrize("objective", [o for o in OBJECTIVES if o.form == "adversarial"], ids=str)
def test_regret_over_all_deviations(name, objective):
    game, profile = GAMES[name]
    discounts = np.minimum(game.discounts, 0.6)
    game = StochasticGame.from_rows(game.n_actions, game.rewards, (game.data, game.indices, game.indptr), discounts)
    objective = suited(objective, game)
    certificate = certify_stochastic(game, profile, objective)
    assert (certificate.deviations, certificate.bound) == ("all", "exact")
    assert certificate.regrets == pytest.approx(full_regrets(game, objective, profile), abs=1e-10)
    assert certificate.lower_bound == pytest.approx(certificate.regrets, abs=1e-10)


@pytest.mark.parametrize("form", ["penalty", "adversarial"])
@pytest.mark.parametrize("name", GAMES)
def test_without_power_the_regret_is_that_of_a_decision_process(name, form):
    """At λ = 0 pure stationary policies are enough, and deviating in all states is found in the penalty form too."""
    game, profile = GAMES[name]
    certificate = certify_stochastic(game, profile, PowerObjective(0.0, form=form))
    task = plain_task(game, profile)
    for i in range(game.n_players):
        gains = []
        for policy in itertools.product(*(range(count) for count in game.n_actions[:, i])):
            changed = [*profile[:i], np.eye(profile[i].shape[1])[list(policy)], *profile[i + 1 :]]
            gains.append(plain_task(game, changed)[i] - task[i])
        assert certificate.lower_bound[i] == pytest.approx(np.max(gains, axis=0), abs=1e-10)


@pytest.mark.parametrize("seed", range(3))
def test_lower_bounds_are_attained(seed):
    """In the penalty form a gain claimed is that of a strategy, whose values are computed here by definition."""
    game, profile = random_game([[3, 2], [2, 3], [2, 2]], seed=seed, discount=0.9)
    objective = PowerObjective(0.4)
    problem = stochastic_certificates._Problem(game, objective, game.profile(profile))
    for player in range(2):
        strategy = random_game([[3, 2], [2, 3], [2, 2]], seed=seed + 10)[1][player]
        changed = [*profile[:player], strategy, *profile[player + 1 :]]
        values, utility, _ = stochastic_certificates._penalized(problem, player, strategy)
        unit, lift = problem.units[player], problem.offsets[player] / 0.1
        assert lift + unit * values == pytest.approx(plain_task(game, changed)[player], abs=1e-10)
        assert lift + unit * utility == pytest.approx(plain_utility(game, changed, objective)[player], abs=1e-10)


@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 2), (4,)])
@pytest.mark.parametrize("form", ["penalty", "adversarial"])
@pytest.mark.parametrize("aggregate", ["mean", "max"])
def test_one_state_without_future_is_the_normal_form(shape, form, aggregate):
    rng = np.random.default_rng(7)
    payoffs = rng.normal(size=(len(shape), *shape))
    profile = [rng.dirichlet(np.ones(size)) for size in shape]
    objective = PowerObjective(0.6, aggregate, form)
    expected = pg.certify(NormalFormGame(payoffs), profile, objective)
    for discount in (0.0, 0.9):
        game = StochasticGame(payoffs[:, None], np.ones((1, *shape, 1)), discount)
        certificate = certify_stochastic(game, [x[None] for x in profile], objective)
        # Over all deviations the gain is made in every step.
        steps = 1 / (1 - discount) if form == "adversarial" or len(shape) == 1 else 1.0
        assert certificate.regrets[:, 0] == pytest.approx(expected.regrets * steps, abs=1e-10)


def test_discount_zero_is_every_stage_game():
    game, profile = GAMES["two players"]
    game = StochasticGame.from_rows(game.n_actions, game.rewards, (game.data, game.indices, game.indptr), 0.0)
    for form in ("penalty", "adversarial"):
        objective = PowerObjective(0.5, form=form)
        certificate = certify_stochastic(game, profile, objective)
        for s, counts in enumerate(game.n_actions):
            strategies = [x[s, :size] for x, size in zip(profile, counts, strict=True)]
            expected = pg.certify(game.stage(s), strategies, objective)
            assert certificate.regrets[:, s] == pytest.approx(expected.regrets, abs=1e-12)


def zero_sum_equilibrium(game, iterations=150):
    """Shapley iteration, then optimal strategies in every state."""
    n_states = game.n_states
    values = np.zeros(n_states)
    for _ in range(iterations):
        q = game.rewards[0] + game.discounts[0] * matrix(game) @ values
        matrices = [
            q[first:last].reshape(counts)
            for first, last, counts in zip(game.row_starts[:-1], game.row_starts[1:], game.n_actions, strict=True)
        ]
        values = np.array([oracle.maximin(stage_matrix) for stage_matrix in matrices])
    profile = []
    for tables in (matrices, [-stage_matrix.T for stage_matrix in matrices]):
        rows = [oracle._best_response(np.zeros(len(table)), [(1.0, table)])[0].x[: len(table)] for table in tables]
        profile.append(np.maximum(rows, 0.0))
    return values, profile


def test_two_player_zero_sum_equilibrium_passes_in_both_forms():
    rng = np.random.default_rng(8)
    rewards = rng.normal(size=(3, 3, 3))
    game = StochasticGame([rewards, -rewards], rng.dirichlet(np.ones(3), size=(3, 3, 3)), 0.8)
    values, profile = zero_sum_equilibrium(game)
    for form in ("penalty", "adversarial"):
        certificate = certify_stochastic(game, profile, PowerObjective(0.0, form=form))
        assert certificate.passed
        assert certificate.scaled_regret < 1e-10
    assert plain_task(game, profile)[0] == pytest.approx(values, abs=1e-8)
    worse = [profile[0], np.roll(profile[1], 1, axis=1)]
    assert not certify_stochastic(game, worse, PowerObjective(0.0)).passed


@pytest.mark.parametrize("form", ["penalty", "adversarial"])
@pytest.mark.parametrize("lam", [0.2, 0.6, 1.0])
def test_stage_equilibria_of_a_game_without_influence_pass(form, lam):
    """Where actions do not move the state, an equilibrium of every stage game is one of the penalty form.

    In the adversarial form as well: what follows is a constant.
    """
    rng = np.random.default_rng(9)
    rewards = rng.normal(size=(2, 4, 3, 3))
    transitions = np.broadcast_to(rng.dirichlet(np.ones(4), size=(4, 1, 1)), (4, 3, 3, 4))
    game = StochasticGame(rewards, transitions, 0.95)
    objective = PowerObjective(lam, form=form)
    stages = [pg.solve(game.stage(s), objective).profile for s in range(4)]
    profile = [np.array([strategies[i] for strategies in stages]) for i in range(2)]
    certificate = certify_stochastic(game, profile, objective)
    assert certificate.passed
    assert certificate.scaled_regret < 1e-11
    assert certificate.bound == "exact"


@pytest.mark.parametrize("n_blocks", [1, 2, 3])
def test_many_small_problems_are_solved_at_once(n_blocks):
    """The simplex method agrees with linear programs, without help from the method behind it."""
    rng = np.random.default_rng(10)
    for n_actions, ties in itertools.product((1, 2, 5), (False, True)):
        draw = (lambda *shape: rng.integers(-2, 3, size=shape).astype(float)) if ties else rng.standard_normal
        linear = np.array(draw(30, n_actions) if ties else draw((30, n_actions)))
        sizes = [1 + (n_actions + b) % 4 for b in range(n_blocks)]
        blocks = [np.array(draw(30, n_actions, k) if ties else draw((30, n_actions, k))) for k in sizes]
        weights = [0.5 + 2.0 * b for b in range(n_blocks)]
        start = rng.dirichlet(np.ones(n_actions), size=30)
        found, responses = response_programs.solve(linear, weights, blocks, start)
        attained = response_programs.values(linear, weights, blocks, found)
        bounds = response_programs.bounds(linear, weights, blocks, responses)
        expected = [
            best(linear[g], [(w, block[g]) for w, block in zip(weights, blocks, strict=True)]) for g in range(30)
        ]
        assert attained == pytest.approx(expected, abs=1e-9)
        assert bounds == pytest.approx(expected, abs=1e-9)


def test_wrong_solutions_cost_time_and_not_correctness(monkeypatch):
    game, profile = GAMES["three players"]
    solve = response_programs.solve

    def wrong(linear, weights, blocks, strategies):
        found, responses = solve(linear, weights, blocks, strategies)
        return found[:, ::-1], [response[:, ::-1] for response in responses]

    for objective in (PowerObjective(0.5, "sum"), PowerObjective(3.0, "max")):
        expected = certify_stochastic(game, profile, objective).regrets
        with monkeypatch.context() as patch:
            patch.setattr(response_programs, "solve", wrong)
            assert certify_stochastic(game, profile, objective).regrets == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("name", ["two players", "three players"])
def test_where_newton_fails_policy_iteration_takes_over(name, monkeypatch):
    """Each of Newton's steps leads far astray; policy iteration uses none."""
    game, profile = GAMES[name]
    objective = PowerObjective(0.5, form="adversarial")
    expected = certify_stochastic(game, profile, objective)
    played, robust = stochastic_certificates._played, stochastic_certificates._robust
    steps = []

    def astray(*arguments):
        steps.append(None)
        return played(*arguments) + 50.0 * len(steps)

    def untouched(*arguments):
        with monkeypatch.context() as patch:
            patch.setattr(stochastic_certificates, "_played", played)
            return robust(*arguments)

    monkeypatch.setattr(stochastic_certificates, "_played", astray)
    monkeypatch.setattr(stochastic_certificates, "_robust", untouched)
    certificate = certify_stochastic(game, profile, objective)
    assert steps
    assert certificate.bound == "exact"
    assert certificate.regrets == pytest.approx(expected.regrets, abs=1e-10)


def test_witnesses_save_work_and_are_not_trusted(monkeypatch):
    payoffs = np.array([[[[1.0, -1.0], [-1.0, 1.0]]], [[[-1.0, 1.0], [1.0, -1.0]]]])
    game = StochasticGame(payoffs, np.ones((1, 2, 2, 1)), 0.5)
    profile = game.uniform_profile()
    objective = PowerObjective(0.5)
    right = [[np.array([[0.5, 0.5]])]] * 2
    wrong = [[np.array([[1.0, 0.0]])]] * 2
    for witness in (right, wrong, [[]] * 2, [["x"]] * 2, [[np.full((1, 2), np.nan)]] * 2, [], None):
        assert certify_stochastic(game, profile, objective, witness=witness).max_regret < 1e-15
    table = np.array([[2.0, 0.0], [0.0, 1.0]])
    lopsided = StochasticGame([[table], [-table]], np.ones((1, 2, 2, 1)), 0.0)
    tilted = [np.array([[1 / 3, 2 / 3]]), np.array([[1 / 3, 2 / 3]])]
    claims = [[np.array([[1 / 3, 2 / 3]])]] * 2
    monkeypatch.setattr(response_programs, "solve", None)
    assert certify_stochastic(lopsided, tilted, PowerObjective(1.0), witness=claims).scaled_regret < 1e-15


@pytest.mark.parametrize(("unit", "offset"), [(1e9, 0.0), (1e-9, 0.0), (1.0, 1e6)])
def test_units_and_offsets_of_rewards_scale_regrets(unit, offset):
    game, profile = GAMES["two players"]
    scaled = StochasticGame.from_rows(
        game.n_actions, game.rewards * unit + offset, (game.data, game.indices, game.indptr), game.discounts
    )
    for form in ("penalty", "adversarial"):
        objective = PowerObjective(0.5, form=form)
        one, other = (certify_stochastic(g, profile, objective).scaled_regrets for g in (game, scaled))
        assert other == pytest.approx(one, abs=1e-9)


def test_constant_rewards_leave_nothing_to_gain():
    game = StochasticGame(np.full((2, 1, 2, 2), 7.0), np.ones((1, 2, 2, 1)), 0.9)
    for form in ("penalty", "adversarial"):
        assert certify_stochastic(game, game.uniform_profile(), PowerObjective(0.5, form=form)).scaled_regret < 1e-14


def test_certify_knows_the_kind_of_game():
    game, profile = GAMES["two players"]
    certificate = pg.certify(game, profile, PowerObjective(0.3), tol=1e-3)
    assert np.array_equal(certificate.regrets, certify_stochastic(game, profile, PowerObjective(0.3)).regrets)
    assert certificate.to_dict()["deviations"] == "one-shot"
    assert np.shape(certificate.to_dict()["lower_bound"]) == (2, 3)
    assert "one-shot deviations" in repr(certificate)
    with pytest.raises(InputError, match=r"got the normal-form game .*where a StochasticGame is needed"):
        certify_stochastic(game.stage(0), profile, PowerObjective())
    with pytest.raises(InputError, match="reads lam as a probability"):
        pg.certify(game, profile, PowerObjective(1.5, form="adversarial"))
