"""Games of more than two players: what every method finds, held against the oracle; hard numbers; honest failures.

``POWERGAMES_HYPOTHESIS=5000`` tries that many random degenerate games, and every family of hard numbers at every
objective, instead of the few of a quick run.
"""

from __future__ import annotations

import itertools
import os
import time
import warnings

import numpy as np
import oracle
import pytest
from cases import CHASE, MANY_PLAYER_CASES, PURE_CASES, THREE_PENNIES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import powergames as pg
from powergames.games.catalog.normal_form import named_game
from powergames.solvers import METHODS
from powergames.solvers.normal_form.best_response import DampedBestResponse
from powergames.solvers.normal_form.iteration import iterate

# What `solve` is content with, and what it is expected to reach where numbers are not hard.
TOL, SHARP = 1e-8, 1e-9
SECONDS_PER_GAME = 20.0
THOROUGH = "POWERGAMES_HYPOTHESIS" in os.environ
EXAMPLES = int(os.environ.get("POWERGAMES_HYPOTHESIS", "25"))
QUICKLY = settings(
    max_examples=EXAMPLES, deadline=None, derandomize=not THOROUGH, suppress_health_check=[HealthCheck.too_slow]
)

# The default and the sure path must always succeed, the fast path must never be wrong.
SURE = [None, "logit"]
FAST = [*SURE, "ipa"]
ITERATIVE = [
    name
    for name in (
        "damped_best_response",
        "sequential_best_response",
        "fictitious_play",
        "regret_matching",
        "mirror_descent",
        "anderson",
    )
    if name in METHODS
]
# Steps that an iterative method gets for a small game.
STEPS = 200

# Weights by number of players; some co-players hold power that nobody minds, some weights exceed 1.
WEIGHTS = {
    1: [[0]],
    3: [[0, 1, 0.25], [2, 0, 0], [0, 0.5, 0]],
    4: [[0, 1, 0, 0.5], [0.25, 0, 2, 0], [0, 0, 0, 0], [1, 0.5, 0.125, 0]],
}
LAMS = ("0", "0.1", "0.3", "0.6", "1", "3")
AGGREGATES = ("mean", "sum", "max", "weights")


def objective_for(game, lam, aggregate):
    return pg.PowerObjective(lam, WEIGHTS[game.n_players] if aggregate == "weights" else aggregate)


KINDS = [("0", "mean"), *itertools.product(LAMS[1:], AGGREGATES)]


class TimeUpError(Exception):
    """A solve takes longer than any solve may."""


def solve(game, objective, name=None, **options):
    """Solve, but not for long."""
    start = time.perf_counter()

    def stop_in_time(stage, done, total):
        if time.perf_counter() - start > SECONDS_PER_GAME:
            raise TimeUpError(f"{name}: {stage}, {done} of {total}")

    equilibrium = pg.solve(game, objective, method=name, callback=stop_in_time, **options)
    assert time.perf_counter() - start <= SECONDS_PER_GAME, (name, game.payoffs.tolist(), objective)
    return equilibrium


def check_honest(equilibrium, game, objective, tol=TOL):
    """The status says what the certificate says, and the certificate what an independent computation says."""
    message = equilibrium.method, game.payoffs.tolist(), objective, equilibrium
    assert equilibrium.converged == equilibrium.certificate.passed, message
    for strategy, size in zip(equilibrium.profile, game.n_actions, strict=True):
        assert strategy.shape == (size,), message
        assert min(strategy) >= 0, message
        assert abs(sum(strategy) - 1) <= 1e-12, message
    if equilibrium.converged:
        assert oracle.scaled_regret(game.payoffs, objective, equilibrium.profile) <= tol, message


def check(equilibrium, game, objective, tol=TOL):
    """An equilibrium that is one."""
    message = equilibrium.method, game.payoffs.tolist(), objective, equilibrium
    assert equilibrium.status is pg.Status.CONVERGED, message
    check_honest(equilibrium, game, objective, tol)
    assert equilibrium.game is game
    assert equilibrium.objective == objective


