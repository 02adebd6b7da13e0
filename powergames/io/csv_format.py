"""Two-player games as CSV.

A table has one row per action of the first player and one column per action of the second, who are called ``row`` and
``column``, and in each cell both payoffs, separated by a comma (the cell is then quoted, or in brackets), a semicolon
(which may need quotes too) or a space::

    Stag hunt,stag,hare
    stag,"4, 4","0, 3"
    hare,"3, 0","3, 3"

The first row and the first column may be left out; they are recognized because names are not pairs of payoffs. A name
that does look like a pair, or like the first half of one in brackets, gets an apostrophe in front: ``'1, 2``. The
corner holds the title.

Or, as two plain matrices of numbers with a blank line between them, the payoffs of ``row`` first.

Cells may also be separated by semicolons or tabs, as spreadsheets do in countries that write 4,5 for 4.5. In such a
file a comma between two digits is a decimal one, so the comma of a pair needs a blank after it.
"""

from __future__ import annotations

import csv
import io
import re

import numpy as np

from powergames.errors import FormatError, InputError
from powergames.games.normal_form import NormalFormGame
from powergames.io._text import (
    Number,
    decode,
    lossless_payoffs,
    number_array,
    number_pattern,
    number_text,
    parse_number,
    shorten,
)

# What the players are called, for whom a table has no names.
PLAYERS = ("row", "column")

# What may stand between two cells.
DELIMITERS = ",;\t"
_SPECIAL = re.compile('[",\r\n\ufeff]|^\\s|\\s$')

_Row = tuple[int, list[str]]


class Notation:
    """How numbers and pairs of them are written, which depends on what stands between the cells.

    Parameters
    ----------
    delimiter : str
        Between commas, numbers have decimal points. Between semicolons or tabs they may have decimal commas instead.

    Examples
    --------
    >>> Notation(";").number("-1,5", "game.csv"), Notation(";").pair.fullmatch("4,5, 3").group("first", "second")
    (-1.5, ('4,5', '3'))
    """

    def __init__(self, delimiter: str) -> None:
        self.decimal_commas = delimiter != ","
        # A comma that parts two numbers then has a blank after it.
        comma = r"\s*+,\s++" if self.decimal_commas else r"\s*+,\s*+"
        number = number_pattern(".," if self.decimal_commas else ".")
        self.pair = re.compile(
            rf"\s*+(?P<round>\()?(?P<square>\[)?\s*+(?P<first>{number})(?:{comma}|\s*+;\s*+|\s++)"
            rf"(?P<second>{number})\s*+(?(square)\])(?(round)\))\s*+"
        )
        self.like_pair = re.compile(rf"'*+(?:{self.pair.pattern}|\s*+[(\[]\s*+{number}\s*+)")
        self._seen: dict[str, str] = {}

    def number(self, cell: str, place: str) -> Number:
        """Read a number.

        Raises
        ------
        FormatError
            If it is none, or has a decimal comma where another one had a decimal point.
        """
        text = cell.strip()
        if self.decimal_commas:
            for mark in ".,":
                if mark in text:
                    self._seen.setdefault(mark, text)
            if len(self._seen) == 2:
                found = " and ".join(shorten(seen) for seen in self._seen.values())
                raise FormatError(f"{place}: decimal commas and decimal points in one file, {found}; use one of them")
            text = re.sub(",(?=[0-9])", ".", text)
        try:
            return parse_number(text)
        except InputError as error:
            raise FormatError(f"{place}: {error}") from None


_POINTS = Notation(",")


def read(data: bytes, source: str) -> NormalFormGame:
    r"""Read a table of payoff pairs, or two stacked matrices.

    Parameters
    ----------
    data : bytes
        Contents of the file.
    source : str
        Its name, for error messages.

    Returns
    -------
    NormalFormGame
        A two-player game.

    Raises
    ------
    FormatError
        If the file is neither.

    Examples
    --------
    >>> read(b',stag,hare\nstag,"4, 4","0, 3"\nhare,"3, 0","3, 5/2"\n', "hunt.csv").payoffs[1]
    array([[4. , 3. ],
           [0. , 2.5]])
    """
    text = decode(data, source)
    problems: dict[str, FormatError] = {}
    for delimiter in DELIMITERS:
        if not problems or delimiter in text:
            try:
                return _read(text, delimiter, source)
            except FormatError as error:
                problems[delimiter] = error
    # Commas may be decimal ones, and belong into pairs; the others were probably meant where they are.
    first = text.strip().partition("\n")[0]
    raise problems[next((delimiter for delimiter in reversed(problems) if delimiter in first), ",")]


