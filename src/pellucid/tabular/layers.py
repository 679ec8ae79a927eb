"""The layers of a recipe: one network, members that share one, or a bag of several."""

from collections.abc import Sequence

from pellucid.encoder import Encoder
from pellucid.encoder.encoder import EMBEDDING
from pellucid.initializers import Coin, Normal
from pellucid.layer import Layer
from pellucid.layers import (
    Chain,
    Concat,
    Conv1D,
    Dense,
    Dropout,
    FeatureScale,
    Flatten,
    Rescale,
    Reshape,
    UpSample,
)
from pellucid.losses import CrossEntropy, EachMember, Loss
from pellucid.network import NeuralNetwork
from pellucid.tabular.recipes import Recipe


def layers_for(recipe: Recipe, encoder: Encoder, outputs: int) -> list[Layer | str]:
    """Return the layers of a network for an encoded table.

    Parameters
    ----------
    recipe : Recipe
        What they are to be.
    encoder : Encoder
        What makes the numbers.
    outputs : int
        Classes, or 1 for a number.

    Returns
    -------
    list of Layer
    """
    if recipe.members > 1:
        return encoder.layers(_members(recipe, encoder, outputs))
    hidden: list[Layer | str] = []
    if recipe.front_scale:
        hidden.append(FeatureScale(recipe.front_scale))
    for units in recipe.hidden:
        hidden.append(
            Dense(
                units,
                recipe.activation,
                weight_init="lecun_normal",
                bias_init=Normal(0.0, 1.0),
            )
        )
        hidden.append(Dropout(recipe.dropout))
    return encoder.layers([*hidden, Dense(outputs)])


def _members(recipe: Recipe, encoder: Encoder, outputs: int) -> list[Layer | str]:
    """Return layers that compute all members of a batch in one product each.

    A member sees the inputs with signs of its own, and has an output layer of its own;
    the hidden layers are shared. Filters of one place are dense layers over members.
    """
    members = recipe.members
    features = len(encoder.names) + EMBEDDING * len(encoder.embedded)
    made: list[Layer | str] = [
        Reshape((1, features)),
        UpSample(members),
        FeatureScale(recipe.front_scale, initializer=Coin(0.0, -2.0)),
    ]
    for units in recipe.hidden:
        made += [Conv1D(units, 1, recipe.activation), Dropout(recipe.dropout)]
    return [
        *made,
        Reshape((1, members * recipe.hidden[-1])),
        Conv1D(members * outputs, 1, groups=members),
        Flatten(),
    ]


def bag_of(networks: list[NeuralNetwork], loss: Loss) -> NeuralNetwork:
    """Return one network that predicts the mean of several with the same layers.

    Parameters
    ----------
    networks : list of NeuralNetwork
        The trained ones.
    loss : Loss
        The loss of each.

    Returns
    -------
    NeuralNetwork
        With a branch for each, and their weights.
    """
    branches = Concat([Chain(network.layers) for network in networks])
    bag = _like(networks[0], [branches], EachMember(_honest(loss), len(networks)))
    for number, network in enumerate(networks, 1):
        for windows, own in (
            (bag.parameters, network.parameters),
            (bag.state, network.state),
        ):
            for name, values in own.items():
                windows[f"concat_1.chain_{number}.{name}"][...] = values
    return bag


def tempered(network: NeuralNetwork, temperature: float) -> NeuralNetwork:
    """Return the network with its logits divided by a temperature.

    Parameters
    ----------
    network : NeuralNetwork
        A trained one whose last layer has no activation.
    temperature : float
        Above 1 probabilities get less certain.

    Returns
    -------
    NeuralNetwork
        With one more layer, and the same training behind it.
    """
    layers = [*network.layers, Rescale(1.0 / temperature, name="temperature")]
    warm = _like(network, layers, _honest(network.loss))
    warm.weights = network.weights
    warm.training = network.training
    return warm


def _like(
    network: NeuralNetwork, layers: Sequence[Layer | str], loss: Loss
) -> NeuralNetwork:
    """Return a network of other layers that takes and answers the same."""
    made = NeuralNetwork(
        layers,
        loss=loss,
        input_shape=network.blueprint.inputs,
        seed=network.seed,
        dtype=network.dtype,
    )
    made.reader = network.reader
    if network.classes is not None:
        made.classes = network.classes
    made._column = network._column  # the form of its answers
    return made


def _honest(loss: Loss) -> Loss:
    """Return the loss that says how good probabilities are: without smoothing."""
    return CrossEntropy() if isinstance(loss, CrossEntropy) else loss
