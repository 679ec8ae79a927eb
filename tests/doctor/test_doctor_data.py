"""Findings about data: each one provoked, beside a near miss that is no finding."""

import numpy as np
import pytest
from doctor_cases import codes, network, table

from pellucid import (
    BatchNorm,
    Chain,
    Concat,
    DataError,
    Dense,
    Embedding,
    Flatten,
    Input,
    NeuralNetwork,
    Rescale,
    Select,
)
from pellucid.activations import Activation
from pellucid.doctor.leaks import area, explained_variance, ranks
from pellucid.doctor.targets import value_range


def test_good_data_give_no_finding():
    assert codes(network(), *table()) == ()


@pytest.mark.parametrize("gap", [np.nan, np.inf, 1e300])
def test_gaps_are_counted_and_the_rest_is_looked_at(gap):
    x, y = table()
    x[:, 3] = 4.0
    x[7, 2] = x[9, 2] = x[9, 1] = gap
    found = network().diagnose(x, y)
    assert found.codes == ("missing_inputs", "constant_features")
    (finding,) = found["missing_inputs"]
    assert finding.severity == "severe"
    assert finding.evidence == {
        "values": 3,
        "rows": 2,
        "of rows": 200,
        "first row": 7,
        "by column": {1: 1, 2: 2},
    }
    assert "row 7, column 2" in finding.sentence
    assert found.rows == 198


def test_gaps_name_the_columns_of_a_frame():
    pandas = pytest.importorskip("pandas")
    x, y = table(columns=2)
    x[3, 1] = np.nan
    (finding,) = network().diagnose(pandas.DataFrame(x, columns=["age", "size"]), y)
    assert "column 1 ('size')" in finding.sentence
    assert finding.evidence["by column"] == {"size": 1}


def test_gaps_in_targets_and_in_named_inputs():
    x, y = table()
    numbers = x[:, 0] * x[:, 1]
    numbers[5] = np.nan
    net = network(outputs=1, loss="mean_squared_error")
    assert codes(net, x, numbers) == ("missing_targets",)
    layers = [Concat([Select("a"), Select("b")]), Dense(2)]
    shapes = {"a": 2, "b": 2}
    net = NeuralNetwork(layers, loss="cross_entropy", input_shape=shapes)
    x[4, 3] = np.nan
    (finding,) = net.diagnose({"a": x[:, :2], "b": x[:, 2:]}, y)
    assert (finding.code, finding.where) == ("missing_inputs", "b")
    assert "row 4, column 1" in finding.sentence


def test_rows_that_do_not_match_are_refused_as_anywhere():
    x, y = table()
    x[0, 0] = np.nan
    with pytest.raises(DataError, match="row 0, column 0"):
        network().diagnose(x, y[1:])
    with pytest.raises(DataError, match="199"):
        network().diagnose(x[1:], y)
    with pytest.raises(DataError):
        network(input_shape=4).diagnose(x[0], y[:1])


def test_no_row_without_gaps():
    x, y = table()
    x[:, 0] = np.nan
    found = network().diagnose(x, y)
    assert found.codes == ("missing_inputs",)
    assert "no two rows without gaps" in str(found)


def test_constant_columns():
    x, y = table()
    x[:, 2] = 1.5
    (finding,) = network().diagnose(x, y)
    assert (finding.code, finding.where) == ("constant_features", "column 2")
    assert finding.evidence["values"] == {"column 2": 1.5}
    x[:, 2] = np.arange(200) == 7  # a rare event, which may tell something
    assert codes(network(), x, y) == ()
    assert codes(network(), x[:4] * 0 + 1, y[:4]) == ()  # too few to judge


def test_columns_that_are_copies():
    x, y = table()
    x[:, 3] = (0.5 * x[:, 1] + 1.0).astype(np.float32)
    (finding,) = network().diagnose(x, y)
    assert finding.code == "duplicate_features"
    assert "column 3 of column 1" in finding.sentence
    x[:, 3] += 0.01 * table(seed=1)[0][:, 0]  # a correlation of 0.9998
    assert codes(network(), x, y) == ()
    # A yes and a no side by side are no copies: one-hot columns are made like that.
    x[:, 2], x[:, 3] = y, 1 - y
    assert "duplicate_features" not in codes(network(), x, y)


