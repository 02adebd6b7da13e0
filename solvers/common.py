"""What every solver takes and returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from powergames.checking.normal_form import Witness, certify_checked
from powergames.errors import InputError
from powergames.games.memory import SMALL, available_memory
from powergames.games.normal_form import NormalFormGame
from powergames.games.profiles import Profile, frozen
from powergames.kernels import compilation
from powergames.objectives import PowerObjective
from powergames.progress import Callback
from powergames.results import Equilibrium, Status


@dataclass(frozen=True)
class Limits:
    """What methods of all kinds go by."""

    rounding: float = 1e-13
    """Gains and differences up to this are rounding, relative to the range of payoffs or the greatest value."""
    operations_between_reports: int = 50_000_000
    """Arithmetic operations between two looks at Ctrl-C, the clock and the callback: about a tenth of a second."""
    seconds_to_close: float = 0.3
    """The last certificates may take this much longer once the time limit is over."""


LIMITS = Limits()


class LimitError(Exception):
    """A limit on the work was reached."""

    def __init__(self, status: Status) -> None:
        super().__init__(status.value)
        self.status = status


@dataclass(frozen=True)
class Options:
    """Options that mean the same in every solver.

    Attributes
    ----------
    start : tuple of ndarray, optional
        Starting profile.
    tol : float
        Scaled regret that a certificate may show.
    max_iter : int, optional
        Limit on the iterations, as the method counts them.
    seed : numpy.random.Generator or int
        Source of randomness.
    callback : callable, optional
        Called as ``callback(stage, done, total)`` now and then.
    exact : bool
        Whether to compute in fractions.
    end : float
        When to stop, as `powergames.kernels.compilation.clock` tells the time.
    """

    start: Profile | None = None
    tol: float = 1e-8
    max_iter: int | None = None
    seed: np.random.Generator | int = 0
    callback: Callback | None = None
    exact: bool = False
    end: float = np.inf

    @cached_property
    def rng(self) -> np.random.Generator:
        """The generator; made only when a method needs one."""
        return np.random.default_rng(self.seed)

    @property
    def deadline(self) -> float:
        """When to stop, as `time.monotonic` tells the time; later whenever something was compiled meanwhile."""
        return self.end + compilation.seconds()

    @property
    def seconds_left(self) -> float | None:
        """Seconds until the deadline; None if there is none."""
        return None if self.end == np.inf else max(0.0, self.end - compilation.clock())

    @property
    def expired(self) -> bool:
        """Whether the deadline has passed."""
        return self.end < np.inf and compilation.clock() > self.end

    @property
    def closing(self) -> Options:
        """The same options for the last certificates, which may take a moment longer."""
        if self.end == np.inf:
            return self
        return replace(self, end=max(self.end, compilation.clock() + LIMITS.seconds_to_close))

    def report(self, stage: str, done: int, total: int = 0) -> None:
        """Tell the callback how far the work is.

        Raises
        ------
        LimitError
            If the deadline has passed.
        """
        if self.callback is not None:
            self.callback(stage, done, total)
        if self.expired:
            raise LimitError(Status.TIME_LIMIT)


@dataclass(frozen=True)
class Candidate:
    """What a method found: a profile to be certified, or only the reason why there is none.

    Attributes
    ----------
    profile : tuple of ndarray or None
    witness : sequence, optional
        Worst-case strategies of each player's adversaries, as `certify` takes them.
    iterations : int
    failure : Status, optional
        Why the method stopped early.
    """

    profile: Profile | None
    witness: Witness | None = None
    iterations: int = 0
    failure: Status | None = None


@dataclass(frozen=True)
class Method:
    """A solver and what it can do.

    Attributes
    ----------
    name : str
    find : callable
        ``find(game, objective, options)`` returns a Candidate.
    summary : str
        One sentence on what it does and guarantees.
    refuses : callable
        ``refuses(game, objective)`` returns why this problem is outside the method's reach, or None.
    exact : bool
        Whether it can compute in fractions.
    """

    name: str
    find: Callable[[NormalFormGame, PowerObjective, Options], Candidate]
    summary: str
    refuses: Callable[[NormalFormGame, PowerObjective], str | None]
    exact: bool = False


def two_players_only(game: NormalFormGame, objective: PowerObjective) -> str | None:
    """Refuse games that do not have exactly two players."""
    if game.n_players != 2:
        return f"needs two players, the game has {game.n_players}"
    return None


def any_game(game: NormalFormGame, objective: PowerObjective) -> str | None:
    """Refuse nothing."""
    return None


def check_count(name: str, count: Any) -> None:
    """Refuse what is not a positive integer."""
    if not (isinstance(count, (int, np.integer)) and count >= 1):
        raise InputError(f"{name}: got {str(count)[:40]}; give a positive integer")


def check_seed(seed: Any) -> None:
    """Refuse what is no source of randomness; None is the usual one."""
    if seed is not None and not isinstance(seed, (int, np.integer, np.random.Generator)):
        raise InputError(f"seed: got {type(seed).__name__}; give an integer or a numpy.random.Generator")
    if isinstance(seed, (int, np.integer)) and seed < 0:
        raise InputError(f"seed: got {seed}; give an integer >= 0")


def end_of(time_limit: Any) -> float:
    """Check a time limit in seconds, None for none, and return when it ends, as `Options.end`."""
    if time_limit is None:
        return np.inf
    if not isinstance(time_limit, (int, float, np.integer, np.floating)) or not 0 <= time_limit < np.inf:
        raise InputError(f"time_limit: got {str(time_limit)[:40]}; give seconds >= 0")
    return compilation.clock() + float(time_limit)


def too_large(n_bytes: int) -> str | None:
    """Refuse what memory cannot hold."""
    available = available_memory() if n_bytes > SMALL else None
    if available is not None and n_bytes > available:
        return f"would take {n_bytes:,} bytes, and {available:,} bytes of memory are free"
    return None


def in_floats(candidate: Candidate) -> Candidate:
    """Turn an exact candidate into one of floats."""
    if candidate.profile is None or candidate.profile[0].dtype != object:
        return candidate
    profile = tuple(frozen(strategy.astype(np.float64)) for strategy in candidate.profile)
    witness = candidate.witness and tuple(
        tuple(claim.astype(np.float64) for claim in claims) for claims in candidate.witness
    )
    return replace(candidate, profile=profile, witness=witness)


def certified(
    game: NormalFormGame,
    objective: PowerObjective,
    candidate: Candidate,
    method: str,
    options: Options,
    component: int = 0,
) -> Equilibrium:
    """Certify what a method found; without a profile, the starting point stands in for it.

    Linear programs that the certificate needs end at the deadline; its regrets are upper bounds then.
    """
    if not options.exact:
        candidate = in_floats(candidate)
    profile = _stand_in(game, options) if candidate.profile is None else candidate.profile
    certificate = certify_checked(game, profile, objective, options.tol, candidate.witness, options.deadline)
    status = Status.CONVERGED if certificate.passed else candidate.failure or Status.REJECTED
    return Equilibrium(game, objective, profile, certificate, status, method, candidate.iterations, component)


def _stand_in(game: NormalFormGame, options: Options) -> Profile:
    if options.start is not None:
        return options.start
    if not options.exact:
        return game.uniform_profile()
    return tuple(frozen(np.array([Fraction(1, size)] * size, dtype=object)) for size in game.n_actions)


@dataclass(frozen=True)
class SubdivisionLimits:
    """What searches by branch and prune on cells of strategies share."""

    resolution: float = 1e-4
    """Within this distance of an equilibrium no other one is looked for where bounds do not decide."""
    real_regret: float = 1e-9
    """A regret above this, relative to the range of payoffs or values, is not due to rounding."""
    same: float = 1e-9
    """Equilibria that differ by no more are the same, up to rounding."""
    inside: float = 0.999
    """How much of a probability a neighbourhood may take away, where it must stay positive."""
    halvings: int = 16
    """The radius is halved this often in search of a neighbourhood in which a solution is alone."""
    bisections: int = 3
    """Bisections of the radius after one is found."""


def greatest_radius(alone: Callable[[float], bool], limits: SubdivisionLimits) -> float:
    """Return about the greatest radius up to 1 in which a solution is alone; 0 if none is found.

    Examples
    --------
    >>> greatest_radius(lambda radius: radius < 0.3, SubdivisionLimits())
    0.28125
    """
    good, bad, radius, better = 0.0, 1.0, 1.0, 0
    for _ in range(limits.halvings):
        if alone(radius):
            good = radius
        else:
            bad = radius
        better += good > 0.0
        if better > limits.bisections or good == bad:
            break
        radius = (good + bad) / 2
    return good
