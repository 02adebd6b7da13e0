"""Overcooked compiled into explicit games: layouts, rules, states and the search."""

from powergames.environments.overcooked.compiler import compile_overcooked
from powergames.environments.overcooked.events import KitchenEvents, kitchen_events
from powergames.environments.overcooked.kitchen import Kitchen
from powergames.environments.overcooked.layouts import LAYOUTS, Layout
from powergames.environments.overcooked.library import OvercookedAI
from powergames.environments.overcooked.states import KitchenStates

__all__ = [
    "LAYOUTS",
    "Kitchen",
    "KitchenEvents",
    "KitchenStates",
    "Layout",
    "OvercookedAI",
    "compile_overcooked",
    "kitchen_events",
]
