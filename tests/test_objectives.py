"""PowerObjective: λ, its aggregates, and what they charge."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from powergames import certify, load, solve_all
from powergames.errors import InputError
from powergames.objectives import AGGREGATES, Adversary, PowerObjective, objectives_of, with_lam

MATRIX = [[0, 0.5, 0], [0.25, 0, 1], [2, 0, 0]]


@pytest.mark.parametrize(
    ("value", "exact"),
    [
        (0, Fraction(0)),
        (0.3, Fraction(3, 10)),
        ("1/3", Fraction(1, 3)),
        ("0.25", Fraction(1, 4)),
        (Fraction(1, 3), Fraction(1, 3)),
        (np.float64(0.1), Fraction(1, 10)),
        (7, Fraction(7)),
    ],
)
def test_lam_is_kept_exactly(value, exact):
    objective = PowerObjective(value)
    assert objective.exact_lam == exact
    assert type(objective.lam) is float
    assert objective.lam == float(exact)


@pytest.mark.parametrize("value", [-0.1, -1, "-1/3", Fraction(-1, 10**9)])
def test_negative_lam(value):
    with pytest.raises(InputError, match=r"lam: got .*; the power weight must be >= 0"):
        PowerObjective(value)


@pytest.mark.parametrize(
    "value", [np.nan, np.inf, -np.inf, "nan", "x", "", "1/0", None, [0.3], True, 1j, "1e999", "1e350", 10**400]
)
def test_lam_must_be_a_finite_number(value):
    with pytest.raises(InputError, match=r"lam: got .*; give a finite number >= 0"):
        PowerObjective(value)


@pytest.mark.parametrize(
    ("aggregate", "message"),
    [
        ("median", "aggregate: got 'median'; choose mean, sum, max or give a weight matrix"),
        (None, r"aggregate: weight matrix has shape \(\)"),
        (3, r"aggregate: weight matrix has shape \(\)"),
        ([1, 2], r"aggregate: weight matrix has shape \(2,\); give \(n, n\)"),
        ([[0, 1, 2], [1, 0, 2]], r"aggregate: weight matrix has shape \(2, 3\)"),
        ([[0, 1], [1]], r"aggregate: weight matrix has shape \(2,\); give \(n, n\)"),
        ([[0, 1], [1, 0, 2]], r"aggregate: weight matrix has shape \(2,\); give \(n, n\)"),
        ([[0, "x"], [1, 0]], r"aggregate: weights must be finite and >= 0; got 'x' at \(0, 1\)"),
        ([[0, -1], [1, 0]], r"aggregate: weights must be finite and >= 0"),
        ([[0, np.nan], [1, 0]], r"aggregate: weights must be finite and >= 0"),
        ([[0, np.inf], [1, 0]], r"aggregate: weights must be finite and >= 0"),
        ([[1, 1], [1, 0]], r"aggregate: the diagonal must be 0"),
    ],
)
def test_bad_aggregates(aggregate, message):
    with pytest.raises(InputError, match=message):
        PowerObjective(0.5, aggregate)


@pytest.mark.parametrize("form", ["reward", "", None, ["penalty"]])
def test_bad_form(form):
    with pytest.raises(InputError, match=r"form: got .*; choose one of penalty, adversarial"):
        PowerObjective(0.5, form=form)


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_named_weights(n):
    off_diagonal = 1 - np.eye(n)
    np.testing.assert_array_equal(PowerObjective(1, "sum").weights(n), off_diagonal)
    np.testing.assert_allclose(PowerObjective(1, "mean").weights(n), off_diagonal / max(n - 1, 1), rtol=1e-15)
    assert PowerObjective(1, "mean").exact_weights(n)[0][1:] == [Fraction(1, max(n - 1, 1))] * (n - 1)


def test_a_weight_matrix_is_copied_frozen_and_checked_against_the_game():
    given_matrix = np.array(MATRIX)
    objective = PowerObjective(1, given_matrix)
    given_matrix[:] = 9
    np.testing.assert_array_equal(objective.weights(3), MATRIX)
    with pytest.raises(ValueError, match="read-only"):
        objective.aggregate[0, 1] = 3
    for method in (objective.weights, objective.adversaries, objective.exact_weights):
        with pytest.raises(InputError, match=r"shape \(3, 3\), the game has 2 players; give shape \(2, 2\)"):
            method(2)


def test_weights_are_kept_exactly():
    third, limit = Fraction(1, 3), Fraction(3, 4)
    objective = PowerObjective(limit, [[0, "1/3"], [third, 0]])
    assert objective.adversaries(2)[0][0].weight == third
    assert objective.to_dict() == {"lam": 0.75, "aggregate": [[0.0, 1 / 3], [1 / 3, 0.0]], "form": "penalty"}
    assert objective.to_dict(exact=True)["aggregate"] == [["0", "1/3"], ["1/3", "0"]]
    same = PowerObjective(limit, [[0, third], [third, 0]])
    assert (objective, hash(objective)) == (same, hash(same))
    assert with_lam(with_lam(objective, 1), limit) == objective != PowerObjective(limit, [[0, 1 / 3], [1 / 3, 0]])
    # Both hunt stag at λ W = 1/4 and below, and nowhere above.
    game, stag = load("stag_hunt"), [[Fraction(1), Fraction(0)]] * 2
    assert certify(game, stag, objective).max_regret == 0
    assert certify(game, stag, with_lam(objective, limit + Fraction(1, 10**17))).max_regret > 0
    assert len(solve_all(game, objective, exact=True)) == 2
    assert len(solve_all(game, with_lam(objective, limit + Fraction(1, 10**17)), exact=True)) == 1


def test_the_adversarial_form_takes_weights_exactly():
    weights = [["0", "1/3", "1/3"], ["1/3", "0", "1/3"], ["1/3", "1/3", "0"]]
    assert len(PowerObjective("3/2", weights, "adversarial").adversaries(3)) == 3
    with pytest.raises(InputError, match="lam times the weights of player 0"):
        PowerObjective(Fraction(3, 2) + Fraction(1, 10**20), weights, "adversarial").adversaries(3)


def at_lam_2(weight, *players):
    return Adversary(Fraction(weight), players, 2 * Fraction(weight))


def test_adversaries_of_weighted_aggregates():
    assert PowerObjective(2, "mean").adversaries(4)[1] == tuple(at_lam_2("1/3", j) for j in (0, 2, 3))
    assert PowerObjective(2, "sum").adversaries(2) == ((at_lam_2(1, 1),), (at_lam_2(1, 0),))
    assert PowerObjective(2, MATRIX).adversaries(3) == (
        (at_lam_2("1/2", 1),),
        (at_lam_2("1/4", 0), at_lam_2(1, 2)),
        (at_lam_2(2, 0),),
    )
    assert PowerObjective(2, MATRIX).charges(3) == (1, Fraction(5, 2), 4)


def test_the_maximum_has_one_adversary_who_picks_the_co_player():
    assert PowerObjective(2, "max").adversaries(3) == (
        (at_lam_2(1, 1, 2),),
        (at_lam_2(1, 0, 2),),
        (at_lam_2(1, 0, 1),),
    )


@pytest.mark.parametrize("aggregate", AGGREGATES)
def test_nobody_to_fear(aggregate):
    assert PowerObjective(0, aggregate).adversaries(3) == ((), (), ())
    assert PowerObjective(1, aggregate).adversaries(1) == ((),)
    assert PowerObjective(0, aggregate, "adversarial").adversaries(2) == ((), ())


@pytest.mark.parametrize(
    ("aggregate", "n", "limit"),
    [("mean", 2, 1), ("mean", 4, 1), ("sum", 3, Fraction(1, 2)), ("max", 3, 1), (MATRIX, 3, Fraction(1, 2))],
    ids=["mean 2", "mean 4", "sum", "max", "matrix"],
)
def test_the_adversarial_form_reads_lam_as_a_probability(aggregate, n, limit):
    assert len(PowerObjective(limit, aggregate, "adversarial").adversaries(n)) == n
    above = PowerObjective(limit + Fraction(1, 1000), aggregate, "adversarial")
    with pytest.raises(
        InputError, match=r"lam times the weights of player \d is 1.00\d* > 1; lower lam or use form='pen"
    ):
        above.adversaries(n)
    assert len(PowerObjective(5, aggregate).adversaries(n)) == n


def test_aggregate_power():
    power = np.array([[0, 1, 2], [3, 0, 4], [5, 6, 0]], dtype=float)
    np.testing.assert_allclose(PowerObjective(1, "mean").aggregate_power(power), [1.5, 3.5, 5.5])
    np.testing.assert_array_equal(PowerObjective(1, "sum").aggregate_power(power), [3, 7, 11])
    np.testing.assert_array_equal(PowerObjective(1, "max").aggregate_power(power), [2, 4, 6])
    np.testing.assert_array_equal(PowerObjective(1, MATRIX).aggregate_power(power), [0.5, 4.75, 10])


@pytest.mark.parametrize("aggregate", [*AGGREGATES, MATRIX], ids=[*AGGREGATES, "matrix"])
def test_aggregate_power_of_fractions_is_exact(aggregate):
    power = np.array([[Fraction(i != j, 3 + i + j) for j in range(3)] for i in range(3)], dtype=object)
    objective = PowerObjective(1, aggregate)
    charged = objective.aggregate_power(power)
    assert all(isinstance(entry, Fraction) for entry in charged)
    np.testing.assert_allclose(charged.astype(float), objective.aggregate_power(power.astype(float)), rtol=1e-15)


@pytest.mark.parametrize("aggregate", [*AGGREGATES, [[0.0]]], ids=[*AGGREGATES, "matrix"])
def test_a_single_player_is_charged_nothing(aggregate):
    assert PowerObjective(1, aggregate).aggregate_power(np.zeros((1, 1))).tolist() == [0.0]


def test_equality_and_hash():
    assert PowerObjective("1/3") == PowerObjective(Fraction(1, 3))
    assert hash(PowerObjective("1/3")) == hash(PowerObjective(Fraction(1, 3)))
    assert PowerObjective("1/3") != PowerObjective(1 / 3)
    assert PowerObjective(1, MATRIX) == PowerObjective(1, np.array(MATRIX))
    assert hash(PowerObjective(1, MATRIX)) == hash(PowerObjective(1, np.array(MATRIX)))
    assert PowerObjective(1, MATRIX) != PowerObjective(1, "sum")
    assert PowerObjective(1, "sum") != PowerObjective(1, MATRIX)
    assert PowerObjective(1) != PowerObjective(1, form="adversarial")
    assert PowerObjective(1) != 1


def test_to_dict_and_with_lam():
    objective = PowerObjective("1/4", MATRIX, "adversarial")
    assert objective.to_dict() == {"lam": 0.25, "aggregate": MATRIX, "form": "adversarial"}
    assert with_lam(objective, Fraction(1, 3)) == PowerObjective("1/3", MATRIX, "adversarial")
    with pytest.raises(AttributeError):
        objective.lam = 2


@pytest.mark.parametrize("steps", [1, 3, np.int64(3), math.inf, np.float64("inf"), "inf"])
def test_steps_are_part_of_an_objective(steps):
    objective = PowerObjective("1/3", "max", steps=steps)
    assert objective.steps == float(steps)
    assert type(objective.steps) in (int, float)
    assert [each.steps for each in objectives_of([0, 1], objective)] == [objective.steps] * 2
    assert with_lam(objective, 0.5).steps == replace(objective, lam=0.5).steps == objective.steps
    assert PowerObjective(**json.loads(json.dumps(objective.to_dict(exact=True)))) == objective
    assert eval(repr(objective), {"PowerObjective": PowerObjective, "inf": math.inf}).steps == objective.steps
    other = PowerObjective("1/3", "max", steps=2)
    assert objective != other
    assert len({objective, other, PowerObjective("1/3", "max", steps=steps)}) == 2


def test_one_step_is_the_default():
    objective = PowerObjective(0.3, steps=1)
    assert objective == PowerObjective(0.3)
    assert objective.to_dict() == {"lam": 0.3, "aggregate": "mean", "form": "penalty"}
    assert repr(objective) == "PowerObjective(lam=0.3, aggregate='mean', form='penalty')"
    assert objective.description == "mean of power, penalty form"
    assert PowerObjective(0.3, steps="inf").description == "mean of power for ever, penalty form"


@pytest.mark.parametrize("steps", [0, -1, 1.5, 3.0, True, "3", None, math.nan, -math.inf, 100_001, [2]])
def test_steps_are_whole_or_infinite(steps):
    with pytest.raises(InputError, match=r"^steps: got .*; give an integer from 1 to 100000, or math.inf$"):
        PowerObjective(0.3, steps=steps)


def test_takeovers_that_last_need_the_penalty_form():
    with pytest.raises(
        InputError, match=r"^objective: got power of 2 steps with form='adversarial'; .*form='penalty'$"
    ):
        PowerObjective(0.3, form="adversarial", steps=2)
