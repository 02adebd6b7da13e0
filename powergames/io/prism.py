"""Stochastic games as PRISM-games exports them in explicit form (``-exportmodel game.all``).

The model is in several files whose names differ at the end: ``game.tra`` holds the transitions, and beside it lie
``game.sta``, the values of the variables in each state, which become its name; ``game.lab``, whose label ``init``
marks the first states; ``game.srew`` and ``game.trew``, the rewards of states and of transitions; or, if there are
several reward structures, ``game1.srew``, ``game1.trew``, ``game2.srew`` and so on. All but the first may be missing.

Concurrent games (CSG) and turn-based ones (SMG) are read; where it is not a player's turn, that player has one action.
Such a model has no discount factor, so one must be given. One reward structure is everyone's reward; as many as there
are players are theirs in order. The rewards of a state are paid in every round that begins there.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from powergames.errors import FormatError, InputError
from powergames.games.stochastic import StochasticGame
from powergames.io._text import decode, parse_number, parse_size, read_file, shorten, stem_of

_IDLE = "-"
_HEADER = re.compile(r"(\d{1,9}):(\d{1,3}) (\d{1,12}) (\d{1,12})")
_TRANSITION = re.compile(r"(\d{1,9})(?::(\d{1,3}))? (\d{1,9}) (\d{1,9}) (\S{1,400})(?: (\S.*))?")
_STATE_REWARD = re.compile(r"(\d{1,9}) (\S{1,400})")
_TRANSITION_REWARD = re.compile(r"(\d{1,9}) (\d{1,9}) (\d{1,9}) (\S{1,400})")
_LABEL = re.compile(r'(\d{1,9})="([^"]*)"')


@dataclass
class _Choice:
    """One joint action: its name, and the probability of each next state."""

    owner: int | None
    action: str
    line: int
    targets: dict[int, float]


def read(data: bytes, source: str, discount: float) -> StochasticGame:
    """Read a game from its ``.tra`` file and those beside it.

    Parameters
    ----------
    data : bytes
        Contents of the ``.tra`` file.
    source : str
        Its path, which leads to the other files.
    discount : float or sequence of float
        Discount factor, or one per player.

    Returns
    -------
    StochasticGame

    Raises
    ------
    FormatError
        If a file is damaged, a joint action of a state is missing, or the reward structures cannot be those of the
        players.
    """
    n_players, choices = _read_transitions(decode(data, source), source)
    n_states = len(choices)
    stem = stem_of(source)
    n_actions: list[list[int]] = []
    names: list[list[list[str]]] = []
    order: list[list[int]] = []
    for state, found in enumerate(choices):
        labels, positions = _joint_actions(found, state, n_players, source)
        n_actions.append([len(own) for own in labels])
        names.append(labels)
        order.append(positions)
    structures = _structures(stem)
    if len(structures) not in (1, n_players):
        raise FormatError(
            f"{source}: {len(structures)} reward structures (.srew, .trew files) for {n_players} players; export one "
            "for all players, or one for each"
        )
    paid = [_read_rewards(base, choices) for base in structures]
    rewards = np.array(
        [[own[state][k] for state in range(n_states) for k in order[state]] for own in paid], dtype=np.float64
    )
    if len(structures) < n_players:
        rewards = np.repeat(rewards, n_players, axis=0)
    ordered = [choices[state][k].targets for state in range(n_states) for k in order[state]]
    transitions = (
        np.array([probability for targets in ordered for probability in targets.values()]),
        np.array([target for targets in ordered for target in targets], dtype=np.int64),
        np.concatenate([[0], np.cumsum([len(targets) for targets in ordered])]),
    )
    return StochasticGame.from_rows(
        n_actions,
        rewards,
        transitions,
        discount,
        [f"player {player + 1}" for player in range(n_players)],
        names,
        _read_states(_beside(f"{stem}.sta"), n_states),
        _read_start(_beside(f"{stem}.lab"), n_states),
        os.path.basename(stem),
    )


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that say something, without repeated blanks."""
    for line, content in enumerate(text.splitlines(), 1):
        words = " ".join(content.split())
        if words and not words.startswith("#"):
            yield line, words


