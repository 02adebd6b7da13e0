"""All equilibria over λ, with the λ at which they come, go or change."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from powergames.display import number_text
from powergames.errors import InputError
from powergames.games.normal_form import NormalFormGame
from powergames.games.profiles import pure_profile
from powergames.power import power_table
from powergames.results import Path, Trace
from powergames.viz.frontiers import outcome
from powergames.viz.labels import axis_format, domain, game_title, objective_text, player_index, short_names, shorten
from powergames.viz.sweeps import check_path, counts, failures, lam_domain
from powergames.viz.theme import BLUE, GREEN, GREY, INK, ORANGE, VERMILION, altair, data, haloed, themed

# Joint actions up to which pure equilibria are looked for without being asked.
MOST_JOINT_ACTIONS = 20_000

# Critical λ closer than this are one.
SAME = 1e-8

# Width and height of the only panel, and of one of several.
LARGE, SMALL = (560, 380), (400, 280)

# Names of pure equilibria on one label.
MOST_NAMES = 2

QUANTITIES = {"task": "task value", "power": "power over the player", "utility": "utility"}

FOUND, UNCERTIFIED, NOTHING = "certified at this λ", "not certified", "nothing found at this λ"
EVENTS = {
    "support": "support changes",
    "corner": "path turns back, support changes",
    "fold": "path turns back",
    "branch": "others branch off",
}
SHAPES = {
    FOUND: "circle",
    UNCERTIFIED: "cross",
    NOTHING: "M-1,-1L1,1M1,-1L-1,1",
    EVENTS["support"]: "square",
    EVENTS["corner"]: "diamond",
    EVENTS["fold"]: "triangle-right",
    EVENTS["branch"]: "triangle-up",
}


def bifurcation(
    path: Path, traces: Sequence[Trace] = (), *, pure: Sequence[Any] | None = None, show: Any = "task"
) -> Any:
    """Draw all equilibria over λ, and mark the λ at which they come, go or change.

    Parameters
    ----------
    path : Path
        What `sweep` returns, best with ``all_equilibria=True``.
    traces : sequence of Trace, or one Trace
        Paths of single equilibria, which connect what the sweep found, and their critical λ.
    pure : sequence of PureEquilibrium, optional
        What `pure_equilibria` returns, drawn as lines over their exact ranges of λ. By default it is computed for a
        game in normal form of up to 20,000 joint actions; give ``()`` for none.
    show : {"task", "power", "utility"} or (player, action), default "task"
        What to draw for each player; or the probability of one action of one player, each by index or name.

    Returns
    -------
    alt.Chart
        A panel for each player, λ from left to right. Points of the sweep are not connected.

    Raises
    ------
    InputError
        If `path` is no sweep, an argument does not fit the game, or Altair is not installed.
    """
    alt = altair()
    check_path(path)
    game = path.game
    traces = (traces,) if isinstance(traces, Trace) else tuple(traces)
    if any(not isinstance(trace, Trace) for trace in traces):
        raise InputError("traces: give what trace returns, or a list of it")
    measures, y_title = _measures(game, show)
    intervals = _pure(path, pure)
    lams = [*path.lams.tolist(), *(lam for trace in traces for lam in trace.lams.tolist())]
    ends = lam_domain(lams)
    critical = _critical(intervals, traces, ends)
    shape = _shapes(alt, path, traces)
    panels = []
    width, height = LARGE if len(measures) == 1 else SMALL
    for title, measure in measures:
        layers = _panel(alt, path, traces, intervals, critical, measure, shape, ends, y_title, height)
        panels.append(alt.layer(*layers).properties(width=width, height=height, title=title))
    columns = 1 if len(panels) == 1 else 2 if len(panels) <= 4 else 3
    chart: Any = panels[0] if len(panels) == 1 else alt.concat(*panels, columns=columns)
    chart = chart.resolve_scale(shape="shared") if len(panels) > 1 else chart
    notes = [f"{objective_text(path[0].objective, lam=False)}; {counts(path)}"]
    if critical:
        shown = ", ".join(number_text(round(lam, 9)) for lam in critical[:8])
        notes.append(f"Critical λ, dashed: {shown}{', …' if len(critical) > 8 else ''}")
    if any(trace.points for trace in traces):
        notes.append("Thin lines connect the certified points of one equilibrium that was followed.")
    if intervals:
        notes.append("Thick lines are pure equilibria over their exact range of λ.")
    notes.append(failures(path))
    what = "Equilibria over λ" if isinstance(show, str) else "Equilibria over λ: how often an action is played"
    return themed(chart, f"{what}: {game_title(game)}", notes, (width + 60) * min(columns, len(panels)) + 160)


def _panel(
    alt: Any,
    path: Path,
    traces: Sequence[Trace],
    intervals: Sequence[tuple[str, float, float, Any]],
    critical: Sequence[float],
    measure: Callable[[Any], float],
    shape: Any,
    ends: Sequence[float],
    y_title: str,
    height: float,
) -> list[Any]:
    """One player's quantity over λ: layers from the back to the front."""
    found = [
        {"lam": e.objective.lam, "value": measure(e), "kind": FOUND if e.converged else UNCERTIFIED}
        for point in path
        for e in point.equilibria
    ]
    lines = [
        {"lam": e.objective.lam, "value": measure(e), "path": k, "step": step}
        for k, trace in enumerate(traces)
        for step, e in enumerate(trace.points)
    ]
    events = [
        {"lam": event.lam, "value": measure(e), "kind": EVENTS[event.kind], "text": shorten(event.text(), 160)}
        for trace in traces
        for event in trace.events
        for e in event.equilibria
    ]
    exact = _segments(intervals, measure, ends)
    values = [row["value"] for row in (*found, *lines, *events)] + [v for s in exact for v in (s["value"], s["to"])]
    y_ends = domain(values)
    x_scale = alt.Scale(domain=list(ends), nice=False)
    x = alt.X("lam:Q", scale=x_scale, axis=alt.Axis(title="λ, the price of power"))
    y = alt.Y(
        "value:Q",
        scale=alt.Scale(domain=y_ends, nice=False),
        axis=alt.Axis(title=y_title, **axis_format(y_ends)),
    )
    layers = []
    if critical:
        rules = alt.Chart(data([{"lam": lam} for lam in critical])).mark_rule(strokeDash=[5, 4], color=GREY)
        layers.append(rules.encode(x=x))
    if exact:
        drawn = alt.Chart(data(exact))
        segments = drawn.mark_rule(strokeWidth=7, color=ORANGE, opacity=0.55, strokeCap="round")
        layers.append(segments.encode(x=x, y=y, x2="until:Q", y2="to:Q", tooltip=["name:N", "lam:Q", "until:Q"]))
    if lines:
        followed = alt.Chart(data(lines)).mark_line(color=GREEN, strokeWidth=2)
        layers.append(followed.encode(x=x, y=y, detail="path:N", order="step:Q"))
    layers.append(
        alt.Chart(data(found))
        .mark_point(size=55, filled=False, strokeWidth=1.6, color=BLUE)
        .encode(x=x, y=y, shape=shape, tooltip=["lam:Q", "value:Q", "kind:N"])
    )
    lost = [
        {"lam": p.objective.lam, "kind": NOTHING, "why": shorten(p.error or "", 120)} for p in path if not p.equilibria
    ]
    if lost:
        marks = alt.Chart(data(lost)).mark_point(size=130, strokeWidth=2.2, color=VERMILION)
        layers.append(marks.encode(x=x, y=alt.value(height - 9), shape=shape, tooltip=["lam:Q", "why:N"]))
    if events:
        marks = alt.Chart(data(events)).mark_point(size=130, filled=True, color=GREEN, stroke=INK, opacity=1)
        layers.append(marks.encode(x=x, y=y, shape=shape, tooltip=["lam:Q", "text:N"]))
    if exact:
        layers += _segment_labels(alt, exact, x, y)
    return layers


