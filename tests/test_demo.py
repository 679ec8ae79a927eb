"""The recipe, and the files that it writes. Texts are tested with the command line."""

import csv
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import pellucid
from pellucid.data import Standardizer
from pellucid.demo import (
    WRITTEN_BY,
    Demo,
    demo_data,
    demo_names,
    recipe,
    tutorial_network,
    write,
)
from pellucid.errors import ConfigurationError, ModelFileError
from pellucid.report import Result, scores, snippet
from pellucid.results import must_be_free

FILES = {"model.pellucid", "settings.json", "history.csv", "report.html"}


def trained(name: str, epochs: int, seed: int = 0) -> Result:
    demo = Demo(name, epochs=epochs, seed=seed)
    demo.fit()
    return demo.result()


@pytest.fixture(scope="module")
def iris() -> Result:
    return trained("iris", 12)


def test_every_demo_can_be_trained_and_judged() -> None:
    for name in demo_names():
        result = trained(name, 1)
        assert result.history.epochs == 1
        if name != "xor":
            assert all(np.isfinite(score.value) for score in scores(result))


def test_generated_data_follow_the_seed() -> None:
    assert len(demo_data("moons")) == 1000
    assert (demo_data("moons", 1).x != demo_data("moons", 2).x).any()


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(ConfigurationError, match="Did you mean 'breast_cancer'"):
        Demo("breastcancer")
    with pytest.raises(ConfigurationError, match="no demo of the name 'truth_table'"):
        Demo("truth_table")


def test_the_recipe() -> None:
    kinds = [type(layer).__name__ for layer in recipe(3)]
    assert kinds == ["Dense", "BatchNorm", "Dropout"] * 2 + ["Dense"]
    demo = Demo("digits")
    assert demo.epochs == 200
    assert repr(demo.optimizer) == "Adam()"
    assert (len(demo.train), len(demo.validation), len(demo.test)) == (1078, 270, 449)
    every = np.concatenate([demo.train, demo.validation, demo.test])
    assert sorted(every.tolist()) == list(range(1797))
    for rows in (demo.train, demo.validation, demo.test):
        counts = np.bincount(demo.dataset.y[rows])
        assert counts.max() - counts.min() <= 0.05 * len(rows)


def test_what_is_standardized_with_has_not_seen_the_test() -> None:
    demo = Demo("diabetes")
    known = np.concatenate([demo.train, demo.validation])
    assert not set(known) & set(demo.test)
    x, y = Standardizer.fit(demo.dataset.x[known]), demo.dataset.y[known]
    # The order of the rows changes the last digit.
    np.testing.assert_allclose(demo.inputs.mean, x.mean, rtol=1e-13)
    np.testing.assert_allclose(demo.inputs.scale, x.scale, rtol=1e-13)
    assert demo.targets.mean == pytest.approx(y.mean())
    assert demo.targets.scale == pytest.approx(y.std())


def test_the_best_epoch_is_kept(iris: Result) -> None:
    history = iris.history
    best = int(np.argmin(history.validation)) + 1
    assert history.best_epoch == best
    assert len(history.metrics["accuracy"]) == history.epochs == 12


def test_the_network_knows_the_names_of_the_classes(iris: Result) -> None:
    guesses = iris.network.predict(iris.prepare(iris.x))
    assert guesses.tolist() == [iris.classes[index] for index in iris.y_hat]


def test_same_seed_same_bits_other_seed_other_rows(iris: Result) -> None:
    again = trained("iris", 12)
    np.testing.assert_array_equal(again.network.weights, iris.network.weights)
    other = trained("iris", 1, seed=1)
    assert set(other.test) != set(iris.test)
    assert (other.first_weights != iris.first_weights).any()


def test_the_network_learns_what_a_guess_does_not_know() -> None:
    accuracy, *_ = scores(trained("wine", 60))
    assert accuracy.value > 0.9 > 0.5 > accuracy.baseline
    rmse, *_ = scores(trained("friedman1", 15))
    assert rmse.value < 0.6 * rmse.baseline


