"""What has been taken over of a network so far: layers, their numbers, the shape.

pellucid has the channels of images and sequences last. Libraries that have them first
flatten them in another order, so a `Collected` remembers which of their features is
which of ours, and rearranges the weights around accordingly.
"""

from dataclasses import dataclass, field, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.activations import Activation, HardSigmoid, Identity
from pellucid.blueprint import SymbolView
from pellucid.errors import ConfigurationError, ShapeError
from pellucid.importers.foreign import as_numbers
from pellucid.layer import Layer, Memo, layer_names, new_pass, sample_shape
from pellucid.layers import (
    AveragePool1D,
    AveragePool2D,
    BatchNorm,
    Chain,
    Conv1D,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GaussianNoise,
    GlobalAveragePool,
    GlobalMaxPool,
    Input,
    LayerNorm,
    MaxPool1D,
    MaxPool2D,
    Pad,
    PReLU,
    Rescale,
    Reshape,
    RMSNorm,
    Select,
    SpatialDropout,
)
from pellucid.layout import Slot
from pellucid.network import NeuralNetwork
from pellucid.symbol import FLOAT, INTEGER, Trace

_OF_WINDOWS = ("kernel_size", "size", "stride", "dilation", "factor", "padding")
# Layers through which features pass one by one, so that their order may change before.
_ONE_BY_ONE = (Activation, Dropout, GaussianNoise, Rescale, SpatialDropout)
# The same, with numbers for each feature.
_FOR_EACH = (BatchNorm, LayerNorm, PReLU, RMSNorm)


@dataclass
class Step:
    """One layer with its numbers.

    Parameters
    ----------
    layer : Layer
        The layer.
    numbers : dict of str to ndarray
        By slot, for a container by the path within; both parameters and state.
    """

    layer: Layer
    numbers: dict[str, NDArray[Any]] = field(default_factory=dict)


