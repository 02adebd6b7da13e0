"""OpenSpiel's laser tag, compiled and solved: 7 × 7 cells, two players whose rewards do not sum to zero.

Run ``python benchmarks/bench_laser_tag.py``; ``--time-limit 60`` says how many seconds the search for an equilibrium
has. ``--game "laser_tag(zero_sum=true)" --lam 0`` is the game in which they do, solved by Shapley iteration. It needs
OpenSpiel, and several gigabytes of memory.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
import time
from typing import Any

import powergames as pg


def main() -> None:
    """Compile, solve and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--game", default="laser_tag")
    parser.add_argument("--lam", default="0.1")
    parser.add_argument("--time-limit", type=float, default=60.0)
    arguments = parser.parse_args()
    began = time.perf_counter()
    game: Any = pg.from_openspiel(arguments.game, discount=0.95, key=str)
    print(f"{game} compiled in {time.perf_counter() - began:.0f} s", flush=True)
    began = time.perf_counter()
    objective = pg.PowerObjective(arguments.lam, form="adversarial")
    found: Any = pg.solve(game, objective, time_limit=arguments.time_limit)
    print(f"{found} after {time.perf_counter() - began:.0f} s by {found.method}")
    print("power of each over the other:", found.evaluation.average_power.round(4).tolist())


if __name__ == "__main__":
    main()
