"""Model files: one safetensors container with a closed schema, written all or nothing.

The container is readable by any safetensors reader: one flat tensor ``weights`` and, in
a checkpoint, the optimizer's vectors. Its metadata hold the schema version, a JSON
document (layers, loss, inputs, classes, training), and the SHA-256 of document and
numbers. A file names parts by their registered names; nothing in it is run or imported.
"""

import hashlib
import json
import math
import os
import secrets
import struct
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pellucid._version import __version__
from pellucid.augmentations import Augmentation
from pellucid.blueprint import Blueprint, Inputs, build
from pellucid.errors import ModelFileError
from pellucid.layer import Layer
from pellucid.layers.inputs import Input
from pellucid.losses import Loss
from pellucid.minimizers import Minimizer
from pellucid.network import NeuralNetwork
from pellucid.optimizers import Optimizer
from pellucid.readers import Reader

if TYPE_CHECKING:
    from pellucid.training.state import Training

SCHEMA = 1
HEADER_LIMIT = 32 * 2**20  # bytes; a history of a million epochs fits
_KINDS: dict[str, np.dtype[Any]] = {"F32": np.dtype("<f4"), "F64": np.dtype("<f8")}


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
    from safetensors.numpy import save as pack

    vectors = {"weights": np.ascontiguousarray(network.weights)}
    training = network.training
    checkpoint = checkpoint and training is not None and training.resumable
    if checkpoint and training is not None:
        vectors |= _training_vectors(training)
    try:
        text = json.dumps(_document(network, checkpoint), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ModelFileError(
            f"{path} cannot be written, because a layer, the loss or the optimizer has "
            f"a setting that is no plain number, text or list of such: {error}."
        ) from error
    metadata = {
        "format": "pellucid",
        "schema": str(SCHEMA),
        "document": text,
        "sha256": _digest(text, vectors),
    }
    write_whole(Path(path), pack(vectors, metadata))


def write_whole(path: Path, content: bytes) -> None:
    """Write a file so that, whatever happens, the old or the new one is complete.

    Parameters
    ----------
    path : Path
        Where.
    content : bytes
        What.

    Raises
    ------
    ModelFileError
        If it cannot be written; an old file is then unchanged.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name}.{os.getpid()}.{secrets.token_hex(4)}")
    try:
        try:
            with temporary.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            if target.exists():
                temporary.chmod(target.stat().st_mode & 0o7777)
            temporary.replace(target)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
    except OSError as error:
        old = " The old file is unchanged." if target.is_file() else ""
        raise ModelFileError(
            f"{path} could not be written: {error.strerror or error}.{old}"
        ) from error
    with suppress(OSError):  # not every system lets a folder be synchronized
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _digest(text: str, vectors: Mapping[str, NDArray[Any]]) -> str:
    digest = hashlib.sha256(text.encode())
    for name in sorted(vectors):
        digest.update(f"\0{name}\0{vectors[name].dtype.str}\0".encode())
        digest.update(np.ascontiguousarray(vectors[name]).data.cast("B"))
    return digest.hexdigest()


def _training_vectors(training: "Training") -> dict[str, NDArray[Any]]:
    vectors = {f"memory.{name}": v for name, v in training.memory.items()}
    for moment in ("best", "last"):
        snapshot = getattr(training, moment)
        if snapshot is not None:
            vectors[f"{moment}.weights"] = snapshot.weights
            for name, v in snapshot.memory.items():
                vectors[f"{moment}.memory.{name}"] = v
    return {name: np.ascontiguousarray(v) for name, v in vectors.items()}


def _document(network: NeuralNetwork, checkpoint: bool) -> dict[str, Any]:
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
        "best_loss": _plain(training.best_loss),
        "waited": training.waited,
        "history": _plain(training.history.to_dict()),
    }


def _plain(value: Any) -> Any:
    """Return JSON values, with ``{"float": "inf"}`` for numbers that JSON lacks."""
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _numbers(value: Any) -> Any:
    """Undo `_plain`."""
    if isinstance(value, dict) and value.get("float") in ("inf", "-inf", "nan"):
        return float(value["float"])
    if isinstance(value, dict):
        return {key: _numbers(item) for key, item in value.items()}
    return [_numbers(item) for item in value] if isinstance(value, list) else value


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
        content = _content(Path(path))
        metadata, vectors = _container(content)
        document = _checked_document(metadata, vectors)
        return _network(document, vectors)
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {error}") from error.__cause__
    except Exception as error:  # a made-up file has many ways to be wrong
        raise ModelFileError(f"{path} describes no network: {error}") from error


def _content(path: Path) -> bytes:
    if path.is_dir():
        raise ModelFileError("this is a folder; expected a model file.")
    try:
        with path.open("rb") as file:
            start = file.read(8)
            size = os.fstat(file.fileno()).st_size
            if len(start) < 8:
                raise ModelFileError("the file is too short to be a model file.")
            (length,) = struct.unpack("<Q", start)
            if length > min(HEADER_LIMIT, size - 8):
                raise ModelFileError(
                    "this is not a pellucid model file, or its end is missing."
                )
            return start + file.read()
    except FileNotFoundError:
        raise ModelFileError("there is no such file.") from None
    except OSError as error:
        raise ModelFileError(f"cannot be read: {error.strerror or error}.") from error


def _container(content: bytes) -> tuple[dict[str, str], dict[str, NDArray[Any]]]:
    """Return metadata and vectors of a safetensors container."""
    from safetensors import SafetensorError, deserialize

    (length,) = struct.unpack("<Q", content[:8])
    try:
        tensors: Any = deserialize(content)  # type: ignore[no-untyped-call]
        header = json.loads(content[8 : 8 + length].decode())
    except (SafetensorError, ValueError, RecursionError) as error:
        raise ModelFileError(
            f"the file is cut off or damaged; it has {len(content):,} bytes ({error})."
        ) from error
    metadata = header.get("__metadata__")
    if not isinstance(metadata, dict) or metadata.get("format") != "pellucid":
        raise ModelFileError(
            "this is a safetensors file, but not one that pellucid wrote."
        )
    vectors = {}
    for name, tensor in tensors:
        dtype = _KINDS.get(tensor["dtype"])
        if dtype is None or len(tensor["shape"]) != 1:
            raise ModelFileError(f"the vector {name!r} is of an unknown kind.")
        numbers: NDArray[Any] = np.frombuffer(tensor["data"], dtype=dtype)
        vectors[name] = numbers
    return metadata, vectors


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


def _must_have(values: Any, kinds: Mapping[str, Any], what: str) -> None:
    if not isinstance(values, dict) or set(values) != set(kinds):
        found = sorted(values) if isinstance(values, dict) else type(values).__name__
        raise ModelFileError(
            f"{what} has the entries {found}; expected {sorted(kinds)}."
        )
    for key, kind in kinds.items():
        wrong = isinstance(values[key], bool) and kind is int
        if wrong or not isinstance(values[key], kind):
            raise ModelFileError(
                f"{what} has {key!r} of kind {type(values[key]).__name__}."
            )


def _checked_document(
    metadata: dict[str, str], vectors: dict[str, NDArray[Any]]
) -> dict[str, Any]:
    version = metadata.get("schema", "none")
    if version != str(SCHEMA):
        raise ModelFileError(
            f"the file has schema version {version[:20]}; this pellucid {__version__} "
            f"reads up to {SCHEMA}. Install a newer pellucid to read it."
        )
    if set(metadata) != {"format", "schema", "document", "sha256"}:
        raise ModelFileError(f"the file has unknown metadata {sorted(metadata)}.")
    if _digest(metadata["document"], vectors) != metadata["sha256"]:
        raise ModelFileError(
            "the checksum does not match: the file is damaged or was changed."
        )
    try:
        document = json.loads(metadata["document"], parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"its description is not JSON ({error}).") from error
    _must_have(document, _DOCUMENT, "the description")
    checked: dict[str, Any] = document
    return checked


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number in JSON")


def _inputs_from_json(value: Any) -> Inputs:
    if set(value) == {"named"} and isinstance(value["named"], dict):
        found = {n: _inputs_from_json(v) for n, v in value["named"].items()}
        return {n: v for n, v in found.items() if isinstance(v, Input)}
    _must_have(value, {"shape": list, "kind": str}, "an input")
    return Input(tuple(value["shape"]), value["kind"])


def _network(
    document: dict[str, Any], vectors: dict[str, NDArray[Any]]
) -> NeuralNetwork:
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
    return vector.astype(dtype.newbyteorder("="), copy=True)


def _training(
    written: dict[str, Any], vectors: dict[str, NDArray[Any]], network: NeuralNetwork
) -> "Training":
    from pellucid.training.history import History
    from pellucid.training.state import Snapshot, Sums, Training, fresh_memory

    written = _numbers(written)
    _must_have(written, _TRAINING, "the training")
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
    _must_have(written["sums"], kinds, "the sums")
    return Training(
        optimizer=optimizer,
        memory=memory("") if kept else fresh_memory(optimizer, size, dtype),
        history=History.from_dict(written["history"]),
        sums=Sums(**written["sums"]),
        best_loss=written["best_loss"],
        augment=tuple(map(Augmentation.restore, written["augment"])),
        best=snapshot("best") if kept else None,
        last=snapshot("last") if kept else None,
        resumable=kept,
        **{name: written[name] for name in names},
    )
