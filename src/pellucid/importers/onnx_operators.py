"""The operators of ONNX that are layers: one table.

``row(here, found)`` takes over a node, and returns the name of the value that it has
led to, "" if it cannot.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from pellucid import activations
from pellucid.activations import Activation
from pellucid.errors import ConfigurationError
from pellucid.importers.collected import Collected
from pellucid.layers import (
    BatchNorm,
    Conv1D,
    Conv2D,
    ConvTranspose2D,
    Embedding,
    GlobalAveragePool,
    GlobalMaxPool,
    GroupNorm,
    LayerNorm,
    Pad,
    PReLU,
    RMSNorm,
    UpSample,
)

Row = Callable[[Any, Collected], str]


def attributes(node: Any) -> dict[str, Any]:
    """Return the attributes of a node.

    Parameters
    ----------
    node : onnx.NodeProto
        A node.

    Returns
    -------
    dict
        Tensors as arrays.
    """
    from onnx import helper, numpy_helper

    found = {each.name: helper.get_attribute_value(each) for each in node.attribute}
    return {
        name: numpy_helper.to_array(value) if hasattr(value, "raw_data") else value
        for name, value in found.items()
    }


@dataclass(frozen=True)
class Here:
    """A node that takes a value.

    Parameters
    ----------
    graph : Graph
        The nodes around it.
    node : onnx.NodeProto
        The node.
    value : str
        Name of what it takes.
    """

    graph: Any
    node: Any
    value: str

    @property
    def how(self) -> dict[str, Any]:
        """The attributes of the node."""
        return attributes(self.node)

    @property
    def end(self) -> str:
        """Name of what the node makes."""
        return str(self.node.output[0])

    def constant(self, i: int) -> Any:
        """Return an input as an array.

        Parameters
        ----------
        i : int
            Which one, from 0.

        Returns
        -------
        ndarray or None
            None where it is left out.
        """
        if i >= len(self.node.input) or not self.node.input[i]:
            return None
        name = self.node.input[i]
        _must(name in self.graph.constants, f"its input {name!r} is no constant.")
        return self.graph.constants[name]


def _must(condition: bool, told: str) -> None:
    if not condition:
        raise ConfigurationError(told)


# -- products --------------------------------------------------------------------------


def _gemm(here: Here, found: Collected) -> str:
    how = here.how
    _must(
        not how.get("transA", 0) and here.node.input[0] == here.value,
        "it multiplies by data.",
    )
    W, b = here.constant(1), here.constant(2)
    W = (W.T if how.get("transB", 0) else W) * W.dtype.type(how.get("alpha", 1.0))
    if b is not None:
        b = np.broadcast_to(b, (1, W.shape[1]))[0] * W.dtype.type(how.get("beta", 1.0))
    found.dense(W, b)
    return here.end


def _matmul(here: Here, found: Collected) -> str:
    _must(here.node.input[0] == here.value, "it multiplies by data.")
    W = here.constant(1)
    _must(W.ndim == 2, f"a matrix of shape {W.shape}.")
    _must(not found.first or found.ndim == 2, "it works along the last axis of images.")
    takers = here.graph.takers.get(here.end, [])
    if (
        len(takers) == 1
        and takers[0].op_type == "Add"
        and here.end != here.graph.output
    ):
        other = [name for name in takers[0].input if name != here.end]
        b = here.graph.constants.get(other[0]) if other else None
        if b is not None and b.size == W.shape[1] == b.shape[-1]:
            found.dense(W, b.ravel())
            return str(takers[0].output[0])
    found.dense(W)
    return here.end


_AFFINE: dict[str, Callable[[Any, Any], Any]] = {
    "Add": lambda x, y: x + y,
    "Div": lambda x, y: x / y,
    "Mul": lambda x, y: x * y,
    "Sub": lambda x, y: x - y,
}


def _affine(here: Here, found: Collected) -> str:
    """Take over all of x + a, x - a, x * a, x / a in a row, feature by feature."""
    graph, node, value = here.graph, here.node, here.value
    features = 1 if found.first else found.ndim - 1
    ends = np.zeros(found.channels), np.ones(found.channels)
    while True:
        one, two = node.input
        other = graph.constants.get(two if one == value else one)
        if other is None or (one != value and node.op_type in ("Sub", "Div")):
            return ""
        shape = (1,) * (found.ndim - other.ndim) + other.shape
        lengths = {axis for axis, length in enumerate(shape) if length != 1}
        _must(
            len(shape) == found.ndim and lengths <= {features},
            f"its constant has shape {other.shape}, and not one number a feature.",
        )
        row, dtype = _AFFINE[node.op_type], other.dtype
        ends = row(ends[0], other.ravel()), row(ends[1], other.ravel())
        value = str(node.output[0])
        takers = graph.takers.get(value, [])
        if len(takers) != 1 or value == graph.output:
            break
        node = takers[0]
        if node.op_type not in _AFFINE or not set(node.input) & set(graph.constants):
            break
    found.affine((ends[1] - ends[0]).astype(dtype), ends[0].astype(dtype))
    return value


def _padding(how: dict[str, Any], axes: int) -> Any:
    automatic = how.get("auto_pad", b"NOTSET").decode()
    _must(automatic != "SAME_LOWER", "auto_pad=SAME_LOWER; pellucid has SAME_UPPER.")
    if automatic == "SAME_UPPER":
        return "same"
    pads = how.get("pads") or [0] * (2 * axes)
    return tuple((pads[i], pads[i + axes]) for i in range(axes))


def _along(how: dict[str, Any], name: str, axes: int) -> Any:
    values = tuple(how.get(name) or [1] * axes)
    return values if axes == 2 else values[0]


def _convolution(here: Here, found: Collected) -> str:
    how, axes = here.how, found.ndim - 2
    _must(found.first and axes in (1, 2), f"it gets shape {found.shape}.")
    W, b = here.constant(1), here.constant(2)
    W = np.moveaxis(W, (0, 1), (-1, -2))
    made: Any = Conv2D if axes == 2 else Conv1D
    layer = made(
        W.shape[-1],
        W.shape[:-2] if axes == 2 else W.shape[0],
        stride=_along(how, "strides", axes),
        dilation=_along(how, "dilations", axes),
        padding=_padding(how, axes),
        groups=how.get("group", 1),
        bias=b is not None,
    )
    found.add(layer, W=W, **({} if b is None else {"b": b}))
    return here.end


def _transposed(here: Here, found: Collected) -> str:
    how = here.how
    _must(found.first and found.ndim == 4, f"it gets shape {found.shape}.")
    automatic = how.get("auto_pad", b"NOTSET") == b"NOTSET"
    _must(automatic and "output_shape" not in how, "auto_pad or output_shape.")
    W, b = here.constant(1), here.constant(2)
    W, groups = W.transpose(2, 3, 1, 0), how.get("group", 1)
    more, sides = how.get("output_padding") or [0, 0], _padding(how, 2)
    _must(
        all(a <= side[1] for a, side in zip(more, sides, strict=True)),
        "output_padding makes more pixels than the filters reach.",
    )
    layer = ConvTranspose2D(
        W.shape[2] * groups,
        W.shape[:2],
        stride=_along(how, "strides", 2),
        dilation=_along(how, "dilations", 2),
        padding=tuple((s[0], s[1] - a) for s, a in zip(sides, more, strict=True)),
        groups=groups,
        bias=b is not None,
    )
    found.add(layer, W=W, **({} if b is None else {"b": b}))
    return here.end


def _written(setting: float) -> float:
    """Return a setting as it was before it became float32: 0.9, not 0.899999976."""
    return float(f"{setting:.6g}")


# -- normalization ---------------------------------------------------------------------


def _batch_norm(here: Here, found: Collected) -> str:
    how = here.how
    _must(found.first or found.ndim == 2, "channels are last, and it has them first.")
    scale, shift, mean, variance = (here.constant(i) for i in range(1, 5))
    # An epsilon of 0 may be one that has joined the variance.
    epsilon = how.get("epsilon", 1e-5) or 1e-30
    momentum = min(how.get("momentum", 0.9), 0.999)
    found.add(
        BatchNorm(_written(momentum), _written(epsilon)),
        scale=found.features(scale),
        shift=found.features(shift),
        mean=found.features(mean),
        variance=found.features(variance),
    )
    return here.end


def _layer_norm(here: Here, found: Collected) -> str:
    how = here.how
    last = how.get("axis", -1) % found.ndim == found.ndim - 1
    _must(last and (not found.first or found.ndim == 2), "its axis is not the last.")
    found.add(
        LayerNorm(_written(how.get("epsilon", 1e-5))),
        scale=found.features(here.constant(1)),
        shift=found.features(here.constant(2), 0.0),
    )
    return here.end


def _rms_norm(here: Here, found: Collected) -> str:
    how = here.how
    last = how.get("axis", -1) % found.ndim == found.ndim - 1
    _must(last and (not found.first or found.ndim == 2), "its axis is not the last.")
    layer = RMSNorm(_written(how.get("epsilon", 1e-5)))
    found.add(layer, scale=found.features(here.constant(1)))
    return here.end


def _group_norm(here: Here, found: Collected) -> str:
    how, groups = here.how, here.how["num_groups"]
    _must(found.first or found.ndim == 2, "channels are last, and it has them first.")
    numbers = [here.constant(1), here.constant(2)]
    if numbers[0].size == groups:  # as the first version of the operator had it
        numbers = [np.repeat(each, found.channels // groups) for each in numbers]
    scale, shift = map(found.features, numbers)
    layer = GroupNorm(groups, _written(how.get("epsilon", 1e-5)))
    found.add(layer, scale=scale, shift=shift)
    return here.end


def _prelu(here: Here, found: Collected) -> str:
    slope = here.constant(1)
    found.add(PReLU(), slope=found.features(slope))
    return here.end


def _softmax(activation: Activation) -> Row:
    def row(here: Here, found: Collected) -> str:
        axis = here.how.get("axis", -1) % found.ndim
        features = 1 if found.first else found.ndim - 1
        _must(axis == features, f"axis={axis} is not that of features.")
        found.activation(activation)
        return here.end

    return row


# -- pooling ---------------------------------------------------------------------------


def _pool(kind: str) -> Row:
    def row(here: Here, found: Collected) -> str:
        how, axes = here.how, found.ndim - 2
        _must(found.first, "channels are last, and it has them first.")
        _must(not how.get("ceil_mode", 0), "ceil_mode=1.")
        _must(set(how.get("dilations") or [1]) == {1}, "a dilation of the window.")
        size, padding = tuple(how["kernel_shape"]), _padding(how, axes)
        stride = tuple(how.get("strides") or [1] * axes)
        border = bool(how.get("count_include_pad", 0))
        found.pool(kind, size, stride, padding, border)
        return here.end

    return row


def _pool_all(made: Any) -> Row:
    def row(here: Here, found: Collected) -> str:
        found.pool_all(made(), keep=True)
        return here.end

    return row


def _reduced(made: Any) -> Row:
    def row(here: Here, found: Collected) -> str:
        how = here.how
        given = here.constant(1)
        axes = how.get("axes", ()) if given is None else given.tolist()
        places = range(2, found.ndim) if found.first else range(1, found.ndim - 1)
        right = sorted(a % found.ndim for a in axes) == list(places) and found.ndim > 2
        _must(right, f"axes={list(axes)} are not those of all places.")
        found.pool_all(made(), keep=bool(how.get("keepdims", 1)))
        return here.end

    return row


# -- shapes ----------------------------------------------------------------------------


def _flatten(here: Here, found: Collected) -> str:
    axis = here.how.get("axis", 1)
    _must(axis in (1, 1 - found.ndim), f"axis={axis}; it is the batch that stays.")
    found.flatten()
    return here.end


def _reshape(here: Here, found: Collected) -> str:
    shape = [int(length) for length in here.constant(1)]
    size = math.prod(found.shape)
    theirs = (found.shape[-1], *found.shape[:-1]) if found.first else found.shape
    rest = [theirs[i] if s == 0 else s for i, s in enumerate(shape[1:])]
    if -1 in rest:
        rest[rest.index(-1)] = size // -math.prod(rest)
    _must(
        math.prod(rest) == size, f"{shape} mixes the samples of a batch, or their rows."
    )
    if found.ndim == 2 and len(rest) in (2, 3) and here.graph.takes_first(here.end):
        found.unflatten((*rest[1:], rest[0]))
    else:
        found.reshape(tuple(rest))
    return here.end


def _squeezed(here: Here, found: Collected) -> str:
    _must(math.prod(found.shape[:-1]) == 1, f"shape {found.shape} of a sample.")
    given = here.constant(1)
    axes = here.how.get("axes", ()) if given is None else given.tolist()
    left = found.ndim - len(axes)
    _must(left == 2, "not all axes of places are taken away.")
    found.flatten()
    return here.end


def _transpose(here: Here, found: Collected) -> str:
    order = tuple(here.how.get("perm", ()))
    turned = {True: [(0, 2, 3, 1), (0, 2, 1)], False: [(0, 3, 1, 2), (0, 2, 1)]}
    right = len(order) == found.ndim and order in turned[found.first]
    _must(right, f"perm={order} is not between channels first and last.")
    found.first = not found.first
    return here.end


def _taken(here: Here, found: Collected) -> str:
    W = here.constant(0)
    right = here.node.input[1] == here.value and not here.how.get("axis", 0)
    _must(right and W.ndim == 2, "it is no table whose rows the data pick.")
    found.add(Embedding(*W.shape), W=W)
    return here.end


def _cast(here: Here, found: Collected) -> str:
    """Take over a change between types of whole numbers, which changes nothing."""
    return here.end if found.kind == "integer" else ""


def _padded(here: Here, found: Collected) -> str:
    how = here.how
    border = here.constant(2)
    zeros = how.get("mode", b"constant") == b"constant" and not np.any(border or 0)
    _must(zeros, "its border is not of zeros.")
    given = here.constant(1)
    pads = list(how["pads"] if given is None else given.tolist())
    sides = [(pads[i], pads[i + found.ndim]) for i in range(found.ndim)]
    features = sides.pop(1) if found.first else sides.pop()
    _must(features == sides[0] == (0, 0), "it pads samples or features.")
    _must(min(map(min, sides)) >= 0, "it cuts off.")
    found.add(Pad(tuple(sides[1:])))
    return here.end


def _resized(here: Here, found: Collected) -> str:
    how = here.how
    _must(how.get("mode", b"nearest") == b"nearest", "its mode is not nearest.")
    where = how.get("coordinate_transformation_mode", b"half_pixel")
    rounds = how.get("nearest_mode", b"round_prefer_floor")
    repeats = {(b"asymmetric", b"floor"), (b"half_pixel", b"round_prefer_floor")}
    _must(
        here.node.op_type == "Upsample" or (where, rounds) in repeats,
        f"{where.decode()} with {rounds.decode()} does not repeat pixels.",
    )
    old = here.node.op_type == "Upsample"
    scales, sizes = (
        here.constant(1 if old else 2),
        None if old else here.constant(3),
    )
    theirs = (1, found.channels, *found.shape[:-1])
    if scales is None or not scales.size:
        scales = np.asarray(sizes, float) / theirs
        scales[0] = 1
    if not found.first:
        scales = scales[[0, scales.size - 1, *range(1, scales.size - 1)]]
    whole = all(float(scale).is_integer() for scale in scales)
    _must(whole and scales[:2].tolist() == [1, 1], f"scales={scales.tolist()}.")
    factor = tuple(int(scale) for scale in scales[2:])
    found.add(UpSample(factor if len(factor) > 1 else factor[0]))
    return here.end


OPERATORS: dict[str, Row] = {
    **dict.fromkeys(_AFFINE, _affine),
    "AveragePool": _pool("average"),
    "BatchNormalization": _batch_norm,
    "Cast": _cast,
    "Conv": _convolution,
    "ConvTranspose": _transposed,
    "Flatten": _flatten,
    "Gather": _taken,
    "Gemm": _gemm,
    "GlobalAveragePool": _pool_all(GlobalAveragePool),
    "GlobalMaxPool": _pool_all(GlobalMaxPool),
    "GroupNormalization": _group_norm,
    "LayerNormalization": _layer_norm,
    "LogSoftmax": _softmax(activations.LogSoftmax()),
    "MatMul": _matmul,
    "MaxPool": _pool("max"),
    "PRelu": _prelu,
    "Pad": _padded,
    "RMSNormalization": _rms_norm,
    "ReduceMax": _reduced(GlobalMaxPool),
    "ReduceMean": _reduced(GlobalAveragePool),
    "Reshape": _reshape,
    "Resize": _resized,
    "Softmax": _softmax(activations.Softmax()),
    "Squeeze": _squeezed,
    "Transpose": _transpose,
    "Upsample": _resized,
}
