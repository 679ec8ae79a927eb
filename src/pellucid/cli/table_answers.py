"""What a network that was trained on a table says about the rows of a file."""

import csv
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import click
import numpy as np

from pellucid.cli.notes import told_as_notes
from pellucid.data.sources import PARQUET, source_of
from pellucid.data.table import stream
from pellucid.encoder import Encoder
from pellucid.errors import ConfigurationError
from pellucid.network import NeuralNetwork

ROWS = 8192  # that are read and answered together
ALL = "all"
ANSWER = "prediction"

Columns = dict[str, list[Any]]
Sink = Callable[[Columns], None]


def predict_table(
    network: NeuralNetwork,
    source: Path,
    output: Path | None,
    *,
    probabilities: bool = False,
    keep: tuple[str, ...] = (),
    strict: bool = False,
    as_json: bool = False,
    reading: dict[str, Any],
) -> int:
    """Write what a network says about each row, in bounded memory.

    Parameters
    ----------
    network : NeuralNetwork
        Trained on a table.
    source : Path
        The rows.
    output : Path or None
        A CSV or Parquet file; None prints CSV.
    probabilities : bool
        Whether to give the probability of each class too.
    keep : tuple of str
        Columns of the file to be copied; ``("all",)`` for all of them.
    strict : bool
        Whether a category that training has not seen is an error.
    as_json : bool
        Whether to write a list of JSON objects in place of CSV.
    reading : dict
        How the file is read.

    Returns
    -------
    int
        Exit code.
    """
    encoder = network.reader
    assert isinstance(encoder, Encoder)
    if output is not None and output.exists() and output.samefile(source):
        raise ConfigurationError(f"{output} is the file that is read: name another.")
    kept = kept_columns(source, keep, reading)
    count = 0
    with told_as_notes(), writer(output, as_json) as write:
        copies = (
            stream(source, dict.fromkeys(kept, "category"), rows=ROWS, **reading)
            if kept
            else None
        )
        unseen = "error" if strict else "warn"
        for x in encoder.batches(source, rows=ROWS, unseen=unseen, **reading):
            copied: Columns = {}
            if copies is not None:
                copied = {c.name: c.cells() for c in next(copies).columns}
            found = answered(network, x, probabilities)
            count += len(found[ANSWER])
            write(copied | found)
        if not count:
            names = (*kept, *answer_columns(network, probabilities))
            write({name: [] for name in names})
    if output is not None:
        click.echo(f"{output}: {count:,} rows", err=True)
    return 0


def kept_columns(
    source: Path, keep: tuple[str, ...], reading: dict[str, Any]
) -> tuple[str, ...]:
    """Return the columns of a file that are copied.

    Parameters
    ----------
    source : Path
        The file.
    keep : tuple of str
        Their names, or ``("all",)``.
    reading : dict
        How the file is read.

    Returns
    -------
    tuple of str

    Raises
    ------
    ConfigurationError
        If a column has the name of the answer.
    """
    if keep == (ALL,):
        form = {"separator": None, "encoding": None, "decimal": None, "header": True}
        keep = source_of(source, missing=frozenset(("",)), **(form | reading)).names
    if ANSWER in keep:
        raise ConfigurationError(
            f"The file has a column {ANSWER!r} already: name the columns to --keep "
            "without it."
        )
    return keep


def answered(network: NeuralNetwork, x: Any, probabilities: bool) -> Columns:
    """Return answers for encoded rows, a list for each column of the output.

    Parameters
    ----------
    network : NeuralNetwork
        Trained on a table.
    x : ndarray or dict of ndarray
        As the encoder makes them.
    probabilities : bool
        Whether to give the probability of each class too.

    Returns
    -------
    dict of str to list

    Raises
    ------
    ConfigurationError
        If probabilities are asked of a network without classes.
    """
    first, *shares = answer_columns(network, probabilities)
    if network.classes is None:
        y_hat = np.asarray(network.predict(x), dtype=np.float64).reshape(-1)
        return {first: [float(f"{value:.9g}") for value in y_hat.tolist()]}
    p = np.asarray(network.predict_proba(x))
    found: Columns = {first: network.classes[p.argmax(axis=1)].tolist()}
    for name, share in zip(shares, p.T, strict=False):
        # The shortest number that is this one in the network's own precision.
        found[name] = [float(str(each)) for each in share]
    return found


def answer_columns(network: NeuralNetwork, probabilities: bool) -> tuple[str, ...]:
    """Return what the columns of answers are called.

    Parameters
    ----------
    network : NeuralNetwork
        Trained on a table.
    probabilities : bool
        Whether the probability of each class is given too.

    Returns
    -------
    tuple of str

    Raises
    ------
    ConfigurationError
        If probabilities are asked of a network without classes.
    """
    if not probabilities:
        return (ANSWER,)
    if network.classes is None:
        raise ConfigurationError(
            "The network predicts a number, which has no probabilities."
        )
    return (ANSWER, *(f"probability of {name}" for name in network.classes.tolist()))


@contextmanager
def writer(output: Path | None, as_json: bool) -> Iterator[Sink]:
    """Give a function that writes some rows; a file appears when all is there.

    Parameters
    ----------
    output : Path or None
        Where; None for the terminal or a pipe.
    as_json : bool
        Whether to write JSON.

    Yields
    ------
    callable
    """
    text = _as_json if as_json else _as_csv
    if output is None:
        with text(sys.stdout) as write:
            yield write
        return
    partial = output.with_name(f".{output.name}.{os.getpid()}.partial")
    try:
        if output.suffix.lower() in PARQUET and not as_json:
            with _parquet(partial) as write:
                yield write
        else:
            with (
                partial.open("w", encoding="utf-8", newline="") as file,
                text(file) as write,
            ):
                yield write
        partial.replace(output)
    except OSError as error:
        if str(error.filename) == str(partial):
            error.filename = str(output)
        raise
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


@contextmanager
def _as_csv(file: Any) -> Iterator[Sink]:
    rows = csv.writer(file, lineterminator="\n")
    begun = False

    def write(columns: Columns) -> None:
        nonlocal begun
        if not begun:
            rows.writerow(columns)
            begun = True
        rows.writerows(zip(*columns.values(), strict=True))

    yield write


@contextmanager
def _as_json(file: Any) -> Iterator[Sink]:
    before = "[\n"

    def write(columns: Columns) -> None:
        nonlocal before
        for row in zip(*columns.values(), strict=True):
            entry = dict(zip(columns, row, strict=True))
            file.write(f"{before}  {json.dumps(entry, ensure_ascii=False)}")
            before = ",\n"

    yield write
    file.write("[]\n" if before == "[\n" else "\n]\n")


@contextmanager
def _parquet(path: Path) -> Iterator[Sink]:
    try:
        import pyarrow as pa
        from pyarrow import parquet
    except ImportError as error:
        raise ConfigurationError(
            "Parquet files need pyarrow: pip install 'pellucid[parquet]', or name a "
            ".csv file."
        ) from error
    made: Any = None

    def write(columns: Columns) -> None:
        nonlocal made
        some = pa.table(columns)
        if made is None:
            made = parquet.ParquetWriter(path, some.schema)
        made.write_table(some.cast(made.schema))

    try:
        yield write
    finally:
        if made is not None:
            made.close()
