"""What a page says of itself: where it is, and what is on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from powergames.display import Block, counted, number_text, printable
from powergames.presentation.results import path_summary

if TYPE_CHECKING:
    from powergames.reporting.assemble import Report


def of_report(report: Report, file: str) -> list[Block]:
    """Where a page is, and what is on it."""
    shown = report.document["points"]
    lams = [point["objective"]["lam"] for point in shown]
    span = number_text(lams[0]) if len(lams) == 1 else f"{number_text(min(lams))} to {number_text(max(lams))}"
    every = "all equilibria at" if report.document["report"]["all_equilibria"] else "equilibria at"
    if not any(equilibrium.converged for point in report.path for equilibrium in point.equilibria):
        every = "no equilibrium found at"
    slow = report.document["report"]["shortened"] and len(shown) == len(report.path)
    return [
        f"{printable(file)}: {printable(report.document['report']['title'])}, {every} "
        f"{counted(len(lams), 'value')} of λ, {span}; {len(report.html) / 1e6:.2f} MB.",
        *(["The game is slow to solve; with a greater --time-limit more λ can be solved."] if slow else []),
        *path_summary(report.path.points),
    ]


def of_editable(title: str, page: str, file: str) -> list[Block]:
    """Where a page is that computes by itself."""
    name = printable(title or "Untitled game")
    return [f"{printable(file)}: {name}, to edit; the page finds all equilibria by itself; {len(page) / 1e6:.2f} MB."]
