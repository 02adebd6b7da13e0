"""What team optima show of themselves: what they are worth, and what a player could gain by leaving the team."""

from __future__ import annotations

from powergames.display import MOST, ROUNDING, Block, blocks, counted
from powergames.presentation.horizons import first_step
from powergames.presentation.shared import first, from_start, heading, states_table
from powergames.results.teams import HorizonTeamOptimum, TeamOptimum


@blocks.register(TeamOptimum)
def of_team(optimum: TeamOptimum, most: int | None = MOST) -> list[Block]:
    """Values and power in every state, and what leaving the team gains."""
    table = states_table(optimum.evaluation, optimum.certificate, first(optimum.game, most))
    title = f"Team optimum: {heading(optimum.game, optimum.objective)}"
    return [title, table, *from_start(optimum.evaluation, most), _leaving(optimum)]


@blocks.register(HorizonTeamOptimum)
def of_team_over(optimum: HorizonTeamOptimum, most: int | None = MOST) -> list[Block]:
    """Values and power at the first step, and what leaving the team gains."""
    title = f"Team optimum: {heading(optimum.game, optimum.objective)}, {counted(optimum.horizon, 'step')}"
    return [title, *first_step(optimum.evaluation, most), _leaving(optimum)]


def _leaving(optimum: TeamOptimum | HorizonTeamOptimum) -> str:
    scaled = float(optimum.certificate.scaled_regret)
    if scaled <= ROUNDING:
        return "No player gains by leaving the team."
    gain = f"up to {scaled:.3g} of the range of values"
    return f"A benchmark, not an equilibrium: a player who leaves the team gains {gain}."
