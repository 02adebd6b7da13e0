"""Depth-first enumeration of all vertices of any polyhedron with integer data, exactly.

The tableau holds integers over one common denominator, as in `powergames.numerics.rational`: row `i` says
``det * basic[i] + Σ_k T[i, k] nonbasic[k] = T[i, -1]``. What is enumerated are the bases of a lexicographic
perturbation of the polyhedron, which is simple and has at least one basis for every vertex. Products take 128 bits, and
the division by the last pivot leaves no remainder, so entries are exact up to 62 bits. With a greater one the search
gives up with OVERFLOW.
"""

from __future__ import annotations

import numpy as np

from powergames.kernels.caching import njit
from powergames.kernels.vertices import DONE, FULL, RUNNING, bit, mask_of, slot_of

OVERFLOW = 3

# Entries stay below this size; what a product of two entries in floats may be wrong by, relative to its size.
LARGEST = 2.0**62
WRONG = 2.0**-51

_HALF = np.int64(32)
_LOW = np.int64(0xFFFFFFFF)


@njit(cache=True, nogil=True)
def run(T, basic, nonbasic, origin, masks, values, table, path, counters, max_pivots):
    """Search until done, full, too large, or for `max_pivots`; the code is in ``counters[3]``.

    As `powergames.kernels.vertices.run`, but ``origin`` holds the basic variables from before the first pivot,
    ``counters[2]`` the common denominator, and ``values[v]`` numerators followed by the denominator.
    """
    columns = len(nonbasic)
    place = np.empty(len(basic) + columns, np.int64)
    for i in range(len(basic)):
        place[basic[i]] = i
    for k in range(columns):
        place[nonbasic[k]] = -1 - k
    tied = np.empty(len(basic), np.int64)
    mask = mask_of(nonbasic)
    if counters[0] == 0:
        counters[2] = 1
        _record(T, basic, mask, masks, values, table, counters)
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
            mask = _exchange(T, basic, nonbasic, place, row, column, mask, counters)
            path[depth - 1, 2] += 1
            pivots += 1
            continue
        row = _leaving_row(T, place, origin, column, tied)
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
        mask = _exchange(T, basic, nonbasic, place, row, column, mask, counters)
        pivots += 1
        counters[1] = depth + 1
        path[depth + 1, 0], path[depth + 1, 1], path[depth + 1, 2] = row, column, 0
        _record(T, basic, mask, masks, values, table, counters)


@njit(cache=True, nogil=True)
def _record(T, basic, mask, masks, values, table, counters):
    """Add the present basis."""
    v = counters[0]
    last = T.shape[1] - 1
    for i in range(len(basic)):
        values[v, basic[i]] = T[i, last]
    values[v, values.shape[1] - 1] = counters[2]
    masks[v] = mask
    table[slot_of(masks, table, mask)] = v
    counters[0] = v + 1


@njit(cache=True, nogil=True)
def _leaving_row(T, place, origin, column, tied):
    """Return the row of the lexicographic minimum ratio for an entering column, -1 if nothing leaves."""
    count = 0
    for i in range(T.shape[0]):
        if T[i, column] > 0:
            tied[count] = i
            count += 1
    if count == 0:
        return -1
    count = _with_least_ratio(T, column, T.shape[1] - 1, tied, count)
    for variable in origin:
        if count == 1:
            break
        # A basic one is a unit vector: its row is the only one with a positive entry, so it loses the tie.
        k = -1 - place[variable]
        count = _with_least_ratio(T, column, k, tied, count) if k >= 0 else _without(place[variable], tied, count)
    return tied[0]


@njit(cache=True, nogil=True)
def _without(row, tied, count):
    """Take a row out of the first `count`, if it is there; return how many are left."""
    left = 0
    for t in range(count):
        if tied[t] != row:
            tied[left] = tied[t]
            left += 1
    return left


@njit(cache=True, nogil=True)
def _with_least_ratio(T, column, numerators, tied, count):
    """Keep the rows in which the ratio of two columns is least; return how many of them there are."""
    best, left = tied[0], 1
    for t in range(1, count):
        i = tied[t]
        order = _compare(T[i, numerators], T[best, column], T[best, numerators], T[i, column])
        if order < 0:
            best, left = i, 1
            tied[0] = i
        elif order == 0:
            tied[left] = i
            left += 1
    return left


@njit(cache=True, nogil=True)
def _exchange(T, basic, nonbasic, place, row, column, mask, counters):
    """Pivot in place on a positive entry and return the new zero set."""
    det, pivot = counters[2], T[row, column]
    shift = 0
    while (det >> shift) & 1 == 0:
        shift += 1
    inverse = _inverse(np.uint64(det >> shift))
    for i in range(T.shape[0]):
        factor = T[i, column]
        if i == row:
            continue
        for k in range(T.shape[1]):
            if k == column:
                T[i, k] = -factor
                continue
            one, other = float(T[i, k]) * float(pivot), float(factor) * float(T[row, k])
            if abs(one - other) + WRONG * (abs(one) + abs(other)) >= LARGEST * det:
                counters[3] = OVERFLOW
                return mask
            T[i, k] = _divided(T[i, k], pivot, factor, T[row, k], shift, inverse)
    T[row, column] = det
    counters[2] = pivot
    entering, leaving = nonbasic[column], basic[row]
    basic[row], nonbasic[column] = entering, leaving
    place[entering], place[leaving] = row, -1 - column
    return mask ^ bit(entering) ^ bit(leaving)


@njit(cache=True, nogil=True)
def _inverse(odd):
    """Return the inverse of an odd number modulo 2**64, by Newton's method."""
    inverse = odd
    for _ in range(5):
        inverse *= np.uint64(2) - odd * inverse
    return inverse


@njit(cache=True, nogil=True)
def _divided(a, b, c, d, shift, inverse):
    """Return ``(a b - c d) / (odd << shift)``, which must be an integer of 63 bits, given the inverse of `odd`."""
    low = np.uint64(a) * np.uint64(b)
    less = np.uint64(c) * np.uint64(d)
    if shift > 0:
        borrow = np.int64(1) if low < less else np.int64(0)
        high = np.uint64(_high(a, b) - _high(c, d) - borrow)
        low = ((low - less) >> np.uint64(shift)) | (high << np.uint64(64 - shift))
    else:
        low -= less
    return np.int64(low * inverse)


@njit(cache=True, nogil=True)
def _compare(a, b, c, d):
    """Return the sign of ``a b - c d``."""
    one, other = _high(a, b), _high(c, d)
    if one != other:
        return -1 if one < other else 1
    low, less = np.uint64(a) * np.uint64(b), np.uint64(c) * np.uint64(d)
    if low == less:
        return 0
    return -1 if low < less else 1


@njit(cache=True, nogil=True)
def _high(a, b):
    """Return the upper 64 bits of the product of two numbers with signs (Warren, Hacker's Delight, 2012, 8-2)."""
    a_low, a_high = a & _LOW, a >> _HALF
    b_low, b_high = b & _LOW, b >> _HALF
    carry = np.int64((np.uint64(a_low) * np.uint64(b_low)) >> np.uint64(32))
    middle = a_high * b_low + carry
    rest = a_low * b_high + (middle & _LOW)
    return a_high * b_high + (middle >> _HALF) + (rest >> _HALF)
