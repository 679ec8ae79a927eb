"""The page about a folder of images."""

import numpy as np

from pellucid.augmentations import augment
from pellucid.data.image_folder import listed
from pellucid.report import image_story, sections, story
from pellucid.report.gallery import answers, first_of_each, image, strip
from pellucid.report.markup import Markup, figure, join, table, tag
from pellucid.report.pictures import Pictures
from pellucid.report.result import Result
from pellucid.report.scores import scores, worst
from pellucid.report.sections import Section, paragraphs
from pellucid.report.tables import cards, confusion, course
from pellucid.texttable import show

_CLASSES = 10  # classes of which examples are shown
_EXAMPLES = 7  # of each
_VERSIONS = 6  # of an augmented image
_ANSWERS = 12  # images of the test, and as many mistakes
_CONFUSED = 60  # classes for which the table of mistakes is still of use
_LISTED = 200  # files left out that are named


def image_page(result: Result, pictures: Pictures) -> tuple[str, Markup, list[Section]]:
    """Return what a page about images says.

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
        result.dataset.description,
        head,
        [
            _data(result),
            _network(result),
            sections.training(result, pictures, course(result)),
            _test(result),
            _mistakes(result),
            sections.settings(result),
            _use(),
        ],
    )


def _data(result: Result) -> Section:
    images = result.images
    shown = [
        tag("div", tag("h3", name), strip(_examples(result, index)), class_="class")
        for index, name in enumerate(images.classes[:_CLASSES])
    ]
    more = len(images.classes) - len(shown)
    caption = "Some images that the network learns from, as it sees them."
    if more:
        caption += f" There are {story.count(more, 'class', 'classes')} more."
    content = [
        paragraphs(image_story.data(result)),
        figure(tag("div", *shown, class_="classes"), caption),
        tag("h3", "Who sees which images"),
        paragraphs(image_story.division(result)),
        sections.division(result),
        _counts(result),
        _left_out(result),
    ]
    return Section("The data", join(content))


def _examples(result: Result, index: int) -> list[Markup]:
    train = result.images.train
    places = np.flatnonzero(train.y == index)[:_EXAMPLES]
    return [
        image(train.x[place], f"{train.classes[index]}: {train.files[place]}")
        for place in places.tolist()
    ]


def _counts(result: Result) -> Markup:
    images = result.images
    parts = [images.counts, *(p.counts for p in (images.train, images.validation))]
    parts.append(images.test.counts)
    rows = [
        (name, *(f"{counts[name]:,}" for counts in parts)) for name in images.classes
    ]
    found = table(
        "Images of every class",
        ("class", "all", "learning", "validation", "test"),
        rows,
        numbers=range(1, 5),
    )
    title = f"The numbers of {story.count(len(rows), 'class', 'classes')}"
    return tag("details", tag("summary", title), found)


def _left_out(result: Result) -> Markup | None:
    images = result.images
    told: list[Markup] = []
    for title, header, rows in (
        (f"Not read: {listed(images.skipped)}", ("file", "why"), images.skipped),
        (
            (
                f"Copies: {story.count(len(images.copies), 'file')} with the bytes of "
                "another one"
            ),
            ("file", "the same as"),
            images.copies,
        ),
    ):
        if rows:
            found = table(title.partition(":")[0], header, rows[:_LISTED])
            more = len(rows) - _LISTED
            rest = tag("p", f"And {more:,} more.", class_="note") if more > 0 else None
            told.append(tag("details", tag("summary", title), found, rest))
    return join(told) if told else None


def _network(result: Result) -> Section:
    summary = result.network.summary()
    layers = table(
        "The layers",
        ("layer", "kind", "output", "parameters", "operations an image"),
        [tuple(map(show, row)) for row in summary],
        numbers=(3, 4),
        class_="layers",
    )
    told = summary.footer.replace("operations a row", "operations an image")
    footer = tag("p", f"{told}.", class_="note")
    content = [paragraphs(image_story.network(result)), layers, footer]
    versions = _versions(result)
    if versions is not None:
        content += [tag("h3", "What training sees"), versions]
    return Section("The network", join(content))


def _versions(result: Result) -> Markup | None:
    """Return images as some epochs of the training see them."""
    state = result.network.training
    if state is None or not state.augment:
        return None
    train = result.images.train
    rows = np.array(first_of_each(train.y, len(train.classes), 4))
    x = train.x[rows].astype(np.float32)
    columns = [train.x[rows]]
    for epoch in range(_VERSIONS):
        changed = x.copy()
        augment(changed, state.augment, 1, epoch, rows)
        columns.append(np.clip(np.rint(changed), 0, 255).astype(np.uint8))
    strips = []
    for place, row in enumerate(rows.tolist()):
        name = train.classes[train.y[row]]
        words = [f"{name} as it is", *[f"{name}, changed"] * _VERSIONS]
        strips.append(
            strip(image(c[place], w) for c, w in zip(columns, words, strict=True))
        )
    told = (
        "First an image as it is, then as one epoch or another sees it. "
        + image_story.augmentation(state.augment)
    )
    return figure(tag("div", *strips, class_="classes"), told)


def _test(result: Result) -> Section:
    content: list[Markup] = []
    if len(result.classes) <= _CONFUSED:
        content += [
            tag(
                "p",
                "Rows are the true classes, columns what the network said. What stands "
                "on the diagonal is right.",
            ),
            confusion(result),
        ]
    places = first_of_each(result.y, len(result.classes), _ANSWERS)
    content += [
        tag("p", story.mistakes(result)),
        tag("h3", "What it says about some images of the test"),
        answers(result, places),
    ]
    return Section("The test", join(content))


def _mistakes(result: Result) -> Section:
    wrong = len(result.y) - result.right
    places = worst(result, _ANSWERS)[: wrong or 6].tolist()
    if not wrong:
        told = (
            "Nowhere: every image of the test was right. These are the ones where it "
            "was least certain."
        )
    elif wrong <= _ANSWERS:
        told = f"All mistakes of the test, the worst first. {_WHY}"
    else:
        told = f"The {_ANSWERS} worst of {wrong:,} mistakes. {_WHY}"
    return Section(
        "Where it was wrong", join([tag("p", told), answers(result, places)])
    )


_WHY = (
    "It is worth looking at these images: are they unusual, cut off, or in the wrong "
    "folder? The percentages are the probabilities of the class that the network named "
    "and of the true one."
)


def _use() -> Section:
    files = tag(
        "dl",
        *(
            join([tag("dt", tag("code", name)), tag("dd", what)])
            for name, what in IMAGE_FILES
        ),
        class_="facts",
    )
    content = [
        tag("p", "In the folder of this page, with pellucid installed:"),
        _code("pellucid predict model.pellucid photo.jpg"),
        tag("p", "The same in Python:"),
        _code(
            "import pellucid\n\n"
            'network = pellucid.load("model.pellucid")\n'
            'image = network.reader.read("photo.jpg")\n'
            "print(network.predict(image), network.predict_proba(image))\n"
        ),
        files,
    ]
    return Section("Use it", join(content))


def _code(text: str) -> Markup:
    return tag("pre", tag("code", text), tabindex=0)


IMAGE_FILES = (
    ("model.pellucid", "the network, and how files become what it takes"),
    ("settings.json", "which file was for what, and the settings"),
    ("history.csv", "loss and metrics of every epoch, for a spreadsheet"),
    ("report.html", "this page"),
)
