"""Stochastic games: what they hold, what they refuse, and what the named ones are known for."""

from __future__ import annotations

import copy
import inspect
import itertools
import math
import pickle

import numpy as np
import pytest
import scipy.sparse
from scipy.optimize import linprog

import powergames as pg
from powergames.games import memory as limits
from powergames.games.catalog import stochastic as stochastic_catalog
from powergames.games.catalog.normal_form import CATALOG, named_game

REWARDS = np.arange(24.0).reshape(2, 3, 2, 2)
UNIFORM = np.full((3, 2, 2, 3), 1 / 3)
NAMES = [stochastic.__name__ for stochastic in stochastic_catalog.STOCHASTIC_GAMES]
RANDOM = [name for name in NAMES if name.startswith("random_")]


def random_parts(seed, sizes=(2, 3), n_states=4, zeros=0.5):
    """Rewards and dense transitions with many zeros."""
    generator = np.random.default_rng(seed)
    rewards = generator.normal(size=(len(sizes), n_states, *sizes))
    weights = generator.exponential(size=(n_states, *sizes, n_states))
    weights *= generator.random(weights.shape) > zeros
    weights[..., 0] += 0.1
    return rewards, weights / weights.sum(axis=-1, keepdims=True)


def game_of(**changes):
    return pg.StochasticGame(**{"rewards": REWARDS, "transitions": UNIFORM, "discount": 0.9} | changes)


def changed(array, index, value):
    result = array.copy()
    result[index] = value
    return result


def dense(game):
    """Transitions row by row, read from the CSR arrays in plain Python."""
    matrix = np.zeros((game.n_rows, game.n_states))
    for row in range(game.n_rows):
        for entry in range(game.indptr[row], game.indptr[row + 1]):
            matrix[row, game.indices[entry]] += game.data[entry]
    return matrix


def matrix_value(matrix):
    """Value of a zero-sum matrix game and the row player's maximin strategy, by linear programming."""
    n_rows, n_columns = matrix.shape
    done = linprog(
        np.r_[np.zeros(n_rows), -1.0],
        A_ub=np.c_[-matrix.T, np.ones(n_columns)],
        b_ub=np.zeros(n_columns),
        A_eq=np.r_[np.ones(n_rows), 0.0][None],
        b_eq=[1.0],
        bounds=[(0, None)] * n_rows + [(None, None)],
    )
    return -done.fun, done.x[:-1]


def stage_matrix(game, state, values):
    """What player 0 is paid in a state, if the rest of the game is worth these values."""
    rows = slice(game.row_starts[state], game.row_starts[state + 1])
    action_values = game.rewards[0] + game.discounts[0] * dense(game) @ values
    return action_values[rows].reshape(game.n_actions[state])


@pytest.mark.parametrize("seed", range(5))
def test_every_way_in_gives_the_same_game(seed):
    rewards, transitions = random_parts(seed)
    rows, columns = rewards.reshape(2, -1), transitions.reshape(-1, 4)
    matrix = scipy.sparse.csr_array(columns)
    counts = [[2, 3]] * 4
    game = pg.StochasticGame(rewards, transitions, 0.5)
    np.testing.assert_array_equal(game.rewards, rows)
    np.testing.assert_allclose(dense(game), columns, rtol=1e-15)
    np.testing.assert_array_equal(game.row_starts, [0, 6, 12, 18, 24])
    np.testing.assert_array_equal(game.transitions.toarray(), dense(game))
    others = [
        pg.StochasticGame(rewards.tolist(), transitions.tolist(), [0.5, 0.5]),
        pg.StochasticGame(rewards, columns, 0.5),
        pg.StochasticGame(rewards, matrix, 0.5),
        pg.StochasticGame(rewards, scipy.sparse.coo_matrix(columns), 0.5),
        pg.StochasticGame(rewards, (matrix.data, matrix.indices, matrix.indptr), 0.5),
        pg.StochasticGame(np.asfortranarray(rewards), np.asfortranarray(transitions), 0.5),
        pg.StochasticGame.from_rows(counts, rows, columns, 0.5),
        pg.StochasticGame.from_rows(counts, rows, matrix, 0.5),
        pickle.loads(pickle.dumps(game)),
    ]
    for other in others:
        assert other == game
        assert hash(other) == hash(game)
    assert copy.copy(game) is copy.deepcopy(game) is game


