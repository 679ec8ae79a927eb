"""What holds for every test: no windows, steady examples, no global state touched."""

import importlib
import locale
import os
import random
import shutil
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
import numpy as np
import pytest

from pellucid.engines import missing_for_compiled
from pellucid.part import Part

_environment = pytest.MonkeyPatch()

# `pytest --hypothesis-profile=thorough` searches longer, for changed mathematics.
_steady = {"deadline": None, "derandomize": "CI" in os.environ}
hypothesis.settings.register_profile("quick", max_examples=25, **_steady)
hypothesis.settings.register_profile("thorough", max_examples=1000, **_steady)
hypothesis.settings.load_profile("quick")


def pytest_configure() -> None:
    """Let pictures be drawn without a screen, in the doctests of src too."""
    _environment.setenv("MPLBACKEND", "Agg")


def pytest_unconfigure() -> None:
    """Leave the environment as it was."""
    _environment.undo()


@pytest.fixture(scope="session")
def require_tool() -> Callable[[str], str]:
    """Return a function that gives the path of a command, or skips the test without it.

    ``def test_compiles(require_tool): compiler = require_tool("gcc")``. Where
    PELLUCID_REQUIRE_TOOLS is 1, as in continuous integration, a missing command fails
    the test, so that nothing is skipped there in silence.
    """

    def find(command: str) -> str:
        path = shutil.which(command)
        if path is not None:
            return path
        if os.environ.get("PELLUCID_REQUIRE_TOOLS") == "1":
            pytest.fail(f"{command} is missing; add it to TOOLS in .ci/run")
        pytest.skip(f"{command} is not installed")

    return find


@pytest.fixture(scope="session")
def require_package() -> Callable[[str], Any]:
    """Return a function that imports a package, or skips the test without it.

    As `require_tool`: with PELLUCID_REQUIRE_TOOLS=1 a missing package fails the test.
    """

    def find(name: str) -> Any:
        try:
            return importlib.import_module(name)
        except ImportError:
            if os.environ.get("PELLUCID_REQUIRE_TOOLS") == "1":
                pytest.fail(f"{name} is missing; it belongs to the extra test")
            pytest.skip(f"{name} is not installed")

    return find


@pytest.fixture(autouse=True)
def global_state_stays() -> Iterator[None]:
    """Fail a test after which the process is not as it was before.

    The first import of another package may change a thing or two (SciPy sets warnings
    filters), so a test in which one happened is not looked at.
    """
    packages, before = _packages(), _global_state()
    yield
    after = _global_state()
    changed = [name for name in before if before[name] != after[name]]
    if changed and _packages() == packages:
        pytest.fail(f"the test, or what it calls, changed {', '.join(changed)}")


@pytest.fixture(params=["readable", "compiled"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run a test with each engine, which all of pellucid then chooses by itself.

    ``@pytest.mark.usefixtures("engine")`` is enough where a test need not know which.
    """
    if request.param == "readable":
        monkeypatch.setenv("NUMBA_DISABLE_JIT", "1")
    else:
        monkeypatch.delenv("NUMBA_DISABLE_JIT", raising=False)
        missing = missing_for_compiled()
        if missing:
            pytest.skip(missing)
    return str(request.param)


@pytest.fixture(autouse=True)
def registers_stay() -> Iterator[None]:
    """Take parts that a test invents out of the registers again."""
    before = [(family, dict(family.register)) for family in Part.__subclasses__()]
    yield
    for family, register in before:
        family.register.clear()
        family.register.update(register)


def _packages() -> set[str]:
    names = {name.partition(".")[0] for name in sys.modules}
    return names - {"pellucid"} - sys.stdlib_module_names


def _global_state() -> dict[str, Any]:
    _, keys, *position = np.random.get_state()  # noqa: NPY002 - to see it unchanged
    state = {
        "numpy's error state": np.geterr(),
        "numpy's print options": np.get_printoptions(),
        "numpy's global random numbers": (keys.tobytes(), position),
        "Python's global random numbers": random.getstate(),
        "the warnings filters": list(warnings.filters),
        "the handler of Ctrl-C": signal.getsignal(signal.SIGINT),
        "the locale": locale.setlocale(locale.LC_ALL),
        "the working folder": os.getcwd(),  # noqa: PTH109 - a string is enough here
    }
    if "matplotlib" in sys.modules:  # looked at, never imported for it
        state["matplotlib's rcParams"] = sys.modules["matplotlib"].rcParams.copy()
    return state
