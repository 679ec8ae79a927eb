"""What a network with each kind of loss takes, answers and refuses."""

import numpy as np
import pytest

from pellucid import (
    Adam,
    BinaryFocal,
    BinaryHinge,
    ConfigurationError,
    CrossEntropy,
    DataError,
    Dense,
    EachMember,
    Focal,
    GaussianLikelihood,
    Hinge,
    LogCosh,
    NeuralNetwork,
    Poisson,
    Quantile,
    Reshape,
    ShapeError,
    load,
    plots,
)
from pellucid.data import blobs, moons
from pellucid.losses import BinaryCrossEntropy, MeanSquaredError

pytestmark = pytest.mark.usefixtures("engine")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 2))


def trained(loss, x, y, outputs=1, activation=None, epochs=60, **rest):
    net = NeuralNetwork(
        [Dense(12, "tanh"), Dense(outputs, activation)], loss=loss, **rest
    )
    net.fit(x, y, epochs=epochs, optimizer=Adam(0.02))
    return net


# -- numbers ---------------------------------------------------------------------------


def test_quantiles_have_their_share_of_targets_below():
    y = X[:, 0] + RNG.normal(size=400) * (1 + X[:, 1] ** 2)
    for level in (0.1, 0.5, 0.9):
        net = trained(Quantile(level), X, y)
        below = (y < net.predict(X)).mean()
        assert below == pytest.approx(level, abs=0.04)


def test_log_cosh_is_hardly_moved_by_an_outlier():
    y = X[:, :1] - 2 * X[:, 1:]
    y[0] = 1e4
    net = NeuralNetwork([Dense(1)], loss="log_cosh")
    net.fit(X, y, epochs=200, optimizer=Adam(0.05))
    assert net.parameters["dense_1.W"].ravel() == pytest.approx([1, -2], abs=0.05)
    assert isinstance(net.loss, LogCosh)


def test_poisson_answers_with_expected_counts():
    rate = np.exp(1 + 0.8 * X[:, 0])
    y = RNG.poisson(rate)
    net = trained("poisson", X, y)
    assert net.predict(X).shape == (400,)
    np.testing.assert_allclose(net.predict(X), np.exp(net.feedforward(X)[:, 0]), 1e-5)
    assert np.corrcoef(np.log(net.predict(X)), np.log(rate))[0, 1] > 0.97
    assert net.evaluate(X, y)["rmse"] == pytest.approx(
        np.sqrt(((net.predict(X) - y) ** 2).mean()), rel=1e-4
    )


def test_poisson_with_its_link_written_computes_the_same():
    y = RNG.poisson(2.0, size=400)
    bare, written = (trained("poisson", X, y, 1, end, 3) for end in (None, "exp"))
    np.testing.assert_allclose(written.predict(X), bare.predict(X), rtol=1e-4)
    np.testing.assert_allclose(written.feedforward(X)[:, 0], written.predict(X), 1e-5)
    assert written.history.loss == pytest.approx(bare.history.loss, rel=1e-5)


def test_poisson_refuses_counts_below_0_and_other_activations():
    with pytest.raises(
        DataError, match=r"-1\.0 at row 3, column 0; .*poisson are 0 or"
    ):
        trained("poisson", X[:5], [0, 2, 1, -1, 3])
    with pytest.raises(ConfigurationError, match=r"softplus, but poisson needs exp"):
        trained("poisson", X, X[:, 0], 1, "softplus")


def test_gaussian_likelihood_learns_mean_and_variance():
    deviation = np.exp(0.7 * X[:, 1])
    y = 2 * X[:, 0] + deviation * RNG.normal(size=400)
    net = trained("gaussian_likelihood", X, y, outputs=2, epochs=150)
    outputs = net.feedforward(X)
    assert outputs.shape == (400, 2)
    assert net.predict(X).shape == (400,)
    np.testing.assert_allclose(net.predict(X), outputs[:, 0], atol=1e-5)
    assert np.corrcoef(net.predict(X), 2 * X[:, 0])[0, 1] > 0.95
    variance = net.loss.variance(outputs)
    assert variance.shape == (400, 1)
    np.testing.assert_allclose(variance, 1e-6 + np.exp(outputs[:, 1:]), rtol=1e-5)
    assert np.corrcoef(np.log(variance[:, 0]), np.log(deviation))[0, 1] > 0.8
    found = net.evaluate(X, y, metrics=["rmse", "r2", lambda y, p: abs(y - p).max()])
    error = y - outputs[:, 0]
    assert found["rmse"] == pytest.approx(np.sqrt((error**2).mean()), rel=1e-5)
    assert found["<lambda>"] == pytest.approx(abs(error).max(), rel=1e-5)


