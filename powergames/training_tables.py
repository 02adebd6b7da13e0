"""What `train` prints for people about many runs: one row for each seed, and the mean."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from powergames.terminal import counted, heading, number_list, print_blocks, printable, regret_text, start_table

if TYPE_CHECKING:
    from powergames.learning import TrainingRun


def print_runs(runs: Sequence[TrainingRun], files: Sequence[str]) -> None:
    """Print what each of many runs learned, and how far it is from an equilibrium."""
    table = start_table(">seed", ">task", ">power", ">scaled regret", "within tolerance", "policies")
    points = [run.summary for run in runs]
    for run, point, file in zip(runs, points, files, strict=True):
        verdict = "yes" if run.certificate.passed else "no"
        if run.stopped is not None:
            verdict += f", {run.stopped.name} after {run.steps:,} steps"
        numbers = number_list(point.task), number_list(point.power), regret_text(point.regret)
        table.add_row(str(run.seed), *numbers, verdict, printable(file))
    first = runs[0]
    passed = sum(run.certificate.passed for run in runs)
    table.add_section()
    means = (number_list(np.mean([getattr(point, name) for point in points], axis=0)) for name in ("task", "power"))
    table.add_row("mean", *means, regret_text(np.mean([point.regret for point in points])), "", "")
    largest = max(point.regret for point in points)
    print_blocks(
        heading(first.game, first.objective),
        table,
        f"Learned by {first.algorithm} in {first.parameters['steps']:,} steps each; {passed} of "
        f"{counted(len(runs), 'run')} within tolerance {first.certificate.tol:g}; largest regret {largest:.3g} of the "
        "range.",
    )