class Collected:
    """Layers and numbers, one after the other, and the shape that has been reached.

    Parameters
    ----------
    shape : tuple of int
        Shape of one sample as pellucid has it: channels last.
    first : bool
        Whether the other library has the channels of this first.
    kind : str
        ``"number"`` or ``"integer"``, as in `Input`.

    Attributes
    ----------
    shape : tuple of int
        Shape of one sample after the layers so far, as pellucid has it.
    first : bool
        Whether the other library has its channels first here.
    order : ndarray of int or None
        Which of their features each of ours is; None where the order is the same.
    """

    def __init__(
        self, shape: tuple[int, ...], first: bool = False, kind: str = "number"
    ) -> None:
        given = Input(shape, kind)
        self.input: Any = given  # or several by their names, once branches have met
        self.shape, self.first, self.kind = tuple(given.shape), first, kind
        self.order: NDArray[np.int64] | None = None
        self.steps: list[Step] = []

    @property
    def ndim(self) -> int:
        """Number of axes of a batch."""
        return len(self.shape) + 1

    @property
    def channels(self) -> int:
        """Length of the last axis."""
        return int(self.shape[-1])

    def selected(self, key: str) -> "Collected":
        """Return the same as one of several named inputs, before any other layer.

        Parameters
        ----------
        key : str
            Its name.

        Returns
        -------
        Collected
        """
        found = self.branch()
        found.steps = [Step(Select(key))]
        return found

    @classmethod
    def joined(cls, branches: "list[Collected]", step: Step) -> "Collected":
        """Return what starts at several inputs, whose branches a layer joins.

        Parameters
        ----------
        branches : list of Collected
            What the layer joins.
        step : Step
            The layer that joins them along their features.

        Returns
        -------
        Collected
        """
        places = {inner.shape[:-1] for inner in branches}
        if len(places) > 1:
            raise ShapeError(f"it joins branches of {len(places)} different sizes.")
        shape = (*places.pop(), sum(inner.channels for inner in branches))
        found = cls(shape, branches[0].first)
        found.steps = [step]
        return found

    def branch(self) -> "Collected":
        """Return what starts where this has arrived.

        Returns
        -------
        Collected
            Without layers.
        """
        found = Collected(self.shape, self.first, self.kind)
        found.order = self.order
        return found

    # -- one more layer --------------------------------------------------------------

    def add(self, layer: Layer, **numbers: Any) -> None:
        """Put a layer at the end.

        Parameters
        ----------
        layer : Layer
            The layer.
        **numbers
            Arrays by slot, in pellucid's layout.

        Raises
        ------
        ShapeError
            If an array has not the shape that the layer needs here.
        """
        arrays = {name: as_numbers(values) for name, values in numbers.items()}
        self.append(Step(_short(layer), arrays))

    def append(self, step: Step) -> None:
        """Put a layer with its numbers at the end.

        Parameters
        ----------
        step : Step
            The layer, a container too.

        Raises
        ------
        ShapeError
            If an array has not the shape that the layer needs here.
        """
        shape, slots = _reached(step.layer, self.shape, self.kind)
        for name, slot in slots.items():
            found = step.numbers.get(name)
            if found is None or found.shape != slot.shape:
                raise ShapeError(
                    f"{step.layer!r} takes {name} of shape {slot.shape} for samples of "
                    f"shape {self.shape}, channels last; got "
                    f"{'none' if found is None else found.shape}. Is input_shape right?"
                )
        self.steps.append(step)
        self.shape, self.kind = shape, "number"

    def activation(self, activation: Activation) -> None:
        """Apply an activation: that of the last layer, if it has none yet.

        Parameters
        ----------
        activation : Activation
            What is applied along the features.
        """
        if isinstance(activation, Identity):
            return
        last = self.steps[-1] if self.steps else Step(activation)
        if isinstance(getattr(last.layer, "activation", None), Identity):
            last.layer = replace(last.layer, activation=activation)  # type: ignore[call-arg]
        else:
            self.add(activation)

    def affine(self, factor: Any, offset: Any) -> None:
        """Apply ``factor x + offset`` feature by feature.

        Parameters
        ----------
        factor, offset : ndarray, shape (features,)
            In the other library's order.
        """
        factor, offset = self.features(factor), self.features(offset)
        last = self.steps[-1] if self.steps else Step(Identity())
        plain = isinstance(getattr(last.layer, "activation", None), Identity)
        if plain and "b" not in last.numbers and (factor == 1).all():
            last.layer = replace(last.layer, bias=True)  # type: ignore[call-arg]
            last.numbers["b"] = offset
            return
        self.add(
            BatchNorm(epsilon=1e-30),
            scale=factor,
            shift=offset,
            mean=np.zeros_like(factor),
            variance=np.ones_like(factor),
        )

    def hard_sigmoid(self, slope: float = 1 / 6, offset: float = 0.5) -> None:
        """Apply ``min(max(slope z + offset, 0), 1)``.

        Parameters
        ----------
        slope, offset : float
            pellucid's are 1/6 and 1/2; others are reached by a `Rescale` before.
        """
        if abs(slope - 1 / 6) > 1e-7 or offset != 0.5:
            self.add(Rescale(6 * slope, 6 * (offset - 0.5)))
        self.activation(HardSigmoid())

    def dense(self, W: Any, b: Any = None, name: str | None = None) -> None:
        """Put weighted sums of the features at the end.

        Parameters
        ----------
        W : array_like, shape (inputs, units)
            Weights, rows in the other library's order of features.
        b : array_like, shape (units,), optional
            Biases.
        name : str, optional
            Name of the layer.
        """
        W, numbers = as_numbers(W), {}
        if b is not None:
            numbers["b"] = as_numbers(b)
        if self.order is not None and len(W) == len(self.order):
            W, self.order = W[self.order], None
        units, how = W.shape[1], dict[str, Any](bias=b is not None, name=name)
        if self.ndim == 2:
            self.add(Dense(units, **how), W=W, **numbers)
        elif self.ndim == 3:
            self.add(Conv1D(units, 1, **how), W=W[None], **numbers)
        else:
            self.add(Conv2D(units, 1, **how), W=W[None, None], **numbers)

    def features(self, values: Any, otherwise: float = 0.0) -> NDArray[Any]:
        """Return one number for each feature in pellucid's order.

        Parameters
        ----------
        values : array_like or None
            In the other library's order; a single one stands for all.
        otherwise : float
            What stands for None.

        Returns
        -------
        ndarray, shape (features,)
        """
        if values is None:
            return np.full(self.channels, otherwise, np.float32)
        array = as_numbers(values).ravel()
        if array.size == 1:
            array = np.repeat(array, self.channels)
        if array.size != self.channels:
            raise ShapeError(
                f"it has {array.size} features, but {self.channels} come in, as shape "
                f"{self.shape} (channels last): look at input_shape."
            )
        return array if self.order is None else array[self.order]

    def flatten(self) -> None:
        """Make one row of numbers of each sample, in the other library's order."""
        last = self.steps[-1] if self.steps else None
        if last is not None and self._one_place(last.layer):
            self.steps.pop()
            self.shape = (self.channels,)
        elif self.ndim > 2:
            before = self.shape
            self.add(Flatten())
            if self.first:
                self.order = _order(before)
        self.first = False

    def _one_place(self, layer: Layer) -> bool:
        """Return whether a layer only gave pooled numbers their axes back."""
        pooled = len(self.steps) > 1 and isinstance(
            self.steps[-2].layer, GlobalAveragePool | GlobalMaxPool
        )
        return pooled and isinstance(layer, Reshape) and {*layer.shape[:-1]} == {1}

    def pool_all(self, layer: Layer, keep: bool = False) -> None:
        """Pool over all places.

        Parameters
        ----------
        layer : Layer
            `GlobalAveragePool` or `GlobalMaxPool`.
        keep : bool
            Whether the axes of the places stay, with length 1.
        """
        places = self.ndim - 2
        self.add(layer)
        if keep:
            self.add(Reshape((1,) * places + self.shape))
        else:
            self.first = False

    def pool(
        self, kind: str, size: Any, stride: Any, padding: Any, border: bool = False
    ) -> None:
        """Put a pooling layer at the end.

        Parameters
        ----------
        kind : str
            ``"max"`` or ``"average"``.
        size, stride, padding
            As the layers take them.
        border : bool
            Whether an average counts the border as zeros.
        """
        one = self.ndim == 3
        largest, mean = (
            (MaxPool1D, AveragePool1D) if one else (MaxPool2D, AveragePool2D)
        )
        if one:
            size, stride = _single(size), _single(stride)
        if kind == "average" and border and not isinstance(padding, str):
            if np.any(np.asarray(padding)):
                self.add(Pad(padding))
            padding = "valid"
        self.add((largest if kind == "max" else mean)(size, stride, padding=padding))

    def reshape(self, shape: tuple[int, ...]) -> None:
        """Give each sample another shape, in the order of numbers that theirs has.

        Parameters
        ----------
        shape : tuple of int
            Of one sample, as pellucid has it: channels last.

        Raises
        ------
        ConfigurationError
            If the numbers would have to change places.
        """
        if len(shape) == 1:
            self.flatten()
            return
        if (self.first and self.ndim > 2) or self.order is not None:
            raise ConfigurationError(
                f"Numbers of shape {self.shape}, channels last, cannot become {shape} "
                "in the order that channels first gives them. A Flatten and a dense "
                "layer between would do."
            )
        self.add(Reshape(tuple(shape)))

    def unflatten(self, shape: tuple[int, ...]) -> None:
        """Make images or sequences of rows whose order has the channels first.

        The layers before are rearranged, so that our order has them last.

        Parameters
        ----------
        shape : tuple of int
            Of one sample, as pellucid has it: channels last.

        Raises
        ------
        ConfigurationError
            If no layer before can be rearranged.
        """
        self.rearrange(_order(shape))
        self.add(Reshape(tuple(shape)))
        self.first = True

    def rearrange(self, order: NDArray[np.int64]) -> None:
        """Put the features into another order, by the weights that make them.

        Parameters
        ----------
        order : ndarray of int, shape (features,)
            Which of the features each is to be.

        Raises
        ------
        ConfigurationError
            If no dense layer makes them.
        """
        for step in reversed(self.steps):
            made = isinstance(step.layer, Dense)
            if not made and not isinstance(step.layer, (*_ONE_BY_ONE, *_FOR_EACH)):
                break
            step.numbers = {name: a[..., order] for name, a in step.numbers.items()}
            if made:
                return
        raise ConfigurationError(
            "Rows with their channels first are needed here, and no dense layer right "
            "before can be rearranged, so that pellucid could have the channels last."
        )

    # -- the whole -------------------------------------------------------------------

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers in order."""
        return tuple(step.layer for step in self.steps)

    def numbers(self) -> dict[str, NDArray[Any]]:
        """Return all arrays by the names that they have in a container.

        Returns
        -------
        dict of str to ndarray
        """
        names = layer_names(self.layers)
        return {
            f"{name}.{slot}": array
            for name, step in zip(names, self.steps, strict=True)
            for slot, array in step.numbers.items()
        }

    def network(self, loss: Any = None) -> NeuralNetwork:
        """Return the network.

        Parameters
        ----------
        loss : Loss or str, optional
            Chosen by the last activation if it is not said.

        Returns
        -------
        NeuralNetwork
        """
        if not self.steps:
            self.add(Identity())
        if self.order is not None and (np.diff(self.order) != 1).any():
            raise ConfigurationError(
                "The network ends in rows that were flattened with their channels "
                "first: in pellucid they would come in another order. Take the network "
                "without its last Flatten, or put a dense layer behind it."
            )
        numbers = self.numbers()
        floats = {a.dtype for a in numbers.values()} or {np.dtype(np.float32)}
        wide = np.result_type(*floats) == np.float64
        network = NeuralNetwork(
            self.layers,
            loss=_guessed(self.layers[-1]) if loss is None else loss,
            input_shape=self.input,
            dtype="float64" if wide else "float32",
        )
        for windows in (network.parameters, network.state):
            for name in windows:
                windows[name][...] = numbers[name]
        return network


def _short(layer: Layer) -> Layer:
    """Return a layer with its window as one would write it: 3 for (3, 3)."""
    short: dict[str, Any] = {}
    for each in fields(layer):
        if each.name in _OF_WINDOWS:
            short[each.name] = _collapsed(getattr(layer, each.name))
    if short.get("padding") == 0:
        short["padding"] = "valid"
    if "size" in short and short["stride"] == short["size"]:
        short["stride"] = None
    return replace(layer, **short) if short else layer


def _collapsed(value: Any) -> Any:
    if not isinstance(value, tuple | list):
        return value
    parts = tuple(map(_collapsed, value))
    if any(isinstance(part, tuple) for part in parts):
        return tuple(value)  # sides that differ are all written in full
    return parts[0] if len(set(parts)) == 1 else parts


def _single(value: Any) -> Any:
    return value[0] if isinstance(value, tuple | list) else value


def _order(shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Return which feature of channels first each one of channels last is."""
    *places, channels = shape
    ours = np.moveaxis(np.arange(np.prod(shape)).reshape(channels, *places), 0, -1)
    order: NDArray[np.int64] = ours.ravel()
    return order


def _reached(
    layer: Layer, shape: tuple[int, ...], kind: str
) -> tuple[tuple[int, ...], dict[str, Slot]]:
    """Return the shape of one sample after a layer, and the layer's slots."""
    slots: dict[str, Slot] = {}

    def enter(inner: Layer, path: str, x: Any) -> None:
        for name, slot in inner.slots(sample_shape(x)).items():
            slots[f"{path}.{name}"] = slot

    trace = Trace()
    memo = Memo(new_pass(training=False, trace=trace, enter=enter))
    found = INTEGER if kind == "integer" else FLOAT
    x = trace.leaf("x", "", (trace.batch, *shape), found)
    root = Chain((layer,))
    y = root.forward(x, SymbolView(trace, slots, "w"), memo)
    start = len(layer_names((layer,))[0]) + 1
    return tuple(sample_shape(y)), {name[start:]: slot for name, slot in slots.items()}


def _guessed(last: Layer) -> str:
    """Return the loss that is usual behind a last layer."""
    activation = getattr(last, "activation", last)
    usual = {
        "softmax": "cross_entropy",
        "log_softmax": "cross_entropy",
        "sigmoid": "binary_cross_entropy",
    }
    return usual.get(activation.label, "mean_squared_error")
