"""The course of a training on a table: lines, and a bar that knows how much is left."""

from typing import TYPE_CHECKING, Any

from pellucid.report import story
from pellucid.table_training import TableTraining
from pellucid.tabular.training import APART
from pellucid.training import Callback, Run

if TYPE_CHECKING:
    from rich.console import Console


class TableCourse(Callback):
    """Prints a line for some epochs, or for each network where there are several.

    Parameters
    ----------
    console : Console
        Where.
    job : TableTraining
        What is trained.
    """

    def __init__(self, console: "Console", job: TableTraining) -> None:
        self.console, self.job = console, job
        self.told = set(story.milestones(job.recipe.epochs))
        self._header = False

    def _line(self, *cells: tuple[str, str]) -> None:
        """Print cells under their names."""
        widths = [max(9, len(name)) for name, _ in cells]
        if not self._header:
            self._header = True
            names = zip(cells, widths, strict=True)
            line = "  ".join(f"{name:>{width}}" for (name, _), width in names)
            self.console.print(line, style="dim")
        texts = zip(cells, widths, strict=True)
        self.console.print("  ".join(f"{t:>{width}}" for (_, t), width in texts))

    def call(self, run: Run) -> None:
        if self.job.networks == 1 and run.epoch in self.told:
            losses = [("epoch", f"{run.epoch:,}")]
            losses.append(("loss", f"{run.history.loss[-1]:.4f}"))
            if run.history.validation:
                losses.append(("held-out loss", f"{run.history.validation[-1]:.4f}"))
            self._line(*losses)

    def end(self, run: Run) -> None:
        history, best = run.history, run.history.best_epoch
        if self.job.networks == 1:
            if best:
                ended = f"; {history.stopped}" if history.stopped else ""
                self.console.print()
                self.console.print(
                    f"Best epoch: {best:,} of {history.epochs:,}, held-out loss "
                    f"{history.validation[best - 1]:.4f}{ended}.",
                    soft_wrap=True,
                )
            return
        number = (run.network.seed - self.job.seed) // APART + 1
        low = f"{history.validation[best - 1]:.4f}" if best else "-"
        self._line(
            ("network", f"{number} of {self.job.networks}"),
            ("epochs", f"{history.epochs:,}"),
            ("best epoch", f"{best:,}" if best else "-"),
            ("held-out loss", low),
            ("seconds", f"{sum(history.seconds):.1f}"),
        )


class TimeLeft(Callback):
    """A bar over all iterations of all networks, with the time that is left.

    Where a training may end early, the bar says that there are at most so many.

    Parameters
    ----------
    console : Console
        Where; nothing is shown where it is no terminal.
    job : TableTraining
        What is trained.
    trial : str
        What the bar says before the epoch where one network is one trial of several.
    """

    def __init__(self, console: "Console", job: TableTraining, trial: str = "") -> None:
        self.console, self.job, self.trial = console, job, trial
        self.networks = 1 if trial else job.networks
        self.every = 25
        self._bar: Any = None

    def begin(self, run: Run) -> None:
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        if not self.console.is_terminal or self.console.quiet:
            return
        most = " at most" if self.job.recipe.patience else ""
        self._bar = Progress(
            TextColumn("{task.percentage:3.0f} %"),
            BarColumn(bar_width=24),
            TextColumn("{task.description}"),
            TimeRemainingColumn(),
            TextColumn(f"left{most}"),
            console=self.console,
            transient=True,
        )
        self._bar.start()
        self._before = (run.network.seed - self.job.seed) // APART
        total = run.steps * self.networks
        self._task = self._bar.add_task("", total=total)
        self._show(run)

    def _show(self, run: Run) -> None:
        done = self._before * run.steps + run.step
        which = f"{self.trial}, " * bool(self.trial)
        if self.networks > 1:
            which = f"network {self._before + 1}/{self.networks}, "
        self._bar.update(
            self._task,
            completed=done,
            description=f"{which}epoch {min(run.epoch + 1, run.epochs)}/{run.epochs}",
        )

    def call(self, run: Run) -> None:
        if self._bar:
            self._show(run)

    def end(self, run: Run) -> None:
        if self._bar:
            self._bar.stop()
            self._bar = None
