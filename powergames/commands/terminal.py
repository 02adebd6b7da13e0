"""What the command line prints for people: tables, verdicts, and a progress line."""

from __future__ import annotations

import os
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Literal

from powergames.display import Block, Part, Shown, Table, lines, parts, printable
from powergames.kernels import compilation

if TYPE_CHECKING:
    from rich.table import Table as RichTable

# Width of what goes to a file or a pipe, where nothing needs to be folded.
UNBOUNDED = 100_000

COMPILATION = "powergames: compiling the solvers; this takes up to a minute, once on this machine"


@contextmanager
def compilation_told() -> Iterator[None]:
    """Say on stderr, once, that kernels are compiled, as soon as they are: on the first run on a machine."""

    def tell() -> None:
        compilation.listeners.remove(tell)
        print(COMPILATION, file=sys.stderr, flush=True)  # noqa: T201

    compilation.listeners.append(tell)
    try:
        yield
    finally:
        if tell in compilation.listeners:
            compilation.listeners.remove(tell)


def lam_letter() -> str:
    """Return the letter λ, or its name where stdout cannot show it."""
    try:
        "λ".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return "lambda"
    return "λ"


def print_result(result: Shown) -> None:
    """Print what a result shows of itself."""
    print_blocks(*result.blocks())


def print_blocks(*blocks: Block) -> None:
    """Print texts and tables to stdout, a blank line between two.

    They fit the terminal, or the number of columns in the variable COLUMNS: texts take several lines, and a table that
    is too wide comes in several parts. A file or a pipe gets everything in full width.
    """
    from rich.console import Console

    width = None if sys.stdout.isatty() or os.environ.get("COLUMNS", "").isdecimal() else UNBOUNDED
    console = Console(file=sys.stdout, width=width, markup=False, highlight=False, emoji=False)
    for k, block in enumerate(blocks):
        if k:
            console.print()
        if not isinstance(block, Table):
            console.print(_folded(_encodable(printable(block, keep="\n")), console.width), soft_wrap=True)
            continue
        for number, part in enumerate(parts(block.spelled(_encodable), console.width)):
            if number:
                console.print()
            console.print(_drawn(part))


def _folded(text: str, width: int) -> str:
    """Break a text into lines; a path that is longer than one stays whole, so that it can be copied."""
    fill = partial(textwrap.fill, width=width, break_long_words=False, break_on_hyphens=False)
    return "\n".join(map(fill, text.split("\n")))


def _drawn(part: Part) -> RichTable:
    """Turn a table with known widths into one of rich."""
    from rich import box
    from rich.table import Table as RichTable

    look = {"title_justify": "left", "title_style": "bold"}
    title = part.table.title or None
    drawn = RichTable(box=box.SIMPLE_HEAD, show_edge=False, title=title, **look)  # type: ignore[arg-type]
    for column, width in zip(part.table.columns, part.widths, strict=True):
        side: Literal["left", "right"] = "right" if column.right else "left"
        drawn.add_column(column.header, justify=side, width=width, overflow="fold")
    for section in part.table.sections():
        for row in section:
            cells = zip(row, part.widths, strict=True)
            drawn.add_row(*(lines(cell.text, width) for cell, width in cells))
        drawn.add_section()
    return drawn


def _encodable(text: str) -> str:
    """Write λ as its name where stdout cannot show it."""
    return text.replace("λ", lam_letter())
