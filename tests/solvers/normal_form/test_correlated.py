"""Correlated equilibria, against a linear program written down from the definition, one constraint at a time."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from scipy.optimize import linprog

import powergames as pg
from powergames.checking.correlated import certify_correlated

RNG = np.random.default_rng(5)
WEIGHTS = [[0, 2], [0.5, 0]]


def best_by_definition(game, objective, criterion, coarse):
    """The best value of a criterion over all correlated equilibria, with a variable for each event."""
    n, sizes, u = game.n_players, game.n_actions, game.payoffs
    lam, weights = objective.lam, objective.weights(n)
    joint = list(product(*map(range, sizes)))
    pairs = [(i, j) for i in range(n) for j in range(n) if lam * weights[i, j] > 0]
    names = [("play", a) for a in joint]
    names += [("take", i, j, a, b) for i, j in pairs for a in joint for b in range(sizes[j])]
    place = {name: k for k, name in enumerate(names)}

    def put(a, player, action):
        return (*a[:player], action, *a[player + 1 :])

    def row(terms):
        vector = np.zeros(len(names))
        for name, value in terms:
            vector[place[name]] += value
        return vector

    def gain(i, a, d):
        """Terms of what player `i` gains at joint action `a` by playing `d`."""
        own = 1 - lam * weights[i].sum()
        terms = [(("play", a), own * (u[i][put(a, i, d)] - u[i][a]))]
        for j in [j for ego, j in pairs if ego == i]:
            for b in range(sizes[j]):
                after = put(a, j, b)
                terms.append((("take", i, j, a, b), lam * weights[i, j] * (u[i][put(after, i, d)] - u[i][after])))
        return terms

    rows = []
    for i in range(n):
        for c, d in product(range(sizes[i]), repeat=2):
            rows.append(
                (("player", i, d if coarse else (c, d)), [t for a in joint if a[i] == c for t in gain(i, a, d)])
            )
    for i, j in pairs:
        for a in joint:
            for b, d in product(range(sizes[j]), repeat=2):
                loss = u[i][put(a, j, b)] - u[i][put(a, j, d)]
                key = ("adversary", i, j, d if coarse else (a[j], b, d))
                rows.append((key, [(("take", i, j, a, b), loss)]))
                if coarse and d == a[j]:
                    rows.append((("adversary", i, j, "obey"), [(("take", i, j, a, b), loss)]))
    grouped = {}
    for key, terms in rows:
        grouped.setdefault(key, []).extend(terms)
    equal = [row([(("play", a), 1) for a in joint])]
    for i, j in pairs:
        equal += [row([(("play", a), -1)] + [(("take", i, j, a, b), 1) for b in range(sizes[j])]) for a in joint]
    terms = []
    for i in range(n):
        own = 1 - lam * weights[i].sum() if criterion == "utility" else 1
        terms += [(("play", a), own * u[i][a]) for a in joint]
    if criterion == "utility":
        for i, j in pairs:
            for a in joint:
                for b in range(sizes[j]):
                    terms.append((("take", i, j, a, b), lam * weights[i, j] * u[i][put(a, j, b)]))
    solved = linprog(
        -row(terms),
        np.array([row(terms) for terms in grouped.values()]),
        np.zeros(len(grouped)),
        np.array(equal),
        [1] + [0] * (len(equal) - 1),
    )
    return -solved.fun


@pytest.mark.parametrize("coarse", [False, True])
@pytest.mark.parametrize("criterion", ["welfare", "utility"])
@pytest.mark.parametrize(
    ("game", "objective"),
    [
        (pg.load("battle_of_the_sexes"), pg.PowerObjective(0.5)),
        (pg.load("chicken"), pg.PowerObjective(0)),
        (pg.load("matching_pennies"), pg.PowerObjective(1)),
        (pg.NormalFormGame(RNG.random((2, 2, 3))), pg.PowerObjective(0.3, WEIGHTS)),
        (pg.NormalFormGame(RNG.random((2, 3, 2))), pg.PowerObjective(1.7, "max")),
        (pg.NormalFormGame(RNG.random((3, 2, 2, 2))), pg.PowerObjective(0.4, "sum")),
        (pg.NormalFormGame(RNG.integers(0, 3, (2, 3, 3))), pg.PowerObjective(0.25)),
    ],
)
def test_the_best_value_is_that_of_the_definition(game, objective, criterion, coarse):
    found = pg.correlated(game, objective, select=criterion, coarse=coarse)
    assert found.converged
    value = found.task.sum() if criterion == "welfare" else found.utility.sum()
    assert value == pytest.approx(best_by_definition(game, objective, criterion, coarse), abs=1e-7)
    assert (found.power >= 0).all()
    if objective.lam:
        assert (found.charged >= objective.aggregate_power(found.power) - 1e-9).all()
    np.testing.assert_allclose(found.utility, found.task - objective.lam * found.charged)


@pytest.mark.parametrize("lam", [0, 0.2, 0.5, 1, 2])
@pytest.mark.parametrize("name", ["battle_of_the_sexes", "stag_hunt", "chicken", "prisoners_dilemma", "assembly_line"])
def test_never_worse_than_the_best_equilibrium(name, lam):
    game = pg.load(name)
    equilibria = pg.solve_all(game, lam)
    fine, coarse = (pg.correlated(game, lam, coarse=value) for value in (False, True))
    assert coarse.task.sum() >= fine.task.sum() - 1e-8
    assert fine.task.sum() >= max(each.task.sum() for each in equilibria) - 1e-8
    safe = pg.correlated(game, lam, select="power")
    assert safe.power.sum() <= min(each.power.sum() for each in equilibria) + 1e-8
    if lam == 1 and game.n_players == 2:
        # Nothing but security is left, and it is what it was.
        np.testing.assert_allclose(safe.utility, equilibria[0].utility, atol=1e-8)


@pytest.mark.parametrize("coarse", [False, True])
def test_equilibria_are_correlated_equilibria(coarse):
    """The independent check passes for products of equilibrium strategies and what the adversaries do there."""
    for seed in range(5):
        game = pg.load(f"random_uniform:actions=3,seed={seed}")
        found = pg.solve_many(game.payoffs[None], 0.4)
        x, y = found.profile[0][0], found.profile[1][0]
        # The worst takeovers, mixed as the best response needs it: by the dual of a linear program.
        z, w = worst_case(game.payoffs[0], y), worst_case(game.payoffs[1].T, x)
        told = [(np.broadcast_to(z, (3, 3, 3)),), (np.broadcast_to(w, (3, 3, 3)),)]
        assert certify_correlated(game, np.outer(x, y), told, found.objective, coarse=coarse).passed


def worst_case(payoffs, other, lam=0.4):
    """The adversary's strategy against which no action gains: the least t above all values of actions."""
    size = payoffs.shape[1]
    rows = np.hstack([lam * payoffs, -np.ones((len(payoffs), 1))])
    bounds = [(0, 1)] * size + [(None, None)]
    equal = [[*[1] * size, 0]]
    solved = linprog([*[0] * size, 1], rows, -(1 - lam) * payoffs @ other, equal, [1], bounds=bounds)
    return solved.x[:size]