@pytest.mark.parametrize(
    "leak",
    [
        lambda y, noise: y,
        lambda y, noise: 3.0 * y + 0.01 * noise,
        lambda y, noise: np.where(y, 1, np.where(noise > 0, 0, 2)),
        lambda y, noise: np.where(y, 0.001, 5.0) + np.where(y, 0, np.abs(noise)) ** 3,
    ],
    ids=["a copy", "with noise", "a code", "a threshold"],
)
def test_a_column_that_was_made_from_the_class(leak):
    x, y = table()
    noise = table(seed=1)[0][:, 0]
    x[:, 2] = leak(y, noise)
    (finding,) = network().diagnose(x, y)["leaking_feature"]
    assert finding.where == "column 2"
    # The same column of other rows says nothing.
    x[:, 2] = leak(y[::-1], noise)
    assert "leaking_feature" not in codes(network(), x, y)


def test_columns_that_tell_a_class_honestly():
    x, y = table()
    x[:, 2] = y + 0.3 * table(seed=1)[0][:, 0]  # an area of about 0.99
    assert "leaking_feature" not in codes(network(), x, y)
    # Blobs far apart: two columns alone, or one of few, tell the class, and may.
    x, y = table(columns=2)
    x[:, 0] += 20 * y
    assert "leaking_feature" not in codes(network(), x, y)
    x, y = table()
    x[:, :2] += 20 * y[:, None]
    assert "leaking_feature" not in codes(network(), x, y)
    # Every number occurs once, and so in one class only.
    x, y = table(n=40)
    assert "leaking_feature" not in codes(network(), np.round(x, 6), y)


@pytest.mark.parametrize("bend", [lambda y: 2 * y - 1, np.exp, lambda y: y**3])
def test_a_column_that_was_made_from_the_number(bend):
    x, _ = table()
    y = x[:, 0] * x[:, 1]
    x[:, 2] = bend(y)
    net = network(outputs=1, loss="mean_squared_error")
    (finding,) = net.diagnose(x, y)["leaking_feature"]
    assert finding.where == "column 2"
    x[:, 2] += 0.2 * table(seed=1)[0][:, 0]
    assert "leaking_feature" not in codes(net, x, y)


def test_an_autoencoder_is_no_leak():
    x = table()[0]
    x[:, 1] = 0.5  # one that never varies
    net = network(outputs=x.shape[1], loss="mean_squared_error")
    assert "leaking_feature" not in codes(net, x, x)
    y = x + table(seed=1)[0]
    y[:, 0] = x[:, 0]
    assert net.diagnose(x, y)["leaking_feature"]


def test_a_curve_over_one_column_is_no_leak():
    x = table()[0][:, :1]
    net = network(outputs=1, loss="mean_squared_error")
    assert codes(net, x, 2 * x[:, 0]) == ()


def test_contradicting_rows():
    random = np.random.default_rng(0)
    x = random.integers(0, 2, size=(200, 2)).astype(float)
    y = random.integers(0, 2, size=200)
    (finding,) = network().diagnose(x, y)
    assert finding.code == "contradicting_rows"
    assert finding.evidence["rows"] == 200
    assert 0.5 <= finding.evidence["best accuracy"] < 0.7
    x, y = table()
    x[:9], y[:9] = x[0], [0, 1, 0, 1, 0, 1, 0, 1, 0]  # 9 of 200: noise
    assert codes(network(), x, y) == ()


def test_validation_rows_that_are_training_rows():
    x, y = table(n=300)
    assert codes(network(), x[:200], y[:200], validation=(x[180:], y[180:])) == (
        "shared_rows",
    )
    assert codes(network(), x[:200], y[:200], validation=(x[197:], y[197:])) == ()
    # Rows of a few whole numbers occur in both halves anyway.
    few = np.random.default_rng(0).integers(0, 5, size=(300, 3)).astype(float)
    held = (few[150:], y[150:])
    assert "shared_rows" not in codes(network(), few[:150], y[:150], validation=held)


