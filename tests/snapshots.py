"""Everything a network is made of, as values that can be compared bit for bit."""

from dataclasses import asdict

import numpy as np


def bits(value):
    """Return arrays as their kind, shape and bytes, through lists and mappings."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, dict):
        return {key: bits(item) for key, item in value.items()}
    return [bits(item) for item in value] if isinstance(value, list | tuple) else value


def snapshot(net):
    """Return all that a network holds, but seconds and why it runs on this engine."""
    training = None
    if net.training is not None:
        training = asdict(net.training)
        history = training["history"]
        history.pop("seconds")
        history["engine"] = history["engine"].partition(":")[0]
    return {
        "layers": net.layers,
        "loss": net.loss,
        "dtype": net.dtype,
        "seed": net.seed,
        "frozen": net._frozen,
        "column": net._column,
        "weights": None if net._weights is None else bits(net.weights),
        "classes": None if net.classes is None else net.classes.tolist(),
        "training": bits(training),
    }
