"""NormalFormGame: what it accepts, what it refuses and how, and that it never changes."""

from __future__ import annotations

import copy
import pickle
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import powergames as pg
from powergames.errors import FormatError, InputError
from powergames.games import NormalFormGame
from powergames.games.numbers import to_fraction

STAG = [[[4, 0], [3, 3]], [[4, 3], [0, 3]]]

BAD_PAYOFFS = [
    pytest.param(5, r"payoffs: got shape \(\); expected \(n, A_0", id="scalar"),
    pytest.param(None, r"payoffs: got NoneType; give real numbers", id="none"),
    pytest.param({}, r"payoffs: got dict; give real numbers", id="dict"),
    pytest.param("abc", r"payoffs: 'abc' is not a finite number", id="text"),
    pytest.param([1, 2, 3], r"payoffs: got shape \(3,\); expected", id="vector"),
    pytest.param([], r"payoffs: got shape \(0,\)", id="empty"),
    pytest.param(np.zeros((0, 2)), r"zero players; a game needs at least one", id="zero players"),
    pytest.param(np.zeros((2, 3)), r"got shape \(2, 3\), 2 payoff tensors of 1 axes; 2 players need", id="axes"),
    pytest.param(np.zeros((3, 2, 2)), r"3 payoff tensors of 2 axes; 3 players need", id="too many tensors"),
    pytest.param(np.zeros((2, 3, 0)), r"player 1 has zero actions; give at least one", id="zero actions"),
    pytest.param([[[1, 2], [3]], [[1, 2], [3, 4]]], r"payoffs: ragged nested sequences", id="ragged"),
    pytest.param([[[1, 2], [3, 4]], [[1, np.nan], [3, 4]]], r"payoffs\[1, 0, 1\] is nan; every payoff", id="nan"),
    pytest.param([[[1, 2], [3, -np.inf]], [[1, 2], [3, 4]]], r"payoffs\[0, 1, 1\] is -inf", id="infinite"),
    pytest.param([[np.inf, -np.inf]], r"payoffs\[0, 0\] is inf", id="infinities that cancel"),
    pytest.param([[Fraction(1, 3), float("nan")]], r"payoffs\[0, 1\] is nan", id="nan among fractions"),
    pytest.param([["1/3", "x"]], r"payoffs\[0, 1\]: 'x' is not a finite number", id="word"),
    pytest.param([["1/0", "2"]], r"payoffs\[0, 0\]: '1/0' is not a finite number", id="division by zero"),
    pytest.param([[1, None]], r"payoffs\[0, 1\]: got NoneType; give real numbers", id="missing"),
    pytest.param([[1, 2j]], r"payoffs: got dtype complex128; give real numbers", id="complex"),
    pytest.param([["1e350", 0]], r"payoffs\[0, 0\]: number is too large for a float", id="large text"),
    pytest.param([["1e999999999", 0]], r"payoffs\[0, 0\]: number '1e999999999' is out of the range", id="huge text"),
    pytest.param([[10**400, 0]], r"payoffs\[0, 0\]: number is too large for a float", id="large integer"),
    pytest.param([["1e-350", 0]], r"payoffs\[0, 0\]: number is too small for a float", id="tiny text"),
    pytest.param([[1e308, -1e308]], r"payoffs of player 0: their range, from -1e\+308 to 1e\+308, is", id="range"),
]


@pytest.mark.parametrize(("payoffs", "message"), BAD_PAYOFFS)
def test_bad_payoffs_are_refused_in_one_line(payoffs, message):
    with pytest.raises(InputError, match=message) as caught:
        NormalFormGame(payoffs)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"players": ["a"]}, r"players: got 1 names for 2 players; give one each"),
        ({"players": "ab"}, r"players: got str; give a list of 2 names"),
        ({"actions": [["x", "y"]]}, r"actions: got 1 lists for 2 players"),
        ({"actions": [["x", "y"], ["x"]]}, r"actions of player 1: got 1 names for 2 actions; give one each"),
        ({"actions": ["xy", ["x", "y"]]}, r"actions of player 0: got str; give a list of 2 names"),
    ],
)
def test_labels_must_fit(labels, message):
    with pytest.raises(InputError, match=message):
        NormalFormGame(STAG, **labels)


