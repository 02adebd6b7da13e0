"""Values, power and regularized values of stationary profiles, against their definitions."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from stochastic_oracle import GAMES, MATRIX, matrix, plain_power, plain_task, plain_utility, row_probabilities

import powergames as pg
from powergames.errors import InputError
from powergames.evaluation import evaluate
from powergames.games.normal_form import NormalFormGame
from powergames.games.stochastic import StochasticGame
from powergames.kernels.bellman import pair_tables
from powergames.numerics.discounted import DENSE, FEW, FILLED, DiscountedSystem
from powergames.objectives import PowerObjective
from powergames.power import pair_tables as normal_form_tables
from powergames.power import power_table

OBJECTIVES = [
    PowerObjective(lam, aggregate, form)
    for form in ("penalty", "adversarial")
    for lam, aggregate in [(0.0, "mean"), (0.3, "mean"), (0.5, "sum"), (0.7, "max"), (1.0, MATRIX), (1.0, "mean")]
]


@pytest.mark.parametrize("name", GAMES)
@pytest.mark.parametrize("objective", OBJECTIVES, ids=str)
def test_values_follow_their_definitions(name, objective):
    game, profile = GAMES[name]
    if not isinstance(objective.aggregate, str) and game.n_players != 3:
        objective = PowerObjective(objective.lam, "mean", objective.form)
    result = evaluate(game, profile, objective)
    task = plain_task(game, profile)
    assert np.abs(result.task - task).max() < 1e-12
    assert np.abs(result.power - plain_power(game, profile, task)).max() < 1e-12
    assert np.abs(result.utility - plain_utility(game, profile, objective)).max() < 1e-12
    for values, rows in [(result.task, result.action_values), (result.utility, result.utility_action_values)]:
        expected = game.rewards + game.discounts[:, None] * (values @ matrix(game).T)
        assert np.abs(rows - expected).max() < 1e-12


def test_average_power_and_occupancy():
    game, profile = GAMES["three players"]
    result = evaluate(game, profile)
    step = np.array([row_probabilities(game, profile, s) for s in range(game.n_states)]) @ matrix(game)
    average = np.zeros((3, 3))
    for i, discount in enumerate(game.discounts):
        visits = sum((1 - discount) * discount**t * game.start @ np.linalg.matrix_power(step, t) for t in range(400))
        assert np.abs(result.occupancy[i] - visits).max() < 1e-12
        average[i] = visits @ result.power[:, i]
    assert np.abs(result.average_power - average).max() < 1e-12
    assert result.start_task == pytest.approx(result.task @ game.start)


@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 2), (4,)])
@pytest.mark.parametrize("discount", [0.0, 0.9])
def test_one_state_is_the_normal_form(shape, discount):
    rng = np.random.default_rng(5)
    payoffs = rng.normal(size=(len(shape), *shape))
    profile = [rng.dirichlet(np.ones(size)) for size in shape]
    game = StochasticGame(payoffs[:, None], np.ones((1, *shape, 1)), discount)
    table = power_table(NormalFormGame(payoffs), profile)
    for form in ("penalty", "adversarial"):
        objective = PowerObjective(0.4, "max", form)
        result = evaluate(game, [x[None] for x in profile], objective)
        assert np.abs(result.power[0] - table.power).max() < 1e-12
        assert np.abs(result.task[:, 0] * (1 - discount) - table.task).max() < 1e-12
        if len(shape) > 1:
            utility = table.task - 0.4 * objective.aggregate_power(table.power)
            # At a discount of 0 the forms agree; with one state, power is the same in every step, in both.
            assert np.abs(result.utility[:, 0] * (1 - discount) - utility).max() < 1e-12


@pytest.mark.parametrize(("unit", "offset"), [(1e9, 0.0), (1e-9, 0.0), (1.0, 1e6)])
def test_units_and_offsets_of_rewards_change_nothing_else(unit, offset):
    game, profile = GAMES["two players"]
    scaled = StochasticGame.from_rows(
        game.n_actions, game.rewards * unit + offset, (game.data, game.indices, game.indptr), game.discounts
    )
    one, other = (evaluate(g, profile, PowerObjective(0.5, form="adversarial")) for g in (game, scaled))
    assert other.power / unit == pytest.approx(one.power, abs=1e-9)
    assert (other.utility - offset / 0.2) / unit == pytest.approx(one.utility, abs=1e-7 if offset else 1e-12)


@pytest.mark.parametrize("name", GAMES)
def test_pair_tables_are_those_of_each_state(name):
    game, profile = GAMES[name]
    n, most = game.n_players, int(game.n_actions.max())
    padded = np.zeros((n, game.n_states, most))
    for i, x in enumerate(profile):
        padded[i, :, : x.shape[1]] = x
    tables = pair_tables(game.n_actions, game.row_starts, padded, game.rewards)
    for s in range(game.n_states):
        counts = game.n_actions[s]
        expected = normal_form_tables(game.stage(s), [x[s, :size] for x, size in zip(profile, counts, strict=True)])
        for i, j in itertools.permutations(range(n), 2):
            assert tables[s, i, j, : counts[i], : counts[j]] == pytest.approx(expected[i][j], abs=1e-14)
        assert not tables[s, :, :, counts.max() :].any()


@pytest.mark.parametrize("discount", [0.0, 1e-9, 0.9, 0.9999])
@pytest.mark.parametrize("kind", ["dense", "random", "line", "large"])
def test_linear_systems_are_solved_to_rounding(kind, discount):
    from scipy.sparse import csr_matrix, diags_array

    rng = np.random.default_rng(6)
    size = {"dense": 40, "random": DENSE + 1, "line": DENSE + 1, "large": FILLED + 1}[kind]
    if kind == "line":
        # A walk on a line mixes slowly.
        up = np.full(size - 1, 0.5)
        ends = np.zeros(size)
        ends[[0, -1]] = 0.5
        matrix = csr_matrix(diags_array([up, ends, up], offsets=[-1, 0, 1]))
    elif kind == "dense":
        matrix = rng.dirichlet(np.ones(size), size=size)
    else:
        columns = rng.integers(size, size=5 * size)
        matrix = csr_matrix((np.full(5 * size, 0.2), columns, np.arange(0, 5 * size + 1, 5)), shape=(size, size))
    system = DiscountedSystem(matrix, discount)
    rewards = rng.normal(size=size)
    values = system.solve(rewards)
    assert np.abs(values - discount * (matrix @ values) - rewards).max() <= 1e-14 * np.abs(values).max()
    start = np.full(size, 1 / size)
    visits = system.occupancy(start)
    assert visits @ rewards == pytest.approx(start @ values, rel=1e-9, abs=1e-10)


@pytest.mark.parametrize("size", [FEW + 1, DENSE + 1])
def test_breakdowns_need_no_factorization(size, monkeypatch):
    """With one successor for each state, BiCGSTAB breaks down on constant right sides."""
    import scipy.sparse.linalg
    from scipy.sparse import csr_matrix

    monkeypatch.setattr(scipy.sparse.linalg, "splu", None)
    rng = np.random.default_rng(7)
    for _ in range(5):
        matrix = csr_matrix((np.ones(size), rng.integers(size, size=size), np.arange(size + 1)), shape=(size, size))
        start = np.full(size, 1 / size)
        visits = DiscountedSystem(matrix, 0.95).occupancy(start)
        assert np.abs(visits - 0.95 * (matrix.T @ visits) - start).sum() <= 1e-13


def test_bad_arguments_are_named():
    game, profile = GAMES["two players"]
    with pytest.raises(InputError, match=r"profile of player 0: got shape \(3, 3\), expected \(2,\)"):
        evaluate(game.stage(0), profile)
    with pytest.raises(InputError, match="game: got str; give a NormalFormGame or StochasticGame"):
        evaluate("stag_hunt", profile)
    with pytest.raises(InputError, match="objective: got str"):
        evaluate(game, profile, "mean")
    with pytest.raises(InputError, match="reads lam as a probability"):
        evaluate(game, profile, PowerObjective(1.5, form="adversarial"))


def test_to_dict_and_repr():
    game, profile = GAMES["two players"]
    result = evaluate(game, profile, PowerObjective(0.2))
    assert np.array_equal(result.to_dict()["power"], result.power)
    assert np.array_equal(result.to_dict()["utility"], result.utility)
    assert repr(result).startswith("<Evaluation: task values ")


def test_policies_mean_the_same_everywhere():
    game, objective = pg.load("big_match"), pg.PowerObjective(0.3)
    half, first = [[0.5, 0.5], [1], [1]], [[1, 0], [1, 0], [1, 0]]
    forms = [
        [half, first],
        {"matcher" if "matcher" in game.players else game.players[0]: half, game.players[1]: [0, 0, 0]},
        [{"play": [0.5, 0.5], "lost": [1], "won": [1]}, 0],
        [lambda state: [0.5, 0.5] if state == 0 else [1], first],
    ]
    utilities = [pg.evaluate(game, form, objective).utility for form in forms]
    regrets = [pg.certify(game, form, objective).regrets for form in forms]
    for utility, regret in zip(utilities, regrets, strict=True):
        np.testing.assert_array_equal(utility, utilities[0])
        np.testing.assert_array_equal(regret, regrets[0])
    for check in (pg.evaluate, pg.certify):
        with pytest.raises(pg.InputError, match=r"profile of player 0: says nothing of state 'lost'; .* use audit"):
            check(game, [{"play": [0.5, 0.5]}, first])


def test_games_in_normal_form_are_evaluated_too():
    game = pg.load("stag_hunt")
    value = pg.evaluate(game, [[1, 0], [1, 0]], pg.PowerObjective("1/4"))
    assert (value.task.tolist(), value.power.tolist(), value.utility.tolist()) == ([4, 4], [[0, 4], [4, 0]], [3, 3])
    exact = pg.evaluate(game, [["1/2", "1/2"], ["1/3", "2/3"]], pg.PowerObjective("1/4"))
    assert exact.to_dict()["utility"] == [str(u) for u in pg.audit(game, exact.profile, exact.objective).utility]
    assert "stag" in value._repr_html_()
