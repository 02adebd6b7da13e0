"""One equilibrium of each of many games of the same shape, without any Python between two of them."""

from __future__ import annotations

import numpy as np

from powergames.kernels.caching import njit
from powergames.kernels.lemke import RUNNING, SOLVED, cover, path_lcp, read, run, start
from powergames.kernels.pure import scan

# What stands for the number of pivots where none was needed for a pure equilibrium, and where a path did not arrive.
PURE, FAILED = 0, -1


@njit(cache=True, nogil=True)
def solve_pairs(row, column, lam_row, lam_column, max_pivots, x, y, z, w, pivots):
    """Solve two-player games: by a pure equilibrium where an easy one exists, else by Lemke's algorithm.

    ``row[b]`` and ``column[b]``, shape (m, n), are the payoffs of game `b`, scaled to [0, 1]; ``lam_row`` and
    ``lam_column`` the two players' λ W. Writes to ``x[b]``, ``y[b]`` the strategies, to ``z[b]``, ``w[b]`` those of the
    adversaries of players 0 and 1 where they have weight, and to ``pivots[b]`` the number of pivots, PURE or FAILED.
    Strategies stay as they are where the path does not arrive.
    """
    m, n = row.shape[1], row.shape[2]
    worst_of_row, worst_of_column = np.empty(m, np.int64), np.empty(n, np.int64)
    size = m + n + (n if lam_row > 0.0 else 0) + (m if lam_column > 0.0 else 0)
    prior = np.empty(size)
    for k in range(size):
        prior[k] = 1.0 / n if m <= k < m + n or (lam_row > 0.0 and m + n <= k < m + 2 * n) else 1.0 / m
    for b in range(len(row)):
        A, B = row[b], column[b]
        i, j = _pure_pair(A, B, lam_row, lam_column, worst_of_row, worst_of_column)
        if i >= 0:
            _play(x[b], i)
            _play(y[b], j)
            _play(z[b], worst_of_row[i])
            _play(w[b], worst_of_column[j])
            pivots[b] = PURE
            continue
        M, q = path_lcp(A, A, B, B, lam_row, lam_column)
        T, basic, nonbasic, place, state = start(M, q, cover(M, prior))
        done = run(T, basic, nonbasic, place, state, max_pivots) if state[1] == RUNNING else 0
        if state[1] != SOLVED:
            pivots[b] = FAILED
            continue
        pivots[b] = done
        solution = read(T, basic)
        begin = _take(solution, 0, x[b])
        begin = _take(solution, begin, y[b])
        if lam_row > 0.0:
            begin = _take(solution, begin, z[b])
        if lam_column > 0.0:
            _take(solution, begin, w[b])


@njit(cache=True, nogil=True)
def first_pure(payoffs, n_actions, weights, takes_best, slack, lam, found):
    """Write the first joint action of each game that may be a pure equilibrium to ``found[b]``, -1 if there is none.

    ``payoffs[b, i, p]`` are the payoffs at flat joint action `p`; the rest is as in `powergames.kernels.pure.scan`.
    """
    position = np.empty(1, np.int64)
    for b in range(len(payoffs)):
        stop = payoffs.shape[2]
        _, count = scan(payoffs[b], n_actions, weights, takes_best, slack, lam, lam, 0, stop, position, 0)
        found[b] = position[0] if count else -1


@njit(cache=True, nogil=True)
def _pure_pair(A, B, lam_row, lam_column, worst_of_row, worst_of_column):
    """Return the first pure equilibrium in which the first worst case of each action proves it, (-1, -1) if none."""
    m, n = A.shape
    for i in range(m):
        worst_of_row[i] = 0
        for j in range(1, n if lam_row > 0.0 else 1):
            if A[i, j] < A[i, worst_of_row[i]]:
                worst_of_row[i] = j
    for j in range(n):
        worst_of_column[j] = 0
        for i in range(1, m if lam_column > 0.0 else 1):
            if B[i, j] < B[worst_of_column[j], j]:
                worst_of_column[j] = i
    for i in range(m):
        for j in range(n):
            k, worst = worst_of_row[i], worst_of_column[j]
            held = (1.0 - lam_row) * A[i, j] + lam_row * A[i, k]
            best = True
            for a in range(m):
                if (1.0 - lam_row) * A[a, j] + lam_row * A[a, k] > held:
                    best = False
                    break
            if not best:
                continue
            held = (1.0 - lam_column) * B[i, j] + lam_column * B[worst, j]
            for a in range(n):
                if (1.0 - lam_column) * B[i, a] + lam_column * B[worst, a] > held:
                    best = False
                    break
            if best:
                return i, j
    return -1, -1


@njit(cache=True, nogil=True)
def _play(strategy, action):
    for k in range(len(strategy)):
        strategy[k] = 1.0 if k == action else 0.0


@njit(cache=True, nogil=True)
def _take(solution, begin, strategy):
    """Copy a strategy out of a solution, so that it sums to one; return where the next one begins."""
    total = 0.0
    for k in range(len(strategy)):
        total += solution[begin + k]
    for k in range(len(strategy)):
        strategy[k] = solution[begin + k] / total
    return begin + len(strategy)
