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
from collections.abc import Sequence
from pathlib import Path

CALLS = {
    "solve, 2 players, λ = 0": "pg.solve(two)",
    "solve, 2 players, λ = 0.3": "pg.solve(two, objective)",
    "solve, 3 players, λ = 0": "pg.solve(three)",
    "solve, 3 players, λ = 0.3": "pg.solve(three, objective)",
    "solve_all, λ = 0.3": "pg.solve_all(two, objective)",
    "sweep, 3 values of λ": "pg.sweep(two, [0, 0.25, 0.5])",
    "power_table, certify": "pg.power_table(three, uniform); pg.certify(three, objective, uniform)",
    "solve and audit, stochastic": "pg.audit(small, objective, pg.solve(small, objective).profile)",
    "solve, stochastic, adversarial": "pg.solve(small, pg.PowerObjective(lam=0.3, form='adversarial'))",
    "train": "pg.train(small, objective, steps=2_000)",
}

BEGIN = """
import powergames as pg

objective = pg.PowerObjective(lam=0.3)
two, three = pg.load("random_uniform:actions=4"), pg.load("random_uniform:players=3,actions=2")
uniform = tuple([1 / 2, 1 / 2] for _ in range(3))
small = pg.load("random_stochastic:states=3,actions=2,discount=0.9")
"""

LISTEN = """
import time
from numba.core import event

class Kernels(event.Listener):
    def __init__(self):
        self.began = []

    def on_start(self, event):
        self.began.append(time.process_time())

    def on_end(self, event):
        seconds = time.process_time() - self.began.pop()
        dispatcher = event.data["dispatcher"]
        depth = "  " * len(self.began)
        name = f"{dispatcher.py_func.__module__}.{dispatcher.py_func.__name__}"
        print(f"    {seconds:7.2f}  {depth}{name} {event.data['args']}")

event.register("numba:compile", Kernels())
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one line per call; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--alone", action="store_true", help="an empty folder for each call")
    parser.add_argument("--kernels", action="store_true", help="list what is compiled")
    parser.add_argument("--only", default="", help="calls whose names contain this")
    options = parser.parse_args(arguments)
    names = [name for name in CALLS if options.only in name]
    print(f"{'processor seconds':<42} {'cold':>7} {'warm':>7}", flush=True)
    sums = [0.0, 0.0]
    with tempfile.TemporaryDirectory() as folder:
        cold: dict[str, float] = {}
        for turn in range(2):
            for k, name in enumerate(names):
                cache = Path(folder) / (str(k) if options.alone else "shared")
                try:
                    seconds, told = _seconds(CALLS[name], cache, options.kernels)
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


def _seconds(call: str, cache: Path, kernels: bool) -> tuple[float, str]:
    """Run a call in a process of its own; return its user and system time, and what it printed."""
    program = BEGIN + (LISTEN if kernels else "") + call
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
    run = subprocess.run([sys.executable, "-c", program], env=environment, check=True, capture_output=True, text=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, run.stdout


if __name__ == "__main__":
    sys.exit(main())
