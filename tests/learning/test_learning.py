"""Learners: where they end, judged by certificates, and that a run is the same however it is cut, kept and resumed."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from functools import partial

import numpy as np
import pytest

import powergames as pg
from powergames import InputError, PowerObjective
from powergames.cli import run as run_command
from powergames.io import load_profile
from powergames.kernels.learning import Learners, seed_generator, uniform
from powergames.kernels.learning import train as learn
from powergames.learning import checkpoints, tables
from powergames.learning.initial_state import learners_of, rivals_of, simulator_of, workspace_of
from powergames.learning.parameters import Parameters
from powergames.learning.sweeps import bootstrap

ALGORITHMS = ("task", "prim", "sbpr")
PENNIES = pg.load("matching_pennies")
PRICE = PowerObjective(0.3)

# Enough steps for a small game, and for a stochastic one.
FEW, MANY = 50_000, 400_000


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first.policies, second.policies, strict=True))


def uneven_game():
    """Two players whose actions differ by state; one has no choice in "rest", nobody in "end", which absorbs."""
    n_actions = [[2, 3], [1, 2], [1, 1]]
    rewards = [[1, 0, 2, 0, 3, 1, 0, 1, 0], [0, 1, 2, 2, 0, 1, 1, 0, 0]]
    transitions = np.zeros((9, 3))
    transitions[[0, 1, 2, 3, 4, 5, 6, 7, 8], [0, 1, 1, 2, 0, 1, 0, 2, 2]] = 1.0
    transitions[0] = [0.5, 0.5, 0]
    return pg.StochasticGame.from_rows(n_actions, rewards, transitions, 0.8, states=["work", "rest", "end"])


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_same_seed_same_policies(algorithm):
    game = uneven_game()
    first, again, other = (
        pg.train(game, PRICE, algorithm=algorithm, seed=seed, steps=5000, history=1) for seed in (3, 3, 4)
    )
    assert same(first, again)
    assert not same(first, other)
    assert first.seed == 3
    assert first.parameters["steps"] == first.steps == 5000
    assert first.finished


def test_without_a_price_prim_is_task():
    game = pg.load("random_stochastic:states=4")
    assert same(
        pg.train(game, algorithm="prim", steps=5000), pg.train(game, PowerObjective(0.7), algorithm="task", steps=5000)
    )


@pytest.mark.parametrize(
    ("algorithm", "form", "lam"), [("task", "penalty", 0), ("prim", "penalty", 0.3), ("sbpr", "adversarial", 0.3)]
)
def test_the_objective_is_that_of_the_algorithm(algorithm, form, lam):
    run = pg.train(PENNIES, PowerObjective("3/10", "max"), algorithm=algorithm, steps=100)
    assert run.objective == PowerObjective("3/10" if lam else 0, "max", form)
    assert run.certificate.regrets.tolist() == pg.certify(PENNIES, run.policies, run.objective).regrets.tolist()


@pytest.mark.parametrize(
    ("objective", "algorithm"),
    [(None, "task"), (PowerObjective(), "task"), (PRICE, "prim"), (PowerObjective("1/3", form="adversarial"), "sbpr")],
)
def test_the_objective_chooses_the_algorithm(objective, algorithm):
    run = pg.train(PENNIES, objective, steps=100)
    assert run.algorithm == algorithm
    assert run.objective == (objective or PowerObjective())


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_learns_what_dominates(algorithm):
    run = pg.train(pg.load("prisoners_dilemma"), PRICE, algorithm=algorithm, steps=FEW)
    assert min(policy[1] for policy in run.policies) > 0.995


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_learns_to_mix(algorithm):
    run = pg.train(pg.load("rock_paper_scissors"), PowerObjective(0.2), algorithm=algorithm, steps=FEW, seed=1)
    for policy in run.policies:
        assert policy == pytest.approx(np.full(3, 1 / 3), abs=0.01)


def test_learns_the_value_of_a_zero_sum_game():
    game = pg.load("shapley_1953")
    run = pg.train(game, steps=MANY)
    assert run.task == pytest.approx(pg.solve(game).task, abs=0.01)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize(
    ("name", "lam", "aggregate"),
    [
        ("chicken", 0.3, "mean"),
        ("assembly_line", 0.3, "max"),
        ("random_uniform:players=3,seed=1", 0.1, [[0, 1, 0], [2, 0, 0.5], [0, 0, 0]]),
        ("random_stochastic:states=4", 0.3, "sum"),
        ("delegation", 0.1, "max"),
        ("random_turn_based:states=5", 0.3, "mean"),
    ],
)
def test_ends_near_an_equilibrium(algorithm, name, lam, aggregate):
    run = pg.train(pg.load(name), PowerObjective(lam, aggregate), algorithm=algorithm, steps=MANY, history=1)
    assert run.certificate.passed
    assert run.certificate.tol == 0.02


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_actions_that_differ_by_state(algorithm):
    game = uneven_game()
    run = pg.train(game, PowerObjective(0.2), algorithm=algorithm, steps=MANY // 2, history=2)
    assert run.certificate.passed
    assert [policy.shape for policy in run.policies] == [(3, 2), (3, 3)]
    for player, policy in enumerate(run.policies):
        lacking = np.arange(policy.shape[1]) >= game.n_actions[:, player, None]
        assert (policy[lacking] == 0).all()
        assert policy.min() >= 0
        assert policy.sum(axis=1) == pytest.approx(np.ones(3), abs=1e-15)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("game", [pg.NormalFormGame([[1, 3, 2]]), pg.NormalFormGame(np.ones((2, 3, 1)))])
def test_one_player_and_constant_payoffs(algorithm, game):
    run = pg.train(game, PRICE, algorithm=algorithm, steps=FEW)
    assert run.certificate.passed


def test_unit_and_offset_of_payoffs_do_not_matter():
    game = pg.load("chicken")
    large = pg.NormalFormGame(game.payoffs * 2.0**30 + 2.0**40)
    first, second = pg.train(game, PRICE, steps=FEW), pg.train(large, PRICE, steps=FEW)
    for a, b in zip(first.policies, second.policies, strict=True):
        assert a == pytest.approx(b, abs=1e-6)


@pytest.mark.parametrize("algorithm", ["prim", "sbpr", "task"])
def test_play_that_ends(algorithm):
    """Two steps of a stag hunt each of which could be hunted, undiscounted, one after the other."""
    game = pg.StochasticGame.from_rows(
        [[2, 2], [2, 2]],
        [[4, 0, 3, 3, 8, 0, 6, 6], [4, 3, 0, 3, 8, 6, 0, 6]],
        [[0, 1]] * 4 + [[1, 0]] * 4,
        1,
    )
    run = pg.train(game, PowerObjective(0.5), algorithm=algorithm, steps=40_000, horizon=3, history=2)
    assert [policy.shape for policy in run.policies] == [(3, 2, 2)] * 2
    assert run.horizon == 3
    assert run.certificate.passed
    assert isinstance(run.certificate, type(pg.certify(game, run.policies, horizon=3)))
    exact = pg.evaluate(game, run.policies, run.objective, horizon=3)
    assert run.task.tolist() == exact.task.tolist()
    assert run.history[-1].task.tolist() == exact.start_task.tolist()
    if algorithm != "task":
        assert np.asarray(run.policies[0])[..., 1].min() > 0.95
        # 3 + 6 + 3 from the first state, 6 + 3 + 6 from the second.
        assert exact.start_task == pytest.approx([13.5, 13.5], abs=0.3)


def test_how_many_steps_are_left_is_learned():
    """Whoever saves is paid 3 more at each step after; whoever spends, 2 more at once, best in the last step."""
    game = pg.StochasticGame.from_rows(
        [[2, 1], [2, 1]], [[0, 2, 3, 5], [0, 2, 3, 5]], [[0, 1], [1, 0], [0, 1], [1, 0]], 1
    )
    run = pg.train(game, steps=40_000, horizon=4)
    spends = np.asarray(run.policies[0])[..., 1]
    assert spends[:3].max() < 0.05
    assert spends[3].min() > 0.95
    # 0 + 3 + 3 + 5 from the first state, 3 + 3 + 3 + 5 from the second.
    assert run.evaluation.start_task == pytest.approx([12.5, 12.5], abs=0.2)


def test_a_charge_on_the_state_is_no_charge_where_nothing_follows():
    game, objective = pg.load("stag_hunt"), PowerObjective(0.5)
    charged = pg.train(game, objective, steps=20_000)
    state = pg.train(game, objective, steps=20_000, charge="state")
    rewards = pg.train(game, objective, algorithm="task", steps=20_000)
    assert [policy.tolist() for policy in state.policies] == [policy.tolist() for policy in rewards.policies]
    assert min(policy[1] for policy in charged.policies) > 0.95
    assert state.parameters["charge"] == "state"


def test_a_charge_on_the_state_keeps_away_from_power():
    """The door leads to one of two rooms, where nobody can do anything about the power that player 2 holds."""
    game = pg.StochasticGame.from_rows(
        [[2, 1], [1, 2], [1, 2]],
        [[0, 0, 4, 0, 3, 3], [0, 0, 1, 0, 1, 1]],
        [[0, 1, 0], [0, 0, 1]] + [[1, 0, 0]] * 4,
        0.9,
    )
    entered = {
        lam: pg.train(game, PowerObjective(lam), algorithm="prim", charge="state", steps=20_000).policies[0][0, 0]
        for lam in (0, 0.5)
    }
    assert entered[0] > 0.95
    assert entered[0.5] < 0.05


def test_what_is_no_equilibrium_is_not_called_one():
    run = pg.train(pg.load("shapley"), rate=0.003, steps=MANY)
    assert not run.certificate.passed
    assert run.history[-1].regret > 0.02


def test_history_is_exact():
    game = pg.load("random_stochastic:states=3")
    run = pg.train(game, PowerObjective(0.2), steps=10_000, history=4)
    assert [point.steps for point in run.history] == [2500, 5000, 7500, 10_000]
    evaluation = pg.evaluate(game, run.policies, run.objective)
    last = run.history[-1]
    assert last.regret == run.certificate.scaled_regret
    assert last.task.tolist() == evaluation.start_task.tolist()
    assert last.power.tolist() == run.objective.aggregate_power(evaluation.average_power).tolist()
    assert run.utility.tolist() == evaluation.utility.tolist()
    assert run.history[0].regret > last.regret


def test_generator_is_xoshiro():
    """Against the algorithm by D. Blackman and S. Vigna, in Python's integers."""
    mask = 2**64 - 1

    def rotated(word, by):
        return (word << by | word >> (64 - by)) & mask

    word, state = 12345, []
    for _ in range(4):
        word = (word + 0x9E3779B97F4A7C15) & mask
        mixed = (word ^ word >> 30) * 0xBF58476D1CE4E5B9 & mask
        mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB & mask
        state.append(mixed ^ mixed >> 31)
    generator = np.zeros(4, dtype=np.uint64)
    seed_generator(np.uint64(12345), generator)
    assert generator.tolist() == state
    for _ in range(100):
        expected = (rotated((state[0] + state[3]) & mask, 23) + state[0]) & mask
        shifted = state[1] << 17 & mask
        state[2] ^= state[0]
        state[3] ^= state[1]
        state[1] ^= state[2]
        state[0] ^= state[3]
        state[2] ^= shifted
        state[3] = rotated(state[3], 45)
        assert uniform(generator) == (expected >> 11) / 2**53


