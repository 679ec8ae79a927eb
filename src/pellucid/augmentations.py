"""Augmentations: images that change a little in every epoch, so that none is known.

``y = x[moved]``, ``y = x + noise``, ``y = share x + (1 - share) x[partner]``

Every random number is a function of the seed, the epoch and the row, and of nothing
else: not of the batch a row is in, nor of the engine or the number of threads. So an
interrupted training that is resumed sees the same images as an undisturbed one.
"""

import math
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import ConfigurationError, ShapeError
from pellucid.losses import CrossEntropy, Loss
from pellucid.part import Part
from pellucid.rng import squares, step_key


class Draws:
    """Random numbers for the rows of a batch, the same wherever a row stands in it.

    Parameters
    ----------
    key : int
        Key of the training, see `pellucid.rng.make_key`.
    epoch : int
        From 0.
    rows : ndarray of int, shape (m,)
        Which rows of the data they are for.
    """

    def __init__(self, key: int, epoch: int, rows: NDArray[np.int64]) -> None:
        self.key, self.epoch, self.rows = key, epoch, rows
        self._calls = 0

    def uniform(self, *shape: int) -> NDArray[np.float32]:
        """Return uniform numbers in [0, 1), others at every call.

        Parameters
        ----------
        *shape : int
            How many for each row; one without a shape.

        Returns
        -------
        ndarray of float32, shape (m, *shape)
            With 24 random bits.
        """
        key = step_key(self.key, self.epoch, self._calls)
        self._calls += 1
        count = np.uint64(math.prod(shape))
        first = self.rows.astype(np.uint64)[:, None] * count
        positions: Any = first + np.arange(count, dtype=np.uint64)
        bits = squares(key, positions) >> np.uint64(8)
        numbers = bits.astype(np.float32) * np.float32(2.0**-24)
        return numbers.reshape(len(self.rows), *shape)

    def normal(self, *shape: int) -> NDArray[np.float32]:
        """Return standard normal numbers (Box and Muller's method).

        Parameters
        ----------
        *shape : int
            As in `uniform`.

        Returns
        -------
        ndarray of float32, shape (m, *shape)
        """
        count = math.prod(shape)
        radius, angle = self.uniform(2, -(-count // 2)).swapaxes(0, 1)
        radius = np.sqrt(-2.0 * np.log(1.0 - radius))
        angle *= 2.0 * math.pi
        both = [radius * np.cos(angle), radius * np.sin(angle)]
        return np.concatenate(both, axis=1)[:, :count].reshape(-1, *shape)


class Augmentation(Part, abstract=True):
    """A random change of the images that training sees. A new one needs `apply`.

    Attributes
    ----------
    takes_any : bool
        Whether inputs may have any shape; only (height, width, channels) otherwise.
    """

    takes_any: ClassVar[bool] = False

    def apply(self, x: NDArray[Any], draws: Draws) -> NDArray[Any]:
        """Return changed images.

        Parameters
        ----------
        x : ndarray of float, shape (m, height, width, channels)
            Some images, left as they are.
        draws : Draws
            Random numbers for each of them.

        Returns
        -------
        ndarray, shape and dtype of `x`
        """
        raise NotImplementedError


class Movement(Augmentation, abstract=True):
    """A change that moves pixels. A new one needs `matrix`.

    Movements that follow each other are made in one go: pixels between pixels are
    interpolated once, linearly in both directions. What comes from beyond the edge has
    the colour of the edge.
    """

    def matrix(
        self, draws: Draws, height: int, width: int
    ) -> tuple[Any, Any, Any, Any, Any, Any]:
        """Return a, b, c, d, e, f: where the pixel at (row, column) comes from.

        It comes from ``(a row + b column + c, d row + e column + f)``, counted from the
        middle of the image.

        Parameters
        ----------
        draws : Draws
            Random numbers for m images.
        height, width : int
            In pixels.

        Returns
        -------
        six of float or ndarray of float64, shape (m,)
        """
        raise NotImplementedError

    def apply(self, x: NDArray[Any], draws: Draws) -> NDArray[Any]:
        return _resampled(x, _full(self.matrix(draws, *x.shape[1:3]), len(x)))


class Shift(Movement):
    """Moves images by whole pixels, up to a share of their height and width.

    Parameters
    ----------
    most : float
        That share, in [0, 1].
    """

    most: float = 0.1

    def check(self) -> None:
        _share(most=self.most)

    def matrix(self, draws: Draws, height: int, width: int) -> Any:
        most = np.array([round(self.most * height), round(self.most * width)])
        by = np.floor(draws.uniform(2) * (2 * most + 1)) - most
        return 1.0, 0.0, by[:, 0], 0.0, 1.0, by[:, 1]


class Flip(Movement):
    """Mirrors images, each with a probability.

    Not for digits, letters and whatever else is another thing in a mirror.

    Parameters
    ----------
    direction : str
        ``"horizontal"`` (left becomes right) or ``"vertical"`` (top becomes bottom).
    probability : float
        Of being mirrored, in [0, 1].
    """

    direction: str = "horizontal"
    probability: float = 0.5

    def check(self) -> None:
        _share(probability=self.probability)
        if self.direction not in ("horizontal", "vertical"):
            raise ConfigurationError(
                "Expected direction 'horizontal' or 'vertical', got "
                f"{self.direction!r}; for both write two Flips."
            )

    def matrix(self, draws: Draws, height: int, width: int) -> Any:
        sign = np.where(draws.uniform() < self.probability, -1.0, 1.0)
        if self.direction == "horizontal":
            return 1.0, 0.0, 0.0, 0.0, sign, 0.0
        return sign, 0.0, 0.0, 0.0, 1.0, 0.0


class Rotate(Movement):
    """Turns images around their middle, to either side.

    Parameters
    ----------
    most : float
        The largest angle, in degrees, in [0, 180].
    """

    most: float = 10.0

    def check(self) -> None:
        if not 0 <= self.most <= 180:
            raise ConfigurationError(
                f"Expected most in [0, 180] degrees, got {self.most!r}."
            )

    def matrix(self, draws: Draws, height: int, width: int) -> Any:
        angle = np.radians(self.most) * _either_side(draws)
        sin, cos = np.sin(angle), np.cos(angle)
        return cos, -sin, 0.0, sin, cos, 0.0


class Scale(Movement):
    """Makes what images show larger or smaller, alike in both directions.

    Parameters
    ----------
    most : float
        By which share at most, in [0, 1): 0.1 gives factors from 0.9 to 1.1.
    """

    most: float = 0.1

    def check(self) -> None:
        _share(most=self.most)
        if self.most == 1:
            raise ConfigurationError("Expected most below 1: nothing would be left.")

    def matrix(self, draws: Draws, height: int, width: int) -> Any:
        back = 1.0 / (1.0 + self.most * _either_side(draws))
        return back, 0.0, 0.0, 0.0, back, 0.0


class Noise(Augmentation):
    """``y = x + deviation * normal``: other grain in every epoch.

    Parameters
    ----------
    deviation : float
        Standard deviation, in the units of the inputs: the pixels of image files go
        from 0 to 255.
    """

    deviation: float
    takes_any: ClassVar[bool] = True

    def check(self) -> None:
        if self.deviation < 0:
            raise ConfigurationError(f"Expected deviation >= 0, got {self.deviation}.")

    def apply(self, x: NDArray[Any], draws: Draws) -> NDArray[Any]:
        noise = self.deviation * draws.normal(*x.shape[1:])
        noisy: NDArray[Any] = x + noise.astype(x.dtype)
        return noisy


class Cutout(Augmentation):
    """Covers a rectangle of images with their mean colour.

    What is seen must then be told by the rest. Source: DeVries and Taylor,
    arXiv:1708.04552, 2017; here the rectangle lies wholly inside the image.

    Parameters
    ----------
    size : float
        Height and width of the rectangle, as a share of the image's, in [0, 1].
    probability : float
        Of being covered, in [0, 1].
    """

    size: float = 0.25
    probability: float = 1.0

    def check(self) -> None:
        _share(size=self.size, probability=self.probability)

    def apply(self, x: NDArray[Any], draws: Draws) -> NDArray[Any]:
        covered = draws.uniform() < self.probability
        inside = [
            self._inside(draws.uniform(), length)[:, *(None,) * axis, :]
            for axis, length in enumerate(x.shape[1:3])
        ]
        hole = inside[0][:, :, None] & inside[1] & covered[:, None, None]
        mean = x.mean(axis=(1, 2), keepdims=True, dtype=np.float64).astype(x.dtype)
        return np.where(hole[..., None], mean, x)

    def _inside(self, u: NDArray[np.float32], length: int) -> NDArray[np.bool_]:
        """Return which of the places along an axis are inside, shape (m, length)."""
        long = round(self.size * length)
        start = np.floor(u * (length - long + 1))[:, None]
        place = np.arange(length)
        return (place >= start) & (place < start + long)


class Mixup(Augmentation):
    """``y = share x + (1 - share) x[partner]``, and the same for targets and weights.

    Every row is mixed with another one of its batch, so that the network is taught to
    go evenly from one class to the next. Works with the loss cross_entropy, whose
    targets become shares of the classes, with binary_cross_entropy, and with all losses
    about numbers. Source: Zhang et al., arXiv:1710.09412, 2017; here each row has a
    share of its own.

    Parameters
    ----------
    alpha : float
        Shares are drawn from the distribution Beta(alpha, alpha), in (0, 1]: the
        smaller, the nearer to 0 or 1; at 1 all shares are alike probable.
    """

    alpha: float = 0.2
    takes_any: ClassVar[bool] = True

    def check(self) -> None:
        if not 0 < self.alpha <= 1:
            raise ConfigurationError(f"Expected alpha in (0, 1], got {self.alpha!r}.")

    def apply(self, x: NDArray[Any], draws: Draws) -> NDArray[Any]:
        return x  # rows are mixed when the whole batch is there, targets with them

    def partners(self, draws: Draws) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return with which row of the batch each one is mixed, and its own share.

        Parameters
        ----------
        draws : Draws
            Random numbers for m rows.

        Returns
        -------
        partner : ndarray of int, shape (m,)
            Never the row itself, unless it is alone.
        share : ndarray of float64, shape (m,)
            In [0, 1].
        """
        circle = np.argsort(draws.uniform(), kind="stable")
        partner = np.empty_like(circle)
        partner[circle] = np.roll(circle, 1)
        return partner, self._shares(draws)

    def _shares(self, draws: Draws) -> NDArray[np.float64]:
        # Jöhnk's method: powers of two uniform numbers, drawn again where their sum is
        # above 1. In logarithms, since they can be too small for any number.
        share = np.full(len(draws.rows), np.nan)
        while np.isnan(share).any():
            draw = (draws.uniform().astype(np.float64) for _ in range(2))
            x, y = (np.log1p(-u) / self.alpha for u in draw)
            both = np.logaddexp(x, y)
            fits = np.isnan(share) & (both <= 0.0)
            share[fits] = np.exp(x - both)[fits]
        return share


def augment(
    x: NDArray[Any],
    augmentations: Sequence[Augmentation],
    key: int,
    epoch: int,
    rows: NDArray[np.int64],
) -> None:
    """Change images in place, a few at a time: their numbers then stay in the cache.

    Parameters
    ----------
    x : ndarray of float, shape (m, height, width, channels)
        Some images.
    augmentations : sequence of Augmentation
        In order; `Mixup`, which needs targets as well, changes nothing here.
    key, epoch, rows
        As in `Draws`.
    """
    few = max(1, 2**15 // math.prod(x.shape[1:]))
    for start in range(0, len(x), few):
        part = slice(start, start + few)
        x[part] = _augmented(x[part], augmentations, Draws(key, epoch, rows[part]))


def _augmented(
    x: NDArray[Any], augmentations: Sequence[Augmentation], draws: Draws
) -> NDArray[Any]:
    moved: NDArray[np.float64] | None = None
    for each in augmentations:
        if isinstance(each, Movement):
            matrix = _full(each.matrix(draws, *x.shape[1:3]), len(x))
            moved = matrix if moved is None else _both(moved, matrix)
            continue
        if moved is not None:
            x, moved = _resampled(x, moved), None
        changed = each.apply(x, draws)
        if np.shape(changed) != x.shape:  # fewer rows would be repeated
            raise ShapeError(
                f"{each!r} returned an array of shape {np.shape(changed)} for images "
                f"of shape {x.shape}; expected the same shape."
            )
        x = changed
    return x if moved is None else _resampled(x, moved)


def as_augmentations(given: Any, shape: Any, loss: Loss) -> tuple[Augmentation, ...]:
    """Return augmentations by name or object, in order.

    Parameters
    ----------
    given : sequence of Augmentation or str, or one of them
        What the user wrote.
    shape : tuple of int, or mapping of name to such
        Of one sample of the inputs.
    loss : Loss
        What training makes small.

    Returns
    -------
    tuple of Augmentation

    Raises
    ------
    ConfigurationError
        If there is no such augmentation, the inputs are no images, or the loss takes
        no mixed targets.
    """
    if isinstance(given, str | Augmentation):
        given = [given]
    if not isinstance(given, list | tuple):
        raise ConfigurationError(
            f"Expected augment as a list such as [Shift(0.1), Flip()], got {given!r}."
        )
    found = tuple(map(Augmentation.of, given))
    if found and not isinstance(shape, tuple):
        raise ConfigurationError(
            "augment changes images in one array, but the network takes the named "
            f"inputs {sorted(shape)}."
        )
    for each in found:
        if not each.takes_any and len(shape) != 3:
            raise ConfigurationError(
                f"{each!r} changes images of shape (height, width, channels), but a "
                f"sample has the shape {shape}: reshape x to (n, height, width, "
                "channels), with 1 channel for grey images."
            )
    mixups = [place for place, each in enumerate(found) if isinstance(each, Mixup)]
    if mixups and mixups != [len(found) - 1]:
        raise ConfigurationError("Mixup stands once in augment, and last.")
    if mixups and loss.task == "classes" and not isinstance(loss, CrossEntropy):
        raise ConfigurationError(
            f"Mixup gives every sample a share of two classes, but loss={loss.label!r} "
            "takes a single one: use loss='cross_entropy', or leave Mixup out."
        )
    return found


def _share(**settings: float) -> None:
    for name, value in settings.items():
        if not 0 <= value <= 1:
            raise ConfigurationError(f"Expected {name} in [0, 1], got {value!r}.")


def _either_side(draws: Draws) -> NDArray[np.float64]:
    """Return uniform numbers in [-1, 1), one for each image."""
    return 2.0 * draws.uniform().astype(np.float64) - 1.0


def _full(entries: tuple[Any, ...], m: int) -> NDArray[np.float64]:
    """Return the six entries of every image's matrix, shape (6, m)."""
    return np.stack([np.broadcast_to(each, m) for each in entries]).astype(np.float64)


def _both(
    first: NDArray[np.float64], second: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the matrices of one movement after another one."""
    a, b, c, d, e, f = first
    g, h, i, j, k, l = second
    return np.stack(
        [
            a * g + b * j,
            a * h + b * k,
            a * i + b * l + c,
            d * g + e * j,
            d * h + e * k,
            d * i + e * l + f,
        ]
    )


def _resampled(x: NDArray[Any], matrix: NDArray[np.float64]) -> NDArray[Any]:
    """Return images whose pixels come from where their matrices say."""
    m, height, width, channels = x.shape
    middle = (height - 1) / 2, (width - 1) / 2
    row = (np.arange(height) - middle[0])[:, None]
    column = np.arange(width) - middle[1]
    a, b, c, d, e, f = matrix[:, :, None, None]
    above, down = _between(a * row + b * column + c + middle[0], height)
    left, right = _between(d * row + e * column + f + middle[1], width)
    pixels = x.reshape(m * height * width, channels)
    first = np.arange(m)[:, None, None] * height

    def at(rows: NDArray[np.intp], columns: NDArray[np.intp]) -> NDArray[Any]:
        found: NDArray[Any] = pixels.take((first + rows) * width + columns, axis=0)
        return found

    if not down.any() and not right.any():  # whole pixels: nothing to interpolate
        return at(above, left)
    below, beyond = np.minimum(above + 1, height - 1), np.minimum(left + 1, width - 1)
    down, right = (share[..., None].astype(x.dtype) for share in (down, right))

    def line(rows: NDArray[np.intp]) -> NDArray[Any]:
        start = at(rows, left)
        start += right * (at(rows, beyond) - start)
        return start

    upper = line(above)
    moved: NDArray[Any] = upper + down * (line(below) - upper)
    return moved


def _between(
    place: NDArray[np.float64], length: int
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the pixel at or before each place, and how far it is beyond that one."""
    place = np.clip(place, 0, length - 1)
    before = np.floor(place)
    return before.astype(np.intp), place - before
