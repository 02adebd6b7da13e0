"""A power table as a network of who can hurt whom."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from powergames.viz.labels import figure, game_title, player_names
from powergames.viz.powers import Powers, powers_of
from powergames.viz.theme import BLUE, GREY, VERMILION, altair, data, haloed, themed

# Arrows that are given their number, the greatest ones.
MOST_NUMBERS = 12

# Players up to which the arrows also say by which action.
MOST_NAMED = 4

# Points of a curved arrow, and how far it bends, relative to its length.
CURVE, BEND = 24, 0.16

# Pixels: the widest arrow, and the sides of the smallest and the largest arrowhead.
WIDEST, HEADS = 8.0, (9.0, 22.0)

# Half the height of an arrowhead, which is a triangle of equal sides, relative to its side.
HALF = math.sqrt(3) / 4

# Pixels around the circle of players.
ROOM = 40.0

Point = tuple[float, float]


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
    n_players = powers.game.n_players
    names = player_names(powers.game, 20)
    radius = 24.0 if n_players <= 6 else 17.0
    places = _places(n_players, 150.0 if n_players <= 4 else 250.0)
    arrows = _arrows(powers, names)
    nodes = [
        {
            "x": x,
            "y": y,
            "name": names[k],
            "task": float(powers.task[k]),
            "number": str(k + 1),
            "value": f"task {figure(powers.task[k])}",
            "side": "left" if x < -60 else "right" if x > 60 else "top" if y >= 0 else "bottom",
        }
        for k, (x, y) in enumerate(places)
    ]
    curves, heads, numbers = [], [], []
    for rank, arrow in enumerate(arrows):
        ends = places[arrow["holder_index"]], places[arrow["over_index"]]
        points = _curve(*ends, radius, radius + 2 + HALF * arrow["head"])
        curves += [{**arrow, "arrow": rank, "step": k, "x": x, "y": y} for k, (x, y) in enumerate(points)]
        (x0, y0), (x1, y1) = points[-2:]
        angle = math.degrees(math.atan2(x1 - x0, y1 - y0))
        heads.append({**arrow, "x": x1, "y": y1, "angle": angle, "area": arrow["head"] ** 2})
        if rank < MOST_NUMBERS:
            x, y = points[CURVE // 2 if n_players == 2 else CURVE // 3]
            # There is room beside the arrows of two players.
            y += math.copysign(18.0, y) if n_players == 2 else 0.0
            numbers.append({"x": x, "y": y, "text": arrow["text"]})
    drawn = [*places, *((point["x"], point["y"]) for point in curves)]
    spans = [(min(p[axis] for p in drawn) - ROOM, max(p[axis] for p in drawn) + ROOM) for axis in (0, 1)]
    x = alt.X("x:Q", scale=alt.Scale(domain=list(spans[0]), nice=False), axis=None)
    y = alt.Y("y:Q", scale=alt.Scale(domain=list(spans[1]), nice=False), axis=None)
    layers = _arrow_layers(alt, curves, heads, x, y) if arrows else []
    layers += _node_layers(alt, nodes, x, y, radius)
    if numbers:
        layers += haloed(alt.Chart(data(numbers)).encode(x=x, y=y, text="text:N"), width=8, fontWeight="bold")
    width, height = (high - low for low, high in spans)
    chart = alt.layer(*layers).properties(width=width, height=height, view=alt.ViewBackground(stroke=None))
    notes = [*powers.notes, "An arrow from A to B: what A can take from B by one action, in payoff units."]
    if not arrows:
        notes.append("No arrows: nobody can take anything from anybody.")
    elif len(arrows) > MOST_NUMBERS:
        notes.append(f"Widths are in proportion; the {MOST_NUMBERS} greatest of {len(arrows)} carry their number.")
    else:
        notes.append("Widths are in proportion to power.")
    return themed(chart, f"Who can hurt whom: {game_title(powers.game)}", notes, width + 240)


def _arrows(powers: Powers, names: list[str]) -> list[dict[str, Any]]:
    """Everything about the arrows but their places, the greatest power first."""
    greatest = float(powers.values.max())
    arrows = []
    for over, holder in np.argwhere(powers.values > 1e-12 * greatest).tolist():
        power = float(powers.values[over, holder])
        share = power / greatest
        action = powers.action(over, holder) if len(names) <= MOST_NAMED else ""
        arrows.append(
            {
                "power": power,
                "width": WIDEST * share,
                "head": HEADS[0] + (HEADS[1] - HEADS[0]) * share,
                "holder": names[holder],
                "over": names[over],
                "holder_index": holder,
                "over_index": over,
                "text": figure(power, 3) + (f" by {action}" if action else ""),
            }
        )
    return sorted(arrows, key=lambda arrow: -arrow["power"])


def _arrow_layers(alt: Any, curves: list[dict[str, Any]], heads: list[dict[str, Any]], x: Any, y: Any) -> list[Any]:
    greatest = heads[0]["power"]
    scale = alt.Scale(domain=[0, greatest], range=["#f6d5c0", VERMILION])
    colour = alt.Color("power:Q", scale=scale, legend=None)
    tip = [
        alt.Tooltip("holder:N", title="power of"),
        alt.Tooltip("over:N", title="over"),
        alt.Tooltip("power:Q", title="power"),
    ]
    # The greatest come last, on top.
    lines = alt.Chart(data(curves[::-1])).mark_line()
    tips = alt.Chart(data(heads[::-1])).mark_point(shape="triangle", filled=True, opacity=1)
    return [
        lines.encode(
            x=x,
            y=y,
            detail="arrow:N",
            order="step:Q",
            size=alt.Size("width:Q", scale=None, legend=None),
            color=colour,
            tooltip=tip,
        ),
        tips.encode(
            x=x,
            y=y,
            angle=alt.Angle("angle:Q", scale=None),
            size=alt.Size("area:Q", scale=None, legend=None),
            color=colour,
            tooltip=tip,
        ),
    ]


def _node_layers(alt: Any, nodes: list[dict[str, Any]], x: Any, y: Any, radius: float) -> list[Any]:
    """Draw the players, numbered, with their names outside of the circle."""
    every = alt.Chart(data(nodes)).encode(x=x, y=y)
    layers = [
        every.mark_point(shape="circle", filled=True, color=BLUE, size=math.pi * radius**2, opacity=1).encode(
            tooltip=[alt.Tooltip("name:N", title="player"), alt.Tooltip("task:Q", title="task value")]
        ),
        every.mark_text(color="white", fontWeight="bold", fontSize=16).encode(text="number:N"),
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


def _places(n_players: int, size: float) -> list[Point]:
    """Places of the players on a circle, clockwise from the top; two side by side."""
    import networkx as nx

    if n_players == 1:
        return [(0.0, 0.0)]
    circle = nx.circular_layout(nx.complete_graph(n_players), scale=size)
    turn = math.pi if n_players == 2 else math.pi / 2
    angles = [turn - math.atan2(circle[k][1], circle[k][0]) for k in range(n_players)]
    return [(size * math.cos(angle), size * math.sin(angle)) for angle in angles]


def _curve(start: Point, end: Point, gap: float, end_gap: float) -> list[Point]:
    """Points of an arrow that bends to the left, from a distance to its start up to one to its end."""
    a, b = np.array(start), np.array(end)
    across = b - a
    bend = (a + b) / 2 + BEND * np.array([-across[1], across[0]])
    times = np.linspace(0.0, 1.0, 400)[:, None]
    curve = (1 - times) ** 2 * a + 2 * times * (1 - times) * bend + times**2 * b
    outside = curve[(np.hypot(*(curve - a).T) >= gap) & (np.hypot(*(curve - b).T) >= end_gap)]
    return [(float(x), float(y)) for x, y in outside[np.linspace(0, len(outside) - 1, CURVE).round().astype(int)]]
