"""How the run of a training begins: the same way in fit and when it is replayed."""

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid.minimizers import Minimizer
from pellucid.rng import make_key
from pellucid.training.minimization import MinimizerSession

if TYPE_CHECKING:
    from pellucid.network import NeuralNetwork
    from pellucid.training.batches import ArrayBatches
    from pellucid.training.state import Training


def noise_key(network: "NeuralNetwork", training: "Training") -> int:
    """Return the key of the random numbers that layers draw.

    Parameters
    ----------
    network : NeuralNetwork
        Gives the seed.
    training : Training
        Which of its trainings it is.

    Returns
    -------
    int
    """
    return make_key(network.seed, "noise", training.run)


def decayed_mask(network: "NeuralNetwork", training: "Training") -> NDArray[np.bool_]:
    """Return where penalties and decay apply.

    Parameters
    ----------
    network : NeuralNetwork
        Whose parameters.
    training : Training
        Gives the optimizer.

    Returns
    -------
    ndarray of bool, shape (parameters,)
    """
    parameters = network.blueprint.layout.parameters
    if training.optimizer.decays:
        return parameters.mask(lambda name, slot: slot.role == "weight")
    return np.broadcast_to(np.False_, parameters.size)  # takes no memory


def start(
    runs: Any,
    network: "NeuralNetwork",
    training: "Training",
    batches: "ArrayBatches",
    total: int,
    threads: int | None,
) -> Any:
    """Return a run that changes the network's weights and the training's memory.

    Parameters
    ----------
    runs : ReadableEngine or CompiledEngine
        The engine.
    network : NeuralNetwork
        Whose weights.
    training : Training
        Rule, memory, and which training it is.
    batches : ArrayBatches
        The data.
    total : int
        Iterations of the whole training.
    threads : int or None
        How many threads the compiled engine may use.

    Returns
    -------
    ReadableSession, CompiledSession or MinimizerSession
    """
    weights, rule, memory = network.weights, training.optimizer, training.memory
    decayed, trained = decayed_mask(network, training), network.trained_mask()
    if isinstance(rule, Minimizer):
        return MinimizerSession(runs, weights, rule, memory, batches, decayed, trained)
    key = noise_key(network, training)
    return runs.start(
        weights, rule, memory, batches, key, total, decayed, trained, threads
    )