def test_sparse_transitions_are_brought_in_order():
    data, indices = [0.25, 0.5, 0.0, 0.25, 1.0], [2, 0, 1, 2, 1]
    game = pg.StochasticGame.from_rows([[2], [1], [1]], [[1, 2, 3, 4]], (data * 2, indices * 2, [0, 4, 5, 9, 10]), 0)
    np.testing.assert_array_equal(game.data, [0.5, 0.5, 1, 0.5, 0.5, 1])
    np.testing.assert_array_equal(game.indices, [0, 2, 1, 0, 2, 1])
    np.testing.assert_array_equal(game.indptr, [0, 2, 3, 5, 6])
    assert game.indices.dtype == game.indptr.dtype == np.int32


def test_a_game_is_frozen_and_leaves_its_arguments_alone():
    rewards, transitions = random_parts(0)
    kept = rewards.copy(), transitions.copy()
    game = pg.StochasticGame(rewards, transitions, 0.5)
    rewards[:] = 7
    transitions[:] = 7
    assert game == pg.StochasticGame(*kept, 0.5)
    for array in (game.n_actions, game.row_starts, game.rewards, game.data, game.indices, game.indptr):
        assert not array.flags.writeable
    for array in (game.discounts, game.start, game.reward_min, game.reward_range, game.value_scale):
        assert not array.flags.writeable
    with pytest.raises(AttributeError, match="immutable"):
        game.title = "other"
    with pytest.raises(AttributeError, match="immutable"):
        del game.title
    assert game != game_of()
    assert game != "game"
    matrix = scipy.sparse.csr_array(kept[1].reshape(-1, 4))
    pg.StochasticGame(kept[0], matrix, 0.5)
    assert matrix.data.flags.writeable


def test_rows_within_tolerance_are_normalized_and_only_once():
    generator = np.random.default_rng(1)
    for size in (2, 3, 10, 1000):
        weights = generator.exponential(size=(1, 1, size))
        weights /= weights.sum() * (1 + 1e-9)
        rows = np.tile(weights, (size, 1, 1))
        game = pg.StochasticGame(np.zeros((1, size, 1)), rows, 0.5)
        sums = game.transitions.sum(axis=1)
        np.testing.assert_allclose(sums, 1, atol=1e-15 * size)
        again = pg.StochasticGame(np.zeros((1, size, 1)), game.transitions, 0.5)
        np.testing.assert_array_equal(again.data, game.data)
    thirds = game_of().data
    np.testing.assert_array_equal(thirds, 1 / 3)


def test_tiny_probabilities_are_kept():
    transitions = changed(UNIFORM, (0, 0, 0), [1e-300, 0.0, 1.0])
    game = game_of(transitions=transitions)
    np.testing.assert_array_equal(game.data[:2], [1e-300, 1.0])


def test_numbers_of_actions_can_differ_by_state():
    game = pg.StochasticGame.from_rows(
        [[2, 2], [1, 3], [1, 1]],
        [range(8), range(8, 16)],
        np.tile([0.25, 0.5, 0.25], (8, 1)),
        [0.5, 0.75],
        players=["Ann", "Bob"],
        actions=[["up", "down"], ["left", "right", "wait"]],
        states=["a", "b", "c"],
        start=[0, 1, 0],
        title="Mixed",
    )
    assert (game.n_players, game.n_states, game.n_rows) == (2, 3, 8)
    assert game.max_actions == (2, 3)
    assert not game.uniform_actions
    assert not game.actions_by_state
    np.testing.assert_array_equal(game.row_starts, [0, 4, 7, 8])
    stage = game.stage(1)
    np.testing.assert_array_equal(stage.payoffs, [[[4, 5, 6]], [[12, 13, 14]]])
    assert stage.actions == (("up",), ("left", "right", "wait"))
    assert stage.players == ("Ann", "Bob")
    assert game.describe_row(6) == "state 'b', actions (up, wait)"
    assert repr(game) == "<StochasticGame 'Mixed': 2 players, 3 states, 8 rows, discount 0.5, 0.75>"
    np.testing.assert_array_equal(game.uniform_profile()[0], [[0.5, 0.5], [1, 0], [1, 0]])
    np.testing.assert_allclose(game.uniform_profile()[1], [[0.5, 0.5, 0], [1 / 3] * 3, [1, 0, 0]])
    with pytest.raises(pg.InputError, match="stage: got state 3; give an index from 0 to 2"):
        game.stage(3)


