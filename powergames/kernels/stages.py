"""The stage games of a stochastic game, players together with their adversaries, and what couples them.

In state `s` a *local point* holds the strategies of all players, concatenated, and behind them those of all
adversaries, as in `powergames.kernels.extended`; the points of all states follow each other in one array, that of `s`
from ``point_starts[s]`` on. Given the values of the states that follow, every row of the game (a joint action of a
state) is worth ``linear[i, row]`` to player `i` where nobody is taken over, and ``taken[i, row]`` where somebody is, so
that actions of player `i` and takeovers of its adversaries are paid

    Σ_{a_-i} x_{-i} linear_i + Σ_j weights_ij E_{x_{-ij}} taken_i z_ij,        -x_i' E_{x_{-ij}} taken_i.

Where ``taken`` depends on who is taken over, it has ``n * n`` lines instead of `n`, that for `j` against `i` in place
``n i + j``; what Newton's method needs for all states at once knows only the other kind.

States act upon each other only through these values. A *response* of a state is how its strategies change with what
they are paid; with the averages of the transitions it gives the derivative of the values of all states with respect to
themselves, which is all that Newton's method needs to solve all states at once.
"""

from __future__ import annotations

import numpy as np

from powergames.kernels.bellman import _advance
from powergames.kernels.caching import njit
from powergames.kernels.extended import _add_curvature, _average, attacked, linearized_lcp
from powergames.kernels.lemke import SOLVED, cover, read, run, start

_kernel = njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz", "arcp"})

# What calls Lemke's algorithm must not be compiled so: Numba would compile that with the options of its caller, and
# pivots on reordered sums go astray in hard games.
_strict_kernel = njit(cache=True, nogil=True)

# Pivots of Lemke's algorithm for each unknown of a state; steps of a state with three or more players, and the share of
# a step that is tried, each half of the one before.
PIVOTS, STEPS, HALVINGS = 20, 30, 4

# Steps of Newton's method on the support of a state.
NEWTON = 8

# How much a change of a probability costs, in units of payoff, where nothing else tells what it should be.
INERTIA = 1e-6

# Strategies that differ by less are the same.
SAME = 1e-12

# Weights of the rows of a state at most for which transitions are averaged as ordinary matrices.
ORDINARY = 1_000_000


@_kernel
def layout(counts, egos, takes):
    """Return where groups begin in the local point of a state, shape (G + 1,), and the places of takeovers, (n, n).

    ``counts[i]`` is the number of actions of player `i`; adversary `b`, who plays against player ``egos[b]``, can take
    over the players `j` for whom ``takes[b, j]``. ``places[i, j]`` is where the part begins with which `j` is taken
    over against `i`; -1 if nobody does.
    """
    n = len(counts)
    bounds = np.zeros(n + len(egos) + 1, np.int64)
    places = np.full((n, n), -1)
    fill_layout(counts, egos, takes, bounds, places)
    return bounds, places


@_kernel
def fill_layout(counts, egos, takes, bounds, places):
    """Write what `layout` returns; where nobody is taken over, `places` stays as it is."""
    n = len(counts)
    for i in range(n):
        bounds[i + 1] = bounds[i] + counts[i]
    for b in range(len(egos)):
        end = bounds[n + b]
        for j in range(n):
            if takes[b, j]:
                places[egos[b], j] = end
                end += counts[j]
        bounds[n + b + 1] = end


@_kernel
def gradients(n_actions, row_starts, point_starts, egos, takes, weights, linear, taken, point):
    """Return what every action and takeover is paid in every state, shaped like the point.

    Parameters
    ----------
    n_actions : ndarray of int64, shape (S, n)
    row_starts, point_starts : ndarray of int64, shape (S + 1,)
    egos, takes
        As for `layout`.
    weights : ndarray of float64, shape (n, n)
        Weight of the adversary that takes over `j` against `i`.
    linear : ndarray of float64, shape (n, R)
    taken : ndarray of float64, shape (n, R) or (n * n, R)
    point : ndarray of float64
    """
    result = np.empty(len(point))
    for s in range(len(n_actions)):
        bounds, places = layout(n_actions[s], egos, takes)
        local = point[point_starts[s] : point_starts[s + 1]]
        worth, against = _rows(linear, row_starts, s), _rows(taken, row_starts, s)
        _write(_gradient(n_actions[s], bounds, places, weights, worth, against, local), result, point_starts[s])
    return result


@_kernel
def _rows(values, row_starts, s):
    """Return the columns of the rows of a state, copied."""
    first = row_starts[s]
    result = np.empty((len(values), row_starts[s + 1] - first))
    for i in range(len(values)):
        for k in range(result.shape[1]):
            result[i, k] = values[i, first + k]
    return result


