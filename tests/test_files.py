import errno
import hashlib
import json
import os
import stat
import struct
import subprocess
import sys
import tracemalloc
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import pellucid
from pellucid import (
    Adam,
    BatchNorm,
    Chain,
    Concat,
    Cosine,
    Dense,
    Dropout,
    Flatten,
    Input,
    Layer,
    Loss,
    ModelFileError,
    Momentum,
    NeuralNetwork,
    PReLU,
    Reshape,
    Residual,
    Select,
    Slot,
    WarmUp,
    load,
)
from pellucid.activations import ELU, GELU, Activation, LeakyReLU
from pellucid.initializers import Initializer, Uniform, Zeros
from pellucid.optimizers import Optimizer
from pellucid.schedules import Constant, Step
from snapshots import bits, snapshot

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(12, 3)), np.arange(12) % 3


class Wave(Layer):
    """``y = size sin(x + phase)``: a layer from another package."""

    size: float = 1.0

    def slots(self, shape):
        return {"phase": Slot(shape, Zeros(), "bias")}

    def forward(self, x, p, memo):
        memo.inside = x + p.phase
        return self.size * np.sin(memo.inside)

    def backward(self, da, p, g, memo):
        dx = self.size * da * np.cos(memo.inside)
        g.phase = dx.sum(axis=0)
        return dx


WAVE = f"{__name__}:Wave"


def small(**plan):
    net = NeuralNetwork([Dense(2, "tanh"), Dense(3)], loss="cross_entropy")
    net.fit(X, Y, **{"epochs": 2, "engine": "readable"} | plan)
    return net


def everything():
    layers = [
        Concat(
            [
                Chain(
                    [Select("table"), Dense(3, ELU(0.5), name="own name"), PReLU(0.1)]
                ),
                Chain([Select("image"), Flatten(), Reshape((2, 2)), Flatten(), "tanh"]),
            ]
        ),
        BatchNorm(momentum=0.8),
        Dropout(0.25),
        Residual(
            [Dense(7, GELU(tanh=True), weight_init=Uniform(-0.5, 0.5)), Wave(0.5)]
        ),
        Dense(3, "softmax", bias=False),
    ]
    loss = pellucid.CrossEntropy(label_smoothing=0.1)
    net = NeuralNetwork(layers, loss=loss, seed=2**70, dtype="float64")
    x = {"table": X, "image": RNG.normal(size=(12, 2, 2))}
    optimizer = Adam(WarmUp(2, Cosine(0.01)), clip_norm=1.0)
    labels = np.take(["α", 'quote " and \\', "</script>"], Y)
    plan = {"batch_size": 5, "optimizer": optimizer, "engine": "readable"}
    net.fit(x, labels, epochs=3, validation=0.25, **plan)
    return net.freeze("*.b"), x


# -- there and back --------------------------------------------------------------------


@pytest.mark.parametrize("checkpoint", [False, True])
def test_there_and_back(tmp_path, checkpoint):
    net, x = everything()
    path = tmp_path / "net.pellucid"
    assert net.save(path, checkpoint=checkpoint) is None
    again = load(str(path))
    wanted, found = snapshot(net), snapshot(again)
    if not checkpoint:
        for training in (wanted["training"], found["training"]):
            for name in ("memory", "best", "last", "resumable"):
                training.pop(name)
    assert found == wanted
    assert again.history == net.history
    assert again.blueprint.inputs == net.blueprint.inputs
    assert again.layers == net.layers
    assert again.layers[0].branches[0].layers[1].name == "own name"
    assert bits(again.feedforward(x)) == bits(net.feedforward(x))
    assert again.predict(x).tolist() == net.predict(x).tolist()
    assert str(again.summary()) == str(net.summary())
    assert again.weights.flags.writeable
    assert again.weights.flags.owndata


def of_family(family):
    return {n: kind for n, kind in family.registered().items() if ":" not in n}


