"""What all checkpoints have in common: where they may be, and which question they belong to."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from powergames.errors import InputError
from powergames.io.json_format import SCHEMA


class Question:
    """Where a checkpoint is, and what the result that it leads to depends on.

    Parameters
    ----------
    path : str or os.PathLike
        A file that exists, or will; its folder exists.
    kind : str
        Kind of file.
    noun : str
        What the file keeps, with its article, for error messages: ``"a run"``.
    about : mapping
        What the result depends on, as plain JSON values.

    Raises
    ------
    InputError
        If the path is not the name of a file in a folder that exists.

    Examples
    --------
    >>> asked = Question("run.npz", "training", "a run", {"seed": 0})
    >>> asked.check(asked.array())
    >>> asked.check(Question("run.npz", "training", "a run", {"seed": 1}).array())  # doctest: +NORMALIZE_WHITESPACE
    Traceback (most recent call last):
        ...
    powergames.errors.InputError: checkpoint run.npz: belongs to another run (seed differ); choose another file, or the
    same arguments
    """

    def __init__(self, path: str | os.PathLike[str], kind: str, noun: str, about: Mapping[str, Any]) -> None:
        if not isinstance(path, (str, os.PathLike)) or not os.fspath(path):
            raise InputError(f"checkpoint: got {str(path)[:40] or 'an empty name'}; give the name of a file")
        self.path, self.name = Path(path), f"checkpoint {Path(path)}"
        if not self.path.parent.is_dir():
            raise InputError(f"{self.name}: there is no folder {self.path.parent}; make it first")
        if self.path.exists() and not self.path.is_file():
            raise InputError(f"{self.name}: is not a regular file; choose another one")
        self._kind, self._noun = kind, noun
        self._document = json.dumps({"schema": SCHEMA, "kind": kind, **about})

    def array(self) -> np.ndarray:
        """Return the question as the file holds it."""
        return np.array(self._document)

    def check(self, found: np.ndarray | None) -> None:
        """Refuse a file that holds another question, or none.

        Raises
        ------
        InputError
        """
        try:
            document = json.loads(str(found)) if found is not None and found.dtype.kind == "U" else None
        except (RecursionError, ValueError):
            document = None
        if not isinstance(document, dict) or document.get("kind") != self._kind:
            raise InputError(f"{self.name}: holds something else than {self._noun}; choose another file")
        ours = json.loads(self._document)
        differing = sorted(name for name in document | ours if document.get(name) != ours.get(name))
        if differing:
            raise self.another(", ".join(differing)[:200])

    def another(self, differing: str) -> InputError:
        """Return what to raise if the file belongs to another question."""
        noun = self._noun.partition(" ")[2]
        return InputError(
            f"{self.name}: belongs to another {noun} ({differing} differ); choose another file, or the same arguments"
        )

    def damaged(self) -> InputError:
        """Return what to raise if the file cannot be read."""
        noun = self._noun.partition(" ")[2]
        return InputError(f"{self.name}: is damaged; delete it, and the {noun} begins anew")