def test_gaussian_likelihood_of_several_targets():
    y = np.stack([X[:, 0], 100 + X[:, 1], X.sum(axis=1)], axis=1)
    net = trained(GaussianLikelihood(0.01), X, y, outputs=6, epochs=5)
    assert net.predict(X).shape == (400, 3)
    assert net.predict(X[0]).shape == (3,)
    assert net.loss.variance(net.feedforward(X)).shape == (400, 3)
    assert net.loss.variance(net.feedforward(X)).min() >= 0.01
    one = trained("gaussian_likelihood", X, y[:, :1], outputs=2, epochs=1)
    assert one.predict(X).shape == (400, 1)
    assert (
        type(trained("gaussian_likelihood", X, y[:, 0], 2, None, 1).predict(X[0]))
        is float
    )
    assert str(net.summary()).startswith(
        "input (n, 2), float32; gaussian_likelihood: 3 numbers for each sample"
    )


def test_gaussian_likelihood_of_pictures():
    layers = [Dense(8), Reshape((2, 4))]
    net = NeuralNetwork(layers, loss="gaussian_likelihood")
    y = RNG.normal(size=(400, 2, 2))
    net.fit(X, y, epochs=1)
    assert net.predict(X).shape == y.shape


def test_gaussian_likelihood_says_what_shapes_it_needs():
    with pytest.raises(
        ConfigurationError,
        match=r"2 outputs for each target.*shape \(n, 3\).*Dense\(2\)",
    ):
        NeuralNetwork([Dense(3)], loss="gaussian_likelihood", input_shape=2)
    with pytest.raises(ShapeError, match=r"\(400, 2\).*\(n, 2\), 2 for each target"):
        trained("gaussian_likelihood", X, X, outputs=2)


# -- classes ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("loss", "same"),
    [(Focal(0), CrossEntropy()), (BinaryFocal(0), BinaryCrossEntropy())],
)
def test_focal_without_gamma_is_the_cross_entropy(loss, same):
    data = moons(n=100)
    outputs = 2 if loss.task == "classes" else 1
    nets = [trained(each, data.x, data.y, outputs, epochs=3) for each in (loss, same)]
    np.testing.assert_allclose(
        nets[0].predict_proba(data.x), nets[1].predict_proba(data.x), atol=1e-5
    )


@pytest.mark.parametrize(("loss", "outputs"), [("focal", 3), ("hinge", 3)])
def test_several_classes(loss, outputs, tmp_path):
    data = blobs(n=150, noise=0.2)
    labels = np.take(["a", "b", "c"], data.y)
    net = trained(loss, data.x, labels, outputs, epochs=15)
    assert net.evaluate(data.x, labels)["accuracy"] > 0.9
    net.save(tmp_path / "net")
    assert (
        load(tmp_path / "net").predict(data.x).tolist() == net.predict(data.x).tolist()
    )
    best = net.feedforward(data.x).argmax(axis=1)
    assert net.predict(data.x).tolist() == net.classes[best].tolist()


@pytest.mark.parametrize("loss", ["binary_focal", "binary_hinge"])
def test_two_labels_of_any_kind_in_one_output(loss):
    data = moons(n=150)
    for labels in (data.y, 2 * data.y - 1, np.take(["no", "yes"], data.y)):
        net = trained(loss, data.x, labels, epochs=30)
        assert net.evaluate(data.x, labels)["accuracy"] > 0.9
        above = net.feedforward(data.x)[:, 0] > 0
        assert (
            net.predict(data.x) == labels[data.y == 1][0]
        ).tolist() == above.tolist()


@pytest.mark.parametrize("loss", ["binary_focal", "binary_hinge"])
def test_several_yes_or_no_at_once(loss):
    y = (X[:, :1] + [0.0, 0.5, -0.5] > 0).astype(int)
    net = trained(loss, X, y, outputs=3, epochs=20)
    assert net.predict(X).shape == (400, 3)
    assert (net.predict(X) == y).mean() > 0.9


@pytest.mark.parametrize(("loss", "outputs"), [("hinge", 2), ("binary_hinge", 1)])
def test_scores_are_no_probabilities(loss, outputs):
    data = moons(n=100)
    net = trained(loss, data.x, data.y, outputs, epochs=5)
    with pytest.raises(ConfigurationError, match="scores, which are no probabilities"):
        net.predict_proba(data.x)
    # The picture of the plane has the border where predictions change.
    from matplotlib.figure import Figure

    ax = plots.decision_boundary(net, data, ax=Figure().add_subplot(), resolution=30)
    assert ax.get_legend() is not None


