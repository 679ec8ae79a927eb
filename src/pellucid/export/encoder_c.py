"""The encoding of a row as C99: a struct of columns, and a function that takes it."""

from collections.abc import Iterable
from itertools import groupby

from pellucid.encoder import Standardized
from pellucid.encoder.operations import NUMBERS
from pellucid.export.encoder_c_functions import HELPERS, text
from pellucid.export.encoder_code import (
    COMMON,
    Cell,
    Dialect,
    EncoderCode,
)
from pellucid.export.encoder_words import example, plain, shown, words_of
from pellucid.export.language import (
    ATOM,
    COMPARISON,
    SUM,
    Form,
    broken,
    call_lines,
    rows,
)
from pellucid.export.loops import Array
from pellucid.symbol import FLOAT


def comment(line: str) -> str:
    """Return a line that can stand in a comment.

    Parameters
    ----------
    line : str
        The line.

    Returns
    -------
    str
    """
    line = line.replace("*/", "* /").replace("/*", "/ *").replace("\\", "\\\\")
    return line.replace("??", "? ?")


def _number(value: float) -> str:
    return repr(value) if value == value else "NAN"


_FORMS = COMMON | {
    "interpolate": Form("interpolated({0}, {1}, {2}, COUNT({1}))"),
    "sine": Form("sin(2 * PI * {0} / {1})", ATOM, (ATOM,)),
    "cosine": Form("cos(2 * PI * {0} / {1})", ATOM, (ATOM,)),
    "is_missing": Form("{0} != {0}", COMPARISON, (SUM,)),
    "is_missing text": Form("{0} == NULL", COMPARISON, (SUM,)),
    "equals": Form("is({0}, {1})"),
    "lookup": Form("place_of({0}, {1}, COUNT({1}), {2})"),
}

C = Dialect("C", _FORMS, _number, text, HELPERS)


def type_of(cell: Cell) -> str:
    """Return the type of a cell, with what stands before its name.

    Parameters
    ----------
    cell : Cell
        Of which column.

    Returns
    -------
    str
    """
    return "double " if cell.numeric else "const char *"


def prototype(name: str) -> list[str]:
    """Return the head of the function that takes a row.

    Parameters
    ----------
    name : str
        Of the function that predicts.

    Returns
    -------
    list of str
        Lines.
    """
    given = [f"const struct {name}_columns *row"]
    given.append(f"double output[{name.upper()}_OUTPUTS]")
    return call_lines(f"int {name}_row(", given, ")")


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

    def quoted(value: str) -> str:
        return f'"{plain(value)}"'  # in a comment, where it is to be read

    row = example(code.cells).values()
    lines = [
        f"    .{cell.name} = {value if cell.numeric else quoted(value)},"
        for value, cell in zip(row, code.cells, strict=True)
    ]
    return [
        f"const struct {name}_columns row = {{",
        *lines,
        "};",
        f"double output[{name.upper()}_OUTPUTS];",
        f"{name}_row(&row, output); // {shown(answers)}",
    ]


def struct(code: EncoderCode, name: str) -> list[str]:
    """Return the struct of a row.

    Parameters
    ----------
    code : EncoderCode
        The encoder.
    name : str
        Of the function that predicts.

    Returns
    -------
    list of str
        Lines.
    """
    lines = [f"struct {name}_columns {{"]
    for cell in code.cells:
        said = cell.said if cell.column == cell.name else f"{cell.column}: {cell.said}"
        lines += [f"    {type_of(cell)}{cell.name}; /* {comment(plain(said))} */"]
    return [*lines, "};", ""]


def lines_of(
    code: EncoderCode, name: str, inputs: dict[str, Array], units: Standardized | None
) -> list[str]:
    """Return the lists that the encoding of a row needs, and the function.

    Parameters
    ----------
    code : EncoderCode
        The encoder.
    name : str
        Of the function that predicts.
    inputs : dict of str to Array
        What that function takes, in order.
    units : Standardized or None
        How numbers become those of the target.

    Returns
    -------
    list of str
        Lines.
    """
    results = code.results
    names = [results[key or NUMBERS] for key in inputs]
    body = []
    for label, array in zip(names, inputs.values(), strict=True):
        kind = "real" if array.kind == FLOAT else "int32_t"
        body.append(f"{kind} {label}[{array.size}];")
    body += [f"real found[{name.upper()}_OUTPUTS];", *map(_taken, code.cells), ""]
    body += ["for (int i = 0; i < COUNT(found); i++)", "    output[i] = NAN;"]
    for number, cell in enumerate(code.cells, 1):
        if wrong := _wrong(cell):
            body += [f"if ({wrong})", f"    return {number};"]
    body += [f"const double {step} = {value};" for step, value in code.steps.items()]
    body += ["", "/* All numbers are rounded to 32 bits, as in training. */"]
    for key, lines in code.lines.items():
        for cell, some in groupby(enumerate(lines), lambda each: each[1].cell):
            words = [line.strip() for line in words_of(cell, "", 10)]
            body += _comment([comment(line) for line in words])
            for place, line in some:
                target = f"{results[key]}[{place}]"
                if key in code.codes:
                    body.append(f"{target} = {line.text};")
                    continue
                value = line.text if line.level == ATOM else f"({line.text})"
                body.append(f"{target} = (float){value};")
                if not line.bounded:
                    number = 1 + code.cells.index(cell)
                    body += [f"if (!isfinite({target}))", f"    return {number};"]
    body += call_lines(f"{name}(", [*names, "found"], ");")
    body += ["for (int i = 0; i < COUNT(found); i++)"]
    body += [f"    output[i] = {_in_units(units)};", "return 0;"]
    made = [part for line in body for part in broken(f"    {line}".rstrip(), "    ")]
    return [*_lists(code), *prototype(name), "{", *made, "}"]


