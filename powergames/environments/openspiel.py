"""Games of OpenSpiel, compiled by cloning their states."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np

from powergames.environments.compiler import CHECKS, NO_ACTION, Moves, Outcome, Table, compile_states
from powergames.errors import InputError, needs
from powergames.games.memory import check_tensor
from powergames.games.normal_form import NormalFormGame
from powergames.games.stochastic import StochasticGame
from powergames.progress import Callback

# Joint actions that are compared at random where the tree of all play is too large.
AT_RANDOM = 5_000


def from_openspiel(
    game: Any,
    discount: Any = None,
    *,
    key: Callable[[Any], Any] | None = None,
    state_name: Callable[[Any], str] | None = None,
    observable: bool = False,
    max_states: int = 100_000,
    progress: bool | None = None,
    callback: Callback | None = None,
) -> NormalFormGame | StochasticGame:
    """Compile a game of OpenSpiel in which moves are simultaneous, or taken in turns with perfect information.

    Parameters
    ----------
    game : pyspiel.Game or str
        The game, or what `pyspiel.load_game` calls it.
    discount : float or array_like of shape (n,), optional
        Discount factor in [0, 1) per joint move; a one-shot game needs none.
    key : callable, optional
        ``key(state)`` of a `pyspiel.State` returns something hashable; states with the same key and the same player to
        move become one. By default the state's text, its move number and the number of players' moves, which keep
        moments apart; or the actions of players and chance so far, if such states turn out to differ in what follows.
        ``key=str`` drops the clock: a game cut off after many moves becomes one that goes on for ever.
    state_name : callable, optional
        ``state_name(state)`` names a state; by default its text in one line, with what else the default `key` holds.
    observable : bool, default False
        Whether to take a game of imperfect information as if all players saw the whole state.
    max_states : int, default 100_000
        The most states that the game may have; more are an error.
    progress : bool, optional
        Whether to show a progress bar on stderr; by default only if that is a terminal.
    callback : callable, optional
        Called with ("from_openspiel", states done, states found so far) after each state.

    Returns
    -------
    NormalFormGame or StochasticGame
        A one-shot game in normal form; else a stochastic game, whose states are those in which somebody moves, and
        ``"end"``, in which all play ends. Who does not move has the single action ``"-"``.

    Raises
    ------
    InputError
        If OpenSpiel is not installed or has no such game; for mean-field games, chances that OpenSpiel only samples,
        and imperfect information without `observable`; if states with the same `key` are found to differ; and as for
        `from_env`.

    Notes
    -----
    Chance happens within a step: it takes no time, and what it may lead to becomes the probabilities of the step. The
    rewards are OpenSpiel's, expected over chance. In a game of turns the discount acts at each move.

    The first state found stands for all with the same key, so these must have the same future, the clock aside. That is
    checked: in the tree of all play up to 10,000 joint actions, and if there are more, along 5,000 of play at random,
    legal actions, rewards and the chances of what follows must be those of the game compiled. With a `key`, the last
    move before OpenSpiel cuts a game off is left out if the same state can come earlier. In large games the check may
    miss a difference. ``key=str`` is right if the text of a state says everything, as in `markov_soccer` and
    `laser_tag`; `coop_box_pushing` also prints the moves and rewards so far, which a key must leave out.

    Examples
    --------
    >>> import powergames as pg
    >>> pg.from_openspiel("markov_soccer", discount=0.9, key=str)  # doctest: +SKIP
    <StochasticGame 'markov_soccer': 2 players, 1445 states, 36101 rows, discount 0.9>
    """
    pyspiel = _pyspiel()
    source = _loaded(game, pyspiel)
    kind = source.get_type()
    label = f"from_openspiel: {kind.short_name}"
    if kind.dynamics == pyspiel.GameType.Dynamics.MEAN_FIELD:
        raise InputError(f"{label} is a mean-field game; give one with a finite number of players")
    if kind.chance_mode == pyspiel.GameType.ChanceMode.SAMPLED_STOCHASTIC:
        raise InputError(f"{label} samples its chances and does not list them; give a game whose chances are explicit")
    for name, function in (("key", key), ("state_name", state_name)):
        if function is not None and not callable(function):
            raise InputError(f"{name}: got {type(function).__name__}; give a function of a pyspiel.State")
    if kind.information == pyspiel.GameType.Information.ONE_SHOT and not source.new_initial_state().is_chance_node():
        return _one_shot(source)
    if kind.information == pyspiel.GameType.Information.IMPERFECT_INFORMATION and not observable:
        raise InputError(
            f"{label} hides some of the state from the players, and players of a stochastic game see it; give "
            "observable=True for the game in which they do"
        )
    if discount is None:
        raise InputError(f"{label} has several moves; give discount=, a number in [0, 1)")
    title = str(kind.short_name)

    def compiled(
        key_of: Callable[[_Node], Any], name_of: Callable[[_Node], str], check: Callable[[Table], None]
    ) -> StochasticGame:
        return compile_states(
            "from_openspiel",
            _first(source, key_of),
            lambda node: _moves(node, key_of),
            check,
            discount,
            [f"player {i}" for i in range(source.num_players())],
            lambda node: "end" if node.state.is_terminal() else name_of(node),
            max_states,
            title,
            progress,
            callback,
        )

    def named(default: Callable[[_Node], str]) -> Callable[[_Node], str]:
        return default if state_name is None else lambda node: state_name(node.state)

    if key is not None:
        own = key

        def refuse(table: Table) -> None:
            found = _difference(table, source, lambda node: own(node.state), source.max_game_length())
            if found is not None:
                raise InputError(f"{label}: states with the same key differ, {found}; give a key that says more")

        return compiled(lambda node: own(node.state), named(_line), refuse)

    def doubt(table: Table) -> None:
        if _difference(table, source, _text_and_time, None) is not None:
            raise _TextError

    try:
        return compiled(_text_and_time, named(_line_and_time), doubt)
    except _TextError:
        pass
    try:
        return compiled(_history, named(_line_and_history), lambda table: None)
    except InputError as error:
        raise InputError(
            f"{error}; the text of a state does not say all that matters here, so each history is a state: give a key"
        ) from None


class _TextError(Exception):
    """States with the same text, at the same time, differ in what follows."""


class _Node:
    """A state of OpenSpiel, equal to all with the same key; all in which play is over are equal.

    Attributes
    ----------
    state : pyspiel.State
        None once what follows is known.
    n_moves, number : int
        Moves of players so far, and OpenSpiel's move number, which counts chance too.
    key : hashable
    """

    __slots__ = ("key", "n_moves", "number", "state")

    def __init__(self, state: Any, n_moves: int, key_of: Callable[[_Node], Any]) -> None:
        self.state = state
        self.n_moves, self.number = n_moves, state.move_number()
        self.key = None if state.is_terminal() else (int(state.current_player()), key_of(self))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Node) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return "the end" if self.key is None else repr(self.key[1])


def _first(source: Any, key_of: Callable[[_Node], Any]) -> list[tuple[float, _Node]]:
    return [(p, _Node(state, 0, key_of)) for p, state in _after_chance(source.new_initial_state())]


def _moves(node: _Node, key_of: Callable[[_Node], Any]) -> Moves | None:
    if node.state.is_terminal():
        return None
    choices, names = _choices(node.state)

    def outcomes() -> Iterator[list[Outcome]]:
        for joint in itertools.product(*choices):
            yield _outcomes(node, joint, key_of)
        # What is known of the state is in the table now; a million clones would fill the memory.
        node.state = None

    return Moves(names, outcomes())


def _outcomes(node: _Node, joint: Sequence[int], key_of: Callable[[_Node], Any]) -> list[Outcome]:
    """Return what can follow a joint action."""
    return [
        (p, _Node(after, node.n_moves + 1, key_of), after.rewards())
        for p, after in _after_chance(_child(node.state, joint))
    ]


def _difference(table: Table, source: Any, key_of: Callable[[_Node], Any], longest: int | None) -> str | None:
    """Say where play differs from the compiled game, in which one state stands for all with its key; None if nowhere.

    Parameters
    ----------
    table : Table
    source : pyspiel.Game
    key_of : callable
    longest : int or None
        Moves of players after which play may be cut off, which is no difference if the state in the game is an earlier
        one; None if keys tell the time.
    """
    rng = np.random.default_rng(0)
    first = [node for _, node in _first(source, key_of)]
    tree, playing, left = deque(first), first, CHECKS + AT_RANDOM
    while left > 0:
        # First the tree of all play, and if it is too large, play at random.
        at_random = left <= AT_RANDOM
        if not at_random and not tree:
            return None
        node = playing[rng.integers(len(playing))] if at_random else tree.popleft()
        playing = first
        if node.state.is_terminal():
            continue
        index = table.indices[node]
        if node.n_moves + 1 == longest and node.number != table.states[index].number:
            continue
        choices, names = _choices(node.state)
        joints = list(itertools.product(*choices))
        differs = table.actions_differ(index, names)
        following = []
        for position in [int(rng.integers(len(joints)))] if at_random else range(len(joints)):
            if differs is None:
                outcomes = _outcomes(node, joints[position], key_of)
                differs = table.row_differs(table.row_starts[index] + position, node, outcomes)
            if differs is not None:
                return f"such as {node!r} after the actions {node.state.history()}: got {differs}"
            following += [after for _, after, _ in outcomes]
            left -= 1
        if at_random:
            playing = following
        else:
            tree += following
    return None


def _choices(state: Any) -> tuple[list[Sequence[int]], list[list[str]]]:
    """Return the actions of each player and their names; action 0, which means nothing, for who has none."""
    players = range(state.num_players())
    moving = players if state.is_simultaneous_node() else [state.current_player()]
    legal = [list(state.legal_actions(player)) if player in moving else [] for player in players]
    names = [
        [state.action_to_string(player, action) for action in actions] or [NO_ACTION]
        for player, actions in enumerate(legal)
    ]
    return [actions or [0] for actions in legal], names


def _child(state: Any, joint: Sequence[int]) -> Any:
    after = state.clone()
    if state.is_simultaneous_node():
        after.apply_actions(list(joint))
    else:
        after.apply_action(joint[state.current_player()])
    return after


def _after_chance(state: Any) -> list[tuple[float, Any]]:
    """Return the states that chance can lead to from here, up to the next move of a player, with probabilities."""
    done, todo = [], [(1.0, state)]
    while todo:
        probability, state = todo.pop()
        if not state.is_chance_node():
            done.append((probability, state))
            continue
        todo += [(probability * p, state.child(outcome)) for outcome, p in reversed(state.chance_outcomes())]
    return done


def _one_shot(game: Any) -> NormalFormGame:
    first = game.new_initial_state()
    choices, names = _choices(first)
    sizes = [len(actions) for actions in choices]
    check_tensor(sizes, str(game))
    payoffs = [_child(first, joint).returns() for joint in itertools.product(*choices)]
    table = np.array(payoffs).T.reshape(len(sizes), *sizes)
    return NormalFormGame(table, [f"player {i}" for i in range(len(sizes))], names, game.get_type().short_name)


def _text_and_time(node: _Node) -> tuple[str, int, int]:
    return str(node.state), node.number, node.n_moves


def _history(node: _Node) -> tuple[int, ...]:
    return tuple(node.state.history())


def _line(node: _Node) -> str:
    return " / ".join(str(node.state).strip().splitlines())


def _line_and_time(node: _Node) -> str:
    return f"{_line(node)} @ {node.number}"


def _line_and_history(node: _Node) -> str:
    return f"{_line(node)} @ {' '.join(map(str, _history(node)))}"


def _loaded(game: Any, pyspiel: ModuleType) -> Any:
    if isinstance(game, str):
        # OpenSpiel would print the names of all games.
        if game.split("(")[0].strip() not in pyspiel.registered_names():
            raise InputError(f"from_openspiel: OpenSpiel has no game {game[:60]!r}; see pyspiel.registered_names()")
        try:
            return pyspiel.load_game(game)
        except pyspiel.SpielError as error:
            raise InputError(f"from_openspiel: OpenSpiel does not load {game[:60]!r}: {str(error)[:200]}") from None
    if not isinstance(game, pyspiel.Game):
        raise InputError(f"from_openspiel: got {type(game).__name__}; give a pyspiel.Game, or the name of one")
    return game


def _pyspiel() -> ModuleType:
    with needs("OpenSpiel", "powergames[openspiel]", "from_openspiel"):
        return import_module("pyspiel")
