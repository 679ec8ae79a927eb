"""Equations as NumPy code: one table, an entry for each operation of the vocabulary."""

from collections.abc import Callable
from typing import Any

import numpy as np

from pellucid.convolution import Window
from pellucid.export.equations import Equations
from pellucid.program import index_text
from pellucid.symbol import Dim, Symbol

# How tightly operators bind in Python.
ATOM, POWER, UNARY, TIMES, MATMUL, PLUS, AND, OR, COMPARISON = range(9, 0, -1)
_BINDS = {"**": POWER, "*": TIMES, "/": TIMES, "@": MATMUL, "+": PLUS, "-": PLUS}
_BINDS |= {"&": AND, "|": OR}
_BINDS |= dict.fromkeys((">", ">=", "<", "<=", "==", "!="), COMPARISON)

Text = tuple[str, int]  # a formula, and how tightly its outermost operator binds


class NumpyText:
    """Prints equations as NumPy code.

    Parameters
    ----------
    dtype : str
        The network's floating-point type, such as ``"np.float64"``.
    leaf : callable
        Name of what is given, from its Symbol.
    call : callable
        Name of a function in the program, from its call.

    Attributes
    ----------
    helpers : dict of str to None
        Functions besides those of NumPy that the code needs, in order.
    """

    def __init__(
        self,
        dtype: str,
        leaf: Callable[[Symbol], str],
        call: Callable[[Any], str],
    ) -> None:
        self.dtype, self._leaf, self._call = dtype, leaf, call
        self.helpers: dict[str, None] = {}

    def formula(self, node: Symbol, equations: Equations, names: dict[int, str]) -> str:
        """Return the right side of an equation.

        Parameters
        ----------
        node : Symbol
            The value.
        equations : Equations
            To which it belongs.
        names : dict of int to str
            The names of values by their id.

        Returns
        -------
        str
        """
        return self._made(node, equations, names)[0]

    def _shown(self, value: Any, equations: Equations, names: dict[int, str]) -> Text:
        if not isinstance(value, Symbol):
            return literal(value)
        if value.id in names:
            return names[value.id], ATOM
        if equations.is_given(value):
            return self._leaf(value), ATOM
        return self._made(value, equations, names)

    def _made(self, node: Symbol, equations: Equations, names: dict[int, str]) -> Text:
        call = equations.called.get(node.id)
        if call:
            asked = equations.arguments(call)
            words = [self._shown(v, equations, names)[0] for v in asked]
            return f"{self._call(call)}({', '.join(words)})", ATOM
        given = [self._shown(v, equations, names) for v in node.inputs]
        operation = node.operation
        if operation.infix == "*" and is_one(node.inputs[0]):
            return given[1]
        if operation.infix == "/" and is_one(node.inputs[1]):
            return given[0]
        if operation.infix:
            return _infix(operation.infix, given)
        write = TABLE.get(operation.name)
        if write is None:
            return f"np.{operation.name}({', '.join(t for t, _ in given)})", ATOM
        return write(self, node, given), ATOM


def is_one(value: Any) -> bool:
    """Return whether a literal changes nothing that it multiplies.

    Parameters
    ----------
    value : Symbol or number
        An input of an operation.

    Returns
    -------
    bool
    """
    return not isinstance(value, Symbol) and value == 1


def literal(value: float) -> Text:
    """Return a number in print: ``1 - 0.9`` where that is what was meant.

    Parameters
    ----------
    value : float
        A literal of an operation.

    Returns
    -------
    text : str
    binds : int
        How tightly its operator does, if it has one.
    """
    rest = round(1 - value, 12)
    if len(repr(value)) > 12 and 0 < value < 1 and 1 - rest == value:
        return f"1 - {rest!r}", PLUS
    return repr(value), ATOM if value >= 0 else UNARY


def _infix(sign: str, given: list[Text]) -> Text:
    if len(given) == 1:
        (text, binds), own = given[0], UNARY
        return f"{sign}{text if binds >= own else f'({text})'}", own
    own = _BINDS[sign]
    (left, left_binds), (right, right_binds) = given
    # Equal operators group from the left; a comparison does not group at all. Brackets
    # tell @ and * apart, though Python needs none.
    grouped = left_binds == own and own not in (POWER, COMPARISON)
    mixed = own == MATMUL and left_binds == TIMES
    if mixed or (left_binds <= own and not grouped):
        left = f"({left})"
    if right_binds <= own or (own == MATMUL and right_binds == TIMES):
        right = f"({right})"
    return f"{left} {sign} {right}", own


def _tight(given: Text) -> str:
    text, binds = given
    return text if binds == ATOM else f"({text})"


