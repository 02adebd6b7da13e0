"""Tables of a given width: texts take several lines, and a table that is too wide comes in several parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from powergames.display.tables import Table

# A text takes several lines only if it is longer than this: narrower columns are hard to read.
COMFORTABLE = 20

# What separates two columns: a blank on either side of each, and one between them.
MARGIN, BETWEEN = 2, 1


@dataclass(frozen=True)
class Part:
    """Some columns of a table, and how wide each is."""

    table: Table
    widths: tuple[int, ...]


def parts(table: Table, width: int) -> list[Part]:
    """Lay out a table, in several parts if it is too wide; each part repeats the columns that name the rows.

    Parameters
    ----------
    table : Table
    width : int
        Of what the table is shown on, in characters.

    Returns
    -------
    list of Part
        No word is broken unless the names of a row and one more column do not fit.

    Examples
    --------
    >>> table = Table("player", "strategy", ">power of the first player")
    >>> table.add_row("column", "0.25 left + 0.75 right", "12.5")
    >>> [part.widths for part in parts(table, 80)], [part.widths for part in parts(table, 48)]
    ([(6, 22, 25)], [(6, 17, 17)])
    >>> [part.table.headers for part in parts(table, 24)]
    [['player', 'strategy'], ['player', 'power of the first player']]
    """
    columns = [[column.header, *(row[k].text for row in table.rows)] for k, column in enumerate(table.columns)]
    least = [_least(texts) for texts in columns]
    natural = [max(map(_length, texts)) for texts in columns]
    keys = range(min(table.keys, len(columns)))
    groups = [list(keys)]
    for k in range(len(keys), len(columns)):
        if len(groups[-1]) > len(keys) and _total([least[i] for i in [*groups[-1], k]]) > width:
            groups.append(list(keys))
        groups[-1].append(k)
    return [
        Part(
            table if len(group) == len(columns) else table.only(group, continued=number > 0),
            _shared([least[k] for k in group], [natural[k] for k in group], width),
        )
        for number, group in enumerate(groups)
    ]


def lines(text: str, width: int) -> str:
    r"""Put each action of a mixed strategy on a line of its own if they do not fit on one.

    Examples
    --------
    >>> lines("0.25 left + 0.75 right", 21)
    '0.25 left\n+ 0.75 right'
    """
    return text if _length(text) <= width else text.replace(" + ", "\n+ ")


def _length(text: str) -> int:
    """Cells that a text takes on a terminal."""
    from rich.cells import cell_len

    return cell_len(text)


def _least(texts: Sequence[str]) -> int:
    """Width below which a column, of which the first text is the header, is hard to read."""
    header, *cells = texts
    words = header.split()
    in_two = min((max(len(" ".join(words[:k])), len(" ".join(words[k:]))) for k in range(len(words))), default=1)
    shares = [share for text in cells for share in text.replace(" + ", "\n+ ").split("\n")]
    longest = max((_length(word) for share in shares for word in share.split()), default=1)
    return max(in_two, longest, min(COMFORTABLE, max(map(_length, shares), default=1)))


def _total(widths: Sequence[int]) -> int:
    """Width of a table with columns of these widths."""
    return sum(widths) + (MARGIN + BETWEEN) * len(widths) - BETWEEN


def _shared(least: Sequence[int], natural: Sequence[int], width: int) -> tuple[int, ...]:
    """Widths of columns: what they need if there is room for it, else as much of it as there is."""
    widths, room = list(least), width - _total(least)
    for number, k in enumerate(sorted(range(len(widths)), key=lambda k: natural[k] - least[k])):
        more = min(max(0, natural[k] - least[k]), max(0, room) // (len(widths) - number))
        widths[k] += more
        room -= more
    while _total(widths) > max(width, _total([1] * len(widths))):
        widths[widths.index(max(widths))] -= 1
    return tuple(widths)
