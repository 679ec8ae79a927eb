"""Tables about a training and its test, as a page shows them."""

import numpy as np

from pellucid.report import story
from pellucid.report.markup import Markup, scrollable, table, tag
from pellucid.report.result import Result
from pellucid.report.scores import Score, percent
from pellucid.report.table_run import TableRun

_MANY = 8  # classes from which their names stand upright above the table


def cards(found: list[Score]) -> Markup:
    """Return a card for each score.

    Parameters
    ----------
    found : list of Score
        How good the predictions are.

    Returns
    -------
    Markup
    """
    each = [
        tag(
            "div",
            tag("dt", score.name),
            tag("dd", score.text, class_="value"),
            tag("dd", score.meaning),
            tag("dd", f"without a network: {score.baseline_text}", class_="note"),
        )
        for score in found
    ]
    return tag("dl", *each, class_="scores")


def course(result: Result) -> Markup:
    """Return loss and metrics of some epochs.

    Parameters
    ----------
    result : Result
        Whose training.

    Returns
    -------
    Markup
    """
    history = result.history
    epochs = sorted({*story.milestones(history.epochs), history.best_epoch or 1})
    names = list(history.metrics)
    rows = []
    for epoch in epochs:
        values = [history.loss, history.validation, *history.metrics.values()]
        cells = [f"{column[epoch - 1]:.4f}" for column in values if column]
        kept = "kept" if epoch == history.best_epoch else ""
        rows.append((f"{epoch:,}", *cells, kept))
    header = ["epoch", "loss"]
    header += ["validation loss"] if history.validation else []
    header += [name.replace("_", " ") for name in names]
    last = len(header)
    return table(
        "Some epochs of the training",
        [*header, ""],
        rows,
        numbers=range(last),
        class_="course",
    )


def confusion(result: Result | TableRun) -> Markup:
    """Return how often each class was predicted as which.

    Parameters
    ----------
    result : Result or TableRun
        Of classes.

    Returns
    -------
    Markup
    """
    counts = result.confusion
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)

    def cell(row: int, column: int) -> Markup:
        share = shares[row, column]
        kind = "right" if row == column else "wrong"
        strong = " strong" if share > 0.5 else " none" if share == 0 else ""
        return tag(
            "td",
            f"{counts[row, column]:,}",
            class_=kind + strong,
            style=f"--share:{share:.3f}",
        )

    places = range(len(result.classes))
    head = tag(
        "tr",
        tag("th", "true class", scope="col"),
        *(tag("th", tag("span", name), scope="col") for name in result.classes),
        tag("th", "found", scope="col"),
    )
    body = [
        tag(
            "tr",
            tag("th", result.classes[row], scope="row"),
            *(cell(row, column) for column in places),
            tag("td", percent(shares[row, row]), class_="note"),
        )
        for row in places
    ]
    caption = "How often each class was predicted as which"
    whole = tag(
        "table",
        tag("caption", caption),
        tag("thead", head),
        tag("tbody", *body),
        class_="confusion many" if len(result.classes) > _MANY else "confusion",
    )
    return scrollable(whole, caption)
