"""What an output looks at: how the inputs move it, and what hiding them takes away.

Both are measured on the score, the number that the loss's link is applied to: the logit
of a class, or an output that is a number. A probability is no good measure, since it
hardly moves where the network is sure.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.arrays import as_floats, as_inputs
from pellucid.errors import ConfigurationError, ShapeError
from pellucid.layers.inputs import Input
from pellucid.layout import LayerView
from pellucid.network import NeuralNetwork
from pellucid.targets import chooses, class_count

# So many numbers of the input pass the network at once, so that memory stays bounded.
_AT_ONCE = 2**18


def saliency(network: NeuralNetwork, x: Any, target: Any = None) -> NDArray[Any]:
    """Return how much each input moves the score: ``d score / dx``.

    By the chain rule as in backprop, in prediction mode, back to the input. A small
    change of the input changes the score by the sum of change times saliency. Source:
    Simonyan et al., "Deep inside convolutional networks", 2013.

    Parameters
    ----------
    network : NeuralNetwork
        With one input of numbers; of images it is (n, height, width, channels).
    x : array_like, shape (n, *input_shape), or one sample
        Inputs.
    target : label or int, optional
        The class, as `predict` returns it, whose score is meant; of a network about
        numbers or several labels the index of the output. By default what is predicted
        for each sample.

    Returns
    -------
    ndarray, shape of x
        With a sign: where it is positive, more input means a higher score.

    Raises
    ------
    ShapeError
        If x does not fit the network, or an output is more than one list of numbers.
    ConfigurationError
        If the network takes whole numbers, which have no gradient, or there is no such
        target.

    Examples
    --------
    >>> import pellucid
    >>> net = pellucid.NeuralNetwork(
    ...     [pellucid.Dense(1, weight_init="ones")], loss="mean_squared_error"
    ... )
    >>> _ = net.build(2)
    >>> net.parameters["dense_1.W"][...] = [[3.0], [-5.0]]
    >>> pellucid.saliency(net, [[10.0, 20.0]])
    array([[ 3., -5.]], dtype=float32)
    """
    batch, single = _batch(network, x)
    layout = network.blueprint.layout
    weights = network.weights.view()
    weights.flags.writeable = False
    gradient = np.empty(layout.parameters.size, dtype=network.dtype)
    p, g = LayerView(weights, layout), LayerView(gradient, layout.parameters)
    found = np.empty_like(batch)
    for rows in _chunks(batch):
        z, memo = _scores(network, batch[rows])
        da = _slope(network, z, _targets(network, z, target))
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            found[rows] = network.blueprint.root.backward(da, p, g, memo)
    return found[0] if single else found


def occlusion(
    network: NeuralNetwork,
    x: Any,
    target: Any = None,
    *,
    size: int | None = None,
    stride: int | None = None,
    fill: Any = None,
) -> NDArray[Any]:
    """Return how much the score falls when a square of the image is hidden.

    ``score(image) - score(image with the square hidden)``, for a square around every
    place of the image. Source: Zeiler and Fergus, "Visualizing and understanding
    convolutional networks", ECCV 2014.

    Parameters
    ----------
    network : NeuralNetwork
        Its input is images, (n, height, width, channels).
    x : array_like, shape (n, height, width, channels), or one image
        Images.
    target : label or int, optional
        As in `saliency`.
    size : int, optional
        Side of the square in pixels; about a fifth of the image's shorter side by
        default. What lies outside the image is cut off.
    stride : int, optional
        Pixels from one place to the next; by default so many that there are at most 32
        places along a side.
    fill : float or array_like of shape (channels,), optional
        What the hidden pixels are; by default the mean of each image's channel.

    Returns
    -------
    ndarray, shape (n, ceil(height / stride), ceil(width / stride))
        Without the first axis for one image. Where it is positive, the square speaks
        for the target.

    Raises
    ------
    ShapeError
        If the input of the network is no image, or x does not fit it.
    ConfigurationError
        If the square is larger than the image or smaller than the stride, or there is
        no such target.

    Examples
    --------
    >>> import pellucid
    >>> net = pellucid.NeuralNetwork(
    ...     [pellucid.Flatten(), pellucid.Dense(1, weight_init="ones")],
    ...     loss="mean_squared_error",
    ...     input_shape=(2, 3, 1),
    ... )
    >>> image = [[[1.0], [2.0], [3.0]], [[4.0], [5.0], [6.0]]]
    >>> pellucid.occlusion(net, image, size=1, fill=0.0)
    array([[1., 2., 3.],
           [4., 5., 6.]], dtype=float32)
    """
    images, single = _batch(network, x)
    if images.ndim != 4:
        raise ShapeError(
            f"The network takes (n, {_text(images.shape[1:])}); occlusion needs one "
            "that takes images, (n, height, width, channels)."
        )
    size, stride = square(images.shape[1:3], size, stride)
    rows, columns = (-(-length // stride) for length in images.shape[1:3])
    found = np.empty((len(images), rows, columns), dtype=network.dtype)
    for image, falls in zip(images, found, strict=True):
        z, filling = _scores(network, image[None])[0], _filling(image, fill)
        chosen = _targets(network, z, target)
        before = _score(network, z, chosen)
        for places in _chunks(np.broadcast_to(image, (falls.size, *image.shape))):
            numbers = np.arange(falls.size)[places]
            corners = np.stack(np.divmod(numbers, columns), axis=1) * stride
            hidden = _hidden(image, corners - (size - stride) // 2, size, filling)
            after = _score(network, _scores(network, hidden)[0], chosen)
            with np.errstate(invalid="ignore"):  # infinite scores have no difference
                falls.reshape(-1)[places] = before - after
    return found[0] if single else found


def _batch(network: Any, x: Any) -> tuple[NDArray[Any], bool]:
    """Return inputs as numbers with an axis of samples, and whether it was one."""
    if not isinstance(network, NeuralNetwork):
        raise ConfigurationError(
            f"Expected a NeuralNetwork, got {type(network).__name__}."
        )
    blueprint = network.blueprint
    if not isinstance(blueprint.inputs, Input):
        raise ShapeError(
            f"The network takes named inputs {sorted(blueprint.inputs)}; expected one "
            "that takes one array."
        )
    if blueprint.inputs.kind == "integer":
        raise ConfigurationError(
            "The network takes whole numbers, which cannot change a little; expected "
            "one that takes numbers."
        )
    if len(blueprint.output_shape) != 1:
        raise ShapeError(
            f"The network gives (n, {_text(blueprint.output_shape)}); expected one row "
            "of outputs for each sample."
        )
    batch, _, single = as_inputs(x, blueprint.inputs, network.dtype)
    return batch.astype(network.dtype, copy=False), single


def _text(shape: tuple[int, ...]) -> str:
    return ", ".join(map(str, shape))


def _chunks(batch: NDArray[Any]) -> list[slice]:
    rows = max(1, _AT_ONCE // max(1, batch[:1].size))
    return [slice(i, i + rows) for i in range(0, len(batch), rows)]


def _scores(network: NeuralNetwork, batch: NDArray[Any]) -> tuple[NDArray[Any], Any]:
    """Return the scores, shape (n, outputs), and the memo of the pass."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        output, memo, _ = network.engine.forward(network.weights, batch)
    if network.blueprint.logits is None:
        return output, memo
    last = memo
    for name in network.blueprint.logits:
        last = last[name]
    return last.z, memo


