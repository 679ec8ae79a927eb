"""Checks of one's own parts: does backward give the gradient of forward?

Every layer is looked at by itself, with what came into it in a real step, so that the
one with the mistake is named and not those before it, whose gradients it spoils.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.activations import Activation, Joint
from pellucid.doctor import thresholds
from pellucid.doctor.case import Case, Check
from pellucid.doctor.findings import Finding
from pellucid.layer import Layer, Memo, new_pass
from pellucid.layout import LayerView
from pellucid.rng import Random
from pellucid.step import Step
from pellucid.testing.differences import differences

# Rows and entries of each array that are tried.
ROWS, ENTRIES = 4, 24


def wrong_gradients(case: Case) -> Iterator[Finding]:
    """Yield a finding for each part of one's own whose gradient is not the gradient.

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
    seen: set[Any] = set()
    for path, layer in step.blueprint.layers.items():
        activation = getattr(layer, "activation", None)
        if isinstance(activation, Joint):
            layer, activation = _unjoined(layer), activation.of_activation
        own = isinstance(activation, Activation) and is_own(activation)
        if isinstance(activation, Activation) and own and activation not in seen:
            seen.add(activation)
            yield from _of_activation(path, activation)
        elif is_own(layer):
            yield from _of_layer(step, path, layer)
    if is_own(case.network.loss):
        yield from _of_loss(case)


CHECKS: tuple[Check, ...] = (wrong_gradients,)


def is_own(part: Any) -> Any:
    """Return whether a part is not one that comes with pellucid.

    Parameters
    ----------
    part : Part or None
        A layer, an activation, a loss.

    Returns
    -------
    bool
    """
    return part is not None and type(part).__module__.partition(".")[0] != "pellucid"


def _unjoined(layer: Layer) -> Layer:
    """Return a layer without the activation whose slope is part of the loss."""
    return replace(layer, activation=None)  # type: ignore[call-arg]


def _finding(
    where: str, what: str, part: Any, worst: tuple[float, float], remedy: str
) -> Finding:
    given, expected = worst
    return Finding(
        "wrong_gradients",
        "severe",
        f"{part!r} computes {what} wrongly: it says {given:.6g}, and central "
        f"differences say {expected:.6g}. Everything before it learns from this.",
        remedy,
        where,
        {"given": given, "differences": expected, "of": what},
    )


def _of_layer(step: Step, path: str, layer: Layer) -> Iterator[Finding]:
    x = _each(step.layers[path].input, lambda v: _tried(v[:ROWS], path))
    layout = step.layout
    weights = step.before.weights.astype(np.float64)
    views = path.split(".")

    def run(x: Any, weights: NDArray[Any]) -> tuple[Any, LayerView, Memo]:
        state = weights[layout.parameters.size :].copy()
        shared = new_pass(
            training=True,
            key=step.before.key,
            dtype=np.float64,
            state=LayerView(state, layout.state),
        )
        memo, p = Memo(shared), LayerView(weights, layout)
        for name in views:
            memo, p = memo[name], p[name]
        return layer.forward(x, p, memo), p, memo

    output, p, memo = run(x, weights)
    if not isinstance(output, np.ndarray):
        return
    da = Random(1, "doctor", path).normal(output.shape)
    gradient = np.zeros(layout.parameters.size)
    g = LayerView(gradient, layout.parameters)
    for name in views:
        g = g[name]
    dx = layer.backward(da, p, g, memo)
    check = (
        f"check it by itself: pellucid.testing.check_layer({layer!r}, input_shape=...)"
    )
    for name, entry in layout.parameters.entries.items():
        if not name.startswith(f"{path}.") or "." in name.removeprefix(f"{path}."):
            continue
        given: Any = gradient[entry.start : entry.stop]

        def of_slot(values: NDArray[Any], start: int = entry.start) -> Any:
            moved = weights.copy()
            moved[start : start + len(values)] = values
            return run(x, moved)[0]

        worst = _worst(of_slot, weights[entry.start : entry.stop], given, da)
        if worst:
            slot = name.rpartition(".")[2]
            yield _finding(
                name,
                f"dL/d{slot}",
                layer,
                worst,
                f"Look at where its backward writes g.{slot}, and {check}.",
            )
    for key, values in _by_name(x).items():
        given = _by_name(dx).get(key)
        if given is None or values.dtype.kind != "f":
            continue

        def of_input(values: NDArray[Any], key: str = key) -> Any:
            parts = _by_name(x)
            parts[key] = values.reshape(parts[key].shape)
            return run(parts if isinstance(x, Mapping) else parts[""], weights)[0]

        worst = _worst(of_input, values.ravel(), np.ravel(given), da)
        if worst:
            yield _finding(
                path,
                f"dL/dx{f'[{key!r}]' if key else ''}",
                layer,
                worst,
                f"Look at what its backward returns, and {check}.",
            )


