"""How layers say where their windows go: sizes, strides, borders."""

from typing import Any

from pellucid.convolution import Window
from pellucid.errors import ConfigurationError, ShapeError
from pellucid.layers.dense import whole_number

Pair = tuple[int, int]


def pair(name: str, value: Any) -> Pair:
    """Return a setting for down and for right: one number stands for both.

    Parameters
    ----------
    name : str
        The setting.
    value : int or tuple of int
        What was given, at least 1.

    Returns
    -------
    tuple of int

    Raises
    ------
    ConfigurationError
        If it is neither.
    """
    both = value if isinstance(value, tuple | list) else (value, value)
    if len(both) != 2:
        raise ConfigurationError(
            f"Expected {name} to be a number, or two for down and right; got {value!r}."
        )
    for number in both:
        whole_number(name, number)
    return both[0], both[1]


def borders(name: str, value: Any, axes: int) -> tuple[Pair, ...]:
    """Return a border as (before, after) for each axis of an image or a sequence.

    Parameters
    ----------
    name : str
        The setting.
    value : int or tuple
        One number for all sides, or one for each axis, or (before, after) for each.
    axes : int
        Their number: 2 for images, 1 for sequences.

    Returns
    -------
    tuple of tuple of int

    Raises
    ------
    ConfigurationError
        If it is nothing of that.
    """
    each = value if isinstance(value, tuple | list) else (value,) * axes
    sides = [side if isinstance(side, tuple | list) else (side, side) for side in each]
    if len(each) != axes or any(len(side) != 2 for side in sides):
        one = "((top, bottom), (left, right))" if axes == 2 else "((before, after),)"
        raise ConfigurationError(
            f"Expected {name} to be a number, one for each of {axes} "
            f"ax{'e' if axes > 1 else 'i'}s, or {one}; got {value!r}."
        )
    for side in sides:
        for number in side:
            whole_number(name, number, least=0)
    return tuple((before, after) for before, after in sides)


def check_window(size: Any, stride: Any, padding: Any, dilation: Any = 1) -> None:
    """Raise `ConfigurationError` unless these make a window over images.

    Parameters
    ----------
    size, stride, dilation : int or tuple of int
        One number stands for both axes.
    padding : str, int or tuple
        See `check_padding`.
    """
    pair("size of the window", size)
    pair("stride", stride)
    pair("dilation", dilation)
    check_padding(padding, 2)


def check_padding(padding: Any, axes: int) -> None:
    """Raise `ConfigurationError` unless a padding is a border, "same" or "valid".

    Parameters
    ----------
    padding : object
        What was given.
    axes : int
        2 for images, 1 for sequences.
    """
    if not isinstance(padding, str):
        borders("padding", padding, axes)
    elif padding not in ("same", "valid"):
        raise ConfigurationError(
            "Expected padding to be 'same' (a border such that there are as many "
            "places as pixels, divided by the stride), 'valid' (no border), or its "
            f"pixels; got {padding!r}."
        )


def window_over(
    shape: Any, size: Any, stride: Any, padding: Any, dilation: Any = 1
) -> Window:
    """Return the window of a layer over images of a shape.

    Padding "same" gives ``ceil(length / stride)`` places; where the border is not even,
    bottom and right get the pixel more (SAME_UPPER of ONNX).

    Parameters
    ----------
    shape : tuple of int
        (n, height, width, channels).
    size, stride, dilation : int or tuple of int
        One number stands for both axes.
    padding : str, int or tuple
        ``"same"``, ``"valid"``, or as `borders` takes it.

    Returns
    -------
    Window

    Raises
    ------
    ShapeError
        If it does not fit.
    """
    size, stride, dilation = (
        pair("size of the window", size),
        pair("stride", stride),
        pair("dilation", dilation),
    )
    reach = Window(size, dilation=dilation).reach
    if isinstance(padding, str):
        places = zip(shape[1:3], reach, stride, strict=True)
        down, right = (_side(padding, *place) for place in places)
    else:
        down, right = borders("padding", padding, 2)
    window = Window(size, stride, (down, right), dilation)
    try:
        window.outputs(*shape[1:3])
    except ShapeError as error:
        raise ShapeError(
            f"{error} Use padding='same', a smaller window, or fewer layers that "
            f"shrink the image.{channels_first_hint(shape[1:])}"
        ) from None
    return window


def window_along(
    length: int, size: int, stride: int, padding: Any, dilation: int = 1
) -> Window:
    """Return the window of a layer over sequences, seen as images of one row.

    Parameters
    ----------
    length : int
        Length of a sequence.
    size, stride, dilation : int
        Those of the window.
    padding : str, int or tuple
        As in `window_over`, for one axis.

    Returns
    -------
    Window

    Raises
    ------
    ShapeError
        If it does not fit.
    """
    reach = dilation * (size - 1) + 1
    if isinstance(padding, str):
        side = _side(padding, length, reach, stride)
    else:
        (side,) = borders("padding", padding, 1)
    if length + sum(side) < reach:
        raise ShapeError(
            f"A window of {reach} entries does not fit into a sequence of {length}"
            f"{' with its border' if any(side) else ''}. Use padding='same', a smaller "
            "window, or fewer layers that shorten the sequence."
        )
    return Window((1, size), (1, stride), ((0, 0), side), (1, dilation))


