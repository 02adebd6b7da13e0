"""Decentralized POMDPs in the format of the MADP toolbox (``.dpomdp``), read as fully observed team games.

Everyone is paid the common reward. What is lost is that agents do not see the state: observations are ignored, with a
warning, and the policies of such a game may use what no agent of the original knows. Its team optimum is an upper bound
of the original's value.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from powergames.errors import FormatError, InputError
from powergames.games.memory import MAX_AXES, check_memory
from powergames.games.stochastic import StochasticGame
from powergames.io._text import at_line, decode, parse_number, shorten, stem_of, warn_user

_STATEMENT = re.compile(
    r"^[ \t]*(agents|discount|values|states|start(?:[ \t]+(?:include|exclude))?|actions|observations|T|O|R)[ \t]*:",
    re.MULTILINE,
)
_PREAMBLE = ("agents", "discount", "values", "states", "actions", "observations")
_EVERY = "*"
# Numbers of transitions: in any file, or for each of its bytes. And how many may be set, a few seconds' work.
_MOST_CELLS = 2 * 10**6
_MOST_CELLS_PER_BYTE = 500
_MOST_WORK = 2 * 10**9

Index = int | slice


def read(data: bytes, source: str, discount: Any = None) -> StochasticGame:
    """Read a problem as a fully observed team game.

    Parameters
    ----------
    data : bytes
        Contents of the file.
    source : str
        Its name, for error messages.
    discount : float or sequence of float, optional
        Discount factor, instead of the one in the file.

    Returns
    -------
    StochasticGame
        Every player's reward is the team's.

    Raises
    ------
    FormatError
        If the file is damaged, or rewards depend on observations.
    InputError
        If the discount is not below 1.

    Warns
    -----
    UserWarning
        Always: observations are ignored.

    Examples
    --------
    >>> text = b'''agents: 2
    ... discount: 0.9
    ... values: reward
    ... states: dry wet
    ... start: uniform
    ... actions:
    ... 2
    ... 1
    ... observations:
    ... 1
    ... 1
    ... T: * :
    ... uniform
    ... O: * :
    ... uniform
    ... R: 0 * : wet : * : * : -1
    ... '''
    >>> import warnings
    >>> with warnings.catch_warnings(action="ignore"):
    ...     read(text, "rain.dpomdp").rewards.tolist()
    [[0.0, 0.0, -1.0, 0.0], [0.0, 0.0, -1.0, 0.0]]
    """
    problem = _Problem(decode(data, source), source)
    given = problem.discount if discount is None else discount
    if discount is None and not 0 <= problem.discount < 1:
        raise FormatError(
            f"{source}: its discount is {problem.discount:g}; give one below 1, as in load(..., discount=0.95), "
            "or write ':discount=0.95' behind the name"
        )
    n_players = len(problem.actions)
    every = tuple(range(n_players))
    transitions = np.moveaxis(problem.transitions, -2, 0)
    rewards = np.moveaxis(problem.expected_rewards(), -1, 0)
    game = StochasticGame(
        np.stack([rewards for _ in every]),
        transitions,
        given,
        problem.agents,
        problem.actions,
        problem.states,
        problem.start,
        stem_of(source.replace("\\", "/").rpartition("/")[2]),
    )
    warn_user(
        f"{source}: read as a fully observed team game; its observations are ignored, so policies may use what no "
        "agent of the original problem can see"
    )
    return game


class _Problem:
    """What a file says, with transitions and rewards [a_0, ..., a_{n-1}, s, s']."""

    def __init__(self, text: str, source: str) -> None:
        # Comments become blanks, so that places stay what they are.
        text = re.sub(r"#[^\n]*", lambda comment: " " * len(comment[0]), text)
        self.source = source
        self.text = text
        self.work = 0
        heads = list(_STATEMENT.finditer(text))
        ends = [head.start() for head in heads[1:]] + [len(text)]
        if not heads or text[: heads[0].start()].strip():
            start = 0 if not heads else heads[0].start()
            raise self._error(0, f"got {shorten(text[:start].strip() or text.strip())}, expected 'agents: 2'")
        bodies = [(" ".join(head[1].split()), head.end(), end) for head, end in zip(heads, ends, strict=True)]
        given: dict[str, tuple[int, str]] = {}
        for key, begin, end in bodies:
            if key in given:
                raise self._error(begin, f"'{key}' is given twice; give it once")
            if key not in ("T", "O", "R"):
                given[key] = (begin, text[begin:end])
        for key in _PREAMBLE:
            if key not in given:
                raise FormatError(f"{source}: no '{key}:'; give it before the transitions")
        self.agents = self._names("agents", *given["agents"])
        self.states = self._names("states", *given["states"])
        if len(self.agents) >= MAX_AXES - 1:
            raise self._error(given["agents"][0], f"{len(self.agents)} agents; give at most {MAX_AXES - 2}")
        self.actions = self._lists("actions", *given["actions"])
        self.state_numbers = _numbered(self.states)
        self.action_numbers = [_numbered(names) for names in self.actions]
        self.discount = self._number(*given["discount"])
        self.sign = self._sign(*given["values"])
        self.start = self._start(given)
        sizes = [len(names) for names in self.actions]
        self._check_size(sizes, len(text))
        self.transitions = np.zeros((*sizes, len(self.states), len(self.states)))
        self.rewards = np.zeros(self.transitions.shape)
        for key, begin, end in bodies:
            if key == "T":
                self._set_transitions(begin, text[begin:end])
            elif key == "R":
                self._set_rewards(begin, text[begin:end])

    def expected_rewards(self) -> np.ndarray:
        """Return rewards [a_0, ..., a_{n-1}, s]; exactly as given where the next state does not matter."""
        first = self.rewards[..., 0]
        averaged = (self.rewards * self.transitions).sum(axis=-1)
        return np.where((self.rewards == first[..., None]).all(axis=-1), first, averaged)

    def _error(self, position: int, message: str) -> FormatError:
        return FormatError(f"{self.source}, {at_line(self.text, position)}: {message}")

    def _check_size(self, sizes: list[int], length: int) -> None:
        n_cells = math.prod(sizes) * len(self.states) ** 2
        if n_cells > max(_MOST_CELLS, _MOST_CELLS_PER_BYTE * length):
            raise FormatError(
                f"{self.source}: {len(self.states)} states and {' x '.join(map(str, sizes))} actions have {n_cells} "
                f"transitions, far too many for a file of {length} characters; check the numbers"
            )
        check_memory(32 * n_cells, f"{self.source}: {n_cells} transitions and their rewards")

    def _names(self, what: str, position: int, body: str) -> list[str]:
        """Read a list of names, or their number."""
        words = re.split(r"[\s,]+", body.strip())
        if len(words) == 1 and re.fullmatch(r"\d+", words[0]):
            # No more names are made up than `_check_size` lets pass.
            if not 1 <= int(words[0][:9]) <= 10**5 or len(words[0]) > 6:
                raise self._error(position, f"{what} is {shorten(words[0])}; give a number from 1 to 100000, or names")
            return [str(k) for k in range(int(words[0]))]
        if not words[0]:
            raise self._error(position, f"{what} is empty; give names or their number")
        if len(set(words)) < len(words):
            raise self._error(position, f"{what}: two have the same name; rename one")
        return words

    def _lists(self, what: str, position: int, body: str) -> list[list[str]]:
        lines = [line for line in body.splitlines() if line.strip()]
        if len(lines) != len(self.agents):
            raise self._error(position, f"{what}: {len(lines)} lines for {len(self.agents)} agents; give one line each")
        return [
            self._names(f"{what} of agent {name}", position, line)
            for name, line in zip(self.agents, lines, strict=True)
        ]

    def _number(self, position: int, text: str) -> float:
        try:
            return float(parse_number(text.strip()))
        except InputError as error:
            raise self._error(position, str(error)) from None

    def _numbers(self, position: int, words: Sequence[str]) -> np.ndarray:
        return np.array([self._number(position, word) for word in words])

    def _sign(self, position: int, body: str) -> float:
        signs = {"reward": 1.0, "cost": -1.0}
        if body.strip() not in signs:
            raise self._error(position, f"values is {shorten(body.strip())}; give reward or cost")
        return signs[body.strip()]

    def _start(self, given: dict[str, tuple[int, str]]) -> np.ndarray | None:
        found = [key for key in ("start", "start include", "start exclude") if key in given]
        if not found:
            return None
        position, body = given[found[0]]
        if len(found) > 1:
            raise self._error(position, f"both '{found[0]}:' and '{found[1]}:'; give one")
        words = body.split()
        n_states = len(self.states)
        if found[0] == "start":
            if words == ["uniform"]:
                return None
            if len(words) == n_states and not (len(words) == 1 and words[0] in self.states):
                return self._numbers(position, words)
            if len(words) != 1:
                raise self._error(position, f"start: {len(words)} numbers for {n_states} states; give one each")
        chosen = np.zeros(n_states, dtype=bool)
        for word in words:
            chosen[self._index(position, word, self.state_numbers, "state")] = True
        if found[0] == "start exclude":
            chosen = ~chosen
        if not chosen.any():
            raise self._error(position, f"'{found[0]}:' leaves no state; give at least one")
        return chosen / chosen.sum()

    def _index(self, position: int, word: str, names: dict[str, int], what: str) -> Index:
        if word == _EVERY:
            return slice(None)
        if word in names:
            return names[word]
        if re.fullmatch(r"\d{1,6}", word) and int(word) < len(names):
            return int(word)
        raise self._error(position, f"no {what} is called {shorten(word)}; there are {len(names)}")

    def _joint_action(self, position: int, words: list[str]) -> tuple[Index, ...]:
        if words == [_EVERY]:
            return (slice(None),) * len(self.actions)
        if len(words) != len(self.actions):
            raise self._error(
                position, f"got {len(words)} actions, {shorten(' '.join(words))}; give one for each agent, or *"
            )
        return tuple(
            self._index(position, word, names, "action") for word, names in zip(words, self.action_numbers, strict=True)
        )

    def _assign(self, position: int, array: np.ndarray, index: tuple[Index, ...], values: Any) -> None:
        self.work += array[index].size if any(isinstance(part, slice) for part in index) else 1
        if self.work > _MOST_WORK:
            raise self._error(position, "the statements with * set more numbers than can be read; write fewer")
        array[index] = values

    def _set_transitions(self, position: int, body: str) -> None:
        """Read one of ``ja : s : s' : p``, ``ja : s : row``, ``ja : matrix``; the last colon may be a line break."""
        parts = [part.split() for part in body.split(":")]
        n_states = len(self.states)
        if len(parts) == 1:
            words = parts[0]
            cut = len(words) - (1 if words[-1:] in (["identity"], ["uniform"]) else n_states**2)
            parts = [words[: max(cut, 0)], words[max(cut, 0) :]]
        if len(parts) == 2 and parts[1][-1:] != ["identity"] and len(parts[1]) in (2, n_states + 1):
            row = [parts[1][0]], parts[1][1:]
            parts = [parts[0], *row] if row[1] == ["uniform"] or len(row[1]) == n_states else parts
        joint = self._joint_action(position, parts[0])
        if len(parts) == 2:
            self._assign(position, self.transitions, joint, self._matrix(position, parts[1]))
            return
        if len(parts) not in (3, 4) or len(parts[1]) != 1:
            raise self._refuse_shape(position, "T", body, "T: actions : from : to : number")
        origin = self._index(position, parts[1][0], self.state_numbers, "state")
        if len(parts) == 3:
            self._assign(position, self.transitions, (*joint, origin), self._row(position, parts[2]))
            return
        if len(parts[2]) != 1 or len(parts[3]) != 1:
            raise self._refuse_shape(position, "T", body, "T: actions : from : to : number")
        target = self._index(position, parts[2][0], self.state_numbers, "state")
        value = self._number(position, parts[3][0])
        self._assign(position, self.transitions, (*joint, origin, target), value)

    def _matrix(self, position: int, words: list[str]) -> np.ndarray:
        n_states = len(self.states)
        if words == ["identity"]:
            return np.eye(n_states)
        if words == ["uniform"]:
            return np.full((n_states, n_states), 1.0 / n_states)
        if len(words) != n_states**2:
            raise self._error(
                position, f"a matrix of {len(words)} numbers; give {n_states} x {n_states}, identity or uniform"
            )
        return self._numbers(position, words).reshape(n_states, n_states)

    def _row(self, position: int, words: list[str]) -> np.ndarray:
        n_states = len(self.states)
        if words == ["uniform"]:
            return np.full(n_states, 1.0 / n_states)
        if len(words) != n_states:
            raise self._error(position, f"a row of {len(words)} numbers for {n_states} states; give one each")
        return self._numbers(position, words)

    def _set_rewards(self, position: int, body: str) -> None:
        """Read one of ``ja : s : s' : o : r``, ``ja : s : s' : row``, ``ja : s : matrix``.

        The last index is the joint observation, on which the reward must not depend.
        """
        parts = [part.split() for part in body.split(":")]
        if not 3 <= len(parts) <= 5 or len(parts[1]) != 1 or (len(parts) > 3 and len(parts[2]) != 1):
            raise self._refuse_shape(position, "R", body, "R: actions : from : to : observations : number")
        joint = self._joint_action(position, parts[0])
        origin = self._index(position, parts[1][0], self.state_numbers, "state")
        values = self.sign * self._numbers(position, parts[-1])
        if len(parts) == 5:
            if set(parts[3]) != {_EVERY}:
                raise self._refuse_observations(position)
            if len(values) != 1:
                raise self._error(position, f"got {len(values)} rewards; give one")
        rows = len(self.states) if len(parts) == 3 else 1
        if len(values) == 0 or len(values) % rows:
            raise self._error(position, f"got {len(values)} rewards for {rows} next states; give as many for each")
        table = values.reshape(rows, -1)
        if (table != table[:, :1]).any():
            raise self._refuse_observations(position)
        target = slice(None) if len(parts) == 3 else self._index(position, parts[2][0], self.state_numbers, "state")
        reward = table[:, 0] if len(parts) == 3 else table[0, 0]
        self._assign(position, self.rewards, (*joint, origin, target), reward)

    def _refuse_shape(self, position: int, key: str, body: str, wanted: str) -> FormatError:
        return self._error(position, f"got {key}: {shorten(' '.join(body.split()))}; give {wanted}")

    def _refuse_observations(self, position: int) -> FormatError:
        return self._error(
            position, "the reward depends on observations, which a fully observed game lacks; give * for them"
        )


def _numbered(names: list[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(names)}
