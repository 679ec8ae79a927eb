"""Numbers in other units."""

from typing import Any

from pellucid.layer import Layer


class Rescale(Layer):
    """``y = factor x + offset``: pixels of image files, 0 to 255, become 0 to 1.

    As the first layer it makes a network take pixels as they are in a file. With
    ``factor = 1 / deviation`` and ``offset = -mean / deviation`` of the pixels that it
    learns from, they get mean 0 and standard deviation 1.

    Parameters
    ----------
    factor, offset : float
        What numbers are multiplied by, and what is then added.
    name : str, optional
        Name in the network.
    """

    factor: float = 1 / 255
    offset: float = 0.0

    def forward(self, x: Any, p: Any, memo: Any) -> Any:
        return self.factor * x + self.offset

    def backward(self, da: Any, p: Any, g: Any, memo: Any) -> Any:
        return self.factor * da
