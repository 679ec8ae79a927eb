"""One network of several, as it predicts: what a page can draw and work out."""

from typing import Any

from pellucid.layer import Layer
from pellucid.layers import Chain, Dropout, Rescale
from pellucid.losses import CrossEntropy, EachMember, Loss
from pellucid.network import NeuralNetwork
from pellucid.tabular import TrainedTable

TEMPERATURE = "temperature"


def member(trained: TrainedTable) -> NeuralNetwork:
    """Return the network, or the first one of a bag, without what only training needs.

    Parameters
    ----------
    trained : TrainedTable
        From `pellucid.tabular.train`.

    Returns
    -------
    NeuralNetwork
        Without dropout, so that its steps are those of a prediction.
    """
    whole = trained.network
    layers, before, loss = list(whole.layers), "", whole.loss
    if len(trained.histories) > 1:
        bag, *rest = layers
        (first, *_) = bag.inner
        assert isinstance(first, Chain)
        assert isinstance(loss, EachMember)
        layers, before, loss = [*first.layers, *rest], "concat_1.chain_1.", loss.of
    plain = [layer for layer in layers if not isinstance(layer, Dropout)]
    return copied(whole, plain, loss, before)


def without_temperature(trained: TrainedTable) -> NeuralNetwork:
    """Return the network with the probabilities it had before they were made honest.

    Parameters
    ----------
    trained : TrainedTable
        From `pellucid.tabular.train`.

    Returns
    -------
    NeuralNetwork
    """
    whole = trained.network
    last = whole.layers[-1]
    if not isinstance(last, Rescale) or last.name != TEMPERATURE:
        return whole
    return copied(whole, whole.layers[:-1], whole.loss)


def copied(
    whole: NeuralNetwork, layers: Any, loss: Loss, before: str = ""
) -> NeuralNetwork:
    """Return a network of some of the layers, with their weights.

    Parameters
    ----------
    whole : NeuralNetwork
        Has the weights.
    layers : sequence of Layer
        Those to keep.
    loss : Loss
        Of the new network.
    before : str
        What the names of their weights begin with in the whole.

    Returns
    -------
    NeuralNetwork
    """
    kept: list[Layer] = list(layers)
    network = NeuralNetwork(
        kept,
        loss=CrossEntropy() if isinstance(loss, CrossEntropy) else loss,
        input_shape=whole.blueprint.inputs,
        seed=whole.seed,
        dtype=whole.dtype,
    )
    for windows, own in (
        (network.parameters, whole.parameters),
        (network.state, whole.state),
    ):
        for name, values in windows.items():
            values[...] = own[before + name]
    network.reader = whole.reader
    if whole.classes is not None:
        network.classes = whole.classes.tolist()
    return network
