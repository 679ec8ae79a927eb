"""Windows that take the largest or the sum of what they see, and their adjoints."""

import math
from dataclasses import dataclass
from functools import cache, cached_property
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
from pellucid.engines.compiled.convolution.bordered import Bordered

TOGETHER = 2**14  # numbers of small images that are handled in one call

FEW = 16  # pixels of a window up to which loops over them are unrolled

# Every kernel goes over the places of a window and their channels.
# a: places, channels, x, where the windows are, where their pixels are, how many, ...
EACH = """def run(a):
    rows = integers(a[3])
    columns = integers(a[4])
    nothing = spread(number(0), {width})
    for i in range(a[0]):
        for j in range(0, a[1], {width}):
            window = item * (rows[i] + j)
            place = item * (i * a[1] + j)
"""

# a[6]: z
LARGEST = """            x = a[2] + window
            best = load(x + item * columns[0], {width})
            for k in range(1, {taps}):
                best = larger(best, load(x + item * columns[k], {width}))
"""
STORE_LARGEST = """            store(a[6] + place, best)
"""
# The number of the first of the largest; `best` has its bits, be it a NaN or a zero.
# a[7]: numbers of pixels
STORE_PIXELS = """            first = nothing
            for k in range({taps} - 1, -1, -1):
                here = load(x + item * columns[k], {width})
                first = where_same(here, best, spread(number(k), {width}), first)
            store(a[7] + place, first)
"""

# a[2]: numbers of pixels, a[6]: dy, a[7]: dx, a[8]: whether dx is added to
ON_PIXELS = """            first = load(a[2] + place, {width})
            dy = load(a[6] + place, {width})
            dx = a[7] + window
            for k in range({taps}):
                part = where_same(first, spread(number(k), {width}), dy, nothing)
                if a[8]:
                    part = part + load(dx + item * columns[k], {width})
                store(dx + item * columns[k], part)
"""

# a[6]: z, a[7]: what to divide by
SUM = """            x = a[2] + window
            total = load(x + item * columns[0], {width})
            for k in range(1, {taps}):
                total = total + load(x + item * columns[k], {width})
            store(a[6] + place, total * spread(number(1) / number(a[7]), {width}))
"""

# a[2]: dy, a[6]: dx, a[7]: whether dx is added to
SPREAD = """            dy = load(a[2] + place, {width})
            dx = a[6] + window
            for k in range({taps}):
                part = dy
                if a[7]:
                    part = part + load(dx + item * columns[k], {width})
                store(dx + item * columns[k], part)
"""


@cache
def _filled(parts: tuple[str, ...], width: int, taps: int | str) -> str:
    """Return the text of a kernel, the same object each time."""
    return "".join(parts).format(width=width, taps=taps)


@dataclass
class _Pooling(Blocked):
    """What the four operations share.

    Parameters
    ----------
    images : tuple
        Shape (n, height, width, channels).
    window : Window
        How it moves.
    """

    images: Any
    window: Window

    lowest = 0  # 1: the border is minus infinity

    @cached_property
    def bordered(self) -> Bordered:
        """The images with their border."""
        return Bordered.of(self.images, self.window)

    @cached_property
    def places(self) -> tuple[int, int]:
        """How many places the window has."""
        return self.window.outputs(*self.images[1:3])

    @property
    def outputs(self) -> int:
        """Numbers that an image gives."""
        return self.places[0] * self.places[1] * int(self.images[3])

    @property
    def together(self) -> int:
        """How many samples one call takes."""
        _, height, width, channels = self.images
        return at_once(TOGETHER, height * width * channels)

    @property
    def once(self) -> bool:
        """Whether the window sees every pixel exactly once."""
        whole = all(
            size == stride and not length % size
            for size, stride, length in zip(
                self.window.size, self.window.stride, self.images[1:3], strict=True
            )
        )
        return whole and self.window.dilation == (1, 1) and not self.bordered.border

    @property
    def width(self) -> int:
        """Numbers of a vector."""
        return vector_width(int(self.images[3]))

    @property
    def scratch(self) -> dict[str, int]:
        """Memory for images with their border."""
        if not self.bordered.border:
            return {}
        return {"border": self.together * self.bordered.size}

    def _windows(self, at: Where, some: int) -> list[int]:
        """Return the places and channels of some samples; then where windows are."""
        bordered, window = self.bordered, self.window
        key = (bordered, window, self.together)
        rows = at.table(
            "windows",
            key,
            lambda: bordered.windows(window, self.together, self.places),
        )
        columns = at.table("pixels", key, lambda: bordered.taps(window))
        places = some * math.prod(self.places)
        return [places, int(self.images[3]), rows, columns, math.prod(window.size)]

    def _text(self, *parts: str) -> str:
        """Return the text of a kernel that does something at each place."""
        taps = math.prod(self.window.size)
        return _filled((EACH, *parts), self.width, taps if taps <= FEW else "a[5]")

    def before(self, at: Where) -> list[Row]:
        return [self.clear(at, "border", self.lowest)] if self.bordered.border else []

    def _images(self, at: Where, begin: int, some: int) -> tuple[int, list[Row]]:
        """Return where some images are with their border, and how they get there."""
        images = at.inputs[0] + at.item * begin * self.bordered.pixels
        if not self.bordered.border:
            return images, []
        border = at.scratch("border")
        return border, [self.bordered.copy(some, images, border, at.item)]


