"""Writes networks down: from a blueprint and an optimizer to Programs."""

from collections.abc import Mapping
from typing import Any

from pellucid.blueprint import Blueprint, SymbolView, input_symbols
from pellucid.layer import Layer, Memo, layer_names, new_pass
from pellucid.layout import Slot
from pellucid.ops import text
from pellucid.optimizers import Optimizer
from pellucid.program import WATCHED, Program, Programs, write_down
from pellucid.symbol import BOOL, FLOAT, INTEGER, NUMBER, Symbol, Trace


def _slots(blueprint: Blueprint) -> dict[str, Slot]:
    return {name: entry.slot for name, entry in blueprint.layout.entries.items()}


def _targets(trace: Trace, blueprint: Blueprint) -> Any:
    if blueprint.loss.task == "classes":
        return trace.leaf("y", "", (trace.batch,), INTEGER)
    return trace.leaf("y", "", (trace.batch, *blueprint.target_shape), FLOAT)


def prediction(blueprint: Blueprint) -> Program:
    """Return the Program from inputs to outputs.

    Parameters
    ----------
    blueprint : Blueprint
        What the network computes.

    Returns
    -------
    Program
    """

    def write(trace: Trace) -> None:
        memo = Memo(new_pass(training=False, trace=trace))
        x = input_symbols(trace, blueprint.inputs)
        p = SymbolView(trace, _slots(blueprint), "w")
        trace.outputs["output", ""] = blueprint.feedforward(x, p, memo)

    return write_down("prediction", write)


def probabilities(blueprint: Blueprint) -> Program:
    """Return the Program from inputs to outputs with the loss's link applied.

    Parameters
    ----------
    blueprint : Blueprint
        What the network computes.

    Returns
    -------
    Program
    """

    def write(trace: Trace) -> None:
        memo = Memo(new_pass(training=False, trace=trace))
        x = input_symbols(trace, blueprint.inputs)
        p = SymbolView(trace, _slots(blueprint), "w")
        trace.outputs["output", ""] = blueprint.probabilities(x, p, memo)

    return write_down("probabilities", write)


def answers(blueprint: Blueprint) -> Program:
    """Return the Program from inputs to what `predict` says where targets are numbers.

    Parameters
    ----------
    blueprint : Blueprint
        What the network computes.

    Returns
    -------
    Program
    """

    def write(trace: Trace) -> None:
        memo = Memo(new_pass(training=False, trace=trace))
        x = input_symbols(trace, blueprint.inputs)
        p = SymbolView(trace, _slots(blueprint), "w")
        found = blueprint.probabilities(x, p, memo)
        trace.outputs["output", ""] = blueprint.loss.answer(found)

    return write_down("answers", write)


def evaluation(blueprint: Blueprint) -> Program:
    """Return the Program from inputs and targets to the loss of every sample.

    Parameters
    ----------
    blueprint : Blueprint
        What the network computes.

    Returns
    -------
    Program
    """

    def write(trace: Trace) -> None:
        memo = Memo(new_pass(training=False, trace=trace))
        x, y = input_symbols(trace, blueprint.inputs), _targets(trace, blueprint)
        p = SymbolView(trace, _slots(blueprint), "w")
        trace.outputs["loss", ""] = blueprint.losses(x, y, p, memo)[1]

    return write_down("evaluation", write)


def training(blueprint: Blueprint) -> Program:
    """Return the Program of loss, gradients and new running state.

    Parameters
    ----------
    blueprint : Blueprint
        What the network computes.

    Returns
    -------
    Program
    """

    def write(trace: Trace) -> None:
        slots = _slots(blueprint)
        state = SymbolView(trace, slots, "state")
        memo = Memo(new_pass(training=True, trace=trace, state=state))
        x, y = input_symbols(trace, blueprint.inputs), _targets(trace, blueprint)
        weight = trace.leaf("weight", "", (trace.batch,))
        scale = trace.leaf("scale", "", (), NUMBER)
        p, g = SymbolView(trace, slots, "w"), SymbolView(trace, slots, "g")
        loss = blueprint.backprop(x, y, weight, scale, p, g, memo)
        trace.outputs["loss", ""] = loss

    return write_down("training", write)


