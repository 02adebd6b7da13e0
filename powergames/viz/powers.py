"""Power tables for pictures, wherever they come from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from powergames.display import state_text
from powergames.errors import InputError
from powergames.power import PowerTable
from powergames.viz.labels import result_text, shorten, state_index


@dataclass(frozen=True)
class Powers:
    """Power, wherever it comes from.

    Attributes
    ----------
    game : NormalFormGame or StochasticGame
    values : ndarray, shape (n, n)
        ``values[i, j]``, the power that `j` holds over `i`.
    task : ndarray, shape (n,)
    actions : ndarray of int, shape (n, n), or None
        ``actions[i, j]``, the action of `j` that is worst for `i`.
    notes : tuple of str
        What the numbers are.
    """

    game: Any
    values: np.ndarray
    task: np.ndarray
    actions: np.ndarray | None
    notes: tuple[str, ...]

    def action(self, i: int, j: int) -> str:
        """Name the action by which `j` takes from `i`."""
        if self.actions is None or i == j or self.values[i, j] == 0:
            return ""
        return shorten(self.game.actions[j][self.actions[i, j]], 16)


def powers_of(source: Any, state: int | str | None = None) -> Powers:
    """Read the power table of a result.

    Raises
    ------
    InputError
        If it has none, or no such state.
    """
    if isinstance(source, PowerTable):
        table = source
        notes: tuple[str, ...] = ()
    elif isinstance(getattr(source, "power_table", None), PowerTable):
        table, notes = source.power_table, (result_text(source),)
    else:
        return _stochastic(source, state)
    if state is not None:
        raise InputError("state: a game in normal form has no states; leave it out")
    return Powers(table.game, table.power.astype(np.float64), table.task.astype(np.float64), table.actions, notes)


def _stochastic(source: Any, state: int | str | None) -> Powers:
    evaluation = getattr(source, "evaluation", source)
    game = getattr(evaluation, "game", None)
    if game is None or not hasattr(evaluation, "average_power"):
        raise InputError(f"table: got {type(source).__name__}; give a PowerTable, an Evaluation or an equilibrium")
    notes = [result_text(source)] if evaluation is not source else []
    if state is None:
        notes.append("average over the states visited, by discounted frequency; task values from the start")
        return Powers(game, evaluation.average_power, evaluation.start_task, None, tuple(notes))
    index = state_index(game, state)
    notes.append(f"in {shorten(state_text(game.states[index]), 60)}")
    return Powers(game, evaluation.power[index], evaluation.task[:, index], None, tuple(notes))
