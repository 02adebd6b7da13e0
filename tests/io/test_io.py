"""Reading and writing games: every format, every converter, and what is refused."""

from __future__ import annotations

import builtins
import gzip
import io
import json
import tracemalloc
import zipfile
from contextlib import nullcontext
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import powergames as pg
from powergames.io import _text, load_profile

STAG = pg.NormalFormGame(
    [[[4, 0], [3, 3]], [[4, 3], [0, 2]]],
    players=["Ann", "Bob"],
    actions=[["stag", "hare"], ["deer", "rabbit"]],
    title="Stag hunt",
)
BARE = pg.NormalFormGame(STAG.payoffs)
EXTENSIONS = ["nfg", "gam", "json", "npz", "csv"]

SAMPLES = {
    "payoffs.nfg": 'NFG 1 R "Stag hunt" { "Ann" "Bob" } { { "stag" "hare" } { "deer" "rabbit" } }\n4 4 3 0 0 3 3 2\n',
    "comment.nfg": 'NFG 1 D "Stag hunt"{"Ann" "Bob"}{{"stag" "hare"}{"deer" "rabbit"}}"two\nlines" 4 4. 3.0 0 0 3 3 2',
    "outcomes.nfg": """NFG 1 R "Stag hunt" { "Ann" "Bob" }
{ { "stag" "hare" } { "deer" "rabbit" } }
""
{
{ "both" 4, 4 }
{ "lone" 3 0 }
{ "" 0, 3, }
{ "safe" 3 , 2 }
}
1 2 3 4
""",
    "plain.gam": "2\n2 2\n\n4 3 0 3\n4 0 3 2\n",
    "game.json": """{"schema": "powergames/1", "kind": "normal-form", "title": "Stag hunt", "players": ["Ann", "Bob"],
        "actions": [["stag", "hare"], ["deer", "rabbit"]],
        "payoffs": [[[4, 0], [3.0, "3"]], [["4", 3], [0, "4/2"]]]}""",
    "table.csv": 'Stag hunt,deer,rabbit\nstag,"4, 4","0, 3"\nhare,"3, 0","3, 2"\n',
    "header.csv": 'deer,rabbit\r\n"4, 4","0; 3"\r\n3 0, 3 2 \r\n',
    "brackets.csv": ',deer,rabbit\nstag,(4, 4),"[0, 3]"\nhare,"( 3 0 )",[3;2]\n',
    "labels.csv": 'stag,"4,4",0;3\nhare,3;0,"6/2,2"\n\n',
    "blank_lines.csv": "\n" * 20_000 + "4 4,0 3\n3 0,3 2\n" + ",\n" * 20_000,
    "pairs.csv": "4 4,0 3\n3 0,3 2\n",
    "stacked.csv": "4,0\n3,3\n\n4,3\n0,2\n",
    "spreadsheet.csv": "\ufeff4,0\r\n3,3\r\n,\r\n4,3\r\n0,2\r\n,\r\n",
}


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_have_the_right_orientation(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(SAMPLES[name].encode())
    game = pg.load(path)
    assert np.array_equal(game.payoffs, STAG.payoffs)
    if name.endswith(".csv"):
        assert game.players == ("row", "column")
    elif game.players != ("0", "1"):
        assert game == STAG
    if "stag" in SAMPLES[name]:
        assert game.actions[0] == STAG.actions[0]
    if "deer" in SAMPLES[name]:
        assert game.actions[1] == STAG.actions[1]


@pytest.mark.parametrize(("extension", "text"), [
    ("nfg", 'NFG 1 R "" { "a" "b" "c" } { 2 1 3 } ' + " ".join(str(k) for k in range(18))),
    ("gam", "3 2 1 3 " + " ".join(str(3 * k + i) for i in range(3) for k in range(6))),
])  # fmt: skip
def test_first_player_varies_fastest(tmp_path, extension, text):
    path = tmp_path / f"game.{extension}"
    path.write_text(text)
    payoffs = pg.load(path).payoffs
    for first in range(2):
        for third in range(3):
            assert payoffs[:, first, 0, third].tolist() == [3 * (first + 2 * third) + i for i in range(3)]


def test_counted_actions_are_named_as_in_gambit_and_outcome_zero_pays_nothing(tmp_path):
    path = tmp_path / "game.nfg"
    path.write_text('NFG 1 R "" { "" "" } { 1 2 } { { "x" 1/3, -.5 } } 0 1')
    game = pg.load(path)
    assert game.actions == (("1",), ("1", "2"))
    assert game.exact_payoffs.tolist() == [[[0, Fraction(1, 3)]], [[0, Fraction(-1, 2)]]]


def test_quotes_and_backslashes_in_nfg_strings(tmp_path):
    path = tmp_path / "game.nfg"
    path.write_text(r'NFG 1 R "a \"b\" \cite{c} \\" { "x" "y" } { 1 1 } 1 2')
    assert pg.load(path).title == 'a "b" \\cite{c} \\'


ODD_LABELS = [
    "",
    "0",
    "1",
    "1, 2",
    "'1, 2",
    "''3;4",
    "1/2 3",
    "(1, 2)",
    "(1",
    "2)",
    "'[1",
    " a",
    'q"q',
    "\\",
    '\\"',
    "a\\\\b",
    "{",
    "\ufeff",
    ",",
    "\n",
]
LABELS = st.one_of(
    st.sampled_from(ODD_LABELS),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5),
)
NUMBERS = st.one_of(
    st.integers(-5, 5),
    st.fractions(-100, 100),
    st.floats(-1e300, 1e300),
    st.integers(-(10**20), 10**20),
    st.sampled_from([0.1, 1e-9, 1e9, 1e22, 5e-324, 2.0**53 + 2, 0.1 + 0.2]),
)


