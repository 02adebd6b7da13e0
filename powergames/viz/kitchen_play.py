"""How a profile plays in a kitchen of Overcooked: its path, frames of it, and those as an animation or a strip."""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from powergames.environments.overcooked.events import EVENTS, INTERACT, kitchen_events
from powergames.environments.overcooked.kitchen import ACTIONS
from powergames.environments.overcooked.states import KitchenStates
from powergames.errors import InputError
from powergames.files import replace_file
from powergames.games.deterministic import DeterministicGame
from powergames.games.stochastic import StochasticGame
from powergames.viz.kitchens import CHEFS, Canvas, draw_kitchen, pillow, size_of, states_of
from powergames.viz.theme import GREY

# Pixels above a kitchen for its title, below it for what happens, and between two kitchens; what the text needs.
ABOVE, BELOW, GAP, NARROWEST = 66, 104, 28, 430

MILLISECONDS = 900


class Step(NamedTuple):
    """A state on the path of play.

    Attributes
    ----------
    state : int
    soups : int
        Soups served before.
    doings : tuple of str
        What each chef did in the step that led here; empty in the first state.
    """

    state: int
    soups: int
    doings: tuple[str, ...]


def kitchen_path(result: Any, steps: int = 25) -> list[Step]:
    """Follow a profile from the start of a kitchen, where each chef takes its likeliest action.

    Parameters
    ----------
    result : Evaluation, StochasticEquilibrium or TrainingRun of a kitchen
        Or what `powergames.evaluate` and `powergames.solve` return for a finite horizon.
    steps : int, default 25
        No more are followed than the horizon has.

    Returns
    -------
    list of Step
        The start and the states after each of the steps.

    Raises
    ------
    InputError
        If `result` is of another kind or of another game, or `steps` is no positive integer.

    Examples
    --------
    >>> import powergames as pg
    >>> game = pg.load("overcooked:tiny")
    >>> [step.doings for step in kitchen_path(pg.evaluate(game, game.uniform_profile()), 2)]
    [(), ('waits', 'waits'), ('waits', 'waits')]
    """
    evaluation = _evaluation(result)
    _check_positive("steps", steps)
    game, states = evaluation.game, states_of(evaluation.game)
    steps = min(steps, getattr(evaluation, "horizon", steps))
    visited, actions = [int(game.start if isinstance(game, DeterministicGame) else np.argmax(game.start))], []
    for t in range(steps):
        state = visited[-1]
        now = _at(evaluation, t, state)
        actions.append(tuple(int(strategy[now].argmax()) for strategy in evaluation.profile))
        visited.append(_after(game, state, len(ACTIONS) * actions[-1][0] + actions[-1][1]))
    events = kitchen_events(game, visited[:-1])
    path = [Step(visited[0], 0, ())]
    for k in range(steps):
        row = len(ACTIONS) * actions[k][0] + actions[k][1]
        what = events.what[k, row].tolist()
        doings = tuple(
            _doing(states, chef, visited[k], visited[k + 1], actions[k][chef], EVENTS[what[chef]]) for chef in range(2)
        )
        path.append(Step(visited[k + 1], path[-1].soups + sum(doing == "serves a soup" for doing in doings), doings))
    return path


def kitchen_frames(results: Sequence[Any], titles: Sequence[str], *, steps: int = 25) -> list[Any]:
    """Draw how profiles play, side by side.

    Parameters
    ----------
    results : sequence of Evaluation, StochasticEquilibrium or TrainingRun
        Of kitchens.
    titles : sequence of str
        A title for each, in letters of Latin scripts; Pillow's font has no others.
    steps : int, default 25

    Returns
    -------
    list of PIL.Image.Image
        The start and what follows: the kitchen, soups served so far, what each chef did, and the power that each chef
        holds over the other.

    Raises
    ------
    InputError
        As `kitchen_path`; also if there is no result, or not one title for each.
    """
    if not results or len(results) != len(titles):
        raise InputError(f"titles: got {len(titles)} for {len(results)} results; give one for each, at least one")
    paths = [kitchen_path(result, steps) for result in results]
    evaluations = [_evaluation(result) for result in results]
    powers = [
        np.array([_power(evaluation, k, step.state) for k, step in enumerate(path)])
        for evaluation, path in zip(evaluations, paths, strict=True)
    ]
    greatest = max(float(power.max()) for power in powers)
    frames = []
    for k in range(max(map(len, paths))):
        panels = []
        for evaluation, title, path, power in zip(evaluations, titles, paths, powers, strict=True):
            last = min(k, len(path) - 1)
            panels.append(_panel(states_of(evaluation.game), title, last, path[last], power[last], greatest))
        frames.append(_beside(panels))
    return frames


