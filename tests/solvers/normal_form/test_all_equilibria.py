"""All equilibria of games with more than two players: none missing, none wrong, continua reported as such."""

from __future__ import annotations

import itertools
import math
import time
from dataclasses import replace

import numpy as np
import oracle
import pytest
from scipy.optimize import linprog

import powergames as pg
from powergames.games.catalog.normal_form import named_game
from powergames.kernels import compilation
from powergames.solvers.common import Options
from powergames.solvers.normal_form import product_sets, subdivision, vertex_enumeration
from powergames.solvers.normal_form.dominance import Played
from powergames.solvers.normal_form.two_player import TwoPlayerProblem

TOL = 1e-10
MATRIX = np.array([[0, 0.5, 1], [2, 0, 0], [0.25, 0.75, 0]])


def random_game(shape, seed):
    return pg.NormalFormGame(np.random.default_rng(seed).random((len(shape), *shape)))


def rows(equilibria):
    return np.array([np.concatenate(equilibrium.profile) for equilibrium in equilibria])


def check(equilibria, game, objective):
    """Every member is an equilibrium, by an independent computation; boxes and components are as promised."""
    for equilibrium in equilibria:
        assert equilibrium.status is pg.Status.CONVERGED
        assert oracle.scaled_regret(game.payoffs, objective, equilibrium.profile) <= TOL
        assert all(min(strategy) >= 0 and abs(sum(strategy) - 1) <= 1e-12 for strategy in equilibrium.profile)
        assert equilibrium.game is game
    found = rows(equilibria)
    for first, second in itertools.combinations(found, 2):
        assert np.abs(first - second).max() > 1e-6, "listed twice"
    assert sum(map(len, equilibria.components)) == len(equilibria)
    assert equilibria.complete == (not equilibria.unresolved)
    return found


def check_generic(equilibria, game, objective):
    """Almost all games have an odd number of equilibria, all isolated (Wilson 1971, Harsanyi 1973)."""
    assert equilibria.complete
    assert len(equilibria) % 2 == 1
    assert len(equilibria.components) == len(equilibria)
    return check(equilibria, game, objective)


def same(left, right, tol=1e-8):
    return len(left) == len(right) and all(np.abs(left - row).max(axis=1).min() <= tol for row in right)


def distance_to_hull(point, hull):
    """Greatest difference of a probability to the nearest point of a convex hull, by a linear program."""
    hull, bound = np.array(hull, dtype=float).T, -np.ones((len(point), 1))
    solved = linprog(
        np.r_[np.zeros(hull.shape[1]), 1.0],
        np.block([[hull, bound], [-hull, bound]]),
        np.r_[point, -np.array(point)],
        [np.r_[np.ones(hull.shape[1]), 0.0]],
        [1.0],
    )
    return solved.fun


def distance_to_sets(profile, equilibria):
    """How far a profile is from the interchangeable sets."""
    distances = []
    for members in equilibria.interchangeable:
        hulls = [np.unique([equilibria[k].profile[i] for k in members], axis=0) for i in range(len(profile))]
        lowest = [
            np.maximum(own - hull.max(axis=0), hull.min(axis=0) - own).max()
            for own, hull in zip(profile, hulls, strict=True)
        ]
        if max(lowest) <= 1e-3:
            distances.append(max(itertools.starmap(distance_to_hull, zip(profile, hulls, strict=True))))
    return min(distances, default=1.0)


def covered(profile, equilibria):
    """Whether a profile is in a set that is listed, or lies in a box where equilibria may be missing."""
    point = np.concatenate(profile)
    if distance_to_sets(profile, equilibria) <= equilibria.distance + 1e-9:
        return True
    return any(
        (np.concatenate(lower) - 1e-12 <= point).all() and (point <= np.concatenate(upper) + 1e-12).all()
        for lower, upper in equilibria.unresolved
    )


# --- brute force: every combination of what the players may do, Newton's method from many points ----------------------


