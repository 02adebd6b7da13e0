"""Strategies that depend on the time: compact where they are pure, on disk where memory does not suffice."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from powergames.errors import InputError
from powergames.games.deterministic import DeterministicGame
from powergames.games.foreign import check_unmasked
from powergames.games.immutable import Frozen
from powergames.games.memory import SMALL, available_memory, check_memory
from powergames.games.normal_form import NormalFormGame
from powergames.games.policies import as_policies, by_player
from powergames.games.profiles import SIMPLEX_TOLERANCE, Profile
from powergames.games.stochastic import StochasticGame

# Steps that a horizon may have.
MOST_STEPS = 10_000_000

TimedGame = StochasticGame | DeterministicGame


def check_horizon(horizon: Any, game: object) -> int:
    """Return a horizon, or refuse what is no positive number of steps, or what is played once.

    Raises
    ------
    InputError

    Examples
    --------
    >>> import powergames as pg
    >>> check_horizon(0, pg.load("big_match"))
    Traceback (most recent call last):
        ...
    powergames.errors.InputError: horizon: got 0; give a whole number of steps, at least 1
    """
    if isinstance(horizon, bool) or not isinstance(horizon, int | np.integer) or horizon < 1:
        raise InputError(f"horizon: got {str(horizon)[:40]}; give a whole number of steps, at least 1")
    if horizon > MOST_STEPS:
        raise InputError(f"horizon: got {horizon}; give at most {MOST_STEPS:,} steps")
    if isinstance(game, NormalFormGame):
        raise InputError("horizon: the game has no states, and is over after one step; leave it out")
    return int(horizon)


def room(shape: Sequence[int], dtype: Any, what: str) -> np.ndarray:
    """Return an array of zeros: in memory, or where a quarter of what is free does not suffice, in a temporary file.

    Raises
    ------
    InputError
        If the disk does not suffice either.

    Examples
    --------
    >>> room((2, 3), np.int8, "six numbers").shape
    (2, 3)
    """
    n_bytes = int(np.prod([int(size) for size in shape])) * np.dtype(dtype).itemsize
    available = available_memory() if n_bytes > SMALL else None
    if available is None or 4 * n_bytes <= available:
        return np.zeros(shape, dtype)
    try:
        with tempfile.TemporaryFile(prefix="powergames-") as file:
            return np.memmap(file, dtype, "w+", shape=tuple(shape))
    except (OSError, ValueError, OverflowError):
        raise InputError(
            f"{what} would take {n_bytes:,} bytes, more than memory and {tempfile.gettempdir()} have room for; make "
            "the game or the horizon smaller, or set TMPDIR to a folder on a larger disk"
        ) from None


@dataclass(frozen=True, eq=False, repr=False)
class TimedStrategy(Frozen):
    """What one player does in each state at each step; reads like an array of shape (T, S, A).

    Attributes
    ----------
    horizon : int
        Number of steps, T.
    size : int
        Number of actions, A, the most in any state.
    actions : ndarray of int, shape (L, S)
        The action taken; -1 where the player mixes. One layer for each step, or one for all.
    starts : ndarray of int64, shape (L + 1,)
        The mixtures of a layer are ``states[starts[l]:starts[l + 1]]``.
    states : ndarray of int32, shape (K,)
        Where the player mixes, in order.
    probabilities : ndarray, shape (K, A)

    Notes
    -----
    ``strategy[t]`` is an array of shape (S, A), ``strategy[t, s]`` one of shape (A,), and other indices work as those
    of an array. ``np.asarray(strategy)`` writes it out.

    Examples
    --------
    >>> import powergames as pg
    >>> strategy = timed_profile(pg.load("big_match"), [[1, 0, 0], 0], 5)[0]
    >>> strategy
    <TimedStrategy: 5 steps, 3 states, 2 actions, pure, the same at every step>
    >>> strategy.shape, strategy[4, 0]
    ((5, 3, 2), array([0., 1.]))
    """

    horizon: int
    size: int
    actions: np.ndarray
    starts: np.ndarray
    states: np.ndarray
    probabilities: np.ndarray

    @classmethod
    def of(cls, layers: np.ndarray, horizon: int) -> TimedStrategy:
        """Build a strategy from probabilities of shape (L, S, A): one layer for each step, or one for all."""
        count, n_states, size = layers.shape
        actions = room((count, n_states), action_type(size), "the strategy")
        starts, states, mixtures = np.zeros(count + 1, np.int64), [], []
        for t, layer in enumerate(layers):
            best = layer.argmax(axis=1)
            mixed = np.flatnonzero(layer[np.arange(n_states), best] != 1.0)
            best[mixed] = -1
            actions[t] = best
            starts[t + 1] = starts[t] + len(mixed)
            states.append(mixed.astype(np.int32))
            mixtures.append(layer[mixed].astype(np.float64))
        return cls(horizon, size, actions, starts, np.concatenate(states), np.concatenate(mixtures))

    @property
    def shape(self) -> tuple[int, int, int]:
        """(T, S, A)."""
        return self.horizon, self.actions.shape[1], self.size

    @property
    def ndim(self) -> int:
        """3."""
        return 3

    @property
    def dtype(self) -> np.dtype:
        """The type of probabilities."""
        return np.dtype(np.float64)

    @property
    def nbytes(self) -> int:
        """Number of bytes in which the strategy is kept."""
        return sum(array.nbytes for array in (self.actions, self.starts, self.states, self.probabilities))

    @property
    def stationary(self) -> bool:
        """Whether it is kept as one layer, the same at all steps."""
        return self.horizon != len(self.actions)

    @property
    def pure(self) -> bool:
        """Whether the player never mixes."""
        return len(self.states) == 0

    def step(self, t: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return what is played at a step: actions (S,), the states that mix (K,), and their mixtures (K, A)."""
        layer = 0 if self.stationary else t
        own = slice(int(self.starts[layer]), int(self.starts[layer + 1]))
        return self.actions[layer], self.states[own], self.probabilities[own]

    def __len__(self) -> int:
        return self.horizon

    def __getitem__(self, key: Any) -> Any:
        first, *rest = key if isinstance(key, tuple) else (key,)
        if first is None or first is Ellipsis:
            return np.asarray(self)[key]
        steps = np.arange(self.horizon)[first]
        if steps.ndim == 0:
            return self._dense(int(steps))[tuple(rest)]
        check_memory(8 * steps.size * self.shape[1] * self.size, "this part of the strategy")
        layers = np.array([self._dense(int(t)) for t in steps]).reshape(len(steps), *self.shape[1:])
        return layers[(slice(None), *rest)]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """Write the strategy out as probabilities of shape (T, S, A)."""
        if copy is False:
            raise ValueError("a strategy is written out as a new array; leave out copy=False")
        check_memory(8 * int(np.prod(self.shape)), "the strategy written out as probabilities")
        return np.asarray(self[:], dtype)

    def _dense(self, t: int) -> np.ndarray:
        actions, states, probabilities = self.step(t)
        result = np.zeros(self.shape[1:])
        pure = np.flatnonzero(actions >= 0)
        result[pure, actions[pure]] = 1.0
        result[states] = probabilities
        return result

    def __repr__(self) -> str:
        kind = "pure" if self.pure else f"mixed at {len(self.states):,} of {self.actions.size:,} places"
        kind += ", the same at every step" if self.stationary and self.horizon > 1 else ""
        steps, n_states, size = self.shape
        return f"<TimedStrategy: {steps} steps, {n_states} states, {size} actions, {kind}>"