@_kernel
def _write(values, target, first):
    """Write values into an array from a place on; where slices are assigned, Numba compiles for seconds."""
    for k in range(len(values)):
        target[first + k] = values[k]


@_kernel
def _gradient(counts, bounds, places, weights, linear, taken, point):
    result = np.zeros(len(point))
    for i in range(len(counts)):
        _add_payments_of(i, counts, bounds, places[i], weights[i], linear[i], taken, point, result)
    return result


@_kernel
def _add_payments_of(i, counts, bounds, places, weights, linear, taken, point, result):
    """Add what a player's own actions are paid, and takeovers against it."""
    n = len(counts)
    rest, kept = linear, np.ones(n, np.bool_)
    for k in range(n - 1, -1, -1):
        if k != i:
            rest = _average(rest, 0.0, kept, k, counts, bounds, point)
    for a in range(counts[i]):
        result[bounds[i] + a] += rest[a]
    if not attacked(places):
        return
    tables = _taken_tables(taken, i, counts, bounds, point)
    for j in range(n):
        at = places[j]
        if at >= 0:
            table = tables[j]
            for a in range(counts[i]):
                strategy, total = point[bounds[i] + a], 0.0
                for b in range(counts[j]):
                    total += table[a, b] * point[at + b]
                    result[at + b] -= strategy * table[a, b]
                result[bounds[i] + a] += weights[j] * total


@_kernel
def _pair_tables(values, i, counts, bounds, point):
    """Return the values of a player's actions against those of each other one, all others averaged, shape (n, A, A).

    The table for player `j` is in ``[j, : counts[i], : counts[j]]``; that for `i` is not set.
    """
    n = len(counts)
    most = 0
    for j in range(n):
        most = max(most, counts[j])
    result = np.empty((n, counts[i], most))
    # All players behind the one at hand are averaged already, once for all tables of the players before it.
    rest, kept = values, np.ones(n, np.bool_)
    for j in range(n - 1, -1, -1):
        if j == i:
            continue
        table, left = rest, kept.copy()
        for k in range(j - 1, -1, -1):
            if k != i:
                table = _average(table, 0.0, left, k, counts, bounds, point)
        for a in range(counts[i]):
            for b in range(counts[j]):
                result[j, a, b] = table[a * counts[j] + b] if i < j else table[b * counts[i] + a]
        if j > 0:
            rest = _average(rest, 0.0, kept, j, counts, bounds, point)
    return result


@_kernel
def _taken_tables(taken, i, counts, bounds, point):
    """Return `_pair_tables` of what rows are worth to a player who is taken over: from its line, or one for each pair.

    A single line is that of the player.
    """
    n = len(counts)
    if len(taken) <= n:
        return _pair_tables(taken[i if len(taken) == n else 0], i, counts, bounds, point)
    most = 0
    for j in range(n):
        most = max(most, counts[j])
    result = np.empty((n, counts[i], most))
    for j in range(n):
        if j == i:
            continue
        table, kept = taken[n * i + j], np.ones(n, np.bool_)
        for k in range(n - 1, -1, -1):
            if k not in (i, j):
                table = _average(table, 0.0, kept, k, counts, bounds, point)
        for a in range(counts[i]):
            for b in range(counts[j]):
                result[j, a, b] = table[a * counts[j] + b] if i < j else table[b * counts[i] + a]
    return result


@_kernel
def _linearized(counts, bounds, places, weights, linear, taken, point, tasks):
    """Return what a state's actions and takeovers are paid, its derivative, and those of the values of the state.

    Value 0 of player `i` is ``x_i`` times what the actions of `i` are paid; value 1, if `tasks`, the expectation of
    ``taken_i``. Shapes (D,), (D, D) and (1 or 2, n, D).
    """
    n, size = len(counts), len(point)
    gradient = np.zeros(size)
    derivative = np.zeros((size, size))
    slopes = np.zeros((2 if tasks else 1, n, size))
    for i in range(n):
        first = 1 if i == 0 else 0
        plain = _pair_tables(linear[i], i, counts, bounds, point)
        both = tasks or attacked(places[i])
        tables = _taken_tables(taken, i, counts, bounds, point) if both else plain
        for j in range(n):
            if j == i:
                continue
            at = places[i, j]
            table = plain[j]
            for a in range(counts[i]):
                p = bounds[i] + a
                for b in range(counts[j]):
                    derivative[p, bounds[j] + b] += table[a, b]
                    if j == first:
                        gradient[p] += table[a, b] * point[bounds[j] + b]
            if at < 0 and not tasks:
                continue
            table = tables[j]
            for a in range(counts[i]):
                p = bounds[i] + a
                for b in range(counts[j]):
                    value = table[a, b]
                    if at >= 0:
                        derivative[p, at + b] += weights[i, j] * value
                        derivative[at + b, p] -= value
                        gradient[p] += weights[i, j] * value * point[at + b]
                        gradient[at + b] -= point[p] * value
                    if tasks:
                        slopes[1, i, bounds[j] + b] += point[p] * value
                        if j == first:
                            slopes[1, i, p] += value * point[bounds[j] + b]
        if n > 2 and attacked(places[i]):
            if len(taken) == n:
                _add_curvature(taken[i], 0.0, 1.0, i, counts, bounds, places[i], weights[i], point, derivative)
            else:
                for j in range(n):
                    only = np.full(n, -1)
                    only[j] = places[i, j]
                    if attacked(only):
                        against = taken[n * i + j]
                        _add_curvature(against, 0.0, 1.0, i, counts, bounds, only, weights[i], point, derivative)
    for i in range(n):
        for p in range(bounds[i], bounds[i + 1]):
            slopes[0, i, p] += gradient[p]
            for q in range(size):
                slopes[0, i, q] += point[p] * derivative[p, q]
    return gradient, derivative, slopes


