"""Quantal-response equilibria of the states of a stochastic game, each by itself, the values of all others given.

In each state the logarithms of the local point, see `powergames.kernels.stages`, are to be

    prior + precision * gradient, less a constant for each group.

As values or precision change, the equilibrium of a state moves along a branch, and sometimes the branch ends: the path
of equilibria over the precision turns back there. The state then follows its own path to where that is next as far.
"""

from __future__ import annotations

import numpy as np

from powergames.kernels.caching import njit
from powergames.kernels.stages import _linearized, _quantal_response, _rows, layout

_kernel = njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "nsz", "arcp"})

# What became of a state: it stayed on its branch, it went to another one, or none was found.
STAYED, JUMPED, LOST = 0, 1, 2

# Steps of Newton's method, how far the first one may move a probability, what each of the others must shrink to, and
# how short the last one must be.
NEWTON, FAR, SHRINKAGE, EXACT = 15, 0.5, 0.9, 1e-11

# Probabilities above LINEAR move in a straight line, logarithms of those below by at most MOST_LOG.
LINEAR, MOST_LOG = 1e-3, 3.0

# Shares of the precision at which a path may begin on the branch that ends.
LOWER = np.array([0.7, 0.3, 0.1])

# Steps of a path from there, and from precision zero.
STEPS_FROM_BRANCH, STEPS_FROM_ZERO = 400, 3_000

# First, shortest and longest step of a path, corrections of a step, how far the first one may move a probability, and
# how short the last one must be.
FIRST, SHORTEST, LONGEST, CORRECTIONS, CAUTION, ACCURATE = 0.1, 1e-7, 2.0, 8, 0.3, 1e-7


@_kernel
def settle_states(
    n_actions,
    row_starts,
    point_starts,
    egos,
    takes,
    weights,
    linear,
    taken,
    logs,
    prior,
    precision,
    chosen,
    switching,
):
    """Solve the chosen states for their quantal-response equilibria, from where they are.

    Parameters
    ----------
    n_actions, row_starts, point_starts, egos, takes, weights, linear, taken
        As for `powergames.kernels.stages.gradients`.
    logs, prior : ndarray, shape (D,)
        Logarithms of the point, and what is added to them at precision zero.
    precision : float
    chosen : ndarray of bool, shape (S,)
    switching : bool
        Whether a state may go to another branch.

    Returns
    -------
    logs : ndarray, shape (D,)
    outcome : ndarray of int64, shape (S,)
        `STAYED`, `JUMPED` or `LOST`; a state that is lost stays where it was.
    """
    result = logs.copy()
    outcome = np.zeros(len(n_actions), np.int64)
    for s in range(len(n_actions)):
        if not chosen[s]:
            continue
        bounds, places = layout(n_actions[s], egos, takes)
        state = (n_actions[s], bounds, places, weights, _rows(linear, row_starts, s), _rows(taken, row_starts, s))
        first, size = point_starts[s], bounds[-1]
        local, own_prior = np.empty(size), np.empty(size)
        for p in range(size):
            local[p], own_prior[p] = logs[first + p], prior[first + p]
        outcome[s] = _settle(state, own_prior, precision, local, switching)
        if outcome[s] != LOST:
            for p in range(size):
                result[first + p] = local[p]
    return result, outcome


@_kernel
def _settle(state, prior, precision, logs, switching):
    """Solve one state, in place, and return what became of it."""
    size = len(logs)
    trial = logs.copy()
    if _solve_at(state, prior, precision, trial):
        for p in range(size):
            logs[p] = trial[p]
        return STAYED
    if not switching:
        return LOST
    for attempt in range(len(LOWER) + 1):
        if attempt < len(LOWER):
            # From the branch that ends, where it still is.
            begin = LOWER[attempt] * precision
            for p in range(size):
                trial[p] = logs[p]
            if not _solve_at(state, prior, begin, trial):
                continue
            steps = STEPS_FROM_BRANCH
        else:
            begin, steps = 0.0, STEPS_FROM_ZERO
            bounds = state[1]
            for g in range(len(bounds) - 1):
                total = 0.0
                for p in range(bounds[g], bounds[g + 1]):
                    total += np.exp(prior[p])
                for p in range(bounds[g], bounds[g + 1]):
                    trial[p] = prior[p] - np.log(total)
        if _follow(state, prior, begin, precision, trial, steps) and _solve_at(state, prior, precision, trial):
            for p in range(size):
                logs[p] = trial[p]
            return JUMPED
    return LOST


@_kernel
def _system(state, prior, precision, logs, step):
    """Write Newton's step and the drift by precision of the logarithms; return the sign of the determinant."""
    counts, bounds, places, weights, linear, taken = state
    size = len(logs)
    point = np.exp(logs)
    gradient, derivative, _ = _linearized(counts, bounds, places, weights, linear, taken, point, False)
    errors = np.empty(size)
    for p in range(size):
        errors[p] = precision * gradient[p] + prior[p] - logs[p]
    response = np.empty((size, size))
    return _quantal_response(bounds, gradient, derivative, point, errors, precision, response, step)


@_kernel
def _move(logs, change):
    """Change logarithms in place; probabilities that matter move in a straight line."""
    for p in range(len(logs)):
        if np.exp(logs[p]) > LINEAR:
            logs[p] += np.log1p(max(change[p], -0.9))
        else:
            logs[p] += min(change[p], MOST_LOG)


