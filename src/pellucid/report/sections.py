"""The sections that every page has: data, network, training, settings, and use."""

import platform
import re
import sys
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import PurePath

import numpy as np

from pellucid._version import __version__
from pellucid.data.image_folder import Images
from pellucid.report import story
from pellucid.report.checkup import checkup
from pellucid.report.markup import Markup, figure, join, table, tag
from pellucid.report.pictures import Pictures, thumbnail
from pellucid.report.result import Result
from pellucid.report.scores import number
from pellucid.report.usage import snippet
from pellucid.texttable import show


@dataclass(frozen=True)
class Section:
    """A part of the page with a heading.

    Parameters
    ----------
    title : str
        Its heading.
    content : Markup
        What stands below it.
    """

    title: str
    content: Markup

    @property
    def anchor(self) -> str:
        """Its name in links."""
        return anchor_of(self.title)

    def html(self) -> Markup:
        """Return the whole section."""
        heading = tag("h2", self.title, id=f"{self.anchor}-title")
        return tag(
            "section",
            heading,
            self.content,
            id=self.anchor,
            aria_labelledby=f"{self.anchor}-title",
        )


def anchor_of(title: str) -> str:
    """Return what a section is called in links.

    Parameters
    ----------
    title : str
        Its heading.

    Returns
    -------
    str
    """
    return re.sub("[^a-z0-9]+", "-", title.lower()).strip("-")


def paragraphs(sentences: list[str]) -> Markup:
    """Return each text as a paragraph.

    Parameters
    ----------
    sentences : list of str
        The texts.

    Returns
    -------
    Markup
    """
    return join(tag("p", text) for text in sentences)


def data(result: Result, pictures: Pictures) -> Section:
    """Return what the data are.

    Parameters
    ----------
    result : Result
        Whose data.
    pictures : Pictures
        Draws.

    Returns
    -------
    Section
    """
    dataset = result.table
    if dataset.image_shape:
        # The first rows of each class in turn.
        rows = [
            row
            for turn in range(2)
            for index in range(len(dataset.classes))
            for row in np.flatnonzero(dataset.y == index)[turn : turn + 1]
        ]
        gallery = tag(
            "div", *(thumbnail(result, int(row)) for row in rows), class_="gallery"
        )
        picture = figure(gallery, "Two images of every class.")
    else:
        many = len(dataset.features) > 2
        seen = (
            "All rows. Of so many columns a picture shows the two directions in which "
            "the rows differ most (principal components)."
            if many
            else "All rows."
        )
        picture = figure(pictures.of_data(result), seen)
    origin = tag(
        "dl",
        tag("dt", "Source"),
        tag("dd", dataset.source),
        tag("dt", "License"),
        tag("dd", dataset.license),
        class_="facts",
    )
    content = [
        paragraphs([*story.description(result)[1:], *story.data(result)]),
        picture,
        _columns(result),
        tag("h3", "Who sees which rows"),
        paragraphs(story.division(result)),
        division(result),
        origin,
    ]
    return Section("The data", join(content))


def _columns(result: Result) -> Markup | None:
    """Return what is known about each column, folded up where there are many."""
    x = result.dataset.x[result.known]
    if result.table.image_shape:
        return None
    rows = [
        (name, *map(number, (c.min(), c.mean(), c.max(), c.std())))
        for name, c in zip(result.table.features, x.T, strict=True)
    ]
    found = table(
        "The columns, in the rows for learning and validation",
        ("column", "lowest", "mean", "highest", "standard deviation"),
        rows,
        numbers=range(1, 5),
    )
    title = f"The numbers of {story.count(len(rows), 'column')}"
    return tag("details", tag("summary", title), found)


def division(result: Result) -> Markup:
    """Return a bar whose parts are as long as they have rows.

    Parameters
    ----------
    result : Result
        Whose rows.

    Returns
    -------
    Markup
    """
    parts = {
        "learning": len(result.train),
        "validation": len(result.validation),
        "test": len(result.test),
    }
    return division_of(parts, result.noun)


def division_of(parts: dict[str, int], noun: str) -> Markup:
    """Return a bar with a part for each purpose.

    Parameters
    ----------
    parts : dict of str to int
        Rows for ``"learning"``, ``"validation"`` and ``"test"``.
    noun : str
        What a row is called.

    Returns
    -------
    Markup
    """
    bars = [
        tag(
            "li",
            tag("span", f"{n:,}"),
            f" {name}",
            class_=name,
            style=f"flex-grow:{n}",
        )
        for name, n in parts.items()
        if n
    ]
    return tag(
        "ul",
        *bars,
        class_="division",
        aria_label=f"{noun}s for each purpose".capitalize(),
    )


