"""Games, payoffs and profiles that come from elsewhere: other layouts, other libraries, other kinds of numbers."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from itertools import permutations

import nashpy
import numpy as np
import pandas as pd
import pytest

import powergames as pg
from powergames.games import NormalFormGame
from powergames.games.numbers import doubles, to_fraction

ROWS, COLUMNS = [[3, 0, 1], [5, 1, 2]], [[3, 5, 0], [0, 1, 4]]
GAME = NormalFormGame.from_bimatrix(ROWS, COLUMNS)
CELLS = [[(3, 3), (0, 5), (1, 0)], [(5, 0), (1, 1), (2, 4)]]
DILEMMA = [[(3, 3), (0, 5)], [(5, 0), (1, 1)]]
QUIET = [[1, 0], [1, 0]]


def three_players():
    """Return payoffs that differ everywhere, and the same with each player's own action first."""
    payoffs = np.arange(3 * 2 * 3 * 4).reshape(3, 2, 3, 4)
    return payoffs, [payoffs[0], payoffs[1].transpose(1, 2, 0), payoffs[2].transpose(2, 0, 1)]


class TestLayouts:
    def test_cells_of_textbooks(self):
        assert NormalFormGame.from_cells(CELLS) == GAME
        assert NormalFormGame.from_cells(np.array(CELLS, dtype=np.int8)) == GAME
        assert NormalFormGame.from_cells([["1/3"], [2]]).exact_payoffs.tolist() == [[Fraction(1, 3), 2]]
        payoffs, _ = three_players()
        assert NormalFormGame.from_cells(np.moveaxis(payoffs, 0, -1)) == NormalFormGame(payoffs)

    @pytest.mark.parametrize("payoffs", [DILEMMA, tuple(map(tuple, DILEMMA)), [CELLS[0], CELLS[1]]])
    def test_tuples_that_fit_both_layouts_are_refused(self, payoffs):
        with pytest.raises(pg.InputError, match=r"NormalFormGame\(np.array\(payoffs\)\).*NormalFormGame.from_cells"):
            NormalFormGame(payoffs)

    def test_arrays_and_lists_keep_the_documented_layout(self):
        for payoffs in (np.array(DILEMMA), np.array(DILEMMA).tolist(), list(np.array(DILEMMA))):
            assert NormalFormGame(payoffs).payoffs[1].tolist() == [[5, 0], [1, 1]]
        # These fit nothing else, though their innermost rows are tuples.
        assert NormalFormGame([[(1, 2, 3), (4, 5, 6)]] * 2).n_actions == (2, 3)
        assert NormalFormGame([(1, 2, 3)]).n_actions == (3,)

    @pytest.mark.parametrize(
        ("payoffs", "message"),
        [
            (np.zeros((3, 4, 2)), "each cell holds the payoffs of 2 players, use NormalFormGame.from_cells"),
            (np.zeros((4, 2, 2, 3)), "each cell holds the payoffs of 3 players, use NormalFormGame.from_cells"),
            (pd.DataFrame(CELLS), r"payoffs\[0, 0\]: got tuple; use NormalFormGame.from_cells"),
            (np.zeros((3, 3)), r"NormalFormGame.from_bimatrix\(A, B\), or A alone if zero-sum"),
            ([np.zeros((2, 3)), np.zeros((3, 2))], "own action first, as in QuantEcon, use NormalFormGame.from_quant"),
        ],
    )
    def test_shapes_of_other_layouts_name_what_reads_them(self, payoffs, message):
        with pytest.raises(pg.InputError, match=message):
            NormalFormGame(payoffs)

    @pytest.mark.parametrize(
        ("build", "message"),
        [
            (lambda: NormalFormGame.from_cells([[1, 2], [3, 4]]), r"cells: got shape \(2, 2\); expected \(A_0"),
            (
                lambda: NormalFormGame.from_cells([ROWS, COLUMNS]),
                r"cells: got shape \(2, 2, 3\).* NormalFormGame\(",
            ),
            (lambda: NormalFormGame.from_cells(3), r"cells: got shape \(\)"),
            (lambda: NormalFormGame.from_bimatrix(np.zeros((3, 4, 2))), "row payoffs: .*from_cells"),
            (lambda: NormalFormGame.from_bimatrix([ROWS, COLUMNS]), r"row payoffs: .*NormalFormGame\(payoffs\)"),
            (lambda: NormalFormGame.from_bimatrix(ROWS, np.transpose(COLUMNS)), r"from_quantecon\(\[A, B\]\)"),
            (lambda: NormalFormGame.from_quantecon(3), "from_quantecon: got int"),
            (lambda: NormalFormGame.from_quantecon(GAME), r"payoff array of player 0: got shape \(\)"),
            (
                lambda: NormalFormGame.from_quantecon([ROWS, COLUMNS]),
                r"player 0: got shape \(2, 3\), expected",
            ),
        ],
    )
    def test_wrong_layouts_are_refused_in_one_line(self, build, message):
        with pytest.raises(pg.InputError, match=message) as caught:
            build()
        assert "\n" not in str(caught.value)

    def test_own_action_first(self):
        assert NormalFormGame.from_quantecon([ROWS, np.transpose(COLUMNS)]) == GAME
        payoffs, rotated = three_players()
        assert NormalFormGame.from_quantecon(rotated) == NormalFormGame(payoffs)
        thirds = NormalFormGame.from_quantecon([[["1/3"]], [[1]]])
        assert thirds.exact_payoffs.ravel().tolist() == [Fraction(1, 3), 1]

    def test_games_of_quantecon(self):
        theory = pytest.importorskip("quantecon.game_theory", reason="reads games of QuantEcon")
        given = theory.NormalFormGame(CELLS)
        for source in (given, given.players, [player.payoff_array for player in given.players]):
            assert NormalFormGame.from_quantecon(source) == GAME
        payoffs, rotated = three_players()
        assert NormalFormGame.from_quantecon(theory.NormalFormGame([theory.Player(each) for each in rotated])) == (
            NormalFormGame(payoffs)
        )
        with pytest.raises(pg.InputError, match=r"payoffs: got quantecon.NormalFormGame; .*from_quantecon\(game\)"):
            NormalFormGame(given)


