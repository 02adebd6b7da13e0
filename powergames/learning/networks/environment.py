"""Games as tables on the device, from which compiled play draws rewards and next states."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from powergames.errors import InputError
from powergames.games.deterministic import DeterministicGame
from powergames.learning.initial_state import simulator_of
from powergames.learning.networks.observations import AnyGame, Observations

# One more than the greatest number of a place.
MOST_PLACES = 2**31


class Environment(NamedTuple):
    """A game; rows are numbered as in `StochasticGame`.

    Play is at a place. Without a horizon that is a state; with a horizon of T steps place ``t * S + s`` is state `s` at
    step `t`, and what follows step T - 1 is a new beginning.

    Attributes
    ----------
    observations : Observations
    n_actions : shape (S, n)
    row_starts : shape (S,)
    rewards : shape (n, R) or (1, R)
        One row if all players are paid the same.
    scales, offsets, discounts : shape (n,)
        Learners see ``scales[i] * rewards[i] - offsets[i]``: numbers of range 1 and mean 0.
    next_states : shape (entries,)
    ends : shape (R + 1,), or None
        The entries of row `r` are those from ``ends[r]`` to ``ends[r + 1] - 1``; None if each row has one.
    cumulative : shape (entries,), or None
        Sums of the probabilities of a row.
    longest : shape (log2 of the most entries of a row,), or None
        Only its length counts.
    starts : shape (S,)
        Sums of the probabilities of the first state.
    nearness : shape (T, K), or None
        What networks see of the time that is left at each step; None without a horizon.
    """

    observations: Observations
    n_actions: Any
    row_starts: Any
    rewards: Any
    scales: Any
    offsets: Any
    discounts: Any
    next_states: Any
    ends: Any
    cumulative: Any
    longest: Any
    starts: Any
    nearness: Any

    @property
    def n_states(self) -> int:
        """Number of states."""
        return int(self.n_actions.shape[0])

    @property
    def n_places(self) -> int:
        """Number of places."""
        return self.n_states * (1 if self.nearness is None else int(self.nearness.shape[0]))

    @property
    def seen(self) -> int:
        """How many numbers networks see."""
        return self.observations.size + (0 if self.nearness is None else int(self.nearness.shape[1]))

    @property
    def draws(self) -> int:
        """Draws that `follow` needs."""
        return 1 if self.nearness is None else 3

    def see(self, places: jax.Array) -> jax.Array:
        """Return what networks see in some places: its axis comes first, those of the places follow."""
        if self.nearness is None:
            return self.observations(places)
        state = self.observations(places % self.n_states).astype(jnp.float32)
        return jnp.concatenate([state, jnp.moveaxis(self.nearness[places // self.n_states], -1, 0)])

    def available(self, places: jax.Array, widths: Sequence[int]) -> list[jax.Array]:
        """Return which actions each player has: one array of shape (A_i, ...) per player."""
        counts = jnp.moveaxis(self.n_actions[places % self.n_states], -1, 0)
        behind = (1,) * places.ndim
        return [jnp.arange(width).reshape(-1, *behind) < counts[i] for i, width in enumerate(widths)]

    def row(self, places: jax.Array, actions: Sequence[jax.Array]) -> jax.Array:
        """Return the row of a joint action."""
        states = places % self.n_states
        counts, row = self.n_actions[states], jnp.zeros_like(states)
        for i, action in enumerate(actions):
            row = row * counts[..., i] + action
        return self.row_starts[states] + row

    def reward(self, player: int, row: jax.Array) -> jax.Array:
        """Return what a player learns from."""
        paid = self.rewards[player if self.rewards.shape[0] > 1 else 0, row]
        return self.scales[player] * paid - self.offsets[player]

    def follow(self, places: jax.Array, row: jax.Array, draws: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Return the next places, for draws from [0, 1), and whether play ended before them."""
        states = self._successor(row, draws[0])
        if self.nearness is None:
            return states, jnp.zeros(states.shape, dtype=bool)
        t = places // self.n_states + 1
        ended = t == self.nearness.shape[0]
        again = self.restarted(places, draws[1:], jnp.ones(()))
        return jnp.where(ended, again, t * self.n_states + states), ended

    def _successor(self, row: jax.Array, chance: jax.Array) -> jax.Array:
        """Return the next states, for chances from [0, 1)."""
        if self.ends is None:
            return self.next_states[row]
        low, high = self.ends[row], self.ends[row + 1]
        for _ in range(self.longest.shape[0]):
            middle = (low + high - 1) // 2
            above = self.cumulative[middle] > chance
            low, high = jnp.where(above, low, jnp.minimum(middle + 1, high - 1)), jnp.where(above, middle + 1, high)
        return self.next_states[low]

    def restarted(self, places: jax.Array, draws: jax.Array, probability: jax.Array) -> jax.Array:
        """Move some to where play begins, or to any place."""
        first = jnp.searchsorted(self.starts, draws[1], side="right")
        anywhere = jnp.minimum((draws[1] * self.n_places).astype(places.dtype), self.n_places - 1)
        other = jnp.where(draws[0] < probability / 2, jnp.minimum(first, self.n_states - 1), anywhere)
        return jnp.where(draws[0] < probability, other, places).astype(places.dtype)


