"""A power table as a heat map."""

from __future__ import annotations

from typing import Any

from powergames.viz.labels import figure, game_title, player_names
from powergames.viz.powers import powers_of
from powergames.viz.theme import GREY, ON_DARK, ON_LIGHT, SEQUENCE, altair, data, themed


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
    names = player_names(powers.game)
    greatest = float(powers.values.max()) or 1.0
    rows = [
        {
            "over": names[i],
            "holder": names[j],
            "power": float(powers.values[i, j]),
            "number": figure(powers.values[i, j], 3 if n_players <= 6 else 2),
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
    dark = alt.condition(f"datum.power > {0.55 * greatest!r}", alt.value(ON_DARK), alt.value(ON_LIGHT))
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
    by = "Below it the action that does it." if named else ""
    notes = [*powers.notes, "Each cell: what the column's player can take from the row's player by one action.", by]
    return themed(chart, f"Who can hurt whom: {game_title(powers.game)}", notes, wide * n_players + 200)
