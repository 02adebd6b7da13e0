"""What the readers and writers share: numbers, sizes, places in a file, compression, atomic writing."""

from __future__ import annotations

import gzip
import math
import os
import re
import sys
import warnings
import zlib
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import IO

import numpy as np

from powergames.errors import FormatError, InputError, printable
from powergames.files import replace_file
from powergames.games.memory import MAX_AXES
from powergames.games.normal_form import NormalFormGame
from powergames.games.numbers import float_to_fraction, to_fraction

BINARY = (".npz", ".xlsx")
_ARCHIVE = b"PK"
COMPRESSED = ".gz"
# A compressed text may unpack to this much, or to so many times its size; parsed, it takes up to 25 times as much.
_MAX_UNPACKED = 16 * 2**20
_MAX_RATIO = 100
_PIECE = 2**20

MAX_NUMBER_LENGTH = 4000  # characters; Python itself refuses integers of more than 4300 digits
MAX_PLAYERS = MAX_AXES - 1  # the payoff tensor has one axis more than there are players

_EXPONENT = "(?:[eE][+-]?[0-9]{1,4}+)?"


def number_pattern(marks: str = ".") -> str:
    """Return a pattern of numbers whose decimals follow one of the marks; a point may also stand at the end."""
    decimals = rf"[{marks}][0-9]++"
    return rf"[+-]?(?:[0-9]++(?:/[0-9]++|(?:{decimals}|\.)?{_EXPONENT})|{decimals}{_EXPONENT})"


_NUMBER = re.compile(number_pattern())
# At most 15 significant digits: such a decimal is the shortest that prints its float, so the float keeps it exactly.
_SHORT_DECIMAL = re.compile(r"[+-]?(?:[0-9]{1,15}|(?=[0-9.]{2,16}\Z)[0-9]*+\.[0-9]*+)(?:[eE][+-]?[0-9]{1,2})?")

Number = float | Fraction


def file_extension(path: str | os.PathLike[str]) -> str:
    """Return the extension in lower case, and for a compressed text that of the text.

    Examples
    --------
    >>> file_extension("A.NFG"), file_extension("a.json.gz"), file_extension("a.npz.gz")
    ('.nfg', '.json', '.gz')
    """
    target = Path(path)
    inner = Path(target.stem).suffix.lower() if is_compressed(path) else ""
    return inner if inner and inner not in BINARY else target.suffix.lower()


def is_compressed(path: str | os.PathLike[str]) -> bool:
    """Whether a file is compressed, by its extension."""
    return Path(path).suffix.lower() == COMPRESSED


def stem_of(path: str) -> str:
    """Return a path without its extension, or both of them.

    Examples
    --------
    >>> stem_of("models/game.v2.tra.gz")
    'models/game.v2'
    """
    inner = path[: -len(COMPRESSED)] if is_compressed(path) else path
    return inner[: -len(file_extension(path))]


def warn_user(message: str) -> None:
    """Warn at the line outside of powergames that led here."""
    level, frame = 2, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals["__name__"].partition(".")[0] == "powergames":
        level, frame = level + 1, frame.f_back
    warnings.warn(printable(message), stacklevel=level)


