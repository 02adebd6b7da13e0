"""Payoffs of many games averaged over strategies, all games at once."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np


def averaged(tensors: np.ndarray, strategies: Sequence[np.ndarray], *kept: int) -> np.ndarray:
    """Average tensors over all axes but some.

    Parameters
    ----------
    tensors : ndarray, shape (B, A_0, ..., A_{n-1})
    strategies : sequence of ndarray
        ``strategies[j][b]``, shape (A_j,), are the weights of axis `j` of ``tensors[b]``.
    *kept : int
        The axes that stay, one or two of them.

    Returns
    -------
    ndarray, shape (B, A_i) or (B, A_i, A_j)
        The axes in the order in which they are named.

    Examples
    --------
    >>> averaged(np.array([[[1.0, 2.0], [3.0, 4.0]]]), [np.array([[1.0, 0.0]]), np.array([[0.5, 0.5]])], 0)
    array([[1.5, 3.5]])
    """
    for j in range(len(strategies) - 1, -1, -1):
        if j not in kept:
            shape = tensors.shape
            blocks = tensors.reshape(len(tensors), math.prod(shape[1 : j + 1]), shape[j + 1], math.prod(shape[j + 2 :]))
            tensors = np.einsum("bipj,bp->bij", blocks, strategies[j]).reshape(shape[: j + 1] + shape[j + 2 :])
    return tensors if list(kept) == sorted(kept) else tensors.swapaxes(1, 2)


def products(values: np.ndarray, strategies: np.ndarray) -> np.ndarray:
    """Return the inner product of each row of two matrices, shape (B,).

    Examples
    --------
    >>> products(np.array([[1.0, 2.0]]), np.array([[0.5, 0.5]]))
    array([1.5])
    """
    return np.einsum("bi,bi->b", values, strategies)
