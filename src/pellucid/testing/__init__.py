"""Proof that a part keeps its promises: one function for each kind of part.

``check_layer(MyLayer(4), input_shape=3)``

For the authors of layers, activations, losses, initializers, optimizers, schedules,
metrics and augmentations; pellucid's own are proven by the same functions. A broken
promise is an `AssertionError` that says which one, and where.
"""

from pellucid.testing.activations import check_activation
from pellucid.testing.augmentations import check_augmentation
from pellucid.testing.initializers import check_initializer
from pellucid.testing.layers import check_layer
from pellucid.testing.losses import check_loss
from pellucid.testing.metrics import check_metric
from pellucid.testing.optimizers import check_optimizer
from pellucid.testing.parts import check_part
from pellucid.testing.schedules import check_schedule

__all__ = [
    "check_activation",
    "check_augmentation",
    "check_initializer",
    "check_layer",
    "check_loss",
    "check_metric",
    "check_optimizer",
    "check_part",
    "check_schedule",
]
