r"""All equilibria of a small n-player game, by branch and prune on cells of mixed strategies.

A cell is a product of simplices, one for each player; at first it holds all profiles. In the barycentric coordinates of
a cell every expected payoff is multilinear, so its extremes over the cell lie at combinations of vertices and are known
exactly. An equilibrium is a profile x with strategies z of the adversaries such that every takeover that z makes is one
of the worst for its victim, and every action that x plays is a best response to the others and z. Hence in a cell

1. a takeover is never made if another one is worse for the victim at all vertices;
2. an action is never played if another one is better at all vertices, whichever takeovers are made; or if the player
   gains at all vertices, whichever takeovers are made, by giving it up, together with other actions that are played all
   over the cell, for a mixture;
3. the cell is cut to the face on which it is not played; a cell with no such face holds no equilibrium.

What is left is bisected. So no equilibrium is ever lost: this is the completeness argument. Its sums are floats, with a
margin of 1e-12 of the payoff range, well above the rounding errors of sums of this size, and not intervals. That the
work ends where equilibria are regular is due to

4. Newton's method, run from the middle of cells on the actions and takeovers that are left. Around a solution which is
   strict (other actions and takeovers are worse) and whose equations have a regular Jacobian, a neighbourhood is found
   that holds no other equilibrium: in it, other takeovers stay worse; the played actions are equally good, which
   confines z; against all such z, other actions stay worse; and at all points that are left the Jacobian J satisfies
   ``||Y J - 1|| < 1`` with one matrix Y, so that no two solutions can differ; 0.99 is asked for, because of rounding.
   Cells within it are dropped. (Adversaries of a player with a single action left are free, for their z enters no
   equation.)

Equilibria may also form sets, and cells that meet one do not go away. So when some are left, those sets that are
products of polytopes are looked for, see `powergames.solvers.normal_form.product_sets`. Cells that lie close to one
need no refinement. Others that meet one are cut along its facets, and then towards it only, however long they are.

Other cells that do not go away are refined until they are tiny, or until their number grows like that of cells along a
curve. They are collected into connected clusters. A tiny cluster around a certified equilibrium means a degenerate one,
and no other is farther away than the size of the cluster; any other cluster is reported as unresolved, with equilibria
that were found in it: it may hold a curved set.

A game in which at most two players have a choice is solved as a two-player game, where continua are computed exactly.
The idea of exclusion by bounds over cells goes back to Kearfott (1996), *Rigorous Global Search*; that of supports
narrowed by dominance to Porter, Nudelman & Shoham (2008).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from itertools import combinations
from typing import Any

import numpy as np

from powergames.checking.certify import certify
from powergames.checking.normal_form import Witness
from powergames.errors import InputError
from powergames.games.normal_form import NormalFormGame
from powergames.games.profiles import Profile, frozen
from powergames.objectives import PowerObjective
from powergames.results import Box, Equilibrium, EquilibriumSet, Status
from powergames.solvers.common import Candidate, LimitError, Options, SubdivisionLimits, certified, greatest_radius
from powergames.solvers.normal_form import ipa, product_sets, vertex_enumeration
from powergames.solvers.normal_form.product_sets import ProductSet
from powergames.solvers.normal_form.pure import pure_equilibria

NAME = "subdivision"


@dataclass(frozen=True)
class Limits(SubdivisionLimits):
    """How large games may be, how finely they are searched, and what counts as the same equilibrium."""

    unknowns: int = 9
    """The search is tried with this many free probabilities, Σ (A_i - 1) over undominated actions. Up to 3 x 3 x 3, or
    five players with two actions, it usually settles everything; beyond, it often runs out of budget.
    """
    points: int = 3_000_000
    """The search is tried with this many combinations of points."""
    payoffs: int = 500_000_000
    """The search gives up after this many payoffs averaged and compared: five to ten seconds."""
    cells_between_reports: int = 500
    """Cells pruned between two looks at Ctrl-C and the callback: a tenth of a second."""
    points_between_reports: int = 2_000_000
    """Combinations of points in these cells, at most."""
    cells: int = 100_000
    """Cells kept at most."""
    narrowest: float = 1e-9
    """Cells are not bisected beyond this width."""
    width_before_sets: float = 1 / 1024
    """Product sets of equilibria are looked for when cells are this narrow,"""
    growing_before_sets: float = 1 / 16
    """or this narrow while their number grows like that of cells along a curve,"""
    cells_before_sets: int = 1000
    """or when it grows and is greater than this."""
    continuum_width: float = 1 / 64
    """Cells are taken to cover a continuum when they are this narrow, at the earliest."""
    continuum_growth: float = 1.4
    """Their number must then grow by this factor twice in succession as the width is halved."""
    continuum_cells: int = 10_000
    """There must be more of them than this."""
    regret: float = 1e-12
    """Regret, relative to the payoff range, of an equilibrium in a cluster, if in fractions it is not zero."""
    rounding: float = 1e-12
    """A distance up to this is rounding."""
    samples: int = 40
    """Cells of a cluster from which equilibria are looked for, and pure equilibria of it that are listed."""
    newton_steps: int = 60
    """Steps of Newton's method in a cluster, where it may converge slowly."""
    denominator: int = 1000
    """Largest denominator of guesses in fractions."""


