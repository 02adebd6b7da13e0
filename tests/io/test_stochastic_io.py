"""Files of stochastic games: round trips, what the readers refuse and why, and damaged files.

The environment variable POWERGAMES_FUZZ sets the number of damaged files per format.
"""

from __future__ import annotations

import gzip
import io
import json
import random
import sys
import time
import warnings
import zipfile
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_io import LABELS
from test_io_fuzz import MAX_SECONDS, N_FILES, mutated

import powergames as pg
from powergames.io import state_table, stochastic_json, stochastic_npz

NEEDS_OPENPYXL = pytest.mark.skipif(
    find_spec("openpyxl") is None, reason="openpyxl is not installed; it is the extra 'xlsx'"
)
XLSX = pytest.param("xlsx", marks=NEEDS_OPENPYXL)

MIXED = pg.StochasticGame.from_rows(
    [[2, 2], [1, 3], [1, 1]],
    [[0, 1 / 3, -2.5, 1e-9, 4, 5, 6, 1e22], range(8, 16)],
    [[0.25, 0.5, 0.25], [1 / 3, 1 / 3, 1 / 3], *np.eye(3), *np.eye(3)],
    [0.5, 0.75],
    players=["Ann", 'Bob "B", Jr.'],
    actions=[[["up", "döwn"], ["left", "right"]], [["rest"], ["a", "b", "c"]], [["x"], ["=1+1"]]],
    states=["s 1", "2", "III"],
    start=[0, 1, 0],
    title="Mixed",
)
CERTAIN = pg.StochasticGame(
    np.arange(8.0).reshape(1, 2, 4), [[[1, 0]] * 4, [[0, 1]] * 4], 0.9, actions=[["a", "b", "c", "d"]], title="Alone"
)
GAMES = {
    "mixed": MIXED,
    "certain": CERTAIN,
    "big match": pg.load("big_match"),
    "three players": pg.load("line_with_breakdowns"),
    "sparse": pg.load("random_sparse:states=40"),
    "dense": pg.load("random_stochastic"),
    "turn-based": pg.load("random_turn_based"),
}
TABLE = """\
state,a_ann,a_bob,u_ann,u_bob,phi_on,phi_off
delta,,,0.9,0.8,,
on,stay,stay,1,2,0.5,0.5
on,stay,go,3,4,1,0
on,go,stay,5,6,1/4,3/4
on,go,go,7,8,,1
off,wait,wait,0,0,0,1
"""
TRA = """\
# Transitions (CSG)
3:2 6 8
0 0 1 0.25 [a,x]
0 0 2 0.75 [a,x]
0 1 0 1 [b,x]
0 2 1 1 [b,y]
0 3 2 1 [a,y]
1 0 0 0.5 [-,z]
1 0 1 0.5 [-,z]
2 0 2 1 [-,-]
"""
STA = "(p,q)\n0:(0,true)\n1:(1,true)\n2:(1,false)\n"
LAB = '0="init" 1="deadlock" 2="done"\n1: 0\n2: 1 2\n'
SREW1 = '# Reward structure "one"\n# State rewards\n3 2\n0 1.5\n2 -1\n'
TREW1 = '# Reward structure "one"\n# Transition rewards\n3 6 2\n0 0 1 4\n0 0 2 4\n'
SREW2 = "3 1\n1 7\n"
TURNS = """\
3:2 5 6
0:0 0 0 1 stay
0:0 1 1 0.5 go
0:0 1 2 0.5 go
1:1 0 0 1
1:1 1 1 1
2:1 0 2 1
"""
DPOMDP = """\
# a comment: agents: 3
agents: 2
discount: 0.75
values: reward
states: dry wet
start: 0.25 0.75
actions:
wait go
2
observations:
1
near far
T: * :
uniform
T: go 1 :
identity
T: go 0 : dry : wet : 1
T: go 0 : dry : dry : 0
T: wait 0 : wet :
0.125 0.875
O: * :
uniform
O: go * : wet : 0 far : 0.5
R: * : * : * : * : -1
R: go * : wet : * : * : 2.5   # comment
R: go 0 : dry : dry : * : 100
R: wait 1 : dry : wet : * : 3
R: wait 1 : dry : dry : * : 1
"""


def write_files(folder, name, **files):
    for extension, text in files.items():
        (folder / f"{name}.{extension}").write_text(text, encoding="utf-8")


def prism(folder, **changes):
    """Write the files of the concurrent game and return the path of the first."""
    files = {"tra": TRA, "sta": STA, "lab": LAB} | changes
    rewards = {"1.srew": SREW1, "1.trew": TREW1, "2.srew": SREW2}
    for suffix, text in ({f".{key}": text for key, text in files.items()} | rewards).items():
        if text is not None:
            (folder / f"game{suffix}").write_text(text, encoding="utf-8")
    return folder / "game.tra"


def rows_of(game):
    return game.transitions.toarray()


def retitled(game, title):
    """The same game with another title."""
    return pg.StochasticGame.from_rows(
        game.n_actions, game.rewards, game.transitions, game.discounts, game.players, game.actions, game.states,
        game.start, title,
    )  # fmt: skip


def _loaded(path, text):
    path.write_text(text)
    return pg.load(path)


@pytest.mark.parametrize("extension", ["json", "npz", "csv", "xlsx", "json.gz", "csv.gz"])
@pytest.mark.parametrize("name", GAMES)
def test_round_trip(tmp_path, name, extension):
    path = tmp_path / f"game.{extension}"
    pg.save(GAMES[name], path)
    assert pg.load(path) == GAMES[name]


