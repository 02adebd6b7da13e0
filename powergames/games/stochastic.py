"""Stochastic games: rewards and transitions in every state, with labels, validated once and never changed.

However a game comes in, it is kept flat: one row for each state and each joint action of that state, the states one
after the other, the joint actions of a state in C order (the last player's action changes fastest). Rewards are an
array with one column per row, transitions a sparse matrix with one row per row.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from powergames.display import Shown, discount_text
from powergames.errors import InputError
from powergames.games.foreign import check_unmasked
from powergames.games.immutable import Frozen
from powergames.games.labels import StateNames, check_names, check_text
from powergames.games.memory import MAX_AXES, check_memory
from powergames.games.normal_form import NormalFormGame
from powergames.games.profiles import SIMPLEX_TOLERANCE, Profile, action_indices, frozen

# How far the probabilities of a row may be from summing to 1. Within it they are divided by their sum. Those that come
# in single or half precision may be further off, by what `_slack` says.
SUM_TOLERANCE = 1e-8

_EPS = float(np.finfo(np.float64).eps)

# Data, indices, indptr, and the relative rounding error of the data as they were given.
Csr = tuple[np.ndarray, np.ndarray, np.ndarray, float]
ActionNames = tuple[tuple[str, ...], ...]


class StochasticGame(Frozen, Shown):
    """A finite n-player discounted stochastic (Markov) game.

    Parameters
    ----------
    rewards : array_like, shape (n, S, A_0, ..., A_{n-1})
        ``rewards[i, s, a_0, ..., a_{n-1}]`` is what player `i` is paid in state `s` when player `k` plays `a_k`.
    transitions : array_like, SciPy sparse matrix, or tuple of three arrays
        ``transitions[s, a_0, ..., a_{n-1}, t]``, shape (S, A_0, ..., A_{n-1}, S), is the probability that state `t`
        follows. Or a sparse matrix of shape (R, S) with one row for each state and joint action, in C order, so
        R = S A_0 ... A_{n-1}; or the arrays ``(data, indices, indptr)`` of one in CSR form.
    discount : float or array_like of shape (n,)
        Discount factor in [0, 1], one for all players or one each. With 1 the game needs an end: solvers and checks
        take it with ``horizon=`` only.
    players : sequence of str, optional
        Names of the players; by default ``"0", "1", ...``.
    actions : sequence, optional
        ``actions[i][a]`` names action `a` of player `i`, in every state; or ``actions[s][i][a]``, if names differ by
        state. By default ``"0", "1", ...``.
    states : sequence of str, optional
        Names of the states; by default ``"0", "1", ...``.
    start : array_like, shape (S,), optional
        Probabilities of the first state; by default uniform.
    title : str, optional
        Title of the game.

    Attributes
    ----------
    n_actions : ndarray of int64, shape (S, n), read-only
        Number of actions of each player in each state.
    row_starts : ndarray of int64, shape (S + 1,), read-only
        The rows of state `s` are ``row_starts[s]`` to ``row_starts[s + 1] - 1``.
    rewards : ndarray of float64, shape (n, R), read-only
        ``rewards[i, row]``, in the units of payoffs.
    data, indices, indptr : ndarray, read-only
        Transition probabilities in CSR form: those of a row are ``data[indptr[row]:indptr[row + 1]]``, all positive, of
        the states ``indices[indptr[row]:indptr[row + 1]]``, in increasing order. Shapes (nonzeros,), (nonzeros,) and
        (R + 1,).
    discounts : ndarray of float64, shape (n,), read-only
        Discount factor of each player.
    start : ndarray of float64, shape (S,), read-only
        Probabilities of the first state.
    reward_min, reward_range : ndarray, shape (n,), read-only
        Least reward of each player, and greatest minus least.
    players, states, title
        As above, as tuples and str; `states` as it was given if it is a `StateNames`, which makes names when asked.
    state_objects : tuple
        The states as the functions of `from_env` know them, in the order of `states`; else empty. Games that differ
        only in them are equal.
    actions : tuple
        ``actions[i]`` if a player's first names are the same in every state, else ``actions[s][i]``; see
        `actions_by_state` and `action_names`.
    actions_by_state : bool
        Whether `actions` has one entry per state.

    Raises
    ------
    InputError
        If shapes do not fit, a reward is not finite, probabilities are negative or do not sum to 1 within 1e-8, a
        discount is outside [0, 1], values would overflow a float, labels do not fit or are not text
        (`powergames.games.labels.check_text`), or memory does not suffice.

    Notes
    -----
    Use `from_rows` if the numbers of actions differ from state to state. Rows whose sum differs from 1 by more than
    rounding, yet less than 1e-8, are divided by it. The sum of `k` probabilities that come as float32 may differ from 1
    by 1.2e-7 sqrt(k + 4), which rounding to float32 explains; they become float64 and are divided by it. Arrays are
    copied, never changed.

    The model is due to L. S. Shapley (1953), "Stochastic games", Proceedings of the National Academy of Sciences
    39(10), 1095-1100.

    Examples
    --------
    Work or rest; after both rest, the machine is broken for ever.

    >>> import powergames as pg
    >>> rewards = [[[[1, 0], [2, 2]], [[0, 0], [0, 0]]], [[[1, 2], [0, 2]], [[0, 0], [0, 0]]]]
    >>> transitions = [[[[1, 0], [1, 0]], [[1, 0], [0, 1]]], [[[0, 1], [0, 1]], [[0, 1], [0, 1]]]]
    >>> game = pg.StochasticGame(rewards, transitions, 0.9, states=["running", "broken"], title="Machine")
    >>> game
    <StochasticGame 'Machine': 2 players, 2 states, 8 rows, discount 0.9>
    >>> game.stage(0).payoffs[0]
    array([[1., 0.],
           [2., 2.]])
    """

    n_actions: np.ndarray
    row_starts: np.ndarray
    rewards: np.ndarray
    data: np.ndarray
    indices: np.ndarray
    indptr: np.ndarray
    discounts: np.ndarray
    start: np.ndarray
    reward_min: np.ndarray
    reward_range: np.ndarray
    players: tuple[str, ...]
    states: Sequence[str]
    actions: ActionNames | tuple[ActionNames, ...]
    actions_by_state: bool
    title: str
    state_objects: tuple[Any, ...]

    def __init__(
        self,
        rewards: Any,
        transitions: Any,
        discount: Any,
        players: Sequence[str] | None = None,
        actions: Sequence[Any] | None = None,
        states: Sequence[str] | None = None,
        start: Any = None,
        title: str = "",
    ) -> None:
        values = _numbers(rewards, "rewards")
        if values.ndim < 3:
            raise InputError(f"rewards: got shape {values.shape}; expected (n, S, A_0, ..., A_{{n-1}})")
        n_players, n_states, *sizes = values.shape
        if n_players == 0:
            raise InputError("rewards: zero players; a game needs at least one")
        if n_players != len(sizes):
            raise InputError(
                f"rewards: got shape {values.shape}, {n_players} reward tensors over the actions of {len(sizes)} "
                f"players; {n_players} players need shape (n, S, A_0, ..., A_{{n-1}}) with n = {n_players}"
            )
        if n_states == 0:
            raise InputError("rewards: zero states; a game needs at least one")
        if 0 in sizes:
            raise InputError(f"rewards: player {sizes.index(0)} has zero actions; give at least one")
        n_actions = np.tile(np.array(sizes, dtype=np.int64), (n_states, 1))
        flat = values.reshape(n_players, -1)
        self._fill(n_actions, flat, transitions, tuple(sizes), discount, players, actions, states, start, title)

    @classmethod
    def from_rows(
        cls,
        n_actions: Any,
        rewards: Any,
        transitions: Any,
        discount: Any,
        players: Sequence[str] | None = None,
        actions: Sequence[Any] | None = None,
        states: Sequence[str] | None = None,
        start: Any = None,
        title: str = "",
        state_objects: Sequence[Any] = (),
    ) -> StochasticGame:
        """Build a game whose numbers of actions may differ from state to state.

        Parameters
        ----------
        n_actions : array_like of int, shape (S, n)
            ``n_actions[s, i]`` is the number of actions of player `i` in state `s`, at least 1.
        rewards : array_like, shape (n, R)
            One column for each state and joint action of that state: states in order, joint actions in C order.
        transitions : array_like of shape (R, S), SciPy sparse matrix, or tuple ``(data, indices, indptr)``
            One row for each of these.
        discount, players, actions, states, start, title
            As in `StochasticGame`.
        state_objects : sequence, optional
            What `state_objects` is to hold, one for each state.

        Returns
        -------
        StochasticGame

        Raises
        ------
        InputError
            As for `StochasticGame`.

        Examples
        --------
        >>> import powergames as pg
        >>> game = pg.StochasticGame.from_rows([[2, 1], [1, 1]], [[3, 0, 1], [0, 1, 1]], [[1, 0], [0, 1], [0, 1]], 0.5)
        >>> game.stage(0).payoffs[0]
        array([[3.],
               [0.]])
        """
        game = cls.__new__(cls)
        counts = _counts(n_actions)
        values = _numbers(rewards, "rewards")
        if values.ndim != 2 or len(values) != counts.shape[1]:
            raise InputError(f"rewards: got shape {values.shape}; expected ({counts.shape[1]}, R), one row per player")
        game._fill(counts, values, transitions, None, discount, players, actions, states, start, title)
        if state_objects and len(state_objects) != game.n_states:
            raise InputError(
                f"state_objects: got {len(state_objects)} for {game.n_states} states; give one each, or none"
            )
        object.__setattr__(game, "state_objects", tuple(state_objects))
        return game

    def _fill(
        self,
        n_actions: np.ndarray,
        rewards: np.ndarray,
        transitions: Any,
        sizes: tuple[int, ...] | None,
        discount: Any,
        players: Any,
        actions: Any,
        states: Any,
        start: Any,
        title: str,
    ) -> None:
        """Validate the flat form and set all attributes; `sizes` if transitions may be a full tensor of that shape."""
        n_states, n_players = n_actions.shape
        if n_players >= MAX_AXES:
            raise InputError(f"n_actions: {n_players} players; give at most {MAX_AXES - 1}")
        row_starts = _row_starts(n_actions)
        n_rows = int(row_starts[-1])
        if rewards.shape[1] != n_rows:
            raise InputError(
                f"rewards: got {rewards.shape[1]} columns; the states have {n_rows} joint actions together, so give "
                "one column for each"
            )
        set_field = object.__setattr__
        set_field(self, "players", _names(players, n_players, "players"))
        lazy = isinstance(states, StateNames) and len(states) == n_states
        set_field(self, "states", states if lazy else _names(states, n_states, "states"))
        set_field(self, "title", check_text(title, "title"))
        set_field(self, "state_objects", ())
        names, by_state = _action_names(actions, n_actions)
        set_field(self, "actions", names)
        set_field(self, "actions_by_state", by_state)
        set_field(self, "n_actions", frozen(n_actions))
        set_field(self, "row_starts", frozen(row_starts))
        self._check_rewards(rewards)
        set_field(self, "discounts", frozen(read_discounts(discount, n_players)))
        set_field(self, "rewards", frozen(rewards))
        self._set_scales()
        data, indices, indptr, eps = _csr(transitions, n_rows, n_states, sizes)
        data = self._normalized(data, indptr, eps)
        for name, array in (("data", data), ("indices", indices), ("indptr", indptr)):
            set_field(self, name, frozen(array))
        set_field(self, "start", frozen(_start(start, n_states)))

    @property
    def n_players(self) -> int:
        """Number of players."""
        return len(self.players)

    @property
    def n_states(self) -> int:
        """Number of states."""
        return len(self.states)

    @property
    def n_rows(self) -> int:
        """Number of pairs of a state and a joint action of that state."""
        return int(self.row_starts[-1])

    @cached_property
    def max_actions(self) -> tuple[int, ...]:
        """Largest number of actions that each player has in any state, (A_0, ..., A_{n-1})."""
        return tuple(int(size) for size in self.n_actions.max(axis=0))

    @cached_property
    def uniform_actions(self) -> bool:
        """Whether every player has the same number of actions in every state."""
        return bool((self.n_actions == self.n_actions[0]).all())

    @cached_property
    def transitions(self) -> Any:
        """Transition probabilities as a `scipy.sparse.csr_array` of shape (R, S), on the game's own arrays."""
        from scipy.sparse import csr_array

        return csr_array((self.data, self.indices, self.indptr), shape=(self.n_rows, self.n_states))

    def unit_rewards(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the rewards divided by their range, and shifted if a large offset would hide the differences.

        Elsewhere a reward of zero stays zero. In a state that is never left, a shift would be worth ``1 / (1 - γ)``
        times as much, and all other values would lose its digits.

        Returns
        -------
        rewards : ndarray, shape (n, R)
            ``(rewards[i] - offsets[i]) / units[i]``.
        units : ndarray, shape (n,)
            ``reward_range``, 1 where that is zero.
        offsets : ndarray, shape (n,)
            ``reward_min`` where rewards differ from zero by several times their range, else zero.

        Examples
        --------
        >>> game = StochasticGame(np.array([[[3.0, 5.0]]]), np.ones((1, 2, 1)), 0.5)
        >>> game.unit_rewards()
        (array([[1.5, 2.5]]), array([2.]), array([0.]))
        """
        units = np.where(self.reward_range > 0, self.reward_range, 1.0)
        offsets = np.where(np.abs(self.reward_min) / 4.0 > self.reward_range, self.reward_min, 0.0)
        rewards = self.rewards - offsets[:, None]
        rewards /= units[:, None]
        return rewards, units, offsets

    @cached_property
    def attainable(self) -> tuple[np.ndarray, np.ndarray]:
        """Least and greatest value that each player can have in any state, whatever everybody plays, each (n,).

        They are the optima of two Markov decision processes for each player, in which all work together for it or
        against it; see `powergames.numerics.attainable`.
        """
        check_discounted(self.discounts)
        _, units, offsets = self.unit_rewards()
        least, greatest = (offsets / (1.0 - self.discounts) + units * end for end in self._unit_attainable)
        return frozen(least), frozen(greatest)

    @cached_property
    def value_scale(self) -> np.ndarray:
        """The range of each player's attainable values, 1 where rewards are constant: the unit of scaled regret, (n,).

        It is at least ``reward_range / (1 + discount)``, and at most ``reward_range / (1 - discount)``, which is many
        times as much where no play is paid the greatest or the least reward for ever.
        """
        check_discounted(self.discounts)
        least, greatest = self._unit_attainable
        # The bound from below counts where rounding takes what differs from large values.
        ranges = self.reward_range * np.maximum(greatest - least, 1.0 / (1.0 + self.discounts))
        return frozen(np.where(self.reward_range > 0, ranges, 1.0))

    @cached_property
    def _unit_attainable(self) -> np.ndarray:
        """Least and greatest attainable value of each player in the units of `unit_rewards`, shape (2, n)."""
        from powergames.numerics.attainable import greatest_values

        rewards, _, _ = self.unit_rewards()
        # Players who share their rewards share the answer.
        discounts = self.discounts
        like = [
            next(j for j in range(i + 1) if discounts[j] == discounts[i] and np.array_equal(rewards[j], own))
            for i, own in enumerate(rewards)
        ]
        first = sorted(set(like))
        both = np.concatenate([-rewards[first], rewards[first]])
        values = greatest_values(self.transitions, self.row_starts, both, np.tile(discounts[first], 2))
        least, greatest = values.max(axis=1).reshape(2, -1)
        places = np.searchsorted(first, like)
        return frozen(np.array([-least[places], greatest[places]]))

    def with_discount(self, discount: Any) -> StochasticGame:
        """Return the same game at another discount.

        Parameters
        ----------
        discount : float or array_like of shape (n,)
            In [0, 1], one for all players or one each. With 1 the game is solved and checked with ``horizon=`` only.

        Returns
        -------
        StochasticGame
            On the same arrays.

        Raises
        ------
        InputError
            If the discount is outside [0, 1], or values would overflow a float.

        Examples
        --------
        >>> import powergames as pg
        >>> pg.load("big_match").with_discount(1)
        <StochasticGame 'Big Match': 2 players, 3 states, 6 rows, discount 1>
        """
        game = type(self).__new__(type(self))
        game.__dict__.update({name: self.__dict__[name] for name in StochasticGame.__annotations__})
        game.__dict__["discounts"] = frozen(read_discounts(discount, self.n_players))
        game._set_scales()
        return game

    def stage(self, state: int) -> NormalFormGame:
        """Return the rewards of one state as a normal-form game.

        Parameters
        ----------
        state : int
            Index of the state, from 0 to S - 1.

        Returns
        -------
        NormalFormGame
            With the players and the names of the actions in that state; what follows the state is not in it.

        Raises
        ------
        InputError
            If there is no such state.
        """
        if not isinstance(state, (int, np.integer)) or not 0 <= state < self.n_states:
            raise InputError(f"stage: got state {state!r}; give an index from 0 to {self.n_states - 1}")
        rows = slice(int(self.row_starts[state]), int(self.row_starts[state + 1]))
        payoffs = self.rewards[:, rows].reshape(self.n_players, *self.n_actions[state])
        names = [self.action_names(state, player) for player in range(self.n_players)]
        title = f"{self.title or 'Stochastic game'}, state {self.states[state]}"
        return NormalFormGame(payoffs, self.players, names, title)

    def action_names(self, state: int, player: int) -> tuple[str, ...]:
        """Return the names of a player's actions in a state.

        Parameters
        ----------
        state, player : int
            Their indices.

        Returns
        -------
        tuple of str
            As many as ``n_actions[state, player]``.

        Examples
        --------
        >>> import powergames as pg
        >>> pg.load("big_match").action_names(0, 0)
        ('stop', 'go')
        """
        names: Any = self.actions
        return tuple((names[state] if self.actions_by_state else names)[player][: self.n_actions[state, player]])

    def profile(self, profile: Any) -> Profile:
        """Check a stationary profile and return it as a tuple of read-only arrays.

        Parameters
        ----------
        profile : sequence of array_like
            ``profile[i][s, a]``, shape (S, A_i) with A_i the largest number of actions of player `i` in any state, is
            the probability with which `i` plays `a` in state `s`, and 0 for actions that the state lacks. Lists over
            the actions of each state alone, without these zeros, are accepted too. Integers of shape (S,) are the
            action that the player takes in each state, and an integer alone the one that it takes in all states in
            which it has a choice.

        Returns
        -------
        tuple of ndarray, shape (S, A_i)
            Sums within 1e-6 of one are normalized.

        Raises
        ------
        InputError
            If a player or state is missing, or probabilities are off the simplex or on actions that do not exist; or if
            integers may be the actions of as many states as well as the probabilities of as many actions.

        Examples
        --------
        >>> import powergames as pg
        >>> game = pg.StochasticGame.from_rows([[2], [1]], [[3, 0, 1]], [[1, 0], [0, 1], [0, 1]], 0.5)
        >>> game.profile([[[0.5, 0.5], [1]]])[0]
        array([[0.5, 0.5],
               [1. , 0. ]])
        >>> pg.load("big_match").profile([[1, 0, 0], 0])[0].tolist()
        [[0.0, 1.0], [1.0, 0.0], [1.0, 0.0]]
        """
        try:
            given = list(profile)
        except TypeError:
            raise InputError(
                f"profile: got {type(profile).__name__}; give one array of shape (S, A_i) per player"
            ) from None
        if len(given) != self.n_players:
            raise InputError(f"profile: got {len(given)} arrays for {self.n_players} players; give one per player")
        return tuple(self._strategy(strategy, player) for player, strategy in enumerate(given))

    def pure_strategy(self, player: int, actions: Any) -> np.ndarray:
        """Return the strategy of a player who takes one action in each state.

        Parameters
        ----------
        player : int
        actions : int or array_like of int, shape (S,)
            Index of the action in each state; one for all states will do, and counts where there is a choice.

        Returns
        -------
        ndarray, shape (S, A_i)

        Raises
        ------
        InputError
            If there is not one action for each state, or a state lacks its action.

        Examples
        --------
        >>> import powergames as pg
        >>> pg.load("big_match").pure_strategy(0, 1).tolist()
        [[0.0, 1.0], [1.0, 0.0], [1.0, 0.0]]
        """
        size, counts = self.max_actions[player], self.n_actions[:, player]
        indices = np.asarray(actions)
        if indices.ndim == 0:
            indices = np.where(counts == 1, 0, indices)
        if indices.shape != (self.n_states,) or indices.dtype.kind not in "iu":
            raise InputError(
                f"profile of player {player}: got {indices.dtype} of shape {indices.shape}; give the index of an "
                f"action in each of {self.n_states} states, or probabilities of shape ({self.n_states}, {size})"
            )
        lacking = (indices < 0) | (indices >= counts)
        if lacking.any():
            state = int(np.argmax(lacking))
            raise InputError(
                f"profile of player {player}, state {_short(self.states[state])}: got action {indices[state]}; give an "
                f"index from 0 to {counts[state] - 1}"
            )
        strategy = np.zeros((self.n_states, size))
        strategy[np.arange(self.n_states), indices] = 1.0
        return frozen(strategy)

    def are_probabilities(self, player: int, integers: np.ndarray) -> bool:
        """Say whether integers are the probabilities of a player's actions, and not its actions in the states.

        Parameters
        ----------
        player : int
        integers : ndarray of int, shape () or (K,)

        Returns
        -------
        bool

        Raises
        ------
        InputError
            If they may be both.

        Examples
        --------
        >>> import powergames as pg
        >>> game = pg.load("big_match")
        >>> game.are_probabilities(0, np.array([1, 0, 0])), game.are_probabilities(0, np.array([1, 0]))
        (False, True)
        """
        size, counts = self.max_actions[player], self.n_actions[:, player]
        if integers.shape != (size,):
            return False
        if size != self.n_states:
            return True
        one = int(np.argmax(integers))
        probabilities = bool(integers.min() >= 0 and integers.sum() == 1 and (one < counts).all())
        if probabilities and ((integers >= 0) & (integers < counts)).all():
            raise InputError(
                f"profile of player {player}: got the integers {str(integers.tolist())[:40]}, which may be the actions "
                f"in {size} states or the probabilities of {size} actions; give probabilities as floats, and actions "
                f"as a dict of states or as game.pure_strategy({player}, actions)"
            )
        return probabilities

    def uniform_profile(self) -> Profile:
        """Return the stationary profile in which every player mixes all actions of each state equally.

        Returns
        -------
        tuple of ndarray, shape (S, A_i)

        Examples
        --------
        >>> import powergames as pg
        >>> pg.load("big_match").uniform_profile()[0].tolist()
        [[0.5, 0.5], [1.0, 0.0], [1.0, 0.0]]
        """
        profile = []
        for size, counts in zip(self.max_actions, self.n_actions.T, strict=True):
            exists = np.arange(size) < counts[:, None]
            profile.append(frozen(exists / counts[:, None]))
        return tuple(profile)

    def describe_row(self, row: int) -> str:
        """Say which state and joint action a row belongs to, as in ``state 'play', actions (stop, L)``.

        Parameters
        ----------
        row : int
            From 0 to R - 1.

        Returns
        -------
        str

        Examples
        --------
        >>> import powergames as pg
        >>> pg.load("big_match").describe_row(1)
        "state 'play', actions (stop, right)"
        """
        state = int(np.searchsorted(self.row_starts, row, side="right")) - 1
        joint = np.unravel_index(row - int(self.row_starts[state]), tuple(self.n_actions[state]))
        names = (self.action_names(state, player)[action] for player, action in enumerate(joint))
        return f"state {_short(self.states[state])}, actions ({', '.join(name[:40] for name in names)})"

    def _check_rewards(self, rewards: np.ndarray) -> None:
        finite = np.isfinite(rewards)
        if not finite.all():
            player, row = (int(k[0]) for k in np.nonzero(~finite))
            raise InputError(
                f"rewards of player {player}, {self.describe_row(row)}: got {rewards[player, row]}; every reward must "
                "be finite"
            )

    def _set_scales(self) -> None:
        least, greatest = self.rewards.min(axis=1), self.rewards.max(axis=1)
        with np.errstate(over="ignore"):
            spread = greatest - least
            bound = np.maximum(np.maximum(np.abs(least), np.abs(greatest)), spread)
            bound = bound / np.where(self.discounts < 1.0, 1.0 - self.discounts, 1.0)
        if np.isinf(bound).any():
            raise InputError(
                f"rewards of player {int(np.argmax(np.isinf(bound)))}: their discounted sums are too large for a "
                "float; divide the rewards by a constant"
            )
        for name, array in (("reward_min", least), ("reward_range", spread)):
            object.__setattr__(self, name, frozen(array))

    def _normalized(self, data: np.ndarray, indptr: np.ndarray, eps: float) -> np.ndarray:
        """Check that every row is a distribution; return the probabilities, divided by their sums where these are off.

        The numbers came with the relative rounding error `eps`.

        A sum that rounding explains is left alone, so that doing it again changes nothing.
        """
        wrong = ~(data > 0)
        if wrong.any():
            entry = int(np.argmax(wrong))
            row = int(np.searchsorted(indptr, entry, side="right")) - 1
            raise InputError(
                f"transitions, {self.describe_row(row)}: got the probability {data[entry]}; give numbers from 0 to 1"
            )
        lengths = np.diff(indptr)
        sums = np.zeros(self.n_rows)
        filled = lengths > 0
        with np.errstate(over="ignore"):
            # No row is empty between two filled ones that follow each other in this list.
            sums[filled] = np.add.reduceat(data, indptr[:-1][filled]) if filled.any() else 0.0
        off = np.abs(sums - 1.0)
        wrong = off > _slack(lengths, eps)
        if wrong.any():
            row = int(np.argmax(wrong))
            raise InputError(
                f"transitions, {self.describe_row(row)}: the probabilities sum to {sums[row]:.12g}; make them sum to 1"
            )
        divisors = np.where(off > _EPS * (lengths + 4), sums, 1.0)
        return data / np.repeat(divisors, lengths) if (divisors != 1.0).any() else data

    def _strategy(self, given: Any, player: int) -> np.ndarray:
        size, counts = self.max_actions[player], self.n_actions[:, player]
        shape = (self.n_states, size)
        check_unmasked(given, f"profile of player {player}")
        indices = action_indices(given)
        if indices is not None and not self.are_probabilities(player, indices):
            return self.pure_strategy(player, indices)
        try:
            if np.iscomplexobj(given):
                raise TypeError
            strategy = np.array(given, dtype=np.float64)
        except (OverflowError, TypeError, ValueError):
            strategy = self._from_lists(given, player)
        if strategy.shape != shape:
            raise InputError(
                f"profile of player {player}: got shape {strategy.shape}, expected {shape}, one probability per state "
                "and action"
            )
        if not np.isfinite(strategy).all():
            state = int(np.argmin(np.isfinite(strategy).all(axis=1)))
            raise InputError(
                f"profile of player {player}, state {_short(self.states[state])}: contains NaN or infinity; give "
                "finite probabilities"
            )
        missing = np.where(np.arange(size) < counts[:, None], 0.0, np.abs(strategy))
        if missing.max() > SIMPLEX_TOLERANCE:
            state, action = (int(k) for k in np.unravel_index(int(np.argmax(missing)), shape))
            raise InputError(
                f"profile of player {player}, state {_short(self.states[state])}: probability "
                f"{strategy[state, action]:.6g} on action {action}, but the state has {counts[state]}; give 0 there"
            )
        with np.errstate(over="ignore", invalid="ignore"):
            lowest, sums = strategy.min(axis=1), strategy.sum(axis=1)
        off = ~((lowest >= -SIMPLEX_TOLERANCE) & (np.abs(sums - 1) <= SIMPLEX_TOLERANCE))
        if off.any():
            state = int(np.argmax(off))
            raise InputError(
                f"profile of player {player}, state {_short(self.states[state])}: off the simplex (smallest "
                f"{lowest[state]:.6g}, sum {sums[state]:.9g}); give probabilities that sum to 1"
            )
        strategy = np.where((strategy < 0) | (missing > 0), 0.0, strategy)
        return frozen(strategy / strategy.sum(axis=1, keepdims=True))

    def _from_lists(self, given: Any, player: int) -> np.ndarray:
        """Read one list per state, each of the actions of that state alone or of all."""
        size, counts = self.max_actions[player], self.n_actions[:, player]
        try:
            rows = [np.array(row, dtype=np.float64) for row in given]
        except (OverflowError, TypeError, ValueError):
            raise InputError(
                f"profile of player {player}: not an array of numbers; give shape ({self.n_states}, {size})"
            ) from None
        if len(rows) != self.n_states:
            raise InputError(
                f"profile of player {player}: got {len(rows)} states, expected {self.n_states}; give one list each"
            )
        strategy = np.zeros((self.n_states, size))
        for state, row in enumerate(rows):
            if row.ndim != 1 or len(row) not in (counts[state], size):
                raise InputError(
                    f"profile of player {player}, state {_short(self.states[state])}: got shape {row.shape}; give "
                    f"{counts[state]} probabilities, one per action"
                )
            strategy[state, : len(row)] = row
        return strategy

    def _arrays(self) -> tuple[np.ndarray, ...]:
        return (
            self.n_actions,
            self.rewards,
            self.data,
            self.indices,
            self.indptr,
            self.discounts,
            self.start,
        )

    def _labels(self) -> tuple[Any, ...]:
        return self.players, self.actions, self.states, self.title

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, StochasticGame):
            return NotImplemented
        return self is other or (
            self._labels() == other._labels()
            and all(np.array_equal(mine, theirs) for mine, theirs in zip(self._arrays(), other._arrays(), strict=True))
        )

    def __hash__(self) -> int:
        # Adding zero turns -0.0 into 0.0, which is equal to it.
        return hash((self._labels(), *(hash((array + 0).tobytes()) for array in self._arrays())))

    def __reduce__(self) -> tuple[Any, ...]:
        parts = (
            self.n_actions,
            self.rewards,
            (self.data, self.indices, self.indptr),
            self.discounts,
            self.players,
            self.actions,
            self.states,
            self.start,
            self.title,
            self.state_objects,
        )
        return type(self).from_rows, parts

    def __repr__(self) -> str:
        title = f" {self.title!r}" if self.title else ""
        players = "player" if self.n_players == 1 else "players"
        states = "state" if self.n_states == 1 else "states"
        rows = "row" if self.n_rows == 1 else "rows"
        discounts = ", ".join(map(discount_text, dict.fromkeys(self.discounts.tolist())))
        return (
            f"<StochasticGame{title}: {self.n_players} {players}, {self.n_states} {states}, {self.n_rows} {rows}, "
            f"discount {discounts}>"
        )


def _numbers(values: Any, what: str) -> np.ndarray:
    """Return a copy as C-contiguous float64."""
    check_unmasked(values, what)
    try:
        array = np.asarray(values)
    except ValueError:
        raise InputError(f"{what}: ragged nested sequences; give lists of equal length at every level") from None
    if array.dtype.kind not in "biufOUS":
        raise InputError(f"{what}: got dtype {array.dtype}; give real numbers")
    # NumPy would read None as NaN.
    if array.dtype.kind == "O" and any(value is None for value in array.ravel()):
        raise InputError(f"{what}: got None; give real numbers")
    check_memory(array.size * 8, f"{what}: a copy of shape {array.shape}")
    try:
        return np.array(array, dtype=np.float64, order="C")
    except (OverflowError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())[:80]
        raise InputError(f"{what}: not numbers ({reason}); give real numbers") from None


def _counts(n_actions: Any) -> np.ndarray:
    counts = np.asarray(_numbers(n_actions, "n_actions"))
    if counts.ndim != 2:
        raise InputError(f"n_actions: got shape {counts.shape}; expected (S, n), one count per state and player")
    if 0 in counts.shape:
        raise InputError(f"n_actions: got shape {counts.shape}; give at least one state and one player")
    wrong = ~((counts >= 1) & (counts <= 2.0**53) & (counts == np.floor(counts)))
    if wrong.any():
        state, player = (int(k[0]) for k in np.nonzero(wrong))
        raise InputError(
            f"n_actions: state {state}, player {player}: got {counts[state, player]:g}; give a positive integer"
        )
    return counts.astype(np.int64)


def _row_starts(n_actions: np.ndarray) -> np.ndarray:
    if n_actions.astype(np.float64).prod(axis=1).sum() > 2.0**53:
        total = sum(math.prod(row) for row in n_actions.tolist())
        check_memory(8 * n_actions.shape[1] * total, "the rewards of all joint actions")
    return np.concatenate([[0], np.cumsum(n_actions.prod(axis=1))])


def check_discounted(discounts: Any) -> None:
    """Refuse a discount of 1 where a game has no end.

    Raises
    ------
    InputError

    Examples
    --------
    >>> check_discounted(1)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    powergames.errors.InputError: discount 1 needs horizon=, ...
    """
    if np.max(discounts) >= 1.0:
        raise InputError(
            "discount 1 needs horizon=, a number of steps, for payoffs add up without bound; solve, sweep, audit and "
            "evaluate take it; elsewhere give a discount below 1: game.with_discount(0.95), or discount=0.95 in the "
            "name or the file of the game"
        )


def read_discounts(discount: Any, n_players: int) -> np.ndarray:
    """Return the discount factor of each player, given one for all or one each.

    Raises
    ------
    InputError

    Examples
    --------
    >>> read_discounts(0.5, 2)
    array([0.5, 0.5])
    """
    discounts = _numbers(discount, "discount")
    if discounts.shape not in ((), (n_players,)):
        raise InputError(
            f"discount: got shape {discounts.shape}; give one number, or one for each of {n_players} players"
        )
    discounts = np.broadcast_to(discounts, (n_players,)).copy()
    wrong = ~((discounts >= 0) & (discounts <= 1))
    if wrong.any():
        player = int(np.argmax(wrong))
        raise InputError(
            f"discount of player {player}: got {discount_text(discounts[player])}; give a number from 0 to 1"
        )
    return discounts


def _start(start: Any, n_states: int) -> np.ndarray:
    if start is None:
        return np.full(n_states, 1.0 / n_states)
    weights = _numbers(start, "start")
    if weights.shape != (n_states,):
        raise InputError(f"start: got shape {weights.shape}; expected ({n_states},), one probability per state")
    wrong = ~((weights >= 0) & (weights <= 2))
    if wrong.any():
        state = int(np.argmax(wrong))
        raise InputError(f"start: state {state}: got {weights[state]}; give a probability from 0 to 1")
    total = weights.sum()
    if abs(total - 1) > _slack(n_states, _precision(np.asarray(start).dtype)):
        raise InputError(f"start: the probabilities sum to {total:.12g}; make them sum to 1")
    return weights if abs(total - 1) <= _EPS * (n_states + 4) else weights / total


def _precision(dtype: np.dtype) -> float:
    """Return the relative rounding error of numbers that came in this type."""
    return max(_EPS, float(np.finfo(dtype).eps)) if dtype.kind == "f" else _EPS


def _slack(count: Any, eps: float) -> Any:
    """Return how far from 1 the sum of so many rounded probabilities may be; their errors add up like a random walk."""
    return np.maximum(SUM_TOLERANCE, eps * np.sqrt(count + 4.0))


def _csr(transitions: Any, n_rows: int, n_states: int, sizes: tuple[int, ...] | None) -> Csr:
    """Return transitions in canonical CSR form: sorted indices without duplicates or zeros; NaN stays to be refused."""
    if hasattr(transitions, "tocsr"):
        if transitions.shape != (n_rows, n_states):
            raise InputError(
                f"transitions: got a sparse matrix of shape {transitions.shape}; expected ({n_rows}, {n_states}), one "
                "row per state and joint action"
            )
        matrix = transitions.tocsr()
        return _canonical(matrix.data, matrix.indices, matrix.indptr, n_rows, n_states)
    if isinstance(transitions, tuple) and len(transitions) == 3 and np.ndim(transitions[2]) == 1:
        return _canonical(*transitions, n_rows, n_states)
    check_unmasked(transitions, "transitions")
    try:
        dense = np.asarray(transitions)
    except ValueError:
        raise InputError("transitions: ragged nested sequences; give lists of equal length at every level") from None
    full = () if sizes is None else ((n_states, *sizes, n_states),)
    if dense.shape not in (*full, (n_rows, n_states)):
        expected = full[0] if full else (n_rows, n_states)
        raise InputError(
            f"transitions: got shape {dense.shape}; expected {expected}, the probabilities of the next states last"
        )
    if dense.dtype.kind not in "biuf":
        dense = _numbers(dense, "transitions")
    dense = dense.reshape(n_rows, n_states)
    n_stored = int(np.count_nonzero(dense))
    check_memory(16 * n_stored, f"the transitions, {n_stored} probabilities,")
    indptr = np.concatenate([[0], np.cumsum(np.count_nonzero(dense, axis=1))])
    rows, indices = np.nonzero(dense)
    data = dense[rows, indices].astype(np.float64)
    return data, _narrow(indices, n_states), _narrow(indptr, n_stored), _precision(dense.dtype)


def _canonical(data: Any, indices: Any, indptr: Any, n_rows: int, n_states: int) -> Csr:
    eps = _precision(np.asarray(data).dtype)
    data = _numbers(data, "transitions, data")
    indices, indptr = (
        _integers(array, f"transitions, {name}") for array, name in ((indices, "indices"), (indptr, "indptr"))
    )
    if data.ndim != 1 or data.shape != indices.shape:
        raise InputError(
            f"transitions: data of shape {data.shape} and indices of shape {indices.shape}; give one index per number"
        )
    if indptr.shape != (n_rows + 1,):
        raise InputError(
            f"transitions: indptr of shape {indptr.shape}; expected ({n_rows + 1},), one row per state and joint action"
        )
    if indptr[0] != 0 or indptr[-1] != len(data) or (np.diff(indptr) < 0).any():
        raise InputError(
            f"transitions: indptr must increase from 0 to {len(data)}, the number of data; it goes from {indptr[0]} to "
            f"{indptr[-1]}"
        )
    if len(indices) and not (indices.min() >= 0 and indices.max() < n_states):
        wrong = indices.min() if indices.min() < 0 else indices.max()
        raise InputError(f"transitions: index {wrong}; give states from 0 to {n_states - 1}")
    rows = np.repeat(np.arange(n_rows), np.diff(indptr))
    same_row = rows[1:] == rows[:-1]
    if (same_row & (indices[1:] <= indices[:-1])).any():
        order = np.lexsort((indices, rows))
        rows, indices, data = rows[order], indices[order], data[order]
        first = np.concatenate([[True], (rows[1:] != rows[:-1]) | (indices[1:] != indices[:-1])])
        # A negative part of a sum of duplicates must not hide in it.
        if (data < 0).any():
            first[:] = True
        data = np.add.reduceat(data, np.flatnonzero(first))
        rows, indices = rows[first], indices[first]
    keep = data != 0
    if not keep.all():
        rows, indices, data = rows[keep], indices[keep], data[keep]
    indptr = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=n_rows))])
    return data, _narrow(indices, n_states), _narrow(indptr, len(data)), eps


def _integers(values: Any, what: str) -> np.ndarray:
    array = np.asarray(values)
    if array.dtype.kind not in "iu":
        if array.size:
            raise InputError(f"{what}: got dtype {array.dtype}; give integers")
        array = array.astype(np.int64)
    if array.ndim != 1:
        raise InputError(f"{what}: got shape {array.shape}; give one axis")
    if array.dtype.kind == "u" and array.size and array.max() > 2**62:
        raise InputError(f"{what}: got {array.max()}; give smaller integers")
    return array.astype(np.int64)


def _narrow(array: np.ndarray, largest: int) -> np.ndarray:
    return array.astype(np.int32 if largest < 2**31 else np.int64)


def _names(names: Any, count: int, what: str) -> tuple[str, ...]:
    if names is None:
        return tuple(str(k) for k in range(count))
    return check_names(names, count, what, str(count))


def _action_names(actions: Any, n_actions: np.ndarray) -> tuple[Any, bool]:
    """Return the names per player, where those of every state are the first of these, or else per state and player."""
    n_states, n_players = n_actions.shape
    most: list[int] = n_actions.max(axis=0).tolist()
    if actions is None:
        return tuple(_names(None, size, "actions") for size in most), False
    try:
        lists = None if isinstance(actions, str) else [list(names) for names in actions]
    except TypeError:
        lists = None
    if lists is None:
        raise InputError(f"actions: got {type(actions).__name__}; give one list of names per player, or per state")
    if not any(isinstance(name, (list, tuple)) for names in lists for name in names):
        if len(lists) != n_players:
            raise InputError(f"actions: got {len(lists)} lists for {n_players} players; give one list each")
        return tuple(
            _names(names, size, f"actions of player {player}")
            for player, (names, size) in enumerate(zip(lists, most, strict=True))
        ), False
    if len(lists) != n_states:
        raise InputError(f"actions: got {len(lists)} entries for {n_states} states; give one list per state")
    known: dict[tuple[str, ...], tuple[str, ...]] = {}
    by_state = []
    for state, given in enumerate(lists):
        if len(given) != n_players:
            raise InputError(
                f"actions of state {state}: got {len(given)} lists for {n_players} players; give one list each"
            )
        found = (
            _names(names, int(n_actions[state, player]), f"actions of state {state}, player {player}")
            for player, names in enumerate(given)
        )
        by_state.append(tuple(known.setdefault(names, names) for names in found))
    longest = tuple(by_state[int(np.argmax(n_actions[:, player]))][player] for player in range(n_players))
    for names_of in by_state:
        if any(names != most_names[: len(names)] for names, most_names in zip(names_of, longest, strict=True)):
            return tuple(by_state), True
    return longest, False


def _short(name: str) -> str:
    return repr(name if len(name) <= 40 else name[:37] + "...")
