"""Every solver on every case it accepts: the certificate first, then the numbers.

``POWERGAMES_ORACLE=200`` compares that many random games with brute force instead of the few of a quick run.
"""

from __future__ import annotations

import itertools
import os
import time
import warnings
from fractions import Fraction

import numpy as np
import oracle
import pytest
from cases import CASES, PURE_CASES

import powergames as pg
from powergames.games.catalog.normal_form import named_game
from powergames.kernels import lemke as dictionaries
from powergames.kernels import prior_path
from powergames.solvers import METHODS
from powergames.solvers.normal_form import selection

TOL = 1e-9
ORACLE_GAMES = int(os.environ.get("POWERGAMES_ORACLE", "0"))
TWO_PLAYER_CASES = [case for case in CASES if case.game.n_players == 2]
SMALL_CASES = [case for case in TWO_PLAYER_CASES if max(case.game.n_actions) <= 10]
# Methods that solve every case they accept; the others may give up, and then say so.
SURE = ("lemke", "double_oracle", "pure", "linear_program")
EXACT_METHODS = [name for name, method in METHODS.items() if method.exact]
MATRIX = np.array([[0, 0.5], [2, 0]])
NO_PURE = named_game("random_uniform:actions=5x5,seed=23")


def case_id(case):
    return case.id


def pairs_of(equilibria):
    return [equilibrium.profile for equilibrium in equilibria]


def check(equilibrium, game, objective):
    """An equilibrium that is one, by an independent computation on the payoffs as they are."""
    assert equilibrium.status is pg.Status.CONVERGED
    assert equilibrium.certificate.passed
    assert oracle.scaled_regret(game.payoffs, objective, equilibrium.profile) <= TOL
    for strategy, size in zip(equilibrium.profile, game.n_actions, strict=True):
        assert strategy.shape == (size,)
        assert min(strategy) >= 0
        assert abs(sum(strategy) - 1) <= 1e-12
    assert equilibrium.game is game
    assert equilibrium.objective == objective


def check_set(equilibria, game, objective):
    """A set of equilibria that keeps the promises of `EquilibriumSet`."""
    assert equilibria.complete
    assert len(equilibria) >= 1
    pairs = pairs_of(equilibria)
    for equilibrium in equilibria:
        check(equilibrium, game, objective)
    for first, second in itertools.combinations(pairs, 2):
        assert max(np.abs(a - b).max() for a, b in zip(first, second, strict=True)) > 1e-9, "listed twice"
    check_components(equilibria)
    covered = set()
    generator = np.random.default_rng(0)
    for members in equilibria.interchangeable:
        xs, ys = (distinct([pairs[k][player] for k in members]) for player in range(2))
        for points in (xs, ys):
            for k, point in enumerate(points):
                assert len(points) == 1 or not oracle.in_hull(point, points[:k] + points[k + 1 :]), "not extreme"
        assert sorted(members) == sorted(listed(pairs, x, y) for x, y in itertools.product(xs, ys))
        covered |= set(members)
        mixture = [generator.dirichlet(np.ones(len(points))) @ np.array(points, dtype=float) for points in (xs, ys)]
        assert oracle.scaled_regret(game.payoffs, objective, mixture) <= TOL
    assert covered == set(range(len(pairs)))
    for first, second in itertools.permutations(equilibria.interchangeable, 2):
        assert not all(in_set(pairs, second, *pairs[k]) for k in first), "not maximal"


def check_components(equilibria):
    components = equilibria.components
    assert sorted(map(id, itertools.chain(*components))) == sorted(map(id, equilibria))
    for number, members in enumerate(components):
        assert members
        assert all(equilibrium.component == number for equilibrium in members)
    for members in equilibria.interchangeable:
        assert len({equilibria[k].component for k in members}) == 1, "an interchangeable set is connected"


def distinct(points):
    kept: list[np.ndarray] = []
    for point in points:
        if not any(np.abs(point - other).max() <= 1e-9 for other in kept):
            kept.append(point)
    return kept


def listed(pairs, x, y):
    """Index of the one listed equilibrium (x, y)."""
    (index,) = [k for k, pair in enumerate(pairs) if max(np.abs(pair[0] - x).max(), np.abs(pair[1] - y).max()) <= 1e-9]
    return index


def in_set(pairs, members, x, y):
    return all(oracle.in_hull(point, [pairs[k][player] for k in members]) for player, point in enumerate((x, y)))


def in_some_set(equilibria, profile):
    pairs = pairs_of(equilibria)
    return any(in_set(pairs, members, *profile) for members in equilibria.interchangeable)


def brute_force(game, objective):
    """All equilibria of a generic game, as pairs, by brute force over supports."""
    charges = oracle.charges(objective.lam, objective.aggregate)
    return oracle.support_equilibria(*game.payoffs, *charges)


