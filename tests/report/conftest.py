"""Results of short trainings, and their pages, made once for all tests here."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from image_files import save, stripes, stripes_folder
from pellucid.data import images
from pellucid.demo import Demo
from pellucid.image_training import ImageTraining
from pellucid.report import Result, page

# One of each kind: many columns, images, numbers, the plane, a curve, the tutorials'.
KINDS = {
    "breast_cancer": 8,
    "digits": 3,
    "diabetes": 3,
    "moons": 3,
    "sine": 3,
    "xor": 1500,
}


@cache
def _result(name: str) -> Result:
    if name == "stripes":
        return _images()
    demo = Demo(name, epochs=KINDS[name])
    demo.fit()
    return demo.result()


def _images() -> Result:
    """A folder of images, of which some cannot be read."""
    with TemporaryDirectory() as name:
        folder = stripes_folder(Path(name, "stripes"), 16)
        folder.joinpath("up", "notes.txt").write_text("")
        save(folder / "up" / "<b>copy.png", stripes())
        save(folder / "up" / "copy of it.png", stripes())
        training = ImageTraining(images(folder, validation=0.2, test=0.3), epochs=4)
        training.fit()
        return training.result()


@cache
def _page(name: str) -> str:
    return page(_result(name))


@pytest.fixture(scope="session")
def result_of() -> Callable[[str], Result]:
    """Return a function that gives the result of a demonstration."""
    return _result


@pytest.fixture(scope="session")
def page_of() -> Callable[[str], str]:
    """Return a function that gives the page about a demonstration."""
    return _page
