"""Time to find one equilibrium of random games of three to ten players, against pygambit.

Run ``python benchmarks/bench_many_players.py`` (``--method logit`` for the sure path alone, ``--sizes 3x10 8x2`` for
some of the sizes, players x actions). Payoffs are uniform and seeded; all sides solve the same games, built
beforehand, warm and on one thread, pygambit in a process of its own so that a call can be ended that takes too long.
A game counts as failed if an error is raised, nothing is found, time runs out, or the regret, relative to the payoff
range, exceeds 1e-10 for ours and 1e-6 for pygambit's; below each line stands the first reason. A side that runs out of
time twice, or has spent its budget, is not asked for more games of that size. At λ = 0, under ratio, stands our median
time over theirs, on the games that both solved or tried; at other λ, ours over ours at λ = 0.
"""

from __future__ import annotations

import os

os.environ["NUMBA_NUM_THREADS"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"

import argparse
import importlib.util
import multiprocessing
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

import powergames as pg

SIZES = ("3x3", "3x10", "4x5", "5x3", "6x3", "8x2", "10x2", "3x30")
LAMS = ("0", "0.3", "1")
THEIRS = ("ipa_solve", "logit_solve")
TOLERANCE, TOLERANCE_OF_OTHERS = 1e-10, 1e-6

# Calls of one side, on games of one size, that may run out of time.
PATIENCE = 2


class TimeUpError(Exception):
    """A game took longer than allowed."""


@dataclass
class Record:
    """Times of one side on the games of one size, how often it failed, and why it first did."""

    tolerance: float
    times: list[float] = field(default_factory=list)
    failures: int = 0
    timeouts: int = 0
    reason: str = ""

    @property
    def given_up(self) -> bool:
        """Whether the side ran out of time too often."""
        return self.timeouts >= PATIENCE

    def more(self, budget: float) -> bool:
        """Whether the side is to be asked for another game."""
        return not self.given_up and sum(self.times) <= budget

    def add(self, seconds: float, regret: float, reason: str = "") -> None:
        """Count one game."""
        if not reason and not regret <= self.tolerance:
            reason = f"regret {regret:.1e}"
        self.times.append(seconds)
        self.failures += bool(reason)
        self.reason = self.reason or reason

    def ratio(self, other: Record) -> str:
        """Median time over that of another side, on the games of both; none where one failed on all or gave up."""
        if any(record.given_up or record.failures == len(record.times) for record in (self, other)):
            return "-"
        ours, theirs = zip(*zip(self.times, other.times, strict=False), strict=True)
        return f"{statistics.median(ours) / statistics.median(theirs):.2f}"


class Gambit:
    """pygambit in a process of its own, restarted when a call must be ended."""

    def __init__(self, limit: float) -> None:
        self.limit = limit
        self.available = importlib.util.find_spec("pygambit") is not None
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self.process = context.Process(target=_serve, args=(theirs,), daemon=True)
        if self.available:
            self.process.start()
            self.connection.recv()

    def solve(self, solver: str, game: pg.NormalFormGame, record: Record) -> None:
        """Solve one game, and count it."""
        start = time.perf_counter()
        try:
            self.connection.send((solver, game.payoffs))
            self.connection.recv()  # the game is built
            start = time.perf_counter()
            if not self.connection.poll(self.limit):
                self._stop()
                record.timeouts += 1
                record.add(self.limit, float("inf"), f"not done in {self.limit:g} s")
                return
            seconds, profile, reason = self.connection.recv()
        except EOFError:
            self._stop()
            record.add(time.perf_counter() - start, float("inf"), "crashed")
            return
        record.add(seconds, _regret(game, pg.PowerObjective(), profile), reason)

    def _stop(self) -> None:
        """End the process and start another."""
        self.process.kill()
        self.process.join()
        self._start()


def main(arguments: Sequence[str] | None = None) -> None:
    """Print one table for each λ, one line per size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", default=SIZES, metavar="PxA", help="players x actions of the games")
    parser.add_argument("--lams", nargs="+", default=LAMS, metavar="λ", help="power weights (default: 0, 0.3 and 1)")
    parser.add_argument("--aggregate", default="mean", choices=["mean", "sum", "max"], help="default %(default)s")
    parser.add_argument("--method", help="one of powergames.solvers.METHODS; without it, what solve chooses")
    parser.add_argument("--seeds", type=int, default=20, help="games of each size (default %(default)s)")
    parser.add_argument("--limit", type=float, default=20.0, help="seconds for each game (default %(default)s)")
    parser.add_argument("--budget", type=float, default=90.0, help="seconds for each entry (default %(default)s)")
    parser.add_argument("--ours-only", action="store_true", help="leave out pygambit")
    options = parser.parse_args(arguments)
    gambit = Gambit(options.limit)
    others = THEIRS if gambit.available and not options.ours_only else ()
    if not gambit.available:
        print("pygambit is not installed, its columns stay empty: pip install pygambit\n")
    print("median and greatest times in ms over the games of each size")
    plain: dict[str, Record] = {}
    for lam in map(str, options.lams):
        nash = float(lam) == 0
        head = f"{'size':>6} {'games':>5} {'median':>10} {'max':>10} {'failed':>6}"
        for name in others if nash else ():
            head += f" | {'games':>5} {name:>11} {'max':>10} {'failed':>6} {'ratio':>6}"
        print(f"λ = {lam}, {options.aggregate}\n{head}{'' if nash else '  x λ = 0'}")
        for size in options.sizes:
            games = [random_game(size, seed) for seed in range(options.seeds)]
            objective = pg.PowerObjective(lam, options.aggregate)
            ours, theirs = Record(TOLERANCE), {}
            _solve(games[0], objective, options, Record(TOLERANCE))
            for game in games:
                if ours.more(options.budget):
                    _solve(game, objective, options, ours)
            for name in others if nash else ():
                theirs[name] = Record(TOLERANCE_OF_OTHERS)
                for game in games:
                    if theirs[name].more(options.budget):
                        gambit.solve(name, game, theirs[name])
            plain.setdefault(size, ours)
            line = f"{size:>6} {_text(ours)}"
            for record in theirs.values():
                line += f" | {_text(record, 11)} {ours.ratio(record):>6}"
            print(line if nash else f"{line} {ours.ratio(plain[size]):>8}", flush=True)
            for name, record in {"ours": ours, **theirs}.items():
                if record.reason:
                    print(f"{'':>6} {name} failed, first: {record.reason}", flush=True)


def random_game(size: str, seed: int) -> pg.NormalFormGame:
    """Return a seeded game with payoffs uniform on [0, 1); "3x10" has 3 players with 10 actions each."""
    players, actions = map(int, size.split("x"))
    generator = np.random.default_rng([players, actions, seed])
    return pg.NormalFormGame(generator.random((players, *(actions,) * players)))


def _solve(game: pg.NormalFormGame, objective: pg.PowerObjective, options: argparse.Namespace, record: Record) -> None:
    """Solve one game ourselves, and count it."""
    start = time.perf_counter()

    def stop_in_time(stage: str, done: int, total: int) -> None:
        if time.perf_counter() - start > options.limit:
            raise TimeUpError(f"{stage}: not done after {done} steps in {options.limit:g} s")

    reason, profile = "", None
    try:
        equilibrium = pg.solve(game, objective, method=options.method, callback=stop_in_time)
    except Exception as error:
        reason = f"{type(error).__name__}: {str(error).strip().splitlines()[0]}"
        record.timeouts += isinstance(error, TimeUpError)
    else:
        profile = equilibrium.profile
        reason = "" if equilibrium.converged else equilibrium.status.name
    seconds = time.perf_counter() - start
    record.add(seconds, _regret(game, objective, profile), reason)


def _regret(game: pg.NormalFormGame, objective: pg.PowerObjective, profile: Any) -> float:
    """Return the range-scaled regret of a profile; infinite where it is not even a profile."""
    if profile is None:
        return float("inf")
    try:
        return float(pg.certify(game, profile, objective).scaled_regret)
    except pg.InputError:
        return float("inf")


def _serve(connection: Connection) -> None:
    """Build and solve games with pygambit, one after the other; the first answer says that it is ready."""
    import pygambit

    connection.send(None)
    while True:
        try:
            solver, payoffs = connection.recv()
        except EOFError:
            return
        game = pygambit.Game.from_arrays(*payoffs)
        connection.send(None)
        profile, reason = None, ""
        start = time.perf_counter()
        try:
            found = getattr(pygambit.nash, solver)(game).equilibria
        except Exception as error:
            found, reason = [], f"{type(error).__name__}: {str(error).strip()}"
        seconds = time.perf_counter() - start
        if found:
            # Probabilities may add up to 1 only nearly.
            profile = [np.array([float(found[0][action]) for action in player.strategies]) for player in game.players]
            profile = [np.maximum(strategy, 0.0) / np.maximum(strategy, 0.0).sum() for strategy in profile]
        connection.send((seconds, profile, reason or ("" if found else "nothing found")))


def _text(record: Record, width: int = 10) -> str:
    median, most = 1e3 * statistics.median(record.times), 1e3 * max(record.times)
    return f"{len(record.times):>5} {median:>{width}.2f} {most:>10.2f} {record.failures:>6}"


if __name__ == "__main__":
    main()
