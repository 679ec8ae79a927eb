"""How good a network for a table is, beside simpler models, as a page tells it."""

from pellucid import plots
from pellucid.metrics import Metric
from pellucid.reliability import Calibration, calibration
from pellucid.report import story
from pellucid.report.drawing import Drawing
from pellucid.report.markup import Markup, figure, join, table, tag
from pellucid.report.scores import accuracy_interval, number, percent
from pellucid.report.sections import Section, paragraphs
from pellucid.report.story import count
from pellucid.report.table_member import without_temperature
from pellucid.report.table_run import TableRun
from pellucid.report.tables import confusion

_CONFUSED = 40  # classes for which the table of mistakes is still of use


def lead(run: TableRun) -> str:
    """Return how the test went, in one or two sentences.

    Parameters
    ----------
    run : TableRun
        What is judged.

    Returns
    -------
    str
    """
    from pellucid.table_training import MEASURES, scores_beside, shown

    task = "classes" if run.classes else "numbers"
    beside, n = scores_beside(run), len(run.test)
    name = "accuracy" if run.classes else "mae"
    assert name in MEASURES[task]
    own, guess = (shown(name, beside[who][name]) for who in ("network", "constant"))
    others = [
        f"{each.name}: {shown(name, beside[each.name][name])}" for each in run.baselines
    ]
    asked = f"Shown {count(n, 'row')} that it had never seen, the network "
    if run.classes:
        right = int((run.y == run.y_hat).sum())
        low, high = accuracy_interval(right, n)
        shares = run.table.counts
        usual = max(shares, key=lambda label: shares[label])
        compared = "; ".join([*others, f'always answering "{usual}": {guess}'])
        return (
            f"{asked}got {right:,} right: {own} ({compared}). Accuracies from "
            f"{percent(low)} to {percent(high)} fit this result (95 % interval)."
        )
    compared = "; ".join([*others, f"always saying the mean: {guess}"])
    return f"{asked}was off by {own} on average ({compared})."


def cards(run: TableRun) -> Markup:
    """Return a card for each score, and whether the network is worth it.

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
    return join([tag("dl", *each, class_="scores"), _worth(run)])


def _worth(run: TableRun) -> Markup | None:
    from pellucid.table_training import beside_the_linear

    if not run.baselines:
        return None
    facts, told = beside_the_linear(run)
    kind = "verdict" if "is better" in told else "verdict is-doubtful"
    return tag("p", tag("strong", told), f" {facts}", class_=kind)


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
    y, y_hat = run.y, run.y_hat
    n = len(y)
    content = [
        figure(
            pictures.draw(
                lambda ax: plots.predictions(y, y_hat, ax),
                f"Prediction and target of {count(n, 'row')}; R2 is "
                f"{number(Metric.of('r2').value(y, y_hat, run.weight))}.",
                (7.2, 4.8),
            ),
            "Each point is a row of the test; on the dashed line the prediction is "
            "exactly right.",
        ),
        figure(
            pictures.draw(
                lambda ax: plots.residuals(y, y_hat, ax),
                "What is left of the targets when predictions are taken away: errors "
                f"from {number((y_hat - y).min())} to {number((y_hat - y).max())}.",
            ),
            "The errors. A cloud around zero that is equally wide everywhere is good; "
            "where the orange line, the median, leaves zero, predictions of that size "
            "are too high or too low.",
        ),
    ]
    return Section("The test", join(content))


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
    after = _measured(run, run.probabilities)
    both = {"as they are": after}
    first = (
        "Of all rows for which a network says 80 %, it should be so for 80 %. Rows "
        "of the test are put into ranges by what the network said "
        f"({after.of}); each dot compares a range with what happened."
    )
    told = [first]
    if warmth != 1.0:
        plain = without_temperature(run.trained).predict_proba(run.x)
        both = {
            "before the temperature": _measured(run, plain),
            "after it": after,
        }
        way = "less" if warmth > 1 else "more"
        told.append(
            f"The outputs are divided by a temperature of {number(warmth)}, which was "
            "chosen on rows held out and makes the network "
            f"{way} certain; it changes no answer of one network."
        )
    else:
        told.append(
            "No temperature was needed, or there were too few rows held out to choose "
            "one."
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
                (7.2, 4.2),
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
    return Section("Are its probabilities honest?", join(content))


def _measured(run: TableRun, p: object) -> Calibration:
    # Classes are told apart by their places, and named in words.
    return calibration(
        [run.classes[place] for place in run.y],
        p,
        classes=run.classes,
        sample_weight=run.weight,
    )
