import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import pellucid
from pellucid.errors import ConfigurationError, DataError
from pellucid.report.table_run import Baseline
from pellucid.table_training import (
    TableTraining,
    beside_the_linear,
    constant,
    divided,
    in_words,
    measured,
    scores_beside,
    shown,
)
from pellucid.tabular import recipe_for
from pellucid.training import Call


@pytest.fixture(scope="module")
def table():
    random = np.random.default_rng(0)
    x, city = random.normal(size=90), random.choice(["a", "b", "c"], 90)
    y = 3 * x + 2.0 * (city == "a") + 0.1 * random.normal(size=90)
    weight = random.integers(1, 4, 90)
    columns = {"x": x, "city": city, "y": y, "w": weight}
    return pellucid.data.table(columns, "y", weight="w")


@pytest.fixture(scope="module")
def classes():
    return pellucid.data.table(pellucid.data.wine(), "cultivar")


def test_every_class_has_its_share_of_the_test(classes) -> None:
    learned, judged = divided(classes, 0.25, 0)
    assert sorted([*learned, *judged]) == list(range(len(classes)))
    assert np.array_equal(learned, np.sort(learned))
    share = np.bincount(classes.y[judged]) / np.bincount(classes.y)
    assert np.all(np.abs(share - 0.25) < 0.02)
    assert not np.array_equal(judged, divided(classes, 0.25, 1)[1])


def test_too_little_to_learn_from_is_an_error(classes) -> None:
    with pytest.raises(DataError, match="has 5 rows; at least 10"):
        TableTraining(classes.take(np.arange(0, 175, 35)))
    rows = np.r_[0:40, 60]
    with pytest.raises(DataError, match="has 1 row"):
        TableTraining(classes.take(rows))
    with pytest.raises(DataError, match="no target"):
        TableTraining(pellucid.data.table({"a": np.arange(20.0)}))
    with pytest.raises(ConfigurationError, match="below 1"):
        TableTraining(classes, test=1.0)


def test_the_linear_model_is_ridge_regression(table) -> None:
    job = TableTraining(table, epochs=1)
    trained = job.fit()
    linear = job.fit_linear()
    encoder = trained.network.reader
    x = encoder.encode(table, rows=job.learned).astype(float)
    t = encoder.target.to_network(table.y[job.learned])
    w = table.weight[job.learned]
    # min of sum w (t - x b - a)^2 / sum w + b^2 / (2 n), by its normal equations
    n, columns = x.shape
    design = np.column_stack([x, np.ones(n)])
    penalty = np.diag([*[1 / (2 * n)] * columns, 0.0])
    normal = design.T @ (design * w[:, None]) / w.sum() + penalty
    solved = np.linalg.solve(normal, design.T @ (w * t) / w.sum())
    asked = encoder.encode(table, rows=job.judged).astype(float)
    expected = encoder.target.to_units(
        np.column_stack([asked, np.ones(len(asked))]) @ solved
    )
    found = job.run().baselines[0]
    assert found.name == "ridge regression"
    assert np.allclose(found.answers, expected, atol=0.02)
    assert len(linear.layers) == 1


def test_the_linear_model_beats_one_epoch_and_that_is_said(table) -> None:
    job = TableTraining(table, epochs=1)
    job.fit()
    run = job.run()
    found = scores_beside(run)
    assert found["ridge regression"]["rmse"] < found["network"]["rmse"]
    assert "clearly NOT beat the linear model" in beside_the_linear(run)[1]


def test_the_words_beside_the_linear_model(classes) -> None:
    job = TableTraining(classes, epochs=8)
    job.fit()
    run = job.run()
    truth = np.eye(3)[run.y]
    wrong = np.roll(truth, 1, axis=1)
    mixed = truth.copy()
    mixed[0] = wrong[0]

    def told(mine, theirs):
        network = replace(run, baselines=(Baseline("logistic regression", theirs),))
        vars(network)["probabilities"] = mine  # what it would have said
        return beside_the_linear(network)

    assert told(truth, wrong)[1].endswith("more than chance explains.")
    assert "no more than chance" in told(truth, mixed)[1]
    assert "does NOT beat" in told(truth, truth)[1]
    assert "does NOT beat" in told(mixed, truth)[1]
    assert "clearly NOT" in told(wrong, truth)[1]
    rows = len(run.y)
    assert f"right on {rows} rows" in told(truth, wrong)[0]


