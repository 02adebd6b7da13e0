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
    for s in range(len(rows)):
        kept = _robust(n_actions[s], row_starts[s], takes, weights, worth, rows[s])
        best, most = rows[s], kept
        for row in range(row_starts[s], row_starts[s + 1]):
            value = _robust(n_actions[s], row_starts[s], takes, weights, worth, row)
            if value > most:
                best, most = row, value
        values[s] = most
        if most > kept + slack:
            result[s] = best
    return result, values


@_kernel
def _robust(counts, start, takes, weights, worth, row):
    value, left = 0.0, 1.0
    for b in range(len(takes)):
        value += weights[b] * worth[_worst(counts, start, takes[b], worth, row)]
        left -= weights[b]
    return value + left * worth[row]


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
