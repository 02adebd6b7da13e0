"""What the command line prints for people: tables, verdicts, and a progress line."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from powergames.auditing import Audit
    from powergames.evaluation import Evaluation
    from powergames.games.normal_form import NormalFormGame
    from powergames.games.stochastic import StochasticGame
    from powergames.learning import TrainingRun
    from powergames.objectives import PowerObjective
    from powergames.power import PowerTable
    from powergames.reporting import Report
    from powergames.results import (
        Callback,
        Equilibrium,
        EquilibriumSet,
        Path,
        PathPoint,
        StochasticEquilibrium,
        Trace,
    )
    from powergames.stochastic_certificates import StochasticCertificate

# States that are printed one by one.
MOST_STATES = 30

# Width of tables that go to a file or a pipe, where nothing needs to be folded.
UNBOUNDED = 100_000


@contextmanager
def progress() -> Iterator[Callback | None]:
    """Yield a callback that keeps one line of stderr up to date, if that is a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    shown_at = time.monotonic()
    width = 0

    def report(stage: str, done: int, total: int) -> None:
        nonlocal shown_at, width
        now = time.monotonic()
        if now - shown_at < 0.2:
            return
        text = f"{stage}: {done:,}" + (f" of {total:,}" if total else "")
        sys.stderr.write("\r" + text.ljust(width))
        sys.stderr.flush()
        shown_at, width = now, len(text)

    try:
        yield report
    finally:
        if width:
            sys.stderr.write("\r" + " " * width + "\r")
            sys.stderr.flush()


def print_equilibrium(equilibrium: Equilibrium) -> None:
    """Print one equilibrium with its certificate."""
    steps = f", {counted(equilibrium.iterations, 'iteration')}" if equilibrium.iterations else ""
    print_blocks(
        heading(equilibrium.game, equilibrium.objective),
        _equilibria_table([equilibrium], ""),
        f"{_verdict(equilibrium)} Method {equilibrium.method}{steps}.",
    )


def print_set(found: EquilibriumSet) -> None:
    """Print all equilibria of a game, one table for each component."""
    components = found.components
    extreme, relation = ("extreme ", "spanned by") if found.game.n_players == 2 else ("", "with")
    tables = []
    for k, component in enumerate(components):
        size = f", {relation} {len(component)} equilibria" if len(component) > 1 else ""
        tables.append(_equilibria_table(component, f"Component {k + 1} of {len(components)}{size}"))
    number = counted(len(found), f"{extreme}equilibrium", f"{extreme}equilibria")
    failed = sum(not equilibrium.converged for equilibrium in found)
    if not found:
        print_blocks(heading(found.game, found.objective), f"No equilibrium was found. {_completeness(found)}")
        return
    verdict = f"{failed} NOT certified" if failed else "all certified"
    largest = max((float(equilibrium.certificate.scaled_regret) for equilibrium in found), default=0.0)
    print_blocks(
        heading(found.game, found.objective),
        *tables,
        f"{number} in {counted(len(components), 'component')}, {verdict}: largest regret {regret_text(largest)} of the "
        f"payoff range. {_completeness(found)} Method {found.method}.",
        *sorted({_verdict(equilibrium) for equilibrium in found if not equilibrium.converged}),
    )


def _completeness(found: EquilibriumSet) -> str:
    if found.complete:
        return "None is missing."
    if found.unresolved:
        return f"Others may lie in {counted(len(found.unresolved), 'region')} that could not be resolved."
    return "Some may be missing."


def print_path(path: Path) -> None:
    """Print the equilibria at each λ of a sweep, one row each."""
    from powergames.games.normal_form import NormalFormGame

    game = path.game
    normal = isinstance(game, NormalFormGame)
    numbers = [">task", ">power", ">regret"] if normal else [">scaled regret"]
    table = start_table(lam_letter(), *_outline_columns(game), *numbers, "status")
    for point in path:
        for k, equilibrium in enumerate(point.equilibria):
            certificate, cells = equilibrium.certificate, _outline(equilibrium)
            if normal:
                power = equilibrium.objective.aggregate_power(equilibrium.power)
                cells += [number_list(equilibrium.task), number_list(power)]
            cells.append(regret_text(certificate.max_regret if normal else certificate.scaled_regret))
            table.add_row("" if k else _lam(point.objective), *cells, equilibrium.status.name)
        if point.error is not None:
            table.add_row(_lam(point.objective), *[""] * (len(table.columns) - 2), printable(point.error))
    meaning = "Task and power are per player, power as the objective counts it."
    print_blocks(heading(game, path.points[0].objective, lam=False), table, f"{_path_summary(path.points)} {meaning}")


