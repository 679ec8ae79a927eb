"""Answers as text for a terminal, plain and in colour."""

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.why.formulas import TERMS, digits, written
from pellucid.why.words import rules

if TYPE_CHECKING:
    from pellucid.why.answer import Answer
    from pellucid.why.differences import Difference

# Intermediate results whose own formula is told below, at most.
WHERE = 3


def result(answer: "Answer") -> str:
    """Return the number with as many digits as its type is good for.

    Parameters
    ----------
    answer : Answer
        The answer.

    Returns
    -------
    str
    """
    double = answer._asking.step.dtype == np.float64
    return digits(answer.value, 9 if double else 7)


def check(answer: "Answer") -> str:
    """Return what nudging one number tells about a gradient; empty for other numbers.

    Parameters
    ----------
    answer : Answer
        The answer.

    Returns
    -------
    str
    """
    found: Difference | None = answer.difference
    if found is None:
        return ""
    told = f"nudging {_moved(answer)} by {digits(found.nudge, 1)} both ways moves the "
    told += f"loss by {digits(found.value, 9)} for each unit: "
    if found.agrees:
        same = found.digits
        return told + (
            "the same"
            if same >= 12 or not found.value
            else f"the same to {same} digits"
        )
    if found.kink:
        return told + (
            f"the loss has a kink here, {digits(found.left)} to the left and "
            f"{digits(found.right)} to the right of it"
        )
    return told + "NOT the same"


def _moved(answer: "Answer") -> str:
    """Return the address of the number that is nudged, by its best known name."""
    assert answer.quantity is not None
    target = answer._asking.moved(answer.quantity)
    assert target is not None
    target = answer._asking.quantities.best(target)
    return target.address(answer.index)


def where(answer: "Answer") -> list[str]:
    """Return the formulas of the intermediate results and conditions in a formula.

    Parameters
    ----------
    answer : Answer
        The answer.

    Returns
    -------
    list of str
        Such as ``"t4[0, 0] = max(0.5 * z[0, 0], 0.5 * z[0, 1]) = 0.31"``.
    """
    asking, found = answer._asking, {}
    for leaf in answer.expression.leaves():
        numbered = set(asking.quantities.numbered.values())
        if leaf.name in numbered and (leaf.name, leaf.index) not in found:
            inner = asking.of_part(leaf)
            formula = written(inner.expression, answer._short)
            formula = "a random number" if inner.kind == "random" else formula
            told = f"{inner.address} = {formula} = {digits(leaf.value)}"
            found[leaf.name, leaf.index] = told
            if len(found) == WHERE:
                break
    return [*found.values(), *_conditions(answer)]


# What a comparison is called when it does not hold.
_OPPOSITE = {
    "greater": "less_equal",
    "greater_equal": "less",
    "less": "greater_equal",
    "less_equal": "greater",
    "equal": "not_equal",
    "not_equal": "equal",
}


def _conditions(answer: "Answer") -> list[str]:
    """Return why a formula has one of two branches: ``1 is taken because z >= 0``."""
    told: dict[str, None] = {}
    waiting = [answer.expression]
    while waiting:
        expression = waiting.pop()
        if expression.operation == "where" and not expression.parts[0].is_leaf:
            condition, taken = expression.parts
            opposite = _OPPOSITE.get(condition.operation)
            if not condition.value and opposite:
                condition = replace(condition, operation=opposite, value=1.0)
            holds = "" if condition.value else "it is not so that "
            names = written(condition, answer._short)
            told[f"{written(taken, answer._short)} is taken because {holds}{names}"] = (
                None
            )
        waiting += expression.parts
    return list(told)[:WHERE]


