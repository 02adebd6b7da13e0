r"""The extended game, the form that all methods for any number of players share.

Every minimum in the objective of player `i` is taken by an adversary, who is paid what it takes:

.. math::
    U_i(x, z) = (1 - λ w_i) u_i(x) + λ \sum_b W_b \, u_i(z_b, x_{-b}), \qquad -u_i(z_b, x_{-b}).

Equilibria of the objective are the x-parts of the Nash equilibria of this multilinear game of players and adversaries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from fractions import Fraction
from functools import cached_property, lru_cache

import numpy as np

from powergames.checking.normal_form import LARGEST, SMALLEST
from powergames.games.normal_form import NormalFormGame
from powergames.games.profiles import frozen, read_only
from powergames.objectives import PowerObjective
from powergames.results import Status
from powergames.solvers.common import Candidate, too_large

# n_actions, bounds, egos, places, linear, weights and charges, as ExtendedGame holds them.
_Layout = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def extended_size(game: NormalFormGame, objective: PowerObjective) -> int:
    """Return the number of actions of the players and their adversaries together."""
    adversaries = objective.adversaries(game.n_players)
    return sum(game.n_actions) + sum(game.n_actions[j] for own in adversaries for each in own for j in each.players)


def refuses(game: NormalFormGame, objective: PowerObjective) -> str | None:
    """Refuse games whose extended game is too large for dense linear algebra."""
    # The derivative, what is made of it, and room to factorize.
    return too_large(32 * extended_size(game, objective) ** 2)


@dataclass(frozen=True, eq=False)
class Tables:
    """Pair tables at a point, packed as `powergames.kernels.pair_tables` packs them, in the units of the problem."""

    packed: np.ndarray
    starts: np.ndarray


@dataclass(frozen=True, eq=False)
class ExtendedGame:
    """A game and an objective as a multilinear game of players and adversaries.

    A *point*, shape (D,), holds the strategies of all groups, concatenated: first the players, then the adversaries of
    player 0, of player 1, and so on. The payoffs stay where they are; they are shifted and scaled as they are read.

    Attributes
    ----------
    payoffs : ndarray, shape (n, A_0 * ... * A_{n-1})
        A view of the game's payoffs. A game of one player gets a second one without choice.
    shifts, units : ndarray, shape (n,)
        Payoffs count as ``(payoffs - shifts) / units``.
    n_actions : ndarray of int, shape (n,)
    bounds : ndarray of int, shape (G + 1,)
        The strategy of group `g` is ``point[bounds[g]:bounds[g + 1]]``; group `i` < n is player `i`.
    egos : ndarray of int, shape (G,)
        The player whose payoff a group maximizes (players) or minimizes (adversaries).
    places : ndarray of int, shape (n, n)
        Where in a point the part begins with which `j` is taken over against `i`; -1 if nobody does.
    linear : ndarray, shape (n,)
        Weight of the task value in the payoff of each player, ``1 - λ w_i``.
    weights : ndarray, shape (n, n)
        Weight λ W_b of the adversary that takes over `j` against `i`.
    charges : ndarray, shape (G,)
        What a unit of gain of each group counts in the regret of its player: for players what their payoffs are divided
        by to keep them near one for any λ, for adversaries λ W_b.
    alone : bool
        Whether the last player is not one of the game's.
    """

    payoffs: np.ndarray
    shifts: np.ndarray
    units: np.ndarray
    n_actions: np.ndarray
    bounds: np.ndarray
    egos: np.ndarray
    places: np.ndarray
    linear: np.ndarray
    weights: np.ndarray
    charges: np.ndarray
    alone: bool

    def __post_init__(self) -> None:
        for field in fields(self):
            if field.name != "alone":
                object.__setattr__(self, field.name, read_only(getattr(self, field.name)))

    @classmethod
    def of(
        cls, game: NormalFormGame, objective: PowerObjective, units: np.ndarray | None = None, normalize: bool = True
    ) -> ExtendedGame:
        """Set up the extended game.

        Parameters
        ----------
        game : NormalFormGame
        objective : PowerObjective
        units : ndarray, shape (n,), optional
            What counts as one unit of payoff of each player; by default the payoff range.
        normalize : bool, default True
            Divide the payoffs of players by ``|1 - λ w_i| + λ w_i``, so that a large λ leaves numbers near one. Changes
            no equilibrium.
        """
        alone = game.n_players == 1
        payoffs = game.payoffs.reshape(game.n_players, -1)
        shifts = game.payoff_min
        scales = game.payoff_scale if units is None else units
        n_actions = game.n_actions
        if alone:
            payoffs = np.stack([payoffs[0], np.zeros(payoffs.size)])
            shifts, scales, n_actions = np.append(shifts, 0.0), np.append(scales, 1.0), (*n_actions, 1)
        if not ((scales > SMALLEST) & (scales < LARGEST)).all():
            payoffs = (payoffs - shifts[:, None]) / scales[:, None]
            shifts, scales = np.zeros_like(shifts), np.ones_like(scales)
        layout = _layout(n_actions, objective, normalize, alone)
        return cls(payoffs, shifts, scales, *layout, alone)

    @property
    def n_players(self) -> int:
        """Number of players, adversaries not counted."""
        return len(self.n_actions)

    @property
    def n_groups(self) -> int:
        """Number of players and adversaries."""
        return len(self.egos)

    @property
    def n_own(self) -> int:
        """Number of leading entries of a point that are the players' own strategies, Σ A_i."""
        return int(self.bounds[self.n_players])

    @property
    def size(self) -> int:
        """Number of entries of a point."""
        return int(self.bounds[-1])

    @cached_property
    def magnitude(self) -> float:
        """The regret of a player, relative to the payoff range, is at most so many times the regret in a point."""
        return float(self.charges[: self.n_players].max())

    @cached_property
    def group_of(self) -> np.ndarray:
        """The group of each entry of a point, shape (D,)."""
        return np.repeat(np.arange(self.n_groups), np.diff(self.bounds))

    def tables(self, point: np.ndarray) -> Tables:
        """Compute the pair tables at a point; costs one pass over the payoffs."""
        from powergames.kernels.pair_tables import pair_tables

        packed, starts = pair_tables(self.payoffs, self.n_actions, point[: self.n_own], self.shifts)
        for i in range(self.n_players):
            first = starts[i, 1 if i == 0 else 0]
            packed[first : first + self.n_actions[i] * (self.n_actions.sum() - self.n_actions[i])] /= self.units[i]
        return Tables(packed, starts)

    def gradient(self, point: np.ndarray, tables: Tables) -> np.ndarray:
        """Compute the payoff of every action and of every takeover, shape (D,), in the units of the problem."""
        from powergames.kernels.extended import gradient

        return gradient(
            tables.packed, tables.starts, self.n_actions, self.bounds, self.places, self.linear, self.weights, point
        )

    def jacobian(self, point: np.ndarray, tables: Tables) -> np.ndarray:
        """Compute ``d gradient[p] / d point[q]``, shape (D, D); with power, costs several passes over the payoffs."""
        from powergames.kernels.extended import jacobian

        return jacobian(
            self.payoffs,
            self.shifts,
            self.units,
            tables.packed,
            tables.starts,
            self.n_actions,
            self.bounds,
            self.places,
            self.linear,
            self.weights,
            point,
        )

    def regrets(self, point: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """Return what each group could gain against the others in the point, shape (G,)."""
        best = np.maximum.reduceat(gradient, self.bounds[:-1])
        return best - np.add.reduceat(gradient * point, self.bounds[:-1])

    def slacks(self, gradient: np.ndarray) -> np.ndarray:
        """Return by how much each action and takeover falls short of the best of its group, shape (D,)."""
        return np.maximum.reduceat(gradient, self.bounds[:-1])[self.group_of] - gradient

    def distance(self, point: np.ndarray, other: np.ndarray) -> float:
        """Return the greatest difference between two points in a probability of a player."""
        return float(np.abs(point - other)[: self.n_own].max())

    def normalized(self, point: np.ndarray) -> np.ndarray:
        """Drop what is negative in a point and scale each group to sum one; a group of zeros mixes evenly."""
        point = np.maximum(point, 0.0)
        sums = np.add.reduceat(point, self.bounds[:-1])[self.group_of]
        return np.divide(point, sums, out=1.0 / np.diff(self.bounds)[self.group_of], where=sums > 0.0)

    def starting_point(self, profile: Sequence[np.ndarray]) -> np.ndarray:
        """Return the point of a profile in which every adversary takes its first best takeover."""
        own = [np.asarray(strategy, dtype=np.float64) for strategy in profile]
        if self.alone:
            own.append(np.ones(1))
        point = np.concatenate([*own, np.zeros(self.size - self.n_own)])
        if self.size > self.n_own:
            values = self.gradient(point, self.tables(point))
            for begin, end in zip(self.bounds[self.n_players : -1], self.bounds[self.n_players + 1 :], strict=True):
                point[begin + np.argmax(values[begin:end])] = 1.0
        return point

    def candidate(self, point: np.ndarray, iterations: int, failure: Status | None = None) -> Candidate:
        """Turn a point into a candidate for certification, its adversaries' strategies being the witness."""
        groups = [frozen(strategy) for strategy in np.split(self.normalized(point), self.bounds[1:-1])]
        n = 1 if self.alone else self.n_players
        witness = tuple(
            tuple(groups[g] for g in range(self.n_players, self.n_groups) if self.egos[g] == i) for i in range(n)
        )
        return Candidate(tuple(groups[:n]), witness, iterations, failure)


@lru_cache(maxsize=128)
def _layout(n_actions: tuple[int, ...], objective: PowerObjective, normalize: bool, alone: bool) -> _Layout:
    """Lay out the groups of an extended game."""
    n = len(n_actions)
    sizes, egos = list(n_actions), list(range(n))
    places = np.full((n, n), -1)
    linear = np.ones(n)
    weights = np.zeros((n, n))
    charges = [1.0] * n
    end = sum(n_actions)
    for i, own in enumerate(() if alone else objective.adversaries(n)):
        total = sum((adversary.charge for adversary in own), Fraction(0))
        linear[i] = float(1 - total)
        for adversary in own:
            charge = float(adversary.charge)
            for j in adversary.players:
                places[i, j], weights[i, j] = end, charge
                end += n_actions[j]
            charges.append(charge)
            sizes.append(sum(n_actions[j] for j in adversary.players))
            egos.append(i)
        if normalize:
            charges[i] = abs(linear[i]) + float(total)
            linear[i] /= charges[i]
            weights[i] /= charges[i]
    bounds = np.cumsum([0, *sizes])
    return np.array(n_actions, dtype=np.int64), bounds, np.array(egos), places, linear, weights, np.array(charges)