def print_report(report: Report, file: str) -> None:
    """Print where a page is, and what is on it."""
    shown, points = report.document["points"], report.path.points
    lams = [point["objective"]["lam"] for point in shown]
    span = number_text(lams[0]) if len(lams) == 1 else f"{number_text(min(lams))} to {number_text(max(lams))}"
    every = "all equilibria at" if report.document["report"]["all_equilibria"] else "equilibria at"
    print_blocks(
        f"{printable(file)}: {printable(report.document['report']['title'])}, {every} "
        f"{counted(len(lams), 'value')} of {lam_letter()}, {span}; {len(report.html) / 1e6:.2f} MB.",
        _path_summary(points),
    )


def _outline_columns(game: NormalFormGame | StochasticGame) -> list[str]:
    """Name the columns of `_outline`."""
    from powergames.games.normal_form import NormalFormGame

    if isinstance(game, NormalFormGame):
        return [printable(name) for name in game.players]
    return [">task from the start", ">power in states visited"]


def _outline(equilibrium: Equilibrium | StochasticEquilibrium) -> list[str]:
    """Write the strategies; in a stochastic game what they are worth from the start on, and the power on the way."""
    from powergames.games.normal_form import NormalFormGame

    game = equilibrium.game
    if isinstance(game, NormalFormGame):
        return [strategy_text(game, i, strategy) for i, strategy in enumerate(equilibrium.profile)]
    evaluation = cast("StochasticEquilibrium", equilibrium).evaluation
    power = equilibrium.objective.aggregate_power(evaluation.average_power)
    return [number_list(evaluation.start_task), number_list(power)]


def _path_summary(points: Sequence[PathPoint]) -> str:
    failed = [point for point in points if not point.converged]
    missing = sum(point.complete is False for point in points)
    doubt = [f"Some equilibria may be missing at {missing} of them."] if missing else []
    if not failed:
        return " ".join([f"{counted(len(points), 'point')}, all certified.", *doubt])
    advice = sorted({_verdict(e) for point in points for e in point.equilibria if not e.converged})
    return " ".join([f"{len(failed)} of {len(points)} points without a certified equilibrium.", *advice, *doubt])


def print_trace(trace: Trace) -> None:
    """Print where a trace begins and ends, and what happens at each critical λ on the way."""
    from powergames.games.normal_form import NormalFormGame

    game = trace.game
    table = start_table(lam_letter(), *_outline_columns(game), "what happens")

    def add_row(equilibrium: Equilibrium | StochasticEquilibrium, text: str) -> None:
        table.add_row(f"{equilibrium.objective.lam:.10g}", *_outline(equilibrium), printable(text))

    def ending(text: str) -> str:
        return text.replace("lambda", lam_letter())

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
        sentences.append(f"Each critical {lam_letter()} is known within a bracket of 1e-9.")
    if not trace.converged:
        sentences.append(f"{trace.status.name}: {trace.status.value}")
    print_blocks(heading(game, trace.objective, lam=False), table, " ".join(sentences))


def print_power(table: PowerTable) -> None:
    """Print who holds how much power over whom."""
    print_blocks(
        _title(table.game),
        power_rows(table),
        "Each row: what the others can take from this player by one action, and the action that does it.",
    )


def power_rows(table: PowerTable) -> Table:
    """One row per player: strategy, expected payoff, and the power of each other player."""
    game = table.game
    rows = start_table("player", "strategy", ">task", *(f">power of {printable(name)}" for name in game.players))
    for i, name in enumerate(game.players):
        cells = []
        for j, value in enumerate(table.values[i]):
            by = f" ({printable(game.actions[j][table.actions[i, j]])})" if i != j and value else ""
            cells.append("-" if i == j else number_text(value) + by)
        rows.add_row(printable(name), strategy_text(game, i, table.profile[i]), number_text(table.task[i]), *cells)
    return rows


def print_stochastic_equilibrium(equilibrium: StochasticEquilibrium) -> None:
    """Print a stationary equilibrium of a stochastic game with its certificate, state by state."""
    print_blocks(
        heading(equilibrium.game, equilibrium.objective),
        states_table(equilibrium.evaluation, equilibrium.certificate),
        *_from_start(equilibrium.evaluation),
        f"{_verdict(equilibrium)} {scope(equilibrium.certificate)} Method {equilibrium.method}, "
        f"{counted(equilibrium.iterations, 'step')}.",
    )


