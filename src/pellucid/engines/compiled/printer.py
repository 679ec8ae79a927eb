"""From a loop of the plan to the text of a kernel: one readable Python function.

A kernel is ``run(a)``, where ``a`` are whole numbers: rows, columns, and the addresses
of its operands. Sizes and settings are operands, so the same text serves every network
that computes the same formula.
"""

from dataclasses import dataclass, field
from typing import Any

from pellucid.engines.compiled.plan import (
    ONE,
    Loop,
    Plan,
    Space,
    UnsupportedError,
    kind_letter,
    reduction_axis,
    space_of,
    stored_as,
)
from pellucid.symbol import BOOL, INTEGER, NUMBER, Symbol

# Numbers that stand in the text; every other number is an operand.
_PLAIN = {0.0, 1.0, 2.0, 3.0, 4.0, 0.5, 0.25, -1.0}

EXPRESSIONS: dict[str, str] = {
    "add": "({0} + {1})",
    "subtract": "({0} - {1})",
    "multiply": "({0} * {1})",
    "divide": "({0} / {1})",
    "negative": "(-{0})",
    "positive": "{0}",
    "absolute": "abs({0})",
    "square": "({0} * {0})",
    "reciprocal": "(number(1) / {0})",
    "sqrt": "sqrt({0})",
    "exp": "exp({0})",
    "expm1": "expm1({0})",
    "log": "log({0})",
    "log1p": "log1p({0})",
    "tanh": "tanh({0})",
    "erf": "erf({0})",
    "sin": "sin({0})",
    "cos": "cos({0})",
    "floor": "floor({0})",
    # Comparisons are written so that a NaN in either place comes out.
    "maximum": "({1} if {0} < {1} or {1} != {1} else {0})",
    "minimum": "({1} if {0} > {1} or {1} != {1} else {0})",
    "clip": "({1} if {0} < {1} else ({2} if {0} > {2} else {0}))",
    "sign": "(number(1) if {0} > number(0) else "
    "(number(-1) if {0} < number(0) else {0}))",
    "where": "({1} if {0} else {2})",
    "greater": "({0} > {1})",
    "greater_equal": "({0} >= {1})",
    "less": "({0} < {1})",
    "less_equal": "({0} <= {1})",
    "equal": "({0} == {1})",
    "not_equal": "({0} != {1})",
    "logical_and": "({0} & {1})",
    "logical_or": "({0} | {1})",
    "logical_not": "(not {0})",
    "astype": "(number(1) if {0} else number(0))",
    "full_like": "{1}",
    "power": "pow({0}, {1})",
}
_BOOLEAN = {"logical_and", "logical_or", "logical_not", "astype", "where"}
_POWERS = {2: "({0} * {0})", 3: "({0} * {0} * {0})", 0.5: "sqrt({0})"}
_POWERS[-1] = "(number(1) / {0})"
_NUMBERS = {
    "add": "({0} + {1})",
    "subtract": "({0} - {1})",
    "multiply": "({0} * {1})",
    "divide": "({0} / {1})",
    "power": "({0} ** {1})",
    "negative": "(-{0})",
}


@dataclass(frozen=True)
class Operand:
    """What an entry of ``a`` is.

    Parameters
    ----------
    kind : str
        ``"array"`` (address of an array), ``"number"`` (address of a float64),
        ``"scratch"`` (address of a row), ``"seed"``, ``"step"`` (addresses of whole
        numbers), ``"stream"`` or ``"first"`` (whole numbers themselves).
    what : object
        The stored Symbol, the number, or the stream.
    """

    kind: str
    what: Any = None


@dataclass
class Kernel:
    """The text of a kernel and what it is called with.

    Attributes
    ----------
    body : str
        The function, without the lines that choose the dtype.
    operands : list of Operand
        In the order of ``a[2]``, ``a[3]``...
    note : str
        Which layer's formula it is; not part of its identity.
    """

    body: str
    operands: list[Operand]
    note: str = ""


@dataclass
class _Lines:
    """What is printed for one loop, by place."""

    top: list[str] = field(default_factory=list)
    before: dict[int, list[str]] = field(default_factory=dict)  # of a pass, once a row
    inside: dict[int, list[str]] = field(default_factory=dict)  # of a pass
    after: dict[int, list[str]] = field(default_factory=dict)  # of a pass, once a row
    end: list[str] = field(default_factory=list)


