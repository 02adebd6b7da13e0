"""`solve` and `solve_all`: choose a method, run it, certify what it found, fall back if the certificate rejects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, overload

import numpy as np

from powergames.checking.certificate import check_tolerance
from powergames.errors import InputError, interruptible
from powergames.games.deterministic import DeterministicGame
from powergames.games.kinds import AnyGame, as_game, check_endless
from powergames.games.normal_form import NormalFormGame
from powergames.games.policies import complete_profile
from powergames.games.stochastic import StochasticGame
from powergames.games.timed import check_horizon
from powergames.objectives import AnyObjective, PowerObjective, as_objective, one_step_only
from powergames.progress import Callback, check_callback
from powergames.results import (
    Equilibrium,
    EquilibriumSet,
    HorizonEquilibrium,
    Status,
    StochasticEquilibrium,
    StochasticEquilibriumSet,
)
from powergames.solvers.common import (
    Candidate,
    LimitError,
    Method,
    Options,
    certified,
    check_count,
    check_seed,
    end_of,
)
from powergames.solvers.normal_form import (
    anderson,
    best_response,
    double_oracle,
    fictitious_play,
    ipa,
    lemke,
    linear_program,
    logit,
    mirror_descent,
    pure,
    regret_matching,
    selection,
    subdivision,
    vertex_enumeration,
)
from powergames.solvers.normal_form.extended import extended_size
from powergames.solvers.stochastic import solve_stochastic
from powergames.solvers.stochastic import subdivision as stochastic_subdivision
from powergames.solvers.stochastic.backward_induction import solve_horizon

METHODS: dict[str, Method] = {
    method.name: method
    for method in (
        lemke.METHOD,
        double_oracle.METHOD,
        pure.METHOD,
        linear_program.METHOD,
        ipa.METHOD,
        logit.METHOD,
        best_response.DAMPED,
        best_response.SEQUENTIAL,
        fictitious_play.METHOD,
        regret_matching.METHOD,
        mirror_descent.METHOD,
        anderson.METHOD,
    )
}


@dataclass(frozen=True)
class Limits:
    """Up to which size of a game, and for how long, `solve` lets a method try before the next one."""

    actions: int = 24
    """At λ = 0 Lemke's algorithm is run on the whole game at once up to this many actions in all."""
    actions_with_power: int = 120
    """At other λ it is run on the whole game at once up to this many actions in all."""
    steps: int = 30
    """Steps that the fast method for three and more players gets before the sure one takes over."""
    actions_extended: int = 60
    """It gets them up to this many actions, those of adversaries included."""
    lam: int = 1000
    """Beyond this λ floats hold too few digits for the sure method, whose points are rarely exact enough."""
    pivots: int = 400_000
    """Pivots of Lemke's algorithm in large games with power before the homotopy takes over."""
    actions_in_fractions: int = 80
    """Up to this many actions in all, a last resort in fractions takes seconds, not hours."""


LIMITS = Limits()


@overload
def solve(
    game: NormalFormGame,
    objective: AnyObjective | None = None,
    *,
    horizon: None = None,
    method: str | None = None,
    exact: bool = False,
    select: str | None = None,
    start: Any = None,
    tol: float = 1e-8,
    max_iter: int | None = None,
    seed: np.random.Generator | int | None = None,
    time_limit: float | None = None,
    callback: Callback | None = None,
) -> Equilibrium: ...


@overload
def solve(
    game: StochasticGame | DeterministicGame,
    objective: AnyObjective | None = None,
    *,
    horizon: None = None,
    method: str | None = None,
    exact: bool = False,
    select: str | None = None,
    start: Any = None,
    tol: float = 1e-8,
    max_iter: int | None = None,
    seed: np.random.Generator | int | None = None,
    time_limit: float | None = None,
    callback: Callback | None = None,
) -> StochasticEquilibrium: ...


@overload
def solve(
    game: AnyGame,
    objective: AnyObjective | None = None,
    *,
    horizon: int,
    method: str | None = None,
    exact: bool = False,
    select: str | None = None,
    start: Any = None,
    tol: float = 1e-8,
    max_iter: int | None = None,
    seed: np.random.Generator | int | None = None,
    time_limit: float | None = None,
    callback: Callback | None = None,
) -> HorizonEquilibrium: ...


