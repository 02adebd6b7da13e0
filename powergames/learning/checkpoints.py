"""Runs on disk: whatever happens, a file holds one complete state of one run, which one process continues at a time."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, TypeGuard

import numpy as np

from powergames.files import FileLock, replace_file
from powergames.games.timed import AnyProfile
from powergames.io.checkpoints import Question
from powergames.io.npz import packed, read_arrays


class AnyLearners(Protocol):
    """Learners of one run or of several at once, as the training loop drives and checkpoints keep them.

    Attributes
    ----------
    tables : mapping
        All numbers of the game that they learn from.
    unit, total, clock : int
        Steps of an `advance` by one, how far the run goes and how far it is, in this unit.
    """

    @property
    def tables(self) -> Mapping[str, np.ndarray]: ...  # noqa: D102

    @property
    def unit(self) -> int: ...  # noqa: D102

    @property
    def total(self) -> int: ...  # noqa: D102

    @property
    def clock(self) -> int: ...  # noqa: D102

    def advance(self, count: int) -> None:
        """Play and learn; in however many calls, that leads to the same end."""

    def policies(self) -> list[AnyProfile]:
        """Return the policies of each run."""

    def arrays(self) -> dict[str, np.ndarray]:
        """Return all that changes."""

    def restore(self, arrays: Mapping[str, np.ndarray]) -> bool:
        """Go on from what `arrays` returned; return False, and do nothing, if it can't be right."""


def write_archive(path: str | os.PathLike[str], arrays: Mapping[str, np.ndarray]) -> None:
    """Write an .npz archive; see `powergames.files.replace_file`.

    Raises
    ------
    OSError
        If the file cannot be written.
    """
    replace_file(path, packed(arrays))


def checkpoint_path(folder: str | os.PathLike[str], seed: int) -> Path:
    """Return the name of the checkpoint of one of many seeds in their folder."""
    return Path(folder, f"seed_{seed}.npz")


class Checkpoint:
    """The file that one run is kept in; other processes cannot use it until it is closed.

    Parameters
    ----------
    path : str or os.PathLike
        A file that exists, or will; its folder exists.
    question : mapping
        What the result of the run depends on, as plain JSON values.

    Raises
    ------
    InputError
        If the path is not the name of a file in a folder that exists, or another run uses the file.
    OSError
        If the folder cannot be written to.
    """

    def __init__(self, path: str | os.PathLike[str], question: Mapping[str, Any]) -> None:
        self._question = Question(path, "training", "a run", question)
        self._lock = FileLock(self._question.path, self._question.name)

    def close(self) -> None:
        """Let others use the file."""
        self._lock.release()

    def save(self, learners: Mapping[str, np.ndarray], history: Mapping[str, np.ndarray]) -> None:
        """Write the state of the run and its history so far."""
        arrays = {f"learners_{name}": array for name, array in learners.items()}
        arrays |= {f"history_{name}": array for name, array in history.items()}
        write_archive(self._question.path, {"question": self._question.array(), **arrays})

    def restore(self, learners: AnyLearners, history: Mapping[str, tuple[int, ...]]) -> Any:
        """Let the learners go on from what the file holds, and return the history, or None if there is no file.

        Parameters
        ----------
        learners : AnyLearners
            Of the same run; changed.
        history : mapping
            The shape of one entry of each part of the history.

        Raises
        ------
        InputError
            If the file is damaged, or belongs to another run.
        """
        if not self._question.path.exists():
            return None
        arrays = read_arrays(self._question.path.read_bytes(), self._question.name)
        self._question.check(arrays.get("question"))
        found = {
            name: array
            for name, model in learners.arrays().items()
            if _alike(array := arrays.get(f"learners_{name}"), model)
        }
        entries = {name: arrays.get(f"history_{name}") for name in history}
        if not (
            len(found) == len(learners.arrays())
            and all(array is not None and array.shape[1:] == history[name] for name, array in entries.items())
            and len({len(array) for array in entries.values() if array is not None}) == 1
            and learners.restore(found)
        ):
            raise self._question.damaged()
        return entries


def _alike(array: np.ndarray | None, model: np.ndarray) -> TypeGuard[np.ndarray]:
    return array is not None and array.shape == model.shape and array.dtype == model.dtype
