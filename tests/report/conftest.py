"""Results of short trainings, and their pages, made once for all tests here."""

from collections.abc import Callable
from functools import cache

import pytest

from pellucid.demo import Demo
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
    demo = Demo(name, epochs=KINDS[name])
    demo.fit()
    return demo.result()


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
