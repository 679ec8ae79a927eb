"""Everything that cannot work is refused by a message that helps."""

import math

import numpy as np
import pandas as pd
import pytest

import pellucid
from pellucid import (
    Adam,
    BatchNorm,
    Chain,
    Concat,
    ConfigurationError,
    CrossEntropy,
    DataError,
    Dense,
    Dropout,
    Flatten,
    GradientDescent,
    Huber,
    Input,
    Layer,
    LeakyReLU,
    ModelFileError,
    Momentum,
    NeuralNetwork,
    Neuron,
    NonFiniteError,
    NotBuiltError,
    Optimizer,
    PellucidError,
    PReLU,
    Reshape,
    Residual,
    Select,
    ShapeError,
    SymbolError,
    WarmUp,
)
from pellucid.activations import ELU, GELU, Activation
from pellucid.errors import suggestion
from pellucid.initializers import Initializer, Normal, Uniform
from pellucid.losses import Loss
from pellucid.metrics import Metric
from pellucid.optimizers import RMSProp
from pellucid.schedules import Constant, Cosine, Exponential, Schedule, Step

X, Y = np.arange(24.0).reshape(8, 3) / 24, np.arange(8) % 3


def network(*layers, loss="cross_entropy", **settings):
    return NeuralNetwork(layers or [Dense(3)], loss=loss, **settings)


def test_every_error_is_one_of_ours():
    kinds = [
        *(ConfigurationError, DataError, ModelFileError, NonFiniteError),
        *(NotBuiltError, ShapeError, SymbolError),
    ]
    assert all(issubclass(kind, PellucidError) for kind in kinds)
    assert issubclass(DataError, ValueError)
    assert issubclass(ShapeError, DataError)
    assert issubclass(NotBuiltError, AttributeError)


def test_suggestions():
    known = ["sigmoid", "tanh", "dense_1.W", "dense_1.b"]
    assert suggestion("sigmoidd", known) == "Did you mean 'sigmoid'?"
    assert suggestion("Sigmoid", known) == "Did you mean 'sigmoid'?"
    assert suggestion("DENSE_1.w", known) == "Did you mean 'dense_1.W'?"
    assert suggestion("softmax", ["b", "a"]) == "Known names: a, b."
    assert suggestion(3, ["b", "a"]) == "Known names: a, b."


# -- shapes that do not fit ------------------------------------------------------------


@pytest.mark.parametrize(
    ("layers", "shape", "message"),
    [
        (
            [Dense(3)],
            (4, 5),
            r"Layer 'dense_1' Dense\(3\): .*has shape \(n, 4, 5\)\. Put Flatten\(\)",
        ),
        (
            [Chain([Dense(2)]), Dense(3)],
            (4, 5),
            r"Layer 'chain_1.dense_1' Dense\(2\): .*has shape \(n, 4, 5\)",
        ),
        (
            [Residual([Dense(4), Dense(5, name="last")]), Dense(3)],
            6,
            r"'residual_1'.*input of shape \(n, 6\).*shape \(n, 5\): .*give 6 outputs",
        ),
        (
            [Concat([Dense(3), Reshape((3, 2))]), Flatten(), Dense(3)],
            6,
            r"'concat_1'.*differ in more than the last axis: \(n, 3\), \(n, 3, 2\)",
        ),
        (
            [Reshape((2, 2)), Flatten(), Dense(3)],
            5,
            r"'reshape_1' Resh.*shape \(5,\) has 5 numbers; shape \(2, 2\) holds 4",
        ),
        ([Reshape((3, 2))], 6, r"two or more outputs; it has shape \(n, 3, 2\)"),
        (
            [Dense(1)],
            6,
            r"two or more outputs; it has shape \(n, 1\).*binary_cross_entr",
        ),
        ([PReLU()], {"a": 2}, r"'prelu_1'.*choose it with Select\(name\)"),
        ([Select("a")], {"a": 2, "b": 3}, None),
        ([Select("c")], {"a": 2, "b": 3}, r"'select_1'.*no input 'c'; .*\['a', 'b'\]"),
    ],
)
def test_layers_that_do_not_fit(layers, shape, message):
    net = network(*layers)
    if message is None:
        assert net.build(shape)
        return
    with pytest.raises((ShapeError, ConfigurationError), match=message):
        net.build(shape)
    example = shape if isinstance(shape, dict) else (shape,)
    if isinstance(example, tuple):
        with pytest.raises((ShapeError, ConfigurationError), match=message):
            net.feedforward(np.ones((2, *np.ravel(shape))))


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (X[:, :2], Y, r"x has shape \(8, 2\), but the network takes \(n, 3\): hand in"),
        (X.T, Y, r"x has shape \(3, 8\), .*perhaps the array must be transposed"),
        (X, Y[:5], "x has 8 samples, y has 5: each row needs a target"),
        (X, np.ones((8, 2)), r"y has shape \(8, 2\); expected one class a sample"),
        (X, 1, "y is the single value 1; expected one for each sample"),
        ([[1, 2, 3], [1, 2]], Y, r"x is ragged.*row 0 has 3, row 1 has 2"),
        (X[0], Y, r"x is one sample of shape \(3\)"),
    ],
)
def test_data_that_do_not_fit(x, y, message):
    for ask in ("fit", "partial_fit", "evaluate", "backprop", "check_gradients"):
        with pytest.raises(ShapeError, match=message):
            getattr(network(input_shape=3), ask)(x, y)


