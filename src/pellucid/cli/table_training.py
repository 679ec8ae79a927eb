"""A training on a table, told in the terminal."""

import hashlib
import json
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from pellucid import results
from pellucid.cli.notes import told_as_notes
from pellucid.cli.table_course import TableCourse, TimeLeft
from pellucid.cli.terminal import MOST_CLASSES, Telling, console_of
from pellucid.container import write_whole
from pellucid.data.table import table
from pellucid.errors import ConfigurationError
from pellucid.locks import claim
from pellucid.report.scores import number
from pellucid.report.table_run import TableRun
from pellucid.table_training import (
    MEANINGS,
    WRITTEN_BY,
    TableTraining,
    beside_the_linear,
    scores_beside,
    shown,
)
from pellucid.training import InterruptedWarning

_COLUMNS = 30  # columns whose encoding is shown
# What may differ between a training and its going on.
_MAY_DIFFER = ("command", "data", "pellucid")


def train_on_table(
    source: Path,
    folder: Path,
    *,
    command: str,
    reading: dict[str, Any],
    resume: bool = False,
    anew: bool = False,
    threads: int | None = None,
    checkpoint_epochs: int | None = None,
    checkpoint_seconds: float | None = None,
    as_json: bool = False,
    quiet: bool = False,
    further: dict[str, Any] | None = None,
    **training: Any,
) -> int:
    """Train on a table, tell what happens, and write files.

    Parameters
    ----------
    source : Path
        A CSV, Parquet or Arrow file.
    folder : Path
        Where files are written.
    command : str
        The command line, which is kept with the results.
    reading : dict
        Further arguments of `pellucid.data.table`.
    resume : bool
        Whether to go on with a training that was interrupted.
    anew : bool
        Whether such a training may be forgotten.
    threads : int or None
        How many threads may be used.
    checkpoint_epochs, checkpoint_seconds : int and float, or None
        How often a checkpoint is written, as in `pellucid.tabular.train`.
    as_json : bool
        Whether to print one JSON document in place of the story.
    quiet : bool
        Whether to print only where the report is.
    further : dict, optional
        What the JSON document tells besides.
    **training
        Further arguments of `TableTraining`.

    Returns
    -------
    int
        Exit code: 130 if Ctrl-C ended the training, which keeps what was learned.
    """
    console = console_of(quiet=quiet or as_json)
    told = TableTelling(console)
    with told_as_notes(), working_in(folder):
        with told.busy(f"reading {source.name}"):
            data = table(source, **reading)
        job = TableTraining(data, **training)
        settings = job.settings() | {
            "command": command,
            "data": str(source.resolve()),
            "sha256": fingerprint(source),
        }
        checkpoints = prepared(folder, settings, resume=resume, anew=anew)
        if checkpoints is None:
            report = folder / "report.html"
            done = {"complete": True, "files": {"report": str(report)}}
            click.echo(
                json.dumps(done, indent=2)
                if as_json
                else f"The training in {folder} is complete: {report}"
            )
            return 0
        told.before(job, going_on=any(checkpoints.iterdir()))
        course = [TableCourse(console, job), TimeLeft(console, job)]
        with warnings.catch_warnings():
            # The story says it in its own words.
            warnings.simplefilter("ignore", InterruptedWarning)
            job.fit(
                course,
                checkpoints=checkpoints,
                checkpoint_epochs=checkpoint_epochs,
                checkpoint_seconds=checkpoint_seconds,
                threads=threads,
            )
        with told.busy("fitting the linear model"):
            run = job.run(command)
        told.after(job, run)
        with told.busy("drawing the report"):
            results.write_table(run, folder, settings)
        if not job.interrupted:
            shutil.rmtree(checkpoints)
    told.files(folder, source, job)
    if as_json:
        told_whole = document(job, run, folder, command) | (further or {})
        click.echo(json.dumps(told_whole, indent=2))
    elif quiet:
        click.echo(folder / "report.html")
    return 130 if job.interrupted else 0


@contextmanager
def working_in(folder: Path) -> Iterator[None]:
    """Keep a folder for this process; a new one in which nothing is made goes away.

    Parameters
    ----------
    folder : Path
        It need not exist.

    Yields
    ------
    None

    Raises
    ------
    ConfigurationError
        If it has files of others that would be replaced.
    ModelFileError
        If another training works there.
    """
    made = not folder.exists()
    results.must_be_free(folder, WRITTEN_BY)
    lock = claim(folder / "model.pellucid")
    try:
        yield
    finally:
        lock.remove()
        if made and not any(folder.iterdir()):
            folder.rmdir()


def fingerprint(source: Path) -> str:
    """Return the SHA-256 of a file.

    Parameters
    ----------
    source : Path
        The file.

    Returns
    -------
    str
    """
    with source.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def prepared(
    folder: Path, settings: dict[str, Any], *, resume: bool, anew: bool
) -> Path | None:
    """Return the folder of checkpoints, with what may be gone on with.

    Parameters
    ----------
    folder : Path
        Of the results.
    settings : dict
        Of the training that begins now; written to the folder.
    resume, anew : bool
        As in `train_on_table`.

    Returns
    -------
    Path or None
        None if there is nothing left to do.

    Raises
    ------
    ConfigurationError
        If there is an unfinished training and nothing says what to do with it, or if
        it is another one.
    """
    checkpoints = folder / "checkpoints"
    begun = sorted(checkpoints.glob("network_*.pellucid"))
    file = folder / "settings.json"
    if resume and file.is_file():
        before = json.loads(file.read_text("utf-8"))
        now = json.loads(results.as_text(settings))
        differ = [
            name
            for name in now
            if name not in _MAY_DIFFER and before.get(name) != now[name]
        ]
        if differ:
            raise ConfigurationError(
                f"The training in {folder} had other settings ({', '.join(differ)}), "
                "and would not end as it began. Its command was: "
                f"{before.get('command', 'not noted')}"
            )
        if not begun and folder.joinpath("report.html").is_file():
            return None
    elif begun and not resume and not anew:
        raise ConfigurationError(
            f"{folder} has an unfinished training: --resume goes on with it, --anew "
            "begins again without it, and --output names another folder."
        )
    if not resume:
        for path in begun:
            path.unlink()
    checkpoints.mkdir(exist_ok=True)
    if not (resume and file.is_file()):
        write_whole({file: results.as_text(settings)})
    return checkpoints


