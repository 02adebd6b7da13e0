"""Games a second: `solve_many` against a loop over the solvers of QuantEcon and Gambit.

Run ``python benchmarks/bench_many.py``. Payoffs are uniform and seeded; everything runs warm on one thread, and all
sides have the same games of 3 x 3 actions, built beforehand in their own form. Ours are the seconds of the whole call,
with the certificates of all games; the others certify nothing. A game has failed if the regret is above 1e-8 of the
payoff range, or if there is an error.
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
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import powergames as pg
from powergames.checking.many import bound_regrets

TOLERANCE = 1e-8


def main(arguments: Sequence[str] | None = None) -> None:
    """Print one line for each side."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--games", type=int, default=20_000, help="number of games (default %(default)s)")
    parser.add_argument("--actions", type=int, default=3, help="actions of each player (default %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="runs, of which the median counts (default %(default)s)")
    options = parser.parse_args(arguments)
    size = options.actions
    payoffs = np.random.default_rng(0).random((options.games, 2, size, size))
    payoffs.flags.writeable = False
    print(f"{size} x {size} actions{'':>24}{'games':>8} {'games/s':>10} {'failed':>7}")
    for lam in (0.0, 0.3, 1.0):
        times = []
        for _ in range(options.rounds + 1):
            start = time.perf_counter()
            found = pg.solve_many(payoffs, lam)
            times.append(time.perf_counter() - start)
        _print(f"solve_many, λ = {lam:g}", len(payoffs), statistics.median(times[1:]), int((~found.certified).sum()))
    loop = [pg.NormalFormGame(game) for game in payoffs[:1000]]
    _loop("loop over pg.solve, λ = 0", payoffs, loop, lambda game: pg.solve(game).profile)
    try:
        import quantecon.game_theory as quantecon

        games = [
            quantecon.NormalFormGame([quantecon.Player(A.copy()), quantecon.Player(B.T.copy())]) for A, B in payoffs
        ]
        _loop("loop over QuantEcon, Lemke-Howson", payoffs, games, quantecon.lemke_howson)
    except ImportError:
        print("quantecon is not installed: pip install quantecon")
    try:
        import pygambit

        def solved(game: Any) -> Any:
            profile = pygambit.nash.lcp_solve(game, rational=False, stop_after=1).equilibria[0]
            return [[float(profile[s]) for s in player.strategies] for player in game.players]

        games = [pygambit.Game.from_arrays(A, B) for A, B in payoffs]
        _loop("loop over Gambit, lcp_solve", payoffs, games, solved)
    except ImportError:
        print("pygambit is not installed: pip install pygambit")


def _loop(name: str, payoffs: np.ndarray, games: Sequence[Any], solve: Callable[[Any], Any]) -> None:
    """Time one call after the other, and count how many find no equilibrium."""
    solve(games[0])
    profiles: list[Any] = []
    start = time.perf_counter()
    for game in games:
        try:
            profiles.append(solve(game))
        except Exception:
            profiles.append([np.full(size, np.nan) for size in payoffs.shape[2:]])
    seconds = time.perf_counter() - start
    strategies = tuple(np.array([profile[i] for profile in profiles]) for i in range(2))
    _, scaled = bound_regrets(payoffs[: len(games)], strategies, pg.PowerObjective())
    _print(name, len(games), seconds, int((scaled.max(axis=1) > TOLERANCE).sum()))


def _print(name: str, games: int, seconds: float, failed: int) -> None:
    print(f"{name:<38} {games:>8,} {games / seconds:>10,.0f} {failed:>7}", flush=True)


if __name__ == "__main__":
    main()
