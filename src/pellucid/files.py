"""Model files: one safetensors container with a closed schema, written all or nothing.

The container is readable by any safetensors reader: one flat tensor ``weights`` and, in
a checkpoint, the optimizer's vectors. Its document has layers, loss, inputs, classes
and training. A file names parts by their registered names; nothing in it is run or
imported.
"""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid import container
from pellucid._version import __version__
from pellucid.augmentations import Augmentation
from pellucid.blueprint import Blueprint, Inputs, build
from pellucid.container import must_have, plain, told, unplain
from pellucid.encoder import Encoder  # noqa: F401 - registers the readers of tables
from pellucid.errors import ModelFileError
from pellucid.layer import Layer
from pellucid.layers.inputs import Input
from pellucid.losses import Loss
from pellucid.minimizers import Minimizer
from pellucid.network import NeuralNetwork
from pellucid.optimizers import Optimizer
from pellucid.readers import Reader

if TYPE_CHECKING:
    from pellucid.training.history import History
    from pellucid.training.state import Training

FORMAT, SCHEMA = "pellucid", 1
# What a history has: a number for each epoch or iteration, and what stands in words.
_COURSES = (
    *("loss", "validation", "penalty", "learning_rate", "gradient_norm"),
    *("seconds", "iterations"),
)
_ABOUT = ("best_epoch", "interrupted", "stopped", "engine")


# -- writing ---------------------------------------------------------------------------


def save(network: NeuralNetwork, path: str | Path, *, checkpoint: bool = False) -> None:
    """Write a network to a file; see `NeuralNetwork.save`.

    Parameters
    ----------
    network : NeuralNetwork
        What to write.
    path : str or Path
        Where.
    checkpoint : bool
        Whether to write everything that continues the training.

    Raises
    ------
    ModelFileError
        If the file cannot be written; an old one is then unchanged.
    """
    path = Path(path)
    container.write_whole({path: content_of(network, path, checkpoint=checkpoint)})


def content_of(
    network: NeuralNetwork, path: Path, *, checkpoint: bool = False
) -> bytes:
    """Return the content of a network's file.

    Parameters
    ----------
    network : NeuralNetwork
        What to write.
    path : Path
        Where it will be written; named in messages.
    checkpoint : bool
        Whether to write everything that continues the training.

    Returns
    -------
    bytes

    Raises
    ------
    ModelFileError
        If a setting of the network is such that no file can hold it.
    """
    vectors = {"weights": np.ascontiguousarray(network.weights)}
    training = network.training
    checkpoint = checkpoint and training is not None and training.resumable
    if training is not None:
        vectors |= history_vectors(training.history)
        vectors |= _training_vectors(training) if checkpoint else {}
    document = document_of(network, checkpoint)
    return container.packed(path, FORMAT, SCHEMA, document, vectors)


def history_vectors(history: "History") -> dict[str, NDArray[Any]]:
    """Return the numbers of a history that are there, by their names in a file.

    A document would hold them too, but is limited, and there are many iterations.

    Parameters
    ----------
    history : History
        Of a training.

    Returns
    -------
    dict of str to ndarray, shape (epochs,) or (iterations,)
    """
    numbers = {name: getattr(history, name) for name in _COURSES}
    numbers |= {f"metrics.{name}": v for name, v in history.metrics.items()}
    return {f"history.{name}": np.array(v, float) for name, v in numbers.items() if v}


def _training_vectors(training: "Training") -> dict[str, NDArray[Any]]:
    vectors = {f"memory.{name}": v for name, v in training.memory.items()}
    for moment in ("best", "last"):
        snapshot = getattr(training, moment)
        if snapshot is not None:
            vectors[f"{moment}.weights"] = snapshot.weights
            for name, v in snapshot.memory.items():
                vectors[f"{moment}.memory.{name}"] = v
    return {name: np.ascontiguousarray(v) for name, v in vectors.items()}


def document_of(network: NeuralNetwork, checkpoint: bool) -> dict[str, Any]:
    """Return everything about a network but its numbers, in plain values.

    Parameters
    ----------
    network : NeuralNetwork
        What to describe.
    checkpoint : bool
        Whether the numbers that continue its training will be there too.

    Returns
    -------
    dict
    """
    blueprint = network.blueprint
    entries = blueprint.layout.entries.items()
    return {
        "pellucid": __version__,
        "dtype": network.dtype.name,
        "seed": network.seed,
        "layers": [layer.config() for layer in network.layers],
        "loss": network.loss.config(),
        "inputs": _inputs_to_json(blueprint.inputs),
        "numbers": [
            [name, list(entry.shape), entry.slot.role] for name, entry in entries
        ],
        "classes": None if network.classes is None else network.classes.tolist(),
        "column": network._column,
        "names": network._names,
        "frozen": list(network._frozen),
        "reader": None if network.reader is None else network.reader.config(),
        "training": _training_to_json(network.training, checkpoint),
    }


