"""The paper's kitchens, solved exactly over 105 steps without discount: the figures and pictures of docs/paper.md.

Run ``python benchmarks/paper.py`` to solve what is missing, write the tables into the page, and draw its pictures.
Each result goes into ``--results FILE`` at once, so that a run that was ended goes on where it was. ``--only mini1``
computes one kitchen, ``--form penalty`` one form. ``--list`` tells what there is to compute, and ``--film`` draws how
the chefs play. A λ of `mini1` takes a minute and a half, most of it for power, and all of it some three hours on one
core.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from pages import records, replaced

import powergames as pg
from powergames import viz
from powergames.viz import theme

HORIZON = 105
DOCS = Path(__file__).parent.parent / "docs"
PAGE, RESULTS = DOCS / "paper.md", DOCS / "paper.jsonl"
FORMS = ("penalty", "adversarial")
SMALL = "1e-6"
LAMS = (SMALL, *(str(Fraction(k, 20)) for k in range(1, 21)))
FEW = (SMALL, "1/20", "1/10", "3/10", "1/2", "1")
FEWEST = (SMALL, "3/10", "1")

# Where the use of the shared pot ends in the penalty form: at λ = 1/4 it is in use, and this λ is a little above.
ABOVE = "321/1280"

# Power that chefs are also charged for, in steps, and at which λ.
CHARGED, CHARGED_LAMS = ("3", "inf"), ("1/20", "1/10", "3/10")

# Steps of the longer attack, and what mixing costs in a kitchen where it explodes: as much as 50 soups.
STEPS, EXPLOSION = 3, 1000

# Soups that are none.
ZERO = 1e-6

# mini1 with a counter in place of the pot that both chefs reach.
PRIVATE = ["XOX", "X1S", "D P", "XXX", "D P", "X2S", "XTX"]
RULES: dict[str, Any] = {"counters": 0, "recipes": "ooo+ttt", "onion_time": 1, "tomato_time": 1, "mixing": "lost"}

HEADER = [
    "| λ | soups | from the shared pot | from own pots | pots lost | power | left | regret |",
    "|---|---|---|---|---|---|---|---|",
]


def lams(form: str) -> list[str]:
    """Return the λ of the tables of mini1."""
    return sorted((*LAMS, *([ABOVE] if form == "penalty" else [])), key=Fraction)


class Question(NamedTuple):
    """One equilibrium to compute."""

    kitchen: str
    explosion: int
    form: str
    lam: str
    select: str = "team"
    steps: str = "1"

    @property
    def reduced(self) -> bool:
        """Whether states that nothing that follows can tell apart are merged, so that the pots are not told apart."""
        return self.kitchen == "mini2" or self.steps != "1"


def questions() -> Iterator[Question]:
    """Yield all there is to compute, what the page needs most first."""
    for form in FORMS:
        yield from (Question("mini1", 0, form, lam) for lam in lams(form))
    for form in FORMS:
        yield from (Question("mini1", EXPLOSION, form, lam) for lam in FEW)
        yield from (Question("private", 0, form, lam) for lam in FEW)
        yield from (Question("mini1", 0, form, lam, "power") for lam in FEW)
        yield from (Question("mini1", 0, form, lam, "nearest") for lam in FEWEST)
    yield from (Question("mini2", 0, "penalty", lam) for lam in FEWEST)
    yield from (Question("mini1", 0, "penalty", lam, "team", steps) for lam in CHARGED_LAMS for steps in CHARGED)


def kitchen(name: str, explosion: int, reduce: bool = False) -> pg.DeterministicGame:
    """Compile a kitchen; its soups pay 1."""
    rules: dict[str, Any] = {"explosion": explosion} if explosion else {}
    if name == "private":
        return pg.compile_overcooked(PRIVATE, discount=1, reduce=reduce, **RULES, **rules)
    return pg.compile_overcooked(name, counters=0, discount=1, reduce=reduce, **rules)


def answer(question: Question, game: pg.DeterministicGame) -> dict[str, Any]:
    """Solve, and measure what the page tells."""
    objective = pg.PowerObjective(
        question.lam, form=question.form, steps=math.inf if question.steps == "inf" else int(question.steps)
    )
    began = time.process_time()
    found = pg.solve(game, objective, horizon=HORIZON, select=question.select)
    seconds = time.process_time() - began
    result = {
        **question._asdict(),
        "states": game.n_states,
        "status": found.status.name,
        "regret": float(found.certificate.scaled_regret),
        "seconds": seconds,
        "mixed": found.mixed_stages,
        "unsolved": found.unsolved_stages,
        "task": found.start_task.tolist(),
        "utility": found.start_utility.tolist(),
    }
    if question.kitchen == "mini2":
        return result
    lasting = pg.step_power(game, found.profile, horizon=HORIZON)
    result |= {
        "power": found.evaluation.average_power.tolist(),
        "ever": lasting.start_power.tolist(),
        "mixed_time": _mixed_time(found),
    }
    if question.select == "team" and question.lam in FEW:
        few = pg.step_power(game, found.profile, steps=STEPS, horizon=HORIZON)
        result["few"] = _along_play(found, few.power).tolist()
    return result if question.reduced else result | _soups(game, found)


def _along_play(found: pg.HorizonEquilibrium, power: np.ndarray) -> np.ndarray:
    """Average power at each step, shape (T, S, n, n), over the states that play visits."""
    played = found.evaluation.occupancy
    total = np.zeros(power.shape[2:])
    for t in range(HORIZON):
        states = np.flatnonzero(played[t])
        total += np.tensordot(played[t, states], power[t, states], 1)
    return total / HORIZON


def _mixed_time(found: pg.HorizonEquilibrium) -> float:
    """Share of the steps played in which a chef mixes."""
    played = found.evaluation.occupancy
    mixes = np.zeros(HORIZON)
    for t in range(HORIZON):
        states = np.flatnonzero(played[t])
        pure = np.ones(len(states), dtype=bool)
        for strategy in found.profile:
            pure &= strategy.actions[min(t, len(strategy.actions) - 1), states] >= 0
        mixes[t] = played[t, states] @ ~pure
    return float(mixes.mean())


def _soups(game: pg.DeterministicGame, found: pg.HorizonEquilibrium) -> dict[str, Any]:
    """Expected soups served, soups taken from each pot, and pots lost, over the whole of play."""
    played = found.evaluation.occupancy
    counts: dict[str, float] = {"served": 0.0, "lost": 0.0}
    for t in range(HORIZON):
        states = np.flatnonzero(played[t])
        events = pg.kitchen_events(game, states)
        first, second = (strategy[t][states] for strategy in found.profile)
        weights = played[t, states][:, None] * (first[:, :, None] * second[:, None, :]).reshape(len(states), -1)
        counts["served"] += float((weights * events.count("soup served")).sum())
        counts["lost"] += float((weights * events.count("pot mixed")).sum())
        for pot in events.pots:
            name = f"taken {pot[0]},{pot[1]}"
            counts[name] = counts.get(name, 0.0) + float((weights * events.count("soup taken", pot)).sum())
    return {"soups": counts}


def main() -> None:
    """Compute what is missing, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--only", metavar="KITCHEN")
    parser.add_argument("--form", choices=FORMS)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--no-solve", action="store_true", help="write the page from the results there are")
    parser.add_argument("--film", action="store_true", help="solve two λ again, and draw how the chefs play")
    arguments = parser.parse_args()
    known = read(arguments.results)
    todo = [question for question in questions() if question not in known]
    todo = [question for question in todo if arguments.only in (None, question.kitchen)]
    todo = [question for question in todo if arguments.form in (None, question.form)]
    if arguments.list:
        print(*todo, f"{len(todo)} to compute, {len(known)} known", sep="\n")
        return
    place: tuple[str, int, bool] | None = None
    for number, question in enumerate([] if arguments.no_solve else todo):
        if place != (question.kitchen, question.explosion, question.reduced):
            place = question.kitchen, question.explosion, question.reduced
            game = kitchen(*place)
        result = answer(question, game)
        with arguments.results.open("a", encoding="utf-8") as file:
            print(json.dumps(result), file=file)
        known[question] = result
        told = f"{result['task'][0]:.4g} soups, solved in {result['seconds']:.0f} s"
        print(f"{number + 1} of {len(todo)}: {question}: {told}", flush=True)
    write(known)
    if arguments.film:
        film()