@pytest.mark.parametrize("form", ["penalty", "adversarial"])
def test_pieces_of_a_run_are_the_run(form):
    simulator = simulator_of(pg.load("random_uniform:players=3"))
    rivals = rivals_of(PowerObjective(0.3, form=form), simulator.n_actions)
    schedule = Parameters(9000, (0.03, 0.001), (0.3, 0.01), (0.1, 0.01), 0.1, 0.1, 8.0).schedule()
    whole, pieces = (learners_of(simulator, rivals, 7) for _ in range(2))
    learn(simulator, rivals, whole, workspace_of(whole), schedule, form == "adversarial", 9000)
    for count in (1, 1022, 2, 5000, 2975):
        learn(simulator, rivals, pieces, workspace_of(pieces), schedule, form == "adversarial", count)
    for name in Learners._fields:
        assert np.array_equal(getattr(whole, name), getattr(pieces, name)), name


@pytest.mark.parametrize("form", ["penalty", "adversarial"])
def test_pieces_of_a_run_with_a_horizon_are_the_run(form, tmp_path):
    game, objective = pg.load("big_match"), PowerObjective(0.2, form=form)
    path, options = tmp_path / "run.npz", {"steps": 5000, "horizon": 3}
    whole = pg.train(game, objective, **options)
    cut = pg.train(game, objective, **options, checkpoint=path, callback=_interrupt)
    assert 0 < cut.steps < 5000
    resumed = pg.train(game, objective, **options, checkpoint=path)
    assert np.array_equal(resumed.policies[0], whole.policies[0])
    with pytest.raises(InputError, match=r"belongs to another run \(horizon differ\)"):
        pg.train(game, objective, steps=5000, horizon=4, checkpoint=path)


