"""Lemke's algorithm for linear complementarity problems, with a lexicographic ratio test.

Find ``z >= 0`` with ``w = q + M z >= 0`` and ``z'w = 0``. The dictionary is held without its identity part: row `i`
says ``basic[i] = rhs + Σ_k T[i, k] nonbasic[k]``. Variables are numbered ``w_i = i``, ``z_i = N + i`` and the covering
variable ``2N``. All state lives in arrays, so that a run can be continued after any number of pivots.

The function `path_lcp` writes the two-player problem as such a problem: players x and y, the adversary z of x (acts
like y) and the adversary w of y (acts like x) form a polymatrix game on the path z - x - y - w.
"""

from __future__ import annotations

import numpy as np

from powergames.kernels.caching import njit

SOLVED, RUNNING, RAY = 0, 1, 2

# Entries of the dictionary below PIVOT count as zero; ratios closer than TIE are compared lexicographically.
PIVOT = 1e-10
TIE = 1e-11

# Gain, relative to the payoff range, that makes an action worth adding to a restricted game.
IMPROVEMENT = 1e-12


@njit(cache=True, nogil=True)
def path_lcp(row_xy, row_xz, column_xy, column_wy, lam_row, lam_column):
    """Return (M, q) of the two-player problem for payoffs scaled to [0, 1] and the two players' λ W.

    ``row_xy`` holds the row player's payoffs for actions of x against actions of y, ``row_xz`` against those of the
    adversary z, ``column_wy`` the column player's payoffs for actions of w against those of y, and so on; for the
    whole game there is one matrix for each player. Strategies come in the order x, y, z (left out if ``lam_row`` is
    0), w (left out if ``lam_column`` is 0), then one value for each of these groups.
    """
    mx, ny = row_xy.shape
    nz = row_xz.shape[1] if lam_row > 0.0 else 0
    nw = column_wy.shape[0] if lam_column > 0.0 else 0
    sizes = (mx, ny, nz, nw)
    y, z, w = mx, mx + ny, mx + ny + nz
    strategies = w + nw
    size = strategies + 2 + (nz > 0) + (nw > 0)
    M = np.zeros((size, size))
    q = np.zeros(size)
    # Dividing a player's costs by their range keeps large λ in the same numerical regime as small ones.
    row_scale = abs(1.0 - lam_row) + lam_row
    column_scale = abs(1.0 - lam_column) + lam_column
    for i in range(mx):
        for j in range(ny):
            M[i, y + j] = 2.0 - (1.0 - lam_row) / row_scale * row_xy[i, j]
            M[y + j, i] = 2.0 - (1.0 - lam_column) / column_scale * column_xy[i, j]
        for k in range(nz):
            M[i, z + k] = 2.0 - lam_row / row_scale * row_xz[i, k]
            M[z + k, i] = 1.0 + row_xz[i, k]
    for j in range(ny):
        for k in range(nw):
            M[y + j, w + k] = 2.0 - lam_column / column_scale * column_wy[k, j]
            M[w + k, y + j] = 1.0 + column_wy[k, j]
    begin, value = 0, strategies
    for group in range(4):
        if sizes[group] > 0:
            for k in range(begin, begin + sizes[group]):
                M[k, value] = -1.0
                M[value, k] = 1.0
            q[value] = -1.0
            begin += sizes[group]
            value += 1
    return M, q


@njit(cache=True, nogil=True)
def cover(M, prior):
    """Return the covering vector whose path starts at a prior, the concatenated strategies (van den Elzen & Talman)."""
    size, strategies = len(M), len(prior)
    result = np.ones(size)
    for i in range(strategies):
        total = 0.0
        for k in range(strategies):
            total += M[i, k] * prior[k]
        result[i] = total
    return result


@njit(cache=True, nogil=True)
def start(M, q, cover):
    """Return (T, basic, nonbasic, place, state) with the covering variable just entered.

    ``place[v]`` is the row of a basic variable, or ``-1 - column`` of a nonbasic one. ``state`` is [entering, code].
    """
    size = len(q)
    T = np.empty((size, size + 2))
    basic = np.empty(size, np.int64)
    nonbasic = np.empty(size + 1, np.int64)
    place = np.empty(2 * size + 1, np.int64)
    for k in range(size + 1):
        nonbasic[k] = size + k
        place[size + k] = -1 - k
    leaving = np.int64(0)
    for i in range(size):
        for k in range(size):
            T[i, k] = M[i, k]
        T[i, size], T[i, size + 1] = cover[i], q[i]
        basic[i] = place[i] = i
        if q[i] / cover[i] <= q[leaving] / cover[leaving]:
            leaving = i
    state = np.empty(2, np.int64)
    state[0], state[1] = -1, RUNNING
    if q[leaving] >= 0.0:
        state[1] = SOLVED
    else:
        _pivot(T, basic, nonbasic, place, leaving, size)
        state[0] = size + leaving
    return T, basic, nonbasic, place, state