CALLS = [
    pg.solve,
    pg.solve_all,
    pg.pure_equilibria,
    pg.report,
    pg.team_optimum,
    pg.to_pettingzoo,
    pg.to_nashpy,
    lambda game: pg.power_table(game, QUIET),
    lambda game: pg.evaluate(game, QUIET),
    lambda game: pg.certify(game, profile=QUIET, objective=pg.PowerObjective()),
    lambda game: pg.audit(game, policies=QUIET, objective=pg.PowerObjective()),
    lambda game: pg.sweep(game, lams=[0]),
    lambda game: pg.save(game, "game.nfg"),
]


class TestNoGames:
    @pytest.mark.parametrize("call", CALLS)
    def test_every_function_names_the_converter(self, call):
        with pytest.raises(pg.InputError, match=r"^game: got nashpy.Game; convert it .* pg.from_nashpy\(game\)$"):
            call(nashpy.Game(ROWS, COLUMNS))

    @pytest.mark.parametrize(
        ("given", "converter"),
        [
            ((ROWS, COLUMNS), r"pg.NormalFormGame.from_bimatrix\(A, B\)"),
            (np.array(ROWS), r"pg.NormalFormGame.from_bimatrix\(A, B\)"),
            (pd.DataFrame(ROWS), r"pg.NormalFormGame.from_bimatrix\(A, B\)"),
            (three_players()[0], r"pg.NormalFormGame\(payoffs\)"),
            (CELLS, r"pg.NormalFormGame.from_cells\(cells\)"),
            (pd.DataFrame(CELLS), r"pg.NormalFormGame.from_cells\(cells\)"),
        ],
    )
    def test_payoffs_alone(self, given, converter):
        with pytest.raises(pg.InputError, match=f"^game: got {type(given).__name__}; .*with {converter}$"):
            pg.solve(given)

    def test_games_of_pygambit(self):
        pygambit = pytest.importorskip("pygambit", reason="its games are refused")
        given = pygambit.Game.from_arrays(np.array(ROWS), np.array(COLUMNS))
        for call in (pg.solve, pg.load, pg.from_nashpy, NormalFormGame):
            with pytest.raises(pg.InputError, match=r"got pygambit.Game; .*with pg.from_pygambit\(game\)$"):
                call(given)


