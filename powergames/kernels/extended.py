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
from numba import njit

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
        if n > 2 and np.max(places[i]) >= 0:
            _add_curvature(payoffs[i], shifts[i], units[i], i, n_actions, offsets, places[i], weights[i], point, result)
    return result


@_kernel
def _add_curvature(payoffs, shift, unit, ego, n_actions, offsets, places, weights, point, result):
    """Add what depends on three players: ego and two co-players, others averaged.

    Co-players are averaged one by one from the first, so that every tensor is a fraction of the one before, and is read
    in long runs.
    """
    n = len(n_actions)
    co_players = np.array([j for j in range(n) if j != ego])
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
    # Strides of the three axes, which stand in the order of the players.
    step_ego = (n_actions[j] if j > ego else 1) * (n_actions[k] if k > ego else 1)
    step_j = (n_actions[ego] if ego > j else 1) * (n_actions[k] if k > j else 1)
    step_k = (n_actions[ego] if ego > k else 1) * (n_actions[j] if j > k else 1)
    for a in range(n_actions[ego]):
        p = offsets[ego] + a
        for b in range(n_actions[j]):
            at_j = offsets[j] + b
            taken_j = weights[j] * point[places[j] + b] if places[j] >= 0 else 0.0
            for c in range(n_actions[k]):
                at_k = offsets[k] + c
                value = (tensor[a * step_ego + b * step_j + c * step_k] - shift) / unit
                if places[j] >= 0:
                    result[p, at_k] += taken_j * value
                    result[places[j] + b, at_k] -= point[p] * value
                if places[k] >= 0:
                    result[p, at_j] += weights[k] * point[places[k] + c] * value
                    result[places[k] + c, at_j] -= point[p] * value


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
            block = M[bounds[g] : bounds[g + 1], bounds[h] : bounds[h + 1]]
            least = np.min(block)
            for p in range(len(block)):
                for r in range(block.shape[1]):
                    block[p, r] += 1.0 - least
    return M, q
