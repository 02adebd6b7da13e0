"""What everyone loses when one player leaves the policy."""

from __future__ import annotations

from typing import Any

import numpy as np

from powergames.auditing import Audit
from powergames.errors import InputError
from powergames.viz.labels import axis_format, domain, figure, game_title, objective_text, player_names
from powergames.viz.theme import COLOURS, INK, altair, data, themed

WIDTH = 420

# Pixels of a letter.
LETTER = 7.0

# Players up to which every deviator has bars of its own.
MOST_DEVIATORS = 4


NOTHING = "No bars: whatever one player does, the others get what they get now."


def off_policy(report: Audit) -> Any:
    """Draw what each player loses when another one leaves the policy.

    Parameters
    ----------
    report : Audit
        What `audit` returns.

    Returns
    -------
    alt.Chart
        A panel for each player who follows the policy. Bars begin at zero, which is what the player gets if all follow
        the policy, and end at the least that is left when another one deviates in the way that the row names. The
        number at a bar is what is left. With up to four players each deviator has bars of its own.

    Raises
    ------
    InputError
        If `report` is no audit, the game has one player, or Altair is not installed.
    """
    alt = altair()
    if not isinstance(report, Audit):
        raise InputError(f"report: got {type(report).__name__}; give what audit returns")
    if not report.off_policy:
        raise InputError("report: nobody can leave the policy in a game of one player; there is nothing to draw")
    game = report.game
    names = player_names(game)
    apart = game.n_players <= MOST_DEVIATORS
    rows = _bars(report, names, apart)
    ways = list(dict.fromkeys(row["way"] for row in rows))
    ends = domain([row["change"] for row in rows], zero=True)
    # Room for the texts, in pixels.
    text = LETTER * max(len(row["text"]) for row in rows) + 10
    room = (ends[1] - ends[0]) * text / (WIDTH - text)
    ends = [
        ends[0] - room * any(row["change"] < 0 for row in rows),
        ends[1] + room * any(r["change"] > 0 for r in rows),
    ]
    whose = alt.Scale(domain=names, range=[COLOURS[k % len(COLOURS)] for k in range(len(names))])
    colour = alt.Color("who:N", scale=whose, legend=None)
    x = alt.X(
        "change:Q",
        scale=alt.Scale(domain=ends, nice=False),
        axis=alt.Axis(title="change of task value (payoff units)", tickCount=5, **axis_format(ends)),
    )
    y = alt.Y("way:N", sort=ways, scale=alt.Scale(domain=ways, paddingInner=0.25), axis=alt.Axis(title=None))
    beside = {"yOffset": alt.YOffset("who:N", sort=names, scale=alt.Scale(paddingInner=0.1))} if apart else {}
    panels = []
    step = 24 * (game.n_players - 1) + 14 if apart else 30
    for i, name in enumerate(names):
        own = [row for row in rows if row["index"] == i]
        bars = (
            alt.Chart(data(own))
            .mark_bar(color=COLOURS[0], stroke=INK, strokeWidth=0.6)
            .encode(x=x, y=y, **beside, tooltip=["way:N", "who:N", "change:Q", "left:Q"])
        )
        bars = bars.encode(color=colour) if apart else bars
        layers = [bars, alt.Chart(data([{"change": 0.0}])).mark_rule(color=INK, strokeWidth=1.5).encode(x=x)]
        for sign, align, dx in ((-1, "right", -5), (1, "left", 5)):
            side = [row for row in own if (row["change"] < 0) == (sign < 0)]
            if side:
                numbers = alt.Chart(data(side)).mark_text(align=align, dx=dx)
                layers.append(numbers.encode(x=x, y=y, **beside, text="text:N"))
        get = figure(float(report.start_task[i]))
        title = alt.TitleParams(f"{name}: {get} if all follow the policy", fontSize=15, anchor="start")
        panels.append(alt.layer(*layers).properties(width=WIDTH, height=step * len(ways), title=title))
    columns = min(len(panels), 2 if len(panels) <= 4 else 3)
    chart = panels[0] if len(panels) == 1 else alt.concat(*panels, columns=columns, spacing=34)
    notes = [
        f"judged at {objective_text(report.objective)}",
        "Bars: the worst change in payoff for a player who stays while another leaves the policy.",
        "The number at a bar is the task value that is left." if any(row["change"] for row in rows) else NOTHING,
    ]
    return themed(chart, f"When somebody leaves the policy: {game_title(game)}", notes, (WIDTH + 150) * columns + 60)


def _bars(report: Audit, names: list[str], apart: bool) -> list[dict[str, Any]]:
    """The least that each player is left with, for each way to deviate, and by whom if that is told apart."""
    least: dict[tuple[str, int, int], float] = {}
    for deviation in report.off_policy:
        for i, value in enumerate(deviation.start_task):
            if i != deviation.deviator:
                key = deviation.label, i, deviation.deviator if apart else -1
                least[key] = min(float(value), least.get(key, np.inf))
    words = {"freeze": "frozen on one action", "uniform": "uniform"}
    return [
        {
            "way": words.get(label, label),
            "index": i,
            "who": names[who] if who >= 0 else "any other",
            "change": _tidy(value - float(report.start_task[i]), report, i),
            "left": value,
            "text": figure(_tidy(value, report, i)) + (f" if {names[who]} deviates" if who >= 0 else ""),
        }
        for (label, i, who), value in least.items()
    ]


def _tidy(value: float, report: Audit, player: int) -> float:
    """Replace what is left of sums that cancel by zero."""
    game = report.game
    scale = game.value_scale[player] if hasattr(game, "value_scale") else game.payoff_scale[player]
    return 0.0 if abs(value) <= 1e-12 * float(scale) else value
