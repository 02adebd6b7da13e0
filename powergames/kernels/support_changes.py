"""What changes in a whole stochastic game if the supports of one state change, to first order.

The strategies and values of all states solve the equations of their supports: what is in use is paid alike, and
probabilities sum to one, whatever their signs. In one state other strategies on another support take their place. The
values of all states then change by as much as the linear system of Newton's method says, whose inverse is known but for
the lines of this state, and the strategies and payments of the other states follow.
"""

from __future__ import annotations

import numpy as np

from powergames.kernels.bellman import _advance
from powergames.kernels.caching import njit
from powergames.kernels.stages import _gradient, _linearized, _rows, _solve, _support_response, fill_layout, layout

_kernel = njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz", "arcp"})


@_kernel
def local_systems(n_actions, row_starts, point_starts, egos, takes, weights, linear, taken, point, used, tasks):
    """Linearize the game of each state at given values, on its support.

    Parameters
    ----------
    n_actions, row_starts, point_starts, egos, takes, weights, linear, taken, point
        As for `powergames.kernels.stages.gradients`.
    used : ndarray of bool, shaped like the point
    tasks : bool
        Whether there are two kinds of values.

    Returns
    -------
    responses, derivatives : ndarray
        How a state's strategies respond to what they are paid, and how that changes with the strategies: matrices, one
        after the other.
    steps : ndarray, shaped like the point
        The step to the solution of the equations of the support.
    slopes : ndarray, shape (1 or 2, n, D)
        How the values of a state change with its point.
    gradient : ndarray, shaped like the point
        What every action and takeover is paid.
    """
    n_states, n = n_actions.shape
    sizes = point_starts[1:] - point_starts[:-1]
    responses, derivatives = np.zeros(np.sum(sizes * sizes)), np.zeros(np.sum(sizes * sizes))
    steps, paid = np.zeros(len(point)), np.zeros(len(point))
    all_slopes = np.zeros((2 if tasks else 1, n, len(point)))
    begin = 0
    for s in range(n_states):
        first, size = point_starts[s], sizes[s]
        bounds, places = layout(n_actions[s], egos, takes)
        local = point[first : first + size]
        worth, against = _rows(linear, row_starts, s), _rows(taken, row_starts, s)
        gradient, derivative, slopes = _linearized(n_actions[s], bounds, places, weights, worth, against, local, tasks)
        response, step = np.zeros((size, size)), np.zeros((size, 2))
        _support_response(bounds, gradient, derivative, local, used[first : first + size], response, step)
        for p in range(size):
            steps[first + p], paid[first + p] = step[p, 0], gradient[p]
            for q in range(size):
                responses[begin], derivatives[begin] = response[p, q], derivative[p, q]
                begin += 1
            for kind in range(len(slopes)):
                for i in range(n):
                    all_slopes[kind, i, first + p] = slopes[kind, i, p]
    return responses, derivatives, steps, all_slopes, paid


