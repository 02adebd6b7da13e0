"""Branch and prune on cells: products of one simplex of strategies per player.

A cell is kept as ``vertices[i, v, a]``, of which the first ``counts[i]`` vertices of player `i` count. Expected payoffs
are multilinear in the barycentric coordinates of a cell, so their extremes over it lie at combinations of vertices. All
of these are read from one table per player: `build` averages the payoffs over every combination of *points*, where the
points of player `j` are the A_j pure actions followed by the vertices of the cell. An entry is addressed by an offset,
and `_shift` says how far to move from a vertex of player `j` to one of `j`'s actions.

``problem`` is a tuple (payoffs[i, p] at flat joint action p, n_actions[i], linear[i], weights[b], own[i], taken[b],
takers[k], takes[k]): player `i`'s adversaries are own[i]:own[i + 1], adversary `b`'s takeovers taken[b]:taken[b + 1],
and takeover `k` makes player takers[k] play takes[k]. Player `i` maximizes linear[i] * payoff plus weights[b] times the
least payoff under a takeover by `b`, summed over own adversaries. Payoffs lie in [0, 1], and the absolute values of a
player's weights add up to one.

A *structure* is a set of actions that are played, ``played[i, a]``, and of takeovers that are made, ``made[k]``.
"""

from __future__ import annotations

import numpy as np

from powergames.kernels.caching import njit

# Differences of this size may be rounding: sums of at most a few thousand products of numbers in [0, 1].
MARGIN = 1e-12

# Takeovers whose payoffs differ by less are the same. Far below the margin, so that what is excluded for the one would
# be excluded for the other.
SAME = 1e-14

NEWTON_STEPS = 15

# How much more of each action that is surely played than of the one in question a player may give up, see
# `_drop_by_mixtures`.
HOLD = 4.0


@njit(cache=True, nogil=True)
def work_space(n_actions):
    """Tables for `build`, large enough for any cell."""
    n = len(n_actions)
    size, corners = 1, 1
    for i in range(n):
        size *= 2 * n_actions[i]
        corners *= n_actions[i]
    return (
        np.empty((n, size)),
        np.empty((2, size)),
        np.empty(n, np.int64),
        np.empty(corners, np.int64),
        np.empty((corners, n), np.int64),
    )


@njit(cache=True, nogil=True)
def build(problem, vertices, counts, space):
    """Fill the tables with expected payoffs at all combinations of points; return the number of corners of the cell.

    ``space`` is (table[i, offset], scratch, strides[j], offsets[q], digits[q, j]): corner `q` combines point
    digits[q, j] of each player `j` and lies at offsets[q].
    """
    payoffs, n_actions = problem[0], problem[1]
    table, scratch, strides, offsets, digits = space
    n = len(n_actions)
    stride = 1
    for j in range(n - 1, -1, -1):
        strides[j] = stride
        stride *= n_actions[j] + counts[j]
    for i in range(n):
        source, turn = payoffs[i], 0
        blocks, post = payoffs.shape[1], 1
        for j in range(n - 1, -1, -1):
            size, points = n_actions[j], n_actions[j] + counts[j]
            blocks //= size
            target = table[i] if j == 0 else scratch[turn]
            for block in range(blocks):
                start, to = block * size * post, block * points * post
                for r in range(size * post):
                    target[to + r] = source[start + r]
                for v in range(counts[j]):
                    at = to + (size + v) * post
                    p = vertices[j, v, 0]
                    for r in range(post):
                        target[at + r] = p * source[start + r]
                    for a in range(1, size):
                        p = vertices[j, v, a]
                        if p != 0.0:
                            row = start + a * post
                            for r in range(post):
                                target[at + r] += p * source[row + r]
            post *= points
            source, turn = target, 1 - turn
    corners = 1
    for j in range(n):
        corners *= counts[j]
    for q in range(corners):
        rest, offset = q, 0
        for j in range(n - 1, -1, -1):
            digits[q, j] = n_actions[j] + rest % counts[j]
            rest //= counts[j]
            offset += digits[q, j] * strides[j]
        offsets[q] = offset
    return corners


@njit(cache=True, nogil=True)
def _shift(space, q, j, action):
    return (action - space[4][q, j]) * space[2][j]


