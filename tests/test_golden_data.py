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


MEMORIES = {"momentum": 1, "nesterov": 1, "rmsprop": 1, "adagrad": 1, "amsgrad": 3}


def step(optimizer, w, g, memory, t, rate, options):
    """One step of one weight; memory is a tuple of its numbers."""
    if optimizer == "gradient_descent":
        return naive.gradient_descent(w, g, rate), ()
    memory = memory or (0.0,) * MEMORIES.get(optimizer, 2)
    when = (t,) if len(memory) > 1 else ()
    w, *memory = getattr(naive, optimizer)(w, g, *memory, *when, rate, **options)
    return w, memory


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


@pytest.mark.parametrize("case", load("plateaus"))
def test_plateau(case):
    golden = dict(load("plateaus")[case])
    rates, losses = golden.pop("rates"), golden.pop("losses").tolist()
    close(naive.reduce_on_plateau(losses, **golden), rates)
    assert len(set(rates.tolist())) > 2


# ---- images and sequences


def in_one_row(x):
    """Sequences as images of one row."""
    return [[sample] for sample in x]


def as_sequences(x):
    return [sample[0] for sample in x]


def pair(value):
    return tuple(value) if isinstance(value, list) else (value, value)


def window_for(settings, lengths):
    """The window that settings describe, over images or, as one row, sequences."""
    one, padding = len(lengths) == 1, settings.get("padding", "valid")
    size = settings.get("kernel_size", settings.get("size", 2))
    stride = settings.get("stride", 1 if "kernel_size" in settings else size)
    size, stride, dilation = (
        (value,) if one else pair(value)
        for value in (size, stride, settings.get("dilation", 1))
    )
    if padding == "same":
        each = zip(lengths, size, stride, dilation, strict=True)
        padding = [naive.same_padding(*axis) for axis in each]
    elif padding == "valid":
        padding = [(0, 0)] * len(lengths)
    else:
        sides = padding if isinstance(padding, list) else [padding] * len(lengths)
        padding = [pair(side) for side in sides]
    if one:
        return naive.window(
            (1, *size), (1, *stride), ((0, 0), *padding), (1, *dilation)
        )
    return naive.window(size, stride, padding, dilation)


def by_loops(kind, settings, p, x, dy):
    """y, dx and gradients of a layer over images (n, height, width, channels)."""
    lengths = naive.size_of(x)
    if kind == "up_sample":
        window = naive.window(pair(settings["factor"]), pair(settings["factor"]))
        size = [n * k for n, k in zip(lengths, window["size"], strict=True)]
        y = naive.mean_windows_back(x, window, *size, sums=True)
        return y, naive.mean_windows(dy, window, sums=True), {}
    if kind == "pad":
        window = naive.window((1, 1), padding=[pair(w) for w in settings["width"]])
        one = [[[[float(c == f) for f in range(2)] for c in range(2)]]]
        return (
            naive.convolve(x, one, window),
            naive.convolve_back(dy, one, window, *lengths),
            {},
        )
    if kind.startswith("global"):
        window = naive.window(lengths)
        dy = [[[row]] for row in dy]
        if "average" in kind:
            y = naive.mean_windows(x, window)
            dx = naive.mean_windows_back(dy, window, *lengths)
        else:
            y, dx = naive.max_windows(x, window), naive.max_windows_back(x, dy, window)
        return [sample[0][0] for sample in y], dx, {}
    window = settings["window"]
    if kind.startswith("max"):
        return naive.max_windows(x, window), naive.max_windows_back(x, dy, window), {}
    if kind.startswith("average"):
        dx = naive.mean_windows_back(dy, window, *lengths)
        return naive.mean_windows(x, window), dx, {}
    channels = len(x[0][0][0])
    groups = channels if "depthwise" in kind else settings.get("groups", 1)
    if kind == "conv_transpose2d":
        size = naive.size_of(dy)
        z = naive.convolve_back(x, p["W"], window, *size, groups)
        dx = naive.convolve(dy, p["W"], window, groups)
        g = {"W": naive.convolve_weights(dy, x, window, groups)}
        g["b"] = naive.sum_over_places(dy)
        return naive.add_to_channels(z, p["b"]), dx, g
    if kind == "separable_conv2d":
        h = naive.convolve(x, p["D"], window, channels)
        one, W = naive.window((1, 1)), [[p["W"]]]
        dh = naive.convolve_back(dy, W, one, *naive.size_of(h))
        g = {"W": naive.convolve_weights(h, dy, one)[0][0]}
        g["D"] = naive.convolve_weights(x, dh, window, channels)
        g["b"] = naive.sum_over_places(dy)
        dx = naive.convolve_back(dh, p["D"], window, *lengths, channels)
        return naive.add_to_channels(naive.convolve(h, W, one), p["b"]), dx, g
    z = naive.convolve(x, p["W"], window, groups)
    z = naive.add_to_channels(z, p["b"]) if "b" in p else z
    y, dz = z, dy
    if settings.get("activation") == "tanh":
        y, dz = np.tanh(z), (dy * (1 - np.tanh(z) ** 2)).tolist()
    g = {"W": naive.convolve_weights(x, dz, window, groups)}
    if "b" in p:
        g["b"] = naive.sum_over_places(dz)
    return y, naive.convolve_back(dz, p["W"], window, *lengths, groups), g


