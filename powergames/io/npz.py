"""Games as NumPy archives (``.npz``), schema ``powergames/1``.

The archive holds the keys of the JSON format as arrays: ``schema``, ``kind``, ``title``, ``players``, ``payoffs``, one
array of names per player ``actions_0``, ``actions_1``, ..., and ``payoffs_exact``, strings ``p/q``, for a game with
exact rationals that no float represents. Nothing in it is a pickled object.

Archives are read without trusting what they declare: the size of every array is compared with the size of its entry,
and the sum of all entries with the size of the file, before anything is unpacked.
"""

from __future__ import annotations

import io
import math
import re
import sys
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from powergames.errors import FormatError, InputError
from powergames.games.normal_form import NormalFormGame
from powergames.games.profiles import frozen
from powergames.io._text import lossless_payoffs, number_array, number_text, parse_number
from powergames.io.json_format import KIND, SCHEMA, check_kind

_MAX_UNPACKED = 64 * 2**20
_MAX_RATIO = 200
_PIECE = 2**17
_HEADER = re.compile(
    rb"\{\s*'descr':\s*'([<>|=]?[a-zA-Z]\d{0,9})',\s*'fortran_order':\s*(True|False),"
    rb"\s*'shape':\s*\(([0-9, ]{0,999})\),?\s*\}\s*"
)


def read(data: bytes, source: str) -> NormalFormGame:
    """Read a game archive.

    Parameters
    ----------
    data : bytes
        Contents of the file.
    source : str
        Its name, for error messages.

    Returns
    -------
    NormalFormGame

    Raises
    ------
    FormatError
        If the file is not an archive of plain arrays, or does not hold a normal-form game.

    Examples
    --------
    >>> read(write(NormalFormGame([[1, "1/3"]])), "choice.npz").exact_payoffs
    array([[Fraction(1, 1), Fraction(1, 3)]], dtype=object)
    """
    return build(read_arrays(data, source), source)


def build(arrays: Mapping[str, np.ndarray], source: str) -> NormalFormGame:
    """Build the game that an archive holds.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        As `read_arrays` returns them.
    source : str
        Name of the file, for error messages.

    Returns
    -------
    NormalFormGame

    Raises
    ------
    FormatError
        If the arrays do not hold a normal-form game.

    Examples
    --------
    >>> build({"payoffs": np.array([[1.0, 2.0]])}, "choice.npz").n_actions
    (2,)
    """
    check_kind(text(arrays, "schema", SCHEMA, source), text(arrays, "kind", KIND, source), source, KIND)
    payoffs = numeric(arrays, "payoffs", source)
    if "payoffs_exact" in arrays:
        payoffs = _exact(arrays["payoffs_exact"], payoffs, source)
    names = [f"actions_{player}" for player in range(payoffs.shape[0] if payoffs.ndim else 0)]
    present = [name in arrays for name in names]
    if any(present) and not all(present):
        raise FormatError(f"{source}: no array '{names[present.index(False)]}'; name all players' actions or none")
    actions = [labels(arrays, name, source) for name in names] if any(present) else None
    players = labels(arrays, "players", source) if "players" in arrays else None
    return NormalFormGame(payoffs, players, actions, text(arrays, "title", "", source))


def write(game: NormalFormGame) -> bytes:
    """Write a game archive.

    Parameters
    ----------
    game : NormalFormGame
        The game; exact rationals that no float represents are kept in the array ``payoffs_exact``.

    Returns
    -------
    bytes
        Contents of the file; not compressed, so that its size is that of its arrays.

    Raises
    ------
    InputError
        If a rational has thousands of digits.

    Examples
    --------
    >>> with np.load(io.BytesIO(write(NormalFormGame([[1, 2]], actions=[["left", "right"]])))) as archive:
    ...     archive["actions_0"].tolist()
    ['left', 'right']
    """
    arrays = {
        "schema": np.array(SCHEMA),
        "kind": np.array(KIND),
        "title": np.array(game.title),
        "players": np.array(game.players),
        **{f"actions_{player}": np.array(names) for player, names in enumerate(game.actions)},
        "payoffs": game.payoffs,
    }
    payoffs = lossless_payoffs(game)
    if payoffs.dtype == object:
        texts = [number_text(value) for value in payoffs.ravel().tolist()]
        arrays["payoffs_exact"] = np.array(texts).reshape(payoffs.shape)
    return packed(arrays)