def _read_transitions(text: str, source: str) -> tuple[int, list[list[_Choice]]]:
    lines = _lines(text)
    line, first = next(lines, (1, ""))
    header = _HEADER.fullmatch(first)
    if header is None:
        raise FormatError(
            f"{source}, line {line}: got {shorten(first)}, expected 'states:players choices transitions'; export a "
            "game (csg or smg) from PRISM-games"
        )
    n_states = parse_size(header[1], "the number of states", source)
    n_players = parse_size(header[2], "the number of players", source)
    if n_states > text.count("\n"):
        raise FormatError(f"{source}: {n_states} states, but only {text.count(chr(10))} lines; export the model again")
    choices: list[list[_Choice]] = [[] for _ in range(n_states)]
    n_transitions = 0
    for line, content in lines:
        place = f"{source}, line {line}"
        match = _TRANSITION.fullmatch(content)
        if match is None:
            raise FormatError(
                f"{place}: got {shorten(content)}, expected 'state choice target probability [actions]'; export it "
                "again"
            )
        state, choice, target = int(match[1]), int(match[3]), int(match[4])
        if max(state, target) >= n_states:
            raise FormatError(f"{place}: state {max(state, target)}, but there are {n_states}; export the model again")
        owner = None if match[2] is None else int(match[2])
        if owner is not None and owner >= n_players:
            raise FormatError(f"{place}: player {owner}, but there are {n_players}, counted from 0")
        known = choices[state]
        if choice == len(known):
            known.append(_Choice(owner, match[6] or "", line, {}))
        elif choice != len(known) - 1:
            raise FormatError(f"{place}: choice {choice} of state {state} after {len(known)} others; put them in order")
        if (known[-1].owner, known[-1].action) != (owner, match[6] or ""):
            raise FormatError(f"{place}: choice {choice} of state {state} has other actions on line {known[-1].line}")
        if known[0].owner != owner:
            raise FormatError(f"{place}: state {state} belongs to another player on line {known[0].line}")
        if target in known[-1].targets:
            raise FormatError(f"{place}: state {target} is a target of this choice already; delete one line")
        known[-1].targets[target] = _number(match[5], place)
        n_transitions += 1
    found = sum(map(len, choices)), n_transitions
    if found != (int(header[3]), int(header[4])):
        raise FormatError(
            f"{source}: the first line tells of {header[3]} choices and {header[4]} transitions, the file holds "
            f"{found[0]} and {found[1]}; export the model again"
        )
    for state, known in enumerate(choices):
        if not known:
            raise FormatError(f"{source}: state {state} has no transition; give it one, if only to itself")
    return n_players, choices


def _joint_actions(found: list[_Choice], state: int, n_players: int, source: str) -> tuple[list[list[str]], list[int]]:
    """Return each player's actions in a state, and which choice is which joint action in C order."""
    owner = found[0].owner
    if owner is not None:
        labels = [[_IDLE] for _ in range(n_players)]
        labels[owner] = [choice.action or f"choice {k}" for k, choice in enumerate(found)]
        return labels, list(range(len(found)))
    known: list[dict[str, int]] = [{} for _ in range(n_players)]
    joint: dict[tuple[int, ...], int] = {}
    for position, choice in enumerate(found):
        text = choice.action
        parts = text[1:-1].split(",") if text[:1] + text[-1:] == "[]" else []
        if len(parts) != n_players:
            raise FormatError(
                f"{source}, line {choice.line}: got the actions {shorten(text)}, expected [a,b] with one for each of "
                f"{n_players} players"
            )
        chosen = tuple(own.setdefault(name.strip(), len(own)) for own, name in zip(known, parts, strict=True))
        if chosen in joint:
            raise FormatError(f"{source}, line {choice.line}: state {state} has the actions {shorten(text)} twice")
        joint[chosen] = position
    sizes = [len(own) for own in known]
    if math.prod(sizes) != len(found):
        raise FormatError(
            f"{source}: state {state} has {len(found)} choices, where players with {' x '.join(map(str, sizes))} "
            "actions have one for every combination; export the model again"
        )
    return [list(own) for own in known], [joint[chosen] for chosen in np.ndindex(*sizes)]