def test_labels_are_kept_as_tuples_of_text():
    players, actions = ["ann", "bob"], [["x", "x"], [1, 2]]
    game = NormalFormGame(STAG, players, actions, title="T")
    players[0] = actions[0][0] = "changed"
    assert game.players == ("ann", "bob")
    assert game.actions == (("x", "x"), ("1", "2"))
    assert game.title == "T"


def test_default_labels_are_numbers():
    game = NormalFormGame(STAG)
    assert (game.players, game.actions, game.title) == (("0", "1"), (("0", "1"), ("0", "1")), "")


def test_the_input_is_neither_aliased_nor_changed():
    payoffs = np.array(STAG, dtype=float)
    before = payoffs.copy()
    game = NormalFormGame(payoffs)
    assert payoffs.flags.writeable
    assert not np.shares_memory(payoffs, game.payoffs)
    payoffs[:] = -1
    np.testing.assert_array_equal(game.payoffs, before)


def test_a_game_cannot_be_changed():
    game = NormalFormGame([["1/3", 2]])
    arrays = (game.payoffs, game.exact_payoffs, game.payoff_min, game.payoff_range, game.uniform_profile()[0])
    for array in arrays:
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    with pytest.raises(AttributeError, match="immutable: cannot set 'title'"):
        game.title = "x"
    with pytest.raises(AttributeError, match="immutable: cannot delete 'title'"):
        del game.title


@pytest.mark.parametrize("payoffs", [STAG, [["1/3", 2]]], ids=["floats", "fractions"])
@pytest.mark.parametrize(
    "duplicate",
    [copy.copy, copy.deepcopy, lambda game: pickle.loads(pickle.dumps(game))],
    ids=["copy", "deep", "pickle"],
)
def test_copies_are_equal_and_just_as_immutable(payoffs, duplicate):
    game = NormalFormGame(payoffs, title="T")
    twin = duplicate(game)
    assert twin == game
    assert hash(twin) == hash(game)
    np.testing.assert_array_equal(twin.exact_payoffs, game.exact_payoffs)
    assert not twin.payoffs.flags.writeable


def test_equality_looks_at_everything_a_user_sees():
    game = NormalFormGame(STAG)
    assert game == NormalFormGame(np.array(STAG, dtype=np.float32))
    assert game != NormalFormGame(np.array(STAG) + 1)
    assert game != NormalFormGame(STAG, title="other")
    assert game != NormalFormGame(STAG, players=["a", "b"])
    assert game != NormalFormGame(STAG, actions=[["a", "b"], ["0", "1"]])
    assert game != "game"
    assert NormalFormGame([["1/3"]]) != NormalFormGame([[1 / 3]])
    assert NormalFormGame([["1/3"]]) == NormalFormGame([[Fraction(1, 3)]])


def test_equal_games_have_equal_hashes_even_with_negative_zero():
    positive, negative = NormalFormGame([[0.0, 1.0]]), NormalFormGame([[-0.0, 1.0]])
    assert positive == negative
    assert hash(positive) == hash(negative)


@pytest.mark.parametrize(
    ("shape", "text"),
    [
        ((1, 1), "<NormalFormGame: 1 player, 1 actions>"),
        ((1, 4), "<NormalFormGame: 1 player, 4 actions>"),
        ((2, 1, 1), "<NormalFormGame: 2 players, 1 x 1 actions>"),
        ((3, 2, 1, 4), "<NormalFormGame: 3 players, 2 x 1 x 4 actions>"),
    ],
)
def test_any_shape_with_players_and_actions(shape, text):
    game = NormalFormGame(np.arange(np.prod(shape)).reshape(shape))
    assert game.n_players == shape[0]
    assert game.n_actions == shape[1:]
    assert repr(game) == text
    assert [len(names) for names in game.actions] == list(shape[1:])
    for strategy, size in zip(game.uniform_profile(), shape[1:], strict=True):
        np.testing.assert_array_equal(strategy, np.full(size, 1 / size))


