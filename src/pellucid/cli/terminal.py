"""Telling what happens in the terminal: sentences, tables, and a bar."""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pellucid.report import scores, story
from pellucid.report.result import Result
from pellucid.report.scores import percent
from pellucid.training import Callback, Run

if TYPE_CHECKING:
    from rich.console import Console

_WIDEST = 88  # longer lines are hard to read
_NARROWEST = 20
MOST_CLASSES = 15  # for which the terminal has room for all mistakes


def console_of(*, quiet: bool = False) -> "Console":
    """Return a console of a width that is easy to read.

    Parameters
    ----------
    quiet : bool
        Whether it is to print nothing.

    Returns
    -------
    Console
    """
    from rich.console import Console

    console = Console(highlight=False, markup=False, emoji=False, quiet=quiet)
    console.width = max(_NARROWEST, min(console.width, _WIDEST))
    return console


class Telling:
    """Tells a story in the terminal.

    Parameters
    ----------
    console : Console
        Where.
    """

    def __init__(self, console: "Console") -> None:
        self.console = console

    @contextmanager
    def busy(self, text: str) -> Iterator[None]:
        """Say what takes a while, where a person looks on, until it is done.

        Parameters
        ----------
        text : str
            What is being done.

        Yields
        ------
        None
        """
        line = f"{text} ..."[: self.console.width - 1]
        shown = self.console.is_terminal
        if shown:
            self.console.print(line, style="dim", end="\r", soft_wrap=True)
        try:
            yield
        finally:
            if shown:
                self.console.print(" " * len(line), end="\r", soft_wrap=True)

    def heading(self, title: str) -> None:
        """Print a heading.

        Parameters
        ----------
        title : str
            Its text.
        """
        from rich.rule import Rule
        from rich.text import Text

        self.console.print(Rule(Text(title, "bold cyan"), align="left", style="cyan"))

    def say(self, *sentences: str, style: str = "") -> None:
        """Print sentences, and an empty line after them.

        Parameters
        ----------
        *sentences : str
            Each begins a line.
        style : str
            As rich names them, such as ``"bold"``.
        """
        for sentence in sentences:
            self.line(sentence, style=style)
        self.console.print()

    def line(self, text: str, indent: str = "", style: str = "") -> None:
        """Print a text in lines of its own, without spaces at their ends.

        Parameters
        ----------
        text : str
            The text.
        indent : str
            What each line begins with.
        style : str
            As rich names them.
        """
        width = self.console.width
        lines = textwrap.fill(
            text, width, initial_indent=indent, subsequent_indent=indent
        )
        self.console.print(lines, soft_wrap=True, style=style)

    def table(
        self, header: Any, rows: list[tuple[Any, ...]], numbers: tuple[int, ...]
    ) -> None:
        """Print a table.

        Parameters
        ----------
        header : sequence of str
            Names of the columns.
        rows : list of tuple of str
            The cells.
        numbers : tuple of int
            Which columns hold numbers, and stand to the right.
        """
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

    def confusion(self, classes: Sequence[str], counts: Any) -> None:
        """Print how often each class was predicted as which.

        Parameters
        ----------
        classes : sequence of str
            Their names.
        counts : ndarray of int, shape (classes, classes)
            Rows are the true classes.
        """
        from rich.text import Text

        def cell(row: int, column: int) -> Text:
            count = int(counts[row, column])
            if not count:
                return Text(".", "dim")
            return Text(f"{count:,}", "bold green" if row == column else "bold red")

        places = range(len(classes))
        rows = []
        for row, name in enumerate(classes):
            total = int(counts[row].sum())
            share = percent(counts[row, row] / total) if total else "-"
            rows.append((name, *(cell(row, column) for column in places), share))
        columns = ("true", *classes, "found")
        self.say("The confusion matrix: rows are true classes, columns predicted.")
        self.table(columns, rows, numbers=tuple(range(1, len(columns))))

    def test(self, result: Result) -> None:
        """Tell how the test went.

        Parameters
        ----------
        result : Result
            After training.
        """
        self.heading("The test")
        found = scores(result)
        self.say(*story.verdict(result, found))
        rows = [(s.name, s.text, s.baseline_text, s.meaning) for s in found]
        self.table(("", "network", "without", "what it is"), rows, numbers=(1, 2))
        if not result.classes:
            self.say(story.farthest(result))
            return
        if len(result.classes) <= MOST_CLASSES:
            self.confusion(result.classes, result.confusion)
        self.say(story.mistakes(result))

    def written(self, folder: Path, files: Iterable[tuple[str, str]]) -> None:
        """Tell which files were written.

        Parameters
        ----------
        folder : Path
            Where they are.
        files : iterable of (str, str)
            Each name, and what the file is.
        """
        self.heading("The files")
        for name, what in files:
            if name == "report.html":
                what = "all this with pictures, to open in a browser"
            self.console.print(folder / name, style="bold", soft_wrap=True)
            self.line(what, indent="    ")
        self.console.print()


class Course(Callback):
    """Prints a line for some of the epochs, and a bar where there is a terminal.

    Parameters
    ----------
    console : Console
        Where.
    epochs : int
        How many there will be at most.
    tutorial : bool
        Whether it is the tutorials' training, of one iteration an epoch.
    """

    def __init__(
        self, console: "Console", epochs: int, *, tutorial: bool = False
    ) -> None:
        self.console = console
        told = story.losses_shown if tutorial else story.milestones
        self.told = set(told(epochs))
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