def brute_force(game, objective, starts):
    """Equilibria of a 2 x 2 x 2 game with weighted aggregates, by solving every system of equations there may be.

    Player `i` either plays a pure action; or mixes with the worst takeover by each co-player known; or mixes so that
    one co-player's takeovers are equally bad, and that adversary's mixture z makes both own actions equally good.
    """
    weights = objective.lam * objective.weights(3)
    task = 1 - weights.sum(axis=1)
    options = []
    for i in range(3):
        others = [j for j in range(3) if j != i and weights[i, j] > 0]
        choices = list(itertools.product((0.0, 1.0), repeat=len(others)))
        own = [("pure", p, dict.fromkeys(others, 0.0)) for p in (0.0, 1.0)]
        own += [("mixed", -1, dict(zip(others, choice, strict=True))) for choice in choices]
        own += [
            ("tied", j, {**dict(zip(others, choice, strict=True)), j: np.nan})
            for j in others
            for choice in choices
            if choice[others.index(j)] == 0
        ]
        options.append(own)
    systems = [s for s in itertools.product(*options) for _ in range(starts)]
    kinds = np.array([[option[0] for option in system] for system in systems])
    detail = np.array([[option[1] for option in system] for system in systems])
    fixed = np.array([[[option[2].get(j, 0.0) for j in range(3)] for option in system] for system in systems])

    def payoff(i, p, own=None, taken=None):
        probabilities = [np.stack([p[:, j], 1 - p[:, j]]) for j in range(3)]
        for j, action in [(i, own), taken or (i, None)]:
            if action is not None:
                probabilities[j] = np.stack([np.full(len(p), 1.0 - action), np.full(len(p), float(action))])
        return np.einsum("abc,an,bn,cn->n", game.payoffs[i], *probabilities)

    def equations(v, chosen):
        p, z = v[:, :3], v[:, 3:]
        out = np.empty_like(v)
        for i in range(3):
            kind, which = kinds[chosen, i], detail[chosen, i]
            gain = task[i] * (payoff(i, p, 0) - payoff(i, p, 1))
            tie = np.zeros(len(v))
            for j in range(3):
                if weights[i, j] > 0:
                    share = fixed[chosen, i, j]
                    share = np.where(np.isnan(share), z[:, i], share)
                    gains = [payoff(i, p, 0, (j, k)) - payoff(i, p, 1, (j, k)) for k in range(2)]
                    gain = gain + weights[i, j] * (share * gains[0] + (1 - share) * gains[1])
                    tie = np.where(which == j, payoff(i, p, None, (j, 0)) - payoff(i, p, None, (j, 1)), tie)
            out[:, i] = np.where(kind == "pure", p[:, i] - which, np.where(kind == "tied", tie, gain))
            out[:, 3 + i] = np.where(kind == "tied", gain, z[:, i] - 0.5)
        return out

    v, chosen = np.random.default_rng(0).random((len(systems), 6)), np.arange(len(systems))
    for _ in range(15):
        values = equations(v, chosen)
        slopes = np.stack([(equations(v + 1e-6 * e, chosen) - values) / 1e-6 for e in np.eye(6)], axis=2)
        good = np.abs(np.linalg.det(slopes)) > 1e-12
        v, chosen = v[good] - np.linalg.solve(slopes[good], values[good][:, :, None])[:, :, 0], chosen[good]
        good = np.abs(v).max(axis=1) < 10
        v, chosen = v[good], chosen[good]
    good = (np.abs(equations(v, chosen)).max(axis=1) < 1e-11) & (np.abs(v[:, :3] - 0.5) <= 0.5 + 1e-9).all(axis=1)
    found = []
    for p in np.clip(v[good, :3], 0, 1):
        point = np.stack([p, 1 - p], axis=1)
        new = all(np.abs(point - other).max() > 1e-7 for other in found)
        if new and oracle.scaled_regret(game.payoffs, objective, list(point)) <= 1e-9:
            found.append(point)
    return np.array(found).reshape(len(found), 6)


@pytest.mark.parametrize("seed", range(8))
def test_brute_force_at_lam_zero(seed):
    game = random_game((2, 2, 2), seed)
    found = check_generic(pg.solve_all(game), game, pg.PowerObjective())
    assert same(found, brute_force(game, pg.PowerObjective(), 20))


@pytest.mark.parametrize(
    ("seed", "objective"),
    [
        (100, pg.PowerObjective(0.3)),
        pytest.param(1, pg.PowerObjective(0.3), marks=pytest.mark.slow),
        pytest.param(2, pg.PowerObjective(1), marks=pytest.mark.slow),
        (4, pg.PowerObjective(0.7, "sum")),
        pytest.param(2, pg.PowerObjective(0.6, MATRIX), marks=pytest.mark.slow),
    ],
)
def test_brute_force_with_power(seed, objective):
    game = random_game((2, 2, 2), seed)
    found = check_generic(pg.solve_all(game, objective), game, objective)
    assert same(found, brute_force(game, objective, 2))


