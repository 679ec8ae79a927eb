"""Predictions worked out: what each column adds, and every number behind it."""

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid.report.markup import Markup, join, table, tag
from pellucid.report.scores import number, percent
from pellucid.report.sections import Section, paragraphs
from pellucid.report.story import count
from pellucid.report.table_member import member
from pellucid.report.table_run import TableRun, places
from pellucid.shapley import Contributions, contributions
from pellucid.texttable import show

_USUAL = 256  # rows that a row is compared with
_COLUMNS = 12  # contributions that are told one by one
_STEPS = 60  # numbers of a row whose making is shown
_STYLE = re.compile("<style>.*?</style>", re.DOTALL)


def examples(run: TableRun) -> Section:
    """Return a prediction that was right, and the one that was most wrong.

    Parameters
    ----------
    run : TableRun
        Whose predictions.

    Returns
    -------
    Section
    """
    told = (
        "What a column adds is found by exchanging the cells of usual rows for those "
        "of this row, one column after the other, in many orders (Shapley values). "
        "Together they lead from the usual answer to this one."
    )
    good, bad = chosen(run)
    content = [tag("p", told), _example(run, good, _title(run, good, usual=True))]
    if bad != good:
        content.append(_example(run, bad, _title(run, bad, usual=False)))
    return Section("Two predictions worked out", join(content))


