"""How learners come to what they play, against the exact answer."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from powergames.display import number_text
from powergames.errors import InputError
from powergames.learning import TrainingRun, TrainingSweep
from powergames.results import Sweep
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


def learning_sweep(learned: TrainingSweep, *, exact: Sweep | None = None) -> Any:
    """Draw what learners end with over λ: task value, power and regret, as means over seeds with their intervals.

    Parameters
    ----------
    learned : TrainingSweep
    exact : Sweep, optional
        Equilibria of the same game, drawn as small crosses; learners can be right and yet elsewhere.

    Returns
    -------
    alt.Chart

    Raises
    ------
    InputError
        If `learned` is no training sweep, `exact` is no sweep of its game, or Altair is not installed.
    """
    alt = altair()
    if not isinstance(learned, TrainingSweep):
        raise InputError(f"learned: got {type(learned).__name__}; give what train_sweep returns")
    if exact is not None and (not isinstance(exact, Sweep) or exact.game != learned.game):
        raise InputError("exact: give a sweep of the game that learners were trained in")
    names = player_names(learned.game)
    rows: list[dict[str, Any]] = []
    for point in learned:
        for i, player in enumerate(names):
            row: dict[str, Any] = {"λ": point.objective.lam, "player": player}
            for field in ("task", "power"):
                found = getattr(point, field)
                parts = {"": found.mean, " low": found.low, " high": found.high}
                row |= {f"{field}{end}": float(part[i]) for end, part in parts.items()}
            rows.append(row)
    regrets = [
        {"λ": point.objective.lam, **{f"regret{end}": float(part) for end, part in parts.items()}}
        for point in learned
        for parts in [{"": point.regret.mean, " low": point.regret.low, " high": point.regret.high}]
    ]
    known: list[dict[str, Any]] = []
    for solved in exact or ():
        for equilibrium in solved.equilibria:
            task, power = outcome(equilibrium)
            known += [
                {"λ": solved.objective.lam, "player": player, "task": float(task[i]), "power": float(power[i])}
                for i, player in enumerate(names)
            ]
    colour, shape, size = player_encodings(names)
    x = alt.X("λ:Q", scale=alt.Scale(domain=domain([row["λ"] for row in rows], zero=True), nice=False))
    panels = []
    for field, title in (("task", "task value"), ("power", "power over the player"), ("regret", "largest regret")):
        own = regrets if field == "regret" else rows
        others = [] if field == "regret" else [row[field] for row in known]
        values = [row[f"{field}{end}"] for row in own for end in (" low", " high")]
        ends = domain([*values, *others], zero=field != "task")
        unit = "share of the range" if field == "regret" else "payoff units"
        scale, axis = alt.Scale(domain=ends, nice=False), alt.Axis(title=f"{title} ({unit})", **axis_format(ends))
        y, low = (alt.Y(f"{field}{end}:Q", scale=scale, axis=axis) for end in ("", " low"))
        look = {"color": alt.value(INK)} if field == "regret" else {"color": colour, "shape": shape, "size": size}
        bars = alt.Chart(data(own)).mark_rule(strokeWidth=2.5)
        layers = [
            bars.encode(x=x, y=low, y2=f"{field} high:Q", color=look["color"]),
            alt.Chart(data(own)).mark_point(filled=True, opacity=1, clip=False).encode(x=x, y=y, **look),
        ]
        if others:
            crosses = alt.Chart(data(known)).mark_point(shape="cross", filled=False, size=70, opacity=1)
            layers.append(crosses.encode(x=x, y=y, color=colour))
        panels.append(alt.layer(*layers).properties(width=WIDTH, height=HEIGHT))
    seeds = max(len(point.runs) for point in learned)
    notes = [
        f"Means over {seeds} seeds, and {learned[0].level:.0%} intervals by the bootstrap; every run computed exactly.",
        "Open crosses: exact equilibria." if known else "",
    ]
    chart = alt.hconcat(*panels, spacing=24)
    return themed(chart, f"Learned by {learned.algorithm}: {game_title(learned.game)}", notes, 3 * WIDTH + 200)


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