# --- other exact answers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lam", [0, 0.3, 1, 2])
def test_two_players_as_by_vertex_enumeration(lam):
    objective = pg.PowerObjective(lam)
    for seed, shape in enumerate([(3, 3), (2, 3), (4, 3), (3, 3)] * 3):
        game = random_game(shape, seed)
        found = check_generic(subdivision.subdivide(game, objective, Options()), game, objective)
        assert same(found, rows(vertex_enumeration.find_all(game, objective, Options())))


def narrow_games(lam):
    """Games of few actions on one side, generic and degenerate, some with the same payoffs for both."""
    chance = np.random.default_rng(int(10 * lam))
    for shape in [(7, 2), (2, 6), (5, 3), (3, 4), (1, 6)]:
        for largest in (1, 5, 10**6):
            payoffs = chance.integers(0, largest, (2, *shape), endpoint=True)
            yield pg.NormalFormGame(payoffs[[0, 0]] if chance.random() < 0.3 else payoffs)


@pytest.mark.parametrize("lam", [0, 0.3, 2])
def test_nothing_is_lost_with_actions_that_are_never_played(lam, monkeypatch):
    objective, narrower, limits = pg.PowerObjective(lam), 0, vertex_enumeration.LIMITS
    for k, game in enumerate(narrow_games(lam)):
        monkeypatch.setattr(vertex_enumeration, "LIMITS", replace(limits, vertices_before_dominance=math.inf))
        expected = pg.solve_all(game, objective, exact=k % 2 == 0)
        everything = replace(limits, vertices_before_dominance=-1, vertices_before_mixtures=-1)
        monkeypatch.setattr(vertex_enumeration, "LIMITS", everything)
        found = pg.solve_all(game, objective, exact=k % 2 == 0)
        assert found.complete
        assert same(rows(found).astype(float), rows(expected).astype(float))
        assert sorted(map(len, found.components)) == sorted(map(len, expected.components))
        assert sorted(map(len, found.interchangeable)) == sorted(map(len, expected.interchangeable))
        narrower += found[0].iterations < expected[0].iterations
    assert narrower > 5


@pytest.mark.parametrize("shape", [(60, 2), (3, 40)])
def test_narrow_games_have_few_vertices(shape):
    game, objective = random_game(shape, 0), pg.PowerObjective(0.3)
    found = pg.solve_all(game, objective)
    check_generic(found, game, objective)
    assert found[0].iterations < 20_000


@pytest.mark.parametrize("lam", [0, 0.4, 1])
def test_degenerate_games_of_two_players_are_covered(lam):
    objective = pg.PowerObjective(lam)
    for seed, shape in enumerate([(3, 3), (2, 3), (2, 2)]):
        game = pg.NormalFormGame(np.random.default_rng(seed).integers(0, 3, (2, *shape)))
        found = subdivision.subdivide(game, objective, Options())
        check(found, game, objective)
        expected = vertex_enumeration.find_all(game, objective, Options())
        for equilibrium in expected:
            assert covered(equilibrium.profile, found), game.payoffs.tolist()
        for members in expected.interchangeable:
            shares = np.random.default_rng(0).dirichlet(np.ones(len(members)))
            mixture = [
                sum(share * expected[k].profile[i] for share, k in zip(shares, members, strict=True)) for i in range(2)
            ]
            assert oracle.scaled_regret(game.payoffs, objective, mixture) <= TOL
            assert covered(mixture, found), game.payoffs.tolist()


@pytest.mark.parametrize("aggregate", ["sum", "max"])
@pytest.mark.parametrize("lam", [0, 0.3, 0.9])
def test_a_third_player_who_matters_to_nobody(lam, aggregate):
    """Players 0 and 1 play their two-player game; then 2 has a best response of 2's own."""
    for seed in range(4):
        pair = random_game((3, 2), seed)
        payoffs = np.random.default_rng(seed).random((3, 3, 2, 2))
        payoffs[:2] = pair.payoffs[..., None]
        payoffs[2] = [0.2, 0.1]
        game = pg.NormalFormGame(payoffs)
        objective = pg.PowerObjective(lam, aggregate)
        found = check_generic(pg.solve_all(game, objective), game, objective)
        assert same(found[:, :5], rows(pg.solve_all(pair, objective)))
        assert (found[:, 5] == 1).all()


