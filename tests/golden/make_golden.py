"""Make the golden data of this folder with PyTorch (float64, fixed seeds).

Run it from the root of the repository, in an environment of its own::

    python -m venv ../torch-venv
    ../torch-venv/bin/pip install torch==2.13.0 numpy
    ../torch-venv/bin/python tests/golden/make_golden.py

The tests read only the files this writes; they need no PyTorch. README.md tells which
call of PyTorch stands behind each number, and where pellucid differs on purpose.
"""

import json
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional

torch.set_default_dtype(torch.float64)
FOLDER = Path(__file__).parent


def main():
    save("activations", activations())
    save("losses", losses())
    save("networks", networks())
    save("optimizers", optimizers())
    save("schedules", schedules())
    save("plateaus", plateaus())


def save(name, cases):
    """NAME.npz holds the arrays as "case/field/...", NAME.json everything else."""
    arrays, words = {}, {}
    for case, fields in cases.items():
        words[case] = separate(fields, case, arrays)
    made_with = {"torch": torch.__version__, "numpy": np.__version__}
    text = json.dumps({"made_with": made_with, "cases": words}, indent=1)
    (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    np.savez_compressed(FOLDER / f"{name}.npz", **arrays)
    size = (FOLDER / f"{name}.npz").stat().st_size + len(text)
    print(f"{name}: {len(cases)} cases, {size / 1000:.0f} kB")


def separate(fields, path, arrays):
    """The fields that are not arrays; the arrays go to ``arrays`` under their path."""
    rest = {}
    for key, value in fields.items():
        if isinstance(value, torch.Tensor):
            value = value.detach().numpy()
        if isinstance(value, np.ndarray):
            if not np.isfinite(value).all():
                raise ValueError(f"{path}/{key} is not finite")
            # -0.0 and 0.0 are the same number: keep one of them
            arrays[f"{path}/{key}"] = value + 0 if value.dtype.kind == "f" else value
        elif isinstance(value, dict):
            rest[key] = separate(value, f"{path}/{key}", arrays)
        else:
            rest[key] = value
    return rest


def same(ours, theirs, relative=1e-12):
    """Stop when two ways to compute the same thing disagree."""
    torch.testing.assert_close(ours, theirs, rtol=relative, atol=relative)


# ------------------------------------------------------------------ activations

ACTIVATIONS = {  # case: (activation, options, kinks, the call of PyTorch)
    "identity": ("identity", {}, [], lambda z: z * 1.0),
    "sigmoid": ("sigmoid", {}, [], torch.sigmoid),
    # hardsigmoid by its definition: its own backward rounds 1/6 to float32 (2e-8 off)
    "hard_sigmoid": (
        "hard_sigmoid",
        {},
        [-3.0, 3.0],
        lambda z: functional.relu6(z + 3) / 6,
    ),
    "tanh": ("tanh", {}, [], torch.tanh),
    "hard_tanh": ("hard_tanh", {}, [-1.0, 1.0], functional.hardtanh),
    "relu": ("relu", {}, [0.0], torch.relu),
    "leaky_relu": ("leaky_relu", {}, [0.0], lambda z: functional.leaky_relu(z, 0.01)),
    "leaky_relu_0.2": (
        "leaky_relu",
        {"leak": 0.2},
        [0.0],
        lambda z: functional.leaky_relu(z, 0.2),
    ),
    "elu": ("elu", {}, [], lambda z: functional.elu(z, 1.0)),
    "elu_0.5": ("elu", {"alpha": 0.5}, [0.0], lambda z: functional.elu(z, 0.5)),
    "selu": ("selu", {}, [0.0], functional.selu),
    "gelu": ("gelu", {}, [], lambda z: functional.gelu(z, approximate="none")),
    "gelu_tanh": (
        "gelu_tanh",
        {},
        [],
        lambda z: functional.gelu(z, approximate="tanh"),
    ),
    "silu": ("silu", {}, [], functional.silu),
    "mish": ("mish", {}, [], functional.mish),
    # the default threshold of 20 replaces softplus(z) by z, which is 2e-9 off
    "softplus": ("softplus", {}, [], lambda z: functional.softplus(z, threshold=50)),
    "softsign": ("softsign", {}, [], functional.softsign),
    "exp": ("exp", {}, [], torch.exp),
}
CALLS = {case: call for case, (_, _, _, call) in ACTIVATIONS.items()} | {
    "softmax": lambda z: torch.softmax(z, dim=1),
    "log_softmax": lambda z: torch.log_softmax(z, dim=1),
}


def activations():
    far = np.array([1e-8, 8, 10, 15, 20, 30, 40, 100, 700, 1e4, 1e100])
    grid = np.concatenate([-far[::-1], np.arange(-24, 25) / 4, far])
    cases = {}
    for case, (activation, options, kinks, call) in ACTIVATIONS.items():
        here = grid[grid <= 700] if activation == "exp" else grid  # finite beyond
        z = torch.tensor(here, requires_grad=True)
        value = call(z)
        (slope,) = torch.autograd.grad(value.sum(), z)
        cases[case] = {
            "activation": activation,
            "options": options,
            "kinks": kinks,
            "z": z,
            "value": value,
            "slope": slope,
        }
    rows = torch.tensor(
        [
            [0.0, 0.0, 0.0, 0.0],
            [1.0, 2.0, 3.0, 4.0],
            [-1.5, 0.25, 2.0, -0.75],
            [30.0, -30.0, 0.0, 29.0],
            [1000.0, 999.0, -1000.0, 1001.0],
            [-1e5, -1e5 + 1, -2e5, 0.0],
            [1e100, -1e100, 0.0, 1.0],
        ]
    )
    for name in ("softmax", "log_softmax"):
        call = CALLS[name]
        one_row = lambda row, call=call: call(row[None])[0]  # noqa: E731
        jacobian = [torch.autograd.functional.jacobian(one_row, row) for row in rows]
        cases[name] = {
            "activation": name,
            "options": {},
            "kinks": [],
            "z": rows,
            "value": call(rows),
            "jacobian": torch.stack(jacobian),
        }
    return cases


# ----------------------------------------------------------------------- losses


def gaussian_likelihood(outputs, y, floor):
    mean, spread = outputs.chunk(2, dim=1)
    variance = floor + torch.exp(spread)
    # eps is the least variance there: so small that it plays no part
    return functional.gaussian_nll_loss(mean, y, variance, reduction="none", eps=1e-30)


def quantile(y_hat, y, level):
    return torch.maximum(level * (y - y_hat), (level - 1) * (y - y_hat))


def binary_focal(z, y, gamma):
    p = torch.sigmoid(z)
    yes, no = (1 - p) ** gamma * torch.log(p), p**gamma * torch.log(1 - p)
    return -(y * yes + (1 - y) * no)


BY_FORMULA = {  # the loss of each target; where PyTorch has none, from its definition
    "log_cosh": lambda y_hat, y: torch.log(torch.cosh(y_hat - y)),
    "quantile": quantile,
    "poisson": lambda z, y: functional.poisson_nll_loss(z, y, reduction="none"),
    "gaussian_likelihood": gaussian_likelihood,
    "binary_focal": binary_focal,
    "binary_hinge": lambda z, y: torch.relu(1 - (2 * y - 1) * z),
}


def per_sample(loss, y_hat, y, options):
    """Loss of each sample, (n,): the mean (or sum) over its outputs."""
    if loss == "cross_entropy":
        return functional.cross_entropy(y_hat, y, reduction="none", **options)
    if loss == "hinge":
        return functional.multi_margin_loss(y_hat, y, reduction="none")
    if loss == "focal":
        p = torch.softmax(y_hat, dim=1)[range(len(y)), y]
        return -((1 - p) ** options["gamma"]) * torch.log(p)
    if loss in BY_FORMULA:
        return BY_FORMULA[loss](y_hat, y, **options).mean(dim=1)
    each = {
        "sum_of_squares": functional.mse_loss,
        "half_sum_of_squares": functional.mse_loss,
        "mean_squared_error": functional.mse_loss,
        "mean_absolute_error": functional.l1_loss,
        "huber": functional.huber_loss,
        "binary_cross_entropy": functional.binary_cross_entropy_with_logits,
    }[loss](y_hat, y, reduction="none", **options)
    if loss == "sum_of_squares":
        return each.sum(dim=1)
    if loss == "half_sum_of_squares":
        return each.sum(dim=1) / 2
    return each.mean(dim=1)


def reduction_of(loss):
    return "sum" if loss in ("sum_of_squares", "half_sum_of_squares") else "mean"


def batch_loss(loss, y_hat, y, weight, options):
    """sum_s weight_s l_s, divided by sum_s weight_s unless the loss is a sum."""
    losses = per_sample(loss, y_hat, y, options)
    if weight is None:
        weight = torch.ones(len(losses))
    total = (weight * losses).sum()
    return total if reduction_of(loss) == "sum" else total / weight.sum()


def loss_case(loss, y_hat, y, weight=None, class_weight=None, **options):
    y_hat = y_hat.clone().requires_grad_()
    joint = weight
    if class_weight is not None:
        joint = class_weight[y] if weight is None else weight * class_weight[y]
    value = batch_loss(loss, y_hat, y, joint, options)
    (gradient,) = torch.autograd.grad(value, y_hat)
    case = {
        "loss": loss,
        "options": options,
        "reduction": reduction_of(loss),
        "outputs": y_hat,
        "targets": y,
        "sample_weight": weight,
        "class_weight": class_weight,
        "per_sample": per_sample(loss, y_hat, y, options),
        "value": value.item(),
        "gradient": gradient,
    }
    check_against_own_reduction(case)
    return case


def check_against_own_reduction(case):
    """Where PyTorch has the reduced loss under one name, ours must be that number."""
    y_hat, y, value = case["outputs"], case["targets"], torch.tensor(case["value"])
    options, weights = case["options"], case["class_weight"]
    if case["sample_weight"] is not None:
        return
    if case["loss"] == "cross_entropy" and weights is None:
        same(value, functional.cross_entropy(y_hat, y, **options))
    elif case["loss"] == "cross_entropy" and not options:
        same(value, functional.cross_entropy(y_hat, y, weight=weights))
    elif case["loss"] == "sum_of_squares":
        same(value, functional.mse_loss(y_hat, y, reduction="sum"))
    elif case["loss"] == "mean_squared_error":
        same(value, functional.mse_loss(y_hat, y))
    elif case["loss"] == "mean_absolute_error":
        same(value, functional.l1_loss(y_hat, y))
    elif case["loss"] == "huber":
        same(value, functional.huber_loss(y_hat, y, **options))
    elif case["loss"] == "binary_cross_entropy":
        same(value, functional.binary_cross_entropy_with_logits(y_hat, y))
    elif case["loss"] == "hinge":
        same(value, functional.multi_margin_loss(y_hat, y))
    elif case["loss"] == "poisson":
        same(value, functional.poisson_nll_loss(y_hat, y))


def losses():
    random = np.random.default_rng(101)

    def numbers(*shape, scale=1.0):
        return torch.tensor(np.round(scale * random.normal(size=shape), 3))

    weight = torch.tensor([1.0, 0.5, 2.0, 0.0, 1.25, 3.0])
    cases = {}
    for loss in (
        "sum_of_squares",
        "half_sum_of_squares",
        "mean_squared_error",
        "mean_absolute_error",
        "huber",
    ):
        y_hat, y = numbers(6, 3, scale=2.0), numbers(6, 3)
        cases[loss] = loss_case(loss, y_hat, y)
        cases[f"{loss}_weighted"] = loss_case(loss, y_hat, y, weight)
        cases[f"{loss}_one_output"] = loss_case(loss, numbers(5, 1), numbers(5, 1))
        cases[f"{loss}_large"] = loss_case(
            loss, 1e6 * numbers(4, 2), 1e6 * numbers(4, 2)
        )
    y_hat, y = numbers(6, 3, scale=2.0), numbers(6, 3)
    for delta in (0.25, 2.0):
        cases[f"huber_delta_{delta}"] = loss_case("huber", y_hat, y, delta=delta)
        cases[f"huber_delta_{delta}_weighted"] = loss_case(
            "huber", y_hat, y, weight, delta=delta
        )

    z = numbers(6, 4, scale=2.0)
    label = torch.tensor([0, 3, 1, 2, 2, 0])
    per_class = torch.tensor([0.5, 2.0, 1.0, 4.0])
    for name, options in {
        "cross_entropy": {},
        "cross_entropy_smoothed": {"label_smoothing": 0.1},
    }.items():
        cases[name] = loss_case("cross_entropy", z, label, **options)
        cases[f"{name}_weighted"] = loss_case(
            "cross_entropy", z, label, weight, **options
        )
        cases[f"{name}_class_weighted"] = loss_case(
            "cross_entropy", z, label, class_weight=per_class, **options
        )
        cases[f"{name}_both_weights"] = loss_case(
            "cross_entropy", z, label, weight, per_class, **options
        )
        cases[f"{name}_large"] = loss_case(
            "cross_entropy",
            torch.tensor(
                [
                    [1e3, -1e3, 0.0],
                    [-1e5, 1e5, 3.0],
                    [40.0, 0.0, -40.0],
                    [750.0, 749.0, 748.0],
                ]
            ),
            torch.tensor([0, 0, 2, 1]),
            **options,
        )
    cases["cross_entropy_two_classes"] = loss_case(
        "cross_entropy", numbers(5, 2), torch.tensor([0, 1, 1, 0, 1])
    )

    y = torch.tensor(random.integers(0, 2, size=(6, 3)).astype(float))
    cases["binary_cross_entropy"] = loss_case("binary_cross_entropy", z[:, :3], y)
    cases["binary_cross_entropy_weighted"] = loss_case(
        "binary_cross_entropy", z[:, :3], y, weight
    )
    cases["binary_cross_entropy_one_output"] = loss_case(
        "binary_cross_entropy", z[:, :1], y[:, :1]
    )
    cases["binary_cross_entropy_soft_targets"] = loss_case(
        "binary_cross_entropy", z[:, :3], 0.1 + 0.8 * y
    )
    cases["binary_cross_entropy_large"] = loss_case(
        "binary_cross_entropy",
        torch.tensor([[1e3, -1e3], [-1e3, 1e3], [1e5, 700.0], [-750.0, 20.0]]),
        torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 1.0]]),
    )
    return cases | more_losses()