@st.composite
def stochastic_games(draw):
    n_actions = draw(st.lists(st.tuples(st.integers(1, 2), st.integers(1, 2)), min_size=1, max_size=3))
    n_states, n_rows = len(n_actions), sum(first * second for first, second in n_actions)
    weights = st.lists(st.integers(0, 3), min_size=n_states, max_size=n_states).filter(any)
    rewards = st.lists(st.floats(-1e300, 1e300), min_size=n_rows, max_size=n_rows)

    def names(count):
        return st.none() | st.lists(LABELS, min_size=count, max_size=count, unique=True)

    actions = [[draw(names(count)) or [*map(str, range(count))] for count in counts] for counts in n_actions]
    start = draw(st.none() | weights)
    return pg.StochasticGame.from_rows(
        n_actions,
        [draw(rewards), draw(rewards)],
        [np.array(row) / sum(row) for row in draw(st.lists(weights, min_size=n_rows, max_size=n_rows))],
        [draw(st.floats(0, 0.9)), 0.5],
        players=draw(names(2)),
        actions=actions,
        states=draw(names(n_states)),
        start=None if start is None else np.array(start) / sum(start),
        title=draw(st.just("") | LABELS),
    )


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(game=stochastic_games())
def test_what_is_written_is_what_is_read(tmp_path_factory, game):
    folder = tmp_path_factory.mktemp("games")
    refused = {}
    for extension in ("json", "npz", "csv", "xlsx"):
        try:
            pg.save(game, folder / f"game.{extension}")
        except pg.InputError as error:
            refused[extension] = str(error)
        else:
            again = pg.load(folder / f"game.{extension}")
            # Without a title, a game in a table is called as the file is.
            assert again.title == (game.title or ("game" if extension in ("csv", "xlsx") else ""))
            assert again == retitled(game, again.title)
    assert set(refused) <= {"csv", "xlsx"}
    assert all("rename" in message for message in refused.values())


def test_json_keys(tmp_path):
    document = json.loads(stochastic_json.write(MIXED))
    assert document["schema"] == "powergames/1"
    assert document["kind"] == "stochastic"
    assert document["discount"] == [0.5, 0.75]
    assert document["rewards"][1] == [[[8, 9], [10, 11]], [[12, 13, 14]], [[15]]]
    assert document["transitions"][0][0][0] == [0.25, 0.5, 0.25]
    small = {"kind": "stochastic", "discount": 0.5, "rewards": [[[1, "1/3"]]], "transitions": [[["1/1"], [1]]]}
    path = tmp_path / "small.json"
    path.write_text(json.dumps(small))
    assert pg.load(path).rewards.tolist() == [[1, 1 / 3]]


def test_npz_keys():
    with np.load(io.BytesIO(stochastic_npz.write(GAMES["dense"]))) as archive:
        assert archive["rewards"].shape == (2, 8, 3, 3)
        assert archive["transitions"].shape == (8, 3, 3, 8)
        assert archive["discount"] == 0.95
    with np.load(io.BytesIO(stochastic_npz.write(GAMES["sparse"]))) as archive:
        assert archive["transitions_indptr"].shape == (361,)
        assert "transitions" not in archive
        assert not any(archive[name].dtype == object for name in archive)
    with np.load(io.BytesIO(stochastic_npz.write(MIXED))) as archive:
        assert archive["n_actions"].tolist() == [[2, 2], [1, 3], [1, 1]]
        assert archive["actions_1"].tolist() == [["left", "right", ""], ["a", "b", "c"], ["=1+1", "", ""]]


def test_arrays_saved_by_hand(tmp_path):
    rewards, transitions = np.ones((2, 3, 2, 2)), np.full((3, 2, 2, 3), 1 / 3)
    path = tmp_path / "game.npz"
    np.savez(path, kind="stochastic", rewards=rewards, transitions=transitions, discount=[0.5, 0.6])
    assert pg.load(path) == pg.StochasticGame(rewards, transitions, [0.5, 0.6])


def test_large_sparse_games_are_not_written_out_in_full(tmp_path):
    game = pg.load("random_sparse:states=2000")
    pg.save(game, tmp_path / "game.npz")
    assert (tmp_path / "game.npz").stat().st_size < 2e6
    assert pg.load(tmp_path / "game.npz") == game
    with pytest.raises(pg.InputError, match=r"18000 x 2000 transition probabilities.* save the game as \.npz"):
        pg.save(game, tmp_path / "game.json")
    with pytest.raises(pg.InputError, match=r"18000 rows and 2006 columns has more than 10000000 cells; .* \.npz"):
        pg.save(game, tmp_path / "game.csv")
    with pytest.raises(pg.InputError, match=r"19000 rows and 767 columns has more than 1000000 cells"):
        pg.save(pg.load("soccer"), tmp_path / "game.xlsx")
    wide = pg.StochasticGame.from_rows(
        [[1]] * 20000, np.zeros((1, 20000)), (np.ones(20000), np.arange(20000), np.arange(20001)), 0.5, title="wide"
    )
    pg.save(wide, tmp_path / "wide.csv")
    assert pg.load(tmp_path / "wide.csv") == wide
    assert {path.name for path in tmp_path.iterdir()} == {"game.npz", "wide.csv"}


@NEEDS_OPENPYXL
def test_sheets_have_fewer_cells_than_other_tables(tmp_path):
    with pytest.raises(pg.InputError, match=r"19000 rows and 767 columns has more than 1000000 cells"):
        pg.save(pg.load("soccer"), tmp_path / "game.xlsx")
    assert list(tmp_path.iterdir()) == []


def test_table(tmp_path):
    path = tmp_path / "game.csv"
    path.write_text(TABLE)
    game = pg.load(path)
    assert game.players == ("ann", "bob")
    assert game.states == ("on", "off")
    assert game.action_names(0, 1) == ("stay", "go")
    assert game.discounts.tolist() == [0.9, 0.8]
    np.testing.assert_array_equal(game.rewards, [[1, 3, 5, 7, 0], [2, 4, 6, 8, 0]])
    np.testing.assert_array_equal(rows_of(game), [[0.5, 0.5], [1, 0], [0.25, 0.75], [0, 1], [0, 1]])


