"""A training on a folder of images, told in the terminal."""

import warnings
from pathlib import Path
from typing import Any

import click

from pellucid import results
from pellucid.cli.terminal import Course, Telling, console_of
from pellucid.data import images
from pellucid.data.image_folder import listed
from pellucid.image_training import TEST, VALIDATION, WRITTEN_BY, ImageTraining
from pellucid.report import image_story, story
from pellucid.report.checkup import sentences
from pellucid.report.image_page import IMAGE_FILES
from pellucid.report.result import Result
from pellucid.texttable import show
from pellucid.training import InterruptedWarning


def train_on_images(
    source: Path,
    folder: Path,
    *,
    seed: int,
    epochs: int | None,
    augment: bool,
    flip: bool | None,
    quiet: bool,
    **reading: Any,
) -> int:
    """Train on a folder of images, tell what happens, and write files.

    Parameters
    ----------
    source : Path
        With a folder for each class.
    folder : Path
        Where files are written.
    seed, epochs, augment, flip
        As in `ImageTraining`.
    quiet : bool
        Whether to print only where the report is.
    **reading
        Further arguments of `pellucid.data.images`.

    Returns
    -------
    int
        Exit code: 130 if Ctrl-C ended the training, which keeps what was learned.
    """
    console = console_of(quiet=quiet)
    if quiet:
        reading["progress"] = False
    data = images(source, validation=VALIDATION, test=TEST, seed=seed, **reading)
    results.must_be_free(folder, WRITTEN_BY)  # before anybody waits for a training
    training = ImageTraining(data, seed=seed, epochs=epochs, augment=augment, flip=flip)
    told = ImageTelling(console)
    told.before(training)
    with warnings.catch_warnings():
        # The story says it in its own words.
        warnings.simplefilter("ignore", InterruptedWarning)
        history = training.fit([Course(console, training.epochs)])
    result = training.result()
    told.after(result)
    results.write(result, folder, training.settings())
    told.files(folder)
    if quiet:
        click.echo(folder / "report.html")
    return 130 if history.interrupted else 0


class ImageTelling(Telling):
    """Tells the story of a training on images."""

    def before(self, training: ImageTraining) -> None:
        """Tell what will be done with which images and network.

        Parameters
        ----------
        training : ImageTraining
            Before it begins.
        """
        result = training.result()
        self.heading("The data")
        self.say(*image_story.data(result))
        if result.images.skipped:
            self.say(f"Not read: {listed(result.images.skipped)}.")
        self.say(*image_story.division(result))
        self.heading("The network")
        self.say(*image_story.network(result))
        summary = training.network.summary()
        # The table of the page has the operations too, for which there is no room here.
        rows = [tuple(map(show, row[:4])) for row in summary]
        self.table(summary.header[:4], rows, numbers=(3,))
        self.heading("The training")
        self.say(training.plan(), image_story.augmentation(training.augmentations))

    def after(self, result: Result) -> None:
        """Tell how the training and the test went.

        Parameters
        ----------
        result : Result
            After training.
        """
        self.console.print()
        seconds = sum(result.history.seconds)
        self.say(*story.training(result), f"The training took {seconds:.1f} seconds.")
        self.say(*sentences(result))
        self.test(result)

    def files(self, folder: Path) -> None:
        """Tell where the files are and how the network is used.

        Parameters
        ----------
        folder : Path
            Where its files are.
        """
        self.written(folder, IMAGE_FILES)
        self.say("To ask the network about other images:")
        model = click.format_filename(folder / "model.pellucid")
        self.console.print(f"pellucid predict {model} photo.jpg", soft_wrap=True)
