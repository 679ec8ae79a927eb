"""Convolution: the same small filters at every place of an image or a sequence."""

from dataclasses import KW_ONLY
from typing import Any, ClassVar

from pellucid.activations import Activation
from pellucid.convolution import Window
from pellucid.errors import ShapeError
from pellucid.initializers import Initializer
from pellucid.layer import Layer
from pellucid.layers.dense import whole_number
from pellucid.layers.windows import (
    as_sequence,
    check_padding,
    check_window,
    in_one_row,
    must_be_image,
    must_be_sequence,
    pair,
    window_along,
    window_over,
)
from pellucid.layout import Slot
from pellucid.ops import convolve, convolve_back, convolve_weights
from pellucid.part import part


def check_groups(groups: int, channels: int, filters: int) -> None:
    """Raise `ShapeError` unless channels and filters can be split into groups.

    Parameters
    ----------
    groups : int
        Their number.
    channels, filters : int
        What is split.
    """
    if channels % groups or filters % groups:
        raise ShapeError(
            f"{channels} channels and {filters} filters cannot be split into {groups} "
            "equal groups: choose numbers that groups divides."
        )


class Conv2D(Layer, label="conv2d"):
    r"""``z = x * W + b``, ``a = activation(z)``: filters that slide over an image.

    Every filter looks at a small window of all channels, with the same weights at every
    place of the image; with the stride s and the dilation d
    ``z[i, j, f] = b[f] + sum_uvc x[s i + d u, s j + d v, c] W[u, v, c, f]``.
    Backwards ``dz = da * activation'(z)``, dW and dx are the adjoints of that sum, and
    ``db = sum of dz``.

    x : (n, height, width, channels)   W : (kernel, kernel, channels / groups, filters)
    b : (filters,)   z, a : (n, rows, columns, filters)

    Parameters
    ----------
    filters : int
        Number of filters, the channels of the output.
    kernel_size : int or tuple of int
        Height and width of the window in pixels; one number stands for both.
    activation : Activation or str, optional
        What is made of each sum.
    stride : int or tuple of int
        How far the window moves, down and to the right.
    padding : str, int or tuple
        ``"valid"``: no border. ``"same"``: a border of zeros such that there are
        ``ceil(length / stride)`` places; an odd pixel goes to the bottom and the right
        (SAME_UPPER of ONNX). Or its pixels: a number, one for height and width each, or
        ((top, bottom), (left, right)).
    dilation : int or tuple of int
        Distance between the pixels of the window.
    groups : int
        Into how many groups, in order, channels and filters are split; each filter sees
        the channels of its group.
    bias : bool
        Whether there is a ``b``.
    weight_init, bias_init : Initializer or str, optional
        First values; chosen to suit the activation, and zeros, by default.
    name : str, optional
        Name in the network.

    Examples
    --------
    >>> from pellucid import Conv2D
    >>> Conv2D(32, 3, "relu", padding="same")
    Conv2D(32, 3, 'relu', padding='same')
    """

    filters: int
    kernel_size: Any
    activation: Any = part(lambda: Activation, default=None)
    _: KW_ONLY
    stride: Any = 1
    padding: Any = "valid"
    dilation: Any = 1
    groups: int = 1
    bias: bool = True
    weight_init: Any = part(lambda: Initializer, default=None, optional=True)
    bias_init: Any = part(lambda: Initializer, default="zeros")
    images: ClassVar[bool] = True

    def check(self) -> None:
        whole_number("filters", self.filters)
        whole_number("groups", self.groups)
        check_window(self.kernel_size, self.stride, self.padding, self.dilation)

    def window(self, shape: Any) -> Window:
        """Return the window over images of a shape.

        Parameters
        ----------
        shape : tuple
            (n, height, width, channels).

        Returns
        -------
        Window
        """
        size, stride = self.kernel_size, self.stride
        return window_over(shape, size, stride, self.padding, self.dilation)

    def slots(self, shape: Any) -> dict[str, Slot]:
        must_be_image("Conv2D", shape)
        check_groups(self.groups, shape[2], self.filters)
        first = self.weight_init or Initializer.of(self.activation.initializer)
        size = pair("kernel_size", self.kernel_size)
        slots = {"W": Slot((*size, shape[2] // self.groups, self.filters), first)}
        if self.bias:
            slots["b"] = Slot((self.filters,), self.bias_init, "bias")
        return slots

    def forward(self, x: Any, p: Any, memo: Any) -> Any:
        memo.x = x
        z = convolve(x, p.W, self.window(x.shape), self.groups)
        memo.z = z + p.b if self.bias else z
        memo.a = self.activation.value(memo.z)
        return memo.a

    def backward(self, da: Any, p: Any, g: Any, memo: Any) -> Any:
        x, window = memo.x, self.window(memo.x.shape)
        dz = memo.dz = self.activation.delta(da, memo.z, memo.a)
        g.W = convolve_weights(x, dz, window, self.groups)
        if self.bias:
            g.b = dz.sum(axis=(0, 1, 2))
        return convolve_back(dz, p.W, window, x.shape[1:3], self.groups)


class Conv1D(Layer, label="conv1d"):
    r"""``z = x * W + b``, ``a = activation(z)``: filters that slide along a sequence.

    `Conv2D` with one axis less:
    ``z[i, f] = b[f] + sum_uc x[s i + d u, c] W[u, c, f]``.

    x : (n, length, channels)   W : (kernel, channels / groups, filters)
    b : (filters,)   z, a : (n, places, filters)

    Parameters
    ----------
    filters : int
        Number of filters, the channels of the output.
    kernel_size : int
        Length of the window.
    activation : Activation or str, optional
        What is made of each sum.
    stride : int
        How far the window moves.
    padding : str, int or tuple
        ``"valid"``: no border. ``"same"``: a border of zeros such that there are
        ``ceil(length / stride)`` places, an odd one at the end. Or its entries: a
        number, or ((before, after),).
    dilation : int
        Distance between the entries of the window.
    groups : int
        Into how many groups, in order, channels and filters are split.
    bias : bool
        Whether there is a ``b``.
    weight_init, bias_init : Initializer or str, optional
        First values; chosen to suit the activation, and zeros, by default.
    name : str, optional
        Name in the network.
    """

    filters: int
    kernel_size: int
    activation: Any = part(lambda: Activation, default=None)
    _: KW_ONLY
    stride: int = 1
    padding: Any = "valid"
    dilation: int = 1
    groups: int = 1
    bias: bool = True
    weight_init: Any = part(lambda: Initializer, default=None, optional=True)
    bias_init: Any = part(lambda: Initializer, default="zeros")

    def check(self) -> None:
        for name in ("filters", "kernel_size", "stride", "dilation", "groups"):
            whole_number(name, getattr(self, name))
        check_padding(self.padding, 1)

    def window(self, shape: Any) -> Window:
        """Return the window over sequences of a shape, seen as images of one row.

        Parameters
        ----------
        shape : tuple
            (n, length, channels).

        Returns
        -------
        Window
        """
        size, stride = self.kernel_size, self.stride
        return window_along(shape[1], size, stride, self.padding, self.dilation)

    def slots(self, shape: Any) -> dict[str, Slot]:
        must_be_sequence("Conv1D", shape)
        check_groups(self.groups, shape[1], self.filters)
        first = self.weight_init or Initializer.of(self.activation.initializer)
        each = shape[1] // self.groups
        slots = {"W": Slot((self.kernel_size, each, self.filters), first)}
        if self.bias:
            slots["b"] = Slot((self.filters,), self.bias_init, "bias")
        return slots

    def forward(self, x: Any, p: Any, memo: Any) -> Any:
        memo.x = x
        window = self.window(x.shape)
        z = as_sequence(convolve(in_one_row(x), p.W[None], window, self.groups))
        memo.z = z + p.b if self.bias else z
        memo.a = self.activation.value(memo.z)
        return memo.a

    def backward(self, da: Any, p: Any, g: Any, memo: Any) -> Any:
        x, window = in_one_row(memo.x), self.window(memo.x.shape)
        dz = memo.dz = self.activation.delta(da, memo.z, memo.a)
        if self.bias:
            g.b = dz.sum(axis=(0, 1))
        dz = in_one_row(dz)
        g.W = convolve_weights(x, dz, window, self.groups).reshape(p.W.shape)
        return as_sequence(
            convolve_back(dz, p.W[None], window, x.shape[1:3], self.groups)
        )
