"""Environments compiled into explicit games: every state that play can reach, found breadth first."""

from __future__ import annotations

import itertools
import math
import time
from array import array
from bisect import bisect_right
from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from powergames.errors import InputError
from powergames.games.memory import SMALL, check_memory
from powergames.games.stochastic import StochasticGame
from powergames.progress import Callback, check_callback, reporter

# How far the probabilities of one step may be from summing to 1.
SUM_TOLERANCE = 1e-8

# The name of the only action that a player has where play is over.
NO_ACTION = "-"

# The most joint actions that are tried again once the game is compiled; those of small games are tried over and over,
# so many times in all.
CHECKS, REPEATS = 10_000, 2_000

# How far an expected reward may be off by rounding, relative to its terms.
ROUNDING = 1e-9

# Seconds for which small games are compared again and again, unless the search took longer.
PATIENCE = 1.0

Outcome = tuple[float, Any, Sequence[float]]


class Moves(NamedTuple):
    """What can be done in a state.

    Attributes
    ----------
    names
        ``names[i][a]`` names action `a` of player `i`.
    outcomes
        For each joint action, in C order: what can follow, as (probability, next state, rewards of all players).
    """

    names: Sequence[Sequence[str]]
    outcomes: Iterable[Iterable[Outcome]]


def from_env(
    start: Any,
    actions: Callable[[Any], Sequence[Sequence[Any] | int] | None],
    step: Callable[[Any, tuple[Any, ...]], Iterable[Outcome]],
    discount: Any,
    *,
    players: Sequence[str] | None = None,
    state_name: Callable[[Any], str] = str,
    action_name: Callable[[Any], str] = str,
    max_states: int = 100_000,
    title: str = "",
    progress: bool | None = None,
    callback: Callback | None = None,
) -> StochasticGame:
    """Compile an environment whose chances can be listed into an explicit game.

    Parameters
    ----------
    start : hashable, or list of (float, hashable)
        The first state; or a list of (probability, state), if it is drawn.
    actions : callable
        ``actions(state)`` returns one sequence of actions per player, each not empty: any objects, which `step` is
        given. A number of actions stands for ``range`` of it. None where play is over.
    step : callable
        ``step(state, joint_action)``, with one action per player in a tuple, returns a list of (probability, next
        state, rewards), rewards holding one number per player. It has one entry if nothing is left to chance.
    discount : float or array_like of shape (n,)
        Discount factor in [0, 1), one for all players or one each.
    players : sequence of str, optional
        Names of the players.
    state_name, action_name : callable, default str
        Names of states and actions.
    max_states : int, default 100_000
        The most states that the game may have; more are an error.
    title : str, optional
        Title of the game.
    progress : bool, optional
        Whether to show a progress bar on stderr; by default only if that is a terminal.
    callback : callable, optional
        Called with ("from_env", states done, states found so far) after each state. Whatever it raises ends the search.

    Returns
    -------
    StochasticGame
        All states that can be reached, in the order in which they are found. Rewards are expected over what follows.
        Where play is over, nothing is paid and the state never changes. Its attribute `state_objects` holds the states
        themselves, from which `audit` can make what policies observe.

    Raises
    ------
    InputError
        If there are more than `max_states` states or more joint actions than memory can hold, if what a callable
        returns does not fit, or if it returns something else when called again. What callables raise is passed on.

    Notes
    -----
    States are the same if they are equal: a state must hold all that the future depends on, and nothing else. A clock
    in it makes every moment another state; leave it out if the environment merely ends after many steps, and let the
    discount say that play may end. Sampled environments are not supported: one call of `step` must list all that can
    happen.

    Every joint action of every state is tried once, so that R calls of `step` are made for R rows. Then `actions` and
    `step` are called again, in another order, for all rows or 10,000 drawn ones; in small games several times. A state,
    probability or expected reward that differs is an error: the environment draws its chances or remembers more than
    the state says. The check cannot prove that there is no such row.

    For an environment that acts on itself, such as PettingZoo's, write `step` so that it first sets the state and then
    acts: ``env.set_state(state); rewards = env.step(joint_action); return [(1.0, env.get_state(), rewards)]``.

    Examples
    --------
    Two players carry a table over three metres; if they disagree, it falls half of the time.

    >>> import powergames as pg
    >>> def actions(state):
    ...     return None if state in ("home", "broken") else [["lift", "wait"], ["lift", "wait"]]
    >>> def step(state, joint):
    ...     if joint == ("lift", "lift"):
    ...         return [(1, "home", [5, 5])] if state == 2 else [(1, state + 1, [0, 0])]
    ...     if joint == ("wait", "wait"):
    ...         return [(1, state, [0, 0])]
    ...     return [(0.5, state, [0, 0]), (0.5, "broken", [-1, -1])]
    >>> game = pg.from_env(0, actions, step, 0.9, title="Table")
    >>> game
    <StochasticGame 'Table': 2 players, 5 states, 14 rows, discount 0.9>
    >>> game.states
    ('0', '1', 'broken', '2', 'home')
    >>> pg.solve(game).task[:, 0].round(2).tolist()
    [4.05, 4.05]
    """
    environment = _Environment(actions, step, action_name)
    if not callable(state_name):
        raise InputError(f"state_name: got {type(state_name).__name__}; give a function")
    return compile_states(
        "from_env",
        start,
        environment.moves,
        environment.check,
        discount,
        players,
        state_name,
        max_states,
        title,
        progress,
        callback,
        objects=True,
    )


