"""Lemke's path from a prior through a two-player game, in two small halves instead of one large dictionary.

Player x and the adversary w (who acts like x) appear in the constraints of y and of the adversary z, and the other way
around. So the problem of `powergames.kernels.lemke.path_lcp` falls into two *sides*: the strategies of x and w under
the constraints that no action of y and z has more than its level, and those of y and z under the constraints of x and
w. What couples the sides is complementarity, and the share `t` with which everybody plays the prior:

    slack_j = level - Σ_i payoff_ij (ξ_i + t prior_i) >= 0,    Σ_i ξ_i = 1 - t.

Strategies are bounded, so the path cannot end in a ray; it leads from t = 1, where nobody but the prior plays, to
t = 0. Between two vertices with complementary supports only `t` changes. Where something reaches zero, first the other
side makes a pivot, for this `t`, then the side itself.

Of each side only its *core* is held: the inverse of the matrix of the strategies in use against the slacks that are
zero. Supports are small, so that a pivot costs a few rows of payoffs, where a dictionary costs all its entries.

With `m` and `n` actions a side numbers its strategies from 0 (x) and from m (w), its slacks from 2m (y) and from 2m + n
(z). All values are of the form ``a + b t + c ε`` and held as rows a, b and c. The perturbation ε is smaller than all
numbers; its random coefficients break all ties.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from powergames.kernels.caching import njit

_kernel = njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz", "arcp"})

SOLVED, RUNNING, LOST = 0, 1, 2

# Entries of a direction below PIVOT count as zero; ratios closer than TIE are compared by ε.
PIVOT = 1e-10
TIE = 1e-11

# Pivots of a side after which its core is inverted afresh.
FRESH = 60


class Side(NamedTuple):
    """One half of a problem: the strategies of two groups under the constraints of the other two.

    Attributes
    ----------
    rewards : ndarray, shape (m, n)
        What the player whose slacks these are is paid, for actions of the first and of the second group alike.
    threats : ndarray, shape (m, n)
        What that player's opponent is paid, which the adversary minimizes; depends on the first group only.
    weights : ndarray, shape (2,)
        How the rewards against the first and the second group count.
    shifts : ndarray, shape (2, 2n)
        Coefficients of `t` and of ε in the slacks, apart from those of the strategies.
    counts : ndarray of int, shape (4,)
        Size of the core, number of levels, number of groups of strategies, pivots since the core was inverted.
    columns, rows : ndarray of int
        The strategies and the active slacks of the core. Before them come the levels, and the sums of the strategies.
    place : ndarray of int, shape (2m + 2n,)
        Position of a strategy or slack in the core; -1 outside of it.
    inverse : ndarray
        The inverse of the core, from active slacks to strategies.
    values : ndarray, shape (3, ...)
        Levels and strategies of the core.
    slacks : ndarray, shape (3, 2n)
        Slacks outside of the core.
    """

    rewards: np.ndarray
    threats: np.ndarray
    weights: np.ndarray
    shifts: np.ndarray
    counts: np.ndarray
    columns: np.ndarray
    rows: np.ndarray
    place: np.ndarray
    inverse: np.ndarray
    values: np.ndarray
    slacks: np.ndarray


@_kernel
def fresh(side):
    """Invert the core of a side, and compute all values from it; tell whether the core was regular."""
    size, levels, groups = side.counts[0], side.counts[1], side.counts[2]
    m, n = side.rewards.shape
    core = np.zeros((size, size))
    for c in range(levels, size):
        core[side.columns[c] // m, c] = 1.0
    for r in range(groups, size):
        slack = side.rows[r] - 2 * m
        core[r, slack // n] = 1.0 if slack < n else -1.0
        _row(side.rewards, side.threats, side.weights, slack, side.columns[levels:size], core[r, levels:])
    if not _invert(core):
        return False
    side.inverse[:size, :size] = core
    side.counts[3] = 0
    total = 0.0
    for c in range(size):
        total = 0.0
        for g in range(groups):
            total += core[c, g]
        side.values[0, c], side.values[1, c], side.values[2, c] = total, -total, 0.0
        for r in range(groups, size):
            slack = side.rows[r] - 2 * m
            side.values[1, c] -= core[c, r] * side.shifts[0, slack]
            side.values[2, c] -= core[c, r] * side.shifts[1, slack]
    for k in range(3):
        _constraints(side, side.values[k], side.slacks[k])
    side.slacks[1:] += side.shifts
    return True


@_kernel
def run(first, second, state, max_pivots):
    """Follow the path for about so many pivots; return the number made.

    ``state`` is [code, t, coefficient of ε in t, sign of the change of t].
    """
    sides = (first, second)
    size = first.values.shape[1]
    moves, slack_moves = np.empty(size), np.empty(max(first.slacks.shape[1], second.slacks.shape[1]))
    made = 0
    while state[0] == RUNNING and made < max_pivots:
        made += _turn(sides, state, moves, slack_moves)
    return made


@_kernel
def _turn(sides, state, moves, slack_moves):
    """Change `t` as far as it goes, and make the pivots that follow; return their number."""
    t, t_epsilon, sign = state[1], state[2], state[3]
    here, blocked, best, best_epsilon = -1, -1, np.inf, np.inf
    for k in range(2):
        label, ratio, epsilon = _ratio_test(sides[k], sides[k].values[1], sides[k].slacks[1], sign, t, t_epsilon, -1)
        if label >= 0 and _is_less(ratio, epsilon, best, best_epsilon):
            here, blocked, best, best_epsilon = k, label, ratio, epsilon
    if sign < 0.0 and best >= t - TIE:
        state[0], state[1], state[2] = SOLVED, 0.0, 0.0
        return 0
    t += sign * best
    t_epsilon += sign * best_epsilon
    state[0], state[1], state[2] = LOST, t, t_epsilon
    if not t < 1.0 + TIE:
        return 0
    side, other = sides[here], sides[1 - here]
    strategies, others = 2 * len(side.rewards), 2 * len(other.rewards)
    leaving = blocked
    made = 0
    # Rounding could lead round and round.
    while made < 2 * (strategies + others):
        entering = _complement(leaving, strategies, others)
        _move(other, entering, moves, slack_moves)
        label, _, _ = _ratio_test(other, moves, slack_moves, 1.0, t, t_epsilon, -1)
        made += 1
        if label < 0 or not _pivot(other, entering, label, moves, slack_moves):
            return made
        entering = _complement(label, others, strategies)
        if entering == blocked:
            # Its complement is back at zero, so that it may grow again.
            state[0] = RUNNING
            break
        _move(side, entering, moves, slack_moves)
        made += 1
        if abs(_rate(side.place, strategies, blocked, moves, slack_moves)) > PIVOT:
            if _pivot(side, entering, blocked, moves, slack_moves):
                state[0] = RUNNING
            break
        # What is blocked does not depend on what enters: the path goes on for the same t.
        leaving, _, _ = _ratio_test(side, moves, slack_moves, 1.0, t, t_epsilon, blocked)
        if leaving < 0 or not _pivot(side, entering, leaving, moves, slack_moves):
            return made
    if state[0] == RUNNING:
        state[3] = 1.0 if _rate(side.place, strategies, entering, side.values[1], side.slacks[1]) > 0.0 else -1.0
    return made


@_kernel
def _complement(label, strategies, others):
    """Return what is complementary to a strategy or slack, on the other side, which has so many strategies."""
    return label - strategies if label >= strategies else others + label


@_kernel
def _rate(place, strategies, label, moves, slack_moves):
    """Return the entry of a strategy of the core, or of a slack outside of it."""
    return slack_moves[label - strategies] if label >= strategies else moves[place[label]]


@_kernel
def _is_less(ratio, epsilon, other, other_epsilon):
    if abs(ratio - other) <= TIE * (1.0 + abs(other)):
        return epsilon < other_epsilon
    return ratio < other


@_kernel
def _ratio_test(side, rates, slack_rates, sign, t, t_epsilon, skipped):
    """Return what first reaches zero at these rates, and when: -1 if nothing does."""
    m, n = side.rewards.shape
    place, columns, values, slacks = side.place, side.columns, side.values, side.slacks
    levels = side.counts[1]
    chosen, best, best_epsilon = -1, np.inf, np.inf
    for c in range(levels, side.counts[0]):
        rate = -sign * rates[c]
        if rate > PIVOT and columns[c] != skipped:
            ratio = max(values[0, c] + t * values[1, c], 0.0) / rate
            epsilon = (values[2, c] + t_epsilon * values[1, c]) / rate
            if _is_less(ratio, epsilon, best, best_epsilon):
                chosen, best, best_epsilon = columns[c], ratio, epsilon
    for j in range(levels * n):
        rate = -sign * slack_rates[j]
        if rate > PIVOT:
            value = max(slacks[0, j] + t * slacks[1, j], 0.0)
            # Most are no candidates, and a comparison costs less than a division.
            if (chosen < 0 or value <= (best + TIE * (1.0 + best)) * rate) and place[2 * m + j] < 0:
                ratio, epsilon = value / rate, (slacks[2, j] + t_epsilon * slacks[1, j]) / rate
                if 2 * m + j != skipped and _is_less(ratio, epsilon, best, best_epsilon):
                    chosen, best, best_epsilon = 2 * m + j, ratio, epsilon
    return chosen, best, best_epsilon


@_kernel
def _move(side, entering, moves, slack_moves):
    """Write what a unit of an entering strategy or slack does to the core, and to the slacks outside of it."""
    size, levels, groups = side.counts[0], side.counts[1], side.counts[2]
    m = len(side.rewards)
    if entering >= 2 * m:
        for c in range(size):
            moves[c] = side.inverse[c, side.place[entering]]
        _constraints(side, moves, slack_moves)
        return
    one, unit = np.full(1, entering), np.ones(1)
    slack_moves[:] = 0.0
    _combine(side.rewards, side.threats, side.weights, one, unit, levels, slack_moves)
    column = np.zeros(size)
    column[entering // m] = 1.0
    for r in range(groups, size):
        column[r] = slack_moves[side.rows[r] - 2 * m]
    inverse = side.inverse
    for c in range(size):
        total = 0.0
        for r in range(size):
            total -= inverse[c, r] * column[r]
        moves[c] = total
    _constraints(side, moves, slack_moves)
    _combine(side.rewards, side.threats, side.weights, one, unit, levels, slack_moves)


@_kernel
def _constraints(side, values, slacks):
    """Write the slacks of the levels and strategies of the core, the prior left out."""
    n = side.rewards.shape[1]
    levels, columns = side.counts[1], side.columns
    slacks[:n] = values[0]
    slacks[n : 2 * n] = -values[1] if levels == 2 else 0.0
    _combine(
        side.rewards, side.threats, side.weights, columns[levels : side.counts[0]], values[levels:], levels, slacks
    )


@_kernel
def _combine(rewards, threats, weights, labels, amounts, levels, slacks):
    """Add what some strategies do to the slacks."""
    m, n = rewards.shape
    own, rest = slacks[:n], slacks[n:]
    for c in range(len(labels)):
        label, amount = labels[c], amounts[c]
        action = label - m if label >= m else label
        factor = -amount * (weights[1] if label >= m else weights[0])
        for j in range(n):
            own[j] += factor * rewards[action, j]
        if label < m and levels == 2:
            for j in range(n):
                rest[j] += amount * threats[action, j]


@_kernel
def _row(rewards, threats, weights, slack, labels, row):
    """Write what a unit of each of some strategies adds to a slack."""
    m, n = rewards.shape
    for c in range(len(labels)):
        label = labels[c]
        if slack >= n:
            row[c] = threats[label, slack - n] if label < m else 0.0
        elif label >= m:
            row[c] = -weights[1] * rewards[label - m, slack]
        else:
            row[c] = -weights[0] * rewards[label, slack]


@_kernel
def _pivot(side, entering, leaving, moves, slack_moves):
    """Let one strategy or slack become positive and another one zero; tell whether the core stayed regular."""
    m, n = side.rewards.shape
    size, levels = side.counts[0], side.counts[1]
    columns, rows, place, inverse = side.columns, side.rows, side.place, side.inverse
    values, slacks = side.values, side.slacks
    rate = _rate(place, 2 * m, leaving, moves, slack_moves)
    amounts = np.empty(3)
    for k in range(3):
        amounts[k] = amount = -_rate(place, 2 * m, leaving, values[k], slacks[k]) / rate
        for c in range(size):
            values[k, c] += amount * moves[c]
        for j in range(levels * n):
            slacks[k, j] += amount * slack_moves[j]
    row = np.zeros(size)
    if leaving >= 2 * m:
        slack = leaving - 2 * m
        row[:] = (1.0 if slack < n else -1.0) * inverse[slack // n, :size]
        entries = np.empty(size - levels)
        _row(side.rewards, side.threats, side.weights, slack, columns[levels:size], entries)
        for c in range(levels, size):
            entry = entries[c - levels]
            for r in range(size):
                row[r] += entry * inverse[c, r]
    else:
        row[:] = inverse[place[leaving], :size]
    # Row and rate are those of what leaves; all else changes by a multiple of them.
    if entering < 2 * m and leaving < 2 * m:
        p = place[leaving]
        for c in range(size):
            factor = -1.0 / rate if c == p else -moves[c] / rate
            for r in range(size):
                inverse[c, r] = factor * row[r] if c == p else inverse[c, r] + factor * row[r]
        columns[p], place[entering], place[leaving] = entering, p, -1
        values[:, p] = amounts
    elif entering < 2 * m:
        for c in range(size):
            factor = moves[c] / rate
            for r in range(size):
                inverse[c, r] -= factor * row[r]
            inverse[c, size] = factor
        for r in range(size):
            inverse[size, r] = -row[r] / rate
        inverse[size, size] = 1.0 / rate
        columns[size], rows[size] = entering, leaving
        place[entering] = place[leaving] = size
        values[:, size] = amounts
        side.counts[0] = size + 1
    elif leaving < 2 * m:
        p, q, last = place[leaving], place[entering], size - 1
        for c in range(size):
            factor = moves[c] / rate
            for r in range(size):
                inverse[c, r] -= factor * row[r]
        inverse[p, :size] = inverse[last, :size]
        inverse[:last, q] = inverse[:last, last]
        columns[p], rows[q] = columns[last], rows[last]
        values[:, p] = values[:, last]
        place[columns[p]], place[rows[q]] = p, q
        place[entering] = place[leaving] = -1
        side.counts[0] = last
    else:
        q = place[entering]
        for c in range(size):
            factor = moves[c] / rate
            for r in range(size):
                if r != q:
                    inverse[c, r] -= factor * row[r]
            inverse[c, q] = factor
        rows[q], place[leaving], place[entering] = leaving, q, -1
    if leaving >= 2 * m:
        slacks[:, leaving - 2 * m] = 0.0
    if entering >= 2 * m:
        slacks[:, entering - 2 * m] = amounts
    side.counts[3] += 1
    return side.counts[3] < FRESH or fresh(side)


@_kernel
def _invert(matrix):
    """Replace a matrix by its inverse, by Gauss-Jordan steps with the largest pivots; tell whether it is regular."""
    size = len(matrix)
    order = np.empty(size, np.int64)
    for k in range(size):
        best = k
        for i in range(k + 1, size):
            if abs(matrix[i, k]) > abs(matrix[best, k]):
                best = i
        if not abs(matrix[best, k]) > PIVOT:
            return False
        order[k] = best
        if best != k:
            for j in range(size):
                matrix[k, j], matrix[best, j] = matrix[best, j], matrix[k, j]
        scale = 1.0 / matrix[k, k]
        matrix[k, k] = 1.0
        for j in range(size):
            matrix[k, j] *= scale
        for i in range(size):
            factor = matrix[i, k]
            if i != k and factor != 0.0:
                matrix[i, k] = 0.0
                for j in range(size):
                    matrix[i, j] -= factor * matrix[k, j]
    for k in range(size - 1, -1, -1):
        if order[k] != k:
            for i in range(size):
                matrix[i, k], matrix[i, order[k]] = matrix[i, order[k]], matrix[i, k]
    return True


@_kernel
def answers(row, row_across, column, column_across, lams, regrets, rounds):
    """Play regret matching+ for some rounds; return the averages of x, y, z and w, later rounds counting more.

    Players and adversaries take turns. ``lams`` are the two players' λ W, ``regrets`` what x, y, z and w begin with,
    ``row_across`` and ``column_across`` the transposed payoffs.
    """
    lam_row, lam_column = lams
    x_regrets, y_regrets, z_regrets, w_regrets = regrets
    x, y, z, w = _matched(x_regrets), _matched(y_regrets), _matched(z_regrets), _matched(w_regrets)
    x_sum, y_sum, z_sum, w_sum = np.zeros(len(x)), np.zeros(len(y)), np.zeros(len(y)), np.zeros(len(x))
    for k in range(1, rounds + 1):
        x = _round(((1.0 - lam_row) * y + lam_row * z) @ row_across, x, x_regrets, x_sum, k)
        z = _round(-(x @ row), z, z_regrets, z_sum, k)
        y = _round(((1.0 - lam_column) * x + lam_column * w) @ column, y, y_regrets, y_sum, k)
        w = _round(-(y @ column_across), w, w_regrets, w_sum, k)
    return x_sum / x_sum.sum(), y_sum / y_sum.sum(), z_sum / z_sum.sum(), w_sum / w_sum.sum()


@_kernel
def _round(values, strategy, regrets, total, weight):
    """Return the strategy that regret matching+ answers with; update its regrets and the weighted sum."""
    mean = 0.0
    for a in range(len(values)):
        mean += values[a] * strategy[a]
    for a in range(len(values)):
        regrets[a] = max(regrets[a] + values[a] - mean, 0.0)
    result = _matched(regrets)
    for a in range(len(values)):
        total[a] += weight * result[a]
    return result


@_kernel
def _matched(regrets):
    total = regrets.sum()
    return regrets / total if total > 0.0 else np.full(len(regrets), 1.0 / len(regrets))


def start(
    payoffs: tuple[np.ndarray, ...], lams: tuple[float, float], prior: tuple[np.ndarray, ...], noise: np.ndarray
) -> tuple[Side, Side, np.ndarray]:
    """Return (first, second, state) of the path that begins where everybody answers a prior.

    Parameters
    ----------
    payoffs : tuple of ndarray
        Payoffs of players 0 and 1, scaled to [0, 1] and in C order: shape (m, n), transposed (n, m), and so for player
        1.
    lams : tuple of float
        The two players' λ W; at 0 there is no adversary.
    prior : tuple of ndarray
        Strategies of x, y, z, w.
    noise : ndarray, shape (2 (m + n),)
        The coefficients of ε.
    """
    row, row_across, column, column_across = payoffs
    n = row.shape[1]
    x, y, z, w = prior
    first = _side(column, row, lams[1], lams[0] > 0.0, x, w, noise[: 2 * n])
    second = _side(row_across, column_across, lams[0], lams[1] > 0.0, y, z, noise[2 * n :])
    for side, other in ((first, second), (second, first)):
        strategies, columns = 2 * len(side.rewards), side.rewards.shape[1]
        for group in range(side.counts[1]):
            values, noises = side.shifts[:, group * columns : (group + 1) * columns]
            tied = np.flatnonzero(values <= values.min() + TIE)
            answer = group * columns + int(tied[np.argmin(noises[tied])])
            # The slack of the best answer is zero, its strategy is in use.
            position = side.counts[2] + group
            side.rows[position], side.place[strategies + answer] = strategies + answer, position
            position = other.counts[1] + group
            other.columns[position], other.place[answer] = answer, position
    regular = fresh(first) and fresh(second)
    return first, second, np.array([RUNNING if regular else LOST, 1.0, 0.0, -1.0])


def _side(
    rewards: np.ndarray,
    threats: np.ndarray,
    lam: float,
    has_adversary: bool,
    prior: np.ndarray,
    second_prior: np.ndarray,
    noise: np.ndarray,
) -> Side:
    m, n = rewards.shape
    levels, groups = 1 + has_adversary, 1 + (lam > 0.0)
    capacity = min(levels + groups * m, groups + levels * n) + 1
    # Dividing by their range keeps the values of a large λ in the same numerical regime as those of a small one.
    weights = np.array([1.0 - lam, lam]) / (abs(1.0 - lam) + lam)
    mixture = weights[0] * prior + (weights[1] * second_prior if groups == 2 else 0.0)
    return Side(
        rewards,
        threats,
        weights,
        np.stack([np.concatenate([-mixture @ rewards, prior @ threats]), noise]),
        np.array([levels + groups, levels, groups, 0]),
        np.zeros(capacity, np.int64),
        np.zeros(capacity, np.int64),
        np.full(2 * (m + n), -1),
        np.zeros((capacity, capacity)),
        np.zeros((3, capacity)),
        np.zeros((3, 2 * n)),
    )


def read(side: Side) -> tuple[np.ndarray, np.ndarray]:
    """Return the strategies of both groups of a side at t = 0, up to scale."""
    m = len(side.rewards)
    result = np.zeros(2 * m)
    begin, end = side.counts[1], side.counts[0]
    result[side.columns[begin:end]] = np.maximum(side.values[0, begin:end], 0.0)
    return result[:m], result[m:]