@pytest.mark.parametrize(
    ("loss", "end"),
    [(Hinge(), "softmax"), (BinaryHinge(), "sigmoid"), (BinaryHinge(), "tanh")],
)
def test_a_hinge_takes_the_outputs_as_they_are(loss, end):
    with pytest.raises(ConfigurationError, match=f"ends in {end}, but .*as they are"):
        NeuralNetwork([Dense(2, end)], loss=loss)
    NeuralNetwork([Dense(2, "identity")], loss=loss, input_shape=2)


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (Quantile, (0,), r"level in \(0, 1\), got 0"),
        (Quantile, (1.0,), "level in"),
        (GaussianLikelihood, (0.0,), "floor > 0"),
        (Focal, (-1,), "gamma >= 0"),
        (BinaryFocal, (-0.5,), "gamma >= 0"),
    ],
)
def test_settings_that_cannot_be(kind, settings, message):
    with pytest.raises(ConfigurationError, match=message):
        kind(*settings)


def test_a_quantile_is_told_by_name_what_it_needs():
    with pytest.raises(
        ConfigurationError, match=r"'quantile' needs settings \(level\)"
    ):
        NeuralNetwork([Dense(1)], loss="quantile")
    assert Poisson().least == 0


# -- members ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("of", "per_member"),
    [
        (CrossEntropy(label_smoothing=0.1), 3),
        (BinaryCrossEntropy(), 2),
        (MeanSquaredError(), 2),
        (GaussianLikelihood(), 4),
    ],
)
def test_each_member_learns_as_if_it_were_alone(of, per_member):
    r = np.random.default_rng(0)
    members = r.normal(size=(3, 5, per_member))
    y = r.integers(0, 3, 5) if of.task == "classes" else r.random((5, 2))
    loss, outputs = EachMember(of, 3), np.concatenate(members, axis=1)
    alone = [of.value(z, y) for z in members]
    np.testing.assert_allclose(loss.value(outputs, y), np.mean(alone, axis=0))
    slopes = np.concatenate([of.slope(z, y) for z in members], axis=1) / 3
    np.testing.assert_allclose(loss.slope(outputs, y), slopes)
    linked = np.mean([of.linked(z) for z in members], axis=0)
    np.testing.assert_allclose(loss.linked(outputs), linked)
    if of.task == "numbers":
        answers = np.mean([of.answer(z) for z in members], axis=0)
        np.testing.assert_allclose(loss.answer(loss.linked(outputs)), answers)


def test_a_network_of_members_predicts_their_mean(tmp_path):
    r = np.random.default_rng(1)
    x = r.normal(size=(90, 4))
    y = np.array(["low", "middle", "high"])[np.digitize(x[:, 0], [-0.5, 0.5])]
    net = NeuralNetwork([Dense(16, "tanh"), Dense(6)], loss=EachMember(members=2))
    net.fit(x, y, epochs=60, optimizer=Adam(0.02))
    assert net.classes.tolist() == ["high", "low", "middle"]
    assert net.evaluate(x, y)["accuracy"] > 0.9
    logits = net.feedforward(x)
    assert logits.shape == (90, 6)
    e = np.exp(logits.reshape(90, 2, 3))
    p = net.predict_proba(x)
    np.testing.assert_allclose(p, (e / e.sum(-1, keepdims=True)).mean(1), rtol=1e-5)
    assert (net.predict(x) == net.classes[p.argmax(1)]).all()
    net.save(tmp_path / "net.pellucid")
    np.testing.assert_array_equal(
        load(tmp_path / "net.pellucid").predict_proba(x), net.predict_proba(x)
    )
    numbers = NeuralNetwork([Dense(3)], loss=EachMember("mean_squared_error", 3))
    numbers.fit(x, x[:, 0], epochs=5)
    assert numbers.predict(x).shape == (90,)
    mean = numbers.feedforward(x).mean(axis=1)
    np.testing.assert_allclose(numbers.predict(x), mean, rtol=1e-5)


def test_members_need_outputs_of_their_own_and_a_loss_that_averages():
    with pytest.raises(ConfigurationError, match="needs 4 or more outputs"):
        NeuralNetwork([Dense(2)], loss=EachMember(members=2), input_shape=3)
    with pytest.raises(ConfigurationError, match="leave it out of the last layer"):
        NeuralNetwork([Dense(6, "softmax")], loss=EachMember(members=2))
    with pytest.raises(ConfigurationError, match="for losses that average"):
        EachMember("sum_of_squares")
    with pytest.raises(ConfigurationError, match="for losses that average"):
        EachMember("hinge")
    with pytest.raises(ConfigurationError, match="members >= 1"):
        EachMember(members=0)
