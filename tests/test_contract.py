"""Every registered part keeps the promises of its kind: existing is being tested.

Where the settings of a part all have defaults, nothing has to be written here. Where
they have not, or where other settings take another way through the code, SAMPLES has
further ones.
"""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pellucid import files, testing
from pellucid.activations import (
    ELU,
    GELU,
    Activation,
    LeakyReLU,
)
from pellucid.augmentations import (
    Augmentation,
    Cutout,
    Flip,
    Mixup,
    Noise,
    Rotate,
    Scale,
    Shift,
)
from pellucid.errors import DataError
from pellucid.initializers import Constant as Same
from pellucid.initializers import HeUniform, Initializer, Normal, Orthogonal, Uniform
from pellucid.layer import Layer
from pellucid.layers import (
    AveragePool1D,
    AveragePool2D,
    BatchNorm,
    Chain,
    Concat,
    Conv1D,
    Conv2D,
    ConvTranspose2D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    Embedding,
    FeatureScale,
    Flatten,
    GaussianNoise,
    GlobalAveragePool,
    GlobalMaxPool,
    GroupNorm,
    Input,
    LayerNorm,
    MaxPool1D,
    MaxPool2D,
    Pad,
    PReLU,
    Reshape,
    Residual,
    RMSNorm,
    Select,
    SeparableConv2D,
    SpatialDropout,
    UpSample,
)
from pellucid.losses import (
    BinaryFocal,
    CrossEntropy,
    EachMember,
    Focal,
    GaussianLikelihood,
    Huber,
    Loss,
    Quantile,
)
from pellucid.metrics import Metric
from pellucid.network import NeuralNetwork
from pellucid.optimizers import (
    AdaGrad,
    Adam,
    AdamW,
    AMSGrad,
    GradientDescent,
    Lion,
    Momentum,
    NAdam,
    Nesterov,
    Optimizer,
    RMSProp,
)
from pellucid.part import Part
from pellucid.schedules import (
    Constant,
    Cosine,
    CosineRestarts,
    Exponential,
    InverseScaling,
    LogCosine,
    OneCycle,
    Polynomial,
    ReduceOnPlateau,
    Schedule,
    Step,
    WarmUp,
)
from registers import ours