def test_nine_equilibria():
    """The 2 x 2 x 2 game with 9 equilibria of McKelvey & McLennan (1996), Computation of equilibria in finite games."""
    payoffs = np.zeros((3, 2, 2, 2))
    payoffs[:, 0, 0, 0], payoffs[:, 1, 1, 0] = (9, 8, 12), (9, 8, 2)
    payoffs[:, 0, 1, 1], payoffs[:, 1, 0, 1] = (3, 4, 6), (3, 4, 6)
    game = pg.NormalFormGame(payoffs)
    found = check_generic(pg.solve_all(game), game, pg.PowerObjective())
    assert len(found) == 9
    assert same(found, brute_force(game, pg.PowerObjective(), 20))
    pure = found[np.isin(found, (0, 1)).all(axis=1)]
    assert sorted(map(tuple, pure[:, 1::2].tolist())) == [(0, 0, 0), (0, 1, 1), (1, 0, 1), (1, 1, 0)]


@pytest.mark.parametrize(
    ("lam", "aggregate", "line"), [(0.5, "mean", True), (0.8, "mean", False), (0.3, "sum", True), (0.4, "sum", False)]
)
def test_assembly_line(lam, aggregate, line):
    """All-line is an equilibrium iff λ <= 2/3 (mean) or 1/3 (sum); all-solo always is."""
    game = named_game("assembly_line")
    objective = pg.PowerObjective(lam, aggregate)
    equilibria = pg.solve_all(game, objective)
    found = check(equilibria, game, objective)
    assert equilibria.complete
    profiles = {tuple(row) for row in found.tolist()}
    actions = [names.index("line") for names in game.actions]
    lines = tuple(np.concatenate([np.eye(2)[a] for a in actions]))
    solos = tuple(np.concatenate([np.eye(2)[1 - a] for a in actions]))
    assert solos in profiles
    assert (lines in profiles) == line


def test_matching_pennies_with_three_players():
    """0 wants to match 1, 1 to match 2, and 2 to differ from 0: all mix evenly, at any λ."""
    payoffs = np.empty((3, 2, 2, 2))
    for a, b, c in np.ndindex(2, 2, 2):
        payoffs[:, a, b, c] = (a == b, b == c, a != c)
    game = pg.NormalFormGame(payoffs)
    for lam, aggregate in itertools.product([0, 0.3, 1, 3], ["mean", "sum", "max"]):
        objective = pg.PowerObjective(lam, aggregate)
        found = check_generic(pg.solve_all(game, objective), game, objective)
        assert np.abs(found - 0.5).max() <= 1e-12
        assert len(found) == 1


# --- properties -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "aggregate"),
    [
        ((2, 3, 2), "mean"),
        ((3, 3, 3), "mean"),
        ((2,) * 4, "max"),
        ((3, 2, 2), "max"),
        pytest.param((2,) * 5, "mean", marks=pytest.mark.slow),
        pytest.param((4, 1, 2, 3), "sum", marks=pytest.mark.slow),
    ],
)
def test_generic_games(shape, aggregate):
    for seed, lam in itertools.product(range(3), [0, 0.3, 1]):
        game, objective = random_game(shape, seed), pg.PowerObjective(lam, aggregate)
        check_generic(pg.solve_all(game, objective), game, objective)


@pytest.mark.parametrize("aggregate", ["mean", "max"])
def test_order_and_units_do_not_matter(aggregate):
    game, objective = random_game((2, 3, 2), 9), pg.PowerObjective(0.3, aggregate)
    found = rows(pg.solve_all(game, objective))
    order = [2, 0, 1]
    permuted = pg.NormalFormGame(game.payoffs[order].transpose(0, *(1 + k for k in order)))
    columns = [5, 6, 0, 1, 2, 3, 4]
    assert same(rows(pg.solve_all(permuted, objective)), found[:, columns])
    units = np.array([1e-9, 1.0, 1e9]).reshape(3, 1, 1, 1)
    moved = pg.NormalFormGame(game.payoffs * units + 100 * units)
    assert same(rows(pg.solve_all(moved, objective)), found)
    swapped = pg.NormalFormGame(game.payoffs[:, :, ::-1])
    assert same(rows(pg.solve_all(swapped, objective)), found[:, [0, 1, 4, 3, 2, 5, 6]])


def test_weights_of_a_matrix():
    game = random_game((2, 2, 3), 4)
    mean = pg.solve_all(game, pg.PowerObjective(0.6))
    matrix = pg.solve_all(game, pg.PowerObjective(0.3, np.ones((3, 3)) - np.eye(3)))
    assert same(rows(mean), rows(matrix), 1e-12)
    nobody = pg.solve_all(game, pg.PowerObjective(5, np.zeros((3, 3))))
    assert same(rows(nobody), rows(pg.solve_all(game)), 1e-12)


