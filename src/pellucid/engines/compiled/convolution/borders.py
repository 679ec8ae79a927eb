"""Images with a border put around them, or cut out of one."""

import math
from dataclasses import dataclass
from typing import Any

from pellucid.engines.compiled import library
from pellucid.engines.compiled.convolution.blocked import Blocked, Row, Where
from pellucid.engines.compiled.convolution.bordered import Bordered


@dataclass
class _Border(Blocked):
    """What both share.

    Parameters
    ----------
    bordered : Bordered
        The images, and the border around them.
    """

    bordered: Bordered

    @property
    def scratch(self) -> dict[str, int]:
        """No memory but that of its result."""
        return {}


class PutAround(_Border):
    """``z = x`` with zeros around it."""

    def block(self, at: Where, first: int, count: int) -> list[Row]:
        x = at.inputs[0] + at.item * first * self.bordered.pixels
        z = at.output + at.item * first * self.bordered.size
        clear = library.FILL, [1, count * self.bordered.size, z, 0]
        return [clear, self.bordered.copy(count, x, z, at.item)]


class CutOut(_Border):
    """``z = x`` without what is around it."""

    def block(self, at: Where, first: int, count: int) -> list[Row]:
        x = at.inputs[0] + at.item * first * self.bordered.size
        z = at.output + at.item * first * self.bordered.pixels
        return [self.bordered.copy(count, z, x, at.item, back=True)]


def border_of(inner: Any, outer: Any, start: tuple[int, ...]) -> Bordered | None:
    """Return the border between two shapes, None if it is not one around images.

    Parameters
    ----------
    inner, outer : tuple
        Shapes (n, height, width, channels) or (n, length, channels).
    start : tuple of int
        Where the inner one begins.

    Returns
    -------
    Bordered or None
    """
    if len(inner) < 3 or inner[-1] != outer[-1] or start[0] or start[-1]:
        return None
    if len(inner) == 3:
        inner, outer = (inner[0], 1, *inner[1:]), (outer[0], 1, *outer[1:])
        start = (start[0], 0, *start[1:])
    if len(inner) != 4 or not math.prod(inner[1:]):
        return None
    _, height, width, channels = inner
    _, top, left, _ = start
    below, beside = outer[1] - height - top, outer[2] - width - left
    return Bordered(height, width, channels, top, below, left, beside)
