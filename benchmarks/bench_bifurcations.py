"""Time to find all equilibria for all λ in [0, 1], exactly, of random two-player games.

Run ``python benchmarks/bench_bifurcations.py``. Payoffs are seeded: integers below 1000, whose arithmetic fits into
machine integers, or floats of 16 digits, whose does not. Warm, on one thread. The check compares what was found with
``solve_all(..., exact=True)`` at every breakpoint and in the middle of every interval between two; it is not timed.
"""

from __future__ import annotations

import os

os.environ["NUMBA_NUM_THREADS"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"

import argparse
import statistics
import time
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np

import powergames as pg


def main(arguments: Sequence[str] | None = None) -> None:
    """Print one line for each size and kind of payoffs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[2, 3, 4, 5], help="numbers of actions")
    parser.add_argument("--seeds", type=int, default=5, help="games of each kind (default %(default)s)")
    parser.add_argument("--no-check", action="store_true", help="only take the times")
    options = parser.parse_args(arguments)
    pg.bifurcations(pg.NormalFormGame(np.random.default_rng(0).integers(0, 9, (2, 4, 4))))
    print("actions  payoffs  median ms     max ms  branches  breakpoints  wrong")
    for size in options.sizes:
        for kind in ("integers", "floats"):
            times, branches, breakpoints, wrong = [], [], [], 0
            for seed in range(options.seeds):
                rng = np.random.default_rng([size, seed])
                game = pg.NormalFormGame(
                    rng.integers(0, 1000, (2, size, size)) if kind == "integers" else rng.random((2, size, size))
                )
                start = time.perf_counter()
                found = pg.bifurcations(game)
                times.append(1e3 * (time.perf_counter() - start))
                branches.append(len(found))
                breakpoints.append(len(found.breakpoints))
                wrong += not found.converged or not (options.no_check or _right(game, found))
            counts = f"{statistics.mean(branches):>9.1f} {statistics.mean(breakpoints):>12.1f} {wrong:>6}"
            print(f"{size:>7} {kind:>8} {statistics.median(times):>10.0f} {max(times):>10.0f} {counts}", flush=True)


def _right(game: pg.NormalFormGame, found: Any) -> bool:
    lams = [*found.breakpoints, *((a + b) / 2 for a, b in pairwise(found.breakpoints))]
    return all(_profiles(found.at(lam)) == _profiles(pg.solve_all(game, lam, exact=True)) for lam in lams)


def _profiles(equilibria: Any) -> set[tuple[tuple[Fraction, ...], ...]]:
    return {tuple(map(tuple, equilibrium.profile)) for equilibrium in equilibria}


if __name__ == "__main__":
    main()
