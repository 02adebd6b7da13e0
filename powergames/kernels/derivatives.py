"""How what is paid in each state, and what each state is worth, change with strategies and with values.

Points, rows and what they are worth are laid out as in `powergames.kernels.stages`.
"""

from __future__ import annotations

import numpy as np

from powergames.kernels.bellman import _advance
from powergames.kernels.caching import njit
from powergames.kernels.stages import _linearized, _rows, layout


@njit(cache=True, nogil=True)
def derivatives(n_actions, row_starts, point_starts, egos, takes, weights, linear, taken, point, tasks):
    """Differentiate with respect to a point, the values of the states that follow held fixed.

    Parameters
    ----------
    n_actions, row_starts, point_starts, egos, takes, weights, linear, taken, point
        As for `powergames.kernels.stages.gradients`.
    tasks : bool
        Whether each state has a second kind of value, the expectation of `taken`.

    Returns
    -------
    gradient : ndarray, shape (D,)
        What every action and takeover is paid.
    blocks : ndarray
        Its derivative within each state, one C-ordered square after the other.
    slopes : ndarray, shape (1 or 2, n, D)
        Derivatives of the value of each kind, to each player, of the state in which an entry of the point lies.
    """
    n_states, n = n_actions.shape
    gradient = np.empty(len(point))
    slopes = np.empty((2 if tasks else 1, n, len(point)))
    sizes = point_starts[1:] - point_starts[:-1]
    blocks = np.empty(np.sum(sizes * sizes))
    begin = 0
    for s in range(n_states):
        bounds, places = layout(n_actions[s], egos, takes)
        first = point_starts[s]
        paid, block, slope = _linearized(
            n_actions[s],
            bounds,
            places,
            weights,
            _rows(linear, row_starts, s),
            _rows(taken, row_starts, s),
            point[first : point_starts[s + 1]],
            tasks,
        )
        for p in range(sizes[s]):
            gradient[first + p] = paid[p]
            for kind in range(len(slopes)):
                for i in range(n):
                    slopes[kind, i, first + p] = slope[kind, i, p]
            for q in range(sizes[s]):
                blocks[begin] = block[p, q]
                begin += 1
    return gradient, blocks, slopes


@njit(cache=True, nogil=True)
def through_values(game, point_starts, egos, takes, shares, point, first, second, starts, successors):
    """Differentiate with respect to the values of the states that follow, the point held fixed.

    Parameters
    ----------
    game : tuple
        ``(n_actions, row_starts, discounts, indptr, indices, data)``.
    point_starts, egos, takes, shares, point, first, second
        As for `powergames.kernels.stages.newton_system`.
    starts, successors : ndarray of int
        The states that follow upon each state, as `powergames.kernels.stages.state_graph` lists them.

    Returns
    -------
    paid : ndarray
        For each state, kind, entry of its point and successor: how what the action or takeover is paid changes with
        the value of the successor, of this kind and to the player whose payoff the entry moves.
    worth : ndarray
        For each state, kind, player and successor: the same for the average over the player's own actions.
    average : ndarray
        For each state, player and successor: the same for the expectation of what a row is worth in task value.
    """
    n_actions, row_starts, discounts, indptr, indices, data = game
    n_states, n = n_actions.shape
    kinds = len(shares)
    counts = starts[1:] - starts[:-1]
    sizes = point_starts[1:] - point_starts[:-1]
    paid, worth = np.zeros(kinds * np.sum(sizes * counts)), np.zeros(kinds * n * np.sum(counts))
    average = np.zeros(n * np.sum(counts))
    place = np.zeros(n_states, np.int64)
    joint = np.zeros(n, np.int64)
    at_paid, at_worth, at_average = 0, 0, 0
    for s in range(n_states):
        bounds, places = layout(n_actions[s], egos, takes)
        local = point[point_starts[s] : point_starts[s + 1]]
        count = counts[s]
        for k in range(count):
            place[successors[starts[s] + k]] = k
        plain, taken = np.zeros((sizes[s], count)), np.zeros((sizes[s], count))
        joint[:] = 0
        for row in range(row_starts[s], row_starts[s + 1]):
            for i in range(n):
                p = bounds[i] + joint[i]
                for k in range(indptr[row], indptr[row + 1]):
                    plain[p, place[indices[k]]] += first[i, row] * data[k]
                    taken[p, place[indices[k]]] += second[i, row] * data[k]
            _advance(joint, n_actions[s])
        for kind in range(kinds):
            last = kind == kinds - 1
            own = paid[at_paid : at_paid + sizes[s] * count].reshape((sizes[s], count))
            for i in range(n):
                mean = worth[at_worth : at_worth + count]
                for p in range(bounds[i], bounds[i + 1]):
                    for k in range(count):
                        own[p, k] = discounts[i] * (shares[kind, i] * plain[p, k] + (taken[p, k] if last else 0.0))
                        mean[k] += local[p] * own[p, k]
                at_worth += count
                for j in range(n):
                    if last and places[i, j] >= 0:
                        for a in range(n_actions[s, j]):
                            for k in range(count):
                                own[places[i, j] + a, k] = -discounts[i] * plain[bounds[j] + a, k]
            at_paid += sizes[s] * count
        for i in range(n):
            mean = average[at_average : at_average + count]
            for p in range(bounds[i], bounds[i + 1]):
                for k in range(count):
                    mean[k] += discounts[i] * local[p] * plain[p, k]
            at_average += count
    return paid, worth, average