@_kernel
def _size(logs, change):
    """Return how far probabilities move; what is hardly ever played counts by its logarithm, if less."""
    size = 0.0
    for p in range(len(logs)):
        own = np.exp(logs[p]) * abs(change[p])
        size = max(size, own, 1e-2 * abs(change[p]) / max(1.0, 1e-2 * abs(logs[p])) if own < LINEAR else own)
    return size


@_kernel
def _solve_at(state, prior, precision, logs):
    """Solve by Newton's method, in place; return whether that succeeds."""
    step = np.empty((len(logs), 2))
    last = np.inf
    for count in range(NEWTON):
        if _system(state, prior, precision, logs, step) == 0.0:
            return False
        size = _size(logs, step[:, 0])
        if not size < np.inf or (count == 0 and size > FAR):
            return False
        if count > 0 and size > SHRINKAGE * last and size > 100.0 * EXACT:
            return False
        _move(logs, step[:, 0])
        if size <= EXACT:
            return True
        last = size
    return False


@_kernel
def _follow(state, prior, precision, target, logs, steps):
    """Follow the path through a solution to where it next reaches a higher precision, in place; return success."""
    size = len(logs)
    step = np.empty((size, 2))
    direction, trial = np.empty(size), np.empty(size)
    forward = _system(state, prior, precision, logs, step)
    if forward == 0.0:
        return False
    length = FIRST
    for _ in range(steps):
        sign = forward * _system(state, prior, precision, logs, step)
        if sign == 0.0:
            return False
        unit = (1.0 / (1.0 + precision)) ** 2
        norm = unit
        for p in range(size):
            norm += (np.exp(logs[p]) * step[p, 1]) ** 2
        norm = np.sqrt(norm)
        if not norm < np.inf:
            return False
        onward = sign / norm
        for p in range(size):
            direction[p] = step[p, 1] * onward
        while True:
            reached = onward > 0.0 and precision + length * onward >= target
            distance = (target - precision) / onward if reached else length
            for p in range(size):
                trial[p] = logs[p]
            _move(trial, distance * direction)
            arrived = target if reached else precision + distance * onward
            last, done, count = CAUTION, False, 0
            while count < CORRECTIONS and arrived >= 0.0:
                count += 1
                if _system(state, prior, arrived, trial, step) == 0.0:
                    break
                share = 0.0
                if not reached:
                    across = unit * onward
                    along = 0.0
                    for p in range(size):
                        weight = np.exp(2.0 * logs[p]) * direction[p]
                        across += weight * step[p, 1]
                        along += weight * step[p, 0]
                    if across == 0.0:
                        break
                    share = -along / across
                for p in range(size):
                    step[p, 0] += share * step[p, 1]
                moved = max(_size(trial, step[:, 0]), abs(share) / (1.0 + arrived))
                if not moved <= last:
                    break
                _move(trial, step[:, 0])
                arrived += share
                if moved <= ACCURATE:
                    done = True
                    break
                last = 0.9 * moved
            if done and arrived >= 0.0:
                break
            length *= 0.4
            if length < SHORTEST:
                return False
        for p in range(size):
            logs[p] = trial[p]
        precision = arrived
        if reached:
            return True
        if count <= 3:
            length = min(1.7 * length, LONGEST)
        elif count >= 6:
            length *= 0.7
    return False


@_kernel
def sweep_states(
    n_actions,
    row_starts,
    point_starts,
    egos,
    takes,
    weights,
    discounts,
    indptr,
    indices,
    data,
    rewards,
    shares,
    values,
    logs,
    prior,
    precision,
    order,
):
    """Settle one state after the other, each for the newest values of all others, and renew its own values.

    Parameters
    ----------
    order : ndarray of int64
        The states, in the order in which they are settled.

    Returns
    -------
    residual : float
        The greatest change of a value.
    outcome : ndarray of int64, shape (S,)
        As for `settle_states`. Values and logarithms are changed in place.
    """
    kinds, n = shares.shape
    outcome = np.zeros(len(n_actions), np.int64)
    residual = 0.0
    for s in order:
        bounds, places = layout(n_actions[s], egos, takes)
        first_row, count = row_starts[s], row_starts[s + 1] - row_starts[s]
        linear, taken = np.zeros((n, count)), np.zeros((n, count))
        for i in range(n):
            for k in range(count):
                row = first_row + k
                for kind in range(kinds):
                    total = 0.0
                    for e in range(indptr[row], indptr[row + 1]):
                        total += data[e] * values[kind, i, indices[e]]
                    worth = rewards[kind, i, row] + discounts[i] * total
                    linear[i, k] += shares[kind, i] * worth
                    if kind == kinds - 1:
                        taken[i, k] = worth
        state = (n_actions[s], bounds, places, weights, linear, taken)
        first, size = point_starts[s], bounds[-1]
        local, own_prior = np.empty(size), np.empty(size)
        for p in range(size):
            local[p], own_prior[p] = logs[first + p], prior[first + p]
        outcome[s] = _settle(state, own_prior, precision, local, True)
        if outcome[s] == LOST:
            continue
        for p in range(size):
            logs[first + p] = local[p]
        point = np.exp(local)
        gradient, _, slopes = _linearized(n_actions[s], bounds, places, weights, linear, taken, point, kinds == 2)
        for i in range(n):
            new = np.zeros(2)
            for p in range(bounds[i], bounds[i + 1]):
                new[0] += point[p] * gradient[p]
                if kinds == 2:
                    new[1] += point[p] * slopes[1, i, p]
            for kind in range(kinds):
                residual = max(residual, abs(new[kind] - values[kind, i, s]))
                values[kind, i, s] = new[kind]
    return residual, outcome
