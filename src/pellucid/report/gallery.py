"""Images on a page: small pictures inside it, with words below them."""

import base64
import io
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.report.markup import Markup, join, tag
from pellucid.report.result import Result
from pellucid.report.scores import percent

LARGEST = 96  # pixels of a side in the page's text
_SHOWN = 112  # pixels of a side on the screen, at most


def image(pixels: NDArray[Any], words: str) -> Markup:
    """Return an image as a part of the page.

    Parameters
    ----------
    pixels : ndarray of uint8, shape (height, width, channels)
        What it shows; more than 96 pixels a side are made fewer.
    words : str
        What it is, for those who do not see it.

    Returns
    -------
    Markup
    """
    from PIL import Image

    picture = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    picture.thumbnail((LARGEST, LARGEST))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True)
    text = base64.b64encode(buffer.getvalue()).decode()
    height, width = pixels.shape[:2]
    scale = _SHOWN / max(height, width)
    return tag(
        "img",
        class_="image" if max(height, width) > _SHOWN // 2 else "image coarse",
        src=f"data:image/png;base64,{text}",
        alt=words,
        width=max(1, round(width * scale)),
        height=max(1, round(height * scale)),
    )


def strip(images: Iterable[Markup]) -> Markup:
    """Return images side by side.

    Parameters
    ----------
    images : iterable of Markup
        From `image`.

    Returns
    -------
    Markup
    """
    return tag("div", *images, class_="strip")


def answers(result: Result, places: Iterable[int]) -> Markup:
    """Return images of the test with what the network says about them.

    Parameters
    ----------
    result : Result
        Of images.
    places : iterable of int
        Which images of the test.

    Returns
    -------
    Markup
    """
    return tag("ul", *(_answer(result, place) for place in places), class_="answers")


def _answer(result: Result, place: int) -> Markup:
    truth = result.classes[result.y[place]]
    guess = result.classes[result.y_hat[place]]
    file = result.images.files[int(result.rows[place])]
    p = float(result.probabilities[place, result.y_hat[place]])
    right = truth == guess
    told: list[Markup] = [
        tag("b", guess, class_="guess"),
        tag("span", percent(p), class_="number"),
        tag(
            "span",
            tag("span", style=f"width:{100 * p:.1f}%"),
            class_="bar",
            aria_hidden="true",
        ),
    ]
    if right:
        told.append(tag("span", "right", class_="verdict"))
    else:
        own = float(result.probabilities[place, result.y[place]])
        told.append(
            tag("span", f"wrong: it is {truth} ({percent(own)})", class_="verdict")
        )
    told.append(tag("code", file))
    shown = image(result.x[place], f"{file}: {truth}")
    return tag(
        "li", shown, tag("div", join(told)), class_="right" if right else "wrong"
    )


def first_of_each(y: NDArray[np.int64], classes: int, most: int) -> list[int]:
    """Return places of the first image of each class, then of the second, and so on.

    Parameters
    ----------
    y : ndarray of int, shape (n,)
        Classes.
    classes : int
        How many there are.
    most : int
        How many places at most.

    Returns
    -------
    list of int
    """
    rank = np.zeros(len(y), dtype=np.int64)
    for index in range(classes):
        mine = np.flatnonzero(y == index)
        rank[mine] = np.arange(len(mine))
    found: list[int] = np.lexsort((y, rank))[:most].tolist()
    return found