@_kernel
def chances(n_actions, row_starts, point_starts, egos, takes, weights, tolls, point, player):
    """Return how likely each row is where a player's adversaries take over with their weights, shape (R,).

    ``tolls[i]`` is the weight of all adversaries of player `i` together.
    """
    n = n_actions.shape[1]
    result = np.empty(row_starts[-1])
    joint = np.zeros(n, np.int64)
    for s in range(len(n_actions)):
        bounds, places = layout(n_actions[s], egos, takes)
        own = point[point_starts[s] : point_starts[s + 1]]
        joint[:] = 0
        for row in range(row_starts[s], row_starts[s + 1]):
            total = 0.0
            for taken in range(-1, n):
                at = places[player, taken] if taken >= 0 else 0
                if at >= 0:
                    chance = weights[player, taken] * own[at + joint[taken]] if taken >= 0 else 1.0 - tolls[player]
                    for k in range(n):
                        if k != taken:
                            chance *= own[bounds[k] + joint[k]]
                    total += chance
            result[row] = total
            _advance(joint, n_actions[s])
    return result


@_kernel
def row_weights(n_actions, row_starts, point_starts, egos, takes, weights, point):
    """Return the weights of rows in what the players are paid, two arrays of shape (n, R).

    With them, player `i` is paid for action `a` the sum of ``first[i] linear_i + second[i] taken_i`` over the rows of
    this action; a takeover of `j` against `i`, minus the sum of ``first[j] taken_i`` over those of the action taken.
    """
    n = n_actions.shape[1]
    n_rows = row_starts[-1]
    first, second = np.zeros((n, n_rows)), np.zeros((n, n_rows))
    joint = np.zeros(n, np.int64)
    for s in range(len(n_actions)):
        bounds, places = layout(n_actions[s], egos, takes)
        own = point[point_starts[s] : point_starts[s + 1]]
        joint[:] = 0
        for row in range(row_starts[s], row_starts[s + 1]):
            for i in range(n):
                product = 1.0
                for k in range(n):
                    if k != i:
                        product *= own[bounds[k] + joint[k]]
                first[i, row] = product
                total = 0.0
                for j in range(n):
                    if places[i, j] >= 0:
                        weight = weights[i, j] * own[places[i, j] + joint[j]]
                        if weight != 0.0:
                            for k in range(n):
                                if k not in (i, j):
                                    weight *= own[bounds[k] + joint[k]]
                            total += weight
                second[i, row] = total
            _advance(joint, n_actions[s])
    return first, second


