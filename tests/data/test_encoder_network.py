"""Networks that take tables as they are, and answer in the units of the target."""

import numpy as np
import pandas as pd
import polars as pl
import pytest

import pellucid
from pellucid import DataError, Dense, Encoder, NeuralNetwork
from pellucid.data import split_indices, table


def houses(n=400, seed=0):
    """Return columns of a table in which the price is a known function."""
    random = np.random.default_rng(seed)
    area = random.uniform(20, 200, n)
    city = random.choice([f"city {k}" for k in range(12)], n)
    garden = random.choice(["yes", "no"], n)
    worth = {f"city {k}": 1000.0 * k for k in range(12)}
    price = 100_000 + 2000 * area + [10 * worth[c] for c in city]
    price = price + 20_000 * (garden == "yes")
    return {"area": area, "city": city, "garden": garden, "price": price}


def network(encoder, outputs=1, loss="mean_squared_error", dtype="float32"):
    net = NeuralNetwork(
        encoder.layers([Dense(32, "relu"), Dense(outputs)]),
        loss=loss,
        input_shape=encoder.input_shape,
        dtype=dtype,
    )
    net.reader = encoder
    return net


@pytest.fixture(scope="module")
def trained():
    data = table(houses(), "price")
    train, held = split_indices(len(data), 0.25)
    encoder = Encoder.fit(data, rows=train)
    net = network(encoder)
    net.fit(
        data.take(train),
        data.y[train],
        epochs=60,
        validation=(data.take(held), data.y[held]),
    )
    return net, data, held


def test_the_truth_is_never_kept_within_the_range_of_predictions():
    data = table({"a": np.arange(4.0), "y": [0.5, 1.5, 2.5, 3.5]}, "y")
    net = network(Encoder.fit(data, clamp=True))
    net.parameters.vector[:] = 0.0
    # It says the mean, 2, from which 100.5 is 98.5 away.
    measured = net.evaluate(data.take([3]), [100.5], metrics=["rmse", "mae"])
    assert measured["rmse"] == pytest.approx(98.5)
    assert measured["mae"] == pytest.approx(98.5)


@pytest.mark.usefixtures("engine")
def test_predictions_are_in_units(trained):
    net, data, held = trained
    rows = data.take(held)
    found = net.predict(rows)
    assert found.shape == (len(held),)
    error = np.sqrt(np.mean((found - rows.y) ** 2))
    assert error < 0.2 * rows.y.std()
    measured = net.evaluate(rows, rows.y)
    assert measured["rmse"] == pytest.approx(error, rel=1e-3)
    assert measured["r2"] > 0.96
    # The loss is that of standardized targets.
    scale = net.reader.target.scale
    assert measured["loss"] == pytest.approx((error / scale) ** 2, rel=1e-3)

    def largest(y, y_hat):
        return np.abs(y - y_hat).max()

    own = net.evaluate(rows, rows.y, metrics=[largest])
    assert own["largest"] == pytest.approx(np.abs(found - rows.y).max(), rel=1e-3)


def test_every_way_to_hand_in_rows_gives_the_same(trained, tmp_path):
    net, data, _ = trained
    columns = {name: values[:20] for name, values in houses().items()}
    expected = net.predict(data.take(slice(20)))
    frame = pd.DataFrame(columns)
    path = tmp_path / "rows.csv"
    frame.to_csv(path, index=False)
    for given in (
        columns,
        frame,
        pl.DataFrame(columns),
        frame[["garden", "price", "city", "area"]],
        frame.to_dict("records"),
        path,
        str(path),
        net.reader.encode(columns),
    ):
        np.testing.assert_allclose(net.predict(given), expected, rtol=1e-6)
    row = frame.iloc[3].to_dict()
    assert net.predict(row) == pytest.approx(expected[3], rel=1e-5)
    assert isinstance(net.predict(row), float)


