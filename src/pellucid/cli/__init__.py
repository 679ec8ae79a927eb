"""The command line: what can be asked for, and how it ends.

It ends with 0 when all went well, 2 when the question was wrong, 3 for data that cannot
be learned from, 4 for a model file, 5 for a disk that cannot be written, 130 after
Ctrl-C, and 1 for a mistake in pellucid itself. Nothing heavy is imported before a
command runs, so that help comes at once.
"""

import re
from pathlib import Path
from typing import Any

import click

from pellucid._version import __version__
from pellucid.cli.commands import Commands, debug, explain
from pellucid.errors import DataError
from pellucid.export import KINDS

__all__ = ["DEMOS", "explain", "main"]

DEMOS = {
    "breast_cancer": "is a tumour malignant or benign?",
    "wine": "which cultivar is a wine made from?",
    "iris": "which species is a flower?",
    "digits": "which digit did a person write?",
    "diabetes": "how far has the disease progressed?",
    "xor": "the truth table that the tutorials learn",
    "moons": "two half circles in the plane",
    "circles": "a circle inside another one",
    "rings": "rings around each other",
    "spirals": "two arms around each other",
    "blobs": "three clouds of points",
    "checkerboard": "squares in two colours",
    "sine": "a wave, to fit a curve to",
    "friedman1": "a formula with noise and misleading columns",
}


@click.group(
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, "-V", "--version", message="pellucid %(version)s")
@click.pass_context
def main(context: click.Context) -> None:
    """Neural networks from scratch that you can see through."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@main.command(
    epilog="\b\nThe data:\n"
    + "\n".join(f"  {name:<14} {words}" for name, words in DEMOS.items())
)
@click.argument("name", default="breast_cancer")
@click.option(
    "--output",
    "-o",
    metavar="FOLDER",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where results are written. [default: pellucid-demo-NAME]",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=0,
    show_default=True,
    help="Another seed: other test rows, other first weights.",
)
@click.option(
    "--epochs",
    type=click.IntRange(1),
    help="How often to pass over the data. [default: 200; xor 1500]",
)
@click.option("--quiet", "-q", is_flag=True, help="Print only where the report is.")
@debug
def demo(
    name: str, output: Path | None, seed: int, epochs: int | None, quiet: bool
) -> int:
    """Train a network on real data and say in plain words what happens.

    Writes a folder with the network, its history, and a report to open in a browser.
    """
    from pellucid.cli.telling import run

    name = name.lower().replace("-", "_")
    folder = output or Path(f"pellucid-demo-{name}")
    return run(name, folder, seed=seed, epochs=epochs, quiet=quiet)


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


@main.command()
@click.argument("source", metavar="FOLDER", type=click.Path(path_type=Path))
@click.option(
    "--output",
    "-o",
    metavar="FOLDER",
    type=click.Path(file_okay=False, path_type=Path),
    help="Where results are written. [default: pellucid-train-NAME]",
)
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
    "--memory",
    type=click.IntRange(1),
    default=1024,
    show_default=True,
    metavar="MIB",
    help="How much memory the images may take.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=0,
    show_default=True,
    help="Another seed: other test images, other first weights.",
)
@click.option(
    "--epochs",
    type=click.IntRange(1),
    help="How often to pass over the images at most. [default: 100]",
)
@click.option("--quiet", "-q", is_flag=True, help="Print only where the report is.")
@debug
def train(
    source: Path,
    output: Path | None,
    *,
    size: tuple[int, int] | None,
    skip_broken: bool,
    memory: int,
    **settings: Any,
) -> int:
    """Train a network on your own images: a folder with a folder for each class.

    Reads PNG and JPEG files, keeps some of them for a test, trains until more training
    does not help, and writes a folder with the network, its history, and a report to
    open in a browser.
    """
    if not source.is_dir():
        what = "is a file" if source.exists() else "does not exist"
        raise DataError(
            f"{source} {what}; expected a folder with a folder of images for each "
            "class."
        )
    from pellucid.cli.training import train_on_images

    return train_on_images(
        source,
        output or Path(f"pellucid-train-{source.resolve().name}"),
        size=size,
        broken="skip" if skip_broken else "error",
        memory=memory * 2**20,
        **settings,
    )


@main.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument(
    "files",
    metavar="IMAGE...",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path),
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON in place of a table.")
@debug
def predict(model: Path, files: tuple[Path, ...], as_json: bool) -> int:
    """Say what a network that 'pellucid train' wrote makes of some images."""
    from pellucid.cli.prediction import predict as answer

    return answer(model, files, as_json=as_json)


@main.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.option(
    "--to",
    type=click.Choice(list(KINDS)),
    help="What it becomes. [default: what the ending of the output says]",
)
@click.option(
    "--output",
    "-o",
    metavar="FILE",
    type=click.Path(path_type=Path, allow_dash=True),
    help="Where it is written; - prints it. [default: NAME of the model, here]",
)
@debug
def export(model: Path, to: str | None, output: Path | None) -> int:
    """Write a network as a program or a file for other software.

    'python' is a complete NumPy program that predicts and learns; 'python-plain', 'c'
    and 'javascript' predict and need no library; 'latex' is the mathematics; 'onnx' is
    for other frameworks.
    """
    from pellucid.cli.exporting import export_model

    return export_model(model, to, output)


@main.command()
@debug
def info() -> None:
    """Say what this machine offers: processor, kernels, threads, speed, versions."""
    from pellucid.info import machine_table

    table = machine_table()
    click.echo(table.title)
    for what, here, advice in table:
        click.echo(f"\n{what}: {here}\n  {advice}")
