"""What a table holds, and how its rows become numbers, as a page tells it."""

import math
from typing import TYPE_CHECKING

import numpy as np

from pellucid.data.columns import Column, date_text
from pellucid.encoder import OneHot
from pellucid.plots.canvas import frame, two_colours
from pellucid.plots.importance_bars import shortened
from pellucid.report.drawing import Drawing
from pellucid.report.markup import Markup, figure, join, table, tag
from pellucid.report.scores import number, percent
from pellucid.report.sections import Section, division_of, paragraphs
from pellucid.report.story import count
from pellucid.report.table_run import TableRun
from pellucid.texttable import show

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_OPEN = 16  # columns of a table that is not folded up
_COLUMNS = 200  # columns that are told of one by one
_CLASSES = 20  # classes that are drawn
_LEVELS = 3  # levels of a category that are named
_BINS = 30


def data(run: TableRun, pictures: Drawing) -> Section:
    """Return what the data are.

    Parameters
    ----------
    run : TableRun
        Whose data.
    pictures : Drawing
        Draws.

    Returns
    -------
    Section
    """
    found = run.table
    read = f", read with {found.source}" if found.source else ""
    size = f"{count(len(found), 'row')}, {count(len(found.columns), 'column')}{read}."
    gaps = sum(int(np.count_nonzero(column.missing)) for column in found.columns)
    cells = len(found) * len(found.columns)
    if gaps:
        are = "is" if gaps == 1 else "are"
        size += f" {gaps:,} of {cells:,} cells {are} empty ({percent(gaps / cells)})."
    told = [size, f"To predict: {found.target}, {_target(run)}"]
    notes = [f"{note[:1].upper()}{note[1:]}." for note in found.notes]
    content = [
        paragraphs([*told, *notes]),
        figure(
            pictures.draw(
                lambda ax: _draw_target(run, ax),
                _described(run),
                (5.4, _height(run)),
            ),
            f"How often each {'class' if run.classes else 'range'} of {found.target} "
            "occurs, in all rows.",
        ),
        _columns(run),
        _left_out(run),
        tag("h3", "Who sees which rows"),
        paragraphs(_who(run)),
        division_of(_parts(run), "row"),
    ]
    return Section("The data", join(content))


def _target(run: TableRun) -> str:
    found = run.table
    assert found.y is not None
    if not run.classes:
        low, high, mean = map(number, (found.y.min(), found.y.max(), found.y.mean()))
        return f"a number from {low} to {high}, {mean} on average."
    named = [f"{name} ({n:,})" for name, n in list(found.counts.items())[:_CLASSES]]
    more = f" and {len(found.classes) - len(named)} more"
    return (
        f"one of {len(found.classes)} classes: {', '.join(named)}"
        f"{more if len(found.classes) > len(named) else ''}."
    )


def _height(run: TableRun) -> float:
    return 0.9 + 0.3 * min(len(run.classes), _CLASSES) if run.classes else 2.6


def _draw_target(run: TableRun, ax: "Axes") -> None:
    from matplotlib.ticker import MaxNLocator

    blue, _ = two_colours(ax)
    y = run.table.y
    assert y is not None
    if not run.classes:
        bins = min(_BINS, math.ceil(2 * math.sqrt(len(y))))
        ax.hist(y, bins=bins, color=blue, alpha=0.8)
        ax.yaxis.set_major_locator(MaxNLocator(integer=True))
        frame(ax, shortened(run.table.target, 60), "rows")
        return
    counts = list(run.table.counts.items())[:_CLASSES]
    bars = ax.barh(range(len(counts)), [n for _, n in counts], color=blue, alpha=0.8)
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.bar_label(bars, [f"{n:,}" for _, n in counts], padding=4)
    frame(ax, "rows", "")
    ax.set_yticks(range(len(counts)), [shortened(str(name)) for name, _ in counts])
    ax.set_ylim(len(counts) - 0.4, -0.6)
    ax.margins(x=0.12)
    ax.grid(visible=False, axis="y")


def _described(run: TableRun) -> str:
    if run.classes:
        each = [f"{name} {n:,}" for name, n in run.table.counts.items()][:_CLASSES]
        return f"Rows of every class: {', '.join(each)}."
    return f"A histogram of {run.table.target}: {_target(run)}"


def _columns(run: TableRun) -> Markup:
    shown = run.table.columns[:_COLUMNS]
    rows = [
        (
            column.name,
            column.kind,
            _gaps(column),
            _inside(column),
        )
        for column in shown
    ]
    title = f"What is in {count(len(shown), 'column')}"
    if len(shown) < len(run.table.columns):
        title = (
            f"What is in the first {len(shown)} of {len(run.table.columns):,} columns"
        )
    return _folded(
        title,
        table(
            title,
            ("column", "kind", "empty", "what is in it"),
            rows,
            numbers=(2,),
            class_="telling",
        ),
        len(rows),
    )


