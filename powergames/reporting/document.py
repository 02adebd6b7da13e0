"""The numbers of a page as one JSON document: that of a sweep, and what the page shows besides."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, cast

import numpy as np

from powergames.auditing.departures import least_values, off_policy
from powergames.games.labels import StateNames
from powergames.games.normal_form import NormalFormGame
from powergames.games.stochastic import StochasticGame
from powergames.power import plain, power_table
from powergames.reporting.schedule import Solved
from powergames.reporting.tables import payoff_table, stage_table, state_layout
from powergames.results import SCHEMA, Equilibrium, StochasticEquilibrium, Sweep, SweepPoint, game_header, json_value

# States that a page shows: those visited most.
MOST_STATES = 40

# States up to which a page draws which follow which.
MOST_DRAWN = 12

# Cells up to which a page draws a grid.
MOST_CELLS = 400

# Deviations are left out of games with more actions, payoffs or states than this.
MOST_DEVIATIONS, MOST_PAYOFFS, MOST_STATES_LEFT = 300, 200_000, 1000

# Whatever is given for each state, ``[i][s]``.
_BY_STATE = ("profile", "task", "utility")


def build(solved: Solved, title: str, thinned: int = 1, deviations: bool = True) -> dict[str, Any]:
    """Return the document of a page.

    Parameters
    ----------
    solved : Solved
    title : str
    thinned : int, default 1
        Keep the first of so many λ, the critical ones if there are few, and the last one.
    deviations : bool, default True
        Whether to work out what happens when a player leaves a solution.

    Returns
    -------
    dict
        ``schema``, ``game`` and ``points`` as ``powergames sweep --json`` prints them. Each certified equilibrium has
        in addition ``charged_power``, the power over each player as the objective counts it; ``what_if[j][a]``, what
        everybody gets if player `j` plays action `a` instead; in stochastic games ``off_policy`` and ``worst``.
        ``report`` has the payoffs and how the page came about. Large stochastic games are cut down to the states that
        ``report.states`` lists.
    """
    path = solved.path
    game = path.game
    points = _thinned(solved, thinned)
    deviations = deviations and _deviations_are_few(game)
    documents = []
    for point in points:
        document = point.to_dict()
        for equilibrium, values in zip(point.equilibria, document["equilibria"], strict=True):
            if equilibrium.converged:
                values |= _additions(equilibrium, deviations)
        documents.append(document)
    header, states = game_header(game), None
    if isinstance(game, StochasticGame):
        states = _states_shown(path)
        if len(states) < game.n_states:
            _cut(documents, header, states, game)
    document = {
        "schema": SCHEMA,
        "game": header,
        "points": documents,
        "report": {
            "title": title,
            "all_equilibria": solved.every,
            "shortened": solved.shortened or thinned > 1,
            "deviations": deviations,
            "lams": [str(point.objective.exact_lam) for point in points],
            "intervals": solved.intervals,
            "scales": plain(game.value_scale if isinstance(game, StochasticGame) else game.payoff_scale),
            **_tables(path, states),
        },
    }
    return cast("dict[str, Any]", json_value(document))


def _thinned(solved: Solved, thinned: int) -> list[SweepPoint]:
    points = solved.path.points
    critical = set() if solved.intervals is None else {Fraction(lam) for lam in solved.intervals["critical"]}
    if len(critical) * thinned > len(points):
        critical = set()
    return [
        point
        for k, point in enumerate(points)
        if k % thinned == 0 or k == len(points) - 1 or point.objective.exact_lam in critical
    ]


def _deviations_are_few(game: NormalFormGame | StochasticGame) -> bool:
    if isinstance(game, StochasticGame):
        return sum(game.max_actions) <= MOST_DEVIATIONS and game.n_states <= MOST_STATES_LEFT
    return sum(game.n_actions) <= MOST_DEVIATIONS and game.payoffs.size <= MOST_PAYOFFS


def _additions(equilibrium: Equilibrium | StochasticEquilibrium, deviations: bool) -> dict[str, Any]:
    objective = equilibrium.objective
    if isinstance(equilibrium, StochasticEquilibrium):
        charged = objective.aggregate_power(equilibrium.evaluation.average_power)
        added: dict[str, Any] = {"charged_power": plain(charged)}
        return added | (_stochastic_deviations(equilibrium) if deviations else {})
    added = {"charged_power": plain(objective.aggregate_power(equilibrium.power))}
    return added | ({"what_if": _what_if(equilibrium)} if deviations else {})


def _what_if(equilibrium: Equilibrium) -> list[list[dict[str, Any]]]:
    """Everybody's payoff and utility for each action that one player could play instead."""
    game, objective, profile = equilibrium.game, equilibrium.objective, equilibrium.profile
    result: list[list[dict[str, Any]]] = []
    for j, size in enumerate(game.n_actions):
        result.append([])
        for pure in np.eye(size):
            table = power_table(game, (*profile[:j], pure, *profile[j + 1 :]))
            utility = objective.utility(table.task, table.power)
            result[-1].append({"task": plain(table.task), "utility": plain(utility)})
    return result


