"""What holds for all parts: settings are the whole of them."""

import copy
import json
import pickle
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from pellucid import files
from pellucid.network import NeuralNetwork
from pellucid.part import Part
from pellucid.testing.arrays import same_bits


def check_part(part: Part) -> None:
    """Check what holds for all parts.

    Two with the same settings are equal; settings survive a JSON file, `repr` and
    `copy.deepcopy`, and `pickle` too if the class can be imported.

    Parameters
    ----------
    part : Part
        With any settings.

    Raises
    ------
    AssertionError
        If a promise is broken.

    Examples
    --------
    >>> from pellucid import Dense
    >>> from pellucid.testing import check_part
    >>> check_part(Dense(4, "sigmoid", bias=False))
    """
    family = type(part).family
    with expecting(part, "config() as JSON, then restore"):
        settings = json.loads(json.dumps(part.config(), allow_nan=False))
        _equal(family.restore(settings), part, "config() and restore")
    with expecting(part, "eval of its repr"):
        _equal(eval(repr(part), _classes(part)), part, "eval of its repr")
    with expecting(part, "copy.deepcopy"):
        _equal(copy.deepcopy(part), part, "copy.deepcopy")
    if _importable(type(part)):
        with expecting(part, "pickle"):
            _equal(pickle.loads(pickle.dumps(part)), part, "pickle")


def _equal(made: Any, part: Part, way: str) -> None:
    assert made == part, (
        f"{part!r}: {way} gave {made!r}, which is not equal. Settings are Python "
        "numbers, texts, tuples and parts."
    )


def _classes(part: Part) -> dict[str, type]:
    """Return the classes that the repr of a part names."""
    found = {type(part).__name__: type(part)}
    for each in part.settings():
        value = getattr(part, each.name)
        for item in value if isinstance(value, tuple) else (value,):
            if isinstance(item, Part):
                found |= _classes(item)
    return found


def _importable(kind: type) -> bool:
    """Return whether the class can be found by its name, as pickle needs it."""
    module = sys.modules.get(kind.__module__)
    return getattr(module, kind.__qualname__, None) is kind


@contextmanager
def expecting(part: Part, what: str) -> Iterator[None]:
    """Turn errors, and what NumPy would only warn of, into broken promises.

    Parameters
    ----------
    part : Part
        What is checked.
    what : str
        What is being done.

    Yields
    ------
    None
    """
    try:
        with np.errstate(over="raise", invalid="raise", divide="raise", under="ignore"):
            yield
    except AssertionError:
        raise
    except Exception as error:
        told = f"{type(error).__name__}: {error}"
        if isinstance(error, ValueError) and "read-only" in str(error):
            told = (
                "an array that is not its own is changed in place; write x = x + y "
                "instead of x += y"
            )
        raise AssertionError(f"{part!r}, {what}: {told}") from error


def check_file(part: Part, network: NeuralNetwork) -> None:
    """Check that a network with the part comes back from a file as it was.

    Parameters
    ----------
    part : Part
        What is checked.
    network : NeuralNetwork
        With its input shape.
    """
    with tempfile.TemporaryDirectory() as folder, expecting(part, "save and load"):
        path = Path(folder) / "network.pellucid"
        network.save(path)
        loaded = files.load(path)
    told = f"{part!r}: a network with it comes back from a file as {loaded!r}"
    assert loaded.layers == network.layers, f"{told}, with other layers."
    assert loaded.loss == network.loss, f"{told}, with another loss."
    assert same_bits(loaded.weights, network.weights), f"{told}, with other numbers."