def test_the_truth_table_comes_out_as_in_the_tutorials() -> None:
    demo = Demo("xor")
    before = demo.network.feedforward(demo.dataset.x).ravel()
    assert before == pytest.approx(
        [0.74371118, 0.77930734, 0.78271057, 0.8056535], abs=1e-8
    )
    history = demo.fit()
    losses = {
        1: 1.298103813489028,
        2: 1.027280760048026,
        10: 0.9978345338133661,
        100: 0.7932318109321224,
        500: 0.01543081680035193,
        1000: 0.004984652070321296,
        1500: 0.002800221856001262,
    }
    for update, loss in losses.items():
        assert history.iterations[update - 1] == pytest.approx(loss, abs=1e-12)
    assert len(history.iterations) == 1500
    result = demo.result()
    assert result.y_hat == pytest.approx(
        [0.01009142, 0.97159048, 0.97167813, 0.03296341], abs=1e-8
    )
    np.testing.assert_array_equal(
        result.first_weights, tutorial_network().weights, strict=True
    )


def test_four_files_are_written(iris: Result, tmp_path: Path) -> None:
    write(iris, tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == FILES
    network = pellucid.load(tmp_path / "model.pellucid")
    np.testing.assert_array_equal(network.weights, iris.network.weights)
    settings = json.loads((tmp_path / "settings.json").read_text())
    assert settings["columns"] == list(iris.dataset.features)
    assert settings["classes"] == ["setosa", "versicolor", "virginica"]
    assert settings["mean"] == iris.inputs.mean.tolist()
    assert "target_mean" not in settings
    with (tmp_path / "history.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [int(row["epoch"]) for row in rows] == list(range(1, 13))
    assert [float(row["loss"]) for row in rows] == iris.history.loss
    assert [float(r["validation_accuracy"]) for r in rows] == (
        iris.history.metrics["accuracy"]
    )


@pytest.mark.parametrize("name", ["iris", "diabetes", "xor"])
def test_the_printed_lines_of_python_work(name: str, tmp_path: Path) -> None:
    result = trained(name, 2)
    folder = tmp_path / 'a "folder" of né'
    folder.mkdir()
    write(result, folder)
    program = snippet(result, folder.relative_to(tmp_path))
    done = subprocess.run(
        [sys.executable, "-W", "error", "-X", "utf8", "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    if name == "iris":
        guesses = result.network.predict(result.prepare(result.dataset.x[:3]))
        assert done.stdout == f"{guesses}\n"
    elif name == "diabetes":
        shown = np.array(done.stdout.strip("[]\n").split(), dtype=float)
        np.testing.assert_allclose(
            shown, result.answer(result.dataset.x[:3]), rtol=1e-5
        )
    else:
        assert float(done.stdout.strip("[]\n")) == pytest.approx(
            result.answer(result.dataset.x[-1:])[0]
        )


def test_an_empty_folder_is_made(tmp_path: Path) -> None:
    must_be_free(tmp_path / "new" / "folder", WRITTEN_BY)
    assert (tmp_path / "new" / "folder").is_dir()
    must_be_free(tmp_path / "new" / "folder", WRITTEN_BY)


def test_own_results_are_replaced_and_other_files_stay(
    iris: Result, tmp_path: Path
) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("mine")
    must_be_free(tmp_path, WRITTEN_BY)
    write(iris, tmp_path)
    must_be_free(tmp_path, WRITTEN_BY)
    write(replace(iris, history=pellucid.History()), tmp_path)
    assert (tmp_path / "history.csv").read_text() == "epoch\n"
    assert notes.read_text() == "mine"
    assert {path.name for path in tmp_path.iterdir()} == FILES | {"notes.txt"}


@pytest.mark.parametrize(
    "settings", [None, "no JSON", "[]", "3", "{}", '{"written by": "me"}']
)
def test_files_of_others_with_our_names_are_not_touched(
    settings: str | None, tmp_path: Path
) -> None:
    (tmp_path / "report.html").write_text("mine")
    if settings is not None:
        (tmp_path / "settings.json").write_text(settings)
    with pytest.raises(ConfigurationError, match=r"that no demo wrote.*--output"):
        must_be_free(tmp_path, WRITTEN_BY)


def test_a_file_that_cannot_be_written_is_named(iris: Result, tmp_path: Path) -> None:
    (tmp_path / "model.pellucid").mkdir()
    with pytest.raises(ModelFileError, match=r"model\.pellucid could not be written"):
        write(iris, tmp_path)