@njit(cache=True, nogil=True)
def run(T, basic, nonbasic, place, state, max_pivots):
    """Pivot until solved, a ray, or `max_pivots`; return the number of pivots made. The code is in ``state[1]``."""
    size = len(basic)
    covering = 2 * size
    pivots = 0
    while state[1] == RUNNING and pivots < max_pivots:
        column = -1 - place[state[0]]
        row = _ratio_test(T, basic, place, column)
        if row < 0:
            state[1] = RAY
            break
        leaving = basic[row]
        _pivot(T, basic, nonbasic, place, row, column)
        pivots += 1
        if leaving == covering:
            state[1] = SOLVED
        else:
            state[0] = leaving + size if leaving < size else leaving - size
    return pivots


@njit(cache=True, nogil=True)
def read(T, basic):
    """Return the solution z, shape (N,), of a dictionary."""
    size = len(basic)
    z = np.zeros(size)
    for i in range(size):
        if size <= basic[i] < 2 * size:
            z[basic[i] - size] = max(T[i, size + 1], 0.0)
    return z


@njit(cache=True, nogil=True)
def _ratio_test(T, basic, place, column):
    """Return the leaving row: the least ratio, ties broken lexicographically; -1 if nothing leaves."""
    size = len(basic)
    rhs = size + 1
    best = np.inf
    for i in range(size):
        if T[i, column] < -PIVOT:
            ratio = max(T[i, rhs], 0.0) / -T[i, column]
            if ratio < best:
                best = ratio
    if best == np.inf:
        return -1
    limit = best + TIE * (1.0 + best)
    ties = np.empty(size, np.int64)
    count = 0
    for i in range(size):
        if T[i, column] < -PIVOT and max(T[i, rhs], 0.0) / -T[i, column] <= limit:
            if basic[i] == 2 * size:
                return i
            ties[count] = i
            count += 1
    for k in range(size):
        if count == 1:
            break
        # Column k of the basis inverse, read off where the slack w_k stands now.
        least = np.inf
        for t in range(count):
            value = _inverse_entry(T, basic, place, ties[t], k) / -T[ties[t], column]
            if value < least:
                least = value
        kept = 0
        for t in range(count):
            value = _inverse_entry(T, basic, place, ties[t], k) / -T[ties[t], column]
            if value <= least + TIE * (1.0 + abs(least)):
                ties[kept] = ties[t]
                kept += 1
        count = kept
    return ties[0]


@njit(cache=True, nogil=True)
def _inverse_entry(T, basic, place, row, k):
    if place[k] < 0:
        return -T[row, -1 - place[k]]
    return 1.0 if place[k] == row else 0.0


@njit(cache=True, nogil=True)
def _pivot(T, basic, nonbasic, place, row, column):
    """Exchange the basic variable of a row with the nonbasic variable of a column."""
    width = T.shape[1]
    inverse = 1.0 / T[row, column]
    for k in range(width):
        T[row, k] *= -inverse
    T[row, column] = inverse
    for i in range(T.shape[0]):
        factor = T[i, column]
        if i != row and factor != 0.0:
            for k in range(width):
                T[i, k] += factor * T[row, k]
            T[i, column] = factor * inverse
    entering, leaving = nonbasic[column], basic[row]
    basic[row], nonbasic[column] = entering, leaving
    place[entering], place[leaving] = row, -1 - column


@njit(cache=True, nogil=True)
def restrict(row, column, shifts, units, lam_row, lam_column, x, largest):
    """Begin with a strategy `x` of player 0 and an answer of each other group; return (actions, weights, count, lines).

    Groups are x, y, z, w; an adversary of zero weight keeps its one action. Payoffs count as
    ``(row - shifts[0]) / units[0]`` and ``(column - shifts[1]) / units[1]``; only the rows and columns that are played
    are read. Group `g` has ``count[g]`` actions, up to ``largest + 1``, and plays ``actions[g, k]`` with ``weights[g,
    k]``. Columns lie scattered in memory, so that those in use are copied, once each, into `lines`.
    """
    m = len(row)
    capacity = max(largest + 2, m)
    actions = np.zeros((4, capacity), np.int64)
    weights = np.zeros((4, capacity))
    count = np.ones(4, np.int64)
    count[0] = 0
    for i in range(m):
        if x[i] > 0.0:
            actions[0, count[0]], weights[0, count[0]] = i, x[i]
            count[0] += 1
    weights[1:, 0] = 1.0
    actions[1, 0] = np.argmax(_combine(column, actions[0], weights[0], count[0], shifts[1], units[1]))
    actions[2, 0] = np.argmin(_combine(row, actions[0], weights[0], count[0], shifts[0], units[0]))
    row_y = np.empty((largest + 2, m))
    row_z = np.empty((largest + 2 if lam_row > 0.0 else 1, m))
    column_y = np.empty((largest + 2 if lam_column > 0.0 else 1, m))
    _copy_column(row, actions[1, 0], row_y[0])
    _copy_column(row, actions[2, 0], row_z[0])
    _copy_column(column, actions[1, 0], column_y[0])
    actions[3, 0] = np.argmin(_combine(column_y, np.arange(1), weights[1], 1, shifts[1], units[1]))
    return actions, weights, count, (row_y, row_z, column_y)


