"""Which columns a network needs, and what it makes of them, as a page tells it."""

from pellucid import plots
from pellucid.dependence import Dependence, partial_dependence
from pellucid.importance import Importance
from pellucid.report.drawing import Drawing
from pellucid.report.markup import Markup, figure, join, table, tag
from pellucid.report.scores import number, percent
from pellucid.report.sections import Section
from pellucid.report.table_run import TableRun, some

TITLE = "What it looks at"
_CURVES = 4  # columns whose curves are drawn
_SOME = 200  # rows whose curves are averaged
_POINTS = 16  # values of a number that are tried
_LEVELS = 10  # and of a category
_BARS = 15  # columns that are drawn
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
    found = run.importance
    height = 0.9 + 0.3 * min(len(found.columns), _BARS)
    best = [found.columns[place] for place in found.order[:3]]
    told = (
        "How much worse does the network get when the cells of one column are "
        f"shuffled among {found.rows:,} rows of the test? That is how much it needs "
        f"the column. With all columns in place the {found.name} is "
        f"{number(found.value)}."
    )
    caption = (
        "The bar is the mean of five shufflings, the dots are the single ones. Where "
        "they are about zero, the network does not need the column."
    )
    if len(found.columns) > _BARS:
        caption += f" Drawn are {_BARS} of {len(found.columns):,} columns."
    content: list[Markup | None] = [
        tag("p", told),
        figure(
            pictures.draw(
                lambda ax: plots.importance(found, ax, most=_BARS),
                f"The {found.change} without each column; most of all without "
                f"{', '.join(best)}.",
                (5.4, height),
            ),
            caption,
        ),
        _together(found),
        _numbers(found),
        *_curves(run, found, pictures),
    ]
    return Section(TITLE, join(content))


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


def _curves(run: TableRun, found: Importance, pictures: Drawing) -> list[Markup]:
    few = some(run.tested, _SOME)
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
        if few[column].missing.all():
            continue
        ordered = few[column].kind in ("number", "date")
        points = _POINTS if ordered else _LEVELS
        curve = partial_dependence(run.network, few, column, points=points)
        if len(curve.places) > 1:
            drawn.append(_curve(curve, pictures))
    if not drawn:
        return []
    heading = tag("h3", "How its answers change with the columns it needs most")
    grid = tag("div", *drawn, class_="pair")
    return [heading, tag("p", told), grid]


def _curve(found: Dependence, pictures: Drawing) -> Markup:
    mean = found.mean
    place = 1 if found.probable and mean.shape[1] == 2 else 0
    if mean.shape[1] > 2:
        place = int((mean.max(axis=0) - mean.min(axis=0)).argmax())
    low, high = 0, -1
    if not found.ordered:
        low, high = int(mean[:, place].argmin()), int(mean[:, place].argmax())
    shown = percent if found.probable else number
    ends = " and ".join(
        f"{shown(float(mean[end, place]))} at {_named(found, end)}"
        for end in (low, high)
    )
    several = found.probable and mean.shape[1] > 2
    what = f"{found.answers[place]} has " if several else ""
    kind = "on average" if found.ordered else "on average between"
    picture = pictures.draw(
        lambda ax: plots.partial_dependence(found, ax),
        f"How the answer changes with {found.column}: {what}{kind} {ends}.",
        (4.6, 3.3),
    )
    return figure(picture, f"{found.column}: {what}{kind} {ends}.")


def _named(found: Dependence, place: int) -> str:
    if found.kind == "number":
        return number(float(found.places[place]))
    return found.names[place]
