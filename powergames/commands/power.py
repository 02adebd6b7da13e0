"""``powergames power``: the power table of a given profile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from powergames.commands.options import (
    GameArgument,
    HorizonOption,
    JsonOption,
    PlotKindOption,
    PlotOption,
    ProfileOption,
    check_distinct,
    check_plot,
    check_plot_kind,
    read_horizon,
    read_integer,
    read_power_steps,
    read_profile,
)
from powergames.commands.outcome import DONE, print_json
from powergames.commands.terminal import print_result
from powergames.errors import InputError

if TYPE_CHECKING:
    from powergames.evaluation import Evaluation
    from powergames.power import PowerTable

NETWORK, HEATMAP, TRAJECTORY = "network", "heatmap", "trajectory"

# Players up to which power is drawn as a network.
MOST_IN_NETWORK = 6


def command(
    game: GameArgument,
    profile: ProfileOption,
    steps: Annotated[
        str | None,
        typer.Option(
            "--steps", metavar="N|inf", help="Show what one player can take by playing against another for N steps."
        ),
    ] = None,
    coalitions: Annotated[
        str | None,
        typer.Option("--coalitions", metavar="N", help="Show what up to N co-players can take by a joint action."),
    ] = None,
    horizon: HorizonOption = None,
    plot: PlotOption = None,
    kind: PlotKindOption = None,
    as_json: JsonOption = False,
) -> int:
    """Show who holds how much power over whom at a given profile.

    Kinds of pictures: network (arrows; up to six players by default), heatmap, and for games with states trajectory
    (along the likeliest way from the start).
    """
    check_plot(plot)
    check_plot_kind(kind, plot, (NETWORK, HEATMAP, TRAJECTORY))
    if (plot is not None) + (steps is not None) + (coalitions is not None) > 1:
        raise InputError("power: --steps, --coalitions and --plot are for different tables; give one of them")
    check_distinct({"GAME": game, "--profile": profile}, [("--plot", plot)])
    from powergames.games.stochastic import StochasticGame
    from powergames.io import load
    from powergames.power import power_table
    from powergames.results import SCHEMA, game_header

    loaded = load(game)
    if kind == TRAJECTORY and not isinstance(loaded, StochasticGame):
        raise InputError("--plot-kind: got trajectory, but the game has no states; give network or heatmap")
    lasting = read_horizon(horizon, loaded)
    if lasting is not None and profile.lower().endswith((".npz", ".json")):
        from powergames.io import load_timed

        strategies: Any = load_timed(profile, loaded, lasting)
    else:
        strategies = read_profile(profile, loaded)
    if steps is not None or coalitions is not None:
        from powergames.wider_power import coalition_power, step_power

        found: Any
        if steps is not None:
            found = step_power(loaded, strategies, steps=read_power_steps("--steps", steps), horizon=lasting)
        else:
            size = read_integer("--coalitions", coalitions or "")
            found = coalition_power(loaded, strategies, size=size, horizon=lasting)
        if as_json:
            print_json({"schema": SCHEMA, "game": game_header(loaded), **found.to_dict()})
        else:
            print_result(found)
        return DONE
    if lasting is not None:
        if plot is not None:
            raise InputError("--plot: not with a horizon; leave it out")
        from powergames.evaluation import evaluate

        over = evaluate(loaded, strategies, horizon=lasting)
        if as_json:
            print_json({"schema": SCHEMA, "game": game_header(loaded), "horizon": lasting, **over.to_dict()})
        else:
            print_result(over)
        return DONE
    if isinstance(loaded, StochasticGame):
        from powergames.evaluation import evaluate

        evaluation = evaluate(loaded, strategies)
        if as_json:
            print_json({"schema": SCHEMA, "game": game_header(loaded), **evaluation.to_dict()})
        else:
            print_result(evaluation)
        _draw(evaluation, plot, kind)
        return DONE
    table = power_table(loaded, strategies)
    if as_json:
        numbers = table.to_dict()
        print_json(
            {
                "schema": SCHEMA,
                "game": game_header(loaded),
                "task": numbers["task"],
                "power": numbers["power"],
            }
        )
    else:
        print_result(table)
    _draw(table, plot, kind)
    return DONE


def _draw(table: PowerTable | Evaluation, plot: str | None, kind: str | None) -> None:
    """Draw what was asked for; by default a network, or a heat map where that would have too many arrows."""
    if plot is not None:
        from powergames import viz

        few = table.game.n_players <= MOST_IN_NETWORK
        draw: Any = {NETWORK: viz.power_network, HEATMAP: viz.power_heatmap, TRAJECTORY: viz.trajectory}
        viz.save(draw[kind or (NETWORK if few else HEATMAP)](table), plot)