# --- the tests' own oracle --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("charges", [(0, 0), (0.3, 0.3), (1, 1), (2, 2), (0.3, 0), (0, 0.3), (1, 0.3)], ids=str)
@pytest.mark.parametrize("shape", [(2, 2), (3, 2), (3, 3), (3, 4)], ids=str)
def test_two_kinds_of_brute_force_agree(shape, charges):
    generator = np.random.default_rng([*shape, int(10 * sum(charges))])
    for _ in range(3):
        A, B = generator.random((2, *shape))
        by_supports = oracle.support_equilibria(A, B, *charges)
        by_vertices = oracle.extreme_equilibria(A, B, *charges)
        assert len(by_supports) % 2 == 1
        assert oracle.same_pairs(by_supports, [(e.x, e.y) for e in by_vertices])


@pytest.mark.parametrize("case", [case for case in SMALL_CASES if max(case.game.n_actions) <= 4], ids=case_id)
def test_brute_force_finds_what_is_known(case):
    found = oracle.extreme_equilibria(*case.game.payoffs, *oracle.charges(case.objective.lam, case.aggregate))
    assert case.extreme in (None, len(found))
    assert case.components in (None, len({e.component for e in found}))
    if case.profiles:
        assert oracle.same_pairs([(e.x, e.y) for e in found], case.profiles)
    for e in found:
        assert oracle.scaled_regret(case.game.payoffs, case.objective, (e.x, e.y)) <= TOL


def test_independent_regret_sees_mixed_deviations():
    # At λ = 1 a player minds only the worst case: every action risks -1, an even mixture of two risks 0.
    payoffs = [[[1, -1], [-1, 1]], [[0, 0], [0, 0]]]
    assert oracle.scaled_regret(payoffs, pg.PowerObjective(1), [[1, 0], [0.5, 0.5]]) == 0.5
    assert oracle.scaled_regret(payoffs, pg.PowerObjective(1), [[0.5, 0.5], [0.5, 0.5]]) == 0


# --- every method on every case ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES, ids=case_id)
@pytest.mark.parametrize("name", METHODS)
def test_method_solves_what_it_accepts(name, case):
    game, objective = case.game, case.objective
    reason = METHODS[name].refuses(game, objective)
    if reason is not None:
        with pytest.raises(pg.InputError) as caught:
            pg.solve(game, objective, method=name)
        assert reason in str(caught.value)
        assert "\n" not in str(caught.value)
        return
    promised = name in SURE or (name == "logit" and max(game.n_actions) <= 10)
    max_iter = (20_000 if case.long_paths else None) if promised else 5 if not case.long_paths else 1
    equilibrium = pg.solve(game, objective, method=name, max_iter=max_iter, tol=1e-8 if promised else TOL)
    assert equilibrium.method == name
    assert equilibrium.converged == equilibrium.certificate.passed, "CONVERGED exactly when the certificate passed"
    if not promised and not equilibrium.converged:
        assert equilibrium.status in (pg.Status.MAX_ITER, pg.Status.STALLED, pg.Status.CYCLING)
        return
    if not promised:
        check(equilibrium, game, objective)
        return
    if name == "pure" and not oracle.has_pure_equilibrium(game.payoffs, objective):
        assert equilibrium.status is not pg.Status.CONVERGED
        return
    if case.long_paths and equilibrium.status is pg.Status.MAX_ITER:
        return
    check(equilibrium, game, objective)
    if case.task is not None:
        np.testing.assert_allclose(equilibrium.task, [float(Fraction(value)) for value in case.task], atol=1e-9)
    if case.extreme == 1 and case.profiles:
        assert oracle.same_pairs([equilibrium.profile], case.profiles)


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_solve_chooses_a_method_that_works(case):
    game, objective = case.game, case.objective
    equilibrium = pg.solve(game, objective)
    check(equilibrium, game, objective)
    assert equilibrium.method in METHODS


