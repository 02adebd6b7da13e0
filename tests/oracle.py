"""What the tests hold solvers against: brute force from the definition, with no solver or kernel behind it.

Two players with payoff matrices A and B, and weights ``c0, c1`` (λ times the weight of the power over each player).
Player 0 maximizes ``(1 - c0) x'Ay + c0 min(x'A)``, so with an adversary `z` who minimizes ``x'Az`` every action in
the support of `x` maximizes ``(1 - c0) Ay + c0 Az``; likewise for player 1 with an adversary `w`. The conditions on
`y` and `z` involve only `x` and `w`, and the other way round: given all supports, two separate linear systems. A
player of weight zero has no adversary.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy.optimize import linprog, nnls

from powergames.objectives import with_lam

# Joint takeovers up to which the exact best response is computed in fractions.
LARGEST_MATRIX_GAME = 300

TOLERANCES = {"primal_feasibility_tolerance": 1e-10, "dual_feasibility_tolerance": 1e-10}


class AmbiguousError(Exception):
    """The game is too close to a degenerate one for support enumeration in floats."""


@dataclass(frozen=True)
class Extreme:
    """One extreme equilibrium and the number of its connected component."""

    x: np.ndarray
    y: np.ndarray
    component: int


def charges(lam, aggregate="mean"):
    """Weights ``c0, c1`` of a two-player objective, from the definition of the aggregates."""
    if isinstance(aggregate, str):
        assert aggregate in ("mean", "sum", "max")
        return float(lam), float(lam)
    return float(lam) * float(aggregate[0][1]), float(lam) * float(aggregate[1][0])


# --- all equilibria of a generic game ---------------------------------------------------------------------------------


def support_equilibria(A, B, c0=0.0, c1=0.0):
    """Return all equilibria (x, y) of a generic two-player game, by trying every choice of supports.

    Raises `AmbiguousError` where a probability or a slack of a solution is too close to zero to tell its sign.
    """
    A, B = np.asarray(A, dtype=float), np.asarray(B, dtype=float)
    m, n = A.shape
    found = []
    for sizes in itertools.product(
        range(1, m + 1), range(1, m + 1) if c1 else [0], range(1, n + 1), range(1, n + 1) if c0 else [0]
    ):
        kx, kw, ky, kz = sizes
        # Square systems: unknown probabilities and values against equations, the same count for both systems.
        if kx + kw + (1 if c0 else 0) != ky + kz + (1 if c1 else 0):
            continue
        combinations = _support_combinations((m, m, n, n), sizes)
        left = _solve_half(A, B, c1, *combinations)
        combinations = [supports[left.alive] for supports in combinations]
        left = left.select(left.alive)
        x, w, y, z = combinations
        right = _solve_half(B.T, A.T, c0, y, z, x, w)
        for k in np.flatnonzero(right.alive):
            if min(left.margin[k], right.margin[k]) < 1e-7:
                raise AmbiguousError
            found.append((_embed(m, x[k], left.probabilities[k]), _embed(n, y[k], right.probabilities[k])))
    return _distinct_pairs(found)


@dataclass(frozen=True)
class _Half:
    """Solutions of one system for many choices of supports."""

    probabilities: np.ndarray
    margin: np.ndarray

    @property
    def alive(self):
        return self.margin > -1e-7

    def select(self, chosen):
        return _Half(self.probabilities[chosen], self.margin[chosen])


def _support_combinations(n_actions, sizes):
    """Index arrays of shape (combinations, size), one for each of the four players."""
    choices = [
        np.array(list(itertools.combinations(range(count), size)), dtype=int).reshape(math.comb(count, size), size)
        for count, size in zip(n_actions, sizes, strict=True)
    ]
    grid = np.indices([len(choice) for choice in choices]).reshape(4, -1)
    return [choice[index] for choice, index in zip(choices, grid, strict=True)]


def _solve_half(A, B, c1, x, w, y, z):
    """Find x and w that make the actions in the supports y and z equally good, and check all the others.

    Singular systems have no solution in a generic game. The margin is the least of all probabilities and of the
    slacks of all actions outside the supports.
    """
    count, kx = x.shape
    kw, ky, kz = w.shape[1], y.shape[1], z.shape[1]
    m = len(A)
    size = ky + kz + 1 + (1 if kw else 0)
    matrix = np.zeros((count, size, size))
    # Columns: x, w, value of y's actions, value of z's actions. Rows: y, z, sum of x, sum of w.
    if not kw:
        c1 = 0.0
    matrix[:, :ky, :kx] = (1 - c1) * B[x[:, None, :], y[:, :, None]]
    matrix[:, :ky, kx : kx + kw] = c1 * B[w[:, None, :], y[:, :, None]]
    matrix[:, :ky, kx + kw] = -1
    if kz:
        matrix[:, ky : ky + kz, :kx] = A[x[:, None, :], z[:, :, None]]
        matrix[:, ky : ky + kz, kx + kw + 1] = -1
    matrix[:, ky + kz, :kx] = 1
    right = np.zeros((count, size, 1))
    right[:, ky + kz] = 1
    if kw:
        matrix[:, ky + kz + 1, kx : kx + kw] = 1
        right[:, ky + kz + 1] = 1
    regular = np.linalg.slogdet(matrix)[1] > np.log(1e-11)
    solution = np.full((count, size), np.nan)
    solution[regular] = np.linalg.solve(matrix[regular], right[regular])[:, :, 0]
    full_x, full_w = np.zeros((count, m)), np.zeros((count, m))
    np.put_along_axis(full_x, x, solution[:, :kx], axis=1)
    np.put_along_axis(full_w, w, solution[:, kx : kx + kw], axis=1)
    slack_y = solution[:, kx + kw, None] - ((1 - c1) * full_x + c1 * full_w) @ B
    np.put_along_axis(slack_y, y, np.inf, axis=1)
    margin = np.minimum(solution[:, : kx + kw].min(axis=1), slack_y.min(axis=1))
    if kz:
        slack_z = full_x @ A - solution[:, kx + kw + 1, None]
        np.put_along_axis(slack_z, z, np.inf, axis=1)
        margin = np.minimum(margin, slack_z.min(axis=1))
    return _Half(solution[:, :kx], np.where(regular, margin, -np.inf))


# --- all extreme equilibria of any small game -------------------------------------------------------------------------


def extreme_equilibria(A, B, c0=0.0, c1=0.0):
    """Return vertices that span all equilibria of a two-player game, degenerate or not, with their components.

    Enumerates the vertices of both best-response polyhedra by trying every choice of tight inequalities, and pairs
    those that are complementary. Small integers (and λ with a small denominator) keep decisions in floats safe.
    With adversaries, some of the strategies may be inside, not at the vertices of, the sets that they span.
    """
    A, B = np.asarray(A, dtype=float), np.asarray(B, dtype=float)
    left = _vertices(A, B, c1, bool(c0), bool(c1))
    right = _vertices(B.T, A.T, c0, bool(c1), bool(c0))
    pairs = [
        (u, v)
        for u in range(len(left.x))
        for v in range(len(right.x))
        if all(
            (left.at_zero[k][u] | right.best[k][v]).all() and (right.at_zero[k][v] | left.best[k][u]).all()
            for k in range(2)
        )
    ]
    components = _components(pairs)
    found: list[Extreme] = []
    for (u, v), component in zip(pairs, components, strict=True):
        x, y = left.x[u], right.x[v]
        if not any(np.allclose(e.x, x, atol=1e-8) and np.allclose(e.y, y, atol=1e-8) for e in found):
            found.append(Extreme(x, y, component))
    return found


@dataclass(frozen=True)
class _Vertices:
    """Vertices of one polyhedron: strategies, and which of its inequalities are tight.

    ``at_zero[0]`` and ``at_zero[1]`` say which probabilities of the player and of the adversary that acts like the
    player are zero, ``best[0]`` and ``best[1]`` which actions of the other player and of the adversary that acts like
    the other player are best.
    """

    x: np.ndarray
    at_zero: tuple[np.ndarray, np.ndarray]
    best: tuple[np.ndarray, np.ndarray]


def _vertices(A, B, c1, has_z, has_w):
    m, n = A.shape
    kw = m if has_w else 0
    size = m + kw + 1 + has_z
    inequalities = [np.eye(m + kw, size)]
    payoff = np.zeros((n, size))
    payoff[:, :m] = -(1 - c1) * B.T if has_w else -B.T
    if has_w:
        payoff[:, m : 2 * m] = -c1 * B.T
    payoff[:, m + kw] = 1
    inequalities.append(payoff)
    if has_z:
        adversary = np.zeros((n, size))
        adversary[:, :m] = A.T
        adversary[:, m + kw + 1] = -1
        inequalities.append(adversary)
    rows = np.concatenate(inequalities)
    sums = np.zeros((1 + has_w, size))
    sums[0, :m] = 1
    if has_w:
        sums[1, m : 2 * m] = 1
    chosen = np.array(list(itertools.combinations(range(len(rows)), size - len(sums))))
    systems = np.concatenate([rows[chosen], np.broadcast_to(sums, (len(chosen), *sums.shape))], axis=1)
    right = np.zeros((len(chosen), size, 1))
    right[:, -len(sums) :] = 1
    regular = np.linalg.slogdet(systems)[1] > np.log(1e-9)
    points = np.linalg.solve(systems[regular], right[regular])[:, :, 0]
    slack = points @ rows.T
    points, slack = points[(slack > -1e-9).all(axis=1)], slack[(slack > -1e-9).all(axis=1)]
    _, first = np.unique(np.round(points, 7) + 0.0, axis=0, return_index=True)
    points, tight = points[first], slack[first] < 1e-8
    everything = np.ones((len(points), m), dtype=bool), np.ones((len(points), n), dtype=bool)
    return _Vertices(
        points[:, :m],
        (tight[:, :m], tight[:, m : 2 * m] if has_w else everything[0]),
        (tight[:, m + kw : m + kw + n], tight[:, m + kw + n :] if has_z else everything[1]),
    )


def _components(pairs):
    """Number the connected components of a bipartite graph given by its edges; one number per edge."""
    parent = {}

    def root(node):
        while parent.setdefault(node, node) != node:
            node = parent[node]
        return node

    for u, v in pairs:
        parent[root((0, u))] = root((1, v))
    numbers = {}
    return [numbers.setdefault(root((0, u)), len(numbers)) for u, _ in pairs]


# --- regret -----------------------------------------------------------------------------------------------------------


def scaled_regret(payoffs, objective, profile):
    """Return the greatest regret of any player, relative to the range of that player's payoffs.

    Computed in exact fractions from the payoffs as they are and the probabilities made to sum to one. The best mixed
    deviation is bounded from above by weak duality; only the adversaries' strategies in it come from a linear program
    in floats, and any strategies prove a true bound. Where that bound is not small, and the adversaries have not too
    many joint takeovers, the regret is found exactly.
    """
    return float(max(_scaled_regrets(payoffs, objective, profile)))


def _scaled_regrets(payoffs, objective, profile):
    exact = _exact(payoffs)
    strategies = [_fractions(strategy) for strategy in profile]
    return [_scaled_regret(exact[i], objective, strategies, i) for i in range(len(payoffs))]


def _scaled_regret(payoffs, objective, strategies, player):
    if payoffs.max() == payoffs.min():
        return Fraction(0)
    # The sums over joint actions in integers, which is much faster than in fractions.
    payoffs = _integers(payoffs)
    least, spread = payoffs.min(), payoffs.max() - payoffs.min()
    counts = [_integers(strategy) for strategy in strategies]
    unit = spread * math.prod(sum(count) for k, count in enumerate(counts) if k != player)
    task, lam, blocks = response_problem(payoffs - least, objective, counts, player)
    task, blocks = task * Fraction(1, unit), [(weight, block * Fraction(1, unit)) for weight, block in blocks]
    own = strategies[player]
    total = sum((weight for weight, _ in blocks), Fraction(0))
    linear = (1 - lam * total) * task
    value = linear @ own + lam * sum((weight * min(own @ block) for weight, block in blocks), Fraction(0))
    if not blocks:
        return max(linear) - value
    regret = max(linear + lam * _adversarial_values(linear, lam, blocks)) - value
    if regret > Fraction(1, 10**10) and math.prod(block.shape[1] for _, block in blocks) <= LARGEST_MATRIX_GAME:
        regret = _matrix_game_value(_joint_takeovers(linear, lam, blocks)) - value
    return regret


def _joint_takeovers(linear, lam, blocks):
    """Payoffs [action, one takeover by each adversary]: a matrix game against all adversaries together."""
    matrix = linear[:, None]
    for weight, block in blocks:
        matrix = (matrix[:, :, None] + lam * weight * block[:, None, :]).reshape(len(linear), -1)
    return matrix


def response_problem(payoffs, objective, strategies, player):
    """Return one player's payoff per action, λ, and for each adversary its weight and payoffs [action, takeover].

    Strategies on another scale than one scale all payoffs by the product of the others' sums.
    """
    others = [k for k in range(len(strategies)) if k != player]
    lam = objective.exact_lam

    def against(taken_over):
        tensor = payoffs
        for k in reversed(others):
            if k != taken_over:
                tensor = np.tensordot(tensor, strategies[k], axes=(k, 0))
        return tensor

    task = against(None)
    if not lam or not others:
        return task, lam, []
    tables = [(against(j) if player < j else against(j).T) * strategies[j].sum() for j in others]
    aggregate = objective.aggregate
    if not isinstance(aggregate, str):
        weights = [Fraction(float(aggregate[player, j])) for j in others]
    elif aggregate == "max":
        return task, lam, [(Fraction(1), np.concatenate(tables, axis=1))]
    else:
        weights = [Fraction(1, len(others)) if aggregate == "mean" else Fraction(1)] * len(others)
    return task, lam, [(weight, table) for weight, table in zip(weights, tables, strict=True) if weight]


def _adversarial_values(linear, lam, blocks):
    """Weighted payoff of each action against the adversaries' best mixed strategies."""
    weighted = [(float(lam * weight), block.astype(float)) for weight, block in blocks]
    duals = np.maximum(-_best_response(linear.astype(float), weighted)[0].ineqlin.marginals, 0.0)
    duals = np.split(duals, np.cumsum([block.shape[1] for _, block in blocks])[:-1])
    return sum(weight * (block @ _fractions(dual)) for (weight, block), dual in zip(blocks, duals, strict=True))


