r"""All stationary equilibria of a tiny stochastic game, mixed ones included, by branch and prune on cells.

A cell is a product of simplices: one of strategies for each player and state, and one of mixtures of takeovers for each
adversary and state. At first it holds everything that `powergames.solvers.stochastic.elimination` leaves. Which action
is better than another one is told by the sign of a polynomial, see `powergames.solvers.stochastic.advantages`. Over a
cell it lies between its least and greatest Bernstein coefficients. An equilibrium, with worst takeovers, is a point in
which nothing is played that is worse than something else. Hence in a cell

1. an action is never played, and a takeover never made, if the coefficients show that another one is better all over
   the cell; the cell is cut to the face on which it is not played, and holds no equilibrium if there is none;
2. if one profile is left, its certificate tells whether it is an equilibrium.

What is left is bisected. So no equilibrium is ever lost: this is the completeness argument. Its sums are floats, with a
margin well above their rounding errors, and not intervals. That the work ends where equilibria are regular is due to

3. Newton's method, run from some cells. Around a solution a neighbourhood is looked for which the rules above cut down
   to a face on which everything that is left must be equally good, and over which the Jacobian J satisfies
   ``||Y J - 1|| < 1`` with one matrix Y, so that no two solutions can differ; 0.99 is asked for, because of rounding.
   Cells within it are dropped.

Cells also end close to a certified equilibrium without such a neighbourhood, a degenerate one. `distance` tells how
close. Where equilibria form continua the cells do not go away, and the set is not complete.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from powergames.checking.stochastic import certify_stochastic
from powergames.games.stochastic import StochasticGame
from powergames.numerics import bernstein
from powergames.objectives import PowerObjective
from powergames.results import Status, StochasticEquilibrium, StochasticEquilibriumSet
from powergames.solvers.common import LimitError, Options, SubdivisionLimits, greatest_radius
from powergames.solvers.stochastic import elimination
from powergames.solvers.stochastic.advantages import Advantage, Advantages
from powergames.solvers.stochastic.newton import finish
from powergames.solvers.stochastic.problem import StochasticProblem
from powergames.solvers.stochastic.search import Clock, Search

NAME = "subdivision"


@dataclass(frozen=True)
class Limits(SubdivisionLimits):
    """How large games may be, how long the search goes on, and what counts as the same equilibrium."""

    coefficients: int = 600_000
    """Games whose advantages have more coefficients are not searched. They are few enough up to two states with
    two players and three actions or three players and two actions, and at λ = 0 in larger games.
    """
    entries: int = 20_000_000
    """Nor are those with more entries of the matrices from which they are computed."""
    unknowns: int = 12
    """Nor are those with more free probabilities of players."""
    work: float = 4e8
    """Coefficients of cells looked at in all: ten to twenty seconds."""
    cells: int = 50_000
    """Cells looked at in all: about five seconds."""
    chunk: int = 300_000
    """Coefficients of the cells that are looked at together."""
    chunk_cells: int = 1_000
    """Such cells at most."""
    degenerate: int = 20
    """With more equilibria than this of which none is known to be alone, there is a continuum, and the search ends."""
    margin: float = 1e-12
    """Rounding of what actions are paid, relative to its size; divided by one minus the discount."""
    contraction: float = 0.99
    """The Jacobian times an approximate inverse may differ from one by this much."""


LIMITS = Limits()


@dataclass(frozen=True, eq=False)
class _Cells:
    """Cells of the same structure.

    Attributes
    ----------
    played : tuple of tuple of int
        The choices of each group that may be in use, as positions.
    vertices : list of ndarray
        ``vertices[g][c, v, a]``.
    coefficients : dict
        ``coefficients[p][c, ...]`` of the advantages that are not yet decided.
    """

    played: tuple[tuple[int, ...], ...]
    vertices: list[np.ndarray]
    coefficients: dict[int, np.ndarray]

    def __len__(self) -> int:
        return len(self.vertices[0])

    @property
    def key(self) -> tuple[object, ...]:
        """What cells have in common."""
        return self.played, tuple(own.shape[1] for own in self.vertices), tuple(self.coefficients)

    @property
    def size(self) -> int:
        """Coefficients of one cell."""
        return 1 + sum(own[0].size for own in self.coefficients.values())

    def chosen(self, which: np.ndarray | slice) -> _Cells:
        """Return some of the cells."""
        coefficients = {p: own[which] for p, own in self.coefficients.items()}
        return _Cells(self.played, [own[which] for own in self.vertices], coefficients)


def _joined(parts: list[_Cells]) -> _Cells:
    if len(parts) == 1:
        return parts[0]
    vertices = [np.concatenate(own) for own in zip(*(part.vertices for part in parts), strict=True)]
    coefficients = {p: np.concatenate([part.coefficients[p] for part in parts]) for p in parts[0].coefficients}
    return _Cells(parts[0].played, vertices, coefficients)


def find_all(game: StochasticGame, objective: PowerObjective, options: Options) -> StochasticEquilibriumSet:
    """Return all stationary equilibria of a tiny game, and all pure ones of a larger one."""
    pure, left = elimination.find_all(game, objective, options)
    if pure.complete or not pure.pure_complete:
        return pure
    problem = StochasticProblem.of(game, objective)
    advantages = _advantages(problem, left)
    if advantages is None:
        return pure
    try:
        search = _Subdivision(game, objective, options, problem, advantages, list(pure))
    except LimitError:
        return pure
    complete = True
    try:
        search.run()
    except LimitError:
        complete = False
    return search.found(pure, complete)


def _advantages(problem: StochasticProblem, left: np.ndarray) -> Advantages | None:
    """Return the advantages of what is left of a game, if they are few enough."""
    choices = []
    sizes = np.diff(problem.bounds)
    for group, size in enumerate(sizes.tolist()):
        state, kind = divmod(group, problem.n_groups)
        own = np.arange(size)
        if kind < problem.n_players:
            rows = np.arange(*problem.arrays[1][state : state + 2])
            entries = problem.row_entries[kind, rows[left[rows]]] - problem.bounds[group]
            own = np.unique(entries)
        choices.append(own)
    unknowns = sum(len(own) - 1 for group, own in enumerate(choices) if group % problem.n_groups < problem.n_players)
    if unknowns > LIMITS.unknowns:
        return None
    advantages = Advantages(problem, choices)
    advantages = Advantages(problem, advantages.needed)
    size = advantages.size
    return advantages if size <= LIMITS.coefficients and size * problem.n_states**2 <= LIMITS.entries else None


class _Subdivision:
    """A search, and what it has found."""

    def __init__(
        self,
        game: StochasticGame,
        objective: PowerObjective,
        options: Options,
        problem: StochasticProblem,
        advantages: Advantages,
        pure: list[StochasticEquilibrium],
    ) -> None:
        self.game, self.objective, self.options, self.problem = game, objective, options, problem
        self.choices = advantages.choices
        self.advantages: list[Advantage] = []
        for each in advantages:
            self.advantages.append(each)
            options.report("advantages", len(self.advantages))
        self.margins = [
            LIMITS.margin / (1.0 - float(problem.discounts[problem.owners[each.group % problem.n_groups]])) * each.unit
            for each in self.advantages
        ]
        peaks = [float(np.abs(each.coefficients).max()) for each in self.advantages]
        self.peaks = np.maximum(peaks, self.margins)
        self.place = {(each.group, each.one, each.other): p for p, each in enumerate(self.advantages)}
        self.is_player = np.arange(len(self.choices)) % problem.n_groups < problem.n_players
        self.newton = Search(options, Clock(problem.n_states))
        self.work, self.cells, self.distance = 0.0, 0, 0.0
        # Equilibria, their strategies, and the least strategies in neighbourhoods in which one is alone.
        self.equilibria: list[StochasticEquilibrium] = []
        self.strategies: list[list[np.ndarray]] = []
        self.lows: list[list[np.ndarray] | None] = []
        self.judged: set[bytes] = set()
        self.tries: dict[tuple[tuple[int, ...], ...], tuple[int, int]] = {}
        self.unsure = False
        self.pure = pure

    def _split_point(self, point: np.ndarray) -> list[np.ndarray]:
        """Return the strategies of each group; of takeovers that do the same one stands for all."""
        strategies = [point[start + own] for start, own in zip(self.problem.bounds[:-1], self.choices, strict=True)]
        for strategy in strategies:
            strategy[0] += 1.0 - strategy.sum()
        return strategies

    def _whole_point(self, strategies: list[np.ndarray]) -> np.ndarray:
        point = np.zeros(self.problem.size)
        for start, own, strategy in zip(self.problem.bounds[:-1], self.choices, strategies, strict=True):
            point[start + own] = strategy
        return point

    def _remember(self, equilibrium: StochasticEquilibrium, point: np.ndarray) -> None:
        """Enter an equilibrium, and a neighbourhood if there is one."""
        strategies = self._split_point(point)
        self.equilibria.append(equilibrium)
        self.strategies.append(strategies)
        self.lows.append(self._neighbourhood(strategies))

    def _remember_pure(self) -> None:
        """Enter the pure equilibria, with the worst takeovers."""
        problem = self.problem
        for each in self.pure:
            point = problem.point_of(each.profile)
            gradient = problem.gradients(point, problem.worth(problem.evaluate(point)))
            for first, last in zip(problem.bounds, problem.bounds[1:], strict=False):
                if not problem.is_player[first]:
                    point[first:last] = np.arange(last - first) == gradient[first:last].argmax()
            self._remember(each, point)
            self._report()

    def _report(self) -> None:
        self.options.report(f"equilibria {len(self.equilibria)}, cells", self.cells)
        degenerate = sum(low is None for low in self.lows)
        over = self.work > LIMITS.work or self.cells > LIMITS.cells or degenerate > LIMITS.degenerate
        if self.newton.over is Status.INTERRUPTED:
            raise KeyboardInterrupt
        if over:
            raise LimitError(Status.MAX_ITER)

    def everything(self) -> _Cells:
        """Return the cell of all profiles."""
        return _Cells(
            tuple(tuple(range(len(own))) for own in self.choices),
            [np.eye(len(own))[None] for own in self.choices],
            {p: each.coefficients[None] for p, each in enumerate(self.advantages)},
        )

    def run(self) -> None:
        """Look at all cells.

        Raises
        ------
        LimitError
            If the time or the work is used up.
        """
        todo: dict[tuple[object, ...], list[_Cells]] = {}

        def add(cells: _Cells) -> None:
            if len(cells):
                todo.setdefault(cells.key, []).append(cells)

        # Actions that are always equally good are mixed in any way, which is a continuum.
        if any(
            self.is_player[each.group] and peak <= margin
            for each, peak, margin in zip(self.advantages, self.peaks, self.margins, strict=True)
        ):
            raise LimitError(Status.MAX_ITER)
        self._remember_pure()
        add(self.everything())
        while todo:
            cells = self._next(todo)
            self.work += cells.size * len(cells)
            self.cells += len(cells)
            self._report()
            cells = self._unsettled(cells)
            if not len(cells):
                continue
            for piece, cut in self._pruned(cells):
                if cut:
                    add(piece)
                    continue
                piece = self._newton(piece)
                if len(piece):
                    for half in self._halves(piece):
                        add(half)

    def _next(self, todo: dict[tuple[object, ...], list[_Cells]]) -> _Cells:
        """Take cells of one structure, those that were added last."""
        key = next(reversed(todo))
        waiting = todo[key]
        most = max(1, min(LIMITS.chunk_cells, LIMITS.chunk // waiting[-1].size))
        taken, count = [], 0
        while waiting and count < most:
            part = waiting.pop()
            if count + len(part) > most:
                waiting.append(part.chosen(slice(most - count, None)))
                part = part.chosen(slice(most - count))
            taken.append(part)
            count += len(part)
        if not waiting:
            del todo[key]
        return _joined(taken)

    def _unsettled(self, cells: _Cells) -> _Cells:
        """Return the cells outside of neighbourhoods, and not close to an equilibrium."""
        for low in self.lows:
            if low is None:
                continue
            inside = np.ones(len(cells), dtype=bool)
            for own, least in zip(cells.vertices, low, strict=True):
                inside &= (own >= least).all(axis=(1, 2))
            if inside.any():
                cells = cells.chosen(~inside)
        for strategies, low in zip(self.strategies, self.lows, strict=True):
            if low is not None:
                continue
            far = np.zeros(len(cells))
            for g, (own, strategy) in enumerate(zip(cells.vertices, strategies, strict=True)):
                if self.is_player[g]:
                    far = np.maximum(far, np.abs(own - strategy).max(axis=(1, 2), initial=0.0))
            close = far <= LIMITS.resolution
            if close.any():
                self.distance = max(self.distance, float(far[close].max()))
                cells = cells.chosen(~close)
        return cells

    def _pruned(self, cells: _Cells) -> Iterator[tuple[_Cells, bool]]:
        """Yield what is left of cells, by structure, and whether it was cut to a face."""
        count = len(cells)
        beaten = [np.zeros((count, len(own)), dtype=bool) for own in self.choices]
        strict = np.zeros((count, len(cells.coefficients)), dtype=bool)
        for column, (p, own) in enumerate(cells.coefficients.items()):
            each, axes = self.advantages[p], tuple(range(1, own.ndim))
            better, worse = own.min(axis=axes) > self.margins[p], own.max(axis=axes) < -self.margins[p]
            beaten[each.group][:, each.other] |= better
            beaten[each.group][:, each.one] |= worse
            strict[:, column] = better | worse
        kept = [
            np.logical_not(np.any((vertices > 0.0) & lost[:, None, :], axis=2))
            for vertices, lost in zip(cells.vertices, beaten, strict=True)
        ]
        possible = np.logical_and.reduce([own.any(axis=1) for own in kept])
        flags = np.concatenate([*beaten, *kept, strict], axis=1)
        for which in _groups(flags, np.flatnonzero(possible)):
            first = int(which[0])
            faces = [np.flatnonzero(own[first]) for own in kept]
            yield self._face(cells.chosen(which), [own[first] for own in beaten], faces, strict[first])

    def _face(
        self, cells: _Cells, lost: list[np.ndarray], faces: list[np.ndarray], strict: np.ndarray
    ) -> tuple[_Cells, bool]:
        """Cut cells to a face, and drop what is decided there; return whether anything was cut."""
        played = tuple(tuple(a for a in own if not gone[a]) for own, gone in zip(cells.played, lost, strict=True))
        counts = [own.shape[1] for own in cells.vertices]
        cut = [len(face) < count for face, count in zip(faces, counts, strict=True)]
        coefficients = {}
        for decided, (p, own) in zip(strict.tolist(), cells.coefficients.items(), strict=True):
            each = self.advantages[p]
            if decided or not {each.one, each.other} & set(played[each.group]):
                continue
            for axis, (g, degree) in enumerate(zip(each.groups, each.degrees, strict=True), start=1):
                if cut[g]:
                    own = own.take(bernstein.face(counts[g], degree, tuple(faces[g].tolist())), axis=axis)
            coefficients[p] = own
        vertices = [own[:, face] if less else own for own, face, less in zip(cells.vertices, faces, cut, strict=True)]
        return _Cells(played, vertices, coefficients), any(cut)

    def _newton(self, cells: _Cells) -> _Cells:
        """Run Newton's method from one of the cells, or judge single profiles; return the cells that are left then."""
        players = [own for own, is_player in zip(cells.vertices, self.is_player, strict=True) if is_player]
        if all(own.shape[1] == 1 for own in players):
            for c in range(len(cells)):
                self._judge([own[c, 0] for own in cells.vertices])
            return cells.chosen(slice(0))
        # Where it leads to nothing new, it is tried again after twice as many cells of the structure.
        waited, gap = self.tries.get(cells.played, (0, 0))
        if waited < gap:
            self.tries[cells.played] = waited + 1, gap
            return cells
        before = len(self.strategies)
        centre = [own[len(cells) // 2].mean(axis=0) for own in cells.vertices]
        used = np.zeros(self.problem.size, dtype=bool)
        for start, own, played in zip(self.problem.bounds[:-1], self.choices, cells.played, strict=True):
            used[start + own[list(played)]] = True
        found = finish(self.problem, self._whole_point(centre), used, self.newton)
        if found.regret <= LIMITS.real_regret and not self._is_known(self._split_point(found.point)):
            self._certify(found.point)
        new = len(self.strategies) > before
        self.tries[cells.played] = 0, (0 if new else 2 * gap + 1)
        return self._unsettled(cells) if new else cells

    def _is_known(self, strategies: list[np.ndarray]) -> bool:
        """Whether a profile is that of an equilibrium that has been found."""
        return any(self._difference(strategies, other) <= LIMITS.same for other in self.strategies)

    def _certify(self, point: np.ndarray) -> bool:
        """Certify a point, and enter it if it passes; return whether it is sure that it is one, or none."""
        profile = self.problem.profile(point)
        witness = self.problem.witness(point)
        certificate = certify_stochastic(self.game, profile, self.objective, tol=self.options.tol, witness=witness)
        small = certificate.scaled_regret <= LIMITS.real_regret
        passed = certificate.passed and small
        if passed:
            status = Status.CONVERGED
            found = StochasticEquilibrium(self.game, self.objective, profile, certificate, status, NAME, self.cells)
            self._remember(found, point)
        return passed or (certificate.bound == "exact" and not small)

    def _judge(self, strategies: list[np.ndarray]) -> None:
        """Tell whether a profile is an equilibrium."""
        if self._is_known(strategies):
            return
        key = np.concatenate([x for x, own in zip(strategies, self.is_player, strict=True) if own]).tobytes()
        if key not in self.judged:
            self.judged.add(key)
            self.unsure |= not self._certify(self._whole_point(strategies))

    def _difference(self, one: list[np.ndarray], other: list[np.ndarray]) -> float:
        """Return the greatest difference of a probability of a player."""
        own = zip(one, other, self.is_player, strict=True)
        return max(float(np.abs(x - y).max()) for x, y, is_player in own if is_player)

    def _halves(self, cells: _Cells) -> Iterator[_Cells]:
        """Bisect each cell where this changes the advantages most."""
        edges, influence = [], []
        for g, own in enumerate(cells.vertices):
            k = own.shape[1]
            for u in range(k):
                for v in range(u + 1, k):
                    total = np.zeros(len(cells))
                    for p, coefficients in cells.coefficients.items():
                        each = self.advantages[p]
                        if g in each.groups:
                            axis = each.groups.index(g)
                            change = _change(coefficients, axis + 1, k, each.degrees[axis], u, v)
                            total += change / self.peaks[p]
                    edges.append((g, u, v))
                    influence.append(total)
        choice = np.argmax(influence, axis=0)
        for edge in np.unique(choice).tolist():
            part = cells.chosen(np.flatnonzero(choice == edge))
            g, u, v = edges[edge]
            for kept, moved in ((u, v), (v, u)):
                vertices = list(part.vertices)
                k = vertices[g].shape[1]
                vertices[g] = vertices[g].copy()
                vertices[g][:, moved] = (vertices[g][:, kept] + vertices[g][:, moved]) / 2
                halves = dict(part.coefficients)
                for p, own in part.coefficients.items():
                    each = self.advantages[p]
                    if g in each.groups:
                        axis = each.groups.index(g)
                        matrix = bernstein.halving(k, each.degrees[axis], kept, moved)
                        halves[p] = bernstein.transformed(own, axis + 1, matrix)
                yield _Cells(part.played, vertices, halves)

    def _neighbourhood(self, strategies: list[np.ndarray]) -> list[np.ndarray] | None:
        """Return the least strategies of a neighbourhood in which an equilibrium is the only one, if found."""
        most = []
        for strategy, is_player in zip(strategies, self.is_player, strict=True):
            mixed = strategy.max() < 1.0
            # What adversaries do besides one worst takeover makes no difference.
            most.append(LIMITS.inside * strategy[strategy > 0.0].min() if mixed else 1.0 if is_player else np.inf)

        def low(radius: float) -> list[np.ndarray]:
            return [
                np.maximum(strategy - (reach if reach == np.inf else min(reach, radius)), 0.0)
                for strategy, reach in zip(strategies, most, strict=True)
            ]

        radius = greatest_radius(lambda radius: self._is_alone(low(radius)), LIMITS)
        return low(radius) if radius else None

    def _is_alone(self, low: list[np.ndarray]) -> bool:
        """Whether at most one equilibrium has at least these strategies."""
        corners = [least + (1.0 - least.sum()) * np.eye(len(least)) for least in low]
        coefficients = {}
        for p, each in enumerate(self.advantages):
            within = [corners[g] for g in each.groups]
            coefficients[p] = bernstein.restricted(each.coefficients, each.degrees, within)[None]
        cells = _Cells(tuple(tuple(range(len(own))) for own in low), [own[None] for own in corners], coefficients)
        cut = True
        while cut:
            pieces = list(self._pruned(cells))
            if not pieces:
                return False
            ((cells, cut),) = pieces
        counts = [own.shape[1] for own in cells.vertices]
        if all(count == 1 for count, is_player in zip(counts, self.is_player, strict=True) if is_player):
            return True
        # What is left must be equally good all over the face: it is played with positive probability.
        unknowns = []
        for g, (own, played) in enumerate(zip(cells.vertices, cells.played, strict=True)):
            if counts[g] > 1:
                if counts[g] != len(played) or not (own[0][:, list(played)] > 0.0).all():
                    return False
                unknowns += [(g, v) for v in range(1, counts[g])]
        least = np.zeros((len(unknowns), len(unknowns)))
        greatest = least.copy()
        for row, (g, v) in enumerate(unknowns):
            played = cells.played[g]
            p = self.place[g, played[0], played[v]]
            each = self.advantages[p]
            for column, (h, to) in enumerate(unknowns):
                if h in each.groups:
                    axis = each.groups.index(h)
                    slopes = bernstein.slopes(cells.coefficients[p][0], axis, counts[h], each.degrees[axis], to, 0)
                    least[row, column], greatest[row, column] = slopes.min(), slopes.max()
        centre = (least + greatest) / 2
        try:
            inverse = np.linalg.inv(centre)
        except np.linalg.LinAlgError:
            return False
        error = np.abs(inverse @ centre - np.eye(len(centre))) + np.abs(inverse) @ ((greatest - least) / 2)
        return bool(error.sum(axis=1).max() <= LIMITS.contraction)

    def found(self, pure: StochasticEquilibriumSet, complete: bool) -> StochasticEquilibriumSet:
        """Return the set of all that was found."""

        def key(equilibrium: StochasticEquilibrium) -> list[list[float]]:
            return [[-p for p in own[s]] for s in range(self.game.n_states) for own in equilibrium.profile]

        complete = complete and not self.unsure
        # Of a continuum, no examples are listed.
        alone = [each for each, low in zip(self.equilibria, self.lows, strict=True) if complete or low is not None]
        listed = {id(each): each for each in (*pure, *alone)}
        return replace(
            pure,
            equilibria=tuple(sorted(listed.values(), key=key)),
            method=NAME,
            complete=complete,
            distance=self.distance if complete else 0.0,
        )


def _groups(flags: np.ndarray, which: np.ndarray) -> Iterator[np.ndarray]:
    """Yield those rows, by their numbers, that are the same."""
    if not len(which):
        return
    packed = np.packbits(flags[which], axis=1)
    _, label = np.unique(packed, axis=0, return_inverse=True)
    label = label.ravel()
    for number in range(int(label.max()) + 1):
        yield which[label == number]


def _change(coefficients: np.ndarray, axis: int, vertices: int, degree: int, u: int, v: int) -> np.ndarray:
    """Return by how much coefficients change from one vertex of a simplex to another one, at most."""
    places = bernstein.multisets(vertices, degree)
    first, last = places.index((u,) * degree), places.index((v,) * degree)
    change = np.abs(coefficients.take(first, axis=axis) - coefficients.take(last, axis=axis))
    return np.asarray(change.max(axis=tuple(range(1, change.ndim))))