def example_of(kind):
    """Return a part of a kind, with settings that are not all the default."""
    name = kind.label
    inner = [Dense(3, LeakyReLU(0.2)), "tanh"]
    over_places = {  # with the shape of one sample
        "average_pool1d": (pellucid.AveragePool1D(2, 1, padding=((1, 0),)), (3, 1)),
        "average_pool2d": (pellucid.AveragePool2D((3, 1)), (3, 1, 1)),
        "conv1d": (pellucid.Conv1D(2, 3, padding="same", dilation=2), (3, 1)),
        "conv2d": (pellucid.Conv2D(2, (2, 1), "selu", padding=(1, 0)), (3, 1, 1)),
        "conv_transpose2d": (
            pellucid.ConvTranspose2D(2, 3, stride=(1, 2), padding=1),
            (1, 3, 1),
        ),
        "depthwise_conv2d": (
            pellucid.DepthwiseConv2D(1, multiplier=2, bias=False),
            (1, 1, 3),
        ),
        "global_average_pool": (pellucid.GlobalAveragePool(), (1, 3)),
        "global_max_pool": (pellucid.GlobalMaxPool(), (1, 1, 3)),
        "max_pool1d": (pellucid.MaxPool1D(2), (3, 1)),
        "max_pool2d": (pellucid.MaxPool2D(2, padding=((1, 0), (0, 1))), (3, 1, 1)),
        "pad": (pellucid.Pad(((1, 0), 2)), (1, 3, 1)),
        "separable_conv2d": (pellucid.SeparableConv2D(2, 1, multiplier=2), (1, 1, 3)),
        "up_sample": (pellucid.UpSample((1, 2)), (3, 1, 1)),
    }
    if name in over_places:
        layer, shape = over_places[name]
        return Chain([Reshape(shape), layer, Flatten()])
    given = {
        "dense": lambda: Dense(4, "selu", bias=False, bias_init=Zeros()),
        "chain": lambda: Chain(inner, name="c"),
        "residual": lambda: Residual(inner),
        "concat": lambda: Concat([Dense(2), Chain(inner)]),
        "reshape": lambda: Chain([Dense(4), Reshape((2, 2)), Flatten()]),
        "dropout": lambda: Dropout(0.125),
        "group_norm": lambda: pellucid.GroupNorm(3, 1e-3),
        "prelu": lambda: PReLU(0.5),
        "leaky_relu": lambda: LeakyReLU(0.3),
        "elu": lambda: ELU(2.0),
        "gelu": lambda: GELU(tanh=True),
    }
    return given.get(name, lambda: kind())()


# Select and Embedding take other inputs than rows of numbers: see test_contract.py.
@pytest.mark.parametrize("name", sorted({*of_family(Layer)} - {"select", "embedding"}))
def test_every_layer_there_and_back(tmp_path, name):
    layer = example_of(of_family(Layer)[name])
    net = NeuralNetwork([layer, Dense(2)], loss="huber", input_shape=3)
    net.fit(X, X[:, :2], epochs=1, engine="readable")
    net.save(tmp_path / "net", checkpoint=True)
    again = load(tmp_path / "net")
    assert snapshot(again) == snapshot(net)
    assert again.layers[0] == layer
    assert again.layers[0].config() == layer.config()
    assert repr(again) == repr(net)


@pytest.mark.parametrize("family", [Loss, Optimizer, Initializer, Activation])
def test_every_part_there_and_back(tmp_path, family):
    for name, kind in of_family(family).items():
        if any(field.default is field.default_factory for field in kind.settings()):
            part = kind(0.5)
        else:
            part = kind()
        outputs = 2 * part.per_target if family is Loss else 2
        net = NeuralNetwork(
            [
                Dense(4, part if family is Activation else None),
                Dense(outputs, weight_init=part if family is Initializer else None),
            ],
            loss=part if family is Loss else "huber",
            input_shape=3,
        )
        optimizer = part if family is Optimizer else Momentum(Constant(1e-3))
        y = Y % 2 if net.loss.task == "classes" else np.eye(2)[Y % 2]
        net.fit(X, y, epochs=1, optimizer=optimizer, engine="readable")
        net.save(tmp_path / "net", checkpoint=True)
        assert snapshot(load(tmp_path / "net")) == snapshot(net), name


@pytest.mark.parametrize(
    "labels",
    [
        [10, 20, 30],
        ["a", "b", "c"],
        [-1, 0, 5],
        ["", " ", "\n"],
        ["NaN", "inf", "null"],
    ],
)
def test_classes_there_and_back(tmp_path, labels):
    net = NeuralNetwork([Dense(3)], loss="cross_entropy")
    net.fit(X, np.take(labels, Y), epochs=1)
    net.save(tmp_path / "net")
    again = load(tmp_path / "net")
    assert again.classes.tolist() == net.classes.tolist()
    assert again.predict(X).tolist() == net.predict(X).tolist()


def test_yes_and_no_there_and_back(tmp_path):
    net = NeuralNetwork([Dense(1)], loss="binary_cross_entropy")
    net.fit(X, Y > 0, epochs=1)
    net.save(tmp_path / "net")
    assert load(tmp_path / "net").classes.tolist() == [False, True]
    assert type(load(tmp_path / "net").predict(X[0])) is bool