def _best_response(linear, blocks):
    """Maximize ``linear @ x + Σ weight * min(x @ block)`` over mixed strategies; solution and scale of its value."""
    weights = np.array([weight for weight, _ in blocks])
    scale = max(1.0, weights.sum())
    size, sizes = len(linear), [block.shape[1] for _, block in blocks]
    cost = np.concatenate([-linear, -weights]) / scale
    rows = np.zeros((sum(sizes), size + len(blocks)))
    rows[:, :size] = -np.concatenate([np.zeros((size, 0)), *(block for _, block in blocks)], axis=1).T
    rows[np.arange(sum(sizes)), size + np.repeat(np.arange(len(blocks)), sizes)] = 1.0
    equality = np.concatenate([np.ones((1, size)), np.zeros((1, len(blocks)))], axis=1)
    bounds = [(0, None)] * size + [(None, None)] * len(blocks)
    # Nearly equal columns may be too much for tight tolerances.
    for options in (TOLERANCES, {}):
        solution = linprog(cost, rows, np.zeros(len(rows)), equality, [1.0], bounds, "highs-ds", options=options)
        if solution.status == 0:
            break
    assert solution.status == 0, solution.message
    return solution, scale


def scaled_regret_in_floats(payoffs, objective, profile):
    """Return what `scaled_regret` does, up to rounding, where fractions would take too long."""
    payoffs = np.asarray(payoffs, dtype=float)
    return max(_regret_in_floats(payoffs[i], objective, profile, i) for i in range(len(payoffs)))


