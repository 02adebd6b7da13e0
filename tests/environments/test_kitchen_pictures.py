"""Pictures of kitchens: what the path says equals play in the game, what is drawn changes with the state, bad input."""

from __future__ import annotations

import builtins
from itertools import pairwise

import numpy as np
import pytest

import powergames as pg

pytest.importorskip("PIL", reason="Pillow is not installed; it is part of the extra 'viz'")
from PIL import Image

from powergames import viz
from powergames.viz import kitchen_play, kitchens
from powergames.viz.theme import BLUE, VERMILION

TINY = pg.load("overcooked:tiny")


def colours(picture):
    return {colour for _, colour in picture.getcolors(maxcolors=1 << 24)}


def rgb(text):
    return tuple(int(text[k : k + 2], 16) for k in (1, 3, 5))


@pytest.fixture(scope="module")
def solved():
    return pg.solve(TINY, pg.PowerObjective("0.1", form="adversarial"))


@pytest.fixture(scope="module")
def path(solved):
    return viz.kitchen_path(solved, 40)


def test_the_path_is_play_in_the_game(solved, path):
    """Each step follows by the rows of the game, and the soups add up to the rewards."""
    profile, paid = solved.profile, 0.0
    assert path[0] == (0, 0, ())
    for before, after in pairwise(path):
        row = TINY.row_starts[before.state] + 6 * profile[0][before.state].argmax() + profile[1][before.state].argmax()
        assert after.state == TINY.indices[TINY.indptr[row]]
        paid += TINY.rewards[0, row]
        assert after.soups == paid
    assert paid > 4


def test_the_path_ends_with_the_horizon():
    """Play depends on the step, and the soups of a path without chance are the value."""
    kitchen = pg.compile_overcooked("tiny", discount=1)
    result = pg.solve(kitchen, pg.PowerObjective("0.1"), horizon=30)
    path = viz.kitchen_path(result, 99)
    assert len(path) == 31
    assert path[-1].soups == result.start_task[0] > 0
    frames = viz.kitchen_frames([result, result.evaluation], ["one", "two"], steps=99)
    assert len(frames) == 31
    assert len({frame.size for frame in frames}) == 1


def test_soups_discounted_are_the_value(solved):
    """The exact value is that of the path, because both chefs are deterministic along it."""
    path = viz.kitchen_path(solved, 400)
    served = np.diff([step.soups for step in path])
    assert all(strategy[step.state].max() == 1 for strategy in solved.profile for step in path)
    assert served @ 0.95 ** np.arange(400) == pytest.approx(solved.evaluation.start_task[0], abs=1e-7)


def test_doings_follow_one_another(path):
    """A soup is served by who has filled a dish, and that needs an onion and a pot that was started."""
    for chef in range(2):
        done = [step.doings[chef] for step in path[1:]]
        held = [what for what in done if what.split()[0] in ("takes", "puts", "fills", "serves")]
        for earlier, later in pairwise(held):
            assert later != "serves a soup" or earlier == "fills the dish with soup"
            assert later != "fills the dish with soup" or earlier == "takes a dish"
            assert later != "puts an onion into the pot" or earlier == "takes an onion"
    together = [what for step in path for what in step.doings]
    assert together.count("starts the pot") >= together.count("serves a soup") > 4


def test_words_for_what_chefs_do():
    """Played by hand: a soup started too early and thrown away, and an onion on a counter and off it."""
    game = pg.compile_overcooked(["XPDXXX", "O1 X2X", "XSXXXX"], onions=2, cook_time=1, counters=[(3, 1)]).to_game()
    north, south, east, west, stay, use = range(6)
    script = [
        (west, "turns"),
        (use, "takes an onion"),
        (stay, "waits"),
        (use, "waits"),
        (north, "turns"),
        (use, "puts an onion into the pot"),
        (use, "starts the pot"),
        (use, "waits"),
        (east, "walks"),
        (north, "turns"),
        (use, "takes a dish"),
        (west, "walks"),
        (north, "turns"),
        (use, "fills the dish with spoiled soup"),
        (south, "turns"),
        (use, "throws soup away"),
        (west, "turns"),
        (use, "takes an onion"),
        (east, "walks"),
        (use, "puts down an onion"),
        (use, "takes an onion"),
    ]
    events = pg.kitchen_events(game)
    state, said = 0, []
    for action, _ in script:
        row = game.row_starts[state] + 6 * action + stay
        following, (event, other) = int(game.indices[game.indptr[row]]), events.words(state, (action, stay))
        said.append(
            kitchen_play._doing(
                game.states, 0, state, following, action, event.partition(" at")[0].partition(" from")[0]
            )
        )
        assert kitchen_play._doing(game.states, 1, state, following, stay, other) == "waits"
        state = following
    assert said == [words for _, words in script]
    assert len(colours(viz.kitchen(game, state))) > 10


def test_a_picture_shows_both_chefs(path):
    picture = viz.kitchen(TINY, 0)
    assert picture.size == (7 * kitchens.CELL, 3 * kitchens.CELL)
    assert {rgb(BLUE), rgb(VERMILION)} <= colours(picture)
    assert np.array_equal(np.asarray(picture), np.asarray(viz.kitchen(TINY, TINY.states[0])))


def test_different_states_look_different(path):
    seen = {step.state: viz.kitchen(TINY, step.state).tobytes() for step in path}
    assert len(set(seen.values())) == len(seen) > 8


def test_the_compiled_game_looks_the_same():
    game = pg.compile_overcooked("tiny")
    assert viz.kitchen(game, 600).tobytes() == viz.kitchen(TINY, 600).tobytes()