def more_losses():
    random = np.random.default_rng(102)

    def numbers(*shape, scale=1.0):
        return torch.tensor(np.round(scale * random.normal(size=shape), 3))

    weight = torch.tensor([1.0, 0.5, 2.0, 0.0, 1.25, 3.0])
    count = torch.tensor(random.poisson(2.0, size=(6, 3)).astype(float))
    yes = torch.tensor(random.integers(0, 2, size=(6, 3)).astype(float))
    label = torch.tensor([0, 3, 1, 2, 2, 0])
    recipes = {  # case: (loss, outputs, targets, options)
        "log_cosh": ("log_cosh", numbers(6, 3, scale=2.0), numbers(6, 3), {}),
        "log_cosh_one_output": ("log_cosh", numbers(6, 1), numbers(6, 1), {}),
        "log_cosh_far": ("log_cosh", numbers(6, 2, scale=100.0), numbers(6, 2), {}),
        "poisson": ("poisson", numbers(6, 3), count, {}),
        "poisson_one_output": ("poisson", numbers(6, 1), count[:, :1], {}),
        "hinge": ("hinge", numbers(6, 4, scale=2.0), label, {}),
        "hinge_two_classes": ("hinge", numbers(6, 2), label % 2, {}),
        "binary_hinge": ("binary_hinge", numbers(6, 3, scale=2.0), yes, {}),
        "binary_hinge_one_output": ("binary_hinge", numbers(6, 1), yes[:, :1], {}),
    }
    for level in (0.1, 0.5, 0.9):
        recipe = numbers(6, 3), numbers(6, 3), {"level": level}
        recipes[f"quantile_{level}"] = ("quantile", *recipe)
    for gamma in (0.0, 0.5, 1.0, 2.0, 3.5):
        options = {"gamma": gamma}
        recipes[f"focal_{gamma}"] = ("focal", numbers(6, 4, scale=2.0), label, options)
        recipe = numbers(6, 3, scale=2.0), yes, options
        recipes[f"binary_focal_{gamma}"] = ("binary_focal", *recipe)
    for floor in (1e-6, 0.3):
        recipe = numbers(6, 4), numbers(6, 2), {"floor": floor}
        recipes[f"gaussian_likelihood_{floor}"] = ("gaussian_likelihood", *recipe)
    recipe = numbers(6, 2), numbers(6, 1), {"floor": 1e-6}
    recipes["gaussian_likelihood_one_target"] = ("gaussian_likelihood", *recipe)
    cases = {}
    for case, (loss, y_hat, y, options) in recipes.items():
        cases[case] = loss_case(loss, y_hat, y, **options)
        cases[f"{case}_weighted"] = loss_case(loss, y_hat, y, weight, **options)
    return cases


