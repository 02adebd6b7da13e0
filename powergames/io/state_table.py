"""Stochastic games as a table, the format of sGameSolver, in CSV and XLSX files.

One row for each state and joint action: the state, what each player does there (``a_<player>``), what each is paid
(``u_<player>``), and the probability of each next state (``phi_<state>``) or what follows (``to_state``): one state, or
several as in ``on: 0.5, off: 0.5``. One more row, whose state is ``delta``, holds the discount factor of each player in
the columns ``u_<player>``::

    state,a_ann,a_bob,u_ann,u_bob,phi_on,phi_off
    delta,,,0.9,0.9,,
    on,stay,stay,1,1,0.5,0.5
    off,wait,wait,0,0,0,1

States and actions count in the order in which they appear; every joint action of a state needs one row. An empty
``phi_`` cell is 0. In sGameSolver the game ends with the probability that is left; here one says what the state is
called in which it has ended.

Two columns are ours, and sGameSolver ignores them as it does all others. The column ``title`` has the title in the row
``delta``; without it, the game is called as the file is. The column ``start`` has the probability with which the game
begins in a state, in its first row or in all of them; without it, all states are equally likely. As in other CSV files,
semicolons or tabs may stand between cells.
"""

from __future__ import annotations

import csv
import io
import math
import re
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from powergames.errors import FormatError, InputError, needs
from powergames.games.stochastic import SUM_TOLERANCE, StochasticGame
from powergames.io._text import decode, number_text, shorten, warn_user
from powergames.io.csv_format import DELIMITERS, Notation, check_cell, read_cells

_Row = tuple[int, list[str]]
_DELTA = "delta"
_STATE, _TO_STATE, _START, _TITLE = _NAMES = "state", "to_state", "start", "title"
# What a player does in a state in which the game has ended.
_IDLE = "-"
# What a workbook may hold for each of its bytes, which are compressed.
_MOST_BYTES_PER_BYTE = 200
_MOST_CELLS_PER_BYTE = 20
# Cells that are written, the zeros of a sparse game among them; workbooks are slow.
_MOST_CSV_CELLS = 10**7
_MOST_XLSX_CELLS = 10**6
_MOST_COLUMNS = 2**14
# What a cell of a workbook may hold: so many characters, and those of XML 1.0.
_MOST_CHARACTERS = 32767
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def delimiter_of(data: bytes) -> str | None:
    """Return what stands between the cells of the first row of such a table, None if it is none.

    Examples
    --------
    >>> delimiter_of(b"state;a_0;u_0;to_state"), delimiter_of(b'Stag hunt,stag,hare')
    (';', None)
    """
    first = data.removeprefix(b"\xef\xbb\xbf").lstrip().partition(b"\n")[0].decode("utf-8", "replace")
    for delimiter in DELIMITERS:
        try:
            cells = [cell.strip() for cell in next(csv.reader([first], delimiter=delimiter), [])]
        except csv.Error:
            continue
        if _STATE in cells and any(cell.startswith("u_") for cell in cells):
            return delimiter
    return None


def read_csv(data: bytes, source: str, end_state: str | None = None) -> StochasticGame:
    r"""Read a table from a CSV file.

    Parameters
    ----------
    data : bytes
        Contents of the file.
    source : str
        Its name, for error messages.
    end_state : str, optional
        Name of one more state, with which the probabilities of every row add up to 1.

    Returns
    -------
    StochasticGame

    Raises
    ------
    FormatError
        If it is not such a table, or a row is missing, doubled or damaged.

    Warns
    -----
    UserWarning
        If there are columns that say nothing about the game.

    Examples
    --------
    >>> table = b"state,a_0,u_0,to_state\ndelta,,0.5,\nup,jump,1,down\nup,wait,0,up\ndown,rest,0,down\n"
    >>> game = read_csv(table, "jump.csv")
    >>> game.states, game.action_names(0, 0), game.discounts.tolist()
    (('up', 'down'), ('jump', 'wait'), [0.5])
    """
    delimiter = delimiter_of(data) or DELIMITERS[0]
    return _read(read_cells(decode(data, source), delimiter, source), Notation(delimiter), end_state, source)


