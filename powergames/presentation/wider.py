"""What power for several steps, and of coalitions, shows of itself."""

from __future__ import annotations

import math

from powergames.display import MOST, Block, Table, blocks, counted, name, number, power, printable
from powergames.presentation.shared import noise, power_headers, title_of
from powergames.wider_power import CoalitionPower, StepPower

# Coalitions against each player that are printed where there are more, those that can take most.
SHOWN = 10


@blocks.register(StepPower)
def of_step_power(found: StepPower, most: int | None = MOST) -> list[Block]:
    """What each player can take from each other one, from the start."""
    game, rounding = found.game, noise(found.game)
    table = Table("player", *power_headers(game))
    for i, player in enumerate(game.players):
        cells = [power(value, own=i == j, noise=rounding[i]) for j, value in enumerate(found.start_power[i])]
        table.add_row(name(player), *cells)
    lasting = "for ever" if math.isinf(found.steps) else f"for {counted(int(found.steps), 'step')}"
    over = "" if found.horizon is None else f", {counted(found.horizon, 'step')}"
    return [
        f"{title_of(game)}{over}",
        table,
        f"Each row: what the others can take from this player by playing against it {lasting}, from the start.",
    ]


@blocks.register(CoalitionPower)
def of_coalition_power(found: CoalitionPower, most: int | None = MOST) -> list[Block]:
    """What coalitions can take from each player, the worst ones first."""
    game, rounding = found.game, noise(found.game)
    table = Table("player", "coalition", ">power")
    hidden = 0
    for i, player in enumerate(game.players):
        table.add_line()
        order = sorted(range(len(found.coalitions[i])), key=lambda c: -found.start_power[i][c])
        shown = order if most is None else order[:SHOWN]
        hidden += len(order) - len(shown)
        for k, c in enumerate(shown):
            members = ", ".join(printable(game.players[j]) for j in found.coalitions[i][c])
            table.add_row(name(player, shown=k == 0), members, number(found.start_power[i][c], rounding[i]))
    more = [f"... and {counted(hidden, 'more coalition')} that can take less."] if hidden else []
    return [
        title_of(game),
        table,
        *more,
        f"What sets of up to {counted(found.size, 'co-player')} can take from each player by one joint action.",
    ]