@st.composite
def games(draw, min_players=1, max_players=3, numbers=NUMBERS):
    n_actions = draw(st.lists(st.integers(1, 3), min_size=min_players, max_size=max_players))
    n_players = len(n_actions)
    size = n_players * int(np.prod(n_actions))
    flat = draw(st.lists(numbers, min_size=size, max_size=size))
    payoffs = np.empty(size, dtype=object)
    payoffs[:] = flat
    return pg.NormalFormGame(
        payoffs.reshape(n_players, *n_actions),
        players=draw(st.lists(LABELS, min_size=n_players, max_size=n_players)),
        actions=[draw(st.lists(LABELS, min_size=size, max_size=size)) for size in n_actions],
        title=draw(LABELS),
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("games")


def round_trip(game, path):
    pg.save(game, path)
    return pg.load(path)


@pytest.mark.parametrize("extension", ["nfg", "json", "npz"])
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(game=games())
def test_round_trip_is_exact(folder, extension, game):
    again = round_trip(game, folder / f"game.{extension}")
    assert again == game
    assert np.array_equal(again.exact_payoffs, game.exact_payoffs)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(game=games(min_players=2, max_players=2))
def test_csv_round_trip_keeps_all_but_names_of_players(folder, game):
    numbered = game.players == ("0", "1")
    with nullcontext() if numbered else pytest.warns(UserWarning, match="does not keep the names of players; .nfg"):
        again = round_trip(game, folder / "game.csv")
    assert again.players == ("row", "column")
    assert (again.title, again.actions) == (game.title, game.actions)
    assert np.array_equal(again.exact_payoffs, game.exact_payoffs)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(game=games(numbers=st.one_of(st.integers(-9, 9), st.floats(-1e300, 1e300))))
def test_gam_round_trip_keeps_payoffs(folder, game):
    bare = pg.NormalFormGame(game.payoffs)
    named = (game.title, game.players, game.actions) != ("", bare.players, bare.actions)
    with pytest.warns(UserWarning, match="does not keep the ") if named else nullcontext():
        assert round_trip(game, folder / "game.gam") == bare


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(game=games())
def test_gambit_reads_the_same_payoffs(folder, game):
    pygambit = pytest.importorskip("pygambit", reason="compares with Gambit's own reader")
    plain = pg.NormalFormGame(game.exact_payoffs)
    pg.save(plain, folder / "gambit.nfg")
    theirs = np.array(pygambit.read_nfg(folder / "gambit.nfg").to_arrays())
    assert theirs.shape == plain.payoffs.shape
    assert (theirs == plain.exact_payoffs).all()
    assert pg.from_pygambit(pg.to_pygambit(plain)) == plain


def test_pygambit_keeps_labels():
    pygambit = pytest.importorskip("pygambit", reason="converts to Gambit")
    swapped = pg.NormalFormGame(STAG.payoffs, players=["2", "1"], actions=[["2", "1"], ["b", "a"]], title="swap")
    for game in (STAG, swapped):
        converted = pg.to_pygambit(game)
        assert isinstance(converted, pygambit.Game)
        assert pg.from_pygambit(converted) == game


@pytest.mark.parametrize("labels", [["", "b"], ["a", "a"], ["é", "b"], ["a  b", "b"]])
def test_pygambit_refuses_some_labels(labels):
    pytest.importorskip("pygambit", reason="converts to Gambit")
    with pytest.raises(pg.InputError, match="does not accept"):
        pg.to_pygambit(pg.NormalFormGame(STAG.payoffs, players=labels))


def test_from_pygambit_takes_the_strategic_form_of_a_tree():
    pygambit = pytest.importorskip("pygambit", reason="converts from Gambit")
    tree = pygambit.Game.new_tree(players=["A"])
    tree.append_move(tree.root, "A", ["l", "r"])
    assert pg.from_pygambit(tree).n_actions == (2,)


TREE = """EFG 2 R "Coin" { "Ann" "Bob" }
"Bob does not see what Ann does."
c "" 1 "" { "heads" 1/3 "tails" 2/3 } 0
p "" 1 1 "" { "up" "down" } 0
p "" 2 1 "" { "left" "right" } 0
t "" 1 "" { 1, 2 }
t "" 2 "" { 3, 4 }
p "" 2 1 "" { "left" "right" } 0
t "" 3 "" { 5, 6 }
t "" 4 "" { 7, 8 }
t "" 5 "" { 9, 3/2 }
"""
TYPES = "1 1\n1.0\n1.0\n2\n2\n"
ACTION_GRAPH = f"#BAGG\n2\n2\n0\n{TYPES}0 1\n0 1\n2 0 1\n2 0 1\n0 1 4\n0 3 0\n"


def test_files_that_gambit_reads(tmp_path):
    pytest.importorskip("pygambit", reason="reads the files")
    (tmp_path / "coin.efg").write_text(TREE)
    tree = pg.load(tmp_path / "coin.efg")
    assert (tree.title, tree.players) == ("Coin", ("Ann", "Bob"))
    assert tree.exact_payoffs[1].tolist() == [
        [Fraction(5, 3), Fraction(7, 3)],
        [3, Fraction(11, 3)],
    ]
    # Types of players become players, and Gambit itself does not write such games as .nfg.
    (tmp_path / "hunt.bagg").write_text(ACTION_GRAPH)
    assert pg.load(tmp_path / "hunt.bagg").payoffs.tolist() == [[[4, 1], [0, 3]], [[4, 0], [1, 3]]]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("end.efg", TREE[:60], r"Gambit cannot read it as .efg \(line 2:"),
        # Gambit's own process crashes on this one.
        ("crash.agg", "#AGG\n2\n2\n0\n2 2\n0 1\n0 7\n2 0 1\n2 0 1\n0 1 4\n0 3 0\n", "Gambit cannot read it as .agg"),
    ],
)
def test_files_that_gambit_refuses(tmp_path, name, text, message):
    pytest.importorskip("pygambit", reason="reads the file")
    (tmp_path / name).write_text(text)
    with pytest.raises(pg.FormatError, match=message) as caught:
        pg.load(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_trees_with_too_many_plans_are_refused_at_once():
    pygambit = pytest.importorskip("pygambit", reason="converts from Gambit")
    tree = pygambit.Game.new_tree(players=["A"])
    tree.append_move(tree.root, tree.players.chance, [str(k) for k in range(40)])
    for node in tree.root.children:
        tree.append_move(node, "A", ["l", "r"])
    with pytest.raises(pg.InputError, match="a tree of 121 nodes, in which players have so many plans"):
        pg.from_pygambit(tree)


def test_pygambit_missing(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "pygambit", None)
    (tmp_path / "coin.efg").write_text(TREE)
    with pytest.raises(pg.FormatError, match=r"coin.efg: .*pip install 'powergames\[gambit\]'"):
        pg.load(tmp_path / "coin.efg")
    for convert in (pg.to_pygambit, pg.from_pygambit):
        with pytest.raises(pg.InputError, match=r"pip install 'powergames\[gambit\]'"):
            convert(STAG)


def test_nashpy_both_ways():
    thirds = pg.NormalFormGame([[["1/3", 0]], [[1, "2/7"]]])
    for game in (STAG, thirds):
        again = pg.from_nashpy(pg.to_nashpy(game))
        assert np.array_equal(again.exact_payoffs, game.exact_payoffs)
    with pytest.raises(pg.InputError, match="two players, got 1"):
        pg.to_nashpy(pg.NormalFormGame([[1, 2]]))
    with pytest.raises(pg.InputError, match=r"give a nashpy\.Game"):
        pg.from_nashpy(STAG)


def test_from_pygambit_refuses_other_things():
    pytest.importorskip("pygambit", reason="converts from Gambit")
    with pytest.raises(pg.InputError, match=r"give a pygambit\.Game"):
        pg.from_pygambit(STAG)


HEAD = 'NFG 1 R "" { "a" "b" } { 1 2 }\n'
REFUSED = [
    ("nfg", "", "empty"),
    ("nfg", " \n", "empty"),
    ("nfg", "\x00\x01", "not text, byte 0 is 0x00"),
    ("nfg", "\x01\x02", "expected 'NFG'"),
    ("nfg", "EFG 2 R", "line 1: got 'EFG'"),
    ("nfg", 'NFG 2 R "" { "a" } { 1 } 1', "got '2', expected '1'"),
    ("nfg", 'NFG 1 X "" { "a" } { 1 } 1', "expected 'R' or 'D'"),
    ("nfg", "NFG 1 R title", "got 'title', expected the title"),
    ("nfg", 'NFG 1 R "title', "closing quote"),
    ("nfg", 'NFG 1 R "" { "a"', "truncated"),
    ("nfg", 'NFG 1 R "" { } { } 1', "name at least one"),
    ("nfg", 'NFG 1 R "" { "a" } { { } } 1', "name at least one"),
    ("nfg", 'NFG 1 R "" { "a" "b" } { 2 } 1 2 3 4', "2 players but 1 lists"),
    ("nfg", 'NFG 1 R "" { "a" } { 0 } 1', "positive integer"),
    ("nfg", 'NFG 1 R "" { "a" } { x } 1', "positive integer"),
    ("nfg", 'NFG 1 R "" { "a" "b" } { 1000000 1000000 } 1 2', "more payoffs than the file holds"),
    ("nfg", 'NFG 1 R "" { "a" "b" } { 99999999999999999999 1 } 1 2', "positive integer"),
    ("nfg", 'NFG 1 R "" { ' + '"a" ' * 99 + "} { " + "1 " * 99_999 + "} 1", "more than [0-9]+ players"),
    ("nfg", 'NFG 1 R "" { ' + '"a" ' * 99 + "} { " + '{ "x" } ' * 99 + "} " + "1 " * 99, "99 players; a payoff"),
    ("nfg", HEAD + "1 2 3", "need 4 payoffs, got 3"),
    ("nfg", HEAD + "1 2 3 4 5", "need 4 payoffs, got 5"),
    ("nfg", HEAD + "1 2\n3 nan", "line 3: 'nan' is not a number"),
    ("nfg", HEAD + "1 2 3 4}", "'4}' is not a number"),
    ("nfg", HEAD + '{ { "" 1, 2 } } 1 1 1', "outcome numbers"),
    ("nfg", HEAD + '{ { "" 1, 2 } } 1 2', "outcome number '2'; give an integer from 0 to 1"),
    ("nfg", HEAD + '{ { "" 1, 2, 3 } } 1 1', "3 payoffs"),
    ("nfg", HEAD + '{ { "" 1, x } } 1 1', "line 2: 'x' is not a number"),
    ("nfg", HEAD + '{ { "" 1, 2 ', "malformed"),
    ("gam", "x", "line 1: the number of players is 'x'"),
    ("gam", "2 2", "truncated"),
    ("gam", "2 0 2 1", "positive integer"),
    ("gam", "999999999 1", "999999999 players"),
    ("gam", "2 1000000 1000000 1 2", "need 2000000000000 payoffs, got 2"),
    ("gam", "1 2 1 2 3", "got 3"),
    ("gam", "1 2\n1\nx", "line 3: 'x'"),
    ("json", "{", "line 1: not valid JSON"),
    ("json", "[1]", "top level is a list"),
    ("json", "{}", "no key 'payoffs'"),
    ("json", '{"payoffs": [[1]], "players": ["a"], "payoffs": [[2]]}', "the key 'payoffs' is given twice"),
    ("json", '{"schema": "powergames/2"}', "this version reads"),
    ("json", '{"kind": "extensive"}', "kind is 'extensive'; this version reads 'normal-form' and 'stochastic'"),
    ("json", '{"payoffs": [[NaN]]}', "NaN"),
    ("json", '{"payoffs": [[-Infinity]]}', "Infinity"),
    ("json", '{"payoffs": [[1e999]]}', "finite"),
    ("json", '{"payoffs": [[1, "1/0"]]}', r"payoffs\[0\]\[1\]: '1/0' is a division by zero"),
    ("json", '{"payoffs": [[1, true]]}', r"payoffs\[0\]\[1\]: got true"),
    ("json", '{"payoffs": [[1, [2]]]}', "got a list, where others are numbers"),
    ("json", '{"payoffs": [[[1], [2, 3]]]}', "ragged"),
    ("json", '{"payoffs": [[], []]}', "empty list"),
    ("json", '{"payoffs": 3}', "shape"),
    ("json", '{"payoffs": [[1]], "title": 3}', "title"),
    ("json", '{"payoffs": [[1]], "players": "a"}', "not a list of strings"),
    ("json", '{"payoffs": [[1]], "actions": "a"}', "one list of names per player"),
    ("json", '{"payoffs": [[1]], "actions": [["a", "b"]]}', "actions of player 0"),
    ("json", "[" * 100_000, "nested too deeply"),
    ("json", '{"payoffs": ' + "[" * 500 + "1" + "]" * 500 + "}", "levels deep"),
    ("json", '{"payoffs": [[' + "9" * 100_000 + "]]}", "thousands of digits"),
    ("npz", "junk", "not a readable NumPy archive"),
    ("npz", "", "empty"),
    ("csv", "x,y\n", "'x' is not a number"),
    ("csv", "1,2\n3,4\n", r"one matrix.* \(with the signs changed if the game is zero-sum\)"),
    ("csv", "a,b,u1,u2\n0,0,3,3\n", "line 1: 'a' is not a number.*in each cell both payoffs"),
    ("csv", "stag,hare,0,3\nstag,stag,4,4\n", "line 1: 'stag' is not a number.*in each cell both payoffs"),
    ("csv", "(1,2\n3,4\n", r"line 1: '\(1' is not a number"),
    ("csv", "1\n\n2\n\n3\n", "3 matrices"),
    ("csv", "1,2\n\n3\n", "same shape"),
    ("csv", "1,2\n3\n\n3,4\n", "line 2: 1 numbers"),
    ("csv", '"1, 2', "line 1: not valid CSV"),
    ("csv", '"1, 2","3"\n', "'3'"),
    ("csv", '"1, 2","3, 4"\n"5, 6"\n', "line 2: 1 cells"),
    ("csv", 'T,"3, 4"\nB,nan 6\n', "line 2: got 'nan 6'"),
    ("csv", ',L,"1, 2"\nT,"3, 4","3, 4"\n', "line 1: got the payoffs '1, 2' beside 'L'"),
    ("csv", 'x,"1, 2"\n"1, 2","3, 4"\n', "got 'x', expected a pair"),
    ("csv", ',""\n', "all cells are empty"),
    ("csv", 'T,"3, 1/0"\n', "division by zero"),
]  # fmt: skip


@pytest.mark.parametrize(("extension", "text", "message"), REFUSED)
def test_refused_files_say_why(tmp_path, extension, text, message):
    path = tmp_path / f"game.{extension}"
    path.write_bytes(text.encode())
    with pytest.raises(pg.FormatError, match=message) as caught:
        pg.load(path)
    assert path.name in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400 + len(str(path))


NOT_DECIMAL = ["nan", "inf", "-Infinity", "0x10", "1_000", "1/", "1/0", "--1", "1e", "1.2.3", "\u0663", "(1)"]
OUT_OF_RANGE = ["1e999999999", "1e400", "1e-400", "9" * 400, "9" * 100_000]
TEMPLATES = {
    "game.nfg": HEAD + "1 2 3 TOKEN",
    "game.gam": "1 1 TOKEN",
    "game.json": '{"payoffs": [["TOKEN"]]}',
    "game.csv": "TOKEN\n\n1",
}


@pytest.mark.parametrize("token", NOT_DECIMAL + OUT_OF_RANGE, ids=lambda token: ascii(token)[:20])
@pytest.mark.parametrize("name", TEMPLATES)
def test_nasty_numbers_are_refused(tmp_path, name, token):
    (tmp_path / name).write_text(TEMPLATES[name].replace("TOKEN", token), encoding="utf-8")
    with pytest.raises(pg.FormatError):
        pg.load(tmp_path / name)


EUROPEAN = [
    "Stag hunt;deer;rabbit\nstag;4, 4;0, 3\nhare;3, 0;3, 2\n",
    'Stag hunt\tdeer\trabbit\nstag\t4 4\t"0;3"\nhare\t3, 0\t3,0 2,0\n',
    "deer;rabbit\n4 4;0 3\n3 0;3 2\n",
    "4,0;0\n3;3\n;\n4;3\n,0;2\n",
    "4\t0\n3\t3\n\n4\t3\n0\t2\n",
]


@pytest.mark.parametrize("text", EUROPEAN)
def test_csv_of_european_spreadsheets(tmp_path, text):
    (tmp_path / "game.csv").write_text(text)
    game = pg.load(tmp_path / "game.csv")
    assert np.array_equal(game.payoffs, STAG.payoffs)
    if "Stag" in text:
        assert (game.title, game.actions) == (STAG.title, STAG.actions)


def test_decimal_commas(tmp_path):
    (tmp_path / "game.csv").write_text("T;1,5;x\na;-4,5 1/3;2,25e1, 3\nb;,5 0;1 2\n")
    game = pg.load(tmp_path / "game.csv")
    assert game.exact_payoffs[0].tolist() == [[Fraction(-9, 2), Fraction(45, 2)], [Fraction(1, 2), 1]]
    assert game.exact_payoffs[1, 0].tolist() == [Fraction(1, 3), 3]
    assert game.actions[1] == ("1,5", "x")
    # Nothing is guessed: 4,4 may be meant as a pair.
    for text, message in (
        ("T;x;y\na;4,4;0 3\nb;3 0;3 2\n", "line 2: got '4,4', expected a pair of payoffs such as \"4, 0\""),
        ("4,4;0,3\n3,0;3,2\n", "one matrix"),
        ("4,5;1.000\n3;4\n;\n1;2\n3;4\n", "decimal commas and decimal points in one file, '4,5' and '1.000'"),
    ):
        (tmp_path / "game.csv").write_text(text)
        with pytest.raises(pg.FormatError, match=message):
            pg.load(tmp_path / "game.csv")


@pytest.mark.parametrize("extension", ["nfg", "gam", "json", "csv"])
def test_compressed_files(tmp_path, extension):
    table = pg.NormalFormGame(STAG.payoffs, ("row", "column"))
    for game in (STAG, BARE) if extension in ("nfg", "json") else (table if extension == "csv" else BARE,):
        assert round_trip(game, tmp_path / f"game.{extension}.gz") == game
    data = (tmp_path / f"game.{extension}.gz").read_bytes()
    pg.save(game, tmp_path / f"other.{extension}.GZ")
    assert (tmp_path / f"other.{extension}.GZ").read_bytes() == (tmp_path / f"game.{extension}.gz").read_bytes()
    for damaged, message in (
        (data[:-9], "not a readable .gz file"),
        (data[:15] + b"xx" + data[17:], "not a readable .gz file"),
        (b"plain text", r"not a readable .gz file \(Not a gzipped file"),
        (gzip.compress(b"1 1 \0"), "not text, byte 4 is 0x00"),
        (b"", "the file is empty"),
    ):
        (tmp_path / f"game.{extension}.gz").write_bytes(damaged)
        with pytest.raises(pg.FormatError, match=message):
            pg.load(tmp_path / f"game.{extension}.gz")


def test_compressed_profile(tmp_path):
    (tmp_path / "policy.json.gz").write_bytes(gzip.compress(b'{"profile": [[1, 0], [0, 1]]}'))
    assert load_profile(tmp_path / "policy.json.gz", STAG)[1].tolist() == [0, 1]


def test_only_text_is_compressed_again(tmp_path):
    for name in ("game.npz.gz", "game.xlsx.gz", "game.gz"):
        with pytest.raises(pg.InputError, match=r"unknown extension '\.gz'"):
            pg.save(STAG, tmp_path / name)


def test_a_small_file_that_unpacks_to_a_large_one(tmp_path, monkeypatch):
    path = tmp_path / "game.json.gz"
    path.write_bytes(gzip.compress(b" " * 2**25))
    tracemalloc.start()
    try:
        with pytest.raises(pg.FormatError, match="unpacks to more than 16777216 bytes, far too many for its size"):
            pg.load(path)
        assert tracemalloc.get_traced_memory()[1] < 2**26
    finally:
        tracemalloc.stop()
    # What would not be read is not written.
    monkeypatch.setattr(_text, "_MAX_UNPACKED", 1000)
    monkeypatch.setattr(_text, "_MAX_RATIO", 2)
    game = pg.NormalFormGame(np.zeros((1, 10_000)))
    with pytest.raises(pg.InputError, match=r"bytes that unpack to .* would not be read again; leave out \.gz"):
        pg.save(game, tmp_path / "zeros.json.gz")
    assert list(tmp_path.iterdir()) == [path]


def test_gigabytes_of_nothing_are_refused_at_once(tmp_path):
    for extension in ("nfg", "gam", "json", "csv", "tra", "dpomdp", "npz", "xlsx"):
        path = tmp_path / f"zeros.{extension}"
        with open(path, "wb") as file:
            file.truncate(3 * 2**30)
        tracemalloc.start()
        try:
            with pytest.raises(pg.FormatError, match=r"not text, byte 0 is 0x00; give a text|not a readable"):
                pg.load(path, discount=0.5 if extension in ("tra", "dpomdp") else None)
            assert tracemalloc.get_traced_memory()[1] < 2**23
        finally:
            tracemalloc.stop()
        path.unlink()


def test_not_utf_8(tmp_path):
    for name, data, place in [
        ("game.csv", b"caf\xe9", "byte 3 is 0xe9"),
        ("game.nfg", 'NFG 1 R "" { "a" } { 1 } 1'.encode("utf-16"), "byte 3 is 0x00"),
    ]:
        (tmp_path / name).write_bytes(data)
        with pytest.raises(pg.FormatError, match=place):
            pg.load(tmp_path / name)


def test_gambit_reads_latin_1_and_so_do_we(tmp_path):
    path = tmp_path / "game.nfg"
    path.write_bytes('NFG 1 R "café" { "Zoë" } { { "è" } } 1'.encode("latin-1"))
    game = pg.load(path)
    assert (game.title, game.players, game.actions) == ("café", ("Zoë",), (("è",),))


def archive(**entries):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in entries.items():
            file.writestr(f"{name}.npy", content)
    return buffer.getvalue()


def npy(array, **kwargs):
    buffer = io.BytesIO()
    np.save(buffer, array, **kwargs)
    return buffer.getvalue()


GOOD = npy(np.ones((1, 2)))
BAD_ARCHIVES = [
    ({}, "no array 'payoffs'"),
    ({"payoffs": b"text"}, "not a NumPy array"),
    ({"payoffs": npy(np.array([[1, None]]), allow_pickle=True)}, "pickled objects"),
    ({"payoffs": GOOD[:-1]}, "does not fit"),
    ({"payoffs": GOOD.replace(b"(1, 2)", b"(9, 9)")}, "does not fit"),
    ({"payoffs": GOOD.replace(b"<f8", b"<f3")}, "dtype"),
    ({"payoffs": npy(np.array(["a"]))}, "real numbers"),
    ({"payoffs": npy(np.array([[1j]]))}, "dtype"),
    ({"payoffs": npy(np.array([[np.nan]]))}, "finite"),
    ({"payoffs": npy(np.array(3.0))}, "shape"),
    ({"payoffs": npy(np.zeros(9_000_000))}, "unpack to"),
    ({"payoffs": GOOD, "kind": npy(np.array("extensive"))}, "reads 'normal-form' and 'stochastic'"),
    ({"payoffs": GOOD, "title": npy(np.array(["a", "b"]))}, "give a string"),
    ({"payoffs": npy(np.ones((2, 1, 1))), "actions_0": npy(np.array(["a"]))}, "no array 'actions_1'"),
    ({"payoffs": GOOD, "players": npy(np.array([1]))}, "give a list of strings"),
    ({"payoffs": GOOD, "title": npy(np.array("a")).replace(b"a\0\0\0", b"\xff\xff\xff\xff")}, "damaged strings"),
    ({"payoffs": GOOD, "payoffs_exact": npy(np.array(["1"]))}, "shape"),
    ({"payoffs": GOOD, "payoffs_exact": npy(np.array([["1", "x"]]))}, "'x' is not a number"),
    ({"payoffs": GOOD, "payoffs_exact": npy(np.array([["1", "1/3"]]))}, "does not round"),
]  # fmt: skip


@pytest.mark.parametrize(("entries", "message"), BAD_ARCHIVES)
def test_refused_archives_say_why(tmp_path, entries, message):
    path = tmp_path / "game.npz"
    path.write_bytes(archive(**entries))
    with pytest.raises(pg.FormatError, match=message):
        pg.load(path)


def test_archive_with_bare_payoffs(tmp_path):
    path = tmp_path / "game.npz"
    np.savez_compressed(path, payoffs=np.asfortranarray(STAG.payoffs.astype(">f4")))
    assert np.array_equal(pg.load(path).payoffs, STAG.payoffs)


def test_archive_of_unknown_compression(tmp_path):
    path = tmp_path / "game.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as file:
        file.writestr("payoffs.npy", GOOD)
    with pytest.raises(pg.FormatError, match="unknown compression"):
        pg.load(path)


def test_writers_refuse_what_their_format_cannot_hold(tmp_path):
    thirds = pg.NormalFormGame([["1/3", 0]])
    endless = pg.NormalFormGame([[Fraction(10**3000 + 1, 10**3000 - 1)]])
    for game, name, message in [
        (thirds, "game.gam", "would round"),
        (thirds, "game.csv", "two players, got 1"),
        (endless, "game.json", "digits"),
        (endless, "game.nfg", "digits"),
        (pg.NormalFormGame([[[1]]] * 2, title="x" * 200_000), "game.csv", "200000 characters, a cell .* holds 131072"),
        (STAG, "game.txt", "unknown extension"),
        ("stag_hunt", "game.json", "NormalFormGame"),
    ]:
        with pytest.raises(pg.InputError, match=message):
            pg.save(game, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("extension", EXTENSIONS)
def test_save_leaves_the_old_file_when_writing_fails(tmp_path, monkeypatch, extension):
    path = tmp_path / f"game.{extension}"
    pg.save(BARE, path)
    before = path.read_bytes()

    def full_disk(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full_disk)
    with pytest.raises(pg.InputError, match="No space left"):
        pg.save(pg.NormalFormGame([[[1.0]], [[2.0]]]), path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_save_refuses_directories_and_missing_folders(tmp_path):
    (tmp_path / "dir.json").mkdir()
    for name in ("dir.json", "missing/game.json"):
        with pytest.raises(pg.InputError, match=name):
            pg.save(STAG, tmp_path / name)


def test_save_follows_links_and_ignores_case(tmp_path):
    (tmp_path / "link.JSON").symlink_to(tmp_path / "target.json")
    pg.save(STAG, tmp_path / "link.JSON")
    assert (tmp_path / "link.JSON").is_symlink()
    assert pg.load(str(tmp_path / "target.json")) == pg.load(tmp_path / "link.JSON") == STAG


def test_load_of_names(tmp_path, monkeypatch):
    assert pg.load("stag_hunt").n_players == 2
    monkeypatch.chdir(tmp_path)
    (tmp_path / "game.txt").write_text("x")
    (tmp_path / "tree").write_text("\ufeff\nEFG 2 R", encoding="utf-8")
    (tmp_path / "folder.nfg").mkdir()
    for source, message in [
        ("missing.nfg", "no such file"),
        ("folder.nfg", "not a regular file"),
        ("game.txt", "unknown extension '.txt'; give a file of one of the formats .nfg"),
        ("tree", "unknown extension ''; it looks like a .efg file; rename it to tree.efg"),
        (tmp_path / "missing", "no such file"),
        ("", "give a path"),
        ("a\0.nfg", "give a path"),
        (3, "give a path"),
        ("no_such_game", "no_such_game"),
    ]:
        with pytest.raises(pg.InputError, match=message):
            pg.load(source)


def test_unreadable_file(tmp_path, monkeypatch):
    path = tmp_path / "game.json"
    pg.save(STAG, path)

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(builtins, "open", refuse)
    monkeypatch.setattr(io, "open", refuse)
    with pytest.raises(pg.FormatError, match="Permission denied"):
        pg.load(path)


def test_out_of_memory_is_a_format_error(tmp_path, monkeypatch):
    path = tmp_path / "game.json"
    pg.save(STAG, path)

    def exhausted(*_, **__):
        raise MemoryError

    monkeypatch.setattr(json, "loads", exhausted)
    for read in (pg.load, lambda name: load_profile(name, STAG)):
        with pytest.raises(pg.FormatError, match="fit into memory"):
            read(path)


PROFILES = {
    "profile": {"profile": [[0.25, 0.75], [1, 0]]},
    "strings": {"profile": [["1/4", "3/4"], ["1", "0"]]},
    "mixed": {"profile": [["1/4", 0.75], [1, 0]]},
    "solve": {"schema": "powergames/1", "equilibria": [{"profile": [["1/4", "3/4"], ["1", "0"]]}]},
}


@pytest.mark.parametrize("name", PROFILES)
def test_profiles_from_json(tmp_path, name):
    path = tmp_path / "policy.json"
    path.write_text(json.dumps(PROFILES[name]))
    profile = load_profile(path, STAG)
    assert [vector.tolist() for vector in profile] == [[0.25, 0.75], [1, 0]]
    assert (profile[0].dtype == object) == (name != "profile")


def test_profiles_from_npz(tmp_path):
    path = tmp_path / "policy.npz"
    np.savez(path, player_0=[0.5, 0.5], player_1=[1.0, 0.0], steps=7)
    assert [vector.tolist() for vector in load_profile(path, STAG)] == [[0.5, 0.5], [1.0, 0.0]]


@pytest.mark.parametrize(("name", "content", "message"), [
    ("p.json", b"{}", "no list 'profile'"),
    ("p.json", b'{"equilibria": []}', "no list 'profile'"),
    ("p.json", b'{"profile": [[1, 0]]}', "1 policies for 2 players"),
    ("p.json", b'{"profile": [[1, 0], [1, 1]]}', "off the simplex"),
    ("p.json", b'{"profile": [["1/2", "1/0"], [1, 1]]}', r"profile\[0\]\[1\]"),
    ("p.json", b'{"profile": [3, {}]}', r"profile\[1\]"),
    ("p.npz", archive(), "no array 'player_0'"),
    ("p.npz", archive(player_0=npy(np.array(["1", "0"]))), "real numbers"),
    ("p.npz", archive(player_0=npy(np.ones((2, 2))), player_1=npy(np.ones(2))), "shape"),
    ("p.txt", b"", r"\.npz or \.json"),
    ("p.json", b'{"profile": {"Ann": [1, 0], "Bob": [1, 0], "Ann": [0, 1]}}', "the key 'Ann' is given twice"),
])  # fmt: skip
def test_refused_profiles(tmp_path, name, content, message):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(pg.InputError, match=message) as caught:
        load_profile(tmp_path / name, STAG)
    assert name in str(caught.value)


def test_hundreds_of_thousands_of_payoffs_load_at_once(tmp_path):
    rng = np.random.default_rng(0)
    game = pg.NormalFormGame(np.round(rng.normal(size=(2, 400, 250)), 6))
    for extension in EXTENSIONS:
        assert np.array_equal(round_trip(game, tmp_path / f"game.{extension}").payoffs, game.payoffs)