@_kernel
def newton_system(
    game,
    planes,
    plane_of,
    point_starts,
    egos,
    takes,
    weights,
    shares,
    linear,
    taken,
    point,
    first,
    second,
    logs,
    prior,
    precision,
    used,
    free,
    dense,
):
    """Linearize all states, and let each respond to the values of the others.

    Parameters
    ----------
    game : tuple
        ``(n_actions, row_starts, discounts, indptr, indices)``.
    planes : ndarray, shape (P, E)
        Transitions, entries of matrices in CSR form.
    plane_of : ndarray of int64, shape (1 or 2, 1 or 2, n)
        Where the transitions stand by which the worth of a row to player `j` in terms of values of the first kind
        depends on its values of the second kind; -1 where it does not.
    point_starts, egos, takes, weights, linear, taken, point
        As for `gradients`.
    shares : ndarray, shape (1 or 2, n)
        ``linear_i`` is the sum of ``shares[k, i]`` times the worth of a row in terms of the values of kind `k`;
        ``taken_i`` is its worth in terms of those of the last kind.
    first, second : ndarray, shape (n, R)
        As `row_weights` returns them.
    logs, prior : ndarray, shaped like the point
        Logarithms of the point, and what is added to them at precision zero.
    precision : float
        Of the quantal-response equilibrium to solve for.
    used : ndarray of bool, shaped like the point
        The actions and takeovers in use.
    free : ndarray of bool, shape (S,)
        States in which to solve for the quantal-response equilibrium; in the others, for an equilibrium on the supports
        `used`.
    dense : bool
        Whether the matrix is returned as an array of shape (K, K), else as its entries.

    Returns
    -------
    matrix : ndarray, shape (K, K)
        Of the linear system in the changes of the values, K = shares.size S.
    rows, columns, entries : ndarray
        The same matrix, less the identity, if not `dense`.
    steps : ndarray, shape (D, 2)
        Change of the point (of its logarithms in free states) with the values held fixed: what mends the errors of the
        strategies, and what one unit of precision does.
    responses : ndarray
        Matrices of the response of each state, one after the other.
    slopes : ndarray, shape (1 or 2, n, D)
        How the values of each state change with its point (with the logarithms of it in free states).
    gradient : ndarray, shaped like the point
        What every action and takeover is paid.
    sign : float
        Sign of the product of the determinants of the free states.
    """
    n_actions, row_starts, discounts, indptr, indices = game
    n_states, n = n_actions.shape
    kinds = len(shares)
    tasks = kinds == 2
    last = kinds - 1
    unknowns = kinds * n * n_states
    sizes = point_starts[1:] - point_starts[:-1]
    responses = np.zeros(np.sum(sizes * sizes))
    steps = np.zeros((len(point), 2))
    all_slopes = np.zeros((kinds, n, len(point)))
    paid = np.empty(len(point))
    matrix = np.zeros((unknowns, unknowns) if dense else (0, 0))
    capacity = 0
    successors = np.empty(n_states, np.int64)
    place = np.full(n_states, -1)
    if not dense:
        for s in range(n_states):
            capacity += _successors(s, row_starts, indptr, indices, place, successors)
        capacity *= (kinds * n) ** 2
    rows, columns, entries = np.empty(capacity, np.int64), np.empty(capacity, np.int64), np.empty(capacity)
    stored = 0
    place[:] = -1
    sign, begin = 1.0, 0
    for s in range(n_states):
        counts = n_actions[s]
        bounds, places = layout(counts, egos, takes)
        size, own_size = sizes[s], bounds[n]
        start = point_starts[s]
        local = point[start : point_starts[s + 1]]
        worth, against = _rows(linear, row_starts, s), _rows(taken, row_starts, s)
        gradient, derivative, slopes = _linearized(counts, bounds, places, weights, worth, against, local, tasks)
        response, step = np.zeros((size, size)), np.zeros((size, 2))
        if free[s]:
            errors = np.empty(size)
            for p in range(size):
                errors[p] = precision * gradient[p] + prior[start + p] - logs[start + p]
            sign *= _quantal_response(bounds, gradient, derivative, local, errors, precision, response, step)
        else:
            _support_response(bounds, gradient, derivative, local, used[start : start + size], response, step)
        for p in range(size):
            paid[start + p] = gradient[p]
            steps[start + p, 0], steps[start + p, 1] = step[p, 0], step[p, 1]
            for q in range(size):
                responses[begin] = response[p, q]
                begin += 1
            for kind in range(kinds):
                for i in range(n):
                    if free[s]:
                        slopes[kind, i, p] *= local[p]
                    all_slopes[kind, i, start + p] = slopes[kind, i, p]
        dependence = np.dot(slopes.reshape((kinds * n, size)), response)
        # Averages of the transitions: as others play against each action, and as adversaries play.
        count = _successors(s, row_starts, indptr, indices, place, successors)
        averages = _averaged_transitions(
            s, counts, bounds, row_starts, indptr, indices, planes, first, second, place, count
        )
        # How the values depend on the averages, for each value of those that follow.
        reach = np.zeros((kinds * n * kinds * n, 2 * own_size))
        for kind in range(kinds):
            for i in range(n):
                v = kind * n + i
                if kind == 0:
                    for p in range(bounds[i], bounds[i + 1]):
                        dependence[v, p] += local[p]
                for j in range(n):
                    for other in range(kinds):
                        line = reach[v * kinds * n + other * n + j]
                        for p in range(bounds[j], bounds[j + 1]):
                            line[p] += discounts[j] * shares[other, j] * dependence[v, p]
                            if other == last:
                                line[own_size + p] += discounts[j] * dependence[v, p]
                        if other == last:
                            for k in range(n):
                                at = places[j, k]
                                if at >= 0:
                                    for b in range(counts[k]):
                                        line[bounds[k] + b] -= discounts[j] * dependence[v, at + b]
                if kind == 1:
                    line = reach[v * kinds * n + v]
                    for p in range(bounds[i], bounds[i + 1]):
                        line[p] += discounts[i] * local[p]
        couplings = np.zeros((kinds * n * kinds * n, count))
        for kind in range(kinds):
            for other in range(kinds):
                for j in range(n):
                    if plane_of[kind, other, j] >= 0:
                        chosen = np.empty((kinds * n, 2 * own_size))
                        for v in range(kinds * n):
                            _write(reach[v * kinds * n + kind * n + j], chosen[v], 0)
                        coupled = np.dot(chosen, averages[plane_of[kind, other, j]])
                        for v in range(kinds * n):
                            line = couplings[v * kinds * n + other * n + j]
                            for k in range(count):
                                line[k] += coupled[v, k]
        for v in range(kinds * n):
            for w in range(kinds * n):
                line = couplings[v * kinds * n + w]
                if dense:
                    target = matrix[v * n_states + s]
                    for k in range(count):
                        target[w * n_states + successors[k]] = -line[k]
                else:
                    for k in range(count):
                        if line[k] != 0.0:
                            rows[stored] = v * n_states + s
                            columns[stored] = w * n_states + successors[k]
                            entries[stored] = -line[k]
                            stored += 1
    if dense:
        for v in range(unknowns):
            matrix[v, v] += 1.0
    return matrix, rows[:stored], columns[:stored], entries[:stored], steps, responses, all_slopes, paid, sign