def _of_activation(path: str, activation: Activation) -> Iterator[Finding]:
    random = Random(1, "doctor", path)
    z, da = 2 * random.normal((ROWS, 6)), random.normal((ROWS, 6))
    given = activation.delta(da, z, activation.value(z))
    worst = _worst(
        lambda values: activation.value(values.reshape(z.shape)),
        z.ravel(),
        np.ravel(given),
        da,
    )
    if worst:
        yield _finding(
            path,
            "dL/dz" if activation.across else "its slope",
            activation,
            worst,
            f"Look at its {'delta' if activation.across else 'slope'}, and check it by "
            f"itself: pellucid.testing.check_activation({activation!r}).",
        )


def _of_loss(case: Case) -> Iterator[Finding]:
    step, loss = case.step, case.network.loss
    assert step is not None
    logits = step.blueprint.logits
    out = step.output if logits is None else step[".".join(logits)].kept["z"]
    out = _tried(out[:ROWS], "loss")
    y = step.y[:ROWS]
    y = y if y.dtype.kind in "iu" else y.astype(np.float64)
    worst = _worst(
        lambda values: loss.value(values.reshape(out.shape), y),
        out.ravel(),
        np.ravel(loss.slope(out, y)),
        np.ones(len(y)),
    )
    if worst:
        yield _finding(
            "loss",
            "its slope",
            loss,
            worst,
            "Look at its slope, and check it by itself: "
            f"pellucid.testing.check_loss({loss!r}).",
        )


def _worst(
    function: Callable[[NDArray[Any]], Any],
    at: NDArray[Any],
    given: NDArray[Any],
    da: NDArray[Any],
) -> tuple[float, float] | None:
    """Return what differs most between a gradient and differences, if wrong."""
    places = np.unique(np.linspace(0, at.size - 1, min(ENTRIES, at.size)).astype(int))

    def of_some(values: NDArray[Any]) -> float:
        moved = at.copy()
        moved[places] = values
        return float((function(moved) * da).sum())

    expected, smooth = differences(of_some, at[places])
    shown = given[places]
    length = max(float(np.abs(shown).max()), float(np.abs(expected).max()))
    rounding = 1e-8 * abs(of_some(at[places]))
    error = np.where(smooth, np.abs(shown - expected), 0.0)
    worst = int(error.argmax())
    if error[worst] <= thresholds.WRONG_GRADIENT * length + rounding:
        return None
    return float(shown[worst]), float(expected[worst])


def _tried(values: NDArray[Any], path: str) -> NDArray[Any]:
    """Return inputs moved a little, away from the kinks that zeros often are."""
    if values.dtype.kind != "f":
        return values
    exact = values.astype(np.float64)
    moved = Random(1, "doctor", path).normal(values.shape)
    return exact + 0.01 * max(1.0, float(np.abs(exact).mean())) * moved


def _each(x: Any, function: Callable[[Any], Any]) -> Any:
    if isinstance(x, Mapping):
        return {name: function(value) for name, value in x.items()}
    return function(x)


def _by_name(x: Any) -> dict[str, Any]:
    return dict(x) if isinstance(x, Mapping) else {"": x}
