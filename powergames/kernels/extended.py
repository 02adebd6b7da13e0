"""Values and derivatives of the extended game: the players of a game together with their adversaries.

A *point* holds the mixed strategies of all players, concatenated, and behind them those of all adversaries. The
strategy of an adversary of player `i` is concatenated from the parts z_ij with which it takes over the co-players `j`;
``places[i, j]`` is where the part z_ij begins, -1 if nobody takes over `j` against `i`. With the pair tables M_ij at
the players' strategies, the payoff of each action of player `i`, and of each takeover of an adversary of `i`, is

    linear_i M_ij x_j + Σ_j weights_ij M_ij z_ij,        -x_i' M_ij.

Their derivatives need averages of the payoffs with three players left out, of which one follows its strategy in the
point: for each ego, three axes at a time are kept and then contracted one by one.
"""

from __future__ import annotations

import numpy as np

from powergames.kernels.arrays import one_type
from powergames.kernels.caching import njit

_kernel = njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz", "arcp"})


@_kernel
def gradient(tables, starts, n_actions, offsets, places, linear, weights, point):
    """Return the payoff of every action and takeover, shape (D,), from packed pair tables."""
    n = len(n_actions)
    result = np.zeros(len(point))
    for i in range(n):
        other = 1 if i == 0 else 0
        for j in range(n):
            if j == i or (j != other and places[i, j] < 0):
                continue
            start, size, at = starts[i, j], n_actions[j], places[i, j]
            for a in range(n_actions[i]):
                row = tables[start + a * size : start + (a + 1) * size]
                total = 0.0
                if j == other:
                    for b in range(size):
                        total += linear[i] * row[b] * point[offsets[j] + b]
                if at >= 0:
                    strategy = point[offsets[i] + a]
                    for b in range(size):
                        total += weights[i, j] * row[b] * point[at + b]
                        result[at + b] -= strategy * row[b]
                result[offsets[i] + a] += total
    return result


@_kernel
def jacobian(payoffs, shifts, units, tables, starts, n_actions, offsets, places, linear, weights, point):
    """Return the derivative of `gradient` with respect to the point, shape (D, D).

    ``payoffs`` has shape (n, A_0 * ... * A_{n-1}); ``tables`` hold (payoffs - shifts) / units.
    """
    n = len(n_actions)
    result = np.zeros((len(point), len(point)))
    for i in range(n):
        for j in range(n):
            if j == i:
                continue
            start, size, at = starts[i, j], n_actions[j], places[i, j]
            for a in range(n_actions[i]):
                p = offsets[i] + a
                for b in range(size):
                    value = tables[start + a * size + b]
                    result[p, offsets[j] + b] = linear[i] * value
                    if at >= 0:
                        result[p, at + b] = weights[i, j] * value
                        result[at + b, p] = -value
        if n > 2 and attacked(places[i]):
            values = one_type(payoffs[i])
            _add_curvature(values, shifts[i], units[i], i, n_actions, offsets, places[i], weights[i], point, result)
    return result


@_kernel
def attacked(places):
    """Return whether somebody is taken over against a player, from the places of takeovers against it."""
    taken = False
    for at in places:
        taken = taken or at >= 0
    return taken


@_kernel
def _add_curvature(payoffs, shift, unit, ego, n_actions, offsets, places, weights, point, result):
    """Add what depends on three players: ego and two co-players, others averaged.

    Co-players are averaged one by one from the first, so that every tensor is a fraction of the one before, and is read
    in long runs.
    """
    n = len(n_actions)
    co_players = np.empty(n - 1, np.int64)
    for m in range(n - 1):
        co_players[m] = m if m < ego else m + 1
    outer, outer_shift = payoffs, shift
    kept_outer = np.ones(n, np.bool_)
    for m in range(n - 2):
        k = co_players[m]
        middle, middle_shift = outer, outer_shift
        kept_middle = kept_outer.copy()
        for r in range(m + 1, n - 1):
            j = co_players[r]
            inner, inner_shift = middle, middle_shift
            kept = kept_middle.copy()
            for s in range(r + 1, n - 1):
                inner = _average(inner, inner_shift, kept, co_players[s], n_actions, offsets, point)
                inner_shift = 0.0
            _add_triple(inner, inner_shift, unit, ego, j, k, n_actions, offsets, places, weights, point, result)
            if r < n - 2:
                middle = _average(middle, middle_shift, kept_middle, j, n_actions, offsets, point)
                middle_shift = 0.0
        if m < n - 3:
            outer = _average(outer, outer_shift, kept_outer, k, n_actions, offsets, point)
            outer_shift = 0.0


