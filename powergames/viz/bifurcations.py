"""All equilibria over λ, with the λ at which they come, go or change."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, cast

import numpy as np

from powergames.display import number_text
from powergames.errors import InputError
from powergames.games.normal_form import NormalFormGame
from powergames.games.profiles import Profile, pure_profile
from powergames.games.stochastic import StochasticGame
from powergames.objectives import PowerObjective, with_lam
from powergames.power import power_table
from powergames.results import Branch, Sweep, SweepPoint, Trace
from powergames.viz.frontiers import outcome
from powergames.viz.labels import axis_format, domain, game_title, objective_text, player_index, player_names, shorten
from powergames.viz.placing import ALONG, placed_labels
from powergames.viz.sweeps import CROSS, all_branches, check_path, counts, failures, lam_domain
from powergames.viz.theme import BLUE, GREEN, GREY, INK, ORANGE, VERMILION, altair, data, themed

# Joint actions up to which pure equilibria are looked for without being asked.
MOST_JOINT_ACTIONS = 20_000

# Critical λ closer than this are one.
SAME = 1e-8

# Points at which a branch is drawn, and the greatest denominator of a fraction that is written as one.
CURVE, LARGEST_DENOMINATOR = 33, 99

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
    NOTHING: CROSS,
    EVENTS["support"]: "square",
    EVENTS["corner"]: "diamond",
    EVENTS["fold"]: "triangle-right",
    EVENTS["branch"]: "triangle-up",
}


@dataclass(frozen=True)
class _Picture:
    """What the panels of all players share.

    Attributes
    ----------
    game : NormalFormGame or StochasticGame
    objective : PowerObjective
    points : tuple of SweepPoint
    traces : tuple of Trace
    intervals : list of _Pure
    branches : tuple of Branch
        Mixed equilibria over their exact range of λ.
    complete : bool
        Whether intervals and branches are all equilibria.
    critical : list of float
    ends : (float, float)
        Of the axis of λ.
    size : (float, float)
        Width and height of a panel.
    """

    game: NormalFormGame | StochasticGame
    objective: PowerObjective
    points: tuple[SweepPoint, ...]
    traces: tuple[Trace, ...]
    intervals: list[_Pure]
    branches: tuple[Branch, ...]
    complete: bool
    critical: list[float]
    ends: tuple[float, float]
    size: tuple[float, float]


def bifurcation(
    path: Sweep | Trace, traces: Trace | Iterable[Trace] = (), *, pure: Sequence[Any] | None = None, show: Any = "task"
) -> Any:
    """Draw all equilibria over λ, and mark the λ at which they come, go or change.

    Parameters
    ----------
    path : Sweep or Trace
        What `sweep` returns, best with ``all_equilibria=True``; or only what `trace` returns.
    traces : sequence of Trace, or one Trace
        Paths of single equilibria, which connect what the sweep found, and their critical λ.
    pure : sequence of PureEquilibrium, optional
        What `pure_equilibria` returns, drawn as lines over their exact ranges of λ. By default it is computed for a
        sweep of a game in normal form of up to 20,000 joint actions; give ``()`` for none. By default a sweep of a game
        of two players with up to four actions each gets lines for all mixed equilibria, too.
    show : {"task", "power", "utility"} or (player, action), default "task"
        What to draw for each player; or the probability of one action of one player, each by index or name.

    Returns
    -------
    alt.Chart
        A panel for each player, λ from left to right. Points of the sweep are not connected.

    Raises
    ------
    InputError
        If `path` is no sweep or trace, an argument does not fit the game, or Altair is not installed.
    """
    alt = altair()
    followed = [traces] if isinstance(traces, Trace) else list(traces)
    if isinstance(path, Trace):
        followed.insert(0, path)
        path, pure = Sweep(path.game, ()), () if pure is None else pure
    else:
        check_path(path)
    if any(not isinstance(trace, Trace) or trace.game != path.game for trace in followed):
        raise InputError("traces: give what trace returns for the game of the sweep, or a list of it")
    if not path.points and not any(trace.points for trace in followed):
        raise InputError("path: the trace has no points; there is nothing to draw")
    game = path.game
    objective = path[0].objective if path.points else followed[0].objective
    measures, y_title = _measures(game, show)
    intervals = _pure(game, objective, pure)
    lams = [*path.lams.tolist(), *(lam for trace in followed for lam in trace.lams.tolist())]
    ends = lam_domain(lams)
    exact = all_branches(game, objective, ends) if pure is None and path.points else None
    changes = () if exact is None else [float(lam) for lam in exact.critical]
    critical = _critical(intervals, followed, changes, ends)
    branches = () if exact is None else tuple(each for each in exact if max(map(len, each.support)) > 1)
    width, height = LARGE if len(measures) == 1 else SMALL
    picture = _Picture(
        game,
        objective,
        path.points,
        tuple(followed),
        intervals,
        branches,
        exact is not None,
        critical,
        ends,
        (width, height),
    )
    shape = _shapes(alt, picture)
    panels = [
        alt.layer(*_panel(alt, picture, measure, shape, y_title)).properties(width=width, height=height, title=title)
        for title, measure in measures
    ]
    columns = 1 if len(panels) == 1 else 2 if len(panels) <= 4 else 3
    chart: Any = panels[0]
    if len(panels) > 1:
        chart = alt.concat(*panels, columns=columns).resolve_scale(shape="shared")
    what = "Equilibria over λ" if isinstance(show, str) else "How often an action is played over λ"
    heading = f"{what}: {game_title(game)}"
    return themed(chart, heading, _notes(path, objective, picture), (width + 60) * min(columns, len(panels)) + 160)


def _notes(path: Sweep, objective: PowerObjective, picture: _Picture) -> list[str]:
    said = objective_text(objective, lam=False)
    notes = [f"{said}; {counts(path)}" if path.points else said]
    if picture.critical:
        shown = ", ".join(_lam_text(lam) for lam in picture.critical[:8])
        notes.append(f"{_what_changes(picture)}, dashed: {shown}{', …' if len(picture.critical) > 8 else ''}")
    if picture.complete:
        thin = " and thin ones mixed equilibria, over their exact range of λ" if picture.branches else ""
        notes.append(
            f"Thick lines are pure{thin or ' equilibria over their exact range of λ'}: together all there are."
        )
    if picture.traces:
        notes.append("Thin lines connect certified points, small, of one equilibrium that was followed.")
    if picture.intervals and not picture.complete:
        notes.append("Thick lines are pure equilibria over their exact range of λ.")
    lost = {trace.status for trace in picture.traces if not trace.converged}
    notes += [f"A path ends early: {status.name}." for status in sorted(lost, key=lambda each: each.name)]
    return [*notes, failures(path)]


def _what_changes(picture: _Picture) -> str:
    """What the dashed λ are: all changes only where all equilibria are known."""
    if picture.complete:
        return "Critical λ"
    followed = "changes along what was followed" if picture.traces else ""
    pure = "ends of pure equilibria" if picture.intervals else ""
    text = " and ".join(filter(None, (pure, followed)))
    return text[:1].upper() + text[1:]


def _lam_text(lam: float) -> str:
    """A λ as a fraction where it is a simple one, up to rounding."""
    simple = Fraction(lam).limit_denominator(LARGEST_DENOMINATOR)
    return str(simple) if abs(simple - Fraction(lam)) < SAME / 10 else number_text(round(lam, 9))


def _panel(alt: Any, picture: _Picture, measure: Callable[[Any], float], shape: Any, y_title: str) -> list[Any]:
    """One player's quantity over λ: layers from the back to the front."""
    found = [
        {"lam": e.objective.lam, "value": measure(e), "kind": FOUND if e.converged else UNCERTIFIED}
        for point in picture.points
        for e in point.equilibria
    ]
    lines = [
        {"lam": e.objective.lam, "value": measure(e), "path": k, "step": step}
        for k, trace in enumerate(picture.traces)
        for step, e in enumerate(trace.points)
    ]
    events = [
        {"lam": event.lam, "value": measure(e), "kind": EVENTS[event.kind], "text": shorten(event.text(), 160)}
        for trace in picture.traces
        for event in trace.events
        for e in event.equilibria
    ]
    exact = _segments(picture.intervals, measure, picture.ends)
    curves = [
        {"lam": lam, "value": measure(_at(picture, branch, lam)), "curve": k, "step": step}
        for k, branch in enumerate(picture.branches)
        for step, lam in enumerate(np.linspace(float(branch.lo), float(branch.hi), CURVE).tolist())
    ]
    lost = [
        {"lam": point.objective.lam, "kind": NOTHING, "why": shorten(point.error or "", 120)}
        for point in picture.points
        if not point.equilibria
    ]
    values = [row["value"] for row in (*found, *curves, *lines, *events)] + [
        v for s in exact for v in (s["value"], s["to"])
    ]
    y_ends = domain(values)
    x = alt.X(
        "lam:Q",
        scale=alt.Scale(domain=list(picture.ends), nice=False),
        axis=alt.Axis(title="λ, the price of power", tickCount=6),
    )
    y = alt.Y(
        "value:Q",
        scale=alt.Scale(domain=y_ends, nice=False),
        axis=alt.Axis(title=y_title, labels=bool(values), **axis_format(y_ends)),
    )
    layers = []
    if picture.critical:
        rules = alt.Chart(data([{"lam": lam} for lam in picture.critical])).mark_rule(strokeDash=[5, 4], color=GREY)
        layers.append(rules.encode(x=x))
    if exact:
        thick = alt.Chart(data(exact)).mark_rule(strokeWidth=7, color=ORANGE, opacity=0.55, strokeCap="round")
        layers.append(thick.encode(x=x, y=y, x2="until:Q", y2="to:Q", tooltip=["label:N", "lam:Q", "until:Q"]))
    if curves:
        thin = alt.Chart(data(curves)).mark_line(color=ORANGE, strokeWidth=2)
        layers.append(thin.encode(x=x, y=y, detail="curve:N", order="step:Q"))
    if lines:
        followed = alt.Chart(data(lines)).mark_line(color=GREEN, strokeWidth=2)
        layers.append(followed.encode(x=x, y=y, detail="path:N", order="step:Q"))
        layers.append(alt.Chart(data(lines)).mark_point(size=22, filled=True, color=GREEN, opacity=1).encode(x=x, y=y))
    if found:
        marks = alt.Chart(data(found)).mark_point(size=55, filled=False, strokeWidth=1.6, color=BLUE, opacity=1)
        layers.append(marks.encode(x=x, y=y, shape=shape, tooltip=["lam:Q", "value:Q", "kind:N"]))
    if lost:
        marks = alt.Chart(data(lost)).mark_point(size=130, strokeWidth=2.2, color=VERMILION, opacity=1)
        at_the_bottom = alt.value(picture.size[1] - 9)
        layers.append(marks.encode(x=x, y=at_the_bottom, shape=shape, tooltip=["lam:Q", "why:N"]))
    if events:
        marks = alt.Chart(data(events)).mark_point(size=130, filled=True, color=GREEN, stroke=INK, opacity=1)
        layers.append(marks.encode(x=x, y=y, shape=shape, tooltip=["lam:Q", "text:N"]))
    longest_first = sorted(exact, key=lambda segment: segment["lam"] - segment["until"])
    layers += placed_labels(longest_first, x, y, (picture.ends, y_ends), picture.size, ALONG, fontWeight="bold")
    return layers


