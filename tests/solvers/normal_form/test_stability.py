"""Index, strictness and perfection of equilibria."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import powergames as pg

NAMES = ("strict", "quasi_strict", "regular", "isolated", "index", "perfect", "proper")


def properties(equilibrium):
    found = pg.stability(equilibrium)
    return tuple(getattr(found, name) for name in NAMES)


@pytest.mark.parametrize("lam", [0, 0.3, 1, 1.7])
@pytest.mark.parametrize(
    ("shape", "seeds", "aggregate"),
    [((2, 2), 6, "mean"), ((3, 3), 20, "mean"), ((2, 4), 6, "sum"), ((2, 2, 2), 16, "mean"), ((2, 2, 2), 6, "max")],
)
def test_indices_of_a_generic_game_sum_to_one(shape, seeds, aggregate, lam):
    objective = pg.PowerObjective(lam, aggregate=aggregate)
    for seed in range(seeds):
        game = pg.NormalFormGame(np.random.default_rng(seed).random((len(shape), *shape)))
        equilibria = pg.solve_all(game, objective)
        assert equilibria.complete
        found = [pg.stability(each) for each in equilibria]
        assert all(each.regular and each.isolated and each.perfect and each.proper for each in found)
        assert sum(each.index for each in found) == 1


@pytest.mark.parametrize("lam", [0, 0.1])
@pytest.mark.parametrize("exact", [False, True])
def test_the_mixed_equilibrium_of_the_stag_hunt_is_unstable(lam, exact):
    found = [pg.stability(each) for each in pg.solve_all(pg.load("stag_hunt"), lam, exact=exact)]
    assert [each.index for each in found] == [1, -1, 1]
    assert [each.strict for each in found] == [True, False, True]


def test_one_best_response_may_be_mixed_with_power():
    pennies = pg.load("matching_pennies")
    assert [pg.stability(pg.solve(pennies, lam)).strict for lam in (0, 0.25)] == [False, True]


def test_an_equilibrium_in_dominated_actions_is_not_perfect():
    table = [[1, 0], [0, 0]]
    good, bad = pg.solve_all(pg.NormalFormGame.from_bimatrix(table, table))
    assert properties(good) == (True, True, True, True, 1, True, True)
    assert properties(bad) == (False, False, False, None, None, False, False)


def test_undominated_equilibria_of_two_players_are_perfect():
    game = pg.NormalFormGame.from_bimatrix([[1, 1], [1, 1]], [[1, 1], [1, 1]])
    assert {properties(each) for each in pg.solve_all(game)} == {(False, False, False, None, None, True, None)}


def test_where_the_support_changes_nothing_is_decided():
    both_stag = pg.solve_all(pg.load("stag_hunt"), 0.25, exact=True)[0]
    assert properties(both_stag) == (False, False, False, None, None, None, None)


def test_it_shows_itself():
    found = pg.stability(pg.solve(pg.load("stag_hunt")))
    assert "index=1" in repr(found)
    assert found.to_dict()["quasi_strict"] is True
    assert "quasi_strict" in found._repr_html_()


def test_only_certified_equilibria_have_an_index():
    equilibrium = pg.solve(pg.load("stag_hunt"))
    with pytest.raises(pg.InputError, match="equilibrium: got str"):
        pg.stability("stag")
    with pytest.raises(pg.InputError, match="its status is REJECTED"):
        pg.stability(dataclasses.replace(equilibrium, status=pg.Status.REJECTED))
