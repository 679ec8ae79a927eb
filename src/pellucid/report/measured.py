"""The page about real or generated data, with a test on rows never seen."""

from pellucid.report import sections, story
from pellucid.report.markup import Markup, figure, join, table, tag
from pellucid.report.pictures import Pictures, thumbnail
from pellucid.report.result import Result
from pellucid.report.scores import number, percent, scores, worst
from pellucid.report.sections import Section, paragraphs
from pellucid.report.tables import cards, confusion, course

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
    head = join([tag("p", told[0], class_="lead"), cards(found), paragraphs(told[1:])])
    return (
        story.description(result)[0],
        head,
        [
            sections.data(result, pictures),
            sections.network(result, pictures, 10),
            sections.training(result, pictures, course(result)),
            _test(result, pictures),
            _mistakes(result),
            sections.settings(result),
            sections.use(result),
        ],
    )


def _test(result: Result, pictures: Pictures) -> Section:
    content: list[Markup] = []
    two_columns = len(result.table.features) == 2
    if result.classes:
        content += [
            tag(
                "p",
                "Rows are the true classes, columns what the network said. What stands "
                "on the diagonal is right.",
            ),
            confusion(result),
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
    if len(result.table.features) == 1:
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
    if result.table.image_shape:
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
