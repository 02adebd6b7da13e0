"""Depth-first enumeration of all vertices of a simple polyhedron, in floats.

The polyhedron is given as a tableau: row `i` says ``basic[i] + Σ_k T[i, k] nonbasic[k] = T[i, -1]`` with all variables
non-negative. Every vertex of a simple polyhedron has one basis, known by the bit set of its zero variables. As soon as
a vertex looks degenerate, or a pivot is too small to trust, the search gives up with AMBIGUOUS: floats cannot decide
such a polyhedron.

All state lives in arrays, so that a search can be continued, with larger arrays or after a look at Ctrl-C.
"""

from __future__ import annotations

import numpy as np
from numba import njit

DONE, RUNNING, FULL, AMBIGUOUS = 0, 1, 2, 3

# Payoffs are scaled to [0, 1]. Values and pivots below DOUBT decide nothing. No variable exceeds 1 at any vertex, so an
# edge that seems longer than LENGTH is a ray, bent by rounding errors.
NOISE = 1e-13
DOUBT = 1e-10
LENGTH = 4.0

# Pivots after which the tableau is computed afresh, so that rounding errors do not pile up.
REFRESH = 50


@njit(cache=True, nogil=True)
def start(T, basic, capacity):
    """Return the state of a search: (masks, values, table, path, counters).

    ``masks[v]`` is the zero set of vertex `v` and ``values[v]`` its coordinates by variable; ``table`` is a hash table
    of vertices, ``path`` the exchanges from the first vertex to the present one with the next column to try, and
    ``counters`` is [vertices found, depth, pivots since the last refresh, code].
    """
    rows, columns = T.shape[0], T.shape[1] - 1
    masks = np.zeros(capacity, np.uint64)
    values = np.zeros((capacity, rows + columns))
    table = np.full(4 * capacity, -1)
    path = np.zeros((capacity + 1, 3), np.int64)
    return masks, values, table, path, np.array([0, 0, 0, RUNNING])


@njit(cache=True, nogil=True)
def enlarge(old_masks, old_values, old_path, counters):
    """Return (masks, values, table, path) of twice the capacity with the same content; the search may go on."""
    capacity = 2 * len(old_masks)
    masks = np.zeros(capacity, np.uint64)
    values = np.zeros((capacity, old_values.shape[1]))
    path = np.zeros((capacity + 1, 3), np.int64)
    table = np.full(4 * capacity, -1)
    count = counters[0]
    masks[:count], values[:count] = old_masks[:count], old_values[:count]
    path[: len(old_path)] = old_path
    for v in range(count):
        table[_slot(masks, table, masks[v])] = v
    counters[3] = RUNNING
    return masks, values, table, path


@njit(cache=True, nogil=True)
def run(T, basic, nonbasic, origin, masks, values, table, path, counters, max_pivots):
    """Search until done, full, in doubt, or for `max_pivots`; the code is in ``counters[3]``.

    ``origin`` holds copies of (T, basic, nonbasic) from before the first pivot.
    """
    columns = len(nonbasic)
    if counters[0] == 0:
        _record(T, basic, nonbasic, _mask(nonbasic), masks, values, table, counters)
    mask = _mask(nonbasic)
    pivots = 0
    while counters[3] == RUNNING and pivots < max_pivots:
        depth = counters[1]
        column = path[depth, 2]
        if column == columns:
            if depth == 0:
                counters[3] = DONE
                break
            # Undo the exchange that led here; it stands in the same row and column.
            counters[1] = depth - 1
            row, column = path[depth, 0], path[depth, 1]
            mask = _exchange(T, basic, nonbasic, row, column, mask)
            path[depth - 1, 2] += 1
            pivots += 1
            _refresh_if_due(T, basic, nonbasic, origin, counters)
            continue
        row = _leaving_row(T, column, counters)
        if counters[3] == AMBIGUOUS:
            break
        if row < 0:
            path[depth, 2] += 1
            continue
        neighbour = mask ^ _bit(nonbasic[column]) ^ _bit(basic[row])
        if table[_slot(masks, table, neighbour)] >= 0:
            path[depth, 2] += 1
            continue
        if counters[0] == len(masks):
            counters[3] = FULL
            break
        mask = _exchange(T, basic, nonbasic, row, column, mask)
        pivots += 1
        _refresh_if_due(T, basic, nonbasic, origin, counters)
        counters[1] = depth + 1
        path[depth + 1, 0], path[depth + 1, 1], path[depth + 1, 2] = row, column, 0
        _record(T, basic, nonbasic, mask, masks, values, table, counters)


