"""Refinement of a partition of states, by which those from which play goes on alike become one block."""

from __future__ import annotations

import numpy as np

from powergames.kernels.caching import njit

_kernel = njit(cache=True, nogil=True)

# An odd number close to 2^64 divided by the golden ratio, which spreads sums over the slots.
_SPREAD = np.uint64(0x9E3779B97F4A7C15)


@_kernel
def refine(blocks, table, image, slots, exact):
    """Split blocks whose states differ in what their rows of a table stand for.

    Parameters
    ----------
    blocks : ndarray of int32, shape (S,)
        Block of each state.
    table : ndarray of int, shape (S, J)
    image : ndarray of int32
        ``image[table[s, row]]`` is what an entry stands for.
    slots : ndarray of int32, shape (2 ** m,)
        Room for a hash table, with more slots than states. Overwritten.
    exact : bool
        Whether rows are compared; else only 64 bits made of them, by which blocks might not be split that should be.

    Returns
    -------
    refined : ndarray of int32, shape (S,)
        States are in the same block if they were before and all their entries stand for the same. Blocks are numbered
        in the order of their first states.
    firsts : ndarray of int32, shape (B,)
        First state of each block.
    """
    n_states, n_rows = table.shape
    slots[:] = -1
    refined, firsts = np.empty(n_states, np.int32), np.empty(n_states, np.int32)
    keys = np.empty(n_states, np.uint64)
    n_blocks = 0
    for s in range(n_states):
        key = np.uint64(blocks[s]) * _SPREAD
        for row in range(n_rows):
            key = (key ^ (key >> np.uint64(29))) * _SPREAD + np.uint64(image[table[s, row]])
        key = (key ^ (key >> np.uint64(32))) * _SPREAD
        slot = np.int64(key >> np.uint64(33)) & (len(slots) - 1)
        while slots[slot] >= 0 and (
            keys[slots[slot]] != key or (exact and not _alike(blocks, table, image, firsts[slots[slot]], s))
        ):
            slot = (slot + 1) & (len(slots) - 1)
        if slots[slot] < 0:
            slots[slot] = n_blocks
            firsts[n_blocks], keys[n_blocks] = s, key
            n_blocks += 1
        refined[s] = slots[slot]
    return refined, firsts[:n_blocks].copy()


@_kernel
def _alike(blocks, table, image, s, t):
    if blocks[s] != blocks[t]:
        return False
    for row in range(table.shape[1]):  # noqa: SIM110, Numba has no all() of a generator
        if image[table[s, row]] != image[table[t, row]]:
            return False
    return True
