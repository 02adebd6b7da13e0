"""The catalog: each game has the property it is known for, checked without the package's own solvers."""

from __future__ import annotations

import inspect
import subprocess
import sys
from fractions import Fraction
from itertools import product

import nashpy
import numpy as np
import pytest

import powergames as pg
from powergames.errors import InputError
from powergames.games import memory as limits
from powergames.games.catalog import normal_form as catalog
from powergames.games.catalog.normal_form import CATALOG, named_game

CLASSICS = [
    "prisoners_dilemma",
    "stag_hunt",
    "chicken",
    "battle_of_the_sexes",
    "matching_pennies",
    "rock_paper_scissors",
    "coordination",
    "minimum_effort",
    "travellers_dilemma",
    "oneill",
    "shapley",
    "von_stengel",
    "assembly_line",
    "split_work",
    "public_goods",
]
STOCHASTIC = [
    "shapley_1953",
    "big_match",
    "dynamic_rock_paper_scissors",
    "reputation_stag_hunt",
    "commons",
    "line_with_breakdowns",
    "delegation",
    "grid_game",
    "soccer",
    "random_stochastic",
    "random_sparse",
    "random_turn_based",
]
RANDOM = ["random_uniform", "random_covariant", "random_degenerate", "random_zero_sum"]


def pure_nash(game):
    """Pure Nash equilibria by trying every deviation of every joint action."""
    found = set()
    for joint in product(*map(range, game.n_actions)):
        if all(
            game.payoffs[(i, *joint)] >= game.payoffs[(i, *joint[:i], deviation, *joint[i + 1 :])]
            for i in range(game.n_players)
            for deviation in range(game.n_actions[i])
        ):
            found.add(joint)
    return found


def own_values(game, profile):
    """Payoff of each action of each player of a two-player game against the other's strategy."""
    return game.payoffs[0] @ profile[1], profile[0] @ game.payoffs[1]


@pytest.mark.parametrize("name", CATALOG)
def test_every_entry_builds_and_documents_itself(name):
    entry = CATALOG[name]
    assert entry.name == name
    assert entry.summary.endswith(".")
    assert "\n" not in entry.summary
    game = named_game(name)
    assert game == entry.function()
    assert game == entry.function(**entry.parameters)
    assert game.title
    stage = game.stage(0) if name in STOCHASTIC else game
    assert not any(label.isdigit() for label in (*game.players, *(a for names in stage.actions for a in names)))
    for parameter in entry.parameters:
        assert parameter in inspect.getdoc(entry.function)


def test_the_catalog_holds_every_game_of_the_module():
    assert list(CATALOG) == [*CLASSICS, *RANDOM, *STOCHASTIC]
    with pytest.raises(TypeError):
        CATALOG["new"] = None


@pytest.mark.parametrize("name", CLASSICS)
def test_every_classic_cites_its_source(name):
    notes = inspect.getdoc(CATALOG[name].function).partition("Notes\n")[2]
    assert any(f"({year})" in notes or f" {year}," in notes for year in range(1755, 2025))


def test_prisoners_dilemma_defection_dominates_and_hurts():
    payoffs = catalog.prisoners_dilemma().payoffs
    temptation, reward, punishment, sucker = payoffs[0, 1, 0], payoffs[0, 0, 0], payoffs[0, 1, 1], payoffs[0, 0, 1]
    assert temptation > reward > punishment > sucker
    assert 2 * reward > temptation + sucker
    np.testing.assert_array_equal(payoffs[1], payoffs[0].T)


def test_stag_hunt_payoffs_and_equilibria():
    game = catalog.stag_hunt()
    np.testing.assert_array_equal(game.payoffs, [[[4, 0], [3, 3]], [[4, 3], [0, 3]]])
    assert pure_nash(game) == {(0, 0), (1, 1)}


@pytest.mark.parametrize(
    ("name", "equilibria"),
    [
        ("prisoners_dilemma", {(1, 1)}),
        ("chicken", {(0, 1), (1, 0)}),
        ("battle_of_the_sexes", {(0, 0), (1, 1)}),
        ("matching_pennies", set()),
        ("rock_paper_scissors", set()),
        ("oneill", set()),
        ("shapley", set()),
        ("coordination:n=4", {(k, k) for k in range(4)}),
        ("travellers_dilemma", {(0, 0)}),
        ("travellers_dilemma:low=0,high=30,bonus=5", {(0, 0)}),
        ("minimum_effort:n=3,efforts=4", {(k, k, k) for k in range(4)}),
        ("assembly_line", {(0, 0, 0), (1, 1, 1)}),
        ("assembly_line:n=5", {(0,) * 5, (1,) * 5}),
        ("public_goods:n=3,levels=3", {(0, 0, 0)}),
        ("public_goods:n=2,multiplier=3,levels=3", {(2, 2)}),
    ],
)
def test_pure_nash_equilibria(name, equilibria):
    assert pure_nash(named_game(name)) == equilibria