def _interrupt(stage, done, total):
    if done:
        raise KeyboardInterrupt


def test_samples_follow_the_game():
    """One player with one action: the visits are those of the Markov chain, and the critic finds its value."""
    game = pg.StochasticGame([[[1.0], [0.0]]], [[[0.2, 0.8]], [[0.6, 0.4]]], 0.5)
    simulator = simulator_of(game)
    rivals = rivals_of(PowerObjective(), simulator.n_actions)
    learners = learners_of(simulator, rivals, 0)
    schedule = Parameters(200_000, (0.03, 0.001), (0.3, 0.01), (0.1, 1e-4), 0.1, 0.0, 8.0).schedule()
    learn(simulator, rivals, learners, workspace_of(learners), schedule, False, 200_000)
    shares = learners.visits[:, 0] / learners.visits.sum()
    assert shares == pytest.approx([3 / 7, 4 / 7], abs=0.005)
    exact = pg.evaluate(game, [[[1], [1]]]).action_values[0]
    learned = learners.critics[0, 0] + learners.rewards[0, 0] / (1 - 0.5)
    assert learned == pytest.approx(exact, abs=0.02)


def test_many_seeds_are_single_runs(tmp_path):
    game = pg.load("random_uniform:players=3")
    told = []
    runs = pg.train_many(
        game,
        PowerObjective(0.2),
        algorithm="sbpr",
        seeds=(5, 2),
        n_jobs=2,
        steps=3000,
        checkpoints=tmp_path,
        callback=lambda *report: told.append(report),
    )
    assert [run.seed for run in runs] == [5, 2]
    assert all(
        same(run, pg.train(game, PowerObjective(0.2), algorithm="sbpr", seed=run.seed, steps=3000)) for run in runs
    )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["seed_2.npz", "seed_5.npz"]
    assert [report[1:] for report in told] == [(3000, 6000), (6000, 6000)]
    # In the order in which they end.
    assert {report[0].split(":")[0] for report in told} == {"seed 5, sbpr", "seed 2, sbpr"}


