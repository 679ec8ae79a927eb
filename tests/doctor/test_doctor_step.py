"""Findings about one step: each one provoked, beside a near miss that is no finding."""

from typing import Any

import numpy as np
import pytest
from doctor_cases import codes, network, table

from pellucid import (
    Activation,
    BatchNorm,
    Chain,
    Concat,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GradientDescent,
    Layer,
    Loss,
    NeuralNetwork,
    Residual,
    Select,
    Slot,
)
from pellucid.doctor.scales import meetings
from pellucid.doctor.step import equal_columns


def deep(depth, activation, **settings):
    """Return a network with many equal layers."""
    layers = [Dense(16, activation, **settings) for _ in range(depth)]
    return NeuralNetwork([*layers, Dense(2)], loss="cross_entropy")


# -- dead units ------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["relu", "hard_tanh", "hard_sigmoid"])
def test_units_that_are_dead(activation):
    x, y = table()
    net = network(activation, input_shape=4)
    net.parameters["dense_1"]["b"][:4] = -100.0
    (finding,) = net.diagnose(x, y)["dead_units"]
    assert (finding.severity, finding.where) == ("warning", "dense_1")
    assert finding.evidence["units"] == [0, 1, 2, 3]
    assert finding.evidence["rows"] == 200
    net.parameters["dense_1"]["b"][3] = 0.0  # three of eight
    assert "dead_units" not in codes(net, x, y)


def test_a_layer_that_is_dead():
    x, y = table()
    net = network("relu", input_shape=4)
    net.parameters["dense_1"]["b"][:] = -100.0
    (finding,) = net.diagnose(x, y)
    assert (finding.code, finding.severity) == ("dead_units", "severe")
    assert finding.sentence.startswith("All 8 units of dense_1 pass no gradient")


def test_an_activation_that_is_a_layer_of_its_own_and_one_of_ones_own():
    class Gate(Activation):
        def value(self, z: Any) -> Any:
            return np.maximum(z - 1.0, 0.0)

        def slope(self, z: Any, a: Any) -> Any:
            return (z > 1.0).astype(z.dtype)

    x, y = table()
    net = NeuralNetwork([Dense(8), Gate(), Dense(2)], loss="cross_entropy")
    net.build(4)
    assert codes(net, x, y) == ()
    net.parameters["dense_1.b"][:] = -50.0
    assert net.diagnose(x, y)["dead_units"][0].where == "gate_1"


def test_filters_that_are_dead():
    x, y = table(columns=36)
    layers = [Conv2D(4, 3, "relu"), Flatten(), Dense(2)]
    net = NeuralNetwork(layers, loss="cross_entropy", input_shape=(6, 6, 1))
    images = x.reshape(-1, 6, 6, 1)
    assert codes(net, images, y) == ()
    net.parameters["conv2d_1.b"][1:3] = -50.0
    (finding,) = net.diagnose(images, y)
    assert finding.evidence["units"] == [1, 2]


def test_units_that_nothing_comes_back_to_are_not_dead():
    x, y = table()
    net = network("relu", input_shape=4)
    net.parameters["dense_2.W"][:] = 0.0  # a start that some prefer
    assert codes(net, x, y) == ()


# -- saturation ------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "softsign"])
def test_units_that_are_saturated(activation):
    x, y = table()
    net = network(activation, input_shape=4)
    net.parameters["dense_1.W"][:] *= 1000
    (finding,) = net.diagnose(x, y)["saturated_units"]
    assert finding.where == "dense_1"
    assert finding.evidence["flat"] > 0.9
    net.parameters["dense_1.W"][:] /= 500
    assert codes(net, x, y) == ()


def test_relu_is_flat_on_one_side_and_not_saturated():
    x, y = table()
    net = network("relu", input_shape=4)
    net.parameters["dense_1.b"][:] = -2.0
    assert "saturated_units" not in codes(net, x, y)


def test_the_last_layer_may_be_sure():
    x, y = table()
    layers = [Dense(8, "tanh"), Dense(1, "sigmoid")]
    net = NeuralNetwork(layers, loss="sum_of_squares", input_shape=4)
    net.parameters["dense_2.W"][:] *= 100
    assert "saturated_units" not in codes(net, x, y)


# -- depth -----------------------------------------------------------------------------


