"""Convolution of 3 x 3 filters with a quarter of the products, in float32.

Images are cut into tiles of 4 x 4 outputs. A tile, its 6 x 6 inputs transformed, is 36
numbers for each channel; entry k of all tiles and channels is a matrix, and so is entry
k of all transformed filters. What is left are 36 products of such matrices:

``M_k = V_k U_k``, with V from the images, U from the filters, and the outputs from M

The gradient of the images is the same convolution, of the gradient of the outputs with
the filters turned and mirrored. The gradient of the filters is the exact adjoint of the
forward pass: ``dU_k = V_k^T dM_k``, with dM the adjoint of the last transform.
"""

import math
from dataclasses import dataclass
from functools import cache, cached_property, partial
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
    vector_width,
)
from pellucid.engines.compiled.convolution.bordered import Bordered, Table
from pellucid.engines.compiled.convolution.transforms import (
    FILTER,
    INPUT,
    OUTPUT,
    adjoint,
    both_sides,
    constants,
)

SIX, FOUR, THREE = range(6), range(4), range(3)
FEWER = 0.7  # share of the products from which tiles are worth their transforms
TILES = 32  # of a block: as many as keep all that it touches in the cache
GAP = 16  # numbers between two of the 36 matrices, or they would share one cache line


@cache
def _text(kernel: str, width: int) -> str:
    """Return the text of a kernel for vectors of a width, the same object each time."""
    return kernel.format(width=width)


def _lines(lines: list[str], depth: int) -> str:
    return "".join(f"{'    ' * depth}{line}\n" for line in lines)


def _entries(pattern: str, rows: range, columns: range) -> list[str]:
    """Return a line for each entry; k counts them."""
    pairs = [(i, j) for i in rows for j in columns]
    return [pattern.format(i=i, j=j, k=k) for k, (i, j) in enumerate(pairs)]


# a: tiles, channels, images with a border, where their tiles are, numbers from row to
# row, matrices, numbers from one of them to the next
TILES_IN = (
    "def run(a):\n    first = integers(a[3])\n    down = item * a[4]\n"
    "    right = item * a[1]\n    apart = item * a[6]\n"
    + _lines(constants(INPUT), 1)
    + "    for t in range(a[0]):\n        for c in range(0, a[1], {width}):\n"
    "            x = a[2] + item * (first[t] + c)\n"
    + _lines(
        _entries("d{i}{j} = load(x + {i} * down + {j} * right, {{width}})", SIX, SIX), 3
    )
    + _lines(both_sides(INPUT, "d", "v"), 3)
    + "            z = a[5] + item * (t * a[1] + c)\n"
    + _lines(_entries("store(z + {k} * apart, v{i}{j})", SIX, SIX), 3)
)

# a: tiles, filters, matrices, numbers from one to the next, outputs, where the tiles
# are, how many rows and columns each has, numbers from row to row
TILES_OUT = (
    "def run(a):\n    first = integers(a[5])\n    high = integers(a[6])\n"
    "    wide = integers(a[7])\n    down = item * a[8]\n    right = item * a[1]\n"
    "    apart = item * a[3]\n"
    + _lines(constants(OUTPUT), 1)
    + "    for t in range(a[0]):\n        for c in range(0, a[1], {width}):\n"
    "            x = a[2] + item * (t * a[1] + c)\n"
    + _lines(_entries("m{i}{j} = load(x + {k} * apart, {{width}})", SIX, SIX), 3)
    + _lines(both_sides(OUTPUT, "m", "y"), 3)
    + "            z = a[4] + item * (first[t] + c)\n"
    + "".join(
        f"            if high[t] > {i}:\n"
        + "".join(
            f"                if wide[t] > {j}:\n"
            f"                    store(z + {i} * down + {j} * right, y{i}{j})\n"
            for j in FOUR
        )
        for i in FOUR
    )
)


def _largest(*, pixels: bool) -> str:
    """Return the lines that take the largest of each 2 x 2 outputs of a tile."""
    text = ""
    for i in range(2):
        text += f"            if high[t] > {2 * i + 1}:\n"
        for j in range(2):
            text += f"                if wide[t] > {2 * j + 1}:\n"
            four = [f"y{2 * i + u}{2 * j + v}" for u in range(2) for v in range(2)]
            lines = [f"best = {four[0]}"]
            lines += [f"best = larger(best, {y})" for y in four[1:]]
            lines += [f"store(z + {i} * down + {j} * right, best)"]
            if pixels:
                lines += ["pixel = is3"]
                for k in (2, 1, 0):
                    lines += [f"pixel = where_same({four[k]}, best, is{k}, pixel)"]
                lines += [f"store(p + {i} * down + {j} * right, pixel)"]
            text += _lines(lines, 5)
    return text


