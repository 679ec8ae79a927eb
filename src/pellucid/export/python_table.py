"""The part of a NumPy program that takes rows of a table."""

from typing import TYPE_CHECKING

from pellucid.export import encoder_numpy
from pellucid.export.code_text import fitted, indented
from pellucid.export.encoder_code import units_of
from pellucid.export.encoder_python import example_lines, quoted, text
from pellucid.export.encoder_words import answers_to, example, rules
from pellucid.export.layer_words import border, meaning
from pellucid.export.written import write_answers

if TYPE_CHECKING:
    from pellucid.export.python import Twin


def table_pieces(twin: "Twin") -> list[str]:
    """Return functions from rows of a table to predictions, if the network takes such.

    Parameters
    ----------
    twin : Twin
        The program.

    Returns
    -------
    list of str
        The text of each.
    """
    if twin.code is None:
        return []
    outputs = "network.feedforward(encode(rows))"
    answers = _answers(twin)
    row = example(twin.code.cells)
    call = example_lines(
        twin.code, "predict(network, [", "])", answers_to(twin.network, row)
    )
    predict = [
        "def predict(network, rows):",
        f'    """Return {quoted(meaning(twin.network))}.',
        "",
        *(f"    {quoted(line)}" for line in call),
        "",
        *(f"    {line}" for line in rules(twin.code.cells, "None")),
        '    """',
        f"    return {f'answers({outputs})' if answers else outputs}",
    ]
    each = [encoder_numpy.function(twin.code), answers, predict]
    labels = twin.network.classes
    if labels is not None:
        classes = f"CLASSES = [{', '.join(map(text, labels.tolist()))}]"
        each = [[classes], *each, _choice(border(twin.network))]
    return ["\n".join(map(fitted, lines)) for lines in each if lines]


def _answers(twin: "Twin") -> list[str]:
    """Return the function from outputs to predictions; none if these are the same."""
    written = write_answers(twin.blueprint)
    output = written["output"]
    equations = twin.equations(written, [output])
    names = twin.named(equations, {})
    *lines, found = twin.lines(equations.lines, equations, names) or [twin.leaf(output)]
    found = found.removeprefix(f"{names.get(output.id)} = ")
    units = units_of(twin.network)
    if units is not None:
        lines.append(f"found = {found}.astype(float) * {units.scale} + {units.mean}")
        kept = f"np.clip(found, {units.low}, {units.high})"
        found = kept if units.clamp else "found"
    if found == "y":
        return []
    return [
        "def answers(y):",
        '    """Return predictions from what feedforward returns."""',
        *indented(twin.with_n([*lines, f"return {found}"], "y")),
    ]


def _choice(limit: float | None) -> list[str]:
    """Return the function from rows to classes."""
    found = "predict(network, rows)"
    places = f"({found}[:, 0] > {limit}).astype(int)"
    places = f"{found}.argmax(axis=1)" if limit is None else places
    return [
        "def predict_class(network, rows):",
        '    """Return the class that is predicted for each row."""',
        f"    places = {places}",
        "    return [CLASSES[place] for place in places]",
    ]


def row_lines(twin: "Twin", close: float) -> list[str]:
    """Return lines that prove a prediction, if the network takes rows of a table.

    Parameters
    ----------
    twin : Twin
        The program.
    close : float
        How close it has to come.

    Returns
    -------
    list of str
    """
    if twin.code is None:
        return []
    row = example(twin.code.cells)
    each = (f"{text(column)}: {text(value)}" for column, value in row.items())
    return [
        "    # what it predicted for a row before that training",
        f"    row = {{{', '.join(each)}}}",
        "    found = predict(Network(), [row])",
        f"    recorded = np.array([{answers_to(twin.network, row)}])",
        f"    assert np.allclose(found, recorded, {close}, {close})",
    ]
