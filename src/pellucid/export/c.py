"""A network's prediction as C99: one file, no allocation, nothing beyond libm."""

from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.errors import ConfigurationError
from pellucid.export import encoder_c
from pellucid.export.encoder_c import comment
from pellucid.export.encoder_c_functions import text
from pellucid.export.encoder_code import EncoderCode, encoding, units_of
from pellucid.export.encoder_words import answers_to, example, rules
from pellucid.export.identifiers import Identifiers, must_be_a_name
from pellucid.export.language import (
    ATOM,
    CHOICE,
    COMMON_FORMS,
    NOT,
    SIGN,
    WIDTH,
    Form,
    Language,
    Printed,
    call_lines,
    counted,
    helpers,
    literal,
    rows,
    shape_text,
)
from pellucid.export.layer_words import border
from pellucid.export.loops import SMALL_INTEGER, Array, Function, Number
from pellucid.export.lowering import LoweredNetwork, lower
from pellucid.export.memory import Memory
from pellucid.export.quantization import Quantization, quantize
from pellucid.symbol import BOOL, FLOAT, INTEGER

if TYPE_CHECKING:
    from pellucid.network import NeuralNetwork


def _literal(value: Any, single: bool) -> str:
    """Return a number in print, infinities included."""
    with np.errstate(over="ignore"):
        rounded = np.float32(value) if single else np.float64(value)
    if not np.isfinite(rounded):
        return "NAN" if np.isnan(rounded) else f"{'-' * bool(value < 0)}INFINITY"
    return literal(value, single) + "f" * single


def _number(single: bool) -> Any:
    def number(number: Number) -> str:
        if number.kind == FLOAT:
            return _literal(float(number.value), single)
        return str(int(number.value))

    return number


def _forms(single: bool) -> dict[str, Form]:
    f = "f" if single else ""
    functions = ("sqrt", "exp", "expm1", "log", "log1p", "tanh", "erf", "sin", "cos")
    return (
        COMMON_FORMS
        | {"divide": COMMON_FORMS["ratio"], "absolute": Form(f"fabs{f}({{0}})")}
        | {name: Form(f"{name}{f}({{0}})") for name in (*functions, "floor")}
        | {"decay": Form(f"exp{f}({{0}})")}
        | {"power": Form(f"pow{f}({{0}}, {{1}})")}
        | {name: Form(f"{name}({{0}})") for name in ("sign", "square", "small")}
        | {name: Form(f"{name}({{0}}, {{1}})") for name in ("maximum", "minimum")}
        | {
            "reciprocal": Form("1 / {0}", COMMON_FORMS["ratio"].level, (SIGN,)),
            "where": Form("{0} ? {1} : {2}", CHOICE, (NOT, NOT, NOT)),
            "logical_and": Form("{0} && {1}", CHOICE, (NOT, NOT)),
            "logical_or": Form("{0} || {1}", CHOICE, (NOT, NOT)),
            "logical_not": Form("!{0}", SIGN, (ATOM,)),
            "number": Form("(real){0}", SIGN, (ATOM,)),
        }
    )


# `a != a` is true of "not a number" alone, which stays what it is.
_HELPERS = {
    "maximum": """
static real maximum(real a, real b)
{
    return a > b || a != a ? a : b;
}
""",
    "minimum": """
static real minimum(real a, real b)
{
    return a < b || a != a ? a : b;
}
""",
    "sign": """
static real sign(real a)
{
    return a > 0 ? 1 : (a < 0 ? -1 : a);
}
""",
    "square": """
static real square(real a)
{
    return a * a;
}
""",
    "small": """
/* The nearest whole number from -127 to 127. */
static int8_t small(real a)
{
    return (int8_t)(a > 127 ? 127 : (a > -127 ? rint(a) : -127));
}
""",
}
_TYPES = {FLOAT: "real", INTEGER: "int32_t", BOOL: "unsigned char"}
_TYPES[SMALL_INTEGER] = "int8_t"
_BYTES = {INTEGER: 4, BOOL: 1, SMALL_INTEGER: 1}