def decode(data: bytes, source: str) -> str:
    """Return the text of a file, which must be UTF-8."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FormatError(
            f"{source}: not text, byte {error.start} is 0x{data[error.start]:02x}; give a text file in UTF-8"
        ) from None
    if not text.strip():
        raise FormatError(f"{source}: the file is empty; give another one")
    return text


def latin_as_utf8(data: bytes) -> bytes:
    r"""Return text in Latin-1 as UTF-8; anything else, UTF-8 above all, as it is.

    Gambit writes the names of players in whatever bytes it was given.

    Examples
    --------
    >>> latin_as_utf8(b"caf\xe9").decode()
    'café'
    """
    try:
        data.decode()
    except UnicodeDecodeError:
        return data if b"\0" in data else data.decode("latin-1").encode()
    return data


def shorten(text: str) -> str:
    """Quote what was found, on one line of bounded length."""
    return repr(text if len(text) <= 40 else text[:37] + "...")


def at_line(text: str, position: int) -> str:
    """Return the place of a character as ``"line k"``."""
    return f"line {text.count(chr(10), 0, position) + 1}"


def parse_number(token: str) -> Number:
    """Read a number token; the result is a float where that loses nothing, else a Fraction.

    Raises
    ------
    InputError
        If the token is not an integer, decimal or ratio, or too long to be one.

    Examples
    --------
    >>> parse_number("0.1"), parse_number("5/2"), parse_number("1/3")
    (0.1, 2.5, Fraction(1, 3))
    """
    if _SHORT_DECIMAL.fullmatch(token) and abs(value := float(token)) < 2.0**53:
        return value
    if len(token) > MAX_NUMBER_LENGTH:
        raise InputError(f"number {shorten(token)} has {len(token)} characters; give at most {MAX_NUMBER_LENGTH}")
    if not _NUMBER.fullmatch(token):
        raise InputError(f"{shorten(token)} is not a number; give an integer, a decimal or a ratio p/q")
    if "/" not in token and repr(value := float(token)) == token and abs(value) < 2.0**53:
        return value
    try:
        exact = to_fraction(token)
    except InputError:
        raise InputError(
            f"{shorten(token)} is a division by zero, or too large or too small for a float; give another number"
        ) from None
    value = float(exact)
    return value if float_to_fraction(value) == exact else exact


def parse_numbers(tokens: Sequence[str], text: str, start: int, source: str) -> np.ndarray:
    """Read number tokens found in ``text[start:]``, each separated by whitespace.

    Returns
    -------
    ndarray, shape (len(tokens),)
        Of dtype float64, or of dtype object with a Fraction wherever a float would lose digits.

    Raises
    ------
    FormatError
        If a token is not a finite number; the message has its line.
    """
    values: dict[str, Number] = {}
    for token in dict.fromkeys(tokens):
        try:
            values[token] = parse_number(token)
        except InputError as error:
            place = re.compile(r"(?<!\S)" + re.escape(token) + r"(?!\S)").search(text, start)
            line = at_line(text, place.start() if place else start)
            raise FormatError(f"{source}, {line}: {error}") from None
    return number_array([values[token] for token in tokens])


def number_array(values: Sequence[Number]) -> np.ndarray:
    """Return numbers as float64, or as dtype object if there is a Fraction among them."""
    if any(isinstance(value, Fraction) for value in values):
        array = np.empty(len(values), dtype=object)
        array[:] = values
        return array
    return np.array(values, dtype=np.float64)


def number_text(value: Number) -> str:
    """Write a number so that reading gives the same one back; no plus sign, which Gambit does not read in exponents.

    Raises
    ------
    InputError
        If an exact rational has more digits than the readers accept.

    Examples
    --------
    >>> number_text(4.0), number_text(1e22), number_text(Fraction(1, 3))
    ('4', '1e22', '1/3')
    """
    if not isinstance(value, Fraction):
        text = repr(value).replace("e+", "e").removesuffix(".0")
        return text if abs(value) < 2.0**53 or float_to_fraction(value) == Fraction(text) else str(int(value))
    if (value.numerator.bit_length() + value.denominator.bit_length()) * math.log10(2) > MAX_NUMBER_LENGTH - 4:
        raise InputError(
            f"payoffs: an exact rational has more than {MAX_NUMBER_LENGTH} digits; round it before saving the game"
        )
    return str(value)


def lossless_payoffs(game: NormalFormGame) -> np.ndarray:
    """Return the payoff tensor, with a Fraction (dtype object) wherever the game is exact and its float is not.

    Returns
    -------
    ndarray, shape (n, A_0, ..., A_{n-1})
        The float64 payoffs of the game themselves if they are lossless.
    """
    if game.lossless:
        return game.payoffs
    pairs = zip(game.payoffs.ravel().tolist(), game.exact_payoffs.ravel().tolist(), strict=True)
    values = [value if float_to_fraction(value) == exact else exact for value, exact in pairs]
    return number_array(values).reshape(game.payoffs.shape)


def check_count(found: int, n_actions: Sequence[int], n_players: int, place: str) -> None:
    """Check that a file holds one payoff per player and joint action, before anything is allocated.

    Raises
    ------
    FormatError
        If there are too many players, or the declared sizes do not fit the number of payoffs found.
    """
    if n_players > MAX_PLAYERS:
        raise FormatError(f"{place}: {n_players} players; a payoff tensor has room for at most {MAX_PLAYERS}")
    needed = n_players * math.prod(n_actions)
    if found != needed:
        sizes = " x ".join(str(size) for size in n_actions)
        raise FormatError(
            f"{place}: {n_players} players with {sizes} actions need {needed} payoffs, got {found}; "
            "give one per player and joint action"
        )


def parse_size(token: str, what: str, place: str) -> int:
    """Read a positive count of at most nine digits."""
    if not (token.isascii() and token.isdigit() and len(token) <= 9) or int(token) == 0:
        raise FormatError(f"{place}: {what} is {shorten(token)}; give a positive integer")
    return int(token)


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Write a file as a whole or not at all, compressed if its name ends with .gz.

    Raises
    ------
    InputError
        If the path is a directory or cannot be written, or reading would refuse the compressed file.
    """
    if os.path.isdir(path):
        raise InputError(f"{path}: is a directory; give the name of a file")
    if is_compressed(path):
        n_bytes = len(data)
        data = gzip.compress(data, mtime=0)
        if n_bytes > _most_unpacked(len(data)):
            raise InputError(
                f"{path}: {len(data)} bytes that unpack to {n_bytes} would not be read again; leave out {COMPRESSED}"
            )
    try:
        replace_file(path, data)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror}); choose another place") from None


