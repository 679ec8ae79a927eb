"""A Program: what a network computes, as a short flat list of NumPy-sized operations.

It is what remains when layers have been called with Symbols: every operation with its
name, its shape and the layer that asked for it. The compiled engine, the exporters and
the explanations are readers of Programs; `Program.run` is the simplest of them.
"""

from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pellucid.errors import SymbolError
from pellucid.ops import count, text
from pellucid.source_lines import place
from pellucid.symbol import DTYPE, NUMBER, Dim, Symbol, Trace

# The vector of outputs that are there to be looked at, and have names already.
WATCHED = "watched"


class Program:
    """A flat list of operations with the numbers it takes and the numbers it gives.

    Parameters
    ----------
    name : str
        What it computes.
    trace : Trace
        In which it was written down. Operations that no output needs are left out.

    Attributes
    ----------
    nodes : tuple of Symbol
        The operations in order, leaves (what is given) included.
    outputs : dict
        (vector, name) -> Symbol.
    """

    def __init__(self, name: str, trace: Trace) -> None:
        self.name, self.outputs = name, dict(trace.outputs)
        self._paths: dict[Any, list[Symbol]] = {}
        needed: set[int] = set()
        waiting = list(self.outputs.values())
        while waiting:
            symbol = waiting.pop()
            if symbol.id not in needed:
                needed.add(symbol.id)
                waiting += [s for s in symbol.inputs if isinstance(s, Symbol)]
        self.nodes = tuple(node for node in trace.nodes if node.id in needed)

    @property
    def leaves(self) -> tuple[Symbol, ...]:
        """What the Program is given."""
        return tuple(node for node in self.nodes if node.operation.group == "leaf")

    @property
    def operations(self) -> tuple[Symbol, ...]:
        """What the Program does."""
        return tuple(node for node in self.nodes if node.operation.group != "leaf")

    def work(self, layer: str | None = None) -> tuple[int, int]:
        """Return the arithmetic operations for each row of the batch, and besides.

        Parameters
        ----------
        layer : str, optional
            Count only what this layer, or a layer inside it, asked for.

        Returns
        -------
        per_row, fixed : int
        """
        total = [0, 0]
        for node in self.operations:
            inside = layer is None or f"{node.layer}.".startswith(f"{layer}.")
            if inside and node.kind != NUMBER:
                amount, scales = _work(node)
                total[0 if scales else 1] += amount
        return total[0], total[1]

    def run(self, given: Mapping[str, Any], n: int, dtype: Any) -> dict[Any, Any]:
        """Carry out the operations one by one in NumPy.

        Parameters
        ----------
        given : mapping
            What the leaves stand for: arrays and numbers by vector (``"x"``, ``"y"``,
            ``"rate"``...), mappings where a vector has names (``"w"``).
        n : int
            The batch size.
        dtype : dtype
            The network's floating-point type.

        Returns
        -------
        dict
            (vector, name) -> array or number, for every output.
        """
        values = self.values(given, n, dtype)
        return {place: values[symbol.id] for place, symbol in self.outputs.items()}

    def values(self, given: Mapping[str, Any], n: int, dtype: Any) -> dict[int, Any]:
        """Carry out the operations one by one, and keep what each of them gave.

        Parameters
        ----------
        given, n, dtype
            As in `run`.

        Returns
        -------
        dict
            The id of every node -> array or number.
        """
        values: dict[int, Any] = {}
        for node in self.nodes:
            if node.operation.group == "leaf":
                settings = {k: _resolve(v, n, dtype) for k, v in node.settings.items()}
                values[node.id] = _given(settings, given, n)
            else:
                values[node.id] = _applied(node, values, n, dtype)
        return values

    def again(
        self,
        values: Mapping[int, Any],
        changed: Mapping[int, Any],
        wanted: Iterable[int],
        n: int,
        dtype: Any,
        within: str = "",
    ) -> dict[int, Any]:
        """Return what would come out had some nodes had other values.

        Only what lies between the changed nodes and the wanted ones is computed.

        Parameters
        ----------
        values : mapping of int to value
            Of every node, from `values`.
        changed : mapping of int to value
            Values that are put in the place of others, by the id of their node.
        wanted : iterable of int
            Ids of the nodes that are asked for.
        n, dtype
            As in `run`.
        within : str
            A layer: only it, and layers inside it, see the changed values. All do by
            default.

        Returns
        -------
        dict
            The id of every wanted node -> array or number.
        """
        wanted, found = tuple(wanted), dict[int, Any]()
        outside = ChainMap(found, values)  # type: ignore[arg-type]
        inside = ChainMap(found, changed, values)  # type: ignore[arg-type]
        for node in self._between(tuple(sorted(changed)), wanted):
            sees = not within or f"{node.layer}.".startswith(f"{within}.")
            seen = inside if sees else outside
            found[node.id] = _applied(node, seen, n, dtype)
        ends = outside if within else inside
        return {i: ends[i] for i in wanted}

    def _between(self, first: tuple[int, ...], last: tuple[int, ...]) -> list[Symbol]:
        """Return the operations that some nodes have an effect through on others."""
        if (first, last) not in self._paths:
            touched = set(first)
            for node in self.operations:
                if node.id not in touched and touched.intersection(_ids(node)):
                    touched.add(node.id)
            needed: set[int] = set(last)
            for node in reversed(self.nodes):
                if node.id in needed and node.id not in first:
                    needed.update(_ids(node))
            self._paths[first, last] = [
                node
                for node in self.operations
                if node.id in touched and node.id in needed and node.id not in first
            ]
        return self._paths[first, last]

    @cached_property
    def names(self) -> dict[int, str]:
        """The name in print of every node, by its id."""
        names: dict[int, str] = {}
        taken: set[str] = set()
        unnamed = 0
        outputs = {s.id: p for p, s in self.outputs.items() if p[0] != WATCHED}
        watched = {s.id: p[1] for p, s in self.outputs.items() if p[0] == WATCHED}
        for node in self.nodes:
            if node.operation.group == "leaf":
                name = node.settings["name"] or node.settings["vector"]
            elif node.id in outputs:
                name = _place(*outputs[node.id])
            elif node.label:
                name = f"{node.layer}.{node.label}" if node.layer else node.label
            else:
                name = watched.get(node.id, "")
            if not name or name in taken:
                unnamed += 1
                name = f"t{unnamed}"
                while name in taken:
                    name += "'"
            taken.add(name)
            names[node.id] = name
        return names

    def __str__(self) -> str:
        per_row, fixed = self.work()
        rows = []
        for node in self.operations:
            formula = f"{self.names[node.id]} = {self.formula(node)}"
            rows.append((formula, text(node.shape) if node.shape else "", node.layer))
        widths = [max((len(row[i]) for row in rows), default=0) for i in (0, 1)]
        head = (
            f"{self.name}: {len(rows)} operations, {per_row:,} arithmetic steps a row "
        )
        lines = [f"{head}and {fixed:,} besides"]
        lines.append("  given " + ", ".join(map(self._leaf, self.leaves)))
        for formula, shape, layer in rows:
            lines.append(
                f"  {formula:<{widths[0]}}  {shape:<{widths[1]}}  {layer}".rstrip()
            )
        for (vector, name), symbol in self.outputs.items():
            if vector != WATCHED and _place(vector, name) != self.names[symbol.id]:
                lines.append(f"  {_place(vector, name)} = {self.names[symbol.id]}")
        return "\n".join(lines)

    __repr__ = __str__

    def _leaf(self, node: Symbol) -> str:
        shape = text(node.shape) if node.shape else ""
        return f"{self.names[node.id]} {shape}".strip()

    def formula(self, node: Symbol, names: Mapping[int, str] | None = None) -> str:
        """Return an operation in print, such as ``t1 + dense_1.b``.

        Parameters
        ----------
        node : Symbol
            One of the operations.
        names : mapping of int to str, optional
            Names of the nodes by id; those of the Program by default.

        Returns
        -------
        str
        """
        names = self.names if names is None else names
        given = [names[v.id] if isinstance(v, Symbol) else repr(v) for v in node.inputs]
        infix = node.operation.infix
        if infix and len(given) == 2:
            return f"{given[0]} {infix} {given[1]}"
        if infix:
            return f"{infix}{given[0]}"
        if node.operation.name == "slice":
            return f"{given[0]}[{index_text(node.settings['index'])}]"
        settings = [
            f"{key}={text(value) if key == 'shape' else value}"
            for key, value in node.settings.items()
            if value is not None and value is not False and value is not DTYPE
        ]
        return f"{node.operation.name}({', '.join(given + settings)})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Program) and str(self) == str(other)

    __hash__ = object.__hash__