LIMITS = Limits()

# Cells as the kernel takes them: vertices[c, i, v, a], counts[c, i], made[c, k].
_Cells = tuple[np.ndarray, np.ndarray, np.ndarray]


def find_all(game: NormalFormGame, objective: PowerObjective, options: Options) -> EquilibriumSet:
    """Return all equilibria of a game of any number of players.

    If none is found among what cannot be told apart, one comes from `powergames.solvers.normal_form.ipa`.

    Raises
    ------
    InputError
        If the game is too large, or fractions are asked for where equilibria may be irrational.
    """
    choosers = [i for i, size in enumerate(game.n_actions) if size > 1]
    if len(choosers) <= 2:
        return _as_two_players(game, objective, choosers, options)
    if options.exact:
        raise InputError(
            f"exact: {len(choosers)} players have a choice, and equilibria of such games may be irrational; "
            "leave out exact"
        )
    found = subdivide(game, objective, options)
    if found or found.complete or ipa.METHOD.refuses(game, objective):
        return found
    try:
        candidate = ipa.find(game, objective, options.closing)
    except LimitError:
        return found
    if candidate.profile is None:
        return found
    one = certified(game, objective, candidate, ipa.METHOD.name, options.closing)
    return replace(found, equilibria=(one,), interchangeable=((0,),)) if one.converged else found


def subdivide(game: NormalFormGame, objective: PowerObjective, options: Options) -> EquilibriumSet:
    """Return all equilibria by branch and prune, as `find_all` does where more than two players have a choice.

    Raises
    ------
    InputError
        If the game is too large.
    """
    points = game.n_players * math.prod(2 * size for size in game.n_actions)
    if points > LIMITS.points:
        raise InputError(_too_large(game, "its payoffs are too many"))
    search = _Search.of(game, objective, options)
    settled: list[_Cells] = []
    todo = [search.everything()]
    while todo:
        cells, growing = search.refine(todo.pop())
        if search.stopped:
            settled += [cells, *todo]
            break
        for group in _clusters(cells):
            # A continuum must not keep smaller clusters from being resolved.
            small = 2 * len(group[1]) < len(cells[1])
            (todo if growing and small else settled).append(group)
    return _collect(search, settled)


def _too_large(game: NormalFormGame, reason: str) -> str:
    shape = " x ".join(map(str, game.n_actions))
    return (
        f"all equilibria: the game has {shape} actions, {reason}; with more than two players at most {LIMITS.unknowns} "
        "free probabilities can be searched, such as 4 x 4 x 4 or nine players with two actions; use solve instead"
    )


def _as_two_players(
    game: NormalFormGame, objective: PowerObjective, choosers: Sequence[int], options: Options
) -> EquilibriumSet:
    """Leave out players without a choice: they have no power, and nobody has power over them that matters."""
    n_players = game.n_players
    pair = sorted([*choosers, *[i for i in range(n_players) if i not in choosers]][:2])
    payoffs = game.payoffs if game.lossless else game.exact_payoffs
    sizes = [game.n_actions[i] for i in pair]
    if n_players == 1:
        reduced = NormalFormGame(np.stack([payoffs.reshape(-1, 1)] * 2))
    else:
        reduced = NormalFormGame(payoffs[pair].reshape(2, *sizes))
    lam, aggregate = objective.exact_lam, objective.aggregate
    if n_players == 1:
        lam, aggregate = Fraction(0), "mean"
    elif not isinstance(aggregate, str):
        aggregate = aggregate[np.ix_(pair, pair)]
    elif aggregate == "mean":
        lam /= max(n_players - 1, 1)
    # With two players mean, sum and max are the same.
    smaller = PowerObjective(lam, aggregate, objective.form)
    found = vertex_enumeration.find_all(reduced, smaller, options)
    one: Any = Fraction(1) if options.exact else 1.0
    equilibria = []
    for member in found:
        profile = [frozen(np.array([one])) for _ in range(n_players)]
        for i, strategy in zip(pair, member.profile, strict=False):
            profile[i] = strategy
        candidate = Candidate(tuple(profile), None, member.iterations)
        equilibria.append(certified(game, objective, candidate, found.method, options, member.component))
    return replace(found, equilibria=tuple(equilibria), game=game, objective=objective)