@_kernel
def _averaged_transitions(s, counts, bounds, row_starts, indptr, indices, planes, first, second, place, count):
    """Average the transitions of a state as others play against each action, and as adversaries play."""
    n, begin, n_states, own_size = len(counts), row_starts[s], len(place), bounds[len(counts)]
    n_rows = row_starts[s + 1] - begin if count else 0
    start, stop = indptr[begin], indptr[begin + n_rows]
    # Every state may follow upon every row: an ordinary matrix.
    ordinary = count > 0 and stop - start == n_rows * n_states and 2 * own_size * n_rows <= ORDINARY
    weights = np.zeros((2 * own_size, n_rows if ordinary else 0))
    result = np.zeros((len(planes), 2 * own_size, count))
    joint = np.zeros(n, np.int64)
    for row in range(begin, begin + n_rows):
        for i in range(n):
            for part in range(2):
                weight = first[i, row] if part == 0 else second[i, row]
                line = part * own_size + bounds[i] + joint[i]
                if ordinary:
                    weights[line, row - begin] = weight
                elif weight != 0.0:
                    for plane in range(len(planes)):
                        for k in range(indptr[row], indptr[row + 1]):
                            result[plane, line, place[indices[k]] - s * n_states] += weight * planes[plane, k]
        _advance(joint, counts)
    if ordinary:
        for plane in range(len(planes)):
            averages = np.dot(weights, planes[plane, start:stop].reshape((n_rows, n_states)))
            for line in range(2 * own_size):
                _write(averages[line], result[plane, line], 0)
    return result


@_kernel
def _successors(s, row_starts, indptr, indices, place, successors):
    """List the states that may follow state `s`; ``place[t] - s * S`` is where `t` stands in the list."""
    n_states = len(place)
    count = 0
    for k in range(indptr[row_starts[s]], indptr[row_starts[s + 1]]):
        t = indices[k]
        if place[t] < s * n_states:
            place[t] = s * n_states + count
            successors[count] = t
            count += 1
    return count


@_kernel
def _quantal_response(bounds, gradient, derivative, point, errors, precision, response, step):
    """Write how the logarithms of a state's strategies respond to what they are paid, and to errors and precision.

    Return the sign of the determinant; zero if the equations are singular, and then nothing responds.
    """
    size = len(point)
    system = np.empty((size, size))
    right = np.zeros((size, size + 2))
    for g in range(len(bounds) - 1):
        total = 0.0
        for p in range(bounds[g], bounds[g + 1]):
            total += point[p]
            for q in range(size):
                system[p, q] = precision * derivative[p, q] * point[q]
            right[p, p] = precision
            right[p, size] = errors[p]
            right[p, size + 1] = gradient[p]
        # Less the average of the group under its strategy.
        mean, means = np.zeros(size), np.zeros(size + 2)
        for p in range(bounds[g], bounds[g + 1]):
            share = point[p] / total
            for q in range(size):
                mean[q] += share * system[p, q]
            for q in range(size + 2):
                means[q] += share * right[p, q]
        for p in range(bounds[g], bounds[g + 1]):
            for q in range(size):
                system[p, q] = (1.0 if p == q else 0.0) - system[p, q] + mean[q]
            for q in range(size + 2):
                right[p, q] -= means[q]
            right[p, size] += 1.0 - total
    sign = _solve(system, right)
    if sign != 0.0:
        for p in range(size):
            for q in range(size):
                response[p, q] = right[p, q]
            step[p, 0], step[p, 1] = right[p, size], right[p, size + 1]
    return sign


