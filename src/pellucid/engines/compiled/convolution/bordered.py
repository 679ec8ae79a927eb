"""Images with a border around them: where the pixels of a window are in memory."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.convolution import Window
from pellucid.engines.compiled import library
from pellucid.engines.compiled.convolution.blocked import Row

Table = NDArray[np.int64]


@dataclass(frozen=True)
class Bordered:
    """Images in memory, one after another, perhaps with pixels of border around each.

    Parameters
    ----------
    height, width, channels : int
        Of an image.
    top, bottom, left, right : int
        Pixels of border.
    """

    height: int
    width: int
    channels: int
    top: int = 0
    bottom: int = 0
    left: int = 0
    right: int = 0

    @classmethod
    def of(cls, shape: Any, window: Window) -> "Bordered":
        """Return the images of a shape with the border of a window.

        Parameters
        ----------
        shape : tuple
            (n, height, width, channels).
        window : Window
            How it moves.

        Returns
        -------
        Bordered
        """
        _, height, width, channels = shape
        (top, bottom), (left, right) = window.padding
        return cls(height, width, channels, top, bottom, left, right)

    @property
    def border(self) -> bool:
        """Whether there is any."""
        return any((self.top, self.bottom, self.left, self.right))

    @property
    def pixels(self) -> int:
        """Numbers of an image without its border."""
        return self.height * self.width * self.channels

    @property
    def row(self) -> int:
        """Numbers from one row of pixels to the next."""
        return (self.left + self.width + self.right) * self.channels

    @property
    def size(self) -> int:
        """Numbers of an image with its border."""
        return (self.top + self.height + self.bottom) * self.row

    def place(self, i: Any, j: Any) -> Any:
        """Return where a pixel is, counted with the border.

        Parameters
        ----------
        i, j : int or ndarray of int
            Row and column, from 0 at the corner of the border.

        Returns
        -------
        int or ndarray of int
        """
        return i * self.row + j * self.channels

    def copy(
        self, count: int, images: int, bordered: int, item: int, *, back: bool = False
    ) -> Row:
        """Return the call that copies images into their borders, or out of them.

        Parameters
        ----------
        count : int
            How many images.
        images, bordered : int
            Addresses without and with border.
        item : int
            Bytes of a number.
        back : bool
            Whether to copy out.

        Returns
        -------
        Row
        """
        inner = bordered + item * self.place(self.top, self.left)
        wide = self.width * self.channels
        without = (images, self.pixels, wide)
        within = (inner, self.size, self.row)
        pair = (within, without) if back else (without, within)
        rows = [count, self.height, wide, *pair[0], *pair[1]]
        return library.COPY_IMAGES, rows

    def windows(self, window: Window, count: int, places: tuple[int, int]) -> Table:
        """Return where the first pixel of the window is, at all its places.

        Parameters
        ----------
        window : Window
            How it moves.
        count : int
            Over how many images.
        places : tuple of int
            How many it has, down and to the right.

        Returns
        -------
        ndarray of int, shape (count * places,)
        """
        down, right = np.arange(places[0]), np.arange(places[1])
        one: Table = self.place(
            down[:, None] * window.stride[0], right[None] * window.stride[1]
        )
        found: Table = np.arange(count)[:, None] * self.size + one.reshape(1, -1)
        return found.ravel()

    def taps(self, window: Window) -> Table:
        """Return where the pixels of a window are from its first one.

        Parameters
        ----------
        window : Window
            Its size and dilation.

        Returns
        -------
        ndarray of int, shape (height * width,)
        """
        down, right = (
            np.arange(length) * apart
            for length, apart in zip(window.size, window.dilation, strict=True)
        )
        found: Table = self.place(down[:, None], right[None]).ravel()
        return found


def with_channels(taps: Table, channels: int) -> Table:
    """Return where all numbers of some pixels are.

    Parameters
    ----------
    taps : ndarray of int
        Where the pixels are.
    channels : int
        How many numbers each has that are wanted.

    Returns
    -------
    ndarray of int, shape (len(taps) * channels,)
    """
    found: Table = (taps[:, None] + np.arange(channels)[None]).ravel()
    return found
