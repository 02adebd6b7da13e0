"""Passes over the rows of a stochastic game, one row for each state and joint action.

Rows of state `s` are ``row_starts[s] : row_starts[s + 1]``, its joint actions in C order of its own action counts.
Strategies are padded: ``profile[i, s, a]`` is the probability with which player `i` plays action `a` in state `s`, zero
for actions that the state lacks. Transitions are in CSR form, one row for each row of the game, one column for each
state. Every pass works on one state after the other, in the order in which rows and transitions lie in memory.
"""

from __future__ import annotations

import numpy as np

from powergames.kernels.caching import njit

# Sums may be reordered, as SIMD needs; NaN and infinity keep their meaning.
_kernel = njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz", "arcp"})


@_kernel
def joint_probabilities(n_actions: np.ndarray, row_starts: np.ndarray, profile: np.ndarray) -> np.ndarray:
    """Compute the probability of every joint action in its state.

    Parameters
    ----------
    n_actions : ndarray of int64, shape (S, n)
        Number of actions of each player in each state.
    row_starts : ndarray of int64, shape (S + 1,)
    profile : ndarray of float64, shape (n, S, A)

    Returns
    -------
    ndarray of float64, shape (R,)

    Examples
    --------
    >>> n_actions, row_starts = np.array([[2, 1], [1, 2]]), np.array([0, 2, 4])
    >>> profile = np.array([[[0.3, 0.7], [1.0, 0.0]], [[1.0, 0.0], [0.5, 0.5]]])
    >>> joint_probabilities(n_actions, row_starts, profile)
    array([0.3, 0.7, 0.5, 0.5])
    """
    n_states, n = n_actions.shape
    result = np.empty(row_starts[n_states])
    for s in range(n_states):
        rows = result[row_starts[s] : row_starts[s + 1]]
        rows[0] = 1.0
        size = 1
        for i in range(n):
            count = n_actions[s, i]
            for k in range(size - 1, -1, -1):
                weight = rows[k]
                for a in range(count):
                    rows[k * count + a] = weight * profile[i, s, a]
            size *= count
    return result


@_kernel
def action_values(
    rewards: np.ndarray,
    discounts: np.ndarray,
    indptr: np.ndarray,
    indices: np.ndarray,
    data: np.ndarray,
    values: np.ndarray,
) -> np.ndarray:
    """Compute ``Q[i, row] = rewards[i, row] + discounts[i] Σ_s' P[row, s'] values[i, s']``.

    Parameters
    ----------
    rewards : ndarray of float64, shape (n, R)
    discounts : ndarray of float64, shape (n,)
    indptr, indices, data : ndarray
        The transitions ``P``, in CSR form.
    values : ndarray of float64, shape (n, S)
        The value of each state to each player.

    Returns
    -------
    ndarray of float64, shape (n, R)

    Notes
    -----
    Costs one pass over the transitions for all players together.

    Examples
    --------
    >>> step = np.array([0, 1]), np.array([1]), np.array([1.0])
    >>> action_values(np.array([[3.0]]), np.array([0.5]), *step, np.array([[0.0, 8.0]]))
    array([[7.]])
    """
    n, n_rows = rewards.shape
    result = np.empty((n, n_rows))
    by_state = np.ascontiguousarray(values.T)
    for row in range(n_rows):
        # Two players at a time, whose values lie side by side and whose sums stay in registers; a last one alone twice.
        for first in range(0, n, 2):
            second = min(first + 1, n - 1)
            total, other = 0.0, 0.0
            for k in range(indptr[row], indptr[row + 1]):
                total += data[k] * by_state[indices[k], first]
                other += data[k] * by_state[indices[k], second]
            result[first, row] = rewards[first, row] + discounts[first] * total
            result[second, row] = rewards[second, row] + discounts[second] * other
    return result


