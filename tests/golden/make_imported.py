"""Make the golden data of networks of PyTorch, Keras and ONNX files.

Run it from the root of the repository, in an environment of its own::

    python -m venv ../peers
    ../peers/bin/pip install torch==2.13.0 keras==3.15.1 jax==0.10.2 onnx numpy
    PYTHONPATH=src ../peers/bin/python tests/golden/make_imported.py

For each network it keeps every attribute of the layers that pellucid's importers look
at, some inputs, and what the library predicts in float32 and in float64. Before that it
compares pellucid's predictions with those of the real objects.
"""

import io
import os
import warnings

# With its PyTorch backend Keras computes some float64 layers in float32.
os.environ |= {"KERAS_BACKEND": "jax", "JAX_ENABLE_X64": "1", "JAX_PLATFORMS": "cpu"}

import keras
import numpy as np
import torch
from keras import layers as k
from make_golden import save
from torch import nn

from pellucid.importers.keras import from_keras
from pellucid.importers.onnx import from_onnx
from pellucid.importers.torch import from_torch

# make_golden.py sets float64 for its own networks.
torch.set_default_dtype(torch.float32)
# Some layers of Keras compute with float32 constants in float64, too.
TOLERANCE = {"float32": 1e-5, "float64": 1e-6}


def main():
    torch.manual_seed(0)
    cases = {}
    for name, made in of_torch().items():
        if name != "branches":  # no Sequential, so only in an ONNX file
            cases[f"torch {name}"] = torch_case(*made)
    for name in of_keras():
        cases[f"keras {name}"] = keras_case(name)
    for name in ("dense", "images", "branches"):
        cases[f"onnx {name}"] = onnx_case(*of_torch()[name])
    save("imported", cases)


# -- the networks ----------------------------------------------------------------------


class Branches(nn.Module):
    """What a Sequential cannot do: something around a block, and two side by side."""

    def __init__(self):
        super().__init__()
        self.inside = nn.Conv2d(4, 4, 3, padding=1)
        self.normal = nn.BatchNorm2d(4)
        self.beside = nn.Conv2d(4, 2, 1)

    def forward(self, x):
        x = x + torch.relu(self.normal(self.inside(x)))
        return torch.cat([self.beside(x), nn.functional.gelu(x)], 1)


def of_torch():
    """Networks with the shape of one sample, channels last; None where it is told."""
    return {
        "dense": (
            nn.Sequential(
                *(nn.Linear(5, 7), nn.ReLU(), nn.BatchNorm1d(7), nn.Dropout()),
                *(nn.Linear(7, 6), nn.LeakyReLU(0.2)),
                nn.Sequential(nn.Linear(6, 4), nn.GELU(approximate="tanh")),
                *(nn.LayerNorm(4), nn.Linear(4, 3, bias=False), nn.Softmax(dim=1)),
            ),
            None,
        ),
        "images": (
            nn.Sequential(
                *(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(4)),
                *(nn.MaxPool2d(2), nn.PReLU(4), nn.Dropout2d()),
                nn.Conv2d(4, 6, 3, stride=2, padding=(1, 2), groups=2),
                *(nn.AvgPool2d(2, 1, padding=1), nn.Flatten(), nn.BatchNorm1d(72)),
                *(nn.Tanh(), nn.Linear(72, 5), nn.LogSoftmax(-1)),
            ),
            (8, 6, 3),
        ),
        "decoder": (
            nn.Sequential(
                *(nn.Linear(4, 24), nn.ReLU(), nn.Unflatten(1, (6, 2, 2))),
                nn.ConvTranspose2d(6, 4, 3, stride=2, padding=1, output_padding=1),
                *(nn.SiLU(), nn.Upsample(scale_factor=2), nn.ZeroPad2d((1, 2, 0, 1))),
                *(nn.InstanceNorm2d(4), nn.GroupNorm(2, 4), nn.Hardtanh()),
                nn.ConvTranspose2d(4, 2, (2, 3), groups=2, dilation=2),
                nn.Sigmoid(),
            ),
            None,
        ),
        "pooled": (
            nn.Sequential(
                *(nn.Conv2d(2, 4, 2, padding="same"), nn.Mish()),
                *(nn.AdaptiveAvgPool2d((3, 2)), nn.ELU(0.7), nn.AdaptiveMaxPool2d(1)),
                *(nn.Conv2d(4, 3, 1), nn.Hardsigmoid(), nn.AdaptiveAvgPool2d(1)),
                *(nn.Flatten(), nn.Linear(3, 2)),
            ),
            (6, 4, 2),
        ),
        "sequences": (
            nn.Sequential(
                *(nn.Conv1d(2, 4, 3, padding=1), nn.Softplus(), nn.BatchNorm1d(4)),
                *(nn.MaxPool1d(2), nn.Conv1d(4, 4, 2, stride=2, groups=4)),
                *(nn.Softsign(), nn.Flatten(), nn.Linear(8, 2), nn.SELU()),
            ),
            (8, 2),
        ),
        "words": (
            nn.Sequential(
                *(nn.Embedding(6, 3), nn.RMSNorm(3, 1e-6), nn.Linear(3, 4)),
                *(nn.Identity(), nn.Flatten(), nn.Linear(8, 2), nn.Sigmoid()),
            ),
            2,
        ),
        "branches": (
            nn.Sequential(
                *(nn.Conv2d(3, 4, 3, padding=1), Branches(), nn.SiLU()),
                *(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 3)),
            ),
            (4, 5, 3),
        ),
    }


