r"""Correlated equilibria of the extended game, by one linear program.

The unknowns are the probabilities π(a) of joint actions, and for each co-player `j` of each player `i` the joint
probabilities ν_j(a, b) of joint actions and of the action that the adversary in the place of `j` is told to play.
Player `i` obeys if for all actions `c` that it is told and `d` that it might play

.. math::
    \sum_{a: a_i = c} \Big[ (1-λ w_i) π(a) (u_i(d, a_{-i}) - u_i(a))
        + λ \sum_j W_{ij} \sum_b ν_j(a, b) (u_i(b, d, a_{-ij}) - u_i(b, a_{-j})) \Big] \le 0,

and its adversary in the place of `j`, which sees what `j` is told, obeys if for all actions `c`, `b` and `d` of `j`

.. math::
    \sum_{a: a_j = c} ν_j(a, b) (u_i(b, a_{-j}) - u_i(d, a_{-j})) \le 0.

Coarse equilibria need only the sums of the former over `c`, and of the latter over `c` and `b`, also with `c` for `d`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from powergames.checking.certificate import check_tolerance
from powergames.checking.correlated import certify_correlated
from powergames.errors import InputError
from powergames.games.kinds import as_game
from powergames.games.memory import check_memory
from powergames.games.normal_form import NormalFormGame
from powergames.games.profiles import frozen
from powergames.objectives import AnyObjective, PowerObjective, as_objective
from powergames.results import CorrelatedEquilibrium, Status
from powergames.solvers.common import Options, end_of

CRITERIA = ("welfare", "utility", "power")


@dataclass(frozen=True)
class Limits:
    """How exactly HiGHS solves, and by which method."""

    precision: float = 1e-10
    """Tolerance of HiGHS for constraints: the least that it takes."""
    gap: float = 1e-12
    """Its interior point method ends at this gap."""
    unknowns_of_simplex: int = 1_000
    """With more unknowns an interior point method is faster than the simplex method, if there are adversaries."""


LIMITS = Limits()


def correlated(
    game: NormalFormGame,
    objective: AnyObjective | None = None,
    *,
    select: Any = "welfare",
    coarse: bool = False,
    tol: float = 1e-8,
    time_limit: float | None = None,
) -> CorrelatedEquilibrium:
    """Compute the best correlated equilibrium by a criterion.

    A mediator recommends an action to each player. An adversary that takes over a player sees what this player is told,
    and the mediator recommends an action to it, too. Nobody learns what others are told, and nobody gains by
    disobeying.

    Parameters
    ----------
    game : NormalFormGame
    objective : PowerObjective or number, optional
        A number is λ; by default 0: the usual correlated equilibria.
    select : {"welfare", "utility", "power"} or array_like, shape (n,)
        What to optimize: the greatest sum of task values or of utilities, the least sum of all pairwise powers, or the
        greatest sum of task values with these weights.
    coarse : bool, default False
        Compute a coarse correlated equilibrium, in which everybody has to decide whether to obey before being told
        anything.
    tol : float, default 1e-8
        Greatest regret, relative to the payoff range, with which the certificate passes.
    time_limit : float, optional
        Seconds after which the linear program is given up. The status is TIME_LIMIT then, and all joint actions have
        the same probability.

    Returns
    -------
    CorrelatedEquilibrium

    Raises
    ------
    InputError
        If an argument cannot be used, the aggregate is `max` with more than two players, or the linear program does not
        fit in memory.

    See Also
    --------
    solve : equilibria in which players mix independently.

    Notes
    -----
    One linear program, which HiGHS solves. With P joint actions it has P unknowns at λ = 0; every λ > 0 adds P times
    the number of actions for each co-player of each player. So at λ = 0 games of 50 x 50 actions take a second, and at
    λ > 0 those of 10 x 10; 15 x 15 take some seconds. Every equilibrium is a correlated one, so the best of these is at
    least as good.

    Sources: R. J. Aumann (1974), "Subjectivity and correlation in randomized strategies", *Journal of Mathematical
    Economics* 1; H. Moulin and J.-P. Vial (1978), "Strategically zero-sum games", *International Journal of Game
    Theory* 7, for the coarse ones.

    Examples
    --------
    >>> import powergames as pg
    >>> game = pg.load("battle_of_the_sexes")
    >>> together = pg.correlated(game, 0.5)
    >>> together.status.name, round(float(together.task.sum()), 4)
    ('CONVERGED', 2.7692)
    >>> float(pg.solve(game, 0.5, select="welfare").task.sum().round(4))
    2.0
    """
    game = as_game(game)
    objective = as_objective(objective, once=True)
    check_tolerance(tol)
    options = Options(tol=tol, end=end_of(time_limit))
    adversaries = objective.adversaries(game.n_players)
    if any(len(adversary.players) > 1 for own in adversaries for adversary in own):
        raise InputError(
            "objective: correlated equilibria with the aggregate max are for two players; choose mean, sum or a matrix"
        )
    program = _Program(game, objective, bool(coarse))
    costs = program.costs(select)
    solution, failure = program.solve(costs, options)
    if solution is None:
        probabilities = np.full(game.n_actions, 1.0 / math.prod(game.n_actions))
        sizes = [[game.n_actions[each.players[0]] for each in own] for own in adversaries]
        takeovers = tuple(tuple(np.full((*game.n_actions, k), 1.0 / k) for k in own) for own in sizes)
    else:
        probabilities, takeovers = program.read(solution)
    certificate = certify_correlated(game, probabilities, takeovers, objective, coarse=bool(coarse), tol=tol)
    status = failure or (Status.CONVERGED if certificate.passed else Status.REJECTED)
    return CorrelatedEquilibrium(game, objective, bool(coarse), probabilities, takeovers, certificate, status)


@dataclass(frozen=True)
class _Block:
    """The unknowns ν of one adversary.

    Attributes
    ----------
    player, taken : int
        Whose adversary it is, and whom it takes over.
    weight : float
        λ times its weight.
    start : int
        Its first unknown.
    joint : ndarray of int, shape (P, A_taken)
        The joint action that each joint action becomes by each takeover.
    """

    player: int
    taken: int
    weight: float
    start: int
    joint: np.ndarray

    @property
    def columns(self) -> np.ndarray:
        """Its unknowns, shape (P, A_taken)."""
        return self.start + np.arange(self.joint.size).reshape(self.joint.shape)


class _Program:
    """The linear program; its unknowns are π, then ν of each adversary, then what the criterion needs."""

    def __init__(self, game: NormalFormGame, objective: PowerObjective, coarse: bool) -> None:
        self.game, self.objective, self.coarse = game, objective, coarse
        self.size = math.prod(game.n_actions)
        self.strides = [math.prod(game.n_actions[i + 1 :]) for i in range(game.n_players)]
        self.payoffs = [
            ((own - least) / scale).reshape(-1)
            for own, least, scale in zip(game.payoffs, game.payoff_min, game.payoff_scale, strict=True)
        ]
        self.blocks: list[list[_Block]] = []
        self.count = self.size
        self._rows: list[np.ndarray] = []
        self._columns: list[np.ndarray] = []
        self._values: list[np.ndarray] = []
        self.n_rows = 0
        self.joint_actions = np.arange(self.size)
        adversaries = objective.adversaries(game.n_players)
        cells = sum(self.size * game.n_actions[each.players[0]] for own in adversaries for each in own)
        check_memory(64 * (self.size + cells) * max(game.n_actions), "correlated: the linear program")
        for i, own in enumerate(adversaries):
            self.blocks.append([])
            for adversary in own:
                (j,) = adversary.players
                joint = np.stack([self._with(j, action) for action in range(game.n_actions[j])], axis=1)
                weight = float(adversary.charge)
                self.blocks[i].append(_Block(i, j, weight, self.count, joint))
                self.count += joint.size
        for i in range(game.n_players):
            self._obey_player(i)
            for block in self.blocks[i]:
                self._obey_adversary(block)

    def _with(self, player: int, action: int) -> np.ndarray:
        """Return what each joint action becomes when a player plays another action."""
        return self.joint_actions + (action - self._own(self.joint_actions, player)) * self.strides[player]

    def _own(self, joint_actions: np.ndarray, player: int) -> np.ndarray:
        return joint_actions // self.strides[player] % self.game.n_actions[player]

    def _add(self, rows: Any, columns: Any, values: Any) -> None:
        rows, columns, values = np.broadcast_arrays(rows, columns, values)
        used = values != 0.0
        self._rows.append(rows[used])
        self._columns.append(columns[used])
        self._values.append(values[used])

    def _obey_player(self, i: int) -> None:
        size, stride, payoffs = self.game.n_actions[i], self.strides[i], self.payoffs[i]
        total = sum(block.weight for block in self.blocks[i])
        outcomes = [(1.0 - total, self.joint_actions, self.joint_actions)]
        outcomes += [(block.weight, block.joint, block.columns) for block in self.blocks[i]]
        for weight, joint, columns in outcomes:
            own = self._own(joint, i)
            for action in range(size):
                gain = weight * (payoffs[joint + (action - own) * stride] - payoffs[joint])
                self._add(self.n_rows + (action if self.coarse else own * size + action), columns, gain)
        self.n_rows += size if self.coarse else size * size

    def _obey_adversary(self, block: _Block) -> None:
        payoffs = self.payoffs[block.player]
        left, size = payoffs[block.joint], self.game.n_actions[block.taken]
        told = self._own(self.joint_actions, block.taken)[:, None] * size + np.arange(size)
        told = np.zeros_like(told) if self.coarse else told * size
        for other in range(size):
            self._add(self.n_rows + told + other, block.columns, left - left[:, other : other + 1])
        self.n_rows += size if self.coarse else size**3
        if self.coarse:
            self._add(self.n_rows, block.columns, left - payoffs[:, None])
            self.n_rows += 1

    def costs(self, select: Any) -> np.ndarray:
        """Return what to minimize; a criterion that needs further unknowns adds them."""
        n_players, scales = self.game.n_players, self.game.payoff_scale / self.game.payoff_scale.max()
        if isinstance(select, str) and select == "power":
            return self._total_power(scales)
        costs = np.zeros(self.count)
        if isinstance(select, str) and select == "utility":
            for i, (own, scale) in enumerate(zip(self.blocks, scales, strict=True)):
                total = sum(block.weight for block in own)
                costs[: self.size] -= scale * (1.0 - total) * self.payoffs[i]
                for block in own:
                    costs[block.columns] -= scale * block.weight * self.payoffs[i][block.joint]
            return costs
        costs[: self.size] = -sum(
            weight * scale * own
            for weight, scale, own in zip(_task_weights(select, n_players), scales, self.payoffs, strict=True)
        )
        return costs

    def _total_power(self, scales: np.ndarray) -> np.ndarray:
        """Add what each player is left by each co-player, at most what it is left by each action."""
        pairs = [(i, j) for i in range(self.game.n_players) for j in range(self.game.n_players) if i != j]
        told = [1 if self.coarse else self.game.n_actions[j] for _, j in pairs]
        costs = np.zeros(self.count + sum(told))
        for (i, j), messages in zip(pairs, told, strict=True):
            costs[: self.size] += scales[i] * self.payoffs[i]
            costs[self.count : self.count + messages] = -scales[i]
            message = self._own(self.joint_actions, j) % messages
            for action in range(self.game.n_actions[j]):
                rows = self.n_rows + np.arange(messages)
                self._add(self.n_rows + message, self.joint_actions, -self.payoffs[i][self._with(j, action)])
                self._add(rows, self.count + np.arange(messages), 1.0)
                self.n_rows += messages
            self.count += messages
        return costs

    def solve(self, costs: np.ndarray, options: Options) -> tuple[np.ndarray | None, Status | None]:
        """Return the unknowns, or why there are none."""
        import highspy
        from scipy.sparse import coo_array, vstack

        inequalities = coo_array(
            (np.concatenate(self._values), (np.concatenate(self._rows), np.concatenate(self._columns))),
            shape=(self.n_rows, self.count),
        ).tocsr()
        rows, columns, values = [np.zeros(self.size, np.int64)], [self.joint_actions], [np.ones(self.size)]
        n_rows = 1
        for block in (block for own in self.blocks for block in own):
            rows += [n_rows + self.joint_actions, n_rows + np.repeat(self.joint_actions, block.joint.shape[1])]
            columns += [self.joint_actions, block.columns.reshape(-1)]
            values += [-np.ones(self.size), np.ones(block.joint.size)]
            n_rows += self.size
        equalities = coo_array(
            (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=(n_rows, self.count)
        ).tocsr()
        totals = np.zeros(n_rows)
        totals[0] = 1.0
        matrix = vstack([inequalities, equalities]).tocsc()
        low = np.concatenate([np.full(self.n_rows, -highspy.kHighsInf), totals])
        high = np.concatenate([np.zeros(self.n_rows), totals])
        program: Any = highspy.HighsLp()
        program.num_row_, program.num_col_ = matrix.shape
        program.col_cost_ = costs
        program.col_lower_, program.col_upper_ = np.zeros(self.count), np.full(self.count, highspy.kHighsInf)
        program.row_lower_, program.row_upper_ = low, high
        program.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        program.a_matrix_.start_, program.a_matrix_.index_ = matrix.indptr, matrix.indices
        program.a_matrix_.value_ = matrix.data
        solver: Any = highspy.Highs()
        solver.setOptionValue("output_flag", False)
        for name in ("primal_feasibility_tolerance", "dual_feasibility_tolerance"):
            solver.setOptionValue(name, LIMITS.precision)
        if any(self.blocks) and self.count > LIMITS.unknowns_of_simplex:
            # An inner point is as good as a vertex, which would take most of the time.
            solver.setOptionValue("solver", "ipm")
            solver.setOptionValue("run_crossover", "choose")
            solver.setOptionValue("ipm_optimality_tolerance", LIMITS.gap)
        if options.seconds_left is not None:
            solver.setOptionValue("time_limit", options.seconds_left)
        solver.passModel(program)
        solver.run()
        status = solver.getModelStatus()
        if status == highspy.HighsModelStatus.kOptimal:
            return np.maximum(solver.getSolution().col_value, 0.0), None
        ended = options.expired or status == highspy.HighsModelStatus.kTimeLimit
        return None, Status.TIME_LIMIT if ended else Status.STALLED

    def read(self, solution: np.ndarray) -> tuple[np.ndarray, tuple[tuple[np.ndarray, ...], ...]]:
        """Return π, and for each adversary the probabilities of takeovers given the joint action."""
        shape = self.game.n_actions
        probabilities = solution[: self.size] / solution[: self.size].sum()
        takeovers = []
        for own in self.blocks:
            told = []
            for block in own:
                joint = solution[block.columns]
                totals = joint.sum(axis=1, keepdims=True)
                share = np.where(totals > 0.0, joint / np.where(totals > 0.0, totals, 1.0), 1.0 / joint.shape[1])
                told.append(frozen(share.reshape(*shape, -1)))
            takeovers.append(tuple(told))
        return frozen(probabilities.reshape(shape)), tuple(takeovers)


def _task_weights(select: Any, n_players: int) -> Sequence[float]:
    if isinstance(select, str):
        if select == "welfare":
            return [1.0] * n_players
        raise InputError(
            f"select: got {select[:40]!r}; choose one of {', '.join(CRITERIA)}, or give a weight for each player"
        )
    try:
        weights = np.asarray(select, dtype=np.float64)
    except (TypeError, ValueError):
        weights = np.empty(0)
    if weights.shape != (n_players,) or not np.isfinite(weights).all():
        raise InputError(
            f"select: got {str(select)[:40]}; choose one of {', '.join(CRITERIA)}, or give {n_players} finite weights"
        )
    # Only their ratios matter, and sums of huge weights would overflow.
    scaled = weights / (np.abs(weights).max() or 1.0)
    return [float(weight) for weight in scaled]
