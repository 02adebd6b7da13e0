# /// script
# [tool.marimo.display]
# theme = "system"
# ///
"""From the stag hunt to PRIM and SBPR: learn from samples, audit, and compare with the exact answer."""

import marimo

app = marimo.App(width="full", app_title="Learning to be careful", css_file="style.css", html_head_file="head.html")

with app.setup:
    import marimo as mo

    import powergames as pg
    from powergames import viz
    from powergames.notebooks.charts import quiet

    CATALOG = ("chicken", "stag_hunt", "reputation_stag_hunt")
    SEEDS = 3


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    # Learning to be careful

    **What you will learn:** what Li and Dennis propose in *The Benefits of Power Regularization in Cooperative
    Reinforcement Learning* (AAMAS 2023, [arXiv:2406.11240](https://arxiv.org/abs/2406.11240)), how agents learn it from
    samples, and how to check what they learned.

    ## The idea

    Agents that trust each other fully do well, until one of them fails. The more power an agent gives to others, the
    more it loses then. So each agent maximizes *task value − λ · power held over it*.

    Two hunters meet. A stag is worth 4 to each, but takes both; a hare is worth 3 and takes one. If both hunt stag,
    each can take all 4 from the other one:
    """)
    return


@app.cell(hide_code=True)
def _():
    hunt = pg.load("stag_hunt")
    stag = pg.power_table(hunt, [[1, 0], [1, 0]])
    price = next(_each.lam_max for _each in pg.pure_equilibria(hunt) if _each.joint_action == (0, 0))
    mo.vstack(
        [
            mo.hstack([hunt, stag], gap=3, justify="start", wrap=True),
            mo.md(f"Both hunt stag in an equilibrium as long as λ is at most **{price}**."),
        ]
    )
    return (price,)


@app.cell(hide_code=True)
def _():
    mo.md(r"""
    ## Two ways to learn it

    - **PRIM**, power regularization by intrinsic motivation: an agent estimates the power that others hold over it, and
      pays λ times that power out of its own reward. It learns the form *penalty*.
    - **SBPR**, sample-based power regularization: in the experience of an agent, with probability λ another agent is
      replaced by an adversary for one step. Who trains like this learns not to depend on others. It learns the form
      *adversarial*.
    - **task**, for comparison: reward alone.

    The learners below see samples of the game, never its payoffs. Choose on the left.
    """)
    return


@app.cell(hide_code=True)
def _():
    which = mo.ui.dropdown({pg.load(_spec).title: _spec for _spec in CATALOG}, value="Chicken", label="Game")
    algorithm = mo.ui.radio(["prim", "sbpr", "task"], value="prim", label="Learner")
    lam = mo.ui.slider(0, 1, 0.05, value=0.3, label="λ", include_input=True)
    steps = mo.ui.dropdown({"20,000": 20_000, "50,000": 50_000, "200,000": 200_000}, value="50,000", label="Steps")
    mo.sidebar([which, algorithm, lam, steps], width="360px")
    return algorithm, lam, steps, which


@app.cell(hide_code=True)
def _(algorithm, lam, steps, which):
    _lam = 0 if algorithm.value == "task" else lam.value
    with mo.status.spinner(
        title="Learning", subtitle="The very first start compiles the learners, which takes a minute or two."
    ):
        game = pg.load(which.value)
        runs = [
            pg.train(
                game, pg.PowerObjective(_lam), algorithm=algorithm.value, seed=_seed, steps=steps.value, history=12
            )
            for _seed in range(SEEDS)
        ]
        exact = pg.solve(game, runs[0].objective)
    return exact, game, runs


@app.cell(hide_code=True)
def _(exact, runs):
    mo.vstack(
        [
            mo.md(
                f"## How {SEEDS} runs went\n\nThe exact equilibrium is one of perhaps several; regret is what counts."
            ),
            quiet(viz.learning_curves(runs, exact=exact)),
        ]
    )
    return


@app.cell(hide_code=True)
def _(runs):
    _passed = sum(_run.certificate.passed for _run in runs)
    mo.vstack(
        [
            mo.md("## What was learned"),
            mo.Html(f'<p id="verdict"><strong>{_passed} of {len(runs)} runs passed their certificate.</strong></p>'),
            runs[0],
        ]
    )
    return


@app.cell(hide_code=True)
def _(exact):
    mo.vstack([mo.md("## The exact answer"), exact])
    return


@app.cell(hide_code=True)
def _(game, runs):
    report = pg.audit(game, runs[0].policies, runs[0].objective)
    mo.vstack(
        [
            mo.md("## The audit: if somebody leaves the learned policies"),
            quiet(viz.off_policy(report)),
            mo.md("This is what λ buys: compare λ = 0 and λ = 0.5."),
        ]
    )
    return (report,)


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
            "In the stag hunt, learners end at hare even at λ = 0. Is that wrong?": mo.md(
                """No. Hare is an equilibrium, and the certificate passes. Early on the other one plays at random; then
                hare is worth 3 and stag only 2. Learning finds an equilibrium, not the best one."""
            ),
            "In chicken, compare the task learner with PRIM at λ = 0.3. Who swerves?": mo.md(
                """With task, one swerves and the other one goes straight. With PRIM both swerve: going straight puts a
                driver into the power of the other one, who can crash."""
            ),
            "Why is a learned policy judged by regret, not by its distance to the exact equilibrium?": mo.md(
                """Equilibria are many. A policy can be far from the one that the solver found, and be another one.
                Regret says what matters: how much somebody could gain by doing something else."""
            ),
        }
    )
    return


if __name__ == "__main__":
    app.run()
