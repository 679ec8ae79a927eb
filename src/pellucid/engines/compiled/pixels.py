"""What backpropagation has to know of a maximum: which pixel of the window it was.

``max_windows_back(x, dy)`` looks for it in the images. Here it is found when the
maximum is, while the images are in the cache, and kept instead of them.
"""

from typing import Any

from pellucid import convolution, ops
from pellucid.convolution import Window, pooled_shape, spread_shape
from pellucid.engines.compiled.rewriting import Make, New, replaced
from pellucid.program import Program
from pellucid.symbol import FLOAT, VOCABULARY, Operation, Symbol, Trace

LARGEST_PIXELS = Operation(
    "largest_pixels",
    convolution.largest_pixels,
    lambda x, window: pooled_shape(x.shape, window),
    lambda *_: FLOAT,
    "structural",
)
PUT_ON_PIXELS = Operation(
    "put_on_pixels",
    convolution.put_on_pixels,
    lambda _, dy, window, size: spread_shape(dy.shape, window, size),
    lambda *_: FLOAT,
    "structural",
)


def with_pixels(program: Program) -> Program:
    """Return a Program that keeps pixels of windows where it would look for them again.

    Parameters
    ----------
    program : Program
        As it was written down.

    Returns
    -------
    Program
    """
    backs = _named(program, "max_windows_back")
    read = {_key(back) for back in backs}
    instead: dict[int, Make] = {back.id: _put(back) for back in backs}
    for largest in _named(program, "max_windows"):
        if _key(largest) in read:
            instead[largest.id] = _with_its_pixels(largest)
    return replaced(program, instead) if instead else program


def _named(program: Program, name: str) -> list[Symbol]:
    return [node for node in program.operations if node.operation.name == name]


def _key(node: Symbol) -> tuple[int, Window]:
    """Return which images a node reads, and through which window."""
    return node.inputs[0].id, node.settings["window"]


def _pixels(node: Symbol, trace: Trace, new: New) -> Symbol:
    """Return the pixels of what a node reads: the same Symbol for the same images."""
    window = node.settings["window"]
    found: Symbol = trace.call(LARGEST_PIXELS, (new(node.inputs[0]),), window=window)
    return found


def _with_its_pixels(largest: Symbol) -> Make:
    """Return what makes a maximum, and its pixels right after it."""

    def make(trace: Trace, new: New) -> Any:
        window = largest.settings["window"]
        row = VOCABULARY[ops.max_windows]
        found = trace.call(row, (new(largest.inputs[0]),), window=window)
        _pixels(largest, trace, new)
        return found

    return make


def _put(back: Symbol) -> Make:
    """Return what puts numbers where a maximum was."""

    def make(trace: Trace, new: New) -> Any:
        pixels, dy = _pixels(back, trace, new), new(back.inputs[1])
        window, size = back.settings["window"], back.inputs[0].shape[1:3]
        return trace.call(PUT_ON_PIXELS, (pixels, dy), window=window, size=size)

    return make
