"""What an audit shows of itself: the worst states, who can do harm, and the verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np

from powergames.auditing.audit import Audit
from powergames.auditing.sampled import SampledAudit
from powergames.display import (
    MOST,
    ROUNDING,
    Block,
    Cell,
    Table,
    blocks,
    counted,
    frame,
    mixture_text,
    name,
    number,
    number_text,
    printable,
    state_text,
)
from powergames.games.kinds import AnyGame
from powergames.games.stochastic import StochasticGame
from powergames.presentation.shared import (
    WHERE_ALL,
    heading,
    interval,
    judgement,
    noise,
    range_name,
    scope,
    start_text,
    states_table,
    strategy_text,
)

if TYPE_CHECKING:
    from powergames.auditing.departures import OffPolicy
    from powergames.checking.stochastic import StochasticCertificate
    from powergames.games.normal_form import NormalFormGame

# States that are printed where there are more, those of greatest regret.
WORST_STATES = 10

# Names of one action in different states that are printed.
MOST_NAMES = 3

# Actions per player to freeze on that are printed where there are more, those that cost the others most.
WORST_ACTIONS = 10


@blocks.register(Audit)
def of_audit(report: Audit, most: int | None = MOST) -> list[Block]:
    """Values and regrets, everyone's payoff when one player leaves the policy, and the verdict."""
    game = report.game
    values = _state_blocks(report, most) if isinstance(game, StochasticGame) else [_regrets(report)]
    return [
        heading(game, report.objective),
        *values,
        *_off_policy_blocks(report),
        *([_worst(report)] if report.off_policy else []),
        *_remarks(report),
        _verdict(report),
    ]


@blocks.register(SampledAudit)
def of_sampled_audit(report: SampledAudit, most: int | None = MOST) -> list[Block]:
    """Returns, power and attacks with their intervals, and what they promise."""
    players = [printable(player) for player in report.players]
    bounded = [">regret"] if report.regret else []
    table = Table("player", ">returns", *(f">power of {player}" for player in players), *bounded)
    for i, player in enumerate(report.players):
        power = [interval(report.power, i, j) if i != j else Cell(0.0, "-") for j in range(len(players))]
        if report.regret:
            least = float(report.regret.low[i])
            power.append(Cell(least, f"≥ {least:.4g}"))
        table.add_row(name(player), interval(report.returns, i), *power)
    attacks = Table("who leaves the policy", "how", *(f">task of {player}" for player in players), keys=2)
    for attack in report.attacks:
        how = attack.label
        if attack.against is not None:
            how += f", against {players[attack.against]}"
        elif attack.action is not None:
            how += f": action {attack.action}"
        if attack.known < 1.0:
            how += f" (known in {attack.known:.0%} of its steps)"
        attacks.add_row(name(report.players[attack.deviator]), how, *(interval(attack, i) for i in range(len(players))))
    remarks = [
        f"Each number is an estimate from {report.episodes:,} episodes, {report.steps:,} steps in all, and in brackets "
        f"the interval that holds the true one with probability {report.level:g}. Power is averaged over the states "
        "visited."
    ]
    if report.attacks:
        remarks.append("Adversaries for several steps are the worst ones found: the least return is at most theirs.")
    if report.regret:
        remarks.append("Regret is bounded from below, by a best response that was found; it may be larger.")
    if report.truncated:
        remarks.append(f"The environment cut off {report.truncated:.1%} of the episodes; they count as ended there.")
    title = f"Sampled audit, λ = {report.objective.lam:g}"
    return [title, table, *([attacks] if report.attacks else []), *remarks]


@frame.register(Audit)
def frame_of_audit(report: Audit) -> list[Block]:
    """Values and regrets in every state; in a normal-form game the same of every player."""
    if isinstance(report.game, StochasticGame):
        certificate = cast("StochasticCertificate", report.certificate)
        return [states_table(report, certificate, range(report.game.n_states))]
    return [_regrets(report)]


def _regrets(report: Audit) -> Table:
    game = cast("NormalFormGame", report.game)
    rounding = noise(game)
    table = Table("player", "strategy", ">regret", ">relative to payoff range")
    for i, player in enumerate(game.players):
        scaled = report.certificate.scaled_regrets[i]
        numbers = number(report.certificate.regrets[i], rounding[i]), number(scaled, ROUNDING)
        table.add_row(name(player), strategy_text(game, i, report.profile[i]), *numbers)
    return table


def _state_blocks(report: Audit, most: int | None) -> list[Block]:
    game, certificate = cast("StochasticGame", report.game), cast("StochasticCertificate", report.certificate)
    states, blocks = list(range(game.n_states)), []
    if most is not None and game.n_states > WORST_STATES:
        # In order of regret; states of equal regret in their own order.
        states = np.argsort(-certificate.scaled_regrets.max(axis=0), kind="stable")[:WORST_STATES].tolist()
        more = counted(game.n_states - WORST_STATES, "more state", "more states")
        blocks.append(f"... and {more}, none of greater regret; {WHERE_ALL}")
    average = report.objective.aggregate_power(report.occupancy_power)
    blocks.append(start_text(game, report.start_task, average))
    return [states_table(report, certificate, states), *blocks]


