"""Findings about the course of a training, and the doctor beside it."""

import warnings

import numpy as np
import pytest
from doctor_cases import codes, network, table

from pellucid import (
    Adam,
    Dense,
    Doctor,
    DoctorWarning,
    GradientDescent,
    NeuralNetwork,
    NonFiniteError,
)
from pellucid.doctor.case import Case
from pellucid.doctor.course import fixed_answer_loss, parts
from pellucid.training import History


def trained(net, x, y, **settings):
    """Return a network after its training."""
    net.fit(x, y, progress=False, **settings)
    return net


def after(**course):
    """Return what is found in an invented course."""
    x, y = table()
    net = trained(network(), x, y, optimizer=Adam(0.01), epochs=30)
    loss = course.get("loss", course.get("validation", [1.0]))
    quiet = {
        "iterations": [value for value in loss for _ in range(10)],
        "learning_rate": [0.001] * len(loss),
        "loss": loss,
        "best_epoch": None,
    }
    net.training.history = History(**quiet | course)
    return net.diagnose(x, y)


def test_the_course_is_not_looked_at_before_training():
    assert "the course of the training" in network().diagnose(*table()).skipped


def test_a_rate_that_is_too_high():
    x, y = table()
    net = trained(network("tanh"), x, y, optimizer=GradientDescent(300.0), epochs=20)
    (finding,) = net.diagnose(x, y)["rate_too_high"]
    assert finding.severity == "severe"
    assert finding.evidence["learning rate"] == 300.0
    assert "30 instead of 300" in finding.remedy
    net = trained(network("relu"), x, y, optimizer=GradientDescent(0.3), epochs=20)
    assert codes(net, x, y) == ()


def test_the_loss_of_a_few_batches_is_no_rise():
    falling = np.linspace(2.0, 1.9, 20).tolist()
    scattered = [1.2, 1.3, 1.1, 1.3, 1.2] + [3.0, 1.0] * 98
    found = after(loss=falling, iterations=scattered)
    assert "rate_too_high" not in found.codes
    rising = after(loss=np.linspace(1.3, 1.9, 20).tolist())
    assert rising.codes[:1] == ("rate_too_high",)


def test_losses_below_zero_neither_rise_nor_jump_by_falling():
    for start in (1.0, -0.5):
        course = np.linspace(start, -3.0, 20) + 0.04 * (np.arange(20) % 2)
        found = after(loss=course.tolist())
        assert "rate_too_high" not in found.codes
    course = np.linspace(-3.0, -2.0, 20)
    assert "rate_too_high" in after(loss=course.tolist()).codes


def test_a_loss_that_jumps():
    falling = np.geomspace(1.0, 0.1, 20)
    jumping = falling * np.where(np.arange(20) % 3, 1, 4)
    found = after(loss=jumping.tolist())
    assert found.codes[:1] == ("rate_too_high",)
    assert "jumps" in found["rate_too_high"][0].sentence
    scattering = falling * np.where(np.arange(20) % 3, 1, 1.5)
    assert "rate_too_high" not in after(loss=scattering.tolist()).codes
    # Far below the first loss, a factor of four is no harm.
    tiny = np.concatenate([[1.0], jumping[1:] / 100])
    assert "rate_too_high" not in after(loss=tiny.tolist()).codes


def test_a_rate_that_is_too_low():
    x, y = table()
    slow = trained(network(), x, y, optimizer=GradientDescent(1e-4), epochs=60)
    (finding,) = slow.diagnose(x, y)["rate_too_low"]
    assert finding.evidence["step relative to weights"] < 1e-3
    assert "0.001 instead of 0.0001" in finding.remedy
    fast = trained(network(), x, y, optimizer=GradientDescent(0.1), epochs=60)
    assert codes(fast, x, y) == ()