def test_payoff_range_is_per_player():
    game = NormalFormGame([[[1, 5]], [[7, 7]]])
    np.testing.assert_array_equal(game.payoff_min, [1, 7])
    np.testing.assert_array_equal(game.payoff_range, [4, 0])


@pytest.mark.parametrize("size", [1e9, 1e-9, 1e300, 5e-324])
def test_large_and_small_payoffs_are_no_error(size):
    assert NormalFormGame([[0.0, size]]).payoff_range[0] == size


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint8, np.int64, np.float16, np.float32, np.longdouble, object])
def test_every_real_dtype_is_read(dtype, order):
    payoffs = np.array([[[1, 0], [0, 1]], [[0, 1], [1, 1]]]).astype(np.int64)
    given_payoffs = np.array(payoffs.tolist(), dtype=dtype, order=order)
    game = NormalFormGame(given_payoffs)
    assert game.payoffs.dtype == np.float64
    assert game.payoffs.flags.c_contiguous
    np.testing.assert_array_equal(game.payoffs, payoffs)


@pytest.mark.parametrize(
    ("value", "exact"),
    [
        (0.1, Fraction(1, 10)),
        (np.float64(0.1), Fraction(1, 10)),
        ("5/2", Fraction(5, 2)),
        ("1/3", Fraction(1, 3)),
        (Fraction(1, 3), Fraction(1, 3)),
        (Decimal("0.1"), Fraction(1, 10)),
        (2**53 + 1, Fraction(2**53 + 1)),
        (np.int64(2**53 + 1), Fraction(2**53 + 1)),
        ("0.1000000000000000000001", Fraction(1, 10) + Fraction(1, 10**22)),
        (1e300, Fraction(int(1e300))),
    ],
)
def test_exact_payoffs(value, exact):
    game = NormalFormGame([[value, 0]])
    assert game.exact_payoffs.tolist() == [[exact, 0]]
    assert all(type(entry) is Fraction for entry in game.exact_payoffs.flat)
    assert game.payoffs[0, 0] == float(exact)


@given(hnp.arrays(np.float64, (2, 2, 3), elements=st.floats(-1e300, 1e300)))
def test_exact_payoffs_of_floats_round_to_them(payoffs):
    game = NormalFormGame(payoffs)
    np.testing.assert_array_equal(game.exact_payoffs.astype(float), payoffs)


def test_numbers_computed_with_numpy_integers_do_not_overflow():
    number = to_fraction(np.int64(2**62))
    assert number * 8 == 2**65


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (True, "'True' is not a finite number"),
        ("", "'' is not a finite number"),
        (float("inf"), "'inf' is not a finite number"),
        ([1], "not a finite number"),
        ("9" * 100 + "x", "'9{40}' is not a finite number"),
        (Fraction(1, 10**400), "too small for a float"),
        (-(10**400), "too large for a float"),
        ("1e-9999999999", "out of the range of a float"),
    ],
)
def test_to_fraction_refuses(value, message):
    with pytest.raises(InputError, match=message):
        to_fraction(value)