@_kernel
def value_lines(game, point_starts, egos, takes, shares, first, second, point, responses, slopes, states):
    """Return the lines of some states in the matrix of the linear system of all values, shape (K C, K S) for C states.

    Parameters
    ----------
    game : tuple
        ``(n_actions, row_starts, discounts, indptr, indices, data)``.
    point_starts, egos, takes, shares, first, second, point
        As for `powergames.kernels.stages.newton_system`.
    responses, slopes : ndarray
        As `local_systems` returns them.
    states : ndarray of int64, shape (C,)
    """
    n_actions, row_starts, discounts, indptr, indices, data = game
    n_states, n = n_actions.shape
    kinds = len(shares)
    lines = kinds * n
    result = np.zeros((lines * len(states), lines * n_states))
    begins = np.zeros(n_states, np.int64)
    for s in range(n_states - 1):
        begins[s + 1] = begins[s] + (point_starts[s + 1] - point_starts[s]) ** 2
    joint = np.zeros(n, np.int64)
    plain, disturbed = np.empty((lines, n)), np.empty((lines, n))
    for c in range(len(states)):
        s = states[c]
        start, size = point_starts[s], point_starts[s + 1] - point_starts[s]
        local = point[start : start + size]
        bounds, places = layout(n_actions[s], egos, takes)
        # How the values depend on what actions and takeovers are paid.
        dependence = np.zeros((lines, size))
        for v in range(lines):
            kind, i = v // n, v % n
            for p in range(size):
                slope = slopes[kind, i, start + p]
                if slope != 0.0:
                    for q in range(size):
                        dependence[v, q] += slope * responses[begins[s] + p * size + q]
            if kind == 0:
                for p in range(bounds[i], bounds[i + 1]):
                    dependence[v, p] += local[p]
        chances = _chances(n_actions[s], bounds, local)
        joint[:] = 0
        for row in range(row_starts[s], row_starts[s + 1]):
            for v in range(lines):
                for i in range(n):
                    own = dependence[v, bounds[i] + joint[i]]
                    plain[v, i], disturbed[v, i] = first[i, row] * own, second[i, row] * own
                    for j in range(n):
                        if places[i, j] >= 0:
                            disturbed[v, i] -= first[j, row] * dependence[v, places[i, j] + joint[j]]
                if v >= n:
                    disturbed[v, v - n] += chances[row - row_starts[s]]
            for entry in range(indptr[row], indptr[row + 1]):
                for w in range(lines):
                    kind, i = w // n, w % n
                    weight = data[entry] * discounts[i]
                    column = w * n_states + indices[entry]
                    for v in range(lines):
                        worth = shares[kind, i] * plain[v, i]
                        if kind == kinds - 1:
                            worth += disturbed[v, i]
                        result[v * len(states) + c, column] -= weight * worth
            _advance(joint, n_actions[s])
        for v in range(lines):
            result[v * len(states) + c, v * n_states + s] += 1.0
    return result


@_kernel
def violations(n_actions, point_starts, egos, takes, point, used, gradient, negative, gain):
    """Return where supports are not those of an equilibrium, shape (S,), and by how much in all.

    Parameters
    ----------
    n_actions, point_starts, egos, takes, point, used, gradient
        As for `local_systems`.
    negative, gain : float
        How far below zero a probability may be, and by how much what is not in use may be better than what is.
    """
    n_states, n = n_actions.shape
    wrong = np.zeros(n_states, np.bool_)
    bounds, places = np.zeros(n + len(egos) + 1, np.int64), np.full((n, n), -1)
    total = 0.0
    for s in range(n_states):
        first = point_starts[s]
        fill_layout(n_actions[s], egos, takes, bounds, places)
        amount, wrong[s] = _violation(
            bounds,
            point[first : point_starts[s + 1]],
            used[first : point_starts[s + 1]],
            gradient[first : point_starts[s + 1]],
            negative,
            gain,
        )
        total += amount
    return wrong, total


@_kernel
def _violation(bounds, point, used, gradient, negative, gain):
    """Return by how much the support of a state is not that of an equilibrium, and whether by more than is allowed."""
    amount, wrong = 0.0, False
    for g in range(len(bounds) - 1):
        level = -np.inf
        for p in range(bounds[g], bounds[g + 1]):
            if used[p]:
                level = max(level, gradient[p])
        for p in range(bounds[g], bounds[g + 1]):
            if used[p]:
                amount += max(-point[p], 0.0)
                wrong = wrong or point[p] < -negative
            else:
                amount += GAIN * max(gradient[p] - level, 0.0)
                wrong = wrong or gradient[p] - level > gain
    return amount, wrong


# How much more a unit of gain counts than a unit of negative probability.
GAIN = 5.0