TimedProfile = tuple[TimedStrategy, ...]

# What players do: once, in each state, or at each step in each state.
AnyProfile = Profile | TimedProfile


def timed_document(profile: TimedProfile) -> dict[str, Any]:
    """Return a profile as plain JSON values, compactly.

    ``actions[i][t][s]`` is -1 where the player mixes, and ``mixtures[i]`` a list of ``[t, s, probabilities]``.
    """
    return {
        "actions": [[strategy.step(t)[0].tolist() for t in range(strategy.horizon)] for strategy in profile],
        "mixtures": [
            [
                [t, int(state), probabilities.tolist()]
                for t in range(strategy.horizon)
                for state, probabilities in zip(*strategy.step(t)[1:], strict=True)
            ]
            for strategy in profile
        ],
    }


def action_type(size: int) -> np.dtype:
    """Return the smallest type of integers that holds the actions of a player, and -1."""
    return np.dtype(np.min_scalar_type(-max(size, 1)))


def timed_profile(
    game: TimedGame, profile: Any, horizon: int, *, fill: bool = False, labels: bool = False, observe: Any = None
) -> TimedProfile:
    """Read a profile over a finite horizon.

    Parameters
    ----------
    game : StochasticGame or DeterministicGame
    profile : sequence, mapping, or an object with a `profile`
        One entry per player, in order or under their names: a `TimedStrategy`; probabilities of shape (T, S, A_i);
        integers of shape (T, S), the action at each step and state; or what is played at every step, in any form that
        `powergames.games.policies.as_policies` takes, of a `DeterministicGame` only arrays of shape (S, A_i) and
        integers of shape (S,).
    horizon : int
    fill : bool, default False
        Whether states of which a stationary policy says nothing are filled with equal probabilities, not refused.
    labels, observe
        What callables are given, as in `powergames.games.policies.as_policies`.

    Returns
    -------
    tuple of TimedStrategy

    Raises
    ------
    InputError
        If shapes do not fit, probabilities are off the simplex or on actions that do not exist, or integers may be
        actions as well as probabilities.

    Examples
    --------
    >>> import powergames as pg
    >>> game = pg.load("big_match")
    >>> [strategy.shape for strategy in timed_profile(game, game.uniform_profile(), 3)]
    [(3, 3, 2), (3, 3, 2)]
    """
    entries = by_player(game, profile)
    timed = [_timed(game, player, entry, horizon) for player, entry in enumerate(entries)]
    stationary = [player for player, strategy in enumerate(timed) if strategy is None]
    if stationary and isinstance(game, StochasticGame):
        given = [entry if timed[player] is None else 0 for player, entry in enumerate(entries)]
        read = as_policies(game, given, labels=labels, observe=observe)
        for player in stationary:
            missing = read.unvisited[player]
            if len(missing) and not fill:
                raise InputError(
                    f"profile of player {player}: says nothing of state {game.states[missing[0]]!r:.42}; give "
                    "probabilities there, or use audit, which fills such states"
                )
            timed[player] = TimedStrategy.of(read.profile[player][None], horizon)
    elif isinstance(game, DeterministicGame):
        for player in stationary:
            timed[player] = _tabular(game, player, entries[player], horizon)
    return tuple(strategy for strategy in timed if strategy is not None)


