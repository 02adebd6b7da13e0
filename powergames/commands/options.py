"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import csv
import enum
import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from powergames.errors import InputError

if TYPE_CHECKING:
    from powergames.games import NormalFormGame, StochasticGame
    from powergames.games.profiles import Profile
    from powergames.objectives import PowerObjective

# Most λ that one sweep takes.
MOST_POINTS = 100_000

# Bytes of a file of weights.
LARGEST_WEIGHTS = 1_000_000


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


class Policy(enum.StrEnum):
    """What learners keep their policies in."""

    TABLE = "table"
    NETWORK = "network"


class Charge(enum.StrEnum):
    """What players are charged for with prim."""

    ACTION = "action"
    STATE = "state"


class Form(enum.StrEnum):
    """How power enters the objective over time."""

    PENALTY = "penalty"
    ADVERSARIAL = "adversarial"


class Select(enum.StrEnum):
    """Which of several equilibria to return."""

    WELFARE = "welfare"
    POWER = "power"
    TEAM = "team"
    NEAREST = "nearest"


def _names(incomplete: str) -> list[str]:
    """Names of the catalog, to complete a name in a shell; where there is none, the shell offers files."""
    from powergames.games.catalog.normal_form import CATALOG

    return [name for name in CATALOG if name.startswith(incomplete)]


