"""Training on tables by a recipe, from end to end."""

from dataclasses import replace

import numpy as np
import pytest

import pellucid
from pellucid.errors import DataError
from pellucid.tabular import recipe_for, train


def people(n=160, seed=0):
    """A table of both kinds of columns, with gaps and many levels."""
    r = np.random.default_rng(seed)
    age, city = r.normal(40, 12, n), r.integers(0, 20, n)
    smokes = r.random(n) < 0.4
    ill = age / 12 + 2 * smokes + (city % 3) + r.normal(size=n) > 5.3
    return {
        "age": np.where(r.random(n) < 0.1, np.nan, age),
        "smokes": np.where(smokes, "yes", "no"),
        "city": [f"city {c:02d}" for c in city],
        "ill": np.where(ill, "ill", "well"),
        "cost": 100 * age + 500 * smokes,
    }


def quick(rows, task, **more):
    recipe = recipe_for(rows, task)
    return replace(recipe, hidden=(16,), epochs=15, **more)


def table_of(target):
    source = people()
    other = "cost" if target == "ill" else "ill"
    return pellucid.data.table(
        {name: column for name, column in source.items() if name != other}, target
    )


def test_a_bag_is_one_network_that_takes_tables(tmp_path):
    table = table_of("ill")
    trained = train(table, recipe=quick(160, "classes"), progress=False)
    assert len(trained.histories) == 5
    assert sorted(trained.held_out.tolist()) == list(range(160))
    assert trained.temperature > 0
    net = trained.network
    assert net.classes.tolist() == ["ill", "well"]
    p = net.predict_proba(table)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)
    assert net.evaluate(table, table.labels)["accuracy"] > 0.6
    row = {"age": 50.0, "smokes": "yes", "city": "city 03"}
    assert net.predict(row) in ("ill", "well")
    net.save(tmp_path / "ill.pellucid")
    again = pellucid.load(tmp_path / "ill.pellucid")
    np.testing.assert_array_equal(again.predict_proba(table), p)
    assert again.predict_proba(people()).shape == (160, 2)


def test_a_bag_predicts_the_mean_of_its_members():
    table = table_of("cost")
    trained = train(table, recipe=quick(160, "numbers"), progress=False)
    net = trained.network
    x = net.reader.encode(table)
    members = net.feedforward(x)
    assert members.shape == (160, 5)
    assert np.ptp(members, axis=1).max() > 0
    mean = net.reader.to_units(members.mean(axis=1, dtype=np.float64))
    np.testing.assert_allclose(net.predict(table), mean, rtol=1e-4)
    assert net.evaluate(table, table.y)["r2"] > 0.5


def test_one_network_holds_out_a_fifth():
    table = table_of("ill")
    recipe = quick(160, "classes", folds=0)
    trained = train(table, recipe=recipe, progress=False, seed=3)
    assert len(trained.histories) == 1
    assert len(trained.held_out) == 32
    assert trained.temperature == 1.0  # too few rows held out for one
    told = "<TrainedTable: 1 network, 15 epochs, 32 rows held out, temperature 1>"
    assert repr(trained) == told
    again = train(table, recipe=recipe, progress=False, seed=3)
    assert again.network.weights.tobytes() == trained.network.weights.tobytes()
    other = train(table, recipe=recipe, progress=False, seed=4)
    assert other.network.weights.tobytes() != trained.network.weights.tobytes()


def test_rows_and_validation_can_be_chosen():
    table = table_of("ill")
    recipe = quick(100, "classes", folds=0)
    trained = train(
        table,
        rows=np.arange(100),
        validation=np.arange(100, 130),
        recipe=recipe,
        progress=False,
    )
    assert trained.held_out.tolist() == list(range(100, 130))
    # What the network knows of the columns comes from the training rows alone.
    encoder = pellucid.Encoder.fit(
        table, rows=np.arange(100), scaling="adaptive", clamp=True
    )
    assert trained.network.reader == encoder


def test_an_ensemble_shares_its_hidden_layers():
    table = table_of("ill")
    recipe = replace(recipe_for(160, "classes", ensemble=4), hidden=(16, 16), epochs=30)
    trained = train(table, recipe=recipe, progress=False)
    net = trained.network
    assert net.parameters["conv1d_2.W"].shape == (1, 16, 16)
    logits = net.feedforward(net.reader.encode(table)).reshape(160, 4, 2)
    assert np.ptp(logits, axis=1).max() > 0
    e = np.exp(logits - logits.max(axis=-1, keepdims=True))
    p = (e / e.sum(-1, keepdims=True)).mean(axis=1)
    np.testing.assert_allclose(net.predict_proba(table), p, rtol=1e-4)


def test_a_temperature_leaves_the_order_of_classes():
    table = pellucid.data.table(pellucid.data.digits(), "digit")
    recipe = replace(recipe_for(1797, "classes"), hidden=(32,), epochs=4)
    trained = train(table, recipe=recipe, progress=False)
    assert trained.temperature != 1.0
    layers = trained.network.layers
    assert layers[-1].name == "temperature"
    assert layers[-1].factor == pytest.approx(1 / trained.temperature)
    plain = pellucid.NeuralNetwork(
        layers[:-1], loss="cross_entropy", input_shape=trained.network.blueprint.inputs
    )
    plain.weights = trained.network.weights
    x = trained.network.reader.encode(table)
    warm, cold = trained.network.feedforward(x), plain.feedforward(x)
    np.testing.assert_allclose(warm * trained.temperature, cold, rtol=1e-4, atol=1e-5)


def test_weights_of_rows_count():
    source = people() | {"often": np.where(np.arange(160) < 80, 1.0, 0.0)}
    source.pop("cost")
    weighted = pellucid.data.table(source, "ill", weight="often")
    recipe = quick(160, "classes", folds=0)
    rows, held_out = [*range(60), *range(80, 160)], range(60, 80)
    trained = train(weighted, rows=rows, validation=held_out, recipe=recipe)
    source.pop("often")
    half = pellucid.data.table(source, "ill")
    alone = train(half, rows=range(60), validation=held_out, recipe=recipe)
    ages = [net.reader.columns[0] for net in (trained.network, alone.network)]
    assert ages[0].centre == pytest.approx(ages[1].centre)


def test_very_small_tables():
    table = pellucid.data.table(
        {"x": [1.0, 2.0, 3.0, 4.0], "y": [1.5, 2.5, 3.5, 4.5]}, "y", task="numbers"
    )
    trained = train(table, recipe=quick(4, "numbers"), progress=False)
    assert len(trained.held_out) == 0
    assert np.isfinite(trained.network.predict(table)).all()


def test_tables_that_cannot_be_learned_from():
    source = people()
    source.pop("cost")
    source.pop("ill")
    with pytest.raises(DataError, match="no target"):
        train(pellucid.data.table(source))
    table = table_of("ill")
    same = np.flatnonzero(table.y == 0)
    with pytest.raises(DataError, match="the same class"):
        train(table, rows=same)