@_kernel
def _support_response(bounds, gradient, derivative, point, used, response, step):
    """Write how a state's strategies respond to what they are paid if supports stay, and the step to their equilibrium.

    An empty `response` is not asked for, which is most of the work.
    Where the equations of the state alone are singular, because it takes other states to make somebody indifferent in
    this one, or because strategies are interchangeable, everybody shies a little away from changes.
    """
    groups = len(bounds) - 1
    chosen, count = np.empty(len(used), np.int64), 0
    for p in range(len(used)):
        if used[p]:
            chosen[count] = p
            count += 1
    asked = count if len(response) > 0 else 0
    # Payoffs of each group in units of their size, so that a level is one for all of its actions.
    units = np.zeros(groups)
    for g in range(groups):
        for p in range(bounds[g], bounds[g + 1]):
            for q in range(len(point)):
                units[g] = max(units[g], abs(derivative[p, q]))
        units[g] = units[g] if units[g] > 0.0 else 1.0
    for inertia in (0.0, INERTIA):
        system = np.zeros((count + groups, count + groups))
        right = np.zeros((count + groups, asked + 1))
        for g in range(groups):
            right[count + g, asked] = 1.0
            for p in range(bounds[g], bounds[g + 1]):
                right[count + g, asked] -= point[p]
        g = 0
        for c in range(count):
            p = chosen[c]
            while bounds[g + 1] <= p:
                g += 1
            for d in range(count):
                system[c, d] = derivative[p, chosen[d]] / units[g]
            system[c, c] -= inertia
            system[c, count + g] = -1.0
            system[count + g, c] = 1.0
            if asked > 0:
                right[c, c] = -1.0 / units[g]
            right[c, asked] = -gradient[p] / units[g]
        if _solve(system, right) != 0.0:
            for c in range(count):
                for d in range(asked):
                    response[chosen[c], chosen[d]] = right[c, d]
                step[chosen[c], 0] = right[c, asked]
            return


@_kernel
def _solve(system, right):
    """Solve a dense system in place by elimination with row exchanges; return the sign of the determinant, or 0."""
    size = len(system)
    sign = 1.0
    largest = 0.0
    for p in range(size):
        for q in range(size):
            largest = max(largest, abs(system[p, q]))
    for c in range(size):
        pivot = c
        for p in range(c + 1, size):
            if abs(system[p, c]) > abs(system[pivot, c]):
                pivot = p
        if not abs(system[pivot, c]) > 1e-13 * largest:
            return 0.0
        if pivot != c:
            sign = -sign
            for q in range(size):
                system[c, q], system[pivot, q] = system[pivot, q], system[c, q]
            for q in range(right.shape[1]):
                right[c, q], right[pivot, q] = right[pivot, q], right[c, q]
        if system[c, c] < 0.0:
            sign = -sign
        inverse = 1.0 / system[c, c]
        for p in range(c + 1, size):
            factor = system[p, c] * inverse
            if factor != 0.0:
                for q in range(c, size):
                    system[p, q] -= factor * system[c, q]
                for q in range(right.shape[1]):
                    right[p, q] -= factor * right[c, q]
    for c in range(size - 1, -1, -1):
        inverse = 1.0 / system[c, c]
        for q in range(right.shape[1]):
            right[c, q] *= inverse
        for p in range(c):
            factor = system[p, c]
            if factor != 0.0:
                for q in range(right.shape[1]):
                    right[p, q] -= factor * right[c, q]
    return sign


@_kernel
def respond(point_starts, responses, payments):
    """Return by how much the strategies of each state respond to changes of what they are paid, shaped like them."""
    result = np.zeros(len(payments))
    begin = 0
    for s in range(len(point_starts) - 1):
        first, last = point_starts[s], point_starts[s + 1]
        size = last - first
        for p in range(size):
            total = 0.0
            for q in range(size):
                total += responses[begin + p * size + q] * payments[first + q]
            result[first + p] = total
        begin += size * size
    return result


@_kernel
def payments(n_actions, row_starts, point_starts, egos, takes, first, second, linear, taken):
    """Return what every action and takeover is paid, from the weights of rows, for a change of their worth."""
    result = np.zeros(point_starts[-1])
    n = n_actions.shape[1]
    joint = np.zeros(n, np.int64)
    for s in range(len(n_actions)):
        counts = n_actions[s]
        bounds, places = layout(counts, egos, takes)
        here = result[point_starts[s] : point_starts[s + 1]]
        joint[:] = 0
        for row in range(row_starts[s], row_starts[s + 1]):
            for i in range(n):
                here[bounds[i] + joint[i]] += first[i, row] * linear[i, row] + second[i, row] * taken[i, row]
                for j in range(n):
                    if places[i, j] >= 0:
                        here[places[i, j] + joint[j]] -= first[j, row] * taken[i, row]
            _advance(joint, counts)
    return result


