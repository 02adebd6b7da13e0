"""Joint actions of a team that one adversary at a time may take a member from."""

from __future__ import annotations

import numpy as np

from powergames.kernels.caching import njit

_kernel = njit(cache=True, nogil=True)


@_kernel
def take_over(n_actions, row_starts, takes, game, values, rows, taken, slack):
    """Let every adversary turn the row of each state into the worst one that it can.

    Parameters
    ----------
    n_actions : ndarray of int64, shape (S, n)
    row_starts : ndarray of int64, shape (S + 1,)
    takes : ndarray of bool, shape (B, n)
        Adversary `b` replaces the action of one player `j` for whom ``takes[b, j]``.
    game : tuple
        The discount, what each row pays, shape (R,), and the transitions in CSR form (indptr, indices, data).
    values : ndarray of float64, shape (S,)
        What states are worth.
    rows : ndarray of int64, shape (S,)
    taken : ndarray of int64, shape (B, S)
        What the rows are turned into; changed, in place, only for what is worth less by `slack`.
    slack : float

    Returns
    -------
    int
        How many changed.
    """
    changed = 0
    for b in range(len(takes)):
        for s in range(len(rows)):
            worst, least = _worst(n_actions[s], row_starts[s], takes[b], game, values, rows[s])
            if least < _worth(game, values, taken[b, s]) - slack:
                taken[b, s] = worst
                changed += 1
    return changed


@_kernel
def improve(n_actions, row_starts, takes, weights, game, values, rows, slack, backward):
    """Look for a better row in every state if adversaries take over; other parameters as in `take_over`.

    Parameters
    ----------
    weights : ndarray of float64, shape (B,)
        Probability with which each adversary takes over.
    values : ndarray of float64, shape (S,)
        Overwritten in place, each state's from those before it.
    rows : ndarray of int64, shape (S,)
        Changed, in place, only for one that is worth more by `slack`; of equals the first one counts.
    slack : float
    backward : bool
        Whether to go from the last state to the first one.

    Returns
    -------
    changed : int
        States in which the row changed.
    greatest : float
        Greatest change of a value.
    """
    most_rows = np.max(row_starts[1:] - row_starts[:-1])
    worth, least, robust = np.empty(most_rows), np.empty(most_rows), np.empty(most_rows)
    left = 1.0 - np.sum(weights)
    changed, greatest = 0, 0.0
    for k in range(len(rows)):
        s = len(rows) - 1 - k if backward else k
        start = row_starts[s]
        count = row_starts[s + 1] - start
        for row in range(count):
            worth[row] = _worth(game, values, start + row)
        for row in range(count):
            robust[row] = left * worth[row]
        for b in range(len(takes)):
            _worst_of_all(n_actions[s], takes[b], worth[:count], least)
            for row in range(count):
                robust[row] += weights[b] * least[row]
        kept = rows[s] - start
        best = kept
        for row in range(count):
            if robust[row] > robust[best]:
                best = row
        greatest = max(greatest, abs(robust[best] - values[s]))
        values[s] = robust[best]
        if robust[best] > robust[kept] + slack:
            rows[s] = start + best
            changed += 1
    return changed, greatest


@_kernel
def evaluate(n_actions, row_starts, takes, weights, game, values, rows, backward):
    """Move the values, in place, towards those of the rows; parameters as in `improve`.

    Returns
    -------
    float
        Greatest change of a value.
    """
    left = 1.0 - np.sum(weights)
    greatest = 0.0
    for k in range(len(rows)):
        s = len(rows) - 1 - k if backward else k
        value = left * _worth(game, values, rows[s])
        for b in range(len(takes)):
            value += weights[b] * _worst(n_actions[s], row_starts[s], takes[b], game, values, rows[s])[1]
        greatest = max(greatest, abs(value - values[s]))
        values[s] = value
    return greatest


@_kernel
def _worth(game, values, row):
    """Return what a row is worth."""
    discount, rewards, indptr, indices, data = game
    following = 0.0
    for entry in range(indptr[row], indptr[row + 1]):
        following += data[entry] * values[indices[entry]]
    return rewards[row] + discount * following


@_kernel
def _worst_of_all(counts, takes, worth, least):
    """Set, for each row of a state, the least worth of the rows that an adversary can turn it into."""
    for row in range(len(worth)):
        least[row] = worth[row]
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
def _worst(counts, start, takes, game, values, row):
    """Return the worst row that differs from a row in one player's action at most, and what it is worth.

    It is the row itself if none is worse.
    """
    worst, least, stride = row, _worth(game, values, row), 1
    for j in range(len(counts) - 1, -1, -1):
        if takes[j]:
            first = row - (row - start) // stride % counts[j] * stride
            for a in range(counts[j]):
                value = _worth(game, values, first + a * stride)
                if value < least:
                    worst, least = first + a * stride, value
        stride *= counts[j]
    return worst, least