class TestPandas:
    def test_labels_name_the_actions(self):
        rows = pd.DataFrame(ROWS, ["top", "bottom"], ["left", "middle", 7])
        columns = pd.DataFrame(COLUMNS, rows.index, rows.columns)
        named = (("top", "bottom"), ("left", "middle", "7"))
        for game in (
            NormalFormGame.from_bimatrix(rows, columns),
            NormalFormGame.from_bimatrix(rows),
            NormalFormGame.from_bimatrix(rows, COLUMNS),
            NormalFormGame.from_bimatrix(ROWS, columns),
            NormalFormGame([rows, columns]),
            NormalFormGame.from_cells(pd.DataFrame(CELLS, rows.index, rows.columns)),
        ):
            assert game.actions == named
            assert game.payoffs[0].tolist() == ROWS
        assert NormalFormGame([rows, columns], actions=[["a", "b"], ["c", "d", "e"]]).actions[0] == ("a", "b")
        assert NormalFormGame.from_bimatrix(pd.DataFrame(ROWS), pd.DataFrame(COLUMNS)) == GAME

    @pytest.mark.parametrize("labels", [["bottom", "top"], ["top", "low"]])
    def test_labels_that_differ_are_refused(self, labels):
        frames = pd.DataFrame(ROWS, ["top", "bottom"]), pd.DataFrame(COLUMNS, labels)
        with pytest.raises(pg.InputError, match=r"the rows are \['top', 'bottom'\] in one data frame"):
            NormalFormGame.from_bimatrix(*frames)

    def test_a_series_gives_probabilities_by_the_names_of_actions(self):
        game = pg.load("stag_hunt")
        series = pd.Series({"hare": 0.25, "stag": 0.75})
        assert [vector.tolist() for vector in game.profile([series, series])] == [[0.75, 0.25]] * 2
        assert game.profile([series.rename({"hare": 0, "stag": 1})] * 2)[0].tolist() == [0.25, 0.75]


class TestMasked:
    HIDDEN = np.ma.array(ROWS, mask=[[0, 0, 1], [0, 0, 0]])

    @pytest.mark.parametrize(
        "build",
        [
            lambda hidden: NormalFormGame.from_bimatrix(hidden, COLUMNS),
            lambda hidden: NormalFormGame([COLUMNS, hidden]),
            lambda hidden: NormalFormGame.from_cells(np.ma.stack([hidden, hidden], axis=-1)),
            lambda hidden: NormalFormGame.from_quantecon([hidden, np.transpose(COLUMNS)]),
            lambda hidden: pg.StochasticGame(hidden[:, None], np.ones((1, 3, 1)), 0.5),
            lambda hidden: pg.power_table(GAME, [[1, 0], hidden[0]]),
            lambda hidden: pg.audit(GAME, policies=[[1, 0], hidden[0]], objective=pg.PowerObjective()),
        ],
    )
    def test_hidden_entries_are_refused(self, build):
        with pytest.raises(pg.InputError, match=r"1 of [36] entries are masked|2 of 12 entries"):
            build(self.HIDDEN)

    def test_nothing_hidden_is_no_error(self):
        assert NormalFormGame.from_bimatrix(np.ma.array(ROWS), np.ma.array(COLUMNS)) == GAME


