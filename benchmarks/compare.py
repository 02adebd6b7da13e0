"""Refresh docs/compare.md: run the other benchmarks, and write what they print between the markers of the page.

Run ``python benchmarks/compare.py`` on a machine that does nothing else, with the extra ``bench`` installed, and
sgamesolver as `bench_stochastic` says. ``--only
bench_startup`` runs some of them; the tables of the others stay as they are. Each is run twice and the second run
counts: the first one compiles, and keeps what it compiled on disk. ``--once`` leaves the first one out.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from pages import replaced

HERE = Path(__file__).parent
PAGE = HERE.parent / "docs" / "compare.md"

# What is run, and with which arguments: few enough games that each ends within minutes.
RUNS = {
    "bench_two_player_solve": ["--sizes", "10", "50", "100", "--seeds", "11", "--limit", "20"],
    "bench_many_players": ["--sizes", "3x3", "3x10", "4x5", "5x3", "--lams", "0", "--seeds", "11", "--limit", "3"],
    "bench_all_equilibria": ["--sizes", "3", "5", "8", "--seeds", "7", "--stochastic", "7"],
    "bench_pair_tables": [],
    "bench_stochastic": [
        "--against",
        "--sizes",
        "2x10x2",
        "2x50x3",
        "2x100x2",
        "3x10x3",
        "--seeds",
        "5",
        "--limit",
        "30",
    ],
    "bench_audit": ["--sizes", "2x1000x6", "2x10000x6"],
    "bench_learning": [],
    "bench_startup": [],
}
PACKAGES = ("powergames", "numpy", "scipy", "numba", "pygambit", "quantecon", "opt_einsum", "sgamesolver")


def main(arguments: Sequence[str] | None = None) -> int:
    """Rewrite the page after every benchmark; return 1 if one of them failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=RUNS, default=list(RUNS), metavar="NAME", help="some of them")
    parser.add_argument("--once", action="store_true", help="everything is compiled already")
    options = parser.parse_args(arguments)
    failed = []
    for name in options.only:
        print(f"{name} ...", flush=True)
        command = [f"{name}.py", *RUNS[name]]
        for _ in range(1 if options.once else 2):
            start = time.perf_counter()
            done = subprocess.run([sys.executable, HERE / command[0], *command[1:]], capture_output=True, text=True)
        if done.returncode:
            failed.append(name)
            print(done.stderr, file=sys.stderr)
            continue
        text = f"$ python benchmarks/{' '.join(command)}\n{done.stdout.strip()}"
        note = f"{surroundings()}; {time.perf_counter() - start:.0f} s in all."
        PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8"), name, f"```text\n{text}\n```\n\n{note}"), "utf-8")
    return 1 if failed else 0


def surroundings() -> str:
    """Say when, on what machine, and with which versions."""
    found = []
    for package in PACKAGES:
        try:
            found.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            found.append(f"no {package}")
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    today = datetime.datetime.now(tz=datetime.UTC).date()
    machine = f"{_processor()}, {os.cpu_count()} cores{load}, {platform.system()}"
    return f"{today}, {machine}, Python {platform.python_version()}, {', '.join(found)}"


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists() and (match := re.search(r"^model name\s*:\s*(.+)$", info.read_text(), re.MULTILINE)):
        return match[1]
    return platform.processor() or platform.machine()


if __name__ == "__main__":
    sys.exit(main())