def of_keras():
    return {
        "dense": [
            *(k.Input((5,)), k.Dense(7, "relu"), k.BatchNormalization()),
            *(k.Dropout(0.3), k.Dense(6, "gelu"), k.LeakyReLU(0.2)),
            *(k.Dense(5, "hard_sigmoid", use_bias=False), k.LayerNormalization()),
            *(k.Dense(4), k.ELU(), k.Dense(4, "leaky_relu"), k.PReLU(), k.ReLU()),
            *(k.GaussianNoise(0.1), k.Dense(3, "softmax")),
        ],
        "images": [
            *(k.Input((9, 7, 3)), k.Rescaling(1 / 4, offset=0.1)),
            k.Conv2D(4, 3, strides=2, padding="same", activation="relu"),
            *(k.BatchNormalization(), k.MaxPooling2D(2, padding="same")),
            k.DepthwiseConv2D(2, depth_multiplier=2, padding="same", activation="silu"),
            *(k.SeparableConv2D(6, (2, 1), activation="mish"), k.SpatialDropout2D(0.2)),
            *(k.GroupNormalization(3), k.AveragePooling2D(3, 1, padding="same")),
            *(k.ZeroPadding2D(((1, 0), (0, 2))), k.UpSampling2D((2, 1))),
            *(k.Flatten(), k.Dense(2, "sigmoid")),
        ],
        "decoder": [
            *(k.Input((4,)), k.Dense(24, "softplus"), k.Reshape((2, -1, 3))),
            k.Conv2DTranspose(4, 3, strides=2, padding="same", activation="selu"),
            k.Conv2DTranspose(3, 2, strides=2, activation="tanh"),
            *(k.Conv2D(4, 3, dilation_rate=2), k.Softmax()),
            *(k.GlobalAveragePooling2D(), k.Activation("softsign")),
        ],
        "sequences": [
            k.Input((8, 2)),
            k.Conv1D(4, 3, padding="causal", dilation_rate=2, activation="elu"),
            *(k.MaxPooling1D(2), k.Dense(3, "exponential"), k.ZeroPadding1D(1)),
            *(k.UpSampling1D(2), k.AveragePooling1D(3, 2, padding="same")),
            k.Conv1D(3, 2, strides=2, padding="same"),
            *(k.GlobalMaxPooling1D(), k.Dense(1)),
        ],
        "words": [
            *(k.Input((3,), dtype="int32"), k.Embedding(6, 4), k.RMSNormalization()),
            *(k.Flatten(), k.Dense(2, "log_softmax")),
        ],
    }


# -- what the importers look at --------------------------------------------------------


class Recorder:
    """Stands before a layer and keeps every attribute that somebody asks for."""

    def __init__(self, layer, kept):
        self.__dict__.update(_layer=layer, _kept=kept)

    def __getattr__(self, name):
        value = getattr(self._layer, name)
        if name not in ("_modules", "layers"):
            self._kept["attributes"][name] = plain(value)
            return value
        named = value if name == "_modules" else dict(enumerate(value))
        children = {
            str(key): recorded(child, self._kept["children"])
            for key, child in zip(named, named.values(), strict=True)
        }
        return children if name == "_modules" else list(children.values())