# --------------------------------------------------------------------- networks
# The list form of a network is explained in README.md (and in tests/naive.py).

BATCH = 7
NO_BIAS = {"bias": False}
NETWORKS = {  # case: (inputs, layers, loss, options, mode, weighted)
    "tutorial": (
        3,
        [["dense", 4, "sigmoid", NO_BIAS], ["dense", 1, "sigmoid", NO_BIAS]],
        "sum_of_squares",
        {},
        "train",
        False,
    ),
    "mlp": (
        4,
        [["dense", 6, "tanh"], ["dense", 5, "relu"], ["dense", 3, None]],
        "cross_entropy",
        {},
        "train",
        False,
    ),
    "mlp_smoothed_weighted": (
        4,
        [["dense", 6, "silu"], ["dense", 5, "gelu"], ["dense", 3, None]],
        "cross_entropy",
        {"label_smoothing": 0.1},
        "train",
        True,
    ),
    "softmax_link": (
        4,
        [["dense", 5, "softplus"], ["dense", 3, "softmax"]],
        "cross_entropy",
        {},
        "train",
        True,
    ),
    "sigmoid_link": (
        3,
        [["dense", 4, "gelu_tanh"], ["dense", 2, "sigmoid"]],
        "binary_cross_entropy",
        {},
        "train",
        False,
    ),
    "softmax_before_squares": (
        3,
        [["dense", 5, "mish"], ["dense", 4, "softmax"]],
        "mean_squared_error",
        {},
        "train",
        True,
    ),
    "log_softmax_before_huber": (
        3,
        [["dense", 5, "softsign"], ["dense", 4, None], ["activation", "log_softmax"]],
        "huber",
        {"delta": 0.5},
        "train",
        False,
    ),
    "every_activation": (
        3,
        [
            ["dense", 4, "elu"],
            ["dense", 4, "selu"],
            ["dense", 4, "leaky_relu"],
            ["dense", 4, "hard_tanh"],
            ["dense", 4, "hard_sigmoid"],
            ["dense", 4, "identity"],
            ["dense", 4, "softsign"],
            ["dense", 2, None],
        ],
        "half_sum_of_squares",
        {},
        "train",
        True,
    ),
    "batch_norm": (
        4,
        [
            ["dense", 5, None],
            ["batch_norm"],
            ["activation", "relu"],
            ["dense", 4, "tanh"],
            ["batch_norm"],
            ["dense", 2, None],
        ],
        "mean_squared_error",
        {},
        "train",
        False,
    ),
    "batch_norm_predict": (
        4,
        [
            ["dense", 5, None],
            ["batch_norm"],
            ["activation", "tanh"],
            ["dense", 2, None],
        ],
        "mean_absolute_error",
        {},
        "predict",
        True,
    ),
    "prelu": (
        3,
        [
            ["dense", 5, None],
            ["prelu"],
            ["dense", 4, None],
            ["prelu"],
            ["dense", 2, None],
        ],
        "huber",
        {},
        "train",
        False,
    ),
    "residual": (
        4,
        [
            ["dense", 5, "tanh"],
            ["residual", [["dense", 3, "relu"], ["dense", 5, None]]],
            ["residual", [["batch_norm"], ["dense", 5, "silu"]]],
            ["dense", 3, None],
        ],
        "cross_entropy",
        {},
        "train",
        False,
    ),
    "concat": (
        4,
        [
            ["concat", [["dense", 3, "tanh"], ["dense", 2, "sigmoid"]]],
            ["dense", 1, None],
        ],
        "mean_squared_error",
        {},
        "train",
        False,
    ),
    "nested": (
        3,
        [
            [
                "concat",
                [
                    ["chain", [["dense", 4, "tanh"], ["batch_norm"]]],
                    ["dense", 2, "gelu"],
                    ["chain", [["residual", [["dense", 3, "silu"]]], ["prelu"]]],
                    ["activation", "identity"],
                ],
            ],
            ["residual", [["concat", [["dense", 7, "elu"], ["dense", 5, "mish"]]]]],
            ["dense", 2, "sigmoid"],
        ],
        "binary_cross_entropy",
        {},
        "train",
        True,
    ),
}
LINKS = {"cross_entropy": "softmax", "binary_cross_entropy": "sigmoid"}


