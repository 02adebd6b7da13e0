"""Solve every .nfg file of a folder at several λ, and check every answer.

Run ``python benchmarks/check_game_files.py FOLDER [--reference FILE.json]``. Each game is solved at six λ with three
aggregates, and the regret of each answer, relative to the payoff range, is computed anew without any solver: it must
not exceed 1e-9. With a reference, all Nash equilibria are computed as well and compared to it: a JSON object that maps
the file's name without ``.nfg`` to ``{"equilibria": [...]}``. For two players these are the extreme equilibria in
rationals, ``[["1/2", "1/2"], ["1", "0"]]``, and must be found exactly; for more players the isolated ones as flat
lists of rounded probabilities, ``[0.33333, 0.66667, 1.0, 0.0, 0.25, 0.75]``, none of which may be missing. More than
those may be found, if certified: such references need not be complete. The exit code is 1 if anything fails.
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

import numpy as np

import powergames as pg

LAMS = ("0", "0.1", "0.3", "0.6", "1", "3")
AGGREGATES = ("mean", "sum", "max")
TOLERANCE = 1e-9

# Rounded probabilities of a reference have five decimals.
ROUNDING = 1e-5


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one line per file; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder with .nfg files")
    parser.add_argument("--reference", type=Path, help="JSON file with the equilibria of each game")
    parser.add_argument("--method", help="one of powergames.solvers.METHODS; without it, what solve chooses")
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
    failures = [_check(file, reference.get(file.stem), width, options.method) for file in files]
    print(f"{sum(failures)} of {len(files)} files failed")
    return 1 if any(failures) else 0


def _check(file: Path, expected: dict[str, Any] | None, width: int, method: str | None) -> bool:
    """Check one file, print its line, and tell whether anything failed."""
    try:
        game = pg.load(file)
    except pg.InputError as error:
        print(f"{file.stem:<{width}} cannot be read: {error}")
        return True
    actions = "x".join(map(str, game.n_actions))
    certified, worst, slowest = 0, 0.0, 0.0
    for lam in LAMS:
        for aggregate in AGGREGATES:
            objective = pg.PowerObjective(lam, aggregate)
            start = time.perf_counter()
            try:
                equilibrium = pg.solve(game, objective, method=method)
            except pg.InputError as error:
                print(f"{file.stem:<{width}} {actions:>7} refused: {error}")
                return True
            slowest = max(slowest, time.perf_counter() - start)
            regret = float(pg.certify(game, equilibrium.profile, objective).scaled_regret)
            certified += equilibrium.converged and regret <= TOLERANCE
            worst = max(worst, regret)
    total = len(LAMS) * len(AGGREGATES)
    verdict, agrees = _compare(game, expected)
    print(
        f"{file.stem:<{width}} {actions:>7} {certified:>5}/{total} {worst:>12.1e} {1e3 * slowest:>6.0f} ms  {verdict}"
    )
    return certified < total or not agrees


def _compare(game: pg.NormalFormGame, expected: dict[str, Any] | None) -> tuple[str, bool]:
    """Compute all Nash equilibria, and compare them to those expected."""
    if expected is None:
        return "no reference", True
    start = time.perf_counter()
    try:
        equilibria = pg.solve_all(game, exact=game.n_players == 2)
    except pg.InputError as error:
        return f"refused: {error}", False
    elapsed = f"{1e3 * (time.perf_counter() - start):.0f} ms"
    compare = _compare_extreme if game.n_players == 2 else _compare_isolated
    verdict, agrees = compare(equilibria, expected["equilibria"])
    return f"{verdict}, {elapsed}{'' if equilibria.complete else ', not known to be complete'}", agrees


def _compare_extreme(equilibria: pg.EquilibriumSet, expected: list[Any]) -> tuple[str, bool]:
    """Compare extreme equilibria in fractions."""
    found = {tuple(tuple(strategy) for strategy in equilibrium.profile) for equilibrium in equilibria}
    wanted = {tuple(tuple(Fraction(number) for number in strategy) for strategy in profile) for profile in expected}
    if found == wanted and len(equilibria) == len(found):
        return f"{len(found)}, all as in the reference", True
    return f"{len(found)} found, {len(wanted - found)} missing, {len(found - wanted)} not in the reference", False


def _compare_isolated(equilibria: pg.EquilibriumSet, expected: list[Any]) -> tuple[str, bool]:
    """Compare isolated equilibria in floats to rounded ones."""
    wanted = np.array(expected, dtype=float)
    flat = [np.concatenate(equilibrium.profile) for equilibrium in equilibria]
    found = np.array(flat, dtype=float).reshape(-1, wanted.shape[1])
    near = np.abs(found[:, None] - wanted[None, :]).max(axis=2, initial=0.0) <= ROUNDING
    missing, more = int((~near.any(axis=0)).sum()), int((~near.any(axis=1)).sum())
    uncertified = sum(float(equilibrium.certificate.scaled_regret) > TOLERANCE for equilibrium in equilibria)
    if not (missing or more or uncertified):
        return f"{len(found)}, all as in the reference", True
    verdict = f"{len(found)} found, {missing} missing, {more} not in the reference, {uncertified} not certified"
    return verdict, not (missing or uncertified)


if __name__ == "__main__":
    sys.exit(main())
