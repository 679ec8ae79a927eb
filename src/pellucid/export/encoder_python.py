"""The encoding of a row as plain Python, and what its cells may be."""

import re
from collections.abc import Iterable
from itertools import groupby
from typing import Any

from pellucid.data.recognition import MISSING
from pellucid.export.code_text import fitted
from pellucid.export.encoder_code import (
    COMMON,
    FLAGS,
    Cell,
    Dialect,
    EncoderCode,
    words_in,
)
from pellucid.export.encoder_words import example, plain, shown, words_of
from pellucid.export.language import ATOM, COMPARISON, SUM, Form, rows


def _number(value: float) -> str:
    return repr(float(value)) if value == value else "math.nan"


def text(value: Any) -> str:
    """Return a text in quotes, double ones where these need no backslash.

    Parameters
    ----------
    value : str
        The text; a number is returned as it is printed.

    Returns
    -------
    str
    """
    found = repr(value)
    return f'"{found[1:-1]}"' if found[0] == "'" and '"' not in found else found


_FORMS = COMMON | {
    "interpolate": Form("interpolated({0}, {1}, {2})"),
    "sine": Form("math.sin(2.0 * math.pi * {0} / {1})", ATOM, (ATOM,)),
    "cosine": Form("math.cos(2.0 * math.pi * {0} / {1})", ATOM, (ATOM,)),
    "is_missing": Form("float({0} != {0})", ATOM, (SUM,)),
    "is_missing text": Form("float({0} is None)", ATOM, (COMPARISON,)),
    "equals": Form("float({0} == {1})", ATOM, (SUM,)),
    "lookup": Form("place_of({0}, {1}, {2})"),
}

