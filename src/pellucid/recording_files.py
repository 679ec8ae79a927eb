"""Files of recordings: replayed without the objects that made them.

A file holds the network and the settings of the training as a model file does, the kept
states, all losses, and the training data or, without them, their SHA-256.
"""

import hashlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pellucid import arrays, container, targets
from pellucid.augmentations import as_augmentations
from pellucid.container import must_have, told
from pellucid.errors import ConfigurationError, DataError, ModelFileError
from pellucid.files import document_of, history_vectors, network_of
from pellucid.layer import sample_shape
from pellucid.network import NeuralNetwork
from pellucid.recording import Recording
from pellucid.samples import Samples
from pellucid.training.plan import hold_out
from pellucid.training.recorder import Proof, Rule
from pellucid.training.state import Snapshot, Training

FORMAT, SCHEMA = "pellucid recording", 1
MOST_STEPS = 2**53  # numbers of iterations stay whole in every engine
_DOCUMENT = {
    "model": dict,
    "every": int,
    "now": int,
    "most_memory": int,
    "first": int,
    "failed": bool,
    "full": bool,
    "pinned": list,
    "share": (float, type(None)),
    "shapes": dict,
    "data": str,
}


# -- writing ---------------------------------------------------------------------------


def save(recording: Recording, path: str | Path, *, data: bool) -> None:
    """Write a recording to a file; see `Recording.save`.

    Parameters
    ----------
    recording : Recording
        What to write.
    path : str or Path
        Where.
    data : bool
        Whether to write the training data.

    Raises
    ------
    ConfigurationError
        If there is nothing to write.
    DataError
        If the data are to be written and the recording has none.
    ModelFileError
        If the file cannot be written; an old one is then unchanged.
    """
    if not isinstance(data, bool):
        raise ConfigurationError(f"Expected data True or False, got {data!r}.")
    network, known = recording.replay().network, recording.data
    if not recording.states:
        raise ConfigurationError(
            "No iteration is recorded, so there is nothing to save."
        )
    steps = np.array(sorted(recording.states))
    states = [recording.states[step] for step in steps]
    vectors = {
        "weights": states[0].weights,
        "losses": np.array(recording.losses_of(recording.first, len(recording))),
        "watched": np.array(recording.watched, float),
        "rules": np.array(recording.rules, np.int64),
        "states.steps": steps,
        "states.weights": np.concatenate([state.weights for state in states]),
    }
    if network.training is not None:
        vectors |= history_vectors(network.training.history)
    for name in states[0].memory:
        vectors[f"states.memory.{name}"] = np.concatenate(
            [state.memory[name] for state in states]
        )
    proof = recording.proof
    if known is not None:
        proof = Proof(_hash(known), known.weight)
    elif data:
        raise DataError(
            "The recording was loaded without its data: save(path, data=False), or "
            "load_recording(path, x, y) first."
        )
    assert proof is not None
    vectors["data.weight"] = proof.weight
    shapes = {}
    if data and known is not None:
        for name, values in _named(known):
            vectors[f"data.{name}"] = values
            shapes[name] = list(values.shape)
    document = {
        "model": document_of(network, checkpoint=False),
        "every": recording.asked,
        "now": recording.every,
        "most_memory": recording.most_memory,
        "first": recording.first,
        "failed": recording.failed,
        "full": recording.full,
        "pinned": sorted(recording.pinned),
        "share": recording.share,
        "shapes": shapes,
        "data": proof.sha256,
    }
    flat = {name: np.ascontiguousarray(v).reshape(-1) for name, v in vectors.items()}
    path = Path(path)
    content = container.packed(path, FORMAT, SCHEMA, document, flat)
    container.write_whole({path: content})


