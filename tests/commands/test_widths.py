"""What commands print fits the terminal: no line is longer, no word is broken, and nothing is left out."""

from __future__ import annotations

import re

import pytest
from rich.cells import cell_len

from powergames import cli
from powergames.display import Table, parts

LONG = """\
A long title,attack the left flank,retreat to the hills,negotiate_with_the_other_commander,wait
defend the left flank immediately,"2, 2","3, 4","-1, 0","1.25,3.3333"
defend the right flank immediately,"4, 1","6, 6","-2, 1","0.123456,7"
call_for_reinforcements_from_town,"0, 0","0, 1","0, 0","5,1"
surrender,"0, 3","0, 1","2, 0","5.5,5.5"
"""
THREE = "random_uniform:players=3,actions=3"
STATES = "reputation_stag_hunt"
RUNS = [
    "demo",
    "games",
    "solve stag_hunt --all",
    "solve LONG --lam 0.2 --all",
    "power LONG --profile uniform",
    "audit LONG uniform --lam 0.3",
    "sweep LONG --lam 0:1:3",
    "trace LONG --lam 0:1",
    f"solve {THREE} --lam 0.2 --all",
    f"power {THREE} --profile uniform",
    f"audit {THREE} uniform --lam 0.2",
    f"sweep {THREE} --lam 0:1:3",
    f"solve {STATES} --lam 0.2",
    f"audit {STATES} uniform --lam 0.2",
    f"audit {STATES} uniform --lam 0.2 --horizon 3",
    f"sweep {STATES} --lam 0:1:3",
    "train stag_hunt --steps 500 -o policy.npz",
    "train stag_hunt --steps 500 --seeds 2 --lam 0.1,0.3 -o policy.npz",
    "compile assembly_line:n=4 -o line.json",
    "report stag_hunt --editable -o play.html",
    pytest.param("solve overcooked:tiny --lam 0.2", marks=pytest.mark.slow),
    pytest.param("audit overcooked:tiny uniform --lam 0.2", marks=pytest.mark.slow),
]


def printed(line, capsys, monkeypatch, width):
    """What a command prints on a terminal so wide, or to a file if there is no width."""
    if width:
        monkeypatch.setenv("COLUMNS", str(width))
    else:
        monkeypatch.delenv("COLUMNS", raising=False)
    assert cli.run(line.split()) in (0, 1)
    shown, problem = capsys.readouterr()
    assert problem == ""
    return shown


def words(text):
    """All words and numbers, but for lines and the seconds that the demo takes for 75 equilibria and more."""
    return {word for word in re.sub(r"(e-\d\d +)\d+\.\d\b", r"\1", text).split() if "─" not in word}


@pytest.mark.parametrize("line", RUNS)
def test_output_fits_the_terminal(line, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "long.csv").write_text(LONG, encoding="utf-8")
    line = line.replace("LONG", "long.csv")
    wide = printed(line, capsys, monkeypatch, None)
    for width in (80, 60):
        shown = printed(line, capsys, monkeypatch, width)
        assert [text for text in shown.splitlines() if cell_len(text) > width] == []
        assert "…" not in shown
        # In 60 columns, a long name and its long parameters do not fit.
        if line != "games" or width == 80:
            assert words(wide) <= words(shown)


@pytest.mark.parametrize("name", ["", *cli.COMMANDS])
def test_help_fits_the_terminal(name, capsys, monkeypatch):
    for width in (80, 60):
        shown = printed(f"{name} --help", capsys, monkeypatch, width)
        # An example is copied as a whole.
        lines = [text for text in shown.splitlines() if width == 80 or not text.startswith("    powergames ")]
        assert [text for text in lines if len(text) > width] == []
        assert re.search(r"\w\.\.\.", shown) is None


def test_a_long_path_stays_whole(capsys, monkeypatch, tmp_path):
    target = tmp_path / ("a" * 100 + ".html")
    shown = printed(f"report stag_hunt --editable -o {target}", capsys, monkeypatch, 60)
    assert str(target) in shown
    assert max(len(text) for text in shown.splitlines() if "a" * 100 not in text) <= 60


def test_parts_of_a_wide_table_name_their_rows():
    table = Table("state", "player", *(f">power of {k}" for k in range(9)), title="Power", keys=2)
    table.add_row("on", "first", *map(str, range(100, 109)))
    found = parts(table, 60)
    assert [part.table.title for part in found] == ["Power", "Power, more columns"]
    assert all(part.table.headers[:2] == ["state", "player"] for part in found)
    assert [header for part in found for header in part.table.headers[2:]] == table.headers[2:]
    assert [cell.text for part in found for cell in part.table.rows[0][2:]] == list(map(str, range(100, 109)))


def test_words_are_broken_only_where_nothing_else_fits():
    table = Table("action", ">payoff")
    table.add_row("negotiate_with_the_other_commander", "1")
    assert parts(table, 60)[0].widths == (34, 6)
    assert parts(table, 30)[0].widths == (19, 6)