def write(game: NormalFormGame) -> bytes:
    """Write a table of payoff pairs with the title and the names of the actions. The names of the players are lost.

    Parameters
    ----------
    game : NormalFormGame
        A two-player game; exact rationals are written as ``p/q``.

    Returns
    -------
    bytes
        Contents of the file.

    Raises
    ------
    InputError
        If the game has not exactly two players, or a rational has thousands of digits.

    Examples
    --------
    >>> print(write(NormalFormGame([[[4, 0], [3, 3]], [[4, 3], [0, 3]]], title="Stag hunt")).decode())
    Stag hunt,0,1
    0,"4, 4","0, 3"
    1,"3, 0","3, 3"
    <BLANKLINE>
    """
    if game.n_players != 2:
        raise InputError(f"a .csv file holds games of two players, got {game.n_players}; save as .nfg, .json or .npz")
    pairs = np.moveaxis(lossless_payoffs(game), 0, -1).tolist()
    table = [[_marked(label) for label in (game.title, *game.actions[1])]]
    for label, row in zip(game.actions[0], pairs, strict=True):
        table.append([_marked(label), *(f"{number_text(first)}, {number_text(second)}" for first, second in row)])
    return ("".join(",".join(map(_quoted, row)) + "\n" for row in table)).encode()


def _read(text: str, delimiter: str, source: str) -> NormalFormGame:
    notation = Notation(delimiter)
    rows = [(line, _joined(row, notation, delimiter)) for line, row in read_cells(text, delimiter, source)]
    is_table = any(notation.pair.fullmatch(cell) for _, row in rows for cell in row)
    return (_read_table if is_table else _read_matrices)(rows, notation, source)


