"""One step of backward induction: the stage games of all states at once, given what follows.

Values have one row for each state and one column for each kind of value, so that all that follows a row of the game is
read at one place: first the regularized values of the players, where they differ from task values, then these, one
column for all players who share them. Where power lasts for several steps, there follows what is left to a player when
another one goes on playing against it, one column for each such pair and number of steps. A game is
`powergames.games.rows.Rows`, what columns add up `Columns`. `Plan` says which column is whose. At a pure profile with
actions ``a``, player `i` is paid

    L_i(a) + Σ_b weight_b min N_i(takeovers by b),

with ``L_i`` and ``N_i`` as in `powergames.solvers.stochastic.problem`; ``N_i`` may depend on who is taken over. A mixed
deviation may gain where no pure one does, if several takeovers are equally bad: the profile is an equilibrium if some
mixture of these, one for each adversary, leaves no action that is worth more.
"""

from __future__ import annotations

import numpy as np

from powergames.kernels.caching import njit

_kernel = njit(cache=True, nogil=True)

# Which of several equilibria of a state counts: see `powergames.solvers.stochastic.backward_induction`.
TEAM, WELFARE, POWER, NEAREST = 0, 1, 2, 3


@_kernel
def _fill(rows, columns, following, first, worth):
    """Set what each row of a state is worth in each column, shape (C, rows)."""
    for r in range(worth.shape[1]):
        for c in range(len(worth)):
            worth[c, r] = _row(rows, columns, following, first + r, c)


@_kernel
def _row(rows, columns, following, row, c):
    """Return what one row is worth in one column."""
    paid = columns.factor[c] * (rows.rewards[columns.reward[c], row] - columns.offset[c])
    return paid + columns.discount[c] * _mean(rows.indptr, rows.indices, rows.data, following, row, c)


@_kernel
def _mean(indptr, indices, data, following, row, c):
    """Return the mean of a column of values over what follows a row."""
    if data is None:
        return following[np.uint32(indices[row]), c]
    total = 0.0
    for entry in range(indptr[row], indptr[row + 1]):
        total += data[entry] * following[indices[entry], c]
    return total


@_kernel
def _is_new(rows, changed, s):
    """Tell whether the values of any state that may follow upon a state changed."""
    first, last = _entries(rows.indptr, rows.row_starts[s], rows.row_starts[np.uint64(s) + np.uint64(1)])
    entry, one = np.uint64(first), np.uint64(1)
    while entry < np.uint64(last) and not changed[np.uint32(rows.indices[entry])]:
        entry += one
    return entry < np.uint64(last)


@_kernel
def _entries(indptr, first, last):
    """Return where the transitions of some rows begin and end."""
    if indptr is None:
        return first, last
    return np.int64(indptr[first]), np.int64(indptr[last])


@_kernel
def _set_strides(counts, strides):
    """Set how many rows of a state lie between two actions of each player."""
    stride = 1
    for i in range(len(counts) - 1, -1, -1):
        strides[i] = stride
        stride *= counts[i]


@_kernel
def _decode(row, counts, strides, acts):
    """Set the action of each player in a row of a state."""
    for i in range(len(counts)):
        acts[i] = row // strides[i] % counts[i]


@_kernel
def _column(lasting, own, i, j):
    """Return the column of what rows are worth to a player where another one is taken over: its own, or one of both."""
    if lasting is None:
        return own
    return lasting[i, j]


@_kernel
def _set_least(counts, strides, takes, worths, own, lasting, i, least):
    """Set, for each row, the least worth of the rows that an adversary can turn it into; see `_column`."""
    for r in range(len(least)):
        least[r] = np.inf
    for j in range(len(counts)):
        if takes[j]:
            worth = worths[_column(lasting, own, i, j)]
            stride = strides[j]
            block = stride * counts[j]
            for first in range(0, len(least), block):
                for offset in range(first, first + stride):
                    low = worth[offset]
                    for r in range(offset + stride, offset + block, stride):
                        low = min(low, worth[r])
                    for r in range(offset, offset + block, stride):
                        least[r] = min(least[r], low)