class Built(nn.Module):
    """A container of the list form: its modules by our names, each applied by kind."""

    def __init__(self, layers, inputs):
        super().__init__()
        self.parts = nn.ModuleDict()
        self.kinds = {}
        count = {}
        widths = []
        for layer in layers:
            kind = layer[0]
            count[kind] = count.get(kind, 0) + 1
            name = f"{kind}_{count[kind]}"
            self.parts[name], width = self.make(layer, inputs)
            self.kinds[name] = layer
            widths.append(width)
            inputs = self.next_inputs(inputs, width)
        self.widths = widths

    def next_inputs(self, inputs, width):
        return width

    @property
    def outputs(self):
        return self.widths[-1]

    @staticmethod
    def make(layer, inputs):
        """The PyTorch module of one layer, and the number of its outputs."""
        kind = layer[0]
        if kind == "dense":
            bias = len(layer) < 4 or layer[3]["bias"]
            return nn.Linear(inputs, layer[1], bias=bias), layer[1]
        if kind == "activation":
            return nn.Identity(), inputs
        if kind == "prelu":
            return nn.PReLU(num_parameters=inputs), inputs
        if kind == "batch_norm":
            return nn.BatchNorm1d(inputs, eps=1e-5, momentum=0.1), inputs
        body = (Branches if kind == "concat" else Built)(layer[1], inputs)
        return body, body.outputs

    def apply_part(self, name, x):
        layer, part = self.kinds[name], self.parts[name]
        if layer[0] == "dense":
            return CALLS[layer[2] or "identity"](part(x))
        if layer[0] == "activation":
            return CALLS[layer[1]](x)
        if layer[0] == "residual":
            return x + part(x)
        return part(x)

    def forward(self, x):
        for name in self.parts:
            x = self.apply_part(name, x)
        return x