def test_rows_and_columns_of_a_table_come_in_any_order(tmp_path):
    (tmp_path / "a.csv").write_text(TABLE)
    lines = [line.split(",") for line in TABLE.splitlines()]
    order = [3, 0, 2, 6, 1, 4, 5]
    shuffled = [lines[0], lines[2], lines[5], lines[3], lines[4], lines[6], lines[1]]
    (tmp_path / "b.csv").write_text("\n".join(",".join(row[k] for k in order) for row in shuffled) + "\n")
    one, other = pg.load(tmp_path / "a.csv"), pg.load(tmp_path / "b.csv")
    assert other.players == ("bob", "ann")
    np.testing.assert_array_equal(other.stage(0).payoffs, np.swapaxes(one.stage(0).payoffs, 1, 2)[::-1])


@NEEDS_OPENPYXL
def test_to_state_and_excel_numbers(tmp_path):
    import openpyxl

    book = openpyxl.Workbook()
    for row in (
        ["state", "a_p", "u_p", "to_state", None],
        ["delta", None, 0.5, None, None],
        [1, 1, 2.5, 2, None],
        [1, 2.0, 3, 1, None],
        [None] * 5,
        [2, 1, 0, 2, None],
    ):
        book.active.append(row)
    book.save(tmp_path / "game.xlsx")
    game = pg.load(tmp_path / "game.xlsx")
    assert game.states == ("1", "2")
    assert game.action_names(0, 0) == ("1", "2")
    np.testing.assert_array_equal(rows_of(game), [[0, 1], [1, 0], [0, 1]])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("delta,,,0.9,0.8,,\n", "", "no row 'delta'"),
        ("delta,,,0.9,0.8,,\n", "delta,,,0.9,0.8,,\n" * 2, "line 3: a second row 'delta'"),
        ("0.9,0.8", "0.9,2", "discount of player 1: got 2; give a number from 0 to 1"),
        ("0.9,0.8", "0.9,", "line 2, discount: '' is not a number"),
        ("on,stay,go,3,4,1,0\n", "", r"no row for state 'on', actions \(stay, go\)"),
        ("on,stay,go", "on,stay,stay", r"line 4: state 'on', actions \(stay, stay\) are on line 3 already"),
        ("5,6,1/4", "5,x,1/4", "line 5, reward: 'x' is not a number"),
        ("1/4,3/4", "1/4,1/4", r"state 'on', actions \(go, stay\): the probabilities sum to 0.5"),
        ("1/4,3/4", "-1/4,5/4", "got the probability -0.25"),
        ("phi_off", "phi_on", "two columns 'phi_on'"),
        ("phi_off", "phi_of", "column 'phi_of', but no row has that state"),
        ("phi_off", "u_eve", "column 'u_eve', but no column 'a_eve'"),
        ("u_bob", "bob", "no column 'u_bob'"),
        ("a_ann,a_bob", "x,y", r"no column 'a_<player>'"),
        ("phi_on,phi_off", "to_state,phi_off", "both of 'to_state' and 'phi_<state>'"),
        ("phi_on,phi_off", ",", "neither of 'to_state' and 'phi_<state>'"),
        ("off,wait", ",wait", "line 7: no state"),
        ("off,wait,wait,0,0,0,1", "off,wait,wait,0,0,0,1,5", "line 7: 8 cells, but the first row has 7"),
        (TABLE[TABLE.index("on,stay") :], "", "no row for any state"),
    ],
)
def test_bad_tables_say_what_is_wrong(tmp_path, old, new, message):
    assert old in TABLE
    path = tmp_path / "game.csv"
    path.write_text(TABLE.replace(old, new, 1))
    with pytest.raises(pg.FormatError, match=message) as caught:
        pg.load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_other_columns_are_ignored_as_in_sgamesolver(tmp_path):
    plain = retitled(_loaded(tmp_path / "plain.csv", TABLE), "game")
    rows = TABLE.splitlines()
    (tmp_path / "game.csv").write_text("\n".join([rows[0] + ",note,note,7", *(row + ",x,,1" for row in rows[1:])]))
    with pytest.warns(UserWarning, match="that say nothing .* ignored: 'note', 'note', '7'$") as caught:
        assert pg.load(tmp_path / "game.csv") == plain
    assert caught[0].filename == __file__


@pytest.mark.parametrize("extension", ["csv", "xlsx"])
def test_title_and_start_of_a_table(tmp_path, extension):
    game = pg.StochasticGame.from_rows(
        [[2], [1]], [[1, 2, 3]], [[1, 0], [0, 1], [0, 1]], 0.5, states=["on", "off"], start=[0.25, 0.75], title="Lamp"
    )
    pg.save(game, tmp_path / f"game.{extension}")
    assert pg.load(tmp_path / f"game.{extension}") == game
    plain = pg.StochasticGame.from_rows([[2], [1]], [[1, 2, 3]], [[1, 0], [0, 1], [0, 1]], 0.5)
    assert state_table.write_csv(plain).splitlines()[0] == b"state,a_0,u_0,to_state"
    text = "state,a_0,u_0,to_state,start,title\ndelta,,0.5,,,Lamp\non,0,1,on,0.25,\non,1,2,off,,\noff,0,3,off,0.75,\n"
    assert state_table.write_csv(game).decode() == text
    # In all rows of a state is fine too, but only one number.
    (tmp_path / "all.csv").write_text(text.replace("on,1,2,off,,", "on,1,2,off,1/4,"))
    assert pg.load(tmp_path / "all.csv") == game
    for old, new, message in (
        ("off,,", "off,1,", "line 4, start: got 1, but 0.25 in an earlier row"),
        ("0.75", "0.5", "start: the probabilities sum to 0.75"),
        ("0.75", "x", "line 5, start: 'x' is not a number"),
    ):
        (tmp_path / "bad.csv").write_text(text.replace(old, new))
        with pytest.raises(pg.FormatError, match=message):
            pg.load(tmp_path / "bad.csv")