@_kernel
def predict(
    game,
    point_starts,
    egos,
    takes,
    weights,
    shares,
    linear,
    taken,
    first,
    second,
    point,
    used,
    responses,
    derivatives,
    gradient,
    values,
    columns,
    s,
    local,
    own_used,
    importance,
    negative,
    gain,
    longest,
):
    """Predict what follows if the strategies of a state are others, on another support.

    Parameters
    ----------
    game : tuple
        ``(n_actions, row_starts, discounts, indptr, indices, data)``.
    point_starts, egos, takes, weights, shares, linear, taken
        As for `powergames.kernels.stages.newton_system`.
    first, second : ndarray, shape (n, R)
        As `powergames.kernels.stages.row_weights` returns them.
    point, used, responses, derivatives, gradient
        As for `local_systems`.
    values : ndarray, shape (K, S)
        Kinds and players in the first axis.
    columns : ndarray, shape (K, K, S)
        Those of the inverse of the matrix of the linear system of all values that belong to the state.
    s : int
    local : ndarray
        The new strategies of the state.
    own_used : ndarray of bool, shaped like `local`
        Their support.
    importance : ndarray, shape (S,)
        What it counts that a state is wrong.
    negative, gain : float
        As for `violations`.
    longest : float
        By how much the strategies of the state, and the values, may change at most.

    Returns
    -------
    count : int
        In how many states the supports would not be those of an equilibrium; -1 where the equations are singular, or
        lead too far.
    weight : float
        What that counts in all.
    amount : float
        By how much in all.
    changed : ndarray, shaped like the point
        The new strategies of all states.
    change_of_values : ndarray, shape (K, S)
    """
    n_actions, row_starts = game[0], game[1]
    n_states, n = n_actions.shape
    kinds = len(shares)
    lines, size = kinds * n, len(local)
    changed, change = point.copy(), np.zeros((lines, n_states))
    bounds, places = layout(n_actions[s], egos, takes)
    worth, against = _rows(linear, row_starts, s), _rows(taken, row_starts, s)
    paid, derivative, slopes = _linearized(n_actions[s], bounds, places, weights, worth, against, local, kinds == 2)
    response, step = np.zeros((size, size)), np.zeros((size, 2))
    _support_response(bounds, paid, derivative, local, own_used, response, step)
    chances = _chances(n_actions[s], bounds, local)
    moved = step[:, 0].copy()
    # What the state would be worth if the values of all others stayed.
    errors, system = np.zeros(lines), np.empty((lines, lines))
    _add_change(bounds, local, chances, slopes, paid, moved, against, errors)
    for v in range(lines):
        errors[v] -= values[v, s]
    plain, disturbed = np.empty_like(worth), np.empty_like(worth)
    for c in range(lines):
        column = columns[c]
        _fill_worth(game, shares, column, s, plain, disturbed)
        pay = _gradient(n_actions[s], bounds, places, weights, plain, disturbed, local)
        effect = np.zeros(lines)
        _add_change(bounds, local, chances, slopes, pay, np.dot(response, pay), disturbed, effect)
        for v in range(lines):
            system[v, c] = column[v, s] - effect[v]
    right = errors.reshape((lines, 1))
    if _solve(system, right) == 0.0:
        return -1, np.inf, np.inf, changed, change
    for c in range(lines):
        column = columns[c]
        for v in range(lines):
            for other in range(n_states):
                change[v, other] += right[c, 0] * column[v, other]
    _fill_worth(game, shares, change, s, plain, disturbed)
    pay_here = _gradient(n_actions[s], bounds, places, weights, plain, disturbed, local)
    moved += np.dot(response, pay_here)
    # Also not a number.
    if not max(np.max(np.abs(moved)), np.max(np.abs(change))) <= longest:
        return -1, np.inf, np.inf, changed, change
    most = np.max(row_starts[1:] - row_starts[:-1])
    plain, disturbed = np.empty((n, most)), np.empty((n, most))
    count, weight, amount, begin = 0, 0.0, 0.0, 0
    bounds[:], places[:] = 0, -1
    widest = np.max(point_starts[1:] - point_starts[:-1])
    pay, changes, now = np.empty(widest), np.empty(widest), np.empty(widest)
    joint = np.zeros(n, np.int64)
    for each in range(n_states):
        start, size = point_starts[each], point_starts[each + 1] - point_starts[each]
        here = each == s
        fill_layout(n_actions[each], egos, takes, bounds, places)
        if not here:
            _fill_worth(game, shares, change, each, plain, disturbed)
            _fill_payments(
                n_actions[each], bounds, places, row_starts[each], first, second, plain, disturbed, joint, pay[:size]
            )
        for p in range(size):
            total = moved[p] if here else 0.0
            if not here:
                for q in range(size):
                    total += responses[begin + p * size + q] * pay[q]
            changes[p] = total
            changed[start + p] = (local[p] if here else point[start + p]) + total
        for p in range(size):
            total = paid[p] + pay_here[p] if here else gradient[start + p] + pay[p]
            for q in range(size):
                total += (derivative[p, q] if here else derivatives[begin + p * size + q]) * changes[q]
            now[p] = total
        begin += size * size
        by, wrong = _violation(
            bounds,
            changed[start : start + size],
            own_used if here else used[start : start + size],
            now[:size],
            negative,
            gain,
        )
        amount += by
        if wrong:
            count += 1
            weight += importance[each]
    return count, weight, amount, changed, change