def test_a_loss_that_stays_where_it_is_is_no_matter_of_the_rate():
    x, _ = table()
    y = np.random.default_rng(3).integers(0, 2, 200)
    net = trained(network(), x, y, optimizer=GradientDescent(1e-3), epochs=60)
    assert "rate_too_low" not in codes(net, x, y)


def test_a_gradient_that_leaps():
    norms = [1.0, 0.9, 1.1, 1.0, 5000.0, 1.0]
    (finding,) = after(loss=[1.0] * 6, gradient_norm=norms)["gradient_spikes"]
    assert (finding.evidence["epoch"], finding.evidence["usual"]) == (5, 1.0)
    norms = np.geomspace(1000.0, 1e-3, 20).tolist()  # it falls as it should
    assert "gradient_spikes" not in after(loss=[1.0] * 20, gradient_norm=norms).codes


def test_overfitting_for_real():
    x, y = table(n=60, columns=20)
    held = table(n=200, columns=20, seed=1)
    settings = {"optimizer": Adam(0.01), "epochs": 100}
    net = NeuralNetwork([Dense(64, "relu"), Dense(2)], loss="cross_entropy")
    trained(net, x, y, validation=held, **settings)
    (finding,) = net.diagnose(x, y)["overfitting"]
    assert finding.evidence["best epoch"] == net.history.best_epoch
    x, y = table(n=1000)
    assert codes(trained(network(), x, y, validation=0.2), x, y) == ()


def test_a_validation_loss_that_scatters():
    loss = np.geomspace(1.0, 0.1, 30)
    held = loss + 0.1 + 0.02 * np.sin(np.arange(30.0))
    assert after(loss=loss.tolist(), validation=held.tolist()).codes == ()
    held[15:] = held[14] * np.linspace(1, 2, 15)
    found = after(loss=loss.tolist(), validation=held.tolist())
    assert found.codes == ("overfitting",)
    # The training loss rises as well: no learning by heart.
    loss[15:] = loss[14] * np.linspace(1, 2, 15)
    found = after(loss=loss.tolist(), validation=held.tolist())
    assert "overfitting" not in found.codes


def test_nothing_was_learned():
    x, _ = table(n=400)
    y = np.random.default_rng(3).integers(0, 2, 400)
    net = NeuralNetwork([Dense(2)], loss="cross_entropy")
    trained(net, x, y, optimizer=GradientDescent(0.01), epochs=10)
    assert codes(net, x, y) == ("nothing_learned",)
    x, y = table(n=400)
    net = NeuralNetwork([Dense(2)], loss="cross_entropy")
    trained(net, x, y, optimizer=GradientDescent(0.1), epochs=10)
    assert codes(net, x, y) == ()


def test_targets_that_were_shuffled_alone():
    x, y = table(n=300, columns=20)
    held = x[200:], y[200:]
    net = NeuralNetwork([Dense(128, "relu"), Dense(2)], loss="cross_entropy")
    shuffled = np.random.default_rng(0).permutation(y[:200])
    trained(net, x[:200], shuffled, validation=held, optimizer=Adam(0.01), epochs=60)
    assert "learned_by_heart" in codes(net, x[:200], y[:200])
    net = NeuralNetwork([Dense(128, "relu"), Dense(2)], loss="cross_entropy")
    trained(net, x[:200], y[:200], validation=held, optimizer=Adam(0.01), epochs=60)
    assert "learned_by_heart" not in codes(net, x[:200], y[:200])


@pytest.mark.parametrize(
    ("loss", "outputs", "y", "expected"),
    [
        ("cross_entropy", 3, [0, 0, 1, 2], 1.5 * np.log(2)),
        ("binary_cross_entropy", 1, [0, 0, 0, 1], None),
        ("mean_squared_error", 1, [1.0, 2.0, 3.0, 6.0], 3.5),
        ("mean_absolute_error", 1, [1.0, 2.0, 3.0, 60.0], 15.0),
        ("poisson", 1, [1.0, 2.0, 3.0, 6.0], 3.0 * (1 - np.log(3.0))),
    ],
)
def test_the_loss_of_one_fixed_answer(loss, outputs, y, expected):
    net = NeuralNetwork([Dense(outputs)], loss=loss)
    case = Case(net, net.samples([[0.0]] * 4, y))
    if expected is None:
        expected = -0.75 * np.log(0.75) - 0.25 * np.log(0.25)
    assert fixed_answer_loss(case) == pytest.approx(expected)


