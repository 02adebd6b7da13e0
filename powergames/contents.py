"""What power tables, equilibria, paths and learned policies show of themselves: their tables and sentences.

The sentences that several of them share are at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from powergames.display import (
    Block,
    Cell,
    Table,
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
)
from powergames.games.normal_form import NormalFormGame
from powergames.games.stochastic import StochasticGame

if TYPE_CHECKING:
    from powergames.auditing import Audit
    from powergames.certificates import Certificate
    from powergames.evaluation import Evaluation
    from powergames.learning import TrainingRun
    from powergames.objectives import PowerObjective
    from powergames.power import PowerTable
    from powergames.reporting import Report
    from powergames.results import Equilibrium, EquilibriumSet, Path, PathPoint, StochasticEquilibrium, Trace
    from powergames.stochastic_certificates import StochasticCertificate

Game = NormalFormGame | StochasticGame


def of_power(table: PowerTable) -> list[Block]:
    """Who holds how much power over whom."""
    return [
        title_of(table.game),
        power_rows(table),
        "Each row: what the others can take from this player by one action, and the action that does it.",
    ]


def power_rows(table: PowerTable) -> Table:
    """One row per player: strategy, expected payoff, and the power of each other player."""
    game = table.game
    rows = Table("player", "strategy", ">task", *(f">power of {printable(player)}" for player in game.players))
    for i, player in enumerate(game.players):
        cells = [
            power(value, own=i == j, by=game.actions[j][table.actions[i, j]] if i != j and value else "")
            for j, value in enumerate(table.values[i])
        ]
        rows.add_row(name(player), strategy_text(game, i, table.profile[i]), number(table.task[i]), *cells)
    return rows


def of_certificate(certificate: Certificate) -> list[Block]:
    """Regret of each player; in a stochastic game the greatest one over the states, and where it is."""
    by_state = certificate.regrets.ndim == 2
    table = Table(">player", *([">worst state"] if by_state else []), ">regret", ">relative to the range")
    for player, (own, scaled) in enumerate(zip(certificate.regrets, certificate.scaled_regrets, strict=True)):
        worst = int(scaled.argmax()) if by_state else None
        place = [] if worst is None else [Cell(worst, str(worst))]
        values = (own, scaled) if worst is None else (own[worst], scaled[worst])
        table.add_row(Cell(player, str(player)), *place, *map(regret, values))
    said = "PASSED" if certificate.passed else "FAILED"
    text = f"{said}: largest regret {regret_text(certificate.scaled_regret)} of the range, tolerance "
    return [table, f"{text}{certificate.tol:g}; {certificate.deviations} deviations, {certificate.bound} bound."]


def of_equilibrium(equilibrium: Equilibrium) -> list[Block]:
    """One equilibrium with its certificate."""
    steps = f", {counted(equilibrium.iterations, 'iteration')}" if equilibrium.iterations else ""
    return [
        heading(equilibrium.game, equilibrium.objective),
        _equilibria_table([equilibrium], ""),
        f"{verdict(equilibrium)} Method {equilibrium.method}{steps}.",
    ]


def of_set(found: EquilibriumSet) -> list[Block]:
    """All equilibria of a game, one table for each component."""
    components = found.components
    extreme, relation = ("extreme ", "spanned by") if found.game.n_players == 2 else ("", "with")
    tables = []
    for k, component in enumerate(components):
        size = f", {relation} {len(component)} equilibria" if len(component) > 1 else ""
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
        f"{total} in {sets}, {certified}: largest regret {regret_text(largest)} of the payoff range. "
        f"{_completeness(found)} Method {found.method}.",
        *sorted({verdict(equilibrium) for equilibrium in found if not equilibrium.converged}),
    ]


def frame_of_set(found: EquilibriumSet) -> list[Block]:
    """One row per player of each equilibrium, with the index of its component."""
    powers = _power_headers(found.game)
    table = Table("component", "equilibrium", "player", "strategy", ">task", *powers, ">utility", ">regret")
    for k, equilibrium in enumerate(found):
        inner = _equilibria_table([equilibrium], "")
        for row in inner.rows:
            table.add_row(Cell(equilibrium.component, str(equilibrium.component)), Cell(k, str(k)), *row)
    return [table]


def _completeness(found: EquilibriumSet) -> str:
    if found.complete:
        return "None is missing."
    if found.unresolved:
        return f"Others may lie in {counted(len(found.unresolved), 'region')} that could not be resolved."
    return "Some may be missing."


def _equilibria_table(equilibria: Sequence[Equilibrium], title: str) -> Table:
    """One row per player of each equilibrium."""
    game = equilibria[0].game
    several = len(equilibria) > 1
    columns = ["player", "strategy", ">task", *_power_headers(game), ">utility", ">regret"]
    table = Table(*(["#"] if several else []), *columns, title=title)
    for k, equilibrium in enumerate(equilibria):
        table.add_line()
        for i, player in enumerate(game.players):
            table.add_row(
                *([Cell(k + 1, "" if i else str(k + 1))] if several else []),
                name(player),
                strategy_text(game, i, equilibrium.profile[i]),
                number(equilibrium.task[i]),
                *_powers(game, i, equilibrium.power),
                number(equilibrium.utility[i]),
                regret(equilibrium.certificate.regrets[i]),
            )
    return table


def of_path(path: Path) -> list[Block]:
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
                cells += [_numbers(equilibrium.task), _numbers(aggregate)]
            cells.append(regret(certificate.max_regret if normal else certificate.scaled_regret))
            table.add_row(_lam(point.objective, shown=not k), *cells, equilibrium.status.name)
        if point.error is not None:
            table.add_row(_lam(point.objective), *[""] * (len(table.columns) - 2), printable(point.error))
    meaning = "Task and power are per player, power as the objective counts it."
    return [heading(game, path.points[0].objective, lam=False), table, f"{path_summary(path.points)} {meaning}"]


def frame_over_lam(
    game: Game, at: Iterable[tuple[PowerObjective, Sequence[Equilibrium | StochasticEquilibrium], str | None]]
) -> list[Block]:
    """One row per player of each equilibrium over λ, in a stochastic game from the start; failures as rows without."""
    table = Table("λ", "equilibrium", "player", "strategy", "task", "power", "utility", "scaled regret", "status")
    for objective, equilibria, error in at:
        lam, by_state = Cell(objective.lam, number_text(objective.lam)), isinstance(game, StochasticGame)
        for k, equilibrium in enumerate(equilibria):
            task, utility, held = _in_outline(equilibrium)
            for i, player in enumerate(game.players):
                strategy = strategy_text(game, i, equilibrium.profile[i]) if isinstance(game, NormalFormGame) else ""
                scaled = equilibrium.certificate.scaled_regrets[i]
                largest = scaled.max() if by_state else scaled
                numbers = number(task[i]), number(held[i]), number(utility[i]), regret(largest)
                table.add_row(lam, Cell(k, str(k)), name(player), strategy, *numbers, equilibrium.status.name)
        if error is not None:
            table.add_row(lam, *[Cell(None, "")] * 7, error)
    return [table]


def path_summary(points: Sequence[PathPoint]) -> str:
    """Say at how many λ of a sweep all is certified."""
    failed = [point for point in points if not point.converged]
    missing = sum(point.complete is False for point in points)
    doubt = [f"Some equilibria may be missing at {missing} of them."] if missing else []
    if not failed:
        return " ".join([f"{counted(len(points), 'point')}, all certified.", *doubt])
    advice = sorted({verdict(e) for point in points for e in point.equilibria if not e.converged})
    return " ".join([f"{len(failed)} of {len(points)} points without a certified equilibrium.", *advice, *doubt])


def of_report(report: Report, file: str) -> list[Block]:
    """Where a page is, and what is on it."""
    shown = report.document["points"]
    lams = [point["objective"]["lam"] for point in shown]
    span = number_text(lams[0]) if len(lams) == 1 else f"{number_text(min(lams))} to {number_text(max(lams))}"
    every = "all equilibria at" if report.document["report"]["all_equilibria"] else "equilibria at"
    return [
        f"{printable(file)}: {printable(report.document['report']['title'])}, {every} "
        f"{counted(len(lams), 'value')} of λ, {span}; {len(report.html) / 1e6:.2f} MB.",
        path_summary(report.path.points),
    ]


def of_trace(trace: Trace) -> list[Block]:
    """Where a trace begins and ends, and what happens at each critical λ on the way."""
    game = trace.game
    table = Table("λ", *_outline_headers(game), "what happens")

    def add_row(equilibrium: Equilibrium | StochasticEquilibrium, text: str) -> None:
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
    if trace.points:
        tol = trace[0].certificate.tol
        scale = "payoff range" if isinstance(game, NormalFormGame) else "range of values"
        sentences.append(f"Every point on the way is certified: no regret above {tol:g} of the {scale}.")
    if trace.events:
        sentences.append("Each critical λ is known within a bracket of 1e-9.")
    if not trace.converged:
        sentences.append(f"{trace.status.name}: {trace.status.value}")
    return [heading(game, trace.objective, lam=False), table, " ".join(sentences)]


def _outline_headers(game: Game) -> list[str]:
    """Name the columns of `_outline`."""
    if isinstance(game, NormalFormGame):
        return [printable(player) for player in game.players]
    return [">task from the start", ">power in states visited"]


def _outline(equilibrium: Equilibrium | StochasticEquilibrium) -> list[Cell | str]:
    """Write the strategies; in a stochastic game what they are worth from the start on, and the power on the way."""
    game = equilibrium.game
    if isinstance(game, NormalFormGame):
        return [strategy_text(game, i, strategy) for i, strategy in enumerate(equilibrium.profile)]
    task, _, held = _in_outline(equilibrium)
    return [_numbers(task), _numbers(held)]


def _in_outline(equilibrium: Equilibrium | StochasticEquilibrium) -> tuple[Any, Any, Any]:
    """Task value, utility and power as the objective counts it, each of shape (n,); from the start where it matters."""
    aggregate = equilibrium.objective.aggregate_power
    if isinstance(equilibrium.game, NormalFormGame):
        return equilibrium.task, equilibrium.utility, aggregate(equilibrium.power)
    evaluation = equilibrium.evaluation
    return evaluation.start_task, evaluation.start_utility, aggregate(evaluation.average_power)


def of_stochastic(equilibrium: StochasticEquilibrium, most: int | None) -> list[Block]:
    """A stationary equilibrium of a stochastic game with its certificate, state by state."""
    return [
        heading(equilibrium.game, equilibrium.objective),
        states_table(equilibrium.evaluation, equilibrium.certificate, first(equilibrium.game, most)),
        *_from_start(equilibrium.evaluation, most),
        f"{verdict(equilibrium)} {scope(equilibrium.certificate)} Method {equilibrium.method}, "
        f"{counted(equilibrium.iterations, 'step')}.",
    ]


def of_evaluation(evaluation: Evaluation, most: int | None) -> list[Block]:
    """What a stationary profile is worth and who holds how much power, state by state."""
    table = states_table(evaluation, None, first(evaluation.game, most))
    return [title_of(evaluation.game), table, *_from_start(evaluation, most)]


def of_run(run: TrainingRun, most: int | None) -> list[Block]:
    """Learned policies, how far they are from an equilibrium, and how the run went."""
    history = Table(">steps", ">task", ">power", ">scaled regret")
    for point in run.history[-1::-4][::-1]:
        history.add_row(
            Cell(point.steps, f"{point.steps:,}"), _numbers(point.task), _numbers(point.power), regret(point.regret)
        )
    policies = tuple(policy.round(3) for policy in run.policies)
    if run.evaluation is None:
        shown: list[Block] = [_policies_table(run, policies)]
    else:
        certificate = cast("StochasticCertificate", run.certificate)
        rounded = replace(run.evaluation, profile=policies)
        shown = [
            states_table(rounded, certificate, first(rounded.game, most)),
            *_from_start(run.evaluation, most),
        ]
    scale = "payoff range" if run.evaluation is None else "range of values"
    cut = "" if run.stopped is None else f" {run.stopped.name}: the run was cut short."
    return [
        heading(run.game, run.objective),
        *shown,
        *([history] if run.history else []),
        f"Learned by {run.algorithm} in {run.steps:,} steps, seed {run.seed}; largest regret "
        f"{float(run.certificate.scaled_regret):.3g} of the {scale}.{cut}",
    ]


def of_runs(runs: Sequence[TrainingRun], files: Sequence[str]) -> list[Block]:
    """What each of many runs learned, how far it is from an equilibrium, and the mean."""
    table = Table(">seed", ">task", ">power", ">scaled regret", "within tolerance", "policies")
    points = [run.summary for run in runs]
    for run, point, file in zip(runs, points, files, strict=True):
        verdict = "yes" if run.certificate.passed else "no"
        if run.stopped is not None:
            verdict += f", {run.stopped.name} after {run.steps:,} steps"
        table.add_row(
            str(run.seed), _numbers(point.task), _numbers(point.power), regret(point.regret), verdict, name(file)
        )
    table.add_line()
    means = (_numbers(np.mean([getattr(point, key) for point in points], axis=0)) for key in ("task", "power"))
    table.add_row("mean", *means, regret(float(np.mean([point.regret for point in points]))), "", "")
    chosen = runs[0]
    passed = sum(run.certificate.passed for run in runs)
    return [
        heading(chosen.game, chosen.objective),
        table,
        f"Learned by {chosen.algorithm} in {chosen.parameters['steps']:,} steps each; {passed} of "
        f"{counted(len(runs), 'run')} within tolerance {chosen.certificate.tol:g}; largest regret "
        f"{max(point.regret for point in points):.3g} of the range.",
    ]


def _policies_table(run: TrainingRun, policies: Sequence[Any]) -> Table:
    """One row for each player of a normal-form game."""
    game = cast("NormalFormGame", run.game)
    table = Table("player", "strategy", ">task", *_power_headers(game), ">utility", ">regret")
    for i, player in enumerate(game.players):
        table.add_row(
            name(player),
            strategy_text(game, i, policies[i]),
            number(run.task[i]),
            *_powers(game, i, run.power),
            number(run.utility[i]),
            regret(run.certificate.regrets[i]),
        )
    return table


def first(game: StochasticGame, most: int | None) -> Sequence[int]:
    """Return the first states, as many as are shown."""
    return range(game.n_states if most is None else min(game.n_states, most))


def states_table(values: Evaluation | Audit, certificate: StochasticCertificate | None, states: Sequence[int]) -> Table:
    """One row for each player of each of the states."""
    game = cast("StochasticGame", values.game)
    regrets = [] if certificate is None else [">utility", ">regret"]
    table = Table("state", "player", "strategy", ">task", *_power_headers(game), *regrets)
    for s in states:
        table.add_line()
        for i, player in enumerate(game.players):
            actions = game.action_names(s, i)
            cells: list[Cell] = _powers(game, i, values.power[s])
            if certificate is not None:
                cells += [number(values.utility[i, s]), regret(certificate.regrets[i, s])]
            strategy = mixture_text(actions, values.profile[i][s, : len(actions)])
            table.add_row(name(game.states[s], shown=i == 0), name(player), strategy, number(values.task[i, s]), *cells)
    return table


def _from_start(evaluation: Evaluation, most: int | None) -> Iterator[str]:
    """What is left to say about many states, and about the values from the start distribution."""
    game = evaluation.game
    hidden = game.n_states - len(first(game, most))
    if hidden:
        yield f"... and {counted(hidden, 'more state', 'more states')}; {WHERE_ALL}"
    average = evaluation.objective.aggregate_power(evaluation.average_power)
    yield (
        f"From the start: task {number_list(evaluation.start_task)}; power over each player, averaged over the states "
        f"visited: {number_list(average)}."
    )


# Where to find what is not shown.
WHERE_ALL = "--json or to_dataframe() has all."


def _power_headers(game: Game) -> list[str]:
    return [f">power of {printable(player)}" for player in game.players] if game.n_players > 1 else []


def _powers(game: Game, ego: int, values: Any) -> list[Cell]:
    """Cells with what each player can take from one; none where there is one player only."""
    return [power(value, own=ego == j) for j, value in enumerate(values[ego])] if game.n_players > 1 else []


def _numbers(values: Any) -> Cell:
    return Cell(tuple(values.tolist()), number_list(values))


def scope(certificate: StochasticCertificate) -> str:
    """Say which deviations a certificate covers."""
    if certificate.deviations == "all":
        return "No deviation of any kind gains more."
    return "No deviation in one state at one time gains more."


def title_of(game: Game) -> str:
    """Return the title of a game, or that it has none."""
    return printable(game.title) or "Untitled game"


def heading(game: Game, objective: PowerObjective, *, lam: bool = True) -> str:
    """Write the title of a game and the objective."""
    weight = f", λ = {_lam(objective).text}" if lam else ""
    return f"{title_of(game)}{weight}, {objective.aggregate} of power, {objective.form} form"


def _lam(objective: PowerObjective, *, shown: bool = True) -> Cell:
    """Write λ as a decimal if that is short, else as a fraction if that is."""
    text = number_text(objective.lam)
    fraction = objective.exact_lam
    short = str(fraction) if Fraction(text) != fraction and fraction.denominator < 1000 else text
    return Cell(objective.lam, short if shown else "")


def verdict(equilibrium: Equilibrium | StochasticEquilibrium) -> str:
    """Return the status and what it means."""
    return f"{equilibrium.status.name}: {equilibrium.status.value}"


def strategy_text(game: NormalFormGame, player: int, strategy: Any) -> str:
    """Write a mixed strategy as ``0.25 stag + 0.75 hare``, a pure one as ``stag``; numbered actions are told apart."""
    return mixture_text(game.actions[player], strategy)
