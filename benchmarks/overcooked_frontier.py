"""What soups cost in power: exact equilibria of kitchens of Overcooked over λ, as a picture and in words.

Run ``python benchmarks/overcooked_frontier.py``. It draws the frontiers of `shared_pot` and `three_pots` in the
adversarial form into docs/images, and prints for each λ what the chefs do from the start on. It takes some minutes.
"""

from __future__ import annotations

from pathlib import Path

from overcooked_table import LAMS

import powergames as pg
from powergames import viz

PICTURES = Path(__file__).parent.parent / "docs" / "images"
KITCHENS = ("shared_pot", "three_pots")


def main() -> None:
    """Solve, draw and tell."""
    for name in KITCHENS:
        # No warm start, so that each λ is solved as in the table of docs/overcooked.md.
        path = pg.sweep(
            pg.load(f"overcooked:{name}"), pg.PowerObjective(form="adversarial"), lams=LAMS, warm_start=False
        )
        viz.save(viz.frontier(path), PICTURES / f"frontier_{name}.svg")
        for point in path:
            for found in point.equilibria:
                print(name, found, "power over each:", found.evaluation.average_power.sum(axis=1).round(3))
                for number, step in enumerate(viz.kitchen_path(found, steps=40)):
                    print(f"{number:2}  soups: {step.soups}  {'; '.join(step.doings)}")


if __name__ == "__main__":
    main()
