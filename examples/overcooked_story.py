"""Show what two chefs do where failures are rare and where they are common; pictures go to docs/images by default.

Both equilibria are found exactly, which takes some seconds, or a minute on a busy machine.
"""

import sys
from pathlib import Path

import powergames as pg
from powergames import viz

folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent.parent / "docs" / "images"
kitchen = pg.load("overcooked:shared_pot")
found = [pg.solve(kitchen, pg.PowerObjective(lam, form="adversarial")) for lam in ("1e-4", "0.1")]
for result in found:
    print(result, "power over each:", result.evaluation.average_power.sum(axis=1).round(3))
    for number, step in enumerate(viz.kitchen_path(result, steps=17)):
        print(f"{number:2}  soups: {step.soups}  {'; '.join(step.doings)}")
titles = ["Failures are rare (lam = 0.0001)", "Failures are common (lam = 0.1)"]
frames = viz.kitchen_frames(found, titles, steps=25)
viz.save_animation(frames, folder / "overcooked_story.gif")
viz.save_strip([frames[k] for k in (5, 7, 9, 12)], folder / "overcooked_story.png")
