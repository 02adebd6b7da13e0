"""What the JSON documents of all results share."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

from powergames.games.deterministic import DeterministicGame
from powergames.games.kinds import AnyGame
from powergames.games.profiles import Profile
from powergames.games.stochastic import StochasticGame

SCHEMA = "powergames/1"


def game_header(game: AnyGame) -> dict[str, Any]:
    """Return the part of a JSON result that names the game."""
    if isinstance(game, DeterministicGame):
        return {
            "title": game.title,
            "kind": "stochastic",
            "players": list(game.players),
            "states": list(game.states),
            "actions": [list(own) for own in game.actions],
            "discount": [game.discount] * game.n_players,
        }
    header: dict[str, Any] = {"title": game.title, "kind": "normal-form", "players": list(game.players)}
    if isinstance(game, StochasticGame):
        by_state = game.actions_by_state
        names: Any = game.actions
        return header | {
            "kind": "stochastic",
            "states": list(game.states),
            "actions": [[list(own) for own in state] for state in names] if by_state else [list(own) for own in names],
            "discount": game.discounts.tolist(),
        }
    return header | {"actions": [list(names) for names in game.actions]}


def profile_value(game: StochasticGame, profile: Profile) -> list[list[list[float]]]:
    """Return a stationary profile as plain JSON values: for each player and state, the actions that the state has."""
    return [
        [row[:count].tolist() for row, count in zip(strategy, counts, strict=True)]
        for strategy, counts in zip(profile, game.n_actions.T.tolist(), strict=True)
    ]


def json_value(value: Any, exact: bool = False) -> Any:
    """Turn a document into what strict JSON can hold; if exact, floats too become fractions."""
    if isinstance(value, dict):
        return {key: json_value(entry, exact) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [json_value(entry, exact) for entry in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, float) and exact:
        return str(Fraction(repr(value)))
    return str(value) if isinstance(value, Fraction) else value
