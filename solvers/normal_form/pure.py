"""Pure equilibria of n-player games, with the exact interval of λ at which each is one.

At a pure profile each player's objective has the subgradients ``(1 - λ w) u + λ Σ_b W_b K_b z_b``, where `z_b` mixes
the worst takeovers of adversary `b`. Player `i` cannot gain exactly if some such mixture leaves no better action. With
``ζ_b = λ z_b`` these conditions are linear in (λ, ζ), so the set of λ is an interval: by a formula where the worst
takeovers are unique, by two small linear programs in fractions otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from powergames.checking.normal_form import ROUNDING, certify_checked
from powergames.games.immutable import Frozen
from powergames.games.kinds import as_game
from powergames.games.normal_form import BLOCK, NormalFormGame
from powergames.games.numbers import float_to_fraction
from powergames.games.profiles import Profile, pure_profile
from powergames.numerics import rational
from powergames.objectives import Adversary, AnyObjective, PowerObjective, as_objective
from powergames.results import Status
from powergames.solvers.common import Candidate, LimitError, Method, Options, any_game


@dataclass(frozen=True)
class Limits:
    """How the search for pure equilibria in floats reports, and what it lets pass."""

    profiles_between_reports: int = 200_000
    """Joint actions between two looks at Ctrl-C and the callback."""
    slack: float = 1e-9
    """What passes in floats with gains up to this, relative to the payoff range, is decided in fractions."""


LIMITS = Limits()


@dataclass(frozen=True)
class PureEquilibrium(Frozen):
    """A joint action that is an equilibrium for every λ of an interval, and for no other.

    Attributes
    ----------
    joint_action : tuple of int
        ``joint_action[i]`` is the action of player `i`.
    lam_min, lam_max : Fraction
        Ends of the interval, both included; `lam_max` is ``math.inf`` if there is no upper end.
    """

    joint_action: tuple[int, ...]
    lam_min: Fraction
    lam_max: Fraction | float

    def to_dict(self) -> dict[str, Any]:
        """Return the interval as JSON values, its ends as fractions such as "1/3", or null without an upper end."""
        end = None if self.lam_max == math.inf else str(self.lam_max)
        return {"joint_action": list(self.joint_action), "lam_min": str(self.lam_min), "lam_max": end}

    def contains(self, lam: float | Fraction) -> bool:
        """Tell whether the joint action is an equilibrium at this λ."""
        return self.lam_min <= lam <= self.lam_max


def pure_equilibria(game: NormalFormGame, objective: AnyObjective | None = None) -> tuple[PureEquilibrium, ...]:
    """Return all joint actions that are equilibria at some λ >= 0, each with its exact interval of λ.

    Parameters
    ----------
    game : NormalFormGame
        Any number of players.
    objective : PowerObjective, optional
        Supplies the aggregate; its λ is not used.

    Returns
    -------
    tuple of PureEquilibrium
        In lexicographic order of the joint actions.

    Notes
    -----
    Costs ``O(Π A · n · max A · Σ A)`` at most, mostly far less, plus exact arithmetic for what passes a first test.

    Examples
    --------
    >>> import powergames as pg
    >>> for equilibrium in pg.pure_equilibria(pg.load("stag_hunt")):
    ...     print(equilibrium.joint_action, equilibrium.lam_min, equilibrium.lam_max)
    (0, 0) 0 1/4
    (1, 1) 0 inf
    """
    game = as_game(game)
    objective = as_objective(objective, once=True)
    result = []
    for joint_action in _scan(game, objective, 0.0, math.inf, Options()):
        interval = lam_interval(game, objective, joint_action)
        if interval is not None:
            result.append(PureEquilibrium(joint_action, *interval))
    return tuple(result)


def find(game: NormalFormGame, objective: PowerObjective, options: Options) -> Candidate:
    """Return the first pure equilibrium at the objective's λ."""
    lam = objective.lam
    if game.n_players == 2 and lam == 0:
        options.report("joint actions", game.payoffs[0].size, game.payoffs[0].size)
        joint_actions = _nash(game)
    else:
        joint_actions = _scan(game, objective, lam, lam, options)
    best = _profile(game, (0,) * game.n_players, options)
    least, tried, failure = np.inf, 0, Status.STALLED
    try:
        for tried, joint_action in enumerate(joint_actions, start=1):
            profile = _profile(game, joint_action, options)
            if options.exact:
                interval = lam_interval(game, objective, joint_action)
                passes = interval is not None and interval[0] <= objective.exact_lam <= interval[1]
            elif lam == 0:
                # The scan compared the payoffs themselves.
                passes = True
            else:
                regret = certify_checked(game, profile, objective, deadline=options.deadline).scaled_regret
                passes = regret <= ROUNDING
                if regret < least:
                    best, least = profile, float(regret)
            if passes:
                return Candidate(profile, None, tried)
    except LimitError as limit:
        failure = limit.status
    return Candidate(best, None, tried, failure)


def _profile(game: NormalFormGame, joint_action: tuple[int, ...], options: Options) -> Profile:
    profile = pure_profile(game.n_actions, joint_action)
    if not options.exact:
        return profile
    return tuple(np.array([Fraction(int(p)) for p in strategy], dtype=object) for strategy in profile)


