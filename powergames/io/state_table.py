"""Stochastic games as a table, the format of sGameSolver, in CSV and XLSX files.

One row for each state and joint action: the state, what each player does there (``a_<player>``), what each is paid
(``u_<player>``), and the probability of each next state (``phi_<state>``) or the one state that follows (``to_state``).
One more row, whose state is ``delta``, holds the discount factor of each player in the columns ``u_<player>``::

    state,a_ann,a_bob,u_ann,u_bob,phi_on,phi_off
    delta,,,0.9,0.9,,
    on,stay,stay,1,1,0.5,0.5
    off,wait,wait,0,0,0,1

States and actions count in the order in which they appear; every joint action of a state needs one row. An empty
``phi_`` cell is 0. The title and the start distribution are not in the table.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from powergames.errors import FormatError, InputError, needs
from powergames.games.stochastic import StochasticGame
from powergames.io._text import decode, encode, number_text, parse_number, shorten
from powergames.io.csv_format import read_cells

_Row = tuple[int, list[str]]
_DELTA = "delta"
# What a workbook may hold for each of its bytes, which are compressed.
_MOST_BYTES_PER_BYTE = 200
_MOST_CELLS_PER_BYTE = 20
# Cells that are written, the zeros of a sparse game among them; workbooks are slow.
_MOST_CSV_CELLS = 10**7
_MOST_XLSX_CELLS = 10**6
_MOST_COLUMNS = 2**14


def is_table(data: bytes) -> bool:
    """Whether the first row of a CSV file is that of such a table.

    Examples
    --------
    >>> is_table(b"state,a_0,u_0,to_state"), is_table(b'Stag hunt,stag,hare')
    (True, False)
    """
    first = data.removeprefix(b"\xef\xbb\xbf").lstrip().partition(b"\n")[0].decode("utf-8", "replace")
    try:
        cells = [cell.strip() for cell in next(csv.reader([first.replace("\0", "")]), [])]
    except csv.Error:
        return False
    return "state" in cells and any(cell.startswith("u_") for cell in cells)


def read_csv(data: bytes, source: str) -> StochasticGame:
    r"""Read a table from a CSV file.

    Parameters
    ----------
    data : bytes
        Contents of the file.
    source : str
        Its name, for error messages.

    Returns
    -------
    StochasticGame

    Raises
    ------
    FormatError
        If it is not such a table, or a row is missing, doubled or damaged.

    Examples
    --------
    >>> table = b"state,a_0,u_0,to_state\ndelta,,0.5,\nup,jump,1,down\nup,wait,0,up\ndown,rest,0,down\n"
    >>> game = read_csv(table, "jump.csv")
    >>> game.states, game.action_names(0, 0), game.discounts.tolist()
    (('up', 'down'), ('jump', 'wait'), [0.5])
    """
    return _read(read_cells(decode(data, source), source), source)


def read_xlsx(data: bytes, source: str) -> StochasticGame:
    """Read a table from the first sheet of an Excel workbook.

    Parameters
    ----------
    data : bytes
        Contents of the file.
    source : str
        Its name, for error messages.

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
    return _read(rows, source)