def test_the_shape_of_predictions_there_and_back(tmp_path):
    for y in (X[:, 0], X[:, :1]):
        net = NeuralNetwork([Dense(1)], loss="huber")
        net.fit(X, y, epochs=1)
        net.save(tmp_path / "net")
        assert load(tmp_path / "net").predict(X).shape == y.shape


def test_numbers_that_json_lacks(tmp_path):
    net = small()
    history = net.training.history
    history.validation = [float("inf"), float("nan")]
    history.metrics = {"float": [float("-inf"), 1.0]}
    history.stopped = "nan"
    net.training.best_loss = float("inf")
    net.save(tmp_path / "net", checkpoint=True)
    again = load(tmp_path / "net")
    assert repr(again.history.to_dict()) == repr(history.to_dict())
    assert again.training.best_loss == float("inf")


def test_an_untrained_network_there_and_back(tmp_path):
    net = NeuralNetwork([Dense(3)], loss="huber", input_shape=Input((3,)))
    net.save(tmp_path / "net", checkpoint=True)
    again = load(tmp_path / "net")
    assert again.training is None
    assert snapshot(again) == snapshot(net)


# -- what is in a file -----------------------------------------------------------------


def read_by_others(path):
    """Return metadata, document and vectors as any safetensors reader sees them."""
    with safetensors.safe_open(path, "np") as file:
        metadata = file.metadata()
        vectors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    return metadata, json.loads(metadata["document"]), vectors


def test_any_reader_of_safetensors_can_read_it(tmp_path):
    net = small()
    net.save(tmp_path / "net")
    metadata, document, vectors = read_by_others(tmp_path / "net")
    assert set(metadata) == {"format", "schema", "document", "sha256"}
    assert (metadata["format"], metadata["schema"]) == ("pellucid", "1")
    courses = ("gradient_norm", "iterations", "learning_rate", "loss", "seconds")
    assert sorted(vectors) == [*(f"history.{name}" for name in courses), "weights"]
    assert bits(vectors["weights"]) == bits(net.weights)
    assert document["numbers"][0] == ["dense_1.W", [3, 2], "weight"]
    assert document["pellucid"] == pellucid.__version__
    assert [layer["type"] for layer in document["layers"]] == ["dense", "dense"]
    assert document["training"]["checkpoint"] is False
    assert vectors["history.loss"].tolist() == net.history.loss


def test_a_checkpoint_holds_all_that_continues_the_training(tmp_path):
    net = small(validation=(X, Y), optimizer="adam")
    net.save(tmp_path / "net", checkpoint=True)
    _, document, vectors = read_by_others(tmp_path / "net")
    vectors = {k: v for k, v in vectors.items() if not k.startswith("history.")}
    assert sorted(vectors) == sorted(
        [
            "weights",
            *(f"{moment}.weights" for moment in ("best", "last")),
            *(f"{moment}memory.{m}" for moment in ("", "best.", "last.") for m in "mv"),
        ]
    )
    assert bits(vectors["memory.m"]) == bits(net.training.memory["m"])
    assert bits(vectors["last.weights"]) == bits(net.training.last.weights)
    assert document["training"]["step"] == 2


def test_a_network_says_nothing_of_where_it_was_made(tmp_path):
    net, _ = everything()
    net.save(tmp_path / "secret name")
    content = (tmp_path / "secret name").read_bytes()
    for text in ("secret name", str(tmp_path), os.getcwd(), str(Path.home())):  # noqa: PTH109
        assert text.encode() not in content


# -- writing: all or nothing -----------------------------------------------------------


def files_of(folder):
    return sorted(path.name for path in folder.iterdir())


def test_saving_replaces_the_old_file(tmp_path):
    path = tmp_path / "net"
    first, second = small(), small()
    first.save(path)
    second.parameters["dense_1.b"] = [7, 7]
    second.save(path)
    assert load(path).parameters["dense_1.b"].tolist() == [7, 7]
    assert files_of(tmp_path) == ["net"]


def test_the_permissions_of_a_file_stay(tmp_path):
    path = tmp_path / "net"
    small().save(path)
    usual = tmp_path / "usual"
    usual.touch()
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE(usual.stat().st_mode)
    path.chmod(0o640)
    small().save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_link_stays_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "real" / "net")
    for _ in range(2):
        small().save(link)
        assert link.is_symlink()
        assert files_of(tmp_path / "real") == ["net"]
    assert bits(load(link).weights) == bits(load(tmp_path / "real" / "net").weights)


