"""A network's prediction as plain Python: lists and `math`, no NumPy."""

import json
import math
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from pellucid.encoder import Standardized
from pellucid.export import encoder_python
from pellucid.export.encoder_code import EncoderCode, encoding, units_of
from pellucid.export.encoder_words import answers_to, example, rules
from pellucid.export.identifiers import must_be_a_name
from pellucid.export.language import (
    CHOICE,
    COMMON_FORMS,
    COMPARISON,
    NOT,
    WIDTH,
    Form,
    Language,
    Printed,
    call_lines,
    counted,
    helpers,
    rows,
)
from pellucid.export.layer_words import border
from pellucid.export.loops import Array, Function, Number
from pellucid.export.lowering import LoweredNetwork, lower
from pellucid.symbol import BOOL, FLOAT, INTEGER

if TYPE_CHECKING:
    from pellucid.network import NeuralNetwork


def _literal(value: Any) -> str:
    """Return a number in print that reads back as the same number."""
    if isinstance(value, float) and not math.isfinite(value):
        return "math.nan" if value != value else f"{'-' * (value < 0)}math.inf"
    return repr(value)


def _number(number: Number) -> str:
    kinds = {FLOAT: float, INTEGER: int, BOOL: bool}
    return _literal(kinds[number.kind](number.value))


_FORMS = COMMON_FORMS | {
    "divide": Form("divide({0}, {1})"),
    "absolute": Form("abs({0})"),
    "sign": Form("sign({0})"),
    "square": Form("square({0})"),
    "reciprocal": Form("divide(1.0, {0})"),
    "floor": Form("floor({0})"),
    "sqrt": Form("sqrt({0})"),
    "exp": Form("exp({0})"),
    "decay": Form("math.exp({0})"),
    "expm1": Form("expm1({0})"),
    "log": Form("log({0})"),
    "log1p": Form("log1p({0})"),
    "tanh": Form("math.tanh({0})"),
    "erf": Form("math.erf({0})"),
    "sin": Form("sin({0})"),
    "cos": Form("cos({0})"),
    "maximum": Form("maximum({0}, {1})"),
    "minimum": Form("minimum({0}, {1})"),
    "power": Form("power({0}, {1})"),
    "where": Form("{1} if {0} else {2}", CHOICE, (NOT, NOT, NOT)),
    "logical_and": Form("{0} and {1}", CHOICE, (NOT, NOT)),
    "logical_or": Form("{0} or {1}", CHOICE, (NOT, NOT)),
    "logical_not": Form("not {0}", NOT, (COMPARISON,)),
    "number": Form("float({0})"),
}

# Python raises errors where other languages give infinity or "not a number".
_HELPERS = {
    "divide": """
def divide(a, b):
    if b != 0:  # infinities and "not a number" included
        return a / b
    if a == 0 or a != a or b != b:
        return math.nan
    return math.copysign(math.inf, a) * math.copysign(1.0, b)
""",
    "sign": """
def sign(a):
    return a if a == 0 or a != a else math.copysign(1.0, a)
""",
    "square": """
def square(a):
    return a * a
""",
    "floor": """
def floor(a):
    return float(math.floor(a)) if math.isfinite(a) else a
""",
    "sqrt": """
def sqrt(a):
    return math.nan if a < 0 else math.sqrt(a)
""",
    "exp": """
def exp(a):
    return math.inf if a > 709.782712893384 else math.exp(a)
""",
    "expm1": """
def expm1(a):
    return math.inf if a > 709.782712893384 else math.expm1(a)
""",
    "log": """
def log(a):
    return math.log(a) if a > 0 or a != a else -math.inf if a == 0 else math.nan
""",
    "log1p": """
def log1p(a):
    return math.log1p(a) if a > -1 or a != a else -math.inf if a == -1 else math.nan
""",
    "sin": """
def sin(a):
    return math.sin(a) if math.isfinite(a) else math.nan
""",
    "cos": """
def cos(a):
    return math.cos(a) if math.isfinite(a) else math.nan
""",
    "maximum": """
def maximum(a, b):
    return a if a > b or a != a else b
""",
    "minimum": """
def minimum(a, b):
    return a if a < b or a != a else b
""",
    "power": """
def power(a, b):
    try:
        return math.pow(a, b)
    except OverflowError:
        return -math.inf if a < 0 and b % 2 == 1 else math.inf
    except ValueError:
        return math.inf if a == 0 else math.nan
""",
}
_HELPERS["reciprocal"] = _HELPERS["divide"]

