"""How far long work is: one bar on a terminal, one kind of callback."""

from __future__ import annotations

import sys

import pytest

import powergames as pg
from powergames.progress import counter, reporter


def test_the_callback_hears_everything(capsys):
    heard = []
    with reporter(callback=lambda *told: heard.append(told)) as report:
        report("states", 1, 0)
        report("states", 2, 5)
    assert heard == [("states", 1, 0), ("states", 2, 5)]
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(("progress", "terminal"), [(True, False), (None, True)])
def test_the_bar_ends_at_what_was_told_last(progress, terminal, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    with reporter(progress) as report:
        for done in range(1000):
            report("vertices", done + 1, 1000)
    out, err = capsys.readouterr()
    assert out == ""
    assert "1000/1000" in err
    assert "vertices" in err


def test_steps_are_counted():
    heard = []
    with counter("games", 2, callback=lambda *told: heard.append(told)) as step:
        step()
        step()
    assert heard == [("games", 1, 2), ("games", 2, 2)]


def run_solve(callback):
    pg.solve(pg.load("chicken"), callback=callback)


def run_sweep(callback):
    pg.sweep(pg.load("chicken"), lams=[0, 1], callback=callback)


def run_train(callback):
    pg.train(pg.load("chicken"), steps=10, callback=callback)


def run_from_env(callback):
    pg.from_env(0, lambda state: [["stay"]], lambda state, action: [(1.0, state, [0.0])], 0.5, callback=callback)


@pytest.mark.parametrize("run", [run_solve, run_sweep, run_train, run_from_env])
def test_every_callback_is_checked_alike(run):
    with pytest.raises(pg.InputError, match=r"callback: got int; give a function of \(stage, done, total\)"):
        run(3)