@njit(cache=True, nogil=True)
def _is_needless(problem, space, corners, i, k, rival):
    """Whether takeover `rival` hurts player `i` more than takeover `k` all over the cell, or both mean the same."""
    n_actions, takers, takes = problem[1], problem[6], problem[7]
    row = space[0][i]
    worse, same = True, True
    for q in range(corners):
        here = space[3][q] + _shift(space, q, takers[k], takes[k])
        there = space[3][q] + _shift(space, q, takers[rival], takes[rival])
        worse &= row[here] - row[there] > MARGIN
        if same and space[4][q, i] == n_actions[i]:
            for a in range(n_actions[i]):
                move = _shift(space, q, i, a)
                same &= abs(row[here + move] - row[there + move]) <= SAME
        if not (worse or same):
            return False
    return True


@njit(cache=True, nogil=True)
def _worse_action(problem, space, corners, i, action, rival, made, least):
    """Whether action `rival` is better than `action` all over the cell, whichever takeovers are made.

    Adversaries mix the takeovers that are `made`, with probability at least ``least[k]`` each.
    """
    n_actions, linear, weights, own, taken, takers, takes = problem[1:]
    row = space[0][i]
    for q in range(corners):
        if space[4][q, i] != n_actions[i]:
            continue
        here = space[3][q] + _shift(space, q, i, action)
        there = space[3][q] + _shift(space, q, i, rival)
        gain = linear[i] * (row[here] - row[there])
        for b in range(own[i], own[i + 1]):
            most, sure, free = -2.0, 0.0, 1.0
            for k in range(taken[b], taken[b + 1]):
                if made[k]:
                    move = _shift(space, q, takers[k], takes[k])
                    difference = row[here + move] - row[there + move]
                    most = max(most, difference)
                    sure += least[k] * difference
                    free -= least[k]
            gain += weights[b] * (sure + free * most)
        if gain >= -MARGIN:
            return False
    return True


@njit(cache=True, nogil=True)
def _deviation(problem, space, corners, i, made, origin):
    """The strategy towards which player `i` gains most from `origin` at the centre of the cell, by a linear program.

    It maximizes ``linear y + Σ_b weights[b] min_k (y - origin)'K_k`` over strategies y.
    """
    n_actions, linear, weights, own, taken, takers, takes = problem[1:]
    row = space[0][i]
    size, first, last = n_actions[i], own[i], own[i + 1]
    rows = 1
    for k in range(taken[first], taken[last]):
        rows += made[k]
    width = size + last - first
    # Columns: y, one value per adversary, the slacks, the right-hand side. Last row: reduced costs.
    tableau = np.zeros((rows + 1, width + rows + 1))
    basic = np.empty(rows, np.int64)
    for q in range(corners):
        for a in range(size):
            tableau[rows, a] -= linear[i] * row[space[3][q] + _shift(space, q, i, a)] / corners
    r = 0
    for b in range(first, last):
        tableau[rows, size + b - first] = -weights[b]
        for k in range(taken[b], taken[b + 1]):
            if made[k]:
                base = 0.0
                for q in range(corners):
                    at = space[3][q] + _shift(space, q, takers[k], takes[k])
                    for a in range(size):
                        value = row[at + _shift(space, q, i, a)] / corners
                        tableau[r, a] -= value
                        base += origin[a] * value
                # Constants that make all numbers positive change no optimum, for y adds up to one.
                for a in range(size):
                    tableau[r, a] += base - 2.0
                tableau[r, size + b - first] = 1.0
                r += 1
    for a in range(size):
        tableau[rows, a] -= 2.0
        tableau[r, a] = 1.0
    tableau[r, -1] = 1.0
    for r in range(rows):
        tableau[r, width + r] = 1.0
        basic[r] = width + r
    for _ in range(50):
        column = -1
        for c in range(width + rows):
            if tableau[rows, c] < -1e-11:
                column = c
                break
        if column < 0:
            break
        leaving, best = -1, np.inf
        for r in range(rows):
            if tableau[r, column] > 1e-11:
                ratio = tableau[r, -1] / tableau[r, column]
                if ratio < best - 1e-14 or (ratio <= best and leaving >= 0 and basic[r] < basic[leaving]):
                    leaving, best = r, ratio
        if leaving < 0:
            break
        pivot = tableau[leaving, column]
        for c in range(width + rows + 1):
            tableau[leaving, c] /= pivot
        for r in range(rows + 1):
            factor = tableau[r, column]
            if r != leaving and factor != 0.0:
                for c in range(width + rows + 1):
                    tableau[r, c] -= factor * tableau[leaving, c]
        basic[leaving] = column
    strategy = np.zeros(size)
    total = 0.0
    for r in range(rows):
        if basic[r] < size:
            strategy[basic[r]] = max(tableau[r, -1], 0.0)
            total += strategy[basic[r]]
    for a in range(size):
        strategy[a] = strategy[a] / total if total > 0.0 else 1.0 / size
    return strategy


