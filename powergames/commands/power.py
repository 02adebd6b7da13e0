"""``powergames power``: the power table of a given profile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from powergames.commands.options import (
    GameArgument,
    JsonOption,
    PlotOption,
    ProfileOption,
    check_distinct,
    check_plot,
    read_profile,
)
from powergames.commands.outcome import DONE, print_json
from powergames.commands.terminal import print_result

if TYPE_CHECKING:
    from powergames.evaluation import Evaluation
    from powergames.power import PowerTable

# Players up to which power is drawn as a network.
MOST_IN_NETWORK = 6


def command(
    game: GameArgument,
    profile: ProfileOption,
    plot: PlotOption = None,
    as_json: JsonOption = False,
) -> int:
    """Show who holds how much power over whom at a given profile."""
    check_plot(plot)
    check_distinct({"GAME": game, "--profile": profile}, [("--plot", plot)])
    from powergames.games.stochastic import StochasticGame
    from powergames.io import load
    from powergames.power import power_table
    from powergames.results import SCHEMA, game_header

    loaded = load(game)
    strategies = read_profile(profile, loaded)
    if isinstance(loaded, StochasticGame):
        from powergames.evaluation import evaluate

        evaluation = evaluate(loaded, strategies)
        if as_json:
            print_json({"schema": SCHEMA, "game": game_header(loaded), **evaluation.to_dict()})
        else:
            print_result(evaluation)
        _draw(evaluation, plot)
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
    _draw(table, plot)
    return DONE


def _draw(table: PowerTable | Evaluation, plot: str | None) -> None:
    """Draw a network, or a heat map where that would have too many arrows."""
    if plot is not None:
        from powergames import viz

        few = table.game.n_players <= MOST_IN_NETWORK
        viz.save(viz.power_network(table) if few else viz.power_heatmap(table), plot)
