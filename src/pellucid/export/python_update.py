"""The part of a NumPy program that changes the weights: the optimizer, the training."""

import re
from typing import TYPE_CHECKING

from pellucid.export.code_text import indented
from pellucid.export.equations import Equation, Equations, is_leaf
from pellucid.schedules import Schedule

if TYPE_CHECKING:
    from pellucid.export.python import Twin


def is_elementwise(twin: "Twin") -> bool:
    """Return whether each weight's update looks at this weight alone.

    Parameters
    ----------
    twin : Twin
        The program.

    Returns
    -------
    bool
    """
    groups = {node.operation.group for node in twin.update.trace.nodes}
    return groups <= {"leaf", "elementwise"}


def memory_lines(twin: "Twin") -> list[str]:
    """Return lines that make the optimizer's memories.

    Parameters
    ----------
    twin : Twin
        The program.

    Returns
    -------
    list of str
    """
    optimizer = twin.proof.optimizer
    if not optimizer.memories:
        return []
    if is_elementwise(twin):
        lines = [f"names = [{', '.join(_quoted(twin, twin.trained))}]"]
        zeros = "{name: np.zeros_like(getattr(self, name)) for name in names}"
    else:
        entries = [twin.blueprint.layout.entries[name] for name in twin.trained]
        size = sum(entry.stop - entry.start for entry in entries)
        lines, zeros = [], f"np.zeros({size}, np.{twin.network.dtype})"
    return [*lines, *(f"self.{name} = {zeros}" for name in optimizer.memories)]


def _quoted(twin: "Twin", names: list[str]) -> list[str]:
    return [f'"{twin.slots[name]}"' for name in names]


def update_lines(twin: "Twin") -> list[str]:
    """Return the method that makes one step of the optimizer.

    Parameters
    ----------
    twin : Twin
        The program.

    Returns
    -------
    list of str
    """
    *lines, result = _formulas(twin)
    text = "\n".join(lines)
    head = [
        "def update(self, gradients):",
        '    """Make one step of the optimizer."""',
        "    self.step += 1",
    ]
    if re.search(r"\bt\b", text):
        head.append("    t = self.step")
    head.append(f"    rate = {_rate(twin)}")
    entries = twin.blueprint.layout.entries
    decayed = [k for k in twin.trained if entries[k].slot.role == "weight"]
    weights = f"({', '.join(_quoted(twin, decayed))}{',' * (len(decayed) == 1)})"
    penalized = re.search(r"\bdecayed\b", text) is not None
    if is_elementwise(twin):
        body = ["for name, g in gradients.items():", "    w = getattr(self, name)"]
        body += [f"    decayed = name in {weights}"] * penalized
        body += [*indented(lines), f"    setattr(self, name, {result})"]
        return [*head, *indented(body)]
    body = [
        "# all parameters as one vector",
        "old = {name: getattr(self, name) for name in gradients}",
        "w = np.concatenate([values.ravel() for values in old.values()])",
        "g = np.concatenate([values.ravel() for values in gradients.values()])",
    ]
    if penalized:
        body += [
            f"weights = {weights}",
            "decayed = np.concatenate(",
            "    [np.full(a.size, name in weights) for name, a in old.items()]",
            ")",
        ]
    body += [
        *lines,
        "start = 0",
        "for name, values in old.items():",
        f"    new = {result}[start : start + values.size]",
        "    setattr(self, name, new.reshape(values.shape))",
        "    start += values.size",
    ]
    return [*head, *indented(body)]


def _formulas(twin: "Twin") -> list[str]:
    """Return the lines of the rule, and after them what the new weights are called."""
    memory, new = twin.update.of("memory"), twin.update.outputs["new", "w"]
    twin.memory_index = "[name]" if is_elementwise(twin) else ""
    equations = twin.equations(twin.update, [*memory.values(), new])
    fixed = {node.id: name for name, node in memory.items()}
    for line in equations.lines:
        word = "w" if line.node is new else line.word
        if word in ("w", "g") and _in_place(equations, line, word):
            fixed.setdefault(line.node.id, word)
    names = twin.named(equations, fixed, "_hat")
    lines = [
        f"{names[e.node.id]} = {twin.text.formula(e.node, equations, names)}"
        for e in equations.lines
    ]
    for name, node in memory.items():
        lines.append(f"self.{name}{twin.memory_index} = {names.get(node.id, name)}")
    return [*lines, names.get(new.id, "w")]


def _in_place(equations: Equations, line: Equation, vector: str) -> bool:
    """Return whether nothing after a line needs what it replaces."""
    later = [each for each in equations.lines if each.node.id > line.node.id]
    old = [v for v in line.node.trace.nodes if is_leaf(v)]
    replaced = {v.id for v in old if v.settings["vector"] == vector}
    return not equations.used_by(later) & replaced


def _rate(twin: "Twin") -> str:
    if isinstance(twin.proof.optimizer.learning_rate, Schedule):
        return "RATES[min(self.step, len(RATES)) - 1]"
    return repr(float(twin.proof.optimizer.learning_rate))


def train_lines(twin: "Twin", *, state: bool) -> list[str]:
    """Return the method that trains.

    Parameters
    ----------
    twin : Twin
        The program.
    state : bool
        Whether there are running numbers to keep.

    Returns
    -------
    list of str
    """
    named = isinstance(twin.blueprint.inputs, dict)
    rows = "{name: values[rows] for name, values in x.items()}" if named else "x[rows]"
    found = "loss, gradients, state" if state else "loss, gradients"
    moved = ["            vars(self).update(state)"] if state else []
    return [
        "def train(self, x, y, epochs, batch_size=None, shuffle=None):",
        '    """Return the loss of each batch before its update.',
        "",
        "    shuffle: a np.random.Generator that gives each epoch a new order.",
        '    """',
        "    history, order = [], np.arange(len(y))",
        "    size = batch_size or len(y)",
        "    for _ in range(epochs):",
        "        if shuffle is not None:",
        "            order = shuffle.permutation(len(y))",
        "        for start in range(0, len(y), size):",
        "            rows = order[start : start + size]",
        f"            {found} = self.backprop({rows}, y[rows])",
        "            self.update(gradients)",
        *moved,
        "            history.append(loss)",
        "    return history",
    ]