def solve(
    game: AnyGame,
    objective: AnyObjective | None = None,
    *,
    horizon: int | None = None,
    method: str | None = None,
    exact: bool = False,
    select: str | None = None,
    start: Any = None,
    tol: float = 1e-8,
    max_iter: int | None = None,
    seed: np.random.Generator | int | None = None,
    time_limit: float | None = None,
    callback: Callback | None = None,
) -> Equilibrium | StochasticEquilibrium | HorizonEquilibrium:
    """Compute one certified power-regularized equilibrium.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or DeterministicGame
    objective : PowerObjective or number, optional
        A number is λ; by default 0: Nash equilibrium.
    horizon : int, optional
        Number of steps after which a game with states ends; by default it never does. What players do then depends on
        the time, and the discount may be 1.
    method : str, optional
        A name from `powergames.solvers.METHODS`, for stochastic games from `powergames.solvers.STOCHASTIC_METHODS`. By
        default the method is chosen by size and λ, and another one takes over when what was found is rejected.
    exact : bool, default False
        Compute in rational arithmetic; the profile and all numbers derived from it are `fractions.Fraction`.
    select : str, optional
        Of all equilibria, return the one of greatest total task value, "welfare", or of least total power, "power".
        With more than two players this works only if `solve_all` finds all equilibria of the game. With a horizon, it
        chooses among the pure equilibria at each step in each state, given those of the next step. "team": the greatest
        sum of utilities, then of task values, then the first in order; the default if players share their rewards.
        "welfare": the greatest sum of task values. "power": the least charge for power. "nearest", the default
        otherwise: the fewest players change their action at the next step, then as "team". If there is no pure
        equilibrium, the one found is taken.
    start : sequence of array_like, optional
        Starting profile, for methods that take one.
    tol : float, default 1e-8
        Greatest regret, relative to the payoff range, with which a profile is CONVERGED.
    max_iter : int, optional
        Limit on the iterations, as the method counts them.
    seed : numpy.random.Generator or int, optional
        Source of randomness for restarts; the same seed gives the same answer. Default 0.
    time_limit : float, optional
        Seconds after which the best profile so far is returned, with status TIME_LIMIT unless it passes. With `select`,
        an equilibrium that is not known to be the best has the status TIME_LIMIT.
    callback : callable, optional
        Called as ``callback(stage, done, total)`` now and then; total is 0 when unknown.

    Returns
    -------
    Equilibrium, StochasticEquilibrium or, with a horizon, HorizonEquilibrium
        Its `status` is CONVERGED exactly if its certificate passed. If every method fails, the best profile found is
        returned and its status says why. Ctrl-C while a stochastic game is solved returns the best profile so far with
        status INTERRUPTED; otherwise it raises KeyboardInterrupt.

    Raises
    ------
    InputError
        If an argument cannot be used, or the method refuses the problem.

    Examples
    --------
    >>> import powergames as pg
    >>> equilibrium = pg.solve(pg.load("matching_pennies"), pg.PowerObjective(0.5))
    >>> equilibrium.status.name, equilibrium.profile[0]
    ('CONVERGED', array([0.5, 0.5]))

    Two steps of a game without discount:

    >>> found = pg.solve(pg.load("reputation_stag_hunt").with_discount(1), pg.PowerObjective(0.1), horizon=2)
    >>> found.status.name, found.profile[0].shape, found.start_task
    ('CONVERGED', (2, 4, 2), array([9., 9.]))
    """
    objective = as_objective(objective)
    check_seed(seed)
    if horizon is not None:
        steps = check_horizon(horizon, game)
        if exact or start is not None:
            raise InputError(f"{'exact' if exact else 'start'}: not with a horizon; leave it out")
        states = as_game(game, StochasticGame | DeterministicGame)
        _check(states, objective, tol, max_iter, callback)
        options = Options(None, tol, max_iter, 0 if seed is None else seed, callback, False, end_of(time_limit))
        return solve_horizon(states, objective, steps, method, select, options)
    game = as_game(game, NormalFormGame | StochasticGame)
    objective = as_objective(objective, once=isinstance(game, NormalFormGame))
    _check(game, objective, tol, max_iter, callback)
    check_endless(game)
    options = Options(
        None if start is None else complete_profile(game, start),
        tol,
        max_iter,
        0 if seed is None else seed,
        callback,
        exact,
        end_of(time_limit),
    )
    if isinstance(game, StochasticGame):
        for name, wanted in (("exact", exact), ("select", select is not None)):
            if wanted:
                raise InputError(f"{name}: not for stochastic games; leave it out")
        return solve_stochastic(game, objective, method, options)
    if select is not None:
        if method is not None:
            raise InputError("select: chooses its own method; leave out method")
        with interruptible():
            return selection.select(game, objective, select, options)
    plan = _plan(game, objective, method, options)
    return _solved(game, objective, plan, options, with_start=method is None and not exact)


