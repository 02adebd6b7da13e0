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
        return following[np.uint32(indices[row]), column]
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
def check_pure(
    rows, columns, whose, adversaries, penalty, following, changed, same, actions, slack, values, gains, open_states
):
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
    changed : ndarray of bool, shape (S,)
        Which of these differ from those of the step after that one; empty if nothing is known.
    same : ndarray of bool, shape (S,)
        Where everybody acts as at the step after. If nothing changed that may follow, either, gains are those already
        in `gains`.
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
        if len(changed) > 0 and same[s] and _is_as_before(rows.indptr, rows.row_starts, rows.indices, changed, s):
            for c in range(values.shape[1]):
                values[s, c] = following[s, c]
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
                    now += adversaries.weights[b] * _worst(
                        rows, columns, following, s, row, actions, adversaries.takes[b], table
                    )
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
                            rows,
                            columns,
                            following,
                            s,
                            row,
                            actions,
                            adversaries.takes[b],
                            adversaries.weights[b],
                            table,
                            own_first,
                            own_stride,
                            linear[:count],
                            kept,
                            slack,
                        )
            else:
                for even in range(2):
                    for a in range(count):
                        worst[a] = linear[a]
                    for b in range(len(adversaries.egos)):
                        if adversaries.egos[b] == i:
                            _add_worst(
                                rows,
                                columns,
                                following,
                                s,
                                row,
                                actions,
                                adversaries.takes[b],
                                adversaries.weights[b],
                                table,
                                own_first,
                                own_stride,
                                even == 1,
                                slack,
                                worst[:count],
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
def check_pairs(
    rows, columns, whose, adversaries, penalty, following, changed, same, actions, slack, values, gains, open_states
):
    """Do what `check_pure` does for two players, many times as fast."""
    widest = np.max(rows.n_actions)
    linear, against, table = np.empty(widest), np.empty(widest), np.empty(widest)
    for state in range(len(rows.n_actions)):
        s = np.uint64(state)
        open_states[s] = actions[0, s] < 0 or actions[1, s] < 0
        if open_states[s]:
            continue
        if len(changed) > 0 and same[s] and _is_as_before(rows.indptr, rows.row_starts, rows.indices, changed, state):
            for c in range(np.uint64(values.shape[1])):
                values[s, c] = following[s, c]
            continue
        first, n_1 = np.uint64(rows.row_starts[s]), np.uint64(rows.n_actions[s, 1])
        n_0, a, b = np.uint64(rows.n_actions[s, 0]), np.uint64(actions[0, s]), np.uint64(actions[1, s])
        one, row = np.uint64(1), first + a * n_1 + b
        for i in range(2):
            value, task, best = np.uint64(whose[0][i]), np.uint64(whose[1][i]), np.uint64(whose[2][i])
            toll = adversaries.tolls[i]
            # The player's actions against the other's, and the other's against the player's.
            own_first, own_stride, own_count = (first + b, n_1, n_0) if i == 0 else (first + a * n_1, one, n_1)
            other_first, other_stride, other_count = (first + a * n_1, one, n_1) if i == 0 else (first + b, n_1, n_0)
            # What the profile is worth.
            now = _paid(rows, columns, following, row, value)
            if penalty:
                values[s, task] = _paid(rows, columns, following, row, task)
                now -= toll * values[s, task]
            else:
                now *= 1.0 - toll
            if toll > 0.0:
                low = np.inf
                for z in range(other_count):
                    worth = _paid(rows, columns, following, other_first + z * other_stride, task)
                    against[z] = worth
                    low = worth if worth < low else low
                now += toll * low
            values[s, value] = now
            # The same with the best play afterwards, and what each action is worth where nobody interferes.
            kept = now
            if not penalty:
                kept = (1.0 - toll) * _paid(rows, columns, following, row, best)
                if toll > 0.0:
                    low = np.inf
                    for z in range(other_count):
                        worth = _paid(rows, columns, following, other_first + z * other_stride, best)
                        against[z] = worth
                        low = worth if worth < low else low
                    kept += toll * low
            column = task if penalty else best
            for k in range(own_count):
                own_row = own_first + k * own_stride
                worth = _paid(rows, columns, following, own_row, best)
                linear[k] = (
                    worth - toll * _paid(rows, columns, following, own_row, task) if penalty else (1.0 - toll) * worth
                )
            bound = np.inf
            if toll > 0.0:
                for z in range(other_count):
                    if against[z] <= low + slack:
                        most = -np.inf
                        for k in range(own_count):
                            crossed = own_first + k * own_stride + other_first + z * other_stride - row
                            worth = linear[k] + toll * _paid(rows, columns, following, crossed, column)
                            most = worth if worth > most else most
                        bound = most if most < bound else bound
                        if bound <= kept + slack:
                            break
                if bound > kept + slack:
                    bound = _saddle(
                        rows,
                        columns,
                        following,
                        own_first,
                        own_stride,
                        linear[:own_count],
                        other_first,
                        other_stride,
                        row,
                        toll,
                        column,
                        table[:other_count],
                        slack,
                    )
            else:
                bound = -np.inf
                for k in range(own_count):
                    bound = linear[k] if linear[k] > bound else bound
            if bound == np.inf:
                open_states[s] = True
                break
            gains[s, i] = bound - now if bound > now else 0.0
            if not penalty:
                values[s, best] = bound if bound > kept else kept


@_kernel
def _is_as_before(indptr, row_starts, indices, changed, s):
    """Tell whether the values of all states that may follow upon a state are as before."""
    first, last = row_starts[s], row_starts[s + 1]
    if indptr is not None:
        first, last = np.int64(indptr[first]), np.int64(indptr[last])
    entry, one = np.uint64(first), np.uint64(1)
    while entry < np.uint64(last) and not changed[np.uint32(indices[entry])]:
        entry += one
    return entry == np.uint64(last)


@_kernel
def _saddle(
    rows, columns, following, own_first, own_stride, linear, other_first, other_stride, row, toll, column, most, slack
):
    """Return the value of a player's problem if it is a matrix game with a saddle point, else infinity."""
    attained, bound = -np.inf, np.inf
    for z in range(np.uint64(len(most))):
        most[z] = -np.inf
    for k in range(np.uint64(len(linear))):
        least = np.inf
        for z in range(np.uint64(len(most))):
            crossed = own_first + k * own_stride + other_first + z * other_stride - row
            worth = linear[k] + toll * _paid(rows, columns, following, crossed, column)
            least = worth if worth < least else least
            most[z] = worth if worth > most[z] else most[z]
        attained = least if least > attained else attained
    for z in range(np.uint64(len(most))):
        bound = most[z] if most[z] < bound else bound
    return bound if bound <= attained + slack else np.inf


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
def _bound_by_one(rows, columns, following, s, row, actions, takes, weight, column, first, stride, linear, kept, slack):
    """Bound a player's value by the worst cases of its one adversary, or by a saddle point.

    The bound is infinite if neither proves anything.
    """
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
def _add_worst(rows, columns, following, s, row, actions, takes, weight, column, first, stride, even, slack, worst):
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
    for column in range(np.uint64(values.shape[1])):
        sign = 1.0 if column % 2 == 1 else -1.0
        for s in range(np.uint64(len(starts) - 1)):
            best = -np.inf
            for k in range(np.uint64(starts[s]), np.uint64(starts[s + np.uint64(1)])):
                worth = sign * _paid(rows, columns, following, np.uint64(chosen[k]), column)
                best = worth if worth > best else best
            values[s, column] = sign * best


@_kernel
def certain_extremes(after, paid, discount, starts, following, values):
    """Do what `extremes` does for one column of a game without chance.

    ``after[k]`` follows the `k`-th of all different rows, which pays ``paid[k]``; shapes of values are (S, 2).
    """
    for s in range(np.uint64(len(starts) - 1)):
        least, greatest = np.inf, -np.inf
        for k in range(np.uint64(starts[s]), np.uint64(starts[s + np.uint64(1)])):
            state = np.uint32(after[k])
            low = paid[k] + discount * following[state, 0]
            high = paid[k] + discount * following[state, 1]
            least = low if low < least else least
            greatest = high if high > greatest else greatest
        values[s, 0], values[s, 1] = least, greatest