def chosen(run: TableRun) -> tuple[int, int]:
    """Return a row of the test that is usual among the right ones, and the worst one.

    Parameters
    ----------
    run : TableRun
        Whose predictions.

    Returns
    -------
    good, bad : int
        Places in the test.
    """
    if not run.classes:
        errors = np.abs(run.y_hat - run.y)
        order = np.argsort(errors, kind="stable")
        return int(order[len(order) // 4]), int(order[-1])
    given = run.probabilities[np.arange(len(run.y)), run.y]
    bad = int(given.argmin())
    right = np.flatnonzero(run.y == run.y_hat)
    if not right.size:
        return bad, bad
    order = right[np.argsort(given[right], kind="stable")]
    return int(order[len(order) // 2]), bad


def _title(run: TableRun, place: int, *, usual: bool) -> str:
    truth, guess = run.y[place], run.y_hat[place]
    if not run.classes:
        start = "A usual one" if usual else "The largest error"
        return f"{start}: {number(guess)}, where the truth is {number(truth)}"
    if usual:
        return f"A usual one: {run.classes[guess]}, which is right"
    if truth == guess:
        return f"The least certain one: {run.classes[guess]}, which is right"
    return f"The worst one: {run.classes[guess]}, but the truth is {run.classes[truth]}"


def _example(run: TableRun, place: int, title: str) -> Markup:
    usual = run.table.take(run.learned[places(len(run.learned), _USUAL)])
    found = contributions(
        run.network, run.tested.take([place]), 0, background=usual, seed=run.seed
    )
    row = int(run.test[place])
    said = f"Row {row:,} of the table, counted from 0. "
    said += _answered(run, place)
    return join(
        [
            tag("h3", title),
            tag("p", said),
            _added(run, found),
            _encoded(run, place),
            _worked(run, place),
        ]
    )


def _answered(run: TableRun, place: int) -> str:
    if not run.classes:
        error = float(run.y_hat[place] - run.y[place])
        way = "too low" if error < 0 else "too high"
        return (
            f"The network says {number(run.y_hat[place])}, which is "
            f"{number(abs(error))} {way}."
        )
    p = run.probabilities[place]
    best = np.argsort(-p, kind="stable")[:4]
    each = [f"{run.classes[k]} ({percent(float(p[k]))})" for k in best]
    more = " and so on" if len(p) > len(best) else ""
    return f"The network says: {', '.join(each)}{more}."


def _added(run: TableRun, found: Contributions) -> Markup:
    """Return a table with a bar for what each column adds, from usual to this row."""
    largest = float(np.abs(found.values).max()) or 1.0
    shown = found.order[:_COLUMNS]
    rows: list[tuple[str, str, str, str]] = [
        ("usually", "", _amount(run, found.usual, sign=False), "")
    ]
    for place in shown:
        cell = found.cells[place]
        value = float(found.values[place])
        rows.append(
            (
                found.columns[place],
                "empty" if cell is None else show(cell),
                _amount(run, value, sign=True),
                _bar(value / largest),
            )
        )
    rest = found.order[_COLUMNS:]
    if rest.size:
        amount = _amount(run, float(found.values[rest].sum()), sign=True)
        rows.append((f"{count(len(rest), 'column')} more", "", amount, ""))
    rows.append(("this row", "", _amount(run, found.answer, sign=False), ""))
    what = run.table.target
    if run.classes:
        what = f"the probability of {found.target}, in percentage points"
    return table(
        f"What each column adds to {what}",
        ("column", "cell", "adds", ""),
        rows,
        numbers=(2,),
        class_="adds",
    )


def _amount(run: TableRun, value: float, *, sign: bool) -> str:
    text = f"{100 * value:.1f} %" if run.classes else number(value)
    text = text.replace("-", "\N{MINUS SIGN}")
    return f"+{text}" if sign and value >= 0 else text


def _bar(share: float) -> Markup:
    """Return a bar to the right of the middle, or to the left where it takes away."""
    width = 50 * abs(share)
    left = 50.0 if share >= 0 else 50 - width
    side = "more" if share >= 0 else "less"
    inner = tag("span", style=f"left:{left:.1f}%;width:{width:.1f}%", class_=side)
    return tag("span", inner, class_="push", aria_hidden="true")


def _encoded(run: TableRun, place: int) -> Markup:
    steps = run.encoder.explain(run.tested.take([place]))
    rows = [tuple(map(show, row)) for row in steps][:_STEPS]
    title = "How this row becomes numbers"
    if len(rows) < len(steps):
        title += f" (the first {len(rows)} of {len(steps):,})"
    whole = table(title, steps.header, rows, numbers=(3,), class_="steps")
    return tag("details", tag("summary", title), whole)


def _scored(run: TableRun, scores: NDArray[Any]) -> str:
    """Return the scores of the first member, and what becomes of them."""
    z = np.asarray(scores[: len(run.classes)], np.float64)
    p = np.exp(z - z.max())
    p /= p.sum()
    best = np.argsort(-p, kind="stable")[:4]
    each = (f"{run.classes[k]} {z[k]:.4g} ({percent(float(p[k]))})" for k in best)
    return ", ".join(each) + " and so on" * (len(p) > len(best))


def _worked(run: TableRun, place: int) -> Markup:
    """Return where the network's output for the row comes from, to be opened."""
    one, trained = member(run.trained), run.trained
    answer = int(run.y_hat[place]) if run.classes else 0
    x = run.encoder.encode(run.tested.take([place]), unseen="ignore")
    step = one.trace(x, run.table.labels[run.test[place : place + 1]])
    told = []
    if len(trained.histories) > 1:
        told.append(
            f"The first of {len(trained.histories)} networks, whose answers are "
            "averaged."
        )
    elif trained.recipe.members > 1:
        told.append(
            f"The first of {trained.recipe.members} members, whose answers are "
            "averaged."
        )
    if run.classes:
        told.append(
            f"output[0, {answer}] is the score of {run.classes[answer]}. Softmax makes "
            f"probabilities of the scores: {_scored(run, step.output[0])}."
        )
    else:
        told.append(
            "The output is in standard deviations of the target from its mean "
            f"({run.encoder.target.said if run.encoder.target else ''})."
        )
    told.append(
        "Every line opens: what it is made of stands inside, the largest first."
    )
    why = _STYLE.sub("", step.why(f"output[0, {answer}]")._repr_html_())
    # Its tables only put formulas below each other.
    why = why.replace("<table>", '<table role="presentation">')
    title = "Why: every number behind this answer"
    return tag("details", tag("summary", title), paragraphs(told), Markup(why))
