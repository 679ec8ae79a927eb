"""The encoding of a row as code: what is common to all languages.

An encoder is for every number a list of operations on one cell. A `Dialect` has a form
for each of them, so that writing them is one table for each language.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pellucid.data.settling import WORDS
from pellucid.encoder import (
    Classes,
    Encoder,
    Encoding,
    Feature,
    Operation,
    Standardized,
)
from pellucid.encoder.operations import NUMBERS
from pellucid.errors import ConfigurationError
from pellucid.export.identifiers import Identifiers
from pellucid.export.language import ATOM, PRODUCT, SIGN, SUM, Form
from pellucid.layers.inputs import Input
from pellucid.readers import Reader

if TYPE_CHECKING:
    from pellucid.export.lowering import LoweredNetwork
    from pellucid.network import NeuralNetwork

# What cells are in code, by the kind of their column.
CELLS = {"number": "number", "date": "date", "category": "text", "boolean": "flag"}
FLAGS = {
    word: float(place)
    for pair in (*WORDS, ("0", "1"))
    for place, word in enumerate(pair)
}
# Texts and comments in code, where a column may have the name of a function.
_TEXTS = re.compile(
    r""""(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*' | /\*.*?\*/ | //[^\n]* | \#[^\n]* """,
    re.DOTALL | re.VERBOSE,
)
# Operations after which no number is out of range.
_BOUNDED = ("smooth_clip", "interpolate", "sine", "cosine", "is_missing", "equals")

# What their results are called, where the name of the operation is no word for that.
_RESULTS = {"fill": "filled", "smooth_clip": "clipped", "divide": "scaled"}

# What the languages have in common, with {0} for what comes in and {1}... for settings.
COMMON = {
    "fill": Form("filled({0}, {1})"),
    "subtract": Form("{0} - {1}", SUM, (SUM, PRODUCT)),
    "add": Form("{0} + {1}", SUM, (SUM, PRODUCT)),
    "divide": Form("{0} / {1}", PRODUCT, (PRODUCT, SIGN)),
    "smooth_clip": Form("smooth_clip({0}, {1})"),
    "date_part": Form("{1}_of({0})"),
}


@dataclass(frozen=True)
class Dialect:
    """How one language writes the operations of an encoder.

    Parameters
    ----------
    name : str
        Of the language, for messages.
    forms : mapping of str to Form
        By operation; those of texts, where they differ, as in ``"is_missing text"``.
    number, text : callable
        Return a number and a text as the language writes them.
    helpers : mapping of str to str
        Functions that the forms call, each after those that it calls itself.
    """

    name: str
    forms: Mapping[str, Form]
    number: Callable[[float], str]
    text: Callable[[str], str]
    helpers: Mapping[str, str]


@dataclass(frozen=True)
class Cell:
    """The cell of one column.

    Parameters
    ----------
    column : str
        Name of the column.
    name : str
        What it is called in code.
    kind : str
        One of the values of `CELLS`.
    encoding : Encoding
        What becomes of it.
    """

    column: str
    name: str
    kind: str
    encoding: Encoding

    @property
    def numeric(self) -> bool:
        """Whether it is a number where texts and numbers are two types.

        Booleans are, that were 0 and 1 in training.
        """
        if self.kind == "flag":
            return getattr(self.encoding, "no", "") == "0"
        return self.kind == "number"

    @property
    def day_first(self) -> bool | None:
        """Whether ``1/2/2024`` is in February; None if training had no such dates."""
        form = str(getattr(self.encoding, "form", ""))
        return form == "day/month/year" if "/" in form else None

    @property
    def said(self) -> str:
        """What the cell is, in words, with what stands for nothing left open."""
        if self.kind == "flag" and not self.numeric:
            words = (getattr(self.encoding, word, word) for word in ("no", "yes"))
            return " or ".join(map(repr, words))
        if self.kind == "text":
            levels = getattr(self.encoding, "levels", ())
            few = ", ".join(map(repr, levels[:3])) + ", ..." * (len(levels) > 3)
            return f"a text: {few}" if few else "a text"
        return {"flag": "0 or 1", "number": "a number"}.get(self.kind, "a date")