def read_cells(text: str, delimiter: str, source: str) -> list[_Row]:
    """Return the cells of each row with its line number.

    Raises
    ------
    FormatError
        If the text is not CSV.

    Examples
    --------
    >>> read_cells('a,"b, c"', ",", "names.csv")
    [(1, ['a', 'b, c'])]
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True, delimiter=delimiter)
    rows = []
    try:
        for row in reader:
            rows.append((reader.line_num, row))  # noqa: PERF401, an error must leave the loop with its line number
    except csv.Error as error:
        raise FormatError(
            f"{source}, line {reader.line_num}: not valid CSV ({error}); "
            'quote a cell as "4, 0", without blanks outside the quotes'
        ) from None
    return rows


def _joined(row: list[str], notation: Notation, delimiter: str) -> list[str]:
    """Put together again what a delimiter inside of brackets has split."""
    cells: list[str] = []
    for cell in row:
        whole = f"{cells[-1]}{delimiter}{cell}" if cells and cells[-1].lstrip().startswith(("(", "[")) else ""
        if whole and notation.pair.fullmatch(whole):
            cells[-1] = whole
        else:
            cells.append(cell)
    return cells


def _is_blank(row: list[str]) -> bool:
    return not any(cell.strip() for cell in row)


def _read_table(rows: list[_Row], notation: Notation, source: str) -> NormalFormGame:
    # A first row of empty names counts, a blank line does not; at the end neither does.
    start = next(k for k, (_, row) in enumerate(rows) if len(row) > 1 or not _is_blank(row))
    stop = max(k for k, (_, row) in enumerate(rows) if not _is_blank(row)) + 1
    rows = rows[start:stop]
    width = len(rows[0][1])
    for line, row in rows:
        if len(row) != width:
            raise FormatError(
                f"{source}, line {line}: {len(row)} cells, but the first row has {width}; make them equal"
            )
    is_name = [[notation.pair.fullmatch(cell) is None for cell in row] for _, row in rows]
    # Whether names are there is read off beside and below the corner, which only counts where it stands alone.
    has_header = any(is_name[0][1:] if width > 1 else is_name[0])
    has_labels = any(row[0] for row in is_name[1:]) if len(rows) > 1 else is_name[0][0]
    body = rows[has_header:]
    title, column_names, row_names = "", _numbered(width - has_labels), _numbered(len(body))
    if has_header:
        line, cells = rows[0]
        column_names = _names(cells[has_labels:], notation, f"{source}, line {line}")
        title = _unmarked(cells[0], notation) if has_labels else ""
    if has_labels:
        row_names = _names([row[0] for _, row in body], notation, f"{source}, first column")
    values: list[Number] = []
    for line, row in body:
        for cell in row[has_labels:]:
            values += _pair(cell, notation, f"{source}, line {line}")
    payoffs = np.moveaxis(number_array(values).reshape(len(body), width - has_labels, 2), -1, 0)
    return NormalFormGame(payoffs, PLAYERS, [row_names, column_names], title)


def _read_matrices(rows: list[_Row], notation: Notation, source: str) -> NormalFormGame:
    blocks: list[list[_Row]] = [[]]
    for line, row in rows:
        if not _is_blank(row):
            blocks[-1].append((line, row))
        elif blocks[-1]:
            blocks.append([])
    blocks = [block for block in blocks if block]
    values: list[Number] = []
    shapes = []
    for block in blocks:
        width = len(block[0][1])
        shapes.append((len(block), width))
        for line, row in block:
            if len(row) != width:
                raise FormatError(
                    f"{source}, line {line}: {len(row)} numbers, but its matrix has {width} columns; make them equal"
                )
            values += (_entry(cell, notation, f"{source}, line {line}") for cell in row)
    if not shapes:
        raise FormatError(f"{source}: all cells are empty; give a file that holds a game")
    if len(shapes) == 1:
        raise FormatError(
            f"{source}: one matrix, but a game of two players has two; add the second player's below, after a blank "
            'line (with the signs changed if the game is zero-sum), or write both payoffs in each cell, as "4, 0"'
        )
    if len(shapes) > 2 or shapes[0] != shapes[1]:
        sizes = ", ".join(f"{height} x {width}" for height, width in shapes[:4])
        raise FormatError(f"{source}: {len(shapes)} matrices of {sizes}; give two of the same shape")
    return NormalFormGame(number_array(values).reshape(2, *shapes[0]), PLAYERS)


def _pair(cell: str, notation: Notation, place: str) -> tuple[Number, Number]:
    match = notation.pair.fullmatch(cell)
    if match is None:
        raise FormatError(f'{place}: got {shorten(cell)}, expected a pair of payoffs such as "4, 0"')
    return notation.number(match["first"], place), notation.number(match["second"], place)


def _entry(cell: str, notation: Notation, place: str) -> Number:
    try:
        return notation.number(cell, place)
    except FormatError as error:
        raise FormatError(
            f"{error}; a table has a row for each action of the first player, a column for each of the second, and in "
            'each cell both payoffs, as "4, 0"'
        ) from None


def _names(cells: list[str], notation: Notation, place: str) -> list[str]:
    is_pair = [notation.pair.fullmatch(cell) is not None for cell in cells]
    if any(is_pair):
        pair = cells[is_pair.index(True)]
        name = f"beside {shorten(cells[is_pair.index(False)])}" if not all(is_pair) else "where a name belongs"
        raise FormatError(
            f"{place}: got the payoffs {shorten(pair)} {name}; give names or pairs only, "
            "and put an apostrophe before a name that looks like a pair"
        )
    return [_unmarked(cell, notation) for cell in cells]


def _numbered(size: int) -> list[str]:
    return [str(action) for action in range(size)]


def _marked(label: str) -> str:
    return f"'{label}" if _POINTS.like_pair.fullmatch(label) else label


def _unmarked(label: str, notation: Notation) -> str:
    return label[1:] if label.startswith("'") and notation.like_pair.fullmatch(label) else label


def check_cell(text: str) -> str:
    """Refuse a text too long for a cell.

    Raises
    ------
    InputError
    """
    if len(text) > csv.field_size_limit():
        raise InputError(
            f"{shorten(text)} has {len(text)} characters, a cell of a .csv file holds {csv.field_size_limit()}; rename "
            "it, or save as .json or .npz"
        )
    return text


def _quoted(cell: str) -> str:
    check_cell(cell)
    return '"' + cell.replace('"', '""') + '"' if _SPECIAL.search(cell) else cell