def _place(vector: str, name: str) -> str:
    if vector == "g":  # the gradient of dense_1.W is dense_1.dW
        layer, _, slot = name.rpartition(".")
        return f"{layer}.d{slot}"
    if vector == "new":
        return f"new {name}"
    return f"{vector}.{name}" if name else vector


def index_text(index: Any) -> str:
    """Return what stands between the brackets of ``x[...]``.

    Parameters
    ----------
    index : int, slice, None, Ellipsis, or tuple of such
        The index.

    Returns
    -------
    str
    """
    parts = index if isinstance(index, tuple) else (index,)

    def show(item: Any) -> str:
        if item is Ellipsis:
            return "..."
        if isinstance(item, slice):
            ends = [item.start, item.stop, *([] if item.step is None else [item.step])]
            return ":".join("" if end is None else str(end) for end in ends)
        return str(item)

    return ", ".join(map(show, parts))


def _resolve(value: Any, n: int, dtype: Any) -> Any:
    """Return a setting with the batch size and the dtype filled in."""
    if isinstance(value, Dim):
        return value.factor * n
    if isinstance(value, tuple):
        return tuple(_resolve(item, n, dtype) for item in value)
    return dtype if value is DTYPE else value


def _ids(node: Symbol) -> list[int]:
    """Return the ids of what an operation is applied to."""
    return [value.id for value in node.inputs if isinstance(value, Symbol)]


