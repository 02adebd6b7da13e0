"""The demo: what power regularization answers, shown on four games from files."""

from __future__ import annotations

import math
import shutil
import textwrap
import time
from fractions import Fraction
from importlib import resources

from powergames.checking.certify import certify
from powergames.commands.terminal import lam_letter, print_blocks
from powergames.display import Table, number_text, printable
from powergames.games.normal_form import NormalFormGame
from powergames.games.profiles import pure_profile
from powergames.io import load
from powergames.objectives import PowerObjective
from powergames.power import power_table
from powergames.presentation.shared import power_rows
from powergames.solvers import PureEquilibrium, pure_equilibria, solve_all


def show() -> bool:
    """Print the demo to stdout.

    Returns
    -------
    bool
        Whether every equilibrium shown is certified.
    """
    passed = [part() for part in (_stag_hunt, _assembly_line, _von_stengel, _small_team)]
    print_blocks("Next: powergames solve --help, or powergames games for more games.")
    return all(passed)


def _stag_hunt() -> bool:
    game = _game("stag_hunt")
    lam = lam_letter()
    table = Table("both hunt", f"equilibrium for {lam} from", "to")
    stag, *_ = found = pure_equilibria(game)
    for equilibrium in found:
        table.add_row(_joint(game, equilibrium.joint_action), *_interval(equilibrium))
    print_blocks(
        _heading(1, game),
        _paragraph(
            "A stag feeds both hunters, 4 each, but takes both; a hare feeds one, 3, in any case. The power that one",
            "hunter holds over the other is what one action can take away: 4 if both hunt stag, 0 if both hunt hare.",
            f"Each hunter maximizes payoff - {lam} * power, so {lam} is the price of being at somebody's mercy.",
        ),
        table,
        _paragraph(
            f"Hunting stag together is an equilibrium exactly up to {lam} = {stag.lam_max}, where",
            f"4 - {stag.lam_max} * 4 = 3. Beyond, only the safe hare is left. The bounds are exact fractions, not",
            "points of a grid: each is certified at the bound and refuted a millionth beyond it.",
        ),
        "",
    )
    return all(_certified(game, equilibrium, "mean") for equilibrium in found)


def _assembly_line() -> bool:
    game = _game("assembly_line")
    lam = lam_letter()
    table = Table("power of several", "all choose", f"equilibrium for {lam} from", "to")
    passed = True
    line = {}
    for aggregate in ("mean", "sum"):
        found = pure_equilibria(game, PowerObjective(aggregate=aggregate))
        line[aggregate] = found[0].lam_max
        for equilibrium in found:
            table.add_row(aggregate, _joint(game, equilibrium.joint_action), *_interval(equilibrium))
            passed &= _certified(game, equilibrium, aggregate)
    print_blocks(
        _heading(2, game),
        _paragraph(
            "The line pays 3 to each of three workers if all join it; working solo pays 1. On the line each worker is",
            "at the mercy of two others, and either of them can take all 3.",
        ),
        table,
        _paragraph(
            "How the power of several others adds up is a choice. Charged for the mean, the workers stay on the line",
            f"up to {lam} = {line['mean']}; charged for the sum, only up to {line['sum']}.",
        ),
        "",
    )
    return passed


def _von_stengel() -> bool:
    game = _game("von_stengel")
    lam = lam_letter()
    table = Table(f">{lam}", ">equilibria", ">certified", ">largest regret", ">seconds")
    passed = True
    counts = []
    for weight in ("0", "0.1", "0.3", "0.7"):
        start = time.perf_counter()
        found = solve_all(game, PowerObjective(weight))
        seconds = time.perf_counter() - start
        certified = sum(equilibrium.converged for equilibrium in found)
        largest = max(float(equilibrium.certificate.scaled_regret) for equilibrium in found)
        table.add_row(weight, str(len(found)), str(certified), f"{largest:.0e}", f"{seconds:.1f}")
        counts.append(len(found))
        passed &= certified == len(found) and found.complete
    print_blocks(
        _heading(3, game),
        _paragraph(
            "Two players, six actions each, and 75 Nash equilibria. The solver finds all equilibria, mixed ones too,",
            "by enumerating the vertices of two polyhedra. Then code that shares nothing with the solver checks each",
            "one: its regret is the most that a player could gain by any other strategy, relative to the payoff range.",
        ),
        table,
        _paragraph(
            f"A small price on power can add equilibria, a high one removes them: {counts[0]} without it,",
            f"{max(counts)} at most here, {counts[-1]} at {lam} = {weight}.",
        ),
        "",
    )
    return passed


def _small_team() -> bool:
    game = _game("small_team")
    lam = lam_letter()
    together, *_ = found = pure_equilibria(game)
    power = power_table(game, pure_profile(game.n_actions, together.joint_action))
    by_lead, by_developer = (number_text(power.power[pair]) for pair in ((1, 0), (0, 1)))
    print_blocks(
        _heading(4, game),
        _paragraph(
            "A lead reviews or holds back. Two developers each write a feature, worth something once it is reviewed,",
            "or do a chore. Who can hurt whom, and by which action, while all work together:",
        ),
        power_rows(power),
        _paragraph(
            f"Holding back, the lead takes all {by_lead} from both developers. Turning to chores, either developer",
            f"takes {by_developer} from the lead. The developers can do nothing to each other. They give up first:",
            f"working together is an equilibrium up to {lam} = {together.lam_max}, chores under a lead who holds back",
            f"at any {lam}.",
        ),
        "",
    )
    return all(_certified(game, equilibrium, "mean") for equilibrium in found)


def _game(name: str) -> NormalFormGame:
    with resources.as_file(resources.files("powergames.example_games") / f"{name}.nfg") as path:
        return load(path)


def _paragraph(*parts: str) -> str:
    return textwrap.fill(" ".join(parts), min(79, shutil.get_terminal_size().columns))


def _heading(number: int, game: NormalFormGame) -> str:
    title = f"{number}. {printable(game.title)}"
    return f"{title}\n{'=' * len(title)}"


def _joint(game: NormalFormGame, joint_action: tuple[int, ...]) -> str:
    names = [game.actions[i][action] for i, action in enumerate(joint_action)]
    return names[0] if len(set(names)) == 1 else ", ".join(names)


def _interval(equilibrium: PureEquilibrium) -> tuple[str, str]:
    last = equilibrium.lam_max
    return str(equilibrium.lam_min), "any" if last == math.inf else str(last)


def _certified(game: NormalFormGame, equilibrium: PureEquilibrium, aggregate: str) -> bool:
    """Certify a pure equilibrium at the end of its interval, in fractions, and refute it just beyond."""
    profile = [
        [Fraction(int(a == action)) for a in range(size)]
        for size, action in zip(game.n_actions, equilibrium.joint_action, strict=True)
    ]

    def holds(lam: Fraction) -> bool:
        return certify(game, profile, PowerObjective(lam, aggregate), tol=0.0).passed

    last = equilibrium.lam_max
    if isinstance(last, float):
        return holds(equilibrium.lam_min)
    return holds(equilibrium.lam_min) and holds(last) and not holds(last + Fraction(1, 10**6))
