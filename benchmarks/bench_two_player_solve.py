"""Time to find one equilibrium of random two-player games, against quantecon's Lemke-Howson.

Run ``python benchmarks/bench_two_player_solve.py`` (``--large`` adds games of 1000 x 1000 actions). Payoffs are
uniform and seeded; both sides solve the same games, built beforehand, warm and on one thread. The ratio is ours over
theirs, game by game. An equilibrium counts as failed if its regret, relative to the payoff range, exceeds 1e-9; so
does a game on which a side raises an error or runs out of time. Below each line stands the first reason for failure,
and there is no ratio where a side failed on every game. The second table has λ = 0.3 against λ = 0, ours.
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
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import powergames as pg

try:
    import quantecon.game_theory as quantecon
except ImportError:
    quantecon = None

TOLERANCE = 1e-9


class TimeUpError(Exception):
    """A game took longer than allowed."""


@dataclass
class Record:
    """Times of one side on the games of one size, how often it failed, and why it first did."""

    times: list[float] = field(default_factory=list)
    failures: int = 0
    reason: str = ""

    def add(self, solve: Callable[[], Any], game: pg.NormalFormGame, objective: pg.PowerObjective) -> None:
        """Time one call and check what it returns; a failure still counts with its time."""
        reason, profile = "", None
        start = time.perf_counter()
        try:
            profile = solve()
        except Exception as error:
            reason = f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
        self.times.append(time.perf_counter() - start)
        if profile is not None and not (gain := regret(game, objective, profile)) <= TOLERANCE:
            reason = f"regret {gain:.1e}"
        if reason:
            self.failures += 1
            self.reason = self.reason or reason


def main(arguments: Sequence[str] | None = None) -> None:
    """Print one line per size, for each of the two comparisons."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10, 50, 100, 200, 500], help="numbers of actions")
    parser.add_argument("--large", action="store_true", help="add games of 1000 x 1000 actions")
    parser.add_argument("--seeds", type=int, default=21, help="games of each size (default %(default)s)")
    parser.add_argument("--limit", type=float, default=120.0, help="seconds for each game (default %(default)s)")
    options = parser.parse_args(arguments)
    sizes = [*options.sizes, *([1000] if options.large else [])]
    if quantecon is None:
        print("quantecon is not installed, its columns stay empty: pip install quantecon\n")
    print("times in ms over the games of each size")
    head = f"{'actions':>7} {'games':>5} {'median':>10} {'max':>10} {'failed':>6}"
    print(f"λ = 0\n{head} {'quantecon':>10} {'max':>10} {'failed':>6} {'ratio':>6}")
    plain = {}
    for size in sizes:
        plain[size], theirs = _nash(size, options.seeds, options.limit)
        line = f"{size:>7} {_text(plain[size])}"
        if theirs.times:
            line += f" {_text(theirs)[6:]} {_ratio(plain[size], theirs):>6}"
        print(line, flush=True)
        _explain("ours", plain[size])
        _explain("quantecon", theirs)
    print(f"λ = 0.3\n{head} {'x λ = 0':>10}")
    for size in sizes:
        record = _regularized(size, options.seeds, options.limit, 0.3)
        print(f"{size:>7} {_text(record)} {_ratio(record, plain[size]):>10}", flush=True)
        _explain("ours", record)


def random_game(size: int, seed: int) -> pg.NormalFormGame:
    """Return a seeded game with payoffs uniform on [0, 1)."""
    return pg.NormalFormGame(np.random.default_rng([size, seed]).random((2, size, size)))


def regret(game: pg.NormalFormGame, objective: pg.PowerObjective, profile: Any) -> float:
    """Return the range-scaled regret of a profile; infinite where it is not even a profile."""
    try:
        return float(pg.certify(game, profile, objective).scaled_regret)
    except pg.InputError:
        return float("inf")


def _nash(size: int, seeds: int, limit: float) -> tuple[Record, Record]:
    ours, theirs = Record(), Record()
    objective = pg.PowerObjective()
    for seed in range(-1, seeds):
        game = random_game(size, max(seed, 0))
        sides = [(ours, solver(game, objective, limit))]
        if quantecon is not None:
            sides.append((theirs, _quantecon_solver(game, size)))
        for record, solve in sides:
            # The first game is solved twice, once to warm up.
            (Record() if seed < 0 else record).add(solve, game, objective)
    return ours, theirs


def _regularized(size: int, seeds: int, limit: float, lam: float) -> Record:
    record, objective = Record(), pg.PowerObjective(lam)
    for seed in range(-1, seeds):
        game = random_game(size, max(seed, 0))
        (Record() if seed < 0 else record).add(solver(game, objective, limit), game, objective)
    return record


def solver(game: pg.NormalFormGame, objective: pg.PowerObjective, limit: float) -> Callable[[], Any]:
    """Return a function that finds one equilibrium and returns its profile, or raises once the limit is over."""

    def solve() -> Any:
        deadline = time.perf_counter() + limit

        def stop_in_time(stage: str, done: int, total: int) -> None:
            if time.perf_counter() > deadline:
                raise TimeUpError(f"{stage}: {done} of {total} steps in {limit} s")

        return pg.solve(game, objective, callback=stop_in_time).profile

    return solve


def _quantecon_solver(game: pg.NormalFormGame, size: int) -> Callable[[], Any]:
    # Copies in C order, both writable: quantecon's compiled code takes only matrices of one and the same kind.
    A, B = game.payoffs
    players = quantecon.Player(A.copy(order="C")), quantecon.Player(B.T.copy(order="C"))
    theirs = quantecon.NormalFormGame(players)
    return lambda: quantecon.lemke_howson(theirs, capping=size)


def _ratio(first: Record, second: Record) -> str:
    """Median of the ratios over the games; none where there is nothing to compare."""
    if any(record.failures == len(record.times) for record in (first, second)):
        return "-"
    return f"{statistics.median(a / b for a, b in zip(first.times, second.times, strict=True)):.2f}"


def _explain(name: str, record: Record) -> None:
    if record.reason:
        print(f"{'':>7} {name} failed, first: {record.reason}", flush=True)


def _text(record: Record) -> str:
    median, most = 1e3 * statistics.median(record.times), 1e3 * max(record.times)
    return f"{len(record.times):>5} {median:>10.3f} {most:>10.3f} {record.failures:>6}"


if __name__ == "__main__":
    main()
