"""Sweep λ over the stag hunt, and compare with the exact λ up to which hunting stag is an equilibrium."""

from __future__ import annotations

from pathlib import Path

import powergames as pg

game = pg.load(Path(__file__).parent / "games" / "stag_hunt.nfg")
for point in pg.sweep(game, lams=["0", "0.1", "0.2", "0.3", "0.4"], all_equilibria=True):
    welfare = max(equilibrium.task.sum() for equilibrium in point.equilibria)
    print(f"λ = {point.objective.lam:g}: {len(point.equilibria)} equilibria, greatest welfare {welfare:g}")

stag, hare = pg.pure_equilibria(game)
print("both hunt stag up to λ =", stag.lam_max, "and hare up to", hare.lam_max)
