"""Networks of Keras: Sequential models of the layers that the catalogue has, too."""

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
    DepthwiseConv2D,
    Dropout,
    Embedding,
    GaussianNoise,
    GlobalAveragePool,
    GlobalMaxPool,
    GroupNorm,
    Input,
    LayerNorm,
    Pad,
    PReLU,
    Rescale,
    RMSNorm,
    SeparableConv2D,
    SpatialDropout,
    UpSample,
)
from pellucid.network import NeuralNetwork


def from_keras(
    model: Any, *, input_shape: Any = None, loss: Any = None
) -> NeuralNetwork:
    """Return a network that predicts what a ``Sequential`` of Keras does.

    Keras has channels last, as pellucid has, so images stay as they are. Layers keep
    their names.

    Parameters
    ----------
    model : keras.Sequential
        Built, so that it has weights; nested ones, too.
    input_shape : int, tuple of int, optional
        Shape of one sample, (height, width, channels) for images; the model's own by
        default.
    loss : Loss or str, optional
        ``"cross_entropy"`` after a softmax, ``"binary_cross_entropy"`` after a sigmoid,
        ``"mean_squared_error"`` otherwise.

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
    A model of Keras goes on in pellucid, and is then one file of C::

        net = pellucid.from_keras(model)
        net.export("model.c")
    """
    layers = list(_inside(model, ""))
    names = [known_as(layer, LAYERS, "call") for _, layer in layers]
    for name, (place, layer) in zip(names, layers, strict=True):
        if name is None:
            raise refused(type(layer).__name__, place, LAYERS)
    found = _started(model, names, input_shape)
    for name, (place, layer) in zip(names, layers, strict=True):
        try:
            _must(
                getattr(layer, "data_format", None) != "channels_first",
                "data_format='channels_first'; only channels last are taken over.",
            )
            LAYERS[name or ""](layer, found)
        except (PellucidError, AttributeError) as error:
            raise refused(type(layer).__name__, place, LAYERS, error) from error
    return found.network(loss)