def read_xlsx(data: bytes, source: str, end_state: str | None = None) -> StochasticGame:
    """Read a table from the first sheet of an Excel workbook.

    Parameters
    ----------
    data : bytes
        Contents of the file.
    source : str
        Its name, for error messages.
    end_state : str, optional
        As for `read_csv`.

    Returns
    -------
    StochasticGame

    Raises
    ------
    FormatError
        If the file is not a workbook, or its first sheet not such a table.
    InputError
        If openpyxl is not installed.
    """
    openpyxl = _openpyxl()
    size = max(len(data), 5000)
    budget = _MOST_CELLS_PER_BYTE * size
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > _MOST_BYTES_PER_BYTE * size:
            raise FormatError(f"{source}: {len(data)} bytes that unpack to {unpacked}; save the workbook again")
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        sheet = book.worksheets[0]
        # A sheet may claim to have billions of cells.
        sheet.reset_dimensions()
        rows: list[_Row] = []
        for line, cells in enumerate(sheet.iter_rows(values_only=True), 1):
            budget -= 1 + len(cells)
            if budget < 0:
                raise FormatError(f"{source}: the sheet is far larger than the file; delete its empty cells")
            rows.append((line, [_cell_text(cell) for cell in cells]))
    except FormatError:
        raise
    except Exception as error:  # openpyxl raises nearly anything on a damaged file
        reason = " ".join(str(error).split())[:100] or type(error).__name__
        raise FormatError(f"{source}: not a readable workbook ({reason}); save it again as .xlsx or .csv") from None
    return _read(rows, Notation(","), end_state, source)


def write_csv(game: StochasticGame) -> bytes:
    r"""Write a table as CSV.

    Parameters
    ----------
    game : StochasticGame
        The game; names of states, of players and of the actions of a player in a state must differ.

    Returns
    -------
    bytes
        Contents of the file, with a column ``to_state`` if no move is random, a column ``start`` if not all states are
        equally likely at first, and a column ``title`` if there is one.

    Raises
    ------
    InputError
        If two names are equal, a state is called ``delta``, or the table would have more than ten million cells.

    Examples
    --------
    >>> game = StochasticGame([[[1, 0]]], [[[1], [1]]], 0.5, actions=[["on", "off"]], states=["s"])
    >>> print(write_csv(game).decode())
    state,a_0,u_0,to_state
    delta,,0.5,
    s,on,1,s
    s,off,0,s
    <BLANKLINE>
    """
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n")
    for row in _table(game, _MOST_CSV_CELLS):
        writer.writerow([number_text(cell) if isinstance(cell, float) else check_cell(cell) for cell in row])
    return buffer.getvalue().encode()


def write_xlsx(game: StochasticGame) -> bytes:
    """Write a table as an Excel workbook of one sheet; Excel itself reads sixteen digits of a number.

    Parameters
    ----------
    game : StochasticGame
        As for `write_csv`.

    Returns
    -------
    bytes
        Contents of the file.

    Raises
    ------
    InputError
        As for `write_csv`, from a million cells on; and if openpyxl is missing, a sheet has not enough columns, or a
        name has more than 32767 characters or characters that a workbook cannot hold.
    """
    openpyxl = _openpyxl()
    rows = list(_table(game, _MOST_XLSX_CELLS))
    if len(rows[0]) > _MOST_COLUMNS:
        raise InputError(f"a sheet holds {_MOST_COLUMNS} columns, the game needs {len(rows[0])}; save it as .npz")
    for text in {value for row in rows for value in row if isinstance(value, str)}:
        _check_cell(text)
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("game")
    for row in rows:
        sheet.append([_cell(openpyxl, sheet, value) for value in row])
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _openpyxl() -> Any:
    with needs("openpyxl", "powergames[xlsx]", ".xlsx files"):
        import openpyxl
    return openpyxl


