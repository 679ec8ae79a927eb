"""The top of the page about a table: how the test went, and what to know first."""

from pellucid.report import table_columns, table_scores, table_training
from pellucid.report.markup import Markup, join, tag
from pellucid.report.scores import accuracy_interval, percent
from pellucid.report.sections import anchor_of
from pellucid.report.story import count, listed
from pellucid.report.table_run import TableRun

_NAMED = 3  # columns that are named
_TINY = 30  # rows of a test of numbers, below which its chance is told of
_FEW = 1000  # rows of a test of classes, below which its chance is told of


def head(run: TableRun) -> Markup:
    """Return the outcome in short.

    Parameters
    ----------
    run : TableRun
        What is judged.

    Returns
    -------
    Markup
    """
    return join(
        [tag("p", lead(run), class_="lead"), worth(run), cards(run), glance(run)]
    )


def lead(run: TableRun) -> str:
    """Return how the test went, in a sentence.

    Parameters
    ----------
    run : TableRun
        What is judged.

    Returns
    -------
    str
    """
    from pellucid.table_training import scores_beside, shown

    own, n = scores_beside(run)["network"], len(run.test)
    asked = f"Shown {count(n, 'row')} that it had never seen, the network "
    if run.classes:
        right = int((run.y == run.y_hat).sum())
        return f"{asked}got {right:,} right: {shown('accuracy', own['accuracy'])}."
    return f"{asked}was off by {shown('mae', own['mae'])} on average."


def worth(run: TableRun) -> Markup | None:
    """Return whether the network is worth it beside the linear model.

    Parameters
    ----------
    run : TableRun
        What is judged.

    Returns
    -------
    Markup or None
        None where there is no other model.
    """
    from pellucid.table_training import beside_the_linear

    if not run.baselines:
        return None
    facts, told = beside_the_linear(run)
    kind = "verdict" if "is better" in told else "verdict is-doubtful"
    return tag("p", tag("strong", told), f" {facts}", class_=kind)


def cards(run: TableRun) -> Markup:
    """Return a card for each score, with those of simpler models in it.

    Parameters
    ----------
    run : TableRun
        What is judged.

    Returns
    -------
    Markup
    """
    from pellucid.table_training import MEANINGS, scores_beside, shown

    beside = scores_beside(run)
    each = []
    for name, value in beside["network"].items():
        title, meaning = MEANINGS[name]
        others = [
            tag(
                "dd",
                f"{'without looking' if who == 'constant' else who}: "
                f"{shown(name, found[name])}",
                class_="note",
            )
            for who, found in beside.items()
            if who != "network"
        ]
        each.append(
            tag(
                "div",
                tag("dt", title),
                tag("dd", shown(name, value), class_="value"),
                tag("dd", meaning),
                *others,
            )
        )
    return tag("dl", *each, class_="scores")


def glance(run: TableRun) -> Markup:
    """Return what to know first, with links to where more is told.

    Parameters
    ----------
    run : TableRun
        What is told.

    Returns
    -------
    Markup
    """
    points = [_chance(run), _columns(run), _honesty(run), _doctor(run)]
    return tag("ul", *(tag("li", p) for p in points if p), class_="glance")


def _link(text: str, title: str) -> Markup:
    return tag("a", text, href=f"#{anchor_of(title)}")


def _chance(run: TableRun) -> str | None:
    n = len(run.test)
    if not run.classes:
        few = f"A test of {count(n, 'row')} says little: chance decides much of it."
        return few if n < _TINY else None
    if n >= _FEW:
        return None
    low, high = accuracy_interval(int((run.y == run.y_hat).sum()), n)
    return (
        f"Chance plays a part in {count(n, 'row')}: accuracies from {percent(low)} to "
        f"{percent(high)} fit this result (95 % interval)."
    )


def _columns(run: TableRun) -> Markup | None:
    found = run.importance
    needed = [p for p in found.order[:_NAMED] if found.worse[p].min() > 0]
    if not needed:
        return None
    names = listed([found.columns[place] for place in needed])
    what = "It needs most" if len(needed) > 1 else "It needs one column most"
    return join([_link(what, table_columns.TITLE), f": {names}."])


def _honesty(run: TableRun) -> Markup | None:
    if not run.classes:
        return None
    link = _link("Its probabilities", table_scores.HONEST)
    return join([link, f" are off by {percent(run.honesty.error)} on average."])


def _doctor(run: TableRun) -> Markup:
    found = run.diagnosis
    link = _link("The doctor", table_training.TITLE)
    if not len(found):
        return join([link, f" made {found.checks} checks and found nothing wrong."])
    said = count(len(found), "finding")
    first = next((f for f in found if f.severity == "severe"), next(iter(found)))
    return join([link, f" has {said}, among them: {first.sentence}"])
