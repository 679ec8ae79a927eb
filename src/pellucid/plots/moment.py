"""Which moment of training a picture shows, in words: every title says it."""

from typing import Any

from pellucid.network import NeuralNetwork


def updates(count: int) -> str:
    """Return how many updates were made.

    Parameters
    ----------
    count : int
        The number.

    Returns
    -------
    str

    Examples
    --------
    >>> from pellucid.plots.moment import updates
    >>> updates(0), updates(1), updates(1500)
    ('before the first update', 'after 1 update', 'after 1,500 updates')
    """
    if count == 0:
        return "before the first update"
    return f"after {count:,} update{'s' * (count != 1)}"


def moment_of_network(network: NeuralNetwork) -> str:
    """Return which weights a network has: for pictures of the network as it is.

    Parameters
    ----------
    network : NeuralNetwork
        What is drawn.

    Returns
    -------
    str
    """
    training = network.training
    if training is None:
        return "weights as they are now, no training on record"
    if training.last is not None:
        return "weights of the best epoch of the training"
    return f"weights {updates(training.step)}"


def moment_of_step(step: Any, *, updated: bool = False) -> str:
    """Return which moment of its iteration a picture of a step shows.

    Parameters
    ----------
    step : Step
        What is drawn.
    updated : bool
        Whether the picture is about the update itself.

    Returns
    -------
    str
    """
    iteration = f"iteration {step.iteration + 1:,}"
    return (
        f"{iteration}, after minus before"
        if updated
        else f"{iteration}, before its update"
    )
