"""``powergames trace``: follow one equilibrium as λ changes."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from powergames.commands.options import (
    Aggregate,
    AggregateOption,
    Form,
    FormOption,
    GameArgument,
    JsonOption,
    PlotOption,
    Select,
    TolOption,
    WeightsOption,
    check_distinct,
    check_plot,
    read_lam_bounds,
    read_objective,
    read_seconds,
    read_tolerance,
)
from powergames.commands.outcome import DONE, FAILED, print_json, raise_on_ctrl_c
from powergames.commands.terminal import print_result
from powergames.errors import InputError
from powergames.kernels.compilation import clock
from powergames.progress import reporter


def command(
    game: GameArgument,
    lam: Annotated[str, typer.Option("--lam", metavar="RANGE", help="start:stop, the range of λ.")] = "0:1",
    start: Annotated[
        str | None,
        typer.Option("--start", metavar="NUMBER", help="The λ at which to begin; by default the least."),
    ] = None,
    aggregate: AggregateOption = Aggregate.MEAN,
    weights: WeightsOption = None,
    form: FormOption = Form.PENALTY,
    method: Annotated[
        str | None, typer.Option("--method", metavar="NAME", help="Solver that finds the first equilibrium.")
    ] = None,
    select: Annotated[
        Select | None, typer.Option("--select", help="Begin with the equilibrium of greatest welfare or least power.")
    ] = None,
    tol: TolOption = "1e-8",
    time_limit: Annotated[
        str | None,
        typer.Option("--time-limit", metavar="SECONDS", help="Stop after this time with the path so far."),
    ] = None,
    plot: PlotOption = None,
    as_json: JsonOption = False,
) -> int:
    """Follow one equilibrium as λ changes, and find the critical λ, at which it changes or ends."""
    check_plot(plot)
    check_distinct({"GAME": game}, [("--plot", plot)])
    tolerance, (low, high) = read_tolerance(tol), read_lam_bounds(lam)
    seconds = None if time_limit is None else read_seconds(time_limit)
    from powergames.games.stochastic import StochasticGame
    from powergames.io import load
    from powergames.results import SCHEMA, game_header
    from powergames.solvers import solve, trace

    loaded, objective = load(game), read_objective(str(low) if start is None else start, aggregate, form, weights)
    if not low <= objective.exact_lam <= high:
        raise InputError(f"--start: got {start}, outside of --lam {lam}; choose one within it")
    if isinstance(loaded, StochasticGame):
        raise_on_ctrl_c()
    began = clock()
    with reporter(transient=True) as callback:
        first: Any = None
        if method is not None or select is not None:
            first = solve(
                loaded,
                objective,
                method=method,
                select=None if select is None else select.value,
                tol=tolerance,
                time_limit=seconds,
                callback=callback,
            )
        path = trace(
            loaded,
            objective,
            start=first,
            lams=(float(low), float(high)),
            tol=tolerance,
            time_limit=None if seconds is None else max(0.0, began + seconds - clock()),
            callback=callback,
        )
    if as_json:
        print_json({"schema": SCHEMA, "game": game_header(loaded), **path.to_dict()})
    else:
        print_result(path)
    if plot is not None and path.points:
        from powergames import viz

        viz.save(viz.bifurcation(path), plot)
    return DONE if path.converged else FAILED
