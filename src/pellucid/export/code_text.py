"""Lines of Python: moved in, broken where they are long, copied from functions."""

import inspect
import re
from collections.abc import Iterable
from string import ascii_letters, digits

from pellucid.export import numpy_functions
from pellucid.export.language import masked

WIDTH = 88
_NAMED = (*ascii_letters, *digits, "_", ")", "]")  # what ends a name or a value


def indented(lines: Iterable[str]) -> list[str]:
    """Return lines four spaces further right.

    Parameters
    ----------
    lines : iterable of str
        Lines of code.

    Returns
    -------
    list of str
    """
    return [f"    {line}" if line else "" for line in lines]


def fitted(line: str) -> str:
    """Return a line of code, broken between its arguments where it is too long.

    Parameters
    ----------
    line : str
        A line, with its spaces in front.

    Returns
    -------
    str
        One line or several.
    """
    if len(line) <= WIDTH or "\n" in line or line.lstrip().startswith("#"):
        return line
    space = " " * (len(line) - len(line.lstrip()))
    depth, start, last = 0, 0, 0
    pieces: list[str] = []
    grouped = False  # whether a comma would change what one piece means
    for i, sign in enumerate(masked(line)):
        if sign in "([{":
            depth += 1
            if depth == 1 and not start:
                start = last = i + 1
                named = line[:i].endswith(_NAMED)
                grouped = sign != "{" and named == (sign == "[")
        elif sign in ")]}":
            depth -= 1
            if depth == 0 and start:
                pieces.append(line[last:i].strip())
                rest = line[i:]
                break
        elif sign == "," and depth == 1 and start:
            pieces.append(line[last:i].strip())
            last = i + 1
    else:
        return line
    grouped = grouped or " for " in masked(pieces[0])
    end = "" if grouped and len(pieces) == 1 else ","
    inner = [f"{space}    {piece}{end}" for piece in pieces]
    return "\n".join([line[:start], *map(fitted, inner), space + rest])


def helper_texts(helpers: Iterable[str]) -> list[str]:
    """Return the text of helper functions, and of those that they call.

    Parameters
    ----------
    helpers : iterable of str
        Names of functions of `numpy_functions`.

    Returns
    -------
    list of str
    """
    wanted: list[str] = []
    for name in helpers:
        for needed in (*numpy_functions.NEEDS.get(name, ()), name):
            if needed not in wanted:
                wanted.append(needed)
    return [_text_of(name) for name in wanted]


def _text_of(name: str) -> str:
    """Return the text of a helper function, without its annotations."""
    text = inspect.getsource(getattr(numpy_functions, name)).rstrip()
    head, _, body = text.partition(") -> Any:\n")
    head = re.sub(r": (Any|int) = ", "=", " ".join(head.split()))
    head = re.sub(r": (Any|int)", "", head).replace("( ", "(").removesuffix(",")
    return f"{fitted(f'{head}):')}\n{body}"
