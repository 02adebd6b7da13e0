"""``powergames games``: list the catalog."""

from __future__ import annotations

from typing import Any

from powergames.commands.options import JsonOption
from powergames.commands.outcome import DONE, print_json
from powergames.commands.terminal import print_blocks
from powergames.display import Table


def command(as_json: JsonOption = False) -> int:
    """List the catalog of named games with their parameters."""
    from powergames.environments.overcooked.names import ENTRIES
    from powergames.games.catalog.normal_form import CATALOG
    from powergames.results import SCHEMA

    listed: list[Any] = [*CATALOG.values(), *ENTRIES]
    if as_json:
        entries = [
            {"name": entry.name, "summary": entry.summary, "parameters": dict(entry.parameters)} for entry in listed
        ]
        print_json({"schema": SCHEMA, "games": entries})
        return DONE
    table = Table("name", "game", "parameters, with their defaults")
    for entry in listed:
        parameters = ", ".join(f"{name}={default}" for name, default in entry.parameters.items())
        table.add_row(entry.name, entry.summary, parameters)
    print_blocks(table)
    return DONE
