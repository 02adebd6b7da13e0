"""Many games at once: the same certificates as one by one, in every corner."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from types import SimpleNamespace

import numpy as np
import pytest

import powergames as pg
from powergames.checking.many import bound_regrets

RNG = np.random.default_rng(0)
WEIGHTS = [[0, 2], [0, 0]]


@pytest.mark.parametrize(
    "payoffs",
    [
        RNG.random((40, 2, 3, 3)),
        RNG.integers(0, 3, (40, 2, 3, 4)),
        RNG.random((10, 2, 1, 3)),
        RNG.random((10, 2, 2, 1)),
        RNG.random((10, 1, 4)),
        RNG.random((5, 3, 2, 2, 2)),
        RNG.integers(0, 3, (5, 3, 2, 3, 2)),
        np.zeros((2, 2, 3, 3)),
        1e9 + RNG.integers(-3, 4, (20, 2, 3, 3)),
        1e-9 * RNG.random((20, 2, 3, 3)),
    ],
)
@pytest.mark.parametrize("objective", [0, 0.3, 2, pg.PowerObjective(0.5, "max"), pg.PowerObjective(0.5, WEIGHTS)])
def test_certificates_are_those_of_each_game(payoffs, objective):
    if isinstance(objective, pg.PowerObjective) and objective.aggregate_name != "max" and payoffs.shape[1] != 2:
        objective = 1  # the matrix is for two players
    found = pg.solve_many(payoffs, objective)
    assert found.converged
    assert found.certified.all()
    for b, equilibrium in enumerate(found):
        assert equilibrium.converged
        np.testing.assert_array_equal(equilibrium.profile[0], found.profile[0][b])
        np.testing.assert_allclose(equilibrium.task, found.task[b], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(equilibrium.power, found.power[b], rtol=1e-9, atol=1e-9 * np.ptp(payoffs[b]))
        np.testing.assert_allclose(equilibrium.utility, found.utility[b], rtol=1e-9, atol=1e-9 * np.ptp(payoffs[b]))


@pytest.mark.parametrize("n_actions", [(3, 2), (2, 3, 2)])
@pytest.mark.parametrize("aggregate", ["mean", "max"])
def test_bounds_are_never_too_low_and_exact_without_power(n_actions, aggregate):
    payoffs = RNG.random((30, len(n_actions), *n_actions))
    profile = tuple(RNG.dirichlet(np.ones(size), 30) for size in n_actions)
    objective = pg.PowerObjective(0.4, aggregate)
    regrets, scaled = bound_regrets(payoffs, profile, objective)
    for b in range(30):
        certificate = pg.certify(pg.NormalFormGame(payoffs[b]), [each[b] for each in profile], objective)
        assert (certificate.regrets <= regrets[b] + 1e-12).all()
        assert (certificate.scaled_regrets <= scaled[b] + 1e-12).all()
    plain, _ = bound_regrets(payoffs, profile, pg.PowerObjective())
    one = pg.certify(pg.NormalFormGame(payoffs[0]), [each[0] for each in profile])
    np.testing.assert_allclose(plain[0], one.regrets, atol=1e-12)


def test_bounds_hold_for_any_claim_and_what_is_no_strategy_does_not_pass():
    payoffs = RNG.random((4, 2, 3, 3))
    found = pg.solve_many(payoffs, 0.5)
    claims = RNG.dirichlet(np.ones(3), 4)
    wrong, _ = bound_regrets(payoffs, found.profile, found.objective, ((claims,), (claims,)))
    assert (wrong >= found.regrets - 1e-15).all()
    x = found.profile[0].copy()
    x[0], x[1], x[2] = np.nan, 0, [2, -1, 0]
    _, scaled = bound_regrets(payoffs, (x, found.profile[1]), found.objective, ((0 * claims,), (claims,)))
    assert np.isinf(scaled[:, 0]).all()
    assert np.isinf(scaled[:3]).all()


def test_games_that_the_kernel_does_not_solve_are_solved_one_by_one(monkeypatch):
    from powergames.solvers.batch import many
    from powergames.solvers.normal_form import lemke

    impatient = SimpleNamespace(LIMITS=replace(lemke.LIMITS, pivots=1))
    monkeypatch.setattr(many, "lemke", impatient)
    payoffs = RNG.random((50, 2, 3, 3))
    found = pg.solve_many(payoffs, 0.3)
    assert found.converged
    monkeypatch.setattr(many, "solve", lambda game, *_, **__: pg.solve(game, method="pure", max_iter=1))
    failed = pg.solve_many(payoffs, 0.3)
    assert failed.status is pg.Status.REJECTED
    assert 0 < failed.certified.sum() < 50
    b = int(np.argmin(failed.certified))
    assert not failed[b].converged
    assert "NOT certified" in failed.blocks()[-1]


def test_larger_games_and_no_games():
    large = pg.solve_many(RNG.random((3, 2, 15, 15)))
    assert large.converged
    none = pg.solve_many(np.zeros((0, 2, 3, 3)))
    assert (len(none), none.converged, none.task.shape) == (0, True, (0, 2))
    assert none.to_dict()["certified"] == []


def test_a_time_limit_leaves_the_rest_uncertified():
    found = pg.solve_many(RNG.random((50, 2, 3, 3)), 0.3, time_limit=0)
    assert found.status is pg.Status.TIME_LIMIT
    assert not found.certified.all()
    np.testing.assert_array_equal(found.profile[0][~found.certified], 1 / 3)


def test_what_it_returns():
    payoffs = np.stack([pg.load("stag_hunt").payoffs, pg.load("matching_pennies").payoffs])
    calls = []
    found = pg.solve_many(payoffs, Fraction(1, 2), callback=lambda *call: calls.append(call))
    assert calls == [("games", 0, 2)]
    payoffs[:] = 0
    np.testing.assert_array_equal(found.profile[0], [[0, 1], [0.5, 0.5]])
    np.testing.assert_array_equal(found.task, [[3, 3], [0, 0]])
    assert [equilibrium.status.name for equilibrium in found[:1]] == ["CONVERGED"]
    document = found.to_dict()
    assert document["profile"][1] == [[0, 1], [0.5, 0.5]]
    assert document["certified"] == [True, True]
    frame = found.to_dataframe()
    assert frame["task of 0"].tolist() == [3, 0]
    assert "2 of 2 games certified" in repr(found)
    assert "All are certified" in found._repr_html_()
    with pytest.raises(ValueError, match="read-only"):
        found.profile[0][0] = 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"payoffs": "stag"}, "payoffs: not an array of numbers"),
        ({"payoffs": np.ones((4, 2, 3, 3)) * 1j}, "payoffs: got dtype complex128; give real numbers"),
        ({"payoffs": np.zeros((4, 2, 3, 3), "M8[s]")}, "payoffs: got dtype datetime64"),
        ({"payoffs": np.zeros((2, 3, 3))}, r"payoffs: got shape \(2, 3, 3\); give shape \(B, n"),
        ({"payoffs": np.zeros((4, 2, 3, 0))}, "every player needs at least one action"),
        ({"payoffs": [[[0.0, np.nan]]]}, r"payoffs\[0, 1\] is nan; .* \(game 0\)"),
        ({"payoffs": [[[0.0, 1.0]], [[-1e308, 1e308]]]}, r"too large for a float; .* \(game 1\)"),
        ({"payoffs": np.ma.array(np.zeros((1, 1, 2)), mask=[[[0, 1]]])}, "payoffs: 1 of 2 entries are masked"),
        ({"objective": "mean"}, "objective: got str"),
        ({"objective": pg.PowerObjective(2, form="adversarial")}, "reads lam as a probability"),
        ({"objective": pg.PowerObjective(1, np.zeros((3, 3)))}, "aggregate: weight matrix has shape"),
        ({"tol": -1}, "tol: got -1"),
        ({"seed": -1}, "seed: got -1"),
        ({"time_limit": -1}, "time_limit: got -1"),
        ({"callback": 3}, "callback: got int"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(pg.InputError, match=message):
        pg.solve_many(**{"payoffs": np.zeros((4, 2, 3, 3)), **arguments})


def test_payoffs_that_share_memory_are_copied(tmp_path):
    payoffs = np.memmap(tmp_path / "payoffs", dtype=np.float64, mode="w+", shape=(2, 2, 2, 2))
    payoffs[:] = RNG.random(payoffs.shape)
    found = pg.solve_many(payoffs, 0.3)
    before = found.payoffs.copy()
    payoffs[:] = 0.0
    assert (found.payoffs == before).all()