@_kernel
def _chances(counts, bounds, local):
    """Return how likely each row of a state is."""
    n = len(counts)
    result = np.ones(np.prod(counts))
    joint = np.zeros(n, np.int64)
    for row in range(len(result)):
        for i in range(n):
            result[row] *= local[bounds[i] + joint[i]]
        _advance(joint, counts)
    return result


@_kernel
def _add_change(bounds, local, chances, slopes, paid, moved, against, result):
    """Add to the values of a state what its players are paid, and what it changes that strategies move."""
    n = slopes.shape[1]
    for kind in range(len(slopes)):
        for i in range(n):
            total = 0.0
            for p in range(len(moved)):
                total += slopes[kind, i, p] * moved[p]
            if kind == 0:
                for p in range(bounds[i], bounds[i + 1]):
                    total += local[p] * paid[p]
            else:
                for row in range(len(chances)):
                    total += chances[row] * against[i, row]
            result[kind * n + i] += total


@_kernel
def _fill_worth(game, shares, following, s, plain, disturbed):
    """Write how the worth of a state's rows changes with what follows, if nobody is taken over and if somebody is."""
    _, row_starts, discounts, indptr, indices, data = game
    kinds, n = shares.shape
    for row in range(row_starts[s], row_starts[s + 1]):
        for i in range(n):
            total, last = 0.0, 0.0
            for kind in range(kinds):
                last = 0.0
                for entry in range(indptr[row], indptr[row + 1]):
                    last += data[entry] * following[kind * n + i, indices[entry]]
                last *= discounts[i]
                total += shares[kind, i] * last
            plain[i, row - row_starts[s]], disturbed[i, row - row_starts[s]] = total, last


@_kernel
def _fill_payments(counts, bounds, places, row_start, first, second, plain, disturbed, joint, result):
    """Write what every action and takeover of a state is paid, from the weights of rows."""
    n = len(counts)
    for p in range(len(result)):
        result[p] = 0.0
    joint[:] = 0
    rows = 1
    for i in range(n):
        rows *= counts[i]
    for k in range(rows):
        row = row_start + k
        for i in range(n):
            result[bounds[i] + joint[i]] += first[i, row] * plain[i, k] + second[i, row] * disturbed[i, k]
            for j in range(n):
                if places[i, j] >= 0:
                    result[places[i, j] + joint[j]] -= first[j, row] * disturbed[i, k]
        _advance(joint, counts)