def test_one_class_only():
    x, _ = table()
    (finding,) = network().diagnose(x, np.ones(200, dtype=int))
    assert (finding.code, finding.severity) == ("single_class", "severe")
    assert "class 1" in finding.sentence


def test_a_class_that_is_nearly_all_there_is():
    x, _ = table()
    y = (np.arange(200) < 18).astype(int)
    (finding,) = network().diagnose(x, y)
    assert (finding.code, finding.severity) == ("class_imbalance", "warning")
    assert finding.evidence["largest share"] == 0.91
    assert finding.evidence["rows"] == {"0": 182, "1": 18}
    y[18:22] = 1  # 89 %
    assert codes(network(), x, y) == ()


def test_a_yes_that_is_rare_counts_as_a_class():
    x, _ = table()
    net = network(outputs=1, loss="binary_cross_entropy")
    assert codes(net, x, np.arange(200) < 18) == ("class_imbalance",)
    assert codes(net, x, np.arange(200) < 60) == ()


def test_classes_of_very_different_size():
    x, _ = table(n=400)
    y = np.repeat([0, 1, 2], [200, 191, 9])
    (finding,) = network(outputs=3).diagnose(x, y)
    assert (finding.code, finding.severity) == ("class_imbalance", "note")
    assert codes(network(outputs=3), x, np.repeat([0, 1, 2], [200, 185, 15])) == ()


def test_classes_of_a_few_rows():
    x, _ = table(n=200)
    y = np.repeat([0, 1, 2], [100, 96, 4])
    found = network(outputs=3).diagnose(x, y)
    assert found.codes == ("rare_classes", "class_imbalance")
    y = np.repeat([0, 1, 2], [90, 90, 20])
    assert codes(network(outputs=3), x, y) == ()


@pytest.mark.parametrize(
    ("factor", "offset", "found"),
    [
        (1, 0, ()),
        (8, 0, ()),
        (0.05, 0, ()),
        (1000, 0, ("target_scale",)),
        (1, 50, ("target_scale",)),
        (1e-4, 0, ("target_scale",)),
    ],
)
def test_targets_of_another_size(factor, offset, found):
    x, _ = table()
    net = network(outputs=1, loss="mean_squared_error")
    y = factor * np.tanh(x[:, 0] * x[:, 1]) + offset
    assert codes(net, x, y) == found


def test_counts_may_be_large():
    x, _ = table()
    y = np.round(np.exp(3 + np.tanh(x[:, 0] * x[:, 1])))
    assert codes(network(outputs=1, loss="poisson"), x, y) == ()


def test_a_target_that_never_changes():
    x, _ = table()
    net = network(outputs=1, loss="mean_squared_error")
    assert codes(net, x, np.full(200, 3.0)) == ("constant_target",)


@pytest.mark.parametrize(
    ("activation", "low", "high"),
    [
        ("sigmoid", 0, 1),
        ("tanh", -1, 1),
        ("relu", 0, np.inf),
        ("elu", -1, np.inf),
        ("identity", -np.inf, np.inf),
    ],
)
def test_range_of_an_activation(activation, low, high):
    assert value_range(Activation.of(activation)) == (low, high)


def test_targets_that_the_last_activation_cannot_give():
    x, _ = table()
    y = np.tanh(x[:, 0] * x[:, 1])
    layers = [Dense(8, "tanh"), Dense(1, "sigmoid")]
    net = NeuralNetwork(layers, loss="mean_squared_error")
    (finding,) = net.diagnose(x, y)
    assert (finding.code, finding.where) == ("unreachable_targets", "dense_2")
    assert finding.severity == "severe"
    assert codes(net, x, (y + 1) / 2) == ()
    assert codes(net, x, (y > 0).astype(float)) == ()  # 0 and 1 are within reach


