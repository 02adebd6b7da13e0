"""``powergames train``: learn policies from samples of a game."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

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
    PlotOption,
    Policy,
    TimeLimitOption,
    check_distinct,
    check_output,
    check_plot,
    read_horizon,
    read_integer,
    read_jobs,
    read_lam_range,
    read_numbers,
    read_objective,
    read_seconds,
    read_tolerance,
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

# Parameters that are two numbers, the first and the last, and those that are integers.
PAIRS = ("rate", "critic_rate", "temperature", "softness")
WHOLE = ("environments", "rollout", "epochs", "minibatches", "takeover", "history")


class _Learned(NamedTuple):
    """What was trained: the runs with their files, what to print, as JSON or not, and how to draw it."""

    runs: list[tuple[str, TrainingRun]]
    document: dict[str, Any]
    show: Callable[[], None]
    draw: Callable[[], Any]


def _parameter(option: str, numbers: str, meaning: str) -> Any:
    """Return an option for a parameter of learners."""
    return typer.Option(option, metavar=numbers, help=meaning, rich_help_panel="Parameters of learners")


def command(
    game: GameArgument,
    output: Annotated[
        str,
        typer.Option(
            "-o",
            "--output",
            metavar="POLICY.npz",
            help="File for the learned policies; with --seeds POLICY-<seed>.npz for each, with several λ "
            "POLICY-lam_<λ>-<seed>.npz.",
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
    lam: Annotated[
        str,
        typer.Option(
            "--lam",
            metavar="NUMBER|RANGE",
            help="Price of power, a decimal or a fraction p/q. Several to train at each: start:stop:count, or numbers "
            "separated by commas.",
        ),
    ] = "0.3",
    aggregate: AggregateOption = Aggregate.MEAN,
    seed: Annotated[str, typer.Option("--seed", metavar="N", help="The same seed gives the same policies.")] = "0",
    seeds: Annotated[
        str | None,
        typer.Option("--seeds", metavar="N", help="Number of seeds to train with, beginning with --seed."),
    ] = None,
    jobs: Annotated[str, typer.Option("--jobs", metavar="N", help="Processes for --seeds; -1 for one per core.")] = "1",
    steps: Annotated[str, typer.Option("--steps", metavar="N", help="Steps of play.")] = "2000000",
    horizon: HorizonOption = None,
    tol: Annotated[
        str | None,
        typer.Option("--tol", metavar="NUMBER", help="Largest scaled regret that passes; 0.02 by default."),
    ] = None,
    history: Annotated[
        str | None,
        typer.Option(
            "--history", metavar="N", help="How many times return, power and regret are recorded; 20 by default."
        ),
    ] = None,
    policy: Annotated[
        Policy, typer.Option("--policy", help="How learners keep policies; networks need powergames[deep].")
    ] = Policy.TABLE,
    charge: Annotated[
        Charge | None,
        typer.Option("--charge", help="action: prim charges each action; state: it subtracts power from the reward."),
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
    rate: Annotated[
        str | None,
        _parameter(
            "--rate",
            "X,Y",
            "Step size of policies at the first and the last step. Tables 0.1,0.02; networks 0.001,0.0001.",
        ),
    ] = None,
    critic_rate: Annotated[
        str | None,
        _parameter("--critic-rate", "X,Y", "Step size of critics. Tables 0.1,0.01; networks 0.001,0.0001."),
    ] = None,
    temperature: Annotated[
        str | None, _parameter("--temperature", "X,Y", "Weight of entropy. Tables 0.3,0.005; networks 0.1,0.005.")
    ] = None,
    exploration: Annotated[
        str | None, _parameter("--exploration", "P", "Probability of random actions; 0.1 by default.")
    ] = None,
    restart: Annotated[
        str | None,
        _parameter(
            "--restart",
            "P",
            "Probability to go to another state. Tables 0.1 at each step; networks 0.5 after a rollout.",
        ),
    ] = None,
    averaging: Annotated[
        str | None,
        _parameter("--averaging", "X", "Tables: how much more late policies count in the average; 8 by default."),
    ] = None,
    hidden: Annotated[
        str | None, _parameter("--hidden", "N,N", "Networks: units of each layer; 128,128 by default.")
    ] = None,
    environments: Annotated[
        str | None, _parameter("--environments", "N", "Networks: environments that play at once; 128 by default.")
    ] = None,
    rollout: Annotated[
        str | None, _parameter("--rollout", "N", "Networks: steps between two updates; 16 by default.")
    ] = None,
    epochs: Annotated[str | None, _parameter("--epochs", "N", "Networks: passes over a rollout; 2 by default.")] = None,
    minibatches: Annotated[
        str | None, _parameter("--minibatches", "N", "Networks: parts of a rollout; 4 by default.")
    ] = None,
    trace: Annotated[
        str | None, _parameter("--trace", "X", "Networks: decay of the critics' traces; 0.9 by default.")
    ] = None,
    clip: Annotated[
        str | None, _parameter("--clip", "X", "Networks: largest change of a probability in an update; 0.2 by default.")
    ] = None,
    takeover: Annotated[
        str | None,
        _parameter("--takeover", "K", "Networks: steps for which an adversary of sbpr takes over; 1 by default."),
    ] = None,
    softness: Annotated[
        str | None,
        _parameter("--softness", "X,Y", "Networks: temperature of the adversaries of sbpr; 0.2,0.02 by default."),
    ] = None,
) -> int:
    """Train learners on samples of a game, and measure how far from an equilibrium they end."""
    check_plot(plot)
    first, n_steps = read_integer("--seed", seed), read_integer("--steps", steps)
    n_seeds = None if seeds is None else read_integer("--seeds", seeds)
    if n_seeds is not None and not 1 <= n_seeds <= MOST_SEEDS:
        raise InputError(f"--seeds: got {n_seeds}; give a number of seeds from 1 to {MOST_SEEDS}")
    n_jobs = read_jobs(jobs)
    if n_seeds is None and n_jobs != 1:
        raise InputError(f"--jobs: got {n_jobs} for one run; give --seeds too, or leave it out")
    several = any(mark in lam for mark in ":,")
    if several and algorithm is Algorithm.TASK:
        raise InputError(f"--lam: got {lam[:60]!r} for the algorithm task, which is the same at every λ; leave it out")
    lams = read_lam_range(lam) if several else [read_objective(lam, aggregate, Form.PENALTY).exact_lam]
    given = {
        "rate": rate,
        "critic_rate": critic_rate,
        "temperature": temperature,
        "exploration": exploration,
        "restart": restart,
        "averaging": averaging,
        "hidden": hidden,
        "environments": environments,
        "rollout": rollout,
        "epochs": epochs,
        "minibatches": minibatches,
        "trace": trace,
        "clip": clip,
        "takeover": takeover,
        "softness": softness,
        "history": history,
    }
    options = _read_parameters(policy, {name: text for name, text in given.items() if text is not None})
    if charge is not None:
        options["charge"] = charge.value
    if tol is not None:
        options["tol"] = read_tolerance(tol)
    if time_limit is not None:
        options["time_limit"] = read_seconds(time_limit)
    check_output(output, ".npz")
    from powergames.io import load
    from powergames.learning.checkpoints import checkpoint_path
    from powergames.learning.sweeps import lam_part
    from powergames.results import SCHEMA, game_header

    members = range(first, first + (n_seeds or 1))
    stem = output.removesuffix(".npz")
    checkpoints = [] if checkpoint is None else [checkpoint]
    if several:
        files = {(each, k): f"{stem}-{lam_part(each)}-{k}.npz" for each in lams for k in members}
    elif n_seeds is None:
        files = {(lams[0], first): output}
    else:
        files = {(lams[0], k): f"{stem}-{k}.npz" for k in members}
        checkpoints += [str(checkpoint_path(folder, k)) for folder in checkpoints for k in members]
    for file in files.values():
        check_output(file, ".npz")
    written = [*(("--checkpoint", file) for file in checkpoints), ("--plot", plot)]
    check_distinct({"GAME": game}, [*written, *(("--output", file) for file in files.values())])
    loaded = load(game)
    chosen: dict[str, Any] = {
        "objective": read_objective("0" if several else lam, aggregate, Form.PENALTY),
        "algorithm": algorithm.value,
        "policy": policy.value,
        "steps": n_steps,
        "horizon": read_horizon(horizon, loaded),
        **options,
    }
    with ends_like_ctrl_c():
        if several:
            learned = _sweep(loaded, chosen, lams, members, n_jobs, checkpoint, files)
        elif n_seeds is None:
            learned = _one(loaded, chosen, first, checkpoint, output)
        else:
            learned = _many(loaded, chosen, members, n_jobs, checkpoint, [*files.values()])
    for file, run in learned.runs:
        run.save(file)
    if as_json:
        print_json({"schema": SCHEMA, "game": game_header(loaded), **learned.document})
    else:
        learned.show()
    if plot is not None:
        from powergames import viz

        viz.save(learned.draw(), plot)
    good = all(run.finished and run.certificate.passed for _, run in learned.runs)
    return DONE if good and len(learned.runs) == len(files) else FAILED


def _one(game: Any, chosen: dict[str, Any], seed: int, checkpoint: str | None, file: str) -> _Learned:
    """Train once."""
    from powergames.learning import train

    run = train(game, **chosen, seed=seed, checkpoint=checkpoint)
    return _Learned([(file, run)], run.to_dict(), lambda: print_result(run), lambda: _curves(game, chosen, [run]))


def _many(
    game: Any, chosen: dict[str, Any], seeds: range, n_jobs: int, checkpoint: str | None, files: list[str]
) -> _Learned:
    """Train with many seeds."""
    from powergames.learning import train_many
    from powergames.presentation.runs import of_runs

    runs = train_many(game, **chosen, seeds=seeds, n_jobs=n_jobs, checkpoints=checkpoint)
    kept = [(files[run.seed - seeds.start], run) for run in runs]
    return _Learned(
        kept,
        {"runs": [run.to_dict() for run in runs]},
        lambda: print_blocks(*of_runs(runs, [file for file, _ in kept], len(seeds))),
        lambda: _curves(game, chosen, runs),
    )


def _sweep(
    game: Any,
    chosen: dict[str, Any],
    lams: list[Fraction],
    seeds: range,
    n_jobs: int,
    checkpoint: str | None,
    files: Mapping[tuple[Fraction, int], str],
) -> _Learned:
    """Train at many λ."""
    from powergames.learning import train_sweep

    learned = train_sweep(game, **chosen, lams=lams, seeds=seeds, n_jobs=n_jobs, checkpoints=checkpoint)

    def draw() -> Any:
        from powergames import viz
        from powergames.solvers import sweep

        limit = SECONDS / len(lams) if chosen["horizon"] is None else None
        exact = sweep(game, learned[0].objective, lams=lams, horizon=chosen["horizon"], time_limit=limit)
        return viz.learning_sweep(learned, exact=exact if all(point.converged for point in exact) else None)

    return _Learned(
        [(files[point.objective.exact_lam, run.seed], run) for point in learned for run in point.runs],
        learned.to_dict(),
        lambda: print_result(learned),
        draw,
    )


def _curves(game: Any, chosen: dict[str, Any], runs: Sequence[TrainingRun]) -> Any:
    """Draw how runs went, beside an equilibrium if one is found soon."""
    from powergames import viz
    from powergames.solvers import solve

    limit = SECONDS if chosen["horizon"] is None else None
    exact: Any = solve(game, runs[0].objective, horizon=chosen["horizon"], time_limit=limit)
    return viz.learning_curves(runs, exact=exact if exact.converged else None)


def _read_parameters(policy: Policy, given: dict[str, str]) -> dict[str, Any]:
    """Read parameters of learners, and refuse those of the other kind."""
    from powergames.learning.networks.parameters import NetworkParameters
    from powergames.learning.parameters import Parameters

    known = {
        kind: {field.name for field in fields(parameters)}
        for kind, parameters in ((Policy.TABLE, Parameters), (Policy.NETWORK, NetworkParameters))
    }
    chosen: dict[str, Any] = {}
    for name, text in given.items():
        option = f"--{name.replace('_', '-')}"
        if name not in known[policy]:
            (other,) = known.keys() - {policy}
            raise InputError(f"{option}: is for --policy {other.value}; give that too, or leave it out")
        if name == "hidden":
            chosen[name] = tuple(read_integer(option, units) for units in text.split(","))
        elif name in WHOLE:
            chosen[name] = read_integer(option, text)
        else:
            chosen[name] = read_numbers(option, text, 2 if name in PAIRS else 1)
    return chosen