def film() -> None:
    """Draw how the chefs play where power is cheap, and where it is dear."""
    game = kitchen("mini1", 0)
    found = [pg.solve(game, pg.PowerObjective(lam), horizon=HORIZON) for lam in (SMALL, "3/10")]
    titles = ["Power is cheap (lam = 0.000001)", "Power is dear (lam = 0.3)"]
    frames = viz.kitchen_frames(found, titles, steps=HORIZON)
    viz.save_animation(frames[:43], DOCS / "images" / "paper_play.gif")
    viz.save_strip([frames[k] for k in (8, 17, 41)], DOCS / "images" / "paper_play.png")


def read(path: Path) -> dict[Question, dict[str, Any]]:
    """Read what is known."""
    fields = Question._fields
    return {Question(**{name: each[name] for name in fields if name in each}): each for each in records(path)}


def write(known: dict[Question, dict[str, Any]]) -> None:
    """Write the tables into the page, and draw its picture."""
    PAGE.write_text(filled(PAGE.read_text(encoding="utf-8"), known), encoding="utf-8")
    viz.save(picture(known), DOCS / "images" / "paper.svg")


def filled(page: str, known: dict[Question, dict[str, Any]]) -> str:
    """Return the page with tables of what is known."""
    for form in FORMS:
        rows = [known[Question("mini1", 0, form, lam)] for lam in lams(form)]
        page = replaced(page, f"mini1 {form}", "\n".join([*HEADER, *map(row, rows)]))
    tables = {
        "claims": claims,
        "mini1 variants": variants,
        "without the pot": without_pot,
        "longer attacks": brief,
        "longer charges": charged,
        "mini2": larger,
    }
    for name, table in tables.items():
        page = replaced(page, name, table(known))
    return page