# Layers: what to try for inputs of some features, with the shape of one sample.
LAYERS: dict[str, Any] = {
    "average_pool1d": lambda n: [
        (AveragePool1D(), (4, n)),
        (AveragePool1D(3, 1, padding=((0, 2),)), (3, n)),
    ],
    "average_pool2d": lambda n: [
        (AveragePool2D(), (2, 5, n)),
        (AveragePool2D((2, 3), (2, 1), padding="same"), (3, 2, n)),
    ],
    "batch_norm": lambda n: [
        (BatchNorm(), n),
        (BatchNorm(0.5, 0.1), n),
        (BatchNorm(), (2, 1, n)),
        (BatchNorm(), (2, n)),
    ],
    "chain": lambda n: [(Chain([Dense(3, "tanh"), "relu", BatchNorm(), Dense(n)]), n)],
    "concat": lambda n: [
        (Concat([Dense(2, "selu"), "sigmoid", Chain([Dense(1), Dropout(0.3)])]), n),
        (Concat([Select("a"), Chain([Select("b"), Dense(2)])]), {"a": n, "b": 2}),
        (Concat([Flatten(), Flatten(name="again")]), (2, n)),
        (Concat([Conv2D(2, 3, padding="same"), "tanh"]), (2, 3, n)),
    ],
    "conv1d": lambda n: [
        (Conv1D(2, 3), (4, n)),
        (Conv1D(2, 2, "tanh", stride=2, padding="same", bias=False), (3, n)),
        (Conv1D(4, 2, padding=((2, 1),), dilation=2, groups=2), (2, 2 * n)),
    ],
    "conv2d": lambda n: [
        (Conv2D(2, 1), (1, 2, n)),
        (Conv2D(2, 3, "tanh", padding="same"), (3, 2, n)),
        (Conv2D(1, (2, 3), stride=(2, 1), padding=((0, 1), (2, 0))), (3, 2, n)),
        (Conv2D(4, 2, dilation=(1, 2), groups=2, bias=False), (2, 3, 2 * n)),
    ],
    "conv_transpose2d": lambda n: [
        (ConvTranspose2D(2, 3), (1, 2, n)),
        (ConvTranspose2D(1, 3, "tanh", stride=2, padding="same"), (2, 1, n)),
        (ConvTranspose2D(2, (2, 3), stride=3, padding=1, dilation=2), (1, 2, n)),
        (ConvTranspose2D(4, 2, groups=2, bias=False), (1, 2, 2 * n)),
    ],
    "dense": lambda n: [
        (Dense(1), n),
        (Dense(4, "sigmoid", bias=False), n),
        (Dense(3, "softmax", weight_init="orthogonal", bias_init=Same(0.1)), n),
        (Dense(2, LeakyReLU(0.3), name="last"), n),
    ],
    "depthwise_conv2d": lambda n: [
        (DepthwiseConv2D(2, "tanh"), (3, 2, n)),
        (DepthwiseConv2D(3, multiplier=2, stride=2, padding="same"), (2, 2, n)),
        (DepthwiseConv2D(2, padding=1, dilation=2, bias=False), (2, 1, n)),
    ],
    "dropout": lambda n: [(Dropout(), n), (Dropout(0.0), n), (Dropout(0.9), (2, n))],
    "flatten": lambda n: [(Flatten(), n), (Flatten(), (n, 2)), (Flatten(), (2, 1, n))],
    "embedding": lambda n: [
        (Embedding(n + 1, 2), Input(2, kind="integer")),
        (Embedding(2, n), Input((2, 1), kind="integer")),
    ],
    "gaussian_noise": lambda n: [
        (GaussianNoise(), n),
        (GaussianNoise(0.0), n),
        (GaussianNoise(2.0), (2, 1, n)),
    ],
    "global_average_pool": lambda n: [
        (GlobalAveragePool(), (2, 3, n)),
        (GlobalAveragePool(), (3, n)),
    ],
    "global_max_pool": lambda n: [
        (GlobalMaxPool(), (2, 3, n)),
        (GlobalMaxPool(), (3, n)),
    ],
    "group_norm": lambda n: [
        (GroupNorm(1), n + 1),
        (GroupNorm(2, 0.1), (2, 1, 2 * n)),
        (GroupNorm(n), (3, n)),
    ],
    "layer_norm": lambda n: [(LayerNorm(), n), (LayerNorm(0.1), (2, 1, n + 1))],
    "max_pool1d": lambda n: [
        (MaxPool1D(), (4, n)),
        (MaxPool1D(3, 1, padding=((0, 2),)), (3, n)),
    ],
    "max_pool2d": lambda n: [
        (MaxPool2D(), (2, 5, n)),
        (MaxPool2D((2, 3), (2, 1), padding="same"), (3, 2, n)),
        (MaxPool2D(2, 1, padding=1), (1, 2, n)),
    ],
    "pad": lambda n: [
        (Pad(), (1, 2, n)),
        (Pad(((0, 1), (2, 0))), (2, 1, n)),
        (Pad((2,)), (2, n)),
    ],
    "feature_scale": lambda n: [(FeatureScale(), n), (FeatureScale(7.0), (2, n))],
    "prelu": lambda n: [(PReLU(), n), (PReLU(0.1), (2, n)), (PReLU(), (2, 1, n))],
    "reshape": lambda n: [(Reshape((n, 2)), 2 * n), (Reshape(2 * n), (2, n))],
    "residual": lambda n: [
        (Residual([Dense(n, "gelu")]), n),
        (Residual([BatchNorm(), Dense(3, "relu"), Residual([PReLU()]), Dense(n)]), n),
        (Residual([Conv2D(n, 3, "tanh", padding="same"), BatchNorm()]), (2, 3, n)),
    ],
    "rmsnorm": lambda n: [(RMSNorm(), n), (RMSNorm(0.1), (2, 1, n))],
    "select": lambda n: [(Select("b"), {"a": 2, "b": n}), (Select("a"), {"a": (n, 2)})],
    "separable_conv2d": lambda n: [
        (SeparableConv2D(2, 2, "tanh"), (3, 2, n)),
        (SeparableConv2D(1, 3, multiplier=2, stride=2, padding="same"), (2, 2, n)),
        (SeparableConv2D(2, 2, padding=1, dilation=2, bias=False), (2, 1, n)),
    ],
    "spatial_dropout": lambda n: [
        (SpatialDropout(), (2, 3, n)),
        (SpatialDropout(0.3), (3, n)),
        (SpatialDropout(0.0), n),
    ],
    "up_sample": lambda n: [
        (UpSample(), (1, 2, n)),
        (UpSample((1, 3)), (2, 1, n)),
        (UpSample(3), (2, n)),
    ],
}