HELPERS = {
    "cell_of": '''
def cell_of(row, name):
    """Return a cell of a row, None where nothing is."""
    if name not in row:
        raise ValueError(f"the row has no {name!r}; write None where it is not known")
    cell = row[name]
    if isinstance(cell, str):
        cell = cell.strip()
        return None if cell in MISSING else cell
    return None if cell is None or cell != cell else cell
''',
    "number_of": '''
def number_of(row, name):
    """Return a number, "not a number" where nothing is."""
    cell = cell_of(row, name)
    try:
        found = math.nan if cell is None else float(cell)
    except (TypeError, ValueError):
        found = math.inf
    if math.isinf(found):
        raise ValueError(f"{name} is {cell!r}; expected a number")
    return found
''',
    "text_of": '''
def text_of(row, name):
    """Return a text, None where nothing is."""
    cell = cell_of(row, name)
    if isinstance(cell, (bool, int, float)) and float(cell).is_integer():
        return str(int(cell))
    return cell if cell is None else str(cell)
''',
    "flag_of": '''
def flag_of(row, name):
    """Return 1 for yes, 0 for no, "not a number" where nothing is."""
    cell = cell_of(row, name)
    if cell is None:
        return math.nan
    found = FLAGS.get(cell.lower()) if isinstance(cell, str) else cell
    if found not in (0.0, 1.0):
        raise ValueError(f"{name} is {cell!r}; expected yes or no")
    return float(found)
''',
    "moment_of": '''
def moment_of(seconds):
    """Return the date and time of seconds since 1970."""
    return EPOCH + datetime.timedelta(seconds=math.floor(seconds))
''',
    "date_of": '''
def date_of(row, name, day_first=None):
    """Return a date in seconds since 1970 (UTC), "not a number" where nothing is."""
    cell = cell_of(row, name)
    if cell is None:
        return math.nan
    try:
        if isinstance(cell, (int, float)):
            return (moment_of(cell) - EPOCH).total_seconds() + cell % 1
        found = DATE.fullmatch(str(cell))
        first, sign, second, third, *time, fraction, zone = found.groups()
        slashes = {True: (2, 1, 0), False: (2, 0, 1)}.get(day_first)
        order = {"-": (0, 1, 2), ".": (2, 1, 0), "/": slashes}[sign]
        year, month, day = ((first, second, third)[place] for place in order)
        if len(year) != 4:
            raise ValueError
        parts = (int(part or 0) for part in (year, month, day, *time))
        moment = datetime.datetime(*parts, tzinfo=datetime.timezone.utc)
    except (AttributeError, OverflowError, TypeError, ValueError):
        raise ValueError(f"{name} is {cell!r}; expected a date") from None
    seconds = (moment - EPOCH).total_seconds() + float(fraction or 0)
    if zone and zone != "Z":
        minutes = 60 * int(zone[1:3]) + int(zone[-2:])
        seconds -= 60 * (minutes if zone[0] == "+" else -minutes)
    return seconds
''',
    "month_of": '''
def month_of(seconds):
    """Return the month from 0."""
    return float(moment_of(seconds).month - 1)
''',
    "day_of": '''
def day_of(seconds):
    """Return the day of the month from 0."""
    return float(moment_of(seconds).day - 1)
''',
    "weekday_of": '''
def weekday_of(seconds):
    """Return the day of the week, 0 for Monday."""
    return float(moment_of(seconds).weekday())
''',
    "hour_of": '''
def hour_of(seconds):
    """Return the hour from 0."""
    return float(moment_of(seconds).hour)
''',
    "minute_of": '''
def minute_of(seconds):
    """Return the minute from 0."""
    return float(moment_of(seconds).minute)
''',
    "filled": '''
def filled(x, value):
    """Return a number, or a value where it is missing."""
    return value if x != x else x
''',
    "smooth_clip": '''
def smooth_clip(x, limit):
    """Return nearly x where it is small, and never more than the limit."""
    t = min(max(x / limit, -1e6), 1e6)
    return limit * t / math.sqrt(1.0 + t * t)
''',
    "interpolated": '''
def interpolated(x, knots, values):
    """Return the value at x on the line through values at knots."""
    if x <= knots[0]:
        return values[0]
    if x >= knots[-1]:
        return values[-1]
    i = bisect.bisect_right(knots, x) - 1
    slope = (values[i + 1] - values[i]) / (knots[i + 1] - knots[i])
    return slope * (x - knots[i]) + values[i]
''',
    "place_of": '''
def place_of(text, levels, missing):
    """Return the place of a text from 1, 0 where it is none of them."""
    if text is None:
        return missing
    return levels.index(text) + 1 if text in levels else 0
''',
    "single": '''
def single(values):
    """Return numbers rounded to 32 bits, as the network was given them."""
    return list(array.array("f", values))
''',
}

# What helpers name besides each other.
CONSTANTS = {
    "MISSING": "MISSING = (  # texts that stand for nothing\n{}\n)",
    "FLAGS": "FLAGS = {{\n{}\n}}",
    "DATE": """DATE = re.compile(
    r"(\\d{1,4})([-./])(\\d{1,2})\\2(\\d{1,4})"
    r"(?:[T ](\\d{1,2}):(\\d{2})(?::(\\d{2})(\\.\\d+)?)?(Z|[+-]\\d{2}:?\\d{2})?)?"
)""",
    "EPOCH": "EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)",
}
_LISTS = {
    "MISSING": map(text, MISSING),
    "FLAGS": (f"{text(word)}: {value!r}" for word, value in FLAGS.items()),
}
CONSTANTS |= {
    name: CONSTANTS[name].format("\n".join(rows(each))) for name, each in _LISTS.items()
}
MODULES = ("array", "bisect", "datetime", "math", "re")

PYTHON = Dialect("Python", _FORMS, _number, text, HELPERS)


def quoted(line: str) -> str:
    """Return a line that can stand in a docstring.

    Parameters
    ----------
    line : str
        The line.

    Returns
    -------
    str
    """
    return line.replace("\\", "\\\\").replace('"""', "'''")