def row(result: dict[str, Any]) -> str:
    """Return a row of the tables over λ."""
    soups = result["soups"]
    shared, private = soups["taken 1,3"], soups["taken 2,2"] + soups["taken 2,4"]
    numbers = f"{result['task'][0]:.4g}", f"{shared:.3g}", f"{private:.3g}", f"{soups['lost']:.3g}"
    cells = result["lam"], *numbers, f"{held(result):.4f}", f"{left(result):.3g}", regret(result)
    return f"| {' | '.join(cells)} |"


def regret(result: dict[str, Any]) -> str:
    """Return the regret, and whether it passes."""
    return f"{result['regret']:.0e}{'' if result['status'] == 'CONVERGED' else ', not certified'}"


def held(result: dict[str, Any]) -> float:
    """Return average one-step power of one chef over the other, as the mean over both."""
    return float(np.mean([result["power"][i][1 - i] for i in range(2)]))


def left(result: dict[str, Any]) -> float:
    """Return what the worse-off chef is left with if the other one attacks in every step."""
    rest = min(result["task"][i] - result["ever"][i][1 - i] for i in range(2))
    return rest if abs(rest) > ZERO else 0.0


def variants(known: dict[Question, dict[str, Any]]) -> str:
    """Return the table of what changes with the kitchen and with the choice among equilibria."""
    names = {
        ("mini1", 0, "team"): "as it is",
        ("private", 0, "team"): "without the shared pot",
        ("mini1", EXPLOSION, "team"): f"explosion={EXPLOSION}",
        ("mini1", 0, "power"): "select: least power",
        ("mini1", 0, "nearest"): "select: nearest",
    }
    lines = ["| form | λ | " + " | ".join(names.values()) + " |", "|---|---|" + "---|" * len(names)]
    for form in FORMS:
        for lam in FEW:
            found = [known.get(Question(name, cost, form, lam, select)) for name, cost, select in names]
            if any(found[1:]):
                lines.append(f"| {form} | {lam} | " + " | ".join(map(outcome, found)) + " |")
    return "\n".join(lines)


