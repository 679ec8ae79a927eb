"""Engines: what runs a blueprint on numbers. Nothing else knows which one runs."""

import os
import re
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

from numpy.typing import NDArray

from pellucid.blueprint import Blueprint
from pellucid.engines.readable import ReadableEngine
from pellucid.errors import ConfigurationError, suggestion

ENGINES = ("auto", "readable", "compiled")
OLDEST_NUMBA = (0, 61)  # as pyproject.toml asks for


class Engines:
    """The engines of one network, made when they are first wanted.

    Parameters
    ----------
    blueprint : Blueprint
        What the network computes.
    dtype : dtype
        The network's floating-point type.
    """

    def __init__(self, blueprint: Blueprint, dtype: Any) -> None:
        self.blueprint, self.dtype = blueprint, dtype
        self.readable = ReadableEngine(blueprint, dtype)
        self._compiled: dict[str, tuple[Any, str]] = {}
        self._short: Any = None

    def choose(self, wanted: str, program: str) -> tuple[Any, str]:
        """Return an engine, and why it is this one.

        Parameters
        ----------
        wanted : str
            ``"auto"`` takes the compiled engine wherever it can run the network.
        program : str
            What it will run: ``"prediction"``, ``"linked"`` (with the loss's link),
            ``"evaluation"`` or ``"training"``.

        Returns
        -------
        engine : ReadableEngine or CompiledEngine
        why : str
            For example ``"readable: Numba is not installed"``.

        Raises
        ------
        ConfigurationError
            If there is no such engine, or the compiled one is wanted and cannot run.
        """
        if wanted not in ENGINES:
            raise ConfigurationError(
                f"There is no engine {wanted!r}. {suggestion(wanted, ENGINES)}"
            )
        if wanted == "readable":
            return self.readable, "readable: it was asked for"
        if program not in self._compiled:
            self._compiled[program] = self._try(program)
        engine, reason = self._compiled[program]
        if engine is not None:
            asked = (
                "it was asked for"
                if wanted == "compiled"
                else "it can run this network"
            )
            return engine, f"compiled: {asked}"
        if wanted == "compiled":
            raise ConfigurationError(
                f"The compiled engine cannot run this network here: {reason}. Use "
                "engine='readable', or 'auto'."
            )
        return self.readable, f"readable: {reason}"

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one sample of a network with one input."""
        inputs = self.blueprint.inputs
        return () if isinstance(inputs, dict) else tuple(inputs.shape)

    def at_once(self, weights: NDArray[Any], x: NDArray[Any]) -> NDArray[Any] | None:
        """Return the probabilities of a few rows the short way, or None.

        Parameters
        ----------
        weights, x
            As in `CompiledEngine.at_once`.

        Returns
        -------
        ndarray or None
        """
        if self._short is None:
            return None
        found: NDArray[Any] | None = self._short.at_once(weights, x)
        return found

    def remember(self, weights: NDArray[Any], shape: tuple[int, ...], n: int) -> None:
        """Make the short way for arrays of a shape, if the compiled engine runs.

        Parameters
        ----------
        weights, shape, n
            As in `CompiledEngine.remember`.
        """
        engine, _ = self._compiled.get("linked", (None, ""))
        if engine is not None:
            self._short = engine
            engine.remember(weights, shape, n)

    def _try(self, program: str) -> tuple[Any, str]:
        """Return the compiled engine, or None and the reason why not."""
        missing = missing_for_compiled()
        if missing:
            return None, missing
        from pellucid.engines.compiled.engine import CompiledEngine
        from pellucid.engines.compiled.plan import UnsupportedError

        try:
            known = (
                engine for engine, _ in self._compiled.values() if engine is not None
            )
            engine = next(known, None) or CompiledEngine(self.blueprint, self.dtype)
            getattr(engine, program).compile()
        except UnsupportedError as error:
            return None, f"it has {error}"
        return engine, ""


def missing_for_compiled() -> str:
    """Return what keeps the compiled engine from running on this machine, or ""."""
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        return "NUMBA_DISABLE_JIT is set"
    if find_spec("numba") is None:
        return "Numba is not installed"
    found = _numba_version()
    if found and tuple(map(int, re.findall(r"\d+", found)[:2])) < OLDEST_NUMBA:
        oldest = ".".join(map(str, OLDEST_NUMBA))
        return f"Numba {found} is too old; {oldest} or later is needed"
    return ""


@cache
def _numba_version() -> str:
    """Return the version of Numba, or "" where nothing says which it is."""
    try:
        return version("numba")
    except PackageNotFoundError:
        return ""