def _language(single: bool) -> Language:
    return Language(
        name="C",
        forms=_forms(single),
        helpers=_HELPERS,
        number=_number(single),
        types=_TYPES | {BOOL: "int"},
        let="const {type} {name} = {value};",
        let_changes="{type} {name} = {value};",
        assign="{name} = {value};",
        adds="{name} += {value};",
        write="{array}[{index}] = {value};",
        write_adds="{array}[{index}] += {value};",
        loop="for (int {name} = 0; {name} < {length}; {name}++) {{",
        end="}",
        place="const int {name} = {index};",
        skip="if ({name} < 0 || {name} >= {length})\n    continue;",
        guard=Form("{name} >= 0 && {name} < {length} ? {0} : NAN", CHOICE, (NOT,)),
    )


def source(
    network: "NeuralNetwork",
    *,
    name: str = "predict",
    int8: bool = False,
    x: Any = None,
    watch: bool = False,
) -> str:
    """Return the prediction of one sample as a file of C99.

    It needs `math.h` and `stdint.h`, allocates nothing, and computes in float where the
    network is float32 and in double where it is float64. Its head says how to call it,
    what comes out, and how much memory it takes. Compiled with ``-DPREDICT_MAIN`` it is
    a program that reads samples from its input.

    Parameters
    ----------
    network : NeuralNetwork
        With its numbers.
    name : str
        Name of the function, and what the names around it begin with.
    int8 : bool
        Whether the weights of dense layers and convolutions are stored as whole numbers
        of 8 bits, one scale a channel, and multiplied as such. What that changes is
        measured on `x` and said in the head.
    x : array_like, shape (n, *input_shape), optional
        Typical inputs, for `int8` only.
    watch : bool
        Whether the output of every layer is handed to a function
        ``void watch(const char *layer, const real *values, int size)`` that the user
        writes.

    Returns
    -------
    str

    Raises
    ------
    ConfigurationError
        If a layer uses an operation that has no such code, numbers are not finite,
        nothing can have the name, or nothing in the network can be stored in 8 bits.
    """
    must_be_a_name(name, "C")
    if not int8 and x is not None:
        raise ConfigurationError("x is taken for int8=True only, to find the scales.")
    if int8 and x is None:
        raise ConfigurationError(
            "int8=True needs typical inputs to find the scales: x=training data."
        )
    quantization = quantize(network, x) if int8 else None
    lowered = lower(network, name, quantization.products if quantization else None)
    code = encoding(network, lowered, name, encoder_c.C)
    single = network.dtype == np.float32
    memory = Memory(lowered)
    language = _language(single)
    lines = _head(network, lowered, memory, name, quantization, code)
    lines += ["#include <math.h>", "#include <stdint.h>"]
    pointers = code is not None or network.classes is not None
    lines += [*["#include <stddef.h>"] * pointers, ""]
    lines += [f"typedef {'float' if single else 'double'} real;", ""]
    sizes = _sizes(lowered, name).items()
    lines += ["enum {", *(f"    {label} = {size}," for label, size in sizes), "};", ""]
    lines += _classes(network, name)
    lines += encoder_c.struct(code, name) if code is not None else []
    for array in lowered.constants:
        lines += _constant(array, single)
    for helper in dict.fromkeys(helpers(language, lowered.functions)):
        lines += [helper.strip("\n"), ""]
    if watch:
        lines += ["void watch(const char *layer, const real *values, int size);", ""]
    for function in lowered.functions:
        lines += [*_function(language, function), ""]
    lines += [*_predict(lowered, memory, name, watch), ""]
    lines += _choice(network, name, "real" if code is None else "double")
    if code is None:
        lines += _main(lowered, name, single)
        return "\n".join(lines) + "\n"
    made = encoder_c.lines_of(code, name, lowered.inputs, units_of(network))
    made += ["", encoder_c.main(code, name, 9 if single else 17)]
    lines += [part for each in code.helpers("\n".join(made)) for part in (each, "")]
    return "\n".join([*lines, *made]) + "\n"


# -- the head --------------------------------------------------------------------------