def test_history_is_told_as_it_comes(tmp_path):
    told = []
    runs = pg.train_many(PENNIES, PRICE, seeds=(3, 5), steps=1000, history=4, on_history=told.append)
    assert told == [point for run in runs for point in run.history]
    assert [(point.seed, point.steps) for point in told] == [(s, k) for s in (3, 5) for k in (250, 500, 750, 1000)]
    assert {point.lam for point in told} == {PRICE.lam}
    with pytest.raises(InputError, match="on_history: got int; give a function of a HistoryPoint"):
        pg.train(PENNIES, PRICE, steps=10, on_history=3)
    with pytest.raises(InputError, match="on_history: other processes cannot call it"):
        pg.train_many(PENNIES, PRICE, steps=10, on_history=told.append, n_jobs=2)


def test_a_sweep_of_lambda_tells_means_over_seeds(tmp_path):
    game, told = pg.load("random_stochastic"), []
    options = {"steps": 3000, "history": 1, "seeds": range(3)}
    learned = pg.train_sweep(
        game, lams=["1/10", 0], callback=lambda *a: told.append(a), checkpoints=tmp_path, **options
    )
    assert learned.lams.tolist() == [0.1, 0.0]
    assert learned.algorithm == "prim"
    for point, lam in zip(learned, ("1/10", 0), strict=True):
        runs = pg.train_many(game, PowerObjective(lam), algorithm="prim", **options)
        assert [same(a, b) for a, b in zip(point.runs, runs, strict=True)] == [True] * 3
        returns = np.array([run.evaluation.start_task for run in runs])
        assert point.task.mean == pytest.approx(returns.mean(axis=0))
        assert (returns.min(axis=0) <= point.task.low + 1e-9).all()
        assert (point.task.low <= point.task.mean).all()
        assert (point.task.mean <= point.task.high).all()
        assert (point.task.high <= returns.max(axis=0) + 1e-9).all()
        assert point.passed == sum(run.certificate.passed for run in runs)
    assert told[-1][1:] == (18_000, 18_000)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lam_0", "lam_1_10"]
    assert json.loads(json.dumps(learned.to_dict()))["points"][0]["runs"][2]["seed"] == 2
    assert len(learned.to_dataframe()) == 2 * game.n_players
    adversarial = PowerObjective(form="adversarial")
    assert pg.train_sweep(PENNIES, adversarial, lams=[0.1], seeds=[0], steps=10).algorithm == "sbpr"


def test_a_sweep_of_lambda_ends_early_at_ctrl_c():
    def interrupt(stage, done, total):
        if done > 1500:
            raise KeyboardInterrupt

    learned = pg.train_sweep(PENNIES, lams=[0, 0.1, 0.2], seeds=[0], steps=1000, callback=interrupt)
    assert 1 <= len(learned) <= 2
    assert learned[-1].runs[0].stopped.name == "INTERRUPTED"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"lams": "0.1"}, "lams: got str; give a sequence of numbers"),
        ({"lams": []}, "lams: got none; give at least one"),
        ({"lams": [0.1], "seeds": []}, "seeds: got none; give at least one"),
        ({"lams": [0.1], "algorithm": "task"}, "algorithm: 'task' is the same at every λ"),
        ({"lams": [0.1], "level": 2}, "level: got 2; give a number from 0 to 1"),
        ({"lams": [0.1], "checkpoints": "nowhere"}, "checkpoints: there is no folder nowhere"),
    ],
)
def test_bad_arguments_of_a_sweep(arguments, problem):
    with pytest.raises(InputError, match=re.escape(problem)):
        pg.train_sweep(PENNIES, **arguments)


def test_intervals_hold_the_mean_nearly_as_often_as_they_say():
    """Of ten normal numbers, a percentile interval of 95 % is known to hold the mean in some 90 % of cases."""
    numbers = np.random.default_rng(0).normal(size=(10, 2000))
    found = bootstrap(numbers, 0.95)
    held = ((found.low <= 0) & (found.high >= 0)).mean()
    assert 0.88 < held < 0.92
    assert bootstrap(numbers[:1], 0.95).low.tolist() == numbers[0].tolist()


