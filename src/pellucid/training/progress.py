"""The progress bar, on a terminal and in a notebook."""

import html
import sys
import time
from typing import Any

from pellucid.training.callbacks import Run

PAUSE = 0.1  # seconds between two pictures of the bar in a notebook


class Progress:
    """A line that shows how far training is, what the loss is, and how long it takes.

    Parameters
    ----------
    wanted : bool or None
        Whether to show it; None means: in a notebook, and when standard error is a
        terminal.
    """

    def __init__(self, wanted: bool | None) -> None:
        notebook = in_notebook()
        terminal = sys.stderr is not None and sys.stderr.isatty()
        shown = notebook or terminal if wanted is None else wanted
        kind = NotebookBar if notebook else TerminalBar
        self._bar: TerminalBar | NotebookBar | None = kind() if shown else None
        self._begun = False

    def begin(self, run: Run) -> None:
        """Show the bar.

        Parameters
        ----------
        run : Run
            The training.
        """
        if self._bar is not None:
            self._bar.begin(run)
            self._begun = True

    def show(self, run: Run) -> None:
        """Bring the bar up to date.

        Parameters
        ----------
        run : Run
            The training.
        """
        if self._bar is not None and self._begun:
            self._bar.show(run, _words(run))

    def end(self) -> None:
        """Leave the last state of the bar where it is."""
        if self._bar is not None and self._begun:
            self._bar.end()
            self._begun = False


def in_notebook() -> bool:
    """Return whether this process is the kernel of a notebook."""
    ipython = sys.modules.get("IPython")  # where it is not loaded there is no kernel
    shell = ipython.get_ipython() if ipython is not None else None
    return getattr(shell, "kernel", None) is not None


def _words(run: Run) -> str:
    """Return loss, validation loss and metrics of this moment."""
    history = run.history
    text = f"loss {history.iterations[-1]:.4g}" if history.iterations else ""
    if history.validation:
        text += f"  validation {history.validation[-1]:.4g}"
    for name, values in history.metrics.items():
        text += f"  {name} {values[-1]:.4g}" if values else ""
    return text


class TerminalBar:
    """A bar drawn by rich on standard error."""

    def begin(self, run: Run) -> None:
        """Show the bar of a `run`."""
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

    def show(self, run: Run, text: str) -> None:
        """Draw the bar of a `run` with a `text` behind it."""
        self._bar.update(self._task, completed=run.step, epoch=run.epoch, text=text)

    def end(self) -> None:
        """Leave the bar as it is."""
        self._bar.stop()


class NotebookBar:
    """A bar below the cell, which replaces its own picture as training goes on."""

    def begin(self, run: Run) -> None:
        """Show the bar of a `run`."""
        from IPython.display import display

        self._first, self._since = run.step, time.monotonic()
        self._shown = self._since
        self._waiting: dict[str, str] | None = None
        picture = self._picture(run, "")
        self._handle: Any = display(picture, raw=True, display_id=True)

    def show(self, run: Run, text: str) -> None:
        """Draw the bar of a `run` with a `text` behind it, if it is time for it."""
        self._waiting = self._picture(run, text)
        if time.monotonic() - self._shown >= PAUSE:
            self._update()

    def end(self) -> None:
        """Draw the bar a last time."""
        if self._waiting is not None:
            self._update()

    def _update(self) -> None:
        self._handle.update(self._waiting, raw=True)
        self._shown, self._waiting = time.monotonic(), None

    def _picture(self, run: Run, text: str) -> dict[str, str]:
        """Return the bar as HTML, and as text for where there is none."""
        passed = time.monotonic() - self._since
        done = run.step - self._first
        left = passed / done * (run.steps - run.step) if done else None
        times = f"{_clock(passed)} left {_clock(left)}"
        epochs = f"epoch {run.epoch}/{run.epochs}"
        full = round(24 * run.step / max(1, run.steps))
        plain = f"{epochs} [{'#' * full}{'.' * (24 - full)}] {text}  {times}"
        bar = f'<progress value="{run.step}" max="{run.steps}"></progress>'
        words = html.escape(f"{text}  {times}".strip()).replace("  ", " &nbsp; ")
        page = f'<div style="font-family: monospace">{epochs} {bar} {words}</div>'
        return {"text/plain": plain, "text/html": page}


def _clock(seconds: float | None) -> str:
    """Return a time such as ``0:01:05``."""
    if seconds is None:
        return "-:--:--"
    whole = int(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"