def test_gradients_that_vanish():
    x, y = table()
    (finding,) = deep(9, "sigmoid").diagnose(x, y)
    assert (finding.code, finding.where) == ("vanishing_gradients", "dense_1")
    assert finding.severity == "warning"
    assert finding.evidence["ratio"] < 1e-4
    (finding,) = deep(16, "sigmoid").diagnose(x, y)
    assert finding.severity == "severe"


def members(depth, activation):
    """Return two networks side by side, whose targets are one after the other."""
    one = Chain([Dense(16, activation) for _ in range(depth)] + [Dense(2)])
    return NeuralNetwork(
        [Concat([one, one])], loss="sum_of_squares", input_shape=4, dtype="float64"
    )


def test_what_stands_side_by_side_is_not_compared():
    x, _ = table()
    net = members(2, "tanh")
    # The first is as good as right; what comes back to it is small from the start.
    y = net.predict(x) + np.array([1e-7, 1e-7, 1, 1])
    assert not {"vanishing_gradients", "exploding_gradients"} & {*codes(net, x, y)}
    net = members(9, "sigmoid")
    found = net.diagnose(x, net.predict(x) + 1)["vanishing_gradients"]
    assert [one.where for one in found] == [
        "concat_1.chain_1.dense_1",
        "concat_1.chain_2.dense_1",
    ]


@pytest.mark.parametrize(
    ("depth", "activation"), [(4, "sigmoid"), (16, "tanh"), (8, "relu"), (16, "selu")]
)
def test_gradients_that_arrive(depth, activation):
    assert codes(deep(depth, activation), *table()) == ()


def test_residuals_let_the_gradient_pass():
    x, y = table()
    inner = [Residual([Dense(4, "sigmoid")]) for _ in range(12)]
    net = NeuralNetwork([*inner, Dense(2)], loss="cross_entropy")
    assert codes(net, x, y) == ()


def test_gradients_and_outputs_that_explode():
    x, y = table()
    net = deep(6, "identity", weight_init="ones")
    for name, window in net.build(4).parameters.items():
        if name.endswith("W"):
            window[:] = 4 * np.random.default_rng(0).normal(size=window.shape)
    found = net.diagnose(x, y)
    assert set(found.codes) == {"growing_outputs", "exploding_gradients"}
    assert found["exploding_gradients"][0].where == "dense_1"
    assert found["growing_outputs"][0].where == "dense_7"


def test_outputs_of_trained_size_do_not_explode():
    x, y = table()
    net = deep(3, "relu").build(4)
    for window in net.parameters.values():
        window[:] *= 3
    assert codes(net, x, y) == ()


# -- equal units -----------------------------------------------------------------------


@pytest.mark.parametrize("start", ["zeros", "ones"])
def test_units_that_start_equal(start):
    layers = [Dense(8, "tanh", weight_init=start), Dense(2, weight_init=start)]
    net = NeuralNetwork(layers, loss="cross_entropy")
    found = net.diagnose(*table())
    assert found.codes == ("duplicate_units",)
    assert found["duplicate_units"][0].where == "dense_1"
    assert found["duplicate_units"][0].severity == "severe"


def test_two_units_that_are_equal():
    net = network(input_shape=4)
    for name, axis in (("dense_1.W", 1), ("dense_1.b", 0), ("dense_2.W", 0)):
        window = np.moveaxis(net.parameters[name], axis, 0)
        window[5] = window[2]
    (finding,) = net.diagnose(*table())
    assert finding.evidence["equal"] == [[2, 5]]
    assert finding.severity == "warning"
    net.parameters["dense_2.W"][5] *= 1.1  # another gradient: they will part
    assert codes(net, *table()) == ()


def test_units_that_training_let_fall_to_zero_are_not_duplicates():
    net = network(input_shape=4)
    for name, axis in (("dense_1.W", 1), ("dense_1.b", 0), ("dense_2.W", 0)):
        np.moveaxis(net.parameters[name], axis, 0)[[2, 5]] = 0.0
    x, y = table()
    assert codes(net, x, y) == ("duplicate_units",)
    net.fit(x, y, iterations=1, optimizer=GradientDescent(1e-9))
    assert "duplicate_units" not in codes(net, x, y)


def test_zeros_in_the_last_layer_only_are_fine():
    layers = [Dense(8, "tanh"), Dense(3, weight_init="zeros")]
    net = NeuralNetwork(layers, loss="cross_entropy")
    x, y = table()
    assert codes(net, x, y + (x[:, 2] > 1)) == ()