@njit(cache=True, nogil=True)
def _gains(problem, space, corners, i, made, move):
    """Whether player `i` gains all over the cell by a small ``move[a]`` of the own strategy, of sum zero."""
    n_actions, linear, weights, own, taken, takers, takes = problem[1:]
    row = space[0][i]
    for q in range(corners):
        if space[4][q, i] != n_actions[i]:
            continue
        offset = space[3][q]
        gain = 0.0
        for a in range(n_actions[i]):
            gain += linear[i] * move[a] * row[offset + _shift(space, q, i, a)]
        for b in range(own[i], own[i + 1]):
            least = 2.0
            for k in range(taken[b], taken[b + 1]):
                if made[k]:
                    at = offset + _shift(space, q, takers[k], takes[k])
                    value = 0.0
                    for a in range(n_actions[i]):
                        value += move[a] * row[at + _shift(space, q, i, a)]
                    least = min(least, value)
            gain += weights[b] * least
        if gain <= MARGIN:
            return False
    return True


@njit(cache=True, nogil=True)
def _drop_action(vertices, counts, i, action):
    """Cut a cell to the face on which player `i` never plays an action."""
    kept = 0
    for v in range(counts[i]):
        if vertices[i, v, action] == 0.0:
            for a in range(vertices.shape[2]):
                vertices[i, kept, a] = vertices[i, v, a]
            kept += 1
    counts[i] = kept


@njit(cache=True, nogil=True)
def _drop_by_mixtures(problem, vertices, counts, made, space, corners, i):
    """Drop actions that player `i` would give up together with others that are surely played; whether any was.

    If moving from some strategy to another one gains, whichever takeovers are made, then no strategy that plays all
    actions of the former is a best response.
    """
    size = problem[1][i]
    sure = np.empty(size)
    origin = np.empty(size)
    for a in range(size):
        sure[a] = 1.0
        for v in range(counts[i]):
            if vertices[i, v, a] == 0.0:
                sure[a] = 0.0
    tried = False
    for a in range(size):
        if not _is_played(vertices, counts, i, a) or (sure[a] == 1.0 and tried):
            continue
        tried |= sure[a] == 1.0
        total = 0.0
        for c in range(size):
            origin[c] = 1.0 if c == a else HOLD * sure[c]
            total += origin[c]
        for c in range(size):
            origin[c] /= total
        move = _deviation(problem, space, corners, i, made, origin)
        for c in range(size):
            move[c] -= origin[c]
        if _gains(problem, space, corners, i, made, move):
            _drop_action(vertices, counts, i, a)
            return True
    return False


@njit(cache=True, nogil=True)
def _is_played(vertices, counts, i, action):
    played = False
    for v in range(counts[i]):
        played |= vertices[i, v, action] > 0.0
    return played


@njit(cache=True, nogil=True)
def _drop_takeovers(problem, made, space, corners, i):
    """Drop takeovers that another one makes needless; whether some adversary of player `i` has several left."""
    own, taken = problem[4], problem[5]
    several = False
    for b in range(own[i], own[i + 1]):
        left = 0
        for k in range(taken[b], taken[b + 1]):
            if made[k]:
                for rival in range(taken[b], taken[b + 1]):
                    if rival != k and made[rival] and _is_needless(problem, space, corners, i, k, rival):
                        made[k] = False
                        break
                left += made[k]
        several |= left > 1
    return several


@njit(cache=True, nogil=True)
def _drop_by_actions(problem, vertices, counts, made, least, space, corners, i):
    """Drop actions of player `i` that another one beats all over the cell; whether any was."""
    shrunk = False
    for a in range(problem[1][i]):
        if _is_played(vertices, counts, i, a):
            for rival in range(problem[1][i]):
                if rival != a and _worse_action(problem, space, corners, i, a, rival, made, least):
                    _drop_action(vertices, counts, i, a)
                    shrunk = True
                    break
    return shrunk


