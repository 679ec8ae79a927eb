"""Printing of loops: what a language is, as one table, and the functions that read it.

A `Language` has a form for every operation and statement. What it prints is meant to be
read: brackets only where they are needed, lengths by their names.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np

from pellucid.errors import ConfigurationError
from pellucid.export.loops import (
    Apply,
    Array,
    Assign,
    Expression,
    For,
    Function,
    Guarded,
    Index,
    Let,
    Local,
    Number,
    Place,
    Read,
    Statement,
    expressions,
    statements,
)

# How tightly an expression holds together, loosest first.
CHOICE, NOT, COMPARISON, SUM, PRODUCT, SIGN, ATOM = range(7)
WIDTH = 88


class Form(NamedTuple):
    """How an operation is printed.

    Parameters
    ----------
    text : str
        With {0}, {1}... for its inputs.
    level : int
        How tightly the result holds together.
    needs : tuple of int
        How tightly each input has to; brackets are put around others. Loosest for all,
        by default, as between the brackets of a function.
    """

    text: str
    level: int = ATOM
    needs: tuple[int, ...] = (CHOICE, CHOICE, CHOICE)


# What C, JavaScript and Python have in common.
COMMON_FORMS = {
    "add": Form("{0} + {1}", SUM, (SUM, PRODUCT)),
    "subtract": Form("{0} - {1}", SUM, (SUM, PRODUCT)),
    "multiply": Form("{0} * {1}", PRODUCT, (PRODUCT, SIGN)),
    "negative": Form("-{0}", SIGN, (ATOM,)),
    "ratio": Form("{0} / {1}", PRODUCT, (PRODUCT, SIGN)),
    "greater": Form("{0} > {1}", COMPARISON, (SUM, SUM)),
    "greater_equal": Form("{0} >= {1}", COMPARISON, (SUM, SUM)),
    "less": Form("{0} < {1}", COMPARISON, (SUM, SUM)),
    "less_equal": Form("{0} <= {1}", COMPARISON, (SUM, SUM)),
    "equal": Form("{0} == {1}", COMPARISON, (SUM, SUM)),
    "not_equal": Form("{0} != {1}", COMPARISON, (SUM, SUM)),
}


@dataclass(frozen=True)
class Language:
    """How one language prints loops.

    Parameters
    ----------
    name : str
        For messages.
    forms : mapping of str to Form
        By operation.
    helpers : mapping of str to str
        Functions that have to be printed where an operation is used, by its name.
    number : callable
        Returns a `Number` in print.
    let, let_changes, assign, adds, write, write_adds : str
        Forms of statements.
    loop, end, place, skip : str
        Forms of a loop, its end, a place, and going on with the next round where it is
        outside.
    guard : Form
        Of a value that may be outside of its array.
    types : mapping of str to str
        The word before a new variable, by the kind of its value.
    indent : str
        Of a body.
    brackets : bool
        Whether an expression of several lines needs brackets around it.
    """

    name: str
    forms: Mapping[str, Form]
    helpers: Mapping[str, str]
    number: Callable[[Number], str]
    types: Mapping[str, str]
    let: str
    let_changes: str
    assign: str
    adds: str
    write: str
    write_adds: str
    loop: str
    end: str
    place: str
    skip: str
    guard: Form
    indent: str = "    "
    brackets: bool = False


class Printed:
    """One function in a language.

    Parameters
    ----------
    language : Language
        Which.
    function : Function
        What.

    Attributes
    ----------
    sizes : dict of str to int
        The lengths that the lines name.
    lines : list of str
        The body.
    """

    def __init__(self, language: Language, function: Function) -> None:
        self.language, self.function = language, function
        self.sizes: dict[str, int] = {}
        self._taken = set(function.names.values()) | {
            each.name for each in statements(function.body) if isinstance(each, Let)
        }
        self._lengths: dict[str, tuple[int, str]] = {}
        self.lines = list(self._body(function.body, ""))
        self.sizes = {
            label: length
            for label, length in self.sizes.items()
            if any(label in line for line in self.lines)
        }

    def _size(self, stem: str, length: int) -> str:
        """Return the name of a length, with a number where it has several."""
        label, number = stem, 1
        while label in self._taken or self.sizes.get(label, length) != length:
            number += 1
            label = f"{stem}_{number}"
        self.sizes[label] = length
        return label

    def _body(self, body: list[Statement], indent: str) -> Iterator[str]:
        form, text = self.language, self._expression
        for one in body:
            if isinstance(one, For):
                label = self._size(one.label, one.length)
                self._lengths[one.name] = one.length, label
                yield indent + form.loop.format(name=one.name, length=label)
                yield from self._body(one.body, indent + form.indent)
                if form.end:
                    yield indent + form.end
            elif isinstance(one, Place):
                label = self._size(one.label, one.length)
                self._lengths[one.name] = one.length, label
                index = self._plain_index(one.index)
                yield indent + form.place.format(name=one.name, index=index)
                if one.checked:
                    skip = form.skip.format(name=one.name, length=label)
                    yield from (indent + line for line in skip.split("\n"))
            elif isinstance(one, Let):
                let = form.let_changes if one.changes else form.let
                kind = form.types[one.value.kind]
                value = text(one.value)
                line = let.format(type=kind, name=one.name, value=value)
                yield from self._wrapped(indent + line)
            elif isinstance(one, Assign):
                yield from self._wrapped(indent + self._assigned(one))
            else:
                array = self.function.names[one.array]
                write = form.write_adds if one.adds else form.write
                index, value = self._index(one.index), text(one.value)
                line = write.format(array=array, index=index, value=value)
                yield from self._wrapped(indent + line)

    def _assigned(self, one: Assign) -> str:
        value = one.value
        if isinstance(value, Apply) and value.operation == "add":
            first, second = value.inputs
            if isinstance(first, Local) and first.name == one.name:
                return self.language.adds.format(
                    name=one.name, value=self._expression(second)
                )
        return self.language.assign.format(name=one.name, value=self._expression(value))

    def _wrapped(self, line: str) -> Iterator[str]:
        """Yield a line, broken behind an operator or comma where it is too long."""
        form = self.language
        room = WIDTH - len(form.indent)  # the lines of a function stand further right
        found = list(broken(line, 2 * form.indent, room, not form.brackets))
        before = accumulate(_depths(part)[-1] for part in found[:-1])
        if form.brackets and not all(before):  # a break outside of all brackets
            head, equals, value = line.partition("= ")
            line = f"{head}{equals}({value})"
            found = list(broken(line, 2 * form.indent, room, equals=False))
        yield from found

    # -- expressions -------------------------------------------------------------------

    def _expression(self, value: Expression, level: int = CHOICE) -> str:
        text, holds = self._printed(value)
        return text if holds >= level else f"({text})"

    def _printed(self, value: Expression) -> tuple[str, int]:
        if isinstance(value, Number):
            text = self.language.number(value)
            return text, SIGN if text.startswith("-") else ATOM
        if isinstance(value, Local):
            return value.name, ATOM
        if isinstance(value, Read):
            name = self.function.names[value.array]
            return f"{name}[{self._index(value.index)}]", ATOM
        if isinstance(value, Guarded):
            form = self.language.guard
            inner = self._expression(value.value, form.needs[0])
            text = form.text.format(inner, name=value.name, length=value.limit)
            return text, form.level
        form = self._form(value.operation)
        given = (
            self._expression(each, need)
            for each, need in zip(value.inputs, form.needs, strict=False)
        )
        return form.text.format(*given), form.level

    def _form(self, operation: str) -> Form:
        found = self.language.forms.get(operation)
        if found is None:
            layer = self.function.layer
            where = f"Layer {layer!r}" if layer else "A layer"
            raise ConfigurationError(
                f"{where} uses {operation}, for which there is no "
                f"{self.language.name} yet."
            )
        return found

    def _index(self, index: Index) -> str:
        """Return ``(row * width + column) * channels + c`` where that is what it is."""
        text, before = "", 0
        if any(factor < 0 for _, factor in index.terms):
            return self._plain_index(index)
        for name, factor in index.terms:
            if not text:
                text = name
            elif factor and not before % factor:
                ratio = before // factor
                length, label = self._lengths.get(name, (0, ""))
                times = label if length == ratio else str(ratio)
                base = f"({text})" if " + " in text or " - " in text else text
                text = (
                    f"{base} * {times} + {name}" if ratio != 1 else f"{text} + {name}"
                )
            else:
                return self._plain_index(index)
            before = factor
        if before not in (0, 1):
            base = f"({text})" if " + " in text or " - " in text else text
            text = f"{base} * {before}"
        if index.offset and text:
            sign = "+" if index.offset > 0 else "-"
            return f"{text} {sign} {abs(index.offset)}"
        return text or str(index.offset)

    def _plain_index(self, index: Index) -> str:
        """Return ``row * 2 + u - 1``: the terms one after the other."""
        terms = [
            (factor, name if abs(factor) == 1 else f"{name} * {abs(factor)}")
            for name, factor in index.terms
        ]
        terms.append((index.offset, str(abs(index.offset))))
        parts = [f"{'-' if factor < 0 else '+'} {part}" for factor, part in terms]
        shown = [part for part in parts if part != "+ 0"] or ["0"]
        text = " ".join(shown).removeprefix("+ ")
        return f"-{text[2:]}" if text.startswith("- ") else text


# Behind these a long line goes on in the next one.
_QUOTED = re.compile(r""" "(?:\\.|[^"\\])*" | '(?:\\.|[^'\\])*' """, re.VERBOSE)
_BREAKS = (" + ", " - ", " * ", " / ", ", ", " ? ", " : ", " if ", " else ")