def lam_interval(
    game: NormalFormGame, objective: PowerObjective, joint_action: tuple[int, ...]
) -> tuple[Fraction, Fraction | float] | None:
    """Return the exact interval of λ at which a joint action is an equilibrium, or None if there is none.

    Examples
    --------
    >>> import powergames as pg
    >>> lam_interval(pg.load("stag_hunt"), pg.PowerObjective(), (0, 0))
    (Fraction(0, 1), Fraction(1, 4))
    """
    low: Fraction = Fraction(0)
    high: Fraction | float = math.inf
    for player, adversaries in enumerate(objective.potential_adversaries(game.n_players)):
        interval = _player_interval(game, player, adversaries, joint_action)
        if interval is None:
            return None
        low, high = max(low, interval[0]), min(high, interval[1])
    return (low, high) if low <= high else None


def _nash(game: NormalFormGame) -> Iterator[tuple[int, ...]]:
    """Yield the pure Nash equilibria of a two-player game."""
    row, column = game.payoffs
    best_in_column = row.max(axis=0)
    # A few rows at a time: masks of whole matrices would take a quarter of their memory.
    step = max(1, BLOCK // row.shape[1])
    for start in range(0, len(row), step):
        rows, columns = row[start : start + step], column[start : start + step]
        best = (rows == best_in_column) & (columns == columns.max(axis=1)[:, None])
        for position in np.flatnonzero(best):
            own, other = divmod(int(position), row.shape[1])
            yield start + own, other


def _scan(
    game: NormalFormGame, objective: PowerObjective, low: float, high: float, options: Options
) -> Iterator[tuple[int, ...]]:
    """Yield the joint actions that floats cannot rule out for any λ in [low, high]."""
    from powergames.kernels import pure as kernel

    n_profiles = int(np.prod(game.n_actions))
    payoffs = game.payoffs.reshape(game.n_players, n_profiles)
    weights = objective.weights(game.n_players)
    sizes = np.array(game.n_actions)
    slack = (LIMITS.slack if high or not game.lossless else 0.0) * game.payoff_range
    takes_best = objective.aggregate == "max" if isinstance(objective.aggregate, str) else False
    found = np.empty(1024, np.int64)
    position = 0
    while position < n_profiles:
        stop = min(position + LIMITS.profiles_between_reports, n_profiles)
        position, count = kernel.scan(payoffs, sizes, weights, takes_best, slack, low, high, position, stop, found, 0)
        options.report("joint actions", position, n_profiles)
        for flat in found[:count].tolist():
            yield tuple(int(a) for a in np.unravel_index(flat, game.n_actions))


def _player_interval(
    game: NormalFormGame,
    player: int,
    adversaries: tuple[Adversary, ...],
    joint_action: tuple[int, ...],
) -> tuple[Fraction, Fraction | float] | None:
    """Return the λ at which a player has no profitable deviation from a joint action."""
    own = joint_action[player]

    def line(replaced: int | None = None, action: int = 0) -> np.ndarray:
        """Payoffs of all actions of the player, one co-player's action replaced."""
        index: list[int | slice] = list(joint_action)
        if replaced is not None:
            index[replaced] = action
        index[player] = slice(None)
        if not game.lossless:
            return game.exact_payoffs[(player, *index)]
        return np.array([float_to_fraction(value) for value in game.payoffs[(player, *index)].tolist()], dtype=object)

    task = line()
    gains = task - task[own]
    weights = [adversary.weight for adversary in adversaries]
    leads = []
    for adversary in adversaries:
        lines = [line(j, k) for j in adversary.players for k in range(game.n_actions[j])]
        least = min(values[own] for values in lines)
        leads.append(list({tuple(v - values[own] for v in values) for values in lines if values[own] == least}))
    others = [action for action in range(len(gains)) if action != own]
    if all(len(columns) == 1 for columns in leads):
        low: Fraction = Fraction(0)
        high: Fraction | float = math.inf
        for action in others:
            slope = sum(
                (w * (columns[0][action] - gains[action]) for w, columns in zip(weights, leads, strict=True)),
                Fraction(0),
            )
            if slope > 0:
                high = min(high, -gains[action] / slope)
            elif slope < 0:
                low = max(low, gains[action] / -slope)
            elif gains[action] > 0:
                return None
        return (low, high) if low <= high else None
    # Variables: λ, then for each adversary the weights ζ of its worst takeovers, which sum to λ.
    n_variables = 1 + sum(len(columns) for columns in leads)
    rows, bounds = [], []
    for action in others:
        row = [-sum(weights) * gains[action]]
        for weight, columns in zip(weights, leads, strict=True):
            row += [weight * column[action] for column in columns]
        rows.append(row)
        bounds.append(-gains[action])
    start = 1
    for columns in leads:
        row = [Fraction(0)] * n_variables
        row[0] = Fraction(-1)
        row[start : start + len(columns)] = [Fraction(1)] * len(columns)
        rows += [row, [-entry for entry in row]]
        bounds += [Fraction(0), Fraction(0)]
        start += len(columns)
    program = np.array(rows, dtype=object)
    goal = [1] + [0] * (n_variables - 1)
    try:
        greatest, _ = rational.maximize(goal, program, bounds)
        least_negated, _ = rational.maximize([-entry for entry in goal], program, bounds)
    except rational.NoSolutionError:
        return None
    assert least_negated is not None
    return -least_negated, math.inf if greatest is None else greatest


METHOD = Method(
    "pure",
    find,
    "search of all joint actions: the first pure equilibrium, any number of players, any λ",
    any_game,
    exact=True,
)