# -- data ------------------------------------------------------------------------------

BAD = X.copy()
BAD[4, 2] = np.nan


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        (BAD, Y, "x has NaN at row 4, column 2: fill the gaps or leave the rows out"),
        (
            BAD - np.inf,
            Y,
            "x has an infinity at row 0, column 0; 24 such values in all",
        ),
        (pd.DataFrame(BAD, columns=list("uvw")), Y, r"row 4, column 2 \('w'\)"),
        (
            X * 1e300,
            Y,
            "too large for float32: standardize the data, or use dtype='flo",
        ),
        (X, [*Y[:-1], np.nan], "y has NaN at row 7"),
        (X.astype(str), Y, "x holds texts .*turn each text into a number or into 0/1"),
        (X[:0], Y[:0], "x has no rows: there is nothing to learn from"),
        (None, Y, "x is missing: got None"),
        (X, None, "y is missing: got None"),
        (
            X,
            X[:, 1],
            "classes are whole numbers or texts. For targets that are measurem",
        ),
        (X, np.arange(8), r"y has 8 classes .* has outputs for 3: make .* Dense\(8\)"),
        (X, [*"abababa", None], "y has gaps among its texts"),
        (X, [*"abababa", 1], "y mixes texts with int"),
        (X, Y * 1j, "y holds complex128; classes are whole numbers or texts"),
    ],
)
def test_data_that_cannot_be(x, y, message):
    for ask in ("fit", "partial_fit", "evaluate", "backprop", "check_gradients"):
        with pytest.raises(DataError, match=message):
            getattr(network(input_shape=3), ask)(x, y)


def test_predictions_of_data_that_cannot_be():
    net = network(input_shape=3)
    for ask in (net.feedforward, net.predict, net.predict_proba, net.activations):
        with pytest.raises(DataError, match="x has NaN at row 4, column 2"):
            ask(BAD)
        with pytest.raises(ShapeError, match=r"takes \(n, 3\)"):
            ask(X[:, :2])


def test_a_single_class():
    with pytest.raises(
        DataError, match="y has a single class, 1: there is nothing to te"
    ):
        network().fit(X, np.ones(8, dtype=int))
    with pytest.raises(DataError, match="y has a single class, 'b'"):
        network(Dense(1), loss="binary_cross_entropy").fit(X, ["b"] * 8)


def test_validation_data_are_named():
    net = network()
    for validation, message in [
        ((X[:, :2], Y), r"Validation data: x has shape \(8, 2\)"),
        ((X, Y[:3]), "Validation data: x has 8 samples, y has 3"),
        ((BAD, Y), "Validation data: x has NaN at row 4, column 2"),
        ((X, Y + 1), "Validation data: y has the class 3 at row 2"),
        ((X, Y, -X[:, 1]), "Validation data: sample_weight has -"),
    ]:
        with pytest.raises(DataError, match=message):
            net.fit(X, Y, validation=validation)


@pytest.mark.parametrize(
    ("validation", "message"),
    [
        (0.0, r"validation as a share in \(0, 1\) or as data \(x, y\), got 0\.0"),
        (1, r"validation as a share in \(0, 1\) or as data \(x, y\), got 1\.0"),
        (math.nan, r"validation as a share in \(0, 1\) or as data \(x, y\), got nan"),
        (True, r"as \(x, y, sample_weight\); got bool"),
        ("half", r"as \(x, y, sample_weight\); got str"),
        ((X,), r"as \(x, y, sample_weight\); got tuple"),
        (X, r"as \(x, y, sample_weight\); got ndarray"),
    ],
)
def test_validation_that_cannot_be(validation, message):
    with pytest.raises(ConfigurationError, match=message):
        network().fit(X, Y, validation=validation)


