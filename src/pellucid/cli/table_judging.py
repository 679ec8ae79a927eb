"""How good a network is on the rows of a file, and why it says what it says."""

import json
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from pellucid.cli.notes import told_as_notes
from pellucid.cli.terminal import MOST_CLASSES, Telling, console_of
from pellucid.data.table import Table
from pellucid.encoder import Encoder
from pellucid.encoder.encodings import Embedded, OneHot
from pellucid.encoder.target import Standardized
from pellucid.errors import ConfigurationError, DataError
from pellucid.files import load
from pellucid.layers import Chain, Concat, Dropout
from pellucid.losses import EachMember
from pellucid.network import NeuralNetwork
from pellucid.report.scores import number, percent
from pellucid.report.table_member import copied
from pellucid.shapley import Contributions, contributions
from pellucid.table_training import MEANINGS, answers_of, constant, measured, shown
from pellucid.why import Answer

ROWS = 8192  # that are answered together
FEW = 10  # rows that are too few to compare one with
ASKED = 2**14  # answers, about, from which contributions are taken
ORDERS = (128, 1024)  # of the columns, at least and at most
_CELL = 30  # letters of a cell that are shown
_BAR = 20  # letters of the longest bar


def table_network(model: Path) -> tuple[NeuralNetwork, Encoder]:
    """Return a network that was trained on a table, and its encoder.

    Parameters
    ----------
    model : Path
        A model file.

    Returns
    -------
    network : NeuralNetwork
    encoder : Encoder

    Raises
    ------
    ConfigurationError
        If it was not trained on a table.
    """
    network = load(model)
    if not isinstance(network.reader, Encoder) or network.reader.target is None:
        raise ConfigurationError(
            f"{model} was not trained on a table: 'pellucid train FILE --target "
            "COLUMN' makes such a network."
        )
    return network, network.reader


def evaluate_table(
    model: Path, source: Path, *, as_json: bool, reading: dict[str, Any]
) -> int:
    """Print how good a network is on rows whose target is known.

    Parameters
    ----------
    model : Path
        A model file.
    source : Path
        The rows, with the target.
    as_json : bool
        Whether to print JSON.
    reading : dict
        How the file is read, and ``weight``.

    Returns
    -------
    int
        Exit code.
    """
    network, encoder = table_network(model)
    with told_as_notes():
        data = encoder.table(source, target=True, **reading)
        x = encoder.encode(data)
    assert data.y is not None
    assert data.task is not None
    blocks = [slice(start, start + ROWS) for start in range(0, len(data), ROWS)]
    answers = np.concatenate([answers_of(network, _part(x, b)) for b in blocks])
    weight = np.ones(len(data)) if data.weight is None else data.weight
    every = np.arange(len(data))
    guess = constant(data, every, len(data))
    found = measured(data.task, data.y, answers, weight)
    without = measured(data.task, data.y, guess, weight)
    if as_json:
        document = {
            "model": str(model),
            "file": str(source),
            "target": data.target,
            "rows": len(data),
            "scores": {"network": found, "constant": without},
        }
        click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        return 0
    telling = Telling(console_of())
    telling.say(
        f"{len(data):,} rows of {source.name}, target {data.target}. If the network "
        "learned from some of them, this says nothing about new rows."
    )
    rows = [
        (MEANINGS[n][0], shown(n, found[n]), shown(n, without[n]), MEANINGS[n][1])
        for n in found
    ]
    telling.table(("", "network", "no model", "what it is"), rows, numbers=(1, 2))
    if 1 < len(data.classes) <= MOST_CLASSES:
        counts = np.zeros((len(data.classes), len(data.classes)), int)
        np.add.at(counts, (data.y, answers.argmax(axis=1)), 1)
        telling.confusion([str(name) for name in data.classes], counts)
    return 0


def _part(x: Any, rows: slice) -> Any:
    if isinstance(x, dict):
        return {name: values[rows] for name, values in x.items()}
    return x[rows]