@dataclass
class _Search:
    """A problem in the form of the kernel, and what was found so far."""

    game: NormalFormGame
    objective: PowerObjective
    options: Options
    problem: tuple[np.ndarray, ...]
    found: tuple[np.ndarray, np.ndarray, np.ndarray]
    known: int = 0
    cells: int = 0
    work: int = 0
    stopped: bool = False
    sets: list[ProductSet] | None = None
    distance: float = 0.0
    space: tuple[np.ndarray, ...] = field(init=False)
    chunk: int = field(init=False)

    @classmethod
    def of(cls, game: NormalFormGame, objective: PowerObjective, options: Options) -> _Search:
        """Set up the problem; payoffs are scaled to [0, 1] and weights to a sum of one."""
        n_players, most = game.n_players, max(game.n_actions)
        least, scale = (a.reshape(-1, *[1] * n_players) for a in (game.payoff_min, game.payoff_scale))
        linear: list[float] = []
        weights: list[float] = []
        takers: list[int] = []
        takes: list[int] = []
        own, taken = [0], [0]
        for adversaries in objective.adversaries(n_players):
            shares = [adversary.charge for adversary in adversaries]
            task = 1 - sum(shares, Fraction(0))
            unit = abs(task) + sum(shares, Fraction(0))
            linear.append(float(task / unit))
            for share, adversary in zip(shares, adversaries, strict=True):
                weights.append(float(share / unit))
                for j in adversary.players:
                    takers += [j] * game.n_actions[j]
                    takes += range(game.n_actions[j])
                taken.append(len(takes))
            own.append(len(weights))
        problem = (
            np.ascontiguousarray(((game.payoffs - least) / scale).reshape(n_players, -1)),
            np.array(game.n_actions, dtype=np.int64),
            np.array(linear, dtype=np.float64),
            np.array(weights, dtype=np.float64),
            *(np.array(numbers, dtype=np.int64) for numbers in (own, taken, takers, takes)),
        )
        return cls(game, objective, options, problem, _room(64, n_players, most, len(takes)))

    @cached_property
    def pure(self) -> list[np.ndarray]:
        """Pure equilibria, exact also where equilibria are not isolated; a row for each player in each."""
        n_actions = self.game.n_actions
        eye = np.eye(max(n_actions))
        found = pure_equilibria(self.game, self.objective)
        return [eye[list(each.joint_action)] for each in found if each.contains(self.objective.exact_lam)]

    def __post_init__(self) -> None:
        from powergames.kernels import cells as kernel

        self.space = kernel.work_space(self.problem[1])
        self.chunk = max(1, min(LIMITS.cells_between_reports, LIMITS.points_between_reports // self.space[0].size))

    def everything(self) -> _Cells:
        """Return the cell of all profiles."""
        n_actions = self.game.n_actions
        cells = _empty(1, len(n_actions), max(n_actions), len(self.problem[-1]))
        for i, size in enumerate(n_actions):
            cells[0][0, i, :size, :size] = np.eye(size)
        cells[1][0], cells[2][0] = n_actions, True
        return cells

    def refine(self, cells: _Cells) -> tuple[_Cells, bool]:
        """Prune and bisect until no cell is left, or all are tiny, or their number grows, or the budget is used up.

        Returns the cells left and whether they were given up because their number grew. `stopped` tells whether the
        deadline has passed.
        """
        from powergames.kernels import cells as kernel

        tiny = [_chosen(cells, slice(0))]
        # Every time that the width has halved: the width and the cells.
        halved: list[tuple[float, _Cells]] = []
        wide, narrow, most = self._prune(cells), [_chosen(cells, slice(0))], 1.0
        while True:
            # Cells are bisected until none is wider than `most`.
            wide, widths, edges, shares = self._uncovered(wide)
            tiny.append(_chosen(wide, widths <= LIMITS.narrowest))
            narrow.append(_chosen(wide, (widths > LIMITS.narrowest) & (widths <= most)))
            wide, edges, shares = _chosen(wide, widths > most), edges[widths > most], shares[widths > most]
            count = len(wide[1]) + sum(len(part[1]) for part in narrow)
            if count == 0:
                return _joined(tiny), False
            if len(wide[1]) == 0:
                cells, narrow = _joined(narrow), []
                self._find(cells)
                cells = self.unsettled(cells)
                halved.append((most, cells))
                numbers = [len(earlier[1]) for _, earlier in halved[-3:]]
                growth = LIMITS.continuum_growth
                growing = len(halved) > 2 and numbers[2] > growth * numbers[1] > growth**2 * numbers[0]
                late = growing and (most <= LIMITS.growing_before_sets or len(cells[1]) > LIMITS.cells_before_sets)
                if self.sets is None and len(cells[1]) and (late or most <= LIMITS.width_before_sets):
                    self._find_sets(cells)
                if growing and most <= LIMITS.continuum_width and numbers[2] > LIMITS.continuum_cells:
                    return self.unsettled(_joined([*tiny, halved[-3][1]])), True
                wide, most = cells, most / 2
                continue
            if self.stopped:
                return self.unsettled(_joined([*tiny, *narrow, wide])), False
            if count > LIMITS.cells or self.work > LIMITS.payoffs:
                return self.unsettled(_joined([*tiny, halved[-min(len(halved), 3)][1]])), self.work <= LIMITS.payoffs
            n_players, size = wide[0].shape[1:3]
            halves = _empty(2 * len(wide[1]), n_players, size, wide[2].shape[1])
            kernel.bisect(wide, edges, shares, halves)
            wide = self._prune(halves)

    def _find_sets(self, cells: _Cells) -> None:
        """Look for sets of equilibria that are products of polytopes, among what cells leave."""
        lower, upper = _bounds(cells)

        def left(player: int, strategies: np.ndarray) -> np.ndarray:
            size = strategies.shape[1]
            bounds = np.unique(np.concatenate([lower[:, player, :size], upper[:, player, :size]], axis=1), axis=0)
            above = (strategies[:, None] >= bounds[:, :size] - LIMITS.same).all(axis=2)
            below = (strategies[:, None] <= bounds[:, size:] + LIMITS.same).all(axis=2)
            return np.asarray(np.any(np.logical_and(above, below), axis=1))

        def report() -> None:
            self.options.report("cells", self.cells)

        low = self.found[2][: self.known]
        try:
            found = product_sets.find(self.problem, left, report)
            # Points that are alone have been found.
            self.sets = [
                each
                for each in found
                if each.dimension or not (low <= self.padded([own[0] for own in each.factors])).all(axis=(1, 2)).any()
            ]
        except LimitError:
            self.stopped = True
            self.sets = []

    def _uncovered(self, cells: _Cells) -> tuple[_Cells, np.ndarray, np.ndarray, np.ndarray]:
        """Drop cells that lie close to one of the sets of equilibria, and say where to cut those that are left.

        Returns the cells, their widths, the edges and where to cut them, see `powergames.kernels.cells.bisect`. The
        width of a cell that meets a set is how far it sticks out, and such a cell is cut along facets of the set.
        """
        widths = _widths(cells)
        edges = np.full((len(widths), 3), -1)
        shares = np.full(len(widths), 0.5)
        if not self.sets or not len(widths):
            return cells, widths, edges, shares
        places = _Places(cells, self.game.n_actions)
        nearest, best = np.full(len(widths), np.inf), np.full(len(widths), np.inf)
        chosen = np.full(len(widths), -1)
        for s, each in enumerate(self.sets):
            farthest, meets = places.of(each)
            nearest = np.minimum(nearest, farthest)
            better = meets & (farthest < best)
            best[better], chosen[better] = farthest[better], s
        left = nearest > LIMITS.resolution
        self.distance = max(self.distance, float(nearest[~left].max(initial=0.0)))
        widths = np.where(chosen >= 0, best, widths)
        for s in np.unique(chosen[left & (chosen >= 0)]).tolist():
            which = np.flatnonzero(left & (chosen == s))
            edges[which], shares[which] = places.cuts(self.sets[s], which)
        return _chosen(cells, left), widths[left], edges[left], shares[left]

    def _prune(self, cells: _Cells) -> _Cells:
        """Return what is left of cells."""
        from powergames.kernels import cells as kernel

        kept = [_chosen(cells, slice(0))]
        for first in range(0, len(cells[1]), self.chunk):
            chunk = _chosen(cells, slice(first, first + self.chunk))
            left, work = kernel.prune_cells(self.problem, chunk, len(chunk[1]), self.found[2], self.known)
            kept.append(_chosen(chunk, slice(left)))
            self.cells += len(chunk[1])
            self.work += work
            self._check_size(kept[-1])
            if self.stops():
                kept.append(_chosen(cells, slice(first + self.chunk, None)))
                break
        return _joined(kept)

    def stops(self) -> bool:
        """Tell the callback how far the search is; return whether it has to stop."""
        try:
            self.options.report("cells", self.cells)
        except LimitError:
            self.stopped = True
        return self.stopped

    def _find(self, cells: _Cells) -> None:
        """Look for equilibria with the structures that cells allow."""
        from powergames.kernels import cells as kernel

        x, z = np.zeros(cells[0].shape[1:3]), np.zeros(cells[2].shape[1])
        for first in range(0, len(cells[1]), self.chunk):
            last = min(first + self.chunk, len(cells[1]))
            c = kernel.find_solution(self.problem, cells, first, last, self.found[2], self.known, x, z)
            while c < last:
                low = self._neighbourhood(x, z, cells[2][c])
                if low is not None:
                    if self.known == len(self.found[0]):
                        xs, zs, lows = (np.concatenate([array, np.zeros_like(array)]) for array in self.found)
                        self.found = xs, zs, lows
                    for array, entry in zip(self.found, (x, z, low), strict=True):
                        array[self.known] = entry
                    self.known += 1
                c = kernel.find_solution(self.problem, cells, c + 1, last, self.found[2], self.known, x, z)
            if self.stops():
                return

    def _neighbourhood(self, x: np.ndarray, z: np.ndarray, made: np.ndarray) -> np.ndarray | None:
        """Return the least strategies of a neighbourhood in which a solution is the only equilibrium, if found."""
        from powergames.kernels import cells as kernel

        played = x > 0
        rows, _ = kernel.unknowns(self.problem, played, made)
        _, matrix = kernel.linearize(self.problem, rows, x, z, self.space)
        left = np.zeros_like(matrix)
        try:
            inverse = np.linalg.inv(matrix)
            for i in range(len(x)):
                of_x = np.flatnonzero((rows[:, 0] == i) & (rows[:, 1] < 0))
                of_z = np.flatnonzero((rows[:, 0] == i) & (rows[:, 1] >= 0))
                left[np.ix_(of_z, of_x)] = np.linalg.pinv(matrix[np.ix_(of_x, of_z)])
        except np.linalg.LinAlgError:
            return None
        # Probabilities must stay positive where players mix.
        most = LIMITS.inside * np.where(played & (x < 1), x, 1).min(axis=1)
        most[(x == 1).any(axis=1)] = 1

        def alone(radius: float) -> bool:
            return bool(kernel.is_alone(self.problem, played, made, x, z, inverse, left, most, radius, self.space))

        radius = greatest_radius(alone, LIMITS)
        return np.maximum(x - np.minimum(most, radius)[:, None], 0) if radius else None

    def unsettled(self, cells: _Cells) -> _Cells:
        """Return the cells outside of the neighbourhoods in which known equilibria are alone."""
        low = self.found[2][: self.known, None, :, None]
        # Cells have fewer vertices than there is room for; the first one stands in for those that do not count.
        vertices = np.where(_counted(cells), cells[0], cells[0][:, :, :1])
        settled = np.zeros(len(cells[1]), dtype=np.bool_)
        for neighbourhood in low:
            settled |= (vertices >= neighbourhood).all(axis=(1, 2, 3))
        return _chosen(cells, ~settled)

    def _check_size(self, cells: _Cells) -> None:
        """Refuse games that are too large even after dominated actions are gone."""
        unknowns = int((cells[1][0] - 1).sum()) if len(cells[1]) else 0
        if self.cells == 1 and unknowns > LIMITS.unknowns:
            raise InputError(_too_large(self.game, f"{unknowns} free probabilities after dominance"))

    def padded(self, profile: Sequence[np.ndarray]) -> np.ndarray:
        """Return a profile as an array with a row for each player."""
        x = np.zeros((len(profile), max(self.game.n_actions)))
        for row, strategy in zip(x, profile, strict=True):
            row[: len(strategy)] = strategy
        return x

    def certify(self, x: np.ndarray, z: np.ndarray | None = None) -> Equilibrium:
        """Certify a profile, given as an array with a row for each player."""
        profile = tuple(frozen(row[:size] / row[:size].sum()) for row, size in zip(x, self.game.n_actions, strict=True))
        witness = None if z is None else self._witness(z)
        return certified(self.game, self.objective, Candidate(profile, witness, self.cells), NAME, self.options.closing)

    def is_exact(self, equilibrium: Equilibrium) -> bool:
        """Whether the regret of an equilibrium is nothing but rounding."""
        regret = equilibrium.certificate.scaled_regret
        if not equilibrium.converged or regret > LIMITS.real_regret:
            return False
        if regret <= LIMITS.regret:
            return True
        # In fractions the regret of a rational profile is known without rounding.
        exact = [
            [Fraction(p).limit_denominator(LIMITS.denominator) for p in row.tolist()] for row in equilibrium.profile
        ]
        rational = all(sum(row) == 1 for row in exact) and all(
            np.array_equal([float(p) for p in row], strategy)
            for row, strategy in zip(exact, equilibrium.profile, strict=True)
        )
        return rational and certify(self.game, exact, self.objective).max_regret == 0

    def _witness(self, z: np.ndarray) -> Witness:
        own, taken = self.problem[4], self.problem[5]
        return tuple(
            tuple(z[taken[b] : taken[b + 1]].copy() for b in range(own[i], own[i + 1]))
            for i in range(self.game.n_players)
        )

    def guesses(self, cells: _Cells, c: int) -> Iterator[np.ndarray]:
        """Yield profiles near a cell that may be exact equilibria."""
        from powergames.kernels import cells as kernel

        corners = [cells[0][c, i, : cells[1][c, i]] for i in range(self.game.n_players)]
        centre = np.array([own.mean(axis=0) for own in corners])
        width = max(float(np.ptp(own, axis=0).max()) for own in corners)
        rounded = np.array([[float(Fraction(p).limit_denominator(LIMITS.denominator)) for p in row] for row in centre])
        near = np.abs(rounded - centre).max() <= max(2 * width, LIMITS.resolution / 4)
        if near and np.abs(rounded.sum(axis=1) - 1).max() < 1e-12:
            yield rounded
        yield centre
        for smallest in (0.0, 2 * width):
            played = centre > smallest
            if not played.any(axis=1).all():
                continue
            rows, _ = kernel.unknowns(self.problem, played, cells[2][c])
            x, z = np.where(played, centre, 0.0), np.zeros(cells[2].shape[1])
            x /= x.sum(axis=1, keepdims=True)
            for first, last in zip(self.problem[5], self.problem[5][1:], strict=False):
                z[first:last] = cells[2][c, first:last] / cells[2][c, first:last].sum()
            for _ in range(LIMITS.newton_steps if len(rows) else 0):
                residual, matrix = kernel.linearize(self.problem, rows, x, z, self.space)
                step = np.linalg.lstsq(matrix, -residual, rcond=1e-7)[0]
                for (i, b, this, base), length in zip(rows, step, strict=True):
                    target = x[i] if b < 0 else z
                    target[this] += length
                    target[base] -= length
                if not np.abs(step).max() > 1e-15:
                    break
            if np.abs(x - centre).max() <= max(4 * width, LIMITS.resolution):
                yield np.maximum(x, 0.0)


class _Places:
    """Where cells lie with respect to sets of equilibria."""

    def __init__(self, cells: _Cells, n_actions: Sequence[int]) -> None:
        counted = _counted(cells)
        # The first vertex stands in for those that do not count.
        vertices = np.where(counted, cells[0], cells[0][:, :, :1])
        self.lower, self.upper = vertices.min(axis=2), vertices.max(axis=2)
        self.radius = (self.upper - self.lower).max(axis=2) * (1 - 1 / cells[1])
        self.vertices = [vertices[:, i, :, :size] for i, size in enumerate(n_actions)]
        centres = np.where(counted, cells[0], 0.0).sum(axis=2) / cells[1][:, :, None]
        self.centres = [centres[:, i, :size] for i, size in enumerate(n_actions)]

    def of(self, each: ProductSet) -> tuple[np.ndarray, np.ndarray]:
        """Return how far cells stick out of a set, infinitely if out of reach, and which of them may meet it."""
        near = np.ones(len(self.radius), dtype=np.bool_)
        for i, own in enumerate(each.factors):
            size = own.shape[1]
            near &= (self.lower[:, i, :size] <= own.max(axis=0) + LIMITS.resolution).all(axis=1)
            near &= (self.upper[:, i, :size] >= own.min(axis=0) - LIMITS.resolution).all(axis=1)
        left = np.flatnonzero(near)
        meets, far = np.ones(len(left), dtype=np.bool_), np.zeros(len(left))
        for i, vertices in enumerate(self.vertices):
            distances = each.distances(i, vertices[left])
            values = vertices[left] @ each.facets[i].T
            crossed = np.minimum(values.max(axis=1), -values.min(axis=1)).max(axis=1, initial=0.0) > LIMITS.same
            touched = distances.min(axis=1) <= LIMITS.same
            unsure = crossed & ~touched
            touched[unsure] = each.distances(i, self.centres[i][left[unsure]]) <= self.radius[left[unsure], i]
            meets &= touched
            far = np.maximum(far, distances.max(axis=1))
            # What neither meets the set nor lies close to it does not matter.
            kept = meets | (far <= LIMITS.resolution)
            left, meets, far = left[kept], meets[kept], far[kept]
        farthest = np.full(len(near), np.inf)
        farthest[left], near[:] = far, False
        near[left] = meets
        return farthest, near

    def cuts(self, each: ProductSet, which: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the edges at which to cut cells that meet a set, and the shares.

        A cell is cut along a facet that crosses it, otherwise between its nearest and its farthest vertex.
        """
        edges, shares = np.zeros((len(which), 3), dtype=np.int64), np.full(len(which), 0.5)
        farthest, crossed = np.zeros(len(which)), np.zeros(len(which), dtype=np.bool_)
        for i, vertices in enumerate(self.vertices):
            distances = each.distances(i, vertices[which])
            far = distances.max(axis=1)
            wider = ~crossed & (far > farthest)
            edges[wider] = np.stack([np.full(len(far), i), distances.argmax(axis=1), distances.argmin(axis=1)], 1)[
                wider
            ]
            farthest = np.maximum(farthest, far)
            if not len(each.facets[i]):
                continue
            values = vertices[which] @ each.facets[i].T
            depth = np.minimum(values.max(axis=1), -values.min(axis=1))
            facet = depth.argmax(axis=1)
            values = np.take_along_axis(values, facet[:, None, None], axis=2)[:, :, 0]
            new = ~crossed & (far > LIMITS.resolution) & (depth.max(axis=1) > LIMITS.same)
            most, least = values.max(axis=1), values.min(axis=1)
            edges[new] = np.stack([np.full(len(far), i), values.argmax(axis=1), values.argmin(axis=1)], 1)[new]
            shares[new] = (most[new]) / (most - least)[new]
            crossed |= new
        return edges, shares


def _empty(count: int, n_players: int, most: int, takeovers: int) -> _Cells:
    return (
        np.zeros((count, n_players, most, most)),
        np.zeros((count, n_players), dtype=np.int64),
        np.zeros((count, takeovers), dtype=np.bool_),
    )


def _room(count: int, n_players: int, most: int, takeovers: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Room for equilibria: x, z and the least strategies of their neighbourhoods."""
    shape = (count, n_players, most)
    return np.zeros(shape), np.zeros((count, takeovers)), np.zeros(shape)


def _chosen(cells: _Cells, which: Any) -> _Cells:
    return cells[0][which].copy(), cells[1][which].copy(), cells[2][which].copy()


def _joined(parts: Sequence[_Cells]) -> _Cells:
    vertices, counts, made = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return vertices, counts, made


def _counted(cells: _Cells) -> np.ndarray:
    """Return which vertices count, shape (C, n, A, 1)."""
    counted: np.ndarray = (np.arange(cells[0].shape[2]) < cells[1][:, :, None])[..., None]
    return counted


def _bounds(cells: _Cells) -> tuple[np.ndarray, np.ndarray]:
    """Return the least and greatest probabilities in each cell, shape (C, n, A)."""
    counted = _counted(cells)
    return np.where(counted, cells[0], 2.0).min(axis=2), np.where(counted, cells[0], -1.0).max(axis=2)


def _widths(cells: _Cells) -> np.ndarray:
    lower, upper = _bounds(cells)
    return (upper - lower).max(axis=(1, 2), initial=0.0)


def _clusters(cells: _Cells) -> list[_Cells]:
    """Split cells into connected groups."""
    from powergames.kernels import cells as kernel

    if len(cells[1]) == 0:
        return []
    lower, upper = (bound.reshape(len(cells[1]), -1) for bound in _bounds(cells))
    spread = np.argmax(np.ptp(lower, axis=0))
    order = np.argsort(lower[:, spread], kind="stable")
    columns = np.roll(np.arange(lower.shape[1]), -spread)
    labels = kernel.clusters(
        np.ascontiguousarray(lower[order][:, columns]), np.ascontiguousarray(upper[order][:, columns]), 1e-12
    )
    return [_chosen(cells, order[labels == label]) for label in range(labels.max() + 1)]


@dataclass
class _Found:
    """Certified equilibria, and which of them belong together.

    Attributes
    ----------
    members : list of Equilibrium
    groups : list of list of int
        Positions of connected members.
    sets : list of list of int
        Positions of the extreme equilibria of each product set.
    """

    members: list[Equilibrium] = field(default_factory=list)
    groups: list[list[int]] = field(default_factory=list)
    sets: list[list[int]] = field(default_factory=list)

    def add(self, equilibria: Sequence[Equilibrium]) -> list[int]:
        """Add connected equilibria, those that are there already once, and return their positions."""
        group = []
        for each in equilibria:
            same = (k for k, other in enumerate(self.members) if _distance(each.profile, other.profile) <= LIMITS.same)
            position = next(same, len(self.members))
            if position == len(self.members):
                self.members.append(each)
            group.append(position)
        self.groups.append(group)
        return group

    def connected(self) -> list[list[int]]:
        """Join groups that have a member in common."""
        joined: list[set[int]] = []
        for group in self.groups:
            apart = [other for other in joined if other.isdisjoint(group)]
            joined = [*apart, set(group).union(*(other for other in joined if not other.isdisjoint(group)))]
        return [sorted(group) for group in joined]


def _collect(search: _Search, groups: Sequence[_Cells]) -> EquilibriumSet:
    """Certify the isolated equilibria and the sets, and look for others in clusters of cells that did not go away."""
    found = _Found()
    for e in range(search.known):
        found.add([search.certify(search.found[0][e], search.found[1][e])])
    sets = search.sets or []
    for each in sets:
        found.sets.append(found.add([search.certify(search.padded(profile)) for profile in each.profiles()]))
    for (one, first), (other, second) in combinations(zip(found.sets, sets, strict=True), 2):
        if first.meets(second):
            found.groups.append([one[0], other[0]])
    unresolved: list[Box] = []
    for group in groups:
        cells = search.unsettled(group)
        if len(cells[1]) == 0:
            continue
        lower, upper = _bounds(cells)
        least, most = lower.min(axis=0), upper.max(axis=0)
        size = (most - least).max()
        box = _rows(search.game, least), _rows(search.game, most)
        if search.stops():
            unresolved.append(box)
            continue
        members = _members(search, cells, lower, upper, size)
        # Neighbouring clusters may lead to the same equilibrium, and samples may lie in sets.
        new = [m for m in members if not any(each.holds(m.profile, LIMITS.resolution) for each in sets)]
        if new:
            positions = found.add(new)
            # Cells cannot tell the cluster from sets that it touches.
            found.groups += [
                [positions[0], own[0]] for own, each in zip(found.sets, sets, strict=True) if _touch(cells, each)
            ]
        # The regret of a single profile tells whether it is an equilibrium.
        elif not members and size == 0 and search.certify(least).certificate.scaled_regret > LIMITS.real_regret:
            continue
        if not members or size > LIMITS.resolution:
            unresolved.append(box)
        else:
            search.distance = max(search.distance, float(size))
    return _ordered(search, found, unresolved)


def _touch(cells: _Cells, each: ProductSet) -> bool:
    """Whether one of the cells has no point farther from a set than its own width."""
    counted, widths = _counted(cells)[..., 0], _widths(cells)
    near = np.ones(len(widths), dtype=np.bool_)
    for i, factor in enumerate(each.factors):
        distances = each.distances(i, cells[0][:, i, :, : factor.shape[1]])
        near &= np.where(counted[:, i], distances, np.inf).min(axis=1) <= widths
    return bool(near.any())


def _members(search: _Search, cells: _Cells, lower: np.ndarray, upper: np.ndarray, size: float) -> list[Equilibrium]:
    """Find certified equilibria in a cluster: one if it is tiny, otherwise some that are far apart."""
    count = len(cells[1])
    ends = [*np.argmin(lower.reshape(count, -1), axis=0), *np.argmax(upper.reshape(count, -1), axis=0)]
    members = [
        search.certify(x)
        for x in search.pure
        if ((lower <= x) & (x <= upper)).all(axis=(1, 2)).any()
        and not (search.found[2][: search.known] <= x).all(axis=(1, 2)).any()
    ][: LIMITS.samples]
    samples = np.linspace(0, count - 1, min(count, LIMITS.samples)).astype(int).tolist()
    for k, c in enumerate(dict.fromkeys([*ends, *samples])):
        if members and (size <= LIMITS.resolution or k >= len(ends)):
            break
        slack = max(LIMITS.resolution / 4, float((upper[c] - lower[c]).max()))
        for x in search.guesses(cells, c):
            within = (lower - slack <= x).all(axis=(1, 2)) & (x <= upper + slack).all(axis=(1, 2))
            known = (search.found[2][: search.known] <= x).all(axis=(1, 2)).any()
            if known or not within.any():
                continue
            equilibrium = search.certify(x)
            if search.is_exact(equilibrium):
                if not any(_distance(equilibrium.profile, other.profile) <= LIMITS.resolution for other in members):
                    members.append(equilibrium)
                break
    return members


def _ordered(search: _Search, found: _Found, unresolved: Sequence[Box]) -> EquilibriumSet:
    """Sort equilibria as those of two players are, and number the components in that order."""

    def key(equilibrium: Equilibrium) -> list[list[float]]:
        return [strategy.tolist() for strategy in equilibrium.profile]

    keys = list(map(key, found.members))
    ranked = sorted(found.connected(), key=lambda group: max(keys[k] for k in group), reverse=True)
    component = {k: number for number, group in enumerate(ranked) for k in group}
    order = sorted(component, key=keys.__getitem__, reverse=True)
    place = {k: position for position, k in enumerate(order)}
    equilibria = tuple(replace(found.members[k], component=component[k]) for k in order)
    sets = {tuple(sorted(place[k] for k in own)) for own in found.sets}
    alone = {(place[k],) for k in order} - {(k,) for own in sets for k in own}
    complete = not unresolved and all(equilibrium.converged for equilibrium in equilibria)
    return EquilibriumSet(
        equilibria,
        tuple(sorted(sets | alone)),
        search.game,
        search.objective,
        NAME,
        complete,
        tuple(unresolved),
        search.distance if search.distance > LIMITS.rounding else 0.0,
        Status.TIME_LIMIT if search.stopped else None,
    )


def _rows(game: NormalFormGame, bound: np.ndarray) -> Profile:
    return tuple(frozen(row[:size].copy()) for row, size in zip(bound, game.n_actions, strict=True))


def _distance(first: Profile, second: Profile) -> float:
    return max(float(np.abs(a - b).max()) for a, b in zip(first, second, strict=True))
