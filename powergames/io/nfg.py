r"""Gambit strategic-form files (``.nfg``), payoff and outcome version.

The payoff version lists, for each joint action, one payoff per player; the first player's action varies fastest::

    NFG 1 R "Stag hunt" { "Ann" "Bob" } { { "stag" "hare" } { "stag" "hare" } }

    4 4 3 0 0 3 3 3

The outcome version lists outcomes first and then, for each joint action, the number of its outcome; 0 pays nothing.
Strings may hold ``\"``; a backslash before another character stands for itself.
"""

from __future__ import annotations

import math
import re

import numpy as np

from powergames.errors import FormatError
from powergames.games.normal_form import NormalFormGame
from powergames.io._text import (
    MAX_PLAYERS,
    at_line,
    check_count,
    decode,
    latin_as_utf8,
    lossless_payoffs,
    number_text,
    parse_numbers,
    parse_size,
    shorten,
)

_STRING = r'"((?:[^"\\]++|\\.)*+)"'
_TOKEN = re.compile(rf'\s*+(?:{_STRING}|([{{}}])|([^\s{{}}"]++)|(\Z))', re.DOTALL)
_OUTCOME = re.compile(rf'\s*+\{{\s*+{_STRING}([^{{}}"]*+)\}}', re.DOTALL)
_FIRST = re.compile(r"\s*+(\S)")
_CLOSE = re.compile(r"\s*+\}")


def read(data: bytes, source: str) -> NormalFormGame:
    """Read a strategic-form file.

    Parameters
    ----------
    data : bytes
        Contents of the file, in UTF-8 or Latin-1.
    source : str
        Its name, for error messages.

    Returns
    -------
    NormalFormGame
        Rationals and decimals are kept exactly. Actions that are only counted are called ``"1", "2", ...``, as in
        Gambit.

    Raises
    ------
    FormatError
        If the file is not a strategic-form game.

    Examples
    --------
    >>> read(b'NFG 1 R "" { "Ann" "Bob" } { 2 2 } 4 4 3 0 0 3 3 3', "hunt.nfg").payoffs[1]
    array([[4., 3.],
           [0., 3.]])
    """
    scanner = _Scanner(decode(latin_as_utf8(data), source), source)
    scanner.expect("NFG")
    scanner.expect("1")
    scanner.expect("R", "D")
    title = scanner.string("the title")
    players = scanner.strings("player")
    actions = scanner.actions()
    if len(actions) != len(players):
        raise scanner.error(f"{len(players)} players but {len(actions)} lists of actions; give one per player")
    scanner.skip_comment()
    n_actions = tuple(len(labels) for labels in actions)
    flat = scanner.outcome_payoffs(n_actions) if scanner.peek() == "{" else scanner.payoffs(n_actions)
    payoffs = flat.reshape(*reversed(n_actions), len(players)).T
    return NormalFormGame(payoffs, players, actions, title)


def write(game: NormalFormGame) -> bytes:
    """Write the payoff version of a strategic-form file.

    Parameters
    ----------
    game : NormalFormGame
        The game; exact rationals are written as ``p/q``. Gambit itself reads only ASCII labels, and numbers labels
        that are empty or used twice.

    Returns
    -------
    bytes
        Contents of the file.

    Raises
    ------
    InputError
        If a rational has thousands of digits.

    Examples
    --------
    >>> print(write(NormalFormGame([[[4, 0], [3, 3]], [[4, 3], [0, 3]]], title="Stag hunt")).decode())
    NFG 1 R "Stag hunt" { "0" "1" }
    <BLANKLINE>
    { { "0" "1" }
    { "0" "1" }
    }
    ""
    <BLANKLINE>
    4 4
    3 0
    0 3
    3 3
    <BLANKLINE>
    """
    labels = "\n".join(_braced(names) for names in game.actions)
    rows = lossless_payoffs(game).T.reshape(-1, game.n_players).tolist()
    payoffs = "\n".join(" ".join(map(number_text, row)) for row in rows)
    header = f"NFG 1 R {_quoted(game.title)} {_braced(game.players)}"
    return f'{header}\n\n{{ {labels}\n}}\n""\n\n{payoffs}\n'.encode()


def _quoted(text: str) -> str:
    text = re.sub(r'\\(?=["\\]|\Z)', r"\\\\", text)
    return '"' + text.replace('"', '\\"') + '"'


def _unquoted(text: str) -> str:
    return re.sub(r'\\(["\\])', r"\1", text)