def _shapes(alt: Any, picture: _Picture) -> Any:
    """Return the shapes of all kinds of marks that occur, with their legend."""
    kinds = {FOUND if e.converged else UNCERTIFIED for point in picture.points for e in point.equilibria}
    kinds |= {NOTHING for point in picture.points if not point.equilibria}
    kinds |= {EVENTS[event.kind] for trace in picture.traces for event in trace.events}
    occurring = [kind for kind in SHAPES if kind in kinds]
    legend = alt.Legend(title=None, symbolFillColor="white", symbolStrokeColor=INK, orient="bottom", columns=2)
    scale = alt.Scale(domain=occurring, range=[SHAPES[kind] for kind in occurring])
    return alt.Shape("kind:N", scale=scale, legend=legend)


def _measures(game: Any, show: Any) -> tuple[list[tuple[str, Callable[[Any], float]]], str]:
    """What to draw, panel by panel: a title and a function of an equilibrium; and the title of the vertical axis."""
    names = player_names(game)
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


@dataclass(frozen=True)
class _Pure:
    """A pure equilibrium, with what is measured of one.

    Attributes
    ----------
    label : str
    ends : (float, float)
        The λ from and up to which it is one.
    objective : PowerObjective
        Its λ is where `utility` is taken.
    profile, task, power
        As in `Equilibrium`.
    """

    label: str
    ends: tuple[float, float]
    objective: PowerObjective
    profile: Profile
    task: np.ndarray
    power: np.ndarray

    @property
    def utility(self) -> np.ndarray:
        """The regularized objective of each player, shape (n,)."""
        return self.task - self.objective.lam * self.objective.aggregate_power(self.power)