def test_names_of_actions_by_state():
    parts = [[2], [1]], [[3, 0, 1]], [[1, 0], [0, 1], [0, 1]], 0.5
    game = pg.StochasticGame.from_rows(*parts, actions=[[["go", "stay"]], [["rest"]]])
    assert game.actions_by_state
    assert game.action_names(0, 0) == ("go", "stay")
    assert game.action_names(1, 0) == ("rest",)
    same = pg.StochasticGame.from_rows(*parts, actions=[[["go", "stay"]], [["go"]]])
    assert same.actions == (("go", "stay"),)
    assert same == pg.StochasticGame.from_rows(*parts, actions=[["go", "stay"]])
    assert same != game


def test_units_of_regret():
    game = game_of(rewards=np.stack([REWARDS[0], np.full((3, 2, 2), 5.0)]), discount=[0.75, 0.5])
    np.testing.assert_array_equal(game.reward_min, [0, 5])
    np.testing.assert_array_equal(game.reward_range, [11, 0])
    rewards, units, offsets = game.unit_rewards()
    np.testing.assert_array_equal(units, [11, 1])
    np.testing.assert_array_equal(offsets, [0, 5])
    np.testing.assert_array_equal(rewards, [game.rewards[0] / 11, np.zeros(game.n_rows)])


