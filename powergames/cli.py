"""The command line: solve, power, check, sweep, trace, train, games and demo.

Every command returns its exit code: 0 for done and certified, 1 for not converged or a failed check. Bad usage and bad
input end in `run` as exit code 2 and one line on stderr. Whatever is slow to import is imported inside the commands.
"""

from __future__ import annotations

import enum
import json
import math
import os
import signal
import sys
import time
import warnings
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from powergames.errors import InputError
from powergames.terminal import (
    print_blocks,
    print_equilibrium,
    print_evaluation,
    print_path,
    print_power,
    print_run,
    print_set,
    print_stochastic_equilibrium,
    print_trace,
    printable,
    progress,
    start_table,
)

if TYPE_CHECKING:
    from powergames.objectives import PowerObjective
    from powergames.results import EquilibriumSet

DONE, FAILED, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130

# Most λ that one sweep takes.
MOST_POINTS = 100_000

# The base of Typer's usage errors, which different versions of Typer keep in different modules.
_UsageError = cast("type[Exception]", typer.BadParameter.__mro__[1])


class Aggregate(enum.StrEnum):
    """How the power of several co-players is combined."""

    MEAN = "mean"
    SUM = "sum"
    MAX = "max"


class Algorithm(enum.StrEnum):
    """How learners take power into account."""

    PRIM = "prim"
    SBPR = "sbpr"
    TASK = "task"


class Form(enum.StrEnum):
    """How power enters the objective over time."""

    PENALTY = "penalty"
    ADVERSARIAL = "adversarial"


class Select(enum.StrEnum):
    """Which of several equilibria to return."""

    WELFARE = "welfare"
    POWER = "power"


