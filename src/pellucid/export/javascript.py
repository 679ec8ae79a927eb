"""A network's prediction as an ES module, for browsers and Node."""

import json
import math
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.encoder import Standardized
from pellucid.export import encoder_javascript
from pellucid.export.encoder_code import EncoderCode, encoding, units_of
from pellucid.export.encoder_words import answers_to, example, rules
from pellucid.export.identifiers import must_be_a_name
from pellucid.export.language import (
    ATOM,
    CHOICE,
    COMMON_FORMS,
    NOT,
    PRODUCT,
    SIGN,
    SUM,
    WIDTH,
    Form,
    Language,
    Printed,
    call_lines,
    counted,
    helpers,
    literal,
    rows,
)
from pellucid.export.layer_words import border
from pellucid.export.loops import Array, Function, Number
from pellucid.export.lowering import LoweredNetwork, lower
from pellucid.special import _LARGE, _MIDDLE, _SMALL, _TAIL
from pellucid.symbol import BOOL, FLOAT, INTEGER

if TYPE_CHECKING:
    from pellucid.network import NeuralNetwork


def _number(number: Number) -> str:
    if number.kind == BOOL:
        return str(bool(number.value)).lower()
    value = float(number.value)
    if not math.isfinite(value):
        return "NaN" if value != value else f"{'-' * (value < 0)}Infinity"
    return str(int(number.value)) if number.kind == INTEGER else repr(value)


_OF_MATH = ("sqrt", "exp", "expm1", "log", "log1p", "tanh", "sin", "cos", "floor")
_FORMS = (
    COMMON_FORMS
    | {name: Form(f"Math.{name}({{0}})") for name in (*_OF_MATH, "sign")}
    | {
        "divide": COMMON_FORMS["ratio"],
        "reciprocal": Form("1 / {0}", PRODUCT, (SIGN,)),
        "decay": Form("Math.exp({0})"),
        "absolute": Form("Math.abs({0})"),
        "square": Form("square({0})"),
        "erf": Form("erf({0})"),
        "maximum": Form("Math.max({0}, {1})"),
        "minimum": Form("Math.min({0}, {1})"),
        "power": Form("Math.pow({0}, {1})"),
        "equal": Form("{0} === {1}", COMMON_FORMS["equal"].level, (SUM, SUM)),
        "not_equal": Form("{0} !== {1}", COMMON_FORMS["equal"].level, (SUM, SUM)),
        "where": Form("{0} ? {1} : {2}", CHOICE, (NOT, NOT, NOT)),
        "logical_and": Form("{0} && {1}", CHOICE, (NOT, NOT)),
        "logical_or": Form("{0} || {1}", CHOICE, (NOT, NOT)),
        "logical_not": Form("!{0}", SIGN, (ATOM,)),
        "number": Form("Number({0})"),
    }
)


def _coefficients(name: str, pair: tuple[Any, Any]) -> str:
    """Return the two polynomials of a rational function as a constant."""
    above, below = ("\n".join(rows(map(repr, each), "  ")) for each in pair)
    return f"const {name} = [[\n{above}\n], [\n{below}\n]];\n"


_ERF = "\n".join(
    [
        "// The error function, which JavaScript lacks: rational functions of FDLIBM",
        "// (Sun Microsystems, 1993), coefficients from the lowest power upwards.",
        _coefficients("erfSmall", _SMALL)
        + _coefficients("erfMiddle", _MIDDLE)
        + _coefficients("erfLarge", _LARGE)
        + _coefficients("erfTail", _TAIL),
        """
function ratio(x, [above, below]) {
  const polynomial = (terms) => terms.reduceRight((sum, term) => sum * x + term, 0);
  return polynomial(above) / polynomial(below);
}

function erf(a) {
  const size = Math.min(Math.abs(a), 6);
  if (size < 0.84375) return a + a * ratio(a * a, erfSmall);
  let result;
  if (size < 1.25) {
    result = 0.8450629115104675 + ratio(size - 1, erfMiddle);
  } else {
    const inverse = 1 / (size * size);
    const exponent = ratio(inverse, size < 1 / 0.35 ? erfLarge : erfTail);
    result = 1 - Math.exp(-size * size - 0.5625 + exponent) / size;
  }
  return a < 0 ? -result : result;
}
""".strip("\n"),
    ]
)
_HELPERS = {
    "square": """
function square(a) {
  return a * a;
}
""",
    "erf": _ERF,
}

