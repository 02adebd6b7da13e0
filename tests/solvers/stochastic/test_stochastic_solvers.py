"""Equilibria of stochastic games: known values, agreement with other solvers, random families, limits, commands."""

from __future__ import annotations

import dataclasses
import itertools
import json
import signal
import subprocess
import sys

import numpy as np
import pytest
from numba import typeof

import powergames as pg
from powergames import NormalFormGame, PowerObjective, StochasticGame
from powergames.cli import run
from powergames.errors import InputError
from powergames.evaluation import evaluate
from powergames.games.catalog.stochastic import STOCHASTIC_GAMES, random_sparse, random_stochastic, random_turn_based
from powergames.solvers import STOCHASTIC_METHODS
from powergames.solvers.common import Options
from powergames.solvers.stochastic import between_payments, logit, newton, solve, stage_games, unsettled_states
from powergames.solvers.stochastic.duplicates import Distinct
from powergames.solvers.stochastic.newton import Linearized
from powergames.solvers.stochastic.problem import StochasticProblem
from powergames.solvers.stochastic.reduced import ReducedProblem
from powergames.solvers.stochastic.search import LIMITS, Clock, Found, Search
from powergames.solvers.stochastic.solve import methods_to_try

LAMS = (0, 0.1, 0.3, 0.6)

# Best responses in turn are not sure to come to rest where everybody mixes; "shapley" is for zero-sum games.
MIXING = [name for name in STOCHASTIC_METHODS if name != "best_response"]
GENERAL = [name for name in STOCHASTIC_METHODS if name != "shapley"]


def check(equilibrium, tol=1e-9):
    """Check an equilibrium by a certificate of its profile alone, without the solver's witness."""
    assert equilibrium.status is pg.Status.CONVERGED, equilibrium
    certificate = pg.certify(equilibrium.game, equilibrium.profile, equilibrium.objective)
    assert certificate.scaled_regret <= tol, (equilibrium, certificate)
    for strategy, counts in zip(equilibrium.profile, equilibrium.game.n_actions.T, strict=True):
        assert (strategy >= 0).all()
        assert strategy.sum(axis=1) == pytest.approx(1, abs=1e-12)
        assert not strategy[np.arange(strategy.shape[1]) >= counts[:, None]].any()


def objectives(lam, aggregate="mean"):
    return [PowerObjective(lam, aggregate, form) for form in ("penalty", "adversarial")]


# Known values.


@pytest.mark.parametrize("discount", [0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("method", [None, *MIXING])
def test_big_match(discount, method):
    """Blackwell & Ferguson (1968): half of the greatest value, stopping with probability (1 - δ) / (2 - δ)."""
    equilibrium = pg.solve(pg.load(f"big_match:discount={discount}"), method=method)
    check(equilibrium)
    assert equilibrium.profile[0][0, 0] == pytest.approx((1 - discount) / (2 - discount), abs=1e-9)
    game = equilibrium.game
    share = (equilibrium.task[0, 0] - game.reward_min[0] / (1 - discount)) / game.value_scale[0]
    assert share == pytest.approx(0.5, abs=1e-9)
    assert equilibrium.certificate.deviations == "all"


@pytest.mark.parametrize("method", [None, *MIXING])
def test_dynamic_rock_paper_scissors(method):
    """The example of sgamesolver's documentation, whose values at δ = 0.95 are 0, 1/9 and -1/9."""
    equilibrium = pg.solve(pg.load("dynamic_rock_paper_scissors"), method=method)
    check(equilibrium)
    assert sorted(np.round(equilibrium.task[0], 9)) == pytest.approx([-1 / 9, 0, 1 / 9], abs=1e-8)
    assert equilibrium.task[1] == pytest.approx(-equilibrium.task[0], abs=1e-9)


@pytest.mark.parametrize("name", [builder.__name__ for builder in STOCHASTIC_GAMES])
@pytest.mark.parametrize("lam", [0, 0.2])
def test_catalog(name, lam):
    game = pg.load(name)
    for objective in objectives(lam):
        equilibrium = pg.solve(game, objective, time_limit=60)
        check(equilibrium)


# Agreement.


@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 2), (2, 2, 2, 2)])
@pytest.mark.parametrize("aggregate", ["mean", "sum", "max"])
@pytest.mark.parametrize("discount", [0.0, 0.9])
def test_one_state_is_the_normal_form(shape, aggregate, discount):
    payoffs = np.random.default_rng(sum(shape)).normal(size=(len(shape), *shape))
    game = StochasticGame(payoffs[:, None], np.ones((1, *shape, 1)), discount)
    for objective in objectives(0.3, aggregate):
        equilibrium = pg.solve(game, objective)
        check(equilibrium)
        strategies = [strategy[0] for strategy in equilibrium.profile]
        certificate = pg.certify(NormalFormGame(payoffs), strategies, objective)
        assert certificate.scaled_regret <= 1e-9
        assert equilibrium.power[0] == pytest.approx(pg.power_table(NormalFormGame(payoffs), strategies).power)


def test_discount_zero_is_every_stage_game():
    game = random_stochastic(players=3, states=5, actions=3, discount=0.0, seed=4)
    for objective in objectives(0.3):
        equilibrium = pg.solve(game, objective)
        check(equilibrium)
        for s in range(game.n_states):
            strategies = [strategy[s] for strategy in equilibrium.profile]
            assert pg.certify(game.stage(s), strategies, objective).scaled_regret <= 1e-9


def test_a_decision_process_is_solved_like_one():
    game = random_stochastic(players=1, states=30, actions=4, seed=3)
    equilibrium = pg.solve(game, PowerObjective(0.5))
    check(equilibrium)
    values = np.zeros(30)
    matrix = game.transitions.toarray()
    for _ in range(600):
        values = (game.rewards[0] + 0.95 * matrix @ values).reshape(30, 4).max(axis=1)
    assert equilibrium.task[0] == pytest.approx(values, abs=1e-8)


def test_zero_sum_value_is_unique():
    dense = random_stochastic(players=2, states=12, actions=3, seed=5)
    rewards = np.stack([dense.rewards[0], -dense.rewards[0]])
    game = StochasticGame.from_rows(dense.n_actions, rewards, dense.transitions, 0.95)
    values = []
    for method in MIXING:
        equilibrium = pg.solve(game, method=method)
        check(equilibrium)
        values.append(equilibrium.task[0])
    for value in values[1:]:
        assert value == pytest.approx(values[0], abs=1e-8)