def explain_row(
    model: Path,
    source: Path,
    row: int,
    *,
    compared: Path | None,
    output: str | None,
    computation: bool,
    as_json: bool,
    reading: dict[str, Any],
) -> int:
    """Print what a network says about one row, and what each column adds to it.

    Parameters
    ----------
    model : Path
        A model file.
    source : Path
        The rows.
    row : int
        Which, from 0.
    compared : Path or None
        A file of rows to compare with; `source` by default.
    output : str or None
        The class to explain; the predicted one by default.
    computation : bool
        Whether to work out the last sum number by number.
    as_json : bool
        Whether to print JSON.
    reading : dict
        How the files are read.

    Returns
    -------
    int
        Exit code.
    """
    network, encoder = table_network(model)
    with told_as_notes():
        data = encoder.table(source, **reading)
        others = data if compared is None else encoder.table(compared, **reading)
        if not 0 <= row < len(data):
            raise DataError(
                f"{source} has {len(data):,} rows, counted from 0: there is no row "
                f"{row}."
            )
        this = data.take([row])
        typical = len(others) < FEW
        if typical:
            others = typical_row(encoder)
        answer = answers_of(network, encoder.encode(this))
    place, what = _asked(network, answer, output, encoder)
    target = None if network.classes is None else network.classes[place]
    draws = 2 * int(np.clip(ASKED // (len(encoder.used) + 1), *ORDERS))
    found = contributions(
        network, this, 0, target=target, background=others, draws=draws
    )
    if as_json:
        document = _document(network, row, found, answer, what)
        click.echo(json.dumps(document, indent=2, ensure_ascii=False, default=str))
        return 0
    console = console_of()
    told = Telling(console)
    told.heading(f"Row {row} of {source.name}")
    told.say(_answer(network, answer, encoder))
    told.heading("What each column adds")
    _tell(told, network, found, what, "a typical row" if typical else None)
    told.heading("How its cells become numbers")
    steps = encoder.explain(this)
    rows = [(n, _short(c), how, number(v)) for n, c, how, v in steps]
    told.table(steps.header, rows, numbers=(3,))
    if computation:
        told.heading("The computation")
        _compute(told, network, encoder, this, place)
    else:
        told.say("--computation works out the layers, number by number.")
    return 0


def typical_row(encoder: Encoder) -> Table:
    """Return a row in which every cell is missing, so that it is taken as typical.

    Parameters
    ----------
    encoder : Encoder
        Fills in medians and the most frequent values.

    Returns
    -------
    Table
    """
    empty: dict[str, list[Any]] = {}
    for each in encoder.used:
        levels = each.levels if isinstance(each, OneHot | Embedded) else ()
        empty[each.column] = [levels[0] if levels else None]
    return encoder.table(empty)


def _asked(
    network: NeuralNetwork, answer: Any, output: str | None, encoder: Encoder
) -> tuple[int, str]:
    """Return which output is explained, and what it is."""
    if network.classes is None:
        if output is not None:
            raise ConfigurationError(
                "The network predicts a number: it has no classes."
            )
        return 0, encoder.target.name
    classes = [str(name) for name in network.classes]
    if output is not None and output not in classes:
        raise ConfigurationError(
            f"There is no class {output!r}: expected one of {', '.join(classes)}."
        )
    place = int(answer[0].argmax()) if output is None else classes.index(output)
    return place, f"probability of {classes[place]}"


def _answer(network: NeuralNetwork, answer: Any, encoder: Encoder) -> str:
    target = encoder.target.name
    if network.classes is None:
        return f"The network says {target} = {number(float(answer[0]))}."
    order = np.argsort(-answer[0], kind="stable")[:5].tolist()
    first = f"The network says {target} = {network.classes[order[0]]}."
    shares = ", ".join(
        f"{network.classes[k]} {percent(float(answer[0, k]))}" for k in order
    )
    return f"{first} Probabilities: {shares}."


def _signed(value: float, network: NeuralNetwork) -> str:
    if network.classes is not None:
        return f"{100 * value:+.1f} %"
    return f"{'-' if value < 0 else '+'}{number(abs(value))}"


def _plain(value: float, network: NeuralNetwork) -> str:
    return number(value) if network.classes is None else percent(value)


def _short(cell: Any) -> str:
    text = f"{cell:.6g}" if isinstance(cell, float) else str(cell)
    return text if len(text) <= _CELL else text[: _CELL - 3] + "..."


def _tell(
    told: Telling,
    network: NeuralNetwork,
    found: Contributions,
    what: str,
    typical: str | None,
) -> None:
    from rich.text import Text

    width = max(np.abs(found.values).max(), 1e-300)
    sign = "█" if "utf" in told.console.encoding.lower() else "#"
    rows: list[tuple[Any, ...]] = [
        ("", f"mean of {typical or 'the rows'}", _plain(found.usual, network), "")
    ]
    for place in found.order.tolist():
        value, cell = float(found.values[place]), found.cells[place]
        text = "missing" if cell is None else _short(cell)
        bar = Text(sign * round(_BAR * abs(value) / width))
        bar.stylize("red" if value < 0 else "green")
        rows.append((found.columns[place], text, _signed(value, network), bar))
    rows.append(("", "this row", _plain(found.answer, network), ""))
    told.table(("column", "cell", what, ""), rows, numbers=(2,))
    pairs = (
        "Each number is what knowing that cell adds on average, over many orders in "
        "which cells may become known, beginning with "
        + ("a typical row" if typical else "other rows of the file")
        + "; they add up to the answer. Largest standard error: "
        f"{_signed(float(found.errors.max()), network).lstrip('+')}."
    )
    told.say(pairs)


def _compute(
    told: Telling, network: NeuralNetwork, encoder: Encoder, this: Table, place: int
) -> None:
    """Work out the output, and then the neuron that mattered most, layer by layer."""
    one = first_of(network)
    x = encoder.encode(this, unseen="ignore")
    step = one.trace(x, one.predict(x))
    outputs = network.feedforward(x).astype(np.float64)
    members = network.loss.members if isinstance(network.loss, EachMember) else 1
    told.say(_afterwards(encoder))
    rows = _from_outputs(encoder, outputs.reshape(members, -1), place)
    told.table(("network", "output", "answer"), rows, numbers=(1, 2))
    told.say(
        f"{'The output' if members == 1 else 'The output of the first'} comes about "
        "as follows, and then in each layer the neuron that weighed most in the one "
        "worked out before."
    )
    address = f"output[0, {place}]"
    while address:
        answer = step.why(address)
        told.console.print(str(answer), soft_wrap=True)
        told.console.print()
        address = _weightiest(answer)


def _weightiest(answer: Answer) -> str:
    """Return the address of what weighs most in a number and is worked out itself."""
    for term in sorted(answer.terms, key=lambda term: -abs(term.value)):
        for named in term.named():
            if named.why().terms:
                return named.address
    return ""


def _from_outputs(
    encoder: Encoder, outputs: NDArray[np.float64], place: int
) -> list[tuple[str, ...]]:
    """Return what becomes of the outputs of each network, and their mean."""
    target = encoder.target
    if isinstance(target, Standardized):
        asked = outputs[:, 0]
        texts = [number(v) for v in target.to_units(asked).tolist()]
        mean = number(float(target.to_units(asked.mean(keepdims=True))[0]))
    else:
        asked = outputs[:, place]
        powers = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        shares = powers[:, place] / powers.sum(axis=1)
        texts = [percent(share) for share in shares.tolist()]
        mean = percent(float(shares.mean()))
    each = zip(asked.tolist(), texts, strict=True)
    rows: list[tuple[str, ...]]
    rows = [(str(k), f"{z:.6g}", text) for k, (z, text) in enumerate(each, 1)]
    return rows if len(rows) == 1 else [*rows, ("mean", "", mean)]


def first_of(network: NeuralNetwork) -> NeuralNetwork:
    """Return the network, or the first one of a bag, without what only training needs.

    Parameters
    ----------
    network : NeuralNetwork
        Trained on a table.

    Returns
    -------
    NeuralNetwork
        Without dropout.
    """
    layers, loss, before = list(network.layers), network.loss, ""
    bag = layers[0]
    # A temperature may follow; an ensemble that shares layers has more.
    if isinstance(loss, EachMember) and isinstance(bag, Concat) and len(layers) < 3:
        first = bag.inner[0]
        assert isinstance(first, Chain)
        layers, loss = [*first.layers, *layers[1:]], loss.of
        before = "concat_1.chain_1."
    plain = [layer for layer in layers if not isinstance(layer, Dropout)]
    return copied(network, plain, loss, before)


def _afterwards(encoder: Encoder) -> str:
    """Return what happens to an output."""
    target = encoder.target
    if isinstance(target, Standardized):
        kept = f", kept in {number(target.low)} to {number(target.high)}"
        return (
            f"{target.name} = {number(target.mean)} + {number(target.scale)} output"
            + kept * target.clamp
            + "."
        )
    return "Softmax makes probabilities of the outputs: exp(output) / sum of all exp."


def _document(
    network: NeuralNetwork,
    row: int,
    found: Contributions,
    answer: Any,
    what: str,
) -> dict[str, Any]:
    prediction: dict[str, Any]
    if network.classes is None:
        prediction = {"prediction": float(answer[0])}
    else:
        names = [str(name) for name in network.classes]
        shares = answer[0].tolist()
        prediction = {
            "prediction": names[int(answer[0].argmax())],
            "probabilities": dict(zip(names, shares, strict=True)),
        }
    values, errors = found.values.tolist(), found.errors.tolist()
    each = zip(found.columns, found.cells, values, errors, strict=True)
    return prediction | {
        "row": row,
        "explained": what,
        "usual": found.usual,
        "answer": found.answer,
        "contributions": [
            {"column": name, "cell": cell, "adds": value, "error": error}
            for name, cell, value, error in each
        ],
    }
