"""The command that trains: on a folder of images, or on the file of a table."""

import re
from pathlib import Path
from typing import Any

import click

from pellucid.cli.commands import InSections, command_line, debug, given
from pellucid.cli.reading import learning_options, reading_of
from pellucid.errors import DataError

IMAGES = ["size", "colour", "aspect", "flip", "augment", "skip_broken"]
TABLES = [
    *("target", "preset", "ensemble", "test", "columns", "task", "weight"),
    *("missing_target", "separator", "encoding", "decimal", "no_header"),
    *("resume", "anew", "checkpoint_seconds", "checkpoint_epochs", "threads"),
    "as_json",
]


def _as_size(
    context: click.Context, parameter: click.Parameter, text: str | None
) -> tuple[int, int] | None:
    """Return height and width: ``"48x64"``, or one number for both."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d{1,5})(?:x(\d{1,5}))?", text)
    if not found:
        raise click.BadParameter(
            f"{text!r} is no number of pixels such as 64, and no height x width such "
            "as 48x64.",
            context,
            parameter,
        )
    return int(found[1]), int(found[2] or found[1])


@click.command(
    cls=InSections, sections={"For tables": TABLES, "For folders of images": IMAGES}
)
@click.argument("source", metavar="FILE|FOLDER", type=click.Path(path_type=Path))
@click.option("--target", metavar="COLUMN", help="The column that is to be predicted.")
@click.option(
    "--preset",
    type=click.Choice(["tabular"]),
    default="tabular",
    show_default=True,
    help="The recipe, which looks at rows and task.",
)
@click.option(
    "--ensemble",
    type=click.IntRange(2, 256),
    metavar="K",
    help="One network of K members whose mean is the answer.",
)
@learning_options
@click.option(
    "--threads",
    type=click.IntRange(1),
    metavar="N",
    help="How many may be used. [default: all]",
)
@click.option(
    "--resume", is_flag=True, help="Go on with a training that was interrupted."
)
@click.option("--anew", is_flag=True, help="Forget a training that was interrupted.")
@click.option(
    "--checkpoint-seconds",
    type=click.FloatRange(0, min_open=True),
    metavar="N",
    help="How often that is kept by which --resume goes on. [default: 10]",
)
@click.option(
    "--checkpoint-epochs",
    type=click.IntRange(1),
    metavar="N",
    help="The same, in epochs.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON in place of a story.")
@click.option(
    "--size",
    callback=_as_size,
    metavar="N|HxW",
    help="Pixels a side, or height x width. [default: as the images are, at most 64]",
)
@click.option(
    "--colour",
    type=click.Choice(["rgb", "grey"]),
    help="Colours of the images. [default: as they are]",
)
@click.option(
    "--aspect",
    type=click.Choice(["crop", "pad", "stretch"]),
    default="crop",
    show_default=True,
    help="What happens to images of another shape.",
)
@click.option(
    "--flip/--no-flip",
    default=None,
    help="Whether training mirrors some images. [default: where they have colours]",
)
@click.option(
    "--augment/--no-augment",
    default=True,
    help="Whether training moves, turns and scales images a little. [default: it does]",
)
@click.option("--skip-broken", is_flag=True, help="Leave out files that are damaged.")
@click.option(
    "--output",
    "-o",
    metavar="FOLDER",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where results are written. [default: pellucid-train-NAME]",
)
@click.option(
    "--memory",
    type=click.IntRange(1),
    metavar="MIB",
    help="How much memory the data may take. [default: images 1024, tables 256]",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=0,
    show_default=True,
    help="Another seed: other rows or images for the test, other first weights.",
)
@click.option(
    "--epochs",
    type=click.IntRange(1),
    help="How often to pass over the data at most. [default: images 100, tables by "
    "the recipe]",
)
@click.option("--quiet", "-q", is_flag=True, help="Print only where the report is.")
@debug
@click.pass_context
def train(
    context: click.Context, /, source: Path, output: Path | None, **settings: Any
) -> int:
    """Train a network on a table, or on a folder of images.

    A FILE is a table: CSV, Parquet or Arrow. Say which column to predict:

      pellucid train houses.csv --target price

    A FOLDER has a folder of PNG and JPEG files for each class.

    Some rows or images are kept for a test. The results are a folder with the network,
    its history, and a report to open in a browser.
    """
    if not source.exists():
        raise DataError(
            f"{source}: there is no such file or folder; expected the file of a "
            "table, or a folder with a folder of images for each class."
        )
    from pellucid.data.image_folder import ENDINGS

    if source.suffix.lower() in ENDINGS and source.is_file():
        raise DataError(
            f"{source} is an image; expected a folder with a folder of images for each "
            "class, or the file of a table."
        )
    folder = output or Path(f"pellucid-train-{source.resolve().stem}")
    mine, others = (IMAGES, TABLES) if source.is_dir() else (TABLES, IMAGES)
    for name in given(context):
        if name in others:
            what = "a folder of images" if source.is_dir() else "a table"
            flag = max((o for o in _option(context, name).opts), key=len)
            raise click.UsageError(f"{flag} is not for {what}.", context)
    chosen = {
        name: settings[name] for name in (*mine, "memory", "seed", "epochs", "quiet")
    }
    if source.is_dir():
        return _on_images(source, folder, chosen)
    if chosen["target"] is None:
        raise click.UsageError(
            f"{source} is a table: --target COLUMN says what to predict.", context
        )
    return _on_table(source, folder, chosen, command_line(context, WITHOUT))


# What the command line of a training need not say to end the same.
WITHOUT = (
    *("resume", "anew", "checkpoint_seconds", "checkpoint_epochs"),
    *("as_json", "quiet", "threads", "output"),
)


def _option(context: click.Context, name: str) -> click.Parameter:
    return next(each for each in context.command.params if each.name == name)


def _on_images(source: Path, folder: Path, chosen: dict[str, Any]) -> int:
    from pellucid.cli.training import train_on_images

    broken = "skip" if chosen.pop("skip_broken") else "error"
    memory = (chosen.pop("memory") or 1024) * 2**20
    return train_on_images(source, folder, broken=broken, memory=memory, **chosen)


def _on_table(source: Path, folder: Path, chosen: dict[str, Any], command: str) -> int:
    from pellucid.cli.table_training import train_on_table

    names = ("target", "columns", "task", "weight", "missing_target")
    reading = {name: chosen.pop(name) for name in names}
    form = ("separator", "encoding", "decimal", "no_header")
    reading |= reading_of(*(chosen.pop(name) for name in form))
    memory = chosen.pop("memory")
    if memory is not None:
        reading["memory"] = memory * 2**20
    return train_on_table(source, folder, command=command, reading=reading, **chosen)