@_kernel
def solve_pure(
    rows, columns, plan, adversaries, scale, rule, following, changed, last, before, slack, values, joint, unsolved
):
    """Find a pure equilibrium of every state that has one, and evaluate it.

    Parameters
    ----------
    rows : Rows
    columns : Columns
    plan : tuple
        ``(utility, task, penalty, lasting)``: the columns of each player's regularized and task value, each of shape
        (n,), whether power is charged for, and, where it lasts for several steps, the columns of what is left to player
        `i` where `j` goes on against it, shape (n, n), else None.
    adversaries : AdversaryArrays
    scale : ndarray, shape (n,)
        Payoffs that a unit of value is worth to each player, for sums over players.
    rule : int
        Which of several equilibria counts.
    following : ndarray, shape (S, C)
        Values of the step after.
    changed : ndarray of bool, shape (S,)
        Which of these differ from those of the step after that one; empty if nothing is known. A state of which no
        state that may follow changed has the game of the step after, and its equilibrium.
    last : ndarray of int32, shape (S,)
        What `joint` was at the step after.
    before : ndarray of int32, shape (S,)
        Joint action of the step after, or the likeliest one, as a row of the state; for the rule NEAREST.
    slack : float
        What counts as rounding.
    values : ndarray, shape (S, C)
        Of the equilibria; written.
    joint : ndarray of int32, shape (S,)
        The row that is played; -1 where no pure equilibrium was found. Written.
    unsolved : ndarray of int32, shape (S,)
        Begins with the states in which none was found. Written.

    Returns
    -------
    int
        How many there are.
    """
    utility, task, penalty, lasting = plan
    n_states, n = rows.n_actions.shape
    most = np.max(rows.row_starts[1:] - rows.row_starts[:-1])
    worths, least = np.empty((len(columns.factor), most)), np.empty((len(adversaries.egos), most))
    linears, gains = np.empty((n, most)), np.empty((n, most))
    first_score, second_score = np.empty(most), np.empty(most)
    tried = np.empty(most, np.bool_)
    strides, acts, base = np.empty(n, np.int64), np.empty(n, np.int64), np.empty(most)
    missing = 0
    for s in range(n_states):
        if len(changed) > 0 and not _is_new(rows, changed, s):
            joint[s] = last[s]
            for c in range(values.shape[1]):
                values[s, c] = following[s, c]
            if last[s] < 0:
                unsolved[missing] = s
                missing += 1
            continue
        first = rows.row_starts[s]
        count = rows.row_starts[s + 1] - first
        counts = rows.n_actions[s]
        worth = worths[:, :count]
        _fill(rows, columns, following, first, worth)
        _set_strides(counts, strides)
        for i in range(n):
            u, v, toll = utility[i], task[i], adversaries.tolls[i]
            for r in range(count):
                linears[i, r] = worth[u, r] - toll * worth[v, r] if penalty else (1.0 - toll) * worth[u, r]
                gains[i, r] = linears[i, r]
        for b in range(len(adversaries.egos)):
            i = adversaries.egos[b]
            own = task[i] if penalty else utility[i]
            _set_least(counts, strides, adversaries.takes[b], worth, own, lasting, i, least[b, :count])
            for r in range(count):
                gains[i, r] += adversaries.weights[b] * least[b, r]
        for r in range(count):
            total, welfare = 0.0, 0.0
            for i in range(n):
                total += scale[i] * gains[i, r]
                welfare += scale[i] * worth[task[i], r]
            tried[r] = False
            if rule == WELFARE:
                first_score[r], second_score[r] = welfare, total
            elif rule == POWER:
                first_score[r], second_score[r] = total - welfare, total
            elif rule == NEAREST:
                moved = 0
                _decode(r, counts, strides, acts)
                for i in range(n):
                    if acts[i] != before[s] // strides[i] % counts[i]:
                        moved += 1
                first_score[r], second_score[r] = -np.float64(moved), total
            else:
                first_score[r], second_score[r] = total, welfare
        found = -1
        for _ in range(count):
            best = -1
            for r in range(count):
                if not tried[r] and (
                    best < 0
                    or first_score[r] > first_score[best] + slack
                    or (first_score[r] >= first_score[best] - slack and second_score[r] > second_score[best] + slack)
                ):
                    best = r
            tried[best] = True
            stable = True
            for i in range(n):
                _decode(best, counts, strides, acts)
                game = linears[i], worth, task[i] if penalty else utility[i], lasting, least
                if not _is_best(i, counts, strides, acts, adversaries, game, best, gains[i, best], slack, base):
                    stable = False
                    break
            if stable:
                found = best
                break
        joint[s] = found
        if found < 0:
            unsolved[missing] = s
            missing += 1
            continue
        for i in range(n):
            values[s, utility[i]] = gains[i, found]
        for i in range(n):
            values[s, task[i]] = worth[task[i], found]
    return missing


