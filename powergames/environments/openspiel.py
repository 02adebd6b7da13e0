"""Games of OpenSpiel, compiled by cloning their states."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np

from powergames.environments.compiler import NO_ACTION, Moves, Outcome, compile_states
from powergames.errors import InputError, needs
from powergames.games.limits import check_tensor
from powergames.games.normal_form import NormalFormGame
from powergames.games.stochastic import StochasticGame


def from_openspiel(
    game: Any,
    discount: Any = None,
    *,
    key: Callable[[Any], Any] | None = None,
    state_name: Callable[[Any], str] | None = None,
    observable: bool = False,
    max_states: int = 100_000,
    progress: bool | None = None,
    callback: Callable[[str, int, int], None] | None = None,
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
        move become one. By default the state's text and move number, which keeps moments apart. ``key=str`` drops the
        clock: a game cut off after many moves becomes one that goes on for ever.
    state_name : callable, optional
        ``state_name(state)`` names a state; by default its text in one line, with the move number if there is no `key`.
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
        and imperfect information without `observable`; and as for `from_env`.

    Notes
    -----
    Chance happens within a step: it takes no time, and what it may lead to becomes the probabilities of the step. The
    rewards are OpenSpiel's, expected over chance. In a game of turns the discount acts at each move.

    Whoever gives a `key` promises that states with the same key have the same future, clock aside: the first one found
    stands for all. With ``key=str`` this holds if the text of a state says everything, as in `markov_soccer` and
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
    name_of = state_name or (_line if key else _line_and_time)
    key_of = key or _text_and_time
    start = [(p, _Node(state, key_of)) for p, state in _after_chance(source.new_initial_state())]
    return compile_states(
        "from_openspiel",
        start,
        lambda node: _moves(node, key_of),
        discount,
        [f"player {i}" for i in range(source.num_players())],
        lambda node: "end" if node.state.is_terminal() else name_of(node.state),
        max_states,
        str(kind.short_name),
        progress,
        callback,
    )


class _Node:
    """A state of OpenSpiel, equal to all with the same key; all in which play is over are equal."""

    __slots__ = ("key", "state")

    def __init__(self, state: Any, key_of: Callable[[Any], Any]) -> None:
        self.state = state
        self.key = None if state.is_terminal() else (int(state.current_player()), key_of(state))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Node) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    def __repr__(self) -> str:
        return repr(self.key)


def _moves(node: _Node, key_of: Callable[[Any], Any]) -> Moves | None:
    state = node.state
    if state.is_terminal():
        return None
    choices, names = _choices(state)

    def outcomes() -> Iterator[list[Outcome]]:
        for joint in itertools.product(*choices):
            yield [(p, _Node(after, key_of), after.rewards()) for p, after in _after_chance(_child(state, joint))]
        # What is known of the state is in the table now; a million clones would fill the memory.
        node.state = None

    return Moves(names, outcomes())


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


def _text_and_time(state: Any) -> tuple[str, int]:
    return str(state), state.move_number()


def _line(state: Any) -> str:
    return " / ".join(str(state).strip().splitlines())


def _line_and_time(state: Any) -> str:
    return f"{_line(state)} @ {state.move_number()}"


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
