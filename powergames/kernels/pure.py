"""Search for pure equilibria: which joint actions can be one, and for which λ."""

from __future__ import annotations

import numpy as np

from powergames.kernels.caching import njit


@njit(cache=True, nogil=True)
def scan(
    payoffs,
    n_actions,
    weights,
    takes_best,
    slack,
    lam_low,
    lam_high,
    first,
    stop,
    found,
    count,
):
    """List joint actions that may be equilibria for some λ in [lam_low, lam_high].

    ``payoffs[i, p]`` is player `i`'s payoff at flat joint action `p`. ``weights[i, j]`` weights the power of `j` over
    `i`; with `takes_best` one adversary of weight one picks the co-player instead. A joint action passes if no pure
    deviation gains more than ``slack[i]``, each deviation facing the takeovers that suit the ego best among those that
    are equally bad: a necessary condition, sufficient where the worst takeovers are unique.

    Writes passing positions to `found` from `count` on, and returns (next position, count); stops early when full.
    """
    n = len(n_actions)
    strides = np.ones(n, np.int64)
    for i in range(n - 2, -1, -1):
        strides[i] = strides[i + 1] * n_actions[i + 1]
    position = first
    while position < stop and count < len(found):
        low, high = lam_low, lam_high
        for i in range(n):
            low, high = _interval(
                payoffs[i], position, i, n_actions, strides, weights[i], takes_best, slack[i], low, high
            )
            if low > high:
                break
        if low <= high:
            found[count] = position
            count += 1
        position += 1
    return position, count


@njit(cache=True, nogil=True)
def _interval(values, position, i, n_actions, strides, weights, takes_best, slack, low, high):
    """Shrink [low, high] to the λ at which player `i` may have no profitable deviation."""
    n = len(n_actions)
    own = position // strides[i] % n_actions[i]
    here = values[position]
    if low == 0.0 and high == 0.0:
        for action in range(n_actions[i]):
            if values[position + (action - own) * strides[i]] > here + slack:
                return 1.0, 0.0
        return low, high
    # Least payoff under a takeover by each co-player; with takes_best, under the worst takeover of all.
    least = np.full(n, here)
    worst = here
    total = 1.0 if takes_best else 0.0
    for j in range(n):
        if j != i:
            if not takes_best:
                total += weights[j]
            theirs = position // strides[j] % n_actions[j]
            for k in range(n_actions[j]):
                value = values[position + (k - theirs) * strides[j]]
                least[j] = min(least[j], value)
            worst = min(worst, least[j])
    for action in range(n_actions[i]):
        if action == own:
            continue
        shift = (action - own) * strides[i]
        gain = values[position + shift] - here
        drop = np.inf if takes_best else 0.0
        for j in range(n):
            if j == i or (not takes_best and weights[j] == 0.0):
                continue
            theirs = position // strides[j] % n_actions[j]
            bound = worst if takes_best else least[j]
            best = np.inf
            for k in range(n_actions[j]):
                taken = position + (k - theirs) * strides[j]
                if values[taken] <= bound + slack:
                    best = min(best, values[taken + shift] - values[taken])
            if takes_best:
                drop = min(drop, best)
            else:
                drop += weights[j] * best
        slope = drop - total * gain
        if n == 1:
            slope = 0.0
        # gain + λ slope <= slack
        if slope > 0.0:
            high = min(high, (slack - gain) / slope)
        elif slope < 0.0:
            low = max(low, (gain - slack) / -slope)
        elif gain > slack:
            return 1.0, 0.0
        if low > high:
            break
    return low, high
