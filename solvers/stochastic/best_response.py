"""Alternating exact best responses: one player after the other does the best against what the others do.

A best response in all states is a Markov decision process or, with adversaries, a zero-sum stochastic game of the
player against them; both are solved by policy iteration. It begins at the team optimum, where in a game full of
coordination few states leave something to gain, while stage games, solved one by one, would pick some equilibrium of
many in each. Where the players come to rest, it is at an equilibrium, if gains in one state add up over time.

Where they go round in circles, somebody mixes in a few states. Then everybody responds to an average of what the others
did, as in fictitious play (G. W. Brown 1951), which approaches an equilibrium slowly, in many games at least; Newton's
method on the supports that it shows goes the rest of the way. There is no guarantee.
"""

from __future__ import annotations

import numpy as np

from powergames.results import Status
from powergames.solvers.stochastic import supports
from powergames.solvers.stochastic.problem import StochasticProblem
from powergames.solvers.stochastic.progress import Progress
from powergames.solvers.stochastic.stage_iteration import ROUNDING
from powergames.solvers.stochastic.supports import one_each
from powergames.solvers.stochastic.team import best_rows

# Rounds in all, and without a lower regret, before the method gives up; iterations of one best response.
MOST, PATIENCE, ITERATIONS = 60, 8, 50

# Rounds without a change after which a state has settled.
RECENT = 3

# After how many responses to averages an equilibrium is sought nearby.
ATTEMPTS = (20, 30, 45, 70, 100, 150, 220)


def find(problem: StochasticProblem, point: np.ndarray, progress: Progress) -> Status:
    """Iterate from the team optimum, or from a point if the user gave one."""
    if progress.options.x0 is None and np.ptp(problem.discounts) == 0.0:
        point = problem.pure_point(best_rows(problem, problem.rewards[-1].mean(axis=0))[0])
    recent: list[np.ndarray] = []
    since = 0
    for _ in range(MOST):
        changed = np.zeros(problem.n_states, dtype=bool)
        for player in range(problem.n_players):
            point, own = _best_response(problem, point, player, progress)
            changed |= own
        least = progress.regret
        progress.look(point, problem.worth(problem.evaluate(point)))
        if progress.done:
            return Status.CONVERGED
        recent = [*recent[1 - RECENT :], changed]
        progress.unsettled = np.logical_or.reduce(recent)
        since = 0 if progress.regret < least else since + 1
        if since > PATIENCE:
            break
    return _averaged(problem, point, progress)


def _averaged(problem: StochasticProblem, point: np.ndarray, progress: Progress) -> Status:
    """Let everybody respond to the average of what the others did, and look for an equilibrium nearby now and then.

    In the form "penalty" a player's selves in different states play a game with each other too, so that each responds,
    in one step, to the average of them all.
    """
    own = [problem.entries_of_owner(player) for player in range(problem.n_players)]
    average, current = point.copy(), point.copy()
    last_changed = np.zeros(problem.n_states, dtype=np.int64)
    for count in range(1, max(ATTEMPTS) + 1):
        changed = np.zeros(problem.n_states, dtype=bool)
        for player, entries in enumerate(own):
            start = average.copy()
            if problem.adds_up:
                start[entries] = current[entries]
            response, moved = _best_response(problem, start, player, progress, ITERATIONS if problem.adds_up else 1)
            current[entries] = response[entries]
            # Later responses count more.
            average[entries] += 2.0 / (count + 2.0) * (current[entries] - average[entries])
            changed |= moved
        last_changed[changed] = count
        if count in ATTEMPTS:
            unsettled = (last_changed > count // 2)[problem.state_of]
            start = np.where(unsettled, average, current)
            gradient = progress.look(start, problem.worth(problem.evaluate(start)))
            used = np.where(unsettled, start > problem.slacks(gradient), one_each(problem, start))
            if supports.finish(problem, start, used, progress):
                return Status.CONVERGED
    return Status.CYCLING


def _best_response(
    problem: StochasticProblem, point: np.ndarray, player: int, progress: Progress, iterations: int = ITERATIONS
) -> tuple[np.ndarray, np.ndarray]:
    """Return the point after a best response of one player and its adversaries, and the states that it changed."""
    from powergames.kernels.stages import respond_best

    slack = ROUNDING / float(1.0 - problem.discounts[player])
    all_changed = np.zeros(problem.n_states, dtype=bool)
    values = None
    for _ in range(iterations):
        values = problem.evaluate_players(point, [player], values)
        point, changed = respond_best(*problem.layout, *problem.worth_to(player, values), point, player, slack)
        progress.step(f"best response of player {player}, {changed.sum()} of {problem.n_states} states changed")
        if not changed.any():
            break
        all_changed |= changed
    return point, all_changed
