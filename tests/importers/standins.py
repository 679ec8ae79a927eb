"""Objects that look to the importers like layers of PyTorch and Keras."""

import numpy as np

from golden import load

TOLERANCE = {"float32": 1e-5, "float64": 1e-6}


def stand_in(kind, **attributes):
    """Return an object of a class of that name with these attributes."""
    return type(kind, (), attributes)()


def torch_chain(*layers):
    """Return a stand-in for nn.Sequential."""
    return stand_in("Sequential", _modules={str(i): x for i, x in enumerate(layers)})


def keras_chain(*layers, shape=(None, 2)):
    """Return a stand-in for keras.Sequential."""
    return stand_in("Sequential", layers=list(layers), input_shape=shape)


def linear(inputs, outputs, dtype="float32"):
    """Return a stand-in for nn.Linear with weights of its own."""
    W = np.linspace(-1, 1, inputs * outputs, dtype=dtype).reshape(outputs, inputs)
    b = np.linspace(0.1, 0.3, outputs, dtype=dtype)
    return stand_in("Linear", in_features=inputs, weight=W, bias=b)


def golden_cases(library):
    """Return the golden cases of a library by name."""
    cases = load("imported")
    return {name: case for name, case in cases.items() if name.startswith(library)}


def rebuilt(kept, dtype):
    """Return the stand-in of a golden network, with arrays of a type."""
    attributes = {
        name: _value(value, dtype) for name, value in kept["attributes"].items()
    }
    children = {key: rebuilt(child, dtype) for key, child in kept["children"].items()}
    if children:
        attributes |= {"_modules": children, "layers": list(children.values())}
    return stand_in(kept["class"], **attributes)


def _value(value, dtype):
    if isinstance(value, np.ndarray):
        return Variable(value.astype(dtype))
    if isinstance(value, dict):
        low, high = value["values"]

        def function(x):
            return np.where(x < 0, low, high).astype(np.float32)

        function.__name__ = value["function"]
        return staticmethod(function)
    return value


class Variable:
    """Numbers as libraries hand them out: not an array, but with ``numpy()``."""

    def __init__(self, array):
        self._array = array

    def numpy(self):
        return self._array


def agree(network, case, dtype):
    """Compare the predictions with those of the library."""
    x, wanted = case["x"], case[dtype]
    x = x if x.dtype.kind == "i" else x.astype(dtype)
    found = network.feedforward(x)
    assert network.dtype == dtype
    assert network.loss.label == case["loss"]
    assert found.shape == wanted.shape
    tolerance = TOLERANCE[dtype]
    least = tolerance * np.abs(wanted).max()
    np.testing.assert_allclose(found, wanted, rtol=tolerance, atol=least)