def test_one_row_cannot_be_divided():
    net = network(Dense(1), loss="huber")
    with pytest.raises(
        DataError, match="One row cannot be divided into training and val"
    ):
        net.fit(X[:1], [1.0], validation=0.5)
    assert net.fit(X[:5], [1.0, 2, 3, 4, 5], validation=0.4, epochs=1).epochs == 1


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 0}, "Expected epochs >= 1, got 0"),
        ({"epochs": True}, "Expected epochs >= 1, got True"),
        ({"iterations": 2.5}, r"Expected iterations >= 1, got 2\.5"),
        ({"epochs": 1, "iterations": 1}, "Give epochs or iterations, not both"),
        ({"batch_size": 0}, r"batch_size .* at least 1, got 0; .*batch_size=len\(x\)"),
        (
            {"batch_size": "all"},
            "batch_size to be a number of rows of at least 1, got 'a",
        ),
        ({"shuffle": 1}, "Expected shuffle True or False, got 1"),
        ({"optimizer": "adan"}, "optimizer named 'adan'. Did you mean 'adam'"),
        ({"optimizer": Adam}, r"Got the class Adam as optimizer: write Adam\(\.\.\.\)"),
        ({"optimizer": 0.1}, r"object of class Optimizer as optimizer, got 0\.1"),
        ({"early_stopping": "soon"}, "patience to be a number of epochs, got 'soon'"),
    ],
)
def test_settings_of_fit_that_cannot_be(settings, message):
    with pytest.raises(ConfigurationError, match=message):
        network().fit(X, Y, **settings)


@pytest.mark.parametrize("patterns", [("*",), ("dense_1", "dense_2")])
def test_training_of_what_is_frozen(patterns):
    net = network(Dense(4), Dense(3), input_shape=3).freeze(*patterns)
    for ask in (net.fit, net.partial_fit):
        with pytest.raises(
            ConfigurationError, match=r"All 31 parameters are frozen.*net\.unfreeze\(\)"
        ):
            ask(X, Y)
    assert net.training is None
    net.unfreeze(patterns[-1])
    assert net.fit(X, Y, epochs=1).epochs == 1


def test_running_state_may_be_all_that_is_trained():
    net = network(BatchNorm(), Dense(3), input_shape=3).freeze("*")
    before = net.weights.copy()
    net.fit(X, Y, epochs=1)
    size = net.parameters.vector.size
    assert (net.weights[:size] == before[:size]).all()
    assert (net.weights[size:] != before[size:]).any()


# -- whole numbers, and outputs that cannot change -------------------------------------


@pytest.mark.parametrize(
    "layers",
    [[Dense(3)], ["tanh", Dense(3)], [BatchNorm(), Dense(3)], [Flatten(), Dense(3)]],
)
def test_whole_numbers_that_stand_for_choices(layers):
    with pytest.raises(ConfigurationError) as told:
        network(*layers, input_shape=Input(5, kind="integer"))
    assert "are whole numbers that stand for choices" in str(told.value)
    assert "put Embedding(count, units) before it, or leave out kind=" in str(
        told.value
    )


def test_a_layer_of_ones_own_says_what_is_wrong_with_whole_numbers():
    class Half(Layer, abstract=True):
        def forward(self, x, p, memo):
            return x * 0.5

    with pytest.raises(
        SymbolError, match=r"whole-number array.*\.astype\(memo\.dtype\)"
    ):
        network(Half(), Dense(3), input_shape=Input(5, kind="integer"))


@pytest.mark.parametrize(
    ("layers", "path", "always"),
    [
        ([Dense(1, "softmax")], "dense_1", 1),
        ([Dense(1), "log_softmax"], "log_softmax_1", 0),
        ([Chain([Dense(1, "softmax")]), Dense(2)], "chain_1.dense_1", 1),
    ],
)
def test_softmax_of_one_output(layers, path, always):
    with pytest.raises(ConfigurationError) as told:
        network(*layers, loss="mean_squared_error", input_shape=3)
    assert str(told.value).startswith(f"Layer '{path}' ")
    assert f"of a single number is always {always}: nothing can be" in str(told.value)
    assert network(Dense(2, "softmax"), loss="mean_squared_error", input_shape=3)


