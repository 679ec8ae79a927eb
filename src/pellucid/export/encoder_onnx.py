"""The encoding of a row as ONNX nodes: a tensor for each column comes in."""

from collections.abc import Callable
from typing import Any

import numpy as np

from pellucid.data.recognition import MISSING
from pellucid.encoder import Encoder, Standardized
from pellucid.encoder.operations import DAY, FARTHEST, NUMBERS
from pellucid.errors import ConfigurationError
from pellucid.export.encoder_code import CELLS, FLAGS, Cell
from pellucid.export.onnx_graph import Graph

# Numbers by which ONNX knows types.
SINGLE, INTEGER, STRING, DOUBLE = 1, 7, 8, 11
OPSET = 2  # of ai.onnx.ml, whose LabelEncoder turns texts into numbers
_NOTHING, _UNSEEN = -1, 0  # codes of texts; known ones count from 1


class Rows:
    """Writes nodes from the columns of a table to the inputs of a network.

    Numbers, dates (seconds since 1970) and booleans that are 0 and 1 come in as
    float64, NaN where nothing is; texts as strings. All is computed in float64 and
    rounded to float32 at the end, as in the encoder.

    Parameters
    ----------
    graph : Graph
        What is written to.
    encoder : Encoder
        How rows become numbers.

    Attributes
    ----------
    given : dict of str to bool
        The inputs of the graph, and whether they are texts.
    wrong : list of str
        Values that are true where a cell cannot be used.
    """

    def __init__(self, graph: Graph, encoder: Encoder) -> None:
        self.graph, self.encoder = graph, encoder
        self.given: dict[str, bool] = {}
        self.wrong: list[str] = []
        self._codes: dict[str, dict[str, int]] = {}  # of the texts of a column

    def write(self) -> dict[str, str]:
        """Write all nodes.

        Returns
        -------
        dict of str to str
            The name of the value for each input of the network.
        """
        found: dict[str, list[str]] = {}
        for encoding in self.encoder.used:
            kind = CELLS.get(encoding.kind, encoding.kind)
            name = self.graph.free(encoding.column or "column")
            cell = Cell(encoding.column, name, kind, encoding)
            self.graph.layer = cell.name
            features = encoding.features()
            start = self._start(cell, features)
            for feature in features:
                value = start
                for step, settings in feature.operations:
                    row = OPERATIONS.get(f"{step} {kind}", OPERATIONS.get(step))
                    if row is None:
                        raise ConfigurationError(
                            f"The column {cell.column!r} is encoded with {step}, for "
                            "which there is no ONNX operator here."
                        )
                    value = row(self, value, *settings, cell=cell)
                found.setdefault(feature.input, []).append(value)
        self.graph.layer = ""
        add, axis = self.graph.add, self.graph.integers(1)
        inputs = {}
        for name, values in found.items():
            if name != NUMBERS:
                inputs[name] = add("Cast", *values, to=INTEGER)
                continue
            columns = [add("Unsqueeze", value, axis) for value in values]
            both = add("Concat", *columns, axis=1)
            inputs[name] = add("Cast", both, to=SINGLE)
        return inputs

    def _start(self, cell: Cell, features: Any) -> str:
        """Return the value that a cell is computed from."""
        texts = cell.kind == "text" or (cell.kind == "flag" and not cell.numeric)
        self.given[cell.name] = texts
        add = self.graph.add
        if not texts:
            far = add("IsInf", cell.name)
            self.wrong.append(far)
            if cell.kind == "flag":
                zero, one = self.number(0.0), self.number(1.0)
                same = add(
                    "Or", add("Equal", cell.name, zero), add("Equal", cell.name, one)
                )
                known = add("Or", same, add("IsNaN", cell.name))
                self.wrong.append(add("Not", known))
            return cell.name
        if cell.kind == "flag":
            words = {
                written: int(value)
                for word, value in FLAGS.items()
                for written in (word, word.upper(), word.capitalize())
            }
            code = self._encoded(cell, words, default=2)
            self.wrong.append(add("Equal", code, self.integer(2)))
            nothing = add("Equal", code, self.integer(_NOTHING))
            flags = add("Cast", code, to=DOUBLE)
            return str(add("Where", nothing, self.number(np.nan), flags))
        levels: dict[str, int] = {}
        for feature in features:
            for name, settings in feature.operations:
                named = {"equals": settings[:1], "lookup": settings and settings[0]}
                for level in named.get(name, ()):
                    levels.setdefault(level, 1 + len(levels))
        self._codes[cell.column] = levels
        return self._encoded(cell, levels, default=_UNSEEN)

    def _encoded(self, cell: Cell, codes: dict[str, int], default: int) -> str:
        missing = dict.fromkeys(MISSING, _NOTHING)
        table = codes | missing
        return self.graph.add(
            "LabelEncoder",
            cell.name,
            domain="ai.onnx.ml",
            keys_strings=list(table),
            values_int64s=list(table.values()),
            default_int64=default,
        )

    def number(self, value: Any) -> str:
        """Return the name of a constant.

        Parameters
        ----------
        value : float or sequence of float
            The number, or several.

        Returns
        -------
        str
        """
        return self.graph.constant(np.array(value, np.float64))

    def integer(self, value: int) -> str:
        """Return the name of a whole number.

        Parameters
        ----------
        value : int
            The number.

        Returns
        -------
        str
        """
        return self.graph.constant(np.array(value, np.int64))

    # -- operations --------------------------------------------------------------------

    def fill(self, x: str, value: float, cell: Cell) -> str:
        """Write ``x``, or a value where it is missing."""
        return self.graph.add(
            "Where", self.graph.add("IsNaN", x), self.number(value), x
        )

    def is_missing(self, x: str, cell: Cell) -> str:
        """Write 1 where the number ``x`` is missing."""
        return self.graph.add("Cast", self.graph.add("IsNaN", x), to=DOUBLE)

    def text_is_missing(self, x: str, cell: Cell) -> str:
        """Write 1 where the text of the code ``x`` is missing."""
        nothing = self.graph.add("Equal", x, self.integer(_NOTHING))
        return self.graph.add("Cast", nothing, to=DOUBLE)

    def equals(self, x: str, level: str, cell: Cell) -> str:
        """Write 1 where the text of the code ``x`` is a level."""
        code = self.integer(self._codes[cell.column][level])
        return self.graph.add("Cast", self.graph.add("Equal", x, code), to=DOUBLE)

    def lookup(self, x: str, levels: Any, missing: int, cell: Cell) -> str:
        """Write the place of the code ``x`` among levels, or ``missing``."""
        places = self._codes[cell.column]
        assert [places[level] for level in levels] == [*range(1, 1 + len(levels))]
        nothing = self.graph.add("Equal", x, self.integer(_NOTHING))
        return self.graph.add("Where", nothing, self.integer(missing), x)

    def smooth_clip(self, x: str, limit: float, cell: Cell) -> str:
        """Write ``limit t / sqrt(1 + t^2)`` with t = x / limit."""
        add, number = self.graph.add, self.number
        t = add("Div", x, number(limit))
        t = add("Clip", t, number(-FARTHEST), number(FARTHEST))
        root = add("Sqrt", add("Add", add("Mul", t, t), number(1.0)))
        return add("Div", add("Mul", t, number(limit)), root)

    def interpolate(self, x: str, knots: Any, values: Any, cell: Cell) -> str:
        """Write the value at x on the line through values at knots."""
        add, number = self.graph.add, self.number
        x = add("Clip", x, number(knots[0]), number(knots[-1]))
        column = add("Unsqueeze", x, self.graph.integers(1))
        above = add(
            "Cast", add("GreaterOrEqual", column, number(knots[1:-1])), to=INTEGER
        )
        axes = self.graph.integers(1)
        place = add("ReduceSum", above, axes, keepdims=0)  # of the knot below
        steps = np.diff(values) / np.diff(knots)
        slope, knot, value = (
            add("Gather", number(each), place) for each in (steps, knots, values)
        )
        return add("Add", add("Mul", slope, add("Sub", x, knot)), value)

    def _floored(self, x: str, size: float) -> str:
        return self.graph.add("Floor", self.graph.add("Div", x, self.number(size)))

    def _left(self, x: str, size: float) -> str:
        """Write ``x - size floor(x / size)``."""
        whole = self.graph.add("Mul", self._floored(x, size), self.number(size))
        return self.graph.add("Sub", x, whole)

    def date_part(self, seconds: str, part: str, cell: Cell) -> str:
        """Write a part of a date from 0; months as Howard Hinnant's civil_from_days."""
        add, number = self.graph.add, self.number
        whole = add("Floor", seconds)
        if part == "hour":
            return self._left(self._floored(whole, 3600.0), 24.0)
        if part == "minute":
            return self._left(self._floored(whole, 60.0), 60.0)
        days = self._floored(whole, DAY)
        if part == "weekday":
            return self._left(add("Add", days, number(3.0)), 7.0)
        if part not in ("month", "day"):
            raise ConfigurationError(
                f"The column {cell.column!r} is encoded with the {part} of a date, for "
                "which there are no ONNX operators here."
            )
        left = self._left(add("Add", days, number(719468.0)), 146097.0)
        leaps = add("Sub", left, self._floored(left, 1460.0))
        leaps = add("Add", leaps, self._floored(left, 36524.0))
        year = self._floored(add("Sub", leaps, self._floored(left, 146096.0)), 365.0)
        past = add("Mul", year, number(365.0))
        past = add("Add", past, self._floored(year, 4.0))
        past = add("Sub", past, self._floored(year, 100.0))
        rest = add("Sub", left, past)  # days since the first of March
        march = add("Add", add("Mul", rest, number(5.0)), number(2.0))
        march = self._floored(march, 153.0)
        if part == "month":  # March is 2 from 0
            return self._left(add("Add", march, number(2.0)), 12.0)
        before = add("Add", add("Mul", march, number(153.0)), number(2.0))
        return add("Sub", rest, self._floored(before, 5.0))

    def wave(self, x: str, period: float, operator: str) -> str:
        """Write ``sin(2 pi x / period)``, or the cosine: the operator says which."""
        add = self.graph.add
        angle = add("Mul", x, self.number(2.0 * np.pi))
        return add(operator, add("Div", angle, self.number(float(period))))

    # -- what comes out ----------------------------------------------------------------

    def answer(self, output: str, single: bool, units: Standardized | None) -> str:
        """Write the output in the units of the target, NaN where a cell was wrong.

        Parameters
        ----------
        output : str
            What the network predicts.
        single : bool
            Whether that is float32.
        units : Standardized or None
            How numbers become those of the target.

        Returns
        -------
        str
            Its name; float64 for numbers.
        """
        add, number = self.graph.add, self.number
        if units is not None:
            output = add("Cast", output, to=DOUBLE) if single else output
            output = add("Mul", output, number(units.scale))
            output = add("Add", output, number(units.mean))
            if units.clamp:
                output = add("Clip", output, number(units.low), number(units.high))
        refused = self._refused()
        if refused is None:
            return output
        dtype = np.float32 if single and units is None else np.float64
        nan = self.graph.constant(np.array(np.nan, dtype), "no answer")
        refused = add("Unsqueeze", refused, self.graph.integers(1))
        return add("Where", refused, nan, output)

    def _refused(self) -> str | None:
        """Write whether a row has a cell that cannot be used; None where all can."""
        if not self.wrong:
            return None
        first, *others = self.wrong
        for other in others:
            first = self.graph.add("Or", first, other)
        self.wrong = [first]
        return first

    def label(
        self, output: str, single: bool, classes: Any, limit: float | None
    ) -> str:
        """Write the class that the output predicts.

        Parameters
        ----------
        output : str
            Probabilities or scores, shape (n, outputs).
        single : bool
            Whether these are float32.
        classes : ndarray, shape (k,)
            In the order of the outputs.
        limit : float or None
            Above which number a single output is the second class.

        Returns
        -------
        str
            Its name. Where a cell was wrong, it is an empty text, or the smallest of
            all whole numbers.
        """
        add, axis = self.graph.add, self.graph.integers(1)
        if limit is None:
            place = add("ArgMax", output, axis=1, keepdims=0)
        else:
            dtype = np.float32 if single else np.float64
            least = self.graph.constant(np.array(limit, dtype), "limit")
            yes = add("Greater", add("Squeeze", output, axis), least)
            place = add("Cast", yes, to=INTEGER)
        known, _ = labels_of(classes)
        refused = self._refused()
        if refused is not None:
            place = add("Where", refused, self.integer(len(known) - 1), place)
        return add("Gather", self.graph.constant(known, "classes"), place)


