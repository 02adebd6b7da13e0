"""Equilibria of all λ as curves: where they are, in which direction they go, and how they go on where supports change.

A *state*, shape (N,), holds everything that the equations of an equilibrium determine: first the probabilities of all
actions and takeovers, last λ. A *mask*, shape (D,), says which actions and takeovers are in use; the slacks of these
are zero, and so are the probabilities of the others. That leaves as many equations as unknowns besides λ.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from powergames.objectives import PowerObjective
from powergames.results import Equilibrium, Status, StochasticEquilibrium, SupportChange
from powergames.solvers.common import LimitError, Options


@dataclass(frozen=True)
class Limits:
    """What counts as zero or as the same along a path, and how often corrections and pivots are tried."""

    zero: float = 1e-10
    """Probabilities, and slacks relative to the payoff range, up to this are zero."""
    dust: float = 1e-14
    """Probabilities up to this are rounding errors."""
    still: float = 1e-9
    """Components of a direction up to this are zero: λ stands still, and what is zero remains so."""
    corrections: int = 10
    """Newton steps of the corrector at most."""
    accuracy: float = 1e-11
    """Size of its last step at most."""
    singular: float = 1e-10
    """Singular values below this fraction of the largest are zero."""
    pivots: int = 200
    """Pivots at one point at most."""
    attempts: int = 5
    """Attempts to get through a point."""
    same: float = 1e-6
    """States and profiles are the same if no entry differs by more than this."""
    tie: float = 1e-7
    """Slacks up to this are zero in an equilibrium given as a start."""


LIMITS = Limits()

AnyEquilibrium = Equilibrium | StochasticEquilibrium


class PathLostError(Exception):
    """The path cannot be followed; the message says why."""

    status = Status.PATH_LOST


class RejectedError(PathLostError):
    """A certificate rejects a point."""

    status = Status.REJECTED


class Family(ABC):
    """The extended games of all λ, as functions of a state.

    Attributes
    ----------
    span : float
        A change of λ by so much counts as much as one of a probability by one.
    metric : ndarray, shape (N,)
        Weights of a state's entries in the squared length of a step.
    is_player : ndarray of bool, shape (D,)
        Which probabilities are the players' own.
    """

    span: float
    metric: np.ndarray
    is_player: np.ndarray

    @abstractmethod
    def linearized(self, state: np.ndarray) -> Any:
        """Return the equations at a state: `slacks`, shape (D,), their derivatives `rates`, (D, N), and the others."""

    @abstractmethod
    def tangent(self, linear: Any, mask: np.ndarray) -> np.ndarray | None:
        """Return a direction, of length one, that keeps the equations of a mask; None if that leaves a choice."""

    @abstractmethod
    def missing(self, linear: Any, mask: np.ndarray) -> int:
        """Return by how much the rank of the equations falls short."""

    @abstractmethod
    def perturbed_margins(self, linear: Any, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return how margins that are zero change when random numbers are added to all equations."""

    @abstractmethod
    def orientation(self, linear: Any, mask: np.ndarray, direction: np.ndarray) -> float:
        """Return the sign of the determinant of the equations and a direction; it changes where paths branch.

        Zero where rounding would decide.
        """

    @abstractmethod
    def newton_step(
        self, linear: Any, mask: np.ndarray, row: np.ndarray | int | None, error: float
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return what Newton's method subtracts from a state, the least if there is a choice, and from which entries.

        Besides the equations of a mask it solves one more, if there is a `row`, as for `corrected`; `error` is that of
        this equation.
        """

    def corrected(
        self, state: np.ndarray, mask: np.ndarray, row: np.ndarray | int | None, target: float = 0.0
    ) -> np.ndarray | None:
        """Solve the equations of a mask by Newton's method.

        Parameters
        ----------
        state : ndarray, shape (N,)
            Where to start.
        mask : ndarray of bool, shape (D,)
        row : ndarray, shape (N,), or int or None
            One more equation, ``row @ state = target``, or that the slack of an index be zero. Without, a nearest
            solution is sought.
        target : float

        Returns
        -------
        ndarray or None
            None if the method does not converge.
        """
        state = state.copy()
        state[: len(mask)][~mask] = 0.0
        last = np.inf
        for _ in range(LIMITS.corrections):
            linear = self.linearized(state)
            if row is None:
                error = 0.0
            else:
                error = linear.slacks[row] if isinstance(row, (int, np.integer)) else row @ state - target
            change, unknown = self.newton_step(linear, mask, row, float(error))
            size = float(np.abs(change).max())
            if not size < 10.0 * self.span:
                return None
            state[unknown] -= change
            if size <= LIMITS.accuracy * max(1.0, float(np.abs(state).max())) or (size <= 1e-8 and size >= 0.5 * last):
                return state
            last = size
        return None

    @abstractmethod
    def change(self, index: int, begins: bool) -> SupportChange:
        """Say whose action or takeover it is that comes into use or falls out of it."""

    def margins(self, state: np.ndarray, linear: Any, mask: np.ndarray) -> np.ndarray:
        """Return the probabilities of what is in use, the slacks of what is not; negative ones are forbidden."""
        return np.where(mask, state[: len(mask)], linear.slacks)

    def margin_rates(self, direction: np.ndarray, linear: Any, mask: np.ndarray) -> np.ndarray:
        """Return how fast the margins change in a direction."""
        return np.where(mask, direction[: len(mask)], linear.rates @ direction)


@dataclass(frozen=True, eq=False)
class Place:
    """A state on the path, the mask of the piece, and the direction of the path there."""

    state: np.ndarray
    linear: Any
    mask: np.ndarray
    direction: np.ndarray

    @property
    def lam(self) -> float:
        """The λ of the state."""
        return float(self.state[-1])


@dataclass(frozen=True, eq=False)
class Question(ABC):
    """What is asked: which game, which objective, which range of λ, which tolerance.

    Attributes
    ----------
    stops : tuple of exception types
        What ends a path early without an error.
    """

    game: Any
    objective: PowerObjective
    lams: tuple[float, float]
    options: Options

    stops: ClassVar[tuple[type[BaseException], ...]] = (LimitError,)

    @cached_property
    @abstractmethod
    def family(self) -> Family:
        """The extended games of all λ."""

    @abstractmethod
    def solved(self, objective: PowerObjective, start: Any = None) -> AnyEquilibrium:
        """Return an equilibrium at some λ, the status of which says whether it is one."""

    @abstractmethod
    def checked(self, start: AnyEquilibrium) -> AnyEquilibrium:
        """Return an equilibrium with a certificate of its own."""

    @abstractmethod
    def certified(self, state: np.ndarray) -> AnyEquilibrium:
        """Return the equilibrium of a state.

        Raises
        ------
        RejectedError
            If it is none.
        """

    @abstractmethod
    def located(self, start: AnyEquilibrium) -> tuple[np.ndarray, np.ndarray]:
        """Return a state at an equilibrium, or as close to one, and its mask."""

    def in_range(self, lam: float) -> float:
        """Return a λ without the rounding errors that lead it past, or not quite to, the ends of the range."""
        low, high = self.lams
        return low if lam <= low + LIMITS.zero else high if lam >= high - LIMITS.zero else lam

    def origin(self, start: AnyEquilibrium) -> Place:
        """Return the place of an equilibrium, heading to greater λ if possible."""
        family, lam = self.family, start.objective.lam
        state, mask = self.located(start)
        at_lam = np.zeros(len(state))
        at_lam[-1] = 1.0
        polished = family.corrected(state, mask, at_lam, lam)
        if polished is None:
            polished = family.corrected(state, mask, None)
        if polished is None or np.abs(polished - state)[: len(mask)][family.is_player].max() > LIMITS.same:
            raise PathLostError("the start is not an isolated equilibrium")
        linear = family.linearized(polished)
        if family.margins(polished, linear, mask).min() < -LIMITS.zero:
            raise PathLostError("the start is not accurate enough to tell its support")
        direction = family.tangent(linear, mask)
        if direction is None:
            raise PathLostError("several paths meet at the start")
        return Place(polished, linear, mask, direction if direction[-1] >= 0.0 else -direction)

    def completed(self, linear: Any, mask: np.ndarray) -> np.ndarray:
        """Add to a mask of what is as good as what is in use, until the equations have full rank.

        Raises
        ------
        PathLostError
            If they never have.
        """
        family = self.family
        missing = family.missing(linear, mask)
        for count, p in enumerate(np.flatnonzero(~mask & (linear.slacks <= LIMITS.tie))):
            if not missing:
                break
            self.options.report("ties at the start", count)
            wider = mask.copy()
            wider[p] = True
            less = family.missing(linear, wider)
            if less < missing:
                mask, missing = wider, less
        if missing:
            raise PathLostError("the start is one of infinitely many equilibria")
        return mask

    def through(self, place: Place, begins: bool = False) -> Place:
        """Return how the path leaves a place, where several margins may be zero.

        The linearized equations are followed with random numbers added to all of them, so that one margin at a time
        falls to zero, until none does any more. The numbers are the same whichever way a path comes, so that no two
        leave in the same way.
        """
        family = self.family
        margins = family.margins(place.state, place.linear, place.mask)
        zeros = np.flatnonzero(margins <= LIMITS.zero)
        for seed in range(LIMITS.attempts):
            mask, direction = place.mask, place.direction
            perturbed = family.perturbed_margins(place.linear, mask, np.random.default_rng(seed))[zeros]
            # What is zero before and after the place, or at the start, is on the right side by choice.
            chosen = begins | (np.abs(family.margin_rates(direction, place.linear, mask)[zeros]) <= LIMITS.still)
            perturbed = np.where(chosen, np.abs(perturbed), perturbed)
            for _ in range(LIMITS.pivots):
                rates = family.margin_rates(direction, place.linear, mask)[zeros]
                falling = np.flatnonzero(rates < -LIMITS.still)
                if not len(falling):
                    return replace(place, mask=mask, direction=direction)
                times = perturbed[falling] / -rates[falling]
                first = falling[np.argmin(times)]
                perturbed = perturbed + times.min() * rates
                perturbed[first] = 0.0
                mask = mask.copy()
                mask[zeros[first]] ^= True
                tangent = family.tangent(place.linear, mask)
                rate = 0.0 if tangent is None else family.margin_rates(tangent, place.linear, mask)[zeros[first]]
                if tangent is None or abs(rate) <= LIMITS.still:
                    break
                direction = tangent * np.sign(rate)
        raise PathLostError(f"at lambda = {place.lam:.10g} the equations leave open how the path goes on")


def same_profile(one: AnyEquilibrium, other: AnyEquilibrium) -> bool:
    """Tell whether two equilibria, one of them perhaps in fractions, have the same λ and profile."""
    return one.objective.lam == other.objective.lam and all(
        np.abs(a - b.astype(np.float64)).max() <= LIMITS.same for a, b in zip(one.profile, other.profile, strict=True)
    )


def same_way(one: Place, other: Place) -> bool:
    """Tell whether the path continues in the same way from two places."""
    return (
        np.array_equal(one.mask, other.mask)
        and bool(np.abs(one.state - other.state).max() <= LIMITS.same)
        and bool(one.direction @ other.direction > 0.0)
    )


def mixed_takeovers(
    point: np.ndarray,
    paid: np.ndarray,
    derivative: np.ndarray,
    bounds: np.ndarray,
    egos: np.ndarray,
    slacks: np.ndarray,
    n_players: int,
) -> np.ndarray:
    """Let the adversaries of every player mix their best takeovers so that no action is better than those it plays.

    Parameters
    ----------
    point, paid, slacks : ndarray, shape (D,)
        Strategies of players and adversaries, what their actions and takeovers are paid, and by how much that falls
        short of the best of their group.
    derivative : ndarray, shape (D, D)
        Of what is paid.
    bounds : ndarray of int, shape (G + 1,)
        Where the groups begin, players first.
    egos : ndarray of int, shape (G,)
        Whose payoff each group moves.
    n_players : int

    Returns
    -------
    ndarray, shape (D,)
        A vertex of all such points.
    """
    from scipy.optimize import linprog

    point = point.copy()
    group_of = np.repeat(np.arange(len(egos)), np.diff(bounds))
    for i in range(n_players):
        own = np.arange(bounds[i], bounds[i + 1])
        groups = [g for g in range(n_players, len(egos)) if egos[g] == i]
        worst = np.array([p for g in groups for p in range(*bounds[g : g + 2]) if slacks[p] <= LIMITS.tie], np.int64)
        matrix = derivative[np.ix_(own, worst)]
        # At λ = 0 nothing depends on them.
        if len(worst) == len(groups) or not matrix.any():
            continue
        rest = paid[own] - matrix @ point[worst]
        # Unknowns: the mixtures and the player's value, to be as small as possible.
        solution = linprog(
            np.append(np.zeros(len(worst)), 1.0),
            np.column_stack([matrix, -np.ones(len(own))]),
            -rest,
            np.array([[*(group_of[worst] == g), 0.0] for g in groups], dtype=np.float64),
            np.ones(len(groups)),
            bounds=[(0, None)] * len(worst) + [(None, None)],
            method="highs-ds",
            options={"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10},
        )
        if solution.status == 0:
            point[worst] = solution.x[:-1]
    return point
