"""What happened, in plain sentences: the terminal and the page tell the same story.

The sentences are ASCII, so that any terminal can show them; names of data are what they
are.
"""

import re

import numpy as np

from pellucid.layers import BatchNorm, Dense, Dropout
from pellucid.losses import Loss
from pellucid.minimizers import Minimizer
from pellucid.optimizers import Optimizer
from pellucid.report.result import Result
from pellucid.report.scores import Score, accuracy_interval, number, percent, worst
from pellucid.report.table_run import TableRun

_LOSSES = {
    "cross_entropy": "cross-entropy: minus the logarithm of the probability that the "
    "true class was given",
    "mean_squared_error": "the mean squared error",
    "sum_of_squares": "the sum of the squared errors",
}
_SOME = 3  # epochs after the best one that tell of overfitting
_WORDS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def count(n: int, what: str, many: str = "") -> str:
    """Return a number with its noun: "1 row", "2 rows".

    Parameters
    ----------
    n : int
        How many.
    what : str
        One of them.
    many : str
        Several of them, where an s is not enough.

    Returns
    -------
    str
    """
    return f"{n:,} {what if n == 1 else many or what + 's'}"


def description(result: Result) -> list[str]:
    """Return what the data are about, their first sentence apart from the others.

    Parameters
    ----------
    result : Result
        Whose data.

    Returns
    -------
    list of str
        One or two texts.
    """
    return re.split(r"(?<=[.?]) ", result.dataset.description, maxsplit=1)


def data(result: Result) -> list[str]:
    """Return how many rows and columns there are, and what is to be predicted.

    Parameters
    ----------
    result : Result
        Whose data.

    Returns
    -------
    list of str
    """
    dataset = result.table
    names = dataset.features
    shown = ", ".join(names[:4])
    more = f" and {len(names) - 4} more" if len(names) > 4 else ""
    rows = count(len(dataset), "row")
    columns = count(len(names), "column")
    told = [f"{rows} with {columns}: {shown}{more}."]
    if dataset.classes:
        classes = ", ".join(f"{name} ({n:,})" for name, n in dataset.counts.items())
        told.append(
            f"To predict: {dataset.target}, one of {len(dataset.classes)} classes: "
            f"{classes}."
        )
    else:
        low, high = number(dataset.y.min()), number(dataset.y.max())
        told.append(f"To predict: {dataset.target}, a number from {low} to {high}.")
    return told


def division(result: Result) -> list[str]:
    """Return which rows are for what, and how they are prepared.

    Parameters
    ----------
    result : Result
        Whose data.

    Returns
    -------
    list of str
    """
    if not len(result.test):
        return ["There are so few rows that all of them are for learning."]
    alike = ", with the same share of every class," if result.classes else ""
    rows = (
        f"A quarter of the rows{alike} is put aside for the test: the network never "
        f"sees these {len(result.test):,} while it learns. Of the other "
        f"{len(result.known):,} it learns from {len(result.train):,}; "
        f"{len(result.validation):,} are for validation: they show after every epoch "
        "how well it does on rows that it does not learn from."
    )
    told = [rows]
    if result.inputs is not None:
        what = "Every column is" if result.targets is None else "All columns are"
        also = "" if result.targets is None else ", and so is the target"
        told.append(
            f"{what} brought to mean 0 and standard deviation 1{also}, so that no unit "
            "counts more than another; mean and deviation are those of the rows for "
            "learning and validation."
        )
    return told


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
    layers, outputs = result.network.layers, result.network.blueprint.outputs
    hidden = [layer for layer in layers[:-1] if isinstance(layer, Dense)]
    units = [f"{layer.units} neurons" for layer in hidden]
    size = (
        f"{units[0]} each" if len(set(units)) == 1 < len(units) else " and ".join(units)
    )
    some = f"{_word(len(hidden))} hidden layer" + "s" * (len(hidden) != 1)
    kinds = {getattr(layer.activation, "label", "no activation") for layer in hidden}
    neurons = (
        f"{some.capitalize()} of {size} ({', '.join(sorted(kinds))}): every "
        "neuron weighs all numbers of the layer before it, adds them up, and its "
        "activation bends the sum."
    )
    told = [neurons]
    extra = []
    if any(isinstance(layer, BatchNorm) for layer in layers):
        extra.append("BatchNorm keeps the numbers between the layers at an even size")
    rates = [layer.rate for layer in layers if isinstance(layer, Dropout)]
    if rates:
        extra.append(
            f"Dropout silences {rates[0]:.0%} of the neurons, others in every step, "
            "which makes it hard to learn the rows by heart".replace("%", " %")
        )
    if extra:
        told.append("; ".join(extra) + ".")
    if result.classes:
        told.append(
            f"The last layer has {count(outputs, 'output')}, one for each class; "
            "softmax makes probabilities of them."
        )
    else:
        told.append("The last layer has one output, the prediction.")
    numbers = len(result.network.parameters.vector)
    told.append(
        f"In all there are {numbers:,} numbers to learn. Before training they are "
        "random, and so are the predictions."
    )
    return told


