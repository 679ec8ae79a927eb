import copy
import pickle
import threading

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest

import pellucid
from pellucid import (
    Adam,
    AdamW,
    BatchNorm,
    Chain,
    Concat,
    ConfigurationError,
    DataError,
    Dense,
    Dropout,
    Flatten,
    GradientDescent,
    Input,
    Layer,
    Loss,
    Momentum,
    NeuralNetwork,
    NotBuiltError,
    PReLU,
    Quantile,
    Residual,
    Select,
    ShapeError,
    Slot,
    Softmax,
)
from pellucid.network import Gradients
from snapshots import bits, snapshot

LOSSES = sorted(name for name in Loss.registered() if ":" not in name)


def numbers(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


X, CLASSES = numbers(12, 3), np.arange(12) % 3


def classifier(*layers, loss="cross_entropy", **settings):
    return NeuralNetwork(layers or [Dense(5, "tanh"), Dense(3)], loss=loss, **settings)


def everything(**settings):
    """Return a network that has state, noise and branches."""
    branches = Concat([Dense(3, "tanh"), Chain([Dense(2), PReLU()])])
    inside = [BatchNorm(), "relu", Dropout(0.3), Residual([Dense(5, "gelu")])]
    layers = [branches, *inside, Dense(3, "softmax")]
    return NeuralNetwork(layers, loss="cross_entropy", **settings)


def targets_of(loss, n, outputs, seed=1):
    rng = np.random.default_rng(seed)
    if loss.task == "classes":
        return rng.permutation(np.arange(n) % outputs)
    if loss.task == "labels":
        return rng.integers(0, 2, (n, outputs))
    return np.maximum(rng.normal(size=(n, outputs)), loss.least)


def loss_of(label):
    return Quantile(0.3) if label == "quantile" else Loss.of(label)


# -- asking changes nothing ------------------------------------------------------------


@pytest.mark.parametrize(
    "ask",
    [
        lambda net: net.feedforward(X),
        lambda net: net.activations(X),
        lambda net: net.backprop(X, CLASSES),
        lambda net: net.backprop(X, CLASSES, np.arange(12.0), mode="predict"),
        lambda net: net.predict(X),
        lambda net: net.predict_proba(X),
        lambda net: net.evaluate(X, CLASSES, metrics=["accuracy", "log_loss"]),
        lambda net: net.check_gradients(X, CLASSES, most=3),
        lambda net: net.summary(),
        lambda net: net.program(),
        lambda net: repr(net),
        lambda net: (net.parameters, net.state, net.copy(), net.copy("float64")),
    ],
)
@pytest.mark.parametrize("trained", [False, True])
def test_asking_changes_nothing(ask, trained):
    net = everything(input_shape=3)
    if trained:
        net.fit(X, CLASSES, epochs=2, validation=0.25)
    x, y, before = X.copy(), CLASSES.copy(), snapshot(net)
    ask(net)
    assert snapshot(net) == before
    np.testing.assert_array_equal(x, X)
    np.testing.assert_array_equal(y, CLASSES)


def test_asking_twice_gives_the_same_bits():
    net = everything(input_shape=3)
    (loss, first), (again, second) = (net.backprop(X, CLASSES) for _ in range(2))
    assert loss == again
    assert bits(first.vector) == bits(second.vector)
    assert bits(first.state.vector) == bits(second.state.vector)


def test_backprop_returns_the_state_to_be_and_fit_commits_it():
    net = everything(input_shape=3)
    _, gradients = net.backprop(X, CLASSES)
    assert isinstance(gradients, Gradients)
    assert list(gradients) == list(net.parameters)
    assert list(gradients.state) == list(net.state)
    assert list(net.state) == ["batch_norm_1.mean", "batch_norm_1.variance"]
    assert gradients.vector.shape == net.parameters.vector.shape
    assert (gradients.state["batch_norm_1.mean"] != 0).all()
    assert (net.state["batch_norm_1.mean"] == 0).all()
    kept = everything(input_shape=3)
    kept.fit(X, CLASSES, iterations=1, batch_size=12, engine="readable")
    assert bits(kept.state.vector) == bits(gradients.state.vector)
    _, predicting = net.backprop(X, CLASSES, mode="predict")
    assert bits(predicting.state.vector) == bits(net.state.vector)


def test_prediction_does_not_depend_on_the_batch():
    net = everything(input_shape=3)
    net.fit(X, CLASSES, epochs=3)
    together = net.feedforward(X)
    alone = np.concatenate([net.feedforward(X[i : i + 1]) for i in range(12)])
    np.testing.assert_allclose(alone, together, rtol=1e-5, atol=1e-7)
    backwards = net.feedforward(X[::-1])[::-1]
    np.testing.assert_allclose(backwards, together, rtol=1e-5, atol=1e-7)


def test_the_mode_of_backprop():
    net = everything(input_shape=3)
    training, _ = net.backprop(X, CLASSES)
    predicting, _ = net.backprop(X, CLASSES, mode="predict")
    assert training != predicting
    assert predicting == pytest.approx(net.evaluate(X, CLASSES)["loss"], rel=1e-6)
    with pytest.raises(ConfigurationError, match="'train' or 'predict', got 'test'"):
        net.backprop(X, CLASSES, mode="test")


# -- shapes of inputs ------------------------------------------------------------------


def test_one_sample_comes_back_as_one():
    net = classifier(dtype="float64", input_shape=3)
    batch = net.feedforward(X[:1])
    for sample in (X[0], X[0].tolist(), tuple(X[0]), pd.Series(X[0])):
        assert net.feedforward(sample).shape == (3,)
        assert bits(net.feedforward(sample)) == bits(batch[0])
        outputs = net.activations(sample)
        assert outputs["dense_1"].shape == (5,)
        assert bits(outputs["dense_2"]) == bits(batch[0])
        assert net.predict_proba(sample).shape == (3,)
        assert net.predict(sample) == net.predict(X[:1])[0]
        assert isinstance(net.predict(sample), int)


def test_one_sample_of_numbers():
    net = NeuralNetwork([Dense(1)], loss="mean_squared_error", input_shape=3)
    assert net.predict(X[0]).shape == (1,)
    net.fit(X, X[:, 0], epochs=1)
    assert isinstance(net.predict(X[0]), float)
    assert net.predict(X).shape == (12,)


def test_one_sample_cannot_be_learned_from():
    net = classifier(input_shape=3)
    with pytest.raises(ShapeError, match=r"one sample of shape \(3\).*write \[x\]"):
        net.fit(X[0], [1])


def test_an_image_is_one_sample_too():
    net = NeuralNetwork([Flatten(), Dense(2)], loss="cross_entropy", input_shape=(4, 5))
    images = numbers(6, 4, 5)
    assert net.feedforward(images).shape == (6, 2)
    assert bits(net.feedforward(images[0])) == bits(net.feedforward(images[:1])[0])


def test_the_input_shape_comes_from_the_first_data():
    net = classifier()
    with pytest.raises(NotBuiltError, match=r"give input_shape=\.\.\., or call fit"):
        net.weights  # noqa: B018
    with pytest.raises(NotBuiltError):
        net.summary()
    assert net.feedforward(X).shape == (12, 3)
    assert net.parameters["dense_1.W"].shape == (3, 5)
    with pytest.raises(ConfigurationError, match="has its input shape already"):
        net.build(4)
    given = classifier(input_shape=3)
    assert bits(net.weights) == bits(given.weights)


@pytest.mark.parametrize("shape", [3, (3,), [3], np.int64(3), Input(3), Input((3,))])
def test_the_input_shape_in_many_forms(shape):
    assert classifier(input_shape=shape).parameters["dense_1.W"].shape == (3, 5)


def test_no_rows_give_no_predictions():
    net = classifier(input_shape=3)
    assert net.feedforward(X[:0]).shape == (0, 3)
    assert net.predict(X[:0]).shape == (0,)
    assert net.predict_proba(X[:0]).shape == (0, 3)


def test_many_rows_are_predicted_in_chunks():
    net = classifier(input_shape=3, dtype="float64")
    x = numbers(20_000, 3)
    np.testing.assert_allclose(
        net.feedforward(x)[[0, 8191, 8192, 19_999]],
        net.feedforward(x[[0, 8191, 8192, 19_999]]),
        rtol=1e-12,
    )


def test_several_threads_may_predict():
    net = classifier(input_shape=3)
    net.fit(X, CLASSES, epochs=1)
    slices = [slice(i, j) for j in range(13) for i in range(j)]
    wanted = [bits(net.predict_proba(X[rows])) for rows in slices]
    found = []

    def ask():
        found.append([bits(net.predict_proba(X[rows])) for rows in slices])

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [wanted] * 4


# -- named inputs ----------------------------------------------------------------------


def two_inputs(**settings):
    branches = [
        Chain([Select("table"), Dense(4, "relu")]),
        Chain([Select("image"), Flatten(), Dense(3, "tanh")]),
    ]
    return NeuralNetwork([Concat(branches), Dense(2)], loss="cross_entropy", **settings)


NAMED = {"table": X, "image": numbers(12, 2, 2)}
TWO = np.arange(12) % 2


def test_named_inputs():
    net = two_inputs()
    history = net.fit(NAMED, TWO, epochs=3, validation=0.25, batch_size=4)
    assert history.epochs == 3
    assert net.predict(NAMED).shape == (12,)
    assert net.check_gradients(NAMED, TWO).ok
    one = {name: values[0] for name, values in NAMED.items()}
    assert net.feedforward(one).shape == (2,)
    with_shapes = two_inputs(input_shape={"table": 3, "image": Input((2, 2))})
    assert bits(two_inputs().build({"table": 3, "image": (2, 2)}).weights) == bits(
        with_shapes.weights
    )
    frames = NAMED | {"table": pd.DataFrame(X)}
    assert bits(net.feedforward(frames)) == bits(net.feedforward(NAMED))
    assert "table (n, 3), image (n, 2, 2)" in str(net.summary())


def test_the_order_of_named_inputs_does_not_matter():
    net = two_inputs()
    net.feedforward(NAMED)
    backwards = dict(reversed(NAMED.items()))
    assert bits(net.feedforward(backwards)) == bits(net.feedforward(NAMED))


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (X, r"x is one array; the network takes named inputs \['image', 'table'\]"),
        ({"table": X}, r"x has the inputs \['table'\]; the network takes \['image', "),
        (NAMED | {"more": X}, r"\['image', 'more', 'table'\]; the network takes"),
        (NAMED | {"table": X[:5]}, r"different numbers of samples: .*'table': 5"),
        (NAMED | {"table": X[:, :2]}, r"table has shape \(12, 2\).*takes \(n, 3\)"),
    ],
)
def test_named_inputs_that_do_not_fit(x, message):
    net = two_inputs(input_shape={"table": 3, "image": (2, 2)})
    with pytest.raises(ShapeError, match=message):
        net.feedforward(x)