def _pure(game: Any, objective: PowerObjective, pure: Sequence[Any] | None) -> list[_Pure]:
    """Evaluate the pure equilibria that were given, or all of them."""
    if not isinstance(game, NormalFormGame):
        if pure:
            raise InputError("pure: not for stochastic games; leave it out")
        return []
    if pure is None:
        from powergames.solvers import pure_equilibria

        pure = pure_equilibria(game, objective) if math.prod(game.n_actions) <= MOST_JOINT_ACTIONS else ()
    found = []
    for each in pure:
        profile = pure_profile(game.n_actions, each.joint_action)
        table = power_table(game, profile)
        ends = float(each.lam_min), float(each.lam_max)
        label = _joint_label(game, each.joint_action)
        found.append(_Pure(label, ends, objective, profile, table.task, table.power))
    return found


def _joint_label(game: NormalFormGame, joint_action: Sequence[int]) -> str:
    played = [shorten(names[action], 14) for names, action in zip(game.actions, joint_action, strict=True)]
    if len(played) > 2 and len(set(played)) == 1:
        return f"all {played[0]}"
    return ("actions " if all(name.isdecimal() for name in played) else "") + ", ".join(played)


def _segments(
    intervals: Sequence[_Pure], measure: Callable[[Any], float], ends: Sequence[float]
) -> list[dict[str, Any]]:
    """Lines over the ranges of λ of pure equilibria; what is drawn of a pure profile is linear in λ."""
    lines: dict[tuple[float, ...], list[str]] = {}
    for pure in intervals:
        low, high = max(pure.ends[0], ends[0]), min(pure.ends[1], ends[1])
        if low <= high:
            values = (measure(replace(pure, objective=with_lam(pure.objective, lam))) for lam in (low, high))
            lines.setdefault((low, high, *values), []).append(pure.label)
    return [
        {"lam": low, "until": high, "value": start, "to": end, "label": _joined(labels)}
        for (low, high, start, end), labels in lines.items()
    ]


