"""Logit quantal-response equilibria: the principal branch of the logit homotopy as a result of its own."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from powergames.errors import InputError, interruptible
from powergames.games.immutable import Frozen
from powergames.games.kinds import as_game
from powergames.games.normal_form import NormalFormGame
from powergames.games.profiles import Profile, frozen
from powergames.objectives import AnyObjective, PowerObjective, as_objective
from powergames.power import PairTables, pair_tables
from powergames.progress import Callback, check_callback
from powergames.results import Status
from powergames.solvers.normal_form import logit
from powergames.solvers.normal_form.extended import ExtendedGame


@dataclass(frozen=True)
class Limits:
    """How far and how exactly the branch is followed."""

    precision: float = 1_000.0
    """By default the branch is followed to this precision times the payoff range."""
    accuracy: float = 1e-8
    """Size of the corrector's last step; it converges quadratically, so that errors are about its square."""
    points: int = 10_000
    """Points of a path at most."""


LIMITS = Limits()


@dataclass(frozen=True, eq=False)
class QuantalResponse(Frozen):
    """A logit quantal-response equilibrium.

    Attributes
    ----------
    precision : float
        Responsiveness to payoffs, per unit of payoff: 0 mixes evenly, and infinity responds best.
    profile : tuple of ndarray
        ``profile[i][a]``, the probability with which player `i` plays action `a`.
    residual : float
        Greatest difference between a probability and the logit response to the profile, computed afresh.
    """

    precision: float
    profile: Profile
    residual: float

    def to_dict(self) -> dict[str, Any]:
        """Return the equilibrium as plain JSON values."""
        profile = [strategy.tolist() for strategy in self.profile]
        return {"precision": self.precision, "profile": profile, "residual": self.residual}

    def __repr__(self) -> str:
        strategies = ", ".join("(" + ", ".join(f"{p:.4g}" for p in strategy) + ")" for strategy in self.profile)
        return f"<QuantalResponse precision={self.precision:.4g}: {strategies}>"


@dataclass(frozen=True, eq=False, repr=False)
class QuantalResponsePath(Frozen, Sequence[QuantalResponse]):
    """Quantal-response equilibria along the principal branch, from precision 0 on.

    Attributes
    ----------
    game : NormalFormGame
    objective : PowerObjective
        The power weight λ; not to be confused with the precision.
    points : tuple of QuantalResponse
        In the order of the branch; through a fold the precision falls for a while.
    status : Status
        CONVERGED if the branch was followed to the end asked for, else PATH_LOST or MAX_ITER.
    """

    game: NormalFormGame
    objective: PowerObjective
    points: tuple[QuantalResponse, ...]
    status: Status

    @property
    def precisions(self) -> np.ndarray:
        """The precision of each point, shape (P,)."""
        return frozen(np.array([point.precision for point in self.points]))

    def to_dict(self) -> dict[str, Any]:
        """Return the branch as plain JSON values."""
        return {
            "objective": self.objective.to_dict(),
            "points": [point.to_dict() for point in self.points],
            "status": self.status.name,
        }

    def __len__(self) -> int:
        return len(self.points)

    def __getitem__(self, index: Any) -> Any:
        return self.points[index]

    def __repr__(self) -> str:
        highest = max(self.precisions, default=0.0)
        return f"<QuantalResponsePath {self.status.name}: {len(self)} points up to precision {highest:.4g}>"


