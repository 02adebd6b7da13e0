"""Each equilibrium of a page with its exact interval of λ, and the λ at which something changes."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from powergames.games.normal_form import NormalFormGame
from powergames.games.profiles import pure_profile
from powergames.games.stochastic import StochasticGame
from powergames.objectives import PowerObjective
from powergames.results import Bifurcations, Branch
from powergames.solvers import bifurcations, pure_equilibria
from powergames.solvers.normal_form.bifurcations import is_quick

# Joint actions up to which pure equilibria are looked for.
MOST_JOINT_ACTIONS = 20_000


def intervals(
    game: NormalFormGame | StochasticGame, objective: PowerObjective, last: Fraction
) -> dict[str, Any] | None:
    """Return each equilibrium with the interval of λ at which it is one, in fractions.

    Parameters
    ----------
    game : NormalFormGame or StochasticGame
    objective : PowerObjective
        Supplies the aggregate and form.
    last : Fraction
        The greatest λ to look at; pure equilibria are known beyond.

    Returns
    -------
    dict or None
        ``branches``: as `Branch.to_dict` returns them, ``hi`` null where there is no upper end; ``complete``: whether
        these are all, up to `last`, or pure equilibria only; ``critical``: the λ between 0 and `last` at which they
        come, go or change; ``last``. None for stochastic games, and for large ones.

    Examples
    --------
    >>> import powergames as pg
    >>> found = intervals(pg.load("stag_hunt"), pg.PowerObjective(), Fraction(1))
    >>> [(branch["lo"], branch["hi"], branch["support"]) for branch in found["branches"]]
    [('0', '1/4', [[0], [0]]), ('0', None, [[1], [1]]), ('0', '1/4', [[0, 1], [0, 1]])]
    >>> found["critical"]
    ['1/4']
    """
    if isinstance(game, StochasticGame) or math.prod(game.n_actions) > MOST_JOINT_ACTIONS:
        return None
    branches: list[dict[str, Any]] = []
    ends: set[Fraction] = set()
    for pure in pure_equilibria(game, objective):
        profile = [[str(int(chance)) for chance in own] for own in pure_profile(game.n_actions, pure.joint_action)]
        branches.append(
            {
                "lo": str(pure.lam_min),
                "hi": None if pure.lam_max == math.inf else str(pure.lam_max),
                "support": [[action] for action in pure.joint_action],
                "constant": profile,
                "slope": [["0"] * len(own) for own in profile],
                "weights": ["1"] * game.n_players,
            }
        )
        ends |= {end for end in (pure.lam_min, pure.lam_max) if isinstance(end, Fraction)}
    complete = is_quick(game)
    if complete:
        found = bifurcations(game, objective, lam=(0, last))
        branches += [each.to_dict() for each in (*found, *_isolated(found)) if max(map(len, each.support)) > 1]
        ends |= set(found.critical)
    branches.sort(key=lambda each: Fraction(each["lo"]))
    critical = sorted(end for end in ends if 0 < end < last)
    return {
        "branches": branches,
        "complete": complete,
        "critical": [str(end) for end in critical],
        "last": str(last),
    }


def _isolated(found: Bifurcations) -> list[Branch]:
    """Return the equilibria that are on no branch, as branches at a single λ."""
    isolated = []
    for point in found.points:
        lam = point.objective.exact_lam
        known = {tuple(map(tuple, branch.at(lam))) for branch in found if branch.contains(lam)}
        for equilibrium in point:
            profile = equilibrium.profile
            if tuple(map(tuple, profile)) not in known:
                isolated.append(Branch(lam, lam, profile, tuple(0 * own for own in profile), (Fraction(1),) * 2))
    return isolated
