"""Compiled checks of pure profiles over a finite horizon; they share no arithmetic with what finds profiles.

Rows, columns and adversaries are as in `powergames.games.rows` and `powergames.objectives`; what is left open here is
for `powergames.checking.horizon` to decide.
"""

from __future__ import annotations

import numpy as np

from powergames.kernels.caching import njit

_kernel = njit(cache=True, nogil=True)


@_kernel
def _paid(rows, columns, following, row, column):
    """Return what a row pays and leads to, in one column of values."""
    reward = columns.factor[column] * (rows.rewards[columns.reward[column], row] - columns.offset[column])
    return reward + columns.discount[column] * _next(rows.indptr, rows.indices, rows.data, following, row, column)


@_kernel
def _next(indptr, indices, data, following, row, column):
    if data is None:
        return following[indices[row], column]
    mean = 0.0
    for k in range(indptr[row], indptr[row + 1]):
        mean += data[k] * following[indices[k], column]
    return mean


@_kernel
def _linear(rows, columns, following, row, main, task, toll, penalty):
    """Return what a row is worth where nobody is taken over, `main` and `task` being columns."""
    worth = _paid(rows, columns, following, row, main)
    if penalty:
        return worth - toll * _paid(rows, columns, following, row, task)
    return (1.0 - toll) * worth


@_kernel
def check_pure(rows, columns, whose, adversaries, penalty, following, actions, slack, values, gains, open_states):
    """Evaluate the states of a step in which everybody acts surely, and bound what each player could gain.

    Parameters
    ----------
    rows : Rows
    columns : Columns
    whose : tuple of three ndarray of int64, shape (n,)
        Columns of each player's value under the profile, of its task value (or its value again), and of its value
        under the best play from the next step on (or its value again).
    adversaries : AdversaryArrays
    penalty : bool
        Whether there is a charge for power.
    following : ndarray, shape (S, C)
    actions : ndarray of int32, shape (n, S)
        A state with a negative one is left open.
    slack : float
        Differences that are rounding.
    values : ndarray, shape (S, C)
        Written.
    gains : ndarray, shape (S, n)
        Bounds on the gain of each player. Written.
    open_states : ndarray of bool, shape (S,)
        States in which somebody mixes, or no bound is known to be the gain itself. Written.
    """
    value, task, best = whose
    n_states, n = rows.n_actions.shape
    most = np.max(rows.n_actions)
    linear, worst = np.empty(most), np.empty(most)
    for s in range(n_states):
        row, stride = rows.row_starts[s], 1
        open_states[s] = False
        for i in range(n - 1, -1, -1):
            if actions[i, s] < 0:
                open_states[s] = True
            row += stride * actions[i, s]
            stride *= rows.n_actions[s, i]
        if open_states[s]:
            continue
        for i in range(n):
            toll, own_stride = adversaries.tolls[i], 1
            for k in range(i + 1, n):
                own_stride *= rows.n_actions[s, k]
            own_first, count = row - own_stride * actions[i, s], rows.n_actions[s, i]
            # What the profile is worth.
            now = _linear(rows, columns, following, row, value[i], task[i], toll, penalty)
            table = task[i] if penalty else value[i]
            several = 0
            for b in range(len(adversaries.egos)):
                if adversaries.egos[b] == i:
                    several += 1
                    now += adversaries.weights[b] * _worst(rows, columns, following, s, row, actions, adversaries.takes[b], table)
            if penalty:
                values[s, task[i]] = _paid(rows, columns, following, row, task[i])
            values[s, value[i]] = now
            # What the best deviation is worth.
            kept = now
            table = task[i] if penalty else best[i]
            if not penalty:
                kept = _linear(rows, columns, following, row, best[i], task[i], toll, penalty)
                for b in range(len(adversaries.egos)):
                    if adversaries.egos[b] == i:
                        low = _worst(rows, columns, following, s, row, actions, adversaries.takes[b], table)
                        kept += adversaries.weights[b] * low
            for a in range(count):
                own_row = own_first + a * own_stride
                linear[a] = _linear(rows, columns, following, own_row, best[i], task[i], toll, penalty)
            bound = np.inf
            if several == 0:
                bound = np.max(linear[:count])
            elif several == 1:
                for b in range(len(adversaries.egos)):
                    if adversaries.egos[b] == i:
                        bound = _bound_by_one(
                            rows, columns, following, s, row, actions, adversaries.takes[b], adversaries.weights[b],
                            table, own_first, own_stride, linear[:count], kept, slack,
                        )
            else:
                for even in range(2):
                    for a in range(count):
                        worst[a] = linear[a]
                    for b in range(len(adversaries.egos)):
                        if adversaries.egos[b] == i:
                            _add_worst(
                                rows, columns, following, s, row, actions, adversaries.takes[b],
                                adversaries.weights[b], table, own_first, own_stride, even == 1, slack, worst[:count],
                            )
                    bound = min(bound, np.max(worst[:count]))
                    if bound <= kept + slack:
                        break
                if bound > kept + slack:
                    bound = np.inf
            if bound == np.inf:
                open_states[s] = True
                break
            gains[s, i] = max(bound - now, 0.0)
            if not penalty:
                values[s, best[i]] = max(bound, kept)


