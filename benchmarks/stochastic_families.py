"""Which stochastic games `solve` solves, and in how much CPU time, over families of all kinds.

Run ``python benchmarks/stochastic_families.py --out new.jsonl``: each problem gets at most ``--limit`` seconds of CPU
time on one thread, and a line of the file; run again, it goes on where it stopped. ``--only grid sparse`` takes the
families whose names contain one of these words, ``--method stages`` one method, ``--without logit`` all but one. Then
``--compare old.jsonl new.jsonl`` tells what changed between two versions, and ``--table new.jsonl`` what share of the
problems of several seeds is certified. Kernels are compiled before the clock starts.
"""

from __future__ import annotations

import os

os.environ["NUMBA_NUM_THREADS"] = "1"
os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"
os.environ["MKL_NUM_THREADS"] = "1"

import argparse
import json
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from pages import records

import powergames as pg
from powergames.solvers import STOCHASTIC_METHODS

# λ and form of each objective; at λ = 0 both forms are the same.
OBJECTIVES = [
    (0, "penalty"),
    *((lam, form) for lam in ("0.1", "0.3", "1") for form in ("penalty", "adversarial")),
]

# Below this, differences of times are noise.
SHORT = 0.1


def random_game(
    players: int, states: int, actions: int, kind: str, seed: int, discount: float = 0.95, paid: float = 0.3
) -> pg.StochasticGame:
    """Return a random game that is deterministic, a team's or both, with transitions to one state or all.

    A team is paid in so many of the rows.
    """
    rng = np.random.default_rng(seed)
    sizes = (states, *[actions] * players)
    shared = "team" in kind
    rewards = rng.random((1 if shared else players, *sizes))
    if shared:
        rewards = np.repeat(rewards * (rng.random(sizes) < paid), players, axis=0)
    if "deterministic" in kind:
        transitions = np.eye(states)[rng.integers(states, size=sizes)]
    else:
        transitions = rng.dirichlet(np.full(states, 0.3), size=sizes)
    return pg.StochasticGame(rewards, transitions, discount)


def random_mixed(players: int, states: int, most: int, seed: int, discount: float = 0.9) -> pg.StochasticGame:
    """Return a random sparse game with one to so many actions and three draws of the states that follow each row."""
    rng = np.random.default_rng(seed)
    n_actions = rng.integers(1, most + 1, size=(states, players))
    rows = int(n_actions.prod(axis=1).sum())
    weights = rng.exponential(size=(rows, 3))
    weights /= weights.sum(axis=1, keepdims=True)
    transitions = weights.ravel(), rng.integers(states, size=weights.size), np.arange(0, weights.size + 1, 3)
    return pg.StochasticGame.from_rows(n_actions, rng.random((players, rows)), transitions, discount)


def kitchen(*rows: str, **parameters: Any) -> pg.StochasticGame:
    """Return a small kitchen."""
    return pg.compile_overcooked(list(rows), **parameters).to_game()


FAMILIES: dict[str, Callable[[], pg.StochasticGame]] = {
    "catalog delegation": partial(pg.load, "delegation"),
    "catalog commons": partial(pg.load, "commons:stock=8,most=3"),
    "catalog rock paper scissors": partial(pg.load, "dynamic_rock_paper_scissors"),
    "catalog soccer": partial(pg.load, "soccer:width=3,height=2"),
    "grid 4x4": partial(pg.load, "grid_game:width=4,height=4"),
    "grid 6x4": partial(pg.load, "grid_game:width=6,height=4"),
    "turn-based 2x90x3": partial(pg.load, "random_turn_based:states=90,seed=1"),
    "dense 2x30x4": partial(pg.load, "random_stochastic:states=30,actions=4,seed=1"),
    "dense 3x12x3": partial(pg.load, "random_stochastic:players=3,states=12,seed=2"),
    "sparse 2x60x3": partial(pg.load, "random_sparse:states=60,seed=3"),
    "sparse 2x150x3": partial(pg.load, "random_sparse:states=150,seed=4"),
    "sparse 3x25x3": partial(pg.load, "random_sparse:players=3,states=25,seed=5"),
    "deterministic 2x40x3": partial(random_game, 2, 40, 3, "deterministic", 6),
    "deterministic 3x20x2": partial(random_game, 3, 20, 2, "deterministic", 7),
    "team 2x40x3": partial(random_game, 2, 40, 3, "team", 8),
    "deterministic team 3x25x3": partial(random_game, 3, 25, 3, "deterministic team", 9),
    "kitchen between servings": partial(
        kitchen, "XXPXX", "O1 2O", "XDXSX", onions=1, cook_time=10, counters=[], discount=0.95
    ),
    "kitchen across a counter": partial(
        kitchen, "XPXSX", "O1X2D", "XXXXX", onions=1, cook_time=2, counters=[(2, 1)], discount=0.95
    ),
}

