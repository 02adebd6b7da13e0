"""Games: explicit, validated, immutable; and a catalog of named ones."""

from powergames.games.deterministic import DeterministicGame
from powergames.games.horizon import finite_horizon
from powergames.games.normal_form import NormalFormGame
from powergames.games.stochastic import StochasticGame

__all__ = ["DeterministicGame", "NormalFormGame", "StochasticGame", "finite_horizon"]