class TestNumbers:
    def test_rationals_of_sympy(self):
        sympy = pytest.importorskip("sympy", reason="reads its rationals")
        third = sympy.Rational(1, 3)
        assert NormalFormGame(sympy.Matrix([[third, sympy.Float("0.5"), 2]])).exact_payoffs.tolist() == [
            [Fraction(1, 3), Fraction(1, 2), 2]
        ]
        profile = GAME.profile([[third, 1 - third], [third, third, third]])
        assert [type(entry) for entry in profile[0]] == [Fraction] * 2
        with pytest.raises(pg.InputError, match=r"payoffs\[0, 0\]: got Pow; give real numbers"):
            NormalFormGame([[sympy.sqrt(2), 1]])

    @pytest.mark.parametrize("half", ["1/2", "0.5", Decimal("0.5"), Fraction(1, 2)])
    def test_exact_profiles(self, half):
        for vector in ([half, half], np.array([half, half])):
            table = pg.power_table(pg.load("stag_hunt"), [vector, [0.9, 0.1]])
            assert table.profile[1].tolist() == [Fraction(9, 10), Fraction(1, 10)]
            assert table.power[0, 1] == Fraction(1, 2) * 4 * Fraction(9, 10)

    @pytest.mark.parametrize("profile", ["11", ["1", "1"], [["1/2", "1/0"], [1, 0]]])
    def test_text_that_is_no_profile(self, profile):
        with pytest.raises(pg.InputError, match="profile of player 0: "):
            pg.load("stag_hunt").profile(profile)

    @pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
    def test_a_float_of_any_precision_stands_for_the_decimal_that_prints_it(self, dtype):
        values = np.array([dtype(text) for text in ("0.1", "-1.7", "2048", "0.75")])
        game = NormalFormGame(values.reshape(1, 4))
        assert game.exact_payoffs.tolist() == [[Fraction(1, 10), Fraction(-17, 10), 2048, Fraction(3, 4)]]
        assert game.payoffs.tolist() == [[0.1, -1.7, 2048, 0.75]]
        assert game.lossless
        assert to_fraction(values[0]) == Fraction(1, 10)
        stacked = NormalFormGame.from_bimatrix(values[None, :1], np.array([[0.1]]))
        assert stacked.exact_payoffs.ravel().tolist() == [Fraction(1, 10)] * 2

    def test_float32_becomes_what_prints_it(self):
        rng = np.random.default_rng(0)
        values = rng.standard_normal(2000) * 10.0 ** rng.integers(-35, 35, 2000)
        values = np.append(values, [2.0**24, 123456789, 1e-45, 0, -0.0]).astype(np.float32)
        assert doubles(values).tolist() == [float(to_fraction(value)) for value in values]
        assert not np.isfinite(doubles(np.array([np.nan, np.inf], dtype=np.float32))).any()


def test_profiles_of_pygambit():
    pygambit = pytest.importorskip("pygambit", reason="reads its profiles")
    game = pygambit.Game.from_arrays(np.array(ROWS), np.array(COLUMNS))
    probabilities = [[Fraction(1, 4), Fraction(3, 4)], [Fraction(1, 2), Fraction(1, 3), Fraction(1, 6)]]
    for rational in (True, False):
        mixed = game.mixed_strategy_profile(
            [[pygambit.Rational(each) if rational else float(each) for each in row] for row in probabilities],
            rational=rational,
        )
        table = pg.power_table(GAME, mixed)
        assert (table.profile[0].dtype == object) == rational
        assert [float(each) for each in table.task] == pytest.approx([mixed.payoff(each) for each in game.players])
        certificate = pg.certify(GAME, profile=mixed, objective=pg.PowerObjective())
        assert float(certificate.max_regret) == pytest.approx(float(mixed.max_regret()))
        audited = pg.audit(GAME, policies=mixed, objective=pg.PowerObjective())
        assert all(map(np.array_equal, audited.profile, table.profile))
    tree = pygambit.Game.new_tree(players=["A", "B"])
    for player in "AB":
        tree.append_move(list(tree.root.children) or tree.root, player, ["l", "r"])
    played = pg.from_pygambit(tree).profile(tree.mixed_behavior_profile([[[0.25, 0.75]], [[0.5, 0.5]]]))
    assert [vector.tolist() for vector in played] == [[0.25, 0.75], [0.5, 0.5]]


def test_cells_in_every_order_of_axes_are_told_apart():
    """Of the six orders of the axes (3, 2, 2) only one is a table of cells, and none is a payoff tensor."""
    for axes in permutations((3, 2, 2)):
        if axes[0] == 2:
            continue
        assert NormalFormGame.from_cells(np.zeros(axes)).n_actions == axes[:2]
        with pytest.raises(pg.InputError, match="from_cells"):
            NormalFormGame(np.zeros(axes))