@njit(cache=True, nogil=True)
def restricted_lcp(row, column, shifts, units, lam_row, lam_column, actions, weights, count):
    """Return (M, q, prior) of the game restricted to the actions of each group, as `path_lcp` and `cover` mean it."""
    X, Y, Z, W = actions[0, : count[0]], actions[1, : count[1]], actions[2, : count[2]], actions[3, : count[3]]
    M, q = path_lcp(
        _submatrix(row, X, Y, shifts[0], units[0]),
        _submatrix(row, X, Z, shifts[0], units[0]),
        _submatrix(column, X, Y, shifts[1], units[1]),
        _submatrix(column, W, Y, shifts[1], units[1]),
        lam_row,
        lam_column,
    )
    active = (True, True, lam_row > 0.0, lam_column > 0.0)
    prior = np.empty(len(q) - 2 - active[2] - active[3])
    begin = 0
    for g in range(4):
        if active[g]:
            for k in range(count[g]):
                prior[begin + k] = weights[g, k]
            begin += count[g]
    return M, q, prior


@njit(cache=True, nogil=True)
def respond(row, column, shifts, units, lam_row, lam_column, actions, weights, count, lines, solution):
    """Take the strategies of a solution, and add the best response of each group to its actions; return the gains.

    A gain is what the response pays more than all actions of the group; no more than IMPROVEMENT adds nothing. The
    arrays must have room for one more action of each group.
    """
    row_y, row_z, column_y = lines
    active = (True, True, lam_row > 0.0, lam_column > 0.0)
    own = np.arange(len(row_y))
    begin = 0
    for g in range(4):
        if active[g]:
            total = 0.0
            for k in range(count[g]):
                total += solution[begin + k]
            for k in range(count[g]):
                weights[g, k] = solution[begin + k] / total
            begin += count[g]
    gains = np.zeros(4)
    sizes = count.copy()
    for g in range(4):
        if not active[g]:
            continue
        if g == 0:
            values = (1.0 - lam_row) * _combine(row_y, own, weights[1], sizes[1], shifts[0], units[0])
            if active[2]:
                values += lam_row * _combine(row_z, own, weights[2], sizes[2], shifts[0], units[0])
        elif g == 1:
            values = _combine(column, actions[0], weights[0], sizes[0], shifts[1], units[1])
            values *= 1.0 - lam_column
            if active[3]:
                values += lam_column * _combine(column, actions[3], weights[3], sizes[3], shifts[1], units[1])
        elif g == 2:
            values = -_combine(row, actions[0], weights[0], sizes[0], shifts[0], units[0])
        else:
            values = -_combine(column_y, own, weights[1], sizes[1], shifts[1], units[1])
        known = -np.inf
        for k in range(sizes[g]):
            known = max(known, values[actions[g, k]])
        best = np.argmax(values)
        gains[g] = values[best] - known
        if gains[g] > IMPROVEMENT:
            actions[g, sizes[g]], weights[g, sizes[g]] = best, 0.0
            count[g] += 1
    if count[1] > sizes[1]:
        _copy_column(row, actions[1, sizes[1]], row_y[sizes[1]])
        if active[3]:
            _copy_column(column, actions[1, sizes[1]], column_y[sizes[1]])
    if active[2] and count[2] > sizes[2]:
        _copy_column(row, actions[2, sizes[2]], row_z[sizes[2]])
    return gains


@njit(cache=True, nogil=True)
def _copy_column(matrix, column, target):
    for i in range(len(target)):
        target[i] = matrix[i, column]


@njit(cache=True, nogil=True)
def _combine(matrix, rows, weights, count, shift, unit):
    """Return the weighted sum of a few rows of a matrix, shifted and scaled."""
    total = np.zeros(matrix.shape[1])
    for k in range(count):
        weight = weights[k]
        if weight != 0.0:
            chosen = matrix[rows[k]]
            for j in range(len(total)):
                total[j] += weight * ((chosen[j] - shift) / unit)
    return total


@njit(cache=True, nogil=True)
def _submatrix(matrix, rows, columns, shift, unit):
    """Return chosen rows and columns of a matrix, shifted and scaled."""
    result = np.empty((len(rows), len(columns)))
    for i in range(len(rows)):
        for j in range(len(columns)):
            result[i, j] = (matrix[rows[i], columns[j]] - shift) / unit
    return result
