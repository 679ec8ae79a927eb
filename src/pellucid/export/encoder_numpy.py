"""The encoding of rows as NumPy, on whole columns."""

from typing import TYPE_CHECKING

from pellucid.export import encoder_python
from pellucid.export.encoder_code import Dialect, EncoderCode, encoder_of
from pellucid.export.identifiers import Identifiers
from pellucid.export.language import ATOM, COMPARISON, SUM, Form

if TYPE_CHECKING:
    from pellucid.network import NeuralNetwork

_FORMS = {**encoder_python.PYTHON.forms} | {
    "interpolate": Form("np.interp({0}, {1}, {2})"),
    "sine": Form("np.sin(2.0 * np.pi * {0} / {1})", ATOM, (ATOM,)),
    "cosine": Form("np.cos(2.0 * np.pi * {0} / {1})", ATOM, (ATOM,)),
    "is_missing": Form("np.isnan({0})"),
    "is_missing text": Form("np.equal({0}, None)"),
    "equals": Form("{0} == {1}", COMPARISON, (SUM,)),
    "lookup": Form("places_of({0}, {1}, {2})"),
}
_PART = """
def {name}_of(dates):
    \"\"\"Return {words}.\"\"\"
    return np.array([{value} for seconds in dates], float)
"""
_PARTS = {
    "month": ("the months from 0", "moment_of(seconds).month - 1"),
    "day": ("the days of the month from 0", "moment_of(seconds).day - 1"),
    "weekday": ("the days of the week, 0 for Monday", "moment_of(seconds).weekday()"),
    "hour": ("the hours from 0", "moment_of(seconds).hour"),
    "minute": ("the minutes from 0", "moment_of(seconds).minute"),
}
_HELPERS = {**encoder_python.HELPERS}
_HELPERS |= {
    f"{name}_of": _PART.format(name=name, words=words, value=value)
    for name, (words, value) in _PARTS.items()
}
_HELPERS |= {
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
    "places_of": '''
def places_of(texts, levels, missing):
    """Return the places of texts from 1, 0 where they are none of them."""
    return np.array([place_of(text, levels, missing) for text in texts])
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
NUMPY = Dialect(
    "NumPy", _FORMS, encoder_python.PYTHON.number, encoder_python.text, _HELPERS
)


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
    return EncoderCode(encoder, NUMPY, Identifiers({*taken, "np", "row", "rows"}))


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
    lines = [
        "def encode(rows):",
        '    """Return what the network takes: numbers, a row for each row."""',
    ]
    for cell in code.cells:
        more = ", dtype=object" if cell.kind == "text" else ""
        read = encoder_python.read(cell)
        line = f"    {cell.name} = np.array([{read} for row in rows]{more})"
        lines += encoder_python.pieces(line)
    return [*lines, *encoder_python.made(code, "{}")]
