"""Which line of a layer's own code something came from."""

import linecache
import sys
from functools import cache
from pathlib import Path

_MACHINERY = {
    "source_lines",
    "symbol",
    "ops",
    "program",
    "layer",
    "layout",
    "blueprint",
}


@cache
def is_machinery(filename: str) -> bool:
    """Return whether code is not a layer's own, but what follows it.

    Parameters
    ----------
    filename : str
        Where the code is.

    Returns
    -------
    bool
    """
    path = Path(filename)
    own = path.parent == Path(__file__).parent and path.stem in _MACHINERY
    # "<string>": the methods that a dataclass writes for itself.
    return own or "numpy" in path.parts or filename == "<string>"


def running_line() -> tuple[str, int]:
    """Return file and line of the innermost own code that is running now.

    Returns
    -------
    filename : str
    line : int
    """
    frame = sys._getframe(1)
    while is_machinery(frame.f_code.co_filename) and frame.f_back is not None:
        frame = frame.f_back
    return frame.f_code.co_filename, frame.f_lineno


def place(filename: str, number: int) -> str:
    """Return a line of code in print.

    Parameters
    ----------
    filename : str
        Where it is.
    number : int
        Of the line, from 1.

    Returns
    -------
    str
        Such as ``"wave.py, line 12: `memo.z = x @ p.W`"``.
    """
    line = linecache.getline(filename, number).strip()
    where = f"{Path(filename).name}, line {number}"
    return f"{where}: `{line}`" if line else where