def test_a_model_file_keeps_the_encoder(trained, tmp_path):
    net, data, held = trained
    net.save(tmp_path / "net.pellucid")
    again = pellucid.load(tmp_path / "net.pellucid")
    assert again.reader == net.reader
    rows = data.take(held)
    expected = net.predict(rows, engine="readable")
    for other in (again, net.copy()):
        np.testing.assert_array_equal(other.predict(rows, engine="readable"), expected)


def test_what_is_not_as_in_training_is_told(trained):
    net = trained[0]
    columns = {name: values[:5] for name, values in houses().items()}
    del columns["area"]
    with pytest.raises(DataError, match="lacks the column 'area'"):
        net.predict(columns)
    columns["area"] = ["big"] * 5
    with pytest.raises(DataError, match="row 0, column 'area': found 'big'"):
        net.predict(columns)
    columns["area"], columns["city"] = [50.0] * 5, ["Atlantis"] * 5
    with pytest.warns(UserWarning, match="Atlantis"):
        assert len(net.predict(columns)) == 5


def test_classes_are_predicted_by_name(engine):
    columns = houses(300)
    price = columns.pop("price")
    columns["dear"] = np.where(price > np.median(price), "dear", "cheap")
    data = table(columns, "dear")
    encoder = Encoder.fit(data)
    net = network(encoder, 2, "cross_entropy")
    net.fit(data, data.labels, epochs=40, engine=engine)
    assert net.history.engine.startswith(engine)
    assert (net.predict(data) == data.labels).mean() > 0.95
    assert net.predict_proba(data).shape == (300, 2)
    assert net.classes.tolist() == list(data.classes)


def test_two_outputs_of_which_one_answers():
    data = table(houses(200), "price")
    encoder = Encoder.fit(data, clamp=True)
    net = network(encoder, 2, "gaussian_likelihood")
    net.fit(data, data.y, epochs=5)
    found = net.predict(data)
    assert found.shape == (200,)
    assert (found >= data.y.min()).all()
    assert (found <= data.y.max()).all()


def test_partial_fit_takes_tables():
    data = table(houses(200), "price")
    net = network(Encoder.fit(data))
    first = net.evaluate(data, data.y)["rmse"]
    for _ in range(20):
        net.partial_fit(data, data.y)
    assert net.evaluate(data, data.y)["rmse"] < first / 2


def test_backprop_and_check_of_gradients_take_encoded_rows(trained):
    net, data, _ = trained
    few = data.take(slice(8))
    loss, gradients = net.backprop(few, few.y)
    encoded = net.reader.encode(few)
    again, _ = net.backprop(encoded, few.y)
    assert loss == again
    assert np.isfinite(gradients.vector).all()


def test_numbers_alone_make_one_input():
    data = table({"a": [1.0, 2, 3, 5], "y": [1.5, 2, 3, 4]}, "y")
    encoder = Encoder.fit(data)
    assert encoder.layers([Dense(1)]) == [Dense(1)]
    assert encoder.input_shape.shape == (1,)
    net = network(encoder)
    assert net.feedforward(data).shape == (4, 1)


def test_categories_alone_make_branches():
    cells = [f"level {n}" for n in range(12)] * 3
    one = table({"c": cells, "y": np.arange(36.0)}, "y")
    encoder = Encoder.fit(one)
    net = network(encoder)
    net.fit(one, one.y, epochs=2)
    assert set(net.blueprint.inputs) == {"c code"}
    assert net.predict({"c": "level 3"}) == pytest.approx(net.predict(one)[3])
    two = table({"c": cells, "d": cells[::-1], "y": np.arange(36.0)}, "y")
    net = network(Encoder.fit(two))
    assert net.feedforward(two).shape == (36, 1)


def test_arrays_where_rows_of_a_table_are_expected(trained):
    net, _, _ = trained
    with pytest.raises(DataError, match="columns 'area', 'city', 'garden': a data"):
        net.predict(np.ones((2, 3)))
