"""Which columns a network needs, and what it makes of them, as a page tells it."""

import numpy as np

from pellucid import plots
from pellucid.data.table import Table
from pellucid.dependence import Dependence, partial_dependence
from pellucid.importance import Importance, permutation_importance
from pellucid.report.drawing import Drawing
from pellucid.report.markup import Markup, figure, join, table, tag
from pellucid.report.scores import number
from pellucid.report.sections import Section
from pellucid.report.table_run import TableRun

_WORK = 100_000  # rows that are asked about for importance, over all columns
_ROWS = 2_000  # rows that are shuffled, at most
_CURVES = 4  # columns whose curves are drawn
_SOME = 200  # rows whose curves are averaged
_PAIRS = 8  # pairs of columns that are named


def columns(run: TableRun, pictures: Drawing) -> Section:
    """Return which columns matter, and how answers change with them.

    Parameters
    ----------
    run : TableRun
        Whose columns.
    pictures : Drawing
        Draws.

    Returns
    -------
    Section
    """
    rows = some(run.tested, min(_ROWS, _WORK // len(run.encoder.used)))
    found = permutation_importance(run.network, rows, seed=run.seed)
    height = 1.0 + 0.3 * min(len(found.columns), 15)
    best = [found.columns[place] for place in found.order[:3]]
    measure = found.metric.replace("_", " ")
    told = (
        "How much worse does the network get when the cells of one column are "
        f"shuffled among {found.rows:,} rows of the test? That is how much it needs "
        f"the column. With all columns in place the {measure} is "
        f"{number(found.value)}."
    )
    content: list[Markup | None] = [
        tag("p", told),
        figure(
            pictures.draw(
                lambda ax: plots.importance(found, ax),
                f"The {found.change} without each column; most of all without "
                f"{', '.join(best)}.",
                (7.2, height),
            ),
            "The bar is the mean of five shufflings, the dots are the single ones. "
            "About zero: the network does not need that column.",
        ),
        _together(found),
        _numbers(found),
        *_curves(run, rows, found, pictures),
    ]
    return Section("What it looks at", join(content))


def some(rows: Table, most: int) -> Table:
    """Return rows spread evenly over a table.

    Parameters
    ----------
    rows : Table
        All of them.
    most : int
        How many at most.

    Returns
    -------
    Table
    """
    if len(rows) <= most:
        return rows
    return rows.take(np.linspace(0, len(rows) - 1, max(most, 2)).astype(np.int64))


def _together(found: Importance) -> Markup:
    if not found.together:
        told = (
            "Columns that tell the same stand in for each other, and each then looks "
            "less important than it is; no two columns here are that close."
        )
        return tag("p", told, class_="note")
    pairs = [f"{a} and {b} ({r:.2f})" for a, b, r in found.together[:_PAIRS]]
    more = len(found.together) - len(pairs)
    told = (
        "Beware: some columns tell much of the same, so that the network can take one "
        "for the other and each looks less important than it is: "
        f"{', '.join(pairs)}{f' and {more} more pairs' if more else ''}. In brackets "
        "stands their correlation."
    )
    return tag("p", told)


def _numbers(found: Importance) -> Markup:
    rows = [
        (
            found.columns[place],
            number(float(found.mean[place])),
            number(float(found.spread[place])),
        )
        for place in found.order
    ]
    title = "The importance of all columns as numbers"
    whole = table(
        title, ("column", found.change, "standard deviation"), rows, numbers=(1, 2)
    )
    return tag("details", tag("summary", title), whole)


def _curves(
    run: TableRun, rows: Table, found: Importance, pictures: Drawing
) -> list[Markup]:
    few = some(rows, _SOME)
    target = f" of {run.classes[1]}" if len(run.classes) == 2 else ""
    what = f"probability{target}" if run.classes else run.table.target
    told = (
        f"What happens to the {what} when one column is set to one value after the "
        f"other, and all else stays as it is, in {len(few):,} rows of the test?"
    )
    if len(run.classes) <= 2:
        told += (
            " Orange is the mean, thin lines are single rows, and four rows of five "
            "lie in the band."
        )
    told += " Where columns belong together, some of these rows cannot exist."
    drawn = []
    for place in found.order[:_CURVES]:
        column = found.columns[place]
        if not few[column].missing.all():
            drawn.append(_curve(partial_dependence(run.network, few, column), pictures))
    heading = tag("h3", "How its answers change with the columns it needs most")
    grid = tag("div", *drawn, class_="pair")
    return [heading, tag("p", told), grid]


def _curve(found: Dependence, pictures: Drawing) -> Markup:
    first, last = found.mean[0], found.mean[-1]
    place = 1 if found.probable and len(first) == 2 else 0
    low, *_, high = found.places if found.kind == "number" else found.names
    low, high = (number(v) if isinstance(v, float) else v for v in (low, high))
    from_, to = (number(float(answer[place])) for answer in (first, last))
    ends = f"{from_} at {low}, {to} at {high}"
    several = found.probable and len(first) > 2
    whose = f" for {found.answers[place]}" if several else ""
    picture = pictures.draw(
        lambda ax: plots.partial_dependence(found, ax),
        f"Curves of the answer as {found.column} changes.",
        (4.6, 3.4),
    )
    return figure(picture, f"{found.column}: on average {ends}{whose}.")