def test_a_mapping_is_refused_where_one_array_is_taken():
    net = classifier(input_shape=3)
    with pytest.raises(
        ShapeError, match=r"named inputs \['a'\]; the network takes one"
    ):
        net.feedforward({"a": X})
    with pytest.raises(ShapeError, match=r"'dense_1'.*choose one with Select\(name\)"):
        classifier().fit({"a": X}, CLASSES)
    net = NeuralNetwork([Residual([Dense(3)])], loss="mean_squared_error")
    with pytest.raises(ShapeError, match="Select"):
        net.feedforward({"a": X})
    with pytest.raises(ShapeError, match=r"no input 'b'; the inputs are \['a'\]"):
        classifier(Select("b"), Dense(3)).feedforward({"a": X})
    with pytest.raises(ShapeError, match=r"Select\('b'\) needs named inputs"):
        classifier(Select("b"), Dense(3)).feedforward(X)
    with pytest.raises(DataError, match="names of inputs are texts; got 1"):
        classifier().fit({1: X}, CLASSES)


class Lookup(Layer):
    """``y = table[x]``: a row of numbers for each whole number."""

    rows: int

    def slots(self, shape):
        return {"table": Slot((self.rows,), pellucid.initializers.Uniform())}

    def forward(self, x, p, memo):
        memo.x = x
        return p.table[x]

    def backward(self, da, p, g, memo):
        table = np.zeros(self.rows, dtype=da.dtype)
        np.add.at(table, memo.x, da)
        g.table = table


def test_whole_numbers_have_no_gradient_and_reach_no_dense():
    shape = {"n": Input(2, "integer"), "x": 3}
    branches = [Chain([Select("n"), Dense(2)]), Select("x")]
    with pytest.raises(
        ConfigurationError, match=r"chain_1.dense_1. Dense\(2\).*comes in are whole"
    ):
        NeuralNetwork(
            [Concat(branches), Dense(1)],
            loss="mean_squared_error",
            input_shape=shape,
        )


def test_an_integer_input_takes_only_whole_numbers():
    shape = {"n": Input(2, "integer"), "x": 3}
    branches = [Select("x"), Chain([Select("x"), Dense(2)])]
    net = NeuralNetwork(
        [Concat(branches), Dense(1)], loss="mean_squared_error", input_shape=shape
    )
    assert net.feedforward({"n": [[1, 2]], "x": X[:1]}).shape == (1, 1)
    with pytest.raises(DataError, match="n takes whole numbers; got float64"):
        net.feedforward({"n": [[1.0, 2.0]], "x": X[:1]})


# -- shapes of targets -----------------------------------------------------------------


