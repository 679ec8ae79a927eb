"""Whole numbers of 8 bits in the place of weights: how, and what it changes.

``x W ~ (x_q W_q) s_x s_W`` with ``x_q = round(x / s_x)`` and ``W_q = round(W / s_W)``,
all in [-127, 127]. Weights have one scale for each channel (the column of a matrix, the
filter of a convolution), inputs one for the whole array, from the largest number in
typical data. Sums are exact, in 32 bits. Everything else stays floating-point.
Source: Jacob et al., "Quantization and training of neural networks for efficient
integer-arithmetic-only inference", CVPR 2018 (here symmetric, without zero points).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid import tracing
from pellucid.errors import ConfigurationError, DataError
from pellucid.layout import Windows
from pellucid.program import Program
from pellucid.symbol import Symbol

if TYPE_CHECKING:
    from pellucid.network import NeuralNetwork

LARGEST = 127
# So many products of two such numbers have a sum that fits into 32 bits.
_TERMS = (2**31 - 1) // LARGEST**2


@dataclass(frozen=True)
class Quantized:
    """A matrix product or convolution in small whole numbers.

    Parameters
    ----------
    weights : ndarray of int8, shape of the weights
        ``W_q``.
    scales : ndarray, shape (channels,)
        What 1 stands for in the sums of each channel, ``s_x s_W``.
    input_scale : float
        What 1 stands for in the inputs, ``s_x``.
    """

    weights: NDArray[Any]
    scales: NDArray[Any]
    input_scale: float


@dataclass(frozen=True)
class Quantization:
    """The products of a network in small whole numbers, and what that changes.

    Parameters
    ----------
    products : dict of int to Quantized
        By the id of the operation in the Program of probabilities.
    samples : int
        How many samples it was measured on.
    largest, mean : float
        Of the absolute differences of the outputs.
    changed : int or None
        How many samples get another class; None where there are no classes.
    """

    products: dict[int, Quantized]
    samples: int
    largest: float
    mean: float
    changed: int | None

    def words(self) -> str:
        """Return the accuracy that is lost, in words."""
        words = (
            f"The weights of {len(self.products)} products are whole numbers of 8 "
            f"bits. On {self.samples:,} samples the outputs differ from the network's "
            f"by {self.mean:.2g} on average and by {self.largest:.2g} at most"
        )
        if self.changed is None:
            return f"{words}."
        share = self.changed / self.samples
        return f"{words}; {self.changed:,} samples ({share:.2%}) get another class."


def quantize(network: "NeuralNetwork", x: Any) -> Quantization:
    """Return a network's products in small whole numbers, measured on typical inputs.

    Parameters
    ----------
    network : NeuralNetwork
        With its numbers.
    x : array_like, shape (n, *input_shape)
        Typical inputs; what is larger later is cut off.

    Returns
    -------
    Quantization

    Raises
    ------
    ConfigurationError
        If there is no product of an input and weights in the network.
    DataError
        If there are no samples, or they are no inputs of the network.
    """
    batch, n, _ = network._inputs(x)
    if n == 0:
        raise DataError("x has no samples: int8=True needs some to find the scales.")
    program = tracing.probabilities(network.blueprint)
    weights = Windows(network.weights, network.blueprint.layout)
    given = {"x": batch, "w": weights}
    exact = program.values(given, n, network.dtype)
    products = {
        node.id: _quantized(node, exact) for node in program.nodes if _is_product(node)
    }
    if not products:
        raise ConfigurationError(
            "Nothing in this network can be stored in 8 bits: int8=True is for dense "
            "layers and convolutions."
        )
    rounded = _run(program, products, exact, n, network.dtype)
    (output,) = program.outputs.values()
    before, after = exact[output.id], rounded[output.id]
    differences = np.abs(before.astype(float) - after)
    changed = None
    if network.loss.task == "classes":
        changed = int((before.argmax(axis=-1) != after.argmax(axis=-1)).sum())
    return Quantization(
        products, n, float(differences.max()), float(differences.mean()), changed
    )


def _is_product(node: Symbol) -> bool:
    """Return whether an operation multiplies an input by weights."""
    if node.operation.name not in ("matmul", "convolve"):
        return False
    x, W = node.inputs
    leaf = W.operation.group == "leaf" and W.settings["vector"] == "w"
    of_data = not (x.operation.group == "leaf" and x.settings["vector"] == "w")
    return leaf and of_data and math.prod(W.shape[:-1]) <= _TERMS


def _quantized(node: Symbol, values: Mapping[int, Any]) -> Quantized:
    x, W = (values[value.id] for value in node.inputs)
    input_scale = float(np.abs(x).max()) / LARGEST or 1.0
    each = np.abs(W).max(axis=tuple(range(W.ndim - 1))) / LARGEST
    each = np.where(each == 0, 1, each)
    small = np.rint(W / each).astype(np.int8)
    return Quantized(small, (each * input_scale).astype(W.dtype), input_scale)


def _run(
    program: Program,
    products: Mapping[int, Quantized],
    exact: Mapping[int, Any],
    n: int,
    dtype: Any,
) -> dict[int, Any]:
    """Return the values of all nodes, with the products in small whole numbers."""
    values = {leaf.id: exact[leaf.id] for leaf in program.leaves}
    for node in program.operations:
        given = {v.id: values[v.id] for v in node.inputs if isinstance(v, Symbol)}
        if node.id not in products:
            values |= program.again(exact, given, [node.id], n, dtype)
            continue
        found = products[node.id]
        x = given[node.inputs[0].id] * dtype.type(1 / found.input_scale)
        small = np.rint(np.clip(x, -LARGEST, LARGEST))
        # float64 holds the sums of these products exactly.
        both = (small.astype(float), found.weights.astype(float))
        total = node.operation.apply(*both, **node.settings)
        values[node.id] = total.astype(dtype) * found.scales
    return values