def _cell(openpyxl: Any, sheet: Any, value: str | float) -> Any:
    """Return a cell of a text, whatever it looks like, or of a number with all of its digits."""
    is_text = isinstance(value, str)
    cell = openpyxl.cell.WriteOnlyCell(sheet, value=value if isinstance(value, str) else number_text(value))
    cell.data_type = "s" if is_text else "n"
    return cell


def _check_cell(text: str) -> None:
    """Refuse what openpyxl would cut, or not write, or write so that it is not read again."""
    if len(text) > _MOST_CHARACTERS:
        raise InputError(
            f"{shorten(text)} has {len(text)} characters, a cell of a workbook holds {_MOST_CHARACTERS}; rename it, or "
            "save as .npz"
        )
    if found := _NOT_XML.search(text):
        raise InputError(
            f"{shorten(text)}: a workbook cannot hold U+{ord(found[0]):04X}, character {found.start()}; rename it, or "
            "save as .npz"
        )


def _cell_text(cell: object) -> str:
    """Return a cell as it would stand in a CSV file; numbers that name things lose the point that Excel gives them."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        return number_text(cell) if np.isfinite(cell) else str(cell)
    return str(cell)


def _read(rows: Sequence[_Row], notation: Notation, end_state: str | None, source: str) -> StochasticGame:
    rows = [(line, [cell.strip() for cell in row]) for line, row in rows if any(cell.strip() for cell in row)]
    if not rows:
        raise FormatError(f"{source}: all cells are empty; give a file that holds a game")
    columns = _Columns(rows[0], notation, source)
    width = len(rows[0][1])
    discount: list[float] | None = None
    title = ""
    body: list[_Row] = []
    for line, row in rows[1:]:
        if len(row) > width and any(row[width:]):
            raise FormatError(
                f"{source}, line {line}: {len(row)} cells, but the first row has {width}; make them equal"
            )
        row = row[:width] + [""] * (width - len(row))
        if row[columns.state] != _DELTA:
            body.append((line, row))
        elif discount is not None:
            raise FormatError(f"{source}, line {line}: a second row '{_DELTA}'; give one")
        else:
            discount = [columns.number(row[column], f"{source}, line {line}, discount") for column in columns.rewards]
            title = "" if columns.title is None else row[columns.title]
    if discount is None:
        raise FormatError(f"{source}: no row '{_DELTA}'; give one with the discount factors in the columns u_...")
    if not body:
        raise FormatError(f"{source}: no row for any state; give one per state and joint action")
    return _game(columns, body, discount, title or _stem(source), end_state, source)


def _stem(source: str) -> str:
    """The name of a file, without its folders and extensions.

    Examples
    --------
    >>> _stem("games/old_mill.csv.gz")
    'old_mill'
    """
    return Path(source).name.partition(".")[0]


class _Columns:
    """Where in the table what stands, and how its numbers are written."""

    def __init__(self, header: _Row, notation: Notation, source: str) -> None:
        self.notation = notation
        line, names = header
        place = f"{source}, line {line}"
        ours = [name for name in names if name in _NAMES or name.startswith(("a_", "u_", "phi_"))]
        double = next((name for name, count in Counter(ours).items() if count > 1), None)
        if double is not None:
            raise FormatError(f"{place}: two columns {shorten(double)}; give each column its own name")
        if _STATE not in names:
            raise FormatError(f"{place}: no column 'state'; the first row names state, a_<player>, u_<player> and phi_")
        self.state = names.index(_STATE)
        self.players = [name[2:] for name in names if name.startswith("a_")]
        if not self.players:
            raise FormatError(f"{place}: no column 'a_<player>'; give one for each player")
        self.actions = [names.index(f"a_{player}") for player in self.players]
        self.rewards = []
        for player in self.players:
            if f"u_{player}" not in names:
                raise FormatError(f"{place}: no column {shorten(f'u_{player}')}; give one for each player")
            self.rewards.append(names.index(f"u_{player}"))
        for name in names:
            if name.startswith("u_") and name[2:] not in self.players:
                raise FormatError(f"{place}: column {shorten(name)}, but no column {shorten(f'a_{name[2:]}')}; add it")
        self.targets = {name[4:]: column for column, name in enumerate(names) if name.startswith("phi_")}
        self.to_state = names.index(_TO_STATE) if _TO_STATE in names else None
        if (self.to_state is None) == (not self.targets):
            found = "both" if self.targets else "neither"
            raise FormatError(f"{place}: {found} of 'to_state' and 'phi_<state>'; give one kind of transitions")
        self.title = names.index(_TITLE) if _TITLE in names else None
        self.start = names.index(_START) if _START in names else None
        known = {
            self.state,
            self.to_state,
            self.title,
            self.start,
            *self.actions,
            *self.rewards,
            *self.targets.values(),
        }
        if unknown := [shorten(name) for column, name in enumerate(names) if column not in known and name]:
            more = f" and {len(unknown) - 5} more" if len(unknown) > 5 else ""
            warn_user(f"{source}: columns that say nothing about the game are ignored: {', '.join(unknown[:5])}{more}")

    def number(self, cell: str, place: str) -> float:
        """Read a number."""
        return float(self.notation.number(cell, place))


def _game(
    columns: _Columns, body: list[_Row], discount: list[float], title: str, end_state: str | None, source: str
) -> StochasticGame:
    states: dict[str, int] = {}
    actions: list[list[dict[str, int]]] = []
    joint: list[tuple[int, ...]] = []
    for line, cells in body:
        name = cells[columns.state]
        if not name:
            raise FormatError(f"{source}, line {line}: no state; name one in the column 'state'")
        state = states.setdefault(name, len(states))
        if state == len(actions):
            actions.append([{} for _ in columns.players])
        joint.append(
            (
                state,
                *(
                    known.setdefault(cells[column], len(known))
                    for known, column in zip(actions[state], columns.actions, strict=True)
                ),
            )
        )
    n_actions = np.array([[len(known) for known in known_of] for known_of in actions])
    # Every joint action needs a row, so there cannot be more of them than rows.
    if n_actions.astype(np.float64).prod(axis=1).sum() > len(body):
        _refuse_incomplete(list(states), actions, joint, source)
    row_starts = np.concatenate([[0], np.cumsum(n_actions.prod(axis=1))])
    lines = np.zeros(len(body), dtype=np.int64)
    order = np.empty(len(body), dtype=np.int64)
    for position, (state, *chosen) in enumerate(joint):
        row = int(row_starts[state]) + int(np.ravel_multi_index(chosen, tuple(n_actions[state])))
        line, cells = body[position]
        if lines[row]:
            what = ", ".join(cells[column] for column in columns.actions)
            raise FormatError(
                f"{source}, line {line}: state {shorten(cells[columns.state])}, actions ({what[:60]}) are on line "
                f"{lines[row]} already; delete one"
            )
        lines[row] = line
        order[row] = position
    rewards = np.array(
        [
            [columns.number(body[k][1][column], f"{source}, line {body[k][0]}, reward") for k in order]
            for column in columns.rewards
        ]
    )
    start = _start(columns, body, states, source)
    names = [[list(known) for known in known_of] for known_of in actions]
    if end_state is not None:
        if end_state in states:
            raise FormatError(f"{source}: end_state is {shorten(end_state)}, which has rows; give another name")
        start = np.append(np.full(len(states), 1 / len(states)) if start is None else start, 0.0)
        states[end_state] = len(states)
        names.append([[_IDLE] for _ in columns.players])
        n_actions = np.vstack([n_actions, np.ones_like(n_actions[:1])])
        rewards = np.hstack([rewards, np.zeros((len(rewards), 1))])
    transitions = _transitions(columns, [body[k] for k in order], states, end_state, source)
    return StochasticGame.from_rows(
        n_actions, rewards, transitions, discount, columns.players, names, list(states), start, title
    )


def _start(columns: _Columns, body: list[_Row], states: dict[str, int], source: str) -> np.ndarray | None:
    """Return the start distribution, None if the table has none."""
    found: dict[str, float] = {}
    for line, row in body:
        if columns.start is not None and row[columns.start]:
            name, place = row[columns.state], f"{source}, line {line}, {_START}"
            value = columns.number(row[columns.start], place)
            if found.setdefault(name, value) != value:
                raise FormatError(
                    f"{place}: got {value:g}, but {found[name]:g} in an earlier row of the state; give one"
                )
    return np.array([found.get(name, 0.0) for name in states]) if found else None


def _transitions(
    columns: _Columns, body: list[_Row], states: dict[str, int], end_state: str | None, source: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the transitions in CSR form, the last row that of the state, if any, in which the game has ended."""
    data: list[float] = []
    indices: list[int] = []
    indptr = [0]
    for target in columns.targets:
        if target not in states:
            raise FormatError(f"{source}: column {shorten(f'phi_{target}')}, but no row has that state; add its rows")
    for line, row in body:
        followers = _followers(columns, row, states, f"{source}, line {line}")
        total = math.fsum(followers.values())
        if total < 1 - SUM_TOLERANCE:
            if end_state is None:
                what = ", ".join(row[column] for column in columns.actions)
                raise FormatError(
                    f"{source}, line {line}: state {shorten(row[columns.state])}, actions ({what[:60]}): the "
                    f"probabilities sum to {total:.12g}; make them sum to 1 or, if the game ends otherwise, name the "
                    "state in which it has ended, as in load(..., end_state='end') or ':end_state=end' behind the name"
                )
            followers[states[end_state]] = followers.get(states[end_state], 0.0) + 1 - total
        data += followers.values()
        indices += followers
        indptr.append(len(data))
    if end_state is not None:
        data.append(1.0)
        indices.append(states[end_state])
        indptr.append(len(data))
    return np.array(data), np.array(indices, dtype=np.int64), np.array(indptr)


