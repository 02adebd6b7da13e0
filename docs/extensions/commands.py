"""Puts the arguments and options of every command, as the command line knows them, in the place marked on a page."""

from __future__ import annotations

from typing import Any

import typer

MARK = "<!-- commands -->"


def reference() -> str:
    """Return one section in Markdown for each command."""
    from powergames.cli import app

    group: Any = typer.main.get_command(app)
    context = typer.Context(group, info_name="powergames")
    return "\n".join(_section(name, command, context) for name, command in group.commands.items())


def _section(name: str, command: Any, parent: Any) -> str:
    context = typer.Context(command, info_name=name, parent=parent)
    lines = [f"## {name}", "", command.help, "", "```text", _usage(command, context), "```", ""]
    rows = [record for parameter in command.params if (record := parameter.get_help_record(context))]
    if rows:
        lines += ["| argument or option | what it says |", "|---|---|"]
        lines += [f"| `{_cell(left)}` | {_cell(right)} |" for left, right in rows]
    return "\n".join([*lines, ""])


def _usage(command: Any, context: Any) -> str:
    return " ".join([context.command_path, *command.collect_usage_pieces(context)])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")


def _insert(app: Any, page: str, source: list[str]) -> None:
    if MARK in source[0]:
        source[0] = source[0].replace(MARK, reference())


def setup(app: Any) -> dict[str, bool]:
    """Register the extension; Sphinx calls this."""
    app.connect("source-read", _insert)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
