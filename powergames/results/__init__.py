"""What a solver returns: frozen values that carry the question, the answer and its certificate."""

from __future__ import annotations

from powergames.results.bifurcations import Bifurcations, Branch
from powergames.results.correlated import CorrelatedEquilibrium
from powergames.results.documents import SCHEMA, game_header, json_value
from powergames.results.equilibria import Equilibrium, StochasticEquilibrium
from powergames.results.estimates import Estimate, LowerBound
from powergames.results.horizons import HorizonEquilibrium
from powergames.results.many import ManyEquilibria
from powergames.results.sets import Box, EquilibriumSet, StochasticEquilibriumSet
from powergames.results.stability import Stability
from powergames.results.status import Status
from powergames.results.sweeps import Sweep, SweepPoint
from powergames.results.teams import HorizonTeamOptimum, TeamOptimum
from powergames.results.traces import SupportChange, Trace, TraceEvent

__all__ = [
    "SCHEMA",
    "Bifurcations",
    "Box",
    "Branch",
    "CorrelatedEquilibrium",
    "Equilibrium",
    "EquilibriumSet",
    "Estimate",
    "HorizonEquilibrium",
    "HorizonTeamOptimum",
    "LowerBound",
    "ManyEquilibria",
    "Stability",
    "Status",
    "StochasticEquilibrium",
    "StochasticEquilibriumSet",
    "SupportChange",
    "Sweep",
    "SweepPoint",
    "TeamOptimum",
    "Trace",
    "TraceEvent",
    "game_header",
    "json_value",
]
