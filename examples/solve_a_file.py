"""Solve a game from a file and look at its certificate."""

from __future__ import annotations

from pathlib import Path

import powergames as pg

game = pg.load(Path(__file__).parent / "games" / "stag_hunt.nfg")
equilibrium = pg.solve(game, pg.PowerObjective(lam=0.2), select="welfare")

for player, strategy in zip(game.players, equilibrium.profile, strict=True):
    print(player, strategy)
print("task", equilibrium.task, "utility", equilibrium.utility)
print("status", equilibrium.status.name, "regret", equilibrium.certificate.max_regret)
