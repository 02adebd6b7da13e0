"""Explicit games and environments: play a game in PettingZoo, compile an environment into a game."""

from powergames.environments.compiler import StateCount, count_states, from_env
from powergames.environments.openspiel import from_openspiel
from powergames.environments.overcooked import KitchenEvents, OvercookedAI, compile_overcooked, kitchen_events
from powergames.environments.pettingzoo import to_pettingzoo

__all__ = [
    "KitchenEvents",
    "OvercookedAI",
    "StateCount",
    "compile_overcooked",
    "count_states",
    "from_env",
    "from_openspiel",
    "kitchen_events",
    "to_pettingzoo",
]