# Random games of a hundred states and more, each from so many seeds.
SEEDS = 10
LARGE: dict[str, Callable[[int], pg.StochasticGame]] = {
    "detteam 2x200x4": lambda seed: random_game(2, 200, 4, "deterministic team", 100 + seed, paid=0.05),
    "detgen 2x200x4": lambda seed: random_game(2, 200, 4, "deterministic", 100 + seed),
    "sparse 2x200x3": lambda seed: pg.load(f"random_sparse:states=200,seed={100 + seed}"),
    "sparse3 3x100x3": lambda seed: pg.load(f"random_sparse:players=3,states=100,discount=0.9,seed={100 + seed}"),
    "mixed 3x100x1-4": lambda seed: random_mixed(3, 100, 4, 100 + seed),
    "sparse 2x500x3": lambda seed: pg.load(f"random_sparse:states=500,seed={100 + seed}"),
    "sparse 2x1000x3": lambda seed: pg.load(f"random_sparse:states=1000,seed={100 + seed}"),
    "sparse 2x2000x3": lambda seed: pg.load(f"random_sparse:states=2000,seed={100 + seed}"),
}
FAMILIES |= {f"{name}, seed {seed}": partial(build, seed) for name, build in LARGE.items() for seed in range(SEEDS)}


def measured(game: pg.StochasticGame, objective: pg.PowerObjective, method: str | None, limit: float) -> dict[str, Any]:
    """Solve a game within a limit of CPU time."""
    begin = time.process_time()

    def watch(stage: str, done: int, total: int) -> None:
        if time.process_time() - begin > limit:
            raise KeyboardInterrupt

    equilibrium = pg.solve(game, objective, method=method, callback=watch)
    return {
        "solved": equilibrium.converged,
        "seconds": round(time.process_time() - begin, 4),
        "method": equilibrium.method,
        "status": equilibrium.status.name,
        "regret": float(equilibrium.certificate.scaled_regret),
        "steps": equilibrium.iterations,
    }


def compile_kernels(method: str | None) -> None:
    """Run what is compiled, or read from disk, once."""
    for players in (2, 3):
        for lam, form in OBJECTIVES[:3]:
            for name in ("random_stochastic:states=4", "random_sparse:states=12"):
                game = pg.load(f"{name},actions=2,players={players}")
                for each in STOCHASTIC_METHODS.keys() - {"shapley"}:
                    pg.solve(game, pg.PowerObjective(lam, form=form), method=each, max_iter=40)
    pg.solve(pg.load("overcooked:tiny"), pg.PowerObjective("0.1"), max_iter=30)


def read(path: Path) -> dict[str, dict[str, Any]]:
    """Read a file of results."""
    return {result["problem"]: result for result in records(path)}