def save_animation(frames: Sequence[Any], path: str | os.PathLike[str], *, milliseconds: int = MILLISECONDS) -> None:
    """Write frames as an animated GIF, which begins again at its end.

    Parameters
    ----------
    frames : sequence of PIL.Image.Image
        All of one size, such as those of `kitchen_frames`.
    path : str or os.PathLike
        A ``.gif`` file; an existing one is replaced as a whole.
    milliseconds : int, default 900
        How long each frame stays.

    Raises
    ------
    InputError
        If there are no frames, the name ends otherwise, or there is no such folder.
    OSError
        If the file cannot be written.
    """
    _check_frames(frames, path, ".gif")
    _check_positive("milliseconds", milliseconds)
    image, content = pillow(), io.BytesIO()
    # One palette for all frames, so that colours do not flicker, and only what changes is kept.
    every = _stacked(frames).quantize(128, method=image.Quantize.FASTOCTREE, dither=image.Dither.NONE)
    flat = [frame.quantize(palette=every, dither=image.Dither.NONE) for frame in frames]
    flat[0].save(content, "GIF", save_all=True, append_images=flat[1:], duration=milliseconds, loop=0, optimize=True)
    replace_file(path, content.getvalue())


def save_strip(frames: Sequence[Any], path: str | os.PathLike[str], *, columns: int = 1) -> None:
    """Write frames below and beside each other as a PNG, for print.

    Parameters
    ----------
    frames : sequence of PIL.Image.Image
        All of one size, such as some of those of `kitchen_frames`.
    path : str or os.PathLike
        A ``.png`` file; an existing one is replaced as a whole.
    columns : int, default 1
        How many frames are beside each other.

    Raises
    ------
    InputError
        If there are no frames, the name ends otherwise, there is no such folder, or `columns` is no positive integer.
    OSError
        If the file cannot be written.
    """
    _check_frames(frames, path, ".png")
    _check_positive("columns", columns)
    rows = [_beside(frames[k : k + columns]) for k in range(0, len(frames), columns)]
    content = io.BytesIO()
    _stacked(rows).quantize(128, dither=pillow().Dither.NONE).save(content, "PNG", optimize=True)
    replace_file(path, content.getvalue())


def _after(game: StochasticGame | DeterministicGame, state: int, row: int) -> int:
    """Return the state that follows, given a row of joint actions in a kitchen."""
    if isinstance(game, DeterministicGame):
        return int(game.next_states[state, row])
    return int(game.indices[game.indptr[game.row_starts[state] + row]])


def _at(evaluation: Any, t: int, state: int) -> Any:
    """Return the index of a state; of a step and a state where there is a horizon."""
    return (t, state) if hasattr(evaluation, "horizon") else state


def _power(evaluation: Any, t: int, state: int) -> np.ndarray:
    """Return pairwise power in a state, shape (2, 2); nothing is left to take when the horizon has passed."""
    if t == getattr(evaluation, "horizon", None):
        return np.zeros((2, 2))
    return np.asarray(evaluation.power[_at(evaluation, t, state)])


