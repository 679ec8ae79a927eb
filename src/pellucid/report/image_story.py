"""What happened with a folder of images, in plain sentences."""

from collections.abc import Sequence

from pellucid.augmentations import Augmentation
from pellucid.data.image_folder import size_of
from pellucid.layers import BatchNorm, Conv2D, Dropout
from pellucid.report.result import Result
from pellucid.report.story import count, listed

_MANY = 12  # classes that are no longer named one by one
_ASPECTS = {
    "crop": "the largest rectangle of this shape in the middle is kept",
    "pad": "all of it is kept, with a border around it",
    "stretch": "it is stretched to this one",
}


def data(result: Result) -> list[str]:
    """Return how many images there are, of what, and what became of them.

    Parameters
    ----------
    result : Result
        Whose images.

    Returns
    -------
    list of str
    """
    images = result.images
    height, width, channels = images.reader.shape
    counts = images.counts
    if len(counts) <= _MANY:
        classes = ", ".join(f"{name} ({n:,})" for name, n in counts.items())
    else:
        classes = f"{min(counts.values()):,} to {max(counts.values()):,} images each"
    colours = "grey" if channels == 1 else "red, green and blue"
    return [
        f"{count(len(images), 'image')} of {len(counts)} classes: {classes}.",
        (
            f"The network sees {height} x {width} pixels in {colours}. Of an image of "
            f"another shape {_ASPECTS[images.reader.aspect]}. In memory they take "
            f"{len(images):,} x {height} x {width} x {channels} bytes, "
            f"{size_of(images.x.nbytes)}."
        ),
    ]


def division(result: Result) -> list[str]:
    """Return which images are for what.

    Parameters
    ----------
    result : Result
        Whose images.

    Returns
    -------
    list of str
    """
    return [
        (
            f"{count(len(result.test), 'image')}, the same share of every class, "
            f"{'is' if len(result.test) == 1 else 'are'} put aside for the test: the "
            "network never sees them while it learns. Of the other "
            f"{len(result.known):,} it learns from {len(result.train):,}; "
            f"{len(result.validation):,} are for validation: they show after every "
            "epoch how well it does on images that it does not learn from."
        )
    ]


def network(result: Result) -> list[str]:
    """Return what the network is.

    Parameters
    ----------
    result : Result
        Whose network.

    Returns
    -------
    list of str
    """
    layers = list(result.network.blueprint.layers.values())
    convolutions = [layer for layer in layers if isinstance(layer, Conv2D)]
    told = []
    if convolutions:
        filters = listed([f"{layer.filters}" for layer in convolutions])
        told.append(
            f"{count(len(convolutions), 'layer')} of convolution with {filters} "
            "filters: each filter looks for the same small pattern at every place of "
            "the image. In between, pooling makes the image smaller, so that later "
            "filters see patterns of patterns."
        )
    extra = []
    if any(isinstance(layer, BatchNorm) for layer in layers):
        extra.append("BatchNorm keeps the numbers between the layers at an even size")
    rates = [layer.rate for layer in layers if isinstance(layer, Dropout)]
    if rates:
        extra.append(
            f"Dropout silences {100 * rates[0]:.0f} % of the numbers, others in every "
            "step, which makes it hard to learn the images by heart"
        )
    if extra:
        told.append("; ".join(extra) + ".")
    numbers = len(result.network.parameters.vector)
    told.append(
        f"The last layer has {count(result.network.blueprint.outputs, 'output')}, one "
        "for each class; softmax makes probabilities of them. In all there are "
        f"{numbers:,} numbers to learn. Before training they are random, and so are "
        "the predictions."
    )
    return told


def augmentation(augmentations: Sequence[Augmentation]) -> str:
    """Return how training changes the images.

    Parameters
    ----------
    augmentations : sequence of Augmentation
        What changes them.

    Returns
    -------
    str
    """
    if not augmentations:
        return "Training sees the images as they are."
    return (
        "Every epoch sees other versions of the images, so that the network cannot "
        f"learn them by heart: {', '.join(map(repr, augmentations))}."
    )