@_strict_kernel
def solve_stages(n_actions, row_starts, point_starts, egos, takes, weights, linear, taken, point, slack):
    """Solve the stage game of every state that is not in equilibrium, from where it is.

    Parameters
    ----------
    n_actions, row_starts, point_starts, egos, takes, weights, linear, taken, point
        As for `gradients`.
    slack : ndarray, shape (n,)
        Regret, in payoffs of each player, up to which a state is left as it is.

    Returns
    -------
    point : ndarray
        Where no equilibrium of a state is found, the best point met there.
    moved : int
        In how many states the players or adversaries were not in equilibrium.
    """
    n_states, n = n_actions.shape
    result = point.copy()
    moved = 0
    for s in range(n_states):
        counts = n_actions[s]
        bounds, places = layout(counts, egos, takes)
        worth, against = _rows(linear, row_starts, s), _rows(taken, row_starts, s)
        local = point[point_starts[s] : point_starts[s + 1]].copy()
        gradient = _gradient(counts, bounds, places, weights, worth, against, local)
        regret = _regret(bounds, egos, n, gradient, local, slack)
        if regret <= 1.0:
            continue
        moved += 1
        best, least = local, np.inf
        for _ in range(STEPS):
            target = _polymatrix_equilibrium(counts, bounds, places, weights, worth, against, local)
            if len(target) == 0:
                break
            fraction, nearest, found = 1.0, np.inf, target
            for _ in range(HALVINGS):
                trial = np.empty(len(local))
                for p in range(len(local)):
                    trial[p] = local[p] + fraction * (target[p] - local[p])
                gradient = _gradient(counts, bounds, places, weights, worth, against, trial)
                now = _regret(bounds, egos, n, gradient, trial, slack)
                if now < nearest:
                    nearest, found = now, trial
                if nearest < regret:
                    break
                fraction *= 0.5
            local, regret = found, nearest
            if regret < least:
                best, least = local, regret
            if n == 2 or regret <= 1.0:
                break
        if least < np.inf:
            _write(best, result, point_starts[s])
    return result, moved


@_kernel
def solve_on_supports(n_actions, row_starts, point_starts, egos, takes, weights, linear, taken, point, slack):
    """Move states not in equilibrium to one on their supports, if Newton's method finds it; as `solve_stages`."""
    n_states, n = n_actions.shape
    result = point.copy()
    for s in range(n_states):
        bounds, places = layout(n_actions[s], egos, takes)
        worth, against = _rows(linear, row_starts, s), _rows(taken, row_starts, s)
        local = point[point_starts[s] : point_starts[s + 1]].copy()
        size = len(local)
        used = np.empty(size, np.bool_)
        for p in range(size):
            used[p] = local[p] > 0.0
        gradient = _gradient(n_actions[s], bounds, places, weights, worth, against, local)
        if _regret(bounds, egos, n, gradient, local, slack) <= 1.0:
            continue
        response, step = np.empty((0, 0)), np.zeros((size, 2))
        last = np.inf
        for _ in range(NEWTON):
            gradient, derivative, _ = _linearized(n_actions[s], bounds, places, weights, worth, against, local, False)
            step[:] = 0.0
            _support_response(bounds, gradient, derivative, local, used, response, step)
            moved, settling = 0.0, True
            for p in range(size):
                moved = max(moved, abs(step[p, 0]))
                settling = settling and abs(step[p, 0]) <= 0.5 * last
            if not settling:
                break
            for p in range(size):
                local[p] += step[p, 0]
            last = moved
            if moved <= SAME:
                break
        inside = True
        for p in range(size):
            inside = inside and local[p] >= 0.0
        if inside:
            gradient = _gradient(n_actions[s], bounds, places, weights, worth, against, local)
            if _regret(bounds, egos, n, gradient, local, slack) <= 1.0:
                _write(local, result, point_starts[s])
    return result


@_kernel
def _regret(bounds, egos, n, gradient, point, slack):
    """Return the greatest regret of a player or adversary in units of the slack."""
    greatest = 0.0
    for g in range(len(bounds) - 1):
        best, mean = -np.inf, 0.0
        for p in range(bounds[g], bounds[g + 1]):
            best = max(best, gradient[p])
            mean += point[p] * gradient[p]
        greatest = max(greatest, (best - mean) / slack[g if g < n else egos[g - n]])
    return greatest


@_strict_kernel
def _polymatrix_equilibrium(counts, bounds, places, weights, linear, taken, point):
    """Return an equilibrium of a state's game linearized at a point; empty if Lemke's path, from there, gets lost."""
    gradient, derivative, _ = _linearized(counts, bounds, places, weights, linear, taken, point, False)
    return linear_equilibrium(bounds, gradient, derivative, point)


