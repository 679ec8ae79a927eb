"""Convolution at a stride of two, as one at a stride of one with more channels.

Pixel (2 i + a, 2 j + b) becomes pixel (i, j) of a group of channels for each a, b in
{0, 1}; the filters are split in the same way. A filter of 5 x 5 becomes one of 3 x 3,
zeros in the rest of it, and goes the way of those: by tiles.
"""

import math
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from pellucid.convolution import Window
from pellucid.engines.compiled import library
from pellucid.engines.compiled.convolution.blocked import (
    Blocked,
    Row,
    Where,
    at_once,
    parts,
    vector_width,
)
from pellucid.engines.compiled.convolution.winograd import (
    FEWER,
    TILES,
    TiledConvolve,
    TiledConvolveBack,
    TiledConvolveWeights,
    tiles_of,
)

TILED = {
    "convolve": TiledConvolve,
    "convolve_back": TiledConvolveBack,
    "convolve_weights": TiledConvolveWeights,
}

# a: images, rows, columns, channels; x; split images, numbers from row to row and from
# image to image; rows and columns of border before; 1: back from the split images
SPLIT = """def run(a):
    x = floats(a[4])
    z = floats(a[5])
    for k in range(a[0]):
        for i in range(a[1]):
            down = i + a[8]
            for j in range(a[2]):
                right = j + a[9]
                one = ((k * a[1] + i) * a[2] + j) * a[3]
                part = 2 * (down % 2) + right % 2
                other = k * a[7] + (down // 2) * a[6]
                other += ((right // 2) * 4 + part) * a[3]
                if a[10]:
                    for c in range(a[3]):
                        x[one + c] = z[other + c]
                else:
                    for c in range(a[3]):
                        z[other + c] = x[one + c]
"""