def test_dominated_actions_make_no_work():
    """Each of six players has a dominant action; a game of this size could not be searched otherwise."""
    payoffs = np.zeros((6, *(3,) * 6))
    for i in range(6):
        payoffs[i] = np.moveaxis(np.broadcast_to([0, 2, 1], (3,) * 6), -1, i)
    equilibria = pg.solve_all(pg.NormalFormGame(payoffs))
    assert equilibria.complete
    assert rows(equilibria).tolist() == [[0, 1, 0] * 6]


# --- degenerate games -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lam", [0, 0.5])
def test_a_continuum(lam):
    """Player 2 matters to nobody and does not care: with every equilibrium of 0 and 1 goes a whole edge."""
    pair = random_game((2, 2), 1)
    payoffs = np.zeros((3, 2, 2, 2))
    payoffs[:2] = pair.payoffs[..., None]
    game, objective = pg.NormalFormGame(payoffs), pg.PowerObjective(lam, "sum")
    equilibria = pg.solve_all(game, objective)
    found = check(equilibria, game, objective)
    assert equilibria.complete
    expected = pg.solve_all(pair, objective)
    assert len(equilibria.components) == len(expected) == len(equilibria.interchangeable)
    for equilibrium in expected:
        assert np.abs(found[:, :4] - np.concatenate(equilibrium.profile)).max(axis=1).min() <= 1e-9
        for p in (0, 0.3, 1):
            assert covered([*equilibrium.profile, np.array([p, 1 - p])], equilibria)
    assert repr(equilibria).endswith(f"{2 * len(expected)} extreme equilibria in {len(expected)} components>")


@pytest.mark.parametrize("shape", [(2, 2, 2), (3, 2, 2)])
def test_constant_payoffs(shape):
    game, objective = pg.NormalFormGame(np.full((len(shape), *shape), 7.0)), pg.PowerObjective(0.5)
    equilibria = pg.solve_all(game, objective)
    check(equilibria, game, objective)
    assert len(equilibria) == math.prod(shape)
    assert (equilibria.complete, len(equilibria.interchangeable)) == (True, 1)
    generator = np.random.default_rng(0)
    for _ in range(20):
        assert covered([generator.dirichlet(np.ones(size)) for size in shape], equilibria)


def test_pure_equilibria_of_games_with_ties():
    for seed in range(2):
        game = pg.NormalFormGame(np.random.default_rng(seed).integers(0, 4, (3, 2, 2, 2)))
        for objective in (pg.PowerObjective(), pg.PowerObjective(0.5), pg.PowerObjective(0.5, "max")):
            equilibria = pg.solve_all(game, objective)
            check(equilibria, game, objective)
            for joint in np.ndindex(*game.n_actions):
                profile = [np.eye(2)[a] for a in joint]
                if oracle.scaled_regret(game.payoffs, objective, profile) == 0:
                    assert covered(profile, equilibria), (seed, objective, joint)


# --- sets of equilibria -----------------------------------------------------------------------------------------------


def degenerate_game(shape, largest, seed):
    return pg.NormalFormGame(np.random.default_rng(seed).integers(0, largest, (len(shape), *shape)))


def sets_of(equilibria, order=None):
    """The product sets, each as the strategies of each player; for the players in another order if given."""
    order = order or range(equilibria.game.n_players)
    return {
        tuple(frozenset(tuple(np.round(equilibria[k].profile[i], 9) + 0.0) for k in members) for i in order)
        for members in equilibria.interchangeable
    }


def exact_equilibria(payoffs, steps):
    """All profiles of a grid that are equilibria at λ = 0, in integers."""
    shape = payoffs.shape[1:]
    grids = [
        np.array([p for p in itertools.product(range(steps + 1), repeat=size) if sum(p) == steps]) for size in shape
    ]
    good = np.ones([len(grid) for grid in grids], dtype=bool)
    for i in range(len(shape)):
        values = payoffs[i].astype(np.int64)
        for j, grid in enumerate(grids):
            if j != i:
                values = np.moveaxis(np.tensordot(grid, values, (1, j)), 0, j)
        own = np.moveaxis(np.tensordot(grids[i], values, (1, i)), 0, i)
        good &= own == steps * values.max(axis=i, keepdims=True)
    return [[grid[k] / steps for grid, k in zip(grids, at, strict=True)] for at in np.argwhere(good)]


