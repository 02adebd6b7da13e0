"""Bounds on what states are worth at equilibria of a stochastic game, and joint actions that no equilibrium plays.

``low[k, i, s]`` and ``high[k, i, s]`` bound the value of kind `k` of state `s` to player `i`: the regularized one first
and the task value last, which are one and the same if there is one kind. If row `r` is played, it is worth to `i`

    Q_0(r) - Σ_b c_b (Q_last(r) - min_z Q_last(r; z)),

where ``Q_k`` is the reward of kind `k` with the discounted value of that kind that follows, and adversary `b` of the
player, of weight `c_b`, replaces the action of one whom it can take over: that is `z`.

All comparisons of rows bound the difference as a whole, a linear function of the values: its extremes are attained at
the bounds of each value.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from powergames.kernels.caching import njit

_kernel = njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz", "arcp"})


class Rows(NamedTuple):
    """A game with its adversaries, as `StochasticProblem` holds them, and the states that may lead to each state.

    Those of state `s` are ``sources[source_starts[s]:source_starts[s + 1]]``.
    """

    n_actions: np.ndarray
    row_starts: np.ndarray
    discounts: np.ndarray
    indptr: np.ndarray
    indices: np.ndarray
    data: np.ndarray
    rewards: np.ndarray
    egos: np.ndarray
    takes: np.ndarray
    weights: np.ndarray
    tolls: np.ndarray
    source_starts: np.ndarray
    sources: np.ndarray


@_kernel
def eliminate(rows, slack, mixed, closer, alive, low, high, waiting, order, most):
    """Tighten bounds and eliminate rows until neither goes on; changes `alive`, `low`, `high` and `waiting`.

    Parameters
    ----------
    rows : Rows
    slack : ndarray, shape (n,)
        What counts as rounding.
    mixed : bool
        Whether strategies may be mixed; then an action is eliminated with all rows that hold it.
    closer : float
        How much closer a bound must be than before, as a share of ``1 - γ`` and of what lies between the bounds, for
        the states before it to be looked at again.
    alive : ndarray of bool, shape (R,)
        The rows that are left.
    low, high : ndarray, shape (kinds, n, S)
    waiting : ndarray of bool, shape (S,)
        The states to look at.
    order : ndarray of int64, shape (S,)
        The order in which to look at them.
    most : float
        The work, in entries of transitions read, after which this ends in any case.

    Returns
    -------
    possible : bool
        False if a state has no row left.
    work : float
    """
    n_states, n = rows.n_actions.shape
    kinds = len(rows.rewards)
    function = np.zeros((kinds, n_states)), np.zeros(n_states, np.bool_), np.empty(n_states, np.int64)
    bounds = low, high
    own, strides = np.empty(n, np.int64), np.ones(n, np.int64)
    row_low, row_high = np.empty((kinds, n)), np.empty((kinds, n))
    new_low, new_high = np.empty((kinds, n)), np.empty((kinds, n))
    work, going = 0.0, True
    while going and work < most:
        going = False
        for s in order:
            if not waiting[s]:
                continue
            going, waiting[s] = True, False
            counts, first = rows.n_actions[s], rows.row_starts[s]
            for i in range(n - 2, -1, -1):
                strides[i] = strides[i + 1] * counts[i + 1]
            at = counts, strides, own
            lost = False
            if mixed:
                for i in range(n):
                    found, more = _drop_actions(i, s, at, rows, slack[i], alive, bounds, function)
                    lost |= found
                    work += more
            new_low[:] = np.inf
            new_high[:] = -np.inf
            for row in range(first, rows.row_starts[s + 1]):
                if not alive[row]:
                    continue
                for i in range(n):
                    own[i] = (row - first) // strides[i] % counts[i]
                for i in range(n):
                    work += _bound_row(i, row, at, rows, mixed, bounds, function, row_low, row_high)
                    if mixed:
                        continue
                    beaten = False
                    for action in range(counts[i]):
                        if action != own[i] and not beaten:
                            other = row + (action - own[i]) * strides[i]
                            gain, value, more = _least_gain(i, row, other, at, rows, slack[i], False, bounds, function)
                            row_low[0, i] = max(row_low[0, i], value)
                            beaten = gain > slack[i]
                            work += more
                    if beaten or max(row_low[0, i], low[0, i, s]) > min(row_high[0, i], high[0, i, s]) + slack[i]:
                        alive[row] = False
                        break
                if not alive[row]:
                    lost = True
                    continue
                for k in range(kinds):
                    for i in range(n):
                        new_low[k, i] = min(new_low[k, i], row_low[k, i])
                        new_high[k, i] = max(new_high[k, i], row_high[k, i])
            if new_low[0, 0] == np.inf:
                return False, work
            moved = False
            for k in range(kinds):
                for i in range(n):
                    least = max(slack[i], closer * (1.0 - rows.discounts[i]) * (high[k, i, s] - low[k, i, s]))
                    moved |= new_low[k, i] > low[k, i, s] + least or new_high[k, i] < high[k, i, s] - least
                    low[k, i, s] = max(low[k, i, s], new_low[k, i])
                    high[k, i, s] = min(high[k, i, s], new_high[k, i])
                    if low[k, i, s] > high[k, i, s] + slack[i]:
                        return False, work
            waiting[s] = lost
            if moved or lost:
                for e in range(rows.source_starts[s], rows.source_starts[s + 1]):
                    waiting[rows.sources[e]] = True
    return True, work


@_kernel
def _add(row, kind, i, weight, rows, function, count, constant):
    """Add a weight times what a row is worth to a linear function of the values; return its size and its constant."""
    coefficients, touched, listed = function
    for e in range(rows.indptr[row], rows.indptr[row + 1]):
        t = rows.indices[e]
        if not touched[t]:
            touched[t] = True
            listed[count] = t
            count += 1
        coefficients[kind, t] += weight * rows.discounts[i] * rows.data[e]
    return count, constant + weight * rows.rewards[kind, i, row]


@_kernel
def _extremes(i, bounds, function, count, constant):
    """Return the least and the greatest value of the linear function, and clear it."""
    coefficients, touched, listed = function
    low, high = bounds
    least = most = constant
    for k in range(count):
        t = listed[k]
        touched[t] = False
        for kind in range(len(coefficients)):
            c = coefficients[kind, t]
            coefficients[kind, t] = 0.0
            least += c * (low[kind, i, t] if c > 0.0 else high[kind, i, t])
            most += c * (high[kind, i, t] if c > 0.0 else low[kind, i, t])
    return least, most


@_kernel
def _worth(row, kind, i, rows, bounds, function):
    """Bound what a row is worth where nobody is taken over."""
    count, constant = _add(row, kind, i, 1.0, rows, function, 0, 0.0)
    return _extremes(i, bounds, function, count, constant)


@_kernel
def _difference(one, other, kind, i, rows, bounds, function):
    """Bound by how much more one row is worth than another one, where nobody is taken over."""
    count, constant = _add(one, kind, i, 1.0, rows, function, 0, 0.0)
    count, constant = _add(other, kind, i, -1.0, rows, function, count, constant)
    return _extremes(i, bounds, function, count, constant)


@_kernel
def _bound_row(i, row, at, rows, mixed, bounds, function, row_low, row_high):
    """Bound the values of a row to a player if it is played, or as a part of a mixture; return the work.

    In a mixture, what adversaries take from the player is at most the average of what they would take from each row.
    """
    counts, strides, own = at
    kinds = len(rows.rewards)
    for kind in range(kinds):
        row_low[kind, i], row_high[kind, i] = _worth(row, kind, i, rows, bounds, function)
    entries = rows.indptr[row + 1] - rows.indptr[row]
    work = kinds * (1.0 + entries)
    if rows.tolls[i] == 0.0:
        return work
    task_low, task_high = row_low[kinds - 1, i], row_high[kinds - 1, i]
    if kinds == 1:
        row_low[0, i] *= 1.0 - rows.tolls[i]
        row_high[0, i] *= 1.0 - rows.tolls[i]
    for b in range(len(rows.egos)):
        if rows.egos[b] != i:
            continue
        charge, least_drop, most_drop, least, most = 0.0, 0.0, 0.0, task_low, task_high
        for j in range(len(counts)):
            if rows.takes[b, j]:
                charge = rows.weights[i, j]
                for z in range(counts[j]):
                    taken = row + (z - own[j]) * strides[j]
                    lowest, highest = _worth(taken, kinds - 1, i, rows, bounds, function)
                    least, most = min(least, lowest), min(most, highest)
                    lowest, highest = _difference(row, taken, kinds - 1, i, rows, bounds, function)
                    least_drop, most_drop = max(least_drop, lowest), max(most_drop, highest)
                    work += 3.0 * entries
        if mixed:
            least_drop, most = 0.0, task_high
        # With one kind of value, what is left grows with the values, and bounds are attained.
        row_low[0, i] += charge * (least if kinds == 1 else -most_drop)
        row_high[0, i] += charge * (most if kinds == 1 else -least_drop)
    return work


@_kernel
def _least_gain(i, row, other, at, rows, slack, mixed, bounds, function):
    """Bound from below what a player gains by moving from a row to another one, and what that one is worth.

    The gain is the rate at which the player gains at first, while adversaries take over as is worst at the row: in any
    way that may be worst there, or, if strategies may be mixed, in any way at all.

    Returns
    -------
    gain, value, work : float
    """
    counts, strides, own = at
    last = len(rows.rewards) - 1
    entries = rows.indptr[row + 1] - rows.indptr[row]
    value = task = _worth(other, 0, i, rows, bounds, function)[0]
    if rows.tolls[i] == 0.0:
        return _difference(other, row, 0, i, rows, bounds, function)[0], value, 3.0 * entries
    owned = 0
    for b in range(len(rows.egos)):
        owned += rows.egos[b] == i
    # With a single adversary all is one linear function.
    gain, work = 0.0, 3.0 * entries
    if last == 0:
        value *= 1.0 - rows.tolls[i]
    if owned > 1:
        count, constant = _add_task(i, row, other, rows, function)
        gain = _extremes(i, bounds, function, count, constant)[0]
    for b in range(len(rows.egos)):
        if rows.egos[b] != i:
            continue
        charge, least, drop, worst = 0.0, np.inf, 0.0, task
        for j in range(len(counts)):
            if not rows.takes[b, j]:
                continue
            charge = rows.weights[i, j]
            for z in range(counts[j]):
                step = (z - own[j]) * strides[j]
                if last == 0:
                    worst = min(worst, _worth(other + step, 0, i, rows, bounds, function)[0])
                else:
                    drop = max(drop, _difference(other, other + step, last, i, rows, bounds, function)[1])
                work += 2.0 * entries
                if not mixed and _never_worst(i, b, row, row + step, at, rows, slack, bounds, function):
                    continue
                count, constant = _add_task(i, row, other, rows, function) if owned == 1 else (0, 0.0)
                count, constant = _add(other + step, last, i, charge, rows, function, count, constant)
                count, constant = _add(row + step, last, i, -charge, rows, function, count, constant)
                least = min(least, _extremes(i, bounds, function, count, constant)[0])
                work += 6.0 * entries
        gain += least
        value += charge * (worst if last == 0 else -drop)
    return gain, value, work


@_kernel
def _add_task(i, row, other, rows, function):
    """Begin a linear function with the difference of what two rows are paid where nobody is taken over."""
    last = len(rows.rewards) - 1
    count, constant = _add(other, 0, i, 1.0, rows, function, 0, 0.0)
    count, constant = _add(row, 0, i, -1.0, rows, function, count, constant)
    count, constant = _add(other, last, i, -rows.tolls[i], rows, function, count, constant)
    return _add(row, last, i, rows.tolls[i], rows, function, count, constant)


@_kernel
def _never_worst(i, b, row, taken, at, rows, slack, bounds, function):
    """Whether another takeover by an adversary is surely worse for the player than the one that leads to a row."""
    counts, strides, own = at
    for j in range(len(counts)):
        if rows.takes[b, j]:
            for z in range(counts[j]):
                other = row + (z - own[j]) * strides[j]
                if _difference(other, taken, len(rows.rewards) - 1, i, rows, bounds, function)[1] < -slack:
                    return True
    return False


@_kernel
def _drop_actions(i, s, at, rows, slack, alive, bounds, function):
    """Eliminate the rows with actions that another one surely beats; return whether there are any, and the work."""
    counts, strides, own = at
    first, end = rows.row_starts[s], rows.row_starts[s + 1]
    lost, work = False, 0.0
    for action in range(counts[i]):
        for better in range(counts[i]):
            if better == action:
                continue
            used, beaten = False, True
            for row in range(first, end):
                if beaten and alive[row] and (row - first) // strides[i] % counts[i] == action:
                    used = True
                    for j in range(len(counts)):
                        own[j] = (row - first) // strides[j] % counts[j]
                    other = row + (better - action) * strides[i]
                    gain, _, more = _least_gain(i, row, other, at, rows, slack, True, bounds, function)
                    beaten = gain > slack
                    work += more
            if used and beaten:
                lost = True
                for row in range(first, end):
                    if (row - first) // strides[i] % counts[i] == action:
                        alive[row] = False
                break
    return lost, work
