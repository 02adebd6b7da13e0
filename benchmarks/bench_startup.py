"""Time from starting the process to its end, for the commands that people wait for.

Run ``python benchmarks/bench_startup.py``. Times `powergames --help`, and `powergames solve` on a 3 x 3 game file with
compiled code on disk and with none. Each command must end with exit code 0.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

FILE = 'NFG 1 R "Rock, paper, scissors" { "row" "column" } { 3 3 }\n\n0 0 1 -1 -1 1 -1 1 0 0 1 -1 1 -1 -1 1 0 0\n'


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one line per command; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7, help="processes for each warm time (default %(default)s)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        game = Path(folder) / "game.nfg"
        game.write_text(FILE)
        cache = Path(folder) / "cache"
        warm = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
        solve = ["solve", str(game), "--lam", "0.3"]
        try:
            first = _run(solve, warm)
            rows = [
                ("import of NumPy alone", _times([sys.executable, "-c", "import numpy"], warm, options.repeats)),
                ("powergames --help", _times(_command(["--help"]), warm, options.repeats)),
                ("powergames solve, compiled", _times(_command(solve), warm, options.repeats)),
                ("powergames solve, nothing compiled", [first]),
            ]
        except subprocess.CalledProcessError as error:
            print(f"{' '.join(error.cmd)} ended with exit code {error.returncode}:\n{error.stderr}", file=sys.stderr)
            return 1
    print(f"{'seconds':<36} {'least':>7} {'median':>7} {'processes':>9}")
    for name, times in rows:
        print(f"{name:<36} {min(times):>7.2f} {statistics.median(times):>7.2f} {len(times):>9}")
    return 0


def _command(arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-c", "from powergames.cli import main; main()", *arguments]


def _run(arguments: Sequence[str], environment: dict[str, str]) -> float:
    (elapsed,) = _times(_command(arguments), environment, 1)
    return elapsed


def _times(command: Sequence[str], environment: dict[str, str], repeats: int) -> list[float]:
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
        times.append(time.perf_counter() - start)
    return times


if __name__ == "__main__":
    sys.exit(main())
