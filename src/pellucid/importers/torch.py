"""Networks of PyTorch: nn.Sequential of the layers that the catalogue has, too."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from pellucid import activations
from pellucid.activations import Activation
from pellucid.errors import ConfigurationError, PellucidError
from pellucid.importers.collected import Collected
from pellucid.importers.foreign import as_numbers, known_as, refused
from pellucid.layers import (
    BatchNorm,
    Conv1D,
    Conv2D,
    ConvTranspose2D,
    Dropout,
    Embedding,
    GlobalAveragePool,
    GlobalMaxPool,
    GroupNorm,
    Input,
    LayerNorm,
    Pad,
    PReLU,
    RMSNorm,
    SpatialDropout,
    UpSample,
)
from pellucid.network import NeuralNetwork


def from_torch(
    module: Any, *, input_shape: Any = None, loss: Any = None
) -> NeuralNetwork:
    """Return a network that predicts what a ``Sequential`` of PyTorch does in ``eval``.

    Images and sequences are handed in with their channels last, (n, height, width,
    channels) and (n, length, channels): ``x.transpose(0, 2, 3, 1)`` of what PyTorch
    takes. Filters, and the rows of a Linear after Flatten, are put into that order.

    Parameters
    ----------
    module : torch.nn.Sequential or a single layer
        Nested ones, too. It is read as it is in ``eval()``.
    input_shape : int, tuple of int, optional
        Shape of one sample as pellucid has it, (height, width, channels) for images;
        told by the first layer where that is a Linear or an Embedding (then the number
        of whole numbers in a sample is needed).
    loss : Loss or str, optional
        ``"cross_entropy"`` after a softmax, ``"binary_cross_entropy"`` after a sigmoid,
        ``"mean_squared_error"`` otherwise. PyTorch's own loss is no part of its
        networks: say it where the last layer gives logits.

    Returns
    -------
    NeuralNetwork
        Of the dtype of the weights.

    Raises
    ------
    ConfigurationError
        If the shape cannot be told, or a layer has no counterpart; it is named with its
        place.

    Examples
    --------
    Three classes, whose logits PyTorch's CrossEntropyLoss took::

        net = pellucid.from_torch(model, loss="cross_entropy")
        net.predict_proba(x)
    """
    layers = list(_inside(module, ""))
    for place, layer in layers:
        if _name(layer) is None:
            raise refused(type(layer).__name__, place, LAYERS)
    found = _started(layers, input_shape)
    for place, layer in layers:
        _take_over(layer, place, found)
    return found.network(loss)


def _inside(module: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield the layers of nested Sequentials with their places."""
    if not known_as(module, ("Sequential",), "forward"):
        yield f"Layer {path}" if path else "The module", module
        return
    children = getattr(module, "_modules", None)
    pairs = children.items() if children is not None else enumerate(module)
    for name, child in pairs:
        yield from _inside(child, f"{path}.{name}" if path else str(name))


def _started(layers: list[tuple[str, Any]], shape: Any) -> Collected:
    """Return nothing but the input."""
    if not layers:
        raise ConfigurationError("The Sequential is empty.")
    embeds = _name(layers[0][1]) == "Embedding"
    if shape is not None:
        given = shape if isinstance(shape, Input) else Input(shape)
        kind = "integer" if embeds else "number"
        return Collected(given.shape, len(given.shape) > 1 and not embeds, kind)
    for place, layer in layers:
        name = _name(layer)
        if name in ("Linear", "BatchNorm1d"):
            size = getattr(layer, "in_features", None) or layer.num_features
            return Collected((int(size),))
        if name in ("Flatten", "Identity") or (name or "").startswith("Dropout"):
            continue
        wanted = {
            "Embedding": "the number of whole numbers in a sample",
            "Conv1d": f"(length, {getattr(layer, 'in_channels', 'channels')})",
        }.get(
            name or "", f"(height, width, {getattr(layer, 'in_channels', 'channels')})"
        )
        raise ConfigurationError(
            f"{place}, {type(layer).__name__}, does not tell the shape of its input: "
            f"give input_shape={wanted}"
            + ("." if embeds else ", channels last, as pellucid has them.")
        )
    raise ConfigurationError("No layer tells the shape of the input: give input_shape.")


def _name(layer: Any) -> str | None:
    return known_as(layer, LAYERS, "forward")


def _take_over(layer: Any, place: str, found: Collected) -> None:
    try:
        LAYERS[_name(layer) or ""](layer, found)
    except (PellucidError, AttributeError) as error:
        raise refused(type(layer).__name__, place, LAYERS, error) from error


