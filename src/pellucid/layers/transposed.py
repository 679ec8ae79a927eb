"""The convolution that enlarges: a convolution run backwards."""

from dataclasses import KW_ONLY
from typing import Any, ClassVar

from pellucid.activations import Activation
from pellucid.convolution import Window
from pellucid.errors import ShapeError
from pellucid.initializers import Initializer
from pellucid.layer import Layer
from pellucid.layers.convolution import check_groups
from pellucid.layers.dense import whole_number
from pellucid.layers.windows import (
    borders,
    check_window,
    must_be_image,
    pair,
    window_over,
)
from pellucid.layout import Slot
from pellucid.ops import convolve, convolve_back, convolve_weights
from pellucid.part import part


class ConvTranspose2D(Layer, label="conv_transpose2d"):
    r"""``z = x *^T W + b``, ``a = activation(z)``: a convolution run backwards.

    Every pixel of x paints a window of the output, ``z[s i + d u, s j + d v, f] +=
    x[i, j, c] W[u, v, f, c]``: the way from small images to larger ones. It is exactly
    what `Conv2D` with the same settings does to gradients. The output has
    ``(height - 1) stride + reach - border`` rows, where reach is the kernel's extent;
    with padding "same", ``height stride``.

    x : (n, height, width, channels)   W : (kernel, kernel, filters / groups, channels)
    b : (filters,)   z, a : (n, rows, columns, filters)

    Parameters
    ----------
    filters : int
        Channels of the output.
    kernel_size : int or tuple of int
        Height and width of the window in pixels.
    activation : Activation or str, optional
        What is made of each sum.
    stride : int or tuple of int
        How far apart neighbouring pixels paint.
    padding : str, int or tuple
        What is cut off from the border of the output: ``"valid"`` nothing, ``"same"``
        as much as makes it ``stride`` times as large as the input; or pixels as in
        `Conv2D`.
    dilation : int or tuple of int
        Distance between the pixels of the window.
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

    def size(self, shape: Any) -> tuple[int, int]:
        """Return height and width of the output.

        Parameters
        ----------
        shape : tuple
            Of the input, (n, height, width, channels).

        Returns
        -------
        tuple of int
        """
        stride = pair("stride", self.stride)
        if self.padding == "same":
            return shape[1] * stride[0], shape[2] * stride[1]
        border = 0 if self.padding == "valid" else self.padding
        cut = [sum(sides) for sides in borders("padding", border, 2)]
        kernel, dilation = pair("size", self.kernel_size), pair("", self.dilation)
        reach = Window(kernel, dilation=dilation).reach
        rows = (shape[1] - 1) * stride[0] + reach[0] - cut[0]
        return rows, (shape[2] - 1) * stride[1] + reach[1] - cut[1]

    def window(self, shape: Any) -> Window:
        """Return the window over the output.

        Parameters
        ----------
        shape : tuple
            Of the input, (n, height, width, channels).

        Returns
        -------
        Window
        """
        size, stride, output = self.kernel_size, self.stride, (None, *self.size(shape))
        return window_over(output, size, stride, self.padding, self.dilation)

    def slots(self, shape: Any) -> dict[str, Slot]:
        must_be_image("ConvTranspose2D", shape)
        check_groups(self.groups, shape[2], self.filters)
        if min(self.size((None, *shape))) < 1:
            raise ShapeError(
                f"Nothing is left of the output after the padding {self.padding!r}."
            )
        first = self.weight_init or Initializer.of(self.activation.initializer)
        size = pair("kernel_size", self.kernel_size)
        slots = {"W": Slot((*size, self.filters // self.groups, shape[2]), first)}
        if self.bias:
            slots["b"] = Slot((self.filters,), self.bias_init, "bias")
        return slots

    def forward(self, x: Any, p: Any, memo: Any) -> Any:
        memo.x = x
        window = self.window(x.shape)
        z = convolve_back(x, p.W, window, self.size(x.shape), self.groups)
        memo.z = z + p.b if self.bias else z
        memo.a = self.activation.value(memo.z)
        return memo.a

    def backward(self, da: Any, p: Any, g: Any, memo: Any) -> Any:
        window = self.window(memo.x.shape)
        dz = memo.dz = self.activation.delta(da, memo.z, memo.a)
        g.W = convolve_weights(dz, memo.x, window, self.groups)
        if self.bias:
            g.b = dz.sum(axis=(0, 1, 2))
        return convolve(dz, p.W, window, self.groups)
