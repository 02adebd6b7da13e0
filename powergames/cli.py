"""The command line: solve, power, check, sweep, games and demo.

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
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from powergames.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table

    from powergames.audit import Audit
    from powergames.games.normal_form import NormalFormGame
    from powergames.objectives import PowerObjective
    from powergames.power import PowerTable
    from powergames.results import Callback, Equilibrium, EquilibriumSet, Path, PathPoint

DONE, FAILED, BAD_INPUT = 0, 1, 2

# Most λ that one sweep takes.
MOST_POINTS = 100_000

# Width of tables that go to a file or a pipe, where nothing needs to be folded.
UNBOUNDED = 100_000

# The base of Typer's usage errors, which different versions of Typer keep in different modules.
_UsageError = cast("type[Exception]", typer.BadParameter.__mro__[1])


class Aggregate(enum.StrEnum):
    """How the power of several co-players is combined."""

    MEAN = "mean"
    SUM = "sum"
    MAX = "max"


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
TolOption = Annotated[
    float, typer.Option("--tol", metavar="NUMBER", help="Largest regret that passes, relative to the payoff range.")
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
    # Names from a game may hold characters that the terminal's encoding lacks.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever reads has had enough; nothing may be written any more, not even when Python exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = FAILED
    sys.exit(code)


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
    >>> run(["solve", "stag_hunt", "--lam", "0.3", "--select", "power"])  # doctest: +SKIP
    0
    """
    command = typer.main.get_command(app)
    try:
        return command.main(list(arguments), prog_name="powergames", standalone_mode=False) or DONE
    except _UsageError as error:
        return _refuse(_usage_problem(error))
    except InputError as error:
        return _refuse(str(error))
    except MemoryError:
        return _refuse("out of memory: the game is too large for this machine; make it smaller")
    except BrokenPipeError:
        return FAILED
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _refuse(f"{where}{error.strerror or error}; check the path and its permissions")


def _refuse(message: str) -> int:
    print(f"powergames: {_printable(message)}", file=sys.stderr)  # noqa: T201
    return BAD_INPUT


def _usage_problem(error: Any) -> str:
    """Say what is wrong with the arguments, and which help page tells how to mend it."""
    message = " ".join(error.format_message().split()).rstrip(".")
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


@app.command()
def solve(
    game: GameArgument,
    lam: LamOption = "0",
    aggregate: AggregateOption = Aggregate.MEAN,
    form: FormOption = Form.PENALTY,
    every: Annotated[bool, typer.Option("--all", help="Find every equilibrium (two players).")] = False,
    exact: Annotated[bool, typer.Option("--exact", help="Compute and print fractions.")] = False,
    method: Annotated[str | None, typer.Option("--method", metavar="NAME", help="Solver to use.")] = None,
    select: Annotated[
        Select | None, typer.Option("--select", help="Choose the greatest welfare or the least power.")
    ] = None,
    tol: TolOption = 1e-8,
    as_json: JsonOption = False,
) -> int:
    """Find an equilibrium, or all of them, and certify it."""
    for option, value in (("--method", method), ("--select", select)):
        if every and value is not None:
            raise InputError(f"solve: got --all together with {option}; --all returns everything, so drop one of them")
    _check_tolerance(tol)
    import powergames as pg
    from powergames.results import SCHEMA, game_header

    loaded, objective = pg.load(game), _objective(lam, aggregate, form)
    found: Sequence[Equilibrium]
    with _progress() as callback:
        if every:
            found = pg.solve_all(loaded, objective, exact=exact, tol=tol, callback=callback)
        else:
            found = [
                pg.solve(
                    loaded,
                    objective,
                    method=method,
                    exact=exact,
                    select=None if select is None else select.value,
                    tol=tol,
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
        _print_set(cast("EquilibriumSet", found))
    else:
        _print_equilibrium(found[0])
    return DONE if found and all(equilibrium.converged for equilibrium in found) else FAILED


@app.command()
def power(
    game: GameArgument,
    profile: Annotated[
        str, typer.Option("--profile", metavar="FILE|uniform", help="A .npz or .json profile, or the uniform one.")
    ],
    as_json: JsonOption = False,
) -> int:
    """Show who holds how much power over whom at a given profile."""
    import powergames as pg
    from powergames.io import load_profile
    from powergames.results import SCHEMA, game_header

    loaded = pg.load(game)
    strategies = loaded.uniform_profile() if profile == "uniform" else load_profile(profile, loaded)
    table = pg.power_table(loaded, strategies)
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
        _print_power(table)
    return DONE


@app.command()
def check(
    game: GameArgument,
    policy: Annotated[
        str, typer.Argument(metavar="POLICY", help="A .npz file of arrays player_0, player_1, ... or a .json profile.")
    ],
    lam: LamOption,
    aggregate: AggregateOption = Aggregate.MEAN,
    form: FormOption = Form.PENALTY,
    tol: TolOption = 0.02,
    as_json: JsonOption = False,
) -> int:
    """Check whether a policy is an equilibrium, and what happens when a player goes off it."""
    _check_tolerance(tol)
    import powergames as pg
    from powergames.audit import audit
    from powergames.io import load_profile
    from powergames.results import SCHEMA, game_header

    loaded, objective = pg.load(game), _objective(lam, aggregate, form)
    report = audit(loaded, objective, load_profile(policy, loaded), tol=tol)
    if as_json:
        _print_json({"schema": SCHEMA, "game": game_header(loaded), **report.to_dict()})
    else:
        _print_audit(report)
    return DONE if report.passed else FAILED


@app.command()
def sweep(
    game: GameArgument,
    lam: Annotated[
        str,
        typer.Option("--lam", metavar="RANGE", help="start:stop:count, or numbers separated by commas: 0,0.25,1/3."),
    ] = "0:1:51",
    aggregate: AggregateOption = Aggregate.MEAN,
    form: FormOption = Form.PENALTY,
    every: Annotated[bool, typer.Option("--all", help="Find every equilibrium at each point (two players).")] = False,
    method: Annotated[str | None, typer.Option("--method", metavar="NAME", help="Solver to use.")] = None,
    jobs: Annotated[int, typer.Option("--jobs", metavar="N", help="Processes to use; -1 for one per core.")] = 1,
    as_json: JsonOption = False,
) -> int:
    """Solve over a range of power weights."""
    lams = _lam_range(lam)
    import powergames as pg
    from powergames.results import SCHEMA, game_header

    loaded, objective = pg.load(game), _objective("0", aggregate, form)
    path = pg.sweep(loaded, lams, objective, all_equilibria=every, method=method, n_jobs=jobs)
    if as_json:
        points = [point.to_dict() for point in path]
        _print_json({"schema": SCHEMA, "game": game_header(loaded), "points": points})
    else:
        _print_path(path)
    return DONE if all(point.converged for point in path) else FAILED


@app.command()
def games(as_json: JsonOption = False) -> int:
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
    table = _table("name", "parameters", "game")
    for entry in CATALOG.values():
        parameters = ",".join(f"{name}={default}" for name, default in entry.parameters.items())
        table.add_row(entry.name, parameters, entry.summary)
    _print(table)
    return DONE


@app.command()
def demo() -> int:
    """Show what the program answers on four games, in under a minute."""
    from powergames.demo import show

    return DONE if show(_print, equilibrium_table, power_rows) else FAILED


def _objective(lam: str, aggregate: Aggregate, form: Form) -> PowerObjective:
    from powergames.objectives import PowerObjective

    return PowerObjective(lam, aggregate.value, form.value)  # type: ignore[arg-type]