# -- how inputs meet the first weights -------------------------------------------------


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda x: x * [1, 1, 30, 1], True),
        (lambda x: x * 5, False),
        (lambda x: x * 0.1 + np.array([3, 0, 0, 0]), True),
        (lambda x: x + np.array([3, 0, 0, 0]), False),
        (lambda x: x * [1, 1, 1e-4, 1], True),
        (lambda x: x * 0.05, False),
    ],
)
def test_columns_out_of_scale(change, found):
    x, y = table()
    assert ("unscaled_inputs" in codes(network("relu"), change(x), y)) == found


def test_a_rare_yes_is_not_small():
    x, y = table()
    x[:, 3] = np.arange(200) == 17
    assert codes(network(), x, y) == ()


def test_what_meets_the_weights_counts_and_not_what_comes_in():
    x, y = table()
    last = Dense(2)
    scaled = NeuralNetwork([BatchNorm(), Dense(8, "relu"), last], loss="cross_entropy")
    assert codes(scaled, 1000 * x + 5000, y) == ()
    late = NeuralNetwork([Dense(8), BatchNorm(), "relu", last], loss="cross_entropy")
    assert codes(late, 1000 * x, y) == ("unscaled_inputs",)


def test_pixels():
    random = np.random.default_rng(0)
    x = random.integers(0, 256, size=(60, 5, 5, 1)).astype(np.uint8)
    y = random.integers(0, 2, size=60)
    layers = [Flatten(), Dense(8, "relu"), Dense(2)]
    net = NeuralNetwork(layers, loss="cross_entropy")
    assert codes(net, x, y) == ("unscaled_inputs",)
    net = NeuralNetwork([Rescale(1 / 255), *layers], loss="cross_entropy")
    assert codes(net, x, y) == ()


def test_names_of_columns_are_told():
    pandas = pytest.importorskip("pandas")
    x, y = table(columns=2)
    frame = pandas.DataFrame(x * [1, 5000], columns=["age", "income"])
    (finding,) = network("relu").diagnose(frame, y)
    assert "column 1 ('income')" in finding.sentence


def test_whole_numbers_that_stand_for_choices_have_no_scale():
    random = np.random.default_rng(0)
    x = {"a": random.normal(size=(90, 2)), "b": random.integers(0, 40, (90, 1))}
    net = NeuralNetwork(
        [
            Concat([Select("a"), Chain([Select("b"), Embedding(40, 3), Flatten()])]),
            Dense(2),
        ],
        loss="cross_entropy",
        input_shape={"a": 2, "b": Input(1, kind="integer")},
    )
    y = (x["a"][:, 0] + random.normal(size=90) > 0).astype(int)
    assert codes(net, x, y) == ()
    x["a"] = 100 * x["a"]
    (finding,) = net.diagnose(x, y)
    assert (finding.code, finding.where) == ("unscaled_inputs", "concat_1")


# -- measures --------------------------------------------------------------------------


def test_ranks_of_equal_numbers_are_shared():
    assert ranks(np.array([5.0, 1.0, 5.0, 0.0])).tolist() == [2.5, 1.0, 2.5, 0.0]


def test_area_is_the_chance_to_be_larger():
    random = np.random.default_rng(0)
    values, yes = random.integers(0, 6, 50).astype(float), random.random(50) < 0.4
    won = [(a > b) + (a == b) / 2 for a in values[yes] for b in values[~yes]]
    expected = np.mean(won)
    assert area(values, yes) == pytest.approx(max(expected, 1 - expected))


def test_explained_variance_of_known_numbers():
    classes = np.array([0, 0, 1, 1])
    assert explained_variance(np.array([1.0, 1, 5, 5]), classes) == 1.0
    assert explained_variance(np.array([0.0, 2, 0, 2]), classes) == 0.0
    values = np.array([0.0, 2, 4, 6])  # variance 5, within classes 1
    assert explained_variance(values, classes) == pytest.approx(0.8)