# -- an activation that contradicts the loss -------------------------------------------


@pytest.mark.parametrize("activation", ["relu", "sigmoid", "tanh", "softplus"])
@pytest.mark.parametrize(
    "layers",
    [
        lambda name: [Dense(3, name)],
        lambda name: [Dense(3), name],
        lambda name: [Dense(4), Chain([Dense(3), Activation.of(name)])],
        lambda name: [Dense(4), Chain([Chain([Dense(3, name)])])],
    ],
)
def test_activations_that_contradict_cross_entropy(activation, layers):
    with pytest.raises(
        ConfigurationError,
        match=rf"ends in {activation}, but cross_entropy needs softmax or no activation"
        r" there: write Dense\(\.\.\., 'softmax'\).*loss='binary_cross_entropy' with",
    ):
        network(*layers(activation))


@pytest.mark.parametrize("activation", ["softmax", "relu", "log_softmax"])
def test_activations_that_contradict_binary_cross_entropy(activation):
    with pytest.raises(
        ConfigurationError,
        match=rf"ends in {activation}, but binary_cross_entropy needs sigmoid or no .*"
        "use loss='cross_entropy' with softmax",
    ):
        network(Dense(3, activation), loss="binary_cross_entropy")


@pytest.mark.parametrize("last", [Dropout(0.5), Flatten(), Reshape(3)])
def test_the_link_comes_last(last):
    with pytest.raises(
        ConfigurationError, match="works on logits, and softmax must then be the last"
    ):
        network(Dense(3, "softmax"), last)
    assert network(Dense(3), last)


def test_branches_have_no_link_of_their_own():
    with pytest.raises(ConfigurationError, match="softmax must then be the last thing"):
        network(Concat([Dense(2, "softmax"), Dense(2)]))


# -- unknown names ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("family", "name", "message"),
    [
        (
            Activation,
            "sigmoidd",
            "no activation named 'sigmoidd'. Did you mean 'sigmoid'",
        ),
        (Activation, "ReLU", "Did you mean 'relu'"),
        (Layer, "droput", "no layer named 'droput'. Did you mean 'dropout'"),
        (
            Loss,
            "crossentropy",
            "no loss named 'crossentropy'. Did you mean 'cross_entrop",
        ),
        (Loss, "mse", "no loss named 'mse'. Did you mean 'mean_squared_error'"),
        (Optimizer, "sgd", "Did you mean 'gradient_descent'"),
        (Loss, "qqq", "no loss named 'qqq'. Known names: binary_cross_entropy, b"),
        (Optimizer, "nestrov", "Did you mean 'nesterov'"),
        (Initializer, "glorot", "no initializer named 'glorot'. Did you mean 'glorot_"),
        (Schedule, "cosin", "Did you mean 'cosine'"),
        (Metric, "accurracy", "Did you mean 'accuracy'"),
    ],
)
def test_unknown_names(family, name, message):
    with pytest.raises(ConfigurationError, match=message):
        family.of(name)


@pytest.mark.parametrize(
    "family", [Activation, Layer, Loss, Optimizer, Initializer, Schedule, Metric]
)
def test_what_is_no_part(family):
    kind = family.__name__.lower()
    for given in (
        3,
        [],
        {"type": "dense"},
        object,
        *([] if kind == "activation" else [None]),
    ):
        with pytest.raises(
            ConfigurationError,
            match=f"object of class {family.__name__} as {kind}, got ",
        ):
            family.of(given)


def test_names_whose_settings_have_no_defaults():
    with pytest.raises(ConfigurationError, match=r"'dense' needs settings \(units\)"):
        Layer.of("dense")
    with pytest.raises(
        ConfigurationError, match=r"'cosine' needs .*write Cosine\(start"
    ):
        WarmUp(3, "cosine")


# -- settings of parts -----------------------------------------------------------------