@dataclass(frozen=True)
class Line:
    """One number that is made of a cell.

    Parameters
    ----------
    feature : Feature
        Which.
    cell : Cell
        Of what.
    text : str
        The expression.
    level : int
        How tightly it holds together.
    bounded : bool
        Whether it cannot leave the range of numbers.
    """

    feature: Feature
    cell: Cell
    text: str
    level: int
    bounded: bool


@dataclass
class EncoderCode:
    """An encoder in a language.

    Parameters
    ----------
    encoder : Encoder
        How rows become numbers.
    dialect : Dialect
        The language.
    names : Identifiers
        Those that are taken.

    Attributes
    ----------
    cells : list of Cell
        Of the columns that are used, in the order of the table.
    steps : dict of str to str
        What several numbers of one cell are made of: the expression by its name.
    lines : dict of str to list of Line
        What makes the numbers of each input of the network.
    constants : dict of str to tuple
        Lists of numbers or texts that the expressions name.
    """

    encoder: Encoder
    dialect: Dialect
    names: Identifiers
    cells: list[Cell] = field(default_factory=list)
    steps: dict[str, str] = field(default_factory=dict)
    lines: dict[str, list[Line]] = field(default_factory=dict)
    constants: dict[str, tuple[Any, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for encoding in self.encoder.used:
            kind = CELLS.get(encoding.kind)
            if kind is None:
                raise ConfigurationError(
                    f"The column {encoding.column!r} is a {encoding.kind}, for which "
                    f"there is no {self.dialect.name} yet."
                )
            name = self.names.new(encoding.column)
            cell = Cell(encoding.column, name, kind, encoding)
            self.cells.append(cell)
            features = encoding.features()
            known: dict[tuple[Operation, ...], str] = {}
            for start in _in_common(features):
                text, _ = self._expression(start, cell, known)
                known[start] = self.names.new(f"{name}_{_result_of(start[-1])}")
                self.steps[known[start]] = text
            for feature in features:
                text, level = self._expression(feature.operations, cell, known)
                last = feature.operations[-1].name if feature.operations else ""
                bounded = cell.kind == "flag" or last in _BOUNDED
                line = Line(feature, cell, text, level, bounded)
                self.lines.setdefault(feature.input, []).append(line)

    @property
    def codes(self) -> list[str]:
        """The inputs that are a code, which picks a row of an embedding."""
        return [name for name in self.lines if name != NUMBERS]

    @property
    def results(self) -> dict[str, str]:
        """What the numbers of each input are called where they are made."""
        cells = (cell.name for cell in self.cells)
        own = Identifiers({*cells, *self.steps, *self.constants})
        return {name: own.new(name) for name in self.lines}

    def _expression(
        self,
        operations: tuple[Operation, ...],
        cell: Cell,
        known: dict[tuple[Operation, ...], str],
    ) -> tuple[str, int]:
        """Return what operations make of a cell, and how tightly it holds together."""
        text, level, forms = cell.name, ATOM, self.dialect.forms
        lengths = range(len(operations) - 1, 0, -1)
        begun = next((n for n in lengths if operations[:n] in known), 0)
        text = known.get(operations[:begun], text)
        for name, settings in operations[begun:]:
            if name == "subtract" and settings[0] < 0:
                name, settings = "add", (-settings[0],)
            form = forms.get(f"{name} {cell.kind}", forms.get(name))
            if form is None:
                raise ConfigurationError(
                    f"The column {cell.column!r} is encoded with {name}, for which "
                    f"there is no {self.dialect.name} yet."
                )
            raw = name == "date_part"
            printed = [s if raw else self._setting(s, cell) for s in settings]
            need = form.needs[0] if form.needs else ATOM
            given = text if level >= need else f"({text})"
            text, level = form.text.format(given, *printed), form.level
        return text, level

    def _setting(self, value: Any, cell: Cell) -> str:
        if isinstance(value, str):
            return self.dialect.text(value)
        if isinstance(value, tuple | list):
            return self._constant(tuple(value), cell)
        return repr(value) if isinstance(value, int) else self.dialect.number(value)

    def _constant(self, values: tuple[Any, ...], cell: Cell) -> str:
        for name, known in self.constants.items():
            if known == values and name.startswith(cell.name):
                return name
        texts = bool(values) and isinstance(values[0], str)
        taken = f"{cell.name}_quantiles" in self.constants
        word = "levels" if texts else "scores" if taken else "quantiles"
        name = self.names.new(f"{cell.name}_{word}")
        self.constants[name] = values
        return name

    def helpers(self, text: str) -> list[str]:
        """Return the helper functions that a text calls, and those that these call.

        Parameters
        ----------
        text : str
            A program without them.

        Returns
        -------
        list of str
        """
        words = words_in(text)
        needed: list[str] = []
        for name, helper in reversed([*self.dialect.helpers.items()]):
            if name in words:
                needed.append(helper)
                words |= words_in(helper)
        return [helper.strip("\n") for helper in reversed(needed)]


def words_in(text: str) -> set[str]:
    """Return all names in code, without those in texts and comments.

    Parameters
    ----------
    text : str
        Code.

    Returns
    -------
    set of str
    """
    return set(re.findall(r"\w+", _TEXTS.sub(" ", text)))


def _in_common(features: Sequence[Feature]) -> list[tuple[Operation, ...]]:
    """Return the first steps that different numbers have in common, short ones first.

    A date that is filled becomes days and a month; its month, a sine and a cosine.
    """
    then: dict[tuple[Operation, ...], set[Operation]] = {}
    for feature in features:
        for place, operation in enumerate(feature.operations):
            then.setdefault(feature.operations[:place], set()).add(operation)
    return [start for start, ways in then.items() if start and len(ways) > 1]


def _result_of(operation: Operation) -> str:
    """Return a word for what an operation makes."""
    name, settings = operation
    return str(settings[0]) if name == "date_part" else _RESULTS.get(name, name)


def encoder_of(network: "NeuralNetwork") -> Encoder | None:
    """Return the encoder that reads tables for a network, if it has one.

    Parameters
    ----------
    network : NeuralNetwork
        Any.

    Returns
    -------
    Encoder or None

    Raises
    ------
    ConfigurationError
        If the network does not take what the encoder makes, or has a reader of another
        kind that changes what goes in or comes out.
    """
    reader = network.reader
    if reader is None:
        return None
    if not isinstance(reader, Encoder):
        _must_only_read(reader)
        return None
    made, taken = reader.input_shape, network.blueprint.inputs
    if made != taken:
        raise ConfigurationError(
            f"The encoder in net.reader makes {_shapes(made)}, and the network takes "
            f"{_shapes(taken)}: an export needs both to be the same."
        )
    return reader


def _must_only_read(reader: Reader) -> None:
    """Raise if a reader changes numbers, for which there is no code."""
    for name in ("to_inputs", "to_units"):
        if getattr(type(reader), name) is not getattr(Reader, name):
            raise ConfigurationError(
                f"The {type(reader).__name__} in net.reader changes numbers "
                f"({name}), for which there is no code: set net.reader to None to "
                "export the network alone."
            )


def _shapes(inputs: Any) -> str:
    each = {NUMBERS: inputs} if isinstance(inputs, Input) else inputs
    return ", ".join(f"{name} {given.shape}" for name, given in each.items())


def encoding(
    network: "NeuralNetwork", lowered: "LoweredNetwork", name: str, dialect: Dialect
) -> EncoderCode | None:
    """Return the encoder of a network in a language, if it has one.

    Parameters
    ----------
    network : NeuralNetwork
        Any.
    lowered : LoweredNetwork
        Whose names are taken.
    name : str
        Of the function that predicts.
    dialect : Dialect
        The language.

    Returns
    -------
    EncoderCode or None
    """
    encoder = encoder_of(network)
    if encoder is None:
        return None
    names = Identifiers({*lowered.names, name, "row", "output"})
    return EncoderCode(encoder, dialect, names)


def units_of(network: "NeuralNetwork") -> Standardized | None:
    """Return how the network's numbers become those of the target, if they differ.

    Parameters
    ----------
    network : NeuralNetwork
        With an encoder or without.

    Returns
    -------
    Standardized or None

    Raises
    ------
    ConfigurationError
        If the encoder has a target of a kind that has no code.
    """
    encoder = encoder_of(network)
    if encoder is None or network.loss.task != "numbers" or encoder.target is None:
        return None
    if isinstance(encoder.target, Standardized):
        return encoder.target
    if isinstance(encoder.target, Classes):
        return None
    raise ConfigurationError(
        f"Targets of the kind {encoder.target.label!r} cannot be exported yet; "
        "those that can are standardized numbers and classes."
    )
