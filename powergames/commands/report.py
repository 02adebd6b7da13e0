"""``powergames report``: make a page about a game that opens in any browser."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from powergames.commands.options import (
    Aggregate,
    AggregateOption,
    Form,
    FormOption,
    GameArgument,
    WeightsOption,
    check_distinct,
    check_output,
    load_for,
    read_lam_range,
    read_objective,
    read_seconds,
)
from powergames.commands.outcome import DONE, FAILED
from powergames.commands.terminal import print_blocks
from powergames.errors import InputError


def command(
    game: GameArgument,
    output: Annotated[str, typer.Option("-o", "--output", metavar="OUT.html", help="File to write the page to.")],
    lam: Annotated[
        str | None,
        typer.Option(
            "--lam",
            metavar="RANGE",
            help="start:stop:count, or numbers separated by commas; by default 0:1:51, or fewer for slow games.",
        ),
    ] = None,
    aggregate: AggregateOption = Aggregate.MEAN,
    weights: WeightsOption = None,
    form: FormOption = Form.PENALTY,
    title: Annotated[str | None, typer.Option("--title", metavar="TEXT", help="Heading of the page.")] = None,
    time_limit: Annotated[
        str | None,
        typer.Option(
            "--time-limit",
            metavar="SECONDS",
            help="Time for the page; 60 by default. It decides how many λ the page has, and whether it has all "
            "equilibria. With --lam each λ is computed, whatever it takes.",
        ),
    ] = None,
    editable: Annotated[
        bool,
        typer.Option(
            "--editable",
            help="Let readers change the payoffs; the page then computes by itself. Two players, up to 4 x 4 actions.",
        ),
    ] = False,
) -> int:
    """Make a page about a game for a class: one file that opens in any browser, offline."""
    check_output(output, ".html")
    check_distinct({"GAME": game}, [("--output", output)])
    if editable:
        for option, value in (("--lam", lam), ("--weights", weights), ("--time-limit", time_limit)):
            if value is not None:
                raise InputError(
                    f"report: got --editable together with {option}; an editable page computes everything by itself, "
                    "so drop one of them"
                )
        return _editable(game, output, title, form.value)
    lams, seconds = None if lam is None else read_lam_range(lam), read_seconds(time_limit or "60")
    from powergames.io import load
    from powergames.presentation.pages import of_report
    from powergames.reporting import report

    loaded = load(game) if lams is not None else _loaded_in_time(game, seconds)
    objective = read_objective("0", aggregate, form, weights)
    page = report(loaded, output, lams=lams, objective=objective, title=title, time_limit=seconds)
    print_blocks(*of_report(page, output))
    return DONE if page.certified else FAILED


def _loaded_in_time(game: str, seconds: float) -> Any:
    """Load a game, but none of so many states that not one solution could be computed in time."""
    from powergames.environments.overcooked.kitchen import ACTIONS
    from powergames.environments.overcooked.names import is_kitchen, kitchen_within
    from powergames.games.memory import sizes_checked
    from powergames.io import load
    from powergames.reporting.schedule import check_time, rows_in

    if not is_kitchen(game):
        with sizes_checked(lambda _, n_states, n_rows: check_time(n_states, n_rows, seconds)):
            return load(game)
    remedy = (
        f"too many to solve within --time-limit {seconds:g}; give several times as much, or a kitchen with fewer "
        "counters or onions"
    )
    return kitchen_within(game, max(1, rows_in(seconds) // len(ACTIONS) ** 2), remedy).to_game()


def _editable(game: str, output: str, title: str | None, form: str) -> int:
    from powergames.presentation.pages import of_editable
    from powergames.reporting import editable

    loaded = load_for(game, editable=True)
    page = editable(loaded, output, title=title, form=form)
    print_blocks(*of_editable(loaded.title if title is None else title, page, output))
    return DONE