@njit(cache=True, nogil=True)
def unknowns(problem, played, made):
    """List the unknowns and equations of a structure; the second result is False if it has no isolated solution.

    A row of the list is (player, -1, action, base action) for a probability and the equation that both actions are
    equally good, or (player, adversary, takeover, base takeover) likewise. The adversaries of players with a single
    action are left out: they may do what they like. If a player's takeovers have more freedom than the actions that
    they must make equally good, their mixture cannot be unique.
    """
    n_actions, own, taken = problem[1], problem[4], problem[5]
    found = np.empty((played.size + len(made), 4), np.int64)
    count = 0
    square = True
    for i in range(len(n_actions)):
        base, excess = -1, 0
        for a in range(n_actions[i]):
            if played[i, a]:
                if base < 0:
                    base = a
                else:
                    found[count, 0], found[count, 1], found[count, 2], found[count, 3] = i, -1, a, base
                    count += 1
                    excess += 1
        if excess == 0:
            continue
        for b in range(own[i], own[i + 1]):
            base = -1
            for k in range(taken[b], taken[b + 1]):
                if made[k]:
                    if base < 0:
                        base = k
                    else:
                        found[count, 0], found[count, 1], found[count, 2], found[count, 3] = i, b, k, base
                        count += 1
                        excess -= 1
        square &= excess >= 0
    return found[:count], square


@njit(cache=True, nogil=True)
def _value(problem, space, q, i, action, z):
    """Marginal value of an action of player `i` at a corner, against the adversaries' strategies z."""
    _, linear, weights, own, taken, takers, takes = problem[1:]
    row = space[0][i]
    at = space[3][q] + _shift(space, q, i, action)
    value = linear[i] * row[at]
    for b in range(own[i], own[i + 1]):
        for k in range(taken[b], taken[b + 1]):
            if z[k] != 0.0:
                value += weights[b] * z[k] * row[at + _shift(space, q, takers[k], takes[k])]
    return value


@njit(cache=True, nogil=True)
def _slope(problem, space, q, i, action, j, other, z, task):
    """Derivative of `_value` with respect to the probability of action `other` of co-player `j`."""
    _, linear, weights, own, taken, takers, takes = problem[1:]
    row = space[0][i]
    at = space[3][q] + _shift(space, q, i, action) + _shift(space, q, j, other)
    value = task * linear[i] * row[at]
    for b in range(own[i], own[i + 1]):
        for k in range(taken[b], taken[b + 1]):
            if z[k] != 0.0 and takers[k] != j:
                value += weights[b] * z[k] * row[at + _shift(space, q, takers[k], takes[k])]
    return value


@njit(cache=True, nogil=True)
def _cross(problem, space, q, i, actions, j, others, z, task):
    """Derivative of the difference of two actions of player `i` as co-player `j` moves from one action to another."""
    total = 0.0
    for corner in range(4):
        up, right = corner // 2, corner % 2
        slope = _slope(problem, space, q, i, actions[up], j, others[right], z, task)
        total += slope if up == right else -slope
    return total


@njit(cache=True, nogil=True)
def _residual(problem, space, q, z, rows, out):
    """Equations of a structure at a corner."""
    takers, takes = problem[6], problem[7]
    for r in range(len(rows)):
        i, b, this, base = rows[r, 0], rows[r, 1], rows[r, 2], rows[r, 3]
        if b < 0:
            out[r] = 0.0
            for sign in (1.0, -1.0):
                out[r] += sign * _value(problem, space, q, i, this if sign > 0.0 else base, z)
        else:
            row, offset = space[0][i], space[3][q]
            out[r] = (
                row[offset + _shift(space, q, takers[this], takes[this])]
                - row[offset + _shift(space, q, takers[base], takes[base])]
            )


@njit(cache=True, nogil=True)
def _jacobian(problem, space, q, z, rows, out):
    """Derivatives of the equations with respect to the unknowns, out[equation, unknown], at a corner."""
    weights, takers, takes = problem[3], problem[6], problem[7]
    for r in range(len(rows)):
        i, b, this, base = rows[r, 0], rows[r, 1], rows[r, 2], rows[r, 3]
        row, offset = space[0][i], space[3][q]
        if b >= 0:
            here = offset + _shift(space, q, takers[this], takes[this])
            there = offset + _shift(space, q, takers[base], takes[base])
        for c in range(len(rows)):
            j, d, action, least = rows[c, 0], rows[c, 1], rows[c, 2], rows[c, 3]
            out[r, c] = 0.0
            if b < 0 and d < 0 and j != i:
                out[r, c] = _cross(problem, space, q, i, (base, this), j, (least, action), z, 1.0)
            elif b < 0 and d >= 0 and j == i:
                at = offset + _shift(space, q, takers[action], takes[action])
                to = offset + _shift(space, q, takers[least], takes[least])
                up, down = _shift(space, q, i, this), _shift(space, q, i, base)
                out[r, c] = weights[d] * (row[at + up] - row[at + down] - row[to + up] + row[to + down])
            elif b >= 0 and d < 0:
                up, down = _shift(space, q, j, action), _shift(space, q, j, least)
                if takers[this] != j:
                    out[r, c] += row[here + up] - row[here + down]
                if takers[base] != j:
                    out[r, c] -= row[there + up] - row[there + down]