def attempt(game, objective, name, tol=TOL, **options):
    """Solve with one method and hold it to what it promises."""
    equilibrium = solve(game, objective, name, **options)
    promised = check if name in SURE else check_honest
    promised(equilibrium, game, objective, tol)
    return equilibrium


def limit(name):
    """Iterative methods need not end by themselves soon."""
    return STEPS if name in ITERATIVE else None


def as_floats(profile):
    return [np.array(strategy, dtype=float) for strategy in profile]


def distance(first, second):
    return max(np.abs(a - b).max() for a, b in zip(as_floats(first), as_floats(second), strict=True))


def random_game(seed, *shape):
    return np.random.default_rng([seed, *shape]).random((len(shape), *shape))


def case_id(case):
    return case.id


@pytest.fixture(scope="module", autouse=True)
def _compiled():
    """Compile or load the kernels once, so that no game is charged for it."""
    game = pg.NormalFormGame(random_game(0, 2, 3, 2))
    for name, lam in itertools.product((None, *METHODS), (0, 0.3)):
        if name is None or METHODS[name].refuses(game, pg.PowerObjective(lam)) is None:
            pg.solve(game, pg.PowerObjective(lam), method=name, max_iter=20 if name in ITERATIVE else None)


# --- known values -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", MANY_PLAYER_CASES, ids=case_id)
def test_known_equilibria_are_equilibria(case):
    for profile in case.profiles:
        assert oracle.scaled_regret(case.game.payoffs, case.objective, profile) <= 1e-15
        assert pg.certify(case.game, as_floats(profile), case.objective).scaled_regret <= 1e-15


def test_independent_regret_sees_mixed_deviations():
    # Against an even co-player, at c = 1/2, either action of the first player risks 1 and an even mixture nothing.
    even, profile = [0.5, 0.5], [[1, 0], [0.5, 0.5], [0.5, 0.5]]
    for lam, aggregate in ((1, "mean"), (0.5, "sum"), (0.5, "max")):
        objective = pg.PowerObjective(lam, aggregate)
        assert oracle.scaled_regret(THREE_PENNIES, objective, profile) == 0.25
        assert oracle.scaled_regret(THREE_PENNIES, objective, [even] * 3) == 0
        assert oracle.scaled_regret_in_floats(THREE_PENNIES, objective, as_floats(profile)) == pytest.approx(0.25)


@pytest.mark.parametrize("case", MANY_PLAYER_CASES, ids=case_id)
@pytest.mark.parametrize("name", FAST)
def test_solvers_find_known_equilibria(name, case):
    equilibrium = attempt(case.game, case.objective, name, SHARP)
    if equilibrium.converged:
        assert min(distance(equilibrium.profile, profile) for profile in case.profiles) <= 1e-6


@pytest.mark.parametrize("lam", [0, 0.3, 0.6, 1])
@pytest.mark.parametrize("joint", [(0, 0, 0), (1, 1, 1)], ids=str)
@pytest.mark.parametrize("name", FAST)
def test_assembly_line_up_to_its_critical_lambda(name, joint, lam):
    game, objective = named_game("assembly_line"), pg.PowerObjective(lam)
    start = [np.eye(2)[action] for action in joint]
    assert (oracle.scaled_regret(game.payoffs, objective, start) == 0) == (joint == (1, 1, 1) or lam <= 2 / 3)
    attempt(game, objective, name, SHARP, start=start)


@pytest.mark.parametrize("case", [case for case in PURE_CASES if named_game(case.spec).n_players > 2], ids=case_id)
def test_pure_search_finds_exactly_where_pure_equilibria_are(case):
    game = named_game(case.spec)
    for lam in (0, 0.15, 0.3, 0.45, 0.6, 0.75, 3):
        objective = pg.PowerObjective(lam, case.aggregate)
        equilibrium = solve(game, objective, "pure")
        check_honest(equilibrium, game, objective)
        assert equilibrium.converged == any(least <= lam <= most for least, most in case.expected.values())