def test_zero_sum_games_go_to_shapley_iteration():
    for name in ("big_match", "soccer"):
        assert pg.solve(pg.load(name)).method == "shapley"
    assert pg.solve(pg.load("big_match"), PowerObjective(0.1)).method != "shapley"
    for wrong, objective in (("commons", None), ("big_match", PowerObjective(0.1)), ("delegation", None)):
        with pytest.raises(InputError, match=r"^method shapley: needs .*; choose another"):
            pg.solve(pg.load(wrong), objective, method="shapley")


@pytest.mark.parametrize("discount", [0.0, 0.5, 0.999])
def test_shapley_iteration_at_any_discount(discount):
    """Against plain value iteration, with the values of matrix games by linear programming."""
    rng = np.random.default_rng(3)
    rewards = rng.integers(-3, 4, size=(4, 2, 3)).astype(float)
    transitions = rng.dirichlet(np.ones(4), size=(4, 2, 3))
    game = StochasticGame(np.array([rewards, 5.0 - rewards]), transitions, discount)
    equilibrium = pg.solve(game, method="shapley")
    check(equilibrium)
    value = equilibrium.task[0]
    for s in range(4):
        stage = NormalFormGame.from_bimatrix(
            rewards[s] + discount * transitions[s] @ value, -rewards[s] - discount * transitions[s] @ value
        )
        assert pg.solve(stage, method="linear_program").task[0] == pytest.approx(value[s], rel=1e-9)


def test_acyclic_games_part_by_part():
    """A chain of states, each leading to the next: the values of a part are those of what it leads to."""
    rng = np.random.default_rng(8)
    n_states, rewards = 40, rng.normal(size=(2, 40, 3, 3))
    transitions = np.zeros((n_states, 3, 3, n_states))
    for s in range(n_states):
        transitions[s, :, :, min(s + 1, n_states - 1)] = 1
    game = StochasticGame(rewards, transitions, [0.9, 0.8])
    for objective in objectives(0.3):
        equilibrium = pg.solve(game, objective)
        check(equilibrium)
        assert equilibrium.method == "stages"


def test_parts_that_do_not_lead_to_each_other():
    one, other = random_stochastic(states=6, seed=1), random_stochastic(states=9, seed=2)
    transitions = np.zeros((15 * 9, 15))
    transitions[: 6 * 9, :6], transitions[6 * 9 :, 6:] = one.transitions.toarray(), other.transitions.toarray()
    rewards = np.concatenate([one.rewards, other.rewards], axis=1)
    game = StochasticGame.from_rows(np.full((15, 2), 3), rewards, transitions, 0.95)
    for objective in objectives(0.6):
        check(pg.solve(game, objective))
        check(pg.solve(game, objective, method="logit"))


# Teams.


def team_game(n_players, n_states, n_actions, seed, discount=0.9):
    """A game whose players share their rewards."""
    rng = np.random.default_rng(seed)
    sizes = (n_states, *[n_actions] * n_players)
    rewards = rng.random(sizes) * (rng.random(sizes) < 0.3)
    transitions = rng.dirichlet(np.full(n_states, 0.3), size=sizes)
    return StochasticGame(np.array([rewards] * n_players), transitions, discount)


def deterministic_profiles(game):
    n_states, n_players = game.n_actions.shape
    choices = [range(count) for count in game.n_actions.ravel().tolist()]
    for actions in itertools.product(*choices):
        chosen = np.array(actions).reshape(n_states, n_players)
        yield [np.eye(size)[chosen[:, i]] for i, size in enumerate(game.n_actions.max(axis=0))]


@pytest.mark.parametrize("n_players", [2, 3])
@pytest.mark.parametrize("aggregate", ["mean", "max"])
@pytest.mark.parametrize("lam", [0, 0.3, 1])
def test_team_optimum_against_all_deterministic_profiles(n_players, aggregate, lam):
    """The mean of the adversarial utilities is what a team maximizes, as long as its players' rewards are the same."""
    game = team_game(n_players, 2, 2, seed=n_players)
    objective = PowerObjective(lam, aggregate, "adversarial")
    optimum = pg.team_optimum(game, objective)
    assert all(set(strategy.ravel()) <= {0.0, 1.0} for strategy in optimum.profile)
    if lam == 0:
        best = max(evaluate(game, profile).task[0].sum() for profile in deterministic_profiles(game))
        assert optimum.value.sum() == pytest.approx(best, rel=1e-12)
        assert optimum.evaluation.task[0] == pytest.approx(optimum.value, rel=1e-12)
    # One adversary acts against the mean here, instead of one against each: they are the same where rewards are.
    values = [robust_team_value(game, profile, objective) for profile in deterministic_profiles(game)]
    assert (optimum.value[None] >= np.array(values) - 1e-12).all()
    assert robust_team_value(game, optimum.profile, objective) == pytest.approx(optimum.value, rel=1e-12)


def robust_team_value(game, profile, objective):
    """Policy iteration of the adversaries who take over, one at a time, the players of a fixed profile."""
    n_states, n_players = game.n_actions.shape
    rewards = game.rewards.mean(axis=0).reshape(n_states, *game.max_actions)
    transitions = game.transitions.toarray().reshape(n_states, *game.max_actions, n_states)
    discount, value, before = float(game.discounts[0]), evaluate(game, profile).task.mean(axis=0), np.inf
    while (value < before - 1e-14).any():
        paid, followed = np.zeros(n_states), np.zeros((n_states, n_states))
        for s in range(n_states):
            rows = rewards[s] + discount * transitions[s] @ value
            joint = tuple(int(np.argmax(strategy[s])) for strategy in profile)
            taken = []
            for j in range(n_players):
                options = [(*joint[:j], action, *joint[j + 1 :]) for action in range(game.n_actions[s, j])]
                taken.append(min(options, key=rows.__getitem__))
            weights = {joint: 1 - objective.lam}
            for i in range(n_players):
                others = [taken[j] for j in range(n_players) if j != i]
                if objective.aggregate == "max":
                    others = [min(others, key=rows.__getitem__)]
                for row in others:
                    weights[row] = weights.get(row, 0) + objective.lam / len(others) / n_players
            for row, weight in weights.items():
                paid[s] += weight * rewards[s][row]
                followed[s] += weight * transitions[s][row]
        before, value = value, np.linalg.solve(np.eye(n_states) - discount * followed, paid)
    return value


