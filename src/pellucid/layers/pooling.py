"""Pooling: one number for each small window, so that images become smaller."""

from dataclasses import KW_ONLY
from typing import Any, ClassVar

import numpy as np

from pellucid.convolution import Window
from pellucid.errors import ConfigurationError
from pellucid.layer import Layer
from pellucid.layers.dense import whole_number
from pellucid.layers.windows import (
    as_sequence,
    borders,
    check_padding,
    check_window,
    in_one_row,
    must_be_image,
    must_be_sequence,
    pair,
    window_along,
    window_over,
)
from pellucid.ops import max_windows, max_windows_back, spread_windows, sum_windows


class Pool2D(Layer, abstract=True):
    """A window that moves over images and makes one number of each channel.

    Parameters
    ----------
    size : int or tuple of int
        Height and width of the window in pixels.
    stride : int or tuple of int, optional
        How far it moves; by its size, by default.
    padding : str, int or tuple
        ``"valid"``: no border, and pixels beyond the last whole window are left out.
        ``"same"``: a border such that there are ``ceil(length / stride)`` places, an
        odd pixel at the bottom and the right (SAME_UPPER of ONNX). Or its pixels, less
        than those of the window: a number, one for height and width each, or ((top,
        bottom), (left, right)).
    """

    size: Any = 2
    stride: Any = None
    _: KW_ONLY
    padding: Any = "valid"
    images: ClassVar[bool] = True

    def check(self) -> None:
        stride = self.size if self.stride is None else self.stride
        check_window(self.size, stride, self.padding)
        if not isinstance(self.padding, str):
            sides = borders("padding", self.padding, 2)
            _check_border(self.padding, sides, pair("size", self.size))

    def slots(self, shape: Any) -> dict[str, Any]:
        must_be_image(type(self).__name__, shape)
        return {}

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
        stride = self.size if self.stride is None else self.stride
        return window_over(shape, self.size, stride, self.padding)


class Pool1D(Layer, abstract=True):
    """A window that moves along sequences and makes one number of each channel.

    Parameters
    ----------
    size : int
        Length of the window.
    stride : int, optional
        How far it moves; by its size, by default.
    padding : str, int or tuple
        ``"valid"``: no border. ``"same"``: a border such that there are
        ``ceil(length / stride)`` places, an odd one at the end. Or its entries, fewer
        than those of the window: a number, or ((before, after),).
    """

    size: int = 2
    stride: int | None = None
    _: KW_ONLY
    padding: Any = "valid"

    def check(self) -> None:
        whole_number("size", self.size)
        if self.stride is not None:
            whole_number("stride", self.stride)
        check_padding(self.padding, 1)
        if not isinstance(self.padding, str):
            _check_border(self.padding, borders("", self.padding, 1), (self.size,))

    def slots(self, shape: Any) -> dict[str, Any]:
        must_be_sequence(type(self).__name__, shape)
        return {}

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
        stride = self.size if self.stride is None else self.stride
        return window_along(shape[1], self.size, stride, self.padding)


def _check_border(padding: Any, sides: Any, size: Any) -> None:
    for side, extent in zip(sides, size, strict=True):
        if max(side) >= extent:
            raise ConfigurationError(
                f"With padding {padding!r} a window of {extent} would lie outside of "
                "the image: choose less padding than the size of the window."
            )


def mean_windows(x: Any, window: Window) -> tuple[Any, Any]:
    """Return the mean of each place of a window, and of how many pixels it is.

    Parameters
    ----------
    x : ndarray, shape (n, height, width, channels)
        Images.
    window : Window
        How it moves.

    Returns
    -------
    mean : ndarray, shape (n, rows, columns, channels)
    count : ndarray, shape (n, rows, columns, 1), or a number where it is the same
    """
    count: Any = float(window.size[0] * window.size[1])
    if any(map(any, window.padding)):  # the border does not count
        count = sum_windows(np.ones_like(x[..., :1]), window)
    return sum_windows(x, window) / count, count


class MaxPool2D(Pool2D, label="max_pool2d"):
    """``y = the largest pixel of each window``, channel by channel.

    Backwards dy goes to that pixel, to the first one row by row where several are
    largest; where windows overlap, it adds up. A border is never the largest.

    x : (n, height, width, channels)   y : (n, rows, columns, channels)

    Parameters
    ----------
    size : int or tuple of int
        Height and width of the window in pixels.
    stride : int or tuple of int, optional
        How far it moves; by its size, by default.
    padding : str, int or tuple
        The border, as in `Conv2D`.
    name : str, optional
        Name in the network.

    Examples
    --------
    >>> from pellucid import MaxPool2D
    >>> MaxPool2D(3, 2, padding="same")
    MaxPool2D(3, 2, padding='same')
    """

    def forward(self, x: Any, p: Any, memo: Any) -> Any:
        memo.x = x
        return max_windows(x, self.window(x.shape))

    def backward(self, da: Any, p: Any, g: Any, memo: Any) -> Any:
        return max_windows_back(memo.x, da, self.window(memo.x.shape))


class AveragePool2D(Pool2D, label="average_pool2d"):
    """``y = the mean of each window``, channel by channel; the border does not count.

    Backwards each pixel of the window gets its share of dy.

    x : (n, height, width, channels)   y : (n, rows, columns, channels)

    Parameters
    ----------
    size : int or tuple of int
        Height and width of the window in pixels.
    stride : int or tuple of int, optional
        How far it moves; by its size, by default.
    padding : str, int or tuple
        The border, as in `Conv2D`.
    name : str, optional
        Name in the network.
    """

    def forward(self, x: Any, p: Any, memo: Any) -> Any:
        memo.x = x
        y, memo.count = mean_windows(x, self.window(x.shape))
        return y

    def backward(self, da: Any, p: Any, g: Any, memo: Any) -> Any:
        shape = memo.x.shape
        return spread_windows(da / memo.count, self.window(shape), shape[1:3])


class MaxPool1D(Pool1D, label="max_pool1d"):
    """``y = the largest entry of each window``, channel by channel.

    `MaxPool2D` with one axis less.

    x : (n, length, channels)   y : (n, places, channels)

    Parameters
    ----------
    size : int
        Length of the window.
    stride : int, optional
        How far it moves; by its size, by default.
    padding : str, int or tuple
        The border, as in `Conv1D`.
    name : str, optional
        Name in the network.
    """

    def forward(self, x: Any, p: Any, memo: Any) -> Any:
        memo.x = x
        return as_sequence(max_windows(in_one_row(x), self.window(x.shape)))

    def backward(self, da: Any, p: Any, g: Any, memo: Any) -> Any:
        x, window = memo.x, self.window(memo.x.shape)
        return as_sequence(max_windows_back(in_one_row(x), in_one_row(da), window))


class AveragePool1D(Pool1D, label="average_pool1d"):
    """``y = the mean of each window``, channel by channel; the border does not count.

    `AveragePool2D` with one axis less.

    x : (n, length, channels)   y : (n, places, channels)

    Parameters
    ----------
    size : int
        Length of the window.
    stride : int, optional
        How far it moves; by its size, by default.
    padding : str, int or tuple
        The border, as in `Conv1D`.
    name : str, optional
        Name in the network.
    """

    def forward(self, x: Any, p: Any, memo: Any) -> Any:
        memo.x = x
        y, memo.count = mean_windows(in_one_row(x), self.window(x.shape))
        return as_sequence(y)

    def backward(self, da: Any, p: Any, g: Any, memo: Any) -> Any:
        shape = memo.x.shape
        each = in_one_row(da) / memo.count
        return as_sequence(spread_windows(each, self.window(shape), (1, shape[1])))
