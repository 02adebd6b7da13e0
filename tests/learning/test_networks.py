"""Networks: their gradients against exact ones, where they end, and that a run is the same however it is cut."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import numpy as np
import pytest

import powergames as pg
from powergames import InputError, PowerObjective
from powergames.cli import run as run_command

# Compiling takes longer than learning here.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0")

jax = pytest.importorskip("jax", reason="JAX is not installed; it is part of the extra 'deep'")
for module in ("equinox", "optax"):
    pytest.importorskip(module, reason="Equinox and Optax are parts of the extra 'deep'")

from powergames.learning.networks.environment import environment_of  # noqa: E402
from powergames.learning.networks.observations import observations_of  # noqa: E402
from powergames.learning.networks.outlook import design_of, look  # noqa: E402
from powergames.learning.networks.play import draw  # noqa: E402

STAG = pg.load("stag_hunt")
# One small program for most tests.
SMALL = {"policy": "network", "hidden": (8,), "environments": 16, "rollout": 4, "history": 2}


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first.policies, second.policies, strict=True))


def exact_look(objective, algorithm, payoffs, profile, player, **options):
    """What a player makes of a normal-form game whose payoffs its critic knows."""
    widths = payoffs.shape[1:]
    design, charges = design_of(objective, algorithm, options.get("charge", "action"), 1, widths)
    critic = np.broadcast_to(payoffs[player], (design.heads(player), *widths))
    available = [np.ones(width, dtype=bool) for width in widths]
    found = look(design, player, critic, profile, available, charges[player], 1e-4, np.zeros((), dtype=np.int32))
    return design, found


@pytest.mark.parametrize("aggregate", ["mean", "sum", "max", [[0, 2, 0.5], [0, 0, 1], [1, 0, 0]]])
@pytest.mark.parametrize(("algorithm", "form"), [("prim", "penalty"), ("sbpr", "adversarial")])
def test_policies_climb_the_exact_gradient(algorithm, form, aggregate):
    """In a normal-form game both forms are the same objective, whose gradient differences of exact utilities give."""
    generator = np.random.default_rng(3)
    payoffs = generator.normal(size=(3, 2, 3, 4))
    profile = [generator.dirichlet(np.ones(width)) for width in payoffs.shape[1:]]
    objective = PowerObjective(0.3, aggregate, form)
    game = pg.NormalFormGame(payoffs)
    for player in range(3):
        _, found = exact_look(objective, algorithm, payoffs, profile, player)

        def utility(mixed, player=player):
            changed = [mixed if k == player else own for k, own in enumerate(profile)]
            table = pg.power_table(game, changed)
            return objective.utility(table.task, table.power)[player]

        assert found.values[-1] == pytest.approx(utility(profile[player]), abs=1e-5)
        width, step = len(profile[player]), 1e-3
        for action in range(width):
            toward = profile[player] + step * (np.eye(width)[action] - profile[player])
            slope = (utility(toward) - utility(profile[player])) / step
            assert found.slope[action] - found.slope @ profile[player] == pytest.approx(slope, abs=1e-4)


def test_a_charge_on_the_state_teaches_nothing_about_the_action():
    profile = [np.array([0.25, 0.75]), np.array([0.5, 0.5])]
    _, charged = exact_look(PowerObjective(0.5), "prim", STAG.payoffs, profile, 0)
    _, state = exact_look(PowerObjective(0.5), "prim", STAG.payoffs, profile, 0, charge="state")
    assert np.array_equal(state.slope, np.float32(STAG.payoffs[0] @ profile[1]))
    assert not np.allclose(state.slope, charged.slope)
    assert np.array_equal(state.values, charged.values)


def test_games_as_tables():
    """Rows, rewards and chances of play are those of the game, also where actions differ by state."""
    game = pg.StochasticGame.from_rows(
        [[2, 3], [1, 2]],
        [[1, 0, 2, 0, 3, 1, 0, 1], [0, 1, 2, 2, 0, 1, 1, 5]],
        [[0.5, 0.5], [1, 0], [0, 1], [0.25, 0.75], [1, 0], [0, 1], [1, 0], [0, 1]],
        0.8,
    )
    tables = jax.tree.map(jax.numpy.asarray, environment_of(game, observations_of(game)))
    states = np.array([0, 0, 1], dtype=np.int32)
    rows = tables.row(states, [np.array([1, 0, 0]), np.array([0, 2, 1])])
    assert rows.tolist() == [3, 2, 7]
    paid = (np.asarray(tables.reward(1, rows)) + tables.offsets[1]) / tables.scales[1]
    assert np.diff(paid) * np.ptp(game.rewards[1]) == pytest.approx(np.diff([2, 2, 5]))
    follow = [int(tables.follow(np.array(0), np.array(3), np.array([chance]))[0]) for chance in (0.0, 0.2, 0.3, 0.999)]
    assert follow == [0, 0, 1, 1]
    assert [mask.tolist() for mask in tables.available(states[2], (2, 3))] == [[True, False], [True, True, False]]


def test_play_ends_and_begins_anew():
    """A place is a step and a state; after the last step comes a place from which play may begin, or any."""
    game = pg.load("big_match")
    tables = jax.tree.map(jax.numpy.asarray, environment_of(game, observations_of(game), 4))
    assert (tables.n_states, tables.n_places) == (3, 12)
    draws = np.array([0.0, 0.9, 0.99])
    row = int(tables.row(np.int32(3), [np.int32(0), np.int32(0)]))
    assert row == game.row_starts[0]
    place, ended = tables.follow(np.int32(3), np.int32(row), draws)
    assert (int(place), bool(ended)) == (6 + int(game.indices[game.indptr[row]]), False)
    place, ended = tables.follow(np.int32(9), np.int32(row), draws)
    assert (int(place), bool(ended)) == (11, True)
    place, ended = tables.follow(np.int32(9), np.int32(row), np.array([0.0, 0.1, 0.0]))
    assert (int(place), bool(ended)) == (0, True)
    seen = np.asarray(tables.see(np.arange(12)))
    assert len(seen) == tables.seen
    assert len({tuple(column) for column in seen.T}) == 12


def test_networks_learn_how_many_steps_are_left():
    """Whoever saves is paid 3 more at each step after; whoever spends, 2 more at once."""
    game = pg.StochasticGame.from_rows(
        [[2, 1], [2, 1]], [[0, 2, 3, 5], [0, 2, 3, 5]], [[0, 1], [1, 0], [0, 1], [1, 0]], 1
    )
    run = pg.train(game, steps=30_000, horizon=4, rate=(0.01, 0.001), critic_rate=(0.01, 0.001), **SMALL)
    spends = np.asarray(run.policies[0])[..., 1]
    assert run.policies[0].shape == (4, 2, 2)
    assert spends[:3].max() < 0.1
    assert spends[3].min() > 0.9


@pytest.mark.parametrize("algorithm", [pytest.param("prim", marks=pytest.mark.slow), "sbpr"])
def test_networks_learn_play_that_ends(algorithm, tmp_path):
    """Two stag hunts, one after the other, undiscounted."""
    game = pg.StochasticGame.from_rows(
        [[2, 2], [2, 2]],
        [[4, 0, 3, 3, 8, 0, 6, 6], [4, 3, 0, 3, 8, 6, 0, 6]],
        [[0, 1]] * 4 + [[1, 0]] * 4,
        1,
    )
    options = {"steps": 40_000, "horizon": 3, "rate": (0.01, 0.001), "critic_rate": (0.01, 0.001), **SMALL}
    run = pg.train(game, PowerObjective(0.5), algorithm=algorithm, takeover=1 + (algorithm == "sbpr"), **options)
    assert np.asarray(run.policies[0])[..., 1].min() > 0.9
    run.save(tmp_path / "run.npz")
    assert np.load(tmp_path / "run.npz")["player_0"].shape == (3, 2, 2)
    assert {"actions", "mixtures", "start_task"} <= run.to_dict().keys()


def test_draws_follow_probabilities():
    probabilities = np.array([0.0, 0.25, 0.75, 0.0])[:, None]
    chances = np.array([0.0, 0.2, 0.3, 1 - 2**-24], dtype=np.float32)
    assert draw(np.repeat(probabilities, 4, axis=1), chances).tolist() == [1, 1, 2, 2]


def test_kitchens_that_are_reduced_show_digits_too():
    game = pg.compile_overcooked("tiny", reduce=True)
    tables = observations_of(game)
    seen = np.asarray(jax.tree.map(jax.numpy.asarray, tables)(np.arange(game.n_states)))
    assert tables.size < 60 < game.n_states
    assert len(np.unique(seen, axis=1).T) == game.n_states


def test_kitchens_show_their_digits():
    game = pg.load("overcooked:tiny")
    tables = observations_of(game)
    seen = np.asarray(jax.tree.map(jax.numpy.asarray, tables)(np.arange(game.n_states)))
    assert seen.sum(axis=0).tolist() == [len(game.states.kitchen.radices)] * game.n_states
    assert len(np.unique(seen, axis=1).T) == game.n_states
    for state in (0, 600):
        poses, held, conditions = game.states.digits(state)
        assert tables.table[state].tolist() == [*poses, *held, *conditions]


@pytest.mark.parametrize("algorithm", ["prim", "sbpr"])
def test_ends_at_an_equilibrium(algorithm):
    """Both hunters on hare is the only pure equilibrium at λ = 0.5; without a charge, both on stag is one, too."""
    run = pg.train(STAG, PowerObjective(0.5), algorithm=algorithm, steps=20_000, rate=(0.01, 0.001), **SMALL)
    assert run.certificate.passed
    assert run.certificate.regrets.tolist() == pg.certify(STAG, run.policies, run.objective).regrets.tolist()
    assert min(policy[1] for policy in run.policies) > 0.99
    assert [point.steps for point in run.history] == [9984, 20_032]
    assert run.steps == 20_032
    assert run.parameters["environments"] == 16


def test_adversaries_that_take_over_for_several_steps():
    """In a turn-based game, each state of which gives one player a choice."""
    game = pg.load("random_turn_based:states=4")
    options = {"steps": 60_000, "rate": (0.01, 0.001), "critic_rate": (0.01, 0.001), "takeover": 2, **SMALL}
    run = pg.train(game, PowerObjective(0.02), algorithm="sbpr", **options)
    for player, policy in enumerate(run.policies):
        lacking = np.arange(policy.shape[1]) >= game.n_actions[:, player, None]
        assert (policy[lacking] == 0).all()
        assert policy.sum(axis=1) == pytest.approx(np.ones(4), abs=1e-15)
    assert run.certificate.scaled_regret < 0.1


def test_cut_short_it_resumes_to_the_same_end(tmp_path):
    path = tmp_path / "run.npz"
    call = {"algorithm": "prim", "steps": 10_000, **SMALL}
    expected = pg.train(STAG, 0.3, **call)

    def interrupt(stage, done, total):
        if done > 1000:
            raise KeyboardInterrupt

    late = pg.train(STAG, 0.3, checkpoint=path, time_limit=0, **call)
    broken = pg.train(STAG, 0.3, checkpoint=path, callback=interrupt, **call)
    assert (late.stopped.name, late.steps, late.finished) == ("TIME_LIMIT", 0, False)
    assert broken.stopped.name == "INTERRUPTED"
    assert 1000 < broken.steps < 10_000
    resumed = pg.train(STAG, 0.3, checkpoint=path, **call)
    assert same(resumed, expected)
    assert [p.to_dict() for p in resumed.history] == [p.to_dict() for p in expected.history]
    with pytest.raises(InputError, match=r"belongs to another run \(seed differ\)"):
        pg.train(STAG, 0.3, checkpoint=path, seed=1, **call)
    with np.load(path) as archive:
        arrays = dict(archive)
    np.savez(path, **arrays | {"learners_clock": np.array([10**6])})
    with pytest.raises(InputError, match="is damaged"):
        pg.train(STAG, 0.3, checkpoint=path, **call)


def test_many_seeds_learn_at_once(tmp_path):
    call = {"steps": 2000, **SMALL}
    runs = pg.train_many(STAG, 0.3, seeds=[2**64 - 1, 0], checkpoints=tmp_path, **call)
    assert [run.seed for run in runs] == [2**64 - 1, 0]
    for run in runs:
        alone = pg.train(STAG, 0.3, seed=run.seed, **call)
        for a, b in zip(run.policies, alone.policies, strict=True):
            assert a == pytest.approx(b, abs=1e-4)
    assert [path.name for path in tmp_path.iterdir()] == ["seeds.npz"]
    again = pg.train_many(STAG, 0.3, seeds=[2**64 - 1, 0], checkpoints=tmp_path, **call)
    assert all(map(same, runs, again))


def test_several_devices_share_the_environments(tmp_path):
    """They learn what one device learns, up to the order in which numbers are added."""
    code = (
        "import jax, sys, powergames as pg; assert len(jax.devices()) == 4; "
        f"pg.train(pg.load('stag_hunt'), 0.3, steps=2000, **{SMALL}).save(sys.argv[1])"
    )
    environment = {**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=4", "JAX_PLATFORMS": "cpu"}
    path = tmp_path / "policy.npz"
    subprocess.run([sys.executable, "-c", code, str(path)], env=environment, check=True)
    expected = pg.train(STAG, 0.3, steps=2000, **SMALL)
    with np.load(path) as saved:
        for i, policy in enumerate(expected.policies):
            assert saved[f"player_{i}"] == pytest.approx(policy, abs=1e-4)


def test_what_networks_see_can_be_given():
    game = pg.load("random_stochastic:states=3")
    states = np.array([[2, 0], [1, 1]])
    for observe in (None, np.eye(3), lambda states: states[:, None] == np.arange(3)):
        seen = jax.tree.map(jax.numpy.asarray, observations_of(game, observe))(states)
        assert np.array_equal(seen, np.moveaxis(np.eye(3)[states], -1, 0))


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"policy": "forest"}, "policy: got 'forest'; choose one of table, network"),
        ({"averaging": 2}, "averaging: is no option of policy='network'; choose from steps, hidden"),
        ({"hidden": 3}, "hidden: got 3; give the units of each layer"),
        ({"hidden": (0,)}, "hidden: got 0"),
        ({"rollout": 5, "minibatches": 4}, "rollout: got 5 steps for 4 minibatches"),
        ({"environments": 0}, "environments: got 0"),
        ({"rate": (0, 1)}, "rate: got"),
        ({"trace": 1.5}, "trace: got 1.5"),
        ({"charge": "reward"}, "charge: got 'reward'; choose one of action, state"),
        ({"takeover": 0}, "takeover: got 0"),
        ({"observe": [1, 2]}, r"observe: got list of shape \(2,\); give finite numbers of shape \(1, D\)"),
        ({"observe": "all"}, "observe: got str"),
        ({"objective": PowerObjective(1.5), "algorithm": "sbpr"}, "form='adversarial' reads lam as a probability"),
    ],
)
def test_bad_arguments_are_refused_in_one_line(arguments, problem):
    with pytest.raises(InputError, match=problem) as refusal:
        pg.train(**{"game": STAG, "steps": 10, "policy": "network"} | arguments)
    assert "\n" not in str(refusal.value)


def test_without_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "equinox", None)
    for name in [name for name in sys.modules if name.startswith("powergames.learning.networks.")]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(InputError, match=r"policy='network': .* not installed; run pip install 'powergames\[deep\]'"):
        pg.train(STAG, policy="network")


def test_command(tmp_path, capsys, monkeypatch):
    policy, train, given = tmp_path / "policy.npz", pg.train, []

    def small(game, **arguments):
        given.append(arguments)
        return train(game, **arguments | SMALL)

    monkeypatch.setattr("powergames.learning.train", small)
    options = [
        "--policy",
        "network",
        "--hidden",
        "8,8",
        "--environments",
        "32",
        "--charge",
        "action",
        "--takeover",
        "1",
    ]
    assert run_command(["train", "stag_hunt", *options, "--steps", "2000", "--json", "-o", str(policy)]) in (0, 1)
    assert json.loads(capsys.readouterr().out)["parameters"]["hidden"] == [8]
    assert given[0].items() >= {"hidden": (8, 8), "environments": 32, "charge": "action", "takeover": 1}.items()
    assert np.load(policy)["player_0"].shape == (2,)
    assert run_command(["train", "stag_hunt", "--takeover", "2", "-o", str(policy)]) == 2
    assert "--takeover: is for --policy network; give that too" in capsys.readouterr().err