def _joined(labels: list[str]) -> str:
    more = f" and {len(labels) - MOST_NAMES} more" if len(labels) > MOST_NAMES else ""
    return " / ".join(shorten(label, 40) for label in labels[:MOST_NAMES]) + more


def _at(picture: _Picture, branch: Branch, lam: float) -> _Pure:
    """What a branch is at a λ, in floats."""
    game, objective = cast("NormalFormGame", picture.game), with_lam(picture.objective, lam)
    profile = tuple(
        constant.astype(np.float64) + (slope.astype(np.float64) / (1 - lam * float(weight)) if slope.any() else 0.0)
        for constant, slope, weight in zip(branch.constant, branch.slope, branch.weights, strict=True)
    )
    table = power_table(game, profile)
    return _Pure("", (lam, lam), objective, profile, table.task, table.power)


def _critical(
    intervals: Sequence[_Pure], traces: Sequence[Trace], changes: Sequence[float], ends: Sequence[float]
) -> list[float]:
    """Return all critical λ within the picture, those that coincide once."""
    lams = [*changes, *(lam for pure in intervals for lam in pure.ends)]
    lams += [event.lam for trace in traces for event in trace.events]
    found: list[float] = []
    # λ = 0 is where λ ends, not where anything happens.
    for lam in sorted(lam for lam in lams if lam > 0 and ends[0] <= lam <= ends[1]):
        if not found or lam - found[-1] > SAME:
            found.append(lam)
    return found
