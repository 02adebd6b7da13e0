r"""Index, strictness and perfection of an equilibrium.

In the extended game of players and adversaries let `S` be the actions and takeovers in use, g the payoffs and T the
directions that keep each group's probabilities on `S` and their sum. If every other action is worse, and the Jacobian
:math:`J = T' \, (∂g/∂ξ) \, T` is regular, the equilibrium is *regular*, and its index is the sign of :math:`\det(-J)`.
The indices of all equilibria sum to 1 where all are regular (Ritzberger 1994). A regular equilibrium is isolated,
perfect and proper (van Damme 1991).

An equilibrium says only what players do. A linear program finds what a player's adversaries do: of all their best
responses that make the player's own strategy one, it takes those with the greatest margin, which is the least of their
own probabilities and of what other actions lose. If the margin is positive, the player's best responses are the
solutions of equations, and there is only one if these have full rank. If it is zero, there are others.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from powergames.errors import InputError
from powergames.games.normal_form import NormalFormGame
from powergames.results import Equilibrium
from powergames.results.stability import Stability
from powergames.solvers.normal_form.extended import ExtendedGame


@dataclass(frozen=True)
class Limits:
    """What counts as zero in the tests of stability."""

    zero: float = 1e-7
    """Probabilities, and payoffs relative to their range, up to this are zero."""
    singular: float = 1e-9
    """Singular values below this fraction of the largest are zero."""


LIMITS = Limits()


def stability(equilibrium: Equilibrium) -> Stability:
    """Tell whether an equilibrium is strict, isolated, regular or perfect, and compute its index.

    Parameters
    ----------
    equilibrium : Equilibrium
        Of a game in normal form, as `solve` and `solve_all` return it.

    Returns
    -------
    Stability
        None marks what is not decided.

    Raises
    ------
    InputError
        If this is no certified equilibrium of a game in normal form.

    Notes
    -----
    It is decided in floats. Probabilities, and differences of payoffs relative to their range, below 1e-7 count as
    zero.

    Examples
    --------
    >>> import powergames as pg
    >>> [pg.stability(each).index for each in pg.solve_all(pg.load("stag_hunt"))]
    [1, -1, 1]
    """
    if not isinstance(equilibrium, Equilibrium):
        raise InputError(f"equilibrium: got {type(equilibrium).__name__}; pass an Equilibrium, as pg.solve returns it")
    if not equilibrium.converged:
        raise InputError(f"equilibrium: its status is {equilibrium.status.name}; only a certified one has an index")
    game, objective = equilibrium.game, equilibrium.objective
    problem = ExtendedGame.of(game, objective)
    place = _Place(problem, equilibrium)
    margins = [place.complete(i) for i in range(game.n_players)]
    quasi_strict = all(margin > LIMITS.zero for margin in margins)
    strict = quasi_strict and all(place.only_one(i) for i in range(game.n_players))
    index = place.index() if quasi_strict else None
    if index is None and strict and all((strategy > 0).sum() == 1 for strategy in equilibrium.profile):
        # Nearby too, nobody has any other best response.
        index = 1
    regular = index is not None
    perfect: bool | None = True if regular else None
    if perfect is None and not objective.exact_lam:
        undominated = all(_undominated(game, i, place.own(i)) for i in range(game.n_players))
        # With two players undominated equilibria are perfect (van Damme 1991, theorem 3.2.2).
        perfect = (True if game.n_players == 2 else None) if undominated else False
    return Stability(
        equilibrium,
        strict=strict,
        quasi_strict=quasi_strict,
        regular=regular,
        isolated=True if regular else None,
        index=index,
        perfect=perfect,
        proper=True if regular else (False if perfect is False else None),
    )


class _Place:
    """An equilibrium as a point of the extended game, completed by the adversaries' strategies."""

    def __init__(self, problem: ExtendedGame, equilibrium: Equilibrium) -> None:
        self.problem = problem
        profile = [np.asarray(strategy, dtype=np.float64) for strategy in equilibrium.profile]
        profile = [np.where(strategy > LIMITS.zero, strategy, 0.0) for strategy in profile]
        self.point = problem.starting_point(profile)
        tables = problem.tables(self.point)
        self.values = problem.gradient(self.point, tables)
        self.jacobian = problem.jacobian(self.point, tables)
        self.used = self.point > 0.0
        takeovers = np.arange(problem.size) >= problem.n_own
        # Adversaries use all of their best takeovers.
        self.used[takeovers] = problem.slacks(self.values)[takeovers] <= LIMITS.zero

    def own(self, player: int) -> np.ndarray:
        """Return the strategy of a player."""
        return self.point[self._group(player)]

    def _group(self, group: int) -> slice:
        return slice(*self.problem.bounds[group : group + 2].tolist())

    def _against(self, player: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the entries of the best takeovers against a player, and which of its adversaries makes each."""
        adversaries = np.flatnonzero(self.problem.egos == player)[1:]
        entries = np.flatnonzero(self.used & np.isin(self.problem.group_of, adversaries))
        return entries, np.searchsorted(adversaries, self.problem.group_of[entries])

    def complete(self, player: int) -> float:
        """Choose what the adversaries of a player do; return by how much all that is not played is worse."""
        own = np.arange(self.problem.size)[self._group(player)]
        entries, makers = self._against(player)
        played, unplayed = own[self.used[own]], own[~self.used[own]]
        if not len(entries):
            level = self.values[played].mean()
            return float((level - self.values[unplayed]).min(initial=1.0))
        from scipy.optimize import linprog

        gains = self.jacobian[np.ix_(own, entries)]
        fixed = (
            self.values[own]
            - self.jacobian[np.ix_(own, np.arange(self.problem.n_own, self.problem.size))]
            @ (self.point[self.problem.n_own :])
        )
        # Unknowns: the probabilities of takeovers, the level of the player, the margin.
        rows = np.column_stack([gains, -np.ones(len(own)), np.zeros(len(own))])
        inside = self.used[own]
        worse, apart = rows[~inside], np.zeros((len(entries), len(entries) + 2))
        worse[:, -1] = 1.0
        apart[:, : len(entries)], apart[:, -1] = -np.eye(len(entries)), 1.0
        sums = np.zeros((makers.max() + 1, len(entries) + 2))
        sums[makers, np.arange(len(entries))] = 1.0
        goal = np.zeros(len(entries) + 2)
        goal[-1] = -1.0
        solution = linprog(
            goal,
            A_ub=np.concatenate([worse, apart]),
            b_ub=np.concatenate([-fixed[~inside], np.zeros(len(entries))]),
            A_eq=np.concatenate([rows[inside], sums]),
            b_eq=np.concatenate([-fixed[inside], np.ones(len(sums))]),
            bounds=[(0, None)] * len(entries) + [(None, None), (None, 1)],
        )
        if not solution.success:
            return 0.0
        groups = np.flatnonzero(self.problem.egos[self.problem.group_of] == player)
        self.point[groups[groups >= self.problem.n_own]] = 0.0
        self.point[entries] = np.maximum(solution.x[: len(entries)], 0.0)
        return float(solution.x[-1])

    def only_one(self, player: int) -> bool:
        """Tell whether a player has one best response, given that all that is not played is worse."""
        own = np.arange(self.problem.size)[self._group(player)]
        entries, makers = self._against(player)
        played = own[self.used[own]]
        # Unknowns: the probabilities of actions, and what each adversary leaves.
        rows = np.zeros((len(entries) + 1, len(played) + makers.max(initial=-1) + 1))
        rows[0, : len(played)] = 1.0
        rows[1:, : len(played)] = self.jacobian[np.ix_(entries, played)]
        rows[np.arange(1, len(rows)), len(played) + makers] = 1.0
        return bool(
            np.linalg.matrix_rank(rows, tol=LIMITS.singular * max(1.0, float(np.abs(rows).max()))) == rows.shape[1]
        )

    def index(self) -> int | None:
        """Return the index, None if the Jacobian is singular."""
        problem = self.problem
        jacobian = problem.jacobian(self.point, problem.tables(self.point))
        directions: list[np.ndarray] = []
        own = 0
        for group in range(problem.n_groups):
            if group == problem.n_players:
                own = len(directions)
            entries = np.flatnonzero(self.used & (problem.group_of == group))
            for entry in entries[1:]:
                direction = np.zeros(problem.size)
                direction[entry], direction[entries[0]] = 1.0, -1.0
                directions.append(direction)
        if not directions:
            return 1
        basis = np.array(directions)
        system = -basis @ jacobian @ basis.T
        if problem.n_groups > problem.n_players:
            # Takeovers that do the same count once: with `max`, those that change nothing, whoever makes them.
            through = np.concatenate([system[:, own:], system[own:].T])
            _, sizes, mixtures = np.linalg.svd(through, full_matrices=False)
            differ = mixtures[sizes > LIMITS.singular * max(1.0, sizes.max(initial=0.0))]
            keep = np.zeros((own + len(differ), len(system)))
            keep[:own, :own], keep[own:, own:] = np.eye(own), differ
            system = keep @ system @ keep.T
        if not len(system):
            return 1
        singular_values = np.linalg.svd(system, compute_uv=False)
        if singular_values[-1] <= LIMITS.singular * singular_values[0]:
            return None
        return int(np.linalg.slogdet(system)[0])


def _undominated(game: NormalFormGame, player: int, strategy: np.ndarray) -> bool:
    """Tell whether no other strategy is at least as good against everything the others do, and once better."""
    from scipy.optimize import linprog

    payoffs = np.moveaxis(game.payoffs[player], player, 0).reshape(len(strategy), -1)
    payoffs = (payoffs - game.payoff_min[player]) / game.payoff_scale[player]
    solution = linprog(
        -payoffs.sum(axis=1),
        A_ub=-payoffs.T,
        b_ub=-(strategy @ payoffs),
        A_eq=np.ones((1, len(strategy))),
        b_eq=[1.0],
    )
    return not solution.success or bool(-solution.fun <= (strategy @ payoffs).sum() + LIMITS.zero)
