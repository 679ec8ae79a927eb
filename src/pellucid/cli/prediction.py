"""What a network says about files."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from pellucid.cli.table_answers import predict_table
from pellucid.encoder import Encoder
from pellucid.errors import ConfigurationError, DataError
from pellucid.files import load
from pellucid.network import NeuralNetwork
from pellucid.readers import Reader
from pellucid.report.scores import percent
from pellucid.texttable import Table

_TOGETHER = 256  # files that are read before the network is asked
_NEXT = 2  # less probable classes that the table names


def predict(
    model: Path, paths: Sequence[Path], *, as_json: bool, **of_tables: Any
) -> int:
    """Print the class and the probabilities of images, or answers for a table's rows.

    Parameters
    ----------
    model : Path
        A model file that knows how files are read.
    paths : sequence of Path
        The files.
    as_json : bool
        Whether to print one JSON document in place of a table.
    **of_tables
        Further arguments of `predict_table`.

    Returns
    -------
    int
        Exit code: 3 if a file could not be read; the others are told of all the same.
    """
    network = load(model)
    if isinstance(network.reader, Encoder):
        if len(paths) > 1:
            raise ConfigurationError(
                f"{model} takes one file with all rows, got {len(paths)} files."
            )
        return predict_table(network, paths[0], as_json=as_json, **of_tables)
    if network.reader is None or network.classes is None:
        raise ConfigurationError(
            f"{model} takes no files: it was not trained on a folder of images with "
            "'pellucid train'. Use it in Python: pellucid.load(...).predict(x)."
        )
    found: list[tuple[Path, Any]] = []
    for start in range(0, len(paths), _TOGETHER):
        found += _answers(network, network.reader, paths[start : start + _TOGETHER])
    classes = [str(name) for name in network.classes]
    errors = [error for _, error in found if isinstance(error, DataError)]
    if as_json:
        document = [_entry(path, given, classes) for path, given in found]
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
    else:
        rows = [
            (str(path), *_best(given, classes))
            for path, given in found
            if not isinstance(given, DataError)
        ]
        if rows:
            click.echo(Table(("file", "class", "probability", "next"), rows))
        for error in errors:
            click.echo(f"pellucid: {error}", err=True)
    return 3 if errors else 0


def _answers(
    network: NeuralNetwork, reader: Reader, paths: Sequence[Path]
) -> list[tuple[Path, Any]]:
    """Return the probabilities of each file, or the error that it gave."""
    read: list[Any] = []
    for path in paths:
        try:
            read.append(reader.read(path))
        except DataError as error:
            read.append(error)
    good = [x for x in read if not isinstance(x, DataError)]
    p = iter(network.predict_proba(np.stack(good)) if good else ())
    each = (x if isinstance(x, DataError) else next(p) for x in read)
    return list(zip(paths, each, strict=True))


def _best(p: NDArray[Any], classes: list[str]) -> tuple[str, str, str]:
    order = np.argsort(-p, kind="stable")
    first, *others = [(classes[k], percent(float(p[k]))) for k in order]
    rest = ", ".join(f"{name} {share}" for name, share in others[:_NEXT])
    return *first, rest


def _entry(path: Path, given: Any, classes: list[str]) -> dict[str, Any]:
    if isinstance(given, DataError):
        return {"file": str(path), "error": str(given)}
    # The shortest number that is this one in the network's own precision.
    shares = {name: float(str(p)) for name, p in zip(classes, given, strict=True)}
    return {
        "file": str(path),
        "class": classes[int(given.argmax())],
        "probabilities": shares,
    }