class Full:
    """A file on a disk that is full after some bytes."""

    def __init__(self, file, room):
        self.file, self.room = file, room

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def write(self, content):
        self.file.write(content[: self.room])
        raise OSError(errno.ENOSPC, "No space left on device")


def no_space(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def fail_open(monkeypatch):
    monkeypatch.setattr(Path, "open", no_space)


def fail_write(monkeypatch):
    real = Path.open

    def full(path, mode="r", *more):
        file = real(path, mode, *more)
        return Full(file, 100) if "w" in mode else file

    monkeypatch.setattr(Path, "open", full)


def fail_fsync(monkeypatch):
    monkeypatch.setattr(os, "fsync", no_space)


def fail_replace(monkeypatch):
    for name in ("replace", "rename"):
        monkeypatch.setattr(os, name, no_space)


FAULTS = [fail_open, fail_write, fail_fsync, fail_replace]


@pytest.mark.parametrize("old", [False, True])
@pytest.mark.parametrize("fault", FAULTS)
def test_a_failed_save_leaves_the_old_file(tmp_path, monkeypatch, fault, old):
    path = tmp_path / "net"
    net = small()
    if old:
        net.save(path)
    before = path.read_bytes() if old else None
    net.parameters["dense_1.b"] = [7, 7]
    with monkeypatch.context() as broken:
        fault(broken)
        with pytest.raises(ModelFileError) as caught:
            net.save(path)
    ending = " The old file is unchanged." if old else ""
    assert str(caught.value) == (
        f"{path} could not be written: No space left on device.{ending}"
    )
    assert caught.value.__cause__.errno == errno.ENOSPC
    assert files_of(tmp_path) == (["net"] if old else [])
    if old:
        assert path.read_bytes() == before
    net.save(path)
    assert load(path).parameters["dense_1.b"].tolist() == [7, 7]


def test_a_failed_save_in_training_is_named(tmp_path, monkeypatch):
    net = NeuralNetwork([Dense(3)], loss="cross_entropy")
    fail_fsync(monkeypatch)
    with pytest.raises(ModelFileError, match="No space left") as caught:
        net.fit(X, Y, epochs=2, callbacks=pellucid.Checkpoint(tmp_path / "net"))
    assert "Checkpoint" in caught.value.__notes__[0]
    assert net.history.epochs == 1


def test_a_folder_that_cannot_be_synchronized_is_no_failure(tmp_path, monkeypatch):
    real = os.fsync

    def only_files(handle):
        if stat.S_ISDIR(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "Invalid argument")
        real(handle)

    monkeypatch.setattr(os, "fsync", only_files)
    small().save(tmp_path / "net")
    assert load(tmp_path / "net")


KILLED = """
import os, sys
import pellucid
net = pellucid.load(sys.argv[1])
net.parameters["dense_1.b"] = [7, 7]
name, real = sys.argv[2], getattr(os, sys.argv[2])
def last(*arguments):
    if sys.argv[3] == "after":
        real(*arguments)
    os._exit(9)
setattr(os, name, last)
net.save(sys.argv[1])
"""


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_killed_save_leaves_the_old_or_the_new_file(tmp_path, call, moment):
    path = tmp_path / "net"
    small().save(path)
    before = path.read_bytes()
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(path), call, moment], check=False
    )
    assert done.returncode == 9
    if (call, moment) == ("replace", "after"):
        assert load(path).parameters["dense_1.b"].tolist() == [7, 7]
    else:
        assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("name", "message"),
    [("absent/net", "No such file or directory"), ("", "Is a directory")],
)
def test_places_where_nothing_can_be_written(tmp_path, name, message):
    path = tmp_path / "folder"
    path.mkdir()
    with pytest.raises(ModelFileError, match=f"could not be written: {message}.$"):
        small().save(path / name)
    assert files_of(tmp_path) == ["folder"]
    assert files_of(path) == []


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere"
)
def test_a_folder_that_may_not_be_written(tmp_path):
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(ModelFileError, match="Permission denied"):
            small().save(tmp_path / "net")
    finally:
        tmp_path.chmod(0o700)


class Strange(Layer):
    """A layer with a setting that no file can hold."""

    thing: object = None

    def forward(self, x, p, memo):
        return x

    def backward(self, da, p, g, memo):
        return da


