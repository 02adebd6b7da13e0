"""A plain table of cells: what there is to see, before anything decides how it looks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from powergames.display.text import number_text, regret_text
from powergames.errors import printable


@dataclass(frozen=True)
class Cell:
    """A value, and how people read it.

    Attributes
    ----------
    value : object
        What a data frame holds.
    text : str
        What the terminal, HTML and LaTeX show; whatever is not printable in it is escaped.
    """

    value: Any
    text: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", printable(self.text))


@dataclass(frozen=True)
class Column:
    """The header of a column, and whether its cells are flush right."""

    header: str
    right: bool


class Table:
    """A table, built row by row.

    Parameters
    ----------
    *headers : str
        Those that begin with ``>`` have their columns flush right.
    title : str
        Shown above the table.
    keys : int
        How many of the first columns name a row; each part of a table that is too wide has them.

    Examples
    --------
    >>> table = Table("player", ">task")
    >>> table.add_row("hunter 1", number(4.0))
    >>> [[cell.text for cell in row] for row in table.rows]
    [['hunter 1', '4']]
    """

    def __init__(self, *headers: str, title: str = "", keys: int = 1) -> None:
        self.columns = tuple(Column(printable(header.removeprefix(">")), header.startswith(">")) for header in headers)
        self.title, self.keys = printable(title), keys
        self.rows: list[tuple[Cell, ...]] = []
        self.lines: set[int] = set()

    def add_row(self, *cells: Cell | str) -> None:
        """Add a row; a text is a cell that holds just that."""
        if len(cells) != len(self.columns):
            raise ValueError(f"got {len(cells)} cells for {len(self.columns)} columns")
        self.rows.append(tuple(cell if isinstance(cell, Cell) else Cell(cell, cell) for cell in cells))

    def add_line(self) -> None:
        """Draw a line between the row before and the row to come."""
        self.lines.add(len(self.rows))

    def only(self, columns: Sequence[int], *, continued: bool) -> Table:
        """Return a table with some of the columns; its title says if others came before."""
        title = ", ".join(filter(None, (self.title, "more columns"))) if continued else self.title
        part = Table(title=title[:1].upper() + title[1:], keys=self.keys)
        part.columns = tuple(self.columns[k] for k in columns)
        part.rows = [tuple(row[k] for k in columns) for row in self.rows]
        part.lines = set(self.lines)
        return part

    def spelled(self, spell: Callable[[str], str]) -> Table:
        """Return the table with all its texts spelled otherwise."""
        table = Table(title=spell(self.title), keys=self.keys)
        table.columns = tuple(Column(spell(column.header), column.right) for column in self.columns)
        table.rows = [tuple(Cell(cell.value, spell(cell.text)) for cell in row) for row in self.rows]
        table.lines = set(self.lines)
        return table

    @property
    def headers(self) -> list[str]:
        """The headers of all columns."""
        return [column.header for column in self.columns]

    def sections(self) -> Iterator[Sequence[tuple[Cell, ...]]]:
        """Yield the rows between two lines."""
        bounds = [0, *sorted(self.lines - {0, len(self.rows)}), len(self.rows)]
        for start, end in pairwise(bounds):
            yield self.rows[start:end]


# What a result shows of itself: tables, and sentences between them.
Block = Table | str


def number(value: Any, noise: float = 0.0) -> Cell:
    """Return a cell with a number, shown as 0 if it is at most `noise`."""
    return Cell(value, number_text(value, noise))


def regret(value: Any, noise: float = 0.0) -> Cell:
    """Return a cell with a regret, shown as 0 if it is at most `noise`."""
    return Cell(value, regret_text(value, noise))


def name(text: str, *, shown: bool = True) -> Cell:
    """Return a cell with a name; not shown where the row above has the same one."""
    return Cell(text, text if shown else "")


def power(value: Any, *, own: bool, by: str = "", noise: float = 0.0) -> Cell:
    """Return a cell with the power of a player, ``-`` over itself, and the action that takes it unless that is 0."""
    text = "-" if own else number_text(value, noise)
    return Cell(value, text if own or text == "0" or not by else f"{text} ({by})")
