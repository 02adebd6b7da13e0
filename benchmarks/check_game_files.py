"""Solve every two-player .nfg file of a folder at several λ, and check every answer.

Run ``python benchmarks/check_game_files.py FOLDER [--reference FILE.json]``. Each game is solved at six λ with two
aggregates, and the regret of each answer, relative to the payoff range, is computed anew without any solver: it must
not exceed 1e-9. With a reference, all Nash equilibria are computed exactly as well and compared to it: a JSON object
that maps the file's name without ``.nfg`` to ``{"equilibria": [[["1/2", "1/2"], ["1", "0"]], ...]}``, the extreme
equilibria in rationals. The exit code is 1 if anything fails.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import powergames as pg

LAMS = ("0", "0.1", "0.25", "0.5", "1", "3")
AGGREGATES = ("mean", "max")
TOLERANCE = 1e-9


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one line per file; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder with .nfg files")
    parser.add_argument("--reference", type=Path, help="JSON file with the extreme equilibria of each game")
    options = parser.parse_args(arguments)
    if not options.folder.is_dir():
        parser.error(f"{options.folder} is not a folder")
    try:
        reference = json.loads(options.reference.read_text()) if options.reference else {}
    except (OSError, ValueError) as error:
        parser.error(f"--reference: {error}")
    files = sorted(options.folder.glob("*.nfg"))
    if not files:
        parser.error(f"{options.folder} has no .nfg files")
    width = max(len(file.stem) for file in files)
    print(f"{'file':<{width}} {'actions':>7} {'certified':>9} {'worst regret':>12} {'slowest':>9}  all Nash equilibria")
    failures = [_check(file, reference.get(file.stem), width) for file in files]
    print(f"{sum(failures)} of {len(files)} files failed")
    return 1 if any(failures) else 0


def _check(file: Path, expected: dict[str, Any] | None, width: int) -> bool:
    """Check one file, print its line, and tell whether anything failed."""
    try:
        game = pg.load(file)
    except pg.InputError as error:
        print(f"{file.stem:<{width}} cannot be read: {error}")
        return True
    actions = "x".join(map(str, game.n_actions))
    if game.n_players != 2:
        print(f"{file.stem:<{width}} {actions:>7} skipped: {game.n_players} players")
        return False
    certified, worst, slowest = 0, 0.0, 0.0
    for lam in LAMS:
        for aggregate in AGGREGATES:
            objective = pg.PowerObjective(lam, aggregate)  # type: ignore[arg-type]
            start = time.perf_counter()
            equilibrium = pg.solve(game, objective)
            slowest = max(slowest, time.perf_counter() - start)
            regret = float(pg.certify(game, objective, equilibrium.profile).scaled_regret)
            certified += equilibrium.converged and regret <= TOLERANCE
            worst = max(worst, regret)
    total = len(LAMS) * len(AGGREGATES)
    verdict, agrees = _compare(game, expected)
    print(
        f"{file.stem:<{width}} {actions:>7} {certified:>5}/{total} {worst:>12.1e} {1e3 * slowest:>6.0f} ms  {verdict}"
    )
    return certified < total or not agrees


def _compare(game: pg.NormalFormGame, expected: dict[str, Any] | None) -> tuple[str, bool]:
    """Compare all exact Nash equilibria to those expected."""
    if expected is None:
        return "no reference", True
    start = time.perf_counter()
    equilibria = pg.solve_all(game, exact=True)
    elapsed = time.perf_counter() - start
    found = {tuple(tuple(strategy) for strategy in equilibrium.profile) for equilibrium in equilibria}
    wanted = {
        tuple(tuple(Fraction(number) for number in strategy) for strategy in profile)
        for profile in expected["equilibria"]
    }
    if found == wanted and len(equilibria) == len(found):
        return f"{len(found)}, all as in the reference, {1e3 * elapsed:.0f} ms", True
    return f"{len(found)} found, {len(wanted - found)} missing, {len(found - wanted)} not in the reference", False


if __name__ == "__main__":
    sys.exit(main())