def _sizes(game: TimedGame, player: int) -> tuple[int, np.ndarray]:
    """Most actions of a player, and those in each state, shape (S,) or ()."""
    if isinstance(game, DeterministicGame):
        return game.n_actions[player], np.array(game.n_actions[player])
    return game.max_actions[player], game.n_actions[:, player]


def _timed(game: TimedGame, player: int, entry: Any, horizon: int) -> TimedStrategy | None:
    """Read the strategy of a player if it depends on time, else return None."""
    size, counts = _sizes(game, player)
    shape = (horizon, game.n_states, size)
    if isinstance(entry, TimedStrategy):
        if entry.shape != shape:
            raise InputError(f"profile of player {player}: got shape {entry.shape}, expected {shape}")
        return entry
    check_unmasked(entry, f"profile of player {player}")
    try:
        array = np.asarray(entry)
    except ValueError:
        return None
    if array.dtype.kind in "iu" and array.shape == (horizon, game.n_states):
        actions = bool(((array >= 0) & (array < counts)).all())
        if array.shape == (game.n_states, size):
            probabilities = bool(array.min() >= 0 and (array.sum(axis=1) == 1).all())
            if probabilities and actions:
                raise InputError(
                    f"profile of player {player}: got integers of shape {array.shape}, which may be the actions at "
                    "each step and state or the probabilities in each state; give probabilities as floats"
                )
            if probabilities:
                return None
        return _of_actions(player, array, size, counts, horizon)
    if array.ndim != 3 or array.dtype.kind not in "biufO":
        return None
    if array.shape != shape:
        raise InputError(
            f"profile of player {player}: got shape {array.shape}, expected {shape}, one probability per step, state "
            "and action"
        )
    return TimedStrategy.of(_checked(player, array, counts), horizon)


def _tabular(game: DeterministicGame, player: int, entry: Any, horizon: int) -> TimedStrategy:
    """Read a stationary strategy of a game in tables."""
    size, counts = _sizes(game, player)
    try:
        array = np.asarray(entry)
    except ValueError:
        array = np.asarray(None)
    if array.dtype.kind in "iu" and array.shape == (game.n_states,):
        return _of_actions(player, array[None], size, counts, horizon)
    if array.dtype.kind in "biuf" and array.shape == (game.n_states, size):
        return TimedStrategy.of(_checked(player, array[None], counts), horizon)
    raise InputError(
        f"profile of player {player}: got {array.dtype} of shape {array.shape}; give probabilities of shape "
        f"{(horizon, game.n_states, size)} or {(game.n_states, size)}, or actions as integers of shape "
        f"{(horizon, game.n_states)} or {(game.n_states,)}"
    )


def _of_actions(player: int, array: np.ndarray, size: int, counts: np.ndarray, horizon: int) -> TimedStrategy:
    actions = room(array.shape, action_type(size), "the strategy")
    for t, layer in enumerate(array):
        wrong = ~((layer >= 0) & (layer < counts))
        if wrong.any():
            state = int(np.argmax(wrong))
            raise InputError(
                f"profile of player {player}, step {t}, state {state}: got action {layer[state]}; give an index from 0 "
                f"to {int(np.broadcast_to(counts, wrong.shape)[state]) - 1}"
            )
        actions[t] = layer
    nothing = np.zeros(len(array) + 1, np.int64), np.zeros(0, np.int32), np.zeros((0, size))
    return TimedStrategy(horizon, size, actions, *nothing)


def _checked(player: int, layers: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Check probabilities of shape (L, S, A) and return them so that they sum to one."""
    try:
        result = np.array(layers, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"profile of player {player}: not an array of numbers; give probabilities") from None
    exists = np.arange(layers.shape[2]) < np.broadcast_to(counts, layers.shape[1:2])[:, None]
    for t, layer in enumerate(result):
        with np.errstate(invalid="ignore", over="ignore"):
            fine = (np.abs(layer.sum(axis=1) - 1.0) <= SIMPLEX_TOLERANCE) & (layer >= -SIMPLEX_TOLERANCE).all(axis=1)
            fine &= (np.abs(np.where(exists, 0.0, layer)) <= SIMPLEX_TOLERANCE).all(axis=1)
        if not fine.all():
            state = int(np.argmin(fine))
            raise InputError(
                f"profile of player {player}, step {t}, state {state}: got {layer[state].tolist()!s:.60}; give "
                "probabilities that sum to 1, on actions that the state has"
            )
        layer[(layer < 0.0) | ~exists] = 0.0
        layer /= layer.sum(axis=1, keepdims=True)
    return result