def print_evaluation(evaluation: Evaluation) -> None:
    """Print what a stationary profile is worth and who holds how much power, state by state."""
    print_blocks(_title(evaluation.game), states_table(evaluation, None), *_from_start(evaluation))


def print_run(run: TrainingRun) -> None:
    """Print learned policies, how far they are from an equilibrium, and how the run went."""
    history = start_table(">steps", ">task", ">power", ">scaled regret")
    for point in run.history[-1::-4][::-1]:
        numbers = number_list(point.task), number_list(point.power), regret_text(point.regret)
        history.add_row(f"{point.steps:,}", *numbers)
    policies = tuple(policy.round(3) for policy in run.policies)
    if run.evaluation is None:
        blocks: list[RenderableType] = [_policies_table(run, policies)]
    else:
        certificate = cast("StochasticCertificate", run.certificate)
        shown = states_table(replace(run.evaluation, profile=policies), certificate)
        blocks = [shown, *_from_start(run.evaluation)]
    scale = "payoff range" if run.evaluation is None else "range of values"
    cut = "" if run.stopped is None else f" {run.stopped.name}: the run was cut short."
    print_blocks(
        heading(run.game, run.objective),
        *blocks,
        *([history] if run.history else []),
        f"Learned by {run.algorithm} in {run.steps:,} steps, seed {run.seed}; largest regret "
        f"{float(run.certificate.scaled_regret):.3g} of the {scale}.{cut}",
    )


def _policies_table(run: TrainingRun, policies: Sequence[Any]) -> Table:
    """One row for each player of a normal-form game."""
    game = cast("NormalFormGame", run.game)
    powers = [f">power of {printable(name)}" for name in game.players] if game.n_players > 1 else []
    table = start_table("player", "strategy", ">task", *powers, ">utility", ">regret")
    for i, name in enumerate(game.players):
        row = run.power[i] if powers else []
        table.add_row(
            printable(name),
            strategy_text(game, i, policies[i]),
            number_text(run.task[i]),
            *("-" if i == j else number_text(value) for j, value in enumerate(row)),
            number_text(run.utility[i]),
            regret_text(run.certificate.regrets[i]),
        )
    return table


def states_table(
    values: Evaluation | Audit, certificate: StochasticCertificate | None, states: Sequence[int] | None = None
) -> Table:
    """One row for each player of each state; by default of the first states."""
    game = cast("StochasticGame", values.game)
    powers = [f">power of {printable(name)}" for name in game.players] if game.n_players > 1 else []
    regrets = [] if certificate is None else [">utility", ">regret"]
    table = start_table("state", "player", "strategy", ">task", *powers, *regrets)
    for k, s in enumerate(range(min(game.n_states, MOST_STATES)) if states is None else states):
        if k:
            table.add_section()
        for i, name in enumerate(game.players):
            actions = game.action_names(s, i)
            row = values.power[s, i] if game.n_players > 1 else []
            cells = ["-" if i == j else number_text(value) for j, value in enumerate(row)]
            if certificate is not None:
                cells += [number_text(values.utility[i, s]), regret_text(certificate.regrets[i, s])]
            strategy = mixture_text(actions, values.profile[i][s, : len(actions)])
            state = "" if i else printable(game.states[s])
            table.add_row(state, printable(name), strategy, number_text(values.task[i, s]), *cells)
    return table


def _from_start(evaluation: Evaluation) -> list[str]:
    """What is left to say about many states, and about the values from the start distribution."""
    game, blocks = evaluation.game, []
    if game.n_states > MOST_STATES:
        blocks.append(
            f"... and {counted(game.n_states - MOST_STATES, 'more state', 'more states')}; --json prints all."
        )
    average = evaluation.objective.aggregate_power(evaluation.average_power)
    blocks.append(
        f"From the start: task {number_list(evaluation.start_task)}; power over each player, averaged over the states "
        f"visited: {number_list(average)}."
    )
    return blocks


def scope(certificate: StochasticCertificate) -> str:
    """Say which deviations a certificate covers."""
    if certificate.deviations == "all":
        return "No deviation of any kind gains more."
    return "No deviation in one state at one time gains more."


