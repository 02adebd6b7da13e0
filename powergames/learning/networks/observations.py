"""What networks see of a state: columns that are 0 or 1, or the user's own numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from powergames.errors import InputError
from powergames.games.deterministic import DeterministicGame
from powergames.games.labels import StateNames
from powergames.games.memory import check_memory
from powergames.games.normal_form import NormalFormGame
from powergames.games.stochastic import StochasticGame

AnyGame = NormalFormGame | StochasticGame | DeterministicGame

# What a user gives: numbers of all states, or a function that returns those of some.
Observe = Callable[[np.ndarray], Any]


class Observations(NamedTuple):
    """What is known of each state.

    Without columns, ``table[s]`` are the numbers that networks see in state `s`. Else `table` holds small integers, and
    networks see a 1 in each column `d` with ``table[s, columns[0, d]] == columns[1, d]``.
    """

    table: Any
    columns: Any = None

    @property
    def size(self) -> int:
        """How many numbers networks see."""
        return int(self.table.shape[1] if self.columns is None else self.columns.shape[1])

    def __call__(self, states: jax.Array) -> jax.Array:
        """Return what networks see in some states: its axis comes first, those of the states follow."""
        found = jnp.moveaxis(self.table[states], -1, 0)
        if self.columns is None:
            return found
        wanted = self.columns[1].reshape((-1,) + (1,) * states.ndim)
        return (found[self.columns[0]] == wanted).astype(jnp.int8)


def observations_of(game: AnyGame, observe: Any = None) -> Observations:
    """Return what networks see in each state of a game, on the host.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or DeterministicGame
        Where its names of states tell a `StateNames.digits_table`, that is seen; else the number of the state.
    observe : callable or array_like, optional
        Numbers of shape (S, D); or a function that takes all states, ``arange(S)``, and returns them.

    Raises
    ------
    InputError
        If `observe` gives something else, or there is not enough memory.
    """
    n_states = 1 if isinstance(game, NormalFormGame) else game.n_states
    if observe is not None:
        given = observe(np.arange(n_states)) if callable(observe) else observe
        try:
            table = np.array(given, dtype=np.float32)
        except (TypeError, ValueError):
            table = np.zeros(0, dtype=np.float32)
        if table.ndim != 2 or len(table) != n_states or not table.shape[1] or not np.isfinite(table).all():
            raise InputError(
                f"observe: got {type(given).__name__} of shape {np.shape(table)}; give finite numbers of shape "
                f"({n_states}, D), one row for each state"
            )
        return Observations(table)
    states = () if isinstance(game, NormalFormGame) else game.states
    digits = states.digits_table() if isinstance(states, StateNames) else None
    if digits is None:
        digits = np.arange(n_states)[:, None]
    values = [np.unique(column) for column in digits.T]
    groups = np.repeat(np.arange(len(values)), [len(found) for found in values])
    check_memory(4 * digits.size, f"observations of {n_states:,} states")
    return Observations(digits.astype(np.int32), np.stack([groups, np.concatenate(values)]).astype(np.int32))
