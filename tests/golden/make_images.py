"""Make the golden data of layers for images and sequences with PyTorch.

Run it as make_golden.py, which tells how. Each case is one layer: its settings, what
goes in, what comes out, and the gradients, all in pellucid's layout (channels last).
"""

import math

import torch
from make_golden import save
from torch.nn import functional


def main():
    save("images", cases())


def nchw(x):
    return x.permute(0, x.ndim - 1, *range(1, x.ndim - 1))


def nhwc(x):
    return x.permute(0, *range(2, x.ndim), 1)


def filters(W):
    """Our (kernel, kernel, channels / groups, filters) as PyTorch keeps it."""
    return W.permute(W.ndim - 1, W.ndim - 2, *range(W.ndim - 2)).contiguous()


def normal(*shape):
    return torch.randn(*shape)


def whole(*shape):
    """Small whole numbers, so that some are equal."""
    return torch.randint(-2, 3, shape).to(torch.float64)


def layer_case(kind, settings, x, call, parameters=None, state=None, mode="train"):
    """One layer forward and back; ``call(x, p)`` is PyTorch's, on our layout."""
    if x.is_floating_point():
        x = x.clone().requires_grad_()
    p = {k: v.clone().requires_grad_() for k, v in (parameters or {}).items()}
    kept = {k: v.clone() for k, v in (state or {}).items()}
    y = call(x, p | kept)
    dy = normal(*y.shape)
    inputs = [*([x] if x.requires_grad else []), *p.values()]
    gradients = list(torch.autograd.grad(y, inputs, dy)) if inputs else []
    dx = gradients.pop(0) if x.requires_grad else None
    return {
        "layer": kind,
        "settings": settings,
        "mode": mode,
        "x": x,
        "parameters": p,
        "state": state or {},
        "y": y,
        "dy": dy,
        "dx": dx,
        "gradients": dict(zip(p, gradients, strict=True)),
        "new_state": kept,
    }


def both(value):
    return tuple(value) if isinstance(value, list | tuple) else (value, value)


