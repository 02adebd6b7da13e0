r"""One equilibrium followed in λ, around folds and through every change of support.

Between two changes of support an equilibrium of the extended game solves as many equations as there are unknowns,

.. math::
    s_p = v_{group(p)} - g_p(ξ, λ) = 0 \quad (p \in S), \qquad \sum_{p \in group} ξ_p = 1,

and with λ as one more unknown the solutions form a smooth curve, which a predictor along its tangent and Newton's
method at a right angle to it follow through *folds*, where λ turns (pseudo-arclength continuation; Keller 1977). The
piece ends where a probability in use or the slack of what is not in use falls to zero. There the two exchange their
roles, and the curve goes on to where the new one grows: complementary pivoting on a nonlinear problem, as in Lemke's
method. λ may turn back there too. Where several fall to zero at once, the path through the equations linearized at that
point, with the margins perturbed at random, decides which of them are exchanged.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, cast

import numpy as np

from powergames.checking.certificate import check_tolerance
from powergames.errors import InputError
from powergames.games.kinds import AnyGame, as_game, check_endless
from powergames.games.normal_form import NormalFormGame
from powergames.games.stochastic import StochasticGame
from powergames.objectives import AnyObjective, PowerObjective, as_objective, one_step_only, with_lam
from powergames.progress import Callback, check_callback
from powergames.results import Equilibrium, StochasticEquilibrium, SupportChange, Trace
from powergames.solvers.common import Candidate, Options, certified, check_count, end_of
from powergames.solvers.following import continuation
from powergames.solvers.following.branch import followed
from powergames.solvers.following.continuation import (
    AnyEquilibrium,
    Family,
    Question,
    RejectedError,
    mixed_takeovers,
)
from powergames.solvers.following.stochastic_trace import StochasticQuestion
from powergames.solvers.normal_form.extended import ExtendedGame
from powergames.solvers.registry import solve

_A = {Equilibrium: "an Equilibrium", StochasticEquilibrium: "a StochasticEquilibrium"}


def trace(
    game: AnyGame,
    objective: AnyObjective | None = None,
    *,
    start: Equilibrium | StochasticEquilibrium | None = None,
    lams: tuple[float, float] = (0.0, 1.0),
    tol: float = 1e-8,
    max_points: int = 5000,
    time_limit: float | None = None,
    callback: Callback | None = None,
) -> Trace:
    """Follow one equilibrium as λ changes, around folds, until the path leaves a range of λ.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or DeterministicGame
        Any number of players.
    objective : PowerObjective, optional
        Supplies aggregate and form. Without `start` it also supplies the λ at which an equilibrium is sought. By
        default these are those of `start`; without `start`, the mean at the lower end of the range.
    start : Equilibrium or StochasticEquilibrium, optional
        The equilibrium to follow.
    lams : (float, float), default (0, 1)
        The range of λ.
    tol : float, default 1e-8
        Greatest regret, relative to the payoff range, with which a point is CONVERGED.
    max_points : int, default 5000
        Number of points after which to give up.
    time_limit : float, optional
        Seconds after which the path so far is returned, with status TIME_LIMIT.
    callback : callable, optional
        Called as ``callback(stage, done, total)`` now and then; total is 0, for unknown.

    Returns
    -------
    Trace
        Certified equilibria in the order of the path, followed both ways from the start, and the critical λ, where the
        support changes, λ turns back or other equilibria branch off. Each comes with the equilibria at both ends of a
        bracket. A path that could not be followed to its ends has a status other than CONVERGED, and what was reached
        of it. So has one that Ctrl-C ends, INTERRUPTED, in a stochastic game; otherwise Ctrl-C raises
        KeyboardInterrupt.

    Raises
    ------
    InputError
        If an argument cannot be used.

    Notes
    -----
    Costs a few Jacobians of the extended game for each point, as Newton's method does; in a stochastic game a few
    sparse factorizations, with the values of all states as further unknowns. Every point is certified independently.
    A trace does not show equilibria on other paths. In a degenerate game, where several paths meet in a point or
    equilibria form continua, it follows one path through them, the same each time. If the start in a stochastic game is
    one of infinitely many equilibria, it follows one of them with less mixing.

    Sources: H. B. Keller (1977), "Numerical solution of bifurcation and nonlinear eigenvalue problems", in
    *Applications of Bifurcation Theory*, Academic Press; E. L. Allgower and K. Georg (1990), *Numerical Continuation
    Methods*, Springer.

    Examples
    --------
    >>> import powergames as pg
    >>> game = pg.load("stag_hunt")
    >>> path = pg.trace(game, start=pg.solve(game, select="welfare"))
    >>> [(event.kind, round(event.lam, 9)) for event in path.events]
    [('corner', 0.25)]
    >>> path[-1].profile[0], path.events[0].text()
    (array([0.75, 0.25]), 'hunter 1 begins to play hare; hunter 2 begins to play hare; the path turns back')
    """
    game = as_game(game, NormalFormGame | StochasticGame)
    check_endless(game)
    stochastic = isinstance(game, StochasticGame)
    check_tolerance(tol)
    low, high = _range(lams)
    check_count("max_points", max_points)
    check_callback(callback)
    if objective is not None:
        objective = as_objective(objective)
    if start is not None:
        _check_start(start, game, objective)
        objective = start.objective
    elif objective is None:
        objective = PowerObjective(low)
    if not low <= objective.lam <= high:
        raise InputError(f"lams: got {low:g} to {high:g}, but the path starts at lam={objective.lam:g}; include it")
    one_step_only(objective, "the path is followed for power of one step")
    with_lam(objective, high).adversaries(game.n_players)
    options = Options(tol=tol, callback=callback, end=end_of(time_limit))
    question = (StochasticQuestion if stochastic else _Question)(game, objective, (low, high), options)
    given = start is not None
    if start is None:
        start = question.solved(objective)
    elif start.converged:
        # What the caller brings is believed no more than what a solver finds.
        checked = question.checked(start)
        start = start if checked.converged else checked
    return followed(question, start, max_points, given)


def _range(lams: tuple[float, float]) -> tuple[float, float]:
    problem = InputError(f"lams: got {str(lams)[:40]}; give two finite numbers, 0 <= least < greatest")
    try:
        low, high = (float(lam) for lam in lams)
    except (OverflowError, TypeError, ValueError):
        raise problem from None
    if not 0 <= low < high < np.inf:
        raise problem
    return low, high


def _check_start(start: Any, game: NormalFormGame | StochasticGame, objective: PowerObjective | None) -> None:
    kind = StochasticEquilibrium if isinstance(game, StochasticGame) else Equilibrium
    if not isinstance(start, kind):
        raise InputError(f"start: got {type(start).__name__}; give {_A[kind]}, as solve returns it")
    if start.game is not game and start.game != game:
        raise InputError("start: is an equilibrium of another game; give one of this game")
    if objective is not None and with_lam(objective, start.objective.exact_lam) != start.objective:
        raise InputError("start: has another aggregate or form than objective; leave out objective")


@dataclass(frozen=True, eq=False)
class _Question(Question):
    """The question for a game in normal form."""

    @cached_property
    def family(self) -> _Family:
        return _Family.of(self.game, self.objective, self.lams[1])

    def solved(self, objective: PowerObjective, start: Any = None) -> Equilibrium:
        options = self.options
        limits: dict[str, Any] = {"time_limit": options.seconds_left, "callback": options.callback}
        return cast(Equilibrium, solve(self.game, objective, start=start, tol=options.tol, **limits))

    def checked(self, start: AnyEquilibrium) -> Equilibrium:
        options = replace(self.options, exact=cast(Equilibrium, start).exact)
        return certified(self.game, start.objective, Candidate(start.profile), start.method, options)

    def certified(self, state: np.ndarray) -> Equilibrium:
        lam = self.in_range(float(state[-1]))
        point = state[: self.family.base.size]
        candidate = self.family.at(lam).candidate(np.where(point > continuation.LIMITS.dust, point, 0.0), 0)
        equilibrium = certified(self.game, with_lam(self.objective, lam), candidate, "trace", self.options)
        if not equilibrium.converged:
            raise RejectedError(f"the certificate rejects the point at lambda = {lam:.10g}")
        return equilibrium

    def located(self, start: AnyEquilibrium) -> tuple[np.ndarray, np.ndarray]:
        family, lam = self.family, start.objective.lam
        problem = family.at(lam)
        point = problem.starting_point([strategy.astype(np.float64) for strategy in start.profile])
        tables = problem.tables(point)
        paid = problem.gradient(point, tables)
        point = mixed_takeovers(
            point,
            paid,
            problem.jacobian(point, tables),
            problem.bounds,
            problem.egos,
            problem.slacks(paid),
            problem.n_players,
        )
        state = family.state(point, lam)
        linear = family.linearized(state)
        return state, self.completed(linear, point > np.maximum(linear.slacks, continuation.LIMITS.zero))


@dataclass(frozen=True, eq=False)
class _Linear:
    """The equations at a state, and how they change with the state.

    Attributes
    ----------
    slacks : ndarray, shape (D,)
        By how much each action and takeover falls short of the value of its group.
    rates : ndarray, shape (D, N)
        Derivatives of the slacks.
    sums : ndarray, shape (G,)
    """

    slacks: np.ndarray
    rates: np.ndarray
    sums: np.ndarray


@dataclass(frozen=True, eq=False)
class _Family(Family):
    """The extended games of all λ; a state holds a point, the value of each group, and λ: N = D + G + 1."""

    base: ExtendedGame
    span: float

    @classmethod
    def of(cls, game: NormalFormGame, objective: PowerObjective, high: float) -> _Family:
        base = ExtendedGame.of(game, PowerObjective(1.0, objective.aggregate), normalize=False)
        return cls(base, max(1.0, high))

    def at(self, lam: float) -> ExtendedGame:
        """Return the extended game at a λ, with adversaries also at λ = 0."""
        base = self.base
        return replace(base, linear=1.0 - lam * (1.0 - base.linear), weights=lam * base.weights)

    @cached_property
    def metric(self) -> np.ndarray:  # type: ignore[override]
        """Weights of a state's entries in the squared length of a step."""
        weights = np.zeros(self.base.size + self.base.n_groups + 1)
        weights[: self.base.size] = 1.0
        weights[-1] = self.span**-2
        return weights

    @cached_property
    def _derivative(self) -> ExtendedGame:
        return replace(self.base, linear=self.base.linear - 1.0)

    @cached_property
    def _groups(self) -> np.ndarray:
        """Which group each action and takeover belongs to, shape (G, D)."""
        return (self.base.group_of == np.arange(self.base.n_groups)[:, None]).astype(np.float64)

    @cached_property
    def is_player(self) -> np.ndarray:  # type: ignore[override]
        """Which probabilities are the players' own, shape (D,)."""
        return np.arange(self.base.size) < self.base.n_own

    def state(self, point: np.ndarray, lam: float) -> np.ndarray:
        """Return the state of an equilibrium."""
        problem = self.at(lam)
        values = problem.gradient(point, problem.tables(point))
        return np.concatenate([point, np.maximum.reduceat(values, problem.bounds[:-1]), [lam]])

    def linearized(self, state: np.ndarray) -> _Linear:
        size, own = self.base.size, self.base.n_own
        point, levels = state[:size], state[size:-1]
        problem = self.at(float(state[-1]))
        tables = problem.tables(point)
        group_of = self.base.group_of
        rates = np.zeros((size, len(state)))
        rates[:, :size] = -problem.jacobian(point, tables)
        rates[np.arange(size), size + group_of] = 1.0
        rates[:own, -1] = -self._derivative.gradient(point, tables)[:own]
        slacks = levels[group_of] - problem.gradient(point, tables)
        return _Linear(slacks, rates, np.add.reduceat(point, self.base.bounds[:-1]))

    def system(self, linear: _Linear, mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the derivative of the equations of a mask, (m, m + 1), and the entries of the state it is in."""
        unknown = np.flatnonzero(np.append(mask, np.ones(self.base.n_groups + 1, dtype=bool)))
        sums = np.zeros((self.base.n_groups, len(mask) + self.base.n_groups + 1))
        sums[:, : len(mask)] = self._groups
        return np.concatenate([linear.rates[mask], sums])[:, unknown], unknown

    def tangent(self, linear: _Linear, mask: np.ndarray) -> np.ndarray | None:
        matrix, unknown = self.system(linear, mask)
        _, values, rows = np.linalg.svd(matrix)
        if values[-1] <= continuation.LIMITS.singular * values[0]:
            return None
        direction = np.zeros(len(mask) + self.base.n_groups + 1)
        direction[unknown] = rows[-1]
        length = np.sqrt(self.metric @ direction**2)
        return direction / length if length > 0.0 else None

    def missing(self, linear: _Linear, mask: np.ndarray) -> int:
        matrix, _ = self.system(linear, mask)
        values = np.linalg.svd(matrix, compute_uv=False)
        return int((values <= continuation.LIMITS.singular * values[0]).sum())

    def perturbed_margins(self, linear: _Linear, mask: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        matrix, unknown = self.system(linear, mask)
        numbers = rng.uniform(-1.0, 1.0, len(mask) + self.base.n_groups)
        change = np.zeros(linear.rates.shape[1])
        constants = np.append(numbers[: len(mask)][mask], numbers[len(mask) :])
        change[unknown] = np.linalg.lstsq(matrix, constants, rcond=continuation.LIMITS.singular)[0]
        return np.where(mask, change[: len(mask)], linear.rates @ change - numbers[: len(mask)])

    def orientation(self, linear: _Linear, mask: np.ndarray, direction: np.ndarray) -> float:
        matrix, unknown = self.system(linear, mask)
        bordered = np.vstack([matrix, (self.metric * direction)[unknown]])
        values = np.linalg.svd(bordered, compute_uv=False)
        return float(np.linalg.slogdet(bordered)[0]) if values[-1] > continuation.LIMITS.singular * values[0] else 0.0

    def newton_step(
        self, linear: _Linear, mask: np.ndarray, row: np.ndarray | int | None, error: float
    ) -> tuple[np.ndarray, np.ndarray]:
        matrix, unknown = self.system(linear, mask)
        errors = np.concatenate([linear.slacks[mask], linear.sums - 1.0])
        if row is not None:
            more = linear.rates[row] if isinstance(row, (int, np.integer)) else row
            matrix, errors = np.vstack([matrix, more[unknown]]), np.append(errors, error)
        return _solved(matrix, errors, self.span), unknown

    def change(self, index: int, begins: bool) -> SupportChange:
        base = self.base
        ego = int(base.egos[base.group_of[index]])
        if index < base.n_own:
            return SupportChange(ego, int(index - base.bounds[ego]), None, begins)
        # The part of the adversary in which the entry lies is the one that begins last before it.
        parts = [j for j in range(base.n_players) if 0 <= base.places[ego, j] <= index]
        player = max(parts, key=base.places[ego].__getitem__)
        return SupportChange(player, int(index - base.places[ego, player]), ego, begins)


def _solved(matrix: np.ndarray, constants: np.ndarray, span: float) -> np.ndarray:
    """Solve linear equations; where they leave a choice, take the shortest solution."""
    if matrix.shape[0] == matrix.shape[1]:
        try:
            change = np.linalg.solve(matrix, constants)
            if np.abs(change).max() <= span:
                return change
        except np.linalg.LinAlgError:
            pass
    return np.linalg.lstsq(matrix, constants, rcond=continuation.LIMITS.singular)[0]