@pytest.mark.parametrize("name", FAST)
def test_at_lambda_one_all_secure_what_they_can(name):
    # Everybody depends on one co-player alone, who is the one taken over: min(2 p, 1 - p) is greatest at p = 1/3.
    game, objective = pg.NormalFormGame(CHASE), pg.PowerObjective(1, "max")
    equilibrium = attempt(game, objective, name)
    if equilibrium.converged:
        np.testing.assert_allclose(equilibrium.utility, [2 / 3] * 3, rtol=0, atol=1e-8)


def test_equilibrium_reports_what_its_definition_says():
    game = pg.NormalFormGame(random_game(4, 2, 3, 2))
    u = game.payoffs
    for aggregate in ("mean", "max", "weights"):
        objective = objective_for(game, "0.3", aggregate)
        equilibrium = solve(game, objective)
        x = equilibrium.profile
        task = np.einsum("iabc,a,b,c->i", u, *x)
        against = {
            0: np.einsum("iabc,b,c->ia", u, x[1], x[2]),
            1: np.einsum("iabc,a,c->ib", u, x[0], x[2]),
            2: np.einsum("iabc,a,b->ic", u, x[0], x[1]),
        }
        power = np.array([[0 if i == j else task[i] - against[j][i].min() for j in range(3)] for i in range(3)])
        charge = power.max(axis=1) if aggregate == "max" else (objective.weights(3) * power).sum(axis=1)
        np.testing.assert_allclose(equilibrium.task, task, rtol=0, atol=1e-12)
        np.testing.assert_allclose(equilibrium.power, power, rtol=0, atol=1e-12)
        np.testing.assert_allclose(equilibrium.utility, task - 0.3 * charge, rtol=0, atol=1e-12)


# --- every method on named and random games ---------------------------------------------------------------------------

GAMES = {
    "assembly line": named_game("assembly_line"),
    "minimum effort": named_game("minimum_effort:efforts=3"),
    "chase": pg.NormalFormGame(CHASE),
    "3x3x3": pg.NormalFormGame(random_game(1, 3, 3, 3)),
    "4x2x3": pg.NormalFormGame(random_game(2, 4, 2, 3)),
    "opposed 3x3x3": named_game("random_covariant:players=3,actions=3,rho=-0.5,seed=4"),
    "2x2x2x2": pg.NormalFormGame(random_game(3, 2, 2, 2, 2)),
    "3x2x3x2": pg.NormalFormGame(random_game(4, 3, 2, 3, 2)),
}


@pytest.mark.parametrize(("lam", "aggregate"), KINDS, ids=str)
@pytest.mark.parametrize("game", GAMES.values(), ids=GAMES)
@pytest.mark.parametrize("name", FAST)
def test_every_game_at_every_objective(name, game, lam, aggregate):
    attempt(game, objective_for(game, lam, aggregate), name, SHARP)


@pytest.mark.parametrize("game", GAMES.values(), ids=GAMES)
@pytest.mark.parametrize("name", [name for name in METHODS if name not in FAST])
def test_every_other_method_is_honest(name, game):
    for k, (lam, aggregate) in enumerate(KINDS):
        if name in ITERATIVE and not THOROUGH and k % 10:
            continue
        objective = objective_for(game, lam, aggregate)
        reason = METHODS[name].refuses(game, objective)
        if reason is not None:
            with pytest.raises(pg.InputError) as caught:
                pg.solve(game, objective, method=name)
            assert reason in str(caught.value)
            continue
        equilibrium = solve(game, objective, name, max_iter=limit(name))
        assert equilibrium.method == name
        check_honest(equilibrium, game, objective)
        if name == "pure":
            assert equilibrium.converged == oracle.has_pure_equilibrium(game.payoffs, objective)