def test_measures_and_a_guess(table, classes) -> None:
    every = np.arange(len(table))
    guess = constant(table, every, 4)
    assert guess == pytest.approx(np.average(table.y, weights=table.weight))
    ones = np.ones(3)
    found = measured("numbers", np.array([1.0, 2, 3]), np.array([1.0, 2, 6]), ones)
    assert found == pytest.approx({"rmse": np.sqrt(3), "mae": 1.0, "r2": -3.5})
    shares = constant(classes, np.arange(len(classes)), 1)[0]
    assert shares == pytest.approx(np.bincount(classes.y) / len(classes))
    assert shown("accuracy", 0.5) == "50.0 %"
    assert shown("rmse", 1234.5) == "1,234"


@pytest.mark.parametrize(
    ("rows", "task", "ensemble", "words"),
    [
        (300, "classes", None, ["5 networks", "another fifth", "temperature"]),
        (3000, "numbers", None, ["One network with 3 hidden layers of 256 neurons"]),
        (3000, "classes", 8, ["8 members", "At most", "16 in a row"]),
    ],
)
def test_a_recipe_in_words(rows, task, ensemble, words) -> None:
    recipe = recipe_for(rows, task, ensemble=ensemble)
    told = " ".join(in_words(recipe, task, recipe.folds or 1))
    assert all(word in told for word in words)
    assert f"{recipe.epochs} epochs" in told


class StoppedError(Exception):
    """What ends a training here."""


@pytest.mark.parametrize("network", [1, 3])
def test_a_training_that_ended_goes_on_to_the_same_bits(
    table, tmp_path: Path, network: int
) -> None:
    whole = TableTraining(table, epochs=5).fit().network.weights
    begun = []

    def stop(run):
        if run.epoch == 1:
            begun.append(run)
        if len(begun) == network and run.epoch == 3:
            raise StoppedError

    with pytest.raises(StoppedError):
        TableTraining(table, epochs=5).fit([Call(stop)], checkpoints=tmp_path)
    names = {path.name for path in tmp_path.glob("*.pellucid")}
    assert names == {f"network_{k}.pellucid" for k in range(1, network + 1)}
    going_on = TableTraining(table, epochs=5).fit(checkpoints=tmp_path)
    assert np.array_equal(going_on.network.weights, whole)
    assert [history.epochs for history in going_on.histories] == [5] * 5
    again = TableTraining(table, epochs=5).fit(checkpoints=tmp_path)
    assert np.array_equal(again.network.weights, whole)


def test_a_training_killed_behind_its_last_epoch_gets_its_best_weights(
    table, tmp_path: Path
) -> None:
    path = tmp_path / "network_1.pellucid"

    def keep(run):  # as a checkpoint of that moment does, and then nothing more
        if run.epoch == 5 and not path.exists():
            run.network.save(path, checkpoint=True)

    whole = TableTraining(table, epochs=5).fit([Call(keep)])
    assert whole.histories[0].best_epoch < 5
    going_on = TableTraining(table, epochs=5).fit(checkpoints=tmp_path)
    assert np.array_equal(going_on.network.weights, whole.network.weights)


def test_a_folder_of_another_training_is_refused(table, tmp_path: Path) -> None:
    """What is there already would be taken for this one's, and be another's."""
    TableTraining(table, epochs=1).fit(checkpoints=tmp_path)
    for other, differ in (
        (TableTraining(table, epochs=1, seed=1), "its seed, reader differ"),
        (TableTraining(table, epochs=1, ensemble=2), "layers, loss, "),
    ):
        with pytest.raises(ConfigurationError, match=differ) as caught:
            other.fit(checkpoints=tmp_path)
        assert "network_1.pellucid is the checkpoint of another" in str(caught.value)


def test_the_linear_model_with_embedded_categories(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    city = random.integers(0, 15, 200)
    effect = random.normal(size=15)
    path = tmp_path / "cities.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["city", "y"])
        rows.writerows([f"city {k}", f"{effect[k]:.4f}"] for k in city)
    job = TableTraining(pellucid.data.table(path, "y", task="numbers"), epochs=1)
    job.fit()
    # Which city it is says all, and a linear model can learn that.
    assert scores_beside(job.run())["ridge regression"]["r2"] > 0.8
