"""What a program says of the tables it takes: an example, rules, comments."""

from collections.abc import Callable, Iterable
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.data.columns import date_text
from pellucid.data.dates import DATE_FORMS
from pellucid.export.encoder_code import Cell, encoder_of
from pellucid.export.language import WIDTH

if TYPE_CHECKING:
    from pellucid.network import NeuralNetwork


def outcome(network: "NeuralNetwork") -> str | None:
    """Return what comes out of a network for tables where that is a number, in words.

    Parameters
    ----------
    network : NeuralNetwork
        Any.

    Returns
    -------
    str or None
    """
    encoder = encoder_of(network)
    if encoder is None or encoder.target is None or network.loss.task != "numbers":
        return None
    name = plain(encoder.target.name)
    return f"the predicted {name}, in its own unit, as predict gives it"


def example(cells: Iterable[Cell]) -> dict[str, Any]:
    """Return a row such as training had: medians, and the first of several texts.

    Parameters
    ----------
    cells : iterable of Cell
        The columns.

    Returns
    -------
    dict of str to float or str
        A cell for each column.
    """
    return {cell.column: _EXAMPLES[cell.kind](cell) for cell in cells}


def _number_in(cell: Cell) -> float:
    return float(getattr(cell.encoding, "fill", 1.0))


def _flag_in(cell: Cell) -> float | str:
    yes = getattr(cell.encoding, "fill", 0.0) > 0
    word = "yes" if yes else "no"
    return float(yes) if cell.numeric else str(getattr(cell.encoding, word, word))


def _date_in(cell: Cell) -> str:
    day, space, time = date_text(_number_in(cell)).partition(" ")
    if cell.day_first is not None:
        year, month, number = day.split("-")
        first = (number, month) if cell.day_first else (month, number)
        day = "/".join([*first, year])
    return f"{day}{space}{time}"


_EXAMPLES: dict[str, Callable[[Cell], float | str]] = {
    "number": _number_in,
    "flag": _flag_in,
    "date": _date_in,
    "text": lambda cell: next(iter(getattr(cell.encoding, "levels", ())), "any text"),
}


def answers_to(network: "NeuralNetwork", row: dict[str, Any]) -> list[float]:
    """Return what a network answers for a row of a table.

    Parameters
    ----------
    network : NeuralNetwork
        With an encoder.
    row : dict of str to cell
        The row.

    Returns
    -------
    list of float
        What a program of the network returns for it.
    """
    encoder = encoder_of(network)
    assert encoder is not None
    x = encoder.to_inputs(row)
    if network.loss.task == "numbers":
        found = network.predict(x, engine="readable")
    elif network.loss.link == "identity":
        found = network.feedforward(x)
    else:
        found = network.predict_proba(x, engine="readable")
    return [float(value) for value in np.ravel(found)]


def shown(values: Iterable[float]) -> str:
    """Return numbers in short.

    Parameters
    ----------
    values : iterable of float
        The numbers.

    Returns
    -------
    str
        At most eight of them, in brackets.
    """
    printed = [f"{value:.6g}" for value in values]
    return f"[{', '.join(printed[:8])}{', ...' * (len(printed) > 8)}]"


def rules(cells: Iterable[Cell], nothing: str) -> list[str]:
    """Return how cells are written.

    Parameters
    ----------
    cells : iterable of Cell
        The columns.
    nothing : str
        How the language writes that nothing is there.

    Returns
    -------
    list of str
        Lines.
    """
    kinds = {cell.kind for cell in cells}
    told = [f"Where a cell is not known, write {nothing}."]
    if kinds != {"number"}:
        told.append("Texts such as '' and 'NA' stand for nothing, too.")
    if "text" in kinds:
        told.append("A text that training has not seen counts as none of those known.")
    if "date" in kinds:
        slashes = {c.encoding.asked for c in cells if c.day_first is not None}
        forms = {"year-month-day", "day.month.year", *slashes}
        known = " or ".join(form for form in DATE_FORMS if form in forms)
        told.append(f"Dates are texts, {known}, with a time behind or without.")
    return wrap(" ".join(told), 80, break_on_hyphens=False)


def words_of(cell: Cell, mark: str, indent: int) -> list[str]:
    """Return a comment that says how a column is encoded.

    Parameters
    ----------
    cell : Cell
        Of the column.
    mark : str
        What makes a line a comment.
    indent : int
        Spaces before it.

    Returns
    -------
    list of str
        Lines.
    """
    text = plain(f"{cell.column}: {cell.encoding.said}")
    room = WIDTH - indent - len(mark) - 1
    return [f"{' ' * indent}{mark} {line}" for line in wrap(text, room)]


def plain(text: str) -> str:
    """Return a text in one line, without signs that cannot be seen.

    Parameters
    ----------
    text : str
        Such as the name of a column.

    Returns
    -------
    str
        Signs that turn the direction of a line, end it or are none are a ``?``.
    """
    line = " ".join(text.split())
    return "".join(sign if sign.isprintable() else "?" for sign in line)