def _head(
    network: Any,
    lowered: LoweredNetwork,
    memory: Memory,
    name: str,
    quantization: Quantization | None,
    code: EncoderCode | None,
) -> list[str]:
    single = network.dtype == np.float32
    real = "float" if single else "double"
    constants = sum(_size(array, single) for array in lowered.constants)
    work = sum(
        size * _BYTES.get(kind, 4 if single else 8)
        for kind, size in memory.sizes.items()
    )
    upper = name.upper()
    lines = ["A neural network in C99, written by pellucid.", ""]
    if code is not None:
        lines += [f"    {line}" for line in encoder_c.prototype(name)]
        lines[-1] += ";"
        answers = answers_to(network, example(code.cells))
        call = encoder_c.example_lines(code, name, answers)
        lines += [
            "",
            *(f"    {comment(line)}" for line in call),
            "",
            *map(comment, rules(code.cells, "NULL for a text and NAN for a number")),
        ]
        lines += wrap(
            "It returns 0, or else the number of the first column, from 1, whose cell "
            "cannot be used; the outputs are NAN then.",
            84,
        )
        lines += ["", "It encodes the row and calls", ""]
    lines += [f"    {line}" for line in _prototype(lowered, name, real)]
    lines[-1] += ";"
    lines.append("")
    for key, array in lowered.inputs.items():
        words = counted(array, "whole number" if array.kind == INTEGER else "number")
        if key in lowered.limits:
            words += f" from 0 to {lowered.limits[key] - 1}"
        if key not in ("", array.name):
            words += f" (the input {comment(repr(key))})"
        if len(array.shape) > 2:
            words += ", the last axis fastest"
        lines.append(f"{array.name}: {words}.")
    words = f"output: {counted(lowered.output)}, {comment(lowered.meaning)}."
    lines += wrap(words, 84)
    if network.classes is not None:
        lines.append(
            f"{name}_class(output) returns one of {name}_classes, "
            "in the order of the output."
        )
    memory_words = (
        f"Memory: {constants:,} bytes of numbers that never change (flash), {work:,} "
        "bytes of intermediate results (RAM). These are static, so only one call may "
        f"run at a time; with -D{upper}_STORAGE= they are on the stack. Link with -lm. "
        f"With -D{upper}_MAIN it is a program that reads samples and prints outputs."
    )
    lines += ["", *wrap(memory_words, 84)]
    if quantization is not None:
        lines += ["", *wrap(quantization.words(), 84)]
    body = [f" * {line}".rstrip() for line in lines]
    return ["/*", *body, " */"]


def _size(array: Array, single: bool) -> int:
    return array.size * _BYTES.get(array.kind, 4 if single else 8)


def _prototype(lowered: LoweredNetwork, name: str, real: str) -> list[str]:
    arguments = []
    *inputs, (outputs, _) = _sizes(lowered, name).items()
    for (size, _), array in zip(inputs, lowered.inputs.values(), strict=True):
        kind = "int32_t" if array.kind == INTEGER else real
        arguments.append(f"const {kind} {array.name}[{size}]")
    arguments.append(f"{real} output[{outputs}]")
    return call_lines(f"void {name}(", arguments, ")")


def _sizes(lowered: LoweredNetwork, name: str) -> dict[str, int]:
    """Return the names of all sizes: those of the inputs in order, then the output."""
    upper = name.upper()
    output = f"{upper}_OUTPUTS"
    identifiers = Identifiers({output, f"{upper}_STORAGE", f"{upper}_MAIN"})
    sizes = {}
    for key, array in lowered.inputs.items():
        label = array.name.upper() if key else "INPUTS"
        sizes[identifiers.new(f"{upper}_{label}")] = array.size
    return sizes | {output: lowered.output.size}


def _classes(network: Any, name: str) -> list[str]:
    if network.classes is None:
        return []
    labels = [text(str(label)) for label in network.classes]
    head = f"const char *const {name}_classes[{len(labels)}] = {{"
    return [head, *(f"    {label}," for label in labels), "};", ""]


def _choice(network: Any, name: str, real: str) -> list[str]:
    """Return the function that answers with a class."""
    if network.classes is None:
        return []
    limit = border(network)
    body = [f"return {name}_classes[output[0] > {limit}];"]
    if limit is None:
        body = [
            "int best = 0;",
            f"for (int i = 1; i < {name.upper()}_OUTPUTS; i++)",
            "    if (output[i] > output[best])",
            "        best = i;",
            f"return {name}_classes[best];",
        ]
    return [
        "/* The class that these outputs predict; NULL where they are NAN. */",
        f"const char *{name}_class(const {real} output[{name.upper()}_OUTPUTS])",
        "{",
        "    if (output[0] != output[0])",
        "        return NULL;",
        *(f"    {line}" for line in body),
        "}",
        "",
    ]