@njit(cache=True, nogil=True)
def _invert(matrix, inverse):
    """Invert a matrix, destroying it; False if it is singular."""
    size = len(matrix)
    for r in range(size):
        for s in range(size):
            inverse[r, s] = 1.0 if r == s else 0.0
    for c in range(size):
        pivot = c
        for r in range(c + 1, size):
            if abs(matrix[r, c]) > abs(matrix[pivot, c]):
                pivot = r
        if abs(matrix[pivot, c]) < 1e-10:
            return False
        for s in range(size):
            matrix[c, s], matrix[pivot, s] = matrix[pivot, s], matrix[c, s]
            inverse[c, s], inverse[pivot, s] = inverse[pivot, s], inverse[c, s]
        scale = 1.0 / matrix[c, c]
        for s in range(size):
            matrix[c, s] *= scale
            inverse[c, s] *= scale
        for r in range(size):
            factor = matrix[r, c]
            if r != c and factor != 0.0:
                for s in range(size):
                    matrix[r, s] -= factor * matrix[c, s]
                    inverse[r, s] -= factor * inverse[c, s]
    return True


@njit(cache=True, nogil=True)
def _build_at(problem, x, point, space):
    """Fill the tables at a single profile."""
    n = len(x)
    counts = np.empty(n, np.int64)
    for i in range(n):
        counts[i] = 1
        for a in range(x.shape[1]):
            point[i, 0, a] = x[i, a]
    build(problem, point, counts, space)


@njit(cache=True, nogil=True)
def linearize(problem, rows, x, z, space):
    """Equations of a structure at (x, z), and their derivatives with respect to its unknowns."""
    size = len(rows)
    point = np.empty((x.shape[0], 1, x.shape[1]))
    residual = np.empty(size)
    matrix = np.empty((size, size))
    _build_at(problem, x, point, space)
    _residual(problem, space, 0, z, rows, residual)
    _jacobian(problem, space, 0, z, rows, matrix)
    return residual, matrix


@njit(cache=True, nogil=True)
def newton(problem, played, made, x, z, space):
    """Solve the equations of a structure from x, z (changed in place); whether all probabilities found are positive."""
    rows, square = unknowns(problem, played, made)
    if not square:
        return False
    size = len(rows)
    n_actions = problem[1]
    n = len(n_actions)
    residual = np.empty(size)
    matrix = np.empty((size, size))
    inverse = np.empty((size, size))
    point = np.empty((n, 1, x.shape[1]))
    last = np.inf
    for _ in range(NEWTON_STEPS):
        _build_at(problem, x, point, space)
        _residual(problem, space, 0, z, rows, residual)
        _jacobian(problem, space, 0, z, rows, matrix)
        if not _invert(matrix, inverse):
            return False
        length = 0.0
        for r in range(size):
            step = 0.0
            for c in range(size):
                step -= inverse[r, c] * residual[c]
            length = max(length, abs(step))
            i, b, this, base = rows[r, 0], rows[r, 1], rows[r, 2], rows[r, 3]
            if b < 0:
                x[i, this] += step
                x[i, base] -= step
            else:
                z[this] += step
                z[base] -= step
        if not length < 10.0:
            return False
        if (length < 1e-9 and length >= 0.25 * last) or length == 0.0:
            break
        last = length
    if length > 1e-11:
        return False
    for r in range(size):
        i, b, this, base = rows[r, 0], rows[r, 1], rows[r, 2], rows[r, 3]
        if b < 0 and (x[i, this] < 1e-9 or x[i, base] < 1e-9):
            return False
        if b >= 0 and (z[this] < 1e-9 or z[base] < 1e-9):
            return False
    return True


