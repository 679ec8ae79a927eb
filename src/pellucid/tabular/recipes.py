"""How to learn from a table, by how many rows it has and what is to be predicted."""

import math
from dataclasses import dataclass
from typing import Any

from pellucid.errors import ConfigurationError, suggestion

PRESETS = ("tabular",)
FEW = 500  # training rows below which networks are trained in folds
FOLDS = 5
STEPS = 12_000  # updates that a training has in all, about
BATCHES = ((1_024, 64), (8_192, 128), (math.inf, 256))  # rows, batch size


@dataclass(frozen=True)
class Recipe:
    """The settings of one training on a table.

    Parameters
    ----------
    hidden : tuple of int
        Neurons of each hidden layer.
    activation : str
        Behind each hidden layer.
    learning_rate : float
        The largest one; with `waves` it rises and falls, else it stays.
    waves : int
        Cycles of `LogCosine`; 0 for a constant rate.
    beta2 : float
        Of Adam.
    decay : float
        Decoupled weight decay, as a share of the learning rate.
    dropout : float
        Behind each hidden layer.
    smoothing : float
        Label smoothing, for classes.
    batch_size, epochs : int
        Rows of a batch, and passes over the data.
    patience : int or None
        Epochs without a better validation loss before the end; None: all epochs.
    front_scale : float
        How much faster than weights the factors of the inputs move; 0 for none.
    folds : int
        Into how many parts the rows are cut for a bag of as many networks; 0 for one
        network and a fifth of the rows held out.
    members : int
        Predictions of one network that are averaged; 1 for a usual network.
    scaling : str
        How numbers are scaled, see `Encoder.fit`.
    """

    hidden: tuple[int, ...]
    activation: str
    learning_rate: float
    waves: int
    beta2: float
    decay: float
    dropout: float
    smoothing: float
    batch_size: int
    epochs: int
    patience: int | None
    front_scale: float
    folds: int
    members: int
    scaling: str


def recipe_for(
    rows: int, task: str, *, preset: str = "tabular", ensemble: int | None = None
) -> Recipe:
    """Return the recipe for a table.

    The single network follows RealMLP-TD-S (Holzmüller, Grinsztajn and Steinwart,
    NeurIPS 2024), with dropout, decay, and batches that get smaller with the table; an
    ensemble follows TabM-mini (Gorishniy, Kotelnikov and Babenko, ICLR 2025).

    Parameters
    ----------
    rows : int
        Rows to train on.
    task : str
        ``"classes"`` or ``"numbers"``.
    preset : str
        ``"tabular"``.
    ensemble : int, optional
        How many members share one network; no ensemble by default.

    Returns
    -------
    Recipe

    Raises
    ------
    ConfigurationError
        If there is no such preset, or `ensemble` is no number of members.

    Examples
    --------
    >>> from pellucid.tabular import recipe_for
    >>> recipe = recipe_for(rows=3000, task="numbers")
    >>> recipe.hidden, recipe.batch_size, recipe.epochs
    ((256, 256, 256), 128, 256)
    """
    if preset not in PRESETS:
        raise ConfigurationError(
            f"There is no preset {preset!r}. {suggestion(preset, PRESETS)}"
        )
    if task not in ("classes", "numbers"):
        raise ConfigurationError(f"Expected 'classes' or 'numbers', got {task!r}.")
    batch = next(size for most, size in BATCHES if rows <= most)
    epochs = int(min(max(STEPS / math.ceil(max(rows, 1) / batch), 20), 256))
    if ensemble is not None:
        return _ensemble(ensemble, batch, epochs)
    few = 2 * FOLDS <= rows < FEW
    width = 128 if rows < FEW else 256
    classes = task == "classes"
    # The recipe's rates are for weights that are divided by the root of their number.
    root = math.sqrt(width)
    return Recipe(
        hidden=(width,) * 3,
        activation="selu" if classes else "mish",
        learning_rate=(0.04 if classes else 0.07) / root,
        waves=4,
        beta2=0.95,
        decay=0.02 * root,
        dropout=0.15,
        smoothing=0.1 if classes else 0.0,
        batch_size=batch,
        epochs=epochs,
        patience=None,
        front_scale=6.0 * root,
        folds=FOLDS if few else 0,
        members=1,
        scaling="adaptive",
    )


def _ensemble(members: Any, batch: int, epochs: int) -> Recipe:
    whole = isinstance(members, int) and not isinstance(members, bool)
    if not whole or not 2 <= members <= 256:
        raise ConfigurationError(
            f"Expected ensemble as a number of members from 2 to 256, got {members!r}."
        )
    return Recipe(
        hidden=(256,) * 3,
        activation="relu",
        learning_rate=0.002,
        waves=0,
        beta2=0.999,
        decay=3e-4,
        dropout=0.1,
        smoothing=0.0,
        batch_size=batch,
        epochs=epochs,
        patience=16,
        front_scale=1.0,
        folds=0,
        members=members,
        scaling="adaptive",
    )