def _regret_in_floats(payoffs, objective, profile, player):
    if not np.ptp(payoffs):
        return 0.0
    payoffs = (payoffs - payoffs.min()) / np.ptp(payoffs)
    task, lam, blocks = response_problem(payoffs, objective, profile, player)
    blocks = [(float(lam * weight), block.astype(float)) for weight, block in blocks]
    own = profile[player]
    linear = (1 - sum(weight for weight, _ in blocks)) * task.astype(float)
    value = linear @ own + sum(weight * min(own @ block) for weight, block in blocks)
    solution, scale = _best_response(linear, blocks)
    return -scale * solution.fun - value


def _matrix_game_value(matrix):
    """Return what the row player can secure, exactly: the simplex method with Bland's rule, in fractions.

    With all payoffs positive, the column player's strategy over the value solves max Σq, matrix q <= 1, q >= 0.
    """
    offset = 1 - matrix.min()
    m, n = matrix.shape
    table = np.concatenate([matrix + offset, _exact(np.eye(m)), _exact(np.ones((m, 1)))], axis=1)
    gains = _exact(np.append(np.ones(n), np.zeros(m + 1)))
    basis = list(range(n, n + m))
    while any(gains[:-1] > 0):
        entering = int(np.flatnonzero(gains[:-1] > 0)[0])
        ratios = [(table[k, -1] / table[k, entering], basis[k], k) for k in range(m) if table[k, entering] > 0]
        pivot = min(ratios)[2]
        table[pivot] /= table[pivot, entering]
        for k in range(m):
            if k != pivot and table[k, entering]:
                table[k] -= table[k, entering] * table[pivot]
        gains -= gains[entering] * table[pivot]
        basis[pivot] = entering
    return -1 / gains[-1] - offset


