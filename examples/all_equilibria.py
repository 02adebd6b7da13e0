"""Enumerate every equilibrium of a two-player game, in fractions."""

from __future__ import annotations

from pathlib import Path

import powergames as pg

game = pg.load(Path(__file__).parent / "games" / "stag_hunt.nfg")
equilibria = pg.solve_all(game, pg.PowerObjective(lam="1/5"), exact=True)

for number, component in enumerate(equilibria.components, start=1):
    for equilibrium in component:
        mixtures = [" ".join(map(str, strategy)) for strategy in equilibrium.profile]
        print(f"component {number}: {' | '.join(mixtures)}, regret {equilibrium.certificate.max_regret}")