@pytest.mark.parametrize("lam", [0, 0.3])
@pytest.mark.parametrize("shape", [(6, 6, 6), (10, 2, 7), (4, 4, 4, 4), (3, 3, 3, 3, 3), (2,) * 7], ids=str)
@pytest.mark.parametrize("name", FAST)
def test_larger_games(name, shape, lam):
    game, objective = pg.NormalFormGame(random_game(5, *shape)), pg.PowerObjective(lam)
    equilibrium = solve(game, objective, name)
    assert equilibrium.converged == equilibrium.certificate.passed
    if name in SURE:
        assert equilibrium.status is pg.Status.CONVERGED
        assert oracle.scaled_regret_in_floats(game.payoffs, objective, equilibrium.profile) <= SHARP


# --- hard numbers -----------------------------------------------------------------------------------------------------


def zero_sum(seed, *shape):
    payoffs = random_game(seed, *shape)
    payoffs[-1] = -payoffs[:-1].sum(axis=0)
    return payoffs


def identical(seed, *shape):
    return np.repeat(random_game(seed, *shape)[:1], len(shape), axis=0)


def symmetric(seed, n, size):
    """What one gets depends on one's own action and, alike, on those of all others."""
    one = np.random.default_rng(seed).random((size,) * n)
    others = range(1, n)
    one = sum(one.transpose(0, *order) for order in itertools.permutations(others)) / len(others)
    return np.stack([np.moveaxis(one, 0, player) for player in range(n)])


def two_teams(seed, *shape):
    """Players 0 and 1 against the rest."""
    one = random_game(seed, *shape)[0]
    return np.stack([one if player < 2 else -one for player in range(len(shape))])


def degenerate(seed, *shape):
    return np.random.default_rng([seed, *shape]).integers(2, size=(len(shape), *shape)).astype(float)


def indifferent(seed, *shape):
    """Games in which nobody's own action matters to them, only to others."""
    payoffs = random_game(seed, *shape)
    return np.stack([np.repeat(own.take([0], i), own.shape[i], i) for i, own in enumerate(payoffs)])


BASES = {
    "3x2x3": random_game(6, 3, 2, 3),
    "2x3x2x2": random_game(7, 2, 3, 2, 2),
    "no pure equilibrium": random_game(2, 3, 3, 3),
    "zero-sum": zero_sum(8, 2, 3, 2),
    "identical interest": identical(9, 3, 2, 2),
    "symmetric": symmetric(10, 3, 3),
    "symmetric, four players": symmetric(11, 4, 2),
    "two teams": two_teams(12, 2, 2, 2, 2),
    "three pennies": np.array(THREE_PENNIES, dtype=float),
    "degenerate": degenerate(13, 3, 3, 2),
    "degenerate, four players": degenerate(14, 2, 2, 2, 2),
}


def scales(*factors):
    """Rescale single players."""

    def change(payoffs):
        own = np.resize(factors, len(payoffs))
        return payoffs * own.reshape(-1, *[1] * (payoffs.ndim - 1))

    return change


def duplicated_actions(payoffs):
    """Give every player the first action twice."""
    for axis in range(1, payoffs.ndim):
        payoffs = np.take(payoffs, [0, *range(payoffs.shape[axis])], axis=axis)
    return payoffs


def nearly_duplicated_actions(payoffs):
    payoffs = duplicated_actions(payoffs)
    return payoffs + 1e-9 * np.random.default_rng(2).uniform(-1, 1, payoffs.shape)


def dominated_actions(payoffs):
    """Give the first two players an action that is worse than all others, whatever happens."""
    for axis in (1, 2):
        worse = np.take(payoffs, [0], axis=axis).copy()
        worse[axis - 1] = payoffs[axis - 1].min(axis=axis - 1, keepdims=True) - 1
        payoffs = np.concatenate([payoffs, worse], axis=axis)
    return payoffs


def constant_action(payoffs):
    return np.concatenate([payoffs, np.full_like(payoffs[:, :1], payoffs.mean())], axis=1)


def one_player_indifferent(payoffs):
    return np.concatenate([payoffs[:-1], np.full_like(payoffs[-1:], 7.0)])


def one_great_payoff(payoffs):
    return np.where(np.arange(payoffs.size).reshape(payoffs.shape) == 5, 1e9, payoffs)