def _followers(columns: _Columns, row: list[str], states: dict[str, int], place: str) -> dict[int, float]:
    """Return the probability of each next state."""
    if columns.to_state is not None:
        return _named_followers(row[columns.to_state], columns, states, place)
    return {
        states[target]: value
        for target, column in columns.targets.items()
        if row[column] and (value := columns.number(row[column], f"{place}, phi_{target[:40]}"))
    }


def _named_followers(cell: str, columns: _Columns, states: dict[str, int], place: str) -> dict[int, float]:
    """Read the next state, or ``on: 0.5, off: 0.5``, perhaps in braces and with quotes around the names."""
    if cell in states:
        return {states[cell]: 1.0}
    inner = cell[1:-1] if cell[:1] + cell[-1:] == "{}" else cell
    found: dict[int, float] = {}
    # Commas part the states, so that there is no room for decimal ones.
    for part in filter(str.strip, inner.split(",")):
        name, colon, probability = (text.strip() for text in part.rpartition(":"))
        name = name if name in states else name.strip('"').strip()
        if not colon or name not in states:
            missing = name if colon else cell
            raise FormatError(
                f"{place}: to_state is {shorten(missing)}, of which there is no row; give a state, or several as in "
                "'on: 0.5, off: 0.5'"
            )
        if states[name] in found:
            raise FormatError(f"{place}: to_state names {shorten(name)} twice; give one probability")
        found[states[name]] = columns.number(probability, f"{place}, to_state {shorten(name)}")
    return found