def plan(
    learned: int,
    batch: int,
    loss: Loss,
    optimizer: Optimizer | Minimizer,
    *,
    validated: bool,
    noun: str = "row",
) -> str:
    """Return what will happen in the training.

    Parameters
    ----------
    learned : int
        Rows that are learned from.
    batch : int
        Rows of a batch.
    loss : Loss
        What is made small.
    optimizer : Optimizer or Minimizer
        The rule that changes the weights.
    validated : bool
        Whether rows are held out for validation.
    noun : str
        What a row is called.

    Returns
    -------
    str
    """
    if batch < learned:
        rows = (
            f"Every epoch passes once over the {learned:,} {noun}s, {batch} at a time. "
        )
    else:
        rows = f"Every iteration takes all {learned:,} {noun}s. "
    meaning = _LOSSES.get(loss.label, loss.label.replace("_", " "))
    rule = type(optimizer).__name__
    rule = rule if rule == "Adam" else re.sub(r"(?<=[a-z])(?=[A-Z])", " ", rule).lower()
    kept = " The epoch with the lowest validation loss is kept." if validated else ""
    return (
        f"{rows}Feedforward makes predictions, the loss ({meaning}) says how wrong "
        "they are, backpropagation finds how every weight moved the loss, and "
        f"{rule} takes a small step downhill.{kept}"
    )


def training(result: Result) -> list[str]:
    """Return how the training went.

    Parameters
    ----------
    result : Result
        Whose training.

    Returns
    -------
    list of str
    """
    history = result.history
    told = []
    if history.interrupted:
        told.append("Ctrl-C ended the training; what it had learned so far is kept.")
    if not history.epochs:
        return [*told, "Not one epoch was complete."]
    steps = count(len(history.iterations), "iteration")
    best = history.best_epoch
    if best is None:
        first, last = number(history.loss[0]), number(history.loss[-1])
        return [*told, f"{steps}: the loss fell from {first} to {last}."]
    low = history.validation[best - 1]
    told.append(
        f"{count(history.epochs, 'epoch')}, {steps}. The validation loss was lowest "
        f"after epoch {best}, {number(low)}: the network has the weights of that epoch."
    )
    # An epoch or two may be worse by chance.
    rose = history.epochs >= best + _SOME and history.validation[-1] > 1.1 * low
    if rose and history.loss[-1] < history.loss[best - 1]:
        told.append(
            f"Afterwards the loss of the training {result.noun}s went on falling, but "
            f"that of the validation {result.noun}s rose to "
            f"{number(history.validation[-1])}: the network began to learn its "
            f"{result.noun}s by heart. That is overfitting."
        )
    return told


