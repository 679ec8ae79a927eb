"""Loops over flat arrays: the form between a Program and code in C, JavaScript, Python.

An array is a row of numbers in memory, whatever its shape. A function is a list of
statements; a statement holds expressions, and an expression reads arrays at an `Index`,
a sum of loop variables times whole numbers. There is nothing in it that the three
languages do not have, so printing it is one table for each language.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

# Whole numbers in [-127, 127], beside the kinds of values that Symbols have.
SMALL_INTEGER = "small integer"


@dataclass(frozen=True)
class Index:
    """``offset + sum of factor * name``: a place in an array, or along an axis.

    Parameters
    ----------
    terms : tuple of (str, int)
        Names of whole numbers with their factors, largest factor first.
    offset : int
        What is added.
    """

    terms: tuple[tuple[str, int], ...] = ()
    offset: int = 0

    def __add__(self, other: "Index | int") -> "Index":
        if isinstance(other, int):
            return Index(self.terms, self.offset + other)
        factors = dict(self.terms)
        for name, factor in other.terms:
            factors[name] = factors.get(name, 0) + factor
        terms = [(name, factor) for name, factor in factors.items() if factor]
        terms.sort(key=lambda term: -abs(term[1]))
        return Index(tuple(terms), self.offset + other.offset)

    def __mul__(self, factor: int) -> "Index":
        if not factor:
            return Index()
        terms = tuple((name, each * factor) for name, each in self.terms)
        return Index(terms, self.offset * factor)

    def factor(self, name: str) -> int:
        """Return how often a name is counted; 0 where it does not occur."""
        return dict(self.terms).get(name, 0)


@dataclass(eq=False)
class Array:
    """Numbers in a row.

    Parameters
    ----------
    name : str
        What it is called in the whole program.
    shape : tuple of int
        Its shape, last axis fastest.
    kind : str
        As of Symbols, or ``"small integer"``.
    values : ndarray, optional
        The numbers, where they never change.
    """

    name: str
    shape: tuple[int, ...]
    kind: str
    values: NDArray[Any] | None = None

    @property
    def size(self) -> int:
        """How many numbers."""
        return math.prod(self.shape)


# -- expressions -----------------------------------------------------------------------


@dataclass(frozen=True)
class Number:
    """A number that stands in the code.

    Parameters
    ----------
    value : float
        The number.
    kind : str
        As of Symbols.
    """

    value: float
    kind: str


@dataclass(frozen=True)
class Local:
    """A variable of the function.

    Parameters
    ----------
    name : str
        What it is called.
    kind : str
        As of Symbols.
    """

    name: str
    kind: str


@dataclass(frozen=True)
class Read:
    """One number of an array.

    Parameters
    ----------
    array : Array
        Which.
    index : Index
        Where in it.
    """

    array: Array
    index: Index

    @property
    def kind(self) -> str:
        """The kind of the array."""
        return self.array.kind


@dataclass(frozen=True)
class Apply:
    """An elementwise operation of the vocabulary.

    Parameters
    ----------
    operation : str
        Its name in Programs. Besides those there are ``"ratio"``, a division whose
        denominator is never 0; ``"decay"``, an exponential that is never above 1;
        ``"number"``, a condition or whole number as a number;
        and ``"small"``, the nearest whole number from -127 to 127.
    inputs : tuple of Expression
        To what.
    kind : str
        Of the result.
    """

    operation: str
    inputs: tuple["Expression", ...]
    kind: str


@dataclass(frozen=True)
class Guarded:
    """A value, where a whole number from the data is in [0, limit); not a number else.

    Parameters
    ----------
    name : str
        The whole number, a local variable.
    limit : int
        What it must be below.
    value : Expression
        What is read with its help.
    """

    name: str
    limit: int
    value: "Expression"

    @property
    def kind(self) -> str:
        """The kind of the value."""
        return self.value.kind


Expression = Number | Local | Read | Apply | Guarded


# -- statements ------------------------------------------------------------------------


@dataclass(frozen=True)
class Let:
    """A new local variable.

    Parameters
    ----------
    name : str
        What it is called.
    value : Expression
        What it is at first.
    changes : bool
        Whether it will be assigned again.
    """

    name: str
    value: Expression
    changes: bool = False


@dataclass(frozen=True)
class Assign:
    """A local variable gets another value.

    Parameters
    ----------
    name : str
        Which.
    value : Expression
        The value.
    """

    name: str
    value: Expression


@dataclass(frozen=True)
class Write:
    """One number of an array is set, or something is added to it.

    Parameters
    ----------
    array : Array
        Which.
    index : Index
        Where in it.
    value : Expression
        The number.
    adds : bool
        Whether it is added to what is there.
    """

    array: Array
    index: Index
    value: Expression
    adds: bool = False


@dataclass(frozen=True)
class Place:
    """A place along an axis, computed from loop variables.

    Parameters
    ----------
    name : str
        What it is called.
    index : Index
        Where it is.
    length : int
        Length of the axis.
    label : str
        What the length is called.
    checked : bool
        Whether it may lie outside of the axis; the loop then goes on to the next.
    """

    name: str
    index: Index
    length: int
    label: str
    checked: bool


@dataclass(frozen=True)
class For:
    """``body`` for every whole number from 0 to below ``length``.

    Parameters
    ----------
    name : str
        The loop variable.
    length : int
        How often.
    label : str
        What the length is called.
    body : list of Statement
        What is done.
    """

    name: str
    length: int
    label: str
    body: list["Statement"]


Statement = Let | Assign | Write | Place | For


@dataclass
class Function:
    """What one layer does, as statements.

    Attributes
    ----------
    name : str
        What it is called.
    layer : str
        Path of the layer; empty for what the loss adds.
    words : list of str
        What it computes, line by line.
    inputs, outputs, scratch : list of Array
        What it is given, what it gives, and what it needs in between.
    names : dict of Array to str
        What it calls them.
    body : list of Statement
        What it does.
    """

    name: str
    layer: str
    words: list[str] = field(default_factory=list)
    inputs: list[Array] = field(default_factory=list)
    outputs: list[Array] = field(default_factory=list)
    scratch: list[Array] = field(default_factory=list)
    names: dict[Array, str] = field(default_factory=dict)
    body: list[Statement] = field(default_factory=list)

    @property
    def constants(self) -> list[Array]:
        """The arrays of fixed numbers that it reads, in order."""
        found = (each.array for each in reads(self.body))
        return list(dict.fromkeys(a for a in found if a.values is not None))


# -- what is in a function -------------------------------------------------------------


def statements(body: list[Statement]) -> Iterator[Statement]:
    """Yield all statements, those inside of loops after their loop.

    Parameters
    ----------
    body : list of Statement
        Of a function or loop.

    Yields
    ------
    Statement
    """
    for statement in body:
        yield statement
        if isinstance(statement, For):
            yield from statements(statement.body)


def expressions(body: list[Statement]) -> Iterator[Expression]:
    """Yield all expressions, and those that they are made of.

    Parameters
    ----------
    body : list of Statement
        Of a function or loop.

    Yields
    ------
    Expression
    """
    for statement in statements(body):
        if isinstance(statement, Let | Assign | Write):
            waiting: list[Expression] = [statement.value]
            while waiting:
                one = waiting.pop()
                yield one
                if isinstance(one, Apply):
                    waiting += one.inputs
                elif isinstance(one, Guarded):
                    waiting.append(one.value)


def reads(body: list[Statement]) -> Iterator[Read]:
    """Yield every reading of an array.

    Parameters
    ----------
    body : list of Statement
        Of a function or loop.

    Yields
    ------
    Read
    """
    return (each for each in expressions(body) if isinstance(each, Read))


def writes(body: list[Statement]) -> Iterator[Write]:
    """Yield every writing to an array.

    Parameters
    ----------
    body : list of Statement
        Of a function or loop.

    Yields
    ------
    Write
    """
    return (each for each in statements(body) if isinstance(each, Write))