def _equilibria_table(equilibria: Sequence[Equilibrium], title: str) -> Table:
    """One row per player of each equilibrium."""
    game = equilibria[0].game
    several = len(equilibria) > 1
    powers = [f">power of {printable(name)}" for name in game.players] if game.n_players > 1 else []
    columns = ["player", "strategy", ">task", *powers, ">utility", ">regret"]
    table = start_table(*(["#"] if several else []), *columns, title=title)
    for k, equilibrium in enumerate(equilibria):
        if k:
            table.add_section()
        for i, name in enumerate(game.players):
            row = equilibrium.power[i] if game.n_players > 1 else []
            table.add_row(
                *([str(k + 1) if i == 0 else ""] if several else []),
                printable(name),
                strategy_text(game, i, equilibrium.profile[i]),
                number_text(equilibrium.task[i]),
                *("-" if i == j else number_text(value) for j, value in enumerate(row)),
                number_text(equilibrium.utility[i]),
                regret_text(equilibrium.certificate.regrets[i]),
            )
    return table


def _title(game: NormalFormGame | StochasticGame) -> str:
    return printable(game.title) or "Untitled game"


def heading(game: NormalFormGame | StochasticGame, objective: PowerObjective, *, lam: bool = True) -> str:
    """Write the title of a game and the objective."""
    weight = f", {lam_letter()} = {_lam(objective)}" if lam else ""
    return f"{_title(game)}{weight}, {objective.aggregate} of power, {objective.form} form"


def _lam(objective: PowerObjective) -> str:
    """Write λ as a decimal if that is short, else as a fraction if that is."""
    text = number_text(objective.lam)
    fraction = objective.exact_lam
    return str(fraction) if Fraction(text) != fraction and fraction.denominator < 1000 else text


def _verdict(equilibrium: Equilibrium | StochasticEquilibrium) -> str:
    return f"{equilibrium.status.name}: {equilibrium.status.value}"


def strategy_text(game: NormalFormGame, player: int, strategy: Any) -> str:
    """Write a mixed strategy as ``0.25 stag + 0.75 hare``, a pure one as ``stag``; numbered actions are told apart."""
    return mixture_text(game.actions[player], strategy)


def mixture_text(actions: Sequence[str], strategy: Any) -> str:
    """Write probabilities of named actions as `strategy_text` does."""
    names = [printable(name) for name in actions]
    played = [(probability, name) for probability, name in zip(strategy, names, strict=True) if probability]
    if len(played) == 1:
        return played[0][1]
    return " + ".join(
        f"{number_text(probability)} {'action ' if name.isdecimal() else ''}{name}" for probability, name in played
    )


def number_text(value: Any) -> str:
    """Write a number with up to six digits, a fraction in full."""
    return str(value) if isinstance(value, Fraction) else f"{value:.6g}"


def number_list(values: Any) -> str:
    """Write several numbers, separated by commas."""
    return ", ".join(number_text(value) for value in values)


def regret_text(value: Any) -> str:
    """Write a regret, of which the order of magnitude matters."""
    if value == 0:
        return "0"
    return str(value) if isinstance(value, Fraction) else f"{value:.1e}"


def counted(number: int, one: str, many: str = "") -> str:
    """Write a number of things, ``1 vertex`` or ``2 vertices``."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def printable(text: str) -> str:
    """Escape line breaks and control characters, which names in files may hold."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def lam_letter() -> str:
    """Return the letter λ, or its name where stdout cannot show it."""
    try:
        "λ".encode(sys.stdout.encoding or "ascii")
    except UnicodeEncodeError:
        return "lambda"
    return "λ"


def start_table(*columns: str, title: str = "") -> Table:
    """Start a table; columns whose header begins with ``>`` are flush right."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_edge=False, title=title or None, title_justify="left", title_style="bold")
    for header in columns:
        right = header.startswith(">")
        table.add_column(header.removeprefix(">"), justify="right" if right else "left")
    return table


def print_blocks(*blocks: RenderableType) -> None:
    """Print texts and tables to stdout, a blank line between two; no word or number is cut to fit the terminal."""
    from rich.console import Console
    from rich.measure import Measurement
    from rich.table import Table

    def console(width: int | None) -> Console:
        return Console(file=sys.stdout, width=width, markup=False, highlight=False, emoji=False)

    unbounded = console(UNBOUNDED)
    for k, block in enumerate(blocks):
        if k:
            unbounded.print()
        if not sys.stdout.isatty():
            unbounded.print(block)
            continue
        for column in block.columns if isinstance(block, Table) else ():
            words = [word for cell in (column.header, *column.cells) for word in str(cell).split()]
            column.min_width = max(map(len, words), default=1)
        needed = Measurement.get(unbounded, unbounded.options, block).minimum
        console(max(console(None).width, needed)).print(block, crop=False)
