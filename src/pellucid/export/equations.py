"""A network as named equations: few lines in the words of its layers.

A Program has one operation a line. Here operations that nobody has a name for go into
the line of the next one that has, functions that layers call stay functions, and what
is used more than once gets a line of its own.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from pellucid.export.words import Call, Words
from pellucid.symbol import NUMBER, Symbol, Trace

# Operations that one line holds at most; a larger formula is split.
MOST = 9
# A function of so many operations is called, not written out where it is used.
_WORTH_CALLING = 4


def symbols_in(node: Symbol) -> Iterator[Symbol]:
    """Yield what an operation is done to, without its literals.

    Parameters
    ----------
    node : Symbol
        The operation.

    Yields
    ------
    Symbol
    """
    return (v for v in node.inputs if isinstance(v, Symbol))


def is_leaf(node: Symbol) -> bool:
    """Return whether a value is given, not computed.

    Parameters
    ----------
    node : Symbol
        The value.

    Returns
    -------
    bool
    """
    return node.operation.group == "leaf"


def _is_constant(node: Symbol) -> bool:
    return is_leaf(node) and node.settings["vector"] == "constant"


def _cone(result: Symbol, given: set[int]) -> tuple[dict[int, Symbol], set[int]] | None:
    """Return the operations between what is given and a result, and what they use.

    None if they use anything besides.
    """
    inside: dict[int, Symbol] = {}
    used: set[int] = set()
    waiting = [result]
    while waiting:
        node = waiting.pop()
        if node.id in given:
            used.add(node.id)
        elif is_leaf(node):
            if not _is_constant(node):
                return None
        elif node.id not in inside:
            inside[node.id] = node
            waiting += symbols_in(node)
    return inside, used


@dataclass(frozen=True)
class Equation:
    """One line: a name for a value, and what it is made of.

    Parameters
    ----------
    node : Symbol
        The value.
    word : str
        What its layer calls it; empty where nobody does.
    layer : str
        Path of the layer.
    """

    node: Symbol
    word: str
    layer: str


class Equations:
    """The equations of some outputs, in the order in which they are computed.

    Parameters
    ----------
    outputs : iterable of Symbol
        What is wanted; each gets a line.
    words : Words
        What was heard while they were written down.
    given : iterable of Symbol, optional
        What is there already, besides the leaves: the parameters of a function.
    names : mapping of int to str, optional
        Words of a function's own code, by the id of a value.
    split : bool
        Whether large formulas are split into lines.

    Attributes
    ----------
    called : dict of int to Call
        Values that are the result of a function to call, by their id.
    """

    def __init__(
        self,
        outputs: Iterable[Symbol],
        words: Words,
        given: Iterable[Symbol] = (),
        names: Mapping[int, str] | None = None,
        *,
        split: bool = True,
    ) -> None:
        self.outputs = list(outputs)
        self._words, self._own = words, names
        self._given = {node.id for node in given}
        self._allowed: set[int] | None = None
        if names is not None:
            reached = [_cone(node, self._given) for node in self.outputs]
            self._allowed = {i for cone in reached if cone for i in cone[0]}
        self.called: dict[int, Call] = {}
        self._borrowed: dict[int, tuple[str, str]] = {}
        self._uses: Counter[int] = Counter()
        self._nodes: dict[int, Symbol] = {}
        trace = self.outputs[0].trace if self.outputs else Trace()
        self._labels = {(n.layer, n.label) for n in trace.nodes if n.label}
        for node in self.outputs:
            self._visit(node)
        self.named = {node.id for node in self.outputs if not self.is_given(node)}
        self.named |= {i for i in self._nodes if self._deserves_a_line(i)}
        for i in sorted(self._nodes) if split else ():
            node = self._nodes[i]
            while self._size(node, itself=True) > MOST and self.split(node):
                pass

    @property
    def lines(self) -> list[Equation]:
        """The equations, in the order in which they are computed."""
        found = []
        for i in sorted(self.named):
            layer, word = self._word(self._nodes[i])
            found.append(Equation(self._nodes[i], word, layer))
        return found

    def split(self, node: Symbol) -> bool:
        """Give the largest part of a formula a line of its own.

        Parameters
        ----------
        node : Symbol
            Whose formula is too long.

        Returns
        -------
        bool
            Whether there was such a part.
        """
        parts = {v.id: self._size(v) for v in self.needs(node)}
        largest = max(parts, key=lambda i: (parts[i], -i), default=0)
        if not parts.get(largest):
            return False
        if parts[largest] == 1 and self._nodes[largest].operation.group == "alias":
            return self.split(self._nodes[largest])
        self.named.add(largest)
        return True

    def is_given(self, node: Symbol) -> bool:
        """Return whether a value needs no equation.

        Parameters
        ----------
        node : Symbol
            The value.

        Returns
        -------
        bool
        """
        return node.id in self._given or is_leaf(node)

    def needs(self, node: Symbol) -> list[Symbol]:
        """Return what a value is made of: arguments of a function, or inputs.

        Parameters
        ----------
        node : Symbol
            The value.

        Returns
        -------
        list of Symbol
        """
        call = self.called.get(node.id)
        return self.arguments(call) if call else list(symbols_in(node))

    @staticmethod
    def arguments(call: Call) -> list[Symbol]:
        """Return the arguments that a function looks at.

        Parameters
        ----------
        call : Call
            The call.

        Returns
        -------
        list of Symbol
        """
        cone = _cone(call.result, {v.id for v in call.parameters.values()})
        used = cone[1] if cone else set()
        return [v for v in call.parameters.values() if v.id in used]

    def used_by(self, lines: Iterable[Equation]) -> set[int]:
        """Return the ids of all values with a name that some lines use.

        Parameters
        ----------
        lines : iterable of Equation
            Some of the equations.

        Returns
        -------
        set of int
        """
        found: set[int] = set()

        def look(node: Symbol) -> None:
            for value in self.needs(node):
                found.add(value.id)
                if value.id not in self.named and not self.is_given(value):
                    look(value)

        for line in lines:
            look(line.node)
        return found

    # -- which functions are called, and what gets a name ------------------------------

    def _visit(self, node: Symbol) -> None:
        waiting = [node]
        while waiting:
            node = waiting.pop()
            if self.is_given(node) or node.id in self._nodes:
                continue
            self._nodes[node.id] = node
            calls = self._words.calls.get(node.id, [])
            call = next(filter(self._is_called, calls), None)
            if call:
                self.called[node.id] = call
            elif calls:
                for i, name in calls[0].locals.items():
                    self._borrowed.setdefault(i, (node.layer, name))
            for value in self.needs(node):
                self._uses[value.id] += 1
                waiting.append(value)

    def _is_called(self, call: Call) -> bool:
        if self._own is not None and call.result.id in {n.id for n in self.outputs}:
            return False  # this is its own body
        cone = _cone(call.result, {v.id for v in call.parameters.values()})
        if cone is None:
            return False
        inside, used = cone
        if self._allowed is not None and not used <= self._allowed | self._given:
            return False
        if call.owner is None and len(inside) > 2:
            return True
        if call.mathematics and call.owner is not None:
            literal = any(
                len(list(symbols_in(n))) < len(n.inputs) for n in inside.values()
            )
            return len(inside) > 1 or literal
        return self._steps(call) > _WORTH_CALLING

    def _steps(self, call: Call) -> int:
        """Return how many operations a function would be, written out here."""
        given = {v.id for v in call.parameters.values()}
        count, waiting, seen = 0, [call.result], set()
        while waiting:
            node = waiting.pop()
            if node.id in given or node.id in seen or is_leaf(node):
                continue
            seen.add(node.id)
            if node is not call.result and node.label:
                continue
            count += 1
            inner = self._words.calls.get(node.id, [call])[0]
            known = inner.mathematics and inner is not call
            waiting += inner.parameters.values() if known else symbols_in(node)
        return count

    def _deserves_a_line(self, i: int) -> bool:
        node = self._nodes[i]
        if self._own is None and (node.label or self._word(node)[1] == "dz"):
            return True
        own = self._words.names if self._own is None else self._own
        if i in own and node.operation.group != "alias" and node.kind != NUMBER:
            return bool(self._word(node)[1]) or self._uses[i] > 1
        if node.operation.group == "alias" and all(
            self.is_given(v) or v.id in self.named or v.label for v in symbols_in(node)
        ):
            return False
        return self._uses[i] > 1 and not (
            node.kind == NUMBER and all(map(self.is_given, symbols_in(node)))
        )

    def _size(self, node: Symbol, *, itself: bool = False) -> int:
        """Return how many operations the formula of a value has."""
        if not itself and (self.is_given(node) or node.id in self.named):
            return 0
        return 1 + sum(self._size(value) for value in self.needs(node))

    def _word(self, node: Symbol) -> tuple[str, str]:
        if self._own is not None:
            return "", self._own.get(node.id, "")
        if node.label:
            return node.layer, node.label
        known = (self._words.names, self._borrowed, self._words.flows)
        found = next((words[node.id] for words in known if node.id in words), None)
        # What a layer keeps by a name has it before what it only calls so for a while.
        return (node.layer, "") if found is None or found in self._labels else found


def functions(
    equations: Equations,
    words: Words,
    give: Callable[[Call, Equations], None],
    *,
    inlined: bool = False,
) -> None:
    """Hand over the body of every function that equations call, inner ones first.

    Parameters
    ----------
    equations : Equations
        Which call them.
    words : Words
        What was heard.
    give : callable
        Gets each call and the equations of its body.
    inlined : bool
        Whether bodies have as few lines as they can.
    """
    for i in sorted(equations.called):
        call = equations.called[i]
        body = Equations(
            [call.result],
            words,
            equations.arguments(call),
            {} if inlined else call.locals,
            split=not inlined,
        )
        functions(body, words, give, inlined=inlined)
        give(call, body)