def test_battle_of_the_sexes_each_prefers_another_meeting():
    payoffs = catalog.battle_of_the_sexes().payoffs
    assert payoffs[0, 0, 0] > payoffs[0, 1, 1] > payoffs[0, 0, 1]
    assert payoffs[1, 1, 1] > payoffs[1, 0, 0] > payoffs[1, 0, 1]


@pytest.mark.parametrize(
    "name",
    ["matching_pennies", "rock_paper_scissors", "oneill", "random_zero_sum", "random_zero_sum:actions=3x5,seed=9"],
)
def test_zero_sum(name):
    np.testing.assert_array_equal(named_game(name).payoffs.sum(axis=0), 0)


@pytest.mark.parametrize(
    ("name", "strategy", "value"),
    [
        ("matching_pennies", [1 / 2] * 2, 0),
        ("rock_paper_scissors", [1 / 3] * 3, 0),
        ("oneill", [0.2, 0.2, 0.2, 0.4], -0.2),
    ],
)
def test_mixed_equilibrium_of_a_zero_sum_game(name, strategy, value):
    game = named_game(name)
    rows, columns = own_values(game, (np.array(strategy), np.array(strategy)))
    np.testing.assert_allclose(rows, value, atol=1e-15)
    np.testing.assert_allclose(columns, -value, atol=1e-15)
    # Non-singular after bordering, so that making the other indifferent has no other solution.
    size = len(strategy)
    bordered = np.block([[game.payoffs[0], -np.ones((size, 1))], [np.ones((1, size)), np.zeros((1, 1))]])
    assert abs(np.linalg.det(bordered)) > 0.5


def test_shapley_has_one_equilibrium_of_full_support():
    game = catalog.shapley()
    uniform = np.full(3, 1 / 3)
    for values in own_values(game, (uniform, uniform)):
        np.testing.assert_allclose(values, 1 / 3, atol=1e-15)
    equilibria = list(nashpy.Game(*game.payoffs).support_enumeration())
    assert len(equilibria) == 1
    np.testing.assert_allclose(equilibria[0], [uniform, uniform])
    # The best replies go round in a circle of six joint actions.
    joint, visited = (0, 0), []
    while joint not in visited:
        visited.append(joint)
        rows, columns = game.payoffs[0, :, joint[1]], game.payoffs[1, joint[0]]
        row = int(rows.argmax())
        joint = (row, joint[1]) if row != joint[0] else (joint[0], int(columns.argmax()))
    assert len(visited) == 6


def test_von_stengel_has_75_equilibria():
    rows, columns = catalog.von_stengel().payoffs
    # Both games are symmetric under reversal of both players' actions.
    np.testing.assert_array_equal(rows, rows[::-1, ::-1])
    np.testing.assert_array_equal(columns, columns[::-1, ::-1])
    assert sum(1 for _ in nashpy.Game(rows, columns).vertex_enumeration()) == 75


def test_minimum_effort_pays_what_the_experiment_paid():
    game = catalog.minimum_effort()
    assert game.n_actions == (7, 7, 7)
    # Van Huyck, Battalio and Beil (1990), payoff table A, in dollars: own effort by least effort, both from 7 to 1.
    assert game.payoffs[0, 6, 6, 6] == 1.3
    assert game.payoffs[0, 0, 0, 0] == 0.7
    assert game.payoffs[0, 6, 6, 0] == 0.1
    assert game.payoffs[0, 1, 3, 6] == 0.8
    for joint in product(range(7), repeat=3):
        for player in range(3):
            expected = 0.2 * (min(joint) + 1) - 0.1 * (joint[player] + 1) + 0.6
            assert game.payoffs[(player, *joint)] == pytest.approx(expected, abs=1e-12)
    assert game.exact_payoffs[0, 6, 6, 6] == Fraction(13, 10)