def test_targets_in_a_row_and_in_a_column_are_the_same():
    nets = [
        NeuralNetwork([Dense(4, "tanh"), Dense(1)], loss="mean_squared_error")
        for _ in range(2)
    ]
    row, column = X[:, 0], X[:, :1]
    nets[0].fit(X, row, epochs=3)
    nets[1].fit(X, column, epochs=3)
    assert bits(nets[0].weights) == bits(nets[1].weights)
    assert nets[0].history.iterations == nets[1].history.iterations
    assert nets[0].predict(X).shape == (12,)
    assert nets[1].predict(X).shape == (12, 1)
    assert nets[0].feedforward(X).shape == (12, 1)
    assert nets[0].evaluate(X, column)["loss"] == nets[0].evaluate(X, row)["loss"]


@pytest.mark.parametrize(
    ("outputs", "y"),
    [
        (2, numbers(12)),
        (2, numbers(12, 1)),
        (1, numbers(12, 2)),
        (1, numbers(12, 1, 1)),
    ],
)
def test_targets_are_never_broadcast(outputs, y):
    net = NeuralNetwork([Dense(outputs)], loss="mean_squared_error", input_shape=3)
    shape = ", ".join(map(str, y.shape))
    with pytest.raises(ShapeError, match=rf"\({shape},?\).*output.*\(n, {outputs}\)"):
        net.fit(X, y)


LABELS = ["setosa", "versicolor", "virginica"]


@pytest.mark.parametrize(
    ("y", "kind"),
    [
        (CLASSES, int),
        (CLASSES.tolist(), int),
        (CLASSES.astype("uint8"), int),
        (CLASSES.astype(float), int),
        (CLASSES[:, None], int),
        (np.eye(3)[CLASSES], int),
        (np.eye(3, dtype=int)[CLASSES].tolist(), int),
        (CLASSES * 10 - 7, int),
        (np.take(LABELS, CLASSES), str),
        (np.take(LABELS, CLASSES).astype(object), str),
        (np.take(LABELS, CLASSES).astype(np.dtypes.StringDType()), str),
        (np.take(LABELS, CLASSES).tolist(), str),
        (np.take(LABELS, CLASSES)[:, None], str),
        (pd.Series(np.take(LABELS, CLASSES)), str),
        (pd.Series(np.take(LABELS, CLASSES), dtype="category"), str),
        (pl.Series(np.take(LABELS, CLASSES).tolist()), str),
    ],
)
def test_kinds_of_classes(y, kind):
    net = classifier(input_shape=3)
    net.fit(X, y, epochs=30, optimizer=Adam(0.05))
    same = classifier(input_shape=3)
    same.fit(X, CLASSES, epochs=30, optimizer=Adam(0.05))
    assert bits(net.weights) == bits(same.weights)
    predicted = net.predict(X)
    assert predicted.shape == (12,)
    assert type(predicted[0].item()) is kind
    assert type(net.predict(X[0])) is kind
    assert set(predicted.tolist()) <= set(net.classes.tolist())
    assert net.classes.tolist() == sorted(net.classes.tolist())
    indices = net.predict_proba(X).argmax(axis=1)
    assert predicted.tolist() == net.classes[indices].tolist()
    truth = net.evaluate(X, y)["accuracy"]
    assert truth == same.evaluate(X, CLASSES)["accuracy"] > 0.5


@pytest.mark.parametrize(
    ("y", "classes"),
    [
        (TWO, [0, 1]),
        (TWO[:, None], [0, 1]),
        (TWO.astype(float), [0, 1]),
        (TWO.astype(bool), [False, True]),
        (TWO * 2 - 1, [-1, 1]),
        (np.take(["no", "yes"], TWO), ["no", "yes"]),
    ],
)
@pytest.mark.parametrize("outputs", [1, 2])
def test_kinds_of_two_classes(y, classes, outputs):
    loss = "binary_cross_entropy" if outputs == 1 else "cross_entropy"
    net = classifier(Dense(outputs), loss=loss, input_shape=3)
    net.fit(X, y, epochs=2)
    assert net.classes.tolist() == classes
    predicted, p = net.predict(X), net.predict_proba(X)
    assert p.shape == (12, 2)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-6)
    assert predicted.tolist() == [classes[i] for i in p.argmax(axis=1)]
    assert type(net.predict(X[0])) is type(classes[0])
    assert net.predict_proba(X[0]).shape == (2,)


def test_shares_of_yes():
    share = np.linspace(0, 1, 12)
    net = classifier(Dense(1), loss="binary_cross_entropy", dtype="float64")
    net.fit(X, share, iterations=1, batch_size=12)
    z = net.feedforward(X)[:, 0]
    wanted = np.mean(np.log1p(np.exp(z)) - share * z)
    assert net.evaluate(X, share)["loss"] == pytest.approx(wanted, rel=1e-12)
    assert net.classes.tolist() == [0, 1]


def test_several_labels():
    y = np.random.default_rng(0).integers(0, 2, (12, 4))
    net = classifier(Dense(4, "sigmoid"), loss="binary_cross_entropy")
    net.fit(X, y, epochs=200, optimizer=Adam(0.1))
    assert net.classes is None
    p = net.predict_proba(X)
    np.testing.assert_allclose(p, net.feedforward(X), rtol=1e-5)
    assert p.shape == (12, 4)
    assert ((p > 0) & (p < 1)).all()
    assert net.predict(X).tolist() == (p > 0.5).astype(int).tolist()
    assert net.predict(X[0]).shape == (4,)
    accuracy = net.evaluate(X, y)["accuracy"]
    assert accuracy == pytest.approx((net.predict(X) == y).mean())


def test_classes_can_be_named_before_training():
    net = classifier(input_shape=3)
    net.classes = ["c", "b", "a"]
    assert net.predict(X[0]) in {"a", "b", "c"}
    with pytest.raises(DataError, match="the class 'd' at row 1, which is none of 'c'"):
        net.fit(X, ["a", "d"] * 6)
    net.fit(X, ["a", "b"] * 6, epochs=1)
    assert net.classes.tolist() == ["c", "b", "a"]
    loss, _ = net.backprop(X[:1], ["a"])
    logits = net.feedforward(X[0]).astype(float)
    wanted = np.log(np.exp(logits - logits[2]).sum())
    assert loss == pytest.approx(wanted, rel=1e-5)


@pytest.mark.parametrize(
    "labels", [["a", "b"], ["a", "a", "b"], [["a", "b", "c"]], [0.5, 1, 2], "abc"]
)
def test_named_classes_that_cannot_be(labels):
    net = classifier(input_shape=3)
    with pytest.raises(DataError, match="Expected 3 different classes, one for each"):
        net.classes = labels
    assert net.classes is None


def test_numbers_have_no_classes():
    net = NeuralNetwork([Dense(3)], loss="mean_squared_error", input_shape=3)
    with pytest.raises(ConfigurationError, match="3 outputs has no classes to choose"):
        net.classes = [0, 1, 2]
    with pytest.raises(
        ConfigurationError, match="numbers, which have no probabilities"
    ):
        net.predict_proba(X)
    net.fit(X, X.round().astype(int), epochs=1)
    assert net.classes is None
    assert net.predict(X).dtype == np.float32


