"""A search for a recipe, told in the terminal."""

import json
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from pellucid.cli.notes import told_as_notes
from pellucid.cli.table_course import TimeLeft
from pellucid.cli.table_training import (
    fingerprint,
    train_on_table,
    working_in,
)
from pellucid.cli.terminal import Telling, console_of
from pellucid.container import write_whole
from pellucid.data.table import table
from pellucid.errors import ConfigurationError, DataError
from pellucid.table_training import TableTraining
from pellucid.table_tuning import SPACE, Search, Trial, picture
from pellucid.tabular import Recipe
from pellucid.training import InterruptedWarning

TRIALS, PICTURE = "trials.jsonl", "tuning.png"


def tune_on_table(
    source: Path,
    folder: Path,
    *,
    command: str,
    reading: dict[str, Any],
    minutes: float,
    trials: int | None = None,
    resume: bool = False,
    anew: bool = False,
    threads: int | None = None,
    as_json: bool = False,
    **training: Any,
) -> int:
    """Search for a recipe, train with the best one, and write files.

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
    minutes : float
        How long the trials may take, those of before included; one that has begun is
        finished.
    trials : int or None
        How many there may be at most, those of before included.
    resume : bool
        Whether to go on with a search that is there.
    anew : bool
        Whether such a search may be forgotten.
    threads : int or None
        How many threads may be used.
    as_json : bool
        Whether to print one JSON document in place of the story.
    **training
        Further arguments of `TableTraining`.

    Returns
    -------
    int
        Exit code: 130 if Ctrl-C ended the search, which keeps its trials.
    """
    console = console_of(quiet=as_json)
    told = Telling(console)
    with told_as_notes(), working_in(folder):
        with told.busy(f"reading {source.name}"):
            data = table(source, **reading)
        job = TableTraining(data, **training)
        about = {"about": job.settings() | {"sha256": fingerprint(source)}}
        search = Search(job, _before(folder, about, resume=resume, anew=anew))
        told.heading("The search")
        told.say(
            f"Each trial trains on {len(search.learned):,} rows and is judged by "
            f"{len(search.judging):,} others, by {search.measure.replace('_', '-')}; "
            f"the {len(job.judged):,} rows of the test are not looked at. Trial 0 is "
            "the preset, the others change at random:"
        )
        space = [_said(name, options) for name, options in SPACE.items()]
        told.table(("setting", "values"), space, numbers=())
        interrupted = False
        while trials is None or len(search.trials) < trials:
            if search.trials and search.seconds > 60 * minutes:
                break
            course = TimeLeft(console, job, f"trial {len(search.trials)}")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", InterruptedWarning)
                trial = search.next([course], threads=threads)
            if trial is None:
                interrupted = True
                break
            _note(folder, trial)
            _tell(console, search, trial)
        console.print()
        if not search.trials:
            return 130
        write_whole({folder / PICTURE: picture(search)})
    told.heading("The best trials")
    found = search.table()
    told.table(found.header, list(found), numbers=(0, 1, 3, 4, 5, 6))
    told.say(f"All trials: {folder / TRIALS}. As a picture: {folder / PICTURE}.")
    outcome = {
        "measure": search.measure,
        "trials": [trial.to_dict() for trial in search.trials],
        "best trial": search.ranked[0].number,
        "interrupted": interrupted,
    }
    if interrupted:
        told.say("Ctrl-C ended the search; --resume goes on, here or with more time.")
        if as_json:
            click.echo(json.dumps({"search": outcome}, indent=2))
        return 130
    told.say("Now the best recipe learns from all rows but those of the test.")
    best = search.best()
    going_on = resume and _began_with(folder, best)
    return train_on_table(
        source,
        folder,
        command=command,
        reading=reading,
        resume=going_on,
        anew=not going_on,
        threads=threads,
        as_json=as_json,
        further={"search": outcome},
        **(training | {"recipe": best}),
    )


WORDS = {
    "depth": "hidden layers",
    "width": "neurons of each",
    "decay": "weight decay",
    "batch_size": "batch",
}


def _said(name: str, options: tuple[Any, ...]) -> tuple[str, str]:
    """Return a setting and the values that are tried, in words."""
    words = WORDS.get(name, name.replace("_", " "))
    if name in ("learning_rate", "decay"):
        return words, f"{options[0]:g} to {options[1]:g} times the preset's"
    if name == "batch_size":
        return words, f"{', '.join(map(str, options))} times the preset's"
    if name == "front_scale":
        return words, "with and without"
    return words, ", ".join(map(str, options))


def _began_with(folder: Path, recipe: Recipe) -> bool:
    """Return whether a training by this recipe has begun in a folder."""
    try:
        settings = json.loads(folder.joinpath("settings.json").read_text("utf-8"))
        return bool(settings["recipe"] == json.loads(json.dumps(asdict(recipe))))
    except (OSError, ValueError, LookupError, TypeError):
        return False


def _before(
    folder: Path, about: dict[str, Any], *, resume: bool, anew: bool
) -> list[Trial]:
    """Return the trials made before, and begin the file of trials where none are."""
    file = folder / TRIALS
    if file.is_file() and not resume and not anew:
        raise ConfigurationError(
            f"{folder} has trials of an earlier search: --resume goes on with it, "
            "--anew begins again without them, and --output names another folder."
        )
    about = json.loads(json.dumps(about))
    if not file.is_file() or anew:
        write_whole({file: f"{json.dumps(about)}\n".encode()})
        return []
    try:
        first, *lines = file.read_text("utf-8").splitlines(keepends=True)
        # A line without its end was being written when the power failed.
        whole = [line for line in lines if line.endswith("\n")]
        before = json.loads(first)
        found = [Trial.from_dict(json.loads(line)) for line in whole]
    except (ValueError, LookupError, TypeError) as error:
        raise DataError(
            f"{file} is damaged: {error}. --anew begins again without it."
        ) from error
    if before != about:
        raise ConfigurationError(
            f"The search in {folder} was about other rows or settings; --anew begins "
            "again without it."
        )
    write_whole({file: (first + "".join(whole)).encode()})
    return found


def _note(folder: Path, trial: Trial) -> None:
    with folder.joinpath(TRIALS).open("a", encoding="utf-8") as file:
        file.write(f"{json.dumps(trial.to_dict())}\n")


def _tell(console: Any, search: Search, trial: Trial) -> None:
    score = trial.scores[search.measure]
    best = search.ranked[0] is trial
    console.print(
        f"trial {trial.number:>3}  {search.measure.replace('_', '-')} {score:.4g}  "
        f"{trial.seconds:.1f} s" + "  the best so far" * best,
        soft_wrap=True,
        style="bold" if best else "",
    )
