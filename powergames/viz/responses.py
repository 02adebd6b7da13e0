"""Best responses and regret in games of two players with two actions each."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np

from powergames.errors import InputError
from powergames.games.kinds import as_game
from powergames.games.normal_form import NormalFormGame
from powergames.objectives import AnyObjective, PowerObjective, as_objective
from powergames.results import Equilibrium, EquilibriumSet
from powergames.viz.labels import action_name, game_title, objective_text, player_names
from powergames.viz.theme import BLUE, INK, VERMILION, altair, data, themed

# Cells of the landscape in each direction.
CELLS = 50

SIZE = 440

CERTIFIED, UNCERTIFIED = "equilibrium, certified", "not certified"
SHAPES = {CERTIFIED: "circle", UNCERTIFIED: "cross"}

# Utilities relative to the payoff range that differ by less are equal.
TIE = 1e-12


def best_responses(
    game: NormalFormGame, objective: AnyObjective | None = None, equilibria: Iterable[Equilibrium] | None = None
) -> Any:
    """Draw the best responses of both players, how much could be gained elsewhere, and the equilibria.

    Parameters
    ----------
    game : NormalFormGame
        Two players with two actions each.
    objective : PowerObjective or number, optional
        A number is λ; by default 0.
    equilibria : iterable of Equilibrium, optional
        Marked where the best responses meet. By default all that `solve_all` finds.

    Returns
    -------
    alt.Chart
        Strategies of the first player from left to right, of the second from bottom to top. Lines are best responses,
        computed exactly; the background is the greatest regret of a player, relative to the payoff range.

    Raises
    ------
    InputError
        If the game has another size, the objective does not fit it, or Altair is not installed.
    """
    alt = altair()
    game = as_game(game)
    objective = as_objective(objective, once=True)
    if game.n_actions != (2, 2):
        sizes = " x ".join(map(str, game.n_actions))
        raise InputError(f"game: got {sizes} actions; best responses are drawn for 2 x 2 actions only")
    objective.adversaries(2)
    if equilibria is None:
        from powergames.solvers import solve_all

        equilibria = solve_all(game, objective)
    names = player_names(game)
    actions = [action_name(own[0]) for own in game.actions]
    scale = alt.Scale(domain=[0, 1], nice=False)
    x = alt.X("x:Q", scale=scale, axis=alt.Axis(title=f"probability that {names[0]} plays {actions[0]}", grid=False))
    y = alt.Y("y:Q", scale=scale, axis=alt.Axis(title=f"probability that {names[1]} plays {actions[1]}", grid=False))
    layers = [
        alt.Chart(data(_landscape(game, objective)))
        .mark_rect()
        .encode(
            x=x,
            x2="x2:Q",
            y=y,
            y2="y2:Q",
            color=alt.Color(
                "regret:Q",
                scale=alt.Scale(range=["#ffffff", "#9a9a9a"], domainMin=0),
                legend=alt.Legend(title=["largest regret,", "share of the", "payoff range"], gradientLength=140),
            ),
        )
    ]
    lines = [
        {"x": own[0], "y": other[0], "x2": own[1], "y2": other[1], "player": names[0]}
        for own, other in _responses(game, objective, 0)
    ] + [
        {"x": other[0], "y": own[0], "x2": other[1], "y2": own[1], "player": names[1]}
        for own, other in _responses(game, objective, 1)
    ]
    whose = alt.Scale(domain=names, range=[BLUE, VERMILION])
    dashes = alt.Scale(domain=names, range=[[1, 0], [9, 6]])
    legend = alt.Legend(title="best response of", symbolType="stroke", symbolStrokeWidth=5, symbolSize=700)
    flat = [line for line in lines if line["x"] != line["x2"] and line["y"] != line["y2"]]
    if flat:
        areas = alt.Chart(data(flat)).mark_rect(opacity=0.18)
        layers.append(areas.encode(x=x, x2="x2:Q", y=y, y2="y2:Q", fill=alt.Fill("player:N", scale=whose, legend=None)))
    layers.append(
        alt.Chart(data([line for line in lines if line not in flat]))
        .mark_rule(strokeWidth=5, clip=False)
        .encode(
            x=x,
            x2="x2:Q",
            y=y,
            y2="y2:Q",
            stroke=alt.Stroke("player:N", scale=whose, legend=legend),
            strokeDash=alt.StrokeDash("player:N", scale=dashes, legend=legend),
        )
    )
    layers += _marks(alt, equilibria, x, y)
    chart = alt.layer(*layers).properties(width=SIZE, height=SIZE).resolve_scale(color="independent")
    notes = [objective_text(objective), "Equilibria lie where the best responses meet."]
    if isinstance(equilibria, EquilibriumSet) and any(len(members) > 1 for members in equilibria.interchangeable):
        notes.append("Black lines and areas consist of equilibria.")
    return themed(chart, f"Best responses: {game_title(game)}", notes, SIZE + 200)


def _stakes(game: NormalFormGame, objective: PowerObjective, player: int) -> tuple[np.ndarray, float, float]:
    """Payoffs of a player, [own action, other action], scaled to a range of one; the charge for power; the scale."""
    payoffs = game.payoffs[player] if player == 0 else game.payoffs[player].T
    scale = float(game.payoff_scale[player])
    weight = float(objective.charges(2)[player])
    return (payoffs - float(game.payoff_min[player])) / scale, weight, scale


def _utility(payoffs: np.ndarray, charge: float, own: Any, other: Any) -> Any:
    """The regularized objective, relative to the payoff range, at probabilities of the first actions."""
    against = np.multiply.outer(own, payoffs[0]) + np.multiply.outer(1 - np.asarray(own), payoffs[1])
    task = against[..., 0] * other + against[..., 1] * (1 - np.asarray(other))
    return task - charge * (task - against.min(axis=-1))


def _candidates(payoffs: np.ndarray) -> list[float]:
    """Where the objective can be greatest: pure strategies, and where the worst action of the other player changes.

    The objective is concave and linear in between.
    """
    gap = payoffs[:, 0] - payoffs[:, 1]
    found = [0.0, 1.0]
    if gap[0] * gap[1] < 0:
        found.append(float(gap[1] / (gap[1] - gap[0])))
    return sorted(found)


def _responses(
    game: NormalFormGame, objective: PowerObjective, player: int
) -> list[tuple[tuple[float, float], tuple[float, float]]]:
    """Return all best responses as segments or rectangles: ranges of the own and of the other probability."""
    payoffs, charge, _ = _stakes(game, objective, player)
    own = np.array(_candidates(payoffs))
    # Linear in the other player's probability.
    at_0, at_1 = (_utility(payoffs, charge, own, np.full(len(own), other)) for other in (0.0, 1.0))
    places = {0.0, 1.0}
    for j in range(len(own)):
        for k in range(j):
            start, end = at_0[j] - at_0[k], at_1[j] - at_1[k]
            if start * end < 0:
                places.add(float(start / (start - end)))
    corners = sorted(places)

    def best(other: float) -> tuple[float, float]:
        values = at_0 + (at_1 - at_0) * other
        among = own[values >= values.max() - TIE]
        return float(among.min()), float(among.max())

    pieces = [(best((low + high) / 2), (low, high)) for low, high in pairwise(corners)]
    for place in corners:
        low, high = best(place)
        if high > low:
            pieces.append(((low, high), (place, place)))
    return pieces


def _landscape(game: NormalFormGame, objective: PowerObjective) -> list[dict[str, float]]:
    """Greatest scaled regret of a player at the middle of each cell."""
    edges = np.linspace(0.0, 1.0, CELLS + 1)
    middles = (edges[:-1] + edges[1:]) / 2
    regret = np.zeros((CELLS, CELLS))
    for player in (0, 1):
        payoffs, charge, _ = _stakes(game, objective, player)
        own, other = np.meshgrid(middles, middles, indexing="ij")
        options = [_utility(payoffs, charge, np.full(other.shape, c), other) for c in _candidates(payoffs)]
        gain = np.max(options, axis=0) - _utility(payoffs, charge, own, other)
        regret = np.maximum(regret, gain if player == 0 else gain.T)
    # Cells that only touch would leave fine lines between them.
    overlap = 0.5 / CELLS
    return [
        {
            "x": float(edges[j]),
            "x2": min(1.0, float(edges[j + 1]) + overlap),
            "y": float(edges[k]),
            "y2": min(1.0, float(edges[k + 1]) + overlap),
            "regret": max(0.0, float(regret[j, k])),
        }
        for j in range(CELLS)
        for k in range(CELLS)
    ]


def _marks(alt: Any, equilibria: Iterable[Equilibrium], x: Any, y: Any) -> list[Any]:
    """Mark the equilibria, and the lines or areas of equilibria that are interchangeable."""
    found = list(equilibria)
    rows: list[dict[str, Any]] = [
        {
            "x": float(e.profile[0][0]),
            "y": float(e.profile[1][0]),
            "kind": CERTIFIED if e.converged else UNCERTIFIED,
        }
        for e in found
    ]
    layers = []
    sets = equilibria.interchangeable if isinstance(equilibria, EquilibriumSet) else ()
    spans = []
    for members in sets:
        xs, ys = [rows[k]["x"] for k in members], [rows[k]["y"] for k in members]
        if len(members) > 1:
            spans.append({"x": min(xs), "x2": max(xs), "y": min(ys), "y2": max(ys)})
    areas = [span for span in spans if span["x"] != span["x2"] and span["y"] != span["y2"]]
    if areas:
        layers.append(alt.Chart(data(areas)).mark_rect(color=INK, opacity=0.35).encode(x=x, x2="x2:Q", y=y, y2="y2:Q"))
    if spans:
        layers.append(alt.Chart(data(spans)).mark_rule(strokeWidth=3).encode(x=x, x2="x2:Q", y=y, y2="y2:Q"))
    if rows:
        kinds = [kind for kind in SHAPES if any(row["kind"] == kind for row in rows)]
        shape = alt.Shape(
            "kind:N",
            scale=alt.Scale(domain=kinds, range=[SHAPES[kind] for kind in kinds]),
            legend=alt.Legend(title=None, symbolFillColor=INK, symbolStrokeColor=INK),
        )
        marks = alt.Chart(data(rows)).mark_point(size=230, filled=True, fill=INK, stroke="white", opacity=1)
        layers.append(marks.encode(x=x, y=y, shape=shape, tooltip=["x:Q", "y:Q", "kind:N"]))
    return layers
