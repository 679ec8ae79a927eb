"""One flat vector holds all numbers of a network; names are windows on it.

``weights = [parameters | state]``: what is trained first, running state (such as the
averages of batch normalization) last. Gradients and optimizer memory cover the
parameters in the same order, so an optimizer is a formula on flat vectors, and a copy,
a file or an average of networks is one vector.
"""

import math
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.errors import (
    ConfigurationError,
    DataError,
    ShapeError,
    UnknownNameError,
    suggestion,
)

_UNITS = ("bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
ROLES = ("weight", "bias", "scale", "slope", "state")


@dataclass(frozen=True)
class Slot:
    """The numbers that a layer asks for under one name.

    Parameters
    ----------
    shape : tuple of int
        Shape of the array.
    initializer : Initializer
        Makes the first values.
    role : str
        ``"weight"`` (decays and is penalized), ``"bias"``, ``"scale"``, ``"slope"``, or
        ``"state"`` (running numbers that are not trained).
    """

    shape: tuple[int, ...]
    initializer: Any
    role: str = "weight"

    def __post_init__(self) -> None:
        if self.role not in ROLES:
            raise ConfigurationError(
                f"A slot has the role {self.role!r}. {suggestion(self.role, ROLES)}"
            )


@dataclass(frozen=True)
class Entry:
    """Where a slot lies in the flat vector.

    Parameters
    ----------
    slot : Slot
        What the layer asked for.
    start : int
        Position of its first number.
    """

    slot: Slot
    start: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.slot.shape

    @property
    def stop(self) -> int:
        """Position behind its last number."""
        return self.start + self.count

    @property
    def count(self) -> int:
        """How many numbers it has."""
        return math.prod(self.slot.shape)


def _memory() -> float:
    """Return the memory of the machine in bytes; infinity where it does not tell."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # AttributeError: on Windows
        return math.inf


class Layout:
    """The names of a flat vector, in order.

    Parameters
    ----------
    slots : mapping of str to Slot
        Dotted names such as ``"dense_1.W"``, in the order in which the layers run.
        The vector has the parameters first and the state last.
    """

    def __init__(self, slots: Mapping[str, Slot]) -> None:
        ordered = sorted(slots.items(), key=lambda item: item[1].role == "state")
        self.entries: dict[str, Entry] = {}
        position = 0
        for name, slot in ordered:
            self.entries[name] = Entry(slot, position)
            position = self.entries[name].stop
        self.size = position

    @cached_property
    def parameters(self) -> "Layout":
        """The part that is trained."""
        return self._only(lambda slot: slot.role != "state")

    @cached_property
    def state(self) -> "Layout":
        """The running numbers, counted from their own beginning."""
        return self._only(lambda slot: slot.role == "state")

    def _only(self, keep: Any) -> "Layout":
        return Layout({n: e.slot for n, e in self.entries.items() if keep(e.slot)})

    def room(self, dtype: Any) -> NDArray[Any]:
        """Return a new vector whose numbers are not set yet.

        Parameters
        ----------
        dtype : dtype
            Floating-point type of the numbers.

        Returns
        -------
        ndarray, shape (size,)

        Raises
        ------
        ConfigurationError
            If this machine has not the memory for it.
        """
        needed = self.size * np.dtype(dtype).itemsize
        try:
            # A system may promise more than there is, and end the process later.
            if needed > _memory():
                raise MemoryError
            return np.empty(self.size, dtype)
        except (MemoryError, ValueError):  # ValueError: beyond all addresses
            name, entry = max(self.entries.items(), key=lambda item: item[1].count)
            power = min((needed.bit_length() - 1) // 10, len(_UNITS) - 1)
            raise ConfigurationError(
                f"The network would have {self.size:,} numbers, "
                f"{needed / 1024**power:,.1f} {_UNITS[power]}, more than this machine "
                f"has memory for; {name} alone has {entry.count:,}, shape "
                f"{entry.shape}. Make its layers smaller."
            ) from None

    def mask(self, names: Any) -> NDArray[np.bool_]:
        """Return a vector that is True at the numbers of some names.

        Parameters
        ----------
        names : callable or collection of str
            Which names; a callable gets the name and the slot.

        Returns
        -------
        ndarray of bool, shape (size,)
        """
        mask = np.zeros(self.size, dtype=bool)
        for name, entry in self.entries.items():
            chosen = names(name, entry.slot) if callable(names) else name in names
            mask[entry.start : entry.stop] = chosen
        return mask

    def first_not_finite(self, vector: NDArray[Any]) -> str:
        """Return the first name with a number that is not finite.

        Parameters
        ----------
        vector : ndarray, shape (size,)
            Numbers in the order of the layout.

        Returns
        -------
        str
            Empty if all numbers are finite.
        """
        for name, entry in self.entries.items():
            if not np.isfinite(vector[entry.start : entry.stop]).all():
                return name
        return ""


class Windows(Mapping[str, Any]):
    """Names on a flat vector: reading gives a view, writing copies into it.

    ``windows["dense_1.W"]`` is an array that shares its memory with the vector;
    ``windows["dense_1"]`` are the windows of one layer, ``windows["dense_1"]["W"]``.

    Parameters
    ----------
    vector : ndarray, shape (layout.size,)
        The numbers.
    layout : Layout
        Their names.
    path : str
        The layer whose names are meant; empty for the whole network.
    """

    __slots__ = ("_layout", "_path", "_vector")

    def __init__(self, vector: NDArray[Any], layout: Layout, path: str = "") -> None:
        self._vector, self._layout, self._path = vector, layout, path

    @property
    def vector(self) -> NDArray[Any]:
        """The flat vector itself, shape (layout.size,)."""
        return self._vector

    @property
    def layout(self) -> Layout:
        """The names of the flat vector."""
        return self._layout

    def _full(self, name: str) -> str:
        return f"{self._path}.{name}" if self._path else name

    def __getitem__(self, name: str) -> Any:
        full = self._full(name)
        entry = self._layout.entries.get(full)
        if entry is not None:
            return self._vector[entry.start : entry.stop].reshape(entry.shape)
        if any(known.startswith(f"{full}.") for known in self._layout.entries):
            return Windows(self._vector, self._layout, full)
        raise UnknownNameError(
            f"There is no {full!r}. {suggestion(full, self._layout.entries)}"
        )

    def __setitem__(self, name: str, values: Any) -> None:
        window = self[name]
        if isinstance(window, Windows):
            raise TypeError(f"{name!r} is a layer: write to one of {list(window)}.")
        values = np.asarray(values)
        if values.shape != window.shape:
            raise ShapeError(
                f"{self._full(name)!r} has shape {window.shape}; got {values.shape}."
            )
        if values.dtype.kind not in "fiub" or not np.isfinite(values).all():
            raise DataError(
                f"{self._full(name)!r} takes finite numbers; got "
                f"{values.dtype} values that are not."
            )
        window[...] = values

    def __iter__(self) -> Iterator[str]:
        if not self._path:
            return iter(self._layout.entries)
        start = f"{self._path}."
        names = (n for n in self._layout.entries if n.startswith(start))
        return (name.removeprefix(start) for name in names)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        rows = [f"{name!r}: {self[name].shape}" for name in self]
        return f"<{self._vector.dtype} windows {{{', '.join(rows)}}}>"


class LayerView:
    """What a layer sees of a flat vector: ``p.W`` reads, ``g.W = ...`` writes.

    Parameters
    ----------
    vector : ndarray, shape (layout.size,)
        The numbers.
    layout : Layout
        Their names.
    path : str
        The layer; empty for the whole network.
    """

    __slots__ = ("_layout", "_path", "_vector")
    _vector: NDArray[Any]
    _layout: Layout
    _path: str

    def __init__(self, vector: NDArray[Any], layout: Layout, path: str = "") -> None:
        object.__setattr__(self, "_vector", vector)
        object.__setattr__(self, "_layout", layout)
        object.__setattr__(self, "_path", path)

    def __getitem__(self, name: str) -> "LayerView":
        path = f"{self._path}.{name}" if self._path else name
        return LayerView(self._vector, self._layout, path)

    def _entry(self, name: str) -> Entry:
        entry = self._layout.entries.get(f"{self._path}.{name}")
        if entry is None:
            raise AttributeError(
                f"The layer has no slot {name!r}; slots() must name it."
            )
        return entry

    def __getattr__(self, name: str) -> NDArray[Any]:
        if name.startswith("__"):
            raise AttributeError(name)
        entry = self._entry(name)
        return self._vector[entry.start : entry.stop].reshape(entry.shape)

    def __setattr__(self, name: str, values: Any) -> None:
        entry = self._entry(name)
        window = self._vector[entry.start : entry.stop].reshape(entry.shape)
        if getattr(values, "shape", None) != window.shape:
            raise ShapeError(
                f"Slot {name!r} has shape {window.shape}; backward wrote "
                f"{getattr(values, 'shape', type(values).__name__)}."
            )
        if values.dtype != window.dtype:
            raise DataError(
                f"Slot {name!r} is {window.dtype}; got {values.dtype}. Somewhere in "
                "the layer a NumPy scalar, an integer array or np.where of two numbers "
                "made the numbers wider: use Python numbers, or .astype(memo.dtype)."
            )
        window[...] = values
