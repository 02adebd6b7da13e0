"""Deterministic games of a team as two tables, a fraction of the size of a `StochasticGame`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from powergames.display import discount_text
from powergames.errors import InputError
from powergames.games.immutable import Frozen
from powergames.games.labels import StateNames, check_names, check_text
from powergames.games.memory import check_memory
from powergames.games.profiles import frozen, nobody_can_write
from powergames.games.stochastic import StochasticGame


@dataclass(frozen=True, eq=False, repr=False)
class DeterministicGame(Frozen):
    """A game without chance, in which all players are paid the same and have the same actions in every state.

    Parameters
    ----------
    next_states : array_like of int, shape (S, J)
        ``next_states[s, row]`` follows state `s` if the players choose joint action `row`; joint actions are in C
        order, so ``row = a_0 * A_1 + a_1`` with two players. Kept as int32.
    rewards : array_like, shape (S, J)
        ``reward_unit * rewards[s, row]`` is what each player is paid for it. Kept in its own type, which may be as
        small as int8.
    discount : float
        Discount factor in [0, 1]; with 1 the game needs an end, ``horizon=``.
    actions : sequence of sequence of str
        ``actions[i][a]`` names action `a` of player `i`.
    players : sequence of str, optional
        Names of the players; by default ``"0", "1", ...``.
    states : sequence of str, optional
        Names of the states; by default ``"0", "1", ...``. A `StateNames` makes them when asked for.
    reward_unit : float, default 1
        See `rewards`.
    start : int, default 0
        State in which play begins.
    title : str, optional

    Raises
    ------
    InputError
        If shapes do not fit, or there is a state that does not exist, a reward that is not finite or a discount outside
        [0, 1].

    Notes
    -----
    Read-only arrays of the right type are kept, others are copied. `powergames.team_optimum`, and all functions that
    are given a horizon, take this form as it is; all others take `to_game`, whose arrays need some 20 times as much
    memory.

    Examples
    --------
    A door that opens if both push, and then stays open; the step through it pays.

    >>> import powergames as pg
    >>> game = pg.DeterministicGame([[1, 0, 0, 0], [1] * 4], [[1, 0, 0, 0], [0] * 4], 0.9, [["push", "wait"]] * 2)
    >>> game
    <DeterministicGame: 2 players, 2 states, 4 joint actions in each, discount 0.9>
    >>> game.to_game().stage(0).payoffs[0]
    array([[1., 0.],
           [0., 0.]])
    """

    next_states: np.ndarray
    rewards: np.ndarray
    discount: float
    actions: Sequence[Sequence[str]]
    players: Sequence[str] = ()
    states: Sequence[str] = ()
    reward_unit: float = 1.0
    start: int = 0
    title: str = field(default="")

    def __post_init__(self) -> None:
        def put(name: str, value: Any) -> None:
            object.__setattr__(self, name, value)

        put("title", check_text(self.title, "title"))
        put("actions", tuple(check_names(own, len(own), f"actions[{i}]", "") for i, own in enumerate(self.actions)))
        if not self.actions or not all(self.actions):
            raise InputError("actions: give at least one player, and each player at least one action")
        count = len(self.actions)
        put("players", check_names(self.players or range(count), count, "players", f"{count} lists of actions"))
        table, rewards = np.asarray(self.next_states), np.asarray(self.rewards)
        n_rows = math.prod(map(len, self.actions))
        if table.ndim != 2 or len(table) == 0 or table.shape[1] != n_rows or table.dtype.kind not in "iu":
            raise InputError(
                f"next_states: got {table.dtype} of shape {table.shape}; give integers of shape (S, {n_rows}), one for "
                "each state and joint action"
            )
        if rewards.shape != table.shape or rewards.dtype.kind not in "iuf":
            raise InputError(
                f"rewards: got {rewards.dtype} of shape {rewards.shape}; give numbers of shape {table.shape}, as "
                "next_states has"
            )
        if table.min() < 0 or table.max() >= len(table):
            raise InputError(
                f"next_states: got states from {table.min()} to {table.max()}; there are 0 to {len(table) - 1}"
            )
        unit, discount = float(self.reward_unit), float(self.discount)
        if not math.isfinite(unit * float(rewards.min())) or not math.isfinite(unit * float(rewards.max())):
            raise InputError("rewards: contain NaN or infinity; give finite numbers")
        if not 0 <= discount <= 1:
            raise InputError(f"discount: got {self.discount}; give a number from 0 to 1")
        if not 0 <= self.start < len(table):
            raise InputError(f"start: got {self.start}; give a state from 0 to {len(table) - 1}")
        put("next_states", _kept(table, np.dtype(np.int32)))
        put("rewards", _kept(rewards, rewards.dtype))
        put("reward_unit", unit)
        put("discount", discount)
        put("start", int(self.start))
        if not (isinstance(self.states, StateNames) and len(self.states) == len(table)):
            names = self.states if len(self.states) else range(len(table))
            put("states", check_names(names, len(table), "states", f"{len(table)} states"))

    @property
    def n_players(self) -> int:
        """Number of players."""
        return len(self.players)

    @property
    def n_states(self) -> int:
        """Number of states."""
        return len(self.next_states)

    @property
    def n_actions(self) -> tuple[int, ...]:
        """Number of actions of each player."""
        return tuple(map(len, self.actions))

    def with_discount(self, discount: float) -> DeterministicGame:
        """Return the same game, on the same tables, at another discount in [0, 1].

        Raises
        ------
        InputError
            If the discount is outside [0, 1].

        Examples
        --------
        >>> import powergames as pg
        >>> pg.compile_overcooked("tiny").with_discount(1).discount
        1.0
        """
        return replace(self, discount=discount)

    def to_game(self) -> StochasticGame:
        """Return the same game in the form that all solvers take.

        Returns
        -------
        StochasticGame
            Rows are the entries of the tables, in C order.

        Raises
        ------
        InputError
            If it does not fit in memory.
        """
        n_states, n_rows = self.next_states.shape
        total = n_states * n_rows
        # Rewards and transitions of the game, and as much again while it is built.
        check_memory(total * (8 * self.n_players + 48), f"{self.title or 'the game'}: {total:,} rows of a game")
        paid = np.broadcast_to(self.reward_unit * self.rewards.reshape(-1), (self.n_players, total))
        start = np.zeros(n_states)
        start[self.start] = 1.0
        return StochasticGame.from_rows(
            np.broadcast_to(np.array(self.n_actions), (n_states, self.n_players)),
            paid,
            (np.ones(total), self.next_states.reshape(-1), np.arange(total + 1)),
            self.discount,
            self.players,
            self.actions,
            self.states,
            start,
            self.title,
        )

    def __repr__(self) -> str:
        title = f" {self.title!r}" if self.title else ""
        return (
            f"<DeterministicGame{title}: {self.n_players} players, {self.n_states} states, "
            f"{self.next_states.shape[1]} joint actions in each, discount {discount_text(self.discount)}>"
        )


def _kept(array: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Return a read-only array of a type, which is a copy if the given one is another or could change."""
    if array.dtype == dtype and array.flags.c_contiguous and nobody_can_write(array):
        return frozen(array)
    return frozen(np.array(array, dtype=dtype, order="C"))
