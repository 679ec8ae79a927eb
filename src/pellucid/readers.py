"""Readers: how a file becomes what a network takes; a model file remembers it."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import ConfigurationError, DataError
from pellucid.part import Part

_FORMATS = ("PNG", "JPEG")
_EIGHT_BITS = 8


class Reader(Part, abstract=True):
    """How a file becomes one sample of inputs. A new one needs `read`."""

    def read(self, path: str | Path) -> NDArray[Any]:
        """Return what a file holds, as a network takes it.

        Parameters
        ----------
        path : str or Path
            The file.

        Returns
        -------
        ndarray
            One sample.
        """
        raise NotImplementedError

    def to_inputs(self, x: Any) -> Any:
        """Return inputs `x` as the network takes them; numbers stay as they are."""
        return x

    def to_targets(self, y: NDArray[Any]) -> NDArray[Any]:
        """Return targets `y`, which are numbers, as the network learns them."""
        return y

    def to_units(self, y: NDArray[Any]) -> NDArray[Any]:
        """Return the network's answers `y`, which are numbers, in units of targets."""
        return y


class ImageReader(Reader):
    """Makes pixels of a PNG or JPEG file, all images in the same size and colours.

    In this order: the image is turned as its camera noted (EXIF orientation), what is
    transparent is laid on a background, colours are brought to grey (by the weights of
    ITU-R BT.601) or to red, green and blue, 16 bits to 8, and the size to `size`, by
    linear interpolation over all pixels that become one. An image that has the size
    keeps its pixels. Colour profiles are not looked at.

    Parameters
    ----------
    size : int or (int, int)
        Height and width in pixels; one number for both.
    colour : str
        ``"rgb"`` or ``"grey"``.
    aspect : str
        What happens to an image that is wider or higher than `size`: ``"crop"`` keeps
        the largest rectangle in its middle that fits, ``"pad"`` keeps all of it and
        fills up with the background, ``"stretch"`` keeps all of it and distorts it.
    background : int
        Grey level from 0 (black) to 255 (white).
    """

    size: Any
    colour: str = "rgb"
    aspect: str = "crop"
    background: int = 255

    def __post_init__(self) -> None:
        if isinstance(self.size, int | np.integer):
            object.__setattr__(self, "size", (self.size, self.size))
        super().__post_init__()

    def check(self) -> None:
        sides = self.size if isinstance(self.size, tuple) else ()
        whole = (
            isinstance(n, int) and not isinstance(n, bool) and n > 0 for n in sides
        )
        if len(sides) != 2 or not all(whole):
            raise ConfigurationError(
                f"Expected size as (height, width) in pixels, got {self.size!r}."
            )
        for name, known in _CHOICES.items():
            given = getattr(self, name)
            if given not in known:
                raise ConfigurationError(
                    f"Expected {name} {' or '.join(map(repr, known))}, got {given!r}."
                )
        if not 0 <= self.background <= 255:
            raise ConfigurationError(
                f"Expected background from 0 to 255, got {self.background!r}."
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape of one image: (height, width, channels)."""
        return (*self.size, 3 if self.colour == "rgb" else 1)

    def read(self, path: str | Path) -> NDArray[np.uint8]:
        """Return the pixels of an image.

        Parameters
        ----------
        path : str or Path
            A PNG or JPEG file.

        Returns
        -------
        ndarray of uint8, shape (height, width, channels)

        Raises
        ------
        DataError
            If the file is missing, damaged or no such image.
        ConfigurationError
            If Pillow is not installed.
        """
        with opened(path) as image:
            return self._pixels(image).reshape(self.shape)

    def _pixels(self, image: Any) -> NDArray[np.uint8]:
        from PIL import Image, ImageOps

        side = 2 * max(self.size)
        image.draft(None, (side, side))  # a large JPEG is decoded in a fraction of it
        image = ImageOps.exif_transpose(image)
        if image.mode.startswith("I"):
            levels = np.asarray(image) >> _EIGHT_BITS
            image = Image.fromarray(levels.astype(np.uint8))
        if image.has_transparency_data:
            ground = Image.new("RGBA", image.size, (*3 * (self.background,), 255))
            image = Image.alpha_composite(ground, image.convert("RGBA"))
        image = image.convert("RGB" if self.colour == "rgb" else "L")
        return np.asarray(self._resized(image))

    def _resized(self, image: Any) -> Any:
        from PIL import Image, ImageOps

        height, width = self.size
        if image.size == (width, height):
            return image
        method = Image.Resampling.BILINEAR
        if self.aspect == "crop":
            return ImageOps.fit(image, (width, height), method)
        if self.aspect == "stretch":
            return image.resize((width, height), method)
        scale = min(width / image.width, height / image.height)
        inner = [max(1, round(length * scale)) for length in image.size]
        ground = Image.new("RGB", (width, height), 3 * (self.background,))
        place = ((width - inner[0]) // 2, (height - inner[1]) // 2)
        ground.paste(image.resize(inner, method), place)
        return ground.convert(image.mode)


_CHOICES = {"colour": ("rgb", "grey"), "aspect": ("crop", "pad", "stretch")}


@contextmanager
def opened(path: str | Path) -> Iterator[Any]:
    """Open an image, of which only the head is read before its pixels are wanted.

    Parameters
    ----------
    path : str or Path
        A PNG or JPEG file.

    Yields
    ------
    PIL.Image.Image

    Raises
    ------
    DataError
        If the file is missing, damaged or no such image, also while it is used.
    ConfigurationError
        If Pillow is not installed.
    """
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        raise ConfigurationError(
            "Images are read by Pillow, which is not installed: pip install "
            '"pellucid[images]", or pip install pillow.'
        ) from None
    try:
        with warnings.catch_warnings():
            # Odd notes in a file are no matter; pixels that fill the memory are.
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=_FORMATS) as image:
                yield image
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file.") from None
    except IsADirectoryError:
        raise DataError(
            f"{path} is a folder; expected an image: name the files in it."
        ) from None
    except UnidentifiedImageError:
        raise _broken(path, "it is no PNG or JPEG") from None
    except Exception as error:  # a damaged file has many ways to be wrong
        raise _broken(path, _reason(error)) from error


def _broken(path: str | Path, why: str) -> DataError:
    return DataError(
        f"{path} cannot be read as an image ({why}): replace it or take it away."
    )


def _reason(error: Exception) -> str:
    told = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(told).rstrip(".")
