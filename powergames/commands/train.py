"""``powergames train``: learn policies from samples of a game."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from powergames.commands.options import (
    Aggregate,
    AggregateOption,
    Algorithm,
    Charge,
    Form,
    GameArgument,
    HorizonOption,
    JsonOption,
    LamOption,
    PlotOption,
    Policy,
    TimeLimitOption,
    check_distinct,
    check_output,
    check_plot,
    read_horizon,
    read_integer,
    read_jobs,
    read_objective,
    read_seconds,
)
from powergames.commands.outcome import DONE, FAILED, ends_like_ctrl_c, print_json
from powergames.commands.terminal import print_blocks, print_result
from powergames.errors import InputError

if TYPE_CHECKING:
    from powergames.learning import TrainingRun

# Time to look for an equilibrium to draw beside what was learned.
SECONDS = 30.0

# Most seeds of one call.
MOST_SEEDS = 10_000


def command(
    game: GameArgument,
    output: Annotated[
        str,
        typer.Option(
            "-o",
            "--output",
            metavar="POLICY.npz",
            help="File for the learned policies; with --seeds, POLICY-<seed>.npz for each.",
        ),
    ],
    algorithm: Annotated[
        Algorithm,
        typer.Option(
            "--algorithm",
            help="prim (power regularization via intrinsic motivation) charges for power, as the form penalty does; "
            "sbpr (sample based power regularization) learns against adversaries, as the form adversarial does; task "
            "learns from rewards alone.",
        ),
    ] = Algorithm.PRIM,
    lam: LamOption = "0.3",
    aggregate: AggregateOption = Aggregate.MEAN,
    seed: Annotated[str, typer.Option("--seed", metavar="N", help="The same seed gives the same policies.")] = "0",
    seeds: Annotated[
        str | None,
        typer.Option("--seeds", metavar="N", help="Number of seeds to train with, beginning with --seed."),
    ] = None,
    jobs: Annotated[str, typer.Option("--jobs", metavar="N", help="Processes for --seeds; -1 for one per core.")] = "1",
    steps: Annotated[str, typer.Option("--steps", metavar="N", help="Steps of play.")] = "2000000",
    horizon: HorizonOption = None,
    policy: Annotated[
        Policy, typer.Option("--policy", help="How learners keep policies; networks need powergames[deep].")
    ] = Policy.TABLE,
    hidden: Annotated[
        str | None,
        typer.Option("--hidden", metavar="N,N", help="Units of each layer of the networks; 128,128 by default."),
    ] = None,
    environments: Annotated[
        str | None,
        typer.Option(
            "--environments", metavar="N", help="Number of environments that networks play at once; 128 by default."
        ),
    ] = None,
    charge: Annotated[
        Charge | None,
        typer.Option("--charge", help="action: prim charges each action; state: it subtracts power from the reward."),
    ] = None,
    takeover: Annotated[
        str | None,
        typer.Option("--takeover", metavar="K", help="Steps for which an adversary of sbpr takes over; 1 by default."),
    ] = None,
    checkpoint: Annotated[
        str | None,
        typer.Option(
            "--checkpoint",
            metavar="FILE",
            help="Keep the run in a file (with --seeds in a folder), and resume from it.",
        ),
    ] = None,
    time_limit: TimeLimitOption = None,
    plot: PlotOption = None,
    as_json: JsonOption = False,
) -> int:
    """Train learners on samples of a game, and measure how far from an equilibrium they end."""
    check_plot(plot)
    chosen_seed, n_steps = read_integer("--seed", seed), read_integer("--steps", steps)
    n_seeds = None if seeds is None else read_integer("--seeds", seeds)
    if n_seeds is not None and not 1 <= n_seeds <= MOST_SEEDS:
        raise InputError(f"--seeds: got {n_seeds}; give a number of seeds from 1 to {MOST_SEEDS}")
    n_jobs = read_jobs(jobs)
    if n_seeds is None and n_jobs != 1:
        raise InputError(f"--jobs: got {n_jobs} for one run; give --seeds too, or leave it out")
    seconds = None if time_limit is None else read_seconds(time_limit)
    options = _learner_options(policy, hidden, environments, charge, takeover)
    check_output(output, ".npz")
    from powergames.io import load
    from powergames.learning import train, train_many
    from powergames.learning.checkpoints import checkpoint_path
    from powergames.presentation.runs import of_runs
    from powergames.results import SCHEMA, game_header

    outputs = {chosen_seed: output}
    written = [("--checkpoint", checkpoint), ("--plot", plot)]
    if n_seeds is not None:
        outputs = {k: f"{output.removesuffix('.npz')}-{k}.npz" for k in range(chosen_seed, chosen_seed + n_seeds)}
        written += [("--checkpoint", str(checkpoint_path(checkpoint, k))) for k in outputs if checkpoint is not None]
    for file in outputs.values():
        check_output(file, ".npz")
        written.append(("--output", file))
    check_distinct({"GAME": game}, written)
    loaded = load(game)
    chosen: dict[str, Any] = {
        "objective": read_objective(lam, aggregate, Form.PENALTY),
        "algorithm": algorithm.value,
        **options,
        "horizon": read_horizon(horizon, loaded),
    }
    header = {"schema": SCHEMA, "game": game_header(loaded)}
    if n_seeds is None:
        with ends_like_ctrl_c():
            run = train(loaded, **chosen, seed=chosen_seed, steps=n_steps, checkpoint=checkpoint, time_limit=seconds)
        run.save(output)
        if as_json:
            print_json({**header, **run.to_dict()})
        else:
            print_result(run)
        runs: Sequence[TrainingRun] = (run,)
    else:
        with ends_like_ctrl_c():
            runs = train_many(
                loaded,
                **chosen,
                seeds=outputs,
                n_jobs=n_jobs,
                steps=n_steps,
                checkpoints=checkpoint,
                time_limit=seconds,
            )
        files = [outputs[run.seed] for run in runs]
        for run, file in zip(runs, files, strict=True):
            run.save(file)
        if as_json:
            print_json({**header, "runs": [run.to_dict() for run in runs]})
        else:
            print_blocks(*of_runs(runs, files, n_seeds))
    if plot is not None:
        from powergames import viz
        from powergames.solvers import solve

        exact: Any = (
            solve(loaded, runs[0].objective, time_limit=SECONDS)
            if horizon is None
            else solve(loaded, runs[0].objective, horizon=chosen["horizon"])
        )
        viz.save(viz.learning_curves(runs, exact=exact if exact.converged else None), plot)
    good = all(run.finished and run.certificate.passed for run in runs)
    return DONE if good and len(runs) == (n_seeds or 1) else FAILED


def _learner_options(
    policy: Policy, hidden: str | None, environments: str | None, charge: Charge | None, takeover: str | None
) -> dict[str, Any]:
    """Return the arguments of `train` that these options stand for."""
    given = {"hidden": hidden, "environments": environments, "takeover": takeover}
    options: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    charged = {} if charge is None else {"charge": charge.value}
    if policy is Policy.TABLE:
        for name in options:
            raise InputError(f"--{name}: is for networks; give --policy network too, or leave it out")
        return charged
    if hidden is not None:
        options["hidden"] = tuple(read_integer("--hidden", units) for units in hidden.split(","))
    for name in ("environments", "takeover"):
        if name in options:
            options[name] = read_integer(f"--{name}", options[name])
    return {"policy": policy.value, **options, **charged}
