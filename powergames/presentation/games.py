"""What games show of themselves: payoffs, and in a stochastic game what follows each joint action."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from powergames.display import (
    MOST,
    Block,
    Cell,
    Table,
    blocks,
    counted,
    frame,
    name,
    number,
    number_list,
    number_text,
    printable,
)
from powergames.games.normal_form import NormalFormGame
from powergames.games.stochastic import StochasticGame

# Columns of a payoff table, and tables, that are shown where there are more.
MOST_COLUMNS = MOST_TABLES = 12


@blocks.register(NormalFormGame)
def of_normal_form(game: NormalFormGame, most: int | None = MOST) -> list[Block]:
    """Payoffs of all players: a table of the first two, for each joint action of the others."""
    return [_summary(game.title, repr(game)), *_payoff_tables(game, most)]


def _payoff_tables(game: NormalFormGame, most: int | None) -> Iterator[Block]:
    if game.n_players == 1:
        table = Table("action", ">payoff")
        for action, payoff in itertools.islice(zip(game.actions[0], _payoffs(game, ()).T, strict=True), most):
            table.add_row(name(action), number(payoff[0]))
        yield table
        yield from _left_out(len(game.actions[0]) - len(table.rows), "more action")
        return
    rows, columns = game.actions[:2]
    height = len(rows) if most is None else min(len(rows), most)
    width = len(columns) if most is None else min(len(columns), MOST_COLUMNS)
    others = list(itertools.islice(np.ndindex(*game.n_actions[2:]), None if most is None else MOST_TABLES))
    for joint in others:
        played = (
            f"{printable(game.players[k])}: {printable(game.actions[k][action])}"
            for k, action in enumerate(joint, start=2)
        )
        corner = f"{printable(game.players[0])} \\ {printable(game.players[1])}"
        table = Table(corner, *(f">{printable(column)}" for column in columns[:width]), title=", ".join(played))
        payoffs = _payoffs(game, joint)
        for a, row in enumerate(rows[:height]):
            table.add_row(name(row), *(_payoff_cell(payoffs[:, a, b]) for b in range(width)))
        yield table
    yield f"Each cell: the payoffs of {', '.join(printable(player) for player in game.players)}."
    yield from _left_out(len(rows) - height, "more row")
    yield from _left_out(len(columns) - width, "more column")
    yield from _left_out(int(np.prod(game.n_actions[2:], dtype=float)) - len(others), "more table")


def _payoffs(game: NormalFormGame, joint: tuple[int, ...]) -> Any:
    """Payoffs of all players at actions of all but the first two; fractions where floats do not tell everything."""
    payoffs = game.payoffs if game.lossless else game.exact_payoffs
    index: tuple[Any, ...] = (..., *joint)
    return payoffs[index]


def _payoff_cell(values: np.ndarray) -> Cell:
    return Cell(tuple(values.tolist()), number_list(values))


@frame.register(NormalFormGame)
def frame_of_normal_form(game: NormalFormGame) -> list[Block]:
    """One row for each joint action: what everybody plays, and gets."""
    players = [printable(player) for player in game.players]
    table = Table(*players, *(f">payoff of {player}" for player in players))
    payoffs = game.payoffs if game.lossless else game.exact_payoffs
    for joint in np.ndindex(*game.n_actions):
        played = (name(names[action]) for names, action in zip(game.actions, joint, strict=True))
        table.add_row(*played, *(number(value) for value in payoffs[(slice(None), *joint)].tolist()))
    return [table]


@blocks.register(StochasticGame)
def of_stochastic(game: StochasticGame, most: int | None = MOST) -> list[Block]:
    """Rewards and next states of each joint action."""
    players = [printable(player) for player in game.players]
    headers = (*players, *(f">reward of {player}" for player in players), "next state")
    table = Table("state", *headers, keys=1 + len(players))
    shown = game.n_rows if most is None else min(game.n_rows, most)
    before = -1
    for row in range(shown):
        state = int(np.searchsorted(game.row_starts, row, side="right")) - 1
        if state != before:
            table.add_line()
        joint = np.unravel_index(row - int(game.row_starts[state]), tuple(game.n_actions[state]))
        played = [name(game.action_names(state, player)[action]) for player, action in enumerate(joint)]
        rewards = [number(reward) for reward in game.rewards[:, row].tolist()]
        table.add_row(name(game.states[state], shown=state != before), *played, *rewards, _next_states(game, row))
        before = state
    return [_summary(game.title, repr(game)), table, *_left_out(game.n_rows - shown, "more joint action")]


def _next_states(game: StochasticGame, row: int) -> str:
    entries = slice(int(game.indptr[row]), int(game.indptr[row + 1]))
    states, probabilities = game.indices[entries].tolist(), game.data[entries].tolist()
    if len(states) == 1:
        return printable(game.states[states[0]])
    shown = [
        f"{number_text(p)} {printable(game.states[s])}" for s, p in list(zip(states, probabilities, strict=True))[:6]
    ]
    return " + ".join(shown) + (f" + {len(states) - 6} more" if len(states) > 6 else "")


def _summary(title: str, described: str) -> str:
    what = described.removeprefix("<").removesuffix(">").split(": ", 1)[-1]
    return f"{printable(title) or 'Untitled game'}: {what}"


def _left_out(hidden: int, what: str) -> Sequence[str]:
    return [f"... and {counted(hidden, what)}; to_dataframe() has all."] if hidden else []
