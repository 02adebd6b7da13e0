"""All equilibria of a two-player game as functions of λ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from powergames.checking.certificate import Certificate
from powergames.checking.normal_form import certify_checked
from powergames.display import Shown
from powergames.errors import InputError
from powergames.games.immutable import Frozen
from powergames.games.normal_form import NormalFormGame
from powergames.games.numbers import to_fraction
from powergames.games.profiles import Profile, frozen
from powergames.objectives import PowerObjective, with_lam
from powergames.power import plain
from powergames.results.equilibria import Equilibrium
from powergames.results.sets import EquilibriumSet
from powergames.results.status import Status


@dataclass(frozen=True, eq=False, repr=False)
class Branch(Frozen):
    """One extreme equilibrium, as a function of λ.

    Player `i` plays ``constant[i] + slope[i] / (1 - λ weights[i])``, or ``constant[i]`` where the slope is zero.

    Attributes
    ----------
    lo, hi : Fraction
        Ends of the interval of λ, both included.
    constant, slope : tuple of ndarray of Fraction
        One vector of shape (A_i,) per player.
    weights : tuple of Fraction
        The weight W of the power that player `i` holds over the other one.
    """

    lo: Fraction
    hi: Fraction
    constant: Profile
    slope: Profile
    weights: tuple[Fraction, ...]

    @property
    def middle(self) -> Fraction:
        """The λ in the middle of the interval."""
        return (self.lo + self.hi) / 2

    @property
    def support(self) -> tuple[tuple[int, ...], ...]:
        """The actions that each player plays inside the interval."""
        return tuple(tuple(np.flatnonzero(strategy != 0).tolist()) for strategy in self.at(self.middle))

    def contains(self, lam: Fraction) -> bool:
        """Tell whether λ lies in the interval."""
        return self.lo <= lam <= self.hi

    def at(self, lam: Any) -> Profile:
        """Return the profile at a λ of the interval, in fractions.

        Raises
        ------
        InputError
            If λ is not in the interval.
        """
        exact = _read(lam)
        if not self.contains(exact):
            raise InputError(f"lam: got {exact}; this branch goes from {self.lo} to {self.hi}")
        parts = zip(self.constant, self.slope, self.weights, strict=True)
        return tuple(
            frozen(constant + slope / (1 - exact * weight) if slope.any() else constant.copy())
            for constant, slope, weight in parts
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the branch as plain JSON values, numbers as strings such as ``"1/3"``."""
        return {
            "lo": str(self.lo),
            "hi": str(self.hi),
            "support": [list(actions) for actions in self.support],
            "constant": [plain(vector) for vector in self.constant],
            "slope": [plain(vector) for vector in self.slope],
            "weights": [str(weight) for weight in self.weights],
        }

    def __repr__(self) -> str:
        return f"<Branch lam={self.lo} to {self.hi}: supports {', '.join(map(str, self.support))}>"


