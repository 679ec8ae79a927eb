"""The names of a step: every array in it that can be asked about, and where it is.

A `Quantity` is an array with a name such as ``dense_1.z`` or ``dense_1.W.grad``. The
name stands without the index; an address such as ``dense_1.W[0, 1].grad`` has it.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.layout import Layout
from pellucid.minimizers import MinimizerStep
from pellucid.program import Program
from pellucid.symbol import NUMBER, Symbol

if TYPE_CHECKING:
    from pellucid.step import Step

# What has no terms: where the walk through the terms ends.
DATA, WEIGHT, SETTING, RANDOM = "data", "weight", "setting", "random"
MEMORY, COMPUTED = "memory", "computed"

Index = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Quantity:
    """An array of a step, by name.

    Parameters
    ----------
    stem, suffix : str
        The name before the index and behind it: ``"dense_1.W"`` and ``"grad"``.
    read : callable
        Returns the array, or the number.
    kind : str
        ``"data"``, ``"weight"``, ``"memory"`` (of the optimizer), ``"setting"``,
        ``"random"`` or ``"computed"``.
    means : str
        What it is, in words.
    node : Symbol, optional
        What computes it.
    update : bool
        Whether that is in the Program of the update.
    start : int
        Where it begins in the vector that the node computes, in the update.
    moves : str
        For gradients: the name of the quantity that the loss is derived by.
    """

    stem: str
    suffix: str
    read: Callable[[], Any]
    kind: str
    means: str
    node: Symbol | None = None
    update: bool = False
    start: int = 0
    moves: str = ""

    @property
    def name(self) -> str:
        """Stem and suffix."""
        return f"{self.stem}.{self.suffix}" if self.suffix else self.stem

    @property
    def array(self) -> NDArray[Any]:
        """Its numbers."""
        return np.asarray(self.read())

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array; () for a number."""
        return self.array.shape

    @property
    def layer(self) -> str:
        """Path of the layer; empty for what belongs to none."""
        return self.stem.rpartition(".")[0]

    def address(self, index: Index) -> str:
        """Return the address of one of its numbers.

        Parameters
        ----------
        index : tuple of int
            Which; () for a quantity that is one number.

        Returns
        -------
        str
        """
        place = f"[{', '.join(map(str, index))}]" if index else ""
        return f"{self.stem}{place}{'.' if self.suffix else ''}{self.suffix}"


