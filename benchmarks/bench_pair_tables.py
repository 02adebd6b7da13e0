"""Time of all pair tables of a game, against the time of merely adding up its payoffs, and against opt_einsum.

Run ``python benchmarks/bench_pair_tables.py``. Everything is warm and on one thread; times are the least (median) of
the repeats. opt_einsum makes one contraction for each ordered pair of players: by `contract`, as one would type it, and
by expressions whose paths were found beforehand ("prepared").
"""

from __future__ import annotations

import os

os.environ["NUMBA_NUM_THREADS"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"

import itertools
import statistics
import time
from collections.abc import Callable

import numpy as np

from powergames.games import NormalFormGame
from powergames.power import pair_tables

try:
    import opt_einsum
except ImportError:
    opt_einsum = None

SIZES = ((2, 1000), (3, 200), (4, 40), (6, 10), (8, 6), (10, 4))
REPEATS = 15

Tables = dict[tuple[int, int], np.ndarray]


def main() -> None:
    """Print one line per size."""
    if opt_einsum is None:
        print("opt_einsum is not installed, its columns stay empty: pip install opt_einsum\n")
    print("times in ms, least (median)")
    print(
        f"{'players':>7} {'actions':>7} {'payoffs.sum()':>15} {'pair tables':>15} {'x sum':>6}"
        f" {'opt_einsum':>15} {'x ours':>7} {'prepared':>15} {'x ours':>7} {'max diff':>9}"
    )
    for n_players, n_actions in SIZES:
        print(_line(n_players, n_actions), flush=True)


def _line(n_players: int, n_actions: int) -> str:
    rng = np.random.default_rng(0)
    game = NormalFormGame(rng.random((n_players, *[n_actions] * n_players)))
    profile = [rng.dirichlet(np.ones(n_actions)) for _ in range(n_players)]
    total, ours = _times([game.payoffs.sum, lambda: pair_tables(game, profile)], REPEATS)
    line = f"{n_players:>7} {n_actions:>7} {_text(total):>15} {_text(ours):>15} {min(ours) / min(total):>6.2f}"
    if opt_einsum is None:
        return line
    contract, prepared = _by_opt_einsum(game, profile)
    for theirs in _times([contract, prepared], 5):
        line += f" {_text(theirs):>15} {min(theirs) / min(ours):>7.1f}"
    tables, expected = pair_tables(game, profile), contract()
    return f"{line} {max(np.abs(tables[i][j] - table).max() for (i, j), table in expected.items()):>9.1e}"


def _by_opt_einsum(game: NormalFormGame, profile: list[np.ndarray]) -> list[Callable[[], Tables]]:
    """Return two functions that compute all pair tables: finding the paths at each call, and with paths prepared."""
    letters = [opt_einsum.get_symbol(k) for k in range(game.n_players)]
    problems = {}
    for i, j in itertools.permutations(range(game.n_players), 2):
        rest = [k for k in range(game.n_players) if k not in (i, j)]
        terms = ["".join(letters), *(letters[k] for k in rest)]
        formula = f"{','.join(terms)}->{letters[i]}{letters[j]}"
        operands = [game.payoffs[i], *(profile[k] for k in rest)]
        expression = opt_einsum.contract_expression(formula, *(operand.shape for operand in operands))
        problems[i, j] = formula, expression, operands
    return [
        lambda: {pair: opt_einsum.contract(formula, *operands) for pair, (formula, _, operands) in problems.items()},
        lambda: {pair: expression(*operands) for pair, (_, expression, operands) in problems.items()},
    ]


def _times(functions: list[Callable[[], object]], repeats: int) -> list[list[float]]:
    """Time functions in turn, so that all see the same noise; in seconds, after one call to warm up."""
    for function in functions:
        function()
    times: list[list[float]] = [[] for _ in functions]
    for _ in range(repeats):
        for function, record in zip(functions, times, strict=True):
            start = time.perf_counter()
            function()
            record.append(time.perf_counter() - start)
    return times


def _text(times: list[float]) -> str:
    return f"{1e3 * min(times):.2f} ({1e3 * statistics.median(times):.2f})"


if __name__ == "__main__":
    main()