# -- the link --------------------------------------------------------------------------

WRITTEN = {
    "cross_entropy": [
        [Dense(4, "tanh", name="h"), Dense(3, "softmax", name="o")],
        [Dense(4, "tanh", name="h"), Dense(3, name="o"), Softmax()],
        [Dense(4, "tanh", name="h"), Dense(3, name="o"), "softmax"],
        [Dense(4, "tanh", name="h"), Chain([Dense(3, name="o"), Softmax()])],
        [Dense(4, "tanh", name="h"), Chain([Chain([Dense(3, "softmax")])])],
        [Chain([Dense(4, "tanh"), Dense(3)])],
        [Dense(4, "tanh", name="h"), Dense(3, name="o")],
        [Dense(4, "tanh", name="h"), Dense(3, "identity", name="o")],
        [Dense(4, "tanh", name="h"), Dense(3, name="o"), "log_softmax"],
    ],
    "binary_cross_entropy": [
        [Dense(4, "tanh"), Dense(3, "sigmoid")],
        [Dense(4, "tanh"), Dense(3), "sigmoid"],
        [Dense(4, "tanh"), Chain([Dense(3), "sigmoid"])],
        [Dense(4, "tanh"), Dense(3)],
    ],
}


@pytest.mark.parametrize("loss", WRITTEN)
def test_a_link_can_be_written_in_many_ways(loss):
    y = CLASSES if loss == "cross_entropy" else np.eye(3)[CLASSES]
    weights = numbers(4 * 3 + 4 + 5 * 3, seed=3)
    found = []
    for layers in WRITTEN[loss]:
        net = NeuralNetwork(layers, loss=loss, input_shape=3, dtype="float64")
        net.weights = weights
        value, gradients = net.backprop(X, y)
        proba = net.predict_proba(X)
        found.append(np.concatenate([[value], gradients.vector, proba.ravel()]))
        assert net.check_gradients(X, y).ok
    for one in found[1:]:
        np.testing.assert_allclose(one, found[0], rtol=1e-12, atol=1e-15)


def test_feedforward_gives_what_was_written():
    written = classifier(Dense(3, "softmax"), input_shape=3)
    bare = classifier(Dense(3), input_shape=3)
    bare.weights = written.weights
    p = bare.predict_proba(X, engine="readable")
    assert bits(written.feedforward(X)) == bits(p)
    assert bits(written.predict_proba(X, engine="readable")) == bits(p)
    assert (bare.feedforward(X) != p).all()
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_allclose(bare.predict_proba(X), p, rtol=1e-5)
    assert written.layers == (Dense(3, "softmax"),)


def test_cross_entropy_is_exact_for_huge_logits():
    net = classifier(Dense(3, "softmax", bias=False), input_shape=3, dtype="float64")
    net.parameters["dense_1.W"] = np.eye(3) * 1e300
    loss, gradients = net.backprop([[1, 0, -1.0]], [1])
    assert loss == 1e300
    assert np.isfinite(gradients.vector).all()
    net.parameters["dense_1.W"] = np.eye(3) * 800
    assert net.backprop([[1, 0, -1.0]], [1])[0] == 800


# -- sample weights and class weights --------------------------------------------------


def network_for(loss, outputs=3, **settings):
    outputs *= getattr(loss, "per_target", 1)
    layers = [Dense(4, "tanh"), Dense(outputs)]
    return NeuralNetwork(layers, loss=loss, input_shape=3, dtype="float64", **settings)


