"""Labels beside marks, where there is room for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from powergames.viz.theme import altair, data, haloed

# Width of a letter, height of a line, and half the size of a mark, in pixels.
LETTER, LINE, MARK = 7.2, 15.0, 8.0

# Pixels by which a label may stand out at the top.
OUT = 8.0

# Where a label may stand: its horizontal alignment, and the offset of its anchor in pixels.
Side = tuple[str, float, float]
AROUND: tuple[Side, ...] = (
    ("left", 11, 0),
    ("right", -11, 0),
    ("center", 0, -16),
    ("center", 0, 17),
    ("left", 9, -14),
    ("left", 9, 14),
    ("right", -9, -14),
    ("right", -9, 14),
)
ALONG: tuple[Side, ...] = (("left", 9, -16), ("left", 9, 17))

Box = tuple[float, float, float, float]


def placed_labels(
    rows: Sequence[dict[str, Any]],
    x: Any,
    y: Any,
    ends: tuple[Sequence[float], Sequence[float]],
    size: tuple[float, float],
    sides: Sequence[Side] = AROUND,
    **look: Any,
) -> list[Any]:
    """Return layers of text with the ``label`` of each row that fits beside its mark; the first rows have the choice.

    Parameters
    ----------
    rows : sequence of dict
    x, y : encodings of two fields of the rows
    ends : (sequence, sequence)
        The ends of both axes.
    size : (float, float)
        Width and height in pixels.
    sides : sequence
        Where a label may stand, best first.
    """
    alt = altair()
    (left, right), (bottom, top) = ends
    fields = x.shorthand.split(":")[0], y.shorthand.split(":")[0]
    places = [
        ((row[fields[0]] - left) / (right - left) * size[0], (top - row[fields[1]]) / (top - bottom) * size[1])
        for row in rows
    ]
    taken: list[Box] = [(px - MARK, py - MARK, px + MARK, py + MARK) for px, py in places]
    chosen: dict[Side, list[dict[str, Any]]] = {}
    for row, (px, py) in zip(rows, places, strict=True):
        for side in sides:
            box = _box(row["label"], px, py, side)
            inside = box[0] >= 0 and box[2] <= size[0] and box[1] >= -OUT and box[3] <= size[1]
            if inside and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                chosen.setdefault(side, []).append(row)
                break
    layers = []
    for (align, dx, dy), own in chosen.items():
        layers += haloed(alt.Chart(data(own)).encode(x=x, y=y, text="label:N"), align=align, dx=dx, dy=dy, **look)
    return layers


def _box(label: str, px: float, py: float, side: Side) -> Box:
    align, dx, dy = side
    width = LETTER * len(label)
    begin = px + dx - {"left": 0.0, "right": width, "center": width / 2}[align]
    return begin, py + dy - LINE / 2, begin + width, py + dy + LINE / 2


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
