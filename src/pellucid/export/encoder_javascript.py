"""The encoding of a row as JavaScript."""

import json
from collections.abc import Iterable
from itertools import groupby
from typing import Any

from pellucid.data.recognition import MISSING
from pellucid.export.encoder_code import FLAGS, Cell, Dialect, EncoderCode
from pellucid.export.encoder_words import example, plain, shown, words_of
from pellucid.export.language import (
    ATOM,
    COMPARISON,
    PRODUCT,
    SIGN,
    SUM,
    Form,
    broken,
    rows,
)


def _number(value: float) -> str:
    return repr(float(value)) if value == value else "NaN"


def text(value: Any) -> str:
    """Return a text in quotes, as numbers where it has signs that cannot be seen.

    Parameters
    ----------
    value : str
        The text.

    Returns
    -------
    str
    """
    readable = not isinstance(value, str) or value.isprintable()
    return json.dumps(value, ensure_ascii=not readable)


_FORMS = {
    "fill": Form("filled({0}, {1})"),
    "subtract": Form("{0} - {1}", SUM, (SUM, PRODUCT)),
    "add": Form("{0} + {1}", SUM, (SUM, PRODUCT)),
    "divide": Form("{0} / {1}", PRODUCT, (PRODUCT, SIGN)),
    "smooth_clip": Form("smoothClip({0}, {1})"),
    "date_part": Form("{1}Of({0})"),
    "interpolate": Form("interpolated({0}, {1}, {2})"),
    "sine": Form("Math.sin(2 * Math.PI * {0} / {1})", ATOM, (ATOM,)),
    "cosine": Form("Math.cos(2 * Math.PI * {0} / {1})", ATOM, (ATOM,)),
    "is_missing": Form("Number(Number.isNaN({0}))"),
    "is_missing text": Form("Number({0} === null)", ATOM, (COMPARISON,)),
    "equals": Form("Number({0} === {1})", ATOM, (SUM,)),
    "lookup": Form("placeOf({0}, {1}, {2})"),
}

HELPERS = {
    "MISSING": "// Texts that stand for nothing.\nconst MISSING = [\n{}\n];".format(
        "\n".join(rows(map(json.dumps, MISSING), "  "))
    ),
    "FLAGS": "const FLAGS = new Map([\n{}\n]);".format(
        "\n".join(rows((f'["{w}", {v:g}]' for w, v in FLAGS.items()), "  "))
    ),
    "wrong": """
// Says what is wrong with a cell.
function wrong(name, cell, expected) {
  throw new RangeError(`${name} is ${JSON.stringify(cell)}; expected ${expected}`);
}
""",
    "cellOf": """
// Returns a cell of a row, null where nothing is.
function cellOf(row, name) {
  if (!Object.hasOwn(row, name)) {
    throw new RangeError(
      `the row has no ${JSON.stringify(name)}; write null where it is not known`);
  }
  let cell = row[name];
  if (typeof cell === "string") {
    cell = cell.trim();
    return MISSING.includes(cell) ? null : cell;
  }
  return cell === undefined || Number.isNaN(cell) ? null : cell;
}
""",
    "numberOf": """
// Returns a number, NaN where nothing is.
function numberOf(row, name) {
  const cell = cellOf(row, name);
  if (cell === null) return NaN;
  const found = typeof cell === "object" ? NaN : Number(cell);
  return Number.isFinite(found) ? found : wrong(name, cell, "a number");
}
""",
    "textOf": """
// Returns a text, null where nothing is.
function textOf(row, name) {
  const cell = cellOf(row, name);
  return typeof cell === "boolean" ? String(Number(cell)) : cell && String(cell);
}
""",
    "flagOf": """
// Returns 1 for yes, 0 for no, NaN where nothing is.
function flagOf(row, name) {
  const cell = cellOf(row, name);
  if (cell === null) return NaN;
  return FLAGS.get(String(cell).toLowerCase()) ?? wrong(name, cell, "yes or no");
}
""",
    "DATE": """
const DATE = new RegExp(
  "^(\\\\d{1,4})([-./])(\\\\d{1,2})\\\\2(\\\\d{1,4})" +
  "(?:[T ](\\\\d{1,2}):(\\\\d{2})(?::(\\\\d{2})(\\\\.\\\\d+)?)?" +
  "(Z|[+-]\\\\d{2}:?\\\\d{2})?)?$");
""",
    "dateOf": """
// Returns a date in seconds since 1970 (UTC), NaN where nothing is.
function dateOf(row, name, dayFirst) {
  const cell = cellOf(row, name);
  if (cell === null) return NaN;
  if (cell instanceof Date) return cell.getTime() / 1000;
  if (Number.isFinite(cell)) return cell;
  const found = DATE.exec(String(cell));
  if (found === null) wrong(name, cell, "a date");
  const [, first, sign, second, third, ...rest] = found;
  const slashes = dayFirst ? [third, second, first] : [third, first, second];
  const order = { "-": [first, second, third], ".": [third, second, first] }[sign];
  const known = order ?? (dayFirst === undefined ? ["", 0, 0] : slashes);
  const [year, month, day] = known.map(Number);
  const [hour, minute, whole] = rest.slice(0, 3).map((part) => Number(part ?? 0));
  const moment = new Date(0);
  moment.setUTCFullYear(year, month - 1, day);
  moment.setUTCHours(hour, minute, whole);
  const same = moment.getUTCMonth() === month - 1 && moment.getUTCDate() === day &&
    moment.getUTCHours() === hour && moment.getUTCMinutes() === minute &&
    moment.getUTCSeconds() === whole;
  if (known[0].length !== 4 || year < 1 || !same) wrong(name, cell, "a date");
  let seconds = moment.getTime() / 1000 + Number(rest[3] ?? 0);
  if (rest[4] !== undefined && rest[4] !== "Z") {
    const minutes = 60 * Number(rest[4].slice(1, 3)) + Number(rest[4].slice(-2));
    seconds -= 60 * (rest[4][0] === "+" ? minutes : -minutes);
  }
  return seconds;
}
""",
    "momentOf": """
function momentOf(seconds) {
  return new Date(Math.floor(seconds) * 1000);
}
""",
    "monthOf": """
function monthOf(seconds) {
  return momentOf(seconds).getUTCMonth();
}
""",
    "dayOf": """
function dayOf(seconds) {
  return momentOf(seconds).getUTCDate() - 1;
}
""",
    "weekdayOf": """
// Returns 0 for Monday.
function weekdayOf(seconds) {
  return (momentOf(seconds).getUTCDay() + 6) % 7;
}
""",
    "hourOf": """
function hourOf(seconds) {
  return momentOf(seconds).getUTCHours();
}
""",
    "minuteOf": """
function minuteOf(seconds) {
  return momentOf(seconds).getUTCMinutes();
}
""",
    "filled": """
// Returns a number, or a value where it is missing.
function filled(x, value) {
  return Number.isNaN(x) ? value : x;
}
""",
    "smoothClip": """
// Returns nearly x where it is small, and never more than the limit.
function smoothClip(x, limit) {
  const t = Math.min(Math.max(x / limit, -1e6), 1e6);
  return limit * t / Math.sqrt(1 + t * t);
}
""",
    "interpolated": """
// Returns the value at x on the line through values at knots.
function interpolated(x, knots, values) {
  const last = knots.length - 1;
  if (x <= knots[0]) return values[0];
  if (x >= knots[last]) return values[last];
  const i = knots.findLastIndex((knot) => knot <= x);
  const slope = (values[i + 1] - values[i]) / (knots[i + 1] - knots[i]);
  return slope * (x - knots[i]) + values[i];
}
""",
    "placeOf": """
// Returns the place of a text from 1, 0 where it is none of them.
function placeOf(text, levels, missing) {
  return text === null ? missing : levels.indexOf(text) + 1;
}
""",
}