def run(path: Path, words: list[str], method: str | None, limit: float) -> None:
    """Solve all problems that have no line yet."""
    known = read(path)
    compile_kernels(method)
    for family, build in FAMILIES.items():
        if words and not any(word in family for word in words):
            continue
        game = None
        for lam, form in OBJECTIVES:
            problem = f"{family}, λ = {lam}{f' {form}' if lam else ''}"
            if problem in known:
                continue
            game = build() if game is None else game
            result = {"problem": problem, **measured(game, pg.PowerObjective(lam, form=form), method, limit)}
            print(
                f"{problem:<50} {'solved' if result['solved'] else result['status']:<12} {result['seconds']:8.2f} s  "
                f"{result['method']:<14} {result['regret']:.1e}",
                flush=True,
            )
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(result, ensure_ascii=False) + "\n")
    summarize(path.name, read(path))


def summarize(name: str, results: dict[str, dict[str, Any]]) -> None:
    """Print how many problems are solved and the times of those."""
    times = [result["seconds"] for result in results.values() if result["solved"]]
    print(
        f"{name}: {len(times)} of {len(results)} solved, median {statistics.median(times):.3f} s, "
        f"sum {sum(times):.1f} s; all {sum(result['seconds'] for result in results.values()):.1f} s"
    )


def tabulate(path: Path) -> None:
    """Print for families of several seeds how many problems are solved, at each λ and form, and the median time."""
    results = read(path)
    labels = [f"λ = {lam}{f' {form}' if lam else ''}" for lam, form in OBJECTIVES]
    print("| game | " + " | ".join(labels) + " |\n|" + "---|" * (len(labels) + 1))
    for name in LARGE:
        cells = []
        for label in labels:
            own = [results.get(f"{name}, seed {seed}, {label}") for seed in range(SEEDS)]
            known = [result for result in own if result is not None]
            solved = [result["seconds"] for result in known if result["solved"]]
            failed = [result["regret"] for result in known if not result["solved"]]
            cell = f"{len(solved)}/{len(known)}" + (f": {statistics.median(solved):.1f} s" if solved else "")
            cells.append(cell + (f"; {max(failed):.0e}" if failed else ""))
        print(f"| {name} | " + " | ".join(cells) + " |")


def compare(old: Path, new: Path) -> None:
    """Print what is solved in one file only, what takes much longer or shorter, and sums over what both have."""
    before, after = read(old), read(new)
    common = [problem for problem in before if problem in after]
    for problem in common:
        one, other = before[problem], after[problem]
        ratio = (other["seconds"] + SHORT) / (one["seconds"] + SHORT)
        if one["solved"] != other["solved"] or not 0.5 < ratio < 2.0:
            lines = [
                f"{'solved' if each['solved'] else each['status']} {each['seconds']:.2f} s {each['method']}"
                for each in (one, other)
            ]
            print(f"{problem:<50} {lines[0]:<38} {lines[1]}")
    for name, results in ((old.name, before), (new.name, after)):
        summarize(name, {problem: results[problem] for problem in common})
    both = [problem for problem in common if before[problem]["solved"] and after[problem]["solved"]]
    ratios = [after[problem]["seconds"] / max(before[problem]["seconds"], 1e-9) for problem in both]
    print(f"median ratio of times where both solved: {statistics.median(ratios):.2f}")


def main() -> None:
    """Read the arguments."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("stochastic_families.jsonl"), help="file of results")
    parser.add_argument("--limit", type=float, default=10.0, help="seconds of CPU time for each problem")
    parser.add_argument("--only", nargs="+", default=[], help="words of families")
    parser.add_argument("--method", help="one method instead of the default")
    parser.add_argument("--without", nargs="+", default=[], help="methods to leave out")
    parser.add_argument("--table", type=Path, help="a file of results")
    parser.add_argument("--compare", nargs=2, type=Path, help="two files of results")
    options = parser.parse_args()
    if options.compare:
        compare(*options.compare)
        return
    if options.table:
        tabulate(options.table)
        return
    for name in options.without:
        del STOCHASTIC_METHODS[name]
    run(options.out, options.only, options.method, options.limit)


if __name__ == "__main__":
    main()