def _score(
    network: NeuralNetwork, z: NDArray[Any], chosen: NDArray[Any]
) -> NDArray[Any]:
    """Return the score that is meant of each row; that of a no in one output is -z."""
    if _is_yes_or_no(network):
        return np.where(chosen == 1, z[:, 0], -z[:, 0])
    found: NDArray[Any] = np.take_along_axis(z, chosen[:, None], axis=1)[:, 0]
    return found


def _slope(
    network: NeuralNetwork, z: NDArray[Any], chosen: NDArray[Any]
) -> NDArray[Any]:
    """Return ``d score / dz``."""
    if _is_yes_or_no(network):
        return np.where(chosen == 1, 1.0, -1.0)[:, None].astype(z.dtype)
    hot: NDArray[np.bool_] = np.arange(z.shape[1]) == chosen[:, None]
    return hot.astype(z.dtype)


def _is_yes_or_no(network: NeuralNetwork) -> bool:
    return chooses(network.blueprint) and network.blueprint.answers == 1


def _targets(network: NeuralNetwork, z: NDArray[Any], target: Any) -> NDArray[Any]:
    """Return the class or output that is meant for each sample, by its index."""
    if target is not None:
        return np.full(len(z), _index(network, target))
    if _is_yes_or_no(network):
        return (z[:, 0] > 0).astype(np.int64)
    if network.loss.task == "numbers" and z.shape[1] > 1:
        raise ConfigurationError(
            f"The network has {z.shape[1]} outputs that are numbers: say which one is "
            f"meant, target=0 to {z.shape[1] - 1}."
        )
    found: NDArray[Any] = z.argmax(axis=1)
    return found


