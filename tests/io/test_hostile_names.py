"""Names that try to command the terminal: no command, message or picture lets them."""

from __future__ import annotations

import re
import sys
import warnings

import numpy as np
import pytest

import powergames as pg
from powergames.cli import COMMANDS, run
from powergames.progress import reporter

# Set the window's title, move the cursor, write from right to left, begin another line or a link.
HOSTILE = "\x1b]0;owned\x07\x1b[2J\x9b1A\u202e\r\n\u2028\x7f[link=x]"
NAMES = [f"{HOSTILE}{k}" for k in range(2)]
NORMAL_FORM = pg.NormalFormGame([[[4, 0], [3, 3]], [[4, 3], [0, 3]]], NAMES, [NAMES, NAMES], HOSTILE)
STOCHASTIC = pg.StochasticGame(
    np.ones((2, 2, 2, 2)), np.full((2, 2, 2, 2), 0.5), 0.5, NAMES, [NAMES, NAMES], NAMES, title=HOSTILE
)
# Of every command, arguments that succeed or fail; GAME and STATES are files, OUT is the beginning of one.
ARGUMENTS = {
    "solve": [
        "GAME --all",
        "GAME --json",
        "STATES",
        "GAME.nfg",
        "GAME --lam",
        "GAME --method \x1b[1m",
        "\x1b[1m",
        "bad.csv",
    ],
    "power": ["GAME --profile uniform", "STATES --profile uniform", "GAME --profile \x1b[1m"],
    "audit": ["GAME policy.json --lam 0", "STATES missing\x1b.npz --lam 0", "GAME bad.json --lam 0"],
    "sweep": ["GAME --lam 0,1", "GAME --lam \x1b[1m", "GAME --plot \x1b[1m"],
    "trace": ["GAME", "GAME --start \x1b[1m"],
    "train": ["GAME --steps 100 -o OUT.npz", "GAME --steps 100 --seeds 2 -o OUT.npz", "GAME -o \x1b[1m"],
    "report": ["GAME --lam 0,1 --title \x1b[1m -o OUT.html", "STATES --lam 0,1 -o \x1b[1m"],
    "explore": ["missing\x1b[1m.nfg", "STATES --lesson explore", "GAME --lesson \x1b[1m"],
    "games": ["\x1b[1m"],
    "compile": [
        "GAME -o OUT.npz",
        "STATES -o OUT.json",
        "STATES -o OUT.csv",
        "table.csv -o OUT.npz --json",
        "GAME -o OUT.gam",
    ],
    "demo": ["\x1b[1m"],
    "warmup": ["\x1b[1m"],
}


def is_clean(text):
    return all(line.isprintable() for line in text.split("\n"))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pg.save(NORMAL_FORM, f"{HOSTILE.replace('/', '')}.json")
    pg.save(STOCHASTIC, f"{HOSTILE.replace('/', '')}.npz")
    (tmp_path / f"{HOSTILE}.nfg").write_text(f'NFG 1 R "{HOSTILE}" {{ "{HOSTILE}" }} {{ {HOSTILE} }}', newline="")
    (tmp_path / "policy.json").write_text('{"profile": [[0.5, 0.5], [1, 0]]}')
    (tmp_path / "bad.json").write_text('{"profile": {"\\u001b[1m": 3}}')
    (tmp_path / "bad.csv").write_text("state,a_\x1b[1m,u_\x1b[1m,phi_\x1b[2m\ndelta,,0.5,\n\x1b[1m,a,\x1b[1m,1\n")
    (tmp_path / "table.csv").write_text("state,a_p,u_p,to_state,\x1b[1m\ndelta,,0.5,\ns,a,1,s\n")
    return tmp_path


def test_every_command_is_tried():
    assert set(ARGUMENTS) == set(COMMANDS)


@pytest.mark.parametrize("command", ARGUMENTS)
def test_commands_print_nothing_that_a_terminal_obeys(command, folder, capsys):
    for line in ARGUMENTS[command]:
        places = {"GAME.nfg": f"{HOSTILE}.nfg", "GAME": f"{HOSTILE}.json", "STATES": f"{HOSTILE}.npz"}
        words = [places.get(word, word.replace("OUT", f"{HOSTILE}out")) for word in line.split(" ")]
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            code = run([command, *words])
        out, err = capsys.readouterr()
        assert code in (0, 1, 2)
        assert (code == 2) == (not out)
        assert all(told.startswith("powergames: ") for told in err.splitlines())
        assert is_clean(out), (line, out)
        assert is_clean(err), (line, err)


