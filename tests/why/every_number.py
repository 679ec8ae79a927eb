"""Networks of every kind, a step of each, and a walk over all of its numbers."""

import itertools

import numpy as np

from pellucid.activations import Activation
from pellucid.layer import Layer
from pellucid.layers import Dense, Dropout, Reshape
from pellucid.losses import Loss
from pellucid.network import NeuralNetwork
from pellucid.optimizers import Optimizer
from registers import ours
from test_contract import layer_samples, samples

FEATURES = 3


def networks():
    """Return networks by name, with every registered layer, activation and loss."""
    found = {}
    for name, kind in ours(Activation).items():
        for i, activation in enumerate(samples(kind)):
            layers, shape = [Dense(3, activation), Dense(2)], FEATURES
            found[f"{name} {i}"] = layers, shape, "sum_of_squares"
    for name, kind in ours(Layer).items():
        if name not in ours(Activation):
            for i, (layer, shape) in enumerate(layer_samples(kind, FEATURES)):
                found[f"{name} {i}"] = [layer], shape, "mean_squared_error"
    for name, kind in ours(Loss).items():
        for i, loss in enumerate(samples(kind)):
            found[f"{name} {i}"] = [Dense(3 * loss.per_target)], FEATURES, loss
            if loss.task == "numbers":
                wide = 2 * loss.per_target
                layers = [Dense(3 * wide), Reshape((3, wide)), Dropout(0.3)]
                found[f"{name} {i} of arrays"] = layers, FEATURES, loss
    return found


def optimizers():
    """Return optimizers by name, each with every setting that all have in common."""
    found = {}
    for name, kind in ours(Optimizer).items():
        every = [*samples(kind), kind(0.1, l1=0.01, l2=0.02, clip_norm=0.5)]
        every += [kind(0.1, clip_value=0.3, decay=0.05)]
        found |= {f"{name} {i}": optimizer for i, optimizer in enumerate(every)}
    return found


def data_for(network, n, seed=0):
    """Return inputs and targets of order one for a network."""
    r = np.random.default_rng(seed)
    blueprint = network.blueprint

    def inputs(name, given):
        if given.kind == "integer":
            return r.integers(0, blueprint.limits[name], (n, *given.shape))
        return r.normal(size=(n, *given.shape))

    given = blueprint.inputs
    x = (
        {name: inputs(name, each) for name, each in given.items()}
        if isinstance(given, dict)
        else inputs("", given)
    )
    if network.loss.task == "classes":
        return x, np.arange(n) % blueprint.outputs
    y = r.normal(size=(n, *blueprint.target_shape))
    if network.loss.task == "labels":
        return x, (y > 0).astype(float)
    return x, np.abs(y) if network.loss.link == "exp" else y


def step_of(layers, shape, loss, *, n=3, dtype="float64", **more):
    """Return a step of a network with these layers, from weights of order one."""
    network = NeuralNetwork(layers, loss=loss, input_shape=shape, dtype=dtype, seed=3)
    r = np.random.default_rng(1)
    vector = network.parameters.vector
    vector[...] += 0.3 * r.normal(size=vector.shape)
    return network.trace(*data_for(network, n), **more)


def addresses(step, most=None):
    """Yield the address of every number of a step, or of some of each array."""
    r = np.random.default_rng(0)
    for quantity in step._asking.quantities.by_name.values():
        places = list(itertools.product(*map(range, quantity.shape)))
        if most is not None and len(places) > most:
            places = [places[i] for i in r.permutation(len(places))[:most]]
        for index in places:
            yield quantity.address(index)


def wrong(step, most=None):
    """Return what is not right with the answers about a step's numbers, all of them.

    Every address leads back to its number; the formula gives the number; what has no
    terms is data, weight, memory, setting or random; every name in a formula is that
    of another number; what is called the same number is a single one.
    """
    found = []
    for address in addresses(step, most):
        answer = step.why(address)
        if answer.address != address:
            found.append(f"{address} came back as {answer.address}")
        if not answer.agrees():
            found.append(f"{address}: {answer.value} != {answer.recomputed}")
        if (answer.kind == "computed") != bool(answer.terms):
            alone = answer.expression.operation == "number"
            if not alone:
                found.append(f"{address} is {answer.kind} with terms {answer.terms}")
        if "the same number as" in answer.words and (
            not answer.expression.is_leaf or len(answer.terms) != 1
        ):
            found.append(f"{address} is not the same number: {answer.formula}")
        for leaf in answer.expression.leaves():
            if leaf.operation == "entry" and answer.terms:
                name = step._asking.quantities[leaf.name].address(leaf.index)
                if name == address:
                    found.append(f"{address} is explained by itself")
    return found
