"""What equilibria, sweeps and traces show of themselves: their tables and sentences."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

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
    regret,
    regret_text,
)
from powergames.games.kinds import AnyGame
from powergames.games.normal_form import NormalFormGame
from powergames.objectives import with_lam
from powergames.presentation.shared import (
    WHERE_ALL,
    first,
    from_start,
    heading,
    judgement,
    lam_cell,
    noise,
    numbers_cell,
    power_cells,
    power_headers,
    range_name,
    scope,
    states_table,
    strategy_text,
    title_of,
)
from powergames.results.bifurcations import Bifurcations
from powergames.results.correlated import CorrelatedEquilibrium
from powergames.results.equilibria import Equilibrium, StochasticEquilibrium
from powergames.results.horizons import HorizonEquilibrium
from powergames.results.many import ManyEquilibria
from powergames.results.sets import EquilibriumSet, StochasticEquilibriumSet
from powergames.results.stability import Stability
from powergames.results.status import Status
from powergames.results.sweeps import Sweep, SweepPoint
from powergames.results.traces import Trace

if TYPE_CHECKING:
    from powergames.objectives import PowerObjective


AnyEquilibrium = Equilibrium | StochasticEquilibrium | HorizonEquilibrium


@blocks.register(Equilibrium)
def of_equilibrium(equilibrium: Equilibrium, most: int | None = MOST) -> list[Block]:
    """One equilibrium with its certificate."""
    steps = f", {counted(equilibrium.iterations, 'iteration')}" if equilibrium.iterations else ""
    return [
        heading(equilibrium.game, equilibrium.objective),
        _equilibria_table([equilibrium], ""),
        f"{verdict(equilibrium)} Method {equilibrium.method}{steps}.",
        *failures([equilibrium]),
    ]


@blocks.register(EquilibriumSet)
def of_set(
    found: EquilibriumSet, most: int | None = MOST, stabilities: Sequence[Stability] | None = None
) -> list[Block]:
    """All equilibria of a game, one table for each component, and how those that are alone in one stand if known."""
    kinds = {id(each.equilibrium): stability_text(each) for each in stabilities or ()}
    components = found.components
    extreme = "extreme " if found.extreme else ""
    relation = "spanned by" if extreme and not found.unresolved else "with"
    tables = []
    for k, component in enumerate(components):
        size = f", {relation} {len(component)} equilibria" if len(component) > 1 else ""
        if not size and id(component[0]) in kinds:
            size = f": {kinds[id(component[0])]}"
        tables.append(_equilibria_table(component, f"Component {k + 1} of {len(components)}{size}"))
    total = counted(len(found), f"{extreme}equilibrium", f"{extreme}equilibria")
    failed = sum(not equilibrium.converged for equilibrium in found)
    if not found:
        return [heading(found.game, found.objective), f"No equilibrium was found. {_completeness(found)}"]
    certified = f"{failed} NOT certified" if failed else "all certified"
    largest = max(float(equilibrium.certificate.scaled_regret) for equilibrium in found)
    sets = counted(len(components), "component")
    return [
        heading(found.game, found.objective),
        *tables,
        *_sets_tables(found),
        f"{total} in {sets}, {certified}: largest regret {regret_text(largest, ROUNDING)} of the payoff range. "
        f"{_completeness(found)} Method {found.method}.",
        *sorted({verdict(equilibrium) for equilibrium in found if not equilibrium.converged}),
        *failures(found),
    ]


@frame.register(EquilibriumSet)
def frame_of_set(found: EquilibriumSet) -> list[Block]:
    """One row per player of each equilibrium, with the index of its component and of its interchangeable sets."""
    powers = power_headers(found.game)
    table = Table("component", "sets", "equilibrium", "player", "strategy", ">task", *powers, ">utility", ">regret")
    for k, equilibrium in enumerate(found):
        sets = name(", ".join(str(s) for s, positions in enumerate(found.interchangeable) if k in positions))
        inner = _equilibria_table([equilibrium], "")
        for row in inner.rows:
            table.add_row(Cell(equilibrium.component, str(equilibrium.component)), sets, Cell(k, str(k)), *row)
    return [table]


@blocks.register(ManyEquilibria)
def of_many(found: ManyEquilibria, most: int | None = MOST) -> list[Block]:
    """One row per game, and how many of them are certified."""
    players = range(found.payoffs.shape[1])
    headers = [f"{what} {i}" for i in players for what in ("strategy of", ">task of", ">power over")]
    table = Table(">game", *headers, ">regret", "certified")
    shown = range(len(found) if most is None else min(len(found), most))
    held = found.objective.aggregate_power(found.power)
    actions = [[str(action) for action in range(size)] for size in found.payoffs.shape[2:]]
    for b in shown:
        cells: list[Cell | str] = []
        for i in players:
            cells += [mixture_text(actions[i], found.profile[i][b]), number(found.task[b, i]), number(held[b, i])]
        table.add_row(Cell(b, str(b)), *cells, regret(found.regret[b], ROUNDING), _yes(bool(found.certified[b])))
    objective = found.objective
    title = f"{counted(len(found), 'game')}, λ = {lam_cell(objective).text}, {objective.aggregate_name} of power"
    hidden = len(found) - len(shown)
    failed = int((~found.certified).sum())
    return [
        title,
        table,
        *([f"... and {counted(hidden, 'more game', 'more games')}; to_dataframe() has all."] if hidden else []),
        "All are certified." if not failed else f"{counted(failed, 'game')} NOT certified: {found.status.value}",
    ]


@blocks.register(Bifurcations)
def of_bifurcations(found: Bifurcations, most: int | None = MOST) -> list[Block]:
    """The branches of equilibria, with the profile in the middle of each, and the breakpoints."""
    game, objective = found.game, found.objective

    def cell(lam: Fraction) -> Cell:
        return lam_cell(with_lam(objective, lam))

    table = Table(">λ from", ">to", *(f"{printable(player)}, in the middle" for player in game.players), keys=2)
    for branch in found.branches[:most]:
        profile = branch.at(branch.middle)
        strategies = [strategy_text(game, i, strategy.astype(float)) for i, strategy in enumerate(profile)]
        table.add_row(cell(branch.lo), cell(branch.hi), *strategies)
    hidden = len(found) - len(table.rows)
    special = ", ".join(f"{len(point)} at λ = {cell(point.objective.exact_lam).text}" for point in found.points)
    return [
        heading(game, objective, lam=False),
        table,
        *([f"... and {counted(hidden, 'more branch', 'more branches')}; to_dataframe() has all."] if hidden else []),
        f"Breakpoints: {', '.join(cell(lam).text for lam in found.breakpoints)}. Extreme equilibria: {special}.",
        f"{'None is missing.' if found.complete else 'Some may be missing.'} {found.status.name}: {found.status.value}",
    ]


@blocks.register(Stability)
def of_stability(found: Stability, most: int | None = MOST) -> list[Block]:
    """The equilibrium in a line, and its properties."""
    table = Table(*found.to_dict())
    texts = {True: "yes", False: "no", None: "-"}
    cells = {name: texts[value] for name, value in found.to_dict().items() if name != "index"}
    cells["index"] = "-" if found.index is None else f"{found.index:+d}"
    table.add_row(*(cells[name] for name in found.to_dict()))
    return [heading(found.equilibrium.game, found.equilibrium.objective), table]


@blocks.register(CorrelatedEquilibrium)
def of_correlated(found: CorrelatedEquilibrium, most: int | None = MOST) -> list[Block]:
    """What each player gets, and the joint actions that are recommended, the most probable ones first."""
    game, rounding = found.game, noise(found.game)
    table = Table("player", ">task", *power_headers(game), ">charged", ">utility", ">regret")
    for i, player in enumerate(game.players):
        table.add_row(
            name(player),
            number(found.task[i], rounding[i]),
            *power_cells(game, i, found.power, rounding[i]),
            number(found.charged[i], rounding[i]),
            number(found.utility[i], rounding[i]),
            regret(found.certificate.regrets[i], rounding[i]),
        )
    flat = found.probabilities.reshape(-1)
    used = np.flatnonzero(flat > ROUNDING)
    order = used[np.argsort(-flat[used], kind="stable")][:most]
    joint = Table(*(printable(player) for player in game.players), ">probability")
    for position in order:
        actions = np.unravel_index(position, game.n_actions)
        cells = [name(game.actions[i][action]) for i, action in enumerate(actions)]
        joint.add_row(*cells, number(flat[position]))
    hidden = len(used) - len(order)
    kind = "Coarse correlated" if found.coarse else "Correlated"
    return [
        heading(game, found.objective),
        table,
        joint,
        *([f"... and {counted(hidden, 'more joint action')}; to_dict() has all."] if hidden else []),
        f"{found.status.name}: {kind}; "
        + ("nobody gains by disobeying." if found.certificate.passed else "somebody gains by disobeying."),
    ]


def _yes(value: bool) -> Cell:
    return Cell(value, "yes" if value else "NO")


def _nothing_missing(distance: float) -> str:
    if not distance:
        return "None is missing."
    # Rounded up.
    unit = 10.0 ** math.floor(math.log10(distance))
    return f"None is farther than {math.ceil(distance / unit) * unit:.1g} from these, in any probability."


def _completeness(found: EquilibriumSet) -> str:
    if found.complete:
        return _nothing_missing(found.distance)
    missing = "Some may be missing"
    if found.unresolved:
        missing = f"Others may lie in {counted(len(found.unresolved), 'region')} that could not be resolved"
    if found.status is Status.TIME_LIMIT:
        return f"TIME_LIMIT: {missing}, because the time limit was reached; raise it, or use solve to find one."
    return f"{missing}; use solve to find one." if not found else f"{missing}."


def stability_text(found: Stability) -> str:
    """Say in a few words how an equilibrium stands."""
    if found.strict:
        return "strict"
    return "not regular" if found.index is None else f"regular, index {found.index:+d}".replace("-", "−")


def _sets_tables(found: EquilibriumSet) -> list[Block]:
    """Say in words what everybody plays in interchangeable sets, and in regions that could not be resolved."""
    game = found.game
    tables: list[Block] = []
    several = [positions for positions in found.interchangeable if len(positions) > 1]
    if several and game.n_players > 2:
        table = Table("component", *map(printable, game.players), title="Sets of equilibria: each player plays")
        for positions in sorted(several, key=lambda positions: found[positions[0]].component):
            component = found[positions[0]].component + 1
            strategies = [list({tuple(found[k].profile[i]): None for k in positions}) for i in range(game.n_players)]
            texts = [_polytope_text(game, i, own) for i, own in enumerate(strategies)]
            table.add_row(Cell(component, str(component)), *texts)
        tables.append(table)
    if found.unresolved:
        table = Table(*map(printable, game.players), title="Regions that could not be resolved: each player plays")
        for lower, upper in found.unresolved:
            table.add_row(*(_box_text(game, i, *own) for i, own in enumerate(zip(lower, upper, strict=True))))
        tables.append(table)
    return tables


def _polytope_text(game: NormalFormGame, player: int, extreme: Sequence[tuple[Any, ...]]) -> str:
    """Say what is played in a polytope of strategies."""
    texts = [strategy_text(game, player, strategy) for strategy in extreme]
    if len(texts) == 1:
        return texts[0]
    if all(max(strategy) == 1 for strategy in extreme):
        return "anything" if len(texts) == game.n_actions[player] else f"any mixture of {', '.join(texts)}"
    return " to ".join(texts) if len(texts) == 2 else f"any mixture of {'; '.join(texts)}"


def _box_text(game: NormalFormGame, player: int, lower: np.ndarray, upper: np.ndarray) -> str:
    """Say what is played between bounds on probabilities."""
    if (lower == 0).all() and (upper == 1).all() and len(lower) > 1:
        return "anything"
    actions = [printable(action) for action in game.actions[player]]
    texts = []
    for action, least, most in zip(actions, lower, upper, strict=True):
        if least == most == 1:
            return action
        if most > 0:
            share = number_text(least, ROUNDING)
            share = share if least == most else f"{share} to {number_text(most, ROUNDING)}"
            texts.append(f"{share} {'action ' if action.isdecimal() else ''}{action}")
    return ", ".join(texts)


def _equilibria_table(equilibria: Sequence[Equilibrium], title: str) -> Table:
    """One row per player of each equilibrium."""
    game = equilibria[0].game
    rounding = noise(game)
    several = len(equilibria) > 1
    columns = ["player", "strategy", ">task", *power_headers(game), ">utility", ">regret"]
    table = Table(*(["#"] if several else []), *columns, title=title, keys=2 if several else 1)
    for k, equilibrium in enumerate(equilibria):
        table.add_line()
        for i, player in enumerate(game.players):
            table.add_row(
                *([Cell(k + 1, "" if i else str(k + 1))] if several else []),
                name(player),
                strategy_text(game, i, equilibrium.profile[i]),
                number(equilibrium.task[i], rounding[i]),
                *power_cells(game, i, equilibrium.power, rounding[i]),
                number(equilibrium.utility[i], rounding[i]),
                regret(equilibrium.certificate.regrets[i], rounding[i]),
            )
    return table


@blocks.register(StochasticEquilibrium)
def of_stochastic(equilibrium: StochasticEquilibrium, most: int | None = MOST) -> list[Block]:
    """A stationary equilibrium of a stochastic game with its certificate, state by state."""
    covered = f" {scope(equilibrium.certificate)}" if equilibrium.converged else ""
    return [
        heading(equilibrium.game, equilibrium.objective),
        states_table(equilibrium.evaluation, equilibrium.certificate, first(equilibrium.game, most)),
        *from_start(equilibrium.evaluation, most),
        f"{verdict(equilibrium)}{covered} Method {equilibrium.method}, {counted(equilibrium.iterations, 'step')}.",
        *failures([equilibrium]),
    ]


@blocks.register(StochasticEquilibriumSet)
def of_stochastic_set(found: StochasticEquilibriumSet, most: int | None = MOST) -> list[Block]:
    """All equilibria of a stochastic game, one table for each, as long as they are not too many."""
    game, total = found.game, len(found)
    states = first(game, most)
    shown = total if most is None else min(total, max(1, most // len(states)))
    tables = [
        states_table(each.evaluation, each.certificate, states, f"Equilibrium {k + 1} of {total}")
        for k, each in enumerate(found[:shown])
    ]
    hidden = []
    if tables and game.n_states > len(states):
        hidden.append(f"... and {counted(game.n_states - len(states), 'more state')} of each; {WHERE_ALL}")
    if total > shown:
        hidden.append(f"... and {counted(total - shown, 'more equilibrium', 'more equilibria')}; {WHERE_ALL}")
    if found.complete:
        missing = _nothing_missing(found.distance)
    elif found.pure_complete:
        missing = "No pure one is missing; there may be mixed ones."
    else:
        missing = f"Some may be missing. {found.status.name}: {found.status.value}"
    if not total:
        return [heading(game, found.objective), f"No pure equilibrium was found. {missing} Use solve to find one."]
    largest = max(each.certificate.scaled_regret for each in found)
    return [
        heading(game, found.objective),
        *tables,
        *hidden,
        f"{found.summary}, all certified: largest regret "
        f"{regret_text(largest, ROUNDING)} of the {range_name(game)}. {scope(found[0].certificate)} {missing} "
        f"Method {found.method}.",
    ]


@blocks.register(Sweep)
def of_path(path: Sweep, most: int | None = MOST) -> list[Block]:
    """The equilibria at each λ of a sweep, one row each."""
    game = path.game
    if not path.points:
        return [title_of(game), "No λ."]
    normal = isinstance(game, NormalFormGame)
    numbers = [">task", ">power", ">regret"] if normal else [">scaled regret"]
    table = Table("λ", *_outline_headers(game), *numbers, "status")
    for point in path:
        for k, equilibrium in enumerate(point.equilibria):
            certificate, cells = equilibrium.certificate, _outline(equilibrium)
            if normal:
                aggregate = equilibrium.objective.aggregate_power(equilibrium.power)
                cells += [numbers_cell(game, equilibrium.task), numbers_cell(game, aggregate)]
            largest, scaled = certificate.max_regret, certificate.scaled_regret
            cells.append(regret(largest if normal else scaled, largest if scaled <= ROUNDING else 0.0))
            table.add_row(lam_cell(point.objective, shown=not k), *cells, equilibrium.status.name)
        if point.error is not None:
            table.add_row(lam_cell(point.objective), *[""] * (len(table.columns) - 2), printable(point.error))
    meaning = "Task and power are per player, power as the objective counts it."
    summary, *failed = path_summary(path.points)
    lasting = "" if path.horizon is None else f", {counted(path.horizon, 'step')}"
    title = heading(game, path.points[0].objective, lam=False) + lasting
    return [title, table, f"{summary} {meaning}", *failed]


@frame.register(Sweep)
def frame_of_path(path: Sweep) -> list[Block]:
    """One row for each player of each equilibrium, with its λ."""
    return _frame_over_lam(path.game, ((p.objective, p.equilibria, p.error) for p in path.points))


@frame.register(Trace)
def frame_of_trace(trace: Trace) -> list[Block]:
    """One row for each player of each equilibrium on the way, with its λ."""
    return _frame_over_lam(trace.game, ((point.objective, [point], None) for point in trace.points))


def _frame_over_lam(
    game: AnyGame, at: Iterable[tuple[PowerObjective, Sequence[AnyEquilibrium], str | None]]
) -> list[Block]:
    """One row per player of each equilibrium over λ, in a stochastic game from the start; failures as rows without."""
    table = Table("λ", "equilibrium", "player", "strategy", "task", "power", "utility", "scaled regret", "status")
    rounding = noise(game)
    for objective, equilibria, error in at:
        lam, by_state = Cell(objective.lam, number_text(objective.lam)), not isinstance(game, NormalFormGame)
        for k, equilibrium in enumerate(equilibria):
            task, utility, held = _in_outline(equilibrium)
            for i, player in enumerate(game.players):
                strategy = strategy_text(game, i, equilibrium.profile[i]) if isinstance(game, NormalFormGame) else ""
                scaled = equilibrium.certificate.scaled_regrets
                scaled = scaled[:, i] if isinstance(equilibrium, HorizonEquilibrium) else scaled[i]
                largest = scaled.max() if by_state else scaled
                numbers = (number(value, rounding[i]) for value in (task[i], held[i], utility[i]))
                cells = *numbers, regret(largest, ROUNDING)
                table.add_row(lam, Cell(k, str(k)), name(player), strategy, *cells, equilibrium.status.name)
        if error is not None:
            table.add_row(lam, *[Cell(None, "")] * 7, error)
    return [table]


def path_summary(points: Sequence[SweepPoint]) -> list[str]:
    """Say at how many λ of a sweep all is certified; then, if anything is not, the worst of it."""
    failed = [point for point in points if not point.converged]
    missing = sum(point.complete is False for point in points)
    doubt = [f"Some equilibria may be missing at {missing} of them."] if missing else []
    if not failed:
        return [" ".join([f"{counted(len(points), 'point')}, all certified.", *doubt])]
    found = [equilibrium for point in points for equilibrium in point.equilibria]
    advice = sorted({verdict(equilibrium) for equilibrium in found if not equilibrium.converged})
    summary = " ".join([f"{len(failed)} of {len(points)} points without a certified equilibrium.", *advice, *doubt])
    return [summary, *(failures(found, over_lam=True) or ["FAILED: no equilibrium was found there."])]


@blocks.register(Trace)
def of_trace(trace: Trace, most: int | None = MOST) -> list[Block]:
    """Where a trace begins and ends, and what happens at each critical λ on the way."""
    game = trace.game
    table = Table("λ", *_outline_headers(game), "what happens")

    def add_row(equilibrium: AnyEquilibrium, text: str) -> None:
        lam = equilibrium.objective.lam
        table.add_row(Cell(lam, f"{lam:.10g}"), *_outline(equilibrium), printable(text))

    def ending(text: str) -> str:
        return text.replace("lambda", "λ")

    if trace.points:
        add_row(trace[0], ending(trace.ends[0]))
    for event in trace.events:
        for k, equilibrium in enumerate(event.equilibria):
            add_row(equilibrium, "the same set" if k else event.text())
    if len(trace) > 1:
        add_row(trace[-1], ending(trace.ends[1]))
    sentences = []
    failed = failures(trace, over_lam=True)
    if trace.points and not failed:
        tol = trace[0].certificate.tol
        sentences.append(f"Every point on the way is certified: no regret above {tol:g} of the {range_name(game)}.")
    if trace.events:
        sentences.append("Each critical λ is known within a bracket of 1e-9.")
    if not trace.converged:
        sentences.append(f"{trace.status.name}: {trace.status.value}")
        lost = "the path was not followed to its ends" if trace.points else "no equilibrium was found to start from"
        failed = failed or [f"FAILED: {lost}."]
    return [heading(game, trace.objective, lam=False), table, " ".join(sentences), *failed]


def _outline_headers(game: AnyGame) -> list[str]:
    """Name the columns of `_outline`."""
    if isinstance(game, NormalFormGame):
        return [printable(player) for player in game.players]
    return [">task from the start", ">power in states visited"]


def _outline(equilibrium: AnyEquilibrium) -> list[Cell | str]:
    """Write the strategies; in a stochastic game what they are worth from the start on, and the power on the way."""
    game = equilibrium.game
    if isinstance(game, NormalFormGame):
        return [strategy_text(game, i, strategy) for i, strategy in enumerate(equilibrium.profile)]
    task, _, held = _in_outline(equilibrium)
    return [numbers_cell(game, task), numbers_cell(game, held)]


def _in_outline(equilibrium: AnyEquilibrium) -> tuple[Any, Any, Any]:
    """Task value, utility and power as the objective counts it, each of shape (n,); from the start where it matters."""
    aggregate = equilibrium.objective.aggregate_power
    if isinstance(equilibrium.game, NormalFormGame):
        return equilibrium.task, equilibrium.utility, aggregate(equilibrium.power)
    evaluation = equilibrium.evaluation
    return evaluation.start_task, evaluation.start_utility, aggregate(evaluation.average_power)


def verdict(equilibrium: AnyEquilibrium) -> str:
    """Return the status and what it means."""
    return f"{equilibrium.status.name}: {equilibrium.status.value}"


def failures(found: Iterable[AnyEquilibrium], *, over_lam: bool = False) -> list[str]:
    """Say of the worst profile that is not certified how far it is from an equilibrium; nothing if all are."""
    failed = [equilibrium for equilibrium in found if not equilibrium.converged]
    if not failed:
        return []
    worst = max(failed, key=lambda equilibrium: equilibrium.certificate.scaled_regret)
    at = f"at λ = {lam_cell(worst.objective).text}" if over_lam else ""
    return [judgement(worst.game, worst.certificate, at)]
