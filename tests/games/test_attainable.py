"""The scale of regret in stochastic games, and values near a discount of one, against fractions and enumeration."""

from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from stochastic_oracle import GAMES, plain_task

import powergames as pg
from powergames.numerics import discounted
from powergames.numerics.discounted import DiscountedSystem


def by_enumeration(game):
    """Least and greatest value of each player over all joint deterministic policies, and states."""
    rows = [range(start, stop) for start, stop in itertools.pairwise(game.row_starts)]
    transitions = csr_matrix((game.data, game.indices, game.indptr), shape=(game.n_rows, game.n_states)).toarray()
    values = []
    for policy in itertools.product(*rows):
        chosen = list(policy)
        values.append(
            [
                np.linalg.solve(np.eye(game.n_states) - discount * transitions[chosen], own[chosen])
                for own, discount in zip(game.rewards, game.discounts, strict=True)
            ]
        )
    return np.min(values, axis=(0, 2)), np.max(values, axis=(0, 2))


@pytest.mark.parametrize("name", [name for name in GAMES if name != "sparse"])
def test_attainable_values_are_those_of_the_best_policies(name):
    game, profile = GAMES[name]
    least, greatest = game.attainable
    expected = by_enumeration(game)
    assert least == pytest.approx(expected[0], abs=1e-10)
    assert greatest == pytest.approx(expected[1], abs=1e-10)
    assert game.value_scale == pytest.approx(expected[1] - expected[0], abs=1e-10)
    task = plain_task(game, profile)
    assert (least <= task.min(axis=1)).all()
    assert (task.max(axis=1) <= greatest).all()


@pytest.mark.parametrize("states", [30, 300])
def test_ways_to_evaluate_policies_agree(states, monkeypatch):
    game = pg.load(f"random_sparse:states={states},discount=0.97")
    expected = game.attainable
    # Few states are evaluated all at once; with this limit they are not.
    monkeypatch.setattr("powergames.numerics.attainable.SMALL", 0)
    again = pg.load(f"random_sparse:states={states},discount=0.97")
    for one, other in zip(expected, again.attainable, strict=True):
        assert one == pytest.approx(other, rel=1e-12)


def test_no_offset_and_no_unit_changes_the_scale():
    game = pg.load("grid_game")
    assert game.value_scale.tolist() == pytest.approx([200, 200])
    parts = game.n_actions, (game.data, game.indices, game.indptr), game.discounts
    moved = pg.StochasticGame.from_rows(parts[0], 1e6 * game.rewards + 1e12, *parts[1:])
    assert moved.value_scale == pytest.approx(2e8 * np.ones(2), rel=1e-9)


def test_a_bad_policy_does_not_pass_because_rewards_are_rare():
    """In the grid game always taking the first action returns nothing, and a deviation gains 200."""
    game = pg.load("grid_game")
    first = [np.eye(width)[np.zeros(game.n_states, dtype=int)] for width in game.max_actions]
    certificate = pg.certify(game, first, pg.PowerObjective(), tol=0.02)
    assert not certificate.passed
    assert certificate.scaled_regret > 0.9


def chain(discount, absorbing, size=4):
    """Transitions and rewards of a walk, and its values in fractions."""
    half, one = Fraction(1, 2), Fraction(1)
    transitions = np.zeros((size, size), dtype=object) + Fraction(0)
    for s in range(size):
        transitions[s, max(s - 1, 0)] += half
        transitions[s, min(s + 1, size - 1)] += half
    if absorbing:
        transitions[0], transitions[-1] = np.zeros((2, size), dtype=object) + Fraction(0)
        transitions[0, 0] = transitions[-1, -1] = one
    rewards = [Fraction(s * s, 4) for s in range(size)]
    if absorbing:
        rewards[0] = rewards[-1] = Fraction(0)
    gamma = Fraction(discount)
    rows = [[(one if i == j else 0) - gamma * p for j, p in enumerate(own)] for i, own in enumerate(transitions)]
    return transitions.astype(float), np.array(rewards, dtype=float), solved(rows, rewards)


def solved(rows, right):
    """Gauss's elimination in fractions."""
    rows = [[*own, value] for own, value in zip(rows, right, strict=True)]
    for i in range(len(rows)):
        rows[i] = [entry / rows[i][i] for entry in rows[i]]
        for k in range(len(rows)):
            if k != i:
                rows[k] = [a - rows[k][i] * b for a, b in zip(rows[k], rows[i], strict=True)]
    return [own[-1] for own in rows]


@pytest.mark.parametrize("exponent", [2, 5, 8, 9, 12])
@pytest.mark.parametrize("absorbing", [True, False])
@pytest.mark.parametrize("dense", [True, False])
def test_values_near_a_discount_of_one(exponent, absorbing, dense, monkeypatch):
    discount = 1 - 10.0**-exponent
    transitions, rewards, exact = chain(discount, absorbing)
    if not dense:
        monkeypatch.setattr(discounted, "DENSE", 0)
    system = DiscountedSystem(csr_matrix(transitions), discount)
    values = system.solve(rewards)
    size = float(max(map(abs, exact)))
    error = max(abs(float(Fraction(value) - true)) for value, true in zip(values.tolist(), exact, strict=True))
    assert error <= 1e-14 * size
    assert error <= system.error(rewards, values) <= 1e-12 * size


def test_values_stay_accurate_where_play_ends():
    """An end that pays nothing for ever is worth nothing, whatever the least reward is."""
    rewards = np.array([[[[1.0, -1.0]], [[0.0, 0.0]]]])[:, :, 0]
    transitions = np.array([[[0.5, 0.5], [0.0, 1.0]], [[0.0, 1.0], [0.0, 1.0]]])
    game = pg.StochasticGame(rewards, transitions, 1 - 1e-9)
    value = pg.evaluate(game, [[[1, 0], [1, 0]]])
    exact = 1 / (1 - Fraction(1 - 1e-9) / 2)
    assert value.task[0] == pytest.approx([float(exact), 0.0], rel=1e-15)
    assert value.error[0] <= 1e-14


def test_what_rounding_may_hide_does_not_pass():
    """Nobody has a choice, so that no regret is found, but values that cannot be computed prove nothing."""
    rewards = np.random.default_rng(0).random((1, 3, 1))
    transitions = np.random.default_rng(1).dirichlet(np.ones(3), size=(3, 1))
    certificates = [
        pg.certify(pg.StochasticGame(rewards, transitions, discount), [np.ones((3, 1))], pg.PowerObjective())
        for discount in (0.9, float(np.nextafter(1.0, 0.0)))
    ]
    assert [certificate.passed for certificate in certificates] == [True, False]
    assert certificates[0].scaled_error < 1e-13
    assert certificates[1].scaled_error > certificates[1].tol
