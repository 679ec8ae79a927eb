"""Where everything in the diagram of a network stands; drawn by others.

Layers are columns from left to right, neurons are circles. A layer whose outputs are
weighted sums has a line for every weight; any other layer is a box that numbers pass
through. One unit is the distance between two neurons; y runs downwards.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.blueprint import Blueprint, SymbolView, input_symbols
from pellucid.errors import DataError
from pellucid.layer import Layer, Memo, layer_names, new_pass
from pellucid.layers.containers import Chain, Concat, Residual
from pellucid.layers.dense import whole_number
from pellucid.layers.inputs import Input, Select
from pellucid.plots.diagram_lens import Lens
from pellucid.plots.diagram_scene import (
    BIG,
    RADIUS,
    SMALL,
    Box,
    Circle,
    Line,
    Point,
    Scene,
    Text,
)
from pellucid.plots.diagram_words import (
    ADVANCE,
    count_of,
    description,
    half_width,
    named,
    short_number,
    subscript,
    times,
)
from pellucid.symbol import Trace

_LONGEST = 38  # letters in a box
_NAME = 24  # letters of the name of an input
_STACK = 4  # sheets of an image, at most


# Which number comes out where.
_Ports = tuple[tuple[int, Point], ...]


@dataclass
class _Signal:
    """What a layer hands on: where its numbers come out, and which they are.

    A vector has a port for each number that is shown; any other array has one port.
    """

    shape: tuple[int, ...]
    ports: _Ports

    @property
    def is_vector(self) -> bool:
        return len(self.shape) == 1


@dataclass(frozen=True)
class _Cursor:
    """How far to the right the columns and the labels below them reach."""

    edge: float
    text: float

    def beyond(self, other: "_Cursor") -> "_Cursor":
        return _Cursor(max(self.edge, other.edge), max(self.text, other.text))


def _short(text: str, letters: int) -> str:
    return text if len(text) <= letters else f"{text[: letters - 1]}…"


def arrange(lens: Lens, most: int) -> Scene:
    """Return the diagram of a network.

    Parameters
    ----------
    lens : Lens
        What to draw.
    most : int
        Circles in a column; of larger layers the first and last are shown.

    Returns
    -------
    Scene

    Raises
    ------
    ConfigurationError
        If `most` is below 2.
    DataError
        If a number is not finite.
    """
    whole_number("most", most, least=2)
    return _Drawing(lens, most).scene()


class _Drawing:
    """Places one layer after the other."""

    def __init__(self, lens: Lens, most: int) -> None:
        self.lens, self.most = lens, most
        self.shapes = _output_shapes(lens.blueprint)
        self.points: list[Point] = []
        self.lines: list[Line] = []
        self.circles: list[Circle] = []
        self.boxes: list[Box] = []
        self.texts: list[Text] = []
        self.said: list[str] = []
        self.drawn = 0  # layers

    def scene(self) -> Scene:
        signal, cursor = self.inputs()
        signal, cursor = self.chain(self.lens.layers, "", signal, cursor)
        self.outputs(signal)
        largest = {
            "weight": max((abs(x.value or 0.0) for x in self.lines), default=0.0),
            "bias": max((abs(x.value or 0.0) for x in self.circles), default=0.0),
        }
        self.key(largest)
        self.headline()
        margin = 0.5 if self.lens.frame else 0.25
        left = min(point.x for point in self.points) - margin
        top = min(point.y for point in self.points) - margin
        for point in self.points:
            point.x, point.y = point.x - left, point.y - top
        title, description = self.words(largest["weight"])
        return Scene(
            max(point.x for point in self.points) + margin,
            max(point.y for point in self.points) + margin,
            title,
            description,
            self.lines,
            self.circles,
            self.boxes,
            self.texts,
            largest["weight"],
            largest["bias"],
            self.lens.frame,
        )

    # -- pieces ------------------------------------------------------------------------

    def point(self, x: float, y: float) -> Point:
        point = Point(x, y)
        self.points.append(point)
        return point

    def circle(self, circle: Circle) -> None:
        self.circles.append(circle)
        for side in (-1, 1):
            self.point(circle.at.x + side * RADIUS, circle.at.y + side * RADIUS)

    def write(self, x: float, y: float, text: str, **style: Any) -> None:
        """Put a text, and reserve its room."""
        label = Text(self.point(x, y), text, **style)
        self.texts.append(label)
        width = len(text) * label.size * ADVANCE
        if label.from_left:
            self.point(x + width, y)
        else:
            self.point(x - width / 2, y)
            self.point(x + width / 2, y)

    def column(self, count: int, x: float, aside: float = 0.0) -> _Ports:
        """Return ports for so many numbers; three dots stand for those left out."""
        if count <= self.most:
            middle = (count - 1) / 2
            return tuple((i, self.point(x, i - middle)) for i in range(count))
        before = self.most // 2
        after = self.most - 1 - before
        shown = [*range(before), *range(count - after, count)]
        slots = [slot for slot in range(self.most) if slot != before]
        middle = (self.most - 1) / 2
        places = [self.point(x, slot - middle) for slot in slots]
        dots = self.point(x + aside, before - middle)
        self.texts.append(Text(dots, "⋮", 0.5, bold=True))
        return tuple(zip(shown, places, strict=True))

    def facts(self, count: int, what: str) -> list[str]:
        """Return how many numbers there are, and how many of them are shown."""
        facts = [count_of((count,), what)]
        if count > self.most:
            facts.append(f"({self.most - 1} shown)")
        return facts

    def label(self, x: float, y: float, texts: list[str]) -> None:
        """Write name and facts below a column."""
        self.write(x, y, texts[0], size=BIG, bold=True)
        for row, text in enumerate(texts[1:]):
            self.write(x, y + 0.34 * (row + 1), text)

    def room(
        self, cursor: _Cursor, gap: float, half: float, texts: list[str]
    ) -> tuple[float, _Cursor]:
        """Return the middle of the next column, and how far that reaches."""
        label = half_width(texts)
        x = max(cursor.edge + gap + half, cursor.text + 0.25 + label)
        return x, _Cursor(x + half, x + label)

    # -- inputs and outputs ------------------------------------------------------------

    def inputs(self) -> tuple[Any, _Cursor]:
        inputs = self.lens.blueprint.inputs
        if isinstance(inputs, Input):
            return self.one_input("input", inputs)
        signals, slices, cursor = {}, [], _Cursor(0.0, 0.0)
        for name, given in inputs.items():
            start = len(self.points)
            signals[name], after = self.one_input(name, given)
            slices.append(slice(start, len(self.points)))
            cursor = cursor.beyond(after)
        self.stack(slices)
        return signals, cursor

    def one_input(self, name: str, given: Input) -> tuple[_Signal, _Cursor]:
        self.said.append(f"{name}: {count_of(given.shape, 'number')}")
        if len(given.shape) != 1:
            texts = [name, count_of(given.shape, "number")]
            out = self.block(0.0, given.shape)
            self.label(0.0, 1.05, texts)
            return _Signal(given.shape, ((0, out),)), _Cursor(out.x, half_width(texts))
        count = given.shape[0]
        texts = [name, *self.facts(count, "number")]
        ports = self.column(count, 0.0)
        for index, place in ports:
            self.circle(Circle(place, "x" + (subscript(index) if count > 1 else "")))
        if len(self.lens.names) == count:
            self.names(ports)
        self.label(0.0, ports[-1][1].y + 0.75, texts)
        return _Signal(given.shape, ports), _Cursor(RADIUS, half_width(texts))

    def names(self, ports: _Ports) -> None:
        """Write what the numbers of the input are to the left of them."""
        texts = [_short(self.lens.names[index], _NAME) for index, _ in ports]
        width = max(map(len, texts)) * SMALL * ADVANCE
        for (_, port), text in zip(ports, texts, strict=True):
            self.write(-RADIUS - 0.2 - width, port.y, text, from_left=True)

    def outputs(self, signal: Any) -> None:
        if not isinstance(signal, _Signal) or not signal.is_vector:
            return
        count, classes = signal.shape[0], self.lens.classes
        names = classes if classes is not None and len(classes) == count else None
        for index, port in signal.ports:
            if names is not None and count > 1:
                text = str(names[index])
            else:
                text = "ŷ" + (subscript(index) if count > 1 else "")
            text = _short(text, _LONGEST)
            x = port.x + 0.18
            # The port of a neuron is its middle, that of a box its edge.
            if any(circle.at is port for circle in self.circles):
                x += RADIUS
            self.write(x, port.y, text, from_left=True)

    # -- layers ------------------------------------------------------------------------

    def chain(
        self, layers: tuple[Layer, ...], path: str, signal: Any, cursor: _Cursor
    ) -> tuple[Any, _Cursor]:
        for name, layer in zip(layer_names(layers), layers, strict=True):
            signal, cursor = self.layer(layer, f"{path}{name}", signal, cursor)
        return signal, cursor

    def layer(
        self, layer: Layer, path: str, signal: Any, cursor: _Cursor
    ) -> tuple[Any, _Cursor]:
        # The types themselves: what a class made from them does is not known here.
        if type(layer) is Select:
            return signal[layer.key], cursor
        if type(layer) is Chain:
            return self.chain(layer.inner, f"{path}.", signal, cursor)
        if type(layer) is Residual:
            return self.residual(layer, path, signal, cursor)
        if type(layer) is Concat:
            return self.concat(layer, path, signal, cursor)
        if isinstance(signal, Mapping):
            ports = tuple(port for one in signal.values() for port in one.ports)
            signal = _Signal((), ports)
        self.drawn += 1
        W = self.matrix(path, signal)
        if W is not None:
            return self.neurons(layer, path, W, signal, cursor)
        shown = repr(replace(layer, name=None)).removesuffix("()")
        shown = re.sub(r"\d+\.\d{4,}", lambda number: f"{float(number[0]):.4g}", shown)
        self.said.append(f"{path}: {shown}")
        return self.box(shown, path, signal, cursor)

    def slots(self, path: str, role: str) -> dict[str, NDArray[Any]]:
        """Return the layer's own parameters of a role."""
        entries = self.lens.blueprint.layout.parameters.entries
        found = {
            name: self.lens.numbers[name]
            for name, entry in entries.items()
            if name.rpartition(".")[0] == path and entry.slot.role == role
        }
        for name, values in found.items():
            if not np.isfinite(values).all():
                raise DataError(
                    f"{name}{self.lens.suffix} holds a NaN or an infinity, which has "
                    "no width or colour: the network must be trained again, or loaded "
                    "from a file."
                )
        return found

    def matrix(self, path: str, signal: _Signal) -> tuple[str, NDArray[Any]] | None:
        """Return name and values of a matrix from all inputs to all outputs."""
        wanted = (*signal.shape, *self.shapes[path])
        for name, values in self.slots(path, "weight").items():
            if signal.is_vector and values.shape == wanted and len(wanted) == 2:
                return name, values
        return None

    def biases(self, path: str, count: int) -> tuple[str, NDArray[Any]] | None:
        """Return name and values of the biases of so many neurons."""
        for name, values in self.slots(path, "bias").items():
            if values.shape == (count,):
                return name, values
        return None

    def neurons(
        self,
        layer: Layer,
        path: str,
        matrix: tuple[str, NDArray[Any]],
        signal: _Signal,
        cursor: _Cursor,
    ) -> tuple[_Signal, _Cursor]:
        name, W = matrix
        count = W.shape[1]
        own = getattr(layer, "activation", layer)
        activation = getattr(own, "of_activation", own).label
        self.said.append(f"{path}: {count_of((count,), 'neuron')}, {activation}")
        texts = [*named(path), *self.facts(count, "neuron"), activation]
        texts += filter(None, [self.lens.share(path)])
        rows = max(len(signal.ports), min(count, self.most))
        x, after = self.room(cursor, 1.1 + 0.14 * rows, RADIUS, texts)
        ports = self.column(count, x)
        biases = self.biases(path, count)
        for index, place in ports:
            circle = Circle(place)
            if biases is not None:
                circle.name = f"{biases[0]}[{index}]{self.lens.suffix}"
                circle.value = float(biases[1][index])
                circle.text = short_number(circle.value)
            self.circle(circle)
            for source, port in signal.ports:
                weight = f"{name}[{source}, {index}]{self.lens.suffix}"
                self.lines.append(Line((port, place), float(W[source, index]), weight))
        self.label(x, ports[-1][1].y + 0.75, texts)
        return _Signal((count,), ports), after

    def box(
        self, text: str, path: str, signal: _Signal, cursor: _Cursor
    ) -> tuple[_Signal, _Cursor]:
        """Draw a layer that numbers pass through."""
        shape = self.shapes[path]
        text = _short(text, _LONGEST)
        texts = named(path)
        same = shape == signal.shape and signal.is_vector
        if not same:
            texts += (
                self.facts(shape[0], "number") if len(shape) == 1 else [times(shape)]
            )
        half = 0.26
        x, after = self.room(cursor, 0.75, half, texts)
        start = len(self.points)
        ports: _Ports
        if same:
            # Each number goes through at its own height.
            ports = tuple((i, self.point(x + half, port.y)) for i, port in signal.ports)
        elif len(shape) == 1:
            ports = self.column(shape[0], x + half, aside=0.3)
        else:
            ports = ((0, self.point(x + half, 0.0)),)
        for _, port in signal.ports:
            end = self.point(x - half, port.y if signal.is_vector else 0.0)
            self.lines.append(Line((port, end), wide=not signal.is_vector))
        heights = [point.y for point in self.points[start:]]
        low, high = min(heights), max(heights)
        tall = len(text) * SMALL * ADVANCE + 0.4
        height = max(high - low + 2 * RADIUS, tall, 1.2)
        middle = (low + high) / 2
        box = Box(self.point(x, middle), 2 * half, height, text, upright=True)
        self.place_box(box, shape)
        self.label(x, middle + height / 2 + 0.4, texts)
        return _Signal(shape, ports), after

    def place_box(self, box: Box, shape: tuple[int, ...]) -> None:
        """Draw the box of an array of a shape: an image is a stack of its channels."""
        box.sheets = min(shape[-1], _STACK) if len(shape) == 3 else 1
        self.boxes.append(box)
        right, top = box.corners[0]
        self.point(right + box.width, top)
        self.point(box.at.x - box.width / 2, box.at.y + box.height / 2)

    def block(self, x: float, shape: tuple[int, ...]) -> Point:
        """Draw an array that is no row of numbers; return where it comes out."""
        text = times(shape)
        width = max(1.2, len(text) * SMALL * ADVANCE + 0.3)
        self.place_box(Box(self.point(x, 0.0), width, 1.2, text), shape)
        return self.point(x + width / 2, 0.0)

    def residual(
        self, layer: Layer, path: str, signal: _Signal, cursor: _Cursor
    ) -> tuple[_Signal, _Cursor]:
        start = len(self.points)
        inside, after = self.chain(layer.inner, f"{path}.", signal, cursor)
        self.said.append(f"{path}: adds its input")
        output, after = self.box("+ input", path, inside, after)
        # What is added goes around the layers inside, above all of them.
        first = min((port for _, port in signal.ports), key=lambda port: port.y)
        box = self.boxes[-1]
        above = min(point.y for point in self.points[start:]) - 0.5
        above = min(above, first.y - 0.9)
        turn = first.x + RADIUS + 0.2
        corners = (
            first,
            self.point(turn, first.y),
            self.point(turn, above),
            self.point(box.at.x, above),
            self.point(box.at.x, box.at.y - box.height / 2),
        )
        self.lines.append(Line(corners, wide=True))
        self.write((turn + box.at.x) / 2, above - 0.22, "the input")
        return output, after

    def concat(
        self, layer: Layer, path: str, signal: Any, cursor: _Cursor
    ) -> tuple[_Signal, _Cursor]:
        branches, slices, after = [], [], cursor
        for name, branch in zip(layer_names(layer.inner), layer.inner, strict=True):
            start = len(self.points)
            output, reached = self.layer(branch, f"{path}.{name}", signal, cursor)
            branches.append(output)
            slices.append(slice(start, len(self.points)))
            after = after.beyond(reached)
        height = self.stack(slices)
        # The farther the branches lie apart, the more room their weights need.
        for point in (point for each in slices for point in self.points[each]):
            point.x += 0.08 * height
        after = _Cursor(after.edge + 0.08 * height, after.text + 0.08 * height)
        self.said.append(f"{path}: side by side")
        ports, offset = [], 0
        for branch in branches:
            ports += [(offset + index, port) for index, port in branch.ports]
            offset += branch.shape[-1]
        joined = _Signal(self.shapes[path], tuple(ports))
        return self.box("side by side", path, joined, after)

    def stack(self, slices: list[slice]) -> float:
        """Move groups of points below each other; return the height of all."""
        groups = [self.points[each] for each in slices if self.points[each]]
        reach = [
            (min(point.y for point in group), max(point.y for point in group))
            for group in groups
        ]
        gap = 0.9
        total = sum(high - low for low, high in reach) + gap * (len(groups) - 1)
        top = -total / 2
        for group, (low, high) in zip(groups, reach, strict=True):
            for point in group:
                point.y += top - low
            top += high - low + gap
        return max(total, 0.0)

    # -- legend and words --------------------------------------------------------------

    def key(self, largest: Mapping[str, float]) -> None:
        """Draw what width, colour and dashes mean, below everything else."""
        y = max(point.y for point in self.points) + 0.8
        left = min(point.x for point in self.points)
        right = max(point.x for point in self.points)
        x = left

        def samples(name: str, told: str) -> list[float]:
            self.write(x, y, told, bold=True, from_left=True)
            m = largest[name]
            return [-m, -m / 2, m / 2, m] if m else [0.0]

        if any(line.value is not None for line in self.lines):
            for place, value in enumerate(samples("weight", self.lens.of_weight)):
                start = x + 1.2 + 1.1 * place
                ends = (self.point(start, y), self.point(start + 0.8, y))
                self.lines.append(Line(ends, value))
                self.write(start + 0.4, y + 0.34, short_number(value))
            # The biases stand beside the weights where there is room, else below.
            beside = right - left > 11
            x, y = (x + 6.4, y) if beside else (x, y + 1.05)
        if any(circle.value is not None for circle in self.circles):
            for place, value in enumerate(samples("bias", self.lens.of_bias)):
                at = self.point(x + 1.2 + RADIUS + 1.1 * place, y)
                self.circle(Circle(at, short_number(value), value))
        if any(line.value is None for line in self.lines):
            y = max(point.y for point in self.points) + 0.5
            ends = (self.point(left, y), self.point(left + 0.8, y))
            self.lines.append(Line(ends))
            self.write(left + 1.2, y, "passed on without a weight", from_left=True)

    def headline(self) -> None:
        """Write above all what the numbers are, and of which moment."""
        if not self.lens.heading:
            return
        left = min(point.x for point in self.points)
        top = min(point.y for point in self.points)
        told = [self.lens.heading, *self.lens.notes]
        for row, text in enumerate(reversed(told)):
            style: dict[str, Any] = {"bold": True, "size": BIG}
            style = style if text == self.lens.heading else {}
            self.write(left, top - 0.55 - 0.4 * row, text, from_left=True, **style)

    def words(self, largest: float) -> tuple[str, str]:
        """Return the title, and everything in words for those who do not see it."""
        size = self.lens.blueprint.layout.parameters.size
        title = (
            f"A network of {self.drawn} layer{'s' * (self.drawn != 1)} with {size:,} "
            f"parameter{'s' * (size != 1)}"
        )
        biases = any(circle.value is not None for circle in self.circles)
        return title, description(self.lens, self.said, largest, biases)


def _output_shapes(blueprint: Blueprint) -> dict[str, tuple[int, ...]]:
    """Return the shape of one sample of every layer's output, by the layer's path."""
    trace = Trace()
    slots = {name: entry.slot for name, entry in blueprint.layout.entries.items()}
    shared = new_pass(training=False, trace=trace)
    x = input_symbols(trace, blueprint.inputs)
    blueprint.feedforward(x, SymbolView(trace, slots, "w"), Memo(shared))
    return {path: tuple(output.shape[1:]) for path, output in shared.outputs.items()}