def border(settings, lengths, size, stride, dilation):
    """(before, after) of each axis, by the definitions of "same" and of numbers."""
    padding = settings.get("padding", "valid")
    if padding == "valid":
        return [(0, 0) for _ in lengths]
    if padding == "same":  # SAME_UPPER of ONNX
        found = []
        for n, k, s, d in zip(lengths, size, stride, dilation, strict=True):
            more = max((math.ceil(n / s) - 1) * s + d * (k - 1) + 1 - n, 0)
            found.append((more // 2, more - more // 2))
        return found
    if isinstance(padding, int):
        return [(padding, padding) for _ in lengths]
    return [both(side) for side in padding]


def padded(x, sides, value=0.0):
    """(n, channels, ...) with a border, which PyTorch wants from the last axis on."""
    flat = [width for side in reversed(sides) for width in side]
    return functional.pad(x, flat, value=value)


def axes_of(settings, axes, names):
    found = []
    for name, usual in names:
        value = settings.get(name, usual)
        found.append(both(value) if axes == 2 else (value,))
    return found


def convolution(settings, x_shape, channels_of_filter, count, depth=False):
    """A case of Conv2D, Conv1D or DepthwiseConv2D."""
    axes = len(x_shape) - 2
    size, stride, dilation = axes_of(
        settings, axes, [("kernel_size", 1), ("stride", 1), ("dilation", 1)]
    )
    groups = x_shape[-1] if depth else settings.get("groups", 1)
    activation = {"tanh": torch.tanh, None: lambda z: z * 1.0}[
        settings.get("activation")
    ]
    parameters = {"W": normal(*size, channels_of_filter, count)}
    if settings.get("bias", True):
        parameters["b"] = normal(count)
    function = functional.conv2d if axes == 2 else functional.conv1d

    def call(x, p):
        sides = border(settings, x.shape[1:-1], size, stride, dilation)
        z = function(
            padded(nchw(x), sides),
            filters(p["W"]),
            p.get("b"),
            stride=stride,
            dilation=dilation,
            groups=groups,
        )
        return activation(nhwc(z))

    kind = "depthwise_conv2d" if depth else f"conv{axes}d"
    return layer_case(kind, settings, normal(*x_shape), call, parameters)


def separable(settings, x_shape):
    channels, multiplier = x_shape[-1], settings.get("multiplier", 1)
    size, stride, dilation = axes_of(
        settings, 2, [("kernel_size", 1), ("stride", 1), ("dilation", 1)]
    )
    parameters = {
        "D": normal(*size, 1, channels * multiplier),
        "W": normal(channels * multiplier, settings["filters"]),
        "b": normal(settings["filters"]),
    }

    def call(x, p):
        sides = border(settings, x.shape[1:-1], size, stride, dilation)
        h = functional.conv2d(
            padded(nchw(x), sides),
            filters(p["D"]),
            stride=stride,
            dilation=dilation,
            groups=channels,
        )
        return nhwc(functional.conv2d(h, p["W"].T[:, :, None, None], p["b"]))

    return layer_case("separable_conv2d", settings, normal(*x_shape), call, parameters)


def transposed(settings, x_shape):
    """A case of ConvTranspose2D: everything is painted, then the border is cut off."""
    size, stride, dilation = axes_of(
        settings, 2, [("kernel_size", 1), ("stride", 1), ("dilation", 1)]
    )
    groups, count = settings.get("groups", 1), settings["filters"]
    parameters = {"W": normal(*size, count // groups, x_shape[-1]), "b": normal(count)}

    def call(x, p):
        z = functional.conv_transpose2d(
            nchw(x),
            filters(p["W"]),
            stride=stride,
            dilation=dilation,
            groups=groups,
        )
        lengths = x.shape[1:3]
        if settings.get("padding") == "same":
            wanted = [n * s for n, s in zip(lengths, stride, strict=True)]
            sides = border(settings, wanted, size, stride, dilation)
            # where the windows leave gaps at the end, there is nothing but the bias
            ends = [
                max(w + b - n, 0)
                for w, (b, _), n in zip(wanted, sides, z.shape[2:], strict=True)
            ]
            z = padded(z, [(0, end) for end in ends])
        else:
            sides = border(settings, lengths, size, stride, dilation)
            wanted = [n - sum(side) for n, side in zip(z.shape[2:], sides, strict=True)]
        (top, _), (left, _) = sides
        z = z[:, :, top : top + wanted[0], left : left + wanted[1]]
        return nhwc(z.contiguous()) + p["b"]

    return layer_case("conv_transpose2d", settings, normal(*x_shape), call, parameters)


def pooling(kind, settings, x):
    axes = x.ndim - 2
    size = axes_of(settings, axes, [("size", 2)])[0]
    stride = axes_of(settings, axes, [("stride", size if axes == 2 else size[0])])[0]
    ones = (1,) * axes

    def call(x, p):
        sides = border(settings, x.shape[1:-1], size, stride, ones)
        if kind == "max":
            function = functional.max_pool2d if axes == 2 else functional.max_pool1d
            return nhwc(function(padded(nchw(x), sides, -math.inf), size, stride))
        function = functional.avg_pool2d if axes == 2 else functional.avg_pool1d
        mean = function(padded(nchw(x), sides), size, stride)
        seen = function(padded(torch.ones_like(nchw(x)), sides), size, stride)
        return nhwc(mean / seen)

    return layer_case(f"{kind}_pool{axes}d", settings, x, call)


def batch_norm(shape, mode):
    features = shape[-1]
    parameters = {"scale": normal(features), "shift": normal(features)}
    state = {"mean": normal(features), "variance": torch.rand(features) + 0.5}

    def call(x, p):
        return nhwc(
            functional.batch_norm(
                nchw(x),
                p["mean"],
                p["variance"],
                p["scale"],
                p["shift"],
                training=mode == "train",
                momentum=0.1,
            )
        )

    return layer_case("batch_norm", {}, normal(*shape), call, parameters, state, mode)


def layer_norm(shape):
    parameters = {"scale": normal(shape[-1]), "shift": normal(shape[-1])}

    def call(x, p):
        return functional.layer_norm(x, x.shape[-1:], p["scale"], p["shift"])

    return layer_case("layer_norm", {}, normal(*shape), call, parameters)


def rms_norm(shape):
    def call(x, p):
        return functional.rms_norm(x, x.shape[-1:], p["scale"], eps=1e-6)

    return layer_case("rmsnorm", {}, normal(*shape), call, {"scale": normal(shape[-1])})


def group_norm(shape, groups):
    parameters = {"scale": normal(shape[-1]), "shift": normal(shape[-1])}

    def call(x, p):
        y = functional.group_norm(nchw(x), groups, p["scale"], p["shift"])
        return nhwc(y) if x.ndim > 2 else y

    return layer_case(
        "group_norm", {"groups": groups}, normal(*shape), call, parameters
    )


def embedding():
    x = torch.tensor([[1, 3, 1], [0, 1, 4]])  # 1 three times, 2 never
    return layer_case(
        "embedding",
        {"count": 5, "units": 2},
        x,
        lambda x, p: functional.embedding(x, p["W"]),
        {"W": normal(5, 2)},
    )


def cases():
    torch.manual_seed(7)
    found = {}

    def conv(name, shape, each, **settings):
        found[name] = convolution(settings, shape, each, settings["filters"])

    conv("conv2d", (2, 5, 6, 3), 3, filters=4, kernel_size=3)
    conv(
        "conv2d_border", (2, 5, 6, 3), 3, filters=2, kernel_size=3, stride=2, padding=1
    )
    conv(
        "conv2d_oblong",
        (2, 5, 6, 2),
        2,
        filters=3,
        kernel_size=[2, 3],
        stride=[2, 1],
        padding=[[1, 0], [2, 1]],
        activation="tanh",
    )
    conv("conv2d_dilated", (2, 6, 7, 2), 2, filters=2, kernel_size=3, dilation=[2, 3])
    conv("conv2d_groups", (2, 4, 4, 4), 2, filters=6, kernel_size=2, groups=2)
    conv("conv2d_1x1", (2, 3, 4, 3), 3, filters=2, kernel_size=1)
    conv("conv2d_1x1_stride", (2, 5, 4, 3), 3, filters=2, kernel_size=1, stride=2)
    conv("conv2d_even", (2, 6, 5, 2), 2, filters=2, kernel_size=4, padding=1)
    conv("conv2d_one_pixel", (2, 3, 3, 2), 2, filters=3, kernel_size=3)
    conv("conv2d_one_sample", (1, 4, 4, 2), 2, filters=2, kernel_size=3, bias=False)
    for size, stride, height, width, dilation in (
        (3, 1, 4, 5, 1),
        (3, 2, 6, 7, 1),
        (2, 1, 3, 4, 1),
        (4, 3, 8, 7, 1),
        (5, 2, 6, 3, 1),
        (2, 3, 7, 5, 1),
        (3, 2, 6, 7, 2),
    ):
        name = f"conv2d_same_{size}_{stride}_{dilation}"
        how = {"kernel_size": size, "stride": stride, "dilation": dilation}
        conv(name, (2, height, width, 2), 2, filters=2, padding="same", **how)

    conv("conv1d", (2, 7, 3), 3, filters=2, kernel_size=3)
    conv(
        "conv1d_same", (2, 6, 2), 2, filters=3, kernel_size=4, stride=3, padding="same"
    )
    conv(
        "conv1d_groups",
        (3, 7, 4),
        2,
        filters=2,
        kernel_size=2,
        groups=2,
        dilation=2,
        padding=[[2, 1]],
        bias=False,
        activation="tanh",
    )

    how = {"kernel_size": 3, "multiplier": 2, "stride": 2, "padding": "same"}
    found["depthwise"] = convolution(how, (2, 6, 5, 3), 1, 6, depth=True)
    how = {"kernel_size": 2, "padding": 1}
    found["depthwise_border"] = convolution(how, (2, 3, 4, 2), 1, 2, depth=True)
    how = {"filters": 4, "kernel_size": 3, "padding": "same", "stride": 2}
    found["separable"] = separable(how, (2, 5, 6, 3))
    how = {"filters": 2, "kernel_size": 2, "multiplier": 2, "dilation": 2}
    found["separable_multiplied"] = separable(how, (2, 4, 5, 2))

    for name, shape, how in (
        ("", (2, 3, 4, 2), {"filters": 3, "kernel_size": 3}),
        ("_border", (2, 3, 4, 2), {"kernel_size": 3, "stride": 2, "padding": 1}),
        ("_oblong", (2, 3, 2, 2), {"kernel_size": [2, 3], "stride": [3, 1]}),
        ("_dilated", (2, 2, 3, 2), {"kernel_size": 2, "dilation": [3, 2]}),
        ("_groups", (2, 2, 3, 4), {"filters": 6, "kernel_size": 2, "groups": 2}),
        ("_same_3_2", (2, 3, 4, 2), {"kernel_size": 3, "stride": 2, "padding": "same"}),
        ("_same_4_2", (2, 3, 2, 2), {"kernel_size": 4, "stride": 2, "padding": "same"}),
        ("_same_2_3", (2, 2, 3, 2), {"kernel_size": 2, "stride": 3, "padding": "same"}),
        ("_uneven", (1, 3, 3, 1), {"kernel_size": 3, "padding": [[1, 0], [0, 2]]}),
    ):
        found[f"transposed{name}"] = transposed({"filters": 2} | how, shape)

    for kind in ("max", "average"):
        for name, how, x in (
            ("", {}, normal(2, 5, 4, 3)),
            ("_ties", {"size": 3, "stride": 1}, whole(2, 5, 6, 2)),
            ("_border", {"size": 3, "stride": 2, "padding": 1}, whole(2, 5, 6, 2)),
            ("_oblong", {"size": [1, 3], "stride": [2, 2]}, normal(2, 4, 7, 2)),
            ("_same", {"size": 2, "padding": "same"}, normal(2, 5, 3, 2)),
            (
                "_same_3_2",
                {"size": 3, "stride": 2, "padding": "same"},
                whole(1, 6, 7, 2),
            ),
            ("_uneven", {"size": 3, "padding": [[2, 0], [1, 2]]}, normal(1, 4, 6, 2)),
            ("_1d", {}, normal(2, 7, 3)),
            ("_1d_same", {"size": 3, "stride": 2, "padding": "same"}, whole(2, 6, 2)),
        ):
            found[f"{kind}_pool{name}"] = pooling(kind, how, x)

    def over(function):
        return lambda x, p: function(x, tuple(range(1, x.ndim - 1)))

    for name, shape in (("", (2, 3, 4, 2)), ("_1d", (2, 5, 3))):
        found[f"global_average_pool{name}"] = layer_case(
            "global_average_pool", {}, normal(*shape), over(torch.mean)
        )
        found[f"global_max_pool{name}"] = layer_case(
            "global_max_pool", {}, normal(*shape), over(torch.amax)
        )
    found["global_max_pool_ties"] = layer_case(
        "global_max_pool", {}, whole(2, 3, 4, 2), over(torch.amax)
    )

    for mode in ("train", "predict"):
        found[f"batch_norm_images_{mode}"] = batch_norm((3, 4, 2, 3), mode)
        found[f"batch_norm_sequences_{mode}"] = batch_norm((2, 5, 3), mode)
    found["batch_norm_one_image"] = batch_norm((1, 3, 2, 2), "train")
    for name, shape in (("rows", (4, 5)), ("images", (2, 3, 2, 4))):
        found[f"layer_norm_{name}"] = layer_norm(shape)
        found[f"rms_norm_{name}"] = rms_norm(shape)
    found["group_norm_rows"] = group_norm((4, 6), 3)
    found["group_norm_images"] = group_norm((2, 3, 2, 4), 2)
    found["group_norm_one"] = group_norm((2, 5, 3), 1)
    found["group_norm_each"] = group_norm((2, 3, 2, 3), 3)
    found["embedding"] = embedding()

    found["up_sample"] = layer_case(
        "up_sample",
        {"factor": [2, 3]},
        normal(2, 2, 3, 2),
        lambda x, p: nhwc(functional.interpolate(nchw(x), scale_factor=(2, 3))),
    )
    found["up_sample_1d"] = layer_case(
        "up_sample",
        {"factor": 2},
        normal(2, 3, 2),
        lambda x, p: nhwc(functional.interpolate(nchw(x), scale_factor=2)),
    )
    found["pad"] = layer_case(
        "pad",
        {"width": [[1, 0], [2, 3]]},
        normal(2, 2, 3, 2),
        lambda x, p: nhwc(padded(nchw(x), [(1, 0), (2, 3)])),
    )
    return found


if __name__ == "__main__":
    main()