def _panel(states: KitchenStates, title: str, number: int, step: Step, powers: np.ndarray, greatest: float) -> Any:
    """Draw one kitchen with all that is said about it."""
    kitchen_width, height = size_of(states)
    width = max(kitchen_width, NARROWEST)
    canvas = Canvas(width, height + ABOVE + BELOW)
    canvas.text(2, 14, title, 20, anchor="lm")
    canvas.text(2, 44, f"step {number}", 18, GREY, anchor="lm")
    canvas.text(width - 2, 44, f"soups served: {step.soups}", 20, anchor="rm")
    canvas.origin = ((width - kitchen_width) / 2, ABOVE)
    draw_kitchen(canvas, states, step.state)
    canvas.origin = (0, ABOVE)
    for chef in range(2):
        y = height + 22 + 24 * chef
        canvas.disc(12, y, 9, CHEFS[chef], CHEFS[chef])
        canvas.text(12, y, str(chef + 1), 13, "white")
        canvas.text(28, y, step.doings[chef] if step.doings else "begins", 16, anchor="lm")
        power = float(powers[1 - chef, chef])
        full, left, below = width / 2 - 76, width / 2 + 20, height + 78
        _bar(canvas, left, y, full, power / greatest if greatest else 0.0, power, chef)
        if chef == 0:
            canvas.text(left, below, "power over the other, in soups", 14, GREY, anchor="lm")
    return canvas.picture()


def _bar(canvas: Canvas, x: float, y: float, full: float, share: float, power: float, chef: int) -> None:
    canvas.box(x, y - 8, full, 16, "#ececec")
    if share > 0:
        canvas.box(x, y - 8, full * share, 16, CHEFS[chef])
    canvas.text(x + full + 8, y, f"{power:.2f}", 15, anchor="lm")


def _doing(states: KitchenStates, chef: int, before: int, after: int, action: int, event: str) -> str:
    """Say in a few words what a chef did."""
    rules = states.kitchen
    (poses, held, _), (poses_after, held_after, _) = states.digits(before), states.digits(after)
    if action != INTERACT:
        moved = rules.poses[poses_after[chef]][0] != rules.poses[poses[chef]][0]
        return "walks" if moved else "waits" if poses_after[chef] == poses[chef] else "turns"
    old, new = rules.items[held[chef]], rules.items[held_after[chef]]
    return {
        "nothing": "waits",
        "thing taken": f"takes {_one(new)}",
        "thing put down": f"puts down {_one(old)}",
        "ingredient put": f"puts {_one(old)} into the pot",
        "pot mixed": f"{'spoils the pot with' if rules.mixing == 'lost' else 'adds'} {_one(old)}",
        "pot started": "starts the pot",
        "soup taken": f"fills the dish with {new}",
        "spoiled soup taken": f"fills the dish with {new}",
        "soup served": "serves a soup",
        "spoiled soup served": "throws soup away",
    }[event]


def _one(item: str) -> str:
    return f"an {item}" if item == "onion" else f"a {item}"


def _evaluation(result: Any) -> Any:
    evaluation = getattr(result, "evaluation", result)
    if not hasattr(evaluation, "average_power"):
        raise InputError(f"result: got {type(result).__name__}; give an Evaluation, an equilibrium or a training run")
    return evaluation


def _beside(pictures: Sequence[Any]) -> Any:
    """Return pictures of one height side by side on white."""
    width = sum(picture.width for picture in pictures) + GAP * (len(pictures) - 1)
    whole = pillow().new("RGB", (width, max(picture.height for picture in pictures)), "white")
    x = 0
    for picture in pictures:
        whole.paste(picture, (x, 0))
        x += picture.width + GAP
    return whole


def _stacked(pictures: Sequence[Any]) -> Any:
    """Return pictures below each other on white."""
    height = sum(picture.height for picture in pictures)
    whole = pillow().new("RGB", (max(picture.width for picture in pictures), height), "white")
    y = 0
    for picture in pictures:
        whole.paste(picture, (0, y))
        y += picture.height
    return whole


def _check_frames(frames: Sequence[Any], path: str | os.PathLike[str], extension: str) -> None:
    if not frames:
        raise InputError("frames: got none; give at least one, as of kitchen_frames")
    if not isinstance(path, (str, os.PathLike)) or Path(path).suffix.lower() != extension:
        raise InputError(f"path: got {str(path)[-60:]!r}; give the name of a {extension} file")
    if not Path(path).parent.is_dir():
        raise InputError(f"path: there is no folder {str(Path(path).parent)[-60:]!r}; make it, or choose another place")


def _check_positive(name: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise InputError(f"{name}: got {value!r}; give an integer >= 1")