# a: as of TILES_OUT, for outputs of half the size; then the numbers of their pixels
TILES_LARGEST = TILES_OUT[: TILES_OUT.index("            if high[t]")] + _largest(
    pixels=False
)
TILES_LARGEST_PIXELS = (
    TILES_OUT[: TILES_OUT.index("    for t in range")]
    + _lines([f"is{k} = spread(number({k}), {{width}})" for k in range(4)], 1)
    + TILES_OUT[
        TILES_OUT.index("    for t in range") : TILES_OUT.index(
            "            if high[t]"
        )
    ]
    + "            p = a[9] + item * (first[t] + c)\n"
    + _largest(pixels=True)
)

# The adjoint of the above: gradients of the outputs, with a border, to matrices.
# a: as of TILES_IN
TILES_BACK = (
    "def run(a):\n    first = integers(a[3])\n    down = item * a[4]\n"
    "    right = item * a[1]\n    apart = item * a[6]\n"
    + _lines(constants(OUTPUT), 1)
    + "    for t in range(a[0]):\n        for c in range(0, a[1], {width}):\n"
    "            x = a[2] + item * (first[t] + c)\n"
    + _lines(
        _entries("d{i}{j} = load(x + {i} * down + {j} * right, {{width}})", FOUR, FOUR),
        3,
    )
    + _lines(both_sides(adjoint(OUTPUT), "d", "m"), 3)
    + "            z = a[5] + item * (t * a[1] + c)\n"
    + _lines(_entries("store(z + {k} * apart, m{i}{j})", SIX, SIX), 3)
)

# a: numbers of a tap, 1, filters, where the nine taps are, matrices, numbers from one
# to the next
FILTERS_IN = (
    "def run(a):\n    taps = integers(a[3])\n    apart = item * a[5]\n"
    + _lines(constants(FILTER), 1)
    + "    for c in range(0, a[0], {width}):\n        x = a[2] + item * c\n"
    + _lines(
        _entries("g{i}{j} = load(x + item * taps[{k}], {{width}})", THREE, THREE), 2
    )
    + _lines(both_sides(FILTER, "g", "u"), 2)
    + "        z = a[4] + item * c\n"
    + _lines(_entries("store(z + {k} * apart, u{i}{j})", SIX, SIX), 2)
)

# The same, unless these filters are the ones that were transformed last.
# a: as above, then the filters, a copy of them, how many numbers they are
FILTERS_IN_ONCE = FILTERS_IN.replace(
    "def run(a):\n",
    """def run(a):
    now = array(floats(a[6]), a[8])
    before = array(floats(a[7]), a[8])
    changed = number(0)
    for i in range(a[8]):
        changed += number(1) if now[i] != before[i] else number(0)
    if changed == number(0):
        return
    for i in range(a[8]):
        before[i] = now[i]
""",
)

# Its adjoint, added to the gradient of the filters. a: numbers of a tap, 1, matrices,
# numbers from one to the next, gradient
FILTERS_BACK = (
    "def run(a):\n    apart = item * a[3]\n    tap = item * a[0]\n"
    + _lines(constants(FILTER), 1)
    + "    for c in range(0, a[0], {width}):\n        x = a[2] + item * c\n"
    + _lines(_entries("u{i}{j} = load(x + {k} * apart, {{width}})", SIX, SIX), 2)
    + _lines(both_sides(adjoint(FILTER), "u", "g"), 2)
    + "        z = a[4] + item * c\n"
    + _lines(_entries("store(z + {k} * tap, g{i}{j})", THREE, THREE), 2)
)


