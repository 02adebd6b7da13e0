"""Explicit games and environments: play a game in PettingZoo, compile an environment into a game."""

from powergames.environments.compiler import StateCount, count_states, from_env
from powergames.environments.openspiel import from_openspiel
from powergames.environments.overcooked import compile_overcooked
from powergames.environments.pettingzoo import to_pettingzoo

__all__ = ["StateCount", "compile_overcooked", "count_states", "from_env", "from_openspiel", "to_pettingzoo"]
