"""One equilibrium of each of many games of the same shape, in compiled code without any Python between two games.

Pure equilibria that are easy to prove come first. Games of two players without one are solved by Lemke's algorithm,
as `powergames.solvers.normal_form.lemke` does. Certificates come from `powergames.checking.many`, which is plain NumPy.
Whatever that rejects is solved again by `solve`, one game at a time.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from powergames.checking.certificate import check_tolerance
from powergames.checking.many import bound_regrets
from powergames.errors import InputError, interruptible
from powergames.games.foreign import check_unmasked
from powergames.games.memory import check_copy
from powergames.games.normal_form import NormalFormGame
from powergames.games.profiles import Profile, frozen, nobody_can_write
from powergames.objectives import AnyObjective, PowerObjective, as_objective
from powergames.progress import Callback, check_callback
from powergames.results import ManyEquilibria, Status
from powergames.solvers import registry
from powergames.solvers.common import LimitError, Options, check_seed, end_of
from powergames.solvers.normal_form import lemke, pure
from powergames.solvers.registry import solve

# Payoffs of the games between two looks at Ctrl-C and the callback.
CHUNK = 2**18


def solve_many(
    payoffs: Any,
    objective: AnyObjective | None = None,
    *,
    tol: float = 1e-8,
    seed: np.random.Generator | int | None = None,
    time_limit: float | None = None,
    callback: Callback | None = None,
) -> ManyEquilibria:
    """Compute one certified equilibrium of each of many games of the same shape.

    Parameters
    ----------
    payoffs : array_like, shape (B, n, A_0, ..., A_{n-1})
        ``payoffs[b, i, a_0, ..., a_{n-1}]`` is the payoff of player `i` in game `b`; taken as floats.
    objective : PowerObjective or number, optional
        A number is λ; by default 0: Nash equilibrium.
    tol : float, default 1e-8
        Greatest regret, relative to the payoff range, with which a profile is certified.
    seed : numpy.random.Generator or int, optional
        As in `solve`, for games that are solved one at a time.
    time_limit : float, optional
        Seconds after which the search ends. Games that are not solved then have equal probabilities, and pass for
        certified only if these are an equilibrium.
    callback : callable, optional
        Called as ``callback(stage, done, total)`` now and then.

    Returns
    -------
    ManyEquilibria
        Arrays over the games. Its `certified` says for each game whether the certificate passed.

    Raises
    ------
    InputError
        If an argument cannot be used.

    See Also
    --------
    solve_batch : games of any shapes at many λ, one call of `solve` each, in parallel and kept on disk.

    Notes
    -----
    Two players: compiled code looks for a pure equilibrium first, then runs Lemke's algorithm. More players: compiled
    code looks for a pure equilibrium; if there is none, `solve` takes the game. `solve` also tries each game that is
    not certified. In a second one core takes 200,000 random games of 3 x 3 actions at λ = 0 or more, and 60,000 at
    λ = 0.3.

    Of several equilibria this may return another one than `solve` does.

    Examples
    --------
    >>> import powergames as pg
    >>> payoffs = np.random.default_rng(0).random((1000, 2, 3, 3))
    >>> found = pg.solve_many(payoffs, 0.3)
    >>> found.profile[0].shape, found.task.shape, int(found.certified.sum())
    ((1000, 3), (1000, 2), 1000)
    >>> found[7].status.name
    'CONVERGED'
    """
    objective = as_objective(objective, once=True)
    values = _checked(payoffs)
    check_tolerance(tol)
    check_callback(callback)
    check_seed(seed)
    count, n_players = values.shape[:2]
    objective.adversaries(n_players)
    options = Options(tol=tol, callback=callback, end=end_of(time_limit))
    profile = tuple(np.full((count, size), 1.0 / size) for size in values.shape[2:])
    regrets, scaled = np.empty((count, n_players)), np.empty((count, n_players))
    iterations = np.zeros(count, np.int64)
    step = max(1, CHUNK // math.prod(values.shape[1:]))
    search: Any = _solve_pairs if n_players == 2 else _find_pure
    ended_by: Status | None = None
    for start in range(0, count, step):
        part = slice(start, start + step)
        strategies = tuple(each[part] for each in profile)
        witness = None
        try:
            options.report("games", start, count)
            with interruptible():
                witness = search(values[part], objective, strategies, iterations[part])
        except LimitError as limit:
            ended_by = limit.status
        regrets[part], scaled[part] = bound_regrets(values[part], strategies, objective, witness)
    rejected = np.flatnonzero(~(scaled.max(axis=1, initial=0.0) <= tol))
    for done, b in enumerate(rejected.tolist()):
        try:
            options.report("games by themselves", done, len(rejected))
        except LimitError as limit:
            ended_by = limit.status
            break
        game = NormalFormGame(values[b])
        found: Any = solve(game, objective, tol=tol, seed=seed, time_limit=options.seconds_left)
        for each, strategy in zip(profile, found.profile, strict=True):
            each[b] = strategy
        regrets[b], scaled[b] = found.certificate.regrets, found.certificate.scaled_regrets
        iterations[b] = found.iterations
    iterations = np.maximum(iterations, 0)
    return ManyEquilibria(values, objective, profile, regrets, scaled, float(tol), iterations, ended_by)


def _solve_pairs(
    payoffs: np.ndarray, objective: PowerObjective, profile: Profile, iterations: np.ndarray
) -> tuple[tuple[np.ndarray, ...], ...]:
    """Write equilibria of two-player games to a profile, and return the strategies of the adversaries."""
    from powergames.kernels.many import solve_pairs

    lam_row, lam_column = map(float, objective.charges(2))
    m, n = payoffs.shape[2:]
    z, w = np.full((len(payoffs), n), 1.0 / n), np.full((len(payoffs), m), 1.0 / m)
    # Other methods are faster in larger games.
    follow = m + n <= (registry.LIMITS.actions_with_power if objective.exact_lam else registry.LIMITS.actions)
    most = lemke.LIMITS.pivots if follow else 0
    solve_pairs(_scaled(payoffs[:, 0]), _scaled(payoffs[:, 1]), lam_row, lam_column, most, *profile, z, w, iterations)
    return (z,) if lam_row else (), (w,) if lam_column else ()


def _find_pure(payoffs: np.ndarray, objective: PowerObjective, profile: Profile, iterations: np.ndarray) -> None:
    """Write what may be pure equilibria to a profile."""
    from powergames.kernels.many import first_pure

    count, n_players, *n_actions = payoffs.shape
    tensors = np.stack([_scaled(payoffs[:, i]).reshape(count, -1) for i in range(n_players)], axis=1)
    slack = np.full(n_players, pure.LIMITS.slack if objective.exact_lam else 0.0)
    takes_best = isinstance(objective.aggregate, str) and objective.aggregate == "max"
    found = np.empty(count, np.int64)
    sizes, weights = np.array(n_actions), objective.weights(n_players)
    first_pure(tensors, sizes, weights, takes_best, slack, objective.lam, found)
    chosen = np.flatnonzero(found >= 0)
    for strategies, actions in zip(profile, np.unravel_index(found[chosen], n_actions), strict=True):
        strategies[chosen] = 0.0
        strategies[chosen, actions] = 1.0


def _scaled(payoffs: np.ndarray) -> np.ndarray:
    """Scale the payoffs of each game to [0, 1]."""
    axes = tuple(range(1, payoffs.ndim))
    least = payoffs.min(axis=axes, keepdims=True)
    spread = payoffs.max(axis=axes, keepdims=True) - least
    return np.ascontiguousarray((payoffs - least) / np.where(spread > 0.0, spread, 1.0))


def _checked(payoffs: Any) -> np.ndarray:
    """Return the payoffs of all games as an array that nobody can change; copied unless they are one already."""
    check_unmasked(payoffs, "payoffs")
    try:
        given = np.asarray(payoffs)
        real = given.dtype.kind in "biufOUS"
        values = np.asarray(given, dtype=np.float64) if real else given
    except (OverflowError, TypeError, ValueError):
        raise InputError("payoffs: not an array of numbers; give shape (B, n, A_0, ..., A_{n-1})") from None
    if not real:
        raise InputError(f"payoffs: got dtype {given.dtype}; give real numbers")
    shape = values.shape
    if len(shape) < 3 or shape[1] != len(shape) - 2:
        raise InputError(
            f"payoffs: got shape {shape}; give shape (B, n, A_0, ..., A_{{n-1}}), e.g. (B, 2, 3, 3) for B games of two "
            "players with three actions each"
        )
    if 0 in shape[1:]:
        raise InputError(f"payoffs: got shape {shape}; every player needs at least one action")
    new = values is not given or isinstance(payoffs, (list, tuple))
    if not new and not (values.flags.c_contiguous and nobody_can_write(values)):
        check_copy(values.nbytes)
        values = np.array(values, order="C")
    values = frozen(values)
    axes = tuple(range(2, values.ndim))
    least, greatest = values.min(axis=axes), values.max(axis=axes)
    with np.errstate(over="ignore", invalid="ignore"):
        wrong = np.flatnonzero(~np.isfinite(greatest - least).all(axis=1))
    if wrong.size:
        try:
            NormalFormGame(values[wrong[0]])
        except InputError as error:
            raise InputError(f"{error} (game {wrong[0]})") from None
    return values