def test_team_optimum_of_different_rewards_and_bad_input():
    game = pg.load("commons")
    optimum = pg.team_optimum(game)
    assert optimum.value == pytest.approx(optimum.evaluation.task.mean(axis=0))
    assert optimum.certificate.scaled_regret > 0.1
    assert "not an equilibrium" in repr(optimum)
    assert json.loads(json.dumps(optimum.to_dict()))["kind"] == "team optimum"
    dense = random_stochastic(states=3, seed=0)
    unequal = StochasticGame.from_rows(dense.n_actions, dense.rewards, dense.transitions, [0.9, 0.8])
    for call, message in (
        (lambda: pg.team_optimum(unequal), r"^discount: got 0.9, 0.8; a team needs the same"),
        (lambda: pg.team_optimum(pg.load("stag_hunt")), "^game: got the normal-form game 'Stag hunt'"),
        (lambda: pg.team_optimum(game, PowerObjective(1.5)), "lam"),
    ):
        with pytest.raises(InputError, match=message):
            call()


def test_alternating_best_responses_from_the_team_optimum():
    game = team_game(2, 30, 3, seed=0)
    equilibrium = pg.solve(game)
    check(equilibrium)
    assert equilibrium.method == "best_response"
    assert equilibrium.task[0] == pytest.approx(pg.team_optimum(game).value, rel=1e-9)
    # From a start of the user's it need not be the optimum.
    elsewhere = pg.solve(game, start=[np.eye(3)[np.full(30, 2)]] * 2, method="best_response")
    check(elsewhere)
    assert (elsewhere.task[0] <= equilibrium.task[0] + 1e-9).all()
    for seed in range(4):
        check(pg.solve(team_game(2, 12, 3, seed), PowerObjective(0.1, form="adversarial")))


# Families.


@pytest.mark.parametrize("sizes", [(2, 8, 3), (2, 20, 4), (3, 8, 3), (4, 5, 2), (5, 3, 2)])
@pytest.mark.parametrize("lam", LAMS)
def test_random_games(sizes, lam):
    players, states, actions = sizes
    for seed in range(3):
        game = random_stochastic(players, states, actions, seed=seed)
        for objective in objectives(lam):
            check(pg.solve(game, objective))


@pytest.mark.parametrize("method", GENERAL)
@pytest.mark.parametrize("aggregate", ["sum", "max", [[0, 0.4, 0], [0.2, 0, 0.3], [0, 0, 0]]])
def test_methods_and_aggregates(method, aggregate):
    game = random_stochastic(players=3, states=4, actions=2, seed=1)
    for objective in objectives(0.4, aggregate):
        equilibrium = pg.solve(game, objective, method=method)
        if method == "logit":
            check(equilibrium)
        assert equilibrium.method == method
        assert equilibrium.converged is equilibrium.certificate.passed


@pytest.mark.parametrize("family", [random_sparse, random_turn_based])
def test_sparse_and_turn_based_games(family):
    for seed in range(1, 4):
        for objective in objectives(0.3):
            check(pg.solve(family(states=60, seed=seed), objective))


@pytest.mark.parametrize("scale", [1e9, 1e-9, 1e-300])
@pytest.mark.parametrize("shift", [0.0, 1e6])
def test_scaled_and_shifted_rewards(scale, shift):
    game = random_stochastic(states=8, seed=2)
    other = StochasticGame.from_rows(game.n_actions, (game.rewards + shift) * scale, game.transitions, 0.95)
    for objective in objectives(0.3):
        check(pg.solve(other, objective), tol=1e-8)


@pytest.mark.parametrize("discount", [0.0, 0.5, 0.99, 0.999, 0.9999])
def test_discounts(discount):
    game = random_stochastic(states=10, discount=discount, seed=6)
    for objective in objectives(0.3):
        check(pg.solve(game, objective), tol=1e-8)


def test_hard_transitions():
    """Probabilities next to zero, absorbing states, and actions that differ by state."""
    rng = np.random.default_rng(3)
    n_actions = np.array([[3, 2], [1, 1], [2, 4], [1, 3], [2, 2]])
    n_rows = int(n_actions.prod(axis=1).sum())
    transitions = rng.dirichlet(np.full(5, 0.1), size=n_rows)
    transitions[:, 0] += 1e-14
    transitions[6] = np.eye(5)[1]
    transitions /= transitions.sum(axis=1, keepdims=True)
    game = StochasticGame.from_rows(n_actions, rng.normal(size=(2, n_rows)), transitions, [0.95, 0.7])
    for lam in LAMS:
        for objective in objectives(lam):
            check(pg.solve(game, objective))


@pytest.mark.parametrize("rewards", ["constant", "common", "duplicated"])
def test_degenerate_games(rewards):
    game = random_stochastic(states=6, seed=9)
    numbers = {
        "constant": np.ones_like(game.rewards),
        "common": np.tile(game.rewards[0], (2, 1)),
        "duplicated": np.round(game.rewards * 2),
    }[rewards]
    other = StochasticGame.from_rows(game.n_actions, numbers, game.transitions, 0.9)
    for lam in (0, 0.3, 1):
        for objective in objectives(lam):
            check(pg.solve(other, objective))


def test_one_state_one_action():
    game = StochasticGame([[[[2.0]]], [[[3.0]]]], [[[[1.0]]]], 0.5)
    equilibrium = pg.solve(game, PowerObjective(0.7))
    check(equilibrium)
    assert equilibrium.task[:, 0] == pytest.approx([4, 6])


# What is returned.


def test_result_carries_values_power_and_seed():
    game, objective = random_stochastic(states=8, seed=1), PowerObjective(0.3)
    equilibrium = pg.solve(game, objective)
    evaluation = evaluate(game, equilibrium.profile, objective)
    assert np.array_equal(equilibrium.task, evaluation.task)
    assert np.array_equal(equilibrium.power, evaluation.power)
    assert np.array_equal(equilibrium.utility, evaluation.utility)
    again = pg.solve(game, objective)
    assert all(np.array_equal(a, b) for a, b in zip(equilibrium.profile, again.profile, strict=True))
    assert "CONVERGED" in repr(equilibrium)


def test_x0_leads_to_the_equilibrium_nearby():
    equilibrium = pg.solve(random_stochastic(states=8, seed=1), PowerObjective(0.3))
    again = pg.solve(equilibrium.game, equilibrium.objective, start=equilibrium.profile)
    assert again.iterations <= equilibrium.iterations
    for a, b in zip(equilibrium.profile, again.profile, strict=True):
        assert a == pytest.approx(b, abs=1e-9)