@pytest.mark.parametrize("thing", [object(), {1, 2}, np.ones(2), float("inf"), len])
def test_settings_that_no_file_can_hold(tmp_path, thing):
    net = NeuralNetwork([Strange(thing), Dense(1)], loss="huber", input_shape=3)
    with pytest.raises(ModelFileError, match="no plain number, text or list of such"):
        net.save(tmp_path / "net")
    assert files_of(tmp_path) == []


# -- reading: what is not exactly that -------------------------------------------------


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    """Return the bytes of a small file, with everything of a checkpoint."""
    path = tmp_path_factory.mktemp("files") / "net"
    small(epochs=1, optimizer="momentum").save(path, checkpoint=True)
    return path.read_bytes()


def refuse(path, content, message=None):
    path.write_bytes(content)
    with pytest.raises(ModelFileError, match=message) as caught:
        load(path)
    assert str(caught.value).startswith(str(path))


def test_truncated_files(tmp_path, content):
    path = tmp_path / "net"
    for length in range(len(content)):
        refuse(path, content[:length])
    refuse(path, content + b"\0")
    refuse(path, content + content)
    path.write_bytes(content)
    assert load(path)


def test_flipped_bits(tmp_path, content):
    path, chance = tmp_path / "net", np.random.default_rng(0)
    for place in range(len(content)):
        for mask in (1 << chance.integers(8), 255):
            changed = bytearray(content)
            changed[place] ^= int(mask)
            refuse(path, changed)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(data=st.binary(max_size=200), place=st.integers(0, 3000), keep=st.booleans())
def test_any_bytes(tmp_path, content, data, place, keep):
    changed = content[:place] + data + content[place + len(data) * keep :]
    if changed != content:
        refuse(tmp_path / "net", changed)


@pytest.mark.parametrize(
    ("bytes_", "message"),
    [
        (b"", "the file is too short to be a model file"),
        (b"1234567", "the file is too short to be a model file"),
        (b"\0" * 8, "not a pellucid model file|cut off or damaged"),
        (b"\xff" * 8, "not a pellucid model file, or its end is missing"),
        (b"PK\3\4 a zip file of some kind", "not a pellucid model file"),
        (b"\x80\x04\x95 a pickle of some kind", "not a pellucid model file"),
        (b"\x93NUMPY\1\0 an array", "not a pellucid model file"),
        (b"name,age\r\nann,3\r\n", "not a pellucid model file"),
        (struct.pack("<Q", 2) + b"{}", "not one that pellucid wrote"),
        (struct.pack("<Q", 8) + b"not json", "cut off or damaged"),
        (struct.pack("<Q", 2) + b"[]", "cut off or damaged"),
        (struct.pack("<Q", 100) + b"{}", "its end is missing"),
        (struct.pack("<Q", 2**40) + b"{}", "its end is missing"),
    ],
)
def test_files_of_other_kinds(tmp_path, bytes_, message):
    refuse(tmp_path / "net", bytes_, message)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ModelFileError, match=r"net: there is no such file\.$"):
        load(tmp_path / "net")
    with pytest.raises(ModelFileError, match="this is a folder; expected a model file"):
        load(tmp_path)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    with pytest.raises(ModelFileError, match="cannot be read"):
        load(tmp_path / "loop")


def test_safetensors_of_others(tmp_path):
    weights = np.zeros(3, dtype="float32")
    for metadata in (None, {}, {"format": "pt"}, {"format": "np", "schema": "1"}):
        content = safetensors.numpy.save({"weights": weights}, metadata)
        refuse(tmp_path / "net", content, "but not one that pellucid wrote")


# -- reading: made-up files, whose checksum is right -----------------------------------


def parts_of(content):
    (length,) = struct.unpack("<Q", content[:8])
    metadata = json.loads(content[8 : 8 + length])["__metadata__"]
    vectors = safetensors.numpy.load(content)
    return json.loads(metadata["document"]), vectors, metadata


def made_up(document, vectors, **metadata):
    """Return a file with any document and vectors, and the checksum that fits them."""
    text = document if isinstance(document, str) else json.dumps(document)
    digest = hashlib.sha256(text.encode())
    for name in sorted(vectors):
        digest.update(f"\0{name}\0{vectors[name].dtype.str}\0".encode())
        digest.update(np.ascontiguousarray(vectors[name]).tobytes())
    about = {"format": "pellucid", "schema": "1", "document": text}
    about |= {"sha256": digest.hexdigest()} | metadata
    about = {key: value for key, value in about.items() if value is not None}
    return safetensors.numpy.save(vectors, about)


def test_made_up_files_can_be_read(tmp_path, content):
    document, vectors, _ = parts_of(content)
    (tmp_path / "net").write_bytes(made_up(document, vectors))
    (tmp_path / "own").write_bytes(content)
    assert snapshot(load(tmp_path / "net")) == snapshot(load(tmp_path / "own"))


