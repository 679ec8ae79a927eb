"""Sliding windows over images: convolution, pooling, and the way back through both.

Images are (n, height, width, channels). A `Window` says how a small rectangle moves
over them. Every function that goes back is the adjoint of one that goes forward: with
``y = f(x)`` linear in x, ``sum(y * dy) = sum(x * back(dy))`` for every x and dy.

The products are made on columns, one row for each place of the window, as many samples
at a time as fit into a block of bounded size: never those of a whole batch.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from pellucid.errors import ShapeError

# Numbers that the columns of one block hold at most; those of one sample may be more.
BLOCK = 1 << 20

Pair = tuple[int, int]


@dataclass(frozen=True)
class Window:
    """A rectangle that moves over an image in steps.

    Parameters
    ----------
    size : tuple of int
        Height and width in pixels.
    stride : tuple of int
        How far it moves down and to the right from one place to the next.
    padding : tuple of tuple of int
        Pixels of border around the image: (top, bottom), (left, right).
    dilation : tuple of int
        Distance between neighbouring pixels of the window, down and to the right.
    """

    size: Pair
    stride: Pair = (1, 1)
    padding: tuple[Pair, Pair] = ((0, 0), (0, 0))
    dilation: Pair = (1, 1)

    @property
    def reach(self) -> Pair:
        """Height and width of what it covers, the gaps of a dilation included."""
        (height, width), (down, right) = self.size, self.dilation
        return down * (height - 1) + 1, right * (width - 1) + 1

    def outputs(self, height: int, width: int) -> Pair:
        """Return how many places it has in an image, down and to the right.

        Parameters
        ----------
        height, width : int
            Size of the image, without its border.

        Returns
        -------
        tuple of int

        Raises
        ------
        ShapeError
            If it is larger than the image with its border.
        """
        (top, bottom), (left, right) = self.padding
        free = (
            height + top + bottom - self.reach[0],
            width + left + right - self.reach[1],
        )
        if min(free) < 0:
            border = " with its border" if any(map(any, self.padding)) else ""
            raise ShapeError(
                f"A window of {self.reach[0]} x {self.reach[1]} pixels does not fit "
                f"into an image of {height + top + bottom} x {width + left + right}"
                f"{border}."
            )
        return free[0] // self.stride[0] + 1, free[1] // self.stride[1] + 1

    def __str__(self) -> str:
        words = [f"{self.size[0]}x{self.size[1]}"]
        if self.stride != (1, 1):
            words.append(f"stride {self.stride}")
        if any(map(any, self.padding)):
            words.append(f"padding {self.padding}")
        if self.dilation != (1, 1):
            words.append(f"dilation {self.dilation}")
        return " ".join(words)


# -- shapes ----------------------------------------------------------------------------


def _text(shape: Any) -> str:
    return f"({', '.join(map(str, shape))})"


def image_shape(shape: Any) -> Any:
    """Return the shape of a batch of images, once it is known to be one.

    Parameters
    ----------
    shape : tuple
        Any shape; the first length is the batch's.

    Returns
    -------
    tuple

    Raises
    ------
    ShapeError
        If it has not four lengths, or the last three are no numbers.
    """
    if len(shape) != 4 or not all(isinstance(length, int) for length in shape[1:]):
        raise ShapeError(
            f"A window moves over images (n, height, width, channels); got "
            f"{_text(shape)}."
        )
    return shape


def convolved_shape(x: Any, W: Any, window: Window, groups: int) -> Any:
    """Return the shape of `convolve` from those of its inputs.

    Parameters
    ----------
    x : tuple
        (n, height, width, channels).
    W : tuple
        (kernel height, kernel width, channels / groups, filters).
    window : Window
        How the kernel moves.
    groups : int
        Into how many groups the channels are split.

    Returns
    -------
    tuple
        (n, rows, columns, filters).

    Raises
    ------
    ShapeError
        If they do not fit.
    """
    n, height, width, channels = image_shape(x)
    if len(W) != 4 or W[:2] != window.size:
        raise ShapeError(
            f"Filters of a window of {window.size[0]} x {window.size[1]} have shape "
            f"({window.size[0]}, {window.size[1]}, channels, filters); got {_text(W)}."
        )
    if W[2] * groups != channels or W[3] % groups:
        raise ShapeError(
            f"Filters {_text(W)} in {groups} group{'s' * (groups != 1)} take "
            f"{W[2] * groups} channels and give a multiple of {groups}; the images "
            f"{_text(x)} have {channels} channels."
        )
    return (n, *window.outputs(height, width), W[3])


def convolved_back_shape(
    dz: Any, W: Any, window: Window, size: Pair, groups: int
) -> Any:
    """Return the shape of `convolve_back` from those of its inputs.

    Parameters
    ----------
    dz : tuple
        (n, rows, columns, filters).
    W, window, groups
        As in `convolved_shape`.
    size : tuple of int
        Height and width of the images.

    Returns
    -------
    tuple
        (n, *size, channels).

    Raises
    ------
    ShapeError
        If they do not fit.
    """
    x = (dz[0], *size, W[2] * groups if len(W) == 4 else 0)
    _check_places(dz, convolved_shape(x, W, window, groups), size)
    return x


def filters_shape(x: Any, dz: Any, window: Window, groups: int) -> Any:
    """Return the shape of `convolve_weights` from those of its inputs.

    Parameters
    ----------
    x : tuple
        (n, height, width, channels).
    dz : tuple
        (n, rows, columns, filters).
    window, groups
        As in `convolved_shape`.

    Returns
    -------
    tuple
        (kernel height, kernel width, channels / groups, filters).

    Raises
    ------
    ShapeError
        If they do not fit.
    """
    W = (*window.size, image_shape(x)[3] // groups, image_shape(dz)[3])
    _check_places(dz, convolved_shape(x, W, window, groups), x[1:3])
    return W


def pooled_shape(x: Any, window: Window) -> Any:
    """Return the shape of `max_windows` and `sum_windows` from that of the images.

    Parameters
    ----------
    x : tuple
        (n, height, width, channels).
    window : Window
        How it moves.

    Returns
    -------
    tuple
        (n, rows, columns, channels).

    Raises
    ------
    ShapeError
        If the window does not fit.
    """
    n, height, width, channels = image_shape(x)
    return (n, *window.outputs(height, width), channels)


def spread_shape(dy: Any, window: Window, size: Pair) -> Any:
    """Return the shape of `spread_windows` from that of what is spread.

    Parameters
    ----------
    dy : tuple
        (n, rows, columns, channels).
    window : Window
        How it moves.
    size : tuple of int
        Height and width of the images.

    Returns
    -------
    tuple
        (n, *size, channels).

    Raises
    ------
    ShapeError
        If there is not one number for each place of the window.
    """
    n, _, _, channels = image_shape(dy)
    x = (n, *size, channels)
    _check_places(dy, pooled_shape(x, window), size)
    return x


def _check_places(found: Any, expected: Any, size: Pair) -> None:
    """Raise unless there is one entry for each place of a window, and filter."""
    if found != expected:
        raise ShapeError(
            f"Over images of {size[0]} x {size[1]} the window gives {_text(expected)}; "
            f"got {_text(found)}."
        )


# -- where the window is ---------------------------------------------------------------


def _bordered(x: NDArray[Any], window: Window, value: float = 0.0) -> NDArray[Any]:
    """Return the images with the window's border around them."""
    (top, bottom), (left, right) = window.padding
    if not (top or bottom or left or right):
        return x
    n, height, width, channels = x.shape
    shape = (n, height + top + bottom, width + left + right, channels)
    grown = np.full(shape, value, x.dtype)
    grown[:, top : top + height, left : left + width] = x
    return grown