def test_equal_columns_in_groups():
    random = np.random.default_rng(0)
    W = random.normal(size=(3, 7))
    W[:, 4], W[:, 6], W[:, 5] = W[:, 1], W[:, 1], W[:, 0]
    same = np.ones_like(W)
    assert sorted(equal_columns(W, same)) == [[0, 5], [1, 4, 6]]
    same[0, 6] = 2.0
    assert sorted(equal_columns(W, same)) == [[0, 5], [1, 4]]


# -- batches ---------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "found"), [(4, ("small_batches",)), (8, ())])
def test_batches_too_small_for_their_statistics(size, found):
    x, y = table(n=48)
    layers = [Dense(8), BatchNorm(), "relu", Dense(2)]
    net = NeuralNetwork(layers, loss="cross_entropy")
    assert codes(net, x, y) == ()  # batches will be of 32
    net.fit(x, y, batch_size=size, epochs=1)
    assert codes(net, x, y) == found


def test_images_give_more_numbers_than_rows():
    x, y = table(n=48, columns=16)
    layers = [Conv2D(4, 3), BatchNorm(), "relu", Flatten(), Dense(2)]
    net = NeuralNetwork(layers, loss="cross_entropy")
    images = x.reshape(-1, 4, 4, 1)
    net.fit(images, y, batch_size=4, epochs=1)
    assert codes(net, images, y) == ()


# -- where inputs meet weights ---------------------------------------------------------


def test_meetings_behind_layers_without_weights():
    x, y = table()
    layers = [Dropout(0.5), BatchNorm(), Dense(8, "relu"), Residual([Dense(8)])]
    net = NeuralNetwork([*layers, Dense(2)], loss="cross_entropy")
    step = net.trace(x, y)
    ((layer, met, plain),) = meetings(step)
    assert (layer, plain) == ("dense_1", False)
    np.testing.assert_array_equal(met, step["dense_1"].input)


# -- parts of one's own ----------------------------------------------------------------


class Scaled(Layer):
    """``y = x s``, with mistakes that can be switched on."""

    wrong: str = ""

    def slots(self, shape: Any) -> dict[str, Slot]:
        return {"s": Slot(shape, "ones", "scale")}

    def forward(self, x: Any, p: Any, memo: Any) -> Any:
        memo.x = x
        return x * p.s

    def backward(self, da: Any, p: Any, g: Any, memo: Any) -> Any:
        total = (da * memo.x).sum(axis=0)
        g.s = 0.5 * total if self.wrong == "slot" else total
        return da if self.wrong == "input" else da * p.s


def scaled(wrong, *after):
    """Return a network in which scales other than 1 are one's own."""
    layers = [Dense(6, "tanh"), Scaled(wrong), *after, Dense(2)]
    net = NeuralNetwork(layers, loss="cross_entropy", input_shape=4)
    net.parameters["scaled_1.s"] = np.linspace(0.5, 2.0, 6)
    return net


@pytest.mark.parametrize(
    ("wrong", "where", "what"),
    [("slot", "scaled_1.s", "dL/ds"), ("input", "scaled_1", "dL/dx")],
)
def test_a_layer_of_ones_own_with_a_mistake(wrong, where, what):
    (finding,) = scaled(wrong).diagnose(*table())
    assert (finding.code, finding.severity) == ("wrong_gradients", "severe")
    assert (finding.where, finding.evidence["of"]) == (where, what)
    assert f"Scaled({wrong!r})" in finding.sentence


def test_a_layer_of_ones_own_without_a_mistake():
    assert codes(scaled(""), *table()) == ()
    # What stands before the one with the mistake has a wrong gradient, and no fault.
    found = scaled("", Scaled("input")).diagnose(*table())
    assert [each.where for each in found] == []
    net = scaled("", Scaled("input"))
    net.parameters["scaled_2.s"] = np.linspace(0.5, 2.0, 6)
    assert [each.where for each in net.diagnose(*table())] == ["scaled_2"]


class Bent(Activation):
    """``a = z + height |z|``, with a kink, and a slope that may be wrong."""

    height: float = 0.5
    off: float = 0.0

    def value(self, z: Any) -> Any:
        return z + self.height * np.abs(z)

    def slope(self, z: Any, a: Any) -> Any:
        return 1.0 + self.height * np.sign(z) + self.off