BAD_GAMES = [
    ({"rewards": [[1, 2], [3, 4]]}, r"rewards: got shape \(2, 2\); expected \(n, S, A_0"),
    ({"rewards": [[[1, 2], [3]]]}, "rewards: ragged"),
    ({"rewards": np.zeros((0, 1, 1))}, "zero players"),
    ({"rewards": np.zeros((1, 0, 1))}, "zero states"),
    ({"rewards": np.zeros((2, 1, 3, 0))}, "player 1 has zero actions"),
    ({"rewards": np.zeros((3, 3, 2, 2))}, "3 reward tensors over the actions of 2 players"),
    ({"rewards": REWARDS.astype(complex)}, "rewards: got dtype complex128; give real numbers"),
    ({"rewards": [[["x"]]]}, "rewards: not numbers"),
    ({"rewards": [[[None]]]}, "rewards: got None; give real numbers"),
    ({"rewards": changed(REWARDS, (1, 2, 0, 1), np.nan)}, r"rewards of player 1, state '2', actions \(0, 1\): got nan"),
    ({"rewards": changed(REWARDS, (0, 0, 1, 1), np.inf)}, r"rewards of player 0, state '0', actions \(1, 1\): got inf"),
    ({"rewards": REWARDS * 5e306}, "rewards of player 0: their discounted sums are too large for a float"),
    ({"rewards": changed(REWARDS, (0, 0, 0, 0), -1.7e308), "discount": 0.5}, "rewards of player 0: their discounted"),
    ({"transitions": UNIFORM[:2]}, r"transitions: got shape \(2, 2, 2, 3\); expected \(3, 2, 2, 3\)"),
    ({"transitions": [[1, 0], [1]]}, "transitions: ragged"),
    ({"transitions": UNIFORM.astype(str).tolist()[0]}, "transitions: got shape"),
    ({"transitions": UNIFORM / 2}, r"transitions, state '0', actions \(0, 0\): the probabilities sum to 0.5; make"),
    ({"transitions": UNIFORM * (1 + 1e-7)}, "the probabilities sum to 1.0000001; make them sum to 1"),
    ({"transitions": changed(UNIFORM, (1, 0, 1), 0)}, r"state '1', actions \(0, 1\): the probabilities sum to 0;"),
    (
        {"transitions": changed(UNIFORM, (2, 1, 1), [1.5, -0.5, 0])},
        r"transitions, state '2', actions \(1, 1\): got the probability -0.5; give numbers from 0 to 1",
    ),
    ({"transitions": changed(UNIFORM, (0, 1, 0), [np.nan, 0, 1])}, "got the probability nan"),
    ({"transitions": changed(UNIFORM, (0, 1, 0), [np.inf, 0, 1])}, "the probabilities sum to inf"),
    ({"transitions": scipy.sparse.eye_array(12).tocsr()}, r"sparse matrix of shape \(12, 12\); expected \(12, 3\)"),
    ({"transitions": ([1.0] * 12, [0] * 11, range(13))}, r"data of shape \(12,\) and indices of shape \(11,\)"),
    ({"transitions": ([1.0] * 12, [0] * 12, range(12))}, r"indptr of shape \(12,\); expected \(13,\)"),
    ({"transitions": ([1.0] * 12, [3] * 12, range(13))}, "index 3; give states from 0 to 2"),
    ({"transitions": ([1.0] * 12, [-1] * 12, range(13))}, "index -1; give states from 0 to 2"),
    ({"transitions": ([1.0] * 12, [0.0] * 12, range(13))}, "indices: got dtype float64; give integers"),
    ({"transitions": ([1.0] * 12, [0] * 12, [0, 5, 2, *range(3, 13)])}, "indptr must increase from 0 to 12"),
    ({"transitions": ([1.0] * 12, [0] * 12, [1] * 13)}, "indptr must increase from 0 to 12"),
    (
        {"transitions": ([1.5, -0.5] + [1.0] * 11, [0] * 13, [0, *range(2, 14)])},
        r"actions \(0, 0\): got the probability -0.5",
    ),
    ({"transitions": "uniform"}, r"transitions: got shape \(\)"),
    ({"discount": 1.5}, "discount of player 0: got 1.5; give a number from 0 to 1"),
    ({"discount": [0.5, 1.2]}, "discount of player 1: got 1.2; give"),
    ({"discount": -0.1}, "discount of player 0: got -0.1; give"),
    ({"discount": np.nan}, "discount of player 0: got nan; give"),
    ({"discount": [0.5] * 3}, r"discount: got shape \(3,\); give one number, or one for each of 2 players"),
    ({"discount": None}, "discount: got None; give"),
    ({"start": [1, 0]}, r"start: got shape \(2,\); expected \(3,\)"),
    ({"start": [0.5, 0.4, 0]}, "start: the probabilities sum to 0.9"),
    ({"start": [1.5, -0.5, 0]}, "start: state 1: got -0.5; give a probability"),
    ({"start": [np.nan, 1, 0]}, "start: state 0: got nan"),
    ({"players": ["Ann"]}, "players: got 1 names for 2; give one each"),
    ({"players": "AB"}, "players: got str; give a list of 2 names"),
    ({"players": 2}, "players: got int; give a list of 2 names"),
    ({"states": ["a"]}, "states: got 1 names for 3"),
    ({"actions": [["a", "b"]]}, "actions: got 1 lists for 2 players"),
    ({"actions": [["a", "b"], ["c"]]}, "actions of player 1: got 1 names for 2"),
    ({"actions": 3}, "actions: got int; give one list of names per player, or per state"),
    ({"actions": "ab"}, "actions: got str"),
    ({"actions": [[["a", "b"]] * 2] * 2}, "actions: got 2 entries for 3 states"),
    ({"actions": [[["a", "b"]] * 2] * 2 + [[["a", "b"]]]}, "actions of state 2: got 1 lists for 2 players"),
    ({"actions": [[["a", "b"]] * 2] * 2 + [[["a", "b"], ["c"]]]}, "actions of state 2, player 1: got 1 names for 2"),
]


