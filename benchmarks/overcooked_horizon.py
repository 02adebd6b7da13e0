"""Kitchens in the form "penalty" with a horizon, and whether play settles far from the end.

Run ``python benchmarks/overcooked_horizon.py``: a minute on one core. It writes a table into docs/overcooked.md.

A stationary equilibrium plays alike at all steps. Backward induction would approach one if it came to rest: rewards
more than a hundred steps ahead count for less than a hundredth at discount 0.95. The table counts the states in which
players act otherwise at one step than at the next, on average over the first half of play, and those in which they mix.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
import time
from pathlib import Path

import numpy as np
from pages import replaced

import powergames as pg

PAGE = Path(__file__).parent.parent / "docs" / "overcooked.md"
KITCHENS = ("shared_pot", "three_pots")
LAMS = ("0.1", "0.2", "0.3")
HORIZONS = (105, 210)

# Probabilities that differ by less are the same.
SAME = 1e-6


def counted(equilibrium: pg.HorizonEquilibrium) -> tuple[float, float]:
    """Return in how many states players act otherwise at the next step, and mix, on average over the first half."""
    half = equilibrium.horizon // 2
    changes, mixtures = [], []
    for step in range(half):
        now, after = ([np.asarray(own[t]) for own in equilibrium.profile] for t in (step, step + 1))
        differs = [np.abs(a - b).max(axis=1) > SAME for a, b in zip(now, after, strict=True)]
        changes.append(np.count_nonzero(np.any(differs, axis=0)))
        mixtures.append(np.count_nonzero(np.any([own.max(axis=1) < 1.0 - SAME for own in now], axis=0)))
    return float(np.mean(changes)), float(np.mean(mixtures))


def table() -> list[str]:
    """Solve, and write the results as a table in Markdown."""
    lines = [
        "| kitchen (states) | λ | steps | return of each | regret | otherwise at the next step | mixed | CPU s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name in KITCHENS:
        game = pg.compile_overcooked(name)
        for lam in LAMS:
            for horizon in HORIZONS:
                began = time.process_time()
                equilibrium = pg.solve(game, pg.PowerObjective(lam), horizon=horizon)
                seconds = time.process_time() - began
                evaluation = pg.evaluate(game, equilibrium.profile, equilibrium.objective, horizon=horizon)
                returns = ", ".join(f"{value:.3f}" for value in evaluation.start_task)
                changes, mixtures = counted(equilibrium)
                lines.append(
                    f"| {name} ({game.n_states:,}) | {lam} | {horizon} | {returns} | "
                    f"{equilibrium.certificate.scaled_regret:.0e} | {changes:,.0f} | {mixtures:,.0f} | {seconds:.0f} |"
                )
                print(lines[-1], flush=True)
    return lines


def main() -> None:
    """Write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dry", action="store_true", help="print the table only")
    options = parser.parse_args()
    lines = table()
    if not options.dry:
        PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8"), "horizon", "\n".join(lines)), encoding="utf-8")


if __name__ == "__main__":
    main()