def _must(condition: bool, told: str) -> None:
    if not condition:
        raise ConfigurationError(told)


# -- layers with weights ---------------------------------------------------------------


def _bias(layer: Any) -> dict[str, Any]:
    return {} if layer.bias is None else {"b": as_numbers(layer.bias)}


def _linear(layer: Any, found: Collected) -> None:
    _must(
        not found.first or found.ndim == 2,
        "a Linear on images or sequences works along their last axis, which pellucid "
        "has elsewhere; put Flatten before it.",
    )
    found.dense(as_numbers(layer.weight).T, layer.bias)


def _padding(layer: Any, axes: int) -> Any:
    if isinstance(layer.padding, str):
        if layer.padding == "valid":
            return 0
        # PyTorch has "same" at a stride of 1 only, an odd pixel at the end, as here.
        return "same"
    pads = _each(layer.padding, axes)
    return tuple((pad, pad) for pad in pads)


def _each(value: Any, axes: int) -> tuple[int, ...]:
    values = value if isinstance(value, tuple | list) else (value,) * axes
    return tuple(int(v) for v in values)


def _convolution(layer: Any, found: Collected) -> None:
    mode = getattr(layer, "padding_mode", "zeros")
    _must(mode == "zeros", f"padding_mode={mode!r}; pellucid pads with zeros.")
    W = np.moveaxis(as_numbers(layer.weight), (0, 1), (-1, -2))
    axes = W.ndim - 2
    kind: Any = Conv1D if axes == 1 else Conv2D
    stride, dilation = _each(layer.stride, axes), _each(layer.dilation, axes)
    found.add(
        kind(
            W.shape[-1],
            W.shape[:-2] if axes == 2 else W.shape[0],
            stride=stride if axes == 2 else stride[0],
            dilation=dilation if axes == 2 else dilation[0],
            padding=_padding(layer, axes),
            groups=int(layer.groups),
            bias=layer.bias is not None,
        ),
        W=W,
        **_bias(layer),
    )


def _transposed(layer: Any, found: Collected) -> None:
    mode = getattr(layer, "padding_mode", "zeros")
    _must(mode == "zeros", f"padding_mode={mode!r}; pellucid pads with zeros.")
    more, stride = _each(layer.output_padding, 2), _each(layer.stride, 2)
    pads, dilation = _each(layer.padding, 2), _each(layer.dilation, 2)
    _must(
        all(a <= p for a, p in zip(more, pads, strict=True)),
        f"output_padding={layer.output_padding} with padding={layer.padding} makes "
        "more pixels than the filters reach.",
    )
    # PyTorch has (channels in, channels out / groups, height, width).
    W = as_numbers(layer.weight).transpose(2, 3, 1, 0)
    found.add(
        ConvTranspose2D(
            W.shape[2] * int(layer.groups),
            W.shape[:2],
            stride=stride,
            dilation=dilation,
            padding=tuple((p, p - a) for p, a in zip(pads, more, strict=True)),
            groups=int(layer.groups),
            bias=layer.bias is not None,
        ),
        W=W,
        **_bias(layer),
    )


def _batch_norm(layer: Any, found: Collected) -> None:
    _must(
        layer.running_mean is not None,
        "it keeps no running statistics (track_running_stats=False).",
    )
    momentum = 0.1 if layer.momentum is None else float(layer.momentum)
    found.add(
        BatchNorm(1.0 - momentum, float(layer.eps)),
        scale=found.features(layer.weight, 1.0),
        shift=found.features(layer.bias, 0.0),
        mean=found.features(layer.running_mean),
        variance=found.features(layer.running_var),
    )


def _over_features(layer: Any, found: Collected) -> None:
    shape = _each(layer.normalized_shape, 1)
    _must(
        len(shape) == 1 and not (found.first and found.ndim > 2),
        f"normalized_shape={shape} of images or sequences; pellucid normalizes along "
        "the features of each place.",
    )


def _layer_norm(layer: Any, found: Collected) -> None:
    _over_features(layer, found)
    found.add(
        LayerNorm(float(layer.eps)),
        scale=found.features(layer.weight, 1.0),
        shift=found.features(getattr(layer, "bias", None), 0.0),
    )


def _rms_norm(layer: Any, found: Collected) -> None:
    _over_features(layer, found)
    scale = found.features(layer.weight, 1.0)
    epsilon = np.finfo(scale.dtype).eps if layer.eps is None else layer.eps
    found.add(RMSNorm(float(epsilon)), scale=scale)


