"""All stationary equilibria of tiny stochastic games, mixed ones included."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from stochastic_oracle import sized_game

import powergames as pg
from powergames.numerics.bernstein import restricted
from powergames.solvers.stochastic.advantages import Advantages
from powergames.solvers.stochastic.problem import StochasticProblem

OBJECTIVES = [
    pg.PowerObjective(),
    pg.PowerObjective("0.3", form="adversarial"),
    pg.PowerObjective("0.3", form="penalty"),
]


def flat(profile):
    return np.concatenate([strategy.ravel() for strategy in profile])


def assert_same(found, expected, tol=1e-7):
    """Check that two lists hold the same profiles, each once."""
    found, expected = [flat(each) for each in found], [flat(each) for each in expected]
    assert len(found) == len(expected)
    for each in expected:
        assert min(np.abs(each - other).max() for other in found) <= tol


def by_supports(game, starts=10):
    """Equilibria at λ = 0 of two players with two actions everywhere: Newton's method on all supports, many times."""
    n_states = game.n_states
    rewards = game.rewards.reshape(2, n_states, 2, 2)
    transitions = np.array(
        [
            np.bincount(game.indices[first:last], game.data[first:last], n_states)
            for first, last in zip(game.indptr, game.indptr[1:], strict=False)
        ]
    ).reshape(n_states, 2, 2, n_states)

    def gains(first):
        """What players gain by their first action instead of the second one, ``[k, i, s]``."""
        x, y = np.stack([first, 1 - first], axis=3).swapaxes(0, 1)
        result = np.empty_like(first)
        for i in range(2):
            reward = np.einsum("sab,ksa,ksb->ks", rewards[i], x, y)
            chances = np.einsum("sabt,ksa,ksb->kst", transitions, x, y)
            values = np.linalg.solve(np.eye(n_states) - game.discounts[i] * chances, reward[:, :, None])[:, :, 0]
            worth = rewards[i] + game.discounts[i] * np.einsum("sabt,kt->ksab", transitions, values)
            paid = np.einsum("ksab,ksb->ksa", worth, y) if i == 0 else np.einsum("ksab,ksa->ksb", worth, x)
            result[:, i] = paid[:, :, 0] - paid[:, :, 1]
        return result

    rng = np.random.default_rng(0)
    supports = np.array(list(itertools.product((0.0, 1.0, np.nan), repeat=2 * n_states))).repeat(starts, axis=0)
    supports = supports.reshape(-1, 2, n_states)
    free = np.isnan(supports)
    point = np.where(free, rng.random(supports.shape), supports)
    size = 2 * n_states
    for _ in range(25):
        # Derivatives by a tiny imaginary step.
        steps = 1e-30j * np.eye(size).reshape(size, 1, 2, n_states)
        slopes = np.stack([gains(point + step).imag.reshape(-1, size) / 1e-30 for step in steps], axis=2)
        mask = free.reshape(-1, size)
        slopes = np.where(mask[:, :, None] & mask[:, None, :], slopes, np.eye(size))
        right = np.where(mask, gains(point).reshape(-1, size), 0.0)
        step = (np.linalg.pinv(slopes) @ right[:, :, None]).reshape(point.shape)
        point = np.where(free, np.clip(point - np.clip(step, -0.3, 0.3), -1.0, 2.0), supports)
    gain = gains(point)
    inside = ~free | ((np.abs(gain) < 1e-11) & (point > 0) & (point < 1))
    stable = free | np.where(supports == 1, gain >= 0, gain <= 0)
    right = point[(inside & stable).all(axis=(1, 2))]
    distinct = np.unique(right.round(9), axis=0)
    return [np.stack([each, 1 - each], axis=2) for each in distinct]


@pytest.mark.parametrize("seed", range(3))
def test_equilibria_are_those_of_all_supports(seed):
    game = sized_game(seed, [[2, 2], [2, 2]], 0.9)
    found = pg.solve_all(game)
    assert found.complete
    assert found.distance == 0
    assert len(found) % 2 == 1
    assert_same([each.profile for each in found], by_supports(game))


