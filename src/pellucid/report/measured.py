"""The page about real or generated data, with a test on rows never seen."""

import numpy as np

from pellucid.report import sections, story
from pellucid.report.markup import Markup, figure, join, scrollable, table, tag
from pellucid.report.pictures import Pictures, thumbnail
from pellucid.report.result import Result
from pellucid.report.scores import Score, number, percent, scores, worst
from pellucid.report.sections import Section, paragraphs

_MOST = 10  # mistakes that are shown
_FEW = 3  # rows that are shown where there are no mistakes


def measured(result: Result, pictures: Pictures) -> tuple[str, Markup, list[Section]]:
    """Return what a page about a test says.

    Parameters
    ----------
    result : Result
        What is told.
    pictures : Pictures
        Draws.

    Returns
    -------
    title : str
        What it is about.
    head : Markup
        The outcome in short.
    sections : list of Section
        The rest.
    """
    found = scores(result)
    told = story.verdict(result, found)
    head = join([tag("p", told[0], class_="lead"), _cards(found), paragraphs(told[1:])])
    return (
        story.description(result)[0],
        head,
        [
            sections.data(result, pictures),
            sections.network(result, pictures, 10),
            sections.training(result, pictures, _course(result)),
            _test(result, pictures),
            _mistakes(result),
            sections.settings(result),
            sections.use(result),
        ],
    )


def _cards(found: list[Score]) -> Markup:
    cards = [
        tag(
            "div",
            tag("dt", score.name),
            tag("dd", score.text, class_="value"),
            tag("dd", score.meaning),
            tag("dd", f"without a network: {score.baseline_text}", class_="note"),
        )
        for score in found
    ]
    return tag("dl", *cards, class_="scores")


def _course(result: Result) -> Markup:
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


def _test(result: Result, pictures: Pictures) -> Section:
    content: list[Markup] = []
    two_columns = len(result.dataset.features) == 2
    if result.classes:
        content += [
            tag(
                "p",
                "Rows are the true classes, columns what the network said. What stands "
                "on the diagonal is right.",
            ),
            _confusion(result),
            tag("p", story.mistakes(result)),
        ]
        if two_columns:
            content.append(
                figure(
                    pictures.of_boundary(result),
                    "What the network says about every point of the plane, and the "
                    "rows of the test. A point on another colour is a mistake.",
                )
            )
        return Section("The test", join(content))
    if len(result.dataset.features) == 1:
        content.append(
            figure(pictures.of_curve(result), "The test, and what the network learned.")
        )
    content.append(
        figure(
            pictures.of_predictions(result),
            "Each point is a row of the test; on the dashed line the prediction is "
            "exactly right.",
        )
    )
    return Section("The test", join(content))


def _confusion(result: Result) -> Markup:
    counts = result.confusion
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)

    def cell(row: int, column: int) -> Markup:
        share = shares[row, column]
        kind = "right" if row == column else "wrong"
        strong = " strong" if share > 0.5 else " none" if share == 0 else ""
        return tag(
            "td",
            str(counts[row, column]),
            class_=kind + strong,
            style=f"--share:{share:.3f}",
        )

    places = range(len(result.classes))
    head = tag(
        "tr",
        tag("th", "true class", scope="col"),
        *(tag("th", name, scope="col") for name in result.classes),
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
        class_="confusion",
    )
    return scrollable(whole, caption)


def _mistakes(result: Result) -> Section:
    places = worst(result, _MOST)
    if not result.classes:
        rows = [
            (
                str(result.rows[place]),
                number(result.y[place]),
                number(result.y_hat[place]),
                number(result.y_hat[place] - result.y[place]),
            )
            for place in places
        ]
        found = table(
            "The largest errors of the test",
            ("row of the data", f"true {result.dataset.target}", "predicted", "error"),
            rows,
            numbers=range(4),
        )
        return Section("Where it was wrong", join([paragraphs([_WHY]), found]))
    wrong = len(result.y) - result.right
    # Without mistakes the least certain rows are shown.
    places = places[: wrong or _FEW]
    shown = [
        (
            _row(result, int(result.rows[place])),
            result.classes[result.y[place]],
            result.classes[result.y_hat[place]],
            percent(result.probabilities[place, result.y_hat[place]]),
            percent(result.probabilities[place, result.y[place]]),
        )
        for place in places
    ]
    found = table(
        _title(wrong),
        (
            "row of the data",
            "true class",
            "predicted",
            "probability of that",
            "probability of the true class",
        ),
        shown,
        numbers=(3, 4),
    )
    told = _WHY if wrong else "Nowhere: every row of the test was right."
    return Section("Where it was wrong", join([paragraphs([told]), found]))


def _row(result: Result, row: int) -> Markup:
    if result.dataset.image_shape:
        return join([thumbnail(result, row), str(row)])
    return join([str(row)])


def _title(wrong: int) -> str:
    if not wrong:
        return "The rows where it was least certain"
    if wrong <= _MOST:
        return "All mistakes of the test, the worst first"
    return f"The {_MOST} worst of {wrong} mistakes"


_WHY = (
    "It is worth looking at these rows: are they unusual, or is their target wrong? "
    "Rows are counted from 0."
)