class StateCount(NamedTuple):
    """How large the game of an environment is; see `powergames.count_states`.

    Attributes
    ----------
    states : int
        States found.
    rows : int
        Joint actions, over all states of which they were tried.
    outcomes : int
        What can follow them, listed: at least as many numbers as the transitions of the game have.
    complete : bool
        Whether these are all; if not, the search was cut off, and every number is a lower bound.
    """

    states: int
    rows: int
    outcomes: int
    complete: bool


def count_states(
    start: Any,
    actions: Callable[[Any], Sequence[Sequence[Any] | int] | None],
    step: Callable[[Any, tuple[Any, ...]], Iterable[Outcome]],
    *,
    max_states: int = 1_000_000,
    progress: bool | None = None,
    callback: Callback | None = None,
) -> StateCount:
    """Count the states and joint actions of the game that `from_env` would compile, and keep no game.

    Parameters
    ----------
    start, actions, step
        As in `from_env`.
    max_states : int, default 1,000,000
        States after which to stop.
    progress : bool, optional
        Whether to show a progress bar on stderr; by default only if that is a terminal.
    callback : callable, optional
        Called with ("count_states", states done, states found so far) after each state.

    Returns
    -------
    StateCount

    Raises
    ------
    InputError
        If what a callable returns does not fit.

    Examples
    --------
    >>> import powergames as pg
    >>> def step(state, joint):
    ...     return [(0.5, state, [0]), (0.5, min(state + joint[0], 9), [1])]
    >>> pg.count_states(0, lambda state: [3], step)
    StateCount(states=10, rows=30, outcomes=60, complete=True)
    >>> pg.count_states(0, lambda state: [3], step, max_states=5)
    StateCount(states=5, rows=11, outcomes=22, complete=False)
    """
    environment = _Environment(actions, step, str)
    table = Table("count_states", max_states, 0.0, None, keep=False)
    try:
        _search(table, start, environment.moves, None, progress, callback)
    except TooManyStatesError:
        return StateCount(len(table.states), table.n_rows, table.n_outcomes, complete=False)
    return StateCount(len(table.states), table.n_rows, table.n_outcomes, complete=True)


