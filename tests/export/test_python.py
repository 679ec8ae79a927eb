"""The NumPy program of a network: it runs alone, and computes and learns the same."""

import copy
import subprocess
import sys

import numpy as np
import pytest

from compiled_cases import blueprints, optimizers
from pellucid.export import files, source
from pellucid.export.proof import prove
from pellucid.layers import BatchNorm, Dense, Dropout
from pellucid.layout import Layout
from pellucid.network import NeuralNetwork
from pellucid.optimizers import Adam, GradientDescent

NETWORKS, OPTIMIZERS = blueprints(), optimizers()
CLOSE = {"float64": 1e-12, "float32": 1e-5}


def network_of(blueprint, dtype="float64"):
    """Return a network with a blueprint that is there already."""
    network = NeuralNetwork([Dense(1)], loss=blueprint.loss, dtype=dtype, seed=1)
    network._build(blueprint.inputs) if False else None
    return network