def _shapes(alt: Any, path: Path, traces: Sequence[Trace]) -> Any:
    """Return the shapes of all kinds of marks that occur, with their legend."""
    kinds = {FOUND if e.converged else UNCERTIFIED for point in path for e in point.equilibria}
    kinds |= {NOTHING for point in path if not point.equilibria}
    kinds |= {EVENTS[event.kind] for trace in traces for event in trace.events}
    domain = [kind for kind in SHAPES if kind in kinds]
    legend = alt.Legend(title=None, symbolFillColor="white", symbolStrokeColor=INK, orient="bottom", columns=2)
    return alt.Shape("kind:N", scale=alt.Scale(domain=domain, range=[SHAPES[kind] for kind in domain]), legend=legend)


def _measures(game: Any, show: Any) -> tuple[list[tuple[str, Callable[[Any], float]]], str]:
    """What to draw, panel by panel: a title and a function of an equilibrium; and the title of the vertical axis."""
    names = short_names(game.players)
    if isinstance(show, str) and show in QUANTITIES:
        title = f"{QUANTITIES[show]} (payoff units)"
        return [(name, _quantity(show, i)) for i, name in enumerate(names)], title
    if isinstance(show, (tuple, list)) and len(show) == 2 and isinstance(game, NormalFormGame):
        player = player_index(game, show[0])
        action = _action_index(game, player, show[1])
        name = shorten(game.actions[player][action])
        return [("", lambda e: float(e.profile[player][action]))], f"probability that {names[player]} plays {name}"
    pair = " or a pair (player, action)" if isinstance(game, NormalFormGame) else ""
    raise InputError(f"show: got {str(show)[:40]!r}; give {', '.join(QUANTITIES)}{pair}")