PYTHON = Language(
    name="Python",
    forms=_FORMS,
    helpers=_HELPERS,
    number=_number,
    types={FLOAT: "", INTEGER: "", BOOL: ""},
    let="{name} = {value}",
    let_changes="{name} = {value}",
    assign="{name} = {value}",
    adds="{name} += {value}",
    write="{array}[{index}] = {value}",
    write_adds="{array}[{index}] += {value}",
    loop="for {name} in range({length}):",
    end="",
    place="{name} = {index}",
    brackets=True,
    skip="if not 0 <= {name} < {length}:\n    continue",
    guard=Form("{0} if 0 <= {name} < {length} else math.nan", CHOICE, (NOT,)),
)


def source(
    network: "NeuralNetwork", *, name: str = "predict", watch: bool = False
) -> str:
    """Return the prediction of one sample as Python that needs nothing but `math`.

    The numbers are computed as Python's floats (float64), and those of a float32
    network are written so that they are exactly the same.

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
    must_be_a_name(name, "Python")
    lowered = lower(network, name)
    code = encoding(network, lowered, name, encoder_python.PYTHON)
    lines = []
    if network.classes is not None:
        lines += [f"CLASSES = {network.classes.tolist()!r}", ""]
    for array in lowered.constants:
        lines += _constant(array)
    start = len(lines)
    for text in dict.fromkeys(helpers(PYTHON, lowered.functions)):
        lines += ["", "", text.strip("\n")]
    for function in lowered.functions:
        lines += ["", "", *_function(function)]
    lines += ["", "", *_predict(lowered, name, watch, code, units_of(network))]
    if network.classes is not None:
        lines += [
            "",
            "",
            *_choice(network, name, "x" if code is None else "row", watch),
        ]
    lines += ["", "", *_CHECK]
    modules = ["math"]
    if code is not None:
        more = ["", "", *encoder_python.function(code)]
        modules, lists, functions = encoder_python.preamble(
            code, "\n".join([*lines, *more])
        )
        functions = [part for text in functions for part in ("", "", text)]
        lines[start:start] = [*lists, *functions, *more]
    imports = [f"import {module}" for module in modules]
    lines = [*_head(network, lowered, name, code), "", *imports, "", *lines]
    return "\n".join(lines) + "\n"


def _head(
    network: Any, lowered: LoweredNetwork, name: str, code: EncoderCode | None
) -> list[str]:
    given = []
    if code is not None:
        answers = answers_to(network, example(code.cells))
        call = encoder_python.example_lines(code, f"{name}(", ")", answers)
        call = [encoder_python.quoted(line) for line in call]
        return _head_lines(network, lowered, name, call, rules(code.cells, "None"))
    for key, array in lowered.inputs.items():
        words = counted(array, "whole number" if array.kind == INTEGER else "number")
        of = f"x[{key!r}]" if key else "x"
        given.append(f"{of}: {words}, nested or in one row.")
    call = [f"{name}(x) -> a list of {counted(lowered.output)}"]
    return _head_lines(network, lowered, name, call, given)


def _head_lines(
    network: Any,
    lowered: LoweredNetwork,
    name: str,
    call: list[str],
    given: list[str],
) -> list[str]:
    choice = [f"{name}_class returns one of CLASSES, in the order of the output."]
    choice *= network.classes is not None
    return [
        '"""A neural network in plain Python, written by pellucid.',
        "",
        *(f"    {line}" for line in call),
        "",
        *given,
        *wrap(f"What comes out: {encoder_python.quoted(lowered.meaning)}.", WIDTH),
        *choice,
        f"Computed in float64; the network was trained in {network.dtype}.",
        '"""',
    ]


def _constant(array: Array) -> list[str]:
    assert array.values is not None
    shape = " x ".join(map(str, array.values.shape)) or "1"
    numbers = (_literal(value) for value in array.values.reshape(-1).tolist())
    return [f"{array.name} = [  # {shape}", *rows(numbers), "]"]