def verdict(result: Result, found: list[Score]) -> list[str]:
    """Return how the test went.

    Parameters
    ----------
    result : Result
        What is judged.
    found : list of Score
        Its scores.

    Returns
    -------
    list of str
    """
    n, first = len(result.y), found[0]
    asked = f"Shown {count(n, result.noun)} that it had never seen"
    if not result.classes:
        target = result.dataset.target
        told = (
            f"{asked}, the network was off by {found[1].text} on average. Always "
            f"saying the mean {target} of the rows for learning would be off by "
            f"{found[1].baseline_text}."
        )
        return [told]
    low, high = accuracy_interval(result.right, n)
    known = np.bincount(result.dataset.y[result.known])
    usual = result.classes[int(known.argmax())]
    told = (
        f"{asked}, the network got {result.right:,} right: {first.text}. Always "
        f'answering "{usual}" would get {round(first.baseline * n):,} right: '
        f"{first.baseline_text}."
    )
    chance = (
        f"Chance plays a part in so few {result.noun}s: accuracies from {percent(low)} "
        f"to {percent(high)} fit this result (95 % interval)."
    )
    return [told, chance]


def mistakes(result: Result | TableRun) -> str:
    """Return which classes are confused most.

    Parameters
    ----------
    result : Result or TableRun
        With classes.

    Returns
    -------
    str
    """
    wrong = result.confusion - np.diag(np.diag(result.confusion))
    if not wrong.any():
        return f"Every {result.noun} of the test was right."
    if wrong.max() == 1 < wrong.sum():
        some = count(int(wrong.sum()), result.noun)
        return f"{some} were wrong, each in another way."
    truth, guess = np.unravel_index(wrong.argmax(), wrong.shape)
    taken = "was taken" if wrong.max() == 1 else "were taken"
    which = "only" if wrong.sum() == 1 else "most frequent"
    return (
        f"The {which} mistake: {count(int(wrong.max()), result.noun)} of "
        f'"{result.classes[truth]}" {taken} for "{result.classes[guess]}".'
    )


def farthest(result: Result) -> str:
    """Return what the largest error is.

    Parameters
    ----------
    result : Result
        With numbers.

    Returns
    -------
    str
    """
    place = worst(result, 1)[0]
    return (
        f"The largest error: {number(result.y_hat[place])} where the truth is "
        f"{number(result.y[place])}."
    )


def learned(result: Result) -> str:
    """Return what the tutorials' network has learned.

    Parameters
    ----------
    result : Result
        Of the truth table.

    Returns
    -------
    str
    """
    values = [f"{value:.3f}" for value in result.y_hat]
    targets = [f"{value:g}" for value in result.y]
    return (
        "A network of five neurons learns to tell whether exactly one of two inputs is "
        f"1. After {count(len(result.history.iterations), 'iteration')} its outputs "
        f"are {listed(values)}, where they should be {listed(targets)}."
    )


def milestones(total: int) -> list[int]:
    """Return which epochs are told of: 1, 2, 5, 10, 20, 50, and so on, and the last.

    Parameters
    ----------
    total : int
        How many there are.

    Returns
    -------
    list of int

    Examples
    --------
    >>> from pellucid.report.story import milestones
    >>> milestones(200)
    [1, 2, 5, 10, 20, 50, 100, 200]
    """
    told = (step * 10**power for power in range(len(str(total))) for step in (1, 2, 5))
    return [epoch for epoch in told if epoch < total] + [total] * (total > 0)


def losses_shown(total: int) -> list[int]:
    """Return before which updates of the truth table's training the loss is told.

    Parameters
    ----------
    total : int
        How many updates there are.

    Returns
    -------
    list of int
    """
    told = (1, 2, 10, 100, 500, 1000, 1500)
    return [update for update in told if update < total] + [total] * (total > 0)


def listed(values: list[str]) -> str:
    """Return texts in a row: "a, b and c".

    Parameters
    ----------
    values : list of str
        At least one.

    Returns
    -------
    str
    """
    return " and ".join(filter(None, [", ".join(values[:-1]), values[-1]]))


def _word(n: int) -> str:
    return _WORDS[n] if n < len(_WORDS) else str(n)
