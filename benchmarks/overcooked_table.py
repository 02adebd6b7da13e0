"""Equilibria of kitchens of Overcooked over λ: the table of docs/overcooked.md.

Run ``python benchmarks/overcooked_table.py`` to solve all of them and write the table into the page. Results are kept
in ``--results FILE``, one by one, and not computed again; ``--layouts tiny,shared_pot``, ``--forms penalty``
and ``--lams 0.1`` compute only some; ``--time-limit 60`` ends a search after so many seconds with the best profile met,
whose regret the table then shows. *States above* are those in which the regret is above 1e-8 in the form "adversarial",
1e-6 in the form "penalty", and in brackets how much of their time chefs spend there, discounted, from the start on; the
file of results also says what they most often hold there, and what is in the pots. The benchmark for each layout is the
team optimum at λ = 1e-4, which breaks ties between optima in favour of those that suffer least from one chef's failure.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"

import argparse
import json
import re
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from pages import replaced

import powergames as pg

PAGE = Path(__file__).parent.parent / "docs" / "overcooked.md"

LAYOUTS = ("tiny", "shared_pot", "three_pots", "cramped_room:counters=0", "cramped_room:counters=1")
# Forms, and the regret at which to stop, relative to the range of values.
FORMS = {"adversarial": 1e-8, "penalty": 1e-6}
LAMS = ("1e-4", "0.05", "0.1", "0.2", "0.3", "0.5")


def outcome(evaluation: Any) -> dict[str, Any]:
    """Return what the chefs get from the start, and the power over each, averaged over the states that are visited."""
    return {"task": evaluation.start_task.tolist(), "power": evaluation.average_power.sum(axis=1).tolist()}


def solved(game: pg.StochasticGame, form: str, lam: str, time_limit: float) -> dict[str, Any]:
    """Solve a kitchen at one λ."""
    objective = pg.PowerObjective(lam, form=form)
    began = time.perf_counter()
    found = pg.solve(game, objective, tol=FORMS[form], time_limit=time_limit)
    seconds = time.perf_counter() - began
    certificate = found.certificate
    bad = certificate.scaled_regrets.max(axis=0) > certificate.tol
    return outcome(found.evaluation) | {
        "status": found.status.name,
        "method": found.method,
        "regret": certificate.scaled_regret,
        "states": game.n_states,
        "failing": int(bad.sum()),
        "where": Counter(_without_places(game.states[s]) for s in np.flatnonzero(bad).tolist()).most_common(5),
        "time_there": float(found.evaluation.occupancy[:, bad].sum(axis=1).max()),
        "seconds": seconds,
    }


def _without_places(state: str) -> str:
    """Return the name of a state without where the chefs stand and look."""
    return re.sub(r" \(\d+,\d+\)( \w+)?", "", state)


def table(results: dict[str, Any]) -> list[str]:
    """Write the results as a table in Markdown."""
    lines = [
        "| kitchen | form | λ | return of each | change | power over each | change | regret | states above | s |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    keys = [f"{layout}|{form}|{lam}" for layout in LAYOUTS for form in FORMS for lam in LAMS]
    for key in keys:
        if key not in results:
            continue
        result, (layout, form, lam) = results[key], key.split("|")
        base = results[f"{layout}|team|1e-4"]
        change = [
            f"{100 * (sum(result[name]) / sum(base[name]) - 1):+.1f} %" if sum(base[name]) else "-"
            for name in ("task", "power")
        ]
        above = f"{result['failing']:,}" + (f" ({100 * result['time_there']:.1f} %)" if result["failing"] else "")
        task, power = (", ".join(f"{value:.3f}" for value in result[name]) for name in ("task", "power"))
        lines.append(
            f"| {layout} ({result['states']:,}) | {form} | {lam} | {task} | {change[0]} | {power} | {change[1]} | "
            f"{result['regret']:.0e} | {above} | {result['seconds']:.0f} |"
        )
    return lines


def main() -> None:
    """Solve what is missing, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=Path("overcooked_results.json"))
    parser.add_argument("--layouts", default=";".join(LAYOUTS), help="separated by semicolons")
    parser.add_argument("--forms", default=",".join(FORMS))
    parser.add_argument("--lams", default=",".join(LAMS))
    parser.add_argument("--time-limit", type=float, default=300.0)
    parser.add_argument("--dry", action="store_true", help="print the table instead of writing it into the page")
    arguments = parser.parse_args()
    results = json.loads(arguments.results.read_text()) if arguments.results.exists() else {}
    pg.solve(pg.load("overcooked:tiny"), pg.PowerObjective("1e-4", form="adversarial"))
    for layout in arguments.layouts.split(";"):
        game: Any = pg.load(f"overcooked:{layout}")
        runs = [
            ("team", "1e-4"),
            *((form, lam) for form in arguments.forms.split(",") for lam in arguments.lams.split(",")),
        ]
        for form, lam in runs:
            key = f"{layout}|{form}|{lam}"
            if key not in results:
                if form == "team":
                    results[key] = outcome(pg.team_optimum(game, pg.PowerObjective(lam)).evaluation)
                else:
                    results[key] = solved(game, form, lam, arguments.time_limit)
                print(key, json.dumps(results[key]), flush=True)
                arguments.results.write_text(json.dumps(results, indent=1))
    text = "\n".join(table(results))
    if arguments.dry:
        print(text)
        return
    PAGE.write_text(replaced(PAGE.read_text(encoding="utf-8"), "equilibria", text), encoding="utf-8")


if __name__ == "__main__":
    main()
