"""What is in a model file."""

import json
import re
from pathlib import Path
from typing import Any

import click

from pellucid import container
from pellucid.cli.terminal import Telling, console_of
from pellucid.encoder import Encoder
from pellucid.files import FORMAT, SCHEMA, load
from pellucid.summary import input_text
from pellucid.texttable import Table, show

_CLASSES = 20  # classes that are named


def describe(model: Path, *, as_json: bool) -> int:
    """Print what a model file holds.

    Parameters
    ----------
    model : Path
        The file.
    as_json : bool
        Whether to print JSON.

    Returns
    -------
    int
        Exit code.
    """
    network = load(model)
    document, _ = container.read(model, FORMAT, SCHEMA)
    facts: dict[str, Any] = {
        "file": str(model),
        "bytes": model.stat().st_size,
        "written by": f"pellucid {document['pellucid']}",
        "schema": SCHEMA,
        "parameters": len(network.parameters.vector),
        "number type": network.dtype.name,
        "loss": network.loss.label,
        "seed": network.seed,
    }
    reader = network.reader
    if isinstance(reader, Encoder):
        facts["takes"] = f"tables with {len(reader.used)} columns"
        if reader.target is not None:
            facts["target"] = reader.target.name
    elif reader is not None:
        facts["takes"] = f"files, by {reader!r}"
    else:
        facts["takes"] = f"numbers of shape {input_text(network.blueprint.inputs)}"
    classes = None if network.classes is None else network.classes.tolist()
    state = network.training
    if state is not None:
        history = state.history
        facts |= {
            "optimizer": repr(state.optimizer),
            "batch size": state.batch_size,
            "rows learned from": state.rows,
            "epochs": history.epochs,
            "best epoch": history.best_epoch,
            "engine": history.engine,
            "checkpoint": "yes, resume=True goes on" if state.resumable else "no",
        }
    summary = network.summary()
    if as_json:
        whole = facts | {
            "classes": classes,
            "columns": reader.kinds if isinstance(reader, Encoder) else None,
            "layers": [dict(zip(summary.header, row, strict=True)) for row in summary],
        }
        click.echo(json.dumps(whole, indent=2, ensure_ascii=False, default=str))
        return 0
    told = Telling(console_of())
    told.heading(model.name)
    if classes is not None:
        named = ", ".join(map(str, classes[:_CLASSES])) + ", ..." * (
            len(classes) > _CLASSES
        )
        facts["classes"] = f"{len(classes)}: {named}"
    told.table(
        ("", ""), [(k, show(v)) for k, v in facts.items() if v is not None], numbers=()
    )
    told.heading("Layers")
    told.table(summary.header[:4], layers_of(summary), numbers=(3,))
    if isinstance(reader, Encoder):
        told.heading("How columns become numbers")
        settings = reader.settings_table()
        lines = [tuple(map(show, row)) for row in settings]
        told.table(settings.header, lines, numbers=(2,))
    return 0


def layers_of(summary: Table) -> list[tuple[str, ...]]:
    """Return the layers as texts; of branches that are alike only the first in full.

    Parameters
    ----------
    summary : Table
        Of a network.

    Returns
    -------
    list of tuple of str
        Name, kind, output and parameters; what is inside another layer stands farther
        to the right.
    """
    inside: dict[str, list[tuple[str, ...]]] = {}
    for path, *rest in (map(show, row[:4]) for row in summary):
        around, _, name = path.rpartition(".")
        inside.setdefault(around, []).append((name, _brief(rest[0]), *rest[1:]))
    rows: list[tuple[str, ...]] = []

    def add(around: str, indent: str) -> None:
        met: dict[tuple[Any, ...], str] = {}
        for name, kind, *rest in inside[around]:
            path = f"{around}.{name}".lstrip(".")
            own = tuple(inside.get(path, ()))
            same = met.setdefault(own, name) if own else name
            if same != name:
                kind = f"the same layers as {same}"
            rows.append((indent + name, kind, *rest))
            if own and same == name:
                add(path, indent + "  ")

    add("", "")
    return rows


def _brief(kind: str) -> str:
    """Return a layer without its first weights, and digits that nobody reads."""
    without = re.sub(r", \w+_init=('[^']*'|\w+\([^()]*\))", "", kind)
    return re.sub(r"(\d\.\d{3})\d+", r"\1", without)
