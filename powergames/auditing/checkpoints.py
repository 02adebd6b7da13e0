"""Sampled audits on disk: whatever happens, the pieces of work that are done stay done.

An audit asks for its pieces of work in an order that depends only on what it was called with. So a checkpoint is the
list of their results, and an audit that is called again reads these before it plays on.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from powergames.auditing.adversaries import Tally
from powergames.environments.sampling import Effort, Leave, Options
from powergames.files import Journal
from powergames.io.checkpoints import Question
from powergames.io.keys import packed_keys, unpacked_keys
from powergames.io.npz import packed, read_arrays
from powergames.numerics.digests import digest


class Checkpoint:
    """The file that one audit is kept in; other processes cannot use it until it is closed.

    Parameters
    ----------
    path : str or os.PathLike
        A file that exists, or will; its folder exists.
    question : mapping
        What the audit depends on, as plain JSON values.

    Raises
    ------
    InputError
        If the path is not the name of a file in a folder that exists, or the file is damaged, in use, or belongs to
        another audit.
    OSError
        If the file cannot be read or written.
    """

    def __init__(self, path: str | os.PathLike[str], question: Mapping[str, Any]) -> None:
        self._question = Question(path, "sampled audit", "an audit", question)
        self._journal = Journal(self._question.path, self._question.name, "an audit")
        try:
            first = self._read()
            if first is None:
                self._journal.add(packed({"question": self._question.array()}))
            else:
                self._question.check(first.get("question"))
        except BaseException:
            self._journal.close()
            raise

    def close(self) -> None:
        """Let others use the file."""
        self._journal.close()

    def replay(self, method: str, task: tuple[Any, ...]) -> tuple[Any, Effort] | None:
        """Return the result of the next piece of work, or None if it was not done yet.

        Raises
        ------
        InputError
            If the next piece that the file holds is another one.
        """
        arrays = self._read()
        if arrays is None:
            return None
        try:
            if str(arrays["task"]) != _label(method, task):
                raise self._question.another("what is played")
            return _result(method, arrays), Effort(*arrays["effort"].tolist())
        except (AttributeError, IndexError, KeyError, StopIteration, TypeError, ValueError):
            raise self._question.damaged() from None

    def keep(self, method: str, task: tuple[Any, ...], found: Any, effort: Effort) -> None:
        """Write the result of a piece of work.

        Raises
        ------
        InputError
            If it holds a key that no file can hold.
        OSError
            If the file cannot be written.
        """
        about = {"task": np.array(_label(method, task)), "effort": np.array(effort)}
        self._journal.add(packed(about | _arrays(method, found)))

    def same(self, name: str, found: Mapping[str, str]) -> None:
        """Write what the audit depends on from here on, or compare it with what was written.

        Raises
        ------
        InputError
            If they differ.
        OSError
            If the file cannot be written.
        """
        kept, text = self._read(), json.dumps(found)
        if kept is None:
            self._journal.add(packed({name: np.array(text)}))
        elif name not in kept or str(kept[name]) != text:
            raise self._question.another(name)

    def _read(self) -> dict[str, np.ndarray] | None:
        entry = self._journal.read()
        return None if entry is None else read_arrays(entry, self._question.name)


def _label(method: str, task: tuple[Any, ...]) -> str:
    """Return what tells pieces of work apart, as far as it is cheap."""
    arrays = [part for part in task if isinstance(part, np.ndarray)]
    leaves = [part for part in task if isinstance(part, Leave)]
    ways = [own._replace(table=None, keys=None) for own in leaves]
    return f"{method} {digest(arrays)} {ways}"


def _arrays(method: str, found: Any) -> dict[str, np.ndarray]:
    """Return the result of a piece of work as arrays of numbers and strings."""
    if method == "returns":
        return {"values": found}
    if method == "options":
        return {f"{part}_{j}": array for j, own in enumerate(found) for part, array in own._asdict().items()}
    parts = found._asdict()
    keys = parts.pop("keys")
    keys = [keys] if isinstance(keys, np.ndarray) else packed_keys(keys)
    return parts | {f"keys_{number}": array for number, array in enumerate(keys)}


def _result(method: str, arrays: Mapping[str, np.ndarray]) -> Any:
    """Return what `_arrays` made arrays of."""
    if method == "returns":
        return arrays["values"]
    if method == "options":
        count = sum(name.startswith("values_") for name in arrays)
        return [Options(*(arrays[f"{part}_{j}"] for part in Options._fields)) for j in range(count)]
    keys = [arrays[f"keys_{number}"] for number in range(sum(name.startswith("keys_") for name in arrays))]
    parts = (arrays[name] for name in Tally._fields[1:])
    return Tally(keys[0] if keys[0].dtype.kind == "i" else unpacked_keys(keys), *parts)