class TableTelling(Telling):
    """Tells the story of a training on a table."""

    def before(self, job: TableTraining, *, going_on: bool) -> None:
        """Tell what will be done with which data and network.

        Parameters
        ----------
        job : TableTraining
            Before it begins.
        going_on : bool
            Whether a part of it is done already.
        """
        self.heading("The data")
        for line in repr(job.table).splitlines():
            self.console.print(line, soft_wrap=True)
        self.console.print()
        self.say(
            f"{len(job.judged):,} rows are put aside for the test: the network never "
            f"sees them while it learns from the other {len(job.learned):,}."
        )
        encoder = job.encoder()
        settings = encoder.settings_table()
        self.heading("How columns become numbers")
        # Columns that are left out were told of with the data.
        rows = [tuple(map(str, row)) for row in settings if row[2]]
        self.table(settings.header, rows[:_COLUMNS], numbers=(2,))
        if len(rows) > _COLUMNS:
            self.say(f"And {len(rows) - _COLUMNS:,} more columns: the report has all.")
        self.say(f"{settings.title}; {settings.footer}.")
        self.heading("The network")
        self.say(*job.plan())
        self.heading("The training")
        if going_on:
            self.say("It goes on where it was interrupted.")

    def after(self, job: TableTraining, run: TableRun) -> None:
        """Tell how the training and the test went.

        Parameters
        ----------
        job : TableTraining
            After training.
        run : TableRun
            With the answers for the test.
        """
        self.console.print()
        if job.interrupted:
            self.say(
                "Ctrl-C ended the training; the network has what it had learned. "
                "--resume goes on."
            )
        temperature = run.trained.temperature
        self.say(
            f"The training took {job.seconds:.1f} seconds."
            + (
                f" Rows held out show that its probabilities were too "
                f"{'certain' if temperature > 1 else 'cautious'}: its outputs are "
                f"divided by a temperature of {temperature:.3g}."
            )
            * (temperature != 1)
        )
        self.heading("The test")
        found = scores_beside(run)
        columns = ["network", *(each.name for each in run.baselines), "constant"]
        rows = [
            (MEANINGS[name][0], *(shown(name, found[c][name]) for c in columns))
            for name in found["network"]
        ]
        header = ("", "network", *(each.name for each in run.baselines), "no model")
        self.table(header, rows, numbers=tuple(range(1, len(header))))
        meanings = [f"{MEANINGS[n][0]}: {MEANINGS[n][1]}" for n in found["network"]]
        self.say(
            "; ".join(meanings)
            + ". No model: always "
            + ("the shares of the classes." if run.classes else "the mean.")
        )
        facts, verdict = beside_the_linear(run)
        self.line(facts)
        better = "is better" in verdict
        self.say(verdict, style="bold green" if better else "bold yellow")
        if run.classes and len(run.classes) <= MOST_CLASSES:
            self.confusion(run.classes, run.confusion)

    def files(self, folder: Path, source: Path, job: TableTraining) -> None:
        """Tell where the files are and how the network is used.

        Parameters
        ----------
        folder : Path
            Where its files are.
        source : Path
            What it was trained on.
        job : TableTraining
            After training.
        """
        self.written(folder, TABLE_FILES)
        self.say("To use the network:")
        model = click.format_filename(folder / "model.pellucid")
        name = click.format_filename(source.name)
        for words in (
            f"pellucid predict {model} {name}",
            f"pellucid explain {model} {name} --row 0",
        ):
            self.console.print(words, soft_wrap=True)


TABLE_FILES = (
    ("report.html", ""),
    (
        "model.pellucid",
        "the network and the encoder: it takes tables as they are",
    ),
    ("history.csv", "loss, validation loss and learning rate of every epoch"),
    ("settings.json", "all that is needed to do it again, with the command line"),
)


def document(
    job: TableTraining, run: TableRun, folder: Path, command: str
) -> dict[str, Any]:
    """Return what happened, for machines.

    Parameters
    ----------
    job : TableTraining
        After training.
    run : TableRun
        With the answers for the test.
    folder : Path
        Where the files are.
    command : str
        The command line.

    Returns
    -------
    dict
        Plain values.
    """
    histories = run.trained.histories
    return {
        "table": job.table.name,
        "target": job.table.target,
        "task": job.task,
        "classes": list(job.table.classes),
        "columns": job.table.kinds,
        "left out": {each.name: each.why for each in job.table.left_out},
        "notes": list(job.table.notes),
        "rows": {"learned": len(job.learned), "test": len(job.judged)},
        "recipe": job.plan(),
        "networks": [
            {
                "epochs": history.epochs,
                "best epoch": history.best_epoch,
                "interrupted": history.interrupted,
                "stopped": history.stopped,
            }
            for history in histories
        ],
        "temperature": run.trained.temperature,
        "seconds": float(number(job.seconds).replace(",", "")),
        "scores": scores_beside(run),
        "verdict": beside_the_linear(run),
        "files": {
            path.stem: str(path) for path in (folder / n for n, _ in TABLE_FILES)
        },
        "interrupted": job.interrupted,
        "command": command,
    }