@njit(cache=True, nogil=True)
def is_alone(problem, played, made, x, z, inverse, left, most, radius, space):
    """Whether at most one equilibrium has strategies of each player `i` at least ``x[i] - min(most[i], radius)``.

    `inverse` approximates the inverse of the structure's Jacobian at (x, z), and the rows of `left` that belong to a
    player a left inverse of the part that says how its adversaries' strategies move the values of its actions.
    """
    n_actions, own, taken = problem[1], problem[4], problem[5]
    n = len(n_actions)
    vertices = np.empty((n, x.shape[1], x.shape[1]))
    counts = np.empty(n, np.int64)
    for i in range(n):
        total = 1.0
        reach = min(most[i], radius)
        for a in range(n_actions[i]):
            lower = max(0.0, x[i, a] - reach)
            if played[i, a] and lower == 0.0 and x[i, a] < 1.0:
                return False
            total -= lower
        counts[i] = n_actions[i]
        for v in range(n_actions[i]):
            for a in range(n_actions[i]):
                vertices[i, v, a] = max(0.0, x[i, a] - reach)
            vertices[i, v, v] += total
    corners = build(problem, vertices, counts, space)
    # Takeovers that are not made stay worse.
    for i in range(n):
        for b in range(own[i], own[i + 1]):
            for k in range(taken[b], taken[b + 1]):
                if not made[k]:
                    beaten = False
                    for rival in range(taken[b], taken[b + 1]):
                        if made[rival] and _is_needless(problem, space, corners, i, k, rival):
                            beaten = True
                            break
                    if not beaten:
                        return False
    rows, _ = unknowns(problem, played, made)
    size = len(rows)
    matrix = np.empty((size, size))
    residual = np.empty(size)
    # Played actions are equally good, which keeps the adversaries near z and all takeovers made. Those of players with
    # a single action are free.
    least = np.zeros(len(z))
    for r in range(size):
        if rows[r, 1] < 0:
            for k in range(taken[own[rows[r, 0]]], taken[own[rows[r, 0] + 1]]):
                least[k] = z[k]
    for i in range(n):
        spread, offset = 0.0, 0.0
        several = False
        for r in range(size):
            several |= rows[r, 0] == i and rows[r, 1] >= 0
        if not several:
            continue
        for q in range(corners):
            if space[4][q, i] != n_actions[i]:
                continue
            _residual(problem, space, q, z, rows, residual)
            _jacobian(problem, space, q, z, rows, matrix)
            for r in range(size):
                if rows[r, 0] != i or rows[r, 1] < 0:
                    continue
                shift, norm = 0.0, 0.0
                for s in range(size):
                    if rows[s, 0] == i and rows[s, 1] < 0:
                        shift += left[r, s] * residual[s]
                for c in range(size):
                    if rows[c, 0] == i and rows[c, 1] >= 0:
                        entry = -1.0 if c == r else 0.0
                        for s in range(size):
                            if rows[s, 0] == i and rows[s, 1] < 0:
                                entry += left[r, s] * matrix[s, c]
                        norm += abs(entry)
                spread = max(spread, norm)
                offset = max(offset, abs(shift))
        if spread > 0.99:
            return False
        bound = offset / (1.0 - spread) + MARGIN
        for r in range(size):
            if rows[r, 0] == i and rows[r, 1] >= 0:
                least[rows[r, 2]] = z[rows[r, 2]] - bound
                least[rows[r, 3]] -= bound
    for r in range(size):
        if rows[r, 1] >= 0 and (least[rows[r, 2]] <= 0.0 or least[rows[r, 3]] <= 0.0):
            return False
    # Actions that are not played stay worse.
    for i in range(n):
        for a in range(n_actions[i]):
            if not played[i, a]:
                beaten = False
                for rival in range(n_actions[i]):
                    if played[i, rival] and _worse_action(problem, space, corners, i, a, rival, made, least):
                        beaten = True
                        break
                if not beaten:
                    return False
    # On the face that is left the equations of the structure have at most one solution, if their Jacobian times
    # `inverse` stays near the identity. Its distance is convex in each strategy, so it is greatest at a corner.
    change = np.zeros((size, size))
    norms = np.empty(size)
    move = np.zeros(len(z))
    norm_of_move = np.empty(size)
    for q in range(corners):
        on_face = True
        for i in range(n):
            on_face &= played[i, space[4][q, i] - n_actions[i]]
        if not on_face:
            continue
        _jacobian(problem, space, q, z, rows, matrix)
        for r in range(size):
            norms[r] = 0.0
            for c in range(size):
                entry = -1.0 if r == c else 0.0
                for s in range(size):
                    entry += inverse[r, s] * matrix[s, c]
                norms[r] += abs(entry)
        for i in range(n):
            for b in range(own[i], own[i + 1]):
                free = 1.0
                for k in range(taken[b], taken[b + 1]):
                    if made[k]:
                        free -= least[k]
                if free <= 0.0:
                    continue
                for r in range(size):
                    norm_of_move[r] = 0.0
                for vertex in range(taken[b], taken[b + 1]):
                    if not made[vertex]:
                        continue
                    for k in range(taken[b], taken[b + 1]):
                        if made[k]:
                            move[k] = least[k] - z[k] + (free if k == vertex else 0.0)
                    for s in range(size):
                        if rows[s, 0] != i or rows[s, 1] >= 0:
                            continue
                        for c in range(size):
                            j = rows[c, 0]
                            change[s, c] = 0.0
                            if j != i and rows[c, 1] < 0:
                                actions = (rows[s, 3], rows[s, 2])
                                others = (rows[c, 3], rows[c, 2])
                                change[s, c] = _cross(problem, space, q, i, actions, j, others, move, 0.0)
                    for r in range(size):
                        norm = 0.0
                        for c in range(size):
                            entry = 0.0
                            for s in range(size):
                                if rows[s, 0] == i and rows[s, 1] < 0:
                                    entry += inverse[r, s] * change[s, c]
                            norm += abs(entry)
                        norm_of_move[r] = max(norm_of_move[r], norm)
                    for k in range(taken[b], taken[b + 1]):
                        move[k] = 0.0
                for r in range(size):
                    norms[r] += norm_of_move[r]
        for r in range(size):
            if norms[r] > 0.99:
                return False
    return True


