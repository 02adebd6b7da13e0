"""What the command line prints for people: tables, verdicts, and a progress line."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from powergames.display import Block, Shown, Table, printable
from powergames.kernels import compilation

if TYPE_CHECKING:
    from rich.console import RenderableType

# Width of tables that go to a file or a pipe, where nothing needs to be folded.
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
    """Print texts and tables to stdout, a blank line between two; no word or number is cut to fit the terminal."""
    from rich.console import Console
    from rich.measure import Measurement

    def console(width: int | None) -> Console:
        return Console(file=sys.stdout, width=width, markup=False, highlight=False, emoji=False)

    unbounded = console(UNBOUNDED)
    for k, block in enumerate(blocks):
        if k:
            unbounded.print()
        drawn = _drawn(block)
        if not sys.stdout.isatty():
            unbounded.print(drawn)
            continue
        needed = Measurement.get(unbounded, unbounded.options, drawn).minimum
        console(max(console(None).width, needed)).print(drawn, crop=False)


def _drawn(block: Block) -> RenderableType:
    """Turn a table into one of rich, whose columns are at least as wide as their longest word."""
    if not isinstance(block, Table):
        return _encodable(printable(block, keep="\n"))
    from rich import box
    from rich.table import Table as RichTable

    look = {"title_justify": "left", "title_style": "bold"}
    drawn = RichTable(box=box.SIMPLE_HEAD, show_edge=False, title=_encodable(block.title) or None, **look)  # type: ignore[arg-type]
    for k, column in enumerate(block.columns):
        texts = [column.header, *(row[k].text for row in block.rows)]
        widest = max(map(len, " ".join(texts).split()), default=1)
        least = widest if sys.stdout.isatty() else None
        drawn.add_column(_encodable(column.header), justify="right" if column.right else "left", min_width=least)
    for section in block.sections():
        for row in section:
            drawn.add_row(*(_encodable(cell.text) for cell in row))
        drawn.add_section()
    return drawn


def _encodable(text: str) -> str:
    """Write λ as its name where stdout cannot show it."""
    return text.replace("λ", lam_letter())
