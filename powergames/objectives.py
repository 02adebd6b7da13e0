"""The power-regularized objective: the one place that knows the sign and meaning of λ.

With task value ``u_i`` and pairwise power ``rho_ij`` (what `j` can take from `i` by one action), player `i` maximizes

    U_i(x) = u_i(x) - λ Σ_j W_ij rho_ij(x)                                   (mean, sum, or a matrix W)
    U_i(x) = u_i(x) - λ max_j rho_ij(x)                                      (max)

Given the co-players' strategies both are concave in `i`'s own: a linear task term plus, for each *adversary* of `i`,
a weighted minimum of linear functions. A weighted aggregate has one adversary for every co-player; `max` has a single
adversary who also picks which co-player to take over.

Power may also be what `j` can take by playing against `i` for several steps, see `powergames.step_power`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from functools import cached_property, lru_cache
from numbers import Number
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from powergames.errors import InputError
from powergames.games.immutable import Frozen
from powergames.games.numbers import to_fraction
from powergames.games.profiles import frozen, read_only

AGGREGATES = ("mean", "sum", "max")
FORMS = ("penalty", "adversarial")

# Steps that power may last, unless it lasts for ever.
MOST_STEPS = 100_000

# Why a game without states takes power of one step only.
ONCE = "a game that is played once has no second step"


@dataclass(frozen=True)
class Adversary:
    """One adversary of a player: its weight W, the co-players it may take over, and its charge λW."""

    weight: Fraction
    players: tuple[int, ...]
    charge: Fraction


class AdversaryArrays(NamedTuple):
    """All adversaries of all players, as kernels take them.

    Attributes
    ----------
    egos : ndarray of int64, shape (B,)
        The player against whom each adversary plays.
    takes : ndarray of bool, shape (B, n)
        Whom each adversary can take over.
    weights : ndarray, shape (B,)
        λ times the weight of each.
    tolls : ndarray, shape (n,)
        λ w_i, the weights of all adversaries of a player together.
    """

    egos: np.ndarray
    takes: np.ndarray
    weights: np.ndarray
    tolls: np.ndarray


@dataclass(frozen=True, eq=False)
class PowerObjective(Frozen):
    """What each player maximizes: task value minus λ times aggregated power.

    Parameters
    ----------
    lam : float, Fraction or str, default 0
        The price λ >= 0 of power; 0 gives Nash equilibrium. ``"1/3"`` is kept exactly.
    aggregate : {"mean", "sum", "max"} or array_like, shape (n, n), default "mean"
        How the power of several co-players is combined. Mean has ``W_ij = 1 / (n - 1)``, and sum has ``W_ij = 1``. A
        matrix gives ``W[i, j]``, the weight of the power that `j` holds over `i`; it is non-negative with zero
        diagonal. Like λ, weights are kept exactly: fractions and ``"1/3"`` as they are, and 0.1 as 1/10.
    form : {"penalty", "adversarial"}, default "penalty"
        How power enters over time in stochastic games; in a normal-form game both describe the same objective.
        "adversarial" reads λ as a probability and needs ``λ Σ_j W_ij <= 1``.
    steps : int or inf, default 1
        For how many steps `j` may play against `i` in the power that is charged for, after which all follow the profile
        again; ``math.inf`` or ``"inf"`` is for ever. More than one needs a game with states and ``form="penalty"``.

    Raises
    ------
    InputError
        If λ or a weight is negative or not finite, a name is unknown, or `steps` is no positive integer or infinity, or
        more than one with ``form="adversarial"``.

    Notes
    -----
    Some authors reward the adversarial value instead, ``u_i + μ Σ_j W_ij min``. Up to scale that is this objective with
    ``λ = μ / (1 + μ w_i)``, ``w_i = Σ_j W_ij``: μ / (1 + μ) for mean and max, μ / (1 + (n - 1) μ) for sum.

    Examples
    --------
    >>> import powergames as pg
    >>> pg.PowerObjective(lam=0.3).weights(3)
    array([[0. , 0.5, 0.5],
           [0.5, 0. , 0.5],
           [0.5, 0.5, 0. ]])
    >>> pg.PowerObjective(0.3, steps="inf")
    PowerObjective(lam=0.3, aggregate='mean', form='penalty', steps=inf)
    """

    lam: float = 0.0
    aggregate: Any = "mean"
    form: str = "penalty"
    steps: float = 1
    exact_lam: Fraction = field(init=False, repr=False)

    if TYPE_CHECKING:  # what is given as λ is more than what is kept

        def __init__(
            self,
            lam: float | Fraction | Decimal | str = 0.0,
            aggregate: Any = "mean",
            form: str = "penalty",
            steps: float | str = 1,
        ) -> None: ...

    def __post_init__(self) -> None:
        try:
            exact = to_fraction(self.lam)
        except InputError:
            raise InputError(f"lam: got {self.lam!r}; give a finite number >= 0, such as 0.3 or 1/3") from None
        if exact < 0:
            raise InputError(f"lam: got {self.lam!r}; the power weight must be >= 0")
        object.__setattr__(self, "exact_lam", exact)
        object.__setattr__(self, "lam", float(exact))
        if self.form not in FORMS:
            raise InputError(f"form: got {self.form!r}; choose one of {', '.join(FORMS)}")
        object.__setattr__(self, "steps", power_steps(self.steps))
        if self.steps > 1 and self.form == "adversarial":
            raise InputError(
                f"objective: got power of {self.steps} steps with form='adversarial'; where takeovers last unseen, no "
                "equilibrium is known to exist; use form='penalty'"
            )
        if isinstance(self.aggregate, str):
            if self.aggregate not in AGGREGATES:
                raise InputError(
                    f"aggregate: got {self.aggregate!r}; choose {', '.join(AGGREGATES)} or give a weight matrix"
                )
        else:
            object.__setattr__(self, "aggregate", _weight_matrix(self.aggregate))

    def exact_weights(self, n_players: int) -> list[list[Fraction]]:
        """Return W as exact fractions; for `max` the weights of `sum`, of which only the largest power counts."""
        if not isinstance(self.aggregate, str):
            if self.aggregate.shape != (n_players, n_players):
                raise InputError(
                    f"aggregate: weight matrix has shape {self.aggregate.shape}, the game has {n_players} players; "
                    f"give shape ({n_players}, {n_players})"
                )
            return [[to_fraction(weight) for weight in row] for row in self.aggregate.tolist()]
        weight = Fraction(1, max(n_players - 1, 1)) if self.aggregate == "mean" else Fraction(1)
        return [[Fraction(0) if i == j else weight for j in range(n_players)] for i in range(n_players)]

    def weights(self, n_players: int) -> np.ndarray:
        """Return the weight matrix W, shape (n, n), ``W[i, j]`` for the power that `j` holds over `i`.

        Raises
        ------
        InputError
            If a matrix was given for another number of players.
        """
        return np.array([[float(weight) for weight in row] for row in self.exact_weights(n_players)])

    def potential_adversaries(self, n_players: int) -> tuple[tuple[Adversary, ...], ...]:
        """Return the adversaries that each player has whenever λ is positive, except those of weight 0.

        Raises
        ------
        InputError
            If a matrix was given for another number of players.
        """
        takes_best = isinstance(self.aggregate, str) and self.aggregate == "max"
        result: list[tuple[Adversary, ...]] = []
        for i, row in enumerate(self.exact_weights(n_players)):
            co_players = tuple(j for j in range(n_players) if j != i)
            if takes_best:
                result.append((Adversary(Fraction(1), co_players, self.exact_lam),) if co_players else ())
            else:
                charged = [j for j in co_players if row[j] > 0]
                result.append(tuple(Adversary(row[j], (j,), self.exact_lam * row[j]) for j in charged))
        return tuple(result)

    def adversaries(self, n_players: int) -> tuple[tuple[Adversary, ...], ...]:
        """Return the adversaries of each player; at λ = 0 there are none.

        Raises
        ------
        InputError
            If a matrix was given for another number of players, or ``form="adversarial"`` has ``λ w_i > 1``.
        """
        return _adversaries(self, n_players)

    def charges(self, n_players: int) -> tuple[Fraction, ...]:
        """Return what each player is charged for a unit of power over it: λ times the weights of all its adversaries.

        Raises
        ------
        InputError
            As `adversaries`.

        Examples
        --------
        >>> PowerObjective("1/3", "sum").charges(3)
        (Fraction(2, 3), Fraction(2, 3), Fraction(2, 3))
        """
        return tuple(sum((each.charge for each in own), Fraction(0)) for own in self.adversaries(n_players))

    def adversary_arrays(self, n_players: int) -> AdversaryArrays:
        """Return all adversaries as arrays.

        Raises
        ------
        InputError
            As `adversaries`.
        """
        found = [(i, each) for i, own in enumerate(self.adversaries(n_players)) for each in own]
        takes = [[j in each.players for j in range(n_players)] for _, each in found]
        return AdversaryArrays(
            read_only(np.array([i for i, _ in found], dtype=np.int64)),
            read_only(np.array(takes, dtype=bool).reshape(len(found), n_players)),
            read_only(np.array([float(each.charge) for _, each in found])),
            read_only(np.array([float(charge) for charge in self.charges(n_players)])),
        )

    def aggregate_power(self, power: np.ndarray) -> np.ndarray:
        """Combine pairwise power into what each player is charged for.

        Parameters
        ----------
        power : ndarray, shape (..., n, n)
            ``power[..., i, j]`` is the power that `j` holds over `i`; float or exact fractions.

        Returns
        -------
        ndarray, shape (..., n)
            ``Σ_j W_ij power[i, j]``, or the row maximum for `max`.
        """
        n_players = power.shape[-1]
        if isinstance(self.aggregate, str) and self.aggregate == "max":
            return power.max(axis=-1)
        if power.dtype == object:
            weights = np.array(self.exact_weights(n_players), dtype=object)
        else:
            weights = self.weights(n_players)
        return (weights * power).sum(axis=-1)

    def utility(self, task: np.ndarray, power: np.ndarray) -> np.ndarray:
        """Charge for power: ``task - λ aggregate_power(power)``, shape (n,); exact where both are fractions.

        Examples
        --------
        >>> PowerObjective(0.5).utility(np.array([4.0, 4.0]), np.array([[0.0, 4.0], [2.0, 0.0]]))
        array([2., 3.])
        """
        lam: Any = self.exact_lam if power.dtype == object else self.lam
        return np.asarray(task - lam * self.aggregate_power(power))

    @property
    def aggregate_name(self) -> str:
        """The aggregate in words; a weight matrix is a "weighted sum"."""
        return self.aggregate if isinstance(self.aggregate, str) else "weighted sum"

    @property
    def description(self) -> str:
        """What is charged for, in words.

        Examples
        --------
        >>> PowerObjective(0.3, "max", steps=3).description
        'max of power for 3 steps, penalty form'
        """
        lasting = "" if self.steps == 1 else " for ever" if math.isinf(self.steps) else f" for {self.steps} steps"
        return f"{self.aggregate_name} of power{lasting}, {self.form} form"

    def to_dict(self, exact: bool = False) -> dict[str, Any]:
        """Return the objective as plain JSON values, `steps` only if more than one.

        If exact, λ and weights are strings such as ``"1/3"``. ``PowerObjective(**document)`` is the objective again.
        """
        number: Any = str if exact else float
        aggregate = self.aggregate
        if not isinstance(aggregate, str):
            aggregate = [[number(weight) for weight in row] for row in self.exact_weights(len(aggregate))]
        steps = {} if self.steps == 1 else {"steps": "inf" if math.isinf(self.steps) else self.steps}
        return {"lam": number(self.exact_lam), "aggregate": aggregate, "form": self.form, **steps}

    def __repr__(self) -> str:
        steps = "" if self.steps == 1 else f", steps={self.steps}"
        return f"PowerObjective(lam={self.lam!r}, aggregate={self.aggregate!r}, form={self.form!r}{steps})"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PowerObjective):
            return NotImplemented
        return self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @cached_property
    def _key(self) -> tuple[Any, ...]:
        aggregate = self.aggregate
        if not isinstance(aggregate, str):
            aggregate = tuple(map(tuple, self.exact_weights(len(aggregate))))
        return self.exact_lam, aggregate, self.form, self.steps


# What functions take as an objective: a number stands for λ.
AnyObjective = PowerObjective | float | Fraction | str


@lru_cache(maxsize=128)
def _adversaries(objective: PowerObjective, n_players: int) -> tuple[tuple[Adversary, ...], ...]:
    potential = objective.potential_adversaries(n_players)
    if not objective.exact_lam:
        return ((),) * n_players
    for i, own in enumerate(potential if objective.form == "adversarial" else ()):
        total = sum((adversary.charge for adversary in own), Fraction(0))
        if total > 1:
            raise InputError(
                f"form='adversarial' reads lam as a probability, but lam times the weights of player {i} is "
                f"{float(total):.6g} > 1; lower lam or use form='penalty'"
            )
    return potential


def power_steps(steps: Any) -> float:
    """Check for how many steps power lasts.

    Raises
    ------
    InputError
        If that is no positive integer, at most `MOST_STEPS`, and not infinite.

    Examples
    --------
    >>> power_steps(3), power_steps("inf")
    (3, inf)
    """
    if (isinstance(steps, str) and steps == "inf") or (isinstance(steps, float) and math.isinf(steps) and steps > 0):
        return math.inf
    if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or not 1 <= steps <= MOST_STEPS:
        raise InputError(f"steps: got {str(steps)[:40]}; give an integer from 1 to {MOST_STEPS}, or math.inf")
    return int(steps)


def one_step_only(objective: PowerObjective, reason: str) -> PowerObjective:
    """Return an objective that charges for power of one step.

    Raises
    ------
    InputError
        If it charges for more, with the reason why that cannot be.

    Examples
    --------
    >>> one_step_only(PowerObjective(0.3, steps=2), ONCE)  # doctest: +ELLIPSIS
    Traceback (most recent call last):
        ...
    powergames.errors.InputError: objective: got power of 2 steps, but a game that is played once has no second step...
    """
    if objective.steps > 1:
        raise InputError(f"objective: got power of {objective.steps} steps, but {reason}; leave it at one step")
    return objective


def as_objective(objective: AnyObjective | None, once: bool = False) -> PowerObjective:
    """Return the objective that an argument stands for: None is λ = 0, and a number is λ.

    Parameters
    ----------
    objective : PowerObjective or number, optional
        A string such as ``"1/3"`` is a number, too.
    once : bool, default False
        Whether it is for a game without states, which is played once.

    Raises
    ------
    InputError
        If it is something else, λ cannot be used, or power lasts for several steps in a game that is played once.

    Examples
    --------
    >>> as_objective(0.3)
    PowerObjective(lam=0.3, aggregate='mean', form='penalty')
    >>> as_objective("1/3").exact_lam
    Fraction(1, 3)
    >>> as_objective([0.3])
    Traceback (most recent call last):
        ...
    powergames.errors.InputError: objective: got list; give λ, e.g. 0.3, or a PowerObjective
    """
    if objective is None:
        return PowerObjective()
    if isinstance(objective, PowerObjective):
        return one_step_only(objective, ONCE) if once else objective
    if isinstance(objective, Number):
        return PowerObjective(objective)
    if isinstance(objective, str):
        with suppress(InputError):
            return PowerObjective(objective)
    raise InputError(f"objective: got {type(objective).__name__}; give λ, e.g. 0.3, or a PowerObjective")


def with_lam(objective: PowerObjective, lam: float | Fraction | str) -> PowerObjective:
    """Return the same objective at another λ.

    Examples
    --------
    >>> with_lam(PowerObjective(0.3, "max"), 0.5)
    PowerObjective(lam=0.5, aggregate='max', form='penalty')
    """
    return PowerObjective(lam, objective.aggregate, objective.form, objective.steps)


def objectives_of(lams: Any, objective: AnyObjective | None) -> list[PowerObjective]:
    """Check the values of λ, and return the objective at each."""
    base = as_objective(objective)
    if isinstance(lams, (str, bytes)) or not isinstance(lams, Iterable):
        raise InputError(f"lams: got {type(lams).__name__}; give a sequence of numbers, e.g. np.linspace(0, 1, 51)")
    return [with_lam(base, lam) for lam in lams]


def _weight_matrix(aggregate: Any) -> np.ndarray:
    """Check weights; if any is no float, all are kept as fractions."""
    try:
        given = np.array(aggregate, dtype=object)
    except ValueError:
        raise InputError(
            f"aggregate: got {type(aggregate).__name__} of rows of different lengths; choose {', '.join(AGGREGATES)} "
            "or give an (n, n) matrix"
        ) from None
    if given.ndim != 2 or given.shape[0] != given.shape[1]:
        raise InputError(f"aggregate: weight matrix has shape {given.shape}; give (n, n)")
    exact = np.empty(given.shape, dtype=object)
    for place, weight in np.ndenumerate(given):
        try:
            exact[place] = to_fraction(weight)
        except InputError:
            exact[place] = -1
        if exact[place] < 0:
            raise InputError(f"aggregate: weights must be finite and >= 0; got {str(weight)[:40]!r} at {place}")
    if np.diag(exact).any():
        raise InputError("aggregate: the diagonal must be 0; nobody holds power over themselves")
    plain = all(isinstance(weight, (int, float, np.integer, np.floating)) for weight in given.flat)
    return frozen(given.astype(np.float64) if plain else exact)
