"""Reading and writing games: one module per file format, and converters from and to other libraries."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from typing import Any

from powergames.environments.overcooked.names import is_kitchen, named_kitchen
from powergames.errors import FormatError, InputError
from powergames.games.foreign import no_game
from powergames.games.kinds import AnyGame, as_game
from powergames.games.normal_form import NormalFormGame
from powergames.games.stochastic import StochasticGame
from powergames.io import (
    csv_format,
    dpomdp,
    gam,
    gambit_files,
    json_format,
    nfg,
    npz,
    prism,
    state_table,
    stochastic_json,
    stochastic_npz,
)
from powergames.io._text import (
    BINARY,
    COMPRESSED,
    file_extension,
    parse_number,
    read_file,
    warn_user,
    write_atomically,
)
from powergames.io.converters import from_nashpy, from_pygambit, to_nashpy, to_pygambit
from powergames.io.policies import load_policies, load_profile, load_timed

__all__ = [
    "from_nashpy",
    "from_pygambit",
    "load",
    "load_policies",
    "load_profile",
    "load_timed",
    "save",
    "to_nashpy",
    "to_pygambit",
]


def _read_json(data: bytes, source: str) -> NormalFormGame | StochasticGame:
    document = json_format.parse_document(data, source)
    build = stochastic_json.build if document.get("kind") == stochastic_json.KIND else json_format.build
    return build(document, source)


def _read_npz(data: bytes, source: str) -> NormalFormGame | StochasticGame:
    arrays = npz.read_arrays(data, source)
    stochastic = npz.text(arrays, "kind", json_format.KIND, source) == stochastic_json.KIND
    return (stochastic_npz.build if stochastic else npz.build)(arrays, source)


def _read_csv(data: bytes, source: str, end_state: str | None) -> NormalFormGame | StochasticGame:
    if state_table.delimiter_of(data) is not None:
        return state_table.read_csv(data, source, end_state)
    if end_state is not None:
        raise FormatError(f"{source}: end_state is for tables of stochastic games, and this is none; leave it out")
    return csv_format.read(data, source)


_READERS: dict[str, Callable[[bytes, str], NormalFormGame | StochasticGame]] = {
    ".nfg": nfg.read,
    ".gam": gam.read,
    ".json": _read_json,
    ".npz": _read_npz,
    ".efg": gambit_files.read,
    ".agg": gambit_files.read,
    ".bagg": gambit_files.read,
}
# In these the game may end.
_ENDING: dict[str, Callable[[bytes, str, str | None], NormalFormGame | StochasticGame]] = {
    ".csv": _read_csv,
    ".xlsx": state_table.read_xlsx,
}
# These need a discount factor, or may be given one.
_DISCOUNTED: dict[str, Callable[[bytes, str, Any], StochasticGame]] = {".tra": prism.read, ".dpomdp": dpomdp.read}
_WRITERS: dict[str, Callable[[NormalFormGame], bytes]] = {
    ".nfg": nfg.write,
    ".gam": gam.write,
    ".json": json_format.write,
    ".npz": npz.write,
    ".csv": csv_format.write,
}
_STOCHASTIC_WRITERS: dict[str, Callable[[StochasticGame], bytes]] = {
    ".json": stochastic_json.write,
    ".npz": stochastic_npz.write,
    ".csv": state_table.write_csv,
    ".xlsx": state_table.write_xlsx,
}
_BEGINNINGS = {b"NFG ": ".nfg", b"EFG ": ".efg", b"#AGG": ".agg", b"#BAGG": ".bagg", b"{": ".json"}
# Extensions that at least some game can be saved with.
WRITTEN = tuple(dict.fromkeys((*_WRITERS, *_STOCHASTIC_WRITERS)))
WRITTEN += tuple(extension + COMPRESSED for extension in WRITTEN if extension not in BINARY)
# What formats do not keep of a normal-form game.
_LOST = {".gam": ("title", "names of players", "names of actions"), ".csv": ("names of players",)}
_KNOWN = (*_READERS, *_ENDING, *_DISCOUNTED)
_EXTENSIONS = ", ".join(_KNOWN)
_WITH_OPTION = re.compile(
    rf"(.+(?:{'|'.join(map(re.escape, (*_ENDING, *_DISCOUNTED)))})(?:\.gz)?):(discount|end_state)=([^:]{{1,50}})",
    re.IGNORECASE,
)


def load(source: str | os.PathLike[str], *, discount: Any = None, end_state: str | None = None) -> Any:
    """Load a game from a file, or a named game from the catalog.

    Parameters
    ----------
    source : str or path-like
        A file whose extension decides how it is read: .nfg, .gam, .json, .npz, .csv, .xlsx, .tra (PRISM-games, with the
        files beside it), .dpomdp or .layout, a kitchen of Overcooked; through Gambit also .efg, .agg and .bagg, which
        become games in strategic form. All but .npz, .xlsx and .layout may be compressed, as in ``"game.json.gz"``. Or
        a catalog name such as ``"stag_hunt"``, ``"assembly_line:n=4"`` or
        ``"overcooked:cramped_room:counters=2"``.
    discount : float or sequence of float, optional
        Discount factor, or one per player, for .tra files, which have none, and .dpomdp files, whose own may be 1. In a
        str it can also stand behind the name: ``"game.tra:discount=0.95"``.
    end_state : str, optional
        For .csv and .xlsx tables of stochastic games, in which probabilities that sum to less than 1 mean that the game
        may end: the name of one more state, which then follows for ever and pays nothing. Also behind the name:
        ``"game.csv:end_state=over"``.

    Returns
    -------
    NormalFormGame or StochasticGame
        Typed Any, since the file decides.

    Raises
    ------
    FormatError
        If the file is missing, or is not what its extension says.
    InputError
        If the catalog has no game of that name, a discount is missing or superfluous, `end_state` is no name or
        superfluous, or a package that reads the format is not installed.

    Warns
    -----
    UserWarning
        If the game loses something on the way: the observations of a .dpomdp file, or columns of a table that mean
        nothing here.

    Examples
    --------
    >>> import powergames as pg
    >>> pg.load("assembly_line:n=3").n_players
    3
    """
    if not isinstance(source, (str, os.PathLike)):
        raise InputError(f"load: {no_game(source, 'a path or a name from the catalog')}")
    name = os.fspath(source)
    if not isinstance(name, str) or not name or "\0" in name:
        raise InputError(f"load: got {name!r}; give a path or a name from the catalog")
    if match := _WITH_OPTION.fullmatch(name):
        name, option, value = match.groups()
        if (discount if option == "discount" else end_state) is not None:
            raise InputError(f"load: {option} in the name, {value!r}, and another; give one")
        if option == "discount":
            try:
                discount = float(parse_number(value))
            except InputError as error:
                raise InputError(f"load: discount: {error}") from None
        else:
            end_state = value
    if is_kitchen(name):
        if discount is not None:
            raise InputError(f"load: {name}: write the discount behind the name, as in ':discount=0.9'")
        return named_kitchen(name).to_game()
    extension = file_extension(name)
    if discount is not None and extension not in _DISCOUNTED:
        raise InputError(f"load: {name} comes with its own discount, or needs none; leave discount out")
    if end_state is not None and extension not in _ENDING:
        raise InputError(f"load: {name} is no table that may lack an end_state; leave it out")
    if end_state is not None and (not isinstance(end_state, str) or not end_state.strip()):
        raise InputError(f"load: end_state: got {end_state!r}; give the name of a state")
    if extension in _READERS:
        return _checked(name, _READERS[extension], ())
    if extension in _ENDING:
        return _checked(name, _ENDING[extension], (end_state,))
    if extension in _DISCOUNTED:
        if extension == ".tra" and discount is None:
            raise InputError(
                f"load: {name}: a PRISM model has no discount; give one, as in load(..., discount=0.95), or write "
                "':discount=0.95' behind the name"
            )
        return _checked(name, _DISCOUNTED[extension], (discount,))
    if os.path.isfile(name):
        raise FormatError(f"{name}: unknown extension {extension!r}; {_remedy(name)}")
    if isinstance(source, os.PathLike):
        raise FormatError(f"{name}: no such file with one of the extensions {_EXTENSIONS}; give an existing one")
    from powergames.games.catalog.normal_form import CATALOG, named_game

    if os.path.isdir(name) and name not in CATALOG:
        raise FormatError(f"{name}: is a folder; give the path of a file")
    return named_game(name)


def _remedy(name: str) -> str:
    """Say what to do about a file of unknown extension: rename it if it begins as a file of a known one does."""
    try:
        with open(name, "rb") as file:
            start = file.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()
    except OSError:
        start = b""
    extension = next((extension for begin, extension in _BEGINNINGS.items() if start.startswith(begin)), None)
    if extension is None:
        return f"give a file of one of the formats {_EXTENSIONS}, a text also as .gz"
    return f"it looks like a {extension} file; rename it to {os.path.basename(os.path.splitext(name)[0])}{extension}"


def _checked(name: str, read: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    """Read a file, and name it in whatever is wrong with the game in it."""
    data = read_file(name)
    try:
        return read(data, name, *arguments)
    except FormatError:
        raise
    except InputError as error:
        raise FormatError(f"{name}: {error}") from None
    except MemoryError:
        raise FormatError(f"{name}: the game does not fit into memory; make it smaller") from None


def save(game: AnyGame, path: str | os.PathLike[str]) -> None:
    """Save a game; the file appears as a whole or not at all.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or DeterministicGame
        The game.
    path : str or path-like
        Where to; the extension decides the format. For normal-form games it is .nfg, .gam, .json, .npz or .csv: all but
        .gam keep exact rationals, the title and names of actions, all but .gam and .csv names of players. For
        stochastic games it is .json, .npz, .csv or .xlsx, which keep everything. A .gz behind all but .npz and .xlsx
        compresses.

    Raises
    ------
    InputError
        If the extension is unknown, the format cannot hold the game, or the file cannot be written.

    Warns
    -----
    UserWarning
        If a .gam or .csv file does not keep the title or names of a normal-form game.

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
    game = as_game(game, NormalFormGame | StochasticGame)
    writers: dict[str, Callable[[Any], bytes]] = dict(
        _STOCHASTIC_WRITERS if isinstance(game, StochasticGame) else _WRITERS
    )
    if not isinstance(path, (str, os.PathLike)):
        raise InputError(f"save: got {type(path).__name__}; give a path")
    extension = file_extension(path)
    if extension not in writers:
        known = extension in _KNOWN
        problem = f"no {type(game).__name__} is written as {extension}" if known else f"unknown extension {extension!r}"
        raise InputError(f"{path}: {problem}; give one of {', '.join(writers)}")
    data = writers[extension](game)
    if isinstance(game, NormalFormGame) and (lost := _lost_names(game, _LOST.get(extension, ()))):
        warn_user(f"{path}: {extension} does not keep the {', '.join(lost)}; .nfg, .json and .npz do")
    write_atomically(path, data)


def _lost_names(game: NormalFormGame, kinds: Sequence[str]) -> list[str]:
    """Return those kinds of names that the game has; mere numbers come back of themselves."""
    numbered = [tuple(map(str, range(count))) for count in (game.n_players, *game.n_actions)]
    given = {
        "title": game.title != "",
        "names of players": game.players not in (numbered[0], csv_format.PLAYERS),
        "names of actions": list(game.actions) != numbered[1:],
    }
    return [kind for kind in kinds if given[kind]]
