"""What results over a finite horizon show of themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from powergames.auditing.horizon import HorizonAudit
from powergames.checking.horizon import HorizonCertificate
from powergames.display import (
    MOST,
    ROUNDING,
    Block,
    Cell,
    Table,
    blocks,
    counted,
    mixture_text,
    name,
    number,
    number_list,
    power,
    printable,
    regret,
    regret_text,
)
from powergames.games.deterministic import DeterministicGame
from powergames.games.rows import RowGame
from powergames.horizon_evaluation import HorizonEvaluation
from powergames.presentation.results import failures, verdict
from powergames.presentation.shared import heading, judgement, power_headers, title_of
from powergames.results.horizons import HorizonEquilibrium

if TYPE_CHECKING:
    from powergames.auditing import OffPolicy
    from powergames.games.timed import TimedGame

# States shown, those in which play may begin.
STATES = 10

# Actions per player to freeze on that are printed where there are more, those that cost the others most.
WORST_ACTIONS = 10


@blocks.register(HorizonCertificate)
def of_certificate(certificate: HorizonCertificate, most: int | None = MOST) -> list[Block]:
    """Regret of each player at the step and in the state where it is greatest."""
    table = Table(">player", ">worst step", ">worst state", ">regret", ">relative to the range")
    for i, scaled in enumerate(certificate.scaled_regrets.T):
        t = int(scaled.argmax())
        state = int(certificate.states[t, i])
        values = float(certificate.regrets[t, i]), float(scaled[t])
        cells = (regret(value, value if values[1] <= ROUNDING else 0.0) for value in values)
        table.add_row(Cell(i, str(i)), Cell(t, str(t)), Cell(state, str(state)), *cells)
    said = "PASSED" if certificate.passed else "FAILED"
    text = f"{said}: largest regret {regret_text(certificate.scaled_regret, ROUNDING)} of the range, tolerance "
    return [table, f"{text}{certificate.tol:g}; {certificate.deviations} deviations, {certificate.bound} bound."]


@blocks.register(HorizonEvaluation)
def of_evaluation(evaluation: HorizonEvaluation, most: int | None = MOST) -> list[Block]:
    """Values and power at the first step."""
    return [f"{title_of(evaluation.game)}, {counted(evaluation.horizon, 'step')}", *first_step(evaluation, most)]


@blocks.register(HorizonEquilibrium)
def of_equilibrium(equilibrium: HorizonEquilibrium, most: int | None = MOST) -> list[Block]:
    """Values at the first step, the certificate of all steps, and how equilibria of stage games were chosen."""
    n_stages = equilibrium.horizon * equilibrium.game.n_states
    notes = [f"{equilibrium.mixed_stages:,} of {n_stages:,} stage games without a pure equilibrium"]
    if equilibrium.unsolved_stages:
        notes.append(f"{equilibrium.unsolved_stages:,} NOT solved")
    covered = f" {_scope(equilibrium.certificate)}" if equilibrium.converged else ""
    rule = f"select {equilibrium.select}; {', '.join(notes)}"
    return [
        f"{heading(equilibrium.game, equilibrium.objective)}, {counted(equilibrium.horizon, 'step')}",
        *first_step(equilibrium.evaluation, most),
        f"{verdict(equilibrium)}{covered} Method {equilibrium.method}, {rule}.",
        *failures([equilibrium]),
    ]


@blocks.register(HorizonAudit)
def of_audit(report: HorizonAudit, most: int | None = MOST) -> list[Block]:
    """Values at the first step, everyone's payoff when one player leaves the policy, and the verdict."""
    return [
        f"{heading(report.game, report.objective)}, {counted(report.horizon, 'step')}",
        *first_step(report.evaluation, most),
        *_off_policy(report),
        *_deviation(report),
        f"{judgement(report.game, report.certificate)} {_scope(report.certificate)}",
    ]


def _scope(certificate: HorizonCertificate) -> str:
    if certificate.deviations == "all":
        return "No deviation of any kind gains more, from any step in any state."
    return "No deviation in one state at one step gains more."


def _noise(game: TimedGame, horizon: int) -> list[float]:
    """Return what is rounding among the values of each player."""
    rows = RowGame.of(game)
    size = rows.units + np.abs(rows.offsets)
    lasting = (rows.each.discount ** np.arange(horizon)[:, None]).sum(axis=0)
    return (ROUNDING * size * lasting).tolist()


