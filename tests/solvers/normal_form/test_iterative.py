"""Iterative methods: what theory promises of them, and that they never claim more than the certificate."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
import oracle
import pytest
from cases import CHASE, MANY_PLAYER_CASES, THREE_PENNIES

import powergames as pg
from powergames.solvers.common import Options, certified
from powergames.solvers.normal_form.anderson import METHOD as ANDERSON
from powergames.solvers.normal_form.anderson import Anderson, projected
from powergames.solvers.normal_form.best_response import DAMPED, SEQUENTIAL, DampedBestResponse, SequentialBestResponse
from powergames.solvers.normal_form.extended import ExtendedGame
from powergames.solvers.normal_form.fictitious_play import METHOD as FICTITIOUS_PLAY
from powergames.solvers.normal_form.fictitious_play import FictitiousPlay
from powergames.solvers.normal_form.iteration import iterate
from powergames.solvers.normal_form.mirror_descent import METHOD as MIRROR_DESCENT
from powergames.solvers.normal_form.mirror_descent import MirrorDescent
from powergames.solvers.normal_form.regret_matching import METHOD as REGRET_MATCHING
from powergames.solvers.normal_form.regret_matching import RegretMatching

METHODS = {
    method.name: method for method in (DAMPED, SEQUENTIAL, FICTITIOUS_PLAY, REGRET_MATCHING, MIRROR_DESCENT, ANDERSON)
}
RULES = {
    rule.name: rule
    for rule in (
        DampedBestResponse(),
        SequentialBestResponse(),
        FictitiousPlay(),
        RegretMatching(),
        MirrorDescent(),
        Anderson(),
    )
}
LEARNERS = ["fictitious_play", "regret_matching", "mirror_descent"]
GAVE_UP = (pg.Status.MAX_ITER, pg.Status.STALLED, pg.Status.CYCLING)
WEIGHTS = [[0, 1, 0.25], [2, 0, 0], [0, 0.5, 0]]
ROUNDING = 1e-12


def random_game(seed, *shape):
    return pg.NormalFormGame(np.random.default_rng([seed, *shape]).random((len(shape), *shape)))


def zero_sum(seed, *shape):
    A = np.random.default_rng([seed, *shape]).random(shape)
    return pg.NormalFormGame.from_bimatrix(A, -A)


def random_start(seed, game):
    generator = np.random.default_rng(seed)
    return [generator.dirichlet(np.ones(size)) for size in game.n_actions]


def pure(game, *actions):
    return [np.eye(size)[action] for size, action in zip(game.n_actions, actions, strict=True)]


def solve(game, objective, name, **options):
    """What `pg.solve` does with a method of this name."""
    options = Options(**options)
    method = METHODS[name]
    assert method.refuses(game, objective) is None
    return certified(game, objective, method.find(game, objective, options), name, options)


def check_honest(equilibrium, game, objective, tol):
    """CONVERGED only if an independent computation agrees, and otherwise a reason."""
    message = equilibrium, game.payoffs.tolist(), objective
    for strategy, size in zip(equilibrium.profile, game.n_actions, strict=True):
        assert strategy.shape == (size,), message
        assert min(strategy) >= 0, message
        assert abs(sum(strategy) - 1) <= ROUNDING, message
    regret = oracle.scaled_regret(game.payoffs, objective, equilibrium.profile)
    assert abs(regret - equilibrium.certificate.scaled_regret) <= 1e-9, message
    if equilibrium.converged:
        assert regret <= tol + ROUNDING, message
    else:
        assert equilibrium.status in GAVE_UP, message
        assert regret > tol - ROUNDING, message


# --- honesty ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", MANY_PLAYER_CASES, ids=lambda case: case.id)
@pytest.mark.parametrize("name", METHODS)
def test_games_of_many_players(name, case):
    for start in (None, random_start(1, case.game)):
        equilibrium = solve(case.game, case.objective, name, start=start, max_iter=400)
        check_honest(equilibrium, case.game, case.objective, 1e-8)
        assert equilibrium.iterations <= 400


@pytest.mark.parametrize(("lam", "aggregate"), [(0, "mean"), (0.3, "mean"), (1, "max"), (3, "sum"), (0.3, WEIGHTS)])
@pytest.mark.parametrize("name", METHODS)
def test_random_games(name, lam, aggregate):
    objective = pg.PowerObjective(lam, aggregate)
    for shape in [(3, 3, 3), (2, 3, 2), (1, 2, 3)] + [(4, 3), (2,), (1, 1), (2, 2, 2, 2)] * (aggregate != WEIGHTS):
        game = random_game(4, *shape)
        check_honest(solve(game, objective, name, tol=1e-6, max_iter=300), game, objective, 1e-6)


@pytest.mark.parametrize(("lam", "aggregate"), [(0, "mean"), (0.3, "mean"), (1, "max"), (3, "sum"), (0.3, WEIGHTS)])
@pytest.mark.parametrize("name", METHODS)
def test_recorded_regrets_are_never_too_small(name, lam, aggregate):
    game, objective = random_game(2, 3, 3, 3), pg.PowerObjective(lam, aggregate)
    run = iterate(game, objective, rule=RULES[name], start=random_start(3, game), max_iter=20)
    assert run.kinds == RULES[name].kinds
    assert run.regrets.shape == (len(run.iterations), len(run.kinds))
    for k, s in itertools.product(range(len(run.iterations)), range(len(run.kinds))):
        regret = oracle.scaled_regret_in_floats(game.payoffs, objective, run.profiles[k][s])
        assert run.regrets[k, s] >= regret - ROUNDING
        if not lam:
            assert run.regrets[k, s] == pytest.approx(regret, abs=ROUNDING)
    # What is returned is the best met, not the last.
    assert run.equilibrium.certificate.scaled_regret <= run.regrets.min() + ROUNDING


@pytest.mark.parametrize("name", ["matching_pennies", "prisoners_dilemma"])
@pytest.mark.parametrize("lam", [0, 0.3])
def test_small_steps_prove_nothing(name, lam):
    game, objective = pg.load(name), pg.PowerObjective(lam)
    start = [[0.9, 0.1], [0.8, 0.2]]
    for step, max_iter, status in [
        (1e-3, 500, pg.Status.MAX_ITER),
        (1e-5, None, pg.Status.STALLED),
        (1e-9, None, pg.Status.STALLED),
        (1e-30, None, pg.Status.STALLED),
    ]:
        run = iterate(game, objective, rule=DampedBestResponse(step), start=start, max_iter=max_iter)
        assert run.equilibrium.status is status
        assert not run.equilibrium.certificate.passed
        assert oracle.scaled_regret(game.payoffs, objective, run.equilibrium.profile) > 0.01
        before, after = run.profiles[-2][0], run.profiles[-1][0]
        assert max(np.abs(a - b).max() for a, b in zip(before, after, strict=True)) <= step


def test_a_small_step_at_an_equilibrium_is_no_obstacle():
    game = pg.load("prisoners_dilemma")
    for start in ([[0, 1], [0, 1]], [[1e-9, 1 - 1e-9], [0, 1]]):
        equilibrium = iterate(game, rule=DampedBestResponse(1e-9), start=start).equilibrium
        assert (equilibrium.status, equilibrium.iterations) == (pg.Status.CONVERGED, 0)


# --- what theory promises ---------------------------------------------------------------------------------------------

ZERO_SUM = {
    "matching pennies": pg.load("matching_pennies"),
    "rock, paper, scissors": pg.load("rock_paper_scissors"),
    "random": zero_sum(0, 4, 6),
    "random, with a saddle point": pg.NormalFormGame.from_bimatrix([[2, 3], [1, 4]], [[-2, -3], [-1, -4]]),
}


@pytest.mark.parametrize("lam", [0, 0.3])
@pytest.mark.parametrize("game", ZERO_SUM.values(), ids=ZERO_SUM)
@pytest.mark.parametrize("name", LEARNERS)
def test_zero_sum_games(name, game, lam):
    """Averages have regret of order 1 / sqrt(T), those of optimistic mirror descent 1 / T."""
    rule, objective = RULES[name], pg.PowerObjective(lam)
    run = iterate(game, objective, rule=rule, start=random_start(7, game), tol=0, max_iter=4_000, every=100)
    average = run.kinds.index("average")
    for k in range(1, len(run.iterations)):
        made = run.iterations[k]
        rate = 20 / made if name == "mirror_descent" else 1.5 / np.sqrt(made)
        assert oracle.scaled_regret_in_floats(game.payoffs, objective, run.profiles[k][average]) <= rate
    loose = iterate(game, objective, rule=rule, start=random_start(7, game), tol=0.02, every=10**6).equilibrium
    assert loose.status is pg.Status.CONVERGED
    check_honest(loose, game, objective, 0.02)


@pytest.mark.parametrize("lam", [0, 0.3])
@pytest.mark.parametrize("game", list(ZERO_SUM.values())[:2], ids=list(ZERO_SUM)[:2])
def test_mirror_descent_itself_converges(game, lam):
    """Not only its average, where the equilibrium is unique, and faster than any power of T."""
    objective = pg.PowerObjective(lam)
    equilibrium = solve(game, objective, "mirror_descent", start=random_start(7, game))
    assert equilibrium.status is pg.Status.CONVERGED
    check_honest(equilibrium, game, objective, 1e-8)


@pytest.mark.parametrize("shape", [(3, 3), (3, 3, 3), (2, 2, 2, 2, 2)], ids=str)
def test_sequential_best_response_climbs_potentials(shape):
    for seed in range(10):
        common = np.random.default_rng([seed, *shape]).random(shape)
        # A potential game: common payoffs, and for each player a part that the player cannot change.
        others = np.random.default_rng([seed, 1]).random((len(shape), *shape))
        game = pg.NormalFormGame(common + others.mean(axis=tuple(range(1, len(shape) + 1)), keepdims=True))
        run = iterate(game, rule=SequentialBestResponse(), start=random_start(seed, game))
        assert run.equilibrium.status is pg.Status.CONVERGED
        assert run.equilibrium.iterations <= 8
        assert all(max(strategy) == 1 for strategy in run.equilibrium.profile)
        assert oracle.scaled_regret(game.payoffs, pg.PowerObjective(), run.equilibrium.profile) == 0
        values = [pg.power_table(game, profile).task[0] for (profile,) in run.profiles]
        assert all(later > earlier for earlier, later in itertools.pairwise(values))


@pytest.mark.parametrize("lam", [0, 0.2])
@pytest.mark.parametrize("name", METHODS)
def test_strict_equilibria_attract(name, lam):
    game, objective = pg.load("stag_hunt"), pg.PowerObjective(lam)
    for actions in [(0, 0), (1, 1)]:
        start = [0.95 * strategy + 0.025 for strategy in pure(game, *actions)]
        equilibrium = solve(game, objective, name, start=start)
        assert equilibrium.status is pg.Status.CONVERGED
        check_honest(equilibrium, game, objective, 1e-8)
        for strategy, expected in zip(equilibrium.profile, pure(game, *actions), strict=True):
            np.testing.assert_allclose(strategy, expected, rtol=0, atol=1e-6)


def test_fictitious_play_does_not_settle_in_shapleys_game():
    game, objective = pg.load("shapley"), pg.PowerObjective()
    for seed in range(5):
        equilibrium = solve(game, objective, "fictitious_play", start=random_start(seed, game))
        assert equilibrium.status in GAVE_UP
        check_honest(equilibrium, game, objective, 1e-8)
    run = iterate(game, rule=FictitiousPlay(), start=pure(game, 0, 1), max_iter=5_000, tol=0)
    assert run.regrets[1:, 0].min() > 0.05
    # Runs of the same joint action get longer and longer.
    played = [tuple(int(np.argmax(s)) for s in response) for _, response in run.profiles[1:]]
    runs = [len(list(group)) for _, group in itertools.groupby(played)]
    assert len(runs) > 10
    assert runs[-2] > 10 * runs[2]


@pytest.mark.parametrize("lam", [0, 0.3])
@pytest.mark.parametrize("payoffs", [THREE_PENNIES, CHASE], ids=["three pennies", "chase"])
def test_anderson_finds_mixed_equilibria(payoffs, lam):
    game, objective = pg.NormalFormGame(payoffs), pg.PowerObjective(lam)
    for seed in range(5):
        equilibrium = solve(game, objective, "anderson", start=random_start(seed, game))
        assert equilibrium.status is pg.Status.CONVERGED
        check_honest(equilibrium, game, objective, 1e-8)


@pytest.mark.parametrize("lam", [0, 0.3])
def test_anderson_accelerates(lam):
    game, objective = zero_sum(0, 4, 6), pg.PowerObjective(lam)
    plain, fast = (
        iterate(game, objective, rule=Anderson(memory), tol=1e-6, every=10**6).equilibrium for memory in (0, 10)
    )
    assert plain.status is fast.status is pg.Status.CONVERGED
    assert fast.iterations < plain.iterations / 3


# --- the formulas -----------------------------------------------------------------------------------------------------


@dataclass
class Naive:
    """The extended game of two players, written down once more: strategies x, y, z (against 0), w (against 1)."""

    A: Any
    B: Any
    lam: float

    def payoffs(self, x, y, z, w):
        scale = abs(1 - self.lam) + self.lam
        return [
            ((1 - self.lam) * self.A @ y + self.lam * self.A @ z) / scale,
            ((1 - self.lam) * x @ self.B + self.lam * w @ self.B) / scale,
            -x @ self.A,
            -self.B @ y,
        ]

    def start(self, x, y):
        return [x, y, np.eye(len(y))[np.argmin(x @ self.A)], np.eye(len(x))[np.argmin(self.B @ y)]]


def naive_fictitious_play(game, start, steps):
    average = start
    for t in range(1, steps + 1):
        responses = [np.eye(len(v))[np.argmax(v)] for v in game.payoffs(*average)]
        average = [(t * mean + one) / (t + 1) for mean, one in zip(average, responses, strict=True)]
        yield average


def naive_regret_matching(game, start, steps):
    current, regrets = list(start), [np.zeros(len(s)) for s in start]
    total = [np.zeros(len(s)) for s in start]
    for t in range(1, steps + 1):
        for group in (0, 3, 1, 2):
            values = game.payoffs(*current)[group]
            regrets[group] = np.maximum(regrets[group] + values - values @ current[group], 0)
            if regrets[group].any():
                current[group] = regrets[group] / regrets[group].sum()
        total = [a + t * b for a, b in zip(total, current, strict=True)]
        yield [2 * a / (t * (t + 1)) for a in total]


def naive_mirror_descent(game, start, steps):
    even = [np.full(len(s), 1 / len(s)) for s in start]
    current = [0.999 * start[0] + 0.001 * even[0], 0.999 * start[1] + 0.001 * even[1], even[2], even[3]]
    last, moved, total = game.payoffs(*current), [1.0] * 4, [0.0] * 4
    for t in range(1, steps + 1):
        values = game.payoffs(*current)
        for g in range(4):
            moved[g] += np.abs(values[g] - last[g]).max() ** 2
            current[g] = current[g] * np.exp(4 / np.sqrt(moved[g]) * (2 * values[g] - last[g]))
            current[g] /= current[g].sum()
            total[g] = total[g] + current[g]
        last = values
        yield [a / t for a in total]


@pytest.mark.parametrize("lam", [0.3, 2])
@pytest.mark.parametrize("name", LEARNERS)
def test_averages_follow_the_formulas(name, lam):
    game = random_game(6, 3, 4)
    least, spread = game.payoff_min, game.payoff_range
    naive = Naive((game.payoffs[0] - least[0]) / spread[0], (game.payoffs[1] - least[1]) / spread[1], lam)
    start = random_start(6, game)
    run = iterate(game, pg.PowerObjective(lam), rule=RULES[name], start=start, max_iter=50, tol=0)
    averages = globals()[f"naive_{name}"](naive, naive.start(*start), 50)
    for states, expected in zip(run.profiles[1:], averages, strict=True):
        for player in range(2):
            strategy = states[run.kinds.index("average")][player]
            np.testing.assert_allclose(strategy, expected[player], rtol=0, atol=1e-10)


def test_projection_is_the_closest_point():
    problem = ExtendedGame.of(random_game(1, 2, 3, 1), pg.PowerObjective(0.3))
    generator = np.random.default_rng(0)
    for scale in (0.1, 1, 10):
        point = generator.normal(0, scale, problem.size)
        for own, closest in zip(
            np.split(point, problem.bounds[1:-1]),
            np.split(projected(problem, point), problem.bounds[1:-1]),
            strict=True,
        ):
            assert closest.min() >= 0
            assert closest.sum() == pytest.approx(1, abs=ROUNDING)
            # No vertex lies on the other side: the condition for the closest point of a convex set.
            assert (own - closest).max() - (own - closest) @ closest <= ROUNDING * max(1, scale)


# --- the loop ---------------------------------------------------------------------------------------------------------


@dataclass
class Scripted:
    """A rule that visits given strategies of player 0 one after the other, the last ones again and again."""

    path: list[list[float]]
    again: int = 1
    memoryless: bool = True
    name = "scripted"
    kinds = ("current",)

    def states(self, start):
        for first in itertools.chain(self.path, itertools.cycle(self.path[-self.again :])):
            point = start.point.copy()
            point[:2] = first
            yield (start.at(point),)


PENNIES = pg.load("matching_pennies")


@pytest.mark.parametrize(
    ("rule", "status", "most"),
    [
        (Scripted([[0.4, 0.6], [0.3, 0.7], [0.2, 0.8]], again=3), pg.Status.CYCLING, 10),
        (Scripted([[k / 50, 1 - k / 50] for k in range(20)], again=7), pg.Status.CYCLING, 50),
        (Scripted([[0.4, 0.6], [0.3, 0.7]]), pg.Status.STALLED, 10),
        (Scripted([[0.4, 0.6], [0.3, 0.7], [0.2, 0.8]], again=3, memoryless=False), pg.Status.STALLED, 1_100),
        (Scripted([[np.nan, np.nan]]), pg.Status.STALLED, 0),
        (Scripted([[0.4, np.inf]]), pg.Status.STALLED, 0),
        # An equilibrium on the way is kept.
        (Scripted([[0.4, 0.6], [0.5, 0.5], [0, 1]]), pg.Status.CONVERGED, 2),
    ],
)
def test_reasons_to_stop(rule, status, most):
    start = [[0.45, 0.55], [0.5, 0.5]]
    equilibrium = iterate(PENNIES, rule=rule, start=start).equilibrium
    assert equilibrium.status is status
    assert equilibrium.iterations <= most
    if status is not pg.Status.CONVERGED:
        np.testing.assert_array_equal(equilibrium.profile[0], start[0])
    check_honest(equilibrium, PENNIES, pg.PowerObjective(), 1e-8)


def test_slow_progress_is_no_stall():
    """Regret 1 / sqrt(T), on which it takes ever longer to gain another tenth."""

    class Slow(Scripted):
        def states(self, start):
            for t in itertools.count(1):
                point = start.point.copy()
                point[:2] = 0.5 + 0.5 / np.sqrt(t), 0.5 - 0.5 / np.sqrt(t)
                yield (start.at(point),)

    equilibrium = iterate(PENNIES, rule=Slow([], memoryless=False), start=[[1, 0], [0.5, 0.5]], every=10**6).equilibrium
    assert (equilibrium.status, equilibrium.iterations) == (pg.Status.MAX_ITER, 20_000)


@pytest.mark.parametrize("lam", [0, 0.3])
def test_full_steps_cycle(lam):
    objective = pg.PowerObjective(lam)
    for rule in (DampedBestResponse(1), SequentialBestResponse()):
        run = iterate(PENNIES, objective, rule=rule, start=[[0.6, 0.4], [0.7, 0.3]])
        assert run.equilibrium.status is pg.Status.CYCLING
        # The start was better than anything that followed.
        np.testing.assert_array_equal(run.equilibrium.profile[0], [0.6, 0.4])


@pytest.mark.parametrize("name", METHODS)
def test_limits(name):
    game, objective = random_game(2, 3, 3, 3), pg.PowerObjective(0.3)
    for limit in (1, 2, 7):
        equilibrium = solve(game, objective, name, max_iter=limit)
        assert equilibrium.iterations <= limit
        assert equilibrium.status in ((pg.Status.MAX_ITER,) if limit < 4 else GAVE_UP)


def test_large_games_get_fewer_iterations():
    calls = []
    game = pg.NormalFormGame(np.zeros((2, 1000, 2000)))
    solve(game, pg.PowerObjective(), "fictitious_play", callback=lambda *call: calls.append(call))
    assert calls == [("fictitious_play", 0, 5_000)]


@pytest.mark.parametrize("name", METHODS)
def test_callback(name):
    game, objective = zero_sum(3, 20, 30), pg.PowerObjective(0.3)
    calls = []
    solve(game, objective, name, callback=lambda *call: calls.append(call), max_iter=2_000)
    assert calls[0] == (name, 0, 2_000)
    done = [call[1] for call in calls]
    assert done == sorted(done)
    assert all(call[0] == name and call[2] == 2_000 for call in calls)


@pytest.mark.parametrize("name", METHODS)
def test_interruption(name):
    """Ctrl-C stops `solve`, and `iterate` with what there is."""
    game, objective = zero_sum(3, 20, 30), pg.PowerObjective(0.3)

    def stop(stage, done, total):
        if done > 0 or name in ("damped_best_response", "sequential_best_response"):
            raise KeyboardInterrupt

    options = {"tol": 0, "max_iter": 10**6}
    with pytest.raises(KeyboardInterrupt):
        solve(game, objective, name, callback=stop, **options)
    run = iterate(game, objective, rule=RULES[name], callback=stop, **options)
    assert run.equilibrium.status is pg.Status.INTERRUPTED
    assert run.iterations[-1] == run.equilibrium.iterations
    regret = oracle.scaled_regret_in_floats(game.payoffs, objective, run.equilibrium.profile)
    assert regret <= run.regrets.min() + ROUNDING


@pytest.mark.parametrize("lam", [0, 0.3])
@pytest.mark.parametrize("name", METHODS)
def test_the_same_again(name, lam):
    game, objective = random_game(2, 3, 3, 3), pg.PowerObjective(lam)
    start = random_start(1, game)
    copies = [strategy.copy() for strategy in start]
    first, second = (iterate(game, objective, rule=RULES[name], start=start, max_iter=100) for _ in range(2))
    np.testing.assert_array_equal(first.regrets, second.regrets)
    for a, b in zip(first.equilibrium.profile, second.equilibrium.profile, strict=True):
        np.testing.assert_array_equal(a, b)
    for before, after in zip(copies, start, strict=True):
        np.testing.assert_array_equal(before, after)
    for a, b in zip(first.profiles[0][0], start, strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-15)
    found = solve(game, objective, name, start=game.profile(start), max_iter=100)
    assert (found.status, found.iterations) == (first.equilibrium.status, first.equilibrium.iterations)
    assert found.certificate.scaled_regret <= first.equilibrium.certificate.scaled_regret + 0.05


@pytest.mark.parametrize("name", METHODS)
def test_payoffs_of_any_size(name):
    payoffs = np.random.default_rng(8).integers(-8, 8, (3, 2, 3, 2)).astype(float)
    plain = pg.NormalFormGame(payoffs)
    for lam in (0, 0.3, 1e6):
        objective = pg.PowerObjective(lam)
        expected = iterate(plain, objective, rule=RULES[name], max_iter=30)
        for factor, offset in [
            (2.0**900, 0),
            (2.0**-900, 0),
            (1, 2.0**30),
            ([[[[2.0**40]]], [[[1]]], [[[2.0**-40]]]], 0),
        ]:
            game = pg.NormalFormGame(payoffs * factor + offset)
            run = iterate(game, objective, rule=RULES[name], max_iter=30)
            check_honest(run.equilibrium, game, objective, 1e-8)
            assert np.isfinite(run.regrets).all()
            np.testing.assert_allclose(run.regrets, expected.regrets, rtol=1e-7, atol=1e-7)


def test_records():
    game = pg.load("rock_paper_scissors")
    run = iterate(game, rule=RegretMatching(), start=pure(game, 0, 1), tol=0, max_iter=25, every=10)
    assert run.iterations.tolist() == [0, 10, 20, 25]
    assert run.regrets.shape == (4, 2)
    for per_kind in run.profiles:
        for profile in per_kind:
            assert [strategy.shape for strategy in profile] == [(3,), (3,)]
    alone = iterate(random_game(1, 4), rule=FictitiousPlay())
    assert all(len(profile) == 1 for per_kind in alone.profiles for profile in per_kind)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: DampedBestResponse(0), "step: got 0;"),
        (lambda: DampedBestResponse(1.5), "step: got 1.5;"),
        (lambda: DampedBestResponse(float("nan")), "step: got nan;"),
        (lambda: DampedBestResponse("1"), "step: got 1;"),
        (lambda: FictitiousPlay(-1), "prior: got -1;"),
        (lambda: MirrorDescent(float("inf")), "rate: got inf;"),
        (lambda: Anderson(memory=-1), "memory: got -1;"),
        (lambda: Anderson(memory=1.5), "memory: got 1.5;"),
        (lambda: Anderson(rate=0), "rate: got 0;"),
        (lambda: iterate(PENNIES, rule=FictitiousPlay), "rule: got"),
        (lambda: iterate(PENNIES, rule="fictitious_play"), "rule: got fictitious_play;"),
        (lambda: iterate(PENNIES, rule=FictitiousPlay(), max_iter=0), "max_iter: got 0;"),
        (lambda: iterate(PENNIES, rule=FictitiousPlay(), every=0), "every: got 0;"),
        (lambda: iterate(PENNIES, rule=FictitiousPlay(), tol=-1), "tol: got -1;"),
        (lambda: iterate(PENNIES, rule=FictitiousPlay(), callback=1), "callback: got int;"),
        (lambda: iterate(PENNIES, "mean", rule=FictitiousPlay()), "objective: got str;"),
        (lambda: iterate("matching_pennies", rule=FictitiousPlay()), "game: got str;"),
        (lambda: iterate(PENNIES, rule=FictitiousPlay(), start=[[1, 0]]), "profile: got 1 vectors"),
    ],
)
def test_wrong_arguments(make, words):
    with pytest.raises(pg.InputError) as caught:
        make()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
