"""Layers: gradients, purity, dtypes, and the Program beside the layer."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.blueprint import Blueprint, SymbolView, input_symbols
from pellucid.layer import Layer, Memo, new_pass
from pellucid.layers.inputs import Input
from pellucid.layout import LayerView, Windows
from pellucid.network import NeuralNetwork
from pellucid.program import Program, write_down
from pellucid.rng import Random
from pellucid.symbol import Symbol, Trace
from pellucid.testing.arrays import check_agreement, kept, locked, same_bits
from pellucid.testing.differences import check_gradient
from pellucid.testing.exports import check_exports
from pellucid.testing.parts import check_file, check_part, expecting

_KEY, _STEP = 0x9E3779B97F4A7C15, 2  # of the random numbers in a pass


def check_layer(
    layer: Layer, input_shape: Any, *, rows: int = 5, seed: int = 0
) -> None:
    """Check a layer.

    In prediction and in training mode:

    * the gradients of the input and of every slot agree with central differences in
      float64 to a millionth, where there is no kink;
    * inputs, weights, gradients and memo are not changed in place, and the same call
      gives the same bits;
    * float32 in gives float32 everywhere, in memo too, and agrees with float64;
    * the layer can be written down, twice the same, and the Program gives the layer's
      numbers in every bit;
    * predictions are made row by row.

    A network that holds the layer comes back from a file as it was; its exports to
    NumPy and to plain Python run, and compute the same (those to C, JavaScript and ONNX
    need tools, and are written from the same Program); and what `check_part` says
    holds.

    Parameters
    ----------
    layer : Layer
        With any settings.
    input_shape : int, tuple of int, Input, or mapping of name to such
        Shape of one sample; keep it small. Inputs of the kind ``"integer"`` are filled
        with zeros and ones.
    rows : int
        Number of samples; at least 3 for statistics of the batch, since those of two
        rows make most gradients vanish.
    seed : int
        Seed of the numbers that are tried.

    Raises
    ------
    AssertionError
        If a promise is broken.

    Examples
    --------
    >>> from pellucid import Dense, Residual
    >>> from pellucid.testing import check_layer
    >>> check_layer(Residual([Dense(8, "tanh"), Dense(3)]), input_shape=3)
    """
    check_part(layer)
    with expecting(layer, "building a network of it"):
        network = NeuralNetwork(
            [layer], loss="sum_of_squares", input_shape=input_shape, dtype="float64"
        )
    with expecting(layer, "writing the network down"):
        network.program()
    for training in (False, True):
        numbers = _try_out(network, rows, seed, training)
        _check_passes(layer, network.blueprint, numbers)
    check_file(layer, network)
    network.weights = numbers.weights
    check_exports(layer, network, numbers.x)


@dataclass
class _Numbers:
    """All that goes into a pass through a network of one layer, read-only."""

    weights: NDArray[Any]
    x: Any
    da: NDArray[Any]
    training: bool

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.da.dtype

    @property
    def mode(self) -> str:
        return "in training" if self.training else "in prediction"

    def cast(self, dtype: str) -> "_Numbers":
        def convert(array: NDArray[Any]) -> NDArray[Any]:
            return locked(array.astype(dtype)) if array.dtype.kind == "f" else array

        x = _each(self.x, convert)
        return _Numbers(convert(self.weights), x, convert(self.da), self.training)


@dataclass
class _Found:
    """What a pass forward and back gave."""

    y: NDArray[Any]
    dx: dict[str, Any]
    gradient: NDArray[Any]
    state: NDArray[Any]
    memo: Memo

    def arrays(self) -> Iterator[tuple[str, Any]]:
        yield "the output", self.y
        for name, values in self.dx.items():
            if values is not None:
                yield f"dL/dx{_key(name)}", values
        yield "the gradient of the slots", self.gradient
        yield "the running state", self.state


def _key(name: str) -> str:
    return f"[{name!r}]" if name else ""


def _each(x: Any, function: Callable[[Any], Any]) -> Any:
    if isinstance(x, dict):
        return {name: function(value) for name, value in x.items()}
    return function(x)


def _by_name(x: Any) -> dict[str, Any]:
    """Return inputs, or gradients of inputs, by name; a single one has the name ""."""
    return dict(x) if isinstance(x, Mapping) else {"": x}


def _try_out(network: NeuralNetwork, rows: int, seed: int, training: bool) -> _Numbers:
    """Return numbers of order one, the same in float32 and float64."""
    random = Random(seed, "testing")

    def numbers(*shape: int) -> NDArray[Any]:
        return random.normal(shape).astype(np.float32).astype(np.float64)

    def inputs(given: Input) -> NDArray[Any]:
        shape = (rows, *given.shape)
        whole = given.kind == "integer"
        return locked(random.integers(0, 2, shape) if whole else numbers(*shape))

    blueprint = network.blueprint
    # Near the first values, whatever these are: a variance stays positive.
    weights = network.weights + 0.2 * np.abs(numbers(blueprint.layout.size))
    weights = weights.astype(np.float32).astype(np.float64)
    x = _each(blueprint.inputs, inputs)
    da = numbers(rows, *blueprint.output_shape)
    return _Numbers(locked(weights), x, locked(da), training)


def _forward(blueprint: Blueprint, numbers: _Numbers) -> tuple[Any, Memo, Any, Any]:
    """Return the output, the memo, the view of the weights and the new state."""
    layout = blueprint.layout
    state = numbers.weights[layout.parameters.size :].copy()
    shared = new_pass(
        training=numbers.training,
        key=_KEY,
        step=_STEP,
        dtype=numbers.dtype,
        state=LayerView(state, layout.state),
    )
    memo, p = Memo(shared), LayerView(numbers.weights, layout)
    return blueprint.root.forward(numbers.x, p, memo), memo, p, state


def _both_ways(layer: Layer, blueprint: Blueprint, numbers: _Numbers) -> _Found:
    """Return what forward and backward give; backward is called twice to see it."""
    with expecting(layer, f"forward {numbers.mode}, {numbers.dtype}"):
        y, memo, p, state = _forward(blueprint, numbers)
    for _, array in kept(memo):
        if isinstance(array, np.ndarray):
            locked(array)
    parameters = blueprint.layout.parameters
    found = []
    for _ in range(2):
        gradient = np.full(parameters.size, np.nan, dtype=numbers.dtype)
        g = LayerView(gradient, parameters)
        with expecting(layer, f"backward {numbers.mode}, {numbers.dtype}"):
            dx = blueprint.root.backward(numbers.da, p, g, memo)
        found.append(_Found(y, _by_name(dx), gradient, state, memo))
    _check_same(layer, "backward twice", *found)
    return found[0]


def _check_same(layer: Layer, way: str, one: _Found, other: _Found) -> None:
    for (name, first), (_, second) in zip(one.arrays(), other.arrays(), strict=True):
        assert same_bits(first, second), (
            f"{layer!r}: {way} gives {name} in different bits. A layer keeps nothing "
            "between calls and draws random numbers only with memo.rng.uniform(shape)."
        )


def _check_passes(layer: Layer, blueprint: Blueprint, numbers: _Numbers) -> None:
    program = _program(layer, blueprint, numbers.training)
    found = {}
    for dtype in ("float64", "float32"):
        given = numbers.cast(dtype)
        found[dtype] = _both_ways(layer, blueprint, given)
        again = _both_ways(layer, blueprint, given)
        _check_same(layer, "the same pass twice", found[dtype], again)
        _check_dtypes(layer, found[dtype], given.dtype)
        _check_program(layer, program, blueprint, given, found[dtype])
    _check_gradients(layer, blueprint, numbers, found["float64"])
    pairs = zip(found["float32"].arrays(), found["float64"].arrays(), strict=True)
    for (name, single), (_, double) in pairs:
        what = f"{name} in float32 beside float64"
        check_agreement(layer, what, single, double, 1e-4)
    if not numbers.training:
        _check_rows(layer, blueprint, numbers, found["float64"].y)


def _check_dtypes(layer: Layer, found: _Found, dtype: np.dtype[Any]) -> None:
    for name, array in (*found.arrays(), *kept(found.memo)):
        allowed = array.dtype.kind in "iub" and name.startswith("memo")
        assert allowed or array.dtype == dtype, (
            f"{layer!r}: {name} is {array.dtype} in a network of {dtype}. NumPy "
            "numbers (np.sqrt(2.0)), whole-number arrays and np.where of two numbers "
            "make float32 arrays float64: use Python numbers, and .astype(memo.dtype)."
        )


def _check_gradients(
    layer: Layer, blueprint: Blueprint, numbers: _Numbers, found: _Found
) -> None:
    def total(x: Any, weights: NDArray[Any]) -> float:
        moved = _Numbers(weights, x, numbers.da, numbers.training)
        with expecting(layer, "forward near the inputs given"):
            y = _forward(blueprint, moved)[0]
        return float((y * numbers.da).sum())

    terms = float(np.abs(found.y * numbers.da).sum())
    inputs = _by_name(numbers.x)
    unknown = [name for name in found.dx if name not in inputs]
    assert not unknown, f"{layer!r}: backward returned gradients of {unknown}."
    for name, x in inputs.items():
        gradient = found.dx.get(name)
        if x.dtype.kind != "f":
            told = f"{layer!r}: whole numbers have no gradient: return None for them."
            assert gradient is None, told
            continue
        if gradient is None and name:  # an input that the layer does not look at
            gradient = np.zeros_like(x)
        assert isinstance(gradient, np.ndarray), (
            f"{layer!r}: backward returned {type(gradient).__name__}, not dL/dx."
        )

        def of_x(moved: NDArray[Any], name: str = name) -> float:
            x = {**numbers.x, name: moved} if name else moved
            return total(x, numbers.weights)

        what = f"dL/dx{_key(name)} {numbers.mode}"
        check_gradient(layer, what, gradient, of_x, x, terms)

    parameters = blueprint.layout.parameters
    gradients = Windows(found.gradient, parameters)
    for slot, values in Windows(numbers.weights, parameters).items():

        def of_slot(moved: NDArray[Any], slot: str = slot) -> float:
            entry = parameters.entries[slot]
            weights = numbers.weights.copy()
            weights[entry.start : entry.stop] = moved.reshape(-1)
            return total(numbers.x, locked(weights))

        what = f"dL/d{slot.partition('.')[2]} {numbers.mode}"
        check_gradient(layer, what, gradients[slot], of_slot, values, terms)


def _check_rows(
    layer: Layer, blueprint: Blueprint, numbers: _Numbers, y: NDArray[Any]
) -> None:
    for row in range(len(y)):
        here = slice(row, row + 1)

        def cut(values: NDArray[Any], here: slice = here) -> NDArray[Any]:
            return values[here]

        x, da = _each(numbers.x, cut), numbers.da[here]
        with expecting(layer, "forward of one row in prediction"):
            alone = _forward(blueprint, _Numbers(numbers.weights, x, da, False))[0]
        check_agreement(layer, f"row {row} predicted alone", alone, y[here], 1e-9)


def _program(layer: Layer, blueprint: Blueprint, training: bool) -> Program:
    """Return forward and backward written down, with all that they give."""

    def write(trace: Trace) -> None:
        entries = blueprint.layout.entries.items()
        slots = {name: entry.slot for name, entry in entries}
        state = SymbolView(trace, slots, "state")
        memo = Memo(new_pass(training=training, trace=trace, state=state))
        p, g = SymbolView(trace, slots, "w"), SymbolView(trace, slots, "g")
        y = blueprint.root.forward(input_symbols(trace, blueprint.inputs), p, memo)
        trace.outputs["y", ""] = y
        dx = blueprint.root.backward(trace.leaf("da", "", y.shape), p, g, memo)
        for name, value in _by_name(dx).items():
            if isinstance(value, Symbol):
                trace.outputs["dx", name] = value

    with expecting(layer, "writing it down"):
        return write_down(f"{layer!r}, forward and backward", write)


def _check_program(
    layer: Layer,
    program: Program,
    blueprint: Blueprint,
    numbers: _Numbers,
    found: _Found,
) -> None:
    layout = blueprint.layout
    before = Windows(numbers.weights, layout)
    given = {"x": numbers.x, "w": before, "da": numbers.da}
    given |= {"seed": _KEY, "step": _STEP}
    with expecting(layer, f"running its Program in {numbers.dtype}"):
        results = program.run(given, len(numbers.da), numbers.dtype)
    wanted = {
        ("y", ""): found.y,
        **{("dx", n): v for n, v in found.dx.items() if v is not None},
        **{("g", n): v for n, v in Windows(found.gradient, layout.parameters).items()},
        **{("state", n): v for n, v in Windows(found.state, layout.state).items()},
    }
    for (vector, name), value in wanted.items():
        # Running state that the Program does not write stays.
        noted = results.get((vector, name), before[name] if vector == "state" else None)
        assert noted is not None, (
            f"{layer!r}: its Program does not give {vector} {name}."
        )
        assert same_bits(noted, value), (
            f"{layer!r}: its Program gives {vector} {name} in other bits than it does "
            f"{numbers.mode}, {numbers.dtype}. Does the layer ask for the type of a "
            "value (isinstance), or for something that is not one of its fields?"
        )
