"""All equilibria for all λ: the same as `solve_all` finds at each, and exact breakpoints."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

import powergames as pg
from powergames.objectives import with_lam
from powergames.solvers.normal_form import vertex_enumeration

CATALOG = ["prisoners_dilemma", "stag_hunt", "chicken", "battle_of_the_sexes", "matching_pennies", "coordination"]


def profiles(equilibria):
    return {tuple(map(tuple, equilibrium.profile)) for equilibrium in equilibria}


def check(game, objective=None, lam=(0, 1), between=1):
    """Compare with the enumeration at every breakpoint, and at some λ between any two."""
    found = pg.bifurcations(game, objective, lam=lam)
    assert found.converged
    assert found.complete
    assert all(certificate.passed and certificate.scaled_regret == 0 for certificate in found.certificates)
    lams = list(found.breakpoints)
    for low, high in pairwise(found.breakpoints):
        lams += [low + (high - low) * Fraction(k, between + 1) for k in range(1, between + 1)]
    for each in lams:
        at = found.at(each)
        assert all(equilibrium.converged for equilibrium in at)
        there = with_lam(objective or pg.PowerObjective(), each)
        assert profiles(at) == profiles(pg.solve_all(game, there, exact=True))
    return found


def test_critical_lam_are_those_at_which_something_changes():
    # At λ = 1 expected payoffs cease to count, but both go on hunting hare.
    stag_hunt = pg.bifurcations(pg.load("stag_hunt"), lam=(0, 2))
    assert stag_hunt.breakpoints == (0, Fraction(1, 4), 1, 2)
    assert stag_hunt.critical == (Fraction(1, 4),)
    assert pg.bifurcations(pg.load("chicken"), lam=(0, 2)).critical == (Fraction(1, 10),)
    # At λ = 1 both get the worst whatever they play.
    careless = pg.NormalFormGame.from_bimatrix([[1, 0], [0, 0]], [[1, 0], [0, 0]])
    assert pg.bifurcations(careless, lam=(0, 2)).critical == (1,)


@pytest.mark.parametrize("name", [*CATALOG, "shapley", "rock_paper_scissors"])
def test_catalog(name):
    game = pg.load(name)
    check(game, between=20 if sum(game.n_actions) == 4 else 2)


@pytest.mark.parametrize("seed", range(8))
def test_degenerate_games(seed):
    rng = np.random.default_rng(seed)
    shape = [(2, 2), (2, 3), (3, 2), (1, 3)][seed % 4]
    check(pg.NormalFormGame(rng.integers(0, 3, (2, *shape))), lam=(0, Fraction(3, 2)))


def test_generic_games():
    check(pg.NormalFormGame(np.random.default_rng(1).integers(0, 100, (2, 3, 3))))
    check(pg.NormalFormGame(np.random.default_rng(3).random((2, 2, 3))))


@pytest.mark.parametrize(
    ("weights", "lam"),
    [
        ([[0, 1], [1, 0]], (Fraction(1, 3), Fraction(2, 3))),
        ([[0, 1], [1, 0]], ("1/10", "12/5")),
        ([[0, 2], ["1/3", 0]], (0, 4)),
        ([[0, 2], [0, 0]], (0, 1)),
        ([[0, 0], [0, 0]], (0, 1)),
    ],
)
def test_weights_and_ranges(weights, lam):
    found = check(pg.load("battle_of_the_sexes"), pg.PowerObjective(aggregate=weights), lam)
    assert found.breakpoints[0] == Fraction(lam[0])
    assert found.breakpoints[-1] == Fraction(lam[1])


def test_pure_branches_are_the_intervals_of_pure_equilibria():
    for name in CATALOG:
        game = pg.load(name)
        pure = {(e.joint_action, e.lam_min, min(e.lam_max, 1)) for e in pg.pure_equilibria(game) if e.lam_min < 1}
        found = {
            (tuple(own[0] for own in branch.support), branch.lo, branch.hi)
            for branch in pg.bifurcations(game)
            if all(len(own) == 1 for own in branch.support)
        }
        assert found == {entry for entry in pure if entry[1] < entry[2]}


def test_an_equilibrium_at_a_single_lam_is_a_point():
    game = pg.NormalFormGame(np.random.default_rng(2).integers(0, 3, (2, 3, 3)))
    found = check(game)
    assert [point.objective.exact_lam for point in found.points if 0 < point.objective.exact_lam < 1]


def test_large_numbers_and_python_integers(monkeypatch):
    game = pg.load("battle_of_the_sexes")
    expected = pg.bifurcations(game)
    huge = pg.NormalFormGame(game.exact_payoffs * 10**15)
    assert pg.bifurcations(huge).breakpoints == expected.breakpoints
    monkeypatch.setattr(vertex_enumeration, "_searched_in_machine_integers", lambda *_: None)
    slow = pg.bifurcations(game)
    assert [branch.to_dict() for branch in slow] == [branch.to_dict() for branch in expected]


def test_what_it_returns():
    found = pg.bifurcations(pg.load("stag_hunt"))
    assert len(found) == 3
    assert repr(found[0]) == "<Branch lam=0 to 1/4: supports (0,), (0,)>"
    assert "3 branches, breakpoints 0, 1/4, 1" in repr(found)
    document = found.to_dict()
    assert document["breakpoints"] == ["0", "1/4", "1"]
    assert document["branches"][0]["constant"] == [["1", "0"], ["1", "0"]]
    assert [len(point["equilibria"]) for point in document["points"]] == [3, 1]
    frame = found.to_dataframe()
    assert frame["to"].tolist() == [0.25, 0.25, 1]
    assert "None is missing" in found._repr_html_()
    for inside in (found, found[0]):
        with pytest.raises(pg.InputError, match="lam: got 2"):
            inside.at(2)
        with pytest.raises(pg.InputError, match="lam: got nan; give a finite number"):
            inside.at(float("nan"))


def test_a_time_limit():
    found = pg.bifurcations(pg.NormalFormGame(np.random.default_rng(0).random((2, 6, 6))), time_limit=0.01)
    assert not found.complete
    assert found.status is pg.Status.TIME_LIMIT


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"game": "chicken"}, "game: got str"),
        ({"game": pg.load("assembly_line")}, "bifurcations: the game has 3 players"),
        ({"objective": "mean"}, "objective: got str"),
        ({"lam": 1}, "lam: got 1; give two numbers"),
        ({"lam": "01"}, "lam: got 01; give two numbers"),
        ({"lam": (1, 0)}, r"lam: got \(1, 0\); give two numbers"),
        ({"lam": (0, "x")}, r"lam: got \(0, 'x'\)"),
        ({"lam": (0, float("inf"))}, r"lam: got \(0, inf\)"),
        ({"lam": (0, 2), "objective": pg.PowerObjective(form="adversarial")}, "reads lam as a probability"),
        ({"callback": 1}, "callback: got int"),
        ({"time_limit": -1}, "time_limit: got -1"),
    ],
)
def test_wrong_arguments(arguments, message):
    with pytest.raises(pg.InputError, match=message):
        pg.bifurcations(**{"game": pg.load("chicken"), **arguments})
