"""A network, its loss, its backpropagation and its update, written down with words."""

from dataclasses import dataclass, field
from typing import Any

from pellucid.blueprint import Blueprint, SymbolView, input_symbols
from pellucid.export.words import Words
from pellucid.layer import Memo, new_pass
from pellucid.optimizers import Optimizer
from pellucid.symbol import BOOL, FLOAT, INTEGER, NUMBER, Symbol, Trace
from pellucid.tracing import MemoryView


@dataclass
class Written:
    """What was written down.

    Attributes
    ----------
    outputs : dict of (str, str) to Symbol
        What is computed, by vector and name: ``("output", "")``, ``("losses", "")``,
        ``("loss", "")``, ``("g", "dense_1.W")``, ``("state", ...)``, ``("new", "w")``,
        ``("memory", "m")``.
    words : Words
        What layers call their values.
    forward : int
        Values with a smaller id belong to the pass forward.
    trace : Trace
        Where all of it was noted.
    """

    outputs: dict[tuple[str, str], Symbol]
    words: Words
    forward: int = 0
    trace: Trace = field(default_factory=Trace)

    def __getitem__(self, name: str) -> Symbol:
        return self.outputs[name, ""]

    def of(self, vector: str) -> dict[str, Symbol]:
        """Return the outputs of a vector by name.

        Parameters
        ----------
        vector : str
            Such as ``"g"``.

        Returns
        -------
        dict of str to Symbol
        """
        return {name: s for (v, name), s in self.outputs.items() if v == vector}


def _views(blueprint: Blueprint, trace: Trace) -> Any:
    slots = {name: entry.slot for name, entry in blueprint.layout.entries.items()}
    return (SymbolView(trace, slots, vector) for vector in ("w", "g", "state"))


def write_prediction(blueprint: Blueprint) -> Written:
    """Write down how the network predicts.

    Parameters
    ----------
    blueprint : Blueprint
        What the network computes.

    Returns
    -------
    Written
    """
    trace, words = Trace(), Words()
    p, _, _ = _views(blueprint, trace)
    memo = Memo(new_pass(training=False, trace=trace))
    with words.listening(trace):
        output = blueprint.feedforward(input_symbols(trace, blueprint.inputs), p, memo)
    return Written({("output", ""): output}, words, len(trace.nodes), trace)


def write_answers(blueprint: Blueprint) -> Written:
    """Write down what `predict_proba` or `predict` makes of the network's outputs.

    Parameters
    ----------
    blueprint : Blueprint
        What the network computes.

    Returns
    -------
    Written
    """
    trace, words, loss = Trace(), Words(), blueprint.loss
    y = trace.leaf("y", "", (trace.batch, *blueprint.output_shape))
    with words.listening(trace):
        found = y if blueprint.logits is not None else loss.linked(y)
        found = loss.answer(found) if loss.task == "numbers" else found
    return Written({("output", ""): found}, words, len(trace.nodes), trace)


def write_training(blueprint: Blueprint, *, weighted: bool = False) -> Written:
    """Write down the pass forward, the loss, and the way back.

    Parameters
    ----------
    blueprint : Blueprint
        What the network computes.
    weighted : bool
        Whether samples have weights; otherwise all count the same.

    Returns
    -------
    Written
    """
    trace, words = Trace(), Words()
    p, g, state = _views(blueprint, trace)
    shared = new_pass(training=True, trace=trace, state=state)
    memo = Memo(shared)
    loss = blueprint.loss
    with words.listening(trace):
        x = input_symbols(trace, blueprint.inputs)
        output = blueprint.feedforward(x, p, memo)
        end = len(trace.nodes)
        out, source = output, memo
        for name in blueprint.logits or ():
            source = source[name]
            out = source.z
        if loss.task == "classes":
            y = trace.leaf("y", "", (trace.batch,), INTEGER)
        else:
            y = trace.leaf("y", "", (trace.batch, *blueprint.target_shape), FLOAT)
        values = loss.value(out, y)
        if weighted:
            weight = trace.leaf("weight", "", (trace.batch,))
            shares = weight * trace.leaf("scale", "", (), NUMBER)
            words.names.setdefault(shares.id, ("", "shares"))
            total = (shares * values).sum()
            each = shares.reshape(trace.batch, *(1 for _ in out.shape[1:]))
            slope = loss.slope(out, y) * each
        elif loss.reduction == "sum":
            total, slope = values.sum(), loss.slope(out, y)
        else:
            total, slope = values.mean(), loss.slope(out, y) / trace.batch
        blueprint.root.backward(slope, p, g, memo)
    words.names.setdefault(values.id, ("", "losses"))
    for path, delta in shared.deltas.items():
        if isinstance(delta, Symbol):
            came = getattr(shared.outputs[path], "label", "") or "y"
            words.flows.setdefault(delta.id, (path, f"d{came}"))
    found = {"output": output, "out": out, "losses": values, "loss": total}
    outputs = {(name, ""): symbol for name, symbol in found.items()}
    return Written(outputs | trace.outputs, words, end, trace)


def write_update(optimizer: Optimizer, size: int, *, penalized: bool = True) -> Written:
    """Write down one update.

    Parameters
    ----------
    optimizer : Optimizer
        The rule.
    size : int
        Length of the vectors.
    penalized : bool
        Whether penalties and decay apply.

    Returns
    -------
    Written
    """
    trace, words = Trace(), Words()
    memory = MemoryView(trace, optimizer.memories, size)
    w, g = (trace.leaf(name, "", (size,)) for name in ("w", "g"))
    t, rate = (trace.leaf(name, "", (), NUMBER) for name in ("t", "rate"))
    decayed = trace.leaf("decayed", "", (size,), BOOL) if penalized else None
    with words.listening(trace):
        new = optimizer.update(w, g, memory, t, rate, decayed)
    return Written({("new", "w"): new, **trace.outputs}, words, 0, trace)