def test_exact_payoffs_of_formulas_are_exact():
    game = catalog.public_goods(n=3, multiplier=2)
    assert game.exact_payoffs[0, 0, 1, 0] == 20 + Fraction(2, 3) * 5
    assert catalog.minimum_effort(2, 2, cost="1/3", benefit="1/2", base=0).exact_payoffs[0, 0, 0] == Fraction(1, 6)


def test_public_goods_is_linear():
    game = catalog.public_goods(n=3, levels=3, endowment=10, multiplier=1.2)
    for joint in product(range(3), repeat=3):
        contributions = 5 * np.array(joint)
        np.testing.assert_allclose(
            game.payoffs[(slice(None), *joint)], 10 - contributions + 0.4 * contributions.sum(), rtol=1e-14
        )
    assert game.actions[0] == ("give 0", "give 5", "give 10")


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_assembly_line_payoffs(n):
    game = catalog.assembly_line(n)
    assert game.actions == (("line", "solo"),) * n
    for joint in product((0, 1), repeat=n):
        expected = [1 if action == 1 else 3 if sum(joint) == 0 else 0 for action in joint]
        np.testing.assert_array_equal(game.payoffs[(slice(None), *joint)], expected)


def test_split_work_has_the_numbers_that_it_comes_from():
    game = catalog.split_work()
    table = [(5, 0, 0), (8.2, 4, 2.67), (9, 10, 3.33), (9.39, 6.43, 5.1), (10.94, 12.15, 12.15)]
    work = [[1, 0]] * 3
    for split, (brings, greatest, mean) in enumerate(table):
        told = pg.power_table(game, [np.eye(5)[split], *work])
        assert told.task.tolist() == [brings] * 4
        assert told.power[0].max() == pytest.approx(greatest, abs=1e-12)
        assert told.power[0, 1:].mean() == pytest.approx(mean, abs=0.005)
    # Failures add up.
    assert game.exact_payoffs[0, 3, 1, 1, 0] == Fraction("9.39") - Fraction("6.43") - Fraction("4.435")


@pytest.mark.parametrize(
    ("aggregate", "chosen"),
    [
        ("max", {"0": 4, "0.27": 4, "0.272": 3, "0.489": 3, "0.49": 1, "0.79": 1, "0.81": 0}),
        ("mean", {"0": 4, "0.2198": 4, "0.22": 3, "0.2207": 3, "0.221": 2, "1.19": 2, "1.21": 0}),
    ],
)
def test_split_work_tells_the_greatest_power_from_the_mean(aggregate, chosen):
    game = catalog.split_work()
    for lam, best in chosen.items():
        for split in range(5):
            certificate = pg.certify(game, [np.eye(5)[split], *[[1, 0]] * 3], pg.PowerObjective(lam, aggregate))
            assert (certificate.max_regret < 1e-9) == (split == best)


def test_travellers_dilemma_undercutting_pays_down_to_the_least_claim():
    game = catalog.travellers_dilemma()
    assert game.n_actions == (99, 99)
    np.testing.assert_array_equal(game.payoffs[:, 98, 98], [100, 100])
    np.testing.assert_array_equal(game.payoffs[:, 97, 98], [101, 97])
    best_replies = game.payoffs[0].argmax(axis=0)
    np.testing.assert_array_equal(best_replies, np.maximum(np.arange(99) - 1, 0))
    assert catalog.travellers_dilemma(5, 5).n_actions == (1, 1)


@pytest.mark.parametrize("name", RANDOM)
def test_random_games_follow_their_seed(name):
    build = CATALOG[name].function
    assert build(actions=4, seed=5) == build(actions=4, seed=5)
    assert not np.array_equal(build(actions=4, seed=5).payoffs, build(actions=4, seed=6).payoffs)
    assert build(actions="2x5").n_actions == (2, 5)
    assert build(actions=(2, 5)) == build(actions="2x5")
    assert build(actions="3", seed="007") == build(actions=3, seed=7)


@pytest.mark.parametrize("name", RANDOM[:3])
def test_random_games_have_as_many_players_as_asked(name):
    assert named_game(f"{name}:players=3,actions=2x1x4").n_actions == (2, 1, 4)
    assert named_game(f"{name}:players=4:actions=2:seed=1").n_actions == (2,) * 4


def test_distributions_of_random_games():
    uniform = catalog.random_uniform(actions=200).payoffs
    assert 0 <= uniform.min() < 0.01
    assert 0.99 < uniform.max() < 1
    assert uniform.mean() == pytest.approx(0.5, abs=0.01)
    integers = catalog.random_degenerate(actions=20, largest=3).payoffs
    assert set(integers.ravel()) == {0, 1, 2, 3}
    signed = catalog.random_zero_sum(100).payoffs[0]
    assert signed.min() < -0.9
    assert signed.max() > 0.9


