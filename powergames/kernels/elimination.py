"""Bounds on what states are worth at equilibria of a stochastic game, and joint actions that no equilibrium plays.

``low[-1, i, s]`` and ``high[-1, i, s]`` bound what state `s` is worth to player `i`. Without a penalty that is the
regularized value: if row `r` is played, it is worth

    Q(r) - Σ_b c_b (Q(r) - min_z Q(r; z)),

where ``Q`` is the reward with the discounted value that follows, and adversary `b` of the player, of weight `c_b`,
replaces the action of one whom it can take over: that is `z`. With a penalty it is the task value, ``Q(r)``, and
``low[0]`` and ``high[0]`` bound what will be charged, the sum over `b` here and the discounted charge that follows.

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

    If there are two kinds of values, ``rewards[0]`` is zero: nothing is charged but by the adversaries.
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
    size = np.max(rows.row_starts[1:] - rows.row_starts[:-1])
    each = np.empty((kinds, n, size)), np.empty((kinds, n, size))
    new_low, new_high = np.empty((kinds, n)), np.empty((kinds, n))
    work, going = 0.0, True
    while going and work < most:
        going, looked = False, 0
        for s in order:
            if not waiting[s]:
                continue
            going, waiting[s] = True, False
            looked += 1
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
            work += _bound_state(s, at, rows, mixed, alive, bounds, function, each, new_low, new_high)
            if not mixed:
                for row in range(first, rows.row_starts[s + 1]):
                    if alive[row]:
                        for i in range(n):
                            own[i] = (row - first) // strides[i] % counts[i]
                        for i in range(n):
                            beaten, more = _misses(i, s, row, at, rows, slack[i], bounds, function, each)
                            work += more
                            if beaten:
                                alive[row], lost = False, True
                                break
                if lost:
                    work += _bound_state(s, at, rows, mixed, alive, bounds, function, each, new_low, new_high)
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
        if 2 * looked > n_states:
            work += _shift(rows, slack, mixed, closer, alive, low, high, waiting, function, each, own, strides)
    return True, work


@_kernel
def _shift(rows, slack, mixed, closer, alive, low, high, waiting, function, each, own, strides):
    """Move the bounds on all states together; return the work.

    If what states are worth by their upper bounds is less than these by δ or more, then so much less that this
    repeats, each time by a share γ: together by δ / (1 - γ). That holds for lower bounds too.
    """
    n_states, n = rows.n_actions.shape
    kinds = len(rows.rewards)
    by_low, by_high = np.full((kinds, n), np.inf), np.full((kinds, n), np.inf)
    new_low, new_high = np.empty((kinds, n)), np.empty((kinds, n))
    work = 0.0
    for s in range(n_states):
        counts = rows.n_actions[s]
        for i in range(n - 2, -1, -1):
            strides[i] = strides[i + 1] * counts[i + 1]
        at = counts, strides, own
        work += _bound_state(s, at, rows, mixed, alive, (low, high), function, each, new_low, new_high)
        for k in range(kinds):
            for i in range(n):
                by_low[k, i] = min(by_low[k, i], new_low[k, i] - low[k, i, s])
                by_high[k, i] = min(by_high[k, i], high[k, i, s] - new_high[k, i])
    for k in range(kinds):
        for i in range(n):
            left = 1.0 - rows.discounts[i]
            moved = False
            for s in range(n_states):
                least = max(slack[i], closer * left * (high[k, i, s] - low[k, i, s]))
                up, down = max(by_low[k, i], 0.0) / left, max(by_high[k, i], 0.0) / left
                moved |= max(up, down) > least
                low[k, i, s] += up
                high[k, i, s] -= down
            if moved:
                waiting[:] = True
    return work


@_kernel
def _bound_state(s, at, rows, mixed, alive, bounds, function, each, new_low, new_high):
    """Bound the values of all rows of a state, and from them those of the state, `new_low` and `new_high`.

    Without a penalty the state is worth at least what a player gets by another action, whatever row is played. Returns
    the work.
    """
    counts, strides, own = at
    row_low, row_high = each
    kinds, n = new_low.shape
    first, size = rows.row_starts[s], rows.row_starts[s + 1] - rows.row_starts[s]
    compared = kinds == 1 and not mixed
    work = 0.0
    for row in range(size):
        if not (compared or alive[first + row]):
            continue
        for i in range(n):
            own[i] = row // strides[i] % counts[i]
        for i in range(n):
            work += _bound_row(i, first + row, row, at, rows, mixed, bounds, function, row_low, row_high)
    new_low[:] = np.inf
    new_high[:] = -np.inf
    for row in range(size):
        if alive[first + row]:
            for i in range(n):
                for k in range(kinds):
                    lowest = row_low[k, i, row]
                    if compared:
                        other = row - row // strides[i] % counts[i] * strides[i]
                        for action in range(counts[i]):
                            lowest = max(lowest, row_low[k, i, other + action * strides[i]])
                    new_low[k, i] = min(new_low[k, i], lowest)
                    new_high[k, i] = max(new_high[k, i], row_high[k, i, row])
    return work


@_kernel
def _misses(i, s, row, at, rows, slack, bounds, function, each):
    """Whether a player surely gains by moving from a row, or its worth misses the bounds; also return the work."""
    counts, strides, own = at
    low, high = bounds
    row_low, row_high = each
    here = row - rows.row_starts[s]
    highest = np.inf
    if len(low) == 1:
        highest = min(row_high[0, i, here], high[0, i, s]) + slack
        if max(row_low[0, i, here], low[0, i, s]) > highest:
            return True, 0.0
    work = 0.0
    for action in range(counts[i]):
        step = (action - own[i]) * strides[i]
        if step != 0:
            if row_low[0, i, here + step] > highest:
                return True, work
            gain, more = _least_gain(i, row, row + step, at, rows, slack, False, bounds, function)
            work += more
            if gain > slack:
                return True, work
    return False, work


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
def _bound_row(i, row, place, at, rows, mixed, bounds, function, row_low, row_high):
    """Bound the values of a row to a player if it is played, or as a part of a mixture; return the work.

    In a mixture, what adversaries take from the player is at most the average of what they would take from each row.
    """
    counts, strides, own = at
    kinds = len(rows.rewards)
    for kind in range(kinds):
        row_low[kind, i, place], row_high[kind, i, place] = _worth(row, kind, i, rows, bounds, function)
    entries = rows.indptr[row + 1] - rows.indptr[row]
    work = kinds * (1.0 + entries)
    if rows.tolls[i] == 0.0:
        return work
    task_low, task_high = row_low[kinds - 1, i, place], row_high[kinds - 1, i, place]
    if kinds == 1:
        row_low[0, i, place] *= 1.0 - rows.tolls[i]
        row_high[0, i, place] *= 1.0 - rows.tolls[i]
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
        row_low[0, i, place] += charge * (least if kinds == 1 else least_drop)
        row_high[0, i, place] += charge * (most if kinds == 1 else most_drop)
    return work


@_kernel
def _least_gain(i, row, other, at, rows, slack, mixed, bounds, function):
    """Bound from below what a player gains by moving from a row to another one.

    The gain is the rate at which the player gains at first, while adversaries take over as is worst at the row: in any
    way that may be worst there, or, if strategies may be mixed, in any way at all.

    Returns
    -------
    gain, work : float
    """
    counts, strides, own = at
    last = len(rows.rewards) - 1
    entries = rows.indptr[row + 1] - rows.indptr[row]
    if rows.tolls[i] == 0.0:
        return _difference(other, row, last, i, rows, bounds, function)[0], 2.0 * entries
    owned = 0
    for b in range(len(rows.egos)):
        owned += rows.egos[b] == i
    # With a single adversary all is one linear function.
    gain, work = 0.0, 3.0 * entries
    if owned > 1:
        count, constant = _add_task(i, row, other, rows, function)
        gain = _extremes(i, bounds, function, count, constant)[0]
    for b in range(len(rows.egos)):
        if rows.egos[b] != i:
            continue
        charge, least = 0.0, np.inf
        for j in range(len(counts)):
            if not rows.takes[b, j]:
                continue
            charge = rows.weights[i, j]
            for z in range(counts[j]):
                step = (z - own[j]) * strides[j]
                if not mixed and _never_worst(i, b, row, row + step, at, rows, slack, bounds, function):
                    continue
                count, constant = _add_task(i, row, other, rows, function) if owned == 1 else (0, 0.0)
                count, constant = _add(other + step, last, i, charge, rows, function, count, constant)
                count, constant = _add(row + step, last, i, -charge, rows, function, count, constant)
                least = min(least, _extremes(i, bounds, function, count, constant)[0])
                work += 6.0 * entries
        gain += least
    return gain, work


@_kernel
def _add_task(i, row, other, rows, function):
    """Begin a linear function with the difference of what two rows are paid where nobody is taken over."""
    last = len(rows.rewards) - 1
    count, constant = _add(other, last, i, 1.0 - rows.tolls[i], rows, function, 0, 0.0)
    count, constant = _add(row, last, i, rows.tolls[i] - 1.0, rows, function, count, constant)
    if last == 1:
        count, constant = _add(other, 0, i, -1.0, rows, function, count, constant)
        count, constant = _add(row, 0, i, 1.0, rows, function, count, constant)
    return count, constant


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
                    gain, more = _least_gain(i, row, other, at, rows, slack, True, bounds, function)
                    beaten = gain > slack
                    work += more
            if used and beaten:
                lost = True
                for row in range(first, end):
                    if (row - first) // strides[i] % counts[i] == action:
                        alive[row] = False
                break
    return lost, work
