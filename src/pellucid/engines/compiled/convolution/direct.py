"""Convolution as a product whose left side is gathered: for every window and dtype.

The patches of an image are never written out. Row i of the left side is the patch at
place i, entry k of it is one number of the patch, and both are found by tables of
offsets; the right side are the filters. The gradient of the filters is the product with
the two tables exchanged. The gradient of the images is a convolution again, of the
gradient of the outputs with the filters turned; at a stride s it falls into s x s of
them, one for the pixels of each remainder.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from pellucid.convolution import Window
from pellucid.engines.compiled import library
from pellucid.engines.compiled.convolution.blocked import (
    Blocked,
    Row,
    Where,
    at_once,
    parts,
)
from pellucid.engines.compiled.convolution.bordered import (
    Bordered,
    Table,
    with_channels,
)

TOGETHER = 64  # places of small images that one product takes


@dataclass
class _Convolution(Blocked):
    """What the three operations share.

    Parameters
    ----------
    images : tuple
        Shape (n, height, width, channels).
    filters : tuple
        Shape (height, width, channels / groups, filters).
    window : Window
        How the filters move.
    groups : int
        Into how many groups the channels are split.
    """

    images: Any
    filters: Any
    window: Window
    groups: int

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
        return math.prod(self.places) * int(self.filters[3])

    @property
    def together(self) -> int:
        """How many samples one product takes."""
        return at_once(TOGETHER, math.prod(self.places))

    @property
    def inner(self) -> int:
        """Numbers of a patch, in one group."""
        return math.prod(self.filters[:3])

    @property
    def per_group(self) -> tuple[int, int]:
        """Channels and filters of a group."""
        return int(self.filters[2]), int(self.filters[3]) // self.groups

    @property
    def scratch(self) -> dict[str, int]:
        """Memory for the images with their border."""
        if not self.bordered.border:
            return {}
        return {"border": self.together * self.bordered.size}

    def _tables(self, at: Where) -> tuple[int, int]:
        """Return the tables of places and of the entries of a patch."""
        bordered, window = self.bordered, self.window
        key = (bordered, window, self.together, self.filters[2])
        rows = at.table(
            "places",
            key,
            lambda: bordered.windows(window, self.together, self.places),
        )
        columns = at.table(
            "patch",
            key,
            lambda: with_channels(bordered.taps(window), self.filters[2]),
        )
        return rows, columns

    def before(self, at: Where) -> list[Row]:
        if not self.bordered.border:
            return []
        return [self.clear(at, "border")]

    def _images(self, at: Where, first: int, count: int) -> tuple[int, list[Row]]:
        """Return where some images are with their border, and how they get there."""
        images = at.inputs[0] + at.item * first * self.bordered.pixels
        if not self.bordered.border:
            return images, []
        border = at.scratch("border")
        return border, [self.bordered.copy(count, images, border, at.item)]


class Convolve(_Convolution):
    """``z[place, f] = sum over the patch of x[place + offset] W[offset, f]``."""

    def block(self, at: Where, first: int, count: int) -> list[Row]:
        found: list[Row] = []
        rows, columns = self._tables(at)
        channels, filters = self.per_group
        for begin, some in parts(first, count, self.together):
            images, copies = self._images(at, begin, some)
            found += copies
            places = some * math.prod(self.places)
            to = at.steps(self.together * math.prod(self.places), self.filters[3])
            for group in range(self.groups):
                row = [places, filters, self.inner]
                row += [images + at.item * group * channels, rows, columns]
                row += [at.inputs[1] + at.item * group * filters, self.filters[3]]
                z = begin * self.outputs + group * filters
                row += [at.output + at.item * z, to, 0]
                found.append((library.PRODUCT, row))
        return found


class ConvolveWeights(_Convolution):
    """``dW[offset, f] = sum over places of x[place + offset] dz[place, f]``."""

    def before(self, at: Where) -> list[Row]:
        size = math.prod(self.filters)
        return [*super().before(at), (library.FILL, [1, size, at.output, 0])]

    def block(self, at: Where, first: int, count: int) -> list[Row]:
        found: list[Row] = []
        rows, columns = self._tables(at)
        channels, filters = self.per_group
        for begin, some in parts(first, count, self.together):
            images, copies = self._images(at, begin, some)
            found += copies
            places = some * math.prod(self.places)
            to = at.steps(self.inner, self.filters[3])
            for group in range(self.groups):
                row = [self.inner, filters, places]
                row += [images + at.item * group * channels, columns, rows]
                dz = begin * self.outputs + group * filters
                row += [at.inputs[1] + at.item * dz, self.filters[3]]
                dW = at.output + at.item * group * filters
                row += [dW, to, library.ADDS]
                found.append((library.PRODUCT, row))
        return found


@dataclass(frozen=True)
class _Phase:
    """The pixels of an image, along one axis, that the same taps of a filter reach.

    Parameters
    ----------
    pixels : ndarray of int
        Which pixels.
    first : ndarray of int
        For each, which place of the window has it below the first of the taps.
    taps : ndarray of int
        Which entries of the filter.
    back : ndarray of int
        For each, how many places before.
    """

    pixels: Table
    first: Table
    taps: Table
    back: Table


def _phases(
    length: int, size: int, stride: int, before: int, dilation: int
) -> list[_Phase]:
    """Return the pixels of an axis by the remainder of their distance by the stride.

    Pixel i, at i + before with the border, is seen by tap u at the place
    (i + before - u dilation) / stride, if that is whole.
    """
    found = []
    for remainder in range(min(stride, length + before)):
        pixels = np.arange(length)
        pixels = pixels[(pixels + before) % stride == remainder]
        taps = np.arange(size)
        taps = taps[(taps * dilation) % stride == remainder]
        first = (pixels + before - remainder) // stride
        back = (taps * dilation - remainder) // stride
        if len(pixels):
            found.append(_Phase(pixels, first, taps, back))
    return found


class ConvolveBack(_Convolution):
    """``dx[pixel] = sum over taps and f of dz[place, f] W[tap, :, f]``."""

    @cached_property
    def _axes(self) -> tuple[list[_Phase], list[_Phase]]:
        window = self.window
        settings = zip(
            self.images[1:3],
            window.size,
            window.stride,
            (pair[0] for pair in window.padding),
            window.dilation,
            strict=True,
        )
        down, right = (_phases(*each) for each in settings)
        return down, right

    @cached_property
    def deltas(self) -> Bordered:
        """The gradients of the outputs, with the border that all phases need."""
        border = []
        for phases, places in zip(self._axes, self.places, strict=True):
            lowest, highest = 0, places - 1
            for phase in phases:
                if len(phase.taps):
                    lowest = min(lowest, int(phase.first.min() - phase.back.max()))
                    highest = max(highest, int(phase.first.max() - phase.back.min()))
            border += [-lowest, highest - places + 1]
        return Bordered(*self.places, int(self.filters[3]), *border)

    @cached_property
    def _pairs(self) -> list[tuple[_Phase, _Phase]]:
        down, right = self._axes
        return [(a, b) for a in down for b in right]

    @property
    def scratch(self) -> dict[str, int]:
        found = {"filters": math.prod(self.filters)}
        if self.deltas.border:
            found["border"] = self.together * self.deltas.size
        return found

    @property
    def together(self) -> int:
        _, height, width, _ = self.images
        return at_once(TOGETHER, height * width)

    def before(self, at: Where) -> list[Row]:
        found: list[Row] = []
        if self.deltas.border:
            found.append(self.clear(at, "border"))
        # The filters of each group and phase, as (taps, filters, channels).
        channels, filters = self.per_group
        to = at.scratch("filters")
        for group in range(self.groups):
            for a, b in self._pairs:
                taps = a.taps[:, None] * self.window.size[1] + b.taps[None]
                for tap in taps.ravel().tolist():
                    start = tap * math.prod(self.filters[2:]) + group * filters
                    turned = [channels, filters, at.inputs[1] + at.item * start]
                    found.append((library.TURN, [*turned, self.filters[3], to]))
                    to += at.item * filters * channels
        return found

    def _phase_tables(
        self, at: Where, which: int, a: _Phase, b: _Phase
    ) -> tuple[int, int, int]:
        """Return the tables of places, of what they read, and of the pixels."""
        deltas, channels = self.deltas, int(self.images[3])
        key = (self.images, self.filters, self.window, self.groups, which)
        count = np.arange(self.together)[:, None]

        def places() -> Table:
            first = deltas.place(
                a.first[:, None] + deltas.top, b.first[None] + deltas.left
            )
            found: Table = count * deltas.size + first.reshape(1, -1)
            return found.ravel()

        def patch() -> Table:
            back = deltas.place(-a.back[:, None], -b.back[None])
            return with_channels(back.ravel(), self.per_group[1])

        def pixels() -> Table:
            each = a.pixels[:, None] * self.images[2] + b.pixels[None]
            size = math.prod(self.images[1:3])
            found: Table = (count * size + each.reshape(1, -1)) * channels
            return found.ravel()

        return (
            at.table(f"back {which}", key, places),
            at.table(f"taps {which}", key, patch),
            at.table(f"pixels {which}", key, pixels),
        )

    def block(self, at: Where, first: int, count: int) -> list[Row]:
        found: list[Row] = []
        channels, filters = self.per_group
        size = math.prod(self.images[1:])
        for begin, some in parts(first, count, self.together):
            deltas = at.inputs[0] + at.item * begin * self.outputs
            if self.deltas.border:
                border = at.scratch("border")
                found.append(self.deltas.copy(some, deltas, border, at.item))
                deltas = border
            turned = at.scratch("filters")
            for group in range(self.groups):
                for which, (a, b) in enumerate(self._pairs):
                    rows, columns, to = self._phase_tables(at, which, a, b)
                    inner = len(a.taps) * len(b.taps) * filters
                    places = some * len(a.pixels) * len(b.pixels)
                    row = [places, channels, inner]
                    row += [deltas + at.item * group * filters, rows, columns]
                    row += [turned, channels]
                    dx = begin * size + group * channels
                    row += [at.output + at.item * dx, to, 0]
                    found.append((library.PRODUCT, row))
                    turned += at.item * inner * channels
        return found
