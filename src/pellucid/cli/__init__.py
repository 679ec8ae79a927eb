"""The command line: what can be asked for, and how it ends.

It ends with 0 when all went well, 2 when the question was wrong, 3 for data that cannot
be learned from, 4 for a model file, 5 for a disk that cannot be written, 130 after
Ctrl-C, and 1 for a mistake in pellucid itself. Nothing heavy is imported before a
command runs, so that help comes at once.
"""

import json
from pathlib import Path

import click

from pellucid._version import __version__
from pellucid.cli.commands import Commands, debug, explain
from pellucid.cli.predict_command import predict
from pellucid.cli.table_commands import evaluate, tune
from pellucid.cli.table_commands import explain as explain_rows
from pellucid.cli.train_command import train
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
@click.argument("model", required=False, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON in place of tables.")
@debug
def info(model: Path | None, as_json: bool) -> int:
    """Say what a MODEL file holds; without one, what this machine offers.

    A model: layers, parameters, columns, classes, training, versions. The machine:
    processor, kernels, threads, speed, versions.
    """
    if model is not None:
        from pellucid.cli.model_info import describe

        return describe(model, as_json=as_json)
    from pellucid.info import machine_table

    table = machine_table()
    if as_json:
        facts = [dict(zip(table.header, row, strict=True)) for row in table]
        click.echo(json.dumps({"title": table.title, "machine": facts}, indent=2))
        return 0
    click.echo(table.title)
    for what, here, advice in table:
        click.echo(f"\n{what}: {here}\n  {advice}")
    return 0


@main.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@debug
def completion(shell: str) -> int:
    r"""Print what lets a shell complete commands and options.

    \b
    bash:  eval "$(pellucid completion bash)"    in ~/.bashrc
    zsh:   eval "$(pellucid completion zsh)"     in ~/.zshrc
    fish:  pellucid completion fish | source     in ~/.config/fish/config.fish
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(main, {}, "pellucid", "_PELLUCID_COMPLETE").source())
    return 0


for command in (train, predict, evaluate, explain_rows, tune):
    main.add_command(command)