JAVASCRIPT = Language(
    name="JavaScript",
    forms=_FORMS,
    helpers=_HELPERS,
    number=_number,
    types={FLOAT: "", INTEGER: "", BOOL: ""},
    let="const {name} = {value};",
    let_changes="let {name} = {value};",
    assign="{name} = {value};",
    adds="{name} += {value};",
    write="{array}[{index}] = {value};",
    write_adds="{array}[{index}] += {value};",
    loop="for (let {name} = 0; {name} < {length}; {name}++) {{",
    end="}",
    place="const {name} = {index};",
    skip="if ({name} < 0 || {name} >= {length}) continue;",
    guard=Form("{name} >= 0 && {name} < {length} ? {0} : NaN", CHOICE, (NOT,)),
    indent="  ",
)


def source(
    network: "NeuralNetwork", *, name: str = "predict", watch: bool = False
) -> str:
    """Return the prediction of one sample as an ES module.

    JavaScript computes in float64. What a layer gives to the next is kept in arrays of
    the network's own precision, so that a float32 network is rounded there as it is
    here, and is more exact within a layer.

    Parameters
    ----------
    network : NeuralNetwork
        With its numbers.
    name : str
        Name of the function that predicts.
    watch : bool
        Whether that function takes a second argument, ``watch(layer, values)``, and
        calls it with the output of every layer.

    Returns
    -------
    str

    Raises
    ------
    ConfigurationError
        If a layer uses an operation that has no such code, numbers are not finite, or
        nothing can have the name.
    """
    must_be_a_name(name, "JavaScript")
    lowered = lower(network, name)
    code = encoding(network, lowered, name, encoder_javascript.JAVASCRIPT)
    single = network.dtype == np.float32
    lines = _head(network, lowered, name, code)
    if network.classes is not None:
        labels = ", ".join(map(encoder_javascript.text, network.classes.tolist()))
        lines += [f"export const classes = [{labels}];", ""]
    for array in lowered.constants:
        lines += _constant(array, single)
    lines.append("")
    for text in dict.fromkeys(helpers(JAVASCRIPT, lowered.functions)):
        lines += [text.strip("\n"), ""]
    if code is not None:
        made = encoder_javascript.lines_of(code)
        lines += [p for text in code.helpers("\n".join(made)) for p in (text, "")]
        lines += [*made, ""]
    for function in lowered.functions:
        lines += [*_function(function, single), ""]
    units = units_of(network)
    lines += [*_predict(lowered, name, watch, code, units), ""]
    if network.classes is not None:
        lines += [
            *_choice(network, name, "given" if code is None else "row", watch),
            "",
        ]
    lines += _CHECK
    # A name such as </script> must not end the page that the program stands in; in a
    # text of JavaScript both are the same.
    return "\n".join([*lines, ""]).replace("</", "<\\/")


def _head(
    network: Any, lowered: LoweredNetwork, name: str, code: EncoderCode | None
) -> list[str]:
    lines = [
        "A neural network in JavaScript, written by pellucid.",
        "",
        f'    import {{ {name} }} from "./network.mjs";',
    ]
    if code is None:
        lines += [f"    const output = {name}(x); // {counted(lowered.output)}", ""]
    else:
        answers = answers_to(network, example(code.cells))
        call = encoder_javascript.example_lines(code, name, answers)
        lines += [*(f"    {line}" for line in call), "", *rules(code.cells, "null")]
    for key, array in lowered.inputs.items() if code is None else ():
        words = counted(array, "whole number" if array.kind == INTEGER else "number")
        of = f"x[{json.dumps(key)}]" if key else "x"
        lines.append(f"{of}: {words}, nested or in one row.")
    lines += wrap(f"What comes out: {lowered.meaning}.", WIDTH - 3)
    if network.classes is not None:
        lines.append(
            f"{name}Class returns one of `classes`, in the order of the output."
        )
    lines.append(
        f"The network was trained in {network.dtype}; layers compute in float64."
    )
    return [*(f"// {line}".rstrip() for line in lines), ""]


def _array_type(kind: str, single: bool) -> str:
    if kind == FLOAT:
        return "Float32Array" if single else "Float64Array"
    return "Int32Array" if kind == INTEGER else "Uint8Array"