JAVASCRIPT = Dialect("JavaScript", _FORMS, _number, text, HELPERS)


def example_lines(code: EncoderCode, name: str, answers: Iterable[float]) -> list[str]:
    """Return a call with a row, and what comes out.

    Parameters
    ----------
    code : EncoderCode
        The encoder.
    name : str
        Of the function that predicts.
    answers : iterable of float
        What the network answers.

    Returns
    -------
    list of str
        Lines.
    """
    row = example(code.cells).items()
    lines = [
        f"  {text(column)}: {text(value)}, // {plain(cell.said)}"
        for (column, value), cell in zip(row, code.cells, strict=True)
    ]
    return [f"const output = {name}({{", *lines, f"}}); // {shown(answers)}"]


def read(cell: Cell) -> str:
    """Return the call that reads a cell of a row.

    Parameters
    ----------
    cell : Cell
        Of which column.

    Returns
    -------
    str
    """
    first = cell.day_first if cell.kind == "date" else None
    more = "" if first is None else f", {str(first).lower()}"
    return f"{cell.kind}Of(row, {text(cell.column)}{more})"


def lines_of(code: EncoderCode) -> list[str]:
    """Return the function that encodes one row, and the lists that it needs.

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
        lines += [f"const {name} = [", *rows(map(text, values), "  "), "];"]
    lines += ["", "// Returns what the network takes of a row."]
    lines.append("export function encode(row) {")
    lines += [f"  const {cell.name} = {read(cell)};" for cell in code.cells]
    lines += [f"  const {step} = {value};" for step, value in code.steps.items()]
    results = code.results
    for name, each in code.lines.items():
        if name in code.codes:
            lines += words_of(each[0].cell, "//", 2)
            lines.append(f"  const {results[name]} = [{each[0].text}];")
            continue
        lines.append(f"  const {results[name]} = [")
        for cell, some in groupby(each, lambda line: line.cell):
            lines += words_of(cell, "//", 4)
            for line in some:
                lines += broken(f"    {line.text},", "  ")
        lines.append("  ].map(Math.fround); // rounded to 32 bits, as in training")
    if not code.codes:
        return [*lines, *(f"  return {result};" for result in results.values()), "}"]
    pairs = ", ".join(f"{text(name)}: {result}" for name, result in results.items())
    return [*lines, *broken(f"  return {{{pairs}}};", "  "), "}"]
