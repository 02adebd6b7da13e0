"""What it takes to follow an equilibrium of a stochastic game: solve, certify, and tell the equations at the start."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, cast

import numpy as np

from powergames.checking.stochastic import certify_stochastic
from powergames.objectives import PowerObjective, with_lam
from powergames.results import Status, StochasticEquilibrium
from powergames.solvers.common import LimitError
from powergames.solvers.following import continuation, stochastic_equations
from powergames.solvers.following.continuation import (
    AnyEquilibrium,
    PathLostError,
    Question,
    RejectedError,
    mixed_takeovers,
)
from powergames.solvers.following.stochastic_equations import Linear, StochasticFamily
from powergames.solvers.stochastic.solve import solve_stochastic


@dataclass(frozen=True)
class Limits:
    """How a path in a stochastic game is reduced at corners, and which actions are interchangeable."""

    reductions: int = 200
    """Steps to a corner of infinitely many equilibria."""
    alike: float = 1e-11
    """Actions are interchangeable if whatever depends on them differs by at most this."""


LIMITS = Limits()


@dataclass(frozen=True, eq=False)
class StochasticQuestion(Question):
    """The question for a stochastic game."""

    stops: ClassVar[tuple[type[BaseException], ...]] = (LimitError, KeyboardInterrupt)

    @cached_property
    def family(self) -> StochasticFamily:
        """The extended stochastic games of all λ."""
        return StochasticFamily.of(self.game, self.objective, self.lams[1])

    def solved(self, objective: PowerObjective, start: Any = None) -> StochasticEquilibrium:
        """Return an equilibrium at some λ, the status of which says whether it is one."""
        return solve_stochastic(self.game, objective, None, replace(self.options, start=start))

    def checked(self, start: AnyEquilibrium) -> StochasticEquilibrium:
        """Return an equilibrium with a certificate of its own."""
        start = cast(StochasticEquilibrium, start)
        certificate = certify_stochastic(self.game, start.profile, start.objective, tol=self.options.tol)
        return replace(
            start, certificate=certificate, status=Status.CONVERGED if certificate.passed else Status.REJECTED
        )

    def certified(self, state: np.ndarray) -> StochasticEquilibrium:
        """Return the equilibrium of a state, or raise RejectedError."""
        lam = self.in_range(float(state[-1]))
        problem = self.family.at(lam)
        point = state[: problem.size]
        point = np.where(point > continuation.LIMITS.dust, point, 0.0)
        objective, profile = with_lam(self.objective, lam), problem.profile(point)
        witness = problem.witness(point) if lam else None
        certificate = certify_stochastic(self.game, profile, objective, tol=self.options.tol, witness=witness)
        if not certificate.passed:
            raise RejectedError(f"the certificate rejects the point at lambda = {lam:.10g}")
        return StochasticEquilibrium(self.game, objective, profile, certificate, Status.CONVERGED, "trace")

    def located(self, start: AnyEquilibrium) -> tuple[np.ndarray, np.ndarray]:
        """Return a state at an equilibrium and its mask, with as little in use as gives equations of full rank."""
        family, lam = self.family, start.objective.lam
        values = self._values(cast(StochasticEquilibrium, start))
        point = family.base.point_of(start.profile)
        state = self._state(self._with_takeovers(point, lam, values), lam, values)
        linear = family.linearized(state)
        merged = _merged(family, linear, state[: family.base.size])
        state = self._state(merged, lam, values)
        linear = family.linearized(state)
        mask = merged > np.maximum(linear.slacks, continuation.LIMITS.zero)
        try:
            return state, self.completed(linear, mask)
        except PathLostError:
            return self._reduced(state, mask)

    def _values(self, start: StochasticEquilibrium) -> np.ndarray:
        """Return the values of an equilibrium as the family counts them, shape (kinds, n, S)."""
        game, base = self.game, self.family.base
        _, units, offsets = game.unit_rewards()
        kinds = (start.utility, start.task)[: base.kinds]
        values = np.zeros((base.kinds, base.n_players, base.n_states))
        for kind, own in enumerate(kinds):
            scaled = own * (1.0 - game.discounts)[:, None] - offsets[:, None]
            values[kind, : game.n_players] = scaled / units[:, None]
        return values

    def _state(self, point: np.ndarray, lam: float, values: np.ndarray) -> np.ndarray:
        gradient, _ = self.family.paid(lam, point, values)
        levels = np.maximum.reduceat(gradient, self.family.base.bounds[:-1])
        return np.concatenate([point, levels, values.ravel(), [lam]])

    def _with_takeovers(self, point: np.ndarray, lam: float, values: np.ndarray) -> np.ndarray:
        """Let every adversary play a best takeover, or mix several so that no player gains."""
        base = self.family.base
        gradient, _ = self.family.paid(lam, point, values)
        best = np.flatnonzero(base.slacks(gradient) == 0.0)
        _, first = np.unique(base.group_of[best], return_index=True)
        pure = np.zeros_like(point)
        pure[best[first]] = 1.0
        point = np.where(base.is_player, point, pure)
        gradient, blocks = self.family.paid(lam, point, values)
        slacks = base.slacks(gradient)
        begin = 0
        for s in range(base.n_states):
            self.options.report("states of the start", s)
            own = slice(*base.point_starts[s : s + 2].tolist())
            size = own.stop - own.start
            bounds = base.bounds[s * base.n_groups : (s + 1) * base.n_groups + 1] - own.start
            block = blocks[begin : begin + size * size].reshape(size, size)
            point[own] = mixed_takeovers(
                point[own], gradient[own], block, bounds, base.owners, slacks[own], base.n_players
            )
            begin += size * size
        return point

    def _reduced(self, state: np.ndarray, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Go from one of infinitely many equilibria to a corner of their set, one margin after the other."""
        family, lam = self.family, float(state[-1])
        at_lam = np.zeros(len(state))
        at_lam[-1] = 1.0
        for count in range(LIMITS.reductions):
            linear = family.linearized(state)
            if not family.missing(linear, mask):
                return state, mask
            self.options.report("steps to a corner of infinitely many equilibria", count)
            direction = _loose(family, linear, mask)
            margins = np.maximum(family.margins(state, linear, mask), 0.0)
            rates = family.margin_rates(direction, linear, mask)
            if ((margins <= continuation.LIMITS.zero) & (rates < -continuation.LIMITS.still)).any():
                direction, rates = -direction, -rates
            falling = np.flatnonzero(rates < -continuation.LIMITS.still)
            if not len(falling):
                break
            lengths = margins[falling] / -rates[falling]
            first = int(falling[np.argmin(lengths)])
            fewer = mask.copy()
            fewer[first] ^= True
            found = family.corrected(state + lengths.min() * direction, fewer, at_lam, lam)
            if (
                found is None
                or family.margins(found, family.linearized(found), fewer).min() < -continuation.LIMITS.zero
            ):
                break
            state, mask = found, fewer
        raise PathLostError("the start is one of infinitely many equilibria")


