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
    is_alias,
    kind_letter,
    own_class,
    reduction_axis,
    seen_as,
    stored_as,
)
from pellucid.program import Program
from pellucid.symbol import BOOL, FLOAT, INTEGER, NUMBER, Symbol

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
    "maximum": "maximum({0}, {1})",
    "minimum": "minimum({0}, {1})",
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
    "power": "pow({0}, {1})",
}
_AS_NUMBER = {
    BOOL: "(number(1) if {0} else number(0))",
    INTEGER: "number({0})",
    FLOAT: "{0}",
}
_BOOLEAN = {"logical_and", "logical_or", "logical_not"}
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


def plain_names(program: Program) -> dict[int, str]:
    """Return the names in print of all nodes; those of a transpose end in ``.T``.

    Parameters
    ----------
    program : Program
        Any.

    Returns
    -------
    dict of int to str
    """
    names = dict(program.names)
    for node in program.operations:
        if is_alias(node):
            names[node.id] = names[stored_as(node).id]
        elif node.operation.name == "transpose":
            names[node.id] = f"{names[stored_as(node.inputs[0]).id]}.T"
    return names


@dataclass
class _Lines:
    """What is printed for one loop, by place."""

    top: list[str] = field(default_factory=list)
    before: dict[int, list[str]] = field(default_factory=dict)  # of a pass, once a row
    inside: dict[int, list[str]] = field(default_factory=dict)  # of a pass
    stores: dict[int, list[str]] = field(default_factory=dict)  # behind them
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
            shapes = [v.shape for v in (node, *node.inputs) if isinstance(v, Symbol)]
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
        """Return what a node is: ``rc`` (full), ``r`` (one a row), ``c`` or ``s``."""
        if node.operation.group == "reduction":
            over = self._over(node)
            return {"columns": "r", "none": "rc", "rows": "c", "all": "s"}[over]
        found = own_class(node.shape, self.space)
        if not found:
            raise UnsupportedError(f"a value {node} that does not fill its loop")
        return found

    def _seen(self, value: Symbol, node: Symbol) -> str:
        """Return what an input is to a node of the loop."""
        if node.operation.group == "reduction":
            return "rc"
        if value.settings.get("vector") == "constant":
            return "c" if self.space[1] > 1 else "s"
        found = seen_as(value.shape, node.shape, self.space)
        if not found:
            raise UnsupportedError(f"a value {node} of inputs that do not fit its loop")
        return found

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
        for node in self.nodes:
            reduction = node.operation.group == "reduction"
            if self._class(node) not in (("rc", "s") if reduction else ("rc",)):
                return False
            for value in node.inputs:
                number = not isinstance(value, Symbol) or value.kind == NUMBER
                if not number and self._seen(value, node) not in ("rc", "s"):
                    return False
        return True

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
            node, letter = operand.what
            pointer = {"f": "floats", "i": "integers", "b": "conditions"}[
                kind_letter(node)
            ]
            shape = {
                "rc": "rows * columns" if self.flat else "(rows, columns)",
                "r": "rows",
                "c": "columns",
                "s": "1",
            }[letter]
            top.append(f"{name} = array({pointer}({place}), {shape})")
        elif operand.kind == "scratch":
            top.append(f"{name} = array(floats({place}), columns)")
        elif operand.kind == "number":
            top.append(f"{name} = reals({place})[0]")
        elif operand.kind in ("seed", "step"):
            top.append(f"{name} = integers({place})[0]")
        else:
            top.append(f"{name} = {place}")

    def _array(self, node: Symbol, letter: str) -> str:
        """Return the name of an array in memory, seen as rows, columns or both."""
        place = self.same_place.get(node.id, node.id)
        return self._operand(
            Operand("array", (node, letter)), ("array", place, letter), "x"
        )

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

    def _value(self, value: Any, node: Symbol, in_pass: int) -> str:
        """Return the expression of an input of a node."""
        if not isinstance(value, Symbol):
            kinds = {v.kind for v in node.inputs if isinstance(v, Symbol)}
            return str(int(value)) if INTEGER in kinds else self._number(value)
        if value.kind == NUMBER:
            return self._rounded(self._scalar(value))
        if value.settings.get("vector") == "constant":
            array = value.settings["value"]
            straight = array.ndim == 1 and array.tolist() == list(range(len(array)))
            whole = len(array) == self.space[1] and self._class(node) == "rc"
            if not straight or not whole:
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
        return self._loaded(source, self._seen(value, node))

    def _inside_value(self, node: Symbol, in_pass: int) -> str:
        own = self.passes[node.id]
        reduction = node.operation.group == "reduction"
        if reduction or self._class(node) != "rc" or own == in_pass:
            return f"t{node.id}"
        # A full value from an earlier pass: read back from where it was kept.
        self.kept.add(node.id)
        if node.id in self.places:
            return self._loaded(self.places[node.id][0], "rc")
        if node.kind == INTEGER:
            raise UnsupportedError("a whole number that is kept along a row")
        name = self._operand(Operand("scratch", node.id), ("scratch", node.id), "k")
        return f"({name}[j] != 0)" if node.kind == BOOL else f"{name}[j]"

    def _loaded(self, source: Symbol, letter: str) -> str:
        """Return the expression that reads a stored value."""
        text = f"{self._array(source, letter)}[{self._index(letter)}]"
        return f"({text} != 0)" if source.kind == BOOL else text

    def _index(self, letter: str) -> str:
        if letter == "s":
            return "0"
        return "i" if self.flat else {"rc": "i, j", "r": "i", "c": "j"}[letter]

    def _expression(self, node: Symbol, in_pass: int) -> str:
        name = node.operation.name
        if name == "full_like":
            return self._number(node.settings["value"])
        inputs = [self._value(value, node, in_pass) for value in node.inputs]
        if name == "astype":
            return _AS_NUMBER[node.inputs[0].kind].format(*inputs)
        for i, value in enumerate(node.inputs):
            condition = isinstance(value, Symbol) and value.kind == BOOL
            if condition and name not in _BOOLEAN and (name != "where" or i):
                inputs[i] = _AS_NUMBER[BOOL].format(inputs[i])
        if name == "power":
            exponent = node.inputs[1]
            if not isinstance(exponent, Symbol) and exponent in _POWERS:
                return _POWERS[exponent].format(*inputs)
        if name == "clip":
            x, low, high = inputs
            _, least, most = node.inputs
            return self._bounded(
                "minimum", self._bounded("maximum", x, low, least), high, most
            )
        if name in ("maximum", "minimum"):
            return self._bounded(name, inputs[0], inputs[1], node.inputs[1])
        if name not in EXPRESSIONS:
            raise UnsupportedError(f"the operation {name}")
        return EXPRESSIONS[name].format(*inputs)

    @staticmethod
    def _bounded(name: str, value: str, bound: str, given: Any) -> str:
        """Return a maximum or minimum; with a number, a choice: that is no NaN."""
        if isinstance(given, Symbol):
            return EXPRESSIONS[name].format(value, bound)
        sign = "<" if name == "maximum" else ">"
        return f"({bound} if {value} {sign} {bound} else {value})"

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
                value = _AS_NUMBER[node.kind].format(f"t{node.id}")
                self._add("stores", self.passes[node.id], f"{name}[j] = {value}")
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
        where = "before" if self._class(node) == "r" else "inside"
        value = self._uniform(node) if group == "random" else self._expression(node, at)
        self._add(where, at, f"t{node.id} = {value}")
        self._print_stores(node, at)

    def _print_stores(self, node: Symbol, at: int) -> None:
        """Store a value, after everything in its pass has read what was there."""
        value = f"t{node.id}"
        if node.kind == BOOL:
            value = f"(1 if {value} else 0)"
        letter = self._class(node)
        for place in self.places.get(node.id, []):
            line = f"{self._array(place, letter)}[{self._index(letter)}] = {value}"
            self._add("after" if letter == "r" else "stores", at, line)

    def _print_reduction(self, node: Symbol, at: int) -> None:
        over, name = self._over(node), node.operation.name
        value = self._value(node.inputs[0], node, at)
        if over == "none":
            self._add("inside", at, f"t{node.id} = {value}")
            self._print_stores(node, at)
            return
        start = {"max": "number(-inf)", "min": "number(inf)"}.get(name, "number(0)")
        if over == "all" and start == "number(0)":
            start = "0.0"  # in float64: a million losses in float32 lose digits
        target = f"t{node.id}"
        if over == "rows":
            array = self._array(self.places[node.id][0], "c")
            self.lines.top.append(f"for j in range(columns): {array}[j] = {start}")
            target = f"{array}[j]"
        elif over == "all":
            self.lines.top.append(f"{target} = {start}")
        else:
            self._add("before", at, f"{target} = {start}")
        self._add("inside", at, f"v{node.id} = {value}")
        step = self._step(name, over).format(target, f"v{node.id}")
        self._add("inside", at, step)
        self._finish_reduction(node, at, over, target)

    def _step(self, name: str, over: str) -> str:
        """Return how a reduction takes one value more; a NaN stays."""
        if name not in ("max", "min"):
            return "{0} += {1}"
        if over == "all" or (over == "columns" and self.space[0] == ONE):
            # Becomes vector code, which is slow to set up for many short rows.
            return f"{{0}} = {name}imum({{0}}, {{1}})"
        sign = ">" if name == "max" else "<"
        return f"{{0}} = {{1}} if {{1}} {sign} {{0}} or {{1}} != {{1}} else {{0}}"

    def _finish_reduction(self, node: Symbol, at: int, over: str, target: str) -> None:
        count = {"columns": "columns", "rows": "rows", "all": "rows * columns"}[over]
        mean = f"{target} = {target} / number({count})"
        lines = [mean] if node.operation.name == "mean" else []
        places = self.places.get(node.id, [])
        if over == "columns":
            lines += [f"{self._array(place, 'r')}[i] = {target}" for place in places]
            for line in lines:
                self._add("after", at, line)
            return
        if over == "all":
            lines += [f"{self._array(place, 's')}[0] = {target}" for place in places]
        else:
            others = [self._array(place, "c") for place in places[1:]]
            lines += [f"{other}[j] = {target}" for other in others]
            lines = [f"for j in range(columns): {line}" for line in lines]
        self.lines.end += lines

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
        if self._class(node) == "r":
            return f"uniform({key}, {first} + i)"
        place = "i" if self.flat else "i * columns + j"
        return f"uniform({key}, {first} * columns + {place})"

    def _check_overwriting(self) -> None:
        """Refuse a loop that reads a memory after it was overwritten."""
        written = {
            self.same_place[place.id]: node
            for node in self.nodes
            for place in self.places.get(node.id, [])
            if place.id in self.same_place
        }
        for node in self.nodes:
            for value in node.inputs:
                source = self._source(value) if isinstance(value, Symbol) else None
                writer = written.get(source.id) if source is not None else None
                if writer is None:
                    continue
                # One entry is overwritten after it was read, if both are at that entry.
                same = self._seen(value, node) == self._class(writer) != "c"
                if not same or self.passes[node.id] > self.passes[writer.id]:
                    raise UnsupportedError("a memory that is read after it was written")

    def _text(self) -> str:
        lines = ["rows = a[0]", "columns = a[1]", *self.lines.top]
        if self.flat:
            body = self.lines.inside.get(0, []) + self.lines.stores.get(0, [])
            lines.append("for i in range(rows * columns):")
            lines += [f"    {line}" for line in body]
        else:
            lines.append("for i in range(rows):")
            last = max([*self.lines.before, *self.lines.inside, *self.lines.after, 0])
            for at in range(last + 1):
                lines += [f"    {line}" for line in self.lines.before.get(at, [])]
                if at in self.lines.inside:
                    body = self.lines.inside[at] + self.lines.stores.get(at, [])
                    lines.append("    for j in range(columns):")
                    lines += [f"        {line}" for line in body]
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
        program = self.plan.program
        names = plain_names(program)
        for node in self.nodes:  # a repetition has the name of what stands for it
            for value in node.inputs:
                if isinstance(value, Symbol) and value.kind != NUMBER:
                    names[value.id] = names[self._source(value).id]
        rows = []
        for node in self.nodes:
            formula = program.formula(node, names)
            rows.append(f"{names[node.id]} = {formula}  ({node.layer or program.name})")
        return "\n".join(rows)
