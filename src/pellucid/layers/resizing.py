"""Layers that make images and sequences larger: by repeating, by a border."""

from typing import Any, ClassVar

import numpy as np

from pellucid.convolution import Window
from pellucid.errors import ConfigurationError
from pellucid.layer import Layer
from pellucid.layers.windows import (
    as_sequence,
    borders,
    in_one_row,
    must_have_places,
    pair,
)
from pellucid.ops import spread_windows, sum_windows


class UpSample(Layer):
    """``y[i, j] = x[i // factor, j // factor]``: every pixel becomes a block of pixels.

    Backwards each pixel gets the sum of dy over its block.

    x : (n, height, width, channels)   y : (n, factor height, factor width, channels)
    or x : (n, length, channels)   y : (n, factor length, channels)

    Parameters
    ----------
    factor : int or tuple of int
        How many times as large, down and to the right; sequences take one number.
    name : str, optional
        Name in the network.
    """

    factor: Any = 2
    images: ClassVar[bool] = True

    def check(self) -> None:
        pair("factor", self.factor)

    def slots(self, shape: Any) -> dict[str, Any]:
        must_have_places("UpSample", shape)
        if len(shape) == 2 and not isinstance(self.factor, int):
            raise ConfigurationError(
                f"Sequences take one number as factor, got {self.factor!r}."
            )
        return {}

    def window(self, ndim: int) -> Window:
        """Return the block that a pixel becomes, as a window that moves by its size.

        Parameters
        ----------
        ndim : int
            4 for images, 3 for sequences, which are images of one row.

        Returns
        -------
        Window
        """
        block = pair("factor", self.factor) if ndim == 4 else (1, self.factor)
        return Window(block, block)

    def forward(self, x: Any, p: Any, memo: Any) -> Any:
        images, window = x if x.ndim == 4 else in_one_row(x), self.window(x.ndim)
        size = (images.shape[1] * window.size[0], images.shape[2] * window.size[1])
        y = spread_windows(images, window, size)
        return y if x.ndim == 4 else as_sequence(y)

    def backward(self, da: Any, p: Any, g: Any, memo: Any) -> Any:
        images = da if da.ndim == 4 else in_one_row(da)
        dx = sum_windows(images, self.window(da.ndim))
        return dx if da.ndim == 4 else as_sequence(dx)


class Pad(Layer):
    """``y = x with a border of zeros``.

    x : (n, height, width, channels) or (n, length, channels)   y : larger by the border

    Parameters
    ----------
    width : int or tuple
        Pixels of the border: a number for all sides; one for height and width each; or
        ((top, bottom), (left, right)). For sequences a number or ((before, after),).
    name : str, optional
        Name in the network.
    """

    width: Any = 1
    images: ClassVar[bool] = True

    def check(self) -> None:
        one = isinstance(self.width, tuple) and len(self.width) == 1
        borders("width", self.width, 1 if one else 2)

    def slots(self, shape: Any) -> dict[str, Any]:
        must_have_places("Pad", shape)
        borders("width", self.width, len(shape) - 1)
        return {}

    def forward(self, x: Any, p: Any, memo: Any) -> Any:
        sides = borders("width", self.width, x.ndim - 2)
        return np.pad(x, ((0, 0), *sides, (0, 0)))

    def backward(self, da: Any, p: Any, g: Any, memo: Any) -> Any:
        sides = borders("width", self.width, da.ndim - 2)
        lengths = zip(sides, da.shape[1:-1], strict=True)
        inside = (slice(before, length - after) for (before, after), length in lengths)
        return da[(slice(None), *inside)]
