"""Depth-first enumeration of all vertices of a simple polyhedron, in floats.

The polyhedron is given as a tableau: row `i` says ``basic[i] + Σ_k T[i, k] nonbasic[k] = T[i, -1]`` with all variables
non-negative. Every vertex of a simple polyhedron has one basis, known by the bit set of its zero variables. As soon as
a vertex looks degenerate, or a pivot is too small to trust, the search gives up with AMBIGUOUS: floats cannot decide
such a polyhedron.

All state lives in arrays, so that a search can be continued, with larger arrays or after a look at Ctrl-C.
"""

from __future__ import annotations

import numpy as np

from powergames.kernels.caching import njit

DONE, RUNNING, FULL, AMBIGUOUS = 0, 1, 2, 3

# Payoffs are scaled to [0, 1]. Values and pivots below DOUBT decide nothing. No variable exceeds 1 at any vertex, so an
# edge that seems longer than LENGTH is a ray, bent by rounding errors.
NOISE = 1e-13
DOUBT = 1e-10
LENGTH = 4.0

# Pivots after which the tableau is computed afresh, so that rounding errors do not pile up.
REFRESH = 50


def start(
    width: int, dtype: np.dtype, capacity: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return the state of a search: (masks, values, table, path, counters).

    ``masks[v]`` is the zero set of vertex `v` and ``values[v]``, shape (width,), its coordinates by variable; ``table``
    is a hash table of vertices, ``path`` the exchanges from the first vertex to the present one with the next column to
    try, and ``counters`` is [vertices found, depth, pivots since the last refresh, code].
    """
    masks = np.zeros(capacity, np.uint64)
    values = np.zeros((capacity, width), dtype)
    table = np.full(4 * capacity, -1)
    path = np.zeros((capacity + 1, 3), np.int64)
    return masks, values, table, path, np.array([0, 0, 0, RUNNING])


def enlarge(
    old_masks: np.ndarray, old_values: np.ndarray, old_path: np.ndarray, counters: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return (masks, values, table, path) of twice the capacity with the same content; the search may go on."""
    masks, values, table, path, _ = start(old_values.shape[1], old_values.dtype, 2 * len(old_masks))
    masks[: len(old_masks)], values[: len(old_masks)], path[: len(old_path)] = old_masks, old_values, old_path
    enter(masks, table, counters[0])
    counters[3] = RUNNING
    return masks, values, table, path


@njit(cache=True, nogil=True)
def enter(masks, table, count):
    """Put the first vertices into an empty hash table."""
    for v in range(count):
        table[slot_of(masks, table, masks[v])] = v


@njit(cache=True, nogil=True)
def run(T, basic, nonbasic, origin, masks, values, table, path, counters, max_pivots):
    """Search until done, full, in doubt, or for `max_pivots`; the code is in ``counters[3]``.

    ``origin`` holds copies of (T, basic, nonbasic) from before the first pivot.
    """
    columns = len(nonbasic)
    if counters[0] == 0:
        _record(T, basic, nonbasic, mask_of(nonbasic), masks, values, table, counters)
    mask = mask_of(nonbasic)
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
        neighbour = mask ^ bit(nonbasic[column]) ^ bit(basic[row])
        if table[slot_of(masks, table, neighbour)] >= 0:
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
def bit(variable):
    """Return the bit set of one variable."""
    return np.uint64(1) << np.uint64(variable)


@njit(cache=True, nogil=True)
def mask_of(nonbasic):
    """Return the bit set of several variables."""
    mask = np.uint64(0)
    for k in range(len(nonbasic)):
        mask |= bit(nonbasic[k])
    return mask


@njit(cache=True, nogil=True)
def slot_of(masks, table, mask):
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
    table[slot_of(masks, table, mask)] = v
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
    return mask ^ bit(entering) ^ bit(leaving)


@njit(cache=True, nogil=True)
def _refresh_if_due(T, basic, nonbasic, origin, counters):
    """Compute the tableau from the first one every REFRESH pivots, by the greatest pivot of each row."""
    counters[2] += 1
    if counters[2] < REFRESH:
        return
    counters[2] = 0
    first, first_basic, first_nonbasic = origin
    rows, columns = len(basic), len(nonbasic)
    fresh, now_basic, now_nonbasic = first.copy(), first_basic.copy(), first_nonbasic.copy()
    # Where each variable belongs: its row if it is to be basic, else what is below zero.
    place = np.empty(rows + columns, np.int64)
    for i in range(rows):
        place[basic[i]] = i
    for k in range(columns):
        place[nonbasic[k]] = -1 - k
    for i in range(rows):
        if place[now_basic[i]] < 0:
            column = -1
            for k in range(columns):
                if place[now_nonbasic[k]] >= 0 and (column < 0 or abs(fresh[i, k]) > abs(fresh[i, column])):
                    column = k
            _exchange(fresh, now_basic, now_nonbasic, i, column, np.uint64(0))
    for i in range(rows):
        target = place[now_basic[i]]
        for k in range(columns):
            T[target, -1 - place[now_nonbasic[k]]] = fresh[i, k]
        T[target, columns] = fresh[i, columns]