def first_step(evaluation: HorizonEvaluation, most: int | None) -> list[Block]:
    """Strategies, values and power at the first step, in states in which play may begin."""
    game, rounding = evaluation.game, _noise(evaluation.game, evaluation.horizon)
    start = np.flatnonzero(RowGame.of(game).start > 0.0)
    shown = start if most is None else start[:STATES]
    table = Table("first state", "player", "strategy", ">task", *power_headers(game), ">utility", keys=2)
    held: Any = evaluation.power[0] if game.n_players > 1 else None
    for s in shown.tolist():
        table.add_line()
        for i, player in enumerate(game.players):
            cells = [number(evaluation.task[0, i, s], rounding[i])]
            if held is not None:
                cells += [power(held[s, i, j], own=i == j, noise=rounding[i]) for j in range(game.n_players)]
            names = _actions(game, s, i)
            strategy = mixture_text(names, evaluation.profile[i][0, s][: len(names)])
            state = name(game.states[s], shown=i == 0)
            table.add_row(state, name(player), strategy, *cells, number(evaluation.utility[0, i, s], rounding[i]))
    hidden = len(start) - len(shown)
    more = [f"... and {counted(hidden, 'more state', 'more states')} in which play may begin."] if hidden else []
    average = evaluation.objective.aggregate_power(evaluation.average_power)
    text = (
        f"From the start: task {number_list(evaluation.start_task, rounding)}; power over each player, averaged over "
        f"steps and states visited: {number_list(average, rounding)}."
    )
    return [table, *more, text]


def _actions(game: TimedGame, state: int, player: int) -> Sequence[str]:
    if isinstance(game, DeterministicGame):
        return game.actions[player]
    return game.action_names(state, player)


def _off_policy(report: HorizonAudit) -> list[Block]:
    """All ways to leave the policy, and the least that each player is left with."""
    if not report.off_policy:
        return []
    game, rounding = report.game, _noise(report.game, report.horizon)
    table = Table("who leaves the policy", "how", *(f">task of {printable(player)}" for player in game.players), keys=2)
    hidden = 0
    for j in range(game.n_players):
        own = [deviation for deviation in report.off_policy if deviation.deviator == j]
        freezes = [deviation for deviation in own if deviation.kind == "freeze"]
        freezes.sort(key=lambda deviation: deviation.start_task.sum() - deviation.start_task[deviation.deviator])
        shown = set(map(id, freezes[:WORST_ACTIONS]))
        hidden += max(len(freezes) - WORST_ACTIONS, 0)
        for deviation in own:
            if deviation.kind != "freeze" or id(deviation) in shown:
                cells = [number(value, noise) for value, noise in zip(deviation.start_task, rounding, strict=True)]
                table.add_row(name(game.players[j]), _how(report, deviation), *cells)
    more = [f"... and {counted(hidden, 'more action')} to freeze on, less bad for the others."] if hidden else []
    worst = Table("if another player is", *(f">least task of {printable(player)}" for player in game.players))
    for label, least in report.worst.items():
        cells = [number(value, noise) for value, noise in zip(least, rounding, strict=True)]
        worst.add_row({"freeze": "frozen"}.get(label, label), *cells)
    return [table, *more, worst]


def _how(report: HorizonAudit, deviation: OffPolicy) -> str:
    game, how = report.game, deviation.label
    if deviation.action is not None:
        varies = not isinstance(game, DeterministicGame) and game.actions_by_state
        names: Any = game.actions
        how += (
            f": action {deviation.action}" if varies else f": {printable(names[deviation.deviator][deviation.action])}"
        )
    if deviation.against is not None:
        how += f", against {printable(game.players[deviation.against])}"
    return how


def _deviation(report: HorizonAudit) -> list[str]:
    found, game = report.best_deviation, report.game
    if found is None or found.state is None:
        return []
    strategy = mixture_text(_actions(game, found.state, found.player), found.strategy)
    then = "" if found.kind == "one-shot" else " and its best from there on"
    return [
        f"Best deviation found: {printable(game.players[found.player])} plays {strategy} at step {found.step} in state "
        f"{printable(game.states[found.state])}{then}, and gains {float(found.gain):.3g}, which is "
        f"{float(found.scaled_gain):.3g} of the range of values."
    ]
