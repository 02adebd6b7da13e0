"""``powergames explore``: start a live notebook as an app in the browser."""

from __future__ import annotations

import enum
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Annotated, Any, cast

import typer

from powergames.commands.options import read_integer
from powergames.commands.outcome import DONE, FAILED, ends_like_ctrl_c
from powergames.errors import InputError

HOST = "127.0.0.1"

# Seconds that the server gets to end by itself.
PATIENCE = 5.0

# Number of the option of Linux that sends a process a signal when its parent is no more.
PR_SET_PDEATHSIG = 1


class Lesson(enum.StrEnum):
    """Which notebook to start."""

    EXPLORE = "explore"
    OVER_TIME = "over-time"
    KITCHEN = "kitchen"
    LEARNING = "learning"


def command(
    game: Annotated[
        str | None,
        typer.Argument(
            metavar="GAME",
            help="A small game, as a file (.nfg, .gam, .json, .npz, .csv) or a catalog name such as stag_hunt.",
            show_default=False,
        ),
    ] = None,
    lesson: Annotated[
        Lesson | None,
        typer.Option("--lesson", help="Notebook to start; by default the one for the game.", show_default=False),
    ] = None,
    port: Annotated[
        str | None,
        typer.Option("--port", metavar="NUMBER", help=f"Port on {HOST}; by default any free one."),
    ] = None,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Do not open a browser.")] = False,
) -> int:
    """Start a live notebook in the browser: edit a game, move λ, see all equilibria. Ctrl-C ends it."""
    if find_spec("marimo") is None:
        raise InputError("explore: marimo is not installed; run pip install 'powergames[teach]'")
    notebook = _notebook(game, lesson)
    place = _port(port)
    # Browsers let any website send requests to this port; only pages opened by the link know the token.
    token = secrets.token_urlsafe()
    arguments = ["--host", HOST, "--port", str(place), "--token", "--token-password-file", "-", "--no-sandbox"]
    if no_browser:
        arguments.append("--headless")
    if game is not None:
        # A path that begins with its folder is never taken for a number or an option.
        arguments += ["--", f"--game={os.path.abspath(game) if os.path.exists(game) else game}"]
    # On one line, however narrow the terminal: programs read the link, too.
    link = f"http://{HOST}:{place}?access_token={token}"
    print(f"{notebook.stem.replace('_', ' ')}, until Ctrl-C: {link}", flush=True)  # noqa: T201
    return _serve([sys.executable, "-m", "marimo", "--quiet", "--yes", "run", str(notebook), *arguments], token)


def _notebook(game: str | None, lesson: Lesson | None) -> Path:
    """Choose the notebook, and refuse a game that it cannot show."""
    loaded: Any = None
    if game is not None:
        from powergames.environments.overcooked.names import is_kitchen, kitchen_within
        from powergames.games.memory import sizes_checked
        from powergames.io import load
        from powergames.notebooks.limits import MOST_STATES, PAGE, check_size

        if is_kitchen(game):
            loaded = kitchen_within(game, MOST_STATES, f"explore up to {MOST_STATES} states, or {PAGE}").to_game()
        else:
            with sizes_checked(check_size):
                loaded = load(game)
    from powergames.games.stochastic import StochasticGame

    by_state = isinstance(loaded, StochasticGame)
    lesson = lesson or (Lesson.OVER_TIME if by_state else Lesson.EXPLORE)
    if loaded is not None:
        if lesson is Lesson.EXPLORE and not by_state:
            from powergames.notebooks.limits import check_payoffs

            check_payoffs(loaded)
        elif lesson is Lesson.OVER_TIME and by_state:
            from powergames.notebooks.limits import check_states

            check_states(loaded)
        elif lesson in (Lesson.KITCHEN, Lesson.LEARNING):
            raise InputError(f"--lesson: {lesson.value} has games of its own; give no game")
        else:
            kind = "stochastic" if by_state else "normal-form"
            raise InputError(f"--lesson: {lesson.value} cannot show a {kind} game; leave --lesson out")
    import powergames.notebooks

    return Path(powergames.notebooks.__path__[0]) / f"{lesson.value.replace('-', '_')}.py"


def _port(text: str | None) -> int:
    """Return the port asked for, or a free one."""
    wanted = None if text is None else read_integer("--port", text)
    if wanted is not None and not 1 <= wanted <= 65_535:
        raise InputError(f"--port: got {wanted}; give a number from 1 to 65535, such as 8000")
    import socket

    with socket.socket() as trial:
        # As the server does, take a port that only old connections still hold.
        if os.name == "posix":
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((HOST, wanted or 0))
        except OSError:
            raise InputError(f"--port: got {wanted}, which is in use or not allowed; give another one") from None
        port: int = trial.getsockname()[1]
        return port


def _ends_with_its_parent() -> Callable[[], Any] | None:
    """Return what a child has to call so that it ends also where this process is killed; only Linux can do that."""
    if sys.platform != "linux":
        return None
    import ctypes

    return partial(ctypes.CDLL(None).prctl, PR_SET_PDEATHSIG, signal.SIGTERM)


def _serve(arguments: list[str], token: str) -> int:
    """Run the server until it ends, or this process is told to."""
    # In a session of its own, Ctrl-C reaches the server once, through this process.
    environment = os.environ | {"MARIMO_SKIP_UPDATE_CHECK": "1"}
    with ends_like_ctrl_c():
        server = subprocess.Popen(
            arguments,
            stdin=subprocess.PIPE,
            env=environment,
            start_new_session=True,
            preexec_fn=_ends_with_its_parent(),
        )
        try:
            # All users of the machine can read command lines.
            with cast("IO[bytes]", server.stdin) as entrance:
                entrance.write(token.encode())
            return DONE if server.wait() == 0 else FAILED
        except KeyboardInterrupt:
            return DONE
        finally:
            server.terminate()
            try:
                server.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