SETTINGS = [
    (lambda: Dense(0), "units to be a whole number of at least 1, got 0"),
    (lambda: Dense(2.5), r"units to be a whole number.* got 2\.5"),
    (lambda: Dense("4"), "units to be a whole number.* got '4'"),
    (lambda: Dense(True), "units to be a whole number.* got True"),
    (lambda: Dense(3, bias="no"), "bias to be True or False, got 'no'"),
    (lambda: Dense(3, bias=0), "bias to be True or False, got 0"),
    (lambda: Dense(3, "prelu"), r"'prelu' is a layer.*\[\.\.\., Dense\(4\), PReLU\("),
    (lambda: Dense(3, "sigmod"), "Did you mean 'sigmoid'"),
    (lambda: Dense(3, weight_init="he"), "Did you mean 'he_|Known names"),
    (lambda: Dense(3, name="a.b"), r"name is a text without dots, got 'a\.b'"),
    (lambda: Dense(3, name=""), "name is a text without dots, got ''"),
    (lambda: Dense(3, name=4), "name to be a text, got 4"),
    (lambda: Dropout(1), r"rate in \[0, 1\), got 1"),
    (lambda: Dropout(-0.1), r"rate in \[0, 1\), got -0\.1"),
    (lambda: Dropout("half"), "rate to be a number, got 'half'"),
    (lambda: Dropout(math.nan), "rate to be a number, got nan"),
    (lambda: Reshape(0), r"lengths of at least 1, got \(0,\)"),
    (lambda: Reshape((2, -1)), r"lengths of at least 1, got \(2, -1\)"),
    (lambda: Reshape(2.5), r"lengths of at least 1, got \(2\.5,\)"),
    (lambda: Reshape("ab"), r"lengths of at least 1, got \('ab',\)"),
    (lambda: BatchNorm(1), r"momentum in \[0, 1\), got 1.*mean 1 - momentum"),
    (lambda: BatchNorm(epsilon=0), "epsilon > 0, got 0"),
    (lambda: BatchNorm(epsilon="small"), "epsilon to be a number, got 'small'"),
    (lambda: Chain([]), "Chain needs at least one layer"),
    (
        lambda: Chain(Dense(2)),
        r"a list for layers, got Dense\(2\): write \[Dense\(2\)\]",
    ),
    (lambda: Chain("relu"), r"a list for layers, got 'relu': write \['relu'\]"),
    (lambda: Chain(3), "Expected a list for layers, got 3"),
    (lambda: Concat([Dense(2)]), "Concat needs at least two branches"),
    (
        lambda: Concat([Dense(2, name="a"), Dense(2, name="a")]),
        "layers have the name 'a'",
    ),
    (lambda: Residual(["relo"]), "Did you mean 'relu'"),
    (lambda: PReLU("x"), "start to be a number, got 'x'"),
    (lambda: Select(3), "key to be a text, got 3"),
    (
        lambda: Input(0),
        "whole numbers of at least 1, without the number of samples; got 0",
    ),
    (lambda: Input(2.5), r"whole numbers of at least 1.*got 2\.5"),
    (lambda: Input("ab"), "whole numbers of at least 1.*got 'ab'"),
    (lambda: Input((3, True)), r"whole numbers of at least 1.*got \(3, True\)"),
    (lambda: ELU("x"), "alpha to be a number, got 'x'"),
    (lambda: LeakyReLU(math.inf), "leak to be a number, got inf"),
    (lambda: GELU(1), "tanh to be True or False, got 1"),
    (lambda: Huber(0), "delta > 0, got 0"),
    (lambda: Huber("x"), "delta to be a number, got 'x'"),
    (lambda: CrossEntropy(label_smoothing=1), r"label_smoothing in \[0, 1\), got 1"),
    (
        lambda: CrossEntropy(label_smoothing="x"),
        "label_smoothing to be a number, got 'x'",
    ),
    (
        lambda: Adam(0),
        r"learning rate > 0 or a schedule such as Cosine\(0.001\), got 0",
    ),
    (lambda: Adam(-1), "learning rate > 0 or a schedule .*got -1"),
    (lambda: Adam("fast"), "learning rate > 0 or a schedule .*got 'fast'"),
    (lambda: Adam(math.inf), "learning rate > 0 or a schedule .*got inf"),
    (lambda: Adam(True), "learning rate > 0 or a schedule .*got True"),
    (lambda: Adam(beta1=1), r"beta1 in \[0, 1\), got 1"),
    (lambda: Adam(beta2=-1), r"beta2 in \[0, 1\), got -1"),
    (lambda: Adam(epsilon=0), "epsilon > 0, got 0"),
    (lambda: Adam(l2=-1), "l2 >= 0, got -1"),
    (lambda: Adam(l1="x"), "l1 to be a number, got 'x'"),
    (lambda: Adam(decay=math.nan), "decay to be a number, got nan"),
    (lambda: Adam(clip_norm=0), "clip_norm > 0 or None, got 0"),
    (lambda: Adam(clip_norm=math.inf), "clip_norm to be a number, got inf"),
    (lambda: Adam(clip_value="x"), "clip_value to be a number, got 'x'"),
    (lambda: Momentum(momentum=1.0), r"momentum in \[0, 1\), got 1\.0"),
    (lambda: RMSProp(rho=2), r"rho in \[0, 1\), got 2"),
    (lambda: Cosine(0), "start > 0, got 0"),
    (lambda: Constant("x"), "start to be a number, got 'x'"),
    (lambda: Step(0.1, every=0), "every > 0, got 0"),
    (lambda: Step(0.1, every=2.5), r"every to be a whole number, got 2\.5"),
    (lambda: Exponential(0.1, -1), "factor > 0, got -1"),
    (lambda: WarmUp(0, Constant(0.1)), "steps > 0, got 0"),
    (lambda: WarmUp(3, 0.1), r"object of class Schedule as schedule, got 0\.1"),
    (lambda: Normal(deviation="x"), "deviation to be a number, got 'x'"),
    (lambda: Uniform(low=math.nan), "low to be a number, got nan"),
    (lambda: Neuron([1, 2], 0, "sigmo"), "Did you mean 'sigmoid'"),
]


