"""Fewer and emptier loops: two as one, and what is steady before them."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from pellucid.export.loops import (
    Apply,
    Expression,
    For,
    Guarded,
    Index,
    Let,
    Place,
    Read,
    Statement,
    Write,
    reads,
    statements,
)


def merged(body: list[Statement]) -> list[Statement]:
    """Return the same with two loops as one, where one goes on where the other ends.

    Rows and columns of an image are one row of pixels to an activation.

    Parameters
    ----------
    body : list of Statement
        Of a function or loop.

    Returns
    -------
    list of Statement
    """
    done: list[Statement] = []
    for statement in body:
        if isinstance(statement, For):
            inner = merged(statement.body)
            statement = replace(statement, body=inner)
            if len(inner) == 1 and isinstance(inner[0], For):
                statement = _one_loop(statement, inner[0])
        done.append(statement)
    return done


def hoisted(body: list[Statement]) -> list[Statement]:
    """Return the same with variables before a loop that are equal in all its rounds.

    Parameters
    ----------
    body : list of Statement
        Of a function or loop.

    Returns
    -------
    list of Statement
    """
    done: list[Statement] = []
    for statement in body:
        if isinstance(statement, For):
            inner = hoisted(statement.body)
            while (
                inner
                and isinstance(inner[0], Let)
                and _is_steady(inner[0], statement.name)
            ):
                done.append(inner.pop(0))
            statement = replace(statement, body=inner)
        done.append(statement)
    return done


def _is_steady(let: Let, name: str) -> bool:
    """Return whether a new variable has nothing to do with a loop variable."""
    used = any(read.index.factor(name) for read in reads([let]))
    return not let.changes and not used


def _one_loop(outer: For, inner: For) -> For:
    """Return two loops as one where every index allows it, else as they are."""
    if any(
        index.factor(outer.name) != index.factor(inner.name) * inner.length
        for index in _indices(inner.body)
    ):
        return outer
    label = "places" if (outer.label, inner.label) == ("rows", "columns") else "size"
    name = "place" if label == "places" else "i"
    if any(isinstance(s, For) and s.name == name for s in statements(inner.body)):
        return outer

    def moved(index: Index) -> Index:
        terms = [
            (name if each == inner.name else each, factor)
            for each, factor in index.terms
            if each != outer.name
        ]
        return Index(tuple(terms), index.offset)

    body = [_changed(statement, moved) for statement in inner.body]
    return For(name, outer.length * inner.length, label, body)


def _indices(body: list[Statement]) -> Iterator[Index]:
    for statement in statements(body):
        if isinstance(statement, Write | Place):
            yield statement.index
    for read in reads(body):
        yield read.index


def _changed(statement: Statement, change: Callable[[Index], Index]) -> Statement:
    """Return a statement with every index changed."""
    if isinstance(statement, For):
        inner = [_changed(each, change) for each in statement.body]
        return replace(statement, body=inner)
    if isinstance(statement, Place):
        return replace(statement, index=change(statement.index))
    value = _changed_expression(statement.value, change)
    if isinstance(statement, Write):
        return replace(statement, value=value, index=change(statement.index))
    return replace(statement, value=value)


def _changed_expression(
    expression: Expression, change: Callable[[Index], Index]
) -> Expression:
    if isinstance(expression, Read):
        return replace(expression, index=change(expression.index))
    if isinstance(expression, Apply):
        inputs = tuple(_changed_expression(e, change) for e in expression.inputs)
        return replace(expression, inputs=inputs)
    if isinstance(expression, Guarded):
        return replace(expression, value=_changed_expression(expression.value, change))
    return expression
