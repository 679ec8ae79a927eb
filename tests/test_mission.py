"""The numbers that the tutorials and their correct follow-ups give, through the API."""

import numpy as np
import pytest

from pellucid import Dense, GradientDescent, NeuralNetwork, Neuron

pytestmark = pytest.mark.usefixtures("engine")

X = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]])
Y = np.array([[0], [1], [1], [0]])


def equal(found, expected):
    """Assert that 15 or more digits agree."""
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=0)


def printed(found, digits):
    """Return numbers rounded to so many decimal places."""
    return np.round(np.asarray(found), digits).tolist()


# -- neurons ---------------------------------------------------------------------------


def test_a_neuron():
    equal(Neuron([0, 1], 4).feedforward([2, 3]), 0.9990889488055994)


def test_a_network_of_three_neurons():
    h1, h2, o1 = (Neuron([0, 1], 0) for _ in range(3))
    x = [2, 3]
    y_hat = o1.feedforward([h1.feedforward(x), h2.feedforward(x)])
    equal(y_hat, 0.7216325609518421)


def test_the_same_network_as_layers():
    net = NeuralNetwork(
        [Dense(2, "sigmoid"), Dense(1, "sigmoid")],
        loss="mean_squared_error",
        input_shape=2,
        dtype="float64",
    )
    net.parameters["dense_1.W"] = [[0, 0], [1, 1]]
    net.parameters["dense_2.W"] = [[0], [1]]
    assert list(net.parameters) == ["dense_1.W", "dense_1.b", "dense_2.W", "dense_2.b"]
    equal(net.feedforward([2, 3]), [0.7216325609518421])
    equal(net.feedforward([[2, 3]]), [[0.7216325609518421]])


# -- the truth table -------------------------------------------------------------------


def truth_table():
    net = NeuralNetwork(
        [Dense(4, "sigmoid", bias=False), Dense(1, "sigmoid", bias=False)],
        loss="sum_of_squares",
        input_shape=3,
        dtype="float64",
    )
    r = np.random.RandomState(0)  # the tutorials' generator
    net.parameters["dense_1.W"] = r.rand(3, 4)
    net.parameters["dense_2.W"] = r.rand(4, 1)
    return net


def test_outputs_of_the_truth_table_before_training():
    outputs = [0.74371118, 0.77930734, 0.78271057, 0.8056535]
    assert printed(truth_table().feedforward(X)[:, 0], 8) == outputs


def test_first_gradients_of_the_truth_table():
    loss, gradients = truth_table().backprop(X, Y)
    equal(loss, 1.298103813489028)
    expected = [0.3043973, 0.27200549, 0.29463094, 0.28345481]
    assert printed(gradients["dense_2.W"][:, 0], 8) == expected
    expected = [0.00957779, 0.01674032, 0.00129587, 0.00114662]
    assert printed(gradients["dense_1.W"][0], 8) == expected


def test_gradients_of_the_truth_table_agree_with_differences():
    assert truth_table().check_gradients(X, Y).ok


def test_training_on_the_truth_table():
    net = truth_table()
    history = net.fit(
        X, Y, iterations=1500, batch_size=4, optimizer=GradientDescent(1.0)
    )
    before = history.iterations
    assert len(before) == 1500
    equal(
        [before[update - 1] for update in (1, 2, 10, 100, 500, 1000, 1500)],
        [
            1.298103813489028,
            1.027280760048026,
            0.9978345338133661,
            0.7932318109321224,
            0.01543081680035193,
            0.004984652070321296,
            0.002800221856001262,
        ],
    )
    assert (np.diff(before) <= 0).all()
    assert printed(net.feedforward(X)[:, 0], 8) == [
        0.01009142,
        0.97159048,
        0.97167813,
        0.03296341,
    ]
    equal(net.evaluate(X, Y)["loss"], 0.002797651969932191)
    assert net.predict(X).round().tolist() == Y.tolist()


def test_a_full_batch_has_the_same_loss_by_epochs_and_iterations():
    net = truth_table()
    history = net.fit(X, Y, epochs=10, batch_size=4, optimizer=GradientDescent(1.0))
    assert history.loss == history.iterations
    equal(history.loss[-1], 0.9978345338133661)


# -- Mazur's example -------------------------------------------------------------------

INPUT, TARGET = [[0.05, 0.10]], [[0.01, 0.99]]


def mazur():
    net = NeuralNetwork(
        [Dense(2, "sigmoid"), Dense(2, "sigmoid")],
        loss="half_sum_of_squares",
        input_shape=2,
        dtype="float64",
    )
    # Weights are written there neuron by neuron: one row a neuron, hence transposed.
    net.parameters["dense_1.W"] = np.transpose([[0.15, 0.20], [0.25, 0.30]])
    net.parameters["dense_1.b"] = [0.35, 0.35]
    net.parameters["dense_2.W"] = np.transpose([[0.40, 0.45], [0.50, 0.55]])
    net.parameters["dense_2.b"] = [0.60, 0.60]
    return net.freeze("*.b")


def test_mazur_forward():
    outputs = mazur().activations(INPUT)
    assert list(outputs) == ["dense_1", "dense_2"]
    assert printed(outputs["dense_1"][0], 9) == [0.593269992, 0.596884378]
    assert printed(outputs["dense_2"][0], 9) == [0.751365070, 0.772928465]


def test_mazur_backward():
    loss, gradients = mazur().backprop(INPUT, TARGET)
    assert printed(loss, 9) == 0.298371109
    assert printed(gradients["dense_2.W"][0, 0], 9) == 0.082167041  # w5
    assert printed(gradients["dense_1.W"][0, 0], 9) == 0.000438568  # w1


def test_mazur_one_step():
    net = mazur()
    net.fit(INPUT, TARGET, iterations=1, optimizer=GradientDescent(0.5))
    assert printed(net.parameters["dense_1.W"][0, 0], 9) == 0.149780716
    assert printed(net.parameters["dense_2.W"][0, 0], 8) == 0.35891648
    assert net.parameters["dense_1.b"].tolist() == [0.35, 0.35]
    assert net.parameters["dense_2.b"].tolist() == [0.60, 0.60]
    assert printed(net.evaluate(INPUT, TARGET)["loss"], 12) == 0.291027773694


def test_mazur_ten_thousand_steps():
    net = mazur()
    history = net.fit(INPUT, TARGET, iterations=10_000, optimizer=GradientDescent(0.5))
    assert net.evaluate(INPUT, TARGET)["loss"] == pytest.approx(
        3.51018778e-05, rel=1e-8
    )
    assert len(history.iterations) == 10_000
    assert net.frozen == ("dense_1.b", "dense_2.b")
    assert net.parameters["dense_2.b"].tolist() == [0.60, 0.60]
