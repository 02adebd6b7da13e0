"""How many degenerate games of three players are solved completely, and how long it takes.

Run ``python benchmarks/degenerate_games.py``. Payoffs are small random integers, so that equilibria often form
continua. A game counts as complete if all its equilibria lie in the sets that are listed, or within `distance` of them.
Times are seconds of processor time, warm and on one thread.
"""

from __future__ import annotations

import os

os.environ["NUMBA_NUM_THREADS"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"

import argparse
import statistics
import time
from collections.abc import Sequence

import numpy as np

import powergames as pg

# Numbers of actions, the largest payoff, and how many games.
FAMILIES = (((2, 2, 2), 1, 200), ((2, 2, 3), 2, 50), ((3, 3, 3), 1, 50))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--games", type=int, help="games of each size at most")
    parser.add_argument("--lam", type=float, nargs="+", default=[0, 0.3], help="values of λ (default 0 0.3)")
    options = parser.parse_args(arguments)
    print(
        f"{'size':>7} {'payoffs':>8} {'λ':>5} {'games':>5} {'complete':>8} {'distance':>9} {'median':>7} {'worst':>7}"
    )
    for lam in options.lam:
        for shape, largest, count in FAMILIES:
            _solved(shape, largest, lam, min(count, options.games or count))


def _solved(shape: tuple[int, ...], largest: int, lam: float, count: int) -> None:
    times, complete, distance = [], 0, 0.0
    for seed in range(-1, count):
        payoffs = np.random.default_rng(max(seed, 0)).integers(0, largest, (len(shape), *shape), endpoint=True)
        game = pg.NormalFormGame(payoffs)
        start = time.process_time()
        found = pg.solve_all(game, lam)
        if seed >= 0:
            times.append(time.process_time() - start)
            complete += found.complete
            distance = max(distance, found.distance)
    size = "x".join(map(str, shape))
    print(
        f"{size:>7} {f'0 to {largest}':>8} {lam:>5} {count:>5} {complete:>8} {distance:>9.1e} "
        f"{statistics.median(times):>7.2f} {max(times):>7.2f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
