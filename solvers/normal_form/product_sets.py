"""Sets of equilibria that are products of polytopes, of degenerate games with any number of players.

In the extended game every payoff is linear in each player's strategy. Fix what the adversaries do. Then a product of
polytopes consists of equilibria exactly if all its vertices do: the gain of a player from an action, and of an
adversary from a takeover, is linear in each strategy, so it is greatest at a vertex. Hence such sets are found among
finitely many strategies of each player:

1. *Candidates* are all pure strategies, and those mixed ones at which co-players or adversaries become indifferent
   while everybody else plays a candidate: they are vertices of an arrangement of hyperplanes.
2. A table tells for each profile of candidates, and each choice of the adversaries, whether it is an equilibrium.
3. The sets are the maximal blocks of that table without a gap: a subset of candidates for each player, all profiles of
   which are equilibria. Their convex hulls are the polytopes.

Not every set of equilibria is a union of such products: it may be curved.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

import numpy as np
from scipy.optimize import nnls


@dataclass(frozen=True)
class Limits:
    """How many candidates are looked at."""

    systems: int = 20_000
    """Systems of hyperplanes solved for the candidates of a player, at most."""
    profiles: int = 200_000
    """Profiles of candidates, at most; candidates that mix the most actions are given up first."""
    choices: int = 64
    """Mixtures of takeovers of a player's adversaries, at most; the pure ones are always looked at."""
    rounds: int = 2
    """How often candidates are made from those before."""
    blocks: int = 5_000
    """Blocks looked at, at most."""
    tolerance: float = 1e-12
    """Gains up to this, relative to the payoff range, are rounding."""
    directions: int = 32
    """Directions in which extreme points are looked for first."""
    same: float = 1e-9
    """Strategies that differ by no more are the same."""


LIMITS = Limits()