MIXTURES = """\
state,a_p,u_p,to_state
delta,,0.5,
on,x,1,"on: 0.5, off: 0.5"
on,y,1,"{""off"": 1/4, ""a, b: 1"":0.5,on :0.25,}"
off,x,0,off
"a, b: 1",x,0,"a, b: 1"
"""


def test_to_state_with_probabilities(tmp_path):
    path = tmp_path / "game.csv"
    path.write_text(MIXTURES.replace("a, b: 1", "low"))
    half, quarters = [0.5, 0.5, 0], [0.25, 0.25, 0.5]
    np.testing.assert_array_equal(rows_of(pg.load(path)), [half, quarters, [0, 1, 0], [0, 0, 1]])
    path.write_text(MIXTURES.replace('"{""off"": 1/4, ""a, b: 1"":0.5,on :0.25,}"', "off"))
    np.testing.assert_array_equal(rows_of(pg.load(path)), [half, [0, 1, 0], [0, 1, 0], [0, 0, 1]])
    for old, new, message in (
        ("off: 0.5", "of: 0.5", "line 3: to_state is 'of', of which there is no row; give a state, or several as in"),
        ("off: 0.5", "on: 0.5", "line 3: to_state names 'on' twice"),
        ("off: 0.5", "off: x", "line 3, to_state 'off': 'x' is not a number"),
        ("off: 0.5", "off", "line 3: to_state is 'on: 0.5, off', of which"),
    ):
        path.write_text(MIXTURES.replace("a, b: 1", "low").replace(old, new))
        with pytest.raises(pg.FormatError, match=message):
            pg.load(path)


ENDING = "state,a_p,u_p,phi_on,phi_off\ndelta,,0.5,,\non,x,1,0.5,0.25\non,y,1,0,1\noff,x,0,,\n"


@pytest.mark.parametrize("text", [
    ENDING,
    'state,a_p,u_p,to_state\ndelta,,0.5,\non,x,1,"on: 0.5, off: 0.25"\non,y,1,off\noff,x,0,\n',
    'state,a_p,u_p,to_state\ndelta,,0.5,\non,x,1,"on: 0.5, over: 0.125, off: 0.25"\non,y,1,off\noff,x,0,over\n',
], ids=["phi", "to_state", "named"])  # fmt: skip
def test_rows_that_sum_to_less_than_one_end_the_game(tmp_path, text):
    path = tmp_path / "game.csv"
    path.write_text(text)
    game = pg.load(path, end_state="over")
    assert game == pg.load(f"{path}:end_state=over")
    assert game.states == ("on", "off", "over")
    assert game.start.tolist() == [0.5, 0.5, 0]
    assert game.n_actions.tolist() == [[2], [1], [1]]
    assert game.rewards.tolist() == [[1, 1, 0, 0]]
    np.testing.assert_array_equal(rows_of(game), [[0.5, 0.25, 0.25], [0, 1, 0], [0, 0, 1], [0, 0, 1]])
    with pytest.raises(pg.FormatError, match=r"game\.csv, line 3: .*; make them sum to 1 or|of which there is no row"):
        pg.load(path)


def test_end_state_is_for_tables_that_lack_it(tmp_path):
    path = tmp_path / "game.csv"
    path.write_text(ENDING)
    for source, end_state, message in (
        (path, "off", "end_state is 'off', which has rows; give another name"),
        (path, " ", "end_state: got ' '; give the name of a state"),
        (path, 3, "end_state: got 3; give the name of a state"),
        (f"{path}:end_state=a", "b", "end_state in the name, 'a', and another"),
        ("big_match", "over", "is no table that may lack an end_state; leave it out"),
    ):
        with pytest.raises(pg.InputError, match=message):
            pg.load(source, end_state=end_state)
    path.write_text("1,2\n3,4\n\n1,2\n3,4\n")
    with pytest.raises(pg.FormatError, match="end_state is for tables of stochastic games, and this is none"):
        pg.load(path, end_state="over")


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_tables_of_european_spreadsheets(tmp_path, delimiter):
    plain = retitled(_loaded(tmp_path / "plain.csv", TABLE), "game")
    european = TABLE.replace(",", delimiter).replace(".", ",")
    (tmp_path / "game.csv").write_text("\ufeff" + european, encoding="utf-8", newline="\r\n")
    assert pg.load(tmp_path / "game.csv") == plain
    (tmp_path / "game.csv").write_text(european.replace("0,5", "0.5", 1))
    with pytest.raises(pg.FormatError, match=r"decimal commas and decimal points in one file, '.*' and '.*'; use one"):
        pg.load(tmp_path / "game.csv")


