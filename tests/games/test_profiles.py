"""Profiles: one probability vector per player, checked, normalized and frozen."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from powergames.errors import InputError
from powergames.games.profiles import as_profile, frozen, pure_profile, uniform_profile


@pytest.mark.parametrize(
    ("profile", "message"),
    [
        (None, r"profile: got NoneType; give one probability vector per player"),
        (0.5, r"profile: got float; give one"),
        ([[1, 0]], r"profile: got 1 vectors for 2 players; give one per player"),
        ([[1, 0], [1, 0, 0], [1]], r"profile: got 3 vectors for 2 players"),
        ([[1, 0], [1, 0]], r"profile of player 1: got shape \(2,\), expected \(3,\), one probability per action"),
        ([[1, 0], [[1, 0, 0]]], r"profile of player 1: got shape \(1, 3\), expected \(3,\)"),
        ([1.0, [1, 0, 0]], r"profile of player 0: got shape \(\), expected \(2,\)"),
        ([2, [1, 0, 0]], r"profile of player 0: got action 2; give an index from 0 to 1"),
        ([-1, [1, 0, 0]], r"profile of player 0: got action -1"),
        ([True, [1, 0, 0]], r"profile of player 0: got shape \(\)"),
        ([[1, "x"], [1, 0, 0]], r"profile of player 0: not a vector of numbers; give 2 probabilities"),
        ([[1, None], [1, 0, 0]], r"profile of player 0: "),
        ([[0.5, 0.4], [1, 0, 0]], r"profile of player 0: off the simplex \(smallest 0.4, sum 0.9\)"),
        ([[1, 0], [1.5, -0.5, 0]], r"profile of player 1: off the simplex \(smallest -0.5, sum 1\)"),
        ([[np.nan, 1], [1, 0, 0]], r"profile of player 0: contains NaN or infinity"),
        ([[np.inf, 0], [1, 0, 0]], r"profile of player 0: contains NaN or infinity"),
        ([[0, 0], [1, 0, 0]], r"profile of player 0: off the simplex"),
        ([[Fraction(1, 2), Fraction(1, 3)], [1, 0, 0]], r"profile of player 0: off the simplex \(smallest 0.33"),
        ([[Fraction(1, 2), Fraction(1, 2)], [np.nan, 0, 0]], r"profile of player 1: "),
        ([[Fraction(1, 2), Fraction(1, 2)], ["x", 0, 0]], r"profile of player 1: not a vector of numbers"),
    ],
)
def test_bad_profiles_are_refused_in_one_line(profile, message):
    with pytest.raises(InputError, match=message) as caught:
        as_profile((2, 3), profile)
    assert "\n" not in str(caught.value)


def test_vectors_are_copied_and_frozen():
    vector = np.array([0.25, 0.75])
    (strategy,) = as_profile((2,), [vector])
    assert vector.flags.writeable
    vector[:] = 0
    np.testing.assert_array_equal(strategy, [0.25, 0.75])
    with pytest.raises(ValueError, match="read-only"):
        strategy[0] = 1


def test_rounding_is_mended():
    (strategy,) = as_profile((3,), [[0.3333333, 0.3333333, 0.3333333]])
    assert strategy.sum() == pytest.approx(1, abs=1e-15)
    (strategy,) = as_profile((3,), [[1 + 1e-9, -1e-9, 0]])
    assert strategy.min() == 0
    assert strategy.sum() == 1


def test_any_iterable_will_do():
    strategies = as_profile((2, 1), (p for p in ([1, 0], (1,))))
    assert [strategy.tolist() for strategy in strategies] == [[1, 0], [1]]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=6).filter(lambda vector: sum(vector) > 1e-3))
def test_a_strategy_given_back_is_unchanged(weights):
    vector = np.array(weights) / sum(weights)
    (strategy,) = as_profile((len(vector),), [vector])
    np.testing.assert_allclose(strategy, vector, rtol=1e-15, atol=0)
    assert strategy.min() >= 0


def test_fractions_stay_exact_for_every_player():
    profile = as_profile((3, 2), [[Fraction(1, 3)] * 3, [1, 0]])
    assert all(strategy.dtype == object for strategy in profile)
    assert profile[0].tolist() == [Fraction(1, 3)] * 3
    assert all(type(entry) is Fraction for strategy in profile for entry in strategy)
    assert sum(profile[0]) == 1


def test_numbers_without_a_fraction_are_floats():
    assert all(strategy.dtype == np.float64 for strategy in as_profile((2, 2), [[1, 0], [0, 1]]))


def test_exact_profiles_are_normalized_exactly():
    profile = as_profile((2, 2), [[Fraction(1, 3), Fraction(2, 3)], [0.1, 0.9]])
    assert [sum(strategy) for strategy in profile] == [1, 1]


@pytest.mark.parametrize("n_actions", [(1,), (2, 3), (1, 1, 4)])
def test_uniform_profile(n_actions):
    profile = uniform_profile(n_actions)
    for strategy, size in zip(profile, n_actions, strict=True):
        np.testing.assert_array_equal(strategy, np.full(size, 1 / size))
        assert not strategy.flags.writeable


def test_pure_profile():
    profile = pure_profile((2, 3, 1), (1, 0, 0))
    assert [strategy.tolist() for strategy in profile] == [[0, 1], [1, 0, 0], [1]]
    assert not any(strategy.flags.writeable for strategy in profile)
    with pytest.raises(ValueError, match=r"shorter|longer"):
        pure_profile((2, 3), (1,))


def test_frozen_keeps_the_memory_and_freezes_it_once():
    array = np.zeros(3)
    locked = frozen(array)
    assert np.shares_memory(locked, array)
    assert frozen(locked) is locked
    assert not array.flags.writeable


def test_integers_are_actions():
    assert [x.tolist() for x in as_profile((2, 3), [1, np.int8(2)])] == [[0, 1], [0, 0, 1]]
    assert [x.tolist() for x in as_profile((2, 2), np.array([0, 1]))] == [[1, 0], [0, 1]]
    exact = as_profile((2, 2), [1, [Fraction(1, 3), Fraction(2, 3)]])
    assert exact[0].tolist() == [Fraction(0), Fraction(1)]
    assert exact[0].dtype == object
