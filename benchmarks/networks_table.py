"""What networks learn in kitchens, ten seeds each, judged exactly: the table of docs/learning.md.

Run ``python benchmarks/networks_table.py`` to train all and write the table into the page: hours on one core. Results
are kept in ``--results FILE``, one line for each kitchen, algorithm, λ and number of steps, and not made again.
``--kitchens`` and ``--seeds`` choose others, ``--dry`` prints the table instead of writing it, and ``--no-train`` makes
it of the results that there are.

Networks see samples; everything in the table is computed from the game. Intervals are 95 % intervals of the mean over
seeds, by the bootstrap. *Regret* is what a chef gains by its best deviation from a state on, relative to what can be
attained, averaged over the states that play visits, of the worse chef; it is that of the form that was learned.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from pages import records, replaced

import powergames as pg
from powergames.learning.sweeps import bootstrap

PAGE = Path(__file__).parent.parent / "docs" / "learning.md"
# Algorithm, λ and steps. In sbpr takeovers make rare soups rarer, and in a larger kitchen they are rarer anyway: so
# these get more.
LARGER = (("task", "0", 400_000), ("task", "0", 1_600_000))
KITCHENS = {
    "shared_pot": (
        ("task", "0", 400_000),
        ("prim", "0.001", 400_000),
        ("prim", "0.05", 400_000),
        ("prim", "0.1", 400_000),
        ("prim", "0.3", 400_000),
        ("sbpr", "0.05", 1_600_000),
        ("sbpr", "0.1", 1_600_000),
        ("sbpr", "0.3", 1_600_000),
    ),
    "three_pots": (
        *LARGER,
        ("prim", "0.001", 1_600_000),
        ("prim", "0.1", 1_600_000),
        ("prim", "0.3", 1_600_000),
        ("sbpr", "0.3", 1_600_000),
        ("sbpr", "0.3", 6_400_000),
    ),
    "cramped_room:counters=0": (
        *LARGER,
        ("task", "0", 6_400_000),
        ("prim", "0.001", 1_600_000),
        ("prim", "0.1", 6_400_000),
    ),
}
SEEDS = 10

# Regret that still counts as settled.
ENOUGH = 0.02


def judged(game: pg.StochasticGame, run: pg.TrainingRun) -> dict[str, float]:
    """Return what a run reached, from the start and where play goes."""
    evaluation = pg.evaluate(game, run.profile, run.objective)
    regrets, visits = run.certificate.scaled_regrets, evaluation.occupancy
    shares = visits / visits.sum(axis=1, keepdims=True)
    return {
        "seed": run.seed,
        "task": float(evaluation.start_task.mean()),
        "power": float(evaluation.average_power.sum(axis=1).mean()),
        "regret": float((shares * regrets).sum(axis=1).max()),
        "above": float((shares * (regrets > ENOUGH)).sum(axis=1).max()),
    }


def trained(game: pg.StochasticGame, algorithm: str, lam: str, steps: int, seeds: int) -> dict[str, Any]:
    """Train with all seeds."""
    began = time.process_time()
    runs = pg.train_many(
        game,
        pg.PowerObjective(lam),
        algorithm=algorithm,
        policy="network",
        seeds=range(seeds),
        steps=steps,
        history=1,
        progress=False,
    )
    return {"runs": [judged(game, run) for run in runs], "seconds": (time.process_time() - began) / seeds}


# Kitchen, algorithm, λ and steps.
Question = tuple[str, str, str, int]


def table(known: dict[Question, dict[str, Any]], optima: dict[str, float]) -> list[str]:
    """Write the results as a table in Markdown."""
    lines = [
        "| kitchen | by | λ | steps | return of each | of the team optimum | power over each | regret | above 2 % |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for (kitchen, algorithm, lam, steps), found in known.items():
        values = np.array([[run[name] for name in ("task", "power", "regret", "above")] for run in found["runs"]])
        estimate = bootstrap(values, 0.95)
        mean, low, high = estimate.mean, estimate.low, estimate.high
        spans = [f"{mean[k]:.3f} [{low[k]:.3f}, {high[k]:.3f}]" for k in range(2)]
        share = 100 * mean[0] / optima[kitchen]
        lines.append(
            f"| {kitchen} | {algorithm} | {lam} | {steps / 1e6:.1f} M | {spans[0]} | {share:.0f} % | {spans[1]} | "
            f"{100 * mean[2]:.2f} % [{100 * low[2]:.2f}, {100 * high[2]:.2f}] | {100 * mean[3]:.0f} % |"
        )
    return lines


def main() -> None:
    """Train what is missing, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=Path("networks_learned.jsonl"))
    parser.add_argument("--kitchens", nargs="+", choices=KITCHENS, default=list(KITCHENS))
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--no-train", action="store_true", help="make the table of the results there are")
    parser.add_argument("--dry", action="store_true", help="print the table instead of writing it into the page")
    options = parser.parse_args()
    known: dict[Question, dict[str, Any]] = {tuple(found["question"]): found for found in records(options.results)}
    optima, questions = {}, []
    for kitchen in options.kitchens:
        game: Any = pg.load(f"overcooked:{kitchen}")
        optima[kitchen] = float(pg.team_optimum(game, pg.PowerObjective(1e-4)).evaluation.start_task.mean())
        for algorithm, lam, steps in KITCHENS[kitchen]:
            question = (kitchen, algorithm, lam, steps)
            questions.append(question)
            if question in known or options.no_train:
                continue
            found = known[question] = trained(game, algorithm, lam, steps, options.seeds)
            print(*table({question: found}, optima)[2:], f"{found['seconds']:.0f} s each", flush=True)
            with options.results.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"question": question, **found}) + "\n")
    text = "\n".join(table({question: known[question] for question in questions if question in known}, optima))
    if options.dry:
        print(text)
        return
    PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8"), "networks", text), encoding="utf-8")


if __name__ == "__main__":
    main()