def _index(network: NeuralNetwork, target: Any) -> int:
    """Return which class, in their order, or output a user means."""
    blueprint = network.blueprint
    if not chooses(blueprint):
        known, what = list(range(blueprint.answers)), "outputs"
    elif network.classes is None:
        known, what = list(range(class_count(blueprint))), "classes"
    else:
        known, what = network.classes.tolist(), "classes"
    plain = target.item() if isinstance(target, np.generic) else target
    for index, label in enumerate(known):
        if type(plain) is type(label) and plain == label:
            return index
    raise ConfigurationError(
        f"target is {plain!r}, which is none of the {what} "
        f"{', '.join(map(repr, known))}."
    )


def target_of(network: NeuralNetwork, x: Any, target: Any = None) -> int:
    """Return what `saliency` and `occlusion` look at, as an index.

    Parameters
    ----------
    network : NeuralNetwork
        Whose outputs.
    x : array_like, shape (*input_shape)
        One sample.
    target : label or int, optional
        As in `saliency`.

    Returns
    -------
    int
        Of the class, in their order, or of the output.
    """
    z, _ = _scores(network, _batch(network, x)[0])
    return int(_targets(network, z, target)[0])


def square(
    shape: tuple[int, ...], size: int | None, stride: int | None
) -> tuple[int, int]:
    """Return side and step of the square that hides, see `occlusion`.

    Parameters
    ----------
    shape : tuple of int
        Height and width of the image.
    size, stride : int or None
        What the user gave.

    Returns
    -------
    tuple of int
    """
    shorter, longer = min(shape), max(shape)
    if stride is None:
        stride = -(-longer // 32)
    if size is None:
        # Odd, so that a place is the middle of its square.
        size = max(2 * round(shorter / 10) + 1, stride)
    for name, number in (("size", size), ("stride", stride)):
        whole = isinstance(number, int | np.integer) and not isinstance(number, bool)
        if not whole or not 1 <= number <= longer:
            raise ConfigurationError(
                f"Expected {name} to be a whole number from 1 to {longer}, the longer "
                f"side of the image; got {number!r}."
            )
    if size < stride:
        raise ConfigurationError(
            f"A square of {size} pixels that moves by {stride} never hides some of the "
            f"pixels: choose a size of at least {stride}, or a smaller stride."
        )
    return int(size), int(stride)


def _filling(image: NDArray[Any], fill: Any) -> NDArray[Any]:
    if fill is None:
        return np.asarray(image.mean(axis=(0, 1)))
    values: NDArray[Any] = as_floats(fill, "fill", image.dtype)
    if values.shape not in ((), (1,), image.shape[2:]):
        raise ShapeError(
            f"fill has shape {values.shape}; expected one number, or one for each of "
            f"the {image.shape[2]} channels."
        )
    return values


def _hidden(
    image: NDArray[Any], corners: NDArray[Any], size: int, filling: NDArray[Any]
) -> NDArray[Any]:
    """Return copies of an image, in each a square hidden; some begin outside of it."""
    copies = np.repeat(image[None], len(corners), axis=0)
    ends = corners + size
    starts = np.maximum(corners, 0)
    for copy, (top, left), (bottom, right) in zip(copies, starts, ends, strict=True):
        copy[top:bottom, left:right] = filling
    return copies