@_kernel
def _shift(rows, s, actions, j, z):
    """Return how many rows on the joint action stands in which a player acts otherwise."""
    stride = 1
    for k in range(j + 1, len(actions)):
        stride *= rows.n_actions[s, k]
    return (z - actions[j, s]) * stride


@_kernel
def _worst(rows, columns, following, s, row, actions, takes, column):
    """Return the least that an adversary can turn a row into."""
    low = np.inf
    for j in range(len(takes)):
        if takes[j]:
            for z in range(rows.n_actions[s, j]):
                low = min(low, _paid(rows, columns, following, row + _shift(rows, s, actions, j, z), column))
    return low


@_kernel
def _bound_by_one(
    rows, columns, following, s, row, actions, takes, weight, column, first, stride, linear, kept, slack
):
    """Bound a player's value by each of the worst cases of its one adversary, or by a saddle point; infinite if neither
    proves anything."""
    low = _worst(rows, columns, following, s, row, actions, takes, column)
    best = np.inf
    for j in range(len(takes)):
        if not takes[j]:
            continue
        for z in range(rows.n_actions[s, j]):
            shift = _shift(rows, s, actions, j, z)
            if _paid(rows, columns, following, row + shift, column) <= low + slack:
                bound = -np.inf
                for a in range(len(linear)):
                    reached = _paid(rows, columns, following, first + a * stride + shift, column)
                    bound = max(bound, linear[a] + weight * reached)
                best = min(best, bound)
                if best <= kept + slack:
                    return best
    attained = -np.inf
    for a in range(len(linear)):
        low = np.inf
        for j in range(len(takes)):
            if takes[j]:
                for z in range(rows.n_actions[s, j]):
                    own_row = first + a * stride + _shift(rows, s, actions, j, z)
                    low = min(low, _paid(rows, columns, following, own_row, column))
        attained = max(attained, linear[a] + weight * low)
    for j in range(len(takes)):
        if not takes[j]:
            continue
        for z in range(rows.n_actions[s, j]):
            shift = _shift(rows, s, actions, j, z)
            bound = -np.inf
            for a in range(len(linear)):
                reached = _paid(rows, columns, following, first + a * stride + shift, column)
                bound = max(bound, linear[a] + weight * reached)
            best = min(best, bound)
    return best if best <= attained + slack else np.inf


@_kernel
def _add_worst(
    rows, columns, following, s, row, actions, takes, weight, column, first, stride, even, slack, worst
):
    """Add what each action is worth against the first worst case of an adversary, or an even mixture of all."""
    low = _worst(rows, columns, following, s, row, actions, takes, column)
    ties = 0
    for j in range(len(takes)):
        if takes[j]:
            for z in range(rows.n_actions[s, j]):
                if _paid(rows, columns, following, row + _shift(rows, s, actions, j, z), column) <= low + slack:
                    ties += 1
    share = weight / ties if even else weight
    for j in range(len(takes)):
        if takes[j]:
            for z in range(rows.n_actions[s, j]):
                shift = _shift(rows, s, actions, j, z)
                if _paid(rows, columns, following, row + shift, column) <= low + slack:
                    for a in range(len(worst)):
                        worst[a] += share * _paid(rows, columns, following, first + a * stride + shift, column)
                    if not even:
                        return


@_kernel
def different_rows(rows):
    """Return, for a game without chance, the rows that pay or lead elsewhere than earlier ones of their state.

    Returns
    -------
    chosen : ndarray of int64
    starts : ndarray of int64, shape (S + 1,)
        Where those of each state begin.
    """
    n_states = len(rows.n_actions)
    chosen, starts, found = np.empty(rows.row_starts[-1], np.int64), np.zeros(n_states + 1, np.int64), 0
    for s in range(n_states):
        for row in range(rows.row_starts[s], rows.row_starts[s + 1]):
            new = True
            for k in range(starts[s], found):
                other = chosen[k]
                if rows.indices[other] == rows.indices[row]:
                    same = True
                    for p in range(len(rows.rewards)):
                        same = same and rows.rewards[p, other] == rows.rewards[p, row]
                    if same:
                        new = False
                        break
            if new:
                chosen[found] = row
                found += 1
        starts[s + 1] = found
    return chosen[:found].copy(), starts


@_kernel
def extremes(rows, columns, chosen, starts, following, values):
    """Set the least and the greatest that everybody together can reach, columns in turn for each player.

    ``following[s, 2k]`` is the least value of column `k` from the next step on, ``following[s, 2k + 1]`` the greatest.
    """
    for s in range(len(starts) - 1):
        for column in range(values.shape[1]):
            values[s, column] = np.inf if column % 2 == 0 else -np.inf
        for k in range(starts[s], starts[s + 1]):
            for column in range(values.shape[1]):
                worth = _paid(rows, columns, following, chosen[k], column)
                if column % 2 == 0:
                    values[s, column] = min(values[s, column], worth)
                else:
                    values[s, column] = max(values[s, column], worth)