def _side(padding: str, length: int, reach: int, stride: int) -> Pair:
    """Return how much "same" or "valid" adds before and after an axis."""
    if padding == "valid":
        return 0, 0
    more = max((-(-length // stride) - 1) * stride + reach - length, 0)
    return more // 2, more - more // 2


def in_one_row(x: Any) -> Any:
    """Return sequences as images of one row: (n, length, channels) -> (n, 1, ...).

    Parameters
    ----------
    x : ndarray, shape (n, length, channels)
        Sequences.

    Returns
    -------
    ndarray, shape (n, 1, length, channels)
    """
    return x.reshape(x.shape[0], 1, *x.shape[1:])


def as_sequence(x: Any) -> Any:
    """Return images of one row as sequences, the way back of `in_one_row`.

    Parameters
    ----------
    x : ndarray, shape (n, 1, length, channels)
        Images.

    Returns
    -------
    ndarray, shape (n, length, channels)
    """
    return x.reshape(x.shape[0], *x.shape[2:])


def channels_first_hint(shape: Any) -> str:
    """Return what to do where the channels of an image may stand first, or "".

    Parameters
    ----------
    shape : tuple of int
        Shape of one image.

    Returns
    -------
    str
    """
    if shape[0] not in (1, 3) or shape[0] >= min(shape[1:]):
        return ""
    return (
        " Images are (n, height, width, channels): if these are (n, channels, height, "
        "width), write x.transpose(0, 2, 3, 1)."
    )


def must_not_look_channels_first(shape: Any) -> None:
    """Raise `ShapeError` if images of data look like (channels, height, width).

    That is: grey or coloured in the first axis, and two lengths as pictures have them.

    Parameters
    ----------
    shape : tuple of int
        Shape of one image.
    """
    if len(shape) != 3 or shape[0] not in (1, 3):
        return
    height, width = sorted(shape[1:])
    if height >= 8 and width <= 2 * height:
        rest = ", ".join(map(str, shape))
        raise ShapeError(
            f"Images of shape (n, {rest}) look like (n, channels, height, width); here "
            "images are (n, height, width, channels): write x.transpose(0, 2, 3, 1). "
            f"(If their height is {shape[0]} and {shape[2]} the number of their "
            f"channels, put Reshape(({rest})) first.)"
        )


def must_be_image(kind: str, shape: Any) -> None:
    """Raise `ShapeError` unless a sample is an image.

    Parameters
    ----------
    kind : str
        The layer that takes it.
    shape : tuple of int, or mapping of such
        Shape of one sample.
    """
    _must_have(kind, shape, "images", ("height", "width"), "Reshape((28, 28, 1))")


def must_be_sequence(kind: str, shape: Any) -> None:
    """Raise `ShapeError` unless a sample is a sequence.

    Parameters
    ----------
    kind : str
        The layer that takes it.
    shape : tuple of int, or mapping of such
        Shape of one sample.
    """
    _must_have(kind, shape, "sequences", ("length",), "Reshape((100, 1))")


def must_have_places(kind: str, shape: Any) -> None:
    """Raise `ShapeError` unless a sample is an image or a sequence.

    Parameters
    ----------
    kind : str
        The layer that takes it.
    shape : tuple of int, or mapping of such
        Shape of one sample.
    """
    if isinstance(shape, dict) or len(shape) != 2:
        must_be_image(kind, shape)


def must_be_array(kind: str, shape: Any) -> None:
    """Raise `ShapeError` unless a sample is one array with an axis of features.

    Parameters
    ----------
    kind : str
        The layer that takes it.
    shape : tuple of int, or mapping of such
        Shape of one sample.
    """
    if isinstance(shape, dict):
        raise ShapeError(
            f"The input is a mapping of arrays {sorted(shape)}: choose one with "
            "Select(name) before this layer."
        )
    if not shape:
        raise ShapeError(f"{kind} takes features along the last axis, (n, ..., ones).")


def _must_have(
    kind: str, shape: Any, what: str, places: tuple[str, ...], remedy: str
) -> None:
    must_be_array(kind, shape)
    if len(shape) == len(places) + 1:
        return
    told = (
        f"{kind} takes {what}, shape (n, {', '.join(places)}, channels); here the "
        f"input has shape (n, {', '.join(map(str, shape))})."
    )
    if len(shape) == len(places):
        told += f" The axis of channels is missing: {_with_channels(shape)}."
    else:
        told += f" Put a layer such as {remedy} before it."
    raise ShapeError(told)


def _with_channels(shape: Any) -> str:
    return (
        f"hand in x[..., None], or put Reshape(({', '.join(map(str, shape))}, 1)) "
        "before this layer"
    )