@pytest.mark.parametrize(("changes", "message"), BAD_GAMES)
def test_bad_games_are_refused_in_one_line(changes, message):
    with pytest.raises(pg.InputError, match=message) as caught:
        game_of(**changes)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("n_actions", "rewards", "message"),
    [
        ([2, 2], [[1, 2]], r"n_actions: got shape \(2,\); expected \(S, n\)"),
        (np.zeros((0, 2)), [[1, 2]], r"n_actions: got shape \(0, 2\)"),
        ([[2], [0]], [[1, 2]], "n_actions: state 1, player 0: got 0; give a positive integer"),
        ([[2], [1.5]], [[1, 2]], "state 1, player 0: got 1.5; give a positive integer"),
        ([[2], [1]], [1, 2, 3], r"rewards: got shape \(3,\); expected \(1, R\)"),
        ([[2], [1]], [[1, 2, 3]] * 2, r"rewards: got shape \(2, 3\); expected \(1, R\)"),
        ([[2], [1]], [[1, 2]], "rewards: got 2 columns; the states have 3 joint actions together"),
        ([[10**6] * 40], np.zeros((40, 1)), "the rewards of all joint actions would take 3.2e.242 bytes"),
        (np.ones((1, 70)), np.zeros((70, 1)), "70 players; give at most"),
    ],
)
def test_bad_rows_are_refused_in_one_line(n_actions, rewards, message):
    with pytest.raises(pg.InputError, match=message) as caught:
        pg.StochasticGame.from_rows(n_actions, rewards, np.ones((3, 1)), 0.5)
    assert "\n" not in str(caught.value)


def test_games_that_do_not_fit_in_memory_are_refused(monkeypatch):
    monkeypatch.setattr(limits, "available_memory", lambda: 5000)
    with pytest.raises(pg.InputError, match=r"rewards: a copy of shape \(1, 1000, 1\) would take 8,000 bytes"):
        pg.StochasticGame(np.zeros((1, 1000, 1)), np.ones((1000, 1000)), 0.5)
    with pytest.raises(pg.InputError, match="the transitions, 10000 probabilities, would take 160,000 bytes"):
        pg.StochasticGame(np.zeros((1, 100, 1)), np.full((100, 100), 0.01), 0.5)


class TestProfile:
    game = pg.StochasticGame.from_rows(
        [[2, 2], [1, 3]], np.zeros((2, 7)), np.full((7, 2), 0.5), 0.5, states=["early", "late"]
    )
    good = ([[0.25, 0.75], [1, 0]], [[0.5, 0.5, 0], [0.2, 0.3, 0.5]])

    def test_arrays_and_lists(self):
        profile = self.game.profile(self.good)
        np.testing.assert_array_equal(profile[0], self.good[0])
        np.testing.assert_allclose(profile[1], self.good[1])
        assert all(not strategy.flags.writeable for strategy in profile)
        lists = self.game.profile(([[0.25, 0.75], [1]], [[0.5, 0.5], [0.2, 0.3, 0.5]]))
        for strategy, other in zip(profile, lists, strict=True):
            np.testing.assert_array_equal(strategy, other)
        again = self.game.profile(profile)
        np.testing.assert_allclose(again[1], profile[1], rtol=1e-15)

    def test_rounding_is_mended(self):
        x = self.game.profile(([[0.25, 0.7500001], [1, 1e-9]], [[1 + 1e-8, -1e-8, 0], [0.2, 0.3, 0.5]]))
        np.testing.assert_allclose(x[0].sum(axis=1), 1, rtol=1e-15)
        assert x[0][1].tolist() == [1, 0]
        assert x[1][0].tolist() == [1, 0, 0]

    @pytest.mark.parametrize(
        ("profile", "message"),
        [
            (None, "profile: got NoneType"),
            ([good[0]], "profile: got 1 arrays for 2 players"),
            ((good[0], [[0.5, 0.5, 0]]), r"profile of player 1: got shape \(1, 3\), expected \(2, 3\)"),
            (([0.5, 0.5], good[1]), r"profile of player 0: got shape \(2,\), expected \(2, 2\)"),
            (([[0.5, 0.6], [1, 0]], good[1]), r"player 0, state 'early': off the simplex \(smallest 0.5, sum 1.1\)"),
            (([[1.5, -0.5], [1, 0]], good[1]), r"player 0, state 'early': off the simplex \(smallest -0.5, sum 1\)"),
            (([[0, 1], [0.5, 0.5]], good[1]), "player 0, state 'late': probability 0.5 on action 1, but .* has 1"),
            (([[0, np.nan], [1, 0]], good[1]), "player 0, state 'early': contains NaN"),
            (([[0, 1], ["x", 0]], good[1]), "player 0: not an array of numbers"),
            (([[0, 1j], [1, 0]], good[1]), "player 0: not an array of numbers"),
            (([[0, 1], [1], [1]], good[1]), "player 0: got 3 states, expected 2"),
            ((good[0], [[1, 0], [1, 0]]), r"player 1: got shape \(2, 2\), expected \(2, 3\)"),
            ((good[0], [[1, 0, 0, 0], [1, 0, 0]]), r"player 1, state 'early': got shape \(4,\); give 2 probabilities"),
        ],
    )
    def test_bad_profiles_are_refused(self, profile, message):
        with pytest.raises(pg.InputError, match=message) as caught:
            self.game.profile(profile)
        assert "\n" not in str(caught.value)


