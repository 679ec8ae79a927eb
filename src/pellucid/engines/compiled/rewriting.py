"""Formulas that are the same and cost less, put in the place of what was written.

One so far: the largest of a window is taken before bias and ReLU, not after them. Both
keep the order of numbers, so ``max relu(t + b) = relu(max t + b)`` to the last bit, and
bias, ReLU, its slope and the gradient of the bias are computed for one number a window
instead of all.
"""

from collections.abc import Callable
from typing import Any

from pellucid import ops
from pellucid.program import Program
from pellucid.symbol import DTYPE, VOCABULARY, Symbol, Trace


def rewritten(program: Program) -> Program:
    """Return a Program of the same numbers with fewer operations.

    Parameters
    ----------
    program : Program
        As it was written down.

    Returns
    -------
    Program
    """
    cases = _Cases(program)
    return replaced(program, cases.instead) if cases.instead else program


New = Callable[[Any], Any]  # a value of the old Program in the new one
Make = Callable[[Trace, New], Any]


class _Cases:
    """Where in a Program a maximum can come first.

    Parameters
    ----------
    program : Program
        Any.
    """

    def __init__(self, program: Program) -> None:
        self.users: dict[int, list[Symbol]] = {}
        for node in program.operations:
            for value in node.inputs:
                if isinstance(value, Symbol):
                    self.users.setdefault(value.id, []).append(node)
        self.outputs = {symbol.id for symbol in program.outputs.values()}
        # Old node -> what makes the new one.
        self.instead: dict[int, Make] = {}
        for node in program.operations:
            if node.operation.name == "max_windows":
                self._find(node)

    def _only(self, node: Symbol, users: list[Symbol]) -> bool:
        """Return whether nothing else reads a node."""
        found = {user.id for user in self.users.get(node.id, [])}
        return node.id not in self.outputs and found <= {user.id for user in users}

    def _find(self, largest: Symbol) -> None:
        a, window = largest.inputs[0], largest.settings["window"]
        if not _is_relu(a) or any(map(any, window.padding)):
            return
        z = a.inputs[0]
        t, b = _with_bias(z)
        backs = [u for u in self.users[a.id] if u.operation.name == "max_windows_back"]
        if len(backs) > 1 or not self._only(a, [largest, *backs]):
            return
        deltas = [self._delta(back, z, a) for back in backs]
        if any(delta is None for delta in deltas):
            return

        def before(trace: Trace, new: New) -> Any:
            found = trace.call(VOCABULARY[ops.max_windows], (new(t),), window=window)
            return found if b is None else trace.call(operation("add"), (found, new(b)))

        def value(trace: Trace, new: New) -> Any:
            return trace.call(operation("maximum"), (before(trace, new), 0.0))

        self.instead[largest.id] = value
        for back, delta in zip(backs, deltas, strict=True):
            if delta is not None:
                self._put_back(back, delta, before, t)

    def _put_back(self, back: Symbol, delta: Symbol, before: Make, t: Symbol) -> None:
        """Let the slope be that of the largest, and then go where that came from."""
        dy, window = back.inputs[1], back.settings["window"]

        def of_largest(trace: Trace, new: New) -> Any:
            above = trace.call(operation("greater"), (before(trace, new), 0.0))
            slope = trace.call(operation("astype"), (above,), dtype=DTYPE)
            return trace.call(operation("multiply"), (new(dy), slope))

        def spread(trace: Trace, new: New) -> Any:
            row = VOCABULARY[ops.max_windows_back]
            parts = new(t), of_largest(trace, new)
            return trace.call(row, parts, window=window)

        self.instead[delta.id] = spread
        for user in self.users.get(delta.id, []):
            if _is_sum_of_places(user):  # each number goes to one place: the same sum
                self.instead[user.id] = _applied(user, of_largest)

    def _delta(self, back: Symbol, z: Symbol, a: Symbol) -> Symbol | None:
        """Return ``back * (z > 0)``, if nothing else is made of them."""
        users = self.users.get(back.id, [])
        if len(users) != 1 or users[0].operation.name != "multiply":
            return None
        (delta,) = users
        slopes = [v for v in delta.inputs if isinstance(v, Symbol) and v is not back]
        if len(slopes) != 1 or slopes[0].operation.name != "astype":
            return None
        above = slopes[0].inputs[0]
        if above.operation.name != "greater" or above.inputs[0] is not z:
            return None
        if above.inputs[1] != 0 or isinstance(above.inputs[1], Symbol):
            return None
        alone = self._only(back, [delta]) and self._only(slopes[0], [delta])
        alone = alone and self._only(above, slopes) and self._only(z, [a, above])
        return delta if alone else None


def _applied(node: Symbol, make: Make) -> Make:
    """Return what makes the operation of a node, of another value."""

    def applied(trace: Trace, new: New) -> Any:
        return trace.call(node.operation, (make(trace, new),), **node.settings)

    return applied


def operation(name: str) -> Any:
    """Return an operation of the vocabulary by its name.

    Parameters
    ----------
    name : str
        Its name in Programs.

    Returns
    -------
    Operation
    """
    return next(row for row in VOCABULARY.values() if row.name == name)


def _is_relu(node: Symbol) -> bool:
    name, inputs = node.operation.name, node.inputs
    if name != "maximum" or isinstance(inputs[1], Symbol) or inputs[1] != 0:
        return False
    return isinstance(inputs[0], Symbol)


def _with_bias(z: Symbol) -> tuple[Symbol, Symbol | None]:
    """Return a value and the number a channel that is added to it, if one is."""
    if z.operation.name == "add":
        t, b = z.inputs
        if isinstance(b, Symbol) and b.shape == z.shape[-1:] and t.shape == z.shape:
            return t, b
    return z, None


def _is_sum_of_places(node: Symbol) -> bool:
    """Return whether a node adds up all places of all samples, channel by channel."""
    if node.operation.name != "sum":
        return False
    return bool(node.settings["axis"] == tuple(range(node.inputs[0].ndim - 1)))


def replaced(program: Program, instead: dict[int, Make]) -> Program:
    """Return a Program with some nodes made in another way.

    Parameters
    ----------
    program : Program
        Any.
    instead : dict of int to callable
        Node id -> what makes the new node, of the new trace and of the function that
        gives the new node for an old one.

    Returns
    -------
    Program
    """
    trace = Trace()
    made: dict[int, Symbol] = {}

    def new(value: Any) -> Any:
        if not isinstance(value, Symbol):
            return value
        if value.id not in made:
            made[value.id] = copy(value)
        return made[value.id]

    def copy(node: Symbol) -> Symbol:
        if node.id not in instead:
            inputs = tuple(map(new, node.inputs))
            trace.layer = node.layer
            found = Symbol(
                trace, node.operation, inputs, node.settings, node.shape, node.kind
            )
        else:
            trace.layer = node.layer
            found = instead[node.id](trace, new)
        if not found.label:
            found.label = node.label
        return found

    for node in program.operations:  # in order: a chain of calls could grow too long
        new(node)
    trace.outputs = {place: new(symbol) for place, symbol in program.outputs.items()}
    return Program(program.name, trace)