class Quantities:
    """All quantities of a step by name, and the names of nodes.

    Parameters
    ----------
    step : Step
        The step.

    Attributes
    ----------
    by_name : dict of str to Quantity
        In an order in which one would read them.
    named : dict of (bool, int) to str
        What a formula calls a node of the recording (False) or of the update (True).
    numbered : dict of (bool, int) to str
        The same for intermediate results that have no name, such as ``t4``.
    """

    def __init__(self, step: "Step") -> None:
        self.step = step
        self.by_name: dict[str, Quantity] = {}
        self.named: dict[tuple[bool, int], str] = {}
        self.numbered: dict[tuple[bool, int], str] = {}
        self._data()
        self._weights()
        self._layers()
        self._ends()
        self._update()
        self._settings()
        self._unnamed(False, step.program, step.values)
        self._unnamed(True, step.update_program, step.update_values)

    def __getitem__(self, name: str) -> Quantity:
        return self.by_name[name]

    def _add(
        self,
        stem: str,
        suffix: str,
        read: Callable[[], Any],
        kind: str,
        means: str,
        node: Symbol | None = None,
        **more: Any,
    ) -> None:
        quantity = Quantity(stem, suffix, read, kind, means, node, **more)
        self.by_name.setdefault(quantity.name, quantity)
        if node is not None and not quantity.update:
            self.named.setdefault((False, node.id), quantity.name)

    def _leaf(self, vector: str, name: str = "") -> Symbol | None:
        """Return the leaf of the recording for something that is given."""
        for node in self.step.program.leaves:
            found = node.settings["vector"], node.settings["name"]
            if found == (vector, name):
                return node
        return None

    def _reader(self, node: Symbol) -> Callable[[], Any]:
        return lambda: self.step.values[node.id]

    def _data(self) -> None:
        step = self.step
        for name in step.x if isinstance(step.x, dict) else ("",):
            stem = f"x.{name}" if name else "x"
            leaf = self._leaf("x", name)
            read = self._reader(leaf) if leaf is not None else _item(step.x, name)
            self._add(stem, "", read, DATA, "an input", leaf)
        self._add("y", "", lambda: step.y, DATA, "a target", self._leaf("y"))
        self._add(
            "sample_weight",
            "",
            lambda: step.sample_weight,
            DATA,
            "how much the sample counts",
            self._leaf("weight"),
        )

    def _weights(self) -> None:
        step, layout = self.step, self.step.layout
        for name, slot in layout.entries.items():
            state = slot.slot.role == "state"
            means = "a running statistic" if state else _article(slot.slot.role)
            leaf = self._leaf("w", name)
            self._add(name, "", _item(step.weights, name), WEIGHT, means, leaf)
            if not state:
                node = step.program.outputs.get(("g", name))
                means = "the gradient: how fast the loss changes with this number"
                read = _item(step.gradients, name)
                self._add(name, "grad", read, COMPUTED, means, node, moves=name)

    def _layers(self) -> None:
        for name, node in self.step.nodes.items():
            path, _, own = name.rpartition(".")
            kept = self.step.layers[path].kept if path in self.step.layers else None
            if kept is None or own not in kept:
                continue
            stem, means, moves = name, f"what {path} keeps as {own}", ""
            if own[0] == "d" and own[1:] in kept:
                means = f"how fast the loss changes with {path}.{own[1:]}"
                moves = f"{path}.{own[1:]}"
                if own == "dz":
                    stem, means = f"{path}.delta", f"the delta: {means}"
            elif own == "z":
                means = "the pre-activation"
            elif own == "a":
                means = "the activation: what the neuron gives out"
            if node.layer != path and not moves:
                continue  # another one made it, who comes with its own name for it
            self._add(stem, "", self._reader(node), COMPUTED, means, node, moves=moves)
        for path in self.step.layers:
            self._around(path)

    def _around(self, path: str) -> None:
        """Add what a layer took, gave and got back, each also where it is a mapping."""
        for own, means in (
            ("output", f"what {path} gives out"),
            ("d_output", f"how fast the loss changes with the output of {path}"),
            ("input", f"what comes into {path}"),
        ):
            start = f"{path}.{own}"
            for name, node in self.step.nodes.items():
                if name == start or name.startswith(f"{start}."):
                    gradient = own == "d_output"
                    moves = f"{path}.output{name.removeprefix(start)}"
                    self._add(
                        name,
                        "",
                        self._reader(node),
                        COMPUTED,
                        means,
                        node,
                        moves=moves if gradient else "",
                    )
        if f"{path}.d_output" in self.by_name and f"{path}.delta" not in self.by_name:
            node = self.step.nodes[f"{path}.d_output"]
            means = f"the delta: how fast the loss changes with the output of {path}"
            read, moves = self._reader(node), f"{path}.output"
            self._add(f"{path}.delta", "", read, COMPUTED, means, node, moves=moves)
        for name, node in self.step.nodes.items():  # kept, but made by another layer
            if name.rpartition(".")[0] == path:
                means = f"what {path} keeps as {name.rpartition('.')[2]}"
                self._add(name, "", self._reader(node), COMPUTED, means, node)

    def _ends(self) -> None:
        step, program = self.step, self.step.program
        for name, means in (
            ("losses", "the loss of one sample"),
            ("output", "the prediction"),
        ):
            node = step.nodes[name]
            self._add(name, "", self._reader(node), COMPUTED, means, node)
        node = program.outputs["loss", ""]
        words = {"sum": "the weighted sum", "mean": "the weighted mean"}
        means = f"the loss: {words[step.blueprint.loss.reduction]} over the samples"
        self._add("loss", "", self._reader(node), COMPUTED, means, node)

    def _update(self) -> None:
        step, outputs = self.step, self.step.update_program.outputs
        for name, slot in step.layout.parameters.entries.items():
            change = _item(step.update, name)
            self._add(name, "update", change, COMPUTED, "what the update adds")
            read = _item(step.new_weights, name)
            means = f"{_article(slot.slot.role)} after the update"
            where = {"update": True, "start": slot.start}
            self._add(name, "new", read, COMPUTED, means, outputs["new", "w"], **where)
            for memory in step.memory:
                read = _item(step.memory[memory], name)
                kind, means = (
                    MEMORY,
                    f"the optimizer's memory {memory} before the update",
                )
                if isinstance(step.optimizer, MinimizerStep):
                    rule = step.optimizer.minimizer
                    kind, means = SETTING, f"what {rule!r} chose to add to the weight"
                self._add(name, memory, read, kind, means)
                node = outputs.get(("memory", memory))
                read = _item(step.new_memory[memory], name)
                means = f"the optimizer's memory {memory} after the update"
                self._add(name, f"new_{memory}", read, COMPUTED, means, node, **where)
        for name in step.layout.state.entries:
            read = _item(step.new_weights, name)
            node = step.program.outputs.get(("state", name))
            means = "a running statistic after this step"
            self._add(name, "new", read, COMPUTED, means, node)

    def _settings(self) -> None:
        step = self.step
        averages = step.blueprint.loss.reduction == "mean"
        multiplied = "what the weighted losses are multiplied by"
        number = "the number of this iteration, from 1"
        settings: list[tuple[str, Callable[[], Any], str, str]] = [
            ("scale", lambda: step.scale, multiplied, "scale"),
            ("rate", lambda: step.rate, "the learning rate", "rate"),
            ("n", lambda: step.n, "the number of samples", "n"),
            ("iteration", lambda: step.iteration + 1, number, "t"),
        ]
        if math.isnan(step.rate):  # a minimizer's step has none
            settings = [each for each in settings if each[0] != "rate"]
        for stem, read, means, vector in settings:
            kind = COMPUTED if stem == "scale" and averages else SETTING
            self._add(stem, "", read, kind, means, self._leaf(vector))
            for node in step.update_program.leaves:
                if node.settings["vector"] == vector:
                    self.named[True, node.id] = stem

    def _unnamed(self, update: bool, program: Program, values: dict[int, Any]) -> None:
        """Add intermediate results, by their names in the Program in print."""
        outputs = {symbol.id for symbol in program.outputs.values()}
        for node in program.operations:
            if (update, node.id) in self.named or node.kind == NUMBER:
                continue
            random = node.operation.group == "random"
            kind, means = COMPUTED, "an intermediate result"
            if random:
                means = "a random number from 0 to 1"
                means += f", drawn for {node.layer}" if node.layer else ""
                kind = RANDOM
            name = program.names[node.id]
            stem = f"update.{name}" if update else name
            if update and node.id in outputs:
                continue  # such as the new weights, which have names
            if stem not in self.by_name:
                read = _item(values, node.id)
                self.by_name[stem] = Quantity(
                    stem, "", read, kind, means, node, update=update
                )
                self.numbered[update, node.id] = stem

    def best(self, quantity: Quantity) -> Quantity:
        """Return the name that formulas use for an array of a layer.

        Parameters
        ----------
        quantity : Quantity
            By any name, such as ``dense_1.output``.

        Returns
        -------
        Quantity
            Such as ``dense_1.a``; another layer's name for it is no better one.
        """
        node = quantity.node
        if node is None or node.layer != quantity.layer:
            return quantity
        return self.by_name[self.named.get((quantity.update, node.id), quantity.name)]

    def window(self, vector: str, place: int) -> tuple[str, Index]:
        """Return name and index of a number of one of the update's vectors.

        Parameters
        ----------
        vector : str
            ``""`` for the weights, or a suffix: ``"grad"``, ``"new"``, ``"m"``...
        place : int
            Where in the vector.

        Returns
        -------
        name : str
        index : tuple of int
        """
        layout: Layout = self.step.layout.parameters
        for name, slot in layout.entries.items():
            if place < slot.stop:
                index = np.unravel_index(place - slot.start, slot.shape)
                full = f"{name}.{vector}" if vector else name
                return full, tuple(map(int, index))
        raise IndexError(place)


def _item(mapping: Any, name: Any) -> Callable[[], Any]:
    return lambda: mapping[name] if name != "" else mapping


def _article(role: str) -> str:
    return f"a {role}"