def _refuse_incomplete(
    states: list[str], actions: list[list[dict[str, int]]], joint: list[tuple[int, ...]], source: str
) -> None:
    """Name a joint action without a row."""
    given = set(joint)
    for state, known_of in enumerate(actions):
        chosen = _first_missing(state, [len(known) for known in known_of], given)
        if chosen is not None:
            names = ", ".join(list(known)[action][:20] for known, action in zip(known_of, chosen, strict=True))
            raise FormatError(
                f"{source}: no row for state {shorten(states[state])}, actions ({names[:80]}); every joint action of a "
                "state needs one"
            )


def _first_missing(state: int, sizes: list[int], given: set[tuple[int, ...]]) -> tuple[int, ...] | None:
    # Among len(given) + 1 joint actions one is missing, however many there are.
    for rank, chosen in enumerate(np.ndindex(*sizes)):
        if (state, *chosen) not in given:
            return chosen
        if rank > len(given):
            break
    return None


def _table(game: StochasticGame, most: int) -> Iterator[list[str | float]]:
    """Yield the header and the rows, of at most so many cells."""
    names: list[tuple[Iterable[str], str]] = [(game.players, "players"), (game.states, "states")]
    for names_of, what in names:
        _check_names(list(names_of), what)
    _check_names([game.title], "title")
    if _DELTA in game.states:
        raise InputError(f"a state is called '{_DELTA}', which means the discounts in such a table; rename it")
    certain = len(game.data) == game.n_rows and bool((game.data == 1).all())
    begins = bool((game.start != 1 / game.n_states).any())
    own = [f"a_{player}" for player in game.players], [f"u_{player}" for player in game.players]
    targets = [_TO_STATE] if certain else [f"phi_{state}" for state in game.states]
    # What is in the row of the discounts and below it in these two columns, as far as they are needed.
    start, title = [_START] * begins, [_TITLE] * bool(game.title)
    header = [_STATE, *own[0], *own[1], *targets, *start, *title]
    if len(header) * game.n_rows > most:
        raise InputError(
            f"a table of {game.n_rows} rows and {len(header)} columns has more than {most} cells; save the game as .npz"
        )
    yield [*header]
    blank = [""] * len(targets + start)
    yield [_DELTA, *("" for _ in game.players), *game.discounts.tolist(), *blank, *(game.title for _ in title)]
    for state, name in enumerate(game.states):
        labels = [game.action_names(state, player) for player in range(game.n_players)]
        for player, own_labels in enumerate(labels):
            _check_names(list(own_labels), f"actions of player {player} in state {shorten(name)}")
        first = int(game.row_starts[state])
        for offset, joint in enumerate(np.ndindex(*game.n_actions[state])):
            row = first + offset
            entries = slice(int(game.indptr[row]), int(game.indptr[row + 1]))
            followers: list[str | float]
            if certain:
                followers = [game.states[game.indices[entries][0]]]
            else:
                followers = [0.0] * game.n_states
                for target, probability in zip(game.indices[entries], game.data[entries].tolist(), strict=True):
                    followers[target] = probability
            chosen = [labels[player][action] for player, action in enumerate(joint)]
            first_only = ["" if offset else float(game.start[state]) for _ in start]
            yield [name, *chosen, *game.rewards[:, row].tolist(), *followers, *first_only, *("" for _ in title)]


def _check_names(names: list[str], what: str) -> None:
    """Names must differ and survive the stripping of blanks that reading does."""
    for name in names:
        if name != name.strip() or any(character in name for character in "\r\n\0") or (what == "states" and not name):
            raise InputError(f"{what}: the name {shorten(name)} cannot stand in a table; rename it, or save as .npz")
    double = next((name for name, count in Counter(names).items() if count > 1), None)
    if double is not None:
        raise InputError(f"{what}: two are called {shorten(double)}; rename one, or save as .npz")
