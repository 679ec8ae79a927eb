"""Checks of one traced step: what the numbers of a network are like, layer by layer.

None of them asks what kind a layer is. They look at what came in and went out, at what
came back, and at the operations that were written down; so a layer of one's own is
looked at like any other.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.activations import Activation
from pellucid.doctor import thresholds
from pellucid.doctor.case import Case, listed, size
from pellucid.doctor.data import Check, value_range
from pellucid.doctor.findings import Finding
from pellucid.symbol import FLOAT, Dim, Symbol
from pellucid.trace import LayerStep, Step


def unscaled_inputs(case: Case) -> Iterator[Finding]:
    """Yield a finding for each layer whose weights meet inputs far from size 1.

    Parameters
    ----------
    case : Case
        What to look at.

    Yields
    ------
    Finding
    """
    assert case.step is not None
    for layer, x, raw in meetings(case.step):
        columns = x.reshape(-1, x.shape[-1]).astype(np.float64)
        names = case.names if raw and x.ndim == 2 else None
        yield from _scale_of(layer, columns, names, x.ndim > 2)


def _scale_of(
    layer: str, columns: NDArray[np.float64], names: list[str] | None, images: bool
) -> Iterator[Finding]:
    sizes = np.array([size(values) for values in columns.T])
    means, deviations = columns.mean(axis=0), columns.std(axis=0)
    largest = np.abs(columns).max(axis=0)
    varied = columns.min(axis=0) < columns.max(axis=0)
    few = len(columns) < thresholds.FEWEST_ROWS
    large = varied & (sizes > thresholds.LARGE_INPUT)
    offset = varied & ~large & (np.abs(means) > thresholds.OFFSET_INPUT * deviations)
    offset &= (np.abs(means) > 1.0) & (not few)
    small = varied & (largest < thresholds.SMALL_INPUT) & (not few)
    remedy = (
        "Make pixels small in the network itself, NeuralNetwork([Rescale(1 / 255), "
        "...]), or before it."
        if images
        else "Bring every column to mean 0 and deviation 1: "
        "x, x_test = pellucid.data.standardize(x, x_test)."
    )

    def finding(chosen: Any, sentence: str) -> Finding:
        places = np.flatnonzero(chosen)
        worst = places[np.argsort(-sizes[places])][:4]
        each = {
            f"{'channel' if images else 'column'} {j}"
            + (f" ({names[j]!r})" if names else ""): float(sizes[j])
            for j in worst
        }
        measured = {
            "columns": len(places),
            "of": len(sizes),
            "size": each,
            "mean": float(means[worst[0]]),
            "deviation": float(deviations[worst[0]]),
        }
        where = f"{listed(list(each))}" + (" and more" if len(places) > 4 else "")
        return Finding(
            "unscaled_inputs",
            "warning",
            f"The inputs that meet the weights of {layer} {sentence}: {where}.",
            remedy,
            layer,
            measured,
        )

    if large.any():
        top = sizes[large].max()
        yield finding(
            large,
            f"are large, typically {top:,.3g}, while first weights are drawn for "
            "inputs of size 1",
        )
    if offset.any():
        yield finding(
            offset, "vary little around a mean far from 0, which makes learning slow"
        )
    if small.any():
        yield finding(
            small, "are so small that weights hardly see them beside the bias"
        )


def meetings(step: Step) -> list[tuple[str, NDArray[Any], bool]]:
    """Return what meets weights for the first time on its way from the inputs.

    Found in the operations: a value that depends on no weight, next to one that does.
    What a layer without weights (normalization, rescaling) makes of the inputs counts,
    not the inputs.

    Parameters
    ----------
    step : Step
        A traced step.

    Returns
    -------
    list of (str, ndarray, bool)
        The layer with the weights, what they met, and whether it is an input itself.
    """
    entries = step.layout.entries
    weights: set[int] = set()  # that depend on weights, but on no data
    touched: set[int] = set()  # that depend on both
    found: dict[str, tuple[NDArray[Any], bool]] = {}
    for node in step.program.nodes:
        known = [v for v in node.inputs if isinstance(v, Symbol)]
        ids = {v.id for v in known}
        if node.operation.group == "leaf":
            name = node.settings["name"]
            if node.settings["vector"] == "w" and entries[name].slot.role == "weight":
                weights.add(node.id)
        elif ids & touched:
            touched.add(node.id)
        elif ids & weights:
            data = [v for v in known if v.id not in weights and _varies(v)]
            (touched if data else weights).add(node.id)
            for value in data:
                if value.kind == FLOAT and value.ndim > 1:
                    plain = _origin(value).operation.group == "leaf"
                    found.setdefault(node.layer, (step.values[value.id], plain))
    return [(layer, x, plain) for layer, (x, plain) in found.items()]


def _varies(value: Symbol) -> bool:
    """Return whether a value has a row for each sample."""
    return any(isinstance(length, Dim) for length in value.shape)


def _origin(value: Symbol) -> Symbol:
    while value.operation.group == "alias":
        value = value.inputs[0]
    return value


def dead_units(case: Case) -> Iterator[Finding]:
    """Yield a finding for each layer with many units that pass no gradient at all.

    Parameters
    ----------
    case : Case
        What to look at.

    Yields
    ------
    Finding
    """
    assert case.step is not None
    for path, layer in case.step.layers.items():
        if "dz" not in layer.kept or layer.d_output is None:
            continue
        units = layer.d_output.shape[-1]
        reached = (layer.d_output.reshape(-1, units) != 0).any(axis=0)
        passed = (layer.delta.reshape(-1, units) != 0).any(axis=0)
        dead = np.flatnonzero(reached & ~passed)
        share = len(dead) / units
        few = case.step.n < thresholds.FEWEST_ROWS
        if share < (thresholds.DEAD_SEVERE if few else thresholds.DEAD_SHARE):
            continue
        severe = share >= thresholds.DEAD_SEVERE
        everything = len(dead) == units
        count = "All" if everything else f"{len(dead)} of"
        rest = (
            "nothing in this layer or before it learns."
            if everything
            else "they give a constant and cannot learn any more."
        )
        yield Finding(
            "dead_units",
            "severe" if severe else "warning",
            f"{count} {units} units of {path} pass "
            f"no gradient for any of {case.step.n} rows: {rest}",
            "Use an activation that is nowhere flat, such as "
            f"{_written(layer, 'leaky_relu')}, scale the inputs, and take a smaller "
            "learning rate, optimizer=Adam(0.0003). Units that are dead already stay "
            "so: start with a new network.",
            path,
            {
                "dead": len(dead),
                "of": units,
                "share": share,
                "rows": case.step.n,
                "units": [int(j) for j in dead],
            },
        )


def saturated_units(case: Case) -> Iterator[Finding]:
    """Yield a finding for each hidden layer that works where its activation is flat.

    Only activations that are bounded on both sides are looked at: for others a slope
    of 0 is no sign of inputs that are too large.

    Parameters
    ----------
    case : Case
        What to look at.

    Yields
    ------
    Finding
    """
    assert case.step is not None
    *hidden, _ = case.step.layers.items()
    for path, layer in hidden:
        activation = _activation(layer)
        z = layer.kept.get("z")
        if activation is None or z is None or activation.across:
            continue
        if not np.isfinite(value_range(activation)).all():
            continue
        grid = np.linspace(-20.0, 20.0, 4001)
        steepest = np.abs(activation.slope(grid, activation.value(grid))).max()
        exact = z.astype(np.float64)
        slopes = np.abs(activation.slope(exact, activation.value(exact)))
        flat = slopes < thresholds.FLAT_SLOPE * steepest
        share = float(flat.mean())
        if share < thresholds.FLAT_SHARE:
            continue
        typical = size(z)
        yield Finding(
            "saturated_units",
            "warning",
            f"{share:.0%} of the outputs of {path} lie where {activation.label} is "
            f"flat, since z is typically {typical:.3g}: hardly any gradient comes "
            "through.",
            "Make z smaller: scale the inputs (pellucid.data.standardize), leave "
            "weight_init as it is, put BatchNorm() before the activation; or use "
            f"{_written(layer, 'relu')}.",
            path,
            {
                "flat": share,
                "slope below": thresholds.FLAT_SLOPE * float(steepest),
                "size of z": typical,
                "rows": case.step.n,
            },
        )


def _activation(layer: LayerStep) -> Activation | None:
    found = getattr(layer.layer, "activation", layer.layer)
    return found if isinstance(found, Activation) else None


def _written(layer: LayerStep, activation: str) -> str:
    """Return code for a layer with another activation."""
    kind, units = type(layer.layer).__name__, getattr(layer.layer, "units", None)
    if isinstance(layer.layer, Activation):
        return repr(activation)
    return f'{kind}({units or "..."}, "{activation}")'


def gradient_over_depth(case: Case) -> Iterator[Finding]:
    """Yield a finding if the gradient shrinks or grows on its way back.

    Parameters
    ----------
    case : Case
        What to look at.

    Yields
    ------
    Finding
    """
    step = case.step
    assert step is not None
    lengths = {
        path: _length(layer.delta)
        for path, layer in step.layers.items()
        if _learns(step, path) and layer.delta is not None
    }
    lengths = {path: length for path, length in lengths.items() if length}
    if len(lengths) < 3:
        return
    *earlier, last = lengths
    least = min(earlier, key=lengths.__getitem__)
    most = max(earlier, key=lengths.__getitem__)
    low, high = lengths[least] / lengths[last], lengths[most] / lengths[last]
    measured = {"layers": len(lengths), "length of dL/dz": lengths}
    if low < thresholds.VANISHING:
        yield Finding(
            "vanishing_gradients",
            "severe" if low < thresholds.VANISHING_SEVERE else "warning",
            f"On the way back from {last} to {least} the gradient shrinks to "
            f"{low:.1e} of its length: the first layers hardly learn.",
            'Use "relu" or "silu" instead of activations that are flat on both sides, '
            "fewer layers, BatchNorm() between them, or Residual([...]), which lets "
            "the gradient pass.",
            least,
            {"ratio": low} | measured,
        )
    if high > thresholds.EXPLODING:
        yield Finding(
            "exploding_gradients",
            "warning",
            f"On the way back from {last} to {most} the gradient grows to "
            f"{high:,.0f} times its length: one step throws the first layers away.",
            "Cut the gradient, optimizer=Adam(clip_norm=1.0), leave weight_init as it "
            "is, and put BatchNorm() between layers.",
            most,
            {"ratio": high} | measured,
        )


def growing_outputs(case: Case) -> Iterator[Finding]:
    """Yield a finding if outputs grow from layer to layer.

    Parameters
    ----------
    case : Case
        What to look at.

    Yields
    ------
    Finding
    """
    step = case.step
    assert step is not None
    sizes = {
        path: size(layer.kept.get("z", layer.output))
        for path, layer in step.layers.items()
        if _learns(step, path) and isinstance(layer.output, np.ndarray)
    }
    first = next((path for path, value in sizes.items() if value), None)
    if first is None or not np.isfinite(list(sizes.values())).all():
        return
    largest = max(sizes, key=sizes.__getitem__)
    growth = sizes[largest] / sizes[first]
    if growth > thresholds.GROWING:
        yield Finding(
            "growing_outputs",
            "warning",
            f"From {first} to {largest} the outputs grow {growth:,.0f} times: the "
            "weights are too large for the number of inputs of each unit.",
            "Leave weight_init as it is (it divides by the number of inputs), or put "
            "BatchNorm() between layers.",
            largest,
            {"growth": growth, "size of z": sizes},
        )


def duplicate_units(case: Case) -> Iterator[Finding]:
    """Yield a finding for each layer with units that have equal weights and gradients.

    Parameters
    ----------
    case : Case
        What to look at.

    Yields
    ------
    Finding
    """
    step = case.step
    assert step is not None
    for name, entry in step.layout.parameters.entries.items():
        units = entry.shape[-1] if entry.shape else 1
        if entry.slot.role != "weight" or units < 2 or name in case.network.frozen:
            continue
        W = step.weights[name].reshape(-1, units).astype(np.float64)
        dW = step.gradients[name].reshape(-1, units).astype(np.float64)
        groups = equal_columns(W, dW)
        if not groups:
            continue
        path = name.rpartition(".")[0]
        doubled = sum(map(len, groups)) - len(groups)
        every = doubled == units - 1
        yield Finding(
            "duplicate_units",
            "severe" if every else "warning",
            f"{'All' if every else f'{doubled + len(groups)} of'} {units} units of "
            f"{path} have the same weights {'and' if every else 'as another one and'} "
            "get the same gradient: they stay "
            f"equal for ever, and count as {'one' if every else 'fewer'}.",
            "Draw first weights at random: leave weight_init as it is instead of "
            '"zeros" or a constant.',
            path,
            {"slot": name, "groups": groups[:8], "units": units},
        )


def equal_columns(W: NDArray[Any], dW: NDArray[Any]) -> list[list[int]]:
    """Return groups of two and more columns that are equal in both arrays.

    Parameters
    ----------
    W, dW : ndarray, shape (rows, columns)
        Weights and their gradient.

    Returns
    -------
    list of list of int
        Numbers of columns.
    """
    # Equal columns have equal products with any vector, so that only neighbours in
    # the order of such products need to be compared.
    mixed = np.cos(1.0 + np.arange(len(W))) @ W
    order = np.argsort(mixed, kind="stable")
    weight = thresholds.SAME_UNIT * np.abs(W).max()
    gradient = thresholds.SAME_GRADIENT * np.abs(dW).max()
    groups: list[list[int]] = []
    for one, other in pairwise(order):
        same = (np.abs(W[:, one] - W[:, other]) <= weight).all()
        if same and (np.abs(dW[:, one] - dW[:, other]) <= gradient).all():
            if groups and groups[-1][-1] == one:
                groups[-1].append(int(other))
            else:
                groups.append([int(one), int(other)])
    return [sorted(group) for group in groups]


def small_batches(case: Case) -> Iterator[Finding]:
    """Yield a finding for each layer that takes statistics of too few numbers.

    Parameters
    ----------
    case : Case
        What to look at.

    Yields
    ------
    Finding
    """
    step, training = case.step, case.network.training
    assert step is not None
    rows = min(training.batch_size if training else 32, len(case.data.y))
    for path, layer in step.layers.items():
        if not layer.layer.batch_statistics:
            continue
        places = layer.input.size // (step.n * layer.input.shape[-1])
        if rows * places >= thresholds.BATCH_NUMBERS:
            continue
        error = (2 / max(1, rows * places - 1)) ** 0.5 / 2
        yield Finding(
            "small_batches",
            "warning",
            f"{path} takes mean and deviation of only {rows * places} numbers, so that "
            f"the deviation is off by {error:.0%} in a typical batch.",
            "Take larger batches, net.fit(x, y, batch_size=32), or LayerNorm(), which "
            "looks at one row at a time.",
            path,
            {"batch size": rows, "numbers": rows * places, "typical error": error},
        )


# Every check of a step, in the order of the report.
CHECKS: tuple[Check, ...] = (
    unscaled_inputs,
    duplicate_units,
    dead_units,
    saturated_units,
    growing_outputs,
    gradient_over_depth,
    small_batches,
)


def _learns(step: Step, path: str) -> bool:
    """Return whether a layer has weights of its own."""
    entries = step.layout.parameters.entries
    slots = step[path].gradients
    return any(entries[f"{path}.{slot}"].slot.role == "weight" for slot in slots)


def _length(values: NDArray[Any]) -> float:
    return size(values) * float(np.sqrt(values.size))
