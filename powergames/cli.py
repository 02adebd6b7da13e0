"""The command line: what all commands share; each has a module in `powergames.commands`.

Every command returns its exit code: 0 for done and certified, 1 for not converged or a failed check. Bad usage and bad
input end in `run` as exit code 2 and one line on stderr, an unexpected failure of ours as 3 and a request to report it.
Whatever is slow to import is imported inside the commands.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from typing import Annotated, Any, cast

import typer

from powergames.commands import (
    audit,
    compile_game,
    demo,
    explore,
    games,
    power,
    report,
    solve,
    sweep,
    trace,
    train,
    warmup,
)
from powergames.commands.crash import crash_report
from powergames.commands.outcome import BAD_INPUT, CRASHED, DONE, FAILED, INTERRUPTED, end_on_ctrl_c
from powergames.commands.terminal import compilation_told
from powergames.display import printable
from powergames.errors import InputError

COMMANDS: dict[str, Callable[..., int]] = {
    "solve": solve.command,
    "power": power.command,
    "audit": audit.command,
    "sweep": sweep.command,
    "trace": trace.command,
    "train": train.command,
    "report": report.command,
    "explore": explore.command,
    "games": games.command,
    "compile": compile_game.command,
    "demo": demo.command,
    "warmup": warmup.command,
}

# What the help of a command shows under its options.
EXAMPLES: dict[str, tuple[str, ...]] = {
    "solve": ("solve stag_hunt --lam 1/5 --all --exact", "solve stag_hunt --lam 0.1 --plot responses.svg"),
    "power": ("power stag_hunt --profile stag,hare", "power stag_hunt --profile uniform --plot power.svg"),
    "audit": ("audit stag_hunt stag,stag --lam 0.3", "audit reputation_stag_hunt uniform --lam 0.3 --json"),
    "sweep": ("sweep stag_hunt --lam 0,1/4,1 --all", "sweep stag_hunt --plot equilibria.svg"),
    "trace": ("trace stag_hunt --lam 0:1",),
    "train": ("train stag_hunt --steps 2000 -o policy.npz",),
    "report": ("report stag_hunt -o lesson.html", "report stag_hunt --editable -o play.html"),
    "explore": ("explore stag_hunt",),
    "games": ("games",),
    "compile": ("compile assembly_line:n=4 -o line.json",),
    "demo": ("demo",),
    "warmup": ("warmup",),
}


def _examples(name: str) -> str:
    """What stands at the end of a command's help; the mark keeps its lines."""
    lines = "\n".join(f"  powergames {example}" for example in EXAMPLES[name])
    return f"\b\nExamples:\n{lines}"


def _summary(command: Callable[..., int]) -> str:
    """What the list of commands says of one: the first line of its help, in full."""
    return (command.__doc__ or "").partition("\n")[0]


# The base of Typer's usage errors, which different versions of Typer keep in different modules.
_UsageError = cast("type[Exception]", typer.BadParameter.__mro__[1])


app = typer.Typer(
    name="powergames",
    help="Power-regularized equilibria of games: computed exactly, certified independently.",
    epilog="Exit codes: 0 done and certified, 1 not converged or check failed, 2 bad usage or bad input, "
    "3 a failure of powergames itself.",
    add_completion=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _name, _command in COMMANDS.items():
    app.command(_name, short_help=_summary(_command), epilog=_examples(_name))(_command)


def main() -> None:
    """Run the command line of this process; the entry point."""
    end_on_ctrl_c()
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
        line on stderr tells, 3 for a failure of powergames itself, with a request to report it.

    Examples
    --------
    >>> run(["power", "matching_pennies", "--profile", "uniform", "--json"])  # doctest: +ELLIPSIS
    {"schema": "powergames/1", "game": ..., "task": [0.0, 0.0], "power": [[0.0, 0.0], [0.0, 0.0]]}
    0
    """
    command = typer.main.get_command(app)
    show, warnings.showwarning = warnings.showwarning, _warn
    try:
        with compilation_told() if sys.stderr.isatty() else nullcontext():
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
    except SystemExit:
        raise
    except BaseException as error:  # libraries written in Rust have failures that are no Exception
        _complain(crash_report(error, arguments))
        return CRASHED
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
    _complain(message)
    return BAD_INPUT


def _complain(message: str) -> None:
    """Print one line on stderr, if somebody listens."""
    with suppress(BrokenPipeError):
        print(f"powergames: {printable(message)}", file=sys.stderr)  # noqa: T201


def _usage_problem(error: Any) -> str:
    """Say what is wrong with the arguments, and which help page tells how to mend it."""
    message = " ".join(error.format_message().split()).rstrip(".").replace("Value error, ", "")
    context = error.ctx
    path = "powergames" if context is None else context.command_path
    if message == "Missing command":
        message = f"missing command: choose one of {', '.join(context.command.commands)}"
    if hasattr(error, "possibilities"):
        having = [name for name in COMMANDS if error.option_name in _options(name)]
        message = f"no such option: {error.option_name} (it belongs to {', '.join(having)})" if having else message
    place = path.removeprefix("powergames").strip()
    return f"{place + ': ' if place else ''}{message[:1].lower()}{message[1:]}; see '{path} --help'"


def _options(name: str) -> set[str]:
    """Names of all options of a command."""
    commands: Any = typer.main.get_command(app)
    return {option for parameter in commands.commands[name].params for option in parameter.opts}


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