def test_a_fixed_answer_that_cannot_be_tried():
    net = NeuralNetwork([Dense(2)], loss="gaussian_likelihood")
    case = Case(net, net.samples([[0.0]] * 4, [1.0, 2, 3, 4]))
    assert fixed_answer_loss(case) == np.inf


def test_parts_are_means():
    assert parts(np.arange(40.0)).tolist() == (np.arange(20) * 2 + 0.5).tolist()


def test_a_minimizer_has_no_learning_rate_to_judge():
    x, y = table()
    net = trained(network(), x, y, optimizer="lbfgs", iterations=60)
    assert not {"rate_too_high", "rate_too_low"} & set(codes(net, x, y))


# -- the doctor as a callback ----------------------------------------------------------


@pytest.mark.usefixtures("engine")
def test_the_doctor_looks_before_and_during_training():
    x, y = table()
    doctor = Doctor()
    net = network("relu")
    net.fit(100 * x, y, epochs=3, callbacks=[doctor])
    assert doctor.since["unscaled_inputs"] == 0
    assert not doctor.diagnosis.ok
    net.fit(x, y, epochs=3, callbacks=[doctor])
    assert doctor.since == {}
    assert doctor.diagnosis.ok


@pytest.mark.usefixtures("engine")
def test_training_beside_a_doctor_ends_in_the_same_bits():
    x, y = table()
    ends = []
    for callbacks in ([], [Doctor()]):
        net = network("relu")
        net.fit(x, y, epochs=5, validation=0.2, callbacks=callbacks)
        ends.append(net.weights)
    np.testing.assert_array_equal(*ends)


def test_the_doctor_warns_once_of_what_is_severe():
    x, y = table()
    layers = [Dense(8, weight_init="zeros"), Dense(2, weight_init="zeros")]
    for doctor, count in ((Doctor(), 1), (Doctor(warn=False), 0)):
        net = NeuralNetwork(layers, loss="cross_entropy")
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            net.fit(x, y, epochs=4, callbacks=[doctor])
        assert [each.category for each in told] == [DoctorWarning] * count
        assert doctor.since == {"duplicate_units": 0}


def test_the_doctor_sees_validation_data():
    x, y = table()
    doctor = Doctor()
    network("relu").fit(x, y, epochs=1, validation=(x, y), callbacks=[doctor])
    assert doctor.diagnosis.codes == ("shared_rows",)


# -- the first number that is not finite -----------------------------------------------


def failing(net, x, y, **settings):
    """Return what the doctor says of a training that fails."""
    with pytest.raises(NonFiniteError, match=r"net\.diagnose\(x, y\)"):
        net.fit(x, y, progress=False, **settings)
    found = net.diagnose(x, y)
    (finding,) = found["not_finite"]
    return finding


@pytest.mark.usefixtures("engine")
def test_a_product_that_overflows():
    x, y = table()
    net = network("relu")
    finding = failing(net, x, y, optimizer=GradientDescent(1e30))
    assert finding.severity == "severe"
    assert finding.where == "dense_2"
    assert finding.evidence["operation"] == "dense_1.a @ dense_2.W"
    assert set(finding.evidence["went in"]) == {"dense_1.a", "dense_2.W"}
    assert finding.sentence.startswith("Epoch 1, batch 2 (iteration 2): the first")
    assert "has grown to" in finding.sentence
    assert len(finding.evidence["losses before"]) == 1