def _beside(path: str) -> str | None:
    """Return the path of a file that may be missing, or compressed."""
    return next((found for found in (path, f"{path}.gz") if os.path.isfile(found)), None)


def _structures(stem: str) -> list[str]:
    """Return what the paths of the reward files of each structure begin with."""
    if _has_rewards(stem):
        return [stem]
    found: list[str] = []
    while _has_rewards(f"{stem}{len(found) + 1}"):
        found.append(f"{stem}{len(found) + 1}")
    return found


def _has_rewards(base: str) -> bool:
    return _beside(f"{base}.srew") is not None or _beside(f"{base}.trew") is not None


def _read_rewards(base: str, choices: list[list[_Choice]]) -> list[list[float]]:
    """Return the expected reward of every choice of every state."""
    rewards = [[0.0] * len(found) for found in choices]
    seen: set[tuple[int, ...]] = set()
    for path, pattern, n_indices in (
        (_beside(f"{base}.srew"), _STATE_REWARD, 1),
        (_beside(f"{base}.trew"), _TRANSITION_REWARD, 3),
    ):
        if path is None:
            continue
        lines = _lines(decode(read_file(path), path))
        _, header = next(lines, (1, ""))
        counts = header.split()
        if len(counts) != (2 if n_indices == 1 else 3) or counts[0] != str(len(choices)):
            raise FormatError(f"{path}: got {shorten(header)}, expected a line that begins with {len(choices)} states")
        n_entries = 0
        for line, content in lines:
            place = f"{path}, line {line}"
            match = pattern.fullmatch(content)
            if match is None:
                raise FormatError(f"{place}: got {shorten(content)}, expected {n_indices} indices and a reward")
            index = tuple(int(text) for text in match.groups()[:-1])
            value = _number(match[n_indices + 1], place)
            state, *rest = index
            if state >= len(choices) or (rest and rest[0] >= len(choices[state])):
                raise FormatError(f"{place}: there is no such state or choice; export the model again")
            if index in seen:
                raise FormatError(f"{place}: a second reward for the same place; delete one line")
            seen.add(index)
            n_entries += 1
            if not rest:
                rewards[state] = [reward + value for reward in rewards[state]]
            elif rest[1] not in choices[state][rest[0]].targets:
                raise FormatError(f"{place}: the choice does not lead to state {rest[1]}; export the model again")
            else:
                rewards[state][rest[0]] += value * choices[state][rest[0]].targets[rest[1]]
        if counts[-1] != str(n_entries):
            raise FormatError(f"{path}: tells of {shorten(counts[-1])} rewards, holds {n_entries}; export it again")
    return rewards


def _read_states(path: str | None, n_states: int) -> list[str] | None:
    """Return the names of the states, if they are known."""
    if path is None:
        return None
    names: list[str] = []
    for line, content in list(_lines(decode(read_file(path), path)))[1:]:
        number, separator, name = content.partition(":")
        if not separator or number.strip() != str(len(names)):
            raise FormatError(f"{path}, line {line}: got {shorten(content)}, expected '{len(names)}:(values)'")
        names.append(name.strip())
    if len(names) != n_states:
        raise FormatError(f"{path}: {len(names)} states, but the .tra file has {n_states}; export the model again")
    return names


def _read_start(path: str | None, n_states: int) -> np.ndarray | None:
    """Return the uniform distribution over the states with the label init, if they are known."""
    if path is None:
        return None
    lines = list(_lines(decode(read_file(path), path)))
    wanted = {number for number, name in _LABEL.findall(lines[0][1] if lines else "") if name == "init"}
    start = np.zeros(n_states)
    for line, content in lines[1:]:
        state, separator, labels = content.partition(":")
        if not separator or not re.fullmatch(r"\d{1,9}", state.strip()) or int(state) >= n_states:
            raise FormatError(f"{path}, line {line}: got {shorten(content)}, expected 'state: labels'")
        start[int(state)] = 1.0 if wanted & set(labels.split()) else 0.0
    return start / start.sum() if start.any() else None


def _number(text: str, place: str) -> float:
    try:
        return float(parse_number(text))
    except InputError as error:
        raise FormatError(f"{place}: {error}") from None