GameArgument = Annotated[
    str,
    typer.Argument(
        metavar="GAME",
        autocompletion=_names,
        help="A file, such as .nfg, .json or .npz, or a catalog name such as stag_hunt or assembly_line:n=4.",
    ),
]
LamOption = Annotated[str, typer.Option("--lam", metavar="NUMBER", help="Price of power, a decimal or a fraction p/q.")]
AggregateOption = Annotated[
    Aggregate, typer.Option("--aggregate", help="How the power of several co-players is combined.")
]
WeightsOption = Annotated[
    str | None,
    typer.Option(
        "--weights",
        metavar="MATRIX|FILE",
        help="How much each player (row) minds the power of each other player (column), instead of --aggregate: "
        "0,1/3;1/3,0 or a text file with one row in each line.",
    ),
]
FormOption = Annotated[
    Form,
    typer.Option(
        "--form",
        help="penalty charges for power; adversarial lets an adversary act with probability lam. Without states both "
        "have the same equilibria.",
    ),
]
PowerStepsOption = Annotated[
    str,
    typer.Option(
        "--power-steps",
        metavar="N|inf",
        help="Charge for what one player can take by playing against another for N steps (games with states).",
    ),
]
TimeLimitOption = Annotated[
    str | None,
    typer.Option("--time-limit", metavar="SECONDS", help="Stop after this time with the best profile so far."),
]
ExactOption = Annotated[bool, typer.Option("--exact", help="Compute and print fractions.")]
SelectOption = Annotated[
    Select | None,
    typer.Option(
        "--select",
        help="Choose the equilibrium of greatest welfare or least power. With --horizon the choice is made at each "
        "step in each state, and there are two more: team takes the greatest sum of utilities, nearest the fewest "
        "changes of actions.",
    ),
]
TolOption = Annotated[
    str, typer.Option("--tol", metavar="NUMBER", help="Largest regret that passes, relative to the payoff range.")
]
ProfileOption = Annotated[
    str,
    typer.Option(
        "--profile",
        metavar="FILE|uniform|ACTION,...",
        help="A .npz or .json file, the uniform profile, or one action per player, by name or index.",
    ),
]
HorizonOption = Annotated[
    str | None,
    typer.Option(
        "--horizon",
        metavar="STEPS",
        help="End a game with states after so many steps. Actions then depend on the time, and the discount may be 1.",
    ),
]
PlotOption = Annotated[
    str | None,
    typer.Option("--plot", metavar="OUT.png|.svg|.html", help="Draw the result as well, to this file."),
]
PlotKindOption = Annotated[
    str | None,
    typer.Option("--plot-kind", metavar="KIND", help="Which picture --plot draws; see the command's description."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]


def check_plot(path: str | None) -> None:
    """Refuse, before any work is done, what no picture could be written to."""
    if path is not None:
        from powergames.viz import PICTURES, check_extension

        check_extension(path, "--plot", PICTURES)


def check_plot_kind(kind: str | None, plot: str | None, known: Sequence[str]) -> None:
    """Refuse a kind of picture that there is not, or without a picture."""
    if kind is not None and kind not in known:
        raise InputError(f"--plot-kind: got {kind[:60]!r}; give {', '.join(known[:-1])} or {known[-1]}")
    if kind is not None and plot is None:
        raise InputError("--plot-kind: got it without --plot; add --plot OUT.svg")


def check_output(path: str, *extensions: str) -> None:
    """Refuse, before any work is done, what no file of these kinds could be written to."""
    from powergames.files import check_place

    if not path.lower().endswith(extensions):
        known = " or ".join(filter(None, (", ".join(extensions[:-1]), extensions[-1])))
        raise InputError(f"--output: got {path[:60]!r}; give the name of a {known} file")
    check_place(path, "--output")


def check_distinct(read: Mapping[str, str | None], written: Iterable[tuple[str, str | None]]) -> None:
    """Refuse, before any work is done, to write over a file that the command reads, or that it writes already.

    Parameters
    ----------
    read, written
        Arguments and options, each with the name it was given, or None. What is read may also be named in the catalog.
    """
    found = {_identity(name): option for option, name in read.items() if name is not None and os.path.isfile(name)}
    for option, name in written:
        if name is not None:
            identity = _identity(name)
            if identity in found:
                raise InputError(f"{option}: {name[-60:]!r} is the file of {found[identity]}, too; give another one")
            found[identity] = option


def _identity(path: str) -> tuple[int, int] | str:
    """Return what two names of one file have in common, links included, and no two files have."""
    try:
        status = os.stat(path)
    except OSError:
        return os.path.realpath(path)
    return status.st_dev, status.st_ino


def load_for(game: str, **options: bool) -> Any:
    """Load a game for options, of which those given are true, that a stochastic game cannot take.

    A kitchen or a named game of any size is refused before it is built.
    """
    from powergames.environments.overcooked.names import is_kitchen
    from powergames.games import StochasticGame
    from powergames.games.memory import sizes_checked
    from powergames.io import load

    def refuse(*_: int) -> None:
        for option, given in options.items():
            if given:
                raise InputError(f"--{option}: not for stochastic games; leave it out")

    if is_kitchen(game):
        refuse()
    with sizes_checked(refuse):
        loaded = load(game)
    if isinstance(loaded, StochasticGame):
        refuse()
    return loaded


def read_seconds(text: str) -> float:
    """Read a time limit."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise InputError(f"--time-limit: got {text[:60]!r}; give seconds >= 0, such as 60")
    return seconds


def read_objective(
    lam: str, aggregate: Aggregate, form: Form, weights: str | None = None, power_steps: str = "1"
) -> PowerObjective:
    """Read an objective."""
    from powergames.objectives import PowerObjective

    if weights is not None and aggregate is not Aggregate.MEAN:
        raise InputError(f"--weights: got it together with --aggregate {aggregate.value}; leave out one of them")
    combined = aggregate.value if weights is None else _read_weights(weights)
    return PowerObjective(lam, combined, form.value, read_power_steps("--power-steps", power_steps))


def _read_weights(text: str) -> list[list[Fraction]]:
    """Read a matrix of weights, exactly: as it stands, or from a file."""
    from powergames.games.numbers import to_fraction

    where = "--weights"
    if Path(text).is_file():
        where, file = f"--weights {text}", Path(text)
        size = file.stat().st_size
        if size > LARGEST_WEIGHTS:
            raise InputError(f"{where}: has {size} bytes; give a text file of at most {LARGEST_WEIGHTS}")
        try:
            text = file.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{where}: cannot be read as text ({error})") from None
    lines = [line.replace(",", " ").split() for line in re.split("[;\n]", text) if line.strip()]
    try:
        rows = [[to_fraction(entry) for entry in line] for line in lines]
    except InputError as error:
        raise InputError(
            f"{where}: {error}; give rows separated by semicolons, such as 0,1/3;1/3,0, or a file that exists"
        ) from None
    if not rows or any(len(row) != len(rows) for row in rows):
        counts = ", ".join(str(len(row)) for row in rows[:10])
        raise InputError(f"{where}: got rows of {counts or 'no'} numbers; give as many in each row as there are rows")
    return rows


def read_profile(text: str, game: NormalFormGame | StochasticGame, option: str = "--profile") -> Profile:
    """Read a profile: that of a file, the uniform one, or one action per player, separated by commas."""
    from powergames.games.policies import profile_of_actions
    from powergames.io import load_profile

    if text == "uniform":
        return game.uniform_profile()
    if text.lower().endswith((".npz", ".json")):
        return load_profile(text, game)
    try:
        (actions,) = csv.reader([text], skipinitialspace=True, strict=True)
        return profile_of_actions(game, [action.strip() for action in actions])
    except (ValueError, csv.Error) as error:
        raise InputError(
            f"{option}: got {text[:60]!r}, not a .npz or .json file, or uniform; as one action per player: {error}"
        ) from None


def read_tolerance(text: str) -> float:
    """Read a tolerance."""
    try:
        tol = float(text)
    except ValueError:
        tol = math.nan
    if not 0 <= tol < 1:
        raise InputError(f"--tol: got {text[:60]!r}; give a number from 0 to 1, such as 1e-8")
    return tol


def read_integer(option: str, text: str) -> int:
    """Read an integer."""
    try:
        return int(text)
    except ValueError:
        raise InputError(f"{option}: got {text[:60]!r}; give an integer") from None


def read_power_steps(option: str, text: str) -> float:
    """Read for how many steps power lasts."""
    from powergames.objectives import power_steps

    try:
        return power_steps(math.inf if text == "inf" else int(text))
    except ValueError:
        raise InputError(f"{option}: got {text[:60]!r}; give a number of steps from 1 on, or inf") from None


def read_numbers(option: str, text: str, most: int) -> float | tuple[float, ...]:
    """Read one number, or up to so many that are separated by commas."""
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if not 1 <= len(numbers) <= most:
        several = f", or {most} separated by a comma" if most > 1 else ""
        raise InputError(f"{option}: got {text[:60]!r}; give a number{several}")
    return numbers[0] if len(numbers) == 1 else numbers


def read_horizon(text: str | None, game: Any) -> int | None:
    """Read a horizon for a game."""
    if text is None:
        return None
    from powergames.games.timed import check_horizon

    try:
        return check_horizon(read_integer("--horizon", text), game)
    except InputError as error:
        raise InputError(f"--{str(error).removeprefix('--')}") from None


def read_jobs(text: str) -> int:
    """Read a number of processes."""
    try:
        jobs = int(text)
    except ValueError:
        jobs = 0
    if jobs < 1 and jobs != -1:
        raise InputError(f"--jobs: got {text[:60]!r}; give a positive integer, or -1 for one process per core")
    return jobs


def read_lam_range(text: str) -> list[Fraction]:
    """Read ``start:stop:count`` or numbers separated by commas, exactly."""
    from powergames.games.numbers import to_fraction

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


def read_lam_bounds(text: str) -> tuple[Fraction, Fraction]:
    """Read ``start:stop``, exactly."""
    from powergames.games.numbers import to_fraction

    problem = InputError(f"--lam: got {text[:60]!r}; give start:stop such as 0:1, with 0 <= start < stop")
    try:
        low, high = (to_fraction(part.strip()) for part in text.split(":"))
    except ValueError:
        raise problem from None
    if not 0 <= low < high:
        raise problem
    return low, high
