"""Policies from anywhere, as a stationary profile: arrays, dicts, functions of the state, gaps where nothing is known.

A policy sampled from play says nothing about states that play never reached. Such a state may be missing from a dict,
or have a row of NaN, or None: it is filled with equal probabilities, and named as unvisited.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from powergames.errors import InputError
from powergames.games.foreign import check_unmasked, strategies_of
from powergames.games.immutable import Frozen
from powergames.games.normal_form import NormalFormGame
from powergames.games.profiles import Profile, action_indices, frozen
from powergames.games.stochastic import StochasticGame


class HasPlayers(Protocol):
    """A game, or anything else that is played."""

    @property
    def players(self) -> Sequence[str]:
        """Their names."""

    @property
    def n_players(self) -> int:
        """How many they are."""


# What a player sees of a state.
Observe = Callable[[Any], Any]

_KINDS = "an array, a dict of states, or a function of the state"


@dataclass(frozen=True, eq=False)
class Policies(Frozen):
    """A profile, and where it had to be made up.

    Attributes
    ----------
    profile : tuple of ndarray
        ``profile[i]`` of shape (A_i,), or (S, A_i) in a stochastic game; read-only.
    unvisited : tuple of ndarray of int
        ``unvisited[i]`` are the states, in order, for which player `i`'s policy gives no probabilities.
    """

    profile: Profile
    unvisited: tuple[np.ndarray, ...]


def as_policies(
    game: NormalFormGame | StochasticGame, policies: Any, *, labels: bool = False, observe: Any = None
) -> Policies:
    """Read one policy per player.

    Parameters
    ----------
    game : NormalFormGame or StochasticGame
    policies : sequence, mapping, or an object with a `profile`
        One entry per player, in order, or under the players' names. In a normal-form game an entry holds the
        probabilities of its actions, shape (A_i,). In a stochastic game it is an array of shape (S, A_i); a list over
        states, each of the actions of that state alone; a vector of shape (A_i,), played in every state; a mapping from
        indices or names of states to probabilities; or a callable that returns the probabilities for a state. The index
        of an action stands for probability 1 on it: integers of shape (S,) are the action in each state.
    labels : bool, default False
        Whether callables are given the name of a state instead of its index.
    observe : callable or sequence of callable, optional
        What callables are given instead, as a function of the state: of its entry in ``game.state_objects``, or its
        index in a game without. One for all players, or one for each. A callable is then not asked where a player has
        one action.

    Returns
    -------
    Policies
        Rows of a stochastic game that are NaN, None or missing are filled with equal probabilities.

    Raises
    ------
    InputError
        If a player or state is missing or unknown, a shape does not fit, a callable remembers, or probabilities are off
        the simplex; or if integers may be the actions of as many states as well as probabilities of as many actions.

    Examples
    --------
    >>> import powergames as pg
    >>> game = pg.load("big_match")
    >>> game.states
    ('play', 'lost', 'won')
    >>> found = as_policies(game, [{"play": [0.1, 0.9]}, lambda state: [0.5, 0.5] if state == 0 else [1]])
    >>> found.profile[0].tolist(), found.unvisited[0].tolist()
    ([[0.1, 0.9], [1.0, 0.0], [1.0, 0.0]], [1, 2])
    """
    entries = by_player(game, policies)
    if isinstance(game, NormalFormGame):
        for player, entry in enumerate(entries):
            if callable(entry) or isinstance(entry, Mapping):
                raise InputError(
                    f"profile of player {player}: got {type(entry).__name__}; a normal-form game has no states, so "
                    f"give {game.n_actions[player]} probabilities"
                )
        return Policies(game.profile(entries), tuple(np.zeros(0, dtype=np.int64) for _ in entries))
    filled, unvisited = [], []
    given = _given(game, labels, observe)
    for player, entry in enumerate(entries):
        strategy = _strategy(game, player, entry, *given[player])
        exists = np.arange(strategy.shape[1]) < game.n_actions[:, player, None]
        empty = (np.isnan(strategy) | ~exists).all(axis=1)
        filled.append(np.where(empty[:, None], exists / game.n_actions[:, player, None], strategy))
        unvisited.append(frozen(np.flatnonzero(empty)))
    return Policies(game.profile(filled), tuple(unvisited))


def complete_profile(game: NormalFormGame | StochasticGame, policies: Any) -> Profile:
    """Read policies of which nothing may be missing, in any form that `as_policies` takes.

    Returns
    -------
    tuple of ndarray
        ``profile[i]`` of shape (A_i,), or (S, A_i) in a stochastic game; read-only.

    Raises
    ------
    InputError
        If `as_policies` refuses them, or they say nothing of a state.

    Examples
    --------
    >>> import powergames as pg
    >>> complete_profile(pg.load("big_match"), [lambda state: [1, 0] if state == 0 else [1], 0])[1].tolist()
    [[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]]
    """
    found = as_policies(game, policies)
    for player, states in enumerate(found.unvisited):
        if len(states) and isinstance(game, StochasticGame):
            raise InputError(
                f"profile of player {player}: says nothing of state {_short(game.states[states[0]])}; give "
                "probabilities there, or use audit, which fills such states"
            )
    return found.profile


def by_player(game: HasPlayers, policies: Any) -> list[Any]:
    """Return the entries of policies, or of an object with a `profile`, in the order of the players.

    Raises
    ------
    InputError
        If there is not one for each player.

    Examples
    --------
    >>> import powergames as pg
    >>> by_player(pg.load("stag_hunt"), {1: "hare", 0: "stag"})
    ['stag', 'hare']
    """
    policies = strategies_of(getattr(policies, "profile", policies))
    if isinstance(policies, Mapping):
        names = list(policies)
        if set(names) == set(range(game.n_players)):
            return [policies[player] for player in range(game.n_players)]
        for kind, found in (
            ("unknown", [name for name in names if name not in game.players]),
            ("no", [name for name in game.players if name not in names]),
        ):
            if found:
                raise InputError(
                    f"profile: {kind} player {_short(found[0])}; give one policy for each of "
                    f"{', '.join(_short(name) for name in game.players[:8])}"
                )
        return [policies[name] for name in game.players]
    try:
        entries = list(policies)
    except TypeError:
        raise InputError(f"profile: got {type(policies).__name__}; give one policy per player") from None
    if len(entries) != game.n_players:
        raise InputError(f"profile: got {len(entries)} policies for {game.n_players} players; give one per player")
    return entries


def _given(game: StochasticGame, labels: bool, observe: Any) -> list[tuple[Sequence[Any], Observe | None]]:
    """Return the states as the callable of each player is given them, and what it observes of them if not all."""
    if observe is None:
        return [(game.states if labels else range(game.n_states), None)] * game.n_players
    if labels:
        raise InputError("observe: got labels=True too; leave one of them out")
    functions = [observe] * game.n_players if callable(observe) else observe
    if not isinstance(functions, list | tuple) or len(functions) != game.n_players or not all(map(callable, functions)):
        raise InputError(f"observe: give a function of the state, or a list of {game.n_players}, one for each player")
    objects = game.state_objects or range(game.n_states)
    return [(objects, function) for function in functions]


def _answers(
    game: StochasticGame, player: int, policy: Any, states: Sequence[Any], observe: Observe | None
) -> list[Any]:
    """Ask the policy of one player what it does in each state."""
    if hasattr(policy, "reset"):
        raise InputError(
            f"profile of player {player}: a {type(policy).__name__} has a method reset, so it remembers, and an exact "
            "audit needs what it does in each state; give a function of the state, or use sampled_audit"
        )
    if observe is None:
        return [policy(state) for state in states]
    # A network answers for all its actions where play is over, too.
    counts = game.n_actions[:, player].tolist()
    return [policy(observe(state)) if count > 1 else 0 for state, count in zip(states, counts, strict=True)]


def _strategy(
    game: StochasticGame, player: int, entry: Any, states: Sequence[Any], observe: Observe | None
) -> np.ndarray:
    """Read the policy of one player as an array of shape (S, A_i), with NaN where it says nothing."""
    size = game.max_actions[player]
    if callable(entry):
        return _from_rows(game, player, _answers(game, player, entry, states, observe))
    if isinstance(entry, Mapping):
        return _from_rows(game, player, _by_state(game, player, entry))
    indices = action_indices(entry)
    if indices is not None and not game.are_probabilities(player, indices):
        return game.pure_strategy(player, indices)
    strategy = _numbers(entry)
    if strategy is not None and strategy.shape == (size,):
        return np.tile(strategy, (game.n_states, 1))
    if strategy is not None and strategy.shape == (game.n_states, size):
        return strategy
    if strategy is not None and strategy.ndim > 1:
        raise InputError(
            f"profile of player {player}: got shape {strategy.shape}, expected {(game.n_states, size)}, one "
            "probability per state and action"
        )
    try:
        rows = list(entry)
    except TypeError:
        raise InputError(f"profile of player {player}: got {type(entry).__name__}; give {_KINDS}") from None
    if len(rows) != game.n_states:
        raise InputError(
            f"profile of player {player}: got {len(rows)} states, expected {game.n_states}; give one list each"
        )
    return _from_rows(game, player, rows)


def _by_state(game: StochasticGame, player: int, entry: Mapping[Any, Any]) -> list[Any]:
    """Return the rows of a mapping in the order of the states, None for those that it lacks."""
    indices = {name: state for state, name in enumerate(game.states)}
    rows: list[Any] = [None] * game.n_states
    for key, row in entry.items():
        state = indices.get(key) if isinstance(key, str) else key
        if not isinstance(state, (int, np.integer)) or not 0 <= state < game.n_states:
            raise InputError(
                f"profile of player {player}: unknown state {_short(key)}; give names of states, or indices from 0 to "
                f"{game.n_states - 1}"
            )
        rows[state] = row
    return rows


def _from_rows(game: StochasticGame, player: int, rows: Sequence[Any]) -> np.ndarray:
    """Read one row per state, each of the actions of that state alone or of all; NaN for None."""
    size, counts = game.max_actions[player], game.n_actions[:, player].tolist()
    strategy = np.zeros((game.n_states, size))
    for state, (given, count) in enumerate(zip(rows, counts, strict=True)):
        if given is None:
            strategy[state] = np.nan
            continue
        action = action_indices(given)
        if action is not None and action.ndim == 0:
            if not 0 <= action < count:
                raise InputError(
                    f"profile of player {player}, state {_short(game.states[state])}: got action {action}; give an "
                    f"index from 0 to {count - 1}"
                )
            strategy[state, action] = 1.0
            continue
        row = _numbers(given)
        if row is None or row.ndim != 1 or len(row) not in (count, size):
            got = type(given).__name__ if row is None else f"shape {row.shape}"
            raise InputError(
                f"profile of player {player}, state {_short(game.states[state])}: got {got}; give {count} "
                "probabilities, one per action"
            )
        strategy[state, : len(row)] = row
    return strategy


def _numbers(given: Any) -> np.ndarray | None:
    """Return numbers as an array, None if they are something else or rows of different lengths."""
    check_unmasked(given, "profile")
    if isinstance(given, (list, tuple)) and any(row is None for row in given):
        return None
    try:
        array = np.asarray(given)
        return None if array.dtype.kind not in "biufO" else array.astype(np.float64)
    except (OverflowError, TypeError, ValueError):
        return None


def profile_of_actions(game: NormalFormGame | StochasticGame, actions: Sequence[str]) -> Profile:
    """Return the profile in which every player plays one action, given by its name or index.

    Parameters
    ----------
    game : NormalFormGame or StochasticGame
    actions : sequence of str
        One per player. A name counts before an index. In a stochastic game it is played in all states in which the
        player has a choice.

    Returns
    -------
    tuple of ndarray
        ``profile[i]`` of shape (A_i,), or (S, A_i).

    Raises
    ------
    InputError
        If there is not one per player, or a player lacks its action somewhere.

    Examples
    --------
    >>> import powergames as pg
    >>> profile_of_actions(pg.load("stag_hunt"), ["hare", "0"])
    (array([0., 1.]), array([1., 0.]))
    """
    if len(actions) != game.n_players:
        raise InputError(f"profile: got {len(actions)} of {game.n_players} actions; give one per player")
    if isinstance(game, NormalFormGame):
        return game.profile([_index(game.actions[player], text, player, "") for player, text in enumerate(actions)])
    profile = []
    for player, text in enumerate(actions):
        counts = game.n_actions[:, player]
        indices = np.zeros(game.n_states, dtype=np.int64)
        known: dict[tuple[str, ...], int] = {}
        for state in np.flatnonzero(counts > 1).tolist():
            names = game.action_names(state, player)
            if names not in known:
                known[names] = _index(names, text, player, f", state {_short(game.states[state])}")
            indices[state] = known[names]
        profile.append(game.pure_strategy(player, indices))
    return tuple(profile)


def _index(names: Sequence[str], text: str, player: int, place: str) -> int:
    """Return the index of an action of which the name or the index is given."""
    if names.count(text) == 1:
        return names.index(text)
    if names.count(text) == 0 and text.isdecimal() and int(text) < len(names):
        return int(text)
    shown = ", ".join(name[:40] for name in names[:8]) + (", ..." if len(names) > 8 else "")
    problem = "two actions have the name" if text in names else "no action"
    raise InputError(
        f"profile of player {player}{place}: {problem} {_short(text)}; give one of {shown}, or an index from 0 to "
        f"{len(names) - 1}"
    )


def _short(name: Any) -> str:
    text = repr(name)
    return text if len(text) <= 42 else text[:38] + "..." + text[0]
