"""The chain rule of a network, written out: feedforward, loss, backprop, update.

`derive` writes it for any network, `derive_step` with the numbers of one iteration.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pellucid.blueprint import Blueprint
from pellucid.derivation.document import Derivation, Formula, Section, matrix
from pellucid.derivation.printing import LATEX, PLAIN, Printing
from pellucid.derivation.sentences import about_layer, about_loss, about_value
from pellucid.derivation.standard import HIDDEN, OPERATIONS, STANDARD
from pellucid.errors import ConfigurationError
from pellucid.export.equations import Equation, Equations, functions, is_leaf
from pellucid.export.words import Call, Words, is_logit
from pellucid.export.written import Written, write_training, write_update
from pellucid.notation import RUNNING, Notation
from pellucid.ops import text as shape_text
from pellucid.optimizers import Optimizer
from pellucid.program import Program
from pellucid.symbol import Symbol

if TYPE_CHECKING:
    from pellucid.network import NeuralNetwork
    from pellucid.trace import Step

__all__ = ["Derivation", "Formula", "Section", "derive", "derive_step"]

# Numbers that a derivation prints at most, all matrices together.
MOST = 1000

_GIVEN = {
    "rate": (r"\eta", "η"),
    "weight": ("w", "w"),
    "scale": (r"\frac{1}{\sum w}", "1 / sum of w"),
    "decayed": (r"\text{a weight}", "a weight"),
    "seed": (r"\mathrm{seed}", "seed"),
    "step": (r"\mathrm{step}", "step"),
    "g": (r"\frac{\partial L}{\partial w}", "∂L/∂w"),
}


class _Writer:
    """Makes formulas of equations."""

    def __init__(self, blueprint: Blueprint, values: dict[int, Any] | None) -> None:
        self.notation, self.values = Notation(blueprint), values
        self.layout = blueprint.layout
        self.latex = Printing(LATEX, lambda node: self._leaf(node, latex=True))
        self.plain = Printing(PLAIN, lambda node: self._leaf(node, latex=False))

    def _leaf(self, node: Symbol, *, latex: bool) -> str:
        vector, name = node.settings["vector"], node.settings["name"]
        if vector == "constant":
            return "k"
        if vector == "x" and name:
            safe = name.replace("_", r"\_")
            return rf"x_{{\mathrm{{{safe}}}}}" if latex else f"x[{name}]"
        if vector == "w" and name:
            path, _, slot = name.rpartition(".")
            role = self.layout.entries[name].slot.role
            slot = f"{RUNNING}{slot}" if role == "state" else slot
            return self._name(path, slot, latex)
        if vector == "memory":
            return str(name)
        given = _GIVEN.get(vector)
        return given[not latex] if given else str(vector)

    def _name(self, path: str, word: str, latex: bool) -> str:
        print_ = self.notation.formula if latex else self.notation.unicode
        return print_(path, word)

    def names(
        self, lines: Iterable[Equation], fixed: dict[int, tuple[str, str]], latex: bool
    ) -> dict[int, str]:
        """Return a name for the value of each line, all different."""
        names: dict[int, str] = {}
        count = 0
        for line in lines:
            layer, word = fixed.get(line.node.id, (line.layer, line.word))
            name = self._name(layer, word, latex) if word else ""
            while not name or name in names.values():
                if word and name:
                    name = rf"\tilde{{{name}}}" if latex else f"{name}'"
                else:
                    count += 1
                    name = f"t_{{{count}}}" if latex else f"t{count}"
            names[line.node.id] = name
        return names

    def formulas(
        self,
        lines: Iterable[Equation],
        equations: Equations,
        fixed: dict[int, tuple[str, str]],
        say: Callable[[Equation], str],
    ) -> list[tuple[Equation, Formula]]:
        """Return each line as a formula."""
        latex = self.names(equations.lines, fixed, latex=True)
        plain = self.names(equations.lines, fixed, latex=False)
        found = []
        for line in lines:
            node = line.node
            right = self.latex.formula(node, equations, latex)
            right_plain = self.plain.formula(node, equations, plain)
            value, plugged = None, ""
            if self.values is not None and node.id in self.values:
                value = np.asarray(self.values[node.id])
                numbers = self._numbers(equations, node)
                plugged = self.latex.formula(node, equations, numbers)
            formula = Formula(
                latex[node.id],
                right,
                f"{plain[node.id]} = {right_plain}",
                shape_text(node.shape) if node.shape else "",
                say(line),
                plugged,
                value,
                changes=fixed.get(node.id, ("", ""))[1].startswith(RUNNING),
            )
            if formula.changes:
                formula = replace(formula, plain=formula.plain.replace("=", "←", 1))
            found.append((line, formula))
        return found

    def _numbers(self, equations: Equations, node: Symbol) -> dict[int, str]:
        """Return the numbers of all that a formula uses, in print."""
        assert self.values is not None
        values = self.values
        found: dict[int, str] = {}

        def look(whole: Symbol) -> None:
            call = equations.called.get(whole.id)
            for value in call.parameters.values() if call else equations.needs(whole):
                if value.id in equations.named or equations.is_given(value):
                    if not _is_constant(value):
                        found[value.id] = matrix(values[value.id])
                else:
                    look(value)

        look(node)
        return found


def _is_constant(node: Symbol) -> bool:
    return is_leaf(node) and node.settings["vector"] == "constant"


def _sections(
    writer: _Writer, blueprint: Blueprint, written: Written, names: Iterable[str]
) -> list[Section]:
    gradients = {name: written.outputs["g", name] for name in names}
    state = written.of("state")
    wanted = [written["output"], written["losses"], written["loss"]]
    equations = Equations(
        [*wanted, *gradients.values(), *state.values()], written.words
    )
    fixed = {written["loss"].id: ("", "loss")}
    for name, node in gradients.items():
        path, _, slot = name.rpartition(".")
        if not node.label:
            fixed.setdefault(node.id, (path, f"d{slot}"))
    for name, node in state.items():
        path, _, slot = name.rpartition(".")
        fixed[node.id] = (path, f"{RUNNING}{slot}")
    of_parameters = {node.id for node in gradients.values()}
    deltas = [line.node.id for line in equations.lines if line.word == "dz"]

    def say(line: Equation) -> str:
        i = line.node.id
        word = fixed.get(i, ("", line.word))[1].replace(RUNNING, "new_")
        return about_value(word, output=i in of_parameters, last=i in deltas[:1])

    lines = equations.lines
    forward = [e for e in lines if e.node.id < written.forward]
    begin = next((k for k, e in enumerate(lines) if e.node is written["loss"]), -1) + 1
    loss = [e for e in lines[:begin] if e.node.id >= written.forward]
    back = lines[begin:]
    notation, layers = writer.notation, blueprint.layers
    described: set[str] = set()

    def by_layer(part: list[Equation]) -> list[Section]:
        found: list[Section] = []
        for line, formula in writer.formulas(part, equations, fixed, say):
            path = line.layer
            if not found or found[-1].title.partition(":")[0] != (path or "loss"):
                about = (
                    "" if path in described or not path else about_layer(layers[path])
                )
                described.add(path)
                title = notation.title(path) if path else "loss"
                found.append(Section(title, about, (), 2))
            last = found[-1]
            found[-1] = Section(last.title, last.about, (*last.formulas, formula), 2)
        return found

    return [
        Section("Feedforward", "Every layer in turn, from the inputs x to the output."),
        *by_layer(forward),
        Section(
            "Loss",
            f"{blueprint.loss!r}: {about_loss(blueprint.loss)}",
            tuple(f for _, f in writer.formulas(loss, equations, fixed, say)),
        ),
        Section(
            "Backpropagation",
            "The chain rule from the loss back to every parameter, last layer first.",
        ),
        *by_layer(back),
        *_definitions(writer, equations, written.words),
    ]


def _definitions(
    writer: _Writer, equations: Equations, words: Words, level: int = 1
) -> Iterable[Section]:
    """Yield what the functions are that the formulas name."""
    found: dict[str, Formula] = {}

    def define(call: Call, body: Equations) -> None:
        texts = []
        for printing, table in ((writer.latex, 0), (writer.plain, 1)):
            given = {
                v.id: _parameter(word, call, latex=printing.latex)
                for word, v in call.parameters.items()
            }
            slope = call.method == "slope"
            base = call.name.removesuffix("_slope") if slope else call.name
            arguments = [given[v.id] for v in body.arguments(call)]
            if slope:
                arguments = list(given.values())[:1]
            left = printing.function(base, arguments, "'" * slope)
            if call.name in STANDARD:
                texts.append((left, STANDARD[call.name][table]))
                continue
            names = given | {
                line.node.id: f"t_{{{i}}}" if printing.latex else f"t{i}"
                for i, line in enumerate(body.lines, 1)
            }
            *inner, last = body.lines
            right = printing.formula(last.node, body, given | names)
            where = [
                f"{names[e.node.id]} = {printing.formula(e.node, body, names)}"
                for e in inner
            ]
            between = r",\quad " if printing.latex else ",  "
            texts.append((left, between.join([right, *where])))
        (left, right), (plain_left, plain) = texts
        known = call.meaning if call.owner is not None else ""
        known = "" if known.startswith("Return") else known
        if call.name not in found and call.name not in HIDDEN:
            found[call.name] = Formula(
                left, right, f"{plain_left} = {plain}", sentence=known
            )

    functions(equations, words, define, inlined=True)
    for name, (left, right, plain, sentence) in OPERATIONS.items():
        if name in writer.plain.used:
            found[name] = Formula(left, right, plain, sentence=sentence)
    if found:
        about = "What the functions above are."
        yield Section("Functions", about, tuple(found.values()), level)


def _parameter(word: str, call: Call, *, latex: bool) -> str:
    if word != "y_hat":
        return word
    if is_logit(call):
        return "z"
    return r"\hat{y}" if latex else "ŷ"


def _update_sections(blueprint: Blueprint, optimizer: Optimizer) -> Iterable[Section]:
    written = write_update(optimizer, 2, penalized=optimizer.decays)
    memory, new = written.of("memory"), written.outputs["new", "w"]
    equations = Equations([*memory.values(), new], written.words)
    fixed = {node.id: ("", name) for name, node in memory.items()} | {new.id: ("", "w")}
    writer = _Writer(blueprint, None)

    def say(line: Equation) -> str:
        if line.node is new:
            return "A step downhill."
        if line.node.id in {node.id for node in memory.values()}:
            return f"What the optimizer remembers as {fixed[line.node.id][1]}."
        return ""

    found = writer.formulas(equations.lines, equations, fixed, say)
    formulas = tuple(
        replace(f, shape="", changes=True, plain=f.plain.replace("=", "←", 1))
        if line.node.id in fixed
        else replace(f, shape="")
        for line, f in found
    )
    told = "w stands for every parameter."
    if any("η" in formula.plain for formula in formulas):
        told = f"η is the learning rate, {told}"
    yield Section("Update", f"{optimizer!r}: {told}", formulas)
    yield from _definitions(writer, equations, written.words, level=2)


def derive(network: "NeuralNetwork", optimizer: Any = None) -> Derivation:
    """Return the formulas of a network.

    Parameters
    ----------
    network : NeuralNetwork
        Built.
    optimizer : Optimizer or str, optional
        Whose update to write; that of the last training, or Adam, by default.

    Returns
    -------
    Derivation
    """
    from pellucid.export.proof import rule_of

    blueprint = network.blueprint
    written = write_training(blueprint)
    names = blueprint.layout.parameters.entries
    writer = _Writer(blueprint, None)
    sections = _sections(writer, blueprint, written, names)
    sections += _update_sections(blueprint, rule_of(network, optimizer))
    return Derivation(_title(network.layers), tuple(sections))


def _title(layers: Iterable[Any]) -> str:
    return f"The mathematics of [{', '.join(map(repr, layers))}]"


def derive_step(step: "Step") -> Derivation:
    """Return the formulas of one iteration, with its numbers.

    Parameters
    ----------
    step : Step
        What happened.

    Returns
    -------
    Derivation

    Raises
    ------
    ConfigurationError
        If there are more than `MOST` numbers to print.
    """
    blueprint = step.blueprint
    weight = np.asarray(step.sample_weight)
    written = write_training(blueprint, weighted=bool((weight != 1).any()))
    written.trace.outputs.update(written.outputs)
    program = Program("derivation", written.trace)
    with np.errstate(all="ignore"):
        values = program.values(step.given(step.dtype), step.n, step.dtype)
    names = blueprint.layout.parameters.entries
    sections = _sections(_Writer(blueprint, values), blueprint, written, names)
    count = sum(
        f.value.size for s in sections for f in s.formulas if f.value is not None
    )
    if count > MOST:
        raise ConfigurationError(
            f"This step has {count:,} numbers to write out; a derivation prints at "
            f"most {MOST:,}. Trace fewer rows or a smaller network, or take "
            "net.derivation(), which has the formulas alone."
        )
    update = _update_sections(blueprint, step.optimizer)
    notation, formulas = Notation(blueprint), []
    for full in names:
        path, _, slot = full.rpartition(".")
        new, latex = step.new_weights[full], notation.formula(path, slot)
        plain = notation.unicode(path, slot)
        old = rf"{matrix(step.weights[full])} + {matrix(step.update[full])}"
        moved = rf"{latex} + \Delta {latex}"
        formula = Formula(
            rf"{latex}_{{\mathrm{{new}}}}",
            moved,
            f"new {plain} = {plain} + its step",
            sentence=f"{full} after the update.",
            plugged=old,
            value=new,
        )
        formulas.append(formula)
    sections += [*update, Section("New parameters", "", tuple(formulas), 2)]
    return Derivation(
        f"Iteration {step.iteration + 1} with its numbers", tuple(sections)
    )
