"""How good a network for a table is, beside simpler models, as a page tells it."""

import numpy as np

from pellucid import plots
from pellucid.metrics import Metric
from pellucid.plots.prediction_pairs import FEW
from pellucid.report import story
from pellucid.report.drawing import Drawing
from pellucid.report.markup import Markup, figure, join, table, tag
from pellucid.report.scores import number, percent
from pellucid.report.sections import Section, paragraphs
from pellucid.report.story import count
from pellucid.report.table_member import without_temperature
from pellucid.report.table_run import TableRun, places
from pellucid.report.tables import confusion

HONEST = "Are its probabilities honest?"
_CONFUSED = 40  # classes for which the table of mistakes is still of use
_DRAWN = 800  # rows that are drawn as points
_SPARSE = 200  # rows of a test, below which chance moves the dots of the calibration


def judged(run: TableRun, pictures: Drawing) -> Section:
    """Return where predictions are right, and where they are wrong.

    Parameters
    ----------
    run : TableRun
        What is judged.
    pictures : Drawing
        Draws.

    Returns
    -------
    Section
    """
    if run.classes:
        return Section("The test", join(_of_classes(run)))
    return Section("The test", join(_of_numbers(run, pictures)))


def _of_numbers(run: TableRun, pictures: Drawing) -> list[Markup]:
    n = len(run.y)
    shown = places(n, _DRAWN)
    y, y_hat = run.y[shown], run.y_hat[shown]
    errors = run.y_hat - run.y
    half, most = np.quantile(np.abs(errors), (0.5, 0.9))
    told = (
        f"For half of the rows the error is at most {number(float(half))}, for nine "
        f"of ten at most {number(float(most))}."
    )
    each = "Each point is a row of the test"
    if len(shown) < n:
        each = f"{len(shown):,} of the {n:,} rows of the test, spread evenly"
    caption = f"{each}; on the dashed line the prediction is exactly right."
    if n <= FEW:
        caption = "Target and prediction of every row of the test."
    r2 = number(Metric.of("r2").value(run.y, run.y_hat, run.weight))
    content = [
        tag("p", told),
        figure(
            pictures.draw(
                lambda ax: plots.predictions(y, y_hat, ax),
                f"Prediction and target of {count(n, 'row')}; R2 is {r2}.",
                (5.4, 3.0) if n <= FEW else (5.4, 4.0),
            ),
            caption,
        ),
    ]
    if n > FEW:
        low, high = number(errors.min()), number(errors.max())
        content.append(
            figure(
                pictures.draw(
                    lambda ax: plots.residuals(y, y_hat, ax),
                    "Prediction minus target against the prediction: errors from "
                    f"{low} to {high}.",
                ),
                "The errors. A cloud around zero that is equally wide everywhere is "
                "good; where the orange line, the median, leaves zero, predictions of "
                "that size are too high or too low.",
            )
        )
    return content


def _of_classes(run: TableRun) -> list[Markup]:
    content = []
    if len(run.classes) <= _CONFUSED:
        told = (
            "Rows are the true classes, columns what the network said. What stands on "
            "the diagonal is right."
        )
        content += [tag("p", told), confusion(run)]
    content.append(tag("p", story.mistakes(run)))
    rows = []
    for place, name in enumerate(run.classes):
        true, said = run.y == place, run.y_hat == place
        both = int((true & said).sum())
        rows.append(
            (
                name,
                f"{int(true.sum()):,}",
                percent(both / true.sum()) if true.any() else "none",
                percent(both / said.sum()) if said.any() else "none",
            )
        )
    content.append(
        table(
            "Every class: what share of it was found, and how often it was right",
            ("class", "rows", "found (recall)", "right when said (precision)"),
            rows[:_CONFUSED],
            numbers=range(1, 4),
        )
    )
    return content


def probabilities(run: TableRun, pictures: Drawing) -> Section:
    """Return whether the probabilities are honest.

    Parameters
    ----------
    run : TableRun
        Of classes.
    pictures : Drawing
        Draws.

    Returns
    -------
    Section
    """
    labels, warmth = run.classes, run.trained.temperature
    after = run.honesty
    both = {"as they are": after}
    first = (
        "Of all rows for which a network says 80 %, it should be so for 80 %. Here "
        "rows of the test are put into ranges by what the network said, the "
        f"{after.of}; each dot compares a range with what happened."
    )
    told = [first]
    if warmth != 1.0:
        plain = without_temperature(run.trained).predict_proba(run.x)
        both = {
            "before the temperature": run.calibration(plain),
            "after it": after,
        }
        way = "less" if warmth > 1 else "more"
        told.append(
            f"The outputs are divided by a temperature of {number(warmth)}, which was "
            f"chosen on rows held out and makes the network {way} certain. "
            + (
                "It changes no answer."
                if len(run.trained.histories) == 1
                else "It changes no answer of a single network."
            )
        )
    else:
        told.append(
            "No temperature was needed, or there were too few rows held out to choose "
            "one."
        )
    if len(run.y) < _SPARSE:
        told.append(
            f"With {count(len(run.y), 'row')} many dots stand for few rows, and jump "
            "by chance."
        )
    rows = [
        (name, percent(each.error), number(each.log_loss), number(each.brier))
        for name, each in both.items()
    ]
    errors = " and ".join(
        f"{percent(each.error)} {name}" for name, each in both.items()
    )
    content = [
        paragraphs(told),
        figure(
            pictures.draw(
                lambda ax: plots.calibration(both if len(both) > 1 else after, ax),
                "How often it was so against what the network said; the mean distance "
                f"from the diagonal is {errors}.",
                (5.4, 4.0),
            ),
            "On the dashed line probabilities are honest; below it the network is too "
            "sure. A large dot stands for many rows.",
        ),
        table(
            f"How honest the probabilities of {count(len(labels), 'class', 'classes')} "
            "are; less is better",
            ("probabilities", "calibration error", "log-loss", "Brier score"),
            rows,
            numbers=range(1, 4),
        ),
    ]
    return Section(HONEST, join(content))
