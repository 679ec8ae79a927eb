"""Which classes are taken for which."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.arrays import as_array, as_floats
from pellucid.errors import DataError, ShapeError
from pellucid.plots.canvas import canvas, is_dark, size_in_points
from pellucid.plots.palette import DARK, LIGHT, brightness, share_map
from pellucid.plots.tiles import as_picture, draw_tile

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_IMAGE = 0.66  # of a cell's side
_ROOM = 24  # points of a cell that has room for an image and a count


def confusion_matrix(
    y: Any,
    y_hat: Any,
    ax: "Axes | None" = None,
    *,
    classes: Sequence[Any] | None = None,
    images: Any = None,
) -> "Axes":
    """Draw how often each class was predicted as which: rows are the truth.

    Each cell has its count; its colour is the share of the row. With images, each has
    the first one that belongs there.

    Parameters
    ----------
    y : array_like, shape (n,), or one-hot rows (n, classes)
        True classes.
    y_hat : array_like, shape (n,), or one-hot rows (n, classes)
        Predicted classes, as `predict` returns them.
    ax : Axes, optional
        Where to draw; a new figure otherwise.
    classes : sequence, optional
        The classes in the order in which they are shown. Where y holds indices, the
        names of the classes. By default all that occur, sorted.
    images : array_like, shape (n, height, width, channels), optional
        What was predicted from. Sort all three to choose which image is the first.

    Returns
    -------
    Axes

    Raises
    ------
    ShapeError
        If y and y_hat differ in length, or images are none or of another number.
    DataError
        If they are no classes, or none of `classes`.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> from pellucid import plots
    >>> truth, guess = ["cat", "dog", "dog"], ["cat", "dog", "cat"]
    >>> ax = plots.confusion_matrix(truth, guess, Figure().add_subplot())
    >>> [label.get_text() for label in ax.get_yticklabels()], ax.get_title()
    (['cat', 'dog'], '2 of 3 right (66.7 %)')
    """
    truth, guess = _labels(y, "y"), _labels(y_hat, "y_hat")
    if len(truth) != len(guess):
        raise ShapeError(
            f"y has {len(truth)} classes, y_hat has {len(guess)}: each prediction "
            "needs its truth."
        )
    if not len(truth):
        raise DataError("y has no rows: there is nothing to draw.")
    names, rows, columns = _indices(truth, guess, classes)
    counts = np.zeros((len(names), len(names)), dtype=np.int64)
    np.add.at(counts, (rows, columns), 1)

    examples = None if images is None else _examples(images, len(truth))
    cell = 0.55 if examples is None else 0.85
    inches = float(np.clip(2.2 + cell * len(names), 4.0, 11.0))
    ax = canvas(ax, (inches + 0.8, inches), square=True)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    colours = share_map(DARK if is_dark(ax) else LIGHT)
    image = ax.imshow(shares, cmap=colours, vmin=0.0, vmax=1.0)
    pictured = examples is not None and _draw(ax, examples, rows, columns, len(names))
    _write(ax, counts, shares, colours, pictured)
    _name_classes(ax, names)
    ax.set_xlabel("predicted class")
    ax.set_ylabel("true class")
    right = int(np.trace(counts))
    told = f"{right} of {len(truth)} right ({right / len(truth):.1%})"
    told += "\nin each cell the first of its images" if pictured else ""
    ax.set_title(told.replace("%", " %"))
    share = "share of the true class"
    ax.figure.colorbar(image, ax=ax, fraction=0.046, pad=0.04, label=share)
    return ax


def _labels(values: Any, what: str) -> NDArray[Any]:
    array = as_array(values, what)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim == 2 and array.dtype.kind in "iufb":
        hot = ((array == 0) | (array == 1)).all() and (array.sum(axis=1) == 1).all()
        if hot:
            array = array.argmax(axis=1)
    if array.ndim != 1:
        raise ShapeError(
            f"{what} has shape {array.shape}; expected one class a sample, as "
            "net.predict returns it, shape (n,)."
        )
    if array.dtype.kind == "b":
        array = array.astype(np.int64)
    if array.dtype.kind == "f":
        odd = array != np.floor(array)
        if odd.any():
            row = int(np.argmax(odd))
            raise DataError(
                f"{what} has {array[row]} at row {row}, which is no class: hand in "
                "what net.predict returns, or use plots.predictions for numbers."
            )
        array = array.astype(np.int64)
    return array


def _indices(
    truth: NDArray[Any], guess: NDArray[Any], classes: Sequence[Any] | None
) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
    """Return names of the classes, and the class of every target and prediction."""
    if (truth.dtype.kind in "US") != (guess.dtype.kind in "US"):
        raise DataError(
            f"y holds {truth[0].item()!r}, y_hat holds {guess[0].item()!r}: both must "
            "be texts or both whole numbers."
        )
    if classes is None:
        known = np.unique(np.concatenate([truth, guess]))
    else:
        known = as_array(classes, "classes")
        if known.ndim != 1 or len(np.unique(known)) != len(known) or not len(known):
            raise DataError(f"Expected different classes in a list, got {classes!r}.")
    names = list(map(str, known))
    if known.dtype.kind in "US" and truth.dtype.kind not in "US":
        known = np.arange(len(known))  # texts are the names of indices
    return names, _places(truth, known, "y"), _places(guess, known, "y_hat")


def _places(labels: NDArray[Any], known: NDArray[Any], what: str) -> NDArray[np.int64]:
    """Return the place of every label among the known classes."""
    place = {label: index for index, label in enumerate(known.tolist())}
    found = [place.get(label, -1) for label in labels.tolist()]
    if -1 in found:
        row = found.index(-1)
        raise DataError(
            f"{what} has {labels[row].item()!r} at row {row}, which is none of the "
            f"classes {', '.join(map(repr, known.tolist()))}."
        )
    return np.array(found, dtype=np.int64)


def _examples(images: Any, n: int) -> NDArray[Any]:
    """Return images as numbers that can be drawn, one for each of n samples."""
    found = as_array(images, "images")
    if found.ndim != 4 or len(found) != n:
        raise ShapeError(
            f"images has shape {found.shape}; expected one for each of the {n} "
            f"predictions, shape ({n}, height, width, channels)."
        )
    return found if found.dtype == np.uint8 else as_floats(found, "images", np.float64)


def _draw(
    ax: "Axes",
    images: NDArray[Any],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    count: int,
) -> bool:
    """Draw the first image of each cell, and return whether there is room for them."""
    if min(size_in_points(ax)) / count < _ROOM:
        return False
    cells, first = np.unique(rows * count + columns, return_index=True)
    height, width = images.shape[1:3]
    # All have one scale of grey, so that they can be compared.
    limits = (float(images.min()), float(images.max()))
    for cell, place in zip(cells.tolist(), first, strict=True):
        row, column = divmod(cell, count)
        across, down = (
            _IMAGE * length / max(height, width) for length in (width, height)
        )
        picture = as_picture(images[place], *limits)
        draw_tile(ax, picture, column - across / 2, row - 0.12 - down / 2, _IMAGE)
    return True


def _write(
    ax: "Axes",
    counts: NDArray[Any],
    shares: NDArray[Any],
    colours: Any,
    pictured: bool,
) -> None:
    """Write the counts into their cells, as large as the cells allow."""
    from matplotlib.colors import to_hex

    cell = min(size_in_points(ax)) / len(counts)
    size = min(0.4 * cell, 1.2 * cell / len(str(counts.max())), 13.0)
    if pictured:
        size = min(size, 0.18 * cell)
    if size < 4:  # specks, not numbers
        return
    for (row, column), count in np.ndenumerate(counts):
        light = brightness(to_hex(colours(shares[row, column]))) > 0.45
        ax.text(
            column,
            row + 0.36 if pictured else row,
            str(count),
            ha="center",
            va="center",
            fontsize=size,
            fontweight="bold" if row == column else "normal",
            color="#1a1a1a" if light else "#ffffff",
            alpha=1.0 if count else 0.4,
        )


def _name_classes(ax: "Axes", names: list[str]) -> None:
    places = range(len(names))
    long = max(map(len, names)) * len(names) > 30
    ax.set_xticks(
        places,
        names,
        rotation=45 if long else 0,
        ha="right" if long else "center",
        rotation_mode="anchor",
    )
    ax.set_yticks(places, names)
    # Thin gaps between the cells, in the colour of the ground.
    edges = np.arange(len(names) - 1) + 0.5
    ax.set_xticks(edges, minor=True)
    ax.set_yticks(edges, minor=True)
    ax.grid(which="minor", color=ax.get_facecolor(), linewidth=1.5)
    ax.grid(visible=False, which="major")
    ax.tick_params(which="both", length=0)
    ax.spines[:].set_visible(False)