@pytest.mark.parametrize(
    ("shape", "largest", "seeds", "steps", "least"),
    [
        ((2, 2, 2), 2, (0, *range(2, 25)), 12, 20),
        ((2, 2, 3), 3, (0, 1, 2, 4), 6, 4),
        ((3, 3, 3), 2, (4, 5), 4, 1),
        ((2, 2, 2, 2), 2, (1, 3), 6, 2),
    ],
)
def test_all_exact_equilibria_on_a_grid_are_described(shape, largest, seeds, steps, least):
    complete, chance = 0, np.random.default_rng(0)
    for seed in seeds:
        game = degenerate_game(shape, largest, seed)
        found = pg.solve_all(game)
        check(found, game, pg.PowerObjective())
        assert found.distance <= 1e-4
        on_grid = exact_equilibria(game.payoffs, steps)
        for k in chance.permutation(len(on_grid))[:30]:
            assert covered(on_grid[k], found), (seed, on_grid[k])
        complete += found.complete
    assert complete >= least


@pytest.mark.parametrize("lam", [0, 0.3])
@pytest.mark.parametrize(("shape", "seeds"), [((2, 2, 2), (0, 2, 4, 5, 6, 7)), ((2, 2, 3), (0,)), ((2, 2, 2, 2), (1,))])
def test_product_sets_consist_of_equilibria(shape, seeds, lam):
    objective, chance = pg.PowerObjective(lam), np.random.default_rng(0)
    for seed in seeds:
        game = degenerate_game(shape, 2, seed)
        found = pg.solve_all(game, objective)
        for equilibrium in found:
            assert oracle.scaled_regret(game.payoffs, objective, equilibrium.profile) <= 1e-12
        for members in found.interchangeable:
            for _ in range(3 if len(members) > 1 else 0):
                inside = [
                    chance.dirichlet(np.ones(len(members))) @ np.array([found[k].profile[i] for k in members])
                    for i in range(len(shape))
                ]
                assert oracle.scaled_regret(game.payoffs, objective, inside) <= 1e-12
            assert len({found[k].component for k in members}) == 1


def test_a_game_without_sets_is_not_searched_for_them_at_length():
    # One player's strategies that are left all mix: leaving these out would leave none, and the others' are many.
    game = pg.load("random_uniform:players=5,actions=2,seed=3")
    found = pg.solve_all(game, 0.3, time_limit=60)
    assert found.complete
    check(found, game, pg.PowerObjective(0.3))


def test_candidates_are_few_and_every_player_keeps_some(monkeypatch):
    monkeypatch.setattr(product_sets, "LIMITS", replace(product_sets.LIMITS, profiles=10))
    pure, mixed = np.eye(2), np.array([[0.5, 0.5], [0.25, 0.75], [0.1, 0.9]])
    few = product_sets._fewer([np.concatenate([pure, mixed]), mixed, np.concatenate([pure, mixed])])
    assert few == []
    few = product_sets._fewer([np.concatenate([pure, mixed]), mixed, pure[:1]])
    assert [own.tolist() for own in few] == [pure.tolist(), mixed.tolist(), pure[:1].tolist()]
    assert product_sets._fewer([mixed, mixed, mixed]) == []


@pytest.mark.parametrize("seed", [0, 1, 2, 5])
def test_product_sets_of_two_players_as_by_vertex_enumeration(seed):
    """With two players every set of equilibria is a union of product sets, and all are known exactly."""
    for shape in ((2, 2), (2, 3), (3, 3)):
        game = degenerate_game(shape, 2 + seed % 2, seed)
        found = subdivision.subdivide(game, pg.PowerObjective(), Options())
        expected = vertex_enumeration.find_all(game, pg.PowerObjective(), Options())
        assert sets_of(found) == sets_of(expected)
        assert len(found.components) == len(expected.components)
        assert found.complete


@pytest.mark.parametrize("shape", [(2, 2, 2), (2, 3, 2), (3, 3, 3)])
def test_everything_is_an_equilibrium(shape):
    found = pg.solve_all(pg.NormalFormGame(np.zeros((3, *shape))), 0.3)
    assert (found.complete, found.distance, len(found.components)) == (True, 0, 1)
    assert sets_of(found) == {tuple(frozenset(map(tuple, np.eye(size))) for size in shape)}


def test_duplicate_actions_span_a_set():
    payoffs = random_game((2, 2, 2), 3).payoffs
    single = pg.solve_all(pg.NormalFormGame(payoffs))
    found = pg.solve_all(pg.NormalFormGame(payoffs[:, :, :, [0, 1, 1]]))
    assert len(found.components) == len(single.components)
    for equilibrium in single:
        x, y, z = equilibrium.profile
        for share in (0, 0.3, 1):
            profile = [x, y, np.array([z[0], share * z[1], (1 - share) * z[1]])]
            assert covered(profile, found)