def broken(
    line: str, indent: str, room: int = WIDTH, equals: bool = True
) -> Iterator[str]:
    """Yield a line, broken behind an operator or comma where it is too long.

    Parameters
    ----------
    line : str
        A line, with its spaces in front.
    indent : str
        What further lines have in front besides.
    room : int
        How long a line may be.
    equals : bool
        Whether it may be broken behind ``=``.

    Yields
    ------
    str
    """
    indent = " " * (len(line) - len(line.lstrip())) + indent
    while len(line) > room:
        cut = _best_break(line, len(indent), room, equals)
        if not cut:
            break
        yield line[:cut]
        line = indent + line[cut + 1 :]
    yield line


def masked(line: str) -> str:
    """Return a line of code with texts in quotes made harmless, at the same places.

    Parameters
    ----------
    line : str
        The line.

    Returns
    -------
    str
        As long as the line.
    """
    return _QUOTED.sub(lambda found: "_" * len(found[0]), line)


def _best_break(line: str, start: int, end: int, equals: bool) -> int:
    """Return the last place to break a line, inside of as few brackets as can be.

    One that leaves no more than a line is better than any other.
    """
    marks = (*_BREAKS, "= ") if equals else _BREAKS
    line = masked(line)
    depths, long = _depths(line), len(line) - 1 + start
    places = [
        place
        for place in range(start + 1, min(end, len(line) - 1))
        if any(line.startswith(mark, place - len(mark) + 1) for mark in marks)
    ]
    return min(
        places,
        key=lambda place: (long - place > end, depths[place], -place),
        default=0,
    )


