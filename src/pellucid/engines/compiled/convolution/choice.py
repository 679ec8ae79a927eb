"""Which kernels an operation over images gets: by its sizes, never by the machine."""

import math
from typing import Any

from pellucid.convolution import Window
from pellucid.engines.compiled.convolution.blocked import Blocked
from pellucid.engines.compiled.convolution.borders import (
    CutOut,
    PutAround,
    border_of,
)
from pellucid.engines.compiled.convolution.direct import (
    Convolve,
    ConvolveBack,
    ConvolveWeights,
)
from pellucid.engines.compiled.convolution.halved import TILED, Halved, suits_halved
from pellucid.engines.compiled.convolution.pooling import (
    Largest,
    OnPixels,
    Spread,
    Sum,
    SumOfAll,
)
from pellucid.engines.compiled.convolution.winograd import suits
from pellucid.engines.compiled.pixels import LARGEST_PIXELS, PUT_ON_PIXELS
from pellucid.symbol import Dim, Symbol

DIRECT = {
    "convolve": Convolve,
    "convolve_back": ConvolveBack,
    "convolve_weights": ConvolveWeights,
}


def over_images(node: Symbol, bits: int) -> Blocked | None:
    """Return the kernels of an operation over images, None for any other operation.

    Parameters
    ----------
    node : Symbol
        The operation.
    bits : int
        32 or 64.

    Returns
    -------
    Blocked or None
    """
    name, how = node.operation.name, node.settings
    if not _are_samples(node.inputs[0]):
        return None
    if node.operation.group == "reduction":
        return _over_places(node)
    if name in ("pad", "slice"):
        return _border(node)
    if name in DIRECT:
        images, filters = {
            "convolve": (node.inputs[0].shape, node.inputs[1].shape),
            "convolve_back": (node.shape, node.inputs[1].shape),
            "convolve_weights": (node.inputs[0].shape, node.shape),
        }[name]
        sizes = images, filters, how["window"], how["groups"]
        if suits_halved(*sizes, bits):
            return Halved(name, images, filters, how["window"])
        # The tiles of the gradient have no place for a border of more than two pixels.
        wide = max(border[0] for border in how["window"].padding) > 2
        kernels: Any = TILED if suits(*sizes, bits) and not wide else DIRECT
        found: Blocked = kernels[name](*sizes)
        return found
    if name == "max_windows":
        return Largest(node.inputs[0].shape, how["window"])
    if name == LARGEST_PIXELS.name:
        return Largest(node.inputs[0].shape, how["window"], value=False, pixels=True)
    if name == PUT_ON_PIXELS.name:
        return OnPixels(node.shape, how["window"])
    if name == "sum_windows":
        return Sum(node.inputs[0].shape, how["window"])
    if name == "spread_windows":
        return Spread(node.shape, how["window"])
    return None


def _are_samples(value: Any) -> bool:
    """Return whether there is one for each row of the batch."""
    first = value.shape[0] if isinstance(value, Symbol) and value.shape else None
    return isinstance(first, Dim) and first.factor == 1


def _border(node: Symbol) -> Blocked | None:
    """Return the kernels that put a border around images, or take it away."""
    shape: Any = node.inputs[0].shape
    if node.operation.name == "pad":
        before = tuple(pair[0] for pair in node.settings["width"])
        around = border_of(shape, node.shape, before)
        return PutAround(around) if around else None
    index = node.settings["index"]
    parts = index if isinstance(index, tuple) else (index,)
    parts += (slice(None),) * (len(shape) - len(parts))
    if not all(isinstance(part, slice) for part in parts):
        return None
    ranges = [
        range(*part.indices(length)) if isinstance(length, int) else range(1)
        for part, length in zip(parts, shape, strict=True)
    ]
    if any(part.step != 1 for part in ranges):
        return None
    around = border_of(node.shape, shape, tuple(part.start for part in ranges))
    return CutOut(around) if around else None


def _over_places(node: Symbol) -> Blocked | None:
    """Return the kernels of a reduction over all places of images or sequences."""
    shape: Any = node.inputs[0].shape
    if node.settings["axis"] == tuple(range(len(shape) - 1)):
        return SumOfAll(shape) if node.operation.name == "sum" else None
    if node.settings["axis"] != tuple(range(1, len(shape) - 1)):
        return None
    pixels = math.prod(shape[1:-1])
    images, window = (shape[0], 1, pixels, shape[-1]), Window((1, pixels))
    name = node.operation.name
    if name == "max":
        return Largest(images, window)
    if name in ("sum", "mean"):
        return Sum(images, window, pixels if name == "mean" else 1)
    return None