def packed(arrays: Mapping[str, np.ndarray]) -> bytes:
    """Return an .npz archive of arrays."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def read_arrays(data: bytes, source: str) -> dict[str, np.ndarray]:
    """Unpack every array of an archive.

    Parameters
    ----------
    data : bytes
        Contents of the file.
    source : str
        Its name, for error messages.

    Returns
    -------
    dict of str to ndarray
        Numbers and strings only.

    Raises
    ------
    FormatError
        If the file is not a zip archive of plain arrays, or would unpack to more than 64 MB and 200 times its size.
    """
    if not data:
        raise FormatError(f"{source}: the file is empty; give a NumPy archive")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            unpacked = sum(entry.file_size for entry in entries)
            if unpacked > max(_MAX_UNPACKED, _MAX_RATIO * len(data)):
                raise FormatError(
                    f"{source}: {len(data)} bytes that unpack to {unpacked}; save it again without compression"
                )
            return {
                entry.filename.removesuffix(".npy"): _array(archive, entry, f"{source}, entry {entry.filename!r}")
                for entry in entries
                if entry.filename.endswith(".npy")
            }
    except FormatError:
        raise
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        OSError,
        OverflowError,
        RuntimeError,
        ValueError,
    ) as error:
        reason = " ".join(str(error).split())[:100] or type(error).__name__
        raise FormatError(f"{source}: not a readable NumPy archive ({reason}); write it with numpy.savez") from None


def numeric(arrays: Mapping[str, np.ndarray], name: str, source: str) -> np.ndarray:
    """Return an array of numbers out of an archive.

    Raises
    ------
    FormatError
        If it is missing or holds strings.
    """
    if name not in arrays:
        held = ", ".join(sorted(arrays))[:200] or "none"
        raise FormatError(f"{source}: no array '{name}'; add it, the archive holds {held}")
    if arrays[name].dtype.kind not in "iuf":
        raise FormatError(f"{source}: array '{name}' has dtype {arrays[name].dtype}; give real numbers")
    return arrays[name]


def _array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, place: str) -> np.ndarray:
    """Read one .npy entry, whose header must agree with the size of the entry."""
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise FormatError(f"{place}: unknown compression; write the archive with numpy.savez")
    with archive.open(entry) as file:
        magic = file.read(8)
        if magic[:6] != b"\x93NUMPY" or magic[6:] not in (b"\x01\x00", b"\x02\x00"):
            raise FormatError(f"{place}: not a NumPy array; write the archive with numpy.savez")
        length_bytes = 2 if magic[6] == 1 else 4
        length = int.from_bytes(file.read(length_bytes), "little")
        header = _HEADER.fullmatch(file.read(min(length, 10_000)))
        if header is None:
            raise FormatError(f"{place}: not an array of numbers or strings; pickled objects are never read")
        dtype = _dtype(header[1].decode(), place)
        shape = tuple(int(size) for size in header[3].decode().replace(" ", "").split(",") if size)
        needed = math.prod(shape) * dtype.itemsize
        if needed != entry.file_size - 8 - length_bytes - length:
            raise FormatError(f"{place}: shape {shape} of {dtype} does not fit {entry.file_size} bytes; write it again")
        # Piece by piece into the array's own memory: a large array is not held twice.
        content = np.empty(needed, np.uint8)
        position = 0
        while piece := file.read(_PIECE):
            if position + len(piece) > needed:
                break
            content[position : position + len(piece)] = np.frombuffer(piece, np.uint8)
            position += len(piece)
        if piece or position != needed:
            raise FormatError(f"{place}: damaged data; write the archive again with numpy.savez")
    return frozen(content).view(dtype).reshape(shape, order="F" if header[2] == b"True" else "C")


def _dtype(descr: str, place: str) -> np.dtype:
    try:
        dtype = np.dtype(descr)
    except TypeError:
        dtype = np.dtype(object)
    if dtype.kind not in "biufU" or dtype.itemsize == 0:
        raise FormatError(f"{place}: dtype {descr!r}; only numbers and strings are read, never pickled objects")
    return dtype


def _strings(arrays: Mapping[str, np.ndarray], name: str, n_axes: int, source: str) -> np.ndarray:
    array = arrays[name]
    if array.dtype.kind != "U" or array.ndim != n_axes:
        wanted = "a list of strings" if n_axes else "a string"
        raise FormatError(f"{source}: array '{name}' has dtype {array.dtype} and shape {array.shape}; give {wanted}")
    _check_characters(array, name, source)
    return array


def text(arrays: Mapping[str, np.ndarray], name: str, default: str, source: str) -> str:
    """Return one string out of an archive, or the default if it is missing."""
    return str(_strings(arrays, name, 0, source)) if name in arrays else default


def labels(arrays: Mapping[str, np.ndarray], name: str, source: str, n_axes: int = 1) -> list[Any]:
    """Return a list of names out of an archive; nested, if there are two axes."""
    names: list[Any] = _strings(arrays, name, n_axes, source).tolist()
    return names


def _check_characters(array: np.ndarray, name: str, source: str) -> None:
    """Refuse numbers beyond those of Unicode, of which Python may make strings that crash it."""
    numbers = array.reshape(-1).view(array.dtype.str[0] + "u4")
    if numbers.max(initial=0) > sys.maxunicode:
        raise FormatError(f"{source}: array '{name}' holds damaged strings; write it again")


def _exact(texts: np.ndarray, payoffs: np.ndarray, source: str) -> np.ndarray:
    """Read the exact payoffs, which must round to the payoffs stored as floats."""
    name = "payoffs_exact"
    if texts.dtype.kind != "U" or texts.shape != payoffs.shape:
        raise FormatError(
            f"{source}: array '{name}' has dtype {texts.dtype} and shape {texts.shape}; "
            f"give strings p/q of shape {payoffs.shape}"
        )
    _check_characters(texts, name, source)
    try:
        values = [parse_number(token) for token in texts.ravel().tolist()]
    except InputError as error:
        raise FormatError(f"{source}: array '{name}': {error}") from None
    if [float(value) for value in values] != payoffs.ravel().tolist():
        raise FormatError(f"{source}: array '{name}' does not round to array 'payoffs'; delete the wrong one")
    return number_array(values).reshape(payoffs.shape)