@njit(cache=True, nogil=True)
def _is_settled(vertices, counts, low, known):
    """Whether a cell lies within a neighbourhood in which a known equilibrium is alone."""
    for e in range(known):
        inside = True
        for i in range(len(counts)):
            for v in range(counts[i]):
                for a in range(low.shape[2]):
                    inside &= vertices[i, v, a] >= low[e, i, a]
        if inside:
            return True
    return False


@njit(cache=True, nogil=True)
def _is_known(x, low, known):
    """Whether a profile lies within a neighbourhood in which a known equilibrium is alone."""
    for e in range(known):
        inside = True
        for i in range(x.shape[0]):
            for a in range(x.shape[1]):
                inside &= x[i, a] >= low[e, i, a]
        if inside:
            return True
    return False


@njit(cache=True, nogil=True)
def _centre(problem, vertices, counts, made, played, x, z):
    """Write down the structure that a cell allows, its centre, and the adversaries' even mixtures."""
    n_actions, taken = problem[1], problem[5]
    for i in range(len(counts)):
        for a in range(n_actions[i]):
            x[i, a] = 0.0
            for v in range(counts[i]):
                x[i, a] += vertices[i, v, a] / counts[i]
            played[i, a] = x[i, a] > 0.0
    for b in range(len(taken) - 1):
        total = 0
        for k in range(taken[b], taken[b + 1]):
            total += made[k]
        for k in range(taken[b], taken[b + 1]):
            z[k] = 1.0 / total if made[k] else 0.0


@njit(cache=True, nogil=True)
def _copy(source, position, vertices, counts, made):
    """Read a cell from an array of cells."""
    for i in range(len(counts)):
        counts[i] = source[1][position, i]
        for v in range(counts[i]):
            for a in range(vertices.shape[2]):
                vertices[i, v, a] = source[0][position, i, v, a]
    for k in range(len(made)):
        made[k] = source[2][position, k]


@njit(cache=True, nogil=True)
def _store(target, position, vertices, counts, made):
    """Write a cell into an array of cells."""
    for i in range(len(counts)):
        target[1][position, i] = counts[i]
        for v in range(counts[i]):
            for a in range(vertices.shape[2]):
                target[0][position, i, v, a] = vertices[i, v, a]
    for k in range(len(made)):
        target[2][position, k] = made[k]


@njit(cache=True, nogil=True)
def _longest_edge(vertices, counts):
    """Return (player, vertex, vertex) of the longest edge of a cell, measured in the largest coordinate."""
    length, player, first, second = 0.0, 0, 0, 0
    for i in range(len(counts)):
        for u in range(counts[i]):
            for v in range(u):
                edge = 0.0
                for a in range(vertices.shape[2]):
                    edge = max(edge, abs(vertices[i, u, a] - vertices[i, v, a]))
                if edge > length:
                    length, player, first, second = edge, i, v, u
    return player, first, second