CHANGES = {
    "as they are": scales(1),
    "times 1e9": scales(1e9),
    "times 1e-9": scales(1e-9),
    "times 1e150": scales(1e150),
    "plus 1e6": lambda payoffs: payoffs + 1e6,
    "minus 1e9": lambda payoffs: 1e3 * payoffs - 1e9,
    "one player times 1e9": scales(1e9, 1, 1, 1),
    "one player times 1e-9": scales(1, 1, 1e-9, 1),
    "unequal scales": scales(1e9, 1e-9, 1, 1e3),
    "duplicated actions": duplicated_actions,
    "nearly duplicated actions": nearly_duplicated_actions,
    "nearly equal everything": lambda payoffs: 1 + 1e-12 * payoffs,
    "dominated actions": dominated_actions,
    "constant action": constant_action,
    "one player indifferent": one_player_indifferent,
    "one great payoff": one_great_payoff,
}

SINGLE = {
    "one player": [[1, 3, 3]],
    "1x1x1": np.array([5, -3, 0]).reshape(3, 1, 1, 1),
    "1x1x1x1": np.zeros((4, 1, 1, 1, 1)),
    "1x1x3": [[[[1, 2, 3]]], [[[0, 0, 0]]], [[[2, 5, 5]]]],
    "3x1x2": random_game(15, 3, 1, 2),
    "1x2x3": random_game(16, 1, 2, 3),
    "2x1x2x1": random_game(17, 2, 1, 2, 1),
    "2x1x2x3": random_game(18, 2, 1, 2, 3),
    "all zeros": np.zeros((3, 2, 3, 2)),
    "all equal": np.full((4, 2, 2, 2, 2), 1e9),
    "own action does not matter": indifferent(21, 2, 3, 2),
    "denormal": random_game(19, 2, 2, 2) * 1e-310,
    "greatest range": (2 * random_game(20, 2, 2, 2) - 1) * 8e307,
}


def objectives_for(game, number):
    """Nash and one other objective, another one for every game; in a thorough run all of them."""
    kinds = KINDS if THOROUGH else [KINDS[0], KINDS[1 + number % (len(KINDS) - 1)]]
    return [objective_for(game, *kind) for kind in kinds]


def test_families_are_what_they_are_called():
    assert not oracle.has_pure_equilibrium(BASES["no pure equilibrium"], pg.PowerObjective())
    np.testing.assert_allclose(BASES["zero-sum"].sum(axis=0), 0, atol=1e-15)
    for name in ("symmetric", "symmetric, four players"):
        u = BASES[name]
        np.testing.assert_allclose(u[0], u[1].swapaxes(0, 1), rtol=0, atol=1e-15)
        np.testing.assert_allclose(u[0], u[0].swapaxes(1, 2), rtol=0, atol=1e-15)
    dominated = dominated_actions(BASES["3x2x3"])
    assert (dominated[0, -1] < dominated[0, :-1]).all()
    assert (dominated[1, :, -1] < dominated[1, :, :-1].min(axis=1)).all()


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("change", CHANGES)
def test_hard_numbers(change, base):
    game = pg.NormalFormGame(CHANGES[change](BASES[base]))
    number = 5 * list(CHANGES).index(change) + list(BASES).index(base)
    for objective, name in itertools.product(objectives_for(game, number), FAST):
        attempt(game, objective, name)


@pytest.mark.parametrize("lam", [0, 0.3, 1, 2])
@pytest.mark.parametrize("special", SINGLE)
def test_special_games(special, lam):
    game = pg.NormalFormGame(SINGLE[special])
    for aggregate, name in itertools.product(("mean", "max"), FAST):
        attempt(game, pg.PowerObjective(lam, aggregate), name)


@pytest.mark.parametrize("lam", [1e6, 1e3, 1e-3, 1e-9, 1e-12, 1 - 1e-12, 1 + 1e-12])
@pytest.mark.parametrize("base", ["3x2x3", "three pennies", "degenerate, four players"])
def test_extreme_lambdas(base, lam):
    game = pg.NormalFormGame(BASES[base])
    for name in FAST:
        attempt(game, pg.PowerObjective(lam, "sum"), name)


