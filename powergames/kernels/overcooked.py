"""Breadth-first search over the states of a kitchen, whose rules are tables.

A state is a number in mixed radix: the digits are the poses of the two chefs, what they hold, and the condition of each
thing that changes, pots and counters. A pose says in which cell a chef stands and which station the chef would use.
"""

from __future__ import annotations

import numpy as np

from powergames.kernels.caching import njit

_kernel = njit(cache=True, nogil=True)

# Actions: four moves, staying, using the station that the chef faces.
STAY, INTERACT, ACTIONS = 4, 5, 6

# Share of the slots of a hash table that may be taken.
LOAD = 0.6

# An odd number close to 2^64 divided by the golden ratio, which spreads keys over the slots.
_SPREAD = np.uint64(0x9E3779B97F4A7C15)


@_kernel
def expand(
    first, last, found, cells, ahead, moved, turned, stations, uses, ticks, radices, keys, following, paid, slots
):
    """Find what follows the states `first` to ``last - 1``, and number states that are new.

    Parameters
    ----------
    first, last : int
        States to expand, all of them found before.
    found : int
        Number of states found so far.
    cells : ndarray of int64, shape (poses,)
        Cell in which a chef of that pose stands.
    ahead : ndarray of int64, shape (poses, 5)
        ``ahead[pose, a]`` is the cell where move `a` leads if the other chef is not in the way.
    moved, turned : ndarray of int64, shape (poses, 5)
        The pose after move `a`, and after the other chef prevented it.
    stations : ndarray of int64, shape (poses, 2)
        ``stations[pose]``: kind of the station that the chef faces, and the index of its thing in the state; the number
        of things if nothing about the station changes.
    uses : ndarray of int64, shape (kinds, items, conditions, 3)
        ``uses[kind, held, condition]``: what the chef holds after using the station, its condition, what is paid.
    ticks : ndarray of int64, shape (things, conditions)
        ``ticks[k, condition]``: condition of thing `k` a step later.
    radices : ndarray of int64, shape (4 + things,)
        Number of values of each digit.
    keys : ndarray of int64, shape (capacity,)
        States found so far; new ones are appended.
    following : ndarray of int32, shape (capacity, 36)
        ``following[s, 6 * a0 + a1]``: the state that follows `s`. Written.
    paid : ndarray of int8, int16 or int32, shape (capacity, 36)
        What is paid meanwhile. Written.
    slots : ndarray of int64, shape (2 ** m, 2)
        Hash table of keys and their states; -1 as a state marks a free slot. Written.

    Returns
    -------
    done, found : int
        States from `first` on that are done, fewer than asked for if `keys` or `slots` became full; states found.
    """
    things = len(radices) - 4
    shift, most = _shift(len(slots)), min(len(keys), int(LOAD * len(slots)))
    places = np.empty(4 + things, np.int64)
    places[0] = 1
    for k in range(1, 4 + things):
        places[k] = places[k - 1] * radices[k - 1]
    conditions = np.zeros(things + 1, np.int64)
    held, station = np.empty(2, np.int64), np.empty((2, 2), np.int64)
    effects, earned = np.empty(4, np.int64), np.empty(4, np.int64)
    steps = np.empty((5, 5), np.int64)
    local_keys, local_states = np.empty(36, np.int64), np.empty(36, np.int64)
    for s in range(first, last):
        if found + 36 > most:
            return s - first, found
        rest = keys[s]
        pose_0, rest = rest % radices[0], rest // radices[0]
        pose_1, rest = rest % radices[1], rest // radices[1]
        held_0, rest = rest % radices[2], rest // radices[2]
        held_1, rest = rest % radices[3], rest // radices[3]
        waited = 0
        for k in range(things):
            conditions[k], rest = rest % radices[4 + k], rest // radices[4 + k]
            waited += places[4 + k] * ticks[k, conditions[k]]
        station[0], station[1] = stations[pose_0], stations[pose_1]
        for who_uses in range(4):
            held[0], held[1] = held_0, held_1
            key, earned[who_uses] = waited, 0
            used_0, used_1 = -1, -1
            for chef in range(2):
                if who_uses >> (1 - chef) & 1:
                    kind, thing = station[chef]
                    was = conditions[thing]
                    if chef == 1 and thing == used_0:
                        was = used_1
                    now = uses[kind, held[chef], was]
                    held[chef] = now[0]
                    earned[who_uses] += now[2]
                    if thing < things:
                        key += places[4 + thing] * (ticks[thing, now[1]] - ticks[thing, was])
                        used_0, used_1 = thing, now[1]
            effects[who_uses] = key + places[2] * held[0] + places[3] * held[1]
        cell_0, cell_1 = cells[pose_0], cells[pose_1]
        for a in range(5):
            to_0 = ahead[pose_0, a]
            for b in range(5):
                to_1 = ahead[pose_1, b]
                if to_0 == to_1 or (to_0 == cell_1 and to_1 == cell_0):
                    steps[a, b] = turned[pose_0, a] + places[1] * turned[pose_1, b]
                else:
                    steps[a, b] = moved[pose_0, a] + places[1] * moved[pose_1, b]
        n_local = 0
        for a in range(ACTIONS):
            for b in range(ACTIONS):
                who_uses = 2 * (a == INTERACT) + (b == INTERACT)
                key = steps[min(a, STAY), min(b, STAY)] + effects[who_uses]
                joint = ACTIONS * a + b
                paid[s, joint] = earned[who_uses]
                # Fewer than half of the joint actions lead to states of their own.
                known = 0
                while known < n_local and local_keys[known] != key:
                    known += 1
                if known == n_local:
                    slot = _slot(slots, key, shift)
                    if slots[slot, 1] < 0:
                        slots[slot, 0], slots[slot, 1] = key, found
                        keys[found] = key
                        found += 1
                    local_keys[known], local_states[known] = key, slots[slot, 1]
                    n_local += 1
                following[s, joint] = local_states[known]
    return last - first, found


@_kernel
def rehash(keys, found, slots):
    """Write the first `found` keys into an empty hash table of shape (2 ** m, 2), whose states are all -1."""
    shift = _shift(len(slots))
    for s in range(found):
        slot = _slot(slots, keys[s], shift)
        slots[slot, 0], slots[slot, 1] = keys[s], s


@_kernel
def _shift(size):
    """Return by how many bits a spread key is shifted to become a slot."""
    shift = 64
    while size > 1:
        size >>= 1
        shift -= 1
    return shift


@_kernel
def _slot(slots, key, shift):
    """Return the slot of a key: the one that holds it, or the free one where it belongs."""
    slot = np.int64((np.uint64(key) * _SPREAD) >> np.uint64(shift))
    while slots[slot, 1] >= 0 and slots[slot, 0] != key:
        slot = (slot + 1) & (len(slots) - 1)
    return slot