def logit_path(
    game: NormalFormGame,
    objective: AnyObjective | None = None,
    *,
    precisions: Iterable[float] | None = None,
    max_precision: float | None = None,
    callback: Callback | None = None,
) -> QuantalResponsePath:
    """Follow logit quantal-response equilibria from even mixing towards an equilibrium.

    Players respond to their regularized payoffs, and the adversaries that define power respond to theirs, all with the
    same precision.

    Parameters
    ----------
    game : NormalFormGame
    objective : PowerObjective or number, optional
        A number is λ; by default 0: the usual quantal-response equilibria.
    precisions : iterable of float, optional
        Return the points where the branch first has these precisions, in increasing order, instead of those that the
        method happens to visit.
    max_precision : float, optional
        Where to stop, without `precisions`; by default 1,000 divided by the greatest payoff range.
    callback : callable, optional
        Called as ``callback(stage, done, 0)`` now and then.

    Returns
    -------
    QuantalResponsePath
        For almost all games the branch ends in one equilibrium as the precision grows; for `max` with three or more
        players this is open.

    Raises
    ------
    InputError
        If an argument cannot be used.

    Notes
    -----
    Each step solves linear equations in as many unknowns as the players have actions. McKelvey & Palfrey (1995) define
    these equilibria, Turocy (2005) the way to compute them.

    Examples
    --------
    >>> import powergames as pg
    >>> path = pg.logit_path(pg.load("stag_hunt"), precisions=[0, 1, 10])
    >>> [round(float(point.profile[0][0]), 3) for point in path]
    [0.5, 0.059, 0.0]
    """
    game = as_game(game)
    objective = as_objective(objective, once=True)
    check_callback(callback)
    if precisions is not None and max_precision is not None:
        raise InputError("max_precision: got it together with precisions; leave out one of them")
    unit = float(game.payoff_scale.max())
    wanted = None if precisions is None else _checked(precisions)
    if wanted is not None:
        highest = max(wanted, default=0.0)
    elif max_precision is None:
        highest = LIMITS.precision / unit
    else:
        highest = _checked([max_precision])[0]
    problem = ExtendedGame.of(game, objective, units=np.full(game.n_players, unit), normalize=False)
    # The problem counts payoffs in units, precision in their inverse.
    states: list[logit.State] = []
    status = Status.PATH_LOST
    with interruptible():
        for attempt in logit.ATTEMPTS:
            states, status = _branch(problem, attempt.caution, wanted, highest, unit, callback)
            if status is not Status.PATH_LOST:
                break
    points = tuple(_point(game, objective, problem, state, unit) for state in states)
    return QuantalResponsePath(game, objective, points, status)


def _checked(precisions: Iterable[float]) -> list[float]:
    if isinstance(precisions, (str, bytes)) or not isinstance(precisions, Iterable):
        raise InputError(f"precisions: got {type(precisions).__name__}; give a sequence of numbers >= 0")
    result = []
    for precision in precisions:
        try:
            number = float(precision) if isinstance(precision, (int, float, np.number)) else math.nan
        except OverflowError:
            number = math.inf
        if not 0 <= number < math.inf:
            raise InputError(f"precision: got {str(precision)[:40]!r}; give a finite number >= 0")
        result.append(number)
    return sorted(result)


def _branch(
    problem: ExtendedGame,
    caution: float,
    wanted: list[float] | None,
    highest: float,
    unit: float,
    callback: Callback | None,
) -> tuple[list[logit.State], Status]:
    """Return the states asked for, and how the branch was left."""
    highest *= unit
    wanted = None if wanted is None else [precision * unit for precision in wanted]
    states: list[logit.State] = []
    before: logit.State | None = None
    try:
        for count, state in enumerate(logit.follow(problem, caution, LIMITS.accuracy, np.zeros(problem.size))):
            if callback is not None:
                callback("steps of the logit path", count, 0)
            if count >= LIMITS.points:
                return states, Status.MAX_ITER
            arrived = state.precision >= highest
            stops = [] if wanted is None else [p for p in wanted[len(states) :] if p <= state.precision]
            for precision in [highest] if wanted is None and arrived else stops:
                exact = logit.between(problem, before or state, state, precision, LIMITS.accuracy)
                if exact is None:
                    return states, Status.PATH_LOST
                states.append(exact)
            if arrived:
                return states, Status.CONVERGED
            if wanted is None:
                states.append(state)
            before = state
    except logit.PathLostError:
        pass
    return states, Status.PATH_LOST


def _point(
    game: NormalFormGame, objective: PowerObjective, problem: ExtendedGame, state: logit.State, unit: float
) -> QuantalResponse:
    profile = problem.candidate(state.point, 0).profile
    assert profile is not None
    precision = state.precision / unit
    response = _response(game, objective, profile, precision)
    residual = max(float(np.abs(a - b).max()) for a, b in zip(profile, response, strict=True))
    return QuantalResponse(precision, profile, residual)


def _response(game: NormalFormGame, objective: PowerObjective, profile: Profile, precision: float) -> list[np.ndarray]:
    """Logit responses to a profile, from its pair tables alone."""
    if game.n_players == 1:
        return [_softmax(precision * game.payoffs[0])]
    tables: PairTables = pair_tables(game, profile)
    result = []
    for i, own in enumerate(objective.adversaries(game.n_players)):
        j = next(iter(tables[i]))
        weights = [float(adversary.charge) for adversary in own]
        values = (1.0 - sum(weights)) * (tables[i][j] @ profile[j])
        for weight, adversary in zip(weights, own, strict=True):
            takeovers = np.concatenate([tables[i][k] for k in adversary.players], axis=1)
            values = values + weight * (takeovers @ _softmax(-precision * (profile[i] @ takeovers)))
        result.append(_softmax(precision * values))
    return result


def _softmax(values: np.ndarray) -> np.ndarray:
    powers = np.exp(values - values.max())
    return np.asarray(powers / powers.sum())
