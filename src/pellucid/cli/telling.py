"""A demonstration told in the terminal."""

import warnings
from pathlib import Path

import click

from pellucid.cli.terminal import Course, Telling, console_of
from pellucid.demo import WRITTEN_BY, Demo, write
from pellucid.report import snippet, story
from pellucid.report.checkup import sentences
from pellucid.report.result import Result
from pellucid.report.sections import FILES
from pellucid.report.truth_table import outputs
from pellucid.results import must_be_free
from pellucid.texttable import show
from pellucid.training import InterruptedWarning


def run(name: str, folder: Path, *, seed: int, epochs: int | None, quiet: bool) -> int:
    """Run a demonstration, tell what it does, and write its files.

    Parameters
    ----------
    name : str
        Of the data.
    folder : Path
        Where files are written.
    seed : int
        Of all random numbers.
    epochs : int or None
        How often to pass over the data.
    quiet : bool
        Whether to print only where the report is.

    Returns
    -------
    int
        Exit code: 130 if Ctrl-C ended the training, which keeps what was learned.
    """
    demo = Demo(name, seed=seed, epochs=epochs)
    must_be_free(folder, WRITTEN_BY)  # before anybody waits for a training
    console = console_of(quiet=quiet)
    told = DemoTelling(console)
    told.before(demo)
    with warnings.catch_warnings():
        # The story says it in its own words.
        warnings.simplefilter("ignore", InterruptedWarning)
        tutorial = not len(demo.test)
        history = demo.fit([Course(console, demo.epochs, tutorial=tutorial)])
    result = demo.result()
    told.after(result)
    write(result, folder)
    told.files(result, folder)
    if quiet:
        click.echo(folder / "report.html")
    return 130 if history.interrupted else 0


class DemoTelling(Telling):
    """Tells the story of a demonstration."""

    def before(self, demo: Demo) -> None:
        """Tell what will be done with which data and network.

        Parameters
        ----------
        demo : Demo
            Before training.
        """
        result = demo.result()
        self.say(
            "pellucid trains a neural network from scratch, and this is what it does."
        )
        self.heading("The data")
        self.say(demo.dataset.description, *story.data(result))
        self.say(f"Source: {demo.dataset.source}", f"License: {demo.dataset.license}")
        self.say(*story.division(result))
        self.heading("The network")
        self.say(*story.network(result))
        summary = demo.network.summary()
        # The table of the page has the operations too, for which there is no room here.
        rows = [tuple(map(show, row[:4])) for row in summary]
        self.table(summary.header[:4], rows, numbers=(3,))
        if not len(demo.test):
            before, _ = outputs(result)
            shown = ", ".join(f"{value:.3f}" for value in before)
            self.say(f"Before training its outputs for the four rows are {shown}.")
        self.heading("The training")
        self.say(demo.plan())

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
        if not len(result.test):
            self._outputs(result)
            return
        self.test(result)

    def files(self, result: Result, folder: Path) -> None:
        """Tell where the files are and how the network is used.

        Parameters
        ----------
        result : Result
            After training.
        folder : Path
            Where its files are.
        """
        self.written(folder, FILES)
        self.say("To use the network in Python:")
        self.console.print(snippet(result, folder), soft_wrap=True, end="")

    def _outputs(self, result: Result) -> None:
        before, after = outputs(result)
        rows = [
            (
                " ".join(f"{value:g}" for value in x),
                f"{y:g}",
                f"{first:.8f}",
                f"{last:.8f}",
            )
            for x, y, first, last in zip(result.x, result.y, before, after, strict=True)
        ]
        columns = ("inputs", "target", "before", "after training")
        self.table(columns, rows, numbers=(1, 2, 3))
