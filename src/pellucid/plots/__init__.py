"""Pictures of data, training and networks.

Each function draws in an `Axes`, its own or a given one, and returns it; a picture of
several panels takes and returns a `Figure`. None changes the style of other pictures.
"""

from pellucid.plots.activation_curve import activation
from pellucid.plots.attribution_maps import occlusion, saliency
from pellucid.plots.bending import bending
from pellucid.plots.computation_graph import computation_graph
from pellucid.plots.confusion import confusion_matrix
from pellucid.plots.data_scatter import data
from pellucid.plots.dependence_curves import partial_dependence
from pellucid.plots.diagram import diagram, network
from pellucid.plots.diagram_svg import diagram_svg, network_svg
from pellucid.plots.filter_tiles import filters
from pellucid.plots.importance_bars import importance
from pellucid.plots.layer_courses import course
from pellucid.plots.layer_maps import activation_maps
from pellucid.plots.learning_rates import learning_rates
from pellucid.plots.loss_curves import history, metrics
from pellucid.plots.loss_landscape import loss_landscape
from pellucid.plots.neuron_maps import neuron_maps
from pellucid.plots.prediction_pairs import predictions
from pellucid.plots.pulls import pulls
from pellucid.plots.regions import decision_boundary
from pellucid.plots.reliability_diagram import calibration
from pellucid.plots.residual_dots import residuals
from pellucid.plots.weight_histograms import weights, weights_over_time

__all__ = [
    "activation",
    "activation_maps",
    "bending",
    "calibration",
    "computation_graph",
    "confusion_matrix",
    "course",
    "data",
    "decision_boundary",
    "diagram",
    "diagram_svg",
    "filters",
    "history",
    "importance",
    "learning_rates",
    "loss_landscape",
    "metrics",
    "network",
    "network_svg",
    "neuron_maps",
    "occlusion",
    "partial_dependence",
    "predictions",
    "pulls",
    "residuals",
    "saliency",
    "weights",
    "weights_over_time",
]