def test_many_seeds_report_while_they_learn():
    told = []
    runs = pg.train_many(
        PENNIES, PRICE, seeds=(5, 2), steps=4000, history=4, callback=lambda *report: told.append(report)
    )
    assert told[0] == ("seed 5, prim", 0, 8000)
    assert told[-1][1:] == (8000, 8000)
    steps = [done for _, done, _ in told]
    assert steps == sorted(steps)
    assert any(4000 < done < 8000 and stage.startswith("seed 2, prim: return ") for stage, done, _ in told)
    assert all(same(run, pg.train(PENNIES, PRICE, seed=run.seed, steps=4000, history=4)) for run in runs)


@pytest.mark.parametrize("call", [pg.train, partial(pg.train_many, seeds=range(2))])
def test_the_bar_is_shown_on_a_terminal_only(call, capsys, monkeypatch):
    call(PENNIES, PRICE, steps=1000)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    call(PENNIES, PRICE, steps=1000)
    out, err = capsys.readouterr()
    assert out == ""
    for word in ("prim", "return", "power", "regret"):
        assert word in err
    call(PENNIES, PRICE, steps=1000, progress=False)
    assert capsys.readouterr() == ("", "")


def test_callback_tells_what_is_known():
    told = []
    pg.train(PENNIES, PRICE, steps=4000, history=4, callback=lambda *report: told.append(report))
    assert told[0] == ("prim", 0, 4000)
    assert told[-1][0].startswith("prim: return ")
    assert "; regret " in told[-1][0]
    assert told[-1][1:] == (4000, 4000)
    steps = [done for _, done, _ in told]
    assert steps == sorted(steps)


def test_policies_go_to_a_file_and_come_back(tmp_path):
    game = uneven_game()
    run = pg.train(game, PRICE, steps=1000)
    run.save(tmp_path / "policy.npz")
    for saved, policy in zip(load_profile(tmp_path / "policy.npz", game), run.policies, strict=True):
        assert saved == pytest.approx(policy, abs=1e-15)
    assert [path.name for path in tmp_path.iterdir()] == ["policy.npz"]
    assert json.loads(json.dumps(run.to_dict()))["profile"] == [policy.tolist() for policy in run.policies]


