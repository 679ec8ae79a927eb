"""Layers of random formulas: what the twins of somebody's own layer have to be."""

import random

import numpy as np

from pellucid.convolution import Window
from pellucid.layer import Layer
from pellucid.layers import Input
from pellucid.layout import Slot
from pellucid.network import NeuralNetwork
from pellucid.ops import (
    convolve,
    convolve_back,
    max_windows,
    spread_windows,
    sum_windows,
)

WAYS = ("one", "two", "shape", "slice", "sum", "join", "product", "image", "choice")


class Wild(Layer, abstract=True):
    """A random formula of the vocabulary, the same for the same seed."""

    seed: int
    calls: int = 12

    def slots(self, shape):
        return {
            "c": Slot((4,), "normal"),
            "W": Slot((4, 4), "glorot_uniform"),
            "F": Slot((2, 2, 1, 2), "glorot_uniform"),
        }

    def forward(self, x, p, memo):
        chosen = random.Random(self.seed)
        numbers, whole = (x["x"], x["i"]) if isinstance(x, dict) else (x, None)
        pool = [numbers, numbers[:, 0, :], p.c * numbers]
        used = []
        for _ in range(self.calls):
            used.append(self.one(chosen, pool, whole, p))
            pool.append(used[-1])
        memo.z = used[len(used) // 2]
        n = numbers.shape[0]
        flat = [value.reshape(n, -1) for value in (memo.z, *used[-3:])]
        return np.concatenate(flat, axis=1)

    def one(self, chosen, pool, whole, p):
        """Return the result of one more operation on what is there."""
        a = chosen.choice(pool[-4:])
        way = chosen.choice(WAYS)
        if way == "one":
            function = chosen.choice([np.tanh, np.sin, np.absolute, np.square, np.exp])
            return np.tanh(function(a))
        if way == "two":
            b = chosen.choice([v for v in pool if v.shape == a.shape])
            function = chosen.choice([np.add, np.subtract, np.multiply, np.maximum])
            return np.where(a > b, function(a, b), a - 0.5)
        if way == "shape" and a.ndim > 2:
            order = [0, *chosen.sample(range(1, a.ndim), a.ndim - 1)]
            if chosen.random() < 0.5:
                return np.transpose(a, tuple(order))
            return a.reshape(a.shape[0], -1)
        if way == "slice":
            step = chosen.choice([1, -1])
            start = chosen.choice([None, 0, -1] if step < 0 else [None, 0])
            return a[..., start::step]
        if way == "sum":
            function = chosen.choice([np.sum, np.mean, np.max, np.min])
            found = function(a, axis=-1, keepdims=True)
            return np.tanh(a - found)
        if way == "join":
            other = chosen.choice([v for v in pool if v.shape[:-1] == a.shape[:-1]])
            if chosen.random() < 0.3:
                return np.pad(a, ((0, 0),) * (a.ndim - 1) + ((1, 2),))
            return np.concatenate([a, other * 0.5], axis=-1)[..., :5]
        if way == "product" and a.shape[-1] == 4:
            return np.tanh(a @ p.W + p.c)
        if way == "image":
            return self.image(chosen, a, p)
        if way == "choice" and whole is not None:
            rows = np.take(p.W, whole, axis=0)
            if a.ndim == 2 and a.shape[-1] > 3:
                return np.take_along_axis(a, whole, axis=-1)
            return rows if chosen.random() < 0.5 else np.where(rows > 0, rows, 0.5)
        return a * 0.5 + 0.25

    def image(self, chosen, a, p):
        """Return something with windows of a value seen as an image of one channel."""
        if a.ndim != 3 or a.shape[1] < 2 or a.shape[2] < 2:
            return a - 0.25
        image = a.reshape(*a.shape, 1)
        height, width = a.shape[1:]
        window = chosen.choice(
            [Window((2, 2)), Window((2, 2), (2, 1), ((0, 1), (1, 0))), Window((2, 1))]
        )
        way = chosen.choice(["convolve", "back", "max", "sum", "spread"])
        if way == "convolve":
            full = Window((2, 2), (1, 1), ((1, 1), (0, 1)))
            return np.tanh(convolve(image, p.F, full)[..., 1])
        if way == "back":
            double = Window((2, 2), (2, 2))
            two = np.concatenate([image, -image], axis=-1)
            size = (2 * height, 2 * width)
            return np.tanh(convolve_back(two, p.F, double, size)[:, ::2, 1::2, 0])
        if way == "max":
            return max_windows(image, window)[..., 0]
        if way == "sum":
            return np.tanh(sum_windows(image, window))[..., 0]
        block = Window((1, 2), (1, 2))
        return spread_windows(image, block, (height, 2 * width))[:, :, 1:-1, 0]


def wild(seed, dtype="float64"):
    """Return a network of one such layer."""
    shape = {"x": (3, 4), "i": Input((2,), "integer")} if seed % 3 == 0 else (3, 4)
    network = NeuralNetwork(
        [Wild(seed)], loss="sum_of_squares", input_shape=shape, dtype=dtype
    )
    if seed % 3 == 0:
        network.blueprint.limits["i"] = 4
    return network