@_kernel
def solve_pairs(
    rows, columns, plan, adversaries, scale, rule, following, changed, last, before, slack, values, joint, unsolved
):
    """Do what `solve_pure` does for two players, many times as fast.

    Unsigned indices need no check for negative ones, which is half of the time.
    """
    utility, task, penalty, lasting = plan
    u, v, p, q = np.uint64(utility[0]), np.uint64(utility[1]), np.uint64(task[0]), np.uint64(task[1])
    toll_0, toll_1 = adversaries.tolls[0], adversaries.tolls[1]
    scale_0, scale_1 = scale[0], scale[1]
    most = np.max(rows.row_starts[1:] - rows.row_starts[:-1])
    linear_0, linear_1, taken_0, taken_1 = np.empty(most), np.empty(most), np.empty(most), np.empty(most)
    gains_0, gains_1, first_score, second_score = np.empty(most), np.empty(most), np.empty(most), np.empty(most)
    widest = np.max(rows.n_actions)
    low_0, low_1, top_0, top_1 = np.empty(widest), np.empty(widest), np.empty(widest), np.empty(widest)
    one, missing = np.uint64(1), 0
    for state in range(len(rows.n_actions)):
        s = np.uint64(state)
        if len(changed) > 0 and not _is_new(rows, changed, s):
            joint[s] = last[s]
            for c in range(np.uint64(values.shape[1])):
                values[s, c] = following[s, c]
            if last[s] < 0:
                unsolved[missing] = state
                missing += 1
            continue
        n_0, n_1 = np.uint64(rows.n_actions[s, 0]), np.uint64(rows.n_actions[s, 1])
        first = np.uint64(rows.row_starts[s])
        count = n_0 * n_1
        _fill_line(rows, columns, following, first, u, linear_0[:count])
        _fill_line(rows, columns, following, first, p, taken_0[:count])
        if u == v:
            linear_1[:count] = linear_0[:count]
        else:
            _fill_line(rows, columns, following, first, v, linear_1[:count])
        if p == q:
            taken_1[:count] = taken_0[:count]
        else:
            _fill_line(rows, columns, following, first, q, taken_1[:count])
        for r in range(count):
            second_score[r] = scale_0 * taken_0[r] + scale_1 * taken_1[r]
            if penalty:
                linear_0[r] -= toll_0 * taken_0[r]
                linear_1[r] -= toll_1 * taken_1[r]
            else:
                taken_0[r], taken_1[r] = linear_0[r], linear_1[r]
                linear_0[r] *= 1.0 - toll_0
                linear_1[r] *= 1.0 - toll_1
        _fill_lasting(rows, columns, following, first, lasting, taken_0[:count], taken_1[:count])
        for b in range(n_1):
            low_1[b], top_0[b] = np.inf, -np.inf
        for a in range(n_0):
            low = np.inf
            for b in range(n_1):
                here, there = taken_0[a * n_1 + b], taken_1[a * n_1 + b]
                low = here if here < low else low
                low_1[b] = there if there < low_1[b] else low_1[b]
            low_0[a] = low
        for a in range(n_0):
            top, charge = -np.inf, toll_0 * low_0[a]
            for b in range(n_1):
                here = linear_0[a * n_1 + b] + charge
                there = linear_1[a * n_1 + b] + toll_1 * low_1[b]
                gains_0[a * n_1 + b], gains_1[a * n_1 + b] = here, there
                top_0[b] = here if here > top_0[b] else top_0[b]
                top = there if there > top else top
            top_1[a] = top - slack
        # Who gains by a pure deviation is no candidate; whether a mixed one gains is seen only where it matters.
        for a in range(n_0):
            for b in range(n_1):
                row = a * n_1 + b
                total, welfare = scale_0 * gains_0[row] + scale_1 * gains_1[row], second_score[row]
                if gains_0[row] < top_0[b] - slack or gains_1[row] < top_1[a]:
                    first_score[row] = -np.inf
                elif rule == TEAM:
                    first_score[row] = total
                elif rule == WELFARE:
                    first_score[row], second_score[row] = welfare, total
                elif rule == POWER:
                    first_score[row], second_score[row] = total - welfare, total
                else:
                    moved = (a != np.uint64(before[s]) // n_1) + (b != np.uint64(before[s]) % n_1)
                    first_score[row], second_score[row] = -np.float64(moved), total
        while True:
            best, ahead, behind = count, -np.inf, -np.inf
            for r in range(count):
                if first_score[r] > ahead + slack or (
                    first_score[r] >= ahead - slack and second_score[r] > behind + slack and first_score[r] > -np.inf
                ):
                    best, ahead, behind = np.uint64(r), first_score[r], second_score[r]
            if best == count:
                break
            mine = best // n_1
            other = best - mine * n_1
            if _holds(
                linear_0, taken_0, toll_0, low_0[mine], gains_0[best], slack, other, n_1, n_0, mine * n_1, one, n_1
            ) and _holds(
                linear_1, taken_1, toll_1, low_1[other], gains_1[best], slack, mine * n_1, one, n_1, other, n_1, n_0
            ):
                break
            first_score[best] = -np.inf
        if best == count:
            joint[s] = -1
            unsolved[missing] = state
            missing += 1
            continue
        joint[s] = best
        values[s, u], values[s, v] = gains_0[best], gains_1[best]
        if penalty or u != p:
            values[s, p] = _row(rows, columns, following, first + best, p)
            if q != p:
                values[s, q] = _row(rows, columns, following, first + best, q)
    return missing


@_kernel
def _fill_line(rows, columns, following, first, column, line):
    """Set what the rows of a state are worth in one column."""
    factor, offset, discount = columns.factor[column], columns.offset[column], columns.discount[column]
    reward = np.uint64(columns.reward[column])
    for r in range(np.uint64(len(line))):
        paid = factor * (rows.rewards[reward, first + r] - offset)
        line[r] = paid + discount * _mean(rows.indptr, rows.indices, rows.data, following, first + r, column)


@_kernel
def _fill_lasting(rows, columns, following, first, lasting, taken_0, taken_1):
    """Set what the rows of a state are worth to two players who are taken over, if that lasts for several steps."""
    if lasting is not None:
        _fill_line(rows, columns, following, first, np.uint64(lasting[0, 1]), taken_0)
        _fill_line(rows, columns, following, first, np.uint64(lasting[1, 0]), taken_1)


@_kernel
def _holds(linear, taken, toll, low, value, slack, own_first, own_stride, own_count, first, stride, count):
    """Tell whether a worst case of a player's adversary, or an even mixture of all, leaves it nothing to gain.

    The player's actions against the other's begin at `own_first`, the other's against the player's at `first`.
    """
    if toll == 0.0:
        # No pure deviation gains, and there is no other.
        return True
    ties = 0
    for z in range(count):
        if taken[first + z * stride] > low + slack:
            continue
        ties += 1
        fine = True
        for a in range(own_count):
            if linear[own_first + a * own_stride] + toll * taken[a * own_stride + z * stride] > value + slack:
                fine = False
                break
        if fine:
            return True
    if ties == 1:
        return False
    for a in range(own_count):
        total = 0.0
        for z in range(count):
            if taken[first + z * stride] <= low + slack:
                total += taken[a * own_stride + z * stride]
        if linear[own_first + a * own_stride] + toll * total / ties > value + slack:
            return False
    return True


@_kernel
def _is_best(i, counts, strides, acts, adversaries, game, row, value, slack, base):
    """Tell whether some worst cases of a player's adversaries prove that none of its actions is worth more.

    Where it has one adversary, each worst case is tried, and then an even mixture of all; with several, the first one
    of each, and then even mixtures.
    """
    linear, worth, own, lasting, least = game
    count, stride = counts[i], strides[i]
    start = row - acts[i] * stride
    several = 0
    for b in range(len(adversaries.egos)):
        if adversaries.egos[b] == i:
            several += 1
    if several == 0:
        best = -np.inf
        for a in range(count):
            best = max(best, linear[start + a * stride])
        return best <= value + slack
    if several == 1:
        for b in range(len(adversaries.egos)):
            if adversaries.egos[b] != i:
                continue
            weight = adversaries.weights[b]
            for j in range(len(counts)):
                if not adversaries.takes[b, j]:
                    continue
                taken = worth[_column(lasting, own, i, j)]
                for z in range(counts[j]):
                    shift = (z - acts[j]) * strides[j]
                    if taken[row + shift] > least[b, row] + slack:
                        continue
                    fine = True
                    for a in range(count):
                        r = start + a * stride
                        if linear[r] + weight * taken[r + shift] > value + slack:
                            fine = False
                            break
                    if fine:
                        return True
    for even in range(2):
        if several == 1 and even == 0:
            continue
        for a in range(count):
            base[a] = linear[start + a * stride]
        for b in range(len(adversaries.egos)):
            if adversaries.egos[b] != i:
                continue
            ties = 0
            for apply in range(2):
                for j in range(len(counts)):
                    if not adversaries.takes[b, j]:
                        continue
                    taken = worth[_column(lasting, own, i, j)]
                    for z in range(counts[j]):
                        shift = (z - acts[j]) * strides[j]
                        if taken[row + shift] > least[b, row] + slack:
                            continue
                        if apply == 0:
                            ties = ties + 1 if even == 1 else 1
                        elif ties > 0:
                            weight = adversaries.weights[b] / ties
                            for a in range(count):
                                base[a] += weight * taken[start + a * stride + shift]
                            if even == 0:
                                ties = 0
        fine = True
        for a in range(count):
            if base[a] > value + slack:
                fine = False
                break
        if fine:
            return True
    return False


@_kernel
def team_step(rows, columns, adversaries, following, values, joint):
    """Set what a team is worth if adversaries take over one member at a time, and the row that it plays.

    Parameters
    ----------
    rows, columns
        As in `solve_pure`, with one column.
    adversaries : tuple
        As in `solve_pure`, but that weights are probabilities of takeovers from the team.
    following, values : ndarray, shape (S, 1)
    joint : ndarray of int32, shape (S,)
        The first of the best rows. Written, like `values`.
    """
    _, takes, weights, _ = adversaries
    n_states, n = rows.n_actions.shape
    most = np.max(rows.row_starts[1:] - rows.row_starts[:-1])
    worths, leasts, totals = np.empty((1, most)), np.empty(most), np.empty(most)
    strides = np.empty(n, np.int64)
    left = 1.0 - np.sum(weights)
    for s in range(n_states):
        count = rows.row_starts[s + 1] - rows.row_starts[s]
        worth, least = worths[:, :count], leasts[:count]
        _fill(rows, columns, following, rows.row_starts[s], worth)
        _set_strides(rows.n_actions[s], strides)
        for r in range(count):
            totals[r] = left * worth[0, r]
        for b in range(len(takes)):
            _set_least(rows.n_actions[s], strides, takes[b], worth, 0, None, 0, least)
            for r in range(count):
                totals[r] += weights[b] * least[r]
        best = np.argmax(totals[:count])
        joint[s], values[s, 0] = best, totals[best]


@_kernel
def worth_of(rows, columns, following, chosen):
    """Return what some rows are worth in each column, shape (C, len(chosen)); see `solve_pure`."""
    result = np.empty((len(columns.factor), len(chosen)))
    for k in range(len(chosen)):
        for c in range(len(result)):
            result[c, k] = _row(rows, columns, following, chosen[k], c)
    return result


@_kernel
def evaluate_pure(rows, columns, plan, adversaries, following, actions, values):
    """Evaluate a profile where it is pure; parameters as in `solve_pure`.

    Parameters
    ----------
    actions : ndarray of int, shape (n, S)
        The action of each player; states where one is negative are left out.
    values : ndarray, shape (S, C)
        Written.
    """
    utility, task, penalty, lasting = plan
    n_states, n = rows.n_actions.shape
    strides = np.empty(n, np.int64)
    for s in range(n_states):
        counts = rows.n_actions[s]
        _set_strides(counts, strides)
        row = _played(rows, s, actions, strides)
        if row < 0:
            continue
        for i in range(n):
            values[s, task[i]] = _row(rows, columns, following, row, task[i])
        if len(adversaries.egos) == 0:
            continue
        for i in range(n):
            toll = adversaries.tolls[i]
            total = _row(rows, columns, following, row, utility[i])
            total = total - toll * values[s, task[i]] if penalty else (1.0 - toll) * total
            column = task[i] if penalty else utility[i]
            for b in range(len(adversaries.egos)):
                if adversaries.egos[b] == i:
                    low = np.inf
                    for j in range(n):
                        if adversaries.takes[b, j]:
                            taken = _column(lasting, column, i, j)
                            low = min(low, _least(rows, columns, following, row, counts, strides, s, j, taken))
                    total += adversaries.weights[b] * low
            values[s, utility[i]] = total


@_kernel
def _played(rows, s, actions, strides):
    """Return the row that is played in a state; -1 where somebody mixes."""
    row = rows.row_starts[s]
    for i in range(len(actions)):
        if actions[i, s] < 0:
            return -1
        row += strides[i] * actions[i, s]
    return row


@_kernel
def _least(rows, columns, following, row, counts, strides, s, j, column):
    """Return what a row is worth if one player turns it into the worst one."""
    first = row - (row - rows.row_starts[s]) // strides[j] % counts[j] * strides[j]
    low = np.inf
    for z in range(counts[j]):
        low = min(low, _row(rows, columns, following, first + z * strides[j], column))
    return low


@_kernel
def evaluate_mixed(rows, columns, plan, adversaries, following, states, mixtures, values):
    """Evaluate a profile in some states; parameters as in `solve_pure`.

    Parameters
    ----------
    states : ndarray of int, shape (K,)
    mixtures : ndarray, shape (K, n, A)
    values : ndarray, shape (S, C)
        Written in these states.
    """
    utility, task, penalty, lasting = plan
    n = rows.n_actions.shape[1]
    most = np.max(rows.row_starts[1:] - rows.row_starts[:-1])
    worths, strides = np.empty((len(columns.factor), most)), np.empty(n, np.int64)
    for k in range(len(states)):
        s = states[k]
        counts = rows.n_actions[s]
        worth = worths[:, : rows.row_starts[s + 1] - rows.row_starts[s]]
        _fill(rows, columns, following, rows.row_starts[s], worth)
        _set_strides(counts, strides)
        for i in range(n):
            values[s, task[i]] = _expected(worth[task[i]], counts, strides, mixtures[k], -1, 0)
        if len(adversaries.egos) == 0:
            continue
        for i in range(n):
            toll = adversaries.tolls[i]
            total = _expected(worth[utility[i]], counts, strides, mixtures[k], -1, 0)
            total = total - toll * values[s, task[i]] if penalty else (1.0 - toll) * total
            column = task[i] if penalty else utility[i]
            for b in range(len(adversaries.egos)):
                if adversaries.egos[b] == i:
                    low = np.inf
                    for j in range(n):
                        if adversaries.takes[b, j]:
                            taken = worth[_column(lasting, column, i, j)]
                            for z in range(counts[j]):
                                low = min(low, _expected(taken, counts, strides, mixtures[k], j, z))
                    total += adversaries.weights[b] * low
            values[s, utility[i]] = total


@_kernel
def _expected(worth, counts, strides, mixture, forced, action):
    """Return the mean over the rows of a state, where one player may be forced to an action."""
    total = 0.0
    for r in range(len(worth)):
        chance = 1.0
        for i in range(len(counts)):
            a = r // strides[i] % counts[i]
            if i == forced:
                chance *= 1.0 if a == action else 0.0
            else:
                chance *= mixture[i, a]
            if chance == 0.0:
                break
        if chance > 0.0:
            total += chance * worth[r]
    return total


@_kernel
def power_pure(rows, columns, task, following, actions, power):
    """Set ``power[s, i, j]``, what `j` can take from `i`, where a profile is pure; see `evaluate_pure`."""
    n_states, n = rows.n_actions.shape
    strides = np.empty(n, np.int64)
    for s in range(n_states):
        counts = rows.n_actions[s]
        _set_strides(counts, strides)
        row = _played(rows, s, actions, strides)
        if row < 0:
            continue
        for i in range(n):
            value = _row(rows, columns, following, row, task[i])
            for j in range(n):
                if j != i:
                    power[s, i, j] = value - _least(rows, columns, following, row, counts, strides, s, j, task[i])


@_kernel
def power_mixed(rows, columns, task, following, states, mixtures, power):
    """Set ``power[s, i, j]`` in some states; see `evaluate_mixed`."""
    n = rows.n_actions.shape[1]
    most = np.max(rows.row_starts[1:] - rows.row_starts[:-1])
    worths, strides = np.empty((len(columns.factor), most)), np.empty(n, np.int64)
    for k in range(len(states)):
        s = states[k]
        counts = rows.n_actions[s]
        worth = worths[:, : rows.row_starts[s + 1] - rows.row_starts[s]]
        _fill(rows, columns, following, rows.row_starts[s], worth)
        _set_strides(counts, strides)
        for i in range(n):
            for j in range(n):
                if j == i:
                    continue
                # The value from the same sums as its least entry, so that no power is exactly zero.
                value, low = 0.0, np.inf
                for z in range(counts[j]):
                    against = _expected(worth[task[i]], counts, strides, mixtures[k], j, z)
                    value += mixtures[k, j, z] * against
                    low = min(low, against)
                power[s, i, j] = max(value - low, 0.0)


@_kernel
def worst_pure(rows, columns, following, actions, j, slack, least, choice):
    """Let one player act against others for a step, where a profile is pure; see `evaluate_pure`.

    Parameters
    ----------
    j : int
        The player.
    slack : float
        Differences that are rounding.
    least : ndarray, shape (S, C)
        What states are worth at least in each column. Written.
    choice : ndarray of int32, shape (S,)
        The first action that is worst in the first column. Written.
    """
    strides = np.empty(rows.n_actions.shape[1], np.int64)
    for s in range(len(rows.n_actions)):
        counts = rows.n_actions[s]
        _set_strides(counts, strides)
        row = _played(rows, s, actions, strides)
        if row < 0:
            continue
        first = row - actions[j, s] * strides[j]
        for c in range(len(columns.factor)):
            least[s, c] = _least(rows, columns, following, row, counts, strides, s, j, c)
        choice[s] = 0
        while _row(rows, columns, following, first + choice[s] * strides[j], 0) > least[s, 0] + slack:
            choice[s] += 1


@_kernel
def worst_mixed(rows, columns, following, states, mixtures, j, slack, least, choice):
    """Do what `worst_pure` does in some states; see `evaluate_mixed`."""
    n = rows.n_actions.shape[1]
    most = np.max(rows.row_starts[1:] - rows.row_starts[:-1])
    worths, strides = np.empty((len(columns.factor), most)), np.empty(n, np.int64)
    for k in range(len(states)):
        s = states[k]
        counts = rows.n_actions[s]
        worth = worths[:, : rows.row_starts[s + 1] - rows.row_starts[s]]
        _fill(rows, columns, following, rows.row_starts[s], worth)
        _set_strides(counts, strides)
        for c in range(len(worth)):
            low = np.inf
            for z in range(counts[j]):
                against = _expected(worth[c], counts, strides, mixtures[k], j, z)
                if against < low - (slack if c == 0 else 0.0):
                    if c == 0:
                        choice[s] = z
                    low = against
                elif against < low:
                    low = against
            least[s, c] = low


@_kernel
def move(rows, actions, reached, following):
    """Move probabilities of states, shape (S,), by one step of a profile where it is pure, into `following`."""
    strides = np.empty(rows.n_actions.shape[1], np.int64)
    for s in range(len(reached)):
        if reached[s] == 0.0:
            continue
        _set_strides(rows.n_actions[s], strides)
        row = _played(rows, s, actions, strides)
        if row >= 0:
            _move_row(rows.indptr, rows.indices, rows.data, row, reached[s], following)


@_kernel
def move_mixed(rows, states, mixtures, reached, following):
    """Move probabilities of states by one step of a profile in some states, into `following`."""
    n = rows.n_actions.shape[1]
    strides = np.empty(n, np.int64)
    for k in range(len(states)):
        s = states[k]
        if reached[s] == 0.0:
            continue
        counts = rows.n_actions[s]
        _set_strides(counts, strides)
        for r in range(rows.row_starts[s + 1] - rows.row_starts[s]):
            chance = reached[s]
            for i in range(n):
                chance *= mixtures[k, i, r // strides[i] % counts[i]]
            if chance > 0.0:
                _move_row(rows.indptr, rows.indices, rows.data, rows.row_starts[s] + r, chance, following)


@_kernel
def _move_row(indptr, indices, data, row, chance, following):
    if data is None:
        following[indices[row]] += chance
    else:
        for entry in range(indptr[row], indptr[row + 1]):
            following[indices[entry]] += chance * data[entry]


@_kernel
def kept_rows(n_actions, row_starts, alike):
    """Mark the rows in which nobody plays an action that does the same as an earlier one.

    Parameters
    ----------
    alike : ndarray of int64, shape (n, S, A)
        As `powergames.kernels.duplicates.first_alike` returns it.

    Returns
    -------
    ndarray of bool, shape (R,)
    """
    n_states, n = n_actions.shape
    kept = np.ones(row_starts[-1], np.bool_)
    strides = np.empty(n, np.int64)
    for s in range(n_states):
        _set_strides(n_actions[s], strides)
        for r in range(row_starts[s + 1] - row_starts[s]):
            for i in range(n):
                a = r // strides[i] % n_actions[s, i]
                if alike[i, s, a] != a:
                    kept[row_starts[s] + r] = False
                    break
    return kept


@_kernel
def spread_actions(n_actions, joint, firsts, player, actions):
    """Set the action of a player in each state, given the row of the smaller game.

    Parameters
    ----------
    n_actions : ndarray of int64, shape (S, n)
        Of the smaller game.
    joint : ndarray of int32, shape (S,)
        -1 where the profile is not pure.
    firsts : ndarray of int16, shape (S, A)
        The player's actions that each one of the smaller game stands for.
    player : int
    actions : ndarray of int, shape (S,)
        Written; -1 where the profile is not pure.
    """
    strides = np.empty(n_actions.shape[1], np.int64)
    for s in range(len(joint)):
        if joint[s] < 0:
            actions[s] = -1
        else:
            _set_strides(n_actions[s], strides)
            actions[s] = firsts[s, joint[s] // strides[player] % n_actions[s, player]]