@pytest.mark.parametrize("lam", [1e6, 1e-12])
@pytest.mark.parametrize("kind", ["one large payoff each", "payoffs of all sizes"])
def test_extreme_lambdas_and_payoffs(kind, lam):
    for seed in range(5):
        chance = np.random.default_rng(seed)
        payoffs = chance.random((3, 3, 3, 3))
        if kind == "one large payoff each":
            for player in range(3):
                payoffs[(player, *chance.integers(0, 3, 3))] = 1e6
        else:
            payoffs = 10 ** chance.uniform(-6, 6, payoffs.shape)
        equilibrium = pg.solve(pg.NormalFormGame(payoffs), lam)
        assert equilibrium.status is pg.Status.CONVERGED
        assert oracle.scaled_regret(payoffs, equilibrium.objective, equilibrium.profile) <= 1e-8


# --- random degenerate games ------------------------------------------------------------------------------------------


@st.composite
def degenerate_games(draw):
    n_players = draw(st.sampled_from((3, 3, 4)))
    shape = tuple(draw(st.integers(1, 3 if n_players == 3 else 2)) for _ in range(n_players))
    size, largest = n_players * int(np.prod(shape)), draw(st.integers(1, 4))
    payoffs = draw(st.lists(st.integers(0, largest), min_size=size, max_size=size))
    return pg.NormalFormGame(np.reshape(payoffs, (n_players, *shape)))


@QUICKLY
@given(game=degenerate_games(), kind=st.sampled_from(KINDS))
def test_degenerate_games_are_solved(game, kind):
    objective = objective_for(game, *kind)
    for name in FAST:
        attempt(game, objective, name)