@pytest.mark.usefixtures("engine")
def test_a_function_that_overflows_with_the_number_that_went_in():
    x, y = table()
    layers = [Dense(8, "exp"), Dense(1)]
    net = NeuralNetwork(layers, loss="mean_squared_error", input_shape=4)
    net.parameters["dense_1.b"][3] = 200.0
    finding = failing(net, x, y)
    assert finding.where == "dense_1"
    assert finding.evidence["operation"] == "exp(dense_1.z)"
    went_in = finding.evidence["went in"]["dense_1.z"]
    assert 195 < went_in < 205
    assert f"exp({went_in:.4g})" in finding.sentence
    assert finding.evidence["first at"][1] == 3


@pytest.mark.usefixtures("engine")
def test_an_update_that_overflows():
    x, y = table()
    net = NeuralNetwork([Dense(2)], loss="cross_entropy")
    finding = failing(net, 1e3 * x, y, optimizer=GradientDescent(1e38))
    assert finding.where == "the update"
    assert "rate" in finding.evidence["operation"]


def test_a_recording_tells_when_the_weights_grew():
    x, y = table()
    layers = [Dense(16, "relu"), Dense(16, "relu"), Dense(1)]
    net = NeuralNetwork(layers, loss="mean_squared_error")
    settings = {"optimizer": GradientDescent(0.8), "record": 2}
    finding = failing(net, x, 10 * y, **settings)
    (slot, sizes) = next(
        iter(finding.evidence["size over the last iterations"].items())
    )
    recorded = [net.recording.weights(i)[slot] for i in range(len(net.recording))]
    expected = [np.sqrt(np.mean(each.astype(float) ** 2)) for each in recorded[-6:]]
    np.testing.assert_allclose(sizes, expected, rtol=1e-6)
    assert "It grew most in iteration" in finding.sentence


def test_the_failure_is_forgotten_when_training_goes_well():
    x, y = table()
    net = network("relu")
    failing(net, x, y, optimizer=GradientDescent(1e30))
    fresh = network("relu")
    net.weights = fresh.build(4).weights
    net.fit(x, y, epochs=2)
    assert "not_finite" not in codes(net, x, y)


def test_a_step_that_would_overflow_is_told_before_training():
    x, y = table()
    layers = [Dense(8, "exp"), Dense(2)]
    net = NeuralNetwork(layers, loss="cross_entropy", input_shape=4)
    net.parameters["dense_1.b"][3] = 200.0
    found = net.diagnose(x, y)
    assert found.codes == ("not_finite",)
    assert found["not_finite"][0].where == "dense_1"
    assert "a step's numbers" in str(found)
    net.parameters["dense_1.b"][3] = 20.0  # large, but not beyond the range
    assert "not_finite" not in codes(net, x, y)


def test_what_overflows_and_is_thrown_away_is_no_cause():
    from typing import Any

    from pellucid import Activation
    from pellucid.doctor.first_cause import first_cause

    class Halves(Activation):
        def value(self, z: Any) -> Any:
            return np.where(z > 0, z, np.exp(-z) * 0.0 + z)

        def slope(self, z: Any, a: Any) -> Any:
            return np.ones_like(z)

    x, y = table()
    net = NeuralNetwork([Dense(4, Halves()), Dense(2)], loss="cross_entropy")
    net.build(4).parameters["dense_1.b"][:] = 200.0
    assert first_cause(net.trace(-x, y)) is None
    net.parameters["dense_1.b"][:] = -200.0  # now inf * 0 is used
    _, _, node = first_cause(net.trace(x, y))
    assert (node.layer, node.operation.name) == ("dense_1", "exp")


def test_a_minimizer_that_fails_is_explained():
    x, y = table()
    layers = [Dense(8, "exp"), Dense(1)]
    net = NeuralNetwork(layers, loss="mean_squared_error", input_shape=4)
    net.parameters["dense_1.b"][3] = 200.0
    assert failing(net, x, y, optimizer="lbfgs").where == "dense_1"