@_strict_kernel
def linear_equilibrium(bounds, gradient, derivative, point):
    """Return an equilibrium of groups whose payments change linearly; empty if Lemke's path gets lost."""
    size, groups = len(point), len(bounds) - 1
    for g in range(groups):
        # Payoffs of each group in units of how much they differ within a block.
        unit = 0.0
        for h in range(groups):
            low, high = np.inf, -np.inf
            for p in range(bounds[g], bounds[g + 1]):
                for q in range(bounds[h], bounds[h + 1]):
                    low, high = min(low, derivative[p, q]), max(high, derivative[p, q])
            unit = max(unit, high - low)
        if unit > 0.0:
            for p in range(bounds[g], bounds[g + 1]):
                gradient[p] /= unit
                for q in range(size):
                    derivative[p, q] /= unit
    M, q = linearized_lcp(derivative, gradient, point, bounds)
    T, basic, nonbasic, place, state = start(M, q, cover(M, point))
    run(T, basic, nonbasic, place, state, PIVOTS * size)
    if state[1] != SOLVED:
        return np.empty(0)
    result = read(T, basic)[:size]
    for g in range(groups):
        total = 0.0
        for p in range(bounds[g], bounds[g + 1]):
            total += result[p]
        if not total > 0.0:
            return np.empty(0)
        for p in range(bounds[g], bounds[g + 1]):
            result[p] /= total
    return result


@_strict_kernel
def respond_best(n_actions, row_starts, point_starts, egos, takes, weights, linear, taken, point, player, slack):
    """Let one player and its adversaries, in every state in which they could do better, be in equilibrium.

    Parameters
    ----------
    n_actions, row_starts, point_starts, egos, takes, weights, point
        As for `gradients`.
    linear, taken : ndarray, shape (R,)
        Of the player.
    player : int
    slack : float
        Regret, in payoffs of the player, up to which a state is left as it is.

    Returns
    -------
    point : ndarray
    changed : ndarray of bool, shape (S,)
        The states in which it differs.
    """
    n_states, n = n_actions.shape
    result = point.copy()
    changed = np.zeros(n_states, np.bool_)
    groups = np.array([player, *[n + b for b in range(len(egos)) if egos[b] == player]])
    for s in range(n_states):
        counts = n_actions[s]
        bounds, places = layout(counts, egos, takes)
        own = slice(point_starts[s], point_starts[s + 1])
        here = slice(row_starts[s], row_starts[s + 1])
        local, gradient = point[own], np.zeros(own.stop - own.start)
        _add_payments_of(
            player,
            counts,
            bounds,
            places[player],
            weights[player],
            linear[here],
            taken[here].reshape((1, -1)),
            local,
            gradient,
        )
        # The groups that move, by themselves.
        starts, size = np.zeros(len(groups) + 1, np.int64), 0
        for g in range(len(groups)):
            size += bounds[groups[g] + 1] - bounds[groups[g]]
            starts[g + 1] = size
        chosen = np.empty(size, np.int64)
        for g in range(len(groups)):
            for p in range(starts[g], starts[g + 1]):
                chosen[p] = bounds[groups[g]] + p - starts[g]
        part, paid = local[chosen], gradient[chosen]
        regret = 0.0
        for g in range(len(groups)):
            group = slice(starts[g], starts[g + 1])
            regret = max(regret, np.max(paid[group]) - np.dot(part[group], paid[group]))
        if regret <= slack:
            continue
        if len(groups) == 1:
            best = np.zeros(size)
            best[np.argmax(paid)] = 1.0
        else:
            worth, against = np.zeros((n, here.stop - here.start)), np.zeros((n, here.stop - here.start))
            _write(linear[here], worth[player], 0)
            _write(taken[here], against[player], 0)
            _, full, _ = _linearized(counts, bounds, places, weights, worth, against, local, False)
            derivative = np.empty((size, size))
            for p in range(size):
                for q in range(size):
                    derivative[p, q] = full[chosen[p], chosen[q]]
            best = linear_equilibrium(starts, paid, derivative, part)
        # Where gains are little more than rounding, the best may be what is there already.
        if len(best) and np.max(np.abs(best - part)) > SAME:
            changed[s] = True
            for p in range(size):
                result[point_starts[s] + chosen[p]] = best[p]
    return result, changed


@_kernel
def state_graph(row_starts, indptr, indices):
    """List the states that may follow upon each state, as (indptr, indices) of a graph in CSR form."""
    n_states = len(row_starts) - 1
    place, successors = np.full(n_states, -1), np.empty(n_states, np.int64)
    starts = np.zeros(n_states + 1, np.int64)
    for s in range(n_states):
        starts[s + 1] = starts[s] + _successors(s, row_starts, indptr, indices, place, successors)
    result = np.empty(starts[-1], np.int32)
    place[:] = -1
    for s in range(n_states):
        count = _successors(s, row_starts, indptr, indices, place, successors)
        _write(successors[:count], result, starts[s])
    return starts, result
