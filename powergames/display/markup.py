"""Tables and sentences as HTML and as LaTeX; whatever a name holds, it stays text."""

from __future__ import annotations

import html
from collections.abc import Sequence

from powergames.display.tables import Block, Table
from powergames.errors import printable

RIGHT = ' style="text-align: right; padding: 0.15em 0.7em"'
LEFT = ' style="text-align: left; padding: 0.15em 0.7em"'

# What LaTeX would read as commands; square brackets at the beginning of a row would be an option of the line break.
LATEX = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "&": r"\&",
        "%": r"\%",
        "$": r"\$",
        "#": r"\#",
        "_": r"\_",
        "{": r"\{",
        "}": r"\}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        "|": r"\textbar{}",
        "[": "{[}",
        "]": "{]}",
        "*": "{*}",
        "λ": r"$\lambda$",
        "γ": r"$\gamma$",
        "∞": r"$\infty$",
        "−": "$-$",
        "…": r"\ldots{}",
    }
)


def to_html(blocks: Sequence[Block]) -> str:
    """Write tables and sentences as a piece of HTML.

    Examples
    --------
    >>> to_html(["<script>"])
    '<div class="powergames" tabindex="0"><p>&lt;script&gt;</p></div>'
    """
    parts = [_html_table(block) if isinstance(block, Table) else _html_text(block) for block in blocks]
    # Wide tables scroll, also by the keyboard.
    return f'<div class="powergames" tabindex="0">{"".join(parts)}</div>'


def _html_text(text: str) -> str:
    shown = html.escape(printable(text, keep="\n"))
    return f"<p>{shown}</p>"


def _html_table(table: Table) -> str:
    sides = [RIGHT if column.right else LEFT for column in table.columns]

    def row(tag: str, texts: Sequence[str]) -> str:
        cells = (f"<{tag}{side}>{html.escape(text)}</{tag}>" for side, text in zip(sides, texts, strict=True))
        return f"<tr>{''.join(cells)}</tr>"

    caption = f"<caption{LEFT}>{html.escape(table.title)}</caption>" if table.title else ""
    bodies = ("".join(row("td", [cell.text for cell in cells]) for cells in section) for section in table.sections())
    body = "".join(f"<tbody>{rows}</tbody>" for rows in bodies)
    return f"<table>{caption}<thead>{row('th', table.headers)}</thead>{body}</table>"


def to_latex(blocks: Sequence[Block]) -> str:
    r"""Write the tables among blocks as LaTeX, in the style of the package booktabs.

    Examples
    --------
    >>> table = Table("player", ">100 %")
    >>> table.add_row("a_1", "4")
    >>> print(to_latex([table]))
    \begin{tabular}{lr}
    \toprule
    player & 100 \% \\
    \midrule
    a\_1 & 4 \\
    \bottomrule
    \end{tabular}
    """
    return "\n\n".join(_latex_table(block) for block in blocks if isinstance(block, Table))


def _latex_table(table: Table) -> str:
    def row(texts: Sequence[str]) -> str:
        return " & ".join(text.translate(LATEX) for text in texts) + r" \\"

    width = len(table.columns)
    lines = [f"\\begin{{tabular}}{{{''.join('r' if column.right else 'l' for column in table.columns)}}}", r"\toprule"]
    if table.title:
        lines += [f"\\multicolumn{{{width}}}{{l}}{{{table.title.translate(LATEX)}}} \\\\", r"\midrule"]
    lines.append(row(table.headers))
    for section in table.sections():
        lines += [r"\midrule", *(row([cell.text for cell in cells]) for cells in section)]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"])