# Everything else: which settings to try.
SAMPLES: dict[str, list[Part]] = {
    # activations
    "elu": [ELU(), ELU(0.5)],
    "gelu": [GELU(), GELU(tanh=True)],
    "leaky_relu": [LeakyReLU(), LeakyReLU(0.3)],
    # losses
    "cross_entropy": [CrossEntropy(), CrossEntropy(label_smoothing=0.2)],
    "huber": [Huber(), Huber(0.3)],
    "quantile": [Quantile(0.5), Quantile(0.9)],
    "gaussian_likelihood": [GaussianLikelihood(), GaussianLikelihood(0.5)],
    "each_member": [
        EachMember("cross_entropy", 3),
        EachMember("binary_cross_entropy"),
        EachMember(Huber(0.5), 4),
        EachMember("gaussian_likelihood", 2),
    ],
    "focal": [Focal(), Focal(0), Focal(0.5)],
    "binary_focal": [BinaryFocal(), BinaryFocal(0.5)],
    # initializers
    "initializers.constant": [Same(0.1), Same(-2)],
    "he_uniform": [HeUniform(), HeUniform(gain=1.0)],
    "normal": [Normal(), Normal(1.0, 0.5)],
    "orthogonal": [Orthogonal(), Orthogonal(2.0)],
    "uniform": [Uniform(), Uniform(-1, 2)],
    # optimizers
    "gradient_descent": [
        GradientDescent(),
        GradientDescent(Cosine(0.1)),
        GradientDescent(0.1, l1=0.01),
        GradientDescent(0.1, l2=0.1),
        GradientDescent(0.1, decay=0.1),
        GradientDescent(0.1, clip_value=0.5),
        GradientDescent(0.1, clip_norm=0.5),
        GradientDescent(0.1, average=0.9),
    ],
    "momentum": [Momentum(), Momentum(0.1, 0.0, clip_norm=1e-3)],
    "nesterov": [Nesterov(), Nesterov(0.1, 0.5, l2=0.01)],
    "rmsprop": [RMSProp(), RMSProp(WarmUp(3, Exponential(0.01)), 0.9, 1e-3)],
    "adam": [
        Adam(),
        Adam(0.1, 0.5, 0.5, 1e-2),
        Adam(0.01, l1=0.1, l2=0.1, decay=0.1, clip_value=0.5, clip_norm=0.5),
    ],
    "adamw": [AdamW(), AdamW(0.01, decay=0.5, average=1)],
    "adagrad": [AdaGrad(), AdaGrad(0.1, 1e-3)],
    "amsgrad": [AMSGrad(), AMSGrad(0.1, 0.5, 0.5, l2=0.01)],
    "nadam": [NAdam(), NAdam(0.1, 0.5, 0.5, 1e-2, 0.1)],
    "lion": [Lion(), Lion(0.01, 0.5, 0.5, decay=0.1, average=0.99)],
    # augmentations
    "shift": [Shift(), Shift(0.0), Shift(1.0)],
    "flip": [Flip(), Flip("vertical", 1.0)],
    "rotate": [Rotate(), Rotate(0.0), Rotate(180.0)],
    "scale": [Scale(), Scale(0.9)],
    "noise": [Noise(5.0), Noise(0.0)],
    "cutout": [Cutout(), Cutout(1.0), Cutout(0.5, 0.5)],
    "mixup": [Mixup(), Mixup(1.0)],
    # schedules
    "schedules.constant": [Constant(0.1)],
    "step": [Step(0.1, every=7), Step(1, 2.0, 20)],
    "exponential": [Exponential(0.1), Exponential(0.1, 0.9)],
    "cosine": [Cosine(0.1), Cosine(0.1, floor=0.01)],
    "inverse_scaling": [InverseScaling(0.1), InverseScaling(1, 1, 50)],
    "polynomial": [Polynomial(0.1), Polynomial(0.1, 2.0, 0.01)],
    "log_cosine": [LogCosine(0.1), LogCosine(0.1, 2)],
    "cosine_restarts": [CosineRestarts(0.1), CosineRestarts(0.1, 7, 1, 0.01)],
    "one_cycle": [OneCycle(0.1), OneCycle(1, 0.5, 10, 100)],
    "reduce_on_plateau": [ReduceOnPlateau(0.1), ReduceOnPlateau(1, 0.5, 1, 0.1, 0.2)],
    "warm_up": [WarmUp(5, Constant(0.1)), WarmUp(200, Cosine(0.1)), WarmUp(1, Step(1))],
}


