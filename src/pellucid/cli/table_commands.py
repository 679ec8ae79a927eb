"""Commands about the rows of a file: evaluate, explain, tune."""

from pathlib import Path
from typing import Any

import click

from pellucid.cli.commands import command_line, debug
from pellucid.cli.reading import learning_options, reading_of, reading_options

_model = click.argument("model", type=click.Path(path_type=Path))
_file = click.argument("source", metavar="FILE", type=click.Path(path_type=Path))
_json = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON in place of a table."
)
FORM = ("separator", "encoding", "decimal", "no_header")


def _reading(settings: dict[str, Any]) -> dict[str, Any]:
    """Take out of the settings how a file is read."""
    return reading_of(*(settings.pop(name) for name in FORM))


@click.command()
@_model
@_file
@click.option(
    "--weight", metavar="COLUMN", help="A column that says how much each row counts."
)
@reading_options
@_json
@debug
def evaluate(
    model: Path, source: Path, weight: str | None, as_json: bool, **settings: Any
) -> int:
    """Say how good a network is on rows whose target is known."""
    from pellucid.cli.table_judging import evaluate_table

    reading = _reading(settings) | ({"weight": weight} if weight else {})
    return evaluate_table(model, source, as_json=as_json, reading=reading)


@click.command()
@_model
@_file
@click.option(
    "--row",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    metavar="N",
    help="Which row of the file, counted from 0.",
)
@click.option(
    "--class",
    "output",
    metavar="NAME",
    help="The class whose probability is explained. [default: the predicted one]",
)
@click.option(
    "--compared-with",
    "compared",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Rows that the row is compared with. [default: those of the file]",
)
@click.option(
    "--computation", is_flag=True, help="Work out the last sum number by number."
)
@reading_options
@_json
@debug
def explain(model: Path, source: Path, row: int, **settings: Any) -> int:
    """Say what each column adds to the prediction for a row, and how it comes about."""
    from pellucid.cli.table_judging import explain_row

    reading = _reading(settings)
    return explain_row(model, source, row, reading=reading, **settings)


@click.command()
@_file
@click.option(
    "--target",
    metavar="COLUMN",
    required=True,
    help="The column that is to be predicted.",
)
@click.option(
    "--minutes",
    type=click.FloatRange(0, min_open=True),
    default=10.0,
    show_default=True,
    metavar="N",
    help="How long the trials may take, those before a --resume included; one that "
    "has begun is finished.",
)
@click.option(
    "--trials",
    type=click.IntRange(1),
    metavar="N",
    help="How many there may be at most. [default: as many as the time allows]",
)
@learning_options
@click.option(
    "--epochs",
    type=click.IntRange(1),
    help="How often to pass over the data. [default: by the recipe]",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=0,
    show_default=True,
    help="Another seed: other rows for the test, other trials.",
)
@click.option(
    "--threads",
    type=click.IntRange(1),
    metavar="N",
    help="How many may be used. [default: all]",
)
@click.option("--resume", is_flag=True, help="Go on with a search that is there.")
@click.option("--anew", is_flag=True, help="Forget a search that is there.")
@click.option(
    "--output",
    "-o",
    metavar="FOLDER",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where results are written. [default: pellucid-tune-NAME]",
)
@_json
@debug
@click.pass_context
def tune(
    context: click.Context, /, source: Path, output: Path | None, **settings: Any
) -> int:
    """Search for a recipe that suits a table, then train with the best one.

    Tries random settings around the preset until the time is up. What was tried stays
    in the folder, and --resume goes on with it.
    """
    from pellucid.cli.table_tuning import tune_on_table

    names = ("target", "columns", "task", "weight", "missing_target")
    reading = {name: settings.pop(name) for name in names} | _reading(settings)
    without = ("resume", "anew", "as_json", "threads", "output")
    return tune_on_table(
        source,
        output or Path(f"pellucid-tune-{source.resolve().stem}"),
        command=command_line(context, without),
        reading=reading,
        **settings,
    )