class Branches(Built):
    """Every part on the same x, side by side."""

    def next_inputs(self, inputs, width):
        return inputs

    @property
    def outputs(self):
        return sum(self.widths)

    def forward(self, x):
        return torch.cat([self.apply_part(name, x) for name in self.parts], dim=1)


THEIR_NAMES = {  # (class, name in PyTorch): name here
    ("Linear", "weight"): "W",
    ("Linear", "bias"): "b",
    ("PReLU", "weight"): "slope",
    ("BatchNorm1d", "weight"): "scale",
    ("BatchNorm1d", "bias"): "shift",
    ("BatchNorm1d", "running_mean"): "mean",
    ("BatchNorm1d", "running_var"): "variance",
}


def named_tensors(network, which):
    """Our name -> tensor, in our layout, for "parameters", "gradients" or "state"."""
    found = {}
    for path, module in network.named_modules():
        place = ".".join(part for part in path.split(".") if part != "parts")
        items = (
            module.named_buffers(recurse=False)
            if which == "state"
            else module.named_parameters(recurse=False)
        )
        for name, tensor in items:
            ours = THEIR_NAMES.get((type(module).__name__, name))
            if ours is None:
                continue  # the count of batches that BatchNorm1d keeps
            value = tensor.grad if which == "gradients" else tensor
            value = value.detach().numpy().copy()
            # nn.Linear keeps (outputs, inputs)
            found[f"{place}.{ours}"] = np.ascontiguousarray(
                value.T if ours == "W" else value
            )
    return found


