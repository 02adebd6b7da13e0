"""Where PRIM and SBPR end, judged exactly: the tables of docs/learning.md.

Run ``python benchmarks/learning_table.py`` to train all learners and write the tables into the page (``--jobs 2`` for
more processes, ``--seeds 3`` for fewer runs, ``--dry`` to print them instead). Everything in the tables is computed
from the game and the learned policies; learners see nothing but samples. Intervals are at 95 %: Wilson's for shares of
runs, Student's for means.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
import math
from pathlib import Path

import numpy as np
from pages import replaced
from scipy.stats import t as student

import powergames as pg

PAGE = Path(__file__).parent.parent / "docs" / "learning.md"

GAMES = (
    "chicken",
    "battle_of_the_sexes",
    "assembly_line",
    "random_stochastic",
    "grid_game",
    "delegation",
)
HARD = (
    "random_covariant:players=3,actions=4,rho=-0.4,seed=1",
    "random_stochastic:players=3,states=4,actions=3,seed=1",
    "random_sparse",
    "random_uniform:players=3",
)
LAMS = (0.0, 0.1, 0.3)

# Largest scaled regret that counts as an equilibrium.
ENOUGH = 0.02

Runs = tuple[pg.TrainingRun, ...]


def wilson(successes: int, total: int) -> tuple[float, float]:
    """Return the 95 % interval of Wilson for a probability."""
    z = 1.959964
    center = (successes + z * z / 2) / (total + z * z)
    half = z / (total + z * z) * math.sqrt(successes * (total - successes) / total + z * z / 4)
    return center - half, center + half


def mean_text(values: np.ndarray) -> str:
    """Write a mean with its 95 % interval."""
    half = student.ppf(0.975, len(values) - 1) * values.std(ddof=1) / math.sqrt(len(values)) if len(values) > 1 else 0.0
    return f"{values.mean():.3f} ± {half:.3f}"


def worst_return(run: pg.TrainingRun) -> float:
    """Return, averaged over players and starts, what is left after the worst one-step deviation of one co-player."""
    if run.evaluation is None:
        return float((run.task - run.power.max(axis=1)).mean())
    left = run.task - run.power.max(axis=2).T
    return float((left @ run.evaluation.game.start).mean())


def convergence_row(name: str, algorithm: str, lam: float, runs: Runs) -> str:
    """Write how many runs end near an equilibrium, and how near."""
    regrets = np.array([float(run.certificate.scaled_regret) for run in runs])
    good = int((regrets <= ENOUGH).sum())
    low, high = wilson(good, len(runs))
    return (
        f"| `{name}` | {algorithm} | {lam:g} | {good} of {len(runs)} | {100 * low:.0f} to {100 * high:.0f} % "
        f"| {100 * np.median(regrets):.2f} % | {100 * regrets.max():.2f} % |"
    )


def claim_row(name: str, algorithm: str, lam: float, runs: Runs) -> str:
    """Write what the learned policies are worth, and who could take how much of it."""
    task = np.array([run.history[-1].task.mean() for run in runs])
    power = np.array([run.history[-1].power.mean() for run in runs])
    worst = np.array([worst_return(run) for run in runs])
    label = "task" if lam == 0 else f"{algorithm}, λ = {lam:g}"
    return f"| `{name}` | {label} | {mean_text(task)} | {mean_text(power)} | {mean_text(worst)} |"


def tables(names: tuple[str, ...], seeds: int, jobs: int) -> tuple[str, str]:
    """Train on some games, and return both tables."""
    convergence = [
        "| game | algorithm | λ | runs within 2 % | 95 % interval | median regret | worst |",
        "|---|---|---|---|---|---|---|",
    ]
    claim = ["| game | learned by | task return | power | after the worst step |", "|---|---|---|---|---|"]
    for name in names:
        game = pg.load(name)
        for algorithm in ("prim", "sbpr"):
            for lam in LAMS:
                runs = pg.train_many(
                    game, pg.PowerObjective(lam), algorithm=algorithm, seeds=range(seeds), n_jobs=jobs, history=1
                )
                convergence.append(convergence_row(name, algorithm, lam, runs))
                # At λ = 0 prim is task.
                if lam or algorithm == "prim":
                    claim.append(claim_row(name, algorithm, lam, runs))
                print(convergence[-1], flush=True)
    return "\n".join(convergence), "\n".join(claim)


def main() -> None:
    """Train everything, and write the page or print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--dry", action="store_true")
    arguments = parser.parse_args()
    parts = dict(zip(("convergence", "claim"), tables(GAMES, arguments.seeds, arguments.jobs), strict=True))
    hard = tables(HARD, arguments.seeds, arguments.jobs)
    parts |= dict(zip(("hard-convergence", "hard-claim"), hard, strict=True))
    if arguments.dry:
        print(*parts.values(), sep="\n\n")
        return
    text = PAGE.read_text(encoding="utf-8")
    for part, table in parts.items():
        text = replaced(text, part, table)
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