GAME, STEPS = "random_stochastic:states=4", 1_000_000
KILLED = f"""
import sys, powergames as pg
from powergames.learning import loop
loop.TURN, loop.KEEP = 0.01, 0.0
price = pg.PowerObjective(0.3)
pg.train(pg.load("{GAME}"), price, algorithm=sys.argv[1], steps={STEPS}, history=3, checkpoint=sys.argv[2])
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL on this system")
@pytest.mark.parametrize("algorithm", ["prim", pytest.param("sbpr", marks=pytest.mark.slow)])
def test_killed_at_any_moment_it_resumes_to_the_same_end(algorithm, tmp_path):
    game, path, chance = pg.load(GAME), tmp_path / "run.npz", random.Random(algorithm)
    expected = pg.train(game, PRICE, algorithm=algorithm, steps=STEPS, history=3)
    clocks = []
    for _ in range(3):
        process = subprocess.Popen([sys.executable, "-c", KILLED, algorithm, str(path)])
        written: set[int] = set()
        # The first ones are written before anything new is learned.
        while process.poll() is None and len(written) < 4:
            written |= {path.stat().st_mtime_ns} if path.exists() else set()
        time.sleep(0.05 * chance.random())
        process.kill()
        process.wait()
        clocks.append(int(np.load(path)["learners_clock"][0]))
    assert clocks == sorted(clocks)
    assert 0 < clocks[0] < STEPS
    resumed = pg.train(game, PRICE, algorithm=algorithm, steps=STEPS, history=3, checkpoint=path)
    assert same(resumed, expected)
    assert [p.to_dict() for p in resumed.history] == [p.to_dict() for p in expected.history]
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.npz"]


def test_a_checkpoint_in_use_is_refused(tmp_path):
    path, told = tmp_path / "run.npz", []

    def second(stage, done, total):
        if not told:
            arguments = ["train", "matching_pennies", "--steps", "1000", "--checkpoint", str(path)]
            command = [sys.executable, "-m", "powergames", *arguments, "-o", str(tmp_path / "policy.npz")]
            told.append(subprocess.run(command, capture_output=True, text=True))
            with pytest.raises(InputError, match="is in use"):
                pg.train(PENNIES, PRICE, steps=1000, checkpoint=path)

    pg.train(PENNIES, PRICE, steps=1000, checkpoint=path, callback=second)
    (refused,) = told
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == (
        f"powergames: checkpoint {path}: is in use; wait until that is over, or choose another file\n"
    )
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.npz"]
    assert pg.train(PENNIES, PRICE, steps=1000, checkpoint=path).finished


def test_a_refused_checkpoint_is_given_back(tmp_path):
    path = tmp_path / "run.npz"
    pg.train(PENNIES, PRICE, steps=1000, checkpoint=path)
    with pytest.raises(InputError, match="belongs to another run"):
        pg.train(PENNIES, PRICE, steps=2000, checkpoint=path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.npz"]
    assert pg.train(PENNIES, PRICE, steps=1000, checkpoint=path).finished


def test_cut_short_it_resumes_to_the_same_end(tmp_path):
    path = tmp_path / "run.npz"
    expected = pg.train(PENNIES, PRICE, algorithm="sbpr", steps=200_000)

    def interrupt(stage, done, total):
        if done > 1000:
            raise KeyboardInterrupt

    late = pg.train(PENNIES, PRICE, algorithm="sbpr", steps=200_000, checkpoint=path, time_limit=0)
    broken = pg.train(PENNIES, PRICE, algorithm="sbpr", steps=200_000, checkpoint=path, callback=interrupt)
    assert (late.stopped.name, late.steps, late.finished) == ("TIME_LIMIT", 0, False)
    assert broken.stopped.name == "INTERRUPTED"
    assert 1000 < broken.steps < 200_000
    resumed = pg.train(PENNIES, PRICE, algorithm="sbpr", steps=200_000, checkpoint=path)
    assert same(resumed, expected)
    assert same(pg.train(PENNIES, PRICE, algorithm="sbpr", steps=200_000, checkpoint=path), expected)


def test_many_stop_at_ctrl_c_and_keep_what_they_have(tmp_path, monkeypatch):
    def interrupted(*arguments):
        learn(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(tables, "learn", interrupted)
    (run,) = pg.train_many(PENNIES, PRICE, seeds=range(3), steps=1000, checkpoints=tmp_path)
    assert run.stopped.name == "INTERRUPTED"
    assert [path.name for path in tmp_path.iterdir()] == ["seed_0.npz"]


def test_many_return_what_was_finished_before_ctrl_c():
    def interrupt(stage, done, total):
        if done >= 2000:
            raise KeyboardInterrupt

    runs = pg.train_many(PENNIES, PRICE, seeds=range(20), n_jobs=2, steps=1000, callback=interrupt)
    assert len(runs) == 2
    for run in runs:
        assert run.finished
        assert same(run, pg.train(PENNIES, PRICE, seed=run.seed, steps=1000))


def test_command_with_many_seeds_keeps_what_it_has_at_ctrl_c(tmp_path, capsys, monkeypatch):
    begun = set()

    def interrupted(simulator, rivals, learners, *arguments):
        begun.add(id(learners))
        if len(begun) == 3:
            raise KeyboardInterrupt
        kept.append(learners)
        learn(simulator, rivals, learners, *arguments)

    kept = []
    monkeypatch.setattr(tables, "learn", interrupted)
    arguments = ["train", "chicken", "--seeds", "5", "--steps", "1000", "-o", str(tmp_path / "policy.npz")]
    assert run_command(arguments) == 1
    assert "INTERRUPTED: only 3 of 5 runs are here." in capsys.readouterr().out
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"policy-{seed}.npz" for seed in range(3)]


def test_rewards_that_nothing_can_be_divided_by():
    tiny = pg.NormalFormGame(5e-324 * np.array([[[1, -1], [0, 1]], [[1, 0], [0, -1]]]))
    assert pg.train(tiny, steps=2000).finished


@pytest.mark.parametrize(
    ("changes", "differing"),
    [
        ({"game": pg.load("chicken")}, "game"),
        ({"algorithm": "sbpr"}, "algorithm, form"),
        ({"objective": PowerObjective(0.2)}, "lam"),
        ({"objective": PowerObjective(0.3, "max")}, "aggregate"),
        ({"seed": 1}, "seed"),
        ({"steps": 2000}, "steps"),
        ({"rate": (0.1, 0.01), "exploration": 0.2}, "exploration, rate"),
    ],
)
def test_checkpoint_of_another_run_is_refused(changes, differing, tmp_path):
    same_run = {
        "game": PENNIES,
        "objective": PRICE,
        "algorithm": "prim",
        "steps": 1000,
        "checkpoint": tmp_path / "run.npz",
    }
    pg.train(**same_run)
    kept = (tmp_path / "run.npz").read_bytes()
    with pytest.raises(InputError, match=rf"belongs to another run \({differing} differ\)"):
        pg.train(**same_run | changes)
    assert (tmp_path / "run.npz").read_bytes() == kept


def changed(arrays, **changes):
    return {name: changes.get(name, array) for name, array in arrays.items() if changes.get(name, array) is not None}


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lambda arrays: changed(arrays, learners_deciders=None), "is damaged"),
        (lambda arrays: changed(arrays, learners_clock=np.array([2000])), "is damaged"),
        (lambda arrays: changed(arrays, learners_streams=np.array([[99, 0], [-2, -2]])), "is damaged"),
        (lambda arrays: changed(arrays, learners_streams=np.array([[0, 99], [-2, -2]])), "is damaged"),
        (lambda arrays: changed(arrays, learners_visits=np.zeros(3)), "is damaged"),
        (lambda arrays: changed(arrays, history_task=np.zeros((1, 2))), "is damaged"),
        (lambda arrays: changed(arrays, question=np.array("{}")), "holds something else than a run"),
        (lambda arrays: {"player_0": np.ones(2) / 2}, "holds something else than a run"),
    ],
)
def test_damaged_checkpoint_is_refused(damage, problem, tmp_path):
    path = tmp_path / "run.npz"
    pg.train(PENNIES, PRICE, steps=1000, checkpoint=path)
    with np.load(path) as archive:
        arrays = dict(archive)
    np.savez(path, **damage(arrays))
    with pytest.raises(InputError, match=problem) as refusal:
        pg.train(PENNIES, PRICE, steps=1000, checkpoint=path)
    assert "\n" not in str(refusal.value)


def test_every_truncated_checkpoint_is_refused(tmp_path):
    path = tmp_path / "run.npz"
    pg.train(PENNIES, PRICE, steps=100, checkpoint=path)
    whole = path.read_bytes()
    for size in range(0, len(whole) - 1, 97):
        path.write_bytes(whole[:size])
        with pytest.raises(InputError):
            pg.train(PENNIES, PRICE, steps=100, checkpoint=path)


def test_a_failed_write_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / "run.npz"
    pg.train(PENNIES, PRICE, steps=FEW, checkpoint=path, time_limit=0)
    kept = path.read_bytes()

    def fail(*arguments):
        raise OSError(28, "No space left on device", "elsewhere")

    monkeypatch.setattr(checkpoints.os, "fsync", fail)
    with pytest.raises(OSError, match="No space left on device") as failure:
        pg.train(PENNIES, PRICE, steps=FEW, checkpoint=path)
    assert failure.value.filename == str(path)
    assert path.read_bytes() == kept
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.npz"]


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"game": 3}, "game: got int"),
        ({"algorithm": "ppo"}, "algorithm: got 'ppo'; choose one of prim, sbpr, task"),
        ({"objective": "prim"}, "objective: got str; give λ"),
        ({"objective": PowerObjective(1.5), "algorithm": "sbpr"}, "form='adversarial' reads lam as a probability"),
        ({"objective": PowerObjective(0.3, form="adversarial"), "algorithm": "prim"}, "'prim' for .*; give 'sbpr'"),
        ({"seed": -1}, "seed: got -1; give an integer from 0"),
        ({"seed": 2**64}, "seed: got"),
        ({"seed": True}, "seed: got True"),
        ({"steps": 0}, "steps: got 0; give an integer from 1"),
        ({"steps": 1e6}, "steps: got 1000000.0; give an integer"),
        ({"history": 0}, "history: got 0"),
        ({"rate": (0.1, 0)}, "rate: got"),
        ({"rate": (0.1,)}, "rate: got"),
        ({"rate": (5, 1), "temperature": 0.3}, "their product must be below 1"),
        ({"temperature": (float("nan"), 1)}, "temperature: got"),
        ({"critic_rate": (2, 1)}, "critic_rate: got .* at most 1"),
        ({"exploration": 1.5}, "exploration: got 1.5; give a number from 0 to 1"),
        ({"restart": "often"}, "restart: got often"),
        ({"averaging": 0.5}, "averaging: got 0.5; give a number >= 1"),
        ({"tol": 2}, "tol: got 2"),
        ({"time_limit": -1}, "time_limit: got -1; give seconds >= 0"),
        ({"callback": 3}, "callback: got int"),
        ({"checkpoint": ""}, "checkpoint: got an empty name"),
        ({"checkpoint": "no/such/folder/run.npz"}, "there is no folder"),
        ({"checkpoint": os.curdir}, "is not a regular file"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(arguments, problem):
    with pytest.raises(InputError, match=problem) as refusal:
        pg.train(**{"game": PENNIES, "steps": 10} | arguments)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"seeds": 3}, "seeds: got 3"),
        ({"callback": 3}, "callback: got int"),
        ({"seeds": [-1]}, "seed: got -1"),
        ({"n_jobs": 0}, "n_jobs: got 0"),
        ({"checkpoints": "no/such/folder"}, "checkpoints: there is no folder"),
    ],
)
def test_bad_arguments_for_many_runs(arguments, problem):
    with pytest.raises(InputError, match=problem):
        pg.train_many(PENNIES, PRICE, steps=10, **arguments)


@pytest.mark.parametrize("name", ["stag_hunt", "reputation_stag_hunt"])
def test_command(name, tmp_path, capsys):
    policy = tmp_path / "policy.npz"
    arguments = ["train", name, "--algorithm", "sbpr", "--lam", "0.3", "--steps", "100000", "-o", str(policy)]
    assert run_command(arguments) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert "largest regret" in out.splitlines()[-1]
    assert run_command([*arguments, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "powergames/1"
    assert document["finished"]
    assert document["certificate"]["scaled_regret"] == document["history"][-1]["regret"]
    assert run_command(["audit", name, str(policy), "--lam", "0.3", "--form", "adversarial"]) == 0


def test_command_with_many_seeds(tmp_path, capsys):
    arguments = ["train", "chicken", "--seed", "7", "--seeds", "2", "--jobs", "2", "--steps", "50000"]
    arguments += ["-o", str(tmp_path / "policy.npz"), "--checkpoint", str(tmp_path)]
    assert run_command(arguments) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert [line.split()[0] for line in out.splitlines() if "policy-" in line] == ["7", "8"]
    assert "2 of 2 runs within tolerance 0.02" in out
    names = ["policy-7.npz", "policy-8.npz", "seed_7.npz", "seed_8.npz"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    for seed in (7, 8):
        alone = pg.train(pg.load("chicken"), PRICE, seed=seed, steps=50_000)
        with np.load(tmp_path / f"policy-{seed}.npz") as saved:
            assert all(np.array_equal(saved[f"player_{i}"], policy) for i, policy in enumerate(alone.policies))
    assert run_command([*arguments, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [run["seed"] for run in document["runs"]] == [7, 8]
    assert document["runs"][0]["certificate"]["max_regret"] < 0.02
    cut = [*arguments[:2], "--seeds", "1", "--steps", "50000", "-o", str(tmp_path / "cut.npz"), "--time-limit", "0"]
    assert run_command(cut) == 1
    assert "TIME_LIMIT after 0 steps" in capsys.readouterr().out


def test_command_cut_short(tmp_path, capsys):
    policy, path = tmp_path / "policy.npz", tmp_path / "run.npz"
    arguments = ["train", "chicken", "--steps", "3000", "-o", str(policy), "--checkpoint", str(path)]
    assert run_command([*arguments, "--time-limit", "0"]) == 1
    assert "TIME_LIMIT: the run was cut short." in capsys.readouterr().out
    assert run_command(arguments) == 0
    expected = pg.train(pg.load("chicken"), PRICE, steps=3000)
    assert np.array_equal(np.load(policy)["player_0"], expected.policies[0])


def test_learners_run_without_the_compiler(tmp_path):
    """As for a debugger: Numba then leaves its functions to Python."""
    policy = tmp_path / "policy.npz"
    command = [sys.executable, "-m", "powergames", "train", "stag_hunt", "--steps", "100", "-o", str(policy)]
    subprocess.run(command, env={**os.environ, "NUMBA_DISABLE_JIT": "1"}, stdout=subprocess.DEVNULL)
    compiled = pg.train(pg.load("stag_hunt"), PowerObjective("0.3"), steps=100)
    with np.load(policy) as learned:
        for i in range(2):
            assert learned[f"player_{i}"] == pytest.approx(compiled.policies[i], abs=1e-12)


@pytest.mark.skipif(sys.platform == "win32", reason="there are no signals to send to a process on Windows")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_signals_keep_what_was_learned(name, tmp_path):
    policy, path = tmp_path / "policy.npz", tmp_path / "run.npz"
    code = "from powergames import cli; from powergames.learning import loop; loop.KEEP = 0.0; cli.main()"
    arguments = ["train", "chicken", "--steps", str(10**12), "--checkpoint", str(path), "-o", str(policy)]
    command = [sys.executable, "-c", code, *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    while process.poll() is None and not (path.exists() and np.load(path)["learners_clock"][0]):
        time.sleep(0.01)
    process.send_signal(getattr(signal, name))
    out, _ = process.communicate()
    assert process.returncode == 1
    assert "INTERRUPTED: the run was cut short." in out
    assert np.load(policy)["player_0"].shape == (2,)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--algorithm", "ppo"], "ppo"),
        (["--steps", "many"], "--steps: got 'many'; give an integer"),
        (["--seed", "-1"], "seed: got -1"),
        (["--lam", "2", "--algorithm", "sbpr"], "lam"),
        (["-o", "policy.txt"], "--output: got 'policy.txt'; give the name of a .npz file"),
        (["-o", "no/such/folder/policy.npz"], "--output: there is no folder 'no/such/folder'"),
        (["--seeds", "0"], "--seeds: got 0; give a number of seeds from 1"),
        (["--seeds", "few"], "--seeds: got 'few'; give an integer"),
        (["--seeds", "2", "--seed", str(2**64 - 1)], f"seed: got {2**64}"),
        (["--seeds", "2", "--checkpoint", "no/such/folder"], "checkpoints: there is no folder no/such/folder"),
        (["--jobs", "2"], "--jobs: got 2 for one run; give --seeds too"),
        (["--seeds", "2", "--jobs", "0"], "--jobs: got '0'"),
    ],
)
def test_command_refuses_bad_input(options, problem, tmp_path, capsys):
    output = [] if "-o" in options else ["-o", str(tmp_path / "policy.npz")]
    assert run_command(["train", "chicken", "--steps", "10", *output, *options]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert problem in err
