"""``powergames sweep``: solve over a range of power weights."""

from __future__ import annotations

from typing import Annotated

import typer

from powergames.commands.options import (
    Aggregate,
    AggregateOption,
    Form,
    FormOption,
    GameArgument,
    HorizonOption,
    JsonOption,
    PlotOption,
    WeightsOption,
    check_distinct,
    check_plot,
    read_horizon,
    read_jobs,
    read_lam_range,
    read_objective,
    refuse_for_stochastic,
)
from powergames.commands.outcome import DONE, FAILED, print_json, raise_on_ctrl_c
from powergames.commands.terminal import print_result


def command(
    game: GameArgument,
    lam: Annotated[
        str,
        typer.Option("--lam", metavar="RANGE", help="start:stop:count, or numbers separated by commas: 0,0.25,1/3."),
    ] = "0:1:51",
    aggregate: AggregateOption = Aggregate.MEAN,
    weights: WeightsOption = None,
    form: FormOption = Form.PENALTY,
    every: Annotated[bool, typer.Option("--all", help="Find every equilibrium at each point.")] = False,
    method: Annotated[str | None, typer.Option("--method", metavar="NAME", help="Solver to use.")] = None,
    jobs: Annotated[str, typer.Option("--jobs", metavar="N", help="Processes to use; -1 for one per core.")] = "1",
    horizon: HorizonOption = None,
    store: Annotated[
        str | None,
        typer.Option("--store", metavar="FILE", help="Keep each result in a file, and resume from it."),
    ] = None,
    plot: PlotOption = None,
    as_json: JsonOption = False,
) -> int:
    """Solve over a range of power weights. Pictures show task value against power; with --all, all over the weight."""
    check_plot(plot)
    check_distinct({"GAME": game}, [("--store", store), ("--plot", plot)])
    lams, n_jobs = read_lam_range(lam), read_jobs(jobs)
    from powergames.io import load
    from powergames.results import SCHEMA, game_header
    from powergames.solvers import sweep

    loaded, objective = load(game), read_objective("0", aggregate, form, weights)
    refuse_for_stochastic(loaded, all=every, store=store is not None)
    steps = read_horizon(horizon, loaded)
    if n_jobs != 1:
        # This process only waits for its workers, and must live to end them.
        raise_on_ctrl_c()
    path = sweep(
        loaded, objective, lams=lams, horizon=steps, all_equilibria=every, method=method, n_jobs=n_jobs, store=store
    )
    if as_json:
        print_json({"schema": SCHEMA, "game": game_header(loaded), **path.to_dict()})
    else:
        print_result(path)
    if plot is not None:
        from powergames import viz

        viz.save(viz.bifurcation(path) if every else viz.frontier(path), plot)
    return DONE if all(point.converged and point.complete is not False for point in path) else FAILED