def without_link(layers, loss):
    """The same layers, ending in logits, and the link that was there (or None)."""
    *first, last = layers
    if last[0] == "dense" and LINKS.get(loss) == last[2]:
        return [*first, ["dense", last[1], None, *last[3:]]], last[2]
    return layers, None


def networks():
    cases = {}
    for number, (case, recipe) in enumerate(NETWORKS.items()):
        inputs, layers, loss, options, mode, weighted = recipe
        random = np.random.default_rng(200 + number)

        def numbers(*shape, random=random):
            return torch.tensor(np.round(random.normal(size=shape), 3))

        to_logits, link = without_link(layers, loss)
        network = Built(to_logits, inputs)
        with torch.no_grad():
            for name, tensor in network.state_dict(keep_vars=True).items():
                if name.endswith("num_batches_tracked"):
                    continue
                size = tensor.shape[1] ** -0.5 if tensor.ndim == 2 else 0.5
                tensor.copy_(torch.round(size * numbers(*tensor.shape), decimals=4))
                if name.endswith("running_var"):
                    tensor.copy_(tensor.abs() + 0.5)
        network.train(mode == "train")

        x = numbers(BATCH, inputs)
        outputs = network.outputs
        if loss == "cross_entropy":
            y = torch.tensor(random.integers(0, outputs, size=BATCH))
        elif loss == "binary_cross_entropy":
            y = torch.tensor(random.integers(0, 2, size=(BATCH, outputs))).double()
        else:
            y = numbers(BATCH, outputs)
        weight = torch.tensor([1, 0.5, 2, 0.25, 0, 1.5, 3]) if weighted else None

        parameters = named_tensors(network, "parameters")
        state = named_tensors(network, "state")
        z = network(x)
        value = batch_loss(loss, z, y, weight, options)
        value.backward()
        cases[case] = {
            "inputs": inputs,
            "layers": layers,
            "loss": loss,
            "options": options,
            "mode": mode,
            "x": x,
            "y": y,
            "sample_weight": weight,
            "parameters": parameters,
            "state": state,
            "outputs": z if link is None else CALLS[link](z),
            "value": value.item(),
            "gradients": named_tensors(network, "gradients"),
            "new_state": named_tensors(network, "state"),
        }
    return cases


# ------------------------------------------------------------------- optimizers