@pytest.mark.parametrize(
    "objective",
    [
        *OBJECTIVES,
        pg.PowerObjective("0.3", "max", "penalty"),
        pg.PowerObjective("0.3", "max", "adversarial"),
    ],
)
@pytest.mark.parametrize("sizes", [[[2, 2], [2, 2]], [[3, 2], [1, 2]], [[2, 2, 2], [1, 2, 1]]])
def test_advantages_are_what_is_paid(sizes, objective):
    game = sized_game(5, sizes)
    problem = StochasticProblem.of(game, objective)
    advantages = list(Advantages(problem, [np.arange(size) for size in np.diff(problem.bounds)]))
    rng = np.random.default_rng(0)
    point = problem.normalized(rng.random(problem.size))
    gradient = problem.gradients(point, problem.worth(problem.evaluate(point)))
    ratios = {}
    for each in advantages:
        own = [point[problem.bounds[g] : problem.bounds[g + 1]][None] for g in each.groups]
        value = restricted(each.coefficients, each.degrees, own).item()
        first = problem.bounds[each.group]
        difference = gradient[first + each.one] - gradient[first + each.other]
        kind = each.group % problem.n_groups
        if difference == 0.0:
            assert abs(value) < 1e-14
            continue
        # The denominator is the same for all advantages of a player or of its adversaries.
        ratios.setdefault((problem.owners[kind], kind < problem.n_players), []).append(value / difference)
    for own in ratios.values():
        assert own[0] > 0
        np.testing.assert_allclose(own, own[0], rtol=1e-9)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_one_state_is_a_game_in_normal_form(objective):
    for seed in (0, 4):
        payoffs = np.random.default_rng(seed).random((2, 2, 2))
        game = pg.StochasticGame(payoffs[:, None], np.ones((1, 2, 2, 1)), 0.9)
        found = pg.solve_all(game, objective)
        assert found.complete
        expected = pg.solve_all(pg.NormalFormGame(payoffs), objective)
        assert_same([[own[0] for own in each.profile] for each in found], [each.profile for each in expected])


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_states_without_future_are_games_of_their_own(objective):
    stages = [np.random.default_rng(seed).random((2, 2, 2)) for seed in (0, 4)]
    transitions = np.full((2, 2, 2, 2), 0.5)
    found = pg.solve_all(pg.StochasticGame(np.stack(stages, axis=1), transitions, 0.0), objective)
    assert found.complete
    each = [[one.profile for one in pg.solve_all(pg.NormalFormGame(stage), objective)] for stage in stages]
    expected = [[np.stack(own) for own in zip(*pair, strict=True)] for pair in itertools.product(*each)]
    assert_same([one.profile for one in found], expected)


def test_a_player_to_whom_nothing_that_is_left_matters():
    # The first one plays the second row, and then the second one is paid the same for both actions: a number.
    payoffs = np.array([[[2, 2], [3, 4]], [[0, 0], [4, 4]]])
    found = pg.solve_all(pg.StochasticGame(payoffs[:, None], np.ones((1, 2, 2, 1)), 0.5))
    assert not found.complete
    assert [[own.tolist() for own in each.profile] for each in found] == [[[[0, 1]], [[1, 0]]], [[[0, 1]], [[0, 1]]]]


def test_zero_sum_games_have_one_value():
    rng = np.random.default_rng(3)
    reward = rng.normal(size=(2, 2, 2))
    game = pg.StochasticGame(np.stack([reward, -reward]), rng.dirichlet([1, 1], size=(2, 2, 2)), 0.8)
    found = pg.solve_all(game)
    assert found.complete
    (equilibrium,) = found
    np.testing.assert_allclose(equilibrium.task[0], pg.solve(game).task[0], atol=1e-8)


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_what_solve_finds_is_in_the_set(objective):
    for sizes in ([[2, 2], [2, 2]], [[2, 2], [1, 2], [2, 1]], [[2, 1, 2], [2, 2, 1]], [[2, 3], [1, 2]]):
        game = sized_game(11, sizes, 0.9)
        found = pg.solve_all(game, objective)
        assert found.complete
        assert all(each.converged for each in found)
        existing = [np.arange(size) < game.n_actions[:, i, None] for i, size in enumerate(game.max_actions)]
        for seed in range(3):
            rng = np.random.default_rng(seed)
            start = [rng.random(size=exists.shape) * exists for exists in existing]
            start = [own / own.sum(axis=1, keepdims=True) for own in start]
            one = pg.solve(game, objective, seed=seed, start=start)
            assert one.converged
            assert min(np.abs(flat(one.profile) - flat(each.profile)).max() for each in found) <= 1e-6


@pytest.mark.parametrize("form", ["penalty", "adversarial"])
@pytest.mark.parametrize("aggregate", ["max", [[0, 0.5, 0], [1, 0, 0.2], [0, 0, 0]]])
def test_other_aggregates(aggregate, form):
    game, objective = sized_game(5, [[2, 2, 2], [1, 2, 1]]), pg.PowerObjective("0.4", aggregate, form)
    found = pg.solve_all(game, objective)
    assert found.complete
    assert len(found) % 2 == 1
    one = pg.solve(game, objective)
    assert min(np.abs(flat(one.profile) - flat(each.profile)).max() for each in found) <= 1e-6


def test_big_match_is_complete():
    found = pg.solve_all(pg.load("big_match"))
    assert found.complete
    assert len(found) == 1


def test_a_continuum_is_not_complete():
    # Matching pennies, after which player 0 may do anything.
    rewards = np.zeros((2, 2, 2, 2))
    rewards[:, 0] = [[[1, -1], [-1, 1]], [[-1, 1], [1, -1]]]
    transitions = np.zeros((2, 2, 2, 2))
    transitions[..., 1] = 1.0
    found = pg.solve_all(pg.StochasticGame(rewards, transitions, 0.5))
    assert found.pure_complete
    assert not found.complete


def test_curved_continua_are_not_complete():
    # Whether player 0 goes on does not matter, and player 1 is indifferent if it does so half of the time.
    rng = np.random.default_rng(0)
    stage = rng.random((2, 2, 2))
    rewards = np.stack([stage, stage], axis=1)
    rewards[0] = 0.0
    found = pg.solve_all(pg.StochasticGame(rewards, np.full((2, 2, 2, 2), 0.5), 0.5))
    assert not found.complete


@pytest.mark.parametrize("where", ["cells", "Newton's method"])
def test_the_search_can_be_interrupted(where):
    def stop(stage, done, total):
        if where in stage:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pg.solve_all(sized_game(2, [[2, 2], [2, 2]], 0.9), callback=stop)
