"""Games with states as flat rows, in the form in which all computations over a finite horizon take them.

Explicit games and tables are the same there: one row for each state and joint action. A game without chance needs no
probabilities, and players who share rewards and discount share one column of values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from powergames.games.deterministic import DeterministicGame
from powergames.games.profiles import read_only
from powergames.games.stochastic import StochasticGame


class Rows(NamedTuple):
    """The rows of a game, as kernels take them.

    Attributes
    ----------
    n_actions : ndarray of int64, shape (S, n)
    row_starts : ndarray of int64, shape (S + 1,)
    rewards : ndarray, shape (K, R)
        One line for players who share their rewards; in the type of the game.
    indptr, data : ndarray or None
        Transitions in CSR form; None if every row leads to one state.
    indices : ndarray
        The state that follows each row, shape (R,), where there is one.
    """

    n_actions: np.ndarray
    row_starts: np.ndarray
    rewards: np.ndarray
    indptr: np.ndarray | None
    indices: np.ndarray
    data: np.ndarray | None


def read_only_rows(*fields: Any) -> Rows:
    """Return rows of which nothing can be changed through them."""
    parts: Any = (None if field is None else read_only(field) for field in fields)
    return Rows(*parts)


class Columns(NamedTuple):
    """What columns of values add up: ``factor * (rewards[reward] - offset)``, discounted; each of shape (C,)."""

    reward: np.ndarray
    factor: np.ndarray
    offset: np.ndarray
    discount: np.ndarray


@dataclass(frozen=True, eq=False)
class RowGame:
    """A game as rows, its values in units of the range of rewards.

    Attributes
    ----------
    rows : Rows
    each : Columns
        One column for each player, shape (n,).
    units, offsets : ndarray, shape (n,)
        A value ``v`` in units is ``units * v`` plus `offsets` for each step, discounted; see
        `StochasticGame.unit_rewards`.
    like : ndarray of int64, shape (n,)
        The first player who has the same rewards and discount.
    start : ndarray, shape (S,)
    """

    rows: Rows
    each: Columns
    units: np.ndarray
    offsets: np.ndarray
    like: np.ndarray
    start: np.ndarray

    @classmethod
    def of(cls, game: StochasticGame | DeterministicGame) -> RowGame:
        """Lay a game out as rows, on its own arrays where they are large.

        Examples
        --------
        >>> import powergames as pg
        >>> game = RowGame.of(pg.load("overcooked:tiny"))
        >>> game.rows.rewards.shape, game.rows.data, game.like
        ((1, 42804), None, array([0, 0]))
        """
        if isinstance(game, DeterministicGame):
            n, (n_states, width) = game.n_players, game.next_states.shape
            rows = Rows(
                np.tile(np.array(game.n_actions, dtype=np.int64), (n_states, 1)),
                np.arange(n_states + 1) * width,
                game.rewards.reshape(1, -1),
                None,
                game.next_states.reshape(-1),
                None,
            )
            owner, unit, discounts = np.zeros(n, np.int64), game.reward_unit, np.full(n, game.discount)
            least, greatest = (np.full(n, unit * float(end)) for end in (game.rewards.min(), game.rewards.max()))
            least, spread = np.minimum(least, greatest), np.abs(greatest - least)
            start = np.zeros(n_states)
            start[game.start] = 1.0
        else:
            shared = game.n_players > 1 and all(np.array_equal(game.rewards[0], own) for own in game.rewards[1:])
            certain = len(game.data) == game.n_rows and bool((game.data == 1.0).all())
            rows = Rows(
                game.n_actions,
                game.row_starts,
                game.rewards[:1] if shared else game.rewards,
                None if certain else game.indptr,
                game.indices,
                None if certain else game.data,
            )
            owner = np.zeros(game.n_players, np.int64) if shared else np.arange(game.n_players)
            unit, discounts, start = 1.0, game.discounts, game.start
            least, spread = game.reward_min, game.reward_range
        units = np.where(spread > 0.0, spread, 1.0)
        offsets = np.where(np.abs(least) / 4.0 > spread, least, 0.0)
        rows = read_only_rows(*rows)
        each = Columns(owner, unit / units, offsets / (unit or 1.0), discounts)
        alike = (owner[:, None] == owner) & (discounts[:, None] == discounts)
        return cls(rows, each, units, offsets, alike.argmax(axis=1), start)

    @property
    def n_players(self) -> int:
        """Number of players."""
        return len(self.units)

    @property
    def n_states(self) -> int:
        """Number of states."""
        return len(self.rows.n_actions)

    def lifts(self, horizon: int) -> np.ndarray:
        """What offsets add up to from each step on, shape (T + 1, n); zero after the last one."""
        sums = np.zeros((horizon + 1, self.n_players))
        for t in range(horizon - 1, -1, -1):
            sums[t] = self.offsets + self.each.discount * sums[t + 1]
        return sums


def columns_of(each: Columns, players: np.ndarray) -> Columns:
    """Return the columns of some players, each of shape (C,)."""
    return Columns(*(read_only(np.ascontiguousarray(field[players])) for field in each))