def test_a_terminal_gets_nothing_to_obey_but_what_rich_draws(folder, capsys, monkeypatch):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    for words in (["solve", f"{HOSTILE}.json"], ["compile", f"{HOSTILE}.json", "-o", "out.npz"]):
        assert run(words) == 0
        assert is_clean(capsys.readouterr().out)


def test_progress(monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    with reporter() as report:
        report(HOSTILE, 1, 2)
    shown = capsys.readouterr().err
    assert "1/2" in shown
    assert is_clean(re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown).replace("\r", ""))


@pytest.mark.parametrize("game", [NORMAL_FORM, STOCHASTIC], ids=["normal form", "stochastic"])
def test_results_show_nothing_that_a_terminal_obeys(game):
    for text in (repr(game), game._repr_html_(), game.to_latex(), str(pg.solve(game)), pg.solve(game)._repr_html_()):
        assert is_clean(text)
    if isinstance(game, pg.NormalFormGame):
        assert is_clean(str(pg.power_table(game, game.uniform_profile())))


def test_episodes_show_nothing_that_a_terminal_obeys(capsys):
    env = pg.to_pettingzoo(STOCHASTIC, render_mode="human")
    env.reset(seed=0)
    env.step(dict.fromkeys(env.agents, 0))
    out = capsys.readouterr().out
    assert "step 1" in out
    assert is_clean(out)


def test_errors_and_warnings_are_printable(tmp_path):
    assert is_clean(str(pg.InputError(HOSTILE)))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pg.save(NORMAL_FORM, tmp_path / f"{HOSTILE}.gam")
    assert len(caught) == 1
    assert caught[0].filename == __file__
    assert is_clean(str(caught[0].message))


NO_TEXT = [("a\0", "character 1 is U[+]0000"), ("ab\ud800", "character 2 is U[+]D800"), ("\udcff", "U[+]DCFF")]


@pytest.mark.parametrize(("name", "message"), NO_TEXT)
def test_names_are_text(name, message):
    rewards, transitions = np.ones((1, 1, 1)), np.ones((1, 1, 1))
    for make in (
        lambda: pg.NormalFormGame([[1]], players=[name]),
        lambda: pg.NormalFormGame([[1]], actions=[[name]]),
        lambda: pg.NormalFormGame([[1]], title=name),
        lambda: pg.StochasticGame(rewards, transitions, 0.5, players=[name]),
        lambda: pg.StochasticGame(rewards, transitions, 0.5, actions=[[name]]),
        lambda: pg.StochasticGame(rewards, transitions, 0.5, actions=[[[name]]]),
        lambda: pg.StochasticGame(rewards, transitions, 0.5, states=[name]),
        lambda: pg.StochasticGame(rewards, transitions, 0.5, title=name),
        lambda: pg.DeterministicGame([[0]], [[0]], 0.5, [["a"]], title=name),
        lambda: pg.DeterministicGame([[0]], [[0]], 0.5, [[name]]),
    ):
        with pytest.raises(pg.InputError, match=message):
            make()


@pytest.mark.parametrize("order", "<>")
def test_numbers_beyond_unicode_in_an_archive(tmp_path, order):
    for key in ("title", "players", "actions_0", "schema"):
        arrays = {"payoffs": np.ones((1, 1)), "title": np.array("a"), "players": np.array(["a"])}
        arrays |= {"actions_0": np.array(["a"]), "schema": np.array("powergames/1")}
        arrays[key] = np.full(arrays[key].shape, 0x110000, order + "u4").view(order + "U1")
        np.savez(tmp_path / "game.npz", **arrays)
        with pytest.raises(pg.FormatError, match=f"array '{key}' holds damaged strings"):
            pg.load(tmp_path / "game.npz")


LIMITS = [("a\x01b", "cannot hold U[+]0001, "), ("\uffff", "U[+]FFFF"), ("x" * 32768, " characters, a cell .* 32767")]


@pytest.mark.parametrize(("name", "message"), LIMITS, ids=["control", "not XML", "long"])
def test_names_that_a_workbook_cannot_hold(tmp_path, name, message):
    for names in ({"players": [name]}, {"states": [name]}, {"actions": [[name]]}, {"title": name}):
        with pytest.raises(pg.InputError, match=message):
            pg.save(pg.StochasticGame([[[1]]], [[[1]]], 0.5, **names), tmp_path / "game.xlsx")
    assert list(tmp_path.iterdir()) == []
    # With to_state, so without phi_ in front.
    longest = pg.StochasticGame([[[1]]], [[[1]]], 0.5, states=["x" * 32767], title="game")
    pg.save(longest, tmp_path / "game.xlsx")
    assert pg.load(tmp_path / "game.xlsx") == longest