def tiles_of(places: tuple[int, int]) -> int:
    """Return how many tiles an image is cut into.

    Parameters
    ----------
    places : tuple of int
        Outputs of an image, down and to the right.

    Returns
    -------
    int
    """
    return -(-places[0] // 4) * -(-places[1] // 4)


def suits(images: Any, filters: Any, window: Window, groups: int, bits: int) -> bool:
    """Return whether a convolution is quicker this way, and exact enough.

    Parameters
    ----------
    images, filters : tuple
        Shapes (n, height, width, channels) and (3, 3, channels, filters).
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
    plain = window.size == (3, 3) and window.stride == window.dilation == (1, 1)
    if bits != 32 or not plain or groups != 1:
        return False
    channels, count = filters[2:]
    places = window.outputs(*images[1:3])
    fewer = 36 * tiles_of(places) <= FEWER * 9 * math.prod(places)
    return fewer and min(channels, count) >= 16 and vector_width(channels, count) >= 4


@dataclass
class _Tiled(Blocked):
    """What the three operations share.

    Parameters
    ----------
    images : tuple
        Shape (n, height, width, channels).
    filters : tuple
        Shape (3, 3, channels, filters).
    window : Window
        How the filters move.
    groups : int
        One.
    """

    images: Any
    filters: Any
    window: Window
    groups: int

    @cached_property
    def places(self) -> tuple[int, int]:
        """How many outputs an image has, down and to the right."""
        return self.window.outputs(*self.images[1:3])

    @property
    def outputs(self) -> int:
        """Numbers that an image gives."""
        return self.places[0] * self.places[1] * int(self.filters[3])

    @property
    def tiled(self) -> tuple[int, int]:
        """What is cut into tiles: places of an image, down and to the right."""
        return self.places

    @property
    def together(self) -> int:
        """How many images are transformed together."""
        return at_once(TILES, tiles_of(self.tiled))

    @staticmethod
    def matrices(tiles: int, columns: int) -> int:
        """Return the numbers from one of 36 matrices to the next.

        Parameters
        ----------
        tiles, columns : int
            Rows and columns of each.

        Returns
        -------
        int
        """
        return tiles * columns + GAP


def _corners(places: tuple[int, int]) -> list[tuple[int, int]]:
    """Return the first output of each tile."""
    return [(i, j) for i in range(0, places[0], 4) for j in range(0, places[1], 4)]


def _tile_table(
    images: Bordered, places: tuple[int, int], count: int, less: int = 1
) -> Table:
    """Return where the tiles of some images begin; in ones that are shrunk by less."""
    one = np.array([images.place(i // less, j // less) for i, j in _corners(places)])
    found: Table = np.arange(count)[:, None] * images.size + one
    return found.ravel()


def _lengths(places: tuple[int, int], count: int, axis: int) -> Table:
    """Return how many rows, or columns, of outputs each tile has."""
    one = [min(4, places[axis] - corner[axis]) for corner in _corners(places)]
    return np.tile(np.array(one), count)


@dataclass(frozen=True)
class _Side:
    """One convolution: what is convolved with what, in sizes.

    Parameters
    ----------
    images : Bordered
        With a border to whole tiles.
    places : tuple of int
        Outputs of an image.
    filters : int
        How many.
    """

    images: Bordered
    places: tuple[int, int]
    filters: int

    @property
    def tiles(self) -> int:
        """Tiles of an image."""
        return len(_corners(self.places))


def _whole_tiles(
    height: int, width: int, channels: int, top: int, left: int, places: tuple[int, int]
) -> Bordered:
    """Return images with the border that whole tiles of 6 x 6 need."""
    high, wide = (4 * -(-length // 4) + 2 for length in places)
    below, beside = max(0, high - top - height), max(0, wide - left - width)
    return Bordered(height, width, channels, top, below, left, beside)


@dataclass
class _Forward(_Tiled):
    """Images through filters; which, the two operations below say."""

    filters_in = "filters"  # name of the memory of the transformed filters
    kernel_out = TILES_OUT
    shrinks = 1  # pixels of a tile, along an axis, that become one

    @property
    def tiled(self) -> tuple[int, int]:
        return self.side.places

    @property
    def side(self) -> _Side:
        """What is convolved with what."""
        raise NotImplementedError

    @property
    def scratch(self) -> dict[str, int]:
        """Memory for transformed filters and, of one block, for all else."""
        side, count = self.side, self.together
        tiles, channels = count * side.tiles, side.images.channels
        return {
            "border": count * side.images.size,
            self.filters_in: 36 * self.matrices(channels, side.filters),
            "images": 36 * self.matrices(tiles, channels),
            "products": 36 * self.matrices(tiles, side.filters),
        }

    def outputs_of(self, at: Where, begin: int) -> list[int]:
        """Return where the outputs of the tiles of some samples are, for a kernel."""
        side, size, less = self.side, self.together, self.shrinks
        places = side.places[0] // less, side.places[1] // less
        inside = Bordered(*places, side.filters)
        key = (type(self).__name__, side, size)
        table = at.table(
            "tiles out", key, lambda: _tile_table(inside, side.places, size, less)
        )
        lengths = [
            at.table(f"tiles {axis}", key, partial(_lengths, side.places, size, axis))
            for axis in (0, 1)
        ]
        z, beside = (
            address + at.item * begin * inside.pixels
            for address in (at.output, at.beside)
        )
        return [z, table, *lengths, inside.row, beside]

    def block(self, at: Where, first: int, count: int) -> list[Row]:
        found: list[Row] = []
        side, size = self.side, self.together
        channels, filters = side.images.channels, side.filters
        border, U = at.scratch("border"), at.scratch(self.filters_in)
        V, M = at.scratch("images"), at.scratch("products")
        key = (type(self).__name__, side, size)
        tiles_in = at.table(
            "tiles in", key, lambda: _tile_table(side.images, side.places, size)
        )
        tiles = size * side.tiles
        apart = [
            self.matrices(tiles, channels),
            self.matrices(channels, filters),
            self.matrices(tiles, filters),
        ]
        steps = [at.item * step for step in apart]
        rows, columns = at.steps(tiles, channels), at.steps(channels, 1)
        to = at.steps(tiles, filters)
        kernel_in = _text(TILES_IN, vector_width(channels))
        kernel_out = _text(self.kernel_out, vector_width(filters))
        for begin, some in parts(first, count, size):
            x = at.inputs[0] + at.item * begin * side.images.pixels
            found.append(side.images.copy(some, x, border, at.item))
            tiles = some * side.tiles
            row = [tiles, channels, border, tiles_in, side.images.row, V, apart[0]]
            found.append((kernel_in, row))
            for k in range(36):
                row = [tiles, filters, channels, V + k * steps[0], rows, columns]
                row += [U + k * steps[1], filters, M + k * steps[2], to, 0]
                found.append((library.PRODUCT, row))
            row = [tiles, filters, M, apart[2]]
            found.append((kernel_out, row + self.outputs_of(at, begin)))
        return found


@dataclass
class TiledConvolve(_Forward):
    """``z = convolve(x, W)``; in predictions, with filters transformed once."""

    filters_in = "kept filters"

    @cached_property
    def side(self) -> _Side:
        (top, _), (left, _) = self.window.padding
        _, height, width, channels = self.images
        images = _whole_tiles(height, width, channels, top, left, self.places)
        return _Side(images, self.places, int(self.filters[3]))

    @property
    def scratch(self) -> dict[str, int]:
        return super().scratch | {"of which": math.prod(self.filters)}

    def before(self, at: Where) -> list[Row]:
        size, count = self.filters[2] * self.filters[3], math.prod(self.filters)
        apart = self.matrices(*self.filters[2:])
        W, U = at.inputs[1], at.scratch(self.filters_in)
        row = [size, 1, W, at.steps(9, size), U, apart, W, at.scratch("of which")]
        kernel = _text(FILTERS_IN_ONCE, vector_width(size))
        return [self.clear(at, "border"), (kernel, [*row, count])]


@dataclass
class TiledLargest(TiledConvolve):
    """The largest of ``convolve(x, W)`` in windows of 2 x 2, and which pixel that is.

    Parameters
    ----------
    images, filters, window, groups
        As of `TiledConvolve`.
    pixels : bool
        Whether pixels are wanted, beside the output.
    """

    pixels: bool = False

    shrinks = 2

    @property
    def kernel_out(self) -> str:  # type: ignore[override]
        return TILES_LARGEST_PIXELS if self.pixels else TILES_LARGEST


@dataclass
class TiledConvolveBack(_Forward):
    """``dx = convolve(dz, W)``, with W turned and mirrored."""

    @cached_property
    def side(self) -> _Side:
        # Output i of the convolution of dz is pixel i of x: a tap u sees it at the
        # place i + padding - u, so the border before is 2 - padding.
        (top, _), (left, _) = self.window.padding
        _, height, width, channels = self.images
        images = _whole_tiles(
            *self.places, int(self.filters[3]), 2 - top, 2 - left, (height, width)
        )
        return _Side(images, (height, width), int(channels))

    @property
    def scratch(self) -> dict[str, int]:
        return super().scratch | {"turned": math.prod(self.filters)}

    def before(self, at: Where) -> list[Row]:
        channels, filters = self.filters[2:]
        size = channels * filters
        found = [self.clear(at, "border")]
        for tap in range(9):
            x = at.inputs[1] + at.item * tap * size
            z = at.scratch("turned") + at.item * (8 - tap) * size
            found.append((library.TURN, [channels, filters, x, filters, z]))
        taps = at.steps(9, size)
        apart = self.matrices(filters, channels)
        row = [size, 1, at.scratch("turned"), taps, at.scratch("filters"), apart]
        found.append((_text(FILTERS_IN, vector_width(size)), row))
        return found


@dataclass
class TiledConvolveWeights(_Tiled):
    """``dW``: the adjoint of the convolution in its filters."""

    @cached_property
    def inputs(self) -> Bordered:
        """The images with a border to whole tiles."""
        (top, _), (left, _) = self.window.padding
        _, height, width, channels = self.images
        return _whole_tiles(height, width, channels, top, left, self.places)

    @cached_property
    def deltas(self) -> Bordered:
        """The gradients of the outputs, with a border to whole tiles."""
        below, beside = (-length % 4 for length in self.places)
        return Bordered(*self.places, int(self.filters[3]), 0, below, 0, beside)

    @property
    def scratch(self) -> dict[str, int]:
        """Memory for the gradient of transformed filters; of one block for all else."""
        count = self.together
        tiles = count * len(_corners(self.places))
        channels, filters = self.filters[2:]
        return {
            "border": count * self.inputs.size,
            "deltas": count * self.deltas.size if self.deltas.border else 0,
            "filters": 36 * self.matrices(channels, filters),
            "images": 36 * self.matrices(tiles, channels),
            "products": 36 * self.matrices(tiles, filters),
        }

    def before(self, at: Where) -> list[Row]:
        sums = [1, self.scratch["filters"], at.scratch("filters"), 0]
        images = [self.clear(at, name) for name in ("border", "deltas")]
        return [*images, (library.FILL, sums)]

    def block(self, at: Where, first: int, count: int) -> list[Row]:
        found: list[Row] = []
        size = self.together
        channels, filters = self.filters[2:]
        V, dM, dU = (at.scratch(name) for name in ("images", "products", "filters"))
        key = ("weights", self.inputs, self.deltas, size)
        tiles_in, tiles_back = (
            at.table(name, key, partial(_tile_table, images, self.places, size))
            for name, images in (("tiles in", self.inputs), ("deltas", self.deltas))
        )
        tiles = size * len(_corners(self.places))
        apart = [
            self.matrices(tiles, channels),
            self.matrices(tiles, filters),
            self.matrices(channels, filters),
        ]
        steps = [at.item * step for step in apart]
        rows, columns = at.steps(channels, 1), at.steps(tiles, channels)
        to = at.steps(channels, filters)
        kernel_in = _text(TILES_IN, vector_width(channels))
        kernel_back = _text(TILES_BACK, vector_width(filters))
        for begin, some in parts(first, count, size):
            tiles = some * len(_corners(self.places))
            for images, name, source, kernel, table, matrix, step in (
                (self.inputs, "border", 0, kernel_in, tiles_in, V, apart[0]),
                (self.deltas, "deltas", 1, kernel_back, tiles_back, dM, apart[1]),
            ):
                border = at.inputs[source] + at.item * begin * images.pixels
                if images.border:
                    x, border = border, at.scratch(name)
                    found.append(images.copy(some, x, border, at.item))
                row = [tiles, images.channels, border, table, images.row]
                row += [matrix, step]
                found.append((kernel, row))
            for k in range(36):
                row = [channels, filters, tiles, V + k * steps[0], rows, columns]
                row += [dM + k * steps[1], filters, dU + k * steps[2], to, library.ADDS]
                found.append((library.PRODUCT, row))
        return found

    def after(self, at: Where) -> list[Row]:
        channels, filters = self.filters[2:]
        size = channels * filters
        apart = self.matrices(channels, filters)
        row = [size, 1, at.scratch("filters"), apart, at.output]
        return [(_text(FILTERS_BACK, vector_width(size)), row)]
