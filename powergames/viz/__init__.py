"""Charts of what powergames computes, as Altair charts: one specification for PNG, SVG and HTML.

Kitchens of Overcooked are pictures drawn by Pillow. The extra ``viz`` brings Altair, vl-convert and Pillow; they are
imported when the first chart or picture is made.
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
from powergames.viz.kitchen_play import kitchen_frames as kitchen_frames
from powergames.viz.kitchen_play import kitchen_path as kitchen_path
from powergames.viz.kitchen_play import save_animation as save_animation
from powergames.viz.kitchen_play import save_strip as save_strip
from powergames.viz.kitchens import kitchen as kitchen
from powergames.viz.learning import learning_curves as learning_curves
from powergames.viz.learning import learning_sweep as learning_sweep
from powergames.viz.networks import power_network as power_network
from powergames.viz.responses import best_responses as best_responses
from powergames.viz.trajectories import trajectory as trajectory