def outcome(result: dict[str, Any] | None) -> str:
    """Return soups served, those from the shared pot, and what the worse off is left with if the other one attacks."""
    if result is None:
        return ""
    doubt = "" if result["status"] == "CONVERGED" else " (not certified)"
    return f"{result['task'][0]:.3g}; {result['soups'].get('taken 1,3', 0.0):.3g}; {left(result):.3g}{doubt}"


def claims(known: dict[Question, dict[str, Any]]) -> str:
    """Return what the abstract says, and the evidence."""
    certified = [result for result in known.values() if result["status"] == "CONVERGED"]
    greatest = max(result["regret"] for result in certified)
    penalty, adversarial = ([known[Question("mini1", 0, form, lam)] for lam in lams(form)] for form in FORMS)
    burning = {form: [known[Question("mini1", EXPLOSION, form, lam)] for lam in FEW] for form in FORMS}
    calm = next(result["lam"] for result in penalty if not any(map(held, penalty[penalty.index(result) :])))
    first, last = penalty[0], adversarial[-1]
    rows = [
        (
            "An equilibrium of power-regularized best responses exists for every λ.",
            f"Holds in all {len(known)} cases computed here: {len(certified)} certificates pass, with a regret of at "
            f"most {greatest:.0e} of the range at any step in any state.",
        ),
        (
            "Regularized agents end with less power over each other than agents trained for reward alone.",
            f"Holds in the penalty form for large λ, but not for every smaller one: one-step power is "
            f"{held(first):.4f} at λ = {SMALL}, {max(map(held, penalty)):.4f} at most, and 0 from λ = {calm} on. "
            f"Fails in the adversarial form: {held(adversarial[0]):.4f} at λ = {SMALL}, {held(last):.4f} at λ = 1. "
            "That form counts what is left under attack, and does not charge for power along the way.",
        ),
        (
            "Regularized agents balance reward and power.",
            f"Holds: the penalty form gives up soups for less power, {first['task'][0]:.3g} to "
            f"{penalty[-1]['task'][0]:.3g}. The adversarial form keeps {last['task'][0]:.3g}.",
        ),
        (
            "Regularized agents avoid catastrophes if one of them leaves its policy.",
            "Holds in the adversarial form for large λ only: an attack in all steps leaves "
            f"{left(adversarial[0]):.3g} soups at λ = {SMALL}, and {left(last):.3g} at λ = 1. With "
            f"explosion={EXPLOSION} the worse-off chef still ends at {left(burning['adversarial'][-2]):.4g} at "
            f"λ = {FEW[-2]}, and at {left(burning['adversarial'][-1]):.3g} at λ = 1. In the penalty form it holds for "
            f"a single action, which takes nothing from λ = {calm} on. There it fails for an attack in all steps: that "
            f"leaves {max(map(left, penalty)):.3g} soups at every λ, and {max(map(left, burning['penalty'])):.4g} "
            "with the explosion.",
        ),
    ]
    return "\n".join(["| claim | exact evidence |", "|---|---|", *(f"| {claim} | {found} |" for claim, found in rows)])


def without_pot(known: dict[Question, dict[str, Any]]) -> str:
    """Return what both chefs are worth with the shared pot and without it."""
    lines = ["| form | λ | with the shared pot | without it |", "|---|---|---|---|"]
    for form in FORMS:
        for lam in FEW:
            cells = (
                ", ".join(f"{value:.3g}" for value in known[Question(name, 0, form, lam)]["utility"])
                for name in ("mini1", "private")
            )
            lines.append(f"| {form} | {lam} | {' | '.join(cells)} |")
    return "\n".join(lines)


def larger(known: dict[Question, dict[str, Any]]) -> str:
    """Return what solving the larger kitchen takes, and finds."""
    lines = ["| λ | soups | utility | regret | CPU seconds |", "|---|---|---|---|---|"]
    for result in (known[Question("mini2", 0, "penalty", lam)] for lam in FEWEST):
        utility = ", ".join(f"{value:.4g}" for value in result["utility"])
        cells = f"{result['task'][0]:.4g}", utility, regret(result), f"{result['seconds']:.0f}"
        lines.append(f"| {result['lam']} | {' | '.join(cells)} |")
    return "\n".join(lines)