def _applied(node: Symbol, values: Mapping[int, Any], n: int, dtype: Any) -> Any:
    """Return what an operation gives, from the values of its inputs."""
    settings = {k: _resolve(v, n, dtype) for k, v in node.settings.items()}
    inputs = (values[v.id] if isinstance(v, Symbol) else v for v in node.inputs)
    result = node.operation.apply(*inputs, **settings)
    return float(result) if node.kind == NUMBER else result


def _given(settings: dict[str, Any], given: Mapping[str, Any], n: int) -> Any:
    vector, name = settings["vector"], settings["name"]
    if vector == "constant":
        return settings["value"]
    if vector == "n":
        return n
    return given[vector][name] if name else given[vector]


def _work(node: Symbol) -> tuple[int, bool]:
    """Return a factor, and whether the batch size multiplies it."""
    operation = node.operation
    size, scales = count(operation.worked(node) if operation.worked else node.shape)
    return operation.work * size, scales


def write_down(name: str, write: Callable[[Trace], None]) -> Program:
    """Return the Program that `write` notes, made twice and compared.

    Two traces of the same code are equal. Where they are not, the code keeps hidden
    state or draws random numbers of its own, and a Program would freeze them.

    Parameters
    ----------
    name : str
        What the Program computes.
    write : callable
        Calls layers with the Symbols of the trace it is given.

    Returns
    -------
    Program

    Raises
    ------
    SymbolError
        If the second trace differs from the first.
    """
    traces = Trace(), Trace()
    for trace in traces:
        write(trace)
    first, second = (Program(name, trace) for trace in traces)
    if first == second:
        return first
    lines = zip(str(first).splitlines(), str(second).splitlines(), strict=False)
    before, after = next(
        (pair for pair in lines if pair[0] != pair[1] and "operations" not in pair[0]),
        ("(fewer operations)", "(more operations)"),
    )
    where = _first_change(write, *traces)
    raise SymbolError(
        f"The same code was written down twice and differed{where}.\n  first:  "
        f"{before.strip()}\n  second: {after.strip()}\nA layer keeps hidden state "
        "(self.count += 1, a clock) or draws random numbers of its own: use memo.state "
        "and memo.rng.uniform(shape)."
    )


def _first_change(write: Callable[[Trace], None], one: Trace, other: Trace) -> str:
    """Return which line of code noted the first node in which two traces differ.

    Lines cost time, so they are kept when the code is written down once more.
    """
    same = 0
    for nodes in zip(one.nodes, other.nodes, strict=False):
        shown, again = (
            (n.operation.name, list(map(_shown, n.inputs)), str(n.settings), n.shape)
            for n in nodes
        )
        if shown != again:
            break
        same += 1
    lines: list[tuple[str, int]] = []
    with suppress(Exception):  # of code that differs every time
        write(Trace(lines=lines))
    return f", first in {place(*lines[same])}" if same < len(lines) else ""


def _shown(value: Any) -> Any:
    return value.id if isinstance(value, Symbol) else repr(value)


@dataclass(frozen=True)
class Programs:
    """Everything a network computes, written down.

    Parameters
    ----------
    prediction : Program
        Outputs from inputs.
    evaluation : Program
        The loss of every row, in prediction mode.
    training : Program
        Loss, gradients and new running state.
    update : Program
        New weights and optimizer memory from gradients.
    """

    prediction: Program
    evaluation: Program
    training: Program
    update: Program

    def __str__(self) -> str:
        each = (self.prediction, self.evaluation, self.training, self.update)
        return "\n\n".join(map(str, each))

    __repr__ = __str__
