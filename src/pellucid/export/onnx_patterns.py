"""Operations that together are one ONNX operator: Gemm, Conv, Sigmoid, Softmax...

A pattern is a formula in NumPy. It is written down as Symbols in the shape at hand, and
fits where a Program does the same operations in the same order. So a layer of anybody
is recognized by what it computes, and what is not recognized is written operation by
operation, which is never wrong.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import activations
from pellucid.export import onnx_operations as rows
from pellucid.export import onnx_windows
from pellucid.ops import shape_of
from pellucid.symbol import Symbol, Trace

Known = Mapping[int, NDArray[Any]]
Reading = tuple[Callable[..., None], tuple[Any, ...]]


def reading(node: Symbol, known: Known, double: bool) -> Reading | None:
    """Return the operator that a node is the last step of, and what goes into it.

    Parameters
    ----------
    node : Symbol
        An operation of a Program.
    known : mapping of int to ndarray
        What does not depend on the data, by the ids of the nodes.
    double : bool
        Whether the numbers are float64. Attributes of ONNX are float32, and some
        float64 kernels of ONNX Runtime lose digits: their formulas stay as they are.

    Returns
    -------
    tuple of (callable, tuple), or None
        A row as in `onnx_operations`, and its inputs.
    """
    formulas = _FORMULAS if double else (*_FORMULAS, *_FLOAT32_FORMULAS)
    for pattern in (*_PATTERNS.get(node.operation.name, ()), *formulas):
        found: Reading | None = pattern(node, known)
        if found is not None:
            return found
    return None


# -- a product and a bias --------------------------------------------------------------

_PRODUCTS = {
    "matmul": rows.product,
    "convolve": onnx_windows.convolution,
    "convolve_back": onnx_windows.transposed_convolution,
}


def _with_bias(node: Symbol, known: Known) -> Reading | None:
    product, bias = node.inputs
    if not isinstance(product, Symbol) or product.operation.name not in _PRODUCTS:
        return None
    if not isinstance(bias, Symbol) or bias.id not in known or len(bias.shape) != 1:
        return None
    row = _PRODUCTS[product.operation.name]

    def biased(writer: Any, last: Symbol, x: Any, W: Any, b: Any) -> None:
        row(writer, product, x, W, b, last)

    return biased, (*product.inputs, bias)


# -- a sum over a window, divided by its pixels ----------------------------------------


def _mean_of_windows(node: Symbol, known: Known) -> Reading | None:
    total, pixels = node.inputs
    if not isinstance(total, Symbol) or total.operation.name != "sum_windows":
        return None
    images, window = total.inputs[0], total.settings["window"]
    one = np.ones((1, *images.shape[1:3], 1))
    expected = total.operation.apply(one, window)
    if isinstance(pixels, Symbol):
        if pixels.id not in known:
            return None
        pixels = known[pixels.id]
    if not (np.asarray(pixels) == expected).all():
        return None

    def averaged(writer: Any, last: Symbol, x: Any) -> None:
        onnx_windows.average(writer, last, x, window, expected)

    return averaged, (images,)


_PATTERNS: dict[str, tuple[Callable[[Symbol, Known], Reading | None], ...]] = {
    "add": (_with_bias,),
    "divide": (_mean_of_windows,),
}

# -- formulas --------------------------------------------------------------------------


def _formula(
    function: Callable[..., Any], row: Callable[..., None], others: int = 0
) -> Callable[[Symbol, Known], Reading | None]:
    """Return a pattern that fits where a formula of x was computed.

    It has so many other arguments: known arrays (features,) or numbers.
    """
    last_step = _written(function, (2, 1), others).operation.name

    def pattern(node: Symbol, known: Known) -> Reading | None:
        if node.operation.name != last_step or not node.shape:
            return None
        formula = _written(function, node.shape, others)
        bound: dict[str, Any] = {}
        if not _same(formula, node, bound):
            return None
        x = bound[""]
        found = [bound[str(i)] for i in range(others)]
        for other in found:
            if isinstance(other, Symbol) and (
                other.id not in known or len(other.shape) != 1
            ):
                return None
        return (row, (x, *found)) if shape_of(x) == node.shape else None

    return pattern


def _written(function: Callable[..., Any], shape: Any, others: int) -> Symbol:
    trace = Trace()
    x = trace.leaf("x", "", shape)
    more = [trace.leaf("x", str(i), (shape[-1],)) for i in range(others)]
    formula: Symbol = function(x, *more)
    return formula


def _same(formula: Any, node: Any, bound: dict[str, Any]) -> bool:
    """Return whether a node computes a formula; note what its leaves stand for."""
    if not isinstance(formula, Symbol):
        return not isinstance(node, Symbol) and bool(formula == node)
    if formula.operation.group == "leaf":
        before = bound.setdefault(formula.settings["name"], node)
        return before is node
    return (
        isinstance(node, Symbol)
        and node.operation.name == formula.operation.name
        and repr(node.settings) == repr(formula.settings)
        and len(node.inputs) == len(formula.inputs)
        and all(
            _same(part, value, bound)
            for part, value in zip(formula.inputs, node.inputs, strict=True)
        )
    )


def _by_batch(
    x: Any, mean: Any, variance: Any, epsilon: Any, scale: Any, shift: Any
) -> Any:
    return scale * ((x - mean) / np.sqrt(variance + epsilon)) + shift


def _by_row(x: Any, epsilon: Any, scale: Any, shift: Any) -> Any:
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred * centred).mean(axis=-1, keepdims=True)
    return scale * (centred / np.sqrt(variance + epsilon)) + shift


def _leaky(z: Any, leak: Any) -> Any:
    return np.where(z > 0, z, leak * z)


def _elu(z: Any, alpha: Any) -> Any:
    return np.where(z > 0, z, alpha * np.expm1(np.minimum(z, 0.0)))


_FORMULAS = (
    _formula(_by_batch, rows.batch_normalization, 5),
    _formula(activations.ReLU().value, rows.unary("Relu")),
    _formula(_leaky, rows.leaky, 1),
    _formula(activations.Softsign().value, rows.unary("Softsign")),
    _formula(activations.softmax, rows.along_last("Softmax")),
    _formula(activations.LogSoftmax().value, rows.along_last("LogSoftmax")),
)
_FLOAT32_FORMULAS = (
    _formula(activations.sigmoid, rows.unary("Sigmoid")),
    _formula(activations.softplus, rows.unary("Softplus")),
    _formula(_elu, rows.elu, 1),
    _formula(_by_row, rows.layer_normalization, 3),
)