@overload
def solve_all(
    game: NormalFormGame,
    objective: AnyObjective | None = None,
    *,
    exact: bool = False,
    tol: float = 1e-8,
    time_limit: float | None = None,
    callback: Callback | None = None,
) -> EquilibriumSet: ...


@overload
def solve_all(
    game: StochasticGame | DeterministicGame,
    objective: AnyObjective | None = None,
    *,
    exact: bool = False,
    tol: float = 1e-8,
    time_limit: float | None = None,
    callback: Callback | None = None,
) -> StochasticEquilibriumSet: ...


def solve_all(
    game: AnyGame,
    objective: AnyObjective | None = None,
    *,
    exact: bool = False,
    tol: float = 1e-8,
    time_limit: float | None = None,
    callback: Callback | None = None,
) -> EquilibriumSet | StochasticEquilibriumSet:
    """Compute all power-regularized equilibria of a game; of a stochastic game all pure stationary ones.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or DeterministicGame
        In normal form two players; or more of them with few actions: made for 3 x 3 x 3 and five players with two, and
        tried up to nine free probabilities. With states any number of players.
    objective : PowerObjective or number, optional
        A number is λ; by default 0: Nash equilibrium.
    exact : bool, default False
        Compute in rational arithmetic. This works only if at most two players have a choice. Degenerate games of two
        players are computed this way in any case, and rounded at the end.
    tol : float, default 1e-8
        Greatest regret, relative to the payoff range, with which an equilibrium is CONVERGED.
    time_limit : float, optional
        Seconds after which the equilibria found so far are returned. The set is then not complete, and its status is
        TIME_LIMIT.
    callback : callable, optional
        Called as ``callback(stage, done, total)`` now and then.

    Returns
    -------
    EquilibriumSet or, for games with states, StochasticEquilibriumSet
        All equilibria, each certified, in components: the extreme ones of two players, the isolated ones of more. Its
        `complete` says whether any can be missing, its `unresolved` where, its `status` why. With states all pure
        stationary equilibria, and in tiny games the mixed ones: `pure_complete` says whether any pure one can be
        missing, `complete` whether any at all.

    Raises
    ------
    InputError
        If the game is too large, or an argument cannot be used.

    Notes
    -----
    For two players time grows with the number of vertices of the best-response polyhedra, which is exponential in the
    number of actions; every λ > 0 doubles their dimension. For more players
    `powergames.solvers.normal_form.subdivision` excludes all other profiles by bounds: milliseconds for 2 x 2 x 2, a
    tenth of a second for typical 3 x 3 x 3 games, and about
    ten seconds at most, after which continua and what is nearly one are reported as unresolved. For stochastic games
    `powergames.solvers.stochastic.elimination` does so by bounds on the values of states. Its time depends on how many
    joint actions these bounds leave: hundreds of states where few are left, eight states of random rewards, four in the
    form "penalty". Mixed equilibria of tiny games are found by `powergames.solvers.stochastic.subdivision`: less than a
    second for typical games of two or three states, two players and two actions.

    Examples
    --------
    >>> import powergames as pg
    >>> len(pg.solve_all(pg.load("von_stengel")))
    75
    >>> pg.solve_all(pg.load("delegation"))
    <StochasticEquilibriumSet lam=0: 1 equilibrium>
    """
    objective = as_objective(objective)
    game = as_game(game, NormalFormGame | StochasticGame)
    objective = as_objective(objective, once=isinstance(game, NormalFormGame))
    one_step_only(objective, "the search for all equilibria is for power of one step")
    _check(game, objective, tol, None, callback)
    check_endless(game)
    if exact and isinstance(game, StochasticGame):
        raise InputError("exact: not for stochastic games; leave it out")
    options = Options(tol=tol, callback=callback, exact=exact, end=end_of(time_limit))
    with interruptible():
        if isinstance(game, StochasticGame):
            return stochastic_subdivision.find_all(game, objective, options)
        if game.n_players == 2:
            return vertex_enumeration.find_all(game, objective, options)
        return subdivision.find_all(game, objective, options)