FUNCTIONS = [
    pg.logit_path,
    pg.pure_equilibria,
    pg.to_nashpy,
    pg.to_pygambit,
    lambda game: pg.solve_batch([game]),
    lambda game: pg.power_table(game, game.uniform_profile()),
]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_takes_a_normal_form_game_says_so(function):
    with pytest.raises(pg.InputError, match=r"got the stochastic game 'Big Match' of 3 states.* game\.stage\(s\)"):
        function(pg.load("big_match"))


# The catalog.


@pytest.mark.parametrize("name", NAMES)
def test_named_games_are_sound(name):
    game = named_game(name)
    assert isinstance(game, pg.StochasticGame)
    assert game == CATALOG[name].function()
    assert not any(label.isdigit() for label in (*game.players, *game.states))
    np.testing.assert_allclose(dense(game).sum(axis=1), 1, atol=1e-15)
    if "discount" in CATALOG[name].parameters:
        assert named_game(f"{name}:discount=1/3").discounts[0] == 1 / 3
        for wrong in ("1.1", "-0.1", "nan", "x"):
            with pytest.raises(pg.InputError, match=f"{name}: discount: got"):
                named_game(f"{name}:discount={wrong}")


@pytest.mark.parametrize("name", ["shapley_1953", "big_match", "dynamic_rock_paper_scissors", "soccer"])
def test_zero_sum(name):
    np.testing.assert_array_equal(named_game(name).rewards.sum(axis=0), 0)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("shapley_1953", [(math.sqrt(17) - 3) / 2, 0]),
        ("big_match", [5, 0, 10]),
        ("big_match:discount=0.99", [50, 0, 100]),
        ("dynamic_rock_paper_scissors", [0, 1 / 9, -1 / 9]),
    ],
)
def test_known_values(name, values):
    # The values are the fixed point of a contraction, so that one step of it proves them.
    game = named_game(name)
    for state, value in enumerate(values):
        assert matrix_value(stage_matrix(game, state, np.array(values)))[0] == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("discount", [0.0, 0.5, 0.9, 0.999])
def test_big_match_stops_as_known(discount):
    game = stochastic_catalog.big_match(discount)
    half = 0.5 / (1 - discount)
    _, strategy = matrix_value(stage_matrix(game, 0, np.array([half, 0, 2 * half])))
    assert strategy[0] == pytest.approx((1 - discount) / (2 - discount), abs=1e-9)


def test_reputation_is_what_one_did():
    game = stochastic_catalog.reputation_stag_hunt(bonus=0.25)
    for state, (first, second) in enumerate(itertools.product((0, 1), repeat=2)):
        bonus = np.array([0.25 * (first == 0), 0.25 * (second == 0)])
        hunt = np.array([[[4, 0], [3, 3]], [[4, 3], [0, 3]]])
        np.testing.assert_array_equal(game.stage(state).payoffs, hunt + bonus[:, None, None])
        np.testing.assert_array_equal(dense(game)[4 * state : 4 * state + 4], np.eye(4))
    assert game.states[1] == "trusted, doubted"


def test_commons_conserves_stock():
    game = named_game("commons:n=3,stock=5,most=2")
    matrix = dense(game)
    for state in range(6):
        for k, joint in enumerate(itertools.product(range(3), repeat=3)):
            row = game.row_starts[state] + k
            taken = min(sum(joint), state)
            assert game.rewards[:, row].sum() == pytest.approx(taken, abs=1e-12)
            left = state - taken
            expected = left + 4 * (left / 5) * (1 - left / 5)
            assert matrix[row] @ np.arange(6) == pytest.approx(expected, abs=1e-12)
    assert game.start.argmax() == 5