def samples(kind):
    """Return parts of a kind to try: from SAMPLES, or as its defaults make it."""
    home = f"{kind.__module__.rpartition('.')[2]}.{kind.label}"
    found = SAMPLES.get(home, SAMPLES.get(kind.label, []))
    if found:
        assert all(type(part) is kind for part in found)
        return found
    try:
        return [kind()]
    except TypeError:
        pytest.fail(
            f"{kind.__name__} needs settings: add some under {kind.label!r} to SAMPLES "
            f"in {__file__}"
        )


def layer_samples(kind, features):
    """Return layers of a kind with input shapes: from LAYERS, or the defaults."""
    if kind.label in LAYERS:
        found = LAYERS[kind.label](features)
        assert all(type(layer) is kind for layer, _ in found)
        return found
    try:
        layer = kind()
        NeuralNetwork([layer], loss="sum_of_squares", input_shape=features)
    except (TypeError, ValueError):
        pytest.fail(
            f"{kind.__name__}() takes no rows of numbers without settings: add layers "
            f"and input shapes under {kind.label!r} to LAYERS in {__file__}"
        )
    return [(layer, features)]


LAYER_KINDS = {n: k for n, k in ours(Layer).items() if n not in ours(Activation)}
FEW = settings(max_examples=settings.default.max_examples // 2)


def test_there_is_something_to_test():
    families = (Layer, Activation, Loss, Initializer, Optimizer, Schedule, Metric)
    families += (Augmentation,)
    counts = [len(ours(family)) for family in families]
    assert counts >= [45, 17, 15, 12, 10, 10, 11, 7]
    assert LAYERS.keys() <= LAYER_KINDS.keys()
    known = {kind.label for family in families for kind in ours(family).values()}
    assert {name.rpartition(".")[2] for name in SAMPLES} <= known


@pytest.mark.parametrize("name", LAYER_KINDS)
@given(rows=st.integers(1, 7), features=st.integers(1, 6))
@FEW
def test_layer(name, rows, features):
    for layer, shape in layer_samples(LAYER_KINDS[name], features):
        enough = max(rows, 3) if takes_statistics(layer) else rows
        testing.check_layer(layer, shape, rows=enough, seed=rows)


def takes_statistics(layer):
    return layer.batch_statistics or any(map(takes_statistics, layer.inner))


@pytest.mark.parametrize("name", ours(Activation))
@given(seed=st.integers(0, 99))
@FEW
def test_activation(name, seed):
    for activation in samples(ours(Activation)[name]):
        testing.check_activation(activation, seed=seed)


@pytest.mark.parametrize("name", ours(Activation))
def test_an_activation_is_a_layer_for_any_shape(name):
    for activation in samples(ours(Activation)[name]):
        testing.check_layer(activation, (2, 3), rows=2)
        least = 2 if name in ("softmax", "log_softmax") else 1
        testing.check_layer(activation, least, rows=1)


@pytest.mark.parametrize("name", ours(Loss))
@given(rows=st.integers(1, 7), outputs=st.integers(1, 6))
@FEW
def test_loss(name, rows, outputs):
    for loss in samples(ours(Loss)[name]):
        enough = max(outputs, 2) if loss.task == "classes" else outputs
        enough *= loss.per_target
        testing.check_loss(loss, enough, rows=rows, seed=outputs)


@pytest.mark.parametrize("name", ours(Optimizer))
@given(seed=st.integers(0, 99))
@FEW
def test_optimizer(name, seed):
    for optimizer in samples(ours(Optimizer)[name]):
        testing.check_optimizer(optimizer, seed=seed)


@pytest.mark.parametrize("name", ours(Initializer))
@given(seed=st.integers(-5, 5))
@FEW
def test_initializer(name, seed):
    for initializer in samples(ours(Initializer)[name]):
        testing.check_initializer(initializer, seed=seed)


@pytest.mark.parametrize("name", ours(Schedule))
@given(total=st.integers(1, 60))
@FEW
def test_schedule(name, total):
    for schedule in samples(ours(Schedule)[name]):
        testing.check_schedule(schedule, total=total)


@pytest.mark.parametrize("name", ours(Metric))
@given(rows=st.integers(5, 30), seed=st.integers(0, 99))
@FEW
def test_metric(name, rows, seed):
    for metric in samples(ours(Metric)[name]):
        testing.check_metric(metric, rows=rows, seed=seed)


@pytest.mark.parametrize("name", ours(Augmentation))
@given(height=st.integers(1, 9), width=st.integers(1, 9), seed=st.integers(0, 99))
@FEW
def test_augmentation(name, height, width, seed):
    for augmentation in samples(ours(Augmentation)[name]):
        testing.check_augmentation(augmentation, shape=(height, width, 2), seed=seed)


def test_a_part_without_a_sample_is_told_where_to_add_it():
    class Needy(Initializer, abstract=True):
        value: float

    class Odd(Layer, abstract=True):
        def slots(self, shape):
            raise DataError("no")

    with pytest.raises(
        pytest.fail.Exception, match=r"'needy' to SAMPLES in .*contract"
    ):
        samples(Needy)
    with pytest.raises(pytest.fail.Exception, match=r"'odd' to LAYERS in .*contract"):
        layer_samples(Odd, 3)


def test_statistics_need_two_rows():
    network = NeuralNetwork([BatchNorm()], loss="sum_of_squares", input_shape=2)
    with pytest.raises(DataError, match="at least two rows"):
        network.backprop([[1.0, 2.0]], [[0.0, 0.0]])
    loss, gradients = network.backprop([[1.0, 2.0], [3.0, 2.0]], np.zeros((2, 2)))
    assert np.isfinite([loss, *gradients.vector]).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_network_of_everything_is_kept_in_a_file(tmp_path, dtype):
    layers = [Dense(4, "relu", name="first"), BatchNorm()]
    layers += [kind() for kind in ours(Activation).values()]
    layers += [Concat([Dense(2), Residual([PReLU(), Dropout()])]), Dense(3)]
    network = NeuralNetwork(layers, loss="cross_entropy", input_shape=5, dtype=dtype)
    network.save(tmp_path / "all.pellucid")
    loaded = files.load(tmp_path / "all.pellucid")
    x = np.linspace(-2, 2, 15).reshape(3, 5)
    assert loaded.layers == network.layers
    assert loaded.feedforward(x).tobytes() == network.feedforward(x).tobytes()
