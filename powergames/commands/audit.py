"""``powergames audit``: audit a policy."""

from __future__ import annotations

from typing import Annotated, Any, cast

import typer

from powergames.checking.tolerances import POLICY_TOLERANCE
from powergames.commands.options import (
    Aggregate,
    AggregateOption,
    Form,
    FormOption,
    GameArgument,
    HorizonOption,
    JsonOption,
    LamOption,
    PlotOption,
    PowerStepsOption,
    TolOption,
    WeightsOption,
    check_distinct,
    check_plot,
    read_horizon,
    read_objective,
    read_profile,
    read_tolerance,
)
from powergames.commands.outcome import DONE, FAILED, print_json
from powergames.commands.terminal import print_result
from powergames.errors import InputError


def command(
    game: GameArgument,
    policy: Annotated[
        str,
        typer.Argument(
            metavar="POLICY",
            help="A .npz file of arrays player_0, player_1, ..., a .json profile, uniform, or one action per player, "
            "as in stag,hare.",
        ),
    ],
    lam: LamOption,
    aggregate: AggregateOption = Aggregate.MEAN,
    weights: WeightsOption = None,
    form: FormOption = Form.PENALTY,
    power_steps: PowerStepsOption = "1",
    tol: TolOption = f"{POLICY_TOLERANCE:g}",
    steps: Annotated[
        int,
        typer.Option(
            "--steps",
            metavar="N",
            help="Steps for which an adversary acts in the off-policy report (stochastic games).",
        ),
    ] = 10,
    reference: Annotated[
        str | None,
        typer.Option("--reference", metavar="FILE", help="Also report how far the policy is from this profile."),
    ] = None,
    horizon: HorizonOption = None,
    plot: PlotOption = None,
    as_json: JsonOption = False,
) -> int:
    """Check whether a policy is an equilibrium, and what happens when a player leaves it."""
    check_plot(plot)
    check_distinct({"GAME": game, "POLICY": policy, "--reference": reference}, [("--plot", plot)])
    tolerance = read_tolerance(tol)
    from powergames.auditing import audit
    from powergames.io import load
    from powergames.results import SCHEMA, game_header

    loaded, objective = load(game), read_objective(lam, aggregate, form, weights, power_steps)
    if plot is not None and horizon is not None:
        raise InputError("--plot: not with a horizon; leave it out")
    if plot is not None and loaded.n_players == 1:
        raise InputError("--plot: nobody can leave the policy in a game of one player; leave it out")
    lasting = read_horizon(horizon, loaded)
    # The audit reads files by itself; a horizon decides about their shape.
    written = policy.lower().endswith((".npz", ".json"))
    report: Any = cast("Any", audit)(
        loaded,
        policy if written else read_profile(policy, loaded, "POLICY"),
        objective,
        tol=tolerance,
        steps=steps,
        reference=reference,
        horizon=lasting,
    )
    if as_json:
        print_json({"schema": SCHEMA, "game": game_header(loaded), **report.to_dict()})
    else:
        print_result(report)
    if plot is not None:
        from powergames import viz

        viz.save(viz.off_policy(report), plot)
    return DONE if report.passed else FAILED
