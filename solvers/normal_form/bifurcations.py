r"""All equilibria of a two-player game for all λ, from the vertices of two polyhedra in which λ is a variable.

With ``η = |1 - λ_0| y`` and ``ζ = λ_0 z``, the best-response polyhedron of (y, z) in
`powergames.solvers.normal_form.vertex_enumeration` becomes

.. math::
    \{ (η, ζ, v, λ): \pm A η + A ζ \le v_x, \; B η \ge v_w, \; Σ η = |1 - λ_0|, \; Σ ζ = λ_0 \}

and λ enters linearly: up to λ_0 = 1 the sign is plus, and beyond it is minus. So the polyhedra for all λ of an interval
are the slices of one polyhedron. A vertex of the slice, followed as λ changes, runs along an edge of the polyhedron,
and its zero set stays the same until the end of the edge. Hence

- a pair of edges of the two polyhedra that together meet all labels is an equilibrium for all λ that both have, and
  every extreme equilibrium at a λ where no edge ends is such a pair;
- at other λ all equilibria are known from the vertices and edges there.

Everything is computed in integers. Edges join bases that differ in one variable.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from math import lcm
from typing import Any

import numpy as np

from powergames.checking.normal_form import certify_checked
from powergames.errors import InputError, interruptible
from powergames.games.kinds import as_game
from powergames.games.normal_form import NormalFormGame
from powergames.games.numbers import to_fraction
from powergames.games.profiles import Profile, frozen
from powergames.objectives import AnyObjective, PowerObjective, as_objective, with_lam
from powergames.progress import Callback, check_callback
from powergames.results import Bifurcations, Branch
from powergames.solvers.common import Options, end_of
from powergames.solvers.normal_form import vertex_enumeration
from powergames.solvers.normal_form.vertex_enumeration import Labels, Side, all_bases, find_all

# Actions of each of two players up to which all equilibria for all λ take a second or two at most.
FEW_ACTIONS = 4


def is_quick(game: Any) -> bool:
    """Tell whether `bifurcations` takes a second or two at most, so that it need not be asked for.

    Examples
    --------
    >>> import powergames as pg
    >>> is_quick(pg.load("oneill")), is_quick(pg.load("von_stengel")), is_quick(pg.load("grid_game"))
    (True, False, False)
    """
    return isinstance(game, NormalFormGame) and game.n_players == 2 and max(game.n_actions) <= FEW_ACTIONS


def bifurcations(
    game: NormalFormGame,
    objective: AnyObjective | None = None,
    *,
    lam: Any = (0, 1),
    time_limit: float | None = None,
    callback: Callback | None = None,
) -> Bifurcations:
    """Compute all equilibria of a two-player game for all λ of an interval, exactly.

    Parameters
    ----------
    game : NormalFormGame
        Two players, with few actions.
    objective : PowerObjective, optional
        Supplies the aggregate and form; its own λ is not used.
    lam : (number, number), default (0, 1)
        The interval of λ, both ends included.
    time_limit : float, optional
        Seconds after which the search ends; the result is not complete then.
    callback : callable, optional
        Called as ``callback(stage, done, total)`` now and then.

    Returns
    -------
    Bifurcations
        Branches of extreme equilibria as functions of λ, with rational breakpoints between them. Its `at` returns all
        extreme equilibria at one λ, the same as ``solve_all(..., exact=True)`` does.

    Raises
    ------
    InputError
        If the game does not have two players, or an argument cannot be used.

    See Also
    --------
    trace : follow one equilibrium, in any game.
    pure_equilibria : the intervals of pure equilibria, for any number of players.

    Notes
    -----
    The result is complete in degenerate games, too. Time grows with the number of vertices of two polyhedra. These have
    twice as many dimensions as the game has actions. Games of 3 x 3 actions take a tenth of a second, games of 5 x 5
    take seconds.

    Examples
    --------
    >>> import powergames as pg
    >>> found = pg.bifurcations(pg.load("stag_hunt"))
    >>> [str(lam) for lam in found.breakpoints]
    ['0', '1/4', '1']
    >>> for branch in found:
    ...     print(branch.lo, branch.hi, branch.support)
    0 1/4 ((0,), (0,))
    0 1/4 ((0, 1), (0, 1))
    0 1 ((1,), (1,))
    >>> found[1].at("1/5")[0]
    array([Fraction(15, 16), Fraction(1, 16)], dtype=object)
    """
    game = as_game(game)
    objective = as_objective(objective, once=True)
    if game.n_players != 2:
        raise InputError(f"bifurcations: the game has {game.n_players} players; give one of two, or use trace")
    check_callback(callback)
    low, high = _interval(lam)
    with_lam(objective, high).adversaries(2)
    options = Options(callback=callback, exact=True, end=end_of(time_limit))
    weights = _weights(objective)
    with interruptible():
        return _found(game, with_lam(objective, low), weights, (low, high), options)


def _weights(objective: PowerObjective) -> tuple[Fraction, Fraction]:
    """Return λ_0 / λ and λ_1 / λ."""
    own, other = objective.potential_adversaries(2)
    return sum((each.weight for each in own), Fraction(0)), sum((each.weight for each in other), Fraction(0))


def _interval(lam: Any) -> tuple[Fraction, Fraction]:
    problem = InputError(f"lam: got {str(lam)[:40]}; give two numbers, 0 <= least < greatest, such as (0, 1)")
    try:
        low, high = (to_fraction(end) for end in ([] if isinstance(lam, str) else lam))
    except (TypeError, ValueError):
        raise problem from None
    if not 0 <= low < high:
        raise problem
    return low, high


def _found(
    game: NormalFormGame,
    objective: PowerObjective,
    weights: tuple[Fraction, Fraction],
    interval: tuple[Fraction, Fraction],
    options: Options,
) -> Bifurcations:
    low, high = interval
    # Where λ_0 or λ_1 is 0 or 1 a group has no weight, so that labels differ.
    special = sorted({low, high} | {1 / weight for weight in weights if weight and low < 1 / weight < high})
    complete = True
    pieces: list[Branch] = []
    more = set(special)
    for begin, end in pairwise(special):
        part = _Part.of(game, weights, begin, end, options)
        complete &= part.finished
        own = list(part.pieces())
        if part.degenerate:
            own = list(_extreme_pieces(game, objective, own, options))
        pieces += own
        more |= part.beyond(own)
    points = tuple(find_all(game, with_lam(objective, at), options) for at in sorted(more))
    complete &= all(point.complete for point in points)
    branches = _joined(pieces)
    certificates = tuple(
        certify_checked(game, branch.at(branch.middle), with_lam(objective, branch.middle), 0) for branch in branches
    )
    return Bifurcations(game, objective, interval, branches, certificates, points, complete)


def _extreme_pieces(
    game: NormalFormGame, objective: PowerObjective, pieces: list[Branch], options: Options
) -> Iterator[Branch]:
    """Keep what is extreme: between two neighbouring ends of pieces, each piece is extreme at all λ or at none."""
    ends = sorted({end for piece in pieces for end in (piece.lo, piece.hi)})
    for lo, hi in pairwise(ends):
        middle = (lo + hi) / 2
        extreme = {_key(each.profile) for each in find_all(game, with_lam(objective, middle), options)}
        for piece in pieces:
            if piece.lo <= lo and hi <= piece.hi and _key(piece.at(middle)) in extreme:
                yield replace(piece, lo=lo, hi=hi)


def _joined(pieces: list[Branch]) -> tuple[Branch, ...]:
    """Join pieces that are the same function of λ on intervals that touch."""
    functions: dict[Any, list[Branch]] = {}
    for piece in sorted(pieces, key=lambda piece: (piece.lo, piece.hi)):
        own = functions.setdefault((_key(piece.constant), _key(piece.slope)), [])
        if own and piece.lo <= own[-1].hi:
            own[-1] = replace(own[-1], hi=max(own[-1].hi, piece.hi))
        else:
            own.append(piece)
    branches = [branch for own in functions.values() for branch in own]
    return tuple(sorted(branches, key=lambda branch: (branch.lo, branch.hi, branch.support)))


def _key(profile: Profile) -> tuple[tuple[Any, ...], ...]:
    return tuple(tuple(strategy.tolist()) for strategy in profile)


@dataclass(frozen=True)
class _Slices:
    """A polyhedron of which each λ has a slice.

    Attributes
    ----------
    points : ndarray of Fraction, shape (V, labels)
        Its vertices, by variable.
    lams : list of Fraction
        The λ of each vertex.
    zeros : ndarray of int, shape (V,)
        Which variables are zero, as bits.
    edges : ndarray of int, shape (E, 2)
        The vertices at which each edge begins and ends, in order of λ; edges within a slice are left out.
    """

    points: np.ndarray
    lams: list[Fraction]
    zeros: np.ndarray
    edges: np.ndarray

    @property
    def edge_zeros(self) -> np.ndarray:
        """Which variables are zero all along each edge, as bits."""
        return self.zeros[self.edges[:, 0]] & self.zeros[self.edges[:, 1]]

    def span(self, edge: int) -> tuple[Fraction, Fraction]:
        """Return the λ at which an edge begins and ends."""
        first, last = self.edges[edge]
        return self.lams[first], self.lams[last]

    def function(self, edge: int, group: slice, weight: Fraction) -> tuple[np.ndarray, np.ndarray]:
        """Return the strategy of a group along an edge, as (constant, slope) over ``1 - λ weight``."""
        begin, end = (_normalized(self.points[vertex, group]) for vertex in self.edges[edge])
        if begin is None or end is None or not weight:
            # Where λ leaves the group no weight at one end, the numerators are in proportion to it.
            constant = end if begin is None else begin
            assert constant is not None
            return frozen(constant), frozen(0 * constant)
        one, other = (1 / (1 - lam * weight) for lam in self.span(edge))
        slope = (end - begin) / (other - one)
        return frozen(begin - slope * one), frozen(slope)

    def near(self, edge: int, lam: Fraction) -> np.ndarray:
        """Return the coordinates on an edge at some λ."""
        (begin, end), (lo, hi) = self.points[self.edges[edge]], self.span(edge)
        return np.asarray(begin + (lam - lo) / (hi - lo) * (end - begin))


@dataclass(frozen=True)
class _Part:
    """An interval of λ within which all weights keep their signs.

    Attributes
    ----------
    labels : Labels
    weights : (Fraction, Fraction)
        λ_0 / λ and λ_1 / λ.
    begin, end : Fraction
    row, column : _Slices
        The polyhedra of (x, w) and of (y, z).
    pairs : list of (int, int)
        Edges of the two that meet all labels at some λ.
    finished : bool
        Whether all vertices were found.
    """

    labels: Labels
    weights: tuple[Fraction, Fraction]
    begin: Fraction
    end: Fraction
    row: _Slices
    column: _Slices
    pairs: list[tuple[int, int]]
    finished: bool

    @classmethod
    def of(
        cls,
        game: NormalFormGame,
        weights: tuple[Fraction, Fraction],
        begin: Fraction,
        end: Fraction,
        options: Options,
    ) -> _Part:
        m, n = game.n_actions
        labels = Labels((m, m if weights[1] else 0, n, n if weights[0] else 0))
        x, w, y, z, total = labels.starts
        row, column = game.exact_payoffs
        sides = (
            _side(column.T, row.T, weights[1], weights[0], (x, w), (y, z), total, begin, end),
            _side(row, column, weights[0], weights[1], (y, z), (x, w), total, begin, end),
        )
        slices, finished = [], True
        for side in sides:
            found = all_bases(side, options)
            finished &= found.finished
            slices.append(_slices(found.zero_sets, found.values, side, begin, total))
        pairs = _matching_edges(slices[0], slices[1], (1 << total) - 1)
        return cls(labels, weights, begin, end, slices[0], slices[1], pairs, finished)

    @property
    def degenerate(self) -> bool:
        """Whether an edge has several partners at the same λ, so that equilibria may span a set."""
        for own, slices in ((0, self.column), (1, self.row)):
            partners: dict[int, list[tuple[Fraction, Fraction]]] = {}
            for pair in self.pairs:
                partners.setdefault(pair[own], []).append(slices.span(pair[1 - own]))
            for spans in partners.values():
                if any(before[1] > after[0] for before, after in pairwise(sorted(spans))):
                    return True
        return False

    def pieces(self) -> Iterator[Branch]:
        """Yield the profile along each pair of edges."""
        x, w, y, z, _ = self.labels.starts
        for r, c in self.pairs:
            (low, high), (begin, end) = self.row.span(r), self.column.span(c)
            own = self.row.function(r, slice(x, w), self.weights[1])
            other = self.column.function(c, slice(y, z), self.weights[0])
            constants, slopes = zip(own, other, strict=True)
            yield Branch(max(low, begin), min(high, end), constants, slopes, self.weights[::-1])

    def beyond(self, pieces: list[Branch]) -> set[Fraction]:
        """Return the λ inside the interval at which there are equilibria that are on no piece."""
        x, w, y, z, total = self.labels.starts
        every = (1 << total) - 1
        missed: set[Fraction] = set()
        known: dict[Fraction, set[Any]] = {}
        for lam, row, column in _meetings(self.row, self.column, every):
            if not self.begin < lam < self.end or lam in missed:
                continue
            if lam not in known:
                known[lam] = {_key(piece.at(lam)) for piece in pieces if piece.contains(lam)}
            own, other = _normalized(row[x:w]), _normalized(column[y:z])
            assert own is not None
            assert other is not None
            if _key((own, other)) not in known[lam]:
                missed.add(lam)
        return missed


def _normalized(group: np.ndarray) -> np.ndarray | None:
    """Return a strategy that sums to one; None if all entries are zero."""
    total = group.sum()
    return group / total if total else None


def _side(
    gains: np.ndarray,
    losses: np.ndarray,
    weight: Fraction,
    other_weight: Fraction,
    own: tuple[int, int],
    opposite: tuple[int, int],
    labels: int,
    begin: Fraction,
    end: Fraction,
) -> Side:
    """Write down the polyhedron as `vertex_enumeration` does, with λ - begin and end - λ as further variables.

    Strategies are multiplied by a common number that keeps their rows integral, so that integral tableaux leave their
    units alone.
    """
    r, c = gains.shape
    best, worst = int(np.argmax(gains[:, 0])), int(np.argmin(losses[:, 0]))
    sign = -1 if begin * weight >= 1 else 1
    unit = lcm(weight.denominator, (weight * begin).denominator)
    signs = [sign, 1] if weight else [1]
    width = len(signs) * (c - 1)
    shift = width + (2 if other_weight else 1)
    nonbasic = [start + k for start in own[: len(signs)] for k in range(1, c)]
    nonbasic += [opposite[0] + best, *([opposite[1] + worst] if other_weight else []), labels]
    basic = list(own[: len(signs)])
    sums = np.zeros((len(signs), shift + 2), dtype=object)
    for k in range(len(signs)):
        sums[k, k * (c - 1) : (k + 1) * (c - 1)] = 1
    if weight:
        sums[0, shift:] = unit * sign * weight, unit * sign * (1 - weight * begin)
        sums[1, shift:] = -unit * weight, unit * weight * begin
    else:
        sums[0, -1] = unit
    lead = gains[best] - gains
    shortfalls = np.zeros((r, shift + 2), dtype=object)
    for k, factor in enumerate(signs):
        shortfalls[:, k * (c - 1) : (k + 1) * (c - 1)] = factor * (lead[:, :1] - lead[:, 1:])
    shortfalls[:, width] = -1
    shortfalls[:, -1] = unit * lead[:, 0]
    basic += [opposite[0] + i for i in range(r) if i != best]
    rows = [sums, np.delete(shortfalls, best, axis=0)]
    if other_weight:
        lead = losses - losses[worst]
        excesses = np.zeros((r, shift + 2), dtype=object)
        excesses[:, : c - 1] = lead[:, :1] - lead[:, 1:]
        excesses[:, width + 1] = -1
        excesses[:, shift:] = np.outer(lead[:, 0], sums[0, shift:])
        basic += [opposite[1] + i for i in range(r) if i != worst]
        rows.append(np.delete(excesses, worst, axis=0))
    limit = np.zeros((1, shift + 2), dtype=object)
    limit[0, shift:] = 1, end - begin
    basic.append(labels + 1)
    return Side(np.concatenate([*rows, limit]), basic, nonbasic, labels + 2)


def _slices(bases: np.ndarray, values: np.ndarray, side: Side, begin: Fraction, labels: int) -> _Slices:
    """Turn the bases of a polyhedron into its vertices and those of its edges along which λ changes."""
    width = len(side.nonbasic)
    dtype = np.dtype(np.uint64 if side.labels <= vertex_enumeration.LIMITS.bits else object)
    bits = np.array([1 << label for label in range(side.labels)], dtype=dtype)
    bases = bases.astype(dtype)
    numerators, denominators = values[:, :-1], values[:, -1]
    zeros, first, vertex_of = np.unique((numerators == 0).astype(dtype) @ bits, return_index=True, return_inverse=True)
    fractions = [
        [Fraction(entry, denominator) for entry in row]
        for row, denominator in zip(numerators[first].tolist(), denominators[first].tolist(), strict=True)
    ]
    points = np.array(fractions, dtype=object)
    lams = [begin + shift for shift in points[:, labels].tolist()]
    # Two bases that share all but one of their nonbasic variables are the ends of an edge.
    variables = np.nonzero((bases[:, None] & bits) != dtype.type(0))[1].reshape(len(bases), width)
    shared = (bases[:, None] ^ bits[variables]).reshape(-1)
    order = np.argsort(shared, kind="stable")
    alike = np.flatnonzero(shared[order][1:] == shared[order][:-1])
    ends = vertex_of[np.stack([order[alike], order[alike + 1]], axis=1) // width]
    rank = _ranks(lams)
    turned = rank[ends[:, 0]] > rank[ends[:, 1]]
    ends[turned] = ends[turned][:, ::-1]
    edges = np.unique(ends[rank[ends[:, 0]] < rank[ends[:, 1]]], axis=0)
    return _Slices(points[:, :labels], lams, zeros & dtype.type((1 << labels) - 1), edges)


def _ranks(lams: list[Fraction]) -> np.ndarray:
    place = {lam: k for k, lam in enumerate(sorted(set(lams)))}
    return np.array([place[lam] for lam in lams], dtype=np.int64)


def _matching_edges(first: _Slices, second: _Slices, every: int) -> list[tuple[int, int]]:
    """Return the pairs of edges that meet all labels, on intervals of λ that overlap."""
    ranks = _ranks([*first.lams, *second.lams])
    own, other = ranks[: len(first.lams)][first.edges], ranks[len(first.lams) :][second.edges]
    zeros, pairs = second.edge_zeros, []
    for r, zero_set in enumerate(first.edge_zeros.tolist()):
        missing = zeros.dtype.type(every & ~zero_set)
        fits = ((zeros & missing) == missing) & (other[:, 0] < own[r, 1]) & (other[:, 1] > own[r, 0])
        pairs += [(r, c) for c in np.flatnonzero(fits).tolist()]
    return pairs


def _meetings(first: _Slices, second: _Slices, every: int) -> Iterator[tuple[Fraction, np.ndarray, np.ndarray]]:
    """Yield (λ, point, point) wherever a vertex of one polyhedron meets all labels with a point of the other."""
    ranks = _ranks([*first.lams, *second.lams])
    of_first, of_second = ranks[: len(first.lams)], ranks[len(first.lams) :]
    for own, other, own_ranks, other_ranks, turned in (
        (first, second, of_first, of_second, False),
        (second, first, of_second, of_first, True),
    ):
        zeros, spans = other.edge_zeros, other_ranks[other.edges]
        for vertex, zero_set in enumerate(own.zeros.tolist()):
            missing = zeros.dtype.type(every & ~zero_set)
            at = own_ranks[vertex]
            fits = ((zeros & missing) == missing) & (spans[:, 0] < at) & (spans[:, 1] > at)
            for edge in np.flatnonzero(fits).tolist():
                mine, theirs = own.points[vertex], other.near(edge, own.lams[vertex])
                yield (own.lams[vertex], theirs, mine) if turned else (own.lams[vertex], mine, theirs)
            if not turned:
                fits = ((other.zeros & missing) == missing) & (other_ranks == at)
                for vertex_there in np.flatnonzero(fits).tolist():
                    yield own.lams[vertex], own.points[vertex], other.points[vertex_there]
