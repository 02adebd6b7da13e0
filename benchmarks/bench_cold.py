"""Processor time of first answers on a new machine, on which no kernel has been compiled.

Run ``python benchmarks/bench_cold.py``. Runs ordinary calls, one process each, with a folder for compiled code that
starts empty and that they share; then once more, with what is now compiled. With ``--alone`` every call starts with an
empty folder. With ``--kernels`` prints what each call compiles, and the seconds that each kernel takes, those that it
calls included.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import powergames as pg
from powergames.games.catalog.normal_form import random_uniform
from powergames.games.catalog.stochastic import random_stochastic

OBJECTIVE = pg.PowerObjective(lam=0.3)
ADVERSARIAL = pg.PowerObjective(lam=0.3, form="adversarial")

TWO, THREE = random_uniform(actions=4), random_uniform(players=3, actions=2)
SMALL = random_stochastic(states=3, actions=2, discount=0.9)
UNIFORM = ([1 / 2, 1 / 2],) * 3


def power_table_and_certify() -> None:
    """Compute power, and check a profile."""
    pg.power_table(THREE, UNIFORM)
    pg.certify(THREE, UNIFORM, OBJECTIVE)


CALLS: dict[str, Callable[[], Any]] = {
    "solve, 2 players, λ = 0": lambda: pg.solve(TWO),
    "solve, 2 players, λ = 0.3": lambda: pg.solve(TWO, OBJECTIVE),
    "solve, 3 players, λ = 0": lambda: pg.solve(THREE),
    "solve, 3 players, λ = 0.3": lambda: pg.solve(THREE, OBJECTIVE),
    "solve_all, λ = 0.3": lambda: pg.solve_all(TWO, OBJECTIVE),
    "sweep, 3 values of λ": lambda: pg.sweep(TWO, lams=[0, 0.25, 0.5]),
    "power_table, certify": power_table_and_certify,
    "solve and audit, stochastic": lambda: pg.audit(SMALL, pg.solve(SMALL, OBJECTIVE).profile, OBJECTIVE),
    "solve, stochastic, adversarial": lambda: pg.solve(SMALL, ADVERSARIAL),
    "train": lambda: pg.train(SMALL, OBJECTIVE, steps=2_000),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one line per call; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alone", action="store_true", help="an empty folder for each call")
    parser.add_argument("--kernels", action="store_true", help="list what is compiled")
    parser.add_argument("--only", default="", help="calls whose names contain this")
    parser.add_argument("--here", choices=CALLS, metavar="CALL", help="make this call in this process, unmeasured")
    options = parser.parse_args(arguments)
    if options.here:
        if options.kernels:
            listen()
        CALLS[options.here]()
        return 0
    names = [name for name in CALLS if options.only in name]
    print(f"{'processor seconds':<42} {'cold':>7} {'warm':>7}", flush=True)
    sums = [0.0, 0.0]
    with tempfile.TemporaryDirectory() as folder:
        cold: dict[str, float] = {}
        for turn in range(2):
            for k, name in enumerate(names):
                cache = Path(folder) / (str(k) if options.alone else "shared")
                try:
                    seconds, told = _seconds(name, cache, options.kernels)
                except subprocess.CalledProcessError as error:
                    print(f"{name} ended with exit code {error.returncode}:\n{error.stderr}", file=sys.stderr)
                    return 1
                sums[turn] += seconds
                if turn == 0:
                    cold[name] = seconds
                    print(told, end="")
                print(f"{name:<42} {cold[name]:>7.2f} {seconds if turn else float('nan'):>7.2f}", flush=True)
    print(f"{'sum':<42} {sums[0]:>7.2f} {sums[1]:>7.2f}")
    return 0


def listen() -> None:
    """Print what is compiled from now on."""
    from numba.core import event

    class Kernels(event.Listener):
        def __init__(self) -> None:
            self.began: list[float] = []

        def on_start(self, started: event.Event) -> None:
            self.began.append(time.process_time())

        def on_end(self, ended: event.Event) -> None:
            seconds = time.process_time() - self.began.pop()
            kernel, depth = ended.data["dispatcher"].py_func, "  " * len(self.began)
            print(f"    {seconds:7.2f}  {depth}{kernel.__module__}.{kernel.__name__} {ended.data['args']}")

    event.register("numba:compile", Kernels())


def _seconds(name: str, cache: Path, kernels: bool) -> tuple[float, str]:
    """Make a call in a process of its own; return its user and system time, and what it printed."""
    command = [sys.executable, __file__, "--here", name, *(["--kernels"] if kernels else [])]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run = subprocess.run(
        command, env={**os.environ, "NUMBA_CACHE_DIR": str(cache)}, check=True, capture_output=True, text=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, run.stdout


if __name__ == "__main__":
    sys.exit(main())
