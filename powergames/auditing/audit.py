"""The audit of policies from anywhere: what they are worth, who holds power, who could gain, who could do harm."""

from __future__ import annotations

import os
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, overload

import numpy as np

from powergames.auditing.departures import OffPolicy, least_values, off_policy
from powergames.auditing.horizon import HorizonAudit, audit_horizon
from powergames.checking.certificate import Certificate
from powergames.checking.certify import certify
from powergames.checking.deviations import Deviation, best_deviation
from powergames.checking.tolerances import POLICY_TOLERANCE
from powergames.display import Shown
from powergames.errors import InputError
from powergames.evaluation import evaluate
from powergames.games.immutable import Frozen
from powergames.games.kinds import AnyGame, as_game
from powergames.games.normal_form import NormalFormGame
from powergames.games.policies import Policies, as_policies
from powergames.games.profiles import Profile
from powergames.games.stochastic import StochasticGame
from powergames.games.timed import check_horizon
from powergames.io import load_policies, load_timed
from powergames.objectives import AnyObjective, PowerObjective, as_objective
from powergames.power import plain, power_table


@dataclass(frozen=True, eq=False)
class Unvisited(Frozen):
    """States for which a policy gives no probabilities; the audit fills in equal ones.

    Attributes
    ----------
    player : int
    states : ndarray of int, shape (K,)
    frequency : ndarray, shape (K,)
        Discounted frequency with which play reaches each of them from the start distribution, at the discount of the
        player; over all states it sums to one.
    """

    player: int
    states: np.ndarray
    frequency: np.ndarray

    def to_dict(self) -> dict[str, Any]:
        """Return the states as plain JSON values."""
        return {"player": self.player, "states": self.states.tolist(), "frequency": self.frequency.tolist()}


@dataclass(frozen=True, eq=False)
class Distance(Frozen):
    """Greatest total variation distance of a strategy from that of a reference profile: half the sum of differences.

    It only describes: a game may have many equilibria, and a policy far from one of them may be another one.

    Attributes
    ----------
    value : float or Fraction
        From 0 to 1.
    player : int
    state : int or None
        Where the distance is greatest; None in a normal-form game.
    """

    value: Any
    player: int
    state: int | None

    def to_dict(self) -> dict[str, Any]:
        """Return the distance as plain JSON values."""
        value = str(self.value) if isinstance(self.value, Fraction) else self.value
        return {"value": value, "player": self.player, "state": self.state}


@dataclass(frozen=True, eq=False)
class Audit(Frozen, Shown):
    """Exact values of any policies, their certificate, and their off-policy report.

    Attributes
    ----------
    game : NormalFormGame or StochasticGame
    objective : PowerObjective
    profile : tuple of ndarray
        The policies as ``profile[i]`` of shape (A_i,), or (S, A_i).
    certificate : Certificate
        Regret of each player, for a stochastic game in each state; it names the deviations that it covers.
    task : ndarray, shape (n,) or (n, S)
        Expected payoff of each player, in a stochastic game discounted and from each state on.
    power : ndarray, shape (n, n) or (S, n, n)
        ``power[..., i, j]``, what `j` can take from `i` by one action.
    utility : ndarray, shape (n,) or (n, S)
        The regularized objective.
    start_task, start_utility : ndarray, shape (n,)
        `task` and `utility` from the start distribution; the same in a normal-form game.
    occupancy_power : ndarray, shape (n, n)
        `power` averaged over the states that play visits, with the discounted frequencies of player `i` for row `i`.
    off_policy : tuple of OffPolicy
        What everyone gets when one player leaves the profile; see `off_policy`.
    best_deviation : Deviation or None
        The deviation found that gains most; None if nothing gains more than rounding.
    unvisited : tuple of Unvisited
        States that had to be filled, for each player who has any.
    distance : Distance or None
        Distance from the reference, if one was given, over states that were not filled.
    """

    game: NormalFormGame | StochasticGame
    objective: PowerObjective
    profile: Profile
    certificate: Certificate
    task: np.ndarray
    power: np.ndarray
    utility: np.ndarray
    start_task: np.ndarray
    start_utility: np.ndarray
    occupancy_power: np.ndarray
    off_policy: tuple[OffPolicy, ...]
    best_deviation: Deviation | None
    unvisited: tuple[Unvisited, ...]
    distance: Distance | None

    @property
    def passed(self) -> bool:
        """Whether the certificate passed."""
        return self.certificate.passed

    @property
    def worst(self) -> dict[str, np.ndarray]:
        """For each kind of deviation, what each player is left with if another player deviates so, shape (n,)."""
        return least_values(self.off_policy, self.game.n_players)

    def to_dict(self) -> dict[str, Any]:
        """Return the audit as plain JSON values; per state as ``[i][s]``, power as ``[s][i][j]``."""
        return {
            "objective": self.objective.to_dict(),
            "certificate": self.certificate.to_dict(),
            "off_policy": [deviation.to_dict(self.game) for deviation in self.off_policy],
            "passed": self.passed,
            "task": plain(self.task),
            "power": plain(self.power),
            "utility": plain(self.utility),
            "start_task": plain(self.start_task),
            "start_utility": plain(self.start_utility),
            "occupancy_power": plain(self.occupancy_power),
            "worst": {label: plain(values) for label, values in self.worst.items()},
            "best_deviation": None if self.best_deviation is None else self.best_deviation.to_dict(),
            "unvisited": [states.to_dict() for states in self.unvisited],
            "distance": None if self.distance is None else self.distance.to_dict(),
        }

    def __repr__(self) -> str:
        return f"<Audit lam={self.objective.lam:g}: {self.certificate!r}, {len(self.off_policy)} deviations>"


