"""Time to find one certified equilibrium of random stochastic games, and against sgamesolver.

Run ``python benchmarks/bench_stochastic.py`` (``--sizes 2x50x4 3x20x3`` for some of the sizes, players x states x
actions; ``--seeds 5`` for fewer games). Rewards are uniform, transitions dense and δ = 0.95. A game counts as failed if
its certificate, computed without the solver's help, shows a regret above 1e-8 of the range of values.

With ``--against`` it instead solves the same games at λ = 0 by sgamesolver's LogTracing too, in this process and warm.
That needs an environment of its own, with this project, ``cython``, ``setuptools`` and, installed behind them with
``--no-build-isolation``, sgamesolver 1.0.2. Both sides' profiles are judged by the same certificate; theirs count as
failed above 1e-4, and a side is asked for no more games of a size once it took longer than ``--limit`` seconds.
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
from functools import partial
from typing import Any

import numpy as np

import powergames as pg
from powergames.games.catalog.stochastic import random_stochastic

SIZES = ("2x8x3", "2x50x4", "2x100x5", "2x200x3", "3x20x3", "3x50x4", "4x20x3", "5x10x3")
AGAINST = ("2x8x3", "2x50x3", "2x100x2")
LAMS = (0.0, 0.1, 0.3, 0.6)
TOLERANCE, TOLERANCE_OF_OTHERS = 1e-8, 1e-4


def regret(game: pg.StochasticGame, objective: pg.PowerObjective, profile: Any) -> float:
    """Return the greatest regret, relative to the range of values, from the profile alone."""
    return float(pg.certify(game, profile, objective).scaled_regret)


def report(name: str, times: Sequence[float], regrets: Sequence[float], tolerance: float) -> None:
    """Print one line: median and greatest time, failures, greatest regret."""
    failed = sum(not value <= tolerance for value in regrets)
    print(
        f"{name:<32} median {1e3 * statistics.median(times):>9.1f} ms   max {1e3 * max(times):>9.1f} ms   "
        f"failed {failed} of {len(times)}   worst regret {max(regrets):.1e}",
        flush=True,
    )


def timed(solve: Callable[[], Any]) -> tuple[Any, float]:
    """Return what a function returns and how long it took."""
    start = time.perf_counter()
    result = solve()
    return result, time.perf_counter() - start


def families(sizes: Sequence[str], seeds: int) -> None:
    """Solve all random games of each size, at each λ and in both forms."""
    for size in sizes:
        players, states, actions = map(int, size.split("x"))
        games = [random_stochastic(players, states, actions, seed=seed) for seed in range(seeds)]
        for lam in LAMS:
            for form in ("penalty", "adversarial") if lam else ("penalty",):
                objective = pg.PowerObjective(lam, form=form)
                pg.solve(random_stochastic(players, 2, actions), objective)
                times, regrets = [], []
                for game in games:
                    equilibrium, seconds = timed(partial(pg.solve, game, objective))
                    times.append(seconds)
                    regrets.append(regret(game, objective, equilibrium.profile))
                report(f"{size} λ = {lam:g} {form}", times, regrets, TOLERANCE)


def against(sizes: Sequence[str], seeds: int, limit: float) -> None:
    """Solve games at λ = 0 on both sides."""
    # sgamesolver 1.0.2 uses a name that NumPy 2 no longer has.
    vars(np)["NaN"] = np.nan
    import sgamesolver

    objective = pg.PowerObjective()

    def theirs(game: pg.StochasticGame) -> Any:
        shape = game.n_states, *game.max_actions
        rewards = game.rewards.reshape(game.n_players, *shape).swapaxes(0, 1)
        transitions = game.transitions.toarray().reshape(*shape, game.n_states)
        copy = sgamesolver.SGame(rewards, transitions, game.discounts[0])
        homotopy = sgamesolver.homotopy.LogTracing(copy)
        homotopy.solver_setup()
        homotopy.solver.verbose = 0
        homotopy.solve()
        strategies = homotopy.equilibrium.strategies
        return [np.nan_to_num(strategies[:, i, : game.max_actions[i]]) for i in range(game.n_players)]

    for size in sizes:
        players, states, actions = map(int, size.split("x"))
        games = [random_stochastic(players, states, actions, seed=seed) for seed in range(seeds)]
        sides: dict[str, tuple[Callable[[Any], Any], float]] = {
            "powergames": (lambda game: pg.solve(game, objective).profile, TOLERANCE),
            "LogTracing": (theirs, TOLERANCE_OF_OTHERS),
        }
        medians = {}
        for name, (solve, tolerance) in sides.items():
            solve(random_stochastic(players, 2, actions))
            times, regrets = [], []
            for game in games:
                profile, seconds = timed(partial(solve, game))
                times.append(seconds)
                regrets.append(regret(game, objective, profile))
                if seconds > limit:
                    break
            report(f"{size} {name}", times, regrets, tolerance)
            medians[name] = statistics.median(times)
        print(f"{size} ratio of medians, ours over theirs: {medians['powergames'] / medians['LogTracing']:.4f}")


def main() -> None:
    """Read the arguments and print a line for each family."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", help="players x states x actions")
    parser.add_argument("--seeds", type=int, default=20, help="games of each size")
    parser.add_argument("--against", action="store_true", help="compare with sgamesolver at λ = 0")
    parser.add_argument("--limit", type=float, default=60.0, help="seconds after which a side is not asked again")
    options = parser.parse_args()
    if options.against:
        against(options.sizes or AGAINST, options.seeds, options.limit)
    else:
        families(options.sizes or SIZES, options.seeds)


if __name__ == "__main__":
    main()