def recording(blueprint: Blueprint) -> Program:
    """Return the Program of `training` with all that layers see and keep as outputs.

    Under the vector ``"watched"`` it has, for every layer, ``dense_1.input``,
    ``dense_1.output``, ``dense_1.d_output`` (what comes into its backward) and what it
    keeps in memo (``dense_1.z``); besides ``output`` and ``losses`` of the network.
    Where a layer takes a mapping, each array has its key behind a dot.

    Parameters
    ----------
    blueprint : Blueprint
        What the network computes.

    Returns
    -------
    Program
    """

    def write(trace: Trace) -> None:
        trace.apart = True
        inputs: dict[str, Any] = {}

        def enter(_: Layer, path: str, x: Any) -> None:
            inputs[path] = x

        slots = _slots(blueprint)
        state = SymbolView(trace, slots, "state")
        shared = new_pass(training=True, trace=trace, state=state, enter=enter)
        memo = Memo(shared)
        x, y = input_symbols(trace, blueprint.inputs), _targets(trace, blueprint)
        weight = trace.leaf("weight", "", (trace.batch,))
        scale = trace.leaf("scale", "", (), NUMBER)
        p, g = SymbolView(trace, slots, "w"), SymbolView(trace, slots, "g")
        loss = blueprint.backprop(x, y, weight, scale, p, g, memo)
        seen: dict[str, Any] = {}
        for path in inputs:
            inner = memo
            for name in path.split("."):
                inner = inner[name]
            of_every_layer = {
                "input": inputs[path],
                "output": shared.outputs[path],
                "d_output": shared.deltas.get(path),
            }
            for name, value in (of_every_layer | dict(inner.values)).items():
                seen[f"{path}.{name}"] = value
        seen["losses"] = memo.losses
        seen["output"] = shared.outputs[layer_names(blueprint.root.inner)[-1]]
        _watch(trace, seen)
        trace.outputs["loss", ""] = loss

    return write_down("recording", write)


def _watch(trace: Trace, seen: Mapping[str, Any]) -> None:
    """Make outputs of the Symbols among some values, also inside mappings."""
    for name, value in seen.items():
        if isinstance(value, Symbol):
            trace.outputs[WATCHED, name] = value
        elif isinstance(value, Mapping):
            _watch(trace, {f"{name}.{key}": each for key, each in value.items()})


class MemoryView:
    """The optimizer's memories while its formula is written down.

    Parameters
    ----------
    trace : Trace
        Where reading and writing are noted.
    names : tuple of str
        The memories.
    size : int
        Length of each.
    """

    def __init__(self, trace: Trace, names: tuple[str, ...], size: int) -> None:
        self.__dict__.update(_trace=trace, _names=names, _size=size)

    def __getattr__(self, name: str) -> Any:
        if name not in self._names:
            raise AttributeError(f"The optimizer keeps no memory {name!r}.")
        written = self._trace.outputs.get(("memory", name))
        if written is not None:
            return written
        return self._trace.leaf("memory", name, (self._size,))

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._names:
            raise AttributeError(f"The optimizer keeps no memory {name!r}.")
        self._trace.outputs["memory", name] = value


def update(blueprint: Blueprint, optimizer: Optimizer, frozen: bool = False) -> Program:
    """Return the Program of one update of the parameters.

    Parameters
    ----------
    blueprint : Blueprint
        What the network computes.
    optimizer : Optimizer
        The rule.
    frozen : bool
        Whether some parameters are not trained.

    Returns
    -------
    Program
    """
    size = blueprint.layout.parameters.size

    def write(trace: Trace) -> None:
        def vector(name: str, kind: str = FLOAT) -> Any:
            return trace.leaf(name, "", (size,), kind)

        memory = MemoryView(trace, optimizer.memories, size)
        t, rate = (trace.leaf(name, "", (), NUMBER) for name in ("t", "rate"))
        trained = vector("trained", BOOL) if frozen else None
        trace.outputs["new", "w"] = optimizer.update(
            vector("w"), vector("g"), memory, t, rate, vector("decayed", BOOL), trained
        )

    return write_down(f"update by {optimizer!r}", write)


def programs(
    blueprint: Blueprint, optimizer: Optimizer, frozen: bool = False
) -> Programs:
    """Return everything a network computes, written down.

    Parameters
    ----------
    blueprint : Blueprint
        What the network computes.
    optimizer : Optimizer
        How it learns.
    frozen : bool
        Whether some parameters are not trained.

    Returns
    -------
    Programs
    """
    return Programs(
        prediction(blueprint),
        evaluation(blueprint),
        training(blueprint),
        update(blueprint, optimizer, frozen),
    )


def output_shapes(blueprint: Blueprint) -> dict[str, str]:
    """Return the shape of every layer's output in print, by the layer's path.

    Parameters
    ----------
    blueprint : Blueprint
        What the network computes.

    Returns
    -------
    dict of str to str
    """
    trace = Trace()
    shared = new_pass(training=False, trace=trace)
    p = SymbolView(trace, _slots(blueprint), "w")
    blueprint.feedforward(input_symbols(trace, blueprint.inputs), p, Memo(shared))
    return {path: text(output.shape) for path, output in shared.outputs.items()}
