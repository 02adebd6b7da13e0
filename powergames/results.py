"""What a solver returns: frozen values that carry the question, the answer and its certificate."""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from powergames.certificates import Certificate
from powergames.games.normal_form import NormalFormGame
from powergames.games.profiles import Profile
from powergames.objectives import PowerObjective
from powergames.power import PowerTable, plain, power_table

SCHEMA = "powergames/1"


class Status(enum.Enum):
    """How a solver ended, as a sentence with advice."""

    CONVERGED = "The certificate confirms the equilibrium."
    REJECTED = "The certificate rejects the profile found; try another method, or exact=True."
    MAX_ITER = "The iteration limit was reached; raise max_iter or choose another method."
    STALLED = "The method stopped making progress; try another method or starting point."
    CYCLING = "The method visits the same profiles again; try another method."
    PATH_LOST = "The path could not be followed further; try another method."
    TIME_LIMIT = "The time limit was reached; the best profile so far is returned."
    INTERRUPTED = "Interrupted; the best profile so far is returned."


@dataclass(frozen=True, eq=False)
class Equilibrium:
    """A profile, what it is worth to each player, and the certificate that says how good it is.

    Attributes
    ----------
    game : NormalFormGame
    objective : PowerObjective
    profile : tuple of ndarray
        ``profile[i][a]``, the probability with which player `i` plays action `a`; fractions when found exactly.
    certificate : Certificate
    status : Status
        CONVERGED exactly when the certificate passed.
    method : str
        The solver that found the profile.
    iterations : int
        Pivots, vertices or steps, as the method counts them.
    component : int
        Index of the connected set of equilibria this one belongs to, where all were enumerated.
    """

    game: NormalFormGame
    objective: PowerObjective
    profile: Profile
    certificate: Certificate
    status: Status
    method: str
    iterations: int = 0
    component: int = 0

    @cached_property
    def power_table(self) -> PowerTable:
        """Pairwise power at the profile."""
        return power_table(self.game, self.profile)

    @property
    def task(self) -> np.ndarray:
        """Expected payoff of each player, shape (n,)."""
        return self.power_table.task

    @property
    def power(self) -> np.ndarray:
        """``power[i, j]``, what `j` can take from `i` by one action, shape (n, n), in payoff units."""
        return self.power_table.values

    @cached_property
    def utility(self) -> np.ndarray:
        """The regularized objective of each player, shape (n,)."""
        lam = self.objective.exact_lam if self.exact else self.objective.lam
        return self.task - lam * self.objective.aggregate_power(self.power)

    @property
    def exact(self) -> bool:
        """Whether the profile is held in exact fractions."""
        return self.profile[0].dtype == object

    @property
    def converged(self) -> bool:
        """Whether the certificate confirms the equilibrium."""
        return self.status is Status.CONVERGED

    def to_dict(self) -> dict[str, Any]:
        """Return the equilibrium as plain JSON values; exact numbers become strings such as ``"1/3"``."""
        return {
            "profile": [plain(strategy) for strategy in self.profile],
            "task": plain(self.task),
            "power": plain(self.power),
            "utility": plain(self.utility),
            "certificate": self.certificate.to_dict(),
            "status": self.status.name,
            "method": self.method,
            "iterations": self.iterations,
            "component": self.component,
        }

    def __repr__(self) -> str:
        profile = ", ".join(_strategy_text(strategy) for strategy in self.profile)
        return (
            f"<Equilibrium {self.status.name} lam={self.objective.lam:g}: {profile}; "
            f"scaled regret {float(self.certificate.scaled_regret):.1e}>"
        )


class EquilibriumSet(Sequence[Equilibrium]):
    """Extreme equilibria of a game, grouped into connected components.

    The set of all equilibria of a two-player game is a finite union of *interchangeable* sets: products of a polytope
    of strategies of one player and a polytope of strategies of the other. Their vertices are the extreme equilibria.

    Parameters
    ----------
    equilibria : sequence of Equilibrium
        The extreme equilibria, each with its `component`.
    interchangeable : sequence of tuple of int
        The maximal interchangeable sets, each as the positions in `equilibria` of its extreme equilibria.
    game, objective
        The question that was answered.
    method : str
        The solver that enumerated the set.
    complete : bool
        Whether no equilibrium can be missing.
    """

    def __init__(
        self,
        equilibria: Sequence[Equilibrium],
        interchangeable: Sequence[tuple[int, ...]],
        game: NormalFormGame,
        objective: PowerObjective,
        method: str,
        complete: bool,
    ) -> None:
        self._equilibria = tuple(equilibria)
        self.interchangeable = tuple(interchangeable)
        self.game = game
        self.objective = objective
        self.method = method
        self.complete = complete

    @property
    def components(self) -> tuple[tuple[Equilibrium, ...], ...]:
        """The extreme equilibria of each connected set of equilibria."""
        count = 1 + max((equilibrium.component for equilibrium in self), default=-1)
        groups: list[list[Equilibrium]] = [[] for _ in range(count)]
        for equilibrium in self:
            groups[equilibrium.component].append(equilibrium)
        return tuple(tuple(group) for group in groups)

    def __len__(self) -> int:
        return len(self._equilibria)

    def __getitem__(self, index: Any) -> Any:
        return self._equilibria[index]

    def __iter__(self) -> Iterator[Equilibrium]:
        return iter(self._equilibria)

    def __repr__(self) -> str:
        return (
            f"<EquilibriumSet lam={self.objective.lam:g}: {len(self)} extreme equilibria in "
            f"{len(self.components)} components{'' if self.complete else ', possibly incomplete'}>"
        )


@dataclass(frozen=True, eq=False)
class PathPoint:
    """The answer at one λ of a sweep: equilibria, or the reason why there are none."""

    objective: PowerObjective
    equilibria: tuple[Equilibrium, ...]
    error: str | None = None

    @property
    def converged(self) -> bool:
        """Whether there is at least one equilibrium and all are certified."""
        return bool(self.equilibria) and all(e.converged for e in self.equilibria)

    def to_dict(self) -> dict[str, Any]:
        """Return the point as plain JSON values."""
        point: dict[str, Any] = {
            "objective": self.objective.to_dict(),
            "equilibria": [equilibrium.to_dict() for equilibrium in self.equilibria],
        }
        if self.error is not None:
            point["error"] = self.error
        return point


@dataclass(frozen=True, eq=False)
class Path(Sequence[PathPoint]):
    """Equilibria over a range of λ, one point each, failures kept as data."""

    game: NormalFormGame
    points: tuple[PathPoint, ...] = field(repr=False)

    @property
    def lams(self) -> np.ndarray:
        """The λ of each point, shape (P,)."""
        return np.array([point.objective.lam for point in self.points])

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, index: Any) -> Any:
        return self.points[index]


# What a long computation reports: a short name of the stage, steps done, steps in all (0 if unknown).
Callback = Callable[[str, int, int], None]


def game_header(game: NormalFormGame) -> dict[str, Any]:
    """Return the part of a JSON result that names the game."""
    return {
        "title": game.title,
        "kind": "normal-form",
        "players": list(game.players),
        "actions": [list(names) for names in game.actions],
    }


def _strategy_text(strategy: np.ndarray) -> str:
    if strategy.dtype == object:
        return "(" + ", ".join(str(p) for p in strategy) + ")"
    return "(" + ", ".join(f"{p:.4g}" for p in strategy) + ")"
