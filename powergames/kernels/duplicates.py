"""Actions that do the same, whatever the others do, as another one of the same player."""

from __future__ import annotations

import numpy as np

from powergames.kernels.caching import njit


@njit(cache=True, nogil=True)
def first_alike(
    n_actions: np.ndarray,
    row_starts: np.ndarray,
    indptr: np.ndarray,
    indices: np.ndarray,
    data: np.ndarray,
    rewards: np.ndarray,
) -> np.ndarray:
    """Find the first action of each player and state that pays and leads to the same as each action.

    Parameters
    ----------
    n_actions : ndarray of int64, shape (S, n)
        Number of actions of each player in each state.
    row_starts : ndarray of int64, shape (S + 1,)
        The rows of each state, its joint actions in C order.
    indptr, indices, data : ndarray
        Transitions, in CSR form, one row for each row of the game.
    rewards : ndarray of float64, shape (n, R)

    Returns
    -------
    ndarray of int64, shape (n, S, A)
        ``result[i, s, a]``, at most ``a``; numbers are compared exactly.

    Notes
    -----
    Costs one pass over the transitions for each pair of actions that are alike, and little for others.

    Examples
    --------
    >>> step = np.array([0, 0, 0, 0]), np.array([], dtype=np.int64), np.array([])
    >>> first_alike(np.array([[3]]), np.array([0, 3]), *step, np.array([[1.0, 2.0, 1.0]]))
    array([[[0, 1, 0]]])
    """
    n_states, n = n_actions.shape
    most = 0
    for s in range(n_states):
        for i in range(n):
            most = max(most, n_actions[s, i])
    result = np.zeros((n, n_states, most), np.int64)
    for s in range(n_states):
        stride = row_starts[s + 1] - row_starts[s]
        for i in range(n):
            count = n_actions[s, i]
            stride //= count
            for action in range(count):
                for first in range(action + 1):
                    if first == action or (
                        result[i, s, first] == first
                        and _are_alike(row_starts, indptr, indices, data, rewards, s, stride, count, first, action)
                    ):
                        result[i, s, action] = first
                        break
    return result


@njit(cache=True, nogil=True)
def _are_alike(row_starts, indptr, indices, data, rewards, state, stride, count, first, second):
    """Tell whether two actions of a player, whose actions stand `stride` rows apart, do the same in a state."""
    for row in range(row_starts[state], row_starts[state + 1]):
        if (row - row_starts[state]) // stride % count != first:
            continue
        other = row + (second - first) * stride
        size = indptr[row + 1] - indptr[row]
        if indptr[other + 1] - indptr[other] != size:
            return False
        for i in range(len(rewards)):
            if rewards[i, row] != rewards[i, other]:
                return False
        for k in range(size):
            here, there = indptr[row] + k, indptr[other] + k
            if indices[here] != indices[there] or data[here] != data[there]:
                return False
    return True
