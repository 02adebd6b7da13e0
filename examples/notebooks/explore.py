# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""Edit a small game, move λ, and see all equilibria at once."""

import marimo

app = marimo.App(width="full", app_title="Explore a game", css_file="style.css")

with app.setup:
    import html

    import marimo as mo

    import powergames as pg
    from powergames import viz
    from powergames.errors import InputError
    from powergames.games.catalog.normal_form import random_uniform
    from powergames.notebooks.limits import check_payoffs, offered
    from powergames.notebooks.payoff_table import cell_texts, read_cells, table_html
    from powergames.presentation.shared import strategy_text

    CATALOG = (
        "stag_hunt",
        "prisoners_dilemma",
        "chicken",
        "battle_of_the_sexes",
        "matching_pennies",
        "rock_paper_scissors",
        "coordination:n=3",
        "von_stengel",
        "assembly_line",
    )
    YOUR_OWN = "a game of your own"
    NETWORK, RESPONSES, FRONTIER = "who can hurt whom", "best responses", "task against power"
    OVER_LAM = {"task at every λ": "task", "power at every λ": "power", "utility at every λ": "utility"}


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Explore a game

    **What you will learn:** what others can take from a player in an equilibrium, and which equilibria are left when
    power has a price.

    - *Task*: the payoff that a player expects.
    - *Power* of one player over another: what it can take from the other one by a single action.
    - *Utility*: task − λ · power. In an **equilibrium** nobody can raise the own utility; the *regret* is 0.

    Choose a game on the left, type other payoffs, and move λ. Every equilibrium on this page is certified.
    """)
    return


@app.cell(hide_code=True)
def _():
    games, first = offered(CATALOG, mo.cli_args().get("game"), check_payoffs)
    return first, games


@app.cell(hide_code=True)
def _(first, games):
    which = mo.ui.dropdown([*games, YOUR_OWN], value=first, label="Game", allow_select_none=False)
    rows = mo.ui.number(1, 5, value=4, label="rows")
    columns = mo.ui.number(1, 5, value=4, label="columns")
    draw = mo.ui.button(value=0, on_click=lambda drawn: drawn + 1, label="Draw payoffs")
    return columns, draw, rows, which


@app.cell(hide_code=True)
def _(columns, draw, games, rows, which):
    if which.value == YOUR_OWN:
        _sizes = [int(rows.value or 1), int(columns.value or 1)]
        _drawn = (10 * random_uniform(2, _sizes, seed=draw.value).payoffs).round()
        _actions = [list(_names[:_size]) for _names, _size in zip(("ABCDE", "abcde"), _sizes, strict=True)]
        start = pg.NormalFormGame(_drawn, players=["Row", "Column"], actions=_actions, title="Your game")
    else:
        start = games[which.value]
    cells = mo.ui.array([mo.ui.text(_text, debounce=False, full_width=True) for _text in cell_texts(start)])
    return cells, start


@app.cell(hide_code=True)
def _():
    lam = mo.ui.slider(0, 1, 0.01, value=0.2, label="λ", include_input=True)
    aggregate = mo.ui.dropdown(["mean", "sum", "max"], value="mean", label="Power of several", allow_select_none=False)
    form = mo.ui.dropdown(["penalty", "adversarial"], value="penalty", label="Form", allow_select_none=False)
    return aggregate, form, lam


@app.cell(hide_code=True)
def _(aggregate, cells, columns, draw, form, lam, rows, start, which):
    _own = [rows, columns, draw] if which.value == YOUR_OWN else []
    mo.sidebar(
        [
            which,
            *_own,
            mo.Html(table_html(start, cells.elements)),
            lam,
            aggregate,
            form,
        ],
        width="360px",
    )
    return


@app.cell(hide_code=True)
def _(start):
    with mo.status.spinner(
        title="Getting ready", subtitle="The very first start compiles the solvers, which takes a minute or two."
    ):
        pg.solve_all(pg.load("stag_hunt" if start.n_players == 2 else "assembly_line"))
    ready = start.n_players
    return (ready,)


@app.cell(hide_code=True)
def _(aggregate, cells, form, lam, ready, start):
    mo.stop(ready != start.n_players)
    problem, found = "", None
    try:
        objective = pg.PowerObjective(lam.value, aggregate.value, form.value)
        game = read_cells(start, cells.value)
        found = pg.solve_all(game, objective)
    except InputError as _error:
        problem = str(_error)
    return found, problem


@app.cell(hide_code=True)
def _(cells, found, lam, problem):
    _key = html.escape(f"{lam.value} | {' | '.join(cells.value)}")
    _shown = f'<p class="refused">{html.escape(problem)}</p>' if found is None else found._repr_html_()
    mo.Html(f'<div id="equilibria" data-for="{_key}">{_shown}</div>')
    return


@app.cell(hide_code=True)
def _(start):
    _pictures = [NETWORK, *([RESPONSES] if start.n_actions == (2, 2) else []), *OVER_LAM, FRONTIER]
    picture = mo.ui.radio(_pictures, value=NETWORK, inline=True)
    mo.vstack([mo.md("## Pictures"), picture])
    return (picture,)


@app.cell(hide_code=True)
def _(found):
    mo.stop(not found)
    _names = [
        " | ".join(strategy_text(found.game, _i, _strategy) for _i, _strategy in enumerate(_equilibrium.profile))
        for _equilibrium in found
    ]
    equilibrium = mo.ui.dropdown(
        {f"{_k + 1}: {_name[:80]}": _k for _k, _name in enumerate(_names)},
        value=f"1: {_names[0][:80]}",
        label="Equilibrium",
        allow_select_none=False,
    )
    return (equilibrium,)


@app.cell(hide_code=True)
def _(equilibrium, found, picture):
    mo.stop(picture.value != NETWORK)
    _chosen = list(found)[equilibrium.value]
    mo.vstack([equilibrium, viz.power_network(_chosen), _chosen.power_table])
    return


@app.cell(hide_code=True)
def _(found, picture):
    mo.stop(not found or picture.value != RESPONSES)
    viz.best_responses(found.game, found.objective, found)
    return


@app.cell(hide_code=True)
def _(found, picture):
    mo.stop(not found or picture.value not in (*OVER_LAM, FRONTIER))
    # As a probability, λ times the number of the others is at most 1.
    _bounded = (found.objective.form, found.objective.aggregate) == ("adversarial", "sum")
    _top = 1 / (found.game.n_players - 1) if _bounded else 1
    _lams = [_top * _k / 20 for _k in range(21)]
    swept = pg.sweep(found.game, found.objective, lams=_lams, all_equilibria=True, progress=False)
    viz.frontier(swept) if picture.value == FRONTIER else viz.bifurcation(swept, show=OVER_LAM[picture.value])
    return (swept,)


@app.cell(hide_code=True)
def _():
    mo.md("""
    ## Exercises
    """)
    return


@app.cell(hide_code=True)
def _():
    mo.accordion(
        {
            "In the stag hunt, up to which λ can both still hunt stag?": mo.md(
                """Up to λ = 1/4. If both hunt stag, each expects 4 and the other one can take all 4, so the utility is
                4 − 4λ. A hare is worth 3 whatever the other one does. Stag is as good as hare when 4 − 4λ = 3."""
            ),
            "Write 5 instead of 4 for both stag. What happens to that λ, and why?": mo.md(
                """It rises to 2/5, because 5 − 5λ = 3 there. A larger prize is worth being in somebody's power for a
                higher price."""
            ),
            "In the assembly line, compare mean and sum. At which λ does the line end?": mo.md(
                """At 2/3 with the mean, at 1/3 with the sum. Each of two co-workers can take all 3: the mean of their
                power is 3, the sum is 6."""
            ),
            "With two players, does it matter whether power is averaged, added, or the greatest is taken?": mo.md(
                """No. There is only one co-player, so all three are the same number."""
            ),
            "In matching pennies, what changes as λ grows? Look at task, power and utility.": mo.md(
                """Nothing. In the equilibrium both toss a coin. No action of the other one makes that worse, so nobody
                has power over anybody, at any price."""
            ),
        }
    )
    return


if __name__ == "__main__":
    app.run()
