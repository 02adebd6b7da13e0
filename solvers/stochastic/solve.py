"""Solve a stochastic game: part by part, each by the methods that suit it, and certify the whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from powergames.checking.stochastic import certify_stochastic
from powergames.errors import InputError, interruptible
from powergames.games.stochastic import StochasticGame
from powergames.objectives import PowerObjective
from powergames.results import Status, StochasticEquilibrium
from powergames.solvers.common import LimitError, Options
from powergames.solvers.stochastic import alternating, homotopy, induction, pivoting, shapley, stage_iteration
from powergames.solvers.stochastic.components import components, levels
from powergames.solvers.stochastic.duplicates import Distinct
from powergames.solvers.stochastic.problem import StochasticProblem
from powergames.solvers.stochastic.progress import Progress

_Find = Callable[[StochasticProblem, np.ndarray, Progress], Status]


def _any(game: StochasticGame, objective: PowerObjective) -> bool:
    return True


@dataclass(frozen=True)
class StochasticMethod:
    """A solver of stochastic games.

    Attributes
    ----------
    name : str
    find : callable
        ``find(problem, point, progress)`` starts at a point, leaves the best one in `progress`, and returns how it
        ended if that is not an equilibrium.
    summary : str
        One sentence on what it does and guarantees.
    accepts : callable
        ``accepts(game, objective)`` tells whether it can solve a game; by default, any.
    """

    name: str
    find: _Find
    summary: str
    accepts: Callable[[StochasticGame, PowerObjective], bool] = _any


METHODS = {
    method.name: method
    for method in (
        StochasticMethod(
            "shapley",
            shapley.find,
            "Shapley iteration sped up by policy iteration: two-player zero-sum games at λ = 0, guaranteed",
            shapley.accepts,
        ),
        StochasticMethod(
            "stages",
            stage_iteration.find,
            "stage-game policy iteration with a Newton finish: fast, any number of players, no guarantee",
        ),
        StochasticMethod(
            "pivoting",
            pivoting.find,
            "Newton homotopy from stage equilibria, through changes of supports: few states that do not settle, "
            "no guarantee",
        ),
        StochasticMethod(
            "induction",
            induction.find,
            "backward induction between payments, pass by pass: games in which few actions pay and little is undone in "
            "between, no guarantee",
            induction.accepts,
        ),
        StochasticMethod(
            "alternate",
            alternating.find,
            "alternating exact best responses from the team optimum: games full of coordination, no guarantee",
        ),
        StochasticMethod(
            "logit",
            homotopy.find,
            "logit homotopy over all states with a Newton finish: any number of players, any λ, slow and sure",
        ),
    )
}


def solve_stochastic(
    game: StochasticGame, objective: PowerObjective, method: str | None, options: Options
) -> StochasticEquilibrium:
    """Compute one certified Markov-perfect equilibrium; see `powergames.solve`.

    Parameters
    ----------
    game : StochasticGame
    objective : PowerObjective
    method : str, optional
        A name from `METHODS`; by default all that accept the game, in that order, until one succeeds. Players who share
        their rewards begin with "induction" if that is little more than backward induction, else with "alternate".
    options : Options

    Returns
    -------
    StochasticEquilibrium
    """
    search = _Search(game, objective, _plan(game, objective, method), options)
    best: StochasticEquilibrium | None = None
    while True:
        try:
            with interruptible():
                search.run()
        except KeyboardInterrupt:
            search.failure = Status.INTERRUPTED
        except LimitError as limit:
            search.failure = limit.status
        found = search.equilibrium()
        if best is None or found.certificate.scaled_regret < best.certificate.scaled_regret:
            best = found
        # What the certificate rejects is a failure of the method, after which the next one has its turn.
        if found.status is not Status.REJECTED or not search.left():
            return best


def _plan(game: StochasticGame, objective: PowerObjective, name: str | None) -> list[StochasticMethod]:
    if name is None:
        # Induction is not known to pay where players do not share their rewards.
        methods = [method for method in METHODS.values() if method.name != "induction" or _is_team(game)]
        return [method for method in methods if method.accepts(game, objective)]
    if not (isinstance(name, str) and name in METHODS):
        raise InputError(
            f"method: got {str(name)[:40]!r}; stochastic games take one of {', '.join(METHODS)}, or leave it out"
        )
    if not METHODS[name].accepts(game, objective):
        raise InputError(f"method: {name} does not solve this game ({METHODS[name].summary}); leave it out")
    return [METHODS[name]]


def _is_team(game: StochasticGame) -> bool:
    """Whether several players share their rewards."""
    return game.n_players > 1 and not np.ptp(game.rewards, axis=0).any()


class _Search:
    """The parts of one game, solved one after the other."""

    def __init__(
        self, game: StochasticGame, objective: PowerObjective, methods: list[StochasticMethod], options: Options
    ) -> None:
        self.game, self.objective, self.methods, self.options = game, objective, methods, options
        whole = StochasticProblem.of(game, objective)
        self.distinct = Distinct.of(whole)
        self.problem = self.distinct.problem
        if len(methods) > 1 and _is_team(game):
            backward = METHODS["induction"] in methods and induction.mostly_backward(self.problem)
            first = ("induction", "alternate") if backward else ("alternate", "induction")
            teams = [METHODS[name] for name in first if METHODS[name] in methods]
            self.methods = [*teams, *(method for method in methods if method.name not in first)]
        self.point, self.like = self.problem.uniform_point(), None
        if options.start is not None:
            self.like = whole.point_of(options.start)
            self.point = self.distinct.shortened(self.like)
        self.values = np.zeros((self.problem.kinds, self.problem.n_players, game.n_states))
        self.steps = 0
        self.failure: Status | None = None
        self.used = self.methods[0].name

    def left(self) -> bool:
        """Leave out the methods used so far; return whether there are others."""
        self.methods = self.methods[1 + [method.name for method in self.methods].index(self.used) :]
        return bool(self.methods)

    def run(self) -> None:
        """Solve all parts, what follows upon a part before it."""
        self.done = 0
        parts = levels(self.problem)
        for states in parts:
            part = self.problem if len(parts) == 1 else self.problem.part(states, self.values)
            self._solve(part, states)
            self.done += len(states)

    def _solve(self, part: StochasticProblem, states: np.ndarray) -> None:
        """Solve a part by one method after the other; where several components fail together, each by itself."""
        entries = self.problem.entries_of(states)
        progress = Progress(part, self.point[entries], self.options, (self.done, self.game.n_states), self.steps)
        for method in self.methods:
            least, unsettled = progress.regret, progress.unsettled
            try:
                failure = method.find(part, progress.point, progress)
            finally:
                self._record(part, states, entries, progress)
            if progress.regret >= least:
                progress.unsettled = unsettled
            self.used = max(self.used, method.name, key=list(METHODS).index)
            if progress.good:
                return
            labels = components(part)
            if labels.max() > 0:
                for label in range(int(labels.max()) + 1):
                    own = np.flatnonzero(labels == label)
                    self._solve(part.part(own, self.values[:, :, states]), states[own])
                return
        self.failure = failure

    def _record(self, part: StochasticProblem, states: np.ndarray, entries: np.ndarray, progress: Progress) -> None:
        self.point[entries] = progress.point
        self.values[:, :, states] = part.evaluate(progress.point)
        self.steps = progress.steps

    def equilibrium(self) -> StochasticEquilibrium:
        """Certify the profile found."""
        # Set up anew, since during the search it would only take memory.
        whole = StochasticProblem.of(self.game, self.objective)
        point = self.distinct.lifted(self.problem.normalized(self.point), self.like)
        profile = whole.profile(point)
        certificate = certify_stochastic(
            self.game, profile, self.objective, tol=self.options.tol, witness=whole.witness(point)
        )
        status = Status.CONVERGED if certificate.passed else self.failure or Status.REJECTED
        return StochasticEquilibrium(self.game, self.objective, profile, certificate, status, self.used, self.steps)
