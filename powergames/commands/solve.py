"""``powergames solve``: find an equilibrium, or all of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, cast

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
    LamOption,
    Select,
    SelectOption,
    TimeLimitOption,
    TolOption,
    WeightsOption,
    read_horizon,
    read_objective,
    read_seconds,
    read_tolerance,
    refuse_for_stochastic,
)
from powergames.commands.outcome import DONE, FAILED, print_json, raise_on_ctrl_c
from powergames.commands.terminal import print_result
from powergames.errors import InputError
from powergames.progress import reporter

if TYPE_CHECKING:
    from powergames.results import EquilibriumSet


def command(
    game: GameArgument,
    lam: LamOption = "0",
    aggregate: AggregateOption = Aggregate.MEAN,
    weights: WeightsOption = None,
    form: FormOption = Form.PENALTY,
    every: Annotated[bool, typer.Option("--all", help="Find every equilibrium (of small games).")] = False,
    exact: ExactOption = False,
    method: Annotated[str | None, typer.Option("--method", metavar="NAME", help="Solver to use.")] = None,
    select: SelectOption = None,
    tol: TolOption = "1e-8",
    time_limit: TimeLimitOption = None,
    horizon: HorizonOption = None,
    as_json: JsonOption = False,
) -> int:
    """Find an equilibrium, or all of them, and certify it."""
    for option, value in (("--method", method), ("--select", select)):
        if every and value is not None:
            raise InputError(f"solve: got --all together with {option}; --all returns everything, so drop one of them")
    tolerance, seconds = read_tolerance(tol), None if time_limit is None else read_seconds(time_limit)
    from powergames.games import StochasticGame
    from powergames.io import load
    from powergames.results import SCHEMA, game_header
    from powergames.solvers import solve, solve_all

    loaded, objective = load(game), read_objective(lam, aggregate, form, weights)
    steps = read_horizon(horizon, loaded)
    refuse_for_stochastic(loaded, all=every, exact=exact, select=steps is None and select is not None)
    if steps is None and select in (Select.TEAM, Select.NEAREST):
        raise InputError(f"--select: got {select.value}, which needs --horizon; give welfare or power")
    if isinstance(loaded, StochasticGame):
        raise_on_ctrl_c()
    found: Sequence[Any]
    with reporter(transient=True) as callback:
        if every:
            found = solve_all(loaded, objective, exact=exact, tol=tolerance, time_limit=seconds, callback=callback)
        else:
            found = [
                solve(
                    loaded,
                    objective,
                    horizon=steps,
                    method=method,
                    exact=exact,
                    select=None if select is None else select.value,
                    tol=tolerance,
                    time_limit=seconds,
                    callback=callback,
                )
            ]
    if as_json:
        print_json(
            {
                "schema": SCHEMA,
                "game": game_header(loaded),
                "objective": objective.to_dict(exact),
                "equilibria": [equilibrium.to_dict() for equilibrium in found],
                **_completeness(found),
            },
            exact,
        )
    else:
        print_result(cast("EquilibriumSet", found) if every else found[0])
    complete = not every or cast("EquilibriumSet", found).complete
    return DONE if found and complete and all(equilibrium.converged for equilibrium in found) else FAILED


def _completeness(found: Sequence[Any]) -> dict[str, Any]:
    """Return what the document says of a set beside its members."""
    from powergames.results import EquilibriumSet

    return {"complete": found.complete, "status": found.status.name} if isinstance(found, EquilibriumSet) else {}
