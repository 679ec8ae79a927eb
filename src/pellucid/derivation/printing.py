r"""Equations as formulas, in LaTeX and in plain text: one table for each.

A row says how an operation is printed, and which formulas may stand in it without
brackets. ``"multiply"`` is the product entry by entry, as NumPy has it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pellucid.export.equations import Equations
from pellucid.export.numpy_text import is_one, literal
from pellucid.program import index_text
from pellucid.symbol import Symbol

_NUMBERED = re.compile(r"\^\{\(\d+\)\}$")
Text = tuple[str, str]  # a formula, and what kind it is

_EVERY = frozenset({"sum", "matmul", "entries", "scalar", "power", "atom", "question"})
_NO_SUM = _EVERY - {"sum", "question"}
_ENTRIES = frozenset({"entries", "scalar", "power", "atom"})
_MATMUL = frozenset({"matmul", "power", "atom"})
_POWER = frozenset({"power", "atom"})
_ATOM = frozenset({"atom"})


@dataclass(frozen=True)
class Row:
    """How an operation is printed.

    Parameters
    ----------
    text : str
        With {0}, {1}... for what it is done to.
    kind : str
        The kind of the result, for brackets around it.
    free : tuple of frozenset of str
        Kinds that stand without brackets, for each input; the last one repeats.
    """

    text: str
    kind: str = "atom"
    free: tuple[frozenset[str], ...] = (_EVERY,)


def _common(entries: str, scalar: str) -> dict[str, Row]:
    return {
        "add": Row("{0} + {1}", "sum", (_EVERY,)),
        "subtract": Row("{0} - {1}", "sum", (_EVERY, _NO_SUM)),
        "negative": Row("-{0}", "sum", (_NO_SUM,)),
        "positive": Row("{0}", "atom", (_NO_SUM,)),
        "multiply": Row(f"{{0}} {entries} {{1}}", "entries", (_ENTRIES,)),
        "scaled": Row(f"{{0}}{scalar}{{1}}", "scalar", (_NO_SUM,)),
        "matmul": Row("{0} {1}", "matmul", (_MATMUL,)),
        "concatenate": Row("[{all}]"),
    }


LATEX = _common(r"\odot", r"\,") | {
    "divide": Row(r"\frac{{{0}}}{{{1}}}", "scalar"),
    "power": Row("{0}^{{{1}}}", "power", (_ATOM, _EVERY)),
    "square": Row("{0}^{{2}}", "power", (_ATOM,)),
    "reciprocal": Row(r"\frac{{1}}{{{0}}}", "scalar"),
    "exp": Row(r"e^{{{0}}}", "power"),
    "log": Row(r"\ln({0})"),
    "log1p": Row(r"\ln(1 + {0})"),
    "expm1": Row("e^{{{0}}} - 1", "sum"),
    "tanh": Row(r"\tanh({0})"),
    "sin": Row(r"\sin({0})"),
    "cos": Row(r"\cos({0})"),
    "sqrt": Row(r"\sqrt{{{0}}}"),
    "absolute": Row(r"|{0}|"),
    "maximum": Row(r"\max({0}, {1})"),
    "minimum": Row(r"\min({0}, {1})"),
    "sign": Row(r"\mathrm{{sign}}({0})"),
    "floor": Row(r"\lfloor {0} \rfloor"),
    "where": Row(
        r"\begin{{cases}} {1} & {0} \\ {2} & \text{{otherwise}} \end{{cases}}", "sum"
    ),
    "greater": Row("{0} > {1}", "question"),
    "greater_equal": Row(r"{0} \geq {1}", "question"),
    "less": Row("{0} < {1}", "question"),
    "less_equal": Row(r"{0} \leq {1}", "question"),
    "equal": Row("{0} = {1}", "question"),
    "not_equal": Row(r"{0} \neq {1}", "question"),
    "logical_and": Row(r"{0} \wedge {1}", "question"),
    "logical_or": Row(r"{0} \vee {1}", "question"),
    "logical_not": Row(r"\neg({0})", "question"),
    "astype": Row(r"[{0}]"),
    "sum": Row(r"\sum_{{\mathrm{{{axes}}}}} {0}", "sum", (_NO_SUM,)),
    "sum all": Row(r"\sum {0}", "sum", (_NO_SUM,)),
    "mean": Row(r"\mathrm{{mean}}_{{\mathrm{{{axes}}}}}({0})"),
    "max": Row(r"\max_{{\mathrm{{{axes}}}}}({0})"),
    "min": Row(r"\min_{{\mathrm{{{axes}}}}}({0})"),
    "convolve": Row(r"{0} \ast {1}", "entries", (_POWER,)),
    "take": Row("{0}_{{{1}}}", "power", (_POWER, _EVERY)),
    "transpose": Row(r"{0}^{{\top}}", "power", (_ATOM,)),
    "function": Row(r"\mathrm{{{name}}}({all})"),
}
PLAIN = _common("⊙", " · ") | {
    "divide": Row("{0} / {1}", "scalar", (_ENTRIES, _POWER)),
    "power": Row("{0}^{1}", "power", (_ATOM, _ATOM)),
    "square": Row("{0}²", "power", (_ATOM,)),
    "reciprocal": Row("1 / {0}", "scalar", (_ATOM,)),
    "expm1": Row("exp({0}) - 1", "sum"),
    "log1p": Row("log(1 + {0})"),
    "absolute": Row("|{0}|"),
    "maximum": Row("max({0}, {1})"),
    "minimum": Row("min({0}, {1})"),
    "where": Row("({1} if {0} else {2})"),
    "greater": Row("{0} > {1}", "question"),
    "greater_equal": Row("{0} ≥ {1}", "question"),
    "less": Row("{0} < {1}", "question"),
    "less_equal": Row("{0} ≤ {1}", "question"),
    "equal": Row("{0} = {1}", "question"),
    "not_equal": Row("{0} ≠ {1}", "question"),
    "logical_and": Row("{0} and {1}", "question"),
    "logical_or": Row("{0} or {1}", "question"),
    "logical_not": Row("not ({0})", "question"),
    "astype": Row("[{0}]"),
    "sum": Row("sum over {axes} of {0}", "sum", (_NO_SUM,)),
    "sum all": Row("sum of {0}", "sum", (_NO_SUM,)),
    "mean": Row("mean over {axes} of {0}", "sum", (_NO_SUM,)),
    "max": Row("max over {axes} of {0}", "sum", (_NO_SUM,)),
    "min": Row("min over {axes} of {0}", "sum", (_NO_SUM,)),
    "convolve": Row("{0} ∗ {1}", "entries", (_POWER,)),
    "take": Row("{0}[{1}]"),
    "transpose": Row("{0}ᵀ", "power", (_ATOM,)),
    "function": Row("{name}({all})"),
}
# What functions of layers are called where they have a usual sign.
_SIGNS = {"sigmoid": (r"\sigma", "σ")}


class Printing:
    """Prints equations with the rows of a table.

    Parameters
    ----------
    table : dict of str to Row
        `LATEX` or `PLAIN`.
    leaf : callable
        Name of what is given, from its Symbol.

    Attributes
    ----------
    used : set of str
        The operations that were printed so far.
    """

    def __init__(self, table: dict[str, Row], leaf: Callable[[Symbol], str]) -> None:
        self.table, self._leaf, self.latex = table, leaf, table is LATEX
        self.used: set[str] = set()

    def formula(self, node: Symbol, equations: Equations, names: dict[int, str]) -> str:
        """Return the right side of an equation.

        Parameters
        ----------
        node : Symbol
            The value.
        equations : Equations
            To which it belongs.
        names : dict of int to str
            Names of values by their id, of leaves too where they are to be others.

        Returns
        -------
        str
        """
        return self._made(node, equations, names)[0]

    def _shown(self, value: Any, equations: Equations, names: dict[int, str]) -> Text:
        if not isinstance(value, Symbol):
            return self._number(value)
        if value.id not in names and not equations.is_given(value):
            return self._made(value, equations, names)
        name = names[value.id] if value.id in names else self._leaf(value)
        # Two superscripts are no LaTeX: a power of W^{(1)} needs brackets.
        return name, "power" if _NUMBERED.search(name) else "atom"

    def _number(self, value: float) -> Text:
        text, _ = literal(value)
        if " - " in text:
            return text, "sum"
        short = f"{value:g}"  # six digits, as in print
        text = short if float(short) == value or len(text) > 12 else text
        if self.latex and "e" in text:
            digits, power = text.split("e")
            text = rf"{digits} \cdot 10^{{{int(power)}}}".removeprefix(r"1 \cdot ")
            return text, "scalar"
        return text, "atom" if value >= 0 else "sum"

    def _made(self, node: Symbol, equations: Equations, names: dict[int, str]) -> Text:
        call = equations.called.get(node.id)
        if call:
            slope = call.method == "slope"
            name = call.name.removesuffix("_slope") if slope else call.name
            asked = equations.arguments(call)
            if slope and call.mathematics:  # f'(z), whether it is computed from z or a
                asked = [next(iter(call.parameters.values()))]
            texts = [self._shown(v, equations, names)[0] for v in asked]
            return self.function(name, texts, "'" * slope), "atom"
        given = [self._shown(v, equations, names) for v in node.inputs]
        return self._operation(node, given)

    def function(self, name: str, given: list[str], prime: str = "") -> str:
        """Return a function of something in print.

        Parameters
        ----------
        name : str
            Of the function.
        given : list of str
            What it is of.
        prime : str
            What stands behind the name of a derivative.

        Returns
        -------
        str
        """
        inside = ", ".join(given)
        if r"\begin" in inside or r"\frac" in inside:
            inside = rf"\left({inside}\right)"
        else:
            inside = f"({inside})"
        if name in _SIGNS:
            return f"{_SIGNS[name][not self.latex]}{prime}{inside}"
        if self.latex:
            plain = name.replace("_", r"\_")
            return rf"\mathrm{{{plain}}}{prime}{inside}"
        return f"{name}{prime}{inside}"

    def _operation(self, node: Symbol, given: list[Text]) -> Text:
        name, settings = node.operation.name, node.settings
        if name == "slice":
            return self._sliced(node, given)
        if name == "transpose" and settings["axes"] is None:
            return self._turned(given[0])
        if name == "full_like":
            return self._number(settings["value"])
        if name == "reshape":
            # Only singles come or go: as in print, where shapes are not spelled out.
            old = [d for d in node.inputs[0].shape if d != 1]
            if old == [d for d in node.shape if d != 1]:
                return given[0]
        if name == "divide" and is_one(node.inputs[1]):
            return given[0]
        if name == "multiply":
            scalar = [not isinstance(v, Symbol) or not v.shape for v in node.inputs]
            if is_one(node.inputs[0]):
                return given[1]
            if node.inputs[0] is node.inputs[1]:
                return self._fill(self.table["square"], given[:1])
            name = "scaled" if any(scalar) else name
            if not isinstance(node.inputs[1], Symbol):
                given.reverse()  # the number first
        if name in ("sum", "mean", "max", "min"):
            axes = _axes(node)
            if name == "sum" and not axes:
                name = "sum all"
            return self._fill(self.table[name], given, axes=axes or "all")
        self.used.add(name)
        if name in self.table and name != "transpose":
            return self._fill(self.table[name], given)
        return self.function(name, [text for text, _ in given]), "atom"

    def _fill(self, row: Row, given: list[Text], **more: str) -> Text:
        texts = []
        for i, (text, kind) in enumerate(given):
            free = row.free[min(i, len(row.free) - 1)]
            around = (r"\left(", r"\right)") if self.latex else ("(", ")")
            texts.append(text if kind in free else f"{around[0]}{text}{around[1]}")
        more["all"] = ", ".join(text for text, _ in given)
        return row.text.format(*texts, **more), row.kind

    def _turned(self, given: Text) -> Text:
        text, _ = given
        if _NUMBERED.search(text):
            return rf"{text[:-1]}\top}}", "power"  # one superscript, not two
        return self._fill(self.table["transpose"], [given])

    def _sliced(self, node: Symbol, given: list[Text]) -> Text:
        index = node.settings["index"]
        parts = index if isinstance(index, tuple) else (index,)
        single = all(
            part in (None, slice(None)) or (part == 0 and node.inputs[0].shape[i] == 1)
            for i, part in enumerate(parts)
        )
        if single:
            return given[0]
        inside = index_text(index)
        if self.latex:
            return (
                rf"{given[0][0]}_{{[{inside.replace('...', chr(92) + 'ldots')}]}}",
                "power",
            )
        return f"{given[0][0]}[{inside}]", "atom"


def _axes(node: Symbol) -> str:
    """Return in words what a reduction goes over; empty for everything."""
    axes, ndim = node.settings["axis"], node.inputs[0].ndim
    if len(axes) == ndim:
        return "" if ndim != 1 else "samples"
    words = []
    if 0 in axes:
        words.append("samples")
    if any(0 < axis < ndim - 1 for axis in axes):
        words.append("places")
    if ndim - 1 in axes:
        words.append("outputs" if not node.layer else "features")
    return ", ".join(words)