def test_what_is_no_equilibrium_fails():
    game, nash = pg.load("prisoners_dilemma"), pg.PowerObjective()
    for coarse in (False, True):
        assert not certify_correlated(game, np.full((2, 2), 0.25), [(), ()], nash, coarse=coarse).passed
        assert not certify_correlated(game, np.full((2, 2), 0.5), [(), ()], nash, coarse=coarse).passed
    # An adversary that is told to do no harm would do some.
    stag, objective = pg.load("stag_hunt"), pg.PowerObjective(0.1)
    both = np.array([[1.0, 0.0], [0.0, 0.0]])
    harmless, harmful = ([np.full((2, 2, 2), values)] for values in ([1.0, 0.0], [0.0, 1.0]))
    assert certify_correlated(stag, both, [harmful, harmful], objective, coarse=False).passed
    for coarse in (False, True):
        failed = certify_correlated(stag, both, [harmless, harmful], objective, coarse=coarse)
        np.testing.assert_allclose(failed.regrets, [4, 0])


def test_weights_a_time_limit_and_what_it_shows():
    game = pg.load("battle_of_the_sexes")
    hers, his = (pg.correlated(game, select=weights) for weights in ([1, 0], [0, 1]))
    assert hers.task.tolist() == [2, 1]
    assert his.task.tolist() == [1, 2]
    for huge in (1e308, 1e-308):
        both = pg.correlated(game, select=(huge, huge))
        assert both.converged
        assert both.task.sum() == 3
    assert "nobody gains" in hers.blocks()[-1]
    assert hers.to_dataframe()["task"].tolist() == [2, 1]
    assert "1 joint actions" in repr(hers)
    assert hers.to_dict()["probabilities"] == [[1, 0], [0, 0]]
    ended = pg.correlated(pg.NormalFormGame(RNG.random((2, 12, 12))), 0.3, time_limit=0)
    assert ended.status is pg.Status.TIME_LIMIT
    assert not ended.converged
    alone = pg.correlated(pg.NormalFormGame([[1, 3, 2]]), 0.5)
    assert alone.probabilities.tolist() == [0, 1, 0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"game": "chicken"}, "game: got str"),
        ({"objective": "mean"}, "objective: got str"),
        ({"objective": pg.PowerObjective(1, "max")}, "aggregate max are for two players"),
        ({"select": "best"}, "select: got 'best'; choose one of welfare, utility, power"),
        ({"select": [1, 2]}, r"select: got \[1, 2\]; .* 3 finite weights"),
        ({"select": None}, "select: got None"),
        ({"tol": -1}, "tol: got -1"),
        ({"time_limit": "x"}, "time_limit: got x"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(pg.InputError, match=message):
        pg.correlated(**{"game": pg.load("assembly_line"), **arguments})