class _Environment:
    """What a user's functions say of states, and whether they say it twice."""

    def __init__(self, actions: Any, step: Any, action_name: Any) -> None:
        for name, function in (("actions", actions), ("step", step), ("action_name", action_name)):
            if not callable(function):
                raise InputError(f"{name}: got {type(function).__name__}; give a function")
        self.actions, self.step, self.action_name = actions, step, action_name

    def moves(self, state: Any) -> Moves | None:
        """Return the moves of a state, whose outcomes are asked for one by one."""
        lists = self._choices(state)
        if lists is None:
            return None
        return Moves(self._names(lists), (self.step(state, joint) for joint in itertools.product(*lists)))

    def check(self, table: Table) -> None:
        """Ask again, in another order, and refuse answers that differ."""
        began = time.monotonic()
        patience = max(PATIENCE, began - table.began)
        rng = np.random.default_rng(0)
        count = min(table.n_rows, CHECKS)
        for turn in range(max(1, REPEATS // count)):
            for row in rng.choice(table.n_rows, count, replace=False).tolist():
                if turn and time.monotonic() - began > patience:
                    return
                found = self._difference(table, row)
                if found is not None:
                    raise InputError(
                        f"from_env: {found} when called again; the answer must be the same each time: list all "
                        "chances, as in [(0.5, state, rewards), (0.5, state, rewards)], and keep in the state all that "
                        "the future depends on"
                    )

    def _difference(self, table: Table, row: int) -> str | None:
        """Say how the answers about a row differ from the first ones."""
        index, position = table.place(row)
        state = table.states[index]
        lists = self._choices(state)
        differs = table.actions_differ(index, None if lists is None else self._names(lists))
        if differs is not None:
            return f"actions({_short(state)}): got {differs}"
        if lists is None:
            return None
        places = np.unravel_index(position, [len(own) for own in lists])
        joint = tuple(own[int(place)] for own, place in zip(lists, places, strict=True))
        differs = table.row_differs(row, state, self.step(state, joint))
        return differs and f"step({_short(state)}, {_short(joint)}): got {differs}"

    def _choices(self, state: Any) -> list[Sequence[Any]] | None:
        given = self.actions(state)
        try:
            return None if given is None else [_listed(own) for own in given]
        except TypeError:
            raise InputError(
                f"actions({_short(state)}): got {_short(given)}; give a list or a number of actions for each player, "
                "or None where play is over"
            ) from None

    def _names(self, lists: list[Sequence[Any]]) -> list[list[str]]:
        return [[str(self.action_name(action)) for action in own] for own in lists]


def _listed(actions: Any) -> Sequence[Any]:
    """Return the actions of a player, of which only the number may be given."""
    if isinstance(actions, int | np.integer) and not isinstance(actions, bool):
        return range(int(actions))
    return list(actions)


def compile_states(
    caller: str,
    start: Any,
    expand: Callable[[Any], Moves | None],
    check: Callable[[Table], None],
    discount: Any,
    players: Sequence[str] | None,
    state_name: Callable[[Any], str],
    max_states: int,
    title: str,
    progress: bool | None,
    callback: Callback | None,
    objects: bool = False,
) -> StochasticGame:
    """Search breadth first for all states, and build the game; parameters as in `from_env`.

    Parameters
    ----------
    caller : str
        The function that the user called, for messages.
    expand : callable
        Returns the moves of a state, or None where play is over. Called once for each state, in order.
    check : callable
        Called at the end with all that was found; raises an InputError if that cannot be right.
    start, discount, players, state_name, max_states, title, progress, callback
        As in `from_env`.
    objects : bool, default False
        Whether the game keeps the states themselves.

    Returns
    -------
    StochasticGame

    Raises
    ------
    InputError
        As in `from_env`.
    """
    table = Table(caller, max_states, discount, players)
    names: list[str] = []
    first = _search(table, start, expand, lambda state: names.append(state_name(state)), progress, callback)
    game = table.game(names, first, title, objects)
    check(table)
    return game


def _search(
    table: Table,
    start: Any,
    expand: Callable[[Any], Moves | None],
    meet: Callable[[Any], None] | None,
    progress: bool | None,
    callback: Callback | None,
) -> dict[int, float]:
    """Fill a table with all states that can be reached, and return the probabilities of the first ones."""
    check_callback(callback)
    first: dict[int, float] = {}
    for entry in start if isinstance(start, list) else [(1.0, start)]:
        try:
            given, state = entry
            probability = float(given)
        except (TypeError, ValueError):
            raise InputError(f"start: got {_short(entry)}; give one state, or a list of (probability, state)") from None
        if not probability >= 0.0:
            raise InputError(f"start: got the probability {probability} of {_short(state)}; give numbers from 0 to 1")
        if probability:
            index = table.index(state)
            first[index] = first.get(index, 0.0) + probability
    if abs(sum(first.values()) - 1.0) > SUM_TOLERANCE:
        raise InputError(f"start: probabilities sum to {sum(first.values()):g}; they must sum to 1")
    with reporter(progress, callback) as report:
        # The list grows while it is read.
        for done, state in enumerate(table.states):
            if meet is not None:
                meet(state)
            table.add(state, expand(state))
            table.done = done + 1, table.n_rows
            report(table.caller, done + 1, len(table.states))
    return first


class TooManyStatesError(InputError):
    """There are more states than were to be found."""


class Table:
    """The game so far, in rows: compact arrays of numbers, and states by their index."""

    def __init__(
        self, caller: str, max_states: Any, discount: Any, players: Sequence[str] | None, keep: bool = True
    ) -> None:
        if isinstance(max_states, bool) or not isinstance(max_states, int | np.integer) or max_states < 1:
            raise InputError(f"max_states: got {max_states!r}; give a whole number, at least 1")
        self.caller = caller
        # Whether to keep rows, or only to count them.
        self.keep = keep
        self.began = time.monotonic()
        self.max_states = int(max_states)
        self.discount = discount
        self.players = players
        self.n_players: int | None = None
        self.states: list[Any] = []
        self.indices: dict[Hashable, int] = {}
        self.action_names: list[tuple[tuple[str, ...], ...] | None] = []
        self.seen_names: dict[tuple[tuple[str, ...], ...], tuple[tuple[str, ...], ...]] = {}
        # The first row of each state, and how many there are in all.
        self.row_starts = array("q")
        self.n_rows = 0
        self.n_outcomes = 0
        # States of which all rows are there, and their rows.
        self.done = 0, 0
        self.rewards = array("d")
        self.data = array("d")
        self.next_states = array("q")
        self.row_ends = array("q", [0])

    def index(self, state: Any) -> int:
        """Return the index of a state, which is appended if it is new."""
        try:
            index = self.indices.setdefault(state, len(self.states))
        except TypeError:
            raise InputError(
                f"{self.caller}: the state {_short(state)} of type {type(state).__name__} cannot be hashed; use tuples "
                "of numbers and text, say"
            ) from None
        if index == len(self.states):
            if index == self.max_states:
                raise TooManyStatesError(self._too_many())
            self.states.append(state)
        return index

    def add(self, state: Any, moves: Moves | None) -> None:
        """Append the rows of one state."""
        self.row_starts.append(self.n_rows)
        if moves is None:
            self.action_names.append(None)
            self._row([(1.0, state, [0.0] * (self.n_players or 0))], state)
            return
        names = tuple(map(tuple, moves.names))
        if self.n_players is None:
            self.n_players = len(names)
            self._check_options(self.n_players)
        if len(names) != self.n_players:
            raise InputError(
                f"actions({_short(state)}): got {len(names)} lists for {self.n_players} players; give one each"
            )
        empty = [player for player, own in enumerate(names) if not own]
        if empty:
            raise InputError(f"actions({_short(state)}): player {empty[0]} has none; give one, such as 'wait'")
        self.action_names.append(self.seen_names.setdefault(names, names))
        n_joint = math.prod(map(len, names))
        size = 8 * (self.n_players + 3) * (self.n_rows + n_joint) + 16 * len(self.data)
        if self.keep and size > SMALL:
            check_memory(size, f"{self.caller}: {self.n_rows + n_joint:,} joint actions in {len(self.states):,} states")
        for outcomes in moves.outcomes:
            self._row(outcomes, state)

    def _row(self, outcomes: Iterable[Outcome], state: Any) -> None:
        """Append what follows one joint action."""
        following, expected, _ = self._expected(outcomes, state)
        indices = [self.index(after) for _, after in following]
        self.n_rows += 1
        self.n_outcomes += len(following)
        if self.keep:
            self.data.extend(probability for probability, _ in following)
            self.next_states.extend(indices)
            self.rewards.extend(expected)
            self.row_ends.append(len(self.data))

    def _expected(
        self, outcomes: Iterable[Outcome], state: Any
    ) -> tuple[list[tuple[float, Any]], list[float], list[float]]:
        """Return what follows one joint action: states with probabilities, rewards, and the size of their terms."""
        total = 0.0
        following: list[tuple[float, Any]] = []
        expected = [0.0] * (self.n_players or 0)
        sizes = [0.0] * (self.n_players or 0)
        if not isinstance(outcomes, Iterable):
            raise _misfit(outcomes, state)
        for outcome in outcomes:
            try:
                given, after, rewards = outcome
                probability = float(given)
                paid = [float(reward) for reward in rewards]
            except (TypeError, ValueError):
                raise _misfit(outcome, state) from None
            if len(paid) != len(expected):
                raise InputError(
                    f"step from {_short(state)}: got {len(paid)} rewards for {len(expected)} players; give one each"
                )
            if not 0.0 <= probability <= 1.0 + SUM_TOLERANCE:
                raise InputError(
                    f"step from {_short(state)}: got the probability {probability}; give numbers from 0 to 1"
                )
            if not probability:
                continue
            total += probability
            following.append((probability, after))
            expected = [so_far + probability * reward for so_far, reward in zip(expected, paid, strict=True)]
            sizes = [so_far + probability * abs(reward) for so_far, reward in zip(sizes, paid, strict=True)]
        if abs(total - 1.0) > SUM_TOLERANCE:
            raise InputError(f"step from {_short(state)}: probabilities sum to {total:g}; they must sum to 1")
        return following, expected, sizes

    def place(self, row: int) -> tuple[int, int]:
        """Return the state of a row, by its index, and the position of its joint action there, in C order."""
        index = bisect_right(self.row_starts, row) - 1
        return index, row - self.row_starts[index]

    def actions_differ(self, index: int, names: Sequence[Sequence[str]] | None) -> str | None:
        """Say how the actions of a state differ from those found first; None if they do not."""
        first, now = self.action_names[index], None if names is None else tuple(map(tuple, names))
        if now == first:
            return None
        texts = ("play is over" if own is None else _short([list(choices) for choices in own]) for own in (first, now))
        return " first, but ".join(texts)

    def row_differs(self, row: int, state: Any, outcomes: Iterable[Outcome]) -> str | None:
        """Say how what follows a joint action differs from what was found first; None if it does not."""
        n_players = self.n_players or 0
        following, expected, sizes = self._expected(outcomes, state)
        now: dict[Any, float] = {}
        for probability, after in following:
            now[after] = now.get(after, 0.0) + probability
        first: dict[Any, float] = {}
        for entry in range(self.row_ends[row], self.row_ends[row + 1]):
            after = self.states[self.next_states[entry]]
            first[after] = first.get(after, 0.0) + self.data[entry]
        for after in first | now:
            chances = first.get(after, 0.0), now.get(after, 0.0)
            if abs(chances[0] - chances[1]) > ROUNDING:
                return f"next state {_short(after)} with probability {chances[0]:g} first, but {chances[1]:g}"
        # The first rows may be those of ends from before the number of players was known, without rewards.
        begin = len(self.rewards) - (self.n_rows - row) * n_players
        paid = self.rewards[begin : begin + n_players].tolist()
        if not all(
            abs(a - b) <= ROUNDING * max(abs(a), size) for a, b, size in zip(paid, expected, sizes, strict=True)
        ):
            return f"rewards {_short(paid)} first, but {_short(expected)}"
        return None

    def _too_many(self) -> str:
        done, rows = self.done
        return (
            f"{self.caller}: found more than max_states = {self.max_states:,} states while {done:,} of them were done, "
            f"with {rows / max(done, 1):.3g} joint actions each; raise max_states if the game is finite, or leave "
            "clocks and counters out of the state"
        )

    def _check_options(self, n_players: int) -> None:
        """Refuse at once, and not after a long search, a discount or names that do not fit."""
        StochasticGame.from_rows(
            np.ones((1, n_players), np.int64), np.zeros((n_players, 1)), [[1.0]], self.discount, self.players
        )

    def game(self, names: list[str], first: dict[int, float], title: str, objects: bool) -> StochasticGame:
        """Return the game of all rows."""
        n_players = self.n_players
        if n_players is None:
            raise InputError(f"{self.caller}: play is over before it begins; give a start in which somebody acts")
        idle = ((NO_ACTION,),) * n_players
        actions = [own or idle for own in self.action_names]
        # Rows of an end that came before the number of players was known have no rewards yet.
        rewards = np.frombuffer(self.rewards, dtype=np.float64)
        missing = self.n_rows * n_players - len(rewards)
        rewards = np.concatenate([np.zeros(missing), rewards]).reshape(self.n_rows, n_players).T
        start = np.zeros(len(self.states))
        start[list(first)] = list(first.values())
        return StochasticGame.from_rows(
            [[len(own) for own in choices] for choices in actions],
            rewards,
            tuple(np.frombuffer(part, kind) for part, kind in self._parts()),
            self.discount,
            self.players,
            actions,
            names,
            start,
            title,
            self.states if objects else (),
        )

    def _parts(self) -> list[tuple[array[Any], type]]:
        return [(self.data, np.float64), (self.next_states, np.int64), (self.row_ends, np.int64)]


def _misfit(got: Any, state: Any) -> InputError:
    return InputError(
        f"step from {_short(state)}: got {_short(got)}; give a list of (probability, next state, rewards), with one "
        "reward per player"
    )


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
