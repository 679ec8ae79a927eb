"""The scale of inputs, where they meet the first weights."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.doctor import thresholds
from pellucid.doctor.case import Case, size
from pellucid.doctor.findings import Finding
from pellucid.doctor.words import listed
from pellucid.step import Step
from pellucid.symbol import FLOAT, Dim, Symbol


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
            f"The inputs of {layer} {sentence}: {where}.",
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
            continue
        if not ids & (touched | weights):
            continue
        both = touched | weights
        data = [v for v in known if v.id not in both and _varies(v)]
        (touched if data or ids & touched else weights).add(node.id)
        if ids & touched and node.operation.name != "concatenate":
            continue  # on the way back, inputs meet what depends on weights as well
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