def _solved(
    game: NormalFormGame,
    objective: PowerObjective,
    plan: Iterator[tuple[Method, Options]],
    options: Options,
    *,
    with_start: bool,
) -> Equilibrium:
    """Try one method after the other, as long as there is time; if all fail, return the best profile met.

    The starting point is one of these if `with_start`, or if there is no other.
    """
    failed: list[tuple[Method, Candidate]] = []
    rejected: list[Equilibrium] = []
    ended = False
    for chosen, chosen_options in plan:
        try:
            with interruptible():
                candidate = chosen.find(game, objective, chosen_options)
        except LimitError as limit:
            candidate = Candidate(None, failure=limit.status)
        if candidate.failure is None:
            equilibrium = certified(game, objective, candidate, chosen.name, options.closing)
            if equilibrium.converged:
                return equilibrium
            rejected.append(equilibrium)
        else:
            failed.append((chosen, candidate))
        ended = options.expired
        if ended:
            break
    # A method that says that it failed may still have come closest.
    options = options.closing
    met = [(chosen, candidate) for chosen, candidate in failed if candidate.profile is not None]
    if failed and (with_start or not (met or rejected)):
        met.append((failed[0][0], replace(failed[0][1], profile=None)))
    rejected += [certified(game, objective, candidate, chosen.name, options) for chosen, candidate in met]
    best = min(rejected, key=lambda equilibrium: equilibrium.certificate.scaled_regret)
    return replace(best, status=Status.TIME_LIMIT) if ended and not best.converged else best


def _check(
    game: AnyGame,
    objective: PowerObjective,
    tol: float,
    max_iter: int | None,
    callback: Callback | None,
) -> None:
    check_tolerance(tol)
    if max_iter is not None:
        check_count("max_iter", max_iter)
    check_callback(callback)
    objective.adversaries(game.n_players)


def _plan(
    game: NormalFormGame, objective: PowerObjective, method: str | None, options: Options
) -> Iterator[tuple[Method, Options]]:
    """Yield methods in the order in which to try them."""
    if method is not None:
        chosen = METHODS.get(method) if isinstance(method, str) else None
        if chosen is None:
            raise InputError(f"method: got {method!r}; choose one of {', '.join(METHODS)}")
        reason = chosen.refuses(game, objective)
        if reason is not None:
            raise InputError(f"method {method}: {reason}; choose another, or leave out method")
        if options.exact and not chosen.exact:
            able = ", ".join(name for name, other in METHODS.items() if other.exact)
            raise InputError(f"method {method}: cannot compute exactly; choose one of {able}")
        yield chosen, options
        return
    proposals = _two_players_plan if game.n_players == 2 else _many_players_plan
    reasons, accepted = [], False
    for proposal, its_options in proposals(game, objective, options):
        reason = proposal.refuses(game, objective)
        if reason is None:
            accepted = True
            yield proposal, its_options
        else:
            reasons.append(f"method {proposal.name} {reason}")
    if not accepted:
        raise InputError(f"game: {'; '.join(reasons)}; make the game smaller")


def _two_players_plan(
    game: NormalFormGame, objective: PowerObjective, options: Options
) -> Iterator[tuple[Method, Options]]:
    if options.exact:
        yield lemke.METHOD, options
        return
    size = sum(game.n_actions)
    if size > (LIMITS.actions_with_power if objective.exact_lam else LIMITS.actions):
        if not objective.exact_lam:
            yield pure.METHOD, options
        yield linear_program.METHOD, options
        if objective.exact_lam:
            yield lemke.METHOD, replace(options, max_iter=min(options.max_iter or LIMITS.pivots, LIMITS.pivots))
            yield logit.METHOD, options
        yield double_oracle.METHOD, options
    yield lemke.METHOD, options
    if size <= LIMITS.actions_in_fractions and options.max_iter is None:
        yield lemke.METHOD, replace(options, exact=True)
    yield anderson.METHOD, options


def _many_players_plan(
    game: NormalFormGame, objective: PowerObjective, options: Options
) -> Iterator[tuple[Method, Options]]:
    decided_by_pure = options.exact or game.n_players == 1
    if options.start is None or decided_by_pure:
        yield pure.METHOD, options
    if decided_by_pure:
        return
    if extended_size(game, objective) <= LIMITS.actions_extended:
        steps = LIMITS.steps if objective.exact_lam <= LIMITS.lam else ipa.LIMITS.steps
        yield ipa.METHOD, replace(options, max_iter=min(options.max_iter or steps, steps))
    yield logit.METHOD, options
    yield ipa.METHOD, options
    yield anderson.METHOD, options
