"""What can be told of the sign of a value: where a division or a power needs no care.

Python raises an error where other languages give an infinity. A program reads better
without the functions that keep it from that, where nothing of the kind can happen. The
rules hold for all numbers; "not a number" stays what it is and harms nobody.
"""

from collections.abc import Callable
from typing import Any

from pellucid.symbol import Symbol

_TINY = 1.2e-38  # the smallest number that float32 holds to all its digits

_NEVER_BELOW = {  # 0, whatever comes in
    "exp": lambda value: True,
    "absolute": lambda value: True,
    "square": lambda value: True,
    "sqrt": lambda value: True,
    "maximum": lambda value: any(map(is_never_below, value.inputs)),
}
_NEVER_BELOW |= {  # 0, if nothing that comes in is
    name: lambda value: all(map(is_never_below, value.inputs))
    for name in ("add", "multiply", "sum", "mean", "max", "minimum", "log1p")
}


def is_never_below(value: Any) -> bool:
    """Return whether a value is never below 0.

    Parameters
    ----------
    value : Symbol or number
        The value.

    Returns
    -------
    bool
    """
    number = _number(value)
    if number is not None:
        return number >= 0
    rule: Callable[[Symbol], bool] | None = _NEVER_BELOW.get(value.operation.name)
    return rule is not None and rule(value)


def is_never_above(value: Any) -> bool:
    """Return whether a value is never above 0.

    Parameters
    ----------
    value : Symbol or number
        The value.

    Returns
    -------
    bool
    """
    number = _number(value)
    if number is not None:
        return number <= 0
    name, given = value.operation.name, value.inputs
    if name == "negative":
        return is_never_below(given[0])
    if name == "maximum":
        return all(map(is_never_above, given))
    if name == "multiply":
        first, second = given
        return (is_never_below(first) and is_never_above(second)) or (
            is_never_above(first) and is_never_below(second)
        )
    return _top(value) is not None


def _top(value: Any) -> Symbol | None:
    """Return the largest number of a row, for what is the row less this, else None.

    Also for a multiple of that, and where it is cut off far below: it is never above 0,
    and 0 somewhere in each row.
    """
    if not isinstance(value, Symbol):
        return None
    name, given = value.operation.name, value.inputs
    if name == "subtract":
        whole, top = given
        of_it = isinstance(top, Symbol) and top.operation.name == "max"
        return top if of_it and top.inputs[0] is whole else None
    if name in ("multiply", "maximum"):
        for number, other in (given, given[::-1]):
            known = _number(number)
            if known is not None and (known > 0 if name == "multiply" else known <= 0):
                return _top(other)
    return None


def is_above(value: Any) -> bool:
    """Return whether a value is above 0.

    Parameters
    ----------
    value : Symbol or number
        The value.

    Returns
    -------
    bool
    """
    number = _number(value)
    if number is not None:
        return number > _TINY
    name, given = value.operation.name, value.inputs
    if name == "add":
        return any(map(is_above, given)) and all(map(is_never_below, given))
    if name == "sum":  # of exp(0) and others
        power = given[0]
        top = _top(power.inputs[0]) if power.operation.name == "exp" else None
        return top is not None and top.settings["axis"] == value.settings["axis"]
    return name == "sqrt" and is_above(given[0])


def _number(value: Any) -> float | None:
    """Return a value that is a number in the formula."""
    if not isinstance(value, Symbol):
        return float(value)
    if value.operation.group == "leaf" and value.settings["vector"] == "constant":
        found = value.settings["value"]
        return float(found) if isinstance(found, int | float) else None
    return None