@dataclass(frozen=True, eq=False, repr=False)
class Bifurcations(Frozen, Shown, Sequence[Branch]):
    """All equilibria of a two-player game for all λ of an interval, as branches in order of λ.

    Attributes
    ----------
    game : NormalFormGame
    objective : PowerObjective
        Supplies the aggregate; its λ is the least of the interval.
    lam : (Fraction, Fraction)
        The interval.
    branches : tuple of Branch
        The extreme equilibria between breakpoints. Two of them meet where a support changes.
    certificates : tuple of Certificate
        Of each branch in the middle of its interval, exact.
    points : tuple of EquilibriumSet
        All equilibria at the ends of the interval, and at single λ at which there are more than those on the branches.
    complete : bool
        Whether no equilibrium can be missing; it is unless a time limit ended the search.
    """

    game: NormalFormGame
    objective: PowerObjective
    lam: tuple[Fraction, Fraction]
    branches: tuple[Branch, ...]
    certificates: tuple[Certificate, ...]
    points: tuple[EquilibriumSet, ...]
    complete: bool

    @property
    def breakpoints(self) -> tuple[Fraction, ...]:
        """The λ at which a branch begins or ends, and those of `points`, in order."""
        ends = {end for branch in self.branches for end in (branch.lo, branch.hi)}
        return tuple(sorted(ends | {point.objective.exact_lam for point in self.points}))

    @property
    def critical(self) -> tuple[Fraction, ...]:
        """The λ inside the interval at which equilibria come, go or change.

        Breakpoints, without those of `points` that hold no other equilibria than the branches do, each on its own.
        """
        inner = {end for branch in self.branches for end in (branch.lo, branch.hi)}
        inner |= {point.objective.exact_lam for point in self.points if self._adds(point)}
        return tuple(sorted(lam for lam in inner if self.lam[0] < lam < self.lam[1]))

    def _adds(self, point: EquilibriumSet) -> bool:
        """Whether there are equilibria at the λ of a point that are on no branch, or a connected set."""
        lam = point.objective.exact_lam
        known = {tuple(map(tuple, branch.at(lam))) for branch in self.branches if branch.contains(lam)}
        lone = len(point.components) == len(point)
        return not lone or any(tuple(map(tuple, found.profile)) not in known for found in point)

    @property
    def status(self) -> Status:
        """CONVERGED if the search ended and every certificate passed."""
        if not self.complete:
            return Status.TIME_LIMIT
        passed = all(certificate.passed for certificate in self.certificates)
        certified = all(equilibrium.converged for point in self.points for equilibrium in point)
        return Status.CONVERGED if passed and certified else Status.REJECTED

    @property
    def converged(self) -> bool:
        """Whether the search ended and every certificate passed."""
        return self.status is Status.CONVERGED

    def at(self, lam: Any) -> tuple[Equilibrium, ...]:
        """Return all extreme equilibria at a λ of the interval, in fractions, each certified.

        Raises
        ------
        InputError
            If λ is not in the interval.
        """
        exact = _read(lam)
        if not self.lam[0] <= exact <= self.lam[1]:
            raise InputError(f"lam: got {exact}; choose from {self.lam[0]} to {self.lam[1]}")
        for point in self.points:
            if point.objective.exact_lam == exact:
                return tuple(point)
        objective = with_lam(self.objective, exact)
        profiles: dict[Any, Profile] = {}
        for branch in self.branches:
            if branch.contains(exact):
                profile = branch.at(exact)
                profiles.setdefault(tuple(map(tuple, profile)), profile)
        found = []
        for profile in profiles.values():
            certificate = certify_checked(self.game, profile, objective, 0)
            status = Status.CONVERGED if certificate.passed else Status.REJECTED
            found.append(Equilibrium(self.game, objective, profile, certificate, status, "bifurcations"))
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain JSON values, numbers as strings such as ``"1/3"``."""
        return {
            "objective": self.objective.to_dict(exact=True),
            "lam": [str(end) for end in self.lam],
            "breakpoints": [str(lam) for lam in self.breakpoints],
            "branches": [branch.to_dict() for branch in self.branches],
            "points": [
                {"lam": str(point.objective.exact_lam), "equilibria": [equilibrium.to_dict() for equilibrium in point]}
                for point in self.points
            ],
            "complete": self.complete,
            "status": self.status.name,
        }

    def __len__(self) -> int:
        return len(self.branches)

    def __getitem__(self, index: Any) -> Any:
        return self.branches[index]

    def __repr__(self) -> str:
        return (
            f"<Bifurcations {self.status.name} lam={self.lam[0]} to {self.lam[1]}: {len(self)} branches, breakpoints "
            f"{', '.join(map(str, self.breakpoints))}>"
        )


def _read(lam: Any) -> Fraction:
    try:
        return to_fraction(lam)
    except InputError:
        raise InputError(f"lam: got {str(lam)[:40]}; give a finite number") from None
