"""Expectations over the joint actions of a stochastic game, state by state, in plain NumPy and SciPy.

Nothing here is compiled or belongs to a solver, so that what checks a profile shares no arithmetic with what finds one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from powergames.games.profiles import Profile
from powergames.games.stochastic import StochasticGame
from powergames.numerics.discounted import DiscountedSystem

# Rows of the game that are worked on at a time.
BLOCK = 2**20

# Values that differ by less than this, or by rounding, in units of the range of rewards, are tied.
_TIE = 1e-12

_EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True, eq=False)
class Group:
    """States with the same numbers of actions: ``rows[g]`` are the rows of ``states[g]``, in C order of `shape`."""

    states: np.ndarray
    shape: tuple[int, ...]
    rows: np.ndarray


class StageValues:
    """A stochastic game in units of the range of its rewards, and a profile of it.

    Parameters
    ----------
    game : StochasticGame
    profile : tuple of ndarray
        As `StochasticGame.profile` returns it.

    Attributes
    ----------
    units : ndarray, shape (n,)
        Range of each player's rewards, 1 where they are constant.
    rewards : ndarray, shape (n, R)
        ``(rewards - offsets) / units``.
    offsets : ndarray, shape (n,)
        What is taken from each player's rewards, see `StochasticGame.unit_rewards`.
    transitions : scipy.sparse.csr_matrix, shape (R, S)
    groups : list of Group
        All states, grouped by their numbers of actions.

    Examples
    --------
    >>> import powergames as pg
    >>> game = pg.load("big_match")
    >>> stages = StageValues(game, game.uniform_profile())
    >>> [group.shape for group in stages.groups]
    [(1, 1), (2, 2)]
    """

    def __init__(self, game: StochasticGame, profile: Profile) -> None:
        from scipy.sparse import csr_matrix

        self.game = game
        self.profile = profile
        self.rewards, self.units, self.offsets = game.unit_rewards()
        self.transitions = csr_matrix((game.data, game.indices, game.indptr), shape=(game.n_rows, game.n_states))
        self.groups = list(grouped(game.n_actions, game.row_starts, np.arange(game.n_states)))

    def action_values(self, player: int, values: np.ndarray) -> np.ndarray:
        """Value of each row to a player, shape (R,), from the value of each state."""
        return self.rewards[player] + self.game.discounts[player] * (self.transitions @ values)

    def expected_rewards(self, player: int, rows: np.ndarray) -> np.ndarray:
        """Expected reward of a player in each state, shape (S,), from the probability of each row in its state."""
        return np.add.reduceat(rows * self.rewards[player], self.game.row_starts[:-1])

    def system(self, player: int, rows: np.ndarray) -> DiscountedSystem:
        """The linear system of a player's values, given the probability of each row in its state."""
        from scipy.sparse import csr_matrix

        game = self.game
        taken = np.flatnonzero(rows)
        starts = np.searchsorted(taken, game.row_starts)
        average = csr_matrix((rows[taken], taken, starts), shape=(game.n_states, len(rows)))
        return DiscountedSystem(average @ self.transitions, float(game.discounts[player]))

    def joint(self, strategies: Sequence[np.ndarray]) -> np.ndarray:
        """Probability of each row in its state, shape (R,)."""
        result = np.empty(self.game.n_rows)
        for group in self.groups:
            result[group.rows] = joint_probabilities(self.part(strategies, group))
        return result

    def part(self, strategies: Sequence[np.ndarray], group: Group) -> list[np.ndarray]:
        """Strategies in the states of a group, each of shape (G, A_i), without the actions that these states lack."""
        return [x[group.states, :size] for x, size in zip(strategies, group.shape, strict=True)]

    def tables(self, group: Group, player: int, values: np.ndarray) -> dict[int, np.ndarray]:
        """Pair tables of a player with each co-player, shape (G, A_i, A_j), from the value of each row."""
        return pair_tables(values[group.rows].reshape(-1, *group.shape), self.part(self.profile, group), player)

    def averages(self, group: Group, player: int, values: np.ndarray) -> np.ndarray:
        """Expected value of each action of a player, shape (G, A_i), from the value of each row."""
        return averages(values[group.rows].reshape(-1, *group.shape), self.part(self.profile, group), player)

    def left(
        self, player: int, deviator: int, values: np.ndarray, steps: float, strategies: Sequence[np.ndarray]
    ) -> np.ndarray:
        """What is left to a player in each state if another one plays against it for some steps, shape (S,).

        Parameters
        ----------
        player, deviator : int
        values : ndarray, shape (S,)
            What the profile is worth to the player.
        steps : int or inf
        strategies : sequence of ndarray
            The profile.
        """
        if np.isinf(steps):
            return self.worst_for_ever(player, deviator, values, strategies)[0]
        for _ in range(int(steps)):
            values, before = self._options(player, deviator, values, strategies).min(axis=1), values
            if np.array_equal(values, before):
                break
        return values

    def tie(self, player: int) -> float:
        """Return by how much values of a player may differ that count as equal."""
        return max(_TIE, 16 * _EPS / (1.0 - float(self.game.discounts[player])))

    def first_least(self, player: int, options: np.ndarray) -> np.ndarray:
        """Return the first of the least options of a player in each state, shape (G,), from shape (G, A)."""
        return (options <= options.min(axis=1, keepdims=True) + self.tie(player)).argmax(axis=1)

    def worst_for_ever(
        self, player: int, deviator: int, values: np.ndarray, strategies: Sequence[np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return what is left to a player if another one plays against it for ever, and its actions, shape (S,) each.

        Policy iteration from the values of the profile; an action changes only for more than rounding, so that it ends.
        """
        states, total = np.arange(self.game.n_states), np.inf
        options = self._options(player, deviator, values, strategies)
        actions = self.first_least(player, options)
        while True:
            pure = np.eye(options.shape[1])[actions]
            joint = self.joint([*strategies[:deviator], pure, *strategies[deviator + 1 :]])
            worse = self.system(player, joint).solve(self.expected_rewards(player, joint), values)
            # No value rises, but for rounding.
            if worse.sum() >= total:
                break
            values, total, found = worse, float(worse.sum()), actions
            options = self._options(player, deviator, values, strategies)
            better = options[states, found] > options.min(axis=1) + self.tie(player)
            if not better.any():
                break
            actions = np.where(better, options.argmin(axis=1), found)
        return values, found

    def _options(self, player: int, deviator: int, values: np.ndarray, strategies: Sequence[np.ndarray]) -> np.ndarray:
        """What each action of another player leaves to a player, shape (S, A_j); infinite where there is none."""
        rows = self.action_values(player, values)
        result = np.full((self.game.n_states, self.game.max_actions[deviator]), np.inf)
        for group in self.groups:
            payoffs = rows[group.rows].reshape(-1, *group.shape)
            result[group.states, : group.shape[deviator]] = averages(payoffs, self.part(strategies, group), deviator)
        return result


def pair_tables(payoffs: np.ndarray, strategies: Sequence[np.ndarray], player: int) -> dict[int, np.ndarray]:
    """Average payoffs of shape (G, A_0, ..., A_{n-1}) over all but two players, shape (G, A_i, A_j) for each co-player.

    Examples
    --------
    >>> tables = pair_tables(np.arange(4.0).reshape(1, 2, 2), [np.ones((1, 2)) / 2] * 2, 1)
    >>> tables[0][0].tolist()
    [[0.0, 2.0], [1.0, 3.0]]
    """
    remaining = list(range(len(strategies)))
    tables = {}
    for j in reversed([k for k in remaining if k != player]):
        table = payoffs
        for axis in range(len(remaining) - 1, -1, -1):
            if remaining[axis] not in (player, j):
                table = _averaged(table, axis + 1, strategies[remaining[axis]])
        tables[j] = table if player < j else table.transpose(0, 2, 1)
        if len(remaining) > 2:
            payoffs = _averaged(payoffs, remaining.index(j) + 1, strategies[j])
            remaining.remove(j)
    return tables


def averages(payoffs: np.ndarray, strategies: Sequence[np.ndarray], player: int) -> np.ndarray:
    """Average payoffs of shape (G, A_0, ..., A_{n-1}) over all co-players of one, shape (G, A_i).

    Examples
    --------
    >>> averages(np.arange(4.0).reshape(1, 2, 2), [np.ones((1, 2)) / 2] * 2, 1).tolist()
    [[1.0, 2.0]]
    """
    for k in range(len(strategies) - 1, -1, -1):
        if k != player:
            payoffs = _averaged(payoffs, k + 1, strategies[k])
    return payoffs


def joint_probabilities(strategies: Sequence[np.ndarray]) -> np.ndarray:
    """Multiply strategies of shape (G, A_i) to the probability of each joint action in C order, shape (G, cells).

    Examples
    --------
    >>> joint_probabilities([np.array([[0.5, 0.5]]), np.array([[0.0, 1.0]])])
    array([[0. , 0.5, 0. , 0.5]])
    """
    result = np.ones((len(strategies[0]), 1))
    for strategy in strategies:
        cells = result.shape[1] * strategy.shape[1]
        result = (result[:, :, None] * strategy[:, None, :]).reshape(len(strategy), cells)
    return result


def grouped(n_actions: np.ndarray, row_starts: np.ndarray, states: np.ndarray) -> Iterator[Group]:
    """Group states by their numbers of actions, and cut the groups into blocks."""
    shapes, members = np.unique(n_actions[states], axis=0, return_inverse=True)
    members = members.reshape(-1)
    for number, sizes in enumerate(shapes.tolist()):
        own = states[members == number]
        cells = int(np.prod(sizes))
        step = max(1, BLOCK // cells)
        for first in range(0, len(own), step):
            part = own[first : first + step]
            yield Group(part, tuple(sizes), row_starts[part][:, None] + np.arange(cells))


def _averaged(payoffs: np.ndarray, axis: int, strategies: np.ndarray) -> np.ndarray:
    """Average over one axis of payoffs, whose first one is that of the states."""
    shape = payoffs.shape
    size, before = shape[axis], int(np.prod(shape[1:axis]))
    blocks = payoffs.reshape(shape[0], before, size, -1)
    return np.einsum("gbac,ga->gbc", blocks, strategies).reshape(shape[:axis] + shape[axis + 1 :])