def _quantity(show: str, player: int) -> Callable[[Any], float]:
    def measure(equilibrium: Any) -> float:
        if show == "utility":
            evaluation = getattr(equilibrium, "evaluation", None)
            return float((equilibrium.utility if evaluation is None else evaluation.start_utility)[player])
        task, power = outcome(equilibrium)
        return float((task if show == "task" else power)[player])

    return measure


def _action_index(game: NormalFormGame, player: int, action: Any) -> int:
    names = game.actions[player]
    if isinstance(action, str) and action in names:
        return names.index(action)
    if isinstance(action, (int, np.integer)) and not isinstance(action, bool) and 0 <= action < len(names):
        return int(action)
    raise InputError(f"show: got action {str(action)[:40]!r}; give an index below {len(names)}, or the action's name")


class _AtPure:
    """A pure profile at one λ, with what is measured of an equilibrium."""

    def __init__(self, game: NormalFormGame, objective: Any, joint_action: tuple[int, ...]) -> None:
        self.objective = objective
        self.profile = pure_profile(game.n_actions, joint_action)
        table = power_table(game, self.profile)
        self.task, self.power = table.task, table.values

    def utility_at(self, lam: float) -> np.ndarray:
        """The utility of each player, shape (n,)."""
        return self.task - lam * self.objective.aggregate_power(self.power)


def _pure(path: Path, pure: Sequence[Any] | None) -> list[tuple[str, float, float, _AtPure]]:
    """Name, range of λ and values of each pure equilibrium."""
    game, objective = path.game, path[0].objective
    if not isinstance(game, NormalFormGame):
        if pure:
            raise InputError("pure: not for stochastic games; leave it out")
        return []
    if pure is None:
        from powergames.solvers import pure_equilibria

        pure = pure_equilibria(game, objective) if math.prod(game.n_actions) <= MOST_JOINT_ACTIONS else ()
    found = []
    for each in pure:
        played = (shorten(game.actions[i][a], 14) for i, a in enumerate(each.joint_action))
        same = len(set(played := tuple(played))) == 1
        name = f"all {played[0]}" if same and len(played) > 2 else ", ".join(played)
        found.append((name, float(each.lam_min), float(each.lam_max), _AtPure(game, objective, each.joint_action)))
    return found


def _segments(intervals: Sequence[Any], measure: Callable[[Any], float], ends: Sequence[float]) -> list[dict[str, Any]]:
    """Lines over the ranges of λ of pure equilibria; what is drawn of a pure profile is linear in λ."""
    lines: dict[tuple[float, ...], list[str]] = {}
    for name, least, greatest, pure in intervals:
        low, high = max(least, ends[0]), min(greatest, ends[1])
        if low <= high:
            values = []
            for lam in (low, high):
                pure.utility = pure.utility_at(lam)
                values.append(measure(pure))
            lines.setdefault((low, high, *values), []).append(name)
    return [
        {"lam": low, "until": high, "value": start, "to": end, "name": _names(names)}
        for (low, high, start, end), names in lines.items()
    ]


def _names(names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return " / ".join(shorten(name, 40) for name in names[:MOST_NAMES]) + more


def _segment_labels(alt: Any, exact: list[dict[str, Any]], x: Any, y: Any) -> list[Any]:
    """Write the names of pure equilibria above the beginnings of their lines."""
    written = alt.Chart(data(exact)).encode(x=x, y=y, text="name:N")
    return haloed(written, align="left", dx=6, dy=-12, fontWeight="bold")


def _critical(intervals: Sequence[Any], traces: Sequence[Trace], ends: Sequence[float]) -> list[float]:
    """Return all critical λ within the picture, those that coincide once."""
    lams = [lam for _, least, greatest, _ in intervals for lam in (least, greatest)]
    lams += [event.lam for trace in traces for event in trace.events]
    found: list[float] = []
    # λ = 0 is where λ ends, not where anything happens.
    for lam in sorted(lam for lam in lams if lam > 0 and ends[0] <= lam <= ends[1]):
        if not found or lam - found[-1] > SAME:
            found.append(lam)
    return found