@pytest.mark.parametrize("case", [case for case in CASES if max(case.game.n_actions) <= 10], ids=case_id)
@pytest.mark.parametrize("name", EXACT_METHODS)
def test_exact_methods_are_exact(name, case):
    game, objective = case.game, case.objective
    if METHODS[name].refuses(game, objective) is not None:
        pytest.skip("refused")
    equilibrium = pg.solve(game, objective, method=name, exact=True)
    if name == "pure" and not oracle.has_pure_equilibrium(game.payoffs, objective):
        assert equilibrium.status is not pg.Status.CONVERGED
        return
    check(equilibrium, game, objective)
    assert equilibrium.exact
    for strategy in equilibrium.profile:
        assert all(isinstance(probability, Fraction) for probability in strategy)
        assert sum(strategy) == 1
    assert equilibrium.certificate.max_regret == Fraction(0)
    assert isinstance(equilibrium.certificate.max_regret, Fraction)
    if case.extreme == 1 and case.profiles:
        assert [tuple(strategy) for strategy in equilibrium.profile] == list(case.profiles[0])
    if case.extreme == 1:
        near = pg.solve(game, objective, method=name)
        for strategy, close in zip(equilibrium.profile, near.profile, strict=True):
            np.testing.assert_allclose(close, strategy.astype(float), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", [name for name in METHODS if name not in EXACT_METHODS])
def test_methods_without_exact_arithmetic_say_so(name):
    game = named_game("matching_pennies")
    assert METHODS[name].refuses(game, pg.PowerObjective()) is None
    with pytest.raises(pg.InputError, match="exact") as caught:
        pg.solve(game, method=name, exact=True)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", METHODS)
def test_methods_carry_their_names(name):
    assert METHODS[name].name == name
    assert isinstance(METHODS[name].exact, bool)


def test_every_method_accepts_some_case():
    for method in METHODS.values():
        assert any(method.refuses(case.game, case.objective) is None for case in CASES), method.name


# --- solve_all --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("exact", [False, True], ids=["float", "exact"])
@pytest.mark.parametrize("case", SMALL_CASES, ids=case_id)
def test_all_equilibria(case, exact):
    game, objective = case.game, case.objective
    equilibria = pg.solve_all(game, objective, exact=exact)
    assert equilibria.game is game
    assert equilibria.objective == objective
    check_set(equilibria, game, objective)
    assert case.extreme in (None, len(equilibria))
    assert case.components in (None, len(equilibria.components))
    if case.profiles:
        assert oracle.same_pairs(pairs_of(equilibria), case.profiles)
    if exact:
        for equilibrium in equilibria:
            assert equilibrium.exact
            assert equilibrium.certificate.max_regret == Fraction(0)
        assert oracle.same_pairs(pairs_of(equilibria), pairs_of(pg.solve_all(game, objective)), 1e-12)
        if case.profiles:
            found = {tuple(map(tuple, profile)) for profile in pairs_of(equilibria)}
            assert found == set(case.profiles)
    assert in_some_set(equilibria, pg.solve(game, objective, exact=exact).profile)


def generic_sample(count, shapes, offset):
    """Random games with objectives of all kinds."""
    lams = (0.05, 0.1, 0.25, 0.4, 0.6, 0.8, 1, 1.7, 3)
    aggregates = ("mean", "max", "sum", MATRIX, np.array([[0, 0], [0.8, 0]]), np.array([[0, 0.6], [0, 0]]))
    for k in range(count):
        generator = np.random.default_rng([offset, k])
        shape = shapes[k % len(shapes)]
        payoffs = generator.random((2, *shape)) if k % 2 else generator.normal(size=(2, *shape))
        yield pg.NormalFormGame(payoffs), pg.PowerObjective(lams[k % len(lams)], aggregates[k // 3 % len(aggregates)])


def compare_with_brute_force(sample):
    for game, objective in sample:
        expected = brute_force(game, objective)
        equilibria = pg.solve_all(game, objective)
        message = f"{game.payoffs.tolist()}, {objective}: found {len(equilibria)}, brute force {len(expected)}"
        assert oracle.same_pairs(pairs_of(equilibria), expected), message
        assert len(equilibria) % 2 == 1
        assert len(equilibria.components) == len(equilibria)
        for equilibrium in equilibria:
            check(equilibrium, game, objective)
        profile = pg.solve(game, objective).profile
        assert min(distance(profile, pair) for pair in expected) <= 1e-7, message


def distance(first, second):
    return max(np.abs(a - b).max() for a, b in zip(first, second, strict=True))


def test_all_equilibria_of_small_games_agree_with_brute_force():
    compare_with_brute_force(generic_sample(30, [(2, 2), (2, 3), (3, 2), (3, 3)], 0))


def test_all_equilibria_of_larger_games_agree_with_brute_force():
    compare_with_brute_force(generic_sample(5, [(4, 4)], 1))


@pytest.mark.skipif(not ORACLE_GAMES, reason="set POWERGAMES_ORACLE to the number of games to compare")
def test_all_equilibria_of_many_games_agree_with_brute_force():
    shapes = list(itertools.product((2, 3, 4), repeat=2))
    compare_with_brute_force(generic_sample(ORACLE_GAMES, shapes, 2))


@pytest.mark.parametrize("lam", [0, "1/4", "1/2", 1, 2])
def test_all_equilibria_of_degenerate_games_agree_with_brute_force(lam):
    for seed in range(8 + ORACLE_GAMES // 5):
        actions = ("2x2", "2x3", "3x2", "3x3")[seed % 4]
        game = named_game(f"random_degenerate:actions={actions},largest={1 + seed % 2},seed={seed}")
        objective = pg.PowerObjective(lam, MATRIX if seed % 3 == 2 else "mean")
        equilibria = pg.solve_all(game, objective)
        check_set(equilibria, game, objective)
        expected = oracle.extreme_equilibria(*game.payoffs, *oracle.charges(objective.lam, objective.aggregate))
        message = f"{game.payoffs.tolist()}, {objective}"
        assert len(equilibria.components) == len({e.component for e in expected}), message
        assert all(in_some_set(equilibria, (e.x, e.y)) for e in expected), message
        for equilibrium in equilibria:
            assert min(distance(equilibrium.profile, (e.x, e.y)) for e in expected) <= 1e-7, message


@pytest.mark.parametrize("shape", [(2, 2), (3, 3), (4, 3), (5, 5)], ids=str)
def test_nash_equilibria_of_generic_games_agree_with_nashpy(shape):
    nashpy = pytest.importorskip("nashpy")
    for seed in range(4):
        A, B = np.random.default_rng([*shape, seed]).random((2, *shape))
        # Not support_enumeration, which loses an equilibrium of one of these games to rounding on some processors.
        expected = list(nashpy.Game(A, B).vertex_enumeration())
        equilibria = pg.solve_all(pg.NormalFormGame.from_bimatrix(A, B))
        assert oracle.same_pairs(pairs_of(equilibria), expected)
        assert len(equilibria) % 2 == 1


@pytest.mark.parametrize("exact", [False, True], ids=["float", "exact"])
def test_nash_equilibria_of_degenerate_games_agree_with_gambit(exact):
    gambit = pytest.importorskip("pygambit", reason="the reference for degenerate games is pygambit's exact enummixed")
    for seed in range(24):
        shape = ((2, 2), (3, 3), (3, 4), (4, 4))[seed % 4]
        A, B = np.random.default_rng([7, seed]).integers(2 + seed % 3, size=(2, *shape))
        game = gambit.Game.from_arrays(A, B)
        expected = {
            tuple(
                tuple(Fraction(int(p.numerator), int(p.denominator)) for p in (mixed[s] for s in player.strategies))
                for player in game.players
            )
            for mixed in gambit.nash.enummixed_solve(game, rational=True).equilibria
        }
        equilibria = pg.solve_all(pg.NormalFormGame.from_bimatrix(A, B), exact=exact)
        assert oracle.same_pairs(pairs_of(equilibria), list(expected)), f"{A.tolist()}, {B.tolist()}"
        if exact:
            assert {tuple(map(tuple, profile)) for profile in pairs_of(equilibria)} == expected


# --- numbers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(6))
def test_at_lambda_one_both_play_maximin(seed):
    game = named_game(f"random_uniform:actions=4x6,seed={seed}")
    A, B = game.payoffs
    objective = pg.PowerObjective(1)
    secured = [oracle.maximin(A), oracle.maximin(B.T)]
    for name in {*SURE, "ipa", "logit"} - {"pure"}:
        if METHODS[name].refuses(game, objective) is not None:
            continue
        equilibrium = pg.solve(game, objective, method=name)
        x, y = equilibrium.profile
        np.testing.assert_allclose([(x @ A).min(), (B @ y).min()], secured, rtol=0, atol=1e-9)
        np.testing.assert_allclose(equilibrium.utility, secured, rtol=0, atol=1e-9)
    assert len(pg.solve_all(game, objective)) == 1


@pytest.mark.parametrize("seed", range(3))
def test_saddle_points_stay_equilibria_for_every_lambda(seed):
    game = named_game(f"random_zero_sum:actions=5x4,seed={seed}")
    value = oracle.maximin(game.payoffs[0])
    saddle = pg.solve(game).profile
    for lam in (0, 0.2, 0.5, 1, 2, 10):
        objective = pg.PowerObjective(lam)
        assert oracle.scaled_regret(game.payoffs, objective, saddle) <= TOL
        assert any(distance(saddle, pair) <= 1e-7 for pair in pairs_of(pg.solve_all(game, objective)))
    np.testing.assert_allclose(pg.solve(game).task, [value, -value], rtol=0, atol=1e-9)


@pytest.mark.parametrize("lam", [0, 0.3, 2])
def test_equilibrium_reports_what_its_definition_says(lam):
    game = named_game("random_uniform:actions=3x4,seed=11")
    A, B = game.payoffs
    for equilibrium in pg.solve_all(game, pg.PowerObjective(lam, MATRIX)):
        x, y = equilibrium.profile
        task = np.array([x @ A @ y, x @ B @ y])
        rho = task - np.array([(x @ A).min(), (B @ y).min()])
        np.testing.assert_allclose(equilibrium.task, task, rtol=0, atol=1e-12)
        np.testing.assert_allclose(equilibrium.power, [[0, rho[0]], [rho[1], 0]], rtol=0, atol=1e-12)
        np.testing.assert_allclose(equilibrium.utility, task - lam * rho * [0.5, 2], rtol=0, atol=1e-12)


@pytest.mark.parametrize("exact", [False, True], ids=["float", "exact"])
def test_with_two_players_mean_sum_and_max_are_one_objective(exact):
    game = named_game("random_degenerate:actions=3x4,largest=5,seed=4")
    ones = np.array([[0, 1], [1, 0]])
    sets = [
        pairs_of(pg.solve_all(game, pg.PowerObjective("1/5", aggregate), exact=exact))
        for aggregate in ("mean", "sum", "max", ones)
    ]
    assert all(oracle.same_pairs(sets[0], other, 1e-12) for other in sets[1:])


def test_weights_scale_lambda_and_belong_to_the_ego():
    game = named_game("stag_hunt")
    scaled = pg.solve_all(game, pg.PowerObjective("1/5", [[0, 0.5], [0.5, 0]]))
    assert oracle.same_pairs(pairs_of(scaled), pairs_of(pg.solve_all(game, pg.PowerObjective("1/10"))), 1e-12)
    swapped = game.payoffs.transpose(0, 2, 1)[::-1]
    other = pg.solve_all(pg.NormalFormGame(swapped), pg.PowerObjective("1/10", MATRIX.T))
    here = pg.solve_all(game, pg.PowerObjective("1/10", MATRIX))
    assert oracle.same_pairs([pair[::-1] for pair in pairs_of(other)], pairs_of(here), 1e-12)


def test_weights_of_zero_are_nash():
    game = named_game("random_uniform:actions=4,seed=3")
    nash = pairs_of(pg.solve_all(game))
    nothing = pg.solve_all(game, pg.PowerObjective(5, np.zeros((2, 2))))
    assert oracle.same_pairs(pairs_of(nothing), nash, 1e-12)
    check(pg.solve(game, pg.PowerObjective(5, np.zeros((2, 2)))), game, pg.PowerObjective(5, np.zeros((2, 2))))


@pytest.mark.parametrize("exact", [False, True], ids=["float", "exact"])
def test_critical_lambda_of_the_stag_hunt(exact):
    game = named_game("stag_hunt")
    stag = (np.array([1, 0]), np.array([1, 0]))
    for lam, there in [("1/4", True), (Fraction(1, 4) - Fraction(1, 10**6), True), ("250001/1000000", False)]:
        pairs = pairs_of(pg.solve_all(game, pg.PowerObjective(lam), exact=exact))
        assert any(distance(stag, pair) == 0 for pair in pairs) is there


def test_the_adversarial_form_is_the_same_objective_in_normal_form():
    game = named_game("random_uniform:actions=4,seed=5")
    penalty = pg.solve_all(game, pg.PowerObjective("2/5"))
    adversarial = pg.solve_all(game, pg.PowerObjective("2/5", form="adversarial"))
    assert oracle.same_pairs(pairs_of(penalty), pairs_of(adversarial), 1e-12)


# --- selection --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lam", [0, "1/10", "1/3"])
@pytest.mark.parametrize(
    "spec",
    ["stag_hunt", "battle_of_the_sexes", "coordination:n=3", "random_covariant:actions=4,rho=0.7,seed=1"],
)
def test_selection(spec, lam):
    game, objective = named_game(spec), pg.PowerObjective(lam)
    everything = pg.solve_all(game, objective)
    richest = pg.solve(game, objective, select="welfare")
    check(richest, game, objective)
    assert richest.task.sum() == pytest.approx(max(e.task.sum() for e in everything), abs=1e-7)
    mildest = pg.solve(game, objective, select="power")
    check(mildest, game, objective)
    assert mildest.power.sum() <= min(e.power.sum() for e in everything) + 1e-7
    for selected in (richest, mildest):
        assert in_some_set(everything, selected.profile)


def test_selection_by_an_unknown_name_is_refused():
    with pytest.raises(pg.InputError, match="select") as caught:
        pg.solve(named_game("stag_hunt"), select="wealth")
    assert "\n" not in str(caught.value)


# --- pure equilibria --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", PURE_CASES, ids=case_id)
def test_pure_equilibria(case):
    found = pg.pure_equilibria(named_game(case.spec), pg.PowerObjective(aggregate=case.aggregate))
    assert {e.joint_action: (e.lam_min, e.lam_max) for e in found} == case.expected
    assert len(found) == len(case.expected)
    for e in found:
        assert isinstance(e.lam_min, Fraction)
        assert isinstance(e.lam_max, Fraction) or e.lam_max == float("inf")


@pytest.mark.parametrize("aggregate", ["mean", "sum", "max", "matrix"])
@pytest.mark.parametrize(("actions", "largest"), [("2x2x2", 1), ("2x3x2", 2), ("2x2x2", 5), ("3x2x2", 3)])
def test_pure_equilibria_of_three_players_agree_with_linear_programs(actions, largest, aggregate):
    weights = np.array([[0, 0.5, 2], [1, 0, 0], [0, 0, 0]]) if aggregate == "matrix" else aggregate
    objective = pg.PowerObjective(aggregate=weights)
    game = named_game(f"random_degenerate:players=3,actions={actions},largest={largest},seed={largest}")
    found = {e.joint_action: e for e in pg.pure_equilibria(game, objective)}
    for joint in itertools.product(*map(range, game.n_actions)):
        interval = oracle.pure_interval(game.exact_payoffs, objective, joint)
        assert (joint in found) == (interval is not None), (game.payoffs.tolist(), joint, interval)
        if interval is None:
            continue
        least, greatest = found[joint].lam_min, found[joint].lam_max
        assert (least, greatest) == tuple(
            Fraction(limit).limit_denominator(1000) if np.isfinite(limit) else limit for limit in interval
        )
        check_interval(game, objective, joint, least, greatest)


def check_interval(game, objective, joint, least, greatest):
    """The ends are exactly in, and what is just outside is out."""
    profile = [[Fraction(int(a == action)) for a in range(n)] for n, action in zip(game.n_actions, joint, strict=True)]

    def regret(lam):
        return pg.certify(game, profile, pg.PowerObjective(lam, objective.aggregate)).max_regret

    step = Fraction(1, 10**6)
    assert regret(least) == 0
    assert least == 0 or regret(least - step) > 0
    if greatest == float("inf"):
        assert regret(least + 1000) == 0
    else:
        assert regret(greatest) == 0
        assert regret(greatest + step) > 0


@pytest.mark.parametrize("aggregate", ["mean", "max"])
@pytest.mark.parametrize("seed", range(3))
def test_pure_equilibria_of_three_players_over_a_grid(seed, aggregate):
    game = named_game(f"random_degenerate:players=3,actions=2,largest=3,seed={10 + seed}")
    found = pg.pure_equilibria(game, pg.PowerObjective(aggregate=aggregate))
    for lam in ("0", "1/7", "1/3", "1/2", "2/3", "1", "5/2"):
        objective = pg.PowerObjective(lam, aggregate)
        contained = {e.joint_action for e in found if e.contains(Fraction(lam))}
        for joint in itertools.product(*map(range, game.n_actions)):
            profile = [np.eye(n)[action] for n, action in zip(game.n_actions, joint, strict=True)]
            regret = oracle.scaled_regret(game.payoffs, objective, profile)
            assert (joint in contained) == (regret <= TOL), (game.payoffs.tolist(), lam, joint, regret)


@pytest.mark.parametrize("seed", range(4))
def test_pure_equilibria_of_two_players_are_among_all(seed):
    game = named_game(f"random_uniform:actions=4,seed={seed}")
    found = pg.pure_equilibria(game)
    for lam in (0, 0.2, 0.7, 1.5):
        pure = {
            tuple(int(np.argmax(strategy)) for strategy in e.profile)
            for e in pg.solve_all(game, pg.PowerObjective(lam))
            if all(max(strategy) > 1 - 1e-9 for strategy in e.profile)
        }
        assert {e.joint_action for e in found if e.contains(lam)} == pure


def test_pure_equilibrium_contains_takes_any_number():
    stag = next(e for e in pg.pure_equilibria(named_game("stag_hunt")) if e.joint_action == (0, 0))
    assert stag.contains(0.25)
    assert stag.contains(Fraction(1, 4))
    assert stag.contains(0)
    assert not stag.contains(0.2500001)


# --- sweep ------------------------------------------------------------------------------------------------------------


def test_sweep_solves_every_lambda():
    game = named_game("stag_hunt")
    lams = [0, 0.1, 0.25, 0.5]
    path = pg.sweep(game, lams=lams, all_equilibria=True)
    assert path.lams.tolist() == lams
    assert [len(point.equilibria) for point in path] == [3, 3, 2, 1]
    assert all(point.converged for point in path)
    for point in pg.sweep(game, pg.PowerObjective(9, "max"), lams=lams):
        assert point.objective.aggregate == "max"
        (equilibrium,) = point.equilibria
        check(equilibrium, game, point.objective)


def test_sweep_with_several_jobs_gives_the_same():
    game = named_game("random_uniform:actions=4,seed=1")
    lams = np.linspace(0, 1, 5)
    one, two = (pg.sweep(game, lams=lams, all_equilibria=True, n_jobs=n) for n in (1, 2))
    for first, second in zip(one, two, strict=True):
        assert first.objective == second.objective
        assert oracle.same_pairs(pairs_of(first.equilibria), pairs_of(second.equilibria), 0)


# --- parameters -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lam", [0, 0.3])
@pytest.mark.parametrize("name", [None, *METHODS])
def test_arguments_are_not_modified_and_seeds_repeat(name, lam):
    payoffs = np.random.default_rng(5).random((2, 6, 6))
    payoffs[:, 0, 0] = 2.0
    game = pg.NormalFormGame(payoffs)
    objective = pg.PowerObjective(lam, MATRIX)
    if name and METHODS[name].refuses(game, objective) is not None:
        game, objective = pg.NormalFormGame.from_bimatrix(payoffs[0]), pg.PowerObjective(lam)
    before, matrix = game.payoffs.copy(), MATRIX.copy()
    start = [np.full(6, 1 / 6), np.full(6, 1 / 6)]
    limit = None if name in (None, *SURE) else 300
    first, second = (pg.solve(game, objective, method=name, start=start, max_iter=limit, seed=7) for _ in range(2))
    third = pg.solve(game, objective, method=name, start=start, max_iter=limit, seed=np.random.default_rng(7))
    for other in (second, third):
        assert all(np.array_equal(a, b) for a, b in zip(first.profile, other.profile, strict=True))
        assert other.iterations == first.iterations
    assert np.array_equal(game.payoffs, before)
    assert np.array_equal(matrix, MATRIX)
    assert all(np.array_equal(x, np.full(6, 1 / 6)) for x in start)
    if first.method in SURE and (first.method != "pure" or oracle.has_pure_equilibrium(game.payoffs, objective)):
        check(first, game, objective)


@pytest.mark.parametrize("seed", range(3))
def test_a_start_at_an_equilibrium_is_welcome(seed):
    game, objective = named_game(f"random_uniform:actions=4,seed={seed}"), pg.PowerObjective(0.2)
    for known in pg.solve_all(game, objective):
        check(pg.solve(game, objective, start=known.profile), game, objective)


def test_a_start_that_is_no_profile_is_refused():
    for start in ([[1, 0]], [[1, 0, 0], [1, 0]], [[0.7, 0.7], [1, 0]], [[np.nan, 1], [1, 0]]):
        with pytest.raises(pg.InputError) as caught:
            pg.solve(named_game("stag_hunt"), start=start)
        assert "\n" not in str(caught.value)


def test_unknown_methods_and_bad_numbers_are_refused():
    game = named_game("stag_hunt")
    for arguments in ({"method": "magic"}, {"tol": -1}, {"tol": float("nan")}, {"max_iter": 0}, {"max_iter": -3}):
        with pytest.raises(pg.InputError) as caught:
            pg.solve(game, **arguments)
        assert "\n" not in str(caught.value)
        assert next(iter(arguments)) in str(caught.value)


def test_too_few_iterations_are_reported():
    for lam, exact in itertools.product((0, 0.3), (False, True)):
        equilibrium = pg.solve(NO_PURE, pg.PowerObjective(lam), method="lemke", max_iter=1, exact=exact)
        assert equilibrium.status is pg.Status.MAX_ITER
        assert not equilibrium.converged
        assert not equilibrium.certificate.passed
        assert "max_iter" in equilibrium.status.value
        check(pg.solve(NO_PURE, pg.PowerObjective(lam), method="lemke", exact=exact), NO_PURE, pg.PowerObjective(lam))


@pytest.mark.parametrize("lam", [0, 0.3])
@pytest.mark.parametrize("name", [None, *METHODS])
def test_callback_hears_of_progress(name, lam):
    calls = []
    game = named_game("random_zero_sum:actions=12,seed=2")
    if name and METHODS[name].refuses(game, pg.PowerObjective(lam)) is not None:
        pytest.skip("refused")
    pg.solve(game, pg.PowerObjective(lam), method=name, max_iter=200, callback=lambda *call: calls.append(call))
    assert calls
    for stage, done, total in calls:
        assert isinstance(stage, str)
        assert done >= 0
        assert total == 0 or done <= total


def test_callback_of_solve_all_hears_of_progress():
    calls = []
    pg.solve_all(named_game("von_stengel"), callback=lambda *call: calls.append(call))
    assert calls
    assert all(isinstance(stage, str) for stage, _, _ in calls)


def test_nothing_is_printed(capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        game = named_game("random_uniform:actions=4,seed=1")
        for objective in (pg.PowerObjective(), pg.PowerObjective(0.3)):
            pg.solve(game, objective)
            pg.solve_all(game, objective)
            pg.solve(game, objective, select="welfare")
        pg.sweep(game, lams=[0, 0.5])
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""


@pytest.mark.parametrize("method", METHODS)
def test_every_method_keeps_a_time_limit(method):
    """What a method has met by then is returned, and the status says why it ended."""
    lam = 1 if method == "linear_program" else 0.3
    payoffs = np.random.default_rng(1).random((2, 150, 150))
    # What has to be compiled takes its time.
    pg.solve(pg.load("stag_hunt"), pg.PowerObjective(lam), method=method)
    # On a fast processor these end before.
    quick = method in ("pure", "linear_program", "sequential_best_response")
    limit = 0.0 if quick else 0.02
    began = time.monotonic()
    equilibrium = pg.solve(pg.NormalFormGame(payoffs), pg.PowerObjective(lam), method=method, time_limit=limit)
    assert time.monotonic() - began < 10
    assert equilibrium.status is pg.Status.TIME_LIMIT
    assert equilibrium.certificate.scaled_regret < (1 if method == "pure" else 0.4)
    assert equilibrium.blocks()[-1].startswith("FAILED: NOT an equilibrium within tolerance")


@pytest.mark.parametrize("lam", [0.3, 1])
def test_the_best_profile_met_is_returned_in_time(lam):
    game = pg.NormalFormGame(np.random.default_rng(0).random((2, 150, 150)))
    start = pg.certify(game, game.uniform_profile(), pg.PowerObjective(lam))
    hurried = pg.solve(game, pg.PowerObjective(lam), time_limit=0.01)
    assert hurried.status is pg.Status.TIME_LIMIT
    assert hurried.certificate.scaled_regret <= 3 * start.scaled_regret


def test_exact_paths_keep_a_time_limit():
    game = pg.NormalFormGame(np.random.default_rng(0).integers(0, 99, (2, 20, 20)))
    equilibrium = pg.solve(game, pg.PowerObjective(0.3), exact=True, time_limit=0.01)
    assert equilibrium.status is pg.Status.TIME_LIMIT
    assert equilibrium.exact


@pytest.mark.parametrize("lam", [0.3, 1])
def test_a_selection_that_ran_out_of_time_is_not_called_the_best(lam):
    game = pg.NormalFormGame(np.random.default_rng(0).random((2, 12, 12)))
    assert pg.solve(game, pg.PowerObjective(lam), select="welfare", time_limit=0).status is pg.Status.TIME_LIMIT


@pytest.mark.parametrize("exact", [False, True])
def test_a_selection_whose_program_points_at_no_equilibrium_fails(exact, monkeypatch):
    nobody = np.zeros(8, dtype=bool), pg.Status.TIME_LIMIT
    monkeypatch.setattr(selection, "_best_supports", lambda *_: nobody)
    found = pg.solve(pg.load("stag_hunt"), 0.3, select="welfare", exact=exact)
    assert found.status is pg.Status.TIME_LIMIT


def test_a_failure_says_that_it_is_no_equilibrium():
    equilibrium = pg.solve(pg.load("shapley"), method="fictitious_play", start=[[1, 0, 0], [0, 1, 0]], max_iter=5)
    *_, status, last = equilibrium.blocks()
    assert last.startswith("FAILED: NOT an equilibrium within tolerance 1e-08; largest regret 0.333")
    assert "MAX_ITER: The iteration limit was reached; raise max_iter" in status


@pytest.mark.parametrize("lam", [0.0, 0.3, 1.0, 2.5])
def test_both_forms_of_lemkes_path_lead_to_the_same_equilibrium(lam):
    rng = np.random.default_rng(7)
    m, n = 6, 7
    row, column = rng.random((2, m, n))
    prior = tuple(rng.dirichlet(np.ones(size)) for size in (m, n, n, m))
    matrix, constants = dictionaries.path_lcp(row, row, column, column, lam, lam)
    groups = prior if lam else prior[:2]
    state = dictionaries.start(matrix, constants, dictionaries.cover(matrix, np.concatenate(groups)))
    pivots = dictionaries.run(*state, 1_000)
    expected = dictionaries.read(state[0], state[1])
    payoffs = row, np.ascontiguousarray(row.T), column, np.ascontiguousarray(column.T)
    first, second, ended = prior_path.start(payoffs, (lam, lam), prior, rng.random(2 * (m + n)))
    made = prior_path.run(first, second, ended, 1_000)
    assert ended[0] == prior_path.SOLVED
    # The dictionary counts the pivots in which the strategies and levels of the first answers enter.
    assert made == pivots - 2 * len(groups)
    (x, w), (y, z) = prior_path.read(first), prior_path.read(second)
    found = np.concatenate([x, y, z, w] if lam else [x, y])
    assert found == pytest.approx(expected[: len(found)], abs=1e-12)


@pytest.mark.parametrize("lam", [0.0, 0.3, 1.0, 2.0])
def test_lemke_in_large_games_whose_payoffs_tie(lam):
    # Zeros and ones: nearly every ratio test ties.
    payoffs = np.random.default_rng(1).integers(0, 2, (2, 25, 22)).astype(float)
    for game in (pg.NormalFormGame(payoffs), pg.NormalFormGame(np.stack([payoffs[0], 1.0 - payoffs[0]]))):
        equilibrium = pg.solve(game, lam, method="lemke")
        assert equilibrium.converged
        assert equilibrium.certificate.scaled_regret <= TOL


def test_lemke_in_a_large_game_begins_at_the_start_and_obeys_its_limit():
    game = named_game("random_uniform:actions=45x43,seed=3")
    once = pg.solve(game, 0.3, method="lemke")
    assert once.converged
    again = pg.solve(game, 0.3, method="lemke", start=once.profile)
    assert again.converged
    short = pg.solve(game, 0.3, method="lemke", max_iter=4)
    assert (short.status.name, short.iterations) == ("MAX_ITER", 4)
