"""The looks that all charts share: colours, shapes, dashes and sizes of letters.

The colours are those of Okabe and Ito, which people with any kind of colour blindness can tell apart. Players and kinds
also differ in shape or dashes, so a chart can be read without colour.
"""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import Any

from powergames.errors import needs

INK, GREY, FAINT, GRID = "#1a1a1a", "#6b6b6b", "#d9d9d9", "#ececec"
BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
SKY, ORANGE = "#56B4E9", "#E69F00"

# Numbers of colours, shapes and dashes have no common divisor, so many players get different combinations.
COLOURS = (BLUE, VERMILION, GREEN, PURPLE, SKY, ORANGE, INK)
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")
DASHES = ((1, 0), (8, 4), (2, 3), (10, 3, 2, 3), (5, 2))

# On cells that keep their colours in the dark.
ON_LIGHT, ON_DARK = "#1a1a1b", "#fffffe"

# What a picture on a dark screen has instead of its own colours.
DARK = {
    "white": "#14171c",
    INK: "#e6e8eb",
    "#000": "#e6e8eb",
    GREY: "#a3abb5",
    FAINT: "#3b424c",
    GRID: "#2b3038",
    "#f4f4f4": "#20252d",
    BLUE: SKY,
}

# Light to dark with little change of hue, so that it survives a photocopier.
SEQUENCE = "blues"

# Characters of a title on one line, for each 100 pixels of width.
TITLE_DENSITY = 12

FONT = "Liberation Sans, Arial, Helvetica, DejaVu Sans, sans-serif"
CONFIG: dict[str, Any] = {
    "font": FONT,
    "background": "white",
    # Where these fonts are missing letters are wider, and a legend at the right must not be cut off.
    "padding": {"left": 20, "top": 14, "right": 44, "bottom": 14},
    "view": {"stroke": FAINT},
    "title": {
        "anchor": "start",
        "fontSize": 18,
        "subtitleFontSize": 14,
        "color": INK,
        "subtitleColor": GREY,
        "offset": 14,
        "subtitlePadding": 6,
        "subtitleLineHeight": 18,
        "lineHeight": 22,
    },
    "axis": {
        "labelFontSize": 14,
        "titleFontSize": 15,
        "titleFontWeight": "normal",
        "labelColor": INK,
        "titleColor": INK,
        "gridColor": GRID,
        "domainColor": GREY,
        "tickColor": GREY,
        "labelLimit": 260,
        "labelFlush": False,
        "titlePadding": 10,
    },
    "legend": {
        "labelFontSize": 14,
        "titleFontSize": 14,
        "titleFontWeight": "normal",
        "labelLimit": 260,
        "titleLimit": 300,
        "symbolSize": 140,
        "symbolStrokeWidth": 2,
        "labelColor": INK,
        "titleColor": INK,
        "rowPadding": 5,
    },
    "header": {"labelFontSize": 15, "titleFontSize": 15, "labelColor": INK, "labelLimit": 400},
    "text": {"fontSize": 14, "color": INK},
    "line": {"strokeWidth": 2.5},
    "concat": {"spacing": 30},
}


def dark_rules() -> str:
    """Return a style sheet by which a picture in SVG turns dark where the screen is."""
    rules = "".join(
        f'[{attribute}="{light}"]{{{attribute}:{dark}}}'
        for light, dark in DARK.items()
        for attribute in ("fill", "stroke")
    )
    return f"@media screen and (prefers-color-scheme:dark){{{rules}}}"


def altair() -> Any:
    """Import Altair.

    Raises
    ------
    InputError
        If it is not installed.
    """
    with needs("altair", "powergames[viz]", "charts"):
        import altair as alt
    return alt


def themed(chart: Any, title: str, notes: Sequence[str], width: float) -> Any:
    """Give a finished chart its title, a line or more below it, and the looks.

    Parameters
    ----------
    chart : alt.Chart or a combination of charts
    title : str
    notes : sequence of str
        What a reader must know besides, a line each; empty ones are left out.
    width : float
        Width of the chart in pixels, to break the lines at.
    """
    alt = altair()
    room = max(40, int(width / 100 * TITLE_DENSITY))
    lines = wrap(title, room) or [""]
    below = [line for note in notes for line in wrap(note, int(room * 1.25))]
    heading = alt.TitleParams(lines, subtitle=below) if below else alt.TitleParams(lines)
    return chart.properties(title=heading).configure(**CONFIG)


def data(rows: Sequence[dict[str, Any]]) -> Any:
    """Return rows as data of a chart, however many they are."""
    return altair().InlineData(values=list(rows))


def haloed(chart: Any, width: float = 5, **look: Any) -> list[Any]:
    """Return two layers of text, of which the lower one is a white rim that keeps it readable on lines."""
    rim = {"stroke": "white", "strokeWidth": width, "strokeJoin": "round"}
    return [chart.mark_text(**look, **rim), chart.mark_text(**look, color=INK)]


def player_encodings(names: Sequence[str]) -> tuple[Any, Any, Any]:
    """Return colour, shape and size encodings of the field ``player``, the same for a player in every chart.

    The first players have the largest marks, so that marks at the same place all show.
    """
    alt = altair()
    domain = list(names)

    def scale(choices: Sequence[Any]) -> Any:
        return alt.Scale(domain=domain, range=[choices[k % len(choices)] for k in range(len(domain))])

    legend = alt.Legend(title="player", symbolStrokeWidth=0)
    sizes = [60 + 200 * (len(domain) - k) / len(domain) for k in range(len(domain))]
    return (
        alt.Color("player:N", scale=scale(COLOURS), legend=legend),
        alt.Shape("player:N", scale=scale(SHAPES), legend=legend),
        alt.Size("player:N", scale=alt.Scale(domain=domain, range=sizes), legend=None),
    )


def player_lines(rows: Sequence[dict[str, Any]], names: Sequence[str], width: float, **encodings: Any) -> list[Any]:
    """Return a layer of lines for each player, in the player's colour and dashes; the legend is that of the marks."""
    alt = altair()
    layers = []
    for k, name in enumerate(names):
        own = [row for row in rows if row["player"] == name]
        look = {"color": COLOURS[k % len(COLOURS)], "strokeDash": list(DASHES[k % len(DASHES)]), "strokeWidth": width}
        layers.append(alt.Chart(data(own)).mark_line(**look).encode(**encodings))
    return layers