def example_lines(
    code: EncoderCode, start: str, end: str, answers: Iterable[float]
) -> list[str]:
    """Return a call with a row, and what comes out.

    Parameters
    ----------
    code : EncoderCode
        The encoder.
    start, end : str
        What stands before and behind the row.
    answers : iterable of float
        What the network answers.

    Returns
    -------
    list of str
        Lines.
    """
    row = example(code.cells).items()
    lines = [
        f"    {text(column)}: {text(value)},  # {plain(cell.said)}"
        for (column, value), cell in zip(row, code.cells, strict=True)
    ]
    return [f"{start}{{", *lines, f"}}{end} -> {shown(answers)}"]


def read(cell: Cell, row: str = "row") -> str:
    """Return the call that reads a cell of a row.

    Parameters
    ----------
    cell : Cell
        Of which column.
    row : str
        What the row is called.

    Returns
    -------
    str
    """
    first = cell.day_first if cell.kind == "date" else None
    more = "" if first is None else f", day_first={first}"
    return f"{cell.kind}_of({row}, {text(cell.column)}{more})"


def preamble(code: EncoderCode, text: str) -> tuple[list[str], list[str], list[str]]:
    """Return what a text with the encoding of a row needs above it.

    Parameters
    ----------
    code : EncoderCode
        The encoder.
    text : str
        The program so far.

    Returns
    -------
    modules : list of str
        Those of the standard library.
    lists : list of str
        Lines.
    functions : list of str
        The text of each.
    """
    functions = code.helpers(text)
    everything = "\n".join([text, *functions])
    used = words_in(everything)
    lists = [
        line
        for name in CONSTANTS
        if name in used
        for line in CONSTANTS[name].split("\n")
    ]
    everything = "\n".join([everything, *lists])
    modules = [m for m in MODULES if re.search(rf"(?<![\w.]){m}\.", everything)]
    return modules, [*lists, *constants(code)], functions


def constants(code: EncoderCode) -> list[str]:
    """Return the lists that the expressions of an encoder name.

    Parameters
    ----------
    code : EncoderCode
        The encoder.

    Returns
    -------
    list of str
        Lines.
    """
    lines = []
    for name, values in code.constants.items():
        lines += [f"{name} = [", *rows(map(text, values)), "]"]
    return lines


def function(code: EncoderCode) -> list[str]:
    """Return the function that encodes one row, without the functions that it calls.

    Parameters
    ----------
    code : EncoderCode
        The encoder.

    Returns
    -------
    list of str
        Lines.
    """
    lines = [f"    {cell.name} = {read(cell)}" for cell in code.cells]
    lines += made(code, "[{}]")
    return [
        "def encode(row):",
        '    """Return what the network takes of a row."""',
        *lines,
    ]


def made(code: EncoderCode, codes: str) -> list[str]:
    """Return the lines that make the inputs of a network, and return them.

    Parameters
    ----------
    code : EncoderCode
        The encoder.
    codes : str
        What becomes of a code, with {} for it.

    Returns
    -------
    list of str
        Lines.
    """
    lines = [f"    {name} = {text}" for name, text in code.steps.items()]
    results = code.results
    for name, each in code.lines.items():
        if name in code.codes:
            lines += words_of(each[0].cell, "#", 4)
            lines.append(f"    {results[name]} = {codes.format(each[0].text)}")
            continue
        lines.append(f"    {results[name]} = single([")
        for cell, some in groupby(each, lambda line: line.cell):
            lines += words_of(cell, "#", 8)
            lines += [f"        {line.text}," for line in some]
        lines.append("    ])")
    found = ", ".join(f"{text(name)}: {result}" for name, result in results.items())
    found = f"{{{found}}}" if code.codes else ", ".join(results.values())
    return [part for line in [*lines, f"    return {found}"] for part in pieces(line)]


def pieces(line: str) -> list[str]:
    """Return a line of code as one or several, none of which is too long.

    Parameters
    ----------
    line : str
        With its spaces in front.

    Returns
    -------
    list of str
    """
    return fitted(line).split("\n")