# Which of a player's candidates belong to a block, for each player.
_Block = tuple[np.ndarray, ...]
# What a player's adversaries do: the probability of each takeover.
_Choice = np.ndarray
Allowed = Callable[[int, np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class ProductSet:
    """A product of polytopes of strategies, all profiles of which are equilibria.

    Attributes
    ----------
    factors : tuple of ndarray, shape (V_i, A_i)
        The extreme strategies of each player.
    facets : tuple of ndarray, shape (F_i, A_i)
        Normals of hyperplanes that bound the polytope of each player within the simplex, or contain it.
    """

    factors: tuple[np.ndarray, ...]
    facets: tuple[np.ndarray, ...]

    @property
    def dimension(self) -> int:
        """Number of players whose strategy is not fixed."""
        return sum(len(own) > 1 for own in self.factors)

    def holds(self, profile: Sequence[np.ndarray], reach: float) -> bool:
        """Whether the set has a profile within reach."""
        return all(float(self.distances(i, own)) <= reach for i, own in enumerate(profile))

    def profiles(self) -> Iterator[tuple[np.ndarray, ...]]:
        """Return the extreme profiles."""
        return product(*self.factors)

    def distances(self, player: int, strategies: np.ndarray) -> np.ndarray:
        """Return bounds from above on how far strategies are from the polytope of a player, shape (...).

        The distance is the greatest difference of a probability; it is 0 only within the polytope, up to rounding.
        """
        return _distances(self.factors[player], strategies)

    def meets(self, other: ProductSet) -> bool:
        """Whether two sets have a profile in common."""
        return all(_polytopes_meet(mine, theirs) for mine, theirs in zip(self.factors, other.factors, strict=True))


def find(problem: tuple[np.ndarray, ...], allowed: Allowed, report: Callable[[], None]) -> list[ProductSet]:
    """Find maximal product sets among candidates.

    Parameters
    ----------
    problem : tuple of ndarray
        The game and the objective, see `powergames.kernels.cells`.
    allowed : callable
        ``allowed(player, strategies)``, with strategies of shape (S, A_i), tells which of them may be of use.
    report : callable
        Called now and then; what it raises ends the search.
    """
    game = _Game.of(problem)
    candidates: list[np.ndarray] = [np.eye(size) for size in game.n_actions]
    for _ in range(LIMITS.rounds):
        choices = [game.choices(i, candidates) for i in range(game.n_players)]
        forms = game.forms(choices)
        found: list[np.ndarray] = []
        normals: list[np.ndarray] = []
        for i in range(game.n_players):
            report()
            normals.append(_normals(forms, i, candidates))
            points = _arrangement(normals[i], game.n_actions[i])
            found.append(points[allowed(i, points)])
        found = _fewer(found) if all(map(len, found)) else []
        if not found:
            return []
        tables = game.tables(found, choices, report)
        used = [np.zeros(len(own), dtype=np.bool_) for own in found]
        for table in tables:
            for i, own in enumerate(used):
                own |= table.any(axis=tuple(j for j in range(game.n_players) if j != i))
        before, candidates = candidates, [own[which] for own, which in zip(found, used, strict=True)]
        if not tables or all(len(old) == len(new) for old, new in zip(before, candidates, strict=True)):
            break
    blocks: list[_Block] = []
    for table in tables:
        blocks += _blocks(table, report)
    sets = []
    for block in _maximal(blocks):
        factors = tuple(_extreme(own[which]) for own, which in zip(found, block, strict=True))
        sets.append(ProductSet(factors, tuple(_facets(*own) for own in zip(factors, normals, strict=True))))
    return sets


@dataclass(frozen=True, eq=False)
class _Game:
    """The extended game; tensors have an axis for each player, of length one where the player does not matter.

    Attributes
    ----------
    tasks : list of ndarray
        Weighted payoff of each player.
    takeovers : list of list of list of ndarray
        ``takeovers[i][b][k]``: payoff of player `i` under takeover `k` of the adversary `b`.
    weights : list of list of float
        ``weights[i][b]``.
    """

    n_actions: list[int]
    tasks: list[np.ndarray]
    takeovers: list[list[list[np.ndarray]]]
    weights: list[list[float]]

    @classmethod
    def of(cls, problem: tuple[np.ndarray, ...]) -> _Game:
        payoffs, sizes, linear, weights, own, taken, takers, takes = problem
        n_actions = sizes.tolist()
        tensors = [row.reshape(n_actions) for row in payoffs]
        takeovers = [
            [
                [np.take(tensor, [takes[k]], axis=takers[k]) for k in range(taken[b], taken[b + 1])]
                for b in range(own[i], own[i + 1])
                if weights[b] > 0
            ]
            for i, tensor in enumerate(tensors)
        ]
        charged = [[w for w in weights[own[i] : own[i + 1]].tolist() if w > 0] for i in range(len(n_actions))]
        return cls(n_actions, [linear[i] * tensor for i, tensor in enumerate(tensors)], takeovers, charged)

    @property
    def n_players(self) -> int:
        return len(self.n_actions)

    def choices(self, i: int, candidates: Sequence[np.ndarray]) -> list[_Choice]:
        """List what the adversaries of a player may do: pure takeovers, and mixtures of two that make actions tie."""
        counts = [len(own) for own in self.takeovers[i]]
        ends = np.cumsum([0, *counts]).tolist()
        pure = list(product(*(range(count) for count in counts)))
        chosen = []
        for takeovers in pure:
            z = np.zeros(ends[-1])
            z[[start + k for start, k in zip(ends, takeovers, strict=False)]] = 1
            chosen.append(z)
        if not counts:
            return chosen
        gains = [self._differences(i, z, candidates) for z in chosen]
        mixed: dict[bytes, _Choice] = {}
        for (k, first), (m, second) in combinations(enumerate(pure), 2):
            if sum(a != b for a, b in zip(first, second, strict=True)) != 1:
                continue
            opposite = gains[k] * gains[m] < 0
            shares = gains[k][opposite] / (gains[k][opposite] - gains[m][opposite])
            between = [(1 - share) * chosen[k] + share * chosen[m] for share in shares]
            mixed.update((np.round(z, 9).tobytes(), z) for z in between)
        return [*chosen, *list(mixed.values())[: max(0, LIMITS.choices - len(chosen))]]

    def payoff(self, i: int, z: _Choice) -> np.ndarray:
        """Return what player `i` is paid if its adversaries choose z."""
        total, k = self.tasks[i], 0
        for weight, own in zip(self.weights[i], self.takeovers[i], strict=True):
            for takeover in own:
                if z[k]:
                    total = total + weight * z[k] * takeover
                k += 1
        return total

    def _differences(self, i: int, z: _Choice, candidates: Sequence[np.ndarray]) -> np.ndarray:
        """Return the differences between any two actions, against candidates of the co-players."""
        values = np.moveaxis(_averaged(self.payoff(i, z), candidates, i), i, 0).reshape(self.n_actions[i], -1)
        return np.concatenate([np.zeros(0), *((values[a] - values[b]) for a, b in combinations(range(len(values)), 2))])

    def forms(self, choices: Sequence[Sequence[_Choice]]) -> list[np.ndarray]:
        """Return all differences that decide who plays what."""
        found = []
        for i, size in enumerate(self.n_actions):
            for own in self.takeovers[i]:
                found += [first - second for first, second in combinations(own, 2)]
            for z in choices[i]:
                payoff = self.payoff(i, z)
                rows = [np.take(payoff, [a], axis=i) for a in range(size)]
                found += [first - second for first, second in combinations(rows, 2)]
        return found

    def tables(
        self, candidates: Sequence[np.ndarray], choices: Sequence[Sequence[_Choice]], report: Callable[[], None]
    ) -> list[np.ndarray]:
        """Tell which profiles of candidates are equilibria, in one table for each choice of all adversaries.

        Tables that are contained in another one are left out.
        """
        tables = [np.ones([len(own) for own in candidates], dtype=np.bool_)]
        for i in range(self.n_players):
            own = self._tables_of(i, candidates, choices[i], report)
            tables = _largest([table & each for table in tables for each in own])
        return tables

    def _tables_of(
        self, i: int, candidates: Sequence[np.ndarray], choices: Sequence[_Choice], report: Callable[[], None]
    ) -> list[np.ndarray]:
        """Tell for each choice of the adversaries of player `i` whether it and the player's strategy are best."""
        everyone = -1
        worst: list[list[np.ndarray]] = []
        for own in self.takeovers[i]:
            losses = [_averaged(takeover, candidates, everyone) for takeover in own]
            least = losses[0]
            for loss in losses[1:]:
                least = np.minimum(least, loss)
            worst.append([loss <= least + LIMITS.tolerance for loss in losses])
        allowed = [table for own in worst for table in own]
        found = []
        for z in choices:
            report()
            values = _averaged(self.payoff(i, z), candidates, i)
            values = np.broadcast_to(
                values, [len(own) if j != i else values.shape[i] for j, own in enumerate(candidates)]
            )
            mine = np.moveaxis(np.tensordot(candidates[i], values, (1, i)), 0, i)
            table = values.max(axis=i, keepdims=True) - mine <= LIMITS.tolerance
            for k in np.flatnonzero(z):
                table = table & allowed[k]
            found.append(table)
        return _largest(found)


def _averaged(tensor: np.ndarray, candidates: Sequence[np.ndarray], but: int) -> np.ndarray:
    """Replace the actions of all players but one by their candidates; axes of length one stay."""
    for j, own in enumerate(candidates):
        if j != but and tensor.shape[j] == own.shape[1] and tensor.shape[j] > 1:
            tensor = np.moveaxis(np.tensordot(own, tensor, (1, j)), 0, j)
    return tensor


def _normals(forms: Sequence[np.ndarray], i: int, candidates: Sequence[np.ndarray]) -> np.ndarray:
    """Return the hyperplanes on which forms vanish, as functions of the strategy of a player; each one once."""
    size = candidates[i].shape[1]
    rows = [
        np.moveaxis(_averaged(form, candidates, i), i, -1).reshape(-1, size)
        for form in forms
        if form.shape[i] == size > 1
    ]
    return _distinct(np.concatenate([np.zeros((0, size)), *rows]))


def _distinct(normals: np.ndarray) -> np.ndarray:
    """Scale normals, and drop those that are zero or alike."""
    scale = np.abs(normals).max(axis=1, initial=0.0)
    normals = normals[scale > LIMITS.tolerance] / scale[scale > LIMITS.tolerance, None]
    if not len(normals):
        return normals
    leading = np.take_along_axis(normals, np.argmax(np.abs(normals) > LIMITS.same, axis=1)[:, None], axis=1)
    normals = normals * np.sign(leading)
    _, first = np.unique(np.round(normals, 9) + 0.0, axis=0, return_index=True)
    return normals[first]


def _arrangement(normals: np.ndarray, size: int) -> np.ndarray:
    """Return the vertices of an arrangement of hyperplanes in the simplex, those that mix few actions first."""
    points = [np.eye(size)]
    systems = 0
    for count in range(2, size + 1):
        for support in combinations(range(size), count):
            rows = _distinct(normals[:, support])
            # A hyperplane meets the interior only if its normal has entries of both signs.
            rows = rows[(rows.min(axis=1, initial=0.0) < 0) & (rows.max(axis=1, initial=0.0) > 0)]
            systems += math.comb(len(rows), count - 1)
            if systems > LIMITS.systems:
                return np.concatenate(points)
            chosen = np.array(list(combinations(range(len(rows)), count - 1)), dtype=np.int64)
            if not len(chosen):
                continue
            matrices = np.concatenate([rows[chosen], np.ones((len(chosen), 1, count))], axis=1)
            matrices = matrices[np.abs(np.linalg.det(matrices)) > LIMITS.same]
            right = np.zeros((len(matrices), count, 1))
            right[:, -1] = 1
            found = np.linalg.solve(matrices, right)[:, :, 0]
            found = found[(found > LIMITS.same).all(axis=1)]
            _, first = np.unique(np.round(found, 9), axis=0, return_index=True)
            spread = np.zeros((len(first), size))
            spread[:, support] = found[first]
            points.append(spread)
    return np.concatenate(points)


def _fewer(candidates: list[np.ndarray]) -> list[np.ndarray]:
    """Give up candidates that mix the most actions, until their profiles are few enough; return none if they never are.

    Each player keeps some.
    """
    while math.prod(len(own) for own in candidates) > LIMITS.profiles:
        mixed = [(own > 0).sum(axis=1) for own in candidates]
        left = [own[count < count.max()] for own, count in zip(candidates, mixed, strict=True)]
        possible = [i for i, own in enumerate(left) if len(own)]
        if not possible:
            return []
        most = max(possible, key=lambda i: len(candidates[i]))
        candidates[most] = left[most]
    return candidates


def _largest(tables: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Keep tables that are not empty and not contained in another one."""
    kept: list[np.ndarray] = []
    for table in sorted(tables, key=np.count_nonzero, reverse=True):
        if table.any() and not any((table <= larger).all() for larger in kept):
            kept.append(table)
    return kept


def _blocks(table: np.ndarray, report: Callable[[], None]) -> list[_Block]:
    """Return the maximal blocks of a table, and perhaps some that are contained in others.

    What the other players may do with all of some candidates of the first is the intersection of their slices.
    """
    if table.ndim == 1:
        return [(table,)] if table.any() else []
    report()
    rest = tuple(range(1, table.ndim))
    shared: dict[bytes, np.ndarray] = {}
    for part in table[table.any(axis=rest)]:
        if part.tobytes() in shared or len(shared) > LIMITS.blocks:
            continue
        met = [part, *(part & other for other in shared.values())]
        shared.update((each.tobytes(), each) for each in met if each.any())
    found: dict[tuple[bytes, ...], _Block] = {}
    for part in shared.values():
        for block in _blocks(part, report):
            inside = np.ones(part.shape, dtype=np.bool_)
            for j, own in enumerate(block):
                inside &= own.reshape([-1 if k == j else 1 for k in range(part.ndim)])
            first = np.asarray((table | ~inside).all(axis=rest))
            found.setdefault((first.tobytes(), *(own.tobytes() for own in block)), (first, *block))
        if len(found) > LIMITS.blocks:
            break
    return _maximal(list(found.values()))


def _maximal(blocks: Sequence[_Block]) -> list[_Block]:
    """Keep blocks that are not contained in another one."""
    kept: list[np.ndarray] = []
    found = []
    for block in sorted(blocks, key=lambda block: sum(map(np.count_nonzero, block)), reverse=True):
        row = np.concatenate(block)
        if not (len(kept) and (np.array(kept) >= row).all(axis=1).any()):
            kept.append(row)
            found.append(block)
    return found


def _extreme(points: np.ndarray) -> np.ndarray:
    """Keep the points that are not in the convex hull of the others."""
    if points.shape[1] == 2:
        return points[sorted({int(np.argmax(points[:, 0])), int(np.argmin(points[:, 0]))})]
    # The farthest points in any directions are extreme; others must lie in the hull of what is kept.
    directions = np.random.default_rng(0).standard_normal((LIMITS.directions, points.shape[1]))
    kept = np.unique(np.argmax(directions @ points.T, axis=1)).tolist()
    for k, point in enumerate(points):
        if k not in kept and _nearest(points[kept], point) > LIMITS.same:
            kept.append(k)
    for k in sorted(kept):
        others = [m for m in kept if m != k]
        if others and _nearest(points[others], points[k]) <= LIMITS.same:
            kept = others
    return points[sorted(kept)]


def _facets(points: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Keep the hyperplanes that bound a polytope or contain it, one for each facet and no more than are needed."""
    values = normals @ points.T
    on = np.abs(values) <= LIMITS.same
    one_sided = on.any(axis=1) & ((values >= -LIMITS.same).all(axis=1) | (values <= LIMITS.same).all(axis=1))
    dimension = _dimension(points)
    kept: dict[bytes, np.ndarray] = {}
    around = [np.ones(points.shape[1])]
    for normal, own in zip(normals[one_sided], on[one_sided], strict=True):
        if own.all():
            if np.linalg.matrix_rank([*around, normal], tol=LIMITS.same) > len(around):
                around.append(normal)
        elif own.tobytes() not in kept and _dimension(points[own]) == dimension - 1:
            kept[own.tobytes()] = normal
    return np.array([*around[1:], *kept.values()]).reshape(-1, points.shape[1])


def _dimension(points: np.ndarray) -> int:
    return int(np.linalg.matrix_rank(points[1:] - points[0], tol=LIMITS.same)) if len(points) > 1 else 0


def _nearest(hull: np.ndarray, point: np.ndarray) -> float:
    """Return how far a point is from one in the convex hull that is about the nearest."""
    system = np.concatenate([hull.T, np.full((1, len(hull)), 10.0)])
    shares, _ = nnls(system, np.append(point, 10.0))
    return float(np.abs(shares / shares.sum() @ hull - point).max())


def _distances(hull: np.ndarray, points: np.ndarray) -> np.ndarray:
    if len(hull) == 1:
        nearest: Any = hull[0]
    elif (hull.max(axis=1) == 1).all():
        # A face of the simplex.
        played = hull.any(axis=0)
        outside = points[..., ~played]
        spread = outside.sum(axis=-1) / played.sum()
        return np.maximum(outside.max(axis=-1, initial=0.0), spread)
    elif len(hull) == 2:
        step = hull[1] - hull[0]
        share = ((points - hull[0]) @ step / (step @ step)).clip(0, 1)
        nearest = hull[0] + share[..., None] * step
    else:
        rows, back = np.unique(points.reshape(-1, points.shape[-1]), axis=0, return_inverse=True)
        return np.array([_nearest(hull, row) for row in rows])[back].reshape(points.shape[:-1])
    return np.abs(points - nearest).max(axis=-1)


def _polytopes_meet(first: np.ndarray, second: np.ndarray) -> bool:
    if (np.abs(first[:, None] - second).max(axis=-1) <= LIMITS.same).any():
        return True
    if min(len(first), len(second)) == 1:
        hull, point = (first, second[0]) if len(second) == 1 else (second, first[0])
        return _nearest(hull, point) <= LIMITS.same
    ones, none = np.full(len(first), 10.0), np.zeros(len(second))
    system = np.concatenate(
        [np.concatenate([first.T, -second.T], axis=1), [[*ones, *none]], [[*(0 * ones), *(none + 10.0)]]]
    )
    _, residual = nnls(system, np.array([*np.zeros(first.shape[1]), 10.0, 10.0]))
    return bool(residual <= LIMITS.same)
