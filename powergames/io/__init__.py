"""Reading and writing games: one module per file format, and converters from and to other libraries."""

from __future__ import annotations

import os
from pathlib import Path

from powergames.errors import FormatError, InputError
from powergames.games.normal_form import NormalFormGame, check_game
from powergames.io import csv_format, gam, json_format, nfg, npz
from powergames.io._text import read_file, write_atomically
from powergames.io.converters import from_nashpy, from_pygambit, to_nashpy, to_pygambit
from powergames.io.policies import load_profile

__all__ = [
    "from_nashpy",
    "from_pygambit",
    "load",
    "load_profile",
    "save",
    "to_nashpy",
    "to_pygambit",
]

_FORMATS = {
    ".nfg": (nfg.read, nfg.write),
    ".gam": (gam.read, gam.write),
    ".json": (json_format.read, json_format.write),
    ".npz": (npz.read, npz.write),
    ".csv": (csv_format.read, csv_format.write),
}
_EXTENSIONS = ", ".join(_FORMATS)


def load(source: str | os.PathLike[str]) -> NormalFormGame:
    """Load a game from a file, or a named game from the catalog.

    Parameters
    ----------
    source : str or path-like
        A file whose extension, .nfg, .gam, .json, .npz or .csv, decides how it is read; or a catalog name such as
        ``"stag_hunt"`` or ``"assembly_line:n=4"``.

    Returns
    -------
    NormalFormGame

    Raises
    ------
    FormatError
        If the file is missing, or is not what its extension says.
    InputError
        If the catalog has no game of that name.

    Examples
    --------
    >>> import powergames as pg
    >>> pg.load("assembly_line:n=3").n_players
    3
    """
    if not isinstance(source, (str, os.PathLike)):
        raise InputError(f"load: got {type(source).__name__}; give a path or a name from the catalog")
    name = os.fspath(source)
    if not isinstance(name, str) or not name or "\0" in name:
        raise InputError(f"load: got {name!r}; give a path or a name from the catalog")
    extension = Path(name).suffix.lower()
    if extension in _FORMATS:
        read, _ = _FORMATS[extension]
        data = read_file(name)
        try:
            return read(data, name)
        except FormatError:
            raise
        except InputError as error:
            raise FormatError(f"{name}: {error}") from None
        except MemoryError:
            raise FormatError(f"{name}: the game does not fit into memory; make it smaller") from None
    if os.path.isfile(name):
        raise FormatError(f"{name}: unknown extension {extension!r}; rename it to one of {_EXTENSIONS}")
    if isinstance(source, os.PathLike):
        raise FormatError(f"{name}: no such file with one of the extensions {_EXTENSIONS}; give an existing one")
    from powergames.games.catalog import named_game

    return named_game(name)


def save(game: NormalFormGame, path: str | os.PathLike[str]) -> None:
    """Save a game; the file appears as a whole or not at all.

    Parameters
    ----------
    game : NormalFormGame
        The game.
    path : str or path-like
        Where to; the extension, .nfg, .gam, .json, .npz or .csv, decides the format. All but .gam keep exact rationals
        and names of actions, all but .gam and .csv names of players.

    Raises
    ------
    InputError
        If the extension is unknown, the format cannot hold the game, or the file cannot be written.

    Examples
    --------
    >>> import os, tempfile
    >>> import powergames as pg
    >>> game = pg.NormalFormGame([[[4, 0], [3, 3]], [[4, 3], [0, 3]]], title="Stag hunt")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "stag_hunt.nfg")
    ...     pg.save(game, path)
    ...     pg.load(path) == game
    True
    """
    check_game(game)
    if not isinstance(path, (str, os.PathLike)):
        raise InputError(f"save: got {type(path).__name__}; give a path")
    extension = Path(path).suffix.lower()
    if extension not in _FORMATS:
        raise InputError(f"{path}: unknown extension {extension!r}; give one of {_EXTENSIONS}")
    _, write = _FORMATS[extension]
    write_atomically(path, write(game))
