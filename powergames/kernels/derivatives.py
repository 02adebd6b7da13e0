"""How what is paid in each state, and what each state is worth, change with the strategies played there.

Points, rows and what they are worth are laid out as in `powergames.kernels.stages`.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from powergames.kernels.stages import _linearized, layout


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
        rows, own = slice(row_starts[s], row_starts[s + 1]), slice(point_starts[s], point_starts[s + 1])
        paid, block, slope = _linearized(
            n_actions[s],
            bounds,
            places,
            weights,
            np.ascontiguousarray(linear[:, rows]),
            np.ascontiguousarray(taken[:, rows]),
            point[own],
            tasks,
        )
        gradient[own] = paid
        slopes[:, :, own] = slope
        blocks[begin : begin + sizes[s] * sizes[s]] = block.ravel()
        begin += sizes[s] * sizes[s]
    return gradient, blocks, slopes
