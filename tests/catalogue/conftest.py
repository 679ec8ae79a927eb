"""The catalogue of failures: what may go wrong, one test each, named after it.

A row of the catalogue says what must happen, and what it must say: each test does the
real thing, however briefly. Other folders of tests look at the details.
"""

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import pellucid
from pellucid import Dense, NeuralNetwork

R = np.random.default_rng(0)
X = R.normal(size=(40, 3))
Y = np.arange(40) % 2


@pytest.fixture
def x() -> np.ndarray:
    """40 rows of three numbers."""
    return X.copy()


@pytest.fixture
def y() -> np.ndarray:
    """40 classes, 0 and 1 in turn."""
    return Y.copy()


@pytest.fixture
def classifier() -> Callable[..., NeuralNetwork]:
    """Return a function that makes a small network for classes."""

    def make(outputs: int = 2, **settings) -> NeuralNetwork:
        layers = [Dense(4, "tanh"), Dense(outputs)]
        return NeuralNetwork(layers, loss="cross_entropy", **settings)

    return make


@pytest.fixture
def refused() -> Callable[..., str]:
    """Return a function that calls another, which must raise, and gives the message."""

    def check(ask: Callable[[], object], *told: str, kind=pellucid.DataError) -> str:
        with pytest.raises(kind) as found:
            ask()
        for text in told:
            assert text in str(found.value), str(found.value)
        if issubclass(kind, pellucid.DataError):
            assert isinstance(found.value, ValueError)
            assert isinstance(found.value, pellucid.PellucidError)
        return str(found.value)

    return check


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes a file."""

    def write(content: str | bytes, name: str = "some.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.fixture
def python() -> Callable[..., subprocess.CompletedProcess]:
    """Return a function that runs a program in a process of its own."""

    def run(
        program: str, *arguments: object, status: int = 0, **environment: str
    ) -> subprocess.CompletedProcess:
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env=os.environ | environment,
        )
        assert done.returncode == status, done.stderr
        return done

    return run