def _loose(family: StochasticFamily, linear: Linear, mask: np.ndarray) -> np.ndarray:
    """Return a direction, λ fixed, that keeps the equations of a mask although these leave nothing else open."""
    matrix, unknown = linear.matrix(mask)
    _, values, rows = np.linalg.svd(matrix.toarray()[:, :-1])
    kept = rows[np.count_nonzero(values > stochastic_equations.LIMITS.singular * values[0]) :]
    # The strategy that is freest changes, and what must change with it.
    freest = np.argmax((kept[:, : np.count_nonzero(mask)] ** 2).sum(axis=0))
    direction = np.zeros(len(family.metric))
    direction[unknown[:-1]] = -kept[:, freest] @ kept
    length = float(np.sqrt(family.metric @ direction**2))
    return direction / length if length > 0.0 else direction


def _merged(family: StochasticFamily, linear: Linear, point: np.ndarray) -> np.ndarray:
    """Let one of several actions that everything depends on in the same way be played instead of all of them."""
    base = family.base
    point = point.copy()
    used = point > np.maximum(linear.slacks, continuation.LIMITS.zero)
    counts = np.bincount(base.group_of, used, len(base.bounds) - 1)
    columns = linear.derivative.tocsc()

    def entries(p: int) -> np.ndarray:
        """Return what is stored of a column; in those of one group the same rows are."""
        return columns.data[columns.indptr[p] : columns.indptr[p + 1]]

    for group in np.flatnonzero(counts > 1).tolist():
        kept: list[int] = []
        for p in (base.bounds[group] + np.flatnonzero(used[slice(*base.bounds[group : group + 2])])).tolist():
            same = [q for q in kept if np.abs(entries(p) - entries(q)).max() <= LIMITS.alike]
            if same:
                point[same[0]] += point[p]
                point[p] = 0.0
            else:
                kept.append(p)
    return point
