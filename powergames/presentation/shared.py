"""What power tables, certificates and evaluations show of themselves, and the sentences that other results share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from powergames.checking.certificate import Certificate
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
    number_text,
    power,
    printable,
    regret,
    regret_text,
    state_text,
)
from powergames.evaluation import Evaluation, NormalFormEvaluation
from powergames.games.deterministic import DeterministicGame
from powergames.games.kinds import AnyGame, Game
from powergames.games.normal_form import NormalFormGame
from powergames.games.stochastic import StochasticGame
from powergames.power import PowerTable
from powergames.results.estimates import Estimate

if TYPE_CHECKING:
    from powergames.auditing import Audit
    from powergames.checking.stochastic import StochasticCertificate
    from powergames.objectives import PowerObjective


@blocks.register(PowerTable)
def of_power(table: PowerTable, most: int | None = MOST) -> list[Block]:
    """Who holds how much power over whom."""
    return [
        title_of(table.game),
        power_rows(table),
        "Each row: what the others can take from this player by one action, and the action that does it.",
    ]


def power_rows(table: PowerTable) -> Table:
    """One row per player: strategy, expected payoff, and the power of each other player."""
    game, rounding = table.game, noise(table.game)
    rows = Table("player", "strategy", ">task", *(f">power of {printable(player)}" for player in game.players))
    for i, player in enumerate(game.players):
        cells = [
            power(value, own=i == j, by=game.actions[j][table.actions[i, j]], noise=rounding[i])
            for j, value in enumerate(table.power[i])
        ]
        rows.add_row(name(player), strategy_text(game, i, table.profile[i]), number(table.task[i], rounding[i]), *cells)
    return rows


@blocks.register(Certificate)
def of_certificate(certificate: Certificate, most: int | None = MOST) -> list[Block]:
    """Regret of each player; in a stochastic game the greatest one over the states, and where it is."""
    by_state = certificate.regrets.ndim == 2
    table = Table(">player", *([">worst state"] if by_state else []), ">regret", ">relative to the range")
    for player, (own, scaled) in enumerate(zip(certificate.regrets, certificate.scaled_regrets, strict=True)):
        worst = int(scaled.argmax()) if by_state else None
        place = [] if worst is None else [Cell(worst, str(worst))]
        values = (own, scaled) if worst is None else (own[worst], scaled[worst])
        # The regret in units is rounding if the other one is.
        cells = (regret(value, value if values[1] <= ROUNDING else 0.0) for value in values)
        table.add_row(Cell(player, str(player)), *place, *cells)
    said = "PASSED" if certificate.passed else "FAILED"
    text = f"{said}: largest regret {regret_text(certificate.scaled_regret, ROUNDING)} of the range, tolerance "
    return [table, f"{text}{certificate.tol:g}; {certificate.deviations} deviations, {certificate.bound} bound."]


@blocks.register(NormalFormEvaluation)
def of_normal_form_evaluation(evaluation: NormalFormEvaluation, most: int | None = MOST) -> list[Block]:
    """One row for each player, with the utility."""
    game = evaluation.game
    rounding = noise(game)
    table = Table("player", "strategy", ">task", *power_headers(game), ">utility")
    for i, player in enumerate(game.players):
        table.add_row(
            name(player),
            strategy_text(game, i, evaluation.profile[i]),
            number(evaluation.task[i], rounding[i]),
            *power_cells(game, i, evaluation.power, rounding[i]),
            number(evaluation.utility[i], rounding[i]),
        )
    return [heading(game, evaluation.objective), table]


@blocks.register(Evaluation)
def of_evaluation(evaluation: Evaluation, most: int | None = MOST) -> list[Block]:
    """What a stationary profile is worth and who holds how much power, state by state."""
    table = states_table(evaluation, None, first(evaluation.game, most))
    return [title_of(evaluation.game), table, *from_start(evaluation, most)]


def first(game: StochasticGame, most: int | None) -> Sequence[int]:
    """Return the first states, as many as are shown."""
    return range(game.n_states if most is None else min(game.n_states, most))


def states_table(
    values: Evaluation | Audit, certificate: StochasticCertificate | None, states: Sequence[int], title: str = ""
) -> Table:
    """One row for each player of each of the states."""
    game = cast("StochasticGame", values.game)
    rounding = noise(game)
    regrets = [] if certificate is None else [">utility", ">regret"]
    table = Table("state", "player", "strategy", ">task", *power_headers(game), *regrets, title=title, keys=2)
    for s in states:
        table.add_line()
        for i, player in enumerate(game.players):
            actions = game.action_names(s, i)
            cells = [number(values.task[i, s], rounding[i]), *power_cells(game, i, values.power[s], rounding[i])]
            if certificate is not None:
                cells += [number(values.utility[i, s], rounding[i]), regret(certificate.regrets[i, s], rounding[i])]
            strategy = mixture_text(actions, values.profile[i][s, : len(actions)])
            table.add_row(name(game.states[s], shown=i == 0), name(player), strategy, *cells)
    return table


def from_start(evaluation: Evaluation, most: int | None) -> Iterator[str]:
    """What is left to say about many states, and about the values from the start distribution."""
    game = evaluation.game
    hidden = game.n_states - len(first(game, most))
    if hidden:
        yield f"... and {counted(hidden, 'more state', 'more states')}; {WHERE_ALL}"
    yield start_text(game, evaluation.start_task, evaluation.objective.aggregate_power(evaluation.average_power))


def start_text(game: StochasticGame, task: Any, power: Any) -> str:
    """Write values from the start distribution on, and average power, each of shape (n,)."""
    rounding = noise(game)
    held = f"power over each player, averaged over the states visited: {number_list(power, rounding)}"
    return f"From the start: task {number_list(task, rounding)}; {held}."


# Where to find what is not shown.
WHERE_ALL = "--json or to_dataframe() has all."


def power_headers(game: AnyGame) -> list[str]:
    """Name the columns of `power_cells`."""
    return [f">power of {printable(player)}" for player in game.players] if game.n_players > 1 else []


def power_cells(game: Game, ego: int, values: Any, rounding: float) -> list[Cell]:
    """Cells with what each player can take from one; none where there is one player only."""
    if game.n_players == 1:
        return []
    return [power(value, own=ego == j, noise=rounding) for j, value in enumerate(values[ego])]


def numbers_cell(game: AnyGame, values: Any) -> Cell:
    """One payoff of each player, in one cell."""
    return Cell(tuple(values.tolist()), number_list(values, noise(game)))


def interval(found: Estimate, *place: int) -> Cell:
    """An estimated number and its interval, in one cell."""
    mean, low, high = (float(part[place]) for part in (found.mean, found.low, found.high))
    return Cell(mean, f"{mean:.4g} [{low:.4g}, {high:.4g}]")


def noise(game: AnyGame) -> list[float]:
    """Return what is rounding among payoffs, power and regrets of each player: as little as certificates cannot tell.

    Examples
    --------
    >>> import powergames as pg
    >>> noise(pg.load("stag_hunt"))
    [4e-12, 4e-12]
    """
    if isinstance(game, DeterministicGame):
        largest = abs(game.reward_unit) * float(np.abs(game.rewards, dtype=np.float64).max())
        return [ROUNDING * largest] * game.n_players
    if isinstance(game, StochasticGame):
        lasting = 1.0 / np.where(game.discounts < 1.0, 1.0 - game.discounts, 1.0)
        size = np.where(game.reward_range > 0, game.reward_range, np.abs(game.reward_min)) * lasting
        return (np.maximum(ROUNDING, 16 * np.finfo(float).eps * lasting) * size).tolist()
    return (ROUNDING * np.where(game.payoff_range > 0, game.payoff_range, np.abs(game.payoff_min))).tolist()


def range_name(game: AnyGame) -> str:
    """Name the unit of scaled regrets."""
    return "payoff range" if isinstance(game, NormalFormGame) else "range of values"


def judgement(game: AnyGame, certificate: Certificate, at: str = "") -> str:
    """Say whether a profile is an equilibrium, how large its regret is, and where it is largest."""
    scaled = certificate.scaled_regrets
    place = tuple(int(k) for k in np.unravel_index(int(scaled.argmax()), scaled.shape))
    if isinstance(certificate, HorizonCertificate):
        names: Any = None if isinstance(game, NormalFormGame) else game.states
        state = state_text(names[int(certificate.states[place])])
        where = f"{printable(game.players[place[1]])} at step {place[0]} in {state}"
    else:
        where = printable(game.players[place[0]])
        if isinstance(game, StochasticGame):
            where += f" in {state_text(game.states[int(place[1])])}"
    said = "PASSED: an equilibrium" if certificate.passed else "FAILED: NOT an equilibrium"
    own, relative = float(certificate.regrets[place]), float(scaled[place])
    most = "at most " if certificate.bound == "upper" else ""
    size = f"{most}{own:.3g}, which is {relative:.3g} of the {range_name(game)}, for {where}{at and ', ' + at}"
    if certificate.passed and relative <= ROUNDING:
        size = f"0 of the {range_name(game)}"
    error = getattr(certificate, "scaled_error", 0.0)
    doubt = f" Rounding may put values off by {error:.1e} of that range." if error > certificate.tol else ""
    return f"{said} within tolerance {certificate.tol:g}; largest regret {size}.{doubt}"


def scope(certificate: StochasticCertificate) -> str:
    """Say which deviations a certificate covers."""
    if certificate.deviations == "all":
        return "No deviation of any kind gains more."
    return "No deviation in one state at one time gains more."


def title_of(game: AnyGame) -> str:
    """Return the title of a game, or that it has none."""
    return printable(game.title) or "Untitled game"


def heading(game: AnyGame, objective: PowerObjective, *, lam: bool = True) -> str:
    """Write the title of a game and the objective."""
    weight = f", λ = {lam_cell(objective).text}" if lam else ""
    return f"{title_of(game)}{weight}, {objective.description}"


def lam_cell(objective: PowerObjective, *, shown: bool = True) -> Cell:
    """Write λ as a decimal if that is short, else as a fraction if that is."""
    text = number_text(objective.lam)
    fraction = objective.exact_lam
    short = str(fraction) if Fraction(text) != fraction and fraction.denominator < 1000 else text
    return Cell(objective.lam, short if shown else "")


def strategy_text(game: NormalFormGame, player: int, strategy: Any) -> str:
    """Write a mixed strategy as ``0.25 stag + 0.75 hare``, a pure one as ``stag``; numbered actions are told apart."""
    return mixture_text(game.actions[player], strategy)
