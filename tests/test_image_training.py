"""The recipe for folders of images. Texts are tested with the command line."""

import csv
import json

import numpy as np
import pytest

import pellucid
from image_files import save, stripes, stripes_folder
from pellucid import Conv2D, Dense, Flip, Rescale, Rotate, Scale, Shift, results
from pellucid.data import images
from pellucid.image_training import (
    EPOCHS,
    FEW,
    LARGE,
    ImageTraining,
    recipe,
    standardizing,
)


@pytest.fixture(scope="module")
def stripes_data(tmp_path_factory):
    folder = stripes_folder(tmp_path_factory.mktemp("data") / "stripes", 14)
    return images(folder, validation=0.2, test=0.2)


def empty(shape, *, n=10, classes=2):
    """Return images of nothing; only their numbers matter."""
    colour = "rgb" if shape[2] == 3 else "grey"
    return pellucid.data.Images(
        np.zeros((n, *shape), np.uint8),
        np.arange(n) % classes,
        tuple(map(str, range(classes))),
        tuple(map(str, range(n))),
        pellucid.data.image_folder.Path(),
        pellucid.ImageReader(shape[:2], colour),
        (n, 0, 0),
    )


def test_the_network_is_chosen_by_size_and_number_of_images():
    def filters(*shape, n=10):
        layers = recipe(empty(shape, n=n))
        return [layer.filters for layer in layers if isinstance(layer, Conv2D)]

    assert filters(8, 8, 1) == [16, 32]
    assert filters(8, 8, 1, n=FEW) == [32, 64]
    assert filters(28, 28, 1, n=FEW) == [32, 64, 128]
    assert filters(32, 32, 3, n=FEW) == [32, 64, 128, 256]
    assert filters(32, 8, 3, n=FEW) == [32, 64]
    assert filters(LARGE + 1, 64, 3, n=FEW) == [16, 32, 64, 128]
    assert filters(200, 200, 3) == [16, 32, 64, 128]


@pytest.mark.parametrize("side", [1, 2, 3, 4, 5, 7, 17, 31, 33])
def test_images_of_any_size_can_be_learned(side):
    data = empty((side, side + 1, 1), classes=3)
    training = ImageTraining(data)
    assert training.network.predict(data.x[:2]).shape == (2,)
    assert training.network.layers[-1] == Dense(3)


def test_pixels_get_mean_0_and_deviation_1(stripes_data):
    x = stripes_data.train.x
    z = standardizing(x).forward(x.astype(np.float64), None, None)
    assert z.mean() == pytest.approx(0, abs=1e-4)
    assert z.std() == pytest.approx(1, abs=1e-4)
    flat = np.full((2000, 2, 2, 1), 7, np.uint8)
    assert standardizing(flat) == Rescale(1.0, -7.0)


def test_only_images_with_colours_are_mirrored(stripes_data, tmp_path):
    usual = (Shift(0.1), Rotate(10.0), Scale(0.1))
    assert ImageTraining(stripes_data).augmentations == (*usual, Flip())
    assert ImageTraining(stripes_data, flip=False).augmentations == usual
    grey = images(stripes_folder(tmp_path / "grey", channels=1), test=0.2)
    assert ImageTraining(grey).augmentations == usual
    assert ImageTraining(grey, flip=True).augmentations == (*usual, Flip())
    assert ImageTraining(grey, augment=False).augmentations == ()
    assert ImageTraining(grey).epochs == EPOCHS


def test_a_training_from_images_to_files(stripes_data, tmp_path):
    training = ImageTraining(stripes_data, epochs=12)
    history = training.fit()
    result = training.result()
    assert history.epochs <= 12
    assert history.metrics["accuracy"]
    assert training.network.training.augment == training.augmentations
    assert result.right == len(result.test)  # stripes are easy
    assert (result.y == stripes_data.test.y).all()
    results.write(result, tmp_path, training.settings())
    assert {path.name for path in tmp_path.iterdir()} == set(results.FILES)
    settings = json.loads((tmp_path / "settings.json").read_text())
    assert settings["written by"] == "pellucid train"
    assert settings["classes"] == ["down", "up"]
    assert settings["test"] == list(stripes_data.test.files)
    with (tmp_path / "history.csv").open() as file:
        assert len(list(csv.DictReader(file))) == history.epochs
    network = pellucid.load(tmp_path / "model.pellucid")
    assert network.reader == stripes_data.reader
    path = save(tmp_path / "new.png", stripes(30, 40, across=True, seed=99))
    assert network.predict(network.reader.read(path)) in ("down", "up")
    answers = network.predict(stripes_data.test.x)
    assert (answers == stripes_data.test.labels).all()
    assert (network.predict_proba(stripes_data.test.x) == result.probabilities).all()


def test_the_same_seed_gives_the_same_network(stripes_data):
    trainings = [ImageTraining(stripes_data, seed=s, epochs=2) for s in (1, 1, 2)]
    for training in trainings:
        training.fit()
    first, again, other = (t.network.weights.tobytes() for t in trainings)
    assert first == again != other