def _constant(array: Array, single: bool) -> list[str]:
    assert array.values is not None
    shape = " x ".join(map(str, array.values.shape)) or "1"
    numbers: Any = array.values.reshape(-1)
    if array.kind == FLOAT:
        numbers = (_literal(value, single) for value in numbers)
    else:
        numbers = (str(int(value)) for value in numbers)
    head = f"static const {_TYPES[array.kind]} {array.name}[{array.size}] = {{"
    return [f"/* {shape} */", head, *rows(numbers), "};", ""]


# -- functions -------------------------------------------------------------------------


def _function(language: Language, function: Function) -> list[str]:
    printed = Printed(language, function)
    arguments = [
        f"const {_TYPES[a.kind]} *{function.names[a]}" for a in function.inputs
    ]
    arguments += [
        f"{_TYPES[a.kind]} *{function.names[a]}"
        for a in (*function.scratch, *function.outputs)
    ]
    words = [comment(line) for line in function.words]
    lines = ["/*", *(f" * {line}" for line in words), " */"]
    lines += [*call_lines(f"static void {function.name}(", arguments, ")"), "{"]
    if printed.sizes:
        sizes = [f"{label} = {length}" for label, length in printed.sizes.items()]
        line = f"    enum {{ {', '.join(sizes)} }};"
        long = ["    enum {", *rows(sizes, " " * 8), "    };"]
        lines += [line] if len(line) <= WIDTH else long
    for array in function.constants:
        kind = _TYPES[array.kind]
        lines.append(f"    const {kind} *const {function.names[array]} = {array.name};")
    return [*lines, *(f"    {line}" for line in printed.lines), "}"]


def _predict(
    lowered: LoweredNetwork, memory: Memory, name: str, watch: bool
) -> list[str]:
    storage = f"{name.upper()}_STORAGE"
    lines = []
    if memory.sizes:
        lines += [f"#ifndef {storage}", f"#define {storage} static", "#endif", ""]
    lines += [*_prototype(lowered, name, "real"), "{"]
    for kind, size in memory.sizes.items():
        lines.append(f"    {storage} {_TYPES[kind]} {memory.names[kind]}[{size}];")
    for array, (kind, offset) in memory.places.items():
        start = memory.names[kind] + (f" + {offset}" if offset else "")
        shape = shape_text(array)
        lines.append(f"    {_TYPES[kind]} *const {array.name} = {start}; /* {shape} */")
    if memory.sizes:
        lines.append("")
    used = {array for function in lowered.functions for array in function.inputs}
    for array in lowered.inputs.values():
        if array not in used:
            lines.append(f"    (void){array.name}; /* makes no difference */")
    for function in lowered.functions:
        given = (*function.inputs, *function.scratch, *function.outputs)
        names = (array.name for array in given)
        lines += call_lines(f"    {function.name}(", names, ");")
        if watch and function.layer:
            last = function.outputs[-1]
            layer = text(function.layer)
            lines.append(f"    watch({layer}, {last.name}, {last.size});")
    return [*lines, "}"]


def _main(lowered: LoweredNetwork, name: str, single: bool) -> list[str]:
    upper = name.upper()
    lines = [
        f"#ifdef {upper}_MAIN",
        "#include <stdio.h>",
        "",
        "/* Reads one sample after the other, prints a line of outputs for each. */",
        "int main(void)",
        "{",
    ]
    for array in lowered.inputs.values():
        kind = "int32_t" if array.kind == INTEGER else "real"
        lines.append(f"    static {kind} {array.name}[{array.size}];")
    lines += [f"    static real output[{upper}_OUTPUTS];", "", "    for (;;) {"]
    for array in lowered.inputs.values():
        form, cast = ("%d", "int") if array.kind == INTEGER else ("%lf", "double")
        lines += [
            f"        for (int i = 0; i < {array.size}; i++) {{",
            f"            {cast} value;",
            f'            if (scanf("{form}", &value) != 1)',
            "                return 0;",
            f"            {array.name}[i] = ({_TYPES[array.kind]})value;",
            "        }",
        ]
    given = ", ".join(array.name for array in lowered.inputs.values())
    digits = 9 if single else 17
    return [
        *lines,
        f"        {name}({given}, output);",
        f"        for (int i = 0; i < {upper}_OUTPUTS; i++)",
        f'            printf("%.{digits}g%c", (double)output[i],',
        f"                   i + 1 < {upper}_OUTPUTS ? ' ' : '\\n');",
        "    }",
        "}",
        "#endif",
    ]
