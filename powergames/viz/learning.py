"""How learners come to what they play, against the exact answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from powergames.display import number_text
from powergames.errors import InputError
from powergames.learning import TrainingRun
from powergames.viz.frontiers import outcome
from powergames.viz.labels import axis_format, domain, game_title, player_names
from powergames.viz.theme import INK, altair, data, player_encodings, player_lines, themed

WIDTH, HEIGHT = 330, 250


def learning_curves(runs: TrainingRun | Iterable[TrainingRun], *, exact: Any = None) -> Any:
    """Draw the history of training runs: task value, power and regret over the steps made.

    Parameters
    ----------
    runs : TrainingRun, or several on the same game
        Runs that differ in nothing but their seeds share a row of panels, one thin line each.
    exact : Equilibrium or StochasticEquilibrium, optional
        Drawn as dashed lines across; equilibria may be many, so learners can be right and yet elsewhere.

    Returns
    -------
    alt.Chart
        Every number drawn was computed exactly from the policies at that time, not sampled.

    Raises
    ------
    InputError
        If `runs` are no training runs on one game, `exact` is no equilibrium of it, or Altair is not installed.
    """
    alt = altair()
    several = [runs] if isinstance(runs, TrainingRun) else list(runs)
    if not several or any(not isinstance(run, TrainingRun) for run in several):
        raise InputError("runs: give what train returns, or a list of it with at least one run")
    game = several[0].game
    if any(run.game != game for run in several):
        raise InputError("runs: got runs on different games; draw one game at a time")
    reference = None if exact is None else _reference(exact, game)
    names = player_names(game)
    groups: dict[str, list[TrainingRun]] = {}
    for run in several:
        groups.setdefault(f"{run.algorithm}, λ = {number_text(run.objective.lam)}", []).append(run)
    rows = []
    for label, members in groups.items():
        panels = _row(alt, members, names, reference)
        seeds = f", {len(members)} seeds" if len(members) > 1 else f", seed {members[0].seed}"
        rows.append(alt.hconcat(*panels, spacing=24, title=alt.TitleParams(label + seeds, fontSize=16)))
    chart = alt.vconcat(*rows)
    notes = [
        "Computed exactly from the policies at each time, not sampled.",
        "Dotted, across: an exact equilibrium." if reference else "",
    ]
    return themed(chart, f"Learning: {game_title(game)}", notes, 3 * WIDTH + 200)


def _row(alt: Any, runs: list[TrainingRun], names: list[str], reference: Any) -> list[Any]:
    """Panels of task value, power and regret for runs that share all but their seeds."""
    rows: list[dict[str, Any]] = [
        {"steps": point.steps, "player": name, "run": k, "task": float(point.task[i]), "power": float(point.power[i])}
        for k, run in enumerate(runs)
        for point in run.history
        for i, name in enumerate(names)
    ]
    regrets: list[dict[str, Any]] = [
        {"steps": point.steps, "run": k, "regret": float(point.regret)}
        for k, run in enumerate(runs)
        for point in run.history
    ]
    last = {k: max((point.steps for point in run.history), default=0) for k, run in enumerate(runs)}
    colour, shape, size = player_encodings(names)
    x = alt.X(
        "steps:Q",
        scale=alt.Scale(domain=[0, max(1, *last.values())], nice=False),
        axis=alt.Axis(title="steps of play", format=",d", tickCount=4),
    )
    thin = 2.2 if len(runs) == 1 else 1.1
    panels = []
    for field, title in (("task", "task value"), ("power", "power over the player")):
        exact = (
            []
            if reference is None
            else [{"player": name, field: float(reference[field][i])} for i, name in enumerate(names)]
        )
        ends = domain([row[field] for row in (*rows, *exact)], zero=field == "power")
        y = alt.Y(
            f"{field}:Q",
            scale=alt.Scale(domain=ends, nice=False),
            axis=alt.Axis(title=f"{title} (payoff units)", **axis_format(ends)),
        )
        finals = alt.Chart(data([row for row in rows if row["steps"] == last[row["run"]]]))
        layers = []
        if exact:
            rules = alt.Chart(data(exact)).mark_rule(strokeDash=[2, 4], strokeWidth=2.5)
            layers.append(rules.encode(y=y, color=colour))
        layers += player_lines(rows, names, thin, x=x, y=y, detail="run:N")
        layers.append(
            finals.mark_point(filled=True, opacity=1, clip=False).encode(x=x, y=y, color=colour, shape=shape, size=size)
        )
        panels.append(alt.layer(*layers).properties(width=WIDTH, height=HEIGHT))
    ends = domain([row["regret"] for row in regrets], zero=True)
    y = alt.Y(
        "regret:Q",
        scale=alt.Scale(domain=ends, nice=False),
        axis=alt.Axis(title="largest regret, share of the range", **axis_format(ends)),
    )
    lines = alt.Chart(data(regrets)).mark_line(strokeWidth=thin, color=INK).encode(x=x, y=y, detail="run:N")
    panels.append(lines.properties(width=WIDTH, height=HEIGHT))
    return panels


def _reference(exact: Any, game: Any) -> dict[str, np.ndarray]:
    if not hasattr(exact, "objective") or getattr(exact, "game", None) != game:
        raise InputError("exact: give an equilibrium of the game that the runs are on")
    task, power = outcome(exact)
    return {"task": task, "power": power}
