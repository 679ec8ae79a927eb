"""How a network for a table was made, and how to use it, as a page tells it."""

import json
from dataclasses import asdict

from pellucid.report.markup import Markup, join, tag
from pellucid.report.sections import Section, again
from pellucid.report.table_run import TableRun

_CELLS = 20  # columns for which a row is written out
FILES = (
    ("model.pellucid", "the network with its encoder: it takes tables as they are"),
    ("settings.json", "all that is needed to do it again"),
    ("history.csv", "the losses of every epoch, for a spreadsheet"),
    ("report.html", "this page"),
)


def settings(run: TableRun) -> Section:
    """Return all that is needed to do it again.

    Parameters
    ----------
    run : TableRun
        Of the training.

    Returns
    -------
    Section
    """
    recipe = {
        name.replace("_", " "): _text(value)
        for name, value in asdict(run.trained.recipe).items()
    }
    chosen = {
        "data": run.table.name,
        "target": run.table.target,
        "seed": str(run.seed),
        "number type": run.network.dtype.name,
        "engine": run.trained.histories[0].engine,
        "temperature": f"{run.trained.temperature:.6g}",
        **recipe,
    }
    command = None
    if run.command:
        command = tag("pre", tag("code", run.command), tabindex=0)
    return Section("Settings", join([command, again(chosen)]))


def _text(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, tuple):
        return ", ".join(map(str, value))
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def use(run: TableRun) -> Section:
    """Return how to use the network.

    Parameters
    ----------
    run : TableRun
        Whose network.

    Returns
    -------
    Section
    """
    files = tag(
        "dl",
        *(
            join([tag("dt", tag("code", name)), tag("dd", what)])
            for name, what in FILES
        ),
        class_="facts",
    )
    content = [
        tag(
            "p",
            "The files beside this page hold the network and all that it needs. In "
            "their folder, on the command line, with new rows in a file of the same "
            "columns:",
        ),
        _code(
            "pellucid predict model.pellucid new.csv\n"
            "pellucid explain model.pellucid new.csv --row 0\n"
            "pellucid export model.pellucid --to onnx\n"
        ),
        tag("p", "In Python:"),
        _code(program(run)),
        files,
    ]
    return Section("Use it", join(content))


def _code(text: str) -> Markup:
    return tag("pre", tag("code", text), tabindex=0)


def program(run: TableRun) -> str:
    """Return a short program that loads the network and predicts.

    Parameters
    ----------
    run : TableRun
        Whose network.

    Returns
    -------
    str
    """
    if len(run.encoder.kinds) > _CELLS:
        return f"""import pellucid

network = pellucid.load("model.pellucid")
print(network.predict("new.csv"))  # a file, a data frame, or a mapping of columns
{'print(network.predict_proba("new.csv"))' if run.classes else ""}
print(network.reader)  # how rows become numbers
"""
    row = run.tested.take([0])
    cells = {name: row[name].cells()[0] for name in run.encoder.kinds}
    lines = ",\n".join(
        f"    {json.dumps(name, ensure_ascii=False)}: "
        f"{'None' if cell is None else json.dumps(cell, ensure_ascii=False)}"
        for name, cell in cells.items()
    )
    proba = "print(network.predict_proba(row))\n" if run.classes else ""
    return f"""import pellucid

network = pellucid.load("model.pellucid")
row = {{
{lines},
}}
print(network.predict(row))
{proba}
# Whole tables too: a data frame, or a file by its name.
print(network.predict("new.csv"))
print(network.reader)  # how rows become numbers
"""
