"""All equilibria of a two-player game, by enumerating the vertices of its two best-response polyhedra.

Group the four players of the path z - x - y - w as (x, w) against (y, z). Given the labels of an action, "has
probability zero" and "is a best response", a pair of points of the two polyhedra

    { (y, z, v): (1-λ_0) A y + λ_0 A z <= v_x,  B y >= v_w,  y and z in the simplex }      and its mirror image

is an equilibrium exactly if every label is met by one of them. The equilibria are a finite union of products of faces,
so all are known from the vertices: pairs of vertices that meet all labels are the nodes of a bipartite graph, its
connected components are the components of the equilibrium set and its maximal complete subgraphs the maximal
interchangeable sets (Winkels 1979; Avis, Rosenberg, Savani & von Stengel 2010). At λ = 0 the adversaries are left out.

In floats only simple polyhedra are enumerated; on the first sign of degeneracy the work is done in integers, with a
lexicographic perturbation that reaches every vertex.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise, product
from math import comb
from typing import Any

import numpy as np

from powergames.errors import InputError
from powergames.games.memory import check_memory
from powergames.games.normal_form import NormalFormGame
from powergames.kernels import compilation
from powergames.numerics import rational
from powergames.objectives import PowerObjective
from powergames.results import Equilibrium, EquilibriumSet, Status
from powergames.solvers.common import Candidate, LimitError, Options, certified
from powergames.solvers.normal_form import lemke
from powergames.solvers.normal_form.dominance import Played, narrowed, without_needless_takeovers
from powergames.solvers.normal_form.two_player import TwoPlayerProblem


@dataclass(frozen=True)
class Limits:
    """Up to which size compiled code is used, and what it is worth to make the polyhedra smaller."""

    entries_between_reports: int = 20_000_000
    """Entries of tableaux computed in floats between two looks at Ctrl-C and the callback: a tenth of a second."""
    bits: int = 64
    """Variables that a bit set in compiled code can hold."""
    vertices_in_python: int = 40
    """Up to this many vertices compiled code is not worth loading."""
    vertices_before_dominance: int = 5_000
    """Up to this many vertices it is not worth the time to leave out actions that other actions beat."""
    vertices_before_mixtures: int = 500_000
    """Up to this many vertices it is not worth the time to leave out actions that mixtures beat."""
    time_for_equilibria: float = 0.25
    """Share of a time limit that is left to make equilibria of the vertices."""


LIMITS = Limits()

NAME = "vertex_enumeration"

# A strategy as a sortable point, and the extreme points of two polytopes whose product is a set of equilibria, each
# with the index of a vertex that lies over it.
_Key = tuple[Any, ...]
_Face = tuple[dict[_Key, int], dict[_Key, int]]


def find_all(game: NormalFormGame, objective: PowerObjective, options: Options) -> EquilibriumSet:
    """Return all extreme equilibria of a two-player game with their components.

    If the deadline comes before any is found, Lemke's algorithm finds one.

    Raises
    ------
    InputError
        If the game does not have exactly two players.
    """
    if game.n_players != 2:
        raise InputError(f"all equilibria: the game has {game.n_players} players; they can be enumerated for two")
    found = _enumerated(game, objective, options)
    if found or found.complete:
        return found
    try:
        candidate = lemke.find(game, objective, options.closing)
    except LimitError:
        return found
    one = certified(game, objective, candidate, lemke.METHOD.name, options.closing)
    return replace(found, equilibria=(one,), interchangeable=((0,),)) if one.converged else found


def _enumerated(game: NormalFormGame, objective: PowerObjective, options: Options) -> EquilibriumSet:
    if not options.exact:
        found = _enumerate_in_floats(game, objective, options)
        if found is not None and (options.expired or all(equilibrium.converged for equilibrium in found)):
            return found
    found = _enumerate_exactly(game, objective, TwoPlayerProblem.of(game, objective, exact=True), options)
    if options.exact or options.expired or all(equilibrium.converged for equilibrium in found):
        return found
    # Where payoffs have few digits behind a large common offset, floats differ too much from decimals near them.
    return _enumerate_exactly(game, objective, TwoPlayerProblem.of_binary_floats(game, objective), options)


def _enumerate_in_floats(game: NormalFormGame, objective: PowerObjective, options: Options) -> EquilibriumSet | None:
    """Return all equilibria if both polyhedra are simple, else None."""
    problem = TwoPlayerProblem.of(game, objective, exact=False)
    left = _played(problem, problem, options)
    found = _both(Labels.of(left).sides(problem, left), _simple_vertices, options)
    return None if found is None else _assemble(game, objective, problem, left, _match_simple(*found), options)


def _enumerate_exactly(
    game: NormalFormGame, objective: PowerObjective, problem: TwoPlayerProblem, options: Options
) -> EquilibriumSet:
    left = _played(problem, TwoPlayerProblem.of(game, objective, exact=False), options)
    sides = Labels.of(left).sides(problem, left)
    found = _both(sides, _all_vertices, options)
    assert found is not None
    return _assemble(game, objective, problem, left, _match(*found, sides[0].labels), options)


def _played(problem: TwoPlayerProblem, scaled: TwoPlayerProblem, options: Options) -> Played:
    """Leave out actions that no equilibrium plays, as thoroughly as the size of the polyhedra is worth it."""
    left = without_needless_takeovers(Played.all(problem), problem)
    for mixed, most in ((False, LIMITS.vertices_before_dominance), (True, LIMITS.vertices_before_mixtures)):
        labels = Labels.of(left)
        if max(_most_vertices(dimension, labels.starts[-1]) for dimension in labels.dimensions) <= most:
            break
        try:
            left = narrowed(left, problem, scaled, mixed, options)
        except LimitError:
            break
    return left


def _both(
    sides: tuple[Side, Side], enumerate_vertices: Callable[[Side, Options], Found | None], options: Options
) -> tuple[Found, Found] | None:
    """Return the vertices of both polyhedra, None if one cannot be enumerated so.

    The one that has fewer, as far as dimensions tell, is the first. With a time limit it has half of the time that both
    get, and the other one what is left; some time must be left for what follows.
    """
    found: dict[int, Found] = {}
    end = options.end - LIMITS.time_for_equilibria * (options.seconds_left or 0.0)
    for k in sorted((0, 1), key=lambda k: _most_vertices(len(sides[k].nonbasic), sides[k].labels)):
        stop = end if found else (compilation.clock() + end) / 2
        vertices = enumerate_vertices(sides[k], replace(options, end=stop))
        if vertices is None:
            return None
        found[k] = vertices
    return found[0], found[1]


def _most_vertices(dimension: int, facets: int) -> int:
    """About the greatest number of vertices that a simple polytope of the dimension and number of facets can have."""
    return comb(facets - (dimension + 1) // 2, facets - dimension)


@dataclass(frozen=True)
class Side:
    """A polyhedron as a tableau at its first vertex, see `powergames.numerics.rational.Tableau`."""

    entries: np.ndarray
    basic: list[int]
    nonbasic: list[int]
    labels: int


@dataclass(frozen=True)
class Labels:
    """Where the variables of x, w, y, z start; a group without weight is empty."""

    sizes: tuple[int, int, int, int]

    @classmethod
    def of(cls, left: Played) -> Labels:
        """Give each action that is left to a group a label."""
        return cls((len(left.x), len(left.w), len(left.y), len(left.z)))

    @property
    def starts(self) -> tuple[int, int, int, int, int]:
        """The first label of each group, and the number of labels."""
        x, w, y, z = self.sizes
        return 0, x, x + w, x + w + y, x + w + y + z

    @property
    def dimensions(self) -> tuple[int, int]:
        """The dimensions of the polyhedra of (x, w) and of (y, z)."""
        x, w, y, z = self.sizes
        values = 1 + bool(z), 1 + bool(w)
        return x - 1 + max(w - 1, 0) + values[0], y - 1 + max(z - 1, 0) + values[1]

    def sides(self, problem: TwoPlayerProblem, left: Played) -> tuple[Side, Side]:
        """Return the polyhedra of (x, w) and of (y, z)."""
        x, w, y, z, total = self.starts
        lam_row, lam_column = problem.lam_row, problem.lam_column
        row, column = problem.row, problem.column.T
        of_row_group = _side(
            [column[np.ix_(left.y, own)] for own in (left.x, left.w)],
            row.T[np.ix_(left.z, left.x)],
            lam_column,
            (x, w),
            (y, z),
            total,
        )
        of_column_group = _side(
            [row[np.ix_(left.x, own)] for own in (left.y, left.z)],
            column.T[np.ix_(left.w, left.y)],
            lam_row,
            (y, z),
            (x, w),
            total,
        )
        return of_row_group, of_column_group


@dataclass(frozen=True)
class Found:
    """Vertices of a polyhedron: all of them, unless the deadline ended the search.

    Attributes
    ----------
    zero_sets : ndarray, shape (V,)
        Which variables are zero, as bits; of dtype uint64 if that is long enough, else object.
    values : ndarray, shape (V, labels), or (V, labels + 1) if exact
        Coordinates, by variable; if exact, times a denominator, which stands last.
    finished : bool
        Whether these are all.
    """

    zero_sets: np.ndarray
    values: np.ndarray
    finished: bool

    @classmethod
    def exact(cls, found: np.ndarray, finished: bool) -> Found:
        """Keep each vertex once, however many bases it has."""
        numerators = found[:, :-1]
        labels = numerators.shape[1]
        bits = np.array([1 << label for label in range(labels)], dtype=np.uint64 if labels <= LIMITS.bits else object)
        zero_sets = (numerators == 0).astype(bits.dtype) @ bits
        _, first = np.unique(zero_sets, return_index=True)
        first.sort()
        return cls(zero_sets[first], found[first], finished)

    def coordinates(self, vertex: int) -> np.ndarray:
        """Return the coordinates of a vertex as fractions."""
        *numerators, denominator = self.values[vertex].tolist()
        return np.array([Fraction(int(each), int(denominator)) for each in numerators], dtype=object)


@dataclass(frozen=True)
class _Match:
    """Vertices of the two polyhedra and which of them meet all labels together."""

    row_vertices: Mapping[int, np.ndarray] | np.ndarray
    column_vertices: Mapping[int, np.ndarray] | np.ndarray
    pairs: list[tuple[int, int]]
    enumerated: int
    finished: bool


def _side(
    gains: list[np.ndarray],
    losses: np.ndarray,
    lam: Any,
    own: tuple[int, int],
    opposite: tuple[int, int],
    labels: int,
) -> Side:
    """Write down { (y, z): ``v - (1-λ) G y - λ H z >= 0``, ``L y - v' >= 0`` } at the vertex y = z = first action.

    `gains` (G, H), shapes (r, c) and (r, d), are the opposing player's payoffs and `losses` L, shape (s, c), those
    which the opposing adversary minimizes, without rows if there is none; `own` and `opposite` say where the variables
    (y, z) and the slacks of the two blocks start.
    """
    # Dividing by the weights keeps every slack within the payoff range.
    unit = abs(1 - lam) + lam
    blocks = [(own[0], (1 - lam) / unit * gains[0])] + ([(own[1], lam / unit * gains[1])] if lam else [])
    best = int(np.argmax(sum(block[:, 0] for _, block in blocks)))
    r, c = gains[0].shape
    ends = np.cumsum([0, *(block.shape[1] - 1 for _, block in blocks)])
    spans = [slice(*pair) for pair in pairwise(ends.tolist())]
    width = int(ends[-1])
    columns = width + (2 if len(losses) else 1)
    nonbasic = [start + k for start, block in blocks for k in range(1, block.shape[1])]
    nonbasic.append(opposite[0] + best)
    basic = [start for start, _ in blocks]
    # Each strategy sums to one.
    sums = np.zeros((len(blocks), columns + 1), dtype=losses.dtype)
    for k, span in enumerate(spans):
        sums[k, span] = 1
    sums[:, -1] = 1
    # What an opposing action loses against the best one, in terms of that one's own slack.
    shortfalls = np.zeros((r, columns + 1), dtype=losses.dtype)
    for span, (_, block) in zip(spans, blocks, strict=True):
        lead = block[best] - block
        shortfalls[:, span] = lead[:, :1] - lead[:, 1:]
        shortfalls[:, -1] += lead[:, 0]
    shortfalls[:, width] = -1
    basic += [opposite[0] + i for i in range(r) if i != best]
    rows = [sums, shortfalls[:best], shortfalls[best + 1 :]]
    if len(losses):
        worst = int(np.argmin(losses[:, 0]))
        nonbasic.append(opposite[1] + worst)
        lead = losses - losses[worst]
        excesses = np.zeros((len(losses), columns + 1), dtype=losses.dtype)
        excesses[:, : c - 1] = lead[:, :1] - lead[:, 1:]
        excesses[:, width + 1] = -1
        excesses[:, -1] = lead[:, 0]
        basic += [opposite[1] + i for i in range(len(losses)) if i != worst]
        rows += [excesses[:worst], excesses[worst + 1 :]]
    return Side(np.concatenate(rows), basic, nonbasic, labels)


def _simple_vertices(side: Side, options: Options) -> Found | None:
    """Return all vertices in floats, None if the polyhedron may not be simple."""
    from powergames.kernels import vertices as kernel

    if side.labels > LIMITS.bits:
        return None
    origin = side.entries, np.array(side.basic), np.array(side.nonbasic)
    return searched(kernel.run, side.entries.copy(), origin, side, side.labels, options)


def searched(
    run: Callable[..., None], entries: np.ndarray, origin: Any, side: Side, width: int, options: Options
) -> Found | None:
    """Run a search in compiled code to its end; return its masks and values, None if it gives up."""
    from powergames.kernels import vertices as kernel

    basic, nonbasic = np.array(side.basic), np.array(side.nonbasic)
    masks, values, table, path, counters = kernel.start(width, entries.dtype, 256)
    chunk = max(1, LIMITS.entries_between_reports // entries.size)
    finished = True
    while counters[3] in (kernel.RUNNING, kernel.FULL):
        if counters[3] == kernel.FULL:
            check_memory(2 * (values.nbytes + path.nbytes), "finding more vertices")
            masks, values, table, path = kernel.enlarge(masks, values, path, counters)
        run(entries, basic, nonbasic, origin, masks, values, table, path, counters, chunk)
        try:
            options.report("vertices", int(counters[0]))
        except LimitError:
            finished = counters[3] == kernel.DONE
            break
    if finished and counters[3] != kernel.DONE:
        return None
    return Found(masks[: counters[0]], values[: counters[0]], bool(finished))


def _match_simple(first: Found, second: Found) -> _Match:
    """Pair vertices of simple polyhedra: their zero sets must be complementary."""
    n_labels = first.values.shape[1]
    every = np.uint64((1 << n_labels) - 1)
    _, rows, columns = np.intersect1d(first.zero_sets, every ^ second.zero_sets, return_indices=True)
    pairs = [(k, k) for k in range(len(rows))]
    enumerated = len(first.zero_sets) + len(second.zero_sets)
    return _Match(first.values[rows], second.values[columns], pairs, enumerated, first.finished and second.finished)


def _all_vertices(side: Side, options: Options) -> Found:
    """Return all vertices exactly."""
    found = all_bases(side, options)
    return Found.exact(found.values, found.finished)


def all_bases(side: Side, options: Options) -> Found:
    """Return the bases of all vertices, each as the set of its nonbasic variables, with exact coordinates.

    A depth-first search over the bases of the lexicographically perturbed polyhedron, which is simple and has a basis
    for every vertex of the given one. Slacks are measured in units that make the tableau integral.
    """
    entries = rational.integer_rows(side.entries)
    found = searched_in_python(
        side, entries, options, LIMITS.vertices_in_python if side.labels <= LIMITS.bits else None
    )
    if found is None:
        found = _searched_in_machine_integers(side, entries, options)
    if found is None:
        found = searched_in_python(side, entries, options, None)
    assert found is not None
    return found


def _searched_in_machine_integers(side: Side, entries: np.ndarray, options: Options) -> Found | None:
    """Return the bases of all vertices with numerators and denominators, None if some would be too long."""
    from powergames.kernels import integer_vertices as kernel

    if max(map(abs, entries.flat)) >= kernel.LARGEST:
        return None
    return searched(kernel.run, entries.astype(np.int64), np.array(side.basic), side, side.labels + 1, options)


def searched_in_python(side: Side, entries: np.ndarray, options: Options, most: int | None) -> Found | None:
    """Return the bases of all vertices with numerators and denominators of any size; None if more than `most`."""
    tableau = rational.Tableau(entries, list(side.basic), list(side.nonbasic))
    found: list[np.ndarray] = []
    bases: list[int] = []
    seen = {_bits(tableau.nonbasic)}
    # The exchange that led to each vertex on the path, and the next column to try there.
    path = [[-1, -1, 0]]
    while path:
        row, column, following = path[-1]
        if following == 0:
            if len(found) == most:
                return None
            vertex = np.zeros(side.labels + 1, dtype=object)
            vertex[tableau.basic] = tableau.entries[:, -1]
            vertex[-1] = tableau.det
            found.append(vertex)
            bases.append(_bits(tableau.nonbasic))
            try:
                options.report("vertices", len(found))
            except LimitError:
                return Found(np.array(bases, dtype=object), np.array(found), False)
        if following == len(tableau.nonbasic):
            path.pop()
            if path:
                tableau.pivot(row, column)
            continue
        path[-1][2] += 1
        leaving = tableau.leaving_row(following)
        if leaving < 0:
            continue
        basis = _bits(tableau.nonbasic)
        basis ^= 1 << tableau.nonbasic[following] | 1 << tableau.basic[leaving]
        if basis not in seen:
            seen.add(basis)
            tableau.pivot(leaving, following)
            path.append([leaving, following, 0])
    return Found(np.array(bases, dtype=object), np.array(found), True)


def _match(rows: Found, columns: Found, labels: int) -> _Match:
    """Pair vertices whose zero sets together hold every label."""
    every = (1 << labels) - 1
    turned = len(columns.zero_sets) < len(rows.zero_sets)
    few, many = (columns, rows) if turned else (rows, columns)
    pairs = []
    for one, zero_set in enumerate(few.zero_sets.tolist()):
        missing = many.zero_sets.dtype.type(every & ~zero_set)
        others = np.flatnonzero((many.zero_sets & missing) == missing).tolist()
        pairs += [(other, one) if turned else (one, other) for other in others]
    pairs.sort()
    row_vertices = {r: rows.coordinates(r) for r, _ in pairs}
    column_vertices = {c: columns.coordinates(c) for _, c in pairs}
    enumerated = len(rows.zero_sets) + len(columns.zero_sets)
    return _Match(row_vertices, column_vertices, pairs, enumerated, rows.finished and columns.finished)


def _bits(variables: Iterable[int]) -> int:
    return sum(1 << variable for variable in variables)


def _assemble(
    game: NormalFormGame,
    objective: PowerObjective,
    problem: TwoPlayerProblem,
    left: Played,
    match: _Match,
    options: Options,
) -> EquilibriumSet:
    """Turn matching vertices into certified equilibria, maximal interchangeable sets and components."""
    labels = Labels.of(left)
    x, w, y, z, end = labels.starts
    m, n = problem.row.shape
    candidates: dict[tuple[_Key, _Key], tuple[Candidate, int]] = {}
    faces: list[_Face] = []
    finished = match.finished
    for component, pairs in enumerate(_connected(match.pairs)):
        try:
            own = _own_faces(match, pairs, labels, options)
        except LimitError:
            # Each vertex by itself.
            finished = False
            own = [face for pair in pairs for face in _faces(match, [((pair[0],), (pair[1],))], labels)]
        faces += own
        for face in own:
            for (row_key, r), (column_key, c) in product(face[0].items(), face[1].items()):
                groups = (
                    _spread(match.row_vertices[r][x:w], left.x, m),
                    _spread(match.column_vertices[c][y:z], left.y, n),
                    _spread(match.column_vertices[c][z:end], left.z, n) if labels.sizes[3] else None,
                    _spread(match.row_vertices[r][w:y], left.w, m) if labels.sizes[1] else None,
                )
                candidate = problem.candidate(groups, match.enumerated)
                candidates.setdefault((row_key, column_key), (candidate, component))
    closing = options.closing
    certificates: dict[tuple[_Key, _Key], Equilibrium] = {}
    for key in sorted(candidates, reverse=True):
        if closing.expired:
            finished = False
            break
        candidate, component = candidates[key]
        certificates[key] = certified(game, objective, candidate, NAME, closing, component)
    # Components of which nothing was certified in time are left out.
    rank = {each: k for k, each in enumerate(sorted({each.component for each in certificates.values()}))}
    equilibria = tuple(replace(each, component=rank[each.component]) for each in certificates.values())
    position = {key: k for k, key in enumerate(certificates)}
    spanned = [[position[key] for key in product(*face) if key in position] for face in faces]
    interchangeable = tuple(tuple(sorted(positions)) for positions in spanned if positions)
    limit = None if finished else Status.TIME_LIMIT
    return EquilibriumSet(equilibria, interchangeable, game, objective, NAME, finished, ended_by=limit)


def _spread(weights: np.ndarray, actions: np.ndarray, count: int) -> np.ndarray:
    """Put weights on some of the actions, and zero on the others."""
    spread = np.zeros(count, dtype=weights.dtype)
    spread[actions] = weights
    return spread


def _own_faces(match: _Match, pairs: list[tuple[int, int]], labels: Labels, options: Options) -> list[_Face]:
    """Return the maximal interchangeable sets of a component as products of polytopes.

    Raises
    ------
    LimitError
        If the deadline has passed.
    """
    own = _faces(match, _maximal_interchangeable(pairs, options), labels)
    # Without adversaries vertices are extreme as they are; otherwise x and y are projections of them.
    extreme: list[_Face] = []
    for rows, columns in own:
        options.report("interchangeable sets", len(extreme), len(own))
        extreme.append((_extreme(rows) if labels.sizes[1] else rows, _extreme(columns) if labels.sizes[3] else columns))
    return _without_covered(extreme, options)


def _faces(match: _Match, subsets: Iterable[tuple[Iterable[int], Iterable[int]]], labels: Labels) -> list[_Face]:
    """Return the strategies (x, y) of complete subgraphs."""
    x, w, y, z, _ = labels.starts
    return [
        (
            {tuple(match.row_vertices[r][x:w].tolist()): r for r in rows},
            {tuple(match.column_vertices[c][y:z].tolist()): c for c in columns},
        )
        for rows, columns in subsets
    ]


def _connected(pairs: list[tuple[int, int]]) -> list[list[tuple[int, int]]]:
    """Split the edges of a bipartite graph into its connected components."""
    neighbours: dict[int, set[int]] = {}
    for r, c in pairs:
        neighbours.setdefault(r, set()).add(c)
    components: list[tuple[set[int], set[int]]] = []
    for r, own in neighbours.items():
        merged, reached = {r}, set(own)
        apart = []
        for rows, columns in components:
            if columns & own:
                merged |= rows
                reached |= columns
            else:
                apart.append((rows, columns))
        components = [*apart, (merged, reached)]
    own_component = {r: k for k, (rows, _) in enumerate(components) for r in rows}
    edges: list[list[tuple[int, int]]] = [[] for _ in components]
    for pair in pairs:
        edges[own_component[pair[0]]].append(pair)
    return edges


def _maximal_interchangeable(
    pairs: list[tuple[int, int]], options: Options
) -> list[tuple[frozenset[int], frozenset[int]]]:
    """Return the maximal complete bipartite subgraphs of a connected graph.

    Their right sides are the non-empty intersections of neighbourhoods of left nodes.
    """
    neighbours: dict[int, set[int]] = {}
    for r, c in pairs:
        neighbours.setdefault(r, set()).add(c)
    right_sides: set[frozenset[int]] = set()
    for reached in neighbours.values():
        options.report("interchangeable sets", len(right_sides))
        own_side = frozenset(reached)
        right_sides |= {own_side & side for side in right_sides} | {own_side}
    return [(frozenset(r for r in neighbours if side <= neighbours[r]), side) for side in right_sides if side]


def _extreme(keys: dict[_Key, int]) -> dict[_Key, int]:
    """Keep the points that are not in the convex hull of the others."""
    kept = dict(keys)
    if len(kept) > 2:
        for point in keys:
            if rational.in_convex_hull(point, [other for other in kept if other != point]):
                del kept[point]
    return kept


def _without_covered(faces: list[_Face], options: Options) -> list[_Face]:
    """Drop products of polytopes that lie within another one, as projections may."""
    kept: list[_Face] = []
    for k, face in enumerate(faces):
        options.report("interchangeable sets", k, len(faces))
        rivals = kept + faces[k + 1 :]
        if not any(_covers(rival, face) for rival in rivals):
            kept.append(face)
    return kept


def _covers(outer: _Face, inner: _Face) -> bool:
    return all(
        point in hull or (len(hull) > 1 and rational.in_convex_hull(point, list(hull)))
        for hull, points in zip(outer, inner, strict=True)
        for point in points
    )