def test_compressed_models_of_prism(tmp_path):
    expected = pg.load(prism(tmp_path), discount=0.5)
    for path in list(tmp_path.iterdir()):
        (tmp_path / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    assert (
        pg.load(tmp_path / "game.tra.gz", discount=0.5) == pg.load(f"{tmp_path}/game.tra.gz:discount=0.5") == expected
    )


def test_compressed_dpomdp(tmp_path):
    (tmp_path / "team.dpomdp.gz").write_bytes(gzip.compress(DPOMDP.encode()))
    with pytest.warns(UserWarning, match="observations are ignored"):
        assert pg.load(tmp_path / "team.dpomdp.gz").title == "team"


def test_unknown_next_state(tmp_path):
    path = tmp_path / "game.csv"
    path.write_text("state,a_p,u_p,to_state\ndelta,,0.5,\none,x,1,two\n")
    with pytest.raises(pg.FormatError, match="line 3: to_state is 'two', of which there is no row"):
        pg.load(path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"states": ["a", "a"]}, "states: two are called 'a'"),
        ({"states": ["a", "delta"]}, "a state is called 'delta'"),
        ({"states": ["a", " b"]}, "states: the name ' b' cannot stand in a table"),
        ({"states": ["a", ""]}, "states: the name '' cannot stand in a table"),
        ({"actions": [["a", "b", "b", "c"]]}, "actions of player 0 in state '0': two are called 'b'"),
    ],
)
@pytest.mark.parametrize("extension", ["csv", XLSX])
def test_names_that_a_table_cannot_hold(tmp_path, changes, message, extension):
    parts = {"rewards": np.zeros((1, 2, 4)), "transitions": np.full((2, 4, 2), 0.5), "discount": 0.5}
    with pytest.raises(pg.InputError, match=message):
        pg.save(pg.StochasticGame(**parts, **changes), tmp_path / f"game.{extension}")


def test_without_openpyxl(tmp_path, monkeypatch):
    path = tmp_path / "game.xlsx"
    path.write_bytes(b"")
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    message = r"\.xlsx files: openpyxl is not installed; run pip install 'powergames\[xlsx\]'"
    with pytest.raises(pg.InputError, match=message):
        pg.load(path)
    with pytest.raises(pg.InputError, match=message):
        pg.save(CERTAIN, path)