def lines(answer: "Answer", width: int) -> list[tuple[str, str]]:
    """Return the lines of an answer, each with the name of its style.

    Parameters
    ----------
    answer : Answer
        The answer.
    width : int
        Columns.

    Returns
    -------
    list of (str, str)
        Style and text; styles are ``"head"``, ``"words"``, ``"formula"``,
        ``"numbers"``, ``"result"``, ``"term"``, ``"check"``, ``"wrong"``.
    """
    shown = result(answer)
    found = [("head", f"{answer.symbol} = {shown}")]
    found += [("words", line) for line in _wrapped(answer.words, width, "")]
    for rule in rules(answer._asking.step, answer):
        found += [("words", line) for line in _wrapped(rule, width, "")]
    if not answer.terms:
        return found
    own = answer._short_name()
    left = f"  {own} = "
    indent = " " * (len(left) if len(left) < width // 3 else 4)
    found.append(("gap", ""))
    found += _equation("formula", left, answer.formula, width, indent)
    if not _plain(answer):
        found += _equation("numbers", f"{indent[:-2]}= ", answer.numbers, width, indent)
        found.append(("result", f"{indent[:-2]}= {shown}"))
    told = where(answer)
    for place, line in enumerate(told):
        first = "  where " if not place else "        "
        found += _equation("words", first, line, width, " " * 12)
    found += _terms(answer, width)
    line = check(answer)
    if line:
        right = answer.difference is None or answer.difference.agrees
        found.append(("gap", ""))
        style = "check" if right else "wrong"
        found += [(style, each) for each in _wrapped(f"check: {line}", width, "  ")]
    return found


def _plain(answer: "Answer") -> bool:
    """Return whether the formula is a single name, whose number is the result."""
    return answer.expression.is_leaf


def _terms(answer: "Answer", width: int) -> list[tuple[str, str]]:
    """Return a table of the terms, the largest first; nothing for a single one."""
    terms = answer.terms
    if len(terms) <= TERMS and all(term.is_leaf for term in terms):
        return []  # the formula shows them all
    if len(terms) < 2:
        return []
    ranked = sorted(terms, key=lambda term: -abs(term.value))
    kept = ranked[:TERMS] if len(terms) > TERMS else list(terms)
    rows = [(digits(term.value), term.symbol) for term in kept]
    if len(terms) > len(kept) and answer.expression.operation in ("add", "sum"):
        rest = sum(term.value for term in ranked[TERMS:])
        rows.append((digits(rest), f"all {len(terms) - len(kept):,} others together"))
    space = max(len(value) for value, _ in rows)
    room, found = max(20, width - space - 6), [("gap", "")]
    for value, symbol in rows:
        symbol = symbol if len(symbol) <= room else f"{symbol[: room - 4]} ..."
        found.append(("term", f"  {value:>{space}}  {symbol}"))
    return found


def _equation(
    style: str, left: str, right: str, width: int, indent: str
) -> list[tuple[str, str]]:
    """Return an equation in lines that break between terms where they can."""
    pieces, depth = [""], 0
    for letter in right:
        depth += (letter in "([") - (letter in ")]")
        if letter in "+-" and depth == 0 and pieces[-1].endswith(" "):
            before, sign = pieces[-1][:-1], letter
            if not before.endswith(("*", "/", "**")):
                pieces[-1] = before
                pieces.append(sign)
                continue
        pieces[-1] += letter
    whole = [piece for piece in pieces if piece]
    if max(map(len, whole)) + len(indent) > width:
        whole = _words(right)
    return [(style, line) for line in _filled(whole, width, indent, left)]


def _words(text: str) -> list[str]:
    """Return the words of a text; an index in brackets is not divided."""
    words, depth = [""], 0
    for letter in text:
        depth += (letter == "[") - (letter == "]")
        if letter == " " and depth <= 0:
            words.append("")
        else:
            words[-1] += letter
    return words


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    return _filled(_words(text), width, indent, indent)


def _filled(pieces: list[str], width: int, indent: str, first: str) -> list[str]:
    """Return lines of so many pieces as have room, with a space between."""
    found, line, empty = [], first, True
    for piece in pieces:
        if not empty and len(line) + 1 + len(piece) > width:
            found.append(line)
            line, empty = indent, True
        line += piece if empty else f" {piece}"
        empty = False
    return [*found, line]


def as_text(answer: "Answer", width: int | None = None) -> str:
    """Return an answer as plain text.

    Parameters
    ----------
    answer : Answer
        The answer.
    width : int, optional
        Columns; those of the terminal by default.

    Returns
    -------
    str
    """
    width = width or min(shutil.get_terminal_size().columns, 100)
    return "\n".join(text for _, text in lines(answer, max(width, 40)))


# Colours that can be told apart on dark and light grounds.
_STYLES = {
    "head": "bold",
    "formula": "cyan",
    "numbers": "default",
    "result": "bold",
    "term": "default",
    "check": "green",
    "wrong": "bold red",
    "words": "dim",
}


def as_rich(answer: "Answer") -> Any:
    """Return an answer as text in colour for the library rich.

    Parameters
    ----------
    answer : Answer
        The answer.

    Returns
    -------
    rich.text.Text
    """
    from rich.text import Text

    width = min(shutil.get_terminal_size().columns, 100)
    found = Text()
    for style, text in lines(answer, max(width, 40)):
        found.append(f"{text}\n", style=_STYLES.get(style, ""))
    found.rstrip()
    return found