GameArgument = Annotated[
    str,
    typer.Argument(
        metavar="GAME",
        help="A file (.nfg, .gam, .json, .npz, .csv) or a catalog name such as stag_hunt or assembly_line:n=4.",
    ),
]
LamOption = Annotated[str, typer.Option("--lam", metavar="NUMBER", help="Power weight, a decimal or a fraction p/q.")]
AggregateOption = Annotated[
    Aggregate, typer.Option("--aggregate", help="How the power of several co-players is combined.")
]
FormOption = Annotated[
    Form, typer.Option("--form", help="adversarial reads the power weight as a probability; same equilibria.")
]
TimeLimitOption = Annotated[
    str | None,
    typer.Option("--time-limit", metavar="SECONDS", help="Stop after this time with the best profile so far."),
]
TolOption = Annotated[
    str, typer.Option("--tol", metavar="NUMBER", help="Largest regret that passes, relative to the payoff range.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]

app = typer.Typer(
    name="powergames",
    help="Power-regularized equilibria of games: computed exactly, certified independently.",
    epilog="Exit codes: 0 done and certified, 1 not converged or check failed, 2 bad usage or bad input.",
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command line of this process; the entry point."""
    # Python would look at Ctrl-C only between two calls of compiled code. Where it is ignored, it stays so.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, open until the end
        # Names from a game may hold characters that the terminal's encoding lacks.
        getattr(sys, name).reconfigure(errors="backslashreplace")
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code.

    Parameters
    ----------
    arguments : sequence of str
        What follows the name of the program.

    Returns
    -------
    int
        0 if done and certified, 1 if not converged or the check failed, 2 for bad usage or bad input, of which one
        line on stderr tells.

    Examples
    --------
    >>> run(["power", "matching_pennies", "--profile", "uniform", "--json"])  # doctest: +ELLIPSIS
    {"schema": "powergames/1", "game": ..., "task": [0.0, 0.0], "power": [[0.0, 0.0], [0.0, 0.0]]}
    0
    """
    command = typer.main.get_command(app)
    show, warnings.showwarning = warnings.showwarning, _warn
    try:
        code: int = command.main(list(arguments), prog_name="powergames", standalone_mode=False) or DONE
        sys.stdout.flush()
    except _UsageError as error:
        return _refuse(_usage_problem(error))
    except InputError as error:
        return _refuse(str(error))
    except KeyboardInterrupt:
        return INTERRUPTED
    except MemoryError:
        return _refuse("out of memory: the game is too large for this machine; make it smaller")
    except BrokenPipeError:
        _discard_output()
        return FAILED
    except OSError as error:
        if error.filename is None:
            _discard_output()
        return _refuse(f"{error.filename or 'output'}: {error.strerror or error}; choose another place or file")
    finally:
        warnings.showwarning = show
    return code


def _warn(message: Warning | str, *_: Any, **__: Any) -> None:
    """Show a warning as one line."""
    print(f"powergames: {printable(str(message))}", file=sys.stderr)  # noqa: T201


def _discard_output() -> None:
    """Let nothing be written any more, not even when Python exits."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _refuse(message: str) -> int:
    print(f"powergames: {printable(message)}", file=sys.stderr)  # noqa: T201
    return BAD_INPUT


def _usage_problem(error: Any) -> str:
    """Say what is wrong with the arguments, and which help page tells how to mend it."""
    message = " ".join(error.format_message().split()).rstrip(".").replace("Value error, ", "")
    context = error.ctx
    path = "powergames" if context is None else context.command_path
    if message == "Missing command":
        message = f"missing command: choose one of {', '.join(context.command.commands)}"
    place = path.removeprefix("powergames").strip()
    return f"{place + ': ' if place else ''}{message[:1].lower()}{message[1:]}; see '{path} --help'"


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.", is_eager=True)] = False,
) -> None:
    if version:
        from powergames import __version__

        print(f"powergames {__version__}")  # noqa: T201
        raise typer.Exit
    if context.invoked_subcommand is None:
        context.fail("Missing command.")


@app.command("solve")
def _solve(
    game: GameArgument,
    lam: LamOption = "0",
    aggregate: AggregateOption = Aggregate.MEAN,
    form: FormOption = Form.PENALTY,
    every: Annotated[bool, typer.Option("--all", help="Find every equilibrium (of small games).")] = False,
    exact: Annotated[bool, typer.Option("--exact", help="Compute and print fractions.")] = False,
    method: Annotated[str | None, typer.Option("--method", metavar="NAME", help="Solver to use.")] = None,
    select: Annotated[
        Select | None, typer.Option("--select", help="Choose the greatest welfare or the least power.")
    ] = None,
    tol: TolOption = "1e-8",
    time_limit: TimeLimitOption = None,
    horizon: Annotated[
        int | None,
        typer.Option("--horizon", metavar="STEPS", help="Let a stochastic game end after so many steps."),
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Find an equilibrium, or all of them, and certify it."""
    for option, value in (("--method", method), ("--select", select)):
        if every and value is not None:
            raise InputError(f"solve: got --all together with {option}; --all returns everything, so drop one of them")
    if every and time_limit is not None:
        raise InputError("solve: got --all together with --time-limit; drop one of them")
    tolerance, seconds = _tolerance(tol), None if time_limit is None else _seconds(time_limit)
    from powergames.games import StochasticGame, finite_horizon
    from powergames.io import load
    from powergames.results import SCHEMA, game_header
    from powergames.solvers import solve, solve_all

    loaded, objective = load(game), _objective(lam, aggregate, form)
    if horizon is not None:
        loaded = finite_horizon(loaded, horizon)
    if isinstance(loaded, StochasticGame):
        _raise_on_ctrl_c()
    found: Sequence[Any]
    with progress() as callback:
        if every:
            found = solve_all(loaded, objective, exact=exact, tol=tolerance, callback=callback)
        else:
            found = [
                solve(
                    loaded,
                    objective,
                    method=method,
                    exact=exact,
                    select=None if select is None else select.value,
                    tol=tolerance,
                    time_limit=seconds,
                    callback=callback,
                )
            ]
    if as_json:
        _print_json(
            {
                "schema": SCHEMA,
                "game": game_header(loaded),
                "objective": objective.to_dict() | ({"lam": objective.exact_lam} if exact else {}),
                "equilibria": [equilibrium.to_dict() for equilibrium in found],
            },
            exact,
        )
    elif every:
        print_set(cast("EquilibriumSet", found))
    elif isinstance(loaded, StochasticGame):
        print_stochastic_equilibrium(found[0])
    else:
        print_equilibrium(found[0])
    complete = not every or cast("EquilibriumSet", found).complete
    return DONE if found and complete and all(equilibrium.converged for equilibrium in found) else FAILED


@app.command("power")
def _power(
    game: GameArgument,
    profile: Annotated[
        str, typer.Option("--profile", metavar="FILE|uniform", help="A .npz or .json profile, or the uniform one.")
    ],
    as_json: JsonOption = False,
) -> int:
    """Show who holds how much power over whom at a given profile."""
    from powergames.games.stochastic import StochasticGame
    from powergames.io import load, load_profile
    from powergames.power import power_table
    from powergames.results import SCHEMA, game_header

    loaded = load(game)
    strategies = loaded.uniform_profile() if profile == "uniform" else load_profile(profile, loaded)
    if isinstance(loaded, StochasticGame):
        from powergames.evaluation import evaluate

        evaluation = evaluate(loaded, strategies)
        if as_json:
            _print_json({"schema": SCHEMA, "game": game_header(loaded), **evaluation.to_dict()})
        else:
            print_evaluation(evaluation)
        return DONE
    table = power_table(loaded, strategies)
    if as_json:
        numbers = table.to_dict()
        _print_json(
            {
                "schema": SCHEMA,
                "game": game_header(loaded),
                "task": numbers["task"],
                "power": numbers["power"],
            }
        )
    else:
        print_power(table)
    return DONE


@app.command("check")
def _check(
    game: GameArgument,
    policy: Annotated[
        str, typer.Argument(metavar="POLICY", help="A .npz file of arrays player_0, player_1, ... or a .json profile.")
    ],
    lam: LamOption,
    aggregate: AggregateOption = Aggregate.MEAN,
    form: FormOption = Form.PENALTY,
    tol: TolOption = "0.02",
    steps: Annotated[
        int, typer.Option("--steps", metavar="N", help="Steps of an adversary who acts for a while (stochastic games).")
    ] = 10,
    reference: Annotated[
        str | None,
        typer.Option("--reference", metavar="FILE", help="A profile from which to say how far the policy is."),
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Check whether a policy is an equilibrium, and what happens when a player goes off it."""
    tolerance = _tolerance(tol)
    from powergames.audit_tables import print_audit
    from powergames.auditing import audit
    from powergames.io import load
    from powergames.results import SCHEMA, game_header

    loaded, objective = load(game), _objective(lam, aggregate, form)
    report = audit(loaded, objective, policy, tol=tolerance, steps=steps, reference=reference)
    if as_json:
        _print_json({"schema": SCHEMA, "game": game_header(loaded), **report.to_dict()})
    else:
        print_audit(report)
    return DONE if report.passed else FAILED


@app.command("sweep")
def _sweep(
    game: GameArgument,
    lam: Annotated[
        str,
        typer.Option("--lam", metavar="RANGE", help="start:stop:count, or numbers separated by commas: 0,0.25,1/3."),
    ] = "0:1:51",
    aggregate: AggregateOption = Aggregate.MEAN,
    form: FormOption = Form.PENALTY,
    every: Annotated[bool, typer.Option("--all", help="Find every equilibrium at each point.")] = False,
    method: Annotated[str | None, typer.Option("--method", metavar="NAME", help="Solver to use.")] = None,
    jobs: Annotated[str, typer.Option("--jobs", metavar="N", help="Processes to use; -1 for one per core.")] = "1",
    store: Annotated[
        str | None,
        typer.Option("--store", metavar="FILE", help="Keep each result in a file, and resume from it."),
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Solve over a range of power weights."""
    lams, n_jobs = _lam_range(lam), _jobs(jobs)
    from powergames.io import load
    from powergames.results import SCHEMA, game_header
    from powergames.solvers import sweep

    loaded, objective = load(game), _objective("0", aggregate, form)
    if n_jobs != 1:
        # This process only waits for its workers, and must live to end them.
        _raise_on_ctrl_c()
    path = sweep(loaded, lams, objective, all_equilibria=every, method=method, n_jobs=n_jobs, store=store)
    if as_json:
        points = [point.to_dict() for point in path]
        _print_json({"schema": SCHEMA, "game": game_header(loaded), "points": points})
    else:
        print_path(path)
    return DONE if all(point.converged and point.complete is not False for point in path) else FAILED


@app.command("trace")
def _trace(
    game: GameArgument,
    lam: Annotated[
        str, typer.Option("--lam", metavar="RANGE", help="start:stop, the power weights to stay within.")
    ] = "0:1",
    start: Annotated[
        str | None,
        typer.Option("--start", metavar="NUMBER", help="Power weight at which to begin; by default the least."),
    ] = None,
    aggregate: AggregateOption = Aggregate.MEAN,
    form: FormOption = Form.PENALTY,
    method: Annotated[str | None, typer.Option("--method", metavar="NAME", help="Solver for the beginning.")] = None,
    select: Annotated[
        Select | None, typer.Option("--select", help="Begin at the greatest welfare or the least power.")
    ] = None,
    tol: TolOption = "1e-8",
    time_limit: Annotated[
        str | None,
        typer.Option("--time-limit", metavar="SECONDS", help="Stop after this time with the path so far."),
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Follow one equilibrium as the power weight changes, and find the weights where it changes its kind."""
    tolerance, (low, high) = _tolerance(tol), _lam_bounds(lam)
    seconds = None if time_limit is None else _seconds(time_limit)
    from powergames.games.stochastic import StochasticGame
    from powergames.io import load
    from powergames.results import SCHEMA, game_header
    from powergames.solvers import solve, trace

    loaded, objective = load(game), _objective(str(low) if start is None else start, aggregate, form)
    if not low <= objective.exact_lam <= high:
        raise InputError(f"--start: got {start}, outside of --lam {lam}; choose a power weight within")
    if isinstance(loaded, StochasticGame):
        _raise_on_ctrl_c()
    began = time.monotonic()
    with progress() as callback:
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
            time_limit=None if seconds is None else max(0.0, began + seconds - time.monotonic()),
            callback=callback,
        )
    if as_json:
        _print_json({"schema": SCHEMA, "game": game_header(loaded), **path.to_dict()})
    else:
        print_trace(path)
    return DONE if path.converged else FAILED


@app.command("train")
def _train(
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
    as_json: JsonOption = False,
) -> int:
    """Train learners on samples of a game, and measure how far from an equilibrium they end."""
    chosen_seed, n_steps = _integer("--seed", seed), _integer("--steps", steps)
    seconds = None if time_limit is None else _seconds(time_limit)
    if not output.endswith(".npz"):
        raise InputError(f"--output: got {output[:60]!r}; give the name of a .npz file")
    from powergames.io import load
    from powergames.learning import train
    from powergames.results import SCHEMA, game_header

    loaded = load(game)
    _raise_on_ctrl_c()
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
        _print_json({"schema": SCHEMA, "game": game_header(loaded), **run.to_dict()})
    else:
        print_run(run)
    return DONE if run.finished else FAILED


@app.command("games")
def _games(as_json: JsonOption = False) -> int:
    """List the catalog of named games with their parameters."""
    from powergames.games.catalog import CATALOG
    from powergames.results import SCHEMA

    if as_json:
        entries = [
            {"name": entry.name, "summary": entry.summary, "parameters": dict(entry.parameters)}
            for entry in CATALOG.values()
        ]
        _print_json({"schema": SCHEMA, "games": entries})
        return DONE
    table = start_table("name", "parameters", "game")
    for entry in CATALOG.values():
        parameters = ",".join(f"{name}={default}" for name, default in entry.parameters.items())
        table.add_row(entry.name, parameters, entry.summary)
    print_blocks(table)
    return DONE


@app.command("demo")
def _demo() -> int:
    """Show what it answers, on four games from files."""
    from powergames.demo import show

    return DONE if show() else FAILED


def _raise_on_ctrl_c() -> None:
    """Let Ctrl-C raise KeyboardInterrupt, unless it is ignored."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise InputError(f"--time-limit: got {text[:60]!r}; give seconds >= 0, such as 60")
    return seconds


def _objective(lam: str, aggregate: Aggregate, form: Form) -> PowerObjective:
    from powergames.objectives import PowerObjective

    return PowerObjective(lam, aggregate.value, form.value)  # type: ignore[arg-type]


def _tolerance(text: str) -> float:
    try:
        tol = float(text)
    except ValueError:
        tol = math.nan
    if not 0 <= tol < 1:
        raise InputError(f"--tol: got {text[:60]!r}; give a number from 0 to 1, such as 1e-8")
    return tol


def _integer(option: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise InputError(f"{option}: got {text[:60]!r}; give an integer") from None


def _jobs(text: str) -> int:
    try:
        jobs = int(text)
    except ValueError:
        jobs = 0
    if jobs < 1 and jobs != -1:
        raise InputError(f"--jobs: got {text[:60]!r}; give a positive integer, or -1 for one process per core")
    return jobs


def _lam_range(text: str) -> list[Fraction]:
    """Read ``start:stop:count`` or numbers separated by commas, exactly."""
    from powergames.games.normal_form import to_fraction

    problem = InputError(
        f"--lam: got {text[:60]!r}; give start:stop:count such as 0:1:51, with a count from 2 to {MOST_POINTS}, "
        "or numbers >= 0 separated by commas such as 0,0.25,1/3"
    )
    parts = text.split(":")
    try:
        if len(parts) == 1:
            lams = [to_fraction(part.strip()) for part in text.split(",")]
        else:
            start, stop, count = to_fraction(parts[0].strip()), to_fraction(parts[1].strip()), int(parts[2])
            if len(parts) > 3 or not 2 <= count <= MOST_POINTS:
                raise problem
            lams = [start + (stop - start) * k / (count - 1) for k in range(count)]
    except (IndexError, ValueError):
        raise problem from None
    if min(lams) < 0:
        raise problem
    return lams


def _lam_bounds(text: str) -> tuple[Fraction, Fraction]:
    """Read ``start:stop``, exactly."""
    from powergames.games.normal_form import to_fraction

    problem = InputError(f"--lam: got {text[:60]!r}; give start:stop such as 0:1, with 0 <= start < stop")
    try:
        low, high = (to_fraction(part.strip()) for part in text.split(":"))
    except ValueError:
        raise problem from None
    if not 0 <= low < high:
        raise problem
    return low, high


def _print_json(document: dict[str, Any], exact: bool = False) -> None:
    text = json.dumps(_json_value(document, exact), allow_nan=False)
    print(text)  # noqa: T201


def _json_value(value: Any, exact: bool) -> Any:
    """Turn a document into what strict JSON can hold; if exact, floats too become fractions."""
    if isinstance(value, dict):
        return {key: _json_value(entry, exact) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json_value(entry, exact) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, float) and exact:
        return str(Fraction(repr(value)))
    return str(value) if isinstance(value, Fraction) else value
