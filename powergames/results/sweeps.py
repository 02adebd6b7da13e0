"""Equilibria at each λ of a sweep."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from powergames.display import Shown, counted
from powergames.games.immutable import Frozen
from powergames.games.normal_form import NormalFormGame
from powergames.games.profiles import frozen
from powergames.games.stochastic import StochasticGame
from powergames.objectives import PowerObjective


@dataclass(frozen=True, eq=False)
class SweepPoint(Frozen):
    """The answer at one λ of a sweep: equilibria, or the reason why there are none.

    Attributes
    ----------
    objective : PowerObjective
    equilibria : tuple of Equilibrium, StochasticEquilibrium or HorizonEquilibrium
    error : str, optional
        What a solver raised, where that left no equilibrium.
    complete : bool, optional
        Whether no equilibrium can be missing, where all were asked for.
    """

    objective: PowerObjective
    equilibria: tuple[Any, ...]
    error: str | None = None
    complete: bool | None = None

    @property
    def converged(self) -> bool:
        """Whether there is at least one equilibrium and all are certified."""
        return bool(self.equilibria) and all(e.converged for e in self.equilibria)

    def __repr__(self) -> str:
        found = self.error or counted(len(self.equilibria), "equilibrium", "equilibria")
        return f"<SweepPoint lam={self.objective.lam:g}: {found}{'' if self.converged else ', not certified'}>"

    def to_dict(self) -> dict[str, Any]:
        """Return the point as plain JSON values; exact numbers become strings such as ``"1/3"``."""
        exact = any(equilibrium.profile[0].dtype == object for equilibrium in self.equilibria)
        point: dict[str, Any] = {
            "objective": self.objective.to_dict(exact),
            "equilibria": [equilibrium.to_dict() for equilibrium in self.equilibria],
        }
        if self.error is not None:
            point["error"] = self.error
        if self.complete is not None:
            point["complete"] = self.complete
        return point


@dataclass(frozen=True, eq=False)
class Sweep(Frozen, Shown, Sequence[SweepPoint]):
    """Equilibria over a range of λ, one point each, failures kept as data.

    Examples
    --------
    >>> import powergames as pg
    >>> pg.sweep(pg.load("stag_hunt"), lams=[0, 0.25])
    <Sweep lam=0 to 0.25: 2 points, all certified>
    """

    game: NormalFormGame | StochasticGame
    points: tuple[SweepPoint, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the points as plain JSON values."""
        return {"points": [point.to_dict() for point in self.points]}

    def __repr__(self) -> str:
        good = sum(point.converged for point in self)
        lams = f" lam={self.lams.min():g} to {self.lams.max():g}" if len(self) else ""
        return f"<Sweep{lams}: {counted(len(self), 'point')}, {'all' if good == len(self) else good} certified>"

    @property
    def lams(self) -> np.ndarray:
        """The λ of each point, shape (P,)."""
        return frozen(np.array([point.objective.lam for point in self.points]))

    @property
    def horizon(self) -> int | None:
        """The number of steps after which the game ends; None if it has no end, or nothing was found."""
        found = (equilibrium for point in self.points for equilibrium in point.equilibria)
        return next((getattr(equilibrium, "horizon", None) for equilibrium in found), None)

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, index: Any) -> Any:
        return self.points[index]
