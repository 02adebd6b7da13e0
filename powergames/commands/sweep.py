"""``powergames sweep``: solve over a range of λ."""

from __future__ import annotations

from typing import Annotated

import typer

from powergames.commands.options import (
    Aggregate,
    AggregateOption,
    ExactOption,
    Form,
    FormOption,
    GameArgument,
    HorizonOption,
    JsonOption,
    PlotKindOption,
    PlotOption,
    PowerStepsOption,
    SelectOption,
    TolOption,
    WeightsOption,
    check_distinct,
    check_plot,
    check_plot_kind,
    load_for,
    read_horizon,
    read_jobs,
    read_lam_range,
    read_objective,
    read_seconds,
    read_tolerance,
)
from powergames.commands.outcome import DONE, FAILED, print_json, raise_on_ctrl_c
from powergames.commands.terminal import print_result
from powergames.errors import InputError

FRONTIER, EQUILIBRIA = "frontier", "equilibria"


def command(
    game: GameArgument,
    lam: Annotated[
        str,
        typer.Option("--lam", metavar="RANGE", help="start:stop:count, or numbers separated by commas: 0,0.25,1/3."),
    ] = "0:1:51",
    aggregate: AggregateOption = Aggregate.MEAN,
    weights: WeightsOption = None,
    form: FormOption = Form.PENALTY,
    power_steps: PowerStepsOption = "1",
    every: Annotated[bool, typer.Option("--all", help="Find every equilibrium at each point.")] = False,
    exact: ExactOption = False,
    method: Annotated[
        str | None,
        typer.Option("--method", metavar="NAME", help="Solver to use, such as lemke; by default size and λ decide."),
    ] = None,
    select: SelectOption = None,
    tol: TolOption = "1e-8",
    time_limit: Annotated[
        str | None, typer.Option("--time-limit", metavar="SECONDS", help="Seconds that each computation may take.")
    ] = None,
    jobs: Annotated[str, typer.Option("--jobs", metavar="N", help="Processes to use; -1 for one per core.")] = "1",
    horizon: HorizonOption = None,
    store: Annotated[
        str | None,
        typer.Option("--store", metavar="FILE", help="Keep each result in a file, and resume from it."),
    ] = None,
    plot: PlotOption = None,
    kind: PlotKindOption = None,
    as_json: JsonOption = False,
) -> int:
    """Solve over a range of λ.

    Kinds of pictures: frontier (task value against power) and equilibria (every equilibrium against λ). With --plot,
    small games of two players are solved as with --all.
    """
    check_plot(plot)
    check_plot_kind(kind, plot, (FRONTIER, EQUILIBRIA))
    check_distinct({"GAME": game}, [("--store", store), ("--plot", plot)])
    for option, value in (("--method", method), ("--select", select)):
        if every and value is not None:
            raise InputError(f"sweep: got --all together with {option}; --all returns everything, so drop one of them")
    lams, n_jobs = read_lam_range(lam), read_jobs(jobs)
    tolerance, seconds = read_tolerance(tol), None if time_limit is None else read_seconds(time_limit)
    from powergames.results import SCHEMA, game_header
    from powergames.solvers import sweep
    from powergames.solvers.normal_form.bifurcations import is_quick

    loaded = load_for(
        game, all=every, exact=exact, select=horizon is None and select is not None, store=store is not None
    )
    objective = read_objective("0", aggregate, form, weights, power_steps)
    steps = read_horizon(horizon, loaded)
    if plot is not None and method is select is None and is_quick(loaded):
        every = True
    if n_jobs != 1:
        # This process only waits for its workers, and must live to end them.
        raise_on_ctrl_c()
    path = sweep(
        loaded,
        objective,
        lams=lams,
        horizon=steps,
        all_equilibria=every,
        method=method,
        exact=exact,
        select=None if select is None else select.value,
        tol=tolerance,
        time_limit=seconds,
        n_jobs=n_jobs,
        store=store,
    )
    if as_json:
        print_json({"schema": SCHEMA, "game": game_header(loaded), **path.to_dict()}, exact)
    else:
        print_result(path)
    if plot is not None:
        from powergames import viz

        draw = viz.bifurcation if (kind or (EQUILIBRIA if every else FRONTIER)) == EQUILIBRIA else viz.frontier
        viz.save(draw(path), plot)
    return DONE if all(point.converged and point.complete is not False for point in path) else FAILED
