"""Engines: what runs a blueprint on numbers. Nothing else knows which one runs."""

import os
from importlib.util import find_spec
from typing import Any

from pellucid.blueprint import Blueprint
from pellucid.engines.readable import ReadableEngine
from pellucid.errors import ConfigurationError, suggestion

ENGINES = ("auto", "readable", "compiled")


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

    def choose(self, wanted: str, program: str) -> tuple[Any, str]:
        """Return an engine, and why it is this one.

        Parameters
        ----------
        wanted : str
            ``"auto"`` takes the compiled engine wherever it can run the network.
        program : str
            What it will run: ``"prediction"``, ``"evaluation"`` or ``"training"``.

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
            getattr(engine, program)
        except UnsupportedError as error:
            return None, f"it has {error}"
        return engine, ""


def missing_for_compiled() -> str:
    """Return what keeps the compiled engine from running on this machine, or ""."""
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        return "NUMBA_DISABLE_JIT is set"
    if find_spec("numba") is None:
        return "Numba is not installed"
    if find_spec("scipy_openblas32") is None:
        return "the package scipy-openblas32 is not installed"
    return ""
