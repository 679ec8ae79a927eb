"""What network learned from a table, and how, as a page tells it."""

from typing import TYPE_CHECKING

import numpy as np

from pellucid import plots
from pellucid.layers import Dense, FeatureScale
from pellucid.plots.canvas import frame, two_colours
from pellucid.plots.loss_curves import scale
from pellucid.report.checkup import findings
from pellucid.report.drawing import Drawing
from pellucid.report.markup import Markup, figure, join, table, tag
from pellucid.report.pictures import drawn
from pellucid.report.scores import number
from pellucid.report.sections import Section, paragraphs
from pellucid.report.story import count, milestones
from pellucid.report.table_member import member
from pellucid.report.table_run import TableRun
from pellucid.texttable import show

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLE = "The training"
_PLACES = 8  # neurons of a layer that are drawn
_MEMBERS = 4  # networks of a bag whose curves have their own names


def network(run: TableRun) -> Section:
    """Return what the network is.

    Parameters
    ----------
    run : TableRun
        Whose network.

    Returns
    -------
    Section
    """
    from pellucid.table_training import in_words

    trained, one = run.trained, member(run.trained)
    networks = len(trained.histories)
    task = "classes" if run.classes else "numbers"
    size = len(run.network.parameters.vector)
    shape, *_ = in_words(trained.recipe, task, networks)
    told = [f"{shape} In all there are {size:,} numbers to learn."]
    if any(isinstance(layer, FeatureScale) for layer in one.layers):
        told.append(
            "The first layer gives each number of a row a weight of its own, with "
            "which the network learns how much to look at it."
        )
    which = f"The first of the {networks} networks" if networks > 1 else "The network"
    caption = (
        f"{which} as it predicts, from its inputs on the left to its outputs on the "
        "right; of large layers some neurons. The inputs are the numbers of the "
        "section before."
    )
    if any(isinstance(layer, Dense) for layer in one.layers):
        caption += (
            " A line is a weight: blue and solid above zero, orange and dashed below, "
            "the wider the larger."
        )
    summary = one.summary()
    layers = table(
        "The layers" + f" of one of the {networks} networks" * (networks > 1),
        ("layer", "kind", "output", "parameters", "operations a row"),
        [tuple(map(show, row)) for row in summary],
        numbers=(3, 4),
        class_="layers",
    )
    content = [
        paragraphs(told),
        figure(drawn(one, _PLACES), caption),
        tag("details", tag("summary", "Layer by layer"), layers),
    ]
    return Section("The network", join(content))


def training(run: TableRun, pictures: Drawing) -> Section:
    """Return how the training went, and what the doctor found.

    Parameters
    ----------
    run : TableRun
        Whose training.
    pictures : Drawing
        Draws.

    Returns
    -------
    Section
    """
    from pellucid.table_training import in_words

    histories = run.trained.histories
    task = "classes" if run.classes else "numbers"
    _, *plan = in_words(run.trained.recipe, task, len(histories))
    told = [" ".join(plan)]
    if any(history.interrupted for history in histories):
        told.append("Ctrl-C ended the training; what was learned so far is kept.")
    told += _course(run)
    content: list[Markup | None] = [paragraphs(told)]
    if all(history.epochs for history in histories):
        content.append(
            figure(
                pictures.draw(lambda ax: _curves(run, ax), _described(run)),
                "How the loss fell. It is measured without temperature, and in "
                "training with dropout, so that the curve of the rows learned from "
                "may lie above the other.",
            )
        )
        content.append(_table(run))
    content += [tag("h3", "The doctor's findings"), findings(run.diagnosis)]
    return Section(TITLE, join(content))


def _course(run: TableRun) -> list[str]:
    histories = run.trained.histories
    took = f" It took {number(run.seconds)} seconds." if run.seconds else ""
    if len(histories) > 1:
        best = [history.best_epoch or history.epochs for history in histories]
        told = (
            f"{count(len(histories), 'network')}, "
            f"{count(sum(h.epochs for h in histories), 'epoch')} in all. Each has the "
            "weights of its best epoch, measured on the rows that it did not learn "
            f"from: epochs {', '.join(map(str, best))}.{took}"
        )
        return [told]
    (history,) = histories
    done = f"{count(history.epochs, 'epoch')}, " + count(
        len(history.iterations), "iteration"
    )
    if history.best_epoch is None:
        return [f"{done}.{took}"]
    low = number(history.validation[history.best_epoch - 1])
    told = (
        f"{done}. The validation loss was lowest after epoch {history.best_epoch}, "
        f"{low}: the network has the weights of that epoch.{took}"
    )
    return [told, *([f"Ended early: {history.stopped}."] if history.stopped else [])]


def _curves(run: TableRun, ax: "Axes") -> None:
    histories = run.trained.histories
    if len(histories) == 1:
        plots.history(histories[0], ax)
        return
    blue, orange = two_colours(ax)
    for place, history in enumerate(histories):
        epochs = range(1, history.epochs + 1)
        named = place == 0
        ax.plot(
            epochs,
            history.loss,
            color=blue,
            linewidth=1,
            label="rows learned from" if named else None,
        )
        ax.plot(
            epochs,
            history.validation,
            color=orange,
            linewidth=1,
            label="rows held out" if named else None,
        )
        if history.best_epoch:
            low = history.validation[history.best_epoch - 1]
            ax.plot(history.best_epoch, low, "o", color=orange, markersize=5)
    frame(ax, "epoch", "loss")
    scale(ax, np.concatenate([h.loss + h.validation for h in histories]))
    ax.legend(frameon=False)


def _described(run: TableRun) -> str:
    histories = run.trained.histories
    first = sum(history.loss[0] for history in histories) / len(histories)
    last = sum(history.loss[-1] for history in histories) / len(histories)
    held = " and of rows held out" if histories[0].validation else ""
    return (
        f"The loss of the rows learned from{held}, epoch by epoch: from "
        f"{number(first)} at the start to {number(last)} at the end."
    )


def _table(run: TableRun) -> Markup:
    histories = run.trained.histories
    if len(histories) > 1:
        rows = [
            (
                str(place),
                f"{history.epochs:,}",
                str(history.best_epoch or "none"),
                number(min(history.validation, default=float("nan"))),
            )
            for place, history in enumerate(histories, 1)
        ]
        header = ("network", "epochs", "best epoch", "its loss on rows held out")
        return table("The networks of the bag", header, rows, numbers=range(4))
    (history,) = histories
    epochs = sorted({*milestones(history.epochs), history.best_epoch or 1})
    rows = [
        (
            f"{epoch:,}",
            number(history.loss[epoch - 1]),
            number(history.validation[epoch - 1]) if history.validation else "none",
            "kept" if epoch == history.best_epoch else "",
        )
        for epoch in epochs
    ]
    return table(
        "Some epochs of the training",
        ("epoch", "loss", "validation loss", ""),
        rows,
        numbers=range(3),
        class_="course",
    )