def _off_policy_blocks(report: Audit) -> list[Block]:
    """The table of all ways to leave the policy, and how many it leaves out."""
    if not report.off_policy:
        return []
    game = report.game
    headers = (f">task of {printable(player)}" for player in game.players)
    table = Table("who leaves the policy", "how", *headers, keys=2)
    hidden = 0
    for j in range(game.n_players):
        own = [deviation for deviation in report.off_policy if deviation.deviator == j]
        freezes = [deviation for deviation in own if deviation.kind == "freeze"]
        freezes.sort(key=lambda deviation: deviation.start_task.sum() - deviation.start_task[deviation.deviator])
        shown = set(map(id, freezes[:WORST_ACTIONS]))
        hidden += max(len(freezes) - WORST_ACTIONS, 0)
        for deviation in own:
            if deviation.kind != "freeze" or id(deviation) in shown:
                table.add_row(name(game.players[j]), _how(report, deviation), *_tasks(game, deviation.start_task))
    more = [f"... and {counted(hidden, 'more action')} to freeze on, less bad for the others."] if hidden else []
    return [table, *more]


def _action(game: AnyGame, player: int, action: int) -> str:
    """Name an action; where states call it differently, by all of its names, or by its index if there are many."""
    names: Any = game.actions
    if not (isinstance(game, StochasticGame) and game.actions_by_state):
        return printable(names[player][action])
    found = dict.fromkeys(own[player][action] for own in names if action < len(own[player]))
    return " / ".join(map(printable, found)) if len(found) <= MOST_NAMES else f"action {action}"


def _how(report: Audit, deviation: OffPolicy) -> str:
    game, how = report.game, deviation.label
    if deviation.action is not None:
        how += f": {_action(game, deviation.deviator, deviation.action)}"
    if deviation.against is not None:
        how += f", against {printable(game.players[deviation.against])}"
    return how


def _worst(report: Audit) -> Table:
    """The least that each player is left with when another one leaves the policy."""
    names = report.game.players
    table = Table("if another player is", *(f">least task of {printable(player)}" for player in names))
    for label, least in report.worst.items():
        table.add_row({"freeze": "frozen"}.get(label, label), *_tasks(report.game, least))
    return table


def _tasks(game: NormalFormGame | StochasticGame, values: np.ndarray) -> list[Cell]:
    """Write one value per player."""
    return [number(value, rounding) for value, rounding in zip(values, noise(game), strict=True)]


def _remarks(report: Audit) -> list[str]:
    game, remarks = report.game, []
    found = report.best_deviation
    if found is not None:
        who = printable(game.players[found.player])
        gain = f"gains {float(found.gain):.3g}, which is {float(found.scaled_gain):.3g} of the {range_name(game)}"
        if found.state is None:
            text = (
                f"{who} plays {strategy_text(cast('NormalFormGame', game), found.player, found.strategy)} and {gain}."
            )
        else:
            stochastic = cast("StochasticGame", game)
            state = state_text(stochastic.states[found.state])
            if found.kind == "one-shot":
                strategy = mixture_text(stochastic.action_names(found.state, found.player), found.strategy)
                text = f"{who} once plays {strategy} in {state} and {gain}."
            else:
                text = f"{who} changes strategy in all states, and from {state} on {gain}; --json prints it."
        remarks.append(f"Best deviation found: {text}")
    for missing in report.unvisited:
        number = counted(len(missing.states), "state")
        remarks.append(
            f"{printable(game.players[missing.player])} has no probabilities in {number}, filled with equal ones; play "
            f"spends {float(missing.frequency.sum()):.3g} of its discounted time there."
        )
    if report.distance is not None:
        states = () if report.distance.state is None else cast("StochasticGame", game).states
        place = f" in {state_text(states[cast('int', report.distance.state)])}" if states else ""
        remarks.append(
            f"Distance from the reference: {number_text(report.distance.value)} in total variation, greatest for "
            f"{printable(game.players[report.distance.player])}{place}. It does not bear on the verdict."
        )
    return remarks


def _verdict(report: Audit) -> str:
    certificate, found = report.certificate, report.best_deviation
    text = judgement(report.game, certificate)
    if not isinstance(report.game, StochasticGame):
        return text
    text += f" {scope(cast('StochasticCertificate', certificate))}"
    if report.passed and found is not None and found.scaled_gain > certificate.tol:
        text += " But a change in many states gains more than the tolerance: see the best deviation."
    return text