def _constant(array: Array, single: bool) -> list[str]:
    assert array.values is not None
    shape = " x ".join(map(str, array.values.shape)) or "1"
    numbers: Any = array.values.reshape(-1)
    if array.kind == FLOAT:
        numbers = (literal(value, single) for value in numbers)
    else:
        numbers = (str(int(value)) for value in numbers)
    kind = _array_type(array.kind, single)
    head = f"const {array.name} = new {kind}([ // {shape}"
    return [head, *rows(numbers, "  "), "]);"]


def _function(function: Function, single: bool) -> list[str]:
    printed = Printed(JAVASCRIPT, function)
    lines = [f"// {line}" for line in function.words]
    given = (function.names[array] for array in function.inputs)
    lines += call_lines(f"function {function.name}(", given, ") {")
    if printed.sizes:
        sizes = [f"{label} = {length}" for label, length in printed.sizes.items()]
        line = f"  const {', '.join(sizes)};"
        some = list(rows(sizes, "    "))
        long = ["  const", *some[:-1], some[-1].rstrip(",") + ";"]
        lines += [line] if len(line) <= WIDTH else long
    for array in function.constants:
        lines.append(f"  const {function.names[array]} = {array.name};")
    for array in (*function.scratch, *function.outputs):
        kind = _array_type(array.kind, single)
        lines.append(f"  const {function.names[array]} = new {kind}({array.size});")
    lines += [f"  {line}" for line in printed.lines]
    names = [function.names[array] for array in function.outputs]
    result = names[0] if len(names) == 1 else f"[{', '.join(names)}]"
    return [*lines, f"  return {result};", "}"]


def _predict(
    lowered: LoweredNetwork,
    name: str,
    watch: bool,
    code: EncoderCode | None,
    units: Standardized | None,
) -> list[str]:
    taken = "given" if code is None else "row"
    lines = [
        *(f"// {line}" for line in wrap(f"Returns {lowered.meaning}.", WIDTH - 3)),
        f"export function {name}({taken}{', watch' * watch}) {{",
    ]
    if code is not None:
        lines.append("  const given = encode(row);")
    for key, array in lowered.inputs.items():
        value = f"given[{json.dumps(key)}]" if key else "given"
        limit = lowered.limits.get(key, "null")
        shown = json.dumps(key or "x")
        lines.append(
            f"  const {array.name} = batch({value}, {array.size}, {shown}, {limit});"
        )
    for function in lowered.functions:
        names = [array.name for array in function.outputs]
        result = names[0] if len(names) == 1 else f"[{', '.join(names)}]"
        inputs = (array.name for array in function.inputs)
        lines += call_lines(f"  const {result} = {function.name}(", inputs, ");")
        if watch and function.layer:
            layer = json.dumps(function.layer)
            lines.append(f"  watch({layer}, {function.outputs[-1].name});")
    if units is not None:
        value = f"value * {units.scale!r} + {units.mean!r}"
        lines.append(f"  const found = Float64Array.from(output, (value) => {value});")
        if units.clamp:
            kept = f"Math.min(Math.max(value, {units.low!r}), {units.high!r})"
            return [*lines, f"  return found.map((value) => {kept});", "}"]
        return [*lines, "  return found;", "}"]
    return [*lines, "  return output;", "}"]


def _choice(network: Any, name: str, taken: str, watch: bool) -> list[str]:
    """Return the function that answers with a class."""
    arguments = f"{taken}, watch" if watch else taken
    limit = border(network)
    largest = "found.indexOf(Math.max(...found))"
    chosen = largest if limit is None else f"Number(found[0] > {limit})"
    return [
        "// Returns the class that is predicted.",
        f"export function {name}Class({arguments}) {{",
        f"  const found = {name}({arguments});",
        f"  return classes[{chosen}];",
        "}",
    ]


_CHECK = """
// Returns the numbers of one sample in one row, or says what is wrong with them.
function batch(values, size, name, limit) {
  const row = Array.isArray(values) ? values.flat(Infinity) : values;
  if (row === undefined || row.length !== size) {
    throw new RangeError(`expected ${size} numbers for ${name}, got ${row?.length}`);
  }
  row.forEach((value, place) => {
    const whole = Number.isInteger(value) && value >= 0 && value < limit;
    if (limit === null ? !Number.isFinite(value) : !whole) {
      throw new RangeError(
        `${name} has ${value} at place ${place}; expected ` +
        (limit === null ? "a number" : `a whole number from 0 to ${limit - 1}`));
    }
  });
  return row;
}
""".strip("\n").split("\n")