@settings(QUICKLY, max_examples=max(EXAMPLES // 4, 1))
@given(game=degenerate_games(), kind=st.sampled_from(KINDS))
def test_iterative_methods_are_honest_in_degenerate_games(game, kind):
    objective = objective_for(game, *kind)
    for name in ITERATIVE:
        if METHODS[name].refuses(game, objective) is None:
            check_honest(solve(game, objective, name, max_iter=200), game, objective)


# --- parameters -------------------------------------------------------------------------------------------------------

NO_PURE = pg.NormalFormGame(BASES["no pure equilibrium"])
ANY = [None, *(name for name in METHODS if METHODS[name].refuses(NO_PURE, pg.PowerObjective()) is None)]


@pytest.mark.parametrize("lam", [0, 0.3])
@pytest.mark.parametrize("name", ANY)
def test_arguments_are_not_modified_and_seeds_repeat(name, lam):
    matrix = np.array(WEIGHTS[3])
    game, objective = NO_PURE, pg.PowerObjective(lam, matrix)
    before, given_matrix = game.payoffs.copy(), matrix.copy()
    start = [np.array([0.5, 0.25, 0.25]), np.array([0.0, 1.0, 0.0]), np.array([0.2, 0.3, 0.5])]
    copies = [strategy.copy() for strategy in start]
    options = {"start": start, "max_iter": limit(name)}
    first, second = (solve(game, objective, name, seed=7, **options) for _ in range(2))
    third = solve(game, objective, name, seed=np.random.default_rng(7), **options)
    for other in (second, third):
        assert all(np.array_equal(a, b) for a, b in zip(first.profile, other.profile, strict=True))
        assert (other.iterations, other.status, other.method) == (first.iterations, first.status, first.method)
    assert np.array_equal(game.payoffs, before)
    assert np.array_equal(matrix, given_matrix)
    assert all(np.array_equal(a, b) for a, b in zip(start, copies, strict=True))
    check_honest(first, game, objective)


@pytest.mark.parametrize("joint", [(0, 0, 0), (1, 1, 1), (2, 2, 2)], ids=str)
@pytest.mark.parametrize("name", [name for name in ("ipa", *ITERATIVE) if name in METHODS])
def test_a_strict_equilibrium_is_kept(name, joint):
    game, objective = named_game("minimum_effort:efforts=3"), pg.PowerObjective("1/10")
    start = [np.eye(3)[action] for action in joint]
    assert oracle.scaled_regret(game.payoffs, objective, start) == 0
    equilibrium = solve(game, objective, name, start=start)
    check(equilibrium, game, objective)
    assert distance(equilibrium.profile, start) <= 1e-9


@pytest.mark.parametrize("lam", [0, 0.1, 3])
@pytest.mark.parametrize("name", FAST)
def test_any_start_will_do(name, lam):
    for game in (NO_PURE, named_game("assembly_line"), pg.NormalFormGame(SINGLE["one player"])):
        for start in (game.uniform_profile(), [np.eye(size)[0] for size in game.n_actions]):
            attempt(game, pg.PowerObjective(lam), name, start=start)


def test_any_start_will_do_for_exact_pure_equilibria():
    game = named_game("assembly_line")
    for start in (None, [[0, 1]] * 3, [[0.5, 0.5]] * 3):
        equilibrium = pg.solve(game, pg.PowerObjective("1/10"), exact=True, start=start)
        check(equilibrium, game, pg.PowerObjective("1/10"), 0)


@pytest.mark.parametrize("name", ANY)
def test_a_start_that_is_no_profile_is_refused(name):
    third = np.full(3, 1 / 3)
    for start in ([third, third], [third, third, [0.5, 0.5]], [third, third, [0.7, 0.7, 0.0]]):
        with pytest.raises(pg.InputError) as caught:
            pg.solve(NO_PURE, method=name, start=start)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("lam", [0, 0.3])
@pytest.mark.parametrize("name", [name for name in ANY if name not in (None, "pure")])
def test_too_few_iterations_are_reported(name, lam):
    objective = pg.PowerObjective(lam)
    for game in (NO_PURE, pg.NormalFormGame(random_game(5, 6, 6, 6))):
        equilibrium = solve(game, objective, name, max_iter=1)
        assert equilibrium.iterations <= 1
        check_honest(equilibrium, game, objective)
        assert equilibrium.status is pg.Status.MAX_ITER or equilibrium.converged
    assert equilibrium.status is pg.Status.MAX_ITER


@pytest.mark.parametrize("lam", [0, 0.3])
@pytest.mark.parametrize("name", ANY)
def test_callback_hears_of_progress(name, lam):
    calls = []
    game = pg.NormalFormGame(random_game(5, 6, 6, 6))
    pg.solve(game, pg.PowerObjective(lam), method=name, max_iter=limit(name), callback=lambda *call: calls.append(call))
    assert calls
    for stage, done, total in calls:
        assert isinstance(stage, str)
        assert done >= 0
        assert total == 0 or done <= total


@pytest.mark.parametrize("name", ANY)
def test_a_callback_can_stop_the_work(name):
    def stop(stage, done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pg.solve(pg.NormalFormGame(random_game(5, 6, 6, 6)), pg.PowerObjective(0.3), method=name, callback=stop)


@pytest.mark.parametrize("name", ANY)
def test_nothing_is_printed(name, capfd):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for lam in (0, 0.3, 3):
            pg.solve(NO_PURE, pg.PowerObjective(lam), method=name, max_iter=limit(name))
    captured = capfd.readouterr()
    assert captured.out == captured.err == ""


# --- honest failures --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [1e-2, 1e-6, 1e-12, 1e-300])
@pytest.mark.parametrize("lam", [0, 0.3])
@pytest.mark.parametrize("game", ["assembly line", "minimum effort", "opposed 3x3x3"])
def test_small_steps_are_not_taken_for_convergence(game, lam, step):
    game, objective = GAMES[game], pg.PowerObjective(lam)
    run = iterate(game, objective, rule=DampedBestResponse(step=step), max_iter=100)
    equilibrium = run.equilibrium
    assert oracle.scaled_regret(game.payoffs, objective, equilibrium.profile) > 1e-3
    assert equilibrium.status in (pg.Status.MAX_ITER, pg.Status.STALLED)
    check_honest(equilibrium, game, objective)
