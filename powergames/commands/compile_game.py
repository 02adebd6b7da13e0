"""``powergames compile``: write a named game or a compiled environment to a file."""

from __future__ import annotations

import os
import time
from typing import Annotated

import typer

from powergames.commands.options import GameArgument, JsonOption, check_distinct, check_output
from powergames.commands.outcome import DONE, print_json, raise_on_ctrl_c
from powergames.commands.terminal import print_blocks
from powergames.display import Table


def command(
    game: GameArgument,
    output: Annotated[
        str,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE.npz",
            help="File to write; .npz loads fastest, and .json, .csv, .xlsx, .nfg, .gam work too, as far as they hold "
            "the game.",
        ),
    ],
    as_json: JsonOption = False,
) -> int:
    """Write a game of the catalog, or a compiled environment, as a file that loads at once."""
    from powergames.io import WRITTEN, load, save

    check_output(output, *WRITTEN)
    check_distinct({"GAME": game}, [("--output", output)])
    from powergames.games import StochasticGame
    from powergames.results import SCHEMA

    raise_on_ctrl_c()
    begin = time.perf_counter()
    loaded = load(game)
    seconds = time.perf_counter() - begin
    save(loaded, output)
    stochastic = isinstance(loaded, StochasticGame)
    told = {
        "title": loaded.title,
        "kind": "stochastic" if stochastic else "normal-form",
        "states": loaded.n_states if stochastic else 1,
        "joint_actions": loaded.n_rows if stochastic else int(loaded.payoffs[0].size),
        "seconds": seconds,
        "bytes": os.path.getsize(output),
        "file": output,
    }
    if as_json:
        print_json({"schema": SCHEMA, **told})
        return DONE
    table = Table("game", ">states", ">joint actions", ">seconds", ">bytes", "file")
    counts = f"{told['states']:,}", f"{told['joint_actions']:,}", f"{seconds:.2f}", f"{told['bytes']:,}"
    table.add_row(loaded.title, *counts, output)
    print_blocks(table)
    return DONE