@pytest.mark.parametrize(
    "schema", ["2", "99", "0", "-1", "1.0", "", "one", "9" * 5000, "１"]
)
def test_other_schema_versions(tmp_path, content, schema):
    document, vectors, _ = parts_of(content)
    message = "the file has schema version .* reads up to 1. It needs pellucid "
    refuse(tmp_path / "net", made_up(document, vectors, schema=schema), message)
    refuse(
        tmp_path / "net",
        made_up(document, vectors, schema=None),
        "has schema version none",
    )


def test_other_metadata(tmp_path, content):
    document, vectors, metadata = parts_of(content)
    path = tmp_path / "net"
    refuse(
        path, made_up(document, vectors, author="me"), r"unknown metadata \['author'"
    )
    refuse(path, made_up(document, vectors, sha256=None), "unknown metadata")
    refuse(path, made_up(document, vectors, sha256="0" * 64), "checksum does not match")
    upper = metadata["sha256"].upper()
    refuse(path, made_up(document, vectors, sha256=upper), "checksum does not match")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "its description is not JSON"),
        ("{", "its description is not JSON"),
        ("[" * 90_000, "its description is not JSON"),
        ('{"a":' * 90_000, "its description is not JSON"),
        ("[" * 200_000, "what describes the network has too many pieces"),
        ('{"a":1,"a":1}', "its description is not JSON .a name stands there twice"),
        ('{"a":1e999}', "its description is not JSON .1e999 is no number"),
        ("9" * 5000, "its description is not JSON"),
        ("NaN", "its description is not JSON .NaN is no number"),
        ("null", "the description has the entries NoneType; expected"),
        ("[]", "the description has the entries list; expected"),
        ("3", "the description has the entries int; expected"),
        ("{}", r"the description has the entries \[\]; expected"),
    ],
)
def test_descriptions_that_are_none(tmp_path, content, text, message):
    _, vectors, _ = parts_of(content)
    refuse(tmp_path / "net", made_up(text, vectors), message)


LAYER = {"family": "layer", "name": None}
DENSE = LAYER | Dense(2).config()


def nested(depth):
    config = DENSE
    for _ in range(depth):
        config = Chain([Dense(2)]).config() | {"layers": [config]}
    return config


CHANGES = [
    ({"extra": 1}, "the description has the entries"),
    ({"dtype": "float16"}, "it has the unknown dtype 'float16'"),
    ({"dtype": 3}, "the description has 'dtype' of kind int"),
    ({"seed": True}, "the description has 'seed' of kind bool"),
    ({"seed": 1.5}, "the description has 'seed' of kind float"),
    ({"layers": []}, "a network needs at least one layer|A network needs at least one"),
    ({"layers": [3]}, "Expected the settings of a layer"),
    ({"layers": [{}]}, "Expected the settings of a layer"),
    (
        {"layers": [{"type": "dens"}]},
        "layer 'dens' that is not known here. Did you mean",
    ),
    ({"layers": [{"type": "os:system"}]}, "Import the module 'os', which defines it"),
    ({"layers": [{"type": "relu"}] * 2}, r"settings of 'relu' in the file are \[\]"),
    ({"layers": [DENSE | {"units": "2"}] * 2}, "no valid 'dense': .*whole number"),
    ({"layers": [DENSE | {"units": -2}] * 2}, "no valid 'dense': .*at least 1"),
    ({"layers": [DENSE | {"bias": "no"}] * 2}, "no valid 'dense': .*True or False"),
    ({"layers": [DENSE | {"activation": "relu"}] * 2}, "numbers|settings|needs"),
    (
        {"layers": [DENSE | {"activation": {"family": "os"}}] * 2},
        "unknown kind of part",
    ),
    ({"layers": [DENSE | {"activation": []}] * 2}, "no valid 'dense'"),
    ({"layers": [DENSE | {"name": "a.b"}] * 2}, "without dots"),
    ({"layers": [DENSE | {"units": 10**15}] * 2}, "need other numbers|two or more"),
    ({"layers": [nested(50), nested(50)]}, "need other numbers"),
    ({"loss": {}}, "Expected the settings of a loss"),
    ({"loss": {"type": "mse"}}, "loss 'mse' that is not known here"),
    ({"inputs": {}}, "an input has the entries"),
    ({"inputs": {"shape": "3", "kind": "number"}}, "an input has 'shape' of kind str"),
    ({"inputs": {"shape": [0], "kind": "number"}}, "whole numbers of at least 1"),
    ({"inputs": {"shape": [2.5], "kind": "number"}}, "whole numbers of at least 1"),
    ({"inputs": {"shape": [3], "kind": "pickle"}}, "of kind 'number' or 'integer'"),
    ({"inputs": {"shape": [10**30], "kind": "number"}}, "need other numbers"),
    ({"inputs": {"named": {}}}, "."),
    ({"inputs": {"named": {"a": 3}}}, "."),
    ({"inputs": {"named": {"a": {"named": {}}}}}, "."),
    ({"numbers": []}, "its layers need other numbers than the file has"),
    ({"numbers": [3]}, "its layers need other numbers than the file has"),
    ({"classes": ["a", "b"]}, "Expected 3 different classes"),
    ({"classes": [1, 1, 2]}, "Expected 3 different classes"),
    ({"classes": [[1], [2], [3]]}, "Expected 3 different classes"),
    ({"classes": [{}, {}, {}]}, "no numbers: dict"),
    ({"classes": [1, "a", None]}, "mixes texts with"),
    ({"column": 1}, "the description has 'column' of kind int"),
    ({"frozen": ["dense_9"]}, "No parameter is called 'dense_9'"),
    ({"frozen": [3]}, "No parameter is called '3'"),
    ({"training": None}, r"it has unknown vectors \['history.*, 'memory.v'\]"),
    ({"training": {}}, "the training has the entries"),
]