def _group_norm(layer: Any, found: Collected) -> None:
    _must(
        found.order is None or int(layer.num_groups) == 1,
        "its groups would be others, because pellucid flattens with channels last.",
    )
    found.add(
        GroupNorm(int(layer.num_groups), float(layer.eps)),
        scale=found.features(layer.weight, 1.0),
        shift=found.features(layer.bias, 0.0),
    )


def _instance_norm(layer: Any, found: Collected) -> None:
    _must(not layer.track_running_stats, "it uses running statistics.")
    found.add(
        GroupNorm(found.channels, float(layer.eps)),
        scale=found.features(layer.weight, 1.0),
        shift=found.features(layer.bias, 0.0),
    )


def _embedding(layer: Any, found: Collected) -> None:
    _must(layer.max_norm is None, "max_norm is set, which changes its table in use.")
    W = as_numbers(layer.weight)
    found.add(Embedding(*W.shape), W=W)


def _prelu(layer: Any, found: Collected) -> None:
    found.add(PReLU(), slope=found.features(layer.weight))


# -- layers without --------------------------------------------------------------------


def _flatten(layer: Any, found: Collected) -> None:
    start, end = int(layer.start_dim), int(layer.end_dim)
    _must(
        start == 1 and end in (-1, found.ndim - 1),
        f"start_dim={start}, end_dim={end}; pellucid flattens all but the batch.",
    )
    found.flatten()


def _unflatten(layer: Any, found: Collected) -> None:
    shape = tuple(int(length) for length in layer.unflattened_size)
    _must(
        layer.dim in (1, -1) and found.ndim == 2 and len(shape) in (2, 3),
        f"dim={layer.dim} to {shape}; rows can become images or sequences.",
    )
    found.unflatten((*shape[1:], shape[0]))


def _identity(layer: Any, found: Collected) -> None:
    pass


def _axes_of_places(found: Collected) -> int:
    rows = found.ndim == 2
    _must(not rows, f"it takes images or sequences, and gets rows of {found.shape[0]}.")
    return found.ndim - 2


def _pool(kind: str) -> Callable[[Any, Collected], None]:
    def take_over(layer: Any, found: Collected) -> None:
        axes = _axes_of_places(found)
        size, stride = _each(layer.kernel_size, axes), _each(layer.stride, axes)
        _must(
            set(_each(getattr(layer, "dilation", 1), axes)) == {1},
            "a dilation of the pooling window.",
        )
        _must(
            getattr(layer, "divisor_override", None) is None,
            "divisor_override is set.",
        )
        pads = _each(layer.padding, axes)
        places = zip(found.shape, size, stride, pads, strict=False)
        exact = all((n + 2 * p - k) % s == 0 for n, k, s, p in places)
        _must(
            exact or not layer.ceil_mode,
            "ceil_mode=True lets windows reach over the edge.",
        )
        sides = tuple((pad, pad) for pad in pads)
        border = bool(getattr(layer, "count_include_pad", False))
        found.pool(kind, size, stride, sides, border)

    return take_over