class TestFromBimatrix:
    def test_both_matrices_keep_their_orientation(self):
        game = NormalFormGame.from_bimatrix([[1, 2, 3]], [[4, 5, 6]], title="T")
        assert game.n_actions == (1, 3)
        np.testing.assert_array_equal(game.payoffs, [[[1, 2, 3]], [[4, 5, 6]]])

    @pytest.mark.parametrize("dtype", [bool, np.int8, np.uint8, np.uint64, float, object])
    def test_one_matrix_makes_a_zero_sum_game(self, dtype):
        game = NormalFormGame.from_bimatrix(np.array([[1, 0], [0, 1]], dtype=dtype).tolist())
        again = NormalFormGame.from_bimatrix(np.array([[1, 0], [0, 1]], dtype=dtype))
        for made in (game, again):
            np.testing.assert_array_equal(made.payoffs, [[[1, 0], [0, 1]], [[-1, 0], [0, -1]]])
            assert not np.signbit(made.payoffs[1, 0, 1])

    def test_zero_sum_stays_exact(self):
        game = NormalFormGame.from_bimatrix([["1/3", 2**53 + 1]])
        assert game.exact_payoffs[1].tolist() == [[Fraction(-1, 3), -(2**53) - 1]]

    def test_exact_and_float_matrices_mix(self):
        game = NormalFormGame.from_bimatrix([["1/3"]], [[0.1]])
        assert game.exact_payoffs.ravel().tolist() == [Fraction(1, 3), Fraction(1, 10)]

    @pytest.mark.parametrize(
        ("matrices", "message"),
        [
            (([1, 2],), r"row payoffs: got shape \(2,\); give a matrix"),
            (([[1]], [1]), r"column payoffs: got shape \(1,\); give a matrix"),
            (([[1, 2]], [[1], [2]]), r"differ in shape: row \(1, 2\), column \(2, 1\)"),
            (([[1, 2], [3]],), r"ragged"),
            (([[1, None]],), r"payoffs\[0, 1\]: got NoneType"),
            (([["x"]],), r"payoffs\[0, 0\]: 'x' is not a finite number"),
            (([[np.nan]],), r"payoffs\[0, 0\] is nan"),
            (([[1]], [[np.nan]]), r"payoffs\[1, 0, 0\] is nan"),
            ((np.zeros((0, 2)),), r"player 0 has zero actions"),
        ],
    )
    def test_bad_matrices(self, matrices, message):
        with pytest.raises(InputError, match=message):
            NormalFormGame.from_bimatrix(*matrices)


def test_profile_of_a_game_is_checked_against_it():
    game = NormalFormGame(STAG)
    np.testing.assert_array_equal(game.profile([[1, 0], [0.5, 0.5]])[1], [0.5, 0.5])
    with pytest.raises(InputError, match="got 1 vectors for 2 players"):
        game.profile([[1, 0]])


def test_errors_are_value_errors():
    assert issubclass(FormatError, InputError)
    assert issubclass(InputError, ValueError)


DOOR = pg.DeterministicGame([[1, 0, 0, 0], [1] * 4], [[1, 0, 0, 0], [0] * 4], 0.9, [["push", "wait"]] * 2, title="Door")
STAYS = [[[0.5, 0.5]] * 2] * 2


@pytest.mark.parametrize(
    "make",
    [
        lambda game: pg.solve(game).profile,
        lambda game: pg.certify(game, STAYS, pg.PowerObjective(0.3)).regrets,
        lambda game: pg.evaluate(game, STAYS, pg.PowerObjective(0.3)).utility,
        lambda game: pg.audit(game, STAYS).task,
        lambda game: pg.train(game, steps=50).profile,
        lambda game: pg.train_many(game, seeds=[1], steps=50)[0].profile,
        lambda game: pg.sweep(game, lams=[0, 0.5])[1].equilibria[0].task,
        lambda game: pg.trace(game, lams=(0, 0.1))[0].task,
        lambda game: pg.finite_horizon(game, 3).rewards,
    ],
)
def test_a_game_as_two_tables_is_a_game(make):
    for found, expected in zip(make(DOOR), make(DOOR.to_game()), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_a_game_as_two_tables_is_saved(tmp_path):
    pg.save(DOOR, tmp_path / "door.npz")
    assert pg.load(tmp_path / "door.npz") == DOOR.to_game()


@pytest.mark.parametrize(
    ("function", "arguments"),
    [(pg.power_table, (STAYS,)), (pg.logit_path, ()), (pg.pure_equilibria, ())],
)
def test_a_game_as_two_tables_is_told_where_states_are_not_taken(function, arguments):
    message = r"^game: got the DeterministicGame 'Door'.* give game\.to_game\(\)\.stage\(s\)"
    with pytest.raises(pg.InputError, match=message):
        function(DOOR, *arguments)