def network(result: Result, pictures: Pictures, most: int) -> Section:
    """Return what the network is.

    Parameters
    ----------
    result : Result
        Whose network.
    pictures : Pictures
        Draws.
    most : int
        Neurons of a layer that are drawn.

    Returns
    -------
    Section
    """
    summary = result.network.summary()
    drawn = figure(
        pictures.of_network(result, most),
        "The trained network, from its inputs on the left to its outputs on the right. "
        "A line is a weight: blue and solid above zero, orange and dashed below, the "
        "wider the larger.",
    )
    layers = table(
        "The layers",
        ("layer", "kind", "output", "parameters", "operations a row"),
        [tuple(map(show, row)) for row in summary],
        numbers=(3, 4),
    )
    footer = tag("p", f"{summary.footer}.", class_="note")
    content = [paragraphs(story.network(result)), drawn, layers, footer]
    return Section("The network", join(content))


def training(result: Result, pictures: Pictures, course: Markup) -> Section:
    """Return how the training went.

    Parameters
    ----------
    result : Result
        Whose training.
    pictures : Pictures
        Draws.
    course : Markup
        A table of it.

    Returns
    -------
    Section
    """
    history, state = result.history, result.network.training
    assert state is not None
    plan = story.plan(
        state.rows,
        state.batch_size,
        result.network.loss,
        state.optimizer,
        validated=len(result.validation) > 0,
        noun=result.noun,
    )
    content = [tag("p", plan), paragraphs(story.training(result))]
    if history.epochs:
        content.append(figure(pictures.of_loss(result), "How the loss fell."))
        if history.metrics:
            name = next(iter(history.metrics))
            told = f"The share of validation {result.noun}s whose class was right."
            if name == "rmse":
                told = (
                    "The usual size of an error in the validation rows, in standard "
                    "deviations of the target."
                )
            content.append(figure(pictures.of_metrics(result), told))
        content += [course, checkup(result)]
    return Section("The training", join(content))


def settings(result: Result) -> Section:
    """Return all that is needed to do it again.

    Parameters
    ----------
    result : Result
        Of the training.

    Returns
    -------
    Section
    """
    state = result.network.training
    assert state is not None
    chosen = {
        "data": result.dataset.name,
        "seed": str(result.network.seed),
        "loss": result.network.loss.label,
        "optimizer": repr(state.optimizer),
        "batch size": str(state.batch_size),
        "epochs": str(result.history.epochs),
        "number type": result.network.dtype.name,
        "engine": result.history.engine,
    }
    if isinstance(result.dataset, Images):
        chosen["images"] = repr(result.dataset.reader)
        chosen["augmentation"] = ", ".join(map(repr, state.augment)) or "none"
    return Section("Settings", again(chosen))


def again(chosen: dict[str, str]) -> Markup:
    """Return settings beside the versions of what computed with them.

    Parameters
    ----------
    chosen : dict of str to str
        The settings.

    Returns
    -------
    Markup
    """
    versions = {
        "pellucid": __version__,
        "NumPy": np.__version__,
        "matplotlib": version("matplotlib"),
        "Python": f"{platform.python_version()}, {sys.platform}",
    }
    content = [
        tag("p", "The same settings and versions give the same numbers again."),
        tag(
            "div",
            table("Settings", ("setting", "value"), list(chosen.items())),
            table("Versions", ("program", "version"), list(versions.items())),
            class_="columns",
        ),
    ]
    return join(content)


def use(result: Result) -> Section:
    """Return how to use the network.

    Parameters
    ----------
    result : Result
        Whose network.

    Returns
    -------
    Section
    """
    code = tag("pre", tag("code", snippet(result, PurePath())), tabindex=0)
    told = (
        "The files beside this page hold the network and all that it needs. In their "
        "folder, in Python with pellucid installed:"
    )
    files = tag(
        "dl",
        *(
            join([tag("dt", tag("code", name)), tag("dd", what)])
            for name, what in FILES
        ),
        class_="facts",
    )
    return Section("Use it", join([tag("p", told), code, files]))


FILES = (
    ("model.pellucid", "the network: its layers, its weights, and its training"),
    ("settings.json", "what columns are standardized with, and the settings"),
    ("history.csv", "loss and metrics of every epoch, for a spreadsheet"),
    ("report.html", "this page"),
)
