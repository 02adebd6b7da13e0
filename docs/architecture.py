"""Draw the layers of the project, docs/images/architecture.svg, from the table that the tests keep.

Run ``python docs/architecture.py``. Modules that may import each other share a box; a box stands in the row above the
highest box that it may import.
"""

from __future__ import annotations

import runpy
from html import escape
from pathlib import Path

import networkx as nx

ROOT = Path(__file__).parent.parent
TARGET = Path(__file__).parent / "images" / "architecture.svg"
WIDTH, ROW, BOX, GAP, LETTER = 640, 58, 34, 14, 7.4


def rows(allowed: dict[str, set[str] | None]) -> list[list[str]]:
    """Return the labels of the boxes, row by row from the bottom."""
    graph = nx.DiGraph((own, other) for own, others in allowed.items() for other in others or () if own and other)
    boxes = nx.condensation(graph)
    height: dict[int, int] = {}
    for box in reversed(list(nx.topological_sort(boxes))):
        height[box] = max((height[below] + 1 for below in boxes.successors(box)), default=0)
    found: list[list[str]] = [[] for _ in range(max(height.values()) + 1)]
    for box, level in height.items():
        found[level].append(", ".join(sorted(boxes.nodes[box]["members"])))
    return [sorted(row) for row in found]


def drawing(layers: list[list[str]]) -> str:
    """Return the picture as SVG, with its own background so that it is legible on any page."""
    total = ROW * len(layers) + 2 * GAP
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {total}" font-family="sans-serif">',
        "<title>Layers of powergames: each box imports only from rows below it</title>",
        f'<rect width="{WIDTH}" height="{total}" rx="8" fill="#ffffff"/>',
    ]
    for level, labels in enumerate(layers):
        widths = [LETTER * len(label) + 2 * GAP for label in labels]
        left = (WIDTH - sum(widths) - GAP * (len(widths) - 1)) / 2
        top = total - GAP - ROW * (level + 1) + (ROW - BOX) / 2
        for label, width in zip(labels, widths, strict=True):
            parts.append(
                f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{BOX}" rx="6" fill="#e8f1f8" '
                'stroke="#0072b2"/>'
            )
            parts.append(
                f'<text x="{left + width / 2:.1f}" y="{top + BOX / 2 + 5:.1f}" text-anchor="middle" font-size="14" '
                f'fill="#1a1a1a">{escape(label)}</text>'
            )
            left += width + GAP
    return "\n".join([*parts, "</svg>", ""])


def picture() -> str:
    """Return the picture of the table as it stands."""
    return drawing(rows(runpy.run_path(str(ROOT / "tests" / "test_architecture.py"))["ALLOWED"]))


if __name__ == "__main__":
    TARGET.write_text(picture(), encoding="utf-8")
