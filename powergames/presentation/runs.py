"""What learned policies show of themselves: how good they are, and how the run went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from powergames.display import MOST, ROUNDING, Block, Cell, Table, blocks, counted, name, number, regret
from powergames.horizon_evaluation import HorizonEvaluation
from powergames.learning.runs import TrainingRun
from powergames.learning.sweeps import TrainingSweep
from powergames.presentation.horizons import first_step
from powergames.presentation.shared import (
    first,
    from_start,
    heading,
    interval,
    judgement,
    lam_cell,
    noise,
    numbers_cell,
    power_cells,
    power_headers,
    states_table,
    strategy_text,
    title_of,
)

if TYPE_CHECKING:
    from powergames.checking.stochastic import StochasticCertificate
    from powergames.games.normal_form import NormalFormGame
    from powergames.games.timed import AnyProfile


@blocks.register(TrainingRun)
def of_run(run: TrainingRun, most: int | None = MOST) -> list[Block]:
    """Learned policies, how far they are from an equilibrium, and how the run went."""
    history = Table(">steps", ">task", ">power", ">scaled regret")
    for point in run.history[-1::-4][::-1]:
        history.add_row(
            Cell(point.steps, f"{point.steps:,}"),
            numbers_cell(run.game, point.task),
            numbers_cell(run.game, point.power),
            regret(point.regret, ROUNDING),
        )
    evaluation = run.evaluation
    if isinstance(evaluation, HorizonEvaluation):
        shown: list[Block] = first_step(evaluation, most)
    elif evaluation is None:
        shown = [_policies_table(run, _rounded(run.policies))]
    else:
        certificate = cast("StochasticCertificate", run.certificate)
        told = replace(evaluation, profile=_rounded(run.policies))
        shown = [states_table(told, certificate, first(told.game, most)), *from_start(evaluation, most)]
    cut = "" if run.stopped is None else f" {run.stopped.name}: the run was cut short."
    return [
        _heading(run),
        *shown,
        *([history] if run.history else []),
        f"Learned by {run.algorithm} in {run.steps:,} steps, seed {run.seed}.{cut}",
        judgement(run.game, run.certificate),
    ]


def _rounded(policies: AnyProfile) -> tuple[Any, ...]:
    """Return probabilities as many digits as learning can tell."""
    return tuple(np.round(policy, 3) for policy in policies)


def of_runs(runs: Sequence[TrainingRun], files: Sequence[str], wanted: int) -> list[Block]:
    """What each of many runs learned, how far it is from an equilibrium, the mean, and how many are missing."""
    table = Table(">seed", ">task", ">power", ">scaled regret", "within tolerance", "policies")
    chosen, points = runs[0], [run.summary for run in runs]
    for run, point, file in zip(runs, points, files, strict=True):
        verdict = "yes" if run.certificate.passed else "no"
        if run.stopped is not None:
            verdict += f", {run.stopped.name} after {run.steps:,} steps"
        table.add_row(
            str(run.seed),
            numbers_cell(chosen.game, point.task),
            numbers_cell(chosen.game, point.power),
            regret(point.regret, ROUNDING),
            verdict,
            name(file),
        )
    table.add_line()
    means = (np.mean([getattr(point, key) for point in points], axis=0) for key in ("task", "power"))
    cells = [numbers_cell(chosen.game, mean) for mean in means]
    table.add_row("mean", *cells, regret(float(np.mean([point.regret for point in points])), ROUNDING), "", "")
    worst = max(runs, key=lambda run: run.certificate.scaled_regret)
    passed = sum(run.certificate.passed for run in runs)
    return [
        _heading(chosen),
        table,
        f"Learned by {chosen.algorithm} in {chosen.parameters['steps']:,} steps each; {passed} of "
        f"{counted(len(runs), 'run')} within tolerance {chosen.certificate.tol:g}.",
        judgement(worst.game, worst.certificate, f"at seed {worst.seed}"),
        *([f"INTERRUPTED: only {len(runs)} of {wanted} runs are here."] if len(runs) < wanted else []),
    ]


@blocks.register(TrainingSweep)
def of_sweep(learned: TrainingSweep, most: int | None = MOST) -> list[Block]:
    """Means over seeds at each λ, with their intervals."""
    table = Table(">λ", "player", ">task", ">power", ">largest scaled regret", ">within tolerance")
    for point in learned:
        if len(learned.game.players) > 1:
            table.add_line()
        task, power, passed = point.task, point.power, f"{point.passed} of {len(point.runs)}"
        for i, player in enumerate(learned.game.players):
            shared = (lam_cell(point.objective), interval(point.regret), passed) if i == 0 else ("", "", "")
            table.add_row(shared[0], name(player), interval(task, i), interval(power, i), *shared[1:])
    run, level = learned[0].runs[0], learned[0].level
    worst = max((run for point in learned for run in point.runs), key=lambda run: run.certificate.scaled_regret)
    where = f"at λ = {lam_cell(worst.objective).text} and seed {worst.seed}"
    seeds = counted(max(len(point.runs) for point in learned), "seed")
    trained = f"learned by {learned.algorithm} in {run.parameters['steps']:,} steps with {seeds} each"
    return [
        f"{title_of(learned.game)}, {trained}",
        table,
        f"Means over seeds, and in brackets their {level:.0%} intervals by the bootstrap.",
        judgement(worst.game, worst.certificate, where),
    ]


def _heading(run: TrainingRun) -> str:
    """Game and objective, and how long play lasts."""
    lasting = "" if run.horizon is None else f", {counted(run.horizon, 'step')}"
    return f"{heading(run.game, run.objective)}{lasting}"


def _policies_table(run: TrainingRun, policies: Sequence[Any]) -> Table:
    """One row for each player of a normal-form game."""
    game = cast("NormalFormGame", run.game)
    rounding = noise(game)
    table = Table("player", "strategy", ">task", *power_headers(game), ">utility", ">regret")
    for i, player in enumerate(game.players):
        table.add_row(
            name(player),
            strategy_text(game, i, policies[i]),
            number(run.task[i], rounding[i]),
            *power_cells(game, i, run.power, rounding[i]),
            number(run.utility[i], rounding[i]),
            regret(run.certificate.regrets[i], rounding[i]),
        )
    return table