def _folded(title: str, content: Markup, length: int) -> Markup:
    """Return what is long folded up, so that the page stays easy to look through."""
    if length <= _OPEN:
        return content
    return tag("details", tag("summary", title), content)


def _gaps(column: Column) -> str:
    gaps = int(np.count_nonzero(column.missing))
    return f"{gaps:,} ({percent(gaps / len(column))})" if gaps else "0"


def _inside(column: Column) -> str:
    values = np.asarray(column.values)[~column.missing]
    if not values.size:
        return "nothing"
    if column.kind == "number":
        low, middle, high = map(number, np.quantile(values, (0.0, 0.5, 1.0)))
        return f"{low} to {high}, median {middle}"
    if column.kind == "date":
        return f"{date_text(values.min())} to {date_text(values.max())}"
    if column.kind == "boolean":
        no, yes = column.words
        return f"{yes}: {percent(float(values.mean()))}, otherwise {no}"
    counts = np.bincount(values, minlength=len(column.levels))
    first = np.argsort(-counts, kind="stable")[:_LEVELS]
    named = [f"{column.levels[k]} ({counts[k]:,})" for k in first if counts[k]]
    there = int(np.count_nonzero(counts))
    more = f" and {there - len(named):,} more" if there > len(named) else ""
    return f"{count(there, 'level')}: {', '.join(named)}{more}"


def _left_out(run: TableRun) -> Markup | None:
    rows = [(each.name, each.why) for each in run.table.left_out[:_COLUMNS]]
    if not rows:
        return None
    title = f"{count(len(run.table.left_out), 'column')} left out"
    return _folded(
        title, table(title, ("column", "why"), rows, class_="telling"), len(rows)
    )


def _parts(run: TableRun) -> dict[str, int]:
    bag = len(run.trained.histories) > 1
    held = 0 if bag else len(run.trained.held_out)
    return {
        "learning": len(run.learned) - held,
        "validation": held,
        "test": len(run.test),
    }


def _who(run: TableRun) -> list[str]:
    alike = ", with the same share of every class," if run.classes else ""
    told = (
        f"{count(len(run.test), 'row')}{alike} are put aside for the test: the network "
        "never sees them while it learns. "
    )
    networks = len(run.trained.histories)
    if networks > 1:
        return [
            told + f"The other {len(run.learned):,} are cut into {networks} parts. "
            f"Each of {networks} networks learns from all parts but one, another one "
            "each time, and the part left out shows which of its epochs is best."
        ]
    held = len(run.trained.held_out)
    if not held:
        return [told + f"It learns from all of the other {len(run.learned):,}."]
    return [
        told + f"Of the other {len(run.learned):,} it learns from "
        f"{len(run.learned) - held:,}; {held:,} are for validation: they show which "
        "epoch is best."
    ]


def encoding(run: TableRun) -> Section:
    """Return how rows become numbers.

    Parameters
    ----------
    run : TableRun
        Whose encoder.

    Returns
    -------
    Section
    """
    encoder = run.encoder
    settings = encoder.settings_table()
    rows = [tuple(map(show, row)) for row in settings][:_COLUMNS]
    first = (
        "A network takes numbers. Each column becomes one or more of them, in the "
        "same way for every row; what that takes (medians, scales, levels) was "
        "learned from the rows for learning alone."
    )
    ways = [(name, how) for name, how in _WAYS.items() if name in _there(run)]
    target = encoder.target
    if target is not None and not run.classes:
        how = f"standardized too ({target.said}); answers are given in its own units"
        ways.append(("The target", how))
    told = [
        tag("p", first),
        tag(
            "ul",
            *(tag("li", tag("strong", name), f": {how}.") for name, how in ways),
        ),
    ]
    title = str(settings.title)
    whole = table(title, settings.header, rows, numbers=(2,), class_="telling")
    return Section(
        "How rows become numbers",
        join([*told, _folded(title, whole, len(rows))]),
    )


_WAYS = {
    "Numbers": "centred and scaled, so that no unit counts more than another; very "
    "large ones are bent back smoothly",
    "Dates": "days since a usual one, and where in the year, the month and the week "
    "they lie",
    "Booleans": "0 or 1",
    "Categories of few levels": "a number for each level, 1 where it is that one and 0 "
    "elsewhere",
    "Categories of many levels": "a code, which picks a row of numbers that are "
    "learned with the network",
    "Empty cells": "filled with what is usual; a further number says that they were "
    "empty",
}


def _there(run: TableRun) -> set[str]:
    """Return which of the ways occur."""
    used = run.encoder.used
    kinds = {
        "number": "Numbers",
        "date": "Dates",
        "boolean": "Booleans",
    }
    found = {kinds[column.kind] for column in used if column.kind in kinds}
    if any(isinstance(column, OneHot) for column in used):
        found.add("Categories of few levels")
    if run.encoder.embedded:
        found.add("Categories of many levels")
    if any(getattr(column, "indicator", False) for column in used):
        found.add("Empty cells")
    return found