def _inputs_to_json(inputs: Inputs) -> Any:
    if isinstance(inputs, Input):
        return {"shape": list(inputs.shape), "kind": inputs.kind}
    return {"named": {name: _inputs_to_json(given) for name, given in inputs.items()}}


def _training_to_json(training: "Training | None", checkpoint: bool) -> Any:
    if training is None:
        return None
    return {
        "checkpoint": checkpoint,
        "optimizer": training.optimizer.config(),
        "run": training.run,
        "batch_size": training.batch_size,
        "rows": training.rows,
        "shuffle": training.shuffle,
        "augment": [each.config() for each in training.augment],
        "engine": training.engine,
        "step": training.step,
        "total": training.total,
        "origin": training.origin,
        "sums": asdict(training.sums),
        "best_loss": plain(training.best_loss),
        "waited": training.waited,
        "history": {
            "metrics": list(training.history.metrics),
            **{name: getattr(training.history, name) for name in _ABOUT},
        },
    }


# -- reading ---------------------------------------------------------------------------


def load(path: str | Path) -> NeuralNetwork:
    """Return the network that a file holds.

    Parameters
    ----------
    path : str or Path
        A file that `NeuralNetwork.save` wrote.

    Returns
    -------
    NeuralNetwork

    Raises
    ------
    ModelFileError
        If the file is missing, damaged, too new, or not one of pellucid's. Nothing in a
        file is run.
    """
    try:
        document, vectors = container.read(Path(path), FORMAT, SCHEMA)
        return network_of(document, vectors)
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {told(error)}") from error.__cause__
    except Exception as error:  # a made-up file has many ways to be wrong
        raise ModelFileError(f"{path} describes no network: {told(error)}") from error


_DOCUMENT = {
    "pellucid": str,
    "dtype": str,
    "seed": int,
    "layers": list,
    "loss": dict,
    "inputs": dict,
    "numbers": list,
    "classes": (list, type(None)),
    "column": (bool, type(None)),
    "names": (list, type(None)),
    "frozen": list,
    "reader": (dict, type(None)),
    "training": (dict, type(None)),
}
_TRAINING = {
    "checkpoint": bool,
    "optimizer": dict,
    "run": int,
    "batch_size": int,
    "rows": int,
    "shuffle": bool,
    "augment": list,
    "engine": str,
    "step": int,
    "total": int,
    "origin": int,
    "sums": dict,
    "best_loss": float,
    "waited": int,
    "history": dict,
}


def _inputs_from_json(value: Any) -> Inputs:
    if set(value) == {"named"} and isinstance(value["named"], dict):
        found = {n: _inputs_from_json(v) for n, v in value["named"].items()}
        return {n: v for n, v in found.items() if isinstance(v, Input)}
    must_have(value, {"shape": list, "kind": str}, "an input")
    return Input(tuple(value["shape"]), value["kind"])


def network_of(
    document: dict[str, Any], vectors: dict[str, NDArray[Any]]
) -> NeuralNetwork:
    """Return the network of a description.

    Parameters
    ----------
    document : dict
        As `document_of` gave it, perhaps changed by somebody.
    vectors : dict of str to ndarray
        Its numbers; they are taken out.

    Returns
    -------
    NeuralNetwork

    Raises
    ------
    ModelFileError
        If they do not belong together. Other errors show a made-up description, too.
    """
    must_have(document, _DOCUMENT, "the description")
    layers = [Layer.restore(config) for config in document["layers"]]
    loss = Loss.restore(document["loss"])
    if document["dtype"] not in ("float32", "float64"):
        raise ModelFileError(f"it has the unknown dtype {document['dtype']!r}.")
    network = NeuralNetwork(
        layers, loss=loss, seed=document["seed"], dtype=document["dtype"]
    )
    blueprint = build(network.layers, loss, _inputs_from_json(document["inputs"]))
    _check_numbers(document["numbers"], blueprint)
    # Sizes are known to fit before any memory is taken.
    network._weights = _vector(vectors, "weights", blueprint.layout.size, network.dtype)
    network._blueprint = blueprint
    network._column = document["column"]
    network._names = _column_names(document["names"])
    if document["classes"] is not None:
        network.classes = document["classes"]
    network.freeze(*map(str, document["frozen"]))
    if document["reader"] is not None:
        network.reader = Reader.restore(document["reader"])
    if document["training"] is not None:
        network.training = _training(document["training"], vectors, network)
    if vectors:
        raise ModelFileError(f"it has unknown vectors {sorted(vectors)}.")
    return network


