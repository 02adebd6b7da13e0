"""What all pictures of a sweep over λ share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from powergames.display import counted
from powergames.errors import InputError
from powergames.objectives import PowerObjective
from powergames.results import Bifurcations, Sweep
from powergames.viz.labels import lam_list

# The symbol of what failed, as an SVG path.
CROSS = "M-1,-1L1,1M1,-1L-1,1"


def check_path(path: Any) -> None:
    """Refuse what is not a sweep.

    Raises
    ------
    InputError
    """
    if not isinstance(path, Sweep):
        raise InputError(f"path: got {type(path).__name__}; give what sweep returns")
    if not path.points:
        raise InputError("path: got a sweep over no λ; sweep over at least one")


def lam_domain(lams: Sequence[float]) -> tuple[float, float]:
    """Return the ends of an axis of λ; around a single one there is some room."""
    low, high = min(lams), max(lams)
    return (low, high) if high > low else (max(low - 0.25, 0.0), high + 0.25)


def counts(path: Sweep) -> str:
    """Say how many equilibria a sweep found."""
    number = sum(equilibrium.converged for point in path for equilibrium in point.equilibria)
    found = counted(number, "certified equilibrium", "certified equilibria")
    found += "" if path.horizon is None else f" over {counted(path.horizon, 'step')}"
    lams = path.lams
    span = f"from {lams.min():.4g} to {lams.max():.4g}" if len(set(lams.tolist())) > 1 else f"= {lams[0]:.4g}"
    return f"{found} at {counted(len(path), 'value')} of λ {span}" if len(path) > 1 else f"{found} at λ {span}"


def failures(path: Sweep) -> str:
    """Say at which λ nothing was certified; empty if something was at each."""
    lost = [point.objective.lam for point in path if not point.converged]
    if not lost:
        return ""
    return f"{len(lost)} of {len(path)} without a certified equilibrium: {lam_list(lost, path.lams.tolist())}"


def all_branches(game: Any, objective: PowerObjective, ends: Sequence[float | Fraction]) -> Bifurcations | None:
    """Return all equilibria over the λ of a picture, where that is quick.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or DeterministicGame
    objective : PowerObjective
        Supplies the aggregate.
    ends : sequence of numbers
        The least and the greatest λ.

    Returns
    -------
    Bifurcations or None
    """
    from powergames.solvers import bifurcations
    from powergames.solvers.normal_form.bifurcations import is_quick

    if not is_quick(game) or ends[0] == ends[1]:
        return None
    # The axis may go on beyond the λ that are probabilities; without states both forms are the same.
    found = bifurcations(game, replace(objective, form="penalty"), lam=tuple(ends))
    return found if found.complete else None
