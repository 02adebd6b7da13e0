"""Value and power from state to state along a way through a stochastic game."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from powergames.errors import InputError
from powergames.viz.labels import (
    axis_format,
    domain,
    figure,
    game_title,
    player_names,
    result_text,
    shorten,
    state_index,
)
from powergames.viz.theme import altair, data, player_encodings, player_lines, themed

# Steps of the most likely way.
MOST_STEPS = 20


def trajectory(result: Any, states: Iterable[int | str] | None = None, *, steps: int = MOST_STEPS) -> Any:
    """Draw the power over every player from state to state, and what the rest of play is worth.

    Parameters
    ----------
    result : Evaluation, StochasticEquilibrium or TrainingRun of a stochastic game
    states : iterable of int or str, optional
        States to show in this order, by index or name. By default those of the most likely way from the start, until a
        state comes again.
    steps : int, default 20
        Where the most likely way ends at the latest.

    Returns
    -------
    alt.Chart
        Task value above, power below; a mark for each player in each state. Lines join the marks of the likeliest way;
        states that were given need not follow each other, and are not joined.

    Raises
    ------
    InputError
        If `result` has no states, a state is unknown, `steps` is no positive integer, or Altair is not installed.
    """
    alt = altair()
    evaluation = getattr(result, "evaluation", result)
    game = getattr(evaluation, "game", None)
    if game is None or not hasattr(evaluation, "average_power"):
        raise InputError(
            f"result: got {type(result).__name__}; give an Evaluation or an equilibrium of a game with states"
        )
    if isinstance(steps, bool) or not isinstance(steps, (int, np.integer)) or steps < 1:
        raise InputError(f"steps: got {steps!r}; give an integer >= 1")
    if states is None:
        way, note = _most_likely(evaluation, int(steps))
    else:
        way, note = [state_index(game, state) for state in states], ""
        if not way:
            raise InputError("states: got none; give at least one state")
    names = player_names(game)
    places = [f"{k}. {shorten(game.states[s], 30)}" for k, s in enumerate(way)]
    objective = evaluation.objective
    rows: list[dict[str, Any]] = [
        {"place": places[k], "player": name, "task": float(evaluation.task[i, s]), "power": float(power[i])}
        for k, s in enumerate(way)
        for power in [objective.aggregate_power(evaluation.power[s])]
        for i, name in enumerate(names)
    ]
    width = float(min(max(320, 60 * len(way)), 1100))
    tilted = max(map(len, places)) * 7.5 > width / len(way)
    axis = {"labelAngle": -40 if tilted else 0, "labelLimit": 240, "grid": True}
    x = alt.X(
        "place:N",
        sort=places,
        scale=alt.Scale(domain=places),
        axis=alt.Axis(title="step and state" if states is None else "states in the order given", **axis),
    )
    bare = alt.X("place:N", sort=places, scale=alt.Scale(domain=places), axis=alt.Axis(title=None, labels=False))
    colour, shape, size = player_encodings(names)
    panels = []
    for field, title, at in (
        ("task", "task value from here on", bare),
        ("power", "power over the player", x),
    ):
        ends = domain([row[field] for row in rows], zero=field == "power")
        y = alt.Y(
            f"{field}:Q",
            scale=alt.Scale(domain=ends, nice=False),
            axis=alt.Axis(title=[title, "(payoff units)"], **axis_format(ends)),
        )
        marks = alt.Chart(data(rows)).mark_point(filled=True, opacity=1)
        tip = ["place:N", "player:N", f"{field}:Q"]
        marks = marks.encode(x=at, y=y, color=colour, shape=shape, size=size, tooltip=tip)
        # States in an order of the caller's need not follow each other.
        lines = player_lines(rows, names, 1.8, x=at, y=y) if states is None else []
        panels.append(alt.layer(*lines, marks).properties(width=width, height=190))
    chart = alt.vconcat(*panels, spacing=18)
    return themed(chart, f"Power along the way: {game_title(game)}", [result_text(result), note], width + 200)


def _most_likely(evaluation: Any, steps: int) -> tuple[list[int], str]:
    """Follow the likeliest state to come, from the likeliest start, until a state comes again."""
    game = evaluation.game
    way = [int(np.argmax(game.start))]
    probability = float(game.start[way[0]])
    while len(way) < steps:
        to_come = _next(evaluation, way[-1])
        state = int(np.argmax(to_come))
        if state in way:
            stays = state == way[-1]
            again = "likely stays there" if stays else f"then likely {shorten(game.states[state])} again"
            break
        probability *= float(to_come[state])
        way.append(state)
    else:
        again = f"the first {len(way)} steps"
    return way, f"The likeliest way from the start, of probability {figure(probability)}; {again}."


def _next(evaluation: Any, state: int) -> np.ndarray:
    """Probabilities of the state after this one, shape (S,)."""
    game = evaluation.game
    weights = np.ones(1)
    for i, strategy in enumerate(evaluation.profile):
        weights = np.multiply.outer(weights, strategy[state, : len(game.action_names(state, i))]).ravel()
    to_come = np.zeros(game.n_states)
    first = int(game.row_starts[state])
    for row, weight in enumerate(weights, start=first):
        entries = slice(int(game.indptr[row]), int(game.indptr[row + 1]))
        to_come[game.indices[entries]] += weight * game.data[entries]
    return to_come
