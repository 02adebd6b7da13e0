"""Many small response problems at once: maximize ``linear @ x + Σ_b weights[b] * min(x @ blocks[b])`` in every state.

The first axis of every array is that of the states, all of which have the same numbers of actions. Any strategies of
the adversaries bound the maximum from above, any strategy of the player from below.
"""

from __future__ import annotations

import numpy as np


def values(linear: np.ndarray, weights: list[float], blocks: list[np.ndarray], strategies: np.ndarray) -> np.ndarray:
    """Value of a strategy in each state, shape (G,).

    Examples
    --------
    >>> values(np.array([[1.0, 0.0]]), [0.5], [np.array([[[2.0, 4.0], [0.0, 8.0]]])], np.array([[0.5, 0.5]]))
    array([1.])
    """
    total = np.einsum("ga,ga->g", linear, strategies)
    for weight, block in zip(weights, blocks, strict=True):
        total += weight * np.einsum("ga,gak->gk", strategies, block).min(axis=1)
    return total


def bounds(
    linear: np.ndarray, weights: list[float], blocks: list[np.ndarray], responses: list[np.ndarray]
) -> np.ndarray:
    """Bound on the value of any strategy in each state, shape (G,), from mixed strategies of the adversaries.

    Examples
    --------
    >>> bounds(np.array([[1.0, 0.0]]), [0.5], [np.array([[[2.0, 4.0], [0.0, 8.0]]])], [np.array([[1.0, 0.0]])])
    array([2.])
    """
    values = linear
    for weight, block, response in zip(weights, blocks, responses, strict=True):
        values = values + weight * np.einsum("gak,gk->ga", block, response)
    return values.max(axis=1)


def spread(strategies: np.ndarray, block: np.ndarray, slack: float) -> np.ndarray:
    """Spread an adversary evenly over its best takeovers in each state; right whenever the best one is unique.

    Examples
    --------
    >>> spread(np.array([[0.5, 0.5]]), np.array([[[2.0, 4.0], [2.0, 0.0]]]), 1e-12)
    array([[0.5, 0.5]])
    """
    against = np.einsum("ga,gak->gk", strategies, block)
    ties = against <= against.min(axis=1, keepdims=True) + slack
    return ties / ties.sum(axis=1, keepdims=True)


