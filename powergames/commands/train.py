"""``powergames train``: learn policies from samples of a game."""

from __future__ import annotations

from typing import Annotated

import typer

from powergames.commands.options import (
    Aggregate,
    AggregateOption,
    Algorithm,
    GameArgument,
    JsonOption,
    LamOption,
    PlotOption,
    TimeLimitOption,
    check_plot,
    read_integer,
    read_seconds,
)
from powergames.commands.outcome import DONE, FAILED, print_json, raise_on_ctrl_c
from powergames.errors import InputError
from powergames.terminal import print_result

# Time to look for an equilibrium to draw beside what was learned.
SECONDS = 30.0


def command(
    game: GameArgument,
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="POLICY.npz", help="File to write the learned policies to.")
    ],
    algorithm: Annotated[
        Algorithm,
        typer.Option(
            "--algorithm",
            help="prim: charge for power, as the form penalty does; sbpr: learn against adversaries, as the form "
            "adversarial; task: rewards alone.",
        ),
    ] = Algorithm.PRIM,
    lam: LamOption = "0.3",
    aggregate: AggregateOption = Aggregate.MEAN,
    seed: Annotated[str, typer.Option("--seed", metavar="N", help="The same seed gives the same policies.")] = "0",
    steps: Annotated[str, typer.Option("--steps", metavar="N", help="Steps of play.")] = "2000000",
    checkpoint: Annotated[
        str | None,
        typer.Option("--checkpoint", metavar="FILE", help="Keep the run in a file, and resume from it."),
    ] = None,
    time_limit: TimeLimitOption = None,
    plot: PlotOption = None,
    as_json: JsonOption = False,
) -> int:
    """Train learners on samples of a game, and measure how far from an equilibrium they end."""
    check_plot(plot)
    chosen_seed, n_steps = read_integer("--seed", seed), read_integer("--steps", steps)
    seconds = None if time_limit is None else read_seconds(time_limit)
    if not output.endswith(".npz"):
        raise InputError(f"--output: got {output[:60]!r}; give the name of a .npz file")
    from powergames.io import load
    from powergames.learning import train
    from powergames.results import SCHEMA, game_header

    loaded = load(game)
    raise_on_ctrl_c()
    run = train(
        loaded,
        algorithm.value,
        lam,
        aggregate.value,
        seed=chosen_seed,
        steps=n_steps,
        checkpoint=checkpoint,
        time_limit=seconds,
    )
    run.save(output)
    if as_json:
        print_json({"schema": SCHEMA, "game": game_header(loaded), **run.to_dict()})
    else:
        print_result(run)
    if plot is not None:
        from powergames import viz
        from powergames.solvers import solve

        exact = solve(loaded, run.objective, time_limit=SECONDS)
        viz.save(viz.learning_curves(run, exact=exact if exact.converged else None), plot)
    return DONE if run.finished else FAILED
