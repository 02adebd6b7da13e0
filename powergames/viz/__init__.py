"""Charts of what powergames computes, as Altair charts: one specification for PNG, SVG and HTML.

Altair and vl-convert are the extra ``viz``; they are imported when the first chart is made.
"""

from __future__ import annotations

from powergames.viz.audits import off_policy as off_policy
from powergames.viz.bifurcations import bifurcation as bifurcation
from powergames.viz.files import EXTENSIONS as EXTENSIONS
from powergames.viz.files import PICTURES as PICTURES
from powergames.viz.files import check_extension as check_extension
from powergames.viz.files import save as save
from powergames.viz.frontiers import frontier as frontier
from powergames.viz.heatmaps import power_heatmap as power_heatmap
from powergames.viz.learning import learning_curves as learning_curves
from powergames.viz.networks import power_network as power_network
from powergames.viz.responses import best_responses as best_responses
from powergames.viz.trajectories import trajectory as trajectory
