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
    PlotKindOption,
    PlotOption,
    PowerStepsOption,
    Select,
    SelectOption,
    TimeLimitOption,
    TolOption,
    WeightsOption,
    check_distinct,
    check_plot,
    check_plot_kind,
    load_for,
    read_horizon,
    read_objective,
    read_seconds,
    read_tolerance,
)
from powergames.commands.outcome import DONE, FAILED, print_json, raise_on_ctrl_c
from powergames.commands.terminal import print_blocks, print_result
from powergames.errors import InputError
from powergames.progress import reporter

if TYPE_CHECKING:
    from powergames.results import EquilibriumSet, StochasticEquilibriumSet
    from powergames.results.stability import Stability

# Equilibria up to which the output says of each how it stands.
MOST_STABILITIES = 100

# Kinds of pictures, and the functions that draw them.
PICTURES = {
    "responses": "best_responses",
    "network": "power_network",
    "heatmap": "power_heatmap",
    "trajectory": "trajectory",
}


def command(
    game: GameArgument,
    lam: LamOption = "0",
    aggregate: AggregateOption = Aggregate.MEAN,
    weights: WeightsOption = None,
    form: FormOption = Form.PENALTY,
    power_steps: PowerStepsOption = "1",
    every: Annotated[bool, typer.Option("--all", help="Find every equilibrium (of small games).")] = False,
    exact: ExactOption = False,
    method: Annotated[
        str | None,
        typer.Option("--method", metavar="NAME", help="Solver to use, such as lemke; by default size and λ decide."),
    ] = None,
    select: SelectOption = None,
    tol: TolOption = "1e-8",
    time_limit: TimeLimitOption = None,
    horizon: HorizonOption = None,
    plot: PlotOption = None,
    kind: PlotKindOption = None,
    as_json: JsonOption = False,
) -> int:
    """Find an equilibrium, or all of them, and certify it.

    Kinds of pictures: responses (best responses, of two players with two actions each), network and heatmap (who holds
    power over whom), and for games with states trajectory (power along the likeliest way from the start).
    """
    check_plot(plot)
    check_plot_kind(kind, plot, tuple(PICTURES))
    check_distinct({"GAME": game}, [("--plot", plot)])
    for option, value in (("--method", method), ("--select", select)):
        if every and value is not None:
            raise InputError(f"solve: got --all together with {option}; --all returns everything, so drop one of them")
    tolerance, seconds = read_tolerance(tol), None if time_limit is None else read_seconds(time_limit)
    from powergames.games import StochasticGame
    from powergames.presentation.results import of_set
    from powergames.results import SCHEMA, EquilibriumSet, game_header
    from powergames.solvers import solve, solve_all

    loaded = load_for(game, exact=exact, select=horizon is None and select is not None)
    objective = read_objective(lam, aggregate, form, weights, power_steps)
    steps = read_horizon(horizon, loaded)
    if steps is None and select in (Select.TEAM, Select.NEAREST):
        raise InputError(f"--select: got {select.value}, which needs --horizon; give welfare or power")
    _check_picture(loaded, kind)
    if every and steps is not None:
        raise InputError("--all: not with a horizon; leave it out")
    if plot is not None and steps is not None:
        raise InputError("--plot: not with a horizon; leave it out")
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
    elif every and isinstance(found, EquilibriumSet):
        print_blocks(*of_set(found, stabilities=_stabilities(found)))
    else:
        print_result(cast("StochasticEquilibriumSet", found) if every else found[0])
    if plot is not None and found:
        _draw(loaded, objective, found, plot, kind)
    complete = not every or cast("EquilibriumSet | StochasticEquilibriumSet", found).complete
    return DONE if found and complete and all(equilibrium.converged for equilibrium in found) else FAILED


def _check_picture(game: Any, kind: str | None) -> None:
    """Refuse a kind of picture that does not fit the game."""
    from powergames.games import StochasticGame

    if kind == "responses" and (isinstance(game, StochasticGame) or game.n_actions != (2, 2)):
        raise InputError("--plot-kind: got responses, which need two players with two actions each; give network")
    if kind == "trajectory" and not isinstance(game, StochasticGame):
        raise InputError("--plot-kind: got trajectory, but the game has no states; give network or heatmap")


def _draw(game: Any, objective: Any, found: Sequence[Any], plot: str, kind: str | None) -> None:
    """Draw the first equilibrium, or best responses with all that were found."""
    from powergames import viz
    from powergames.games import StochasticGame

    if kind is None:
        states = isinstance(game, StochasticGame)
        kind = "trajectory" if states else "responses" if game.n_actions == (2, 2) else "network"
    if kind == "responses":
        viz.save(viz.best_responses(game, objective), plot)
    else:
        viz.save(getattr(viz, PICTURES[kind])(found[0]), plot)


def _stabilities(found: EquilibriumSet) -> list[Stability] | None:
    """How each of all equilibria stands, where it is quick to tell: with two players."""
    from powergames.solvers import stability

    quick = found.game.n_players == 2 and len(found) <= MOST_STABILITIES
    return [stability(each) for each in found] if quick and all(each.converged for each in found) else None


def _completeness(found: Sequence[Any]) -> dict[str, Any]:
    """Return what the document says of a set beside its members."""
    from powergames.results import EquilibriumSet, StochasticEquilibriumSet

    if not isinstance(found, EquilibriumSet | StochasticEquilibriumSet):
        return {}
    return {key: value for key, value in found.to_dict().items() if key not in ("objective", "equilibria")}
