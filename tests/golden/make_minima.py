"""Make minima.json and minima.npz with SciPy (float64, fixed seeds).

Run it from the root of the repository, in an environment of its own::

    python -m venv ../torch-venv
    ../torch-venv/bin/pip install torch==2.13.0 numpy scipy
    ../torch-venv/bin/python tests/golden/make_minima.py

Each problem is a network whose loss and penalty SciPy makes small from given weights;
PyTorch computes the function and its gradient. README.md tells more.
"""

import numpy as np
import torch
from make_golden import batch_loss, save
from scipy.optimize import minimize

PROBLEMS = {  # case: (inputs, layers, loss, rows, l2)
    "softmax_regression": (4, [["dense", 3, None]], "cross_entropy", 60, 0.01),
    "poisson_regression": (3, [["dense", 2, None]], "poisson", 80, 0.02),
    "network": (
        2,
        [["dense", 5, "tanh"], ["dense", 1, None]],
        "mean_squared_error",
        50,
        0.001,
    ),
}


def outputs(layers, parameters, x):
    for number, (_, _, activation) in enumerate(layers, start=1):
        W, b = parameters[f"dense_{number}.W"], parameters[f"dense_{number}.b"]
        x = x @ W + b
        x = torch.tanh(x) if activation else x
    return x


def minimum(layers, loss, l2, x, y, start):
    """The lowest value that SciPy finds, and where."""
    shapes = {name: value.shape for name, value in start.items()}

    def split(vector):
        pieces = torch.split(vector, [np.prod(shape) for shape in shapes.values()])
        return {
            name: piece.reshape(shape)
            for (name, shape), piece in zip(shapes.items(), pieces, strict=True)
        }

    def function(vector):
        w = torch.tensor(vector, requires_grad=True)
        parameters = split(w)
        value = batch_loss(loss, outputs(layers, parameters, x), y, None, {})
        squares = sum((v * v).sum() for n, v in parameters.items() if n.endswith("W"))
        value = value + l2 / 2 * squares
        (gradient,) = torch.autograd.grad(value, w)
        return value.item(), gradient.numpy()

    vector = np.concatenate([value.numpy().ravel() for value in start.values()])
    first = minimize(function, vector, jac=True, method="L-BFGS-B", options=LIMITS)
    last = minimize(function, first.x, jac=True, method="BFGS", options={"gtol": 1e-11})
    assert abs(first.fun - last.fun) < 1e-10
    assert np.abs(last.jac).max() < 1e-8
    return last.fun, split(torch.tensor(last.x))


LIMITS = {"maxiter": 5000, "maxfun": 50000, "ftol": 0, "gtol": 1e-9, "maxcor": 10}


def minima():
    cases = {}
    for seed, (case, (inputs, layers, loss, rows, l2)) in enumerate(PROBLEMS.items()):
        random = np.random.default_rng(500 + seed)
        x = random.normal(size=(rows, inputs)).round(3)
        slope = random.normal(size=(inputs, layers[-1][1]))
        if loss == "cross_entropy":
            noise = random.gumbel(size=(rows, 3))
            y = torch.tensor((x @ slope + noise).argmax(axis=1))
        elif loss == "poisson":
            y = torch.tensor(random.poisson(np.exp(0.5 * x @ slope)).astype(float))
        else:
            wave = np.sin(2 * x[:, :1]) * x[:, 1:] + 0.1 * random.normal(size=(rows, 1))
            y = torch.tensor(wave.round(3))
        start, width = {}, inputs
        for number, (_, units, _) in enumerate(layers, start=1):
            W = random.normal(size=(width, units)) / width**0.5
            start[f"dense_{number}.W"] = torch.tensor(W.round(3))
            start[f"dense_{number}.b"] = torch.tensor(0.1 * random.normal(size=units))
            width = units
        value, found = minimum(layers, loss, l2, torch.tensor(x), y, start)
        cases[case] = {
            "inputs": inputs,
            "layers": layers,
            "loss": loss,
            "l2": l2,
            "x": x,
            "y": y,
            "start": start,
            "value": value,
            "minimum": found,
        }
    return cases


if __name__ == "__main__":
    save("minima", minima())
