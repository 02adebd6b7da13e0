"""Time to find all equilibria, and how often none is missing.

Run ``python benchmarks/bench_all_equilibria.py``. Three comparisons of two-player games at λ = 0, each on the same
seeded games, built beforehand, warm and on one thread: random real payoffs against quantecon's vertex enumeration;
small integer payoffs, degenerate on purpose, of both against pygambit's `enummixed` in exact rationals; and exact 7 x 7
games against the same. Ratios are ours over theirs, game by game. Equilibria that the other libraries list more than
once count once; ours must not repeat any. Last come games of few actions on one side at λ = 0.3, and random games of
more players at several λ, ours alone, and random stochastic games.
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
from fractions import Fraction
from typing import Any

import numpy as np

import powergames as pg

try:
    import pygambit
except ImportError:
    pygambit = None
try:
    import quantecon.game_theory as quantecon
except ImportError:
    quantecon = None

Pair = tuple[np.ndarray, ...]


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the six tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[7, 9, 11, 13], help="numbers of actions")
    parser.add_argument("--seeds", type=int, default=11, help="games of each size (default %(default)s)")
    parser.add_argument("--degenerate", type=int, default=100, help="degenerate games (default %(default)s)")
    parser.add_argument("--stochastic", type=int, default=20, help="stochastic games (default %(default)s)")
    options = parser.parse_args(arguments)
    for library, name in ((quantecon, "quantecon"), (pygambit, "pygambit")):
        if library is None:
            print(f"{name} is not installed, its columns stay empty: pip install {name}\n")
    _generic(options.sizes, options.seeds)
    _degenerate(options.degenerate)
    _exact(options.seeds)
    _narrow(options.seeds)
    _many_players(options.seeds)
    _stochastic(options.stochastic)


def _generic(sizes: Sequence[int], seeds: int) -> None:
    print("real payoffs, times in ms; differ: games on which the two sides do not find the same equilibria")
    print(
        f"{'actions':>7} {'games':>5} {'median':>9} {'max':>9} {'quantecon':>9} {'max':>9} {'ratio':>6} {'differ':>6}"
    )
    for size in sizes:
        ours, theirs, differ = [], [], 0
        for seed in range(-1, seeds):
            payoffs = np.random.default_rng([size, max(seed, 0)]).random((2, size, size))
            mine, elapsed = _timed(finder(payoffs))
            if seed >= 0:
                ours.append(elapsed)
            if quantecon is None:
                continue
            found, elapsed = _timed(_quantecon(payoffs))
            if seed >= 0:
                theirs.append(elapsed)
                differ += not same_pairs(mine, distinct(found))
        line = f"{size:>7} {len(ours):>5} {_text(ours)}"
        if theirs:
            ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
            line += f" {_text(theirs)} {ratio:>6.2f} {differ:>6}"
        print(line, flush=True)


def _degenerate(count: int) -> None:
    if pygambit is None:
        return
    print("\ninteger payoffs: games on which exactly the extreme equilibria of pygambit (exact) are found")
    print(f"{'actions':>7} {'payoffs':>7} {'games':>5} {'float':>6} {'exact':>6} {'quantecon':>9} {'errors':>6}")
    for size, largest in ((3, 1), (3, 2), (4, 2), (5, 4)):
        complete, errors = {"float": 0, "exact": 0, "quantecon": 0}, 0
        for seed in range(count):
            payoffs = np.random.default_rng([size, largest, seed]).integers(largest + 1, size=(2, size, size))
            expected = distinct(_gambit(payoffs)())
            complete["float"] += same_pairs(finder(payoffs)(), expected)
            complete["exact"] += same_pairs(finder(payoffs, exact=True)(), expected)
            if quantecon is None:
                continue
            try:
                found = _quantecon(payoffs.astype(float))()
            except Exception:
                errors += 1
            else:
                complete["quantecon"] += same_pairs(distinct(found), expected)
        line = f"{size:>7} {f'0 to {largest}':>7} {count:>5} {complete['float']:>6} {complete['exact']:>6}"
        print(line if quantecon is None else f"{line} {complete['quantecon']:>9} {errors:>6}", flush=True)


def _exact(seeds: int) -> None:
    print("\nexact rationals, integer payoffs 0 to 99, 7 x 7, times in ms")
    print(f"{'games':>5} {'median':>9} {'max':>9} {'pygambit':>9} {'max':>9} {'ratio':>6} {'differ':>6}")
    ours, theirs, differ = [], [], 0
    for seed in range(-1, seeds):
        payoffs = np.random.default_rng([7, max(seed, 0)]).integers(100, size=(2, 7, 7))
        mine, elapsed = _timed(finder(payoffs, exact=True))
        if seed >= 0:
            ours.append(elapsed)
        if pygambit is None:
            continue
        found, elapsed = _timed(_gambit(payoffs))
        if seed >= 0:
            theirs.append(elapsed)
            differ += not same_pairs(mine, distinct(found))
    line = f"{len(ours):>5} {_text(ours)}"
    if theirs:
        ratio = statistics.median(a / b for a, b in zip(ours, theirs, strict=True))
        line += f" {_text(theirs)} {ratio:>6.2f} {differ:>6}"
    print(line, flush=True)


def _narrow(seeds: int) -> None:
    print("\ntwo players, few actions of one, real payoffs, λ = 0.3, times in ms")
    print(f"{'size':>7} {'games':>5} {'median':>9} {'max':>9} {'complete':>8} {'odd number':>10}")
    for shape in ((30, 2), (40, 2), (100, 2), (400, 2), (40, 3), (100, 3), (30, 4)):
        times, complete, odd = [], 0, 0
        for seed in range(-1, seeds):
            game = pg.NormalFormGame(np.random.default_rng([*shape, max(seed, 0)]).random((2, *shape)))
            start = time.perf_counter()
            found = pg.solve_all(game, 0.3)
            if seed >= 0:
                times.append(time.perf_counter() - start)
                complete += found.complete
                odd += len(found) % 2
        print(f"{f'{shape[0]}x{shape[1]}':>7} {seeds:>5} {_text(times)} {complete:>8} {odd:>10}", flush=True)


def _many_players(seeds: int) -> None:
    print("\nmore players, real payoffs, times in ms; complete: games of which no equilibrium can be missing")
    print(f"{'size':>7} {'λ':>5} {'games':>5} {'median':>9} {'max':>9} {'complete':>8} {'odd number':>10}")
    for players, actions in ((3, 2), (4, 2), (3, 3), (5, 2)):
        for lam in (0, 0.3, 1):
            times, complete, odd = [], 0, 0
            for seed in range(-1, seeds):
                generator = np.random.default_rng([players, actions, max(seed, 0)])
                game = pg.NormalFormGame(generator.random((players, *[actions] * players)))
                start = time.perf_counter()
                found = pg.solve_all(game, pg.PowerObjective(lam))
                if seed >= 0:
                    times.append(time.perf_counter() - start)
                    complete += found.complete
                    odd += len(found) % 2
            print(f"{f'{players}x{actions}':>7} {lam:>5} {seeds:>5} {_text(times)} {complete:>8} {odd:>10}", flush=True)


def _stochastic(seeds: int) -> None:
    print("\nstochastic games, γ = 0.9, real rewards, processor times in ms, mixed equilibria included")
    print(f"{'size':>7} {'λ':>5} {'form':>11} {'games':>5} {'median':>9} {'max':>9} {'complete':>8} {'odd number':>10}")
    for states, players, actions in ((2, 2, 2), (3, 2, 2), (2, 2, 3), (2, 3, 2)):
        for lam, form in ((0, "penalty"), (0.3, "penalty"), (0.3, "adversarial")):
            times, complete, odd = [], 0, 0
            for seed in range(-1, seeds):
                generator = np.random.default_rng([states, players, actions, max(seed, 0)])
                shape = (states, *[actions] * players)
                transitions = generator.dirichlet(np.full(states, 0.4), size=shape)
                game = pg.StochasticGame(generator.random((players, *shape)), transitions, 0.9)
                start = time.process_time()
                found = pg.solve_all(game, pg.PowerObjective(lam, form=form))
                if seed >= 0:
                    times.append(time.process_time() - start)
                    complete += found.complete
                    odd += len(found) % 2
            size = f"{states}x{players}x{actions}"
            print(
                f"{size:>7} {lam:>5} {form:>11} {seeds:>5} {_text(times)} {complete:>8} {odd:>10}",
                flush=True,
            )


def same_pairs(left: Sequence[Pair], right: Sequence[Pair], tol: float = 1e-7) -> bool:
    """Tell whether two lists hold the same pairs of strategies in any order, each once."""
    remaining = [np.concatenate(pair).astype(float) for pair in right]
    if len(left) != len(remaining):
        return False
    for pair in left:
        flat = np.concatenate(pair).astype(float)
        distances = [np.abs(flat - other).max() for other in remaining]
        nearest = int(np.argmin(distances))
        if not distances[nearest] <= tol:
            return False
        remaining.pop(nearest)
    return True


def distinct(pairs: Sequence[Pair]) -> list[Pair]:
    """Return pairs of strategies without repetitions."""
    kept: list[Pair] = []
    for pair in pairs:
        if not any(same_pairs([pair], [other]) for other in kept):
            kept.append(pair)
    return kept


def finder(payoffs: np.ndarray, exact: bool = False) -> Callable[[], list[Pair]]:
    """Return a function that finds all equilibria, extreme ones where there are infinitely many."""
    game = pg.NormalFormGame(payoffs)
    return lambda: [equilibrium.profile for equilibrium in pg.solve_all(game, exact=exact)]


def _quantecon(payoffs: np.ndarray) -> Callable[[], list[Pair]]:
    A, B = payoffs
    players = quantecon.Player(A.copy(order="C")), quantecon.Player(B.T.copy(order="C"))
    game = quantecon.NormalFormGame(players)
    return lambda: quantecon.vertex_enumeration(game)


def _gambit(payoffs: np.ndarray) -> Callable[[], list[Pair]]:
    game = pygambit.Game.from_arrays(*payoffs)

    def solve() -> list[Pair]:
        found = pygambit.nash.enummixed_solve(game, rational=True).equilibria
        return [
            tuple(np.array([_fraction(mixed[s]) for s in player.strategies]) for player in game.players)
            for mixed in found
        ]

    return solve


def _fraction(number: Any) -> Fraction:
    return Fraction(int(number.numerator), int(number.denominator))


def _timed(function: Callable[[], list[Pair]]) -> tuple[list[Pair], float]:
    start = time.perf_counter()
    result = function()
    return result, time.perf_counter() - start


def _text(times: Sequence[float]) -> str:
    return f"{1e3 * statistics.median(times):>9.2f} {1e3 * max(times):>9.2f}"


if __name__ == "__main__":
    main()