@pytest.mark.parametrize(("players", "rho"), [(2, -1), (2, 0), (2, 0.7), (3, -0.5), (3, 0.4), (3, 1), (4, -1 / 3)])
def test_covariance_of_payoffs(players, rho):
    payoffs = catalog.random_covariant(players, 200 if players == 2 else 30 if players == 3 else 14, rho).payoffs
    expected = np.full((players, players), rho) + (1 - rho) * np.eye(players)
    np.testing.assert_allclose(np.cov(payoffs.reshape(players, -1)), expected, atol=0.03)
    if rho == -1 / (players - 1):
        np.testing.assert_allclose(payoffs.sum(axis=0), 0, atol=1e-14)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("stag_hnt", "no game is named 'stag_hnt'; did you mean stag_hunt? run 'powergames games' for the list"),
        ("Stag-Hunt", "no game is named 'Stag-Hunt'; did you mean stag_hunt? run 'powergames games' for the list"),
        ("zzz", "no game is named 'zzz'; run 'powergames games' for the list"),
        ("", "no game is named ''; run 'powergames games' for the list"),
        ("assembly_line:m=4", "assembly_line: unknown parameter 'm'; its parameters are n"),
        (
            "random_uniform:sed=4",
            "unknown parameter 'sed'; did you mean seed? its parameters are players, actions, seed",
        ),
        ("stag_hunt:n=4", "stag_hunt: unknown parameter 'n'; it has no parameters"),
        ("assembly_line:n", "assembly_line: got 'n'; give parameters as key=value, separated by commas"),
        ("assembly_line:", "assembly_line: got ''; give parameters as key=value"),
        ("assembly_line:n=", "assembly_line: got 'n='; give parameters as key=value"),
        ("assembly_line:n=3,n=4", "assembly_line: parameter n is given twice"),
        ("assembly_line:n=x", "assembly_line: n: got 'x'; give an integer"),
        ("assembly_line:n=2.5", "assembly_line: n: got '2.5'; give an integer"),
        ("assembly_line:n=0", "assembly_line: n: got 0; give an integer from 1 to 1000"),
        ("assembly_line:n=-3", "assembly_line: n: got -3; give"),
        ("assembly_line:n=1000000000000", "assembly_line: n: got 1000000000000; give an integer from 1 to 1000"),
        ("coordination:n=0", "coordination: n: got 0; give"),
        ("minimum_effort:n=1", "minimum_effort: n: got 1; give an integer from 2"),
        ("minimum_effort:cost=0.2", "cost, benefit: got 0.2 and 0.2; give 0 < cost < benefit"),
        ("minimum_effort:cost=-1", "give 0 < cost < benefit"),
        ("minimum_effort:base=nan", "minimum_effort: base: got 'nan'; give a finite number"),
        ("minimum_effort:benefit=1e308", "payoffs are out of the range of a float"),
        ("travellers_dilemma:bonus=1", "travellers_dilemma: bonus: got 1; give an integer from 2"),
        ("travellers_dilemma:low=9,high=8", "travellers_dilemma: high: got 8; give an integer from 9"),
        ("public_goods:levels=1", "public_goods: levels: got 1; give an integer from 2"),
        ("public_goods:multiplier=0", "endowment, multiplier: got 20 and 0; give positive numbers"),
        ("public_goods:endowment=1e999", "endowment: got '1e999'; give a finite number"),
        ("random_uniform:players=0", "random_uniform: players: got 0; give an integer from 1"),
        ("random_uniform:actions=0", "random_uniform: actions: got 0; give an integer from 1"),
        ("random_uniform:actions=3x", "random_uniform: actions: got ''; give an integer"),
        ("random_uniform:actions=3x4x5", "actions: got 3 counts for 2 players; give one for all, or one each"),
        ("random_uniform:seed=-1", "random_uniform: seed: got -1; give an integer from 0"),
        ("random_covariant:players=1", "random_covariant: players: got 1; give an integer from 2"),
        ("random_covariant:rho=1.5", "rho: got 1.5; with 2 players give a covariance from -1/1 to 1"),
        ("random_covariant:players=3,rho=-0.51", "rho: got -0.51; with 3 players give a covariance from -1/2 to 1"),
        ("random_covariant:rho=nan", "random_covariant: rho: got 'nan'; give a finite number"),
        ("random_degenerate:largest=-1", "random_degenerate: largest: got -1; give an integer from 0"),
        ("x" * 10_000, "no game is named 'xxx"),
        ("assembly_line:n=" + "9" * 5000, "assembly_line: n: got '999"),
    ],
)
def test_bad_specs_are_refused_in_one_short_line(spec, message):
    with pytest.raises(InputError) as caught:
        named_game(spec)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize("value", [None, 2.0, "3.0", [3]])