@overload
def audit(
    game: AnyGame,
    policies: Any,
    objective: AnyObjective | None = None,
    *,
    tol: float = POLICY_TOLERANCE,
    steps: int = 10,
    reference: Any = None,
    labels: bool = False,
    observe: Any = None,
    horizon: None = None,
) -> Audit: ...


@overload
def audit(
    game: AnyGame,
    policies: Any,
    objective: AnyObjective | None = None,
    *,
    tol: float = POLICY_TOLERANCE,
    steps: int = 10,
    reference: None = None,
    labels: bool = False,
    observe: Any = None,
    horizon: int,
) -> HorizonAudit: ...


def audit(
    game: AnyGame,
    policies: Any,
    objective: AnyObjective | None = None,
    *,
    tol: float = POLICY_TOLERANCE,
    steps: int = 10,
    reference: Any = None,
    labels: bool = False,
    observe: Any = None,
    horizon: int | None = None,
) -> Audit | HorizonAudit:
    """Check policies from anywhere: exact values and power, regret, and what happens when a player leaves them.

    Parameters
    ----------
    game : NormalFormGame, StochasticGame or DeterministicGame
    policies : path, sequence, mapping, or an object with a `profile`
        A ``.npz`` or ``.json`` file; or one entry per player, in order or under the players' names. In a normal-form
        game an entry holds the probabilities of its actions, shape (A_i,); `fractions.Fraction` entries make everything
        exact. In a stochastic game it is an array of shape (S, A_i); a list over states, each of the actions of that
        state alone; a vector of shape (A_i,), played in every state; a mapping from indices or names of states to
        probabilities; or a callable that returns the probabilities for a state. A state that is missing from a mapping,
        or has a row of NaN, counts as unvisited: it is filled with equal probabilities, and the report lists it.
    objective : PowerObjective or number, optional
        A number is λ; by default 0. Judge a policy at the λ that it was made for.
    tol : float, default 0.02
        Largest scaled regret that passes; what solvers find passes 1e-8.
    steps : int, default 10
        How many steps an adversary acts, besides the ones that act once and for ever; stochastic games only.
    reference : optional
        Policies, or an equilibrium, to which the distance is reported. The verdict does not depend on it.
    labels : bool, default False
        Whether callables are given the name of a state instead of its index.
    observe : callable or sequence of callable, optional
        What callables are given instead: a function of the state, one for all players or one for each. A game of
        `from_env` hands it the state as `step` knows it, any other game the index.
    horizon : int, optional
        Number of steps after which a game with states ends. Policies may then depend on time: arrays of shape
        (T, S, A_i), integers of shape (T, S), or what `solve` found with a horizon; there is no `reference`.

    Returns
    -------
    Audit, or with a horizon HorizonAudit

    Raises
    ------
    InputError
        If the policies, the reference, the objective or an option does not fit the game.
    FormatError
        If a file cannot be read as policies.

    Notes
    -----
    Costs the certificate. In a stochastic game each player and each way to deviate also costs a linear system in the
    states, and an adversary that acts for ever costs a few.

    Examples
    --------
    >>> import powergames as pg
    >>> report = pg.audit(pg.load("stag_hunt"), [[1, 0], [1, 0]], pg.PowerObjective(0.2))
    >>> report.passed
    True
    >>> [(d.kind, d.task.tolist()) for d in report.off_policy if d.deviator == 1]
    [('adversarial', [0.0, 3.0]), ('freeze', [4.0, 4.0]), ('freeze', [0.0, 3.0]), ('uniform', [2.0, 3.5])]

    In the Big Match, a policy as a function of the state against one that says nothing of the last two states:

    >>> game = pg.load("big_match")
    >>> mixed = {"play": [0.5, 0.5]}
    >>> report = pg.audit(game, [lambda state: [1, 0] if state == 0 else [1], mixed], pg.PowerObjective())
    >>> report.start_task.round(4).tolist(), report.best_deviation.player
    ([5.0, -5.0], 1)
    >>> report.unvisited[0].states
    array([1, 2])
    """
    objective = as_objective(objective)
    if horizon is not None:
        if reference is not None:
            raise InputError("reference: not with a horizon; leave it out")
        lasting = check_horizon(horizon, game)
        given = policies
        if isinstance(policies, (str, os.PathLike)):
            given = load_timed(policies, as_game(game, StochasticGame), lasting)
        return audit_horizon(game, given, objective, lasting, tol=tol, steps=steps, labels=labels, observe=observe)
    game = as_game(game, NormalFormGame | StochasticGame)
    read = _read(game, policies, labels, observe)
    profile = read.profile
    compared = None if reference is None else _read(game, reference, labels, observe)
    certificate = certify(game, profile, objective, tol=tol)
    deviations = off_policy(game, profile, steps=steps)
    distance = None if compared is None else _distance(read, compared.profile)
    if isinstance(game, StochasticGame):
        evaluation = evaluate(game, profile, objective)
        unvisited = tuple(
            Unvisited(player, states, evaluation.occupancy[player, states])
            for player, states in enumerate(read.unvisited)
            if len(states)
        )
        return Audit(
            game,
            objective,
            profile,
            certificate,
            evaluation.task,
            evaluation.power,
            evaluation.utility,
            evaluation.start_task,
            evaluation.start_utility,
            evaluation.average_power,
            deviations,
            getattr(certificate, "deviation", None),
            unvisited,
            distance,
        )
    table = power_table(game, profile)
    utility = objective.utility(table.task, table.power)
    return Audit(
        game,
        objective,
        profile,
        certificate,
        table.task,
        table.power,
        utility,
        table.task,
        utility,
        table.power,
        deviations,
        best_deviation(game, profile, objective),
        (),
        distance,
    )


def _read(game: NormalFormGame | StochasticGame, policies: Any, labels: bool, observe: Any) -> Policies:
    if isinstance(policies, (str, os.PathLike)):
        return load_policies(policies, game)
    return as_policies(game, policies, labels=labels, observe=observe)


def _distance(policies: Policies, reference: Profile) -> Distance:
    """Greatest total variation distance over players and states; states that were filled do not count."""
    greatest: Any = None
    place: tuple[int, int | None] = 0, None
    for player, (mine, other) in enumerate(zip(policies.profile, reference, strict=True)):
        apart: Any = np.abs(mine - other).sum(axis=-1) / 2
        if mine.ndim == 2:
            apart[policies.unvisited[player]] = 0.0
        state = int(np.argmax(apart)) if mine.ndim == 2 else None
        value = apart if state is None else apart[state]
        if greatest is None or value > greatest:
            greatest, place = value, (player, state)
    return Distance(greatest if isinstance(greatest, Fraction) else float(greatest), *place)