def rows_of(x):
    """Places as rows: (n places, features)."""
    return x.reshape(-1, x.shape[-1]).tolist()


def norm_by_loops(golden):
    """y, dx, gradients and new state of a normalization, places being rows."""
    kind, p = golden["layer"], lists(golden["parameters"])
    x, dy = rows_of(golden["x"]), rows_of(golden["dy"])
    if kind == "batch_norm":
        mean, variance = golden["state"]["mean"], golden["state"]["variance"]
        if golden["mode"] == "train":
            y = naive.batch_norm_forward_training(x, p["scale"], p["shift"])
            found = naive.batch_norm_backward_training(dy, x, p["scale"])
            mean, variance = naive.batch_norm_running(x, mean, variance)
        else:
            y = naive.batch_norm_forward_prediction(
                x, p["scale"], p["shift"], mean, variance
            )
            found = naive.batch_norm_backward_prediction(
                dy, x, p["scale"], mean, variance
            )
        return y, *found, {"mean": mean, "variance": variance}
    how = {"epsilon": 1e-6 if kind == "rmsnorm" else 1e-5, "centre": kind != "rmsnorm"}
    if kind == "group_norm":
        how |= {"groups": golden["settings"]["groups"]}
        how |= {"together": golden["x"][0, ..., 0].size}
    shift = p.get("shift", [0.0] * len(p["scale"]))
    y = naive.norm_forward(x, p["scale"], shift, **how)
    return y, *naive.norm_backward(dy, x, p["scale"], **how), {}


@pytest.mark.parametrize("case", load("images"))
def test_layer_over_images(case):
    golden = load("images")[case]
    kind, settings = golden["layer"], dict(golden["settings"])
    x, dy, p = golden["x"].tolist(), golden["dy"].tolist(), lists(golden["parameters"])
    if kind == "embedding":
        flat, slopes = golden["x"].reshape(-1).tolist(), rows_of(golden["dy"])
        close(naive.embedding_forward(flat, p["W"]), rows_of(golden["y"]))
        dW = naive.embedding_backward(slopes, flat, p["W"])
        close(dW, golden["gradients"]["W"])
        return
    if "norm" in kind:
        y, dx, dscale, dshift, state = norm_by_loops(golden)
        close(y, rows_of(golden["y"]))
        close(dx, rows_of(golden["dx"]))
        close(dscale, golden["gradients"]["scale"])
        if "shift" in golden["gradients"]:
            close(dshift, golden["gradients"]["shift"])
        for name, values in state.items():
            close(values, golden["new_state"][name])
        return
    if case == "global_max_pool_ties":  # there several share: see test_agreement.py
        return
    images = golden["dy" if "transpose" in kind else "x"]
    settings["window"] = window_for(settings, images.shape[1:-1])
    if golden["x"].ndim == 4:
        y, dx, g = by_loops(kind, settings, p, x, dy)
    else:
        settings |= {"factor": [1, settings.get("factor", 1)]}
        p |= {"W": [p["W"]]} if "W" in p else {}
        back = dy if "global" in kind else in_one_row(dy)
        y, dx, g = by_loops(kind, settings, p, in_one_row(x), back)
        y, dx = y if "global" in kind else as_sequences(y), as_sequences(dx)
        g |= {"W": g["W"][0]} if "W" in g else {}
    close(y, golden["y"])
    close(dx, golden["dx"])
    assert g.keys() == golden["gradients"].keys()
    for name, values in g.items():
        close(values, golden["gradients"][name])
