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
from pellucid.doctor.case import Case, Check, size
from pellucid.doctor.findings import Finding
from pellucid.doctor.scales import meetings, unscaled_inputs
from pellucid.doctor.targets import value_range
from pellucid.layers import Concat
from pellucid.step import LayerStep, Step
from pellucid.training.plan import DEFAULT_BATCH


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
    saturated = flat_shares(case.step)
    for path, layer in case.step.layers.items():
        if "dz" not in layer.kept or not isinstance(layer.d_output, np.ndarray):
            continue
        units = layer.d_output.shape[-1]
        if path in saturated or layer.delta.shape[-1] != units:
            continue  # that it is saturated is told, which is more
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
            f"{count} {units} units of {path} pass no gradient for any of "
            f"{case.step.n} rows: {rest}",
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
    for path, (share, steepest) in flat_shares(case.step).items():
        layer = case.step[path]
        activation, z = _activation(layer), layer.kept["z"]
        assert activation is not None
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
                "slope below": thresholds.FLAT_SLOPE * steepest,
                "size of z": typical,
                "rows": case.step.n,
            },
        )


def flat_shares(step: Step) -> dict[str, tuple[float, float]]:
    """Return which hidden layers work nearly only where their activation is flat.

    Parameters
    ----------
    step : Step
        A traced step.

    Returns
    -------
    dict of str to (float, float)
        By path the share of its outputs that are there, and the steepest slope.
    """
    found = {}
    *hidden, _ = step.layers.items()
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
        share = float((slopes < thresholds.FLAT_SLOPE * steepest).mean())
        if share >= thresholds.FLAT_SHARE:
            found[path] = share, float(steepest)
    return found


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
    found: dict[tuple[str, str], Finding] = {}
    for line in _lines(case, list(lengths)):
        for finding in _along({path: lengths[path] for path in line}):
            found.setdefault((finding.code, finding.where), finding)
    yield from found.values()


def _lines(case: Case, paths: list[str]) -> list[list[str]]:
    """Return the ways through a network: of what stands side by side each has one."""
    layers = case.network.blueprint.layers

    def branches(path: str) -> frozenset[tuple[str, str]]:
        """Return by each Concat around a layer the name of the branch it is in."""
        names = path.split(".")
        above = [(".".join(names[:i]), names[i]) for i in range(1, len(names))]
        return frozenset(one for one in above if isinstance(layers[one[0]], Concat))

    every = {path: branches(path) for path in paths}
    ends = [
        one for one in set(every.values()) if not any(one < o for o in every.values())
    ]
    lines = []
    for end in ends:
        taken = dict(end)
        line = [
            path
            for path, own in every.items()
            if all(taken.get(concat) in (None, name) for concat, name in own)
        ]
        lines.append(line)
    return sorted(lines, key=lambda line: [paths.index(path) for path in line])


def _along(lengths: dict[str, float]) -> Iterator[Finding]:
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
    start = max([sizes[first], *(size(x) for _, x, _ in meetings(step))])
    growth = sizes[largest] / start
    if growth > thresholds.GROWING:
        yield Finding(
            "growing_outputs",
            "warning",
            f"From the inputs to {largest} numbers grow {growth:,.0f} times: the "
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
    for path, layer in step.layers.items():
        frozen = all(f"{path}.{slot}" in case.network.frozen for slot in layer.weights)
        if frozen or not _learns(step, path):
            continue
        lengths = {s: v.shape[-1] if v.ndim else 1 for s, v in layer.gradients.items()}
        units = max(lengths.values())
        slots = [slot for slot, length in lengths.items() if length == units]
        W, dW = (
            np.concatenate([each[slot].reshape(-1, units) for slot in slots])
            for each in (layer.weights, layer.gradients)
        )
        groups = equal_columns(W.astype(np.float64), dW.astype(np.float64))
        every = len(groups) == 1 and len(groups[0]) == units
        if case.network.training and not every:
            # Units that training does not need may fall to zero, each by itself.
            least = thresholds.SAME_UNIT * np.abs(W).max()
            groups = [each for each in groups if np.abs(W[:, each]).max() > least]
        if units < 2 or not groups:
            continue
        count = sum(map(len, groups))
        like, number = ("and", "one") if every else ("as another one, and", "fewer")
        yield Finding(
            "duplicate_units",
            "severe" if every else "warning",
            f"{'All' if every else f'{count} of'} {units} units of {path} have the "
            f"same weights {like} get the same gradient: they stay equal for ever, and "
            f"count as {number}.",
            "Draw first weights at random: leave weight_init as it is instead of "
            '"zeros" or a constant.',
            path,
            {"units": units, "equal": groups[:8]},
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
    weight = thresholds.SAME_UNIT * np.abs(W).max(initial=0.0)
    gradient = thresholds.SAME_GRADIENT * np.abs(dW).max(initial=0.0)
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
    batch = training.batch_size if training else DEFAULT_BATCH
    rows = min(batch, len(case.data.y))
    for path, layer in step.layers.items():
        x = layer.input
        if not layer.layer.batch_statistics or not isinstance(x, np.ndarray):
            continue
        places = x.size // (step.n * x.shape[-1])
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
