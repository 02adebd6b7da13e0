"""What tabular learners make of kitchens of Overcooked, beside the exact answers: a table of docs/overcooked.md.

Run ``python benchmarks/overcooked_learning.py`` to train all learners and write the table into the page. Runs are kept
in ``--results FILE``, one by one, and not made again. ``--layouts``, ``--lams``, ``--seeds`` and ``--steps`` choose
others, ``--options '{}'`` leaves the parameters of the learners as they are by default, and ``--dry`` prints the table
instead. Learners see nothing but samples; everything in the table is computed from the game.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pages import replaced

import powergames as pg

PAGE = Path(__file__).parent.parent / "docs" / "overcooked.md"

# Steps, seeds and λ for each layout.
PLANS = {
    "tiny": (3_000_000, 3, ("0", "1e-4", "0.05", "0.1")),
    "shared_pot": (5_000_000, 2, ("0", "1e-4", "0.1")),
}

# Kitchens leave nothing to chance, so critics may learn fast, and a soup takes many steps in a row that are all right,
# so there is less entropy and play goes on for longer than by default.
OPTIONS = {"rate": [0.5, 0.05], "temperature": [0.05, 0.002], "critic_rate": [0.5, 0.1], "restart": 0.03}


# What is off at most in a state that counts as settled, relative to the range of attainable values.
ENOUGH = 0.02


def judged(game: Any, objective: pg.PowerObjective, policies: Any) -> dict[str, float]:
    """Audit policies, and return what counts, on average over the chefs.

    ``one`` and ``ten`` are what is left for a chef, from the start, if the other one acts against it for so many steps.
    """
    audit: Any = pg.audit(game, policies, objective, tol=ENOUGH)
    evaluation = pg.evaluate(game, policies, objective)
    certificate = audit.certificate
    adversarial = [found for found in audit.off_policy if found.kind == "adversarial"]
    left = {
        steps: float(np.mean([found.start_task[found.against] for found in adversarial if found.steps == steps]))
        for steps in (1, 10)
    }
    return {
        "task": float(evaluation.start_task.mean()),
        "power": float(evaluation.average_power.sum(axis=1).mean()),
        "one": left[1],
        "ten": left[10],
        "regret": float(certificate.scaled_regret),
        "failing": float((certificate.scaled_regrets.max(axis=0) > ENOUGH).mean()),
    }


def exact(game: Any, lam: str) -> dict[str, float]:
    """Solve exactly, in the adversarial form, and judge that in the same way."""
    objective = pg.PowerObjective(lam, form="adversarial")
    found: Any = pg.solve(game, objective, time_limit=60)
    return judged(game, objective, found.profile)


def learned(game: Any, algorithm: str, lam: str, seed: int, steps: int, options: dict[str, Any]) -> dict[str, float]:
    """Train, and judge what was learned."""
    began = time.perf_counter()
    run: Any = pg.train(
        game,
        pg.PowerObjective(lam),
        algorithm=algorithm,
        seed=seed,
        steps=steps,
        history=1,
        progress=False,
        **options,
    )
    seconds = time.perf_counter() - began
    return judged(game, run.objective, run.policies) | {"seconds": seconds}


def row(layout: str, by: str, lam: str, runs: list[dict[str, float]]) -> str:
    """Write the mean over runs, and the least and the greatest return."""
    mean = {name: float(np.mean([run[name] for run in runs])) for name in runs[0]}
    tasks = [run["task"] for run in runs]
    spread = f" ({min(tasks):.3f} to {max(tasks):.3f})" if len(runs) > 1 else ""
    seconds = f"{mean['seconds']:.0f}" if "seconds" in mean else "-"
    return (
        f"| {layout} | {by} | {lam} | {mean['task']:.3f}{spread} | {mean['power']:.3f} | {mean['one']:.3f} | "
        f"{mean['ten']:.3f} | {100 * mean['regret']:.3g} % | {100 * mean['failing']:.1f} % | {seconds} |"
    )


def plan(lams: Sequence[str]) -> list[tuple[str, str]]:
    """Return what is compared on each layout: who, at which λ. At λ = 0 all learners are one."""
    powers = [lam for lam in lams if float(lam)]
    return (
        [("exact", lam) for lam in powers] + [("task", "0")] + [(by, lam) for by in ("prim", "sbpr") for lam in powers]
    )


def main() -> None:
    """Train what is missing, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=Path("overcooked_learned.json"))
    parser.add_argument("--layouts", default=",".join(PLANS))
    parser.add_argument("--lams", help="by default those of PLANS")
    parser.add_argument("--seeds", type=int, help="by default those of PLANS")
    parser.add_argument("--steps", type=int, help="by default those of PLANS")
    parser.add_argument(
        "--options", type=json.loads, default=OPTIONS, help="other arguments of powergames.train, as JSON"
    )
    parser.add_argument("--dry", action="store_true", help="print the table instead of writing it into the page")
    arguments = parser.parse_args()
    results = json.loads(arguments.results.read_text()) if arguments.results.exists() else {}
    lines = [
        "| kitchen | by | λ | return of each | power over each | after a bad step | after ten | regret "
        "| states above 2 % | s |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for layout in arguments.layouts.split(","):
        game: Any = pg.load(f"overcooked:{layout}")
        steps, seeds, lams = PLANS[layout]
        steps, seeds = arguments.steps or steps, arguments.seeds or seeds
        for by, lam in plan(arguments.lams.split(",") if arguments.lams else lams):
            runs = []
            for seed in range(1 if by == "exact" else seeds):
                key = f"{layout}|{by}|{lam}" + (
                    "" if by == "exact" else f"|{seed}|{steps}|{json.dumps(arguments.options)}"
                )
                if key not in results:
                    results[key] = (
                        exact(game, lam) if by == "exact" else learned(game, by, lam, seed, steps, arguments.options)
                    )
                    print(key, json.dumps(results[key]), flush=True)
                    arguments.results.write_text(json.dumps(results, indent=1))
                runs.append(results[key])
            lines.append(row(layout, by, lam, runs))
    text = "\n".join(lines)
    if arguments.dry:
        print(text)
        return
    PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8"), "learned", text), encoding="utf-8")


if __name__ == "__main__":
    main()
