"""A network as a complete NumPy program that can be read, run and changed.

It has the form of the tutorials: a class with `feedforward`, `backprop` and the
training, short functions above it, and below it a check that it computes what the
network computed. It needs NumPy and nothing else.
"""

import io
import re
import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.export import encoder_numpy, encoder_python
from pellucid.export.code_text import WIDTH, fitted, helper_texts, indented
from pellucid.export.equations import Equation, Equations, functions
from pellucid.export.literals import MOST, numpy_literal
from pellucid.export.numpy_text import NumpyText, constant
from pellucid.export.proof import Proof, prove
from pellucid.export.python_main import beside, main_text
from pellucid.export.python_table import table_pieces
from pellucid.export.python_update import memory_lines, train_lines, update_lines
from pellucid.export.words import Call, is_logit
from pellucid.export.written import (
    Written,
    write_prediction,
    write_training,
    write_update,
)
from pellucid.notation import Notation
from pellucid.symbol import Symbol

if TYPE_CHECKING:
    from pellucid.network import NeuralNetwork

# Names that mean something else in the program.
_TAKEN = {"np", "math", "self", "x", "y", "n", "rate", "t", "name", "g", "w"}


class Twin:
    """The text of the program, piece by piece.

    Parameters
    ----------
    network : NeuralNetwork
        With its numbers.
    proof : Proof
        What the program trains with.

    Attributes
    ----------
    slots : dict of str to str
        The name of each parameter in the program: ``{"dense_1.W": "W1"}``.
    trained : list of str
        The parameters that training changes, by their full names.
    functions : dict of str to str
        The functions above the class: name -> text.
    """

    def __init__(self, network: "NeuralNetwork", proof: Proof) -> None:
        self.network, self.proof = network, proof
        self.blueprint = network.blueprint
        self.notation = Notation(self.blueprint)
        self.functions: dict[str, str] = {}  # name -> text
        self._known: dict[tuple[str, str], str] = {}  # name, body -> name
        self.text = NumpyText(f"np.{network.dtype}", self.leaf, self._function)
        self._calls: dict[tuple[int, int], str] = {}  # trace, value -> function
        self.prediction = write_prediction(self.blueprint)
        self.training = write_training(self.blueprint)
        self.update = write_update(proof.optimizer, 7, penalized=proof.optimizer.decays)
        self.memory_index = "[name]"
        self.slots: dict[str, str] = {}  # dense_1.W -> W1
        for full in self.blueprint.layout.entries:
            path, _, slot = full.rpartition(".")
            name = self.notation.identifier(path, slot)
            free = name not in self.slots.values()
            self.slots[full] = name if free else f"{slot}_{path.replace('.', '_')}"
        taken = {"Network", "answers", "predict", "predict_class", "network", *_TAKEN}
        self.code = encoder_numpy.encoding(network, taken)
        own = self.blueprint.layout.parameters.entries
        self.trained = [name for name in own if name not in network.frozen]

    # -- names ---------------------------------------------------------------------

    def leaf(self, node: Symbol) -> str:
        """Return what the program calls something that it is given.

        Parameters
        ----------
        node : Symbol
            The value.

        Returns
        -------
        str
        """
        vector, name = node.settings["vector"], node.settings["name"]
        if vector == "constant":
            return constant(node.settings["value"])
        if vector == "x" and name:
            return f"x[{encoder_python.text(name)}]"
        if vector == "w" and name:
            return f"self.{self.slots[name]}"
        if vector == "memory":
            return f"self.{name}{self.memory_index}"
        return {"seed": "self.key", "step": "self.step"}.get(vector, str(vector))

    def _function(self, call: Call) -> str:
        return self._calls[_key(call)]

    def names(
        self, lines: Iterable[Equation], fixed: dict[int, str], again: str = ""
    ) -> dict[int, str]:
        """Return a name for the value of each line, all different.

        Parameters
        ----------
        lines : iterable of Equation
            The lines.
        fixed : dict of int to str
            Names that some values have already, by id.
        again : str
            What is added to a word that is taken.

        Returns
        -------
        dict of int to str
        """
        names: dict[int, str] = {}
        taken = {*_TAKEN, *fixed.values(), *self.functions}
        for line in lines:
            if line.node.id in fixed:
                names[line.node.id] = fixed[line.node.id]
                continue
            choices = []
            if line.word:
                short = self.notation.identifier(line.layer, line.word)
                path = line.layer.replace(".", "_")
                choices = [short, f"{line.word}{again}", f"{line.word}_{path}"]
                choices = choices if again or path else choices[:1]
            number = 1
            while not choices or choices[0] in taken or not choices[0]:
                choices = choices[1:] or [f"t{number}"]
                number += 1
            names[line.node.id] = choices[0]
            taken.add(choices[0])
        return names

    # -- functions -----------------------------------------------------------------

    def equations(self, written: Written, outputs: Iterable[Symbol]) -> Equations:
        """Return equations, and note the functions that they call.

        Parameters
        ----------
        written : Written
            What was written down.
        outputs : iterable of Symbol
            What is wanted.

        Returns
        -------
        Equations
        """
        equations = Equations(outputs, written.words)
        functions(equations, written.words, self._note)
        return equations

    def _note(self, call: Call, body: Equations) -> None:
        given = {}
        for word, node in call.parameters.items():
            if node.id in {v.id for v in body.arguments(call)}:
                given[node.id] = "z" if word == "y_hat" and is_logit(call) else word
        names = self.named(body, given | {call.result.id: "return"})
        lines = []
        for line in body.lines:
            if line.node is call.result:
                continue
            formula = self.text.formula(line.node, body, given | names)
            lines.append(f"    {names[line.node.id]} = {formula}")
        formula = self.text.formula(call.result, body, given | names)
        lines.append(f"    return {formula}")
        lines = [f'    """{call.meaning}"""', *lines] if call.meaning else lines
        text = f"({', '.join(given.values())}):\n" + "\n".join(map(fitted, lines))
        # The same lines in another order are the same function.
        key = call.name, "\n".join(sorted(text.split("\n")))
        if key not in self._known:
            name, count = call.name, 1
            while name in self.functions:
                count += 1
                name = f"{call.name}_{count}"
            self._known[key] = name
            self.functions[name] = f"def {name}{text}"
        self._calls[_key(call)] = self._known[key]

    # -- the class -----------------------------------------------------------------

    def program(self, name: str) -> str:
        """Return the whole text.

        Parameters
        ----------
        name : str
            Of the file of large weights, without its ending.

        Returns
        -------
        str
        """
        pieces = [self._class(name)]
        pieces += table_pieces(self)
        pieces[:0] = self.functions.values()
        pieces[:0] = helper_texts(self.text.helpers)
        pieces.append(main_text(self, name))
        lines = [self._head(), "", "import numpy as np"]
        modules: list[str] = []
        if self.code is not None:
            text = "\n".join(pieces)
            modules, lists, functions = encoder_python.preamble(self.code, text)
            pieces[:0] = ["\n".join(lists), *functions]
        known = {"math.": "import math", "Path(": "from pathlib import Path"}
        needed = [known[use] for use in known if any(use in text for text in pieces)]
        needed = sorted({*needed, *(f"import {module}" for module in modules)})
        lines[2:2] = [*needed, ""] if needed else []
        return "\n\n\n".join(["\n".join(lines), *pieces]) + "\n"

    def _head(self) -> str:
        layers = ", ".join(map(repr, self.network.layers))
        text = (
            f"A neural network in NumPy: {layers}. The loss is "
            f"{self.network.loss.label}, the optimizer {self.proof.optimizer!r}."
        )
        return '"""' + "\n".join(textwrap.wrap(text, WIDTH - 3)) + '\n"""'

    def _class(self, name: str) -> str:
        written = self.training
        gradients = {k: written.outputs["g", k] for k in self.trained}
        state = written.of("state")
        training = self.equations(
            written,
            [
                *(written[name] for name in ("output", "losses", "loss")),
                *gradients.values(),
                *state.values(),
            ],
        )
        prediction = self.equations(self.prediction, [self.prediction["output"]])
        fixed = {written["loss"].id: "loss"}
        fixed |= {v.id: f"new_{self.slots[k]}" for k, v in state.items()}
        for k, v in gradients.items():
            word = "" if v.id in fixed or v.label else f"d{self.slots[k]}"
            if word:
                fixed[v.id] = word
        names = self.named(training, fixed)
        forward = [e for e in training.lines if e.node.id < written.forward]
        behind = [e for e in training.lines if e.node.id >= written.forward]
        predicted = self.named(prediction, {})
        lines = self.lines(prediction.lines, prediction, predicted)
        kept = self.lines(forward, training, names)
        output = names.get(written["output"].id) or self.leaf(written["output"])
        if lines == kept:
            used = training.used_by(behind)
            wanted = [names[e.node.id] for e in forward if e.node.id in used]
            wanted = [w for w in wanted if w != output]
            feedforward = [
                "def forward(self, x):",
                '    """Return what backprop needs, and the output."""',
                *indented(lines),
                f"    return {', '.join([*wanted, output])}",
                "",
                "def feedforward(self, x):",
                '    """Return the predictions."""',
                f"    return self.forward(x){'[-1]' if wanted else ''}",
            ]
            begin = [f"{', '.join([*wanted, output])} = self.forward(x)"]
        else:
            end = predicted.get(self.prediction["output"].id)
            end = end or self.leaf(self.prediction["output"])
            feedforward = [
                "def feedforward(self, x):",
                '    """Return the predictions: every layer in turn."""',
                *indented(self.with_n(lines, "x")),
                f"    return {end}",
            ]
            begin = ["# forward, in training", *kept]
        back = [*begin, *self.lines(behind, training, names)]
        back.append(f"gradients = {self._dictionary(gradients, names)}")
        result = "return loss, gradients"
        if state:
            result += f", {self._dictionary(state, names)}"
        backprop = [
            "def backprop(self, x, y):",
            '    """Return the loss and its slope in every parameter."""',
            *indented(self.with_n(back, "y")),
            f"    {result}",
        ]
        update = update_lines(self)
        parts = [
            self._init(name),
            feedforward,
            backprop,
            update,
            train_lines(self, state=bool(state)),
        ]
        return "class Network:\n" + "\n\n".join(
            "\n".join(fitted(f"    {line}") if line else "" for line in part)
            for part in parts
        )

    def named(
        self, equations: Equations, fixed: dict[int, str], again: str = ""
    ) -> dict[int, str]:
        """Return a name for each line, after long ones have been split.

        Parameters
        ----------
        equations : Equations
            Whose lines.
        fixed, again
            As in `names`.

        Returns
        -------
        dict of int to str
        """
        while True:
            names = self.names(equations.lines, fixed, again)
            for line in equations.lines:
                formula = self.text.formula(line.node, equations, fixed | names)
                text = f"            {names[line.node.id]} = {formula}"
                if len(text) > WIDTH and equations.split(line.node):
                    break
            else:
                return names

    def _dictionary(self, values: dict[str, Symbol], names: dict[int, str]) -> str:
        each = (f'"{self.slots[k]}": {names[v.id]}' for k, v in values.items())
        return f"{{{', '.join(each)}}}"

    def lines(
        self, lines: list[Equation], equations: Equations, names: dict[int, str]
    ) -> list[str]:
        """Return lines of code, with a comment above those of each layer.

        Parameters
        ----------
        lines : list of Equation
            Which.
        equations : Equations
            Whose.
        names : dict of int to str
            What values are called, by their id.

        Returns
        -------
        list of str
        """
        found = []
        layer = None
        for line in lines:
            if line.node.layer != layer:
                layer = line.node.layer
                found.append(f"# {self._layer(layer)}")
            formula = self.text.formula(line.node, equations, names)
            found.append(f"{names[line.node.id]} = {formula}")
        return found

    def with_n(self, lines: list[str], rows: str) -> list[str]:
        """Return lines that begin with the number of rows where they need it.

        Parameters
        ----------
        lines : list of str
            Lines of code.
        rows : str
            What has these rows: ``"x"`` or ``"y"``.

        Returns
        -------
        list of str
        """
        if not any(re.search(r"\bn\b", line.partition("#")[0]) for line in lines):
            return lines
        if rows == "x" and isinstance(self.blueprint.inputs, dict):
            rows = f"x[{encoder_python.text(next(iter(self.blueprint.inputs)))}]"
        return [f"n = len({rows})", *lines]

    def _layer(self, path: str) -> str:
        if not path:
            return f"the loss, {self.network.loss.label}"
        number = self.notation.number(path)
        return f"{number}. {self.notation.title(path, WIDTH - 20)}"

    def _init(self, name: str) -> list[str]:
        lines = ["def __init__(self):"]
        size = self.network.weights.size
        for full, entry in self.blueprint.layout.entries.items():
            values = self.network.weights[entry.start : entry.stop].reshape(entry.shape)
            key = self.slots[full]
            if size > MOST:
                lines.append(f'    self.{key} = numbers["{key}"]')
            else:
                lines.append(f"    self.{key} = {numpy_literal(values, 8)}")
        if size > MOST:
            lines.insert(1, f"    numbers = {beside(name)}")
        lines += [f"    {line}" for line in memory_lines(self)]
        lines.append("    self.step = 0")
        if "uniform" in self.text.helpers:
            lines.append(f"    self.key = {self.proof.key}")
        return lines