def _half(length: int, before: int) -> int:
    """Return how many split pixels an axis has, with an odd pixel of its border."""
    return -(-(before % 2 + length) // 2)


def _borders(images: Any, window: Window) -> Any:
    """Return the border of split images, in split pixels."""
    sides = zip(images[1:3], window.padding, window.outputs(*images[1:3]), strict=True)
    return tuple(
        (before // 2, places + 2 - before // 2 - _half(length, before))
        for length, (before, _), places in sides
    )


def suits_halved(
    images: Any, filters: Any, window: Window, groups: int, bits: int
) -> bool:
    """Return whether a convolution is quicker this way, and exact enough.

    Parameters
    ----------
    images, filters : tuple
        Shapes (n, height, width, channels) and (height, width, channels, filters).
    window : Window
        How the filters move.
    groups : int
        Into how many groups the channels are split.
    bits : int
        32 or 64.

    Returns
    -------
    bool
    """
    plain = window.stride == (2, 2) and window.dilation == (1, 1) and groups == 1
    if bits != 32 or not plain or max(window.size) > 5:
        return False
    # An even border is one of whole split pixels; tiles have place for two of them.
    if not all(0 <= each <= 2 for pair in _borders(images, window) for each in pair):
        return False
    channels, count = filters[2:]
    places = window.outputs(*images[1:3])
    products = 36 * tiles_of(places) * 4
    fewer = products <= FEWER * math.prod(window.size) * math.prod(places)
    return fewer and min(4 * channels, count) >= 16 and vector_width(count) >= 4


@dataclass
class Halved(Blocked):
    """A convolution at a stride of two.

    Parameters
    ----------
    name : str
        Which: ``"convolve"``, ``"convolve_back"`` or ``"convolve_weights"``.
    images, filters : tuple
        Shapes (n, height, width, channels) and (height, width, channels, filters).
    window : Window
        How the filters move.
    """

    name: str
    images: Any
    filters: Any
    window: Window

    @cached_property
    def places(self) -> tuple[int, int]:
        """How many outputs an image has, down and to the right."""
        return self.window.outputs(*self.images[1:3])

    @cached_property
    def split(self) -> tuple[int, int, int]:
        """Height, width and channels of a split image."""
        _, height, width, channels = self.images
        (top, _), (left, _) = self.window.padding
        return _half(height, top), _half(width, left), 4 * int(channels)

    @cached_property
    def inner(self) -> Any:
        """The convolution at a stride of one."""
        filters = 3, 3, self.split[2], self.filters[3]
        images = self.images[0], *self.split
        window = Window((3, 3), padding=_borders(self.images, self.window))
        return TILED[self.name](images, filters, window, 1)

    @property
    def together(self) -> int:
        """How many samples are handled together."""
        return at_once(TILES, tiles_of(self.places))

    @property
    def keeps(self) -> bool:
        """Whether split filters have memory of their own, with zeros that stay."""
        return self.name == "convolve"

    @property
    def filters_in(self) -> str:
        """Name of the memory of the split filters."""
        return "kept split filters" if self.keeps else "split filters"

    @property
    def scratch(self) -> dict[str, int]:
        """Memory of the inner convolution, for split images and split filters."""
        found: dict[str, int] = dict(self.inner.scratch)
        found["split images"] = self.together * math.prod(self.split)
        found[self.filters_in] = 9 * self.split[2] * int(self.filters[3])
        return found

    def _inside(self, at: Where, begin: int = 0) -> Where:
        """Return the addresses of the inner convolution, from some sample on."""
        images, filters = at.scratch("split images"), at.scratch(self.filters_in)
        outputs = at.item * begin * math.prod(self.places) * int(self.filters[3])
        if self.name == "convolve":
            return replace(at, inputs=(images, filters), output=at.output + outputs)
        dz = at.inputs[self.name == "convolve_weights"] + outputs
        if self.name == "convolve_back":
            return replace(at, inputs=(dz, filters), output=images)
        return replace(at, inputs=(images, dz), output=filters)

    def _split_or_join(self, at: Where, begin: int, count: int) -> Row:
        """Return the call that splits some images, or joins them."""
        back = self.name == "convolve_back"
        _, height, width, channels = self.images
        start = at.item * begin * height * width * channels
        x = (at.output if back else at.inputs[0]) + start
        row = [count, height, width, channels, x, at.scratch("split images")]
        (top, _), (left, _) = self.window.padding
        wide, size = self.split[1] * self.split[2], math.prod(self.split)
        return SPLIT, [*row, wide, size, top % 2, left % 2, int(back)]

    def _filters(
        self, item: int, whole: int, split: int, *, back: bool = False
    ) -> list[Row]:
        """Return the calls that copy filters into split ones, or back."""
        found: list[Row] = []
        block = int(self.filters[2] * self.filters[3])
        high, wide = self.window.size
        for u in range(high):
            for v in range(wide):
                one = u * wide + v
                other = ((u // 2) * 3 + v // 2) * 4 + 2 * (u % 2) + v % 2
                pair = [(whole, one), (split, other)][:: -1 if back else 1]
                x, z = (start + item * block * number for start, number in pair)
                found.append((library.KEEP, [1, block, x, z]))
        return found

    def before(self, at: Where) -> list[Row]:
        filters = at.scratch(self.filters_in)
        found: list[Row] = [self.clear(at, "split images")]
        if not self.keeps:
            size = self.scratch[self.filters_in]
            found.append((library.FILL, [1, size, filters, 0]))
        if self.name != "convolve_weights":
            found += self._filters(at.item, at.inputs[1], filters)
        return [*found, *self.inner.before(self._inside(at))]

    def block(self, at: Where, first: int, count: int) -> list[Row]:
        found: list[Row] = []
        for begin, some in parts(first, count, self.together):
            calls = self.inner.block(self._inside(at, begin), 0, some)
            other = self._split_or_join(at, begin, some)
            back = self.name == "convolve_back"
            found += [*calls, other] if back else [other, *calls]
        return found

    def after(self, at: Where) -> list[Row]:
        found: list[Row] = self.inner.after(self._inside(at))
        if self.name == "convolve_weights":
            filters = at.scratch(self.filters_in)
            found += self._filters(at.item, at.output, filters, back=True)
        return found