def recorded(layer, among):
    name = type(layer).__name__
    kept = among.setdefault(str(len(among)), {"class": name})
    kept.update(attributes={}, children={})
    return type(name, (Recorder,), {})(layer, kept)


def plain(value):
    """An attribute as it can be kept."""
    if hasattr(value, "detach"):
        return value.detach().cpu().numpy()
    if hasattr(value, "numpy"):
        return np.asarray(keras.ops.convert_to_numpy(value))
    if callable(value):
        points = np.array([-1.0, 1.0], np.float32)
        values = keras.ops.convert_to_numpy(value(points)).tolist()
        return {"function": value.__name__, "values": values}
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    assert value is None or isinstance(value, str | bool | int | float), value
    return value


# -- cases -----------------------------------------------------------------------------


def compare(network, x, wanted):
    found = network.feedforward(x)
    assert found.shape == wanted.shape
    assert found.dtype == wanted.dtype, (found.dtype, wanted.dtype)
    apart = np.abs(found - wanted).max() / np.abs(wanted).max()
    assert apart < TOLERANCE[str(wanted.dtype)], apart


def some(network):
    """Inputs, channels last, that are float32 numbers."""
    r = np.random.default_rng(0)
    given = network.blueprint.inputs
    if given.kind == "integer":
        return r.integers(0, 6, (5, *given.shape))
    return r.normal(size=(5, *given.shape)).astype(np.float32)


def predicted(module, x):
    """What PyTorch says, channels last on both sides."""
    whole = x.dtype.kind == "i"
    given = torch.tensor(x if whole else np.moveaxis(x, -1, 1))
    y = module(given).detach().numpy()
    return np.moveaxis(y, 1, -1).copy()


def in_use(module):
    """A network with running statistics as training might leave them."""
    for part in module.modules():
        if getattr(part, "running_mean", None) is not None:
            part.running_mean.normal_()
            part.running_var.uniform_(0.3, 2.0)
    return module.eval()


def torch_case(module, shape):
    module, among = in_use(module), {}
    network = from_torch(recorded(module, among), input_shape=shape)
    x = some(network)
    single = predicted(module, x)
    compare(from_torch(module, input_shape=shape), x, single)
    double = module.double()
    wide = x if x.dtype.kind == "i" else x.astype(np.float64)
    exact = predicted(double, wide)
    compare(from_torch(double, input_shape=shape), wide, exact)
    found = {"model": among["0"], "input_shape": shape, "x": x}
    return found | {"loss": network.loss.label, "float32": single, "float64": exact}


def keras_case(name):
    results, weights, found = {}, None, {}
    for dtype in ("float32", "float64"):
        keras.utils.set_random_seed(0)
        keras.config.set_dtype_policy(dtype)
        model = keras.Sequential(of_keras()[name])
        if weights is None:
            r = np.random.default_rng(0)
            weights = [
                (w + r.uniform(0.05, 0.3, w.shape)).astype(np.float32)
                for w in model.get_weights()
            ]
        model.set_weights(weights)
        among = {}
        network = from_keras(recorded(model, among))
        x = found.get("x", some(network))
        wide = x if x.dtype.kind == "i" else x.astype(dtype)
        y = keras.ops.convert_to_numpy(model(wide, training=False)).astype(dtype)
        results[dtype] = y
        compare(from_keras(model), wide, y)
        if not found:
            found = {"model": among["0"], "input_shape": None, "x": x}
            found["loss"] = network.loss.label
    return found | results


def onnx_case(module, shape):
    module = in_use(module)
    sizes = shape or (module[0].in_features,)
    theirs = (1, sizes[-1], *sizes[:-1])
    file = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            (torch.zeros(theirs),),
            file,
            dynamo=False,
            input_names=["x"],
            dynamic_axes={"x": {0: "n"}},
        )
    network = from_onnx(file.getvalue())
    x = some(network)
    y = predicted(module, x)
    compare(network, x, y)
    data = np.frombuffer(file.getvalue(), np.uint8)
    return {"file": data, "x": x, "loss": network.loss.label, "float32": y}


if __name__ == "__main__":
    main()