STEPS = 20
SIZES = (3, 10, 33)
OPTIMIZERS = {  # case: (optimizer, rate, options, options of every optimizer)
    "gradient_descent": ("gradient_descent", 0.1, {}, {}),
    "momentum": ("momentum", 0.05, {"momentum": 0.9}, {}),
    "nesterov": ("nesterov", 0.05, {"momentum": 0.9}, {}),
    "rmsprop": ("rmsprop", 0.01, {"rho": 0.99, "epsilon": 1e-8}, {}),
    "adam": ("adam", 0.01, {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}, {}),
    "adam_other": (
        "adam",
        0.02,
        {"beta1": 0.8, "beta2": 0.95, "epsilon": 1e-3},
        {},
    ),
    "adamw": (
        "adamw",
        0.02,
        {"decay": 0.01, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
        {},
    ),
    "adagrad": ("adagrad", 0.05, {"epsilon": 1e-10}, {}),
    "adagrad_other": ("adagrad", 0.1, {"epsilon": 1e-3}, {"l2": 0.1}),
    "amsgrad": ("amsgrad", 0.01, {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}, {}),
    "amsgrad_other": (
        "amsgrad",
        0.02,
        {"beta1": 0.5, "beta2": 0.6, "epsilon": 1e-3},
        {},
    ),
    "nadam": (
        "nadam",
        0.01,
        {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "warming": 4e-3},
        {},
    ),
    "nadam_other": (
        "nadam",
        0.02,
        {"beta1": 0.8, "beta2": 0.95, "epsilon": 1e-3, "warming": 0.1},
        {},
    ),
    "l2": ("gradient_descent", 0.1, {}, {"l2": 0.2}),
    "l1": ("gradient_descent", 0.1, {}, {"l1": 0.05}),
    "clip_norm": ("gradient_descent", 0.1, {}, {"clip_norm": 1.5}),
    "clip_value": ("gradient_descent", 0.1, {}, {"clip_value": 0.5}),
    "everything": (
        "adam",
        0.01,
        {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
        {"clip_value": 0.8, "clip_norm": 1.0, "l2": 0.1},
    ),
}


def torch_optimizer(name, w, rate, options, l2):
    betas = (options.get("beta1"), options.get("beta2"))
    epsilon = options.get("epsilon")
    if name == "gradient_descent":
        return torch.optim.SGD([w], lr=rate, weight_decay=l2)
    if name in ("momentum", "nesterov"):
        nesterov = name == "nesterov"
        mu = options["momentum"]
        return torch.optim.SGD(
            [w], lr=rate, momentum=mu, nesterov=nesterov, weight_decay=l2
        )
    if name == "rmsprop":
        rho = options["rho"]
        return torch.optim.RMSprop(
            [w], lr=rate, alpha=rho, eps=epsilon, weight_decay=l2
        )
    if name in ("adam", "amsgrad"):
        return torch.optim.Adam(
            [w],
            lr=rate,
            betas=betas,
            eps=epsilon,
            weight_decay=l2,
            amsgrad=name == "amsgrad",
        )
    if name == "adagrad":
        return torch.optim.Adagrad([w], lr=rate, eps=epsilon, weight_decay=l2)
    if name == "nadam":
        return torch.optim.NAdam(
            [w],
            lr=rate,
            betas=betas,
            eps=epsilon,
            momentum_decay=options["warming"],
        )
    decay = options["decay"]
    return torch.optim.AdamW([w], lr=rate, betas=betas, eps=epsilon, weight_decay=decay)


def optimizer_path(case, start, gradients, exact_clip):
    """The weights after each step. ``exact_clip``: our norm clipping, not PyTorch's."""
    name, rate, options, common = OPTIMIZERS[case]
    w = nn.Parameter(start.clone())
    optimizer = torch_optimizer(name, w, rate, options, common.get("l2", 0.0))
    path = []
    for gradient in gradients:
        w.grad = gradient.clone()
        if "clip_value" in common:
            nn.utils.clip_grad_value_([w], common["clip_value"])
        if "clip_norm" in common:
            limit = common["clip_norm"]
            if exact_clip:
                w.grad *= min(1.0, limit / w.grad.norm().item())
            else:  # the scale is limit / (norm + 1e-6)
                nn.utils.clip_grad_norm_([w], limit)
        if "l1" in common:
            w.grad += common["l1"] * torch.sign(w.detach())
        optimizer.step()
        path.append(w.detach().clone())
    return torch.stack(path)


def optimizers():
    cases = {}
    for size in SIZES:
        random = np.random.default_rng(300 + size)
        start = torch.tensor(np.round(random.normal(size=size), 3))
        scale = 10.0 ** random.uniform(-4, 0.5, size=size)
        gradients = scale * (0.3 + random.normal(size=(STEPS, size)))
        gradients[:, 1] = 0.0  # a weight that nothing moves
        gradients[3] = 0.0  # a step without any slope
        gradients = torch.tensor(np.round(gradients, 7))
        for case, (name, rate, options, common) in OPTIMIZERS.items():
            if "clip_norm" in common:
                gradients_here = gradients.clone()
                gradients_here[3] = gradients[2]  # 0 / 0 has no place in this check
            else:
                gradients_here = gradients
            path = optimizer_path(case, start, gradients_here, exact_clip=True)
            theirs = optimizer_path(case, start, gradients_here, exact_clip=False)
            same(path, theirs, relative=1e-5)
            if "clip_norm" not in common:
                assert torch.equal(path, theirs)
            cases[f"{case}_{size}"] = {
                "optimizer": name,
                "rate": rate,
                "options": options,
                "common": common,
                "start": start,
                "gradients": gradients_here,
                "path": path,
            }
    return cases


# -------------------------------------------------------------------- schedules


def schedules():
    schedulers = torch.optim.lr_scheduler
    total, rate = 30, 0.4

    def rates(make):
        optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=rate)
        scheduler = make(optimizer)
        seen = []
        for _ in range(total):
            seen.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            scheduler.step()
        return np.array(seen)

    def warmed(optimizer, steps, after):
        # LinearLR: start + (1 - start) step / total_iters = (step + 1) / steps
        first = schedulers.LinearLR(
            optimizer, start_factor=1 / steps, total_iters=steps - 1
        )
        return schedulers.SequentialLR(
            optimizer, [first, after(optimizer)], milestones=[steps]
        )

    makers = {  # case: (schedule, options, maker)
        "constant": (
            "constant",
            {},
            lambda o: schedulers.ConstantLR(o, factor=1.0),
        ),
        "step": (
            "step",
            {"factor": 0.5, "every": 7},
            lambda o: schedulers.StepLR(o, step_size=7, gamma=0.5),
        ),
        "exponential": (
            "exponential",
            {"factor": 0.93},
            lambda o: schedulers.ExponentialLR(o, gamma=0.93),
        ),
        "cosine": (
            "cosine",
            {},
            lambda o: schedulers.CosineAnnealingLR(o, T_max=total),
        ),
        "cosine_floor": (
            "cosine",
            {"floor": 0.05},
            lambda o: schedulers.CosineAnnealingLR(o, T_max=total, eta_min=0.05),
        ),
        "inverse_scaling": (
            "inverse_scaling",
            {"power": 0.7, "every": 4},
            lambda o: schedulers.LambdaLR(o, lambda s: (1 + s / 4) ** -0.7),
        ),
        "polynomial": (
            "polynomial",
            {"power": 2.0},
            lambda o: schedulers.PolynomialLR(o, total_iters=total, power=2.0),
        ),
        "cosine_restarts": (
            "cosine_restarts",
            {"length": 4, "growth": 2},
            lambda o: schedulers.CosineAnnealingWarmRestarts(o, T_0=4, T_mult=2),
        ),
        "cosine_restarts_alike": (
            "cosine_restarts",
            {"length": 7, "growth": 1, "floor": 0.05},
            lambda o: schedulers.CosineAnnealingWarmRestarts(o, T_0=7, eta_min=0.05),
        ),
        "one_cycle": (
            "one_cycle",
            {},
            lambda o: schedulers.OneCycleLR(
                o, max_lr=rate, total_steps=total, cycle_momentum=False
            ),
        ),
        "one_cycle_other": (
            "one_cycle",
            {"rise": 0.5, "first": 10, "last": 100},
            lambda o: schedulers.OneCycleLR(
                o,
                max_lr=rate,
                total_steps=total,
                pct_start=0.5,
                div_factor=10,
                final_div_factor=100,
                cycle_momentum=False,
            ),
        ),
    }
    cases = {
        case: {
            "schedule": schedule,
            "rate": rate,
            "total": total,
            "options": options,
            "warm_up": 0,
            "rates": rates(maker),
        }
        for case, (schedule, options, maker) in makers.items()
    }
    cases["warm_up_cosine"] = {
        "schedule": "cosine",
        "rate": rate,
        "total": total,
        "options": {},
        "warm_up": 5,
        "rates": rates(
            lambda o: warmed(
                o, 5, lambda o: schedulers.CosineAnnealingLR(o, T_max=total - 5)
            )
        ),
    }
    cases["warm_up_step"] = {
        "schedule": "step",
        "rate": rate,
        "total": total,
        "options": {"factor": 0.5, "every": 7},
        "warm_up": 4,
        "rates": rates(
            lambda o: warmed(
                o, 4, lambda o: schedulers.StepLR(o, step_size=7, gamma=0.5)
            )
        ),
    }
    return cases


def plateaus():
    """The rate of every epoch, given their losses; one more than there are losses."""
    cases = {}
    recipes = {  # case: (factor, patience, smallest, floor)
        "usual": (0.1, 3, 0.0, 0.0),
        "at_once": (0.5, 1, 0.0, 0.0),
        "threshold": (0.5, 2, 0.05, 0.0),
        "floor": (0.2, 2, 0.0, 0.01),
    }
    random = np.random.default_rng(400)
    losses = 1 / np.sqrt(1 + np.arange(40)) + 0.05 * random.normal(size=40)
    losses[20:] = np.round(losses[20:], 1)  # equal ones are not lower
    for case, (factor, patience, smallest, floor) in recipes.items():
        optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.4)
        scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
            optimizer,
            factor=factor,
            patience=patience - 1,  # it waits one epoch more
            threshold=smallest,
            threshold_mode="abs",
            min_lr=floor,
            eps=0,
        )
        rates = [optimizer.param_groups[0]["lr"]]
        for loss in losses:
            scheduler.step(loss)
            rates.append(optimizer.param_groups[0]["lr"])
        cases[case] = {
            "rate": 0.4,
            "factor": factor,
            "patience": patience,
            "smallest": smallest,
            "floor": floor,
            "losses": losses,
            "rates": np.array(rates),
        }
    return cases


if __name__ == "__main__":
    main()