class Printer:
    """Prints one loop.

    Parameters
    ----------
    plan : Plan
        Of which it is a part.
    loop : Loop
        What to print.
    same_place : dict of int to int
        Stored node id -> id of the leaf whose memory it overwrites.
    """

    def __init__(self, plan: Plan, loop: Loop, same_place: dict[int, int]) -> None:
        self.plan, self.loop, self.same_place = plan, loop, same_place
        self.space: Space = loop.space
        self.same: dict[int, Symbol] = {}  # a repetition -> the node that is computed
        self.places: dict[int, list[Symbol]] = {}  # a node -> where it is stored
        self.nodes = self._without_repetitions()
        self.inside = {node.id for node in self.nodes}
        self.operands: list[Operand] = []
        self.names: dict[Any, str] = {}
        self.lines = _Lines()
        self.passes = self._passes()
        self.flat = self._is_flat()
        self.kept: set[int] = set()

    def _without_repetitions(self) -> list[Symbol]:
        """Return the nodes of the loop without those that another one equals."""
        nodes: list[Symbol] = []
        known: dict[Any, Symbol] = {}
        for node in self.loop.nodes:
            inputs = (
                self._source(v).id if isinstance(v, Symbol) else repr(v)
                for v in node.inputs
            )
            shapes = [v.shape for v in node.inputs if isinstance(v, Symbol)]
            key = (node.operation.name, *inputs, repr(node.settings), repr(shapes))
            first = known.setdefault(key, node)
            if first is node:
                nodes.append(node)
            else:
                self.same[node.id] = first
            if node.id in self.plan.stored:
                self.places.setdefault(first.id, []).append(node)
        return nodes

    def _source(self, value: Symbol) -> Symbol:
        """Return the Symbol that stands for a value in this loop."""
        source = stored_as(value)
        while source.id in self.same:
            source = self.same[source.id]
        return source

    # -- classes and passes ------------------------------------------------------------

    def _class(self, node: Symbol) -> str:
        """Return ``rc`` (full), ``r`` (one a row), ``c`` (one a column) or ``s``."""
        rows, columns = space_of(node.shape)
        if (rows, columns) == self.space:
            return "rc"
        if (rows, columns) == (self.space[0], 1):
            return "r"
        if (rows, columns) == (ONE, 1):
            return "s"
        if (rows, columns) == (ONE, self.space[1]):
            return "c"
        if rows == self.space[0] and node.operation.group == "reduction":
            return "r"
        # A reduction per sample of more axes sees the same numbers in longer rows.
        return "rc"

    def _over(self, node: Symbol) -> str:
        axis = reduction_axis(node)
        if self.space[1] == 1:
            return "none" if axis == "columns" else "all"
        return axis

    def _passes(self) -> dict[int, int]:
        """Return the pass over a row in which each node is computed."""
        earliest: dict[int, int] = {}
        for node in self.nodes:
            level = 0
            for value in node.inputs:
                source = self._source(value) if isinstance(value, Symbol) else None
                if source is not None and source.id in self.inside:
                    is_sum = (
                        source.operation.group == "reduction"
                        and self._over(source) == "columns"
                    )
                    level = max(level, earliest[source.id] + is_sum)
            earliest[node.id] = level
        # As late as its users allow: then less has to be kept from pass to pass.
        latest = dict(earliest)
        for node in reversed(self.nodes):
            if node.operation.group == "reduction" or self._class(node) != "rc":
                continue
            users = [
                latest[user.id]
                for user in self.nodes
                if any(
                    isinstance(v, Symbol) and self._source(v) is node
                    for v in user.inputs
                )
            ]
            if users:
                latest[node.id] = max(earliest[node.id], min(users))
        return latest

    def _is_flat(self) -> bool:
        """Return whether rows and columns can be one loop."""
        classes = {self._class(node) for node in self.nodes}
        for node in self.nodes:
            if node.operation.group == "reduction":
                classes |= {"sum"} if self._over(node) in ("columns", "rows") else set()
                classes -= {"r"} if self._over(node) in ("all", "none") else set()
            for value in node.inputs:
                if isinstance(value, Symbol) and value.kind != NUMBER:
                    arange = value.settings.get("vector") == "constant"
                    classes.add("c" if arange else self._class(value))
            if node.operation.group == "random":
                classes.add("rc")
        if self.space[1] == 1:
            return "sum" not in classes and not (classes - {"rc", "r", "s", "c"})
        return classes <= {"rc", "s"}

    # -- operands ----------------------------------------------------------------------

    def _operand(self, operand: Operand, key: Any, start: str) -> str:
        if key not in self.names:
            count = sum(1 for name in self.names.values() if name[0] == start)
            self.names[key] = f"{start}{count}"
            self.operands.append(operand)
            place = f"a[{len(self.operands) + 1}]"
            self._declare(operand, self.names[key], place)
        return self.names[key]

    def _declare(self, operand: Operand, name: str, place: str) -> None:
        top = self.lines.top
        if operand.kind == "array":
            node = operand.what
            pointer = {"f": "floats", "i": "integers", "b": "conditions"}[
                kind_letter(node)
            ]
            shape = {
                "rc": "rows * columns" if self.flat else "(rows, columns)",
                "r": "rows",
                "c": "columns",
                "s": "1",
            }[self._class(node)]
            if node.operation.group == "reduction" and self._class(node) != "r":
                shape = {"rows": "columns", "all": "1"}.get(self._over(node), shape)
            top.append(f"{name} = array({pointer}({place}), {shape})")
        elif operand.kind == "scratch":
            top.append(f"{name} = array(floats({place}), columns)")
        elif operand.kind == "number":
            top.append(f"{name} = reals({place})[0]")
        elif operand.kind in ("seed", "step"):
            top.append(f"{name} = integers({place})[0]")
        else:
            top.append(f"{name} = {place}")

    def _array(self, node: Symbol) -> str:
        place = self.same_place.get(node.id, node.id)
        return self._operand(Operand("array", node), ("array", place), "x")

    def _number(self, value: Any) -> str:
        """Return a number in an array formula."""
        if isinstance(value, bool):
            return str(value)
        if float(value) in _PLAIN:
            return f"number({value:g})"
        name = self._operand(
            Operand("number", float(value)), ("number", repr(value)), "c"
        )
        return self._rounded(name)

    def _rounded(self, name: str) -> str:
        """Return a float64 as the network's own kind, made once at the top."""
        key = ("rounded", name)
        if key not in self.names:
            self.names[key] = f"n{name}"
            self.lines.top.append(f"n{name} = number({name})")
        return self.names[key]

    def _scalar(self, value: Any) -> str:
        """Return a value of numbers only: float64, computed at the top."""
        if not isinstance(value, Symbol):
            if float(value) in _PLAIN:
                return repr(float(value))
            return self._operand(
                Operand("number", float(value)), ("number", repr(value)), "c"
            )
        if value.operation.group == "leaf":
            vector = value.settings["vector"]
            return self._operand(Operand("number", vector), ("leaf", vector), "c")
        key = ("scalar", value.id)
        if key not in self.names:
            parts = [self._scalar(part) for part in value.inputs]
            pattern = _NUMBERS.get(value.operation.name)
            if pattern is None:
                raise UnsupportedError(f"{value.operation.name} of numbers")
            count = sum(1 for name in self.names.values() if name[0] == "s")
            self.names[key] = f"s{count}"
            self.lines.top.append(f"s{count} = {pattern.format(*parts)}")
        return self.names[key]

    # -- values ------------------------------------------------------------------------

    def _value(self, value: Any, in_pass: int, integer: bool = False) -> str:
        """Return the expression of an input."""
        if not isinstance(value, Symbol):
            return str(int(value)) if integer else self._number(value)
        if value.kind == NUMBER:
            return self._rounded(self._scalar(value))
        if value.settings.get("vector") == "constant":
            array = value.settings["value"]
            straight = array.ndim == 1 and array.tolist() == list(range(len(array)))
            if not straight or len(array) != self.space[1]:
                raise UnsupportedError(
                    "a constant array that does not count the columns"
                )
            return "0" if self.space[1] == 1 else "j"
        source = self._source(value)
        if source.id in self.inside and not (
            source.operation.group == "reduction"
            and self._over(source) in ("rows", "all")
        ):
            return self._inside_value(source, in_pass)
        return self._loaded(value, source)

    def _inside_value(self, node: Symbol, in_pass: int) -> str:
        own = self.passes[node.id]
        reduction = node.operation.group == "reduction"
        if reduction or self._class(node) != "rc" or own == in_pass:
            return f"t{node.id}"
        # A full value from an earlier pass: read back from where it was kept.
        self.kept.add(node.id)
        if node.id in self.places:
            return f"{self._array(self.places[node.id][0])}[i, j]"
        name = self._operand(Operand("scratch", node.id), ("scratch", node.id), "k")
        return f"{name}[j]"

    def _loaded(self, value: Symbol, source: Symbol) -> str:
        """Return the expression that reads a stored value, as seen in this space."""
        name = self._array_seen(value, source)
        letter = self._class(value)
        index = {"rc": "i, j", "r": "i", "c": "j", "s": "0"}[letter]
        if self.flat:
            index = "i" if letter in ("rc", "r") else "0"
        text = f"{name}[{index}]"
        return f"({text} != 0)" if value.kind == BOOL else text

    def _array_seen(self, value: Symbol, source: Symbol) -> str:
        letter = self._class(value)
        place = self.same_place.get(source.id, source.id)
        key = (
            ("array", place)
            if space_of(value.shape) == space_of(source.shape)
            else (
                "array",
                place,
                letter,
            )
        )
        return self._operand(Operand("array", value), key, "x")

    def _expression(self, node: Symbol, in_pass: int) -> str:
        name = node.operation.name
        integer = any(isinstance(v, Symbol) and v.kind == INTEGER for v in node.inputs)
        inputs = [self._value(value, in_pass, integer) for value in node.inputs]
        for i, value in enumerate(node.inputs):
            mixed = isinstance(value, Symbol) and value.kind == BOOL
            if mixed and name not in _BOOLEAN:
                inputs[i] = EXPRESSIONS["astype"].format(inputs[i])
        if name == "power":
            exponent = node.inputs[1]
            if not isinstance(exponent, Symbol) and exponent in _POWERS:
                return _POWERS[exponent].format(*inputs)
        if name == "full_like":
            return self._number(node.settings["value"])
        if name in ("maximum", "minimum") and not isinstance(node.inputs[1], Symbol):
            sign = "<" if name == "maximum" else ">"
            return f"({inputs[1]} if {inputs[0]} {sign} {inputs[1]} else {inputs[0]})"
        if name not in EXPRESSIONS:
            raise UnsupportedError(f"the operation {name}")
        return EXPRESSIONS[name].format(*inputs)

    # -- printing ----------------------------------------------------------------------

    def kernel(self) -> Kernel:
        """Return the kernel.

        Returns
        -------
        Kernel
        """
        for node in self.nodes:
            self._print_node(node)
        for node in self.nodes:
            if node.id in self.kept and node.id not in self.places:
                name = self.names["scratch", node.id]
                self._add("inside", self.passes[node.id], f"{name}[j] = t{node.id}")
        self._check_overwriting()
        return Kernel(self._text(), self.operands, self._note())

    def _add(self, where: str, at: int, line: str) -> None:
        getattr(self.lines, where).setdefault(at, []).append(line)

    def _print_node(self, node: Symbol) -> None:
        at = self.passes[node.id]
        group = node.operation.group
        if group == "reduction":
            self._print_reduction(node, at)
            return
        if group == "random":
            self._add("inside", at, f"t{node.id} = {self._uniform(node)}")
        else:
            once_a_row = not self.flat and self._class(node) == "r"
            if self._class(node) in ("c", "s") and self._class(node) != "rc":
                raise UnsupportedError(
                    f"a value {node} that does not fill its loop {self.space}"
                )
            where = "before" if once_a_row else "inside"
            self._add(where, at, f"t{node.id} = {self._expression(node, at)}")
        self._print_stores(node, at)

    def _print_stores(self, node: Symbol, at: int) -> None:
        value = f"t{node.id}"
        if node.kind == BOOL:
            value = f"(1 if {value} else 0)"
        once_a_row = not self.flat and self._class(node) == "r"
        index = "i" if self.flat or once_a_row else "i, j"
        for place in self.places.get(node.id, []):
            line = f"{self._array(place)}[{index}] = {value}"
            self._add("before" if once_a_row else "inside", at, line)

    def _print_reduction(self, node: Symbol, at: int) -> None:
        over, name = self._over(node), node.operation.name
        value = self._value(node.inputs[0], at)
        if node.inputs[0].kind == BOOL:
            value = EXPRESSIONS["astype"].format(value)
        if over == "none":
            self._add("inside", at, f"t{node.id} = {value}")
            self._print_stores(node, at)
            return
        start = {"max": "number(-inf)", "min": "number(inf)"}.get(name, "number(0)")
        target = f"t{node.id}"
        if over == "rows":
            array = self._array(self._only_place(node))
            self.lines.top.append(f"for j in range(columns): {array}[j] = {start}")
            target = f"{array}[j]"
        elif over == "all":
            self.lines.top.append(f"{target} = {start}")
        else:
            self._add("before", at, f"{target} = {start}")
        step = {
            "max": f"{target} = v{node.id} if v{node.id} > {target} else {target}",
            "min": f"{target} = v{node.id} if v{node.id} < {target} else {target}",
        }.get(name, f"{target} += v{node.id}")
        self._add("inside", at, f"v{node.id} = {value}")
        self._add("inside", at, step)
        self._finish_reduction(node, at, over, target)

    def _only_place(self, node: Symbol) -> Symbol:
        """Return where a sum over rows goes; it always goes to memory."""
        places = self.places.get(node.id, [node])
        if len(places) > 1:
            raise UnsupportedError("a sum that goes to two places")
        return places[0]

    def _finish_reduction(self, node: Symbol, at: int, over: str, target: str) -> None:
        mean = node.operation.name == "mean"
        if over == "columns":
            if mean:
                self._add("after", at, f"{target} = {target} / number(columns)")
            for place in self.places.get(node.id, []):
                self._add("after", at, f"{self._array(place)}[i] = {target}")
        elif over == "all":
            if mean:
                line = f"{target} = {target} / number(rows * columns)"
                self.lines.end.append(line)
            for place in self.places.get(node.id, []):
                self.lines.end.append(f"{self._array(place)}[0] = {target}")
        elif mean:
            line = f"for j in range(columns): {target} = {target} / number(rows)"
            self.lines.end.append(line)

    def _uniform(self, node: Symbol) -> str:
        seed = self._operand(Operand("seed"), "seed", "u")
        step = self._operand(Operand("step"), "step", "u")
        stream = self._operand(
            Operand("stream", node.settings["stream"]), ("stream", node.id), "u"
        )
        first = self._operand(Operand("first"), "first", "u")
        key = f"key{node.id}"
        if key not in self.names:
            self.names[key] = key
            self.lines.top.append(f"{key} = step_key({seed}, {step}, {stream})")
        place = "i" if self.flat else "i * columns + j"
        return f"uniform({key}, {first} * columns + {place})"

    def _check_overwriting(self) -> None:
        """Refuse a loop that overwrites memory which a later pass still reads."""
        written = {
            self.same_place[node.id]: self.passes[node.id]
            for node in self.nodes
            if node.id in self.same_place
        }
        for node in self.nodes:
            for value in node.inputs:
                if isinstance(value, Symbol):
                    source = self._source(value)
                    if self.passes[node.id] > written.get(source.id, 10**9):
                        raise UnsupportedError(
                            "a memory that is read after it was written"
                        )

    def _text(self) -> str:
        lines = ["rows = a[0]", "columns = a[1]", *self.lines.top]
        if self.flat:
            body = self.lines.inside.get(0, [])
            lines.append("for i in range(rows * columns):")
            lines += [f"    {line}" for line in body]
        else:
            lines.append("for i in range(rows):")
            last = max([*self.lines.before, *self.lines.inside, *self.lines.after, 0])
            for at in range(last + 1):
                lines += [f"    {line}" for line in self.lines.before.get(at, [])]
                if at in self.lines.inside:
                    lines.append("    for j in range(columns):")
                    lines += [f"        {line}" for line in self.lines.inside[at]]
                lines += [f"    {line}" for line in self.lines.after.get(at, [])]
        lines += self.lines.end
        text = "\n".join(f"    {line}" for line in lines)
        return self._renumbered(f"def run(a):\n{text}\n")

    def _renumbered(self, text: str) -> str:
        """Number temporaries from 0, so that equal formulas have equal texts."""
        import re

        order: dict[str, str] = {}

        def name(found: re.Match[str]) -> str:
            letter, number = found[1], found[2]
            order.setdefault(number, str(len(order)))
            return f"{letter}{order[number]}"

        return re.sub(r"\b(t|v|key)(\d+)\b", name, text)

    def _note(self) -> str:
        names = self.plan.program.names
        rows = []
        for node in self.nodes:
            where = node.layer or "network"
            rows.append(
                f"{names[node.id]} = {self.plan.program.formula(node)}  ({where})"
            )
        return "\n".join(rows)
