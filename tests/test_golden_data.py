"""The two oracles, naive.py and PyTorch's golden data, agree."""

import math

import numpy as np
import pytest

import naive
from golden import NAMES, load

# Both sides compute in float64; what is left is the order of their sums.
CLOSE = {"rtol": 1e-12, "atol": 1e-13}


def close(ours, golden):
    np.testing.assert_allclose(ours, golden, **CLOSE)


@pytest.mark.parametrize("name", NAMES)
def test_arrays_are_read_only_and_of_known_types(name):
    def arrays(fields):
        for value in fields.values():
            if isinstance(value, dict):
                yield from arrays(value)
            elif isinstance(value, np.ndarray):
                yield value

    found = list(arrays(load(name)))
    assert found
    assert {array.dtype.name for array in found} <= {"float64", "int64"}
    assert not any(array.flags.writeable for array in found)


@pytest.mark.parametrize("case", load("activations"))
def test_activation(case):
    golden = load("activations")[case]
    name, options = golden["activation"], golden["options"]
    if name in naive.ROW_ACTIVATIONS:
        value, jacobian = naive.ROW_ACTIVATIONS[name]
        close([value(row) for row in golden["z"].tolist()], golden["value"])
        close([jacobian(row) for row in golden["z"].tolist()], golden["jacobian"])
        return
    value, slope = naive.ACTIVATIONS[name]
    z = golden["z"].tolist()
    close([value(number, **options) for number in z], golden["value"])
    close([slope(number, **options) for number in z], golden["slope"])


def test_every_activation_has_golden_data():
    known = {*naive.ACTIVATIONS, *naive.ROW_ACTIVATIONS}
    assert {golden["activation"] for golden in load("activations").values()} == known


@pytest.mark.parametrize("case", load("losses"))
def test_loss(case):
    golden = load("losses")[case]
    targets, weight = golden["targets"].tolist(), golden["sample_weight"]
    joint = [1.0] * len(targets) if weight is None else weight.tolist()
    if golden["class_weight"] is not None:
        joint = [
            w * float(golden["class_weight"][label])
            for w, label in zip(joint, targets, strict=True)
        ]
    value, gradient, per_sample = naive.batch_loss(
        golden["loss"], golden["outputs"].tolist(), targets, joint, **golden["options"]
    )
    close(value, golden["value"])
    close(gradient, golden["gradient"])
    close(per_sample, golden["per_sample"])
    assert golden["reduction"] == naive.LOSSES[golden["loss"]][2]


def test_every_loss_has_golden_data():
    assert {golden["loss"] for golden in load("losses").values()} == {*naive.LOSSES}


def lists(arrays):
    return {name: array.tolist() for name, array in arrays.items()}


@pytest.mark.parametrize("case", load("networks"))
def test_network(case):
    golden = load("networks")[case]
    layers, mode = golden["layers"], golden["mode"]
    numbers = lists(golden["parameters"]) | lists(golden["state"])
    x, weight = golden["x"].tolist(), golden["sample_weight"]
    outputs, _, _ = naive.feedforward(layers, numbers, x, mode)
    close(outputs, golden["outputs"])
    value, gradients, state = naive.backprop(
        layers,
        numbers,
        golden["loss"],
        x,
        golden["y"].tolist(),
        None if weight is None else weight.tolist(),
        mode,
        **golden["options"],
    )
    close(value, golden["value"])
    assert gradients.keys() == golden["gradients"].keys()
    for name, gradient in gradients.items():
        close(gradient, golden["gradients"][name])
    assert state.keys() == golden["new_state"].keys()
    for name, numbers in state.items():
        close(numbers, golden["new_state"][name])


def step(optimizer, w, g, memory, t, rate, options):
    """One step of one weight; memory is a tuple of its numbers."""
    if optimizer == "gradient_descent":
        return naive.gradient_descent(w, g, rate), ()
    if optimizer in ("momentum", "nesterov", "rmsprop"):
        (old,) = memory or (0.0,)
        w, new = getattr(naive, optimizer)(w, g, old, rate, **options)
        return w, (new,)
    mean, square = memory or (0.0, 0.0)
    w, mean, square = getattr(naive, optimizer)(w, g, mean, square, t, rate, **options)
    return w, (mean, square)


@pytest.mark.parametrize("case", load("optimizers"))
def test_optimizer_path(case):
    golden = load("optimizers")[case]
    common = golden["common"]
    w = golden["start"].tolist()
    memory = [()] * len(w)
    for t, gradient in enumerate(golden["gradients"].tolist(), start=1):
        g = gradient
        if "clip_value" in common:
            g = [naive.clip_by_value(g_i, common["clip_value"]) for g_i in g]
        if "clip_norm" in common:
            g = naive.clip_by_global_norm(g, common["clip_norm"])
        if "l2" in common:
            g = [naive.l2(*pair, common["l2"]) for pair in zip(w, g, strict=True)]
        if "l1" in common:
            g = [naive.l1(*pair, common["l1"]) for pair in zip(w, g, strict=True)]
        for i in range(len(w)):
            w[i], memory[i] = step(
                golden["optimizer"],
                w[i],
                g[i],
                memory[i],
                t,
                golden["rate"],
                golden["options"],
            )
        close(w, golden["path"][t - 1])


def test_clipping_happens_in_the_golden_paths():
    golden = load("optimizers")
    norms = np.linalg.norm(golden["clip_norm_10"]["gradients"], axis=1)
    assert 0 < (norms > golden["clip_norm_10"]["common"]["clip_norm"]).sum() < 20
    size = abs(golden["clip_value_10"]["gradients"])
    assert 0 < (size > golden["clip_value_10"]["common"]["clip_value"]).sum() < 200


@pytest.mark.parametrize("case", load("schedules"))
def test_schedule(case):
    golden = load("schedules")[case]

    def schedule(step, total):
        call = naive.SCHEDULES[golden["schedule"]]
        return call(step, total, golden["rate"], **golden["options"])

    rates = [
        naive.warm_up(step, golden["total"], golden["warm_up"], schedule)
        if golden["warm_up"]
        else schedule(step, golden["total"])
        for step in range(golden["total"])
    ]
    close(rates, golden["rates"])
    assert all(math.isfinite(rate) for rate in rates)