@pytest.mark.parametrize("label", LOSSES)
def test_sample_weights_count_rows(label):
    loss = loss_of(label)
    net, y = network_for(loss), targets_of(loss, 12, 3)
    times = np.array([2, 0, 1, 3, 1, 0, 1, 2, 1, 1, 5, 0])
    rows = np.repeat(np.arange(12), times)
    weighed, first = net.backprop(X, y, times)
    repeated, second = net.backprop(X[rows], y[rows])
    assert weighed == pytest.approx(repeated, rel=1e-12)
    np.testing.assert_allclose(first.vector, second.vector, rtol=1e-10, atol=1e-13)
    evaluated = net.evaluate(X, y, sample_weight=times)
    again = net.evaluate(X[rows], y[rows])
    assert evaluated == pytest.approx(again, rel=1e-10)


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("label", LOSSES)
def test_training_with_weights_is_training_on_repeated_rows(label):
    loss = loss_of(label)
    y = targets_of(loss, 12, 3)
    times = np.array([2, 0, 1, 3, 1, 0, 1, 2, 1, 1, 5, 0])
    rows = np.repeat(np.arange(12), times)
    first, second = network_for(loss), network_for(loss)
    plan = {"iterations": 10, "batch_size": 100, "optimizer": GradientDescent(0.05)}
    weighed = first.fit(X, y, sample_weight=times, **plan)
    repeated = second.fit(X[rows], y[rows], **plan)
    np.testing.assert_allclose(first.weights, second.weights, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(weighed.loss, repeated.loss, rtol=1e-10)
    np.testing.assert_allclose(weighed.iterations, repeated.iterations, rtol=1e-10)


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("label", ["cross_entropy", "binary_cross_entropy"])
def test_class_weights_are_sample_weights(label):
    y = np.array(["a", "b", "b", "b"] * 3)
    outputs = 2 if label == "cross_entropy" else 1
    each = np.where(y == "a", 5.0, 0.5)
    nets = [network_for(label, outputs) for _ in range(3)]
    plan = {"iterations": 4, "batch_size": 5, "optimizer": "momentum"}
    nets[0].fit(X, y, class_weight={"a": 5, "b": 0.5}, **plan)
    nets[1].fit(X, y, sample_weight=each, **plan)
    nets[2].fit(
        X, y, class_weight={"a": 5}, sample_weight=np.where(y == "a", 1, 0.5), **plan
    )
    assert bits(nets[0].weights) == bits(nets[1].weights) == bits(nets[2].weights)


def test_balanced_classes_weigh_the_same_in_all():
    y = np.array([0, 1, 1, 1, 1, 2, 2, 0, 1, 1, 1, 1])
    nets = [network_for("cross_entropy") for _ in range(2)]
    counts = np.bincount(y)
    nets[0].fit(X, y, epochs=2, class_weight="balanced")
    nets[1].fit(X, y, epochs=2, sample_weight=(12 / (3 * counts))[y])
    np.testing.assert_allclose(nets[0].weights, nets[1].weights, rtol=1e-12)


def test_class_weights_for_a_loss_about_numbers():
    nets = [network_for("sum_of_squares", 1) for _ in range(3)]
    nets[0].fit(X, TWO, epochs=2, class_weight={0: 3.0, 1: 1.0})
    nets[1].fit(X, TWO, epochs=2, sample_weight=np.where(TWO == 0, 3.0, 1.0))
    assert bits(nets[0].weights) == bits(nets[1].weights)
    hot = network_for("sum_of_squares", 2)
    hot.fit(X, np.eye(2)[TWO], epochs=1, class_weight="balanced")


# -- freezing --------------------------------------------------------------------------

OPTIMIZERS = [
    GradientDescent(0.1, l1=0.1, l2=0.1, decay=0.1),
    Momentum(0.1, decay=0.5),
    Adam(0.1, l2=1.0),
    AdamW(0.1, decay=0.5, clip_norm=1.0),
    "nesterov",
    "rmsprop",
]


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_frozen_parameters_keep_their_bits(optimizer):
    net = everything(input_shape=3).freeze("concat_1", "*.b", "batch_norm_1.scale")
    before = {name: values.copy() for name, values in net.parameters.items()}
    net.fit(X, CLASSES, epochs=3, optimizer=optimizer)
    assert net.frozen == tuple(
        name
        for name in net.parameters
        if name.startswith("concat_1.") or name.endswith((".b", "batch_norm_1.scale"))
    )
    for name, values in net.parameters.items():
        same = bits(values) == bits(before[name])
        assert same == (name in net.frozen), name
    assert (net.state["batch_norm_1.mean"] != 0).all()


def test_frozen_parameters_keep_their_bits_after_momentum_built_up():
    net = classifier(input_shape=3)
    net.partial_fit(X, CLASSES, optimizer=Momentum(0.1))
    net.freeze("dense_1")
    before = bits(net.parameters["dense_1.W"])
    net.partial_fit(X, CLASSES)
    assert bits(net.parameters["dense_1.W"]) == before


def test_all_frozen():
    net = classifier(input_shape=3).freeze("*")
    before = bits(net.weights)
    with pytest.raises(ConfigurationError, match="parameters are frozen"):
        net.fit(X, CLASSES, epochs=2, optimizer=AdamW(0.1))
    assert bits(net.weights) == before


def test_frozen_parameters_still_have_gradients():
    net = classifier(input_shape=3)
    free = net.backprop(X, CLASSES)[1]
    frozen = net.freeze("dense_1").backprop(X, CLASSES)[1]
    assert bits(free.vector) == bits(frozen.vector)
    assert net.check_gradients(X, CLASSES).ok


def test_freeze_and_unfreeze():
    net = classifier(input_shape=3)
    assert net.frozen == ()
    assert net.trained_mask() is None
    assert net.freeze("dense_1", "*.b") is net
    assert net.frozen == ("dense_1.W", "dense_1.b", "dense_2.b")
    assert net.trained_mask().tolist() == [False] * 20 + [True] * 15 + [False] * 3
    net.freeze("dense_1")
    assert net.unfreeze("dense_1") is net
    assert net.frozen == ("dense_1.b", "dense_2.b")
    assert net.unfreeze().frozen == ()
    assert net.freeze("dense_?.W").frozen == ("dense_1.W", "dense_2.W")
    with pytest.raises(
        ConfigurationError, match=r"No parameter is called 'dense_1\.w'"
    ):
        net.freeze("dense_1.w")
    with pytest.raises(ConfigurationError, match=r"Did you mean 'dense_1\.W'"):
        net.freeze("dense_1.w")
    with pytest.raises(
        ConfigurationError, match=r"'dense_9' was not frozen; frozen are"
    ):
        net.unfreeze("dense_9")
    assert net.frozen == ("dense_1.W", "dense_2.W")
    assert "38 parameters, 8 trained" in str(net.summary())


# -- checking gradients ----------------------------------------------------------------


@pytest.mark.parametrize("label", LOSSES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradients_are_right_in_a_network_with_everything(label, dtype):
    loss = loss_of(label)
    branches = Concat([Dense(3, "tanh"), Chain([Dense(2, "elu"), PReLU()])])
    inside = [BatchNorm(), Dropout(0.3), Residual([Dense(5, "gelu")])]
    layers = [branches, *inside, Dense(3 * loss.per_target)]
    net = NeuralNetwork(layers, loss=loss, dtype=dtype, seed=4)
    y = targets_of(loss, 12, 3)
    weight = np.linspace(0, 2, 12)
    for mode in ("train", "predict"):
        table = net.check_gradients(X, y, sample_weight=weight, mode=mode)
        assert table.ok, table
    assert [row[0] for row in table] == list(net.parameters)
    assert "all agree" in str(table)
    assert net.dtype == np.dtype(dtype)


class WrongGradient(Layer):
    """``y = size sin x``, with a gradient that is wrong by a factor."""

    size: float = 1.0
    factor: float = 1.0

    def forward(self, x, p, memo):
        memo.x = x
        return self.size * np.sin(x)

    def backward(self, da, p, g, memo):
        return self.factor * da * self.size * np.cos(memo.x)


class ForgottenBias(Layer):
    """``y = x + b``, which forgets all but the first row in the gradient of b."""

    def slots(self, shape):
        return {"b": Slot(shape, pellucid.initializers.Zeros(), "bias")}

    def forward(self, x, p, memo):
        return x + p.b

    def backward(self, da, p, g, memo):
        g.b = da[0]
        return da


@pytest.mark.parametrize("factor", [1.001, -1.0, 0.0, 2.0])
@pytest.mark.parametrize("size", [1.0, 1e-4, 1e4])
def test_a_wrong_gradient_is_caught(factor, size):
    layers = [Dense(4), WrongGradient(size, factor), Dense(1)]
    net = NeuralNetwork(layers, loss="mean_squared_error")
    table = net.check_gradients(X, X[:, 0])
    assert not table.ok
    assert {row[0]: row[-1] for row in table} == {
        "dense_1.W": "NO",
        "dense_1.b": "NO",
        "dense_2.W": "yes",
        "dense_2.b": "yes",
    }
    assert "backprop and differences DISAGREE" in str(table)
    right = NeuralNetwork(
        [Dense(4), WrongGradient(size), Dense(1)], loss="mean_squared_error"
    )
    assert right.check_gradients(X, X[:, 0]).ok


def test_a_wrong_gradient_of_a_slot_is_caught():
    net = NeuralNetwork(
        [Dense(4), ForgottenBias(), Dense(1)], loss="mean_squared_error"
    )
    table = net.check_gradients(X, X[:, 0])
    assert [row[0] for row in table if row[-1] == "NO"] == ["forgotten_bias_1.b"]


def test_only_some_entries_of_large_parameters_are_checked():
    net = NeuralNetwork([Dense(50)], loss="mean_squared_error", input_shape=3)
    table = net.check_gradients(X, numbers(12, 50), most=7)
    assert [row[:3] for row in table] == [("dense_1.W", 7, 150), ("dense_1.b", 7, 50)]


# -- summary and names -----------------------------------------------------------------


def test_summary():
    net = everything(input_shape=3).freeze("dense_1")
    lines = str(net.summary()).splitlines()
    work = net.program().prediction.work()[0]
    assert lines[0] == (
        "input (n, 3), float32; cross_entropy: one of 3 classes for each sample"
    )
    assert lines[-2] == (
        "80 parameters, 62 trained; 10 numbers of running state; "
        f"{work} operations a row to predict"
    )
    rows = list(net.summary())
    assert [row[:4] for row in rows] == [
        ("concat_1", "Concat", "(n, 5)", 22),
        ("concat_1.dense_1", "Dense(3, 'tanh')", "(n, 3)", 12),
        ("concat_1.chain_1", "Chain", "(n, 2)", 10),
        ("concat_1.chain_1.dense_1", "Dense(2)", "(n, 2)", 8),
        ("concat_1.chain_1.prelu_1", "PReLU()", "(n, 2)", 2),
        ("batch_norm_1", "BatchNorm()", "(n, 5)", 10),
        ("relu_1", "ReLU()", "(n, 5)", 0),
        ("dropout_1", "Dropout(0.3)", "(n, 5)", 0),
        ("residual_1", "Residual", "(n, 5)", 30),
        ("residual_1.dense_1", "Dense(5, 'gelu')", "(n, 5)", 30),
        ("dense_1", "Dense(3, 'softmax')", "(n, 3)", 18),
    ]
    assert all(row[4] >= 0 for row in rows)
    assert "<table>" in net.summary()._repr_html_()


@pytest.mark.parametrize(
    ("loss", "outputs", "task"),
    [
        ("cross_entropy", 4, "one of 4 classes for each sample"),
        ("binary_cross_entropy", 1, "yes or no for each sample"),
        ("binary_cross_entropy", 4, "4 labels, each yes or no, for each sample"),
        ("mean_squared_error", 1, "1 number for each sample"),
        ("huber", 4, "4 numbers for each sample"),
    ],
)
def test_the_summary_says_what_the_task_is(loss, outputs, task):
    net = NeuralNetwork([Dense(outputs)], loss=loss, input_shape=3)
    assert f"{loss}: {task}\n" in str(net.summary())


def test_names():
    layer = Dense(3, "relu")
    layers = [
        layer,
        layer,
        Dense(3, name="dense_3"),
        layer,
        "relu",
        Dense(2, name="out"),
    ]
    net = NeuralNetwork(layers, loss="cross_entropy", input_shape=3)
    assert list(net.activations(X)) == [
        "dense_1",
        "dense_2",
        "dense_3",
        "dense_4",
        "relu_1",
        "out",
    ]
    first, second = (net.parameters[f"dense_{i}.W"] for i in (1, 2))
    assert not np.shares_memory(first, second)
    assert (first != second).any()
    net.fit(X, TWO, epochs=1)
    assert (first != second).any()


def test_names_that_cannot_be():
    with pytest.raises(ConfigurationError, match=r"without dots, got 'a\.b'"):
        Dense(3, name="a.b")
    with pytest.raises(ConfigurationError, match="Two layers have the name 'a'"):
        NeuralNetwork([Dense(3, name="a"), Dense(3, name="a")], loss="huber")
    with pytest.raises(ConfigurationError, match="Two layers have the name 'a'"):
        Chain([Dense(3, name="a"), Dense(3, name="a")])
    inner = Chain([Dense(3, name="a")])
    net = NeuralNetwork([inner, Dense(3, name="a")], loss="huber", input_shape=2)
    assert list(net.parameters)[::2] == ["chain_1.a.W", "a.W"]


def test_repr():
    net = NeuralNetwork([Dense(4, "relu", name="h"), "dropout", Dense(3)], loss="huber")
    text = (
        "NeuralNetwork([Dense(4, 'relu', name='h'), Dropout(), Dense(3)], loss='huber')"
    )
    assert repr(net) == text
    assert eval(text).layers == net.layers


# -- weights and parameters ------------------------------------------------------------


def test_parameters_are_windows_on_the_weights():
    net = classifier(input_shape=3)
    assert list(net.parameters) == ["dense_1.W", "dense_1.b", "dense_2.W", "dense_2.b"]
    assert len(net.parameters) == 4
    assert [p.shape for p in net.parameters.values()] == [(3, 5), (5,), (5, 3), (3,)]
    assert net.parameters.vector.size == net.weights.size == 38
    net.parameters["dense_1.W"][...] = 2
    assert (net.weights[:15] == 2).all()
    net.parameters["dense_2.b"] = [7, 8, 9]
    assert net.weights[-3:].tolist() == [7, 8, 9]
    net.parameters["dense_1"]["b"] = np.arange(5)
    assert net.parameters[
        "dense_1"
    ].vector is net.parameters.vector or np.shares_memory(
        net.parameters["dense_1"]["b"], net.weights
    )
    assert net.weights[15:20].tolist() == [0, 1, 2, 3, 4]
    assert net.feedforward([[0, 0, 0]]).shape == (1, 3)
    assert "'dense_1.W': (3, 5)" in repr(net.parameters)


@pytest.mark.parametrize(
    ("name", "values", "error", "message"),
    [
        ("dense_1.w", 0, KeyError, "There is no 'dense_1.w'. Did you mean 'dense_1.W'"),
        ("dense_2.b", [1, 2], ShapeError, r"'dense_2.b' has shape \(3,\); got \(2,\)"),
        ("dense_2.b", [1, 2, np.nan], DataError, "takes finite numbers"),
        ("dense_2.b", ["a", "b", "c"], DataError, "takes finite numbers"),
        (
            "dense_2",
            1,
            TypeError,
            r"'dense_2' is a layer: write to one of \['W', 'b'\]",
        ),
    ],
)
def test_parameters_that_cannot_be_written(name, values, error, message):
    net = classifier(input_shape=3)
    before = bits(net.weights)
    with pytest.raises(error, match=message):
        net.parameters[name] = values
    assert bits(net.weights) == before


def test_assigning_weights_copies_in_place():
    net = classifier(input_shape=3)
    vector, window = net.weights, net.parameters["dense_1.W"]
    other = numbers(38)
    net.weights = other
    assert net.weights is vector
    assert (window.ravel() == other[:15].astype("float32")).all()
    other[:] = 0
    assert window.any()
    with pytest.raises(ShapeError, match=r"has 38 numbers, shape \(38,\); got \(37,\)"):
        net.weights = other[1:]
    with pytest.raises(DataError, match="weights has NaN at row 3"):
        net.weights = np.where(np.arange(38) == 3, np.nan, 1.0)
    net.weights = net.weights * 0 + 1
    assert (net.weights == 1).all()


def test_state_is_windows_on_the_end_of_the_weights():
    net = everything(input_shape=3)
    assert bits(net.weights[-10:]) == bits(net.state.vector)
    net.state["batch_norm_1.variance"] = [4] * 5
    assert net.weights[-5:].tolist() == [4] * 5
    assert "batch_norm_1.mean" not in net.parameters


def test_the_seed_gives_the_first_weights():
    first, same, other = (classifier(input_shape=3, seed=s).weights for s in (1, 1, 2))
    assert bits(first) == bits(same)
    assert bits(first) != bits(other)
    # Each parameter has its own random numbers: a further layer changes no other.
    longer = classifier(
        Dense(5, "tanh"), Dense(3, "relu"), Dense(3), input_shape=3, seed=1
    )
    assert bits(longer.parameters["dense_1.W"]) == bits(first[:15].reshape(3, 5))


# -- copies ----------------------------------------------------------------------------


def trained(**settings):
    net = everything(**settings)
    net.fit(X, np.take(LABELS, CLASSES), epochs=3, validation=0.25, batch_size=4)
    return net.freeze("dense_1.b")


WAYS = {
    "copy": lambda net, folder: net.copy(),
    "deepcopy": lambda net, folder: copy.deepcopy(net),
    "pickle": lambda net, folder: pickle.loads(pickle.dumps(net)),
    "joblib": lambda net, folder: joblib.load(joblib.dump(net, folder / "net")[0]),
    "joblib, mapped": lambda net, folder: joblib.load(
        joblib.dump(net, folder / "net")[0], mmap_mode="r"
    ),
    "checkpoint": lambda net, folder: (
        net.save(folder / "net", checkpoint=True) or pellucid.load(folder / "net")
    ),
}
every_way = pytest.mark.parametrize("way", WAYS)


@every_way
def test_copies_are_equal_and_independent(way, tmp_path):
    net = trained()
    before = snapshot(net)
    other = WAYS[way](net, tmp_path)
    assert snapshot(other) == before
    assert bits(other.feedforward(X)) == bits(net.feedforward(X))
    assert other.predict(X).tolist() == net.predict(X).tolist()
    y = np.take(LABELS, CLASSES)
    for each in (net, other):
        each.partial_fit(X, y)
        each.fit(X, y, epochs=2)
        each.unfreeze()
    assert snapshot(other) == snapshot(net)
    assert snapshot(other) != before
    other.parameters["dense_1.W"][...] = 1
    assert (net.parameters["dense_1.W"] != 1).all()
    assert type(other.weights) is np.ndarray


@every_way
def test_copies_can_be_made_before_training(way, tmp_path):
    net = everything(input_shape=3)
    other = WAYS[way](net, tmp_path)
    for each in (net, other):
        each.fit(X, CLASSES, epochs=1)
    assert snapshot(other) == snapshot(net)


@pytest.mark.parametrize("way", ["copy", "deepcopy", "pickle", "joblib"])
def test_copies_can_be_made_before_the_first_data(way, tmp_path):
    net = everything()
    other = WAYS[way](net, tmp_path)
    for each in (net, other):
        each.fit(X, CLASSES, epochs=1)
    assert snapshot(other) == snapshot(net)


def test_windows_and_gradients_can_be_pickled():
    net = trained()
    for windows in (net.parameters, net.state, net.backprop(X[:2], LABELS[:2])[1]):
        again = pickle.loads(pickle.dumps(windows))
        assert bits(dict(again)) == bits(dict(windows))


def test_a_copy_in_another_dtype():
    net = trained()
    double = net.copy("float64")
    assert double.dtype == np.float64
    assert double.training is None
    assert double.weights.tolist() == net.weights.tolist()
    assert double.feedforward(X).dtype == np.float64
    assert double.frozen == net.frozen
    assert double.predict(X[0]) in LABELS
    assert everything().copy("float64").feedforward(X).dtype == np.float64
    assert net.copy("float32").training is not None
    with pytest.raises(ConfigurationError, match="'float32' or 'float64', got 'int8'"):
        net.copy("int8")


# -- dtypes ----------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "given", ["float16", "float32", "float64", "int8", "bool", "O"]
)
def test_a_network_stays_in_its_dtype(dtype, given):
    net = everything(dtype=dtype)
    x = np.abs(X * 2).astype(given) if given == "bool" else (X * 2).astype(given)
    loss, gradients = net.backprop(x, CLASSES, np.ones(12))
    assert type(loss) is float
    outputs = [*net.activations(x).values(), net.predict_proba(x), net.feedforward(x)]
    net.fit(x, CLASSES, epochs=1, validation=0.25)
    arrays = [net.weights, *net.training.memory.values(), net.training.best.weights]
    for array in [*outputs, *arrays, gradients.vector, gradients.state.vector]:
        assert array.dtype == np.dtype(dtype)
    assert net.activations(x).keys() == net.blueprint.layers.keys()


# -- exotic arrays ---------------------------------------------------------------------


def mapped(array, folder):
    path = folder / f"{array.shape}{array[0]}.npy"
    np.save(path, array)
    return np.load(path, mmap_mode="r")


def locked(array):
    array = array.copy()
    array.flags.writeable = False
    return array


EXOTIC = {
    "list": lambda a, folder: a.tolist(),
    "tuple of arrays": lambda a, folder: tuple(a),
    "Fortran": lambda a, folder: np.asfortranarray(a),
    "transposed": lambda a, folder: np.ascontiguousarray(a.T).T,
    "negative strides": lambda a, folder: np.ascontiguousarray(a[::-1])[::-1],
    "every second": lambda a, folder: np.repeat(a, 2, axis=0)[::2],
    "read-only": lambda a, folder: locked(a),
    "memory map": mapped,
    "big-endian": lambda a, folder: a.astype(a.dtype.newbyteorder(">")),
    "objects": lambda a, folder: a.astype(object),
    "matrix": lambda a, folder: a.view(np.ndarray),
    "pandas": lambda a, folder: pd.DataFrame(a) if a.ndim == 2 else pd.Series(a),
    "pandas, odd index": lambda a, folder: (
        pd.DataFrame(a, index=range(len(a), 0, -1))
        if a.ndim == 2
        else pd.Series(a, index=range(len(a), 0, -1))
    ),
    "polars": lambda a, folder: (
        pl.DataFrame(a, schema=[f"c{i}" for i in range(a.shape[1])])
        if a.ndim == 2
        else pl.Series(a)
    ),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", EXOTIC)
def test_exotic_arrays_give_the_bits_of_the_plain_copy(kind, dtype, tmp_path):
    change = EXOTIC[kind]
    weight = np.linspace(0.5, 2, 12)
    data = [X, X[:, 0] ** 2, weight]
    nets = []
    for x, y, w in (data, [change(a, tmp_path) for a in data]):
        net = NeuralNetwork(
            [Dense(5, "tanh"), BatchNorm(), Dense(1)],
            loss="mean_squared_error",
            dtype=dtype,
        )
        net.fit(x, y, epochs=3, sample_weight=w, validation=(x, y, w), batch_size=5)
        net.evaluate(x, y, sample_weight=w)
        nets.append((net, bits(net.predict(x)), net.evaluate(x, y)))
    assert snapshot(nets[0][0]) == snapshot(nets[1][0])
    assert nets[0][1:] == nets[1][1:]


def test_an_array_repeated_by_strides():
    row = np.broadcast_to(X[0], (12, 3))
    net = classifier(input_shape=3)
    assert bits(net.feedforward(row)) == bits(net.feedforward(row.copy()))
    net.fit(row, CLASSES, epochs=1)


def test_training_never_writes_to_the_data():
    x, y, w = (
        locked(X.astype("float32")),
        locked(CLASSES),
        locked(np.ones(12, "float32")),
    )
    net = everything()
    net.fit(x, y, epochs=2, sample_weight=w, validation=(x, y), class_weight="balanced")
    net.evaluate(x, y, sample_weight=w)
    net.fit(x.astype("f8"), locked(np.eye(3, dtype="f4")[y]), epochs=1)


def test_frames_with_whole_and_missing_kinds():
    frame = pd.DataFrame(
        {
            "a": pd.array(np.arange(12), dtype="Int64"),
            "b": [True, False] * 6,
            "c": X[:, 0].astype("float32"),
        }
    )
    net = classifier(dtype="float64")
    plain = np.column_stack([np.arange(12), [1, 0] * 6, X[:, 0].astype("float32")])
    assert bits(net.feedforward(frame)) == bits(net.feedforward(plain))
    nulls = pl.DataFrame({"a": [1.0, None], "b": [1, 2], "c": [0, 1]})
    with pytest.raises(DataError, match=r"NaN at row 1, column 0 \('a'\)"):
        net.feedforward(nulls)


# -- making a network ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"layers": Dense(3)}, r"list of layers, got Dense\(3\): write \[Dense\(3\)\]"),
        ({"layers": "relu"}, "Expected a list of layers"),
        ({"layers": 3}, "Expected a list of layers, got 3"),
        ({"layers": []}, "needs at least one layer"),
        ({"layers": ["rel"]}, "no layer named 'rel'. Did you mean 'relu'"),
        (
            {"layers": ["dense"]},
            r"'dense' needs settings \(units\): write Dense\(units",
        ),
        ({"layers": [Dense]}, r"Got the class Dense.*write Dense\(\.\.\.\) with"),
        (
            {"layers": [3]},
            "Expected a name or an object of class Layer as layer, got 3",
        ),
        ({"loss": "cross_entropi"}, "loss named .* Did you mean 'cross_entropy'"),
        ({"loss": None}, "needs a loss: write loss='cross_entropy'"),
        ({"seed": 1.5}, "whole number as seed, got 1.5"),
        ({"seed": "one"}, "whole number as seed, got 'one'"),
        ({"seed": True}, "whole number as seed, got True"),
        ({"dtype": "float16"}, "'float32' or 'float64', got 'float16'"),
        ({"dtype": "number"}, "'float32' or 'float64', got 'number'"),
        ({"dtype": None}, "'float32' or 'float64', got None"),
        ({"dtype": ">f8"}, "'float32' or 'float64', got '>f8'"),
        ({"input_shape": 0}, "whole numbers of at least 1.*got 0"),
        ({"input_shape": True}, "whole numbers of at least 1.*got True"),
        ({"input_shape": (3, -1)}, r"whole numbers of at least 1.*got \(3, -1\)"),
        ({"input_shape": 2.5}, "input_shape as a number, a tuple.*got 2.5"),
        ({"input_shape": "three"}, "input_shape as a number, a tuple.*got 'three'"),
        ({"input_shape": {}}, "mapping of inputs needs at least one"),
        ({"input_shape": {"a": {"b": 2}}}, "a text as each name and a shape as each"),
        (
            {"input_shape": {1: 2}},
            "a text as each name and a shape as each value; got 1",
        ),
        (
            {"input_shape": (2, 2)},
            r"'dense_1' Dense\(3\).*\(n, 2, 2\). Put Flatten\(\)",
        ),
        ({"input_shape": {"a": 2}}, r"'dense_1'.*\['a'\]: choose one with Select"),
    ],
)
def test_networks_that_cannot_be(settings, message):
    with pytest.raises((ConfigurationError, ShapeError), match=message):
        NeuralNetwork(**{"layers": [Dense(3)], "loss": "cross_entropy"} | settings)


