"""The files of a training: model, settings, history and report, in a folder of ours."""

import csv
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pellucid.container import write_whole
from pellucid.errors import ConfigurationError
from pellucid.files import content_of
from pellucid.report import Result, page
from pellucid.report.table_run import TableRun
from pellucid.training import History

FILES = ("model.pellucid", "settings.json", "history.csv", "report.html")


def must_be_free(folder: Path, command: str) -> None:
    """Make the folder, and raise if it holds files of ours' names that are not ours.

    Parameters
    ----------
    folder : Path
        Where results shall be written.
    command : str
        Which command will write them, and may replace what it wrote before.

    Raises
    ------
    ConfigurationError
        If another's file would be overwritten.
    OSError
        If the folder cannot be made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    taken = [name for name in FILES if folder.joinpath(name).exists()]
    if not taken:
        return
    try:
        settings = json.loads(folder.joinpath("settings.json").read_text("utf-8"))
        ours = settings["written by"] == command
    except (OSError, ValueError, LookupError, TypeError):
        ours = False
    if not ours:
        raise ConfigurationError(
            f"{folder} has a {taken[0]} that no {command.removeprefix('pellucid ')} "
            "wrote, and it stays as it is: choose another folder with --output."
        )


def write(result: Result, folder: Path, settings: dict[str, Any]) -> None:
    """Write model, settings, history and report: all or nothing.

    Parameters
    ----------
    result : Result
        Of the training.
    folder : Path
        Exists. Earlier results in it are replaced.
    settings : dict
        What is needed to do it again; "written by" names the command.

    Raises
    ------
    ModelFileError
        If a file cannot be written; earlier results are then unchanged.
    """
    text = json.dumps(settings, indent=2) + "\n"
    model = folder / "model.pellucid"
    # All at once, so that what fails while they are made leaves earlier results whole.
    # The settings come first: they are what marks the other files as ours.
    write_whole(
        {
            folder / "settings.json": text.encode(),
            model: content_of(result.network, model),
            folder / "history.csv": _history(result.history).encode(),
            # A name of a file may hold what is no letter in any language.
            folder / "report.html": page(result).encode(errors="backslashreplace"),
        }
    )


def write_table(run: TableRun, folder: Path, settings: dict[str, Any]) -> None:
    """Write model, settings, history and report of a table: all or nothing.

    Parameters
    ----------
    run : TableRun
        What was trained and judged.
    folder : Path
        Exists. Earlier results in it are replaced.
    settings : dict
        As in `write`.

    Raises
    ------
    ModelFileError
        If a file cannot be written; earlier results are then unchanged.
    """
    histories = run.trained.histories
    course = _history(histories[0]) if len(histories) == 1 else _histories(histories)
    model = folder / "model.pellucid"
    write_whole(
        {
            folder / "settings.json": as_text(settings),
            model: content_of(run.network, model),
            folder / "history.csv": course.encode(),
            folder / "report.html": page(run).encode(errors="backslashreplace"),
        }
    )


def as_text(settings: dict[str, Any]) -> bytes:
    """Return settings as they stand in a file.

    Parameters
    ----------
    settings : dict
        Plain values.

    Returns
    -------
    bytes
        JSON.
    """
    text = json.dumps(settings, indent=2, ensure_ascii=False)
    return f"{text}\n".encode(errors="backslashreplace")


def _history(history: History) -> str:
    """Return the course of training as CSV, a row for each epoch."""
    columns: dict[str, list[float]] = {
        "epoch": [float(epoch + 1) for epoch in range(history.epochs)],
        "loss": history.loss,
        "validation_loss": history.validation,
        **{f"validation_{name}": values for name, values in history.metrics.items()},
        "learning_rate": history.learning_rate,
        "gradient_norm": history.gradient_norm,
        "seconds": history.seconds,
    }
    columns = {name: values for name, values in columns.items() if values}
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns or ["epoch"])
    for row in zip(*columns.values(), strict=True):
        writer.writerow([int(row[0]), *row[1:]])
    return text.getvalue()


def _histories(histories: Sequence[History]) -> str:
    """Return the courses of several trainings as CSV, each with its number."""
    lines = []
    for number, history in enumerate(histories, 1):
        header, *rows = _history(history).splitlines()
        lines += [f"network,{header}"] if number == 1 else []
        lines += [f"{number},{row}" for row in rows]
    return "\n".join(lines) + "\n"