@pytest.mark.parametrize(("make", "message"), SETTINGS)
def test_settings_that_cannot_be(make, message):
    with pytest.raises(ConfigurationError, match=message):
        make()


def test_numbers_of_numpy_are_numbers():
    layer = Dense(np.int64(4))
    assert layer == Dense(4)
    assert type(layer.units) is int
    assert repr(Adam(np.float32(0.5), l2=np.float64(0.1))) == "Adam(0.5, l2=0.1)"
    assert Reshape((np.int64(2), 3)).shape == Reshape([2, 3]).shape == (2, 3)
    assert Reshape(np.int64(6)) == Reshape(6)
    assert Dense(3, bias=np.bool_(False)) == Dense(3, bias=False)
    assert GradientDescent(np.float64(0.1)) == GradientDescent(0.1)
    assert Input(np.int64(3)) == Input((np.int64(3),)) == Input(3)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: Neuron([[1]], 0),
            ShapeError,
            r"one weight an input.*got shape \(1, 1\)",
        ),
        (lambda: Neuron([1, 2], [3]), ShapeError, r"one number as bias; got \[3\]"),
        (lambda: Neuron(["a"], 0), DataError, "weights holds texts"),
        (lambda: Neuron([1], "a"), DataError, r"bias holds texts \('a'\)"),
        (lambda: Neuron([np.nan], 0), DataError, "weights has NaN at row 0"),
        (
            lambda: Neuron([1, 2], 0).feedforward([1]),
            ShapeError,
            r"has 2 weights; the inputs have shape \(1,\). Hand in one number for each",
        ),
        (
            lambda: Neuron([1, 2], 0).feedforward([[[1, 2]]]),
            ShapeError,
            r"the inputs have shape \(1, 1, 2\)",
        ),
        (
            lambda: Neuron([1, 2], 0).feedforward([1, np.nan]),
            DataError,
            "inputs has NaN at row 1",
        ),
    ],
)
def test_neurons_that_cannot_be(make, error, message):
    with pytest.raises(error, match=message):
        make()


# -- a network without numbers ---------------------------------------------------------


@pytest.mark.parametrize(
    "ask",
    [
        lambda net: net.weights,
        lambda net: net.parameters,
        lambda net: net.state,
        lambda net: net.blueprint,
        lambda net: net.frozen,
        lambda net: net.summary(),
        lambda net: net.program(),
        lambda net: net.freeze("dense_1"),
        lambda net: net.save("never"),
        lambda net: setattr(net, "weights", [1.0]),
        lambda net: setattr(net, "classes", [1, 2, 3]),
    ],
)
def test_a_network_without_numbers(ask):
    with pytest.raises(
        NotBuiltError,
        match=r"no numbers yet, because its input shape is not known: give input_shape="
        r"\.\.\., or call fit or feedforward first",
    ):
        ask(network())


def test_what_does_not_exist_in_pellucid():
    with pytest.raises(AttributeError, match="no attribute 'Densse'"):
        pellucid.Densse  # noqa: B018