def test_wrong_types_from_python(value):
    with pytest.raises(InputError, match=r"n: got .*; give an integer"):
        catalog.assembly_line(value)


def test_spaces_and_both_separators_are_understood():
    assert named_game(" random_uniform : players = 3 , actions=2:seed = 7 ") == catalog.random_uniform(3, 2, 7)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("assembly_line:n=400", "assembly_line: the payoffs of 400 players would take 8.3e+123 bytes"),
        ("assembly_line:n=1000", "the payoffs of 1000 players would take 8.6e+304 bytes"),
        ("random_uniform:players=1000,actions=1000000000", "would take 8.0e+9003 bytes"),
        ("random_uniform:players=50", "would take 2.9e+26 bytes"),
        ("random_zero_sum:actions=1000000000", "would take 1.6e+19 bytes"),
        ("minimum_effort:n=40", "bytes"),
        ("minimum_effort:n=2,efforts=1000000", "bytes"),
        ("public_goods:n=40", "bytes"),
        ("coordination:n=1000000000", "bytes"),
        ("travellers_dilemma:high=900000000", "bytes"),
    ],
)
def test_games_too_large_for_memory_are_refused_before_they_are_built(spec, message):
    with pytest.raises(InputError, match="make the game smaller") as caught:
        named_game(spec)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "spec",
    [
        "commons:n=3,stock=5,most=1",
        "line_with_breakdowns:n=4",
        "delegation:n=4",
        "grid_game",
        "grid_game:width=2,height=5",
        "grid_game:width=6,height=4",
        "soccer:width=4,height=2",
        "random_stochastic:players=3,states=5",
        "random_sparse:states=7",
        "random_turn_based:players=3",
    ],
)
def test_the_size_that_is_checked_is_that_of_the_game(spec):
    told = []
    with limits.sizes_checked(lambda *size: told.append(size)):
        game = pg.load(spec)
    assert told == [(game.n_players, game.n_states, game.n_rows)]
    pg.load(spec)
    assert len(told) == 1


def test_formulas_need_memory_for_their_fractions(monkeypatch):
    monkeypatch.setattr(limits, "available_memory", lambda: 100_000)
    with pytest.raises(InputError, match="minimum_effort: a table of 30 x 30 fractions would take 115,200 bytes"):
        catalog.minimum_effort(2, 30)
    assert catalog.public_goods(n=6, levels=3, multiplier=1.5).n_players == 6
    with pytest.raises(InputError, match="public_goods: the payoffs of 6 players would take 559,872 bytes"):
        catalog.public_goods(n=6, levels=3, multiplier=1)


def test_more_players_than_an_array_has_axes():
    most = limits.MAX_AXES - 1
    assert named_game(f"random_uniform:players={most},actions=1").n_players == most
    with pytest.raises(InputError, match=rf"got {most + 1} players; .* so give at most {most} players"):
        named_game(f"random_uniform:players={most + 1},actions=1")


def test_memory_is_compared_with_what_is_free(monkeypatch):
    monkeypatch.setattr(limits, "available_memory", lambda: 750_000)
    limits.check_memory(500_000, "x")
    with pytest.raises(
        InputError, match=r"x would take 500,001 bytes, half as much again .* 750,000 bytes of memory are free"
    ):
        limits.check_memory(500_001, "x")
    monkeypatch.setattr(limits, "available_memory", lambda: None)
    limits.check_memory(10**18, "x")


def test_available_memory_without_the_system_s_help(monkeypatch):
    def missing(*args, **kwargs):
        raise OSError

    assert limits.available_memory() > 10**6
    monkeypatch.setattr("builtins.open", missing)
    assert limits.available_memory() > 10**6
    monkeypatch.setattr("os.sysconf", missing)
    assert limits.available_memory() is None


def test_importing_the_catalog_is_light():
    code = (
        "import sys, powergames.games.catalog.normal_form; "
        "print(sorted({'scipy', 'numba', 'cvxpy', 'nashpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