def _adaptive(kind: str) -> Callable[[Any, Collected], None]:
    def take_over(layer: Any, found: Collected) -> None:
        axes, wanted = _axes_of_places(found), layer.output_size
        given = wanted if isinstance(wanted, tuple | list) else (wanted,) * axes
        lengths = found.shape[:-1]
        places = [
            n if want is None else int(want)
            for n, want in zip(lengths, given, strict=True)
        ]
        if set(places) == {1}:
            pool = GlobalMaxPool() if kind == "max" else GlobalAveragePool()
            found.pool_all(pool, keep=True)
            return
        _must(
            all(n % places == 0 for n, places in zip(lengths, places, strict=True)),
            f"{lengths} places cannot be split into {tuple(places)} equal windows.",
        )
        size = tuple(n // count for n, count in zip(lengths, places, strict=True))
        found.pool(kind, size, size, 0)

    return take_over


def _along(activation: Activation) -> Callable[[Any, Collected], None]:
    def take_over(layer: Any, found: Collected) -> None:
        features = 1 if found.first else found.ndim - 1
        dim = getattr(layer, "dim", 1)
        dim = features if dim is None else int(dim) % found.ndim
        _must(dim == features, f"dim={dim} is not the axis of features.")
        found.activation(activation)

    return take_over


def _plain(activation: Activation) -> Callable[[Any, Collected], None]:
    return lambda layer, found: found.activation(activation)


def _softplus(layer: Any, found: Collected) -> None:
    _must(layer.beta == 1, f"beta={layer.beta}; pellucid's softplus has beta 1.")
    found.activation(activations.Softplus())


def _hard_tanh(layer: Any, found: Collected) -> None:
    ends = layer.min_val, layer.max_val
    _must(ends == (-1, 1), f"the limits {ends}; pellucid's are -1 and 1.")
    found.activation(activations.HardTanh())


def _gelu(layer: Any, found: Collected) -> None:
    found.activation(activations.GELU(layer.approximate == "tanh"))


def _leaky(layer: Any, found: Collected) -> None:
    found.activation(activations.LeakyReLU(float(layer.negative_slope)))


def _elu(layer: Any, found: Collected) -> None:
    found.activation(activations.ELU(float(layer.alpha)))


def _up_sample(layer: Any, found: Collected) -> None:
    mode, factor = layer.mode, layer.scale_factor
    _must(mode == "nearest", f"mode={mode!r}; pellucid repeats pixels (nearest).")
    if factor is None:
        size = _each(layer.size, found.ndim - 2)
        pairs = zip(size, found.shape, strict=False)
        factor = tuple(length / n for length, n in pairs)
    given = factor if isinstance(factor, tuple | list) else (factor,) * (found.ndim - 2)
    _must(all(float(f).is_integer() for f in given), f"scale_factor={factor}.")
    factors = tuple(int(f) for f in given)
    found.add(UpSample(factors if len(factors) > 1 else factors[0]))


def _zero_pad(layer: Any, found: Collected) -> None:
    value = getattr(layer, "value", 0)
    _must(value == 0, f"a border of {value}; pellucid pads with zeros.")
    pads = _each(layer.padding, 2 * (found.ndim - 2))
    _must(min(pads) >= 0, f"padding={pads} cuts off.")
    sides = [(pads[i], pads[i + 1]) for i in range(0, len(pads), 2)]
    found.add(Pad(tuple(reversed(sides))))


def _dropout(kind: Any) -> Callable[[Any, Collected], None]:
    return lambda layer, found: found.add(kind(float(layer.p)))


LAYERS: dict[str, Callable[[Any, Collected], None]] = {
    "AdaptiveAvgPool1d": _adaptive("average"),
    "AdaptiveAvgPool2d": _adaptive("average"),
    "AdaptiveMaxPool1d": _adaptive("max"),
    "AdaptiveMaxPool2d": _adaptive("max"),
    "AvgPool1d": _pool("average"),
    "AvgPool2d": _pool("average"),
    "BatchNorm1d": _batch_norm,
    "BatchNorm2d": _batch_norm,
    "ConstantPad1d": _zero_pad,
    "ConstantPad2d": _zero_pad,
    "Conv1d": _convolution,
    "Conv2d": _convolution,
    "ConvTranspose2d": _transposed,
    "Dropout": _dropout(Dropout),
    "Dropout1d": _dropout(SpatialDropout),
    "Dropout2d": _dropout(SpatialDropout),
    "ELU": _elu,
    "Embedding": _embedding,
    "Flatten": _flatten,
    "GELU": _gelu,
    "GroupNorm": _group_norm,
    "Hardsigmoid": lambda layer, found: found.hard_sigmoid(),
    "Hardtanh": _hard_tanh,
    "Identity": _identity,
    "InstanceNorm1d": _instance_norm,
    "InstanceNorm2d": _instance_norm,
    "LayerNorm": _layer_norm,
    "LeakyReLU": _leaky,
    "Linear": _linear,
    "LogSoftmax": _along(activations.LogSoftmax()),
    "MaxPool1d": _pool("max"),
    "MaxPool2d": _pool("max"),
    "Mish": _plain(activations.Mish()),
    "PReLU": _prelu,
    "RMSNorm": _rms_norm,
    "ReLU": _plain(activations.ReLU()),
    "SELU": _plain(activations.SELU()),
    "SiLU": _plain(activations.SiLU()),
    "Sigmoid": _plain(activations.Sigmoid()),
    "Softmax": _along(activations.Softmax()),
    "Softmax2d": _plain(activations.Softmax()),
    "Softplus": _softplus,
    "Softsign": _plain(activations.Softsign()),
    "Tanh": _plain(activations.Tanh()),
    "Unflatten": _unflatten,
    "Upsample": _up_sample,
    "UpsamplingNearest2d": _up_sample,
    "ZeroPad1d": _zero_pad,
    "ZeroPad2d": _zero_pad,
}