def _stochastic_deviations(equilibrium: StochasticEquilibrium) -> dict[str, Any]:
    game = equilibrium.game
    found = off_policy(game, equilibrium.profile)
    frozen = [[d for d in found if d.deviator == j and d.kind == "freeze"] for j in range(game.n_players)]
    return {
        "what_if": [[{"task": plain(d.task), "start_task": plain(d.start_task)} for d in own] for own in frozen],
        "off_policy": [
            {"deviator": d.deviator, "how": d.label, "against": d.against, "start_task": plain(d.start_task)}
            for d in found
            if d.kind != "freeze"
        ],
        "worst": {label: plain(values) for label, values in least_values(found, game.n_players).items()},
    }


def _states_shown(path: Sweep) -> list[int]:
    """The states that a page shows, in order: all, or those visited most in some solution."""
    game = cast("StochasticGame", path.game)
    if game.n_states <= MOST_STATES:
        return list(range(game.n_states))
    visited = game.start.copy()
    for point in path:
        for equilibrium in point.equilibria:
            visited = np.maximum(visited, equilibrium.evaluation.occupancy.max(axis=0))
    return sorted(np.argsort(-visited, kind="stable")[:MOST_STATES].tolist())


def _cut(documents: list[dict[str, Any]], header: dict[str, Any], states: list[int], game: StochasticGame) -> None:
    """Keep only some states of whatever the documents hold."""

    def of(by_state: list[Any]) -> list[Any]:
        return [by_state[s] for s in states]

    header["states"] = of(header["states"])
    if game.actions_by_state:
        header["actions"] = of(header["actions"])
    for document in documents:
        for values in document["equilibria"]:
            values |= {key: [of(own) for own in values[key]] for key in _BY_STATE}
            values["power"] = of(values["power"])
            certificate = values["certificate"]
            certificate |= {key: [of(own) for own in certificate[key]] for key in ("regrets", "lower_bound")}
            for own in values.get("what_if", ()):
                for deviation in own:
                    deviation["task"] = [of(task) for task in deviation["task"]]


def _tables(path: Sweep, states: list[int] | None) -> dict[str, Any]:
    """The payoffs of the game, or of each state shown."""
    game = path.game
    profiles = [e.profile for point in path for e in point.equilibria if e.converged]
    if not isinstance(game, StochasticGame):
        return {"payoffs": payoff_table(game, profiles)}
    assert states is not None
    stages = [stage_table(game, s, profiles) for s in states]
    return {
        "states": states,
        "n_states": game.n_states,
        "start": game.start[states].tolist(),
        "stages": stages,
        "layout": state_layout(game) if game.n_states <= MOST_DRAWN else None,
        "scenes": _scenes(game, states),
    }


def _scenes(game: StochasticGame, states: list[int]) -> dict[str, Any] | None:
    """The states shown on their grid: its rows, and the pieces of each state; None if there is no grid."""
    names = game.states
    scenes = [names.scene(s) for s in states] if isinstance(names, StateNames) else []
    drawn = [scene for scene in scenes if scene is not None]
    if not drawn or len(drawn) < len(scenes) or len(drawn[0].rows) * len(drawn[0].rows[0]) > MOST_CELLS:
        return None
    return {"rows": drawn[0].rows, "pieces": [[piece._asdict() for piece in scene.pieces] for scene in drawn]}
