"""Sweeps over a deterministic game of a team, on its tables of next states and rewards."""

from __future__ import annotations

import numpy as np
from numba import njit

_kernel = njit(cache=True, nogil=True)


@_kernel
def improve(next_states, rewards, unit, counts, weights, discount, values, rows, slack, write, backward):
    """Look for a better joint action in every state, if adversaries take over players.

    Parameters
    ----------
    next_states : ndarray of int32, shape (S, J)
    rewards : ndarray, shape (S, J)
        What is paid, in units of `unit`.
    unit : float
    counts : ndarray of int64, shape (n,)
        Number of actions of each player; their product is J.
    weights : ndarray of float64, shape (n,)
        Probability with which an adversary takes over each player.
    discount : float
    values : ndarray of float64, shape (S,)
        What states are worth. Overwritten in place, each state's from those before it, if `write`.
    rows : ndarray of int32, shape (S,)
        Joint action in each state; changed only for one that is worth more by `slack`. Written.
    slack : float
    write : bool
    backward : bool
        Whether to go from the last state to the first one.

    Returns
    -------
    least, greatest : float
        Least and greatest of what a state is now worth minus its value before.
    changed : int
        Number of rows that changed.
    """
    n_states, n_rows = next_states.shape
    worth, robust = np.empty(n_rows), np.empty(n_rows)
    left = 1.0 - weights.sum()
    least, greatest, changed = np.inf, -np.inf, 0
    for k in range(n_states):
        s = n_states - 1 - k if backward else k
        for row in range(n_rows):
            worth[row] = unit * rewards[s, row] + discount * values[next_states[s, row]]
            robust[row] = left * worth[row]
        block = n_rows
        for j in range(len(counts)):
            stride = block // counts[j]
            if weights[j] > 0.0:
                for start in range(0, n_rows, block):
                    for first in range(start, start + stride):
                        taken = worth[first]
                        for row in range(first + stride, start + block, stride):
                            if worth[row] < taken:
                                taken = worth[row]
                        taken *= weights[j]
                        for row in range(first, start + block, stride):
                            robust[row] += taken
            block = stride
        best, kept = rows[s], robust[rows[s]]
        most = kept
        for row in range(n_rows):
            if robust[row] > most:
                best, most = row, robust[row]
        gain = most - values[s]
        least, greatest = min(least, gain), max(greatest, gain)
        if write:
            values[s] = most
        if most > kept + slack:
            rows[s] = best
            changed += 1
    return least, greatest, changed


@_kernel
def evaluate(next_states, rewards, unit, counts, weights, discount, values, rows, backward):
    """Move the values towards those of the joint actions `rows`, in place; parameters as in `improve`.

    Returns
    -------
    float
        Greatest change of a value.
    """
    n_states = len(next_states)
    left = 1.0 - weights.sum()
    greatest = 0.0
    for k in range(n_states):
        s = n_states - 1 - k if backward else k
        row = rows[s]
        own = unit * rewards[s, row] + discount * values[next_states[s, row]]
        value, stride = left * own, 1
        for j in range(len(counts) - 1, -1, -1):
            taken, other = own, row - row // stride % counts[j] * stride
            for _ in range(counts[j]):
                if other != row:
                    worth = unit * rewards[s, other] + discount * values[next_states[s, other]]
                    if worth < taken:
                        taken = worth
                other += stride
            value += weights[j] * taken
            stride *= counts[j]
        greatest = max(greatest, abs(value - values[s]))
        values[s] = value
    return greatest


@_kernel
def power_of(next_states, rewards, unit, counts, discount, values, rows):
    """Return what each player can take from all by one action of another kind, shape (S, n); see `improve`.

    ``values`` are those of the joint actions `rows` without takeovers.
    """
    n_states = len(next_states)
    power = np.empty((n_states, len(counts)))
    for s in range(n_states):
        row, stride = rows[s], 1
        for j in range(len(counts) - 1, -1, -1):
            other = row - row // stride % counts[j] * stride
            least = np.inf
            for _ in range(counts[j]):
                least = min(least, unit * rewards[s, other] + discount * values[next_states[s, other]])
                other += stride
            power[s, j] = max(values[s] - least, 0.0)
            stride *= counts[j]
    return power


@_kernel
def along_paths(following, paid, discount):
    """Return the discounted sum of what is paid along the one path that starts in each state.

    Parameters
    ----------
    following : ndarray of int32, shape (S,)
        The state that follows each state.
    paid : ndarray of float64, shape (S,)
        What a state pays.
    discount : float

    Returns
    -------
    ndarray of float64, shape (S,)
    """
    n_states = len(following)
    sums = np.zeros(n_states)
    # 0 not seen, 1 on the path now followed, 2 done.
    marks = np.zeros(n_states, np.int8)
    path = np.empty(n_states, np.int32)
    for start in range(n_states):
        length, s = 0, start
        while marks[s] == 0:
            marks[s] = 1
            path[length] = s
            length += 1
            s = following[s]
        if marks[s] == 1:
            # The path closes a cycle at s: once around it gives the sum at s.
            total, factor, k = 0.0, 1.0, length - 1
            while path[k] != s:
                k -= 1
            for i in range(k, length):
                total += factor * paid[path[i]]
                factor *= discount
            sums[s] = total / (1.0 - factor)
            for i in range(length - 1, k, -1):
                sums[path[i]] = paid[path[i]] + discount * sums[following[path[i]]]
            for i in range(k, length):
                marks[path[i]] = 2
            length = k
        for i in range(length - 1, -1, -1):
            sums[path[i]] = paid[path[i]] + discount * sums[following[path[i]]]
            marks[path[i]] = 2
    return sums