@njit(cache=True, nogil=True)
def prune_cells(problem, cells, count, low, known):
    """Cut cells down to where equilibria can be, and move those that are left to the front.

    Cells within one of the `known` neighbourhoods ``low[e, i, a]`` are dropped. Returns (how many are left, payoffs
    averaged and compared).
    """
    n_actions, own, taken = problem[1], problem[4], problem[5]
    n = len(n_actions)
    vertices = np.empty(cells[0].shape[1:])
    counts = np.empty(n, np.int64)
    made = np.empty(cells[2].shape[1], np.bool_)
    nothing = np.zeros(len(made))
    space = work_space(n_actions)
    kept, work = 0, 0
    for c in range(count):
        _copy(cells, c, vertices, counts, made)
        if _is_settled(vertices, counts, low, known):
            continue
        # One player after the other, until none cuts anything any more.
        i, unchanged, corners = -1, 0, -1
        while unchanged < n:
            i = (i + 1) % n
            if corners < 0:
                corners = build(problem, vertices, counts, space)
                work += n * space[2][0] * (n_actions[0] + counts[0])
            work += corners * n_actions[i] * (1 + taken[own[i + 1]] - taken[own[i]])
            several = _drop_takeovers(problem, made, space, corners, i)
            cut = _drop_by_actions(problem, vertices, counts, made, nothing, space, corners, i)
            if several and not cut and n_actions[i] > 2:
                cut = _drop_by_mixtures(problem, vertices, counts, made, space, corners, i)
            if counts[i] == 0:
                break
            unchanged += 1
            if cut:
                unchanged, corners = 0, -1
        if counts[i] > 0:
            _store(cells, kept, vertices, counts, made)
            kept += 1
    return kept, work


@njit(cache=True, nogil=True)
def find_solution(problem, cells, first, last, low, known, x, z):
    """Run Newton's method on the structures that cells first:last allow, until a new solution is found.

    Returns the cell that led to it and writes it to x, z; `last` if there is none outside of the known neighbourhoods.
    """
    vertices = np.empty(cells[0].shape[1:])
    counts = np.empty(cells[1].shape[1], np.int64)
    made = np.empty(cells[2].shape[1], np.bool_)
    space = work_space(problem[1])
    played = np.zeros(vertices.shape[:2], np.bool_)
    for c in range(first, last):
        _copy(cells, c, vertices, counts, made)
        if not _is_settled(vertices, counts, low, known):
            _centre(problem, vertices, counts, made, played, x, z)
            if newton(problem, played, made, x, z, space) and not _is_known(x, low, known):
                return c
    return last


@njit(cache=True, nogil=True)
def bisect(cells, edges, shares, halves):
    """Cut each cell in two, at a point of an edge.

    The edge is ``edges[c]``, (player, vertex, vertex), and the point at ``shares[c]`` of the way from the first vertex
    to the second; with a negative player, the middle of the longest edge.
    """
    vertices = np.empty(cells[0].shape[1:])
    counts = np.empty(cells[1].shape[1], np.int64)
    made = np.empty(cells[2].shape[1], np.bool_)
    for c in range(len(edges)):
        _copy(cells, c, vertices, counts, made)
        i, u, v, share = edges[c, 0], edges[c, 1], edges[c, 2], shares[c]
        if i < 0:
            i, u, v = _longest_edge(vertices, counts)
            share = 0.5
        for half in range(2):
            _store(halves, 2 * c + half, vertices, counts, made)
            for a in range(vertices.shape[2]):
                point = (1.0 - share) * vertices[i, u, a] + share * vertices[i, v, a]
                halves[0][2 * c + half, i, u if half else v, a] = point


@njit(cache=True, nogil=True)
def clusters(lower, upper, slack):
    """Number the connected groups of boxes lower[c]:upper[c], which touch if no gap is wider than `slack`.

    The boxes must be sorted by their first lower coordinate.
    """
    count, size = lower.shape
    parent = np.arange(count)
    for c in range(count):
        for d in range(c + 1, count):
            if lower[d, 0] > upper[c, 0] + slack:
                break
            apart = False
            for k in range(size):
                if lower[d, k] > upper[c, k] + slack or lower[c, k] > upper[d, k] + slack:
                    apart = True
                    break
            if not apart:
                first, second = c, d
                while parent[first] != first:
                    parent[first] = parent[parent[first]]
                    first = parent[first]
                while parent[second] != second:
                    parent[second] = parent[parent[second]]
                    second = parent[second]
                parent[max(first, second)] = min(first, second)
    labels = np.empty(count, np.int64)
    groups = 0
    for c in range(count):
        if parent[c] == c:
            labels[c] = groups
            groups += 1
        else:
            # The root of a group is its first box.
            root = c
            while parent[root] != root:
                root = parent[root]
            labels[c] = labels[root]
    return labels
