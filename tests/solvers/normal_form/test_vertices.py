"""Vertices of best-response polyhedra: compiled code finds in machine integers what Python finds in long ones."""

from __future__ import annotations

import random
from dataclasses import replace
from fractions import Fraction

import numba
import numpy as np
import pytest

import powergames as pg
from powergames.games.catalog.normal_form import named_game
from powergames.kernels import integer_vertices
from powergames.solvers.common import Options
from powergames.solvers.normal_form import vertex_enumeration
from powergames.solvers.normal_form.dominance import Played, without_needless_takeovers
from powergames.solvers.normal_form.two_player import TwoPlayerProblem

LONGEST = 2**62 - 1


def sides(game, lam):
    problem = TwoPlayerProblem.of(game, pg.PowerObjective(lam), exact=True)
    everybody = Played.all(problem)
    return vertex_enumeration.Labels.of(everybody).sides(problem, everybody)


def vertices(side, few, monkeypatch):
    """Return the coordinates of all vertices by zero set, and whether they are in machine integers."""
    monkeypatch.setattr(vertex_enumeration, "LIMITS", replace(vertex_enumeration.LIMITS, vertices_in_python=few))
    found = vertex_enumeration._all_vertices(side, Options())
    coordinates = {zero: tuple(found.coordinates(v)) for v, zero in enumerate(found.zero_sets.tolist())}
    assert len(coordinates) == len(found.zero_sets)
    return coordinates, found.values.dtype == np.int64


@pytest.mark.parametrize("lam", ["0", "0.3", "7/3"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (4, 1), (2, 3), (4, 4)])
@pytest.mark.parametrize("largest", [0, 1, 3, 100])
def test_all_vertices_are_found(shape, largest, lam, monkeypatch):
    for seed in range(3):
        payoffs = np.random.default_rng(seed).integers(-largest, largest + 1, (2, *shape))
        for side in sides(pg.NormalFormGame(payoffs), lam):
            found, compiled = vertices(side, 0, monkeypatch)
            assert compiled
            assert (found, False) == vertices(side, np.inf, monkeypatch)


def test_numbers_that_become_too_long_are_left_to_python(monkeypatch):
    payoffs = np.random.default_rng(0).integers(-(10**6), 10**6, (2, 4, 4))
    kinds = []
    for lam in ("1/3", Fraction(1, 3**30)):
        for side in sides(pg.NormalFormGame(payoffs), lam):
            found, compiled = vertices(side, 0, monkeypatch)
            kinds.append(compiled)
            assert (found, False) == vertices(side, np.inf, monkeypatch)
    assert kinds == [False] * 4


def test_few_vertices_are_found_without_compiled_code(monkeypatch):
    monkeypatch.setattr(vertex_enumeration, "searched", None)
    stag_hunt = named_game("stag_hunt")
    assert len(pg.solve_all(stag_hunt, pg.PowerObjective("0.1"), exact=True)) == 3


# Python cannot call parts of kernels.
@numba.njit
def compare(a, b, c, d):
    return integer_vertices._compare(a, b, c, d)


@numba.njit
def divided(a, b, c, d, shift, odd):
    return integer_vertices._divided(a, b, c, d, shift, integer_vertices._inverse(odd))


def numbers(chance, size):
    """Return a random number of up to so many bits, now and then a special one."""
    if chance.random() < 0.2:
        return chance.choice([0, 1, -1, 2**32, -(2**32), 2**31 - 1, LONGEST, -LONGEST])
    return chance.randrange(-(2**size), 2**size)


def test_products_are_compared_in_full_length():
    chance = random.Random(0)
    for _ in range(3000):
        a, b, c, d = (numbers(chance, chance.randrange(1, 62)) for _ in range(4))
        if chance.random() < 0.3:
            c, d = b, a
        assert compare(a, b, c, d) == (a * b > c * d) - (a * b < c * d)


def test_products_are_divided_without_remainder():
    chance = random.Random(1)
    done = 0
    while done < 3000:
        # With multiples of the divisor in both products nothing is left; the second one nearly cancels the first.
        divisor = chance.randrange(1, 2 ** chance.randrange(1, 40)) << chance.randrange(8)
        x, y, b = (numbers(chance, chance.randrange(1, 50)) for _ in range(3))
        d = numbers(chance, 50) if y == 0 else (x * b) // y + numbers(chance, 10)
        quotient = x * b - y * d
        if max(map(abs, (divisor * x, divisor * y, b, d, quotient))) > LONGEST:
            continue
        done += 1
        shift = (divisor & -divisor).bit_length() - 1
        assert divided(divisor * x, b, divisor * y, d, shift, np.uint64(divisor >> shift)) == quotient


@pytest.mark.parametrize(
    ("shape", "lam"), [((2, 3), "1/3"), ((3, 2), 1), ((2, 5), 2), ((3, 3), "1/2"), ((4, 2), "1/3")]
)
def test_takeovers_that_are_left_out_change_no_equilibrium(shape, lam, monkeypatch):
    def described(found):
        sets = {
            tuple(frozenset(tuple(found[k].profile[i].tolist()) for k in members) for i in range(2))
            for members in found.interchangeable
        }
        return found.complete, len(found.components), sets

    games = [pg.NormalFormGame(np.random.default_rng(seed).integers(0, 3, (2, *shape))) for seed in range(3)]
    found = [described(pg.solve_all(game, pg.PowerObjective(lam), exact=True)) for game in games]
    monkeypatch.setattr(vertex_enumeration, "without_needless_takeovers", lambda left, _: left)
    assert found == [described(pg.solve_all(game, pg.PowerObjective(lam), exact=True)) for game in games]


def test_takeovers_that_count():
    problem = TwoPlayerProblem.of(
        pg.NormalFormGame([[[1, 0, 2, 0], [1, 2, 1, 2]]] * 2), pg.PowerObjective(1), exact=True
    )
    left = without_needless_takeovers(Played.all(problem), problem)
    assert (left.x.tolist(), left.y.tolist()) == ([0, 1], [0, 1, 2, 3])
    # The third column leaves no less than the first one, and the fourth is the second one again.
    assert left.z.tolist() == [0, 1]


def test_a_narrow_game_with_ties_has_few_takeovers_that_count():
    game = pg.NormalFormGame(np.random.default_rng(1).integers(0, 2, (2, 2, 40)))
    found = pg.solve_all(game, 0.3, time_limit=60)
    assert found.complete
    assert (len(found), len(found.interchangeable)) == (36, 3)