@njit(cache=True, nogil=True)
def _bit(variable):
    return np.uint64(1) << np.uint64(variable)


@njit(cache=True, nogil=True)
def _mask(nonbasic):
    mask = np.uint64(0)
    for k in range(len(nonbasic)):
        mask |= _bit(nonbasic[k])
    return mask


@njit(cache=True, nogil=True)
def _slot(masks, table, mask):
    """Return where a zero set stands in the hash table, or the free place where it belongs."""
    size = np.uint64(len(table))
    mixed = mask * np.uint64(0x9E3779B97F4A7C15)
    slot = (mixed ^ (mixed >> np.uint64(29))) % size
    while table[slot] >= 0 and masks[table[slot]] != mask:
        slot = (slot + np.uint64(1)) % size
    return slot


@njit(cache=True, nogil=True)
def _record(T, basic, nonbasic, mask, masks, values, table, counters):
    """Add the present vertex, unless it is degenerate beyond doubt or in doubt."""
    v = counters[0]
    last = T.shape[1] - 1
    for i in range(len(basic)):
        if T[i, last] < DOUBT:
            counters[3] = AMBIGUOUS
            return
        values[v, basic[i]] = T[i, last]
    masks[v] = mask
    table[_slot(masks, table, mask)] = v
    counters[0] = v + 1


@njit(cache=True, nogil=True)
def _leaving_row(T, column, counters):
    best, row = np.inf, -1
    last = T.shape[1] - 1
    for i in range(T.shape[0]):
        entry = T[i, column]
        if entry > NOISE and T[i, last] < best * entry:
            best, row = T[i, last] / entry, i
    if best > LENGTH:
        return -1
    if T[row, column] < DOUBT:
        counters[3] = AMBIGUOUS
    return row


@njit(cache=True, nogil=True)
def _exchange(T, basic, nonbasic, row, column, mask):
    """Pivot in place and return the new zero set."""
    width = T.shape[1]
    inverse = 1.0 / T[row, column]
    for k in range(width):
        T[row, k] *= inverse
    T[row, column] = inverse
    for i in range(T.shape[0]):
        factor = T[i, column]
        if i != row and factor != 0.0:
            for k in range(width):
                T[i, k] -= factor * T[row, k]
            T[i, column] = -factor * inverse
    entering, leaving = nonbasic[column], basic[row]
    basic[row], nonbasic[column] = entering, leaving
    return mask ^ _bit(entering) ^ _bit(leaving)


@njit(cache=True, nogil=True)
def _refresh_if_due(T, basic, nonbasic, origin, counters):
    """Compute the tableau from the first one every REFRESH pivots."""
    counters[2] += 1
    if counters[2] < REFRESH:
        return
    counters[2] = 0
    first, first_basic, first_nonbasic = origin
    rows, columns = len(basic), len(nonbasic)
    system = np.zeros((rows, rows + columns))
    for i in range(rows):
        system[i, first_basic[i]] = 1.0
        for k in range(columns):
            system[i, first_nonbasic[k]] = first[i, k]
    matrix = np.empty((rows, rows))
    right = np.empty((rows, columns + 1))
    for i in range(rows):
        for k in range(rows):
            matrix[i, k] = system[i, basic[k]]
        for k in range(columns):
            right[i, k] = system[i, nonbasic[k]]
        right[i, columns] = first[i, columns]
    T[:] = np.linalg.solve(matrix, right)