def _function(function: Function) -> list[str]:
    printed = Printed(PYTHON, function)
    given = (function.names[array] for array in function.inputs)
    lines = call_lines(f"def {function.name}(", given, "):")
    words = [encoder_python.quoted(line) for line in function.words]
    if len(words) == 1:
        lines.append(f'    """{words[0]}"""')
    else:
        lines += [f'    """{words[0]}', "", *(f"    {w}" for w in words[1:]), '    """']
    sizes = list(printed.sizes.items())
    for some in (sizes[i : i + 4] for i in range(0, len(sizes), 4)):
        names, lengths = zip(*some, strict=True)
        lines.append(f"    {', '.join(names)} = {', '.join(map(str, lengths))}")
    for array in function.constants:
        lines.append(f"    {function.names[array]} = {array.name}")
    for array in (*function.scratch, *function.outputs):
        zero = "0.0" if array.kind == FLOAT else "0"
        lines.append(f"    {function.names[array]} = [{zero}] * {array.size}")
    lines += [f"    {line}" for line in printed.lines]
    lines.append(f"    return {', '.join(function.names[a] for a in function.outputs)}")
    return lines


def _text(text: str) -> str:
    return json.dumps(text)


def _predict(
    lowered: LoweredNetwork,
    name: str,
    watch: bool,
    code: EncoderCode | None,
    units: Standardized | None,
) -> list[str]:
    whole = list(lowered.inputs) == [""]
    given = "x" if whole else "given"
    taken = given if code is None else "row"
    arguments = f"{taken}, watch" if watch else taken
    meaning = encoder_python.quoted(lowered.meaning)
    lines = [f"def {name}({arguments}):", f'    """Return {meaning}."""']
    if code is not None:
        lines.append(f"    {given} = encode(row)")
    for key, array in lowered.inputs.items():
        value = "x" if whole else f"given[{_text(key)}]"
        limit = lowered.limits.get(key)
        shown = _text(key or "x")
        lines.append(
            f"    {array.name} = batch({value}, {array.size}, {shown}, {limit})"
        )
    for function in lowered.functions:
        inputs = (array.name for array in function.inputs)
        results = ", ".join(array.name for array in function.outputs)
        lines += call_lines(f"    {results} = {function.name}(", inputs, ")")
        if watch and function.layer:
            lines.append(
                f"    watch({_text(function.layer)}, {function.outputs[-1].name})"
            )
    if units is None:
        return [*lines, "    return output"]
    value = f"value * {units.scale!r} + {units.mean!r}"
    if units.clamp:
        lines.append(f"    found = [{value} for value in output]")
        value = f"min(max(value, {units.low!r}), {units.high!r})"
        return [*lines, f"    return [{value} for value in found]"]
    return [*lines, f"    return [{value} for value in output]"]


def _choice(network: Any, name: str, taken: str, watch: bool) -> list[str]:
    """Return the function that answers with a class."""
    arguments = f"{taken}, watch" if watch else taken
    limit = border(network)
    chosen = "found.index(max(found))" if limit is None else f"int(found[0] > {limit})"
    return [
        f"def {name}_class({arguments}):",
        '    """Return the class that is predicted."""',
        f"    found = {name}({arguments})",
        f"    return CLASSES[{chosen}]",
    ]


_CHECK = '''
def batch(values, size, name, limit):
    """Return the numbers of one sample in one row, or say what is wrong with them."""
    row = list(flat(values))
    if len(row) != size:
        raise ValueError(f"expected {size} numbers for {name}, got {len(row)}")
    wanted = "a number" if limit is None else f"a whole number from 0 to {limit - 1}"
    for place, value in enumerate(row):
        good = value in range(limit) if limit else -math.inf < value < math.inf
        if not good:
            found = f"{name} has {value!r} at place {place}"
            raise ValueError(f"{found}; expected {wanted}")
    return row if limit is None else [int(value) for value in row]


def flat(values):
    """Yield the numbers of nested lists one after the other."""
    for value in values:
        if hasattr(value, "__iter__"):
            yield from flat(value)
        else:
            yield value
'''.strip("\n").split("\n")