def test_onions_cooking_and_ready_soup_in_a_pot():
    """One kitchen, all conditions of its pot, each drawn in another way."""
    states = [
        next(k for k, name in enumerate(TINY.states) if name.endswith(f"pot (3,1): {what}"))
        for what in ("1 onion", "soup cooking, 1 of 2", "soup ready")
    ]
    x, y = 3 * kitchens.CELL, kitchens.CELL
    pots = [viz.kitchen(TINY, s).crop((x, y, x + kitchens.CELL, y + kitchens.CELL)).tobytes() for s in (0, *states)]
    assert len(set(pots)) == 4


def test_two_ingredients_cooking_and_lost_pots_look_different():
    game = pg.compile_overcooked(
        ["XOXTX", "D1P2D", "XSXSX"], recipes="oo+tt*10", mixing="lost", onion_time=2, tomato_time=1, counters=0
    )
    conditions = (
        "1 onion",
        "1 tomato",
        "2 tomatoes",
        "lost",
        "soup worth 1 cooking, 3 steps left",
        "spoiled soup ready",
    )
    states = [
        next(k for k, name in enumerate(game.states) if name.endswith(f"pot (2,1): {what}")) for what in conditions
    ]
    x, y = 2 * kitchens.CELL, kitchens.CELL
    pots = [viz.kitchen(game, s).crop((x, y, x + kitchens.CELL, y + kitchens.CELL)).tobytes() for s in (0, *states)]
    assert len(set(pots)) == len(pots)
    tomato = next(k for k, name in enumerate(game.states) if "chef 2 (3,1) north, tomato" in name)
    assert rgb(kitchens.RED) in colours(
        viz.kitchen(game, tomato).crop((3 * kitchens.CELL, y, 4 * kitchens.CELL, 2 * y))
    )


def test_words_for_a_pot_that_is_lost():
    game = pg.compile_overcooked(
        ["XOXTX", "D1P2D", "XSXSX"], recipes="oo+tt", mixing="lost", onion_time=1, tomato_time=1, counters=0
    ).to_game()
    script = [(5, 5), (2, 3), (5, 5)]
    profile = [np.eye(6)[np.full(game.n_states, 4)] for _ in range(2)]
    state = 0
    for actions in script:
        for strategy, action in zip(profile, actions, strict=True):
            strategy[state] = np.eye(6)[action]
        state = int(game.indices[game.indptr[game.row_starts[state] + 6 * actions[0] + actions[1]]])
    path = viz.kitchen_path(pg.evaluate(game, profile), 3)
    assert [step.doings for step in path[1:]] == [
        ("takes an onion", "takes a tomato"),
        ("turns", "turns"),
        ("puts an onion into the pot", "spoils the pot with a tomato"),
    ]


def test_an_animation_and_a_strip(solved, tmp_path):
    frames = viz.kitchen_frames([solved, solved], ["one", "two"], steps=6)
    assert len(frames) == 7
    viz.save_animation(frames, tmp_path / "play.gif", milliseconds=500)
    viz.save_strip(frames[:5], tmp_path / "play.png", columns=2)
    with Image.open(tmp_path / "play.gif") as film:
        assert (film.n_frames, film.size, film.info["duration"], film.info["loop"]) == (7, frames[0].size, 500, 0)
        kept = np.asarray(film.convert("RGB")).astype(int).reshape(-1, 3)
    # Few colours fit into the file: those of the chefs, of what is ready and of onions must be among them.
    for colour in ((0, 114, 178), (213, 94, 0), (0, 158, 115), (240, 228, 66)):
        assert np.abs(kept - colour).max(axis=1).min() <= 3
    with Image.open(tmp_path / "play.png") as strip:
        assert strip.size == (2 * frames[0].width + kitchen_play.GAP, 3 * frames[0].height)


def test_pictures_are_the_same_every_time(solved, tmp_path):
    for name in ("a.gif", "b.gif"):
        viz.save_animation(viz.kitchen_frames([solved], ["twice"], steps=2), tmp_path / name)
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()


def test_bad_input(solved, tmp_path):
    frames = [viz.kitchen(TINY)]
    hunts = pg.load("reputation_stag_hunt")
    for call, message in (
        (lambda: viz.kitchen(hunts), "game: got StochasticGame, which is no kitchen of Overcooked; give what"),
        (lambda: viz.kitchen(TINY, 1189), "state: got '1189'; give an index below 1189"),
        (lambda: viz.kitchen_path(TINY), "result: got StochasticGame; give an Evaluation"),
        (lambda: viz.kitchen_path(pg.evaluate(hunts, hunts.uniform_profile())), "which is no kitchen"),
        (lambda: viz.kitchen_path(solved, 0), "steps: got 0; give an integer >= 1"),
        (lambda: viz.kitchen_frames([solved], []), "titles: got 0 for 1 results"),
        (lambda: viz.save_animation([], tmp_path / "a.gif"), "frames: got none"),
        (lambda: viz.save_animation(frames, tmp_path / "a.png"), "give the name of a .gif file"),
        (lambda: viz.save_animation(frames, tmp_path / "a.gif", milliseconds=0), "milliseconds: got 0"),
        (lambda: viz.save_strip(frames, tmp_path / "a.jpg"), "give the name of a .png file"),
        (lambda: viz.save_strip(frames, tmp_path / "a.png", columns=0), "columns: got 0"),
        (lambda: viz.save_strip(frames, tmp_path / "no" / "a.png"), "there is no folder"),
    ):
        with pytest.raises(pg.InputError, match=message):
            call()
    assert list(tmp_path.iterdir()) == []


def test_pillow_missing_is_said(monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name.split(".")[0] == "PIL":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(pg.InputError, match=r"Pillow is not installed; run pip install 'powergames\[viz\]'"):
        viz.kitchen(TINY)