def _inside(model: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield the layers of nested Sequentials with their places."""
    if not known_as(model, ("Sequential",), "call"):
        yield f"Layer {path}" if path else "The model", model
        return
    for i, layer in enumerate(model.layers):
        name = getattr(layer, "name", None) or str(i)
        yield from _inside(layer, f"{path}.{name}" if path else f"{i} {name!r}")


def _started(model: Any, names: list[str | None], shape: Any) -> Collected:
    """Return nothing but the input."""
    if shape is None:
        batch = getattr(model, "input_shape", None)
        if batch is None or any(length is None for length in batch[1:]):
            raise ConfigurationError(
                f"The model takes inputs of shape {batch}: give input_shape, the shape "
                "of one sample."
            )
        shape = tuple(int(length) for length in batch[1:])
    given = shape if isinstance(shape, Input) else Input(shape)
    first = next((name for name in names if name != "InputLayer"), None)
    kind = "integer" if first == "Embedding" else "number"
    return Collected(given.shape, kind=kind)


def _must(condition: bool, told: str) -> None:
    if not condition:
        raise ConfigurationError(told)


# -- activations -----------------------------------------------------------------------

_BY_NAME: dict[str, Activation] = {
    "linear": activations.Identity(),
    "relu": activations.ReLU(),
    "sigmoid": activations.Sigmoid(),
    "tanh": activations.Tanh(),
    "softmax": activations.Softmax(),
    "log_softmax": activations.LogSoftmax(),
    "softplus": activations.Softplus(),
    "softsign": activations.Softsign(),
    "elu": activations.ELU(),
    "selu": activations.SELU(),
    "silu": activations.SiLU(),
    "swish": activations.SiLU(),
    "mish": activations.Mish(),
    "gelu": activations.GELU(),
    "exponential": activations.Exp(),
    "hard_tanh": activations.HardTanh(),
}


def _activate(given: Any, found: Collected) -> None:
    """Apply the activation of a layer: a function, a layer, or nothing."""
    if given is None:
        return
    name = known_as(given, LAYERS, "call")
    if name is not None:
        LAYERS[name](given, found)
        return
    name = getattr(given, "__name__", type(given).__name__)
    if name == "hard_sigmoid":
        # Keras 3 has the slope 1/6, Keras 2 had 1/5.
        slope = float(as_numbers(given(np.ones(1, np.float32)))[0]) - 0.5
        found.hard_sigmoid(0.2 if abs(slope - 0.2) < 1e-3 else 1 / 6)
    elif name == "leaky_relu":
        slope = -float(as_numbers(given(-np.ones(1, np.float32)))[0])
        found.activation(activations.LeakyReLU(round(slope, 6)))
    elif name in _BY_NAME:
        found.activation(_BY_NAME[name])
    else:
        known = ", ".join(sorted({*_BY_NAME, "hard_sigmoid", "leaky_relu"}))
        raise ConfigurationError(
            f"the activation {name!r} has no counterpart; there are: {known}."
        )


def _relu(layer: Any, found: Collected) -> None:
    _must(layer.max_value is None, f"max_value={layer.max_value}.")
    _must(not layer.threshold, f"threshold={layer.threshold}.")
    slope = float(layer.negative_slope)
    found.activation(activations.LeakyReLU(slope) if slope else activations.ReLU())


def _leaky(layer: Any, found: Collected) -> None:
    slope = layer.negative_slope if hasattr(layer, "negative_slope") else layer.alpha
    found.activation(activations.LeakyReLU(float(slope)))


def _elu(layer: Any, found: Collected) -> None:
    found.activation(activations.ELU(float(layer.alpha)))


def _softmax(layer: Any, found: Collected) -> None:
    _last_axis(layer, found)
    found.activation(activations.Softmax())


def _prelu(layer: Any, found: Collected) -> None:
    slope = as_numbers(layer.alpha)
    _must(
        slope.size in (1, found.channels),
        f"slopes of shape {slope.shape}; pellucid has one for each feature, which is "
        "shared_axes of all places.",
    )
    found.add(PReLU(name=_name(layer)), slope=found.features(slope))


# -- layers with weights ---------------------------------------------------------------


def _name(layer: Any) -> str | None:
    name = getattr(layer, "name", None)
    return str(name).replace(".", "_").replace("/", "_") if name else None


def _bias(layer: Any) -> dict[str, Any]:
    bias = getattr(layer, "bias", None)
    return {} if bias is None else {"b": as_numbers(bias)}


def _dense(layer: Any, found: Collected) -> None:
    found.dense(layer.kernel, _bias(layer).get("b"), _name(layer))
    _activate(layer.activation, found)


def _how(layer: Any) -> dict[str, Any]:
    return {
        "stride": tuple(layer.strides),
        "dilation": tuple(getattr(layer, "dilation_rate", (1, 1))),
        "padding": layer.padding,
        "bias": bool(_bias(layer)),
        "name": _name(layer),
    }


def _convolution(layer: Any, found: Collected) -> None:
    W, how = as_numbers(layer.kernel), _how(layer)
    groups = int(getattr(layer, "groups", 1))
    found.add(
        Conv2D(W.shape[3], W.shape[:2], groups=groups, **how), W=W, **_bias(layer)
    )
    _activate(layer.activation, found)


def _along_sequence(layer: Any, found: Collected) -> None:
    W, how = as_numbers(layer.kernel), _how(layer)
    how["stride"], how["dilation"] = how["stride"][0], how["dilation"][0]
    if how["padding"] == "causal":
        how["padding"] = (((len(W) - 1) * how["dilation"], 0),)
    groups = int(getattr(layer, "groups", 1))
    found.add(Conv1D(W.shape[2], len(W), groups=groups, **how), W=W, **_bias(layer))
    _activate(layer.activation, found)


def _transposed(layer: Any, found: Collected) -> None:
    W, how = as_numbers(layer.kernel), _how(layer)
    _must(
        getattr(layer, "output_padding", None) is None,
        f"output_padding={getattr(layer, 'output_padding', None)}.",
    )
    sizes = zip(W.shape[:2], how["stride"], how["dilation"], strict=True)
    _must(
        all((k - 1) * d + 1 >= s for k, s, d in sizes) or layer.padding == "same",
        f"padding='valid' with strides {layer.strides} beyond the kernel.",
    )
    _must(
        how["dilation"] == (1, 1) or how["padding"] == "valid",
        "a dilation with padding='same'.",
    )
    found.add(ConvTranspose2D(W.shape[2], W.shape[:2], **how), W=W, **_bias(layer))
    _activate(layer.activation, found)


def _depthwise(layer: Any, found: Collected) -> None:
    kernel = getattr(layer, "kernel", None)
    W = as_numbers(layer.depthwise_kernel if kernel is None else kernel)
    multiplier = W.shape[3]
    W = W.reshape(*W.shape[:2], 1, -1)
    made = DepthwiseConv2D(W.shape[:2], multiplier=multiplier, **_how(layer))
    found.add(made, W=W, **_bias(layer))
    _activate(layer.activation, found)


def _separable(layer: Any, found: Collected) -> None:
    D, W = as_numbers(layer.depthwise_kernel), as_numbers(layer.pointwise_kernel)
    multiplier, filters = D.shape[3], W.shape[3]
    D = D.reshape(*D.shape[:2], 1, -1)
    size = D.shape[:2]
    made = SeparableConv2D(filters, size, multiplier=multiplier, **_how(layer))
    found.add(made, D=D, W=W.reshape(-1, filters), **_bias(layer))
    _activate(layer.activation, found)


def _last_axis(layer: Any, found: Collected) -> None:
    axis = layer.axis
    axes = list(axis) if isinstance(axis, list | tuple) else [axis]
    last = found.ndim - 1
    _must([a % found.ndim for a in axes] == [last], f"axis={axis} is not the last one.")


def _scaled(layer: Any, found: Collected, *names: str) -> dict[str, Any]:
    scale, shift = (getattr(layer, name, None) for name in names)
    return {"scale": found.features(scale, 1.0), "shift": found.features(shift, 0.0)}


def _batch_norm(layer: Any, found: Collected) -> None:
    _last_axis(layer, found)
    found.add(
        BatchNorm(float(layer.momentum), float(layer.epsilon), name=_name(layer)),
        mean=found.features(layer.moving_mean),
        variance=found.features(layer.moving_variance),
        **_scaled(layer, found, "gamma", "beta"),
    )


def _layer_norm(layer: Any, found: Collected) -> None:
    _last_axis(layer, found)
    _must(not getattr(layer, "rms_scaling", False), "rms_scaling=True.")
    numbers = _scaled(layer, found, "gamma", "beta")
    found.add(LayerNorm(float(layer.epsilon), name=_name(layer)), **numbers)


def _rms_norm(layer: Any, found: Collected) -> None:
    _last_axis(layer, found)
    scale = found.features(layer.scale, 1.0)
    found.add(RMSNorm(float(layer.epsilon), name=_name(layer)), scale=scale)


def _group_norm(layer: Any, found: Collected) -> None:
    _last_axis(layer, found)
    groups = found.channels if layer.groups == -1 else int(layer.groups)
    numbers = _scaled(layer, found, "gamma", "beta")
    found.add(GroupNorm(groups, float(layer.epsilon), name=_name(layer)), **numbers)


def _embedding(layer: Any, found: Collected) -> None:
    _must(not layer.mask_zero, "mask_zero=True; pellucid has no masks.")
    W = as_numbers(layer.embeddings)
    found.add(Embedding(*W.shape, name=_name(layer)), W=W)


# -- layers without --------------------------------------------------------------------


def _pool(kind: str) -> Callable[[Any, Collected], None]:
    def take_over(layer: Any, found: Collected) -> None:
        found.pool(kind, tuple(layer.pool_size), tuple(layer.strides), layer.padding)

    return take_over


def _pool_all(made: Any) -> Callable[[Any, Collected], None]:
    def take_over(layer: Any, found: Collected) -> None:
        found.pool_all(made(), keep=bool(getattr(layer, "keepdims", False)))

    return take_over


def _dropout(made: Any) -> Callable[[Any, Collected], None]:
    return lambda layer, found: found.add(made(float(layer.rate), name=_name(layer)))


def _noise(layer: Any, found: Collected) -> None:
    found.add(GaussianNoise(float(layer.stddev), name=_name(layer)))


def _rescaling(layer: Any, found: Collected) -> None:
    scale, offset = np.asarray(layer.scale), np.asarray(layer.offset)
    _must(
        scale.ndim == offset.ndim == 0,
        f"scale={layer.scale}, offset={layer.offset}; pellucid's are single numbers.",
    )
    found.add(Rescale(float(scale), float(offset), name=_name(layer)))


def _reshape(layer: Any, found: Collected) -> None:
    shape = [int(length) for length in layer.target_shape]
    if -1 in shape:
        known = -int(np.prod(shape))
        shape[shape.index(-1)] = int(np.prod(found.shape)) // known
    found.reshape(tuple(shape))


def _padded(layer: Any, found: Collected) -> None:
    value: Any = getattr(layer, "padding", 1)
    if found.ndim == 3:
        value = (tuple(value) if isinstance(value, list | tuple) else (value, value),)
    else:
        value = tuple(tuple(side) for side in value)
    found.add(Pad(value, name=_name(layer)))


def _up_sample(layer: Any, found: Collected) -> None:
    mode = getattr(layer, "interpolation", "nearest")
    _must(mode == "nearest", f"interpolation={mode!r}; pellucid repeats pixels.")
    size = layer.size
    factor = tuple(size) if isinstance(size, list | tuple) else (int(size),)
    factor = factor if found.ndim == 4 else factor[0]
    found.add(UpSample(factor, name=_name(layer)))


LAYERS: dict[str, Callable[[Any, Collected], None]] = {
    "Activation": lambda layer, found: _activate(layer.activation, found),
    "AveragePooling1D": _pool("average"),
    "AveragePooling2D": _pool("average"),
    "BatchNormalization": _batch_norm,
    "Conv1D": _along_sequence,
    "Conv2D": _convolution,
    "Conv2DTranspose": _transposed,
    "Dense": _dense,
    "DepthwiseConv2D": _depthwise,
    "Dropout": _dropout(Dropout),
    "ELU": _elu,
    "Embedding": _embedding,
    "Flatten": lambda layer, found: found.flatten(),
    "GaussianNoise": _noise,
    "GlobalAveragePooling1D": _pool_all(GlobalAveragePool),
    "GlobalAveragePooling2D": _pool_all(GlobalAveragePool),
    "GlobalMaxPooling1D": _pool_all(GlobalMaxPool),
    "GlobalMaxPooling2D": _pool_all(GlobalMaxPool),
    "GroupNormalization": _group_norm,
    "Identity": lambda layer, found: None,
    "InputLayer": lambda layer, found: None,
    "LayerNormalization": _layer_norm,
    "LeakyReLU": _leaky,
    "MaxPooling1D": _pool("max"),
    "MaxPooling2D": _pool("max"),
    "PReLU": _prelu,
    "RMSNormalization": _rms_norm,
    "ReLU": _relu,
    "Rescaling": _rescaling,
    "Reshape": _reshape,
    "SeparableConv2D": _separable,
    "Softmax": _softmax,
    "SpatialDropout1D": _dropout(SpatialDropout),
    "SpatialDropout2D": _dropout(SpatialDropout),
    "UpSampling1D": _up_sample,
    "UpSampling2D": _up_sample,
    "ZeroPadding1D": _padded,
    "ZeroPadding2D": _padded,
}
