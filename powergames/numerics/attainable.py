r"""The greatest value that a player can have in a stochastic game, whatever everybody does.

If all players worked together for one of them, the game would be a Markov decision process whose actions are the joint
ones. The best value ``v`` of such a process satisfies

.. math::
    v(s) = \max_a \Big[ r(s, a) + γ \sum_{s'} P(s' \mid s, a) \, v(s') \Big].
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from powergames.numerics.discounted import FEW, DiscountedSystem

# Entries of dense transitions up to which policies of few states are evaluated all at once.
SMALL = 2**16

# Sweeps that evaluate a policy where there are many states, and policies that are evaluated so at most.
SWEEPS, SWEPT = 20, 60

# Differences relative to the greatest value that are rounding, and that do not count as long as sweeps evaluate.
ROUNDING, SLIGHT = 1e-14, 1e-9


def greatest_values(transitions: Any, row_starts: np.ndarray, rewards: np.ndarray, discounts: np.ndarray) -> np.ndarray:
    """Return the greatest attainable value from each state on, for several rewards at once.

    Parameters
    ----------
    transitions : scipy.sparse matrix, shape (R, S)
        Probabilities of the next state, for each joint action of each state.
    row_starts : ndarray of int64, shape (S + 1,)
        The joint actions of state `s` are the rows ``row_starts[s]`` to ``row_starts[s + 1] - 1``.
    rewards : ndarray, shape (K, R)
    discounts : ndarray, shape (K,)
        γ in [0, 1) for each of the rewards.

    Returns
    -------
    ndarray, shape (K, S)
        Up to rounding.

    Notes
    -----
    Policy iteration. Where there are many states, a few sweeps evaluate the first policies, until these hardly change.
    It ends, since each exact step is an improvement.

    Examples
    --------
    Stay for 1, or leave for 2 to where nothing is paid.

    >>> from scipy.sparse import csr_matrix
    >>> transitions = csr_matrix([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    >>> greatest_values(transitions, np.array([0, 2, 3]), np.array([[1.0, 2.0, 0.0]]), np.array([0.75]))
    array([[4., 0.]])
    """
    n_rows, n_states = transitions.shape
    exact = n_states <= FEW and n_rows * n_states <= SMALL
    if exact:
        transitions = transitions.toarray()
    evaluate: Callable[..., np.ndarray] = partial(_at_once if exact else _in_turn, transitions, discounts)
    states, each = np.repeat(np.arange(n_states), np.diff(row_starts)), np.arange(len(rewards))[:, None]
    values, total = np.zeros((len(rewards), n_states)), -np.inf
    played = _first_best(rewards, np.maximum.reduceat(rewards, row_starts[:-1], axis=1), row_starts, states)
    for count in itertools.count():
        values = evaluate(played, rewards[each, played], values, exact)
        if exact:
            # No value falls, but for rounding.
            if values.sum() <= total:
                break
            total = float(values.sum())
        worth = rewards + discounts[:, None] * (transitions @ values.T).T
        best = np.maximum.reduceat(worth, row_starts[:-1], axis=1)
        least = (ROUNDING if exact else SLIGHT) * np.abs(best).max(axis=1, keepdims=True)
        better = best > worth[each, played] + least
        if exact and not better.any():
            break
        exact = exact or not better.any() or count >= SWEPT
        played = np.where(better, _first_best(worth, best, row_starts, states), played)
    return values


def _first_best(worth: np.ndarray, best: np.ndarray, row_starts: np.ndarray, states: np.ndarray) -> np.ndarray:
    """Return the first row of each state that is worth the most, shape (K, S)."""
    found = np.empty(best.shape, dtype=np.int64)
    for k, own in enumerate(worth):
        rows = np.flatnonzero(own == best[k, states])
        found[k] = rows[np.searchsorted(rows, row_starts[:-1])]
    return found


def _at_once(
    transitions: np.ndarray,
    discounts: np.ndarray,
    played: np.ndarray,
    paid: np.ndarray,
    values: np.ndarray,
    exact: bool,
) -> np.ndarray:
    """Evaluate all policies by one call of LAPACK."""
    systems = np.eye(played.shape[1]) - discounts[:, None, None] * transitions[played]
    return np.linalg.solve(systems, paid[:, :, None])[:, :, 0]


def _in_turn(
    transitions: Any, discounts: np.ndarray, played: np.ndarray, paid: np.ndarray, values: np.ndarray, exact: bool
) -> np.ndarray:
    """Evaluate policies one after the other, exactly or by some sweeps from the last values."""
    found = np.empty_like(values)
    for k, rows in enumerate(played):
        system = DiscountedSystem(transitions[rows], float(discounts[k]))
        found[k] = system.solve(paid[k], values[k]) if exact else system.swept(paid[k], values[k], SWEEPS)
    return found
