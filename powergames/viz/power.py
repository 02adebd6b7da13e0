"""Pictures of a power table: a heat map, and a network of who can hurt whom."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from powergames.errors import InputError
from powergames.power import PowerTable
from powergames.viz.labels import game_title, objective_text, short_names, shorten
from powergames.viz.theme import BLUE, GREY, INK, SEQUENCE, VERMILION, altair, data, themed

# Arrows that are given their number, the greatest ones.
MOST_NUMBERS = 12

# Points of a curved arrow.
CURVE = 24


@dataclass(frozen=True)
class _Powers:
    """Power, wherever it comes from.

    Attributes
    ----------
    game : NormalFormGame or StochasticGame
    values : ndarray, shape (n, n)
        ``values[i, j]``, the power that `j` holds over `i`.
    task : ndarray, shape (n,)
    actions : ndarray of int, shape (n, n), or None
        ``actions[i, j]``, the action of `j` that is worst for `i`.
    notes : tuple of str
        What the numbers are.
    """

    game: Any
    values: np.ndarray
    task: np.ndarray
    actions: np.ndarray | None
    notes: tuple[str, ...]

    def action(self, i: int, j: int) -> str:
        """Name the action by which `j` takes from `i`."""
        if self.actions is None or i == j or self.values[i, j] == 0:
            return ""
        return shorten(self.game.actions[j][self.actions[i, j]], 16)


def powers_of(source: Any, state: int | str | None = None) -> _Powers:
    """Read the power table of a result.

    Raises
    ------
    InputError
        If it has none, or no such state.
    """
    if isinstance(source, PowerTable):
        table, notes = source, ()
    elif isinstance(getattr(source, "power_table", None), PowerTable):
        table, notes = source.power_table, (f"equilibrium, {objective_text(source.objective)}",)
    else:
        return _stochastic(source, state)
    if state is not None:
        raise InputError("state: a game in normal form has no states; leave it out")
    return _Powers(table.game, table.values.astype(np.float64), table.task.astype(np.float64), table.actions, notes)


def _stochastic(source: Any, state: int | str | None) -> _Powers:
    evaluation = getattr(source, "evaluation", source)
    game = getattr(evaluation, "game", None)
    if game is None or not hasattr(evaluation, "average_power"):
        raise InputError(f"table: got {type(source).__name__}; give a PowerTable, an Evaluation or an equilibrium")
    notes = [f"equilibrium, {objective_text(source.objective)}"] if evaluation is not source else []
    if state is None:
        notes.append("average over the states visited, by discounted frequency; task values from the start")
        return _Powers(game, evaluation.average_power, evaluation.start_task, None, tuple(notes))
    index = state_index(game, state)
    notes.append(f"in state {shorten(game.states[index], 60)}")
    return _Powers(game, evaluation.power[index], evaluation.task[:, index], None, tuple(notes))


def state_index(game: Any, state: int | str) -> int:
    """Return the index of a state given by index or name.

    Raises
    ------
    InputError
        If there is no such state.
    """
    if isinstance(state, str) and state in game.states:
        return int(game.states.index(state))
    if isinstance(state, (int, np.integer)) and not isinstance(state, bool) and 0 <= state < game.n_states:
        return int(state)
    raise InputError(f"state: got {str(state)[:40]!r}; give an index below {game.n_states}, or the name of a state")


def power_heatmap(table: Any, *, state: int | str | None = None) -> Any:
    """Draw who holds how much power over whom as a heat map.

    Parameters
    ----------
    table : PowerTable, Equilibrium, Evaluation or StochasticEquilibrium
    state : int or str, optional
        A state of a stochastic game; by default power is averaged over the states visited.

    Returns
    -------
    alt.Chart
        A row for each player, a column for each co-player who may take something from that player.

    Raises
    ------
    InputError
        If `table` holds no power table, there is no such state, or Altair is not installed.
    """
    alt = altair()
    powers = powers_of(table, state)
    n_players = powers.game.n_players
    names = short_names(powers.game.players)
    greatest = float(powers.values.max()) or 1.0
    rows = [
        {
            "over": names[i],
            "holder": names[j],
            "power": float(powers.values[i, j]),
            "number": f"{powers.values[i, j]:.3g}",
            "action": powers.action(i, j),
        }
        for i in range(n_players)
        for j in range(n_players)
        if i != j
    ]
    size = max(46.0, min(120.0, 720.0 / n_players))
    wide = max(size, 90.0 if n_players <= 6 else 56.0)
    x = alt.X(
        "holder:N",
        sort=names,
        scale=alt.Scale(domain=names),
        axis=alt.Axis(orient="top", title="power of …", labelAngle=0 if n_players <= 4 else -40, grid=False),
    )
    y = alt.Y("over:N", sort=names, scale=alt.Scale(domain=names), axis=alt.Axis(title="… over", grid=False))
    dark = alt.condition(f"datum.power > {0.55 * greatest!r}", alt.value("white"), alt.value(INK))
    tip = [
        alt.Tooltip("holder:N", title="power of"),
        alt.Tooltip("over:N", title="over"),
        alt.Tooltip("power:Q", title="power"),
        alt.Tooltip("action:N", title="by"),
    ]
    base = alt.Chart(data(rows)).encode(x=x, y=y)
    cells = base.mark_rect(stroke="white", strokeWidth=2).encode(
        color=alt.Color(
            "power:Q",
            scale=alt.Scale(scheme=SEQUENCE, domain=[0, greatest]),
            legend=alt.Legend(title=["power", "(payoff units)"]),
        ),
        tooltip=tip,
    )
    named = powers.actions is not None and n_players <= 6
    layers = [cells, base.mark_text(fontSize=16, dy=-9 if named else 0).encode(text="number:N", color=dark)]
    if named:
        layers.append(base.mark_text(fontSize=13, dy=11, limit=wide - 6).encode(text="action:N", color=dark))
    itself = alt.Chart(data([{"over": name, "holder": name} for name in names])).encode(x=x, y=y)
    layers.append(itself.mark_rect(color="#f4f4f4", stroke="white", strokeWidth=2))
    layers.append(itself.mark_text(color=GREY).encode(text=alt.value("–")))
    chart = alt.layer(*layers).properties(width=wide * n_players, height=size * n_players)
    by = "below it the action that does it" if named else ""
    notes = [*powers.notes, "each cell: what the column's player can take from the row's player by one action", by]
    return themed(chart, f"Who can hurt whom: {game_title(powers.game)}", notes, wide * n_players + 200)


def power_network(table: Any, *, state: int | str | None = None) -> Any:
    """Draw who can hurt whom as a network: an arrow from whoever holds power to whom it is held over.

    Parameters
    ----------
    table : PowerTable, Equilibrium, Evaluation or StochasticEquilibrium
    state : int or str, optional
        A state of a stochastic game; by default power is averaged over the states visited.

    Returns
    -------
    alt.Chart
        Players on a circle. The width of an arrow is in proportion to power; the greatest carry their number.

    Raises
    ------
    InputError
        If `table` holds no power table, there is no such state, or Altair is not installed.
    """
    alt = altair()
    powers = powers_of(table, state)
    names = short_names(powers.game.players, 20)
    places = _places(powers)
    n_players = len(names)
    greatest = float(powers.values.max())
    side = 380.0 if n_players <= 4 else 560.0
    radius = 24.0 if n_players <= 6 else 17.0
    unit = 2.0 / side * radius
    arrows = sorted(
        (
            (float(powers.values[i, j]), j, i)
            for i in range(n_players)
            for j in range(n_players)
            if i != j and powers.values[i, j] > 1e-12 * greatest
        ),
        reverse=True,
    )
    curves, heads, numbers = [], [], []
    for rank, (power, holder, over) in enumerate(arrows):
        share = power / greatest
        # Room for the head, which grows with the width.
        points = _curve(places[holder], places[over], unit, unit + 2.0 / side * (7 + 6 * share))
        common = {"power": power, "share": share, "holder": names[holder], "over": names[over]}
        curves += [{**common, "arrow": rank, "step": k, "x": x, "y": y} for k, (x, y) in enumerate(points)]
        (x0, y0), (x1, y1) = points[-2:]
        heads.append({**common, "x": x1, "y": y1, "angle": math.degrees(math.atan2(x1 - x0, y1 - y0))})
        if rank < MOST_NUMBERS:
            action = powers.action(over, holder)
            x, y = points[CURVE // 2 if n_players <= 3 else CURVE // 3]
            numbers.append(
                {
                    **common,
                    "x": x,
                    "y": y,
                    "text": f"{power:.3g}" + (f" by {action}" if action and n_players <= 4 else ""),
                }
            )
    nodes = [
        {
            "x": x,
            "y": y,
            "name": names[k],
            "task": float(powers.task[k]),
            "letter": str(k + 1),
            "value": f"task {powers.task[k]:.4g}",
            "side": "left" if x < -0.25 else "right" if x > 0.25 else "top" if y > 0 else "bottom",
        }
        for k, (x, y) in enumerate(places)
    ]
    x = alt.X("x:Q", scale=alt.Scale(domain=[-1.15, 1.15]), axis=None)
    y = alt.Y("y:Q", scale=alt.Scale(domain=[-1.15, 1.15]), axis=None)
    widths = alt.Scale(domain=[0, 1], range=[0.6, 7])
    shade = alt.Opacity("share:Q", scale=alt.Scale(domain=[0, 1], range=[0.25, 0.9]), legend=None)
    tip = [
        alt.Tooltip("holder:N", title="power of"),
        alt.Tooltip("over:N", title="over"),
        alt.Tooltip("power:Q", title="power"),
    ]
    layers = []
    if arrows:
        layers += [
            alt.Chart(data(curves))
            .mark_line(color=VERMILION, strokeCap="butt")
            .encode(
                x=x,
                y=y,
                detail="arrow:N",
                order="step:Q",
                strokeWidth=alt.StrokeWidth("share:Q", scale=widths, legend=None),
                opacity=shade,
                tooltip=tip,
            ),
            alt.Chart(data(heads))
            .mark_point(shape="triangle", filled=True, color=VERMILION)
            .encode(
                x=x,
                y=y,
                angle=alt.Angle("angle:Q", scale=alt.Scale(domain=[0, 360], range=[0, 360])),
                size=alt.Size("share:Q", scale=alt.Scale(domain=[0, 1], range=[90, 520]), legend=None),
                opacity=shade,
            ),
        ]
    layers += _node_layers(alt, nodes, x, y, radius)
    if numbers:
        written = alt.Chart(data(numbers)).encode(x=x, y=y, text="text:N")
        layers += [
            written.mark_text(fontSize=14, fontWeight="bold", stroke="white", strokeWidth=5, strokeJoin="round"),
            written.mark_text(fontSize=14, fontWeight="bold", color=INK),
        ]
    chart = alt.layer(*layers).properties(width=side, height=side).configure_view(stroke=None)
    notes = [*powers.notes, "An arrow from A to B: what A can take from B by one action, in payoff units."]
    if not arrows:
        notes.append("Nobody has power over anybody.")
    elif len(arrows) > MOST_NUMBERS:
        notes.append(f"The {MOST_NUMBERS} greatest of {len(arrows)} carry their number; width in proportion to power.")
    else:
        notes.append("Width in proportion to power.")
    return themed(chart, f"Who can hurt whom: {game_title(powers.game)}", notes, side + 200)


def _node_layers(alt: Any, nodes: list[dict[str, Any]], x: Any, y: Any, radius: float) -> list[Any]:
    """Draw the players, numbered, with their names outside of the circle."""
    every = alt.Chart(data(nodes)).encode(x=x, y=y)
    layers = [
        every.mark_point(shape="circle", filled=True, color=BLUE, size=math.pi * radius**2, opacity=1).encode(
            tooltip=[alt.Tooltip("name:N", title="player"), alt.Tooltip("task:Q", title="task value")]
        ),
        every.mark_text(color="white", fontWeight="bold", fontSize=16).encode(text="letter:N"),
    ]
    away = radius + 8
    for side, align, dx, dy in (
        ("left", "right", -away, -8),
        ("right", "left", away, -8),
        ("top", "center", 0, -away - 20),
        ("bottom", "center", 0, away + 8),
    ):
        own = [node for node in nodes if node["side"] == side]
        if own:
            named = alt.Chart(data(own)).encode(x=x, y=y)
            layers += [
                named.mark_text(align=align, dx=dx, dy=dy, fontSize=15, fontWeight="bold").encode(text="name:N"),
                named.mark_text(align=align, dx=dx, dy=dy + 17, fontSize=13, color=GREY).encode(text="value:N"),
            ]
    return layers


def _places(powers: _Powers) -> list[tuple[float, float]]:
    """Places of the players on a circle, the first one on top; two side by side."""
    import networkx as nx

    n_players = powers.game.n_players
    if n_players == 1:
        return [(0.0, 0.0)]
    circle = nx.circular_layout(nx.complete_graph(n_players))
    turn = math.pi if n_players == 2 else math.pi / 2
    places = []
    for k in range(n_players):
        x, y = circle[k]
        angle = turn - math.atan2(y, x)
        places.append((math.cos(angle), math.sin(angle)))
    return places


def _curve(
    start: tuple[float, float], end: tuple[float, float], gap: float, end_gap: float
) -> list[tuple[float, float]]:
    """Points of an arrow that bends to the left, between the rims of two discs."""
    a, b = np.array(start), np.array(end)
    across = b - a
    bend = (a + b) / 2 + 0.16 * np.array([-across[1], across[0]])
    times = np.linspace(0.0, 1.0, 400)[:, None]
    curve = (1 - times) ** 2 * a + 2 * times * (1 - times) * bend + times**2 * b
    outside = (np.hypot(*(curve - a).T) >= gap) & (np.hypot(*(curve - b).T) >= end_gap)
    kept = curve[outside]
    return [(float(x), float(y)) for x, y in kept[np.linspace(0, len(kept) - 1, CURVE).round().astype(int)]]
