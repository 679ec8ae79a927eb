"""The summary of a network: a table of its layers, and what it is for."""

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from pellucid import tracing
from pellucid.blueprint import Inputs
from pellucid.engines import missing_for_compiled
from pellucid.layer import Layer, layer_names
from pellucid.layers.inputs import Input
from pellucid.texttable import Table

if TYPE_CHECKING:
    from pellucid.network import NeuralNetwork


def summary(network: "NeuralNetwork", batch_size: int | None = None) -> Table:
    """Return a table of the layers, see `NeuralNetwork.summary`.

    Parameters
    ----------
    network : NeuralNetwork
        Any that knows its input shape.
    batch_size : int or None
        Rows of a batch in training.

    Returns
    -------
    Table
    """
    blueprint = network.blueprint
    program = tracing.prediction(blueprint)
    shapes = tracing.output_shapes(blueprint)
    rows = []
    for path, layer in blueprint.layers.items():
        own = [
            entry
            for name, entry in blueprint.layout.parameters.entries.items()
            if name.startswith(f"{path}.")
        ]
        count = sum(math.prod(entry.shape) for entry in own)
        shown = _as_written(network, path, layer)
        rows.append((path, shown, shapes[path], count, program.work(path)[0]))
    frozen = network.trained_mask()
    size = blueprint.layout.parameters.size
    trained = size if frozen is None else int(frozen.sum())
    share = "all" if trained == size else f"{trained:,}"
    state = blueprint.layout.state.size
    parts = [
        f"{size:,} parameters, {share} trained",
        f"{state:,} numbers of running state" if state else "",
        f"{program.work()[0]:,} operations a row to predict",
    ]
    return Table(
        ("layer", "kind", "output", "parameters", "operations a row"),
        rows,
        title=f"input {input_text(blueprint.inputs)}, {network.dtype.name}; "
        f"{network.loss.label}: {task(network)}",
        footer="; ".join(filter(None, parts)) + "\n" + _memory(network, batch_size),
    )


def _memory(network: "NeuralNetwork", batch_size: int | None) -> str:
    """Return in words what training takes for intermediate results; nothing is run."""
    from pellucid.training.plan import DEFAULT_BATCH, as_batch_size

    if batch_size is None:
        training = network.training
        batch_size = training.batch_size if training else DEFAULT_BATCH
    rows = as_batch_size(batch_size, batch_size)
    head = f"training in batches of {rows:,}: "
    missing = missing_for_compiled()
    if missing:
        return f"{head}in the readable engine ({missing})"
    from pellucid.engines.compiled.assemblies import Assemblies
    from pellucid.engines.compiled.plan import UnsupportedError

    try:
        # As a training run does it, without making a kernel.
        plan, shards = Assemblies(network.blueprint, network.dtype).training_for(rows)
    except UnsupportedError as error:
        return f"{head}in the readable engine (it has {error})"
    bytes_a_shard = plan.arena(-(-rows // shards))[1]
    each = f"{shards} shards of " if shards > 1 else ""
    return f"{head}{each}{bytes_a_shard / 1000:,.1f} kB for intermediate results"


def _as_written(network: "NeuralNetwork", path: str, layer: Layer) -> str:
    """Return a layer as the user wrote it, not as it was joined to the loss."""
    layers: tuple[Layer, ...] = network.layers
    for name in path.split("."):
        layer = layers[layer_names(layers).index(name)]
        layers = layer.inner
    return repr(replace(layer, name=None)) if not layer.inner else type(layer).__name__


def task(network: "NeuralNetwork") -> str:
    """Return in words what a network is for.

    Parameters
    ----------
    network : NeuralNetwork
        Any that knows its input shape.

    Returns
    -------
    str
    """
    outputs = network.blueprint.target_shape[-1]
    if network.loss.task == "classes":
        return f"one of {outputs} classes for each sample"
    if network.loss.task == "labels":
        return (
            "yes or no for each sample"
            if outputs == 1
            else f"{outputs} labels, each yes or no, for each sample"
        )
    return f"{outputs} number{'s' if outputs > 1 else ''} for each sample"


def input_text(inputs: Inputs) -> str:
    """Return the shapes of the inputs as users write them.

    Parameters
    ----------
    inputs : Input or mapping of Input
        Of a network.

    Returns
    -------
    str
        For example ``"(n, 30)"``.
    """
    if isinstance(inputs, Input):
        return f"(n, {', '.join(map(str, inputs.shape))})"
    return ", ".join(f"{name} {input_text(given)}" for name, given in inputs.items())