@_kernel
def _average(tensor, shift, kept, player, n_actions, offsets, point):
    """Average a tensor over the axis of a player, which `kept` then leaves out; subtract `shift` on the way."""
    behind = 1
    for j in range(player + 1, len(kept)):
        if kept[j]:
            behind *= n_actions[j]
    count = n_actions[player]
    before = len(tensor) // (count * behind)
    kept[player] = False
    strategy = point[offsets[player] : offsets[player] + count]
    result = np.zeros(before * behind)
    if behind == 1:
        for p in range(before):
            total = 0.0
            for a in range(count):
                total += strategy[a] * (tensor[p * count + a] - shift)
            result[p] = total
        return result
    for p in range(before):
        target = result[p * behind : (p + 1) * behind]
        for a in range(count):
            weight = strategy[a]
            if weight != 0.0:
                source = tensor[(p * count + a) * behind : (p * count + a + 1) * behind]
                for q in range(behind):
                    target[q] += weight * (source[q] - shift)
    return result


@_kernel
def _add_triple(tensor, shift, unit, ego, j, k, n_actions, offsets, places, weights, point, result):
    """Contract the tensor over ego, `j` and `k` with each of x_ego, z_ej and z_ek, and add to the derivative."""
    if places[j] < 0 and places[k] < 0:
        return
    # The players in the order of the axes.
    low, high = min(j, k), max(j, k)
    players = (min(ego, low), max(min(ego, high), low), max(ego, high))
    sizes = (n_actions[players[0]], n_actions[players[1]], n_actions[players[2]])
    tables = _contracted(
        tensor.reshape(sizes),
        shift,
        _contracting(players[0], ego, sizes[0], offsets, places, point),
        _contracting(players[1], ego, sizes[1], offsets, places, point),
        _contracting(players[2], ego, sizes[2], offsets, places, point),
    )
    for axis in range(3):
        row, column = players[0 if axis > 0 else 1], players[2 if axis < 2 else 1]
        table = tables[axis]
        if players[axis] == ego:
            # What the takeovers of each of the two are worth, in terms of what the other plays.
            for a in range(n_actions[row]):
                for b in range(n_actions[column]):
                    value = table[a, b] / unit
                    if places[row] >= 0:
                        result[places[row] + a, offsets[column] + b] -= value
                    if places[column] >= 0:
                        result[places[column] + b, offsets[row] + a] -= value
        elif places[players[axis]] >= 0:
            factor = weights[players[axis]] / unit
            for a in range(n_actions[row]):
                for b in range(n_actions[column]):
                    if row == ego:
                        result[offsets[row] + a, offsets[column] + b] += factor * table[a, b]
                    else:
                        result[offsets[column] + b, offsets[row] + a] += factor * table[a, b]


@_kernel
def _contracting(player, ego, size, offsets, places, point):
    """Return what the axis of a player is contracted with: ego's strategy, or a takeover; zeros if there is none."""
    at = offsets[player] if player == ego else places[player]
    return point[at : at + size] if at >= 0 else np.zeros(size)


@_kernel
def _contracted(tensor, shift, first_weights, second_weights, third_weights):
    """Return the tensor of three axes, less `shift`, contracted over each axis in turn, from one pass."""
    first, second, third = tensor.shape
    over_first = np.zeros((second, third))
    over_second = np.zeros((first, third))
    over_third = np.zeros((first, second))
    for a in range(first):
        outer = first_weights[a]
        line = over_second[a]
        for b in range(second):
            source, target = tensor[a, b], over_first[b]
            middle = second_weights[b]
            total = 0.0
            for c in range(third):
                value = source[c] - shift
                target[c] += outer * value
                line[c] += middle * value
                total += third_weights[c] * value
            over_third[a, b] = total
    return over_first, over_second, over_third


@_kernel
def linearized_lcp(derivative, values, point, bounds):
    """Return (M, q) of the linear complementarity problem for the game linearized at a point.

    Its costs are ``-values - derivative (point' - point)``. Constants are absorbed into the blocks on the diagonal, and
    each block is shifted to costs of at least one, which changes no best response: the strategies of a group sum to
    one. Behind the strategies comes one value for each group.
    """
    size, groups = len(point), len(bounds) - 1
    M = np.zeros((size + groups, size + groups))
    q = np.zeros(size + groups)
    for g in range(groups):
        for p in range(bounds[g], bounds[g + 1]):
            constant = -values[p]
            for r in range(size):
                constant += derivative[p, r] * point[r]
            for r in range(size):
                M[p, r] = -derivative[p, r]
            for r in range(bounds[g], bounds[g + 1]):
                M[p, r] += constant
            M[p, size + g] = -1.0
            M[size + g, p] = 1.0
        q[size + g] = -1.0
        for h in range(groups):
            least = np.inf
            for p in range(bounds[g], bounds[g + 1]):
                for r in range(bounds[h], bounds[h + 1]):
                    least = min(least, M[p, r])
            for p in range(bounds[g], bounds[g + 1]):
                for r in range(bounds[h], bounds[h + 1]):
                    M[p, r] += 1.0 - least
    return M, q
