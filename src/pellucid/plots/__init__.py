"""Pictures of data, training and networks.

Each function draws in an `Axes`, its own or a given one, and returns it; none changes
the style of other pictures.
"""

from pellucid.plots.activation_curve import activation
from pellucid.plots.attribution_maps import occlusion, saliency
from pellucid.plots.confusion import confusion_matrix
from pellucid.plots.data_scatter import data
from pellucid.plots.diagram import network
from pellucid.plots.diagram_svg import network_svg
from pellucid.plots.filter_tiles import filters
from pellucid.plots.layer_maps import activation_maps
from pellucid.plots.learning_rates import learning_rates
from pellucid.plots.loss_curves import history, metrics
from pellucid.plots.prediction_pairs import predictions
from pellucid.plots.regions import decision_boundary
from pellucid.plots.weight_histograms import weights, weights_over_time

__all__ = [
    "activation",
    "activation_maps",
    "confusion_matrix",
    "data",
    "decision_boundary",
    "filters",
    "history",
    "learning_rates",
    "metrics",
    "network",
    "network_svg",
    "occlusion",
    "predictions",
    "saliency",
    "weights",
    "weights_over_time",
]
