"""Results on disk, one JSON line each, so that an interrupted batch resumes where it was.

The first line names the options under which all results in the file were computed. Every other line is one result,
under a key that only its payoffs, objective and starting profile determine. A line is written at once and forced to
disk before the next computation is waited for. A line that a crash cut short is dropped when the file is opened again;
one that cannot be read, or whose equilibria a fresh certificate does not confirm, counts as not done.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from powergames.errors import InputError
from powergames.files import lock, naming, write_all
from powergames.games.normal_form import NormalFormGame
from powergames.games.profiles import Profile, frozen
from powergames.objectives import PowerObjective
from powergames.results import SCHEMA

KIND = "results"


class Store:
    """A file of results that belongs to one set of options, and to this process as long as it is open.

    Parameters
    ----------
    path : str or os.PathLike
        A file that exists, or will; its folder exists.
    options : mapping
        Whatever the results depend on besides game, objective and starting profile; plain JSON values.

    Raises
    ------
    InputError
        If the file holds something else, belongs to other options, or is in use.
    OSError
        If the file cannot be opened or written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for run in range(2):
    ...         with Store(os.path.join(folder, "results.jsonl"), {"tol": 1e-8}) as store:
    ...             print(store.get("a"))
    ...             store.add("a", {"answer": 42})
    None
    {'key': 'a', 'answer': 42}
    """

    def __init__(self, path: str | os.PathLike[str], options: Mapping[str, Any]) -> None:
        if not isinstance(path, (str, os.PathLike)) or not os.fspath(path):
            raise InputError(f"store: got {str(path)[:40] or 'an empty name'}; give the name of a file")
        self._path = Path(path)
        header = _line({"schema": SCHEMA, "kind": KIND, "options": dict(options)})
        # Unbuffered and appending: every line is one write, at the end of the file.
        self._file = open(self._path, "a+b", buffering=0)  # noqa: SIM115, open as long as the store
        try:
            if not stat.S_ISREG(os.fstat(self._file.fileno()).st_mode):
                raise InputError(f"store {self._path}: is not a regular file; choose another one")
            lock(self._file, f"store {self._path}")
            self._file.seek(0)
            self._records = self._read(self._file.read(), header)
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def get(self, key: str) -> dict[str, Any] | None:
        """Return what is stored under a key, or None."""
        return self._records.get(key)

    def add(self, key: str, record: Mapping[str, Any]) -> None:
        """Write a result to disk; the last one under a key counts."""
        document = {"key": key, **record}
        self._append(_line(document))
        self._records[key] = document

    def _append(self, line: bytes) -> None:
        with naming(self._path):
            write_all(self._file, line)
            os.fsync(self._file.fileno())

    def _read(self, data: bytes, header: bytes) -> dict[str, dict[str, Any]]:
        whole = data[: data.rfind(b"\n") + 1]
        first, *lines = whole.splitlines() or [b""]
        if not whole and header.startswith(data):
            self._file.truncate(0)
            self._append(header)
            return {}
        found = _document(first)
        if found is None or found.get("kind") != KIND or not isinstance(found.get("options"), dict):
            raise InputError(f"store {self._path}: holds something else than results; choose another file")
        expected = json.loads(header)
        if found != expected:
            theirs, ours = ({"schema": d.get("schema"), **d["options"]} for d in (found, expected))
            differing = sorted(name for name in theirs | ours if theirs.get(name) != ours.get(name))
            raise InputError(
                f"store {self._path}: holds results of other options ({', '.join(differing)}); choose another file"
            )
        if len(whole) < len(data):
            self._file.truncate(len(whole))
        documents = (_document(line) for line in lines)
        return {
            document["key"]: document for document in documents if document and isinstance(document.get("key"), str)
        }


def game_digest(game: NormalFormGame) -> str:
    """Return a digest of the payoffs of a game, whatever its labels.

    Examples
    --------
    >>> game_digest(NormalFormGame([[1, 2]]))[:8]
    'd87d3878'
    """
    digest = hashlib.sha256(repr(game.payoffs.shape).encode())
    if game.lossless:
        digest.update(game.payoffs.data)
    else:
        digest.update(" ".join(map(str, game.exact_payoffs.ravel().tolist())).encode())
    return digest.hexdigest()


def result_key(game: str, objective: PowerObjective, start: Profile | None = None) -> str:
    """Return the key of a result: a digest of the game's digest, the objective, and the starting profile if any."""
    question = {
        "game": game,
        "objective": objective.to_dict(exact=True),
        "start": start and [[str(probability) for probability in strategy.tolist()] for strategy in start],
    }
    return hashlib.sha256(_line(question)).hexdigest()


def read_profile(game: NormalFormGame, document: Any, exact: bool) -> Profile | None:
    """Return a stored profile bit for bit, or None if it is not a profile of the game."""
    try:
        vectors = [
            np.array([Fraction(entry) for entry in vector], dtype=object)
            if exact
            else np.array(vector, dtype=np.float64)
            for vector in document
        ]
        checked = game.profile(vectors)
    except (ArithmeticError, TypeError, ValueError):
        return None
    if any(np.abs(near - vector).max() > 1e-12 for near, vector in zip(checked, vectors, strict=True)):
        return None
    if any(vector.min() < 0 for vector in vectors):
        return None
    return tuple(frozen(vector) for vector in vectors)


def _line(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, allow_nan=False).encode() + b"\n"


def _document(line: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(line)
    except (RecursionError, ValueError):
        return None
    return document if isinstance(document, dict) else None