def test_layers_within_layers_without_end(tmp_path, content):
    document, vectors, _ = parts_of(content)
    for depth in (150, 20_000):
        outer = json.dumps(Chain([Dense(2)]).config() | {"layers": ["HERE"]})
        before, after = outer.split('"HERE"')
        inner = before * depth + json.dumps(DENSE) + after * depth
        text = json.dumps(document | {"layers": ["HERE"]}).replace('"HERE"', inner)
        refuse(tmp_path / "net", made_up(text, vectors))


@pytest.mark.parametrize(("change", "message"), CHANGES)
def test_made_up_descriptions(tmp_path, content, change, message):
    document, vectors, _ = parts_of(content)
    refuse(tmp_path / "net", made_up(document | change, vectors), message)


TRAINING = [
    ({"checkpoint": 1}, "the training has 'checkpoint' of kind int"),
    ({"checkpoint": False}, r"unknown vectors \['memory.v'\]"),
    ({"optimizer": {"type": "adan"}}, "optimizer 'adan' that is not known here"),
    ({"batch_size": 0}, "the training has 'batch_size' of 0"),
    ({"rows": 0}, "the training has 'rows' of 0"),
    ({"step": -1}, "the training has 'step' of -1"),
    ({"origin": 99}, "the training has 'step' of 1"),
    ({"run": -1}, "the training has 'run' of -1"),
    ({"waited": -1}, "the training has 'waited' of -1"),
    ({"best_loss": "low"}, "the training has 'best_loss' of kind str"),
    ({"sums": {}}, r"the sums has the entries \[\]"),
    ({"history": {}}, "the history does not name its metrics"),
    ({"history": {"metrics": [3]}}, "the history does not name its metrics"),
    ({"history": {"metrics": []}}, "The history in the file has other entries"),
]


@pytest.mark.parametrize(("change", "message"), TRAINING)
def test_made_up_trainings(tmp_path, content, change, message):
    document, vectors, _ = parts_of(content)
    document["training"] |= change
    refuse(tmp_path / "net", made_up(document, vectors), message)


def test_made_up_vectors(tmp_path, content):
    document, vectors, _ = parts_of(content)
    path, weights = tmp_path / "net", vectors["weights"]

    def changed(**change):
        merged = {k: v for k, v in (vectors | change).items() if v is not None}
        return made_up(document, merged)

    refuse(path, changed(weights=None), "'weights' must have 17 .*the file has none")
    refuse(path, changed(weights=weights[:-1]), "the file has 16 of float32")
    refuse(path, changed(weights=weights.astype("f8")), "the file has 17 of float64")
    refuse(
        path, changed(weights=weights.astype("f2")), "vector 'weights' is of an unkn"
    )
    refuse(
        path, changed(weights=weights.view("i4")), "vector 'weights' is of an unknown"
    )
    refuse(
        path, changed(weights=weights[None]), "vector 'weights' is of an unknown kind"
    )
    refuse(path, changed(more=weights), r"unknown vectors \['more'\]")