def _depths(line: str) -> list[int]:
    """Return inside of how many brackets each sign of a line stands."""
    return list(accumulate((c in "([{") - (c in ")]}") for c in masked(line)))


def call_lines(head: str, arguments: Iterable[str], tail: str) -> list[str]:
    """Return a call, or a head of a function, in one line or with a line for each.

    Parameters
    ----------
    head, tail : str
        What stands before and behind the arguments, brackets included.
    arguments : iterable of str
        What stands between, without commas.

    Returns
    -------
    list of str
    """
    arguments = list(arguments)
    line = f"{head}{', '.join(arguments)}{tail}"
    if len(line) <= WIDTH or not arguments:
        return [line]
    space = " " * len(head)
    if len(space) + max(map(len, arguments)) + len(tail) > WIDTH:
        space = " " * (len(head) - len(head.lstrip()) + 8)
        return [head, *(space + each for each in _listed(arguments, tail))]
    first, *rest = _listed(arguments, tail)
    return [head + first, *(space + each for each in rest)]


def _listed(arguments: list[str], tail: str) -> list[str]:
    return [*(f"{each}," for each in arguments[:-1]), arguments[-1] + tail]


def helpers(language: Language, functions: Iterable[Function]) -> list[str]:
    """Return the helper functions that are used, each with those that it calls before.

    Parameters
    ----------
    language : Language
        Which.
    functions : iterable of Function
        Which use them.

    Returns
    -------
    list of str
    """
    used = {
        each.operation
        for function in functions
        for each in expressions(function.body)
        if isinstance(each, Apply)
    }
    return [text for name, text in language.helpers.items() if name in used]


def rows(numbers: Iterable[str], indent: str = "    ") -> Iterator[str]:
    """Yield numbers in print, separated by commas, in lines of limited width.

    Parameters
    ----------
    numbers : iterable of str
        Each number.
    indent : str
        What every line starts with.

    Yields
    ------
    str
    """
    line = indent
    for number in numbers:
        if len(line) + len(number) + 1 > WIDTH and line != indent:
            yield line.rstrip()
            line = indent
        line += f"{number}, "
    if line != indent:
        yield line.rstrip()


def shape_text(array: Array) -> str:
    """Return the shape of one sample in print: ``8 x 8 x 3``.

    Parameters
    ----------
    array : Array
        With the axis of the batch, which is left out.

    Returns
    -------
    str
    """
    return " x ".join(map(str, array.shape[1:] or array.shape)) or "1"


def counted(array: Array, what: str = "number") -> str:
    """Return how many there are of one sample in print: ``8 x 8 numbers``.

    Parameters
    ----------
    array : Array
        With the axis of the batch, which is left out.
    what : str
        One of them.

    Returns
    -------
    str
    """
    return f"{shape_text(array)} {what}{'s' * (array.size != 1)}"


def literal(value: Any, single: bool) -> str:
    """Return the shortest text that reads back as the same number.

    Parameters
    ----------
    value : float
        A finite number.
    single : bool
        Whether what reads it rounds to float32.

    Returns
    -------
    str
    """
    number = np.float32(value) if single else np.float64(value)
    text = str(number)
    # Some readers go by way of float64, which may round to a neighbour.
    same = not single or np.float32(float(text)) == number
    return text if same else repr(float(number))
