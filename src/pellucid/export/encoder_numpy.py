"""The encoding of rows as NumPy, on whole columns."""

from itertools import groupby
from typing import TYPE_CHECKING

from pellucid.export import encoder_python
from pellucid.export.encoder_code import Dialect, EncoderCode, encoder_of, words_of
from pellucid.export.identifiers import Identifiers
from pellucid.export.language import ATOM, COMPARISON, SUM, Form, broken

if TYPE_CHECKING:
    from pellucid.network import NeuralNetwork

_FORMS = {**encoder_python.PYTHON.forms} | {
    "interpolate": Form("np.interp({0}, {1}, {2})"),
    "date_part": Form("np.array([{1}_of(each) for each in {0}])"),
    "sine": Form("np.sin(2.0 * np.pi * {0} / {1})", ATOM, (ATOM,)),
    "cosine": Form("np.cos(2.0 * np.pi * {0} / {1})", ATOM, (ATOM,)),
    "is_missing": Form("np.isnan({0})"),
    "is_missing text": Form("np.equal({0}, None)"),
    "equals": Form("{0} == {1}", COMPARISON, (SUM,)),
    "lookup": Form("np.array([place_of(each, {1}, {2}) for each in {0}])"),
}
_HELPERS = {**encoder_python.HELPERS} | {
    "filled": '''
def filled(x, value):
    """Return numbers, and a value where they are missing."""
    return np.where(np.isnan(x), value, x)
''',
    "smooth_clip": '''
def smooth_clip(x, limit):
    """Return nearly x where it is small, and never more than the limit."""
    t = np.clip(x / limit, -1e6, 1e6)
    return limit * t / np.sqrt(1.0 + t * t)
''',
    "single": '''
def single(columns):
    """Return columns of numbers side by side, rounded to 32 bits as in training."""
    with np.errstate(over="ignore"):
        numbers = np.stack(columns, axis=1).astype(np.float32)
    if not np.isfinite(numbers).all():
        raise ValueError("a cell is too large a number")
    return numbers
''',
}
NUMPY = Dialect("NumPy", _FORMS, encoder_python.PYTHON.number, repr, _HELPERS)


def encoding(network: "NeuralNetwork", taken: set[str]) -> EncoderCode | None:
    """Return the encoder of a network in NumPy, if it has one.

    Parameters
    ----------
    network : NeuralNetwork
        Any.
    taken : set of str
        Names that mean something else in the program.

    Returns
    -------
    EncoderCode or None
    """
    encoder = encoder_of(network)
    if encoder is None:
        return None
    return EncoderCode(encoder, NUMPY, Identifiers({*taken, "np", "rows"}))


def function(code: EncoderCode) -> list[str]:
    """Return the function that encodes rows, without the functions that it calls.

    Parameters
    ----------
    code : EncoderCode
        The encoder.

    Returns
    -------
    list of str
        Lines.
    """
    lines = ["def encode(rows):"]
    lines.append(
        '    """Return what the network takes: numbers, a row for each row."""'
    )
    for cell in code.cells:
        more = ", dtype=object" if cell.kind == "text" else ""
        read = encoder_python.read(cell)
        line = f"    {cell.name} = np.array([{read} for row in rows]{more})"
        lines += broken(line, "    ", equals=False)
    results = code.results
    for name, each in code.lines.items():
        if name in code.codes:
            lines += words_of(each[0].cell, "#", 4)
            line = f"    {results[name]} = {each[0].text}"
            lines += broken(line, "    ", equals=False)
            continue
        lines.append(f"    {results[name]} = single([")
        for cell, some in groupby(each, lambda line: line.cell):
            lines += words_of(cell, "#", 8)
            for one in some:
                lines += broken(f"        {one.text},", "    ")
        lines.append("    ])")
    if not code.codes:
        return [*lines, *(f"    return {result}" for result in results.values())]
    pairs = ", ".join(f"{name!r}: {result}" for name, result in results.items())
    return [*lines, *broken(f"    return {{{pairs}}}", "    ")]
