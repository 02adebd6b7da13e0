"""What results have in common that show themselves in notebooks, papers and data frames."""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch
from importlib import import_module
from typing import TYPE_CHECKING, Any

from powergames.display.markup import to_html, to_latex
from powergames.display.tables import Block, Table
from powergames.errors import needs

if TYPE_CHECKING:
    import pandas as pd

# Rows, or states, that are shown where there may be many.
MOST = 30


@singledispatch
def blocks(result: Any, most: int | None = MOST) -> Sequence[Block]:
    """Return what there is to see of a result; `powergames.presentation` registers this for each kind of them.

    Parameters
    ----------
    result : object
    most : int or None
        How many states, or rows of a game, to show; None for all.
    """
    raise TypeError(f"nothing says what a {type(result).__name__} shows")


@singledispatch
def frame(result: Any) -> Sequence[Block]:
    """Return what a data frame of a result holds: tables with the same columns, by default all that is shown."""
    return blocks(result, None)


class Shown:
    """A result that shows itself as tables and sentences, the same ones everywhere."""

    def blocks(self, most: int | None = MOST) -> Sequence[Block]:
        """Return what there is to see: tables of cells, and sentences.

        Parameters
        ----------
        most : int or None
            How many states, or rows of a game, to show; None for all.
        """
        import_module("powergames.presentation").register(type(self))
        return blocks(self, most)

    def frame(self) -> Sequence[Block]:
        """Return what a data frame holds: tables with the same columns."""
        import_module("powergames.presentation").register(type(self))
        return frame(self)

    def _repr_html_(self) -> str:
        return to_html(self.blocks())

    def to_latex(self) -> str:
        """Return the tables as LaTeX, for the package booktabs; of many states the first ones."""
        return to_latex(self.blocks())

    def to_dataframe(self) -> pd.DataFrame:
        """Return the main table as a pandas DataFrame, complete, with numbers as numbers.

        Raises
        ------
        InputError
            If pandas is not installed.
        """
        with needs("pandas", "pandas", "to_dataframe"):
            import pandas as pd
        tables = [block for block in self.frame() if isinstance(block, Table)]
        headers = tables[0].headers if tables else []
        alike = [table for table in tables if table.headers == headers]
        rows = [[cell.value for cell in row] for table in alike for row in table.rows]
        frame = pd.DataFrame(rows, columns=headers)
        if len(alike) > 1:
            frame.insert(0, "table", [table.title for table in alike for _ in table.rows])
        return frame
