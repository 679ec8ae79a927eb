"""A demonstration told in the terminal."""

import textwrap
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pellucid.demo import WRITTEN_BY, Demo, write
from pellucid.report import scores, snippet, story
from pellucid.report.result import Result
from pellucid.report.scores import percent
from pellucid.report.sections import FILES
from pellucid.report.truth_table import outputs
from pellucid.results import must_be_free
from pellucid.texttable import show
from pellucid.training import Callback, InterruptedWarning, Run

if TYPE_CHECKING:
    from rich.console import Console

_WIDEST = 88  # longer lines are hard to read
_NARROWEST = 20


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
    from rich.console import Console

    demo = Demo(name, seed=seed, epochs=epochs)
    must_be_free(folder, WRITTEN_BY)  # before anybody waits for a training
    console = Console(highlight=False, markup=False, emoji=False, quiet=quiet)
    console.width = max(_NARROWEST, min(console.width, _WIDEST))
    told = Telling(console)
    told.before(demo)
    with warnings.catch_warnings():
        # The story says it in its own words.
        warnings.simplefilter("ignore", InterruptedWarning)
        history = demo.fit([Course(console, demo)])
    result = demo.result()
    told.after(result)
    write(result, folder)
    told.files(result, folder)
    if quiet:
        click.echo(folder / "report.html")
    return 130 if history.interrupted else 0


class Telling:
    """Tells the story of a demonstration.

    Parameters
    ----------
    console : Console
        Where.
    """

    def __init__(self, console: "Console") -> None:
        self.console = console

    def before(self, demo: Demo) -> None:
        """Tell what will be done with which data and network.

        Parameters
        ----------
        demo : Demo
            Before training.
        """
        result = demo.result()
        self._say(
            "pellucid trains a neural network from scratch, and this is what it does."
        )
        self._heading("The data")
        self._say(demo.dataset.description, *story.data(result))
        self._say(f"Source: {demo.dataset.source}", f"License: {demo.dataset.license}")
        self._say(*story.division(result))
        self._heading("The network")
        self._say(*story.network(result))
        summary = demo.network.summary()
        # The table of the page has the operations too, for which there is no room here.
        rows = [tuple(map(show, row[:4])) for row in summary]
        self._table(summary.header[:4], rows, numbers=(3,))
        if not len(demo.test):
            before, _ = outputs(result)
            shown = ", ".join(f"{value:.3f}" for value in before)
            self._say(f"Before training its outputs for the four rows are {shown}.")
        self._heading("The training")
        self._say(demo.plan())

    def after(self, result: Result) -> None:
        """Tell how the training and the test went.

        Parameters
        ----------
        result : Result
            After training.
        """
        self.console.print()
        seconds = sum(result.history.seconds)
        self._say(*story.training(result), f"The training took {seconds:.1f} seconds.")
        if not len(result.test):
            self._outputs(result)
            return
        self._heading("The test")
        found = scores(result)
        self._say(*story.verdict(result, found))
        rows = [(s.name, s.text, s.baseline_text, s.meaning) for s in found]
        self._table(("", "network", "without", "what it is"), rows, numbers=(1, 2))
        if result.classes:
            self._say("The confusion matrix: rows are true classes, columns predicted.")
            self._confusion(result)
            self._say(story.mistakes(result))
        else:
            self._say(story.farthest(result))

    def files(self, result: Result, folder: Path) -> None:
        """Tell where the files are and how the network is used.

        Parameters
        ----------
        result : Result
            After training.
        folder : Path
            Where its files are.
        """
        self._heading("The files")
        for name, what in FILES:
            if name == "report.html":
                what = "all this with pictures, to open in a browser"
            self.console.print(folder / name, style="bold", soft_wrap=True)
            self._line(what, indent="    ")
        self.console.print()
        self._say("To use the network in Python:")
        self.console.print(snippet(result, folder), soft_wrap=True, end="")

    # -- pieces ------------------------------------------------------------------------

    def _heading(self, title: str) -> None:
        from rich.rule import Rule
        from rich.text import Text

        self.console.print(Rule(Text(title, "bold cyan"), align="left", style="cyan"))

    def _say(self, *sentences: str) -> None:
        for sentence in sentences:
            self._line(sentence)
        self.console.print()

    def _line(self, text: str, indent: str = "") -> None:
        """Print a text in lines of its own, without spaces at their ends."""
        width = self.console.width
        lines = textwrap.fill(
            text, width, initial_indent=indent, subsequent_indent=indent
        )
        self.console.print(lines, soft_wrap=True)

    def _table(
        self, header: Any, rows: list[tuple[Any, ...]], numbers: tuple[int, ...]
    ) -> None:
        from rich.table import Table

        table = Table(
            box=None, header_style="dim", pad_edge=False, padding=(0, 2, 0, 0)
        )
        for column, name in enumerate(header):
            right = column in numbers
            # Folded, since not every terminal has a letter for an ellipsis.
            table.add_column(
                name, justify="right" if right else "left", overflow="fold"
            )
        for row in rows:
            table.add_row(*row)
        self.console.print(table)
        self.console.print()

    def _confusion(self, result: Result) -> None:
        from rich.text import Text

        def cell(row: int, column: int) -> Text:
            count = result.confusion[row, column]
            if not count:
                return Text(".", "dim")
            return Text(str(count), "bold green" if row == column else "bold red")

        places = range(len(result.classes))
        shares = result.confusion.diagonal() / result.confusion.sum(axis=1)
        rows = [
            (name, *(cell(row, column) for column in places), percent(shares[row]))
            for row, name in enumerate(result.classes)
        ]
        columns = ("true", *result.classes, "found")
        self._table(columns, rows, numbers=tuple(range(1, len(columns))))

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
        self._table(columns, rows, numbers=(1, 2, 3))