@pytest.mark.parametrize(("seed", "lam"), [(0, 0), (2, 0), (4, 0), (0, 0.3), (2, 0.3)])
def test_permuted_players_permute_the_sets(seed, lam):
    game, order = degenerate_game((2, 2, 2), 2, seed), (2, 0, 1)
    permuted = pg.NormalFormGame(game.payoffs[list(order)].transpose(0, *(1 + i for i in order)))
    found, other = pg.solve_all(game, lam), pg.solve_all(permuted, lam)
    assert sets_of(found, order) == sets_of(other)
    assert len(found.components) == len(other.components)
    assert found.complete
    assert other.complete


def curved_game():
    """Player 0 prefers action 0 where the others both play 0 with a probability of at least one half."""
    payoffs = np.zeros((3, 2, 2, 2))
    payoffs[0, 0, 0, 0], payoffs[0, 1] = 1, 0.5
    return pg.NormalFormGame(payoffs)


def test_a_curved_set_stays_unresolved():
    found = pg.solve_all(curved_game())
    assert not found.complete
    for p in (0.5, 0.7, 0.9):
        for own in ([1, 0], [0, 1], [0.2, 0.8]):
            assert covered([np.array(own), np.array([p, 1 - p]), np.array([0.5 / p, 1 - 0.5 / p])], found)
    text = " ".join(str(cell) for block in found.blocks() if not isinstance(block, str) for cell in [block.title])
    assert "Regions that could not be resolved" in text


def test_power_is_not_selected_from_sets_where_it_is_not_linear():
    game = degenerate_game((2, 2, 2), 2, 0)
    assert pg.solve(game, select="welfare").task.sum() == 3
    with pytest.raises(pg.InputError, match="power is not linear"):
        pg.solve(game, select="power")


def test_players_without_a_choice():
    """A game in which two players have a choice is solved exactly, as a two-player game."""
    pair = pg.NormalFormGame(np.random.default_rng(5).integers(0, 3, (2, 3, 2)))
    payoffs = np.zeros((3, 3, 1, 2))
    payoffs[0, :, 0], payoffs[2, :, 0] = pair.payoffs
    game = pg.NormalFormGame(payoffs)
    for aggregate in ("mean", "sum", "max", MATRIX):
        equilibria = pg.solve_all(game, pg.PowerObjective("1/2", aggregate), exact=True)
        check(equilibria, game, pg.PowerObjective("1/2", aggregate))
        assert equilibria.complete
        lam = "1/4" if isinstance(aggregate, str) and aggregate == "mean" else "1/2"
        weights = MATRIX[np.ix_([0, 2], [0, 2])] if aggregate is MATRIX else "sum"
        expected = pg.solve_all(pair, pg.PowerObjective(lam, weights), exact=True)
        assert [(e.profile[0].tolist(), e.profile[2].tolist()) for e in equilibria] == [
            (e.profile[0].tolist(), e.profile[1].tolist()) for e in expected
        ]
        assert equilibria.interchangeable == expected.interchangeable


def test_one_player():
    equilibria = pg.solve_all(pg.NormalFormGame([[1, 3, 2, 3]]), pg.PowerObjective(0.5))
    assert equilibria.complete
    assert rows(equilibria).tolist() == [[0, 1, 0, 0], [0, 0, 0, 1]]
    assert len(equilibria.components) == 1
    assert len(pg.solve_all(pg.NormalFormGame([[5]]))) == 1


# --- arguments --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: pg.solve_all(random_game((5, 5, 5), 0)), ["5 x 5 x 5", "at most 9", "4 x 4 x 4"]),
        (lambda: pg.solve_all(random_game((2,) * 12, 0)), ["2 x 2", "at most 9"]),
        (lambda: pg.solve_all(random_game((2, 2, 2), 0), exact=True), ["exact", "3 players", "irrational"]),
    ],
)
def test_what_is_refused(call, words):
    with pytest.raises(pg.InputError) as caught:
        call()
    assert all(word in str(caught.value) for word in words)
    assert "\n" not in str(caught.value)


def test_progress_and_interruption():
    calls = []
    game = random_game((3, 3, 3), 0)
    pg.solve_all(game, callback=lambda *report: calls.append(report))
    done = [report[1] for report in calls]
    assert {report[0] for report in calls} == {"cells"}
    assert done == sorted(done)
    assert math.isfinite(done[-1])

    def stop(*report):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pg.solve_all(game, callback=stop)