def write_csv(game: StochasticGame) -> bytes:
    r"""Write a table as CSV. The title and the start distribution are lost.

    Parameters
    ----------
    game : StochasticGame
        The game; names of states, of players and of the actions of a player in a state must differ.

    Returns
    -------
    bytes
        Contents of the file, with a column ``to_state`` if no move is random.

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
        writer.writerow([number_text(cell) if isinstance(cell, float) else cell for cell in row])
    return encode(buffer.getvalue())


def write_xlsx(game: StochasticGame) -> bytes:
    """Write a table as an Excel workbook of one sheet.

    The title and the start distribution are lost, and so is the seventeenth digit of numbers, which Excel has no room
    for.

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
        As for `write_csv`, from a million cells on; and if openpyxl is missing, or a sheet has not enough columns.
    """
    openpyxl = _openpyxl()
    rows = list(_table(game, _MOST_XLSX_CELLS))
    if len(rows[0]) > _MOST_COLUMNS:
        raise InputError(f"a sheet holds {_MOST_COLUMNS} columns, the game needs {len(rows[0])}; save it as .npz")
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("game")
    buffer = io.BytesIO()
    try:
        for row in rows:
            sheet.append([_text_cell(openpyxl, sheet, cell) if isinstance(cell, str) else cell for cell in row])
        book.save(buffer)
    except (ValueError, UnicodeEncodeError) as error:
        reason = " ".join(repr(str(error)).split())[:80]
        raise InputError(f"a name cannot stand in a workbook ({reason}); rename it, or save the game as .npz") from None
    return buffer.getvalue()


def _openpyxl() -> Any:
    with needs("openpyxl", "powergames[xlsx]", ".xlsx files"):
        import openpyxl
    return openpyxl


def _text_cell(openpyxl: Any, sheet: Any, text: str) -> Any:
    """Return a cell that stays text, whatever the text looks like."""
    cell = openpyxl.cell.WriteOnlyCell(sheet, value=text)
    cell.data_type = "s"
    return cell


def _cell_text(cell: object) -> str:
    """Return a cell as it would stand in a CSV file; numbers that name things lose the point that Excel gives them."""
    if cell is None:
        return ""
    if isinstance(cell, float):
        return number_text(cell) if np.isfinite(cell) else str(cell)
    return str(cell)


def _read(rows: Sequence[_Row], source: str) -> StochasticGame:
    rows = [(line, [cell.strip() for cell in row]) for line, row in rows if any(cell.strip() for cell in row)]
    if not rows:
        raise FormatError(f"{source}: all cells are empty; give a file that holds a game")
    columns = _Columns(rows[0], source)
    width = len(rows[0][1])
    discount: list[float] | None = None
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
            discount = [_number(row[column], f"{source}, line {line}, discount") for column in columns.rewards]
    if discount is None:
        raise FormatError(f"{source}: no row '{_DELTA}'; give one with the discount factors in the columns u_...")
    if not body:
        raise FormatError(f"{source}: no row for any state; give one per state and joint action")
    return _game(columns, body, discount, source)


class _Columns:
    """Where in the table what stands."""

    def __init__(self, header: _Row, source: str) -> None:
        line, names = header
        place = f"{source}, line {line}"
        double = next((name for name, count in Counter(names).items() if count > 1 and name), None)
        if double is not None:
            raise FormatError(f"{place}: two columns {shorten(double)}; give each column its own name")
        if "state" not in names:
            raise FormatError(f"{place}: no column 'state'; the first row names state, a_<player>, u_<player> and phi_")
        self.state = names.index("state")
        self.players = [name[2:] for name in names if name.startswith("a_")]
        if not self.players:
            raise FormatError(f"{place}: no column 'a_<player>'; give one for each player")
        self.actions = [names.index(f"a_{player}") for player in self.players]
        self.rewards = []
        for player in self.players:
            if f"u_{player}" not in names:
                raise FormatError(f"{place}: no column {shorten(f'u_{player}')}; give one for each player")
            self.rewards.append(names.index(f"u_{player}"))
        self.targets = {name[4:]: column for column, name in enumerate(names) if name.startswith("phi_")}
        self.to_state = names.index("to_state") if "to_state" in names else None
        if (self.to_state is None) == (not self.targets):
            found = "both" if self.targets else "neither"
            raise FormatError(f"{place}: {found} of 'to_state' and 'phi_<state>'; give one kind of transitions")
        known = {self.state, self.to_state, *self.actions, *self.rewards, *self.targets.values()}
        for column, name in enumerate(names):
            if column not in known and name:
                raise FormatError(f"{place}: unknown column {shorten(name)}; delete it")


def _game(columns: _Columns, body: list[_Row], discount: list[float], source: str) -> StochasticGame:
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
            [_number(body[k][1][column], f"{source}, line {body[k][0]}, reward") for k in order]
            for column in columns.rewards
        ]
    )
    transitions = _transitions(columns, [body[k] for k in order], states, source)
    names = [[list(known) for known in known_of] for known_of in actions]
    return StochasticGame.from_rows(n_actions, rewards, transitions, discount, columns.players, names, list(states))


def _transitions(
    columns: _Columns, body: list[_Row], states: dict[str, int], source: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    data: list[float] = []
    indices: list[int] = []
    indptr = [0]
    for target in columns.targets:
        if target not in states:
            raise FormatError(f"{source}: column {shorten(f'phi_{target}')}, but no row has that state; add its rows")
    for line, row in body:
        if columns.to_state is not None:
            target = row[columns.to_state]
            if target not in states:
                raise FormatError(f"{source}, line {line}: to_state is {shorten(target)}, of which there is no row")
            data.append(1.0)
            indices.append(states[target])
        for target, column in columns.targets.items():
            if row[column] and (value := _number(row[column], f"{source}, line {line}, phi_{target[:40]}")):
                data.append(value)
                indices.append(states[target])
        indptr.append(len(data))
    return np.array(data), np.array(indices, dtype=np.int64), np.array(indptr)


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


def _number(cell: str, place: str) -> float:
    try:
        return float(parse_number(cell))
    except InputError as error:
        raise FormatError(f"{place}: {error}") from None


def _table(game: StochasticGame, most: int) -> Iterator[list[str | float]]:
    """Yield the header and the rows, of at most so many cells."""
    names: list[tuple[Iterable[str], str]] = [(game.players, "players"), (game.states, "states")]
    for names_of, what in names:
        _check_names(list(names_of), what)
    if _DELTA in game.states:
        raise InputError(f"a state is called '{_DELTA}', which means the discounts in such a table; rename it")
    certain = len(game.data) == game.n_rows
    n_columns = 1 + 2 * game.n_players + (1 if certain else game.n_states)
    if n_columns * game.n_rows > most:
        raise InputError(
            f"a table of {game.n_rows} rows and {n_columns} columns has more than {most} cells; save the game as .npz"
        )
    own = [f"a_{player}" for player in game.players], [f"u_{player}" for player in game.players]
    targets = ["to_state"] if certain else [f"phi_{state}" for state in game.states]
    yield ["state", *own[0], *own[1], *targets]
    yield [_DELTA, *("" for _ in game.players), *game.discounts.tolist(), *("" for _ in targets)]
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
            yield [name, *chosen, *game.rewards[:, row].tolist(), *followers]


def _check_names(names: list[str], what: str) -> None:
    """Names must differ and survive the stripping of blanks that reading does."""
    for name in names:
        if name != name.strip() or any(character in name for character in "\r\n\0") or (what == "states" and not name):
            raise InputError(f"{what}: the name {shorten(name)} cannot stand in a table; rename it, or save as .npz")
    double = next((name for name, count in Counter(names).items() if count > 1), None)
    if double is not None:
        raise InputError(f"{what}: two are called {shorten(double)}; rename one, or save as .npz")
