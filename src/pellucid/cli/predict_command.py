"""The command that asks a network about images, or about the rows of a table."""

from pathlib import Path
from typing import Any

import click

from pellucid.cli.commands import InSections, debug
from pellucid.cli.reading import reading_of, reading_options

TABLES = [
    *("output", "probabilities", "keep", "strict"),
    *("separator", "encoding", "decimal", "no_header"),
]


@click.command(cls=InSections, sections={"For tables": TABLES})
@click.argument("model", type=click.Path(path_type=Path))
@click.argument(
    "files",
    metavar="FILE...",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path),
)
@click.option(
    "--output",
    "-o",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A CSV or Parquet file for the answers. [default: they are printed]",
)
@click.option(
    "--probabilities", is_flag=True, help="Give the probability of each class too."
)
@click.option(
    "--keep",
    metavar="NAME,...",
    default="",
    help="Columns that are copied beside the answers; all copies all.",
)
@click.option(
    "--strict", is_flag=True, help="Refuse categories that training has not seen."
)
@reading_options
@click.option("--json", "as_json", is_flag=True, help="Print JSON in place of a table.")
@debug
def predict(
    model: Path, files: tuple[Path, ...], as_json: bool, **settings: Any
) -> int:
    """Say what a network makes of images, or of the rows of a table.

    A network that 'pellucid train' made of a table takes one CSV, Parquet or Arrow file
    with the columns it learned from, in any order, and gives an answer for each row. A
    file of any size needs little memory.
    """
    from pellucid.cli.prediction import predict as answer

    form = ("separator", "encoding", "decimal", "no_header")
    reading = reading_of(*(settings.pop(name) for name in form))
    keep = tuple(filter(None, map(str.strip, settings.pop("keep").split(","))))
    return answer(model, files, as_json=as_json, reading=reading, keep=keep, **settings)
