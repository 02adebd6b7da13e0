"""All stationary equilibria of tiny stochastic games, mixed ones included."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.optimize import root

import powergames as pg
from powergames.numerics.bernstein import restricted
from powergames.solvers.stochastic.advantages import Advantages
from powergames.solvers.stochastic.problem import StochasticProblem
from tests.solvers.stochastic.test_all_stochastic_equilibria import random_game

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


def by_supports(game, starts=6):
    """Find equilibria at λ = 0 of a game with two actions everywhere: Newton's method on all supports, many times."""
    rng = np.random.default_rng(0)
    n, n_states = game.n_players, game.n_states
    rewards = game.rewards.reshape(n, n_states, *[2] * n)
    dense = np.zeros((len(game.indptr) - 1, n_states))
    for r in range(len(dense)):
        dense[r, game.indices[game.indptr[r] : game.indptr[r + 1]]] = game.data[game.indptr[r] : game.indptr[r + 1]]
    transitions = dense.reshape(n_states, *[2] * n, n_states)

    def gains(first):
        """What each player gains in each state by the first action instead of the second one."""
        x = np.stack([first, 1 - first], axis=2)
        result = np.zeros((n, n_states))
        letters = "abc"[:n]
        for i in range(n):
            mixed = ",".join(f"s{letter}" for letter in letters)
            P = np.einsum(f"s{letters}t,{mixed}->st", transitions, *x)
            r = np.einsum(f"s{letters},{mixed}->s", rewards[i], *x)
            values = np.linalg.solve(np.eye(n_states) - game.discounts[i] * P, r)
            q = rewards[i] + game.discounts[i] * transitions @ values
            others = ",".join(f"s{letters[j]}" for j in range(n) if j != i)
            paid = np.einsum(f"s{letters},{others}->s{letters[i]}", q, *[x[j] for j in range(n) if j != i])
            result[i] = paid[:, 0] - paid[:, 1]
        return result

    found = []
    for supports in itertools.product((0.0, 1.0, None), repeat=n * n_states):
        free = np.array([own is None for own in supports]).reshape(n, n_states)
        fixed = np.array([own or 0.0 for own in supports]).reshape(n, n_states)
        for _ in range(starts if free.any() else 1):
            first = fixed.copy()
            if free.any():

                def equations(unknown, fixed=fixed, free=free):
                    point = fixed.copy()
                    point[free] = unknown
                    return gains(point)[free]

                solution = root(equations, rng.random(free.sum()), tol=1e-13)
                first[free] = solution.x
                if np.abs(solution.fun).max() > 1e-10 or ((first <= 0) | (first >= 1))[free].any():
                    continue
            gain = gains(first)
            if (gain[(first == 1) & ~free] >= 0).all() and (gain[(first == 0) & ~free] <= 0).all():
                profile = [np.stack([own, 1 - own], axis=1) for own in first]
                if not any(np.abs(flat(profile) - flat(other)).max() < 1e-7 for other in found):
                    found.append(profile)
    return found


@pytest.mark.parametrize("seed", range(3))
def test_equilibria_are_those_of_all_supports(seed):
    game = random_game(seed, [[2, 2], [2, 2]], 0.9)
    found = pg.solve_all(game)
    assert found.complete
    assert found.distance == 0
    assert len(found) % 2 == 1
    assert_same([each.profile for each in found], by_supports(game))


@pytest.mark.parametrize("objective", OBJECTIVES)
@pytest.mark.parametrize("sizes", [[[2, 2], [2, 2]], [[3, 2], [1, 2]], [[2, 2, 2], [1, 2, 1]]])
def test_advantages_are_what_is_paid(sizes, objective):
    game = random_game(5, sizes)
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
    for sizes in ([[2, 2], [2, 2]], [[2, 2], [1, 2], [2, 1]], [[2, 3], [2, 1]]):
        game = random_game(11, sizes, 0.9)
        found = pg.solve_all(game, objective)
        assert found.complete
        assert all(each.converged for each in found)
        existing = [np.arange(size) < game.n_actions[:, i, None] for i, size in enumerate(game.max_actions)]
        for seed in range(4):
            rng = np.random.default_rng(seed)
            start = [rng.random(size=exists.shape) * exists for exists in existing]
            start = [own / own.sum(axis=1, keepdims=True) for own in start]
            one = pg.solve(game, objective, seed=seed, start=start)
            assert one.converged
            assert min(np.abs(flat(one.profile) - flat(each.profile)).max() for each in found) <= 1e-6


def test_big_match_is_complete():
    found = pg.solve_all(pg.load("big_match"))
    assert found.complete
    assert len(found) == 1