def _reduced(node: Symbol, given: list[Text]) -> str:
    axes, ndim = node.settings["axis"], node.inputs[0].ndim
    axis: Any = axes[0] if len(axes) == 1 else axes
    if axes == tuple(range(ndim)):
        settings = [] if not node.settings["keepdims"] else [f"axis={axis}"]
    elif axes == (ndim - 1,):
        settings = ["axis=-1"]
    else:
        settings = [f"axis={axis}"]
    settings += ["keepdims=True"] * node.settings["keepdims"]
    return f"{_tight(given[0])}.{node.operation.name}({', '.join(settings)})"


def _length(value: Any) -> str:
    if isinstance(value, Dim):
        return "n" if value.factor == 1 else f"{value.factor} * n"
    return str(value)


def _shape(shape: Any) -> str:
    known = [_length(value) for value in shape]
    return f"({', '.join(known)}{',' if len(known) == 1 else ''})"


def _reshaped(node: Symbol, given: list[Text]) -> str:
    shape = node.settings["shape"]
    free = ["-1" if isinstance(v, Dim) else str(v) for v in shape]
    return f"{_tight(given[0])}.reshape({', '.join(free)})"


def _transposed(node: Symbol, given: list[Text]) -> str:
    axes = node.settings["axes"]
    if axes is None:
        return f"{_tight(given[0])}.T"
    return f"{_tight(given[0])}.transpose({', '.join(map(str, axes))})"


def _full(node: Symbol, given: list[Text]) -> str:
    value = node.settings["value"]
    if value in (0.0, 1.0):
        return f"np.{'ones' if value else 'zeros'}_like({given[0][0]})"
    return f"np.full_like({given[0][0]}, {value!r})"


def _taken(given: list[Text]) -> str:
    return f"{_tight(given[0])}[{given[1][0]}]"


def _helper(self: NumpyText, node: Symbol, given: list[Text]) -> str:
    """Call a function of `numpy_functions`, with the settings that are not usual."""
    name = node.operation.name
    self.helpers[name] = None
    words = [text for text, _ in given]
    settings = dict(node.settings)
    if "size" in settings:
        words.append(f"{settings.pop('size')}")
    for key, value in settings.items():
        words += _setting(name, key, value)
    return f"{name}({', '.join(words)})"


def _setting(name: str, key: str, value: Any) -> list[str]:
    if isinstance(value, Window):
        # Filters tell the size of their window themselves.
        found = [] if name in ("convolve", "convolve_back") else [f"{value.size}"]
        usual = Window(value.size)
        parts = ("stride", "padding", "dilation")
        unusual = [p for p in parts if getattr(value, p) != getattr(usual, p)]
        return found + [f"{part}={getattr(value, part)}" for part in unusual]
    if key == "groups":
        return [f"groups={value}"] if value != 1 else []
    return [f"{key}={value}"]


def _uniform(self: NumpyText, node: Symbol, given: list[Text]) -> str:
    self.helpers["uniform"] = None
    shape, stream = _shape(node.settings["shape"]), node.settings["stream"]
    drawn = f"uniform({given[0][0]}, {given[1][0]}, {stream}, {shape})"
    return f"{drawn}.astype({self.dtype})"


TABLE: dict[str, Callable[[NumpyText, Symbol, list[Text]], str]] = {
    "absolute": lambda self, node, given: f"np.abs({given[0][0]})",
    "astype": lambda self, node, given: f"{_tight(given[0])}.astype({self.dtype})",
    "full_like": lambda self, node, given: _full(node, given),
    "reshape": lambda self, node, given: _reshaped(node, given),
    "transpose": lambda self, node, given: _transposed(node, given),
    **dict.fromkeys(
        ("sum", "mean", "max", "min"),
        lambda self, node, given: _reduced(node, given),
    ),
    "slice": lambda self, node, given: (
        f"{_tight(given[0])}[{index_text(node.settings['index'])}]"
    ),
    "concatenate": lambda self, node, given: (
        f"np.concatenate([{', '.join(t for t, _ in given)}], "
        f"axis={node.settings['axis']})"
    ),
    "pad": lambda self, node, given: f"np.pad({given[0][0]}, {node.settings['width']})",
    "take": lambda self, node, given: _taken(given),
    "take_along_axis": lambda self, node, given: (
        f"np.take_along_axis({given[0][0]}, {given[1][0]}, axis=-1)"
    ),
    "uniform": _uniform,
    **dict.fromkeys(
        (
            "erf",
            "scatter_add",
            "convolve",
            "convolve_back",
            "convolve_weights",
            "max_windows",
            "max_windows_back",
            "sum_windows",
            "spread_windows",
        ),
        _helper,
    ),
}


def constant(value: Any) -> str:
    """Return a fixed array of whole numbers in print.

    Parameters
    ----------
    value : ndarray of int
        The array.

    Returns
    -------
    str
    """
    if value.ndim == 1 and (value == np.arange(len(value))).all():
        return f"np.arange({len(value)})"
    return f"np.array({value.tolist()})"