def brief(known: dict[Question, dict[str, Any]]) -> str:
    """Return what a longer attack takes, on average along play."""
    lines = [f"| form | λ | one step | {STEPS} steps | all steps |", "|---|---|---|---|---|"]
    for form in FORMS:
        for lam in FEW:
            result = known[Question("mini1", 0, form, lam)]
            few = np.mean([result["few"][i][1 - i] for i in range(2)])
            ever = np.mean([result["ever"][i][1 - i] for i in range(2)])
            lines.append(f"| {form} | {lam} | {held(result):.3g} | {few:.3g} | {ever:.3g} |")
    return "\n".join(lines)


def charged(known: dict[Question, dict[str, Any]]) -> str:
    """Return what follows if chefs are charged for power of several steps."""
    header = f"| λ | charged for | soups | charged power | {STEPS} steps | all steps | left |"
    lines = [header, "|---|---|---|---|---|---|---|"]
    names = {"1": "one step", "inf": "all steps"}
    for lam in CHARGED_LAMS:
        for steps in ("1", *CHARGED):
            result = known[Question("mini1", 0, "penalty", lam, "team", steps)]
            few, ever = (np.mean([result[kind][i][1 - i] for i in range(2)]) for kind in ("few", "ever"))
            powers = [f"{power if power > ZERO else 0.0:.3g}" for power in (held(result), few, ever)]
            cells = names.get(steps, f"{steps} steps"), f"{result['task'][0]:.3g}", *powers, f"{left(result):.3g}"
            lines.append(f"| {lam} | {' | '.join(cells)} |")
    return "\n".join(lines)


def picture(known: dict[Question, dict[str, Any]]) -> Any:
    """Draw over λ, in both forms, soups and from which pots, one-step power, and what a lasting attack leaves."""
    import altair as alt

    rows: list[dict[str, Any]] = []
    for question, result in known.items():
        if question.kitchen != "mini1" or question.select != "team" or question.reduced:
            continue
        if question.explosion:
            drawn = {"attack": {"if mixing explodes": left(result)}}
        else:
            drawn = {
                "soups": {"all pots": result["task"][0], "shared pot": result["soups"]["taken 1,3"]},
                "power": {"one-step power": held(result)},
                "attack": {"if mixing costs the pot": left(result)},
            }
        lam = float(Fraction(question.lam))
        rows += [
            {"λ": lam, "form": f"{question.form} form", "panel": panel, "value": value, "shown": name}
            for panel, values in drawn.items()
            for name, value in values.items()
        ]
    titles = {
        "soups": ("soups in 105 steps", ["all pots", "shared pot"]),
        "power": ("power, in soups", ["one-step power"]),
        "attack": ("soups left, attacked for ever", ["if mixing costs the pot", "if mixing explodes"]),
    }
    panels = []
    for panel, (title, names) in titles.items():
        shades = alt.Scale(domain=names, range=["#0072b2", "#d55e00"][: len(names)])
        shapes = alt.Scale(domain=names, range=["circle", "diamond"][: len(names)])
        panels.append(
            alt.Chart(alt.InlineData(values=[row for row in rows if row["panel"] == panel]))
            .mark_point(filled=True, size=60, opacity=1)
            .encode(
                x=alt.X("λ:Q", scale=alt.Scale(domain=[0, 1])),
                y=alt.Y("value:Q", title=title),
                color=alt.Color("shown:N", title=None, scale=shades),
                shape=alt.Shape("shown:N", title=None, scale=shapes),
                column=alt.Column("form:N", title=None, sort=[f"{form} form" for form in FORMS]),
            )
            .properties(width=270, height=170)
        )
    drawing = alt.vconcat(*panels).resolve_scale(color="independent", shape="independent")
    return theme.themed(drawing, "mini1 over λ", [], 600)


if __name__ == "__main__":
    main()