@NEEDS_OPENPYXL
def test_a_sheet_that_claims_to_be_huge(tmp_path):
    with zipfile.ZipFile(io.BytesIO(state_table.write_xlsx(CERTAIN))) as source:
        entries = {name: source.read(name) for name in source.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    far = b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>'
    entries[sheet] = entries[sheet].replace(b"</sheetData>", far)
    path = tmp_path / "game.xlsx"
    with zipfile.ZipFile(path, "w") as target:
        for name, data in entries.items():
            target.writestr(name, data)
    with pytest.raises(pg.FormatError, match="the sheet is far larger than the file"):
        pg.load(path)


def test_concurrent_game_of_prism(tmp_path):
    game = pg.load(prism(tmp_path), discount=0.9)
    assert game.states == ("(0,true)", "(1,true)", "(1,false)")
    assert game.start.tolist() == [0, 1, 0]
    assert game.n_actions.tolist() == [[2, 2], [1, 1], [1, 1]]
    assert [game.action_names(0, player) for player in (0, 1)] == [("a", "b"), ("x", "y")]
    # In C order: (a, x), (a, y), (b, x), (b, y).
    expected = [[0, 0.25, 0.75], [0, 0, 1], [1, 0, 0], [0, 1, 0], [0.5, 0.5, 0], [0, 0, 1]]
    np.testing.assert_array_equal(rows_of(game), expected)
    np.testing.assert_array_equal(game.rewards, [[5.5, 1.5, 1.5, 1.5, 0, -1], [0, 0, 0, 0, 7, 0]])
    assert pg.load(f"{tmp_path}/game.tra:discount=9/10") == game
    assert pg.load(tmp_path / "game.tra", discount=[0.9, 0.5]).discounts.tolist() == [0.9, 0.5]


def test_turn_based_game_of_prism(tmp_path):
    write_files(tmp_path, "game", tra=TURNS, srew="3 1\n2 1\n")
    game = pg.load(tmp_path / "game.tra", discount=0.5)
    assert game.n_actions.tolist() == [[2, 1], [1, 2], [1, 1]]
    assert game.action_names(0, 0) == ("stay", "go")
    assert game.action_names(0, 1) == ("-",)
    assert game.action_names(1, 1) == ("choice 0", "choice 1")
    np.testing.assert_array_equal(rows_of(game), [[1, 0, 0], [0, 0.5, 0.5], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
    # One reward structure is everyone's; without labels any state may be the first.
    np.testing.assert_array_equal(game.rewards, [[0, 0, 0, 0, 1]] * 2)
    np.testing.assert_allclose(game.start, 1 / 3)


@pytest.mark.parametrize(
    ("extension", "old", "new", "message"),
    [
        ("tra", "3:2 6 8", "3 6 8", "line 2: got '3 6 8', expected 'states:players choices transitions'"),
        ("tra", "3:2 6 8", "3:2 6 9", "tells of 6 choices and 9 transitions, the file holds 6 and 8"),
        ("tra", "3:2 6 8", "4:2 6 8", "state 3 has no transition"),
        ("tra", "3:2 6 8", "999999999:2 6 8", "999999999 states, but only 10 lines"),
        ("tra", "3:2 6 8", "3:3 6 8", r"line 3: got the actions '\[a,x\]', expected \[a,b\] with one for each of 3"),
        ("tra", "2 0 2 1 [-,-]", "2 0 3 1 [-,-]", "line 10: state 3, but there are 3"),
        ("tra", "0.25 [a,x]", "0.5 [a,x]", r"state '\(0,true\)', actions \(a, x\): the probabilities sum to 1.25"),
        ("tra", "0.25 [a,x]", "x [a,x]", "line 3: 'x' is not a number"),
        ("tra", "0.25 [a,x]", "0.25 [b,x]", "line 4: choice 0 of state 0 has other actions on line 3"),
        ("tra", "0 0 2 0.75", "0 0 1 0.75", "line 4: state 1 is a target of this choice already"),
        ("tra", "0 3 2 1 [a,y]", "0 3 2 1 [b,y]", r"line 7: state 0 has the actions '\[b,y\]' twice"),
        ("tra", "0 3 2 1 [a,y]", "0 3 2 1 [c,y]", "state 0 has 4 choices, where players with 3 x 2 actions"),
        ("tra", "0 3 2 1 [a,y]", "0 5 2 1 [a,y]", "line 7: choice 5 of state 0 after 3 others"),
        ("tra", "0 3 2 1 [a,y]", "0 3", "line 7: got '0 3', expected 'state choice target"),
        ("tra", "[b,y]", "b", r"line 6: got the actions 'b', expected \[a,b\]"),
        ("sta", "1:(1", "3:(1", r"game.sta, line 3: got '3:\(1,true\)', expected '1:\(values\)'"),
        ("sta", "2:(1,false)\n", "", "game.sta: 2 states, but the .tra file has 3"),
        ("lab", "2: 1 2", "7: 1 2", "game.lab, line 3: got '7: 1 2', expected 'state: labels'"),
    ],
)
def test_bad_prism_files_say_what_is_wrong(tmp_path, extension, old, new, message):
    text = {"tra": TRA, "sta": STA, "lab": LAB}[extension]
    assert old in text
    with pytest.raises(pg.FormatError, match=message) as caught:
        pg.load(prism(tmp_path, **{extension: text.replace(old, new)}), discount=0.9)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("game1.srew", "2 2\n0 1.5\n2 -1\n", "game1.srew: got '2 2', expected a line that begins with 3 states"),
        ("game1.srew", "3 2\n0 1.5\n", "game1.srew: tells of '2' rewards, holds 1"),
        ("game1.srew", "3 1\n5 1.5\n", "game1.srew, line 2: there is no such state or choice"),
        ("game1.srew", "3 2\n0 1.5\n0 1.5\n", "game1.srew, line 3: a second reward for the same place"),
        ("game1.trew", "3 6 1\n0 0 0 4\n", "game1.trew, line 2: the choice does not lead to state 0"),
        ("game1.trew", "3 6 1\n0 0 4\n", "game1.trew, line 2: got '0 0 4', expected 3 indices and a reward"),
        ("game3.srew", "3 0\n", "3 reward structures .* for 2 players"),
    ],
)
def test_bad_rewards_of_prism(tmp_path, name, text, message):
    path = prism(tmp_path)
    (tmp_path / name).write_text(text)
    with pytest.raises(pg.FormatError, match=message):
        pg.load(path, discount=0.9)


def test_prism_needs_rewards_and_a_discount(tmp_path):
    path = prism(tmp_path)
    with pytest.raises(pg.InputError, match="a PRISM model has no discount; give one"):
        pg.load(path)
    with pytest.raises(pg.InputError, match="load: discount: 'x' is not a number"):
        pg.load(f"{path}:discount=x")
    with pytest.raises(pg.InputError, match="discount of player 0: got 2; give"):
        pg.load(path, discount=2)
    with pytest.raises(pg.InputError, match=r"discount in the name, '0\.5', and another"):
        pg.load(f"{path}:discount=0.5", discount=0.5)
    for reward in tmp_path.glob("*rew"):
        reward.unlink()
    with pytest.raises(pg.FormatError, match="0 reward structures"):
        pg.load(path, discount=0.5)


def test_discount_belongs_to_formats_that_need_one(tmp_path):
    pg.save(CERTAIN, tmp_path / "game.json")
    for source in (tmp_path / "game.json", "stag_hunt"):
        with pytest.raises(pg.InputError, match="comes with its own discount, or needs none; leave discount out"):
            pg.load(source, discount=0.5)


def test_dpomdp_is_a_fully_observed_team_game(tmp_path):
    path = tmp_path / "team.dpomdp"
    path.write_text(DPOMDP)
    with pytest.warns(UserWarning, match="fully observed team game; its observations are ignored") as caught:
        game = pg.load(path)
    assert caught[0].filename == __file__
    assert (game.title, game.players, game.states) == ("team", ("0", "1"), ("dry", "wet"))
    assert game.actions == (("wait", "go"), ("0", "1"))
    assert game.discounts.tolist() == [0.75, 0.75]
    assert game.start.tolist() == [0.25, 0.75]
    half, row = [0.5, 0.5], [0.125, 0.875]
    np.testing.assert_array_equal(rows_of(game), [half, half, [0, 1], [1, 0], row, half, half, [0, 1]])
    # Rewards for a next state count as often as it follows: half of 3 and half of 1 for (wait, 1) in the dry.
    np.testing.assert_array_equal(game.rewards, [[-1, 2, -1, -1, -1, -1, 2.5, 2.5]] * 2)
    with pytest.warns(UserWarning, match="ignored"):
        assert pg.load(f"{path}:discount=0.5").discounts.tolist() == [0.5, 0.5]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("start: 0.25 0.75", "start: wet", [0, 1]),
        ("start: 0.25 0.75", "start:\nuniform", [0.5, 0.5]),
        ("start: 0.25 0.75", "start include: 0", [1, 0]),
        ("start: 0.25 0.75", "start exclude: dry", [0, 1]),
        ("start: 0.25 0.75\n", "", [0.5, 0.5]),
    ],
)
def test_start_of_a_dpomdp(tmp_path, old, new, expected):
    path = tmp_path / "team.dpomdp"
    path.write_text(DPOMDP.replace(old, new))
    with pytest.warns(UserWarning, match="ignored"):
        assert pg.load(path).start.tolist() == expected


@pytest.mark.parametrize(
    "statement",
    [
        "T: go 1 :\nidentity",
        "T: go 1\nidentity",
        "T: go 1\n1 0\n0 1",
        "T: go 1 :\n1 0 0 1",
        "T: go 1 : dry :\n1 0\nT: go 1 : wet : \n0 1",
        "T: go 1 : dry 1 0\nT: go 1 : wet 0 1",
        "T: go 1 : * : * : 0\nT: 1 1 : 0 : 0 : 1\nT: go 1 : wet : wet : 1.0",
    ],
)
def test_every_way_to_give_transitions_of_a_dpomdp(tmp_path, statement):
    path = tmp_path / "team.dpomdp"
    path.write_text(DPOMDP.replace("T: go 1 :\nidentity", statement))
    with pytest.warns(UserWarning, match="ignored"):
        np.testing.assert_array_equal(rows_of(pg.load(path))[[3, 7]], np.eye(2))


