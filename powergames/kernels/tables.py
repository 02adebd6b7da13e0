"""Sweeps over a deterministic game of a team, on its tables of next states and rewards."""

from __future__ import annotations

import numpy as np

from powergames.kernels.caching import njit

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
    counts : tuple of two int
        Number of actions of each player; their product is J.
    weights : tuple of two float
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
    """
    n_states, n_rows = next_states.shape
    worth, worst_0, worst_1 = np.empty(n_rows), np.empty(counts[1]), np.empty(counts[0])
    left = 1.0 - weights[0] - weights[1]
    least, greatest = np.inf, -np.inf
    for k in range(n_states):
        s = n_states - 1 - k if backward else k
        for row in range(n_rows):
            # An unsigned index needs no check for negative ones.
            worth[row] = unit * rewards[s, row] + discount * values[np.uint32(next_states[s, row])]
        worst_0[:] = np.inf
        for a in range(counts[0]):
            lowest = np.inf
            for b in range(counts[1]):
                value = worth[counts[1] * a + b]
                lowest = lowest if lowest < value else value
                worst_0[b] = worst_0[b] if worst_0[b] < value else value
            worst_1[a] = lowest
        best = rows[s]
        kept = left * worth[best] + weights[0] * worst_0[best % counts[1]] + weights[1] * worst_1[best // counts[1]]
        most = kept
        for a in range(counts[0]):
            for b in range(counts[1]):
                value = left * worth[counts[1] * a + b] + weights[0] * worst_0[b] + weights[1] * worst_1[a]
                if value > most:
                    best, most = counts[1] * a + b, value
        gain = most - values[s]
        least, greatest = min(least, gain), max(greatest, gain)
        if write:
            values[s] = most
        if most > kept + slack:
            rows[s] = best
    return least, greatest


@_kernel
def evaluate(next_states, rewards, unit, counts, weights, discount, values, rows, backward):
    """Move the values towards those of the joint actions `rows`, in place; parameters as in `improve`.

    Returns
    -------
    float
        Greatest change of a value.
    """
    n_states = len(next_states)
    left = 1.0 - weights[0] - weights[1]
    greatest = 0.0
    for k in range(n_states):
        s = n_states - 1 - k if backward else k
        row = rows[s]
        worst_0, worst_1 = _worst(next_states, rewards, unit, counts, discount, values, s, row)
        worth = unit * rewards[s, row] + discount * values[np.uint32(next_states[s, row])]
        value = left * worth + weights[0] * worst_0 + weights[1] * worst_1
        greatest = max(greatest, abs(value - values[s]))
        values[s] = value
    return greatest


@_kernel
def power_of(next_states, rewards, unit, counts, discount, values, rows):
    """Return what each player can take from all by one action, shape (S, 2); see `improve`.

    ``values`` are those of the joint actions `rows` without takeovers.
    """
    power = np.empty((len(next_states), 2))
    for s in range(len(next_states)):
        worst_0, worst_1 = _worst(next_states, rewards, unit, counts, discount, values, s, rows[s])
        power[s, 0] = max(values[s] - worst_0, 0.0)
        power[s, 1] = max(values[s] - worst_1, 0.0)
    return power


@_kernel
def _worst(next_states, rewards, unit, counts, discount, values, s, row):
    """Return the least worth of a state if the first player, or the second one, acts against a joint action."""
    a, b = row // counts[1], row % counts[1]
    worst_0, worst_1 = np.inf, np.inf
    for other in range(b, counts[0] * counts[1], counts[1]):
        worth = unit * rewards[s, other] + discount * values[np.uint32(next_states[s, other])]
        worst_0 = worst_0 if worst_0 < worth else worth
    for other in range(counts[1] * a, counts[1] * a + counts[1]):
        worth = unit * rewards[s, other] + discount * values[np.uint32(next_states[s, other])]
        worst_1 = worst_1 if worst_1 < worth else worth
    return worst_0, worst_1


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