def test_line_with_breakdowns():
    game = named_game("line_with_breakdowns:n=2,breakdown=0.25")
    np.testing.assert_array_equal(game.stage(0).payoffs, pg.load("assembly_line:n=2").payoffs)
    np.testing.assert_array_equal(game.stage(1).payoffs, [[[0, 0], [1, 1]], [[0, 1], [0, 1]]])
    np.testing.assert_array_equal(dense(game)[:, 1], [0.25, 0, 0, 0, 0, 0.5, 0.5, 1])
    assert game.action_names(1, 0) == ("repair", "solo")
    with pytest.raises(pg.InputError, match=r"breakdown: got 1\.5; give a probability"):
        named_game("line_with_breakdowns:breakdown=1.5")


def test_relying_on_more_pays_more_and_gives_more_power():
    game = named_game("delegation:n=4,gain=2,loss=1")
    for relied in range(4):
        stage = game.stage(relied)
        assert stage.n_actions == (4, *(2 if agent < relied else 1 for agent in range(3)))
        profile = [np.eye(size)[0] for size in stage.n_actions]
        table = pg.power_table(stage, profile)
        assert table.task[0] == 1 + 2 * relied
        np.testing.assert_array_equal(table.power[0], [0, *(3 * (agent < relied) for agent in range(3))])
        # Delivering is what every agent wants, and the next state is what the principal says.
        for agent in range(relied):
            others = [np.eye(size)[int(k == agent + 1)] for k, size in enumerate(stage.n_actions)]
            assert pg.power_table(stage, others).task[agent + 1] < table.task[agent + 1]
        rows = slice(game.row_starts[relied], game.row_starts[relied + 1])
        followers = dense(game)[rows].reshape(4, -1, 4)
        np.testing.assert_array_equal(followers, np.repeat(np.eye(4)[:, None], followers.shape[1], axis=1))


def test_grid_game_as_published():
    game = named_game("grid_game")
    first = int(game.start.argmax())
    assert game.states[first] == "0,0 and 2,0"
    # Nine cells for each, less those where they are in one, and those where one is at its goal.
    assert game.n_states == 9 * 8 - 8 - 8 + 1 + 1
    # Robots that go up twice and then across arrive; one that runs into the other stays and pays.
    rows = range(game.row_starts[first], game.row_starts[first + 1])
    blocked = [row for row in rows if game.rewards[0, row] == -1]
    assert [game.describe_row(row) for row in blocked] == ["state '0,0 and 2,0', actions (right, left)"]
    np.testing.assert_array_equal(dense(game)[blocked[0]], np.eye(game.n_states)[first])
    assert set(game.rewards.ravel()) == {-1, 0, 100}
    assert game.stage(game.n_states - 1).n_actions == (1, 1)
    # Left and right are alike, up to who is who.
    np.testing.assert_array_equal(np.sort(game.rewards[0]), np.sort(game.rewards[1]))


def test_soccer_is_fair():
    game = named_game("soccer")
    matrix = game.transitions
    assert set(game.rewards.ravel()) == {-1, -0.5, 0, 0.5, 1}
    assert game.start[game.start > 0].tolist() == [0.5, 0.5]
    # Turned by 180 degrees, with the players exchanged, the game is the same.
    cells = [(x, y) for x in range(5) for y in range(4)]
    states = [(a, b, ball) for a in cells for b in cells if a != b for ball in (0, 1)]
    number = {state: k for k, state in enumerate(states)}
    turned = {a: (4 - a[0], 3 - a[1]) for a in cells}
    image = np.array([number[turned[b], turned[a], 1 - ball] for a, b, ball in states])
    opposite = (1, 0, 3, 2, 4)
    rows = np.array(
        [25 * image[s] + 5 * opposite[b] + opposite[a] for s in range(760) for a in range(5) for b in range(5)]
    )
    np.testing.assert_array_equal(game.rewards[0], -game.rewards[0][rows])
    assert abs(matrix - matrix[rows][:, image]).max() == 0
    np.testing.assert_array_equal(game.start, game.start[image])
    # A goal: the ball carrier next to the line, in a middle row, moves east while the other stands elsewhere.
    row = 25 * number[(4, 1), (0, 0), 0] + 5 * 2 + 4
    assert game.rewards[0, row] == 1
    np.testing.assert_array_equal(matrix[[row]].toarray()[0], game.start)
    # Running into the other loses the ball.
    row = 25 * number[(1, 1), (2, 1), 0] + 5 * 2 + 4
    assert matrix[[row]].indices.tolist() == [number[(1, 1), (2, 1), 1]]