def test_neighbouring_clusters_list_an_equilibrium_once():
    # Two equilibria, 2e-6 apart, are about to merge: λ is 2e-6 from where they do.
    game = named_game("random_uniform:players=3,actions=2,seed=43")
    equilibria = pg.solve_all(game, pg.PowerObjective(0.41383279638, "max"))
    assert len(equilibria) == 5
    for first, second in itertools.combinations(equilibria, 2):
        assert max(np.abs(a - b).max() for a, b in zip(first.profile, second.profile, strict=True)) > 1e-7


def test_one_player_has_no_adversary_whatever_the_weights():
    (best,) = pg.solve_all(pg.NormalFormGame([[1.0, 2.0, 3.0]]), pg.PowerObjective(0.3, [[0]]))
    assert best.profile[0].tolist() == [0, 0, 1]


def test_pure_equilibria_of_a_continuum_are_listed():
    # One player does not mind at all.
    payoffs = np.random.default_rng(3).random((3, 2, 3, 2))
    payoffs[2] = 1.0
    game = pg.NormalFormGame(payoffs)
    pure = [each.joint_action for each in pg.pure_equilibria(game) if each.contains(0)]
    assert pure
    equilibria = pg.solve_all(game)
    listed = [tuple(int(np.argmax(strategy)) for strategy in e.profile) for e in equilibria if is_pure(e)]
    assert set(pure) <= set(listed)
    assert all(equilibrium.converged for equilibrium in equilibria)


def is_pure(equilibrium):
    return all(strategy.max() == 1.0 for strategy in equilibrium.profile)


def test_the_best_of_all_is_selected():
    game, objective = named_game("assembly_line"), pg.PowerObjective("1/4")
    everything = pg.solve_all(game, objective)
    richest, freest = (pg.solve(game, objective, select=criterion) for criterion in ("welfare", "power"))
    assert richest.task.sum() == max(each.task.sum() for each in everything) == 9
    assert freest.power.sum() == min(each.power.sum() for each in everything) == 0
    assert richest.converged
    assert freest.converged


def test_nothing_is_selected_from_what_is_not_known():
    with pytest.raises(pg.InputError, match="could not be resolved"):
        pg.solve(curved_game(), select="welfare")


@pytest.mark.parametrize(
    ("n_actions", "lam", "exact"),
    [((12, 12), 0.3, False), ((20, 20), 0, False), ((9, 9), 1, True), ((3, 3, 3), 1, False)],
)
def test_a_time_limit_returns_what_was_found(n_actions, lam, exact):
    game = random_game(n_actions, 0)
    began = time.monotonic()
    found = pg.solve_all(game, pg.PowerObjective(lam), exact=exact, time_limit=0.05)
    assert time.monotonic() - began < 10
    assert not found.complete
    assert found.status is pg.Status.TIME_LIMIT
    assert all(equilibrium.converged for equilibrium in found)
    assert all(found.components)
    assert "TIME_LIMIT: " in " ".join(block for block in found.blocks() if isinstance(block, str))


def test_a_set_says_how_its_search_ended():
    game = pg.load("stag_hunt")
    found = pg.solve_all(game, time_limit=60)
    assert (found.complete, found.status) == (True, pg.Status.CONVERGED)
    assert pg.EquilibriumSet([], [], game, pg.PowerObjective(), "none", complete=False).status is pg.Status.MAX_ITER


def test_a_time_limit_ends_the_sorting_into_components():
    payoffs = np.random.default_rng(0).integers(0, 2, (2, 5, 5))
    problem = TwoPlayerProblem.of(pg.NormalFormGame(payoffs), pg.PowerObjective(), exact=True)
    game, objective, whole = pg.NormalFormGame(payoffs), pg.PowerObjective(), Options()
    everybody = Played.all(problem)
    sides = vertex_enumeration.Labels.of(everybody).sides(problem, everybody)
    match = vertex_enumeration._match(*vertex_enumeration._both(sides, vertex_enumeration._all_vertices, whole), 10)
    late = Options(end=compilation.clock() - 1)
    found = vertex_enumeration._assemble(game, objective, problem, everybody, match, late)
    everything = vertex_enumeration._assemble(game, objective, problem, everybody, match, whole)
    assert found.status is pg.Status.TIME_LIMIT
    assert {str(each.profile) for each in everything} <= {str(each.profile) for each in found}