def maximin(matrix):
    """Return the greatest payoff that the row player can secure, by a linear program."""
    matrix = np.asarray(matrix, dtype=float)
    m, n = matrix.shape
    solution = linprog(
        np.append(np.zeros(m), -1.0),
        np.column_stack([-matrix.T, np.ones(n)]),
        np.zeros(n),
        [[1.0] * m + [0.0]],
        [1.0],
        [(0, None)] * m + [(None, None)],
        options=TOLERANCES,
    )
    assert solution.status == 0, solution.message
    return -solution.fun


# --- pure equilibria --------------------------------------------------------------------------------------------------


def pure_profiles(payoffs, objective):
    """Return the pure profiles from which no player gains by a deviation to another pure strategy.

    All pure equilibria are among them, but at λ > 0 a mixed deviation may still pay.
    """
    payoffs = np.asarray(payoffs, dtype=float)
    n, lam, aggregate = len(payoffs), objective.lam, objective.aggregate
    stable = np.ones(payoffs.shape[1:], dtype=bool)
    for i, own in enumerate(payoffs):
        power = {j: own - own.min(axis=j, keepdims=True) for j in range(n) if j != i}
        if not power:
            charge = 0.0
        elif not isinstance(aggregate, str):
            charge = sum(aggregate[i, j] * power[j] for j in power)
        elif aggregate == "max":
            charge = np.max(list(power.values()), axis=0)
        else:
            charge = sum(power.values()) / (len(power) if aggregate == "mean" else 1)
        utility = own - lam * charge
        stable &= utility >= utility.max(axis=i, keepdims=True) - 1e-9 * (1 + lam) * np.abs(own).max()
    return [tuple(map(int, joint)) for joint in np.argwhere(stable)]


