"""Files that Gambit's Python package reads for us: game trees (``.efg``) and action-graph games (``.agg``, ``.bagg``).

All become games in strategic form, of a tree the reduced one. Gambit reads them in a process of its own, because
damaged files and very deep trees end the process that reads them.
"""

from __future__ import annotations

import io
import math
import os
import subprocess
import sys

from powergames.errors import FormatError, InputError
from powergames.games.normal_form import NormalFormGame
from powergames.io import nfg
from powergames.io._text import latin_as_utf8
from powergames.io.converters import from_pygambit, pygambit

# Action graphs are small where strategic forms are huge; Gambit takes some tens of microseconds for each payoff.
_MOST_PAYOFFS = 2 * 10**6
_MOST_SECONDS = 600
_REFUSED = 2
_CHILD = "import sys; from powergames.io.gambit_files import convert; convert(sys.argv[1])"


def read(data: bytes, source: str) -> NormalFormGame:
    """Read a file by the reader of Gambit that its extension names.

    Parameters
    ----------
    data : bytes
        Contents of the file.
    source : str
        Its name, which ends in ``.efg``, ``.agg`` or ``.bagg``.

    Returns
    -------
    NormalFormGame
        As `from_pygambit` makes it.

    Raises
    ------
    FormatError
        If Gambit cannot read the file, or its strategic form is too large.
    InputError
        If pygambit is not installed.

    Examples
    --------
    >>> tree = b'EFG 2 R "" { "A" } p "" 1 1 "" { "l" "r" } 0 t "" 1 "" { 1 } t "" 2 "" { 2 }'
    >>> read(tree, "choice.efg").payoffs  # doctest: +SKIP
    array([[1., 2.]])
    """
    pygambit()
    extension = source[source.rindex(".") + 1 :].lower()
    try:
        done = subprocess.run(
            [sys.executable, "-c", _CHILD, extension],
            input=latin_as_utf8(data),
            capture_output=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            timeout=_MOST_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise FormatError(f"{source}: Gambit takes more than {_MOST_SECONDS} seconds; give a smaller game") from None
    if done.returncode:
        reason = done.stderr.decode("utf-8", "replace").strip()[:200] if done.returncode == _REFUSED else "it crashes"
        raise FormatError(f"{source}: Gambit cannot read it as .{extension} ({reason}); mend the file")
    return nfg.read(done.stdout, source)


def convert(extension: str) -> None:
    """Turn a file of Gambit on the standard input into an ``.nfg`` file on the standard output.

    Parameters
    ----------
    extension : str
        ``"efg"``, ``"agg"`` or ``"bagg"``.
    """
    try:
        game = getattr(pygambit(), f"read_{extension}")(io.BytesIO(sys.stdin.buffer.read()))
        sizes = [] if game.is_tree else [len(player.strategies) for player in game.players]
        if len(sizes) * math.prod(sizes) > _MOST_PAYOFFS:
            raise InputError(f"its strategic form has more than {_MOST_PAYOFFS} payoffs")
        sys.stdout.buffer.write(nfg.write(from_pygambit(game)))
    except Exception as error:  # Gambit raises several kinds
        sys.stderr.write(str(error).removeprefix("Parse error in game file: "))
        sys.exit(_REFUSED)