def _column_names(written: Any) -> list[str] | None:
    if written is not None and not all(isinstance(name, str) for name in written):
        raise ModelFileError("its names of columns are no texts.")
    names: list[str] | None = written
    return names


def _check_numbers(written: Any, blueprint: Blueprint) -> None:
    built = [
        [name, list(entry.shape), entry.slot.role]
        for name, entry in blueprint.layout.entries.items()
    ]
    if written != built:
        raise ModelFileError(
            "its layers need other numbers than the file has; it was written with "
            "other layers of the same names."
        )


def _vector(
    vectors: dict[str, NDArray[Any]], name: str, size: int, dtype: np.dtype[Any]
) -> NDArray[Any]:
    vector = vectors.pop(name, None)
    if vector is None or vector.shape != (size,) or vector.dtype != dtype:
        found = "none" if vector is None else f"{vector.size} of {vector.dtype}"
        raise ModelFileError(
            f"the vector {name!r} must have {size} numbers of {dtype}; the file has "
            f"{found}."
        )
    return vector.astype(dtype.newbyteorder("="), copy=False)


def _training(
    written: dict[str, Any], vectors: dict[str, NDArray[Any]], network: NeuralNetwork
) -> "Training":
    from pellucid.training.state import Snapshot, Sums, Training, fresh_memory

    written = unplain(written)
    must_have(written, _TRAINING, "the training")
    minimizes = written["optimizer"].get("family") == "minimizer"
    family: type[Optimizer | Minimizer] = Minimizer if minimizes else Optimizer
    optimizer = family.restore(written["optimizer"])
    layout, dtype = network.blueprint.layout, network.dtype
    size = layout.parameters.size

    def memory(prefix: str) -> dict[str, NDArray[Any]]:
        return {
            name: _vector(vectors, f"{prefix}memory.{name}", size, dtype)
            for name in optimizer.memories
        }

    def snapshot(moment: str) -> Snapshot | None:
        if f"{moment}.weights" not in vectors:
            return None
        weights = _vector(vectors, f"{moment}.weights", layout.size, dtype)
        return Snapshot(weights, memory(f"{moment}."))

    least = {"batch_size": 1, "rows": 1, "step": written["origin"]}
    for name, kind in _TRAINING.items():
        if kind is int and written[name] < least.get(name, 0):
            raise ModelFileError(f"the training has {name!r} of {written[name]}.")
    kept = written["checkpoint"]
    names = (
        *("run", "batch_size", "rows", "shuffle", "engine"),
        *("step", "total", "origin", "waited"),
    )
    kinds = {"loss": float, "weight": float, "norm": float, "batches": int}
    must_have(written["sums"], kinds, "the sums")
    return Training(
        optimizer=optimizer,
        memory=memory("") if kept else fresh_memory(optimizer, size, dtype),
        history=_history(written["history"], vectors),
        sums=Sums(**written["sums"]),
        best_loss=written["best_loss"],
        augment=tuple(map(Augmentation.restore, written["augment"])),
        best=snapshot("best") if kept else None,
        last=snapshot("last") if kept else None,
        resumable=kept,
        **{name: written[name] for name in names},
    )


def _history(written: dict[str, Any], vectors: dict[str, NDArray[Any]]) -> "History":
    from pellucid.training.history import History

    def numbers(name: str) -> list[float]:
        vector = vectors.pop(f"history.{name}", None)
        if vector is None:
            return []
        if vector.dtype != np.float64:
            raise ModelFileError(f"the history has {name!r} of {vector.dtype}.")
        found: list[float] = vector.tolist()
        return found

    names = written.get("metrics")
    if not isinstance(names, list) or not all(isinstance(n, str) for n in names):
        raise ModelFileError("the history does not name its metrics.")
    courses = {name: numbers(name) for name in _COURSES}
    metrics = {name: numbers(f"metrics.{name}") for name in names}
    return History.from_dict(written | courses | {"metrics": metrics})