def test_a_seed_of_numpy_is_a_number():
    assert type(classifier(seed=np.int64(3)).seed) is int


def test_layers_may_come_from_a_generator():
    net = NeuralNetwork((Dense(3) for _ in range(2)), loss="huber", input_shape=1)
    assert len(net.layers) == 2


def test_a_loss_and_an_optimizer_of_ones_own():
    class Quartic(Loss):
        """``L = sum (y_hat - y)^4``."""

        def value(self, y_hat, y):
            return ((y_hat - y) ** 4).sum(axis=1)

        def slope(self, y_hat, y):
            return 4 * (y_hat - y) ** 3

    net = NeuralNetwork([Dense(3, "tanh"), Dense(1)], loss=Quartic())
    assert net.check_gradients(X, X[:, 0]).ok
    history = net.fit(X, X[:, 0], epochs=50, optimizer=Adam(0.05))
    assert history.loss[-1] < history.loss[0] / 2
    assert "quartic: 1 number for each sample" in str(net.summary())


def test_columns_of_a_frame_are_those_of_training(tmp_path):
    frame = pd.DataFrame(X, columns=["a", "b", "c"])
    net = classifier()
    net.fit(frame, CLASSES, epochs=1)
    again = net.copy()
    net.save(tmp_path / "net.pellucid")
    for known in (net, again, pellucid.load(tmp_path / "net.pellucid")):
        wanted = known.predict(frame)
        assert (known.predict(frame.to_numpy()) == wanted).all()
        with pytest.raises(DataError, match=r"another order .* x\[\['a', 'b', 'c'\]\]"):
            known.predict(frame[["c", "b", "a"]])
        with pytest.raises(DataError, match=r"lacks .*'c'.* unknown columns \['d'\]"):
            known.evaluate(frame.rename(columns={"c": "d"}), CLASSES)


def test_an_unknown_parameter_is_an_error_of_pellucid():
    net = classifier(input_shape=3)
    for error in (KeyError, pellucid.PellucidError):
        with pytest.raises(error, match=r"^There is no 'dense_1.w'. Did you mean"):
            net.parameters["dense_1.w"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("lr", r"no argument 'lr'\. Write optimizer=Adam\(0\.001\)"),
        ("validation_split", r"Write validation=0\.2"),
        ("epoch", "Did you mean 'epochs'"),
    ],
)
def test_arguments_of_elsewhere_are_translated(given, told):
    net = NeuralNetwork([Dense(1)], loss="mean_squared_error")
    with pytest.raises(TypeError, match=rf"fit\(\) has {told}|{told}"):
        net.fit([[1.0], [2.0]], [1.0, 2.0], **{given: 1})


def test_a_network_without_a_loss_says_which_there_are():
    with pytest.raises(ConfigurationError, match="'cross_entropy' for classes"):
        NeuralNetwork([Dense(1)])


def test_names_that_pellucid_does_not_have():
    with pytest.raises(AttributeError, match=r"'Conv2d'\. Did you mean 'Conv2D'"):
        _ = pellucid.Conv2d
    assert not hasattr(pellucid, "__wrapped__")
