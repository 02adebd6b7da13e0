"""Explicit games and environments: play a game in PettingZoo, compile an environment into a game."""

from powergames.environments.compiler import from_env
from powergames.environments.openspiel import from_openspiel
from powergames.environments.overcooked import compile_overcooked
from powergames.environments.pettingzoo import to_pettingzoo

__all__ = ["compile_overcooked", "from_env", "from_openspiel", "to_pettingzoo"]