def _named(data: Samples) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield inputs and targets with their names in a file."""
    if isinstance(data.x, dict):
        yield from ((f"x.{name}", values) for name, values in data.x.items())
    else:
        yield "x", data.x
    yield "y", data.y


def _hash(data: Samples) -> str:
    digest = hashlib.sha256()
    for name, values in _named(data):
        digest.update(f"\0{name}\0{values.dtype.str}\0{values.shape}\0".encode())
        digest.update(np.ascontiguousarray(values).data.cast("B"))
    return digest.hexdigest()


# -- reading ---------------------------------------------------------------------------


def load_recording(path: str | Path, x: Any = None, y: Any = None) -> Recording:
    """Return the recording that a file holds.

    Parameters
    ----------
    path : str or Path
        A file that `Recording.save` wrote.
    x, y : array_like, optional
        The data that `fit` was given, where the file was saved without them; they are
        compared by their SHA-256. Without data, losses and kept states can be looked
        at, and nothing between.

    Returns
    -------
    Recording

    Raises
    ------
    ModelFileError
        If the file is missing, damaged, too new, or not one of pellucid's. Nothing in a
        file is run.
    DataError
        If `x` and `y` are not the data of the training.
    """
    try:
        document, vectors = container.read(Path(path), FORMAT, SCHEMA)
        recording = _recording(document, vectors)
    except ModelFileError as error:
        raise ModelFileError(f"{path}: {told(error)}") from error.__cause__
    except Exception as error:  # a made-up file has many ways to be wrong
        raise ModelFileError(f"{path} describes no recording: {told(error)}") from error
    if x is not None or y is not None:
        _attach(recording, x, y)
    return recording


def _recording(document: dict[str, Any], vectors: dict[str, NDArray[Any]]) -> Recording:
    must_have(document, _DOCUMENT, "the description")
    own = {
        name: vector
        for name, vector in vectors.items()
        if name == "weights" or name.startswith("history.")
    }
    network = network_of(document["model"], own)
    settings = network.training
    if settings is None or settings.engine not in ("readable", "compiled"):
        raise ModelFileError("it names no training that can be repeated.")
    recording = Recording(document["every"], document["most_memory"])
    recording.every = _whole(document["now"], 1, "every")
    recording.network, recording.first = network, _whole(document["first"], 0, "first")
    recording.failed, recording.full = document["failed"], document["full"]
    recording.share = document["share"]
    recording.put_losses(_vector(vectors, "losses", np.dtype(np.float64)))
    recording.states = _states(vectors, network, settings)
    _put_rules(recording, vectors)
    _whole(settings.total, 1, "total")
    if settings.origin > recording.first:
        raise ModelFileError("its first iteration lies before the training.")
    rows = settings.rows
    if settings.batch_size > rows:
        raise ModelFileError("its batches have more rows than its data.")
    weight = arrays.as_weights(
        _vector(vectors, "data.weight", network.dtype, rows), rows, network.dtype
    )
    recording.proof = Proof(document["data"], weight)
    if document["shapes"]:
        recording.data = _data(document, vectors, recording)
    _check_steps(recording, document["pinned"])
    return recording


def _whole(value: Any, least: int, what: str) -> int:
    if type(value) is not int or not least <= value < MOST_STEPS:
        raise ModelFileError(f"it has {what!r} of {str(value)[:40]}.")
    return value


def _vector(
    vectors: dict[str, NDArray[Any]],
    name: str,
    dtype: np.dtype[Any],
    size: int | None = None,
) -> NDArray[Any]:
    vector = vectors.get(name)
    if vector is None or vector.dtype != dtype or size not in (None, vector.size):
        expected = "" if size is None else f"{size} "
        found = "none" if vector is None else f"{vector.size} of {vector.dtype}"
        raise ModelFileError(
            f"the vector {name!r} must have {expected}numbers of {dtype}; the file has "
            f"{found}."
        )
    vector.flags.writeable = False  # states are looked at, never changed
    return vector


def _states(
    vectors: dict[str, NDArray[Any]], network: NeuralNetwork, settings: Training
) -> dict[int, Snapshot]:
    steps = _vector(vectors, "states.steps", np.dtype(np.int64)).tolist()
    if not steps or any(a >= b for a, b in pairwise(steps)):
        raise ModelFileError("its states are not in order.")
    layout, dtype = network.blueprint.layout, network.dtype

    def rows(name: str, size: int) -> NDArray[Any]:
        vector = _vector(vectors, f"states.{name}", dtype, len(steps) * size)
        return vector.reshape(len(steps), size)

    weights = rows("weights", layout.size)
    memory = {
        name: rows(f"memory.{name}", layout.parameters.size)
        for name in settings.optimizer.memories
    }
    return {
        step: Snapshot(weights[i], {name: v[i] for name, v in memory.items()})
        for i, step in enumerate(steps)
    }


def _put_rules(recording: Recording, vectors: dict[str, NDArray[Any]]) -> None:
    watched = _vector(vectors, "watched", np.dtype(np.float64)).tolist()
    rules = _vector(vectors, "rules", np.dtype(np.int64))
    if not rules.size or rules.size % 3:
        raise ModelFileError("it does not say how updates were made.")
    recording.watched = watched
    for step, seen, total in rules.reshape(-1, 3).tolist():
        last = recording.rules[-1].step if recording.rules else -1
        _whole(step, last + 1, "step of a rule")
        if _whole(seen, 0, "seen of a rule") > len(watched):
            raise ModelFileError("a rule follows more losses than there are.")
        recording.rules.append(Rule(step, seen, _whole(total, 1, "total of a rule")))


def _check_steps(recording: Recording, pinned: Any) -> None:
    steps = [*recording.states]
    if steps[0] != recording.first or steps[-1] > recording.stop:
        raise ModelFileError("its states are not those of its iterations.")
    if recording.rules[0].step != recording.first or (
        recording.rules[-1].step > recording.stop
    ):
        raise ModelFileError("its rules are not those of its iterations.")
    _whole(recording.stop, 0, "length")
    if not all(type(step) is int for step in pinned) or not {*pinned} <= {*steps}:
        raise ModelFileError("its pinned states are not all there.")
    recording.pinned = {*pinned}


def _data(
    document: dict[str, Any], vectors: dict[str, NDArray[Any]], recording: Recording
) -> Samples:
    """Return the data of the file, which must be such as the network takes."""
    found = {}
    for name, shape in document["shapes"].items():
        lengths = [_whole(length, 0, "length of the data") for length in shape]
        found[name] = vectors[f"data.{name}"].reshape(lengths)
    y = found.pop("y")
    given: Any = found.get("x")
    if given is None:
        given = {name.removeprefix("x."): values for name, values in found.items()}
    network = recording.replay().network
    blueprint = network.blueprint
    x, n, single = arrays.as_inputs(
        given, blueprint.inputs, network.dtype, blueprint.limits
    )
    if single:
        raise ModelFileError("its data are a single sample.")
    count = targets.class_count(blueprint) if targets.chooses(blueprint) else None
    classes = None if count is None else np.arange(count)
    targets.check_rows(y, n)
    y = targets.as_targets(y, blueprint, classes, network.dtype)
    return _checked(recording, Samples(x, np.ascontiguousarray(y), y, y))


def _checked(recording: Recording, data: Samples) -> Samples:
    """Return the data with their weights, if they are those of the training."""
    proof, replay = recording.proof, recording.replay()
    assert proof is not None
    if _hash(data) != proof.sha256 or len(data.y) != replay.settings.rows:
        raise DataError(
            "These are not the data of the recorded training: hand in the x and y that "
            "fit was given."
        )
    augmentations, loss = replay.settings.augment, replay.network.loss
    as_augmentations(augmentations, sample_shape(data.x), loss)
    data.weight = proof.weight
    return data


def _attach(recording: Recording, x: Any, y: Any) -> None:
    """Give a recording the data that its file was saved without."""
    replay = recording.replay()
    data = replay.network.samples(x, y, several=False)
    if recording.share is not None:
        run = replay.settings.run
        data, _ = hold_out(replay.network, data, recording.share, run)
    recording.data = _checked(recording, data)
