# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""Edit a small game, move λ, and see all equilibria at once."""

import marimo

app = marimo.App(width="full", app_title="Explore a game", css_file="style.css", html_head_file="head.html")

with app.setup:
    import html

    import marimo as mo

    import powergames as pg
    from powergames import viz
    from powergames.errors import InputError
    from powergames.games.catalog.normal_form import random_uniform
    from powergames.notebooks.charts import quiet
    from powergames.notebooks.limits import check_payoffs, offered
    from powergames.notebooks.payoff_table import cell_texts, field_label, joint_names, read_cells, table_html
    from powergames.presentation.shared import strategy_text
    from powergames.viz.labels import shorten

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
    - *Utility*: task − λ · power. In an **equilibrium** no player can raise their own utility by changing alone; the
      *regret* is 0.

    Choose a game, type other payoffs, and move λ. Every equilibrium on this page is certified.
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
    cells = mo.ui.array(
        [
            mo.ui.text(_text, debounce=False, full_width=True, label=field_label(_label))
            for _label, _text in zip(joint_names(start), cell_texts(start), strict=True)
        ]
    )
    return cells, start


@app.cell(hide_code=True)
def _():
    lam = mo.ui.slider(0, 1, 0.01, value=0.2, label="λ", include_input=True)
    aggregate = mo.ui.dropdown(["mean", "sum", "max"], value="mean", label="Power of several", allow_select_none=False)
    form = mo.ui.dropdown(["penalty", "adversarial"], value="penalty", label="Form", allow_select_none=False)
    return aggregate, form, lam


@app.cell(hide_code=True)
def price(aggregate, form, lam):
    # It stays in sight while one scrolls; see style.css.
    mo.hstack([lam, aggregate, form], wrap=True, justify="start")
    return


@app.cell(hide_code=True)
def payoffs(cells, columns, draw, rows, start, which):
    _own = [rows, columns, draw] if which.value == YOUR_OWN else []
    mo.vstack([which, *_own, mo.Html(table_html(start, cells.elements))])
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
    picture = mo.ui.radio(_pictures, value=NETWORK)
    mo.vstack([mo.md("## Pictures"), picture])
    return (picture,)


@app.cell(hide_code=True)
def _(found):
    mo.stop(not found)
    # Numbered as the components above, and within those that have several.
    _offered = {}
    for _c, _component in enumerate(found.components, start=1):
        for _k, _each in enumerate(_component, start=1):
            _number = f"{_c}.{_k}" if len(_component) > 1 else f"{_c}"
            _names = [strategy_text(found.game, _i, _strategy) for _i, _strategy in enumerate(_each.profile)]
            _offered[f"{_number}: {shorten(' | '.join(_names), 30)}"] = _each
    equilibrium = mo.ui.dropdown(_offered, value=next(iter(_offered)), label="Component", allow_select_none=False)
    return (equilibrium,)


@app.cell(hide_code=True)
def _(equilibrium, found, picture):
    mo.stop(picture.value != NETWORK)
    _chosen = equilibrium.value
    mo.vstack([equilibrium, quiet(viz.power_network(_chosen)), _chosen.power_table])
    return


@app.cell(hide_code=True)
def _(found, picture):
    mo.stop(not found or picture.value != RESPONSES)
    quiet(viz.best_responses(found.game, found.objective, found))
    return


@app.cell(hide_code=True)
def _(found, picture):
    mo.stop(not found or picture.value not in (*OVER_LAM, FRONTIER))
    # As a probability, λ times the number of the others is at most 1.
    _bounded = (found.objective.form, found.objective.aggregate) == ("adversarial", "sum")
    _top = 1 / (found.game.n_players - 1) if _bounded else 1
    _lams = [_top * _k / 20 for _k in range(21)]
    swept = pg.sweep(found.game, found.objective, lams=_lams, all_equilibria=True, progress=False)
    quiet(viz.frontier(swept) if picture.value == FRONTIER else viz.bifurcation(swept, show=OVER_LAM[picture.value]))
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
