"""What reward costs in power: the outcomes of a sweep over λ."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from powergames.games.profiles import Profile
from powergames.games.timed import TimedStrategy
from powergames.results import Bifurcations, Sweep
from powergames.viz.labels import axis_format, domain, game_title, lam_list, objective_text, player_index, shorten
from powergames.viz.placing import placed_labels
from powergames.viz.sweeps import CROSS, all_branches, check_path, counts, failures, lam_domain
from powergames.viz.theme import BLUE, GREY, INK, VERMILION, altair, data, themed

WIDTH, HEIGHT = 560, 380

# Marks closer than this, relative to the extent of all, are one mark.
SAME = 1e-6

ON, BEATEN, UNCERTIFIED = "on the frontier", "beaten by another", "not certified"
CERTIFIED, LOST = "certified", "failed"
SHAPES = {ON: "circle", BEATEN: "triangle-down", UNCERTIFIED: "cross"}


def frontier(path: Sweep, *, player: int | str | None = None) -> Any:
    """Draw what reward costs in power: the outcomes of a sweep over λ.

    Parameters
    ----------
    path : Sweep
        What `sweep` returns.
    player : int or str, optional
        A player by index or name; by default the mean over the players.

    Returns
    -------
    alt.Chart
        A mark for each outcome, with the λ at which it was found; outcomes that coincide share a mark. What no other
        certified outcome beats in both task value and power is drawn on the frontier. Lines join outcomes at
        neighbouring λ at which the same actions are played, and nothing else. Where all equilibria are quick to
        compute, lines end where an equilibrium jumps.

    Raises
    ------
    InputError
        If `path` is no sweep, there is no such player, or Altair is not installed.
    """
    alt = altair()
    check_path(path)
    game, known = path.game, path.lams.tolist()
    index = None if player is None else player_index(game, player)
    outcomes = [
        (point.objective.lam, *_mean_outcome(equilibrium, index), equilibrium.converged)
        for point in path
        for equilibrium in point.equilibria
    ]
    groups = _grouped(outcomes)
    for group in groups:
        group["label"] = lam_list(group["lams"], known)
        group["lam"] = min(group["lams"])
        group["kind"] = _kind(group, groups)
    whose = "mean of the players" if index is None else shorten(game.players[index])
    xs, ys = domain([g["power"] for g in groups], zero=True), domain([g["task"] for g in groups])
    x = alt.X(
        "power:Q",
        scale=alt.Scale(domain=xs, nice=False),
        axis=alt.Axis(
            title=f"power held over a player, {whose} (payoff units)",
            tickCount=7,
            labels=bool(groups),
            **axis_format(xs),
        ),
    )
    y = alt.Y(
        "task:Q",
        scale=alt.Scale(domain=ys, nice=False),
        axis=alt.Axis(
            title=[f"task value, {whose}", "(payoff units)"], tickCount=7, labels=bool(groups), **axis_format(ys)
        ),
    )
    rows = [{key: value for key, value in group.items() if key != "lams"} for group in groups]
    kinds = [kind for kind in SHAPES if any(row["kind"] == kind for row in rows)]
    colour = alt.Color(
        "lam:Q",
        scale=alt.Scale(scheme="viridis", reverse=True, domain=list(lam_domain(known))),
        legend=alt.Legend(title="smallest λ", gradientLength=150) if rows else None,
    )
    layers = []
    lines = _along_branches(path, index)
    if lines:
        drawn = alt.Chart(data(lines)).mark_line(color=GREY, strokeWidth=1.4)
        layers.append(drawn.encode(x=x, y=y, detail="branch:N", order="step:Q"))
    layers.append(
        alt.Chart(data(rows))
        .mark_point(filled=True, size=170, stroke=INK, strokeWidth=0.8, opacity=1)
        .encode(
            x=x,
            y=y,
            color=colour,
            shape=alt.Shape(
                "kind:N",
                scale=alt.Scale(domain=kinds, range=[SHAPES[kind] for kind in kinds]),
                legend=alt.Legend(title="outcome", symbolFillColor=GREY, symbolStrokeColor=GREY) if rows else None,
            ),
            tooltip=["label:N", "task:Q", "power:Q", "kind:N"],
        )
    )
    layers += placed_labels(sorted(rows, key=lambda row: kinds.index(row["kind"])), x, y, (xs, ys), (WIDTH, HEIGHT))
    chart = alt.layer(*layers).properties(width=WIDTH, height=HEIGHT)
    if not all(point.converged for point in path):
        chart = alt.vconcat(chart, _strip(alt, path)).resolve_scale(shape="independent", color="independent")
    notes = [
        f"{objective_text(path[0].objective, lam=False)}; {counts(path)}",
        "On the frontier: no outcome found has more task value for no more power.",
        "Lines follow one equilibrium from λ to λ." if lines else "",
        failures(path),
    ]
    return themed(chart, f"What reward costs in power: {game_title(game)}", notes, WIDTH + 160)


def _along_branches(path: Sweep, player: int | None) -> list[dict[str, Any]]:
    """Pieces of lines between outcomes at neighbouring λ at which the same actions are played, in one way each."""
    lines: list[dict[str, Any]] = []
    ordered = sorted(path, key=lambda point: point.objective.lam)
    known = [_by_support(point.equilibria) for point in ordered]
    every: Bifurcations | None = None
    if len(ordered) > 1:
        every = all_branches(path.game, ordered[0].objective, [ordered[k].objective.exact_lam for k in (0, -1)])
    for before, after in pairwise(known):
        for support in before.keys() & after.keys():
            if len(before[support]) == len(after[support]) == 1:
                pair = before[support][0], after[support][0]
                ends = [_mean_outcome(own, player) for own in pair]
                if ends[0] != ends[1] and (every is None or _continues(every, *pair)):
                    branch = len(lines)
                    lines += [{"task": t, "power": p, "branch": branch, "step": k} for k, (t, p) in enumerate(ends)]
    return lines


def _continues(every: Bifurcations, before: Any, after: Any) -> bool:
    """Whether an equilibrium becomes another one without a jump as λ grows: by branches that meet."""
    lam, last = before.objective.exact_lam, after.objective.exact_lam
    reached = [branch for branch in every if branch.contains(lam) and _near(branch.at(lam), before.profile)]
    while reached:
        branch = reached.pop()
        if branch.contains(last):
            if _near(branch.at(last), after.profile):
                return True
        else:
            at, profile = branch.hi, branch.at(branch.hi)
            reached += [each for each in every if each.lo == at < each.hi and _near(each.at(at), profile)]
    return False


def _near(one: Profile, other: Profile) -> bool:
    return all((np.abs(a.astype(float) - b.astype(float)) <= SAME).all() for a, b in zip(one, other, strict=True))


def _by_support(equilibria: Sequence[Any]) -> dict[bytes, list[Any]]:
    found: dict[bytes, list[Any]] = {}
    for equilibrium in equilibria:
        if equilibrium.converged:
            found.setdefault(b"".join(map(_support, equilibrium.profile)), []).append(equilibrium)
    return found


def _support(strategy: Any) -> bytes:
    """Which actions are played, also of a strategy that depends on the time, which may be too large to write out."""
    if isinstance(strategy, TimedStrategy):
        return strategy.actions.tobytes() + (strategy.probabilities > SAME).tobytes()
    return (strategy > SAME).tobytes()


def _strip(alt: Any, path: Sweep) -> Any:
    """Every λ of a sweep, those that failed as crosses: they may have no outcome to draw."""
    rows = [{"lam": p.objective.lam, "kind": CERTIFIED if p.converged else LOST, "why": p.error or ""} for p in path]
    kinds = {CERTIFIED: "circle", LOST: CROSS}
    scales = {"domain": list(kinds)}
    legend = alt.Legend(title=None)
    x = alt.X(
        "lam:Q", scale=alt.Scale(domain=list(lam_domain(path.lams.tolist())), nice=False), axis=alt.Axis(title="all λ")
    )
    return (
        alt.Chart(data(rows))
        .mark_point(size=90, strokeWidth=2)
        .encode(
            x=x,
            shape=alt.Shape("kind:N", scale=alt.Scale(**scales, range=list(kinds.values())), legend=legend),
            color=alt.Color("kind:N", scale=alt.Scale(**scales, range=[BLUE, VERMILION]), legend=legend),
            tooltip=["lam:Q", "kind:N", "why:N"],
        )
        .properties(width=WIDTH, height=26)
    )


def _mean_outcome(equilibrium: Any, player: int | None) -> tuple[float, float]:
    """Task value, from the start, and power as the objective counts it: of a player, or the mean over players."""
    task, power = outcome(equilibrium)
    return (float(task.mean()), float(power.mean())) if player is None else (float(task[player]), float(power[player]))


def outcome(equilibrium: Any) -> tuple[np.ndarray, np.ndarray]:
    """Task value, from the start, and power over each player as the objective counts it, each of shape (n,)."""
    evaluation = getattr(equilibrium, "evaluation", None)
    task = equilibrium.task if evaluation is None else evaluation.start_task
    power = equilibrium.power if evaluation is None else evaluation.average_power
    return task.astype(np.float64), equilibrium.objective.aggregate_power(power).astype(np.float64)


def _grouped(outcomes: list[tuple[float, float, float, bool]]) -> list[dict[str, Any]]:
    """Put outcomes together that coincide, in the order in which they were found."""
    values = np.array([[task, power] for _, task, power, _ in outcomes]).reshape(-1, 2)
    slack = SAME * np.ptp(values, axis=0) + 1e-12 * np.abs(values).max(axis=0, initial=0.0) if len(values) else 0.0
    groups: list[dict[str, Any]] = []
    for lam, task, power, certified in outcomes:
        for group in groups:
            apart = np.abs([group["task"] - task, group["power"] - power])
            if group["certified"] == certified and (apart <= slack).all():
                group["lams"].append(lam)
                break
        else:
            groups.append({"task": task, "power": power, "certified": certified, "lams": [lam]})
    return groups


def _kind(group: dict[str, Any], groups: list[dict[str, Any]]) -> str:
    if not group["certified"]:
        return UNCERTIFIED
    beaten = any(
        other["certified"]
        and other is not group
        and other["task"] >= group["task"]
        and other["power"] <= group["power"]
        for other in groups
    )
    return BEATEN if beaten else ON
