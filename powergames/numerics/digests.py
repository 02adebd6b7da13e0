"""Digests of arrays: a short text that tells whether two of them hold the same numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np


def digest(arrays: Iterable[np.ndarray]) -> str:
    """Return a digest of the shapes, types and numbers of arrays.

    Examples
    --------
    >>> digest([np.zeros(2)]) == digest([np.zeros(2)]), digest([np.zeros(2)]) == digest([np.zeros((1, 2))])
    (True, False)
    """
    found = hashlib.sha256()
    for array in arrays:
        found.update(f"{array.shape} {array.dtype.str}".encode())
        found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()