def has_pure_equilibrium(payoffs, objective):
    """Tell whether some pure profile is an equilibrium."""
    sizes = np.shape(payoffs)[1:]
    return any(
        scaled_regret(payoffs, objective, [_unit(size, a) for size, a in zip(sizes, joint, strict=True)]) <= 1e-9
        for joint in pure_profiles(payoffs, objective)
    )


def pure_interval(payoffs, objective, joint):
    """Return the least and greatest λ at which a pure profile is an equilibrium, or None if there is none.

    A linear program for each player over λ and the adversaries' strategies times λ, supported where they are best:
    no action may then pay more than the one played. An action `b` of player `i` pays

        u(b) - λ w u(b) + Σ_j W_j Σ_k s_jk M_j[b, k],       Σ_k s_jk = λ.
    """
    exact = _exact(payoffs)
    strategies = [_unit(size, action) for size, action in zip(exact.shape[1:], joint, strict=True)]
    least, greatest = 0.0, np.inf
    for player, action in enumerate(joint):
        task, _, blocks = response_problem(exact[player], with_lam(objective, 1), strategies, player)
        weights = [float(weight) for weight, _ in blocks]
        columns = [block[:, block[action] <= block[action].min()].astype(float) for _, block in blocks]
        sizes = [column.shape[1] for column in columns]
        gains = np.column_stack(
            [-sum(weights) * (task - task[action])]
            + [weight * (column - column[action]) for weight, column in zip(weights, columns, strict=True)]
        )
        equality = np.zeros((len(blocks), gains.shape[1]))
        equality[:, 0] = -1.0
        equality[np.repeat(np.arange(len(blocks)), sizes), 1 + np.arange(sum(sizes))] = 1.0
        limits = []
        for sign in (1.0, -1.0):
            cost = np.zeros(gains.shape[1])
            cost[0] = sign
            solution = linprog(
                cost,
                gains.astype(float),
                (task[action] - task).astype(float),
                equality,
                np.zeros(len(blocks)),
                options=TOLERANCES,
            )
            if solution.status == 2:
                return None
            assert solution.status in (0, 3), solution.message
            limits.append(solution.x[0] if solution.status == 0 else np.inf)
        least, greatest = max(least, limits[0]), min(greatest, limits[1])
    return (least, greatest) if least <= greatest + 1e-9 else None


