"""Write the pictures of the how-to "Make pictures" to a folder, by default docs/images."""

import sys
from pathlib import Path

import powergames as pg
from powergames import viz

here = Path(__file__).parent
folder = Path(sys.argv[1]) if len(sys.argv) > 1 else here.parent / "docs" / "images"
stag, hunts, team = pg.load("stag_hunt"), pg.load("reputation_stag_hunt"), pg.load(here / "games" / "small_team.nfg")
swept = pg.sweep(stag, lams=[k / 20 for k in range(21)], all_equilibria=True, progress=False)
half = pg.evaluate(hunts, [[[0.9, 0.1]] * 4, [[0.6, 0.4]] * 4], pg.PowerObjective(0.2))
runs = [pg.train(hunts, pg.PowerObjective(0.1), seed=seed, steps=200_000) for seed in range(3)]
viz.save(viz.frontier(swept), folder / "frontier.svg")
viz.save(viz.bifurcation(swept, pg.trace(stag, start=pg.solve(stag, select="welfare"))), folder / "bifurcation.svg")
viz.save(viz.best_responses(stag, pg.PowerObjective(0.1)), folder / "best_responses.png")
viz.save(viz.power_network(pg.power_table(team, team.uniform_profile())), folder / "power_network.svg")
viz.save(viz.power_heatmap(pg.power_table(team, team.uniform_profile())), folder / "power_heatmap.svg")
viz.save(viz.trajectory(pg.solve(pg.load("grid_game"))), folder / "trajectory.svg")
viz.save(viz.learning_curves(runs, exact=pg.solve(hunts, pg.PowerObjective(0.1))), folder / "learning_curves.svg")
viz.save(viz.off_policy(pg.audit(hunts, half.profile, pg.PowerObjective(0.2))), folder / "off_policy.svg")
print("wrote the pictures to", folder)