def _comment(lines: list[str]) -> list[str]:
    """Return a comment of one or several lines."""
    if len(lines) == 1:
        return [f"/* {lines[0]} */"]
    return ["/*", *(f" * {line}" for line in lines), " */"]


def _lists(code: EncoderCode) -> list[str]:
    lines = []
    for label, values in code.constants.items():
        texts = isinstance(values[0], str)
        kind = "char *const " if texts else "double "
        printed = map(text, values) if texts else map(repr, values)
        lines += [f"static const {kind}{label}[] = {{", *rows(printed), "};", ""]
    return lines


def _taken(cell: Cell) -> str:
    """Return what declares the cell of a row."""
    name = cell.name
    if cell.kind == "text":
        return f"const char *const {name} = text_of(row->{name});"
    return f"const double {name} = row->{name};" if cell.numeric else f"double {name};"


def _in_units(units: Standardized | None) -> str:
    if units is None:
        return "found[i]"
    value = f"found[i] * {units.scale!r} + {units.mean!r}"
    return f"fmin(fmax({value}, {units.low!r}), {units.high!r})" * units.clamp or value


def _wrong(cell: Cell) -> str:
    """Return the condition under which a cell cannot be used."""
    name = cell.name
    if cell.kind == "number":
        return f"isinf({name})"
    if cell.kind == "flag" and cell.numeric:
        return f"{name} != 0 && {name} != 1 && {name} == {name}"
    if cell.kind == "flag":
        return f"!flag_of(row->{name}, &{name})"
    if cell.kind == "date":
        first = cell.day_first
        slashes = "0" if first is None else "'d'" if first else "'m'"
        return f"!date_of(row->{name}, {slashes}, &{name})"
    return ""


_MAIN = """
#ifdef {upper}_MAIN
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int refused(const char *cell, const char *why)
{{
    fprintf(stderr, "%s %s\\n", cell, why);
    return 1;
}}

/* Reads rows, tabs between their cells; prints a line of outputs for each. */
int main(void)
{{
    static char line[1 << 16];
    static double output[{upper}_OUTPUTS];
    struct {name}_columns row;
    char *cells[{count}];

    while (fgets(line, sizeof line, stdin)) {{
        char *next = line;
        line[strcspn(line, "\\r\\n")] = 0;
        for (int i = 0; i < COUNT(cells); i++) {{
            cells[i] = next;
            next += strcspn(next, "\\t");
            if ((*next == 0) != (i + 1 == COUNT(cells)))
                return refused(line, "is a row of too few cells, or of too many");
            *next++ = 0;
        }}
{reads}
        const int wrong = {name}_row(&row, output);
        if (wrong)
            return refused(cells[wrong - 1], "cannot be used");
        for (int i = 0; i < COUNT(output); i++)
            printf("%.{digits}g%c", output[i], i + 1 < COUNT(output) ? ' ' : '\\n');
    }}
    return 0;
}}
#endif
"""
_READ = """        row.{name} = NAN;
        if (text_of(cells[{place}]))
            row.{name} = strtod(cells[{place}], &next);
        if (text_of(cells[{place}]) && !same(next, "", 0))
            return refused(cells[{place}], "is no number");"""


def main(code: EncoderCode, name: str, digits: int) -> str:
    """Return a program that reads rows, the cells of each separated by tabs.

    Parameters
    ----------
    code : EncoderCode
        The encoder.
    name : str
        Of the function that predicts.
    digits : int
        How many to print.

    Returns
    -------
    str
    """
    text_read = "        row.{name} = cells[{place}];"
    reads = (
        (_READ if cell.numeric else text_read).format(name=cell.name, place=place)
        for place, cell in enumerate(code.cells)
    )
    return _MAIN.format(
        upper=name.upper(),
        name=name,
        count=len(code.cells),
        reads="\n".join(reads),
        digits=digits,
    ).strip("\n")
