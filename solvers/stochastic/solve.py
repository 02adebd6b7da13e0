"""Solve a stochastic game: part by part, each by the methods that suit it, and certify the whole."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace

import numpy as np

from powergames.checking.stochastic import certify_stochastic
from powergames.errors import InputError, interruptible
from powergames.games.stochastic import StochasticGame
from powergames.objectives import PowerObjective
from powergames.results import Status, StochasticEquilibrium
from powergames.solvers.common import Options
from powergames.solvers.stochastic import best_response, branch_switching, logit, shapley, stages, support_search
from powergames.solvers.stochastic.components import components, levels
from powergames.solvers.stochastic.duplicates import Distinct
from powergames.solvers.stochastic.problem import StochasticProblem
from powergames.solvers.stochastic.search import Clock, Found, Search, StochasticMethod


@dataclass(frozen=True)
class Limits:
    """How much work a method gets before the next one has its turn."""

    entries: float = 4e7
    """In the first round a method may read this many entries of transitions: a second or two."""
    passes: int = 300
    """It may read all of the game this many times if that is more."""
    growth: int = 4
    """Its work grows by this factor from round to round."""
    leading_share: float = 4.0
    """Best responses get so many times the work where they come first: nothing else is known to help there."""


LIMITS = Limits()

METHODS = {
    method.name: method
    for method in (
        shapley.METHOD,
        stages.METHOD,
        best_response.METHOD,
        support_search.METHOD,
        logit.METHOD,
        branch_switching.METHOD,
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
        A name from `METHODS`. By default all that accept the game have their turns in that order, for longer in each
        round, until one succeeds; "best_response" comes first where it is known to pay.
    options : Options

    Returns
    -------
    StochasticEquilibrium
    """
    methods = methods_to_try(game, objective, method)
    parts = _Parts(game, objective, options)
    best: StochasticEquilibrium | None = None
    while True:
        outcome = parts.solve(methods)
        found = parts.equilibrium(methods[outcome.turn].name, outcome.status)
        if best is None or found.certificate.scaled_regret < best.certificate.scaled_regret:
            best = found
        # What the certificate rejects is a failure of the method, after which the next one has its turn.
        methods = [*methods[: outcome.turn], *methods[outcome.turn + 1 :]]
        if found.status is not Status.REJECTED or not methods:
            return best


def methods_to_try(game: StochasticGame, objective: PowerObjective, name: str | None) -> list[StochasticMethod]:
    """Return the methods in the order in which to try them.

    Raises
    ------
    InputError
        If there is no method of that name, or it refuses the game.
    """
    if name is None:
        methods = [method for method in METHODS.values() if method.reason(game, objective) is None]
        if best_response.METHOD in methods and best_response.leads(game, objective):
            methods.remove(best_response.METHOD)
            methods.insert(0, replace(best_response.METHOD, share=LIMITS.leading_share))
        elif logit.leads(objective):
            instead = {"logit": logit.LEADING, "support_search": replace(support_search.METHOD, share=1.0)}
            methods = [instead.get(method.name, method) for method in methods]
        return methods
    if not (isinstance(name, str) and name in METHODS):
        raise InputError(
            f"method: got {str(name)[:40]!r}; stochastic games take one of {', '.join(METHODS)}, or leave it out"
        )
    reason = METHODS[name].reason(game, objective)
    if reason is not None:
        raise InputError(f"method {name}: {reason}; choose another, or leave out method")
    return [METHODS[name]]


@dataclass(frozen=True)
class _Outcome:
    """Which of the methods was the last to have a turn, by its place in the order, and how that ended."""

    turn: int
    status: Status

    def worse(self, other: _Outcome) -> _Outcome:
        """Return the outcome of both together."""
        status = self.status if other.status is Status.CONVERGED else other.status
        return _Outcome(max(self.turn, other.turn), status)


class _Parts:
    """The parts of one game, solved one after the other."""

    def __init__(self, game: StochasticGame, objective: PowerObjective, options: Options) -> None:
        self.game, self.objective = game, objective
        self.search = Search(options, Clock(game.n_states))
        whole = StochasticProblem.of(game, objective)
        self.distinct = Distinct.of(whole)
        self.problem = self.distinct.problem
        self.point, self.like = self.problem.uniform_point(), None
        if options.start is not None:
            self.like = whole.point_of(options.start)
            self.point = self.distinct.shortened(self.like)
        self.values = np.zeros((self.problem.layers, self.problem.n_players, game.n_states))

    def solve(self, methods: list[StochasticMethod]) -> _Outcome:
        """Solve all parts, what follows upon a part before it; return the outcome of the worst."""
        self.search.clock.states = 0
        outcome = _Outcome(0, Status.CONVERGED)
        parts = levels(self.problem)
        try:
            with interruptible():
                for states in parts:
                    part = self.problem if len(parts) == 1 else self.problem.part(states, self.values)
                    outcome = outcome.worse(self._solve(part, states, methods))
                    self.search.clock.states += len(states)
                    if self.search.clock.ended is not None:
                        break
        except KeyboardInterrupt:
            self.search.clock.ended = Status.INTERRUPTED
        ended = self.search.clock.ended
        return outcome if ended is None else replace(outcome, status=ended)

    def _solve(self, part: StochasticProblem, states: np.ndarray, methods: list[StochasticMethod]) -> _Outcome:
        """Solve a part; where several components fail together, each by itself."""
        entries = self.problem.entries_of(states)
        best = start = Found.nothing(part, self.point[entries])
        paused, status = list(range(len(methods))), best.status
        share = max(LIMITS.entries, LIMITS.passes * part.work) if len(methods) > 1 else np.inf
        find = [method.find for method in methods]
        for count in itertools.count():
            turns, paused = paused, []
            for turn in turns:
                own_share = methods[turn].share_in(count)
                if own_share == 0.0:
                    paused.append(turn)
                    continue
                with self.search.slice(share * LIMITS.growth**count * own_share):
                    found = find[turn](part, start, self.search)
                find[turn] = found.onward or methods[turn].find
                best, status = min(best, found, key=lambda each: each.regret), found.status
                if methods[turn].leads:
                    start = min(start, found, key=lambda each: each.regret)
                self.point[entries] = best.point
                self.values[:, :, states] = part.evaluate(best.point)
                if status is Status.CONVERGED or self.search.clock.ended is not None:
                    return _Outcome(turn, status)
                if status is Status.MAX_ITER:
                    paused.append(turn)
                labels = components(part)
                if labels.max() > 0:
                    outcome = _Outcome(0, Status.CONVERGED)
                    for label in range(int(labels.max()) + 1):
                        own = np.flatnonzero(labels == label)
                        values = self.values[:, :, states]
                        outcome = outcome.worse(self._solve(part.part(own, values), states[own], methods))
                    return outcome
            if not paused:
                break
        return _Outcome(len(methods) - 1, status)

    def equilibrium(self, method: str, status: Status) -> StochasticEquilibrium:
        """Certify the profile found by a method that ended with a status."""
        # Set up anew, since during the search it would only take memory.
        whole = StochasticProblem.of(self.game, self.objective)
        point = self.distinct.lifted(self.problem.normalized(self.point), self.like)
        profile = whole.profile(point)
        certificate = certify_stochastic(
            self.game, profile, self.objective, tol=self.search.options.tol, witness=whole.witness(point)
        )
        if certificate.passed or status is Status.CONVERGED:
            status = Status.CONVERGED if certificate.passed else Status.REJECTED
        steps = self.search.clock.steps
        return StochasticEquilibrium(self.game, self.objective, profile, certificate, status, method, steps)