def read_file(path: str | os.PathLike[str]) -> bytes:
    """Return the contents of a regular file, as far as it can be what its name says; a compressed text is unpacked.

    Raises
    ------
    FormatError
        If there is no such file, it cannot be read, a text holds NUL, or a compressed one unpacks to far more than its
        size.
    """
    if not os.path.isfile(path):
        what = "is not a regular file" if os.path.exists(path) else "no such file"
        raise FormatError(f"{path}: {what}; give the path of an existing file")
    try:
        with open(path, "rb") as file:
            if file_extension(path) in BINARY:
                # What does not begin as an archive is none, however long it is.
                start = file.read(len(_ARCHIVE))
                file.seek(0)
                return file.read() if start == _ARCHIVE else start
            if not is_compressed(path):
                return _text_bytes(file, str(path), None)
            most = _most_unpacked(os.path.getsize(path))
            with gzip.GzipFile(fileobj=file) as unpacked:
                return _text_bytes(unpacked, str(path), most)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        reason = " ".join(str(error).split())[:100]
        raise FormatError(f"{path}: not a readable {COMPRESSED} file ({reason}); compress it again") from None
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror}); check its permissions") from None
    except MemoryError:
        raise FormatError(f"{path}: {os.path.getsize(path)} bytes do not fit into memory") from None


def _text_bytes(file: IO[bytes] | gzip.GzipFile, source: str, most: int | None) -> bytes:
    """Return all of a text; nothing beyond the first NUL is read, nor more than so many bytes."""
    found = bytearray()
    while piece := file.read(_PIECE):
        if (position := piece.find(0)) >= 0:
            raise FormatError(f"{source}: not text, byte {len(found) + position} is 0x00; give a text file in UTF-8")
        found += piece
        if most is not None and len(found) > most:
            raise FormatError(f"{source}: unpacks to more than {most} bytes, far too many for its size; unpack it")
    return bytes(found)


def _most_unpacked(n_bytes: int) -> int:
    return max(_MAX_UNPACKED, _MAX_RATIO * n_bytes)
