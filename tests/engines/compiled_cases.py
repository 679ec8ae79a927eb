"""Networks to try both engines on: every registered part is in one of them."""

import numpy as np

from pellucid.activations import Activation
from pellucid.blueprint import build
from pellucid.engines.readable import ReadableEngine, scale_of
from pellucid.layer import Layer
from pellucid.layers import Dense, Dropout, Reshape
from pellucid.layers.inputs import Input
from pellucid.layout import Windows
from pellucid.losses import Loss, SumOfSquares
from pellucid.network import NeuralNetwork
from pellucid.optimizers import Optimizer
from pellucid.rng import make_key
from registers import ours
from test_contract import layer_samples, samples

FEATURES, STEP, KEY = 4, 3, make_key(0, "noise")


def blueprints():
    """Return networks by name."""
    found = {}
    for name, kind in ours(Activation).items():
        for i, activation in enumerate(samples(kind)):
            layers = (Dense(3, activation), Dense(2))
            found[f"{name} {i}"] = build(layers, SumOfSquares(), Input(FEATURES))
    for name, kind in ours(Layer).items():
        if name in ours(Activation):
            continue
        for i, (layer, shape) in enumerate(layer_samples(kind, FEATURES)):
            network = NeuralNetwork(
                [layer], loss="mean_squared_error", input_shape=shape
            )
            found[f"{name} {i}"] = network.blueprint
    for name, kind in ours(Loss).items():
        for i, loss in enumerate(samples(kind)):
            layers = (Dense(3 * loss.per_target),)
            found[f"{name} {i}"] = build(layers, loss, Input(FEATURES))
            if loss.task == "numbers":
                each = 2 * loss.per_target
                layers = (Dense(3 * each), Reshape((3, each)), Dropout(0.3))
                several = build(layers, loss, Input(FEATURES))
                found[f"{name} {i} of arrays"] = several
    return found


def optimizers():
    """Return optimizers by what they are, and each with every common setting."""
    found = {}
    for name, kind in ours(Optimizer).items():
        every = [*samples(kind), kind(0.1, l1=0.01, l2=0.02, clip_norm=0.5)]
        every += [kind(0.1, clip_value=0.3, decay=0.05)]
        found |= {f"{name} {i}": optimizer for i, optimizer in enumerate(every)}
    return found


def numbers_for(blueprint, n, dtype="float64", seed=0):
    """Return weights, inputs, targets and sample weights, of order one."""
    r = np.random.default_rng(seed)

    def normal(*shape):
        return r.normal(size=shape).astype("float32").astype(dtype)

    def inputs(given):
        if given.kind == "integer":
            return r.integers(0, 2, (n, *given.shape))
        return normal(n, *given.shape)

    given = blueprint.inputs
    if isinstance(given, Input):
        x = inputs(given)
    else:
        x = {name: inputs(each) for name, each in given.items()}
    if blueprint.loss.task == "classes":
        y = r.integers(0, blueprint.outputs, n)
    else:
        y = np.maximum(normal(n, *blueprint.target_shape), blueprint.loss.least)
        y = y.astype(dtype)
        if blueprint.loss.task == "labels":
            y = (y > 0).astype(dtype)
    weights = 0.5 * normal(blueprint.layout.size)
    for entry in blueprint.layout.entries.values():
        if entry.slot.role == "state":  # a variance is positive
            count = entry.stop - entry.start
            weights[entry.start : entry.stop] = 0.5 + abs(normal(count))
    weight = (r.integers(1, 7, n) / 4).astype(dtype)
    return weights, x, y, weight


def leaves_for(blueprint, weights, x, y, weight, total=None):
    """Return what the leaves of a blueprint's Programs stand for."""
    total = float(weight.sum(dtype=float)) if total is None else total
    return {
        "x": x,
        "y": y,
        "weight": weight,
        "w": dict(Windows(weights, blueprint.layout)),
        "scale": scale_of(blueprint, total),
        "seed": KEY,
        "step": STEP,
    }


def readable(blueprint, dtype, weights, x, y, weight):
    """Return what the readable engine says: loss, gradients and state by place."""
    scale = scale_of(blueprint, float(weight.sum(dtype=float)))
    engine = ReadableEngine(blueprint, dtype)
    found = engine.backprop(weights, x, y, weight, scale, key=KEY, step=STEP)
    state = Windows(found.state, blueprint.layout.state)
    return {
        ("loss", ""): np.asarray(found.loss),
        **{("g", name): g for name, g in found.gradients.items()},
        **{("state", name): s for name, s in state.items()},
    }


def far_apart(found, wanted, tolerance):
    """Return where two sets of arrays differ by more than a share of their size."""
    size = max(float(np.abs(v).max(initial=0)) for v in wanted.values())
    apart = {}
    for place, value in wanted.items():
        assert found[place].shape == np.shape(value), place
        error = np.abs(found[place] - value).max(initial=0)
        largest = max(np.abs(value).max(initial=0), 1e-3 * size)
        if not error <= tolerance * largest:
            apart[place] = (error, largest)
    return apart
