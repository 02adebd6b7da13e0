"""Labels beside marks, where there is room for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from powergames.viz.theme import altair, data, haloed

# Size of a letter, distance from the mark, and half the size of a mark, in pixels.
LETTER, LINE, AWAY, MARK = 7.2, 17.0, 11.0, 8.0

# Where a label may stand: horizontal alignment, and the offset of its anchor.
SIDES = (("left", AWAY, 0.0), ("right", -AWAY, 0.0), ("center", 0.0, -AWAY - 5), ("center", 0.0, AWAY + 6))


def placed_labels(
    rows: Sequence[dict[str, Any]], x: Any, y: Any, ends: tuple[list[float], list[float]], size: tuple[float, float]
) -> list[Any]:
    """Return layers of text with the ``label`` of each row that fits beside its mark; the first rows have the choice.

    Parameters
    ----------
    rows : sequence of dict
    x, y : encodings of two fields of the rows
    ends : (list, list)
        The ends of both axes.
    size : (float, float)
        Width and height in pixels.
    """
    alt = altair()
    (left, right), (bottom, top) = ends
    fields = x.shorthand.split(":")[0], y.shorthand.split(":")[0]
    places = [
        ((row[fields[0]] - left) / (right - left) * size[0], (top - row[fields[1]]) / (top - bottom) * size[1])
        for row in rows
    ]
    taken = [(px - MARK, py - MARK, px + MARK, py + MARK) for px, py in places]
    by_side: dict[int, list[dict[str, Any]]] = {}
    for row, (px, py) in zip(rows, places, strict=True):
        for side, (align, dx, dy) in enumerate(SIDES):
            width = LETTER * len(row["label"])
            begin = px + dx - {"left": 0.0, "right": width, "center": width / 2}[align]
            box = (begin, py + dy - LINE / 2, begin + width, py + dy + LINE / 2)
            inside = box[0] >= 0 and box[2] <= size[0] and box[1] >= 0 and box[3] <= size[1]
            if inside and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                by_side.setdefault(side, []).append(row)
                break
    layers = []
    for side, own in by_side.items():
        align, dx, dy = SIDES[side]
        layers += haloed(alt.Chart(data(own)).encode(x=x, y=y, text="label:N"), align=align, dx=dx, dy=dy)
    return layers


def _overlap(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