def pieces(value, path=()):
    """Yield the place of every piece of a JSON value."""
    yield path
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from pieces(item, (*path, key))


def put(value, path, new):
    if not path:
        return new
    changed = value.copy()
    changed[path[0]] = put(value[path[0]], path[1:], new)
    return changed


@pytest.mark.parametrize(
    "new", [None, True, -7, 10**40, 2.5, "text", [], {}, [[]], {"family": "layer"}]
)
def test_every_piece_of_a_description_replaced(tmp_path, content, new):
    """The file is refused, or is a network; no other error gets out."""
    document, vectors, _ = parts_of(content)
    path = tmp_path / "net"
    accepted = set()
    for place in pieces(document):
        path.write_bytes(made_up(put(document, place, new), vectors))
        with suppress(ModelFileError):
            net = load(path)
            assert bits(net.weights) == bits(vectors["weights"])
            accepted.add(place[0])
    assert {"dtype", "numbers"}.isdisjoint(accepted)


def test_layers_that_are_not_known_here(tmp_path):
    net = NeuralNetwork([Wave(2.0), Dense(1)], loss="huber", input_shape=3)
    net.fit(X, X[:, 0], epochs=1)
    net.save(tmp_path / "net")
    assert snapshot(load(tmp_path / "net"))["weights"] == bits(net.weights)
    assert load(tmp_path / "net").layers[0] == Wave(2.0)
    program = "import sys, pellucid\npellucid.load(sys.argv[1])"
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "net")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr.splitlines()[-1] == (
        f"pellucid.errors.ModelFileError: {tmp_path / 'net'}: The file names a layer "
        f"{WAVE!r} that is not known here. Import the module {__name__!r}, which "
        "defines it, before loading."
    )


def test_reading_imports_nothing(tmp_path, content):
    document, vectors, _ = parts_of(content)
    for name in ("antigravity:Fly", "this:Zen", "test_files_absent:Layer"):
        config = {"family": "layer", "type": name}
        refuse(
            tmp_path / "net",
            made_up(document | {"layers": [config]}, vectors),
            "Import the module",
        )
        assert name.partition(":")[0] not in sys.modules


def test_huge_sizes_take_no_memory(tmp_path, content):
    resource = pytest.importorskip("resource")
    document, vectors, _ = parts_of(content)
    path = tmp_path / "net"
    size = 10**12
    huge = document | {
        "layers": [Dense(size).config(), Dense(3).config()],
        "numbers": [
            ["dense_1.W", [3, size], "weight"],
            ["dense_1.b", [size], "bias"],
            ["dense_2.W", [size, 3], "weight"],
            ["dense_2.b", [3], "bias"],
        ],
    }
    header = {
        "__metadata__": {"format": "pellucid"},
        "weights": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 2**42]},
    }
    lying = json.dumps(header).encode()
    lying = struct.pack("<Q", len(lying)) + lying + b"\0" * 64
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    tracemalloc.start()
    try:
        refuse(
            path, made_up(huge, vectors), "'weights' must have 7000000000003 numbers"
        )
        refuse(path, lying, "cut off or damaged")
        header["weights"]["shape"] = [4194305, 4194305, 211106198978564]
        text = json.dumps(header).encode()
        refuse(
            path, struct.pack("<Q", len(text)) + text + b"\0" * 16, "of an unknown kind"
        )
        header["weights"]["shape"] = [1] * 70
        text = json.dumps(header).encode()
        refuse(path, struct.pack("<Q", len(text)) + text + b"\0" * 4)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 16 * 2**20
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - used < 64 * 1024


def test_many_layers_are_read_in_good_time(tmp_path, content):
    document, vectors, _ = parts_of(content)
    layers = [Dense(2, name=f"n{i}").config() for i in range(3000)]
    refuse(
        tmp_path / "net",
        made_up(document | {"layers": layers}, vectors),
        "need other numbers|two or more",
    )


def test_a_file_that_repeats_a_name(tmp_path):
    header = (
        b'{"__metadata__":{"format":"pellucid"},'
        b'"weights":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},'
        b'"weights":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    )
    refuse(tmp_path / "net", struct.pack("<Q", len(header)) + header + b"\0" * 4)


def test_a_schedule_in_a_file_keeps_its_kind(tmp_path):
    net = small(optimizer=Momentum(WarmUp(2, Step(0.5, 0.1, 7)), momentum=0.5))
    net.save(tmp_path / "net")
    again = load(tmp_path / "net").training.optimizer
    assert again == Momentum(WarmUp(2, Step(0.5, 0.1, 7)), momentum=0.5)