def test_costs_and_matrices_of_rewards(tmp_path):
    path = tmp_path / "team.dpomdp"
    text = DPOMDP.replace("values: reward", "values: cost").replace(
        "R: go * : wet : * : * : 2.5", "R: go * : wet :\n4 4\n8 8\nR: go 0 : wet : dry :\n6 6"
    )
    path.write_text(text)
    with pytest.warns(UserWarning, match="ignored"):
        game = pg.load(path)
    np.testing.assert_array_equal(game.rewards[0, [6, 7]], [-7, -8])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("agents: 2", "agents: 0", "line 2: agents is '0'; give a number from 1"),
        ("agents: 2", "agents: 2000", "2000 agents; give at most"),
        ("agents: 2", "hello", "line 1: got 'hello', expected 'agents: 2'"),
        ("discount: 0.75", "discount: 1", "its discount is 1; give one below 1, as in load"),
        ("discount: 0.75", "discount: high", "line 3: 'high' is not a number"),
        ("discount: 0.75\n", "", "no 'discount:'"),
        ("discount: 0.75", "discount: 0.75\ndiscount: 0.5", "line 4: 'discount' is given twice"),
        ("values: reward", "values: both", "values is 'both'; give reward or cost"),
        ("states: dry wet", "states: dry dry", "states: two have the same name"),
        ("wait go\n2", "99999\n9999", "have 3999560004 transitions, far too many for a file of"),
        ("start: 0.25 0.75", "start: 0.25 0.25 0.5", "start: 3 numbers for 2 states"),
        ("start: 0.25 0.75", "start: 0.25 0.25", "start: the probabilities sum to 0.5"),
        ("start: 0.25 0.75", "start exclude: dry wet", "'start exclude:' leaves no state"),
        ("wait go\n2\n", "wait go\n", "actions: 1 lines for 2 agents"),
        ("T: go 1", "T: fly 1", "no action is called 'fly'; there are 2"),
        ("T: go 1", "T: go 2", "no action is called '2'; there are 2"),
        ("T: go 1", "T: go", "got 1 actions, 'go'; give one for each agent"),
        ("identity", "1 0 0 1 1", "a matrix of 5 numbers; give 2 x 2, identity or uniform"),
        ("0.125 0.875", "0.125 0.5", r"state 'wet', actions \(wait, 0\): the probabilities sum to 0.625"),
        ("0.125 0.875", "0.125 0.5 0.375", "a row of 3 numbers for 2 states"),
        ("T: go 0 : dry : wet : 1", "T: go 0 : dry : wet : 1 : 2", "got T: .* give T: actions : from : to : number"),
        ("* : -1", "0 near : -1", "the reward depends on observations"),
        ("R: * : * : * : * : -1", "R: * : * : * :\n1 2", "the reward depends on observations"),
        ("R: * : * : * : * : -1", "R: * : * : -1 2 3", "got 3 rewards for 2 next states"),
        ("R: * : * : * : * : -1", "R: * : -1", "got R: .* give R: actions : from"),
    ],
)
def test_bad_dpomdps_say_what_is_wrong(tmp_path, old, new, message):
    assert old in DPOMDP
    path = tmp_path / "team.dpomdp"
    path.write_text(DPOMDP.replace(old, new, 1))
    with pytest.raises(pg.FormatError, match=message) as caught:
        pg.load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


GOOD = {"kind": "stochastic", "discount": 0.5, "rewards": [[[1, 2], [3]]], "transitions": [[[1, 0], [0, 1]], [[0, 1]]]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema": "powergames/9"}, "schema is 'powergames/9'"),
        ({"rewards": None}, "'rewards' is a NoneType; give nested lists"),
        ({"rewards": []}, "'rewards' is an empty list"),
        ({"rewards": [[[1, 2]]]}, r"rewards\[0\] has 1 states, transitions have 2"),
        ({"rewards": [[1, 2]]}, r"rewards\[0\]\[0\] is nested 0 deep; give one level for each of 1 players"),
        ({"rewards": [[[1, 2], [3]]] * 2}, r"rewards\[0\]\[0\] is nested 1 deep; give one level for each of 2"),
        ({"rewards": [[[1, 2], ["x"]]]}, r"rewards\[0\]\[1\]\[0\]: 'x' is not a number"),
        ({"transitions": [[[1, 0], [0, 1]], [[0, 1]] * 2]}, r"transitions\[1\] has shape \(2, 2\); expected \(1, 2\)"),
        ({"transitions": [[[1, 0], [0]], [[0, 1]]]}, r"transitions\[0\] is ragged"),
        ({"transitions": [[[1, 0], [0, 0.5]], [[0, 1]]]}, r"state '0', actions \(1\): the probabilities sum to 0.5"),
        ({"discount": 2}, "discount of player 0: got 2; give"),
        ({"discount": None}, "discount: got null; give a number"),
        ({"discount": [0.5, 0.5]}, r"discount: got shape \(2,\)"),
        ({"start": [1]}, r"start: got shape \(1,\)"),
        ({"states": ["a"]}, "states: got 1 names for 2"),
        ({"states": [1, 2]}, "'states' is not a list of strings"),
        ({"actions": "ab"}, "'actions' is a str"),
        ({"actions": [["a", 1]]}, r"'actions\[0\]' is not a list of strings"),
        ({"actions": [[["a", 1]], [["b"]]]}, r"'actions\[0\]\[0\]' is not a list of strings"),
        ({"actions": [[["a", "b"]], 3]}, r"'actions\[1\]' is not a list"),
        ({"title": 3}, "'title' is a int"),
    ],
)
def test_bad_documents_say_what_is_wrong(tmp_path, changes, message):
    path = tmp_path / "game.json"
    path.write_text(json.dumps(GOOD))
    assert pg.load(path).n_actions.tolist() == [[2], [1]]
    path.write_text(json.dumps(GOOD | changes))
    with pytest.raises(pg.FormatError, match=message):
        pg.load(path)


