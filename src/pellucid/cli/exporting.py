"""A model file as a program or a file for other software."""

from pathlib import Path

import click

from pellucid.errors import ConfigurationError
from pellucid.export import KINDS, export, kind_of, source
from pellucid.files import load


def export_model(model: Path, to: str | None, output: Path | None) -> int:
    """Write a model as something else, and say where.

    Parameters
    ----------
    model : Path
        A model file.
    to : str or None
        One of `KINDS`; told by the ending of `output` by default.
    output : Path or None
        The file; ``-`` prints the text, None takes the name of the model.

    Returns
    -------
    int
        Exit code.

    Raises
    ------
    ConfigurationError
        If nothing says what it is to become, or the model itself would be replaced.
    """
    if to is None and (output is None or str(output) == "-"):
        raise ConfigurationError(
            f"What {model.name} is to become is not said: add --to with one of "
            f"{', '.join(KINDS)}."
        )
    if str(output) == "-":
        click.echo(source(load(model), str(to)), nl=False)
        return 0
    path = output or Path(f"{model.stem}{KINDS[str(to)][1]}")
    kind = kind_of(path, to)
    if path.exists() and model.exists() and path.samefile(model):
        raise ConfigurationError(f"{path} is the model itself: name another file.")
    for written in export(load(model), path, kind):
        click.echo(f"{written}: {written.stat().st_size:,} bytes")
    return 0
