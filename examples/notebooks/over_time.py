# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""Power over time: state by state, in both forms of the objective, and when somebody leaves the policy."""

import marimo

app = marimo.App(width="full", app_title="Power over time", css_file="style.css", html_head_file="head.html")

with app.setup:
    import marimo as mo
    import numpy as np

    import powergames as pg
    from powergames import viz
    from powergames.errors import InputError
    from powergames.notebooks.charts import quiet
    from powergames.notebooks.limits import check_states, offered

    CATALOG = ("reputation_stag_hunt", "delegation:loss=3", "line_with_breakdowns:n=2")
    MOST_SHOWN = 8
    SOLVED, FIRST, UNIFORM = "the equilibrium that solve finds", "always the first action", "every action equally often"


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Power over time

    **What you will learn:** how power changes from state to state, what the two forms of the objective say about it,
    and what is left to a player when another one leaves the plan.

    A *stochastic game* is played in rounds. In each state the players choose actions, are paid, and move on to another
    state. The *power* of one player over another in a state is what it can take from the other one's whole future by
    one action there.

    Choose a game and a plan on the left, and move λ.
    """)
    return


@app.cell(hide_code=True)
def _():
    given = mo.cli_args().get("game")
    games, first = offered(CATALOG, given, check_states)
    which = mo.ui.dropdown([*games], value=first, label="Game", allow_select_none=False)
    plan = mo.ui.radio([SOLVED, FIRST, UNIFORM], value=FIRST if given is None else SOLVED, label="Plan")
    lam = mo.ui.slider(0, 1, 0.01, value=0.3, label="λ", include_input=True)
    form = mo.ui.radio(["penalty", "adversarial"], value="penalty", label="Form")
    return form, games, lam, plan, which


@app.cell(hide_code=True)
def _(form, lam, plan, which):
    mo.sidebar([which, plan, lam, form], width="360px")
    return


@app.cell(hide_code=True)
def _(games, which):
    with mo.status.spinner(
        title="Getting ready", subtitle="The very first start compiles the solvers, which takes a minute or two."
    ):
        game = games[which.value]
        pg.solve(game)
    return (game,)


@app.cell(hide_code=True)
def _(form, game, lam, plan):
    objective = pg.PowerObjective(lam.value, form=form.value)
    profile = {
        SOLVED: lambda: pg.solve(game, objective).profile,
        FIRST: lambda: [np.eye(own.max())[np.zeros(game.n_states, int)] for own in game.n_actions.T],
        UNIFORM: game.uniform_profile,
    }[plan.value]()
    report = pg.audit(game, profile, objective, tol=1e-8)
    evaluation = pg.evaluate(game, profile, objective)
    return evaluation, objective, profile, report


@app.cell(hide_code=True)
def _(evaluation, report):
    _said = "an equilibrium: nobody can gain" if report.passed else "not an equilibrium: somebody can gain"
    mo.vstack(
        [
            mo.md("## What the plan is worth, and who has power in which state"),
            mo.Html(f'<p id="verdict"><strong>At this λ the plan is {_said}.</strong></p>'),
            evaluation,
            report.certificate,
        ]
    )
    return


@app.cell(hide_code=True)
def _(game):
    _places = {_name: _s for _s, _name in enumerate(game.states)}
    state = mo.ui.dropdown(_places, value=game.states[0], label="State", allow_select_none=False)
    return (state,)


@app.cell(hide_code=True)
def _(evaluation, game, state):
    _visits = "; ".join(
        f"{_name}: {_share:.0%}" for _name, _share in zip(game.states, evaluation.occupancy[0], strict=True)
    )
    mo.vstack(
        [
            mo.md("## Along the way"),
            quiet(viz.trajectory(evaluation, game.states if game.n_states <= MOST_SHOWN else None)),
            mo.md("How often each state is visited, where later rounds count for less:"),
            mo.plain_text(_visits),
            state,
            quiet(viz.power_network(evaluation, state=state.value)),
        ]
    )
    return


@app.cell(hide_code=True)
def _(report):
    mo.vstack([mo.md("## If somebody leaves the plan"), quiet(viz.off_policy(report))])
    return


@app.cell(hide_code=True)
def _(game, profile):
    _lams = [_k / 100 for _k in range(101)]
    _rows = []
    for _form in ("penalty", "adversarial"):
        try:
            _passed = [_lam for _lam in _lams if pg.certify(game, profile, pg.PowerObjective(_lam, form=_form)).passed]
        except InputError as _error:
            _rows.append(f"| {_form} | {_error} |")
            continue
        _span = f"{min(_passed):g} to {max(_passed):g}, {len(_passed)} of {len(_lams)}" if _passed else "none"
        _rows.append(f"| {_form} | {_span} |")
    mo.md(
        "## The two forms\n\n"
        "**Penalty**: in every round the player pays λ times the power held over it then. Each choice is judged by "
        "itself. **Adversarial**: in every round, with probability λ, somebody is replaced by an adversary; the player "
        "plans for that, over all rounds together.\n\n"
        "| form | λ in steps of 0.01 at which this plan is an equilibrium |\n|---|---|\n" + "\n".join(_rows)
    )
    return


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
            "In the stag hunt with reputation, up to which λ can both always hunt stag?": mo.md(
                """Up to λ = 0.3625. Without reputation it is 1/4. A hunter who takes a hare is paid 3 but is doubted in
                the next round, which costs 1/2, discounted by 0.9. So stag is as good as hare when
                4 + 0.9 · 1/2 − 4λ = 3."""
            ),
            "In the delegation game, on how many agents does the principal rely at λ = 0.4, and at λ = 0.6?": mo.md(
                """On both, and on none. Choose the equilibrium that solve finds. An agent brings 1 and can take 4, and
                the mean over the two others counts half of that: 1 = λ · 2 at λ = 1/2."""
            ),
            "Which is worse for a player: one adversarial step of another one, or its leaving for ever?": mo.md(
                """For ever, in general: look at the bars. One step is what power measures. If much is lost later on,
                power at one step understates the damage."""
            ),
        }
    )
    return


if __name__ == "__main__":
    app.run()