@pytest.mark.parametrize("key", ["rewards", "transitions", "discount"])
def test_missing_keys(tmp_path, key):
    (tmp_path / "game.json").write_text(json.dumps({name: value for name, value in GOOD.items() if name != key}))
    with pytest.raises(pg.FormatError, match=f"no key '{key}'"):
        pg.load(tmp_path / "game.json")
    with np.load(io.BytesIO(stochastic_npz.write(CERTAIN))) as archive:
        arrays = {name: archive[name] for name in archive if not name.startswith(key)}
    np.savez(tmp_path / "game.npz", **arrays)
    with pytest.raises(pg.FormatError, match=f"no array '{key}"):
        pg.load(tmp_path / "game.npz")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"transitions": np.ones((8, 2))}, "both 'transitions' and 'transitions_data'"),
        ({"transitions_indices": np.zeros(3)}, "indices: got dtype float64"),
        ({"n_actions": np.array([[4], [10**9]])}, r"rewards: got shape \(1, 2, 4\); expected \(1, R\)"),
        ({"n_actions": np.array([[4], [10**9]]), "rewards": CERTAIN.rewards}, "the states have 1000000004 joint"),
        ({"actions_1": np.array(["a"])}, None),
        ({"actions_0": np.array([["a", "b", "c", "d"]])}, "tell of different numbers|1 entries for 2 states"),
        ({"start": np.array(["a"])}, "array 'start' has dtype <U1; give real numbers"),
    ],
)
def test_bad_archives_say_what_is_wrong(tmp_path, changes, message):
    arrays = {
        "kind": np.array("stochastic"),
        "rewards": CERTAIN.rewards.reshape(1, 2, 4),
        "discount": np.array(0.9),
        "transitions_data": CERTAIN.data,
        "transitions_indices": CERTAIN.indices,
        "transitions_indptr": CERTAIN.indptr,
    }
    path = tmp_path / "game.npz"
    np.savez(path, **arrays | changes)
    if message is None:
        assert pg.load(path).n_rows == 8
        return
    with pytest.raises(pg.FormatError, match=message):
        pg.load(path)


@pytest.mark.parametrize("extension", ["nfg", "gam", "tra", "dpomdp"])
def test_formats_without_a_writer(tmp_path, extension):
    with pytest.raises(pg.InputError, match=rf"no StochasticGame is written as \.{extension}; give one of \.json"):
        pg.save(CERTAIN, tmp_path / f"game.{extension}")
    if extension == "tra":
        with pytest.raises(pg.InputError, match=r"no NormalFormGame is written as \.tra; give one of \.nfg"):
            pg.save(pg.load("stag_hunt"), tmp_path / "game.tra")


SEEDS = {
    "json": [stochastic_json.write(GAMES[name]) for name in ("mixed", "big match")],
    "npz": [stochastic_npz.write(GAMES[name]) for name in ("mixed", "big match", "sparse")],
    "csv": [
        TABLE.encode(),
        TABLE.replace(",", ";").encode(),
        MIXTURES.encode(),
        *(state_table.write_csv(GAMES[name]) for name in ("mixed", "certain")),
    ],
    "tra": [TRA.encode(), TURNS.encode()],
    "sta": [STA.encode()],
    "lab": [LAB.encode()],
    "srew": [SREW1.encode()],
    "trew": [TREW1.encode()],
    "dpomdp": [DPOMDP.encode()],
}
# Unpacking and parsing XML takes longer than all else.
FEWER = {"xlsx": 8, "sta": 4, "lab": 4, "srew": 4, "trew": 4}


@pytest.mark.parametrize("extension", [*SEEDS, XLSX])
def test_damaged_files_load_or_are_refused(tmp_path, extension):
    seeds = [state_table.write_xlsx(CERTAIN)] if extension == "xlsx" else SEEDS[extension]
    loaded, n_files = 0, N_FILES // FEWER.get(extension, 1)
    beside = extension in ("sta", "lab", "srew", "trew")
    for seed in range(n_files):
        rng = random.Random(seed)
        path = tmp_path / f"{seed}.{extension}"
        if extension == "tra" or beside:
            path = prism(tmp_path)
        damaged = tmp_path / f"game{'1' if extension.endswith('rew') else ''}.{extension}" if beside else path
        damaged.write_bytes(mutated(rng.choice(seeds), rng))
        options = {"discount": 0.5} if path.suffix == ".tra" else {}
        start = time.perf_counter()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                game = pg.load(path, **options)
        except pg.FormatError as error:
            message = str(error)
            if "\n" in message or len(message) > 600 + len(str(path)):
                pytest.fail(f"seed {seed}: {message!r}")
        except Exception as error:
            pytest.fail(f"seed {seed}: {error!r}")
        else:
            loaded += 1
            if isinstance(game, pg.StochasticGame):
                assert np.isfinite(game.rewards).all(), f"seed {seed}"
                np.testing.assert_allclose(game.transitions.sum(axis=1), 1, atol=1e-12, err_msg=f"seed {seed}")
                assert game.rewards.size < 100_000, f"seed {seed}"
        assert time.perf_counter() - start < MAX_SECONDS, f"seed {seed}"
        damaged.unlink()
    assert 0 < loaded < n_files