class Course(Callback):
    """Prints a line for some of the epochs, and a bar where there is a terminal.

    Parameters
    ----------
    console : Console
        Where.
    demo : Demo
        Whose training.
    """

    def __init__(self, console: "Console", demo: Demo) -> None:
        self.console = console
        tutorial = not len(demo.test)
        told = story.losses_shown if tutorial else story.milestones
        self.told = set(told(demo.epochs))
        self.digits = 6 if tutorial else 4
        self.unit = "iteration" if tutorial else "epoch"
        self._bar: Any = None

    def begin(self, run: Run) -> None:
        from rich.progress import BarColumn, Progress, TextColumn

        if self.console.is_terminal and not self.console.quiet:
            self._bar = Progress(
                TextColumn(f"{self.unit} {{task.completed}}/{{task.total}}"),
                BarColumn(bar_width=24),
                console=self.console,
                transient=True,
            )
            self._bar.start()
            self._task = self._bar.add_task("", total=run.epochs)

    def call(self, run: Run) -> None:
        history = run.history
        if self._bar:
            self._bar.update(self._task, completed=run.epoch)
        if run.epoch not in self.told:
            return
        columns = {"loss": history.loss, "validation loss": history.validation}
        columns |= history.metrics
        columns = {name: values for name, values in columns.items() if values}
        # Each column is as wide as its name, and never narrower than a number.
        widths = [max(9, len(name)) for name in columns]
        if run.epoch == min(self.told):
            names = zip(columns, widths, strict=True)
            line = "  ".join(f"{name:>{width}}" for name, width in names)
            self.console.print(f"{self.unit:>9}  {line}", style="dim")
        cells = zip(columns.values(), widths, strict=True)
        line = "  ".join(
            f"{values[-1]:>{width}.{self.digits}f}" for values, width in cells
        )
        self.console.print(f"{run.epoch:>9,}  {line}")

    def end(self, run: Run) -> None:
        if self._bar:
            self._bar.stop()
            self._bar = None