def _key(call: Call) -> tuple[int, int]:
    return id(call.result.trace), call.result.id


def source(
    network: "NeuralNetwork",
    *,
    optimizer: Any = None,
    x: Any = None,
    y: Any = None,
    epochs: int = 10,
    batch_size: int | None = None,
) -> str:
    """Return a network as a NumPy program.

    Parameters
    ----------
    network : NeuralNetwork
        With its numbers.
    optimizer, x, y, epochs, batch_size
        What it trains with, and on which data it proves that it does the same, as in
        `pellucid.export.proof.prove`.

    Returns
    -------
    str
        Weights or data of more than `MOST` numbers are read from a file
        ``weights.npz`` next to it, which `files` makes, too.
    """
    proof = prove(
        network, optimizer=optimizer, x=x, y=y, epochs=epochs, batch_size=batch_size
    )
    return Twin(network, proof).program("weights")


def files(
    network: "NeuralNetwork",
    name: str,
    *,
    optimizer: Any = None,
    x: Any = None,
    y: Any = None,
    epochs: int = 10,
    batch_size: int | None = None,
) -> dict[str, str | bytes]:
    """Return the program, and the file of its weights and data where they are many.

    Parameters
    ----------
    network, optimizer, x, y, epochs, batch_size
        As in `source`.
    name : str
        File name of the program.

    Returns
    -------
    dict of str to str or bytes
    """
    proof = prove(
        network, optimizer=optimizer, x=x, y=y, epochs=epochs, batch_size=batch_size
    )
    twin = Twin(network, proof)
    stem = name.removesuffix(".py")
    found: dict[str, str | bytes] = {name: twin.program(stem)}
    arrays: dict[str, Any] = {}
    if network.weights.size > MOST:
        for full, entry in network.blueprint.layout.entries.items():
            values = network.weights[entry.start : entry.stop]
            arrays[twin.slots[full]] = values.reshape(entry.shape)
    if twin.proof.size > MOST:
        x = proof.x
        arrays |= (
            {f"x.{k}": v for k, v in x.items()} if isinstance(x, dict) else {"x": x}
        )
        arrays["y"] = twin.proof.y
    if arrays:
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        found[f"{stem}.npz"] = buffer.getvalue()
    return found