@pytest.mark.parametrize("name", RANDOM)
def test_random_games_follow_their_seed(name):
    build = CATALOG[name].function
    assert build(states=6, seed=5) == build(states="6", seed="5")
    assert not np.array_equal(build(states=6, seed=5).rewards, build(states=6, seed=6).rewards)
    game = build(players=3, states=7, actions=2)
    assert (game.n_players, game.n_states, game.max_actions) == (3, 7, (2, 2, 2))
    assert 0 <= game.rewards.min() < 0.2 < 0.8 < game.rewards.max() < 1


def test_random_families_are_dense_sparse_and_turn_based():
    full = stochastic_catalog.random_stochastic(states=10)
    assert len(full.data) == full.n_rows * 10
    few = stochastic_catalog.random_sparse(states=1000, successors=4)
    assert np.diff(few.indptr).max() == 4
    assert len(few.data) > 3.9 * few.n_rows
    turns = stochastic_catalog.random_turn_based(players=3, states=9, actions=4)
    assert (np.sort(turns.n_actions, axis=1) == [1, 1, 4]).all()
    np.testing.assert_array_equal(turns.n_actions.argmax(axis=1), np.arange(9) % 3)
    assert turns.n_rows == 36


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_what_rounding_to_the_type_explains_is_accepted_and_normalized(dtype):
    weights = np.random.default_rng(0).random((30, 2, 30)).astype(dtype)
    rounded = weights / weights.sum(axis=2, keepdims=True)
    rewards, rows = np.zeros((1, 30, 2)), rounded.reshape(60, 30)
    start = rows[np.abs(rows.sum(axis=1, dtype=float) - 1).argmax()]
    data, indices, indptr = rows.ravel(), np.tile(np.arange(30), 60), np.arange(0, 1801, 30)
    for transitions in (rounded, list(rounded), rows, (data, indices, indptr)):
        game = pg.StochasticGame(rewards, transitions, 0.5, start=start)
        np.testing.assert_allclose(game.transitions.sum(axis=1), 1, rtol=1e-14)
        np.testing.assert_allclose(game.start.sum(), 1, rtol=1e-14)
        np.testing.assert_allclose(game.transitions.toarray(), rows, rtol=10 * np.finfo(dtype).eps)
    if dtype == np.float32:
        assert pg.StochasticGame(rewards, scipy.sparse.csr_array(rows), 0.5, start=start) == game
    # The same numbers are wrong where they come as float64, and more than rounding is wrong in any type.
    with pytest.raises(pg.InputError, match="the probabilities sum to"):
        pg.StochasticGame(rewards, rounded.astype(float), 0.5)
    with pytest.raises(pg.InputError, match="start: the probabilities sum to"):
        pg.StochasticGame(rewards, rounded, 0.5, start=start.astype(float))
    with pytest.raises(pg.InputError, match="the probabilities sum to"):
        pg.StochasticGame(rewards, rounded * dtype(1 + 30 * np.finfo(dtype).eps), 0.5)


@pytest.mark.parametrize(
    "spec",
    [
        "random_stochastic:states=1000000000",
        "random_stochastic:players=63,actions=1000000",
        "random_sparse:states=1000000000,actions=100",
        "random_turn_based:states=1000000000,successors=1000",
        "commons:n=40",
        "commons:stock=1000000,most=1000000",
        "line_with_breakdowns:n=60",
        "delegation:n=60",
        "grid_game:width=1000,height=1000",
        "soccer:width=1000,height=1000",
    ],
)
def test_named_games_too_large_for_memory(spec):
    with pytest.raises(pg.InputError, match=r"bytes.* make the game smaller"):
        named_game(spec)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in RANDOM])
def test_named_games_say_where_they_come_from(name):
    notes = inspect.getdoc(CATALOG[name].function).partition("Notes\n")[2]
    assert "(19" in notes or "(20" in notes or "made for this catalog" in notes.lower()
