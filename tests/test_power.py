"""Pair tables and pairwise power, against their definition."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
from fractions import Fraction

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from powergames.errors import InputError
from powergames.games import NormalFormGame
from powergames.games.profiles import pure_profile
from powergames.power import PowerTable, _size, pair_tables, power_table

SHAPES = [
    (2, 2),
    (5, 3),
    (1, 4),
    (1, 1),
    (2, 3, 4),
    (40, 5, 3),
    (3, 5, 40),
    (1, 3, 2),
    (3, 1, 1),
    (1, 1, 1),
    (2, 1, 5, 3),
    (3, 3, 3, 3),
    (2, 2, 2, 2, 2),
    (4, 3, 1, 2, 3),
    (3, 2, 2, 3, 2, 4),
]


def random_game(shape, seed=0, profile_zeros=False):
    rng = np.random.default_rng(seed)
    payoffs = rng.normal(size=(len(shape), *shape))
    profile = [rng.dirichlet(np.ones(size)) for size in shape]
    if profile_zeros:
        profile = [
            np.where(rng.random(size) < 0.5, x, 0) + np.eye(size)[0] for size, x in zip(shape, profile, strict=True)
        ]
        profile = [x / x.sum() for x in profile]
    return NormalFormGame(payoffs), profile


def expected_payoff(payoffs, profile):
    """Add up payoff times probability over joint actions, one at a time."""
    total = 0
    for joint in itertools.product(*(range(len(x)) for x in profile)):
        probability = 1
        for k, action in enumerate(joint):
            probability *= profile[k][action]
        if probability:
            total += probability * payoffs[joint]
    return total


def unit(size, action):
    return [Fraction(int(a == action)) for a in range(size)]


def brute_force(payoffs, profile):
    """Task values and power by definition, one deviation at a time."""
    n = len(profile)
    task = [expected_payoff(payoffs[i], profile) for i in range(n)]
    power = [[0] * n for _ in range(n)]
    for i in range(n):
        for j in range(n):
            if i != j:
                size = len(profile[j])
                worst = min(
                    expected_payoff(payoffs[i], [*profile[:j], unit(size, a), *profile[j + 1 :]]) for a in range(size)
                )
                power[i][j] = task[i] - worst
    return task, power


def as_lists(profile):
    return [list(x) for x in profile]


@pytest.mark.parametrize("zeros", [False, True])
@pytest.mark.parametrize("shape", SHAPES)
def test_power_is_what_the_definition_says(shape, zeros):
    game, profile = random_game(shape, profile_zeros=zeros)
    table = power_table(game, profile)
    task, power = brute_force(game.payoffs, as_lists(profile))
    np.testing.assert_allclose(table.task, np.array(task, dtype=float), atol=1e-14)
    np.testing.assert_allclose(table.power, np.array(power, dtype=float), atol=1e-14)
    assert (table.power >= 0).all()
    assert not np.diag(table.power).any()
    np.testing.assert_allclose(table.task[:, None] - table.adversarial, table.power, atol=1e-14)


# In shapes of 600 joint actions the definition in plain Python takes seconds.
LARGE = [(40, 5, 3), (3, 5, 40)]
BY_DEFINITION = [pytest.param(shape, marks=pytest.mark.slow if shape in LARGE else ()) for shape in SHAPES]


@pytest.mark.parametrize("shape", BY_DEFINITION)
def test_pair_tables_are_what_the_definition_says(shape):
    game, profile = random_game(shape, seed=1)
    tables = pair_tables(game, profile)
    for i, j in itertools.permutations(range(len(shape)), 2):
        table = tables[i][j]
        assert table.shape == (shape[i], shape[j])
        assert not table.flags.writeable
        for a, b in itertools.product(range(shape[i]), range(shape[j])):
            deviated = as_lists(profile)
            deviated[i], deviated[j] = unit(shape[i], a), unit(shape[j], b)
            assert table[a, b] == pytest.approx(float(expected_payoff(game.payoffs[i], deviated)), abs=1e-14)
    assert all(sorted(tables[i]) == [j for j in range(len(shape)) if j != i] for i in range(len(shape)))


# Shapes that take every way through the kernel: ego in front of long and short groups of axes, and among the last.
@pytest.mark.parametrize(
    "shape",
    [
        (30, 40, 50),
        (50, 3, 40),
        (2, 300, 2),
        (12, 12, 12, 12),
        (300, 2, 3, 2),
        (2, 3, 2, 300),
        (6,) * 5,
        (4,) * 7,
        (3, 1, 5, 2, 1, 4, 3, 2),
        (2,) * 13,
    ],
)
def test_large_tables_agree_with_einsum(shape):
    n = len(shape)
    game, profile = random_game(shape, seed=2)
    tables = pair_tables(game, profile)
    for i, j in itertools.permutations(range(n), 2):
        operands = [game.payoffs[i], list(range(n))]
        for k in range(n):
            if k not in (i, j):
                operands += [profile[k], [k]]
        expected = np.einsum(*operands, [i, j], optimize="greedy")
        np.testing.assert_allclose(tables[i][j], expected, rtol=0, atol=1e-14 * np.abs(game.payoffs).max())


@st.composite
def exact_games(draw):
    n = draw(st.integers(1, 4))
    shape = tuple(draw(st.lists(st.integers(1, 3), min_size=n, max_size=n)))
    number = st.integers(-20, 20)
    size = n * int(np.prod(shape))
    payoffs = np.array(draw(st.lists(number, min_size=size, max_size=size))).reshape(n, *shape)
    profile = []
    for count in shape:
        weights = draw(st.lists(st.integers(0, 5), min_size=count, max_size=count).filter(any))
        profile.append([Fraction(weight, sum(weights)) for weight in weights])
    return NormalFormGame(payoffs), profile


@settings(deadline=None, max_examples=100)
@given(exact_games())
def test_exact_power_is_exact_and_floats_agree(case):
    game, profile = case
    table = power_table(game, profile)
    task, power = brute_force(game.exact_payoffs, profile)
    assert table.task.tolist() == task
    assert table.power.tolist() == power
    assert all(isinstance(value, Fraction) for value in [*table.task, *table.power.flat, *table.adversarial.flat])
    floats = power_table(game, [[float(p) for p in x] for x in profile])
    np.testing.assert_allclose(floats.task, table.task.astype(float), atol=1e-13)
    np.testing.assert_allclose(floats.power, table.power.astype(float), atol=1e-13)
    np.testing.assert_allclose(floats.adversarial, table.adversarial.astype(float), atol=1e-13)
    np.testing.assert_array_equal(floats.actions, table.actions)


@settings(deadline=None, max_examples=100)
@given(exact_games())
def test_the_worst_action_is_the_first_that_attains_the_worst_value(case):
    game, profile = case
    table = power_table(game, profile)
    n = game.n_players
    assert (np.diag(table.actions) == -1).all()
    assert np.diag(table.adversarial).tolist() == table.task.tolist()
    for i, j in itertools.permutations(range(n), 2):
        values = [
            expected_payoff(game.exact_payoffs[i], [*profile[:j], unit(game.n_actions[j], a), *profile[j + 1 :]])
            for a in range(game.n_actions[j])
        ]
        assert table.adversarial[i, j] == min(values)
        assert table.actions[i, j] == values.index(min(values))


@pytest.mark.parametrize("shape", [(4, 3), (3, 4, 2), (2, 3, 2, 3)])
@pytest.mark.parametrize("scale", [1e9, 1e-9, 1e300, 1e-300])
def test_power_scales_with_payoffs(shape, scale):
    game, profile = random_game(shape)
    table, scaled = power_table(game, profile), power_table(NormalFormGame(game.payoffs * scale), profile)
    np.testing.assert_allclose(scaled.power / scale, table.power, atol=1e-14)
    np.testing.assert_allclose(scaled.task / scale, table.task, atol=1e-14)
    np.testing.assert_array_equal(scaled.actions, table.actions)


@pytest.mark.parametrize("shape", [(4, 3), (3, 4, 2), (5, 1, 3), (2, 3, 2, 3)])
@pytest.mark.parametrize("offset", [1e9, -1e9, 1e14])
def test_a_common_offset_costs_no_accuracy(shape, offset):
    rng = np.random.default_rng(3)
    # Multiples of 1/8 survive the offset exactly, and so do all differences.
    payoffs = rng.integers(0, 9, size=(len(shape), *shape)) / 8
    profile = [rng.dirichlet(np.ones(size)) for size in shape]
    table = power_table(NormalFormGame(payoffs), profile)
    shifted = power_table(NormalFormGame(payoffs + offset), profile)
    np.testing.assert_allclose(shifted.power, table.power, rtol=0, atol=1e-14)
    np.testing.assert_array_equal(shifted.actions, table.actions)
    np.testing.assert_allclose(shifted.task, table.task + offset, rtol=1e-15)
    np.testing.assert_allclose(shifted.adversarial, table.adversarial + offset, rtol=1e-15)


@pytest.mark.parametrize("shape", [(3, 2), (2, 3, 2)])
def test_constant_payoffs_give_no_power(shape):
    game = NormalFormGame(np.full((len(shape), *shape), 0.1))
    table = power_table(game, game.uniform_profile())
    assert not table.power.any()
    assert (table.task == 0.1).all()


@pytest.mark.parametrize("shape", [(3, 2), (2, 3, 2), (2, 1, 3, 2)])
def test_pure_profiles_give_payoffs_themselves(shape):
    game, _ = random_game(shape)
    for joint in itertools.product(*map(range, shape)):
        table = power_table(game, pure_profile(shape, joint))
        for i in range(len(shape)):
            assert table.task[i] == game.payoffs[(i, *joint)]
            for j in range(len(shape)):
                if i != j:
                    line = game.payoffs[(i, *joint[:j], slice(None), *joint[j + 1 :])]
                    assert table.adversarial[i, j] == line.min()
                    assert table.actions[i, j] == line.argmin()


def test_worked_values():
    stag_hunt = NormalFormGame.from_bimatrix([[4, 0], [3, 3]], [[4, 3], [0, 3]])
    assert power_table(stag_hunt, [[1, 0], [1, 0]]).power.tolist() == [[0, 4], [4, 0]]
    assert power_table(stag_hunt, [[0, 1], [0, 1]]).power.tolist() == [[0, 0], [0, 0]]
    line = np.ones((3, 2, 2, 2))
    for i in range(3):
        line[(i, *(0 if k == i else slice(None) for k in range(3)))] = 0
        line[i, 0, 0, 0] = 3
    assert power_table(NormalFormGame(line), [[1, 0]] * 3).power.tolist() == [[0, 3, 3], [3, 0, 3], [3, 3, 0]]
    assert not power_table(NormalFormGame(line), [[0, 1]] * 3).power.any()


def test_rows_are_egos_and_columns_co_players():
    # Player 0 is at the mercy of player 1, who depends on nobody.
    game = NormalFormGame.from_bimatrix([[5, 0], [5, 0]], [[1, 1], [1, 1]])
    table = power_table(game, [[1, 0], [1, 0]])
    assert table.power.tolist() == [[0, 5], [0, 0]]
    assert table.actions.tolist() == [[-1, 1], [0, -1]]


def test_one_player():
    game = NormalFormGame([[1.0, 2.0]])
    table = power_table(game, [[0.5, 0.5]])
    assert (table.task.tolist(), table.power.tolist(), table.adversarial.tolist()) == ([1.5], [[0]], [[1.5]])
    assert table.actions.tolist() == [[-1]]
    assert power_table(game, [[Fraction(1, 3), Fraction(2, 3)]]).task.tolist() == [Fraction(5, 3)]
    assert pair_tables(game, [[0.5, 0.5]]) == ({},)


@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 2), (2, 3, 4, 2)])
def test_memory_layout_does_not_matter(shape):
    game, profile = random_game(shape)
    fortran = NormalFormGame(np.asfortranarray(game.payoffs))
    spaced = [np.repeat(x, 2)[::2] for x in profile]
    for other, strategies in ((fortran, profile), (game, spaced), (game, tuple(map(list, profile)))):
        assert np.array_equal(power_table(other, strategies).power, power_table(game, profile).power)


@pytest.mark.parametrize("shape", [(3, 4), (3, 4, 2)])
def test_inputs_stay_as_they_are_and_results_are_frozen(shape):
    game, profile = random_game(shape)
    payoffs, before = game.payoffs.copy(), [x.copy() for x in profile]
    table = power_table(game, profile)
    pair_tables(game, profile)
    assert np.array_equal(game.payoffs, payoffs)
    assert all(map(np.array_equal, profile, before))
    assert all(x.flags.writeable for x in profile)
    for array in (table.task, table.power, table.adversarial, table.actions):
        assert not array.flags.writeable


def test_two_player_tables_are_views():
    game, profile = random_game((3, 4))
    tables = pair_tables(game, profile)
    assert np.shares_memory(tables[0][1], game.payoffs)
    assert np.shares_memory(tables[1][0], game.payoffs)
    exact = pair_tables(game, [unit(3, 0), unit(4, 1)])
    assert np.array_equal(exact[1][0], game.exact_payoffs[1].T)


def test_bad_profiles_are_refused():
    game, _ = random_game((2, 2, 2))
    for function in (pair_tables, power_table):
        with pytest.raises(InputError, match="profile of player 1"):
            function(game, [[1, 0], [0.7, 0.7], [1, 0]])


def test_networkx_export():
    payoffs = np.arange(24.0).reshape(3, 2, 2, 2)
    game = NormalFormGame(payoffs, players=["twin", "twin", "other"], actions=[["a", "b"]] * 3, title="Family")
    table = power_table(game, [[0, 1]] * 3)
    graph = table.to_networkx()
    assert isinstance(graph, nx.DiGraph)
    assert sorted(graph.nodes) == [0, 1, 2]
    assert [graph.nodes[i]["label"] for i in range(3)] == ["twin", "twin", "other"]
    assert graph.number_of_edges() == 6
    for i, j in itertools.permutations(range(3), 2):
        edge = graph.edges[j, i]
        assert edge["power"] == edge["weight"] == table.power[i, j]
        assert edge["action"] == "a"
    assert graph.in_degree(0, weight="weight") == table.power[0].sum()
    "\n".join(nx.generate_graphml(graph))
    exact = power_table(game, [[Fraction(1, 3), Fraction(2, 3)]] * 3).to_networkx()
    assert exact.edges[1, 0]["power"] == Fraction(4, 3)
    assert exact.edges[1, 0]["weight"] == 4 / 3


def test_json_and_text():
    game = NormalFormGame.from_bimatrix(
        [[4, 0], [3, 3]], [[4, 3], [0, 3]], players=["Ann", "Bo"], actions=[["stag", "hare"]] * 2, title="Stag hunt"
    )
    table = power_table(game, [[Fraction(1, 3), Fraction(2, 3)], [1, 0]])
    assert isinstance(table, PowerTable)
    assert table.to_dict() == {
        "task": ["10/3", "4/3"],
        "power": [["0", "4/3"], ["4/3", "0"]],
        "adversarial": [["10/3", "2"], ["0", "4/3"]],
        "actions": [[-1, 1], [1, -1]],
    }
    floats = power_table(game, [[1, 0], [0.5, 0.5]])
    assert json.loads(json.dumps(floats.to_dict())) == floats.to_dict()
    assert repr(floats) == "<PowerTable 'Stag hunt': 2 players, greatest power 2>"
    assert str(table).splitlines() == [
        "player  task  power of Ann  power of Bo",
        "   Ann  10/3             0   4/3 (hare)",
        "    Bo   4/3    4/3 (hare)            0",
    ]
    assert "Ann" in str(floats)


def test_import_and_two_players_need_no_numba():
    code = (
        "import sys, powergames.power as p; from powergames.games import NormalFormGame as G;"
        "assert not {'numba', 'networkx'} & set(sys.modules);"
        "p.power_table(G([[[4, 0], [3, 3]], [[4, 3], [0, 3]]]), [[1, 0], [0.5, 0.5]]);"
        "assert 'numba' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("payoffs", [[[[1, 5], [9, -2]], [[3, 4], [4, 3]]], np.arange(24.0).reshape(3, 2, 2, 2) ** 2])
def test_the_size_of_a_table_needs_no_pass_over_the_payoffs_of_two_players(payoffs):
    game = NormalFormGame(payoffs)
    tables = pair_tables(game, game.uniform_profile())
    for ego, own in enumerate(tables):
        for table in own.values():
            assert _size(game, ego, table, 1.0) == np.abs(table - 1.0).max()