@pytest.mark.parametrize("place", ["inside", "alone"])
def test_an_activation_of_ones_own(place):
    def net(activation):
        inside = place == "inside"
        first = [Dense(6, activation)] if inside else [Dense(6), activation]
        return NeuralNetwork([*first, Dense(2)], loss="cross_entropy")

    (finding,) = net(Bent(0.5, 0.1)).diagnose(*table())
    assert finding.code == "wrong_gradients"
    assert "Bent" in finding.sentence
    assert codes(net(Bent(0.5)), *table()) == ()


def test_a_kink_in_the_middle_of_the_data_is_no_mistake():
    x, y = table()
    layers = [Bent(), Dense(6, "relu"), Bent(), Dense(2)]
    net = NeuralNetwork(layers, loss="cross_entropy")
    # Many inputs are exactly 0.
    assert "wrong_gradients" not in codes(net, np.round(x), y)


def test_a_loss_of_ones_own():
    class Fourth(Loss):
        wrong: float = 1.0

        def value(self, y_hat: Any, y: Any) -> Any:
            return ((y_hat - y) ** 4).sum(axis=1)

        def slope(self, y_hat: Any, y: Any) -> Any:
            return self.wrong * 4.0 * (y_hat - y) ** 3

    x, _ = table()
    y = x[:, 0] * x[:, 1]
    (finding,) = network(outputs=1, loss=Fourth(2.0)).diagnose(x, y)
    assert (finding.code, finding.where) == ("wrong_gradients", "loss")
    assert codes(network(outputs=1, loss=Fourth()), x, y) == ()


def test_a_layer_of_ones_own_that_takes_named_inputs():
    class Sum(Layer):
        wrong: bool = False

        def forward(self, x: Any, p: Any, memo: Any) -> Any:
            return x["a"] + 2.0 * x["b"]

        def backward(self, da: Any, p: Any, g: Any, memo: Any) -> Any:
            return {"a": da, "b": da if self.wrong else 2.0 * da}

    x, y = table()
    parts = {"a": x[:, :2], "b": x[:, 2:]}

    def net(wrong):
        shapes = {"a": 2, "b": 2}
        layers = [Sum(wrong), Dense(2)]
        return NeuralNetwork(layers, loss="cross_entropy", input_shape=shapes)

    (finding,) = net(True).diagnose(parts, y)
    assert finding.evidence["of"] == "dL/dx['b']"
    assert codes(net(False), parts, y) == ()


def test_a_layer_with_a_single_weight_and_one_that_keeps_another_dz():
    class Single(Layer):
        def slots(self, shape: Any) -> dict[str, Slot]:
            return {"s": Slot((), "ones", "weight")}

        def forward(self, x: Any, p: Any, memo: Any) -> Any:
            memo.x = x
            return x * p.s

        def backward(self, da: Any, p: Any, g: Any, memo: Any) -> Any:
            g.s = (da * memo.x).sum()
            memo.dz = da[..., :1]
            return da * p.s

    net = NeuralNetwork([Single(), Dense(2)], loss="cross_entropy")
    assert codes(net, *table()) == ()


# -- what cannot be looked at ----------------------------------------------------------


def test_a_layer_that_cannot_be_written_down_is_told():
    class Odd(Layer):
        def forward(self, x: Any, p: Any, memo: Any) -> Any:
            return x

        def backward(self, da: Any, p: Any, g: Any, memo: Any) -> Any:
            return da if float(np.asarray(da).sum()) < 1e9 else 0 * da

    net = NeuralNetwork([Odd(), Dense(2)], loss="cross_entropy")
    found = net.diagnose(*table())
    assert found.codes == ()
    assert "odd_1" in found.skipped["the numbers of a step"]
    x, y = table()
    assert codes(net, 100 * x, y) == ()  # the step would have told


def test_nothing_changes(engine):
    x, y = table()
    layers = [Dense(8), BatchNorm(), "relu", Dropout(0.5), Dense(2)]
    net = NeuralNetwork(layers, loss="cross_entropy")
    net.fit(x, y, epochs=2, optimizer=GradientDescent(0.1))
    before, history = net.weights.copy(), net.history.to_dict()
    net.diagnose(x, y)
    np.testing.assert_array_equal(net.weights, before)
    assert net.history.to_dict() == history


def test_select_of_one_named_input_is_looked_at():
    x, y = table()
    net = NeuralNetwork(
        [Select("a"), Dense(2)], loss="cross_entropy", input_shape={"a": 4}
    )
    assert codes(net, {"a": x}, y) == ()
    assert codes(net, {"a": 100 * x}, y) == ("unscaled_inputs",)