# --- small helpers ----------------------------------------------------------------------------------------------------


def in_hull(point, points):
    """Tell whether a point is a convex combination of points."""
    points = np.asarray(points, dtype=float)
    system = np.column_stack([points, np.ones(len(points))]).T
    return nnls(system, np.append(np.asarray(point, dtype=float), 1.0))[1] < 1e-7


def same_pairs(left, right, tol=1e-7):
    """Tell whether two lists of strategy pairs hold the same pairs in any order, each once."""
    if len(left) != len(right):
        return False
    remaining = [np.concatenate([np.asarray(s, dtype=float) for s in pair]) for pair in right]
    for pair in left:
        flat = np.concatenate([np.asarray(s, dtype=float) for s in pair])
        distances = [np.abs(flat - other).max() for other in remaining]
        nearest = int(np.argmin(distances))
        if distances[nearest] > tol:
            return False
        remaining.pop(nearest)
    return True


def _exact(numbers):
    numbers = np.asarray(numbers)
    return np.array([Fraction(entry) for entry in numbers.ravel().tolist()], dtype=object).reshape(numbers.shape)


def _integers(fractions):
    """The same numbers times their least common denominator."""
    common = math.lcm(*(entry.denominator for entry in fractions.flat))
    integers = [entry.numerator * (common // entry.denominator) for entry in fractions.flat]
    return np.array(integers, dtype=object).reshape(fractions.shape)


def _fractions(strategy):
    exact = _exact(strategy)
    return exact / exact.sum()


def _unit(size, action):
    return _exact(np.eye(size)[action])


def _embed(size, support, probabilities):
    strategy = np.zeros(size)
    strategy[support] = probabilities
    return strategy


def _distinct_pairs(pairs):
    distinct: list[tuple[np.ndarray, np.ndarray]] = []
    for x, y in pairs:
        if not any(np.allclose(x, a, atol=1e-9) and np.allclose(y, b, atol=1e-9) for a, b in distinct):
            distinct.append((x, y))
    return distinct