@_kernel
def part_of_rows(
    states: np.ndarray,
    row_starts: np.ndarray,
    discounts: np.ndarray,
    indptr: np.ndarray,
    indices: np.ndarray,
    data: np.ndarray,
    rewards: np.ndarray,
    values: np.ndarray,
    ending: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Take the rows of some states, and pay at once what the values of the others are worth.

    Parameters
    ----------
    states : ndarray of int64, shape (T,)
    row_starts : ndarray of int64, shape (S + 1,)
    discounts : ndarray of float64, shape (n,)
    indptr, indices, data : ndarray
        Transitions, in CSR form.
    rewards : ndarray of float64, shape (kinds, n, R)
    values : ndarray of float64, shape (kinds, n, S)
        Those of the states taken matter only where rows end.
    ending : ndarray of bool, shape (R,)
        Rows that pay at once what the values of all states are worth, those taken too.

    Returns
    -------
    indptr, indices, data : ndarray
        The transitions among the states taken, in CSR form, these numbered anew.
    rewards : ndarray of float64, shape (kinds, n, rows taken)

    Examples
    --------
    >>> step = np.array([0, 2]), np.array([0, 1]), np.array([0.5, 0.5])
    >>> values = np.array([[[7.0, 8.0]]])
    >>> game = np.array([0, 1, 1]), np.array([0.5]), *step, np.array([[[3.0]]])
    >>> part_of_rows(np.array([0]), *game, values, np.array([False]))
    (array([0, 1]), array([0]), array([0.5]), array([[[5.]]]))
    >>> part_of_rows(np.array([0]), *game, values, np.array([True]))
    (array([0, 0]), array([], dtype=int64), array([], dtype=float64), array([[[6.75]]]))
    """
    kinds, n, _ = rewards.shape
    inside = np.full(len(row_starts) - 1, -1, indices.dtype)
    n_rows = 0
    for place in range(len(states)):
        inside[states[place]] = place
        n_rows += row_starts[states[place] + 1] - row_starts[states[place]]
    starts = np.zeros(n_rows + 1, indptr.dtype)
    paid = np.empty((kinds, n, n_rows))
    row = 0
    for s in states:
        for old in range(row_starts[s], row_starts[s + 1]):
            starts[row + 1] = starts[row]
            for kind in range(kinds):
                for i in range(n):
                    paid[kind, i, row] = rewards[kind, i, old]
            for k in range(indptr[old], indptr[old + 1]):
                if inside[indices[k]] >= 0 and not ending[old]:
                    starts[row + 1] += 1
                else:
                    for kind in range(kinds):
                        for i in range(n):
                            paid[kind, i, row] += discounts[i] * data[k] * values[kind, i, indices[k]]
            row += 1
    following, chances = np.empty(starts[-1], indices.dtype), np.empty(starts[-1])
    stored = 0
    for s in states:
        for row in range(row_starts[s], row_starts[s + 1]):
            for k in range(indptr[row], indptr[row + 1]):
                if inside[indices[k]] >= 0 and not ending[row]:
                    following[stored], chances[stored] = inside[indices[k]], data[k]
                    stored += 1
    return starts, following, chances, paid


@_kernel
def expected_rewards(weights: np.ndarray, row_starts: np.ndarray, rewards: np.ndarray) -> np.ndarray:
    """Average over the joint actions of each state.

    Parameters
    ----------
    weights : ndarray of float64, shape (R,)
        Probability of each joint action in its state.
    row_starts : ndarray of int64, shape (S + 1,)
    rewards : ndarray of float64, shape (R,)

    Returns
    -------
    ndarray of float64, shape (S,)

    Examples
    --------
    >>> expected_rewards(np.array([0.5, 0.5, 1.0]), np.array([0, 2, 3]), np.array([2.0, 4.0, 7.0]))
    array([3., 7.])
    """
    n_states = len(row_starts) - 1
    result = np.zeros(n_states)
    for s in range(n_states):
        total = 0.0
        for row in range(row_starts[s], row_starts[s + 1]):
            total += weights[row] * rewards[row]
        result[s] = total
    return result


@_kernel
def expected_transitions(
    weights: np.ndarray, row_starts: np.ndarray, indptr: np.ndarray, indices: np.ndarray, data: np.ndarray
) -> np.ndarray:
    """Average transitions over the joint actions of each state, into a dense matrix.

    Parameters
    ----------
    weights : ndarray of float64, shape (R,)
        Probability of each joint action in its state.
    row_starts : ndarray of int64, shape (S + 1,)
    indptr, indices, data : ndarray
        The transitions, in CSR form.

    Returns
    -------
    ndarray of float64, shape (S, S)

    Examples
    --------
    >>> transitions = np.array([0, 1, 2, 3]), np.array([0, 1, 1]), np.array([1.0, 1.0, 1.0])
    >>> expected_transitions(np.array([0.5, 0.5, 1.0]), np.array([0, 2, 3]), *transitions)
    array([[0.5, 0.5],
           [0. , 1. ]])
    """
    n_states = len(row_starts) - 1
    result = np.zeros((n_states, n_states))
    for s in range(n_states):
        for row in range(row_starts[s], row_starts[s + 1]):
            weight = weights[row]
            if weight != 0.0:
                for k in range(indptr[row], indptr[row + 1]):
                    result[s, indices[k]] += weight * data[k]
    return result


@_kernel
def expected_sparse_transitions(
    weights: np.ndarray, row_starts: np.ndarray, indptr: np.ndarray, indices: np.ndarray, data: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Average transitions over the joint actions of each state, into CSR form.

    Parameters
    ----------
    weights : ndarray of float64, shape (R,)
        Probability of each joint action in its state.
    row_starts : ndarray of int64, shape (S + 1,)
    indptr, indices, data : ndarray
        The transitions, in CSR form.

    Returns
    -------
    indptr, indices, data : ndarray
        CSR form of the (S, S) matrix; indices within a row are in the order in which they first occur.

    Examples
    --------
    >>> transitions = np.array([0, 1, 2, 3]), np.array([0, 1, 1]), np.array([1.0, 1.0, 1.0])
    >>> expected_sparse_transitions(np.array([0.5, 0.5, 1.0]), np.array([0, 2, 3]), *transitions)
    (array([0, 2, 3]), array([0, 1, 1]), array([0.5, 0.5, 1. ]))
    """
    n_states = len(row_starts) - 1
    starts = np.zeros(n_states + 1, np.int64)
    # Where a state last appeared as a successor, as a position in the result; older ones lie before the current row.
    place = np.full(n_states, -1, np.int64)
    size = 0
    for s in range(n_states):
        for row in range(row_starts[s], row_starts[s + 1]):
            if weights[row] != 0.0:
                for k in range(indptr[row], indptr[row + 1]):
                    if place[indices[k]] != s:
                        place[indices[k]] = s
                        size += 1
        starts[s + 1] = size
    columns = np.empty(size, indices.dtype)
    entries = np.zeros(size)
    place[:] = -1
    size = 0
    for s in range(n_states):
        for row in range(row_starts[s], row_starts[s + 1]):
            weight = weights[row]
            if weight != 0.0:
                for k in range(indptr[row], indptr[row + 1]):
                    state = indices[k]
                    if place[state] < starts[s]:
                        place[state] = size
                        columns[size] = state
                        size += 1
                    entries[place[state]] += weight * data[k]
    return starts, columns, entries


@_kernel
def takeover_values(
    n_actions: np.ndarray, row_starts: np.ndarray, profile: np.ndarray, values: np.ndarray
) -> np.ndarray:
    """Compute what players expect when one of all players is taken over for one step, in every state.

    Parameters
    ----------
    n_actions : ndarray of int64, shape (S, n)
    row_starts : ndarray of int64, shape (S + 1,)
    profile : ndarray of float64, shape (n, S, A)
    values : ndarray of float64, shape (m, R)
        The value of each joint action to each of the players in question.

    Returns
    -------
    ndarray of float64, shape (S, m, n, A)
        ``[s, i, j, a]``, the expected value to the `i`-th of them in state `s` when `j` plays `a` and all others
        their strategies; infinity for actions that the state lacks.

    Notes
    -----
    Costs m n operations per row, in one pass.

    Examples
    --------
    >>> profile = np.array([[[0.5, 0.5]], [[1.0, 0.0]]])
    >>> values = np.array([[4.0, 0.0, 3.0, 3.0], [4.0, 3.0, 0.0, 3.0]])
    >>> takeover_values(np.array([[2, 2]]), np.array([0, 4]), profile, values)[0, 0]
    array([[4. , 3. ],
           [3.5, 1.5]])
    """
    n_states, n = n_actions.shape
    result = np.full((n_states, len(values), n, profile.shape[2]), np.inf)
    joint = np.empty(n, np.int64)
    others = np.empty(n)
    for s in range(n_states):
        for j in range(n):
            result[s, :, j, : n_actions[s, j]] = 0.0
        joint[:] = 0
        for row in range(row_starts[s], row_starts[s + 1]):
            _products_without_one(profile, s, joint, others)
            for j in range(n):
                if others[j] != 0.0:
                    for i in range(len(values)):
                        result[s, i, j, joint[j]] += others[j] * values[i, row]
            _advance(joint, n_actions[s])
    return result


@_kernel
def taken_over_probabilities(
    n_actions: np.ndarray, row_starts: np.ndarray, profile: np.ndarray, shares: np.ndarray, takeovers: np.ndarray
) -> np.ndarray:
    """Compute the probability of every joint action where now and then a player is taken over.

    Parameters
    ----------
    n_actions : ndarray of int64, shape (S, n)
    row_starts : ndarray of int64, shape (S + 1,)
    profile : ndarray of float64, shape (n, S, A)
    shares : ndarray of float64, shape (S, n)
        Probability with which player `j` is taken over in state `s`; the sum over players is at most one.
    takeovers : ndarray of int64, shape (S, n)
        The action that player `j` then plays.

    Returns
    -------
    ndarray of float64, shape (R,)

    Examples
    --------
    >>> game = np.array([[2, 2]]), np.array([0, 4]), np.array([[[0.5, 0.5]], [[1.0, 0.0]]])
    >>> taken_over_probabilities(*game, np.array([[0.0, 0.2]]), np.array([[0, 1]]))
    array([0.4, 0.1, 0.4, 0.1])
    """
    n_states, n = n_actions.shape
    result = np.empty(row_starts[n_states])
    joint = np.empty(n, np.int64)
    others = np.empty(n)
    for s in range(n_states):
        rest = 1.0
        for j in range(n):
            rest -= shares[s, j]
        # Rounding must not make a probability of zero negative.
        rest = max(rest, 0.0)
        joint[:] = 0
        for row in range(row_starts[s], row_starts[s + 1]):
            total = rest * _products_without_one(profile, s, joint, others)
            for j in range(n):
                if takeovers[s, j] == joint[j]:
                    total += shares[s, j] * others[j]
            result[row] = total
            _advance(joint, n_actions[s])
    return result


@_kernel
def pair_tables(n_actions: np.ndarray, row_starts: np.ndarray, profile: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Compute the pair tables of every state.

    Parameters
    ----------
    n_actions : ndarray of int64, shape (S, n)
    row_starts : ndarray of int64, shape (S + 1,)
    profile : ndarray of float64, shape (n, S, A)
    values : ndarray of float64, shape (n, R)
        The value of each joint action to each player.

    Returns
    -------
    ndarray of float64, shape (S, n, n, A, A)
        ``[s, i, j, a, b]``, the expected value to `i` in state `s` when `i` plays `a`, `j` plays `b` and all others
        their strategies. Zero for ``i == j`` and for actions that the state lacks.

    Notes
    -----
    Costs n³ operations per row, in one pass.

    Examples
    --------
    >>> profile = np.array([[[0.5, 0.5]], [[1.0, 0.0]]])
    >>> values = np.array([[4.0, 0.0, 3.0, 3.0], [4.0, 3.0, 0.0, 3.0]])
    >>> pair_tables(np.array([[2, 2]]), np.array([0, 4]), profile, values)[0, 1, 0]
    array([[4., 0.],
           [3., 3.]])
    """
    n_states, n = n_actions.shape
    most = profile.shape[2]
    result = np.zeros((n_states, n, n, most, most))
    joint = np.empty(n, np.int64)
    for s in range(n_states):
        joint[:] = 0
        for row in range(row_starts[s], row_starts[s + 1]):
            for i in range(n):
                for j in range(i):
                    weight = 1.0
                    for k in range(n):
                        if k not in (i, j):
                            weight *= profile[k, s, joint[k]]
                    if weight != 0.0:
                        result[s, i, j, joint[i], joint[j]] += weight * values[i, row]
                        result[s, j, i, joint[j], joint[i]] += weight * values[j, row]
            _advance(joint, n_actions[s])
    return result


@_kernel
def _products_without_one(profile: np.ndarray, s: int, joint: np.ndarray, others: np.ndarray) -> float:
    """Write for each player the probability with which all others play the joint action; return that of all."""
    n = len(joint)
    product = 1.0
    for j in range(n):
        others[j] = product
        product *= profile[j, s, joint[j]]
    after = 1.0
    for j in range(n - 1, -1, -1):
        others[j] *= after
        after *= profile[j, s, joint[j]]
    return product


@_kernel
def _advance(joint: np.ndarray, n_actions: np.ndarray) -> None:
    """Step to the next joint action in C order."""
    for k in range(len(joint) - 1, -1, -1):
        joint[k] += 1
        if joint[k] < n_actions[k]:
            return
        joint[k] = 0
