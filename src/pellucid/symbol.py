"""Code that writes itself down: a Symbol stands for an array that is not there yet.

Layers are called with Symbols instead of arrays. NumPy hands every operation on them
to `Symbol.__array_ufunc__` and `Symbol.__array_function__`, which look it up in the
table of the vocabulary (`ops.py`) and note it in a `Trace`. What cannot be noted raises
a `SymbolError` that says what to write instead.
"""

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, NoReturn

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from pellucid.errors import ShapeError, SymbolError
from pellucid.instead import instead
from pellucid.source_lines import running_line

# The kinds of values. "number" is a Python number known only at run time (the batch
# size, the learning rate): it never widens an array, as Python numbers never do.
FLOAT, INTEGER, BOOL, NUMBER = "float", "integer", "bool", "number"


class Dim:
    """`factor` times the batch size: the length of an axis that is known at run time.

    It multiplies and divides by integers like a length; in any other arithmetic it
    becomes a Symbol, so that ``x.sum(axis=0) / x.shape[0]`` is a formula.

    Parameters
    ----------
    trace : Trace
        Where such a Symbol is noted.
    factor : int
        How many times the batch size.

    Parameters
    ----------
    trace : Trace
        In which it is used.
    factor : int
        How often the batch size.
    """

    __slots__ = ("factor", "trace")

    def __init__(self, trace: "Trace", factor: int = 1) -> None:
        self.trace, self.factor = trace, factor

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dim) and self.factor == other.factor

    def __hash__(self) -> int:
        return hash(("Dim", self.factor))

    def __repr__(self) -> str:
        return "n" if self.factor == 1 else f"{self.factor}n"

    def __mul__(self, other: Any) -> Any:
        if isinstance(other, int):
            return Dim(self.trace, self.factor * other)
        return self.symbol() * other

    __rmul__ = __mul__

    def __floordiv__(self, other: Any) -> "Dim":
        if not isinstance(other, int) or self.factor % other:
            raise ShapeError(
                f"{self.factor} times the batch size is not {other} rows each."
            )
        return Dim(self.trace, self.factor // other)

    def symbol(self) -> "Symbol":
        """Return the length as a value for formulas."""
        leaf = self.trace.leaf("n", "", (), NUMBER)
        return leaf if self.factor == 1 else leaf * self.factor

    def __add__(self, other: Any) -> Any:
        return self.symbol() + other

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self.symbol() - other

    def __rsub__(self, other: Any) -> Any:
        return other - self.symbol()

    def __truediv__(self, other: Any) -> Any:
        return self.symbol() / other

    def __rtruediv__(self, other: Any) -> Any:
        return other / self.symbol()

    def __pow__(self, other: Any) -> Any:
        return self.symbol() ** other

    def __array_ufunc__(
        self, ufunc: Any, method: str, *inputs: Any, **rest: Any
    ) -> Any:
        known = (v.symbol() if isinstance(v, Dim) else v for v in inputs)
        return getattr(ufunc, method)(*known, **rest)

    def __index__(self) -> NoReturn:
        raise SymbolError(
            "The batch size is not known while a network is written down, so range(n), "
            "np.zeros(x.shape), np.arange(n) and the like cannot be followed: write "
            "whole-array formulas, np.zeros_like(x) for zeros, x.shape[0] in "
            "arithmetic and x.shape[0] ** 0.5 for its root."
        )

    __int__ = __float__ = __bool__ = __index__

    def _compare(self, other: Any) -> NoReturn:
        self.__index__()

    __lt__ = __le__ = __gt__ = __ge__ = _compare


Shape = tuple[Any, ...]  # of int and Dim


@dataclass(frozen=True)
class Operation:
    """A row of the vocabulary: one NumPy function that layer code may use.

    Parameters
    ----------
    name : str
        Its name in Programs.
    apply : callable
        The NumPy function itself: ``apply(*inputs, **settings)``.
    shape : callable
        Shape rule: ``shape(*inputs, **settings)`` of Symbols and numbers.
    kind : callable
        Kind rule: ``kind(*inputs)`` gives the kind of the result or raises.
    group : str
        ``"elementwise"``, ``"reduction"``, ``"alias"`` (same numbers, another shape),
        ``"structural"``, ``"random"`` or ``"leaf"``.
    infix : str
        The operator that stands for it in print, such as ``"+"``.
    work : int
        Arithmetic operations for one element of the result.
    arguments : callable
        Sorts the arguments of the NumPy function into inputs and settings.
    worked : callable, optional
        The shape of what `work` is for one element of, where it is not the result:
        ``worked(node)`` of the Symbol.
    """

    name: str
    apply: Callable[..., Any]
    shape: Callable[..., Shape]
    kind: Callable[..., str]
    group: str
    infix: str = ""
    work: int = 0
    arguments: Callable[..., tuple[tuple[Any, ...], dict[str, Any]]] = lambda *inputs: (
        inputs,
        {},
    )
    worked: Callable[["Symbol"], Shape] | None = None


VOCABULARY: dict[Any, Operation] = {}  # NumPy function -> its row; filled by ops.py

LEAF = Operation("leaf", lambda: None, lambda: (), lambda: FLOAT, "leaf")


@dataclass
class Trace:
    """The notebook in which Symbols write.

    Attributes
    ----------
    nodes : list of Symbol
        Everything written down, in order.
    outputs : dict
        (vector, name) -> Symbol: what is computed, and where it goes.
    layer : str
        Path of the layer that is being called.
    lines : list of (str, int), or None
        File and line of the code that asked for each node, where that is kept.
    apart : bool
        Whether two layers that compute the same have a node each, so that one can be
        looked at without the other.
    """

    nodes: list["Symbol"] = field(default_factory=list)
    outputs: dict[tuple[str, str], "Symbol"] = field(default_factory=dict)
    layer: str = ""
    lines: list[tuple[str, int]] | None = None
    apart: bool = False
    _leaves: dict[tuple[str, str], "Symbol"] = field(default_factory=dict)
    _calls: dict[Any, "Symbol"] = field(default_factory=dict)

    @property
    def batch(self) -> Dim:
        """The batch size."""
        return Dim(self)

    def leaf(self, vector: str, name: str, shape: Shape, kind: str = FLOAT) -> "Symbol":
        """Return the Symbol of something given from outside, always the same one.

        Parameters
        ----------
        vector : str
            Where it comes from: ``"x"``, ``"y"``, ``"w"``, ``"rate"`` and so on.
        name : str
            Its name there, such as ``"dense_1.W"``.
        shape : tuple
            Its shape.
        kind : str
            Its kind.

        Returns
        -------
        Symbol
        """
        leaf = self._leaves.get((vector, name))
        if leaf is None:
            leaf = Symbol(self, LEAF, (), {"vector": vector, "name": name}, shape, kind)
            self._leaves[vector, name] = leaf
        return leaf

    def call(self, operation: Operation, inputs: Iterable[Any], **settings: Any) -> Any:
        """Note one operation and return its result.

        Parameters
        ----------
        operation : Operation
            What is done.
        inputs : iterable of Symbol or Python number
            To what.
        **settings
            Everything else, such as ``axis=0``.

        Returns
        -------
        Symbol
        """
        inputs = tuple(self._input(operation, value) for value in inputs)
        kind = operation.kind(*inputs)
        shape = operation.shape(*inputs, **settings)
        # Two equal calls are one: a backward that writes a formula of the forward again
        # costs nothing. (Engines may still compute cheap ones twice.)
        key: tuple[Any, ...]
        key = (operation.name, tuple(map(_identity, inputs)), repr(settings))
        found = self._calls.get(key)
        if found is not None and self.apart and self.layer and found.layer:
            key = key if found.layer == self.layer else (self.layer, *key)
        if key not in self._calls:
            self._calls[key] = Symbol(self, operation, inputs, settings, shape, kind)
        return self._calls[key]

    def _input(self, operation: Operation, value: Any) -> Any:
        if isinstance(value, Symbol):
            if value.trace is not self:
                raise SymbolError(
                    "A value from another pass through the network was used: a layer "
                    "keeps what it needs in memo, never in itself."
                )
            return value
        if isinstance(value, Dim):
            return value.symbol()
        if isinstance(value, np.generic):  # before float, which np.float64 is as well
            raise SymbolError(
                f"{operation.name} got the NumPy number {value!r}, which would make "
                "float32 arrays float64: use Python numbers (math.sqrt(2) instead of "
                "np.sqrt(2), float(value))."
            )
        if isinstance(value, bool | int | float):
            return value
        if isinstance(value, np.ndarray):
            if value.dtype.kind in "iu":
                return self.constant(value)
            raise SymbolError(
                f"{operation.name} got a fixed array of {value.dtype}: constants of a "
                "layer are Python numbers, whole-number arrays such as np.arange(k) in "
                "comparisons, or slots that are not trained."
            )
        raise SymbolError(
            f"{operation.name} cannot take {value!r}: it takes values, Python numbers, "
            "and whole-number arrays such as np.arange(k)."
        )

    def constant(self, value: Any) -> "Symbol":
        """Return the Symbol of a value: a whole-number array such as np.arange(3)."""
        settings = {"vector": "constant", "name": str(value.tolist()), "value": value}
        key = ("constant", value.shape, settings["name"])
        if key not in self._calls:
            self._calls[key] = Symbol(self, LEAF, (), settings, value.shape, INTEGER)
        return self._calls[key]


def _identity(value: Any) -> Any:
    return value.id if isinstance(value, Symbol) else repr(value)


class TracedDtype:
    """Stands for the network's own dtype in ``.astype(z.dtype)``."""

    def __repr__(self) -> str:
        return "dtype"


DTYPE = TracedDtype()


def _refuse(what: str, instead: str) -> Callable[..., Any]:
    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise SymbolError(f"{what} cannot be followed: {instead}.")

    return refuse


_CHOICE = (
    "while a network is written down there are no values to decide by; write "
    "np.where(condition, a, b), np.maximum or a multiplication by the condition"
)


class Symbol(NDArrayOperatorsMixin):
    """An array that is not there yet: what it is made of, its shape and its kind.

    Parameters
    ----------
    trace : Trace
        In which it is noted.
    operation : Operation
        What makes it.
    inputs : tuple
        Of what: Symbols and Python numbers.
    settings : dict
        Everything else that the operation needs.
    shape : tuple
        Integers, and `Dim` where the batch size enters.
    kind : str
        ``"float"``, ``"integer"``, ``"bool"`` or ``"number"``.

    Attributes
    ----------
    layer : str
        Path of the layer that asked for it.
    label : str
        The name under which the layer keeps it, such as ``"z"``.
    """

    __slots__ = (
        "id",
        "inputs",
        "kind",
        "label",
        "layer",
        "operation",
        "settings",
        "shape",
        "trace",
    )

    def __init__(
        self,
        trace: Trace,
        operation: Operation,
        inputs: tuple[Any, ...],
        settings: dict[str, Any],
        shape: Shape,
        kind: str,
    ) -> None:
        self.trace, self.operation, self.inputs = trace, operation, inputs
        self.settings, self.shape, self.kind = settings, shape, kind
        self.layer, self.label, self.id = trace.layer, "", len(trace.nodes)
        trace.nodes.append(self)
        if trace.lines is not None:
            trace.lines.append(running_line())

    # -- what NumPy asks -------------------------------------------------------------

    def __array_ufunc__(
        self, ufunc: Any, method: str, *inputs: Any, out: Any = None, **settings: Any
    ) -> Any:
        if out is not None:
            raise SymbolError(
                f"np.{ufunc.__name__} into an existing array (out=, +=, *=) cannot be "
                "followed and would change memo in place: write x = x + y."
            )
        operation = VOCABULARY.get(ufunc)
        if operation is None or method != "__call__":
            _unknown(f"np.{ufunc.__name__}", method)
        if settings:
            raise SymbolError(
                f"np.{ufunc.__name__} with {'=, '.join(settings)}= cannot be followed: "
                "write it without."
            )
        return self.trace.call(operation, inputs)

    def __array_function__(
        self, function: Any, types: Any, args: Any, kwargs: Any
    ) -> Any:
        operation = VOCABULARY.get(function)
        if operation is None:
            _unknown(f"np.{function.__name__}")
        try:
            inputs, settings = operation.arguments(*args, **kwargs)
        except TypeError:
            taken = str(inspect.signature(operation.arguments))
            raise SymbolError(
                f"np.{function.__name__} with these arguments is not in the "
                f"vocabulary. Here it takes {taken}."
            ) from None
        return self.trace.call(operation, inputs, **settings)

    def __array__(self, *_: Any, **__: Any) -> NoReturn:
        raise SymbolError(
            "np.asarray(x) and functions that need the numbers at once cannot be "
            "followed: use the vocabulary of pellucid.ops on x itself."
        )

    # -- what an array would have ----------------------------------------------------

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def dtype(self) -> TracedDtype:
        """The network's dtype, whichever it will be."""
        return DTYPE

    @property
    def T(self) -> Any:
        """The transpose."""
        return np.transpose(self)

    def sum(self, axis: Any = None, keepdims: bool = False) -> Any:
        """Return the sum over an axis, some, or all; keepdims as in NumPy."""
        return np.sum(self, axis=axis, keepdims=keepdims)

    def mean(self, axis: Any = None, keepdims: bool = False) -> Any:
        """Return the mean over an axis, some, or all; keepdims as in NumPy."""
        return np.mean(self, axis=axis, keepdims=keepdims)

    def max(self, axis: Any = None, keepdims: bool = False) -> Any:
        """Return the largest value along an axis, or of all; keepdims as in NumPy."""
        return np.max(self, axis=axis, keepdims=keepdims)

    def min(self, axis: Any = None, keepdims: bool = False) -> Any:
        """Return the smallest value along an axis, or of all; keepdims as in NumPy."""
        return np.min(self, axis=axis, keepdims=keepdims)

    def reshape(self, *shape: Any) -> Any:
        """Return the same numbers in another shape."""
        shape = shape[0] if len(shape) == 1 and isinstance(shape[0], tuple) else shape
        return np.reshape(self, shape)

    def transpose(self, *axes: Any) -> Any:
        """Return the axes in another order."""
        axes = axes[0] if len(axes) == 1 and isinstance(axes[0], tuple) else axes
        return np.transpose(self, axes or None)

    def astype(self, dtype: Any) -> Any:
        """Return a condition as numbers: ``(z > 0).astype(z.dtype)``."""
        if dtype is not DTYPE:
            raise SymbolError(
                f".astype({dtype!r}) cannot be followed: a network has one dtype; "
                "write .astype(memo.dtype) or .astype(z.dtype)."
            )
        return self.trace.call(VOCABULARY["astype"], (self,), dtype=DTYPE)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, Symbol):
            return np.take(self, index, axis=0)
        return self.trace.call(VOCABULARY["slice"], (self,), index=index)

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        raise SymbolError(
            "x[...] = value changes an array in place and cannot be followed: write "
            "np.where(condition, value, x) or np.concatenate."
        )

    def __eq__(self, other: object) -> Any:
        other = _comparable(other)
        return self.__array_ufunc__(np.equal, "__call__", self, other)

    def __ne__(self, other: object) -> Any:
        other = _comparable(other)
        return self.__array_ufunc__(np.not_equal, "__call__", self, other)

    __hash__ = object.__hash__

    # -- what would need the values --------------------------------------------------

    __bool__ = _refuse("if, and, or, not, max() and min() on a value", _CHOICE)
    __float__ = __int__ = __complex__ = __round__ = _refuse(
        "A Python function of one number (float(x), math.sqrt(x), round(x))",
        "write the NumPy function, such as np.sqrt(x), or x ** 0.5 for a number",
    )
    __index__ = _refuse(
        "A value as an index or a length", "write whole-array formulas instead"
    )
    __len__ = _refuse("len(x)", "write x.shape[0]")
    __iter__ = _refuse(
        "A loop over the rows of x (for row in x, a, b = x)",
        "write one formula for all rows",
    )
    __contains__ = _refuse("value in x", "write (x == value) and np.where")
    copy = _refuse("x.copy()", "results are new arrays anyway; use x itself")
    var = _refuse("x.var()", "write centred = x - x.mean(axis=0), then its mean square")
    std = _refuse("x.std()", "write the root of the mean square of x - x.mean(axis=0)")
    dot = _refuse("x.dot(y)", "write x @ y")
    item = _refuse("x.item()", _CHOICE)
    tolist = _refuse("x.tolist()", _CHOICE)
    fill = _refuse("x.fill(value)", "write np.full_like(x, value)")
    clip = _refuse("x.clip(low, high)", "write np.clip(x, low, high)")
    flatten = ravel = _refuse("x.ravel()", "write x.reshape(x.shape[0], -1)")

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(f"x.{name} is not there.")
        raise SymbolError(
            f"x.{name} is not in the vocabulary of layers (see pellucid.ops): "
            f"{instead(name)}."
        )

    def __format__(self, form: str) -> str:
        if form:
            raise SymbolError(
                f"f'{{x:{form}}}' needs numbers, and there are none while a network is "
                "written down: print(x) shows what x is, net.activations(...) the "
                "numbers of every layer."
            )
        return repr(self)

    def __repr__(self) -> str:
        shape = ", ".join(map(str, self.shape))
        return f"<Symbol {self.label or self.operation.name} ({shape}) {self.kind}>"


def _comparable(other: Any) -> Any:
    if other is None or isinstance(other, str):
        raise SymbolError(
            f"A value compared with {other!r} (x == {other!r}) has no meaning: decide "
            "by the layer's settings."
        )
    return other


def _unknown(name: str, method: str = "__call__") -> NoReturn:
    if method != "__call__":
        raise SymbolError(
            f"{name}.{method} cannot be followed: write the plain function."
        )
    short = name.removeprefix("np.")
    raise SymbolError(
        f"{name} cannot be followed: {instead(short)}. The vocabulary of layers is the "
        "table in pellucid.ops."
    )
