"""Power-regularized equilibria of games: computed exactly, certified independently.

Examples
--------
>>> import powergames as pg
>>> game = pg.load("stag_hunt")
>>> pg.solve(game, pg.PowerObjective(lam=0.5)).status.name
'CONVERGED'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Where each public name lives. Names are imported when first used, so that `import powergames` stays quick.
_HOMES = {
    "powergames.auditing": (
        "Audit",
        "Distance",
        "EstimatedPower",
        "HorizonAudit",
        "OffPolicy",
        "SampledAttack",
        "SampledAudit",
        "Unvisited",
        "audit",
        "estimated_power",
        "sampled_audit",
    ),
    "powergames.checking.certificate": ("Certificate",),
    "powergames.checking.certify": ("certify",),
    "powergames.checking.deviations": ("Deviation",),
    "powergames.environments": (
        "KitchenEvents",
        "OvercookedAI",
        "compile_overcooked",
        "count_states",
        "from_env",
        "from_openspiel",
        "kitchen_events",
        "to_pettingzoo",
    ),
    "powergames.errors": ("FormatError", "InputError"),
    "powergames.evaluation": (
        "Evaluation",
        "NormalFormEvaluation",
        "evaluate",
    ),
    "powergames.games": ("DeterministicGame", "NormalFormGame", "StochasticGame", "finite_horizon"),
    "powergames.io": (
        "from_nashpy",
        "from_pygambit",
        "load",
        "save",
        "to_nashpy",
        "to_pygambit",
    ),
    "powergames.learning": (
        "HistoryPoint",
        "TrainingPoint",
        "TrainingRun",
        "TrainingSweep",
        "train",
        "train_many",
        "train_sweep",
    ),
    "powergames.objectives": ("PowerObjective",),
    "powergames.power": ("PowerTable", "power_table"),
    "powergames.reporting": ("Report", "report"),
    "powergames.wider_power": ("CoalitionPower", "StepPower", "coalition_power", "step_power"),
    "powergames.results": (
        "Bifurcations",
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
    ),
    "powergames.checking.horizon": ("HorizonCertificate",),
    "powergames.checking.stochastic": ("StochasticCertificate",),
    "powergames.games.timed": ("TimedStrategy",),
    "powergames.horizon_evaluation": ("HorizonEvaluation",),
    "powergames.solvers": (
        "PureEquilibrium",
        "QuantalResponse",
        "QuantalResponsePath",
        "TeamPlan",
        "Trajectory",
        "bifurcations",
        "correlated",
        "logit_path",
        "pure_equilibria",
        "solve",
        "solve_all",
        "solve_batch",
        "solve_many",
        "stability",
        "sweep",
        "team_optimum",
        "trace",
    ),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = ["__version__", *sorted(_HOME_OF)]


def __getattr__(name: str) -> Any:
    if name == "wrappers":
        return import_module("powergames.wrappers")
    if name not in _HOME_OF:
        raise AttributeError(f"module 'powergames' has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__


if TYPE_CHECKING:
    from powergames import wrappers as wrappers
    from powergames.auditing import Audit as Audit
    from powergames.auditing import Distance as Distance
    from powergames.auditing import EstimatedPower as EstimatedPower
    from powergames.auditing import HorizonAudit as HorizonAudit
    from powergames.auditing import OffPolicy as OffPolicy
    from powergames.auditing import SampledAttack as SampledAttack
    from powergames.auditing import SampledAudit as SampledAudit
    from powergames.auditing import Unvisited as Unvisited
    from powergames.auditing import audit as audit
    from powergames.auditing import estimated_power as estimated_power
    from powergames.auditing import sampled_audit as sampled_audit
    from powergames.checking.certificate import Certificate as Certificate
    from powergames.checking.certify import certify as certify
    from powergames.checking.deviations import Deviation as Deviation
    from powergames.checking.horizon import HorizonCertificate as HorizonCertificate
    from powergames.checking.stochastic import StochasticCertificate as StochasticCertificate
    from powergames.environments import KitchenEvents as KitchenEvents
    from powergames.environments import OvercookedAI as OvercookedAI
    from powergames.environments import compile_overcooked as compile_overcooked
    from powergames.environments import count_states as count_states
    from powergames.environments import from_env as from_env
    from powergames.environments import from_openspiel as from_openspiel
    from powergames.environments import kitchen_events as kitchen_events
    from powergames.environments import to_pettingzoo as to_pettingzoo
    from powergames.errors import FormatError as FormatError
    from powergames.errors import InputError as InputError
    from powergames.evaluation import Evaluation as Evaluation
    from powergames.evaluation import NormalFormEvaluation as NormalFormEvaluation
    from powergames.evaluation import evaluate as evaluate
    from powergames.games import DeterministicGame as DeterministicGame
    from powergames.games import NormalFormGame as NormalFormGame
    from powergames.games import StochasticGame as StochasticGame
    from powergames.games import finite_horizon as finite_horizon
    from powergames.games.timed import TimedStrategy as TimedStrategy
    from powergames.horizon_evaluation import HorizonEvaluation as HorizonEvaluation
    from powergames.io import from_nashpy as from_nashpy
    from powergames.io import from_pygambit as from_pygambit
    from powergames.io import load as load
    from powergames.io import save as save
    from powergames.io import to_nashpy as to_nashpy
    from powergames.io import to_pygambit as to_pygambit
    from powergames.learning import HistoryPoint as HistoryPoint
    from powergames.learning import TrainingPoint as TrainingPoint
    from powergames.learning import TrainingRun as TrainingRun
    from powergames.learning import TrainingSweep as TrainingSweep
    from powergames.learning import train as train
    from powergames.learning import train_many as train_many
    from powergames.learning import train_sweep as train_sweep
    from powergames.objectives import PowerObjective as PowerObjective
    from powergames.power import PowerTable as PowerTable
    from powergames.power import power_table as power_table
    from powergames.reporting import Report as Report
    from powergames.reporting import report as report
    from powergames.results import Bifurcations as Bifurcations
    from powergames.results import Branch as Branch
    from powergames.results import CorrelatedEquilibrium as CorrelatedEquilibrium
    from powergames.results import Equilibrium as Equilibrium
    from powergames.results import EquilibriumSet as EquilibriumSet
    from powergames.results import Estimate as Estimate
    from powergames.results import HorizonEquilibrium as HorizonEquilibrium
    from powergames.results import HorizonTeamOptimum as HorizonTeamOptimum
    from powergames.results import LowerBound as LowerBound
    from powergames.results import ManyEquilibria as ManyEquilibria
    from powergames.results import Status as Status
    from powergames.results import StochasticEquilibrium as StochasticEquilibrium
    from powergames.results import StochasticEquilibriumSet as StochasticEquilibriumSet
    from powergames.results import SupportChange as SupportChange
    from powergames.results import Sweep as Sweep
    from powergames.results import SweepPoint as SweepPoint
    from powergames.results import TeamOptimum as TeamOptimum
    from powergames.results import Trace as Trace
    from powergames.results import TraceEvent as TraceEvent
    from powergames.solvers import PureEquilibrium as PureEquilibrium
    from powergames.solvers import QuantalResponse as QuantalResponse
    from powergames.solvers import QuantalResponsePath as QuantalResponsePath
    from powergames.solvers import TeamPlan as TeamPlan
    from powergames.solvers import Trajectory as Trajectory
    from powergames.solvers import bifurcations as bifurcations
    from powergames.solvers import correlated as correlated
    from powergames.solvers import logit_path as logit_path
    from powergames.solvers import pure_equilibria as pure_equilibria
    from powergames.solvers import solve as solve
    from powergames.solvers import solve_all as solve_all
    from powergames.solvers import solve_batch as solve_batch
    from powergames.solvers import solve_many as solve_many
    from powergames.solvers import sweep as sweep
    from powergames.solvers import team_optimum as team_optimum
    from powergames.solvers import trace as trace
    from powergames.wider_power import CoalitionPower as CoalitionPower
    from powergames.wider_power import StepPower as StepPower
    from powergames.wider_power import coalition_power as coalition_power
    from powergames.wider_power import step_power as step_power