def solve(
    linear: np.ndarray, weights: list[float], blocks: list[np.ndarray], strategies: np.ndarray
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Solve many response problems; return strategies of the player and of its adversaries, as claims to be checked.

    Without adversaries, or where a single one leaves a saddle point in pure strategies, a few comparisons are enough.
    The search elsewhere starts from the worst cases of `strategies`, shape (G, A).

    Examples
    --------
    >>> table = np.array([[[2.0, 0.0], [0.0, 1.0]], [[1.0, 2.0], [0.0, 3.0]]])
    >>> found, responses = solve(np.zeros((2, 2)), [1.0], [table], np.full((2, 2), 0.5))
    >>> found.round(3).tolist(), responses[0].round(3).tolist()
    ([[0.333, 0.667], [1.0, 0.0]], [[0.333, 0.667], [1.0, 0.0]])
    """
    n_actions = linear.shape[1]
    if not blocks:
        return np.eye(n_actions)[linear.argmax(axis=1)], []
    if len(blocks) > 1:
        return _pivoted(linear, weights, blocks, strategies)
    states = np.arange(len(linear))
    table = linear[:, :, None] + weights[0] * blocks[0]
    worst, best = table.min(axis=2), table.max(axis=1)
    action, takeover = worst.argmax(axis=1), best.argmin(axis=1)
    found, response = np.eye(n_actions)[action], np.eye(table.shape[2])[takeover]
    mixed = np.flatnonzero(worst[states, action] < best[states, takeover])
    if len(mixed):
        found[mixed], (response[mixed],) = _pivoted(linear[mixed], weights, [blocks[0][mixed]], strategies[mixed])
    return found, [response]


def _pivoted(
    linear: np.ndarray, weights: list[float], blocks: list[np.ndarray], strategies: np.ndarray
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Solve many response problems at once by pivoting.

    The simplex method on the adversaries' side: minimize `v` such that ``v >= linear + Σ_b K_b y_b``, where ``y_b`` is
    a strategy times the weight of `b`. It starts from their pure worst cases, with `v` basic throughout. What comes out
    is only a claim, which the caller checks: nothing is lost if it stops early or divides by what is nearly zero.
    """
    n_states, n_actions = linear.shape
    ends = np.cumsum([block.shape[2] for block in blocks]).tolist()
    owner = np.repeat(np.arange(len(blocks)), [block.shape[2] for block in blocks])
    n_columns, states = ends[-1], np.arange(n_states)
    total = sum(weights)
    shares = np.array(weights) / total
    payoffs = total * np.concatenate(blocks, axis=2)
    firsts = [end - block.shape[2] for end, block in zip(ends, blocks, strict=True)]
    worst = np.stack(
        [
            first + np.einsum("ga,gak->gk", strategies, block).argmin(axis=1)
            for first, block in zip(firsts, blocks, strict=True)
        ],
        axis=1,
    )
    at_worst = np.take_along_axis(payoffs, worst[:, None, :], axis=2)
    base = linear + at_worst @ shares
    top = base.argmax(axis=1)
    gains = payoffs - at_worst[:, :, owner]
    # Rows: slack of each action, the worst cases, the objective. Columns: takeovers, slack of the top action, constant.
    n_rows = n_actions + len(blocks)
    table = np.zeros((n_states, n_rows + 1, n_columns + 2))
    table[:, :n_actions, :n_columns] = gains - gains[states, top][:, None, :]
    table[:, :n_actions, n_columns] = -1.0
    table[:, :n_actions, -1] = base[states, top][:, None] - base
    table[states, top] = 0.0
    table[:, n_actions:n_rows, :n_columns] = owner == np.arange(len(blocks))[:, None]
    table[:, n_actions:n_rows, -1] = shares
    table[:, -1, :n_columns] = gains[states, top]
    table[:, -1, n_columns] = 1.0
    for b in range(len(blocks)):
        table[states, n_actions + b, worst[:, b]] = 0.0
    # Payoffs in units of their spread within the state.
    unit = np.maximum(table[:, :n_actions, -1].max(axis=1), np.abs(gains).max(axis=(1, 2)))
    unit = np.where(unit > 0, unit, 1.0)[:, None, None]
    table[:, :n_actions, :n_columns] /= unit
    table[:, :n_actions, -1:] /= unit
    table[:, -1:, :n_columns] /= unit
    # Which unknown each row and column stands for: takeovers, then slacks of the actions.
    rows = np.concatenate([np.broadcast_to(n_columns + np.arange(n_actions), (n_states, n_actions)), worst], axis=1)
    columns = np.concatenate(
        [np.broadcast_to(np.arange(n_columns), (n_states, n_columns)), n_columns + top[:, None]], axis=1
    )
    responses = np.zeros((n_states, n_columns))
    found = np.zeros((n_states, n_actions))
    active = states
    for step in range(20 + 4 * (n_actions + n_columns) + 1):
        costs = table[:, -1, :-1]
        entering = costs.argmin(axis=1)
        here = np.arange(len(active))
        done = costs[here, entering] >= -1e-13
        if step == 20 + 4 * (n_actions + n_columns):
            done[:] = True
        if done.any():
            _read(table[done], rows[done], columns[done], active[done], responses, found)
            left = ~done
            table, rows, columns, active = table[left], rows[left], columns[left], active[left]
            entering = entering[left]
            here = np.arange(len(active))
        if not len(active):
            break
        column = table[here, :, entering]
        steps = column[:, :-1] > 1e-11
        ratios = np.where(steps, table[:, :-1, -1] / np.where(steps, column[:, :-1], 1.0), np.inf)
        leaving = ratios.argmin(axis=1)
        pivot = column[here, leaving]
        # Where nothing bounds the step, rounding is all that is left: a pivot of one on a row of zeros ends it.
        pivot = np.where(np.isfinite(ratios[here, leaving]), pivot, np.inf)
        row = table[here, leaving] / pivot[:, None]
        table -= column[:, :, None] * row[:, None, :]
        table[here, :, entering] = -column / pivot[:, None]
        table[here, leaving] = row
        table[here, leaving, entering] = 1.0 / pivot
        rows[here, leaving], columns[here, entering] = columns[here, entering], rows[here, leaving]
    found = distributions(found)
    return found, [distributions(part) for part in np.split(responses, ends[:-1], axis=1)]


def _read(
    table: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
    states: np.ndarray,
    responses: np.ndarray,
    strategies: np.ndarray,
) -> None:
    """Read the adversaries' and the player's strategies from tableaus, and store them."""
    n_columns = responses.shape[1]
    for k in range(rows.shape[1]):
        mine = rows[:, k] < n_columns
        responses[states[mine], rows[mine, k]] = table[mine, k, -1]
    for k in range(columns.shape[1]):
        mine = columns[:, k] >= n_columns
        strategies[states[mine], columns[mine, k] - n_columns] = table[mine, -1, k]


def distributions(claims: np.ndarray) -> np.ndarray:
    """Make distributions of rows of numbers, so that a bad claim still proves something true.

    Examples
    --------
    >>> distributions(np.array([[1.0, 3.0], [-1.0, 0.0]]))
    array([[0.25, 0.75],
           [0.5 , 0.5 ]])
    """
    clipped = np.where(claims > 0, claims, 0.0)
    sums = clipped.sum(axis=1, keepdims=True)
    return np.where((sums > 0) & np.isfinite(sums), clipped / np.where(sums > 0, sums, 1.0), 1.0 / claims.shape[1])