def environment_of(game: AnyGame, observations: Observations, horizon: int | None = None) -> Environment:
    """Return the tables of a game, on the host.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or DeterministicGame
    observations : Observations
    horizon : int, optional

    Raises
    ------
    InputError
        If there are more places than a 32-bit integer can number.
    """
    if isinstance(game, DeterministicGame):
        n, starts = game.n_players, np.zeros(game.n_states)
        starts[game.start :] = 1.0
        n_actions = np.broadcast_to(np.array(game.n_actions), (game.n_states, n))
        row_starts = np.arange(game.n_states) * math.prod(game.n_actions)
        rewards, unit = game.rewards.reshape(1, -1), game.reward_unit
        discounts = np.full(n, game.discount)
        following: tuple[Any, ...] = (game.next_states.reshape(-1), None, None, None)
    else:
        simulator = simulator_of(game)
        n_actions, row_starts, starts = simulator.n_actions, simulator.row_starts[:-1], simulator.starts
        rewards, unit, discounts = simulator.rewards, 1.0, simulator.discounts
        n = len(discounts)
        most = int(np.diff(simulator.indptr).max())
        following = simulator.indices.astype(np.int32), None, None, None
        if most > 1:
            steps = np.zeros(math.ceil(math.log2(most)) + 1, dtype=bool)
            ends = simulator.indptr.astype(np.int32)
            following = following[0], ends, simulator.cumulative.astype(np.float32), steps
    low, high = unit * rewards.min(axis=1).astype(float), unit * rewards.max(axis=1).astype(float)
    spans = np.where(high > low, high - low, 1.0)
    means = unit * rewards.mean(axis=1, dtype=np.float64)
    if not isinstance(game, DeterministicGame):
        # Scaled before they are rounded to single precision: what is small beside an offset is not lost.
        rewards, unit, spans, means = (rewards - means[:, None]) / spans[:, None], 1.0, np.ones(n), np.zeros(n)
        rewards = rewards.astype(np.float32)
    if horizon is not None and horizon * len(row_starts) >= MOST_PLACES:
        raise InputError(
            f"horizon: {horizon} steps in {len(row_starts):,} states are more than networks can number; give at most "
            f"{MOST_PLACES // len(row_starts):,}"
        )
    each = np.ones(n)
    return Environment(
        observations=observations,
        n_actions=n_actions.astype(np.int32),
        row_starts=row_starts.astype(np.int32),
        rewards=rewards,
        scales=(each * unit / spans).astype(np.float32),
        offsets=(each * means / spans).astype(np.float32),
        discounts=discounts.astype(np.float32),
        next_states=following[0],
        ends=following[1],
        cumulative=following[2],
        longest=following[3],
        starts=starts.astype(np.float32),
        nearness=None if horizon is None else nearness(horizon),
    )


def nearness(horizon: int) -> np.ndarray:
    """Return what networks see of the time that is left: the share of it in spans of 1, 2, 4, ... steps, at most 1.

    Examples
    --------
    >>> nearness(3)
    array([[1.  , 1.  , 0.75],
           [1.  , 1.  , 0.5 ],
           [1.  , 0.5 , 0.25]], dtype=float32)
    """
    left = np.arange(horizon, 0, -1)[:, None]
    spans = 2.0 ** np.arange(horizon.bit_length() + (horizon & (horizon - 1) > 0))
    return np.minimum(left / spans, 1.0).astype(np.float32)