def test_limits_return_the_best_profile_so_far():
    game = random_stochastic(states=50, actions=4, seed=1)
    limited = pg.solve(game, PowerObjective(0.3), max_iter=2)
    assert limited.status is pg.Status.MAX_ITER
    assert not limited.certificate.passed
    hurried = pg.solve(game, PowerObjective(0.3), time_limit=0)
    assert hurried.status is pg.Status.TIME_LIMIT
    uniform = pg.certify(game, game.uniform_profile(), PowerObjective(0.3))
    assert limited.certificate.scaled_regret <= uniform.scaled_regret


def test_interruption_returns_the_best_profile_so_far():
    game = random_stochastic(states=50, actions=4, seed=1)

    def interrupt(stage, done, total):
        raise KeyboardInterrupt

    assert pg.solve(game, PowerObjective(0.3), callback=interrupt).status is pg.Status.INTERRUPTED


def test_normal_form_games_have_a_time_limit_too():
    game = pg.load("random_uniform:actions=60,seed=1")
    hurried = pg.solve(game, PowerObjective(0.3), method="lemke", time_limit=0)
    assert hurried.status is pg.Status.TIME_LIMIT


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "lemke"}, "method: got 'lemke'"),
        ({"method": ["stages"]}, "method: got"),
        ({"exact": True}, "exact: not for stochastic games"),
        ({"select": "welfare"}, "select: not for stochastic games"),
        ({"time_limit": -1}, "time_limit: got -1"),
        ({"start": [[[1]]]}, "profile"),
        ({"max_iter": 0}, "max_iter"),
    ],
)
def test_bad_options_get_one_line(options, message):
    with pytest.raises(pg.InputError, match=message) as caught:
        pg.solve(pg.load("big_match"), **options)
    assert "\n" not in str(caught.value)


def test_sweep():
    game = random_stochastic(states=6, seed=1)
    path = pg.sweep(game, lams=[0, 0.2, 0.4])
    assert len(path) == 3
    for point in path:
        assert point.converged
        for equilibrium in point.equilibria:
            check(equilibrium)
    parallel = pg.sweep(game, lams=[0, 0.2, 0.4], n_jobs=2)
    for point, other in zip(path, parallel, strict=True):
        assert len(point.equilibria) == len(other.equilibria)
    with pytest.raises(pg.InputError, match="store: not for stochastic games"):
        pg.sweep(game, lams=[0], store="results.jsonl")


# Commands.


