"""The extended game's derivatives, and quantal-response equilibria on the principal branch."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import brentq

import powergames as pg
from powergames.games.catalog.normal_form import named_game
from powergames.solvers.normal_form.extended import ExtendedGame

AGGREGATES = ("mean", "sum", "max", [[0, 1, 0], [0.5, 0, 2], [0, 0, 0]])


def softmax(values):
    powers = np.exp(values - values.max())
    return powers / powers.sum()


def payoff(game, i, strategies):
    """Expected payoff of a player, by contracting one axis after the other."""
    tensor = game.payoffs[i]
    for strategy in reversed(strategies):
        tensor = tensor @ strategy
    return float(tensor)


def responses(game, objective, profile, precision):
    """Logit responses of all players to a profile, one pure strategy at a time."""
    n = game.n_players
    result = []
    for i in range(n):
        takeovers = []
        for adversary in objective.adversaries(n)[i]:
            pairs = [(j, k) for j in adversary.players for k in range(game.n_actions[j])]
            values = np.array([payoff(game, i, replaced(profile, j, k)) for j, k in pairs])
            takeovers.append((float(adversary.weight), pairs, softmax(-precision * values)))
        own = []
        for a in range(game.n_actions[i]):
            mine = replaced(profile, i, a)
            value = (1 - objective.lam * sum(weight for weight, _, _ in takeovers)) * payoff(game, i, mine)
            for weight, pairs, z in takeovers:
                value += (
                    objective.lam
                    * weight
                    * sum(p * payoff(game, i, replaced(mine, j, k)) for p, (j, k) in zip(z, pairs, strict=True))
                )
            own.append(value)
        result.append(softmax(precision * np.array(own)))
    return result


def replaced(profile, player, action):
    result = list(profile)
    result[player] = np.eye(len(profile[player]))[action]
    return result


# --- the extended game ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("aggregate", AGGREGATES, ids=str)
@pytest.mark.parametrize("shape", [(2, 3, 2), (3, 1, 2), (2, 2, 2, 2), (2, 3, 2, 2, 2), (3, 4), (5,)], ids=str)
def test_derivatives_are_those_of_the_gradient(shape, aggregate):
    n = len(shape)
    weights = aggregate if isinstance(aggregate, str) else np.resize(aggregate, (n, n)) * (1 - np.eye(n))
    generator = np.random.default_rng(1)
    game = pg.NormalFormGame(generator.random((n, *shape)) + 3)
    for lam in (0, 0.4, 2):
        problem = ExtendedGame.of(game, pg.PowerObjective(lam, weights))
        point = problem.normalized(generator.random(problem.size))
        derivative = problem.jacobian(point, problem.tables(point))
        for first, last in zip(problem.bounds, problem.bounds[1:], strict=False):
            # Along an edge of a simplex the gradient is a straight line.
            for k in range(first + 1, last):
                edge = np.zeros(problem.size)
                edge[first], edge[k] = -1e-3, 1e-3
                ahead, behind = point + edge, point - edge
                slope = problem.gradient(ahead, problem.tables(ahead)) - problem.gradient(
                    behind, problem.tables(behind)
                )
                np.testing.assert_allclose(derivative @ edge, slope / 2, rtol=0, atol=1e-12)


@pytest.mark.parametrize("aggregate", AGGREGATES, ids=str)
def test_best_takeovers_give_the_utility(aggregate):
    game = named_game("random_uniform:players=3,actions=3,seed=2")
    objective = pg.PowerObjective(0.7, aggregate)
    problem = ExtendedGame.of(game, objective, normalize=False)
    profile = game.uniform_profile()
    point = problem.starting_point(profile)
    values = problem.gradient(point, problem.tables(point))
    utility = np.add.reduceat(values * point, problem.bounds[:-1])[:3] * problem.units + problem.shifts
    table = pg.power_table(game, profile)
    np.testing.assert_allclose(utility, table.task - 0.7 * objective.aggregate_power(table.power), atol=1e-12)


# --- quantal responses ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("precision", [0.0, 0.3, 2.0, 25.0])
def test_symmetric_game_solves_one_equation(precision):
    # In the prisoner's dilemma both play the first action with the one probability p that solves this.
    game = named_game("prisoners_dilemma")
    A = game.payoffs[0]

    def excess(p):
        first, second = A @ [p, 1 - p]
        return p - 1 / (1 + np.exp(-precision * (first - second)))

    (point,) = pg.logit_path(game, precisions=[precision])
    expected = brentq(excess, 0, 1, xtol=1e-15)
    np.testing.assert_allclose([strategy[0] for strategy in point.profile], expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("aggregate", AGGREGATES, ids=str)
@pytest.mark.parametrize("lam", [0, 0.3, 1.5])
def test_every_point_responds_to_itself(lam, aggregate):
    game = named_game("random_uniform:players=3,actions=2,seed=5")
    objective = pg.PowerObjective(lam, aggregate)
    path = pg.logit_path(game, objective, max_precision=200)
    assert path.status is pg.Status.CONVERGED
    assert path.precisions[0] == 0.0
    assert path.precisions[-1] == pytest.approx(200, rel=1e-12)
    for strategy in path[0].profile:
        np.testing.assert_allclose(strategy, 1 / len(strategy))
    for point in path:
        response = responses(game, objective, point.profile, point.precision)
        distance = max(np.abs(a - b).max() for a, b in zip(point.profile, response, strict=True))
        assert distance <= 1e-6
        assert point.residual == pytest.approx(distance, abs=1e-12)


@pytest.mark.parametrize(
    "spec", ["stag_hunt", "assembly_line", "coordination:n=3", "minimum_effort", "rock_paper_scissors"]
)
def test_named_precisions_in_named_games(spec):
    game = named_game(spec)
    wanted = [5.0, 0.0, 0.5, 5.0, 40.0]
    path = pg.logit_path(game, pg.PowerObjective(0.2), precisions=wanted)
    assert path.status is pg.Status.CONVERGED
    np.testing.assert_allclose(path.precisions, sorted(wanted), rtol=1e-12)
    assert max(point.residual for point in path) <= 1e-7


@pytest.mark.parametrize("lam", [0, 0.5])
def test_high_precision_comes_close_to_an_equilibrium(lam):
    # A logit response forgoes at most log A / precision, and the adversaries' responses likewise.
    game = named_game("random_uniform:players=3,actions=3,seed=8")
    objective = pg.PowerObjective(lam)
    point = pg.logit_path(game, objective, max_precision=1e4)[-1]
    bound = (1 + lam) * np.log(3) / 1e4
    assert pg.certify(game, point.profile, objective).max_regret <= bound


@pytest.mark.parametrize("spec", ["assembly_line", "stag_hunt", "minimum_effort", "random_uniform:players=3,seed=4"])
def test_solver_arrives_where_the_path_leads(spec):
    game = named_game(spec)
    # The solver counts each player's payoffs relative to their range.
    payoffs = game.payoffs / game.payoff_scale[(slice(None), *[None] * game.n_players)]
    point = pg.logit_path(pg.NormalFormGame(payoffs), max_precision=1e5)[-1]
    equilibrium = pg.solve(game, method="logit")
    assert equilibrium.converged
    for a, b in zip(equilibrium.profile, point.profile, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-2)


def test_solver_starts_at_a_given_profile():
    game = named_game("assembly_line")
    for first in (0.9, 0.1):
        equilibrium = pg.solve(game, method="logit", start=[[first, 1 - first]] * 3)
        assert [strategy[0] for strategy in equilibrium.profile] == [round(first)] * 3


def test_unit_of_payoff_is_the_inverse_of_that_of_precision():
    game = named_game("random_uniform:actions=3,seed=3")
    for factor in (1e9, 1e-9):
        scaled = pg.NormalFormGame(game.payoffs * factor + 7 * factor)
        for one, other in zip(
            pg.logit_path(game, precisions=[1, 10]),
            pg.logit_path(scaled, precisions=[1 / factor, 10 / factor]),
            strict=True,
        ):
            for a, b in zip(one.profile, other.profile, strict=True):
                np.testing.assert_allclose(a, b, rtol=0, atol=1e-7)


def test_agrees_with_gambit():
    gambit = pytest.importorskip("pygambit", reason="compares with Gambit's logit correspondence")
    payoffs = np.random.default_rng(3).random((3, 2, 2, 2))
    theirs = gambit.Game.from_arrays(*payoffs)
    expected = gambit.qre.logit_solve_lambda(theirs, lam=[1.0, 5.0, 20.0])
    found = pg.logit_path(pg.NormalFormGame(payoffs), precisions=[1, 5, 20])
    for mine, point in zip(found, expected, strict=True):
        numbers = [float(point.profile[strategy]) for strategy in theirs.strategies]
        np.testing.assert_allclose(np.concatenate(mine.profile), numbers, rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"precisions": "10"}, "precisions: got str"),
        ({"precisions": [1, -1]}, "precision: got '-1'"),
        ({"precisions": [float("nan")]}, "precision: got 'nan'"),
        ({"max_precision": float("inf")}, "precision: got 'inf'"),
        ({"callback": 3}, "callback: got int"),
    ],
    ids=str,
)
def test_wrong_arguments_are_refused(arguments, problem):
    with pytest.raises(pg.InputError) as caught:
        pg.logit_path(named_game("stag_hunt"), **arguments)
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


def test_progress_is_reported():
    calls = []
    pg.logit_path(named_game("stag_hunt"), callback=lambda *call: calls.append(call))
    assert calls
    assert calls[-1][0] == "steps of the logit path"
