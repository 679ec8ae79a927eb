"""Random Programs: NumPy formulas of the vocabulary, as the author of a layer writes.

Values stay of order one, so that what differs between two ways to compute them is
rounding.
"""

import random

import numpy as np

from pellucid.errors import PellucidError
from pellucid.ops import erf, note_uniform, scatter_add
from pellucid.program import Program
from pellucid.symbol import BOOL, FLOAT, INTEGER, NUMBER, Dim, Trace

CLASSES = 3


class Writer:
    """Writes one random Program.

    Parameters
    ----------
    seed : int
        Of the choices.
    columns : int
        Features of x.
    calls : int
        How many NumPy calls at least.
    """

    def __init__(self, seed, columns=4, calls=10):
        self.random, self.trace = random.Random(seed), Trace()
        self.columns, self.calls = columns, calls
        n, leaf = self.trace.batch, self.trace.leaf
        self.pool = [
            leaf("x", "a", (n, columns)),
            leaf("x", "b", (n, columns)),
            leaf("x", "r", (n, 1)),
            leaf("weight", "", (n,)),
            leaf("w", "c", (columns,)),
            leaf("w", "W", (columns, columns)),
            leaf("w", "V", (columns, 2)),
        ]
        self.y = leaf("y", "", (n,), INTEGER)
        self.mask = leaf("mask", "", (columns,), BOOL)
        self.scale = leaf("scale", "", (), NUMBER)

    def program(self):
        """Return the Program and the outputs that overwrite a leaf."""
        made = 0
        while made < self.calls:
            value = self._call()
            if value is not None and value.kind == FLOAT and 0 not in value.shape:
                self.pool.append(value)
                made += 1
        count = self.random.randint(1, 4)
        chosen = [self.pool[-1], *self.random.sample(self.pool, count)]
        shared = {}
        for i, symbol in enumerate(chosen):
            self.trace.outputs["out", str(i)] = symbol
            leaf = self._overwritten(symbol)
            if leaf is not None and leaf not in shared.values():
                shared["out", str(i)] = leaf
        return Program("random", self.trace), shared

    def _overwritten(self, symbol):
        """Return the leaf that an output overwrites now and then, as weights do."""
        if self.random.random() > 0.3:
            return None
        for leaf in self.pool[:7]:
            if leaf.shape == symbol.shape:
                return leaf.settings["vector"], leaf.settings["name"]
        return None

    # -- one call ----------------------------------------------------------------------

    def _call(self):
        kinds = (
            (self._unary, 5),
            (self._binary, 6),
            (self._reduction, 4),
            (self._choice, 3),
            (self._product, 2),
            (self._arrangement, 3),
            (self._number, 1),
            (self._gathered, 1),
            (self._classes, 1),
            (self._drawn, 0.5),
        )
        call = self.random.choices(*zip(*kinds, strict=True))[0]
        try:
            return call()
        # Shapes that do not fit, or that are not followed.
        except (PellucidError, IndexError):
            return None

    def _any(self):
        return self.random.choice(self.pool)

    def _recent(self):
        return self.random.choice(self.pool[-4:])

    def _one_of(self, *ways):
        return self.random.choice(ways)()

    def _unary(self):
        x = self._recent() if self.random.random() < 0.7 else self._any()
        return self._one_of(
            lambda: np.tanh(x),
            lambda: np.exp(-np.abs(x)),
            lambda: np.expm1(np.minimum(x, 0.5)),
            lambda: np.log(np.abs(x) + 0.1),
            lambda: np.log1p(np.abs(x)),
            lambda: erf(x),
            lambda: np.sqrt(np.abs(x) + 0.01),
            lambda: 0.1 * np.square(np.clip(x, -3.0, 3.0)),
            lambda: np.clip(x, -0.7, 1.1) ** 3,
            lambda: (np.abs(x) + 0.5) ** self.random.choice([2, 0.5, -1, 1.7]),
            lambda: np.reciprocal(1.0 + np.abs(x)),
            lambda: -x,
            lambda: np.sin(x) + np.cos(x),
            lambda: np.sign(x - 0.123),
            lambda: np.floor(x * 0.37 + 0.11),
            lambda: x.astype(x.dtype) * 0.5,
            lambda: np.full_like(x, 0.3),
        )

    def _binary(self):
        x, y = self._recent(), self._any()
        if self.random.random() < 0.5:
            x, y = y, x
        return self._one_of(
            lambda: x + y,
            lambda: x - y,
            lambda: np.clip(x, -2.0, 2.0) * np.clip(y, -2.0, 2.0),
            lambda: x / (1.0 + np.abs(y)),
            lambda: np.maximum(x, y),
            lambda: np.minimum(x, y * 0.5 + 0.1),
            lambda: 0.7 * x + 0.3 * y,
            lambda: np.clip(x, np.minimum(y, 0.0), 0.9),
        )

    def _reduction(self):
        x = self._recent()
        axis = self.random.choice([-1, 0, None, tuple(range(1, x.ndim))])
        if axis == 0 and x.ndim > 2:
            axis = tuple(range(x.ndim - 1))
        axis = None if axis == () else axis
        keep = self.random.random() < 0.5
        function = self.random.choice([np.sum, np.mean, np.max, np.min, np.sum])
        found = function(x, axis=axis, keepdims=keep)
        return np.tanh(0.1 * found) if function is np.sum else found

    def _condition(self, x):
        y = self._any()
        return self._one_of(
            lambda: x > 0.1234,
            lambda: x <= y + 0.777,
            lambda: (x > -0.5123) & (x < 0.5321),
            lambda: (x > 1.0123) | ~(y < 0.2531),
            lambda: x != 0.333,
            lambda: self.mask,
        )

    def _choice(self):
        x = self._recent()
        condition = self._condition(x)
        return self._one_of(
            lambda: np.where(condition, x, self._any()),
            lambda: np.where(condition, x * 0.5, 0.25),
            lambda: condition.astype(x.dtype) * x,
            lambda: condition * x,
            lambda: condition.astype(x.dtype),
            lambda: np.where(self._condition(x) & condition, 1.0, x),
        )

    def _product(self):
        x, y = self._any(), self._any()
        return self._one_of(
            lambda: np.tanh(0.5 * (x @ y)),
            lambda: 0.3 * (x @ y.T),
            lambda: np.tanh(0.1 * (x.T @ y)),
            lambda: np.tanh(0.1 * (x.reshape(-1, x.shape[-1]).T @ y)),
            lambda: np.tanh(0.2 * (x.T @ y.T)),
        )

    def _arrangement(self):
        x = self._recent()
        half = max(1, self.columns // 2)
        return self._one_of(
            lambda: x[:, None],
            lambda: x[:, 0],
            lambda: x[..., :half],
            lambda: x[:, min(1, self.columns - 1) :],
            lambda: x[..., None, :],
            lambda: np.concatenate([x, self._any()], axis=-1),
            lambda: np.concatenate([self._any(), x, x], axis=-1),
            lambda: x.reshape(x.shape[0], -1),
            lambda: x.reshape(-1),
            lambda: x.reshape(x.shape[0], half, -1),
            lambda: x.reshape(-1, half),
            lambda: x.T,
            lambda: np.transpose(x, (0, 1)),
            lambda: +x,
        )

    def _number(self):
        x = self._recent()
        return self._one_of(
            lambda: self.scale * x,
            lambda: x / (1.0 + self.scale**2),
            lambda: x * (1.0 - 0.9**self.scale),
            lambda: x / x.shape[0] * 3.7,
            lambda: (x.sum(axis=0) if x.ndim else x) / self.trace.batch,
        )

    def _gathered(self):
        x = self._any()
        if x.ndim and x.shape[0] in range(CLASSES, 99) and self.random.random() < 0.7:
            return self._one_of(
                lambda: x[self.y],
                lambda: x[self.y - 1],
                lambda: np.take(x, self.y[:, None], axis=0),
            )
        if x.ndim and x.shape[-1] in range(CLASSES, 99) and self.random.random() < 0.7:
            return np.take_along_axis(x, self.y[:, None] - 2, axis=-1)
        if x.shape[:-1] != self.y.shape:
            return None
        return np.tanh(0.1 * scatter_add(x, self.y - 1, 5))

    def _classes(self):
        x = self._recent()
        hot = np.arange(CLASSES) == self.y[:, None]
        long = np.arange(self.columns) == (self.y + 1)[:, None]
        return self._one_of(
            lambda: hot.astype(x.dtype),
            lambda: np.where(long, x, 0.0),
            lambda: self.y.astype(x.dtype) * 0.25,
            lambda: np.where(self.y > 1, x, 0.5),
        )

    def _drawn(self):
        x = self._recent()
        noise = lambda shape: note_uniform(self.trace, self.random.randint(0, 9), shape)  # noqa: E731
        return self._one_of(
            lambda: noise(x.shape) * x,
            lambda: np.where(noise((self.trace.batch, 1)) > 0.5, x, 0.1),
            lambda: (noise(x.shape) >= 0.3).astype(x.dtype),
            lambda: noise((self.columns,)) + x,
        )


def numbers_for(n, columns, seed=0, dtype="float64"):
    """Return what the leaves of a random Program stand for."""
    r = np.random.default_rng(seed)

    def normal(*shape):
        return r.normal(size=shape).astype(dtype)

    return {
        "x": {"a": normal(n, columns), "b": normal(n, columns), "r": normal(n, 1)},
        "w": {
            "c": normal(columns),
            "W": normal(columns, columns),
            "V": normal(columns, 2),
        },
        "weight": r.uniform(0.5, 1.5, n).astype(dtype),
        "y": r.integers(0, CLASSES, n),
        "mask": r.random(columns) > 0.5,
        "scale": 0.3125,
        "seed": 0x9E3779B97F4A7C15,
        "step": 5,
    }


__all__ = ["Dim", "Writer", "numbers_for"]