def labels_of(classes: Any) -> tuple[Any, int]:
    """Return the labels of classes, and one more for no answer.

    Parameters
    ----------
    classes : ndarray, shape (k,)
        Texts or numbers.

    Returns
    -------
    labels : ndarray, shape (k + 1,)
        Texts, or numbers of 64 bits.
    element : int
        The number by which ONNX knows their type.
    """
    if classes.dtype.kind == "f":
        return np.array([*classes.tolist(), np.nan], np.float64), DOUBLE
    if classes.dtype.kind in "iub":
        least = np.iinfo(np.int64).min
        return np.array([*classes.tolist(), least], np.int64), INTEGER
    return np.array([*map(str, classes.tolist()), ""], object), STRING


def _plain(operator: str) -> Callable[..., str]:
    def row(rows: Rows, x: str, value: float, **_: Cell) -> str:
        return rows.graph.add(operator, x, rows.number(value))

    return row


# What each operation of an encoder is: ``row(rows, value, *settings, cell=cell)``.
OPERATIONS: dict[str, Callable[..., str]] = {
    "fill": Rows.fill,
    "subtract": _plain("Sub"),
    "divide": _plain("Div"),
    "smooth_clip": Rows.smooth_clip,
    "interpolate": Rows.interpolate,
    "date_part": Rows.date_part,
    "sine": lambda rows, x, period, cell: rows.wave(x, period, "Sin"),
    "cosine": lambda rows, x, period, cell: rows.wave(x, period, "Cos"),
    "is_missing": Rows.is_missing,
    "is_missing text": Rows.text_is_missing,
    "equals": Rows.equals,
    "lookup": Rows.lookup,
}
