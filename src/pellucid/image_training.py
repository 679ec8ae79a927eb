"""Learning to tell images apart: one recipe for every folder.

15 % of the images of every class are the test, 15 % are for validation. Pixels are
brought to mean 0 and standard deviation 1. Up to four blocks of convolution, batch
normalization and pooling halve the image until two to four pixels a side are left; the
first has 32 filters (16 for fewer than 1,000 images, or for sides of more than 48
pixels), each further one twice as many. A dense layer of 64 with 30 % dropout and one
with an output for each class follow. Every epoch sees other versions of the images:
moved by up to 10 %, turned by up to 10 degrees and scaled by up to 10 %, and half of
them mirrored where they have colours. Adam takes batches of 32 images; training ends
after 100 epochs, or when the validation loss has not fallen for 15 of them, and the
epoch with the lowest one is kept.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import models
from pellucid._version import __version__
from pellucid.augmentations import Augmentation, Flip, Rotate, Scale, Shift
from pellucid.data import Images
from pellucid.layer import Layer
from pellucid.layers import Rescale
from pellucid.network import NeuralNetwork
from pellucid.optimizers import Adam, Optimizer
from pellucid.report import Result, story
from pellucid.training import Callback, EarlyStopping, History

VALIDATION, TEST = 0.15, 0.15
EPOCHS, PATIENCE = 100, 15
BATCH = 32
FEW, LARGE = 1000, 48  # images to learn from; pixels of the shorter side
WRITTEN_BY = "pellucid train"
_ROWS = 1024  # images whose pixels are looked at together


class ImageTraining:
    """A training on a folder of images: its network, ready to be trained.

    Parameters
    ----------
    images : Images
        With images for validation and test.
    seed : int
        Of all random numbers.
    epochs : int, optional
        How often to pass over the images at most.
    augment : bool
        Whether every epoch sees other versions of the images.
    flip : bool, optional
        Whether some of them are mirrored; by default where images have colours.

    Attributes
    ----------
    network : NeuralNetwork
        Before or after training.
    augmentations : tuple of Augmentation
        What changes the images.
    """

    def __init__(
        self,
        images: Images,
        *,
        seed: int = 0,
        epochs: int | None = None,
        augment: bool = True,
        flip: bool | None = None,
    ) -> None:
        self.images, self.epochs = images, epochs or EPOCHS
        if flip is None:
            flip = images.reader.colour == "rgb"
        self.augmentations = default_augmentations(flip) if augment else ()
        self.optimizer: Optimizer = Adam()
        self.network = NeuralNetwork(
            recipe(images),
            loss="cross_entropy",
            input_shape=images.reader.shape,
            seed=seed,
        )
        self.network.classes = images.classes
        self.network.reader = images.reader
        self.first_weights = self.network.weights.copy()

    def plan(self) -> str:
        """Return in words what the training will do."""
        learned = len(self.images.train)
        return story.plan(
            learned,
            min(BATCH, learned),
            self.network.loss,
            self.optimizer,
            validated=True,
            noun="image",
        )

    def fit(self, callbacks: Sequence[Callback] = ()) -> History:
        """Train the network.

        Parameters
        ----------
        callbacks : sequence of Callback
            What else happens.

        Returns
        -------
        History
        """
        train, held = self.images.train, self.images.validation
        return self.network.fit(
            train.x,
            train.labels,
            epochs=self.epochs,
            batch_size=BATCH,
            optimizer=self.optimizer,
            validation=(held.x, held.labels),
            early_stopping=EarlyStopping(PATIENCE),
            metrics=["accuracy"],
            augment=self.augmentations,
            callbacks=callbacks,
            progress=False,
        )

    def result(self) -> Result:
        """Return the network, before or after training, with all its images."""
        train, validation, test = np.split(
            np.arange(len(self.images)), np.cumsum(self.images.parts[:2])
        )
        return Result(
            self.images,
            self.network,
            self.network.history or History(),
            train,
            validation,
            test,
            None,
            None,
            self.first_weights,
        )

    def settings(self) -> dict[str, Any]:
        """Return what is needed to do it again."""
        images = self.images
        return {
            "written by": WRITTEN_BY,
            "pellucid": __version__,
            "data": str(images.folder.resolve()),
            "seed": self.network.seed,
            "epochs": self.epochs,
            "augmentation": [repr(each) for each in self.augmentations],
            "reader": repr(images.reader),
            "classes": images.classes,
            "training": images.train.files,
            "validation": images.validation.files,
            "test": images.test.files,
            "not read": dict(images.skipped),
        }


def recipe(images: Images) -> list[Layer | str]:
    """Return the layers of a network for some images.

    Parameters
    ----------
    images : Images
        What it will see.

    Returns
    -------
    list of Layer
    """
    shorter, few = min(images.reader.size), len(images.train) < FEW
    blocks = max(0, min(4, math.floor(math.log2(shorter / 2))))
    first = 16 if few or shorter > LARGE else 32
    return [
        standardizing(images.train.x),
        *models.cnn(
            len(images.classes),
            [first * 2**block for block in range(blocks)],
            batch_norm=True,
            dropout=0.3,
        ),
    ]


def default_augmentations(flip: bool) -> tuple[Augmentation, ...]:
    """Return how images are changed where nothing else is asked for.

    Parameters
    ----------
    flip : bool
        Whether some are mirrored.

    Returns
    -------
    tuple of Augmentation
    """
    mirrored = (Flip(),) if flip else ()
    return (Shift(0.1), Rotate(10.0), Scale(0.1), *mirrored)


def standardizing(x: NDArray[np.uint8]) -> Rescale:
    """Return the layer that gives pixels mean 0 and standard deviation 1.

    Parameters
    ----------
    x : ndarray of uint8, shape (n, height, width, channels)
        The images to learn from.

    Returns
    -------
    Rescale
        With settings of six digits, which are easy to read.
    """
    levels, counts = np.arange(256.0), np.zeros(256)
    for start in range(0, len(x), _ROWS):
        counts += np.bincount(x[start : start + _ROWS].ravel(), minlength=256)
    shares = counts / counts.sum()
    mean = float(shares @ levels)
    deviation = math.sqrt(float(shares @ (levels - mean) ** 2)) or 1.0
    factor, offset = 1 / deviation, -mean / deviation
    return Rescale(float(f"{factor:.6g}"), float(f"{offset:.6g}"))
