"""The page about the tutorials' network, which learns a truth table."""

from pellucid import plots
from pellucid.network import NeuralNetwork
from pellucid.report import sections, story, worked
from pellucid.report.markup import Markup, figure, join, table, tag
from pellucid.report.pictures import Pictures
from pellucid.report.result import Result
from pellucid.report.sections import Section

_ROW = 2  # the row that is worked through: 1, 0, 1


def truth_table(
    result: Result, pictures: Pictures
) -> tuple[str, Markup, list[Section]]:
    """Return what the page about the truth table says.

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
    head = join([tag("p", story.learned(result), class_="lead")])
    return (
        "A network learns the exclusive or",
        head,
        [
            _data(result),
            sections.network(result, pictures, 16),
            sections.training(result, pictures, _course(result)),
            _outputs(result, pictures),
            _worked(result, pictures),
            sections.settings(result),
            sections.use(result),
        ],
    )


def outputs(result: Result) -> tuple[list[float], list[float]]:
    """Return the network's outputs for all rows, before and after training.

    Parameters
    ----------
    result : Result
        Whose network.

    Returns
    -------
    before, after : list of float
    """
    network: NeuralNetwork = result.network.copy()
    network.weights = result.first_weights
    before = network.feedforward(result.x).ravel()
    return before.tolist(), result.network.feedforward(result.x).ravel().tolist()


def _data(result: Result) -> Section:
    dataset = result.table
    rows = [
        (str(row), *(f"{value:g}" for value in (*x, *y)))
        for row, (x, y) in enumerate(zip(dataset.x, dataset.y, strict=True))
    ]
    found = table(
        "All the data there are",
        ("row", *dataset.features, f"target: {dataset.target}"),
        rows,
        numbers=range(5),
    )
    told = (
        "The target is 1 where exactly one of the first two inputs is 1. No straight "
        "line separates these cases from the others, so a single neuron cannot learn "
        "them: it takes a hidden layer. The third input is always 1 and does the work "
        "of a bias."
    )
    return Section("The data", join([tag("p", told), found]))


def _course(result: Result) -> Markup:
    losses = result.history.iterations
    rows = [(f"{i:,}", f"{losses[i - 1]:.6g}") for i in story.losses_shown(len(losses))]
    return table(
        "The loss before an update",
        ("update", "loss"),
        rows,
        numbers=(0, 1),
    )


def _outputs(result: Result, pictures: Pictures) -> Section:
    before, after = outputs(result)
    rows = [
        (
            " ".join(f"{value:g}" for value in x),
            f"{y:g}",
            f"{first:.8f}",
            f"{last:.8f}",
        )
        for x, y, first, last in zip(result.x, result.y, before, after, strict=True)
    ]
    found = table(
        "Outputs of the network",
        ("inputs", "target", "before training", "after training"),
        rows,
        numbers=(1, 2, 3),
    )
    told = (
        "They come close to the targets without reaching them: the sigmoid approaches "
        "0 and 1 and never gets there."
    )
    seen = figure(
        pictures.of_predictions(result), "Target and prediction of the four rows."
    )
    return Section("The outputs", join([tag("p", told), found, seen]))


def _worked(result: Result, pictures: Pictures) -> Section:
    x = ", ".join(f"{value:g}" for value in result.dataset.x[_ROW])
    curve = figure(
        pictures.draw(
            lambda ax: plots.activation("sigmoid", ax),
            "The sigmoid rises from 0 to 1; its slope is largest at 0.",
        ),
        "The sigmoid bends any number into one between 0 and 1.",
    )
    told = (
        f"This is all the network does with the inputs {x}, after training. Numbers "
        "are rounded to four digits."
    )
    content = [
        tag("p", told),
        worked.sigmoid(),
        curve,
        worked.feedforward(result, _ROW),
    ]
    return Section("Feedforward by hand", join(content))