def test_solve_and_check_commands(capsys, tmp_path):
    assert run(["solve", "random_stochastic:states=4", "--lam", "0.3", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["game"]["kind"] == "stochastic"
    equilibrium = document["equilibria"][0]
    assert np.shape(equilibrium["profile"]) == (2, 4, 3)
    assert np.shape(equilibrium["task"]) == (2, 4)
    assert np.shape(equilibrium["power"]) == (4, 2, 2)
    assert np.shape(equilibrium["certificate"]["regrets"]) == (2, 4)
    policy = tmp_path / "policy.json"
    policy.write_text(json.dumps(document))
    command = ["audit", "random_stochastic:states=4", str(policy), "--tol", "1e-8", "--json", "--lam"]
    assert run([*command, "0.3"]) == 0
    assert json.loads(capsys.readouterr().out)["passed"] is True
    assert run([*command, "0.9"]) == 1
    arrays = tmp_path / "policy.npz"
    np.savez(arrays, player_0=np.full((4, 3), 1 / 3), player_1=np.full((4, 3), 1 / 3))
    assert run(["audit", "random_stochastic:states=4", str(arrays), "--lam", "0"]) == 1
    assert "FAILED" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["solve", "big_match", "--lam", "0.2"],
        ["solve", "random_stochastic:states=50", "--form", "adversarial"],
        ["power", "big_match", "--profile", "uniform"],
        ["sweep", "big_match", "--lam", "0:0.4:3"],
    ],
)
def test_commands_print_tables(arguments, capsys):
    assert run(arguments) == 0
    assert "ask" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["solve", "big_match", "--all", "--exact"],
        ["solve", "big_match", "--time-limit", "soon"],
        ["solve", "big_match", "--exact"],
        ["trace", "big_match", "--select", "welfare"],
    ],
)
def test_commands_refuse_in_one_line(arguments, capsys):
    assert run(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1


def test_time_limit_of_a_command(capsys):
    assert run(["solve", "random_stochastic:states=300,actions=4", "--lam", "0.3", "--time-limit", "0"]) == 1
    assert "TIME_LIMIT" in capsys.readouterr().out


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_ctrl_c_prints_the_best_profile_so_far():
    game = "random_stochastic:players=4,states=60,actions=4"
    program = """if True:
        import sys
        from powergames.cli import main
        from powergames.solvers.stochastic.search import Search

        def told(*arguments, step=Search.step):
            print("searching", file=sys.stderr, flush=True)
            step(*arguments)

        Search.step = told
        main()
    """
    command = [sys.executable, "-c", program, "solve", game, "--lam", "0.6", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    # Until the search begins, Ctrl-C just ends the program.
    assert process.stderr.readline() == "searching\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert process.returncode in (0, 1), err
    assert json.loads(out)["equilibria"][0]["status"] in ("INTERRUPTED", "CONVERGED")


# Games that end.


def test_finite_horizon_is_backward_induction():
    game = random_stochastic(players=2, states=4, actions=2, seed=3, discount=0.9)
    ending = pg.finite_horizon(game, 5)
    assert ending.n_states == 5 * 4 + 1
    assert ending.states[4:6] == ("state 1 @ 1", "state 2 @ 1")
    for objective in (PowerObjective(), *objectives(0.3)):
        equilibrium = pg.solve(ending, objective)
        check(equilibrium)
        last = PowerObjective(objective.lam)
        for s in range(4):
            stage = [strategy[16 + s] for strategy in equilibrium.profile]
            assert pg.certify(game.stage(s), stage, last).passed
    one = pg.finite_horizon(game, 1)
    assert pg.certify(game.stage(2), [x[2] for x in pg.solve(one).profile], PowerObjective()).passed


def test_finite_horizon_keeps_only_what_can_be_reached():
    game = pg.load("big_match")
    ending = pg.finite_horizon(game, 3)
    assert ending.states[0] == "play @ 0"
    assert all(not name.endswith("@ 0") for name in ending.states[1:])
    # Blackwell & Ferguson: half of the greatest value at any horizon, too.
    equilibrium = pg.solve(ending)
    check(equilibrium)
    values = equilibrium.task[0, 0]
    assert values == pytest.approx(0.5 * (1 + 0.9 + 0.81), abs=1e-9)


def test_finite_horizon_bad_input():
    game = pg.load("big_match")
    for call, message in (
        (lambda: pg.finite_horizon(game, 0), r"^horizon: got 0; give a whole number"),
        (lambda: pg.finite_horizon(game, 2.5), r"^horizon: got 2.5; give a whole number"),
        (lambda: pg.finite_horizon(pg.load("stag_hunt"), 3), "^game: got the normal-form game 'Stag hunt'"),
        (lambda: pg.finite_horizon(pg.load("soccer"), 10**12), r"^a horizon of 1000000000000 steps would take"),
    ):
        with pytest.raises(InputError, match=message):
            call()


def test_a_kitchen_in_which_choices_matter_elsewhere():
    game = pg.load("overcooked:tiny")
    found = pg.solve(game, pg.PowerObjective("0.1", form="adversarial"), method="best_response")
    assert found.converged
    assert found.certificate.scaled_regret <= LIMITS.target
    # In no pure profile do they come to rest: each responds to the other, over and over.
    assert any(((strategy > 0.01) & (strategy < 0.99)).any() for strategy in found.profile)


def test_a_kitchen_whose_chefs_would_break_their_own_plans():
    # In the form "penalty" already one chef's choices in different states go round in circles.
    found = pg.solve(pg.load("overcooked:tiny"), pg.PowerObjective("0.2"), method="best_response")
    assert found.converged
    assert found.certificate.scaled_regret <= 1e-12


@pytest.mark.parametrize("form", ["penalty", "adversarial"])
@pytest.mark.parametrize("lam", [0, 0.1, 0.3])
def test_a_kitchen_solved_backward_between_servings(lam, form):
    game = pg.compile_overcooked(["XXPXX", "O1 2O", "XDXSX"], onions=2, cook_time=10, counters=[]).to_game()
    found = pg.solve(game, pg.PowerObjective(lam, form=form))
    assert found.method == "best_response"
    check(found)
    again = pg.solve(game, pg.PowerObjective(lam, form=form), start=found.profile, method="best_response")
    np.testing.assert_array_equal(again.task, found.task)


def search():
    """Begin a search without limits."""
    return Search(Options(), Clock(0))


def team_problem(transitions, rewards):
    """The problem of a team at λ = 0."""
    return StochasticProblem.of(StochasticGame(np.array([rewards] * 2), transitions, 0.9), PowerObjective(0))


@pytest.mark.parametrize("method", ["stages", "best_response", "support_search", "branch_switching", "logit"])
def test_a_method_that_a_slice_ends_says_so_and_returns_its_best_point(method):
    problem = StochasticProblem.of(random_sparse(states=20, seed=3), PowerObjective(0.3))
    start, ours = Found.nothing(problem, problem.uniform_point()), search()
    with ours.slice(2e5):
        found = STOCHASTIC_METHODS[method].find(problem, start, ours)
    assert found.status is pg.Status.MAX_ITER
    assert found.steps == ours.clock.steps > 0
    assert problem.normalized(found.point) == pytest.approx(found.point, abs=1e-12)
    # The next slice goes on.
    assert ours.over is None


def test_methods_take_turns_until_one_succeeds(monkeypatch):
    short = dataclasses.replace(solve.LIMITS, entries=1e5, passes=1)
    monkeypatch.setattr(solve, "LIMITS", short)
    game, turns = random_sparse(states=12, seed=3), []
    methods = dict(STOCHASTIC_METHODS)
    for name, method in methods.items():

        def find(problem, start, ours, name=name, find=method.find):
            found = dataclasses.replace(find(problem, start, ours), onward=None)
            # Each begins with the best of what the others found that lead on.
            leading = [other.regret for each, other in turns if methods[each].leads]
            assert start.regret == min(leading, default=np.inf)
            turns.append((name, found))
            return found

        methods[name] = dataclasses.replace(method, find=find)
    monkeypatch.setattr("powergames.solvers.stochastic.solve.METHODS", methods)
    equilibrium = pg.solve(game, PowerObjective(0.3))
    check(equilibrium)
    names = [name for name, _ in turns]
    # Switching branches waits for the second round.
    assert names[:5] == ["stages", "best_response", "support_search", "logit", "stages"]
    assert equilibrium.method == names[-1]


def test_states_that_stage_games_leave_unsettled_are_a_game_of_their_own():
    for seed in range(3):
        for objective in objectives(0.3):
            check(pg.solve(random_sparse(states=20, seed=seed), objective, method="stages"))


def test_best_responses_come_first_where_they_are_known_to_pay():
    secure, shared = PowerObjective(1, form="adversarial"), team_game(2, 3, 2, seed=0)
    assert methods_to_try(pg.load("grid_game"), secure, None)[0].name == "best_response"
    assert methods_to_try(shared, PowerObjective(0.3), None)[0].name == "best_response"
    assert methods_to_try(pg.load("grid_game"), PowerObjective(1), None)[0].name == "stages"
    assert methods_to_try(pg.load("random_stochastic:players=1"), secure, None)[0].name == "stages"


def test_team_optima_need_no_range_of_values(monkeypatch):
    game = team_game(2, 5, 2, seed=0)
    monkeypatch.setattr(StochasticGame, "value_scale", None)
    assert pg.team_optimum(game).value.min() > 0


def test_passes_where_chefs_mix():
    game, objective = pg.load("overcooked:tiny"), PowerObjective("0.1", form="adversarial")
    problem = StochasticProblem.of(game, objective)
    point = problem.point_of(pg.team_optimum(game, objective).profile)
    found = between_payments.passes(point, problem, Found.nothing(problem, point), search())
    assert found.status is pg.Status.CONVERGED
    assert pg.certify(game, problem.profile(found.point), objective).scaled_regret <= 1e-9
    mixed = found.point[problem.is_player]
    assert ((mixed > 0.01) & (mixed < 0.99)).any()


def test_best_responses_go_on_where_their_slice_ended():
    problem = StochasticProblem.of(pg.load("overcooked:tiny"), PowerObjective("0.5", form="adversarial"))
    start = Found.nothing(problem, problem.uniform_point())
    find = whole = STOCHASTIC_METHODS["best_response"].find
    steps, ours = whole(problem, start, search()).steps, search()
    found = start
    for count in range(5):
        with ours.slice(1e6 * 1.5**count):
            found = find(problem, found, ours)
        if found.status is pg.Status.CONVERGED:
            break
        find = found.onward
    assert found.status is pg.Status.CONVERGED
    # Begun anew, the last slice alone would take as many steps as the whole.
    assert found.steps < steps < ours.clock.steps < (count + 1) * steps


def test_paths_go_on_where_their_slice_ended():
    problem = StochasticProblem.of(random_sparse(states=20, seed=3), PowerObjective(0.3))
    start = found = Found.nothing(problem, problem.uniform_point())
    whole, ours = logit.find(problem, start, search()), search()
    find, slices = logit.find, 0
    while found.status is not pg.Status.CONVERGED:
        with ours.slice(3e5):
            found = find(problem, start, ours)
        find, slices = found.onward, slices + 1
    assert found.point == pytest.approx(whole.point, abs=1e-12)
    # Begun anew, the last slice alone would take as many steps as the whole.
    assert slices > 2
    assert found.steps < whole.steps
    assert ours.clock.steps < 2 * whole.steps


def test_a_path_is_not_followed_twice():
    problem = StochasticProblem.of(random_sparse(states=20, seed=3), PowerObjective(0.3))
    start = Found.nothing(problem, problem.uniform_point())
    # From even mixing all priors that are partly even are the same.
    pieces = [logit.Attempt(evenness=evenness, caution=0.3, steps=20) for evenness in (0.0, 0.1, 0.3, 1.0) * 20]
    whole = logit.find(problem, start, search(), [logit.Attempt(evenness=1.0, caution=0.3, steps=1_600)])
    found = logit.find(problem, start, search(), pieces)
    assert whole.status is found.status is pg.Status.CONVERGED
    assert (found.point == whole.point).all()
    assert found.steps == whole.steps > 20


def test_games_that_passes_do_not_suit():
    assert not between_payments.suits(StochasticProblem.of(random_stochastic(2, 5, 2, seed=0), PowerObjective(0)))
    # One payment, which does not part the states: the others are one large component.
    n = 600
    rewards = np.zeros((n, 2, 2))
    rewards[0, 0, 0] = 1.0
    round_about, ahead = np.zeros((2, n, 2, 2, n))
    round_about[np.arange(n), :, :, (np.arange(n) + 1) % n] = 1.0
    assert not between_payments.suits(team_problem(round_about, rewards))
    # And where the last state is never left, all others are passed once.
    ahead[np.arange(n), :, :, np.minimum(np.arange(n) + 1, n - 1)] = 1.0
    assert between_payments.suits(team_problem(ahead, rewards))


def test_an_equilibrium_of_a_state_that_moves_a_little_is_followed():
    # Where everybody mixes to coordinate; Lemke's algorithm leads to one of the two others.
    payoffs = np.array([[2.0, 0.0], [0.0, 1.0]])
    game = StochasticGame(np.array([[payoffs], [payoffs]]), np.ones((1, 2, 2, 1)), 0.0)
    problem = StochasticProblem.of(game, PowerObjective(0))
    near = problem.point_of([np.array([[1 / 3 + 1e-6, 2 / 3 - 1e-6]])] * 2)
    worth = problem.worth(problem.evaluate(near))
    followed = stage_games.stage_equilibria(problem, near, worth, search())
    np.testing.assert_allclose(followed, [1 / 3, 2 / 3, 1 / 3, 2 / 3], atol=1e-12)


def test_only_states_that_want_to_change_do():
    # In one state players are to meet, in the other one wants to meet and the other does not; each follows upon itself.
    meet, avoid = np.eye(2), 1.0 - np.eye(2)
    transitions = np.zeros((2, 2, 2, 2))
    transitions[[0, 1], :, :, [0, 1]] = 1.0
    game = StochasticGame(np.array([[meet, meet], [meet, avoid]]), transitions, 0.5)
    problem = StochasticProblem.of(game, PowerObjective(0))
    point = problem.point_of([np.array([[0.0, 1.0], [1.0, 0.0]])] * 2)
    avoiding = np.array([False, True])
    found = unsettled_states.solve_states(problem, avoiding, point, point, search(), long_paths=True)
    assert found.status is pg.Status.CONVERGED
    np.testing.assert_allclose(problem.profile(found.point)[0], [[0.0, 1.0], [0.5, 0.5]], atol=1e-12)


@pytest.mark.parametrize("form", ["penalty", "adversarial"])
def test_states_in_which_somebody_is_tempted_are_resolved(form):
    game, objective = random_stochastic(2, 12, 2, seed=3), PowerObjective("0.2", form=form)
    problem = StochasticProblem.of(game, objective)
    profile = [strategy.copy() for strategy in pg.solve(game, objective).profile]
    for strategy in profile:
        strategy[[2, 7]] = strategy[[2, 7], ::-1]
    assert pg.certify(game, profile, objective).scaled_regret > 1e-3
    found = unsettled_states.resolve_tempted(problem, Found.nothing(problem, problem.point_of(profile)), search())
    assert found.status is pg.Status.CONVERGED
    assert pg.certify(game, problem.profile(found.point), objective).passed


def test_resolving_ends_where_too_much_is_amiss(monkeypatch):
    monkeypatch.setattr(unsettled_states, "LIMITS", dataclasses.replace(unsettled_states.LIMITS, entries=3))
    problem = StochasticProblem.of(random_stochastic(2, 12, 2, seed=3), PowerObjective("0.2"))
    start = problem.uniform_point()
    found = unsettled_states.resolve_tempted(problem, Found.nothing(problem, start), search())
    assert found.status is pg.Status.CYCLING
    np.testing.assert_array_equal(found.point, start)


def test_newton_knows_an_equilibrium_where_its_equations_are_singular():
    # Nobody gains by anything, once both play the second action, whatever happens next.
    rewards = np.array([[[[0.0, 1.0], [0.0, 1.0]]] * 2, [[[0.0, 1.0], [1.0, 1.0]]] * 2])
    transitions = np.eye(2)[np.array([[[1, 1], [1, 0]], [[0, 1], [1, 0]]])]
    problem = StochasticProblem.of(StochasticGame(rewards, transitions, 0.9), PowerObjective(0))
    point = problem.point_of([np.array([[0.0, 1.0]] * 2)] * 2)
    found = newton.finish(problem, point, np.ones(problem.size, dtype=bool), search())
    assert found.status is pg.Status.CONVERGED
    assert found.regret <= 1e-14


@pytest.mark.parametrize("form", ["penalty", "adversarial"])
def test_a_part_that_ends_with_some_rows_is_worth_the_same(form):
    game = random_stochastic(2, 6, 2, seed=4)
    problem = StochasticProblem.of(game, PowerObjective(0.3, form=form))
    rng = np.random.default_rng(0)
    point = problem.normalized(rng.uniform(0.2, 1.0, problem.size))
    values, ending = problem.evaluate(point), rng.random(game.n_rows) < 0.5
    states = np.array([1, 2, 5])
    part, entries = problem.part(states, values, ending), problem.entries_of(states)
    np.testing.assert_allclose(part.evaluate(point[entries]), values[:, :, states], atol=1e-13)
    kept = np.concatenate([np.arange(*problem.arrays[1][s : s + 2]) for s in states])
    assert (np.diff(part.arrays[3]) == np.where(ending[kept], 0, 3)).all()


def with_repeated_actions(game, rng):
    """Repeat some actions in some states; return the game, and which action of the first game each one is."""
    n_actions, n_states = game.n_actions, game.n_states
    which = [[np.sort(np.r_[:m, rng.integers(0, m, rng.integers(3))]) for m in own] for own in n_actions]
    rows = np.concatenate(
        [game.row_starts[s] + np.ravel_multi_index(np.ix_(*which[s]), n_actions[s]).ravel() for s in range(n_states)]
    )
    counts = np.array([[len(own) for own in state] for state in which])
    transitions = game.transitions.tocsr()[rows]
    return StochasticGame.from_rows(counts, game.rewards[:, rows], transitions, game.discounts), which


@pytest.mark.parametrize("aggregate", ["mean", "max"])
@pytest.mark.parametrize("form", ["penalty", "adversarial"])
@pytest.mark.parametrize("players", [1, 2, 3])
def test_actions_that_do_the_same_are_left_out(players, form, aggregate):
    rng = np.random.default_rng(players)
    game = random_sparse(players=players, states=6, actions=3, seed=players)
    longer, which = with_repeated_actions(game, rng)
    objective = PowerObjective(0.3, aggregate, form)
    whole, expected = StochasticProblem.of(longer, objective), StochasticProblem.of(game, objective)
    distinct = Distinct.of(whole)
    for found, known in zip(
        (*distinct.problem.arrays, distinct.problem.rewards), (*expected.arrays, expected.rewards), strict=True
    ):
        assert typeof(found) == typeof(known)
        assert np.array_equal(found, known)
    point = whole.normalized(rng.random(whole.size))
    shortened = distinct.shortened(point)
    assert shortened == pytest.approx(expected.normalized(shortened), abs=1e-15)
    assert whole.evaluate(point) == pytest.approx(expected.evaluate(shortened), abs=1e-12)
    lifted = distinct.lifted(shortened)
    assert whole.evaluate(lifted) == pytest.approx(whole.evaluate(point), abs=1e-12)
    assert np.array_equal(distinct.shortened(lifted), shortened)
    assert distinct.lifted(shortened, point) == pytest.approx(point, abs=1e-15)
    equilibrium = pg.solve(longer, objective)
    check(equilibrium)
    for s, state in enumerate(which):
        for strategy, own in zip(equilibrium.profile, state, strict=True):
            assert not strategy[s, 1 : len(own)][own[1:] == own[:-1]].any()
    assert pg.solve(longer, objective, start=equilibrium.profile).certificate.passed


def test_games_without_such_actions_stay_as_they_are():
    problem = StochasticProblem.of(random_sparse(states=6, actions=3, seed=1), PowerObjective(0.3))
    assert Distinct.of(problem).problem is problem


@pytest.mark.parametrize("aggregate", ["mean", "sum", "max"])
@pytest.mark.parametrize("lam", [0, 0.4])
def test_one_shot_regrets_add_up_to_a_bound_on_the_regret(lam, aggregate):
    objective = PowerObjective(lam, aggregate, "adversarial")
    rng = np.random.default_rng(3)
    for seed in range(4):
        game = random_sparse(players=2 + seed % 2, states=12, actions=3, seed=seed)
        problem = StochasticProblem.of(game, objective)
        point = problem.pure_point(problem.arrays[1][:-1] + rng.integers(0, np.diff(problem.arrays[1])))
        regrets = problem.scaled_regrets(point, problem.gradients(point, problem.worth(problem.evaluate(point))))
        bound = problem.added_up(regrets, 0.0)
        assert pg.certify(game, problem.profile(point), objective).scaled_regret <= bound + 1e-12
        assert bound < regrets.max()


@pytest.mark.parametrize("players", [1, 2])
def test_kernels_take_parts_of_a_game_without_compiling_anew(players):
    game = random_stochastic(players, 6, 2, seed=4)
    problem = StochasticProblem.of(game, PowerObjective(0.3))
    point = problem.uniform_point()
    values, states = problem.evaluate(point), np.array([1, 2, 5])
    parts = [
        problem.part(states, values),
        problem.part(states, values, np.ones(game.n_rows, dtype=bool)),
        problem.stage(3, problem.worth(values)),
        ReducedProblem.around(problem, point, states),
    ]
    for part in parts:
        for names in ("arrays", "layout", "planes"):
            assert [typeof(each) for each in getattr(part, names)] == [typeof(each) for each in getattr(problem, names)]
        assert typeof(part.rewards) == typeof(problem.rewards)


@pytest.mark.parametrize("lam", [0, 0.3])
@pytest.mark.parametrize("form", ["penalty", "adversarial"])
@pytest.mark.parametrize("players", [2, 3])
@pytest.mark.parametrize("left", [(1, 2, 5), (0, 1, 2, 3, 4, 5)])
def test_a_reduced_game_is_the_game_with_the_others_as_they_are(left, players, form, lam):
    random = pg.load(f"random_stochastic:players={players},states=6,actions=2,seed=4")
    rewards = random.rewards.reshape(players, 6, *[2] * players)
    discounts = np.linspace(0.5, 0.9, players)
    game = pg.StochasticGame(rewards, np.asarray(random.transitions.toarray()).reshape(6, *[2] * players, 6), discounts)
    problem = StochasticProblem.of(game, pg.PowerObjective(lam, form=form))
    rng = np.random.default_rng(0)
    point = problem.normalized(rng.uniform(0.2, 1.0, problem.size))
    states = np.array(left)
    reduced, own = ReducedProblem.around(problem, point, states), problem.entries_of(states)
    for _ in range(3):
        # The others play as they did, whatever is played in these.
        point[own] = reduced.normalized(rng.uniform(0.2, 1.0, reduced.size))
        values = problem.evaluate(point)
        worth = problem.worth(values)
        found = reduced.evaluate(point[own])
        np.testing.assert_allclose(found, values[:, :, states], atol=1e-13)
        paid = reduced.gradients(point[own], reduced.worth(found))
        np.testing.assert_allclose(paid, problem.gradients(point, worth)[own], atol=1e-13)
        for player in range(players):
            for whole, one in zip(reduced.worth(found), reduced.worth_to(player, found), strict=True):
                np.testing.assert_allclose(one, whole[player], atol=1e-13)


@pytest.mark.parametrize("form", ["penalty", "adversarial"])
@pytest.mark.parametrize("players", [2, 3])
def test_newton_steps_of_reduced_games_mend_the_errors(players, form):
    game = pg.load(f"random_stochastic:players={players},states=6,actions=2,seed=4")
    problem = StochasticProblem.of(game, pg.PowerObjective(0.3, form=form))
    rng = np.random.default_rng(0)
    point = problem.normalized(rng.uniform(0.2, 1.0, problem.size))
    states = np.array([0, 3, 4])
    reduced = ReducedProblem.around(problem, point, states)
    point = point[problem.entries_of(states)]
    values = reduced.evaluate(point)
    values += 0.1 * rng.uniform(size=values.shape)
    logs, prior, precision = np.log(point), rng.uniform(size=reduced.size), 2.0
    everywhere = np.ones(len(states), dtype=bool)
    system = Linearized.at(
        reduced, point, values, point > 0, free=everywhere, logs=logs, prior=prior, precision=precision
    )
    step, of_values = system.changes(0)

    def errors(length):
        """Of the equations of a quantal-response equilibrium of all states, and of their values."""
        logarithms, then = logs + length * step, values + length * of_values
        at, worth = np.exp(logarithms), reduced.worth(then)
        paid = reduced.gradients(at, worth)
        short = logarithms - prior - precision * paid
        means = np.add.reduceat(short, reduced.bounds[:-1]) / np.diff(reduced.bounds)
        return np.append(short - means[reduced.group_of], reduced.backup(at, worth, paid) - then)

    # Along the step errors shrink in proportion, up to the square of its length.
    length = 1e-5
    mended = (errors(0.0) - errors(length)) / length
    np.testing.assert_allclose(mended, errors(0.0), atol=1e-4 * np.abs(errors(0.0)).max())


@pytest.mark.parametrize("form", ["penalty", "adversarial"])
def test_newton_steps_of_kitchens_are_those_of_dense_matrices(form, monkeypatch):
    game = pg.compile_overcooked(["XPXSX", "O1X2D", "XXXXX"], onions=1, cook_time=2, counters=[(2, 1)]).to_game()
    problem = StochasticProblem.of(game, pg.PowerObjective(0.3, form=form))
    rng = np.random.default_rng(0)
    whole = problem.normalized(rng.uniform(0.2, 1.0, problem.size))
    states = np.arange(300)
    part, point = problem.part(states, problem.evaluate(whole)), whole[problem.entries_of(states)]
    values = part.evaluate(point)
    arguments = {
        "free": np.ones(len(states), dtype=bool),
        "logs": np.log(point),
        "prior": np.zeros_like(point),
        "precision": 2.0,
    }
    systems = []
    iterative = {"iterative_unknowns": 0, "few_entries": 0}
    for share, limits in ((0.0, {}), (1.0, {}), (1.0, iterative), (1.0, {**iterative, "iterations": 1})):
        monkeypatch.setattr(newton, "DENSITY", dataclasses.replace(newton.DENSITY, sparse_share=share))
        monkeypatch.setattr(newton, "LIMITS", dataclasses.replace(newton.LIMITS, **limits))
        systems.append(Linearized.at(part, point, values, point > 0, **arguments))
    assert values.size > newton.LIMITS.dense_unknowns
    dense, *others = systems
    for other in others:
        assert other.orientation() == dense.orientation() != 0.0
        for column in range(2):
            for one, same in zip(dense.changes(column), other.changes(column), strict=True):
                np.testing.assert_allclose(same, one, rtol=1e-8, atol=1e-9 * np.abs(one).max())


def test_iterations_solve_for_right_hand_sides_of_any_length(monkeypatch):
    size = 300
    rng = np.random.default_rng(0)
    rows, columns = np.repeat(np.arange(size), 3), rng.integers(0, size, 3 * size)
    limits = dataclasses.replace(newton.LIMITS, iterative_unknowns=0, few_entries=0, most_entries=0)
    monkeypatch.setattr(newton, "LIMITS", limits)
    monkeypatch.setattr(newton, "DENSITY", dataclasses.replace(newton.DENSITY, largest_dense=0))
    entries = np.full(3 * size, -0.3)
    solve, _ = newton._sparse(size, rows, columns, entries)
    matrix = np.eye(size)
    np.add.at(matrix, (rows, columns), entries)
    right = rng.normal(size=size)
    for length in (1.0, 1e-17, 1e-200, 0.0):
        np.testing.assert_allclose(solve(length * right), np.linalg.solve(matrix, length * right), rtol=1e-7, atol=0)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("discount", [0.99999, 0.9999999])
def test_a_discount_near_one_is_no_obstacle(seed, discount):
    game = random_stochastic(players=2, states=12, actions=3, discount=discount, seed=seed)
    for objective in objectives(0.3):
        equilibrium = pg.solve(game, objective)
        check(equilibrium, tol=1e-8)
        assert equilibrium.certificate.scaled_error < 1e-12


def test_what_the_certificate_rejects_goes_on_to_the_next_method(monkeypatch):
    def boast(problem, start, search):
        return dataclasses.replace(
            start, point=problem.pure_point(problem.arrays[1][:-1]), regret=0.0, status=pg.Status.CONVERGED
        )

    game = pg.load("random_stochastic:states=3")
    methods = dict(STOCHASTIC_METHODS)
    methods["stages"] = dataclasses.replace(methods["stages"], find=boast)
    monkeypatch.setattr("powergames.solvers.stochastic.solve.METHODS", methods)
    assert pg.solve(game, method="stages").status is pg.Status.REJECTED
    equilibrium = pg.solve(game)
    check(equilibrium)
    assert equilibrium.method not in ("shapley", "stages")


@pytest.mark.parametrize(
    ("lam", "form", "logit", "search"),
    [("1", "penalty", 16.0, 1.0), ("0.3", "penalty", 2.0, 4.0), ("1", "adversarial", 2.0, 4.0)],
)
def test_paths_get_most_of_the_work_at_a_high_price_of_power(lam, form, logit, search):
    game = random_sparse(states=20, seed=1, players=3)
    shares = {method.name: method.share for method in methods_to_try(game, PowerObjective(lam, form=form), None)}
    assert (shares["logit"], shares["support_search"]) == (logit, search)