def _braced(labels: tuple[str, ...]) -> str:
    return "{ " + " ".join(_quoted(label) for label in labels) + " }"


class _Scanner:
    """Walks over the tokens of a file; knows where it is."""

    def __init__(self, text: str, source: str) -> None:
        self.text = text
        self.source = source
        self.position = 0

    @property
    def place(self) -> str:
        return f"{self.source}, {at_line(self.text, self.position)}"

    def error(self, problem: str) -> FormatError:
        return FormatError(f"{self.place}: {problem}")

    def token(self, wanted: str) -> re.Match[str]:
        match = _TOKEN.match(self.text, self.position)
        if match is None:
            raise self.error(f"a string has no closing quote, where {wanted} was expected; end it with '\"'")
        self.position = match.end()
        if match[4] is not None:
            raise self.error(f"the file ends where {wanted} was expected; it is truncated")
        return match

    def peek(self) -> str:
        match = _FIRST.match(self.text, self.position)
        return "" if match is None else match[1]

    def expect(self, *words: str) -> None:
        wanted = " or ".join(repr(word) for word in words)
        found = self.token(wanted)[0].strip()
        if found not in words:
            raise self.error(f'got {shorten(found)}, expected {wanted}, as in: NFG 1 R "title" {{ players }} ...')

    def string(self, wanted: str) -> str:
        match = self.token(wanted)
        if match[1] is None:
            raise self.error(f"got {shorten(match[0].strip())}, expected {wanted} in double quotes")
        return _unquoted(match[1])

    def strings(self, what: str) -> list[str]:
        """Read ``{ "a" "b" }``."""
        self.expect("{")
        labels = []
        while self.peek() != "}":
            labels.append(self.string(f"the name of a {what} or '}}'"))
        self.expect("}")
        if not labels:
            raise self.error(f"an empty list of {what}s; name at least one")
        return labels

    def actions(self) -> list[list[str]]:
        """Read the strategies: ``{ 2 3 }`` counts them, ``{ { "a" "b" } ... }`` names them."""
        self.expect("{")
        if self.peek() == "{":
            actions = []
            while self.peek() == "{":
                actions.append(self.strings("action"))
            self.expect("}")
            return actions
        counts: list[int] = []
        while self.peek() != "}" and len(counts) <= MAX_PLAYERS:
            found = self.token("a number of actions")[0].strip()
            counts.append(parse_size(found, "a number of actions", self.place))
        if len(counts) > MAX_PLAYERS:
            raise self.error(f"more than {MAX_PLAYERS} players; a payoff tensor has no room for more")
        self.expect("}")
        if math.prod(counts) > len(self.text):
            sizes = shorten(" x ".join(map(str, counts)))
            raise self.error(f"{len(counts)} players with {sizes} actions need more payoffs than the file holds")
        return [[str(action + 1) for action in range(count)] for count in counts]

    def skip_comment(self) -> None:
        if self.peek() == '"':
            self.string("a comment")

    def payoffs(self, n_actions: tuple[int, ...]) -> np.ndarray:
        tokens = self.text[self.position :].split()
        check_count(len(tokens), n_actions, len(n_actions), self.source)
        return parse_numbers(tokens, self.text, self.position, self.source)

    def outcome_payoffs(self, n_actions: tuple[int, ...]) -> np.ndarray:
        n_players = len(n_actions)
        self.expect("{")
        start = self.position
        tokens = ["0"] * n_players
        n_outcomes = 0
        while match := _OUTCOME.match(self.text, self.position):
            found = match[2].replace(",", " ").split()
            if len(found) != n_players:
                raise self.error(f"an outcome has {len(found)} payoffs; give one for each of the {n_players} players")
            tokens += found
            n_outcomes += 1
            self.position = match.end()
        close = _CLOSE.match(self.text, self.position)
        if close is None:
            raise self.error('the list of outcomes is malformed; write { { "name" 1, 2 } ... } and close it with }')
        self.position = close.end()
        numbers = self.text[self.position :].split()
        check_count(len(numbers) * n_players, n_actions, n_players, f"{self.source}, list of outcome numbers")
        for number in dict.fromkeys(numbers):
            if not (number.isascii() and number.isdigit() and len(number) <= 9 and int(number) <= n_outcomes):
                raise self.error(f"outcome number {shorten(number)}; give an integer from 0 to {n_outcomes}")
        table = parse_numbers(tokens, self.text.replace(",", " "), start, self.source).reshape(-1, n_players)
        return table[np.array(numbers, dtype=np.intp)]