def _without_border(x: NDArray[Any], window: Window, size: Pair) -> NDArray[Any]:
    """Return images of a size, cut out of their border."""
    (top, _), (left, _) = window.padding
    return x[:, top : top + size[0], left : left + size[1]]


def _with_border(window: Window, size: Pair) -> Pair:
    """Return height and width of images of a size with their border."""
    (top, bottom), (left, right) = window.padding
    return size[0] + top + bottom, size[1] + left + right


def _offsets(window: Window, places: Pair) -> Iterator[tuple[int, int, Any]]:
    """Yield row and column of each pixel of the window, and where it goes.

    The last is an index into images with their border: it picks what this pixel sees
    as the window moves over all its places.
    """
    (rows, columns), (down, right) = places, window.stride
    for u in range(window.size[0]):
        for v in range(window.size[1]):
            top, left = u * window.dilation[0], v * window.dilation[1]
            there = (
                slice(None),
                slice(top, top + down * (rows - 1) + 1, down),
                slice(left, left + right * (columns - 1) + 1, right),
            )
            yield u, v, there


# -- convolution -----------------------------------------------------------------------


def _blocks(n: int, numbers: int) -> Iterator[slice]:
    """Yield ranges of samples whose columns, `numbers` for one, fit into a block."""
    step = max(1, BLOCK // max(numbers, 1))
    for start in range(0, n, step):
        yield slice(start, min(start + step, n))


def _columns(x: NDArray[Any], window: Window, groups: int) -> NDArray[Any]:
    """Return what the window sees: (groups, places of all samples, pixels channels)."""
    moved = sliding_window_view(_bordered(x, window), window.reach, axis=(1, 2))
    moved = moved[
        :,
        :: window.stride[0],
        :: window.stride[1],
        :,
        :: window.dilation[0],
        :: window.dilation[1],
    ]
    *places, channels, height, width = moved.shape
    split = moved.reshape(*places, groups, channels // groups, height, width)
    ordered = split.transpose(3, 0, 1, 2, 5, 6, 4)
    return ordered.reshape(groups, math.prod(places), -1)


def _by_group(z: NDArray[Any], groups: int) -> NDArray[Any]:
    """Return (..., filters) as (groups, all before, filters / groups)."""
    return z.reshape(-1, groups, z.shape[-1] // groups).transpose(1, 0, 2)


def _places(window: Window, size: Pair, channels: int) -> int:
    """Return how many numbers the columns of one sample have."""
    rows, columns = window.outputs(*size)
    return rows * columns * window.size[0] * window.size[1] * channels


def convolve(
    x: NDArray[Any], W: NDArray[Any], window: Window, groups: int = 1
) -> NDArray[Any]:
    """``z[i, j, f] = sum over u, v, c of x[s i + d u, s j + d v, c] W[u, v, c, f]``.

    What every library calls convolution (a mathematician calls it cross-correlation: W
    is not turned around). s is the stride and d the dilation; the border counts as 0.

    Parameters
    ----------
    x : ndarray, shape (n, height, width, channels)
        Images.
    W : ndarray, shape (kernel height, kernel width, channels / groups, filters)
        Filters; filter f sees the channels of its group only.
    window : Window
        How the kernel moves.
    groups : int
        Into how many groups, in order, channels and filters are split.

    Returns
    -------
    ndarray, shape (n, rows, columns, filters)

    Raises
    ------
    ShapeError
        If the shapes do not fit.

    Examples
    --------
    >>> import numpy as np
    >>> from pellucid.convolution import Window, convolve
    >>> x = np.arange(6.0).reshape(1, 2, 3, 1)
    >>> W = np.array([-1.0, 1.0]).reshape(1, 2, 1, 1)
    >>> convolve(x, W, Window((1, 2)))[0, :, :, 0]
    array([[1., 1.],
           [1., 1.]])
    """
    z = np.empty(convolved_shape(x.shape, W.shape, window, groups), x.dtype)
    filters = _by_group(W, groups)
    numbers = _places(window, x.shape[1:3], x.shape[3])
    for samples in _blocks(len(x), numbers):
        block = z[samples]
        product = _columns(x[samples], window, groups) @ filters
        block[...] = product.transpose(1, 0, 2).reshape(block.shape)
    return z


def convolve_back(
    dz: NDArray[Any], W: NDArray[Any], window: Window, size: Pair, groups: int = 1
) -> NDArray[Any]:
    """Return the adjoint of `convolve` in x: dL/dx from dL/dz.

    Parameters
    ----------
    dz : ndarray, shape (n, rows, columns, filters)
        One number for each place and filter.
    W : ndarray, shape (kernel height, kernel width, channels / groups, filters)
        Filters.
    window : Window
        How the kernel moves.
    size : tuple of int
        Height and width of the images; with a stride, several give as many places.
    groups : int
        As in `convolve`.

    Returns
    -------
    ndarray, shape (n, *size, channels)

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    """
    shape = convolved_back_shape(dz.shape, W.shape, window, size, groups)
    dx = np.empty(shape, dz.dtype)
    turned = _by_group(W, groups).transpose(0, 2, 1)
    places, each = dz.shape[1:3], W.shape[2]
    for samples in _blocks(len(dz), _places(window, size, shape[3])):
        m = samples.stop - samples.start
        columns = _by_group(dz[samples], groups) @ turned
        columns = columns.reshape(groups, m, *places, *window.size, each)
        bordered = np.zeros((m, *_with_border(window, size), groups, each), dz.dtype)
        for u, v, there in _offsets(window, places):
            bordered[there] += columns[..., u, v, :].transpose(1, 2, 3, 0, 4)
        inside = _without_border(bordered, window, size)
        dx[samples] = inside.reshape(m, *size, -1)
    return dx


def convolve_weights(
    x: NDArray[Any], dz: NDArray[Any], window: Window, groups: int = 1
) -> NDArray[Any]:
    """Return the adjoint of `convolve` in W: dL/dW from dL/dz.

    Parameters
    ----------
    x : ndarray, shape (n, height, width, channels)
        Images.
    dz : ndarray, shape (n, rows, columns, filters)
        One number for each place and filter.
    window : Window
        How the kernel moves.
    groups : int
        As in `convolve`.

    Returns
    -------
    ndarray, shape (kernel height, kernel width, channels / groups, filters)

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    """
    shape = filters_shape(x.shape, dz.shape, window, groups)
    total = np.zeros((groups, math.prod(shape[:3]), shape[3] // groups), x.dtype)
    for samples in _blocks(len(x), _places(window, x.shape[1:3], x.shape[3])):
        columns = _columns(x[samples], window, groups)
        total += columns.transpose(0, 2, 1) @ _by_group(dz[samples], groups)
    dW: NDArray[Any] = total.transpose(1, 0, 2).reshape(shape)
    return dW


# -- pooling ---------------------------------------------------------------------------


def max_windows(x: NDArray[Any], window: Window) -> NDArray[Any]:
    """Return the largest number in each place of a window, channel by channel.

    The border counts as minus infinity; a NaN stays.

    Parameters
    ----------
    x : ndarray, shape (n, height, width, channels)
        Images.
    window : Window
        How it moves.

    Returns
    -------
    ndarray, shape (n, rows, columns, channels)
    """
    y = np.full(pooled_shape(x.shape, window), -np.inf, x.dtype)
    bordered = _bordered(x, window, -np.inf)
    for _, _, there in _offsets(window, y.shape[1:3]):
        np.maximum(y, bordered[there], out=y)
    return y


def max_windows_back(x: NDArray[Any], dy: NDArray[Any], window: Window) -> NDArray[Any]:
    """Return dL/dx from dL/dy: each goes to the first largest pixel of its window.

    First means row by row, as in PyTorch. What several windows send to one pixel is
    added up.

    Parameters
    ----------
    x : ndarray, shape (n, height, width, channels)
        Images.
    dy : ndarray, shape (n, rows, columns, channels)
        One number for each place and channel.
    window : Window
        How it moves.

    Returns
    -------
    ndarray, shape of x
    """
    return put_on_pixels(largest_pixels(x, window), dy, window, x.shape[1:3])


def largest_pixels(x: NDArray[Any], window: Window) -> NDArray[Any]:
    """Return which pixel of a window is the first largest in each of its places.

    Parameters
    ----------
    x : ndarray, shape (n, height, width, channels)
        Images.
    window : Window
        How it moves.

    Returns
    -------
    ndarray, shape (n, rows, columns, channels)
        Numbers of pixels, row by row of the window; -1 where it sees border only.
    """
    bordered, y = _bordered(x, window, -np.inf), max_windows(x, window)
    # A pixel may be minus infinity like the border, which takes nothing all the same.
    image = _bordered(np.ones((1, *x.shape[1:3], 1), bool), window, value=False)
    pixels = np.full(y.shape, -1, x.dtype)
    for number, (_, _, there) in enumerate(_offsets(window, y.shape[1:3])):
        seen = bordered[there]
        here = (pixels < 0) & image[there] & ((seen == y) | np.isnan(seen))
        pixels[here] = number
    return pixels


def put_on_pixels(
    pixels: NDArray[Any], dy: NDArray[Any], window: Window, size: Pair
) -> NDArray[Any]:
    """Return images that have each number at one pixel of its window.

    Parameters
    ----------
    pixels : ndarray, shape (n, rows, columns, channels)
        Which, from `largest_pixels`.
    dy : ndarray, shape (n, rows, columns, channels)
        The numbers; those of one pixel are added up.
    window : Window
        How it moves.
    size : tuple of int
        Height and width of the images.

    Returns
    -------
    ndarray, shape (n, *size, channels)
    """
    n, _, _, channels = spread_shape(dy.shape, window, size)
    dx = np.zeros((n, *_with_border(window, size), channels), dy.dtype)
    for number, (_, _, there) in enumerate(_offsets(window, dy.shape[1:3])):
        dx[there] += np.where(pixels == number, dy, 0)
    return _without_border(dx, window, size)


def sum_windows(x: NDArray[Any], window: Window) -> NDArray[Any]:
    """Return the sum of each place of a window, channel by channel.

    The border counts as 0.

    Parameters
    ----------
    x : ndarray, shape (n, height, width, channels)
        Images.
    window : Window
        How it moves.

    Returns
    -------
    ndarray, shape (n, rows, columns, channels)
    """
    y = np.zeros(pooled_shape(x.shape, window), x.dtype)
    bordered = _bordered(x, window)
    for _, _, there in _offsets(window, y.shape[1:3]):
        y += bordered[there]
    return y


def spread_windows(dy: NDArray[Any], window: Window, size: Pair) -> NDArray[Any]:
    """Return the adjoint of `sum_windows`: each number goes to all of its window.

    Parameters
    ----------
    dy : ndarray, shape (n, rows, columns, channels)
        One number for each place and channel.
    window : Window
        How it moves.
    size : tuple of int
        Height and width of the images.

    Returns
    -------
    ndarray, shape (n, *size, channels)
    """
    n, _, _, channels = spread_shape(dy.shape, window, size)
    dx = np.zeros((n, *_with_border(window, size), channels), dy.dtype)
    for _, _, there in _offsets(window, dy.shape[1:3]):
        dx[there] += dy
    return _without_border(dx, window, size)
