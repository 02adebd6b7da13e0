"""Joint actions of a team that one adversary at a time may take a member from."""

from __future__ import annotations

import numpy as np
from numba import njit

_kernel = njit(cache=True, nogil=True)


@_kernel
def takeovers(n_actions, row_starts, takes, worth, rows):
    """Return the worst row that each adversary can turn the row of each state into.

    Parameters
    ----------
    n_actions : ndarray of int64, shape (S, n)
    row_starts : ndarray of int64, shape (S + 1,)
    takes : ndarray of bool, shape (B, n)
        Adversary `b` replaces the action of one player `j` for whom ``takes[b, j]``.
    worth : ndarray of float64, shape (R,)
    rows : ndarray of int64, shape (S,)

    Returns
    -------
    ndarray of int64, shape (B, S)
    """
    result = np.empty((len(takes), len(rows)), np.int64)
    for s in range(len(rows)):
        for b in range(len(takes)):
            result[b, s] = _worst(n_actions[s], row_starts[s], takes[b], worth, rows[s])
    return result


@_kernel
def improved_rows(n_actions, row_starts, takes, weights, worth, rows, slack):
    """Return the best row of each state if adversaries take over, and what it is worth.

    ``weights[b]`` is the probability with which adversary `b` takes over. A row is changed only for one that is worth
    more by `slack`; of equals the first one counts.

    Returns
    -------
    rows : ndarray of int64, shape (S,)
    values : ndarray of float64, shape (S,)
    """
    result, values = rows.copy(), np.empty(len(rows))
    most_rows = np.max(row_starts[1:] - row_starts[:-1])
    least, robust = np.empty(most_rows), np.empty(most_rows)
    for s in range(len(rows)):
        start = row_starts[s]
        count = row_starts[s + 1] - start
        robust[:count] = (1.0 - np.sum(weights)) * worth[start : start + count]
        for b in range(len(takes)):
            _worst_of_all(n_actions[s], takes[b], worth[start : start + count], least)
            for row in range(count):
                robust[row] += weights[b] * least[row]
        kept = rows[s] - start
        best = kept
        for row in range(count):
            if robust[row] > robust[best]:
                best = row
        values[s] = robust[best]
        if robust[best] > robust[kept] + slack:
            result[s] = start + best
    return result, values


@_kernel
def _worst_of_all(counts, takes, worth, least):
    """Set, for each row of a state, the least worth of the rows that an adversary can turn it into."""
    least[: len(worth)] = worth
    stride = 1
    for j in range(len(counts) - 1, -1, -1):
        if takes[j]:
            block = stride * counts[j]
            for first in range(0, len(worth), block):
                for offset in range(first, first + stride):
                    low = worth[offset]
                    for row in range(offset + stride, offset + block, stride):
                        low = min(low, worth[row])
                    for row in range(offset, offset + block, stride):
                        least[row] = min(least[row], low)
        stride *= counts[j]


@_kernel
def _worst(counts, start, takes, worth, row):
    """Return the worst row that differs from a row in one player's action at most; the row itself if none is worse."""
    worst, stride = row, 1
    for j in range(len(counts) - 1, -1, -1):
        if takes[j]:
            first = row - (row - start) // stride % counts[j] * stride
            for a in range(counts[j]):
                if worth[first + a * stride] < worth[worst]:
                    worst = first + a * stride
        stride *= counts[j]
    return worst
