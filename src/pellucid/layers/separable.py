"""Convolution in two steps: each channel by itself, then the channels together."""

from dataclasses import KW_ONLY
from typing import Any, ClassVar

from pellucid.activations import Activation
from pellucid.convolution import Window
from pellucid.initializers import Initializer
from pellucid.layer import Layer
from pellucid.layers.dense import whole_number
from pellucid.layers.windows import check_window, must_be_image, pair, window_over
from pellucid.layout import Slot
from pellucid.ops import convolve, convolve_back, convolve_weights
from pellucid.part import part


class DepthwiseConv2D(Layer, label="depthwise_conv2d"):
    r"""``z[..., c m + k] = x[..., c] * W[..., c m + k] + b``: filters of one channel.

    A convolution in as many groups as there are channels: each channel is seen by
    ``m = multiplier`` filters of its own, and no filter sees two channels.

    x : (n, height, width, channels)   W : (kernel, kernel, 1, channels multiplier)
    b : (channels multiplier,)   z, a : (n, rows, columns, channels multiplier)

    Parameters
    ----------
    kernel_size : int or tuple of int
        Height and width of the window in pixels.
    activation : Activation or str, optional
        What is made of each sum.
    multiplier : int
        Filters for each channel.
    stride, padding, dilation
        As in `Conv2D`.
    bias : bool
        Whether there is a ``b``.
    weight_init, bias_init : Initializer or str, optional
        First values; chosen to suit the activation, and zeros, by default.
    name : str, optional
        Name in the network.
    """

    kernel_size: Any
    activation: Any = part(lambda: Activation, default=None)
    _: KW_ONLY
    multiplier: int = 1
    stride: Any = 1
    padding: Any = "valid"
    dilation: Any = 1
    bias: bool = True
    weight_init: Any = part(lambda: Initializer, default=None, optional=True)
    bias_init: Any = part(lambda: Initializer, default="zeros")
    images: ClassVar[bool] = True

    def check(self) -> None:
        whole_number("multiplier", self.multiplier)
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
        must_be_image("DepthwiseConv2D", shape)
        first = self.weight_init or Initializer.of(self.activation.initializer)
        size, filters = (
            pair("kernel_size", self.kernel_size),
            shape[2] * self.multiplier,
        )
        slots = {"W": Slot((*size, 1, filters), first)}
        if self.bias:
            slots["b"] = Slot((filters,), self.bias_init, "bias")
        return slots

    def forward(self, x: Any, p: Any, memo: Any) -> Any:
        memo.x = x
        z = convolve(x, p.W, self.window(x.shape), groups=x.shape[3])
        memo.z = z + p.b if self.bias else z
        memo.a = self.activation.value(memo.z)
        return memo.a

    def backward(self, da: Any, p: Any, g: Any, memo: Any) -> Any:
        x, window = memo.x, self.window(memo.x.shape)
        dz = memo.dz = self.activation.delta(da, memo.z, memo.a)
        g.W = convolve_weights(x, dz, window, groups=x.shape[3])
        if self.bias:
            g.b = dz.sum(axis=(0, 1, 2))
        return convolve_back(dz, p.W, window, x.shape[1:3], groups=x.shape[3])


class SeparableConv2D(Layer, label="separable_conv2d"):
    r"""``h = x * D`` channel by channel, ``z = h W + b``, ``a = activation(z)``.

    First a depthwise convolution looks at the places, then a matrix mixes the channels
    of each pixel: far fewer weights than `Conv2D` for nearly the same filters.
    Source: Chollet, CVPR 2017.

    x : (n, height, width, channels)   D : (kernel, kernel, 1, channels multiplier)
    h : (n, rows, columns, channels multiplier)   W : (channels multiplier, filters)
    b : (filters,)   z, a : (n, rows, columns, filters)

    Parameters
    ----------
    filters : int
        Channels of the output.
    kernel_size : int or tuple of int
        Height and width of the window in pixels.
    activation : Activation or str, optional
        What is made of each sum.
    multiplier : int
        Filters of the first step for each channel.
    stride, padding, dilation
        As in `Conv2D`, of the first step.
    bias : bool
        Whether there is a ``b``.
    weight_init, bias_init : Initializer or str, optional
        First values; chosen to suit the activation, and zeros, by default.
    name : str, optional
        Name in the network.
    """

    filters: int
    kernel_size: Any
    activation: Any = part(lambda: Activation, default=None)
    _: KW_ONLY
    multiplier: int = 1
    stride: Any = 1
    padding: Any = "valid"
    dilation: Any = 1
    bias: bool = True
    weight_init: Any = part(lambda: Initializer, default=None, optional=True)
    bias_init: Any = part(lambda: Initializer, default="zeros")
    images: ClassVar[bool] = True

    def check(self) -> None:
        whole_number("filters", self.filters)
        whole_number("multiplier", self.multiplier)
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
        must_be_image("SeparableConv2D", shape)
        first = self.weight_init or Initializer.of(self.activation.initializer)
        size, each = pair("kernel_size", self.kernel_size), shape[2] * self.multiplier
        slots = {
            "D": Slot((*size, 1, each), first),
            "W": Slot((each, self.filters), first),
        }
        if self.bias:
            slots["b"] = Slot((self.filters,), self.bias_init, "bias")
        return slots

    def forward(self, x: Any, p: Any, memo: Any) -> Any:
        memo.x = x
        memo.h = convolve(x, p.D, self.window(x.shape), groups=x.shape[3])
        memo.z = memo.h @ p.W + p.b if self.bias else memo.h @ p.W
        memo.a = self.activation.value(memo.z)
        return memo.a

    def backward(self, da: Any, p: Any, g: Any, memo: Any) -> Any:
        x, h, window = memo.x, memo.h, self.window(memo.x.shape)
        dz = memo.dz = self.activation.delta(da, memo.z, memo.a)
        g.W = h.reshape(-1, h.shape[3]).T @ dz.reshape(-1, self.filters)
        if self.bias:
            g.b = dz.sum(axis=(0, 1, 2))
        dh = memo.dh = dz @ p.W.T
        g.D = convolve_weights(x, dh, window, groups=x.shape[3])
        return convolve_back(dh, p.D, window, x.shape[1:3], groups=x.shape[3])