@dataclass
class Largest(_Pooling):
    """``y[place] = max over the window of x``, and which pixel that is.

    Where all that a window sees is minus infinity, the pixel may be one of the border.

    Parameters
    ----------
    images, window
        As in `_Pooling`.
    value, pixels : bool
        Which of the two are wanted. If both are, pixels go beside the output.
    """

    value: bool = True
    pixels: bool = False

    lowest = 1

    def block(self, at: Where, first: int, count: int) -> list[Row]:
        found: list[Row] = []
        stores = [STORE_LARGEST] * self.value + [STORE_PIXELS] * self.pixels
        text = self._text(LARGEST, *stores)
        for begin, some in parts(first, count, self.together):
            images, copies = self._images(at, begin, some)
            places, channels, rows, columns, taps = self._windows(at, some)
            row = [places, channels, images, rows, columns, taps]
            to = (at.output, at.beside) if self.value else (0, at.output)
            row += [address + at.item * begin * self.outputs for address in to]
            found += [*copies, (text, row)]
        return found


@dataclass
class Sum(_Pooling):
    """``y[place] = sum over the window of x``, divided by a number.

    Parameters
    ----------
    images, window
        As in `_Pooling`.
    share : int
        What the sum is divided by.
    """

    share: int = 1

    def block(self, at: Where, first: int, count: int) -> list[Row]:
        found: list[Row] = []
        for begin, some in parts(first, count, self.together):
            images, copies = self._images(at, begin, some)
            places, channels, rows, columns, taps = self._windows(at, some)
            y = at.output + at.item * begin * self.outputs
            row = [places, channels, images, rows, columns, taps, y, self.share]
            found += [*copies, (self._text(SUM), row)]
        return found


# a: places, channels, x, z
SUM_OF_ALL = """def run(a):
    for j in range(0, a[1], {width}):
        total = spread(number(0), {width})
        for i in range(a[0]):
            total = total + load(a[2] + item * (i * a[1] + j), {width})
        z = a[3] + item * j
        store(z, load(z, {width}) + total)
"""


@dataclass
class SumOfAll(Blocked):
    """``y = sum over all samples and places of x``, channel by channel.

    Parameters
    ----------
    images : tuple
        Shape, samples first and channels last.
    """

    images: Any

    @property
    def together(self) -> int:
        return at_once(TOGETHER, math.prod(self.images[1:]))

    def before(self, at: Where) -> list[Row]:
        return [(library.FILL, [1, self.images[-1], at.output, 0])]

    def block(self, at: Where, first: int, count: int) -> list[Row]:
        *size, channels = self.images[1:]
        text = _filled((SUM_OF_ALL,), vector_width(channels), 0)
        found: list[Row] = []
        for begin, some in parts(first, count, self.together):
            x = at.inputs[0] + at.item * begin * math.prod(size) * channels
            found.append((text, [some * math.prod(size), channels, x, at.output]))
        return found


@dataclass
class _Adjoint(_Pooling):
    """An adjoint: every window adds to its pixels."""

    def before(self, at: Where) -> list[Row]:
        return []

    def _sums(
        self, at: Where, begin: int, some: int
    ) -> tuple[int, list[Row], Row | None]:
        """Return where gradients are added up, how that is cleared, and copied out."""
        dx = at.output + at.item * begin * self.bordered.pixels
        if self.bordered.border:
            sums = at.scratch("border")
            clear = (library.FILL, [1, some * self.bordered.size, sums, 0])
            copy = self.bordered.copy(some, dx, sums, at.item, back=True)
            return sums, [clear], copy
        if self.once:
            return dx, [], None
        return dx, [(library.FILL, [1, some * self.bordered.pixels, dx, 0])], None


@dataclass
class OnPixels(_Adjoint):
    """``dx[pixel of a window] += dy[place]``, for the pixel that `Largest` found."""

    def block(self, at: Where, first: int, count: int) -> list[Row]:
        found: list[Row] = []
        for begin, some in parts(first, count, self.together):
            dx, clears, copy = self._sums(at, begin, some)
            places, channels, rows, columns, taps = self._windows(at, some)
            pixels, dy = (x + at.item * begin * self.outputs for x in at.inputs)
            row = [places, channels, pixels, rows, columns, taps, dy, dx]
            kernel = self._text(ON_PIXELS)
            found += [*clears, (kernel, [*row, int(not self.once)])]
            found += [copy] if copy else []
        return found


@dataclass
class Spread(_Adjoint):
    """``dx[pixel] = sum over the windows that see it of dy[place]``."""

    def block(self, at: Where, first: int, count: int) -> list[Row]:
        found: list[Row] = []
        for begin, some in parts(first, count, self.together):
            dx, clears, copy = self._sums(at, begin, some)
            places, channels, rows, columns, taps = self._windows(at, some)
            dy = at.inputs[0] + at.item * begin * self.outputs
            row = [places, channels, dy, rows, columns, taps, dx, int(not self.once)]
            found += [*clears, (self._text(SPREAD), row)]
            found += [copy] if copy else []
        return found
