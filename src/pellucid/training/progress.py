"""The progress bar."""

import sys
from typing import Any

from pellucid.training.callbacks import Run


class Progress:
    """A line that shows how far training is, what the loss is, and how long it takes.

    Parameters
    ----------
    wanted : bool or None
        Whether to show it; None means: when standard error is a terminal.
    """

    def __init__(self, wanted: bool | None) -> None:
        terminal = sys.stderr is not None and sys.stderr.isatty()
        self.wanted = terminal if wanted is None else wanted
        self._bar: Any = None

    def begin(self, run: Run) -> None:
        """Show the bar.

        Parameters
        ----------
        run : Run
            The training.
        """
        if not self.wanted:
            return
        from rich import progress
        from rich.console import Console

        self._bar = progress.Progress(
            progress.TextColumn("epoch {task.fields[epoch]}/{task.fields[epochs]}"),
            progress.BarColumn(bar_width=24),
            progress.TextColumn("{task.fields[text]}"),
            progress.TimeElapsedColumn(),
            progress.TextColumn("left"),
            progress.TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._bar.start()
        self._task = self._bar.add_task(
            "", total=run.steps, completed=run.step, epoch=0, epochs=run.epochs, text=""
        )

    def show(self, run: Run) -> None:
        """Bring the bar up to date.

        Parameters
        ----------
        run : Run
            The training.
        """
        if self._bar is None:
            return
        history = run.history
        text = f"loss {history.iterations[-1]:.4g}" if history.iterations else ""
        if history.validation:
            text += f"  validation {history.validation[-1]:.4g}"
        for name, values in history.metrics.items():
            text += f"  {name} {values[-1]:.4g}" if values else ""
        self._bar.update(self._task, completed=run.step, epoch=run.epoch, text=text)

    def end(self) -> None:
        """Leave the last state of the bar on the screen."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None
